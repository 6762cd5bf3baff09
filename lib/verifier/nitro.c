/*
 * verifier/nitro.c - attestation documents of AWS Nitro Enclaves
 *
 * Upstream has no such TEE; here it is called "nitro". Report data is the nonce of
 * the document or, where the enclave gave none, its user data. Where the nonce is
 * report data, user data is the digest of init data: the module measures none, so
 * it is the word of an enclave that its PCRs tell, as with a vTPM. The certificates
 * in a document are good for hours, and AWS has nobody ask for revoked ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/nitro.h"

#include "base/fail.h"
#include "base/text.h"
#include "verifier/driver.h"

#include <stdio.h>
#include <string.h>

/* ---- checks ---- */

static coco_status
check_signature(const struct coco_nitro_document *document, X509 *leaf, coco_verdict *verdict,
                coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *why = NULL;

    coco_status status = coco_cert_key(leaf, &key, &why);
    if (status == COCO_OK)
        status = coco_cose_sign1_verify(&document->message, key, NULL, &why);
    return coco_verdict_add_outcome(verdict, "signature", "signed by the key of its certificate",
                                    status, &why, err);
}

static bool
is_zero(struct coco_cbor_string bytes)
{
    struct coco_reader r = coco_reader_of(bytes.data, bytes.len);

    return coco_read_zeros(&r, bytes.len);
}

/* User guide, "Attestation in debug mode": an enclave whose console can be read measures nothing.
 */
static coco_status
check_debug(const struct coco_nitro_document *document, coco_verdict *verdict, coco_error **err)
{
    bool debug = false;

    for (size_t i = 0; i < 3; i++)
        debug = debug || is_zero(document->pcrs[i]);
    return coco_verdict_add(verdict, "debug", !debug, "an enclave that is measured",
                            debug ? "zeros in PCR 0, 1 or 2" : "an enclave that is measured", err);
}

static struct coco_cbor_string
report_data_of(const struct coco_nitro_document *document)
{
    return document->nonce.len > 0 ? document->nonce : document->user_data;
}

static struct coco_cbor_string
init_data_of(const struct coco_nitro_document *document)
{
    return document->nonce.len > 0 ? document->user_data : (struct coco_cbor_string){0};
}

/* All of the digest: the enclave chose how long its field is, so nothing may be cut to it. */
static coco_status
check_init_data(const struct coco_verification *verification,
                const struct coco_nitro_document *document, coco_verdict *verdict, coco_error **err)
{
    const coco_binding *binding = verification->binding;
    struct coco_cbor_string field = init_data_of(document);

    if (binding->init_data_len == 0)
        return COCO_OK;
    return coco_verdict_add_bytes(verdict, "init-data", binding->init_data, binding->init_data_len,
                                  field.data, field.len, err);
}

/* ---- claims ---- */

/* Nothing for a field that is not there. */
static coco_status
add_hex(cJSON *claims, const char *name, struct coco_cbor_string bytes, coco_error **err)
{
    char hex[2 * COCO_NITRO_FIELD_MAX + 1];

    if (bytes.len == 0)
        return COCO_OK;
    coco_hex(bytes.data, bytes.len, hex);
    return coco_json_add_string(claims, name, hex, err);
}

static coco_status
add_pcrs(cJSON *claims, const struct coco_nitro_document *document, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < COCO_NITRO_PCRS && status == COCO_OK; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "pcr%zu", i);
        status = add_hex(claims, name, document->pcrs[i], err);
    }
    return status;
}

static coco_status
add_claims(cJSON *claims, const struct coco_nitro_document *document, coco_error **err)
{
    _cleanup_free_ char *module_id =
        strndup((const char *)document->module_id.data, document->module_id.len);

    if (!module_id)
        return coco_fail_nomem(err);
    coco_status status = coco_json_add_string(claims, "module_id", module_id, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "digest", COCO_NITRO_DIGEST, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "timestamp", document->timestamp, err);
    if (status == COCO_OK)
        status = add_pcrs(claims, document, err);
    if (status == COCO_OK)
        status = add_hex(claims, "public_key", document->public_key, err);
    if (status == COCO_OK)
        status = add_hex(claims, "user_data", document->user_data, err);
    if (status == COCO_OK)
        status = add_hex(claims, "nonce", document->nonce, err);
    if (status == COCO_OK)
        status = add_hex(claims, "report_data", report_data_of(document), err);
    if (status == COCO_OK)
        status = add_hex(claims, "init_data", init_data_of(document), err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_NITRO_DOCUMENT_MAX};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    struct coco_nitro_document document;
    struct coco_cbor_string data;

    coco_status status = coco_nitro_evidence_parse(verification->evidence, &bytes, err);
    if (status == COCO_OK)
        status = coco_nitro_document_parse(bytes.data, bytes.len, &document, err);
    if (status == COCO_OK)
        status = coco_nitro_chain(&document, &chain, err);
    if (status != COCO_OK)
        return status;

    data = report_data_of(&document);
    status = coco_check_chain(verification, verdict, &coco_evidence_chain, "aws", &chain, err);
    if (status == COCO_OK)
        status = check_signature(&document, chain.certs[0], verdict, err);
    if (status == COCO_OK)
        status = check_debug(&document, verdict, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, data.data, data.len, err);
    if (status == COCO_OK)
        status = check_init_data(verification, &document, verdict, err);
    if (status == COCO_OK)
        status = add_claims(claims, &document, err);
    return status;
}

const struct coco_verifier_driver coco_nitro_verifier = {.tee = "nitro", .verify = verify};
