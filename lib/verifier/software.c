/*
 * verifier/software.c - evidence of the software TEE
 *
 * The chain is root -> key -> report. Each link is a check of its own, and each
 * is made whatever came of the others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/software.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/key.h"
#include "verifier/driver.h"
#include "verifier/eventlog.h"

#include <string.h>

/* Fingerprints of all roots that a verifier may have: more than a check shows of them. */
#define LIST_MAX ((size_t)16 << 10)
#define ENDORSED_MAX ((size_t)512)

/* P-256 and nothing else: the sender does not choose what verifying costs. */
static coco_status
parse_key(const struct coco_buf *der, const char *what, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_parse_public(der->data, der->len, &key, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", what);
    if (kind != COCO_KEY_P256)
        return coco_fail(err, COCO_ERR_PROTO, "%s: no P-256 key", what);

    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
append_fingerprint(const struct coco_buf *der, struct coco_buf *buf, coco_error **err)
{
    struct coco_digest digest = {0};
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_status status = coco_digest_of(COCO_SHA256, der->data, der->len, &digest, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&digest, text);
    return coco_buf_printf(buf, err, "%s%s", buf->len > 0 ? " or " : "", text);
}

static coco_status
check_root(const coco_verifier *verifier, const struct coco_buf *root, coco_verdict *verdict,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf want = {.limit = LIST_MAX};
    _cleanup_buf_ struct coco_buf got = {.limit = LIST_MAX};
    coco_status status = append_fingerprint(root, &got, err);
    const struct coco_buf *known;
    bool trusted = false;

    for (size_t i = 0;
         status == COCO_OK && (known = coco_verifier_key(verifier, "software", i)) != NULL; i++) {
        trusted =
            trusted || (known->len == root->len && memcmp(known->data, root->data, root->len) == 0);
        status = append_fingerprint(known, &want, err);
    }
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "trusted-root", trusted,
                                  want.len > 0 ? coco_buf_text(&want)
                                               : "evidence of hardware: no software TEE is trusted",
                                  coco_buf_text(&got), err);
    return status;
}

static coco_status
check_signature(coco_verdict *verdict, const char *name, EVP_PKEY *key, const struct coco_buf *data,
                const struct coco_buf *signature, coco_error **err)
{
    coco_status status =
        coco_key_verify(key, data->data, data->len, signature->data, signature->len, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    bool ok = status == COCO_OK;
    return coco_verdict_add(verdict, name, ok, "a signature that verifies",
                            ok ? "one that does" : "one that does not", err);
}

static coco_status
check_endorsement(const struct coco_software_evidence *evidence, coco_verdict *verdict,
                  coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *root = NULL;
    _cleanup_buf_ struct coco_buf endorsed = {.limit = ENDORSED_MAX};

    coco_status status = parse_key(&evidence->part[COCO_SOFTWARE_ROOT], "root", &root, err);
    if (status == COCO_OK)
        status = coco_software_endorsed(&evidence->part[COCO_SOFTWARE_KEY], &endorsed, err);
    if (status == COCO_OK)
        status = check_signature(verdict, "endorsement", root, &endorsed,
                                 &evidence->part[COCO_SOFTWARE_ENDORSEMENT], err);
    return status;
}

static coco_status
check_report(const struct coco_software_evidence *evidence, coco_verdict *verdict, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = parse_key(&evidence->part[COCO_SOFTWARE_KEY], "key", &key, err);
    if (status == COCO_OK)
        status = check_signature(verdict, "signature", key, &evidence->part[COCO_SOFTWARE_REPORT],
                                 &evidence->part[COCO_SOFTWARE_SIGNATURE], err);
    return status;
}

static coco_status
add_claims(cJSON *claims, const struct coco_software_report *report, coco_error **err)
{
    coco_status status = coco_json_add_u64(claims, "svn", report->svn, err);
    if (status == COCO_OK)
        status = coco_json_add_bool(claims, "debug", report->debug, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "launch_digest", report->launch_digest,
                                sizeof(report->launch_digest), err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", report->report_data,
                                sizeof(report->report_data), err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "init_data", report->init_data, sizeof(report->init_data), err);
    if (status == COCO_OK && report->extended)
        status = coco_claim_hex(claims, "register", report->value, sizeof(report->value), err);
    return status;
}

/* A log is not needed, but what is sent must be what was measured. */
static coco_status
check_log(const struct coco_software_evidence *evidence, const struct coco_software_report *report,
          coco_verdict *verdict, cJSON *claims, coco_error **err)
{
    const struct coco_log_register reg = {"register", COCO_SOFTWARE_LOG_INDEX, report->value};
    struct coco_eventlog log;

    if (evidence->eventlog.len == 0)
        return COCO_OK;
    coco_status status =
        coco_eventlog_parse(evidence->eventlog.data, evidence->eventlog.len, &log, err);
    if (status == COCO_OK)
        status = coco_check_eventlog(verdict, &log, COCO_TCG_SHA384, &reg, 1, err);
    if (status == COCO_OK)
        status = coco_claim_eventlog(claims, &log, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_software_evidence_ struct coco_software_evidence evidence = {0};
    struct coco_software_report report = {0};

    coco_status status = coco_software_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK)
        status = coco_software_report_parse(evidence.part[COCO_SOFTWARE_REPORT].data,
                                            evidence.part[COCO_SOFTWARE_REPORT].len, &report, err);
    if (status == COCO_OK)
        status =
            check_root(verification->verifier, &evidence.part[COCO_SOFTWARE_ROOT], verdict, err);
    if (status == COCO_OK)
        status = check_endorsement(&evidence, verdict, err);
    if (status == COCO_OK)
        status = check_report(&evidence, verdict, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, report.report_data,
                                        sizeof(report.report_data), err);
    if (status == COCO_OK)
        status = coco_check_init_data(verification, verdict, report.init_data,
                                      sizeof(report.init_data), err);
    if (status == COCO_OK)
        status = add_claims(claims, &report, err);
    if (status == COCO_OK)
        status = check_log(&evidence, &report, verdict, claims, err);
    return status;
}

const struct coco_verifier_driver coco_software_verifier = {.tee = "software", .verify = verify};
