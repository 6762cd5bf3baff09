/*
 * ocicrypt/chunk_mac.c - the ciphertext of a layer, authenticated chunk by chunk
 *
 * Chunk i's tag is AES-256-GMAC(HKDF(layer key), i, chunk || last), where last is one byte, 1
 * for the layer's last chunk and 0 for the others: none can be moved, left out or added. A layer
 * key is for one ciphertext, and so no i is used twice with a key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/chunk_mac.h"

#include "base/fail.h"
#include "crypto/aead.h"
#include "ocicrypt/layer.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define INFO "libcoco encrypted layer chunks v1"
#define IV_SIZE 12

struct coco_chunk_mac {
    struct coco_sink next;
    EVP_MAC_CTX *ctx;
    size_t size;
    size_t len;               /* of the chunk that came in part */
    uint64_t i;               /* which one it is */
    struct coco_chunks *made; /* NULL where tags are compared */
    const uint8_t *want;      /* lent, n tags */
    uint64_t n;
    uint8_t *chunk; /* what waits for its tag */
};

void
coco_chunk_mac_free(struct coco_chunk_mac *mac)
{
    if (!mac)
        return;
    EVP_MAC_CTX_free(mac->ctx);
    free(mac->chunk);
    free(mac);
}

/* ---- one tag ---- */

static coco_status
start_ctx(struct coco_chunk_mac *mac, const struct coco_secret *layer_key, coco_error **err)
{
    char name[] = "AES-256-GCM";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
        OSSL_PARAM_construct_end(),
    };
    _cleanup_secret_ struct coco_secret key = {0};

    coco_status status = coco_hkdf(layer_key, INFO, COCO_LAYER_KEY_SIZE, &key, err);
    if (status != COCO_OK)
        return status;
    EVP_MAC *gmac = EVP_MAC_fetch(NULL, "GMAC", NULL);
    mac->ctx = gmac ? EVP_MAC_CTX_new(gmac) : NULL;
    EVP_MAC_free(gmac);
    if (!mac->ctx || EVP_MAC_init(mac->ctx, key.data, key.len, params) != 1)
        return coco_fail_nomem(err);
    return COCO_OK;
}

static coco_status
begin_chunk(struct coco_chunk_mac *mac, coco_error **err)
{
    const uint64_t i = htobe64(mac->i);
    uint8_t iv[IV_SIZE] = {0};
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, iv, sizeof(iv)),
        OSSL_PARAM_construct_end(),
    };

    memcpy(iv + sizeof(iv) - sizeof(i), &i, sizeof(i));
    mac->len = 0;
    return EVP_MAC_init(mac->ctx, NULL, 0, params) == 1 ? COCO_OK : coco_fail_nomem(err);
}

static coco_status
end_chunk(struct coco_chunk_mac *mac, bool last, uint8_t tag[COCO_CHUNK_TAG_SIZE], coco_error **err)
{
    const uint8_t flag = last;
    size_t len = 0;

    if (EVP_MAC_update(mac->ctx, &flag, sizeof(flag)) != 1
        || EVP_MAC_final(mac->ctx, tag, &len, COCO_CHUNK_TAG_SIZE) != 1)
        return coco_fail_nomem(err);
    mac->i++;
    return COCO_OK;
}

static coco_status
mac_new(const struct coco_secret *layer_key, size_t size, const struct coco_sink *next,
        struct coco_chunk_mac **ret, coco_error **err)
{
    _cleanup_(coco_chunk_mac_freep) struct coco_chunk_mac *mac = calloc(1, sizeof(*mac));

    if (!mac)
        return coco_fail_nomem(err);
    mac->next = *next;
    mac->size = size;
    coco_status status = start_ctx(mac, layer_key, err);
    if (status == COCO_OK)
        status = begin_chunk(mac, err);
    if (status == COCO_OK)
        *ret = coco_steal(&mac);
    return status;
}

/* ---- tags that are made ---- */

static coco_status
add_tag(struct coco_chunk_mac *mac, bool last, coco_error **err)
{
    uint8_t tag[COCO_CHUNK_TAG_SIZE];

    coco_status status = end_chunk(mac, last, tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&mac->made->tags, tag, sizeof(tag), err);
    return status;
}

/* ---- tags that are compared ---- */

/* T16: the text is that of the layer's own MAC, for whoever tries what to change. */
static coco_status
let_pass(struct coco_chunk_mac *mac, bool last, coco_error **err)
{
    uint8_t tag[COCO_CHUNK_TAG_SIZE];
    uint64_t i = mac->i;

    coco_status status = end_chunk(mac, last, tag, err);
    if (status != COCO_OK)
        return status;
    if (i >= mac->n || last != (i == mac->n - 1)
        || CRYPTO_memcmp(tag, mac->want + i * COCO_CHUNK_TAG_SIZE, sizeof(tag)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, COCO_LAYER_NOT_AUTHENTIC);
    return mac->len > 0 ? coco_sink_write(&mac->next, mac->chunk, mac->len, err) : COCO_OK;
}

static coco_status
finish_chunk(struct coco_chunk_mac *mac, bool last, coco_error **err)
{
    return mac->made ? add_tag(mac, last, err) : let_pass(mac, last, err);
}

/* ---- the stream ---- */

static coco_status
take(struct coco_chunk_mac *mac, const uint8_t *data, size_t len, coco_error **err)
{
    if (EVP_MAC_update(mac->ctx, data, len) != 1)
        return coco_fail_nomem(err);
    if (mac->chunk)
        memcpy(mac->chunk + mac->len, data, len);
    mac->len += len;
    return mac->made ? coco_sink_write(&mac->next, data, len, err) : COCO_OK;
}

/* A full chunk may be the last: that is known when more comes, or the end. */
static coco_status
mac_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_chunk_mac *mac = self;
    coco_status status = COCO_OK;

    while (status == COCO_OK && len > 0) {
        if (mac->len == mac->size) {
            status = finish_chunk(mac, false, err);
            if (status == COCO_OK)
                status = begin_chunk(mac, err);
            continue;
        }
        size_t part = mac->size - mac->len < len ? mac->size - mac->len : len;
        status = take(mac, data, part, err);
        data += part;
        len -= part;
    }
    return status;
}

static coco_status
mac_end(void *self, coco_error **err)
{
    struct coco_chunk_mac *mac = self;

    coco_status status = finish_chunk(mac, true, err);
    return status == COCO_OK ? coco_sink_end(&mac->next, err) : status;
}

coco_status
coco_chunk_mac_make(const struct coco_secret *layer_key, struct coco_chunks *chunks,
                    const struct coco_sink *next, struct coco_chunk_mac **ret, coco_error **err)
{
    coco_status status = mac_new(layer_key, chunks->size, next, ret, err);

    if (status != COCO_OK)
        return status;
    coco_buf_reset(&chunks->tags);
    chunks->tags.limit = (size_t)COCO_CHUNKS_MAX * COCO_CHUNK_TAG_SIZE;
    (*ret)->made = chunks;
    return COCO_OK;
}

coco_status
coco_chunk_mac_check(const struct coco_secret *layer_key, const struct coco_chunks *chunks,
                     const struct coco_sink *next, struct coco_chunk_mac **ret, coco_error **err)
{
    _cleanup_(coco_chunk_mac_freep) struct coco_chunk_mac *mac = NULL;

    coco_status status = mac_new(layer_key, chunks->size, next, &mac, err);
    if (status != COCO_OK)
        return status;
    mac->want = chunks->tags.data;
    mac->n = chunks->tags.len / COCO_CHUNK_TAG_SIZE;
    mac->chunk = malloc(chunks->size);
    if (!mac->chunk)
        return coco_fail_nomem(err);
    *ret = coco_steal(&mac);
    return COCO_OK;
}

/* What is only looked at may lie where the next stage wants it. */
static uint8_t *
mac_lend(void *self, size_t *room)
{
    struct coco_chunk_mac *mac = self;

    return mac->made ? coco_sink_lend(&mac->next, room) : NULL;
}

struct coco_sink
coco_chunk_mac_sink(struct coco_chunk_mac *mac)
{
    return (struct coco_sink){.write = mac_write, .end = mac_end, .lend = mac_lend, .self = mac};
}
