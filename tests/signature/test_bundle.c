/*
 * tests/signature/test_bundle.c - lib/signature/bundle.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#define MATERIAL "/verificationMaterial"

static void
bundles_are_read(void **state)
{
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle by_key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sigstore_bundle_parse(golden_bundle, strlen(golden_bundle), &bundle, &err), err);
    assert_non_null(bundle.signer.cert);
    assert_int_equal(bundle.signer.n_entries, 1);
    assert_int_equal(bundle.signer.n_stamps, 1);
    assert_ok(coco_sigstore_bundle_parse(golden_by_key, strlen(golden_by_key), &by_key, &err), err);
    assert_null(by_key.signer.cert);
}

static void
bundles_may_sign_bytes(void **state)
{
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
    struct coco_digest nothing = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sigstore_bundle_parse(golden_message, strlen(golden_message), &bundle, &err),
              err);
    assert_ok(coco_digest_parse(KIT_DIGEST, &nothing, &err), err);
    assert_true(bundle.is_message);
    assert_true(coco_digest_equal(&bundle.message.digest, &nothing));
    assert_null(bundle.envelope.payload.data);
}

/* A chain stands for the certificate in older ones, and the oldest have a promise alone. */
static void
versions_differ_in_what_they_have(void **state)
{
    static const struct {
        const char *type;
        bool has_chain, is_proved;
    } cases[] = {
        {"application/vnd.dev.sigstore.bundle+json;version=0.1", true, false},
        {"application/vnd.dev.sigstore.bundle+json;version=0.2", true, true},
        {"application/vnd.dev.sigstore.bundle+json;version=0.3", false, true},
        {"application/vnd.dev.sigstore.bundle.v0.3+json", false, true},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
        _cleanup_json_ cJSON *json = golden_json(golden_bundle);
        cJSON *chain = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(chain, "certificates");

        assert_true(coco_sigstore_bundle_is(cases[i].type));
        golden_set(json, "", "mediaType", cJSON_CreateString(cases[i].type));
        cJSON_DeleteItemFromObjectCaseSensitive(
            golden_entry(json), cases[i].is_proved ? "inclusionPromise" : "inclusionProof");
        for (int n = 0; n < 2; n++) {
            cJSON *cert = cJSON_CreateObject();

            cJSON_AddStringToObject(
                cert, "rawBytes",
                cJSON_GetStringValue(coco_json_at(json, MATERIAL "/certificate/rawBytes")));
            cJSON_AddItemToArray(list, cert);
        }
        golden_set(json, MATERIAL, "certificate", NULL);
        golden_set(json, MATERIAL, "x509CertificateChain", chain);
        _cleanup_free_ char *text = golden_text(json);
        coco_status status = coco_sigstore_bundle_parse(text, strlen(text), &bundle, &err);
        if (!cases[i].has_chain) {
            assert_fails(status, err, COCO_ERR_PROTO, "where its version has a certificate");
            continue;
        }
        assert_ok(status, err);
        assert_non_null(bundle.signer.cert);
        assert_int_equal(bundle.signer.chain.n, 1);
    }
    assert_false(coco_sigstore_bundle_is("application/vnd.dev.sigstore.bundle.v0.4+json"));
}

static void
what_proves_an_entry_must_be_there(void **state)
{
    static const struct {
        const char *type, *without;
    } cases[] = {
        {"application/vnd.dev.sigstore.bundle+json;version=0.1", "inclusionPromise"},
        {"application/vnd.dev.sigstore.bundle+json;version=0.2", "inclusionProof"},
        {"application/vnd.dev.sigstore.bundle.v0.3+json", "inclusionProof"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = golden_json(golden_bundle);
        struct coco_sigstore_bundle bundle = {0};

        golden_set(json, "", "mediaType", cJSON_CreateString(cases[i].type));
        cJSON_DeleteItemFromObjectCaseSensitive(golden_entry(json), cases[i].without);
        _cleanup_free_ char *text = golden_text(json);
        assert_fails(coco_sigstore_bundle_parse(text, strlen(text), &bundle, &err), err,
                     COCO_ERR_PROTO, "entries of logs without");
    }
}

static void
other_bundles_are_refused(void **state)
{
    static const struct {
        const char *object, *name, *value; /* NULL: without it */
        coco_status status;
    } cases[] = {
        {"", "mediaType", NULL, COCO_ERR_PROTO},
        {"", "mediaType", "\"application/json\"", COCO_ERR_NOTSUP},
        {"", "verificationMaterial", NULL, COCO_ERR_PROTO},
        {"", "verificationMaterial", "[]", COCO_ERR_PROTO},
        {"", "dsseEnvelope", NULL, COCO_ERR_PROTO},
        {"", "messageSignature", "{}", COCO_ERR_PROTO}, /* both */
        {"", "messageSignature", "1", COCO_ERR_PROTO},
        {"", "dsseEnvelope", "1", COCO_ERR_PROTO},
        {MATERIAL, "certificate", "{}", COCO_ERR_PROTO},
        {MATERIAL, "certificate", "{\"rawBytes\":\"AA==\"}", COCO_ERR_PROTO},
        {MATERIAL, "x509CertificateChain", "{\"certificates\":[]}", COCO_ERR_PROTO},
        {MATERIAL, "tlogEntries", "{}", COCO_ERR_PROTO},
        {MATERIAL, "tlogEntries", "[1]", COCO_ERR_PROTO},
        {MATERIAL, "timestampVerificationData", "[]", COCO_ERR_PROTO},
        {MATERIAL, "timestampVerificationData", "{\"rfc3161Timestamps\":[1]}", COCO_ERR_PROTO},
        {MATERIAL, "timestampVerificationData",
         "{\"rfc3161Timestamps\":[{\"signedTimestamp\":\"*\"}]}", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_sigstore_bundle bundle = {0};
        _cleanup_json_ cJSON *json = golden_json(golden_bundle);
        coco_error *err = NULL;

        golden_set(json, cases[i].object, cases[i].name,
                   cases[i].value ? golden_json(cases[i].value) : NULL);
        _cleanup_free_ char *text = golden_text(json);
        assert_fails(coco_sigstore_bundle_parse(text, strlen(text), &bundle, &err), err,
                     cases[i].status, "bundle: ");
        assert_null(bundle.signer.cert);
    }
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_sigstore_bundle bundle = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_sigstore_bundle_parse(golden_bundle, strlen(golden_bundle), &bundle, &err);
        fault_expect(status, err);
        coco_sigstore_bundle_done(&bundle);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundles_are_read),
        cmocka_unit_test(bundles_may_sign_bytes),
        cmocka_unit_test(versions_differ_in_what_they_have),
        cmocka_unit_test(what_proves_an_entry_must_be_there),
        cmocka_unit_test(other_bundles_are_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/bundle", tests, NULL, NULL);
}
