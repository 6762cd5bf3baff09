/*
 * tests/image/test_walk.c - lib/image/walk.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/walk.h"

#include "base/cleanup.h"
#include "image/meta.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static coco_error *err;
static char outside[64]; /* holds the root and a directory that must stay empty */
static int root;
static struct coco_names own;
static struct coco_walk walk;

static int
begin(void **state)
{
    char path[128];

    (void)state;
    make_temp_dir(outside, sizeof(outside));
    (void)snprintf(path, sizeof(path), "%s/root", outside);
    assert_int_equal(mkdir(path, 0755), 0);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    (void)snprintf(path, sizeof(path), "%s/other", outside);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_ok(coco_names_init(&own, &err), err);
    coco_walk_init(&walk, root, &own);
    return 0;
}

static int
end(void **state)
{
    char path[128];

    (void)state;
    coco_walk_done(&walk);
    coco_names_done(&own);
    (void)close(root);
    (void)snprintf(path, sizeof(path), "%s/other", outside);
    assert_int_equal(rmdir(path), 0); /* nothing got into it */
    remove_temp_dir(outside);
    return 0;
}

static coco_status
walk_to(const char *name, bool make, const struct coco_dir **dir)
{
    struct coco_path path;

    coco_status status = coco_path_parse(name, &path, &err);
    if (status != COCO_OK)
        return status;
    return coco_walk_to(&walk, &path, make, dir, &err);
}

/* Whether the directory that walk_to() gives is the one at path beneath the root. */
static void
assert_leads_to(const char *name, const char *path)
{
    const struct coco_dir *dir;
    struct stat st;

    assert_ok(walk_to(name, true, &dir), err);
    assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    if (st.st_ino != dir->ino)
        fail_msg("'%s' does not lead to '%s'", name, path);
}

static void
names_have_one_form(void **state)
{
    static const struct {
        const char *name, *text, *base;
        unsigned depth;
    } cases[] = {
        {"a", "a", "a", 1},
        {"./a", "a", "a", 1},
        {"/a", "a", "a", 1},
        {"a/b/c", "a/b/c", "c", 3},
        {"//a//b/", "a/b", "b", 2},
        {"./a/./b/.", "a/b", "b", 2},
        {".", "", "", 0},
        {"/", "", "", 0},
        {"./", "", "", 0},
        {"...", "...", "...", 1},
        {"..a/b..", "..a/b..", "b..", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_path path;

        assert_ok(coco_path_parse(cases[i].name, &path, &err), err);
        assert_string_equal(path.text, cases[i].text);
        assert_string_equal(path.base, cases[i].base);
        assert_int_equal(path.depth, cases[i].depth);
    }
}

static void
names_that_climb_or_have_no_end_are_refused(void **state)
{
    static const char *const climbing[] = {"..",  "../a",   "a/..",   "a/../b",
                                           "/..", "./../a", "a//../b"};
    char text[8192];
    struct coco_path path;

    (void)state;
    for (size_t i = 0; i < sizeof(climbing) / sizeof(climbing[0]); i++)
        assert_fails(coco_path_parse(climbing[i], &path, &err), err, COCO_ERR_PROTO, "'..'");

    memset(text, 'a', 256);
    text[256] = '\0';
    assert_fails(coco_path_parse(text, &path, &err), err, COCO_ERR_LIMIT, "too long");
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? 'a' : '/';
    text[2 * 256] = '\0';
    assert_ok(coco_path_parse(text, &path, &err), err);
    text[2 * 256] = 'a';
    text[2 * 257] = '\0';
    assert_fails(coco_path_parse(text, &path, &err), err, COCO_ERR_LIMIT, "256 components");
    text[2 * 257] = 'a';
    text[sizeof(text) - 1] = '\0';
    assert_fails(coco_path_parse(text, &path, &err), err, COCO_ERR_LIMIT, "too long");
}

static void
links_end_beneath_the_root_wherever_they_point(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(root, "usr", 0755), 0);
    assert_int_equal(mkdirat(root, "usr/lib", 0755), 0);
    assert_int_equal(symlinkat("usr/lib", root, "lib"), 0);
    assert_int_equal(symlinkat("/usr", root, "abs"), 0);
    assert_int_equal(symlinkat("../../../../../other", root, "usr/up"), 0);
    assert_int_equal(symlinkat("/proc/self/root/other", root, "proc-root"), 0);
    assert_int_equal(symlinkat("..", root, "usr/parent"), 0);
    assert_int_equal(symlinkat(".", root, "here"), 0);

    assert_leads_to("lib/x", "usr/lib");
    assert_leads_to("abs/lib/x", "usr/lib");
    assert_leads_to("usr/parent/x", ".");
    assert_leads_to("here/here/lib/x", "usr/lib");
    assert_leads_to("x", ".");
    /* What a link points to and is not there is made within. */
    assert_leads_to("usr/up/x", "other");
    assert_leads_to("proc-root/x", "proc/self/root/other");
}

static void
steps_and_openat2_agree(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(root, "a", 0755), 0);
    assert_int_equal(mkdirat(root, "a/b", 0755), 0);
    assert_int_equal(symlinkat("a", root, "l"), 0);
    for (int i = 0; i < 2; i++) {
        walk.no_openat2 = i == 1;
        assert_leads_to("a/b/x", "a/b");
        assert_leads_to("l/b/x", "a/b");
        assert_leads_to("x", ".");
        assert_leads_to("n/m/x", "n/m");
    }
}

static void
loops_and_files_on_the_way_are_refused(void **state)
{
    const struct coco_dir *dir;

    (void)state;
    assert_int_equal(symlinkat("loop", root, "loop"), 0);
    assert_int_equal(symlinkat("pong", root, "ping"), 0);
    assert_int_equal(symlinkat("ping", root, "pong"), 0);
    (void)close(openat(root, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(symlinkat("file", root, "to-file"), 0);

    assert_fails(walk_to("loop/x", true, &dir), err, COCO_ERR_PROTO, "more than 40 links");
    assert_fails(walk_to("ping/x", true, &dir), err, COCO_ERR_PROTO, "more than 40 links");
    assert_fails(walk_to("file/x", true, &dir), err, COCO_ERR_PROTO, "is a file");
    assert_fails(walk_to("to-file/x", true, &dir), err, COCO_ERR_PROTO, "is a file");
    assert_fails(walk_to("missing/x", false, &dir), err, COCO_ERR_NOTFOUND, "no directory");
}

static void
depth_is_counted_where_directories_are(void **state)
{
    const struct coco_dir *dir;
    char deep[2 * 200 + 8];

    (void)state;
    for (size_t i = 0; i < 200; i++)
        memcpy(deep + 2 * i, "a/", 2);
    memcpy(deep + 400, "x", 2);
    assert_ok(walk_to(deep, true, &dir), err);
    assert_int_equal(dir->depth, 200);
    memcpy(deep + 398, "\0", 1);
    assert_int_equal(symlinkat(deep, root, "down"), 0);
    /* 199 through the link and 100 more are not 101 */
    memcpy(deep, "down", 4);
    for (size_t i = 0; i < 100; i++)
        memcpy(deep + 4 + 2 * i, "/b", 2);
    memcpy(deep + 204, "/x", 3);
    assert_fails(walk_to(deep, true, &dir), err, COCO_ERR_LIMIT, "more than 256 directories");
}

static void
times_are_put_back_when_a_directory_is_left(void **state)
{
    const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 2000, .tv_nsec = 5}};
    const struct coco_dir *dir;
    struct stat st;

    (void)state;
    assert_int_equal(mkdirat(root, "a", 0755), 0);
    assert_int_equal(utimensat(root, "a", past, 0), 0);
    assert_ok(walk_to("a/x", true, &dir), err);
    assert_int_equal(mkdirat(dir->fd, "x", 0755), 0);
    assert_ok(walk_to("a/new/y", true, &dir), err);
    assert_ok(coco_walk_leave(&walk, &err), err);
    assert_int_equal(fstatat(root, "a", &st, 0), 0);
    assert_int_equal(st.st_mtim.tv_sec, 2000);
    assert_int_equal(st.st_mtim.tv_nsec, 5);
    assert_int_equal(fstatat(root, "a/new", &st, 0), 0);
    assert_int_equal(st.st_mtim.tv_sec, 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void
made_directories_belong_to_the_layer(void **state)
{
    const struct coco_dir *dir;
    struct stat st;

    (void)state;
    assert_int_equal(mkdirat(root, "there", 0755), 0);
    assert_ok(walk_to("there/made/x", true, &dir), err);
    assert_int_equal(fstat(root, &st), 0);
    assert_false(coco_names_has(&own, st.st_ino, "there"));
    assert_int_equal(fstatat(root, "there", &st, 0), 0);
    assert_true(coco_names_has(&own, st.st_ino, "made"));
}

static void
a_forgotten_directory_is_looked_up_again(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(root, "a", 0755), 0);
    assert_int_equal(mkdirat(root, "b", 0755), 0);
    assert_int_equal(symlinkat("a", root, "l"), 0);
    assert_leads_to("l/x", "a");
    assert_int_equal(unlinkat(root, "l", 0), 0);
    assert_int_equal(symlinkat("b", root, "l"), 0);
    coco_walk_forget(&walk);
    assert_leads_to("l/x", "b");
}

/* <linux/posix_acl_xattr.h>: version 2, owner, group and others rwx */
static const uint8_t list[] = {2,    0,    0, 0, 1,    0,    7,    0,    0xff, 0xff,
                               0xff, 0xff, 4, 0, 7,    0,    0xff, 0xff, 0xff, 0xff,
                               0x20, 0,    7, 0, 0xff, 0xff, 0xff, 0xff};

static bool
has_list(int dir)
{
    return fgetxattr(dir, COCO_ACL_DEFAULT, NULL, 0) == (ssize_t)sizeof(list);
}

static void
nothing_inherits_a_list_and_the_directory_keeps_it(void **state)
{
    const struct coco_dir *dir;

    (void)state;
    if (fsetxattr(root, COCO_ACL_DEFAULT, list, sizeof(list), 0) < 0)
        skip(); /* not on this file system */
    assert_ok(walk_to("x", true, &dir), err);
    assert_int_equal(mkdirat(dir->fd, "d", 0700), 0);
    assert_ok(walk_to("d/y/x", true, &dir), err);
    assert_false(has_list(dir->fd));
    assert_true(has_list(root));
    assert_ok(walk_to("d/x", true, &dir), err);
    assert_false(has_list(dir->fd));
    assert_ok(coco_walk_leave(&walk, &err), err);
    assert_true(has_list(root));
}

static void
walking_survives_any_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(mkdirat(root, "a", 0755), 0);
    _cleanup_close_ int a = openat(root, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)fsetxattr(a, COCO_ACL_DEFAULT, list, sizeof(list), 0);
    for_each_fault()
    {
        const struct coco_dir *dir;

        coco_names_done(&own);
        coco_status status = walk_to("a/b/c/x", true, &dir);
        if (status == COCO_OK)
            status = walk_to("a/x", true, &dir);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_one_form),
        cmocka_unit_test(names_that_climb_or_have_no_end_are_refused),
        cmocka_unit_test_setup_teardown(links_end_beneath_the_root_wherever_they_point, begin, end),
        cmocka_unit_test_setup_teardown(steps_and_openat2_agree, begin, end),
        cmocka_unit_test_setup_teardown(loops_and_files_on_the_way_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(depth_is_counted_where_directories_are, begin, end),
        cmocka_unit_test_setup_teardown(times_are_put_back_when_a_directory_is_left, begin, end),
        cmocka_unit_test_setup_teardown(made_directories_belong_to_the_layer, begin, end),
        cmocka_unit_test_setup_teardown(a_forgotten_directory_is_looked_up_again, begin, end),
        cmocka_unit_test_setup_teardown(nothing_inherits_a_list_and_the_directory_keeps_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(walking_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/walk", tests, NULL, NULL);
}
