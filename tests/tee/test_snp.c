/*
 * tests/tee/test_snp.c - lib/tee/snp.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;

/* A report whose every byte tells where it is; cpu says which product it is of. */
static void
fill(uint8_t bytes[COCO_SNP_REPORT_SIZE], uint8_t version, uint8_t family, uint8_t model)
{
    /* What is reserved in the versions, and in the two forms of a TCB. */
    const struct {
        size_t at;
        size_t len;
        bool reserved;
    } holes[] = {
        {0x04c, 4, true},
        {0x188, 3, version < 3},
        {0x18b, 21, true},
        {0x1eb, 1, true},
        {0x1ef, 1, true},
        {0x1f8, 16, version < 5},
        {0x208, 0x2a0 - 0x208, true},
        {0x330, 0x4a0 - 0x330, true},
    };
    static const size_t tcbs[] = {0x038, 0x180, 0x1e0, 0x1f0};

    for (size_t i = 0; i < COCO_SNP_REPORT_SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256 + 1);
    for (size_t i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
        memset(bytes + tcbs[i] + (family == 0x1a ? 4 : 2), 0, family == 0x1a ? 3 : 4);
    memset(bytes, 0, 4);
    bytes[0] = version;
    bytes[0x188] = family;
    bytes[0x189] = model;
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++)
        if (holes[i].reserved)
            memset(bytes + holes[i].at, 0, holes[i].len);
}

static const struct {
    uint8_t version;
    uint8_t family;
    uint8_t model;
    enum coco_snp_product product;
} kinds[] = {
    {2, 0x19, 0x01, COCO_SNP_UNKNOWN}, {3, 0x19, 0x01, COCO_SNP_MILAN},
    {3, 0x19, 0xa0, COCO_SNP_GENOA},   {3, 0x1a, 0x11, COCO_SNP_TURIN},
    {4, 0x19, 0x11, COCO_SNP_GENOA},   {5, 0x19, 0x11, COCO_SNP_GENOA},
    {5, 0x1a, 0x02, COCO_SNP_TURIN},   {5, 0x1b, 0x00, COCO_SNP_UNKNOWN},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Byte -> structure -> JSON -> structure -> bytes, for each kind. */
static void
a_report_and_its_bytes_are_the_same_thing(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t bytes[COCO_SNP_REPORT_SIZE];
        uint8_t back[COCO_SNP_REPORT_SIZE];
        struct coco_snp_report report;
        struct coco_snp_report read;
        _cleanup_json_ cJSON *object = NULL;

        fill(bytes, kinds[i].version, kinds[i].family, kinds[i].model);
        assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), &report, &err), err);
        assert_int_equal(coco_snp_product_of(&report), kinds[i].product);
        coco_snp_report_format(&report, back);
        assert_memory_equal(back, bytes, sizeof(bytes));

        assert_ok(coco_json_new_object(&object, &err), err);
        assert_ok(coco_snp_report_to_json(&report, object, &err), err);
        assert_ok(coco_snp_report_from_json(object, &read, &err), err);
        coco_snp_report_format(&read, back);
        assert_memory_equal(back, bytes, sizeof(bytes));
    }
}

/* The layout is a format: compared with AMD's table, not with itself. */
static void
fields_are_where_the_specification_has_them(void **state)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    struct coco_snp_report r;

    (void)state;
    fill(bytes, 5, 0x1a, 0x02);
    assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), &r, &err), err);
    assert_int_equal(r.version, 5);
    assert_int_equal(r.guest_svn & 0xff, bytes[4]);
    assert_int_equal(r.policy >> 56, bytes[0xf]);
    assert_int_equal(r.vmpl & 0xff, bytes[0x30]);
    assert_int_equal(r.key_info >> 24, bytes[0x4b]);
    assert_memory_equal(r.report_data, bytes + 0x50, 64);
    assert_memory_equal(r.measurement, bytes + 0x90, 48);
    assert_memory_equal(r.host_data, bytes + 0xc0, 32);
    assert_memory_equal(r.report_id_ma, bytes + 0x160, 32);
    assert_int_equal(r.reported_tcb.fmc, bytes[0x180]);
    assert_int_equal(r.reported_tcb.bootloader, bytes[0x181]);
    assert_int_equal(r.reported_tcb.tee, bytes[0x182]);
    assert_int_equal(r.reported_tcb.snp, bytes[0x183]);
    assert_int_equal(r.reported_tcb.microcode, bytes[0x187]);
    assert_memory_equal(r.chip_id, bytes + 0x1a0, 64);
    assert_int_equal(r.current.build, bytes[0x1e8]);
    assert_int_equal(r.current.minor, bytes[0x1e9]);
    assert_int_equal(r.current.major, bytes[0x1ea]);
    assert_int_equal(r.launch_mitigations & 0xff, bytes[0x1f8]);
    assert_memory_equal(r.s, bytes + 0x2e8, 72);

    fill(bytes, 3, 0x19, 0x02);
    assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), &r, &err), err);
    assert_int_equal(r.reported_tcb.fmc, 0);
    assert_int_equal(r.reported_tcb.bootloader, bytes[0x180]);
    assert_int_equal(r.reported_tcb.tee, bytes[0x181]);
    assert_int_equal(r.reported_tcb.snp, bytes[0x186]);
    assert_int_equal(r.reported_tcb.microcode, bytes[0x187]);
}

/* Every bit is of a field, and comes back, or is reserved, and refused. */
static void
no_bit_is_passed_over(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t bytes[COCO_SNP_REPORT_SIZE];
        size_t refused = 0;

        fill(bytes, kinds[i].version, kinds[i].family, kinds[i].model);
        for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
            uint8_t back[COCO_SNP_REPORT_SIZE];
            struct coco_snp_report report;

            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (coco_snp_report_parse(bytes, sizeof(bytes), &report, NULL) == COCO_OK) {
                coco_snp_report_format(&report, back);
                assert_memory_equal(back, bytes, sizeof(bytes));
            } else {
                refused++;
            }
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        assert_true(refused >= 8 * (4 + 21 + 2 + 0x98 + 0x170) && refused < 8 * 700);
    }
}

static void
reports_of_another_size_or_age_are_refused(void **state)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE + 1] = {3};
    struct coco_snp_report report;

    (void)state;
    for (size_t len = 0; len <= sizeof(bytes); len++)
        if (len != COCO_SNP_REPORT_SIZE)
            assert_fails(coco_snp_report_parse(bytes, len, &report, &err), err, COCO_ERR_PROTO,
                         "not 1184");
    for (uint8_t version = 0; version < 2; version++) {
        bytes[0] = version;
        assert_fails(coco_snp_report_parse(bytes, COCO_SNP_REPORT_SIZE, &report, &err), err,
                     COCO_ERR_NOTSUP, "of version");
    }
}

static cJSON *
to_json(uint8_t version, uint8_t family)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    struct coco_snp_report report;
    cJSON *object = NULL;

    fill(bytes, version, family, 1);
    assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), &report, &err), err);
    assert_ok(coco_json_new_object(&object, &err), err);
    assert_ok(coco_snp_report_to_json(&report, object, &err), err);
    return object;
}

static void
json_has_the_names_and_order_of_upstream(void **state)
{
    static const char *const names[] = {
        "version",
        "guest_svn",
        "policy",
        "family_id",
        "image_id",
        "vmpl",
        "sig_algo",
        "current_tcb",
        "plat_info",
        "key_info",
        "report_data",
        "measurement",
        "host_data",
        "id_key_digest",
        "author_key_digest",
        "report_id",
        "report_id_ma",
        "reported_tcb",
        "cpuid_fam_id",
        "cpuid_mod_id",
        "cpuid_step",
        "chip_id",
        "committed_tcb",
        "current",
        "committed",
        "launch_tcb",
        "launch_mit_vector",
        "current_mit_vector",
        "signature",
    };
    _cleanup_json_ cJSON *object = to_json(2, 0x19);
    const cJSON *item = object->child;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, item = item->next) {
        assert_non_null(item);
        assert_string_equal(item->string, names[i]);
    }
    assert_null(item);
    item = cJSON_GetObjectItemCaseSensitive(object, "cpuid_fam_id");
    assert_true(cJSON_IsNull(item));
    item = cJSON_GetObjectItemCaseSensitive(object, "reported_tcb");
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(item, "fmc")));
}

/* Writers older than a version do not know its members. */
static void
members_of_newer_versions_may_be_missing(void **state)
{
    static const char *const names[] = {"cpuid_fam_id", "cpuid_mod_id", "cpuid_step",
                                        "launch_mit_vector", "current_mit_vector"};
    _cleanup_json_ cJSON *object = to_json(5, 0x19);
    struct coco_snp_report report;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(object, names[i]);
    assert_ok(coco_snp_report_from_json(object, &report, &err), err);
    assert_int_equal(report.cpu_family, 0);
    assert_int_equal(report.current_mitigations, 0);
}

static void
malformed_json_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        const char *why;
    } cases[] = {
        {"version", "4294967296", "'version' is too large"},
        {"version", "1", "version 1"},
        {"version", "null", "'version' is missing"},
        {"cpuid_fam_id", "256", "'cpuid_fam_id' is too large"},
        {"policy", "18446744073709551616", "'policy'"},
        {"policy", "-1", "'policy'"},
        {"chip_id", "[]", "'chip_id' has 0 bytes, not 64"},
        {"report_data", "\"\"", "'report_data' is not an array"},
        {"reported_tcb", "7", "'reported_tcb' is not an object"},
        {"reported_tcb", "{\"bootloader\":1,\"tee\":0,\"snp\":0}", "'microcode' is missing"},
        {"reported_tcb", "{\"bootloader\":256,\"tee\":0,\"snp\":0,\"microcode\":1}",
         "'bootloader' is too large"},
        {"current", "{\"major\":1,\"minor\":2}", "'build' is missing"},
        {"signature", "{\"r\":[]}", "'r' has 0 bytes"},
        {"signature", "null", "'signature' is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *object = to_json(3, 0x19);
        char text[200];
        cJSON *holder = NULL;
        struct coco_snp_report report;

        (void)snprintf(text, sizeof(text), "{\"value\":%s}", cases[i].value);
        assert_ok(coco_json_parse_object(text, strlen(text), &holder, &err), err);
        assert_true(cJSON_ReplaceItemInObjectCaseSensitive(
            object, cases[i].name, cJSON_DetachItemFromObjectCaseSensitive(holder, "value")));
        coco_json_free(holder);
        coco_status status = coco_snp_report_from_json(object, &report, &err);
        assert_fails(status, err,
                     strcmp(cases[i].value, "1") == 0 ? COCO_ERR_NOTSUP : COCO_ERR_PROTO,
                     cases[i].why);
    }
}

static void
products_are_told_by_name(void **state)
{
    static const struct {
        const char *name;
        enum coco_snp_product product;
    } cases[] = {
        {"Milan", COCO_SNP_MILAN},    {"Milan-B0", COCO_SNP_MILAN}, {"Genoa", COCO_SNP_GENOA},
        {"Turin", COCO_SNP_TURIN},    {"", COCO_SNP_UNKNOWN},       {"Mila", COCO_SNP_UNKNOWN},
        {"milan", COCO_SNP_UNKNOWN},  {"Milano", COCO_SNP_UNKNOWN}, {"unknown", COCO_SNP_UNKNOWN},
        {"Venice", COCO_SNP_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(coco_snp_product_parse(cases[i].name, strlen(cases[i].name)),
                         cases[i].product);
    assert_string_equal(coco_snp_product_name(COCO_SNP_TURIN), "Turin");
}

static void
who_signed_is_in_key_info(void **state)
{
    struct coco_snp_report report = {.key_info = 0x3};

    (void)state;
    assert_int_equal(coco_snp_signer_of(&report), COCO_SNP_VCEK);
    report.key_info = 0x4;
    assert_int_equal(coco_snp_signer_of(&report), COCO_SNP_VLEK);
    report.key_info = 0x1c;
    assert_int_equal(coco_snp_signer_of(&report), COCO_SNP_NOBODY);
    assert_true(coco_snp_chip_id_is_masked(&report));
    report.chip_id[63] = 1;
    assert_false(coco_snp_chip_id_is_masked(&report));
}

static void
json_survives_any_failed_allocation(void **state)
{
    uint8_t bytes[COCO_SNP_REPORT_SIZE];
    struct coco_snp_report report;

    (void)state;
    fill(bytes, 5, 0x1a, 2);
    assert_ok(coco_snp_report_parse(bytes, sizeof(bytes), &report, &err), err);
    for_each_fault()
    {
        _cleanup_json_ cJSON *object = NULL;

        coco_status status = coco_json_new_object(&object, &err);
        if (status == COCO_OK)
            status = coco_snp_report_to_json(&report, object, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_and_its_bytes_are_the_same_thing),
        cmocka_unit_test(fields_are_where_the_specification_has_them),
        cmocka_unit_test(no_bit_is_passed_over),
        cmocka_unit_test(reports_of_another_size_or_age_are_refused),
        cmocka_unit_test(json_has_the_names_and_order_of_upstream),
        cmocka_unit_test(members_of_newer_versions_may_be_missing),
        cmocka_unit_test(malformed_json_is_refused),
        cmocka_unit_test(products_are_told_by_name),
        cmocka_unit_test(who_signed_is_in_key_info),
        cmocka_unit_test(json_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/snp", tests, NULL, NULL);
}
