/*
 * kbc/online_sev_kbc.c - secrets of simple-kbs for an SEV guest that runs
 *
 * The guest was launched with a connection that simple-kbs made for it: whose measurement
 * its owner did not like has none. Answers are sealed with the connection's key, so it
 * takes no TLS to know whose they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "attester/efi_secret.h"
#include "base/fail.h"
#include "kbc/simple_kbs.h"
#include "net/peer.h"

#include <string.h>

/* Upstream's, for the connection. */
#define GUID "1ee27366-0c87-43a6-af48-28543eaf7cb0"

struct online_sev_kbc {
    struct coco_simple_kbs kbs;
    struct coco_simple_kbs_connection connection;
};

static void
online_sev_close(void *self)
{
    struct online_sev_kbc *kbc = self;

    if (!kbc)
        return;
    coco_simple_kbs_connection_done(&kbc->connection);
    coco_certificates_free(kbc->kbs.grpc.tls.roots);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct online_sev_kbc *, online_sev_close);

static coco_status
online_sev_open(const char *uri, void **ret, coco_error **err)
{
    _cleanup_(online_sev_closep) struct online_sev_kbc *kbc = calloc(1, sizeof(*kbc));
    _cleanup_secret_ struct coco_secret text = {0};

    if (!kbc)
        return coco_fail_nomem(err);
    coco_status status = coco_target_parse(uri, &kbc->kbs.grpc.target, err);
    if (status == COCO_OK)
        status = coco_efi_secret_read(&coco_kernel, GUID, &text, err);
    if (status == COCO_OK)
        status = coco_simple_kbs_connection_parse((const char *)text.data, text.len,
                                                  &kbc->connection, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&kbc);
    return COCO_OK;
}

/*
 * simple-kbs keeps keys and resources apart, and who asks has to know which of them it
 * wants; a path of ours does not say it, but for what "key" in it suggests. Where the one
 * is not there, the other is asked for.
 */
static coco_status
get_either(const struct online_sev_kbc *kbc, coco_ctx *ctx, const struct coco_resource_path *path,
           struct coco_secret *ret, coco_error **err)
{
    bool key_first = strcmp(path->type, "key") == 0;
    bool missing = false;
    coco_error *why = NULL;

    (void)coco_simple_kbs_get_online(&kbc->kbs, ctx, &kbc->connection,
                                     key_first ? "key" : "resource", path->text, ret, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &missing, err);
    if (status == COCO_OK && missing)
        status = coco_simple_kbs_get_online(&kbc->kbs, ctx, &kbc->connection,
                                            key_first ? "resource" : "key", path->text, ret, err);
    return status;
}

static coco_status
online_sev_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
               coco_error **err)
{
    const struct online_sev_kbc *kbc = self;
    _cleanup_secret_ struct coco_secret secret = {0};

    /* As upstream has it: who the guest is to simple-kbs. */
    if (strcmp(path->type, "client-id") == 0)
        return coco_bytes_new((const uint8_t *)kbc->connection.client_id,
                              strlen(kbc->connection.client_id), ret, err);
    coco_status status = get_either(kbc, ctx, path, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

static coco_status
set_tls_ca(void *self, const uint8_t *pem, size_t len, coco_error **err)
{
    struct online_sev_kbc *kbc = self;
    STACK_OF(X509) *roots = NULL;

    coco_status status = coco_certificates_parse(pem, len, &roots, err);
    if (status != COCO_OK)
        return status;
    coco_certificates_free(kbc->kbs.grpc.tls.roots);
    kbc->kbs.grpc.tls.roots = roots;
    return COCO_OK;
}

static coco_status
set_proxy(void *self, const char *url, const char *no_proxy, coco_error **err)
{
    (void)self, (void)no_proxy;
    if (url && *url != '\0')
        return coco_fail(err, COCO_ERR_NOTSUP, "online_sev_kbc goes through no proxy");
    return COCO_OK;
}

static void
set_retries(void *self, uint32_t retries)
{
    struct online_sev_kbc *kbc = self;

    kbc->kbs.policy.retries = coco_retries(retries);
}

const struct coco_kbc_driver coco_online_sev_kbc = {
    .name = "online_sev_kbc",
    .open = online_sev_open,
    .close = online_sev_close,
    .get = online_sev_get,
    .set_proxy = set_proxy,
    .set_retries = set_retries,
    .set_tls_ca = set_tls_ca,
};
