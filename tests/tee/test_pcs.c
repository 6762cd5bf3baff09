/*
 * tests/tee/test_pcs.c - lib/tee/pcs.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/pcs.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEX32 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define HEX HEX32 HEX32

static coco_error *err;

static coco_status
parse(const char *text, struct coco_pcs_answer *ret, coco_error **e)
{
    return coco_pcs_answer_parse(text, strlen(text), "tcbInfo", ret, e);
}

/* Whatever stands in it, for it is what was signed. */
static void
the_value_is_cut_out_byte_by_byte(void **state)
{
    static const char *const values[] = {
        "{}",
        "{\"a\":1}",
        "{ \"a\" : [ { } , \"}\" ] }",
        "{\"a\":\"\\\"}\\\\\"}",
        "{\"a\":\"{[\",\"b\":[[{}]]}",
        "{\n\t\"no JSON\" at all]",
    };
    static const char *const frames[][2] = {
        {"{\"tcbInfo\":", ",\"signature\":\"" HEX "\"}"},
        {" {\n\"tcbInfo\" :\t", " , \"signature\" : \"" HEX "\" }\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++)
        for (size_t j = 0; j < COUNT(frames); j++) {
            _cleanup_buf_ struct coco_buf text = {.limit = 1024};
            struct coco_pcs_answer answer = {0};

            assert_ok(coco_buf_printf(&text, &err, "%s%s%s", frames[j][0], values[i], frames[j][1]),
                      err);
            assert_ok(parse(coco_buf_text(&text), &answer, &err), err);
            assert_int_equal(answer.value_len, strlen(values[i]));
            assert_memory_equal(answer.value, values[i], answer.value_len);
            assert_memory_equal(answer.signature, "\x00\x11\x22", 3);
        }
}

static void
what_is_no_answer_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "begin"},
        {"[]", "begin"},
        {"{}", "begin"},
        {"{\"signature\":\"" HEX "\",\"tcbInfo\":{}}", "begin"},
        {"{\"enclaveIdentity\":{},\"signature\":\"" HEX "\"}", "begin"},
        {"{\" tcbInfo\":{},\"signature\":\"" HEX "\"}", "begin"},
        {"{\"tcbinfo\":{},\"signature\":\"" HEX "\"}", "begin"},
        {"{\"tcbInfo\":[],\"signature\":\"" HEX "\"}", "no object"},
        {"{\"tcbInfo\":\"{}\",\"signature\":\"" HEX "\"}", "no object"},
        {"{\"tcbInfo\":{,\"signature\":\"" HEX "\"", "no object"},
        {"{\"tcbInfo\":{\"", "no object"},
        {"{\"tcbInfo\":{\"\\", "no object"},
        {"{\"tcbInfo\":{}", "no signature"},
        {"{\"tcbInfo\":{},\"signature\":\"\"}", "no signature"},
        {"{\"tcbInfo\":{},\"signature\":\"" HEX32 "\"}", "no signature"},
        {"{\"tcbInfo\":{},\"signature\":\" " HEX "\"}", "no signature"},
        {"{\"tcbInfo\":{},\"x\":1,\"signature\":\"" HEX "\"}", "no signature"},
        {"{\"tcbInfo\":{},\"signature\":\"" HEX HEX "\"}", "behind"},
        {"{\"tcbInfo\":{},\"signature\":\"" HEX "\",\"x\":1}", "behind"},
        {"{\"tcbInfo\":{},\"signature\":\"" HEX "\"}}", "behind"},
        {"{\"tcbInfo\":{},\"signature\":\"" HEX "\"", "behind"},
    };
    struct coco_pcs_answer answer = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse(cases[i].text, &answer, &err), err, COCO_ERR_PROTO, cases[i].why);
}

static void
an_answer_is_read_as_it_was_written(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1024};
    struct coco_pcs_answer answer = {.value = "{\"a\":1}", .value_len = 7, .signature = {1, 2}};
    struct coco_pcs_answer read = {0};

    (void)state;
    assert_ok(coco_pcs_answer_format(&answer, "tcbInfo", &text, &err), err);
    assert_ok(parse(coco_buf_text(&text), &read, &err), err);
    assert_memory_equal(read.value, "{\"a\":1}", 7);
    assert_memory_equal(read.signature, answer.signature, sizeof(answer.signature));
}

static void
statuses_have_intels_names(void **state)
{
    static const char *const names[] = {
        "UpToDate",
        "SWHardeningNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDate",
        "OutOfDateConfigurationNeeded",
        "Revoked",
    };
    unsigned status = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_ok(coco_tcb_status_parse(names[i], &status, &err), err);
        assert_string_equal(coco_tcb_status_name(status), names[i]);
    }
    /* Said by verifiers alone. */
    assert_string_equal(coco_tcb_status_name(COCO_TCB_RELAUNCH_ADVISED), "TDRelaunchAdvised");
    assert_fails(coco_tcb_status_parse("TDRelaunchAdvised", &status, &err), err, COCO_ERR_PROTO,
                 "TDRelaunchAdvised");
    assert_fails(coco_tcb_status_parse("uptodate", &status, &err), err, COCO_ERR_PROTO, "uptodate");
    assert_fails(coco_tcb_status_parse("", &status, &err), err, COCO_ERR_PROTO, "no TCB status");
    assert_null(coco_tcb_status_name(COCO_TCB_REVOKED | COCO_TCB_OUT_OF_DATE));
}

static void
times_are_of_one_form(void **state)
{
    static const struct {
        const char *text;
        int64_t time;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2025-06-19T10:56:11Z", 1750330571},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    static const char *const bad[] = {
        "",
        "2025-06-19",
        "2025-06-19T10:56:11",
        "2025-06-19 10:56:11Z",
        "2025-06-19T10:56:11z",
        "2025-06-19T10:56:11+",
        "2025-06-19T10:56:11.Z",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "2025-01-00T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:60:00Z",
        "2025-01-01T00:00:60Z",
        "-025-01-01T00:00:00Z",
        "20x5-01-01T00:00:00Z",
    };
    char text[COCO_PCS_TIME_SIZE];
    int64_t time = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_ok(coco_pcs_time_parse(good[i].text, &time, &err), err);
        assert_int_equal(time, good[i].time);
        coco_pcs_time_format(time, text);
        assert_string_equal(text, good[i].text);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(coco_pcs_time_parse(bad[i], &time, &err), err, COCO_ERR_PROTO, "is no time");
    coco_pcs_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    coco_pcs_time_format(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

#define DATE "\"tcbDate\":\"2024-03-13T00:00:00Z\""
#define LEVEL(svn, status) "{\"tcb\":{\"isvsvn\":" svn "}," DATE ",\"tcbStatus\":\"" status "\"}"

static coco_status
parse_levels(const char *array, struct coco_pcs_levels *ret, cJSON **json, coco_error **e)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

    assert_ok(coco_buf_printf(&text, &err, "{\"tcbLevels\":%s}", array), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, json, &err), err);
    return coco_pcs_levels_parse(*json, ret, e);
}

static void
the_first_level_that_is_reached_counts(void **state)
{
    __attribute__((cleanup(coco_pcs_levels_done))) struct coco_pcs_levels levels = {0};
    _cleanup_json_ cJSON *json = NULL;

    (void)state;
    assert_ok(parse_levels("[" LEVEL("6", "UpToDate") "," LEVEL("4", "OutOfDate") "]", &levels,
                           &json, &err),
              err);
    assert_int_equal(levels.n, 2);
    assert_int_equal(coco_pcs_levels_find(&levels, 7)->svn, 6);
    assert_int_equal(coco_pcs_levels_find(&levels, 6)->status, COCO_TCB_UP_TO_DATE);
    assert_int_equal(coco_pcs_levels_find(&levels, 5)->status, COCO_TCB_OUT_OF_DATE);
    assert_int_equal(coco_pcs_levels_find(&levels, 4)->date, 1710288000);
    assert_null(coco_pcs_levels_find(&levels, 3));
    assert_null(coco_pcs_levels_find(&(struct coco_pcs_levels){0}, 3));
}

static void
levels_that_are_not_understood_are_refused(void **state)
{
    static const struct {
        const char *array;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "not an array"},
        {"[]", COCO_ERR_LIMIT, "0 TCB levels"},
        {"[1]", COCO_ERR_PROTO, "TCB level 0"},
        {"[{}]", COCO_ERR_PROTO, "'tcb' is missing"},
        {"[" LEVEL("-1", "UpToDate") "]", COCO_ERR_PROTO, "isvsvn"},
        {"[" LEVEL("65536", "UpToDate") "]", COCO_ERR_PROTO, "isvsvn"},
        {"[" LEVEL("1.0", "UpToDate") "]", COCO_ERR_PROTO, "isvsvn"},
        {"[" LEVEL("\"1\"", "UpToDate") "]", COCO_ERR_PROTO, "isvsvn"},
        {"[" LEVEL("1", "Fine") "]", COCO_ERR_PROTO, "Fine"},
        {"[" LEVEL("1", "SWHardeningNeeded") "]", COCO_ERR_PROTO, "only machines"},
        {"[" LEVEL("1", "UpToDate") ",{\"tcb\":{\"isvsvn\":1}}]", COCO_ERR_PROTO,
         "level 1: tcbDate"},
        {"[{\"tcb\":{\"isvsvn\":1}," DATE "}]", COCO_ERR_PROTO, "tcbStatus"},
        {"[{\"tcb\":{\"isvsvn\":1}," DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":\"x\"}]",
         COCO_ERR_PROTO, "advisoryIDs"},
        {"[{\"tcb\":{\"isvsvn\":1}," DATE ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[1]}]",
         COCO_ERR_PROTO, "not of strings"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_pcs_levels levels = {0};
        _cleanup_json_ cJSON *json = NULL;

        assert_fails(parse_levels(cases[i].array, &levels, &json, &err), err, cases[i].status,
                     cases[i].why);
    }
}

static void
too_many_of_anything_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf many = {.limit = 1 << 16};
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_json_ cJSON *again = NULL;
    struct coco_pcs_levels levels = {0};

    (void)state;
    assert_ok(coco_buf_append_text(&text, "[" LEVEL("1", "UpToDate"), &err), err);
    for (size_t i = 0; i < COCO_PCS_LEVELS_MAX; i++)
        assert_ok(coco_buf_append_text(&text, "," LEVEL("1", "UpToDate"), &err), err);
    assert_ok(coco_buf_append_text(&text, "]", &err), err);
    assert_fails(parse_levels(coco_buf_text(&text), &levels, &json, &err), err, COCO_ERR_LIMIT,
                 "257 TCB levels");
    assert_ok(coco_buf_append_text(&many,
                                   "[{\"tcb\":{\"isvsvn\":1}," DATE
                                   ",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[\"\"",
                                   &err),
              err);
    for (size_t i = 0; i < 64; i++)
        assert_ok(coco_buf_append_text(&many, ",\"\"", &err), err);
    assert_ok(coco_buf_append_text(&many, "]}]", &err), err);
    assert_fails(parse_levels(coco_buf_text(&many), &levels, &again, &err), err, COCO_ERR_LIMIT,
                 "64 advisories");
}

static void
levels_survive_any_failed_allocation(void **state)
{
    _cleanup_json_ cJSON *json = NULL;
    struct coco_pcs_levels levels = {0};

    (void)state;
    assert_ok(parse_levels("[{\"tcb\":{\"isvsvn\":1}," DATE
                           ",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"a\",\"b\"]}]",
                           &levels, &json, &err),
              err);
    for_each_fault()
    {
        __attribute__((cleanup(coco_pcs_levels_done))) struct coco_pcs_levels read = {0};
        _cleanup_json_ cJSON *object = NULL;

        coco_status status = coco_json_new_object(&object, &err);
        if (status == COCO_OK)
            status = coco_pcs_levels_format(&levels, object, &err);
        if (status == COCO_OK)
            status = coco_pcs_levels_parse(object, &read, &err);
        fault_expect(status, err);
        if (status == COCO_OK)
            assert_true(coco_json_equal(object, json));
    }
    coco_pcs_levels_done(&levels);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_is_cut_out_byte_by_byte),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(an_answer_is_read_as_it_was_written),
        cmocka_unit_test(statuses_have_intels_names),
        cmocka_unit_test(times_are_of_one_form),
        cmocka_unit_test(the_first_level_that_is_reached_counts),
        cmocka_unit_test(levels_that_are_not_understood_are_refused),
        cmocka_unit_test(too_many_of_anything_are_refused),
        cmocka_unit_test(levels_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/pcs", tests, NULL, NULL);
}
