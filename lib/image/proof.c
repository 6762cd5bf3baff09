/*
 * image/proof.c - that an image is encrypted: by what can be read where it was put
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/proof.h"

#include "base/fail.h"
#include "base/relay.h"
#include "image/keys.h"

#include <string.h>

/* Where the image was put, and what opens it of what the client has. */
struct reading {
    const struct coco_transfer *t;
    struct coco_source source;
    struct coco_manifest manifest;
    struct coco_client_openers openers;
    struct coco_kek_source keks;
};

static void
reading_done(struct reading *reading)
{
    coco_manifest_done(&reading->manifest);
    coco_source_done(&reading->source);
}

/* The key that was made for a broker needs no broker to be asked for. */
static coco_status
get_made(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    const coco_image_client *client = *(const coco_image_client **)self;

    (void)ctx;
    for (size_t i = 0; i < client->n_kbs_recipients; i++)
        if (strcmp(client->kbs_recipients[i].uri, uri) == 0)
            return coco_secret_copy(client->kbs_recipients[i].key.data,
                                    client->kbs_recipients[i].key.len, ret, err);
    return coco_fail(err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
}

static coco_status
read_manifest(struct reading *reading, const struct coco_digest *digest, coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = COCO_MANIFEST_SIZE_MAX};
    _cleanup_buf_ struct coco_buf type = {.limit = 256};
    const struct coco_source *source = &reading->source;
    struct coco_digest found = {0};

    coco_status status = source->manifest(source->self, reading->t->ctx, digest, &body, &type, err);
    if (status == COCO_OK)
        status = coco_digest_of(digest->alg, body.data, body.len, &found, err);
    if (status == COCO_OK && !coco_digest_equal(&found, digest))
        status = coco_fail(err, COCO_ERR_VERIFY, "the manifest is another one");
    if (status == COCO_OK)
        status = coco_manifest_parse(body.data, body.len, coco_buf_text(&type),
                                     reading->t->opts.max_layers, &reading->manifest, err);
    return status;
}

/* ---- one layer ---- */

static coco_status
drop(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)data;
    (void)len;
    (void)err;
    return COCO_OK;
}

static coco_status
drop_end(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

/* The digest of what was read, and the cipher, each on a thread where that saves time. */
static coco_status
read_through(const struct reading *reading, const struct coco_descriptor *layer,
             const struct coco_sink *cipher, coco_error **err)
{
    _cleanup_(coco_relay_freep) struct coco_relay *relay = NULL;
    struct coco_sink sink = *cipher;
    coco_status status = COCO_OK;

    if (layer->size >= COCO_TRANSFER_THREADS_FROM) {
        status = coco_relay_new(COCO_TRANSFER_RING_SIZE, cipher, 1, &relay, err);
        if (status != COCO_OK)
            return status;
        sink = coco_relay_sink(relay);
    }
    return coco_source_blob(&reading->source, reading->t->ctx, layer, &sink, NULL, err);
}

/*
 * Decrypts all of it to nowhere: the MAC is looked at when it ends. With that the plaintext is what
 * was encrypted by this key, whose digest was taken then.
 */
static coco_status
decrypt(const struct reading *reading, const struct coco_descriptor *layer,
        const struct coco_layer_key *key, coco_error **err)
{
    static const struct coco_sink nowhere = {.write = drop, .end = drop_end};
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_layer_key undigested = *key;

    undigested.plain = (struct coco_digest){0};
    coco_status status = coco_layer_decrypt(&undigested, &nowhere, &cipher, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_layer_cipher_sink(cipher);
    return read_through(reading, layer, &sink, err);
}

static bool
same_key(const struct coco_layer_key *a, const struct coco_layer_key *b)
{
    return coco_secret_equal(&a->key, b->key.data, b->key.len)
           && CRYPTO_memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0
           && CRYPTO_memcmp(a->mac, b->mac, sizeof(a->mac)) == 0
           && coco_chunks_same(&a->chunks, &b->chunks);
}

/* What the client's keys find in the annotations. That none of them opens is no failure: whoever
 * encrypts for others has none of theirs. */
static coco_status
open_annotations(const struct reading *reading, const struct coco_descriptor *layer,
                 const struct coco_layer_key *want, coco_error **err)
{
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    coco_error *why = NULL;

    coco_status status = coco_annotations_open(layer->annotations, reading->openers.list,
                                               reading->openers.n, reading->t->ctx, &key, &why);
    if (status == COCO_OK)
        return same_key(&key, want)
                   ? COCO_OK
                   : coco_fail(err, COCO_ERR_VERIFY, "its recipients have another key");
    /* Of an error that there was no memory for it says that. */
    status = coco_error_status(why);
    if (status != COCO_ERR_VERIFY && status != COCO_ERR_NOTFOUND && status != COCO_ERR_NOTSUP) {
        coco_error_give(err, why);
        return status;
    }
    coco_error_free(why);
    return COCO_OK;
}

static coco_status
check_layer(const struct reading *reading, const struct coco_descriptor *layer,
            const struct coco_proof *proof, coco_error **err)
{
    if (!proof->encrypted)
        return COCO_OK;
    if (!coco_media_type_encrypted(layer->media_type))
        return coco_fail(err, COCO_ERR_VERIFY, "it is not encrypted");
    coco_status status = open_annotations(reading, layer, &proof->key, err);
    if (status == COCO_OK)
        status = decrypt(reading, layer, &proof->key, err);
    return status;
}

static coco_status
check_layers(const struct reading *reading, const struct coco_proof *proofs, size_t n,
             coco_error **err)
{
    if (reading->manifest.n_layers != n)
        return coco_fail(err, COCO_ERR_VERIFY, "it has %zu layers, not %zu",
                         reading->manifest.n_layers, n);
    for (size_t i = 0; i < n; i++) {
        coco_status status = check_layer(reading, &reading->manifest.layers[i], &proofs[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "layer %zu", i);
    }
    return COCO_OK;
}

/* Openers that cost no request: keys that the client has, and those that were made for brokers. */
static void
find_openers(struct reading *reading)
{
    struct coco_client_openers *openers = &reading->openers;
    const coco_image_client *client = reading->t->client;

    coco_client_own_openers(client, openers);
    reading->keks = (struct coco_kek_source){.get = get_made, .self = &openers->client};
    if (client->n_kbs_recipients > 0)
        openers->list[openers->n++] = coco_kek_opener(&reading->keks);
}

coco_status
coco_proof_check(const struct coco_transfer *t, const coco_image_ref *to,
                 const struct coco_digest *digest, const struct coco_proof *proofs, size_t n,
                 coco_error **err)
{
    _cleanup_(reading_done) struct reading reading = {.t = t};

    find_openers(&reading);
    coco_status status = coco_client_source(t->client, &t->opts, to, &reading.source, err);
    if (status == COCO_OK)
        status = read_manifest(&reading, digest, err);
    if (status == COCO_OK)
        status = check_layers(&reading, proofs, n, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "what was encrypted, read again");
}
