/*
 * tests/crypto/test_jwe.c - lib/crypto/jwe.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwe.h"

#include "base/base64.h"
#include "crypto/aead.h"
#include "crypto/keywrap.h"

#include "tests/canary.h"
#include "tests/crypto/vectors.h"
#include "tests/faults.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define ALL (COCO_JWE_RSA_OAEP | COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW)
#define SECRET "super secret resource 1"

/* Made by go-jose 4.0.4, for one key: ECDH-ES+A128KW and ECDH-ES+A192KW, of SECRET. */
#define GO_JOSE_KEY                                                                                \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTWWnaqYOzYaBeg0H\n"                           \
    "nYPrsB739j88fO3MaC2XoPRaWG2hRANCAARpyRU5Mc6oclNx7PORNfZZeKyyhXXw\n"                           \
    "9P3ADuYE3HwSzmhdLI3+8/cjfNnk0RMYFDdCVR10H4DzHu1c82TmT7CW\n"                                   \
    "-----END PRIVATE KEY-----\n"

static const char *const go_jose[] = {
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0ExMjhLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsia3R"
    "5IjoiRUMiLCJjcnYiOiJQLTI1NiIsIngiOiJBeUI3MlZlMEtGODBvZVplOXF3V25PQWo2N2VPOTk2WUVWb3R"
    "jbEl2bEZJIiwieSI6Ilp5b0VFZUJpUFFpOXh2ajBvVnZMcDRrTHA2Q1JZS3h0MWZPRmdMbHJsRzAifX0\",\""
    "encrypted_key\":\"9DfPZAT8G7bR7_-eJgn1j3kM1ejkBTrdVYhTbnFsl8uSEHtMQIVSYw\",\"iv\":\""
    "Tainvq1hv-IZz4nJ\",\"ciphertext\":\"I9yFFRNwWJvWMldwWX6SmdzxWd3UbQY\",\"tag\":\"Drs1"
    "Cl8XmXXWbAs6-yVLxA\"}",
    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0ExOTJLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsia3R"
    "5IjoiRUMiLCJjcnYiOiJQLTI1NiIsIngiOiJzWF9CWEdaQ3hhdDNwNEkxY2NMWXVzdFpMY0VWSzVxRTVLVUt"
    "OVFdpYlJRIiwieSI6IlBCQWtwR0N6WlFwRjZrNGZqVVNkYS1JOW1tbFRlMTcycFVISkRfUXFuTFkifX0\",\""
    "encrypted_key\":\"fguP9U0tn717G_wxcWkqnVHgTO1t1s6kPVfq-olGO2Vf_0Ut3_LMKg\",\"iv\":\""
    "vIf74PCfq1_fzWzQ\",\"ciphertext\":\"Q7tzG-33Xn6MPbDU5en4Yy27w4fhOpA\",\"tag\":\"7tMu"
    "Bz_8bFxyYpJMMyt8KA\"}",
};

/* Well-formed parts that open nothing. */
#define IV "\"iv\":\"AAAAAAAAAAAAAAAA\""
#define TAG "\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\""
#define CONTENT IV ",\"ciphertext\":\"\"," TAG
#define RSA_HEADER "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0"
#define ENC_HEADER "eyJlbmMiOiJBMjU2R0NNIn0" /* {"enc":"A256GCM"} */
#define FLAT(header, key) "{\"protected\":\"" header "\"," key "," CONTENT "}"
#define KEY "\"encrypted_key\":\"AA\""
#define RECIPIENT "{\"header\":{\"alg\":\"RSA-OAEP-256\"}," KEY "}"

static coco_status
decrypt_text(const char *jwe, EVP_PKEY *key, struct coco_secret *ret, coco_error **err)
{
    return coco_jwe_decrypt(jwe, strlen(jwe), key, ALL, ret, err);
}

static void
assert_secret(struct coco_secret *secret, const char *want)
{
    assert_true(coco_secret_equal(secret, want, strlen(want)));
    coco_secret_done(secret);
}

static void
encrypt_to(EVP_PKEY *const *keys, size_t n, const char *text, struct coco_buf *buf)
{
    struct coco_jwe_recipient recipients[COCO_JWE_RECIPIENTS_MAX];
    coco_error *err = NULL;

    for (size_t i = 0; i < n; i++) {
        recipients[i].key = keys[i];
        assert_ok(coco_jwe_alg_for(keys[i], &recipients[i].alg, &err), err);
    }
    assert_ok(coco_jwe_encrypt(recipients, n, text, strlen(text), buf, &err), err);
}

static void
decrypt_opens_the_example_of_rfc_7516(void **state)
{
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(decrypt_text(JWE_A1, key, &secret, &err), err);
    assert_secret(&secret, "The true sign of intelligence is not knowledge but imagination.");
    /* It uses SHA-1, which most callers do not allow. */
    assert_fails(coco_jwe_decrypt(JWE_A1, strlen(JWE_A1), key,
                                  COCO_JWE_RSA_OAEP_256 | COCO_JWE_ECDH_ES_A256KW, &secret, &err),
                 err, COCO_ERR_NOTSUP, "algorithm is not allowed");
    EVP_PKEY_free(key);
}

/* The JWE of a recorded conversation: the body of its last reply. */
static char *
recorded_jwe(const char *dir)
{
    char name[128];
    size_t len = 0;
    cJSON *conversation = NULL;
    const cJSON *response = NULL;
    const char *body = NULL;
    coco_error *err = NULL;

    (void)snprintf(name, sizeof(name), "rcar/%s/conversation.json", dir);
    char *text = read_fixture(name, &len);
    assert_ok(coco_json_parse(text, len, &conversation, &err), err);
    const cJSON *last = cJSON_GetArrayItem(conversation, cJSON_GetArraySize(conversation) - 1);
    assert_ok(coco_json_get_object(last, "response", &response, &err), err);
    assert_ok(coco_json_get_string(response, "body", &body, &err), err);
    char *copy = strdup(body);
    assert_non_null(copy);
    coco_json_free(conversation);
    free(text);
    return copy;
}

static EVP_PKEY *
recorded_key(const char *name)
{
    size_t len = 0;
    char *pem = read_fixture(name, &len);
    EVP_PKEY *key = vector_key(pem);

    free(pem);
    return key;
}

static void
decrypt_opens_what_upstream_kbs_sent(void **state)
{
    static const char *const cases[][2] = {
        {"get-p256", "rcar/get-p256/tee-p256.pem"},
        {"get-p521", "rcar/get-p521/tee-p521.pem"},
        {"get-rsa2048", "rcar/get-rsa2048/tee-rsa2048.pem"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key = recorded_key(cases[i][1]);
        char *jwe = recorded_jwe(cases[i][0]);
        struct coco_secret secret = {0};

        assert_ok(decrypt_text(jwe, key, &secret, &err), err);
        assert_secret(&secret, SECRET);
        free(jwe);
        EVP_PKEY_free(key);
    }
}

static void
decrypt_refuses_the_rsa1_5_that_upstream_kbs_can_send(void **state)
{
    EVP_PKEY *key = recorded_key("rcar/get-rsa15/tee-rsa2048.pem");
    char *jwe = recorded_jwe("get-rsa15");
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(decrypt_text(jwe, key, &secret, &err), err, COCO_ERR_NOTSUP,
                 "algorithm is not allowed");
    free(jwe);
    EVP_PKEY_free(key);
}

/* The JWE of a layer that Go's ocicrypt encrypted. */
static void
recorded_annotation(const char *name, struct coco_buf *jwe)
{
    size_t len = 0;
    char *text = read_fixture(name, &len);
    cJSON *descriptor = NULL;
    const cJSON *annotations = NULL;
    const char *value = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(text, len, &descriptor, &err), err);
    assert_ok(coco_json_get_object(descriptor, "annotations", &annotations, &err), err);
    assert_ok(
        coco_json_get_string(annotations, "org.opencontainers.image.enc.keys.jwe", &value, &err),
        err);
    assert_ok(coco_base64_decode(COCO_BASE64, value, strlen(value), jwe, &err), err);
    coco_json_free(descriptor);
    free(text);
}

static EVP_PKEY *
recorded_any_key(const char *name)
{
    size_t len = 0;
    char *data = read_fixture(name, &len);
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_parse_private(data, len, &key, &err), err);
    free(data);
    return key;
}

static void
decrypt_opens_what_ocicrypt_wrote_for_one_and_for_several(void **state)
{
    static const struct {
        const char *descriptor, *key;
    } cases[] = {
        {"ocicrypt/generated/jwe-ec.descriptor.json", "ocicrypt/keys/private_key_ec.der"},
        {"ocicrypt/generated/jwe-multi.descriptor.json", "ocicrypt/keys/private_key.pem"},
        {"ocicrypt/generated/jwe-multi.descriptor.json", "ocicrypt/keys/private_key8.der"},
        {"ocicrypt/generated/jwe-multi.descriptor.json", "ocicrypt/keys/private_key_ec.der"},
        {"ocicrypt/generated/jwe-multi.descriptor.json", "ocicrypt/keys/RSA_private.jwk"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY *key = recorded_any_key(cases[i].key);
        struct coco_buf jwe = {.limit = 1 << 16};
        struct coco_secret secret = {0};

        recorded_annotation(cases[i].descriptor, &jwe);
        assert_ok(coco_jwe_decrypt(jwe.data, jwe.len, key, ALL, &secret, &err), err);
        assert_memory_equal(secret.data, "{\"symkey\":", strlen("{\"symkey\":"));
        coco_secret_done(&secret);
        coco_buf_done(&jwe);
        EVP_PKEY_free(key);
    }
}

/* Whoever asks for these, and nobody else: the KBS protocol does not. */
static void
keys_wrapped_by_less_are_opened_where_that_is_allowed(void **state)
{
    static const unsigned less[] = {COCO_JWE_ECDH_ES_A128KW, COCO_JWE_ECDH_ES_A192KW};
    EVP_PKEY *key = vector_key(GO_JOSE_KEY);
    struct coco_secret secret = {0};
    struct coco_buf jwe = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct coco_jwe_recipient to = {key, less[i]};
        size_t len = strlen(go_jose[i]);

        assert_ok(coco_jwe_decrypt(go_jose[i], len, key, less[i], &secret, &err), err);
        assert_secret(&secret, SECRET);
        assert_fails(coco_jwe_decrypt(go_jose[i], len, key, ALL, &secret, &err), err,
                     COCO_ERR_NOTSUP, "not allowed");
        assert_fails(coco_jwe_decrypt(go_jose[i], len, key, less[1 - i], &secret, &err), err,
                     COCO_ERR_NOTSUP, "not allowed");
        assert_fails(coco_jwe_encrypt(&to, 1, "x", 1, &jwe, &err), err, COCO_ERR_INVALID,
                     "key is not for ECDH-ES+A1");
    }
    coco_buf_done(&jwe);
    EVP_PKEY_free(key);
}

static void
what_is_encrypted_to_any_key_opens_with_it_alone(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct coco_buf jwe = {.limit = 1 << 16};
        struct coco_secret secret = {0};
        EVP_PKEY *key = NULL;
        EVP_PKEY *other = NULL;

        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_key_generate(kinds[i], &other, &err), err);
        encrypt_to(&key, 1, SECRET, &jwe);
        assert_ok(coco_jwe_decrypt(jwe.data, jwe.len, key, ALL, &secret, &err), err);
        assert_secret(&secret, SECRET);
        assert_fails(coco_jwe_decrypt(jwe.data, jwe.len, other, ALL, &secret, &err), err,
                     COCO_ERR_VERIFY, "cannot decrypt with this key");
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
        coco_buf_done(&jwe);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
several_recipients_each_open_it(void **state)
{
    EVP_PKEY *keys[] = {vector_key(JWE_A1_KEY), vector_key(ECDH_ALICE), vector_key(ECDH_BOB)};
    EVP_PKEY *stranger = vector_key(JWS_A3_KEY);
    struct coco_buf jwe = {.limit = 1 << 16};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    encrypt_to(keys, 3, SECRET, &jwe);
    assert_memory_equal(jwe.data, "{\"protected\":\"" ENC_HEADER "\",\"recipients\":[{\"header\":",
                        strlen("{\"protected\":\"" ENC_HEADER "\",\"recipients\":[{\"header\":"));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(coco_jwe_decrypt(jwe.data, jwe.len, keys[i], ALL, &secret, &err), err);
        assert_secret(&secret, SECRET);
        EVP_PKEY_free(keys[i]);
    }
    assert_fails(coco_jwe_decrypt(jwe.data, jwe.len, stranger, ALL, &secret, &err), err,
                 COCO_ERR_VERIFY, "cannot decrypt with this key");
    EVP_PKEY_free(stranger);
    coco_buf_done(&jwe);
}

static void
encrypt_takes_one_to_sixteen_recipients_with_keys_that_fit(void **state)
{
    struct coco_jwe_recipient recipients[COCO_JWE_RECIPIENTS_MAX + 1];
    EVP_PKEY *key = vector_key(ECDH_BOB);
    EVP_PKEY *signer = vector_key(JWS_ED25519_KEY);
    enum coco_jwe_alg alg = 0;
    struct coco_buf jwe = {.limit = 1 << 16};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i <= COCO_JWE_RECIPIENTS_MAX; i++)
        recipients[i] = (struct coco_jwe_recipient){key, COCO_JWE_ECDH_ES_A256KW};
    assert_fails(coco_jwe_encrypt(recipients, 0, "", 0, &jwe, &err), err, COCO_ERR_INVALID,
                 "0 recipients");
    assert_fails(coco_jwe_encrypt(recipients, COCO_JWE_RECIPIENTS_MAX + 1, "", 0, &jwe, &err), err,
                 COCO_ERR_INVALID, "17 recipients");
    assert_ok(coco_jwe_encrypt(recipients, COCO_JWE_RECIPIENTS_MAX, "", 0, &jwe, &err), err);
    recipients[0].alg = COCO_JWE_RSA_OAEP_256;
    assert_fails(coco_jwe_encrypt(recipients, 1, "", 0, &jwe, &err), err, COCO_ERR_INVALID,
                 "key is not for RSA-OAEP-256");
    assert_fails(coco_jwe_alg_for(signer, &alg, &err), err, COCO_ERR_NOTSUP, "only sign");
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
    coco_buf_done(&jwe);
}

/* Decodes the protected header of a JWE that starts with it. */
static void
protected_of(const struct coco_buf *jwe, struct coco_buf *header)
{
    const char *start = coco_buf_text(jwe) + strlen("{\"protected\":\"");
    coco_error *err = NULL;

    assert_memory_equal(jwe->data, "{\"protected\":\"", strlen("{\"protected\":\""));
    assert_ok(coco_base64_decode(COCO_BASE64URL, start, strcspn(start, "\""), header, &err), err);
}

static void
assert_members(const struct coco_buf *jwe, const char *want)
{
    char names[128] = "";
    const cJSON *item = NULL;
    cJSON *json = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(coco_buf_text(jwe), jwe->len, &json, &err), err);
    cJSON_ArrayForEach(item, json) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s ", item->string);
    }
    assert_string_equal(names, want);
    coco_json_free(json);
}

/* kbs-protocol A.6: Rust guests build the header again and use that as the AAD. */
static void
encrypt_writes_the_form_that_rust_guests_rebuild(void **state)
{
    EVP_PKEY *rsa = vector_key(JWE_A1_KEY);
    EVP_PKEY *ec = vector_key(ECDH_BOB);
    struct coco_buf jwe = {.limit = 1 << 16};
    struct coco_buf header = {.limit = 1024};
    struct coco_buf rebuilt = {.limit = 1024};
    cJSON *json = NULL;
    const cJSON *epk = NULL;
    const char *x = NULL;
    const char *y = NULL;
    coco_error *err = NULL;

    (void)state;
    encrypt_to(&rsa, 1, SECRET, &jwe);
    assert_members(&jwe, "protected encrypted_key iv ciphertext tag ");
    protected_of(&jwe, &header);
    assert_string_equal(coco_buf_text(&header), "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}");

    coco_buf_reset(&jwe);
    coco_buf_reset(&header);
    encrypt_to(&ec, 1, SECRET, &jwe);
    assert_members(&jwe, "protected encrypted_key iv ciphertext tag ");
    protected_of(&jwe, &header);
    assert_ok(coco_json_parse_object(coco_buf_text(&header), header.len, &json, &err), err);
    assert_ok(coco_json_get_object(json, "epk", &epk, &err), err);
    assert_ok(coco_json_get_string(epk, "x", &x, &err), err);
    assert_ok(coco_json_get_string(epk, "y", &y, &err), err);
    assert_ok(coco_buf_printf(&rebuilt, &err,
                              "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{"
                              "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}}",
                              x, y),
              err);
    assert_string_equal(coco_buf_text(&header), coco_buf_text(&rebuilt));
    coco_json_free(json);
    coco_buf_done(&jwe);
    coco_buf_done(&header);
    coco_buf_done(&rebuilt);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

/* Gives the JWE whose header is this JSON, all else being as good as can be. */
static void
jwe_with_header(const char *header, struct coco_buf *jwe)
{
    coco_error *err = NULL;

    coco_buf_reset(jwe);
    assert_ok(coco_buf_append_text(jwe, "{\"protected\":\"", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, header, strlen(header), jwe, &err), err);
    assert_ok(coco_buf_append_text(jwe, "\"," KEY "," CONTENT "}", &err), err);
}

static void
decrypt_refuses_every_other_algorithm(void **state)
{
    static const char *const cases[] = {
        "{\"alg\":\"none\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"RSA-OAEP-512\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"rsa-oaep-256\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A256GCM\",\"p2c\":2147483647,\"p2s\":\"AA\"}",
        "{\"alg\":\"A256KW\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"A256GCMKW\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"ECDH-ES+A128KW\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"ECDH-ES+A192KW\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A128GCM\"}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A128CBC-HS256\"}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"crit\":[]}",
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"Crit\":[]}",
    };
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    struct coco_buf jwe = {.limit = 1 << 16};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jwe_with_header(cases[i], &jwe);
        assert_fails(decrypt_text(coco_buf_text(&jwe), key, &secret, &err), err, COCO_ERR_NOTSUP,
                     "JWE");
        assert_null(secret.data);
    }
    EVP_PKEY_free(key);
    coco_buf_done(&jwe);
}

static void
decrypt_says_the_same_whatever_does_not_open(void **state)
{
    static const char *const cases[] = {
        "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}", /* for another type of key */
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}",
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":\"\"}",
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{}}",
        /* A good point, but nothing that it wraps. */
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}}",
        /* Off the curve: the same with y changed. */
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFppw\"}}",
        /* The point 0, 0. */
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
        /* Other curves, other kinds of keys. */
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"EC\","
        "\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}}",
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"OKP\","
        "\"crv\":\"X25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"kty\":\"EC\",\"crv\":\"P-384\","
        "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\","
        "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}}",
    };
    EVP_PKEY *key = vector_key(ECDH_BOB);
    struct coco_buf jwe = {.limit = 1 << 16};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        jwe_with_header(cases[i], &jwe);
        coco_status status = decrypt_text(coco_buf_text(&jwe), key, &secret, &err);
        assert_int_equal(status, COCO_ERR_VERIFY);
        assert_string_equal(coco_error_message(err), "cannot decrypt with this key");
        coco_error_free(err);
        err = NULL;
        assert_null(secret.data);
    }
    assert_int_equal(ERR_peek_error(), 0);
    EVP_PKEY_free(key);
    coco_buf_done(&jwe);
}

static void
decrypt_refuses_what_is_no_jwe(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "null",
        "[]",
        "....",
        "a.b.c.d",
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA.",                              /* four parts */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA.AA",    /* six */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA=",      /* padding */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAB",       /* not canonical */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAA",         /* tag of 15 bytes */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..",                             /* no tag */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA", /* iv of 16 bytes */
        RSA_HEADER ".AA..."
                   "AAAAAAAAAAAAAAAAAAAAAA",                          /* no iv */
        RSA_HEADER ".AA.AAAAAAAAAAAAAAAA.A A.AAAAAAAAAAAAAAAAAAAAAA", /* a space */
        " " RSA_HEADER ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA",
        ".AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA",    /* no header */
        "W10.AA.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA", /* it is an array */
        "{\"protected\":\"" RSA_HEADER "\"," CONTENT "}",  /* no encrypted_key */
        "{" KEY "," CONTENT "}",                           /* no protected */
        "{\"protected\":\"\"," KEY "," CONTENT "}",
        "{\"protected\":{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}," KEY "," CONTENT "}",
        FLAT("e30", KEY),                                /* {} */
        FLAT(ENC_HEADER, KEY),                           /* no alg */
        FLAT("eyJhbGciOiJSU0EtT0FFUC0yNTYifQ", KEY),     /* no enc */
        FLAT("eyJhbGciOjEsImVuYyI6IkEyNTZHQ00ifQ", KEY), /* alg is 1 */
        FLAT("eyJhIjoxLCJhIjoyfQ", KEY),                 /* a twice */
        FLAT(RSA_HEADER, KEY "," KEY),
        FLAT(RSA_HEADER, KEY ",\"Encrypted_Key\":\"AA\""),
        FLAT(RSA_HEADER, "\"encrypted_key\":[\"AA\"]"),
        FLAT(RSA_HEADER, "\"encrypted_key\":\"AA==\""),
        FLAT(RSA_HEADER, KEY) "x",
        FLAT(RSA_HEADER, KEY ",\"aad\":1"),
        FLAT(RSA_HEADER, KEY ",\"aad\":\"A\""),
        FLAT(RSA_HEADER, KEY ",\"unprotected\":[]"),
        FLAT(RSA_HEADER, KEY ",\"header\":\"x\""),
        /* One name in two of the three headers. */
        FLAT(RSA_HEADER, KEY ",\"unprotected\":{\"alg\":\"RSA-OAEP-256\"}"),
        FLAT(RSA_HEADER, KEY ",\"header\":{\"enc\":\"A256GCM\"}"),
        FLAT(ENC_HEADER,
             KEY ",\"header\":{\"alg\":\"RSA-OAEP\"},\"unprotected\":{\"alg\":\"dir\"}"),
        FLAT(RSA_HEADER, KEY ",\"header\":{\"Alg\":\"RSA-OAEP\"}"),
        /* Not in the part that is protected. */
        FLAT("eyJhbGciOiJSU0EtT0FFUC0yNTYifQ", KEY ",\"unprotected\":{\"enc\":\"A256GCM\"}"),
        /* Flattened and general at once; but for what go-jose writes. */
        FLAT(ENC_HEADER, "\"recipients\":[" RECIPIENT "],\"header\":{}"),
        FLAT(ENC_HEADER, "\"recipients\":[" RECIPIENT "],\"encrypted_key\":\"AQ\""),
        FLAT(ENC_HEADER, "\"recipients\":[" RECIPIENT "],\"encrypted_key\":{}"),
        FLAT(ENC_HEADER, "\"recipients\":[]"),
        FLAT(ENC_HEADER, "\"recipients\":{}"),
        FLAT(ENC_HEADER, "\"recipients\":[1]"),
        FLAT(ENC_HEADER, "\"recipients\":[{\"header\":{\"alg\":\"RSA-OAEP-256\"}}]"),
        FLAT(ENC_HEADER, "\"recipients\":[{" KEY "}]"),
        FLAT(RSA_HEADER, "\"recipients\":[" RECIPIENT "]"),
    };
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_status status = decrypt_text(cases[i], key, &secret, &err);
        if (status != COCO_ERR_PROTO)
            fail_msg("case %zu: %s: %s", i, coco_status_name(status), coco_error_message(err));
        coco_error_free(err);
        err = NULL;
        assert_null(secret.data);
    }
    EVP_PKEY_free(key);
}

static void
decrypt_refuses_extensions_in_any_header(void **state)
{
    static const char *const cases[] = {
        FLAT(RSA_HEADER, KEY ",\"unprotected\":{\"zip\":\"DEF\"}"),
        FLAT(RSA_HEADER, KEY ",\"header\":{\"crit\":[\"a\"]}"),
        FLAT(ENC_HEADER, "\"recipients\":[" RECIPIENT ",{\"header\":{\"alg\":\"RSA-OAEP-256\","
                         "\"zip\":\"DEF\"}," KEY "}]"),
    };
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(decrypt_text(cases[i], key, &secret, &err), err, COCO_ERR_NOTSUP, "JWE");
    EVP_PKEY_free(key);
}

static void
decrypt_refuses_more_than_sixteen_recipients_and_other_excess(void **state)
{
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    struct coco_buf jwe = {.limit = 1 << 20};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t n = COCO_JWE_RECIPIENTS_MAX; n <= COCO_JWE_RECIPIENTS_MAX + 1; n++) {
        coco_buf_reset(&jwe);
        assert_ok(coco_buf_append_text(
                      &jwe, "{\"protected\":\"" ENC_HEADER "\",\"recipients\":[" RECIPIENT, &err),
                  err);
        for (size_t i = 1; i < n; i++)
            assert_ok(coco_buf_append_text(&jwe, "," RECIPIENT, &err), err);
        assert_ok(coco_buf_append_text(&jwe, "]," CONTENT "}", &err), err);
        if (n == COCO_JWE_RECIPIENTS_MAX)
            assert_fails(decrypt_text(coco_buf_text(&jwe), key, &secret, &err), err,
                         COCO_ERR_VERIFY, "cannot decrypt");
        else
            assert_fails(decrypt_text(coco_buf_text(&jwe), key, &secret, &err), err, COCO_ERR_LIMIT,
                         "more than 16 recipients");
    }

    /* A key longer than any RSA modulus. */
    coco_buf_reset(&jwe);
    assert_ok(coco_buf_append_text(&jwe, RSA_HEADER ".", &err), err);
    for (size_t i = 0; i < 342; i++)
        assert_ok(coco_buf_append_text(&jwe, "AAAA", &err), err);
    assert_ok(coco_buf_append_text(&jwe, ".AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA", &err), err);
    assert_fails(decrypt_text(coco_buf_text(&jwe), key, &secret, &err), err, COCO_ERR_LIMIT,
                 "encrypted_key");
    EVP_PKEY_free(key);
    coco_buf_done(&jwe);
}

/* Encrypts by hand, so that header, AAD and the member that claims it can be anything. */
static void
encrypt_by_hand(EVP_PKEY *key, const char *header, const char *member, const char *aad_tail,
                struct coco_buf *jwe)
{
    const uint8_t iv[COCO_AEAD_IV_SIZE] = {0};
    uint8_t tag[COCO_AEAD_TAG_SIZE];
    struct coco_buf aad = {.limit = 1024};
    struct coco_buf cipher = {.limit = 1024};
    struct coco_buf wrapped = {.limit = 1024};
    struct coco_secret cek = {0};
    coco_error *err = NULL;

    assert_ok(coco_secret_random(COCO_AEAD_KEY_SIZE, &cek, &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, header, strlen(header), &aad, &err), err);
    assert_ok(coco_buf_printf(jwe, &err, "{\"protected\":\"%s\"%s," IV ",\"encrypted_key\":\"",
                              coco_buf_text(&aad), member),
              err);
    assert_ok(coco_oaep_wrap(key, EVP_sha256(), &cek, &wrapped, &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, wrapped.data, wrapped.len, jwe, &err), err);

    assert_ok(coco_buf_append_text(&aad, aad_tail, &err), err);
    assert_ok(coco_aead_seal(cek.data, iv, &aad, "x", 1, &cipher, tag, &err), err);
    assert_ok(coco_buf_append_text(jwe, "\",\"ciphertext\":\"", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, cipher.data, cipher.len, jwe, &err), err);
    assert_ok(coco_buf_append_text(jwe, "\",\"tag\":\"", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, tag, sizeof(tag), jwe, &err), err);
    assert_ok(coco_buf_append_text(jwe, "\"}", &err), err);
    coco_secret_done(&cek);
    coco_buf_done(&aad);
    coco_buf_done(&cipher);
    coco_buf_done(&wrapped);
}

static void
decrypt_authenticates_the_received_header_and_the_aad(void **state)
{
    /* Spaces, another order and a member nobody knows: only the text itself will do. */
    const char *header = "{ \"kid\": \"1\", \"enc\":\"A256GCM\" , \"alg\" : \"RSA-OAEP-256\"}";
    static const struct {
        const char *member, *aad_tail;
        bool opens;
    } cases[] = {
        {"", "", true},
        {",\"aad\":\"Zm9v\"", ".Zm9v", true}, /* RFC 7516 section 5.1 step 14 */
        {",\"aad\":\"\"", ".", true},
        {",\"more\":[true],\"unprotected\":{\"jku\":\"https://a.test\"}", "", true},
        {",\"aad\":\"Zm9v\"", "", false},
        {",\"aad\":\"Zm9v\"", ".Zm9w", false},
        {"", ".Zm9v", false},
    };
    EVP_PKEY *key = vector_key(JWE_A1_KEY);
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_buf jwe = {.limit = 4096};
        struct coco_secret secret = {0};

        encrypt_by_hand(key, header, cases[i].member, cases[i].aad_tail, &jwe);
        coco_status status = decrypt_text(coco_buf_text(&jwe), key, &secret, &err);
        if (status != (cases[i].opens ? COCO_OK : COCO_ERR_VERIFY))
            fail_msg("case %zu: %s", i, coco_status_name(status));
        coco_error_free(err);
        err = NULL;
        coco_secret_done(&secret);
        coco_buf_done(&jwe);
    }
    EVP_PKEY_free(key);
}

/* A text in which anything is changed, or which ends anywhere, opens nothing. */
static void
decrypt_refuses_any_changed_and_any_truncated_text(void **state)
{
    EVP_PKEY *key = vector_key(ECDH_BOB);
    struct coco_buf jwe = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    encrypt_to(&key, 1, "x", &jwe);
    for (size_t i = 0; i < jwe.len; i++) {
        struct coco_secret secret = {0};
        uint8_t *at = &jwe.data[i];
        uint8_t before = *at;

        *at = before == 'A' ? 'B' : 'A';
        coco_status status = coco_jwe_decrypt(jwe.data, jwe.len, key, ALL, &secret, &err);
        if (status == COCO_OK)
            fail_msg("byte %zu may be changed", i);
        coco_error_free(err);
        err = NULL;
        *at = before;
        assert_true(coco_jwe_decrypt(jwe.data, i, key, ALL, &secret, &err) != COCO_OK);
        coco_error_free(err);
        err = NULL;
        assert_null(secret.data);
    }
    coco_buf_done(&jwe);
    EVP_PKEY_free(key);
}

static void
decrypting_leaves_no_secret_behind(void **state)
{
    static const char *const jwks[] = {ECDH_BOB, JWE_A1_KEY};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(jwks) / sizeof(jwks[0]); i++) {
        EVP_PKEY *key = vector_key(jwks[i]);
        struct coco_buf jwe = {.limit = 4096};
        struct coco_secret secret = {0};

        canary_begin(SECRET, strlen(SECRET));
        encrypt_to(&key, 1, SECRET, &jwe);
        assert_ok(coco_jwe_decrypt(jwe.data, jwe.len, key, ALL, &secret, &err), err);
        assert_secret(&secret, SECRET);
        assert_int_equal(canary_end(), 0);
        coco_buf_done(&jwe);
        EVP_PKEY_free(key);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    EVP_PKEY *keys[] = {vector_key(ECDH_BOB), vector_key(JWE_A1_KEY)};
    coco_error *err = NULL;

    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        const struct coco_jwe_recipient recipients[] = {
            {keys[0], COCO_JWE_ECDH_ES_A256KW},
            {keys[1], COCO_JWE_RSA_OAEP_256},
        };

        for_each_fault()
        {
            struct coco_buf jwe = {.limit = 1 << 16};
            struct coco_secret secret = {0};

            coco_status status = coco_jwe_encrypt(recipients, n, SECRET, 1, &jwe, &err);
            if (status == COCO_OK)
                status = coco_jwe_decrypt(jwe.data, jwe.len, keys[n - 1], ALL, &secret, &err);
            fault_expect(status, err);
            coco_secret_done(&secret);
            coco_buf_done(&jwe);
        }
    }
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
}

static void
nothing_is_encrypted_without_random_bytes(void **state)
{
    EVP_PKEY *keys[] = {vector_key(ECDH_BOB), vector_key(JWE_A1_KEY)};

    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        const struct coco_jwe_recipient recipients[] = {
            {keys[0], COCO_JWE_ECDH_ES_A256KW},
            {keys[1], COCO_JWE_RSA_OAEP_256},
        };

        for_each_rng_fault()
        {
            _cleanup_buf_ struct coco_buf jwe = {.limit = 1 << 16};
            coco_error *err = NULL;

            rng_expect(coco_jwe_encrypt(recipients, n, SECRET, 1, &jwe, &err), err);
            assert_true(!jwe.len == (err != NULL));
            coco_error_free(err);
        }
    }
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decrypt_opens_the_example_of_rfc_7516),
        cmocka_unit_test(decrypt_opens_what_upstream_kbs_sent),
        cmocka_unit_test(decrypt_refuses_the_rsa1_5_that_upstream_kbs_can_send),
        cmocka_unit_test(decrypt_opens_what_ocicrypt_wrote_for_one_and_for_several),
        cmocka_unit_test(keys_wrapped_by_less_are_opened_where_that_is_allowed),
        cmocka_unit_test(what_is_encrypted_to_any_key_opens_with_it_alone),
        cmocka_unit_test(several_recipients_each_open_it),
        cmocka_unit_test(encrypt_takes_one_to_sixteen_recipients_with_keys_that_fit),
        cmocka_unit_test(encrypt_writes_the_form_that_rust_guests_rebuild),
        cmocka_unit_test(decrypt_refuses_every_other_algorithm),
        cmocka_unit_test(decrypt_says_the_same_whatever_does_not_open),
        cmocka_unit_test(decrypt_refuses_what_is_no_jwe),
        cmocka_unit_test(decrypt_refuses_extensions_in_any_header),
        cmocka_unit_test(decrypt_refuses_more_than_sixteen_recipients_and_other_excess),
        cmocka_unit_test(decrypt_authenticates_the_received_header_and_the_aad),
        cmocka_unit_test(decrypt_refuses_any_changed_and_any_truncated_text),
        cmocka_unit_test(decrypting_leaves_no_secret_behind),
        cmocka_unit_test(everything_survives_any_failed_allocation),
        cmocka_unit_test(nothing_is_encrypted_without_random_bytes),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("crypto/jwe", tests, NULL, NULL);
}
