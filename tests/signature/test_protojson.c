/*
 * tests/signature/test_protojson.c - lib/signature/protojson.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/protojson.h"

#include "tests/signkit.h"

static void
numbers_are_texts_or_numbers(void **state)
{
    static const struct {
        const char *json;
        bool fine;
        uint64_t value;
    } cases[] = {
        {"{}", true, 0},
        {"{\"n\":\"0\"}", true, 0},
        {"{\"n\":\"17\"}", true, 17},
        {"{\"n\":17}", true, 17},
        {"{\"n\":\"999999999999999999\"}", true, 999999999999999999},
        {"{\"n\":\"1234567890123456789\"}", false, 0},
        {"{\"n\":\"\"}", false, 0},
        {"{\"n\":\"-1\"}", false, 0},
        {"{\"n\":\"+1\"}", false, 0},
        {"{\"n\":\" 1\"}", false, 0},
        {"{\"n\":\"0x1\"}", false, 0},
        {"{\"n\":-1}", false, 0},
        {"{\"n\":1.5}", false, 0},
        {"{\"n\":null}", false, 0},
        {"{\"n\":[1]}", false, 0},
        {"{\"n\":true}", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i].json);
        uint64_t value = 0;
        coco_error *err = NULL;

        coco_status status = coco_protojson_u64(json, "n", &value, &err);
        if ((status == COCO_OK) != cases[i].fine)
            fail_msg("%s", cases[i].json);
        if (status != COCO_OK)
            assert_fails(status, err, COCO_ERR_PROTO, "n");
        else
            assert_true(value == cases[i].value);
    }
}

static void
bytes_are_base64(void **state)
{
    static const char *const wrong[] = {
        "{}", "{\"b\":1}", "{\"b\":null}", "{\"b\":\"*\"}", "{\"b\":\"AA\"}", "{\"b\":\"A-A=\"}",
    };
    _cleanup_json_ cJSON *json = signkit_parse("{\"b\":\"aGk=\"}");
    _cleanup_buf_ struct coco_buf bytes = {.limit = 16};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_protojson_bytes(json, "b", &bytes, &err), err);
    assert_string_equal(coco_buf_text(&bytes), "hi");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_json_ cJSON *other = signkit_parse(wrong[i]);

        assert_fails(coco_protojson_bytes(other, "b", &bytes, &err), err, COCO_ERR_PROTO, "b: ");
    }
}

#define NOTHING "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void
hashes_are_of_their_length(void **state)
{
    static const struct {
        const char *json;
        coco_status status;
    } wrong[] = {
        {"{}", COCO_ERR_PROTO},
        {"{\"h\":1}", COCO_ERR_PROTO},
        {"{\"h\":{}}", COCO_ERR_PROTO},
        {"{\"h\":{\"algorithm\":\"SHA2_256\"}}", COCO_ERR_PROTO},
        {"{\"h\":{\"digest\":\"" NOTHING "\"}}", COCO_ERR_PROTO},
        {"{\"h\":{\"algorithm\":1,\"digest\":\"" NOTHING "\"}}", COCO_ERR_PROTO},
        {"{\"h\":{\"algorithm\":\"SHA3_256\",\"digest\":\"" NOTHING "\"}}", COCO_ERR_NOTSUP},
        {"{\"h\":{\"algorithm\":\"sha256\",\"digest\":\"" NOTHING "\"}}", COCO_ERR_NOTSUP},
        {"{\"h\":{\"algorithm\":\"SHA2_384\",\"digest\":\"" NOTHING "\"}}", COCO_ERR_PROTO},
        {"{\"h\":{\"algorithm\":\"SHA2_256\",\"digest\":\"AA==\"}}", COCO_ERR_PROTO},
        {"{\"h\":{\"algorithm\":\"SHA2_256\",\"digest\":\"\"}}", COCO_ERR_PROTO},
    };
    _cleanup_json_ cJSON *json =
        signkit_parse("{\"h\":{\"algorithm\":\"SHA2_256\",\"digest\":\"" NOTHING "\"}}");
    struct coco_digest want = {0};
    struct coco_digest got = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_digest_parse(KIT_DIGEST, &want, &err), err);
    assert_ok(coco_protojson_hash(json, "h", &got, &err), err);
    assert_true(coco_digest_equal(&want, &got));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_json_ cJSON *other = signkit_parse(wrong[i].json);
        struct coco_digest none = {0};

        assert_fails(coco_protojson_hash(other, "h", &none, &err), err, wrong[i].status, "h");
        assert_int_equal(none.alg, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_texts_or_numbers),
        cmocka_unit_test(bytes_are_base64),
        cmocka_unit_test(hashes_are_of_their_length),
    };

    return cmocka_run_group_tests_name("signature/protojson", tests, NULL, NULL);
}
