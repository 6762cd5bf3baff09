/*
 * tests/signature/test_notation_level.c - lib/signature/notation_level.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "tests/signkit.h"

#define WITH(verification) "{\"signatureVerification\":" verification "}"
#define SKIP "\"override\":{\"revocation\":\"skip\"}"

static void
levels_say_what_is_enforced(void **state)
{
    static const struct {
        const char *json;
        bool authenticity, timestamp, expiry, after_expiry;
    } cases[] = {
        {"{}", true, true, true, false},
        {WITH("{\"level\":\"strict\"," SKIP "}"), true, true, true, false},
        {WITH("{\"level\":\"strict\",\"override\":{\"revocation\":\"log\"}}"), true, true, true,
         false},
        {WITH("{\"level\":\"permissive\"}"), true, false, false, false},
        {WITH("{\"level\":\"audit\"}"), false, false, false, false},
        {WITH("{\"level\":\"strict\",\"override\":{\"revocation\":\"skip\",\"expiry\":\"log\"}}"),
         true, true, false, false},
        {WITH("{\"level\":\"permissive\",\"override\":{\"authenticTimestamp\":\"enforce\"}}"), true,
         true, false, false},
        {WITH("{\"level\":\"audit\",\"override\":{\"authenticity\":\"enforce\","
              "\"expiry\":\"enforce\"}}"),
         true, false, true, false},
        {WITH("{\"level\":\"permissive\",\"override\":{\"authenticity\":\"log\"}}"), false, false,
         false, false},
        {WITH("{\"level\":\"permissive\",\"override\":{},\"verifyTimestamp\":\"always\"}"), true,
         false, false, false},
        {WITH("{\"level\":\"permissive\",\"verifyTimestamp\":\"afterCertExpiry\"}"), true, false,
         false, true},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i].json);
        struct coco_notation_level level = {0};

        assert_ok(coco_notation_level_read(json, &level, &err), err);
        if (level.is_enforced[COCO_NOTATION_AUTHENTICITY] != cases[i].authenticity
            || level.is_enforced[COCO_NOTATION_TIMESTAMP] != cases[i].timestamp
            || level.is_enforced[COCO_NOTATION_EXPIRY] != cases[i].expiry
            || level.after_expiry != cases[i].after_expiry)
            fail_msg("%s", cases[i].json);
    }
}

static void
what_cannot_be_done_is_refused(void **state)
{
    static const struct {
        const char *json;
        coco_status status;
        const char *why;
    } cases[] = {
        {WITH("{\"level\":\"strict\"}"), COCO_ERR_NOTSUP, "whether certificates were revoked"},
        {WITH("{\"level\":\"strict\",\"override\":{}}"), COCO_ERR_NOTSUP, "override revocation"},
        {WITH("{\"level\":\"strict\",\"override\":{\"expiry\":\"log\"}}"), COCO_ERR_NOTSUP,
         "revoked"},
        {WITH("{\"level\":\"permissive\",\"override\":{\"revocation\":\"enforce\"}}"),
         COCO_ERR_NOTSUP, "revoked"},
        {WITH("{\"level\":\"audit\",\"override\":{\"revocation\":\"enforce\"}}"), COCO_ERR_NOTSUP,
         "revoked"},
        {WITH("{\"level\":\"skip\"}"), COCO_ERR_NOTSUP, "insecureAcceptAnything"},
        {WITH("{}"), COCO_ERR_PROTO, "level"},
        {WITH("[]"), COCO_ERR_PROTO, "signatureVerification"},
        {WITH("\"strict\""), COCO_ERR_PROTO, "signatureVerification"},
        {WITH("{\"level\":1}"), COCO_ERR_PROTO, "level"},
        {WITH("{\"level\":\"Strict\"," SKIP "}"), COCO_ERR_PROTO, "no level 'Strict'"},
        {WITH("{\"level\":\"\"}"), COCO_ERR_PROTO, "no level ''"},
        {WITH("{\"level\":\"audit\",\"more\":1}"), COCO_ERR_PROTO, "more"},
        {WITH("{\"level\":\"audit\",\"override\":[]}"), COCO_ERR_PROTO, "override"},
        {WITH("{\"level\":\"audit\",\"override\":{\"integrity\":\"log\"}}"), COCO_ERR_PROTO,
         "no 'integrity'"},
        {WITH("{\"level\":\"audit\",\"override\":{\"expiry\":\"skip\"}}"), COCO_ERR_PROTO,
         "'expiry' cannot be that"},
        {WITH("{\"level\":\"audit\",\"override\":{\"authenticity\":\"skip\"}}"), COCO_ERR_PROTO,
         "'authenticity' cannot be that"},
        {WITH("{\"level\":\"audit\",\"override\":{\"expiry\":1}}"), COCO_ERR_PROTO,
         "'expiry' cannot be that"},
        {WITH("{\"level\":\"audit\",\"override\":{\"revocation\":\"\"}}"), COCO_ERR_PROTO,
         "'revocation' cannot be that"},
        {WITH("{\"level\":\"audit\",\"verifyTimestamp\":\"never\"}"), COCO_ERR_PROTO, "'never'"},
        {WITH("{\"level\":\"audit\",\"verifyTimestamp\":1}"), COCO_ERR_PROTO, "verifyTimestamp"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i].json);
        struct coco_notation_level level = {0};

        assert_fails(coco_notation_level_read(json, &level, &err), err, cases[i].status,
                     cases[i].why);
        assert_false(level.is_enforced[COCO_NOTATION_AUTHENTICITY]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_say_what_is_enforced),
        cmocka_unit_test(what_cannot_be_done_is_refused),
    };

    return cmocka_run_group_tests_name("signature/notation_level", tests, NULL, NULL);
}
