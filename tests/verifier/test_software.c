/*
 * tests/verifier/test_software.c - lib/verifier/software.c
 *
 * The evidence is made here, key by key, so that each link of the chain can be
 * wrong while the others are right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/software.h"

#include "base/json.h"
#include "crypto/key.h"
#include "tests/faults.h"
#include "tests/tee/logs.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"

#include <string.h>

#define NONCE "nonce"

struct fixture {
    EVP_PKEY *root;
    EVP_PKEY *key;
    EVP_PKEY *other;
    struct coco_software_report report;
    coco_verifier *verifier;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    *f = (struct fixture){.report = {.svn = COCO_SOFTWARE_SVN}};
    memcpy(f->report.report_data, NONCE, strlen(NONCE));
    memset(f->report.launch_digest, 0x11, sizeof(f->report.launch_digest));
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->root, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->key, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->other, &f->err), f->err);
    assert_ok(coco_key_public_pem(f->root, &pem, &f->err), f->err);
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    assert_ok(coco_verifier_trust_key(f->verifier, "software", pem.data, pem.len, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    EVP_PKEY_free(f->root);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other);
    coco_verifier_free(f->verifier);
    return 0;
}

/* Who says it is the root and the key, and who really signs what. */
struct chain {
    EVP_PKEY *root;
    EVP_PKEY *endorser;
    EVP_PKEY *key;
    EVP_PKEY *signer;
};

static struct coco_software_evidence
make(struct fixture *f, const struct chain *chain)
{
    struct coco_software_evidence evidence = coco_software_evidence_empty();
    struct coco_buf *part = evidence.part;
    uint8_t report[COCO_SOFTWARE_REPORT_MAX];
    size_t size = f->report.extended ? sizeof(report) : COCO_SOFTWARE_REPORT_SIZE;
    _cleanup_buf_ struct coco_buf endorsed = {.limit = 1024};

    coco_software_report_format(&f->report, report);
    memcpy(report + COCO_SOFTWARE_REPORT_SIZE, f->report.value, sizeof(f->report.value));
    assert_ok(coco_buf_append(&part[COCO_SOFTWARE_REPORT], report, size, &f->err), f->err);
    assert_ok(coco_key_public_der(chain->root, &part[COCO_SOFTWARE_ROOT], &f->err), f->err);
    assert_ok(coco_key_public_der(chain->key, &part[COCO_SOFTWARE_KEY], &f->err), f->err);
    assert_ok(coco_software_endorsed(&part[COCO_SOFTWARE_KEY], &endorsed, &f->err), f->err);
    assert_ok(coco_key_sign(chain->endorser, endorsed.data, endorsed.len,
                            &part[COCO_SOFTWARE_ENDORSEMENT], &f->err),
              f->err);
    assert_ok(coco_key_sign(chain->signer, report, size, &part[COCO_SOFTWARE_SIGNATURE], &f->err),
              f->err);
    return evidence;
}

static struct coco_software_evidence
make_good(struct fixture *f)
{
    return make(f, &(struct chain){f->root, f->root, f->key, f->key});
}

static coco_status
verify(const coco_verifier *verifier, const struct coco_software_evidence *evidence,
       const char *nonce, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};

    coco_status status = coco_software_evidence_format(evidence, &text, err);
    if (status == COCO_OK)
        status = verify_bound(verifier, "software", coco_buf_text(&text), nonce, strlen(nonce), ret,
                              err);
    return status;
}

static void
good_evidence_is_valid(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *claims = NULL;
    const char *text = NULL;

    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    assert_int_equal(coco_verdict_check_count(verdict), 4);

    const char *json = coco_verdict_claims(verdict);
    assert_ok(coco_json_parse_object(json, strlen(json), &claims, &f->err), f->err);
    assert_ok(coco_json_get_string(claims, "launch_digest", &text, &f->err), f->err);
    assert_int_equal(strlen(text), 96);
    assert_int_equal(strspn(text, "1"), 96);
    assert_ok(coco_json_get_string(claims, "report_data", &text, &f->err), f->err);
    assert_memory_equal(text, "6e6f6e636500", 12);
    assert_ok(coco_json_get_string(claims, "init_data", &text, &f->err), f->err);
    assert_int_equal(strspn(text, "0"), 96);
    assert_contains(json, "\"svn\":1,\"debug\":false");
}

static void
the_debug_bit_is_seen_by_policies(void **state)
{
    struct fixture *f = *state;

    f->report.debug = true;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_contains(coco_verdict_claims(verdict), "\"debug\":true");
}

static void
no_root_is_trusted_by_itself(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(coco_verifier_new(&verifier, &f->err), f->err);
    coco_verifier_allow_sample(verifier);
    assert_ok(verify(verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "trusted-root ");
    assert_contains(coco_verdict_check_want(verdict, 0), "no software TEE is trusted");
    assert_contains(coco_verdict_check_got(verdict, 0), "sha256:");
}

/* As many as a verifier takes; the one that counts is the first. */
static void
many_roots_may_be_trusted(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_status status = COCO_OK;
    size_t n = 1;

    while (status == COCO_OK) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

        assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
        assert_ok(coco_key_public_pem(key, &pem, &f->err), f->err);
        status = coco_verifier_trust_key(f->verifier, "software", pem.data, pem.len, &f->err);
        n += status == COCO_OK;
    }
    assert_fails(status, f->err, COCO_ERR_LIMIT, "keys");
    assert_true(n >= 64);
    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
}

static void
each_broken_link_is_its_own_check(void **state)
{
    struct fixture *f = *state;
    const struct {
        struct chain chain;
        const char *failing;
    } cases[] = {
        {{f->other, f->other, f->key, f->key}, "trusted-root "},
        {{f->other, f->root, f->key, f->key}, "trusted-root endorsement "},
        {{f->root, f->other, f->key, f->key}, "endorsement "},
        {{f->root, f->key, f->key, f->key}, "endorsement "},
        {{f->root, f->root, f->key, f->other}, "signature "},
        {{f->root, f->root, f->key, f->root}, "signature "},
        {{f->root, f->other, f->other, f->key}, "endorsement signature "},
        {{f->other, f->root, f->root, f->key}, "trusted-root endorsement signature "},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_software_evidence_ struct coco_software_evidence evidence =
            make(f, &cases[i].chain);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
        assert_failing_checks(verdict, cases[i].failing);
    }
}

static void
the_root_may_be_the_key_but_only_if_it_endorses_itself(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence =
        make(f, &(struct chain){f->root, f->other, f->root, f->root});
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "endorsement ");
}

static void
evidence_for_another_nonce_is_not_valid(void **state)
{
    static const char *const nonces[] = {"nonc", "nonce2", "Nonce", "n"};
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);

    for (size_t i = 0; i < sizeof(nonces) / sizeof(nonces[0]); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(verify(f->verifier, &evidence, nonces[i], &verdict, &f->err), f->err);
        assert_failing_checks(verdict, "report-data ");
    }
}

/* Every bit of every part: what is still well formed must not be valid. */
static void
no_bit_can_be_flipped(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
    unsigned refused = 0;
    unsigned not_valid = 0;

    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++) {
        struct coco_buf *part = &evidence.part[i];

        for (size_t bit = 0; bit < 8 * part->len; bit++) {
            coco_verdict *verdict = NULL;

            part->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (verify(f->verifier, &evidence, NONCE, &verdict, NULL) != COCO_OK)
                refused++;
            else if (coco_verdict_valid(verdict))
                fail_msg("bit %zu of part %zu can be flipped", bit, i);
            else
                not_valid++;
            coco_verdict_free(verdict);
            part->data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    print_message("# %u bits refused, %u bits not valid\n", refused, not_valid);
    assert_true(refused > 0 && not_valid > 1500);
}

static void
no_part_can_be_cut_or_grow(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COCO_SOFTWARE_PARTS; i++)
        for (int change = -1; change <= 1; change += 2) {
            _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);
            coco_verdict *verdict = NULL;

            evidence.part[i].limit++;
            if (change < 0)
                evidence.part[i].len--;
            else
                assert_ok(coco_buf_append(&evidence.part[i], "", 1, &f->err), f->err);
            if (verify(f->verifier, &evidence, NONCE, &verdict, NULL) == COCO_OK)
                assert_false(coco_verdict_valid(verdict));
            coco_verdict_free(verdict);
        }
}

static void
keys_of_other_kinds_are_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *ed25519 = NULL;
    coco_verdict *verdict = NULL;

    assert_ok(coco_key_generate(COCO_KEY_ED25519, &ed25519, &f->err), f->err);
    _cleanup_software_evidence_ struct coco_software_evidence as_key =
        make(f, &(struct chain){f->root, f->root, ed25519, ed25519});
    assert_fails(verify(f->verifier, &as_key, NONCE, &verdict, &f->err), f->err, COCO_ERR_PROTO,
                 "no P-256 key");
    _cleanup_software_evidence_ struct coco_software_evidence as_root =
        make(f, &(struct chain){ed25519, ed25519, f->key, f->key});
    assert_fails(verify(f->verifier, &as_root, NONCE, &verdict, &f->err), f->err, COCO_ERR_PROTO,
                 "no P-256 key");
}

static void
one_of_several_roots_is_enough(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    _cleanup_software_evidence_ struct coco_software_evidence evidence =
        make(f, &(struct chain){f->other, f->other, f->key, f->key});
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(coco_key_public_pem(f->other, &pem, &f->err), f->err);
    assert_ok(coco_verifier_trust_key(f->verifier, "software", pem.data, pem.len, &f->err), f->err);
    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_good(f);

    for_each_fault()
    {
        coco_verdict *verdict = NULL;

        coco_status status = verify(f->verifier, &evidence, NONCE, &verdict, &f->err);
        fault_expect(status, f->err);
        coco_verdict_free(verdict);
    }
}

/* ---- what was measured at run time ---- */

/* Evidence of a machine that has measured two events, with its log. */
static struct coco_software_evidence
make_measured(struct fixture *f)
{
    static const uint16_t algs[] = {COCO_TCG_SHA384};
    struct coco_software_evidence evidence;
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_eventlog log;

    add_head(&bytes, algs, 1);
    add_event(&bytes, COCO_SOFTWARE_LOG_INDEX, COCO_EV_EVENT_TAG, COCO_TCG_SHA384,
              "LEAA\5\0\0\0d o 1", 13);
    add_event(&bytes, COCO_SOFTWARE_LOG_INDEX, COCO_EV_EVENT_TAG, COCO_TCG_SHA384,
              "LEAA\5\0\0\0d o 2", 13);
    assert_ok(coco_eventlog_parse(bytes.data, bytes.len, &log, &f->err), f->err);
    assert_ok(coco_eventlog_replay(&log, COCO_SOFTWARE_LOG_INDEX, COCO_TCG_SHA384, f->report.value,
                                   &f->err),
              f->err);
    f->report.extended = true;
    evidence = make_good(f);
    assert_ok(coco_buf_append(&evidence.eventlog, bytes.data, bytes.len, &f->err), f->err);
    return evidence;
}

static void
what_was_measured_is_claimed(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_measured(f);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    assert_contains(coco_verdict_claims(verdict), "\"register\":\"");
    assert_contains(coco_verdict_claims(verdict), "\"uefi_event_logs\":[{\"details\":");
    assert_contains(coco_verdict_claims(verdict), "\"operation\":\"o\",\"content\":2");
}

static void
a_log_is_not_needed_but_must_be_that_of_the_register(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence measured = make_measured(f);
    _cleanup_software_evidence_ struct coco_software_evidence bare = make_good(f);
    _cleanup_software_evidence_ struct coco_software_evidence never = {0};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(verify(f->verifier, &bare, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "");
    coco_verdict_free(coco_steal(&verdict));

    /* One event less, and the register of a machine that has measured nothing. */
    measured.eventlog.len -= 14 + 48 + 4 + 13;
    assert_ok(verify(f->verifier, &measured, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "event-log ");
    coco_verdict_free(coco_steal(&verdict));
    f->report.extended = false;
    memset(f->report.value, 0, sizeof(f->report.value));
    never = make_good(f);
    assert_ok(
        coco_buf_append(&never.eventlog, measured.eventlog.data, measured.eventlog.len, &f->err),
        f->err);
    assert_ok(verify(f->verifier, &never, NONCE, &verdict, &f->err), f->err);
    assert_failing_checks(verdict, "event-log ");
}

/* All of it is measured but the head, the labels before a digest, and its own framing. */
static void
no_bit_of_a_digest_or_a_register_can_be_flipped(void **state)
{
    struct fixture *f = *state;
    _cleanup_software_evidence_ struct coco_software_evidence evidence = make_measured(f);
    struct coco_buf *report = &evidence.part[COCO_SOFTWARE_REPORT];
    struct coco_eventlog log;

    assert_ok(coco_eventlog_parse(evidence.eventlog.data, evidence.eventlog.len, &log, &f->err),
              f->err);
    for (size_t bit = 0; bit < 8 * (size_t)48; bit++) {
        uint8_t *bytes[] = {evidence.eventlog.data + log.start + 14,
                            report->data + COCO_SOFTWARE_REPORT_SIZE};

        for (size_t i = 0; i < 2; i++) {
            _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

            bytes[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_ok(verify(f->verifier, &evidence, NONCE, &verdict, &f->err), f->err);
            assert_failing_checks(verdict, i == 0 ? "event-log " : "signature event-log ");
            bytes[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_evidence_is_valid),
        TEST(the_debug_bit_is_seen_by_policies),
        TEST(no_root_is_trusted_by_itself),
        TEST(many_roots_may_be_trusted),
        TEST(each_broken_link_is_its_own_check),
        TEST(the_root_may_be_the_key_but_only_if_it_endorses_itself),
        TEST(evidence_for_another_nonce_is_not_valid),
        TEST(no_bit_can_be_flipped),
        TEST(no_part_can_be_cut_or_grow),
        TEST(keys_of_other_kinds_are_refused),
        TEST(one_of_several_roots_is_enough),
        TEST(what_was_measured_is_claimed),
        TEST(a_log_is_not_needed_but_must_be_that_of_the_register),
        TEST(no_bit_of_a_digest_or_a_register_can_be_flipped),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
