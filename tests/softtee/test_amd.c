/*
 * tests/softtee/test_amd.c - lib/softtee/amd.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/amd.h"

#include "crypto/ecdsa.h"
#include "tee/snp_certs.h"
#include "tests/faults.h"

#include <string.h>

static void
a_report_is_of_what_was_asked_and_signed(void **state)
{
    struct coco_softtee_guest guest = {.measurement = "firmware", .host_data = "init"};
    const uint8_t report_data[64] = "nonce";
    struct coco_amd amd = {0};
    struct coco_amd again = {0};
    struct coco_snp_report report;
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_SNP_REPORT_SIZE};
    _cleanup_buf_ struct coco_buf table = {.limit = COCO_SNP_CERT_TABLE_MAX};
    _cleanup_snp_certs_ struct coco_snp_certs certs = {0};
    uint8_t signature[96];
    char dir[64];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_amd_open(dir, &amd, &err), err);
    assert_ok(coco_amd_open(dir, &again, &err), err);
    assert_int_equal(X509_cmp(amd.ark.cert, again.ark.cert), 0);

    assert_ok(coco_amd_report(&amd, &guest, report_data, 2, &bytes, &err), err);
    assert_ok(coco_snp_report_parse(bytes.data, bytes.len, &report, &err), err);
    assert_memory_equal(report.report_data, report_data, 64);
    assert_int_equal(report.vmpl, 2);
    assert_memory_equal(report.measurement, guest.measurement, 48);
    assert_memory_equal(report.host_data, guest.host_data, 32);
    assert_int_equal(report.policy & COCO_SNP_POLICY_DEBUG, 0);
    assert_int_equal(coco_snp_product_of(&report), COCO_SNP_GENOA);
    for (size_t i = 0; i < 48; i++) {
        signature[i] = report.r[47 - i];
        signature[48 + i] = report.s[47 - i];
    }
    assert_ok(coco_ecdsa_verify(amd.vcek.key, bytes.data, COCO_SNP_SIGNED_SIZE, signature,
                                sizeof(signature), &err),
              err);

    assert_ok(coco_amd_table(&amd, &table, &err), err);
    assert_ok(coco_snp_certs_parse(table.data, table.len, &certs, &err), err);
    assert_int_equal(certs.n, 3);
    assert_non_null(coco_snp_certs_find(&certs, COCO_SNP_CERT_VCEK));
    coco_amd_done(&amd);
    coco_amd_done(&again);
    remove_temp_dir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_of_what_was_asked_and_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
