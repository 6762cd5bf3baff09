/*
 * tests/signature/test_judge.c - lib/signature/judge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#include <stdio.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define ACCEPT "{\"type\":\"insecureAcceptAnything\"}"
#define REJECT "{\"type\":\"reject\"}"
#define SIGNED "{\"type\":\"sigstoreSigned\",\"keyPath\":\"key\"}"
#define PAYLOAD                                                                                    \
    "{\"critical\":{\"identity\":{\"docker-reference\":\"a.test/app\"},"                           \
    "\"image\":{\"docker-manifest-digest\":\"" KIT_DIGEST                                          \
    "\"},\"type\":\"cosign container image signature\"},\"optional\":null}"

struct fixture {
    struct signkit kit;
    EVP_PKEY *key;
};

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    signkit_begin(&f->kit);
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &f->key, NULL), COCO_OK);
    signkit_add_key(&f->kit, "key", f->key);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    signkit_end(&f->kit);
    EVP_PKEY_free(f->key);
    free(f);
    return 0;
}

/* The verdict as text, or NULL with the status of a failure. */
static char *
judge(struct fixture *f, const char *requirements, bool *accepted, struct coco_buf *why,
      coco_status *ret)
{
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_json_ cJSON *verdict = cJSON_CreateArray();
    coco_error *err = NULL;
    char json[1024];

    (void)snprintf(json, sizeof(json), "{\"default\":[%s]}", requirements);
    if (requirements)
        assert_ok(coco_policy_parse(json, strlen(json), &policy, &err), err);
    coco_buf_reset(why);
    *ret = coco_policy_judge(policy, &f->kit.image, verdict, accepted, why, &err);
    coco_error_free(err);
    if (*ret != COCO_OK)
        return NULL;
    assert_int_equal(coco_json_write(verdict, COCO_JSON_COMPACT, &text, NULL), COCO_OK);
    return strdup(coco_buf_text(&text));
}

static void
every_requirement_is_judged(void **state)
{
    static const struct {
        const char *requirements;
        bool with_signature, accepted;
        const char *why, *verdict;
    } cases[] = {
        {ACCEPT, false, true, "",
         "[{\"transport\":\"\",\"scope\":\"default\",\"requirements\":[{\"type\":"
         "\"insecureAcceptAnything\",\"accepted\":true}]}]"},
        {REJECT, true, false, "policy: default: reject: the image is refused",
         "\"accepted\":false"},
        {ACCEPT "," REJECT, true, false, "reject", "\"accepted\":true},{\"type\":\"reject\""},
        {SIGNED, false, false, "policy: default: sigstoreSigned: there is no signature",
         "\"signatures\":[]"},
        {SIGNED, true, true, "", "\"check\":\"identity\",\"ok\":true"},
        {SIGNED "," ACCEPT, true, true, "", "insecureAcceptAnything"},
        {ACCEPT "," SIGNED, false, false, "sigstoreSigned", "insecureAcceptAnything"},
        {SIGNED "," REJECT, true, false, "reject", "sigstoreSigned"},
        {REJECT "," SIGNED, false, false, "reject", "there is no signature"},
    };
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};

    for (size_t i = 0; i < N(cases); i++) {
        coco_status status = COCO_OK;
        bool accepted = !cases[i].accepted;

        coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
        if (cases[i].with_signature)
            signkit_add_cosign(&f->kit, f->key, PAYLOAD);
        _cleanup_free_ char *text = judge(f, cases[i].requirements, &accepted, &why, &status);
        assert_int_equal(status, COCO_OK);
        assert_int_equal(accepted, cases[i].accepted);
        assert_contains(coco_buf_text(&why), cases[i].why);
        assert_contains(text, cases[i].verdict);
        if (accepted)
            assert_int_equal(why.len, 0);
    }
}

static void
without_a_policy_the_digest_decides(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
    coco_status status = COCO_OK;
    bool accepted = true;

    _cleanup_free_ char *tagged = judge(f, NULL, &accepted, &why, &status);
    assert_string_equal(tagged, "[]");
    assert_int_equal(status, COCO_OK);
    assert_false(accepted);
    assert_contains(coco_buf_text(&why), "no policy: 'a.test/app'");
    f->kit.image.asked.digest = KIT_DIGEST;
    _cleanup_free_ char *pinned = judge(f, NULL, &accepted, &why, &status);
    assert_int_equal(status, COCO_OK);
    assert_true(accepted);
    assert_string_equal(pinned, "[]");
}

static void
a_tag_and_a_digest_are_judged_both(void **state)
{
    static const char json[] = "{\"default\":[" ACCEPT "],\"transports\":{\"docker\":{"
                               "\"a.test/app:v1\":[" SIGNED "]}}}";
    struct fixture *f = *state;
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    _cleanup_json_ cJSON *verdict = cJSON_CreateArray();
    _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
    coco_error *err = NULL;
    bool accepted = true;

    f->kit.image.asked.digest = KIT_DIGEST;
    assert_ok(coco_policy_parse(json, strlen(json), &policy, &err), err);
    assert_ok(coco_policy_judge(policy, &f->kit.image, verdict, &accepted, &why, &err), err);
    assert_false(accepted);
    assert_contains(coco_buf_text(&why), "scope 'a.test/app:v1': sigstoreSigned");
    assert_int_equal(cJSON_GetArraySize(verdict), 2);
}

static void
no_answer_is_no_verdict(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
    coco_status status = COCO_OK;
    bool accepted = false;

    f->kit.fails = COCO_ERR_NET;
    assert_null(judge(f, SIGNED, &accepted, &why, &status));
    assert_int_equal(status, COCO_ERR_NET);
    f->kit.fails = COCO_ERR_LIMIT;
    _cleanup_free_ char *text = judge(f, SIGNED, &accepted, &why, &status);
    assert_int_equal(status, COCO_OK);
    assert_false(accepted);
    assert_contains(text, "no answer");
}

static void
judging_survives_any_failed_allocation(void **state)
{
    static const char json[] = "{\"default\":[" SIGNED "," REJECT "]}";
    struct fixture *f = *state;
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    coco_error *err = NULL;

    signkit_add_cosign(&f->kit, f->key, PAYLOAD);
    assert_ok(coco_policy_parse(json, strlen(json), &policy, &err), err);
    for_each_fault()
    {
        struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
        bool accepted = false;

        err = NULL;
        faults_pause();
        cJSON *verdict = cJSON_CreateArray();
        faults_resume();
        coco_status status =
            coco_policy_judge(policy, &f->kit.image, verdict, &accepted, &why, &err);
        fault_expect(status, err);
        coco_buf_done(&why);
        coco_json_free(verdict);
    }
}

/* The same with the allocations of judging alone failing; NULL if that is told. */
static char *
judge_with_faults(struct fixture *f, const char *requirements, bool *accepted, struct coco_buf *why)
{
    _cleanup_(coco_policy_freep) struct coco_policy *policy = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_json_ cJSON *verdict = NULL;
    coco_error *err = NULL;
    char json[1024];

    faults_pause();
    verdict = cJSON_CreateArray();
    (void)snprintf(json, sizeof(json), "{\"default\":[%s]}", requirements);
    assert_int_equal(coco_policy_parse(json, strlen(json), &policy, NULL), COCO_OK);
    faults_resume();
    coco_status status = coco_policy_judge(policy, &f->kit.image, verdict, accepted, why, &err);
    faults_pause();
    assert_int_equal(status, coco_error_status(err));
    coco_error_free(err);
    assert_true(status == COCO_OK || status == COCO_ERR_NOMEM);
    assert_int_equal(coco_json_write(verdict, COCO_JSON_COMPACT, &text, NULL), COCO_OK);
    char *ret = status == COCO_OK ? strdup(coco_buf_text(&text)) : NULL;
    faults_resume();
    return ret;
}

/* Signatures that are refused, each for another reason, and one that is not. */
static void
add_signatures(struct fixture *f)
{
    _cleanup_json_ cJSON *json = golden_json(golden_tiled);
    struct signkit *kit = &f->kit;

    signkit_add_file(kit, "root", golden_root, strlen(golden_root));
    signkit_annotate(signkit_add_cosign(kit, f->key, PAYLOAD), "dev.cosignproject.cosign/signature",
                     "*");
    signkit_add_cosign(kit, f->key, "{}");
    signkit_add_cosign(kit, f->key, PAYLOAD "x");
    signkit_add(kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, "{}", 2);
    signkit_add(kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, golden_message,
                strlen(golden_message));
    golden_set(golden_entry(json), "/inclusionProof", "treeSize", cJSON_CreateString("6"));
    _cleanup_free_ char *text = golden_text(json);
    signkit_add(kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, text, strlen(text));
    signkit_add_cosign(kit, f->key, PAYLOAD);
    signkit_add(kit, COCO_FAMILY_NOTATION, COCO_FORM_JWS, golden_jws, strlen(golden_jws));
    signkit_add(kit, COCO_FAMILY_ATTESTATION, COCO_FORM_BUNDLE, golden_provenance,
                strlen(golden_provenance));
}

/* What is written, a reason as well, is what it is without: or the call fails. */
static void
a_failed_allocation_changes_no_verdict(void **state)
{
    static const char *const requirements[] = {
        SIGNED,
        ROOTED(WHO),
        ROOTED("\"oidcIssuer\":\"https://issuer.test\",\"subjectEmail\":\"x@y\""),
        "{\"type\":\"sigstoreSigned\",\"keyPath\":\"none\"}",
        "{\"type\":\"inTotoAttested\",\"predicateType\":\"https://slsa.dev/provenance/v1\","
        "\"builderId\":\"https://builder.test/2\",\"fulcio\":{" WHO
        "},\"trustedRootPath\":\"root\"}",
        "{\"type\":\"notationSigned\",\"caPath\":\"key\",\"trustedIdentities\":[\"*\"]}",
        "{\"type\":\"notationSigned\",\"caData\":\"Zm9v\",\"trustedIdentities\":[\"*\"]}",
    };
    struct fixture *f = *state;

    add_signatures(f);
    for (size_t i = 0; i < N(requirements); i++) {
        _cleanup_buf_ struct coco_buf wanted_why = {.limit = 2 * COCO_REASON_MAX};
        coco_status status = COCO_OK;
        bool wanted = false;
        _cleanup_free_ char *text = judge(f, requirements[i], &wanted, &wanted_why, &status);

        assert_int_equal(status, COCO_OK);
        for_each_fault()
        {
            _cleanup_buf_ struct coco_buf why = {.limit = 2 * COCO_REASON_MAX};
            bool accepted = false;
            _cleanup_free_ char *got = judge_with_faults(f, requirements[i], &accepted, &why);

            if (!got)
                continue;
            assert_string_equal(got, text);
            assert_string_equal(coco_buf_text(&why), coco_buf_text(&wanted_why));
            assert_int_equal(accepted, wanted);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_requirement_is_judged, begin, end),
        cmocka_unit_test_setup_teardown(without_a_policy_the_digest_decides, begin, end),
        cmocka_unit_test_setup_teardown(a_tag_and_a_digest_are_judged_both, begin, end),
        cmocka_unit_test_setup_teardown(no_answer_is_no_verdict, begin, end),
        cmocka_unit_test_setup_teardown(judging_survives_any_failed_allocation, begin, end),
        cmocka_unit_test_setup_teardown(a_failed_allocation_changes_no_verdict, begin, end),
    };

    return cmocka_run_group_tests_name("signature/judge", tests, NULL, NULL);
}
