/*
 * tests/softtee/test_bootlog.c - lib/softtee/bootlog.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/bootlog.h"

#include "tee/eventlog.h"
#include "tests/faults.h"
#include "tests/softtee/launchkit.h"

struct fixture {
    struct launch_kit kit;
    struct coco_sev_kernel kernel;
    struct coco_buf buf;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.buf = {.limit = COCO_BOOTLOG_MAX}};
    launch_kit_make(&f->kit);
    f->kernel = launch_kit_of(&f->kit).kernel;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_buf_done(&f->buf);
    return 0;
}

/* The types of the events of a log, in its order, and their registers. */
static void
assert_events(const struct coco_buf *buf, const uint32_t (*want)[2], size_t n)
{
    struct coco_eventlog log;
    struct coco_event event;
    coco_error *err = NULL;
    size_t at = 0;

    assert_ok(coco_eventlog_parse(buf->data, buf->len, &log, &err), err);
    for (size_t i = 0; i < n; i++) {
        assert_true(coco_eventlog_next(&log, &at, &event));
        assert_int_equal(event.index, want[i][0]);
        assert_int_equal(event.type, want[i][1]);
    }
    assert_false(coco_eventlog_next(&log, &at, &event));
}

static void
a_td_logs_its_boot_by_registers(void **state)
{
    static const uint32_t want[][2] = {
        {1, COCO_EV_SEPARATOR},  {2, COCO_EV_EFI_BOOT_SERVICES_APPLICATION},
        {2, COCO_EV_EFI_ACTION}, {2, COCO_EV_SEPARATOR},
        {3, COCO_EV_EVENT_TAG},  {3, COCO_EV_EVENT_TAG},
        {2, COCO_EV_EFI_ACTION}, {2, COCO_EV_EFI_ACTION},
    };
    struct fixture *f = *state;

    assert_ok(coco_bootlog_tdx(&f->kernel, &f->buf, &f->err), f->err);
    assert_events(&f->buf, want, 8);
    coco_buf_reset(&f->buf);
    assert_ok(coco_bootlog_tdx(NULL, &f->buf, &f->err), f->err);
    assert_events(&f->buf, want, 1);
}

static void
a_tpm_logs_its_boot_by_pcrs(void **state)
{
    static const uint32_t want[][2] = {
        {0, COCO_EV_SEPARATOR},  {1, COCO_EV_SEPARATOR},
        {2, COCO_EV_SEPARATOR},  {3, COCO_EV_SEPARATOR},
        {5, COCO_EV_SEPARATOR},  {6, COCO_EV_SEPARATOR},
        {7, COCO_EV_SEPARATOR},  {4, COCO_EV_EFI_BOOT_SERVICES_APPLICATION},
        {4, COCO_EV_EFI_ACTION}, {4, COCO_EV_SEPARATOR},
        {9, COCO_EV_EVENT_TAG},  {9, COCO_EV_EVENT_TAG},
    };
    struct fixture *f = *state;
    const struct coco_boot boot = {&f->kernel, COCO_EDK2_NEWEST};
    struct coco_boot_log events;
    struct coco_eventlog log;

    assert_ok(coco_bootlog_tpm(&f->kernel, &f->buf, &f->err), f->err);
    assert_events(&f->buf, want, 12);
    assert_ok(coco_boot_measure_tpm(&boot, COCO_TCG_SHA256, &events, &f->err), f->err);
    assert_ok(coco_eventlog_parse(f->buf.data, f->buf.len, &log, &f->err), f->err);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t ahead[COCO_TCG_HASH_SIZE_MAX];
        uint8_t logged[COCO_TCG_HASH_SIZE_MAX];

        assert_ok(
            coco_boot_replay(&events, i == 0 ? COCO_BOOT_PCR4 : COCO_BOOT_PCR9, ahead, &f->err),
            f->err);
        assert_ok(coco_eventlog_replay(&log, i == 0 ? 4 : 9, COCO_TCG_SHA256, logged, &f->err),
                  f->err);
        assert_memory_equal(ahead, logged, 32);
    }
}

static void
logging_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_buf_done(&f->buf);
        f->buf.limit = 2 * COCO_BOOTLOG_MAX;
        coco_status status = coco_bootlog_tdx(&f->kernel, &f->buf, &f->err);
        if (status == COCO_OK)
            status = coco_bootlog_tpm(&f->kernel, &f->buf, &f->err);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_td_logs_its_boot_by_registers),
        TEST(a_tpm_logs_its_boot_by_pcrs),
        TEST(logging_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
