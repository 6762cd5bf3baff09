/*
 * tests/base/test_entries.c - lib/base/entries.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/entries.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 300 /* more than one read of the system gives */

static char top[64];
static int dir;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    make_temp_dir(top, sizeof(top));
    dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    for (int i = 0; i < FILES; i++) {
        char name[200];

        (void)snprintf(name, sizeof(name), "%0150d", i);
        assert_int_equal(mkdirat(dir, name, 0700), 0);
    }
    assert_int_equal(mkdirat(dir, "...", 0700), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    (void)close(dir);
    remove_temp_dir(top);
    return 0;
}

static void
what_is_no_directory_is_told(void **state)
{
    struct coco_entries entries = {0};
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_fails(coco_entries_open(-1, &entries, &err), err, COCO_ERR_IO, "read a directory");
    assert_fails(coco_entries_open(file, &entries, &err), err, COCO_ERR_IO, "read a directory");
    assert_fails(coco_entries_take(file, &entries, &err), err, COCO_ERR_IO, "read a directory");
    assert_null(entries.stream);
    /* It was taken. */
    assert_int_equal(fcntl(file, F_GETFD), -1);
}

static void
all_names_come_once_and_again(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        _cleanup_entries_ struct coco_entries entries = {0};
        bool seen[FILES] = {false};
        const char *name;
        int n = 0;

        assert_ok(coco_entries_open(dir, &entries, &err), err);
        while ((name = coco_entries_next(&entries))) {
            int i = -1;

            n++;
            if (strcmp(name, "...") == 0)
                continue;
            assert_int_equal(sscanf(name, "%d", &i), 1);
            assert_in_range(i, 0, FILES - 1);
            assert_false(seen[i]);
            seen[i] = true;
        }
        assert_ok(coco_entries_end(&entries, &err), err);
        assert_int_equal(n, FILES + 1);
    }
}

/* A descriptor that is closed under it stands for a disk that cannot be read. */
static void
a_directory_that_is_not_read_to_its_end_is_told(void **state)
{
    struct coco_entries entries = {0};
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)state;
    assert_ok(coco_entries_take(fd, &entries, &err), err);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(null, fd), fd);
    (void)close(null);
    assert_null(coco_entries_next(&entries));
    assert_fails(coco_entries_end(&entries, &err), err, COCO_ERR_IO, "read a directory");
    coco_entries_done(&entries);
    coco_entries_done(&entries);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_directory_is_told),
        cmocka_unit_test(all_names_come_once_and_again),
        cmocka_unit_test(a_directory_that_is_not_read_to_its_end_is_told),
    };

    return cmocka_run_group_tests_name("base/entries", tests, setup, teardown);
}
