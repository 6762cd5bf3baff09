/*
 * tests/image/test_pax.c - lib/image/pax.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pax.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;

/* Parses a copy, so that literals may be given; text may have NULs in it. */
static coco_status
parse(const char *text, size_t len, bool global, struct coco_pax *pax)
{
    static char copy[16384];

    assert_true(len < sizeof(copy));
    memcpy(copy, text, len + 1);
    return coco_pax_parse(copy, len, global, pax, &err);
}

static void
records_are_taken_apart(void **state)
{
    static const char text[] = "12 path=a/b\n"
                               "12 uid=1000\n"
                               "13 mtime=1.5\n"
                               "25 SCHILY.xattr.user.a=x\n"
                               "24 SCHILY.xattr.user.b=\n"
                               "16 comment=what\n"
                               "21 hdrcharset=BINARY\n"
                               "7 gid=\n";
    struct coco_pax pax = {0};

    (void)state;
    assert_ok(parse(text, sizeof(text) - 1, false, &pax), err);
    assert_string_equal(pax.values[COCO_PAX_PATH], "a/b");
    assert_string_equal(pax.values[COCO_PAX_UID], "1000");
    assert_string_equal(pax.values[COCO_PAX_MTIME], "1.5");
    assert_string_equal(pax.values[COCO_PAX_GID], "");
    assert_null(pax.values[COCO_PAX_SIZE]);
    assert_int_equal(pax.n_xattrs, 1);
    assert_string_equal(pax.xattrs[0].name, "user.a");
    assert_int_equal(pax.xattrs[0].len, 1);
    coco_pax_done(&pax);
}

static void
hostile_records_are_refused(void **state)
{
#define CASE(text, status, want)                                                                   \
    {                                                                                              \
        text, sizeof(text) - 1, status, want                                                       \
    }
    static const struct {
        const char *text;
        size_t len;
        coco_status status;
        const char *want;
    } cases[] = {
        CASE("path=a\n", COCO_ERR_PROTO, "not a decimal number"),
        CASE(" 9 path=a\n", COCO_ERR_PROTO, "not a decimal number"),
        CASE("09 path=a\n", COCO_ERR_PROTO, "not a decimal number"),
        CASE("+9 path=a\n", COCO_ERR_PROTO, "not a decimal number"),
        CASE("9\tpath=a\n", COCO_ERR_PROTO, "not a decimal number"),
        CASE("0 path=a\n", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("2 path=a\n", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("8 path=a\n", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("11 path=a\n", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("99999999999999999999 path=a\n", COCO_ERR_PROTO, "does not fit"),
        CASE("9223372036854775807 path=a\n", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("8 path=a", COCO_ERR_PROTO, "length of a record is wrong"),
        CASE("9 path a\n", COCO_ERR_PROTO, "without a key"),
        CASE("5 =a\n", COCO_ERR_PROTO, "without a key"),
        CASE("9 p\0th=a\n", COCO_ERR_PROTO, "without a key"),
        CASE("12 path=a\0b\n", COCO_ERR_PROTO, "'path' with a NUL"),
        CASE("9 path=a\n9 path=a\n", COCO_ERR_PROTO, "'path' stands there twice"),
        CASE("9 path=a\n9 path=b\n", COCO_ERR_PROTO, "'path' stands there twice"),
        CASE("17 hdrcharset=\xff\xff\n", COCO_ERR_NOTSUP, "another character set"),
        CASE("19 SCHILY.xattr.=x\n", COCO_ERR_PROTO, "without a name"),
        CASE("20 SCHILY.xattr.a=x\n20 SCHILY.xattr.a=y\n", COCO_ERR_PROTO, "twice"),
        CASE("22 SCHILY.realsize=10\n", COCO_ERR_NOTSUP, "sparse file of star"),
        CASE("19 GNU.sparse.new=1\n", COCO_ERR_PROTO, "length of a record"),
        CASE("20 GNU.sparse.new=1\n", COCO_ERR_NOTSUP, "unknown kind of sparse"),
        CASE("23 GNU.sparse.offset=1\n", COCO_ERR_PROTO, "without its length"),
        CASE("25 GNU.sparse.numbytes=1\n", COCO_ERR_PROTO, "not in pairs"),
        CASE("23 GNU.sparse.offset=1\n23 GNU.sparse.offset=2\n", COCO_ERR_PROTO, "not in pairs"),
        CASE("24 GNU.sparse.offset=-1\n", COCO_ERR_PROTO, "not a decimal number"),
    };
#undef CASE

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_pax pax = {0};

        assert_fails(parse(cases[i].text, cases[i].len, false, &pax), err, cases[i].status,
                     cases[i].want);
        coco_pax_done(&pax);
    }
}

static void
a_global_header_is_no_place_for_one_entry(void **state)
{
    static const char *const bad[] = {
        "9 path=a\n",
        "13 linkpath=a\n",
        "9 size=1\n",
        "20 SCHILY.xattr.a=x\n",
        "22 GNU.sparse.major=1\n",
        "23 GNU.sparse.offset=1\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct coco_pax pax = {0};

        coco_status status = parse(bad[i], strlen(bad[i]), true, &pax);
        if (status != COCO_ERR_PROTO)
            fail_msg("case %zu: %s", i, coco_status_name(status));
        coco_error_free(err);
        err = NULL;
        coco_pax_done(&pax);
    }
    struct coco_pax pax = {0};
    assert_ok(parse("11 mtime=1\n13 comment=x\n", 24, true, &pax), err);
    assert_string_equal(pax.values[COCO_PAX_MTIME], "1");
    coco_pax_done(&pax);
}

static void
times_are_cut_towards_the_past(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        long nanos;
    } cases[] = {
        {"0", 0, 0},
        {"1500000000.123456789", 1500000000, 123456789},
        {"1.1234567899", 1, 123456789},
        {"1.", 1, 0},
        {"-1", -1, 0},
        {"-1.25", -2, 750000000},
        {"-0.5", -1, 500000000},
        {"007", 7, 0},
    };
    static const char *const bad[] = {
        "", "-", ".5", "+1", "1.5x", "1,5", "1e3", " 1", "--1", "1.-5", "99999999999999999999",
    };
    struct timespec time;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_pax_time(cases[i].text, &time, &err), err);
        assert_int_equal(time.tv_sec, cases[i].seconds);
        assert_int_equal(time.tv_nsec, cases[i].nanos);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_pax_time(bad[i], &time, &err), err, COCO_ERR_PROTO, "a time");
}

static void
numbers_are_decimal_and_fit(void **state)
{
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "01", "9223372036854775808", "1\n",
    };
    uint64_t value;

    (void)state;
    assert_ok(coco_pax_u64("9223372036854775807", &value, &err), err);
    assert_true(value == INT64_MAX);
    assert_ok(coco_pax_u64("0", &value, &err), err);
    assert_int_equal(value, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_pax_u64(bad[i], &value, &err), err, COCO_ERR_PROTO, "number");
}

static void
a_sparse_map_is_pairs_of_numbers(void **state)
{
    static const char *const bad[] = {
        "1", "1,", ",", "1,2,", "1,2,3", "1,2,,", "1,-2", "1;2", "5,5,1,1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct coco_sparse sparse = {0};

        if (coco_pax_sparse_map(bad[i], &sparse, &err) != COCO_ERR_PROTO)
            fail_msg("'%s' is accepted", bad[i]);
        coco_error_free(err);
        err = NULL;
        coco_sparse_done(&sparse);
    }
    struct coco_sparse sparse = {0};
    assert_ok(coco_pax_sparse_map("0,1,10,20", &sparse, &err), err);
    assert_int_equal(sparse.n, 2);
    assert_int_equal(sparse.runs[1].len, 20);
    coco_sparse_done(&sparse);
}

static void
extended_attributes_have_a_limit(void **state)
{
    struct coco_pax pax = {0};
    char text[4096];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i <= COCO_PAX_XATTRS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "23 SCHILY.xattr.%04zu=x\n", i);
    assert_fails(parse(text, len, false, &pax), err, COCO_ERR_LIMIT, "more than 64");
    coco_pax_done(&pax);
}

static void
parsing_survives_any_failed_allocation(void **state)
{
    static const char text[] = "23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=1\n";

    (void)state;
    for_each_fault()
    {
        struct coco_pax pax = {0};

        coco_status status = parse(text, sizeof(text) - 1, false, &pax);
        fault_expect(status, err);
        coco_pax_done(&pax);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_taken_apart),
        cmocka_unit_test(hostile_records_are_refused),
        cmocka_unit_test(a_global_header_is_no_place_for_one_entry),
        cmocka_unit_test(times_are_cut_towards_the_past),
        cmocka_unit_test(numbers_are_decimal_and_fit),
        cmocka_unit_test(a_sparse_map_is_pairs_of_numbers),
        cmocka_unit_test(extended_attributes_have_a_limit),
        cmocka_unit_test(parsing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/pax", tests, NULL, NULL);
}
