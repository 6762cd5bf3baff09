/*
 * tests/token/test_appraisal.c - lib/token/appraisal.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/appraisal.h"

#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static coco_status
check(const char *claims, enum coco_token_tier worst, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    coco_error *why = NULL;

    assert_ok(coco_json_parse_object(claims, strlen(claims), &json, &why), why);
    return coco_token_check_appraisal(json, worst, err);
}

static void
each_tier_lets_in_what_is_as_good(void **state)
{
    static const char *const words[] = {"affirming", "warning", "contraindicated", "none"};
    static const int numbers[] = {2, 32, 96, 0};
    char claims[128];

    (void)state;
    for (size_t worst = 0; worst < 4; worst++) {
        for (size_t i = 0; i < 8; i++) {
            size_t tier = i % 4;
            enum coco_token_tier accepted;
            coco_error *err = NULL;

            assert_ok(coco_token_tier_parse(words[worst], &accepted, &err), err);
            assert_int_equal(accepted, worst);
            if (i < 4)
                (void)snprintf(claims, sizeof(claims),
                               "{\"submods\":{\"cpu0\":{\"ear.status\":\"%s\"}}}", words[tier]);
            else
                (void)snprintf(claims, sizeof(claims),
                               "{\"submods\":{\"cpu0\":{\"ear.status\":%d}}}", numbers[tier]);
            coco_status status = check(claims, accepted, &err);
            if (tier <= worst)
                assert_ok(status, err);
            else
                assert_fails(status, err, COCO_ERR_DENIED, words[tier]);
        }
    }
}

static void
all_parts_count(void **state)
{
    static const struct {
        const char *claims;
        coco_status status;
        const char *words;
    } cases[] = {
        {"{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},"
         "\"gpu0\":{\"ear.status\":\"warning\"}}}",
         COCO_ERR_DENIED, "gpu0 is warning"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":\"contraindicated\"},"
         "\"gpu0\":{\"ear.status\":\"affirming\"}}}",
         COCO_ERR_DENIED, "cpu0 is contraindicated"},
        {"{}", COCO_ERR_PROTO, "no submods"},
        {"{\"submods\":{}}", COCO_ERR_PROTO, "no submods"},
        {"{\"submods\":[{\"ear.status\":\"affirming\"}]}", COCO_ERR_PROTO, "submods"},
        {"{\"submods\":null}", COCO_ERR_PROTO, "submods"},
        {"{\"submods\":\"affirming\"}", COCO_ERR_PROTO, "submods"},
        {"{\"Submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}", COCO_ERR_PROTO, "no submods"},
        {"{\"submods\":{\"cpu0\":{}}}", COCO_ERR_PROTO, "cpu0 does not say"},
        {"{\"submods\":{\"cpu0\":\"affirming\"}}", COCO_ERR_PROTO, "cpu0 does not say"},
        {"{\"submods\":{\"cpu0\":{\"status\":\"affirming\"}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"Ear.Status\":\"affirming\"}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":\"Affirming\"}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":\"\"}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":true}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":1}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":2.5}}}", COCO_ERR_PROTO, "does not say"},
        {"{\"submods\":{\"cpu0\":{\"ear.status\":[\"affirming\"]}}}", COCO_ERR_PROTO,
         "does not say"},
        {"{\"submods\":{\"\\u001b[2J\\u202e\":{\"ear.status\":\"none\"}}}", COCO_ERR_DENIED,
         "\\x1b[2J\\xe2\\x80\\xae is none"},
        {"{\"submods\":{"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":"
         "{\"ear.status\":\"none\"}}}",
         COCO_ERR_DENIED, "aaaaaaaa is none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_error *err = NULL;

        assert_fails(check(cases[i].claims, COCO_TOKEN_AFFIRMING, &err), err, cases[i].status,
                     cases[i].words);
    }
}

static void
other_words_are_no_tier(void **state)
{
    static const char *const words[] = {"", "Affirming", "affirming ", "2", "good"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        enum coco_token_tier tier;
        coco_error *err = NULL;

        assert_fails(coco_token_tier_parse(words[i], &tier, &err), err, COCO_ERR_INVALID,
                     "is not affirming");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tier_lets_in_what_is_as_good),
        cmocka_unit_test(all_parts_count),
        cmocka_unit_test(other_words_are_no_tier),
    };

    return cmocka_run_group_tests_name("token/appraisal", tests, NULL, NULL);
}
