/*
 * tests/tee/test_hcl_evidence.c - lib/tee/hcl_evidence.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/hcl_evidence.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static coco_status
format(unsigned version, enum coco_hcl_hardware hardware, struct coco_buf *buf, coco_error **err)
{
    _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = coco_hcl_evidence_empty();

    evidence.version = version;
    for (size_t i = 0; i < COCO_TPM_PCRS; i++)
        memset(evidence.quote.pcrs[i], (int)i, COCO_TPM_PCR_SIZE);
    coco_status status = coco_buf_append_text(&evidence.quote.message, "message", err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&evidence.quote.signature, "signature", err);
    if (status == COCO_OK)
        status = coco_buf_append(&evidence.report, "\xff\xfe", 2, err);
    if (status == COCO_OK)
        status = coco_buf_append(&evidence.voucher, "\xff\xef", 2, err);
    if (status == COCO_OK)
        status = coco_hcl_evidence_format(&evidence, hardware, buf, err);
    return status;
}

static coco_status
parse(const char *text, enum coco_hcl_hardware hardware, struct coco_hcl_evidence *ret,
      coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_parse_object(text, strlen(text), &object, err);
    if (status == COCO_OK)
        status = coco_hcl_evidence_parse(object, hardware, ret, err);
    return status;
}

static void
assert_parts(const struct coco_hcl_evidence *evidence, unsigned version)
{
    assert_int_equal(evidence->version, version);
    assert_string_equal(coco_buf_text(&evidence->quote.message), "message");
    assert_string_equal(coco_buf_text(&evidence->quote.signature), "signature");
    assert_string_equal(coco_buf_text(&evidence->report), "\xff\xfe");
}

static void
evidence_travels_as_upstreams_json(void **state)
{
    static const struct {
        enum coco_hcl_hardware hardware;
        const char *end;
    } cases[] = {
        {COCO_HCL_SNP, "1717\"]},\"hcl_report\":\"__4=\",\"vcek\":\"_-8=\"}"},
        {COCO_HCL_TDX, "1717\"]},\"hcl_report\":\"__4=\",\"td_quote\":\"_-8=\"}"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned version = 1; version <= 2; version++) {
            _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = {0};
            _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
            char start[200];

            assert_ok(format(version, cases[i].hardware, &buf, &err), err);
            (void)snprintf(start, sizeof(start),
                           "{\"version\":%u,\"tpm_quote\":{\"signature\":\"7369676e6174757265\","
                           "\"message\":\"6d657373616765\",\"pcrs\":[\"0000",
                           version);
            assert_contains(coco_buf_text(&buf), start);
            assert_contains(coco_buf_text(&buf), cases[i].end);
            assert_ok(parse(coco_buf_text(&buf), cases[i].hardware, &evidence, &err), err);
            assert_parts(&evidence, version);
            assert_string_equal(coco_buf_text(&evidence.voucher), "\xff\xef");
            for (size_t pcr = 0; pcr < COCO_TPM_PCRS; pcr++)
                assert_int_equal(evidence.quote.pcrs[pcr][31], pcr);
        }
}

#define PCR_0 "[9,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,255]"
#define PCRS_0_6 PCR_0 "," PCR_0 "," PCR_0 "," PCR_0 "," PCR_0 "," PCR_0
#define PCRS_0 PCRS_0_6 "," PCRS_0_6 "," PCRS_0_6 "," PCRS_0_6
#define QUOTE_0(pcrs)                                                                              \
    "{\"signature\":[115,105,103,110,97,116,117,114,101],"                                         \
    "\"message\":[109,101,115,115,97,103,101],\"pcrs\":[" pcrs "]}"
#define SNP_0(pcrs, report, vcek)                                                                  \
    "{\"quote\":" QUOTE_0(pcrs) ",\"report\":" report ",\"vcek\":" vcek "}"
#define TDX_0(pcrs, report, td_quote)                                                              \
    "{\"tpm_quote\":" QUOTE_0(pcrs) ",\"hcl_report\":" report ",\"td_quote\":" td_quote "}"

static void
version_0_has_bytes_as_numbers(void **state)
{
    _cleanup_hcl_evidence_ struct coco_hcl_evidence snp = {0};
    _cleanup_hcl_evidence_ struct coco_hcl_evidence tdx = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(SNP_0(PCRS_0, "[255,254]", "\"-----BEGIN\""), COCO_HCL_SNP, &snp, &err), err);
    assert_parts(&snp, 0);
    assert_string_equal(coco_buf_text(&snp.voucher), "-----BEGIN");
    assert_int_equal(snp.quote.pcrs[23][0], 9);
    assert_int_equal(snp.quote.pcrs[0][31], 255);

    assert_ok(parse(TDX_0(PCRS_0, "[255,254]", "[1,2]"), COCO_HCL_TDX, &tdx, &err), err);
    assert_parts(&tdx, 0);
    assert_int_equal(tdx.voucher.len, 2);
    assert_memory_equal(tdx.voucher.data, "\1\2", 2);
}

#define PCR "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define PCRS_6 PCR "," PCR "," PCR "," PCR "," PCR "," PCR
#define PCRS PCRS_6 "," PCRS_6 "," PCRS_6 "," PCRS_6
#define SNP(version, signature, pcrs, report, vcek)                                                \
    "{\"version\":" version ",\"tpm_quote\":{\"signature\":" signature                             \
    ",\"message\":\"\",\"pcrs\":[" pcrs "]},\"hcl_report\":" report ",\"vcek\":" vcek "}"

static void
hostile_evidence_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "quote"},
        {SNP("0", "\"\"", PCRS, "\"\"", "\"\""), COCO_ERR_NOTSUP, "version 0"},
        {SNP("3", "\"\"", PCRS, "\"\"", "\"\""), COCO_ERR_NOTSUP, "version 3"},
        {SNP("null", "\"\"", PCRS, "\"\"", "\"\""), COCO_ERR_PROTO, "version"},
        {SNP("\"1\"", "\"\"", PCRS, "\"\"", "\"\""), COCO_ERR_PROTO, "version"},
        {SNP("1", "\"0\"", PCRS, "\"\"", "\"\""), COCO_ERR_PROTO, "signature: is not hex"},
        {SNP("1", "\"0g\"", PCRS, "\"\"", "\"\""), COCO_ERR_PROTO, "signature: is not hex"},
        {SNP("1", "[0]", PCRS, "\"\"", "\"\""), COCO_ERR_PROTO, "signature"},
        {SNP("1", "\"\"", PCR_0, "\"\"", "\"\""), COCO_ERR_PROTO, "pcrs"},
        {SNP("1", "\"\"", PCRS_0, "\"\"", "\"\""), COCO_ERR_PROTO, "pcrs"},
        {SNP("1", "\"\"", PCRS, "\"_w\"", "\"\""), COCO_ERR_PROTO, "hcl_report"},
        {SNP("1", "\"\"", PCRS, "[0]", "\"\""), COCO_ERR_PROTO, "hcl_report"},
        {SNP("1", "\"\"", PCRS, "\"\"", "\"/w==\""), COCO_ERR_PROTO, "vcek"},
        {SNP("1", "\"\"", PCRS, "\"\"", "\"\",\"td_quote\":1"), COCO_ERR_PROTO, "td_quote"},
        {TDX_0(PCRS_0, "[]", "[]"), COCO_ERR_PROTO, "tpm_quote"},
        {SNP_0(PCRS, "[]", "\"\""), COCO_ERR_PROTO, "pcrs"},
        {SNP_0(PCR_0, "[]", "\"\""), COCO_ERR_PROTO, "pcrs: are not 24"},
        {SNP_0(PCRS_0 "," PCR_0, "[]", "\"\""), COCO_ERR_PROTO, "pcrs: are not 24"},
        {SNP_0(PCRS_0, "[256]", "\"\""), COCO_ERR_PROTO, "'report' has what is no byte"},
        {SNP_0(PCRS_0, "[-1]", "\"\""), COCO_ERR_PROTO, "'report' has what is no byte"},
        {SNP_0(PCRS_0, "[1.5]", "\"\""), COCO_ERR_PROTO, "'report' has what is no byte"},
        {SNP_0(PCRS_0, "[[1]]", "\"\""), COCO_ERR_PROTO, "'report' has what is no byte"},
        {SNP_0(PCRS_0, "\"\"", "\"\""), COCO_ERR_PROTO, "report"},
        {SNP_0(PCRS_0, "[]", "[]"), COCO_ERR_PROTO, "vcek"},
    };
    _cleanup_hcl_evidence_ struct coco_hcl_evidence good = {0};
    struct coco_hcl_evidence evidence;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(parse(cases[i].text, COCO_HCL_SNP, &evidence, &err), err, cases[i].status,
                     cases[i].why);
    assert_ok(parse(SNP("2", "\"\"", PCRS, "\"\"", "\"\""), COCO_HCL_SNP, &good, &err), err);
}

static void
parts_larger_than_any_are_refused(void **state)
{
    static const struct {
        int signature;
        int report;
        int vcek;
        const char *why;
    } cases[] = {
        {2050, 4, 4, "signature"},
        {4, 24000, 4, "hcl_report"},
        {4, 4, 24000, "vcek"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        struct coco_hcl_evidence evidence;

        assert_ok(coco_buf_printf(&text, &err,
                                  "{\"version\":2,\"tpm_quote\":{\"signature\":\"%0*d\","
                                  "\"message\":\"\",\"pcrs\":[" PCRS "]},\"hcl_report\":\"%0*d\","
                                  "\"vcek\":\"%0*d\"}",
                                  cases[i].signature, 0, cases[i].report, 0, cases[i].vcek, 0),
                  err);
        assert_fails(parse(coco_buf_text(&text), COCO_HCL_SNP, &evidence, &err), err,
                     COCO_ERR_LIMIT, cases[i].why);
    }
}

static void
version_0_is_not_made_any_more(void **state)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_fails(format(0, COCO_HCL_SNP, &buf, &err), err, COCO_ERR_INVALID, "version 0");
    assert_fails(format(3, COCO_HCL_TDX, &buf, &err), err, COCO_ERR_INVALID, "version 3");
}

static void
evidence_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_hcl_evidence_ struct coco_hcl_evidence evidence = {0};
        _cleanup_hcl_evidence_ struct coco_hcl_evidence older = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 4096};
        coco_error *err = NULL;

        coco_status status = format(2, COCO_HCL_SNP, &buf, &err);
        if (status == COCO_OK)
            status = parse(coco_buf_text(&buf), COCO_HCL_SNP, &evidence, &err);
        if (status == COCO_OK)
            status = parse(TDX_0(PCRS_0, "[1]", "[1]"), COCO_HCL_TDX, &older, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_travels_as_upstreams_json),
        cmocka_unit_test(version_0_has_bytes_as_numbers),
        cmocka_unit_test(hostile_evidence_is_refused),
        cmocka_unit_test(parts_larger_than_any_are_refused),
        cmocka_unit_test(version_0_is_not_made_any_more),
        cmocka_unit_test(evidence_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
