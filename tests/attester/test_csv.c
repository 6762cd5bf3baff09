/*
 * tests/attester/test_csv.c - lib/attester/csv.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/csv.h"

#include "tee/eventlog.h"
#include "tests/attester/evidence.h"
#include "tests/fakemachine.h"
#include "tests/tee/csv_kit.h"

#include <stdlib.h>
#include <string.h>

#define SERIAL "KPA64911240507"
#define EVIDENCE_MAX ((size_t)1 << 20)

struct fixture {
    struct csv_kit kit;
    struct fake_kernel fake;
    coco_ctx *ctx;
    coco_attester *attester;
    coco_error *err;
    bool has_registers;
    bool other; /* answers what nobody asked */
    uint32_t firmware_error;
    uint8_t registers[COCO_CSV_RTMRS][32];
};

static int
report(struct fixture *f, const struct coco_csv_guest_report *about)
{
    uint8_t *page = fake_memory_at(about->addr);

    if (about->len != COCO_CSV_REPORT_SIZE)
        return EINVAL;
    faults_pause();
    if (f->other) {
        const struct coco_csv_request request = {.version = 2};

        assert_ok(coco_csv_request_format(&request, page, &f->err), f->err);
    }
    csv_kit_answer(&f->kit, SERIAL, (const uint8_t(*)[32])f->registers, page);
    faults_resume();
    return 0;
}

/* Extending is hashing what was there with what comes. */
static int
extend(struct fixture *f, const struct coco_csv_rtmr_extend *about)
{
    uint8_t both[64];
    size_t n = 0;

    if (about->index == 0 || about->index >= COCO_CSV_RTMRS || about->len != 32)
        return EINVAL;
    memcpy(both, f->registers[about->index], 32);
    memcpy(both + 32, about->digest, 32);
    faults_pause();
    assert_int_equal(
        EVP_Q_digest(NULL, "SM3", NULL, both, sizeof(both), f->registers[about->index], &n), 1);
    faults_resume();
    return 0;
}

static int
read_one(struct fixture *f, struct coco_csv_rtmr_read *about)
{
    for (unsigned i = 0; i < COCO_CSV_RTMRS; i++)
        if (about->bitmap == 1U << i) {
            memcpy(about->value, f->registers[i], 32);
            return 0;
        }
    return EINVAL;
}

static int
registers(struct fixture *f, struct coco_csv_guest_rtmr *request)
{
    void *about = fake_memory_at(request->addr);

    if (!f->has_registers)
        return ENOTTY;
    request->firmware_error = f->firmware_error;
    if (request->command == COCO_CSV_RTMR_STATUS && request->len == 3)
        return 0;
    if (request->command == COCO_CSV_RTMR_READ && request->len == 36)
        return read_one(f, about);
    if (request->command == COCO_CSV_RTMR_EXTEND && request->len == 36)
        return extend(f, about);
    return EINVAL;
}

static int
module(struct fake_kernel *fake, unsigned long request, void *arg)
{
    if (request == COCO_CSV_GET_REPORT)
        return report(fake->user, arg);
    return request == COCO_CSV_RTMR_REQ ? registers(fake->user, arg) : EINVAL;
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.has_registers = true};
    csv_kit_make(&f->kit);
    fake_kernel_init(&f->fake);
    f->fake.user = f;
    f->fake.ioctl = module;
    f->fake.files[0].path = "/dev/csv-guest";
    fake_machine_begin(&f->fake, &coco_csv_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    csv_kit_done(&f->kit);
    return 0;
}

static coco_status
collect(struct fixture *f, coco_bytes **ret)
{
    return coco_attester_collect(f->attester, f->ctx, (const uint8_t *)"bound", 5, ret, &f->err);
}

static void
parse(struct fixture *f, const coco_bytes *evidence, struct coco_csv_evidence *ret)
{
    _cleanup_json_ cJSON *object = evidence_object(evidence);

    assert_ok(coco_csv_evidence_parse(object, ret, &f->err), f->err);
}

static void
evidence_is_upstreams(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
        _cleanup_csv_evidence_ struct coco_csv_evidence parts = {0};

        f->has_registers = i == 1;
        assert_ok(collect(f, &evidence), f->err);
        parse(f, evidence, &parts);
        assert_int_equal(parts.report.version, i == 1 ? 2 : 1);
        assert_memory_equal(parts.report.report_data, "bound\0\0\0", 8);
        assert_string_equal(parts.serial_number, SERIAL);
        assert_memory_equal(&parts.pek, &f->kit.pek, sizeof(parts.pek));
        assert_false(parts.has_hsk_cek);
        assert_int_equal(parts.eventlog.len, 0);
    }
}

static void
each_request_has_a_nonce_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct coco_csv_evidence parts[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;

        assert_ok(collect(f, &evidence), f->err);
        parse(f, evidence, &parts[i]);
    }
    assert_memory_not_equal(parts[0].report.mnonce, parts[1].report.mnonce, 16);
}

static void
the_event_log_goes_along(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SM3};
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 4096};
    struct coco_event event = {
        .index = 2, .type = COCO_EV_IPL, .data = (const uint8_t *)"k", .len = 1};
    struct coco_event_digests digests;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_csv_evidence_ struct coco_csv_evidence parts = {0};

    assert_ok(coco_eventlog_format_head(algs, 1, &log, &f->err), f->err);
    assert_ok(coco_event_measure(&event, algs, 1, &digests, &f->err), f->err);
    assert_ok(coco_eventlog_format_event(&event, &log, &f->err), f->err);
    assert_ok(coco_eventlog_format_end(&log, &f->err), f->err);
    f->fake.files[1] = (struct fake_file){
        .path = "/sys/firmware/acpi/tables/data/CCEL", .data = log.data, .len = log.len};
    assert_ok(collect(f, &evidence), f->err);
    parse(f, evidence, &parts);
    assert_int_equal(parts.eventlog.len, log.len);
    assert_memory_equal(parts.eventlog.data, log.data, log.len);
}

static void
an_answer_to_somebody_else_is_no_evidence(void **state)
{
    struct fixture *f = *state;
    coco_bytes *evidence = NULL;

    f->other = true;
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_VERIFY, "report of CSV: ");
    f->fake.files[0].path = "/dev/other";
    assert_fails(collect(f, &evidence), f->err, COCO_ERR_NOTSUP, "csv-guest");
}

static void
registers_are_told_by_their_pcr(void **state)
{
    static const struct {
        unsigned pcr;
        unsigned index;
    } cases[] = {{1, 1}, {7, 1}, {2, 2}, {6, 2}, {8, 3}, {15, 3}, {16, 4}, {23, 4}};
    struct fixture *f = *state;
    uint8_t digest[32] = "digest";

    assert_string_equal(coco_attester_register_alg(f->attester), "sm3");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
        uint8_t before[32];

        memcpy(before, f->registers[cases[i].index], sizeof(before));
        assert_ok(coco_attester_extend(f->attester, cases[i].pcr, digest, sizeof(digest), &f->err),
                  f->err);
        assert_memory_not_equal(before, f->registers[cases[i].index], sizeof(before));
        assert_ok(coco_attester_read_register(f->attester, cases[i].pcr, &value, &f->err), f->err);
        assert_int_equal(coco_bytes_size(value), 32);
        assert_memory_equal(coco_bytes_data(value), f->registers[cases[i].index], 32);
        assert_int_equal(coco_attester_log_index(f->attester, cases[i].pcr), cases[i].index);
    }
}

static void
what_the_firmware_does_not_do_is_an_error(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[32] = {0};
    coco_bytes *none = NULL;

    /* The launch measurement. */
    assert_int_equal(coco_attester_extend(f->attester, 0, digest, sizeof(digest), &f->err),
                     COCO_ERR_IO);
    coco_error_free(f->err);
    f->err = NULL;
    f->firmware_error = 0x16;
    assert_fails(coco_attester_extend(f->attester, 8, digest, sizeof(digest), &f->err), f->err,
                 COCO_ERR_IO, "0x16");
    assert_fails(coco_attester_read_register(f->attester, 8, &none, &f->err), f->err, COCO_ERR_IO,
                 "0x16");
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
        TEST(each_request_has_a_nonce_of_its_own),
        TEST(the_event_log_goes_along),
        TEST(an_answer_to_somebody_else_is_no_evidence),
        TEST(registers_are_told_by_their_pcr),
        TEST(what_the_firmware_does_not_do_is_an_error),
        TEST(collecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("attester/csv", tests, NULL, NULL);
}
