/*
 * tests/kbc/test_kbc.c - lib/kbc/kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "attester/driver.h"
#include "base/context.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
params_of_every_kbc_are_understood(void **state)
{
    static const char *const cases[] = {
        "cc_kbc::http://127.0.0.1:8080",
        "cc_kbc::https://kbs.test",
        "cc_kbc::https://kbs.test:8080/prefix/",
        "cc_kbc::http://[::1]:8080",
        "offline_fs_kbc::",
        "offline_fs_kbc::/nonexistent",
        "offline_fs_kbc::unprotected:",
        "offline_fs_kbc::unprotected:/nonexistent",
        "sample_kbc::",
        "eaa_kbc::127.0.0.1:50000",
        "eaa_kbc::unverified:verdictd.test:1234",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_kbc *kbc = NULL;

        assert_ok(coco_kbc_new(cases[i], &kbc, &err), err);
        coco_kbc_free(kbc);
    }
}

static void
hostile_params_are_refused(void **state)
{
    static const struct {
        const char *params;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_INVALID, "<kbc>::<uri>"},
        {"::", COCO_ERR_INVALID, "<kbc>::<uri>"},
        {"::https://kbs.test", COCO_ERR_INVALID, "<kbc>::<uri>"},
        {"cc_kbc", COCO_ERR_INVALID, "<kbc>::<uri>"},
        {"cc_kbc:https://kbs.test", COCO_ERR_INVALID, "<kbc>::<uri>"},
        {"cc_kbc::", COCO_ERR_INVALID, "cc_kbc"},
        {"cc_kbc::kbs.test", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::ftp://kbs.test", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::file:///etc/passwd", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https:///path", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://:8080", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://user:secret@kbs.test", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://kbs.test/?q", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://kbs.test/#f", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://kbs.test/a b", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://kbs.t\xc3\xa9st", COCO_ERR_INVALID, "http[s]://"},
        {"cc_kbc::https://kbs.test\r\nX: y", COCO_ERR_INVALID, "control"},
        {"sample_kbc::x", COCO_ERR_INVALID, "sample_kbc"},
        {"offline_fs_kbc::etc", COCO_ERR_INVALID, "absolute"},
        {"offline_fs_kbc::unprotected:etc", COCO_ERR_INVALID, "absolute"},
        {"offline_fs_kbc::Unprotected:/etc", COCO_ERR_INVALID, "absolute"},
        {"CC_KBC::https://kbs.test", COCO_ERR_NOTSUP, "CC_KBC"},
        {"cc_kbc ::https://kbs.test", COCO_ERR_NOTSUP, "no KBC"},
        {"eaa_kbc::127.0.0.1", COCO_ERR_INVALID, "eaa_kbc"},
        {"eaa_kbc::unix:/run/x", COCO_ERR_INVALID, "eaa_kbc"},
        {"eaa::127.0.0.1:50000", COCO_ERR_NOTSUP, "no KBC"},
    };
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_kbc_new(cases[i].params, &kbc, &err), err, cases[i].status, cases[i].why);
    assert_null(kbc);
}

static void
a_password_in_a_url_is_not_repeated(void **state)
{
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_kbc_new("cc_kbc::https://user:hunter2@kbs.test", &kbc, &err),
                     COCO_ERR_INVALID);
    assert_null(strstr(coco_error_message(err), "hunter2"));
    coco_error_free(err);
}

static void
params_are_bounded(void **state)
{
    char params[8192] = "cc_kbc::https://";
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    (void)state;
    memset(params + strlen(params), 'a', sizeof(params) - strlen(params) - 1);
    params[sizeof(params) - 1] = '\0';
    assert_fails(coco_kbc_new(params, &kbc, &err), err, COCO_ERR_INVALID, "cc_kbc");
    params[3000] = '\0';
    assert_fails(coco_kbc_new(params, &kbc, &err), err, COCO_ERR_INVALID, "http[s]://");
}

static void
what_a_kbc_cannot_do_is_said(void **state)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_attester *attester = NULL;
    coco_bytes *token = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_kbc_new("sample_kbc::", &kbc, &err), err);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    assert_fails(coco_kbc_set_attester(kbc, attester, &err), err, COCO_ERR_NOTSUP, "not attest");
    assert_ok(coco_attester_new("sampledevice", &attester, &err), err);
    assert_fails(coco_kbc_add_device(kbc, attester, &err), err, COCO_ERR_NOTSUP, "not attest");
    assert_fails(coco_kbc_set_tee_key(kbc, COCO_TEE_KEY_RSA, &err), err, COCO_ERR_NOTSUP,
                 "not attest");
    assert_fails(coco_kbc_set_init_data(kbc, "", &err), err, COCO_ERR_NOTSUP, "not attest");
    assert_fails(coco_kbc_set_tls_ca(kbc, (const uint8_t *)"", 0, &err), err, COCO_ERR_NOTSUP,
                 "TLS");
    assert_fails(coco_kbc_attest(kbc, ctx, &token, &err), err, COCO_ERR_NOTSUP, "not attest");
    assert_null(token);
}

static void
a_resource_needs_a_whole_name(void **state)
{
    static const char *const uris[] = {
        "",
        "kbs://",
        "kbs:///",
        "kbs:///a/b",
        "kbs:///a/b/",
        "kbs:///a/b/../c",
        "a/b/c",
        "kbs:///a/b/c?x=y#z",
        "kbs+plugin:///a/b/../c",
        "KBS:///a/b/c",
        "kbs:///a/b/.c",
    };
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *secret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_kbc_new("sample_kbc::", &kbc, &err), err);
    for (size_t i = 0; i < COUNT(uris); i++)
        assert_fails(coco_kbc_get_resource(kbc, ctx, uris[i], &secret, &err), err, COCO_ERR_INVALID,
                     "");
    assert_fails(coco_kbc_get_resource(kbc, ctx, "kbs:///a/b/c?x=y", &secret, &err), err,
                 COCO_ERR_NOTSUP, "sample_kbc has no plug-ins and takes no query");
    assert_null(secret);
}

static void
a_canceled_context_gets_nothing(void **state)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *secret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_kbc_new("sample_kbc::", &kbc, &err), err);
    coco_ctx_cancel(ctx);
    assert_fails(coco_kbc_get_resource(kbc, ctx, "kbs:///a/b/c", &secret, &err), err,
                 COCO_ERR_CANCELED, "canceled");
}

static void
making_a_kbc_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        coco_kbc *kbc = NULL;

        coco_status status = coco_kbc_new("cc_kbc::https://kbs.test/prefix", &kbc, &err);
        fault_expect(status, err);
        coco_kbc_free(kbc);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params_of_every_kbc_are_understood),
        cmocka_unit_test(hostile_params_are_refused),
        cmocka_unit_test(a_password_in_a_url_is_not_repeated),
        cmocka_unit_test(params_are_bounded),
        cmocka_unit_test(what_a_kbc_cannot_do_is_said),
        cmocka_unit_test(a_resource_needs_a_whole_name),
        cmocka_unit_test(a_canceled_context_gets_nothing),
        cmocka_unit_test(making_a_kbc_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
