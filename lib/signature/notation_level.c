/*
 * signature/notation_level.c - what of a signature of Notation is enforced
 * ("signatureVerification")
 *
 *     {"level": "strict", "override": {"expiry": "log"}, "verifyTimestamp": "always"}
 *
 * Whether certificates were revoked nobody is asked, for a guest has nobody whom it could ask. A
 * level that enforces it is refused, so that nobody relies on it.
 *
 * Source: notaryproject/specifications, trust-store-trust-policy.md, "Signature Verification
 * details".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "base/fail.h"

#include <string.h>

#define REVOCATION COCO_NOTATION_VALIDATIONS /* the one that is not among them */

static const char *const validations[] = {
    [COCO_NOTATION_AUTHENTICITY] = "authenticity",
    [COCO_NOTATION_TIMESTAMP] = "authenticTimestamp",
    [COCO_NOTATION_EXPIRY] = "expiry",
    [REVOCATION] = "revocation",
};
#define N (sizeof(validations) / sizeof(validations[0]))

static const struct level {
    const char *name;
    bool is_enforced[N];
} levels[] = {
    {"strict", {true, true, true, true}},
    {"permissive", {true, false, false, false}},
    {"audit", {false, false, false, false}},
};

static coco_status
find_level(const cJSON *verification, struct level *ret, coco_error **err)
{
    const char *name = NULL;

    coco_status status = coco_json_get_string(verification, "level", &name, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, name) == 0) {
            *ret = levels[i];
            return COCO_OK;
        }
    if (strcmp(name, "skip") == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "level 'skip': insecureAcceptAnything says that");
    return coco_fail(err, COCO_ERR_PROTO, "there is no level '%.60s'", name);
}

/* "enforce", "log", and of revocation "skip". */
static coco_status
override_one(const cJSON *item, struct level *level, coco_error **err)
{
    const char *action = cJSON_GetStringValue(item);

    for (size_t i = 0; i < N; i++) {
        if (strcmp(validations[i], item->string) != 0)
            continue;
        bool may_be_skipped = i == REVOCATION;
        bool enforced = action && strcmp(action, "enforce") == 0;

        if (!enforced
            && (!action
                || (strcmp(action, "log") != 0
                    && !(may_be_skipped && strcmp(action, "skip") == 0))))
            return coco_fail(err, COCO_ERR_PROTO, "override: '%s' cannot be that", item->string);
        level->is_enforced[i] = enforced;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_PROTO, "override: there is no '%.60s'", item->string);
}

static coco_status
read_timestamp(const cJSON *verification, bool *after_expiry, coco_error **err)
{
    const char *option = NULL;

    coco_status status = coco_json_get_string_opt(verification, "verifyTimestamp", &option, err);
    if (status != COCO_OK || !option)
        return status;
    *after_expiry = strcmp(option, "afterCertExpiry") == 0;
    if (*after_expiry || strcmp(option, "always") == 0)
        return COCO_OK;
    return coco_fail(err, COCO_ERR_PROTO, "verifyTimestamp: there is no '%.60s'", option);
}

static coco_status
read_level(const cJSON *verification, struct level *level, bool *after_expiry, coco_error **err)
{
    static const char *const members[] = {"level", "override", "verifyTimestamp", NULL};
    const cJSON *overrides = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_check_members(verification, members, err);
    if (status == COCO_OK)
        status = find_level(verification, level, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(verification, "override", &overrides, err);
    cJSON_ArrayForEach(item, overrides)
        if (status == COCO_OK)
            status = override_one(item, level, err);
    if (status == COCO_OK)
        status = read_timestamp(verification, after_expiry, err);
    if (status == COCO_OK && level->is_enforced[REVOCATION])
        status = coco_fail(err, COCO_ERR_NOTSUP,
                           "level '%s' asks whether certificates were revoked, which is not done: "
                           "override revocation by 'skip'",
                           level->name);
    return status;
}

coco_status
coco_notation_level_read(const cJSON *requirement, struct coco_notation_level *ret,
                         coco_error **err)
{
    const cJSON *verification = NULL;
    struct level level = levels[0];
    bool after_expiry = false;

    coco_status status =
        coco_json_get_object_opt(requirement, "signatureVerification", &verification, err);
    if (status == COCO_OK && verification)
        status = read_level(verification, &level, &after_expiry, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "signatureVerification");
    memcpy(ret->is_enforced, level.is_enforced, sizeof(ret->is_enforced));
    ret->after_expiry = after_expiry;
    return COCO_OK;
}
