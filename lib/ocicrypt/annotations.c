/*
 * ocicrypt/annotations.c - from a layer's annotations to its key, and back
 *
 * Reading: pubopts (cipher, MAC) and, for each blob of each keys.* annotation,
 * unwrap -> private options (key, nonce, digest). Source of the formats:
 * containers/ocicrypt encryption.go and keywrap/, and the AnnotationPacket of
 * guest-components.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/annotations.h"

#include "base/base64.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/resource.h"
#include "crypto/aead.h"
#include "crypto/jwe.h"

#include <string.h>

#define ENC "org.opencontainers.image.enc."
#define PUBOPTS ENC "pubopts"
#define KEYS ENC "keys."
#define SCHEME_JWE "jwe"
#define SCHEME_COCO "provider.attestation-agent"
#define CIPHER "AES_256_CTR_HMAC_SHA256"
#define WRAP_TYPE "A256GCM"
#define PACKET_VERSION "0.1.0"
#define SUFFIX "+encrypted"

/* A blob holds 200 bytes of options, and a JWE of 16 recipients some 12 KiB of keys. */
#define BLOB_MAX ((size_t)64 << 10)
#define OPTIONS_MAX ((size_t)4 << 10)
/* Of one scheme */
#define BLOBS_MAX COCO_KEKS_MAX

#define JWE_ALGS (COCO_JWE_RSA_OAEP | COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW)

/* A search for the private options, blob by blob. */
struct search {
    const struct coco_openers *openers;
    coco_ctx *ctx;
    struct coco_secret options; /* found when data is not NULL */
    bool known;                 /* some way was of a kind we know */
    coco_error *why;            /* the first failure that tells more than "does not open" */
};

typedef coco_status blob_fn(void *user, const struct coco_buf *blob, coco_error **err);

static void
search_done(struct search *search)
{
    coco_secret_done(&search->options);
    coco_error_free(search->why);
}

bool
coco_media_type_encrypted(const char *media_type)
{
    size_t len = strlen(media_type);

    return len > strlen(SUFFIX) && strcmp(media_type + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Calls fn for each of the comma-separated base64 blobs. */
static coco_status
for_each_blob(const char *name, const char *value, blob_fn *fn, void *user, coco_error **err)
{
    for (size_t n = 0;; n++) {
        _cleanup_buf_ struct coco_buf blob = {.limit = BLOB_MAX};
        size_t len = strcspn(value, ",");

        if (n == BLOBS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "annotation %s has more than %d keys", name,
                             BLOBS_MAX);
        coco_status status = coco_base64_decode(COCO_BASE64, value, len, &blob, err);
        if (status == COCO_OK && blob.len == 0)
            status = coco_fail(err, COCO_ERR_PROTO, "empty key");
        if (status != COCO_OK)
            return coco_wrap(err, status, "annotation %s", name);
        status = fn(user, &blob, err);
        if (status != COCO_OK || value[len] == '\0')
            return status;
        value += len + 1;
    }
}

/* Decodes a member of exactly size bytes. */
static coco_status
get_bytes(const cJSON *object, const char *member, void *bytes, size_t size, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = OPTIONS_MAX};
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, member, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &buf, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "member '%s'", member);
    if (buf.len != size)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has %zu bytes, not %zu", member, buf.len,
                         size);
    memcpy(bytes, buf.data, size);
    return COCO_OK;
}

/* T17: cipher and MAC are all that is taken from the public options. */
static coco_status
read_public_options(const cJSON *annotations, uint8_t mac[COCO_LAYER_MAC_SIZE], coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = OPTIONS_MAX};
    _cleanup_json_ cJSON *options = NULL;
    const char *value = NULL;
    const char *cipher = NULL;

    coco_status status = coco_json_get_string(annotations, PUBOPTS, &value, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, value, strlen(value), &text, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&text), text.len, &options, err);
    if (status == COCO_OK)
        status = coco_json_get_string(options, "cipher", &cipher, err);
    if (status == COCO_OK && strcmp(cipher, CIPHER) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "layer cipher is not " CIPHER);
    if (status == COCO_OK)
        status = get_bytes(options, "hmac", mac, COCO_LAYER_MAC_SIZE, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "public options of the layer");
    return COCO_OK;
}

static coco_status
read_private_options(const struct coco_secret *text, struct coco_layer_key *key, coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    const cJSON *cipher_options = NULL;
    const char *digest = NULL;

    coco_status status = coco_json_parse_object((const char *)text->data, text->len, &options, err);
    if (status == COCO_OK)
        status = coco_secret_alloc(COCO_LAYER_KEY_SIZE, &key->key, err);
    if (status == COCO_OK)
        status = get_bytes(options, "symkey", key->key.data, key->key.len, err);
    if (status == COCO_OK)
        status = coco_json_get_object(options, "cipheroptions", &cipher_options, err);
    if (status == COCO_OK)
        status = get_bytes(cipher_options, "nonce", key->nonce, sizeof(key->nonce), err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(options, "digest", &digest, err);
    if (status == COCO_OK && digest && digest[0] != '\0')
        status = coco_digest_parse(digest, &key->plain, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "private options of the layer");
    return COCO_OK;
}

/*
 * A way that failed is no reason to give up, unless memory or patience ended.
 * What failed for another reason than a key that does not fit is worth telling.
 */
static coco_status
note_failure(struct search *search, coco_status status, coco_error *why, coco_error **err)
{
    if (status == COCO_ERR_NOMEM || status == COCO_ERR_CANCELED) {
        coco_error_give(err, why);
        return status;
    }
    if (status != COCO_ERR_VERIFY && !search->why)
        search->why = why;
    else
        coco_error_free(why);
    return COCO_OK;
}

static coco_status
try_jwe(void *user, const struct coco_buf *blob, coco_error **err)
{
    struct search *search = user;

    for (size_t i = 0; i < search->openers->n_keys && !search->options.data; i++) {
        coco_error *why = NULL;

        coco_status status = coco_jwe_decrypt(blob->data, blob->len, search->openers->keys[i],
                                              JWE_ALGS, &search->options, &why);
        if (status != COCO_OK)
            status = note_failure(search, status, why, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

/* The annotation packet of CoCo, version 1 or 2. */
struct packet {
    struct coco_resource_path kid;
    uint8_t iv[COCO_AEAD_IV_SIZE];
    struct coco_buf wrapped; /* ciphertext || tag */
};

static void
packet_done(struct packet *packet)
{
    coco_buf_done(&packet->wrapped);
}

/* kid is strictly kbs://[host]/repository/type/tag; who answers is not the packet's choice (T20).
 */
static coco_status
read_kid(const cJSON *json, struct coco_resource_path *ret, coco_error **err)
{
    const char *kid = NULL;
    coco_error *why = NULL;

    coco_status status = coco_json_get_string(json, "kid", &kid, err);
    if (status != COCO_OK)
        return status;
    status = coco_resource_uri_parse(kid, ret, &why);
    if (status != COCO_OK)
        status = coco_fail(err, status == COCO_ERR_NOMEM ? status : COCO_ERR_PROTO, "kid: %s",
                           coco_error_message(why));
    coco_error_free(why);
    return status;
}

/* Members that version 1 does not have; their defaults make one of it. */
static coco_status
check_version(const cJSON *json, coco_error **err)
{
    const char *version = NULL;
    const char *provider = NULL;

    coco_status status = coco_json_get_string_opt(json, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "provider", &provider, err);
    if (status != COCO_OK)
        return status;
    if (version && strcmp(version, PACKET_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "version is not " PACKET_VERSION);
    if (provider && strcmp(provider, "kbs") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "provider is not kbs");
    return COCO_OK;
}

static coco_status
read_packet(const struct coco_buf *blob, struct packet *packet, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *wrap_type = NULL;
    const char *wrapped = NULL;

    packet->wrapped.limit = BLOB_MAX;
    coco_status status = coco_json_parse_object(coco_buf_text(blob), blob->len, &json, err);
    if (status == COCO_OK)
        status = check_version(json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "wrap_type", &wrap_type, err);
    /* A256CTR has no tag: whoever relabels a packet would be believed (T20). */
    if (status == COCO_OK && strcmp(wrap_type, WRAP_TYPE) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "wrap_type is not " WRAP_TYPE);
    if (status == COCO_OK)
        status = read_kid(json, &packet->kid, err);
    if (status == COCO_OK)
        status = get_bytes(json, "iv", packet->iv, sizeof(packet->iv), err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "wrapped_data", &wrapped, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, wrapped, strlen(wrapped), &packet->wrapped, err);
    if (status == COCO_OK && packet->wrapped.len < COCO_AEAD_TAG_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "wrapped_data is too short");
    if (status != COCO_OK)
        return coco_wrap(err, status, "key provider packet");
    return COCO_OK;
}

static coco_status
open_packet(const struct search *search, const struct coco_buf *blob, struct coco_secret *ret,
            coco_error **err)
{
    _cleanup_(packet_done) struct packet packet = {0};
    _cleanup_buf_ struct coco_buf uri = {.limit = sizeof(packet.kid.text) + sizeof("kbs:///")};
    _cleanup_secret_ struct coco_secret kek = {0};
    const struct coco_kek_source *source = search->openers->kek;

    coco_status status = read_packet(blob, &packet, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&uri, err, "kbs:///%s", packet.kid.text);
    if (status == COCO_OK)
        status = source->get(source->self, search->ctx, coco_buf_text(&uri), &kek, err);
    if (status != COCO_OK)
        return status;

    /* T21: any resource can be named; what is no key is not used, and not described. */
    size_t len = packet.wrapped.len - COCO_AEAD_TAG_SIZE;
    if (kek.len != COCO_AEAD_KEY_SIZE)
        return coco_fail(err, COCO_ERR_VERIFY, "resource is no key-encryption key");
    return coco_aead_open(kek.data, packet.iv, NULL, packet.wrapped.data, len,
                          packet.wrapped.data + len, ret, err);
}

static coco_status
try_packet(void *user, const struct coco_buf *blob, coco_error **err)
{
    struct search *search = user;
    coco_error *why = NULL;

    if (search->options.data || !search->openers->kek)
        return COCO_OK;
    coco_status status = open_packet(search, blob, &search->options, &why);
    return status == COCO_OK ? COCO_OK : note_failure(search, status, why, err);
}

/* Tries all blobs of one scheme, if the layer has it. */
static coco_status
try_scheme(struct search *search, const cJSON *annotations, const char *name, blob_fn *fn,
           coco_error **err)
{
    const char *value = NULL;

    coco_status status = coco_json_get_string_opt(annotations, name, &value, err);
    if (status != COCO_OK || !value || search->options.data)
        return status;
    search->known = true;
    return for_each_blob(name, value, fn, search, err);
}

static coco_status
not_found(struct search *search, coco_error **err)
{
    if (!search->known)
        return coco_fail(err, COCO_ERR_NOTSUP, "layer has no key in a form known here");
    if (search->openers->n_keys == 0 && !search->openers->kek)
        return coco_fail(err, COCO_ERR_NOTFOUND, "layer is encrypted, and no key was given");
    if (!search->why)
        return coco_fail(err, COCO_ERR_VERIFY, "no key at hand opens the layer");
    coco_status status = coco_error_status(search->why);
    if (err)
        *err = coco_steal(&search->why);
    return status;
}

coco_status
coco_annotations_open(const cJSON *annotations, const struct coco_openers *openers, coco_ctx *ctx,
                      struct coco_layer_key *ret, coco_error **err)
{
    _cleanup_(search_done) struct search search = {.openers = openers, .ctx = ctx};
    _cleanup_layer_key_ struct coco_layer_key key = {0};

    coco_status status = read_public_options(annotations, key.mac, err);
    /* Keys at hand first: they cost no request. */
    if (status == COCO_OK)
        status = try_scheme(&search, annotations, KEYS SCHEME_JWE, try_jwe, err);
    if (status == COCO_OK)
        status = try_scheme(&search, annotations, KEYS SCHEME_COCO, try_packet, err);
    if (status == COCO_OK && !search.options.data)
        status = not_found(&search, err);
    if (status == COCO_OK)
        status = read_private_options(&search.options, &key, err);
    if (status != COCO_OK)
        return status;
    *ret = key;
    key.key = (struct coco_secret){0};
    return COCO_OK;
}

/* Adds a base64 annotation, or appends to it behind a comma. */
static coco_status
append_blob(struct coco_buf *value, const void *blob, size_t len, coco_error **err)
{
    coco_status status = value->len > 0 ? coco_buf_append(value, ",", 1, err) : COCO_OK;

    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, blob, len, value, err);
    return status;
}

static coco_status
add_public_options(cJSON *annotations, const struct coco_layer_key *key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = OPTIONS_MAX};
    _cleanup_json_ cJSON *options = NULL;
    cJSON *none = NULL;

    coco_status status = coco_json_new_object(&options, err);
    if (status == COCO_OK)
        status = coco_json_add_string(options, "cipher", CIPHER, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(options, "hmac", key->mac, sizeof(key->mac), err);
    if (status == COCO_OK)
        status = coco_json_add_object(options, "cipheroptions", &none, err);
    if (status == COCO_OK)
        status = coco_json_write(options, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(annotations, PUBOPTS, text.data, text.len, err);
    return status;
}

static coco_status
write_private_options(const struct coco_layer_key *key, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *options = NULL;
    char digest[COCO_DIGEST_TEXT_SIZE] = "";
    cJSON *cipher_options = NULL;

    if (key->plain.alg)
        coco_digest_format(&key->plain, digest);
    coco_status status = coco_json_new_object(&options, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(options, "symkey", key->key.data, key->key.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(options, "digest", digest, err);
    if (status == COCO_OK)
        status = coco_json_add_object(options, "cipheroptions", &cipher_options, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(cipher_options, "nonce", key->nonce, sizeof(key->nonce), err);
    if (status == COCO_OK)
        status = coco_json_write(options, COCO_JSON_COMPACT, text, err);
    return status;
}

/*
 * What ocicrypt chooses for a key. Its kin in Rust, which guests have, knows nothing else
 * for RSA (guest-protocols 5.3).
 */
static coco_status
choose_alg(const EVP_PKEY *key, enum coco_jwe_alg *ret, coco_error **err)
{
    coco_status status = coco_jwe_alg_for(key, ret, err);

    if (status == COCO_OK && *ret == COCO_JWE_RSA_OAEP_256)
        *ret = COCO_JWE_RSA_OAEP;
    return status;
}

/* One JWE for all keys, as ocicrypt does it. */
static coco_status
add_jwe(cJSON *annotations, const struct coco_recipients *to, const struct coco_buf *options,
        coco_error **err)
{
    struct coco_jwe_recipient recipients[COCO_JWE_RECIPIENTS_MAX];
    _cleanup_buf_ struct coco_buf jwe = {.limit = BLOB_MAX};
    coco_status status = COCO_OK;

    if (to->n_keys == 0)
        return COCO_OK;
    if (to->n_keys > COCO_JWE_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d keys to encrypt to",
                         COCO_JWE_RECIPIENTS_MAX);
    for (size_t i = 0; i < to->n_keys && status == COCO_OK; i++) {
        recipients[i].key = to->keys[i];
        status = choose_alg(to->keys[i], &recipients[i].alg, err);
    }
    if (status == COCO_OK)
        status = coco_jwe_encrypt(recipients, to->n_keys, options->data, options->len, &jwe, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(annotations, KEYS SCHEME_JWE, jwe.data, jwe.len, err);
    return status;
}

/* Version 1, which every released guest reads; members as upstream's coco_keyprovider has them. */
static coco_status
write_packet(const struct coco_kek *kek, const struct coco_buf *options, struct coco_buf *text,
             coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = OPTIONS_MAX + COCO_AEAD_TAG_SIZE};
    _cleanup_json_ cJSON *packet = NULL;
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t tag[COCO_AEAD_TAG_SIZE];

    coco_status status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_aead_seal(kek->key->data, iv, NULL, options->data, options->len, &wrapped,
                                tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&wrapped, tag, sizeof(tag), err);
    if (status == COCO_OK)
        status = coco_json_new_object(&packet, err);
    if (status == COCO_OK)
        status = coco_json_add_string(packet, "kid", kek->uri, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(packet, "wrapped_data", wrapped.data, wrapped.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(packet, "iv", iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_json_add_string(packet, "wrap_type", WRAP_TYPE, err);
    if (status == COCO_OK)
        status = coco_json_write(packet, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
add_packets(cJSON *annotations, const struct coco_recipients *to, const struct coco_buf *options,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf value = {.limit = BLOB_MAX};

    if (to->n_keks == 0)
        return COCO_OK;
    if (to->n_keks > BLOBS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d keys in a KBS to encrypt to",
                         BLOBS_MAX);
    for (size_t i = 0; i < to->n_keks; i++) {
        _cleanup_buf_ struct coco_buf packet = {.limit = BLOB_MAX};
        struct coco_resource_path kid;

        if (to->keks[i].key->len != COCO_AEAD_KEY_SIZE)
            return coco_fail(err, COCO_ERR_INVALID, "key-encryption key has %zu bytes, not %d",
                             to->keks[i].key->len, COCO_AEAD_KEY_SIZE);
        coco_status status = coco_resource_uri_parse(to->keks[i].uri, &kid, err);
        if (status == COCO_OK)
            status = write_packet(&to->keks[i], options, &packet, err);
        if (status == COCO_OK)
            status = append_blob(&value, packet.data, packet.len, err);
        if (status != COCO_OK)
            return status;
    }
    return coco_json_add_string(annotations, KEYS SCHEME_COCO, coco_buf_text(&value), err);
}

coco_status
coco_annotations_add(cJSON *annotations, const struct coco_layer_key *key,
                     const struct coco_recipients *recipients, coco_error **err)
{
    static const char *const ours[] = {KEYS SCHEME_JWE, KEYS SCHEME_COCO, PUBOPTS};
    _cleanup_buf_ struct coco_buf options = {.limit = OPTIONS_MAX};
    const cJSON *item = NULL;

    if (recipients->n_keys == 0 && recipients->n_keks == 0)
        return coco_fail(err, COCO_ERR_INVALID, "nobody to encrypt to");
    cJSON_ArrayForEach(item, annotations) {
        if (strncmp(item->string, ENC, strlen(ENC)) == 0)
            return coco_fail(err, COCO_ERR_INVALID, "layer is encrypted already");
    }
    coco_status status = write_private_options(key, &options, err);
    if (status == COCO_OK)
        status = add_jwe(annotations, recipients, &options, err);
    if (status == COCO_OK)
        status = add_packets(annotations, recipients, &options, err);
    if (status == COCO_OK)
        status = add_public_options(annotations, key, err);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]) && status != COCO_OK; i++)
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(annotations, ours[i]));
    return status;
}

/* What coco_annotations_list() adds to, and for which scheme. */
struct listing {
    cJSON *array;
    const char *scheme;
};

static coco_status
list_blob(void *user, const struct coco_buf *blob, coco_error **err)
{
    const struct listing *listing = user;
    _cleanup_json_ cJSON *packet = NULL;
    const char *kid = NULL;
    cJSON *object = NULL;

    coco_status status = coco_json_add_object(listing->array, NULL, &object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "scheme", listing->scheme, err);
    if (status != COCO_OK || strcmp(listing->scheme, SCHEME_COCO) != 0)
        return status;
    status = coco_json_parse_object(coco_buf_text(blob), blob->len, &packet, err);
    if (status == COCO_OK)
        status = coco_json_get_string(packet, "kid", &kid, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key provider packet");
    return coco_json_add_string(object, "kid", kid, err);
}

coco_status
coco_annotations_list(const cJSON *annotations, cJSON *array, coco_error **err)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, annotations) {
        if (strncmp(item->string, KEYS, strlen(KEYS)) != 0)
            continue;
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "annotation %s is no string", item->string);
        struct listing listing = {array, item->string + strlen(KEYS)};
        coco_status status =
            for_each_blob(item->string, item->valuestring, list_blob, &listing, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}
