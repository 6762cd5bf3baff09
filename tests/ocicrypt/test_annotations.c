/*
 * tests/ocicrypt/test_annotations.c - lib/ocicrypt/annotations.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/annotations.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "ocicrypt/cms_keys.h"
#include "ocicrypt/jwe_keys.h"
#include "ocicrypt/packet.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/layout.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define ENC "org.opencontainers.image.enc."
#define PUBOPTS ENC "pubopts"
#define JWE ENC "keys.jwe"
#define CHUNKS ENC "libcoco.chunks"
#define TAG "qKjS0LajtSCr5GLwrnJsgg=="
#define PROVIDER ENC "keys.provider.attestation-agent"
#define URI "kbs:///default/test-key/1"

/* Hard-coded in upstream's coco_keyprovider for its samples. */
#define SAMPLE_KEK "d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea"

/* A KBS with one key. */
struct kbs {
    struct coco_secret kek;
    coco_status status; /* what it answers with */
    char asked[64];     /* the last URI */
    unsigned requests;
};

static coco_status
kbs_get(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    struct kbs *kbs = self;

    (void)ctx;
    kbs->requests++;
    (void)snprintf(kbs->asked, sizeof(kbs->asked), "%s", uri);
    if (kbs->status != COCO_OK)
        return coco_fail(err, kbs->status, "the KBS says no");
    return coco_secret_copy(kbs->kek.data, kbs->kek.len, ret, err);
}

static void
kbs_init(struct kbs *kbs)
{
    coco_error *err = NULL;

    *kbs = (struct kbs){0};
    assert_ok(coco_secret_alloc(COCO_LAYER_KEY_SIZE, &kbs->kek, &err), err);
    assert_true(coco_unhex(SAMPLE_KEK, strlen(SAMPLE_KEK), kbs->kek.data, kbs->kek.len));
}

static cJSON *
json_of(const char *text)
{
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, strlen(text), &json, &err), err);
    return json;
}

static EVP_PKEY *
new_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

static EVP_PKEY *
recorded_key(const char *name)
{
    size_t len = 0;
    char *data = read_fixture(name, &len);
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_parse_private(data, len, &key, &err), err);
    free(data);
    return key;
}

/* Decrypts a blob and says whether that gave a layer with the digest that the key states. */
static coco_status
decrypt_blob(const struct coco_layer_key *key, const void *data, size_t len, struct coco_buf *plain,
             coco_error **err)
{
    _cleanup_(coco_layer_cipher_freep) struct coco_layer_cipher *cipher = NULL;
    struct coco_sink next = coco_sink_to_buf(plain);

    coco_status status = coco_layer_decrypt(key, &next, &cipher, err);
    if (status != COCO_OK)
        return status;
    struct coco_sink sink = coco_layer_cipher_sink(cipher);
    status = coco_sink_write(&sink, data, len, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    return status;
}

static void
encrypt_blob(struct coco_layer_key *key, const void *data, size_t len, struct coco_buf *encrypted)
{
    struct coco_layer_cipher *cipher = NULL;
    struct coco_sink next = coco_sink_to_buf(encrypted);
    coco_error *err = NULL;

    assert_ok(coco_layer_encrypt(key, &next, &cipher, &err), err);
    struct coco_sink sink = coco_layer_cipher_sink(cipher);
    assert_ok(coco_sink_write(&sink, data, len, &err), err);
    assert_ok(coco_sink_end(&sink, &err), err);
    coco_layer_cipher_free(cipher);
}

/* Who can open a layer in these tests. */
struct openers {
    EVP_PKEY *const *keys;
    size_t n_keys;
    const struct coco_kek_source *kek;
};

static coco_status
open_with(const cJSON *annotations, const struct openers *openers, struct coco_layer_key *ret,
          coco_error **err)
{
    const struct coco_jwe_keys jwe = {openers->keys, openers->n_keys};
    struct coco_wrapper list[2];
    size_t n = 0;

    if (openers->n_keys > 0)
        list[n++] = coco_jwe_wrapper(&jwe);
    if (openers->kek)
        list[n++] = coco_kek_opener(openers->kek);
    return coco_annotations_open(annotations, list, n, NULL, ret, err);
}

/* Whom a layer is encrypted to. */
struct recipients {
    EVP_PKEY *const *keys;
    size_t n_keys;
    const struct coco_kek *keks;
    size_t n_keks;
};

static coco_status
add_for(cJSON *annotations, const struct coco_layer_key *key, const struct recipients *to,
        coco_error **err)
{
    const struct coco_jwe_keys jwe = {to->keys, to->n_keys};
    struct coco_wrapper list[1 + COCO_BLOBS_MAX + 1];
    size_t n = 0;

    if (to->n_keys > 0)
        list[n++] = coco_jwe_wrapper(&jwe);
    for (size_t i = 0; i < to->n_keks; i++)
        list[n++] = coco_kek_recipient(&to->keks[i]);
    return coco_annotations_add(annotations, key, list, n, NULL, err);
}

/* Annotations of a layer for which the key is known; other tests open or spoil them. */
static cJSON *
annotations_for(const struct coco_layer_key *key, EVP_PKEY *const *keys, size_t n_keys,
                const struct coco_kek *keks, size_t n_keks)
{
    const struct recipients to = {keys, n_keys, keks, n_keks};
    cJSON *annotations = json_of("{\"org.acme.kept\":\"x\"}");
    coco_error *err = NULL;

    assert_ok(add_for(annotations, key, &to, &err), err);
    return annotations;
}

static struct coco_layer_key
some_key(void)
{
    struct coco_layer_key key = {0};
    coco_error *err = NULL;

    assert_ok(coco_layer_key_generate(&key, &err), err);
    memset(key.mac, 'm', sizeof(key.mac));
    assert_ok(coco_digest_of(COCO_SHA256, "x", 1, &key.plain, &err), err);
    return key;
}

static void
assert_same_key(const struct coco_layer_key *a, const struct coco_layer_key *b)
{
    assert_true(coco_secret_equal(&a->key, b->key.data, b->key.len));
    assert_memory_equal(a->nonce, b->nonce, sizeof(a->nonce));
    assert_memory_equal(a->mac, b->mac, sizeof(a->mac));
    assert_true(coco_digest_equal(&a->plain, &b->plain));
}

static void
open_reads_layers_that_go_encrypted(void **state)
{
    static const struct {
        const char *layer, *key; /* key NULL: the KBS */
    } cases[] = {
        {"jwe-ec", "ocicrypt/keys/private_key_ec.der"},
        {"jwe-multi", "ocicrypt/keys/private_key.pem"},
        {"jwe-multi", "ocicrypt/keys/private_key_ec.der"},
        {"jwe-multi", "ocicrypt/keys/RSA_private.jwk"},
        {"provider-sample", NULL},
        {"provider-and-jwe", NULL},
        {"provider-and-jwe", "ocicrypt/keys/private_key8.pem"},
    };
    coco_error *err = NULL;
    size_t want_len = 0;
    char *want = read_fixture("ocicrypt/generated/layer.tar.gz", &want_len);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kbs kbs;
        const struct coco_kek_source source = {kbs_get, &kbs};
        EVP_PKEY *key = cases[i].key ? recorded_key(cases[i].key) : NULL;
        const struct openers openers = {&key, key ? 1 : 0, key ? NULL : &source};
        struct coco_layer_key layer_key = {0};
        struct coco_buf plain = {.limit = 1 << 16};
        const cJSON *annotations = NULL;
        char name[128];
        size_t len = 0;

        kbs_init(&kbs);
        (void)snprintf(name, sizeof(name), "ocicrypt/generated/%s.descriptor.json", cases[i].layer);
        char *text = read_fixture(name, &len);
        cJSON *descriptor = json_of(text);
        free(text);
        assert_ok(coco_json_get_object(descriptor, "annotations", &annotations, &err), err);
        assert_ok(open_with(annotations, &openers, &layer_key, &err), err);

        (void)snprintf(name, sizeof(name), "ocicrypt/generated/%s.enc", cases[i].layer);
        text = read_fixture(name, &len);
        assert_ok(decrypt_blob(&layer_key, text, len, &plain, &err), err);
        assert_int_equal(plain.len, want_len);
        assert_memory_equal(plain.data, want, want_len);
        if (!key)
            assert_string_equal(kbs.asked, URI);
        free(text);
        coco_json_free(descriptor);
        coco_buf_done(&plain);
        coco_layer_key_done(&layer_key);
        coco_secret_done(&kbs.kek);
        EVP_PKEY_free(key);
    }
    free(want);
}

static void
what_is_added_opens_for_each_recipient_and_nobody_else(void **state)
{
    EVP_PKEY *keys[] = {new_key(COCO_KEY_RSA), new_key(COCO_KEY_P256), new_key(COCO_KEY_P521)};
    EVP_PKEY *stranger = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    for (size_t n = 0; n <= 3; n++) {
        struct coco_layer_key key = some_key();
        cJSON *annotations = annotations_for(&key, keys, n, &kek, n == 1 ? 0 : 1);

        for (size_t i = 0; i <= n; i++) {
            EVP_PKEY *opener = i < n ? keys[i] : stranger;
            const struct openers openers = {&opener, 1, NULL};
            struct coco_layer_key back = {0};

            if (i < n) {
                assert_ok(open_with(annotations, &openers, &back, &err), err);
                assert_same_key(&key, &back);
            } else {
                assert_fails(open_with(annotations, &openers, &back, &err), err, COCO_ERR_VERIFY,
                             "no key at hand opens the layer");
                assert_null(back.key.data);
            }
            coco_layer_key_done(&back);
        }
        if (n != 1) {
            /* The stranger's key is tried first; then the KBS is asked. */
            const struct openers openers = {&stranger, 1, &source};
            struct coco_layer_key back = {0};

            assert_ok(open_with(annotations, &openers, &back, &err), err);
            assert_same_key(&key, &back);
            coco_layer_key_done(&back);
        }
        coco_json_free(annotations);
        coco_layer_key_done(&key);
    }
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
    EVP_PKEY_free(stranger);
    coco_secret_done(&kbs.kek);
}

/* The annotation's value, decoded. */
static void
decode_annotation(const cJSON *annotations, const char *name, struct coco_buf *buf)
{
    const char *value = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_get_string(annotations, name, &value, &err), err);
    assert_ok(coco_base64_decode(COCO_BASE64, value, strlen(value), buf, &err), err);
}

static void
annotations_have_the_form_of_upstream(void **state)
{
    struct coco_layer_key key = some_key();
    struct coco_buf text = {.limit = 1 << 16};
    struct kbs kbs;
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    cJSON *annotations = annotations_for(&key, NULL, 0, &kek, 1);

    decode_annotation(annotations, PUBOPTS, &text);
    assert_string_equal(coco_buf_text(&text),
                        "{\"cipher\":\"AES_256_CTR_HMAC_SHA256\","
                        "\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=\","
                        "\"cipheroptions\":{}}");
    coco_buf_reset(&text);
    decode_annotation(annotations, PROVIDER, &text);
    assert_memory_equal(text.data, "{\"kid\":\"" URI "\",\"wrapped_data\":\"",
                        strlen("{\"kid\":\"" URI "\",\"wrapped_data\":\""));
    assert_contains(coco_buf_text(&text), "\",\"wrap_type\":\"A256GCM\"}");
    assert_null(cJSON_GetObjectItemCaseSensitive(annotations, JWE));
    assert_non_null(cJSON_GetObjectItemCaseSensitive(annotations, "org.acme.kept"));
    assert_null(err);
    coco_json_free(annotations);
    coco_buf_done(&text);
    coco_layer_key_done(&key);
    coco_secret_done(&kbs.kek);
}

static void
add_refuses_what_nobody_could_open(void **state)
{
    EVP_PKEY *signer = new_key(COCO_KEY_ED25519);
    EVP_PKEY *good_key = new_key(COCO_KEY_P256);
    struct coco_layer_key key = some_key();
    struct coco_secret key16 = {0};
    struct kbs kbs;
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    assert_ok(coco_secret_alloc(16, &key16, &err), err);
    const struct coco_kek good = {URI, &kbs.kek};
    const struct coco_kek short_kek = {URI, &key16};
    struct coco_kek many[17];
    const struct coco_kek bad_uri = {"kbs:///a/b", &kbs.kek};
    for (size_t i = 0; i < 17; i++)
        many[i] = good;
    const struct {
        struct recipients to;
        const char *annotations, *why;
        coco_status status;
    } cases[] = {
        {{NULL, 0, NULL, 0}, "{}", "nobody to encrypt to", COCO_ERR_INVALID},
        {{NULL, 0, &short_kek, 1}, "{}", "has 16 bytes", COCO_ERR_INVALID},
        {{NULL, 0, &bad_uri, 1}, "{}", "a/b", COCO_ERR_INVALID},
        {{&good_key, 1, &bad_uri, 1}, "{}", "a/b", COCO_ERR_INVALID},
        {{NULL, 0, many, 17}, "{}", "more than 16", COCO_ERR_LIMIT},
        {{&signer, 17, NULL, 0}, "{}", "more than 16", COCO_ERR_INVALID},
        {{&signer, 1, NULL, 0}, "{}", "only sign", COCO_ERR_NOTSUP},
        {{NULL, 0, &good, 1}, "{\"" PUBOPTS "\":\"\"}", "encrypted already", COCO_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *annotations = json_of(cases[i].annotations);

        assert_fails(add_for(annotations, &key, &cases[i].to, &err), err, cases[i].status,
                     cases[i].why);
        assert_null(cJSON_GetObjectItemCaseSensitive(annotations, JWE));
        assert_null(cJSON_GetObjectItemCaseSensitive(annotations, PROVIDER));
        coco_json_free(annotations);
    }
    coco_secret_done(&key16);
    coco_secret_done(&kbs.kek);
    coco_layer_key_done(&key);
    EVP_PKEY_free(good_key);
    EVP_PKEY_free(signer);
}

/* Sets an annotation to the base64 of text. */
static void
set_annotation(cJSON *annotations, const char *name, const char *text)
{
    coco_error *err = NULL;

    cJSON_DeleteItemFromObjectCaseSensitive(annotations, name);
    assert_ok(coco_json_add_base64(annotations, name, text, strlen(text), &err), err);
}

static void
assert_open_fails(const cJSON *annotations, const struct openers *openers, size_t i,
                  coco_status want)
{
    struct coco_layer_key back = {0};
    coco_error *err = NULL;

    coco_status status = open_with(annotations, openers, &back, &err);
    if (status != want)
        fail_msg("case %zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
    assert_int_equal(coco_error_status(err), want);
    coco_error_free(err);
    assert_null(back.key.data);
}

#define HMAC "\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=\""
#define CIPHER "\"cipher\":\"AES_256_CTR_HMAC_SHA256\""

static void
open_refuses_hostile_public_options(void **state)
{
    static const struct {
        const char *options;
        coco_status status;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"{}", COCO_ERR_PROTO},
        {"{" CIPHER "}", COCO_ERR_PROTO},
        {"{" HMAC "}", COCO_ERR_PROTO},
        {"{" CIPHER "," HMAC "," HMAC "}", COCO_ERR_PROTO},
        {"{\"cipher\":\"AEAD_AES_256_GCM\"," HMAC "}", COCO_ERR_NOTSUP},
        {"{\"cipher\":\"\"," HMAC "}", COCO_ERR_NOTSUP},
        {"{\"cipher\":null," HMAC "}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"\"}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"bW1t\"}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1t\"}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0\"}", COCO_ERR_PROTO},
        {"{" CIPHER ",\"hmac\":\"bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1=\"}", COCO_ERR_PROTO},
    };
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    const struct openers openers = {&opener, 1, NULL};
    struct coco_layer_key key = some_key();
    cJSON *annotations = annotations_for(&key, &opener, 1, NULL, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_annotation(annotations, PUBOPTS, cases[i].options);
        assert_open_fails(annotations, &openers, i, cases[i].status);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(annotations, PUBOPTS);
    assert_open_fails(annotations, &openers, 100, COCO_ERR_PROTO);
    coco_json_free(annotations);
    coco_layer_key_done(&key);
    EVP_PKEY_free(opener);
}

/* The list goes with the key, and is removed with the rest. */
static void
a_list_of_chunks_comes_and_goes_with_the_layer(void **state)
{
    static const struct {
        const char *list;
        coco_status status;
    } hostile[] = {
        {"", COCO_ERR_NOTSUP},
        {"HMAC-SHA256:131072:" TAG, COCO_ERR_NOTSUP},
        {"AES-256-GMAC:1:" TAG, COCO_ERR_PROTO},
        {"AES-256-GMAC:131072:", COCO_ERR_PROTO},
    };
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *opener = new_key(COCO_KEY_P256);
    const struct openers openers = {&opener, 1, NULL};
    _cleanup_layer_key_ struct coco_layer_key key = some_key();
    _cleanup_layer_key_ struct coco_layer_key back = {0};
    struct coco_chunks chunks = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_chunks_read("AES-256-GMAC:131072:" TAG, &key.chunks, &err), err);
    _cleanup_json_ cJSON *annotations = annotations_for(&key, &opener, 1, NULL, 0);
    assert_ok(open_with(annotations, &openers, &back, &err), err);
    assert_true(coco_chunks_same(&key.chunks, &back.chunks));
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(annotations, CHUNKS);
        assert_ok(coco_json_add_string(annotations, CHUNKS, hostile[i].list, &err), err);
        assert_open_fails(annotations, &openers, i, hostile[i].status);
    }
    coco_annotations_strip(annotations);
    assert_ok(coco_annotations_chunks(annotations, &chunks, &err), err);
    assert_int_equal(chunks.size, 0);
}

/* T17: upstream would use this nonce, and decrypt to something of the attacker's choice. */
static void
a_public_nonce_is_not_looked_at(void **state)
{
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    const struct openers openers = {&opener, 1, NULL};
    struct coco_layer_key key = some_key();
    struct coco_layer_key back = {0};
    cJSON *annotations = annotations_for(&key, &opener, 1, NULL, 0);
    coco_error *err = NULL;

    (void)state;
    set_annotation(annotations, PUBOPTS,
                   "{" CIPHER "," HMAC
                   ",\"cipheroptions\":{\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}");
    assert_ok(open_with(annotations, &openers, &back, &err), err);
    assert_same_key(&key, &back);
    coco_layer_key_done(&back);
    /* What Go writes for a nil map. */
    set_annotation(annotations, PUBOPTS, "{" CIPHER "," HMAC ",\"cipheroptions\":null}");
    assert_ok(open_with(annotations, &openers, &back, &err), err);
    assert_same_key(&key, &back);
    coco_layer_key_done(&back);
    coco_json_free(annotations);
    coco_layer_key_done(&key);
    EVP_PKEY_free(opener);
}

#define KID "\"kid\":\"" URI "\""

static void
open_tries_every_way_and_says_when_it_knows_none(void **state)
{
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct openers both = {&opener, 1, &source};
    const struct openers nobody = {NULL, 0, NULL};
    struct coco_layer_key key = some_key();
    struct coco_layer_key back = {0};
    struct coco_buf value = {.limit = 1 << 16};
    const char *good = NULL;
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    cJSON *annotations = annotations_for(&key, &opener, 1, NULL, 0);
    assert_open_fails(annotations, &nobody, 1, COCO_ERR_NOTFOUND);

    /* Blobs that are nothing, then one that opens. */
    assert_ok(coco_json_get_string(annotations, JWE, &good, &err), err);
    assert_ok(coco_buf_printf(&value, &err, "e30=,bm90aGluZw==,%s", good), err);
    cJSON_DeleteItemFromObjectCaseSensitive(annotations, JWE);
    assert_ok(coco_json_add_string(annotations, JWE, coco_buf_text(&value), &err), err);
    assert_ok(open_with(annotations, &both, &back, &err), err);
    assert_same_key(&key, &back);
    coco_layer_key_done(&back);
    assert_int_equal(kbs.requests, 0);

    /* Other schemes do not disturb, but do not help. */
    assert_ok(coco_json_add_string(annotations, ENC "keys.pgp", "AAAA", &err), err);
    assert_ok(open_with(annotations, &both, &back, &err), err);
    coco_layer_key_done(&back);
    cJSON_DeleteItemFromObjectCaseSensitive(annotations, JWE);
    assert_open_fails(annotations, &both, 2, COCO_ERR_NOTSUP);
    cJSON_DeleteItemFromObjectCaseSensitive(annotations, ENC "keys.pgp");
    assert_open_fails(annotations, &both, 3, COCO_ERR_NOTSUP);
    coco_json_free(annotations);
    coco_buf_done(&value);
    coco_layer_key_done(&key);
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

/* As ocicrypt goes on to the next scheme. */
static void
what_is_wrong_with_one_way_hides_no_other(void **state)
{
    static const char *const wrong[] = {
        "",
        "%%%",
        "e30=,",
        "MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==",
    };
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct openers openers = {&opener, 1, &source};
    struct coco_layer_key key = some_key();
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {.uri = URI, .key = &kbs.kek};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cJSON *annotations = annotations_for(&key, NULL, 0, &kek, 1);
        struct coco_layer_key back = {0};

        assert_ok(coco_json_add_string(annotations, JWE, wrong[i], &err), err);
        assert_ok(open_with(annotations, &openers, &back, &err), err);
        assert_same_key(&key, &back);
        coco_layer_key_done(&back);
        coco_json_free(annotations);
    }
    /* Not even the first of too many is a request to a KBS. */
    cJSON *annotations = annotations_for(&key, NULL, 0, &kek, 1);
    _cleanup_buf_ struct coco_buf many = {.limit = 1 << 16};
    const char *good = NULL;

    assert_ok(coco_json_get_string(annotations, PROVIDER, &good, &err), err);
    for (int i = 0; i <= COCO_BLOBS_MAX; i++)
        assert_ok(coco_buf_printf(&many, &err, "%s%s", i > 0 ? "," : "", good), err);
    cJSON_DeleteItemFromObjectCaseSensitive(annotations, PROVIDER);
    assert_ok(coco_json_add_string(annotations, PROVIDER, coco_buf_text(&many), &err), err);
    kbs.requests = 0;
    assert_open_fails(annotations, &openers, 0, COCO_ERR_LIMIT);
    assert_int_equal(kbs.requests, 0);
    coco_json_free(annotations);
    coco_layer_key_done(&key);
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

static void
open_refuses_annotations_that_are_no_list_of_blobs(void **state)
{
    static const struct {
        const char *value;
        coco_status status;
    } cases[] = {
        {"\"\"", COCO_ERR_PROTO},
        {"\",\"", COCO_ERR_PROTO},
        {"\"e30=,\"", COCO_ERR_PROTO},
        {"\"e30\"", COCO_ERR_PROTO},
        {"\"e30= \"", COCO_ERR_PROTO},
        {"\"e31=\"", COCO_ERR_PROTO},
        {"[\"e30=\"]", COCO_ERR_PROTO},
        {"\"e30=\"", COCO_ERR_PROTO},
        {"\"MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,MA==,"
         "MA==\"",
         COCO_ERR_LIMIT},
    };
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    const struct openers openers = {&opener, 1, &source};
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int jwe = 0; jwe < 2; jwe++) {
            cJSON *annotations = json_of("{}");

            set_annotation(annotations, PUBOPTS, "{" CIPHER "," HMAC "}");
            assert_ok(coco_json_add_item(annotations, jwe ? JWE : PROVIDER, json_of(cases[i].value),
                                         &err),
                      err);
            assert_open_fails(annotations, &openers, i, cases[i].status);
            coco_json_free(annotations);
        }
    }
    assert_int_equal(kbs.requests, 0);
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

static void
list_names_every_way_with_its_key_id(void **state)
{
    cJSON *annotations = json_of("{\"org.acme\":\"x\",\"" ENC "keys.pgp\":\"AAAA\",\"" JWE
                                 "\":\"AAAA,AAAA\",\"" PUBOPTS "\":\"\"}");
    cJSON *array = json_of("[]");
    cJSON *bad = json_of("{\"" PROVIDER "\":\"AAAA\"}");
    struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    set_annotation(annotations, PROVIDER, "{" KID "}");
    assert_ok(coco_annotations_list(annotations, array, &err), err);
    assert_ok(coco_json_write(array, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text),
                        "[{\"scheme\":\"pgp\"},{\"scheme\":\"jwe\"},{\"scheme\":\"jwe\"},"
                        "{\"scheme\":\"provider.attestation-agent\",\"kid\":\"" URI "\"}]");
    assert_fails(coco_annotations_list(bad, array, &err), err, COCO_ERR_PROTO,
                 "key provider packet");
    coco_json_free(annotations);
    coco_json_free(array);
    coco_json_free(bad);
    coco_buf_done(&text);
}

static void
only_the_suffix_makes_a_media_type_encrypted(void **state)
{
    (void)state;
    assert_true(coco_media_type_encrypted("application/vnd.oci.image.layer.v1.tar+encrypted"));
    assert_true(coco_media_type_encrypted("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"));
    assert_false(coco_media_type_encrypted("application/vnd.oci.image.layer.v1.tar+gzip"));
    assert_false(coco_media_type_encrypted("+encrypted"));
    assert_false(coco_media_type_encrypted("a/b+encrypted+gzip"));
    assert_false(coco_media_type_encrypted(""));
}

static void
the_layer_key_is_wiped_wherever_it_was(void **state)
{
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    for (int jwe = 0; jwe < 2; jwe++) {
        const struct openers openers = {&opener, 1, jwe ? NULL : &source};
        struct coco_layer_key key = some_key();
        struct coco_layer_key back = {0};
        struct coco_buf text = {.limit = 64};
        uint8_t bytes[COCO_LAYER_KEY_SIZE];

        /* Once as it is, once as the private options have it. */
        memcpy(bytes, key.key.data, sizeof(bytes));
        assert_ok(coco_base64_encode(COCO_BASE64, bytes, sizeof(bytes), &text, &err), err);
        for (int encoded = 0; encoded < 2; encoded++) {
            canary_begin(encoded ? text.data : bytes, encoded ? text.len : sizeof(bytes));
            cJSON *annotations = annotations_for(&key, &opener, (size_t)jwe, &kek, 1 - (size_t)jwe);
            assert_ok(open_with(annotations, &openers, &back, &err), err);
            coco_layer_key_done(&back);
            coco_json_free(annotations);
            assert_int_equal(canary_end(), 0);
        }
        coco_layer_key_done(&key);
        coco_buf_done(&text);
    }
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    const struct coco_kek_source source = {kbs_get, &kbs};
    struct coco_layer_key key = some_key();
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    assert_ok(coco_chunks_read("AES-256-GMAC:131072:" TAG, &key.chunks, &err), err);
    const struct coco_kek kek = {URI, &kbs.kek};
    for (int jwe = 0; jwe < 2; jwe++) {
        const struct recipients to = {&opener, (size_t)jwe, &kek, 1 - (size_t)jwe};
        const struct openers openers = {&opener, 1, &source};

        for_each_fault()
        {
            struct coco_layer_key back = {0};
            cJSON *annotations = NULL;
            cJSON *array = NULL;

            faults_pause();
            annotations = json_of("{}");
            array = json_of("[]");
            faults_resume();
            coco_status status = add_for(annotations, &key, &to, &err);
            if (status == COCO_OK)
                status = coco_annotations_list(annotations, array, &err);
            if (status == COCO_OK)
                status = open_with(annotations, &openers, &back, &err);
            fault_expect(status, err);
            coco_error_free(err);
            err = NULL;
            coco_json_free(annotations);
            coco_json_free(array);
            coco_layer_key_done(&back);
        }
    }
    coco_layer_key_done(&key);
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

/* "hello\n", compressed; skopeo looks at it to see that it is. */
static const uint8_t layer[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x48, 0xcd,
    0xc9, 0xc9, 0xe7, 0x02, 0x00, 0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00,
};

static void
open_reads_what_skopeo_encrypts_now(void **state)
{
    static const char *const one[] = {"--encryption-key", "jwe:%/rsa.pub", NULL};
    static const char *const two[] = {"--encryption-key", "jwe:%/rsa.pub", "--encryption-key",
                                      "jwe:%/ec.pub", NULL};
    EVP_PKEY *keys[] = {new_key(COCO_KEY_RSA), new_key(COCO_KEY_P256)};
    char lab[64];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(lab, sizeof(lab));
    layout_write_key(lab, "rsa", keys[0]);
    layout_write_key(lab, "ec", keys[1]);
    layout_make(lab, "plain", layer, sizeof(layer), NULL);
    assert_true(skopeo_copy(lab, one, "plain", "one"));
    assert_true(skopeo_copy(lab, two, "plain", "two"));
    for (size_t i = 0; i < 3; i++) {
        const char *layout = i < 1 ? "one" : "two";
        const struct openers openers = {&keys[i == 2], 1, NULL};
        struct coco_layer_key key = {0};
        struct coco_buf blob = {.limit = 1 << 16};
        struct coco_buf plain = {.limit = 1 << 16};
        cJSON *manifest = layout_read_manifest(lab, layout);
        const cJSON *layers = NULL;
        const cJSON *annotations = NULL;
        const char *type = NULL;

        assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
        assert_ok(coco_json_get_string(layers->child, "mediaType", &type, &err), err);
        assert_true(coco_media_type_encrypted(type));
        assert_ok(coco_json_get_object(layers->child, "annotations", &annotations, &err), err);
        assert_ok(open_with(annotations, &openers, &key, &err), err);
        layout_read_blob(lab, layout, layers->child, &blob);
        assert_ok(decrypt_blob(&key, blob.data, blob.len, &plain, &err), err);
        assert_int_equal(plain.len, sizeof(layer));
        assert_memory_equal(plain.data, layer, sizeof(layer));
        coco_json_free(manifest);
        coco_buf_done(&blob);
        coco_buf_done(&plain);
        coco_layer_key_done(&key);
    }
    remove_temp_dir(lab);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
}

static void
skopeo_decrypts_what_is_encrypted_here(void **state)
{
    static const char *const names[] = {"rsa", "p256", "p384", "p521"};
    EVP_PKEY *keys[] = {new_key(COCO_KEY_RSA), new_key(COCO_KEY_P256), new_key(COCO_KEY_P384),
                        new_key(COCO_KEY_P521)};
    struct kbs kbs;
    char lab[64];
    coco_error *err = NULL;

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    make_temp_dir(lab, sizeof(lab));
    for (size_t i = 0; i < 4; i++)
        layout_write_key(lab, names[i], keys[i]);
    /* For each alone (flattened JWE), then for all of them (general JWE) and a KBS. */
    for (size_t i = 0; i < 8; i++) {
        struct coco_layer_key key = {0};
        struct coco_buf blob = {.limit = 1 << 16};
        char option[32];
        char from[16];
        char to[16];
        char sealed[16];
        const char *const options[] = {"--decryption-key", option, NULL};
        const char *const none[] = {NULL};
        const cJSON *layers = NULL;

        (void)snprintf(from, sizeof(from), "from%zu", i);
        (void)snprintf(to, sizeof(to), "to%zu", i);
        (void)snprintf(sealed, sizeof(sealed), "sealed%zu", i);
        (void)snprintf(option, sizeof(option), "%%/%s.pem", names[i % 4]);
        assert_ok(coco_layer_key_generate(&key, &err), err);
        encrypt_blob(&key, layer, sizeof(layer), &blob);
        layout_make(
            lab, from, blob.data, blob.len,
            annotations_for(&key, i < 4 ? &keys[i] : keys, i < 4 ? 1 : 4, &kek, i < 4 ? 0 : 1));
        assert_true(skopeo_copy(lab, options, from, to));

        cJSON *manifest = layout_read_manifest(lab, to);
        coco_buf_reset(&blob);
        assert_ok(coco_json_get_array(manifest, "layers", &layers, &err), err);
        layout_read_blob(lab, to, layers->child, &blob);
        assert_int_equal(blob.len, sizeof(layer));
        assert_memory_equal(blob.data, layer, sizeof(layer));
        /* Without a key it stays what it was. */
        assert_true(skopeo_copy(lab, none, from, sealed));
        coco_json_free(manifest);
        coco_buf_done(&blob);
        coco_layer_key_done(&key);
    }
    remove_temp_dir(lab);
    coco_secret_done(&kbs.kek);
    for (size_t i = 0; i < 4; i++)
        EVP_PKEY_free(keys[i]);
}

static void
no_key_is_wrapped_without_random_bytes(void **state)
{
    EVP_PKEY *opener = new_key(COCO_KEY_P256);
    struct kbs kbs;
    struct coco_layer_key key = some_key();

    (void)state;
    kbs_init(&kbs);
    const struct coco_kek kek = {URI, &kbs.kek};
    for (int jwe = 0; jwe < 2; jwe++) {
        const struct recipients to = {&opener, (size_t)jwe, &kek, 1 - (size_t)jwe};

        for_each_rng_fault()
        {
            _cleanup_json_ cJSON *annotations = json_of("{}");
            coco_error *err = NULL;

            rng_expect(add_for(annotations, &key, &to, &err), err);
            coco_error_free(err);
        }
    }
    coco_layer_key_done(&key);
    coco_secret_done(&kbs.kek);
    EVP_PKEY_free(opener);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_reads_layers_that_go_encrypted),
        cmocka_unit_test(what_is_added_opens_for_each_recipient_and_nobody_else),
        cmocka_unit_test(annotations_have_the_form_of_upstream),
        cmocka_unit_test(add_refuses_what_nobody_could_open),
        cmocka_unit_test(open_refuses_hostile_public_options),
        cmocka_unit_test(a_list_of_chunks_comes_and_goes_with_the_layer),
        cmocka_unit_test(a_public_nonce_is_not_looked_at),
        cmocka_unit_test(open_tries_every_way_and_says_when_it_knows_none),
        cmocka_unit_test(what_is_wrong_with_one_way_hides_no_other),
        cmocka_unit_test(open_refuses_annotations_that_are_no_list_of_blobs),
        cmocka_unit_test(list_names_every_way_with_its_key_id),
        cmocka_unit_test(only_the_suffix_makes_a_media_type_encrypted),
        cmocka_unit_test(the_layer_key_is_wiped_wherever_it_was),
        cmocka_unit_test(everything_survives_any_failed_allocation),
        cmocka_unit_test(no_key_is_wrapped_without_random_bytes),
        cmocka_unit_test(open_reads_what_skopeo_encrypts_now),
        cmocka_unit_test(skopeo_decrypts_what_is_encrypted_here),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("ocicrypt/annotations", tests, NULL, NULL);
}
