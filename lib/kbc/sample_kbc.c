/*
 * kbc/sample_kbc.c - one key that everybody knows, for tests
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/fail.h"

/* The key of upstream's coco_keyprovider under "sample=true" (guest-protocols 5.7). */
static const uint8_t sample_key[] = {
    0xd9, 0x9b, 0x77, 0x05, 0xb0, 0xba, 0x7a, 0x16, 0x82, 0x95, 0xb3, 0xa3, 0x36, 0x72, 0x70, 0xb0,
    0xdd, 0x9b, 0x37, 0x1b, 0xf5, 0x14, 0xca, 0x8b, 0x9b, 0xa7, 0xf0, 0xa3, 0x37, 0x11, 0xda, 0xea,
};

static coco_status
sample_open(const char *uri, void **ret, coco_error **err)
{
    if (uri[0] != '\0')
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s': nothing may follow sample_kbc::", uri);
    *ret = NULL;
    return COCO_OK;
}

static void
sample_close(void *self)
{
    (void)self;
}

/* Whatever its name: upstream's images name the one key in several ways. */
static coco_status
sample_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
           coco_error **err)
{
    (void)self;
    (void)ctx;
    (void)path;
    return coco_bytes_new(sample_key, sizeof(sample_key), ret, err);
}

const struct coco_kbc_driver coco_sample_kbc = {
    .name = "sample_kbc",
    .open = sample_open,
    .close = sample_close,
    .get = sample_get,
};
