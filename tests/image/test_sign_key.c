/*
 * tests/image/test_sign_key.c - lib/image/sign_key.c, with SoftHSM where there is one
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/sign_key.h"

#include "crypto/ossl.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/support.h"

#include "config.h"

#include <openssl/pem.h>
#include <string.h>

#if COCO_HAVE_PKCS11
#include "tests/crypto/softhsm.h"
#endif

#define DATA "what is signed"
#define PASSWORD "correct horse battery staple"

struct fixture {
    coco_image_client *client;
    EVP_PKEY *key;
    struct coco_buf pem;
    struct coco_buf locked;
    coco_error *err;
};

/* The key as PEM under PASSWORD. */
static void
lock(EVP_PKEY *key, struct coco_buf *ret)
{
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), PASSWORD,
                                                   (int)strlen(PASSWORD), NULL, NULL),
                     1);
    long len = BIO_get_mem_data(bio, &text);
    assert_int_equal(coco_buf_append(ret, text, (size_t)len, NULL), COCO_OK);
}

static int
set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.pem = {.limit = 4096}, .locked = {.limit = 4096}};
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P384, &f->key, &f->err), f->err);
    assert_ok(coco_key_private_pem(f->key, &f->pem, &f->err), f->err);
    lock(f->key, &f->locked);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    EVP_PKEY_free(f->key);
    coco_buf_done(&f->pem);
    coco_buf_done(&f->locked);
    return 0;
}

static coco_status
open_text(struct fixture *f, const char *text, struct coco_sign_key *ret)
{
    return coco_sign_key_open(f->client, (const uint8_t *)text, strlen(text), ret, &f->err);
}

static coco_status
add_password(struct fixture *f, const char *text)
{
    return coco_image_client_add_password(f->client, (const uint8_t *)text, strlen(text), &f->err);
}

static void
assert_signs(struct fixture *f, const struct coco_sign_key *key)
{
    _cleanup_buf_ struct coco_buf sig = {.limit = 1024};

    assert_ok(coco_sign_key_sign(key, DATA, strlen(DATA), &sig, &f->err), f->err);
    assert_ok(coco_key_verify_with(key->key, EVP_sha256(), DATA, strlen(DATA), sig.data, sig.len,
                                   &f->err),
              f->err);
}

static void
a_key_signs_with_sha256_whatever_its_curve(void **state)
{
    struct fixture *f = *state;
    _cleanup_sign_key_ struct coco_sign_key key = {0};

    assert_ok(open_text(f, coco_buf_text(&f->pem), &key), f->err);
    assert_signs(f, &key);
}

static void
a_password_opens_what_is_under_one(void **state)
{
    struct fixture *f = *state;
    _cleanup_sign_key_ struct coco_sign_key key = {0};

    assert_fails(open_text(f, coco_buf_text(&f->locked), &key), f->err, COCO_ERR_NOTSUP,
                 "encrypted");
    assert_ok(add_password(f, "another"), f->err);
    assert_fails(open_text(f, coco_buf_text(&f->locked), &key), f->err, COCO_ERR_DENIED,
                 "password");
    assert_null(key.key);
    assert_ok(add_password(f, PASSWORD), f->err);
    assert_ok(open_text(f, coco_buf_text(&f->locked), &key), f->err);
    assert_signs(f, &key);
}

#if COCO_HAVE_PKCS11

static int
begin(void **state)
{
    (void)state;
    if (access(SOFTHSM_MODULE, R_OK) != 0)
        return 0;
    softhsm_begin(&hsm);
    softhsm_make_signer(&hsm, "signer", NULL, 0);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    if (hsm.functions)
        softhsm_end(&hsm);
    return 0;
}

static void
need_token(void)
{
    if (!hsm.functions)
        skip();
}

static void
a_token_signs_by_its_uri_and_by_a_key_file(void **state)
{
    struct fixture *f = *state;
    char uri[1024];
    char text[2048];

    need_token();
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=coco;object=signer?module-path=%s&pin-source=%s",
                   SOFTHSM_MODULE, hsm.pin_file);
    static const char *const around[][2] = {
        {"", ""},
        {"", "\n"},
        {"pkcs11:\n  uri: ", "\n"},
        {"module:\n  env:\n    TEST_A: b\npkcs11:\n  uri: ", "\n"},
    };
    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        _cleanup_sign_key_ struct coco_sign_key key = {0};

        (void)snprintf(text, sizeof(text), "%s%s%s", around[i][0], uri, around[i][1]);
        assert_ok(open_text(f, text, &key), f->err);
        assert_non_null(key.token);
        assert_signs(f, &key);
    }
}

static void
what_names_no_key_of_a_token_is_refused(void **state)
{
    static const char at[] = "?module-path=" SOFTHSM_MODULE;
    static const struct {
        const char *head, *tail;
        coco_status status;
        const char *part;
    } rows[] = {
        {"pkcs11:token=coco;object=signer", "&pin-value=" SOFTHSM_PIN, COCO_ERR_INVALID, "a PIN"},
        {"pkcs11:token=coco;object=nobody", "&pin-source=%", COCO_ERR_NOTFOUND, "no such object"},
        {"pkcs11:token=coco;object=" SOFTHSM_KEY, "&pin-source=%", COCO_ERR_NOTFOUND, "no such"},
        {"pkcs11:token=nowhere;object=signer", "&pin-source=%", COCO_ERR_NOTFOUND, "no such token"},
        {"pkcs11:token=coco;object=signer", "&pin-source=/nowhere", COCO_ERR_NOTFOUND, "PIN in"},
        {"pkcs11:token=coco", "&pin-source=%", COCO_ERR_INVALID, ""},
        {"pkcs11:token=coco;object=signer\npkcs11:", "", COCO_ERR_INVALID, "'object'"},
        {"pkcs11:token=coco;object=signer #", "", COCO_ERR_INVALID, "'object'"},
        {"pkcs11:token=coco;object=\"signer\"", "&pin-source=%", COCO_ERR_NOTFOUND, "no such"},
        {"pkcs11:token=coco;object=signer;shape=round", "", COCO_ERR_INVALID, ""},
        {"pkcs11:", "", COCO_ERR_INVALID, ""},
        {"pkcs11:\n", "", COCO_ERR_NOTSUP, "key file"},
        {"pkcs11:\n  uri: x\n#", "", COCO_ERR_INVALID, "key file"},
    };
    struct fixture *f = *state;

    need_token();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        _cleanup_sign_key_ struct coco_sign_key key = {0};
        char text[1024];
        size_t pin = strcspn(rows[i].tail, "%");

        (void)snprintf(text, sizeof(text), "%s%s%.*s%s", rows[i].head, at, (int)pin, rows[i].tail,
                       rows[i].tail[pin] ? hsm.pin_file : "");
        assert_fails(open_text(f, text, &key), f->err, rows[i].status, rows[i].part);
        assert_null(key.key);
    }
}

static void
only_modules_that_may_be_loaded_are(void **state)
{
    static const char none[] = "pkcs11:\n  allowed-module-paths:\n  - /nowhere/\n";
    struct fixture *f = *state;
    _cleanup_sign_key_ struct coco_sign_key key = {0};

    need_token();
    assert_ok(coco_image_client_set_pkcs11_modules(f->client, (const uint8_t *)none,
                                                   sizeof(none) - 1, &f->err),
              f->err);
    assert_fails(open_text(f, "pkcs11:object=signer?module-path=" SOFTHSM_MODULE, &key), f->err,
                 COCO_ERR_DENIED, "softhsm");
}

static void
opening_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    char uri[1024];

    need_token();
    (void)snprintf(uri, sizeof(uri), "pkcs11:token=coco;object=signer?module-path=%s&pin-source=%s",
                   SOFTHSM_MODULE, hsm.pin_file);
    for_each_fault()
    {
        struct coco_sign_key key = {0};
        _cleanup_buf_ struct coco_buf sig = {.limit = 1024};

        coco_status status = open_text(f, uri, &key);
        if (status == COCO_OK)
            status = coco_sign_key_sign(&key, DATA, strlen(DATA), &sig, &f->err);
        fault_expect(status, f->err);
        coco_sign_key_done(&key);
    }
}

static void
the_pin_is_wiped(void **state)
{
    struct fixture *f = *state;
    char text[1024];
    static const char pin[] = SOFTHSM_PIN;
    _cleanup_sign_key_ struct coco_sign_key key = {0};

    need_token();
    (void)snprintf(text, sizeof(text),
                   "pkcs11:\n  uri: pkcs11:token=coco;object=signer?module-path=%s&pin-value=%s\n",
                   SOFTHSM_MODULE, SOFTHSM_PIN);
    canary_begin(pin, strlen(pin));
    assert_ok(open_text(f, text, &key), f->err);
    coco_sign_key_done(&key);
    key = (struct coco_sign_key){0};
    assert_int_equal(canary_end(), 0);
}

#define BEGIN begin
#define END end

#else

#define BEGIN NULL
#define END NULL

static void
without_tokens_a_uri_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_sign_key key = {0};

    assert_fails(open_text(f, "pkcs11:object=a?module-path=/usr/lib/a.so", &key), f->err,
                 COCO_ERR_NOTSUP, "no PKCS#11");
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_signs_with_sha256_whatever_its_curve),
        TEST(a_password_opens_what_is_under_one),
#if COCO_HAVE_PKCS11
        TEST(a_token_signs_by_its_uri_and_by_a_key_file),
        TEST(what_names_no_key_of_a_token_is_refused),
        TEST(only_modules_that_may_be_loaded_are),
        TEST(opening_survives_any_failed_allocation),
        TEST(the_pin_is_wiped),
#else
        TEST(without_tokens_a_uri_is_refused),
#endif
    };

    return cmocka_run_group_tests_name("image/sign_key", tests, BEGIN, END);
}
