/*
 * tests/verifier/test_sev_owner.c - lib/verifier/sev_owner.c
 *
 * The platform is the test's: it does what AMD's firmware does with a session, a
 * measurement and a packet.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/sev.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fail.h"
#include "crypto/keywrap.h"
#include "tee/sev_evidence.h"
#include "tee/sev_secret.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/tee/sev_kit.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/trust.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define POLICY (COCO_SEV_NO_DEBUG | COCO_SEV_ENCRYPTED_STATE)
#define GUID "736869e5-84f0-4973-92ec-06879ce3da0b"
#define RESOURCES_GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"

COCO_DEFINE_CLEANUP(coco_sev_owner *, coco_sev_owner_free);
#define _cleanup_owner_ _cleanup_(coco_sev_owner_freep)

struct fixture {
    struct sev_kit platform;
    struct coco_buf chain;
    coco_verifier *verifier;
    coco_error *err;
};

static struct fixture fixture;

static const uint8_t digest[32] = {1, 2, 3};
static const coco_sev_firmware firmware = {sizeof(firmware), 1, 55, 24};

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    const struct sev_kit *p = &f->platform;

    *f = (struct fixture){.chain.limit = 64 << 10};
    sev_kit_make(&f->platform);
    const struct coco_sev_chain chain = {.pdh = p->pdh,
                                         .pek = p->pek,
                                         .oca = p->oca,
                                         .cek = p->cek,
                                         .has_cas = true,
                                         .ask = p->ask,
                                         .ark = p->ark};
    assert_ok(coco_sev_chain_format(&chain, &f->chain, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust_ark(f->verifier, "amd/Rome", &f->platform.ark);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_verifier_free(f->verifier);
    coco_buf_done(&f->chain);
    sev_kit_done(&f->platform);
    return 0;
}

static coco_sev_owner *
begin(struct fixture *f)
{
    coco_sev_owner *owner = NULL;

    assert_ok(coco_sev_owner_new(f->verifier, f->chain.data, f->chain.len, POLICY, &owner, &f->err),
              f->err);
    return owner;
}

/* LAUNCH_START and LAUNCH_MEASURE: what the firmware knows of the session, and its answer. */
static void
launch(struct fixture *f, const coco_sev_owner *owner, struct coco_sev_keys *keys,
       uint8_t measurement[48])
{
    _cleanup_(coco_bytes_freep) coco_bytes *cert = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *blob = NULL;
    _cleanup_secret_ struct coco_secret z = {0};
    _cleanup_pkey_ EVP_PKEY *godh = NULL;
    struct coco_sev_cert parsed;
    struct coco_sev_session session;
    struct coco_sev_launch of = {.api_major = 1, .api_minor = 55, .build = 24, .policy = POLICY};

    assert_ok(coco_sev_owner_get_certificate(owner, &cert, &f->err), f->err);
    assert_ok(coco_sev_owner_get_session(owner, &blob, &f->err), f->err);
    assert_int_equal(coco_bytes_size(cert), 2084);
    assert_int_equal(coco_bytes_size(blob), 128);
    assert_ok(coco_sev_cert_parse(coco_bytes_data(cert), 2084, &parsed, &f->err), f->err);
    assert_int_equal(parsed.usage, COCO_SEV_PDH);
    assert_ok(coco_sev_cert_key(&parsed, &godh, &f->err), f->err);
    assert_ok(coco_sev_session_parse(coco_bytes_data(blob), 128, &session, &f->err), f->err);
    assert_ok(coco_ecdh(f->platform.pdh_key, godh, &z, &f->err), f->err);
    assert_ok(coco_sev_session_unwrap(&z, &session, POLICY, keys, &f->err), f->err);
    memcpy(of.digest, digest, sizeof(digest));
    memset(of.mnonce, 9, sizeof(of.mnonce));
    memset(measurement + 32, 9, 16);
    assert_ok(coco_sev_launch_measure(&of, &keys->tik, measurement, &f->err), f->err);
}

/* LAUNCH_SECRET. */
static coco_status
inject(struct fixture *f, const struct coco_sev_keys *keys, const uint8_t measurement[48],
       const coco_bytes *bytes, struct coco_sev_secrets *ret)
{
    _cleanup_secret_ struct coco_secret table = {0};
    struct coco_sev_packet packet = {.payload.limit = 64 << 10};
    size_t len = coco_bytes_size(bytes);

    assert_true(len > sizeof(packet.header));
    memcpy(packet.header, coco_bytes_data(bytes), sizeof(packet.header));
    assert_ok(coco_buf_append(&packet.payload, coco_bytes_data(bytes) + sizeof(packet.header),
                              len - sizeof(packet.header), &f->err),
              f->err);
    coco_status status = coco_sev_packet_open(keys, measurement, &packet, &table, &f->err);
    coco_buf_done(&packet.payload);
    return status == COCO_OK ? coco_sev_secrets_parse(table.data, table.len, ret, &f->err) : status;
}

static coco_status
add(coco_sev_owner *owner, const char *name, const char *text, coco_error **err)
{
    return coco_sev_owner_add_secret(owner, name, (const uint8_t *)text, strlen(text), err);
}

static coco_status
check(const uint8_t measurement[48], coco_sev_owner *owner, coco_error **err)
{
    return coco_sev_owner_check(owner, measurement, 48, digest, 32, &firmware, err);
}

static void
what_is_added_is_injected(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_(coco_bytes_freep) coco_bytes *packet = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    _cleanup_sev_secrets_ struct coco_sev_secrets got = {0};
    uint8_t measurement[48];

    launch(f, owner, &keys, measurement);
    assert_ok(add(owner, GUID, "as it is", &f->err), f->err);
    assert_ok(add(owner, "kbs:///default/key/1", "key", &f->err), f->err);
    assert_ok(add(owner, "kbs:///default/key/2", "", &f->err), f->err);
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_ok(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err);
    assert_ok(inject(f, &keys, measurement, packet, &got), f->err);
    assert_int_equal(got.n, 2);
    assert_true(coco_secret_equal(&got.list[0].data, "as it is", 8));
    static const char json[] = "{\"default/key/1\":\"a2V5\",\"default/key/2\":\"\"}";
    assert_true(coco_secret_equal(&got.list[1].data, json, strlen(json)));
}

static void
an_owner_that_was_saved_goes_on(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_owner_ coco_sev_owner *loaded = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *saved = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    uint8_t measurement[48];

    launch(f, owner, &keys, measurement);
    assert_ok(coco_sev_owner_save(owner, &saved, &f->err), f->err);
    assert_ok(coco_sev_owner_load((const char *)coco_bytes_data(saved), &loaded, &f->err), f->err);
    assert_ok(check(measurement, loaded, &f->err), f->err);
}

static void
a_launch_that_is_another_gets_nothing(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_owner_ coco_sev_owner *other = begin(f);
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    coco_bytes *packet = NULL;
    uint8_t measurement[48];
    uint8_t changed[48];

    launch(f, owner, &keys, measurement);
    assert_ok(add(owner, GUID, "x", &f->err), f->err);
    assert_fails(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err, COCO_ERR_INVALID,
                 "no launch was checked");
    for (size_t bit = 0; bit < 8 * sizeof(measurement); bit++) {
        memcpy(changed, measurement, sizeof(changed));
        changed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_fails(check(changed, owner, &f->err), f->err, COCO_ERR_VERIFY, "another guest");
    }
    for (size_t i = 0; i < 4; i++) {
        coco_sev_firmware is = firmware;
        uint8_t of[32];

        memcpy(of, digest, sizeof(of));
        is.api_major += i == 0;
        is.api_minor += i == 1;
        is.build_id += i == 2;
        of[31] ^= i == 3;
        assert_fails(coco_sev_owner_check(owner, measurement, 48, of, 32, &is, &f->err), f->err,
                     COCO_ERR_VERIFY, "another guest");
    }
    assert_fails(check(measurement, other, &f->err), f->err, COCO_ERR_VERIFY, "another guest");
    /* What was good before does not count after one that was not. */
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_fails(check(changed, owner, &f->err), f->err, COCO_ERR_VERIFY, "");
    assert_fails(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err, COCO_ERR_INVALID, "");
    assert_fails(coco_sev_owner_get_evidence(owner, &packet, &f->err), f->err, COCO_ERR_INVALID,
                 "");
    assert_null(packet);
}

static void
a_packet_is_for_one_launch(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_owner_ coco_sev_owner *other = begin(f);
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    _cleanup_sev_keys_ struct coco_sev_keys of_other = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *packet = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *again = NULL;
    struct coco_sev_secrets got = {0};
    uint8_t measurement[48], measured[48];

    launch(f, owner, &keys, measurement);
    launch(f, other, &of_other, measured);
    assert_ok(add(owner, GUID, "x", &f->err), f->err);
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_ok(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err);
    assert_ok(coco_sev_owner_get_packet(owner, &again, &f->err), f->err);
    /* No IV twice. */
    assert_memory_not_equal(coco_bytes_data(packet) + 4, coco_bytes_data(again) + 4, 16);
    assert_fails(inject(f, &of_other, measured, packet, &got), f->err, COCO_ERR_VERIFY, "");
    measurement[0] ^= 1;
    assert_fails(inject(f, &keys, measurement, packet, &got), f->err, COCO_ERR_VERIFY, "");
    assert_int_equal(got.n, 0);
}

static void
evidence_of_it_is_what_the_verifier_reads(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *session = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    struct coco_digest bound;
    uint8_t measurement[48];

    launch(f, owner, &keys, measurement);
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_ok(coco_sev_owner_get_evidence(owner, &evidence, &f->err), f->err);
    assert_ok(coco_sev_owner_get_session(owner, &session, &f->err), f->err);
    assert_ok(coco_sev_owner_get_key(owner, &key, &f->err), f->err);
    assert_ok(coco_verifier_set_private_key(f->verifier, "sev", coco_bytes_data(key),
                                            coco_bytes_size(key), &f->err),
              f->err);
    assert_ok(coco_digest_of(COCO_SHA256, coco_bytes_data(session), 128, &bound, &f->err), f->err);
    assert_ok(verify_bound(f->verifier, "sev", (const char *)coco_bytes_data(evidence), bound.bytes,
                           32, &verdict, &f->err),
              f->err);
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict), "\"policy_es\":true");
}

static void
who_is_no_platform_of_amds_gets_no_session(void **state)
{
    struct fixture *f = *state;
    coco_sev_owner *owner = NULL;
    coco_verifier *strict = NULL;

    assert_ok(coco_verifier_new(&strict, &f->err), f->err);
    assert_fails(coco_sev_owner_new(strict, f->chain.data, f->chain.len, POLICY, &owner, &f->err),
                 f->err, COCO_ERR_VERIFY, "SEV platform: root: ");
    coco_verifier_free(strict);
    /* Of each certificate a byte of its key. */
    for (size_t i = 0; i < 4; i++) {
        f->chain.data[i * COCO_SEV_CERT_SIZE + 25] ^= 1;
        assert_fails(
            coco_sev_owner_new(f->verifier, f->chain.data, f->chain.len, POLICY, &owner, &f->err),
            f->err, COCO_ERR_VERIFY, "certificates: ");
        f->chain.data[i * COCO_SEV_CERT_SIZE + 25] ^= 1;
    }
    for (size_t len = 0; len < f->chain.len; len += 500)
        if (len != 4 * COCO_SEV_CERT_SIZE)
            assert_fails(
                coco_sev_owner_new(f->verifier, f->chain.data, len, POLICY, &owner, &f->err),
                f->err, COCO_ERR_PROTO, "SEV platform");
    assert_null(owner);
}

static void
a_guest_that_can_be_debugged_is_asked_for_by_name(void **state)
{
    struct fixture *f = *state;
    coco_sev_owner *owner = NULL;

    assert_fails(coco_sev_owner_new(f->verifier, f->chain.data, f->chain.len,
                                    COCO_SEV_ENCRYPTED_STATE, &owner, &f->err),
                 f->err, COCO_ERR_VERIFY, "debug: one that can be debugged");
    assert_ok(coco_verifier_allow(f->verifier, "debug", &f->err), f->err);
    assert_ok(coco_sev_owner_new(f->verifier, f->chain.data, f->chain.len, 0, &owner, &f->err),
              f->err);
    coco_sev_owner_free(owner);
}

static void
wrong_secrets_are_refused(void **state)
{
    static const struct {
        const char *name;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_INVALID, "neither a GUID"},
        {"default/key/1", COCO_ERR_INVALID, "neither a GUID"},
        {GUID "0", COCO_ERR_INVALID, "neither a GUID"},
        {"kbs:///default/key", COCO_ERR_INVALID, ""},
        {"kbs:///../key/1", COCO_ERR_INVALID, ""},
        {GUID, COCO_ERR_INVALID, "there already"},
        {"kbs:///default/key/1", COCO_ERR_INVALID, "there already"},
        {"kbs://host:1/default/key/1", COCO_ERR_INVALID, "there already"},
    };
    static const uint8_t much[(64 << 10) + 1];
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    coco_bytes *packet = NULL;
    uint8_t measurement[48];

    launch(f, owner, &keys, measurement);
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_fails(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err, COCO_ERR_INVALID,
                 "no secret");
    assert_ok(add(owner, GUID, "x", &f->err), f->err);
    assert_ok(add(owner, "kbs:///default/key/1", "x", &f->err), f->err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(add(owner, cases[i].name, "x", &f->err), f->err, cases[i].status,
                     cases[i].why);
    assert_fails(coco_sev_owner_add_secret(owner, "kbs:///a/b/c", much, sizeof(much), &f->err),
                 f->err, COCO_ERR_LIMIT, "");
    assert_fails(coco_sev_owner_add_secret(owner, "1ee27366-0c87-43a6-af48-28543eaf7cb0", much,
                                           sizeof(much), &f->err),
                 f->err, COCO_ERR_LIMIT, "");
    assert_ok(add(owner, RESOURCES_GUID, "x", &f->err), f->err);
    assert_fails(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err, COCO_ERR_INVALID,
                 "is where kbs:///");
    assert_null(packet);
}

static void
wrong_measurements_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    const coco_sev_firmware large = {sizeof(large), 256, 0, 0};
    const coco_sev_firmware none = {4, 0, 0, 0};
    uint8_t m[48] = {0};

    assert_fails(coco_sev_owner_check(owner, m, 47, digest, 32, &firmware, &f->err), f->err,
                 COCO_ERR_INVALID, "47 bytes");
    assert_fails(coco_sev_owner_check(owner, m, 48, digest, 31, &firmware, &f->err), f->err,
                 COCO_ERR_INVALID, "31 bytes");
    assert_fails(coco_sev_owner_check(owner, m, 48, digest, 32, &large, &f->err), f->err,
                 COCO_ERR_INVALID, "255");
    assert_fails(coco_sev_owner_check(owner, m, 48, digest, 32, &none, &f->err), f->err,
                 COCO_ERR_INVALID, "");
}

static void
what_was_not_saved_is_not_loaded(void **state)
{
    static const char *const cases[] = {
        "",
        "{}",
        "[]",
        "{\"owner_key\":\"x\",\"certificate_chain\":\"\",\"session\":\"\",\"policy\":1}",
    };
    struct fixture *f = *state;
    _cleanup_owner_ coco_sev_owner *owner = begin(f);
    _cleanup_(coco_bytes_freep) coco_bytes *saved = NULL;
    coco_sev_owner *loaded = NULL;
    char text[32 << 10];

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_sev_owner_load(cases[i], &loaded, &f->err), f->err, COCO_ERR_PROTO,
                     "launch that was saved");
    assert_ok(coco_sev_owner_save(owner, &saved, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "%s", (const char *)coco_bytes_data(saved));
    char *policy = strstr(text, "\"policy\":5");
    assert_non_null(policy);
    policy[9] = '1'; /* of a guest with SEV-ES one without it */
    assert_fails(coco_sev_owner_load(text, &loaded, &f->err), f->err, COCO_ERR_VERIFY,
                 "policy of the session");
    policy[9] = '5';
    char *session = strstr(text, "\"session\":\"");
    assert_non_null(session);
    session[40] = session[40] == 'A' ? 'B' : 'A';
    assert_fails(coco_sev_owner_load(text, &loaded, &f->err), f->err, COCO_ERR_VERIFY, "session");
    assert_null(loaded);
}

/* Real platforms, of which AMD has signed the chips. */
static void
recorded_platforms_get_a_session(void **state)
{
    static const char *const products[] = {"naples", "rome"};
    static const char *const parts[] = {"pdh", "pek", "oca", "cek", "ask", "ark"};
    coco_verifier *verifier = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    for (size_t i = 0; i < COUNT(products); i++) {
        struct coco_buf chain = {.limit = 64 << 10};
        coco_sev_owner *owner = NULL;

        for (size_t j = 0; j < COUNT(parts); j++) {
            char path[64];
            size_t len = 0;

            (void)snprintf(path, sizeof(path), "sev/%s_%s.cert", products[i], parts[j]);
            _cleanup_free_ char *cert = read_fixture(path, &len);
            assert_ok(coco_buf_append(&chain, cert, len, &err), err);
        }
        assert_ok(coco_sev_owner_new(verifier, chain.data, chain.len, POLICY, &owner, &err), err);
        coco_sev_owner_free(owner);
        coco_buf_done(&chain);
    }
    coco_verifier_free(verifier);
}

static void
keys_and_secrets_are_wiped(void **state)
{
    static const char secret[] = "what an owner gives to a guest";
    struct fixture *f = *state;
    coco_bytes *packet = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    uint8_t measurement[48];

    coco_sev_owner *owner = begin(f);
    launch(f, owner, &keys, measurement);
    canary_begin(secret, strlen(secret));
    assert_ok(add(owner, GUID, secret, &f->err), f->err);
    assert_ok(add(owner, "kbs:///a/b/c", secret, &f->err), f->err);
    assert_ok(check(measurement, owner, &f->err), f->err);
    assert_ok(coco_sev_owner_get_packet(owner, &packet, &f->err), f->err);
    coco_bytes_free(packet);
    coco_sev_owner_free(owner);
    assert_int_equal(canary_end(), 0);
}

static coco_status
all_of_it(struct fixture *f, coco_bytes **packet, coco_bytes **evidence)
{
    _cleanup_(coco_bytes_freep) coco_bytes *saved = NULL;
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    _cleanup_owner_ coco_sev_owner *owner = NULL;
    _cleanup_owner_ coco_sev_owner *loaded = NULL;
    uint8_t measurement[48];

    coco_status status =
        coco_sev_owner_new(f->verifier, f->chain.data, f->chain.len, POLICY, &owner, &f->err);
    if (status == COCO_OK)
        status = coco_sev_owner_save(owner, &saved, &f->err);
    if (status == COCO_OK)
        status = coco_sev_owner_load((const char *)coco_bytes_data(saved), &loaded, &f->err);
    if (status != COCO_OK)
        return status;
    faults_pause();
    launch(f, owner, &keys, measurement);
    faults_resume();
    status = add(loaded, GUID, "x", &f->err);
    if (status == COCO_OK)
        status = add(loaded, "kbs:///a/b/c", "x", &f->err);
    if (status == COCO_OK)
        status = check(measurement, loaded, &f->err);
    if (status == COCO_OK)
        status = coco_sev_owner_get_packet(loaded, packet, &f->err);
    if (status == COCO_OK)
        status = coco_sev_owner_get_evidence(loaded, evidence, &f->err);
    return status;
}

static void
a_launch_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_bytes *packet = NULL;
        coco_bytes *evidence = NULL;

        coco_status status = all_of_it(f, &packet, &evidence);
        fault_expect(status, f->err);
        coco_bytes_free(packet);
        coco_bytes_free(evidence);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_injected),
        TEST(an_owner_that_was_saved_goes_on),
        TEST(a_launch_that_is_another_gets_nothing),
        TEST(a_packet_is_for_one_launch),
        TEST(evidence_of_it_is_what_the_verifier_reads),
        TEST(who_is_no_platform_of_amds_gets_no_session),
        TEST(a_guest_that_can_be_debugged_is_asked_for_by_name),
        TEST(wrong_secrets_are_refused),
        TEST(wrong_measurements_are_refused),
        TEST(what_was_not_saved_is_not_loaded),
        cmocka_unit_test(recorded_platforms_get_a_session),
        TEST(keys_and_secrets_are_wiped),
        TEST(a_launch_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
