/*
 * tests/ocicrypt/test_pkcs11_keys.c - lib/ocicrypt/pkcs11_keys.c, with SoftHSM
 *
 * SoftHSM has OAEP with SHA-1 alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/pkcs11_keys.h"

#include "tests/canary.h"
#include "tests/crypto/softhsm.h"
#include "tests/faults.h"

#include <openssl/rsa.h>

/* As long as a layer's private options are. */
#define OPTIONS_SIZE 192

static struct softhsm hsm;

struct fixture {
    struct coco_token_key token;
    EVP_PKEY *key; /* of RSA, of nobody's token */
    struct coco_buf options;
    struct coco_buf blob;
    struct coco_secret back;
    coco_error *err;
};

static int
begin(void **state)
{
    (void)state;
    softhsm_begin(&hsm);
    softhsm_make_pair(&hsm, "mine");
    softhsm_make_pair(&hsm, "other");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    softhsm_end(&hsm);
    return 0;
}

static void
read_key(const char *object, struct coco_token_key *ret)
{
    static const struct coco_token_modules defaults;
    char text[512];
    coco_error *err = NULL;

    int n = snprintf(text, sizeof(text),
                     "pkcs11:\n  uri: pkcs11:token=coco;object=%s?module-path=" SOFTHSM_MODULE
                     "&pin-value=" SOFTHSM_PIN "\n",
                     object);
    assert_ok(coco_token_key_parse(text, (size_t)n, &defaults, ret, &err), err);
}

static int
set_up(void **state)
{
    static struct fixture fixture;
    char options[OPTIONS_SIZE];

    fixture = (struct fixture){
        .options = {.limit = 4096},
        .blob = {.limit = COCO_BLOB_MAX},
    };
    memset(options, 'o', sizeof(options));
    read_key("mine", &fixture.token);
    assert_ok(coco_buf_append(&fixture.options, options, sizeof(options), &fixture.err),
              fixture.err);
    fixture.key = EVP_RSA_gen(3072);
    assert_non_null(fixture.key);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_token_key_done(&f->token);
    EVP_PKEY_free(f->key);
    coco_buf_done(&f->options);
    coco_buf_done(&f->blob);
    coco_secret_done(&f->back);
    return 0;
}

static coco_status
wrap(struct fixture *f, const struct coco_pkcs11_recipient *list, size_t n, bool by_sha1)
{
    const struct coco_pkcs11_keys keys = {list, n, by_sha1};
    const struct coco_wrapper wrapper = coco_pkcs11_wrapper(&keys);

    coco_buf_reset(&f->blob);
    return wrapper.wrap(wrapper.self, NULL, &f->options, &f->blob, &f->err);
}

static coco_status
unwrap(struct fixture *f, struct coco_token_key *token)
{
    const struct coco_pkcs11_recipient one = {.token = token};
    const struct coco_pkcs11_keys keys = {&one, 1, false};
    const struct coco_wrapper wrapper = coco_pkcs11_wrapper(&keys);

    coco_secret_done(&f->back);
    return wrapper.unwrap(wrapper.self, NULL, &f->blob, &f->back, &f->err);
}

static void
what_a_token_wraps_it_unwraps(void **state)
{
    struct fixture *f = *state;
    const struct coco_pkcs11_recipient list[] = {{.key = f->key}, {.token = &f->token}};

    assert_ok(wrap(f, list, 2, true), f->err);
    assert_contains(coco_buf_text(&f->blob), "{\"version\":0,\"recipients\":[{\"version\":0,");
    assert_contains(coco_buf_text(&f->blob), "\"hash\":\"sha1\"");
    assert_ok(unwrap(f, &f->token), f->err);
    assert_true(coco_secret_equal(&f->back, f->options.data, f->options.len));
}

static void
what_does_not_open_is_told_with_one_text(void **state)
{
    struct fixture *f = *state;
    const struct coco_pkcs11_recipient list[] = {{.token = &f->token}};
    const struct coco_pkcs11_keys none = {list, 0, false};
    const struct coco_pkcs11_recipient public_one = {.key = f->key};
    const struct coco_pkcs11_keys public_keys = {&public_one, 1, false};
    struct coco_token_key other;

    read_key("other", &other);
    assert_ok(wrap(f, list, 1, true), f->err);
    assert_fails(unwrap(f, &other), f->err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    struct coco_wrapper opener = coco_pkcs11_wrapper(&none);
    assert_fails(opener.unwrap(opener.self, NULL, &f->blob, &f->back, &f->err), f->err,
                 COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    opener = coco_pkcs11_wrapper(&public_keys);
    assert_fails(opener.unwrap(opener.self, NULL, &f->blob, &f->back, &f->err), f->err,
                 COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    char *hash = strstr((char *)f->blob.data, "\",\"hash\"");
    assert_non_null(hash);
    hash[-10] = hash[-10] == 'A' ? 'B' : 'A';
    assert_fails(unwrap(f, &f->token), f->err, COCO_ERR_VERIFY, COCO_NO_KEY_OPENS);
    coco_token_key_done(&other);
}

/* Tokens lock themselves, and each blob of each layer of a hostile image would be a try. */
static void
a_pin_that_was_refused_is_not_tried_again(void **state)
{
    struct fixture *f = *state;
    const struct coco_pkcs11_recipient list[] = {{.token = &f->token}};
    struct coco_token_key key;

    assert_ok(wrap(f, list, 1, true), f->err);
    read_key("mine", &key);
    (void)snprintf(key.uri.pin, sizeof(key.uri.pin), "wrong-one");
    assert_fails(unwrap(f, &key), f->err, COCO_ERR_DENIED, "C_Login");
    (void)snprintf(key.uri.pin, sizeof(key.uri.pin), "%s", SOFTHSM_PIN);
    assert_fails(unwrap(f, &key), f->err, COCO_ERR_DENIED, "has refused the PIN");
    coco_token_key_done(&key);
    read_key("mine", &key);
    assert_ok(unwrap(f, &key), f->err);
    coco_token_key_done(&key);
}

static void
what_cannot_be_wrapped_is_told(void **state)
{
    struct fixture *f = *state;
    struct coco_pkcs11_recipient many[COCO_PKCS11_RECIPIENTS_MAX + 1];
    const struct coco_pkcs11_recipient list[] = {{.token = &f->token}};
    struct coco_token_key nobody;
    const struct coco_pkcs11_recipient lost = {.token = &nobody};
    EVP_PKEY *small = EVP_RSA_gen(2048);
    const struct coco_pkcs11_recipient short_key = {.key = small};

    for (size_t i = 0; i < COCO_PKCS11_RECIPIENTS_MAX + 1; i++)
        many[i] = (struct coco_pkcs11_recipient){.key = f->key};
    assert_fails(wrap(f, many, COCO_PKCS11_RECIPIENTS_MAX + 1, true), f->err, COCO_ERR_INVALID,
                 "more than 16");
    assert_ok(wrap(f, many, COCO_PKCS11_RECIPIENTS_MAX, false), f->err);
    assert_fails(wrap(f, &short_key, 1, false), f->err, COCO_ERR_LIMIT, "2048 bits is too short");
    assert_ok(wrap(f, &short_key, 1, true), f->err);
    assert_fails(wrap(f, list, 1, false), f->err, COCO_ERR_LIMIT, "");
    read_key("nobody", &nobody);
    assert_fails(wrap(f, &lost, 1, true), f->err, COCO_ERR_NOTFOUND, "no such object");
    coco_token_key_done(&nobody);
    EVP_PKEY_free(small);
}

static const struct {
    const char *blob;
    coco_status status;
    const char *why;
} hostile[] = {
    {"", COCO_ERR_PROTO, ""},
    {"[]", COCO_ERR_PROTO, ""},
    {"{}", COCO_ERR_PROTO, "recipients"},
    {"{\"recipients\":{}}", COCO_ERR_PROTO, "recipients"},
    {"{\"version\":1,\"recipients\":[]}", COCO_ERR_NOTSUP, "version"},
    {"{\"version\":\"0\",\"recipients\":[]}", COCO_ERR_PROTO, "version"},
    {"{\"version\":0,\"recipients\":[]}", COCO_ERR_VERIFY, COCO_NO_KEY_OPENS},
    {"{\"version\":0,\"recipients\":[1]}", COCO_ERR_PROTO, ""},
    {"{\"version\":0,\"recipients\":[{\"version\":2,\"blob\":\"AA==\"}]}", COCO_ERR_NOTSUP,
     "version"},
    {"{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"AA==\",\"hash\":\"md5\"}]}",
     COCO_ERR_NOTSUP, "hash"},
    {"{\"version\":0,\"recipients\":[{\"version\":0}]}", COCO_ERR_PROTO, "blob"},
    {"{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"?\"}]}", COCO_ERR_PROTO, ""},
    {"{\"version\":0,\"recipients\":[{\"version\":0,\"blob\":\"\"}]}", COCO_ERR_VERIFY,
     COCO_NO_KEY_OPENS},
    {"{\"version\":0,\"recipients\":[{\"blob\":\"AA==\"}]}", COCO_ERR_VERIFY, COCO_NO_KEY_OPENS},
    {"{\"recipients\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", COCO_ERR_LIMIT, "more than 16"},
};

static void
hostile_blobs_are_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        coco_buf_reset(&f->blob);
        assert_ok(coco_buf_append_text(&f->blob, hostile[i].blob, &f->err), f->err);
        assert_fails(unwrap(f, &f->token), f->err, hostile[i].status, hostile[i].why);
        assert_null(f->back.data);
    }
}

static void
wrapping_survives_failed_allocations_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    const struct coco_pkcs11_recipient list[] = {{.token = &f->token}};
    const struct coco_pkcs11_keys keys = {list, 1, true};
    const struct coco_wrapper wrapper = coco_pkcs11_wrapper(&keys);

    canary_begin(f->options.data, f->options.len);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf blob = {.limit = COCO_BLOB_MAX};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = wrapper.wrap(wrapper.self, NULL, &f->options, &blob, &err);
        if (status == COCO_OK)
            status = wrapper.unwrap(wrapper.self, NULL, &blob, &back, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    assert_int_equal(canary_end(), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_a_token_wraps_it_unwraps),
        test(what_does_not_open_is_told_with_one_text),
        test(a_pin_that_was_refused_is_not_tried_again),
        test(what_cannot_be_wrapped_is_told),
        test(hostile_blobs_are_refused),
        test(wrapping_survives_failed_allocations_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
