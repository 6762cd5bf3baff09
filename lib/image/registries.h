/*
 * image/registries.h - where images are got from instead (containers-registries.conf(5))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_REGISTRIES_H
#define COCO_IMAGE_REGISTRIES_H

#include "base/address.h"
#include "base/json.h"
#include "image/ref.h"

/* Mirrors of one registry. */
#define COCO_MIRRORS_MAX 16
/* They, its location, and a cache. */
#define COCO_PLACES_MAX (COCO_MIRRORS_MAX + 2)

struct coco_registries {
    cJSON *json; /* parsed and checked registries.conf, or NULL: all is as it is named */
};

/*
 * Reads a registries.conf of version 2. COCO_ERR_PROTO for what is none, and for keys
 * that are not known; COCO_ERR_NOTSUP for version 1 and for credential-helpers other
 * than containers-auth.json; COCO_ERR_LIMIT for too many mirrors.
 */
coco_status coco_registries_parse(const void *toml, size_t len, struct coco_registries *ret,
                                  coco_error **err);
void coco_registries_done(struct coco_registries *registries);

/* One place to ask. */
struct coco_place {
    coco_image_ref *ref;
    bool insecure; /* it is asked without TLS */
    /* Lent: the cache that is asked instead; or NULL. It is not asked what a tag means. */
    const struct coco_address *cache;
};

struct coco_places {
    struct coco_place list[COCO_PLACES_MAX];
    size_t n;
};

void coco_places_done(struct coco_places *places);
#define _cleanup_places_ _cleanup_(coco_places_done)

/*
 * Where the image is to be got from: the mirrors that the [[registry]] with the longest
 * prefix of its name has for such a reference, in their order, and last its location.
 * COCO_ERR_DENIED if the registry is blocked, COCO_ERR_INVALID for a short name that
 * the file would look for elsewhere than the reference does.
 */
coco_status coco_registries_find(const struct coco_registries *registries,
                                 const coco_image_ref *ref, struct coco_places *ret,
                                 coco_error **err);

/* The same for where it is to be put: under its own name, with or without TLS. */
coco_status coco_registries_find_own(const struct coco_registries *registries,
                                     const coco_image_ref *ref, bool *insecure, coco_error **err);

/* Puts the cache, for the image ref, before all others. */
coco_status coco_places_add_cache(struct coco_places *places, const coco_image_ref *ref,
                                  const struct coco_address *cache, coco_error **err);

#endif
