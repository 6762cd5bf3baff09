/*
 * tee/hcl_evidence.c - evidence of Azure's confidential VMs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl_evidence.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "tee/serde.h"

#include <string.h>

#define VOUCHER_MAX ((size_t)16 << 10)
#define VERSION_MAX 2

/* How the members are called; version 0 for SNP has names of its own. */
struct names {
    const char *quote;
    const char *report;
    const char *voucher;
};

static const struct names *
names_of(unsigned version, enum coco_hcl_hardware hardware)
{
    static const struct names snp = {"tpm_quote", "hcl_report", "vcek"};
    static const struct names snp_0 = {"quote", "report", "vcek"};
    static const struct names tdx = {"tpm_quote", "hcl_report", "td_quote"};

    if (hardware == COCO_HCL_TDX)
        return &tdx;
    return version == 0 ? &snp_0 : &snp;
}

struct coco_hcl_evidence
coco_hcl_evidence_empty(void)
{
    return (struct coco_hcl_evidence){
        .quote = coco_tpm_quote_empty(),
        .report = {.limit = COCO_HCL_REPORT_MAX},
        .voucher = {.limit = VOUCHER_MAX},
    };
}

void
coco_hcl_evidence_done(struct coco_hcl_evidence *evidence)
{
    coco_tpm_quote_done(&evidence->quote);
    coco_buf_done(&evidence->report);
    coco_buf_done(&evidence->voucher);
}

static coco_status
get_hex(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; text[i]; i += 2) {
        uint8_t byte = 0;

        if (!coco_unhex(text + i, text[i + 1] ? 2 : 1, &byte, 1))
            return coco_fail(err, COCO_ERR_PROTO, "%s: is not hex", name);
        status = coco_buf_append(ret, &byte, 1, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", name);
    }
    return COCO_OK;
}

static coco_status
get_base64url(const cJSON *object, const char *name, struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64URL_PADDED, text, strlen(text), ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", name);
    return COCO_OK;
}

/* PCRs as arrays of numbers. */
static coco_status
get_pcrs_0(const cJSON *object, struct coco_tpm_quote *ret, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *pcr;
    size_t i = 0;

    coco_status status = coco_json_get_array(object, "pcrs", &array, err);
    if (status == COCO_OK && cJSON_GetArraySize(array) != COCO_TPM_PCRS)
        status = coco_fail(err, COCO_ERR_PROTO, "pcrs: are not %d", COCO_TPM_PCRS);
    cJSON_ArrayForEach(pcr, array) {
        if (status != COCO_OK)
            break;
        status = coco_serde_bytes(pcr, "pcrs", ret->pcrs[i++], COCO_TPM_PCR_SIZE, err);
    }
    return status;
}

static coco_status
get_quote(const cJSON *object, const char *name, unsigned version, struct coco_tpm_quote *ret,
          coco_error **err)
{
    static const char *const members[] = {"signature", "message", "pcrs", NULL};
    coco_status (*get)(const cJSON *, const char *, struct coco_buf *, coco_error **) =
        version == 0 ? coco_serde_get_buf : get_hex;
    const cJSON *quote = NULL;

    coco_status status = coco_json_get_object(object, name, &quote, err);
    if (status == COCO_OK)
        status = coco_json_check_members(quote, members, err);
    if (status == COCO_OK)
        status = get(quote, "signature", &ret->signature, err);
    if (status == COCO_OK)
        status = get(quote, "message", &ret->message, err);
    if (status == COCO_OK)
        status = version == 0 ? get_pcrs_0(quote, ret, err) : coco_tpm_pcrs_parse(quote, ret, err);
    return status;
}

/* The certificate of version 0 is PEM, the quote of a TD numbers. */
static coco_status
get_voucher_0(const cJSON *object, const char *name, enum coco_hcl_hardware hardware,
              struct coco_buf *ret, coco_error **err)
{
    const char *text = NULL;

    if (hardware == COCO_HCL_TDX)
        return coco_serde_get_buf(object, name, ret, err);
    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(ret, text, err);
    return status;
}

static coco_status
get_version(const cJSON *object, unsigned *ret, coco_error **err)
{
    uint64_t version = 0;

    if (!cJSON_GetObjectItemCaseSensitive(object, "version")) {
        *ret = 0;
        return COCO_OK;
    }
    coco_status status = coco_json_get_u64(object, "version", &version, err);
    if (status != COCO_OK)
        return status;
    if (version == 0 || version > VERSION_MAX)
        return coco_fail(err, COCO_ERR_NOTSUP, "evidence of version %llu",
                         (unsigned long long)version);
    *ret = (unsigned)version;
    return COCO_OK;
}

coco_status
coco_hcl_evidence_parse(const cJSON *object, enum coco_hcl_hardware hardware,
                        struct coco_hcl_evidence *ret, coco_error **err)
{
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = coco_hcl_evidence_empty();

    coco_status status = get_version(object, &evidence.version, err);
    if (status != COCO_OK)
        return status;
    unsigned version = evidence.version;
    const struct names *names = names_of(version, hardware);
    const char *members[] = {names->quote, names->report, names->voucher,
                             version == 0 ? NULL : "version", NULL};

    status = coco_json_check_members(object, members, err);
    if (status == COCO_OK)
        status = get_quote(object, names->quote, version, &evidence.quote, err);
    if (status == COCO_OK && version == 0)
        status = coco_serde_get_buf(object, names->report, &evidence.report, err);
    else if (status == COCO_OK)
        status = get_base64url(object, names->report, &evidence.report, err);
    if (status == COCO_OK && version == 0)
        status = get_voucher_0(object, names->voucher, hardware, &evidence.voucher, err);
    else if (status == COCO_OK)
        status = get_base64url(object, names->voucher, &evidence.voucher, err);
    if (status != COCO_OK)
        return status;

    *ret = evidence;
    evidence = (struct coco_hcl_evidence){0};
    return COCO_OK;
}

static coco_status
add_hex(cJSON *object, const char *name, const struct coco_buf *bytes, coco_error **err)
{
    char hex[2 * COCO_TPM_MESSAGE_MAX + 1];

    if (bytes->len > COCO_TPM_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "%s of %zu bytes", name, bytes->len);
    coco_hex(bytes->data, bytes->len, hex);
    return coco_json_add_string(object, name, hex, err);
}

static coco_status
add_base64url(cJSON *object, const char *name, const struct coco_buf *bytes, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * bytes->len + 4};

    coco_status status =
        coco_base64_encode(COCO_BASE64URL_PADDED, bytes->data, bytes->len, &text, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, name, coco_buf_text(&text), err);
    return status;
}

coco_status
coco_hcl_evidence_format(const struct coco_hcl_evidence *evidence, enum coco_hcl_hardware hardware,
                         struct coco_buf *buf, coco_error **err)
{
    const struct names *names = names_of(evidence->version, hardware);
    _cleanup_json_ cJSON *object = NULL;
    cJSON *quote = NULL;

    if (evidence->version == 0 || evidence->version > VERSION_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "no evidence of version %u is made",
                         evidence->version);
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "version", evidence->version, err);
    if (status == COCO_OK)
        status = coco_json_add_object(object, names->quote, &quote, err);
    if (status == COCO_OK)
        status = add_hex(quote, "signature", &evidence->quote.signature, err);
    if (status == COCO_OK)
        status = add_hex(quote, "message", &evidence->quote.message, err);
    if (status == COCO_OK)
        status = coco_tpm_pcrs_format(&evidence->quote, quote, err);
    if (status == COCO_OK)
        status = add_base64url(object, names->report, &evidence->report, err);
    if (status == COCO_OK)
        status = add_base64url(object, names->voucher, &evidence->voucher, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}
