/*
 * fuzz/image_ref/target.c - what a reference means does not change when it is written out
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/image.h>

#include "base/cleanup.h"
#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

static bool
same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The parts end up in URLs and in paths: nothing that means something else there. */
static void
check_parts(const coco_image_ref *ref)
{
    const char *registry = coco_image_ref_registry(ref);
    const char *repository = coco_image_ref_repository(ref);
    const char *tag = coco_image_ref_tag(ref);
    const char *text = coco_image_ref_digest(ref);
    struct coco_digest digest;

    if ((registry != NULL) != (strcmp(coco_image_ref_transport(ref), "docker") == 0))
        abort();
    if (registry && (!*registry || strpbrk(registry, "/@?#%\\[] \r\n")))
        abort();
    if (!*repository
        || (registry
            && (strpbrk(repository, ":@?#%\\ \r\n") || strstr(repository, "..")
                || strstr(repository, "//") || *repository == '/')))
        abort();
    /* Elsewhere a tag may be a name with one, or an image's number: it is in no URL or path. */
    if (tag
        && (!*tag || *tag == '.' || *tag == '-'
            || strpbrk(tag, registry ? "/:@?#%\\ \r\n" : "?#%\\ \r\n")))
        abort();
    if (text && coco_digest_parse(text, &digest, NULL) != COCO_OK)
        abort();
    if (registry && !tag && !text)
        abort();
}

static void
check_round_trip(const coco_image_ref *want)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *got = NULL;

    if (coco_image_ref_parse(coco_image_ref_text(want), &got, NULL) != COCO_OK
        || !same(coco_image_ref_transport(got), coco_image_ref_transport(want))
        || !same(coco_image_ref_registry(got), coco_image_ref_registry(want))
        || !same(coco_image_ref_repository(got), coco_image_ref_repository(want))
        || !same(coco_image_ref_tag(got), coco_image_ref_tag(want))
        || !same(coco_image_ref_digest(got), coco_image_ref_digest(want))
        || !same(coco_image_ref_text(got), coco_image_ref_text(want)))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_free_ char *text = strndup((const char *)data, len);
    coco_error *err = NULL;

    if (!text)
        return 0;
    coco_status status = coco_image_ref_parse(text, &ref, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (ref != NULL) || (status != COCO_OK && status != COCO_ERR_INVALID))
        abort();
    if (ref) {
        check_parts(ref);
        check_round_trip(ref);
    }
    return 0;
}
