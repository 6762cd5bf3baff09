/*
 * tests/rpc/test_target.c - lib/rpc/target.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/target.h"

#include "tests/support.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
names_and_addresses_are_read(void **state)
{
    static const struct {
        const char *text, *host, *port, *authority;
        bool tls;
    } cases[] = {
        {"127.0.0.1:44444", "127.0.0.1", "44444", "127.0.0.1:44444", false},
        {"tcp://127.0.0.1:1", "127.0.0.1", "1", "127.0.0.1:1", false},
        {"http://kbs.test:65535/", "kbs.test", "65535", "kbs.test:65535", false},
        {"https://KBS-1.test:443", "KBS-1.test", "443", "KBS-1.test:443", true},
        {"[::1]:50000", "::1", "50000", "[::1]:50000", false},
        {"https://[fe80::1]:50000/", "fe80::1", "50000", "[fe80::1]:50000", true},
        {"localhost:80", "localhost", "80", "localhost:80", false},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_target target;

        assert_ok(coco_target_parse(cases[i].text, &target, &err), err);
        assert_false(target.is_near);
        assert_string_equal(target.host, cases[i].host);
        assert_string_equal(target.port, cases[i].port);
        assert_string_equal(target.authority, cases[i].authority);
        assert_string_equal(target.server, cases[i].host);
        assert_int_equal(target.tls, cases[i].tls);
    }
}

static void
sockets_are_read(void **state)
{
    static const struct {
        const char *text, *path;
    } cases[] = {
        {"unix:/run/a.sock", "/run/a.sock"},
        {"unix:///run/a.sock", "/run/a.sock"},
        {"vsock:3:50000", NULL},
        {"vsock://3:50000", NULL},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_target target;

        assert_ok(coco_target_parse(cases[i].text, &target, &err), err);
        assert_true(target.is_near);
        assert_false(target.tls);
        assert_string_equal(target.authority, "localhost");
        assert_string_equal(target.server, "localhost");
        if (cases[i].path)
            assert_string_equal(coco_address_path(&target.near), cases[i].path);
    }
}

static void
anything_else_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        ":",
        ":1",
        "host",
        "host:",
        "host:0",
        "host:01",
        "host:65536",
        "host:123456",
        "host:1x",
        "host:-1",
        "host: 1",
        "[::1]",
        "[::1",
        "::1:1",
        "[host]:1",
        "[]:1",
        "ho st:1",
        "a/b:1",
        "user@host:1",
        "host:1/",
        "http://host",
        "https://:1",
        "ftp://host:1",
        "http://a:1/b",
        "http://a:1//",
        "http://a:1?q",
        "h\xc3\xbcst:1",
        "a\nb:1",
        "..:1",
        "unix:",
        "unix://",
        "unix:rel",
        "vsock:any:1",
        "vsock:1",
        "vsock:x:1",
        "https://unix:/run/x",
    };
    static char longer[600];
    struct coco_target target;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_target_parse(cases[i], &target, &err), err, COCO_ERR_INVALID, "");
    memset(longer, 'a', 300);
    memcpy(longer + 300, ":1", 3);
    assert_fails(coco_target_parse(longer, &target, &err), err, COCO_ERR_INVALID, "");
    memcpy(longer, "unix:/", 6);
    longer[300] = 'x';
    assert_fails(coco_target_parse(longer, &target, &err), err, COCO_ERR_INVALID, "too long");
}

static void
tls_may_be_with_another_name(void **state)
{
    static const char *const wrong[] = {"", "a b", "::1", "a/b", "a:1", "*.test", "."};
    struct coco_target target;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_target_parse("10.0.0.1:443", &target, &err), err);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_fails(coco_target_set_tls(&target, wrong[i], &err), err, COCO_ERR_INVALID,
                     "no name of a server");
    assert_ok(coco_target_set_tls(&target, NULL, &err), err);
    assert_true(target.tls);
    assert_string_equal(target.server, "10.0.0.1");
    assert_ok(coco_target_set_tls(&target, "kms.test", &err), err);
    assert_string_equal(target.host, "10.0.0.1");
    assert_string_equal(target.server, "kms.test");
    assert_string_equal(target.authority, "kms.test");
    assert_ok(coco_target_set_tls(&target, "[::1]", &err), err);
    assert_string_equal(target.server, "::1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_are_read),
        cmocka_unit_test(sockets_are_read),
        cmocka_unit_test(tls_may_be_with_another_name),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
