/*
 * tee/se_request.c - the control block of a request to IBM Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se_request.h"

#include "base/digest.h"
#include "base/fail.h"
#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/ecdsa.h"
#include "crypto/keywrap.h"

#include <openssl/crypto.h>
#include <string.h>

#define HEADER_SIZE ((size_t)48)
#define FIXED_SIZE ((size_t)224) /* header, flags, algorithm, customer key */
#define SLOT_SIZE ((size_t)80)
#define COORDINATE_SIZE (COCO_SE_POINT_SIZE / 2)
#define HMAC_SHA512 1U
#define SEALED_SIZE (COCO_SE_KEY_SIZE + COCO_SE_NONCE_SIZE)
#define BLOCK_MAX (FIXED_SIZE + COCO_SE_SLOTS_MAX * SLOT_SIZE + SEALED_SIZE + COCO_SE_GCM_TAG_SIZE)

void
coco_se_secrets_done(struct coco_se_secrets *secrets)
{
    coco_secret_done(&secrets->request_key);
    coco_secret_done(&secrets->measurement_key);
    coco_secret_done(&secrets->nonce);
}

/* ---- bytes ---- */

static void
put_be(uint8_t *p, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

/* All before what is encrypted, which is authenticated with it. */
static coco_status
format_head(const struct coco_se_block *block, struct coco_buf *buf, coco_error **err)
{
    uint8_t head[FIXED_SIZE] = {0};

    put_be(head + 8, COCO_SE_VERSION, 4);
    put_be(head + 12,
           FIXED_SIZE + block->slot_count * SLOT_SIZE + SEALED_SIZE + COCO_SE_GCM_TAG_SIZE, 4);
    memcpy(head + 16, block->iv, sizeof(block->iv));
    head[39] = (uint8_t)block->slot_count;
    put_be(head + 44, SEALED_SIZE, 4);
    put_be(head + HEADER_SIZE, block->flags, 8);
    put_be(head + HEADER_SIZE + 8, HMAC_SHA512, 4);
    memcpy(head + HEADER_SIZE + 16, block->customer, sizeof(block->customer));
    coco_status status = coco_buf_append(buf, head, sizeof(head), err);
    for (size_t i = 0; i < block->slot_count && status == COCO_OK; i++) {
        const struct coco_se_slot *slot = &block->slots[i];

        status = coco_buf_append(buf, slot->host, sizeof(slot->host), err);
        if (status == COCO_OK)
            status = coco_buf_append(buf, slot->wrapped, sizeof(slot->wrapped), err);
        if (status == COCO_OK)
            status = coco_buf_append(buf, slot->tag, sizeof(slot->tag), err);
    }
    return status;
}

coco_status
coco_se_block_format(const struct coco_se_block *block, struct coco_buf *buf, coco_error **err)
{
    coco_status status = format_head(block, buf, err);

    if (status == COCO_OK)
        status = coco_buf_append(buf, block->sealed, sizeof(block->sealed), err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, block->tag, sizeof(block->tag), err);
    return status;
}

static coco_status
check_fixed(uint32_t version, uint32_t size, uint32_t sealed, uint32_t algorithm, bool zeros,
            coco_error **err)
{
    if (version != COCO_SE_VERSION || !zeros)
        return coco_fail(err, COCO_ERR_PROTO, "not a control block of version 1");
    if (sealed != SEALED_SIZE || algorithm != HMAC_SHA512)
        return coco_fail(err, COCO_ERR_NOTSUP, "control block with another algorithm");
    if (size > BLOCK_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "control block of %u bytes", size);
    return COCO_OK;
}

coco_status
coco_se_block_parse(const void *data, size_t len, struct coco_se_block *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_se_block block = {.slot_count = 0};

    bool zeros = coco_read_zeros(&r, 8);
    uint32_t version = coco_read_u32be(&r);
    uint32_t size = coco_read_u32be(&r);
    coco_read_bytes(&r, block.iv, sizeof(block.iv));
    zeros = coco_read_zeros(&r, 4 + 7) && zeros;
    block.slot_count = coco_read_u8(&r);
    zeros = coco_read_zeros(&r, 4) && zeros;
    uint32_t sealed = coco_read_u32be(&r);
    block.flags = coco_read_u64be(&r);
    uint32_t algorithm = coco_read_u32be(&r);
    zeros = coco_read_zeros(&r, 4) && zeros;
    coco_read_bytes(&r, block.customer, sizeof(block.customer));
    coco_status status = coco_reader_check(&r, "control block", err);
    if (status == COCO_OK)
        status = check_fixed(version, size, sealed, algorithm, zeros, err);
    if (status == COCO_OK && block.slot_count > COCO_SE_SLOTS_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "control block for %zu hosts", block.slot_count);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < block.slot_count; i++) {
        coco_read_bytes(&r, block.slots[i].host, sizeof(block.slots[i].host));
        coco_read_bytes(&r, block.slots[i].wrapped, sizeof(block.slots[i].wrapped));
        coco_read_bytes(&r, block.slots[i].tag, sizeof(block.slots[i].tag));
    }
    coco_read_bytes(&r, block.sealed, sizeof(block.sealed));
    coco_read_bytes(&r, block.tag, sizeof(block.tag));
    status = coco_reader_finish(&r, "control block", err);
    if (status == COCO_OK && size != r.at)
        status =
            coco_fail(err, COCO_ERR_PROTO, "control block of %zu bytes says it had %u", r.at, size);
    if (status == COCO_OK)
        *ret = block;
    return status;
}

/* ---- keys ---- */

static coco_status
to_point(const EVP_PKEY *key, uint8_t ret[COCO_SE_POINT_SIZE], coco_error **err)
{
    const size_t size = coco_ec_size(COCO_KEY_P521);
    _cleanup_buf_ struct coco_buf point = {.limit = 2 * COCO_EC_SIZE_MAX};

    coco_status status = coco_ec_key_point(key, &point, err);
    if (status != COCO_OK)
        return status;
    if (point.len != 2 * size)
        return coco_fail(err, COCO_ERR_NOTSUP, "key is not on P-521");
    memset(ret, 0, COCO_SE_POINT_SIZE);
    memcpy(ret + COORDINATE_SIZE - size, point.data, size);
    memcpy(ret + 2 * COORDINATE_SIZE - size, point.data + size, size);
    return COCO_OK;
}

static coco_status
from_point(const uint8_t point[COCO_SE_POINT_SIZE], EVP_PKEY **ret, coco_error **err)
{
    const size_t size = coco_ec_size(COCO_KEY_P521);
    struct coco_reader r = coco_reader_of(point, COCO_SE_POINT_SIZE);
    uint8_t flat[2 * COCO_EC_SIZE_MAX];

    bool zeros = coco_read_zeros(&r, COORDINATE_SIZE - size);
    coco_read_bytes(&r, flat, size);
    zeros = coco_read_zeros(&r, COORDINATE_SIZE - size) && zeros;
    coco_read_bytes(&r, flat + size, size);
    if (!zeros)
        return coco_fail(err, COCO_ERR_PROTO, "key is too large for P-521");
    return coco_ec_key_from_point(COCO_KEY_P521, flat, ret, err);
}

coco_status
coco_se_host_hash(const EVP_PKEY *host, uint8_t ret[COCO_SE_PHKH_SIZE], coco_error **err)
{
    uint8_t point[COCO_SE_POINT_SIZE];
    struct coco_digest digest;

    coco_status status = to_point(host, point, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, point, sizeof(point), &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, COCO_SE_PHKH_SIZE);
    return status;
}

/* The key that wraps a request key: SHA-256 of what both agree on, and a counter of one. */
static coco_status
derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t ret[COCO_AEAD_KEY_SIZE], coco_error **err)
{
    static const uint8_t counter[] = {0, 0, 0, 1};
    _cleanup_secret_ struct coco_secret z = {0};
    _cleanup_hash_ struct coco_hash hash = {0};
    struct coco_digest digest = {0};

    coco_status status = coco_ecdh(own, peer, &z, err);
    if (status == COCO_OK)
        status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, z.data, z.len, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, counter, sizeof(counter), err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, COCO_AEAD_KEY_SIZE);
    OPENSSL_cleanse(&digest, sizeof(digest));
    return status;
}

/* ---- making ---- */

static const uint8_t slot_iv[COCO_AEAD_IV_SIZE]; /* zero: each key wraps once */

static coco_status
seal_slot(EVP_PKEY *customer, EVP_PKEY *host, const struct coco_secret *request_key,
          struct coco_se_slot *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = COCO_SE_REQUEST_KEY_SIZE};
    uint8_t key[COCO_AEAD_KEY_SIZE];

    coco_status status = coco_se_host_hash(host, ret->host, err);
    if (status == COCO_OK)
        status = derive(customer, host, key, err);
    if (status != COCO_OK)
        return status;
    status = coco_aead_seal(key, slot_iv, NULL, request_key->data, request_key->len, &wrapped,
                            ret->tag, err);
    OPENSSL_cleanse(key, sizeof(key));
    if (status == COCO_OK)
        memcpy(ret->wrapped, wrapped.data, sizeof(ret->wrapped));
    return status;
}

static coco_status
seal_area(const struct coco_se_secrets *secrets, struct coco_se_block *block, coco_error **err)
{
    _cleanup_buf_ struct coco_buf head = {.limit = BLOCK_MAX};
    _cleanup_buf_ struct coco_buf sealed = {.limit = SEALED_SIZE};
    uint8_t plain[SEALED_SIZE];

    coco_status status = format_head(block, &head, err);
    if (status != COCO_OK)
        return status;
    memcpy(plain, secrets->measurement_key.data, COCO_SE_KEY_SIZE);
    memcpy(plain + COCO_SE_KEY_SIZE, secrets->nonce.data, COCO_SE_NONCE_SIZE);
    status = coco_aead_seal(secrets->request_key.data, block->iv, &head, plain, sizeof(plain),
                            &sealed, block->tag, err);
    OPENSSL_cleanse(plain, sizeof(plain));
    if (status == COCO_OK)
        memcpy(block->sealed, sealed.data, sizeof(block->sealed));
    return status;
}

coco_status
coco_se_block_seal(EVP_PKEY *customer, EVP_PKEY *const *hosts, size_t host_count,
                   const struct coco_se_secrets *secrets, const uint8_t iv[COCO_SE_IV_SIZE],
                   struct coco_se_block *ret, coco_error **err)
{
    struct coco_se_block block = {
        .flags = COCO_SE_FLAG_NONCE | COCO_SE_FLAG_IMAGE_PHKH | COCO_SE_FLAG_ATTESTATION_PHKH,
        .slot_count = host_count,
    };

    if (host_count == 0 || host_count > COCO_SE_SLOTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "request to %zu hosts, not 1 to %d", host_count,
                         COCO_SE_SLOTS_MAX);
    if (secrets->request_key.len != COCO_SE_REQUEST_KEY_SIZE
        || secrets->measurement_key.len != COCO_SE_KEY_SIZE
        || secrets->nonce.len != COCO_SE_NONCE_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "keys of a request are not of their lengths");
    memcpy(block.iv, iv, sizeof(block.iv));
    coco_status status = to_point(customer, block.customer, err);
    for (size_t i = 0; i < host_count && status == COCO_OK; i++)
        status = seal_slot(customer, hosts[i], &secrets->request_key, &block.slots[i], err);
    if (status == COCO_OK)
        status = seal_area(secrets, &block, err);
    if (status == COCO_OK)
        *ret = block;
    return status;
}

/* ---- opening ---- */

static coco_status
open_slot(const struct coco_se_block *block, EVP_PKEY *own, EVP_PKEY *host, struct coco_secret *ret,
          coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *customer = NULL;
    uint8_t hash[COCO_SE_PHKH_SIZE];
    uint8_t key[COCO_AEAD_KEY_SIZE];
    size_t i = 0;

    coco_status status = coco_se_host_hash(host, hash, err);
    if (status == COCO_OK)
        status = from_point(block->customer, &customer, err);
    if (status != COCO_OK)
        return status;
    while (i < block->slot_count && memcmp(block->slots[i].host, hash, sizeof(hash)) != 0)
        i++;
    if (i == block->slot_count)
        return coco_fail(err, COCO_ERR_NOTFOUND, "control block is not for this host");
    status = derive(own, EVP_PKEY_eq(own, host) == 1 ? customer : host, key, err);
    if (status != COCO_OK)
        return status;
    status = coco_aead_open(key, slot_iv, NULL, block->slots[i].wrapped,
                            sizeof(block->slots[i].wrapped), block->slots[i].tag, ret, err);
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}

coco_status
coco_se_block_open(const struct coco_se_block *block, EVP_PKEY *own, EVP_PKEY *host,
                   struct coco_se_secrets *ret, coco_error **err)
{
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    _cleanup_buf_ struct coco_buf head = {.limit = BLOCK_MAX};
    _cleanup_secret_ struct coco_secret plain = {0};

    coco_status status = open_slot(block, own, host, &secrets.request_key, err);
    if (status == COCO_OK)
        status = format_head(block, &head, err);
    if (status == COCO_OK)
        status = coco_aead_open(secrets.request_key.data, block->iv, &head, block->sealed,
                                sizeof(block->sealed), block->tag, &plain, err);
    if (status == COCO_OK)
        status = coco_secret_copy(plain.data, COCO_SE_KEY_SIZE, &secrets.measurement_key, err);
    if (status == COCO_OK)
        status = coco_secret_copy(plain.data + COCO_SE_KEY_SIZE, COCO_SE_NONCE_SIZE, &secrets.nonce,
                                  err);
    if (status != COCO_OK)
        return status;
    *ret = secrets;
    secrets = (struct coco_se_secrets){{0}, {0}, {0}};
    return COCO_OK;
}
