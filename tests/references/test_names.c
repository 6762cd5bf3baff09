/*
 * tests/references/test_names.c - lib/references/names.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "references/names.h"

#include "tests/support.h"

#include <string.h>

static void
each_tee_has_a_name_once(void **state)
{
    const struct coco_reference_name *a, *b;

    (void)state;
    for (size_t i = 0; (a = coco_reference_name_at(i)); i++)
        for (size_t j = 0; j < i; j++) {
            b = coco_reference_name_at(j);
            assert_true(strcmp(a->tee, b->tee) != 0 || strcmp(a->name, b->name) != 0);
        }
}

static void
a_name_may_be_of_several_tees(void **state)
{
    (void)state;
    assert_string_equal(coco_reference_name_of("tdx", "mr_td")->claim, "quote.body.mr_td");
    assert_string_equal(coco_reference_name_of("az-tdx-vtpm", "mr_td")->claim, "quote.body.mr_td");
    assert_null(coco_reference_name_of("snp", "mr_td"));
    assert_null(coco_reference_name_of("tdx", "nosuch"));
    assert_false(coco_reference_name_is_foreign("tdx", "mr_td"));
    assert_true(coco_reference_name_is_foreign("snp", "mr_td"));
    assert_false(coco_reference_name_is_foreign("snp", "nosuch"));
}

static void
a_dot_leads_into_an_object(void **state)
{
    static const char text[] = "{\"a\":{\"b\":1,\"c.d\":2},\"e\":[1],\"f.g\":3}";
    _cleanup_json_ cJSON *claims = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_parse(text, strlen(text), &claims, &err), err);
    assert_string_equal(coco_reference_claim(claims, "a.b")->valuestring, "1");
    assert_string_equal(coco_reference_claim(claims, "a.c.d")->valuestring, "2");
    assert_string_equal(coco_reference_claim(claims, "f.g")->valuestring, "3");
    assert_null(coco_reference_claim(claims, "a.x"));
    assert_null(coco_reference_claim(claims, "e.0"));
    assert_null(coco_reference_claim(claims, "."));
    assert_null(coco_reference_claim(claims, ""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tee_has_a_name_once),
        cmocka_unit_test(a_dot_leads_into_an_object),
        cmocka_unit_test(a_name_may_be_of_several_tees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
