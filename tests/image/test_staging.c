/*
 * tests/image/test_staging.c - lib/image/staging.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/staging.h"

#include "tests/faults.h"
#include "tests/rng.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static coco_error *err;
static coco_ctx *ctx;
static char top[64];
static char place[128];

static int
begin(void **state)
{
    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    make_temp_dir(top, sizeof(top));
    (void)snprintf(place, sizeof(place), "%s/place", top);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_ctx_free(ctx);
    remove_temp_dir(top);
    return 0;
}

/* Number of names in the directory that place is in. */
static int
count_names(void)
{
    DIR *stream = opendir(top);
    int n = -2;

    assert_non_null(stream);
    while (readdir(stream))
        n++;
    (void)closedir(stream);
    return n;
}

static void
fill(const struct coco_staging *staging)
{
    int fd = openat(staging->dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
}

static void
it_appears_when_it_is_committed(void **state)
{
    struct coco_staging staging = COCO_STAGING_NONE;
    struct stat st;

    (void)state;
    assert_ok(coco_staging_begin(place, &staging, &err), err);
    fill(&staging);
    assert_int_equal(fstat(staging.dir, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    assert_no_file(top, "place");
    assert_ok(coco_staging_commit(&staging, ctx, &err), err);
    coco_staging_done(&staging);
    assert_file(place, "file", "x");
    assert_int_equal(stat(place, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(count_names(), 1);
}

static void
it_takes_the_place_and_the_mode_of_an_empty_directory(void **state)
{
    struct coco_staging staging = COCO_STAGING_NONE;
    char link[128];
    struct stat st;

    (void)state;
    assert_int_equal(mkdir(place, 0700), 0);
    (void)snprintf(link, sizeof(link), "%s/link/", top);
    link[strlen(link) - 1] = '\0';
    assert_int_equal(symlink("place", link), 0);
    (void)strcat(link, "/");
    assert_ok(coco_staging_begin(link, &staging, &err), err);
    fill(&staging);
    assert_ok(coco_staging_commit(&staging, ctx, &err), err);
    coco_staging_done(&staging);
    assert_file(place, "file", "x");
    assert_int_equal(stat(place, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void
what_is_not_committed_leaves_nothing(void **state)
{
    struct coco_staging staging = COCO_STAGING_NONE;

    (void)state;
    assert_ok(coco_staging_begin(place, &staging, &err), err);
    fill(&staging);
    coco_staging_done(&staging);
    assert_int_equal(count_names(), 0);
    coco_staging_done(&staging);
}

static void
a_place_that_is_taken_is_refused(void **state)
{
    struct coco_staging staging = COCO_STAGING_NONE;
    char inner[160];

    (void)state;
    (void)close(open(place, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_fails(coco_staging_begin(place, &staging, &err), err, COCO_ERR_INVALID,
                 "not an empty directory");
    assert_int_equal(unlink(place), 0);
    assert_int_equal(mkdir(place, 0755), 0);
    (void)snprintf(inner, sizeof(inner), "%s/x", place);
    (void)close(open(inner, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_fails(coco_staging_begin(place, &staging, &err), err, COCO_ERR_INVALID, "is not empty");
    (void)snprintf(inner, sizeof(inner), "%s/no/such", top);
    assert_fails(coco_staging_begin(inner, &staging, &err), err, COCO_ERR_IO, "No such file");
    assert_fails(coco_staging_begin("/", &staging, &err), err, COCO_ERR_INVALID, "");
    assert_fails(coco_staging_begin("/proc", &staging, &err), err, COCO_ERR_INVALID,
                 "is a mount point");
    assert_fails(coco_staging_begin("", &staging, &err), err, COCO_ERR_INVALID, "cannot be made");
    assert_int_equal(count_names(), 1);
}

static void
a_place_that_is_taken_meanwhile_is_left_alone(void **state)
{
    struct coco_staging staging = COCO_STAGING_NONE;
    char inner[160];

    (void)state;
    assert_ok(coco_staging_begin(place, &staging, &err), err);
    fill(&staging);
    assert_int_equal(mkdir(place, 0755), 0);
    (void)snprintf(inner, sizeof(inner), "%s/theirs", place);
    (void)close(open(inner, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_fails(coco_staging_commit(&staging, ctx, &err), err, COCO_ERR_INVALID,
                 "is there by now");
    coco_staging_done(&staging);
    assert_file(place, "theirs", "");
    assert_no_file(place, "file");
    assert_int_equal(count_names(), 1);
}

static void
the_dead_are_cleaned_up_and_the_living_are_not(void **state)
{
    struct coco_staging dead = COCO_STAGING_NONE;
    struct coco_staging living = COCO_STAGING_NONE;
    struct coco_staging next = COCO_STAGING_NONE;

    (void)state;
    assert_ok(coco_staging_begin(place, &dead, &err), err);
    fill(&dead);
    dead.committed = true; /* as if it were killed: nothing is removed, the lock goes */
    coco_staging_done(&dead);
    assert_int_equal(count_names(), 1);
    assert_ok(coco_staging_begin(place, &living, &err), err);
    assert_int_equal(count_names(), 1);
    assert_ok(coco_staging_begin(place, &next, &err), err);
    assert_int_equal(count_names(), 2);
    assert_ok(coco_staging_commit(&living, ctx, &err), err);
    coco_staging_done(&living);
    coco_staging_done(&next);
    assert_int_equal(count_names(), 1);
}

static void
staging_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_staging staging = COCO_STAGING_NONE;

        coco_status status = coco_staging_begin(place, &staging, &err);
        fault_expect(status, err);
        coco_staging_done(&staging);
        assert_int_equal(count_names(), 0);
    }
}

static void
without_random_bytes_there_is_no_staging(void **state)
{
    (void)state;
    for_each_rng_fault()
    {
        struct coco_staging staging = COCO_STAGING_NONE;

        rng_expect(coco_staging_begin(place, &staging, &err), err);
        coco_staging_done(&staging);
        assert_int_equal(count_names(), 0);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_appears_when_it_is_committed, begin, end),
        cmocka_unit_test_setup_teardown(it_takes_the_place_and_the_mode_of_an_empty_directory,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_committed_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(without_random_bytes_there_is_no_staging, begin, end),
        cmocka_unit_test_setup_teardown(a_place_that_is_taken_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_place_that_is_taken_meanwhile_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(the_dead_are_cleaned_up_and_the_living_are_not, begin, end),
        cmocka_unit_test_setup_teardown(staging_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/staging", tests, NULL, NULL);
}
