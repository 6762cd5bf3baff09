/*
 * tests/attester/test_tdx.c - lib/attester/tdx.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tdx.h"

#include "base/json.h"
#include "tee/eventlog.h"
#include "tee/quote.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MEASUREMENTS "/sys/devices/virtual/misc/tdx_guest/measurements/"

struct fixture {
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    struct coco_buf quote;
    struct coco_buf written;
    struct coco_tdreport report;
    uint16_t version;
    enum coco_quote_body body;
    bool other; /* the quote is for other report data */
};

/* What the kernel has a quote for: a quote of whatever was written to inblob. */
static void
answer(struct fake_kernel *fake)
{
    struct fixture *f = fake->user;
    struct coco_quote quote = {
        .header = coco_quote_header_of(f->version, f->body),
        .body = f->body,
        .auth = (const uint8_t *)"auth",
        .auth_len = 4,
        .certification = COCO_CERTIFICATION_PCK_CHAIN,
        .certification_data = (const uint8_t *)"pem",
        .certification_len = 3,
    };

    faults_pause();
    memcpy(quote.td.report_data, fake->inblob, sizeof(quote.td.report_data));
    memcpy(quote.sgx.report_data, fake->inblob, sizeof(quote.sgx.report_data));
    quote.td.report_data[63] ^= f->other;
    coco_buf_reset(&f->quote);
    assert_ok(coco_quote_format(&quote, &f->quote, &f->err), f->err);
    fake->out = f->quote.data;
    fake->out_len = f->quote.len;
    faults_resume();
}

static int
ioctl_report(struct fake_kernel *fake, unsigned long request, void *arg)
{
    struct fixture *f = fake->user;
    struct coco_tdx_report_request *asked = arg;

    if (request != COCO_TDX_GET_REPORT0)
        return ENOTTY;
    memcpy(asked->report, &f->report, sizeof(asked->report));
    return 0;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.quote = {.limit = COCO_QUOTE_SIZE_MAX},
                          .written = {.limit = 4096},
                          .version = 4,
                          .body = COCO_QUOTE_TD10};
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.provider = "tdx_guest\n";
    f->fake.answer = answer;
    f->fake.ioctl = ioctl_report;
    fake_machine_begin(&f->fake, &coco_tdx_attester, &f->ctx, &f->attester);
    *state = f;
    return unsetenv("AAEL_PATH");
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_buf_done(&f->quote);
    coco_buf_done(&f->written);
    return 0;
}

static coco_status
collect(struct fixture *f, coco_bytes **ret)
{
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, ret, &f->err);
}

static cJSON *
parse(const coco_bytes *evidence)
{
    cJSON *object = evidence_object(evidence);

    assert_int_equal(cJSON_GetArraySize(object), 2);
    assert_string_equal(object->child->string, "cc_eventlog");
    return object;
}

static void
evidence_is_upstreams(void **state)
{
    static const struct {
        uint16_t version;
        enum coco_quote_body body;
    } cases[] = {{4, COCO_QUOTE_TD10}, {5, COCO_QUOTE_TD10}, {5, COCO_QUOTE_TD15}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

        f->version = cases[i].version;
        f->body = cases[i].body;
        assert_ok(collect(f, &evidence), f->err);
        _cleanup_json_ cJSON *object = parse(evidence);
        assert_true(cJSON_IsNull(object->child));
        assert_member(object, "quote", f->quote.data, f->quote.len);
        assert_int_equal(f->fake.inblob_len, 64);
        assert_memory_equal(f->fake.inblob, "bound\0\0\0", 8);
    }
}

/* The log of one event, with and without what a firmware leaves behind it. */
static void
the_event_log_goes_along(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA384};
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 4096};
    struct coco_event event = {
        .index = 2, .type = COCO_EV_IPL, .data = (const uint8_t *)"k", .len = 1};
    struct coco_event_digests digests;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

    assert_ok(coco_eventlog_format_head(algs, 1, &log, &f->err), f->err);
    assert_ok(coco_event_measure(&event, algs, 1, &digests, &f->err), f->err);
    assert_ok(coco_eventlog_format_event(&event, &log, &f->err), f->err);
    assert_ok(coco_eventlog_format_end(&log, &f->err), f->err);
    f->fake.files[0] = (struct fake_file){
        .path = "/sys/firmware/acpi/tables/data/CCEL", .data = log.data, .len = log.len};
    assert_ok(collect(f, &evidence), f->err);
    _cleanup_json_ cJSON *object = parse(evidence);
    assert_member(object, "cc_eventlog", log.data, log.len);
}

static void
a_quote_of_something_else_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->other = true;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "other report data");
    f->other = false;
    f->version = 3;
    f->body = COCO_QUOTE_SGX;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "other report data");
    f->fake.answer = NULL;
    f->fake.out = (const uint8_t *)"no quote";
    f->fake.out_len = 8;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_PROTO, "quote of the kernel");
    f->fake.provider = "sev_guest\n";
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_NOTSUP, "not tdx_guest");
    assert_null(evidence);
}

static void
pcrs_are_parts_that_registers_play(void **state)
{
    static const unsigned registers[24] = {3, 0, 1, 1, 1, 1, 1, 0, 2, 2, 2, 2,
                                           2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
    struct fixture *f = *state;
    uint8_t digest[48];
    char path[128];

    memset(digest, 0x5a, sizeof(digest));
    for (unsigned pcr = 0; pcr < 24; pcr++) {
        _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;

        (void)snprintf(path, sizeof(path), MEASUREMENTS "rtmr%u:sha384", registers[pcr]);
        f->fake.files[0] = (struct fake_file){
            .path = path, .data = digest, .len = sizeof(digest), .written = &f->written};
        coco_buf_reset(&f->written);
        assert_ok(coco_attester_extend(f->attester, pcr, digest, 48, &f->err), f->err);
        assert_int_equal(f->written.len, 48);
        assert_memory_equal(f->written.data, digest, 48);
        assert_ok(coco_attester_read_register(f->attester, pcr, &value, &f->err), f->err);
        assert_int_equal(coco_bytes_size(value), 48);
        assert_memory_equal(coco_bytes_data(value), digest, 48);
        assert_int_equal(coco_attester_log_index(f->attester, pcr), registers[pcr] + 1);
    }
    assert_string_equal(coco_attester_register_alg(f->attester), "sha384");
}

static void
older_kernels_read_registers_of_a_report_and_extend_none(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
    coco_bytes *none = NULL;
    const uint8_t digest[48] = {0};

    memset(f->report.rtmr[2], 0x22, 48);
    assert_ok(coco_tdreport_seal(&f->report, 0, &f->err), f->err);
    assert_fails(coco_attester_read_register(f->attester, 8, &none, &f->err), f->err,
                 COCO_ERR_NOTSUP, "no device '/dev/tdx_guest'");
    f->fake.files[0].path = "/dev/tdx_guest";
    assert_ok(coco_attester_read_register(f->attester, 8, &value, &f->err), f->err);
    assert_memory_equal(coco_bytes_data(value), f->report.rtmr[2], 48);
    assert_fails(coco_attester_extend(f->attester, 8, digest, 48, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "Linux 6.16");
    f->report.td_info_hash[0] ^= 1;
    assert_fails(coco_attester_read_register(f->attester, 8, &none, &f->err), f->err,
                 COCO_ERR_PROTO, "");
}

static void
init_data_is_compared_with_mrconfigid(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[64] = {0};

    memset(digest, 0x33, 32);
    memcpy(f->report.mr_config_id, digest, 48);
    assert_ok(coco_tdreport_seal(&f->report, 0, &f->err), f->err);
    f->fake.files[0].path = "/dev/tdx_guest";
    for (int i = 0; i < 2; i++) {
        assert_ok(coco_attester_bind_init_data(f->attester, digest, 32, &f->err), f->err);
        assert_ok(coco_attester_bind_init_data(f->attester, digest, 64, &f->err), f->err);
        digest[31] ^= 1;
        assert_fails(coco_attester_bind_init_data(f->attester, digest, 32, &f->err), f->err,
                     COCO_ERR_VERIFY, "MRCONFIGID");
        digest[31] ^= 1;
        f->fake.files[1] = (struct fake_file){
            .path = MEASUREMENTS "mrconfigid", .data = f->report.mr_config_id, .len = 48};
    }
    f->fake.files[1].len = 47;
    assert_fails(coco_attester_bind_init_data(f->attester, digest, 32, &f->err), f->err,
                 COCO_ERR_IO, "47 bytes, not 48");
}

static void
collecting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    assert_collecting_survives_faults(f->attester, f->ctx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_is_upstreams),
        TEST(the_event_log_goes_along),
        TEST(a_quote_of_something_else_is_no_evidence),
        TEST(pcrs_are_parts_that_registers_play),
        TEST(older_kernels_read_registers_of_a_report_and_extend_none),
        TEST(init_data_is_compared_with_mrconfigid),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
