/*
 * tests/tee/test_hcl.c - lib/tee/hcl.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define USER_DATA                                                                                  \
    "AB00000000000000000000000000000000000000000000000000000000000000"                             \
    "00000000000000000000000000000000000000000000000000000000000000cd"
#define RUNTIME                                                                                    \
    "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AA\"},"               \
    "{\"kid\":\"HCLEkPub\"}],\"vm-configuration\":{},\"user-data\":\"" USER_DATA "\"}"

#define RUNTIME_LEN (sizeof(RUNTIME) - 1)
#define RUNTIME_AT 1236
#define REPORT_LEN (RUNTIME_AT + RUNTIME_LEN)

static void
put_u32(uint8_t *p, size_t value)
{
    for (size_t i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* The report as the table in the header has it, not as our own code does. */
static void
make_report(uint8_t report[REPORT_LEN], uint32_t hardware)
{
    memset(report, 0, REPORT_LEN);
    memcpy(report, "HCLA", 4);
    put_u32(report + 4, 2);
    put_u32(report + 8, REPORT_LEN);
    put_u32(report + 12, 2);
    memset(report + 32, 0x5a, hardware == COCO_HCL_TDX ? 1024 : 1184);
    put_u32(report + 1216, 20 + RUNTIME_LEN);
    put_u32(report + 1220, 1);
    put_u32(report + 1224, hardware);
    put_u32(report + 1228, 1);
    put_u32(report + 1232, RUNTIME_LEN);
    memcpy(report + RUNTIME_AT, RUNTIME, RUNTIME_LEN);
}

static void
a_report_is_read_and_written_as_it_was(void **state)
{
    static const enum coco_hcl_hardware kinds[] = {COCO_HCL_SNP, COCO_HCL_TDX};
    uint8_t bytes[REPORT_LEN];
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_HCL_REPORT_MAX};
        struct coco_hcl_report report;

        make_report(bytes, kinds[i]);
        assert_ok(coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err), err);
        assert_int_equal(report.hardware, kinds[i]);
        assert_ptr_equal(report.report, bytes + 32);
        assert_ptr_equal(report.runtime, bytes + RUNTIME_AT);
        assert_int_equal(report.runtime_len, RUNTIME_LEN);
        assert_ok(coco_hcl_report_format(&report, &buf, &err), err);
        assert_int_equal(buf.len, sizeof(bytes));
        assert_memory_equal(buf.data, bytes, sizeof(bytes));
    }
}

static void
a_report_is_filled_up_with_zeros_alone(void **state)
{
    uint8_t bytes[REPORT_LEN + 100] = {0};
    struct coco_hcl_report report;
    coco_error *err = NULL;

    (void)state;
    make_report(bytes, COCO_HCL_TDX);
    assert_ok(coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err), err);
    assert_int_equal(report.runtime_len, RUNTIME_LEN);
    bytes[sizeof(bytes) - 1] = 1;
    assert_fails(coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err), err, COCO_ERR_PROTO,
                 "filled up");
    bytes[sizeof(bytes) - 1] = 0;
    bytes[32 + 1024] = 1;
    assert_fails(coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err), err, COCO_ERR_PROTO,
                 "filled up");
}

static void
hostile_reports_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        coco_status status;
        const char *why;
    } cases[] = {
        {0, 0, COCO_ERR_PROTO, "no HCL report"},
        {4, 0, COCO_ERR_NOTSUP, "version 0"},
        {4, 3, COCO_ERR_NOTSUP, "version 3"},
        {8, 0, COCO_ERR_PROTO, "sizes"},
        {8, 0xffffffff, COCO_ERR_PROTO, "sizes"},
        {12, 1, COCO_ERR_PROTO, "request 1"},
        {16, 7, COCO_ERR_PROTO, "status 7"},
        {20, 1, COCO_ERR_PROTO, "HCL report"},
        {28, 0x01000000, COCO_ERR_PROTO, "HCL report"},
        {1216, 0, COCO_ERR_PROTO, "sizes"},
        {1216, 0xffffffff, COCO_ERR_PROTO, "sizes"},
        {1220, 2, COCO_ERR_PROTO, "sizes"},
        {1224, 3, COCO_ERR_NOTSUP, "hardware 3"},
        {1228, 0, COCO_ERR_NOTSUP, "hash 0"},
        {1228, 2, COCO_ERR_NOTSUP, "hash 2"},
        {1232, 0, COCO_ERR_PROTO, "sizes"},
        {1232, RUNTIME_LEN - 1, COCO_ERR_PROTO, "sizes"},
        {1232, RUNTIME_LEN + 1, COCO_ERR_PROTO, "ends after"},
        {1232, 0xffffffff, COCO_ERR_PROTO, "ends after"},
    };
    static uint8_t large[COCO_HCL_REPORT_MAX + 1];
    uint8_t bytes[REPORT_LEN];
    struct coco_hcl_report report;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        make_report(bytes, COCO_HCL_SNP);
        put_u32(bytes + cases[i].at, cases[i].value);
        assert_fails(coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err), err,
                     cases[i].status, cases[i].why);
    }
    make_report(bytes, COCO_HCL_SNP);
    for (size_t len = 0; len < sizeof(bytes); len++)
        assert_int_equal(coco_hcl_report_parse(bytes, len, &report, NULL), COCO_ERR_PROTO);
    assert_fails(coco_hcl_report_parse(large, sizeof(large), &report, &err), err, COCO_ERR_LIMIT,
                 "16385 bytes");
}

static coco_status
parse_runtime(const char *text, struct coco_hcl_runtime *ret, coco_error **err)
{
    struct coco_hcl_report report = {
        .runtime = (const uint8_t *)text,
        .runtime_len = strlen(text),
    };
    return coco_hcl_runtime_parse(&report, ret, err);
}

static void
runtime_data_name_the_key_and_the_user_data(void **state)
{
    _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};
    const char *n = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_runtime(RUNTIME, &runtime, &err), err);
    assert_ok(coco_json_get_string(runtime.ak, "n", &n, &err), err);
    assert_string_equal(n, "AA");
    assert_int_equal(runtime.user_data_len, 64);
    assert_int_equal(runtime.user_data[0], 0xab);
    assert_int_equal(runtime.user_data[63], 0xcd);
}

static void
older_runtime_data_have_no_user_data(void **state)
{
    _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_runtime("{\"keys\":[{\"kid\":\"HCLAkPub\"}]}", &runtime, &err), err);
    assert_non_null(runtime.ak);
    assert_int_equal(runtime.user_data_len, 0);
}

#define AK "{\"kid\":\"HCLAkPub\"}"

static void
hostile_runtime_data_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "runtime data of the HCL"},
        {"[]", COCO_ERR_PROTO, "runtime data of the HCL"},
        {"{}", COCO_ERR_PROTO, "keys"},
        {"{\"keys\":{}}", COCO_ERR_PROTO, "keys"},
        {"{\"keys\":[]}", COCO_ERR_PROTO, "no key HCLAkPub"},
        {"{\"keys\":[1,\"HCLAkPub\",null,{\"kid\":1}]}", COCO_ERR_PROTO, "no key HCLAkPub"},
        {"{\"keys\":[{\"kid\":\"HCLEkPub\"}]}", COCO_ERR_PROTO, "no key HCLAkPub"},
        {"{\"keys\":[" AK "," AK "]}", COCO_ERR_PROTO, "two keys HCLAkPub"},
        {"{\"keys\":[1,2,3,4,5,6,7,8,9]}", COCO_ERR_LIMIT, "keys"},
        {"{\"keys\":[" AK "],\"keys\":[]}", COCO_ERR_PROTO, "keys"},
        {"{\"keys\":[" AK "],\"user-data\":\"\"}", COCO_ERR_PROTO, "user-data"},
        {"{\"keys\":[" AK "],\"user-data\":\"ab\"}", COCO_ERR_PROTO, "user-data"},
        {"{\"keys\":[" AK "],\"user-data\":\"" USER_DATA "00\"}", COCO_ERR_PROTO, "user-data"},
        {"{\"keys\":[" AK "],\"user-data\":7}", COCO_ERR_PROTO, "user-data"},
        {"{\"keys\":[" AK "]} ,", COCO_ERR_PROTO, "runtime data of the HCL"},
    };
    struct coco_hcl_runtime runtime;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse_runtime(cases[i].text, &runtime, &err), err, cases[i].status,
                     cases[i].why);
}

static void
reports_survive_any_failed_allocation(void **state)
{
    uint8_t bytes[REPORT_LEN];

    (void)state;
    make_report(bytes, COCO_HCL_SNP);
    for_each_fault()
    {
        _cleanup_hcl_runtime_ struct coco_hcl_runtime runtime = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_HCL_REPORT_MAX};
        struct coco_hcl_report report;
        coco_error *err = NULL;

        coco_status status = coco_hcl_report_parse(bytes, sizeof(bytes), &report, &err);
        if (status == COCO_OK)
            status = coco_hcl_report_format(&report, &buf, &err);
        if (status == COCO_OK)
            status = coco_hcl_runtime_parse(&report, &runtime, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_read_and_written_as_it_was),
        cmocka_unit_test(a_report_is_filled_up_with_zeros_alone),
        cmocka_unit_test(hostile_reports_are_refused),
        cmocka_unit_test(runtime_data_name_the_key_and_the_user_data),
        cmocka_unit_test(older_runtime_data_have_no_user_data),
        cmocka_unit_test(hostile_runtime_data_are_refused),
        cmocka_unit_test(reports_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
