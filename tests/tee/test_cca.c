/*
 * tests/tee/test_cca.c - lib/tee/cca.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "base/text.h"
#include "tests/faults.h"
#include "tests/tee/cca_sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CLAIMS_MAX 8192

static coco_error *err;
static const uint8_t challenge[64] = {0x55};
static const uint8_t point[97] = {0x04};

static struct coco_cca_platform
some_platform(void)
{
    return cca_sample_platform((struct coco_cbor_string){challenge, 32});
}

static struct coco_cca_realm
some_realm(void)
{
    return cca_sample_realm(CCA_BYTES(challenge), CCA_BYTES(point));
}

static coco_status
read_platform(const struct coco_cca_platform *platform, coco_error **e)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 16};
    struct coco_cca_platform read;

    coco_status status = coco_cca_platform_format(platform, &buf, e);
    if (status == COCO_OK)
        status = coco_cca_platform_parse(buf.data, buf.len, &read, e);
    return status;
}

static coco_status
read_realm(const struct coco_cca_realm *realm, coco_error **e)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 16};
    struct coco_cca_realm read;

    coco_status status = coco_cca_realm_format(realm, &buf, e);
    if (status == COCO_OK)
        status = coco_cca_realm_parse(buf.data, buf.len, &read, e);
    return status;
}

static const struct coco_cbor_string short_ = {(const uint8_t *)"short", 5};

static void
claims_of_a_platform_are_refused(void **state)
{
    struct coco_cca_platform p = some_platform();

    (void)state;
    assert_ok(read_platform(&p, &err), err);
    p.profile = CCA_TEXT("http://arm.com/CCA-SSD/2.0.0");
    assert_fails(read_platform(&p, &err), err, COCO_ERR_NOTSUP,
                 "unknown profile 'http://arm.com/CCA-SSD/2.0.0'");
    p.profile = CCA_TEXT("tag:arm.com,2026:cca_platform#2.0.0");
    assert_fails(read_platform(&p, &err), err, COCO_ERR_NOTSUP,
                 "unknown profile 'tag:arm.com,2026");
    /* Who asks for a token chooses its challenge. */
    p.profile = CCA_TEXT(COCO_CCA_PLATFORM_2024);
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "has no 2394");
    p.client_id = COCO_CCA_CLIENT_REALMS;
    assert_ok(read_platform(&p, &err), err);
    p.client_id = 2;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "asked for by domain 2");
    p.client_id = -1;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "asked for by domain -1");
    p = some_platform();
    p.challenge = short_;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "10: has 5 bytes");
    p.challenge = (struct coco_cbor_string){challenge, 33};
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "10: has 33 bytes");
    p = some_platform();
    p.instance_id = short_;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "256: has 5 bytes, not 33");
    p.instance_id = (struct coco_cbor_string){point, 33};
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "instance id of the kind 4");
    p = some_platform();
    p.implementation_id = short_;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "2396: has 5 bytes, not 32");
    p = some_platform();
    p.config = (struct coco_cbor_string){0};
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "config is empty");
    p = some_platform();
    p.service = (struct coco_cbor_string){(const uint8_t *)"a\0b", 3};
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "2400: is empty or has a NUL");
    p = some_platform();
    p.n_components = 0;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "no software components");
    p = some_platform();
    p.components[1].value = short_;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "component 1: 2: has 5 bytes");
    p = some_platform();
    p.components[0].signer_id = short_;
    assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "component 0: 5: has 5 bytes");
}

static void
weak_and_unknown_hashes_are_refused(void **state)
{
    static const char *const names[] = {"md5", "sha-1", "sha-224", "sha256", "SHA-256", "sha-256 "};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        struct coco_cca_platform p = some_platform();
        struct coco_cca_realm r = some_realm();

        p.hash_alg = CCA_TEXT(names[i]);
        assert_fails(read_platform(&p, &err), err, COCO_ERR_NOTSUP, "hash algorithm");
        r.hash_alg = CCA_TEXT(names[i]);
        assert_fails(read_realm(&r, &err), err, COCO_ERR_NOTSUP, "hash algorithm");
        r = some_realm();
        r.key_hash_alg = CCA_TEXT(names[i]);
        assert_fails(read_realm(&r, &err), err, COCO_ERR_NOTSUP, "hash algorithm");
    }
}

static void
a_platform_is_in_one_of_seven_states(void **state)
{
    static const uint16_t bad[] = {0x0100, 0x0fff, 0x1100, 0x3100, 0x3f00, 0x6100, 0x7000, 0xffff};
    struct coco_cca_platform p = some_platform();

    (void)state;
    for (unsigned i = 0; i <= COCO_CCA_DECOMMISSIONED; i++) {
        p.lifecycle = (uint16_t)(i << 12);
        assert_ok(read_platform(&p, &err), err);
        assert_int_equal(coco_cca_state_of(&p), i);
        p.lifecycle |= 0xff;
        assert_ok(read_platform(&p, &err), err);
        assert_int_equal(coco_cca_state_of(&p), i);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        p.lifecycle = bad[i];
        assert_fails(read_platform(&p, &err), err, COCO_ERR_PROTO, "lifecycle 0x");
    }
}

static void
components_are_bounded(void **state)
{
    struct coco_cca_platform p = some_platform();
    _cleanup_buf_ struct coco_buf buf = {.limit = 1 << 16};
    struct coco_cca_platform read;

    (void)state;
    for (size_t i = 2; i < COCO_CCA_COMPONENTS_MAX; i++)
        p.components[i] = p.components[1];
    p.n_components = COCO_CCA_COMPONENTS_MAX;
    assert_ok(coco_cca_platform_format(&p, &buf, &err), err);
    assert_ok(coco_cca_platform_parse(buf.data, buf.len, &read, &err), err);
    assert_int_equal(read.n_components, COCO_CCA_COMPONENTS_MAX);

    /* One more: the head of the array counts up, and an element is put in behind it. */
    static const uint8_t head[] = {0x19, 0x09, 0x5f, 0x98, COCO_CCA_COMPONENTS_MAX};
    uint8_t *at = memmem(buf.data, buf.len, head, sizeof(head));
    _cleanup_buf_ struct coco_buf more = {.limit = 1 << 16};
    assert_non_null(at);
    at[4]++;
    size_t before = (size_t)(at + sizeof(head) - buf.data);
    assert_ok(coco_buf_append(&more, buf.data, before, &err), err);
    assert_ok(coco_buf_append(&more, "\xa0", 1, &err), err);
    assert_ok(coco_buf_append(&more, buf.data + before, buf.len - before, &err), err);
    assert_fails(coco_cca_platform_parse(more.data, more.len, &read, &err), err, COCO_ERR_LIMIT,
                 "more than 64 software components");
}

static void
claims_of_a_realm_are_refused(void **state)
{
    struct coco_cca_realm r = some_realm();

    (void)state;
    assert_ok(read_realm(&r, &err), err);
    r.profile = CCA_TEXT("tag:arm.com,2024:realm#1.0.0");
    assert_fails(read_realm(&r, &err), err, COCO_ERR_NOTSUP, "unknown profile");
    r = some_realm();
    r.challenge = (struct coco_cbor_string){challenge, 32};
    assert_fails(read_realm(&r, &err), err, COCO_ERR_PROTO, "10: has 32 bytes, not 64");
    r = some_realm();
    r.personalization = short_;
    assert_fails(read_realm(&r, &err), err, COCO_ERR_PROTO, "44235: has 5 bytes, not 64");
    r = some_realm();
    r.initial = short_;
    assert_fails(read_realm(&r, &err), err, COCO_ERR_PROTO, "44238: has 5 bytes");
    r = some_realm();
    r.extensible[3] = short_;
    assert_fails(read_realm(&r, &err), err, COCO_ERR_PROTO, "extensible measurements: one of 5");
    r = some_realm();
    r.key = (struct coco_cbor_string){point, 96};
    assert_fails(read_realm(&r, &err), err, COCO_ERR_PROTO, "44237: has 96 bytes, not 97");
}

/* All pairs of map but that of label; or its value a null. */
static void
without(struct coco_cbor map, int64_t label, bool null, struct coco_buf *ret)
{
    struct coco_cbor_items items;
    struct coco_cbor key;
    struct coco_cbor value;
    int64_t number = 0;

    assert_ok(coco_cbor_map(map, &items, &err), err);
    struct coco_cbor_writer w = coco_cbor_writer_of(ret, &err);
    coco_cbor_put_map(&w, (size_t)items.left - (null ? 0 : 1));
    while (coco_cbor_next_pair(&items, &key, &value)) {
        bool is_it = coco_cbor_is_int(key, &number) && number == label;

        if (is_it && !null)
            continue;
        coco_cbor_put_item(&w, key);
        if (is_it)
            coco_cbor_put_null(&w);
        else
            coco_cbor_put_item(&w, value);
    }
    assert_ok(w.status, err);
}

static coco_status
parse_either(bool is_realm, const struct coco_buf *buf, coco_error **e)
{
    struct coco_cca_platform platform;
    struct coco_cca_realm realm;

    if (is_realm)
        return coco_cca_realm_parse(buf->data, buf->len, &realm, e);
    return coco_cca_platform_parse(buf->data, buf->len, &platform, e);
}

/* Each claim left out, and each of another type. */
static void
no_claim_may_be_missing_or_of_another_type(void **state)
{
    struct coco_cca_platform platform = some_platform();
    struct coco_cca_realm realm = some_realm();
    unsigned claims = 0;

    (void)state;
    for (int is_realm = 0; is_realm < 2; is_realm++) {
        _cleanup_buf_ struct coco_buf whole = {.limit = CLAIMS_MAX};
        struct coco_cbor_items items;
        struct coco_cbor map;
        struct coco_cbor key;
        struct coco_cbor value;
        int64_t label = 0;

        if (is_realm)
            assert_ok(coco_cca_realm_format(&realm, &whole, &err), err);
        else
            assert_ok(coco_cca_platform_format(&platform, &whole, &err), err);
        assert_ok(coco_cbor_parse(whole.data, whole.len, "claims", &map, &err), err);
        assert_ok(coco_cbor_map(map, &items, &err), err);
        for (; coco_cbor_next_pair(&items, &key, &value); claims++) {
            _cleanup_buf_ struct coco_buf missing = {.limit = CLAIMS_MAX};
            _cleanup_buf_ struct coco_buf null = {.limit = CLAIMS_MAX};

            assert_ok(coco_cbor_i64(key, &label, &err), err);
            without(map, label, false, &missing);
            without(map, label, true, &null);
            if (label == COCO_CCA_CLAIM_SERVICE)
                assert_ok(parse_either(is_realm, &missing, &err), err);
            else
                assert_fails(parse_either(is_realm, &missing, &err), err, COCO_ERR_PROTO, "has no");
            assert_fails(parse_either(is_realm, &null, &err), err, COCO_ERR_PROTO, "is no");
        }
    }
    assert_int_equal(claims, 9 + 7);
}

static void
what_no_claim_set_is_is_refused(void **state)
{
    static const char *const cases[] = {"", "80", "f6", "a0ff", "bfff", "a10a", "c1a0"};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[8];
        struct coco_buf buf = {.data = bytes, .len = strlen(cases[i]) / 2};

        assert_true(coco_unhex(cases[i], strlen(cases[i]), bytes, buf.len));
        assert_fails(parse_either(false, &buf, &err), err, COCO_ERR_PROTO, "platform claims: ");
        assert_fails(parse_either(true, &buf, &err), err, COCO_ERR_PROTO, "realm claims: ");
    }
}

/* A bare point on P-384, or a COSE_Key: the profile says which. */
static void
the_key_of_a_realm_is_of_the_form_of_its_profile(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf cose = {.limit = 256};
    _cleanup_buf_ struct coco_buf bare = {.limit = 256};

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &key, &err), err);
    assert_ok(coco_cose_key_format(key, &cose, &err), err);
    assert_ok(coco_buf_append(&bare, "\x04", 1, &err), err);
    assert_ok(coco_buf_append(&bare, cose.data + 8, 48, &err), err);
    assert_ok(coco_buf_append(&bare, cose.data + 8 + 48 + 3, 48, &err), err);

    struct coco_cca_realm r = some_realm();
    for (int is_2023 = 0; is_2023 < 2; is_2023++) {
        const struct coco_buf *good = is_2023 ? &cose : &bare;
        const struct coco_buf *bad = is_2023 ? &bare : &cose;
        _cleanup_pkey_ EVP_PKEY *read = NULL;
        EVP_PKEY *none = NULL;

        r.profile = is_2023 ? CCA_TEXT(COCO_CCA_REALM_2023) : (struct coco_cbor_string){0};
        r.key = (struct coco_cbor_string){good->data, good->len};
        assert_ok(read_realm(&r, &err), err);
        assert_ok(coco_cca_realm_key(&r, &read, &err), err);
        assert_int_equal(EVP_PKEY_eq(read, key), 1);
        r.key = (struct coco_cbor_string){bad->data, bad->len};
        assert_fails(coco_cca_realm_key(&r, &none, &err), err, COCO_ERR_PROTO, "");

        good->data[good->len - 1] ^= 1;
        r.key = (struct coco_cbor_string){good->data, good->len};
        assert_fails(coco_cca_realm_key(&r, &none, &err), err, COCO_ERR_PROTO, "no point of P-384");
        good->data[good->len - 1] ^= 1;
        assert_null(none);
    }
    bare.data[0] = 0x02;
    r.profile = (struct coco_cbor_string){0};
    r.key = (struct coco_cbor_string){bare.data, bare.len};
    EVP_PKEY *none = NULL;
    assert_fails(coco_cca_realm_key(&r, &none, &err), err, COCO_ERR_PROTO, "no uncompressed point");
}

static void
what_no_token_is_is_refused(void **state)
{
    static const struct {
        const char *hex;
        const char *why;
    } cases[] = {
        {"", "ends after 0 bytes"},
        {"a0", "has not the tag 399"},
        {"d9018e"
         "a219acca4019acd140",
         "has not the tag 399"},
        {"d9018f"
         "80",
         "is no map"},
        {"d9018f"
         "a0",
         "has 0 parts, not 2"},
        {"d9018f"
         "a119acca40",
         "has 1 parts, not 2"},
        {"d9018f"
         "a319acca4019acd1400100",
         "has 3 parts, not 2"},
        {"d9018f"
         "a219acca400140",
         "platform token: COSE_Sign1: ends after 0 bytes"},
        {"d9018f"
         "a219acd1400140",
         "platform token: has no 44234"},
        {"d9018f"
         "a219accaf619acd140",
         "platform token: 44234: is no byte string"},
        {"d9018f"
         "a219acca41a019acd140",
         "platform token: COSE_Sign1: is no array"},
        {"d9018f"
         "a219acca4019acd14000",
         "1 bytes too many"},
        /* The form of RMM 2.0. */
        {"d9038b"
         "a219acca4019acd140",
         "platform token: is no array"},
        {"d9038b"
         "a119acca40",
         "has 1 parts, not 2"},
        {"d9038b"
         "a219acca8119010719acd140",
         "platform token: is an array of 1, not of 2"},
        {"d9038b"
         "a219acca824040"
         "19acd140",
         "platform token: is no"},
        {"d9038b"
         "a219acca8219010700"
         "19acd140",
         "platform token: is no byte string"},
        {"d9038b"
         "a219acca821901074019acd140",
         "platform token: COSE_Sign1: ends after 0 bytes"},
    };
    static const char devices[] = "d9038b"
                                  "a319acca4019acd14019ace240";
    static const char other_type[] = "d9038b"
                                     "a219acca820140"
                                     "19acd140";
    static const uint8_t huge[COCO_CCA_TOKEN_MAX + 1];
    struct coco_cca_token token;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[64];
        size_t len = strlen(cases[i].hex) / 2;

        assert_true(coco_unhex(cases[i].hex, strlen(cases[i].hex), bytes, len));
        assert_fails(coco_cca_token_parse(bytes, len, &token, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }
    assert_fails(coco_cca_token_parse(huge, sizeof(huge), &token, &err), err, COCO_ERR_LIMIT,
                 "more than 65536 bytes");
    uint8_t bytes[64];
    assert_true(coco_unhex(devices, strlen(devices), bytes, strlen(devices) / 2));
    assert_fails(coco_cca_token_parse(bytes, strlen(devices) / 2, &token, &err), err,
                 COCO_ERR_NOTSUP, "has evidence of devices");
    assert_true(coco_unhex(other_type, strlen(other_type), bytes, strlen(other_type) / 2));
    assert_fails(coco_cca_token_parse(bytes, strlen(other_type) / 2, &token, &err), err,
                 COCO_ERR_NOTSUP, "of type 1, not 263");
}

/* The manifest of the fixtures says which of them are claim sets, and which is none. */
static void
recorded_claims_are_read(void **state)
{
    static const struct {
        const char *name;
        bool is_realm;
        const char *why;
    } cases[] = {
        {"cca/rust/platform-claims.cbor", false, NULL},
        {"cca/rust/realm-claims.cbor", true, NULL},
        {"cca/rust/realm-claims-missing-challenge.cbor", true, "realm claims: has no 10"},
        {"cca/rust/realm-claims+spurious-numeric-key.cbor", true, NULL},
        {"cca/rust/realm-claims+spurious-text-key.cbor", true, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_buf buf = {0};
        _cleanup_free_ char *data = read_fixture(cases[i].name, &buf.len);

        buf.data = (uint8_t *)data;
        if (cases[i].why)
            assert_fails(parse_either(cases[i].is_realm, &buf, &err), err, COCO_ERR_PROTO,
                         cases[i].why);
        else
            assert_ok(parse_either(cases[i].is_realm, &buf, &err), err);
    }
}

static void
a_recorded_token_is_read(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *data = read_fixture("cca/cca-example-token.cbor", &len);
    struct coco_cca_token token;

    (void)state;
    assert_ok(coco_cca_token_parse(data, len, &token, &err), err);
    assert_int_equal(token.platform_message.alg, COCO_COSE_ES384);
    assert_int_equal(token.realm_message.alg, COCO_COSE_ES384);
    assert_int_equal(token.platform.n_components, 13);
    assert_true(coco_cbor_string_is(token.platform.components[0].type, "RSE_BL1_2"));
    assert_true(coco_cbor_string_is(token.platform.components[0].hash_alg, "sha-256"));
    assert_int_equal(token.platform.components[0].version.len, 0);
    assert_int_equal(token.platform.lifecycle, 0x3003);
    assert_int_equal(coco_cca_state_of(&token.platform), COCO_CCA_SECURED);
    assert_true(coco_cbor_string_is(token.realm.hash_alg, "sha-512"));
    assert_int_equal(token.realm.initial.len, 64);
    assert_memory_equal(token.realm.challenge.data, "\x57\xe9\x79\xae", 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_of_a_platform_are_refused),
        cmocka_unit_test(weak_and_unknown_hashes_are_refused),
        cmocka_unit_test(a_platform_is_in_one_of_seven_states),
        cmocka_unit_test(components_are_bounded),
        cmocka_unit_test(claims_of_a_realm_are_refused),
        cmocka_unit_test(no_claim_may_be_missing_or_of_another_type),
        cmocka_unit_test(what_no_claim_set_is_is_refused),
        cmocka_unit_test(the_key_of_a_realm_is_of_the_form_of_its_profile),
        cmocka_unit_test(what_no_token_is_is_refused),
        cmocka_unit_test(recorded_claims_are_read),
        cmocka_unit_test(a_recorded_token_is_read),
    };

    return cmocka_run_group_tests_name("tee/cca", tests, NULL, NULL);
}
