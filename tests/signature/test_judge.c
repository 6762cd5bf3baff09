/*
 * tests/signature/test_judge.c - lib/signature/judge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/signkit.h"

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
        coco_error_free(err);
        coco_buf_done(&why);
        coco_json_free(verdict);
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
    };

    return cmocka_run_group_tests_name("signature/judge", tests, NULL, NULL);
}
