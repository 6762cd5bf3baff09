/*
 * tests/crypto/test_timestamp.c - lib/crypto/timestamp.c
 *
 * Stamps that hold are in tests/signature/test_signer.c and tests/cli/test_keyless.py, made by
 * another library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/timestamp.h"

#include "tests/support.h"

#include <stdlib.h>

static void
what_is_no_stamp_is_refused(void **state)
{
    /* A reply that grants nothing: TimeStampResp { PKIStatusInfo { rejection } } */
    static const uint8_t rejected[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02};
    /* The same with a token that is missing, and with one byte more. */
    static const uint8_t empty[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00};
    static const uint8_t longer[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00, 0x00};
    static const struct {
        const void *data;
        size_t len;
        const char *why;
    } cases[] = {
        {"", 0, "not a timestamp"},
        {"text", 4, "not a timestamp"},
        {rejected, sizeof(rejected), "not granted"},
        {empty, sizeof(empty), "not a timestamp"},
        {longer, sizeof(longer), "not a timestamp"},
    };
    const struct coco_cert_chain nobody = {0};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t time = 0;

        assert_fails(
            coco_timestamp_check(cases[i].data, cases[i].len, "data", 4, &nobody, &time, &err), err,
            COCO_ERR_PROTO, cases[i].why);
        assert_true(time == 0);
    }
}

static void
long_stamps_are_refused(void **state)
{
    const struct coco_cert_chain nobody = {0};
    uint8_t *data = calloc(1, COCO_TIMESTAMP_SIZE_MAX + 1);
    coco_error *err = NULL;
    int64_t time = 0;

    (void)state;
    assert_non_null(data);
    assert_fails(
        coco_timestamp_check(data, COCO_TIMESTAMP_SIZE_MAX + 1, "data", 4, &nobody, &time, &err),
        err, COCO_ERR_LIMIT, "more than");
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_stamp_is_refused),
        cmocka_unit_test(long_stamps_are_refused),
    };

    return cmocka_run_group_tests_name("crypto/timestamp", tests, NULL, NULL);
}
