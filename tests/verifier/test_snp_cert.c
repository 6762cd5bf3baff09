/*
 * tests/verifier/test_snp_cert.c - lib/verifier/snp_cert.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/snp_cert.h"

#include "tests/faults.h"
#include "tests/verifier/amd.h"

static struct pki_cert ask;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    amd_make_ca(&ask, NULL, "SEV-Test");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    pki_done(&ask);
    return 0;
}

static void
what_a_certificate_says_is_read(void **state)
{
    static const struct {
        const char *product;
        enum coco_snp_product want;
        size_t chip_id_len;
    } cases[] = {
        {"Milan-B0", COCO_SNP_MILAN, 64}, {"Genoa", COCO_SNP_GENOA, 64},
        {"Turin", COCO_SNP_TURIN, 8},     {"Milan", COCO_SNP_MILAN, 0},
        {"Venice", COCO_SNP_UNKNOWN, 64},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct amd_leaf leaf = {
            .name = "SEV-VCEK",
            .product = cases[i / 2].product,
            .tcb = {.fmc = 1, .bootloader = 127, .tee = 0, .snp = 128, .microcode = 255},
            .chip_id_len = cases[i / 2].chip_id_len,
            .wrapped = i % 2 == 1,
            .days = 1,
        };
        struct coco_snp_cert_facts facts;
        struct pki_cert cert;

        memset(leaf.chip_id, 0xab, leaf.chip_id_len);
        amd_make_leaf(&cert, &ask, &leaf);
        assert_ok(coco_snp_cert_read(cert.cert, &facts, &err), err);
        assert_int_equal(facts.product, cases[i / 2].want);
        assert_int_equal(facts.tcb.fmc, facts.product == COCO_SNP_TURIN ? 1 : 0);
        assert_int_equal(facts.tcb.bootloader, 127);
        assert_int_equal(facts.tcb.snp, 128);
        assert_int_equal(facts.tcb.microcode, 255);
        assert_int_equal(facts.chip_id_len, leaf.chip_id_len);
        assert_memory_equal(facts.chip_id, leaf.chip_id, sizeof(facts.chip_id));
        pki_done(&cert);
    }
}

static void
what_amd_does_not_write_is_refused(void **state)
{
    static const struct {
        const char *tail; /* of the oid: "" for none */
        const char *data;
        size_t len;
        const char *why;
    } cases[] = {
        {"2", "\x16\x05Milan", 7, "3704.1.2 is not there once"},
        {"3.3", "\x02\x01\x01", 3, "3704.1.3.3 is not there once"},
        {"4", "\x04\x02\x01\x01", 4, "chip id is malformed"},
        {"4", "", 0, "chip id is malformed"},
    };
    static const struct {
        const char *data;
        size_t len;
    } numbers[] = {
        {"\x02\x01\x80", 3},
        {"\x02\x02\x00\x7f", 4},
        {"\x02\x02\x01\x00", 4},
        {"\x02\x03\x00\x00\x01", 5},
        {"\x02\x00", 2},
        {"\x04\x01\x01", 3},
        {"\x02\x01\x01\x00", 4},
        {"\x02\x81\x01\x01", 4},
        {"", 0},
        {"\x02", 1},
    };
    const struct amd_leaf vlek = {.name = "SEV-VLEK", .product = "Milan", .days = 1};
    struct coco_snp_cert_facts facts;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pki_cert cert;

        amd_make_leaf(&cert, &ask, &vlek);
        amd_add_extension(cert.cert, cases[i].tail, cases[i].data, cases[i].len);
        amd_sign_cert(cert.cert, ask.key);
        assert_fails(coco_snp_cert_read(cert.cert, &facts, &err), err, COCO_ERR_PROTO,
                     cases[i].why);
        pki_done(&cert);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct pki_cert cert = {.key = EVP_EC_gen("P-384")};

        cert.cert = amd_new_cert(cert.key, "SEV-VLEK", ask.cert, 0, 1);
        amd_add_extension(cert.cert, "2", "\x16\x05Milan", 7);
        amd_add_extension(cert.cert, "3.1", numbers[i].data, numbers[i].len);
        amd_sign_cert(cert.cert, ask.key);
        assert_fails(coco_snp_cert_read(cert.cert, &facts, &err), err, COCO_ERR_PROTO,
                     "3704.1.3.1");
        pki_done(&cert);
    }
}

static void
a_certificate_of_nobody_is_refused(void **state)
{
    struct coco_snp_cert_facts facts;

    (void)state;
    assert_fails(coco_snp_cert_read(ask.cert, &facts, &err), err, COCO_ERR_PROTO,
                 "3704.1.2 is not there once");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    const struct amd_leaf leaf = {
        .name = "SEV-VCEK", .product = "Turin", .chip_id_len = 8, .days = 1};
    struct pki_cert cert;

    (void)state;
    amd_make_leaf(&cert, &ask, &leaf);
    for_each_fault()
    {
        struct coco_snp_cert_facts facts;

        coco_status status = coco_snp_cert_read(cert.cert, &facts, &err);
        fault_expect(status, err);
    }
    pki_done(&cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_certificate_says_is_read),
        cmocka_unit_test(what_amd_does_not_write_is_refused),
        cmocka_unit_test(a_certificate_of_nobody_is_refused),
        cmocka_unit_test(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/snp_cert", tests, setup, teardown);
}
