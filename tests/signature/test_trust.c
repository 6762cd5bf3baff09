/*
 * tests/signature/test_trust.c - lib/signature/trust.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

static void
requirements_say_whom_to_trust(void **state)
{
    static const struct {
        const char *requirement;
        size_t keys, authorities, logs, ct_logs, stampers;
        const char *why; /* NULL: fine */
    } cases[] = {
        {"{\"keyPath\":\"key\"}", 1, 0, 0, 0, 0, NULL},
        {"{\"keyPath\":\"key\",\"rekorPublicKeyPaths\":[\"rekor\",\"key\"]}", 1, 0, 2, 0, 0, NULL},
        {ROOTED(WHO), 0, 1, 3, 1, 1, NULL},
        {"{\"keyPath\":\"key\",\"trustedRootPath\":\"root\"}", 1, 1, 3, 1, 1, NULL},
        {"{\"keyPath\":\"none\"}", 0, 0, 0, 0, 0, "keyPath: 'none': no such file"},
        {"{\"keyDatas\":[]}", 0, 0, 0, 0, 0, "no key"},
        {"{\"keyPath\":\"key\",\"rekorPublicKeyPath\":\"root\"}", 0, 0, 0, 0, 0,
         "rekorPublicKeyPath"},
        {"{\"keyPath\":\"key\",\"trustedRootPath\":\"key\"}", 0, 0, 0, 0, 0, "trusted root"},
        {"{\"fulcio\":{" WHO "}}", 0, 0, 0, 0, 0, "no certificate authority"},
        {"{\"fulcio\":{\"caPath\":\"key\"," WHO "}}", 0, 0, 0, 0, 0, "caPath"},
        {"{\"pki\":{\"subjectEmail\":\"a\"}}", 0, 0, 0, 0, 0, "no certificate authority"},
    };
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    signkit_add_file(&kit, "root", golden_root, strlen(golden_root));
    signkit_add_file(&kit, "key", golden_signer, strlen(golden_signer));
    signkit_add_file(&kit, "rekor", golden_rekor, strlen(golden_rekor));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i].requirement);
        _cleanup_trust_ struct coco_trust trust = {0};
        coco_error *err = NULL;

        coco_status status = coco_trust_read(json, &kit.source, &trust, &err);
        if (cases[i].why) {
            assert_int_not_equal(status, COCO_OK);
            assert_contains(coco_error_message(err), cases[i].why);
            coco_error_free(err);
            continue;
        }
        assert_ok(status, err);
        assert_int_equal(trust.keys.n, cases[i].keys);
        assert_int_equal(trust.n_authorities, cases[i].authorities);
        assert_int_equal(trust.n_logs, cases[i].logs);
        assert_int_equal(trust.n_ct_logs, cases[i].ct_logs);
        assert_int_equal(trust.n_stampers, cases[i].stampers);
    }
    signkit_end(&kit);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    _cleanup_json_ cJSON *json =
        signkit_parse("{\"keyPath\":\"key\",\"rekorPublicKeyPath\":\"rekor\"}");
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    signkit_add_file(&kit, "key", golden_signer, strlen(golden_signer));
    signkit_add_file(&kit, "rekor", golden_rekor, strlen(golden_rekor));
    for_each_fault()
    {
        struct coco_trust trust = {0};
        coco_error *err = NULL;

        coco_status status = coco_trust_read(json, &kit.source, &trust, &err);
        fault_expect(status, err);
        coco_trust_done(&trust);
    }
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requirements_say_whom_to_trust),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/trust", tests, NULL, NULL);
}
