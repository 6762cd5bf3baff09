/*
 * tee/csv_page.c - what a guest of Hygon CSV asks its firmware, and what it gets
 *
 *     request: report data 64, mnonce 16, SM3 of both; for version 2 a magic 16 and flags 4
 *     answer:  the report's body; then PEK 2084, serial number 64, reserved 32, all three masked
 *              as the body is, and HMAC-SM3 by mnonce over them as they are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv_page.h"

#include "base/fail.h"
#include "crypto/mac.h"

#include <openssl/crypto.h>
#include <string.h>

#define EXTENDED_MAGIC "ATTESTATION_EXT"
#define EXTENDED_FLAGS 1
#define RESERVED_SIZE ((size_t)32)
#define MASKED_SIZE (COCO_CSV_CERT_SIZE + COCO_CSV_SERIAL_SIZE + RESERVED_SIZE)

coco_status
coco_csv_request_format(const struct coco_csv_request *request, uint8_t page[COCO_CSV_REPORT_SIZE],
                        coco_error **err)
{
    static const uint8_t magic[16] = EXTENDED_MAGIC;
    const size_t hashed = sizeof(request->report_data) + sizeof(request->mnonce);
    uint8_t *p = page;
    size_t len = 0;

    memset(page, 0, COCO_CSV_REPORT_SIZE);
    memcpy(p, request->report_data, sizeof(request->report_data));
    memcpy(p + sizeof(request->report_data), request->mnonce, sizeof(request->mnonce));
    p += hashed;
    if (EVP_Q_digest(NULL, "SM3", NULL, page, hashed, p, &len) != 1)
        return coco_fail_nomem(err);
    p += len;
    if (request->version == 2) {
        memcpy(p, magic, sizeof(magic));
        p[sizeof(magic)] = EXTENDED_FLAGS; /* the lowest byte of four */
    }
    return COCO_OK;
}

/* T30: an answer to somebody else's question would only be refused later, and elsewhere. */
static coco_status
check_answer(const struct coco_csv_report *report, const struct coco_csv_request *request,
             coco_error **err)
{
    if (memcmp(report->mnonce, request->mnonce, sizeof(report->mnonce)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the report answers another request");
    if (memcmp(report->report_data, request->report_data, sizeof(report->report_data)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the report holds other report data");
    return COCO_OK;
}

static coco_status
check_mac(const uint8_t *signer, const struct coco_csv_request *request, coco_error **err)
{
    const struct coco_secret key = {.data = (uint8_t *)(uintptr_t)request->mnonce,
                                    .len = sizeof(request->mnonce)};
    uint8_t mac[COCO_CSV_MAC_SIZE];

    coco_status status = coco_hmac(EVP_sm3(), &key, signer, MASKED_SIZE, mac, err);
    if (status == COCO_OK && CRYPTO_memcmp(mac, signer + MASKED_SIZE, sizeof(mac)) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "PEK and serial number are not the firmware's");
    return status;
}

static coco_status
read_signer(const uint8_t *signer, uint32_t anonce, struct coco_csv_evidence *ret, coco_error **err)
{
    uint8_t plain[MASKED_SIZE];

    memcpy(plain, signer, sizeof(plain));
    coco_csv_mask(plain, COCO_CSV_CERT_SIZE, anonce);
    coco_csv_mask(plain + COCO_CSV_CERT_SIZE, COCO_CSV_SERIAL_SIZE, anonce);
    coco_status status = coco_csv_cert_parse(plain, COCO_CSV_CERT_SIZE, &ret->pek, err);
    if (status == COCO_OK
        && !coco_csv_serial_number(plain + COCO_CSV_CERT_SIZE, ret->serial_number))
        status = coco_fail(err, COCO_ERR_PROTO, "the chip has no serial number");
    if (status == COCO_OK)
        memcpy(ret->mac, signer + MASKED_SIZE, sizeof(ret->mac));
    return status;
}

coco_status
coco_csv_page_read(const uint8_t page[COCO_CSV_REPORT_SIZE], const struct coco_csv_request *request,
                   struct coco_csv_evidence *ret, coco_error **err)
{
    struct coco_csv_report *report = &ret->report;

    coco_status status =
        coco_csv_report_parse(page, COCO_CSV_REPORT_SIZE, request->version, report, err);
    if (status == COCO_OK)
        status = check_answer(report, request, err);
    if (status != COCO_OK)
        return status;
    const uint8_t *signer = page + coco_csv_report_size(report);
    status = check_mac(signer, request, err);
    if (status == COCO_OK)
        status = read_signer(signer, report->anonce, ret, err);
    return status;
}
