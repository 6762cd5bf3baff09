/*
 * tests/kbc/test_vault_settings.c - lib/kbc/vault_settings.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_settings.h"

#include "tests/faults.h"

#include <string.h>

#define VAULT "https://vault.test:8200"

static void
what_is_not_said_has_its_usual_value(void **state)
{
    _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_vault_settings_parse(VAULT "?token-file=/t", &settings, &err), err);
    assert_string_equal(settings.url, VAULT);
    assert_string_equal(settings.mount, "secret");
    assert_string_equal(settings.field, "data");
    assert_string_equal(settings.transit, "transit");
    assert_string_equal(settings.approle, "approle");
    assert_string_equal(settings.token, "/t");
    assert_string_equal(settings.jwt, "jwt");
    assert_string_equal(settings.cert, "cert");
    assert_null(settings.space);
    assert_null(settings.role_id);
    assert_null(settings.role);
    assert_int_equal(settings.kv, 2);
}

static void
everything_can_be_said(void **state)
{
    _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_vault_settings_parse(
                  VAULT "/p?mount=a/b&field=pass&kv=1&transit=t&approle=r&namespace=n/s"
                        "&role-id=db02-44&secret-id-file=/run/secret id",
                  &settings, &err),
              err);
    assert_string_equal(settings.url, VAULT "/p");
    assert_string_equal(settings.mount, "a/b");
    assert_string_equal(settings.field, "pass");
    assert_string_equal(settings.transit, "t");
    assert_string_equal(settings.approle, "r");
    assert_string_equal(settings.space, "n/s");
    assert_string_equal(settings.role_id, "db02-44");
    assert_string_equal(settings.secret_id, "/run/secret id");
    assert_int_equal(settings.kv, 1);
}

static void
there_are_several_logins_and_none(void **state)
{
    static const char *const cases[] = {
        VAULT,
        VAULT "?mount=kv",
        VAULT "?role-id=r",
        VAULT "?jwt-file=/j",
        VAULT "?jwt-file=/j&role=guest&jwt=kubernetes",
        VAULT "?cert-file=/c&key-file=/k",
        VAULT "?cert-file=/c&key-file=/k&role=guest&cert=tls",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
        coco_error *err = NULL;

        assert_ok(coco_vault_settings_parse(cases[i], &settings, &err), err);
    }
}

static void
hostile_settings_are_refused(void **state)
{
    static const char *const cases[] = {
        VAULT "?",
        VAULT "?token-file",
        VAULT "?token-file=",
        VAULT "?token-file=relative",
        VAULT "?token-file=/a&token-file=/b",
        VAULT "?token-file=/a&role-id=r",
        VAULT "?token-file=/a&secret-id-file=/b",
        VAULT "?token-file=/a&jwt-file=/b",
        VAULT "?token-file=/a&role=r",
        VAULT "?role-id=r&cert-file=/c&key-file=/k",
        VAULT "?role-id=r&role=r",
        VAULT "?role=r",
        VAULT "?cert-file=/c",
        VAULT "?key-file=/k",
        VAULT "?jwt-file=/j&key-file=/k",
        VAULT "?jwt-file=j",
        VAULT "?jwt-file=/j&jwt=../sys",
        VAULT "?secret-id-file=/b",
        VAULT "?token=hvs.secret",
        VAULT "?role-id=a&secret-id=b",
        VAULT "?token-file=/a&kv=3",
        VAULT "?token-file=/a&kv=",
        VAULT "?token-file=/a&kv=2&kv=2",
        VAULT "?token-file=/a&field=",
        VAULT "?token-file=/a&mount=",
        VAULT "?token-file=/a&mount=a//b",
        VAULT "?token-file=/a&mount=../sys",
        VAULT "?token-file=/a&mount=a/../../sys",
        VAULT "?token-file=/a&mount=/a",
        VAULT "?token-file=/a&mount=a/",
        VAULT "?token-file=/a&mount=a%2fb",
        VAULT "?token-file=/a&mount=a#b",
        VAULT "?token-file=/a&namespace=a\rb",
        VAULT "?token-file=/a&unknown=x",
        VAULT "?token-file=/a&",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_vault_settings settings = {0};

        coco_status status = coco_vault_settings_parse(cases[i], &settings, NULL);
        if (status != COCO_ERR_INVALID)
            fail_msg("'%s' gives %s", cases[i], coco_status_name(status));
        assert_null(settings.url);
    }
}

/* Who puts a token there finds it in no message. */
static void
no_value_is_shown(void **state)
{
    struct coco_vault_settings settings = {0};
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_vault_settings_parse(VAULT "?token=hvs.secret", &settings, &err),
                     COCO_ERR_INVALID);
    assert_null(strstr(coco_error_message(err), "hvs"));
    coco_error_free(err);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_vault_settings_ struct coco_vault_settings settings = {0};

        coco_status status =
            coco_vault_settings_parse(VAULT "?token-file=/a&mount=b&namespace=c", &settings, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_usual_value),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test(there_are_several_logins_and_none),
        cmocka_unit_test(hostile_settings_are_refused),
        cmocka_unit_test(no_value_is_shown),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
