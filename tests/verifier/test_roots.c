/*
 * tests/verifier/test_roots.c - lib/verifier/roots.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/roots.h"

#include "crypto/cert.h"
#include "tests/support.h"

#include <string.h>

static coco_error *err;

static void
makers_have_one_spelling(void **state)
{
    (void)state;
    assert_string_equal(coco_root_maker("amd/Genoa"), "amd/Genoa");
    assert_null(coco_root_maker("amd/genoa"));
    assert_null(coco_root_maker("amd"));
    assert_null(coco_root_maker(""));
}

static void
recorded_roots_are_known_as_their_makers_alone(void **state)
{
    static const struct {
        const char *fixture;
        const char *maker;
    } cases[] = {
        {"tdx/intel_sgx_root_ca.pem", "intel"},
        {"snp/milan_ask_ark_asvk.pem", "amd/Milan"},
        {"snp/genoa_ask_ark_asvk.pem", "amd/Genoa"},
        {"snp/turin_ask_ark_asvk.pem", "amd/Turin"},
    };
    static const char *const makers[] = {"intel", "amd/Milan", "amd/Genoa", "amd/Turin", "aws"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
        struct coco_digest fingerprint;
        size_t len = 0;

        _cleanup_free_ char *pem = read_fixture(cases[i].fixture, &len);
        assert_ok(coco_cert_chain_parse(pem, len, &chain, &err), err);
        /* AMD's files have the root in the middle. */
        assert_ok(coco_cert_fingerprint(chain.certs[chain.n / 2], &fingerprint, &err), err);
        for (size_t j = 0; j < sizeof(makers) / sizeof(makers[0]); j++)
            assert_int_equal(coco_root_is_known(makers[j], &fingerprint),
                             strcmp(makers[j], cases[i].maker) == 0);
        fingerprint.bytes[31] ^= 1;
        assert_false(coco_root_is_known(cases[i].maker, &fingerprint));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makers_have_one_spelling),
        cmocka_unit_test(recorded_roots_are_known_as_their_makers_alone),
    };

    return cmocka_run_group_tests_name("verifier/roots", tests, NULL, NULL);
}
