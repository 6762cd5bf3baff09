/*
 * tests/signature/test_dsse.c - lib/signature/dsse.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/dsse.h"

#include "tests/signkit.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define SUBJECT                                                                                    \
    "\"subject\":[{\"name\":\"a\",\"digest\":{\"sha256\":"                                         \
    "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}]"
#define V1 "\"_type\":\"https://in-toto.io/Statement/v1\""
#define PREDICATE "\"predicateType\":\"p\""

static void
what_is_signed_is_as_the_protocol_says(void **state)
{
    /* protocol.md of secure-systems-lab/dsse, its own example. */
    static const char text[] =
        "{\"payload\":\"aGVsbG8gd29ybGQ=\",\"payloadType\":\"http://example.com/HelloWorld\","
        "\"signatures\":[{\"sig\":\"AAEC\"}]}";
    _cleanup_json_ cJSON *json = signkit_parse(text);
    _cleanup_dsse_ struct coco_dsse dsse = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_dsse_parse(json, "http://example.com/HelloWorld", &dsse, &err), err);
    assert_string_equal(coco_buf_text(&dsse.signed_data),
                        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    assert_string_equal(coco_buf_text(&dsse.payload), "hello world");
    assert_int_equal(dsse.signature.len, 3);
    assert_string_equal(dsse.signature_text, "AAEC");
}

static void
other_envelopes_are_refused(void **state)
{
    static const char *const cases[] = {
        "{}",
        "{\"payload\":\"\",\"payloadType\":\"t\"}",
        "{\"payload\":\"\",\"payloadType\":\"u\",\"signatures\":[{\"sig\":\"AA==\"}]}",
        "{\"payload\":\"*\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AA==\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[1]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"A\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AA==\"},{}]}",
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_json_ cJSON *json = signkit_parse(cases[i]);
        struct coco_dsse dsse = {0};
        coco_error *err = NULL;

        assert_fails(coco_dsse_parse(json, "t", &dsse, &err), err, COCO_ERR_PROTO, "envelope: ");
        assert_null(dsse.payload.data);
    }
}

static void
statements_are_of_their_subjects(void **state)
{
    static const struct {
        const char *json;
        coco_status status;
        bool is_of;
    } cases[] = {
        {"{" V1 "," PREDICATE "," SUBJECT "}", COCO_OK, true},
        {"{\"_type\":\"https://in-toto.io/Statement/v0.1\"," PREDICATE "," SUBJECT
         ",\"predicate\":{}}",
         COCO_OK, true},
        {"{" V1 "," PREDICATE ",\"subject\":[]}", COCO_OK, false},
        {"{" V1 "," PREDICATE
         ",\"subject\":[1,{},{\"digest\":1},{\"digest\":{\"sha512\":\"e3\"}}]}",
         COCO_OK, false},
        {"{" V1 "," PREDICATE ",\"subject\":[{\"digest\":{\"sha256\":\"e3b0\"}}]}", COCO_OK, false},
        {"{" V1 "," PREDICATE ",\"subject\":{}}", COCO_ERR_PROTO, false},
        {"{" V1 "," PREDICATE "}", COCO_ERR_PROTO, false},
        {"{" V1 "," SUBJECT "}", COCO_ERR_PROTO, false},
        {"{" PREDICATE "," SUBJECT "}", COCO_ERR_PROTO, false},
        {"{" V1 "," PREDICATE "," SUBJECT ",\"predicate\":[]}", COCO_ERR_PROTO, false},
        {"{\"_type\":\"x\"," PREDICATE "," SUBJECT "}", COCO_ERR_NOTSUP, false},
        {"[]", COCO_ERR_PROTO, false},
        {"", COCO_ERR_PROTO, false},
    };
    struct coco_digest digest = {0};

    (void)state;
    assert_int_equal(coco_digest_parse(KIT_DIGEST, &digest, NULL), COCO_OK);
    for (size_t i = 0; i < N(cases); i++) {
        _cleanup_statement_ struct coco_statement statement = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_statement_parse(cases[i].json, strlen(cases[i].json), &statement, &err);
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].json, coco_error_message(err));
        coco_error_free(err);
        if (status == COCO_OK)
            assert_int_equal(coco_statement_is_of(&statement, &digest), cases[i].is_of);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    static const char text[] = "{\"payload\":\"aGVsbG8gd29ybGQ=\",\"payloadType\":\"t\","
                               "\"signatures\":[{\"sig\":\"AAEC\"}]}";
    static const char said[] = "{" V1 "," PREDICATE "," SUBJECT "}";
    _cleanup_json_ cJSON *json = signkit_parse(text);

    (void)state;
    for_each_fault()
    {
        struct coco_dsse dsse = {0};
        struct coco_statement statement = {0};
        coco_error *err = NULL;

        coco_status status = coco_dsse_parse(json, "t", &dsse, &err);
        if (status == COCO_OK)
            status = coco_statement_parse(said, strlen(said), &statement, &err);
        fault_expect(status, err);
        coco_dsse_done(&dsse);
        coco_statement_done(&statement);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_as_the_protocol_says),
        cmocka_unit_test(other_envelopes_are_refused),
        cmocka_unit_test(statements_are_of_their_subjects),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/dsse", tests, NULL, NULL);
}
