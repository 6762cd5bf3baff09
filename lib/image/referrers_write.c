/*
 * image/referrers_write.c - one more manifest that refers to an image
 *
 * A registry that has the API lists it by itself. For others it is the client's to keep the list,
 * in the index that a tag names: "Pushing Manifests with Subject" of distribution-spec 1.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/referrers.h"

#include "base/fail.h"
#include "image/ref.h"

#include <string.h>

#define MEDIA_TYPE_MAX ((size_t)1024)

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

coco_status
coco_referrers_destination(const struct coco_signee *image, struct coco_destination *ret,
                           coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *tag = NULL;
    const coco_image_ref *to = image->ref;
    coco_status status = COCO_OK;

    if (coco_image_ref_kind(to) == COCO_TRANSPORT_DOCKER) {
        status = coco_referrers_tag(to, &image->digest, &tag, err);
        to = tag;
    }
    if (status == COCO_OK)
        status = coco_client_destination(image->client, &image->set, image->ctx, to, ret, err);
    return status;
}

/* What stands in lists of it: what the manifest says of itself. */
static coco_status
write_entry(const cJSON *manifest, const struct coco_buf *text, const struct coco_digest *digest,
            cJSON *list, coco_error **err)
{
    static const char *const copied[] = {"artifactType", "annotations"};
    cJSON *entry = NULL;

    coco_status status =
        coco_descriptor_add(list, NULL, COCO_MEDIA_OCI_MANIFEST, digest, text->len, &entry, err);
    for (size_t i = 0; status == COCO_OK && i < sizeof(copied) / sizeof(copied[0]); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(manifest, copied[i]);

        if (item)
            status = coco_json_add_copy(entry, copied[i], item, err);
    }
    return status;
}

/* Of an image, its registry and the list there. */
struct listing {
    const struct coco_signee *image;
    const struct coco_destination *to;
    const cJSON *entry;
    const struct coco_digest *digest; /* of entry */
    struct coco_manifest old;
};

static coco_status
is_there(const struct listing *l, const struct coco_source *source,
         const struct coco_digest *digest, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = MEDIA_TYPE_MAX};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status =
        source->manifest(source->self, l->image->ctx, digest, &text, &type, &cause);
    *ret = status == COCO_OK;
    return *ret ? COCO_OK : coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
}

/*
 * The index that the tag names, or a new one; list lies in it, without the entry of digest, and
 * without what source, if it is given, has not any more.
 */
static coco_status
copy_index(const struct listing *l, const struct coco_source *source, cJSON **index, cJSON **list,
           coco_error **err)
{
    const cJSON *item = NULL;
    size_t i = 0;

    coco_status status = coco_index_begin(index, list, err);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(l->old.json, "manifests")) {
        const struct coco_digest *digest = &l->old.layers[i++].digest;
        bool stays = !coco_digest_equal(digest, l->digest);

        if (status == COCO_OK && stays && source)
            status = is_there(l, source, digest, &stays, err);
        if (status == COCO_OK && stays)
            status = coco_json_add_copy(*list, NULL, item, err);
    }
    return status;
}

static coco_status
read_index(const struct coco_signee *image, struct coco_manifest *ret, coco_error **err)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *tag = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = MEDIA_TYPE_MAX};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = coco_referrers_tag(image->ref, &image->digest, &tag, err);
    if (status == COCO_OK)
        status = coco_client_own_source(image->client, &image->set, tag, &source, err);
    if (status != COCO_OK)
        return status;
    status = source.manifest(source.self, image->ctx, NULL, &text, &type, &cause);
    if (status != COCO_OK)
        return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    return coco_manifest_parse(coco_buf_text(&text), text.len, COCO_MEDIA_OCI_INDEX,
                               COCO_LAYERS_ANY, ret, err);
}

static coco_status
put_index(const struct listing *l, const struct coco_source *source, coco_error **err)
{
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_json_ cJSON *index = NULL;
    struct coco_digest made = {0};
    cJSON *list = NULL;

    coco_status status = copy_index(l, source, &index, &list, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(list, NULL, l->entry, err);
    if (status == COCO_OK)
        status = coco_json_write(index, COCO_JSON_COMPACT, &json, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, json.data, json.len, &made, err);
    if (status == COCO_OK)
        status = l->to->put_manifest(l->to->self, l->image->ctx, COCO_MEDIA_OCI_INDEX, json.data,
                                     json.len, &made, err);
    return status;
}

/* A list that names what was removed is taken by no registry that looks at it. */
static coco_status
put_what_is_there(const struct listing *l, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = put_index(l, NULL, &cause);
    if (status == COCO_OK)
        return COCO_OK;
    status = coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
    if (status == COCO_OK)
        status =
            coco_client_own_source(l->image->client, &l->image->set, l->image->ref, &source, err);
    return status == COCO_OK ? put_index(l, &source, err) : status;
}

static coco_status
add_to_tag(const struct coco_signee *image, const struct coco_destination *to, const cJSON *entry,
           const struct coco_digest *digest, coco_error **err)
{
    struct listing l = {.image = image, .to = to, .entry = entry, .digest = digest};

    coco_status status = read_index(image, &l.old, err);
    if (status == COCO_OK)
        status = put_what_is_there(&l, err);
    coco_manifest_done(&l.old);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "list of referrers");
}

/* Whether the registry keeps the list; what is in it does not matter. */
static coco_status
has_api(const struct coco_signee *image, bool *ret, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};

    coco_status status =
        coco_client_own_source(image->client, &image->set, image->ref, &source, err);
    if (status == COCO_OK)
        status = coco_referrers_ask(&source, image->ctx, &image->digest, &text, ret, err);
    return status;
}

/* As a registry has it: it is put, and then listed by somebody. */
static coco_status
put_and_list(const struct coco_signee *image, const struct coco_destination *to, const cJSON *entry,
             const struct coco_buf *text, const struct coco_digest *digest, coco_error **err)
{
    bool listed = false;

    coco_status status = to->put_child(to->self, image->ctx, COCO_MEDIA_OCI_MANIFEST, text->data,
                                       text->len, digest, err);
    if (status == COCO_OK)
        status = has_api(image, &listed, err);
    if (status == COCO_OK && !listed)
        status = add_to_tag(image, to, entry, digest, err);
    return status;
}

coco_status
coco_referrers_put(const struct coco_signee *image, const struct coco_destination *to,
                   const cJSON *manifest, struct coco_digest *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();

    if (!list)
        return coco_fail_nomem(err);
    coco_status status = coco_json_write(manifest, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, ret, err);
    if (status == COCO_OK)
        status = write_entry(manifest, &text, ret, list, err);
    if (status != COCO_OK)
        return status;
    if (to->put_referrer)
        return to->put_referrer(to->self, image->ctx, list->child, text.data, text.len, ret, err);
    return put_and_list(image, to, list->child, &text, ret, err);
}
