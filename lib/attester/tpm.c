/*
 * attester/tpm.c - evidence of a TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tpm.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <string.h>

#define HANDLE_VARIABLE "AA_TPM_AK_HANDLE"

/* What upstream's attester has signed, however long the report data are. */
#define EXTRA_SIZE 32

/* Hex with or without 0x, as upstream reads it. */
static coco_status
find_handle(uint32_t *ret, coco_error **err)
{
    const char *text = secure_getenv(HANDLE_VARIABLE);
    char *end = NULL;

    if (!text) {
        *ret = COCO_TPM_AK_HANDLE;
        return COCO_OK;
    }
    errno = 0;
    unsigned long handle = strtoul(text, &end, 16);
    if (text[0] == '-' || end == text || *end != '\0' || errno != 0 || handle > UINT32_MAX)
        return coco_fail(err, COCO_ERR_INVALID, HANDLE_VARIABLE " is no handle of a TPM: '%.40s'",
                         text);
    *ret = (uint32_t)handle;
    return COCO_OK;
}

static coco_status
collect(void *self, coco_ctx *ctx, const struct coco_evidence_request *request,
        struct coco_buf *evidence, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;
    _cleanup_tpm_evidence_ struct coco_tpm_evidence found = coco_tpm_evidence_empty();
    uint8_t extra[EXTRA_SIZE] = {0};
    uint32_t handle = 0;

    (void)self;
    (void)ctx;
    memcpy(extra, request->report_data, request->len < EXTRA_SIZE ? request->len : EXTRA_SIZE);
    coco_status status = find_handle(&handle, err);
    if (status == COCO_OK)
        status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_key(device, handle, &found.ak, err);
    if (status == COCO_OK)
        status = coco_tpm_device_quote(device, handle, extra, sizeof(extra), &found.quote, err);
    if (status == COCO_OK)
        status = coco_tpm_evidence_format(&found, evidence, err);
    return status;
}

/* ---- what Azure's attesters do with their TPM, too ---- */

coco_status
coco_tpm_attester_extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;

    (void)self;
    coco_status status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_extend(device, pcr, digest, err);
    return status;
}

coco_status
coco_tpm_attester_read(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;

    (void)self;
    coco_status status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_read(device, pcr, ret, err);
    return status;
}

static bool
is_same(const uint8_t a[COCO_TPM_PCR_SIZE], const uint8_t b[COCO_TPM_PCR_SIZE])
{
    return CRYPTO_memcmp(a, b, COCO_TPM_PCR_SIZE) == 0;
}

/* Once only: an agent that starts again finds what it has done before. */
coco_status
coco_tpm_attester_bind(void *self, const uint8_t *digest, size_t len, coco_error **err)
{
    _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;
    static const uint8_t zero[COCO_TPM_PCR_SIZE];
    uint8_t value[COCO_TPM_PCR_SIZE];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};
    uint8_t got[COCO_TPM_PCR_SIZE] = {0};

    (void)self;
    coco_tpm_init_data(digest, len, value);
    coco_status status = coco_tpm_extend(want, value, err);
    if (status == COCO_OK)
        status = coco_tpm_device_open(&device, err);
    if (status == COCO_OK)
        status = coco_tpm_device_read(device, COCO_TPM_INIT_DATA_PCR, got, err);
    if (status != COCO_OK || is_same(got, want))
        return status;
    if (!is_same(got, zero))
        return coco_fail(err, COCO_ERR_VERIFY, "PCR %d was extended with something else",
                         COCO_TPM_INIT_DATA_PCR);
    return coco_tpm_device_extend(device, COCO_TPM_INIT_DATA_PCR, value, err);
}

const struct coco_attester_driver coco_tpm_attester = {
    .tee = "tpm",
    .detect = coco_tpm_device_detect,
    .collect = collect,
    .register_alg = "sha256",
    .register_size = COCO_TPM_PCR_SIZE,
    .extend = coco_tpm_attester_extend,
    .read_register = coco_tpm_attester_read,
    .bind_init_data = coco_tpm_attester_bind,
};
