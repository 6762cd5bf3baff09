/*
 * tests/kbc/test_vault_reply.c - lib/kbc/vault_reply.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_reply.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef coco_status read_fn(const void *text, size_t len, struct coco_secret *ret,
                            coco_error **err);

static coco_status
read_kv1(const void *text, size_t len, struct coco_secret *ret, coco_error **err)
{
    return coco_vault_read_secret(text, len, 1, "data", ret, err);
}

static coco_status
read_kv2(const void *text, size_t len, struct coco_secret *ret, coco_error **err)
{
    return coco_vault_read_secret(text, len, 2, "data", ret, err);
}

#define N10 "97,98,99,100,101,102,103,104,105,106,"
#define L10 "abcdefghij"

static void
what_is_asked_for_is_found(void **state)
{
    static const struct {
        read_fn *read;
        const char *text, *want;
    } cases[] = {
        {read_kv1, "{\"data\":{\"data\":\"s\",\"other\":1},\"lease_id\":\"\"}", "s"},
        {read_kv1, "{\"data\":{\"data\":\"\"}}", ""},
        {read_kv1, "{\"data\":{\"data\":[115,101,99]}}", "sec"},
        {read_kv1, "{\"data\":{\"data\":[]}}", ""},
        {read_kv1, "{\"data\":{\"data\":[" N10 N10 N10 "97,98]}}", L10 L10 L10 "ab"},
        {read_kv2, "{\"data\":{\"data\":{\"data\":\"s\"},\"metadata\":{\"version\":3}}}", "s"},
        {read_kv2, "{\"data\":{\"data\":{\"data\":[115]},\"metadata\":{}}}", "s"},
        {coco_vault_read_ciphertext, "{\"data\":{\"ciphertext\":\"vault:v1:AA==\"}}",
         "vault:v1:AA=="},
        {coco_vault_read_plaintext, "{\"data\":{\"plaintext\":\"c2Vj\"}}", "sec"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_secret_ struct coco_secret found = {0};
        coco_error *err = NULL;

        assert_ok(cases[i].read(cases[i].text, strlen(cases[i].text), &found, &err), err);
        if (!coco_secret_equal(&found, cases[i].want, strlen(cases[i].want)))
            fail_msg("case %zu", i);
    }
}

static void
the_secret_is_the_value_that_is_named(void **state)
{
    static const char text[] = "{\"data\":{\"data\":{\"data\":\"a\",\"password\":\"b\","
                               "\"metadata\":\"c\"},\"metadata\":{}}}";
    static const char *const names[] = {"data", "a", "password", "b", "metadata", "c"};
    struct coco_secret none = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i += 2) {
        _cleanup_secret_ struct coco_secret found = {0};

        assert_ok(coco_vault_read_secret(text, strlen(text), 2, names[i], &found, &err), err);
        assert_true(coco_secret_equal(&found, names[i + 1], 1));
    }
    assert_fails(coco_vault_read_secret(text, strlen(text), 2, "Password", &none, &err), err,
                 COCO_ERR_NOTFOUND, "has no value 'Password'");
}

static void
hostile_answers_are_refused(void **state)
{
    static const struct {
        read_fn *read;
        const char *text;
        coco_status want;
    } cases[] = {
        {read_kv1, "", COCO_ERR_PROTO},
        {read_kv1, "[]", COCO_ERR_PROTO},
        {read_kv1, "null", COCO_ERR_PROTO},
        {read_kv1, "{}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":null}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":[]}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{}}", COCO_ERR_NOTFOUND},
        {read_kv1, "{\"data\":{\"Data\":\"x\"}}", COCO_ERR_NOTFOUND},
        {read_kv1, "{\"data\":{\"data\":null}}", COCO_ERR_NOTFOUND},
        {read_kv1, "{\"data\":{\"data\":{}}}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{\"data\":1}}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{\"data\":[256]}}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{\"data\":[-1]}}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{\"data\":[\"a\"]}}", COCO_ERR_PROTO},
        {read_kv1, "{\"data\":{\"data\":\"a\",\"data\":\"b\"}}", COCO_ERR_PROTO},
        {read_kv2, "{\"data\":{\"data\":\"s\"}}", COCO_ERR_PROTO},
        {read_kv2, "{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"x\"}}}",
         COCO_ERR_NOTFOUND},
        {read_kv2, "{\"data\":{\"data\":{}}}", COCO_ERR_NOTFOUND},
        {coco_vault_read_ciphertext, "{\"data\":{}}", COCO_ERR_PROTO},
        {coco_vault_read_ciphertext, "{\"data\":{\"ciphertext\":\"\"}}", COCO_ERR_PROTO},
        {coco_vault_read_ciphertext, "{\"data\":{\"ciphertext\":\"vault:v\"}}", COCO_ERR_PROTO},
        {coco_vault_read_ciphertext, "{\"data\":{\"ciphertext\":\"vault:v1:a b\"}}",
         COCO_ERR_PROTO},
        {coco_vault_read_plaintext, "{\"data\":{\"plaintext\":\"%%%\"}}", COCO_ERR_PROTO},
        {coco_vault_read_plaintext, "{\"data\":{\"plaintext\":null}}", COCO_ERR_PROTO},
        {coco_vault_read_plaintext, "{\"auth\":{}}", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_secret found = {0};

        coco_status status = cases[i].read(cases[i].text, strlen(cases[i].text), &found, NULL);
        if (status != cases[i].want)
            fail_msg("%s gives %s", cases[i].text, coco_status_name(status));
        assert_null(found.data);
    }
}

static void
a_login_gives_a_token_for_a_while(void **state)
{
    static const char good[] = "{\"auth\":{\"client_token\":\"hvs.x\",\"lease_duration\":60}}";
    static const char *const bad[] = {
        "{}",
        "{\"auth\":null}",
        "{\"auth\":{}}",
        "{\"auth\":{\"client_token\":\"\"}}",
        "{\"auth\":{\"client_token\":\"a b\"}}",
        "{\"auth\":{\"client_token\":\"a\\r\\nX-Evil: 1\"}}",
        "{\"auth\":{\"client_token\":\"a\",\"lease_duration\":-1}}",
    };
    _cleanup_vault_login_ struct coco_vault_login login = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_vault_read_login(good, strlen(good), &login, &err), err);
    assert_string_equal((const char *)login.token.data, "hvs.x");
    assert_int_equal(login.seconds, 60);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct coco_vault_login none = {0};

        coco_status status = coco_vault_read_login(bad[i], strlen(bad[i]), &none, NULL);
        if (status != COCO_ERR_PROTO)
            fail_msg("%s gives %s", bad[i], coco_status_name(status));
    }
}

static void
a_refusal_is_told_in_the_vaults_words(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"errors\":[\"permission denied\"]}", "the Vault says: permission denied (403)"},
        {"{\"errors\":[\"a\\u001b[31mb\"]}", "a\\x1b[31mb"},
        {"{\"errors\":[\"1 error occurred:\\n\\t* permission denied\\n\\n\"]}",
         "the Vault says: 1 error occurred: * permission denied (403)"},
        {"{\"errors\":[\" \\n\"]}", "HTTP status 403"},
        {"{\"data\":null,\"warnings\":[\"Invalid path\"]}", "the Vault says: Invalid path (403)"},
        {"{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"2026-11-29T12:23:49.9Z\","
         "\"destroyed\":false}},\"warnings\":null}",
         "this version was deleted"},
        {"{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"\",\"destroyed\":true}}}",
         "this version was destroyed"},
        {"{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"\"}}}", "HTTP status 403"},
        {"{\"data\":{\"metadata\":[\"destroyed\"]}}", "HTTP status 403"},
        {"{\"errors\":[]}", "HTTP status 403"},
        {"{\"errors\":\"x\"}", "HTTP status 403"},
        {"{\"errors\":[1]}", "HTTP status 403"},
        {"<html>", "HTTP status 403"},
        {"", "HTTP status 403"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_error *err = NULL;

        assert_fails(
            coco_vault_fail(cases[i].text, strlen(cases[i].text), COCO_ERR_DENIED, 403, &err), err,
            COCO_ERR_DENIED, cases[i].want);
    }
}

/* Where nothing is said, the status says enough. */
static void
a_status_is_told_in_words(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_vault_fail("{\"errors\":[]}", 13, COCO_ERR_NOTFOUND, 404, &err), err,
                 COCO_ERR_NOTFOUND, "the Vault has nothing there (404)");
    assert_fails(coco_vault_fail("", 0, COCO_ERR_NET, 307, &err), err, COCO_ERR_NET,
                 "the Vault stands by, and cannot reach who leads (307)");
    assert_fails(coco_vault_fail("", 0, COCO_ERR_PROTO, 301, &err), err, COCO_ERR_PROTO,
                 "sends us elsewhere, where we do not go (301)");
}

static void
what_was_read_is_wiped(void **state)
{
    static const char secret[] = "known to the vault alone";
    static const char text[] = "{\"data\":{\"data\":\"known to the vault alone\"}}";
    static const char wrapped[] = "{\"data\":{\"plaintext\":\"a25vd24gdG8gdGhlIHZhdWx0IGFsb25l\"}}";
    struct coco_secret found = {0};
    coco_error *err = NULL;

    (void)state;
    canary_begin(secret, strlen(secret));
    assert_ok(read_kv1(text, strlen(text), &found, &err), err);
    coco_secret_done(&found);
    assert_ok(coco_vault_read_plaintext(wrapped, strlen(wrapped), &found, &err), err);
    assert_true(coco_secret_equal(&found, secret, strlen(secret)));
    coco_secret_done(&found);
    assert_int_equal(canary_end(), 0);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"data\":{\"data\":{\"data\":[115,101,99]}}}";
    static const char login[] = "{\"auth\":{\"client_token\":\"hvs.x\",\"lease_duration\":60}}";
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret found = {0};
        _cleanup_vault_login_ struct coco_vault_login made = {0};

        coco_status status = read_kv2(text, strlen(text), &found, &err);
        if (status == COCO_OK)
            status = coco_vault_read_login(login, strlen(login), &made, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_found),
        cmocka_unit_test(the_secret_is_the_value_that_is_named),
        cmocka_unit_test(hostile_answers_are_refused),
        cmocka_unit_test(a_login_gives_a_token_for_a_while),
        cmocka_unit_test(a_refusal_is_told_in_the_vaults_words),
        cmocka_unit_test(a_status_is_told_in_words),
        cmocka_unit_test(what_was_read_is_wiped),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
