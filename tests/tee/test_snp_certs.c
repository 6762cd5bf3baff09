/*
 * tests/tee/test_snp_certs.c - lib/tee/snp_certs.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/snp_certs.h"

#include "tests/faults.h"

#include <string.h>

static coco_error *err;

#define VCEK_GUID "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd"
#define EXTRA_GUID "\xec\xae\x0c\x0f\x95\x02\x43\xb1\xaf\xa2\x0a\xe2\xe0\xd5\x65\xb6"
#define ZEROS_24 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* Two entries, the end, and 3 + 2 bytes. */
static const char table[] =
    VCEK_GUID "\x48\0\0\0\x03\0\0\0" EXTRA_GUID "\x4b\0\0\0\x02\0\0\0" ZEROS_24 "abcde";

#define TABLE_LEN (sizeof(table) - 1)

static void
a_table_is_read_and_written(void **state)
{
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
    _cleanup_buf_ struct coco_buf back = {.limit = 1000};

    (void)state;
    assert_ok(coco_snp_certs_parse(table, TABLE_LEN, &certs, &err), err);
    assert_int_equal(certs.n, 2);
    assert_int_equal(certs.list[0].kind, COCO_SNP_CERT_VCEK);
    assert_int_equal(certs.list[1].kind, COCO_SNP_CERT_OTHER);
    assert_string_equal(coco_buf_text(coco_snp_certs_find(&certs, COCO_SNP_CERT_VCEK)), "abc");
    assert_string_equal(coco_buf_text(&certs.list[1].data), "de");
    assert_null(coco_snp_certs_find(&certs, COCO_SNP_CERT_ARK));
    assert_ok(coco_snp_certs_format(&certs, &back, &err), err);
    assert_int_equal(back.len, TABLE_LEN);
    assert_memory_equal(back.data, table, TABLE_LEN);
}

static void
no_certificate_is_a_table_as_well(void **state)
{
    static const uint8_t page[4096];
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};

    (void)state;
    assert_ok(coco_snp_certs_parse(NULL, 0, &certs, &err), err);
    assert_int_equal(certs.n, 0);
    assert_ok(coco_snp_certs_parse(page, sizeof(page), &certs, &err), err);
    assert_int_equal(certs.n, 0);
}

static void
every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t len = 1; len < TABLE_LEN; len++) {
        struct coco_snp_certs certs = {0};

        assert_fails(coco_snp_certs_parse(table, len, &certs, &err), err, COCO_ERR_PROTO,
                     "certificate table: ends after");
        assert_int_equal(certs.n, 0);
    }
}

static void
entries_that_lead_elsewhere_are_refused(void **state)
{
    static const struct {
        size_t at;
        const char *bytes;
        const char *why;
    } cases[] = {
        {16, "\x00\x00\x00\x00", "is of the table"}, {16, "\x47\x00\x00\x00", "is of the table"},
        {16, "\x4b\x00\x00\x00", "ends after"},      {16, "\xff\xff\xff\xff", "ends after"},
        {20, "\xff\xff\xff\xff", "ends after"},      {20, "\x06\x00\x00\x00", "ends after"},
        {44, "\x03\x00\x00\x00", "ends after"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_snp_certs certs = {0};
        uint8_t bytes[TABLE_LEN];

        memcpy(bytes, table, TABLE_LEN);
        memcpy(bytes + cases[i].at, cases[i].bytes, 4);
        assert_fails(coco_snp_certs_parse(bytes, TABLE_LEN, &certs, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
    }
}

static void
a_table_without_end_is_refused(void **state)
{
    static uint8_t bytes[24 * 100];
    struct coco_snp_certs certs = {0};

    (void)state;
    memset(bytes, 1, sizeof(bytes));
    assert_fails(coco_snp_certs_parse(bytes, sizeof(bytes), &certs, &err), err, COCO_ERR_PROTO,
                 "ends after 2400 bytes");
    memset(bytes + sizeof(bytes) - 24, 0, 24);
    for (size_t i = 0; i < 99; i++) { /* all of one empty certificate, behind the table */
        memset(bytes + 24 * i + 16, 0, 8);
        bytes[24 * i + 16] = 0x60;
        bytes[24 * i + 17] = 0x09;
    }
    assert_fails(coco_snp_certs_parse(bytes, sizeof(bytes), &certs, &err), err, COCO_ERR_LIMIT,
                 "more than 16");
    assert_fails(coco_snp_certs_parse(bytes, COCO_SNP_CERT_TABLE_MAX + 1, &certs, &err), err,
                 COCO_ERR_LIMIT, "certificate table of");
}

static struct coco_snp_evidence
some_evidence(void)
{
    struct coco_snp_evidence evidence = {.report = {.version = 3, .cpu_family = 0x19}};

    assert_ok(coco_snp_certs_parse(table, TABLE_LEN, &evidence.certs, &err), err);
    return evidence;
}

static void
evidence_is_read_as_it_was_written(void **state)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = some_evidence();
    _cleanup_snp_evidence_ struct coco_snp_evidence read = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf certs = {.limit = 1000};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_snp_evidence_format(&evidence, &text, &err), err);
    assert_contains(coco_buf_text(&text),
                    "\"cert_chain\":[{\"cert_type\":\"VCEK\",\"data\":[97,98,99]},{\"cert_type\":"
                    "{\"OTHER\":\"ecae0c0f-9502-43b1-afa2-0ae2e0d565b6\"},\"data\":[100,101]}]}");
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    assert_ok(coco_snp_evidence_parse(object, &read, &err), err);
    assert_memory_equal(&read.report, &evidence.report, sizeof(read.report));
    assert_ok(coco_snp_certs_format(&read.certs, &certs, &err), err);
    assert_memory_equal(certs.data, table, TABLE_LEN);
}

static void
evidence_without_certificates_says_null(void **state)
{
    struct coco_snp_evidence evidence = {.report = {.version = 3}};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_snp_evidence_ struct coco_snp_evidence read = {0};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_snp_evidence_format(&evidence, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"cert_chain\":null}");
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    assert_ok(coco_snp_evidence_parse(object, &read, &err), err);
    assert_int_equal(read.certs.n, 0);
    cJSON_DeleteItemFromObjectCaseSensitive(object, "cert_chain");
    assert_ok(coco_snp_evidence_parse(object, &read, &err), err);
}

static void
malformed_evidence_is_refused(void **state)
{
    static const struct {
        const char *chain;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "not an array"},
        {"[1]", COCO_ERR_PROTO, "what is no object"},
        {"[{}]", COCO_ERR_PROTO, "'cert_type' is missing"},
        {"[{\"cert_type\":1,\"data\":[]}]", COCO_ERR_PROTO, "of no type"},
        {"[{\"cert_type\":\"VCEK\"}]", COCO_ERR_PROTO, "'data' is missing"},
        {"[{\"cert_type\":\"VCEK\",\"data\":[256]}]", COCO_ERR_PROTO, "no byte"},
        {"[{\"cert_type\":{\"OTHER\":\"x\"},\"data\":[]}]", COCO_ERR_PROTO, "no UUID"},
        {"[{\"cert_type\":{\"OTHER\":\"ecae0c0f-9502-43b1-afa2-0ae2e0d565bg\"},\"data\":[]}]",
         COCO_ERR_PROTO, "no UUID"},
        {"[{\"cert_type\":{\"OTHER\":\"ecae0c0f99502-43b1-afa2-0ae2e0d565b6\"},\"data\":[]}]",
         COCO_ERR_PROTO, "no UUID"},
    };
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = some_evidence();
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

    (void)state;
    assert_ok(coco_snp_evidence_format(&evidence, &text, &err), err);
    size_t head = (size_t)(strstr(coco_buf_text(&text), "\"cert_chain\"") - coco_buf_text(&text));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf bad = {.limit = 1 << 16};
        _cleanup_json_ cJSON *object = NULL;
        struct coco_snp_evidence none = {0};

        assert_ok(coco_buf_append(&bad, text.data, head, &err), err);
        assert_ok(coco_buf_printf(&bad, &err, "\"cert_chain\":%s}", cases[i].chain), err);
        assert_ok(coco_json_parse_object(coco_buf_text(&bad), bad.len, &object, &err), err);
        assert_fails(coco_snp_evidence_parse(object, &none, &err), err, cases[i].status,
                     cases[i].why);
    }
}

static void
the_table_of_a_host_is_read(void **state)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture("snp/certs_table_generated.bin", &len);
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};

    (void)state;
    assert_ok(coco_snp_certs_parse(bytes, len, &certs, &err), err);
    assert_int_equal(certs.n, 3);
    assert_int_equal(coco_snp_certs_find(&certs, COCO_SNP_CERT_VCEK)->len, 1360);
    assert_non_null(coco_snp_certs_find(&certs, COCO_SNP_CERT_ASK));
    assert_non_null(coco_snp_certs_find(&certs, COCO_SNP_CERT_ARK));
}

/* What upstream's attester sent comes out as it went in, but for members that are newer. */
static void
evidence_of_upstream_is_read(void **state)
{
    size_t len = 0;
    size_t want_len = 0;
    _cleanup_free_ char *text = read_fixture("snp/as_e2e_evidence.json", &len);
    _cleanup_free_ char *want = read_fixture("snp/as_e2e_report.bin", &want_len);
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = {0};
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf back = {.limit = 1 << 16};
    uint8_t bytes[COCO_SNP_REPORT_SIZE];

    (void)state;
    assert_ok(coco_json_parse_object(text, len, &object, &err), err);
    assert_ok(coco_snp_evidence_parse(object, &evidence, &err), err);
    coco_snp_report_format(&evidence.report, bytes);
    assert_int_equal(want_len, sizeof(bytes));
    assert_memory_equal(bytes, want, sizeof(bytes));
    assert_int_equal(evidence.certs.n, 1);

    assert_ok(coco_snp_evidence_format(&evidence, &back, &err), err);
    char *newer =
        strstr((char *)back.data, "\"launch_mit_vector\":null,\"current_mit_vector\":null,");
    assert_non_null(newer);
    size_t cut = strlen("\"launch_mit_vector\":null,\"current_mit_vector\":null,");
    memmove(newer, newer + cut, strlen(newer + cut) + 1);
    assert_string_equal(coco_buf_text(&back), text);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_snp_evidence_ struct coco_snp_evidence evidence = some_evidence();
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_json_ cJSON *object = NULL;

    (void)state;
    assert_ok(coco_snp_evidence_format(&evidence, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &object, &err), err);
    for_each_fault()
    {
        _cleanup_snp_evidence_ struct coco_snp_evidence read = {0};
        _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
        _cleanup_buf_ struct coco_buf back = {.limit = 1000};

        coco_status status = coco_snp_evidence_parse(object, &read, &err);
        if (status == COCO_OK)
            status = coco_snp_certs_parse(table, TABLE_LEN, &certs, &err);
        if (status == COCO_OK)
            status = coco_snp_certs_format(&certs, &back, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_and_written),
        cmocka_unit_test(no_certificate_is_a_table_as_well),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(entries_that_lead_elsewhere_are_refused),
        cmocka_unit_test(a_table_without_end_is_refused),
        cmocka_unit_test(evidence_is_read_as_it_was_written),
        cmocka_unit_test(evidence_without_certificates_says_null),
        cmocka_unit_test(malformed_evidence_is_refused),
        cmocka_unit_test(the_table_of_a_host_is_read),
        cmocka_unit_test(evidence_of_upstream_is_read),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/snp_certs", tests, NULL, NULL);
}
