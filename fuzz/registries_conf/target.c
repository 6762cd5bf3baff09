/*
 * fuzz/registries_conf/target.c - an image is looked for under names that are names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registries.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was asked for is among what leads there, unless the file names a location. */
static void
check_places(const struct coco_registries *registries, const coco_image_ref *ref, bool may_differ)
{
    _cleanup_places_ struct coco_places places = {0};
    bool insecure = false;

    coco_status status = coco_registries_find(registries, ref, &places, NULL);
    coco_status own = coco_registries_find_own(registries, ref, &insecure, NULL);
    if (status != COCO_OK) {
        if (places.n > 0)
            abort();
        return;
    }
    if (own != COCO_OK || places.n == 0 || places.n > COCO_MIRRORS_MAX + 1)
        abort();
    for (size_t i = 0; i < places.n; i++) {
        const coco_image_ref *place = places.list[i].ref;
        const char *digest = coco_image_ref_digest(ref);

        if (strcmp(coco_image_ref_transport(place), "docker") != 0)
            abort();
        /* No place is asked for other bytes, and none for the same name is another. */
        if (!may_differ && digest
            && (!coco_image_ref_digest(place) || strcmp(coco_image_ref_digest(place), digest) != 0))
            abort();
        if (!may_differ && strcmp(coco_image_ref_text(place), coco_image_ref_text(ref)) != 0)
            abort();
    }
}

#define PINNED                                                                                     \
    "x.a.test:5000/ns/y@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = {
        "busybox",
        "a.test/x:1",
        PINNED,
    };
    struct coco_registries registries = {0};

    coco_status status = coco_registries_parse(data, len, &registries, NULL);
    if ((status == COCO_OK) != (registries.json != NULL))
        abort();
    /* An escaped letter would hide the word, but then there is a backslash. */
    bool may_differ = memmem(data, len, "location", 8) || memchr(data, '\\', len);
    for (size_t i = 0; status == COCO_OK && i < sizeof(names) / sizeof(names[0]); i++) {
        coco_image_ref *ref = NULL;

        if (coco_image_ref_parse(names[i], &ref, NULL) != COCO_OK)
            abort();
        check_places(&registries, ref, may_differ);
        coco_image_ref_free(ref);
    }
    coco_registries_done(&registries);
    return 0;
}
