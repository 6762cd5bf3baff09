/*
 * tests/kbs/test_policy.c - lib/kbs/policy.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policy.h"

#include "tests/kbs/engine.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct coco_policy *
make(struct coco_policy_engine *engine, const char *rego)
{
    struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    assert_ok(coco_policy_new(engine, rego, &policy, &err), err);
    return policy;
}

/* The answer as text. */
static coco_status
eval(struct coco_policy *policy, const char *rules, const char *input, const char *data,
     const char *references, struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *input_value = NULL;
    _cleanup_json_ cJSON *data_value = NULL;
    _cleanup_policy_values_ struct coco_policy_values *values = NULL;
    cJSON *references_value = NULL;
    _cleanup_json_ cJSON *answer = NULL;

    assert_int_equal(coco_json_parse(input, strlen(input), &input_value, NULL), COCO_OK);
    if (data)
        assert_int_equal(coco_json_parse(data, strlen(data), &data_value, NULL), COCO_OK);
    if (references)
        assert_int_equal(coco_json_parse(references, strlen(references), &references_value, NULL),
                         COCO_OK);
    if (references)
        assert_int_equal(coco_policy_values_new(references_value, &values, NULL), COCO_OK);
    coco_status status =
        coco_policy_eval(policy, rules, input_value, data_value, values, &answer, err);
    if (status == COCO_OK)
        status = coco_json_write(answer, COCO_JSON_COMPACT, text, err);
    return status;
}

static void
assert_answer(struct coco_policy_engine *engine, const char *rego, const char *rules,
              const char *input, const char *data, const char *references, const char *want)
{
    _cleanup_policy_ struct coco_policy *policy = make(engine, rego);
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    coco_error *err = NULL;

    assert_ok(eval(policy, rules, input, data, references, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
}

static void
rules_are_answered(void **state)
{
    static const struct {
        const char *rego, *rules, *input, *data, *references, *want;
    } cases[] = {
        {"package policy\ndefault allow = false\nplugin = data.plugin\nallow if { plugin == "
         "\"resource\" }\n",
         "allow", "{}", "{\"plugin\":\"resource\"}", NULL, "{\"allow\":true}"},
        {"package policy\ndefault allow = false", "allow", "{}", NULL, NULL, "{\"allow\":false}"},
        {"package policy\nimport rego.v1\nallow if input.x", "allow none", "{}", NULL, NULL, "{}"},
        {"package policy\nx := query_reference_value(\"a\")\ny := query_reference_value(\"b\")",
         "x y", "{}", NULL, "{\"a\":[1]}", "{\"x\":[1],\"y\":null}"},
        {"package policy\nx := input.n", "x", "{\"n\":18446744073709551615}", NULL, NULL,
         "{\"x\":18446744073709551615}"},
        {"package policy\nallow := true if { print(\"quiet\") }", "allow", "{}", NULL, NULL,
         "{\"allow\":true}"},
    };

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_answer(NULL, cases[i].rego, cases[i].rules, cases[i].input, cases[i].data,
                      cases[i].references, cases[i].want);
        assert_answer(engine, cases[i].rego, cases[i].rules, cases[i].input, cases[i].data,
                      cases[i].references, cases[i].want);
    }
}

/* That those of ours do not need: they are in the program alone. */
static void
owners_have_more_functions(void **state)
{
    static const char rego[] =
        "package policy\nx := time.parse_rfc3339_ns(\"1970-01-01T00:00:01Z\")\n"
        "y := base64.decode(\"YQ==\")\nz := regex.match(\"^a+$\", \"aa\")";
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_answer(engine, rego, "x y z", "{}", NULL, NULL,
                  "{\"x\":1000000000,\"y\":\"a\",\"z\":true}");
    _cleanup_policy_ struct coco_policy *here = make(NULL, rego);
    assert_fails(eval(here, "x", "{}", NULL, NULL, &text, &err), err, COCO_ERR_DENIED, "time");
}

static void
what_is_no_policy_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "not rego",
        "package other\nallow := true",
        "package policy\nallow if {",
        "package policy\nallow { true }", /* version 0 */
        "package policy\nx := y",
        "package policy\nx := no.such.function(1)",
        "package policy\nx := opa.runtime()",
    };

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_policy_ struct coco_policy *policy = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        coco_error *err = NULL;

        coco_status status = coco_policy_new(i % 2 ? engine : NULL, cases[i / 2], &policy, &err);
        /* Some functions are looked up when they are called. */
        if (status == COCO_OK)
            status = eval(policy, "x", "{}", NULL, NULL, &text, &err);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_DENIED
            && strcmp(coco_buf_text(&text), "{}") != 0)
            fail_msg("case %zu gives %s", i, coco_buf_text(&text));
        assert_null(err ? strchr(coco_error_message(err), '\n') : NULL);
        coco_error_free(err);
    }
}

/* What ends no other: after each, others are evaluated as before. */
static void
evaluation_is_bounded(void **state)
{
    static const char *const cases[] = {
        "r := numbers.range(1, 3000)\n"
        "allow if { some a in r; some b in r; some c in r; a + b + c == -1 }",
        "allow if count(numbers.range(1, 10000000000000)) > 1",
        "allow if count(numbers.range(1, 100000000)) > 1",
        "allow if sprintf(\"%4000000000d\", [1]) == \"\"",
        "a := [[x | some x in numbers.range(1, 3000)] | some y in numbers.range(1, 100000)]\n"
        "allow if count(a) > 1",
        "s := concat(\"\", [\"xxxxxxxxxx\" | some i in numbers.range(1, 100000)])\n"
        "allow if count([concat(s, [s, s]) | some i in numbers.range(1, 1000)]) > 1",
        "a0 := [1, 1]\na1 := [a0, a0]\na2 := [a1, a1]\na3 := [a2, a2]\na4 := [a3, a3]\n"
        "a5 := [a4, a4]\na6 := [a5, a5]\na7 := [a6, a6]\na8 := [a7, a7]\na9 := [a8, a8]\n"
        "b0 := [a9, a9]\nb1 := [b0, b0]\nb2 := [b1, b1]\nb3 := [b2, b2]\nb4 := [b3, b3]\n"
        "b5 := [b4, b4]\nb6 := [b5, b5]\nb7 := [b6, b6]\nb8 := [b7, b7]\nb9 := [b8, b8]\n"
        "c0 := [b9, b9]\nc1 := [c0, c0]\nc2 := [c1, c1]\nc3 := [c2, c2]\nc4 := [c3, c3]\n"
        "allow if json.marshal(c4) == \"\"",
    };

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    _cleanup_policy_ struct coco_policy *other = make(engine, "package policy\nx := input.n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_policy_ struct coco_policy *policy = NULL;
        _cleanup_buf_ struct coco_buf rego = {.limit = 4096};
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        coco_error *err = NULL;

        assert_ok(coco_buf_printf(&rego, &err, "package policy\nimport rego.v1\n%s\n", cases[i]),
                  err);
        policy = make(engine, coco_buf_text(&rego));
        coco_status status = eval(policy, "allow", "{}", NULL, NULL, &text, &err);
        print_message("# %s\n", err ? coco_error_message(err) : "");
        assert_fails(status, err, COCO_ERR_DENIED, "policy");
        assert_ok(eval(other, "x", "{\"n\":1}", NULL, NULL, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), "{\"x\":1}");
    }
}

/* It would take the thread of a server again and again. */
static void
what_took_long_rests(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    _cleanup_policy_ struct coco_policy *policy =
        make(engine, "package policy\nimport rego.v1\nr := numbers.range(1, 3000)\n"
                     "allow if input.n == 1\n"
                     "allow if { some a in r; some b in r; some c in r; a + b + c == -1 }\n");
    assert_fails(eval(policy, "allow", "{}", NULL, NULL, &text, &err), err, COCO_ERR_DENIED,
                 "policy");
    assert_fails(eval(policy, "allow", "{\"n\":1}", NULL, NULL, &text, &err), err, COCO_ERR_DENIED,
                 "not evaluated again");
}

static void
a_policy_that_is_too_long_or_too_deep_is_refused(void **state)
{
    _cleanup_free_ char *text = malloc(COCO_POLICY_SIZE_MAX + 2);
    struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_non_null(text);
    memset(text, ' ', COCO_POLICY_SIZE_MAX + 1);
    text[COCO_POLICY_SIZE_MAX + 1] = '\0';
    assert_fails(coco_policy_new(engine, text, &policy, &err), err, COCO_ERR_LIMIT, "longer");
    /* The engine's parser takes twice as long for each level. */
    static const char brackets[] = "[{([{(";
    for (size_t i = 0; i < strlen(brackets); i++) {
        int len = snprintf(text, COCO_POLICY_SIZE_MAX, "package policy\nx := ");

        assert_true(len > 0);
        memset(text + len, brackets[i], 100000);
        if (i >= 3)
            memset(text + len, brackets[(i + 1) % 3], 20);
        text[len + 100000] = '\0';
        coco_status status = coco_policy_new(engine, text, &policy, &err);
        print_message("# %s\n", err ? coco_error_message(err) : "");
        if (status != COCO_ERR_LIMIT && status != COCO_ERR_PROTO)
            fail_msg("%c is nested", brackets[i]);
        coco_error_free(coco_steal(&err));
    }
}

static void *
eval_often(void *arg)
{
    for (unsigned i = 0; i < 50; i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        char input[32];
        char want[32];

        (void)snprintf(input, sizeof(input), "{\"n\":%u}", i);
        (void)snprintf(want, sizeof(want), "{\"x\":%u}", i);
        if (eval(arg, "x", input, NULL, NULL, &text, NULL) != COCO_OK
            || strcmp(coco_buf_text(&text), want) != 0)
            return arg;
    }
    return NULL;
}

static void
threads_share_a_policy(void **state)
{
    (void)state;
    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (size_t where = 0; where < 2; where++) {
        _cleanup_policy_ struct coco_policy *policy =
            make(where ? engine : NULL, "package policy\nx := input.n");
        pthread_t threads[2];

        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, eval_often, policy), 0);
        for (size_t i = 0; i < 2; i++) {
            void *failed;

            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_answered),
        cmocka_unit_test(owners_have_more_functions),
        cmocka_unit_test(what_is_no_policy_is_refused),
        cmocka_unit_test(evaluation_is_bounded),
        cmocka_unit_test(what_took_long_rests),
        cmocka_unit_test(a_policy_that_is_too_long_or_too_deep_is_refused),
        cmocka_unit_test(threads_share_a_policy),
    };

    return cmocka_run_group_tests_name("kbs/policy", tests, NULL, NULL);
}
