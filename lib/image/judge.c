/*
 * image/judge.c - what a policy says of an image, without pulling it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/signatures.h"

#include "base/bytes.h"
#include "base/fail.h"

#define TEXT_MAX ((size_t)16 << 20)

struct judgement {
    const coco_image_client *client;
    coco_ctx *ctx;
    const coco_image_ref *ref;
    coco_image_options set;
    cJSON *json;
    bool accepted;
    struct coco_buf why;
};

static void
judgement_done(struct judgement *j)
{
    coco_json_free(j->json);
    coco_buf_done(&j->why);
}

/* What can be said before the registry is asked: *refused if it is all there is to say. */
static coco_status
check_name(struct judgement *j, bool *refused, coco_error **err)
{
    _cleanup_free_ char *name = NULL;
    coco_error *cause = NULL;

    coco_status status = coco_signatures_name_of(j->ref, &name, err);
    if (status != COCO_OK)
        return status;
    const struct coco_policy_image image = {
        .transport = coco_image_ref_transport(j->ref),
        .name = name,
        .tag = coco_image_ref_tag(j->ref),
        .digest = coco_image_ref_digest(j->ref),
    };
    status = coco_policy_check(j->client->policy, &image, &cause);
    if (status == COCO_ERR_DENIED) {
        *refused = true;
        return coco_refusal(status, cause, &j->why, err);
    }
    coco_error_give(err, cause);
    return status;
}

static coco_status
find(const struct judgement *j, struct coco_resolved *ret, coco_error **err)
{
    _cleanup_source_ struct coco_source source = {0};

    coco_status status = coco_client_source(j->client, &j->set, j->ref, &source, err);
    if (status == COCO_OK)
        status = coco_source_resolve(&source, j->ctx, j->ref, &j->client->platform,
                                     j->set.max_layers, ret, err);
    return status;
}

static coco_status
judge(struct judgement *j, cJSON *scopes, coco_error **err)
{
    _cleanup_resolved_ struct coco_resolved found = {0};
    char digest[COCO_DIGEST_TEXT_SIZE];
    bool refused = false;

    coco_status status = check_name(j, &refused, err);
    if (status != COCO_OK)
        return status;
    if (refused)
        return coco_json_add_null(j->json, "digest", err);
    status = find(j, &found, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&found.digest, digest);
    status = coco_json_add_string(j->json, "digest", digest, err);
    if (status == COCO_OK)
        status =
            coco_signatures_explain(&(struct coco_found_image){j->client, j->ref, &j->set, &found},
                                    j->ctx, scopes, &j->accepted, &j->why, err);
    return status;
}

coco_status
coco_image_judge(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *ref,
                 const coco_image_options *opts, coco_bytes **ret, coco_error **err)
{
    _cleanup_(judgement_done) struct judgement j = {
        .client = client, .ctx = ctx, .ref = ref, .why.limit = 2 * COCO_REASON_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    _cleanup_json_ cJSON *scopes = cJSON_CreateArray();

    if (!scopes)
        return coco_fail_nomem(err);
    coco_status status = coco_image_options_set(&j.set, opts, 0, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&j.json, err);
    if (status == COCO_OK)
        status = coco_json_add_string(j.json, "reference", coco_image_ref_text(ref), err);
    if (status == COCO_OK)
        status = judge(&j, scopes, err);
    if (status == COCO_OK)
        status = coco_verdict_close(j.json, j.accepted, &j.why, err);
    if (status == COCO_OK)
        status = coco_json_add_item(j.json, "scopes", coco_steal(&scopes), err);
    if (status == COCO_OK)
        status = coco_json_write(j.json, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&text, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%.300s", coco_image_ref_text(ref));
}
