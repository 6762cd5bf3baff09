/*
 * tests/image/test_unpack.c - lib/image/unpack.c
 *
 * What it makes of honest layers is compared with others in tests/e2e/test_parity.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include "tests/faults.h"
#include "tests/tarball.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static coco_error *err;
static struct tarball tar;
static char top[64];
static int root;
static struct coco_unpack_budget budget;

static int
begin(void **state)
{
    char path[128];

    (void)state;
    make_temp_dir(top, sizeof(top));
    (void)snprintf(path, sizeof(path), "%s/root", top);
    assert_int_equal(mkdir(path, 0755), 0);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    (void)snprintf(path, sizeof(path), "%s/victim", top);
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    budget = (struct coco_unpack_budget){.content = 1 << 20, .entries = 1000};
    tar.len = 0;
    return 0;
}

static int
end(void **state)
{
    struct stat st;
    char path[128];

    (void)state;
    (void)close(root);
    (void)snprintf(path, sizeof(path), "%s/victim", top);
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_nlink, 1);
    remove_temp_dir(top);
    return 0;
}

static coco_status
unpack(void)
{
    _cleanup_(coco_unpack_freep) struct coco_unpack *unpack = NULL;

    coco_status status = coco_unpack_new(root, &budget, &unpack, &err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_unpack_sink(unpack);
    status = coco_sink_write(&sink, tar.data, tar.len, &err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, &err);
    tar.len = 0;
    return status;
}

static void
assert_content(const char *name, const char *want)
{
    char text[64] = "";
    int fd = openat(root, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        fail_msg("'%s' is missing", name);
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    assert_string_equal(text, want);
    (void)close(fd);
}

static bool
there(const char *name)
{
    return faccessat(root, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

#define ADD(type, name, link, data) tarball_add(&tar, type, name, link, data, strlen(data))

static void
nothing_is_written_through_a_link(void **state)
{
    struct stat st;

    (void)state;
    ADD('2', "l", "../victim", "");
    ADD('0', "l", "", "replaced");
    ADD('2', "m", "../../../../../../../../etc", "");
    ADD('0', "m/coco-test", "", "inside");
    ADD('2', "dir", "/tmp", "");
    ADD('5', "dir", "", "");
    assert_ok(unpack(), err);
    assert_content("l", "replaced");
    assert_content("etc/coco-test", "inside");
    assert_int_not_equal(access("/etc/coco-test", F_OK), 0);
    assert_int_equal(fstatat(root, "dir", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISDIR(st.st_mode));
}

static void
a_file_on_the_way_of_a_name_is_an_error(void **state)
{
    (void)state;
    ADD('0', "f", "", "");
    ADD('0', "f/g", "", "");
    assert_fails(unpack(), err, COCO_ERR_PROTO, "'f/g': a directory on the way is a file");
}

static void
hostile_names_are_refused(void **state)
{
    static const struct {
        char type;
        const char *name, *link;
        coco_status status;
        const char *want;
    } cases[] = {
        {'0', "../victim", "", COCO_ERR_PROTO, "'..' in a name"},
        {'0', "a/../../victim", "", COCO_ERR_PROTO, "'..' in a name"},
        {'5', "..", "", COCO_ERR_PROTO, "'..' in a name"},
        {'1', "h", "../victim", COCO_ERR_PROTO, "'..' in a name"},
        {'1', "h", "nothing", COCO_ERR_PROTO, "not there"},
        {'1', "h", "no/thing", COCO_ERR_PROTO, "not there"},
        {'1', "h", ".", COCO_ERR_PROTO, "hard link to the root"},
        {'1', "h", "d", COCO_ERR_PROTO, "hard link to a directory"},
        {'1', "f", "f", COCO_ERR_PROTO, "hard link to itself"},
        {'1', "d", "d/g", COCO_ERR_PROTO, "in the place of its target"},
        {'0', "./", "", COCO_ERR_PROTO, "ends in a slash"},
        {'2', ".", "/", COCO_ERR_PROTO, "root that is not a directory"},
        {'1', ".", "f", COCO_ERR_PROTO, "root that is not a directory"},
        {'0', ".wh.", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', ".wh..", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', ".wh...", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', "d/.wh...", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', ".wh..wh.plnk", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', ".wh..wh.aufs", "", COCO_ERR_PROTO, "whiteout of nothing"},
        {'0', ".wh.d/x", "", COCO_ERR_PROTO, "beneath a whiteout"},
        {'0', "d/.wh..wh..opq/x", "", COCO_ERR_PROTO, "beneath a whiteout"},
        {'3', "zero", "", COCO_ERR_PROTO, "character device 0:0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].type == '3' && geteuid() != 0)
            continue;
        tar.len = 0;
        ADD('5', "d", "", "");
        ADD('0', "d/g", "", "");
        ADD('0', "f", "", "");
        ADD(cases[i].type, cases[i].name, cases[i].link, "");
        assert_fails(unpack(), err, cases[i].status, cases[i].want);
    }
    tar.len = 0;
    ADD('0', ".wh.f", "", "data");
    assert_fails(unpack(), err, COCO_ERR_PROTO, "whiteout of nothing");
}

static void
a_hard_link_to_a_link_is_one_more_link(void **state)
{
    struct stat st;

    (void)state;
    ADD('2', "l", "../victim", "");
    ADD('1', "h", "l", "");
    assert_ok(unpack(), err);
    assert_int_equal(fstatat(root, "h", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(st.st_nlink, 2);
}

static void
whiteouts_hide_lower_layers_only(void **state)
{
    static const char *const orders[][3] = {
        {"d/.wh.a", "d/a", "d/b"},
        {"d/a", "d/.wh.a", "d/b"},
        {"d/a", "d/b", "d/.wh..wh..opq"},
        {"d/.wh..wh..opq", "d/a", "d/b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        ADD('5', "d", "", "");
        ADD('0', "d/a", "", "old");
        ADD('0', "d/c", "", "old");
        assert_ok(unpack(), err);
        for (size_t k = 0; k < 3; k++)
            ADD('0', orders[i][k], "", strstr(orders[i][k], ".wh.") ? "" : "new");
        assert_ok(unpack(), err);
        assert_content("d/a", "new");
        assert_content("d/b", "new");
        assert_true(there("d/c") == (i < 2));
        assert_false(there("d/.wh.a"));
        assert_false(there("d/.wh..wh..opq"));
    }
}

static void
a_link_to_a_lower_file_outlives_its_whiteout(void **state)
{
    (void)state;
    ADD('5', "d", "", "");
    ADD('0', "d/a", "", "old");
    assert_ok(unpack(), err);
    ADD('5', "e", "", "");
    ADD('1', "e/kept", "d/a", "");
    ADD('0', ".wh.d", "", "");
    ADD('0', "e/.wh..wh..opq", "", "");
    assert_ok(unpack(), err);
    assert_content("e/kept", "old");
    assert_false(there("d"));
}

static void
a_whiteout_of_what_is_not_there_makes_nothing(void **state)
{
    (void)state;
    ADD('0', "no/dir/.wh.x", "", "");
    ADD('0', "no/.wh..wh..opq", "", "");
    ADD('0', ".wh.nothing", "", "");
    assert_ok(unpack(), err);
    assert_false(there("no"));
}

static void
what_does_not_fit_the_budget_is_refused(void **state)
{
    (void)state;
    budget = (struct coco_unpack_budget){.content = 8, .entries = 3};
    ADD('0', "a", "", "12345");
    ADD('0', "b", "", "123");
    assert_ok(unpack(), err);
    assert_int_equal(budget.content, 0);
    assert_int_equal(budget.entries, 1);
    ADD('0', "c", "", "1");
    assert_fails(unpack(), err, COCO_ERR_LIMIT, "'c': more bytes of files than allowed");
    assert_false(there("c"));
    budget.entries = 0;
    ADD('5', "d", "", "");
    assert_fails(unpack(), err, COCO_ERR_LIMIT, "'d': more files than allowed");
}

static void
holes_are_part_of_the_budget_and_of_the_file(void **state)
{
    struct stat st;

    (void)state;
    tarball_pax(&tar, 'x',
                (const char *const[]){"GNU.sparse.size=1000000", "GNU.sparse.numblocks=1",
                                      "GNU.sparse.map=500000,1", NULL});
    ADD('0', "s", "", "x");
    size_t len = tar.len;
    assert_ok(unpack(), err);
    assert_int_equal(fstatat(root, "s", &st, 0), 0);
    assert_int_equal(st.st_size, 1000000);
    assert_true(st.st_blocks < 100);
    tar.len = len;
    assert_fails(unpack(), err, COCO_ERR_LIMIT, "more bytes");
}

static void
directories_cannot_be_piled_up_through_links(void **state)
{
    char deep[512];

    (void)state;
    for (size_t i = 0; i < 45; i++)
        memcpy(deep + 2 * i, "a/", 3);
    ADD('5', deep, "", "");
    assert_ok(unpack(), err);
    /* down0 is 45 deep, each further one 45 more */
    ADD('2', "down0", deep, "");
    for (int i = 0; i < 8; i++) {
        char name[600];

        (void)snprintf(name, sizeof(name), "down%d/%s", i, deep);
        ADD('5', name, "", "");
        (void)snprintf(name, sizeof(name), "down%d", i + 1);
        char target[600];
        (void)snprintf(target, sizeof(target), "down%d/%s", i, deep);
        ADD('2', name, target, "");
    }
    assert_fails(unpack(), err, COCO_ERR_LIMIT, "directories above one another");
}

static void
names_are_escaped_in_messages(void **state)
{
    (void)state;
    ADD('1', "\033[2J", "none", "");
    assert_fails(unpack(), err, COCO_ERR_PROTO, "'\\x1b[2J'");
}

static void
unpacking_survives_any_failed_allocation(void **state)
{
    (void)state;
    ADD('5', "a", "", "");
    ADD('0', "a/b/f", "", "data");
    ADD('1', "a/h", "a/b/f", "");
    ADD('0', "a/.wh..wh..opq", "", "");
    size_t len = tar.len;
    for_each_fault()
    {
        tar.len = len;
        coco_status status = unpack();
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_written_through_a_link, begin, end),
        cmocka_unit_test_setup_teardown(a_file_on_the_way_of_a_name_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(hostile_names_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_hard_link_to_a_link_is_one_more_link, begin, end),
        cmocka_unit_test_setup_teardown(whiteouts_hide_lower_layers_only, begin, end),
        cmocka_unit_test_setup_teardown(a_link_to_a_lower_file_outlives_its_whiteout, begin, end),
        cmocka_unit_test_setup_teardown(a_whiteout_of_what_is_not_there_makes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_the_budget_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(holes_are_part_of_the_budget_and_of_the_file, begin, end),
        cmocka_unit_test_setup_teardown(directories_cannot_be_piled_up_through_links, begin, end),
        cmocka_unit_test_setup_teardown(names_are_escaped_in_messages, begin, end),
        cmocka_unit_test_setup_teardown(unpacking_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("image/unpack", tests, NULL, NULL);
}
