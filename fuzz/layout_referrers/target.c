/*
 * fuzz/layout_referrers/target.c - what may refer to an image of a layout is looked at without harm
 *
 * The input is a manifest of the layout, which its index names as what it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout_dir.h"

#include "base/fail.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
    const uint8_t *data;
    size_t len;
    struct coco_digest digest;
};

static coco_status
write_index(const struct input *input, struct coco_buf *buf, coco_error **err)
{
    char digest[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&input->digest, digest);
    return coco_buf_printf(buf, err,
                           "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                           "\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu}]}",
                           digest, input->len);
}

static coco_status
read_file(void *self, const char *name, struct coco_buf *buf, coco_error **err)
{
    const struct input *input = self;

    return strcmp(name, "index.json") == 0 ? write_index(input, buf, err)
                                           : coco_buf_append(buf, input->data, input->len, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct input input = {.data = data, .len = len};
    const struct coco_files files = {.read = read_file, .self = &input};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_manifest_ struct coco_manifest index = {0};
    struct coco_digest subject = {.alg = COCO_SHA256};
    coco_ctx *ctx = NULL;

    if (coco_digest_of(COCO_SHA256, data, len, &input.digest, NULL) != COCO_OK
        || coco_ctx_new(&ctx, NULL) != COCO_OK)
        return 0;
    coco_status status = coco_layout_referrers(&files, ctx, &subject, &text, NULL);
    coco_ctx_free(ctx);
    /* What is told can be read, and is of the manifest. */
    if (status == COCO_OK
        && (coco_manifest_parse(text.data, text.len, COCO_MEDIA_OCI_INDEX, COCO_LAYERS_ANY, &index,
                                NULL)
                != COCO_OK
            || index.n_layers != 1 || !coco_digest_equal(&index.layers[0].digest, &input.digest)))
        abort();
    return 0;
}
