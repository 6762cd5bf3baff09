/*
 * image/referrers.c - what refers to an image in its registry
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/referrers.h"

#include "base/fail.h"
#include "base/text.h"
#include "image/signatures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEDIA_TYPE_MAX ((size_t)1024)

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

/* "sha256-<hex>", which has no room for more. */
coco_status
coco_referrers_tag(const coco_image_ref *ref, const struct coco_digest *digest,
                   coco_image_ref **ret, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    char tag[128];

    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    (void)snprintf(tag, sizeof(tag), "%s-%.64s", coco_hash_name(digest->alg), hex);
    return coco_signatures_tag_beside(ref, tag, ret, err);
}

/* Runs with a cause that says that there is nothing: then *there is false. */
static coco_status
nothing(coco_error *cause, bool *there, coco_error **err)
{
    bool missing = false;

    *there = false;
    return coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
}

coco_status
coco_referrers_ask(const struct coco_source *source, coco_ctx *ctx,
                   const struct coco_digest *digest, struct coco_buf *ret, bool *there,
                   coco_error **err)
{
    coco_error *cause = NULL;

    *there = false;
    if (!source->referrers)
        return COCO_OK;
    coco_status status = source->referrers(source->self, ctx, digest, ret, &cause);
    *there = status == COCO_OK;
    return *there ? COCO_OK : nothing(cause, there, err);
}

static coco_status
ask_tag(const coco_image_client *client, coco_ctx *ctx, const coco_image_options *set,
        const coco_image_ref *tag, struct coco_buf *ret, bool *there, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_buf_ struct coco_buf type = {.limit = MEDIA_TYPE_MAX};
    coco_error *cause = NULL;

    coco_buf_reset(ret);
    coco_status status = coco_client_source(client, set, tag, &source, err);
    if (status != COCO_OK)
        return status;
    status = source.manifest(source.self, ctx, NULL, ret, &type, &cause);
    *there = status == COCO_OK;
    return *there ? COCO_OK : nothing(cause, there, err);
}

coco_status
coco_referrers_list(const coco_image_client *client, coco_ctx *ctx, const coco_image_options *set,
                    const coco_image_ref *ref, const struct coco_digest *digest,
                    struct coco_manifest *ret, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_(coco_image_ref_freep) coco_image_ref *tag = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    bool there = false;

    *ret = (struct coco_manifest){0};
    coco_status status = coco_referrers_tag(ref, digest, &tag, err);
    if (status != COCO_OK || !tag)
        return status;
    status = coco_client_source(client, set, ref, &source, err);
    if (status == COCO_OK)
        status = coco_referrers_ask(&source, ctx, digest, &text, &there, err);
    if (status == COCO_OK && !there)
        status = ask_tag(client, ctx, set, tag, &text, &there, err);
    if (status == COCO_OK && there)
        status = coco_manifest_parse(coco_buf_text(&text), text.len, COCO_MEDIA_OCI_INDEX,
                                     COCO_LAYERS_ANY, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "referrers");
}

const char *
coco_referrers_type(const struct coco_manifest *index, size_t i)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(index->json, "manifests");
    const char *type = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, (int)i), "artifactType"));

    return type ? type : "";
}

bool
coco_referrers_is_vague(const char *type)
{
    return !*type || strcmp(type, COCO_MEDIA_EMPTY) == 0
           || strcmp(type, COCO_MEDIA_OCI_CONFIG) == 0;
}

coco_status
coco_referrers_manifest(const struct coco_source *source, coco_ctx *ctx,
                        const struct coco_descriptor *entry, struct coco_manifest *ret,
                        coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = MEDIA_TYPE_MAX};
    struct coco_digest got = {0};

    coco_status status = source->manifest(source->self, ctx, &entry->digest, &text, &type, err);
    if (status == COCO_OK && text.len != entry->size)
        status =
            coco_fail(err, COCO_ERR_VERIFY, "%zu bytes instead of %" PRIu64, text.len, entry->size);
    if (status == COCO_OK)
        status = coco_digest_of(entry->digest.alg, coco_buf_text(&text), text.len, &got, err);
    if (status == COCO_OK)
        status = coco_digest_check(&got, &entry->digest, err);
    if (status == COCO_OK)
        status = coco_artifact_parse(coco_buf_text(&text), text.len, coco_buf_text(&type),
                                     COCO_LAYERS_ANY, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "referrer");
}
