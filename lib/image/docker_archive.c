/*
 * image/docker_archive.c - reading images from a tar file of docker
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/docker_archive.h"

#include "base/context.h"
#include "base/fail.h"
#include "image/archive.h"

#include <stdio.h>
#include <string.h>

#define DOCKER "docker://"
#define IMAGES_MAX 1024
#define LAYERS_MAX 4096
#define MAGIC_SIZE ((size_t)4)

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct blob {
    struct coco_digest digest;
    const struct coco_member *member;
};

struct docker_archive {
    struct coco_archive *archive;
    char *name;   /* the image's, in full; NULL for none */
    size_t index; /* of the image, if by_index */
    bool by_index;
    struct blob *blobs; /* of the image, its config first, once it was asked for */
    size_t n;
};

/* Whether a tag is name in another form; what is no name is nobody's. */
static coco_status
is_name(const char *tag, const char *name, bool *ret, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_free_ char *text = NULL;

    if (asprintf(&text, DOCKER "%s", tag) < 0) {
        text = NULL; /* asprintf() leaves it undefined */
        return coco_fail_nomem(err);
    }
    coco_status status = coco_image_ref_parse(text, &ref, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return COCO_OK;
    const char *full = coco_image_ref_text(ref);
    full += strncmp(full, DOCKER, strlen(DOCKER)) == 0 ? strlen(DOCKER) : 0;
    *ret = *ret || strcmp(full, name) == 0;
    return COCO_OK;
}

static coco_status
is_called(const cJSON *image, const char *name, bool *ret, coco_error **err)
{
    const cJSON *tags = NULL;
    const cJSON *tag = NULL;

    *ret = false;
    coco_status status = coco_json_get_array_opt(image, "RepoTags", &tags, err);
    cJSON_ArrayForEach(tag, tags) {
        if (!cJSON_IsString(tag))
            return coco_fail(err, COCO_ERR_PROTO, "a tag of an image is not a string");
        status = is_name(tag->valuestring, name, ret, err);
        if (status != COCO_OK)
            return status;
    }
    return status;
}

static coco_status
choose_by_name(const cJSON *images, const char *name, const cJSON **ret, coco_error **err)
{
    const cJSON *found = NULL;
    const cJSON *image = NULL;

    cJSON_ArrayForEach(image, images) {
        bool called = false;

        coco_status status = is_called(image, name, &called, err);
        if (status != COCO_OK)
            return status;
        if (called && found)
            return coco_fail(err, COCO_ERR_PROTO, "two images are called '%.300s'", name);
        if (called)
            found = image;
    }
    if (!found)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no image is called '%.300s'", name);
    *ret = found;
    return COCO_OK;
}

/* The image that the reference means. */
static coco_status
choose(const struct docker_archive *docker, const cJSON *images, const cJSON **ret,
       coco_error **err)
{
    size_t n = (size_t)cJSON_GetArraySize(images);

    if (!cJSON_IsArray(images))
        return coco_fail(err, COCO_ERR_PROTO, "manifest.json is not a list");
    if (n > IMAGES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%zu images, of which %d are allowed", n, IMAGES_MAX);
    if (docker->name)
        return choose_by_name(images, docker->name, ret, err);
    if (!docker->by_index && n != 1)
        return coco_fail(err, n ? COCO_ERR_INVALID : COCO_ERR_NOTFOUND,
                         "there are %zu images in it%s", n,
                         n ? ": name one, or say which by '@' and its number" : "");
    if (docker->index >= n)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no image '@%zu', for there are %zu",
                         docker->index, n);
    *ret = cJSON_GetArrayItem(images, (int)docker->index);
    return COCO_OK;
}

static coco_status
find_member(const struct docker_archive *docker, const char *name, const struct coco_member **ret,
            coco_error **err)
{
    return coco_archive_find(docker->archive, name + (strncmp(name, "./", 2) == 0 ? 2 : 0), ret,
                             err);
}

/* The config, whose digest is that of its bytes, and what it says of the layers. */
static coco_status
read_config(struct docker_archive *docker, const cJSON *image, struct coco_image_config *ret,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};
    struct blob *blob = &docker->blobs[0];
    const char *name = NULL;

    coco_status status = coco_json_get_string(image, "Config", &name, err);
    if (status == COCO_OK)
        status = find_member(docker, name, &blob->member, err);
    if (status == COCO_OK)
        status = coco_archive_read(docker->archive, blob->member, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, coco_buf_text(&text), text.len, &blob->digest, err);
    if (status == COCO_OK)
        status = coco_image_config_parse(coco_buf_text(&text), text.len, NULL, ret, err);
    return status;
}

static coco_status
hash_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_hash_add(self, data, len, err);
}

static coco_status
compute_digest(const struct docker_archive *docker, coco_ctx *ctx, struct blob *blob,
               coco_error **err)
{
    struct coco_hash hash = {0};
    const struct coco_sink sink = {.write = hash_write, .self = &hash};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_archive_send(docker->archive, ctx, blob->member, &sink, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &blob->digest, err);
    coco_hash_done(&hash);
    return status;
}

/* Nothing says how a layer is compressed but its first bytes. */
static coco_status
find_compression(const struct docker_archive *docker, const struct coco_member *member,
                 enum coco_compression *ret, coco_error **err)
{
    char magic[MAGIC_SIZE] = "";
    size_t n = 0;

    coco_status status =
        coco_archive_peek(docker->archive, member, (uint8_t *)magic, sizeof(magic), &n, err);
    if (status != COCO_OK)
        return status;
    *ret = COCO_UNCOMPRESSED;
    if (strncmp(magic, "\x1f\x8b", 2) == 0)
        *ret = COCO_GZIP;
    if (strncmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
        *ret = COCO_ZSTD;
    return COCO_OK;
}

static coco_status
add_layer(const struct docker_archive *docker, coco_ctx *ctx, const cJSON *name,
          const struct coco_digest *diff_id, struct blob *blob, cJSON *layers, coco_error **err)
{
    enum coco_compression compression = COCO_UNCOMPRESSED;
    cJSON *json = NULL;

    if (!cJSON_IsString(name))
        return coco_fail(err, COCO_ERR_PROTO, "its name is not a string");
    coco_status status = find_member(docker, name->valuestring, &blob->member, err);
    if (status == COCO_OK)
        status = find_compression(docker, blob->member, &compression, err);
    blob->digest = *diff_id;
    if (status == COCO_OK && compression != COCO_UNCOMPRESSED)
        status = compute_digest(docker, ctx, blob, err);
    if (status == COCO_OK)
        status = coco_descriptor_add(layers, NULL, coco_layer_media_type_name(compression, false),
                                     &blob->digest, blob->member->size, &json, err);
    return status;
}

static coco_status
add_layers(struct docker_archive *docker, coco_ctx *ctx, const cJSON *names,
           const struct coco_image_config *config, cJSON *layers, coco_error **err)
{
    const cJSON *name = NULL;
    size_t i = 0;

    cJSON_ArrayForEach(name, names) {
        coco_status status =
            add_layer(docker, ctx, name, &config->diff_ids[i], &docker->blobs[1 + i], layers, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
        i++;
    }
    return COCO_OK;
}

/* Room for the config and n layers. */
static coco_status
make_room(struct docker_archive *docker, size_t n, coco_error **err)
{
    if (n > LAYERS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%zu layers, of which %d are allowed", n, LAYERS_MAX);
    free(docker->blobs);
    docker->n = 0;
    docker->blobs = calloc(n + 1, sizeof(*docker->blobs));
    if (!docker->blobs)
        return coco_fail_nomem(err);
    docker->n = n + 1;
    return COCO_OK;
}

/* The manifest that the image would have in a registry. */
static coco_status
describe(struct docker_archive *docker, coco_ctx *ctx, const cJSON *image, struct coco_buf *body,
         coco_error **err)
{
    _cleanup_image_config_ struct coco_image_config config = {0};
    _cleanup_json_ cJSON *manifest = NULL;
    const struct blob *blob = NULL;
    const cJSON *names = NULL;
    cJSON *layers = NULL;

    coco_status status = coco_json_get_list(image, "Layers", &names, err);
    if (status == COCO_OK)
        status = make_room(docker, (size_t)cJSON_GetArraySize(names), err);
    if (status == COCO_OK)
        status = read_config(docker, image, &config, err);
    if (status == COCO_OK)
        status = coco_image_config_fits(&config, docker->n - 1, err);
    if (status != COCO_OK)
        return status;
    blob = &docker->blobs[0];
    status = coco_manifest_begin(&blob->digest, blob->member->size, &manifest, &layers, err);
    if (status == COCO_OK)
        status = add_layers(docker, ctx, names, &config, layers, err);
    if (status == COCO_OK)
        status = coco_json_write(manifest, COCO_JSON_COMPACT, body, err);
    return status;
}

static coco_status
get_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
             struct coco_buf *media_type, coco_error **err)
{
    struct docker_archive *docker = self;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_json_ cJSON *images = NULL;
    const struct coco_member *member = NULL;
    const cJSON *image = NULL;

    (void)digest; /* there is one alone, and whoever asks checks it */
    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = coco_archive_find(docker->archive, "manifest.json", &member, err);
    if (status == COCO_OK)
        status = coco_archive_read(docker->archive, member, &text, err);
    if (status == COCO_OK)
        status = coco_json_parse(coco_buf_text(&text), text.len, &images, err);
    if (status == COCO_OK)
        status = choose(docker, images, &image, err);
    if (status == COCO_OK)
        status = describe(docker, ctx, image, body, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(media_type, COCO_MEDIA_OCI_MANIFEST, err);
    return status;
}

static coco_status
find_blob(const struct docker_archive *docker, const struct coco_digest *digest,
          const struct coco_member **ret, coco_error **err)
{
    for (size_t i = 0; i < docker->n; i++) {
        if (!coco_digest_equal(&docker->blobs[i].digest, digest))
            continue;
        *ret = docker->blobs[i].member;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_NOTFOUND, "no such blob in the archive");
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    const struct docker_archive *docker = self;
    const struct coco_member *member = NULL;

    coco_status status = find_blob(docker, &blob->digest, &member, err);
    return status == COCO_OK ? coco_archive_send(docker->archive, ctx, member, sink, err) : status;
}

static coco_status
get_part(void *self, coco_ctx *ctx, const struct coco_descriptor *blob, uint64_t offset, size_t len,
         struct coco_buf *ret, coco_error **err)
{
    const struct docker_archive *docker = self;
    const struct coco_member *member = NULL;

    (void)ctx; /* a few bytes are read at once */
    coco_status status = find_blob(docker, &blob->digest, &member, err);
    return status == COCO_OK ? coco_archive_part(docker->archive, member, offset, len, ret, err)
                             : status;
}

static void
free_docker(void *self)
{
    struct docker_archive *docker = self;

    if (!docker)
        return;
    coco_archive_free(docker->archive);
    free(docker->name);
    free(docker->blobs);
    free(docker);
}

static void
free_dockerp(struct docker_archive **docker)
{
    free_docker(*docker);
}

coco_status
coco_docker_archive_source(const coco_image_ref *ref, struct coco_source *ret, coco_error **err)
{
    _cleanup_(free_dockerp) struct docker_archive *docker = calloc(1, sizeof(*docker));
    const char *tag = coco_image_ref_tag(ref);

    if (!docker)
        return coco_fail_nomem(err);
    docker->by_index = tag && *tag == '@';
    if (docker->by_index)
        docker->index = strtoul(tag + 1, NULL, 10);
    docker->name = tag && !docker->by_index ? strdup(tag) : NULL;
    if (tag && !docker->by_index && !docker->name)
        return coco_fail_nomem(err);
    coco_status status = coco_archive_open(coco_image_ref_repository(ref), &docker->archive, err);
    if (status != COCO_OK)
        return status;
    *ret = (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .part = get_part,
        .free = free_docker,
        .self = coco_steal(&docker),
    };
    return COCO_OK;
}
