/*
 * tests/image/test_tarhead.c - lib/image/tarhead.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tarhead.h"

#include "tests/tarball.h"

#include <string.h>

static coco_error *err;
static struct tarball tar;

static uint8_t *
fresh(char type, const char *name)
{
    tar.len = 0;
    return tarball_header(&tar, type, name, "", 0);
}

static void
a_header_is_taken_apart(void **state)
{
    uint8_t *block = fresh('0', "name");
    struct coco_tarhead head;

    (void)state;
    memcpy(block + 345, "some/prefix", 11);
    tarball_set(block, 124, "00000001234", 12);
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
    assert_string_equal(head.name, "some/prefix/name");
    assert_int_equal(head.type, '0');
    assert_int_equal(head.mode, 0644);
    assert_int_equal(head.uid, 1);
    assert_int_equal(head.gid, 2);
    assert_int_equal(head.size, 01234);
    assert_int_equal(head.mtime, 1500000000);
    assert_false(head.old);
}

static void
names_may_fill_their_fields(void **state)
{
    uint8_t *block = fresh('2', "");
    struct coco_tarhead head;

    (void)state;
    memset(block, 'n', 100);
    memset(block + 157, 'l', 100);
    memset(block + 345, 'p', 155);
    tarball_sum(block);
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
    assert_int_equal(strlen(head.name), 155 + 1 + 100);
    assert_int_equal(strlen(head.link), 100);
}

/* Each of these is written by somebody (GNU tar, star, Go, Solaris). */
static void
numbers_come_in_many_forms(void **state)
{
    static const struct {
        char text[13];
        uint64_t want;
    } cases[] = {
        {"00000000017", 15},
        {"         17 ", 15},
        {"17\0\0\0\0\0\0\0\0\0", 15},
        {"777777777777", 0777777777777},
        {"\0\0\0\0\0\0\0\0\0\0\0", 0},
        {"           ", 0},
        {"\x80\0\0\0\0\0\0\0\0\0\1\2", 258},
        {"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *block = fresh('0', "n");
        struct coco_tarhead head;

        tarball_set(block, 124, cases[i].text, 12);
        assert_ok(coco_tarhead_parse(block, &head, &err), err);
        assert_true(head.size == cases[i].want);
    }
}

static void
a_time_may_lie_before_1970(void **state)
{
    uint8_t *block = fresh('0', "n");
    struct coco_tarhead head;

    (void)state;
    tarball_set(block, 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
    assert_int_equal(head.mtime, -2);
}

static void
hostile_headers_are_refused(void **state)
{
    static const struct {
        size_t at;
        const char *text;
        size_t len;
        const char *want;
    } cases[] = {
        {0, "a\0b", 3, "name has bytes after its end"},
        {157, "\0b", 2, "link name has bytes after its end"},
        {345, "a\0b", 3, "prefix has bytes after its end"},
        {100, "0000648", 8, "mode is not a number"},
        {100, "0200000", 8, "mode is out of range"},
        {108, "-000001", 8, "uid is not a number"},
        {108, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "uid is out of range"},
        {116, "1 2", 4, "gid is not a number"},
        {124, "0x000000001", 12, "size is not a number"},
        {124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "size is out of range"},
        {124, "\x80\0\0\0\x80\0\0\0\0\0\0\0", 12, "size does not fit"},
        {124, "\x80\0\0\1\0\0\0\0\0\0\0\0", 12, "size does not fit"},
        {124, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "size does not fit"},
        {136, "\xc0\0\0\0\0\0\0\0\0\0\0\0", 12, "mtime does not fit"},
        {136, "1.5", 4, "mtime is not a number"},
        {257, "ustar\0001", 8, "not a format of tar"},
        {257, "ustar   ", 8, "not a format of tar"},
        {257, "gnuta\0\0\0", 8, "not a format of tar"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *block = fresh('0', "n");
        struct coco_tarhead head;

        tarball_set(block, cases[i].at, cases[i].text, cases[i].len);
        assert_fails(coco_tarhead_parse(block, &head, &err), err, COCO_ERR_PROTO, cases[i].want);
    }
}

static void
the_checksum_covers_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARBALL_BLOCK; i++) {
        uint8_t *block = fresh('0', "n");
        struct coco_tarhead head;

        block[i] = (uint8_t)(block[i] + 1);
        if (i == 154 || i == 155)
            continue; /* what ends the checksum's own field: NUL, space */
        coco_status status = coco_tarhead_parse(block, &head, &err);
        if (status != COCO_ERR_PROTO)
            fail_msg("byte %zu can be changed", i);
        coco_error_free(err);
        err = NULL;
    }
}

static void
the_checksum_may_be_of_signed_bytes(void **state)
{
    uint8_t *block = fresh('0', "\xff");
    struct coco_tarhead head;

    (void)state;
    /* 256 less for the one byte above 127 */
    unsigned sum = 0;
    for (size_t i = 148; i < 154; i++)
        sum = sum << 3 | (unsigned)(block[i] - '0');
    sum -= 256;
    for (size_t i = 154; i-- > 148; sum >>= 3)
        block[i] = (uint8_t)('0' + (sum & 7));
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
}

static void
gnu_and_old_headers_have_no_prefix(void **state)
{
    uint8_t *block = fresh('0', "n");
    struct coco_tarhead head;

    (void)state;
    memcpy(block + 345, "01234567012", 11); /* GNU: a time */
    tarball_set(block, 257, "ustar  \0", 8);
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
    assert_string_equal(head.name, "n");
    tarball_set(block, 257, "\0\0\0\0\0\0\0\0", 8);
    assert_ok(coco_tarhead_parse(block, &head, &err), err);
    assert_string_equal(head.name, "n");
    assert_true(head.old);
}

static void
old_sparse_headers_hold_four_runs(void **state)
{
    uint8_t *block = fresh('S', "n");
    struct coco_sparse sparse = {0};
    uint64_t size;
    bool more;

    (void)state;
    memcpy(block + 386,
           "00000000000\0"
           "00000000010\0"
           "00000000100\0"
           "00000000001",
           48);
    memcpy(block + 483, "00000001000", 12);
    assert_fails(coco_tarhead_sparse(block, &sparse, &size, &more, &err), err, COCO_ERR_PROTO,
                 "without such");
    block[482] = 1;
    tarball_set(block, 257, "ustar  \0", 8);
    assert_ok(coco_tarhead_sparse(block, &sparse, &size, &more, &err), err);
    assert_int_equal(size, 01000);
    assert_true(more);
    assert_int_equal(sparse.n, 2);
    assert_int_equal(sparse.runs[0].len, 010);
    assert_int_equal(sparse.runs[1].offset, 0100);
    coco_sparse_done(&sparse);

    memset(block, 0, TARBALL_BLOCK);
    memcpy(block, "00000000000\0zzzzzzzzzzz", 23);
    assert_fails(coco_tarhead_more_sparse(block, &sparse, &more, &err), err, COCO_ERR_PROTO,
                 "sparse length is not a number");
    coco_sparse_done(&sparse);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_taken_apart),
        cmocka_unit_test(names_may_fill_their_fields),
        cmocka_unit_test(numbers_come_in_many_forms),
        cmocka_unit_test(a_time_may_lie_before_1970),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(the_checksum_covers_every_byte),
        cmocka_unit_test(the_checksum_may_be_of_signed_bytes),
        cmocka_unit_test(gnu_and_old_headers_have_no_prefix),
        cmocka_unit_test(old_sparse_headers_hold_four_runs),
    };

    return cmocka_run_group_tests_name("image/tarhead", tests, NULL, NULL);
}
