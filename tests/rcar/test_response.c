/*
 * tests/rcar/test_response.c - lib/rcar/response.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/response.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/golden.h"
#include "tests/rcar/keys.h"

#include <string.h>

#define SECRET "the secret of a guest, 40 bytes and more"

static EVP_PKEY *
golden_key(const struct golden *g)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_parse_private(g->key, strlen(g->key), &key, &err), err);
    return key;
}

static enum coco_rcar_version
version_of(const struct golden *g)
{
    enum coco_rcar_version version = COCO_RCAR_OLDEST;

    assert_true(coco_rcar_version_parse(g->version, &version));
    return version;
}

static void
assert_is(const struct coco_secret *secret, const char *text)
{
    assert_int_equal(secret->len, strlen(text));
    assert_memory_equal(secret->data, text, secret->len);
}

static void
what_other_code_sealed_is_opened(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[i]);
        _cleanup_secret_ struct coco_secret secret = {0};
        const char *text = golden[i].response;

        assert_ok(
            coco_rcar_response_open(version_of(&golden[i]), text, strlen(text), key, &secret, &err),
            err);
        assert_is(&secret, GOLDEN_SECRET);
    }
}

static void
what_is_sealed_here_is_opened_here(void **state)
{
    static const char *const secrets[] = {"", "x", SECRET};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++)
        for (size_t j = 0; j < COUNT(secrets); j++) {
            _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[i]);
            _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
            _cleanup_secret_ struct coco_secret secret = {0};

            assert_ok(coco_rcar_response_build(version_of(&golden[i]), key, secrets[j],
                                               strlen(secrets[j]), &buf, &err),
                      err);
            assert_ok(coco_rcar_response_open(version_of(&golden[i]), buf.data, buf.len, key,
                                              &secret, &err),
                      err);
            assert_is(&secret, secrets[j]);
        }
}

/* Old guests parse the header as it stands and look at nothing but these members. */
static void
the_old_form_has_upstreams_members_in_upstreams_order(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[0]);
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_rcar_response_build(COCO_RCAR_0_1_1, key, SECRET, strlen(SECRET), &buf, &err),
              err);
    const char *text = coco_buf_text(&buf);
    static const char head[] = "{\"protected\":\"{\\\"alg\\\":\\\"RSA1_5\\\","
                               "\\\"enc\\\":\\\"A256GCM\\\"}\",\"encrypted_key\":\"";
    assert_memory_equal(text, head, strlen(head));
    static const char tail[] = "\",\"tag\":\"\"}";
    assert_string_equal(text + buf.len - strlen(tail), tail);
    assert_true(strstr(text, "\",\"iv\":\"") < strstr(text, "\",\"ciphertext\":\""));
}

static void
a_form_of_another_version_is_refused(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        enum coco_rcar_version other =
            coco_rcar_has_jwe(version_of(&golden[i])) ? COCO_RCAR_0_1_1 : COCO_RCAR_0_4_0;
        _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[i]);
        struct coco_secret secret = {0};
        const char *text = golden[i].response;

        coco_status status = coco_rcar_response_open(other, text, strlen(text), key, &secret, &err);
        assert_true(status == COCO_ERR_PROTO || status == COCO_ERR_INVALID);
        coco_error_free(err);
        err = NULL;
        assert_null(secret.data);
    }
}

/* The member of a golden response with another value. */
static void
with_member(const char *name, const char *value, struct coco_buf *buf)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *text = golden[0].response;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(text, strlen(text), &json, &err), err);
    cJSON_DeleteItemFromObjectCaseSensitive(json, name);
    if (value)
        assert_ok(coco_json_add_string(json, name, value, &err), err);
    coco_buf_reset(buf);
    assert_ok(coco_json_write(json, COCO_JSON_COMPACT, buf, &err), err);
}

static void
hostile_old_responses_are_refused(void **state)
{
    static const struct {
        const char *member;
        const char *value;
        coco_status status;
        const char *why;
    } cases[] = {
        {"protected", NULL, COCO_ERR_PROTO, "protected"},
        {"protected", "", COCO_ERR_PROTO, "response"},
        {"protected", "{}", COCO_ERR_PROTO, "alg"},
        {"protected", "{\"alg\":\"RSA1_5\"}", COCO_ERR_PROTO, "enc"},
        {"protected", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", COCO_ERR_NOTSUP, "RSA-OAEP"},
        {"protected", "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", COCO_ERR_NOTSUP, "dir"},
        {"protected", "{\"alg\":\"RSA1_5\",\"enc\":\"A256CTR\"}", COCO_ERR_NOTSUP, "A256CTR"},
        {"protected", "{\"alg\":\"RSA1_5\",\"alg\":\"x\",\"enc\":\"A256GCM\"}", COCO_ERR_PROTO,
         "alg"},
        {"encrypted_key", NULL, COCO_ERR_PROTO, "encrypted_key"},
        {"encrypted_key", "****", COCO_ERR_PROTO, "encrypted_key"},
        {"encrypted_key", "AAAA", COCO_ERR_VERIFY, "cannot decrypt"},
        {"encrypted_key", "", COCO_ERR_VERIFY, "cannot decrypt"},
        {"iv", "AAAA", COCO_ERR_PROTO, "size"},
        {"iv", "AAAAAAAAAAAAAAAA", COCO_ERR_VERIFY, "cannot decrypt"},
        {"iv", "AAAAAAAAAAAAAAAAAAAA", COCO_ERR_LIMIT, "iv"},
        {"ciphertext", "AAAA", COCO_ERR_PROTO, "size"},
        {"ciphertext", "AAAAAAAAAAAAAAAAAAAAAAAA", COCO_ERR_VERIFY, "cannot decrypt"},
        {"ciphertext", NULL, COCO_ERR_PROTO, "ciphertext"},
    };
    _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[0]);
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};

        with_member(cases[i].member, cases[i].value, &buf);
        assert_fails(
            coco_rcar_response_open(COCO_RCAR_0_1_0, buf.data, buf.len, key, &secret, &err), err,
            cases[i].status, cases[i].why);
        assert_null(secret.data);
    }
}

static coco_status
seal_and_open(enum coco_rcar_version version, EVP_PKEY *key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_rcar_response_build(version, key, SECRET, strlen(SECRET), &buf, err);
    if (status == COCO_OK)
        status = coco_rcar_response_open(version, buf.data, buf.len, key, &secret, err);
    return status;
}

static void
a_response_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[i]);

        for_each_fault()
        {
            coco_status status = seal_and_open(version_of(&golden[i]), key, &err);

            fault_expect(status, err);
            coco_error_free(err);
            err = NULL;
        }
    }
}

static void
no_secret_is_left_in_memory(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        _cleanup_pkey_ EVP_PKEY *key = golden_key(&golden[i]);
        struct coco_secret secret = {0};
        const char *text = golden[i].response;

        canary_begin(GOLDEN_SECRET, strlen(GOLDEN_SECRET));
        assert_ok(
            coco_rcar_response_open(version_of(&golden[i]), text, strlen(text), key, &secret, &err),
            err);
        coco_secret_done(&secret);
        assert_int_equal(canary_end(), 0);
    }
}

/* Longer than other JSON may be: what a KBS holds, a guest gets. */
static void
a_long_secret_is_opened_and_left_nowhere(void **state)
{
    static const enum coco_rcar_version versions[] = {COCO_RCAR_0_1_1, COCO_RCAR_NEWEST};
    static const char mark[] = "the end of a long secret";
    const size_t len = (size_t)5 << 20;
    _cleanup_free_ char *data = malloc(len);
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 2654435761U >> 24);
    memcpy(data + len - strlen(mark), mark, strlen(mark));
    for (size_t i = 0; i < COUNT(versions); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_JSON_LONG_MAX};
        struct coco_secret secret = {0};

        assert_ok(coco_key_generate(COCO_KEY_RSA, &key, &err), err);
        canary_begin(mark, strlen(mark));
        assert_ok(coco_rcar_response_build(versions[i], key, data, len, &buf, &err), err);
        assert_ok(coco_rcar_response_open(versions[i], buf.data, buf.len, key, &secret, &err), err);
        assert_int_equal(secret.len, len);
        assert_memory_equal(secret.data, data, len);
        coco_secret_done(&secret);
        assert_int_equal(canary_end(), 0);
        assert_fails(
            coco_rcar_response_open(versions[i], "", COCO_JSON_LONG_MAX + 1, key, &secret, &err),
            err, COCO_ERR_LIMIT, "100663296");
    }
}

int
main(void)
{
    canary_watch_openssl();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_other_code_sealed_is_opened),
        cmocka_unit_test(what_is_sealed_here_is_opened_here),
        cmocka_unit_test(the_old_form_has_upstreams_members_in_upstreams_order),
        cmocka_unit_test(a_form_of_another_version_is_refused),
        cmocka_unit_test(hostile_old_responses_are_refused),
        cmocka_unit_test(a_response_survives_any_failed_allocation),
        cmocka_unit_test(no_secret_is_left_in_memory),
        cmocka_unit_test(a_long_secret_is_opened_and_left_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
