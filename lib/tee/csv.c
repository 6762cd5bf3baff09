/*
 * tee/csv.c - attestation reports of Hygon CSV
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"
#include "tee/serde.h"

#include <string.h>

#define MASKED_SIZE ((size_t)188) /* of version 1: up to anonce */
#define EXTENDED_MAGIC "ATTESTATION_EXT"
#define MAGIC_SIZE 16
/* Behind the body: PEK, serial number, zeros once they are unmasked, and the MAC. */
#define SIGNER_ZEROS ((size_t)32)
#define SIGNER_MAC_AT (COCO_CSV_CERT_SIZE + COCO_CSV_SERIAL_SIZE + SIGNER_ZEROS)

_Static_assert(COCO_CSV_BODY_V2_SIZE + SIGNER_MAC_AT + COCO_CSV_MAC_SIZE <= COCO_CSV_REPORT_SIZE,
               "all of it is one page");

static const char serial_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- the report ---- */

/* Masking twice is not masking. */
void
coco_csv_mask(uint8_t *data, size_t len, uint32_t anonce)
{
    for (size_t i = 0; i < len; i++)
        data[i] ^= (uint8_t)(anonce >> (8 * (i % 4)));
}

static void
read_common(struct coco_reader *r, struct coco_csv_report *ret)
{
    coco_read_bytes(r, ret->user_pubkey_digest, sizeof(ret->user_pubkey_digest));
    coco_read_bytes(r, ret->vm_id, sizeof(ret->vm_id));
    coco_read_bytes(r, ret->vm_version, sizeof(ret->vm_version));
    coco_read_bytes(r, ret->report_data, sizeof(ret->report_data));
    coco_read_bytes(r, ret->mnonce, sizeof(ret->mnonce));
    coco_read_bytes(r, ret->measure, sizeof(ret->measure));
    ret->policy = coco_read_u32le(r);
    ret->sig_usage = coco_read_u32le(r);
    ret->sig_algo = coco_read_u32le(r);
}

/* The common part, with the mask taken off, and what of it is not masked. */
static coco_status
read_masked(struct coco_reader *r, struct coco_csv_report *ret, coco_error **err)
{
    uint8_t plain[MASKED_SIZE];

    coco_read_bytes(r, plain, sizeof(plain));
    ret->anonce = coco_read_u32le(r);
    coco_status status = coco_reader_check(r, "report of CSV", err);
    if (status != COCO_OK)
        return status;
    coco_csv_mask(plain, sizeof(plain), ret->anonce);
    struct coco_reader inner = coco_reader_of(plain, sizeof(plain));
    read_common(&inner, ret);
    return coco_reader_finish(&inner, "report of CSV", err);
}

coco_status
coco_csv_report_parse(const void *data, size_t len, uint32_t version, struct coco_csv_report *ret,
                      coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_csv_report report = {.version = version};
    coco_status status = COCO_OK;

    if (version != 1 && version != 2)
        return coco_fail(err, COCO_ERR_NOTSUP, "report of CSV of version %u", version);
    if (version == 1) {
        status = read_masked(&r, &report, err);
    } else {
        read_common(&r, &report);
        report.build = coco_read_u32le(&r);
        report.rtmr_version = coco_read_u16le(&r);
        coco_read_bytes(&r, report.reserved0, sizeof(report.reserved0));
        for (size_t i = 0; i < COCO_CSV_RTMRS; i++)
            coco_read_bytes(&r, report.rtmr[i], sizeof(report.rtmr[i]));
        coco_read_bytes(&r, report.reserved1, sizeof(report.reserved1));
    }
    coco_read_bytes(&r, report.signature.r, sizeof(report.signature.r));
    coco_read_bytes(&r, report.signature.s, sizeof(report.signature.s));
    if (status == COCO_OK)
        status = coco_reader_check(&r, "report of CSV", err);
    if (status == COCO_OK)
        *ret = report;
    return status;
}

static uint8_t *
put(uint8_t *p, const void *data, size_t len)
{
    memcpy(p, data, len);
    return p + len;
}

static uint8_t *
put_number(uint8_t *p, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *p++ = (uint8_t)(value >> (8 * i));
    return p;
}

size_t
coco_csv_report_format(const struct coco_csv_report *report, uint8_t ret[COCO_CSV_BODY_V2_SIZE])
{
    uint8_t *p = put(ret, report->user_pubkey_digest, sizeof(report->user_pubkey_digest));

    p = put(p, report->vm_id, sizeof(report->vm_id));
    p = put(p, report->vm_version, sizeof(report->vm_version));
    p = put(p, report->report_data, sizeof(report->report_data));
    p = put(p, report->mnonce, sizeof(report->mnonce));
    p = put(p, report->measure, sizeof(report->measure));
    p = put_number(p, report->policy, 4);
    p = put_number(p, report->sig_usage, 4);
    p = put_number(p, report->sig_algo, 4);
    if (report->version == 1) {
        coco_csv_mask(ret, MASKED_SIZE, report->anonce);
        p = put_number(p, report->anonce, 4);
    } else {
        p = put_number(p, report->build, 4);
        p = put_number(p, report->rtmr_version, 2);
        p = put(p, report->reserved0, sizeof(report->reserved0));
        p = put(p, report->rtmr, sizeof(report->rtmr));
        p = put(p, report->reserved1, sizeof(report->reserved1));
    }
    p = put(p, report->signature.r, sizeof(report->signature.r));
    p = put(p, report->signature.s, sizeof(report->signature.s));
    return (size_t)(p - ret);
}

size_t
coco_csv_report_size(const struct coco_csv_report *report)
{
    return report->version == 1 ? COCO_CSV_BODY_V1_SIZE : COCO_CSV_BODY_V2_SIZE;
}

size_t
coco_csv_report_signed_size(const struct coco_csv_report *report)
{
    return report->version == 1 ? COCO_CSV_SIGNED_V1_SIZE : COCO_CSV_SIGNED_V2_SIZE;
}

/* ---- evidence ---- */

void
coco_csv_evidence_done(struct coco_csv_evidence *evidence)
{
    coco_buf_done(&evidence->eventlog);
}

/* csv-rs: an extended report says so by its magic and by the lowest flag. */
static coco_status
get_version(const cJSON *wrapper, uint32_t *ret, coco_error **err)
{
    uint8_t magic[MAGIC_SIZE];
    uint64_t flags = 0;

    coco_status status = coco_serde_get_bytes(wrapper, "magic", magic, sizeof(magic), err);
    if (status == COCO_OK)
        status = coco_serde_get_number(wrapper, "flags", UINT32_MAX, &flags, err);
    if (status != COCO_OK)
        return status;
    struct coco_reader r = coco_reader_of(magic, sizeof(magic));
    bool extended = memcmp(magic, EXTENDED_MAGIC, sizeof(magic)) == 0;
    if (!extended && !coco_read_zeros(&r, sizeof(magic)))
        return coco_fail(err, COCO_ERR_PROTO, "member 'magic' is not known here");
    if (extended && flags > 1)
        return coco_fail(err, COCO_ERR_PROTO, "member 'flags' is not known here");
    *ret = extended && flags == 1 ? 2 : 1;
    return COCO_OK;
}

static coco_status
get_report(const cJSON *object, struct coco_csv_evidence *ret, coco_error **err)
{
    uint8_t data[COCO_CSV_REPORT_SIZE];
    const cJSON *wrapper = NULL;
    uint32_t version = 0;

    coco_status status = coco_json_get_object(object, "attestation_report", &wrapper, err);
    if (status == COCO_OK)
        status = get_version(wrapper, &version, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(wrapper, "data", data, sizeof(data), err);
    if (status == COCO_OK)
        status = coco_csv_report_parse(data, sizeof(data), version, &ret->report, err);
    if (status == COCO_OK)
        memcpy(ret->mac, data + coco_csv_report_size(&ret->report) + SIGNER_MAC_AT,
               sizeof(ret->mac));
    return status;
}

static coco_status
get_chain(const cJSON *object, struct coco_csv_evidence *ret, coco_error **err)
{
    const cJSON *chain = NULL;
    const cJSON *both = NULL;
    const cJSON *cert = NULL;

    coco_status status = coco_json_get_object(object, "cert_chain", &chain, err);
    if (status == COCO_OK)
        status = coco_json_get_object(chain, "pek", &cert, err);
    if (status == COCO_OK)
        status = coco_csv_cert_from_json(cert, &ret->pek, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(chain, "hsk_cek", &both, err);
    ret->has_hsk_cek = both != NULL;
    if (status != COCO_OK || !both)
        return status;
    status = coco_json_get_object(both, "hsk", &cert, err);
    if (status == COCO_OK)
        status = coco_csv_ca_from_json(cert, &ret->hsk, err);
    if (status == COCO_OK)
        status = coco_json_get_object(both, "cek", &cert, err);
    if (status == COCO_OK)
        status = coco_csv_cert_from_json(cert, &ret->cek, err);
    return status;
}

/* It names a chip in collateral, and is a claim: only what Hygon prints on one. */
bool
coco_csv_serial_number(const uint8_t bytes[COCO_CSV_SERIAL_SIZE],
                       char ret[COCO_CSV_SERIAL_SIZE + 1])
{
    memcpy(ret, bytes, COCO_CSV_SERIAL_SIZE);
    ret[COCO_CSV_SERIAL_SIZE] = '\0';
    size_t len = strlen(ret);
    struct coco_reader rest = coco_reader_of(bytes + len, COCO_CSV_SERIAL_SIZE - len);
    return coco_text_is_all(ret, serial_chars, COCO_CSV_SERIAL_SIZE)
           && coco_read_zeros(&rest, rest.len);
}

static coco_status
get_serial_number(const cJSON *object, char ret[COCO_CSV_SERIAL_SIZE + 1], coco_error **err)
{
    uint8_t bytes[COCO_CSV_SERIAL_SIZE];

    coco_status status = coco_serde_get_bytes(object, "serial_number", bytes, sizeof(bytes), err);
    if (status != COCO_OK)
        return status;
    if (!coco_csv_serial_number(bytes, ret))
        return coco_fail(err, COCO_ERR_PROTO, "member 'serial_number' is none");
    return COCO_OK;
}

static coco_status
get_eventlog(const cJSON *object, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    ret->limit = COCO_CSV_EVENTLOG_MAX;
    coco_status status = coco_json_get_string_opt(object, "cc_eventlog", &text, err);
    if (status != COCO_OK || !text)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "cc_eventlog");
}

coco_status
coco_csv_evidence_parse(const cJSON *object, struct coco_csv_evidence *ret, coco_error **err)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};

    coco_status status = get_report(object, &evidence, err);
    if (status == COCO_OK)
        status = get_chain(object, &evidence, err);
    if (status == COCO_OK)
        status = get_serial_number(object, evidence.serial_number, err);
    if (status == COCO_OK)
        status = get_eventlog(object, &evidence.eventlog, err);
    if (status != COCO_OK)
        return status;
    *ret = evidence;
    evidence.eventlog = (struct coco_buf){0};
    return COCO_OK;
}

static void
put_serial_number(uint8_t *p, const char *serial_number)
{
    memcpy(p, serial_number, strnlen(serial_number, COCO_CSV_SERIAL_SIZE));
}

static coco_status
add_report(cJSON *object, const struct coco_csv_evidence *evidence, coco_error **err)
{
    const struct coco_csv_report *report = &evidence->report;
    static const uint8_t none[MAGIC_SIZE];
    static const uint8_t extended[MAGIC_SIZE] = EXTENDED_MAGIC;
    uint8_t data[COCO_CSV_REPORT_SIZE] = {0};
    cJSON *wrapper = NULL;
    bool is_extended = report->version == 2;

    uint8_t *signer = data + coco_csv_report_format(report, data);
    coco_csv_cert_format(&evidence->pek, signer);
    put_serial_number(signer + COCO_CSV_CERT_SIZE, evidence->serial_number);
    memcpy(signer + SIGNER_MAC_AT, evidence->mac, sizeof(evidence->mac));
    coco_status status = coco_json_add_object(object, "attestation_report", &wrapper, err);
    if (status == COCO_OK)
        status =
            coco_serde_add_bytes(wrapper, "magic", is_extended ? extended : none, MAGIC_SIZE, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(wrapper, "flags", is_extended ? 1 : 0, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(wrapper, "data", data, sizeof(data), err);
    return status;
}

static coco_status
add_chain(cJSON *object, const struct coco_csv_evidence *evidence, coco_error **err)
{
    cJSON *chain = NULL;
    cJSON *both = NULL;
    cJSON *cert = NULL;

    coco_status status = coco_json_add_object(object, "cert_chain", &chain, err);
    if (status == COCO_OK && evidence->has_hsk_cek) {
        status = coco_json_add_object(chain, "hsk_cek", &both, err);
        if (status == COCO_OK)
            status = coco_json_add_object(both, "hsk", &cert, err);
        if (status == COCO_OK)
            status = coco_csv_ca_to_json(&evidence->hsk, cert, err);
        if (status == COCO_OK)
            status = coco_json_add_object(both, "cek", &cert, err);
        if (status == COCO_OK)
            status = coco_csv_cert_to_json(&evidence->cek, cert, err);
    }
    if (status == COCO_OK)
        status = coco_json_add_object(chain, "pek", &cert, err);
    if (status == COCO_OK)
        status = coco_csv_cert_to_json(&evidence->pek, cert, err);
    return status;
}

coco_status
coco_csv_evidence_format(const struct coco_csv_evidence *evidence, struct coco_buf *buf,
                         coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    uint8_t serial[COCO_CSV_SERIAL_SIZE] = {0};

    put_serial_number(serial, evidence->serial_number);
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_report(object, evidence, err);
    if (status == COCO_OK)
        status = add_chain(object, evidence, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(object, "serial_number", serial, sizeof(serial), err);
    if (status == COCO_OK)
        status = evidence->eventlog.len > 0 ? coco_json_add_base64(
                     object, "cc_eventlog", evidence->eventlog.data, evidence->eventlog.len, err)
                                            : coco_json_add_null(object, "cc_eventlog", err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
