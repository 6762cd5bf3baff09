/*
 * initdata/field.c - where each TEE keeps the digest of init data
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"
#include "initdata/initdata.h"

#include <openssl/crypto.h>
#include <string.h>

#define FIELD_MAX 256

/* Trustee, kbs/docs/initdata.md, "Integrity Binding for Different TEEs". */
static const struct place {
    const char *tee;
    const char *name;
    size_t size; /* 0: PCR 8, which is extended */
} places[] = {
    {"az-snp-vtpm", "PCR 8", 0},
    {"az-tdx-vtpm", "PCR 8", 0},
    {"cca", "realm personalization value", 64},
    {"se", "user_data", 256},
    {"sgx", "CONFIGID", 64},
    {"snp", "HOST_DATA", 32},
    {"software", "init data", 48},
    {"tdx", "MRCONFIGID", 48},
    {"tpm", "PCR 8", 0},
};

static const struct place *
find(const char *tee)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strcmp(places[i].tee, tee) == 0)
            return &places[i];
    return NULL;
}

const char *
coco_initdata_tee(size_t index)
{
    return index < sizeof(places) / sizeof(places[0]) ? places[index].tee : NULL;
}

const char *
coco_initdata_place(const char *tee)
{
    const struct place *place = find(tee);

    return place ? place->name : NULL;
}

/*
 * SHA-256 of what the register was at the start, zeros, and of the digest, cut to its
 * size; upstream's attester takes no digest that has to be.
 */
static coco_status
extended(const struct coco_digest *digest, uint8_t *field, size_t *len, coco_error **err)
{
    uint8_t both[64] = {0};
    struct coco_digest pcr;

    memcpy(both + 32, digest->bytes, 32);
    coco_status status = coco_digest_of(COCO_SHA256, both, sizeof(both), &pcr, err);
    if (status != COCO_OK)
        return status;
    memcpy(field, pcr.bytes, 32);
    *len = 32;
    return COCO_OK;
}

/* The field that evidence has, FIELD_MAX bytes at most. */
static coco_status
compute(const coco_initdata *initdata, const char *tee, uint8_t *field, size_t *len,
        coco_error **err)
{
    const struct place *place = find(tee);
    struct coco_digest digest;

    if (!place)
        return coco_fail(err, COCO_ERR_NOTSUP, "the TEE '%.40s' has no place for init data", tee);
    coco_status status = coco_initdata_digest_of(initdata, &digest, err);
    if (status != COCO_OK)
        return status;
    if (place->size == 0)
        return extended(&digest, field, len, err);
    size_t size = coco_hash_size(digest.alg);
    memset(field, 0, FIELD_MAX);
    memcpy(field, digest.bytes, size < place->size ? size : place->size);
    *len = place->size;
    return COCO_OK;
}

coco_status
coco_initdata_field(const coco_initdata *initdata, const char *tee, coco_bytes **ret,
                    coco_error **err)
{
    uint8_t field[FIELD_MAX];
    size_t len = 0;

    coco_status status = compute(initdata, tee, field, &len, err);
    return status == COCO_OK ? coco_bytes_new(field, len, ret, err) : status;
}

coco_status
coco_initdata_check(const coco_initdata *initdata, const char *tee, const uint8_t *field,
                    size_t len, coco_error **err)
{
    uint8_t want[FIELD_MAX];
    char want_hex[2 * FIELD_MAX + 1];
    char got_hex[2 * FIELD_MAX + 1];
    size_t want_len = 0;

    coco_status status = compute(initdata, tee, want, &want_len, err);
    if (status != COCO_OK)
        return status;
    if (len == want_len && CRYPTO_memcmp(field, want, len) == 0)
        return COCO_OK;
    coco_hex(want, want_len, want_hex);
    coco_hex(field, len < FIELD_MAX ? len : FIELD_MAX, got_hex);
    return coco_fail(err, COCO_ERR_VERIFY, "init data: %s is %s, not %s", coco_initdata_place(tee),
                     got_hex, want_hex);
}
