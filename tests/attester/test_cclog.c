/*
 * tests/attester/test_cclog.c - lib/attester/cclog.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cclog.h"

#include "attester/paths.h"
#include "tee/eventlog.h"
#include "tests/fakekernel.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

#define CCEL "/sys/firmware/acpi/tables/data/CCEL"
#define AAEL "/run/attestation-agent/eventlog"

struct fixture {
    struct fake_kernel fake;
    struct coco_buf ccel; /* as the firmware leaves it: a page behind its end */
    struct coco_buf aael; /* records alone */
    coco_error *err;
};

static int
setup(void **state)
{
    static const uint16_t algs[] = {COCO_TCG_SHA384};
    uint8_t filling[64];
    static struct fixture fixture;
    struct fixture *f = &fixture;
    struct coco_event_digests digests;
    struct coco_event event = {
        .index = 2, .type = COCO_EV_IPL, .data = (const uint8_t *)"kernel", .len = 6};

    *f = (struct fixture){.ccel = {.limit = 4096}, .aael = {.limit = 4096}};
    memset(filling, 0xff, sizeof(filling));
    assert_ok(coco_event_measure(&event, algs, 1, &digests, &f->err), f->err);
    assert_ok(coco_eventlog_format_head(algs, 1, &f->ccel, &f->err), f->err);
    assert_ok(coco_eventlog_format_event(&event, &f->ccel, &f->err), f->err);
    assert_ok(coco_buf_append(&f->ccel, filling, sizeof(filling), &f->err), f->err);
    assert_ok(coco_eventlog_format_event(&event, &f->aael, &f->err), f->err);
    fake_kernel_init(&f->fake);
    *state = f;
    return unsetenv(COCO_TEE_ROOT_VARIABLE) | unsetenv("AAEL_PATH");
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_buf_done(&f->ccel);
    coco_buf_done(&f->aael);
    assert_int_equal(fake_kernel_open(&f->fake), 0);
    return unsetenv("AAEL_PATH");
}

static void
add(struct fixture *f, size_t at, const char *path, const struct coco_buf *content)
{
    f->fake.files[at] =
        (struct fake_file){.path = path, .data = content->data, .len = content->len};
}

/* How many events the log has. */
static size_t
read_events(struct fixture *f)
{
    _cleanup_buf_ struct coco_buf log = {.limit = COCO_CCLOG_MAX};
    struct coco_eventlog parsed = {0};

    assert_ok(coco_cclog_read(&f->fake.table, &log, &f->err), f->err);
    if (log.len == 0)
        return 0;
    assert_ok(coco_eventlog_parse(log.data, log.len, &parsed, &f->err), f->err);
    return parsed.event_count;
}

static void
a_log_is_what_there_is_of_both(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_events(f), 0);
    add(f, 0, CCEL, &f->ccel);
    assert_int_equal(read_events(f), 1);
    add(f, 1, AAEL, &f->aael);
    assert_int_equal(read_events(f), 2);
    add(f, 0, "/elsewhere", &f->ccel);
    assert_int_equal(read_events(f), 1);
}

static void
the_second_part_may_be_elsewhere(void **state)
{
    struct fixture *f = *state;

    add(f, 0, "/elsewhere", &f->aael);
    assert_int_equal(read_events(f), 0);
    assert_int_equal(setenv("AAEL_PATH", "/elsewhere", 1), 0);
    assert_int_equal(read_events(f), 1);
}

static void
a_log_that_is_broken_or_endless_is_an_error(void **state)
{
    static uint8_t endless[COCO_EVENTLOG_MAX + 1];
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = COCO_CCLOG_MAX};

    f->fake.files[0] = (struct fake_file){.path = CCEL, .data = (const uint8_t *)"log", .len = 3};
    assert_fails(coco_cclog_read(&f->fake.table, &log, &f->err), f->err, COCO_ERR_PROTO,
                 "event log");
    f->fake.files[0] = (struct fake_file){.path = CCEL, .data = endless, .len = sizeof(endless)};
    assert_fails(coco_cclog_read(&f->fake.table, &log, &f->err), f->err, COCO_ERR_LIMIT,
                 "event log");
    f->fake.fails = "CCEL";
    f->fake.fails_with = EACCES;
    assert_fails(coco_cclog_read(&f->fake.table, &log, &f->err), f->err, COCO_ERR_IO, "event log");
    assert_int_equal(log.len, 0);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    add(f, 0, CCEL, &f->ccel);
    add(f, 1, AAEL, &f->aael);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf log = {.limit = COCO_CCLOG_MAX};
        coco_error *err = NULL;

        coco_status status = coco_cclog_read(&f->fake.table, &log, &err);
        fault_expect(status, err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_what_there_is_of_both),
        TEST(the_second_part_may_be_elsewhere),
        TEST(a_log_that_is_broken_or_endless_is_an_error),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
