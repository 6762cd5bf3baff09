/*
 * image/manifest.h - OCI and Docker manifests, indexes and image configs
 *
 * Sources: image-spec 1.1 manifest.md, image-index.md, config.md; Docker image
 * manifest v2 schema 2. All of it comes from a registry and is hostile (T9, T10).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_MANIFEST_H
#define COCO_IMAGE_MANIFEST_H

#include "base/digest.h"
#include "base/json.h"

#define COCO_MANIFEST_SIZE_MAX ((size_t)4 << 20)
/* For max_layers where the size of the text is bound enough: of a manifest that is passed on. */
#define COCO_LAYERS_ANY SIZE_MAX
#define COCO_INDEX_DEPTH_MAX 4

struct coco_descriptor {
    const char *media_type; /* lent by the JSON it was read from */
    struct coco_digest digest;
    uint64_t size;
    const cJSON *annotations; /* or NULL */
};

/* image-spec 1.1, annotations.md: COCO_ERR_PROTO unless all members are strings; NULL and null have
 * none. */
coco_status coco_manifest_check_annotations(const cJSON *annotations, coco_error **err);

/* Adds {mediaType, digest, size} to the end of an array, or as the member name of an object. */
coco_status coco_descriptor_add(cJSON *to, const char *name, const char *media_type,
                                const struct coco_digest *digest, uint64_t size, cJSON **ret,
                                coco_error **err);

struct coco_platform {
    char os[32];
    char architecture[32];
    char variant[32]; /* "" for none */
};

/* "linux/arm64/v8"; COCO_ERR_INVALID for anything else. */
coco_status coco_platform_parse(const char *text, struct coco_platform *ret, coco_error **err);
void coco_platform_host(struct coco_platform *ret);

/* What a registry is asked for, and what is sent back to one. */
#define COCO_MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define COCO_MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define COCO_MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define COCO_MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define COCO_MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define COCO_MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

struct coco_manifest {
    cJSON *json;            /* owns all texts */
    const char *media_type; /* one of the four above; static */
    bool is_index;
    bool is_docker; /* rather than OCI */
    struct coco_descriptor config;
    struct coco_descriptor *layers; /* bottom first; in an index, its entries */
    size_t n_layers;
};

/*
 * Parses a manifest or an index; media_type is what the descriptor or the
 * Content-Type said and must agree with the mediaType inside, unless it is "" or
 * says nothing (application/json and its like). COCO_ERR_PROTO for both kinds in
 * one document, schemaVersion other than 2 and schema 1; COCO_ERR_NOTSUP for
 * artifacts; COCO_ERR_LIMIT for too many layers.
 */
coco_status coco_manifest_parse(const void *data, size_t len, const char *media_type,
                                size_t max_layers, struct coco_manifest *ret, coco_error **err);
/*
 * The same for what is attached to an image, such as a signature: an OCI manifest whose config may
 * be of any type.
 */
coco_status coco_artifact_parse(const void *data, size_t len, const char *media_type,
                                size_t max_layers, struct coco_manifest *ret, coco_error **err);
void coco_manifest_done(struct coco_manifest *manifest);
#define _cleanup_manifest_ _cleanup_(coco_manifest_done)

/*
 * Begins an OCI manifest with the config of that digest and size; *layers lies in it
 * and is empty.
 */
coco_status coco_manifest_begin(const struct coco_digest *config, uint64_t size, cJSON **ret,
                                cJSON **layers, coco_error **err);

/* Begins an OCI index; *entries lies in it and is empty. */
coco_status coco_index_begin(cJSON **ret, cJSON **entries, coco_error **err);

/*
 * The entry of an index that fits the platform best: the same variant, then one
 * that the platform can run (arm v7 runs v6, amd64 v3 runs v2 and none), the
 * first of equals. COCO_ERR_NOTFOUND with the platforms that are there.
 */
coco_status coco_index_choose(const struct coco_manifest *index,
                              const struct coco_platform *platform,
                              const struct coco_descriptor **ret, coco_error **err);

struct coco_image_config {
    cJSON *json; /* owns all texts */
    struct coco_digest *diff_ids;
    size_t n_diff_ids;
    const cJSON *config; /* the runtime part, or NULL */
};

/*
 * Parses a config, whose os, if stated, must be linux and whose platform must be the
 * one asked; NULL for any.
 */
coco_status coco_image_config_parse(const void *data, size_t len,
                                    const struct coco_platform *platform,
                                    struct coco_image_config *ret, coco_error **err);
/* COCO_ERR_PROTO unless there is a diff_id for each layer. */
coco_status coco_image_config_fits(const struct coco_image_config *config, size_t n_layers,
                                   coco_error **err);
void coco_image_config_done(struct coco_image_config *config);
#define _cleanup_image_config_ _cleanup_(coco_image_config_done)

enum coco_compression {
    COCO_UNCOMPRESSED,
    COCO_GZIP,
    COCO_ZSTD,
};

/* What a layer's media type says, OCI and Docker, foreign and not; COCO_ERR_NOTSUP for others. */
coco_status coco_layer_media_type(const char *media_type, enum coco_compression *compression,
                                  bool *encrypted, coco_error **err);

/* The OCI media type of a layer of that kind, encrypted or not; static. */
const char *coco_layer_media_type_name(enum coco_compression compression, bool encrypted);

#endif
