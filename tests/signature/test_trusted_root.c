/*
 * tests/signature/test_trusted_root.c - lib/signature/trusted_root.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

static void
a_root_is_read(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};

    (void)state;
    golden_trust(&trust);
    assert_int_equal(trust.n_authorities, 1);
    assert_int_equal(trust.authorities[0].chain.n, 2);
    assert_int_equal(trust.n_logs, 1);
    assert_int_equal(trust.n_ct_logs, 1);
    assert_int_equal(trust.n_stampers, 1);
    assert_true(trust.logs[0].from > 0 && trust.logs[0].to == INT64_MAX);
}

static void
other_roots_are_refused(void **state)
{
    static const struct {
        const char *name, *value;
        coco_status status;
    } cases[] = {
        {"mediaType", NULL, COCO_ERR_PROTO},
        {"mediaType", "\"application/json\"", COCO_ERR_NOTSUP},
        {"tlogs", "{}", COCO_ERR_PROTO},
        {"tlogs", "[1]", COCO_ERR_PROTO},
        {"tlogs", "[{}]", COCO_ERR_PROTO},
        {"tlogs", "[{\"publicKey\":{\"rawBytes\":\"AA==\"}}]", COCO_ERR_PROTO},
        {"ctlogs", "[{\"publicKey\":{}}]", COCO_ERR_PROTO},
        {"certificateAuthorities", "[{}]", COCO_ERR_PROTO},
        {"certificateAuthorities", "[{\"certChain\":{\"certificates\":[]}}]", COCO_ERR_PROTO},
        {"certificateAuthorities", "[{\"certChain\":{\"certificates\":[{\"rawBytes\":\"AA==\"}]}}]",
         COCO_ERR_PROTO},
        {"timestampAuthorities", "[{\"certChain\":{\"certificates\":[1]}}]", COCO_ERR_PROTO},
        {"timestampAuthorities", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_trust_ struct coco_trust trust = {0};
        _cleanup_json_ cJSON *json = golden_json(golden_root);
        coco_error *err = NULL;

        golden_set(json, "", cases[i].name, cases[i].value ? golden_json(cases[i].value) : NULL);
        _cleanup_free_ char *text = golden_text(json);
        assert_fails(coco_trusted_root_parse(text, strlen(text), &trust, &err), err,
                     cases[i].status, "trusted root: ");
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_trust trust = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_trusted_root_parse(golden_root, strlen(golden_root), &trust, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_trust_done(&trust);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_read),
        cmocka_unit_test(other_roots_are_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/trusted_root", tests, NULL, NULL);
}
