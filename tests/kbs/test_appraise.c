/*
 * tests/kbs/test_appraise.c - lib/kbs/appraise.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/appraise.h"

#include "tests/kbs/engine.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct coco_kbs_store *store;
    struct coco_kbs_policies *policies;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &f.store, &err), err);
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_ok(coco_kbs_policies_new(f.store, engine, &f.policies, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_kbs_policies_free(f->policies);
    coco_kbs_store_close(f->store);
    return 0;
}

static coco_status
appraise_as(struct fixture *f, const char *class, const char *evidence, const char *references,
            struct coco_buf *text, coco_error **err)
{
    _cleanup_json_ cJSON *evidence_value = NULL;
    _cleanup_policy_values_ struct coco_policy_values *values = NULL;
    cJSON *references_value = NULL;
    _cleanup_json_ cJSON *submod = NULL;

    assert_int_equal(coco_json_parse(evidence, strlen(evidence), &evidence_value, NULL), COCO_OK);
    assert_int_equal(coco_json_parse(references, strlen(references), &references_value, NULL),
                     COCO_OK);
    assert_int_equal(coco_policy_values_new(references_value, &values, NULL), COCO_OK);
    const struct coco_kbs_appraisal appraisal = {
        .class = class,
        .evidence = &evidence_value,
        .references = values,
    };
    coco_status status = coco_kbs_appraise(f->policies, &appraisal, &submod, err);
    if (status == COCO_OK)
        status = coco_json_write(submod, COCO_JSON_COMPACT, text, err);
    return status;
}

static coco_status
appraise(struct fixture *f, const char *evidence, const char *references, struct coco_buf *text,
         coco_error **err)
{
    return appraise_as(f, "cpu", evidence, references, text, err);
}

#define SAMPLE                                                                                     \
    "{\"sample\":{\"svn\":\"1\",\"launch_digest\":\"abcde\",\"debug\":false,"                      \
    "\"platform_version\":{\"major\":1,\"minor\":4}}}"
#define SOFTWARE(debug) "{\"software\":{\"launch_digest\":\"aa\",\"debug\":" debug ",\"svn\":1}}"
#define VECTOR(c, e, h)                                                                            \
    "\"ear.trustworthiness-vector\":{\"instance-identity\":0,\"configuration\":" c                 \
    ",\"executables\":" e ",\"file-system\":0,\"hardware\":" h                                     \
    ",\"runtime-opaque\":0,\"storage-opaque\":0,\"sourced-data\":0}"

/* The same with the engine and without it: policies/default_cpu.rego and the C beside it. */
static void
the_default_policy_wants_reference_values(void **state)
{
    static const struct {
        const char *evidence, *references, *status, *vector;
    } cases[] = {
        {SAMPLE, "{}", "contraindicated", VECTOR("2", "33", "97")},
        {SAMPLE, "{\"launch_digest\":[\"abcde\"]}", "contraindicated", VECTOR("2", "3", "97")},
        {SAMPLE,
         "{\"launch_digest\":[\"x\",\"abcde\"],\"svn\":[\"1\"],\"major_version\":1,"
         "\"minimum_minor_version\":4}",
         "affirming", VECTOR("2", "3", "2")},
        {SAMPLE,
         "{\"launch_digest\":[\"abcde\"],\"svn\":[\"1\"],\"major_version\":1,"
         "\"minimum_minor_version\":5}",
         "contraindicated", VECTOR("2", "3", "97")},
        {SAMPLE,
         "{\"launch_digest\":[\"abcde\"],\"svn\":[1],\"major_version\":1,"
         "\"minimum_minor_version\":1}",
         "contraindicated", VECTOR("2", "3", "97")},
        {SAMPLE,
         "{\"launch_digest\":\"abcde\",\"svn\":\"1\",\"major_version\":1,"
         "\"minimum_minor_version\":1}",
         "contraindicated", VECTOR("2", "33", "97")},
        {SOFTWARE("false"), "{\"launch_digest\":[\"aa\"]}", "affirming", VECTOR("2", "3", "2")},
        {SOFTWARE("false"), "{\"launch_digest\":[\"bb\"]}", "warning", VECTOR("2", "33", "2")},
        {SOFTWARE("true"), "{\"launch_digest\":[\"aa\"]}", "warning", VECTOR("36", "3", "2")},
        {SOFTWARE("null"), "{\"launch_digest\":[\"aa\"]}", "warning", VECTOR("36", "3", "2")},
        {"{\"tdx\":{\"launch_digest\":\"aa\",\"debug\":false}}", "{\"launch_digest\":[\"aa\"]}",
         "contraindicated", VECTOR("36", "33", "97")},
        {"{}", "{\"launch_digest\":[null]}", "contraindicated", VECTOR("36", "33", "97")},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        char want[64];
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_ok(appraise(f, cases[i].evidence, cases[i].references, &text, &err), err);
        (void)snprintf(want, sizeof(want), "\"ear.status\":\"%s\"", cases[i].status);
        assert_contains(coco_buf_text(&text), want);
        assert_contains(coco_buf_text(&text), cases[i].vector);
        assert_contains(coco_buf_text(&text), "\"ear.appraisal-policy-id\":\"default\"");
    }
}

/* Devices have a policy of their own: default_gpu.rego. */
static void
a_device_is_told_by_its_reference_values(void **state)
{
    static const struct {
        const char *evidence, *references, *vector;
    } cases[] = {
        {"{\"sampledevice\":{\"svn\":\"2\"}}", "{}", VECTOR("36", "33", "97")},
        {"{\"sampledevice\":{\"svn\":\"2\"}}", "{\"device_svn\":[\"1\"]}",
         VECTOR("36", "33", "97")},
        {"{\"sampledevice\":{\"svn\":\"2\"}}", "{\"device_svn\":[\"1\",\"2\"]}",
         VECTOR("36", "33", "2")},
        {"{}", "{\"device_svn\":[null]}", VECTOR("36", "33", "97")},
    };
    struct fixture *f = *state;
    coco_error *err = NULL;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};

        assert_ok(appraise_as(f, "gpu", cases[i].evidence, cases[i].references, &text, &err), err);
        assert_contains(coco_buf_text(&text), cases[i].vector);
    }
}

static void
policies_answer_with_a_vector_or_not_at_all(void **state)
{
    static const struct {
        const char *rules, *want, *why;
    } cases[] = {
        {"trust_claims := {\"hardware\": 2}", "\"ear.status\":\"affirming\"", NULL},
        {"trust_claims := {\"hardware\": -32}", "\"ear.status\":\"affirming\"", NULL},
        {"trust_claims := {\"hardware\": 32}", "\"ear.status\":\"warning\"", NULL},
        {"trust_claims := {\"hardware\": -96}", "\"ear.status\":\"warning\"", NULL},
        {"trust_claims := {\"hardware\": 96}", "\"ear.status\":\"contraindicated\"", NULL},
        {"trust_claims := {\"hardware\": -128}", "\"ear.status\":\"contraindicated\"", NULL},
        {"trust_claims := {\"hardware\": -1}", "\"ear.status\":\"none\"", NULL},
        {"trust_claims := {\"hardware\": 2, \"executables\": 97}",
         "\"ear.status\":\"contraindicated\"", NULL},
        {"x := 1", "\"ear.status\":\"none\"", NULL},
        {"trust_claims := {}", "\"ear.status\":\"none\"", NULL},
        {"trust_claims := {}\nextensions := [{\"name\": \"n\", \"key\": 1, \"value\": {\"a\": 1}}]",
         "\"n\":{\"a\":1}", NULL},
        {"trust_claims := {\"Hardware\": 2}", NULL, "there is no trust claim 'Hardware'"},
        {"trust_claims := {\"hardware\": 258}", NULL, "from -128 to 127"},
        {"trust_claims := {\"hardware\": 3.5}", NULL, "from -128 to 127"},
        {"trust_claims := {\"hardware\": \"2\"}", NULL, "from -128 to 127"},
        {"trust_claims := [2]", NULL, "not an object"},
        {"trust_claims := {}\nextensions := {}", NULL, "not an array"},
        {"trust_claims := {}\nextensions := [{\"name\": \"ear.status\", \"value\": \"affirming\"}]",
         NULL, "taken"},
        {"trust_claims := {}\nextensions := [{\"name\": 1, \"value\": 1}]", NULL, "lacks"},
        {"trust_claims := {}\nextensions := [1]", NULL, "lacks"},
    };
    struct fixture *f = *state;

    if (!have_engine())
        return;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        char rego[512];
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        (void)snprintf(rego, sizeof(rego), "package policy\n%s\n", cases[i].rules);
        assert_ok(coco_kbs_policies_set(f->policies, "default_cpu", rego, &err), err);
        if (cases[i].want) {
            assert_ok(appraise(f, SAMPLE, "{}", &text, &err), err);
            assert_contains(coco_buf_text(&text), cases[i].want);
        } else {
            assert_fails(appraise(f, SAMPLE, "{}", &text, &err), err, COCO_ERR_DENIED,
                         cases[i].why);
        }
    }
}

/* ---- Hardware: rules that only the engine has ---- */

#define SNP(debug, migrate)                                                                        \
    "{\"snp\":{\"measurement\":\"m\",\"reported_tcb_bootloader\":3,\"reported_tcb_microcode\":4,"  \
    "\"reported_tcb_snp\":5,\"reported_tcb_tee\":0,\"platform_smt_enabled\":true,"                 \
    "\"platform_tsme_enabled\":false,\"policy_abi_major\":1,\"policy_abi_minor\":55,"              \
    "\"policy_single_socket\":false,\"policy_smt_allowed\":true,\"policy_debug_allowed\":" debug   \
    ",\"policy_migrate_ma\":" migrate "}}"
#define SNP_TCB                                                                                    \
    "\"snp_bootloader\":[3],\"snp_microcode\":[4],\"snp_snp_svn\":[5],\"snp_tee_svn\":[0]"
#define SNP_CONFIG(smt)                                                                            \
    "\"snp_smt_enabled\":" smt ",\"snp_tsme_enabled\":false,\"snp_guest_abi_major\":1,"            \
    "\"snp_guest_abi_minor\":55,\"snp_single_socket\":false,\"snp_smt_allowed\":true"
#define SNP_LAUNCH "\"snp_launch_measurement\":[\"x\",\"m\"]"

#define TD(tee, type, status, debug, more)                                                         \
    "{\"" tee "\":{\"quote\":{\"header\":{\"tee_type\":\"" type                                    \
    "\",\"vendor_id\":\"939a7233f79c4ca9940a0db3957f0607\"},"                                      \
    "\"body\":{\"mr_td\":\"t\",\"rtmr_1\":\"r1\",\"rtmr_2\":\"r2\",\"xfam\":\"e7\"}},"             \
    "\"tcb_status\":\"" status "\",\"td_attributes\":{\"debug\":" debug "}" more "}}"
#define FRESH ",\"collateral_expiration_status\":\"0\""
#define EVENTS                                                                                     \
    ",\"uefi_event_logs\":[{\"type_name\":\"EV_SEPARATOR\",\"digests\":[{\"digest\":\"k\"}]},"     \
    "{\"type_name\":\"EV_EFI_BOOT_SERVICES_APPLICATION\",\"digests\":[{\"digest\":\"k\"}],"        \
    "\"details\":{\"device_paths\":[\"File(kernel)\"]}},"                                          \
    "{\"type_name\":\"EV_EVENT_TAG\",\"digests\":[{\"digest\":\"p\"}],"                            \
    "\"details\":{\"string\":\"LOADED_IMAGE::LoadOptions\"}}]"
#define TD_BOOT "\"rtmr_1\":[\"r1\"],\"rtmr_2\":[\"r2\"]"
#define TD_HARDWARE "\"mr_td\":[\"t\"],\"xfam\":[\"e7\"]"
#define TDX_GOOD TD("tdx", "81000000", "UpToDate", "false", FRESH)

#define AZ_SNP(debug)                                                                              \
    "{\"az-snp-vtpm\":{\"measurement\":\"m\",\"reported_tcb_bootloader\":3,"                       \
    "\"reported_tcb_microcode\":4,\"reported_tcb_snp\":5,\"reported_tcb_tee\":0,"                  \
    "\"platform_smt_enabled\":true,\"platform_tsme_enabled\":false,\"policy_abi_major\":0,"        \
    "\"policy_abi_minor\":31,\"policy_single_socket\":false,\"policy_smt_allowed\":true,"          \
    "\"policy_debug_allowed\":" debug ",\"tpm\":{\"pcr11\":\"u\"}}}"
#define AZ_SNP_ALL                                                                                 \
    "\"measurement\":[\"m\"],\"snp_pcr11\":[\"u\"],\"tcb_bootloader\":[3],\"tcb_microcode\":[4],"  \
    "\"tcb_snp\":[5],\"tcb_tee\":[0],\"smt_enabled\":[true],\"tsme_enabled\":[false],"             \
    "\"abi_major\":[0],\"abi_minor\":[31],\"single_socket\":[false],\"smt_allowed\":[true]"
#define AZ_TDX_PCR ",\"tpm\":{\"pcr11\":\"u\"}"

#define TPM "{\"tpm\":{\"ak_public\":\"ak\",\"pcr04\":\"4\",\"pcr09\":\"9\",\"pcr11\":\"11\"}}"
#define AK "\"trusted_aks\":[\"ak\"]"

static void
hardware_is_affirmed_by_reference_values_alone(void **state)
{
    static const struct {
        const char *evidence, *references, *status, *vector;
    } cases[] = {
        {SNP("false", "false"), "{}", "contraindicated", VECTOR("3", "33", "97")},
        {SNP("false", "false"), "{" SNP_LAUNCH "}", "contraindicated", VECTOR("3", "3", "97")},
        {SNP("false", "false"), "{" SNP_LAUNCH "," SNP_TCB "}", "affirming", VECTOR("3", "3", "2")},
        {SNP("false", "false"), "{" SNP_LAUNCH "," SNP_TCB "," SNP_CONFIG("true") "}", "affirming",
         VECTOR("2", "3", "2")},
        {SNP("false", "false"), "{" SNP_LAUNCH "," SNP_TCB "," SNP_CONFIG("false") "}", "affirming",
         VECTOR("3", "3", "2")},
        {SNP("true", "false"), "{" SNP_LAUNCH "," SNP_TCB "," SNP_CONFIG("true") "}", "warning",
         VECTOR("36", "3", "2")},
        {SNP("false", "true"), "{" SNP_LAUNCH "," SNP_TCB "," SNP_CONFIG("true") "}", "warning",
         VECTOR("36", "3", "2")},
        {SNP("null", "false"), "{" SNP_LAUNCH "," SNP_TCB "}", "warning", VECTOR("36", "3", "2")},
        {SNP("false", "false"), "{\"snp_launch_measurement\":[\"n\"]," SNP_TCB "}", "warning",
         VECTOR("3", "33", "2")},

        {TDX_GOOD, "{}", "contraindicated", VECTOR("36", "33", "97")},
        {TDX_GOOD, "{" TD_HARDWARE "}", "warning", VECTOR("2", "33", "2")},
        {TDX_GOOD, "{" TD_BOOT "," TD_HARDWARE "}", "affirming", VECTOR("2", "4", "2")},
        {TD("tdx", "81000000", "UpToDate", "false", FRESH EVENTS),
         "{" TD_BOOT "," TD_HARDWARE ",\"tdvfkernel\":\"k\",\"tdvfkernelparams\":\"p\"}",
         "affirming", VECTOR("2", "3", "2")},
        {TD("tdx", "81000000", "UpToDate", "false", FRESH EVENTS),
         "{" TD_BOOT "," TD_HARDWARE ",\"tdvfkernel\":\"p\",\"tdvfkernelparams\":\"k\"}",
         "affirming", VECTOR("2", "4", "2")},
        {TD("tdx", "00000000", "UpToDate", "false", FRESH), "{" TD_BOOT "," TD_HARDWARE "}",
         "contraindicated", VECTOR("2", "4", "97")},
        {TD("tdx", "81000000", "OutOfDate", "false", FRESH), "{" TD_BOOT "," TD_HARDWARE "}",
         "contraindicated", VECTOR("2", "4", "97")},
        {TD("tdx", "81000000", "UpToDate", "false", ""), "{" TD_BOOT "," TD_HARDWARE "}",
         "contraindicated", VECTOR("2", "4", "97")},
        {TD("tdx", "81000000", "UpToDate", "true", FRESH), "{" TD_BOOT "," TD_HARDWARE "}",
         "warning", VECTOR("36", "4", "2")},

        {AZ_SNP("false"), "{}", "contraindicated", VECTOR("36", "33", "97")},
        {AZ_SNP("false"), "{" AZ_SNP_ALL "}", "affirming", VECTOR("2", "3", "2")},
        {AZ_SNP("true"), "{" AZ_SNP_ALL "}", "warning", VECTOR("36", "3", "2")},
        {TD("az-tdx-vtpm", "81000000", "UpToDate", "false", AZ_TDX_PCR),
         "{\"tdx_pcr11\":[\"u\"]," TD_HARDWARE "}", "affirming", VECTOR("2", "3", "2")},
        {TD("az-tdx-vtpm", "81000000", "UpToDate", "true", AZ_TDX_PCR),
         "{\"tdx_pcr11\":[\"u\"]," TD_HARDWARE "}", "warning", VECTOR("36", "3", "2")},
        {TD("az-tdx-vtpm", "81000000", "UpToDate", "false", AZ_TDX_PCR),
         "{" TD_BOOT "," TD_HARDWARE "}", "warning", VECTOR("2", "33", "2")},

        {TPM, "{}", "contraindicated", VECTOR("0", "33", "97")},
        {TPM, "{\"tpm_pcr11\":[\"11\"]}", "contraindicated", VECTOR("0", "33", "97")},
        {TPM, "{" AK "}", "warning", VECTOR("0", "33", "2")},
        {TPM, "{" AK ",\"tpm_pcr11\":[\"11\"]}", "affirming", VECTOR("0", "3", "2")},
        {TPM, "{" AK ",\"tpm_pcr04\":[\"4\"]}", "warning", VECTOR("0", "33", "2")},
        {TPM, "{" AK ",\"tpm_pcr04\":[\"4\"],\"tpm_pcr09\":[\"9\"]}", "affirming",
         VECTOR("0", "3", "2")},
        {TPM, "{\"trusted_aks\":[\"other\"],\"tpm_pcr11\":[\"11\"]}", "contraindicated",
         VECTOR("0", "33", "97")},

        /* Names and values of one TEE are no other's. */
        {TPM, "{" SNP_LAUNCH "," SNP_TCB "," TD_BOOT "}", "contraindicated",
         VECTOR("0", "33", "97")},
        {"{\"cca\":{\"measurement\":\"m\"}}", "{" SNP_LAUNCH "," SNP_TCB "}", "contraindicated",
         VECTOR("36", "33", "97")},
        {"{\"se\":{\"version\":\"256\"}}", "{}", "contraindicated", VECTOR("36", "33", "97")},
        {"{\"sgx\":{\"mr_enclave\":\"m\"}}", "{" SNP_LAUNCH "}", "contraindicated",
         VECTOR("36", "33", "97")},
    };
    struct fixture *f = *state;

    if (!have_engine())
        return;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        char want[64];
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_ok(appraise(f, cases[i].evidence, cases[i].references, &text, &err), err);
        (void)snprintf(want, sizeof(want), "\"ear.status\":\"%s\"", cases[i].status);
        assert_contains(coco_buf_text(&text), want);
        assert_contains(coco_buf_text(&text), cases[i].vector);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_default_policy_wants_reference_values),
        T(hardware_is_affirmed_by_reference_values_alone),
        T(a_device_is_told_by_its_reference_values),
        T(policies_answer_with_a_vector_or_not_at_all),
    };

    return cmocka_run_group_tests_name("kbs/appraise", tests, NULL, NULL);
}
