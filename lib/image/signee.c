/*
 * image/signee.c - an image that is signed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signee.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "image/ref.h"

void
coco_signee_done(struct coco_signee *signee)
{
    coco_resolved_done(&signee->found);
}

/* In a layout images have no name that others know: a bundle names none. */
static coco_status
check_place(const coco_image_client *client, const coco_image_ref *ref, coco_error **err)
{
    enum coco_transport kind = coco_image_ref_kind(ref);

    if (kind == COCO_TRANSPORT_DOCKER
        || (kind == COCO_TRANSPORT_OCI && client->sign_by == COCO_SIGN_BY_BUNDLE))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP,
                     "images are signed in registries, under their name; in an OCI layout only as "
                     "a bundle, which names none");
}

coco_status
coco_signee_find(const coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                 struct coco_signee *ret, coco_error **err)
{
    _cleanup_signee_ struct coco_signee signee = {.client = client, .ctx = ctx, .ref = ref};
    _cleanup_source_ struct coco_source source = {0};

    coco_status status = check_place(client, ref, err);
    if (status == COCO_OK)
        status = coco_image_options_set(&signee.set, NULL, 0, err);
    if (status == COCO_OK)
        status = coco_client_own_source(client, &signee.set, ref, &source, err);
    if (status == COCO_OK)
        status = coco_source_manifest(&source, ctx, ref, NULL, COCO_LAYERS_ANY, &signee.found, err);
    if (status == COCO_OK && signee.found.digest.alg != COCO_SHA256)
        status = coco_fail(err, COCO_ERR_NOTSUP, "signatures are of SHA-256 digests");
    if (status != COCO_OK)
        return status;
    signee.digest = signee.found.digest;
    *ret = signee;
    signee = (struct coco_signee){0};
    return COCO_OK;
}

coco_status
coco_signee_describe(const struct coco_signee *signee, const char *where, bool already,
                     coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_SIGNEE_TEXT_MAX};
    _cleanup_json_ cJSON *json = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(&signee->digest, digest);
    coco_status status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "reference", coco_image_ref_text(signee->ref), err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_string(json, "signature", where, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(json, "already", already, err);
    if (status == COCO_OK)
        status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}
