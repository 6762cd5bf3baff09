/*
 * tests/softtee/test_intel.c - lib/softtee/intel.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/intel.h"

#include "crypto/ecdsa.h"
#include "tests/faults.h"

#include <string.h>

struct fixture {
    char dir[64];
    struct coco_intel intel;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_intel_open(f->dir, &f->intel, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_intel_done(&f->intel);
    remove_temp_dir(f->dir);
    return 0;
}

static void
a_quote_is_of_what_was_asked_and_signed(void **state)
{
    struct fixture *f = *state;
    struct coco_td_report td = {.report_data = "nonce", .mr_td = "firmware"};
    struct coco_quote quote;
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_QUOTE_SIZE_MAX};
    uint8_t hash[32];

    assert_ok(coco_intel_quote(&f->intel, &td, &bytes, &f->err), f->err);
    assert_ok(coco_quote_parse(bytes.data, bytes.len, &quote, &f->err), f->err);
    assert_int_equal(quote.len, bytes.len);
    assert_memory_equal(quote.td.report_data, td.report_data, sizeof(td.report_data));
    assert_memory_equal(quote.td.mr_td, td.mr_td, sizeof(td.mr_td));
    assert_int_equal(quote.td.td_attributes[0], 0); /* no debugging */
    assert_ok(coco_ecdsa_verify(f->intel.key, quote.signed_data, quote.signed_len, quote.signature,
                                sizeof(quote.signature), &f->err),
              f->err);
    assert_ok(coco_ecdsa_verify(f->intel.pck.key, &quote.qe_report, sizeof(quote.qe_report),
                                quote.qe_signature, sizeof(quote.qe_signature), &f->err),
              f->err);
    assert_ok(coco_quote_key_hash(&quote, hash, &f->err), f->err);
    assert_memory_equal(quote.qe_report.report_data, hash, sizeof(hash));
}

static void
a_machine_keeps_its_certificates_and_not_its_attestation_key(void **state)
{
    struct fixture *f = *state;
    struct coco_intel again = {0};

    assert_ok(coco_intel_open(f->dir, &again, &f->err), f->err);
    assert_int_equal(X509_cmp(f->intel.root.cert, again.root.cert), 0);
    assert_int_equal(X509_cmp(f->intel.pck.cert, again.pck.cert), 0);
    assert_int_not_equal(EVP_PKEY_eq(f->intel.key, again.key), 1);
    coco_intel_done(&again);
}

static void
a_state_that_is_broken_is_not_used(void **state)
{
    struct fixture *f = *state;
    struct coco_intel again = {0};

    assert_ok(coco_pki_write(f->dir, "intel/signer.pem", "x", 1, &f->err), f->err);
    assert_fails(coco_intel_open(f->dir, &again, &f->err), f->err, COCO_ERR_PROTO, "signer.pem");
    assert_null(again.root.cert);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quote_is_of_what_was_asked_and_signed),
        TEST(a_machine_keeps_its_certificates_and_not_its_attestation_key),
        TEST(a_state_that_is_broken_is_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
