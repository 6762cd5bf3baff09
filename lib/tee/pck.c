/*
 * tee/pck.c - what the certificate of a provisioning key (PCK) says of its machine
 *
 * A sequence of pairs {OID, value}; every OID is that of the extension and one or
 * two numbers more. They come in the order of their numbers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/pck.h"

#include "base/fail.h"
#include "base/reader.h"
#include "crypto/der.h"

#include <string.h>

/* Members, by the last number of their OID. */
enum member {
    PPID = 1,
    TCB = 2,
    TCB_PCE_SVN = 17,
    TCB_CPU_SVN = 18,
    PCE_ID = 3,
    FMSPC = 4,
    SGX_TYPE = 5,
    PLATFORM_INSTANCE_ID = 6,
    CONFIGURATION = 7,
    CONFIGURATION_DYNAMIC = 1,
    CONFIGURATION_CACHED = 2,
    CONFIGURATION_SMT = 3,
};

static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

#define MEMBER_MAX ((size_t)768)

/* ---- reading ---- */

/* The value of the pair that comes next, which is called parent.member, or just member. */
static struct coco_reader
read_pair(struct coco_reader *r, uint8_t parent, uint8_t member, uint8_t tag)
{
    struct coco_reader pair = coco_der_read(r, COCO_DER_SEQUENCE);
    struct coco_reader name = coco_der_read(&pair, COCO_DER_OID);
    const uint8_t *prefix = coco_read_piece(&name, sizeof(oid));

    if (!prefix || memcmp(prefix, oid, sizeof(oid)) != 0
        || (parent != 0 && coco_read_u8(&name) != parent) || coco_read_u8(&name) != member
        || name.exhausted || name.len > 0)
        r->exhausted = true;
    struct coco_reader value = coco_der_read(&pair, tag);
    if (pair.exhausted || pair.len > 0)
        r->exhausted = true;
    return value;
}

static void
read_octets(struct coco_reader *r, uint8_t member, uint8_t *ret, size_t len)
{
    struct coco_reader value = read_pair(r, 0, member, COCO_DER_OCTETS);

    coco_read_bytes(&value, ret, len);
    if (value.exhausted || value.len > 0)
        r->exhausted = true;
}

/* An integer from 0 to max, as short as can be (X.690 section 8.3.2). */
static uint16_t
read_integer(struct coco_reader *r, struct coco_reader *value, unsigned max)
{
    unsigned number = coco_read_u8(value);
    bool negative = number >= 0x80;
    bool padded = number == 0;

    if (padded && value->len > 0 && value->data[0] < 0x80)
        r->exhausted = true;
    for (size_t i = 0; i < 2 && value->len > 0; i++)
        number = number << 8 | coco_read_u8(value);
    if (negative || value->exhausted || value->len > 0 || number > max)
        r->exhausted = true;
    return (uint16_t)number;
}

/* TRUE is all ones in DER (X.690 section 11.1). */
static bool
read_boolean(struct coco_reader *r, uint8_t member)
{
    struct coco_reader value = read_pair(r, CONFIGURATION, member, COCO_DER_BOOLEAN);
    uint8_t byte = coco_read_u8(&value);

    if (value.exhausted || value.len > 0 || (byte != 0 && byte != 0xff))
        r->exhausted = true;
    return byte != 0;
}

static void
read_tcb(struct coco_reader *r, struct coco_pck *pck)
{
    struct coco_reader tcb = read_pair(r, 0, TCB, COCO_DER_SEQUENCE);

    for (size_t i = 0; i < sizeof(pck->components); i++) {
        struct coco_reader value = read_pair(&tcb, TCB, (uint8_t)(i + 1), COCO_DER_INTEGER);
        pck->components[i] = (uint8_t)read_integer(&tcb, &value, UINT8_MAX);
    }
    struct coco_reader pce_svn = read_pair(&tcb, TCB, TCB_PCE_SVN, COCO_DER_INTEGER);
    pck->pce_svn = read_integer(&tcb, &pce_svn, UINT16_MAX);
    struct coco_reader cpu_svn = read_pair(&tcb, TCB, TCB_CPU_SVN, COCO_DER_OCTETS);
    coco_read_bytes(&cpu_svn, pck->cpu_svn, sizeof(pck->cpu_svn));
    if (tcb.exhausted || tcb.len > 0 || cpu_svn.exhausted || cpu_svn.len > 0)
        r->exhausted = true;
}

/* Each of its members may be missing by the specification; there are none that lack one. */
static void
read_configuration(struct coco_reader *r, struct coco_pck *pck)
{
    struct coco_reader configuration = read_pair(r, 0, CONFIGURATION, COCO_DER_SEQUENCE);

    pck->dynamic_platform = read_boolean(&configuration, CONFIGURATION_DYNAMIC);
    pck->cached_keys = read_boolean(&configuration, CONFIGURATION_CACHED);
    pck->smt_enabled = read_boolean(&configuration, CONFIGURATION_SMT);
    if (configuration.exhausted || configuration.len > 0)
        r->exhausted = true;
}

coco_status
coco_pck_parse(const void *data, size_t len, struct coco_pck *ret, coco_error **err)
{
    struct coco_reader all = coco_reader_of(data, len);
    struct coco_reader r = coco_der_read(&all, COCO_DER_SEQUENCE);
    struct coco_pck pck = {0};

    read_octets(&r, PPID, pck.ppid, sizeof(pck.ppid));
    read_tcb(&r, &pck);
    read_octets(&r, PCE_ID, pck.pce_id, sizeof(pck.pce_id));
    read_octets(&r, FMSPC, pck.fmspc, sizeof(pck.fmspc));
    struct coco_reader type = read_pair(&r, 0, SGX_TYPE, COCO_DER_ENUMERATED);
    pck.type = (enum coco_sgx_type)read_integer(&r, &type, COCO_SGX_SCALABLE_INTEGRITY);
    pck.has_platform = r.len > 0;
    if (pck.has_platform)
        read_octets(&r, PLATFORM_INSTANCE_ID, pck.platform_instance_id,
                    sizeof(pck.platform_instance_id));
    pck.has_configuration = r.len > 0;
    if (pck.has_configuration)
        read_configuration(&r, &pck);

    if (all.exhausted || all.len > 0 || r.exhausted || r.len > 0)
        return coco_fail(err, COCO_ERR_PROTO, "SGX extension of a certificate is malformed");
    *ret = pck;
    return COCO_OK;
}

/* ---- writing ---- */

/* A name: parent 0 is none. */
struct name {
    uint8_t parent;
    uint8_t member;
};

static coco_status
put_pair(struct coco_buf *buf, struct name name, uint8_t tag, const void *data, size_t len,
         coco_error **err)
{
    _cleanup_buf_ struct coco_buf pair = {.limit = MEMBER_MAX};
    uint8_t full[sizeof(oid) + 2];
    size_t full_len = sizeof(oid);

    memcpy(full, oid, sizeof(oid));
    if (name.parent != 0)
        full[full_len++] = name.parent;
    full[full_len++] = name.member;
    coco_status status = coco_der_write(&pair, COCO_DER_OID, full, full_len, err);
    if (status == COCO_OK)
        status = coco_der_write(&pair, tag, data, len, err);
    if (status == COCO_OK)
        status = coco_der_write(buf, COCO_DER_SEQUENCE, pair.data, pair.len, err);
    return status;
}

static coco_status
put_integer(struct coco_buf *buf, uint8_t member, uint16_t value, coco_error **err)
{
    const uint8_t bytes[3] = {0, (uint8_t)(value >> 8), (uint8_t)value};
    size_t skip = value < 0x80 ? 2 : value < 0x8000 ? 1 : 0;

    return put_pair(buf, (struct name){TCB, member}, COCO_DER_INTEGER, bytes + skip,
                    sizeof(bytes) - skip, err);
}

static coco_status
put_tcb(const struct coco_pck *pck, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf tcb = {.limit = MEMBER_MAX};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(pck->components) && status == COCO_OK; i++)
        status = put_integer(&tcb, (uint8_t)(i + 1), pck->components[i], err);
    if (status == COCO_OK)
        status = put_integer(&tcb, TCB_PCE_SVN, pck->pce_svn, err);
    if (status == COCO_OK)
        status = put_pair(&tcb, (struct name){TCB, TCB_CPU_SVN}, COCO_DER_OCTETS, pck->cpu_svn,
                          sizeof(pck->cpu_svn), err);
    if (status == COCO_OK)
        status = put_pair(buf, (struct name){0, TCB}, COCO_DER_SEQUENCE, tcb.data, tcb.len, err);
    return status;
}

static coco_status
put_configuration(const struct coco_pck *pck, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf configuration = {.limit = MEMBER_MAX};
    const bool values[] = {pck->dynamic_platform, pck->cached_keys, pck->smt_enabled};
    coco_status status = COCO_OK;

    for (uint8_t i = 0; i < CONFIGURATION_SMT && status == COCO_OK; i++) {
        uint8_t byte = values[i] ? 0xff : 0;
        status = put_pair(&configuration, (struct name){CONFIGURATION, (uint8_t)(i + 1)},
                          COCO_DER_BOOLEAN, &byte, 1, err);
    }
    if (status == COCO_OK)
        status = put_pair(buf, (struct name){0, CONFIGURATION}, COCO_DER_SEQUENCE,
                          configuration.data, configuration.len, err);
    return status;
}

static coco_status
put_octets(struct coco_buf *buf, uint8_t member, const uint8_t *data, size_t len, coco_error **err)
{
    return put_pair(buf, (struct name){0, member}, COCO_DER_OCTETS, data, len, err);
}

coco_status
coco_pck_format(const struct coco_pck *pck, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = COCO_PCK_SIZE_MAX};
    uint8_t type = (uint8_t)pck->type;

    coco_status status = put_octets(&inside, PPID, pck->ppid, sizeof(pck->ppid), err);
    if (status == COCO_OK)
        status = put_tcb(pck, &inside, err);
    if (status == COCO_OK)
        status = put_octets(&inside, PCE_ID, pck->pce_id, sizeof(pck->pce_id), err);
    if (status == COCO_OK)
        status = put_octets(&inside, FMSPC, pck->fmspc, sizeof(pck->fmspc), err);
    if (status == COCO_OK)
        status = put_pair(&inside, (struct name){0, SGX_TYPE}, COCO_DER_ENUMERATED, &type, 1, err);
    if (status == COCO_OK && pck->has_platform)
        status = put_octets(&inside, PLATFORM_INSTANCE_ID, pck->platform_instance_id,
                            sizeof(pck->platform_instance_id), err);
    if (status == COCO_OK && pck->has_configuration)
        status = put_configuration(pck, &inside, err);
    if (status == COCO_OK)
        status = coco_der_write(buf, COCO_DER_SEQUENCE, inside.data, inside.len, err);
    return status;
}
