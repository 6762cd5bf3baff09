/*
 * tests/kbs/test_explain.c - lib/kbs/explain.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/explain.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static struct coco_kbs_traces *
make(size_t entries)
{
    struct coco_kbs_traces *traces = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_traces_new(entries, &traces, &err), err);
    return traces;
}

static void
add(struct coco_kbs_traces *traces, const char *reason, char id[COCO_KBS_TRACE_ID_SIZE])
{
    _cleanup_json_ cJSON *trace = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_trace_begin("attest", "0af7", 1795467926, &trace, &err), err);
    assert_ok(coco_kbs_traces_add(traces, trace, "denied", "evidence", reason, id, &err), err);
}

static void
a_trace_is_found_by_its_id(void **state)
{
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = make(2);
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    char id[COCO_KBS_TRACE_ID_SIZE];
    char want[512];
    coco_error *err = NULL;

    (void)state;
    add(traces, "because", id);
    assert_int_equal(strlen(id), 32);
    assert_ok(coco_kbs_traces_get(traces, id, &text, &err), err);
    (void)snprintf(want, sizeof(want),
                   "{\"id\":\"%s\",\"time\":\"2026-11-23T21:05:26Z\",\"what\":\"attest\",\"trace_"
                   "id\":\"0af7\","
                   "\"decision\":\"denied\",\"rule\":\"evidence\",\"reason\":\"because\"}",
                   id);
    assert_string_equal(coco_buf_text(&text), want);
    assert_fails(coco_kbs_traces_get(traces, "", &text, &err), err, COCO_ERR_NOTFOUND, "no");
    id[0] ^= 1;
    assert_fails(coco_kbs_traces_get(traces, id, &text, &err), err, COCO_ERR_NOTFOUND, "no");
}

static void
the_oldest_is_forgotten(void **state)
{
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = make(2);
    char ids[3][COCO_KBS_TRACE_ID_SIZE];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        add(traces, "x", ids[i]);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};

        assert_int_equal(coco_kbs_traces_get(traces, ids[i], &text, NULL),
                         i ? COCO_OK : COCO_ERR_NOTFOUND);
    }
}

static void
references_are_compared(void **state)
{
    static const struct {
        const char *evidence, *references, *want;
    } cases[] = {
        {"{\"t\":{\"d\":\"ab\"}}", "{\"d\":[\"ab\"]}",
         "[{\"name\":\"d\",\"ok\":true,\"expected\":[\"ab\"],\"got\":\"ab\"}]"},
        {"{\"t\":{\"d\":\"ab\"}}", "{\"d\":[\"xx\",\"ax\"]}",
         "[{\"name\":\"d\",\"ok\":false,\"expected\":[\"xx\",\"ax\"],\"got\":\"ab\","
         "\"nearest\":\"ax\"}]"},
        {"{\"t\":{\"n\":9007199254740993}}", "{\"n\":9007199254740992}",
         "[{\"name\":\"n\",\"ok\":false,\"expected\":9007199254740992,"
         "\"got\":9007199254740993}]"},
        {"{\"t\":{\"d\":1}}", "{\"d\":[]}",
         "[{\"name\":\"d\",\"ok\":false,\"expected\":[],\"got\":1}]"},
        {"{\"t\":{\"d\":1}}", "{\"e\":[1]}", "[]"},
        /* By the names of Trustee's policies. */
        {"{\"snp\":{\"measurement\":\"ab\"}}", "{\"snp_launch_measurement\":[\"cd\"]}",
         "[{\"name\":\"snp_launch_measurement\",\"ok\":false,\"expected\":[\"cd\"],\"got\":\"ab\","
         "\"nearest\":\"cd\"}]"},
        {"{\"snp\":{\"measurement\":\"ab\"}}", "{\"sev_launch_measurement\":[\"ab\"]}", "[]"},
        {"{\"tdx\":{\"quote\":{\"body\":{\"rtmr_1\":\"ab\"}}}}", "{\"rtmr_1\":[\"ab\"]}",
         "[{\"name\":\"rtmr_1\",\"ok\":true,\"expected\":[\"ab\"],\"got\":\"ab\"}]"},
        {"{\"a\":{\"b\":{\"c\":{\"d\":true}}}}", "{\"d\":true}",
         "[{\"name\":\"d\",\"ok\":true,\"expected\":true,\"got\":true}]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *trace = NULL;
        _cleanup_json_ cJSON *evidence = NULL;
        _cleanup_json_ cJSON *references = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        coco_error *err = NULL;

        assert_ok(coco_json_new_object(&trace, &err), err);
        assert_ok(coco_json_parse(cases[i].evidence, strlen(cases[i].evidence), &evidence, &err),
                  err);
        assert_ok(
            coco_json_parse(cases[i].references, strlen(cases[i].references), &references, &err),
            err);
        assert_ok(coco_kbs_trace_references(trace, evidence, references, &err), err);
        assert_ok(coco_json_write(trace->child, COCO_JSON_COMPACT, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), cases[i].want);
    }
}

static void
what_is_too_long_is_cut(void **state)
{
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = make(1);
    _cleanup_json_ cJSON *trace = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_TRACE_MAX};
    _cleanup_free_ char *filler = malloc(COCO_KBS_TRACE_MAX + 1);
    char id[COCO_KBS_TRACE_ID_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_non_null(filler);
    memset(filler, 'a', COCO_KBS_TRACE_MAX);
    filler[COCO_KBS_TRACE_MAX] = '\0';
    assert_ok(coco_kbs_trace_begin("attest", "0af7", 0, &trace, &err), err);
    assert_ok(coco_json_add_string(trace, "claims", filler, &err), err);
    assert_ok(coco_kbs_traces_add(traces, trace, "denied", "evidence", "why", id, &err), err);
    assert_ok(coco_kbs_traces_get(traces, id, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"reason\":\"why\"");
    assert_null(strstr(coco_buf_text(&text), "aaaa"));
    assert_ok(coco_json_add_string(trace, "tee", filler, &err), err);
    assert_fails(coco_kbs_traces_add(traces, trace, "denied", "evidence", "why", id, &err), err,
                 COCO_ERR_LIMIT, "trace");
}

static void
the_last_ones_are_listed_the_newest_first(void **state)
{
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = make(2);
    _cleanup_json_ cJSON *none = NULL;
    char ids[3][COCO_KBS_TRACE_ID_SIZE];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_traces_list(traces, &none, &err), err);
    assert_int_equal(cJSON_GetArraySize(none), 0);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_json_ cJSON *trace = NULL;

        assert_ok(coco_kbs_trace_begin("attest", "", (int64_t)i, &trace, &err), err);
        assert_ok(coco_json_add_string(trace, "claims", "of a guest", &err), err);
        assert_ok(coco_kbs_traces_add(traces, trace, "denied", "evidence", "why", ids[i], &err),
                  err);
    }
    for_each_fault()
    {
        _cleanup_json_ cJSON *list = NULL;

        err = NULL;
        coco_status status = coco_kbs_traces_list(traces, &list, &err);
        fault_expect(status, err);
        coco_error_free(err);
        if (status != COCO_OK)
            continue;
        assert_int_equal(cJSON_GetArraySize(list), 2);
        for (size_t i = 0; i < 2; i++) {
            const cJSON *entry = cJSON_GetArrayItem(list, (int)i);
            const char *text = NULL;

            assert_ok(coco_json_get_string(entry, "id", &text, &err), err);
            assert_string_equal(text, ids[2 - i]);
            assert_ok(coco_json_get_string(entry, "reason", &text, &err), err);
            assert_string_equal(text, "why");
            assert_null(cJSON_GetObjectItemCaseSensitive(entry, "claims"));
        }
    }
}

static void
adding_survives_failed_allocations(void **state)
{
    _cleanup_(coco_kbs_traces_freep) struct coco_kbs_traces *traces = make(1);

    (void)state;
    for_each_fault()
    {
        _cleanup_json_ cJSON *trace = NULL;
        char id[COCO_KBS_TRACE_ID_SIZE];
        coco_error *err = NULL;

        coco_status status = coco_kbs_trace_begin("attest", "0af7", 0, &trace, &err);
        if (status == COCO_OK)
            status = coco_kbs_traces_add(traces, trace, "denied", "evidence", "why", id, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_found_by_its_id),
        cmocka_unit_test(the_oldest_is_forgotten),
        cmocka_unit_test(references_are_compared),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(the_last_ones_are_listed_the_newest_first),
        cmocka_unit_test(adding_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/explain", tests, NULL, NULL);
}
