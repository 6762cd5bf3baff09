/*
 * tests/kbc/test_passport.c - lib/kbc/passport.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/passport.h"

#include "base/json.h"
#include "crypto/jws.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MINUTE 60

/* A token whose time is over in so many seconds. */
static void
make_token(int64_t seconds, struct coco_buf *buf)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    assert_ok(coco_json_new_object(&claims, &err), err);
    assert_ok(coco_json_add_i64(claims, "exp", (int64_t)time(NULL) + seconds, &err), err);
    assert_ok(coco_jws_sign(key, NULL, claims, buf, &err), err);
}

static void
make_passport(const char *token, enum coco_key_kind kind, struct coco_buf *buf)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 8192};
    coco_error *err = NULL;

    assert_ok(coco_key_generate(kind, &key, &err), err);
    assert_ok(coco_key_private_pem(key, &pem, &err), err);
    assert_ok(coco_json_new_object(&object, &err), err);
    assert_ok(coco_json_add_string(object, "token", token, &err), err);
    assert_ok(coco_json_add_string(object, "tee_keypair", coco_buf_text(&pem), &err), err);
    assert_ok(coco_json_write(object, COCO_JSON_COMPACT, buf, &err), err);
}

static void
a_passport_is_written_as_it_is_read(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P521, COCO_KEY_RSA};
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    coco_error *err = NULL;

    (void)state;
    make_token(MINUTE, &token);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 16384};
        _cleanup_buf_ struct coco_buf again = {.limit = 16384};

        make_passport(coco_buf_text(&token), kinds[i], &text);
        assert_ok(coco_passport_read(text.data, text.len, &session, &err), err);
        assert_string_equal((const char *)session->token.data, coco_buf_text(&token));
        assert_ok(coco_passport_write(session, &again, &err), err);
        assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
    }
}

static void
hostile_passports_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, ""},
        {"[]", COCO_ERR_PROTO, ""},
        {"{}", COCO_ERR_PROTO, "token"},
        {"{\"token\":\"a.b.c\"}", COCO_ERR_PROTO, "tee_keypair"},
        {"{\"token\":1,\"tee_keypair\":\"\"}", COCO_ERR_PROTO, "token"},
        {"{\"token\":\"\",\"tee_keypair\":\"\"}", COCO_ERR_PROTO, ""},
        {"{\"token\":\"a.b\",\"tee_keypair\":\"\"}", COCO_ERR_PROTO, ""},
        {"{\"token\":\"e30.e30.AA\\r\\nX: y\",\"tee_keypair\":\"\"}", COCO_ERR_PROTO, ""},
    };
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    struct coco_session *session = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_passport_read((const uint8_t *)cases[i].text, strlen(cases[i].text),
                                        &session, &err),
                     err, cases[i].status, cases[i].why);
    make_token(MINUTE, &token);
    char text[8192];
    (void)snprintf(text, sizeof(text), "{\"token\":\"%s\",\"tee_keypair\":\"no key\"}",
                   coco_buf_text(&token));
    assert_fails(coco_passport_read((const uint8_t *)text, strlen(text), &session, &err), err,
                 COCO_ERR_PROTO, "");
    assert_null(session);
}

static void
a_key_that_nobody_encrypts_to_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};
    struct coco_session *session = NULL;
    coco_error *err = NULL;

    (void)state;
    make_token(MINUTE, &token);
    make_passport(coco_buf_text(&token), COCO_KEY_P384, &text);
    assert_fails(coco_passport_read(text.data, text.len, &session, &err), err, COCO_ERR_NOTSUP,
                 "P-256");
}

static void
a_passport_has_its_time(void **state)
{
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};
    struct coco_session *session = NULL;
    coco_error *err = NULL;

    (void)state;
    make_token(-60 * MINUTE, &token);
    make_passport(coco_buf_text(&token), COCO_KEY_P256, &text);
    assert_fails(coco_passport_read(text.data, text.len, &session, &err), err, COCO_ERR_VERIFY,
                 "expired");
}

static coco_status
read_and_write(const struct coco_buf *text, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    _cleanup_buf_ struct coco_buf again = {.limit = 16384};

    coco_status status = coco_passport_read(text->data, text->len, &session, err);
    if (status == COCO_OK)
        status = coco_passport_write(session, &again, err);
    return status;
}

static void
a_passport_survives_any_failed_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};
    coco_error *err = NULL;

    (void)state;
    make_token(MINUTE, &token);
    make_passport(coco_buf_text(&token), COCO_KEY_P256, &text);
    for_each_fault()
    {
        coco_status status = read_and_write(&text, &err);

        fault_expect(status, err);
    }
}

/* Of the key, the text that is a line of its PEM. */
static void
no_key_is_left_in_memory(void **state)
{
    _cleanup_buf_ struct coco_buf token = {.limit = 8192};
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};
    coco_error *err = NULL;
    char line[33] = "";

    (void)state;
    make_token(MINUTE, &token);
    make_passport(coco_buf_text(&token), COCO_KEY_P256, &text);
    const char *key = strstr(coco_buf_text(&text), "PRIVATE KEY-----\\n");
    assert_non_null(key);
    memcpy(line, key + strlen("PRIVATE KEY-----\\n"), 32);
    canary_begin(line, 32);
    assert_ok(read_and_write(&text, &err), err);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    canary_watch_openssl();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passport_is_written_as_it_is_read),
        cmocka_unit_test(hostile_passports_are_refused),
        cmocka_unit_test(a_key_that_nobody_encrypts_to_is_refused),
        cmocka_unit_test(a_passport_has_its_time),
        cmocka_unit_test(a_passport_survives_any_failed_allocation),
        cmocka_unit_test(no_key_is_left_in_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
