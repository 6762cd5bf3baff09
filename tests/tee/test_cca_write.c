/*
 * tests/tee/test_cca_write.c - lib/tee/cca_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "tests/faults.h"
#include "tests/tee/cca_sample.h"

static coco_error *err;
static const uint8_t challenge[64] = {0x55};
static const uint8_t point[97] = {0x04};

static bool
same(struct coco_cbor_string a, struct coco_cbor_string b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
a_platform_is_read_as_it_was_written(void **state)
{
    struct coco_cca_platform p = cca_sample_platform((struct coco_cbor_string){challenge, 48});
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    struct coco_cca_platform read;

    (void)state;
    p.profile = CCA_TEXT(COCO_CCA_PLATFORM_2023);
    assert_ok(coco_cca_platform_format(&p, &buf, &err), err);
    assert_ok(coco_cca_platform_parse(buf.data, buf.len, &read, &err), err);
    assert_true(same(read.profile, p.profile));
    assert_true(same(read.challenge, p.challenge));
    assert_true(same(read.instance_id, p.instance_id));
    assert_true(same(read.implementation_id, p.implementation_id));
    assert_true(same(read.config, p.config));
    assert_true(same(read.service, p.service));
    assert_true(same(read.hash_alg, p.hash_alg));
    assert_int_equal(read.lifecycle, p.lifecycle);
    assert_int_equal(read.n_components, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(same(read.components[i].type, p.components[i].type));
        assert_true(same(read.components[i].value, p.components[i].value));
        assert_true(same(read.components[i].version, p.components[i].version));
        assert_true(same(read.components[i].signer_id, p.components[i].signer_id));
        assert_true(same(read.components[i].hash_alg, p.components[i].hash_alg));
    }
}

static void
a_realm_is_read_as_it_was_written(void **state)
{
    struct coco_cca_realm r = cca_sample_realm(CCA_BYTES(challenge), CCA_BYTES(point));

    (void)state;
    for (int is_2023 = 0; is_2023 < 2; is_2023++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        struct coco_cca_realm read;

        if (is_2023)
            r.profile = CCA_TEXT(COCO_CCA_REALM_2023);
        assert_ok(coco_cca_realm_format(&r, &buf, &err), err);
        assert_ok(coco_cca_realm_parse(buf.data, buf.len, &read, &err), err);
        assert_true(same(read.profile, r.profile));
        assert_true(same(read.challenge, r.challenge));
        assert_true(same(read.personalization, r.personalization));
        assert_true(same(read.initial, r.initial));
        for (size_t i = 0; i < COCO_CCA_MEASUREMENTS; i++)
            assert_true(same(read.extensible[i], r.extensible[i]));
        assert_true(same(read.hash_alg, r.hash_alg));
        assert_true(same(read.key, r.key));
        assert_true(same(read.key_hash_alg, r.key_hash_alg));
    }
}

/* Appends a COSE_Sign1 of claims by key. */
static coco_status
sign(EVP_PKEY *key, const struct coco_buf *claims, struct coco_buf *ret, coco_error **e)
{
    struct coco_cose_content content = {.payload = {claims->data, claims->len}, .tagged = true};

    return coco_cose_sign1_sign(key, &content, ret, e);
}

static coco_status
write_and_read(EVP_PKEY *key, struct coco_cca_token *ret, struct coco_buf *token, coco_error **e)
{
    struct coco_cca_platform p = cca_sample_platform((struct coco_cbor_string){challenge, 32});
    struct coco_cca_realm r = cca_sample_realm(CCA_BYTES(challenge), CCA_BYTES(point));
    struct coco_buf claims[2] = {{.limit = 4096}, {.limit = 4096}};
    struct coco_buf messages[2] = {{.limit = 4096}, {.limit = 4096}};

    coco_status status = coco_cca_platform_format(&p, &claims[0], e);
    if (status == COCO_OK)
        status = coco_cca_realm_format(&r, &claims[1], e);
    for (size_t i = 0; i < 2 && status == COCO_OK; i++)
        status = sign(key, &claims[i], &messages[i], e);
    if (status == COCO_OK)
        status = coco_cca_token_format((struct coco_cbor_string){messages[0].data, messages[0].len},
                                       (struct coco_cbor_string){messages[1].data, messages[1].len},
                                       token, e);
    if (status == COCO_OK)
        status = coco_cca_token_parse(token->data, token->len, ret, e);
    for (size_t i = 0; i < 2; i++) {
        coco_buf_done(&claims[i]);
        coco_buf_done(&messages[i]);
    }
    return status;
}

static void
a_token_is_read_as_it_was_written(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_CCA_TOKEN_MAX};
    struct coco_cca_token token;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    assert_ok(write_and_read(key, &token, &buf, &err), err);
    assert_memory_equal(buf.data, "\xd9\x01\x8f\xa2\x19\xac\xca", 7);
    assert_ok(coco_cose_sign1_verify(&token.platform_message, key, NULL, &err), err);
    assert_ok(coco_cose_sign1_verify(&token.realm_message, key, NULL, &err), err);
    assert_int_equal(token.platform.n_components, 2);
    assert_true(same(token.realm.challenge, CCA_BYTES(challenge)));
}

static coco_status
parse_evidence(const char *json, struct coco_buf *ret, coco_error **e)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(json, strlen(json), &object, e);
    if (status == COCO_OK)
        status = coco_cca_evidence_parse(object, ret, e);
    return status;
}

static void
evidence_is_upstreams_array_and_nothing_else(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"token\":\"2QGP\"}",
        "{\"token\":[256]}",
        "{\"token\":[\"1\"]}",
        "{\"token\":[1],\"more\":1}",
    };
    _cleanup_buf_ struct coco_buf json = {.limit = 256};
    _cleanup_buf_ struct coco_buf token = {.limit = 4};

    (void)state;
    assert_ok(coco_cca_evidence_format(CCA_TEXT("\xd9\x01\x8f"), &json, &err), err);
    assert_string_equal(coco_buf_text(&json), "{\"token\":[217,1,143]}");
    assert_ok(parse_evidence(coco_buf_text(&json), &token, &err), err);
    assert_int_equal(token.len, 3);
    assert_memory_equal(token.data, "\xd9\x01\x8f", 3);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        coco_buf_reset(&token);
        assert_fails(parse_evidence(bad[i], &token, &err), err, COCO_ERR_PROTO, "");
    }
    coco_buf_reset(&token);
    assert_fails(parse_evidence("{\"token\":[1,2,3,4,5]}", &token, &err), err, COCO_ERR_LIMIT,
                 "4 bytes");
}

static void
writing_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_CCA_TOKEN_MAX};
        struct coco_cca_token token;
        coco_error *e = NULL;

        coco_status status = write_and_read(key, &token, &buf, &e);
        fault_expect(status, e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_platform_is_read_as_it_was_written),
        cmocka_unit_test(a_realm_is_read_as_it_was_written),
        cmocka_unit_test(a_token_is_read_as_it_was_written),
        cmocka_unit_test(evidence_is_upstreams_array_and_nothing_else),
        cmocka_unit_test(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/cca_write", tests, NULL, NULL);
}
