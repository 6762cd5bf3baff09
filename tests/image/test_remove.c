/*
 * tests/image/test_remove.c - lib/image/remove.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/remove.h"

#include "base/cleanup.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static coco_error *err;
static char top[64];
static int dir;
static struct coco_names own;
static struct coco_names clean;

static void
make_tree(const char *const *names)
{
    for (; *names; names++) {
        size_t len = strlen(*names);

        if ((*names)[len - 1] == '/')
            assert_int_equal(mkdirat(dir, *names, 0755), 0);
        else
            (void)close(openat(dir, *names, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    }
}

static bool
there(const char *name)
{
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint64_t
ino_of(const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_ino;
}

static int
begin(void **state)
{
    (void)state;
    make_temp_dir(top, sizeof(top));
    dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    make_tree((const char *const[]){"keep", "a/", "a/f", "a/b/", "a/b/g", "a/b/c/", NULL});
    assert_int_equal(symlinkat("../keep", dir, "a/l"), 0);
    assert_int_equal(symlinkat("/", dir, "a/root"), 0);
    assert_ok(coco_names_init(&own, &err), err);
    assert_ok(coco_names_init(&clean, &err), err);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_names_done(&own);
    coco_names_done(&clean);
    (void)close(dir);
    remove_temp_dir(top);
    return 0;
}

static void
a_tree_goes_and_what_its_links_name_stays(void **state)
{
    (void)state;
    assert_ok(coco_remove(dir, "a", &err), err);
    assert_false(there("a"));
    assert_true(there("keep"));
    assert_ok(coco_remove(dir, "a", &err), err);
    assert_ok(coco_remove(dir, "keep", &err), err);
    assert_false(there("keep"));
}

static void
the_layers_own_names_stay_with_what_they_are_in(void **state)
{
    (void)state;
    assert_ok(coco_names_add(&own, ino_of("a/b"), "g", &err), err);
    assert_ok(coco_remove_lower(dir, ino_of("."), "a", &own, &clean, &err), err);
    assert_true(there("a/b/g"));
    assert_false(there("a/f"));
    assert_false(there("a/l"));
    assert_false(there("a/b/c"));
}

/* Whiteouts mean the same wherever they stand (image-spec layer.md, "Whiteouts"). */
static void
a_lower_directory_that_stays_is_none_of_the_lower_layer(void **state)
{
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    struct stat st;

    (void)state;
    assert_ok(coco_names_add(&own, ino_of("a/b"), "g", &err), err);
    assert_int_equal(fchmodat(dir, "a/b", 01700, 0), 0);
    assert_int_equal(utimensat(dir, "a/b", past, 0), 0);
    assert_ok(coco_remove_lower(dir, ino_of("."), "a", &own, &clean, &err), err);
    assert_int_equal(fstatat(dir, "a/b", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(st.st_mtim.tv_sec, 0);
}

static void
an_own_directory_keeps_its_times(void **state)
{
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    struct stat st;

    (void)state;
    assert_ok(coco_names_add(&own, ino_of("a"), "b", &err), err);
    assert_int_equal(fchmodat(dir, "a/b", 01700, 0), 0);
    assert_int_equal(utimensat(dir, "a/b", past, 0), 0);
    assert_ok(coco_remove_lower(dir, ino_of("."), "a", &own, &clean, &err), err);
    assert_false(there("a/b/g"));
    assert_int_equal(fstatat(dir, "a/b", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 01700);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
}

static void
an_own_directory_stays_without_what_is_not_its(void **state)
{
    (void)state;
    assert_ok(coco_names_add(&own, ino_of("."), "a", &err), err);
    assert_ok(coco_remove_lower(dir, ino_of("."), "a", &own, &clean, &err), err);
    assert_true(there("a"));
    assert_false(there("a/b"));
    assert_false(there("a/f"));
}

static void
an_opaque_directory_is_emptied_and_stays(void **state)
{
    (void)state;
    int fd = openat(dir, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(coco_names_add(&own, ino_of("a"), "f", &err), err);
    assert_ok(coco_remove_all_lower(fd, &own, &clean, &err), err);
    assert_true(there("a/f"));
    assert_false(there("a/b"));
    assert_true(there("keep"));
    (void)close(fd);
}

static void
a_clean_directory_is_not_searched_again(void **state)
{
    (void)state;
    int fd = openat(dir, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(coco_remove_all_lower(fd, &own, &clean, &err), err);
    make_tree((const char *const[]){"a/late", NULL});
    assert_ok(coco_remove_all_lower(fd, &own, &clean, &err), err);
    assert_true(there("a/late"));
    (void)close(fd);
}

static void
removing_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_names_done(&clean);
        coco_status status = coco_remove_lower(dir, ino_of("."), "a", &own, &clean, &err);
        fault_expect(status, err);
        faults_pause();
        if (!there("a"))
            make_tree((const char *const[]){"a/", NULL});
        faults_resume();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_goes_and_what_its_links_name_stays, begin, end),
        cmocka_unit_test_setup_teardown(the_layers_own_names_stay_with_what_they_are_in, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_lower_directory_that_stays_is_none_of_the_lower_layer,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_own_directory_keeps_its_times, begin, end),
        cmocka_unit_test_setup_teardown(an_own_directory_stays_without_what_is_not_its, begin, end),
        cmocka_unit_test_setup_teardown(an_opaque_directory_is_emptied_and_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_clean_directory_is_not_searched_again, begin, end),
        cmocka_unit_test_setup_teardown(removing_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/remove", tests, NULL, NULL);
}
