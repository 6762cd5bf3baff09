/*
 * tests/tee/test_csv.c - lib/tee/csv.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tee/csv_kit.h"

#include "tests/faults.h"

#define EVIDENCE_MAX ((size_t)1 << 17)

static struct csv_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    return csv_kit_set_up(&kit, state);
}

static void
a_report_and_its_bytes_are_the_same_thing(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        size_t size = version == 1 ? COCO_CSV_BODY_V1_SIZE : COCO_CSV_BODY_V2_SIZE;
        uint8_t bytes[COCO_CSV_BODY_V2_SIZE];
        uint8_t back[COCO_CSV_BODY_V2_SIZE];
        struct coco_csv_report report;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(i * 5 + i / 256 + version);
        assert_ok(coco_csv_report_parse(bytes, size, version, &report, &err), err);
        assert_int_equal(coco_csv_report_format(&report, back), size);
        assert_memory_equal(back, bytes, size);
        for (size_t len = 0; len < size; len++)
            assert_fails(coco_csv_report_parse(bytes, len, version, &report, &err), err,
                         COCO_ERR_PROTO, "ends after");
    }
    struct coco_csv_report report;
    assert_fails(coco_csv_report_parse("", 0, 3, &report, &err), err, COCO_ERR_NOTSUP,
                 "of version 3");
}

static void
fields_are_where_upstream_has_them(void **state)
{
    uint8_t bytes[COCO_CSV_BODY_V2_SIZE];
    struct coco_csv_report r;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i + i / 256);
    assert_ok(coco_csv_report_parse(bytes, sizeof(bytes), 2, &r, &err), err);
    assert_memory_equal(r.vm_id, bytes + 32, 16);
    assert_memory_equal(r.report_data, bytes + 64, 64);
    assert_memory_equal(r.mnonce, bytes + 128, 16);
    assert_memory_equal(r.measure, bytes + 144, 32);
    assert_int_equal(r.policy & 0xff, bytes[176]);
    assert_int_equal(r.sig_algo & 0xff, bytes[184]);
    assert_int_equal(r.build & 0xff, bytes[188]);
    assert_int_equal(r.rtmr_version & 0xff, bytes[192]);
    assert_memory_equal(r.rtmr[0], bytes + 208, 32);
    assert_memory_equal(r.rtmr[4], bytes + 336, 32);
    assert_memory_equal(r.signature.r, bytes + 1024, 72);

    assert_ok(coco_csv_report_parse(bytes, COCO_CSV_BODY_V1_SIZE, 1, &r, &err), err);
    assert_int_equal(r.anonce & 0xff, bytes[188]);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(r.report_data[i], bytes[64 + i] ^ bytes[188 + i % 4]);
    assert_memory_equal(r.signature.s, bytes + 264, 72);
}

static struct coco_csv_evidence
some_evidence(uint32_t version, bool whole)
{
    struct coco_csv_evidence evidence = {
        .report = csv_kit_report(version),
        .has_hsk_cek = whole,
        .hsk = kit.hsk,
        .cek = kit.cek,
        .pek = kit.pek,
        .serial_number = "NZA9T14052605",
        .eventlog = {.limit = 100},
    };

    csv_kit_sign(&kit, &evidence.report);
    if (whole)
        assert_ok(coco_buf_append(&evidence.eventlog, "log", 3, &err), err);
    return evidence;
}

static void
evidence_is_read_as_it_was_written(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        _cleanup_csv_evidence_ struct coco_csv_evidence made = some_evidence(version, version == 2);
        _cleanup_csv_evidence_ struct coco_csv_evidence read = {0};
        _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
        _cleanup_buf_ struct coco_buf again = {.limit = EVIDENCE_MAX};
        _cleanup_json_ cJSON *object = NULL;

        assert_ok(coco_csv_evidence_format(&made, &text, &err), err);
        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        assert_ok(coco_csv_evidence_parse(object, &read, &err), err);
        assert_int_equal(read.report.version, version);
        assert_string_equal(read.serial_number, "NZA9T14052605");
        assert_int_equal(read.has_hsk_cek, version == 2);
        assert_ok(coco_csv_evidence_format(&read, &again, &err), err);
        assert_string_equal(coco_buf_text(&again), coco_buf_text(&text));
    }
}

static void
replace(cJSON *object, const char *name, const char *value)
{
    _cleanup_json_ cJSON *holder = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};

    assert_ok(coco_buf_printf(&text, &err, "{\"value\":%s}", value), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &holder, &err), err);
    assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
        object, name, cJSON_DetachItemFromObjectCaseSensitive(holder, "value")));
}

static void
malformed_evidence_is_refused(void **state)
{
    static const struct {
        const char *in;
        const char *name;
        const char *value;
        const char *why;
    } cases[] = {
        {NULL, "attestation_report", "null", "'attestation_report' is missing"},
        {NULL, "cert_chain", "{}", "'pek' is missing"},
        {NULL, "serial_number", "[1]", "has 1 bytes, not 64"},
        {NULL, "cc_eventlog", "\"?\"", "cc_eventlog"},
        {NULL, "cc_eventlog", "7", "is not a string"},
        {"attestation_report", "magic", "[0]", "has 1 bytes, not 16"},
        {"attestation_report", "magic", "[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
         "'magic' is not known"},
        {"attestation_report", "flags", "2", "'flags' is not known"},
        {"attestation_report", "data", "[0]", "has 1 bytes, not 4096"},
        {"cert_chain", "hsk_cek", "{}", "'hsk' is missing"},
    };
    static const char *const serials[] = {"0", "46,46,47", "65,0,65", "10", "195,164"};
    _cleanup_csv_evidence_ struct coco_csv_evidence made = some_evidence(2, true);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    struct coco_csv_evidence none = {0};

    (void)state;
    assert_ok(coco_csv_evidence_format(&made, &text, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *object = NULL;

        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        replace(cases[i].in ? cJSON_GetObjectItemCaseSensitive(object, cases[i].in) : object,
                cases[i].name, cases[i].value);
        assert_fails(coco_csv_evidence_parse(object, &none, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        _cleanup_json_ cJSON *object = NULL;
        _cleanup_buf_ struct coco_buf array = {.limit = 400};
        size_t commas = 0;

        for (const char *p = serials[i]; *p; p++)
            commas += *p == ',';
        assert_ok(coco_buf_printf(&array, &err, "[%s", serials[i]), err);
        for (size_t n = commas + 1; n < COCO_CSV_SERIAL_SIZE; n++)
            assert_ok(coco_buf_append_text(&array, ",0", &err), err);
        assert_ok(coco_buf_append_text(&array, "]", &err), err);
        assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
        replace(object, "serial_number", coco_buf_text(&array));
        assert_fails(coco_csv_evidence_parse(object, &none, &err), err, COCO_ERR_PROTO,
                     "'serial_number' is none");
    }
}

static void
an_extended_report_says_so_twice(void **state)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence made = some_evidence(2, false);
    _cleanup_csv_evidence_ struct coco_csv_evidence read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_csv_evidence_format(&made, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    replace(cJSON_GetObjectItemCaseSensitive(object, "attestation_report"), "flags", "0");
    assert_ok(coco_csv_evidence_parse(object, &read, &err), err);
    assert_int_equal(read.report.version, 1);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_csv_evidence_ struct coco_csv_evidence made = some_evidence(2, false);
    _cleanup_buf_ struct coco_buf text = {.limit = EVIDENCE_MAX};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_buf_append(&made.eventlog, "log", 3, &err), err);
    assert_ok(coco_csv_evidence_format(&made, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    for_each_fault()
    {
        _cleanup_csv_evidence_ struct coco_csv_evidence read = {0};

        coco_status status = coco_csv_evidence_parse(object, &read, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_and_its_bytes_are_the_same_thing),
        cmocka_unit_test(fields_are_where_upstream_has_them),
        cmocka_unit_test(evidence_is_read_as_it_was_written),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(an_extended_report_says_so_twice),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/csv", tests, setup, csv_kit_tear_down);
}
