/*
 * verifier/sample.c - evidence that anybody can make
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/base64.h"
#include "base/fail.h"
#include "verifier/driver.h"

#include <string.h>

static coco_status
check_report_data(const struct coco_verification *verification, const char *text,
                  coco_verdict *verdict, coco_error **err)
{
    _cleanup_buf_ struct coco_buf got = {.limit = COCO_REPORT_DATA_MAX};

    coco_status status = coco_base64_decode(COCO_BASE64, text, strlen(text), &got, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "report_data");

    /* Upstream compares the texts, so zeros behind it make another value (kbs-protocol A.4). */
    if (verification->binding->report_data_len > 0
        && got.len != verification->binding->report_data_len)
        return coco_verdict_add(verdict, "report-data", false, "data of the length asked for", text,
                                err);
    return coco_check_report_data(verification, verdict, got.data, got.len, err);
}

/* What upstream's verifier says of every sample, so that its policies meet what they expect. */
static coco_status
add_claims(cJSON *claims, const char *svn, const char *report_data, coco_error **err)
{
    cJSON *version = NULL;

    coco_status status = coco_json_add_string(claims, "svn", svn, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "launch_digest", "abcde", err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "debug", false, err);
    if (status == COCO_OK)
        status = coco_json_add_object(claims, "platform_version", &version, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(version, "major", 1, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(version, "minor", 4, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "report_data", report_data, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    const char *svn = NULL;
    const char *report_data = NULL;
    bool allowed = coco_verifier_allows_sample(verification->verifier);

    coco_status status = coco_json_get_string(verification->evidence, "svn", &svn, err);
    if (status == COCO_OK)
        status = coco_json_get_string(verification->evidence, "report_data", &report_data, err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "sample-allowed", allowed,
                                  allowed ? "sample evidence is allowed"
                                          : "evidence of a TEE: sample is not allowed",
                                  "sample evidence, which anybody can make", err);
    if (status == COCO_OK)
        status = check_report_data(verification, report_data, verdict, err);
    if (status == COCO_OK)
        status = add_claims(claims, svn, report_data, err);
    return status;
}

const struct coco_verifier_driver coco_sample_verifier = {.tee = "sample", .verify = verify};
const struct coco_verifier_driver coco_sampledevice_verifier = {
    .tee = "sampledevice",
    .verify = verify,
};
