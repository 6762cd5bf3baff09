/*
 * tee/csv_cert.c - certificates of Hygon CSV, in Hygon's own format
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/csv_cert.h"

#include "base/fail.h"
#include "base/reader.h"
#include "tee/serde.h"

#include <string.h>

#define CA_RESERVED 24
#define CA_BODY_RESERVED (COCO_CSV_CA_BODY_SIZE - 468)
#define CA_TAIL (COCO_CSV_CA_SIZE - COCO_CSV_CA_BODY_SIZE - 2 * COCO_CSV_NUMBER_SIZE)
#define CERT_BODY_RESERVED (COCO_CSV_CERT_BODY_SIZE - 436)
#define SIGNATURE_RESERVED 368
#define SIGNATURES 2

static void
reverse(uint8_t *ret, const uint8_t *number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ret[i] = number[size - 1 - i];
}

static bool
is_zero(const uint8_t *data, size_t len)
{
    struct coco_reader r = coco_reader_of(data, len);

    return coco_read_zeros(&r, len);
}

/* ---- bytes ---- */

/* What is written next, as coco_reader is what is read. */
struct writer {
    uint8_t *at;
};

static void
put_number(struct writer *w, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *w->at++ = (uint8_t)(value >> (8 * i));
}

static void
put_bytes(struct writer *w, const uint8_t *data, size_t len)
{
    memcpy(w->at, data, len);
    w->at += len;
}

static void
put_zeros(struct writer *w, size_t len)
{
    memset(w->at, 0, len);
    w->at += len;
}

static void
read_key(struct coco_reader *r, struct coco_csv_key *ret)
{
    ret->curve = coco_read_u32le(r);
    coco_read_bytes(r, ret->x, sizeof(ret->x));
    coco_read_bytes(r, ret->y, sizeof(ret->y));
    ret->id_len = coco_read_u16le(r);
    coco_read_bytes(r, ret->id, sizeof(ret->id));
}

static void
put_key(struct writer *w, const struct coco_csv_key *key)
{
    put_number(w, key->curve, 4);
    put_bytes(w, key->x, sizeof(key->x));
    put_bytes(w, key->y, sizeof(key->y));
    put_number(w, key->id_len, 2);
    put_bytes(w, key->id, sizeof(key->id));
}

static void
read_signature(struct coco_reader *r, struct coco_csv_signature *ret)
{
    coco_read_bytes(r, ret->r, sizeof(ret->r));
    coco_read_bytes(r, ret->s, sizeof(ret->s));
}

static void
put_signature(struct writer *w, const struct coco_csv_signature *signature)
{
    put_bytes(w, signature->r, sizeof(signature->r));
    put_bytes(w, signature->s, sizeof(signature->s));
}

static coco_status
check_key(const struct coco_csv_key *key, coco_error **err)
{
    if (key->id_len > COCO_CSV_ID_SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "certificate of Hygon: id of %u bytes", key->id_len);
    return COCO_OK;
}

coco_status
coco_csv_ca_parse(const void *data, size_t len, struct coco_csv_ca *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_csv_ca ca = {0};

    ca.version = coco_read_u32le(&r);
    coco_read_bytes(&r, ca.key_id, sizeof(ca.key_id));
    coco_read_bytes(&r, ca.signer_id, sizeof(ca.signer_id));
    ca.usage = coco_read_u32le(&r);
    bool zeros = coco_read_zeros(&r, CA_RESERVED);
    read_key(&r, &ca.key);
    zeros = coco_read_zeros(&r, CA_BODY_RESERVED) && zeros;
    read_signature(&r, &ca.signature);
    zeros = coco_read_zeros(&r, CA_TAIL) && zeros;
    coco_status status = coco_reader_finish(&r, "certificate of Hygon", err);
    if (status == COCO_OK && !zeros)
        status = coco_fail(err, COCO_ERR_PROTO,
                           "certificate of Hygon has something where nothing is known to be");
    if (status == COCO_OK)
        status = check_key(&ca.key, err);
    if (status == COCO_OK)
        *ret = ca;
    return status;
}

void
coco_csv_ca_format(const struct coco_csv_ca *ca,
                   uint8_t ret[COCO_CSV_CA_SIZE]) /* NOLINT(readability-non-const-parameter) */
{
    struct writer w = {ret};

    put_number(&w, ca->version, 4);
    put_bytes(&w, ca->key_id, sizeof(ca->key_id));
    put_bytes(&w, ca->signer_id, sizeof(ca->signer_id));
    put_number(&w, ca->usage, 4);
    put_zeros(&w, CA_RESERVED);
    put_key(&w, &ca->key);
    put_zeros(&w, CA_BODY_RESERVED);
    put_signature(&w, &ca->signature);
    put_zeros(&w, CA_TAIL);
}

coco_status
coco_csv_cert_parse(const void *data, size_t len, struct coco_csv_cert *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_csv_cert cert = {0};

    cert.version = coco_read_u32le(&r);
    cert.api_major = coco_read_u8(&r);
    cert.api_minor = coco_read_u8(&r);
    bool zeros = coco_read_zeros(&r, 2);
    cert.usage = coco_read_u32le(&r);
    cert.algo = coco_read_u32le(&r);
    read_key(&r, &cert.key);
    coco_read_bytes(&r, cert.signer_id, sizeof(cert.signer_id));
    zeros = coco_read_zeros(&r, CERT_BODY_RESERVED) && zeros;
    for (size_t i = 0; i < SIGNATURES; i++) {
        cert.signatures[i].usage = coco_read_u32le(&r);
        cert.signatures[i].algo = coco_read_u32le(&r);
        read_signature(&r, &cert.signatures[i].signature);
        zeros = coco_read_zeros(&r, SIGNATURE_RESERVED) && zeros;
    }
    coco_status status = coco_reader_finish(&r, "certificate of CSV", err);
    if (status == COCO_OK && !zeros)
        status = coco_fail(err, COCO_ERR_PROTO,
                           "certificate of CSV has something where nothing is known to be");
    if (status == COCO_OK)
        status = check_key(&cert.key, err);
    if (status == COCO_OK)
        *ret = cert;
    return status;
}

void
coco_csv_cert_format(const struct coco_csv_cert *cert,
                     uint8_t ret[COCO_CSV_CERT_SIZE]) /* NOLINT(readability-non-const-parameter) */
{
    struct writer w = {ret};

    put_number(&w, cert->version, 4);
    put_number(&w, cert->api_major, 1);
    put_number(&w, cert->api_minor, 1);
    put_zeros(&w, 2);
    put_number(&w, cert->usage, 4);
    put_number(&w, cert->algo, 4);
    put_key(&w, &cert->key);
    put_bytes(&w, cert->signer_id, sizeof(cert->signer_id));
    put_zeros(&w, CERT_BODY_RESERVED);
    for (size_t i = 0; i < SIGNATURES; i++) {
        put_number(&w, cert->signatures[i].usage, 4);
        put_number(&w, cert->signatures[i].algo, 4);
        put_signature(&w, &cert->signatures[i].signature);
        put_zeros(&w, SIGNATURE_RESERVED);
    }
}

/* ---- JSON ---- */

static coco_status
get_u32(const cJSON *object, const char *name, uint32_t *ret, coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_serde_get_number(object, name, UINT32_MAX, &value, err);
    if (status == COCO_OK)
        *ret = (uint32_t)value;
    return status;
}

static coco_status
get_u8(const cJSON *object, const char *name, uint8_t *ret, coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_serde_get_number(object, name, UINT8_MAX, &value, err);
    if (status == COCO_OK)
        *ret = (uint8_t)value;
    return status;
}

/* {"g","x","y"}, and beside it in holder the id. */
static coco_status
get_key(const cJSON *point, const cJSON *holder, struct coco_csv_key *ret, coco_error **err)
{
    uint64_t len = 0;

    coco_status status = get_u32(point, "g", &ret->curve, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(point, "x", ret->x, sizeof(ret->x), err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(point, "y", ret->y, sizeof(ret->y), err);
    if (status == COCO_OK)
        status = coco_serde_get_number(holder, "uid_size", COCO_CSV_ID_SIZE, &len, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(holder, "user_id", ret->id, sizeof(ret->id), err);
    ret->id_len = (uint16_t)len;
    return status;
}

static coco_status
get_signature(const cJSON *holder, struct coco_csv_signature *ret, coco_error **err)
{
    const cJSON *signature = NULL;

    coco_status status = coco_json_get_object(holder, "signature", &signature, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(signature, "r", ret->r, sizeof(ret->r), err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(signature, "s", ret->s, sizeof(ret->s), err);
    return status;
}

coco_status
coco_csv_ca_from_json(const cJSON *object, struct coco_csv_ca *ret, coco_error **err)
{
    struct coco_csv_ca ca = {0};
    const cJSON *body = NULL;
    const cJSON *preamble = NULL;
    const cJSON *data = NULL;
    const cJSON *point = NULL;

    coco_status status = coco_json_get_object(object, "body", &body, err);
    if (status == COCO_OK)
        status = coco_json_get_object(body, "preamble", &preamble, err);
    if (status == COCO_OK)
        status = get_u32(preamble, "ver", &ca.version, err);
    if (status == COCO_OK)
        status = coco_json_get_object(preamble, "data", &data, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(data, "kid", ca.key_id, sizeof(ca.key_id), err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(data, "sid", ca.signer_id, sizeof(ca.signer_id), err);
    if (status == COCO_OK)
        status = get_u32(data, "usage", &ca.usage, err);
    if (status == COCO_OK)
        status = coco_json_get_object(body, "pubkey", &point, err);
    if (status == COCO_OK)
        status = get_key(point, body, &ca.key, err);
    if (status == COCO_OK)
        status = get_signature(object, &ca.signature, err);
    if (status == COCO_OK)
        *ret = ca;
    return status;
}

static coco_status
get_signatures(const cJSON *object, struct coco_csv_cert *ret, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *item;
    size_t i = 0;

    coco_status status = coco_json_get_array(object, "sigs", &array, err);
    cJSON_ArrayForEach(item, array) {
        if (i == SIGNATURES || !cJSON_IsObject(item))
            return coco_fail(err, COCO_ERR_PROTO, "member 'sigs' is not two objects");
        status = get_u32(item, "usage", &ret->signatures[i].usage, err);
        if (status == COCO_OK)
            status = get_u32(item, "algo", &ret->signatures[i].algo, err);
        if (status == COCO_OK)
            status = get_signature(item, &ret->signatures[i].signature, err);
        if (status != COCO_OK)
            return status;
        i++;
    }
    if (status == COCO_OK && i != SIGNATURES)
        status = coco_fail(err, COCO_ERR_PROTO, "member 'sigs' is not two objects");
    return status;
}

static coco_status
get_body(const cJSON *data, struct coco_csv_cert *ret, coco_error **err)
{
    const cJSON *firmware = NULL;
    const cJSON *key = NULL;
    const cJSON *point = NULL;

    coco_status status = coco_json_get_object(data, "firmware", &firmware, err);
    if (status == COCO_OK)
        status = get_u8(firmware, "major", &ret->api_major, err);
    if (status == COCO_OK)
        status = get_u8(firmware, "minor", &ret->api_minor, err);
    if (status == COCO_OK)
        status = coco_json_get_object(data, "pubkey", &key, err);
    if (status == COCO_OK)
        status = get_u32(key, "usage", &ret->usage, err);
    if (status == COCO_OK)
        status = get_u32(key, "algo", &ret->algo, err);
    if (status == COCO_OK)
        status = coco_json_get_object(key, "key", &point, err);
    if (status == COCO_OK)
        status = get_key(point, data, &ret->key, err);
    if (status == COCO_OK)
        status = coco_serde_get_bytes(data, "sid", ret->signer_id, sizeof(ret->signer_id), err);
    return status;
}

coco_status
coco_csv_cert_from_json(const cJSON *object, struct coco_csv_cert *ret, coco_error **err)
{
    struct coco_csv_cert cert = {0};
    const cJSON *body = NULL;
    const cJSON *data = NULL;

    coco_status status = coco_json_get_object(object, "body", &body, err);
    if (status == COCO_OK)
        status = get_u32(body, "ver", &cert.version, err);
    if (status == COCO_OK)
        status = coco_json_get_object(body, "data", &data, err);
    if (status == COCO_OK)
        status = get_body(data, &cert, err);
    if (status == COCO_OK)
        status = get_signatures(object, &cert, err);
    if (status == COCO_OK)
        *ret = cert;
    return status;
}

static coco_status
add_zeros(cJSON *object, const char *name, size_t len, coco_error **err)
{
    static const uint8_t zeros[1024];

    return coco_serde_add_bytes(object, name, zeros, len, err);
}

static coco_status
add_point(cJSON *holder, const char *name, const struct coco_csv_key *key, coco_error **err)
{
    cJSON *point = NULL;

    coco_status status = coco_json_add_object(holder, name, &point, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(point, "g", key->curve, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(point, "x", key->x, sizeof(key->x), err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(point, "y", key->y, sizeof(key->y), err);
    return status;
}

static coco_status
add_id(cJSON *holder, const struct coco_csv_key *key, coco_error **err)
{
    coco_status status = coco_json_add_u64(holder, "uid_size", key->id_len, err);

    if (status == COCO_OK)
        status = coco_serde_add_bytes(holder, "user_id", key->id, sizeof(key->id), err);
    return status;
}

static coco_status
add_signature(cJSON *holder, const struct coco_csv_signature *signature, coco_error **err)
{
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(holder, "signature", &object, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(object, "r", signature->r, sizeof(signature->r), err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(object, "s", signature->s, sizeof(signature->s), err);
    return status;
}

static coco_status
add_preamble(cJSON *body, const struct coco_csv_ca *ca, coco_error **err)
{
    cJSON *preamble = NULL;
    cJSON *data = NULL;

    coco_status status = coco_json_add_object(body, "preamble", &preamble, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(preamble, "ver", ca->version, err);
    if (status == COCO_OK)
        status = coco_json_add_object(preamble, "data", &data, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(data, "kid", ca->key_id, sizeof(ca->key_id), err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(data, "sid", ca->signer_id, sizeof(ca->signer_id), err);
    if (status == COCO_OK)
        status = coco_json_add_u64(data, "usage", ca->usage, err);
    if (status == COCO_OK)
        status = add_zeros(data, "reserved", CA_RESERVED, err);
    return status;
}

coco_status
coco_csv_ca_to_json(const struct coco_csv_ca *ca, cJSON *object, coco_error **err)
{
    cJSON *body = NULL;

    coco_status status = coco_json_add_object(object, "body", &body, err);
    if (status == COCO_OK)
        status = add_preamble(body, ca, err);
    if (status == COCO_OK)
        status = add_point(body, "pubkey", &ca->key, err);
    if (status == COCO_OK)
        status = add_id(body, &ca->key, err);
    if (status == COCO_OK)
        status = add_zeros(body, "reserved", CA_BODY_RESERVED, err);
    if (status == COCO_OK)
        status = add_signature(object, &ca->signature, err);
    if (status == COCO_OK)
        status = add_zeros(object, "_reserved", CA_TAIL, err);
    return status;
}

static coco_status
add_data(cJSON *body, const struct coco_csv_cert *cert, coco_error **err)
{
    cJSON *data = NULL;
    cJSON *firmware = NULL;
    cJSON *key = NULL;

    coco_status status = coco_json_add_object(body, "data", &data, err);
    if (status == COCO_OK)
        status = coco_json_add_object(data, "firmware", &firmware, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(firmware, "major", cert->api_major, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(firmware, "minor", cert->api_minor, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(data, "reserved1", 0, err);
    if (status == COCO_OK)
        status = coco_json_add_object(data, "pubkey", &key, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(key, "usage", cert->usage, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(key, "algo", cert->algo, err);
    if (status == COCO_OK)
        status = add_point(key, "key", &cert->key, err);
    if (status == COCO_OK)
        status = add_id(data, &cert->key, err);
    if (status == COCO_OK)
        status = coco_serde_add_bytes(data, "sid", cert->signer_id, sizeof(cert->signer_id), err);
    if (status == COCO_OK)
        status = add_zeros(data, "reserved2", CERT_BODY_RESERVED, err);
    return status;
}

coco_status
coco_csv_cert_to_json(const struct coco_csv_cert *cert, cJSON *object, coco_error **err)
{
    cJSON *body = NULL;
    cJSON *array = NULL;

    coco_status status = coco_json_add_object(object, "body", &body, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(body, "ver", cert->version, err);
    if (status == COCO_OK)
        status = add_data(body, cert, err);
    if (status == COCO_OK)
        status = coco_json_add_array(object, "sigs", &array, err);
    for (size_t i = 0; i < SIGNATURES && status == COCO_OK; i++) {
        cJSON *item = NULL;

        status = coco_json_add_object(array, NULL, &item, err);
        if (status == COCO_OK)
            status = coco_json_add_u64(item, "usage", cert->signatures[i].usage, err);
        if (status == COCO_OK)
            status = coco_json_add_u64(item, "algo", cert->signatures[i].algo, err);
        if (status == COCO_OK)
            status = add_signature(item, &cert->signatures[i].signature, err);
        if (status == COCO_OK)
            status = add_zeros(item, "_reserved", SIGNATURE_RESERVED, err);
    }
    return status;
}

/* ---- signatures ---- */

static coco_status
to_point(const struct coco_csv_key *key, EVP_PKEY **ret, coco_error **err)
{
    uint8_t point[2 * COCO_SM2_SIZE];

    if (key->curve != COCO_CSV_CURVE_SM2)
        return coco_fail(err, COCO_ERR_VERIFY, "key on curve %u is not one of SM2", key->curve);
    if (!is_zero(key->x + COCO_SM2_SIZE, sizeof(key->x) - COCO_SM2_SIZE)
        || !is_zero(key->y + COCO_SM2_SIZE, sizeof(key->y) - COCO_SM2_SIZE))
        return coco_fail(err, COCO_ERR_VERIFY, "key is too large for SM2");
    reverse(point, key->x, COCO_SM2_SIZE);
    reverse(point + COCO_SM2_SIZE, key->y, COCO_SM2_SIZE);
    return coco_sm2_key_from_point(point, ret, err);
}

coco_status
coco_csv_check(const struct coco_csv_key *key, const struct coco_csv_signature *signature,
               const void *data, size_t len, coco_error **err)
{
    const struct coco_sm2_id id = {key->id, key->id_len};
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    uint8_t flat[2 * COCO_SM2_SIZE];

    if (!is_zero(signature->r + COCO_SM2_SIZE, sizeof(signature->r) - COCO_SM2_SIZE)
        || !is_zero(signature->s + COCO_SM2_SIZE, sizeof(signature->s) - COCO_SM2_SIZE))
        return coco_fail(err, COCO_ERR_VERIFY, "signature is too large for SM2");
    coco_status status = to_point(key, &parsed, err);
    if (status != COCO_OK)
        return status;
    reverse(flat, signature->r, COCO_SM2_SIZE);
    reverse(flat + COCO_SM2_SIZE, signature->s, COCO_SM2_SIZE);
    return coco_sm2_verify(parsed, &id, data, len, flat, err);
}

coco_status
coco_csv_ca_check(const struct coco_csv_ca *ca, const struct coco_csv_ca *signer, coco_error **err)
{
    uint8_t bytes[COCO_CSV_CA_SIZE];

    if (memcmp(ca->signer_id, signer->key_id, sizeof(ca->signer_id)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate of Hygon is signed by another");
    coco_csv_ca_format(ca, bytes);
    return coco_csv_check(&signer->key, &ca->signature, bytes, COCO_CSV_CA_BODY_SIZE, err);
}

coco_status
coco_csv_cert_check(const struct coco_csv_cert *cert, uint32_t usage,
                    const struct coco_csv_key *signer, coco_error **err)
{
    uint8_t bytes[COCO_CSV_CERT_SIZE];

    coco_csv_cert_format(cert, bytes);
    for (size_t i = 0; i < SIGNATURES; i++) {
        if (cert->signatures[i].usage != usage)
            continue;
        if (cert->signatures[i].algo != COCO_CSV_SM2)
            return coco_fail(err, COCO_ERR_VERIFY, "signature of algorithm %u",
                             cert->signatures[i].algo);
        return coco_csv_check(signer, &cert->signatures[i].signature, bytes,
                              COCO_CSV_CERT_BODY_SIZE, err);
    }
    return coco_fail(err, COCO_ERR_VERIFY, "no signature of a key for 0x%x", usage);
}

coco_status
coco_csv_key_set(struct coco_csv_key *ret, const EVP_PKEY *key, const char *id, coco_error **err)
{
    struct coco_csv_key made = {.curve = COCO_CSV_CURVE_SM2};
    uint8_t point[2 * COCO_SM2_SIZE];
    size_t len = strlen(id);

    if (len == 0 || len > COCO_CSV_ID_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "id of %zu bytes", len);
    coco_status status = coco_sm2_key_point(key, point, err);
    if (status != COCO_OK)
        return status;
    reverse(made.x, point, COCO_SM2_SIZE);
    reverse(made.y, point + COCO_SM2_SIZE, COCO_SM2_SIZE);
    made.id_len = (uint16_t)len;
    memcpy(made.id, id, len);
    *ret = made;
    return COCO_OK;
}

coco_status
coco_csv_sign(EVP_PKEY *key, const struct coco_csv_key *as, const void *data, size_t len,
              struct coco_csv_signature *ret, coco_error **err)
{
    const struct coco_sm2_id id = {as->id, as->id_len};
    struct coco_csv_signature signature = {{0}, {0}};
    uint8_t flat[2 * COCO_SM2_SIZE];

    coco_status status = coco_sm2_sign(key, &id, data, len, flat, err);
    if (status != COCO_OK)
        return status;
    reverse(signature.r, flat, COCO_SM2_SIZE);
    reverse(signature.s, flat + COCO_SM2_SIZE, COCO_SM2_SIZE);
    *ret = signature;
    return COCO_OK;
}
