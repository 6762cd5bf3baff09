/*
 * tests/crypto/test_timestamp.c - lib/crypto/timestamp.c
 *
 * Stamps that hold are of another library; others are in tests/signature/test_signer.c and
 * tests/cli/test_keyless.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/timestamp.h"

#include "base/base64.h"
#include "tests/faults.h"
#include "tests/signature/golden.h"

#include <stdlib.h>
#include <string.h>

static void
begin(const char *base64, struct coco_cert_chain *anchors, struct coco_buf *token)
{
    token->limit = COCO_TIMESTAMP_SIZE_MAX;
    assert_int_equal(coco_base64_decode(COCO_BASE64, base64, strlen(base64), token, NULL), COCO_OK);
    assert_int_equal(coco_cert_chain_parse(golden_stampers, strlen(golden_stampers), anchors, NULL),
                     COCO_OK);
}

static void
stamps_are_of_one_text(void **state)
{
    const char *const stamps[] = {golden_stamp, golden_stamp_with};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_cert_chain_ struct coco_cert_chain anchors = {0};
        _cleanup_buf_ struct coco_buf token = {0};
        struct coco_timestamp time = {0};

        begin(stamps[i], &anchors, &token);
        assert_ok(coco_timestamp_check(token.data, token.len, "data", 4, &anchors, &time, &err),
                  err);
        assert_true(llabs(time.time - GOLDEN_NOTATION_TIME) < 60);
        assert_true(time.accuracy == 0);
        time = (struct coco_timestamp){0};
        assert_fails(coco_timestamp_check(token.data, token.len, "date", 4, &anchors, &time, &err),
                     err, COCO_ERR_VERIFY, "message imprint mismatch");
        /* Without the root that its authority's certificate leads to. */
        X509 *root = anchors.certs[--anchors.n];
        X509 *own = anchors.certs[0];
        anchors.certs[0] = root;
        coco_status status =
            coco_timestamp_check(token.data, token.len, "data", 4, &anchors, &time, &err);
        /* In the token it is found there. */
        if (i == 1) {
            assert_ok(status, err);
        } else {
            assert_fails(status, err, COCO_ERR_VERIFY, "signer certificate not found");
            assert_true(time.time == 0);
        }
        X509_free(own);
    }
}

/* Each byte: it does not hold any more, or it says the same. */
static void
what_of_a_stamp_is_changed_shows(void **state)
{
    _cleanup_cert_chain_ struct coco_cert_chain anchors = {0};
    _cleanup_buf_ struct coco_buf token = {0};
    struct coco_timestamp wanted = {0};
    size_t refused = 0;

    (void)state;
    begin(golden_stamp, &anchors, &token);
    assert_int_equal(
        coco_timestamp_check(token.data, token.len, "data", 4, &anchors, &wanted, NULL), COCO_OK);
    for (size_t i = 0; i < token.len; i++) {
        struct coco_timestamp time = {0};

        token.data[i] ^= 1;
        coco_status status =
            coco_timestamp_check(token.data, token.len, "data", 4, &anchors, &time, NULL);
        assert_true(status == COCO_OK ? time.time == wanted.time : time.time == 0);
        refused += status != COCO_OK;
        token.data[i] ^= 1;
    }
    assert_true(refused > 9 * token.len / 10);
}

/* OpenSSL's among them: no time is found that would not be found with all the memory there is. */
static void
checking_survives_any_failed_allocation(void **state)
{
    _cleanup_cert_chain_ struct coco_cert_chain anchors = {0};
    _cleanup_buf_ struct coco_buf token = {0};
    struct coco_timestamp wanted = {0};

    (void)state;
    begin(golden_stamp, &anchors, &token);
    for (size_t len = 4; len > 2; len--) {
        coco_status without =
            coco_timestamp_check(token.data, token.len, "data", len, &anchors, &wanted, NULL);
        for_each_fault()
        {
            coco_error *err = NULL;
            struct coco_timestamp time = {0};

            coco_status status =
                coco_timestamp_check(token.data, token.len, "data", len, &anchors, &time, &err);
            assert_true(status == COCO_OK ? without == COCO_OK && time.time == wanted.time
                                          : time.time == 0);
            assert_true((status == COCO_OK) == (err == NULL));
            coco_error_free(err);
        }
    }
}

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
        struct coco_timestamp time = {0};

        assert_fails(
            coco_timestamp_check(cases[i].data, cases[i].len, "data", 4, &nobody, &time, &err), err,
            COCO_ERR_PROTO, cases[i].why);
        assert_true(time.time == 0);
    }
}

static void
long_stamps_are_refused(void **state)
{
    const struct coco_cert_chain nobody = {0};
    uint8_t *data = calloc(1, COCO_TIMESTAMP_SIZE_MAX + 1);
    coco_error *err = NULL;
    struct coco_timestamp time = {0};

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
        cmocka_unit_test(stamps_are_of_one_text),
        cmocka_unit_test(what_of_a_stamp_is_changed_shows),
        cmocka_unit_test(checking_survives_any_failed_allocation),
        cmocka_unit_test(what_is_no_stamp_is_refused),
        cmocka_unit_test(long_stamps_are_refused),
    };

    faults_of_openssl();
    return cmocka_run_group_tests_name("crypto/timestamp", tests, NULL, NULL);
}
