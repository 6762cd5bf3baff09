/*
 * kbc/driver.h - what a key broker client is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_DRIVER_H
#define COCO_KBC_DRIVER_H

#include "base/bytes.h"
#include "base/resource.h"

#include <coco/kbc.h>

COCO_DEFINE_CLEANUP(coco_kbc *, coco_kbc_free);

/* Names of keys, and what is wrapped by them. */
#define COCO_KBC_KEY_ID_MAX ((size_t)1024)
#define COCO_KBC_KEY_MAX ((size_t)4 << 10)
#define COCO_KBC_WRAPPED_MAX ((size_t)16 << 10)

/* What a plug-in is told. */
#define COCO_KBC_QUESTION_MAX ((size_t)16 << 20)

/* What stands for a version of a resource: an entity tag (RFC 9110 section 8.8.3). */
#define COCO_KBC_TAG_SIZE 128

/* What a guest has of a resource. */
struct coco_kbc_held {
    char tag[COCO_KBC_TAG_SIZE]; /* "" if nothing stands for it */
    bool leased;
    uint64_t lease; /* s that it may be used for after it was asked for, if so */
};

/* Some bytes that are lent: a key, or what became of one. */
struct coco_kbc_blob {
    const uint8_t *data;
    size_t len;
};

/* What a plug-in of a broker is asked. */
struct coco_kbc_question {
    const char *method;
    const struct coco_plugin_uri *uri;
    struct coco_kbc_blob body; /* data is NULL: without one */
};

/* One KBC; the table of them is in kbc.c. */
struct coco_kbc_driver {
    const char *name;
    /* uri is what follows "<name>::"; COCO_ERR_INVALID if it is none of this KBC's. */
    coco_status (*open)(const char *uri, void **ret, coco_error **err);
    void (*close)(void *self);
    coco_status (*get)(void *self, coco_ctx *ctx, const struct coco_resource_path *path,
                       coco_bytes **ret, coco_error **err);

    /*
     * As get, but *ret stays NULL if it is still what held->tag stands for; else that becomes
     * what stands for it. The lease is anew in either case. NULL for a KBC that knows neither.
     */
    coco_status (*get_newer)(void *self, coco_ctx *ctx, const struct coco_resource_path *path,
                             struct coco_kbc_held *held, coco_bytes **ret, coco_error **err);

    /* NULL for a KBC whose broker has no plug-ins. */
    coco_status (*ask)(void *self, coco_ctx *ctx, const struct coco_kbc_question *question,
                       coco_bytes **ret, coco_error **err);

    /* NULL, both, for a KBC that has no keys to wrap others by. */
    coco_status (*wrap)(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *key,
                        coco_bytes **ret, coco_error **err);
    coco_status (*unwrap)(void *self, coco_ctx *ctx, const char *id,
                          const struct coco_kbc_blob *wrapped, coco_bytes **ret, coco_error **err);

    /* NULL, both, for a KBC that asks nobody. */
    coco_status (*set_proxy)(void *self, const char *url, const char *no_proxy, coco_error **err);
    void (*set_retries)(void *self, uint32_t retries);

    /* NULL, all of them, for a KBC that does not attest. */
    coco_status (*attest)(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err);
    coco_status (*attest_for)(
        void *self, coco_ctx *ctx, const char *audience, coco_bytes **ret,
        coco_error **err); /* NULL also for one whose tokens are for it alone */
    coco_status (*get_passport)(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err);
    coco_status (*set_passport)(void *self, const uint8_t *text, size_t len, coco_error **err);
    void (*set_attester)(void *self, coco_attester *attester);
    /* Takes over the attester on success. */
    coco_status (*add_device)(void *self, coco_attester *attester, coco_error **err);
    coco_status (*set_tls_ca)(void *self, const uint8_t *pem, size_t len, coco_error **err);
    coco_status (*set_tee_key)(void *self, coco_tee_key kind, coco_error **err);
    coco_status (*set_init_data)(void *self, const char *toml, coco_error **err);
};

/* A KBC of driver, which owns self, also if the call fails. */
coco_status coco_kbc_wrap(const struct coco_kbc_driver *driver, void *self, coco_kbc **ret,
                          coco_error **err);

/* coco_kbc_get_resource() of what is not held yet; *ret stays NULL if it is. */
coco_status coco_kbc_get_newer(coco_kbc *kbc, coco_ctx *ctx, const char *uri,
                               struct coco_kbc_held *held, coco_bytes **ret, coco_error **err);

extern const struct coco_kbc_driver coco_cc_kbc;
extern const struct coco_kbc_driver coco_eaa_kbc;
extern const struct coco_kbc_driver coco_offline_fs_kbc;
extern const struct coco_kbc_driver coco_offline_sev_kbc;
extern const struct coco_kbc_driver coco_online_sev_kbc; /* only with COCO_HAVE_RPC */
extern const struct coco_kbc_driver coco_pkcs11_kbc;     /* only with COCO_HAVE_PKCS11 */
extern const struct coco_kbc_driver coco_sample_kbc;
extern const struct coco_kbc_driver coco_vault_kbc;

#endif
