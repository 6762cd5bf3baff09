/*
 * tests/softtee/test_tpm.c - lib/softtee/tpm.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/tpm.h"

#include "crypto/cert.h"
#include "tests/support.h"

static void
the_root_vouches_for_the_attestation_key(void **state)
{
    struct coco_tpm_maker maker = {0};
    struct coco_tpm_maker again = {0};
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};
    _cleanup_buf_ struct coco_buf public = {.limit = 1 << 14};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    enum coco_key_kind kind = 0;
    coco_error *err = NULL;
    char dir[64];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_tpm_maker_open(dir, &maker, &err), err);
    assert_ok(coco_tpm_maker_open(dir, &again, &err), err);
    assert_int_equal(EVP_PKEY_eq(maker.ak.key, again.ak.key), 1);
    assert_ok(coco_key_kind_of(maker.ak.key, &kind, &err), err);
    assert_int_equal(kind, COCO_KEY_RSA);
    assert_ok(coco_pki_pem(&maker.ak, &pem, &err), err);
    assert_ok(coco_pki_pem(&maker.root, &pem, &err), err);
    assert_ok(coco_cert_chain_parse(pem.data, pem.len, &chain, &err), err);
    assert_ok(coco_cert_chain_check_links(&chain, &err), err);

    assert_ok(coco_tpm_maker_publish(&maker, dir, "keys/tpm.pem", &err), err);
    assert_ok(coco_key_public_pem(maker.ak.key, &public, &err), err);
    assert_file(dir, "keys/tpm.pem", coco_buf_text(&public));
    coco_tpm_maker_done(&maker);
    coco_tpm_maker_done(&again);
    remove_temp_dir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_vouches_for_the_attestation_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
