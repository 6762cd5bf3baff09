/*
 * attester/tpm_device.c - what attesters ask a TPM 2.0
 *
 * Through tpm2-tss. Nothing here is secret and nothing a TPM says is believed:
 * whoever verifies the evidence does not trust the way to it, so no session
 * encrypts what goes over the bus.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tpm_device.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "crypto/jwk.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#define TCTI_VARIABLE "COCO_TPM_TCTI"
#define DEVICE_VARIABLE "AA_TPM_DEVICE"
#define DEVICES 3 /* of the kernel's */
#define TCTI_MAX 256

/* PCRs may be extended between quote and reading; so often it is tried again. */
#define QUOTE_TRIES 5

/* A TPM need not take or give more of an NV index at a time. */
#define NV_PIECE 512

#define RSA_DEFAULT_EXPONENT 65537 /* part 2, section 12.2.3.5: what 0 stands for */

struct coco_tpm_device {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
};

static void
esys_freep(void *p)
{
    Esys_Free(*(void **)p);
}
#define _cleanup_esys_ _cleanup_(esys_freep)

/* A key, or an NV index, as ESYS knows it. */
struct object {
    ESYS_CONTEXT *esys;
    ESYS_TR handle;
};

static void
object_done(const struct object *object)
{
    ESYS_TR handle = object->handle;

    if (handle != ESYS_TR_NONE)
        (void)Esys_TR_Close(object->esys, &handle);
}
#define _cleanup_object_ _cleanup_(object_done)

static coco_status
fail_tss(TSS2_RC rc, const char *what, coco_error **err)
{
    if ((rc & 0xffff) == TSS2_BASE_RC_MEMORY)
        return coco_fail_nomem(err);
    return coco_fail(err, COCO_ERR_IO, "TPM: %s: %s", what, Tss2_RC_Decode(rc));
}

/* ---- which one ---- */

static bool
is_there(enum coco_path which, unsigned number, char tcti[TCTI_MAX])
{
    _cleanup_buf_ struct coco_buf path = {.limit = TCTI_MAX - sizeof("device:")};

    if (coco_path_append(which, &path, NULL) != COCO_OK
        || coco_buf_printf(&path, NULL, "%u", number) != COCO_OK
        || access(coco_buf_text(&path), F_OK) != 0)
        return false;
    (void)snprintf(tcti, TCTI_MAX, "device:%s", coco_buf_text(&path));
    return true;
}

/* The kernel's resource manager first: it lets others use the TPM meanwhile. */
static bool
find(char tcti[TCTI_MAX])
{
    const char *named = secure_getenv(TCTI_VARIABLE);
    const char *device = secure_getenv(DEVICE_VARIABLE);

    if (named && strlen(named) < TCTI_MAX) {
        (void)snprintf(tcti, TCTI_MAX, "%s", named);
        return true;
    }
    if (device) {
        (void)snprintf(tcti, TCTI_MAX, "device:%s", device);
        return strlen(device) < TCTI_MAX - sizeof("device:") && access(device, F_OK) == 0;
    }
    for (unsigned i = 0; i < DEVICES; i++)
        if (is_there(COCO_PATH_TPMRM, i, tcti) || is_there(COCO_PATH_TPM, i, tcti))
            return true;
    return false;
}

bool
coco_tpm_device_detect(void)
{
    char tcti[TCTI_MAX];

    return find(tcti);
}

coco_status
coco_tpm_device_open(struct coco_tpm_device **ret, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;
    char tcti[TCTI_MAX];

    if (!find(tcti))
        return coco_fail(err, COCO_ERR_NOTSUP, "there is no TPM");
    device = calloc(1, sizeof(*device));
    if (!device)
        return coco_fail_nomem(err);

    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &device->tcti);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, tcti, err);
    rc = Esys_Initialize(&device->esys, device->tcti, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, tcti, err);

    *ret = coco_steal(&device);
    return COCO_OK;
}

void
coco_tpm_device_close(struct coco_tpm_device *device)
{
    if (!device)
        return;
    Esys_Finalize(&device->esys);
    Tss2_TctiLdr_Finalize(&device->tcti);
    free(device);
}

/* ---- keys and quotes ---- */

/* Asked first, for tpm2-tss writes to the terminal whatever it is refused. */
static coco_status
is_defined(struct coco_tpm_device *device, uint32_t handle, bool *ret, coco_error **err)
{
    _cleanup_esys_ TPMS_CAPABILITY_DATA *found = NULL;
    TPMI_YES_NO more = 0;

    TSS2_RC rc = Esys_GetCapability(device->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    TPM2_CAP_HANDLES, handle, 1, &more, &found);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "list its handles", err);
    *ret = found->data.handles.count > 0 && found->data.handles.handle[0] == handle;
    return COCO_OK;
}

static coco_status
find_object(struct coco_tpm_device *device, uint32_t handle, const char *what, struct object *ret,
            coco_error **err)
{
    bool defined = false;

    coco_status status = is_defined(device, handle, &defined, err);
    if (status != COCO_OK)
        return status;
    if (!defined)
        return coco_fail(err, COCO_ERR_NOTFOUND, "TPM has no %s at 0x%08x", what, handle);
    ret->esys = device->esys;
    TSS2_RC rc = Esys_TR_FromTPMPublic(device->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &ret->handle);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, what, err);
}

static coco_status
append_rsa(const TPMT_PUBLIC *area, struct coco_buf *der, coco_error **err)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &area->unique.rsa;
    uint32_t exponent = area->parameters.rsaDetail.exponent;
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (exponent == 0)
        exponent = RSA_DEFAULT_EXPONENT;
    const uint8_t e[] = {(uint8_t)(exponent >> 24), (uint8_t)(exponent >> 16),
                         (uint8_t)(exponent >> 8), (uint8_t)exponent};
    size_t zeros = 0;
    while (zeros < sizeof(e) - 1 && e[zeros] == 0)
        zeros++;

    coco_status status = coco_json_new_object(&jwk, err);
    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "kty", "RSA", err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwk, "n", n->buffer, n->size, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwk, "e", e + zeros, sizeof(e) - zeros, err);
    if (status == COCO_OK)
        status = coco_jwk_parse(jwk, &key, err);
    if (status == COCO_OK)
        status = coco_key_public_der(key, der, err);
    return status;
}

coco_status
coco_tpm_device_key(struct coco_tpm_device *device, uint32_t handle, struct coco_buf *der,
                    coco_error **err)
{
    _cleanup_object_ struct object key = {.handle = ESYS_TR_NONE};
    _cleanup_esys_ TPM2B_PUBLIC *area = NULL;

    coco_status status = find_object(device, handle, "attestation key", &key, err);
    if (status != COCO_OK)
        return status;
    TSS2_RC rc = Esys_ReadPublic(device->esys, key.handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &area, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "read the attestation key", err);
    if (area->publicArea.type != TPM2_ALG_RSA)
        return coco_fail(err, COCO_ERR_NOTSUP, "TPM's attestation key 0x%08x is not RSA", handle);
    return append_rsa(&area->publicArea, der, err);
}

static coco_status
append_signature(const TPMT_SIGNATURE *signature, struct coco_buf *ret, coco_error **err)
{
    const TPMS_SIGNATURE_RSA *rsa = &signature->signature.rsassa;

    if (signature->sigAlg != TPM2_ALG_RSASSA || rsa->hash != TPM2_ALG_SHA256)
        return coco_fail(err, COCO_ERR_NOTSUP, "TPM signs with 0x%04x and 0x%04x, not RSASSA",
                         signature->sigAlg, rsa->hash);
    return coco_buf_append(ret, rsa->sig.buffer, rsa->sig.size, err);
}

static coco_status
quote_once(struct coco_tpm_device *device, ESYS_TR key, const TPM2B_DATA *extra,
           struct coco_tpm_quote *ret, coco_error **err)
{
    static const TPMT_SIG_SCHEME scheme = {
        .scheme = TPM2_ALG_RSASSA,
        .details.rsassa.hashAlg = TPM2_ALG_SHA256,
    };
    static const TPML_PCR_SELECTION all = {
        .count = 1,
        .pcrSelections = {{.hash = TPM2_ALG_SHA256,
                           .sizeofSelect = 3,
                           .pcrSelect = {0xff, 0xff, 0xff}}},
    };
    _cleanup_esys_ TPM2B_ATTEST *message = NULL;
    _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;

    TSS2_RC rc = Esys_Quote(device->esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, extra,
                            &scheme, &all, &message, &signature);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "quote", err);
    coco_buf_reset(&ret->message);
    coco_buf_reset(&ret->signature);
    coco_status status =
        coco_buf_append(&ret->message, message->attestationData, message->size, err);
    if (status == COCO_OK)
        status = append_signature(signature, &ret->signature, err);
    for (unsigned i = 0; i < COCO_TPM_PCRS && status == COCO_OK; i++)
        status = coco_tpm_device_read(device, i, ret->pcrs[i], err);
    return status;
}

/* Whether the PCRs that were read are those of the quote. */
static coco_status
fits(const struct coco_tpm_quote *quote, bool *ret, coco_error **err)
{
    struct coco_tpm_attest attest = {0};
    struct coco_digest digest = {0};

    coco_status status =
        coco_tpm_attest_parse(quote->message.data, quote->message.len, &attest, err);
    if (status == COCO_OK)
        status = coco_tpm_quote_digest(quote, &digest, err);
    *ret = status == COCO_OK && attest.digest.len == COCO_TPM_PCR_SIZE
           && CRYPTO_memcmp(attest.digest.bytes, digest.bytes, COCO_TPM_PCR_SIZE) == 0;
    return status;
}

coco_status
coco_tpm_device_quote(struct coco_tpm_device *device, uint32_t handle, const uint8_t *extra,
                      size_t len, struct coco_tpm_quote *ret, coco_error **err)
{
    _cleanup_object_ struct object key = {.handle = ESYS_TR_NONE};
    _cleanup_tpm_quote_ struct coco_tpm_quote quote = coco_tpm_quote_empty();
    TPM2B_DATA data = {.size = (uint16_t)len};
    bool good = false;

    if (len > sizeof(data.buffer))
        return coco_fail(err, COCO_ERR_INVALID, "%zu bytes are too many for a quote", len);
    memcpy(data.buffer, extra, len);
    coco_status status = find_object(device, handle, "attestation key", &key, err);
    for (unsigned i = 0; i < QUOTE_TRIES && status == COCO_OK && !good; i++) {
        status = quote_once(device, key.handle, &data, &quote, err);
        if (status == COCO_OK)
            status = fits(&quote, &good, err);
    }
    if (status == COCO_OK && !good)
        status = coco_fail(err, COCO_ERR_IO, "TPM: its PCRs change while they are read");
    if (status != COCO_OK)
        return status;

    *ret = quote;
    quote = (struct coco_tpm_quote){0};
    return COCO_OK;
}

/* ---- PCRs ---- */

coco_status
coco_tpm_device_extend(struct coco_tpm_device *device, unsigned pcr,
                       const uint8_t digest[COCO_TPM_PCR_SIZE], coco_error **err)
{
    TPML_DIGEST_VALUES values = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};

    memcpy(values.digests[0].digest.sha256, digest, COCO_TPM_PCR_SIZE);
    TSS2_RC rc = Esys_PCR_Extend(device->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &values);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "extend a PCR", err);
}

coco_status
coco_tpm_device_read(struct coco_tpm_device *device, unsigned pcr, uint8_t ret[COCO_TPM_PCR_SIZE],
                     coco_error **err)
{
    TPML_PCR_SELECTION one = {
        .count = 1,
        .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}},
    };
    _cleanup_esys_ TPML_DIGEST *values = NULL;

    one.pcrSelections[0].pcrSelect[pcr / 8] = (uint8_t)(1U << pcr % 8);
    TSS2_RC rc = Esys_PCR_Read(device->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &one, NULL,
                               NULL, &values);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "read a PCR", err);
    if (values->count != 1 || values->digests[0].size != COCO_TPM_PCR_SIZE)
        return coco_fail(err, COCO_ERR_NOTSUP, "TPM has no SHA-256 PCR %u", pcr);
    memcpy(ret, values->digests[0].buffer, COCO_TPM_PCR_SIZE);
    return COCO_OK;
}

/* ---- NV indices ---- */

static coco_status
nv_size(struct coco_tpm_device *device, ESYS_TR index, size_t *ret, coco_error **err)
{
    _cleanup_esys_ TPM2B_NV_PUBLIC *area = NULL;

    TSS2_RC rc = Esys_NV_ReadPublic(device->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    &area, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "look at an NV index", err);
    *ret = area->nvPublic.dataSize;
    return COCO_OK;
}

coco_status
coco_tpm_device_nv_read(struct coco_tpm_device *device, uint32_t index, struct coco_buf *ret,
                        coco_error **err)
{
    _cleanup_object_ struct object nv = {.handle = ESYS_TR_NONE};
    size_t size = 0;

    coco_status status = find_object(device, index, "NV index", &nv, err);
    if (status == COCO_OK)
        status = nv_size(device, nv.handle, &size, err);
    for (size_t at = 0; at < size && status == COCO_OK; at += NV_PIECE) {
        _cleanup_esys_ TPM2B_MAX_NV_BUFFER *piece = NULL;
        size_t n = size - at < NV_PIECE ? size - at : NV_PIECE;

        TSS2_RC rc = Esys_NV_Read(device->esys, ESYS_TR_RH_OWNER, nv.handle, ESYS_TR_PASSWORD,
                                  ESYS_TR_NONE, ESYS_TR_NONE, (uint16_t)n, (uint16_t)at, &piece);
        status = rc == TSS2_RC_SUCCESS ? coco_buf_append(ret, piece->buffer, piece->size, err)
                                       : fail_tss(rc, "read an NV index", err);
    }
    return status;
}

static coco_status
nv_define(struct coco_tpm_device *device, uint32_t index, size_t size, struct object *ret,
          coco_error **err)
{
    static const TPM2B_AUTH none = {0};
    const TPM2B_NV_PUBLIC area = {
        .nvPublic = {.nvIndex = index,
                     .nameAlg = TPM2_ALG_SHA256,
                     .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD,
                     .dataSize = (uint16_t)size},
    };

    ret->esys = device->esys;
    TSS2_RC rc = Esys_NV_DefineSpace(device->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &none, &area, &ret->handle);
    return rc == TSS2_RC_SUCCESS ? COCO_OK : fail_tss(rc, "define an NV index", err);
}

/* One of another size is made anew. */
static coco_status
nv_prepare(struct coco_tpm_device *device, uint32_t index, size_t len, struct object *nv,
           coco_error **err)
{
    bool defined = false;
    size_t size = 0;

    coco_status status = is_defined(device, index, &defined, err);
    if (status == COCO_OK && !defined)
        return nv_define(device, index, len, nv, err);
    if (status == COCO_OK)
        status = find_object(device, index, "NV index", nv, err);
    if (status == COCO_OK)
        status = nv_size(device, nv->handle, &size, err);
    if (status != COCO_OK || size == len)
        return status;
    TSS2_RC rc = Esys_NV_UndefineSpace(device->esys, ESYS_TR_RH_OWNER, nv->handle, ESYS_TR_PASSWORD,
                                       ESYS_TR_NONE, ESYS_TR_NONE);
    nv->handle = ESYS_TR_NONE;
    if (rc != TSS2_RC_SUCCESS)
        return fail_tss(rc, "drop an NV index", err);
    return nv_define(device, index, len, nv, err);
}

coco_status
coco_tpm_device_nv_write(struct coco_tpm_device *device, uint32_t index, const uint8_t *data,
                         size_t len, coco_error **err)
{
    _cleanup_object_ struct object nv = {.handle = ESYS_TR_NONE};

    if (len > COCO_TPM_NV_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu bytes are too many for an NV index", len);
    coco_status status = nv_prepare(device, index, len, &nv, err);
    for (size_t at = 0; at < len && status == COCO_OK; at += NV_PIECE) {
        size_t n = len - at < NV_PIECE ? len - at : NV_PIECE;
        TPM2B_MAX_NV_BUFFER piece = {.size = (uint16_t)n};

        memcpy(piece.buffer, data + at, n);
        TSS2_RC rc = Esys_NV_Write(device->esys, ESYS_TR_RH_OWNER, nv.handle, ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, ESYS_TR_NONE, &piece, (uint16_t)at);
        if (rc != TSS2_RC_SUCCESS)
            status = fail_tss(rc, "write an NV index", err);
    }
    return status;
}
