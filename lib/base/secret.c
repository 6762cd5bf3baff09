/*
 * base/secret.c - bytes that must not be seen
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/secret.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

coco_status
coco_secret_alloc(size_t len, struct coco_secret *ret, coco_error **err)
{
    /* One more, so that an empty secret is not a failed allocation. */
    uint8_t *data = len < SIZE_MAX ? calloc(1, len + 1) : NULL;
    if (!data)
        return coco_fail_nomem(err);

    *ret = (struct coco_secret){.data = data, .len = len};
    return COCO_OK;
}

coco_status
coco_secret_copy(const void *data, size_t len, struct coco_secret *ret, coco_error **err)
{
    coco_status status = coco_secret_alloc(len, ret, err);
    if (status == COCO_OK && len > 0)
        memcpy(ret->data, data, len);
    return status;
}

coco_status
coco_secret_random(size_t len, struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_secret_alloc(len, &secret, err);
    if (status == COCO_OK)
        status = coco_random(secret.data, len, err);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&secret);
    return status;
}

coco_status
coco_secret_take(struct coco_buf *buf, struct coco_secret *ret, coco_error **err)
{
    coco_status status = coco_buf_append(buf, "", 0, err);
    if (status != COCO_OK)
        return status;

    *ret = (struct coco_secret){.data = buf->data, .len = buf->len};
    *buf = (struct coco_buf){.limit = buf->limit};
    return COCO_OK;
}

bool
coco_secret_equal(const struct coco_secret *a, const void *data, size_t len)
{
    return a->len == len && CRYPTO_memcmp(a->data, data, len) == 0;
}

struct coco_secret
coco_secret_steal(struct coco_secret *secret)
{
    struct coco_secret stolen = *secret;

    *secret = (struct coco_secret){0};
    return stolen;
}

void
coco_secret_done(struct coco_secret *secret)
{
    if (secret->data)
        OPENSSL_cleanse(secret->data, secret->len);
    free(secret->data);
    *secret = (struct coco_secret){0};
}

coco_status
coco_random(void *data, size_t len, coco_error **err)
{
    if (len > INT32_MAX || RAND_bytes(data, (int)len) != 1)
        return coco_fail(err, COCO_ERR_IO, "no random bytes to be had");
    return COCO_OK;
}
