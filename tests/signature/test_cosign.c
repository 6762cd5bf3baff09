/*
 * tests/signature/test_cosign.c - lib/signature/cosign.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#define ANNOTATION "dev.cosignproject.cosign/signature"
#define PAYLOAD(name, digest)                                                                      \
    "{\"critical\":{\"identity\":{\"docker-reference\":\"" name "\"},"                             \
    "\"image\":{\"docker-manifest-digest\":\"" digest                                              \
    "\"},\"type\":\"cosign container image signature\"},\"optional\":null}"
#define GOOD PAYLOAD("a.test/app", KIT_DIGEST)
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define BY_KEY "{\"type\":\"sigstoreSigned\",\"keyPath\":\"key\"}"

struct fixture {
    struct signkit kit;
    EVP_PKEY *key;
    EVP_PKEY *other;
};

static int
begin(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    signkit_begin(&f->kit);
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &f->key, NULL), COCO_OK);
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &f->other, NULL), COCO_OK);
    signkit_add_key(&f->kit, "key", f->key);
    signkit_add_key(&f->kit, "other", f->other);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    signkit_end(&f->kit);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other);
    free(f);
    return 0;
}

static void
one_good_signature_is_enough(void **state)
{
    struct fixture *f = *state;

    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "there is no signature");
    signkit_add_cosign(&f->kit, f->other, GOOD);
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_PAYLOAD, "", 0);
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "it is not made by the key");
    signkit_add_cosign(&f->kit, f->key, GOOD);
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, BY_KEY);
}

static void
what_was_tampered_with_is_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } cases[] = {
        {PAYLOAD("a.test/app", KIT_OTHER), "image: it is of another image"},
        {PAYLOAD("a.test/application", KIT_DIGEST), "identity: no signedIdentity"},
        {PAYLOAD("a.test/app:v2", KIT_DIGEST), "identity: no signedIdentity"},
        {PAYLOAD("", KIT_DIGEST), "identity"},
        {"{}", "payload"},
        {"", "payload"},
        {GOOD " ", NULL},
        {GOOD "x", "payload"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
        signkit_add_cosign(&f->kit, f->key, cases[i].payload);
        if (cases[i].why)
            signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, cases[i].why);
        else
            signkit_accepts(&f->kit, coco_judge_sigstore_signed, BY_KEY);
    }
}

static void
each_bit_of_a_payload_counts(void **state)
{
    struct fixture *f = *state;
    struct coco_signature *signature = signkit_add_cosign(&f->kit, f->key, GOOD);

    for (size_t i = 0; i < 8 * signature->data.len; i++) {
        signature->data.data[i / 8] ^= (uint8_t)(1 << i % 8);
        signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "it is not made by the key");
        signature->data.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, BY_KEY);
}

static void
annotations_are_read_strictly(void **state)
{
    struct fixture *f = *state;
    struct coco_signature *signature = signkit_add_cosign(&f->kit, f->key, GOOD);
    _cleanup_free_ char *good = strdup(coco_signature_annotation(signature, ANNOTATION));
    char text[512];

    /* Line ends within, as sigstore-rs takes them. */
    (void)snprintf(text, sizeof(text), "%.20s\r\n%s\n", good, good + 20);
    signkit_annotate(signature, ANNOTATION, text);
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, BY_KEY);

    (void)snprintf(text, sizeof(text), " %s", good);
    signkit_annotate(signature, ANNOTATION, text);
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "form: not base64");
    signkit_annotate(signature, ANNOTATION, "");
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "it is not made by the key");
    coco_json_free(coco_steal(&signature->annotations));
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "no annotation");
}

static void
an_index_on_the_way_may_be_signed(void **state)
{
    struct fixture *f = *state;

    signkit_add_cosign(&f->kit, f->key, PAYLOAD("a.test/app", KIT_OTHER));
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, "another image");
    assert_int_equal(coco_digest_parse(KIT_OTHER, &f->kit.digests[1], NULL), COCO_OK);
    f->kit.image.n_digests = 2;
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, BY_KEY);
}

/* A bundle of the image, by WHO; why it is none by the key. */
static void
assert_bundle_is_whose(struct fixture *f, const char *bundle, const char *why)
{
    signkit_add_file(&f->kit, "root", golden_root, strlen(golden_root));
    signkit_add_file(&f->kit, "signer", golden_signer, strlen(golden_signer));
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, bundle, strlen(bundle));
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO));
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, BY_KEY, why);
    signkit_refuses(&f->kit, coco_judge_sigstore_signed,
                    ROOTED("\"oidcIssuer\":\"https://issuer.test\",\"subjectEmail\":\"x@y\""),
                    "certificate: the certificate is not for 'x@y'");
    assert_int_equal(coco_digest_parse(KIT_OTHER, &f->kit.digests[0], NULL), COCO_OK);
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO), "image: it is of another");
    assert_int_equal(coco_digest_parse(KIT_DIGEST, &f->kit.digests[0], NULL), COCO_OK);
}

static void
bundles_sign_a_digest(void **state)
{
    struct fixture *f = *state;

    assert_bundle_is_whose(f, golden_bundle, "it is not made by the key");
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, golden_by_key,
                strlen(golden_by_key));
    signkit_accepts(&f->kit, coco_judge_sigstore_signed,
                    "{\"type\":\"sigstoreSigned\",\"keyPath\":\"signer\"}");
    signkit_refuses(&f->kit, coco_judge_sigstore_signed,
                    "{\"type\":\"sigstoreSigned\",\"keyPath\":\"signer\","
                    "\"signedIdentity\":{\"type\":\"matchRepository\"}}",
                    "a digest alone");
}

/* As "cosign sign-blob" signs the manifest, and sigstore-go verifies it by its digest. */
static void
bundles_may_sign_the_bytes_of_the_manifest(void **state)
{
    static const char logged[] = "{\"type\":\"sigstoreSigned\",\"keyPath\":\"signer\","
                                 "\"rekorPublicKeyPath\":\"rekor\"}";
    struct fixture *f = *state;

    assert_bundle_is_whose(f, golden_message, "signature: signature does not");
    signkit_add_file(&f->kit, "rekor", golden_rekor, strlen(golden_rekor));
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, golden_message_by_key,
                strlen(golden_message_by_key));
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, logged);
    signkit_refuses(&f->kit, coco_judge_sigstore_signed,
                    "{\"type\":\"sigstoreSigned\",\"keyPath\":\"signer\","
                    "\"signedIdentity\":{\"type\":\"matchRepository\"}}",
                    "a digest alone");
}

/* Its logs sign no time: a stamp must be there, and the log's name be known. */
static void
logs_of_rekor_2_are_asked_too(void **state)
{
    const char *const texts[] = {golden_tiled, golden_tiled_message};
    struct fixture *f = *state;

    signkit_add_file(&f->kit, "root", golden_root, strlen(golden_root));
    for (size_t i = 0; i < 2; i++) {
        _cleanup_json_ cJSON *json = golden_json(texts[i]);

        coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
        signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, texts[i], strlen(texts[i]));
        signkit_accepts(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO));
        golden_set(json, "/verificationMaterial", "timestampVerificationData", NULL);
        _cleanup_free_ char *text = golden_text(json);
        coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
        signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, text, strlen(text));
        signkit_refuses(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO),
                        "certificate: nothing proves when it was used");
    }
}

/* Of which sigstore-go looks at the promises of Rekor 1 alone. */
static void
logs_that_are_out_of_use_prove_nothing(void **state)
{
    static const struct {
        const char *period, *why;
    } cases[] = {
        {"{\"start\":\"2020-01-01T00:00:00Z\",\"end\":\"2020-01-02T00:00:00Z\"}",
         "not in use then"},
        {"{\"start\":\"2120-01-01T00:00:00Z\"}", "not in use then"},
        {"{\"start\":\"2020-01-01T00:00:00Z\",\"end\":\"2120-01-01T00:00:00Z\"}", NULL},
    };
    struct fixture *f = *state;

    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, golden_tiled,
                strlen(golden_tiled));
    signkit_add_file(&f->kit, "root", "", 0); /* behind the keys */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = golden_json(golden_root);
        cJSON *log = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "tlogs"), 1);
        struct coco_buf *file = &f->kit.files[2].data;

        golden_set(log, "/publicKey", "validFor", golden_json(cases[i].period));
        _cleanup_free_ char *text = golden_text(json);
        coco_buf_reset(file);
        assert_int_equal(coco_buf_append_text(file, text, NULL), COCO_OK);
        if (cases[i].why)
            signkit_refuses(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO), cases[i].why);
        else
            signkit_accepts(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO));
    }
}

static void
entries_of_other_logs_are_passed_over(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *json = golden_json(golden_bundle);
    cJSON *list = (cJSON *)(uintptr_t)coco_json_at(json, "/verificationMaterial/tlogEntries");
    cJSON *other = cJSON_Duplicate(list->child, true);

    golden_set(other, "/logId", "keyId", cJSON_CreateString(ZEROS));
    cJSON_InsertItemInArray(list, 0, other);
    _cleanup_free_ char *both = golden_text(json);
    signkit_add_file(&f->kit, "root", golden_root, strlen(golden_root));
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, both, strlen(both));
    signkit_accepts(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO));
    cJSON_DeleteItemFromArray(list, 1);
    _cleanup_free_ char *one = golden_text(json);
    coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
    signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, one, strlen(one));
    signkit_refuses(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO), "a log that is not known");
}

/* What proves one signature proves no other, though all of it is genuine. */
static void
proofs_of_other_signatures_are_refused(void **state)
{
    static const struct {
        const char *to, *from;
        const char *part, *why;
    } cases[] = {
        {"bundle", "provenance", "tlogEntries", "log: the entry is of another signature"},
        {"tiled", "message_tiled", "tlogEntries", "log: the entry is of another signature"},
        {"message_tiled", "tiled", "tlogEntries", "log: the entry is of another signature"},
        {"message", "bundle", "tlogEntries", "log: the entry is of another signature"},
        {"tiled", "bundle", "timestampVerificationData", "timestamp: "},
        {"message", "message_tiled", "timestampVerificationData", "timestamp: "},
        {"bundle", "tiled", "certificate", "signature: "},
        {"message", "tiled", "certificate", "signature: "},
    };
    const struct {
        const char *name, *text;
    } bundles[] = {
        {"bundle", golden_bundle},         {"message", golden_message},
        {"tiled", golden_tiled},           {"message_tiled", golden_tiled_message},
        {"provenance", golden_provenance},
    };
    struct fixture *f = *state;

    signkit_add_file(&f->kit, "root", golden_root, strlen(golden_root));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *to = NULL;
        _cleanup_json_ cJSON *from = NULL;

        for (size_t j = 0; j < sizeof(bundles) / sizeof(bundles[0]); j++) {
            if (strcmp(bundles[j].name, cases[i].to) == 0)
                to = golden_json(bundles[j].text);
            if (strcmp(bundles[j].name, cases[i].from) == 0)
                from = golden_json(bundles[j].text);
        }
        cJSON *parts = cJSON_GetObjectItemCaseSensitive(from, "verificationMaterial");
        golden_set(to, "/verificationMaterial", cases[i].part,
                   cJSON_DetachItemFromObjectCaseSensitive(parts, cases[i].part));
        _cleanup_free_ char *text = golden_text(to);
        coco_signatures_done(&f->kit.lists[COCO_FAMILY_SIGSTORE]);
        signkit_add(&f->kit, COCO_FAMILY_SIGSTORE, COCO_FORM_BUNDLE, text, strlen(text));
        signkit_refuses(&f->kit, coco_judge_sigstore_signed, ROOTED(WHO), cases[i].why);
    }
}

static void
who_cannot_be_asked_is_an_error(void **state)
{
    struct fixture *f = *state;
    coco_status status = COCO_OK;

    f->kit.fails = COCO_ERR_NET;
    _cleanup_free_ char *why = signkit_judge(&f->kit, coco_judge_sigstore_signed, BY_KEY, &status);
    assert_string_equal(why, "no answer");
    assert_int_equal(status, COCO_ERR_NET);
}

static void
judging_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    signkit_add_cosign(&f->kit, f->key, GOOD);
    signkit_survives_faults(&f->kit, coco_judge_sigstore_signed, BY_KEY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_good_signature_is_enough, begin, end),
        cmocka_unit_test_setup_teardown(what_was_tampered_with_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(each_bit_of_a_payload_counts, begin, end),
        cmocka_unit_test_setup_teardown(annotations_are_read_strictly, begin, end),
        cmocka_unit_test_setup_teardown(an_index_on_the_way_may_be_signed, begin, end),
        cmocka_unit_test_setup_teardown(bundles_sign_a_digest, begin, end),
        cmocka_unit_test_setup_teardown(bundles_may_sign_the_bytes_of_the_manifest, begin, end),
        cmocka_unit_test_setup_teardown(logs_of_rekor_2_are_asked_too, begin, end),
        cmocka_unit_test_setup_teardown(logs_that_are_out_of_use_prove_nothing, begin, end),
        cmocka_unit_test_setup_teardown(entries_of_other_logs_are_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(proofs_of_other_signatures_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(who_cannot_be_asked_is_an_error, begin, end),
        cmocka_unit_test_setup_teardown(judging_survives_any_failed_allocation, begin, end),
    };

    return cmocka_run_group_tests_name("signature/cosign", tests, NULL, NULL);
}
