/*
 * kbc/pkcs11_kbc.c - a token of hardware, by PKCS#11: secrets and keys that are in it
 *
 * The resource a/b/c is the data object of that label. Keys wrap others by AES-GCM.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "crypto/pkcs11.h"

#include <pthread.h>
#include <sys/stat.h>

struct pkcs11_kbc {
    struct coco_pkcs11_uri uri;
    pthread_mutex_t lock; /* of what follows */
    struct coco_pkcs11 token;
    bool open;
    bool refused;       /* the PIN, by the token */
    struct stat pin_of; /* the file that had it then */
};

static void
pkcs11_kbc_close(void *self)
{
    struct pkcs11_kbc *kbc = self;

    coco_pkcs11_close(&kbc->token);
    (void)pthread_mutex_destroy(&kbc->lock);
    free(kbc);
}

/* The module is code: it is loaded when somebody asks for what is in the token, not before. */
static coco_status
pkcs11_kbc_open(const char *uri, void **ret, coco_error **err)
{
    struct coco_pkcs11_uri parsed;

    coco_status status = coco_pkcs11_uri_parse(uri, &parsed, err);
    if (status != COCO_OK)
        return status;
    struct pkcs11_kbc *kbc = calloc(1, sizeof(*kbc));
    if (!kbc)
        return coco_fail_nomem(err);
    kbc->uri = parsed;
    (void)pthread_mutex_init(&kbc->lock, NULL);
    *ret = kbc;
    return COCO_OK;
}

/* Whether the file of the PIN is the one that the token refused what is in. */
static bool
is_refused(const struct pkcs11_kbc *kbc)
{
    struct stat now;

    return kbc->refused && stat(kbc->uri.pin_file, &now) == 0 && now.st_ino == kbc->pin_of.st_ino
           && now.st_size == kbc->pin_of.st_size && now.st_mtim.tv_sec == kbc->pin_of.st_mtim.tv_sec
           && now.st_mtim.tv_nsec == kbc->pin_of.st_mtim.tv_nsec;
}

/* Who asks for secrets would lock the token, which takes so many wrong PINs and then none. */
static coco_status
open_token(struct pkcs11_kbc *kbc, coco_error **err)
{
    if (is_refused(kbc))
        return coco_fail(err, COCO_ERR_DENIED, "the token has refused the PIN in %s",
                         kbc->uri.pin_file);
    coco_status status = coco_pkcs11_open(&kbc->uri, &kbc->token, err);
    kbc->refused = status == COCO_ERR_DENIED && stat(kbc->uri.pin_file, &kbc->pin_of) == 0;
    return status;
}

/* The token, open; one that could not be opened is tried again. */
static coco_status
take_token(struct pkcs11_kbc *kbc, struct coco_pkcs11 *ret, coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&kbc->lock);
    if (!kbc->open)
        status = open_token(kbc, err);
    kbc->open = status == COCO_OK;
    *ret = kbc->token;
    (void)pthread_mutex_unlock(&kbc->lock);
    return status;
}

static coco_status
pkcs11_kbc_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
               coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    struct coco_pkcs11 token;

    (void)ctx;
    coco_status status = take_token(self, &token, err);
    if (status == COCO_OK)
        status = coco_pkcs11_read(&token, path->text, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

static coco_status
pkcs11_kbc_wrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *key,
                coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBC_WRAPPED_MAX};
    struct coco_pkcs11 token;

    (void)ctx;
    coco_status status = take_token(self, &token, err);
    if (status == COCO_OK)
        status = coco_pkcs11_wrap(&token, id, key->data, key->len, &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

static coco_status
pkcs11_kbc_unwrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *wrapped,
                  coco_bytes **ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    struct coco_pkcs11 token;

    (void)ctx;
    coco_status status = take_token(self, &token, err);
    if (status == COCO_OK)
        status = coco_pkcs11_unwrap(&token, id, wrapped->data, wrapped->len, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

const struct coco_kbc_driver coco_pkcs11_kbc = {
    .name = "pkcs11_kbc",
    .open = pkcs11_kbc_open,
    .close = pkcs11_kbc_close,
    .get = pkcs11_kbc_get,
    .wrap = pkcs11_kbc_wrap,
    .unwrap = pkcs11_kbc_unwrap,
};
