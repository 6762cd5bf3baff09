/*
 * tests/upstream/decide.c - answers cases of policies as the KBS does
 *
 * A line of the input is a case of an attestation policy, {"policy": path,
 * "class", "evidence", "references"}, or of a resource policy, {"policy": path,
 * "claims", "data"}; without a path it is the default that is asked. The line of
 * the output is the submod of the token but for the evidence, {"allow": bool}, or
 * {"error": status, "why"}.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "base/fd.h"
#include "kbs/appraise.h"
#include "kbs/policies.h"

#include <stdio.h>
#include <string.h>

#define EVIDENCE "ear.veraison.annotated-evidence"

struct court {
    struct coco_kbs_store *store;
    struct coco_policy_engine *engine;
    struct coco_kbs_policies *policies;
    char *set[2]; /* id and path of the policy that was set last */
};

static coco_status
set_policy(struct court *court, const char *id, const cJSON *path, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_POLICY_SIZE_MAX};
    const char *name = cJSON_IsString(path) ? path->valuestring : "";

    if (court->set[0] && strcmp(court->set[0], id) == 0 && strcmp(court->set[1], name) == 0)
        return COCO_OK;
    free(court->set[0]);
    free(court->set[1]);
    court->set[0] = strdup(id);
    court->set[1] = strdup(name);
    if (!court->set[0] || !court->set[1])
        return coco_fail_nomem(err);

    if (!*name) {
        coco_status status = coco_kbs_policies_remove(court->policies, id, err);
        if (status == COCO_ERR_NOTFOUND) {
            coco_error_free(coco_steal(err));
            status = COCO_OK;
        }
        return status;
    }
    coco_status status = coco_file_read(name, &text, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_set(court->policies, id, coco_buf_text(&text), err);
    return status;
}

static coco_status
appraise(struct court *court, const cJSON *question, cJSON **ret, coco_error **err)
{
    const char *class = cJSON_GetStringValue(cJSON_GetObjectItem(question, "class"));
    _cleanup_policy_values_ struct coco_policy_values *values = NULL;
    cJSON *references = cJSON_Duplicate(cJSON_GetObjectItem(question, "references"), true);
    _cleanup_json_ cJSON *evidence =
        cJSON_Duplicate(cJSON_GetObjectItem(question, "evidence"), true);
    char id[64];

    coco_status status = coco_policy_values_new(references, &values, err);
    if (status != COCO_OK)
        return status;
    if (!class)
        return coco_fail(err, COCO_ERR_INVALID, "case without class");
    const struct coco_kbs_appraisal appraisal = {
        .class = class,
        .evidence = &evidence,
        .references = values,
    };
    (void)snprintf(id, sizeof(id), "default_%s", class);
    status = set_policy(court, id, cJSON_GetObjectItem(question, "policy"), err);
    if (status == COCO_OK)
        status = coco_kbs_appraise(court->policies, &appraisal, ret, err);
    if (status == COCO_OK)
        cJSON_DeleteItemFromObjectCaseSensitive(*ret, EVIDENCE);
    return status;
}

static coco_status
allow(struct court *court, const cJSON *question, cJSON **ret, coco_error **err)
{
    struct coco_kbs_decision ruling = {0};
    struct coco_kbs_chosen chosen = {0};

    coco_status status =
        set_policy(court, COCO_KBS_RESOURCE_POLICY, cJSON_GetObjectItem(question, "policy"), err);
    if (status == COCO_OK)
        status = coco_kbs_policies_choose(court->policies, "a/b/c", &chosen, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_allow(court->policies, &chosen,
                                         cJSON_GetObjectItem(question, "claims"),
                                         cJSON_GetObjectItem(question, "data"), &ruling, err);
    if (status == COCO_OK)
        status = coco_json_new_object(ret, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(*ret, "allow", ruling.allowed, err);
    return status;
}

static coco_status
answer(struct court *court, const char *line, size_t len, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *question = NULL;
    _cleanup_json_ cJSON *ret = NULL;
    coco_error *why = NULL;

    coco_status status = coco_json_parse_object(line, len, &question, err);
    if (status != COCO_OK)
        return status;
    status = cJSON_GetObjectItem(question, "class") ? appraise(court, question, &ret, &why)
                                                    : allow(court, question, &ret, &why);
    if (status != COCO_OK) {
        cJSON_Delete(coco_steal(&ret));
        coco_status made = coco_json_new_object(&ret, err);
        if (made == COCO_OK)
            made = coco_json_add_string(ret, "error", coco_status_name(status), err);
        if (made == COCO_OK)
            made = coco_json_add_string(ret, "why", coco_error_message(why), err);
        coco_error_free(why);
        if (made != COCO_OK)
            return made;
    }
    return coco_json_write(ret, COCO_JSON_COMPACT, text, err);
}

static coco_status
run(struct court *court, coco_error **err)
{
    _cleanup_free_ char *line = NULL;
    size_t size = 0;
    ssize_t len;

    coco_status status =
        coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &court->store, err);
    if (status == COCO_OK)
        status = coco_policy_engine_new(&court->engine, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_new(court->store, court->engine, &court->policies, err);
    while (status == COCO_OK && (len = getline(&line, &size, stdin)) > 0) {
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_JSON_SIZE_MAX};

        status = answer(court, line, (size_t)len, &text, err);
        if (status == COCO_OK)
            (void)puts(coco_buf_text(&text));
    }
    return status;
}

int
main(void)
{
    struct court court = {0};
    coco_error *err = NULL;

    coco_status status = run(&court, &err);
    if (status != COCO_OK)
        (void)fprintf(stderr, "decide: %s\n", coco_error_message(err));
    coco_error_free(err);
    coco_kbs_policies_free(court.policies);
    coco_policy_engine_unref(court.engine);
    coco_kbs_store_close(court.store);
    free(court.set[0]);
    free(court.set[1]);
    return status == COCO_OK ? 0 : 1;
}
