/*
 * kbs/seal_tpm.c - a key that one TPM 2.0 gives out, and no other
 *
 * The key goes over the bus encrypted, in a session that only the TPM which has the storage key
 * can have agreed to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_tpm.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define MAGIC "coco-tpm"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define KEY_MAX 128 /* part 2, table 151: MAX_SYM_DATA */

/* The TPM, its storage key, and a session with it; what is loaded is flushed. */
struct tpm {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR primary;
    ESYS_TR session;
    ESYS_TR item;
};

static const TPM2B_PUBLIC storage_key = {
    .publicArea =
        {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT
                                | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH
                                | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
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

static const TPMT_SYM_DEF bus = {
    .algorithm = TPM2_ALG_AES,
    .keyBits.aes = 128,
    .mode.aes = TPM2_ALG_CFB,
};

static coco_status
fail_tss(TSS2_RC rc, const char *what, coco_error **err)
{
    /* Of a format-one code the parameter's number is no part (part 2, section 6.6.3). */
    TSS2_RC code = rc & TPM2_RC_FMT1 ? rc & (TPM2_RC_FMT1 | 0x3f) : rc & 0xffff;

    if ((rc & 0xffff) == TSS2_BASE_RC_MEMORY)
        return coco_fail_nomem(err);
    if (code == TPM2_RC_INTEGRITY)
        return coco_fail(err, COCO_ERR_VERIFY, "it is not this TPM that has wrapped it");
    if (code == TPM2_RC_POLICY_FAIL)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "the PCRs do not hold what they held when it was wrapped");
    return coco_fail(err, COCO_ERR_IO, "TPM: %s: %s", what, Tss2_RC_Decode(rc));
}

static void
flush(const struct tpm *tpm, ESYS_TR object)
{
    if (object != ESYS_TR_NONE)
        (void)Esys_FlushContext(tpm->esys, object);
}

static void
tpm_done(struct tpm *tpm)
{
    if (tpm->esys) {
        flush(tpm, tpm->item);
        flush(tpm, tpm->session);
        flush(tpm, tpm->primary);
        Esys_Finalize(&tpm->esys);
    }
    if (tpm->tcti)
        Tss2_TctiLdr_Finalize(&tpm->tcti);
}
#define _cleanup_tpm_ _cleanup_(tpm_done)

#define NO_TPM                                                                                     \
    {                                                                                              \
        .primary = ESYS_TR_NONE, .session = ESYS_TR_NONE, .item = ESYS_TR_NONE                     \
    }

static coco_status
make_storage_key(struct tpm *tpm, coco_error **err)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_PUBLIC *public = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;

    TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &sensitive, &storage_key, &outside, &pcrs,
                                    &tpm->primary, &public, &data, &hash, &ticket);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "make the storage key", err);
    Esys_Free(public);
    Esys_Free(data);
    Esys_Free(hash);
    Esys_Free(ticket);
    return COCO_OK;
}

static coco_status
open_tpm(const char *tcti, struct tpm *ret, coco_error **err)
{
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &ret->tcti);

    if (rc != TSS2_RC_SUCCESS)
        return coco_fail(err, COCO_ERR_IO, "TPM '%s': %s", tcti, Tss2_RC_Decode(rc));
    rc = Esys_Initialize(&ret->esys, ret->tcti, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, tcti, err);
    return make_storage_key(ret, err);
}

/* Of a session kind; its salt is encrypted to the storage key. */
static coco_status
begin_session(struct tpm *tpm, TPM2_SE kind, coco_error **err)
{
    const TPMA_SESSION attributes =
        TPMA_SESSION_CONTINUESESSION
        | (kind == TPM2_SE_TRIAL ? 0 : TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT);

    TSS2_RC rc =
        Esys_StartAuthSession(tpm->esys, tpm->primary, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, NULL, kind, &bus, TPM2_ALG_SHA256, &tpm->session);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_TRSess_SetAttributes(tpm->esys, tpm->session, attributes, 0xff);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "begin a session", err);
}

static void
end_session(struct tpm *tpm)
{
    flush(tpm, tpm->session);
    tpm->session = ESYS_TR_NONE;
}

static TPML_PCR_SELECTION
select_pcrs(uint32_t pcrs)
{
    return (TPML_PCR_SELECTION){
        .count = 1,
        .pcrSelections[0] =
            {
                .hash = TPM2_ALG_SHA256,
                .sizeofSelect = 3,
                .pcrSelect = {(BYTE)pcrs, (BYTE)(pcrs >> 8), (BYTE)(pcrs >> 16)},
            },
    };
}

static coco_status
require_pcrs(struct tpm *tpm, uint32_t pcrs, coco_error **err)
{
    const TPML_PCR_SELECTION selection = select_pcrs(pcrs);
    const TPM2B_DIGEST now = {0};

    TSS2_RC rc = Esys_PolicyPCR(tpm->esys, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                &now, &selection);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "require PCRs", err);
}

/* The policy that asks for what the PCRs hold now. */
static coco_status
policy_of(struct tpm *tpm, uint32_t pcrs, TPM2B_DIGEST *ret, coco_error **err)
{
    TPM2B_DIGEST *digest = NULL;

    coco_status status = begin_session(tpm, TPM2_SE_TRIAL, err);
    if (status == COCO_OK)
        status = require_pcrs(tpm, pcrs, err);
    if (status == COCO_OK) {
        TSS2_RC rc = Esys_PolicyGetDigest(tpm->esys, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &digest);
        if (rc != TSS2_RC_SUCCESS)
            status = fail_tss(rc, "compute a policy", err);
    }
    if (status == COCO_OK)
        *ret = *digest;
    Esys_Free(digest);
    end_session(tpm);
    return status;
}

static coco_status
seal(struct tpm *tpm, const TPM2B_PUBLIC *wanted, const TPM2B_SENSITIVE_CREATE *sensitive,
     TPM2B_PUBLIC **public, TPM2B_PRIVATE **private, coco_error **err)
{
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION none = {0};
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;

    TSS2_RC rc =
        Esys_Create(tpm->esys, tpm->primary, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE, sensitive,
                    wanted, &outside, &none, private, public, &data, &hash, &ticket);
    Esys_Free(data);
    Esys_Free(hash);
    Esys_Free(ticket);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "seal", err);
}

static coco_status
write_sealed(uint32_t pcrs, const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
             struct coco_buf *ret, coco_error **err)
{
    uint8_t text[COCO_SEAL_TPM_MAX];
    size_t at = MAGIC_SIZE;

    (void)memcpy(text, MAGIC, MAGIC_SIZE);
    TSS2_RC rc = Tss2_MU_UINT32_Marshal(pcrs, text, sizeof(text), &at);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPM2B_PUBLIC_Marshal(public, text, sizeof(text), &at);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPM2B_PRIVATE_Marshal(private, text, sizeof(text), &at);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "write what is sealed", err);
    return coco_buf_append(ret, text, at, err);
}

static coco_status
read_sealed(const uint8_t *data, size_t len, uint32_t *pcrs, TPM2B_PUBLIC *public,
            TPM2B_PRIVATE *private, coco_error **err)
{
    size_t at = MAGIC_SIZE;

    if (len > COCO_SEAL_TPM_MAX || len < MAGIC_SIZE || memcmp(data, MAGIC, MAGIC_SIZE) != 0
        || Tss2_MU_UINT32_Unmarshal(data, len, &at, pcrs) != TSS2_RC_SUCCESS
        || *pcrs >> COCO_SEAL_TPM_PCRS != 0
        || Tss2_MU_TPM2B_PUBLIC_Unmarshal(data, len, &at, public) != TSS2_RC_SUCCESS
        || Tss2_MU_TPM2B_PRIVATE_Unmarshal(data, len, &at, private) != TSS2_RC_SUCCESS || at != len)
        return coco_fail(err, COCO_ERR_PROTO, "no TPM has wrapped it");
    return COCO_OK;
}

coco_status
coco_seal_tpm_pcrs(const char *text, uint32_t *ret, coco_error **err)
{
    uint32_t pcrs = 0;

    while (text && *text) {
        char *end;
        unsigned long pcr = strtoul(text, &end, 10);

        if (*text < '0' || *text > '9' || end - text > 2 || pcr >= COCO_SEAL_TPM_PCRS
            || (*end != '\0' && *end != ',') || (*end == ',' && end[1] == '\0'))
            return coco_fail(err, COCO_ERR_PROTO,
                             "PCRs are numbers from 0 to %d with commas between them",
                             COCO_SEAL_TPM_PCRS - 1);
        pcrs |= UINT32_C(1) << pcr;
        text = *end ? end + 1 : end;
    }
    *ret = pcrs;
    return COCO_OK;
}

coco_status
coco_seal_tpm_wrap(const char *tcti, uint32_t pcrs, const void *key, size_t len,
                   struct coco_buf *ret, coco_error **err)
{
    _cleanup_tpm_ struct tpm tpm = NO_TPM;
    TPM2B_SENSITIVE_CREATE sensitive = {0};
    TPM2B_PUBLIC wanted = {
        .publicArea = {
            .type = TPM2_ALG_KEYEDHASH,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA,
            .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
        }};
    TPM2B_PUBLIC *public = NULL;
    TPM2B_PRIVATE *private = NULL;

    if (len > KEY_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a TPM seals no more than %d bytes", KEY_MAX);
    coco_status status = open_tpm(tcti, &tpm, err);
    if (status == COCO_OK && pcrs != 0)
        status = policy_of(&tpm, pcrs, &wanted.publicArea.authPolicy, err);
    if (pcrs == 0)
        wanted.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
    if (status == COCO_OK)
        status = begin_session(&tpm, TPM2_SE_HMAC, err);
    sensitive.sensitive.data.size = (UINT16)len;
    (void)memcpy(sensitive.sensitive.data.buffer, key, len);
    if (status == COCO_OK)
        status = seal(&tpm, &wanted, &sensitive, &public, &private, err);
    OPENSSL_cleanse(&sensitive, sizeof(sensitive));
    if (status == COCO_OK)
        status = write_sealed(pcrs, public, private, ret, err);
    Esys_Free(public);
    Esys_Free(private);
    return status;
}

/* What is loaded as tpm's item. */
static coco_status
unseal(const struct tpm *tpm, struct coco_secret *ret, coco_error **err)
{
    TPM2B_SENSITIVE_DATA *data = NULL;

    TSS2_RC rc = Esys_Unseal(tpm->esys, tpm->item, tpm->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "unseal", err);
    coco_status status = coco_secret_copy(data->buffer, data->size, ret, err);
    OPENSSL_cleanse(data, sizeof(*data));
    Esys_Free(data);
    return status;
}

coco_status
coco_seal_tpm_unwrap(const char *tcti, const void *wrapped, size_t len, struct coco_secret *ret,
                     coco_error **err)
{
    _cleanup_tpm_ struct tpm tpm = NO_TPM;
    TPM2B_PUBLIC public = {0};
    TPM2B_PRIVATE private = {0};
    uint32_t pcrs = 0;

    coco_status status = read_sealed(wrapped, len, &pcrs, &public, &private, err);
    if (status == COCO_OK)
        status = open_tpm(tcti, &tpm, err);
    if (status == COCO_OK) {
        TSS2_RC rc = Esys_Load(tpm.esys, tpm.primary, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                               &private, &public, &tpm.item);
        if (rc != TSS2_RC_SUCCESS)
            status = fail_tss(rc, "load", err);
    }
    if (status == COCO_OK)
        status = begin_session(&tpm, pcrs ? TPM2_SE_POLICY : TPM2_SE_HMAC, err);
    if (status == COCO_OK && pcrs != 0)
        status = require_pcrs(&tpm, pcrs, err);
    return status == COCO_OK ? unseal(&tpm, ret, err) : status;
}
