/*
 * tests/base/test_address.c - lib/base/address.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/address.h"

#include "tests/support.h"

static void
addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *text, *want;
        bool local;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", true},
        {"127.9.9.9:1", "127.9.9.9:1", true},
        {"localhost:0", "127.0.0.1:0", true},
        {"[::1]:65535", "[::1]:65535", true},
        {"0.0.0.0:80", "0.0.0.0:80", false},
        {"[::]:80", "[::]:80", false},
        {"192.0.2.1:80", "192.0.2.1:80", false},
        {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false},
        {"tcp:127.0.0.1:80", "127.0.0.1:80", true},
        {"tcp:[::]:80", "[::]:80", false},
        {"unix:/run/x.sock", "unix:/run/x.sock", true},
        {"vsock:2:1024", "vsock:2:1024", true},
        {"vsock:any:4294967294", "vsock:any:4294967294", true},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 128};
        struct coco_address address;

        assert_ok(coco_address_parse(cases[i].text, &address, &err), err);
        assert_ok(coco_address_format(&address, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), cases[i].want);
        assert_int_equal(coco_address_is_local(&address), cases[i].local);
    }
}

static void
what_is_no_address_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        "8080",
        ":8080",
        "127.0.0.1",
        "127.0.0.1:",
        "1.2.3:80",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:080800",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[::1:80",
        "[]:80",
        "]:80",
        "example.org:80",
        "127.0.0.1:80 ",
        " 127.0.0.1:80",
        "[127.0.0.1]:80",
        "127.0.0.1:01",
        "udp:127.0.0.1:80",
        "tcp:",
        "tcp:tcp:127.0.0.1:80",
        "unix:",
        "unix:/",
        "unix:x.sock",
        "unix:@x",
        "unix:/"
        "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
        "901234567890123456789",
        "vsock:",
        "vsock:1024",
        "vsock::1024",
        "vsock:2:",
        "vsock:-1:1024",
        "vsock:2:4294967295",
        "vsock:4294967295:1",
        "vsock:2:1:1",
        "vsock:any1:1",
        "1111111111111111111111111111111111111111111111111111111111111111111111:80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_address address;

        if (coco_address_parse(cases[i], &address, NULL) != COCO_ERR_INVALID)
            fail_msg("'%s' is taken", cases[i]);
    }
}

static void
any_is_not_one(void **state)
{
    static const struct {
        const char *text;
        bool one;
    } cases[] = {
        {"127.0.0.1:80", true}, {"192.0.2.1:80", true}, {"[::1]:80", true}, {"unix:/x", true},
        {"vsock:2:80", true},   {"0.0.0.0:80", false},  {"[::]:80", false}, {"vsock:any:80", false},
        {"127.0.0.1:0", false}, {"[::1]:0", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_address address;

        assert_ok(coco_address_parse(cases[i].text, &address, &err), err);
        assert_int_equal(coco_address_is_one(&address), cases[i].one);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(any_is_not_one),
    };

    return cmocka_run_group_tests_name("base/address", tests, NULL, NULL);
}
