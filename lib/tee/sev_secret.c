/*
 * tee/sev_secret.c - secrets that a guest's owner has AMD SEV firmware inject
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_secret.h"

#include "base/fail.h"
#include "base/reader.h"
#include "crypto/mac.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#define TABLE_GUID "1e74f542-71dd-4d66-963e-ef4287ff173b"
#define HEAD_SIZE (COCO_GUID_SIZE + 4) /* of the table and of each entry, counted in its length */

/* 55766, table "LAUNCH_SECRET packet header": flags, IV, MAC. */
#define FLAGS_SIZE ((size_t)4)
#define IV_AT FLAGS_SIZE
#define MAC_AT (IV_AT + COCO_SEV_BLOCK_SIZE)
#define CONTEXT 0x01

static void
put_u32(uint8_t *p, size_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static void
table_guid(uint8_t ret[COCO_GUID_SIZE])
{
    bool known = coco_guid_parse(TABLE_GUID, ret);

    assert(known);
    (void)known;
}

/* ---- the table ---- */

void
coco_sev_secrets_done(struct coco_sev_secrets *secrets)
{
    for (size_t i = 0; i < secrets->n; i++)
        coco_secret_done(&secrets->list[i].data);
    secrets->n = 0;
}

coco_status
coco_sev_secrets_add(struct coco_sev_secrets *secrets, const uint8_t guid[COCO_GUID_SIZE],
                     const void *data, size_t len, coco_error **err)
{
    if (secrets->n == COCO_SEV_SECRETS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu secrets", COCO_SEV_SECRETS_MAX);
    if (len > COCO_SEV_SECRET_TABLE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "secret of %zu bytes", len);
    struct coco_sev_secret *entry = &secrets->list[secrets->n];
    *entry = (struct coco_sev_secret){0};
    memcpy(entry->guid, guid, COCO_GUID_SIZE);
    coco_status status = coco_secret_copy(data, len, &entry->data, err);
    if (status == COCO_OK)
        secrets->n++;
    return status;
}

static uint8_t *
put_head(uint8_t *p, const uint8_t guid[COCO_GUID_SIZE], size_t len)
{
    coco_guid_swap(guid, p);
    put_u32(p + COCO_GUID_SIZE, len);
    return p + HEAD_SIZE;
}

coco_status
coco_sev_secrets_format(const struct coco_sev_secrets *secrets, struct coco_secret *ret,
                        coco_error **err)
{
    _cleanup_secret_ struct coco_secret table = {0};
    uint8_t guid[COCO_GUID_SIZE];
    size_t len = HEAD_SIZE;

    for (size_t i = 0; i < secrets->n; i++)
        len += HEAD_SIZE + secrets->list[i].data.len;
    size_t padded = (len + COCO_SEV_BLOCK_SIZE - 1) / COCO_SEV_BLOCK_SIZE * COCO_SEV_BLOCK_SIZE;
    if (padded > COCO_SEV_SECRET_TABLE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "secrets of %zu bytes", len);
    coco_status status = coco_secret_alloc(padded, &table, err);
    if (status != COCO_OK)
        return status;
    table_guid(guid);
    uint8_t *p = put_head(table.data, guid, len);
    for (size_t i = 0; i < secrets->n; i++) {
        const struct coco_secret *data = &secrets->list[i].data;

        p = put_head(p, secrets->list[i].guid, HEAD_SIZE + data->len);
        if (data->len > 0)
            memcpy(p, data->data, data->len);
        p += data->len;
    }
    *ret = coco_secret_steal(&table);
    return COCO_OK;
}

/* A GUID and a length that counts them, too; the length without them. */
static coco_status
read_head(struct coco_reader *r, uint8_t guid[COCO_GUID_SIZE], size_t *ret, coco_error **err)
{
    coco_read_bytes(r, guid, COCO_GUID_SIZE);
    coco_guid_swap(guid, guid);
    uint32_t len = coco_read_u32le(r);
    coco_status status = coco_reader_check(r, "table of secrets", err);
    if (status == COCO_OK && len < HEAD_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "table of secrets: an entry of %u bytes", len);
    if (status == COCO_OK)
        *ret = len - HEAD_SIZE;
    return status;
}

coco_status
coco_sev_secrets_parse(const void *data, size_t len, struct coco_sev_secrets *ret, coco_error **err)
{
    _cleanup_sev_secrets_ struct coco_sev_secrets secrets = {0};
    struct coco_reader whole = coco_reader_of(data, len);
    uint8_t guid[COCO_GUID_SIZE];
    uint8_t want[COCO_GUID_SIZE];
    size_t size = 0;

    coco_status status = read_head(&whole, guid, &size, err);
    if (status != COCO_OK)
        return status;
    table_guid(want);
    if (memcmp(guid, want, sizeof(want)) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "not a table of secrets");
    struct coco_reader r = coco_read_part(&whole, size);
    status = coco_reader_check(&whole, "table of secrets", err);
    while (status == COCO_OK && r.len > 0) {
        status = read_head(&r, guid, &size, err);
        const uint8_t *piece = status == COCO_OK ? coco_read_piece(&r, size) : NULL;
        if (status == COCO_OK)
            status = coco_reader_check(&r, "table of secrets", err);
        if (status == COCO_OK)
            status = coco_sev_secrets_add(&secrets, guid, piece, size, err);
    }
    if (status != COCO_OK)
        return status;
    *ret = secrets;
    secrets.n = 0;
    return COCO_OK;
}

/* ---- the packet ---- */

/* What is authenticated: context ‖ flags ‖ IV ‖ lengths ‖ ciphertext ‖ measurement. */
static coco_status
mac_packet(const struct coco_sev_keys *keys, const uint8_t measure[COCO_SEV_MAC_SIZE],
           const struct coco_sev_packet *packet, uint8_t ret[COCO_SEV_MAC_SIZE], coco_error **err)
{
    _cleanup_buf_ struct coco_buf input = {.limit = COCO_SEV_SECRET_TABLE_MAX + 128};
    const uint8_t context = CONTEXT;
    uint8_t len[4];

    put_u32(len, packet->payload.len);
    coco_status status = coco_buf_append(&input, &context, 1, err);
    if (status == COCO_OK)
        status = coco_buf_append(&input, packet->header, MAC_AT, err);
    for (int i = 0; i < 2 && status == COCO_OK;
         i++) /* of what the guest gets, and of what is sent */
        status = coco_buf_append(&input, len, sizeof(len), err);
    if (status == COCO_OK)
        status = coco_buf_append(&input, packet->payload.data, packet->payload.len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&input, measure, COCO_SEV_MAC_SIZE, err);
    if (status == COCO_OK)
        status = coco_hmac(EVP_sha256(), &keys->tik, input.data, input.len, ret, err);
    return status;
}

coco_status
coco_sev_packet_seal(const struct coco_sev_keys *keys, const uint8_t measure[COCO_SEV_MAC_SIZE],
                     const uint8_t iv[COCO_SEV_BLOCK_SIZE], const struct coco_secret *table,
                     struct coco_sev_packet *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret sealed = {0};
    struct coco_sev_packet packet = {.payload = {.limit = COCO_SEV_SECRET_TABLE_MAX}};

    if (table->len == 0 || table->len % COCO_SEV_BLOCK_SIZE != 0
        || table->len > COCO_SEV_SECRET_TABLE_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "secrets of %zu bytes", table->len);
    memcpy(packet.header + IV_AT, iv, COCO_SEV_BLOCK_SIZE);
    coco_status status = coco_secret_alloc(table->len, &sealed, err);
    if (status == COCO_OK)
        status = coco_aes128_ctr(&keys->tek, iv, table->data, table->len, sealed.data, err);
    if (status == COCO_OK)
        status = coco_buf_append(&packet.payload, sealed.data, sealed.len, err);
    if (status == COCO_OK)
        status = mac_packet(keys, measure, &packet, packet.header + MAC_AT, err);
    if (status != COCO_OK) {
        coco_buf_done(&packet.payload);
        return status;
    }
    *ret = packet;
    return COCO_OK;
}

coco_status
coco_sev_packet_open(const struct coco_sev_keys *keys, const uint8_t measure[COCO_SEV_MAC_SIZE],
                     const struct coco_sev_packet *packet, struct coco_secret *ret,
                     coco_error **err)
{
    _cleanup_secret_ struct coco_secret table = {0};
    uint8_t mac[COCO_SEV_MAC_SIZE];

    if (packet->payload.len == 0 || packet->payload.len > COCO_SEV_SECRET_TABLE_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "packet of %zu bytes", packet->payload.len);
    coco_status status = mac_packet(keys, measure, packet, mac, err);
    if (status != COCO_OK)
        return status;
    if (CRYPTO_memcmp(mac, packet->header + MAC_AT, sizeof(mac)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "packet is not for this launch");
    status = coco_secret_alloc(packet->payload.len, &table, err);
    if (status == COCO_OK)
        status = coco_aes128_ctr(&keys->tek, packet->header + IV_AT, packet->payload.data,
                                 packet->payload.len, table.data, err);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&table);
    return status;
}
