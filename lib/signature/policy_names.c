/*
 * signature/policy_names.c - names of images in a policy
 *
 * One that is misspelt would not be noticed otherwise: no image is ever signed as it, and a prefix
 * that no name has is not remapped.
 *
 * Source: containers/image, signature/policy_config.go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/scope.h"

#include "base/fail.h"

#include <stdio.h>
#include <string.h>

/* What is no name is a mistake of the policy, whatever it is to whoever reads names. */
static coco_status
read_name(coco_read_name_fn *read, const char *text, struct coco_signed_name *ret, coco_error **err)
{
    coco_error *cause = NULL;

    coco_status status = read(text, ret, &cause);
    if (status == COCO_ERR_INVALID && coco_error_status(cause) == COCO_ERR_INVALID)
        status = coco_fail(err, COCO_ERR_PROTO, "%.500s", coco_error_message(cause));
    else
        coco_error_give(err, coco_steal(&cause));
    coco_error_free(cause);
    return status;
}

static coco_status
check_reference(coco_read_name_fn *read, const char *text, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name name = {0};

    coco_status status = read_name(read, text, &name, err);
    if (status == COCO_OK && !name.tag && !name.digest)
        status = coco_fail(err, COCO_ERR_PROTO, "'%.300s' has neither a tag nor a digest", text);
    return status;
}

/* With a tag it would say less than whoever wrote it means. */
static coco_status
check_repository(coco_read_name_fn *read, const char *text, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name name = {0};

    coco_status status = read_name(read, text, &name, err);
    if (status == COCO_OK && (name.tag || name.digest))
        status = coco_fail(err, COCO_ERR_PROTO,
                           "'%.300s' is more than a repository, which exactReference takes", text);
    return status;
}

/* host[:port], or the beginning of a name in whole components, which is a name as well. */
static coco_status
check_prefix(coco_read_name_fn *read, const char *text, coco_error **err)
{
    _cleanup_signed_name_ struct coco_signed_name name = {0};
    _cleanup_free_ char *example = NULL;

    if (asprintf(&example, "%s%s", text, strchr(text, '/') ? "" : "/x") < 0) {
        example = NULL;
        return coco_fail_nomem(err);
    }
    coco_status status = read_name(read, example, &name, err);
    if (status == COCO_OK && (name.tag || name.digest))
        status = coco_fail(err, COCO_ERR_PROTO, "'%.300s' is more than a repository", text);
    return status;
}

static const struct {
    const char *member;
    coco_status (*check)(coco_read_name_fn *read, const char *text, coco_error **err);
} checks[] = {
    {"dockerReference", check_reference},
    {"dockerRepository", check_repository},
    {"prefix", check_prefix},
    {"signedPrefix", check_prefix},
};

static coco_status
check_identity(coco_read_name_fn *read, const cJSON *identity, coco_error **err)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        const char *text =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(identity, checks[i].member));
        coco_status status = text ? checks[i].check(read, text, err) : COCO_OK;

        if (status != COCO_OK)
            return coco_wrap(err, status, "signedIdentity: %s", checks[i].member);
    }
    return COCO_OK;
}

static coco_status
check_requirements(coco_read_name_fn *read, const cJSON *list, coco_error **err)
{
    const cJSON *requirement = NULL;
    unsigned n = 0;

    cJSON_ArrayForEach(requirement, list) {
        coco_status status = check_identity(
            read, cJSON_GetObjectItemCaseSensitive(requirement, "signedIdentity"), err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "requirement %u", n);
        n++;
    }
    return COCO_OK;
}

static coco_status
check_transport(coco_read_name_fn *read, const cJSON *transport, coco_error **err)
{
    const cJSON *scope = NULL;

    cJSON_ArrayForEach(scope, transport) {
        coco_status status = check_requirements(read, scope, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "policy: transport '%.100s', scope '%.300s'",
                             transport->string, scope->string);
    }
    return COCO_OK;
}

coco_status
coco_policy_check_names(const struct coco_policy *policy, coco_read_name_fn *read, coco_error **err)
{
    const cJSON *transport = NULL;

    coco_status status =
        check_requirements(read, cJSON_GetObjectItemCaseSensitive(policy->root, "default"), err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "policy: default");
    cJSON_ArrayForEach(transport, cJSON_GetObjectItemCaseSensitive(policy->root, "transports")) {
        status = check_transport(read, transport, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}
