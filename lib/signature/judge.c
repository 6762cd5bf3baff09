/*
 * signature/judge.c - whether an image is what a policy demands, and why not
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "base/fail.h"
#include "signature/scope.h"

#include <string.h>

static coco_status
accept_anything(const struct coco_judged_image *image, const cJSON *requirement, cJSON *verdict,
                bool *accepted, struct coco_buf *reason, coco_error **err)
{
    (void)image;
    (void)requirement;
    (void)verdict;
    (void)reason;
    (void)err;
    *accepted = true;
    return COCO_OK;
}

static coco_status
reject(const struct coco_judged_image *image, const cJSON *requirement, cJSON *verdict,
       bool *accepted, struct coco_buf *reason, coco_error **err)
{
    (void)image;
    (void)requirement;
    (void)verdict;
    *accepted = false;
    return coco_buf_append_text(reason, "the image is refused", err);
}

static const struct judge {
    const char *type;
    coco_judge_fn *fn;
    bool at_once; /* nothing of the image counts */
} judges[] = {
    {"insecureAcceptAnything", accept_anything, true},
    {"reject", reject, true},
    {"signedBy", coco_judge_signed_by, false},
    {"sigstoreSigned", coco_judge_sigstore_signed, false},
    {"notationSigned", coco_judge_notation_signed, false},
    {"inTotoAttested", coco_judge_in_toto_attested, false},
};

static const struct judge *
find_judge(const cJSON *requirement)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(requirement, "type"));

    for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++)
        if (strcmp(judges[i].type, type) == 0)
            return &judges[i];
    return NULL;
}

coco_status
coco_judged_is(const struct coco_judged_image *image, const struct coco_digest *signed_digest,
               coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    for (size_t i = 0; i < image->n_digests; i++)
        if (coco_digest_equal(&image->digests[i], signed_digest))
            return COCO_OK;
    coco_digest_format(signed_digest, text);
    return coco_fail(err, COCO_ERR_VERIFY, "it is of another image, %s", text);
}

coco_status
coco_judged_is_stated(const struct coco_judged_image *image, const struct coco_statement *statement,
                      coco_error **err)
{
    for (size_t i = 0; i < image->n_digests; i++)
        if (coco_statement_is_of(statement, &image->digests[i]))
            return COCO_OK;
    return coco_fail(err, COCO_ERR_VERIFY, "it is of another image");
}

/* ---- signatures ---- */

/* Nothing can be checked of what could not be got. */
static coco_status
refuse_unread(const struct coco_signature *signature, cJSON *entry, bool *accepted,
              struct coco_buf *why, coco_error **err)
{
    *accepted = false;
    coco_status status = coco_buf_printf(why, err, "%.500s", signature->unread);
    return status == COCO_OK ? coco_verdict_close(entry, false, why, err) : status;
}

static coco_status
judge_signature(const struct coco_signature *signature, coco_judge_one_fn *one, void *self,
                cJSON *entries, bool *accepted, struct coco_buf *reason, coco_error **err)
{
    _cleanup_buf_ struct coco_buf why = {.limit = COCO_REASON_MAX};
    cJSON *entry = NULL;

    coco_status status = coco_json_add_object(entries, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "where", signature->where, err);
    if (status == COCO_OK)
        status = signature->unread ? refuse_unread(signature, entry, accepted, &why, err)
                                   : one(self, signature, entry, accepted, &why, err);
    if (status == COCO_OK && !*accepted
        && coco_buf_printf(reason, NULL, "%s%.200s: %.500s", reason->len ? "; " : "",
                           signature->where, coco_buf_text(&why))
               == COCO_ERR_NOMEM)
        status = coco_fail_nomem(err);
    return status;
}

coco_status
coco_judge_each(const struct coco_signatures *list, coco_judge_one_fn *one, void *self,
                cJSON *verdict, bool *accepted, struct coco_buf *reason, coco_error **err)
{
    cJSON *entries = NULL;

    *accepted = false;
    coco_status status = coco_json_add_array(verdict, "signatures", &entries, err);
    for (size_t i = 0; status == COCO_OK && i < list->n && !*accepted; i++)
        status = judge_signature(&list->list[i], one, self, entries, accepted, reason, err);
    if (status == COCO_OK && list->n == 0)
        status = coco_buf_append_text(reason, "there is no signature", err);
    return status;
}

/* ---- requirements ---- */

static coco_status
deny(const struct coco_scope *scope, const char *type, const char *why, coco_error **err)
{
    if (!scope->transport)
        return coco_fail(err, COCO_ERR_DENIED, "policy: default: %s: %s", type, why);
    return coco_fail(err, COCO_ERR_DENIED, "policy: transport '%s', scope '%s': %s: %s",
                     scope->transport, coco_buf_text(&scope->name), type, why);
}

static const char *
type_of(const cJSON *requirement)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(requirement, "type"));
}

/* What one requirement comes to where signatures count not. */
static coco_status
check_at_once(const struct coco_scope *scope, coco_error **err)
{
    const cJSON *requirement = NULL;

    cJSON_ArrayForEach(requirement, scope->requirements) {
        const struct judge *judge = find_judge(requirement);

        if (!judge)
            return deny(scope, type_of(requirement), "cannot be checked by this build", err);
        if (judge->fn == reject)
            return deny(scope, judge->type, "the image is refused", err);
    }
    return COCO_OK;
}

coco_status
coco_policy_check(const struct coco_policy *policy, const struct coco_policy_image *image,
                  coco_error **err)
{
    _cleanup_scopes_ struct coco_scopes scopes = {0};

    if (!policy && !image->digest)
        return coco_fail(err, COCO_ERR_DENIED,
                         "no policy: '%.300s' must be asked for by its digest", image->name);
    if (!policy)
        return COCO_OK;
    coco_status status = coco_scopes_find(policy, image, &scopes, err);
    for (size_t i = 0; status == COCO_OK && i < scopes.n; i++)
        status = check_at_once(&scopes.list[i], err);
    return status;
}

/* The first refusal is the one that is told. */
static coco_status
tell(const struct coco_scope *scope, const char *type, const struct coco_buf *reason,
     struct coco_buf *why, coco_error **err)
{
    coco_error *message = NULL;

    if (why->len > 0)
        return COCO_OK;
    coco_status status = deny(scope, type, coco_buf_text(reason), &message);
    return coco_refusal(status, message, why, err);
}

static coco_status
judge_requirement(const struct coco_judged_image *image, const cJSON *requirement, cJSON *entry,
                  bool *accepted, struct coco_buf *reason, coco_error **err)
{
    const struct judge *judge = find_judge(requirement);
    coco_error *cause = NULL;

    *accepted = false;
    coco_status status = coco_json_add_string(entry, "type", type_of(requirement), err);
    if (status != COCO_OK)
        return status;
    if (!judge)
        return coco_buf_append_text(reason, "cannot be checked by this build", err);
    status = judge->fn(image, requirement, entry, accepted, reason, &cause);
    if (status == COCO_OK)
        return COCO_OK;
    *accepted = false;
    return coco_refusal(status, cause, reason, err);
}

static coco_status
judge_scope(const struct coco_judged_image *image, const struct coco_scope *scope, cJSON *entry,
            bool *accepted, struct coco_buf *why, coco_error **err)
{
    const cJSON *requirement = NULL;
    cJSON *list = NULL;

    coco_status status =
        coco_json_add_string(entry, "transport", scope->transport ? scope->transport : "", err);
    if (status == COCO_OK)
        status = coco_json_add_string(
            entry, "scope", scope->transport ? coco_buf_text(&scope->name) : "default", err);
    if (status == COCO_OK)
        status = coco_json_add_array(entry, "requirements", &list, err);
    cJSON_ArrayForEach(requirement, scope->requirements) {
        _cleanup_buf_ struct coco_buf reason = {.limit = COCO_REASON_MAX};
        cJSON *one = NULL;
        bool ok = false;

        if (status == COCO_OK)
            status = coco_json_add_object(list, NULL, &one, err);
        if (status == COCO_OK)
            status = judge_requirement(image, requirement, one, &ok, &reason, err);
        if (status == COCO_OK)
            status = coco_verdict_close(one, ok, &reason, err);
        if (status == COCO_OK && !ok)
            status = tell(scope, type_of(requirement), &reason, why, err);
        if (status != COCO_OK)
            return status;
        *accepted = *accepted && ok;
    }
    return status;
}

/* Without a policy it is the digest that says which image was meant. */
static coco_status
judge_pinned(const struct coco_judged_image *image, bool *accepted, struct coco_buf *why,
             coco_error **err)
{
    *accepted = image->asked.digest != NULL;
    if (*accepted)
        return COCO_OK;
    return coco_buf_printf(why, err, "no policy: '%.300s' must be asked for by its digest",
                           image->asked.name);
}

coco_status
coco_policy_judge(const struct coco_policy *policy, const struct coco_judged_image *image,
                  cJSON *verdict, bool *accepted, struct coco_buf *why, coco_error **err)
{
    _cleanup_scopes_ struct coco_scopes scopes = {0};

    if (!policy)
        return judge_pinned(image, accepted, why, err);
    coco_status status = coco_scopes_find(policy, &image->asked, &scopes, err);
    *accepted = status == COCO_OK && scopes.n > 0;
    for (size_t i = 0; status == COCO_OK && i < scopes.n; i++) {
        cJSON *entry = NULL;

        status = coco_json_add_object(verdict, NULL, &entry, err);
        if (status == COCO_OK)
            status = judge_scope(image, &scopes.list[i], entry, accepted, why, err);
    }
    return status;
}
