/*
 * tee/tpm.c - quotes of a TPM 2.0, and the evidence that is made of one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tpm.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"

#include <string.h>

#define GENERATED_VALUE 0xff544347U /* section 6.2: signed inside a TPM, and made there */
#define ST_ATTEST_QUOTE 0x8018      /* section 6.9 */
#define ALG_RSASSA 0x0014           /* section 6.3 */

#define SELECT_MAX 4 /* bytes of a selection; TPMs have 3 */
#define SELECT_SIZE 3

#define SIGNATURE_HEAD ((size_t)6)

/* ---- TPMS_ATTEST ---- */

/* A TPM2B: its length and its bytes. */
static coco_status
read_data(struct coco_reader *r, const char *what, struct coco_tpm_data *ret, coco_error **err)
{
    size_t len = coco_read_u16be(r);

    if (len > sizeof(ret->bytes))
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: %s of %zu bytes", what, len);
    ret->len = len;
    coco_read_bytes(r, ret->bytes, len);
    return COCO_OK;
}

static coco_status
read_selection(struct coco_reader *r, struct coco_tpm_selection *ret, coco_error **err)
{
    ret->hash = coco_read_u16be(r);
    size_t size = coco_read_u8(r);

    if (size > SELECT_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: selection of %zu bytes", size);
    ret->pcrs = 0;
    for (size_t i = 0; i < size; i++)
        ret->pcrs |= (uint32_t)coco_read_u8(r) << (8 * i);
    return COCO_OK;
}

/* TPMS_QUOTE_INFO. */
static coco_status
read_quote_info(struct coco_reader *r, struct coco_tpm_attest *ret, coco_error **err)
{
    coco_status status = COCO_OK;

    ret->n_selections = coco_read_u32be(r);
    if (ret->n_selections > COCO_TPM_SELECTIONS_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: %zu selections of PCRs",
                         ret->n_selections);
    for (size_t i = 0; i < ret->n_selections && status == COCO_OK; i++)
        status = read_selection(r, &ret->selections[i], err);
    if (status == COCO_OK)
        status = read_data(r, "digest", &ret->digest, err);
    return status;
}

coco_status
coco_tpm_attest_parse(const void *data, size_t len, struct coco_tpm_attest *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_tpm_attest attest = {0};

    if (coco_read_u32be(&r) != GENERATED_VALUE)
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: was not made inside a TPM");
    unsigned type = coco_read_u16be(&r);
    if (type != ST_ATTEST_QUOTE)
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: attests something else, 0x%04x", type);

    coco_status status = read_data(&r, "signer", &attest.signer, err);
    if (status == COCO_OK)
        status = read_data(&r, "qualifying data", &attest.extra, err);
    if (status != COCO_OK)
        return status;

    attest.clock = coco_read_u64be(&r);
    attest.resets = coco_read_u32be(&r);
    attest.restarts = coco_read_u32be(&r);
    unsigned safe = coco_read_u8(&r);
    attest.firmware = coco_read_u64be(&r);
    if (safe > 1)
        return coco_fail(err, COCO_ERR_PROTO, "TPM quote: its clock is neither safe nor unsafe");
    attest.safe = safe == 1;

    status = read_quote_info(&r, &attest, err);
    if (status == COCO_OK)
        status = coco_reader_finish(&r, "TPM quote", err);
    if (status == COCO_OK)
        *ret = attest;
    return status;
}

/* Appends the lowest size bytes of value. */
static coco_status
put(struct coco_buf *buf, uint64_t value, size_t size, coco_error **err)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return coco_buf_append(buf, bytes, size, err);
}

static coco_status
put_data(struct coco_buf *buf, const struct coco_tpm_data *data, coco_error **err)
{
    coco_status status = put(buf, data->len, 2, err);

    if (status == COCO_OK)
        status = coco_buf_append(buf, data->bytes, data->len, err);
    return status;
}

static coco_status
put_selection(struct coco_buf *buf, const struct coco_tpm_selection *selection, coco_error **err)
{
    coco_status status = put(buf, selection->hash, 2, err);

    if (status == COCO_OK)
        status = put(buf, SELECT_SIZE, 1, err);
    for (size_t i = 0; i < SELECT_SIZE && status == COCO_OK; i++)
        status = put(buf, selection->pcrs >> (8 * i) & 0xff, 1, err);
    return status;
}

/* TPMS_CLOCK_INFO, and the version of the firmware behind it. */
static coco_status
put_clock(struct coco_buf *buf, const struct coco_tpm_attest *attest, coco_error **err)
{
    coco_status status = put(buf, attest->clock, 8, err);

    if (status == COCO_OK)
        status = put(buf, attest->resets, 4, err);
    if (status == COCO_OK)
        status = put(buf, attest->restarts, 4, err);
    if (status == COCO_OK)
        status = put(buf, attest->safe ? 1 : 0, 1, err);
    if (status == COCO_OK)
        status = put(buf, attest->firmware, 8, err);
    return status;
}

coco_status
coco_tpm_attest_format(const struct coco_tpm_attest *attest, struct coco_buf *buf, coco_error **err)
{
    coco_status status = put(buf, GENERATED_VALUE, 4, err);

    if (status == COCO_OK)
        status = put(buf, ST_ATTEST_QUOTE, 2, err);
    if (status == COCO_OK)
        status = put_data(buf, &attest->signer, err);
    if (status == COCO_OK)
        status = put_data(buf, &attest->extra, err);
    if (status == COCO_OK)
        status = put_clock(buf, attest, err);
    if (status == COCO_OK)
        status = put(buf, attest->n_selections, 4, err);
    for (size_t i = 0; i < attest->n_selections && status == COCO_OK; i++)
        status = put_selection(buf, &attest->selections[i], err);
    if (status == COCO_OK)
        status = put_data(buf, &attest->digest, err);
    return status;
}

bool
coco_tpm_attest_is_of_all(const struct coco_tpm_attest *attest)
{
    return attest->n_selections == 1 && attest->selections[0].hash == COCO_TPM_ALG_SHA256
           && attest->selections[0].pcrs == COCO_TPM_PCRS_ALL;
}

/* ---- TPMT_SIGNATURE ---- */

coco_status
coco_tpm_signature_parse(const void *data, size_t len, const uint8_t **ret, size_t *ret_len,
                         coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    unsigned alg = coco_read_u16be(&r);
    unsigned hash = coco_read_u16be(&r);
    size_t size = coco_read_u16be(&r);
    const uint8_t *bytes = coco_read_piece(&r, size);

    if (!r.exhausted && (alg != ALG_RSASSA || hash != COCO_TPM_ALG_SHA256))
        return coco_fail(err, COCO_ERR_NOTSUP, "TPM signature of algorithm 0x%04x with 0x%04x", alg,
                         hash);
    coco_status status = coco_reader_finish(&r, "TPM signature", err);
    if (status != COCO_OK)
        return status;

    *ret = bytes;
    *ret_len = size;
    return COCO_OK;
}

coco_status
coco_tpm_signature_format(const void *signature, size_t len, struct coco_buf *buf, coco_error **err)
{
    if (len > COCO_TPM_SIGNATURE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "TPM signature of %zu bytes", len);

    coco_status status = put(buf, ALG_RSASSA, 2, err);
    if (status == COCO_OK)
        status = put(buf, COCO_TPM_ALG_SHA256, 2, err);
    if (status == COCO_OK)
        status = put(buf, len, 2, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, signature, len, err);
    return status;
}

/* ---- quotes ---- */

struct coco_tpm_quote
coco_tpm_quote_empty(void)
{
    return (struct coco_tpm_quote){
        .message = {.limit = COCO_TPM_MESSAGE_MAX},
        .signature = {.limit = COCO_TPM_SIGNATURE_MAX},
    };
}

void
coco_tpm_quote_done(struct coco_tpm_quote *quote)
{
    coco_buf_done(&quote->message);
    coco_buf_done(&quote->signature);
}

coco_status
coco_tpm_quote_digest(const struct coco_tpm_quote *quote, struct coco_digest *ret, coco_error **err)
{
    return coco_digest_of(COCO_SHA256, quote->pcrs, sizeof(quote->pcrs), ret, err);
}

coco_status
coco_tpm_extend(uint8_t pcr[COCO_TPM_PCR_SIZE], const uint8_t digest[COCO_TPM_PCR_SIZE],
                coco_error **err)
{
    uint8_t both[2 * COCO_TPM_PCR_SIZE];
    struct coco_digest value = {0};

    memcpy(both, pcr, COCO_TPM_PCR_SIZE);
    memcpy(both + COCO_TPM_PCR_SIZE, digest, COCO_TPM_PCR_SIZE);
    coco_status status = coco_digest_of(COCO_SHA256, both, sizeof(both), &value, err);
    if (status == COCO_OK)
        memcpy(pcr, value.bytes, COCO_TPM_PCR_SIZE);
    return status;
}

void
coco_tpm_init_data(const uint8_t *digest, size_t len, uint8_t ret[COCO_TPM_PCR_SIZE])
{
    memset(ret, 0, COCO_TPM_PCR_SIZE);
    memcpy(ret, digest, len < COCO_TPM_PCR_SIZE ? len : COCO_TPM_PCR_SIZE);
}

/* ---- JSON ---- */

coco_status
coco_tpm_pcrs_parse(const cJSON *object, struct coco_tpm_quote *ret, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *pcr;
    size_t i = 0;

    coco_status status = coco_json_get_array(object, "pcrs", &array, err);
    if (status != COCO_OK)
        return status;
    if (cJSON_GetArraySize(array) != COCO_TPM_PCRS)
        return coco_fail(err, COCO_ERR_PROTO, "pcrs: are not %d", COCO_TPM_PCRS);
    cJSON_ArrayForEach(pcr, array) {
        const char *text = cJSON_GetStringValue(pcr);

        if (!text || !coco_unhex(text, strlen(text), ret->pcrs[i], COCO_TPM_PCR_SIZE))
            return coco_fail(err, COCO_ERR_PROTO, "pcrs[%zu]: is not %d bytes in hex", i,
                             COCO_TPM_PCR_SIZE);
        i++;
    }
    return COCO_OK;
}

coco_status
coco_tpm_pcrs_format(const struct coco_tpm_quote *quote, cJSON *object, coco_error **err)
{
    cJSON *array = NULL;
    char hex[2 * COCO_TPM_PCR_SIZE + 1];

    coco_status status = coco_json_add_array(object, "pcrs", &array, err);
    for (size_t i = 0; i < COCO_TPM_PCRS && status == COCO_OK; i++) {
        coco_hex(quote->pcrs[i], COCO_TPM_PCR_SIZE, hex);
        status = coco_json_add_string(array, NULL, hex, err);
    }
    return status;
}

struct coco_tpm_evidence
coco_tpm_evidence_empty(void)
{
    return (struct coco_tpm_evidence){
        .quote = coco_tpm_quote_empty(),
        .ak = {.limit = COCO_TPM_AK_MAX},
    };
}

void
coco_tpm_evidence_done(struct coco_tpm_evidence *evidence)
{
    coco_tpm_quote_done(&evidence->quote);
    coco_buf_done(&evidence->ak);
}

static coco_status
get_base64(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    return COCO_OK;
}

static coco_status
get_signature(const cJSON *object, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf marshalled = {.limit = SIGNATURE_HEAD + COCO_TPM_SIGNATURE_MAX};
    const uint8_t *bytes = NULL;
    size_t len = 0;

    coco_status status = get_base64(object, "signature", &marshalled, err);
    if (status == COCO_OK)
        status = coco_tpm_signature_parse(marshalled.data, marshalled.len, &bytes, &len, err);
    if (status == COCO_OK)
        status = coco_buf_append(ret, bytes, len, err);
    return status;
}

static coco_status
get_quote(const cJSON *object, struct coco_tpm_quote *ret, coco_error **err)
{
    static const char *const names[] = {"signature", "message", "pcrs", NULL};

    coco_status status = coco_json_check_members(object, names, err);
    if (status == COCO_OK)
        status = get_signature(object, &ret->signature, err);
    if (status == COCO_OK)
        status = get_base64(object, "message", &ret->message, err);
    if (status == COCO_OK)
        status = coco_tpm_pcrs_parse(object, ret, err);
    return status;
}

coco_status
coco_tpm_evidence_parse(const cJSON *object, struct coco_tpm_evidence *ret, coco_error **err)
{
    static const char *const names[] = {"tpm_quote", "ak_public", NULL};
    _cleanup_tpm_evidence_ struct coco_tpm_evidence evidence = coco_tpm_evidence_empty();
    const cJSON *quote = NULL;

    coco_status status = coco_json_check_members(object, names, err);
    if (status == COCO_OK)
        status = coco_json_get_object(object, "tpm_quote", &quote, err);
    if (status == COCO_OK)
        status = get_quote(quote, &evidence.quote, err);
    if (status == COCO_OK)
        status = get_base64(object, "ak_public", &evidence.ak, err);
    if (status != COCO_OK)
        return status;

    *ret = evidence;
    evidence = (struct coco_tpm_evidence){0};
    return COCO_OK;
}

static coco_status
add_quote(cJSON *object, const struct coco_tpm_quote *quote, coco_error **err)
{
    _cleanup_buf_ struct coco_buf marshalled = {.limit = SIGNATURE_HEAD + COCO_TPM_SIGNATURE_MAX};

    coco_status status =
        coco_tpm_signature_format(quote->signature.data, quote->signature.len, &marshalled, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "signature", marshalled.data, marshalled.len, err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64(object, "message", quote->message.data, quote->message.len, err);
    if (status == COCO_OK)
        status = coco_tpm_pcrs_format(quote, object, err);
    return status;
}

coco_status
coco_tpm_evidence_format(const struct coco_tpm_evidence *evidence, struct coco_buf *buf,
                         coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    cJSON *quote = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_object(object, "tpm_quote", &quote, err);
    if (status == COCO_OK)
        status = add_quote(quote, &evidence->quote, err);
    if (status == COCO_OK)
        status =
            coco_json_add_base64(object, "ak_public", evidence->ak.data, evidence->ak.len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
