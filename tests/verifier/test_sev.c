/*
 * tests/verifier/test_sev.c - lib/verifier/sev.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/sev.h"

#include "base/digest.h"
#include "crypto/keywrap.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/tee/sev_kit.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/verdict.h"

#include <stdio.h>

#define EVIDENCE_MAX ((size_t)1 << 16)
#define POLICY (COCO_SEV_POLICY_NODBG | COCO_SEV_POLICY_ES)

static struct sev_kit kit;
static struct sev_kit other;
static EVP_PKEY *owner;
static coco_verifier *verifier;
static coco_error *err;

static void
set_owner(coco_verifier *with, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_private_pem(key, &pem, &err), err);
    assert_ok(coco_verifier_set_private_key(with, "sev", pem.data, pem.len, &err), err);
}

static int
setup(void **state)
{
    (void)state;
    sev_kit_make(&kit);
    sev_kit_make(&other);
    assert_ok(coco_key_generate(COCO_KEY_P384, &owner, &err), err);
    assert_ok(coco_verifier_new(&verifier, &err), err);
    trust_ark(verifier, "amd/Rome", &kit.ark);
    set_owner(verifier, owner);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sev_kit_done(&kit);
    sev_kit_done(&other);
    EVP_PKEY_free(owner);
    coco_verifier_free(verifier);
    return 0;
}

/* A launch on kit, and the keys of its session. */
static struct coco_sev_evidence
launch(uint32_t policy, struct coco_sev_keys *keys)
{
    struct coco_sev_evidence evidence = {
        .chain = {.pdh = kit.pdh,
                  .pek = kit.pek,
                  .oca = kit.oca,
                  .cek = kit.cek,
                  .has_cas = true,
                  .ask = kit.ask,
                  .ark = kit.ark},
        .launch = {.api_major = 1, .api_minor = 55, .build = 24, .policy = policy},
    };

    memset(evidence.launch.digest, 0xd1, sizeof(evidence.launch.digest));
    memset(evidence.launch.mnonce, 0x35, sizeof(evidence.launch.mnonce));
    assert_ok(coco_sev_keys_generate(keys, &err), err);
    assert_ok(coco_sev_session_make(owner, kit.pdh_key, policy, keys, &evidence.session, &err),
              err);
    assert_ok(coco_sev_launch_measure(&evidence.launch, &keys->tik, evidence.mac, &err), err);
    return evidence;
}

static struct coco_sev_evidence
good(void)
{
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};

    return launch(POLICY, &keys);
}

static struct coco_digest
digest_of(const struct coco_sev_session *session)
{
    uint8_t bytes[COCO_SEV_SESSION_SIZE];
    struct coco_digest digest;

    coco_sev_session_format(session, bytes);
    assert_ok(coco_digest_of(COCO_SHA256, bytes, sizeof(bytes), &digest, &err), err);
    return digest;
}

static coco_verdict *
verify(const coco_verifier *with, const struct coco_sev_evidence *evidence)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    struct coco_digest session = digest_of(&evidence->session);
    coco_verdict *verdict = NULL;

    assert_ok(coco_sev_evidence_format(evidence, &text, &err), err);
    assert_ok(verify_bound(with, "sev", coco_buf_text(&text), session.bytes, 32, &verdict, &err),
              err);
    return verdict;
}

static void
assert_verdict(const struct coco_sev_evidence *evidence, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, evidence);

    assert_failing_checks(verdict, names);
}

static void
a_launch_that_its_owner_made_is_valid(void **state)
{
    struct coco_sev_evidence evidence = good();
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &evidence);

    (void)state;
    assert_failing_checks(verdict, "");
    assert_contains(coco_verdict_claims(verdict),
                    "{\"policy_nodbg\":true,\"policy_noks\":false,\"policy_es\":true,"
                    "\"policy_nosend\":false,\"policy_domain\":false,\"policy_sev\":false,"
                    "\"policy_api_major\":0,\"policy_api_minor\":0,\"api_major\":1,"
                    "\"api_minor\":55,\"build_id\":24,\"measurement\":\"d1d1d1d1");
    assert_contains(coco_verdict_claims(verdict), "\"report_data\":\"");
}

static void
everything_that_is_measured_is_checked(void **state)
{
    struct coco_sev_evidence evidence = good();
    struct coco_sev_evidence changed[6];

    (void)state;
    for (size_t i = 0; i < 6; i++)
        changed[i] = evidence;
    changed[0].launch.digest[0] ^= 1;
    changed[1].launch.mnonce[0] ^= 1;
    changed[2].launch.api_major++;
    changed[3].launch.api_minor++;
    changed[4].launch.build++;
    changed[5].mac[31] ^= 1;
    for (size_t i = 0; i < 6; i++)
        assert_verdict(&changed[i], "measurement ");
    evidence.launch.policy |= COCO_SEV_POLICY_NOKS;
    assert_verdict(&evidence, "session measurement ");
}

static void
a_session_is_of_its_owner_and_platform(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *without = NULL;
    _cleanup_(coco_verifier_freep) coco_verifier *stranger = NULL;
    struct coco_sev_evidence evidence = good();

    (void)state;
    assert_ok(coco_verifier_new(&without, &err), err);
    trust_ark(without, "amd/Naples", &kit.ark);
    _cleanup_(coco_verdict_freep) coco_verdict *keyless = verify(without, &evidence);
    assert_failing_checks(keyless, "session measurement ");
    assert_ok(coco_verifier_new(&stranger, &err), err);
    trust_ark(stranger, "amd/Naples", &kit.ark);
    set_owner(stranger, other.pdh_key);
    _cleanup_(coco_verdict_freep) coco_verdict *foreign = verify(stranger, &evidence);
    assert_failing_checks(foreign, "session measurement ");
    /* A whole platform, but not the one that the session was made with. */
    trust_ark(verifier, "amd/Rome", &other.ark);
    evidence.chain = (struct coco_sev_chain){.pdh = other.pdh,
                                             .pek = other.pek,
                                             .oca = other.oca,
                                             .cek = other.cek,
                                             .has_cas = true,
                                             .ask = other.ask,
                                             .ark = other.ark};
    assert_verdict(&evidence, "session measurement ");
}

static void
evidence_of_another_launch_is_refused(void **state)
{
    struct coco_sev_evidence evidence = good();
    struct coco_sev_evidence newer = good();
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    struct coco_digest session = digest_of(&newer.session);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(coco_sev_evidence_format(&evidence, &text, &err), err);
    assert_ok(
        verify_bound(verifier, "sev", coco_buf_text(&text), session.bytes, 32, &verdict, &err),
        err);
    assert_failing_checks(verdict, "report-data ");
}

static void
guests_that_can_be_debugged_are_refused(void **state)
{
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    struct coco_sev_evidence evidence = launch(COCO_SEV_POLICY_ES, &keys);

    (void)state;
    assert_verdict(&evidence, "debug ");
}

static void
init_data_cannot_be_demanded(void **state)
{
    struct coco_sev_evidence evidence = good();
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    struct coco_digest session = digest_of(&evidence.session);
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(coco_sev_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, session.bytes, 32, &err), err);
    assert_ok(coco_binding_set_init_data(binding, session.bytes, 32, &err), err);
    assert_ok(coco_verify(verifier, "sev", coco_buf_text(&text), binding, &verdict, &err), err);
    assert_failing_checks(verdict, "init-data ");
}

/* ---- the platform ---- */

static void
each_certificate_of_another_chain_is_found_out(void **state)
{
    struct coco_sev_evidence evidence = good();
    struct coco_sev_evidence changed[8];

    (void)state;
    for (size_t i = 0; i < 8; i++)
        changed[i] = evidence;
    changed[0].chain.pek = other.pek;
    changed[1].chain.cek = other.cek;
    changed[2].chain.oca = other.oca;
    changed[3].chain.ask = other.ask;
    changed[4].chain.oca.x[0] ^= 1;
    changed[5].chain.cek = changed[5].chain.pek; /* for another usage */
    changed[6].chain.ask = kit.ark;
    changed[7].chain.pek.signatures[0].usage = COCO_SEV_NONE; /* no owner of the platform */
    for (size_t i = 0; i < 8; i++)
        assert_verdict(&changed[i], "certificates ");
}

static void
roots_are_pinned(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *strict = NULL;
    struct coco_sev_evidence evidence = good();

    (void)state;
    assert_ok(coco_verifier_new(&strict, &err), err);
    set_owner(strict, owner);
    trust_ark(strict, "amd/Milan", &kit.ark); /* a maker, but not of these */
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(strict, &evidence);
    assert_failing_checks(verdict, "root ");
}

static void
write_cas(const char *dir, const char *product, const struct sev_kit *of)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    char name[128];

    assert_ok(coco_sev_ca_format(&of->ask, &bytes, &err), err);
    assert_ok(coco_sev_ca_format(&of->ark, &bytes, &err), err);
    (void)snprintf(name, sizeof(name), "amd/%s/ask_ark.cert", product);
    write_under(dir, name, bytes.data, bytes.len);
}

static void
what_is_missing_comes_from_collateral(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *with = NULL;
    struct coco_sev_evidence evidence = good();
    coco_collateral *collateral = NULL;
    char dir[64];

    (void)state;
    evidence.chain.has_cas = false;
    assert_verdict(&evidence, "certificates ");
    assert_ok(coco_verifier_new(&with, &err), err);
    set_owner(with, owner);
    trust_ark(with, "amd/Rome", &kit.ark);
    make_temp_dir(dir, sizeof(dir));
    write_cas(dir, "Naples", &other);
    assert_ok(coco_collateral_new_dir(dir, &collateral, &err), err);
    coco_verifier_set_collateral(with, collateral);
    _cleanup_(coco_verdict_freep) coco_verdict *without = verify(with, &evidence);
    assert_failing_checks(without, "certificates ");
    write_cas(dir, "Rome", &kit);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(with, &evidence);
    assert_failing_checks(verdict, "");
    remove_temp_dir(dir);
}

static void
recorded_platforms_are_amds(void **state)
{
    static const char *const machines[] = {"naples", "rome"};
    static const char *const names[] = {"pdh", "pek", "oca", "cek", "ask", "ark"};
    _cleanup_(coco_verifier_freep) coco_verifier *strict = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&strict, &err), err);
    for (size_t i = 0; i < 2; i++) {
        const struct coco_verification verification = {.verifier = strict};
        _cleanup_buf_ struct coco_buf bytes = {.limit = EVIDENCE_MAX};
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
        struct coco_sev_chain chain;

        for (size_t j = 0; j < 6; j++) {
            char path[64];
            size_t len = 0;

            (void)snprintf(path, sizeof(path), "sev/%s_%s.cert", machines[i], names[j]);
            _cleanup_free_ char *cert = read_fixture(path, &len);
            assert_ok(coco_buf_append(&bytes, cert, len, &err), err);
        }
        assert_ok(coco_sev_chain_parse(bytes.data, bytes.len, &chain, &err), err);
        assert_ok(coco_check_sev_platform(&verification, verdict, &chain, &err), err);
        assert_failing_checks(verdict, "");
        assert_int_equal(coco_verdict_check_count(verdict), 2);
    }
}

/* ---- keys ---- */

static void
the_keys_of_a_session_are_wiped(void **state)
{
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    struct coco_sev_evidence evidence = launch(POLICY, &keys);
    const struct coco_secret *secrets[] = {&keys.tik, &keys.tek};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        canary_begin(secrets[i]->data, secrets[i]->len);
        coco_verdict *verdict = verify(verifier, &evidence);
        assert_true(coco_verdict_valid(verdict));
        coco_verdict_free(verdict);
        assert_int_equal(canary_end(), 0);
    }
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct coco_sev_evidence evidence = good();
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    struct coco_digest session = digest_of(&evidence.session);

    (void)state;
    assert_ok(coco_sev_evidence_format(&evidence, &text, &err), err);
    for_each_fault()
    {
        coco_verdict *verdict = NULL;

        coco_status status =
            verify_bound(verifier, "sev", coco_buf_text(&text), session.bytes, 32, &verdict, &err);
        fault_expect(status, err);
        coco_verdict_free(verdict);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_that_its_owner_made_is_valid),
        cmocka_unit_test(everything_that_is_measured_is_checked),
        cmocka_unit_test(a_session_is_of_its_owner_and_platform),
        cmocka_unit_test(evidence_of_another_launch_is_refused),
        cmocka_unit_test(guests_that_can_be_debugged_are_refused),
        cmocka_unit_test(init_data_cannot_be_demanded),
        cmocka_unit_test(each_certificate_of_another_chain_is_found_out),
        cmocka_unit_test(roots_are_pinned),
        cmocka_unit_test(what_is_missing_comes_from_collateral),
        cmocka_unit_test(recorded_platforms_are_amds),
        cmocka_unit_test(the_keys_of_a_session_are_wiped),
        cmocka_unit_test(verifying_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("verifier/sev", tests, setup, teardown);
}
