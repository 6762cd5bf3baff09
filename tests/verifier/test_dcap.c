/*
 * tests/verifier/test_dcap.c - lib/verifier/dcap.c
 *
 * Links of the chain that are wrong one by one; then quotes of real machines, each
 * with the collateral of its time, held against what their manifests say of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/dcap.h"

#include "tee/eventlog.h"
#include "tests/flips.h"
#include "tests/support.h"
#include "tests/verifier/intel.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static coco_error *err;
static struct intel intel;

static int
setup(void **state)
{
    return intel_set_up(&intel, 4, COCO_QUOTE_TD10, state);
}

/* ---- links ---- */

static void
each_broken_link_is_its_own_check(void **state)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    const struct {
        struct intel_signers signers;
        const char *failing;
    } cases[] = {
        {{0}, ""},
        {{.qe_report = other}, "qe-report-signature "},
        {{.qe_report = intel.key}, "qe-report-signature "},
        {{.quote = other}, "quote-signature "},
        {{.quote = intel.pck.key}, "quote-signature "},
        {{.other_key = true}, "qe-report-data "},
        {{.qe_report = other, .quote = other, .other_key = true},
         "qe-report-signature qe-report-data quote-signature "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        assert_ok(intel_verify_with(&intel, &cases[i].signers, &verdict, &err), err);
        assert_names_of_failing(verdict, cases[i].failing);
    }
    EVP_PKEY_free(other);
}

static void
behind_the_hash_of_the_key_there_are_zeros(void **state)
{
    (void)state;
    intel.quote.qe_report.report_data[63] = 1;
    intel_assert_failing(&intel, "qe-report-data ");
}

static void
only_intels_root_is_trusted_by_itself(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    intel_quote(&intel, &(struct intel_signers){0}, &quote);
    assert_ok(coco_verifier_new(&verifier, &err), err);
    intel_serve(&intel.documents, verifier);
    assert_ok(intel_verify_bytes(verifier, "tdx", &quote, INTEL_REPORT_DATA, 5, &verdict, &err),
              err);
    assert_names_of_failing(verdict, "root collateral-root tcb-info qe-identity tcb-level ");
}

/* Puts another chain, leaf first, into the quote. */
static void
put_chain(const struct pki_cert *const *certs, size_t n)
{
    coco_buf_reset(&intel.chain);
    intel_append_pem(&intel.chain, certs, n);
    intel.quote.certification_data = intel.chain.data;
    intel.quote.certification_len = intel.chain.len;
}

static void
a_pck_has_its_name_and_its_ca(void **state)
{
    struct pki_cert leaf = {0};
    struct pki_cert ca = {0};

    (void)state;
    /* Named otherwise. */
    intel_issue(&intel.pck, &(struct intel_cert){.name = "Intel SGX PCK",
                                                 .issuer = &intel.ca,
                                                 .pck = &intel.machine,
                                                 .from = -9,
                                                 .to = 9});
    put_chain((const struct pki_cert *[]){&intel.pck, &intel.ca, &intel.root}, 3);
    intel_assert_failing(&intel, "pck-certificate ");
    /* Of another CA of Intel's. */
    intel_issue(&ca, &(struct intel_cert){.name = "Intel SGX Other CA",
                                          .issuer = &intel.root,
                                          .is_ca = true,
                                          .from = -9,
                                          .to = 9});
    leaf.key = intel.pck.key;
    intel_issue(&leaf, &(struct intel_cert){.name = "Intel SGX PCK Certificate",
                                            .issuer = &ca,
                                            .pck = &intel.machine,
                                            .from = -9,
                                            .to = 9});
    put_chain((const struct pki_cert *[]){&leaf, &ca, &intel.root}, 3);
    intel_put_crl(&intel.documents, "intel/pck-crl/processor.crl", &ca, NULL, 9);
    intel_assert_failing(&intel, "pck-certificate ");
    leaf.key = NULL;
    pki_done(&leaf);
    pki_done(&ca);
}

static void
certificates_are_linked_and_of_their_time(void **state)
{
    const struct pki_cert *const chain[] = {&intel.pck, &intel.ca, &intel.root};
    struct pki_cert stranger = {0};

    (void)state;
    intel_issue(&intel.pck, &(struct intel_cert){.name = "Intel SGX PCK Certificate",
                                                 .issuer = &intel.ca,
                                                 .pck = &intel.machine,
                                                 .from = -30,
                                                 .to = -1});
    put_chain(chain, 3);
    intel_assert_failing(&intel, "certificate-dates ");
    intel_issue(&stranger, &(struct intel_cert){.name = "Intel SGX PCK Platform CA",
                                                .issuer = &intel.root,
                                                .is_ca = true,
                                                .from = -9,
                                                .to = 9});
    intel_issue(&intel.pck, &(struct intel_cert){.name = "Intel SGX PCK Certificate",
                                                 .issuer = &stranger,
                                                 .pck = &intel.machine,
                                                 .from = -9,
                                                 .to = 9});
    put_chain(chain, 3);
    intel_assert_failing(&intel, "certificates ");
    pki_done(&stranger);
}

static void
what_is_no_chain_of_a_pck_is_refused(void **state)
{
    coco_verdict *verdict = NULL;
    struct pki_cert plain = {0};

    (void)state;
    put_chain((const struct pki_cert *[]){&intel.pck, &intel.root}, 2);
    assert_fails(intel_verify(&intel, &verdict, &err), err, COCO_ERR_PROTO, "chain of 2");
    put_chain((const struct pki_cert *[]){&intel.pck, &intel.ca, &intel.root, &intel.root}, 4);
    assert_fails(intel_verify(&intel, &verdict, &err), err, COCO_ERR_PROTO, "chain of 4");
    intel_issue(&plain,
                &(struct intel_cert){
                    .name = "Intel SGX PCK Certificate", .issuer = &intel.ca, .from = -9, .to = 9});
    put_chain((const struct pki_cert *[]){&plain, &intel.ca, &intel.root}, 3);
    assert_fails(intel_verify(&intel, &verdict, &err), err, COCO_ERR_PROTO, "no SGX extension");
    pki_done(&plain);
    intel.quote.certification_data = (const uint8_t *)"no PEM";
    intel.quote.certification_len = 6;
    assert_fails(intel_verify(&intel, &verdict, &err), err, COCO_ERR_PROTO, "PCK certificates");
}

/* Intel's library takes PCKs of P-256 alone, and the quote has no room for more. */
static void
a_pck_of_another_curve_signs_nothing(void **state)
{
    const struct pki_cert *const chain[] = {&intel.pck, &intel.ca, &intel.root};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    EVP_PKEY *signer = intel.pck.key;

    (void)state;
    intel.pck.key = NULL;
    intel_issue(&intel.pck, &(struct intel_cert){.name = "Intel SGX PCK Certificate",
                                                 .issuer = &intel.ca,
                                                 .pck = &intel.machine,
                                                 .from = -9,
                                                 .to = 9,
                                                 .curve = "P-384"});
    put_chain(chain, 3);
    assert_ok(
        intel_verify_with(&intel, &(struct intel_signers){.qe_report = signer}, &verdict, &err),
        err);
    assert_names_of_failing(verdict, "qe-report-signature ");
    EVP_PKEY_free(signer);
}

static void
other_kinds_of_certification_are_refused_by_name(void **state)
{
    static const enum coco_certification kinds[] = {
        COCO_CERTIFICATION_PPID,
        COCO_CERTIFICATION_PPID_RSA2048,
        COCO_CERTIFICATION_PPID_RSA3072,
        COCO_CERTIFICATION_PCK_LEAF,
        COCO_CERTIFICATION_PLATFORM_MANIFEST,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        coco_verdict *verdict = NULL;

        intel.quote.certification = kinds[i];
        assert_fails(intel_verify(&intel, &verdict, &err), err, COCO_ERR_NOTSUP,
                     coco_certification_name(kinds[i]));
    }
}

/* ---- versions ---- */

static void
each_part_of_a_status_is_its_own_check(void **state)
{
    static const struct {
        unsigned status;
        const char *failing;
        const char *allow[2];
    } cases[] = {
        {COCO_TCB_SW_HARDENING_NEEDED, "tcb-sw-hardening-needed ", {"tcb-sw-hardening-needed"}},
        {COCO_TCB_CONFIGURATION_NEEDED, "tcb-configuration-needed ", {"tcb-configuration-needed"}},
        {COCO_TCB_CONFIGURATION_NEEDED | COCO_TCB_SW_HARDENING_NEEDED,
         "tcb-configuration-needed tcb-sw-hardening-needed ",
         {"tcb-configuration-needed", "tcb-sw-hardening-needed"}},
        {COCO_TCB_OUT_OF_DATE, "tcb-out-of-date ", {"tcb-out-of-date"}},
        {COCO_TCB_OUT_OF_DATE | COCO_TCB_CONFIGURATION_NEEDED,
         "tcb-out-of-date tcb-configuration-needed ",
         {"tcb-out-of-date", "tcb-configuration-needed"}},
        {COCO_TCB_REVOKED, "tcb-revoked ", {NULL}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_intel_ struct intel machine;
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        intel_begin(&machine, 4, COCO_QUOTE_TD10);
        machine.levels[0].status = cases[i].status;
        intel_publish(&machine);
        intel_assert_failing(&machine, cases[i].failing);
        for (size_t j = 0; j < 2 && cases[i].allow[j]; j++) {
            /* One of two is not enough. */
            intel_assert_failing(&machine, cases[i].failing);
            assert_ok(coco_verifier_allow(machine.verifier, cases[i].allow[j], &err), err);
        }
        assert_ok(intel_verify(&machine, &verdict, &err), err);
        assert_int_equal(coco_verdict_valid(verdict), cases[i].allow[0] != NULL);
        assert_contains(coco_verdict_claims(verdict), coco_tcb_status_name(cases[i].status));
    }
    assert_fails(coco_verifier_allow(intel.verifier, "tcb-revoked", &err), err, COCO_ERR_INVALID,
                 "must hold");
    assert_fails(coco_verifier_allow(intel.verifier, "tcb-level", &err), err, COCO_ERR_INVALID,
                 "must hold");
}

static void
starting_the_td_again_is_a_check_of_its_own(void **state)
{
    _cleanup_intel_ struct intel machine;

    (void)state;
    intel_begin(&machine, 5, COCO_QUOTE_TD15);
    machine.quote.td.tcb_svn[0] = 3; /* the module it was started under */
    intel_assert_failing(&machine, "tcb-relaunch-advised ");
}

static void
a_machine_below_all_levels_is_not_supported(void **state)
{
    (void)state;
    intel.machine.components[0] = 1;
    intel_certify(&intel);
    intel_assert_failing(&intel, "tcb-level ");
    intel.machine.components[0] = 5;
    intel_certify(&intel);
    intel.quote.td.tcb_svn[1] = 7;
    intel_assert_failing(&intel, "tdx-module tcb-level ");
    intel.quote.td.tcb_svn[1] = 1;
    intel.quote.td.mrsigner_seam[0] = 1;
    intel_assert_failing(&intel, "tdx-module ");
}

static void
advisories_are_those_of_all_parts(void **state)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *machine = NULL;
    _cleanup_json_ cJSON *module = NULL;
    _cleanup_json_ cJSON *qe = NULL;

    (void)state;
    assert_ok(coco_json_parse("[\"A\",\"B\"]", 9, &machine, &err), err);
    assert_ok(coco_json_parse("[\"B\",\"C\"]", 9, &module, &err), err);
    assert_ok(coco_json_parse("[\"A\",\"D\"]", 9, &qe, &err), err);
    intel.levels[0].advisories = machine;
    intel.module_levels[0].advisories = module;
    intel.qe_levels[0].advisories = qe;
    intel_publish(&intel);
    assert_ok(intel_verify(&intel, &verdict, &err), err);
    assert_contains(coco_verdict_claims(verdict), "\"advisory_ids\":[\"A\",\"B\",\"C\",\"D\"]");
}

/* ---- recorded quotes ---- */

#define TIME_2023_07 1688169600 /* 2023-07-01 */
#define TIME_2025_07 1751328000 /* 2025-07-01 */
#define TIME_2025_11 1761955200 /* 2025-11-01 */
#define TIME_2026_02 1770076800 /* 2026-02-03 */
#define TIME_2026_03 1772323200 /* 2026-03-01 */
#define TIME_2022 1640995200    /* 2022-01-01 */
#define TIME_2020 1577836800    /* 2020-01-01 */

#define BUNDLE_TDX "tdx/dcapqvl_tdx_quote_collateral.json"
#define BUNDLE_OUTDATED "tdx/dcapqvl_tdx_quote_outdated_collateral.json"
#define BUNDLE_SGX "sgx/dcapqvl_sgx_quote_collateral.json"

/* Where a document is: a file, or a member of a bundle as dcap-qvl has them. */
struct source {
    const char *name;
    const char *fixture;
    const char *member;
};

#define SIGNED(name, bundle, member)                                                               \
    {name ".json", bundle, member},                                                                \
    {                                                                                              \
        name ".pem", bundle, member "_issuer_chain"                                                \
    }
#define CRLS(bundle, ca)                                                                           \
    {"intel/root-ca.crl", bundle, "root_ca_crl"},                                                  \
    {                                                                                              \
        "intel/pck-crl/" ca ".crl", bundle, "pck_crl"                                              \
    }

struct recorded {
    const char *quote;
    const char *tee;
    int64_t now;
    const char *failing;
    const char *status; /* claim; NULL: there is none */
    const char *advisories;
    const char *allow[4]; /* what makes it valid; none: nothing does */
    struct source sources[8];
};

#define GOTDX_CRLS                                                                                 \
    {"intel/root-ca.crl", "tdx/gotdx_rootcrl.der", NULL},                                          \
    {                                                                                              \
        "intel/pck-crl/platform.crl", "tdx/gotdx_pckcrl.der", NULL                                 \
    }
#define GOTDX_IDENTITY                                                                             \
    {"intel/tdx/qe-identity.json", "tdx/gotdx_qeidentity.json", NULL},                             \
    {                                                                                              \
        "intel/tdx/qe-identity.pem", "tdx/gotdx_qeidentity_issuer_chain.pem", NULL                 \
    }
#define GOTDX_INFO(fmspc, fixture)                                                                 \
    {"intel/tdx/tcb-info/" fmspc ".json", fixture, NULL},                                          \
    {                                                                                              \
        "intel/tdx/tcb-info/" fmspc ".pem", "tdx/gotdx_tcbinfo_issuer_chain.pem", NULL             \
    }

static const struct recorded vectors[] = {
    {"tdx/dcapqvl_tdx_quote",
     "tdx",
     TIME_2025_07,
     "",
     "UpToDate",
     "[]",
     {""},
     {CRLS(BUNDLE_TDX, "platform"),
      SIGNED("intel/tdx/tcb-info/b0c06f000000", BUNDLE_TDX, "tcb_info"),
      SIGNED("intel/tdx/qe-identity", BUNDLE_TDX, "qe_identity")}},
    {"tdx/dcapqvl_tdx_quote_outdated",
     "tdx",
     TIME_2026_03,
     "tcb-level ",
     NULL,
     NULL,
     {NULL},
     {CRLS(BUNDLE_OUTDATED, "platform"),
      SIGNED("intel/tdx/tcb-info/90c06f000000", BUNDLE_OUTDATED, "tcb_info"),
      SIGNED("intel/tdx/qe-identity", BUNDLE_OUTDATED, "qe_identity")}},
    {"tdx/gotdx_prod_quote_v4.dat",
     "tdx",
     TIME_2023_07,
     "tcb-level ",
     NULL,
     NULL,
     {NULL},
     {GOTDX_CRLS, GOTDX_INFO("50806f000000", "tdx/gotdx_tcbinfo.json"), GOTDX_IDENTITY}},
    {"tdx/tdx_quote_4.dat",
     "tdx",
     TIME_2023_07,
     "debug ",
     "UpToDate",
     "[]",
     {"debug"},
     {GOTDX_CRLS, GOTDX_INFO("50806f000000", "tdx/gotdx_tcbinfo.json"), GOTDX_IDENTITY}},
    /* Collateral of three years, of which only the TCB info is of the quote's. */
    {"tdx/gotdx_quote_v5_sample.dat",
     "tdx",
     TIME_2026_02,
     "revocation-list revocation-list collateral-dates collateral-dates ",
     "UpToDate",
     "[]",
     {"revocation-list", "collateral-dates"},
     {GOTDX_CRLS, GOTDX_INFO("90c06f000000", "tdx/gotdx_tcbinfo_v5.json"), GOTDX_IDENTITY}},
    {"tdx/tdx_quote_5.dat",
     "tdx",
     TIME_2026_02,
     "revocation-list revocation-list collateral-dates collateral-dates "
     "tcb-level ",
     NULL,
     NULL,
     {NULL},
     {GOTDX_CRLS, GOTDX_INFO("90c06f000000", "tdx/gotdx_tcbinfo_v5.json"), GOTDX_IDENTITY}},
    {"tdx/tdx_quote_6.dat",
     "tdx",
     TIME_2025_11,
     "revocation-list tcb-out-of-date ",
     "OutOfDate",
     "[]",
     {"revocation-list", "tcb-out-of-date"},
     {CRLS(BUNDLE_TDX, "platform"),
      {"intel/tdx/tcb-info/00a06d080000.json", "tdx/tcbInfo.json", NULL},
      {"intel/tdx/tcb-info/00a06d080000.pem", BUNDLE_TDX, "tcb_info_issuer_chain"},
      {"intel/tdx/qe-identity.json", "tdx/enclaveIdentity.json", NULL},
      {"intel/tdx/qe-identity.pem", BUNDLE_TDX, "qe_identity_issuer_chain"}}},
    /* Nobody has recorded the TCB info of these two. */
    {"tdx/gotdx_cos113_quote.dat",
     "tdx",
     TIME_2025_07,
     "tcb-info tcb-level ",
     NULL,
     NULL,
     {NULL},
     {CRLS(BUNDLE_TDX, "platform"), SIGNED("intel/tdx/qe-identity", BUNDLE_TDX, "qe_identity")}},
    {"sgx/occlum_quote.dat",
     "sgx",
     TIME_2025_07,
     "tcb-info tcb-level debug ",
     NULL,
     NULL,
     {NULL},
     {CRLS(BUNDLE_TDX, "platform"), SIGNED("intel/sgx/qe-identity", BUNDLE_SGX, "qe_identity")}},
    {"sgx/dcapqvl_sgx_quote",
     "sgx",
     TIME_2025_07,
     "tcb-configuration-needed tcb-sw-hardening-needed ",
     "ConfigurationAndSWHardeningNeeded",
     "[\"INTEL-SA-00289\",\"INTEL-SA-00615\"]",
     {"tcb-configuration-needed", "tcb-sw-hardening-needed"},
     {CRLS(BUNDLE_SGX, "processor"),
      SIGNED("intel/sgx/tcb-info/00a067110000", BUNDLE_SGX, "tcb_info"),
      SIGNED("intel/sgx/qe-identity", BUNDLE_SGX, "qe_identity")}},
};

/* A member of a bundle: hex of a list, PEM, or a document that is signed beside it. */
static void
put_member(struct intel_documents *documents, const struct source *source, const char *bundle,
           size_t len)
{
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_COLLATERAL_MAX};
    struct coco_pcs_answer answer = {0};
    uint8_t der[8192];
    const char *value = NULL;
    const char *signature = NULL;
    char name[64];

    assert_ok(coco_json_parse_object(bundle, len, &json, &err), err);
    assert_ok(coco_json_get_string(json, source->member, &value, &err), err);
    if (strstr(source->member, "_crl") && !strstr(source->member, "chain")) {
        assert_true(coco_unhex(value, strlen(value), der, strlen(value) / 2));
        intel_put(documents, source->name, der, strlen(value) / 2);
        return;
    }
    (void)snprintf(name, sizeof(name), "%s_signature", source->member);
    assert_ok(coco_json_get_string_opt(json, name, &signature, &err), err);
    if (!signature) {
        intel_put(documents, source->name, value, strlen(value));
        return;
    }
    answer.value = value;
    answer.value_len = strlen(value);
    assert_true(coco_unhex(signature, strlen(signature), answer.signature, 64));
    assert_ok(coco_pcs_answer_format(
                  &answer, source->member[0] == 't' ? "tcbInfo" : "enclaveIdentity", &text, &err),
              err);
    intel_put(documents, source->name, text.data, text.len);
}

static void
put_sources(struct intel_documents *documents, const struct source *sources, size_t n)
{
    for (size_t i = 0; i < n && sources[i].name; i++) {
        size_t len = 0;

        _cleanup_free_ char *content = read_fixture(sources[i].fixture, &len);
        if (sources[i].member)
            put_member(documents, &sources[i], content, len);
        else
            intel_put(documents, sources[i].name, content, len);
    }
}

/* A recorded quote, with its collateral and a clock of its time. */
struct replay {
    const char *tee;
    struct intel_documents documents;
    coco_verifier *verifier;
    struct coco_buf bytes;
    struct coco_buf log; /* none if it is empty */
    struct coco_quote quote;
};

static void
replay_done(struct replay *replay)
{
    coco_verifier_free(replay->verifier);
    intel_documents_done(&replay->documents);
    coco_buf_done(&replay->bytes);
    coco_buf_done(&replay->log);
}

#define _cleanup_replay_ _cleanup_(replay_done)

static void
replay_begin(struct replay *replay, const struct recorded *recorded)
{
    size_t len = 0;

    *replay = (struct replay){.tee = recorded->tee, .bytes = {.limit = COCO_QUOTE_SIZE_MAX}};
    _cleanup_free_ char *bytes = read_fixture(recorded->quote, &len);
    assert_ok(coco_buf_append(&replay->bytes, bytes, len, &err), err);
    assert_ok(coco_quote_parse(replay->bytes.data, len, &replay->quote, &err), err);
    put_sources(&replay->documents, recorded->sources, COUNT(recorded->sources));
    assert_ok(coco_verifier_new(&replay->verifier, &err), err);
    coco_verifier_set_time(replay->verifier, recorded->now);
    intel_serve(&replay->documents, replay->verifier);
}

static void
replay_add_log(struct replay *replay, const char *fixture)
{
    size_t len = 0;

    _cleanup_free_ char *bytes = read_fixture(fixture, &len);
    replay->log.limit = len;
    assert_ok(coco_buf_append(&replay->log, bytes, len, &err), err);
}

/* Bound to the report data that it was recorded with. */
static coco_status
replay(const struct replay *replay, coco_verdict **ret, coco_error **e)
{
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 20};
    const uint8_t *report_data = replay->quote.body == COCO_QUOTE_SGX
                                     ? replay->quote.sgx.report_data
                                     : replay->quote.td.report_data;

    intel_evidence_with(&replay->bytes, replay->log.len > 0 ? &replay->log : NULL, &evidence);
    return verify_bound(replay->verifier, replay->tee, coco_buf_text(&evidence), report_data, 64,
                        ret, e);
}

static void
assert_claim(const coco_verdict *verdict, const char *name, const char *want)
{
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    const char *json = coco_verdict_claims(verdict);
    const cJSON *claim = NULL;

    assert_ok(coco_json_parse_object(json, strlen(json), &claims, &err), err);
    if (!want) {
        assert_null(cJSON_GetObjectItemCaseSensitive(claims, name));
        return;
    }
    assert_ok(coco_json_get_any(claims, name, &claim, &err), err);
    assert_ok(coco_json_write(claim, COCO_JSON_COMPACT, &text, &err), err);
    if (cJSON_IsString(claim))
        assert_string_equal(claim->valuestring, want);
    else
        assert_string_equal(coco_buf_text(&text), want);
}

static void
recorded_quotes_come_to_what_their_manifests_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        _cleanup_replay_ struct replay r;
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
        _cleanup_(coco_verdict_freep) coco_verdict *allowed = NULL;

        replay_begin(&r, &vectors[i]);
        print_message("# %s\n", vectors[i].quote);
        assert_ok(replay(&r, &verdict, &err), err);
        assert_names_of_failing(verdict, vectors[i].failing);
        assert_claim(verdict, "tcb_status", vectors[i].status);
        assert_claim(verdict, "advisory_ids", vectors[i].advisories);
        assert_claim(verdict, "root_key_id",
                     "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5"
                     "dcf58eef31463613de1570d516200993");
        for (size_t j = 0; j < COUNT(vectors[i].allow) && vectors[i].allow[j]; j++)
            if (vectors[i].allow[j][0] != '\0')
                assert_ok(coco_verifier_allow(r.verifier, vectors[i].allow[j], &err), err);
        assert_ok(replay(&r, &allowed, &err), err);
        assert_int_equal(coco_verdict_valid(allowed), vectors[i].allow[0] != NULL);
    }
}

/* What upstream's own test expects of this quote and a log, which are not of one machine. */
static void
claims_are_upstreams(void **state)
{
    _cleanup_replay_ struct replay r;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *want = NULL;
    _cleanup_json_ cJSON *claims = NULL;
    const cJSON *item = NULL;
    size_t compared = 0;
    size_t len = 0;

    (void)state;
    replay_begin(&r, &vectors[3]);
    assert_string_equal(vectors[3].quote, "tdx/tdx_quote_4.dat");
    replay_add_log(&r, "eventlog/CCEL_data.trim");
    _cleanup_free_ char *text = read_fixture("tdx/parse_tdx_claims_expected.json", &len);
    assert_ok(coco_json_parse_object(text, len, &want, &err), err);
    assert_ok(replay(&r, &verdict, &err), err);
    assert_names_of_failing(verdict, "debug event-log ");
    const char *json = coco_verdict_claims(verdict);
    assert_ok(coco_json_parse_object(json, strlen(json), &claims, &err), err);
    cJSON_ArrayForEach(item, want) {
        if (!coco_json_equal(cJSON_GetObjectItemCaseSensitive(claims, item->string), item))
            fail_msg("claim %s is not upstream's", item->string);
        compared++;
    }
    assert_int_equal(compared, 6);
}

static void
a_recorded_log_is_that_of_its_machine(void **state)
{
    _cleanup_replay_ struct replay r;
    _cleanup_(coco_verdict_freep) coco_verdict *good = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *bad = NULL;

    (void)state;
    replay_begin(&r, &vectors[7]);
    assert_string_equal(vectors[7].quote, "tdx/gotdx_cos113_quote.dat");
    replay_add_log(&r, "tdx/gotdx_ccel_data.trim");
    assert_ok(replay(&r, &good, &err), err);
    assert_names_of_failing(good, "tcb-info tcb-level ");
    assert_contains(coco_verdict_claims(good), "\"uefi_event_logs\":[{");
    /* A digest of the last event that was measured into RTMR1. */
    uint8_t *last = NULL;
    struct coco_eventlog log = {0};
    struct coco_event event = {0};
    assert_ok(coco_eventlog_parse(r.log.data, r.log.len, &log, &err), err);
    for (size_t at = 0; coco_eventlog_next(&log, &at, &event);)
        if (event.index == 2)
            last = r.log.data + (coco_event_digest(&event, COCO_TCG_SHA384) - r.log.data);
    assert_non_null(last);
    *last ^= 1;
    assert_ok(replay(&r, &bad, &err), err);
    assert_names_of_failing(bad, "tcb-info tcb-level event-log ");
}

static void
claims_of_sgx_are_upstreams(void **state)
{
    static const char *const texts[] = {
        ("\"header\":{\"version\":\"0300\",\"att_key_type\":\"0200\",\"att_key_data_0\":"
         "\"00000000\","
         "\"qe_svn\":\"0800\",\"pce_svn\":\"0d00\",\"vendor_id\":"
         "\"939a7233f79c4ca9940a0db3957f0607\","
         "\"user_data\":\"dccde9b31ce8860548173bb4a2a57a1600000000\"}"),
        "\"cpu_svn\":\"06060c0cffff00000000000000000000\",\"misc_select\":\"01000000\"",
        ("\"attributes.flags\":\"0700000000000000\",\"attributes.xfrm\":\"e700000000000000\","
         "\"mr_enclave\":\"8f173e4613ff05c52aaf04162d234edae8c9977eae47eb2299ae16a553011c68\""),
        "\"mr_signer\":\"83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e\"",
        "\"report_data\":\"7465737400",
        "\"platform_instance_id\":\"7a3a6941065cd5060bd93d3db2cfc0c8\"",
    };
    _cleanup_replay_ struct replay r;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    (void)state;
    replay_begin(&r, &vectors[8]);
    assert_string_equal(vectors[8].quote, "sgx/occlum_quote.dat");
    assert_ok(replay(&r, &verdict, &err), err);
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_contains(coco_verdict_claims(verdict), texts[i]);
}

static void
claims_say_of_when_the_collateral_is(void **state)
{
    _cleanup_replay_ struct replay r;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    static const struct {
        const char *name;
        const char *want;
    } cases[] = {
        {"earliest_issue_date", "2018-05-21T10:45:10Z"}, /* the root's */
        {"latest_issue_date", "2025-06-19T10:32:27Z"},
        {"earliest_expiration_date", "2025-07-19T10:00:35Z"},
        {"collateral_expiration_status", "0"},
        {"tcb_date", "2024-03-13T00:00:00Z"},
        {"pck_crl_num", "1"},
        {"root_ca_crl_num", "1"},
        {"sgx_type", "Scalable"},
        {"is_dynamic_platform", "true"},
        {"is_cached_keys", "true"},
        {"is_smt_enabled", "true"},
    };

    (void)state;
    replay_begin(&r, &vectors[0]);
    assert_ok(replay(&r, &verdict, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_claim(verdict, cases[i].name, cases[i].want);
}

/* ---- Intel's samples, under a root of their own ---- */

/* Certificates of both files, the way round that a quote has them. */
static void
read_chain(const char *leaf, const char *issuers, struct coco_buf *pem)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    size_t len = 0;
    size_t rest_len = 0;

    _cleanup_free_ char *first = read_fixture(leaf, &len);
    _cleanup_free_ char *rest = read_fixture(issuers, &rest_len);
    assert_ok(coco_cert_chain_parse(rest, rest_len, &chain, &err), err);
    assert_ok(coco_buf_append(pem, first, len, &err), err);
    bool root_first = X509_check_issued(chain.certs[0], chain.certs[0]) == X509_V_OK;
    for (size_t i = 0; i < chain.n; i++) {
        struct pki_cert cert = {.cert = chain.certs[root_first ? chain.n - 1 - i : i]};
        const struct pki_cert *const one = &cert;

        intel_append_pem(pem, &one, 1);
    }
}

/* Replaces a chain with itself, leaf first. */
static void
turn_chain(struct intel_documents *documents, const char *name)
{
    struct coco_buf *content = &intel_document(documents, name)->content;
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 16};

    assert_ok(coco_cert_chain_parse(content->data, content->len, &chain, &err), err);
    if (X509_check_issued(chain.certs[0], chain.certs[0]) != X509_V_OK)
        return;
    for (size_t i = chain.n; i-- > 0;) {
        struct pki_cert cert = {.cert = chain.certs[i]};
        const struct pki_cert *const one = &cert;

        intel_append_pem(&pem, &one, 1);
    }
    intel_put(documents, name, pem.data, pem.len);
}

static void
trust_fixture(coco_verifier *verifier, const char *name)
{
    _cleanup_cert_ X509 *root = NULL;
    size_t len = 0;

    _cleanup_free_ char *pem = read_fixture(name, &len);
    assert_ok(coco_cert_parse(pem, len, &root, &err), err);
    trust_cert(verifier, "intel", root);
}

static const struct {
    struct recorded recorded;
    const char *leaf;
    const char *issuers;
    const char *root;
    const char *why; /* as it comes */
} samples[] = {
    {{"sgx/intelqvl/quote.dat",
      "sgx",
      TIME_2020,
      "",
      "UpToDate",
      "[]",
      {""},
      {{"intel/root-ca.crl", "sgx/intelqvl/rootCaCrl.der", NULL},
       {"intel/pck-crl/processor.crl", "sgx/intelqvl/intermediateCaCrl.der", NULL},
       {"intel/sgx/tcb-info/00707f000000.json", "sgx/intelqvl/tcbInfo.json", NULL},
       {"intel/sgx/tcb-info/00707f000000.pem", "sgx/intelqvl/tcbSignChain.pem", NULL},
       {"intel/sgx/qe-identity.json", "sgx/intelqvl/qeIdentity.json", NULL},
       {"intel/sgx/qe-identity.pem", "sgx/intelqvl/tcbSignChain.pem", NULL}}},
     "sgx/intelqvl/pckCert.pem",
     "sgx/intelqvl/pckSignChain.pem",
     "sgx/intelqvl/trustedRootCaCert.pem",
     "type 1 (PPID)"},
    /* Random numbers: SVNs above 255, and a quoting enclave that is not the identity's. */
    {{"tdx/intelqvl/quote.dat",
      "tdx",
      TIME_2022,
      "tcb-info qe-identity tcb-level ",
      NULL,
      NULL,
      {NULL},
      {{"intel/root-ca.crl", "tdx/intelqvl/rootCaCrl.der", NULL},
       {"intel/pck-crl/processor.crl", "tdx/intelqvl/intermediateCaCrl.der", NULL},
       {"intel/tdx/tcb-info/ed742af8adf5.json", "tdx/intelqvl/tcbInfo.json", NULL},
       {"intel/tdx/tcb-info/ed742af8adf5.pem", "tdx/intelqvl/tcbSignChain.pem", NULL},
       {"intel/tdx/qe-identity.json", "tdx/intelqvl/qeIdentity.json", NULL},
       {"intel/tdx/qe-identity.pem", "tdx/intelqvl/tcbSignChain.pem", NULL}}},
     "tdx/intelqvl/pckCert.pem",
     "tdx/intelqvl/pckSignChain.pem",
     "tdx/intelqvl/trustedRootCaCert.pem",
     "no certificate in the PEM"},
};

/* As they come they hold no chain that may be used; the one that is beside them belongs there. */
static void
intels_samples_hold_under_their_root(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samples); i++) {
        _cleanup_replay_ struct replay r;
        _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 16};
        _cleanup_buf_ struct coco_buf whole = {.limit = COCO_QUOTE_SIZE_MAX};
        _cleanup_(coco_verdict_freep) coco_verdict *none = NULL;
        _cleanup_(coco_verdict_freep) coco_verdict *untrusted = NULL;
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

        replay_begin(&r, &samples[i].recorded);
        coco_status status = replay(&r, &none, &err);
        assert_int_not_equal(status, COCO_OK);
        assert_contains(coco_error_message(err), samples[i].why);
        coco_error_free(err);
        err = NULL;

        turn_chain(&r.documents, samples[i].recorded.sources[3].name);
        turn_chain(&r.documents, samples[i].recorded.sources[5].name);
        read_chain(samples[i].leaf, samples[i].issuers, &pem);
        r.quote.certification = COCO_CERTIFICATION_PCK_CHAIN;
        r.quote.certification_data = pem.data;
        r.quote.certification_len = pem.len;
        assert_ok(coco_quote_format(&r.quote, &whole, &err), err);
        coco_buf_reset(&r.bytes);
        assert_ok(coco_buf_append(&r.bytes, whole.data, whole.len, &err), err);
        assert_ok(replay(&r, &untrusted, &err), err);
        assert_names_of_failing(untrusted, "root collateral-root tcb-info qe-identity tcb-level ");
        trust_fixture(r.verifier, samples[i].root);
        assert_ok(replay(&r, &verdict, &err), err);
        assert_names_of_failing(verdict, samples[i].recorded.failing);
        assert_claim(verdict, "tcb_status", samples[i].recorded.status);
    }
}

/* ---- bits ---- */

/* The checks of signatures and certificates: whatever else is known of the machine. */
static bool
chain_is_broken(const coco_verdict *verdict)
{
    static const char *const names[] = {
        "root",
        "certificates",
        "certificate-dates",
        "pck-certificate",
        "qe-report-signature",
        "qe-report-data",
        "quote-signature",
    };

    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        for (size_t j = 0; j < COUNT(names); j++)
            if (strcmp(coco_verdict_check_name(verdict, i), names[j]) == 0
                && !coco_verdict_check_ok(verdict, i))
                return true;
    return false;
}

/* Where the certificates begin in the bytes of the quote. */
static size_t
certificates_at(const struct replay *r)
{
    return (size_t)(r->quote.certification_data - r->bytes.data);
}

/* Base64 has bits that mean nothing, and PEM some bytes: then the certificates are the same. */
static bool
certificates_are_same(const struct coco_buf *bytes, const struct coco_cert_chain *chain)
{
    _cleanup_cert_chain_ struct coco_cert_chain other = {0};
    struct coco_quote quote = {0};

    if (coco_quote_parse(bytes->data, bytes->len, &quote, NULL) != COCO_OK
        || coco_cert_chain_parse(quote.certification_data, quote.certification_len, &other, NULL)
               != COCO_OK
        || other.n != chain->n)
        return false;
    for (size_t i = 0; i < chain->n; i++)
        if (X509_cmp(other.certs[i], chain->certs[i]) != 0)
            return false;
    return true;
}

/* Whether the bytes still lead to the root, and not because the certificates are those of chain. */
static bool
can_be_changed(const struct replay *r, const struct coco_cert_chain *chain)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;

    return replay(r, &verdict, NULL) == COCO_OK && !chain_is_broken(verdict)
           && !(chain && certificates_are_same(&r->bytes, chain));
}

/* One bit of each byte, through all of the verifier. */
static void
no_byte_of_a_recorded_quote_can_be_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        if (i != 4 && i != 9 && !flips_all()) /* TD 1.5, SGX */
            continue;
        _cleanup_replay_ struct replay r;
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

        replay_begin(&r, &vectors[i]);
        /* What is not looked at here need not be looked up. */
        coco_verifier_set_collateral(r.verifier, NULL);
        assert_ok(coco_cert_chain_parse(r.quote.certification_data, r.quote.certification_len,
                                        &chain, &err),
                  err);
        /* Of certificates, which are others' business and long, some bytes in each line. */
        const size_t signed_len = certificates_at(&r);
        for_each_flip(flip, r.bytes.data, signed_len, 1)
        {
            if (can_be_changed(&r, NULL))
                fail_msg("byte %zu of %s can be changed", flip.at, vectors[i].quote);
        }
        for_each_flip(flip, r.bytes.data + signed_len, r.quote.len - signed_len, 9)
        {
            if (can_be_changed(&r, &chain))
                fail_msg("byte %zu of the certificates of %s can be changed", flip.at,
                         vectors[i].quote);
        }
    }
}

/* All that is signed below the PCK. */
static bool
signatures_hold(const struct coco_buf *bytes, EVP_PKEY *pck)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_quote quote = {0};
    uint8_t hash[32];

    return coco_quote_parse(bytes->data, bytes->len, &quote, NULL) == COCO_OK
           && quote.certification == COCO_CERTIFICATION_PCK_CHAIN
           && coco_quote_key_hash(&quote, hash, NULL) == COCO_OK
           && memcmp(quote.qe_report.report_data, hash, sizeof(hash)) == 0
           && coco_ec_key_from_point(COCO_KEY_P256, quote.key, &key, NULL) == COCO_OK
           && coco_ecdsa_verify(pck, &quote.qe_report, sizeof(quote.qe_report), quote.qe_signature,
                                sizeof(quote.qe_signature), NULL)
                  == COCO_OK
           && coco_ecdsa_verify(key, quote.signed_data, quote.signed_len, quote.signature,
                                sizeof(quote.signature), NULL)
                  == COCO_OK;
}

/* One bit of each byte of every quote. */
static void
no_byte_that_is_signed_can_be_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        _cleanup_replay_ struct replay r;
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
        _cleanup_pkey_ EVP_PKEY *pck = NULL;

        replay_begin(&r, &vectors[i]);
        assert_ok(coco_cert_chain_parse(r.quote.certification_data, r.quote.certification_len,
                                        &chain, &err),
                  err);
        assert_ok(coco_cert_key(chain.certs[0], &pck, &err), err);
        assert_true(signatures_hold(&r.bytes, pck));
        for_each_flip(flip, r.bytes.data, certificates_at(&r), 1)
        {
            if (signatures_hold(&r.bytes, pck))
                fail_msg("byte %zu of %s can be changed", flip.at, vectors[i].quote);
        }
    }
}

/* All bits of what the attestation key signed, of TD 1.5 and of SGX. */
static void
no_bit_of_a_signed_body_can_be_changed(void **state)
{
    static const size_t forms[] = {4, 9};

    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        const struct recorded *recorded = &vectors[forms[i]];
        _cleanup_replay_ struct replay r;
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        replay_begin(&r, recorded);
        assert_ok(coco_ec_key_from_point(COCO_KEY_P256, r.quote.key, &key, &err), err);
        for (size_t bit = 0; bit < 8 * r.quote.signed_len; bit++) {
            struct coco_quote quote = {0};

            r.bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (coco_quote_parse(r.bytes.data, r.bytes.len, &quote, NULL) == COCO_OK
                && coco_ecdsa_verify(key, quote.signed_data, quote.signed_len, quote.signature,
                                     sizeof(quote.signature), NULL)
                       == COCO_OK)
                fail_msg("bit %zu of %s can be changed", bit, recorded->quote);
            r.bytes.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, intel_tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_broken_link_is_its_own_check),
        TEST(behind_the_hash_of_the_key_there_are_zeros),
        TEST(only_intels_root_is_trusted_by_itself),
        TEST(a_pck_has_its_name_and_its_ca),
        TEST(certificates_are_linked_and_of_their_time),
        TEST(what_is_no_chain_of_a_pck_is_refused),
        TEST(a_pck_of_another_curve_signs_nothing),
        TEST(other_kinds_of_certification_are_refused_by_name),
        TEST(each_part_of_a_status_is_its_own_check),
        TEST(starting_the_td_again_is_a_check_of_its_own),
        TEST(a_machine_below_all_levels_is_not_supported),
        TEST(advisories_are_those_of_all_parts),
        cmocka_unit_test(recorded_quotes_come_to_what_their_manifests_say),
        cmocka_unit_test(claims_are_upstreams),
        cmocka_unit_test(a_recorded_log_is_that_of_its_machine),
        cmocka_unit_test(claims_of_sgx_are_upstreams),
        cmocka_unit_test(claims_say_of_when_the_collateral_is),
        cmocka_unit_test(intels_samples_hold_under_their_root),
        cmocka_unit_test(no_byte_of_a_recorded_quote_can_be_changed),
        cmocka_unit_test(no_byte_that_is_signed_can_be_changed),
        cmocka_unit_test(no_bit_of_a_signed_body_can_be_changed),
    };

    return cmocka_run_group_tests_name("verifier/dcap", tests, NULL, NULL);
}
