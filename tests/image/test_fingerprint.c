/*
 * tests/image/test_fingerprint.c - lib/image/fingerprint.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/fingerprint.h"

#include "base/context.h"
#include "image/clone.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct fixture {
    char top[64];
    int dir;
    coco_ctx *ctx;
    struct coco_pulse pulse;
    coco_error *err;
};

static const struct timespec then[2] = {{111, 222}, {333, 444}};

static void
write_file(int dir, const char *name, const char *text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, then), 0);
    (void)close(fd);
}

/* All of the tree's times are the same, whenever it was made. */
static void
settle(int dir)
{
    assert_int_equal(utimensat(dir, "sub", then, 0), 0);
    assert_int_equal(futimens(dir, then), 0);
}

static int
make_tree(const struct fixture *f, const char *name)
{
    assert_int_equal(mkdirat(f->dir, name, 0755), 0);
    int dir = openat(f->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    assert_int_equal(mkdirat(dir, "sub", 0755), 0);
    write_file(dir, "sub/file", "content");
    write_file(dir, "a", "a");
    write_file(dir, "b", "b");
    assert_int_equal(symlinkat("target", dir, "link"), 0);
    assert_int_equal(utimensat(dir, "link", then, AT_SYMLINK_NOFOLLOW), 0);
    settle(dir);
    return dir;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_temp_dir(f->top, sizeof(f->top));
    f->dir = open(f->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    f->pulse = coco_pulse_begin(f->ctx, "tree", COCO_PHASE_VERIFY);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)close(f->dir);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->top);
    free(f);
    return 0;
}

static struct coco_digest
print(struct fixture *f, int parent, int tree)
{
    struct coco_digest digest = {0};

    assert_ok(coco_fingerprint(&f->pulse, parent, tree, &digest, &f->err), f->err);
    return digest;
}

static void
equal_trees_have_the_same(void **state)
{
    struct fixture *f = *state;
    int a = make_tree(f, "a");
    int b = make_tree(f, "b");
    const struct coco_digest first = print(f, -1, a);
    const struct coco_digest second = print(f, -1, b);

    assert_true(coco_digest_equal(&first, &second));
    (void)close(a);
    (void)close(b);
}

static void
set_mode(int dir)
{
    assert_int_equal(fchmodat(dir, "a", 0600, 0), 0);
}

static void
set_owner(int dir)
{
    assert_int_equal(fchownat(dir, "a", 5, 5, 0), 0);
}

static void
set_time(int dir)
{
    const struct timespec later[2] = {{111, 222}, {333, 445}};

    assert_int_equal(utimensat(dir, "a", later, 0), 0);
}

static void
set_content(int dir)
{
    write_file(dir, "sub/file", "contenT");
}

static void
remove_file(int dir)
{
    assert_int_equal(unlinkat(dir, "b", 0), 0);
}

static void
add_file(int dir)
{
    write_file(dir, "sub/new", "");
}

static void
rename_file(int dir)
{
    assert_int_equal(renameat(dir, "b", dir, "c"), 0);
}

static void
set_link(int dir)
{
    assert_int_equal(unlinkat(dir, "link", 0), 0);
    assert_int_equal(symlinkat("targeT", dir, "link"), 0);
    assert_int_equal(utimensat(dir, "link", then, AT_SYMLINK_NOFOLLOW), 0);
}

static void
set_type(int dir)
{
    assert_int_equal(unlinkat(dir, "b", 0), 0);
    assert_int_equal(mkdirat(dir, "b", 0755), 0);
}

static void
set_directory(int dir)
{
    assert_int_equal(fchmodat(dir, "sub", 0700, 0), 0);
}

static void
set_attribute(int dir)
{
    int fd = openat(dir, "a", O_RDONLY | O_CLOEXEC);

    assert_int_equal(fsetxattr(fd, "user.a", "b", 1, 0), 0);
    (void)close(fd);
}

/* Each in a tree of its own, and seen also where that was cloned from another. */
static void
each_change_is_seen(void **state)
{
    struct fixture *f = *state;
    static void (*const changes[])(int dir) = {
        set_mode,    set_owner, set_time, set_content,   remove_file,  add_file,
        rename_file, set_link,  set_type, set_directory, set_attribute};

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "%zu", i);
        int tree = make_tree(f, name);
        const struct coco_digest before = print(f, -1, tree);
        changes[i](tree);
        settle(tree);
        const struct coco_digest after = print(f, -1, tree);
        assert_false(coco_digest_equal(&before, &after));
        (void)close(tree);
    }
}

static void
what_is_the_same_file_in_the_parent_is_not_read(void **state)
{
    struct fixture *f = *state;
    int parent = make_tree(f, "parent");

    assert_int_equal(mkdirat(f->dir, "child", 0755), 0);
    int child = openat(f->dir, "child", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(coco_clone_by_links(&f->pulse, parent, child, &f->err), f->err);
    const struct coco_digest cloned = print(f, parent, child);
    /* A change of the file they share is the parent's to tell. */
    set_content(parent);
    settle(parent);
    const struct coco_digest shared = print(f, parent, child);
    assert_true(coco_digest_equal(&cloned, &shared));

    assert_int_equal(unlinkat(child, "sub/file", 0), 0);
    write_file(child, "sub/file", "its own");
    settle(child);
    const struct coco_digest own = print(f, parent, child);
    assert_false(coco_digest_equal(&cloned, &own));
    assert_int_equal(unlinkat(child, "a", 0), 0);
    settle(child);
    const struct coco_digest removed = print(f, parent, child);
    assert_false(coco_digest_equal(&own, &removed));
    (void)close(parent);
    (void)close(child);
}

static void
fingerprints_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    int tree = make_tree(f, "tree");

    for_each_fault()
    {
        struct coco_digest digest;
        coco_status status = coco_fingerprint(&f->pulse, -1, tree, &digest, &f->err);

        fault_expect(status, f->err);
    }
    (void)close(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equal_trees_have_the_same),
        TEST(each_change_is_seen),
        TEST(what_is_the_same_file_in_the_parent_is_not_read),
        TEST(fingerprints_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/fingerprint", tests, NULL, NULL);
}
