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
    assert_int_equal(trust.n_logs, 3);
    assert_string_equal(trust.logs[0].name, "rekor.test");
    assert_string_equal(trust.logs[1].name, "log.rekor.test");
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

/* One of the root's logs, of Ed25519 as Rekor 2 has it, with another member. */
static coco_status
parse_log(const char *object, const char *name, const char *value, struct coco_trust *ret,
          coco_error **err)
{
    _cleanup_json_ cJSON *json = golden_json(golden_root);
    cJSON *log = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "tlogs"), 1);

    golden_set(log, object, name, value ? golden_json(value) : NULL);
    _cleanup_free_ char *text = golden_text(json);
    return coco_trusted_root_parse(text, strlen(text), ret, err);
}

static void
other_logs_are_refused(void **state)
{
    static const struct {
        const char *object, *name, *value;
        coco_status status;
    } cases[] = {
        {"", "hashAlgorithm", NULL, COCO_ERR_PROTO},
        {"", "hashAlgorithm", "\"SHA2_512\"", COCO_ERR_NOTSUP},
        {"", "baseUrl", "1", COCO_ERR_PROTO},
        {"", "baseUrl", "\"https://\"", COCO_ERR_PROTO},
        {"", "baseUrl", "\"https://a@log.rekor.test\"", COCO_ERR_PROTO},
        {"", "baseUrl", "\"https://a+log.rekor.test\"", COCO_ERR_PROTO},
        {"", "logId", "{}", COCO_ERR_PROTO},
        {"", "logId", "{\"keyId\":\"AAAA\"}", COCO_ERR_PROTO},
        {"", "checkpointKeyId", "{}", COCO_ERR_PROTO},
        {"", "checkpointKeyId", "{\"keyId\":\"AAA=\"}", COCO_ERR_PROTO},
        {"", "checkpointKeyId", "{\"keyId\":\"AAAAAA==\"}", COCO_ERR_PROTO},
        {"/publicKey", "keyDetails", NULL, COCO_ERR_PROTO},
        {"/publicKey", "keyDetails", "\"PKIX_ECDSA_P256_SHA_256\"", COCO_ERR_PROTO},
        {"/publicKey", "keyDetails", "\"PKIX_RSA_PKCS1V15_2048_SHA256\"", COCO_ERR_PROTO},
        {"/publicKey", "keyDetails", "\"PKIX_ED25519_PH\"", COCO_ERR_NOTSUP},
        {"/publicKey", "keyDetails", "\"ML_DSA_65\"", COCO_ERR_NOTSUP},
        {"/publicKey", "validFor", NULL, COCO_ERR_PROTO},
        {"/publicKey", "validFor", "{}", COCO_ERR_PROTO},
        {"/publicKey", "validFor", "{\"end\":\"2030-01-01T00:00:00Z\"}", COCO_ERR_PROTO},
        {"/publicKey", "validFor", "{\"start\":1}", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_trust_ struct coco_trust trust = {0};
        coco_error *err = NULL;

        assert_fails(parse_log(cases[i].object, cases[i].name, cases[i].value, &trust, &err), err,
                     cases[i].status, "trusted root: tlogs 1: ");
    }
}

/* As C2SP has it: what rekor-tiles computed is in the root. */
static void
the_id_of_a_log_may_be_left_out(void **state)
{
    _cleanup_trust_ struct coco_trust whole = {0};
    _cleanup_trust_ struct coco_trust without = {0};
    _cleanup_trust_ struct coco_trust with = {0};
    _cleanup_buf_ struct coco_buf other = {.limit = 256};
    coco_error *err = NULL;

    (void)state;
    golden_trust(&whole);
    assert_ok(parse_log("", "logId", NULL, &without, &err), err);
    assert_memory_equal(whole.logs[1].id, without.logs[1].id, COCO_LOG_ID_SIZE);
    assert_int_equal(coco_buf_append_text(&other, "{\"keyId\":\"", NULL), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, whole.logs[1].id, 4, &other, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(&other, "\"}", NULL), COCO_OK);
    assert_ok(parse_log("", "checkpointKeyId", coco_buf_text(&other), &with, &err), err);
    assert_memory_equal(whole.logs[1].id, with.logs[1].id, COCO_LOG_ID_SIZE);
}

static void
a_log_without_an_address_has_no_name(void **state)
{
    static const char *const urls[] = {NULL, "\"\"", "\"log.rekor.test\""};
    static const char *const named[] = {"\"https://log.rekor.test:8080/x\"",
                                        "\"http://log.rekor.test?x\"", "\"x://log.rekor.test#\""};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_trust_ struct coco_trust trust = {0};
        _cleanup_trust_ struct coco_trust other = {0};
        coco_error *err = NULL;

        assert_ok(parse_log("", "baseUrl", urls[i], &trust, &err), err);
        assert_null(trust.logs[1].name);
        assert_ok(parse_log("", "baseUrl", named[i], &other, &err), err);
        assert_string_equal(other.logs[1].name, "log.rekor.test");
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
        coco_trust_done(&trust);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_read),
        cmocka_unit_test(other_roots_are_refused),
        cmocka_unit_test(other_logs_are_refused),
        cmocka_unit_test(the_id_of_a_log_may_be_left_out),
        cmocka_unit_test(a_log_without_an_address_has_no_name),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/trusted_root", tests, NULL, NULL);
}
