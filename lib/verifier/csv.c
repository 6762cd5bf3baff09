/*
 * verifier/csv.c - whether a Hygon chip made a report of CSV
 *
 * The chain is HRK -> HSK -> CEK -> PEK -> report, all of SM2. No list of revoked
 * ones is published, and certificates have no dates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/text.h"
#include "verifier/driver.h"
#include "verifier/eventlog.h"

#include <string.h>

#define HSK_CEK_SIZE (COCO_CSV_CA_SIZE + COCO_CSV_CERT_SIZE)

/* ---- the chain ---- */

static coco_status
fetch_hrk(const struct coco_verification *verification, struct coco_csv_ca *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_CSV_CA_SIZE};

    coco_status status = coco_collateral_read(coco_verifier_collateral(verification->verifier),
                                              &bytes, err, "hygon/hrk.cert");
    return status == COCO_OK ? coco_csv_ca_parse(bytes.data, bytes.len, ret, err) : status;
}

static coco_status
fetch_hsk_cek(const struct coco_verification *verification, struct coco_csv_evidence *evidence,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = HSK_CEK_SIZE};

    coco_status status =
        coco_collateral_read(coco_verifier_collateral(verification->verifier), &bytes, err,
                             "hygon/hsk_cek/%s.cert", evidence->serial_number);
    if (status == COCO_OK && bytes.len != HSK_CEK_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "HSK and CEK of %zu bytes", bytes.len);
    if (status == COCO_OK)
        status = coco_csv_ca_parse(bytes.data, COCO_CSV_CA_SIZE, &evidence->hsk, err);
    if (status == COCO_OK)
        status = coco_csv_cert_parse(bytes.data + COCO_CSV_CA_SIZE, COCO_CSV_CERT_SIZE,
                                     &evidence->cek, err);
    return status;
}

static coco_status
check_root(const struct coco_verification *verification, coco_verdict *verdict,
           const struct coco_csv_ca *hrk, coco_error **err)
{
    uint8_t bytes[COCO_CSV_CA_SIZE];
    struct coco_digest fingerprint;
    char got[COCO_DIGEST_TEXT_SIZE];

    coco_csv_ca_format(hrk, bytes);
    coco_status status = coco_digest_of(COCO_SHA256, bytes, sizeof(bytes), &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, got);
    return coco_verdict_add(
        verdict, "root", coco_verifier_trusts_root(verification->verifier, "hygon", &fingerprint),
        "a root of hygon", got, err);
}

static coco_status
check_links(const struct coco_csv_ca *hrk, const struct coco_csv_evidence *evidence,
            coco_error **err)
{
    const struct {
        const char *name;
        uint32_t got;
        uint32_t want;
    } usages[] = {
        {"HRK", hrk->usage, COCO_CSV_HRK},
        {"HSK", evidence->hsk.usage, COCO_CSV_HSK},
        {"CEK", evidence->cek.usage, COCO_CSV_CEK},
        {"PEK", evidence->pek.usage, COCO_CSV_PEK},
    };

    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
        if (usages[i].got != usages[i].want)
            return coco_fail(err, COCO_ERR_VERIFY, "certificate for 0x%x is no %s", usages[i].got,
                             usages[i].name);
    coco_status status = coco_csv_ca_check(hrk, hrk, err);
    if (status == COCO_OK)
        status = coco_csv_ca_check(&evidence->hsk, hrk, err);
    if (status == COCO_OK)
        status = coco_csv_cert_check(&evidence->cek, COCO_CSV_HSK, &evidence->hsk.key, err);
    if (status == COCO_OK)
        status = coco_csv_cert_check(&evidence->pek, COCO_CSV_CEK, &evidence->cek.key, err);
    return status;
}

static coco_status
check_chain(const struct coco_verification *verification, coco_verdict *verdict,
            struct coco_csv_evidence *evidence, coco_error **err)
{
    static const char want[] = "each signed by the next";
    struct coco_csv_ca hrk;
    coco_error *why = NULL;

    coco_status status = fetch_hrk(verification, &hrk, &why);
    if (status != COCO_OK)
        return coco_verdict_add_outcome(verdict, "certificates", want, status, &why, err);
    status = check_root(verification, verdict, &hrk, err);
    if (status != COCO_OK)
        return status;
    if (!evidence->has_hsk_cek)
        status = fetch_hsk_cek(verification, evidence, &why);
    if (status == COCO_OK)
        status = check_links(&hrk, evidence, &why);
    return coco_verdict_add_outcome(verdict, "certificates", want, status, &why, err);
}

/* ---- the report ---- */

static coco_status
verify_signature(const struct coco_csv_evidence *evidence, coco_error **err)
{
    const struct coco_csv_report *report = &evidence->report;
    uint8_t body[COCO_CSV_BODY_V2_SIZE];

    if (report->sig_usage != COCO_CSV_PEK || report->sig_algo != COCO_CSV_SM2)
        return coco_fail(err, COCO_ERR_VERIFY, "signature of algorithm %u by a key for 0x%x",
                         report->sig_algo, report->sig_usage);
    (void)coco_csv_report_format(report, body);
    return coco_csv_check(&evidence->pek.key, &report->signature, body,
                          coco_csv_report_signed_size(report), err);
}

static coco_status
check_report(const struct coco_verification *verification, coco_verdict *verdict,
             const struct coco_csv_evidence *evidence, coco_error **err)
{
    const struct coco_csv_report *report = &evidence->report;
    bool debug = (report->policy & COCO_CSV_POLICY_NODBG) == 0;
    coco_error *why = NULL;

    coco_status status = coco_verdict_add_outcome(verdict, "signature", "one of the PEK's",
                                                  verify_signature(evidence, &why), &why, err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "debug", !debug, "a guest that cannot be debugged",
                                  debug ? "one that can" : "one that cannot", err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, report->report_data,
                                        sizeof(report->report_data), err);
    /* There is no place for it, and upstream only warns: it is not what was asked for. */
    if (status == COCO_OK && verification->binding->init_data_len > 0)
        status = coco_verdict_add(verdict, "init-data", false, "some init data",
                                  "a TEE that has none", err);
    return status;
}

/* ---- claims ---- */

static coco_status
claim_policy(cJSON *claims, uint32_t policy, coco_error **err)
{
    static const char *const flags[] = {"nodbg",  "noks", "es",   "nosend",
                                        "domain", "csv",  "csv3", "asid_reuse"};
    static const struct {
        const char *name;
        unsigned shift;
        uint32_t mask;
    } numbers[] = {
        {"hsk_version", 8, 0xf},
        {"cek_version", 12, 0xf},
        {"api_major", 16, 0xff},
        {"api_minor", 24, 0xff},
    };
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(claims, "policy", &object, err);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && status == COCO_OK; i++)
        status = coco_json_add_u64(object, flags[i], policy >> i & 1, err);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == COCO_OK; i++)
        status = coco_json_add_u64(object, numbers[i].name,
                                   policy >> numbers[i].shift & numbers[i].mask, err);
    return status;
}

static coco_status
claim_number(cJSON *claims, const char *name, uint32_t value, coco_error **err)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                             (uint8_t)(value >> 24)};

    return coco_claim_hex(claims, name, bytes, sizeof(bytes), err);
}

static coco_status
claim_common(cJSON *claims, const struct coco_csv_report *report, coco_error **err)
{
    const struct {
        const char *name;
        const uint8_t *data;
        size_t len;
    } fields[] = {
        {"user_pubkey_digest", report->user_pubkey_digest, sizeof(report->user_pubkey_digest)},
        {"vm_id", report->vm_id, sizeof(report->vm_id)},
        {"vm_version", report->vm_version, sizeof(report->vm_version)},
        {"report_data", report->report_data, sizeof(report->report_data)},
        {"mnonce", report->mnonce, sizeof(report->mnonce)},
        {"measure", report->measure, sizeof(report->measure)},
    };

    coco_status status =
        coco_json_add_string(claims, "version", report->version == 1 ? "1" : "2", err);
    if (status == COCO_OK)
        status = claim_policy(claims, report->policy, err);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && status == COCO_OK; i++)
        status = coco_claim_hex(claims, fields[i].name, fields[i].data, fields[i].len, err);
    if (status == COCO_OK)
        status = claim_number(claims, "sig_usage", report->sig_usage, err);
    if (status == COCO_OK)
        status = claim_number(claims, "sig_algo", report->sig_algo, err);
    return status;
}

static coco_status
claim_extended(cJSON *claims, const struct coco_csv_report *report, coco_error **err)
{
    static const char *const names[COCO_CSV_RTMRS] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3", "rtmr4"};
    char hex[2 * sizeof(report->reserved1) + 1];

    coco_status status = coco_json_add_u64(claims, "build", report->build, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "rtmr_version", report->rtmr_version, err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "reserved0", report->reserved0, sizeof(report->reserved0), err);
    for (size_t i = 0; i < COCO_CSV_RTMRS && status == COCO_OK; i++)
        status = coco_claim_hex(claims, names[i], report->rtmr[i], sizeof(report->rtmr[i]), err);
    coco_hex(report->reserved1, sizeof(report->reserved1), hex);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "reserved1", hex, err);
    return status;
}

static coco_status
add_claims(cJSON *claims, const struct coco_csv_evidence *evidence, coco_error **err)
{
    const struct coco_csv_report *report = &evidence->report;

    coco_status status = claim_common(claims, report, err);
    if (status == COCO_OK)
        status = report->version == 1 ? claim_number(claims, "anonce", report->anonce, err)
                                      : claim_extended(claims, report, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "serial_number", evidence->serial_number, err);
    return status;
}

/* Of version 2 only: before, there is no register that would vouch for it. */
static coco_status
check_eventlog(coco_verdict *verdict, cJSON *claims, const struct coco_csv_evidence *evidence,
               coco_error **err)
{
    const uint8_t(*rtmr)[32] = evidence->report.rtmr;
    const struct coco_log_register registers[] = {
        {"RTMR1", 1, rtmr[1]},
        {"RTMR2", 2, rtmr[2]},
        {"RTMR3", 3, rtmr[3]},
        {"RTMR4", 4, rtmr[4]},
    };
    struct coco_eventlog log = {0};

    if (evidence->report.version == 1 || evidence->eventlog.len == 0)
        return COCO_OK;
    coco_status status =
        coco_eventlog_parse(evidence->eventlog.data, evidence->eventlog.len, &log, err);
    if (status == COCO_OK)
        status = coco_check_eventlog(verdict, &log, COCO_TCG_SM3, registers, 4, err);
    if (status == COCO_OK)
        status = coco_claim_eventlog(claims, &log, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};

    coco_status status = coco_csv_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK)
        status = check_chain(verification, verdict, &evidence, err);
    if (status == COCO_OK)
        status = check_report(verification, verdict, &evidence, err);
    if (status == COCO_OK)
        status = add_claims(claims, &evidence, err);
    if (status == COCO_OK)
        status = check_eventlog(verdict, claims, &evidence, err);
    return status;
}

const struct coco_verifier_driver coco_csv_verifier = {.tee = "csv", .verify = verify};
