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

    assert_ok(coco_kbs_store_open(NULL, &f.store, &err), err);
    assert_ok(coco_kbs_policies_new(f.store, &f.policies, &err), err);
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
    _cleanup_json_ cJSON *references_value = NULL;
    _cleanup_json_ cJSON *submod = NULL;

    assert_int_equal(coco_json_parse(evidence, strlen(evidence), &evidence_value, NULL), COCO_OK);
    assert_int_equal(coco_json_parse(references, strlen(references), &references_value, NULL),
                     COCO_OK);
    const struct coco_kbs_appraisal appraisal = {
        .class = class,
        .evidence = evidence_value,
        .references = references_value,
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

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_default_policy_wants_reference_values),
        T(a_device_is_told_by_its_reference_values),
        T(policies_answer_with_a_vector_or_not_at_all),
    };

    return cmocka_run_group_tests_name("kbs/appraise", tests, NULL, NULL);
}
