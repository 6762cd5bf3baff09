/*
 * tests/verifier/test_csv.c - lib/verifier/csv.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/flips.h"
#include "tests/tee/csv_kit.h"

#include "base/digest.h"
#include "tee/eventlog.h"
#include "tests/faults.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/verdict.h"

#include <stdio.h>
#include <sys/stat.h>

#define EVIDENCE_MAX ((size_t)1 << 18)
#define NONCE "nonce"
#define SERIAL "KPA64911240507"

static struct csv_kit kit;
static struct csv_kit other;
static char dir[64];
static coco_verifier *verifier;
static coco_error *err;

static void
write_collateral(const char *in)
{
    uint8_t both[COCO_CSV_CA_SIZE + COCO_CSV_CERT_SIZE] = {0};

    csv_kit_write(&kit, in, SERIAL);
    csv_kit_write_file(in, "hsk_cek/short.cert", both, sizeof(both) - 1);
}

static coco_verifier *
new_verifier(const char *collateral_dir, const struct coco_csv_ca *hrk)
{
    coco_verifier *made = NULL;
    coco_collateral *collateral = NULL;

    assert_ok(coco_verifier_new(&made, &err), err);
    assert_ok(coco_collateral_new_dir(collateral_dir, &collateral, &err), err);
    coco_verifier_set_collateral(made, collateral);
    if (hrk)
        trust_hrk(made, hrk);
    return made;
}

static int
setup(void **state)
{
    (void)state;
    csv_kit_make(&kit);
    csv_kit_make(&other);
    make_temp_dir(dir, sizeof(dir));
    write_collateral(dir);
    verifier = new_verifier(dir, &kit.hrk);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    csv_kit_done(&kit);
    csv_kit_done(&other);
    coco_verifier_free(verifier);
    remove_temp_dir(dir);
    return 0;
}

/* Evidence whose report is not signed yet. */
static struct coco_csv_evidence
unsigned_evidence(uint32_t version)
{
    struct coco_csv_evidence evidence = {
        .report = csv_kit_report(version),
        .has_hsk_cek = true,
        .hsk = kit.hsk,
        .cek = kit.cek,
        .pek = kit.pek,
        .serial_number = SERIAL,
        .eventlog = {.limit = 4096},
    };

    memcpy(evidence.report.report_data, NONCE, strlen(NONCE));
    return evidence;
}

static struct coco_csv_evidence
good(uint32_t version)
{
    struct coco_csv_evidence evidence = unsigned_evidence(version);

    csv_kit_sign(&kit, &evidence.report);
    return evidence;
}

static coco_status
try_verify(const coco_verifier *with, const struct coco_csv_evidence *evidence, coco_verdict **ret)
{
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    assert_ok(coco_csv_evidence_format(evidence, &text, &err), err);
    return verify_bound(with, "csv", coco_buf_text(&text), NONCE, strlen(NONCE), ret, &err);
}

static coco_verdict *
verify(const coco_verifier *with, const struct coco_csv_evidence *evidence)
{
    coco_verdict *verdict = NULL;

    assert_ok(try_verify(with, evidence, &verdict), err);
    return verdict;
}

static void
assert_verdict(const struct coco_csv_evidence *evidence, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, evidence);

    assert_failing_checks(verdict, names);
}

static void
reports_of_both_versions_are_valid(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        struct coco_csv_evidence evidence = good(version);

        assert_verdict(&evidence, "");
        evidence.has_hsk_cek = false; /* then it comes from the collateral */
        assert_verdict(&evidence, "");
    }
}

static void
claims_are_those_of_upstream(void **state)
{
    struct coco_csv_evidence v1 = good(1);
    struct coco_csv_evidence v2 = good(2);
    _cleanup_(coco_verdict_freep) coco_verdict *first = verify(verifier, &v1);
    _cleanup_(coco_verdict_freep) coco_verdict *second = verify(verifier, &v2);

    (void)state;
    assert_contains(coco_verdict_claims(first),
                    "{\"version\":\"1\",\"policy\":{\"nodbg\":1,\"noks\":0,\"es\":0,\"nosend\":0,"
                    "\"domain\":0,\"csv\":0,\"csv3\":1,\"asid_reuse\":0,\"hsk_version\":0,"
                    "\"cek_version\":0,\"api_major\":2,\"api_minor\":1},\"user_pubkey_digest\":");
    assert_contains(coco_verdict_claims(first), "\"report_data\":\"6e6f6e636500");
    assert_contains(coco_verdict_claims(first), "\"measure\":\"5a5a5a");
    assert_contains(coco_verdict_claims(first),
                    "\"sig_usage\":\"02100000\",\"sig_algo\":\"04000000\",\"anonce\":\"0df0ad8b\","
                    "\"serial_number\":\"" SERIAL "\"}");
    assert_contains(coco_verdict_claims(second),
                    "\"sig_algo\":\"04000000\",\"build\":77,\"rtmr_version\":1,\"reserved0\":\"00");
    assert_contains(coco_verdict_claims(second), "\"rtmr4\":\"0000");
    assert_contains(coco_verdict_claims(second), "\"reserved1\":\"0000");
}

static void
each_certificate_of_another_chain_is_found_out(void **state)
{
    struct coco_csv_evidence evidence = good(1);
    struct coco_csv_evidence changed[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        changed[i] = evidence;
    changed[0].hsk = other.hsk;
    changed[1].cek = other.cek;
    changed[2].cek = kit.pek; /* for another usage */
    changed[3].cek.signatures[0].usage = COCO_CSV_NONE;
    changed[4].hsk = kit.hrk;
    for (size_t i = 0; i < 5; i++)
        assert_verdict(&changed[i], "certificates ");
    evidence.pek = other.pek;
    assert_verdict(&evidence, "certificates signature ");
    csv_kit_sign(&other, &evidence.report);
    assert_verdict(&evidence, "certificates ");
}

static void
the_root_is_pinned_and_comes_from_collateral(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *strict = new_verifier(dir, NULL);
    _cleanup_(coco_verifier_freep) coco_verifier *without = NULL;
    struct coco_csv_evidence evidence = good(1);
    _cleanup_(coco_verdict_freep) coco_verdict *unpinned = verify(strict, &evidence);

    (void)state;
    assert_failing_checks(unpinned, "root ");
    assert_ok(coco_verifier_new(&without, &err), err);
    _cleanup_(coco_verdict_freep) coco_verdict *rootless = verify(without, &evidence);
    assert_failing_checks(rootless, "certificates ");
    evidence.has_hsk_cek = false;
    (void)strncpy(evidence.serial_number, "unknown", sizeof(evidence.serial_number));
    assert_verdict(&evidence, "certificates ");
    (void)strncpy(evidence.serial_number, "short", sizeof(evidence.serial_number));
    assert_verdict(&evidence, "certificates ");
}

static void
each_thing_about_a_report_is_a_check(void **state)
{
    struct coco_csv_evidence evidence = unsigned_evidence(2);

    (void)state;
    evidence.report.policy &= ~COCO_CSV_POLICY_NODBG;
    csv_kit_sign(&kit, &evidence.report);
    assert_verdict(&evidence, "debug ");
    evidence = unsigned_evidence(2);
    evidence.report.report_data[63] = 1;
    csv_kit_sign(&kit, &evidence.report);
    assert_verdict(&evidence, "report-data ");
    evidence = unsigned_evidence(2);
    evidence.report.sig_algo = 2;
    csv_kit_sign(&kit, &evidence.report);
    assert_verdict(&evidence, "signature ");
    evidence = good(2);
    evidence.report.measure[0] ^= 1;
    assert_verdict(&evidence, "signature ");
}

/* What masks a report of version 1 is not signed: another makes other report data of it. */
static void
the_mask_cannot_be_changed(void **state)
{
    struct coco_csv_evidence evidence = good(1);
    uint8_t body[COCO_CSV_BODY_V2_SIZE];

    (void)state;
    size_t len = coco_csv_report_format(&evidence.report, body);
    for (size_t i = 188; i < 192; i++) {
        body[i] ^= 0x10;
        assert_ok(coco_csv_report_parse(body, len, 1, &evidence.report, &err), err);
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &evidence);
        assert_false(coco_verdict_valid(verdict));
        body[i] ^= 0x10;
    }
}

/* No chain is checked, which does not change; the signature must hold for evidence to be valid. */
static bool
signature_holds(const struct coco_csv_evidence *evidence)
{
    _cleanup_(coco_verifier_freep) coco_verifier *rootless = NULL;

    assert_ok(coco_verifier_new(&rootless, &err), err);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(rootless, evidence);
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (strcmp(coco_verdict_check_name(verdict, i), "signature") == 0)
            return coco_verdict_check_ok(verdict, i);
    fail_msg("the signature was not checked");
    return false;
}

/* One bit of every byte, but of the mask: the_mask_cannot_be_changed(). */
static void
assert_no_bit_can_be_flipped(struct coco_csv_evidence *evidence)
{
    uint8_t body[COCO_CSV_BODY_V2_SIZE];
    size_t len = coco_csv_report_format(&evidence->report, body);

    assert_true(signature_holds(evidence));
    for_each_flip(flip, body, len, 1)
    {
        assert_ok(coco_csv_report_parse(body, len, 1, &evidence->report, &err), err);
        if (signature_holds(evidence) && (flip.at < 188 || flip.at >= 192))
            fail_msg("byte %zu can be changed", flip.at);
    }
    assert_ok(coco_csv_report_parse(body, len, 1, &evidence->report, &err), err);
}

static void
no_bit_can_be_flipped(void **state)
{
    struct coco_csv_evidence evidence = good(1);

    (void)state;
    assert_no_bit_can_be_flipped(&evidence);
}

static void
init_data_cannot_be_demanded(void **state)
{
    struct coco_csv_evidence evidence = good(1);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(coco_csv_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)NONCE, strlen(NONCE), &err),
              err);
    assert_ok(coco_binding_set_init_data(binding, (const uint8_t *)NONCE, strlen(NONCE), &err),
              err);
    assert_ok(coco_verify(verifier, "csv", coco_buf_text(&text), binding, &verdict, &err), err);
    assert_failing_checks(verdict, "init-data ");
}

/* One event in RTMR2. */
static void
add_log(struct coco_csv_evidence *evidence)
{
    static const uint16_t alg = COCO_TCG_SM3;
    struct coco_event event = {
        .index = 2, .type = COCO_EV_IPL, .data = (const uint8_t *)"kernel", .len = 6};
    struct coco_event_digests digests;

    assert_ok(coco_eventlog_format_head(&alg, 1, &evidence->eventlog, &err), err);
    assert_ok(coco_event_measure(&event, &alg, 1, &digests, &err), err);
    assert_ok(coco_eventlog_format_event(&event, &evidence->eventlog, &err), err);
    assert_ok(coco_eventlog_format_end(&evidence->eventlog, &err), err);
    assert_ok(coco_tcg_extend(alg, evidence->report.rtmr[2], digests.bytes[0], &err), err);
}

static void
event_logs_are_held_against_the_registers(void **state)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = unsigned_evidence(2);
    _cleanup_csv_evidence_ struct coco_csv_evidence masked = unsigned_evidence(1);
    coco_verdict *none = NULL;

    (void)state;
    add_log(&evidence);
    csv_kit_sign(&kit, &evidence.report);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(verifier, &evidence);
    assert_failing_checks(verdict, "");
    assert_contains(coco_verdict_claims(verdict), "\"uefi_event_logs\":[");
    evidence.report.rtmr[2][0] ^= 1;
    csv_kit_sign(&kit, &evidence.report);
    assert_verdict(&evidence, "event-log ");
    evidence.eventlog.data[32] ^= 1; /* the name of its form */
    assert_fails(try_verify(verifier, &evidence, &none), err, COCO_ERR_PROTO, "");
    /* Of version 1, no register vouches for it. */
    assert_ok(coco_buf_append(&masked.eventlog, "log", 3, &err), err);
    csv_kit_sign(&kit, &masked.report);
    assert_verdict(&masked, "");
}

/* ---- what was recorded ---- */

static void
copy_fixture(const char *to, const char *name, const char *from)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture(from, &len);

    csv_kit_write_file(to, name, bytes, len);
}

/* The report of csv-rs' own test, as evidence. */
static struct coco_csv_evidence
recorded(void)
{
    struct coco_csv_evidence evidence = {.serial_number = "NZA9T14052605"};
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture("csv/csvrs_report.cert", &len);
    uint8_t pek[COCO_CSV_CERT_SIZE];

    assert_true(len >= COCO_CSV_BODY_V1_SIZE + sizeof(pek));
    assert_ok(coco_csv_report_parse(bytes, COCO_CSV_BODY_V1_SIZE, 1, &evidence.report, &err), err);
    for (size_t i = 0; i < sizeof(pek); i++)
        pek[i] = (uint8_t)bytes[COCO_CSV_BODY_V1_SIZE + i]
                 ^ (uint8_t)(evidence.report.anonce >> (8 * (i % 4)));
    assert_ok(coco_csv_cert_parse(pek, sizeof(pek), &evidence.pek, &err), err);
    return evidence;
}

static void
a_recorded_report_is_what_the_manifest_says(void **state)
{
    struct coco_csv_evidence evidence = recorded();
    char recorded_dir[64];

    (void)state;
    make_temp_dir(recorded_dir, sizeof(recorded_dir));
    copy_fixture(recorded_dir, "hrk.cert", "csv/hrk.cert");
    copy_fixture(recorded_dir, "hsk_cek/NZA9T14052605.cert", "csv/csvrs_hsk_cek.cert");
    _cleanup_(coco_verifier_freep) coco_verifier *strict = new_verifier(recorded_dir, NULL);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    assert_ok(coco_csv_evidence_format(&evidence, &text, &err), err);
    assert_ok(verify_bound(strict, "csv", coco_buf_text(&text), "user data", 9, &verdict, &err),
              err);
    assert_failing_checks(verdict, "");
    assert_contains(coco_verdict_claims(verdict),
                    "\"measure\":\"1178dadbf826ec7a07444ba358376d81c312cb53d703f9da83b26c1eee2ea052"
                    "\"");
    assert_contains(coco_verdict_claims(verdict),
                    "\"mnonce\":\"67c6697351ff4aec29cdbaabf2fbe346\"");
    assert_no_bit_can_be_flipped(&evidence);
    remove_temp_dir(recorded_dir);
}

/* The chain of upstream's own evidence is not at hand: only its signature can be checked. */
static void
upstream_evidence_is_signed_by_its_pek(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *text = read_fixture("csv/csv_evidence.json", &len);
    static const uint8_t zeros[64];
    char recorded_dir[64];
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    make_temp_dir(recorded_dir, sizeof(recorded_dir));
    copy_fixture(recorded_dir, "hrk.cert", "csv/hrk.cert");
    _cleanup_(coco_verifier_freep) coco_verifier *strict = new_verifier(recorded_dir, NULL);
    assert_ok(verify_bound(strict, "csv", text, zeros, sizeof(zeros), &verdict, &err), err);
    assert_failing_checks(verdict, "certificates ");
    assert_contains(coco_verdict_claims(verdict),
                    "\"measure\":\"ae2a2cf1f41a485fa37bf9ae92f678783c59fbc79de7b5d237743d58f5538034"
                    "\"");
    assert_contains(coco_verdict_claims(verdict), "\"serial_number\":\"KPA64911240507\"");
    remove_temp_dir(recorded_dir);
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = unsigned_evidence(2);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_json_ cJSON *object = NULL;
    const struct coco_binding binding = {.report_data = NONCE, .report_data_len = strlen(NONCE)};

    (void)state;
    add_log(&evidence);
    csv_kit_sign(&kit, &evidence.report);
    assert_ok(coco_csv_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    const struct coco_verification verification = {
        .verifier = verifier, .binding = &binding, .evidence = object};
    for_each_fault()
    {
        faults_pause();
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
        _cleanup_json_ cJSON *claims = cJSON_CreateObject();
        faults_resume();
        coco_status status = coco_csv_verifier.verify(&verification, verdict, claims, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_of_both_versions_are_valid),
        cmocka_unit_test(claims_are_those_of_upstream),
        cmocka_unit_test(each_certificate_of_another_chain_is_found_out),
        cmocka_unit_test(the_root_is_pinned_and_comes_from_collateral),
        cmocka_unit_test(each_thing_about_a_report_is_a_check),
        cmocka_unit_test(the_mask_cannot_be_changed),
        cmocka_unit_test(no_bit_can_be_flipped),
        cmocka_unit_test(init_data_cannot_be_demanded),
        cmocka_unit_test(event_logs_are_held_against_the_registers),
        cmocka_unit_test(a_recorded_report_is_what_the_manifest_says),
        cmocka_unit_test(upstream_evidence_is_signed_by_its_pek),
        cmocka_unit_test(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/csv", tests, setup, teardown);
}
