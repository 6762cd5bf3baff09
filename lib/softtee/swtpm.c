/*
 * softtee/swtpm.c - a TPM of software, made to be that of a machine
 *
 * The key is the maker's, so that it stays the same while the TPM's own seeds are new each
 * time: it is imported (TPM 2.0 Library, part 3, section 13.3), not made in the TPM, which
 * is what no verifier can see.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/swtpm.h"

#include "base/fail.h"
#include "config.h"
#include "tee/eventlog.h"

#if COCO_HAVE_TPM

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define RSA_SIZE 256 /* of 2048 bits */

static coco_status
fail_tss(TSS2_RC rc, const char *what, coco_error **err)
{
    return coco_fail(err, COCO_ERR_IO, "TPM of software: %s: %s", what, Tss2_RC_Decode(rc));
}

/* ---- the attestation key ---- */

/* Puts a number of key, size bytes. */
static coco_status
put_number(const EVP_PKEY *key, const char *name, uint8_t *ret, int size, coco_error **err)
{
    BIGNUM *number = NULL;
    bool ok =
        EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_bn2binpad(number, ret, size) == size;

    BN_clear_free(number);
    return ok ? COCO_OK : coco_fail(err, COCO_ERR_INVALID, "the TPM's key is not RSA of 2048 bits");
}

static coco_status
public_of(const EVP_PKEY *key, TPM2B_PUBLIC *ret, coco_error **err)
{
    *ret = (TPM2B_PUBLIC){
        .publicArea =
            {
                .type = TPM2_ALG_RSA,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes =
                    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
                .parameters.rsaDetail =
                    {
                        .symmetric.algorithm = TPM2_ALG_NULL,
                        .scheme = {.scheme = TPM2_ALG_RSASSA,
                                   .details.rsassa.hashAlg = TPM2_ALG_SHA256},
                        .keyBits = 8 * RSA_SIZE,
                    },
                .unique.rsa.size = RSA_SIZE,
            },
    };
    return put_number(key, OSSL_PKEY_PARAM_RSA_N, ret->publicArea.unique.rsa.buffer, RSA_SIZE, err);
}

/* TPM2B_SENSITIVE (part 2, section 12.3.2.5), not wrapped: one prime, no authorization, no seed. */
static coco_status
private_of(const EVP_PKEY *key, TPM2B_PRIVATE *ret, coco_error **err)
{
    static const uint8_t head[] = {0, 8 + RSA_SIZE / 2, 0, TPM2_ALG_RSA, 0, 0, 0, 0,
                                   0, RSA_SIZE / 2};

    memcpy(ret->buffer, head, sizeof(head));
    ret->size = sizeof(head) + RSA_SIZE / 2;
    return put_number(key, OSSL_PKEY_PARAM_RSA_FACTOR1, ret->buffer + sizeof(head), RSA_SIZE / 2,
                      err);
}

/* Without a parent there is no import. */
static TSS2_RC
make_parent(ESYS_CONTEXT *esys, ESYS_TR *ret)
{
    static const TPM2B_SENSITIVE_CREATE sensitive = {0};
    static const TPM2B_DATA outside = {0};
    static const TPML_PCR_SELECTION creation = {0};
    static const TPM2B_PUBLIC area = {
        .publicArea =
            {
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT
                                    | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH
                                    | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                .parameters.eccDetail =
                    {
                        .symmetric = {.algorithm = TPM2_ALG_AES,
                                      .keyBits.aes = 128,
                                      .mode.aes = TPM2_ALG_CFB},
                        .scheme.scheme = TPM2_ALG_NULL,
                        .curveID = TPM2_ECC_NIST_P256,
                        .kdf.scheme = TPM2_ALG_NULL,
                    },
            },
    };

    return Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                              &sensitive, &area, &outside, &creation, ret, NULL, NULL, NULL, NULL);
}

/* Imports and loads below parent, and makes it persistent. */
static TSS2_RC
import_below(ESYS_CONTEXT *esys, ESYS_TR parent, const TPM2B_PUBLIC *area,
             const TPM2B_PRIVATE *duplicate)
{
    static const TPM2B_DATA no_key = {0};
    static const TPM2B_ENCRYPTED_SECRET no_seed = {0};
    static const TPMT_SYM_DEF_OBJECT no_cipher = {.algorithm = TPM2_ALG_NULL};
    TPM2B_PRIVATE *wrapped = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    ESYS_TR kept = ESYS_TR_NONE;

    TSS2_RC rc = Esys_Import(esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &no_key,
                             area, duplicate, &no_seed, &no_cipher, &wrapped);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Load(esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, wrapped, area,
                       &key);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_EvictControl(esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE, COCO_TPM_AK_HANDLE, &kept);
    if (kept != ESYS_TR_NONE)
        (void)Esys_TR_Close(esys, &kept);
    if (key != ESYS_TR_NONE)
        (void)Esys_FlushContext(esys, key);
    Esys_Free(wrapped);
    return rc;
}

static coco_status
import_key(ESYS_CONTEXT *esys, const EVP_PKEY *key, coco_error **err)
{
    TPM2B_PRIVATE duplicate = {0};
    ESYS_TR parent = ESYS_TR_NONE;
    TPM2B_PUBLIC area;

    coco_status status = public_of(key, &area, err);
    if (status == COCO_OK)
        status = private_of(key, &duplicate, err);
    if (status == COCO_OK) {
        TSS2_RC rc = make_parent(esys, &parent);

        if (rc == TSS2_RC_SUCCESS)
            rc = import_below(esys, parent, &area, &duplicate);
        if (parent != ESYS_TR_NONE)
            (void)Esys_FlushContext(esys, parent);
        if (rc != TSS2_RC_SUCCESS)
            status = fail_tss(rc, "import its attestation key", err);
    }
    OPENSSL_cleanse(&duplicate, sizeof(duplicate));
    return status;
}

/* ---- what was measured ---- */

static coco_status
extend(ESYS_CONTEXT *esys, unsigned pcr, const uint8_t digest[COCO_TPM_PCR_SIZE], coco_error **err)
{
    TPML_DIGEST_VALUES values = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};

    memcpy(values.digests[0].digest.sha256, digest, COCO_TPM_PCR_SIZE);
    TSS2_RC rc = Esys_PCR_Extend(esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &values);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "extend a PCR", err);
}

static coco_status
measure(ESYS_CONTEXT *esys, const struct coco_softtee_vtpm *vtpm, coco_error **err)
{
    struct coco_eventlog log = {0};
    struct coco_event event;

    coco_status status = coco_eventlog_parse(vtpm->log.data, vtpm->log.len, &log, err);
    for (size_t at = 0; status == COCO_OK && coco_eventlog_next(&log, &at, &event);)
        status = extend(esys, event.index, coco_event_digest(&event, COCO_TCG_SHA256), err);
    if (status == COCO_OK && vtpm->has_init_data)
        status = extend(esys, COCO_TPM_INIT_DATA_PCR, vtpm->init_data, err);
    return status;
}

coco_status
coco_swtpm_boot(const char *tcti, const struct coco_tpm_maker *maker,
                const struct coco_softtee_vtpm *vtpm, coco_error **err)
{
    TSS2_TCTI_CONTEXT *transport = NULL;
    ESYS_CONTEXT *esys = NULL;
    coco_status status = COCO_OK;

    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &transport);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Initialize(&esys, transport, NULL);
    if (rc != TSS2_RC_SUCCESS)
        status = fail_tss(rc, tcti, err);
    if (status == COCO_OK)
        status = import_key(esys, maker->ak.key, err);
    if (status == COCO_OK)
        status = measure(esys, vtpm, err);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&transport);
    return status;
}

#else

coco_status
coco_swtpm_boot(const char *tcti, const struct coco_tpm_maker *maker,
                const struct coco_softtee_vtpm *vtpm, coco_error **err)
{
    (void)maker;
    (void)vtpm;
    return coco_fail(err, COCO_ERR_NOTSUP, "'%s': this build has no tpm2-tss", tcti);
}

#endif
