/*
 * verifier/se.c - evidence of IBM Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/se.h"

#include "base/fail.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/rsa.h"
#include "verifier/se_host_key.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define TEE "se"
#define PEM_MAX ((size_t)16 << 10)
#define INFO "coco se measurement key "

/* ---- keys of requests ---- */

static coco_status
derive_measurement_key(EVP_PKEY *own, const struct coco_secret *nonce, struct coco_secret *ret,
                       coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PEM_MAX};
    char info[sizeof(INFO) + 2 * COCO_SE_NONCE_SIZE];
    char hex[2 * COCO_SE_NONCE_SIZE + 1];

    coco_hex(nonce->data, nonce->len, hex);
    (void)snprintf(info, sizeof(info), "%s%s", INFO, hex);
    coco_status status = coco_key_private_pem(own, &pem, err);
    if (status == COCO_OK) {
        const struct coco_secret seed = {.data = pem.data, .len = pem.len};

        status = coco_hkdf(&seed, info, COCO_SE_KEY_SIZE, ret, err);
    }
    return status;
}

static coco_status
make_secrets(EVP_PKEY *own, struct coco_se_secrets *ret, coco_error **err)
{
    coco_status status = coco_secret_random(COCO_SE_REQUEST_KEY_SIZE, &ret->request_key, err);

    if (status == COCO_OK)
        status = coco_secret_random(COCO_SE_NONCE_SIZE, &ret->nonce, err);
    if (status == COCO_OK)
        status = derive_measurement_key(own, &ret->nonce, &ret->measurement_key, err);
    return status;
}

/* ---- asking ---- */

struct hosts {
    EVP_PKEY *keys[COCO_SE_SLOTS_MAX];
    size_t n;
};

static void
hosts_done(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->n; i++)
        EVP_PKEY_free(hosts->keys[i]);
}

static coco_status
check_hosts(const coco_verifier *verifier, X509 *const *documents, size_t count, struct hosts *ret,
            coco_error **err)
{
    if (count == 0 || count > COCO_SE_SLOTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "request to %zu hosts, not 1 to %d", count,
                         COCO_SE_SLOTS_MAX);
    for (size_t i = 0; i < count; i++) {
        coco_status status =
            coco_se_host_key_check(verifier, documents[i], &ret->keys[ret->n], err);

        if (status != COCO_OK)
            return coco_wrap(err, status, "host key document %zu", i);
        ret->n++;
    }
    return COCO_OK;
}

static coco_status
seal(const struct hosts *hosts, const struct coco_se_secrets *secrets, struct coco_buf *ret,
     coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *customer = NULL;
    struct coco_se_block block;
    uint8_t iv[COCO_SE_IV_SIZE];

    coco_status status = coco_key_generate(COCO_KEY_P521, &customer, err);
    if (status == COCO_OK)
        status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_se_block_seal(customer, hosts->keys, hosts->n, secrets, iv, &block, err);
    if (status == COCO_OK)
        status = coco_se_block_format(&block, ret, err);
    return status;
}

coco_status
coco_se_request_make(const coco_verifier *verifier, X509 *const *documents, size_t count,
                     const struct coco_se_tags *tags, struct coco_buf *ret, coco_error **err)
{
    _cleanup_(hosts_done) struct hosts hosts = {.n = 0};
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    _cleanup_se_request_ struct coco_se_request request = {
        .control_block = {.limit = PEM_MAX},
        .measurement_size = COCO_SE_MEASUREMENT_SIZE,
        .additional_size = 2 * COCO_SE_PHKH_SIZE,
        .key = {.limit = PEM_MAX},
        .nonce = {.limit = PEM_MAX},
        .tags = *tags,
    };
    EVP_PKEY *own = coco_verifier_private_key(verifier, TEE);

    if (!own)
        return coco_fail(err, COCO_ERR_INVALID, "the verifier has no private key for the TEE se");
    coco_status status = check_hosts(verifier, documents, count, &hosts, err);
    if (status == COCO_OK)
        status = make_secrets(own, &secrets, err);
    if (status == COCO_OK)
        status = seal(&hosts, &secrets, &request.control_block, err);
    if (status == COCO_OK)
        status = coco_rsa_pkcs1_wrap(own, &secrets.measurement_key, &request.key, err);
    if (status == COCO_OK)
        status = coco_rsa_pkcs1_wrap(own, &secrets.nonce, &request.nonce, err);
    if (status == COCO_OK)
        status = coco_se_request_format(&request, ret, err);
    return status;
}

/* ---- verifying ---- */

/* One answer for whatever is wrong: who sends them must not learn what decrypts. */
static coco_status
open_request(const struct coco_verification *verification, const struct coco_se_evidence *evidence,
             struct coco_se_secrets *ret, coco_error **err)
{
    EVP_PKEY *own = coco_verifier_private_key(verification->verifier, TEE);
    _cleanup_secret_ struct coco_secret want = {0};

    if (!own)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the verifier has no private key");
    coco_status status =
        coco_rsa_pkcs1_unwrap(own, &evidence->nonce, COCO_SE_NONCE_SIZE, &ret->nonce, NULL);
    if (status == COCO_OK)
        status = coco_rsa_pkcs1_unwrap(own, &evidence->key, COCO_SE_KEY_SIZE, &ret->measurement_key,
                                       NULL);
    if (status == COCO_OK)
        status = derive_measurement_key(own, &ret->nonce, &want, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK
        || !coco_secret_equal(&want, ret->measurement_key.data, ret->measurement_key.len))
        return coco_fail(err, COCO_ERR_VERIFY, "one that this verifier has not made");
    return COCO_OK;
}

static coco_status
check_measurement(coco_verdict *verdict, const struct coco_se_evidence *evidence,
                  const struct coco_se_secrets *secrets, coco_error **err)
{
    const struct coco_se_measured measured = {
        .tags = &evidence->tags,
        .cuid = evidence->cuid,
        .user = evidence->user.data,
        .user_len = evidence->user.len,
        .nonce = secrets->nonce.data,
        .additional = evidence->additional.data,
        .additional_len = evidence->additional.len,
    };
    uint8_t want[COCO_SE_MEASUREMENT_SIZE];

    coco_status status = coco_se_measure(&secrets->measurement_key, &measured, want, err);
    if (status != COCO_OK)
        return status;
    bool ok = evidence->measurement.len == sizeof(want)
              && CRYPTO_memcmp(want, evidence->measurement.data, sizeof(want)) == 0;
    return coco_verdict_add(verdict, "measurement", ok, "one of this image, guest and request",
                            ok ? "one" : "another", err);
}

static coco_status
check_request(const struct coco_verification *verification, coco_verdict *verdict,
              const struct coco_se_evidence *evidence, coco_error **err)
{
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    coco_error *why = NULL;

    coco_status status = open_request(verification, evidence, &secrets, &why);
    bool opened = status == COCO_OK;
    status = coco_verdict_add_outcome(verdict, "request", "one that this verifier has made", status,
                                      &why, err);
    if (status != COCO_OK)
        return status;
    if (!opened)
        return coco_verdict_add(verdict, "measurement", false, "one under the key of a request",
                                "a request that is not known", err);
    return check_measurement(verdict, evidence, &secrets, err);
}

static coco_status
add_claims(cJSON *claims, const struct coco_verification *verification,
           const struct coco_se_evidence *evidence, coco_error **err)
{
    const coco_binding *binding = verification->binding;
    size_t len = binding->report_data_len > 0 ? sizeof(binding->report_data) : 0;

    coco_status status =
        coco_claim_hex(claims, "cuid", evidence->cuid, sizeof(evidence->cuid), err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", binding->report_data, len, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(claims, "version", COCO_SE_VERSION, err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "image_phkh", evidence->additional.data, COCO_SE_PHKH_SIZE, err);
    if (status == COCO_OK)
        status =
            coco_claim_hex(claims, "attestation_phkh",
                           evidence->additional.data + COCO_SE_PHKH_SIZE, COCO_SE_PHKH_SIZE, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "tag", evidence->tags.tag, sizeof(evidence->tags.tag), err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    _cleanup_se_evidence_ struct coco_se_evidence evidence = {0};

    coco_status status = coco_se_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK && evidence.additional.len != 2 * COCO_SE_PHKH_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "additional_data has %zu bytes, not %zu",
                           evidence.additional.len, 2 * COCO_SE_PHKH_SIZE);
    if (status == COCO_OK)
        status = check_request(verification, verdict, &evidence, err);
    if (status == COCO_OK)
        status = coco_check_report_data(verification, verdict, evidence.user.data,
                                        evidence.user.len, err);
    if (status == COCO_OK && verification->binding->init_data_len > 0)
        status = coco_verdict_add(verdict, "init-data", false, "some init data",
                                  "a TEE that has none", err);
    if (status == COCO_OK)
        status = add_claims(claims, verification, &evidence, err);
    return status;
}

const struct coco_verifier_driver coco_se_verifier = {.tee = TEE, .verify = verify};
