/*
 * kbs/judge.c - what evidence is worth
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/judge.h"

#include "base/fail.h"
#include "base/text.h"
#include "initdata/initdata.h"
#include "kbs/appraise.h"
#include "kbs/explain.h"
#include "kbs/references.h"
#include "kbs/session.h"
#include "verifier/driver.h"

#include <stdio.h>
#include <string.h>

void
coco_kbs_judgement_done(struct coco_kbs_judgement *j)
{
    coco_rcar_attestation_done(&j->sent);
    coco_policy_values_unref(j->references);
    coco_json_free(j->submods);
    coco_json_free(j->trace);
    coco_json_free(j->init_claims);
}

/* ---- verdict ---- */

/* The name of the first check that does not hold, for the one line of a reason. */
static coco_status
check_verdict(struct coco_kbs_judgement *j, const char *tee, const coco_verdict *verdict,
              coco_error **err)
{
    coco_status status;

    if (coco_verdict_valid(verdict))
        return COCO_OK;
    status = coco_kbs_trace_verdict(j->trace, verdict, err);
    if (status != COCO_OK)
        return status;
    /* What nobody knows comes first: the guest may ask again, and hear of the others then. */
    for (int unreached = 1; unreached >= 0; unreached--)
        for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
            if (!coco_verdict_check_ok(verdict, i) && !coco_verdict_check_allowed(verdict, i)
                && coco_verdict_check_unreached(verdict, i) == unreached)
                return coco_fail(err, unreached ? COCO_ERR_NET : COCO_ERR_VERIFY,
                                 "%s evidence: %s: expected %s, got %s", tee,
                                 coco_verdict_check_name(verdict, i),
                                 coco_verdict_check_want(verdict, i),
                                 coco_verdict_check_got(verdict, i));
    return coco_fail(err, COCO_ERR_VERIFY, "%s evidence: nothing was checked", tee);
}

static coco_status
bind_evidence(const struct coco_kbs_judgement *j, const struct coco_digest *report_data,
              coco_binding **ret, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;

    coco_status status = coco_binding_new(&binding, err);
    if (status == COCO_OK)
        status = coco_binding_set_report_data(binding, report_data->bytes,
                                              coco_hash_size(report_data->alg), err);
    if (status == COCO_OK && j->init_claims)
        status = coco_binding_set_init_data(binding, j->init_digest.bytes,
                                            coco_hash_size(j->init_digest.alg), err);
    if (status == COCO_OK)
        *ret = coco_steal(&binding);
    return status;
}

static coco_status
verify(struct coco_kbs_judgement *j, const char *tee, const cJSON *evidence,
       const struct coco_digest *report_data, cJSON **claims, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *said = NULL;

    coco_status status = bind_evidence(j, report_data, &binding, err);
    if (status != COCO_OK)
        return status;
    const struct coco_verification verification = {
        .verifier = j->call->core->verifier,
        .evidence = evidence,
        .binding = binding,
        .now = coco_verifier_now(j->call->core->verifier),
    };
    status = coco_verify_value(&verification, tee, &verdict, &said, err);
    if (status == COCO_OK)
        status = check_verdict(j, tee, verdict, err);
    if (status == COCO_OK)
        *claims = coco_steal(&said);
    return status;
}

/* ---- annotated evidence (A.9) ---- */

static struct coco_rcar_binding
binding_of(const struct coco_kbs_judgement *j)
{
    return (struct coco_rcar_binding){
        .version = j->challenge.version,
        .alg = coco_kbs_binding_alg(j->challenge.tee),
        .nonce = j->challenge.nonce,
        .tee_pubkey = j->sent.tee_pubkey,
        .additional = j->sent.additional,
    };
}

static coco_status
move_member(cJSON *from, cJSON *to, const char *name, coco_error **err)
{
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(from, name);

    return item ? coco_json_add_item(to, name, item, err) : COCO_OK;
}

static coco_status
add_init_data(const struct coco_kbs_judgement *j, const char *tee, cJSON *evidence,
              coco_error **err)
{
    coco_status status = COCO_OK;

    if (!j->init_claims)
        return COCO_OK;
    /* Bound to nothing, as everything that a sample says: recorded, as upstream does. */
    if (strcmp(tee, "sample") == 0)
        status = coco_json_add_base64(evidence, "init_data", j->init_digest.bytes,
                                      coco_hash_size(j->init_digest.alg), err);
    if (status == COCO_OK)
        status = coco_json_add_copy(evidence, "init_data_claims", j->init_claims, err);
    return status;
}

/* Takes claims and runtime_data. */
static coco_status
annotate(const struct coco_kbs_judgement *j, const char *tee, cJSON **claims, cJSON **runtime_data,
         cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *evidence = NULL;

    coco_status status = coco_json_new_object(&evidence, err);
    if (status == COCO_OK)
        status = move_member(*claims, evidence, "report_data", err);
    if (status == COCO_OK)
        status = move_member(*claims, evidence, "init_data", err);
    if (status == COCO_OK)
        status = coco_json_add_item(evidence, "runtime_data_claims", coco_steal(runtime_data), err);
    if (status == COCO_OK)
        status = add_init_data(j, tee, evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_item(evidence, tee, coco_steal(claims), err);
    if (status == COCO_OK)
        *ret = coco_steal(&evidence);
    return status;
}

static const char *
class_of(const char *tee)
{
    return strcmp(tee, "sampledevice") == 0 || strcmp(tee, "nvidia") == 0 ? "gpu" : "cpu";
}

/* Appraises one device and adds it to the submods, under its class and the next number. */
static coco_status
add_submod(struct coco_kbs_judgement *j, const char *tee, cJSON **evidence, coco_error **err)
{
    struct coco_kbs_appraisal appraisal = {
        .class = class_of(tee),
        .references = j->references,
        .evidence = evidence,
    };
    cJSON *submod = NULL;
    char name[32];
    size_t n = 0;

    coco_status status = coco_kbs_appraise(j->call->core->policies, &appraisal, &submod, err);
    if (status != COCO_OK)
        return status;
    do
        (void)snprintf(name, sizeof(name), "%s%zu", appraisal.class, n++);
    while (cJSON_GetObjectItemCaseSensitive(j->submods, name));
    return coco_json_add_item(j->submods, name, submod, err);
}

static coco_status
judge_device(struct coco_kbs_judgement *j, const char *tee, const cJSON *sent,
             const struct coco_digest *report_data, coco_error **err)
{
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_json_ cJSON *runtime_data = NULL;
    const struct coco_rcar_binding binding = binding_of(j);

    coco_status status = verify(j, tee, sent, report_data, &claims, err);
    if (status == COCO_OK)
        status = coco_rcar_runtime_data(&binding, &runtime_data, err);
    if (status == COCO_OK && !j->call->core->config.attestation.verbose_token)
        coco_json_free(
            cJSON_DetachItemFromObjectCaseSensitive(runtime_data, "additional-evidence"));
    if (status == COCO_OK)
        status = annotate(j, tee, &claims, &runtime_data, &evidence, err);
    if (status == COCO_OK)
        status = add_submod(j, tee, &evidence, err);
    return status;
}

static coco_status
judge_additional(struct coco_kbs_judgement *j, coco_error **err)
{
    _cleanup_json_ cJSON *devices = NULL;
    const struct coco_rcar_binding binding = binding_of(j);
    struct coco_digest report_data;
    const cJSON *device;

    if (!j->sent.additional || !*j->sent.additional)
        return COCO_OK;
    coco_status status =
        coco_json_parse_packed(j->sent.additional, strlen(j->sent.additional), &devices, err);
    if (status == COCO_OK && cJSON_GetArraySize(devices) > COCO_RCAR_DEVICES_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "more than %d devices", COCO_RCAR_DEVICES_MAX);
    if (status == COCO_OK)
        status = coco_rcar_device_report_data(&binding, &report_data, err);
    cJSON_ArrayForEach(device, devices) {
        if (status == COCO_OK)
            status = judge_device(j, device->string, device, &report_data, err);
    }
    return status == COCO_OK ? status : coco_wrap(err, status, "additional evidence");
}

static coco_status
read_init_data(struct coco_kbs_judgement *j, coco_error **err)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;

    coco_status status = coco_initdata_read(j->sent.init_data, &initdata, err);
    if (status == COCO_OK)
        status = coco_initdata_digest_of(initdata, &j->init_digest, err);
    if (status == COCO_OK)
        status = coco_initdata_claims(initdata, &j->init_claims, err);
    return status;
}

/* First here, which costs nothing, then at all replicas: a row of a database that they share. */
static coco_status
use_nonce(const struct coco_kbs_judgement *j, coco_error **err)
{
    const struct coco_kbs_config *config = &j->call->root->config;
    struct coco_digest digest;
    char name[2 * sizeof(digest.bytes) + 1];

    coco_status status = coco_kbs_nonce_use(j->call->core->sessions, j->challenge.nonce,
                                            j->challenge.expires, j->now, err);
    if (status != COCO_OK || !config->storage.on_postgres || !config->storage.shared_nonces)
        return status;
    status =
        coco_digest_of(COCO_SHA256, j->challenge.nonce, strlen(j->challenge.nonce), &digest, err);
    if (status != COCO_OK)
        return status;
    coco_hex(digest.bytes, coco_hash_size(digest.alg), name);
    return coco_kbs_store_use_once(j->call->core->store, name, j->challenge.expires, j->now, err);
}

coco_status
coco_kbs_judge(struct coco_kbs_judgement *j, coco_error **err)
{
    const struct coco_rcar_binding binding = binding_of(j);
    struct coco_digest report_data;

    if (j->sent.nonce && strcmp(j->sent.nonce, j->challenge.nonce) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "nonce is not the one of this session");
    coco_status status = COCO_OK;
    if (j->sent.init_data)
        status = read_init_data(j, err);
    if (status == COCO_OK)
        status = coco_kbs_expected_get(j->call->core->expected, j->now, &j->references, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&j->submods, err);
    if (status == COCO_OK)
        status = coco_rcar_report_data(&binding, &report_data, err);
    if (status == COCO_OK)
        status = judge_device(j, j->challenge.tee, j->sent.evidence, &report_data, err);
    if (status == COCO_OK)
        status = judge_additional(j, err);
    /* Last, and at once with the decision: of two that send the same, one gets a token. */
    return status == COCO_OK ? use_nonce(j, err) : status;
}
