/*
 * tests/image/test_keys.c - lib/image/keys.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/keys.h"

#include "base/context.h"
#include "crypto/jwe.h"
#include "tests/faults.h"
#include "tests/image/keykit.h"
#include "tests/layout.h"
#include "tests/pki.h"
#include "tests/rsa_cert.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEYS_MAX 1024

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    coco_image_client *client;
    struct rsa_cert a, b;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){0};
    rsa_cert_make(&fixture.a, "a", 1);
    rsa_cert_make(&fixture.b, "b", 2);
    make_temp_dir(fixture.dir, sizeof(fixture.dir));
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    assert_ok(coco_image_client_new(&fixture.client, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
    rsa_cert_done(&f->a);
    rsa_cert_done(&f->b);
    return 0;
}

static coco_status
add_key(struct fixture *f, const char *text)
{
    return coco_image_client_add_key(f->client, bytes_of(text), strlen(text), &f->err);
}

static coco_status
add_recipient(struct fixture *f, const char *text)
{
    return coco_image_client_add_recipient(f->client, bytes_of(text), strlen(text), &f->err);
}

/* One that OpenSSL makes and this library does not; under a password, if there is one. */
static void
odd_key(EVP_PKEY *key, const char *password, struct coco_buf *private, struct coco_buf *public)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    coco_error *err = NULL;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_256_cbc() : NULL,
                                                   password, password ? (int)strlen(password) : 0,
                                                   NULL, NULL),
                     1);
    long len = BIO_get_mem_data(bio, &text);
    assert_ok(coco_buf_append(private, text, (size_t)len, &err), err);
    BIO_free(bio);
    assert_ok(coco_key_public_pem(key, public, &err), err);
    EVP_PKEY_free(key);
}

static void
keys_that_open_nothing_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf sign_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf sign_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf weak_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf weak_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf curve_private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf curve_public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf locked = {.limit = 8192};
    _cleanup_buf_ struct coco_buf unlocked = {.limit = 8192};
    static char endless[(256 << 10) + 2];

    new_key(COCO_KEY_P256, &private, &public);
    new_key(COCO_KEY_ED25519, &sign_private, &sign_public);
    odd_key(EVP_RSA_gen(1024), NULL, &weak_private, &weak_public);
    odd_key(EVP_EC_gen("secp256k1"), NULL, &curve_private, &curve_public);
    odd_key(EVP_EC_gen("P-256"), "password", &locked, &unlocked);
    memset(endless, 'A', sizeof(endless) - 1);
    const struct {
        bool is_private;
        const char *text;
        coco_status want;
        const char *why;
    } cases[] = {
        {true, "", COCO_ERR_PROTO, "there is nothing"},
        {true, "x", COCO_ERR_PROTO, "not a private key"},
        {true, "{}", COCO_ERR_PROTO, "JWK"},
        {true, "{" JWK_PUBLIC "}", COCO_ERR_PROTO, "not a private key"},
        {true, JWK_OFF_CURVE, COCO_ERR_PROTO, ""},
        {true, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", COCO_ERR_PROTO,
         "not a private key"},
        {true, coco_buf_text(&public), COCO_ERR_PROTO, "no PRIVATE KEY in the PEM text"},
        {true, coco_buf_text(&locked), COCO_ERR_NOTSUP, "private key is encrypted"},
        {true, coco_buf_text(&weak_private), COCO_ERR_NOTSUP, "RSA key of 1024 bits"},
        {true, coco_buf_text(&curve_private), COCO_ERR_NOTSUP, "curve of the key"},
        {true, coco_buf_text(&sign_private), COCO_ERR_NOTSUP, "Ed25519 keys only sign"},
        {true, endless, COCO_ERR_LIMIT, "key is longer than"},
        {false, "", COCO_ERR_PROTO, "there is nothing"},
        {false, "x", COCO_ERR_PROTO, "not a public key"},
        {false, "[]", COCO_ERR_PROTO, "not a public key"},
        {false, JWK_OFF_CURVE, COCO_ERR_PROTO, ""},
        {false, coco_buf_text(&private), COCO_ERR_PROTO, "no PUBLIC KEY in the PEM text"},
        {false, coco_buf_text(&weak_public), COCO_ERR_NOTSUP, "RSA key of 1024 bits"},
        {false, coco_buf_text(&curve_public), COCO_ERR_NOTSUP, "curve of the key"},
        {false, coco_buf_text(&sign_public), COCO_ERR_NOTSUP, "Ed25519 keys only sign"},
        {false, endless, COCO_ERR_LIMIT, "key is longer than"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status =
            cases[i].is_private ? add_key(f, cases[i].text) : add_recipient(f, cases[i].text);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].want, cases[i].why);
    }
    assert_int_equal(f->client->n_keys, 0);
    assert_int_equal(f->client->n_recipients, 0);
}

static void
keys_of_every_kind_that_wraps_are_taken(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA};
    struct fixture *f = *state;
    struct pki_cert cert = {0};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_buf_ struct coco_buf private = {.limit = 8192};
        _cleanup_buf_ struct coco_buf public = {.limit = 8192};

        new_key(kinds[i], &private, &public);
        assert_ok(add_key(f, coco_buf_text(&private)), f->err);
        assert_ok(add_recipient(f, coco_buf_text(&public)), f->err);
        assert_int_equal(EVP_PKEY_eq(f->client->keys[i], f->client->recipients[i]), 1);
    }
    assert_ok(add_key(f, JWK), f->err);
    assert_ok(add_recipient(f, "{" JWK_PUBLIC "}"), f->err);
    pki_make(&cert, NULL, "a.test", 1);
    char *pem = pki_pem(&cert);
    assert_ok(add_recipient(f, pem), f->err);
    OPENSSL_free(pem);
    pki_done(&cert);
    assert_int_equal(f->client->n_keys, 5);
    assert_int_equal(f->client->n_recipients, 6);
}

static void
recipients_in_a_kbs_must_have_a_name_and_a_key(void **state)
{
    static const struct {
        const char *uri;
        size_t len;
        const char *why;
    } cases[] = {
        {"", 32, "kbs://"},
        {"default/key/1", 32, "kbs://"},
        {"http://a.test/default/key/1", 32, "kbs://"},
        {"KBS:///default/key/1", 32, "kbs://"},
        {"kbs://", 32, "not kbs:///"},
        {"kbs:///", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1/2", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default//1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///../key/1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/../1", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/..", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/.hidden", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1?x=y", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1#x", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/%2e%2e", 32, "not <repository>/<type>/<tag>"},
        {"kbs:///default/key/1\n", 32, "not <repository>/<type>/<tag>"},
        {"kbs://a b/default/key/1", 32, "not kbs:///"},
        {"kbs://a@b/default/key/1", 32, "not kbs:///"},
        {URI, 0, "a key of 0 bytes, not 32"},
        {URI, 16, "a key of 16 bytes, not 32"},
        {URI, 31, "a key of 31 bytes, not 32"},
        {URI, 33, "a key of 33 bytes, not 32"},
    };
    struct fixture *f = *state;
    uint8_t key[64] = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = coco_image_client_add_kbs_recipient(f->client, cases[i].uri, key,
                                                                 cases[i].len, &f->err);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, COCO_ERR_INVALID, cases[i].why);
    }
    assert_int_equal(f->client->n_kbs_recipients, 0);
    assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
              f->err);
    assert_int_equal(f->client->n_kbs_recipients, 1);
    assert_string_equal(f->client->kbs_recipients[0].uri, URI);
    assert_true(coco_secret_equal(&f->client->kbs_recipients[0].key, kek, sizeof(kek)));
}

/* What an image could not be encrypted for is told before it is begun. */
static void
the_number_of_keys_is_bounded(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < KEYS_MAX; i++)
        assert_ok(add_key(f, JWK), f->err);
    assert_fails(add_key(f, JWK), f->err, COCO_ERR_LIMIT, "more than 1024 keys");
    assert_int_equal(f->client->n_keys, KEYS_MAX);
    for (size_t i = 0; i < COCO_JWE_RECIPIENTS_MAX; i++)
        assert_ok(add_recipient(f, JWK), f->err);
    assert_fails(add_recipient(f, JWK), f->err, COCO_ERR_LIMIT, "more than 16 keys");
    assert_int_equal(f->client->n_recipients, COCO_JWE_RECIPIENTS_MAX);
    for (size_t i = 0; i < COCO_BLOBS_MAX; i++)
        assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                  f->err);
    assert_fails(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                 f->err, COCO_ERR_LIMIT, "more than 16 keys");
    assert_int_equal(f->client->n_kbs_recipients, COCO_BLOBS_MAX);
}

/* As many as are allowed work, too. */
static void
an_image_is_encrypted_for_all_that_were_taken(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    char text[128];

    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    for (size_t i = 0; i < COCO_JWE_RECIPIENTS_MAX; i++)
        assert_ok(add_recipient(f, JWK), f->err);
    for (size_t i = 0; i < COCO_BLOBS_MAX; i++)
        assert_ok(coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                  f->err);
    layout_make(f->dir, "plain", "hello", 5, NULL);
    (void)snprintf(text, sizeof(text), "oci:%s/plain", f->dir);
    assert_ok(coco_image_ref_parse(text, &from, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "oci:%s/sealed", f->dir);
    assert_ok(coco_image_ref_parse(text, &to, &f->err), f->err);
    assert_ok(coco_image_encrypt(f->client, f->ctx, from, to, NULL, &image, &f->err), f->err);

    _cleanup_json_ cJSON *manifest = layout_read_manifest(f->dir, "sealed");
    _cleanup_json_ cJSON *list = NULL;
    const cJSON *layers = NULL;
    assert_ok(coco_json_get_array(manifest, "layers", &layers, &f->err), f->err);
    assert_ok(coco_json_parse("[]", 2, &list, &f->err), f->err);
    assert_ok(coco_annotations_list(cJSON_GetObjectItemCaseSensitive(layers->child, "annotations"),
                                    list, &f->err),
              f->err);
    assert_int_equal(cJSON_GetArraySize(list), 1 + COCO_BLOBS_MAX);
}

static size_t
der_of(X509 *cert, uint8_t **der)
{
    *der = NULL;
    int len = i2d_X509(cert, der);
    assert_true(len > 0);
    return (size_t)len;
}

static void
add_private(struct fixture *f, const EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};

    assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
    assert_ok(coco_image_client_add_key(f->client, pem.data, pem.len, &f->err), f->err);
}

static void
a_certificate_opens_once_its_key_is_there(void **state)
{
    struct fixture *f = *state;
    struct coco_client_openers openers;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    assert_ok(coco_image_client_add_certificate(f->client, der, len, &f->err), f->err);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    add_private(f, f->b.key);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 1);
    assert_string_equal(openers.list[0].scheme, "jwe");
    add_private(f, f->a.key);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 2);
    assert_string_equal(openers.list[1].scheme, "pkcs7");
    assert_int_equal(openers.cms.n, 1);
    assert_int_equal(EVP_PKEY_eq(openers.cms.keys[0].key, f->a.key), 1);
    OPENSSL_free(der);
}

static void
what_is_no_certificate_to_wrap_to_is_refused(void **state)
{
    typedef coco_status add(coco_image_client *, const uint8_t *, size_t, coco_error **);
    static add *const adds[] = {coco_image_client_add_certificate,
                                coco_image_client_add_certificate_recipient};
    struct fixture *f = *state;
    struct pki_cert ec;
    uint8_t *der = NULL;

    pki_make(&ec, NULL, "a.test", 1);
    char *pem = pki_pem(&ec);
    size_t len = der_of(f->a.cert, &der);
    for (size_t i = 0; i < 2; i++) {
        assert_fails(adds[i](f->client, (const uint8_t *)"", 0, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, (const uint8_t *)"x", 1, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, der, len - 1, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, (const uint8_t *)pem, strlen(pem), &f->err), f->err,
                     COCO_ERR_NOTSUP, "not RSA");
        for (size_t n = 0; n < COCO_CLIENT_CERTS_MAX; n++)
            assert_ok(adds[i](f->client, der, len, &f->err), f->err);
        assert_fails(adds[i](f->client, der, len, &f->err), f->err, COCO_ERR_LIMIT, "16");
    }
    OPENSSL_free(der);
    OPENSSL_free(pem);
    pki_done(&ec);
}

static void
recipients_are_wrappers_each_of_their_scheme(void **state)
{
    struct fixture *f = *state;
    struct coco_client_recipients to;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 0);
    assert_ok(coco_image_client_add_recipient(f->client, der, len, &f->err), f->err);
    assert_ok(coco_image_client_add_certificate_recipient(f->client, der, len, &f->err), f->err);
    assert_ok(
        coco_image_client_add_kbs_recipient(f->client, "kbs:///a/b/c", kek, sizeof(kek), &f->err),
        f->err);
    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 3);
    assert_string_equal(to.list[0].scheme, "jwe");
    assert_string_equal(to.list[1].scheme, "pkcs7");
    assert_string_equal(to.list[2].scheme, "provider.attestation-agent");
    OPENSSL_free(der);
}

static void
adding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certificate(client, der, len, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certificate_recipient(client, der, len, &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
    OPENSSL_free(der);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_that_open_nothing_are_refused),
        TEST(keys_of_every_kind_that_wraps_are_taken),
        TEST(recipients_in_a_kbs_must_have_a_name_and_a_key),
        TEST(the_number_of_keys_is_bounded),
        TEST(an_image_is_encrypted_for_all_that_were_taken),
        TEST(a_certificate_opens_once_its_key_is_there),
        TEST(what_is_no_certificate_to_wrap_to_is_refused),
        TEST(recipients_are_wrappers_each_of_their_scheme),
        TEST(adding_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
