/*
 * tests/tee/test_csv_page.c - lib/tee/csv_page.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tee/csv_kit.h"

#include "base/text.h"
#include "tests/faults.h"

#define SERIAL "KPA64911240507"
/* The vector of csv-rs, of its tests of requests. */
#define DATA                                                                                       \
    "67c6697351ff4aec29cdbaabf2fbe3467cc254f81be8e78d765a2e63339fc99a66320db73158a35a255d051758e9" \
    "5ed4abb2cdc69bb454110e827441213ddc87"
#define MNONCE "70e93ea141e1fc673e017e97eadc6b96"
#define HASH "134c086221f6f79b1c15f5b9764aa280520fa0e9d4826ab1590677f382150399"

static struct csv_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    return csv_kit_set_up(&kit, state);
}

static void
unhex(const char *text, uint8_t *ret, size_t len)
{
    assert_true(coco_unhex(text, strlen(text), ret, len));
}

static struct coco_csv_request
some_request(uint32_t version)
{
    struct coco_csv_request request = {.version = version};

    unhex(DATA, request.report_data, sizeof(request.report_data));
    unhex(MNONCE, request.mnonce, sizeof(request.mnonce));
    return request;
}

static void
a_request_is_the_published_one(void **state)
{
    static const uint8_t zeros[COCO_CSV_REPORT_SIZE];
    uint8_t page[COCO_CSV_REPORT_SIZE];
    uint8_t hash[32];

    (void)state;
    unhex(HASH, hash, sizeof(hash));
    for (uint32_t version = 1; version <= 2; version++) {
        const struct coco_csv_request request = some_request(version);

        memset(page, 'x', sizeof(page));
        assert_ok(coco_csv_request_format(&request, page, &err), err);
        assert_memory_equal(page, request.report_data, 64);
        assert_memory_equal(page + 64, request.mnonce, 16);
        assert_memory_equal(page + 80, hash, sizeof(hash));
        assert_memory_equal(page + 112,
                            version == 2 ? "ATTESTATION_EXT\0\1\0\0\0" : (const char *)zeros, 20);
        assert_memory_equal(page + 132, zeros, sizeof(page) - 132);
    }
}

static void
an_answer_is_read(void **state)
{
    uint8_t page[COCO_CSV_REPORT_SIZE];

    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        const struct coco_csv_request request = some_request(version);
        _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};

        assert_ok(coco_csv_request_format(&request, page, &err), err);
        csv_kit_answer(&kit, SERIAL, NULL, page);
        assert_ok(coco_csv_page_read(page, &request, &evidence, &err), err);
        assert_int_equal(evidence.report.version, version);
        assert_memory_equal(evidence.report.report_data, request.report_data, 64);
        assert_memory_equal(&evidence.pek, &kit.pek, sizeof(kit.pek));
        assert_string_equal(evidence.serial_number, SERIAL);
    }
}

/* Of any byte: what the MAC covers, the MAC, what was asked, and the mask itself. */
static void
what_answers_something_else_is_refused(void **state)
{
    uint8_t page[COCO_CSV_REPORT_SIZE];

    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        struct coco_csv_request request = some_request(version);
        size_t body = version == 1 ? COCO_CSV_BODY_V1_SIZE : COCO_CSV_BODY_V2_SIZE;
        struct coco_csv_evidence none = {0};

        assert_ok(coco_csv_request_format(&request, page, &err), err);
        csv_kit_answer(&kit, SERIAL, NULL, page);
        for (size_t at = body; at < body + 2084 + 64 + 32 + 32; at += 7) {
            page[at] ^= 1;
            assert_fails(coco_csv_page_read(page, &request, &none, &err), err, COCO_ERR_VERIFY,
                         "not the firmware's");
            page[at] ^= 1;
        }
        for (size_t at = 64; at < 144; at++) {
            page[at] ^= 1;
            assert_fails(coco_csv_page_read(page, &request, &none, &err), err, COCO_ERR_VERIFY,
                         at < 128 ? "other report data" : "another request");
            page[at] ^= 1;
        }
        request.version = 3 - version;
        assert_int_equal(coco_csv_page_read(page, &request, &none, &err), COCO_ERR_VERIFY);
        coco_error_free(err);
        err = NULL;
        request.version = 3;
        assert_fails(coco_csv_page_read(page, &request, &none, &err), err, COCO_ERR_NOTSUP,
                     "version 3");
    }
}

static void
a_chip_has_a_serial_number(void **state)
{
    static const char *const hostile[] = {"", "a/../b", "a b", "\xff"};
    const struct coco_csv_request request = some_request(2);
    uint8_t page[COCO_CSV_REPORT_SIZE];
    struct coco_csv_evidence none = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        assert_ok(coco_csv_request_format(&request, page, &err), err);
        csv_kit_answer(&kit, hostile[i], NULL, page);
        assert_fails(coco_csv_page_read(page, &request, &none, &err), err, COCO_ERR_PROTO,
                     "no serial number");
    }
}

/* What a real chip answered: a report of version 1, which its PEK signed. */
static void
a_recorded_answer_is_read(void **state)
{
    struct coco_csv_request request = {.version = 1};
    uint8_t page[COCO_CSV_REPORT_SIZE] = {0};
    _cleanup_csv_evidence_ struct coco_csv_evidence evidence = {0};
    size_t len = 0;

    (void)state;
    char *data = read_fixture("csv/csvrs_report.cert", &len);
    assert_int_equal(len, COCO_CSV_BODY_V1_SIZE + 2084 + 64 + 32 + 32);
    memcpy(page, data, len);
    free(data);
    memcpy(request.report_data, "user data", strlen("user data"));
    unhex("67c6697351ff4aec29cdbaabf2fbe346", request.mnonce, sizeof(request.mnonce));
    assert_ok(coco_csv_page_read(page, &request, &evidence, &err), err);
    assert_string_equal(evidence.serial_number, "NZA9T14052605");
    assert_int_equal(evidence.pek.usage, COCO_CSV_PEK);
    page[COCO_CSV_BODY_V1_SIZE] ^= 1;
    assert_fails(coco_csv_page_read(page, &request, &evidence, &err), err, COCO_ERR_VERIFY,
                 "not the firmware's");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        const struct coco_csv_request request = some_request(2);
        struct coco_csv_evidence evidence = {0};
        uint8_t page[COCO_CSV_REPORT_SIZE];

        coco_status status = coco_csv_request_format(&request, page, &err);
        if (status == COCO_OK) {
            faults_pause();
            csv_kit_answer(&kit, SERIAL, NULL, page);
            faults_resume();
            status = coco_csv_page_read(page, &request, &evidence, &err);
        }
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_the_published_one),
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(what_answers_something_else_is_refused),
        cmocka_unit_test(a_chip_has_a_serial_number),
        cmocka_unit_test(a_recorded_answer_is_read),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/csv_page", tests, setup, csv_kit_tear_down);
}
