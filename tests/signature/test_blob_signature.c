/*
 * tests/signature/test_blob_signature.c - lib/signature/blob_signature.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/blob_signature.h"

#include "goldenkit.h"

static void
sign(EVP_PKEY *key, struct coco_blob_signature *ret)
{
    *ret = (struct coco_blob_signature){.signature.limit = 1024};
    assert_int_equal(coco_digest_of(COCO_SHA256, "text", 4, &ret->digest, NULL), COCO_OK);
    assert_int_equal(coco_key_sign(key, "text", 4, &ret->signature, NULL), COCO_OK);
}

/* Keys of which the message's is the last. */
static void
add_key(struct coco_trust *trust, enum coco_key_kind kind)
{
    assert_int_equal(coco_key_generate(kind, &trust->keys.list[trust->keys.n], NULL), COCO_OK);
    trust->keys.n++;
}

static coco_status
check(const struct coco_blob_signature *message, const struct coco_trust *trust,
      struct coco_buf *detail, coco_error **err)
{
    _cleanup_signer_ struct coco_signer signer = {0};

    coco_status status = coco_blob_signature_check(message, &signer, trust, detail, err);
    assert_true((status == COCO_OK) == (signer.key != NULL));
    return status;
}

static void
one_of_the_keys_must_have_made_it(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_RSA, COCO_KEY_ED25519,
                                               COCO_KEY_P256};
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_blob_signature_ struct coco_blob_signature message = {0};
    _cleanup_buf_ struct coco_buf detail = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        add_key(&trust, kinds[i]);
    sign(trust.keys.list[3], &message);
    assert_ok(check(&message, &trust, &detail, &err), err);
    assert_string_equal(coco_buf_text(&detail), "by key 4 of 4");
    trust.keys.n = 3;
    assert_fails(check(&message, &trust, &detail, &err), err, COCO_ERR_VERIFY,
                 "by none of the 3 keys");
    trust.keys.n = 1;
    assert_fails(check(&message, &trust, &detail, &err), err, COCO_ERR_VERIFY, "does not fit");
    trust.keys.n = 4;
    message.digest.bytes[31] ^= 1;
    assert_fails(check(&message, &trust, &detail, &err), err, COCO_ERR_VERIFY, "by none of the 4");
}

static void
a_key_that_signs_no_digest_is_told(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_blob_signature_ struct coco_blob_signature message = {0};
    coco_error *err = NULL;

    (void)state;
    add_key(&trust, COCO_KEY_ED25519);
    sign(trust.keys.list[0], &message);
    assert_fails(check(&message, &trust, NULL, &err), err, COCO_ERR_NOTSUP, "signs no digest");
    coco_digest_of(COCO_SHA512, "text", 4, &message.digest, NULL);
    assert_fails(check(&message, &trust, NULL, &err), err, COCO_ERR_NOTSUP, "signs no digest");
}

/* Where certificates are trusted, no key is. */
static void
a_certificate_must_be_there(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    struct coco_blob_signature *message = &bundle.message;
    coco_error *err = NULL;

    (void)state;
    golden_trust(&trust);
    assert_ok(coco_sigstore_bundle_parse(golden_message, strlen(golden_message), &bundle, &err),
              err);
    assert_ok(coco_blob_signature_check(message, &bundle.signer, &trust, NULL, &err), err);
    EVP_PKEY_free(coco_steal(&bundle.signer.key));
    for (size_t i = 0; i < 32; i++) {
        message->digest.bytes[i] ^= 1;
        assert_fails(coco_blob_signature_check(message, &bundle.signer, &trust, NULL, &err), err,
                     COCO_ERR_VERIFY, "does not fit");
        EVP_PKEY_free(coco_steal(&bundle.signer.key));
        message->digest.bytes[i] ^= 1;
    }
    assert_fails(check(message, &trust, NULL, &err), err, COCO_ERR_VERIFY, "no certificate");
}

static void
other_messages_are_refused(void **state)
{
    static const struct {
        const char *object, *name, *value;
        coco_status status;
    } cases[] = {
        {"", "messageDigest", NULL, COCO_ERR_PROTO},
        {"", "messageDigest", "1", COCO_ERR_PROTO},
        {"", "signature", NULL, COCO_ERR_PROTO},
        {"", "signature", "\"*\"", COCO_ERR_PROTO},
        {"/messageDigest", "algorithm", NULL, COCO_ERR_PROTO},
        {"/messageDigest", "algorithm", "\"SHA2_512\"", COCO_ERR_PROTO},
        {"/messageDigest", "algorithm", "\"SHA1\"", COCO_ERR_NOTSUP},
        {"/messageDigest", "digest", "\"AA==\"", COCO_ERR_PROTO},
        {"/messageDigest", "digest", NULL, COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *whole = golden_json(golden_message);
        _cleanup_json_ cJSON *json =
            cJSON_DetachItemFromObjectCaseSensitive(whole, "messageSignature");
        struct coco_blob_signature message = {0};
        coco_error *err = NULL;

        golden_set(json, cases[i].object, cases[i].name,
                   cases[i].value ? golden_json(cases[i].value) : NULL);
        assert_fails(coco_blob_signature_parse(json, &message, &err), err, cases[i].status,
                     "signature of bytes: ");
        assert_null(message.signature.data);
    }
}

static void
reading_and_checking_survive_any_failed_allocation(void **state)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    _cleanup_json_ cJSON *json = golden_json(golden_message_by_key);
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(json, "messageSignature");

    (void)state;
    add_key(&trust, COCO_KEY_ED25519);
    add_key(&trust, COCO_KEY_P256);
    assert_int_equal(coco_key_parse_public(golden_signer, strlen(golden_signer),
                                           &trust.keys.list[trust.keys.n++], NULL),
                     COCO_OK);
    for_each_fault()
    {
        struct coco_blob_signature message = {0};
        struct coco_signer signer = {0};
        struct coco_buf detail = {.limit = 64};
        coco_error *err = NULL;

        coco_status status = coco_blob_signature_parse(at, &message, &err);
        if (status == COCO_OK)
            status = coco_blob_signature_check(&message, &signer, &trust, &detail, &err);
        fault_expect(status, err);
        coco_blob_signature_done(&message);
        coco_signer_done(&signer);
        coco_buf_done(&detail);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_the_keys_must_have_made_it),
        cmocka_unit_test(a_key_that_signs_no_digest_is_told),
        cmocka_unit_test(a_certificate_must_be_there),
        cmocka_unit_test(other_messages_are_refused),
        cmocka_unit_test(reading_and_checking_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/blob_signature", tests, NULL, NULL);
}
