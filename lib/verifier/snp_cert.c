/*
 * verifier/snp_cert.c - what AMD says of a chip in its certificate
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/snp_cert.h"

#include "base/fail.h"
#include "base/reader.h"

#include <openssl/asn1.h>
#include <string.h>

#define AMD "1.3.6.1.4.1.3704.1."
#define PRODUCT_NAME AMD "2"
#define HARDWARE_ID AMD "4"

/* Extensions hold one short value, so its length takes one byte (X.690 section 8.1.3.4). */
static coco_status
unwrap(struct coco_reader *r, uint8_t tag, const char *oid, coco_error **err)
{
    uint8_t got = coco_read_u8(r);
    uint8_t len = coco_read_u8(r);

    if (r->exhausted || got != tag || len >= 0x80 || len != r->len)
        return coco_fail(err, COCO_ERR_PROTO, "certificate: extension %s is malformed", oid);
    return COCO_OK;
}

static coco_status
find(X509 *cert, const char *oid, const uint8_t **ret, size_t *len, coco_error **err)
{
    coco_status status = coco_cert_extension(cert, oid, ret, len, NULL);

    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return coco_fail(err, COCO_ERR_PROTO, "certificate: extension %s is not there once", oid);
    return COCO_OK;
}

/* An INTEGER from 0 to 255, in the one form that DER has for it. */
static coco_status
read_part(X509 *cert, const char *oid, uint8_t *ret, coco_error **err)
{
    const uint8_t *data = NULL;
    size_t len = 0;

    coco_status status = find(cert, oid, &data, &len, err);
    if (status != COCO_OK)
        return status;
    struct coco_reader r = coco_reader_of(data, len);
    status = unwrap(&r, V_ASN1_INTEGER, oid, err);
    if (status != COCO_OK)
        return status;
    bool wide = r.len == 2;
    uint8_t high = wide ? coco_read_u8(&r) : 0;
    uint8_t value = coco_read_u8(&r);
    if (r.exhausted || r.len > 0 || high != 0 || wide != (value >= 0x80))
        return coco_fail(err, COCO_ERR_PROTO, "certificate: extension %s is no small number", oid);
    *ret = value;
    return COCO_OK;
}

static coco_status
read_tcb(X509 *cert, enum coco_snp_product product, struct coco_snp_tcb *ret, coco_error **err)
{
    const struct {
        const char *oid;
        uint8_t *part;
    } parts[] = {
        {AMD "3.1", &ret->bootloader}, {AMD "3.2", &ret->tee}, {AMD "3.3", &ret->snp},
        {AMD "3.8", &ret->microcode},  {AMD "3.9", &ret->fmc},
    };
    size_t n = product == COCO_SNP_TURIN ? 5 : 4;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = read_part(cert, parts[i].oid, parts[i].part, err);
    return status;
}

static coco_status
read_product(X509 *cert, enum coco_snp_product *ret, coco_error **err)
{
    const uint8_t *data = NULL;
    size_t len = 0;

    coco_status status = find(cert, PRODUCT_NAME, &data, &len, err);
    if (status != COCO_OK)
        return status;
    struct coco_reader r = coco_reader_of(data, len);
    status = unwrap(&r, V_ASN1_IA5STRING, PRODUCT_NAME, err);
    if (status == COCO_OK)
        *ret = coco_snp_product_parse((const char *)r.data, r.len);
    return status;
}

/* Bare in most certificates, an OCTET STRING in others. */
static coco_status
read_chip_id(X509 *cert, struct coco_snp_cert_facts *ret, coco_error **err)
{
    size_t want =
        ret->product == COCO_SNP_TURIN ? COCO_SNP_TURIN_CHIP_ID_SIZE : COCO_SNP_CHIP_ID_SIZE;
    const uint8_t *data = NULL;
    size_t len = 0;

    coco_status status = coco_cert_extension(cert, HARDWARE_ID, &data, &len, NULL);
    if (status == COCO_ERR_NOTFOUND)
        return COCO_OK;
    if (status == COCO_OK && len != want) {
        struct coco_reader r = coco_reader_of(data, len);

        status = unwrap(&r, V_ASN1_OCTET_STRING, HARDWARE_ID, NULL);
        data = r.data;
        len = r.len;
    }
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || len != want)
        return coco_fail(err, COCO_ERR_PROTO, "certificate: chip id is malformed");
    memcpy(ret->chip_id, data, len);
    ret->chip_id_len = len;
    return COCO_OK;
}

coco_status
coco_snp_cert_read(X509 *cert, struct coco_snp_cert_facts *ret, coco_error **err)
{
    struct coco_snp_cert_facts facts = {0};

    coco_status status = read_product(cert, &facts.product, err);
    if (status == COCO_OK)
        status = read_tcb(cert, facts.product, &facts.tcb, err);
    if (status == COCO_OK)
        status = read_chip_id(cert, &facts, err);
    if (status == COCO_OK)
        *ret = facts;
    return status;
}
