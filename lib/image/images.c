/*
 * image/images.c - one image, or all that an index has, made of others
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/transfer.h"

#include "base/fail.h"
#include "image/referrers.h"

#include <stdio.h>
#include <string.h>

/* An index on its way. */
struct indexing {
    const coco_image_ref *from;
    const coco_image_ref *to;
    const struct coco_remaking *how;
    struct coco_resolved old;
    cJSON *entries; /* of the new one */
};

static void
indexing_done(struct indexing *indexing)
{
    coco_resolved_done(&indexing->old);
    coco_json_free(indexing->entries);
}

/* Makes the image in t->found; text gets its manifest. */
static coco_status
make_image(struct coco_transfer *t, const struct coco_remaking *how, struct coco_buf *text,
           struct coco_digest *digest, coco_error **err)
{
    coco_status status = coco_transfer_remake(t, how->layer, how->self, text, err);

    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text->data, text->len, digest, err);
    if (status == COCO_OK)
        t->image->n_layers += t->found.manifest.n_layers;
    return status;
}

/* ---- one image ---- */

static coco_status
make_one(struct coco_transfer *t, const coco_image_ref *to, const struct coco_remaking *how,
         coco_image **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    struct coco_digest digest = {0};
    coco_image *image = NULL;

    coco_status status = how->plan(t, how->self, err);
    if (status == COCO_OK)
        status = coco_transfer_open(t, to, how->encrypted, err);
    if (status == COCO_OK)
        status = make_image(t, how, &text, &digest, err);
    if (status == COCO_OK)
        status = coco_transfer_finish(t, &text, COCO_MEDIA_OCI_MANIFEST, &digest, &image, err);
    if (status == COCO_OK && how->prove)
        status = how->prove(t, to, &digest, how->self, err);
    if (status == COCO_OK)
        *ret = coco_steal(&image);
    coco_image_free(image);
    return status;
}

/* ---- an index ---- */

static coco_status
copy_text(const cJSON *platform, const char *name, char *ret, size_t size, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(platform, name, &text, err);
    if (status != COCO_OK || !text)
        return status;
    if (strlen(text) >= size)
        return coco_fail(err, COCO_ERR_PROTO, "%s of a platform is too long", name);
    (void)snprintf(ret, size, "%s", text);
    return COCO_OK;
}

enum stated { FOR_A_PLATFORM, FOR_NONE, NOT_STATED };

/*
 * The platform of an entry, which is left as it is where none is stated: any image may be there.
 * What is for "unknown" is none, by what buildx does with attestations.
 */
static coco_status
read_platform(const cJSON *entry, struct coco_platform *ret, enum stated *stated, coco_error **err)
{
    struct coco_platform found = {0};
    const cJSON *platform = NULL;

    coco_status status = coco_json_get_object_opt(entry, "platform", &platform, err);
    if (status == COCO_OK && platform)
        status = copy_text(platform, "os", found.os, sizeof(found.os), err);
    if (status == COCO_OK && platform)
        status = copy_text(platform, "architecture", found.architecture, sizeof(found.architecture),
                           err);
    if (status == COCO_OK && platform)
        status = copy_text(platform, "variant", found.variant, sizeof(found.variant), err);
    *stated = found.os[0] == '\0' ? NOT_STATED : FOR_A_PLATFORM;
    if (strcmp(found.os, "unknown") == 0)
        *stated = FOR_NONE;
    if (status == COCO_OK && *stated == FOR_A_PLATFORM)
        *ret = found;
    return status;
}

/* What it was, with what it is now: type, digest and size. */
static coco_status
add_entry(const cJSON *old, const struct coco_digest *digest, size_t size, cJSON *entries,
          coco_error **err)
{
    static const char *const kept[] = {"platform", "annotations"};
    cJSON *entry = NULL;

    coco_status status =
        coco_descriptor_add(entries, NULL, COCO_MEDIA_OCI_MANIFEST, digest, size, &entry, err);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && status == COCO_OK; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(old, kept[i]);

        if (member)
            status = coco_json_add_copy(entry, kept[i], member, err);
    }
    return status;
}

/* The destination is opened when the first image is known to be right. */
static coco_status
open_for_index(struct coco_transfer *t, const coco_image_ref *to, bool encrypted, coco_error **err)
{
    if (t->destination.self)
        return COCO_OK;
    coco_status status = coco_transfer_open(t, to, encrypted, err);
    if (status == COCO_OK && !t->destination.put_child)
        status = coco_fail(err, COCO_ERR_INVALID, "%s: it cannot hold the images of all platforms",
                           coco_image_ref_transport(to));
    return status;
}

/* The image in t->found, as a child of the new index. */
static coco_status
make_child(struct coco_transfer *t, const struct indexing *indexing, const cJSON *old,
           coco_error **err)
{
    const struct coco_remaking *how = indexing->how;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    const struct coco_destination *destination = &t->destination;
    struct coco_digest digest = {0};

    if (t->found.manifest.is_index)
        return coco_fail(err, COCO_ERR_NOTSUP, "an index within an index");
    coco_status status = coco_transfer_check_sizes(t, err);
    if (status == COCO_OK)
        status = how->plan(t, how->self, err);
    if (status == COCO_OK)
        status = open_for_index(t, indexing->to, how->encrypted, err);
    if (status == COCO_OK)
        status = make_image(t, how, &text, &digest, err);
    if (status == COCO_OK)
        status = destination->put_child(destination->self, t->ctx, COCO_MEDIA_OCI_MANIFEST,
                                        text.data, text.len, &digest, err);
    if (status == COCO_OK && how->prove)
        status = how->prove(t, indexing->to, &digest, how->self, err);
    if (status == COCO_OK)
        status = add_entry(old, &digest, text.len, indexing->entries, err);
    return status;
}

/* The image that the i-th entry of the index names, or nothing where it names none. */
static coco_status
make_entry(struct coco_transfer *t, const struct indexing *indexing, size_t i, const cJSON *entry,
           coco_error **err)
{
    const struct coco_manifest *index = &indexing->old.manifest;
    enum stated stated = FOR_NONE;
    coco_error *why = NULL;

    t->platform = t->client->platform;
    coco_status status = read_platform(entry, &t->platform, &stated, err);
    if (status != COCO_OK || stated == FOR_NONE
        || (stated == NOT_STATED && coco_referrers_type(index, i)[0] != '\0'))
        return status;
    status = coco_source_manifest(&t->source, t->ctx, indexing->from, &index->layers[i],
                                  t->opts.max_layers, &t->found, &why);
    if (status == COCO_ERR_NOTSUP && stated == NOT_STATED) {
        coco_error_free(why); /* an artifact of another kind */
        return COCO_OK;
    }
    coco_error_give(err, why);
    return status == COCO_OK ? make_child(t, indexing, entry, err) : status;
}

static coco_status
make_children(struct coco_transfer *t, const struct indexing *indexing, coco_error **err)
{
    const struct coco_manifest *index = &indexing->old.manifest;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(index->json, "manifests");
    const cJSON *entry = NULL;
    size_t i = 0;

    cJSON_ArrayForEach(entry, list) {
        coco_status status = make_entry(t, indexing, i, entry, err);

        coco_resolved_done(&t->found);
        indexing->how->forget(indexing->how->self);
        if (status != COCO_OK)
            return coco_wrap(err, status, "image %zu of the index", i);
        i++;
    }
    if (cJSON_GetArraySize(indexing->entries) == 0)
        return coco_fail(err, COCO_ERR_INVALID, "the index has no image");
    return COCO_OK;
}

static coco_status
write_index(struct indexing *indexing, struct coco_buf *text, coco_error **err)
{
    const cJSON *annotations = NULL;
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "schemaVersion", 2, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "mediaType", COCO_MEDIA_OCI_INDEX, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(json, "manifests", indexing->entries, err);
    if (status == COCO_OK)
        status =
            coco_json_get_object_opt(indexing->old.manifest.json, "annotations", &annotations, err);
    if (status == COCO_OK && annotations)
        status = coco_json_add_copy(json, "annotations", annotations, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
make_index(struct coco_transfer *t, const coco_image_ref *from, const coco_image_ref *to,
           const struct coco_remaking *how, coco_image **ret, coco_error **err)
{
    _cleanup_(indexing_done) struct indexing indexing = {
        .from = from, .to = to, .how = how, .old = t->found};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    struct coco_digest digest = {0};

    t->found = (struct coco_resolved){0};
    indexing.entries = cJSON_CreateArray();
    if (!indexing.entries)
        return coco_fail_nomem(err);
    coco_status status = make_children(t, &indexing, err);
    if (status == COCO_OK)
        status = write_index(&indexing, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, &digest, err);
    if (status == COCO_OK)
        status = coco_transfer_finish(t, &text, COCO_MEDIA_OCI_INDEX, &digest, ret, err);
    return status;
}

coco_status
coco_transfer_images(struct coco_transfer *t, const coco_image_ref *from, const coco_image_ref *to,
                     const struct coco_remaking *how, coco_image **ret, coco_error **err)
{
    return t->found.manifest.is_index ? make_index(t, from, to, how, ret, err)
                                      : make_one(t, to, how, ret, err);
}
