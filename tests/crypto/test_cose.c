/*
 * tests/crypto/test_cose.c - lib/crypto/cose.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cose.h"

#include "base/text.h"
#include "crypto/ecdsa.h"
#include "tests/faults.h"

#include <openssl/err.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MESSAGE_MAX 4096

/* RFC 9052 appendix C.2.1, "Single ECDSA Signature" */
#define HEADERS "43a10126"
#define KID "a104423131"
#define PAYLOAD "54546869732069732074686520636f6e74656e742e"
#define SIGNATURE                                                                                  \
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"                         \
    "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
#define EXAMPLE "d284" HEADERS KID PAYLOAD SIGNATURE
#define KID_AT 6
#define KID_LEN 5

/* RFC 9052 appendix C.7.1, the key with the kid "11" */
#define X "215820bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"
#define Y "22582020138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"
#define EXAMPLE_KEY                                                                                \
    "a5"                                                                                           \
    "0102"                                                                                         \
    "02423131"                                                                                     \
    "2001" X Y

struct message {
    uint8_t data[MESSAGE_MAX];
    size_t len;
};

static coco_error *err;

static struct message
message_of(const char *hex)
{
    struct message message = {.len = strlen(hex) / 2};

    assert_true(message.len <= MESSAGE_MAX);
    assert_true(coco_unhex(hex, strlen(hex), message.data, message.len));
    return message;
}

static coco_status
parse_key(const char *hex, EVP_PKEY **ret, coco_error **e)
{
    struct message text = message_of(hex);

    return coco_cose_key_parse(text.data, text.len, ret, e);
}

static EVP_PKEY *
example_key(void)
{
    EVP_PKEY *key = NULL;

    assert_ok(parse_key(EXAMPLE_KEY, &key, &err), err);
    return key;
}

static coco_status
verify(const struct message *text, EVP_PKEY *key, const char *aad, coco_error **e)
{
    struct coco_cbor_string external = {(const uint8_t *)aad, aad ? strlen(aad) : 0};
    struct coco_cose_sign1 message;

    coco_status status = coco_cose_sign1_parse(text->data, text->len, &message, e);
    if (status == COCO_OK)
        status = coco_cose_sign1_verify(&message, key, aad ? &external : NULL, e);
    return status;
}

static void
the_example_of_the_rfc_is_verified(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = example_key();
    struct message text = message_of(EXAMPLE);
    struct coco_cose_sign1 message;
    struct coco_cbor_string kid;

    (void)state;
    assert_ok(verify(&text, key, NULL, &err), err);
    assert_ok(coco_cose_sign1_parse(text.data, text.len, &message, &err), err);
    assert_int_equal(message.alg, COCO_COSE_ES256);
    assert_true(coco_cbor_string_is(message.payload, "This is the content."));
    assert_ok(coco_cbor_get_bytes(message.unprotected, COCO_COSE_KID, &kid, &err), err);
    assert_true(coco_cbor_string_is(kid, "11"));

    /* Without its tag it is the same message (section 2). */
    text = message_of(&EXAMPLE[2]);
    assert_ok(verify(&text, key, NULL, &err), err);
    /* External data that is empty is none (section 4.4). */
    assert_ok(verify(&text, key, "", &err), err);
    assert_fails(verify(&text, key, "more", &err), err, COCO_ERR_VERIFY, "signature");
}

/* Each byte of it changed by each bit, but for the headers that nobody signed. */
static void
no_byte_of_the_example_can_be_changed(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = example_key();
    struct message text = message_of(EXAMPLE);
    unsigned refused = 0;

    (void)state;
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        if (bit / 8 >= KID_AT && bit / 8 < KID_AT + KID_LEN)
            continue;
        text.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (verify(&text, key, NULL, NULL) == COCO_OK)
            fail_msg("bit %zu can be flipped", bit);
        text.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        refused++;
    }
    assert_int_equal(refused, 8 * (text.len - KID_LEN));
    for (size_t len = 0; len < text.len; len++) {
        struct message cut = text;

        cut.len = len;
        assert_int_not_equal(verify(&cut, key, NULL, NULL), COCO_OK);
    }
}

static void
malformed_messages_are_refused(void **state)
{
    static const struct {
        const char *hex;
        coco_status status;
        const char *why;
    } cases[] = {
        {"80", COCO_ERR_PROTO, "is an array of 0, not of 4"},
        {"a0", COCO_ERR_PROTO, "is no array"},
        {"83" HEADERS KID PAYLOAD, COCO_ERR_PROTO, "is an array of 3"},
        {"85" HEADERS KID PAYLOAD SIGNATURE "40", COCO_ERR_PROTO, "is an array of 5"},
        {EXAMPLE "00", COCO_ERR_PROTO, "1 bytes too many"},
        {"d184" HEADERS KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "has the tag 17"},
        {"d28ad284" HEADERS KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, ""},
        {"d2d284" HEADERS KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "is no array"},
        /* Parts of other types. */
        {"84a10126" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "protected headers: is no byte string"},
        {"84" HEADERS "40" PAYLOAD SIGNATURE, COCO_ERR_PROTO, "unprotected headers: is no map"},
        {"84" HEADERS KID "6161" SIGNATURE, COCO_ERR_PROTO, "payload: is no byte string"},
        {"84" HEADERS KID "f6" SIGNATURE, COCO_ERR_PROTO, "payload: is no byte string"},
        {"84" HEADERS KID PAYLOAD "f6", COCO_ERR_PROTO, "signature: is no byte string"},
        /* Protected headers that are none (section 3). */
        {"8440" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "headers: ends after 0 bytes"},
        {"8441a0" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "has no 1"},
        {"844180" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "is no map"},
        {"8444a1012600" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "1 bytes too many"},
        {"8444a1013806" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "longer form"},
        {"8445a201260126" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "same key twice"},
        /* alg where nobody signed it, or not a number. */
        {"8441a0a10126" PAYLOAD SIGNATURE, COCO_ERR_PROTO, "has no 1"},
        {"84" HEADERS "a10126" PAYLOAD SIGNATURE, COCO_ERR_PROTO, "header 1 is not protected"},
        {"84" HEADERS "a1013822" PAYLOAD SIGNATURE, COCO_ERR_PROTO, "header 1 is not protected"},
        {"8448a101654553323536" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "alg is no known one"},
        {"8443a101f6" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "alg is no known one"},
        /* A label in both maps. */
        {"8447a2012604423131" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "both protected and not"},
        /* crit (section 3.1). */
        {"84" HEADERS "a1028101" PAYLOAD SIGNATURE, COCO_ERR_PROTO, "header 2 is not protected"},
        {"8445a201260280" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "crit: is empty"},
        {"8445a201260201" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "crit: is no array"},
        {"8446a20126028108" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "not understood"},
        {"8446a20126028102" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "not understood"},
        {"8447a2012602816161" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "not understood"},
        {"8447a2012602820108" KID PAYLOAD SIGNATURE, COCO_ERR_NOTSUP, "not understood"},
        {"8446a20126028103" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "crit: header 3 is not there"},
        {"8446a20126028104" KID PAYLOAD SIGNATURE, COCO_ERR_PROTO, "crit: header 4 is not there"},
    };
    struct coco_cose_sign1 message;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message text = message_of(cases[i].hex);

        assert_fails(coco_cose_sign1_parse(text.data, text.len, &message, &err), err,
                     cases[i].status, cases[i].why);
    }
}

static void
what_is_critical_and_understood_is_let_through(void **state)
{
    struct message text = message_of("8446a20126028101" KID PAYLOAD SIGNATURE);
    struct coco_cose_sign1 message;

    (void)state;
    assert_ok(coco_cose_sign1_parse(text.data, text.len, &message, &err), err);
    assert_int_equal(message.alg, COCO_COSE_ES256);
}

/* A message of a payload signed by key. */
static struct message
sign(EVP_PKEY *key, const struct coco_cose_content *content)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = MESSAGE_MAX};
    struct message text;

    assert_ok(coco_cose_sign1_sign(key, content, &buf, &err), err);
    memcpy(text.data, buf.data, buf.len);
    text.len = buf.len;
    return text;
}

static const struct {
    enum coco_key_kind kind;
    int64_t alg;
    size_t signature_len;
} kinds[] = {
    {COCO_KEY_P256, COCO_COSE_ES256, 64},
    {COCO_KEY_P384, COCO_COSE_ES384, 96},
    {COCO_KEY_P521, COCO_COSE_ES512, 132},
    {COCO_KEY_ED25519, COCO_COSE_EDDSA, 64},
};

static void
each_kind_of_key_signs_with_its_algorithm_and_verifies_no_other(void **state)
{
    const struct coco_cose_content content = {
        .payload = {(const uint8_t *)"payload", 7},
        .aad = {(const uint8_t *)"aad", 3},
        .tagged = true,
    };
    EVP_PKEY *keys[COUNT(kinds)] = {0};
    struct message texts[COUNT(kinds)];

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct coco_cose_sign1 message;

        assert_ok(coco_key_generate(kinds[i].kind, &keys[i], &err), err);
        texts[i] = sign(keys[i], &content);
        assert_int_equal(texts[i].data[0], 0xd2);
        assert_ok(coco_cose_sign1_parse(texts[i].data, texts[i].len, &message, &err), err);
        assert_int_equal(message.alg, kinds[i].alg);
        assert_int_equal(message.signature.len, kinds[i].signature_len);
        assert_true(coco_cbor_string_is(message.payload, "payload"));
    }
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (size_t j = 0; j < COUNT(kinds); j++)
            assert_int_equal(verify(&texts[i], keys[j], "aad", NULL),
                             i == j ? COCO_OK : COCO_ERR_VERIFY);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        assert_fails(verify(&texts[i], keys[i], NULL, &err), err, COCO_ERR_VERIFY, "signature");
        EVP_PKEY_free(keys[i]);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* The message says ES384 and is signed with ES256, by a P-256 key: what the key has counts. */
static void
the_key_decides_the_algorithm(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cose_content content = {.payload = {(const uint8_t *)"payload", 7}};
    struct coco_cose_sign1 message;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    struct message text = sign(key, &content);
    assert_ok(coco_cose_sign1_parse(text.data, text.len, &message, &err), err);
    assert_ok(coco_cose_sign1_verify(&message, key, NULL, &err), err);
    message.alg = COCO_COSE_ES384;
    assert_fails(coco_cose_sign1_verify(&message, key, NULL, &err), err, COCO_ERR_VERIFY,
                 "alg is -35, not -7 as the key has");
    message.alg = 0;
    assert_fails(coco_cose_sign1_verify(&message, key, NULL, &err), err, COCO_ERR_VERIFY, "alg");
}

static void
keys_that_cose_has_no_algorithm_for_are_refused(void **state)
{
    _cleanup_pkey_ EVP_PKEY *rsa = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = MESSAGE_MAX};
    struct coco_cose_content content = {.payload = {(const uint8_t *)"payload", 7}};
    struct message text = message_of(EXAMPLE);
    int64_t alg = 0;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_RSA, &rsa, &err), err);
    assert_fails(coco_cose_sign1_sign(rsa, &content, &buf, &err), err, COCO_ERR_NOTSUP,
                 "no algorithm");
    assert_fails(verify(&text, rsa, NULL, &err), err, COCO_ERR_NOTSUP, "no algorithm");
    assert_fails(coco_cose_alg_of(rsa, &alg, &err), err, COCO_ERR_NOTSUP, "no algorithm");
    assert_fails(coco_cose_key_format(rsa, &buf, &err), err, COCO_ERR_NOTSUP, "no algorithm");
}

static void
further_headers_are_signed(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf headers = {.limit = 64};
    struct coco_cose_content content = {.payload = {(const uint8_t *)"payload", 7}};
    struct coco_cose_sign1 message;
    struct coco_cbor_string type;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    struct coco_cbor_writer w = coco_cbor_writer_of(&headers, &err);
    coco_cbor_put_map(&w, 1);
    coco_cbor_put_int(&w, COCO_COSE_CONTENT_TYPE);
    coco_cbor_put_string(&w, "text/plain");
    assert_ok(w.status, err);
    content.protected = (struct coco_cbor){headers.data, headers.len};
    struct message text = sign(key, &content);
    assert_ok(verify(&text, key, NULL, &err), err);
    assert_ok(coco_cose_sign1_parse(text.data, text.len, &message, &err), err);
    assert_ok(coco_cbor_get_text(message.protected, COCO_COSE_CONTENT_TYPE, &type, &err), err);
    assert_true(coco_cbor_string_is(type, "text/plain"));
}

static void
a_key_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *back = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = 256};

        assert_ok(coco_key_generate(kinds[i].kind, &key, &err), err);
        assert_ok(coco_cose_key_format(key, &buf, &err), err);
        assert_ok(coco_cose_key_parse(buf.data, buf.len, &back, &err), err);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);
        buf.data[buf.len - 1] ^= 1;
        EVP_PKEY *none = NULL;
        assert_fails(coco_cose_key_parse(buf.data, buf.len, &none, &err), err, COCO_ERR_PROTO,
                     "no point of");
        assert_null(none);
    }
}

static void
keys_that_are_no_ec_public_key_are_refused(void **state)
{
    static const struct {
        const char *hex;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "ends after"},
        {"80", COCO_ERR_PROTO, "is no map"},
        {"a0", COCO_ERR_PROTO, "has no 1"},
        {"a4"
         "0102"
         "2001" X Y "00",
         COCO_ERR_PROTO, "1 bytes too many"},
        {"a3"
         "2001" X Y,
         COCO_ERR_PROTO, "has no 1"},
        {"a4"
         "0101"
         "2001" X Y,
         COCO_ERR_NOTSUP, "kty 1"},
        {"a4"
         "0103"
         "2001" X Y,
         COCO_ERR_NOTSUP, "kty 3"},
        {"a3"
         "0102" X Y,
         COCO_ERR_PROTO, "has no -1"},
        {"a4"
         "0102"
         "2000" X Y,
         COCO_ERR_NOTSUP, "crv 0"},
        {"a4"
         "0102"
         "2008" X Y,
         COCO_ERR_NOTSUP, "crv 8"},
        {"a4"
         "0102"
         "2002" X Y,
         COCO_ERR_PROTO, "-2: has 32 bytes, not 48"},
        {"a3"
         "0102"
         "2001" Y,
         COCO_ERR_PROTO, "has no -2"},
        {"a3"
         "0102"
         "2001" X,
         COCO_ERR_PROTO, "has no -3"},
        {"a4"
         "0102"
         "2001" X "22f5",
         COCO_ERR_NOTSUP, "compressed point"},
        {"a4"
         "0102"
         "2001" X "22f4",
         COCO_ERR_NOTSUP, "compressed point"},
        {"a4"
         "0102"
         "2001" X "2240",
         COCO_ERR_PROTO, ""},
        /* A private half (-4), and what nobody knows. */
        {"a5"
         "0102"
         "2001" X Y "234100",
         COCO_ERR_PROTO, "a member that no public key has"},
        {"a5"
         "0102"
         "2001" X Y "05",
         COCO_ERR_PROTO, ""},
        {"a5"
         "0102"
         "2001" X Y "054100",
         COCO_ERR_PROTO, "a member that no public key has"},
        {"a5"
         "0102"
         "2001" X Y "616100",
         COCO_ERR_PROTO, "a member that no public key has"},
        /* For another use. */
        {"a5"
         "0102"
         "033822"
         "2001" X Y,
         COCO_ERR_PROTO, "alg is not that of its curve"},
        {"a5"
         "0102"
         "03f6"
         "2001" X Y,
         COCO_ERR_PROTO, "alg is not that of its curve"},
        {"a5"
         "0102"
         "0480"
         "2001" X Y,
         COCO_ERR_PROTO, "is not for verifying"},
        {"a5"
         "0102"
         "048101"
         "2001" X Y,
         COCO_ERR_PROTO, "is not for verifying"},
        {"a5"
         "0102"
         "0402"
         "2001" X Y,
         COCO_ERR_PROTO, "key_ops: is no array"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        EVP_PKEY *key = NULL;

        assert_fails(parse_key(cases[i].hex, &key, &err), err, cases[i].status, cases[i].why);
        assert_null(key);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void
a_key_may_say_that_it_is_for_this(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(parse_key("a6"
                        "0102"
                        "0326"
                        "04820102"
                        "2001" X Y,
                        &key, &err),
              err);
}

static void
signing_survives_any_failed_allocation(void **state)
{
    struct coco_cose_content content = {.payload = {(const uint8_t *)"payload", 7}};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = MESSAGE_MAX};
        struct coco_cose_sign1 message;
        coco_error *e = NULL;

        coco_status status = coco_cose_sign1_sign(key, &content, &buf, &e);
        if (status == COCO_OK)
            status = coco_cose_sign1_parse(buf.data, buf.len, &message, &e);
        if (status == COCO_OK)
            status = coco_cose_sign1_verify(&message, key, NULL, &e);
        fault_expect(status, e);
    }
}

static void
reading_keys_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf buf = {.limit = 256};
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        coco_error *e = NULL;

        coco_status status = parse_key(EXAMPLE_KEY, &key, &e);
        if (status == COCO_OK)
            status = coco_cose_key_format(key, &buf, &e);
        fault_expect(status, e);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_verified),
        cmocka_unit_test(no_byte_of_the_example_can_be_changed),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(what_is_critical_and_understood_is_let_through),
        cmocka_unit_test(each_kind_of_key_signs_with_its_algorithm_and_verifies_no_other),
        cmocka_unit_test(the_key_decides_the_algorithm),
        cmocka_unit_test(keys_that_cose_has_no_algorithm_for_are_refused),
        cmocka_unit_test(further_headers_are_signed),
        cmocka_unit_test(a_key_is_read_as_it_was_written),
        cmocka_unit_test(keys_that_are_no_ec_public_key_are_refused),
        cmocka_unit_test(a_key_may_say_that_it_is_for_this),
        cmocka_unit_test(signing_survives_any_failed_allocation),
        cmocka_unit_test(reading_keys_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/cose", tests, NULL, NULL);
}
