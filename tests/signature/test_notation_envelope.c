/*
 * tests/signature/test_notation_envelope.c - lib/signature/notation_envelope.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "goldenkit.h"

#include <stdio.h>

static void
decode(const char *text, enum coco_base64 kind, struct coco_buf *ret)
{
    assert_int_equal(coco_base64_decode(kind, text, strlen(text), ret, NULL), COCO_OK);
}

static coco_status
parse_with(const char *protected, coco_error **err)
{
    _cleanup_json_ cJSON *json = golden_json(golden_jws);
    _cleanup_buf_ struct coco_buf coded = {.limit = 1 << 16};
    _cleanup_notation_ struct coco_notation notation = {0};

    assert_int_equal(coco_base64_encode(COCO_BASE64URL, protected, strlen(protected), &coded, NULL),
                     COCO_OK);
    golden_set(json, "", "protected", cJSON_CreateString(coco_buf_text(&coded)));
    _cleanup_free_ char *text = golden_text(json);
    return coco_notation_parse_jws(text, strlen(text), &notation, err);
}

#define CTY "\"cty\":\"application/vnd.cncf.notary.payload.v1+json\""
#define NAME(name) "\"io.cncf.notary." name "\""
#define SCHEME NAME("signingScheme") ":\"notary.x509\""
#define AUTHORITY NAME("signingScheme") ":\"notary.x509.signingAuthority\""
#define AT(name) NAME(name) ":\"2026-01-01T00:00:00Z\""
#define TIME AT("signingTime")
#define CRIT(names) "\"crit\":[" names "]"
#define HEADERS(rest) "{\"alg\":\"ES256\"," CTY "," rest "}"

static void
protected_headers_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme"))), COCO_OK},
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme")) ",\"more\":1"), COCO_OK},
        {HEADERS(SCHEME "," NAME("signingTime") ":\"2026-01-01T02:00:00+02:00\"," CRIT(
             NAME("signingScheme"))),
         COCO_OK},
        {"{" CTY "," SCHEME "," TIME "," CRIT(NAME("signingScheme")) "}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\"," SCHEME "," TIME "," CRIT(NAME("signingScheme")) "}", COCO_ERR_PROTO},
        {"{\"alg\":\"ES256\",\"cty\":\"a/b\"," SCHEME "," TIME "," CRIT(NAME("signingScheme")) "}",
         COCO_ERR_PROTO},
        {HEADERS(TIME "," CRIT(NAME("signingScheme"))), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," CRIT(NAME("signingScheme"))), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," NAME("signingTime") ":1," CRIT(NAME("signingScheme"))), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," CRIT("")), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," CRIT("1")), COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme") "," NAME("signingScheme"))),
         COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme") ",\"x\"") ",\"x\":1"),
         COCO_ERR_NOTSUP},
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme") "," NAME("signingTime"))),
         COCO_ERR_NOTSUP},
        {HEADERS(SCHEME "," TIME "," CRIT(NAME("signingScheme") "," NAME("expiry"))),
         COCO_ERR_PROTO},
        /* Expiry must be critical, be a time, and be after the signature's. */
        {HEADERS(SCHEME "," TIME "," NAME("expiry") ":\"2026-01-01T00:00:01Z\"," CRIT(
             NAME("signingScheme") "," NAME("expiry"))),
         COCO_OK},
        {HEADERS(SCHEME "," TIME "," NAME("expiry") ":\"2026-01-01T00:00:01Z\"," CRIT(
             NAME("signingScheme"))),
         COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME
                        "," AT("expiry") "," CRIT(NAME("signingScheme") "," NAME("expiry"))),
         COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," NAME("expiry") ":\"soon\"," CRIT(
             NAME("signingScheme") "," NAME("expiry"))),
         COCO_ERR_PROTO},
        /* An authority's time is critical, and none but an authority has it. */
        {HEADERS(AUTHORITY "," AT("authenticSigningTime") "," CRIT(
             NAME("signingScheme") "," NAME("authenticSigningTime"))),
         COCO_OK},
        {HEADERS(AUTHORITY "," AT("authenticSigningTime") "," CRIT(NAME("signingScheme"))),
         COCO_ERR_PROTO},
        {HEADERS(AUTHORITY "," TIME "," CRIT(NAME("signingScheme"))), COCO_ERR_PROTO},
        {HEADERS(AUTHORITY "," TIME "," AT("authenticSigningTime") "," CRIT(
             NAME("signingScheme") "," NAME("authenticSigningTime"))),
         COCO_ERR_PROTO},
        {HEADERS(SCHEME "," AT("authenticSigningTime") "," CRIT(
             NAME("signingScheme") "," NAME("authenticSigningTime"))),
         COCO_ERR_PROTO},
        {HEADERS(SCHEME "," TIME "," AT("authenticSigningTime") "," CRIT(
             NAME("signingScheme") "," NAME("authenticSigningTime"))),
         COCO_ERR_PROTO},
        {HEADERS(NAME("signingScheme") ":\"notary.x509.other\"," TIME
                                       "," CRIT(NAME("signingScheme"))),
         COCO_ERR_NOTSUP},
        {HEADERS(NAME("signingScheme") ":1," TIME "," CRIT(NAME("signingScheme"))), COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_error *err = NULL;

        coco_status status = parse_with(cases[i].text, &err);
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].text, coco_error_message(err));
        coco_error_free(err);
    }
}

static void
other_envelopes_are_refused(void **state)
{
    static const struct {
        const char *object, *name, *value;
    } cases[] = {
        {"", "payload", NULL},
        {"", "payload", "\"*\""},
        {"", "signature", NULL},
        {"", "signature", "\"+\""},
        {"", "protected", NULL},
        {"", "header", NULL},
        {"/header", "x5c", NULL},
        {"/header", "x5c", "[1]"},
        {"/header", "x5c", "[\"AA==\"]"},
        {"/header", "io.cncf.notary.timestampSignature", "1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = golden_json(golden_jws);
        struct coco_notation notation = {0};
        coco_error *err = NULL;

        golden_set(json, cases[i].object, cases[i].name,
                   cases[i].value ? golden_json(cases[i].value) : NULL);
        _cleanup_free_ char *text = golden_text(json);
        assert_fails(coco_notation_parse_jws(text, strlen(text), &notation, &err), err,
                     COCO_ERR_PROTO, "JWS of Notation: ");
        assert_null(notation.payload.data);
    }
}

/* No byte of it can be another without the signature, or the certificates, showing it. */
static void
each_byte_of_what_is_signed_counts(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};
    _cleanup_notation_ struct coco_notation whole = {0};
    coco_error *err = NULL;

    (void)state;
    decode(golden_cose, COCO_BASE64, &bytes);
    assert_ok(coco_notation_parse_cose(bytes.data, bytes.len, &whole, &err), err);
    assert_ok(coco_notation_check_signature(&whole, &err), err);
    for (size_t i = 0; i < whole.signed_data.len; i++) {
        whole.signed_data.data[i] ^= 1;
        EVP_PKEY_free(coco_steal(&whole.signer.key));
        assert_fails(coco_notation_check_signature(&whole, &err), err, COCO_ERR_VERIFY, "");
        whole.signed_data.data[i] ^= 1;
    }
    (void)snprintf(whole.algorithm, sizeof(whole.algorithm), "PS384");
    EVP_PKEY_free(coco_steal(&whole.signer.key));
    assert_fails(coco_notation_check_signature(&whole, &err), err, COCO_ERR_VERIFY,
                 "by PS384, where the key has PS256");
}

static void
cut_messages_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};

    (void)state;
    decode(golden_cose, COCO_BASE64, &bytes);
    for (size_t len = 0; len < bytes.len; len += 7) {
        struct coco_notation notation = {0};
        coco_error *err = NULL;

        assert_fails(coco_notation_parse_cose(bytes.data, len, &notation, &err), err,
                     COCO_ERR_PROTO, "COSE of Notation");
        assert_null(notation.payload.data);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};

    (void)state;
    decode(golden_cose, COCO_BASE64, &bytes);
    for_each_fault()
    {
        struct coco_notation jws = {0};
        struct coco_notation cose = {0};
        coco_error *err = NULL;

        coco_status status = coco_notation_parse_jws(golden_jws, strlen(golden_jws), &jws, &err);
        if (status == COCO_OK)
            status = coco_notation_parse_cose(bytes.data, bytes.len, &cose, &err);
        fault_expect(status, err);
        coco_notation_done(&jws);
        coco_notation_done(&cose);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_headers_are_read_strictly),
        cmocka_unit_test(other_envelopes_are_refused),
        cmocka_unit_test(each_byte_of_what_is_signed_counts),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/notation_envelope", tests, NULL, NULL);
}
