/*
 * tests/kbs/test_initdata.c - lib/kbs/initdata.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/initdata.h"

#include "base/base64.h"

#include "tests/support.h"

#include <string.h>

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"

static void
documents_become_claims(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {HEAD, "{}"},
        {HEAD "a = \"b\"", "{\"a\":\"b\"}"},
        {HEAD "\"aa.toml\" = \"x = 1\"", "{\"aa.toml\":{\"x\":1}}"},
        {HEAD "\"policy.rego\" = \"package p\"", "{\"policy.rego\":\"package p\"}"},
        {HEAD "\"policy.rego\" = 'policy_data := {\"a\":1}'",
         "{\"agent_policy_claims\":{\"a\":1}}"},
        {HEAD "\"policy.rego\" = 'policy_data := {\"a\":1} x'",
         "{\"policy.rego\":\"policy_data := {\\\"a\\\":1} x\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *claims = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        struct coco_digest digest;
        coco_error *err = NULL;

        assert_ok(coco_kbs_initdata_parse(cases[i].text, &digest, &claims, &err), err);
        assert_ok(coco_json_write(claims, COCO_JSON_COMPACT, &text, &err), err);
        assert_string_equal(coco_buf_text(&text), cases[i].want);
        assert_int_equal(digest.alg, COCO_SHA256);
    }
}

static void
other_documents_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "=",
        "version = \"0.1.0\"\nalgorithm = \"sha256\"",
        "version = \"0.2.0\"\nalgorithm = \"sha256\"\n[data]",
        "version = 1\nalgorithm = \"sha256\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"sha-256\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]",
        "version = \"0.1.0\"\nalgorithm = \"sha256\"\ndata = 1",
        HEAD "a = 1",
        HEAD "\"aa.toml\" = \"x\"",
        HEAD "a = \"1\"\nA = \"2\"",
        HEAD "\"aa.toml\" = \"a = 1\\nA = 2\"",
        HEAD "agent_policy_claims = \"x\"\n\"policy.rego\" = 'policy_data := {\"a\":1}'",
        "{\"version\":\"0.1.0\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *claims = NULL;
        struct coco_digest digest;

        coco_status status = coco_kbs_initdata_parse(cases[i], &digest, &claims, NULL);
        if (status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP)
            fail_msg("case %zu gives %s", i, coco_status_name(status));
        assert_null(claims);
    }
}

/* Upstream's recorded document: the digest is over the text as it came. */
static void
the_digest_is_upstreams(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture("rcar/initdata-p256/initdata.toml", &len);
    _cleanup_free_ char *check = read_fixture("rcar/initdata-p256/check.json", &len);
    _cleanup_buf_ struct coco_buf encoded = {.limit = 256};
    _cleanup_json_ cJSON *claims = NULL;
    struct coco_digest digest;
    coco_error *err = NULL;

    (void)state;
    len = strlen(text);
    if (len && text[len - 1] == '\n')
        text[len - 1] = '\0'; /* as the shell passed it */
    assert_ok(coco_kbs_initdata_parse(text, &digest, &claims, &err), err);
    assert_ok(
        coco_base64_encode(COCO_BASE64, digest.bytes, coco_hash_size(digest.alg), &encoded, &err),
        err);
    assert_contains(check, coco_buf_text(&encoded));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_claims),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test(the_digest_is_upstreams),
    };

    return cmocka_run_group_tests_name("kbs/initdata", tests, NULL, NULL);
}
