/*
 * tests/signature/test_provenance.c - lib/signature/provenance.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#define V1 "https://slsa.dev/provenance/v1"
#define ATTESTED(more)                                                                             \
    "{\"type\":\"inTotoAttested\",\"fulcio\":{" WHO "},\"trustedRootPath\":\"root\"" more "}"
#define OF_V1 ",\"predicateType\":\"" V1 "\""

static void
begin(struct signkit *kit)
{
    signkit_begin(kit);
    signkit_add_file(kit, "root", golden_root, strlen(golden_root));
    signkit_add(kit, COCO_FAMILY_ATTESTATION, COCO_FORM_BUNDLE, golden_provenance,
                strlen(golden_provenance));
}

static void
statements_must_say_what_is_wanted(void **state)
{
    static const struct {
        const char *requirement, *why; /* NULL: accepted */
    } cases[] = {
        {ATTESTED(OF_V1), NULL},
        {ATTESTED(OF_V1 ",\"builderId\":\"https://builder.test\""), NULL},
        {ATTESTED(OF_V1 ",\"sourceURI\":\"git+https://git.test/app\""), NULL},
        {ATTESTED(OF_V1 ",\"sourceURI\":\"git+https://git.test/app@refs/heads/main\""), NULL},
        {ATTESTED(OF_V1 ",\"builderId\":\"https://builder.test/\""), "builderId is"},
        {ATTESTED(OF_V1 ",\"builderId\":\"https://builder\""), "builderId is"},
        {ATTESTED(OF_V1 ",\"sourceURI\":\"git+https://git.test/ap\""), "sourceURI is"},
        {ATTESTED(OF_V1 ",\"sourceURI\":\"git+https://git.test/app@refs\""), "sourceURI is"},
        {ATTESTED(",\"predicateType\":\"https://slsa.dev/provenance/v0.2\""), "statement: "},
        {ATTESTED(""), "predicateType"},
    };
    struct signkit kit;

    (void)state;
    begin(&kit);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].why)
            signkit_refuses(&kit, coco_judge_in_toto_attested, cases[i].requirement, cases[i].why);
        else
            signkit_accepts(&kit, coco_judge_in_toto_attested, cases[i].requirement);
    }
    assert_int_equal(coco_digest_parse(KIT_OTHER, &kit.digests[0], NULL), COCO_OK);
    signkit_refuses(&kit, coco_judge_in_toto_attested, ATTESTED(OF_V1), "image: it is of another");
    signkit_end(&kit);
}

static void
a_signature_says_nothing(void **state)
{
    struct signkit kit;

    (void)state;
    signkit_begin(&kit);
    signkit_add_file(&kit, "root", golden_root, strlen(golden_root));
    signkit_add(&kit, COCO_FAMILY_ATTESTATION, COCO_FORM_BUNDLE, golden_message,
                strlen(golden_message));
    signkit_refuses(&kit, coco_judge_in_toto_attested, ATTESTED(OF_V1),
                    "statement: it is a signature, no statement");
    signkit_end(&kit);
}

static void
judging_survives_any_failed_allocation(void **state)
{
    struct signkit kit;

    (void)state;
    begin(&kit);
    signkit_survives_faults(&kit, coco_judge_in_toto_attested, ATTESTED(OF_V1));
    signkit_end(&kit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_must_say_what_is_wanted),
        cmocka_unit_test(a_signature_says_nothing),
        cmocka_unit_test(judging_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/provenance", tests, NULL, NULL);
}
