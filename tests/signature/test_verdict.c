/*
 * tests/signature/test_verdict.c - lib/signature/verdict.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/signkit.h"

/* What each check comes to is in a table that self is. */
struct script {
    coco_status first, second;
};

static coco_status
first(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct script *script = self;

    if (script->first != COCO_OK)
        return coco_fail(err, script->first, "no first");
    return coco_buf_append_text(detail, "well", err);
}

static coco_status
second(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct script *script = self;

    (void)detail;
    return script->second == COCO_OK ? COCO_OK : coco_fail(err, script->second, "no second");
}

static const struct coco_check checks[] = {{"one", first}, {"two", second}, {NULL, NULL}};

static char *
run(struct script script, coco_status *status, bool *accepted)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_buf_ struct coco_buf reason = {.limit = COCO_REASON_MAX};
    _cleanup_json_ cJSON *verdict = cJSON_CreateObject();
    coco_error *err = NULL;

    *accepted = false;
    *status = coco_checks_run(checks, &script, verdict, accepted, &reason, &err);
    coco_error_free(err);
    if (*status != COCO_OK)
        return NULL;
    assert_int_equal(coco_json_write(verdict, COCO_JSON_COMPACT, &text, NULL), COCO_OK);
    return strdup(coco_buf_text(&text));
}

static void
each_check_is_told_until_one_fails(void **state)
{
    static const struct {
        struct script script;
        const char *want;
    } cases[] = {
        {{COCO_OK, COCO_OK},
         "{\"checks\":[{\"check\":\"one\",\"ok\":true,\"detail\":\"well\"},{\"check\":\"two\","
         "\"ok\":true}],\"accepted\":true}"},
        {{COCO_OK, COCO_ERR_VERIFY},
         "{\"checks\":[{\"check\":\"one\",\"ok\":true,\"detail\":\"well\"},{\"check\":\"two\","
         "\"ok\":false,\"detail\":\"no second\"}],\"accepted\":false,\"reason\":\"two: no "
         "second\"}"},
        {{COCO_ERR_PROTO, COCO_OK},
         "{\"checks\":[{\"check\":\"one\",\"ok\":false,\"detail\":\"no "
         "first\"}],\"accepted\":false,"
         "\"reason\":\"one: no first\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_status status = COCO_OK;
        bool accepted = false;
        _cleanup_free_ char *text = run(cases[i].script, &status, &accepted);

        assert_int_equal(status, COCO_OK);
        assert_string_equal(text, cases[i].want);
        assert_int_equal(accepted, strstr(cases[i].want, "\"accepted\":true") != NULL);
    }
}

/* Whoever could not be asked has not refused. */
static void
ends_are_no_refusals(void **state)
{
    static const coco_status ends[] = {COCO_ERR_NOMEM, COCO_ERR_CANCELED, COCO_ERR_NET};

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        coco_status status = COCO_OK;
        bool accepted = false;
        _cleanup_free_ char *text = run((struct script){COCO_OK, ends[i]}, &status, &accepted);

        assert_null(text);
        assert_int_equal(status, ends[i]);
        assert_false(accepted);
    }
}

static void
long_reasons_are_cut(void **state)
{
    _cleanup_buf_ struct coco_buf reason = {.limit = 8};
    coco_error *cause = NULL;
    coco_error *err = NULL;

    (void)state;
    coco_status status = coco_fail(&cause, COCO_ERR_VERIFY, "longer than there is room");
    assert_ok(coco_refusal(status, cause, &reason, &err), err);
}

static void
verdicts_survive_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct script script = {COCO_OK, COCO_ERR_VERIFY};
        struct coco_buf reason = {.limit = COCO_REASON_MAX};
        coco_error *err = NULL;
        bool accepted = false;

        faults_pause();
        cJSON *verdict = cJSON_CreateObject();
        faults_resume();
        coco_status status = coco_checks_run(checks, &script, verdict, &accepted, &reason, &err);
        fault_expect(status, err);
        assert_false(accepted);
        coco_buf_done(&reason);
        coco_json_free(verdict);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_check_is_told_until_one_fails),
        cmocka_unit_test(ends_are_no_refusals),
        cmocka_unit_test(long_reasons_are_cut),
        cmocka_unit_test(verdicts_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/verdict", tests, NULL, NULL);
}
