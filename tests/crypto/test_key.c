/*
 * tests/crypto/test_key.c - lib/crypto/key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/key.h"

#include "tests/canary.h"
#include "tests/crypto/vectors.h"
#include "tests/faults.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                           COCO_KEY_RSA, COCO_KEY_ED25519};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static coco_status
parse_private(const char *text, EVP_PKEY **ret, coco_error **err)
{
    return coco_key_parse_private(text, strlen(text), ret, err);
}

static coco_status
parse_public(const char *text, EVP_PKEY **ret, coco_error **err)
{
    return coco_key_parse_public(text, strlen(text), ret, err);
}

static EVP_PKEY *
new_key(enum coco_key_kind kind)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    return key;
}

static void
every_kind_goes_out_and_comes_back(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        EVP_PKEY *key = new_key(kinds[i]);
        struct coco_buf secret = {.limit = 8192};
        struct coco_buf pem = {.limit = 8192};
        struct coco_buf der = {.limit = 8192};
        EVP_PKEY *back[3] = {NULL};
        enum coco_key_kind kind = 0;

        assert_ok(coco_key_kind_of(key, &kind, &err), err);
        assert_int_equal(kind, kinds[i]);
        assert_ok(coco_key_private_pem(key, &secret, &err), err);
        assert_ok(coco_key_public_pem(key, &pem, &err), err);
        assert_ok(coco_key_public_der(key, &der, &err), err);
        assert_contains(coco_buf_text(&secret), "-----BEGIN PRIVATE KEY-----");
        assert_contains(coco_buf_text(&pem), "-----BEGIN PUBLIC KEY-----");
        assert_ok(parse_private(coco_buf_text(&secret), &back[0], &err), err);
        assert_ok(parse_public(coco_buf_text(&pem), &back[1], &err), err);
        assert_ok(coco_key_parse_public(der.data, der.len, &back[2], &err), err);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(EVP_PKEY_eq(key, back[k]), 1);
            EVP_PKEY_free(back[k]);
        }
        coco_buf_done(&secret);
        coco_buf_done(&pem);
        coco_buf_done(&der);
        EVP_PKEY_free(key);
    }
}

static void
what_is_signed_verifies_and_nothing_else_does(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        EVP_PKEY *key = new_key(kinds[i]);
        EVP_PKEY *other = new_key(kinds[(i + 1) % N_KINDS]);
        struct coco_buf sig = {.limit = 1024};

        assert_ok(coco_key_sign(key, "text", 4, &sig, &err), err);
        assert_ok(coco_key_verify(key, "text", 4, sig.data, sig.len, &err), err);
        assert_fails(coco_key_verify(key, "test", 4, sig.data, sig.len, &err), err, COCO_ERR_VERIFY,
                     "signature does not fit");
        assert_fails(coco_key_verify(key, "text", 4, sig.data, sig.len - 1, &err), err,
                     COCO_ERR_VERIFY, "signature does not fit");
        assert_fails(coco_key_verify(key, "text", 4, "", 0, &err), err, COCO_ERR_VERIFY,
                     "signature does not fit");
        assert_fails(coco_key_verify(other, "text", 4, sig.data, sig.len, &err), err,
                     COCO_ERR_VERIFY, "signature does not fit");
        coco_buf_done(&sig);
        EVP_PKEY_free(key);
        EVP_PKEY_free(other);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* With SHA-256 whatever the key is, and with the SHA-2 that fits it. */
static void
a_digest_verifies_in_the_place_of_what_it_is_of(void **state)
{
    static const struct {
        enum coco_key_kind kind;
        enum coco_hash_alg alg;
        coco_status status;
    } cases[] = {
        {COCO_KEY_P256, COCO_SHA256, COCO_OK},
        {COCO_KEY_P256, COCO_SHA384, COCO_ERR_NOTSUP},
        {COCO_KEY_P256, COCO_SHA512, COCO_ERR_NOTSUP},
        {COCO_KEY_P384, COCO_SHA256, COCO_OK},
        {COCO_KEY_P384, COCO_SHA384, COCO_OK},
        {COCO_KEY_P384, COCO_SHA512, COCO_ERR_NOTSUP},
        {COCO_KEY_P521, COCO_SHA256, COCO_OK},
        {COCO_KEY_P521, COCO_SHA512, COCO_OK},
        {COCO_KEY_RSA, COCO_SHA256, COCO_OK},
        {COCO_KEY_RSA, COCO_SHA512, COCO_ERR_NOTSUP},
        {COCO_KEY_ED25519, COCO_SHA256, COCO_ERR_NOTSUP},
        {COCO_KEY_ED25519, COCO_SHA512, COCO_ERR_NOTSUP},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const EVP_MD *md = cases[i].alg == COCO_SHA256   ? EVP_sha256()
                           : cases[i].alg == COCO_SHA384 ? EVP_sha384()
                                                         : EVP_sha512();
        EVP_PKEY *key = new_key(cases[i].kind);
        struct coco_buf sig = {.limit = 1024};
        struct coco_digest digest = {0};

        assert_ok(coco_digest_of(cases[i].alg, "text", 4, &digest, &err), err);
        assert_ok(coco_key_sign_with(key, cases[i].kind == COCO_KEY_ED25519 ? NULL : md, "text", 4,
                                     &sig, &err),
                  err);
        coco_status status = coco_key_verify_digest(key, &digest, sig.data, sig.len, &err);
        if (cases[i].status != COCO_OK) {
            assert_fails(status, err, cases[i].status, "");
        } else {
            assert_ok(status, err);
            assert_fails(coco_key_verify_digest(key, &digest, sig.data, sig.len - 1, &err), err,
                         COCO_ERR_VERIFY, "signature does not fit");
            assert_fails(coco_key_verify_digest(key, &digest, "", 0, &err), err, COCO_ERR_VERIFY,
                         "signature does not fit");
            digest.bytes[0] ^= 1;
            assert_fails(coco_key_verify_digest(key, &digest, sig.data, sig.len, &err), err,
                         COCO_ERR_VERIFY, "signature does not fit");
        }
        coco_buf_done(&sig);
        EVP_PKEY_free(key);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
a_public_key_can_neither_sign_nor_be_written_as_private(void **state)
{
    struct coco_buf buf = {.limit = 8192};
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_public(JWK_THUMBPRINT_KEY, &key, &err), err);
    assert_fails(coco_key_sign(key, "", 0, &buf, &err), err, COCO_ERR_INVALID, "cannot sign");
    assert_fails(coco_key_private_pem(key, &buf, &err), err, COCO_ERR_INVALID, "no private half");
    assert_int_equal(buf.len, 0);
    EVP_PKEY_free(key);
    coco_buf_done(&buf);
}

static void
other_kinds_of_keys_are_refused(void **state)
{
    EVP_PKEY *keys[] = {
        EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
        EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
        EVP_PKEY_Q_keygen(NULL, NULL, "ED448"),
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct coco_buf secret = {.limit = 8192};
        struct coco_buf public = {.limit = 8192};
        EVP_PKEY *back = NULL;

        assert_non_null(keys[i]);
        assert_ok(coco_key_private_pem(keys[i], &secret, &err), err);
        assert_ok(coco_key_public_pem(keys[i], &public, &err), err);
        assert_fails(parse_private(coco_buf_text(&secret), &back, &err), err, COCO_ERR_NOTSUP, "");
        assert_fails(parse_public(coco_buf_text(&public), &back, &err), err, COCO_ERR_NOTSUP, "");
        assert_null(back);
        coco_buf_done(&secret);
        coco_buf_done(&public);
        EVP_PKEY_free(keys[i]);
    }
}

/* SPKI of a P-256 key whose point is off the curve: the last byte of y was changed. */
static const uint8_t off_curve[] = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x80, 0x8d, 0x06, 0x00, 0x82,
    0xc1, 0x76, 0xee, 0xd3, 0xe7, 0x76, 0xa4, 0xac, 0x59, 0x8c, 0xc8, 0x67, 0x2c, 0x17, 0x79, 0xf9,
    0x74, 0xee, 0xcc, 0x9b, 0x03, 0x41, 0x1c, 0xa5, 0xb9, 0x49, 0x5d, 0x48, 0xb5, 0xbf, 0xc5, 0x27,
    0xdf, 0xce, 0x53, 0xd6, 0xac, 0x71, 0x15, 0x23, 0x7d, 0x03, 0x1c, 0xcf, 0xf8, 0x7a, 0x05, 0x70,
    0xb7, 0x73, 0x50, 0xa9, 0xe5, 0x03, 0xee, 0x73, 0x05, 0xa6, 0x9c,
};

static void
parse_refuses_what_is_no_key(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "{",
        "{}",
        "[]",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    };
    static const char huge[(256 << 10) + 1];
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_fails(parse_private(cases[i], &key, &err), err, COCO_ERR_PROTO, "");
        assert_fails(parse_public(cases[i], &key, &err), err, COCO_ERR_PROTO, "");
    }
    assert_fails(coco_key_parse_public(off_curve, sizeof(off_curve), &key, &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(coco_key_parse_private(huge, sizeof(huge), &key, &err), err, COCO_ERR_LIMIT, "");
    assert_fails(coco_key_parse_public(huge, sizeof(huge), &key, &err), err, COCO_ERR_LIMIT, "");
    assert_null(key);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
one_half_is_not_taken_for_the_other(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    struct coco_buf secret = {.limit = 8192};
    struct coco_buf public = {.limit = 8192};
    EVP_PKEY *back = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_private_pem(key, &secret, &err), err);
    assert_ok(coco_key_public_pem(key, &public, &err), err);
    assert_fails(parse_private(coco_buf_text(&public), &back, &err), err, COCO_ERR_PROTO,
                 "no PRIVATE KEY");
    assert_fails(parse_public(coco_buf_text(&secret), &back, &err), err, COCO_ERR_PROTO,
                 "no PUBLIC KEY");
    assert_fails(parse_private(JWK_THUMBPRINT_KEY, &back, &err), err, COCO_ERR_PROTO,
                 "not a private key");
    coco_buf_done(&secret);
    coco_buf_done(&public);
    EVP_PKEY_free(key);
}

#define PASSWORD "correct horse"

/* A key under PASSWORD: by PKCS#8 in PEM, in the old way of PEM, by PKCS#8 in DER. */
static void
lock_key(EVP_PKEY *key, unsigned how, BIO *bio)
{
    char password[] = PASSWORD;
    int len = (int)strlen(password);
    int done = 0;

    if (how == 0)
        done =
            PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), password, len, NULL, NULL);
    else if (how == 1)
        done = PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_256_cbc(),
                                                    (unsigned char *)password, len, NULL, NULL);
    else
        done = i2d_PKCS8PrivateKey_bio(bio, key, EVP_aes_256_cbc(), password, len, NULL, NULL);
    assert_int_equal(done, 1);
}

/* Nothing may ask for a password: there is nobody to type one. */
static void
encrypted_keys_are_refused_without_asking(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    coco_error *err = NULL;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        BIO *bio = BIO_new(BIO_s_mem());
        const char *text = NULL;
        EVP_PKEY *back = NULL;

        assert_non_null(bio);
        lock_key(key, i, bio);
        long len = BIO_get_mem_data(bio, &text);
        assert_fails(coco_key_parse_private(text, (size_t)len, &back, &err), err, COCO_ERR_NOTSUP,
                     "private key is encrypted");
        BIO_free(bio);
    }
    EVP_PKEY_free(key);
}

static struct coco_secret
secret_of(const char *text)
{
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    assert_ok(coco_secret_copy(text, strlen(text), &secret, &err), err);
    return secret;
}

static void
a_password_opens_a_key_that_is_under_it(void **state)
{
    static const enum coco_key_kind two[] = {COCO_KEY_P256, COCO_KEY_RSA};
    struct coco_secret list[] = {secret_of("wrong"), secret_of(""), secret_of(PASSWORD)};
    const struct coco_key_passwords all = {list, 3};
    const struct coco_key_passwords others = {list, 2};
    coco_error *err = NULL;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        EVP_PKEY *key = new_key(two[i / 3]);
        EVP_PKEY *back = NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        const char *text = NULL;

        assert_non_null(bio);
        lock_key(key, i % 3, bio);
        size_t len = (size_t)BIO_get_mem_data(bio, &text);
        assert_fails(coco_key_parse_locked(text, len, &others, &back, &err), err, COCO_ERR_DENIED,
                     "under a password that is not at hand");
        assert_ok(coco_key_parse_locked(text, len, &all, &back, &err), err);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);
        EVP_PKEY_free(back);
        EVP_PKEY_free(key);
        BIO_free(bio);
    }
    for (size_t i = 0; i < 3; i++)
        coco_secret_done(&list[i]);
}

/* OpenSSL has memory of its own; in ours nothing is left. */
static void
opening_a_key_survives_failed_allocations_and_leaves_nothing(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text = NULL;
    char password[] = PASSWORD;

    (void)state;
    assert_non_null(bio);
    lock_key(key, 1, bio);
    size_t len = (size_t)BIO_get_mem_data(bio, &text);
    canary_begin(password, strlen(password));
    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret secret = {0};
        const struct coco_key_passwords passwords = {&secret, 1};
        EVP_PKEY *back = NULL;
        coco_error *err = NULL;

        coco_status status = coco_secret_copy(password, strlen(password), &secret, &err);
        if (status == COCO_OK)
            status = coco_key_parse_locked(text, len, &passwords, &back, &err);
        fault_expect(status, err);
        EVP_PKEY_free(back);
    }
    assert_int_equal(canary_end(), 0);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

static void
every_form_that_ocicrypt_knows_is_read(void **state)
{
    static const char *const secrets[] = {
        "private_key.pem",  "private_key.der",    "private_key8.pem",
        "private_key8.der", "private_key_ec.der", "RSA_private.jwk",
    };
    static const char *const publics[] = {
        "public_key.pem",
        "public_key_ec.der",
        "RSA_public.jwk",
        "public_certificate.pem",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        char name[64] = "ocicrypt/keys/";
        size_t len = 0;
        EVP_PKEY *key = NULL;

        char *data = read_fixture(strncat(name, secrets[i], 32), &len);
        assert_ok(coco_key_parse_private(data, len, &key, &err), err);
        free(data);
        EVP_PKEY_free(key);
    }
    for (size_t i = 0; i < sizeof(publics) / sizeof(publics[0]); i++) {
        char name[64] = "ocicrypt/keys/";
        size_t len = 0;
        EVP_PKEY *key = NULL;

        char *data = read_fixture(strncat(name, publics[i], 32), &len);
        assert_ok(coco_key_parse_public(data, len, &key, &err), err);
        free(data);
        EVP_PKEY_free(key);
    }
}

/* What `openssl ecparam -genkey` writes: parameters first. */
static void
ec_parameters_in_front_of_the_key_are_passed_over(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    struct coco_buf text = {.limit = 8192};
    EVP_PKEY *back = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&text,
                                   "# a remark\n-----BEGIN EC PARAMETERS-----\n"
                                   "BggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
                                   &err),
              err);
    assert_ok(coco_key_private_pem(key, &text, &err), err);
    assert_ok(parse_private(coco_buf_text(&text), &back, &err), err);
    assert_int_equal(EVP_PKEY_eq(key, back), 1);
    coco_buf_done(&text);
    EVP_PKEY_free(key);
    EVP_PKEY_free(back);
}

/* As far as memory is ours: OpenSSL's own decoders free what they read unwiped. */
static void
a_private_key_is_wiped_wherever_it_was(void **state)
{
    /* The private key of ECDH_BOB, as bytes. */
    static const uint8_t secret[] = {0x54, 0x49, 0x83, 0x66, 0x90, 0xd7, 0x5c, 0xaf,
                                     0x29, 0xf0, 0xdd, 0x02, 0x9d, 0xdb, 0x31, 0xb3};
    struct coco_buf pem = {.limit = 8192};
    EVP_PKEY *key = NULL;
    EVP_PKEY *back = NULL;
    coco_error *err = NULL;

    (void)state;
    canary_begin(secret, sizeof(secret));
    assert_ok(parse_private(ECDH_BOB, &key, &err), err);
    assert_ok(coco_key_private_pem(key, &pem, &err), err);
    assert_ok(parse_private(coco_buf_text(&pem), &back, &err), err);
    EVP_PKEY_free(key);
    EVP_PKEY_free(back);
    assert_int_equal(canary_end(), 0);
    coco_buf_done(&pem);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    EVP_PKEY *key = new_key(COCO_KEY_P256);
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        struct coco_buf buf = {.limit = 8192};
        struct coco_buf sig = {.limit = 1024};
        EVP_PKEY *back = NULL;

        coco_status status = coco_key_private_pem(key, &buf, &err);
        if (status == COCO_OK)
            status = parse_private(coco_buf_text(&buf), &back, &err);
        if (status == COCO_OK)
            status = coco_key_sign(back, "x", 1, &sig, &err);
        if (status == COCO_OK)
            status = coco_key_public_der(key, &buf, &err);
        if (status == COCO_OK)
            status = coco_key_public_pem(key, &sig, &err);
        fault_expect(status, err);
        coco_buf_done(&buf);
        coco_buf_done(&sig);
        EVP_PKEY_free(back);
    }
    EVP_PKEY_free(key);
}

static void
no_key_is_made_and_nothing_signed_without_random_bytes(void **state)
{
    EVP_PKEY *ec = new_key(COCO_KEY_P256);

    (void)state;
    /* RSA draws hundreds of times, and takes as long each time: see below. */
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i] == COCO_KEY_RSA)
            continue;
        for_each_rng_fault()
        {
            _cleanup_pkey_ EVP_PKEY *key = NULL;
            coco_error *err = NULL;

            rng_expect(coco_key_generate(kinds[i], &key, &err), err);
            assert_true(!key == (err != NULL));
            coco_error_free(err);
        }
    }
    rng_begin();
    assert_true(rng_next());
    EVP_PKEY *rsa = NULL;
    coco_error *why = NULL;
    assert_fails(coco_key_generate(COCO_KEY_RSA, &rsa, &why), why, COCO_ERR_IO, "generate");
    assert_null(rsa);
    rng_end();
    for_each_rng_fault()
    {
        _cleanup_buf_ struct coco_buf sig = {.limit = 256};
        coco_error *err = NULL;

        rng_expect(coco_key_sign(ec, "x", 1, &sig, &err), err);
        assert_true(!sig.len == (err != NULL));
        coco_error_free(err);
    }
    EVP_PKEY_free(ec);
}

static void
a_key_like_another_is_on_its_curve_and_is_another(void **state)
{
    static const enum coco_key_kind curves[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *like = NULL;
        enum coco_key_kind kind = 0;

        assert_ok(coco_key_generate(curves[i], &key, &err), err);
        assert_ok(coco_key_generate_like(key, &like, &err), err);
        assert_ok(coco_key_kind_of(like, &kind, &err), err);
        assert_int_equal(kind, curves[i]);
        assert_int_equal(EVP_PKEY_eq(key, like), 0);
        assert_ok(coco_key_check(like, true, &err), err);
    }
}

/* Where the program takes algorithms from nobody who is there, as with FIPS it may be. */
static void
a_key_that_cannot_be_made_leaves_no_error_behind(void **state)
{
    (void)state;
    assert_int_equal(EVP_set_default_properties(NULL, "provider=nobody"), 1);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        EVP_PKEY *key = NULL;
        coco_error *err = NULL;

        assert_fails(coco_key_generate(kinds[i], &key, &err), err, COCO_ERR_IO, "generate");
        assert_null(key);
        assert_int_equal(ERR_peek_error(), 0);
    }
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_cannot_be_made_leaves_no_error_behind),
        cmocka_unit_test(a_key_like_another_is_on_its_curve_and_is_another),
        cmocka_unit_test(every_kind_goes_out_and_comes_back),
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else_does),
        cmocka_unit_test(a_digest_verifies_in_the_place_of_what_it_is_of),
        cmocka_unit_test(a_public_key_can_neither_sign_nor_be_written_as_private),
        cmocka_unit_test(other_kinds_of_keys_are_refused),
        cmocka_unit_test(parse_refuses_what_is_no_key),
        cmocka_unit_test(one_half_is_not_taken_for_the_other),
        cmocka_unit_test(encrypted_keys_are_refused_without_asking),
        cmocka_unit_test(a_password_opens_a_key_that_is_under_it),
        cmocka_unit_test(opening_a_key_survives_failed_allocations_and_leaves_nothing),
        cmocka_unit_test(every_form_that_ocicrypt_knows_is_read),
        cmocka_unit_test(ec_parameters_in_front_of_the_key_are_passed_over),
        cmocka_unit_test(a_private_key_is_wiped_wherever_it_was),
        cmocka_unit_test(everything_survives_any_failed_allocation),
        cmocka_unit_test(no_key_is_made_and_nothing_signed_without_random_bytes),
    };

    return cmocka_run_group_tests_name("crypto/key", tests, NULL, NULL);
}
