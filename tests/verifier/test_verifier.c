/*
 * tests/verifier/test_verifier.c - lib/verifier/verifier.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/key.h"
#include "tests/faults.h"
#include "tests/verifier/bound.h"
#include "verifier/checks.h"
#include "verifier/verdict.h"

#include <string.h>

#define EVIDENCE "{\"svn\":\"1\",\"report_data\":\"bm9uY2U=\"}"

static void
an_unknown_tee_is_refused(void **state)
{
    static const char *const tees[] = {"", "tdx ", "Sample", "sample ", "software\n"};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++)
        assert_fails(verify_bound(verifier, tees[i], EVIDENCE, "nonce", 5, &verdict, &err), err,
                     COCO_ERR_NOTSUP, "cannot verify");
    assert_null(verdict);
}

static coco_status
trust(coco_verifier *verifier, enum coco_key_kind kind, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    coco_status status = coco_key_generate(kind, &key, err);
    if (status == COCO_OK)
        status = coco_key_public_pem(key, &pem, err);
    if (status == COCO_OK)
        status = coco_verifier_trust_key(verifier, "software", pem.data, pem.len, err);
    return status;
}

/* Of sample evidence, in which "svn" is n times c. */
static coco_status
claim(const coco_verifier *verifier, char c, size_t n, cJSON **claims, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_free_ char *svn = calloc(1, n + 1);

    assert_non_null(svn);
    memset(svn, c, n);
    assert_ok(coco_binding_new(&binding, err), *err);
    assert_ok(coco_json_new_object(&evidence, err), *err);
    assert_ok(coco_json_add_string(evidence, "svn", svn, err), *err);
    assert_ok(coco_json_add_string(evidence, "report_data", "bm9uY2U=", err), *err);
    const struct coco_verification verification = {
        .verifier = verifier,
        .evidence = evidence,
        .binding = binding,
    };
    return coco_verify_value(&verification, "sample", &verdict, claims, err);
}

/* Who asks for them as JSON gets no more of them than who asks for their text. */
static void
claims_are_bounded(void **state)
{
    static const struct {
        char c;
        size_t len; /* of c in a text of JSON */
    } cases[] = {{'x', 1}, {'"', 2}, {'\1', 6}};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = COCO_CLAIMS_MAX};
        _cleanup_json_ cJSON *none = NULL;
        _cleanup_json_ cJSON *most = NULL;
        cJSON *more = NULL;

        assert_ok(claim(verifier, cases[i].c, 0, &none, &err), err);
        assert_ok(coco_json_write(none, COCO_JSON_COMPACT, &text, &err), err);
        size_t n = (COCO_CLAIMS_MAX - text.len) / cases[i].len;
        assert_ok(claim(verifier, cases[i].c, n, &most, &err), err);
        assert_fails(claim(verifier, cases[i].c, n + 1, &more, &err), err, COCO_ERR_LIMIT,
                     "sample evidence: claims");
        assert_null(more);
    }
}

static void
a_root_is_a_p256_key(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    assert_fails(coco_verifier_trust_key(verifier, "software", (const uint8_t *)"", 0, &err), err,
                 COCO_ERR_PROTO, "key of the TEE software");
    assert_fails(coco_verifier_trust_key(verifier, "software", (const uint8_t *)"no key", 6, &err),
                 err, COCO_ERR_PROTO, "key of the TEE software");
    assert_fails(trust(verifier, COCO_KEY_P384, &err), err, COCO_ERR_PROTO, "is not of its kind");
    assert_fails(trust(verifier, COCO_KEY_ED25519, &err), err, COCO_ERR_PROTO,
                 "is not of its kind");
    assert_ok(trust(verifier, COCO_KEY_P256, &err), err);
}

static void
roots_are_bounded(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < 64; i++)
        assert_ok(trust(verifier, COCO_KEY_P256, &err), err);
    assert_fails(trust(verifier, COCO_KEY_P256, &err), err, COCO_ERR_LIMIT, "64 keys");
}

static void
only_some_tees_rest_on_keys(void **state)
{
    static const char *const tees[] = {"", "sample", "snp", "Software", "tpm "};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++)
        assert_fails(coco_verifier_trust_key(verifier, tees[i], (const uint8_t *)"", 0, &err), err,
                     COCO_ERR_NOTSUP, "rests on no key");
}

static coco_status
set_private(coco_verifier *verifier, const char *tee, enum coco_key_kind kind, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    coco_status status = coco_key_generate(kind, &key, err);
    if (status == COCO_OK)
        status = coco_key_private_pem(key, &pem, err);
    if (status == COCO_OK)
        status = coco_verifier_set_private_key(verifier, tee, pem.data, pem.len, err);
    return status;
}

static void
private_keys_are_of_the_kind_that_their_tee_has(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    assert_fails(set_private(verifier, "snp", COCO_KEY_P384, &err), err, COCO_ERR_NOTSUP,
                 "needs no private key");
    assert_fails(set_private(verifier, "sev", COCO_KEY_P256, &err), err, COCO_ERR_PROTO,
                 "is not of its kind");
    assert_fails(coco_verifier_set_private_key(verifier, "se", (const uint8_t *)"key", 3, &err),
                 err, COCO_ERR_PROTO, "private key for the TEE se");
    for (int i = 0; i < 2; i++) /* the second takes the place of the first */
        assert_ok(set_private(verifier, "sev", COCO_KEY_P384, &err), err);
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void
roots_are_fingerprints_of_known_makers(void **state)
{
    static const struct {
        const char *maker;
        const char *fingerprint;
        const char *why;
    } cases[] = {
        {"", "sha256:" HEX64, "no maker"},
        {"amd", "sha256:" HEX64, "no maker"},
        {"Intel", "sha256:" HEX64, "no maker"},
        {"intel", HEX64, "fingerprint"},
        {"intel", "sha512:" HEX64 HEX64, "fingerprint"},
        {"intel", "sha256:" HEX64 "00", "fingerprint"},
    };
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    struct coco_digest digest;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_verifier_trust_root(verifier, cases[i].maker, cases[i].fingerprint, &err),
                     err, COCO_ERR_INVALID, cases[i].why);

    assert_ok(coco_digest_parse("sha256:" HEX64, &digest, &err), err);
    assert_false(coco_verifier_trusts_root(verifier, "amd/Milan", &digest));
    assert_ok(coco_verifier_trust_root(verifier, "amd/Milan", "sha256:" HEX64, &err), err);
    assert_true(coco_verifier_trusts_root(verifier, "amd/Milan", &digest));
    assert_false(coco_verifier_trusts_root(verifier, "amd/Genoa", &digest));
    for (size_t i = 1; i < 64; i++)
        assert_ok(coco_verifier_trust_root(verifier, "aws", "sha256:" HEX64, &err), err);
    assert_fails(coco_verifier_trust_root(verifier, "aws", "sha256:" HEX64, &err), err,
                 COCO_ERR_LIMIT, "64 roots");
}

static void
only_what_may_fail_can_be_allowed(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    coco_error *err = NULL;
    const char *name;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; (name = coco_verifier_allowance(i)) != NULL; i++) {
        size_t kind = 0;

        assert_true(coco_check_kind_find(name, &kind));
        assert_false(coco_verifier_allows(verifier, kind));
        assert_ok(coco_verifier_allow(verifier, name, &err), err);
        assert_true(coco_verifier_allows(verifier, kind));
    }
    assert_fails(coco_verifier_allow(verifier, "signature", &err), err, COCO_ERR_INVALID,
                 "must hold");
    assert_fails(coco_verifier_allow(verifier, "report-data", &err), err, COCO_ERR_INVALID,
                 "must hold");
    assert_fails(coco_verifier_allow(verifier, "nothing", &err), err, COCO_ERR_INVALID,
                 "there is no check");
}

static void
tees_are_listed(void **state)
{
    bool sample = false;
    const char *tee;

    (void)state;
    for (size_t i = 0; (tee = coco_verifier_tee(i)) != NULL; i++)
        sample = sample || strcmp(tee, "sample") == 0;
    assert_true(sample);
    assert_null(coco_verifier_tee(SIZE_MAX));
}

static void
trusting_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
        coco_error *err = NULL;

        coco_status status = coco_verifier_new(&verifier, &err);
        if (status == COCO_OK)
            status = trust(verifier, COCO_KEY_P256, &err);
        if (status == COCO_OK)
            status = set_private(verifier, "sev", COCO_KEY_P384, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_tee_is_refused),
        cmocka_unit_test(claims_are_bounded),
        cmocka_unit_test(only_some_tees_rest_on_keys),
        cmocka_unit_test(private_keys_are_of_the_kind_that_their_tee_has),
        cmocka_unit_test(roots_are_fingerprints_of_known_makers),
        cmocka_unit_test(only_what_may_fail_can_be_allowed),
        cmocka_unit_test(tees_are_listed),
        cmocka_unit_test(a_root_is_a_p256_key),
        cmocka_unit_test(roots_are_bounded),
        cmocka_unit_test(trusting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
