/*
 * tests/tee/test_sev_evidence.c - lib/tee/sev_evidence.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_evidence.h"

#include "tests/faults.h"
#include "tests/tee/sev_kit.h"

#define EVIDENCE_MAX ((size_t)1 << 16)

static struct sev_kit kit;
static struct coco_sev_evidence evidence;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    sev_kit_make(&kit);
    evidence = (struct coco_sev_evidence){
        .chain = {.pdh = kit.pdh,
                  .pek = kit.pek,
                  .oca = kit.oca,
                  .cek = kit.cek,
                  .has_cas = true,
                  .ask = kit.ask,
                  .ark = kit.ark},
        .session = {{1}, {2}, {3}, {4}, {5}},
        .launch = {.api_major = 1,
                   .api_minor = 55,
                   .build = 24,
                   .policy = 0xffffffff,
                   .digest = {6},
                   .mnonce = {7}},
        .mac = {8},
    };
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sev_kit_done(&kit);
    return 0;
}

static void
evidence_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
        _cleanup_buf_ struct coco_buf again = {.limit = EVIDENCE_MAX};
        _cleanup_json_ cJSON *object = NULL;
        struct coco_sev_evidence made = evidence;
        struct coco_sev_evidence read;

        made.chain.has_cas = i == 0;
        assert_ok(coco_sev_evidence_format(&made, &text, &err), err);
        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        assert_ok(coco_sev_evidence_parse(object, &read, &err), err);
        assert_int_equal(read.chain.has_cas, i == 0);
        assert_memory_equal(&read.session, &made.session, sizeof(read.session));
        assert_memory_equal(&read.launch, &made.launch, sizeof(read.launch));
        assert_ok(coco_sev_evidence_format(&read, &again, &err), err);
        assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
    }
}

static void
chains_that_are_cut_or_grow_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = EVIDENCE_MAX};
    struct coco_sev_chain chain;

    (void)state;
    assert_ok(coco_sev_chain_format(&evidence.chain, &bytes, &err), err);
    assert_ok(coco_sev_chain_parse(bytes.data, bytes.len, &chain, &err), err);
    for (size_t len = 0; len < bytes.len; len += 13)
        if (len != 4 * COCO_SEV_CERT_SIZE)
            assert_int_equal(coco_sev_chain_parse(bytes.data, len, &chain, NULL), COCO_ERR_PROTO);
    assert_ok(coco_buf_append(&bytes, "", 1, &err), err);
    assert_fails(coco_sev_chain_parse(bytes.data, bytes.len, &chain, &err), err, COCO_ERR_PROTO,
                 "1 bytes too many");
}

static void
malformed_evidence_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        const char *why;
    } cases[] = {
        {"certificate_chain", "null", "'certificate_chain' is missing"},
        {"certificate_chain", "\"\"", "ends after 0 bytes"},
        {"certificate_chain", "\"?\"", "certificate_chain"},
        {"session", "\"AAAA\"", "session has 3 bytes, not 128"},
        {"measurement", "\"AAAA\"", "measurement has 3 bytes, not 48"},
        {"launch_digest", "\"AAAA\"", "launch_digest has 3 bytes, not 32"},
        {"policy", "4294967296", "'policy' is too large"},
        {"api_major", "256", "'api_major' is too large"},
        {"api_minor", "-1", "'api_minor'"},
        {"build_id", "null", "'build_id' is missing"},
    };
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};

    (void)state;
    assert_ok(coco_sev_evidence_format(&evidence, &text, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *object = NULL;
        _cleanup_json_ cJSON *holder = NULL;
        _cleanup_buf_ struct coco_buf wrapped = {.limit = 200};
        struct coco_sev_evidence read;

        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        assert_ok(coco_buf_printf(&wrapped, &err, "{\"value\":%s}", cases[i].value), err);
        assert_ok(coco_json_parse_object(coco_buf_text(&wrapped), wrapped.len, &holder, &err), err);
        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
            object, cases[i].name, cJSON_DetachItemFromObjectCaseSensitive(holder, "value")));
        assert_fails(coco_sev_evidence_parse(object, &read, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
        _cleanup_json_ cJSON *object = NULL;
        struct coco_sev_evidence read;

        coco_status status = coco_sev_evidence_format(&evidence, &text, &err);
        if (status == COCO_OK)
            status = coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err);
        if (status == COCO_OK)
            status = coco_sev_evidence_parse(object, &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_is_read_as_it_was_written),
        cmocka_unit_test(chains_that_are_cut_or_grow_are_refused),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/sev_evidence", tests, setup, teardown);
}
