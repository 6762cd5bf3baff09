/*
 * image/verify.c - the digest of what is written
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "image/unpack.h"

struct coco_verify_sink {
    struct coco_digest want;
    struct coco_hash hash;
};

static coco_status
verify_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_verify_sink *verify = self;

    return coco_hash_add(&verify->hash, data, len, err);
}

static coco_status
verify_end(void *self, coco_error **err)
{
    struct coco_verify_sink *verify = self;
    struct coco_digest got;

    coco_status status = coco_hash_end(&verify->hash, &got, err);
    return status == COCO_OK ? coco_digest_check(&got, &verify->want, err) : status;
}

coco_status
coco_verify_sink_new(const struct coco_digest *want, struct coco_verify_sink **ret,
                     coco_error **err)
{
    _cleanup_(coco_verify_sink_freep) struct coco_verify_sink *verify = calloc(1, sizeof(*verify));
    if (!verify)
        return coco_fail_nomem(err);

    verify->want = *want;
    coco_status status = coco_hash_begin(&verify->hash, want->alg, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&verify);
    return COCO_OK;
}

void
coco_verify_sink_free(struct coco_verify_sink *verify)
{
    if (!verify)
        return;
    coco_hash_done(&verify->hash);
    free(verify);
}

struct coco_sink
coco_verify_sink_sink(struct coco_verify_sink *verify)
{
    return (struct coco_sink){.write = verify_write, .end = verify_end, .self = verify};
}
