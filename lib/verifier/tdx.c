/*
 * verifier/tdx.c - evidence of Intel TDX
 *
 *     {"quote": base64, "cc_eventlog": base64 or null}
 *
 * The log says which digests went into the registers that the quote holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tdx.h"

#include "base/base64.h"
#include "base/fail.h"
#include "verifier/dcap.h"
#include "verifier/eventlog.h"

#include <stdio.h>
#include <string.h>

#define MIGRATABLE 29 /* bit of the TD's attributes */

/* ---- claims ---- */

#define HEADER(name, member) COCO_DCAP_FIELD(name, coco_quote_header, member)
#define BODY(name, member) COCO_DCAP_FIELD(name, coco_td_report, member)

static const struct coco_dcap_field header_fields[] = {
    HEADER("version", version),     HEADER("att_key_type", key_type),
    HEADER("tee_type", tee_type),   {"reserved", offsetof(struct coco_quote_header, qe_svn), 4},
    HEADER("vendor_id", vendor_id), HEADER("user_data", user_data),
};

static const struct coco_dcap_field body_fields[] = {
    BODY("tcb_svn", tcb_svn),
    BODY("mr_seam", mr_seam),
    BODY("mrsigner_seam", mrsigner_seam),
    BODY("seam_attributes", seam_attributes),
    BODY("td_attributes", td_attributes),
    BODY("xfam", xfam),
    BODY("mr_td", mr_td),
    BODY("mr_config_id", mr_config_id),
    BODY("mr_owner", mr_owner),
    BODY("mr_owner_config", mr_owner_config),
    BODY("rtmr_0", rtmr[0]),
    BODY("rtmr_1", rtmr[1]),
    BODY("rtmr_2", rtmr[2]),
    BODY("rtmr_3", rtmr[3]),
    BODY("report_data", report_data),
    /* TD 1.5 */
    BODY("tee_tcb_svn2", tcb_svn2),
    BODY("mr_servicetd", mr_servicetd),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TD10_FIELDS (COUNT(body_fields) - 2)

static coco_status
claim_quote(const struct coco_quote *quote, cJSON *claims, coco_error **err)
{
    const bool is_td15 = quote->body == COCO_QUOTE_TD15;
    const uint16_t size = is_td15 ? COCO_TD15_SIZE : COCO_TD10_SIZE;
    const uint8_t size_bytes[4] = {(uint8_t)size, (uint8_t)(size >> 8)};
    const uint8_t type_bytes[2] = {(uint8_t)quote->body};
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(claims, "quote", &object, err);
    if (status == COCO_OK)
        status = coco_dcap_claim_fields(object, "header", header_fields, COUNT(header_fields),
                                        &quote->header, err);
    if (status == COCO_OK && coco_quote_u16(quote->header.version) >= 5)
        status = coco_claim_hex(object, "type", type_bytes, sizeof(type_bytes), err);
    if (status == COCO_OK && coco_quote_u16(quote->header.version) >= 5)
        status = coco_claim_hex(object, "size", size_bytes, sizeof(size_bytes), err);
    if (status == COCO_OK)
        status =
            coco_dcap_claim_fields(object, "body", body_fields,
                                   is_td15 ? COUNT(body_fields) : TD10_FIELDS, &quote->td, err);
    return status;
}

static coco_status
claim_attributes(const uint8_t attributes[8], cJSON *claims, coco_error **err)
{
    static const struct {
        const char *name;
        unsigned bit;
    } bits[] = {
        {"debug", 0},       {"septve_disable", 28}, {"protection_keys", 30},
        {"key_locker", 31}, {"perfmon", 63},
    };
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(claims, "td_attributes", &object, err);
    for (size_t i = 0; i < COUNT(bits) && status == COCO_OK; i++)
        status = coco_json_add_bool(object, bits[i].name,
                                    attributes[bits[i].bit / 8] >> bits[i].bit % 8 & 1, err);
    return status;
}

static coco_status
add_claims(const struct coco_quote *quote, cJSON *claims, coco_error **err)
{
    coco_status status = claim_quote(quote, claims, err);
    if (status == COCO_OK)
        status = claim_attributes(quote->td.td_attributes, claims, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", quote->td.report_data,
                                sizeof(quote->td.report_data), err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "init_data", quote->td.mr_config_id,
                                sizeof(quote->td.mr_config_id), err);
    return status;
}

/* ---- checks ---- */

/* The lowest byte of the attributes is of all that lets a host look in; DEBUG is its bit 0. */
static coco_status
check_debug(const struct coco_quote *quote, coco_verdict *verdict, coco_error **err)
{
    static const uint8_t zero[8];
    char got[64];

    (void)snprintf(got, sizeof(got), "TD attributes %02x", quote->td.td_attributes[0]);
    coco_status status = coco_verdict_add(verdict, "debug", quote->td.td_attributes[0] == 0,
                                          "a TD that cannot be debugged", got, err);
    if (status == COCO_OK)
        status = coco_verdict_add_bytes(verdict, "seam-debug", zero, sizeof(zero),
                                        quote->td.seam_attributes,
                                        sizeof(quote->td.seam_attributes), err);
    return status;
}

/*
 * Bit 29: whatever service TD the host has bound to it exports its keys, and a TD of
 * version 1.0 does not even report which. Only who judges mr_servicetd can know better.
 */
static coco_status
check_migration(const struct coco_quote *quote, coco_verdict *verdict, coco_error **err)
{
    bool migrates = (quote->td.td_attributes[MIGRATABLE / 8] >> MIGRATABLE % 8 & 1) != 0;

    return coco_verdict_add(verdict, "migration-agent", !migrates,
                            "a TD that no migration TD may move",
                            migrates ? "one that it may" : "one that none may", err);
}

coco_status
coco_tdx_verify_quote(const struct coco_verification *verification, const void *data, size_t len,
                      coco_verdict *verdict, cJSON *claims, struct coco_quote *ret,
                      coco_error **err)
{
    struct coco_quote quote = {0};

    coco_status status = coco_quote_parse(data, len, &quote, err);
    if (status != COCO_OK)
        return status;
    if (quote.body == COCO_QUOTE_SGX)
        return coco_fail(err, COCO_ERR_PROTO, "quote of an enclave, not of a TD");
    status = coco_dcap_verify(verification, &quote, verdict, claims, err);
    if (status == COCO_OK)
        status = check_debug(&quote, verdict, err);
    if (status == COCO_OK)
        status = check_migration(&quote, verdict, err);
    if (status == COCO_OK)
        status = add_claims(&quote, claims, err);
    if (status == COCO_OK)
        *ret = quote;
    return status;
}

/* A log that is sent must give the registers; one that is not is missed by policies that ask for
 * its claims. */
static coco_status
check_log(const struct coco_verification *verification, const struct coco_td_report *td,
          coco_verdict *verdict, cJSON *claims, coco_error **err)
{
    const struct coco_log_register registers[] = {
        {"RTMR0", 1, td->rtmr[0]},
        {"RTMR1", 2, td->rtmr[1]},
        {"RTMR2", 3, td->rtmr[2]},
        {"RTMR3", 4, td->rtmr[3]},
    };
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_EVENTLOG_MAX};
    struct coco_eventlog log = {0};
    const char *text = NULL;

    coco_status status =
        coco_json_get_string_opt(verification->evidence, "cc_eventlog", &text, err);
    if (status != COCO_OK || !text || text[0] == '\0')
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), &bytes, err);
    if (status == COCO_OK)
        status = coco_eventlog_parse(bytes.data, bytes.len, &log, err);
    if (status == COCO_OK)
        status =
            coco_check_eventlog(verdict, &log, COCO_TCG_SHA384, registers, COUNT(registers), err);
    if (status == COCO_OK)
        status = coco_claim_eventlog(claims, &log, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "cc_eventlog");
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_QUOTE_SIZE_MAX};
    struct coco_quote quote = {0};

    coco_status status = coco_dcap_decode(verification->evidence, &bytes, err);
    if (status == COCO_OK)
        status = coco_tdx_verify_quote(verification, bytes.data, bytes.len, verdict, claims, &quote,
                                       err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, quote.td.report_data,
                                        sizeof(quote.td.report_data), err);
    if (status == COCO_OK)
        status = coco_check_init_data(verification, verdict, quote.td.mr_config_id,
                                      sizeof(quote.td.mr_config_id), err);
    if (status == COCO_OK)
        status = check_log(verification, &quote.td, verdict, claims, err);
    return status;
}

const struct coco_verifier_driver coco_tdx_verifier = {.tee = "tdx", .verify = verify};
