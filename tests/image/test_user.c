/*
 * tests/image/test_user.c - lib/image/user.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/user.h"

#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static coco_error *err;
static char top[64];
static int root;
static struct coco_user user;

static void
write_file(const char *name, const char *text)
{
    int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static int
begin(void **state)
{
    char path[128];

    (void)state;
    make_temp_dir(top, sizeof(top));
    (void)snprintf(path, sizeof(path), "%s/root", top);
    assert_int_equal(mkdir(path, 0755), 0);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(root, "etc", 0755), 0);
    write_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                             "\n# a comment\nbroken\n"
                             "app:x:1000:1001:App,,,:/home/app:/bin/sh\n"
                             "odd:x:-1:5::/:\n"
                             "4711:x:0:0:who is called as another's number:/:\n"
                             "99999999999:x:0:0::/:\n"
                             "nobody:x:65534:65534::/:/sbin/nologin");
    write_file("etc/group", "root:x:0:\n"
                            "wheel:x:10:root,4711\n"
                            "4712:x:0:\n"
                            "4294967295:x:0:\n"
                            "app:x:1001:\n"
                            "audio:x:29:other,app\n"
                            "apps:x:30:application\n"
                            "video:x:44:app");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    (void)close(root);
    remove_temp_dir(top);
    return 0;
}

static void
users_are_names_or_numbers_with_or_without_a_group(void **state)
{
    static const struct {
        const char *text;
        uint32_t uid, gid;
        size_t n_groups;
    } cases[] = {
        {"", 0, 0, 1},
        {"root", 0, 0, 1},
        {"0", 0, 0, 1},
        {"app", 1000, 1001, 2},
        {"1000", 1000, 1001, 2},
        {"app:audio", 1000, 29, 0},
        {"app:0", 1000, 0, 0},
        {"1000:4711", 1000, 4711, 0},
        {"app:", 1000, 1001, 2},
        {":audio", 0, 29, 0},
        {"4711", 4711, 0, 0}, /* never the user of that name */
        {"4711:4712", 4711, 4712, 0},
        {"nobody", 65534, 65534, 0},
        {"4294967294", 4294967294, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_user_resolve(root, cases[i].text, &user, &err), err);
        assert_int_equal(user.uid, cases[i].uid);
        assert_int_equal(user.gid, cases[i].gid);
        assert_int_equal(user.n_groups, cases[i].n_groups);
    }
    assert_ok(coco_user_resolve(root, "app", &user, &err), err);
    assert_int_equal(user.groups[0], 29);
    assert_int_equal(user.groups[1], 44);
}

static void
unknown_and_impossible_users_are_refused(void **state)
{
    static const char *const bad[] = {"nope",       "nope:0",      "app:nope",       "-1",
                                      "4294967295", "99999999999", "app:4294967295", "1x"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_user_resolve(root, bad[i], &user, &err), err, COCO_ERR_NOTFOUND, "no ");
    assert_fails(coco_user_resolve(root, "odd", &user, &err), err, COCO_ERR_PROTO, "broken entry");
}

static void
numbers_need_no_files(void **state)
{
    (void)state;
    assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
    assert_int_equal(unlinkat(root, "etc/group", 0), 0);
    assert_ok(coco_user_resolve(root, "5:6", &user, &err), err);
    assert_int_equal(user.uid, 5);
    assert_ok(coco_user_resolve(root, "", &user, &err), err);
    assert_int_equal(user.uid, 0);
    assert_int_equal(user.n_groups, 0);
    assert_fails(coco_user_resolve(root, "root", &user, &err), err, COCO_ERR_NOTFOUND, "no user");
}

static void
links_end_within_the_image(void **state)
{
    char outside[128];

    (void)state;
    (void)snprintf(outside, sizeof(outside), "%s/passwd", top);
    int fd = open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, "evil:x:0:0::/:\n", 15), 15);
    (void)close(fd);

    assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
    assert_int_equal(symlinkat("../../passwd", root, "etc/passwd"), 0);
    assert_fails(coco_user_resolve(root, "evil", &user, &err), err, COCO_ERR_NOTFOUND, "no user");
    assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
    assert_int_equal(symlinkat(outside, root, "etc/passwd"), 0);
    assert_fails(coco_user_resolve(root, "evil", &user, &err), err, COCO_ERR_NOTFOUND, "no user");

    /* An honest link is followed. */
    write_file("real", "app:x:7:8::/:\n");
    assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
    assert_int_equal(symlinkat("/real", root, "etc/passwd"), 0);
    assert_ok(coco_user_resolve(root, "app", &user, &err), err);
    assert_int_equal(user.uid, 7);
}

static void
a_database_that_is_no_file_does_not_block(void **state)
{
    (void)state;
    assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
    assert_int_equal(mkfifoat(root, "etc/passwd", 0644), 0);
    assert_fails(coco_user_resolve(root, "app", &user, &err), err, COCO_ERR_PROTO, "is not a file");
}

static void
resolving_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_status status = coco_user_resolve(root, "app", &user, &err);

        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(users_are_names_or_numbers_with_or_without_a_group, begin,
                                        end),
        cmocka_unit_test_setup_teardown(unknown_and_impossible_users_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(numbers_need_no_files, begin, end),
        cmocka_unit_test_setup_teardown(links_end_within_the_image, begin, end),
        cmocka_unit_test_setup_teardown(a_database_that_is_no_file_does_not_block, begin, end),
        cmocka_unit_test_setup_teardown(resolving_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/user", tests, NULL, NULL);
}
