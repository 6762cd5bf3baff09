/*
 * tests/image/test_clone.c - lib/image/clone.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/clone.h"

#include "base/context.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct fixture {
    char top[64];
    char from_path[100];
    char to_path[100];
    int from, to;
    coco_ctx *ctx;
    struct coco_pulse pulse;
    coco_error *err;
};

static const struct timespec long_ago[2] = {{111, 222}, {333, 444}};

static int
make_dir(int dir, const char *name, mode_t mode)
{
    assert_int_equal(mkdirat(dir, name, 0700), 0);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    return fd;
}

static void
make_file(int dir, const char *name, const void *data, size_t len, off_t size)
{
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(fchown(fd, 1, 2), 0);
    assert_int_equal(fchmod(fd, 04751), 0);
    (void)fsetxattr(fd, "user.a", "b", 1, 0);
    assert_int_equal(futimens(fd, long_ago), 0);
    (void)close(fd);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_temp_dir(f->top, sizeof(f->top));
    (void)snprintf(f->from_path, sizeof(f->from_path), "%s/from", f->top);
    (void)snprintf(f->to_path, sizeof(f->to_path), "%s/to", f->top);
    f->from = make_dir(AT_FDCWD, f->from_path, 01777);
    f->to = make_dir(AT_FDCWD, f->to_path, 0700);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    f->pulse = coco_pulse_begin(f->ctx, "tree", COCO_PHASE_COPY);
    int sub = make_dir(f->from, "sub", 0555);
    make_file(sub, "file", "content", 7, 7);
    make_file(sub, "holes", "x", 1, 10 << 20);
    assert_int_equal(linkat(sub, "file", f->from, "other", 0), 0);
    assert_int_equal(symlinkat("/nowhere", f->from, "link"), 0);
    assert_int_equal(mknodat(f->from, "fifo", S_IFIFO | 0622, 0), 0);
    assert_int_equal(futimens(sub, long_ago), 0);
    assert_int_equal(futimens(f->from, long_ago), 0);
    (void)close(sub);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)close(f->from);
    (void)close(f->to);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->top);
    free(f);
    return 0;
}

static struct stat
look_at(int dir, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}

static void
assert_same_meta(const struct fixture *f, const char *name)
{
    struct stat a = look_at(f->from, name);
    struct stat b = look_at(f->to, name);

    assert_int_equal(a.st_mode, b.st_mode);
    assert_int_equal(a.st_uid, b.st_uid);
    assert_int_equal(a.st_gid, b.st_gid);
    assert_int_equal(a.st_mtim.tv_sec, b.st_mtim.tv_sec);
    assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
    if (!S_ISDIR(a.st_mode)) {
        assert_int_equal(a.st_size, b.st_size);
    }
}

static void
assert_same_tree(const struct fixture *f)
{
    static const char *const names[] = {".",     "sub",  "sub/file", "sub/holes",
                                        "other", "link", "fifo"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_same_meta(f, names[i]);
    assert_file(f->to_path, "sub/file", "content");
    assert_int_equal(look_at(f->to, "other").st_ino, look_at(f->to, "sub/file").st_ino);
}

static void
links_are_other_names_of_the_same_files(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_clone_by_links(&f->pulse, f->from, f->to, &f->err), f->err);
    assert_same_tree(f);
    assert_int_equal(look_at(f->to, "sub/file").st_ino, look_at(f->from, "sub/file").st_ino);
    assert_int_equal(look_at(f->to, "fifo").st_ino, look_at(f->from, "fifo").st_ino);
    assert_true(look_at(f->to, "sub").st_ino != look_at(f->from, "sub").st_ino);
}

static void
copies_are_files_of_their_own(void **state)
{
    struct fixture *f = *state;
    char value[8];
    char path[200];

    assert_ok(coco_clone_by_copies(&f->pulse, f->from, f->to, &f->err), f->err);
    assert_same_tree(f);
    assert_true(look_at(f->to, "sub/file").st_ino != look_at(f->from, "sub/file").st_ino);
    assert_int_equal(look_at(f->to, "sub/file").st_nlink, 2);
    assert_int_equal(f->pulse.progress.done, 7 + (10 << 20));
    assert_true(f->pulse.progress.files > 5);
    /* Holes stay holes. */
    assert_true(look_at(f->to, "sub/holes").st_blocks <= look_at(f->from, "sub/holes").st_blocks);
    (void)snprintf(path, sizeof(path), "%s/sub/file", f->from_path);
    if (lgetxattr(path, "user.a", value, sizeof(value)) == 1) {
        (void)snprintf(path, sizeof(path), "%s/sub/file", f->to_path);
        assert_int_equal(lgetxattr(path, "user.a", value, sizeof(value)), 1);
        assert_memory_equal(value, "b", 1);
    }
}

static void
the_original_does_not_notice_what_happens_to_a_copy(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_clone_by_copies(&f->pulse, f->from, f->to, &f->err), f->err);
    int fd = openat(f->to, "sub/file", O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "changed", 7), 7);
    (void)close(fd);
    assert_file(f->from_path, "other", "content");
    assert_file(f->to_path, "other", "changed");
}

/* More files with several names than the table begins with. */
static void
many_files_with_two_names_each_stay_so(void **state)
{
    struct fixture *f = *state;
    char a[16];
    char b[16];

    for (int i = 0; i < 300; i++) {
        (void)snprintf(a, sizeof(a), "a%d", i);
        (void)snprintf(b, sizeof(b), "b%d", i);
        make_file(f->from, a, a, strlen(a), (off_t)strlen(a));
        assert_int_equal(linkat(f->from, a, f->from, b, 0), 0);
    }
    assert_ok(coco_clone_by_copies(&f->pulse, f->from, f->to, &f->err), f->err);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(a, sizeof(a), "a%d", i);
        (void)snprintf(b, sizeof(b), "b%d", i);
        assert_file(f->to_path, b, a);
        assert_int_equal(look_at(f->to, a).st_ino, look_at(f->to, b).st_ino);
        assert_int_equal(look_at(f->to, a).st_nlink, 2);
    }
}

static void
what_is_there_already_is_an_error(void **state)
{
    struct fixture *f = *state;

    make_file(f->to, "link", "x", 1, 1);
    assert_fails(coco_clone_by_links(&f->pulse, f->from, f->to, &f->err), f->err, COCO_ERR_IO, "");
    assert_int_equal(coco_clone_by_copies(&f->pulse, f->from, f->to, NULL), COCO_ERR_IO);
}

static void
a_cancel_ends_it(void **state)
{
    struct fixture *f = *state;

    coco_ctx_cancel(f->ctx);
    assert_fails(coco_clone_by_links(&f->pulse, f->from, f->to, &f->err), f->err, COCO_ERR_CANCELED,
                 "");
}

static void
clones_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    int n = 0;

    for_each_fault()
    {
        char name[16];

        faults_pause();
        (void)snprintf(name, sizeof(name), "%d", n++);
        int links = make_dir(f->to, name, 0700);
        (void)snprintf(name, sizeof(name), "%d", n++);
        int copies = make_dir(f->to, name, 0700);
        faults_resume();
        coco_status status = coco_clone_by_links(&f->pulse, f->from, links, &f->err);
        if (status == COCO_OK)
            status = coco_clone_by_copies(&f->pulse, f->from, copies, &f->err);
        if (status == COCO_OK)
            status = coco_clone_meta(f->from, copies, &f->err);
        fault_expect(status, f->err);
        (void)close(links);
        (void)close(copies);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(links_are_other_names_of_the_same_files),
        TEST(copies_are_files_of_their_own),
        TEST(the_original_does_not_notice_what_happens_to_a_copy),
        TEST(many_files_with_two_names_each_stay_so),
        TEST(what_is_there_already_is_an_error),
        TEST(a_cancel_ends_it),
        TEST(clones_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/clone", tests, NULL, NULL);
}
