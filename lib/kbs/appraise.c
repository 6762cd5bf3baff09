/*
 * kbs/appraise.c - how good proven claims are
 *
 * policy -> trustworthiness vector -> status, as draft-ietf-rats-ar4si has them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/appraise.h"

#include "base/fail.h"

#include <stdio.h>
#include <string.h>

#define CLAIMS 8

/* In the order that upstream's tokens have. */
static const char *const claim_names[CLAIMS] = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data",
};

enum tier {
    NONE,
    AFFIRMING,
    WARNING,
    CONTRAINDICATED,
};

static enum tier
tier_of(int64_t value)
{
    if (value >= -1 && value <= 1)
        return NONE;
    if (value >= -32 && value <= 31)
        return AFFIRMING;
    if (value >= -96 && value <= 95)
        return WARNING;
    return CONTRAINDICATED;
}

static const char *
status_of(const int64_t vector[CLAIMS])
{
    static const char *const names[] = {"none", "affirming", "warning", "contraindicated"};
    enum tier worst = NONE;

    for (size_t i = 0; i < CLAIMS; i++)
        if (tier_of(vector[i]) > worst)
            worst = tier_of(vector[i]);
    return names[worst];
}

/* Names outside the vector and values outside a byte are refused: upstream panics, or cuts them. */
static coco_status
read_vector(const cJSON *claims, int64_t vector[CLAIMS], coco_error **err)
{
    const cJSON *claim;

    if (!claims)
        return COCO_OK;
    if (!cJSON_IsObject(claims))
        return coco_fail(err, COCO_ERR_DENIED, "trust_claims is not an object");
    cJSON_ArrayForEach(claim, claims) {
        int64_t value = 0;
        size_t at = 0;

        while (at < CLAIMS && strcmp(claim_names[at], claim->string) != 0)
            at++;
        if (at == CLAIMS)
            return coco_fail(err, COCO_ERR_DENIED, "there is no trust claim '%.40s'",
                             claim->string);
        if (!cJSON_IsNumber(claim) || coco_json_i64(claim, &value, NULL) != COCO_OK || value < -128
            || value > 127)
            return coco_fail(err, COCO_ERR_DENIED,
                             "trust claim %s is not a whole number from -128 to 127",
                             claim->string);
        vector[at] = value;
    }
    return COCO_OK;
}

/* ---- without a policy engine: what default_cpu.rego and default_gpu.rego say of what is no
 * hardware ---- */

static const char built_in_answer[] =
    "{\"extensions\":[{\"name\":\"ear.trustee.identifiers\",\"key\":-18,"
    "\"value\":{\"validated\":{}}}]}";

static const cJSON *
member(const cJSON *object, const char *name)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

static bool
is_among(const cJSON *value, const cJSON *list)
{
    const cJSON *item;

    if (!value || !cJSON_IsArray(list))
        return false;
    cJSON_ArrayForEach(item, list)
        if (coco_json_equal(item, value))
            return true;
    return false;
}

static bool
sample_hardware(const cJSON *sample, const cJSON *references)
{
    const cJSON *version = member(sample, "platform_version");
    const cJSON *major = member(version, "major");
    uint64_t minor, least;

    return is_among(member(sample, "svn"), member(references, "svn")) && major
           && coco_json_equal(major, member(references, "major_version"))
           && member(version, "minor") && member(references, "minimum_minor_version")
           && coco_json_u64(member(version, "minor"), &minor, NULL) == COCO_OK
           && coco_json_u64(member(references, "minimum_minor_version"), &least, NULL) == COCO_OK
           && minor >= least;
}

static void
built_in(const struct coco_kbs_appraisal *appraisal, int64_t vector[CLAIMS])
{
    const cJSON *sample = member(*appraisal->evidence, "sample");
    const cJSON *software = member(*appraisal->evidence, "software");
    const cJSON *tee = sample ? sample : software;
    const cJSON *references = coco_policy_values_json(appraisal->references);
    bool launched = is_among(member(tee, "launch_digest"), member(references, "launch_digest"));
    bool device = is_among(member(member(*appraisal->evidence, "sampledevice"), "svn"),
                           member(references, "device_svn"));
    bool genuine = sample ? sample_hardware(sample, references) : software != NULL;

    vector[1] = cJSON_IsFalse(member(tee, "debug")) ? 2 : 36;
    vector[2] = launched ? 3 : 33;
    vector[4] = genuine || device ? 2 : 97;
}

static coco_status
ask(struct coco_kbs_policies *policies, const struct coco_kbs_appraisal *appraisal,
    int64_t vector[CLAIMS], cJSON **answer, coco_error **err)
{
    _cleanup_policy_ struct coco_policy *policy = NULL;
    char id[64];

    if (!coco_policy_supported()) {
        built_in(appraisal, vector);
        return coco_json_parse_object(built_in_answer, strlen(built_in_answer), answer, err);
    }
    (void)snprintf(id, sizeof(id), "default_%s", appraisal->class);
    coco_status status = coco_kbs_policies_get(policies, id, &policy, err);
    if (status == COCO_OK)
        status = coco_policy_eval(policy, "trust_claims extensions", *appraisal->evidence, NULL,
                                  appraisal->references, answer, err);
    if (status == COCO_OK)
        status = read_vector(member(*answer, "trust_claims"), vector, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "attestation policy %s", id);
}

static coco_status
add_vector(cJSON *submod, const int64_t vector[CLAIMS], coco_error **err)
{
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(submod, "ear.trustworthiness-vector", &object, err);
    for (size_t i = 0; i < CLAIMS && status == COCO_OK; i++)
        status = coco_json_add_i64(object, claim_names[i], vector[i], err);
    return status;
}

/* [{"name","key","value"}]; the key is for the CBOR form. */
static coco_status
add_extensions(cJSON *submod, const cJSON *extensions, coco_error **err)
{
    const cJSON *extension;

    if (!extensions)
        return COCO_OK;
    if (!cJSON_IsArray(extensions))
        return coco_fail(err, COCO_ERR_DENIED, "attestation policy: extensions is not an array");
    cJSON_ArrayForEach(extension, extensions) {
        const cJSON *name = member(extension, "name");
        const cJSON *value = member(extension, "value");

        if (!cJSON_IsString(name) || !value || member(submod, name->valuestring))
            return coco_fail(err, COCO_ERR_DENIED,
                             "attestation policy: an extension lacks name or value, or has a "
                             "name that is taken");
        coco_status status = coco_json_add_copy(submod, name->valuestring, value, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

coco_status
coco_kbs_appraise(struct coco_kbs_policies *policies, const struct coco_kbs_appraisal *appraisal,
                  cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *submod = NULL;
    _cleanup_json_ cJSON *answer = NULL;
    int64_t vector[CLAIMS] = {0};

    coco_status status = ask(policies, appraisal, vector, &answer, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&submod, err);
    if (status == COCO_OK)
        status = coco_json_add_string(submod, "ear.status", status_of(vector), err);
    if (status == COCO_OK)
        status = add_vector(submod, vector, err);
    if (status == COCO_OK)
        status = coco_json_add_string(submod, "ear.appraisal-policy-id", "default", err);
    if (status == COCO_OK)
        status = coco_json_add_item(submod, "ear.veraison.annotated-evidence",
                                    coco_steal(appraisal->evidence), err);
    if (status == COCO_OK)
        status = add_extensions(submod, member(answer, "extensions"), err);
    if (status == COCO_OK)
        *ret = coco_steal(&submod);
    return status;
}
