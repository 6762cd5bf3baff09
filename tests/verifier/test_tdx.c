/*
 * tests/verifier/test_tdx.c - lib/verifier/tdx.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tdx.h"

#include "tee/eventlog.h"
#include "tests/verifier/intel.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;
static struct intel intel;

static const struct {
    uint16_t version;
    enum coco_quote_body body;
} kinds[] = {
    {4, COCO_QUOTE_TD10},
    {5, COCO_QUOTE_TD10},
    {5, COCO_QUOTE_TD15},
};

static int
setup(void **state)
{
    return intel_set_up(&intel, 5, COCO_QUOTE_TD15, state);
}

static void
quotes_of_each_version_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_intel_ struct intel machine;

        intel_begin(&machine, kinds[i].version, kinds[i].body);
        intel_assert_failing(&machine, "");
    }
}

static void
claims_have_upstreams_names(void **state)
{
    static const char *const texts[] = {
        ("\"quote\":{\"header\":{\"version\":\"0500\",\"att_key_type\":\"0200\",\"tee_type\":"
         "\"81000000\",\"reserved\":\"00000000\",\"vendor_id\":"
         "\"939a7233f79c4ca9940a0db3957f0607\","
         "\"user_data\":\"0000000000000000000000000000000000000000\"},\"type\":\"0300\",\"size\":"
         "\"88020000\",\"body\":{\"tcb_svn\":\"04010600000000000000000000000000\",\"mr_seam\":\"0"),
        "\"mr_td\":\"aaaaaaaaaa",
        "\"tee_tcb_svn2\":\"04010600000000000000000000000000\",\"mr_servicetd\":\"0000",
        "\"td_attributes\":\"0000001000000000\"",
        ("\"td_attributes\":{\"debug\":false,\"septve_disable\":true,\"protection_keys\":false,"
         "\"key_locker\":false,\"perfmon\":false}"),
        "\"report_data\":\"6e6f6e636500",
        "\"init_data\":\"000000",
        "\"platform_instance_id\":\"00000000000000000000000000c61a02\"",
        "\"platform_provider_id\":\"27e00000000000000000000000000000\"",
        "\"sgx_type\":\"Scalable\"",
        "\"is_dynamic_platform\":false,\"is_cached_keys\":false,\"is_smt_enabled\":true",
        "\"root_ca_crl_num\":7,\"pck_crl_num\":7",
        "\"tcb_eval_num\":16",
        "\"tcb_status\":\"UpToDate\",\"advisory_ids\":[]",
        "\"collateral_expiration_status\":\"0\"",
        "\"root_key_id\":\"",
    };
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_contains(coco_verdict_claims(verdict), texts[i]);
}

/* Nothing of version 5 and TD 1.5 is said of others. */
static void
claims_are_those_of_the_version(void **state)
{
    _cleanup_intel_ struct intel machine;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel_begin(&machine, 4, COCO_QUOTE_TD10);
    assert_ok(intel_verify(&machine, &verdict, &err), err);
    assert_null(strstr(coco_verdict_claims(verdict), "tee_tcb_svn2"));
    assert_null(strstr(coco_verdict_claims(verdict), "\"type\":"));
    assert_contains(coco_verdict_claims(verdict), "\"version\":\"0400\"");
}

static void
a_td_that_can_be_debugged_is_refused_unless_allowed(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel.quote.td.td_attributes[0] = 0x01;
    intel_assert_failing(&intel, "debug ");
    intel.quote.td.td_attributes[0] = 0x02; /* of the same kind */
    intel_assert_failing(&intel, "debug ");
    intel.quote.td.td_attributes[0] = 0x01;
    assert_ok(coco_verifier_allow(intel.verifier, "debug", &err), err);
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict), "\"td_attributes\":{\"debug\":true");
}

static void
a_td_that_may_be_moved_is_refused_unless_allowed(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel.quote.td.td_attributes[3] = 0x30; /* and SEPT_VE_DISABLE */
    intel_assert_failing(&intel, "migration-agent ");
    memset(intel.quote.td.mr_servicetd, 0x5e, sizeof(intel.quote.td.mr_servicetd));
    intel_assert_failing(&intel, "migration-agent ");
    assert_ok(coco_verifier_allow(intel.verifier, "migration-agent", &err), err);
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_true(coco_verdict_valid(verdict));
    assert_contains(coco_verdict_claims(verdict), "\"mr_servicetd\":\"5e5e");
}

static void
a_module_for_debugging_is_refused(void **state)
{
    (void)state;
    intel.quote.td.seam_attributes[0] = 1;
    intel_assert_failing(&intel, "tdx-module seam-debug ");
    /* Even where the TCB info would have it. */
    intel.modules[1].attributes[0] = 1;
    intel_publish(&intel);
    intel_assert_failing(&intel, "seam-debug ");
    assert_fails(coco_verifier_allow(intel.verifier, "seam-debug", &err), err, COCO_ERR_INVALID,
                 "must hold");
}

static void
a_quote_is_bound_to_its_nonce(void **state)
{
    static const char *const nonces[] = {"nonc", "nonce2", "Nonce", "n"};
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};

    (void)state;
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    for (size_t i = 0; i < COUNT(nonces); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(intel_verify_bytes(intel.verifier, "tdx", &quote, nonces[i], strlen(nonces[i]),
                                     &verdict, &err),
                  err);
        assert_names_of_failing(verdict, "report-data ");
    }
}

static coco_status
verify_init_data(const uint8_t *digest, size_t len, coco_verdict **ret)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 18};

    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    intel_evidence(&quote, &evidence);
    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)INTEL_REPORT_DATA,
                                           strlen(INTEL_REPORT_DATA), &err),
              err);
    assert_ok(coco_binding_set_init_data(binding, digest, len, &err), err);
    return coco_verify(intel.verifier, "tdx", coco_buf_text(&evidence), binding, ret, &err);
}

/* MRCONFIGID has 48 bytes, whatever the digest has. */
static void
a_quote_is_bound_to_its_init_data(void **state)
{
    uint8_t digest[64];
    const size_t sizes[] = {32, 48, 64};

    (void)state;
    memset(digest, 0xd1, sizeof(digest));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *good = NULL;
        _cleanup_(coco_verdict_freep) coco_verdict *bad = NULL;
        size_t n = sizes[i] < 48 ? sizes[i] : 48;

        memset(intel.quote.td.mr_config_id, 0, 48);
        memcpy(intel.quote.td.mr_config_id, digest, n);
        assert_ok(verify_init_data(digest, sizes[i], &good), err);
        assert_names_of_failing(good, "");
        intel.quote.td.mr_config_id[n - 1] ^= 1;
        assert_ok(verify_init_data(digest, sizes[i], &bad), err);
        assert_names_of_failing(bad, "init-data ");
    }
}

/* A log with one event for each register, whose values the TD then has. */
static void
put_log(struct coco_buf *log)
{
    static const uint16_t alg = COCO_TCG_SHA384;
    struct coco_eventlog parsed = {0};

    assert_ok(coco_eventlog_format_head(&alg, 1, log, &err), err);
    for (uint32_t i = 1; i <= 4; i++) {
        struct coco_event_digests digests;
        struct coco_event event = {
            .index = i, .type = COCO_EV_SEPARATOR, .data = (const uint8_t *)"\0\0\0\0", .len = 4};

        assert_ok(coco_event_measure(&event, &alg, 1, &digests, &err), err);
        assert_ok(coco_eventlog_format_event(&event, log, &err), err);
    }
    assert_ok(coco_eventlog_format_end(log, &err), err);
    assert_ok(coco_eventlog_parse(log->data, log->len, &parsed, &err), err);
    for (uint32_t i = 0; i < 4; i++)
        assert_ok(coco_eventlog_replay(&parsed, i + 1, alg, intel.quote.td.rtmr[i], &err), err);
}

static coco_status
verify_log(const struct coco_buf *log, coco_verdict **ret, coco_error **e)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 21};

    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    intel_evidence_with(&quote, log, &evidence);
    return verify_bound(intel.verifier, "tdx", coco_buf_text(&evidence), INTEL_REPORT_DATA, 5, ret,
                        e);
}

static void
a_log_gives_the_registers_of_its_quote(void **state)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};
    _cleanup_(coco_verdict_freep) coco_verdict *good = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *none = NULL;

    (void)state;
    put_log(&log);
    assert_ok(verify_log(&log, &good, &err), err);
    assert_names_of_failing(good, "");
    assert_string_equal(coco_verdict_check_name(good, coco_verdict_check_count(good) - 1),
                        "event-log");
    assert_contains(coco_verdict_claims(good), "\"uefi_event_logs\":[{");
    for (size_t i = 0; i < 4; i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *bad = NULL;

        intel.quote.td.rtmr[i][47] ^= 1;
        assert_ok(verify_log(&log, &bad, &err), err);
        assert_names_of_failing(bad, "event-log ");
        intel.quote.td.rtmr[i][47] ^= 1;
    }
    /* Without a log there is nothing to compare, and no claim. */
    assert_ok(verify_log(NULL, &none, &err), err);
    assert_names_of_failing(none, "");
    assert_null(strstr(coco_verdict_claims(none), "uefi_event_logs"));
}

static void
logs_that_are_malformed_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 2 * COCO_EVENTLOG_MAX};
    coco_verdict *verdict = NULL;

    (void)state;
    put_log(&log);
    log.len -= 9; /* the end, and a byte of the last event */
    assert_fails(verify_log(&log, &verdict, &err), err, COCO_ERR_PROTO, "cc_eventlog");
    while (log.len <= COCO_EVENTLOG_MAX)
        assert_ok(coco_buf_append(&log, "\xff", 1, &err), err);
    assert_fails(verify_log(&log, &verdict, &err), err, COCO_ERR_LIMIT, "cc_eventlog");
}

static void
what_follows_a_quote_does_no_harm(void **state)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    static const uint8_t zero[70];

    (void)state;
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    assert_ok(coco_buf_append(&quote, zero, sizeof(zero), &err), err);
    assert_ok(coco_buf_append(&quote, &intel.quote, 200, &err), err);
    assert_ok(
        intel_verify_bytes(intel.verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err),
        err);
    assert_names_of_failing(verdict, "");
}

static void
a_quote_cut_anywhere_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    coco_verdict *verdict = NULL;

    (void)state;
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    for (size_t len = quote.len; len-- > 0;) {
        quote.len = len;
        assert_fails(
            intel_verify_bytes(intel.verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err),
            err, COCO_ERR_PROTO, "ends after");
    }
}

static void
evidence_that_is_malformed_is_refused(void **state)
{
    static const struct {
        const char *evidence;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "'quote' is missing"},
        {"{\"quote\":null}", COCO_ERR_PROTO, "'quote' is missing"},
        {"{\"quote\":[]}", COCO_ERR_PROTO, "'quote' is not a string"},
        {"{\"quote\":\"\"}", COCO_ERR_PROTO, "ends after"},
        {"{\"quote\":\"A\"}", COCO_ERR_PROTO, "quote"},
        {"{\"quote\":\"AAAA\"}", COCO_ERR_PROTO, "ends after 3"},
        {"{\"quote\":\"AAAA\",\"cc_eventlog\":null}", COCO_ERR_PROTO, "ends after 3"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_verdict *verdict = NULL;

        assert_fails(verify_bound(intel.verifier, "tdx", cases[i].evidence, "n", 1, &verdict, &err),
                     err, cases[i].status, cases[i].why);
    }
}

static void
a_quote_that_is_too_large_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX + 1};
    coco_verdict *verdict = NULL;

    (void)state;
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    while (quote.len <= COCO_QUOTE_SIZE_MAX)
        assert_ok(coco_buf_append(&quote, "", 1, &err), err);
    assert_fails(
        intel_verify_bytes(intel.verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err),
        err, COCO_ERR_LIMIT, "quote");
}

static void
a_quote_of_an_enclave_is_no_evidence_of_a_td(void **state)
{
    _cleanup_intel_ struct intel enclave;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    coco_verdict *verdict = NULL;

    (void)state;
    intel_begin(&enclave, 3, COCO_QUOTE_SGX);
    intel_quote(&enclave, &(struct intel_signers){0}, &quote);
    assert_fails(
        intel_verify_bytes(enclave.verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err),
        err, COCO_ERR_PROTO, "not of a TD");
}

/* Whatever signs with another algorithm, it says so in what it signs. */
static void
no_other_algorithm_is_taken_for_it(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        const char *why;
    } cases[] = {
        {2, 3, "attestation key of type 3"}, /* ECDSA on P-384 */
        {2, 1, "attestation key of type 1"},
        {0, 3, "TEE type 0x81"},
        {0, 4, ""},
        {4, 0, "TEE type 0x0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
        coco_verdict *verdict = NULL;

        intel_quote(&intel, &(struct intel_signers){0}, &quote);
        quote.data[cases[i].at] = cases[i].byte;
        coco_status status =
            intel_verify_bytes(intel.verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err);
        assert_int_not_equal(status, COCO_OK);
        assert_contains(coco_error_message(err), cases[i].why);
        coco_error_free(err);
        err = NULL;
    }
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    (void)state;
    intel_survives_faults(&intel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, intel_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quotes_of_each_version_are_valid),
        TEST(claims_have_upstreams_names),
        TEST(claims_are_those_of_the_version),
        TEST(a_td_that_can_be_debugged_is_refused_unless_allowed),
        TEST(a_td_that_may_be_moved_is_refused_unless_allowed),
        TEST(a_module_for_debugging_is_refused),
        TEST(a_quote_is_bound_to_its_nonce),
        TEST(a_quote_is_bound_to_its_init_data),
        TEST(a_log_gives_the_registers_of_its_quote),
        TEST(logs_that_are_malformed_are_refused),
        TEST(what_follows_a_quote_does_no_harm),
        TEST(a_quote_cut_anywhere_is_refused),
        TEST(evidence_that_is_malformed_is_refused),
        TEST(a_quote_that_is_too_large_is_refused),
        TEST(a_quote_of_an_enclave_is_no_evidence_of_a_td),
        TEST(no_other_algorithm_is_taken_for_it),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/tdx", tests, NULL, NULL);
}
