/*
 * tests/crypto/test_pkcs11_uri.c - lib/crypto/pkcs11_uri.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_uri.h"

#include "tests/support.h"

#include <string.h>

#define MODULE "module-path=/m.so"

static void
all_that_names_a_token_is_read(void **state)
{
    struct coco_pkcs11_uri uri;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_pkcs11_uri_parse("pkcs11:token=My%20token%3b;serial=00ff;manufacturer=A%2fB;"
                                    "model=m;slot-id=12?module-path=/usr/lib/m.so&pin-source="
                                    "file:/run/pin",
                                    &uri, &err),
              err);
    assert_string_equal(uri.token, "My token;");
    assert_string_equal(uri.serial, "00ff");
    assert_string_equal(uri.manufacturer, "A/B");
    assert_string_equal(uri.model, "m");
    assert_true(uri.has_slot_id);
    assert_int_equal(uri.slot_id, 12);
    assert_string_equal(uri.module_path, "/usr/lib/m.so");
    assert_string_equal(uri.pin_file, "/run/pin");
}

static void
what_is_not_said_is_empty(void **state)
{
    struct coco_pkcs11_uri uri;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_pkcs11_uri_parse("pkcs11:?pin-source=/pin&" MODULE, &uri, &err), err);
    assert_string_equal(uri.token, "");
    assert_string_equal(uri.serial, "");
    assert_false(uri.has_slot_id);
    assert_string_equal(uri.pin_file, "/pin");
}

static void
hostile_uris_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "pkcs11",
        "PKCS11:token=a?" MODULE,
        "pkcs11:",
        "pkcs11:token=a",
        "pkcs11:token=a?module-path=m.so",
        "pkcs11:token=a?module-name=m",
        "pkcs11:token=a?" MODULE "&" MODULE,
        "pkcs11:token=a;token=b?" MODULE,
        "pkcs11:token=?" MODULE,
        "pkcs11:token?" MODULE,
        "pkcs11:;?" MODULE,
        "pkcs11:token=a%?" MODULE,
        "pkcs11:token=a%4?" MODULE,
        "pkcs11:token=a%zz?" MODULE,
        "pkcs11:token=a%00b?" MODULE,
        "pkcs11:token=%ff?" MODULE,
        "pkcs11:token=a b?" MODULE,
        "pkcs11:token=123456789012345678901234567890123?" MODULE,
        "pkcs11:serial=12345678901234567?" MODULE,
        "pkcs11:object=key?" MODULE,
        "pkcs11:id=%01?" MODULE,
        "pkcs11:type=private?" MODULE,
        "pkcs11:x-vendor=1?" MODULE,
        "pkcs11:slot-id=?" MODULE,
        "pkcs11:slot-id=-1?" MODULE,
        "pkcs11:slot-id=1x?" MODULE,
        "pkcs11:slot-id=1;slot-id=1?" MODULE,
        "pkcs11:slot-id=9999999999999999999?" MODULE,
        "pkcs11:token=a?" MODULE "&pin-value=1234",
        "pkcs11:token=a?" MODULE "&pin-source=pin",
        "pkcs11:token=a?" MODULE "&pin-source=https://evil.test/pin",
        "pkcs11:token=a?" MODULE "&pin-source=|/bin/pin",
        "pkcs11:" MODULE,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_pkcs11_uri uri;

        coco_status status = coco_pkcs11_uri_parse(cases[i], &uri, NULL);
        if (status != COCO_ERR_INVALID)
            fail_msg("'%s' gives %s", cases[i], coco_status_name(status));
    }
}

/* Who puts a PIN there finds it in no message. */
static void
no_value_is_shown(void **state)
{
    struct coco_pkcs11_uri uri;
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_pkcs11_uri_parse("pkcs11:?" MODULE "&pin-value=4711", &uri, &err),
                     COCO_ERR_INVALID);
    assert_contains(coco_error_message(err), "pin-value");
    assert_null(strstr(coco_error_message(err), "4711"));
    coco_error_free(err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_names_a_token_is_read),
        cmocka_unit_test(what_is_not_said_is_empty),
        cmocka_unit_test(hostile_uris_are_refused),
        cmocka_unit_test(no_value_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
