/*
 * tests/tee/test_software.c - lib/tee/software.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/software.h"

#include "base/base64.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct coco_software_report
some_report(void)
{
    struct coco_software_report report = {.debug = true, .svn = 0x01020304};

    memset(report.report_data, 0xaa, sizeof(report.report_data));
    memset(report.launch_digest, 0xbb, sizeof(report.launch_digest));
    memset(report.init_data, 0xcc, sizeof(report.init_data));
    return report;
}

/* The layout is a format: it is compared with the table in the header, not with itself. */
static void
a_report_has_every_field_at_its_place(void **state)
{
    struct coco_software_report report = some_report();
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE];

    (void)state;
    coco_software_report_format(&report, bytes);
    assert_memory_equal(bytes, "COCOSWTE\1\0\0\0\1\0\0\0\4\3\2\1\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    for (size_t i = 32; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], i < 96 ? 0xaa : i < 144 ? 0xbb : 0xcc);
}

static void
a_report_is_read_as_it_was_written(void **state)
{
    struct coco_software_report report = some_report();
    struct coco_software_report read;
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE];
    coco_error *err = NULL;

    (void)state;
    coco_software_report_format(&report, bytes);
    assert_ok(coco_software_report_parse(bytes, sizeof(bytes), &read, &err), err);
    assert_true(read.debug);
    assert_int_equal(read.svn, report.svn);
    assert_memory_equal(read.report_data, report.report_data, sizeof(read.report_data));
    assert_memory_equal(read.launch_digest, report.launch_digest, sizeof(read.launch_digest));
    assert_memory_equal(read.init_data, report.init_data, sizeof(read.init_data));
}

static void
a_report_with_an_unknown_bit_is_refused(void **state)
{
    struct coco_software_report report = some_report();
    struct coco_software_report read;
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE];

    (void)state;
    for (size_t bit = 0; bit < 8 * (size_t)32; bit++) {
        bool in_debug = bit == 8 * (size_t)12;
        bool in_svn = bit >= 8 * (size_t)16 && bit < 8 * (size_t)20;

        coco_software_report_format(&report, bytes);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        coco_status status = coco_software_report_parse(bytes, sizeof(bytes), &read, NULL);
        if (in_debug || in_svn)
            assert_int_equal(status, COCO_OK);
        else
            assert_int_not_equal(status, COCO_OK);
    }
}

static void
a_report_of_another_size_is_refused(void **state)
{
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE + 1] = {0};
    struct coco_software_report report = some_report();
    coco_error *err = NULL;

    (void)state;
    coco_software_report_format(&report, bytes);
    assert_fails(coco_software_report_parse(bytes, 0, &report, &err), err, COCO_ERR_PROTO,
                 "no report");
    assert_fails(coco_software_report_parse(bytes, sizeof(bytes) - 2, &report, &err), err,
                 COCO_ERR_PROTO, "no report");
    assert_fails(coco_software_report_parse(bytes, sizeof(bytes), &report, &err), err,
                 COCO_ERR_PROTO, "no report");
}

static const char *const part_texts[COCO_SOFTWARE_PARTS] = {
    "report bytes", "signature bytes", "key bytes", "endorsement bytes", "root bytes",
};

#define GOOD                                                                                       \
    "{\"version\":1,\"report\":\"cmVwb3J0IGJ5dGVz\",\"signature\":\"c2lnbmF0dXJlIGJ5dGVz\","       \
    "\"key\":\"a2V5IGJ5dGVz\",\"endorsement\":\"ZW5kb3JzZW1lbnQgYnl0ZXM=\","                       \
    "\"root\":\"cm9vdCBieXRlcw==\"}"

static coco_status
format(struct coco_buf *buf, coco_error **err)
{
    _cleanup_software_evidence_ struct coco_software_evidence evidence =
        coco_software_evidence_empty();
    coco_status status = COCO_OK;

    for (size_t i = 0; i < COCO_SOFTWARE_PARTS && status == COCO_OK; i++)
        status = coco_buf_append_text(&evidence.part[i], part_texts[i], err);
    if (status == COCO_OK)
        status = coco_software_evidence_format(&evidence, buf, err);
    return status;
}

static coco_status
parse(const char *text, struct coco_software_evidence *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(text, strlen(text), &object, err);
    if (status == COCO_OK)
        status = coco_software_evidence_parse(object, ret, err);
    return status;
}

static void
evidence_travels_as_the_json_that_is_documented(void **state)
{
    _cleanup_software_evidence_ struct coco_software_evidence evidence = {0};
    _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    assert_ok(format(&buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), GOOD);
    assert_ok(parse(GOOD, &evidence, &err), err);
    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++)
        assert_string_equal(coco_buf_text(&evidence.part[i]), part_texts[i]);
}

static void
hostile_evidence_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "version"},
        {"{\"version\":\"1\"}", COCO_ERR_PROTO, "version"},
        {"{\"version\":2}", COCO_ERR_NOTSUP, "version 2"},
        {"{\"version\":18446744073709551615}", COCO_ERR_NOTSUP, "18446744073709551615"},
        {"{\"version\":1}", COCO_ERR_PROTO, "report"},
        {"{\"version\":1,\"report\":[]}", COCO_ERR_PROTO, "report"},
        {"{\"version\":1,\"report\":\"AA\"}", COCO_ERR_PROTO, "report"},
        {"{\"version\":1,\"report\":\"AAAA\",\"debug\":true}", COCO_ERR_PROTO, "debug"},
        {"{\"version\":1,\"report\":\"AAAA\",\"signature\":null}", COCO_ERR_PROTO, "signature"},
    };
    struct coco_software_evidence evidence;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse(cases[i].text, &evidence, &err), err, cases[i].status, cases[i].why);
}

static void
a_part_larger_than_any_key_is_refused(void **state)
{
    static const char *const names[] = {"report", "signature", "key", "endorsement", "root"};
    coco_error *err = NULL;

    (void)state;
    for (size_t large = 0; large < COUNT(names); large++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        struct coco_software_evidence evidence;

        assert_ok(coco_buf_append_text(&text, "{\"version\":1", &err), err);
        for (size_t i = 0; i < COUNT(names); i++)
            assert_ok(
                coco_buf_printf(&text, &err, ",\"%s\":\"%0*d\"", names[i], i == large ? 360 : 4, 0),
                err);
        assert_ok(coco_buf_append_text(&text, "}", &err), err);
        assert_fails(parse(coco_buf_text(&text), &evidence, &err), err, COCO_ERR_LIMIT,
                     names[large]);
    }
}

/* Version 2 is that of a machine that has measured something, and has one field more. */
static void
a_register_follows_in_version_2_alone(void **state)
{
    struct coco_software_report report = some_report();
    struct coco_software_report read = {0};
    uint8_t bytes[COCO_SOFTWARE_REPORT_MAX];
    coco_error *err = NULL;

    (void)state;
    report.extended = true;
    memset(bytes, 0xdd, sizeof(bytes));
    coco_software_report_format(&report, bytes);
    assert_int_equal(bytes[8], 2);
    assert_ok(coco_software_report_parse(bytes, sizeof(bytes), &read, &err), err);
    assert_true(read.extended);
    for (size_t i = 0; i < sizeof(read.value); i++)
        assert_int_equal(read.value[i], 0xdd);
    assert_fails(coco_software_report_parse(bytes, COCO_SOFTWARE_REPORT_SIZE, &read, &err), err,
                 COCO_ERR_NOTSUP, "version 2");
    report.extended = false;
    coco_software_report_format(&report, bytes);
    assert_fails(coco_software_report_parse(bytes, sizeof(bytes), &read, &err), err,
                 COCO_ERR_NOTSUP, "version 1");
    assert_ok(coco_software_report_parse(bytes, COCO_SOFTWARE_REPORT_SIZE, &read, &err), err);
    assert_false(read.extended);
}

static void
a_log_goes_along_if_there_is_one(void **state)
{
    _cleanup_software_evidence_ struct coco_software_evidence evidence =
        coco_software_evidence_empty();
    _cleanup_software_evidence_ struct coco_software_evidence read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1024};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++)
        assert_ok(coco_buf_append_text(&evidence.part[i], part_texts[i], &err), err);
    assert_ok(coco_buf_append_text(&evidence.eventlog, "log", &err), err);
    assert_ok(coco_software_evidence_format(&evidence, &text, &err), err);
    assert_contains(coco_buf_text(&text), ",\"eventlog\":\"bG9n\"}");
    assert_ok(parse(coco_buf_text(&text), &read, &err), err);
    assert_string_equal(coco_buf_text(&read.eventlog), "log");
}

static void
an_endorsement_can_never_be_a_report(void **state)
{
    _cleanup_buf_ struct coco_buf key = {.limit = COCO_SOFTWARE_REPORT_SIZE};
    _cleanup_buf_ struct coco_buf endorsed = {.limit = 1024};
    struct coco_software_report report = some_report();
    uint8_t bytes[COCO_SOFTWARE_REPORT_SIZE];
    coco_error *err = NULL;

    (void)state;
    coco_software_report_format(&report, bytes);
    assert_ok(coco_buf_append(&key, bytes, sizeof(bytes), &err), err);
    assert_ok(coco_software_endorsed(&key, &endorsed, &err), err);
    assert_fails(coco_software_report_parse(endorsed.data, endorsed.len, &report, &err), err,
                 COCO_ERR_PROTO, "no report");
    assert_fails(
        coco_software_report_parse(endorsed.data, COCO_SOFTWARE_REPORT_SIZE, &report, &err), err,
        COCO_ERR_NOTSUP, "version");
}

static void
evidence_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_software_evidence_ struct coco_software_evidence evidence = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 1024};
        coco_error *err = NULL;

        coco_status status = format(&buf, &err);
        if (status == COCO_OK)
            status = parse(coco_buf_text(&buf), &evidence, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_has_every_field_at_its_place),
        cmocka_unit_test(a_report_is_read_as_it_was_written),
        cmocka_unit_test(a_report_with_an_unknown_bit_is_refused),
        cmocka_unit_test(a_report_of_another_size_is_refused),
        cmocka_unit_test(evidence_travels_as_the_json_that_is_documented),
        cmocka_unit_test(hostile_evidence_is_refused),
        cmocka_unit_test(a_part_larger_than_any_key_is_refused),
        cmocka_unit_test(a_register_follows_in_version_2_alone),
        cmocka_unit_test(a_log_goes_along_if_there_is_one),
        cmocka_unit_test(an_endorsement_can_never_be_a_report),
        cmocka_unit_test(evidence_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
