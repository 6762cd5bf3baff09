/*
 * tests/tee/test_tdreport.c - lib/tee/tdreport.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tdreport.h"

#include "base/cleanup.h"
#include "tests/support.h"

#include <string.h>

static coco_error *err;

static struct coco_tdreport
some_report(void)
{
    struct coco_tdreport report = {0};

    memset(report.report_data, 0xaa, sizeof(report.report_data));
    memset(report.mr_td, 0xbb, sizeof(report.mr_td));
    memset(report.rtmr, 0xcc, sizeof(report.rtmr));
    report.tcb_info[0] = 1;
    assert_ok(coco_tdreport_seal(&report, 1, &err), err);
    return report;
}

/* Against the table of the specification, not against themselves. */
static void
fields_are_at_their_places(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct coco_tdreport, tcb_info_hash), 32);
    assert_int_equal(offsetof(struct coco_tdreport, td_info_hash), 80);
    assert_int_equal(offsetof(struct coco_tdreport, report_data), 128);
    assert_int_equal(offsetof(struct coco_tdreport, mac), 224);
    assert_int_equal(offsetof(struct coco_tdreport, mr_td), 512 + 16);
    assert_int_equal(offsetof(struct coco_tdreport, mr_config_id), 512 + 64);
    assert_int_equal(offsetof(struct coco_tdreport, rtmr), 512 + 208);
    assert_int_equal(offsetof(struct coco_tdreport, reserved4), 512 + 400);
}

static void
a_report_that_was_sealed_is_read(void **state)
{
    struct coco_tdreport report = some_report();
    struct coco_tdreport read;

    (void)state;
    assert_ok(coco_tdreport_parse(&report, sizeof(report), &read, &err), err);
    assert_memory_equal(&read, &report, sizeof(report));
    assert_memory_equal(read.type, "\x81\0\1\0", 4);
}

static void
what_the_hashes_are_of_cannot_be_changed(void **state)
{
    struct coco_tdreport good = some_report();
    struct coco_tdreport read;

    (void)state;
    for (size_t i = 32; i < sizeof(good); i++) {
        struct coco_tdreport report = good;

        /* Only the MAC is over these. */
        if (i >= offsetof(struct coco_tdreport, report_data)
            && i < offsetof(struct coco_tdreport, tcb_info))
            continue;
        if (i >= offsetof(struct coco_tdreport, reserved3)
            && i < offsetof(struct coco_tdreport, attributes))
            continue;
        ((uint8_t *)&report)[i] ^= 1;
        assert_fails(coco_tdreport_parse(&report, sizeof(report), &read, &err), err, COCO_ERR_PROTO,
                     "hash of something else");
    }
}

static void
what_is_no_report_of_a_td_is_refused(void **state)
{
    struct coco_tdreport report = some_report();
    uint8_t longer[COCO_TDREPORT_SIZE + 1] = {0};
    struct coco_tdreport read;

    (void)state;
    assert_fails(coco_tdreport_parse(&report, 0, &read, &err), err, COCO_ERR_PROTO, "ends after");
    assert_fails(coco_tdreport_parse(&report, sizeof(report) - 1, &read, &err), err, COCO_ERR_PROTO,
                 "ends after");
    memcpy(longer, &report, sizeof(report));
    assert_fails(coco_tdreport_parse(longer, sizeof(longer), &read, &err), err, COCO_ERR_PROTO,
                 "too many");
    report.type[0] = 0;
    assert_fails(coco_tdreport_parse(&report, sizeof(report), &read, &err), err, COCO_ERR_PROTO,
                 "type 00000100");
}

static void
recorded_reports_are_read(void **state)
{
    struct coco_tdreport report;
    size_t len = 0;

    (void)state;
    _cleanup_free_ char *bytes = read_fixture("tdx/tdreport_1.bin", &len);
    assert_ok(coco_tdreport_parse(bytes, len, &report, &err), err);
    assert_memory_equal(report.rtmr[0], "\xf4\xec\x1a\x04", 4);
    assert_memory_equal(report.rtmr[1], "\x4e\x5f\x88\x26", 4);
    _cleanup_free_ char *random = read_fixture("tdx/gotdx_tdreport.dat", &len);
    assert_fails(coco_tdreport_parse(random, len, &report, &err), err, COCO_ERR_PROTO,
                 "type 0fd720d1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_at_their_places),
        cmocka_unit_test(a_report_that_was_sealed_is_read),
        cmocka_unit_test(what_the_hashes_are_of_cannot_be_changed),
        cmocka_unit_test(what_is_no_report_of_a_td_is_refused),
        cmocka_unit_test(recorded_reports_are_read),
    };

    return cmocka_run_group_tests_name("tee/tdreport", tests, NULL, NULL);
}
