/*
 * tests/crypto/test_jwk_set.c - lib/crypto/jwk_set.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk_set.h"

#include "crypto/jwk.h"
#include "crypto/jws.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

/* RFC 8037 appendix A.2, and keys that are no such thing. */
#define X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\"," X
#define OCT "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"}"

static coco_status
parse(const char *text, struct coco_jwk_set *set, coco_error **err)
{
    return coco_jwk_set_parse(text, strlen(text), set, err);
}

static void
a_kid_names_its_key_among_those_of_every_kind(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};
    static const char *const kids[] = {"a", "b", "c", "d", "e"};
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    _cleanup_json_ cJSON *root = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    EVP_PKEY *keys[5] = {NULL};
    cJSON *list = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_new_object(&root, &err), err);
    assert_ok(coco_json_add_array(root, "keys", &list, &err), err);
    for (size_t i = 0; i < 5; i++) {
        cJSON *jwk = NULL;
        const char *alg = NULL;

        assert_ok(coco_key_generate(kinds[i], &keys[i], &err), err);
        assert_ok(coco_jws_alg_of(keys[i], &alg, &err), err);
        assert_ok(coco_jwk_public(keys[i], i % 2 ? alg : NULL, &jwk, &err), err);
        assert_ok(coco_json_add_string(jwk, "kid", kids[i], &err), err);
        assert_ok(coco_json_add_item(list, NULL, jwk, &err), err);
    }
    assert_ok(coco_json_write(root, COCO_JSON_COMPACT, &text, &err), err);
    assert_ok(coco_jwk_set_parse(coco_buf_text(&text), text.len, &set, &err), err);
    assert_int_equal(set.n, 5);
    for (size_t i = 0; i < 5; i++) {
        EVP_PKEY *found = coco_jwk_set_find(&set, kids[i]);

        assert_non_null(found);
        assert_int_equal(EVP_PKEY_eq(found, keys[i]), 1);
        EVP_PKEY_free(keys[i]);
    }
    assert_null(coco_jwk_set_find(&set, "f"));
    assert_null(coco_jwk_set_find(&set, ""));
    assert_null(coco_jwk_set_find(&set, NULL));
}

static void
a_token_without_a_kid_gets_the_only_key(void **state)
{
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("{\"keys\":[{" ED ",\"kid\":\"a\"}," OCT "]}", &set, &err), err);
    assert_int_equal(set.n, 1);
    assert_ptr_equal(coco_jwk_set_find(&set, NULL), set.keys[0].key);
    assert_ptr_equal(coco_jwk_set_find(&set, "a"), set.keys[0].key);
    assert_null(coco_jwk_set_find(&set, "o"));
}

static void
keys_for_something_else_are_left_out(void **state)
{
    static const char *const others[] = {
        OCT,
        "{\"kty\":\"AKP\",\"alg\":\"ML-DSA-65\",\"pub\":\"AA\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\"," X "}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{" ED ",\"use\":\"enc\"}",
        "{" ED ",\"key_ops\":[\"encrypt\",1]}",
        "{" ED ",\"alg\":\"HS256\"}",
        "{" ED ",\"alg\":\"none\"}",
        "{" ED ",\"alg\":\"ES256\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        _cleanup_jwk_set_ struct coco_jwk_set set = {0};
        struct coco_jwk_set none = {0};
        char text[1024];
        coco_error *err = NULL;

        (void)snprintf(text, sizeof(text),
                       "{\"keys\":[%s,{" ED ",\"use\":\"sig\",\"alg\":\"EdDSA\","
                       "\"key_ops\":[\"verify\"],\"kid\":\"s\"}]}",
                       others[i]);
        print_message("# case %zu\n", i);
        assert_ok(parse(text, &set, &err), err);
        assert_int_equal(set.n, 1);
        assert_string_equal(set.keys[0].kid, "s");
        (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", others[i]);
        assert_fails(parse(text, &none, &err), err, COCO_ERR_PROTO, "no key that verifies");
    }
}

static void
hostile_sets_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "JWK set"},
        {"[]", "JWK set"},
        {"{}", "no list of keys"},
        {"{\"keys\":{}}", "no list of keys"},
        {"{\"keys\":[]}", "no key that verifies"},
        {"{\"keys\":[1]}", "key 0: is not an object"},
        {"{\"keys\":[{}]}", "key 0"},
        {"{\"keys\":[{\"kty\":1}]}", "key 0"},
        {"{\"keys\":[{" ED "},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}", "key 1"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}", "key 0"},
        /* RFC 8037 appendix A.1 */
        {"{\"keys\":[{" ED ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}]}",
         "is a private key"},
        {"{\"keys\":[{" ED ",\"kid\":1}]}", "kid"},
        {"{\"keys\":[{" ED ",\"kid\":\"\"}]}", "kid is empty"},
        {"{\"keys\":[{" ED ",\"kid\":\"a\"},{" ED ",\"kid\":\"a\"}]}", "two keys have one kid"},
        {"{\"keys\":[{" ED ",\"use\":1}]}", "use"},
        {"{\"keys\":[{" ED ",\"alg\":1}]}", "alg"},
        {"{\"keys\":[{" ED ",\"key_ops\":\"verify\"}]}", "key_ops"},
        {"{\"keys\":[{" ED ",\"kty\":\"OKP\"}]}", "JWK set"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_jwk_set set = {0};
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_fails(parse(cases[i].text, &set, &err), err, COCO_ERR_PROTO, cases[i].why);
        assert_int_equal(set.n, 0);
    }
}

static void
sets_are_bounded(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JWK_SET_SIZE_MAX + 2};
    struct coco_jwk_set set = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_buf_append_text(&text, "{\"keys\":[" OCT, &err), err);
    for (size_t i = 0; i < COCO_JWK_SET_KEYS_MAX; i++)
        assert_ok(coco_buf_append_text(&text, "," OCT, &err), err);
    assert_ok(coco_buf_append_text(&text, "]}", &err), err);
    assert_fails(coco_jwk_set_parse(coco_buf_text(&text), text.len, &set, &err), err,
                 COCO_ERR_LIMIT, "more than 64 keys");
    while (text.len <= COCO_JWK_SET_SIZE_MAX)
        assert_ok(coco_buf_append_text(&text, " ", &err), err);
    assert_fails(coco_jwk_set_parse(coco_buf_text(&text), text.len, &set, &err), err,
                 COCO_ERR_LIMIT, "bytes");
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_jwk_set_ struct coco_jwk_set set = {0};
        coco_error *err = NULL;

        coco_status status =
            parse("{\"keys\":[{" ED ",\"kid\":\"a\"}," OCT ",{" ED ",\"kid\":\"b\"}]}", &set, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kid_names_its_key_among_those_of_every_kind),
        cmocka_unit_test(a_token_without_a_kid_gets_the_only_key),
        cmocka_unit_test(keys_for_something_else_are_left_out),
        cmocka_unit_test(hostile_sets_are_refused),
        cmocka_unit_test(sets_are_bounded),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("crypto/jwk_set", tests, NULL, NULL);
}
