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

/* The index that the tag names, or a new one; list lies in it, without the entry of digest. */
static coco_status
copy_index(const struct coco_manifest *old, const struct coco_digest *digest, cJSON **index,
           cJSON **list, coco_error **err)
{
    const cJSON *item = NULL;
    size_t i = 0;

    coco_status status = coco_index_begin(index, list, err);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(old->json, "manifests")) {
        if (status == COCO_OK && !coco_digest_equal(&old->layers[i].digest, digest))
            status = coco_json_add_copy(*list, NULL, item, err);
        i++;
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
add_to_tag(const struct coco_signee *image, const struct coco_destination *to, const cJSON *entry,
           const struct coco_digest *digest, coco_error **err)
{
    _cleanup_manifest_ struct coco_manifest old = {0};
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_json_ cJSON *index = NULL;
    struct coco_digest made = {0};
    cJSON *list = NULL;

    coco_status status = read_index(image, &old, err);
    if (status == COCO_OK)
        status = copy_index(&old, digest, &index, &list, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(list, NULL, entry, err);
    if (status == COCO_OK)
        status = coco_json_write(index, COCO_JSON_COMPACT, &json, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, json.data, json.len, &made, err);
    if (status == COCO_OK)
        status = to->put_manifest(to->self, image->ctx, COCO_MEDIA_OCI_INDEX, json.data, json.len,
                                  &made, err);
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
