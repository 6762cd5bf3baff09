/*
 * tests/attester/test_software_register.c - lib/attester/software_register.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/software_register.h"

#include "tee/tcghash.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIZE COCO_SOFTWARE_MEASUREMENT_SIZE

static char dir[64];
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    make_temp_dir(dir, sizeof(dir));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    return 0;
}

static void
assert_value(const uint8_t want[SIZE], bool is_extended)
{
    uint8_t value[SIZE];
    bool extended = !is_extended;

    assert_ok(coco_software_register_read(dir, value, &extended, &err), err);
    assert_memory_equal(value, want, SIZE);
    assert_int_equal(extended, is_extended);
}

static void
it_is_zero_until_it_is_extended_and_again_after_a_reset(void **state)
{
    uint8_t digest[SIZE] = {1};
    uint8_t want[SIZE] = {0};

    (void)state;
    assert_value(want, false);
    for (int i = 0; i < 2; i++) {
        assert_ok(coco_software_register_extend(dir, digest, &err), err);
        assert_ok(coco_tcg_extend(COCO_TCG_SHA384, want, digest, &err), err);
        assert_value(want, true);
    }
    memset(want, 0, sizeof(want));
    assert_ok(coco_software_register_reset(dir, &err), err);
    assert_value(want, false);
    assert_ok(coco_software_register_reset(dir, &err), err);
}

static void
a_file_of_another_size_is_refused(void **state)
{
    char path[128];
    uint8_t bytes[64] = {0};
    bool extended = false;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/" COCO_SOFTWARE_REGISTER_FILE, dir);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        FILE *f = fopen(path, "we");

        if (len == SIZE) {
            (void)fclose(f);
            continue;
        }
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
        coco_status status = coco_software_register_read(dir, bytes, &extended, NULL);
        assert_true(status == COCO_ERR_PROTO || (status == COCO_ERR_LIMIT && len > SIZE));
        assert_int_not_equal(coco_software_register_extend(dir, bytes, NULL), COCO_OK);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_fails(coco_software_register_read(dir, bytes, &extended, &err), err, COCO_ERR_IO,
                 "register");
}

static void
where_there_is_no_machine_nothing_is_extended(void **state)
{
    uint8_t value[SIZE] = {0};
    bool extended = false;

    (void)state;
    assert_fails(coco_software_register_read("/nonexistent", value, &extended, &err), err,
                 COCO_ERR_IO, "/nonexistent");
    assert_fails(coco_software_register_extend("/nonexistent", value, &err), err, COCO_ERR_IO,
                 "/nonexistent");
    assert_fails(coco_software_register_reset("/nonexistent", &err), err, COCO_ERR_IO,
                 "/nonexistent");
}

static void
extending_survives_every_failing_allocation(void **state)
{
    uint8_t digest[SIZE] = {1};

    (void)state;
    for_each_fault()
    {
        coco_error *fault = NULL;

        coco_status status = coco_software_register_extend(dir, digest, &fault);
        fault_expect(status, fault);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(it_is_zero_until_it_is_extended_and_again_after_a_reset),
        TEST(a_file_of_another_size_is_refused),
        TEST(where_there_is_no_machine_nothing_is_extended),
        TEST(extending_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("attester/software_register", tests, NULL, NULL);
}
