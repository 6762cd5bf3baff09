/*
 * tests/image/test_tokens.c - lib/image/tokens.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tokens.h"

#include "crypto/key.h"
#include "image/keys.h"
#include "ocicrypt/annotations.h"
#include "tests/faults.h"
#include "tests/support.h"

#include "config.h"

#include <string.h>

#if COCO_HAVE_PKCS11
#include "tests/crypto/softhsm.h"
#endif

#define KEY_FILE "pkcs11:\n  uri: pkcs11:object=a?module-path=/usr/lib/softhsm/libsofthsm2.so\n"

struct fixture {
    coco_image_client *client;
    struct coco_buf rsa;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    EVP_PKEY *key = NULL;

    fixture = (struct fixture){.rsa = {.limit = 4096}};
    assert_ok(coco_image_client_new(&fixture.client, &fixture.err), fixture.err);
    assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &fixture.err), fixture.err);
    assert_ok(coco_key_public_pem(key, &fixture.rsa, &fixture.err), fixture.err);
    EVP_PKEY_free(key);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_buf_done(&f->rsa);
    return 0;
}

static coco_status
add_key(coco_image_client *client, const char *text, coco_error **err)
{
    return coco_image_client_add_pkcs11_key(client, (const uint8_t *)text, strlen(text), err);
}

static coco_status
add_recipient(coco_image_client *client, const char *text, coco_error **err)
{
    return coco_image_client_add_pkcs11_recipient(client, (const uint8_t *)text, strlen(text), err);
}

static void
keys_open_and_recipients_wrap(void **state)
{
    struct fixture *f = *state;
    struct coco_client_openers openers;
    struct coco_client_recipients to;

    assert_ok(add_recipient(f->client, coco_buf_text(&f->rsa), &f->err), f->err);
    assert_ok(add_recipient(f->client, KEY_FILE, &f->err), f->err);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 1);
    assert_string_equal(to.list[0].scheme, "pkcs11");
    assert_int_equal(to.tokens.n, 2);
    assert_false(to.tokens.by_sha1);
    assert_ok(coco_image_client_set_pkcs11_hash(f->client, "sha1", &f->err), f->err);
    assert_ok(add_key(f->client, KEY_FILE, &f->err), f->err);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 1);
    assert_string_equal(openers.list[0].scheme, "pkcs11");
    coco_client_recipients(f->client, &to);
    assert_true(to.tokens.by_sha1);
}

static void
what_is_none_of_that_is_refused(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf ec = {.limit = 4096};

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(coco_key_public_pem(key, &ec, &f->err), f->err);
    EVP_PKEY_free(key);
    assert_fails(add_key(f->client, coco_buf_text(&f->rsa), &f->err), f->err, COCO_ERR_PROTO,
                 "key file");
    assert_fails(add_recipient(f->client, coco_buf_text(&ec), &f->err), f->err, COCO_ERR_NOTSUP,
                 "not RSA");
    assert_fails(add_recipient(f->client, "x", &f->err), f->err, COCO_ERR_PROTO, "");
    assert_fails(add_recipient(f->client, "", &f->err), f->err, COCO_ERR_PROTO, "");
    assert_fails(coco_image_client_set_pkcs11_hash(f->client, "SHA1", &f->err), f->err,
                 COCO_ERR_INVALID, "SHA1");
    assert_fails(coco_image_client_set_pkcs11_modules(f->client, (const uint8_t *)"x", 1, &f->err),
                 f->err, COCO_ERR_PROTO, "settings");
}

static void
settings_count_for_keys_that_come_after(void **state)
{
    struct fixture *f = *state;
    static const char none[] = "pkcs11:\n  allowed-module-paths:\n  - /nowhere/\n";

    assert_ok(add_key(f->client, KEY_FILE, &f->err), f->err);
    assert_ok(coco_image_client_set_pkcs11_modules(f->client, (const uint8_t *)none,
                                                   sizeof(none) - 1, &f->err),
              f->err);
    assert_fails(add_key(f->client, KEY_FILE, &f->err), f->err, COCO_ERR_DENIED, "softhsm");
    assert_ok(coco_image_client_set_pkcs11_modules(f->client, (const uint8_t *)"{}", 2, &f->err),
              f->err);
    assert_fails(add_recipient(f->client, KEY_FILE, &f->err), f->err, COCO_ERR_DENIED, "softhsm");
}

static void
there_are_sixteen_at_most(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COCO_PKCS11_RECIPIENTS_MAX; i++) {
        assert_ok(add_key(f->client, KEY_FILE, &f->err), f->err);
        assert_ok(add_recipient(f->client, KEY_FILE, &f->err), f->err);
    }
    assert_fails(add_key(f->client, KEY_FILE, &f->err), f->err, COCO_ERR_LIMIT, "16");
    assert_fails(add_recipient(f->client, KEY_FILE, &f->err), f->err, COCO_ERR_LIMIT, "16");
}

#if COCO_HAVE_PKCS11

static void
add_object(struct fixture *f, const char *object)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "pkcs11:\n  uri: pkcs11:token=coco;object=%s?module-path=" SOFTHSM_MODULE
                   "&pin-value=" SOFTHSM_PIN "\n",
                   object);
    assert_ok(add_key(f->client, text, &f->err), f->err);
}

/* As ocicrypt goes on where a token fails. */
static void
a_key_that_is_away_hides_no_other(void **state)
{
    struct fixture *f = *state;
    struct coco_client_openers openers;
    struct coco_client_recipients to;
    _cleanup_layer_key_ struct coco_layer_key key = {0};
    _cleanup_layer_key_ struct coco_layer_key back = {0};
    _cleanup_json_ cJSON *annotations = NULL;

    if (access(SOFTHSM_MODULE, R_OK) != 0)
        skip();
    softhsm_begin(&hsm);
    softhsm_make_pair(&hsm, "mine");
    assert_ok(add_recipient(
                  f->client,
                  "pkcs11:\n  uri: pkcs11:token=coco;object=mine?module-path=" SOFTHSM_MODULE "\n",
                  &f->err),
              f->err);
    assert_ok(coco_image_client_set_pkcs11_hash(f->client, "sha1", &f->err), f->err);
    coco_client_recipients(f->client, &to);
    assert_ok(coco_layer_key_generate(&key, &f->err), f->err);
    assert_ok(coco_json_new_object(&annotations, &f->err), f->err);
    assert_ok(coco_annotations_add(annotations, &key, to.list, to.n, NULL, &f->err), f->err);
    add_object(f, "nobody");
    coco_client_openers(f->client, &openers);
    assert_fails(coco_annotations_open(annotations, openers.list, openers.n, NULL, &back, &f->err),
                 f->err, COCO_ERR_NOTFOUND, "no such object");
    add_object(f, "mine");
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 2);
    assert_ok(coco_annotations_open(annotations, openers.list, openers.n, NULL, &back, &f->err),
              f->err);
    assert_true(coco_secret_equal(&back.key, key.key.data, key.key.len));
    softhsm_end(&hsm);
}

#endif

static void
adding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    static const char settings[] = "pkcs11:\n  allowed-module-paths:\n  - /usr/lib/softhsm/\n";

    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        if (status == COCO_OK)
            status = coco_image_client_set_pkcs11_modules(client, (const uint8_t *)settings,
                                                          sizeof(settings) - 1, &err);
        if (status == COCO_OK)
            status = add_key(client, KEY_FILE, &err);
        if (status == COCO_OK)
            status = add_recipient(client, coco_buf_text(&f->rsa), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_pkcs11_hash(client, "sha1", &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_open_and_recipients_wrap),
        TEST(what_is_none_of_that_is_refused),
        TEST(settings_count_for_keys_that_come_after),
        TEST(there_are_sixteen_at_most),
        TEST(adding_survives_any_failed_allocation),
#if COCO_HAVE_PKCS11
        TEST(a_key_that_is_away_hides_no_other),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
