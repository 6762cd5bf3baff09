/*
 * tests/kbs/test_seal_key.c - lib/kbs/seal_key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_key.h"

#include "base/fd.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char dir[64];
static char path[128];

static int
begin(void **state)
{
    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    return 0;
}

static void
write_key(const void *data, size_t len, mode_t mode)
{
    coco_error *err = NULL;

    assert_ok(coco_file_write(path, data, len, mode, &err), err);
}

static void
a_key_is_bytes_or_hex(void **state)
{
    uint8_t bytes[32];
    coco_error *err = NULL;

    (void)state;
    for (uint8_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    const struct {
        const void *data;
        size_t len;
    } cases[] = {{bytes, 32}, {HEX, 64}, {HEX "\n", 65}};
    for (size_t i = 0; i < 3; i++) {
        _cleanup_secret_ struct coco_secret key = {0};

        write_key(cases[i].data, cases[i].len, 0640);
        assert_ok(coco_kbs_seal_key_read(path, &key, &err), err);
        assert_true(coco_secret_equal(&key, bytes, sizeof(bytes)));
    }
}

static void
what_is_none_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"", COCO_ERR_PROTO},
        {"\n", COCO_ERR_PROTO},
        {"0001", COCO_ERR_PROTO},
        {HEX "\n\n", COCO_ERR_PROTO},
        {HEX "00", COCO_ERR_PROTO},
        {HEX HEX, COCO_ERR_LIMIT},
        {"-----BEGIN PRIVATE KEY-----\n", COCO_ERR_PROTO},
        {"x00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", COCO_ERR_PROTO},
    };
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_key(cases[i].text, strlen(cases[i].text), 0600);
        assert_fails(coco_kbs_seal_key_read(path, &key, &err), err, cases[i].status, "seal key");
    }
    assert_fails(coco_kbs_seal_key_read(dir, &key, &err), err, COCO_ERR_INVALID, "not a file");
    assert_fails(coco_kbs_seal_key_read("/nowhere/key", &key, &err), err, COCO_ERR_IO, "seal key");
}

static void
what_everybody_reads_is_no_key(void **state)
{
    struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    write_key(HEX, 64, 0644);
    assert_fails(coco_kbs_seal_key_read(path, &key, &err), err, COCO_ERR_DENIED, "chmod 600");
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    write_key(HEX, 64, 0600);
    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret key = {0};
        coco_error *err = NULL;

        coco_status status = coco_kbs_seal_key_read(path, &key, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_key_is_bytes_or_hex),
        T(what_is_none_is_refused),
        T(what_everybody_reads_is_no_key),
        T(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/seal_key", tests, NULL, NULL);
}
