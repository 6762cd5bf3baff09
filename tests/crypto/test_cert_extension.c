/*
 * tests/crypto/test_cert_extension.c - lib/crypto/cert_extension.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cert_extension.h"

#include "crypto/cert.h"
#include "tests/support.h"

#include <limits.h>

#define OID "1.3.6.1.4.1.99999.1"

static void
what_is_added_is_found(void **state)
{
    _cleanup_cert_ X509 *cert = X509_new();
    const uint8_t *data = NULL;
    size_t len = 0;
    X509V3_CTX ctx;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(cert);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    assert_true(coco_cert_add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE"));
    assert_true(coco_cert_add_data(cert, OID, "\0evidence", 9));
    assert_ok(coco_cert_extension(cert, "2.5.29.19", &data, &len, &err), err);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "\x30\x03\x01\x01\xff", 5);
    assert_ok(coco_cert_extension(cert, OID, &data, &len, &err), err);
    assert_int_equal(len, 9);
    assert_memory_equal(data, "\0evidence", 9);
    assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(cert, 0)), 1);
    assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(cert, 1)), 0);
}

static void
what_is_none_is_not_added(void **state)
{
    _cleanup_cert_ X509 *cert = X509_new();
    X509V3_CTX ctx;

    (void)state;
    assert_non_null(cert);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    assert_false(coco_cert_add_extension(cert, &ctx, NID_basic_constraints, "CA:PERHAPS"));
    assert_false(coco_cert_add_data(cert, "no oid", "x", 1));
    assert_false(coco_cert_add_data(cert, OID, "x", (size_t)INT_MAX + 1));
    assert_int_equal(X509_get_ext_count(cert), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found),
        cmocka_unit_test(what_is_none_is_not_added),
    };

    return cmocka_run_group_tests_name("crypto/cert_extension", tests, NULL, NULL);
}
