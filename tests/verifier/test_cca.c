/*
 * tests/verifier/test_cca.c - lib/verifier/cca.c
 *
 * First a platform and a realm of our own, so that each thing can be wrong while
 * the others are right; then tokens that were recorded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "base/base64.h"
#include "crypto/ecdsa.h"
#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/tee/cca_sample.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "verifier/verdict.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NONCE "nonce"
#define JSON_MAX ((size_t)1 << 20)

static EVP_PKEY *platform_key;
static EVP_PKEY *realm_key;
static EVP_PKEY *other_key;
static struct coco_buf realm_point; /* 0x04, x and y */
static struct coco_buf other_point;
static struct coco_digest realm_digest; /* of the point */
static uint8_t challenge[COCO_CCA_CHALLENGE_SIZE] = NONCE;
static coco_verifier *verifier;
static coco_error *err;

static void
make_key(EVP_PKEY **key, struct coco_buf *point)
{
    assert_ok(coco_key_generate(COCO_KEY_P384, key, &err), err);
    if (!point)
        return;
    assert_ok(coco_buf_append(point, "\x04", 1, &err), err);
    assert_ok(coco_ec_key_point(*key, point, &err), err);
}

static void
trust(coco_verifier *v, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_public_pem(key, &pem, &err), err);
    assert_ok(coco_verifier_trust_key(v, "cca", pem.data, pem.len, &err), err);
}

static int
setup(void **state)
{
    (void)state;
    realm_point = (struct coco_buf){.limit = 256};
    other_point = (struct coco_buf){.limit = 256};
    make_key(&platform_key, NULL);
    make_key(&realm_key, &realm_point);
    make_key(&other_key, &other_point);
    assert_ok(coco_digest_of(COCO_SHA256, realm_point.data, realm_point.len, &realm_digest, &err),
              err);
    assert_ok(coco_verifier_new(&verifier, &err), err);
    trust(verifier, platform_key);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(platform_key);
    EVP_PKEY_free(realm_key);
    EVP_PKEY_free(other_key);
    coco_buf_done(&realm_point);
    coco_buf_done(&other_point);
    coco_verifier_free(verifier);
    return 0;
}

/* A token in the making: what it says, and who really signs it. */
struct making {
    struct coco_cca_platform platform;
    struct coco_cca_realm realm;
    EVP_PKEY *platform_signer;
    EVP_PKEY *realm_signer;
    bool cmw; /* in the form of RMM 2.0 */
};

static struct coco_cbor_string
string_of(const struct coco_buf *buf)
{
    return (struct coco_cbor_string){buf->data, buf->len};
}

static struct making
good(void)
{
    return (struct making){
        .platform = cca_sample_platform((struct coco_cbor_string){realm_digest.bytes, 32}),
        .realm = cca_sample_realm(CCA_BYTES(challenge), string_of(&realm_point)),
        .platform_signer = platform_key,
        .realm_signer = realm_key,
    };
}

static coco_status
sign(EVP_PKEY *key, const struct coco_buf *claims, struct coco_buf *ret, coco_error **e)
{
    struct coco_cose_content content = {.payload = string_of(claims), .tagged = true};

    return coco_cose_sign1_sign(key, &content, ret, e);
}

static coco_status
make(const struct making *m, struct coco_buf *token, coco_error **e)
{
    _cleanup_buf_ struct coco_buf platform = {.limit = 4096};
    _cleanup_buf_ struct coco_buf realm = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signed_platform = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signed_realm = {.limit = 4096};

    coco_status status = coco_cca_platform_format(&m->platform, &platform, e);
    if (status == COCO_OK)
        status = coco_cca_realm_format(&m->realm, &realm, e);
    if (status == COCO_OK)
        status = sign(m->platform_signer, &platform, &signed_platform, e);
    if (status == COCO_OK)
        status = sign(m->realm_signer, &realm, &signed_realm, e);
    if (status == COCO_OK)
        status = (m->cmw ? coco_cca_token_format_cmw : coco_cca_token_format)(
            string_of(&signed_platform), string_of(&signed_realm), token, e);
    return status;
}

static coco_status
verify_token(const coco_verifier *v, struct coco_cbor_string token, struct coco_cbor_string want,
             coco_verdict **ret, coco_error **e)
{
    _cleanup_buf_ struct coco_buf json = {.limit = JSON_MAX};

    coco_status status = coco_cca_evidence_format(token, &json, e);
    if (status == COCO_OK)
        status = verify_bound(v, "cca", coco_buf_text(&json), want.data, want.len, ret, e);
    return status;
}

static coco_status
verify(const struct making *m, coco_verdict **ret, coco_error **e)
{
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_CCA_TOKEN_MAX};

    coco_status status = make(m, &token, e);
    if (status == COCO_OK)
        status = verify_token(verifier, string_of(&token), CCA_TEXT(NONCE), ret, e);
    return status;
}

static void
assert_made_failing(const struct making *m, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(m, &verdict, &err), err);
    assert_failing_checks(verdict, names);
}

static void
a_good_token_is_valid_in_all_profiles(void **state)
{
    _cleanup_buf_ struct coco_buf cose = {.limit = 256};
    struct making m = good();
    struct coco_digest digest;

    (void)state;
    assert_made_failing(&m, "");
    assert_ok(coco_cose_key_format(realm_key, &cose, &err), err);
    assert_ok(coco_digest_of(COCO_SHA512, cose.data, cose.len, &digest, &err), err);
    m.platform.profile = CCA_TEXT(COCO_CCA_PLATFORM_2023);
    m.platform.challenge = (struct coco_cbor_string){digest.bytes, 64};
    m.realm.profile = CCA_TEXT(COCO_CCA_REALM_2023);
    m.realm.key = string_of(&cose);
    m.realm.key_hash_alg = CCA_TEXT("sha-512");
    assert_made_failing(&m, "");
    m.platform.profile = CCA_TEXT(COCO_CCA_PLATFORM_2024);
    m.platform.client_id = COCO_CCA_CLIENT_REALMS;
    m.realm.profile = CCA_TEXT(COCO_CCA_REALM_2024);
    assert_made_failing(&m, "");
    m.cmw = true;
    assert_made_failing(&m, "");
    m.realm_signer = other_key;
    assert_made_failing(&m, "realm-signature ");
}

static void
each_broken_link_is_its_own_check(void **state)
{
    struct making m = good();

    (void)state;
    m.platform_signer = other_key;
    assert_made_failing(&m, "signature ");
    m.platform_signer = realm_key;
    assert_made_failing(&m, "signature ");
    m = good();
    m.realm_signer = other_key;
    assert_made_failing(&m, "realm-signature ");
    m.realm_signer = platform_key;
    assert_made_failing(&m, "realm-signature ");
    /* A realm of another platform: signed as it should be, but vouched for by nobody. */
    m = good();
    m.realm.key = string_of(&other_point);
    m.realm_signer = other_key;
    assert_made_failing(&m, "realm-key ");
    m = good();
    m.realm.key_hash_alg = CCA_TEXT("sha-384");
    assert_made_failing(&m, "realm-key ");
    m = good();
    m.platform_signer = other_key;
    m.realm.key = string_of(&other_point);
    m.platform.lifecycle = 0;
    challenge[0] ^= 1;
    assert_made_failing(&m, "signature lifecycle realm-key realm-signature report-data ");
    challenge[0] ^= 1;
}

/* Zeros behind the digest of the realm's key make it another challenge. */
static void
the_hash_of_the_realm_key_has_its_length(void **state)
{
    uint8_t padded[64] = {0};
    struct making m = good();

    (void)state;
    memcpy(padded, realm_digest.bytes, 32);
    m.platform.challenge = CCA_BYTES(padded);
    assert_made_failing(&m, "realm-key ");
}

static void
a_realm_key_that_is_not_on_its_curve_signs_nothing(void **state)
{
    struct making m = good();

    (void)state;
    realm_point.data[96] ^= 1;
    assert_made_failing(&m, "realm-key realm-signature ");
    realm_point.data[96] ^= 1;
    realm_point.data[0] = 0x02;
    assert_made_failing(&m, "realm-key realm-signature ");
    realm_point.data[0] = 0x04;
}

static void
only_a_secured_platform_is_valid(void **state)
{
    static const struct {
        uint16_t lifecycle;
        const char *failing;
    } cases[] = {
        {0x0000, "lifecycle "}, {0x1000, "lifecycle "}, {0x2000, "lifecycle "},
        {0x3000, ""},           {0x30ff, ""},           {0x4000, "debug "},
        {0x5000, "debug "},     {0x6000, "lifecycle "},
    };
    struct making m = good();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        m.platform.lifecycle = cases[i].lifecycle;
        assert_made_failing(&m, cases[i].failing);
    }
    assert_ok(coco_verifier_allow(verifier, "debug", &err), err);
    m.platform.lifecycle = 0x4000;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    assert_ok(verify(&m, &verdict, &err), err);
    assert_names_of_failing(verdict, "debug ");
    assert_true(coco_verdict_valid(verdict));
    assert_fails(coco_verifier_allow(verifier, "lifecycle", &err), err, COCO_ERR_INVALID,
                 "must hold");
}

static void
no_platform_is_trusted_by_itself(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *nobody = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_CCA_TOKEN_MAX};
    struct making m = good();

    (void)state;
    assert_ok(coco_verifier_new(&nobody, &err), err);
    assert_ok(make(&m, &token, &err), err);
    assert_ok(verify_token(nobody, string_of(&token), CCA_TEXT(NONCE), &verdict, &err), err);
    assert_failing_checks(verdict, "platform-key signature ");
}

/* The same key, trusted for another instance alone. */
static void
a_key_of_another_instance_is_none(void **state)
{
    static const uint8_t other[COCO_CCA_INSTANCE_SIZE] = {1, 0xaa, 0xbc};
    _cleanup_buf_ struct coco_buf x = {.limit = 128};
    _cleanup_buf_ struct coco_buf y = {.limit = 128};
    _cleanup_buf_ struct coco_buf point = {.limit = 128};
    _cleanup_(coco_verifier_freep) coco_verifier *strict = NULL;
    struct making m = good();
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_CCA_TOKEN_MAX};
    char store[512];

    (void)state;
    assert_ok(coco_ec_key_point(platform_key, &point, &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, point.data, 48, &x, &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64URL, point.data + 48, 48, &y, &err), err);
    (void)snprintf(store, sizeof(store),
                   "[{\"pkey\":{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%s\",\"y\":\"%s\"},"
                   "\"implementation-id\":\"%064d\",\"instance-id\":\"01aabb%060d\"}]",
                   coco_buf_text(&x), coco_buf_text(&y), 0, 0);
    assert_ok(coco_verifier_new(&strict, &err), err);
    assert_ok(coco_verifier_trust_key(strict, "cca", (const uint8_t *)store, strlen(store), &err),
              err);
    for (int is_other = 0; is_other < 2; is_other++) {
        coco_verdict *verdict = NULL;

        if (is_other)
            m.platform.instance_id = CCA_BYTES(other);
        coco_buf_reset(&token);
        assert_ok(make(&m, &token, &err), err);
        assert_ok(verify_token(strict, string_of(&token), CCA_TEXT(NONCE), &verdict, &err), err);
        assert_failing_checks(verdict, is_other ? "platform-key signature " : "");
        coco_verdict_free(verdict);
    }
}

static void
one_of_several_platform_keys_is_enough(void **state)
{
    struct making m = good();

    (void)state;
    trust(verifier, other_key);
    m.platform_signer = other_key;
    assert_made_failing(&m, "");
}

static void
nonce_and_init_data_are_those_that_were_asked_for(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_CCA_TOKEN_MAX};
    _cleanup_buf_ struct coco_buf json = {.limit = JSON_MAX};
    struct making m = good();

    (void)state;
    assert_ok(make(&m, &token, &err), err);
    assert_ok(coco_cca_evidence_format(string_of(&token), &json, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    for (int other = 0; other < 2; other++) {
        static const uint8_t digests[2][1] = {{0x33}, {0x34}};
        coco_verdict *verdict = NULL;

        assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)(other ? "once" : NONCE),
                                               other ? 4 : 5, &err),
                  err);
        assert_ok(coco_binding_set_init_data(binding, digests[other], 1, &err), err);
        assert_ok(coco_verify(verifier, "cca", coco_buf_text(&json), binding, &verdict, &err), err);
        assert_failing_checks(verdict, other ? "report-data init-data " : "");
        coco_verdict_free(verdict);
    }
}

static void
evidence_that_is_malformed_is_refused(void **state)
{
    static const struct {
        const char *json;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "token"},
        {"{\"token\":\"2YGP\"}", COCO_ERR_PROTO, "token"},
        {"{\"token\":[]}", COCO_ERR_PROTO, "CCA token: ends after 0 bytes"},
        {"{\"token\":[256]}", COCO_ERR_PROTO, "no byte"},
        {"{\"token\":[-1]}", COCO_ERR_PROTO, "no byte"},
        {"{\"token\":[1.5]}", COCO_ERR_PROTO, "no byte"},
        {"{\"token\":[217,1,143,160]}", COCO_ERR_PROTO, "has 0 parts"},
        {"{\"token\":[217,1,143,160],\"more\":1}", COCO_ERR_PROTO, "more"},
    };
    coco_verdict *verdict = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(verify_bound(verifier, "cca", cases[i].json, NONCE, 5, &verdict, &err), err,
                     cases[i].status, cases[i].why);
    assert_null(verdict);
}

static void
claims_have_upstreams_names(void **state)
{
    static const char *const members[] = {
        "\"cca-platform-profile\":\"http://arm.com/CCA-SSD/1.0.0\"",
        "\"cca-platform-instance-id\":\"Aaq7AAAA",
        "\"cca-platform-lifecycle\":12291",
        "\"cca-platform-sw-components\":[{\"measurement-type\":\"BL\",\"measurement-value\":\"EQAA",
        "\"version\":\"1.0\"",
        "\"measurement-description\":\"sha-384\"",
        "\"cca-platform-hash-algo-id\":\"sha-256\"",
        "\"cca-platform-service-indicator\":\"https://verifier.example\"",
        "\"cca-platform-config\":\"z88=\"",
        "\"cca-realm-challenge\":\"bm9uY2UA",
        "\"cca-realm-personalization-value\":\"MwAA",
        "\"cca-realm-initial-measurement\":\"RAAA",
        "\"cca-realm-extensible-measurements\":[\"AAAA",
        "\"cca-realm-hash-algo-id\":\"sha-512\"",
        "\"cca-realm-public-key\":\"B",
        "\"cca-realm-public-key-hash-algo-id\":\"sha-256\"",
        "\"report_data\":\"6e6f6e636500",
        "\"init_data\":\"3300",
    };
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct making m = good();

    (void)state;
    assert_ok(verify(&m, &verdict, &err), err);
    for (size_t i = 0; i < COUNT(members); i++)
        assert_contains(coco_verdict_claims(verdict), members[i]);
}

/* ---- recorded tokens ---- */

struct recorded {
    const char *token;
    const char *keys;
    const char *failing;
    bool flip; /* its bits, too: of each token once */
};

static const struct recorded recorded[] = {
    {"cca/cca-example-token.cbor", "cca/tastore.json", "", true},
    {"cca/tf-rmm/cca_token.cbor", "cca/tf-rmm/cca_platform.pub", "", true},
    {"cca/rust/cca-token-02.cbor", "cca/rust/ta-02-ok.json", "", true},
    {"cca/rust/cca-token-draft-ffm-00.cbor", "cca/rust/ta-tfa.json", "", true},
    {"cca/rust/bug-33-repro.cbor", "cca/rust/ta-tfa.json", "realm-key ", false},
    {"cca/rust/cca-token-01.cbor", "cca/rust/ta-02-ok.json", "platform-key signature ", false},
    {"cca/rust/cca-token-01.cbor", "cca/rust/ta-tfa.json", "", false},
    {"cca/rust/cca-token-02.cbor", "cca/tastore.json", "platform-key signature ", false},
};

/* A verifier that trusts what is in the file. */
static coco_verifier *
trusting(const char *keys)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture(keys, &len);
    coco_verifier *made = NULL;

    assert_ok(coco_verifier_new(&made, &err), err);
    assert_ok(coco_verifier_trust_key(made, "cca", (const uint8_t *)text, len, &err), err);
    return made;
}

/* The challenge of the realm, which is what was asked for when it was recorded. */
static struct coco_cbor_string
challenge_of(const char *data, size_t len)
{
    struct coco_cca_token token;

    assert_ok(coco_cca_token_parse(data, len, &token, &err), err);
    return token.realm.challenge;
}

static void
recorded_tokens_come_to_what_their_manifest_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        size_t len = 0;
        _cleanup_free_ char *data = read_fixture(recorded[i].token, &len);
        _cleanup_(coco_verifier_freep) coco_verifier *v = trusting(recorded[i].keys);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(verify_token(v, (struct coco_cbor_string){(uint8_t *)data, len},
                               challenge_of(data, len), &verdict, &err),
                  err);
        assert_failing_checks(verdict, recorded[i].failing);
        assert_int_equal(coco_verdict_valid(verdict), recorded[i].failing[0] == '\0');
    }
}

static void
the_example_has_the_claims_that_it_was_recorded_with(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *data = read_fixture("cca/cca-example-token.cbor", &len);
    _cleanup_(coco_verifier_freep) coco_verifier *v = trusting("cca/tastore.json");
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(verify_token(v, (struct coco_cbor_string){(uint8_t *)data, len},
                           challenge_of(data, len), &verdict, &err),
              err);
    const char *claims = coco_verdict_claims(verdict);
    assert_contains(claims, "\"cca-platform-instance-id\":"
                            "\"AQcGBQQDAgEADw4NDAsKCQgXFhUUExIREB8eHRwbGhkY\"");
    assert_contains(claims, "\"cca-platform-implementation-id\":"
                            "\"f0VMRgIBAQAAAAAAAAAAAAMAPgABAAAAUFgAAAAAAAA=\"");
    assert_contains(claims, "\"cca-platform-challenge\":"
                            "\"tZc8touqn8VVWHhrfsZ/aeQN9bpaqSHNDCf0BYegEeo=\"");
    assert_contains(claims, "\"report_data\":\"57e979ae2618de0c1ab73144c440d741");
    assert_contains(claims, "\"init_data\":\"00000000");
    assert_contains(claims, "{\"measurement-type\":\"RSE_BL1_2\"");
}

static bool
is_same(struct coco_cbor_string a, struct coco_cbor_string b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Whether key signed message, which need not be asked of the same bytes twice. */
static bool
is_message_signed(const struct coco_cose_sign1 *message, const struct coco_cose_sign1 *known,
                  EVP_PKEY *key)
{
    bool same = known && message->alg == known->alg && is_same(message->headers, known->headers)
                && is_same(message->payload, known->payload)
                && is_same(message->signature, known->signature);

    return same || coco_cose_sign1_verify(message, key, NULL, NULL) == COCO_OK;
}

/*
 * Whether all that is signed of a token is signed: what the verifier asks, without its
 * JSON. Of known, which may be NULL, it is known.
 */
static bool
is_signed(struct coco_cbor_string bytes, const struct coco_cca_token *known, EVP_PKEY *platform)
{
    _cleanup_pkey_ EVP_PKEY *realm = NULL;
    struct coco_cca_token token;

    return coco_cca_token_parse(bytes.data, bytes.len, &token, NULL) == COCO_OK
           && is_message_signed(&token.platform_message, known ? &known->platform_message : NULL,
                                platform)
           && coco_cca_realm_key(&token.realm, &realm, NULL) == COCO_OK
           && is_message_signed(&token.realm_message, known ? &known->realm_message : NULL, realm);
}

static bool
is_valid(const coco_verifier *v, struct coco_cbor_string token, struct coco_cbor_string want)
{
    coco_verdict *verdict = NULL;
    bool valid =
        verify_token(v, token, want, &verdict, NULL) == COCO_OK && coco_verdict_valid(verdict);

    coco_verdict_free(verdict);
    return valid;
}

#define WHOLE 16 /* one in so many changes is also put before the verifier: it costs most */

/* A bit of every byte of each token, another one in each: none may still be signed. */
static void
no_byte_of_a_recorded_token_can_be_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorded); i++) {
        if (!recorded[i].flip && !(flips_all() && recorded[i].failing[0] == '\0'))
            continue;
        size_t len = 0;
        _cleanup_free_ char *right = read_fixture(recorded[i].token, &len);
        _cleanup_free_ char *data = read_fixture(recorded[i].token, &len);
        _cleanup_(coco_verifier_freep) coco_verifier *v = trusting(recorded[i].keys);
        struct coco_cca_token known;
        const struct coco_buf *der = coco_verifier_key(v, "cca", 0);
        struct coco_cbor_string token = {(uint8_t *)data, len};
        uint8_t want[COCO_CCA_CHALLENGE_SIZE];
        _cleanup_pkey_ EVP_PKEY *platform = NULL;

        memcpy(want, challenge_of(data, len).data, sizeof(want));
        assert_ok(coco_key_parse_public(der->data, der->len, &platform, &err), err);
        assert_true(is_signed(token, NULL, platform));
        assert_ok(coco_cca_token_parse(right, len, &known, &err), err);
        assert_true(is_valid(v, token, CCA_BYTES(want)));
        for_each_flip(flip, data, len, 1)
        {
            if (is_signed(token, &known, platform)
                || (flip.at % WHOLE == 0 && is_valid(v, token, CCA_BYTES(want))))
                fail_msg("byte %zu of %s can be changed", flip.at, recorded[i].token);
        }
    }
}

/* The driver alone: reading JSON makes an allocation for each byte of the token. */
static void
verifying_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_CCA_TOKEN_MAX};
    _cleanup_buf_ struct coco_buf json = {.limit = JSON_MAX};
    _cleanup_json_ cJSON *evidence = NULL;
    struct making m = good();

    (void)state;
    assert_ok(make(&m, &token, &err), err);
    assert_ok(coco_cca_evidence_format(string_of(&token), &json, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&json), json.len, &evidence, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, challenge, sizeof(challenge), &err), err);
    struct coco_verification verification = {
        .verifier = verifier,
        .evidence = evidence,
        .binding = binding,
    };
    for_each_fault()
    {
        _cleanup_json_ cJSON *claims = NULL;
        coco_error *e = NULL;

        faults_pause();
        coco_verdict *verdict = calloc(1, sizeof(*verdict));
        assert_non_null(verdict);
        faults_resume();
        coco_status status = coco_json_new_object(&claims, &e);
        if (status == COCO_OK)
            status = coco_cca_verifier.verify(&verification, verdict, claims, &e);
        fault_expect(status, e);
        coco_verdict_free(verdict);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_token_is_valid_in_all_profiles),
        TEST(each_broken_link_is_its_own_check),
        TEST(the_hash_of_the_realm_key_has_its_length),
        TEST(a_realm_key_that_is_not_on_its_curve_signs_nothing),
        TEST(only_a_secured_platform_is_valid),
        TEST(no_platform_is_trusted_by_itself),
        TEST(a_key_of_another_instance_is_none),
        TEST(one_of_several_platform_keys_is_enough),
        TEST(nonce_and_init_data_are_those_that_were_asked_for),
        TEST(evidence_that_is_malformed_is_refused),
        TEST(claims_have_upstreams_names),
        TEST(recorded_tokens_come_to_what_their_manifest_says),
        TEST(the_example_has_the_claims_that_it_was_recorded_with),
        TEST(no_byte_of_a_recorded_token_can_be_changed),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/cca", tests, NULL, NULL);
}
