/*
 * tests/attester/test_paths.c - lib/attester/paths.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/paths.h"

#include "tests/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
forget_the_root(void **state)
{
    (void)state;
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static void
assert_path(enum coco_path which, const char *name, const char *want)
{
    _cleanup_free_ char *path = NULL;
    coco_error *err = NULL;

    assert_ok(coco_path_get(which, name, &path, &err), err);
    assert_string_equal(path, want);
}

static void
every_path_is_absolute_and_said_once(void **state)
{
    char *all[COCO_PATHS];
    coco_error *err = NULL;

    (void)state;
    for (enum coco_path i = 0; i < COCO_PATHS; i++) {
        assert_ok(coco_path_get(i, NULL, &all[i], &err), err);
        assert_int_equal(all[i][0], '/');
        for (enum coco_path j = 0; j < i; j++)
            assert_string_not_equal(all[i], all[j]);
    }
    for (enum coco_path i = 0; i < COCO_PATHS; i++)
        free(all[i]);
}

static void
paths_are_the_kernels_and_move_below_the_root(void **state)
{
    (void)state;
    assert_path(COCO_PATH_TSM_REPORT, NULL, "/sys/kernel/config/tsm/report");
    assert_path(COCO_PATH_TDX_MEASUREMENTS, "mrconfigid",
                "/sys/devices/virtual/misc/tdx_guest/measurements/mrconfigid");
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, "/some/root", 1), 0);
    assert_path(COCO_PATH_TSM_REPORT, "x", "/some/root/sys/kernel/config/tsm/report/x");
    assert_path(COCO_PATH_NSM, NULL, "/some/root/dev/nsm");
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, "", 1), 0);
    assert_path(COCO_PATH_NSM, NULL, "/dev/nsm");
}

static void
what_is_there_is_seen_below_the_root_only(void **state)
{
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, dir, 1), 0);
    for (enum coco_path i = 0; i < COCO_PATHS; i++)
        assert_false(coco_path_exists(i));
    assert_true(snprintf(path, sizeof(path), "%s/dev", dir) > 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(snprintf(path, sizeof(path), "%s/dev/nsm", dir) > 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(coco_path_exists(COCO_PATH_NSM));
    remove_temp_dir(dir);
}

static void
a_relative_or_endless_root_is_refused(void **state)
{
    static char endless[8192];
    char *path = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, "some/root", 1), 0);
    assert_fails(coco_path_get(COCO_PATH_NSM, NULL, &path, &err), err, COCO_ERR_INVALID,
                 "absolute");
    assert_false(coco_path_exists(COCO_PATH_NSM));
    memset(endless, '/', sizeof(endless) - 1);
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, endless, 1), 0);
    assert_fails(coco_path_get(COCO_PATH_NSM, NULL, &path, &err), err, COCO_ERR_LIMIT, "");
    assert_null(path);
}

static void
paths_survive_any_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(setenv(COCO_TEE_ROOT_VARIABLE, "/some/root", 1), 0);
    for_each_fault()
    {
        _cleanup_free_ char *path = NULL;
        coco_error *err = NULL;

        coco_status status = coco_path_get(COCO_PATH_TSM_REPORT, "entry", &path, &err);
        fault_expect(status, err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget_the_root, forget_the_root)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_path_is_absolute_and_said_once),
        TEST(paths_are_the_kernels_and_move_below_the_root),
        TEST(what_is_there_is_seen_below_the_root_only),
        TEST(a_relative_or_endless_root_is_refused),
        TEST(paths_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
