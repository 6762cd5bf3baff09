/*
 * tests/kbs/test_references.c - lib/kbs/references.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/references.h"

#include "tests/support.h"

#include <string.h>

static struct coco_kbs_store *
make(void)
{
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(NULL, &store, &err), err);
    return store;
}

static void
assert_values(struct coco_kbs_store *store, const char *want)
{
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_values(store, COCO_KBS_REFERENCE, &values, &err), err);
    assert_ok(coco_json_write(values, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
}

static void
values_are_json(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_reference_set(store, "a", " [ 1 , \"x\" ] ", &err), err);
    assert_ok(coco_kbs_reference_set(store, "b", "18446744073709551615", &err), err);
    assert_fails(coco_kbs_reference_set(store, "c", "", &err), err, COCO_ERR_PROTO,
                 "reference value");
    assert_fails(coco_kbs_reference_set(store, "c", "abc", &err), err, COCO_ERR_PROTO,
                 "reference value");
    assert_fails(coco_kbs_reference_set(store, "", "1", &err), err, COCO_ERR_INVALID, "name");
    assert_values(store, "{\"a\":[1,\"x\"],\"b\":18446744073709551615}");
}

/* A policy gets all values in one object, whose text has a deepest level. */
static void
a_value_that_no_policy_could_see_is_refused(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    char deepest[2 * COCO_JSON_DEPTH_MAX + 1] = "";
    coco_error *err = NULL;

    (void)state;
    memset(deepest, '[', COCO_JSON_DEPTH_MAX);
    memset(deepest + COCO_JSON_DEPTH_MAX, ']', COCO_JSON_DEPTH_MAX);
    assert_fails(coco_kbs_reference_set(store, "a", deepest, &err), err, COCO_ERR_LIMIT,
                 "reference value");
    deepest[2 * COCO_JSON_DEPTH_MAX - 1] = '\0';
    assert_ok(coco_kbs_reference_set(store, "a", deepest + 1, &err), err);
}

static void
messages_are_registered_or_refused(void **state)
{
    static const struct {
        const char *message;
        coco_status status;
    } cases[] = {
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV19\"}", COCO_OK},
        {"{\"version\":\"0.1.1\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV19\"}",
         COCO_ERR_NOTSUP},
        {"{\"version\":\"0.1.0\",\"type\":\"swid\",\"payload\":\"eyJhIjpbMV19\"}", COCO_ERR_NOTSUP},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"provenance\":\"eyJhIjpbMV19\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV1\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"WzFd\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":{}}", COCO_ERR_PROTO},
        /* {"b":2,"":3}: not the first of them either */
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJiIjoyLCIiOjN9\"}",
         COCO_ERR_INVALID},
        {"[]", COCO_ERR_PROTO},
        {"", COCO_ERR_PROTO},
    };
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (coco_kbs_references_register(store, cases[i].message, strlen(cases[i].message), NULL)
            != cases[i].status)
            fail_msg("case %zu", i);
    assert_values(store, "{\"a\":[1]}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_json),
        cmocka_unit_test(a_value_that_no_policy_could_see_is_refused),
        cmocka_unit_test(messages_are_registered_or_refused),
    };

    return cmocka_run_group_tests_name("kbs/references", tests, NULL, NULL);
}
