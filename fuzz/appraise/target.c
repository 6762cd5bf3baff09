/*
 * fuzz/appraise/target.c - claims of any kind, beside reference values of any kind
 *
 * Input: two lines, the evidence and the reference values, both JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/appraise.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct coco_kbs_policies *
policies(void)
{
    static struct coco_kbs_policies *made;
    static struct coco_kbs_store *store;
    static struct coco_policy_engine *engine; /* asked nothing: the policies are ours */

    if (!made
        && (coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &store, NULL) != COCO_OK
            || coco_policy_engine_new(&engine, NULL) != COCO_OK
            || coco_kbs_policies_new(store, engine, &made, NULL) != COCO_OK))
        abort();
    return made;
}

/* draft-ietf-rats-ar4si, "Trust Tiers": 0 for none to 3 for contraindicated. */
static size_t
tier_of(int64_t value)
{
    static const int64_t limits[] = {1, 31, 95, 127};
    size_t tier = 0;

    if (value < 0)
        value = -value - 1 > 0 ? -value - 1 : 0;
    while (value > limits[tier])
        tier++;
    return tier;
}

/* The status is that of the worst claim in the vector. */
static void
check_status(const cJSON *submod)
{
    static const char *const names[] = {"none", "affirming", "warning", "contraindicated"};
    const char *status = NULL;
    const cJSON *vector = NULL;
    const cJSON *claim;
    size_t worst = 0;

    if (coco_json_get_string(submod, "ear.status", &status, NULL) != COCO_OK
        || coco_json_get_object(submod, "ear.trustworthiness-vector", &vector, NULL) != COCO_OK
        || cJSON_GetArraySize(vector) != 8)
        abort();
    cJSON_ArrayForEach(claim, vector) {
        int64_t value = 0;

        if (coco_json_i64(claim, &value, NULL) != COCO_OK || value < -128 || value > 127)
            abort();
        if (tier_of(value) > worst)
            worst = tier_of(value);
    }
    if (strcmp(status, names[worst]) != 0)
        abort();
}

static cJSON *
appraise(const cJSON *evidence, const cJSON *references)
{
    _cleanup_policy_values_ struct coco_policy_values *values = NULL;
    _cleanup_json_ cJSON *taken = cJSON_Duplicate(evidence, true);
    cJSON *copy = cJSON_Duplicate(references, true);
    cJSON *submod = NULL;
    coco_error *err = NULL;

    if (!copy || !taken)
        abort();
    /* The engine has no such numbers. */
    if (coco_policy_values_new(copy, &values, NULL) != COCO_OK)
        return NULL;
    const struct coco_kbs_appraisal appraisal = {
        .class = "cpu",
        .evidence = &taken,
        .references = values,
    };
    coco_status status = coco_kbs_appraise(policies(), &appraisal, &submod, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (submod != NULL) || (status != COCO_OK && status != COCO_ERR_DENIED))
        abort();
    if (!submod)
        return NULL;
    check_status(submod);
    if (!coco_json_equal(
            cJSON_GetObjectItemCaseSensitive(submod, "ear.veraison.annotated-evidence"), evidence))
        abort();
    return submod;
}

static void
check(const cJSON *evidence, const cJSON *references)
{
    _cleanup_json_ cJSON *nothing = NULL;
    _cleanup_json_ cJSON *first = appraise(evidence, references);
    _cleanup_json_ cJSON *second = appraise(evidence, references);
    const char *status = NULL;

    if (!first != !second || (first && !coco_json_equal(first, second)))
        abort();
    /* Who knows no reference values affirms nothing, whatever the evidence says. */
    if (coco_json_new_object(&nothing, NULL) != COCO_OK)
        abort();
    _cleanup_json_ cJSON *without = appraise(evidence, nothing);
    if (without
        && (coco_json_get_string(without, "ear.status", &status, NULL) != COCO_OK
            || strcmp(status, "affirming") == 0 || strcmp(status, "none") == 0))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const char *text = (const char *)data;
    const char *line = len ? memchr(text, '\n', len) : NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_json_ cJSON *references = NULL;

    if (!line)
        return 0;
    size_t n = (size_t)(line - text);
    if (coco_json_parse_object(text, n, &evidence, NULL) == COCO_OK
        && coco_json_parse_object(line + 1, len - n - 1, &references, NULL) == COCO_OK)
        check(evidence, references);
    return 0;
}
