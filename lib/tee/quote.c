/*
 * tee/quote.c - quotes of Intel SGX and TDX
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/quote.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/reader.h"

#include <string.h>

_Static_assert(sizeof(struct coco_quote_header) == 48, "a header");
_Static_assert(sizeof(struct coco_sgx_report) == 384, "an enclave's report");
_Static_assert(sizeof(struct coco_td_report) == COCO_TD15_SIZE, "a TD's report");
_Static_assert(offsetof(struct coco_td_report, tcb_svn2) == COCO_TD10_SIZE, "that of TD 1.0");

static const uint8_t intel[16] = {
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
};

uint16_t
coco_quote_u16(const uint8_t bytes[2])
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t
coco_quote_u32(const uint8_t bytes[4])
{
    return (uint32_t)coco_quote_u16(bytes) | (uint32_t)coco_quote_u16(bytes + 2) << 16;
}

const char *
coco_certification_name(enum coco_certification certification)
{
    static const char *const names[] = {
        [COCO_CERTIFICATION_PPID] = "PPID",
        [COCO_CERTIFICATION_PPID_RSA2048] = "PPID under RSA-2048",
        [COCO_CERTIFICATION_PPID_RSA3072] = "PPID under RSA-3072",
        [COCO_CERTIFICATION_PCK_LEAF] = "PCK certificate alone",
        [COCO_CERTIFICATION_PCK_CHAIN] = "PCK certificate chain",
        [COCO_CERTIFICATION_QE_REPORT] = "QE report",
        [COCO_CERTIFICATION_PLATFORM_MANIFEST] = "platform manifest",
    };
    size_t index = certification;

    return index > 0 && index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}

/* ---- reading ---- */

static coco_status
check_header(const struct coco_quote_header *header, coco_error **err)
{
    unsigned version = coco_quote_u16(header->version);
    unsigned key_type = coco_quote_u16(header->key_type);
    uint32_t tee = coco_quote_u32(header->tee_type);

    if (version < 3 || version > 5)
        return coco_fail(err, COCO_ERR_NOTSUP, "quote of version %u", version);
    if (key_type != COCO_QUOTE_KEY_P256)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "quote with an attestation key of type %u, not ECDSA on P-256", key_type);
    if (tee != (version == 3 ? COCO_QUOTE_TEE_SGX : COCO_QUOTE_TEE_TDX))
        return coco_fail(err, COCO_ERR_NOTSUP, "quote of version %u of the TEE type 0x%x", version,
                         tee);
    if (memcmp(header->vendor_id, intel, sizeof(intel)) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "quote of a quoting enclave that is not Intel's");
    return COCO_OK;
}

/* Version 5 says which body it has; before, there was one for each version. */
static coco_status
read_body_type(struct coco_reader *r, struct coco_quote *quote, coco_error **err)
{
    unsigned version = coco_quote_u16(quote->header.version);

    if (version < 5) {
        quote->body = version == 3 ? COCO_QUOTE_SGX : COCO_QUOTE_TD10;
        return COCO_OK;
    }
    unsigned type = coco_read_u16le(r);
    uint32_t size = coco_read_u32le(r);
    coco_status status = coco_reader_check(r, "quote", err);
    if (status != COCO_OK)
        return status;
    if (type != COCO_QUOTE_TD10 && type != COCO_QUOTE_TD15)
        return coco_fail(err, COCO_ERR_NOTSUP, "quote with a body of type %u", type);
    quote->body = (enum coco_quote_body)type;
    if (size != (quote->body == COCO_QUOTE_TD10 ? COCO_TD10_SIZE : COCO_TD15_SIZE))
        return coco_fail(err, COCO_ERR_PROTO, "quote with a body of %u bytes", size);
    return COCO_OK;
}

static void
read_body(struct coco_reader *r, struct coco_quote *quote)
{
    switch (quote->body) {
    case COCO_QUOTE_SGX:
        coco_read_bytes(r, &quote->sgx, sizeof(quote->sgx));
        break;
    case COCO_QUOTE_TD10:
        coco_read_bytes(r, &quote->td, COCO_TD10_SIZE);
        break;
    case COCO_QUOTE_TD15:
        coco_read_bytes(r, &quote->td, COCO_TD15_SIZE);
        break;
    }
}

/* The report of the QE, and all behind it: nothing may be left of r. */
static coco_status
read_certification(struct coco_reader *r, struct coco_quote *quote, coco_error **err)
{
    coco_read_bytes(r, &quote->qe_report, sizeof(quote->qe_report));
    coco_read_bytes(r, quote->qe_signature, sizeof(quote->qe_signature));
    quote->auth_len = coco_read_u16le(r);
    quote->auth = coco_read_piece(r, quote->auth_len);
    unsigned type = coco_read_u16le(r);
    quote->certification_len = coco_read_u32le(r);
    quote->certification_data = coco_read_piece(r, quote->certification_len);
    coco_status status = coco_reader_finish(r, "certification of a quote", err);
    if (status != COCO_OK)
        return status;
    if (type < COCO_CERTIFICATION_PPID || type > COCO_CERTIFICATION_PLATFORM_MANIFEST
        || type == COCO_CERTIFICATION_QE_REPORT)
        return coco_fail(err, COCO_ERR_PROTO, "quote with certification data of type %u", type);
    quote->certification = (enum coco_certification)type;
    return COCO_OK;
}

static coco_status
read_signature(struct coco_reader *r, struct coco_quote *quote, coco_error **err)
{
    coco_read_bytes(r, quote->signature, sizeof(quote->signature));
    coco_read_bytes(r, quote->key, sizeof(quote->key));
    if (quote->body == COCO_QUOTE_SGX)
        return read_certification(r, quote, err);

    unsigned type = coco_read_u16le(r);
    struct coco_reader inside = coco_read_part(r, coco_read_u32le(r));
    coco_status status = coco_reader_finish(r, "signature of a quote", err);
    if (status != COCO_OK)
        return status;
    if (type != COCO_CERTIFICATION_QE_REPORT)
        return coco_fail(err, COCO_ERR_NOTSUP, "quote whose key is certified by type %u, not %d",
                         type, COCO_CERTIFICATION_QE_REPORT);
    return read_certification(&inside, quote, err);
}

coco_status
coco_quote_parse(const void *data, size_t len, struct coco_quote *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_quote quote = {.signed_data = data};

    if (len > COCO_QUOTE_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "quote of more than %zu bytes", COCO_QUOTE_SIZE_MAX);
    coco_read_bytes(&r, &quote.header, sizeof(quote.header));
    coco_status status = coco_reader_check(&r, "quote", err);
    if (status == COCO_OK)
        status = check_header(&quote.header, err);
    if (status == COCO_OK)
        status = read_body_type(&r, &quote, err);
    if (status != COCO_OK)
        return status;
    read_body(&r, &quote);
    quote.signed_len = r.at;

    struct coco_reader signature = coco_read_part(&r, coco_read_u32le(&r));
    status = coco_reader_check(&r, "quote", err);
    if (status == COCO_OK)
        status = read_signature(&signature, &quote, err);
    if (status != COCO_OK)
        return status;
    quote.len = r.at;
    *ret = quote;
    return COCO_OK;
}

/* ---- writing ---- */

struct coco_quote_header
coco_quote_header_of(uint16_t version, enum coco_quote_body body)
{
    struct coco_quote_header header = {
        .version = {(uint8_t)version},
        .key_type = {COCO_QUOTE_KEY_P256},
        .tee_type = {body == COCO_QUOTE_SGX ? COCO_QUOTE_TEE_SGX : COCO_QUOTE_TEE_TDX},
    };

    memcpy(header.vendor_id, intel, sizeof(intel));
    return header;
}

static coco_status
append_number(struct coco_buf *buf, size_t value, size_t size, coco_error **err)
{
    uint8_t bytes[4] = {0};

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return coco_buf_append(buf, bytes, size, err);
}

static coco_status
append_typed(struct coco_buf *buf, size_t type, size_t len, coco_error **err)
{
    coco_status status = append_number(buf, type, 2, err);

    return status == COCO_OK ? append_number(buf, len, 4, err) : status;
}

coco_status
coco_quote_format_signed(const struct coco_quote *quote, struct coco_buf *buf, coco_error **err)
{
    size_t td_size = quote->body == COCO_QUOTE_TD15 ? COCO_TD15_SIZE : COCO_TD10_SIZE;

    coco_status status = coco_buf_append(buf, &quote->header, sizeof(quote->header), err);
    if (status == COCO_OK && coco_quote_u16(quote->header.version) >= 5)
        status = append_typed(buf, quote->body, td_size, err);
    if (status != COCO_OK)
        return status;
    if (quote->body == COCO_QUOTE_SGX)
        return coco_buf_append(buf, &quote->sgx, sizeof(quote->sgx), err);
    return coco_buf_append(buf, &quote->td, td_size, err);
}

static coco_status
append_certification(const struct coco_quote *quote, struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_buf_append(buf, &quote->qe_report, sizeof(quote->qe_report), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, quote->qe_signature, sizeof(quote->qe_signature), err);
    if (status == COCO_OK)
        status = append_number(buf, quote->auth_len, 2, err);
    if (status == COCO_OK && quote->auth_len > 0)
        status = coco_buf_append(buf, quote->auth, quote->auth_len, err);
    if (status == COCO_OK)
        status = append_typed(buf, quote->certification, quote->certification_len, err);
    if (status == COCO_OK && quote->certification_len > 0)
        status = coco_buf_append(buf, quote->certification_data, quote->certification_len, err);
    return status;
}

coco_status
coco_quote_format(const struct coco_quote *quote, struct coco_buf *buf, coco_error **err)
{
    bool wrapped = quote->body != COCO_QUOTE_SGX;
    size_t inside = sizeof(quote->qe_report) + sizeof(quote->qe_signature) + 2 + quote->auth_len + 6
                    + quote->certification_len;
    size_t outside = sizeof(quote->signature) + sizeof(quote->key) + (wrapped ? 6 : 0) + inside;

    if (quote->auth_len > UINT16_MAX || outside > COCO_QUOTE_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "quote of more than %zu bytes", COCO_QUOTE_SIZE_MAX);
    coco_status status = coco_quote_format_signed(quote, buf, err);
    if (status == COCO_OK)
        status = append_number(buf, outside, 4, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, quote->signature, sizeof(quote->signature), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, quote->key, sizeof(quote->key), err);
    if (status == COCO_OK && wrapped)
        status = append_typed(buf, COCO_CERTIFICATION_QE_REPORT, inside, err);
    if (status == COCO_OK)
        status = append_certification(quote, buf, err);
    return status;
}

coco_status
coco_quote_key_hash(const struct coco_quote *quote, uint8_t ret[32], coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};
    struct coco_digest digest = {0};

    coco_status status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, quote->key, sizeof(quote->key), err);
    if (status == COCO_OK && quote->auth_len > 0)
        status = coco_hash_add(&hash, quote->auth, quote->auth_len, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, 32);
    return status;
}
