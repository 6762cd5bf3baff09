/*
 * tests/tee/test_pck.c - lib/tee/pck.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/pck.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;

static struct coco_pck
some_pck(void)
{
    struct coco_pck pck = {
        .components = {0, 1, 127, 128, 255},
        .pce_svn = 0x8001,
        .pce_id = {0x12, 0x34},
        .fmspc = {0x50, 0x80, 0x6f},
        .type = COCO_SGX_SCALABLE,
        .has_platform = true,
        .has_configuration = true,
        .cached_keys = true,
    };

    memset(pck.ppid, 0xaa, sizeof(pck.ppid));
    memset(pck.cpu_svn, 0xbb, sizeof(pck.cpu_svn));
    memset(pck.platform_instance_id, 0xcc, sizeof(pck.platform_instance_id));
    return pck;
}

static struct coco_buf
format(const struct coco_pck *pck)
{
    struct coco_buf der = {.limit = COCO_PCK_SIZE_MAX};

    assert_ok(coco_pck_format(pck, &der, &err), err);
    return der;
}

static void
an_extension_is_read_as_it_was_written(void **state)
{
    struct coco_pck pck = some_pck();
    struct coco_pck read = {0};
    _cleanup_buf_ struct coco_buf der = format(&pck);

    (void)state;
    assert_ok(coco_pck_parse(der.data, der.len, &read, &err), err);
    assert_memory_equal(read.ppid, pck.ppid, sizeof(pck.ppid));
    assert_memory_equal(read.components, pck.components, sizeof(pck.components));
    assert_int_equal(read.pce_svn, 0x8001);
    assert_memory_equal(read.cpu_svn, pck.cpu_svn, sizeof(pck.cpu_svn));
    assert_memory_equal(read.pce_id, pck.pce_id, sizeof(pck.pce_id));
    assert_memory_equal(read.fmspc, pck.fmspc, sizeof(pck.fmspc));
    assert_int_equal(read.type, COCO_SGX_SCALABLE);
    assert_true(read.has_platform && read.has_configuration);
    assert_memory_equal(read.platform_instance_id, pck.platform_instance_id, 16);
    assert_true(read.cached_keys);
    assert_false(read.dynamic_platform || read.smt_enabled);
}

static void
what_the_processor_ca_leaves_out_may_be_missing(void **state)
{
    struct coco_pck pck = some_pck();
    struct coco_pck read = {0};

    (void)state;
    pck.has_configuration = false;
    _cleanup_buf_ struct coco_buf platform = format(&pck);
    assert_ok(coco_pck_parse(platform.data, platform.len, &read, &err), err);
    assert_true(read.has_platform && !read.has_configuration);
    pck.has_platform = false;
    _cleanup_buf_ struct coco_buf neither = format(&pck);
    assert_ok(coco_pck_parse(neither.data, neither.len, &read, &err), err);
    assert_false(read.has_platform || read.has_configuration);
    pck.has_configuration = true;
    _cleanup_buf_ struct coco_buf gap = format(&pck);
    assert_fails(coco_pck_parse(gap.data, gap.len, &read, &err), err, COCO_ERR_PROTO, "malformed");
}

static void
an_extension_cut_anywhere_or_longer_is_refused(void **state)
{
    struct coco_pck pck = some_pck();
    struct coco_pck read = {0};
    _cleanup_buf_ struct coco_buf der = format(&pck);

    (void)state;
    for (size_t len = 0; len < der.len; len++)
        assert_fails(coco_pck_parse(der.data, len, &read, &err), err, COCO_ERR_PROTO, "malformed");
    assert_ok(coco_buf_append(&der, "", 1, &err), err);
    assert_fails(coco_pck_parse(der.data, der.len, &read, &err), err, COCO_ERR_PROTO, "malformed");
}

/* One text for each value: what is still read after a change is written as it was changed. */
static void
there_is_one_encoding_of_each_value(void **state)
{
    struct coco_pck pck = some_pck();
    _cleanup_buf_ struct coco_buf der = format(&pck);
    unsigned read_again = 0;

    (void)state;
    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        struct coco_pck read = {0};

        der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_pck_parse(der.data, der.len, &read, NULL) == COCO_OK) {
            _cleanup_buf_ struct coco_buf again = format(&read);
            assert_int_equal(again.len, der.len);
            assert_memory_equal(again.data, der.data, der.len);
            read_again++;
        }
        der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    /* Octets may be anything: 16 + 16 + 2 + 6 + 16 bytes. */
    assert_true(read_again >= 8 * 56);
}

/* The component with the value 127 in other words; the lengths around it are made to fit. */
static void
other_encodings_of_a_number_are_refused(void **state)
{
    static const struct {
        const char *from;
        size_t from_len;
        const char *to;
        size_t to_len;
    } cases[] = {
        {"\x02\x01\x7f", 3, "\x02\x01\xff", 3}, /* negative */
        {"\x02\x01\x7f", 3, "\x04\x01\x7f", 3}, /* octets */
        {"\x02\x02\x00\x80", 4, "\x02\x02\x00\x7f", 4},
        {"\x02\x02\x00\x80", 4, "\x02\x02\x01\x00", 4}, /* 256 */
        {"\x02\x02\x00\x80", 4, "\x02\x00\x00\x80", 4},
        {"\x02\x03\x00\x80\x01", 5, "\x02\x03\x00\x00\x01", 5},
        {"\x02\x03\x00\x80\x01", 5, "\x02\x03\x01\x00\x01", 5}, /* 65537 */
        {"\x0a\x01\x01", 3, "\x0a\x01\x03", 3},                 /* no such type */
        {"\x01\x01\xff", 3, "\x01\x01\x01", 3},                 /* BER's true */
    };
    struct coco_pck pck = some_pck();
    struct coco_pck read = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf der = format(&pck);
        uint8_t *at = memmem(der.data, der.len, cases[i].from, cases[i].from_len);

        assert_non_null(at);
        memcpy(at, cases[i].to, cases[i].to_len);
        assert_fails(coco_pck_parse(der.data, der.len, &read, &err), err, COCO_ERR_PROTO,
                     "malformed");
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    struct coco_pck pck = some_pck();

    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_PCK_SIZE_MAX};
        struct coco_pck read = {0};

        coco_status status = coco_pck_format(&pck, &der, &err);
        if (status == COCO_OK)
            status = coco_pck_parse(der.data, der.len, &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_extension_is_read_as_it_was_written),
        cmocka_unit_test(what_the_processor_ca_leaves_out_may_be_missing),
        cmocka_unit_test(an_extension_cut_anywhere_or_longer_is_refused),
        cmocka_unit_test(there_is_one_encoding_of_each_value),
        cmocka_unit_test(other_encodings_of_a_number_are_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/pck", tests, NULL, NULL);
}
