/*
 * tests/tee/test_sev_cert.c - lib/tee/sev_cert.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/tee/sev_kit.h"

#include "tests/faults.h"

#include <stdio.h>

static struct sev_kit kit;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    sev_kit_make(&kit);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    sev_kit_done(&kit);
    return 0;
}

static void
a_certificate_and_its_bytes_are_the_same_thing(void **state)
{
    uint8_t bytes[COCO_SEV_CERT_SIZE];
    uint8_t back[COCO_SEV_CERT_SIZE];
    struct coco_sev_cert cert;
    size_t refused = 0;

    (void)state;
    coco_sev_cert_format(&kit.pek, bytes);
    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (coco_sev_cert_parse(bytes, sizeof(bytes), &cert, NULL) == COCO_OK) {
            coco_sev_cert_format(&cert, back);
            assert_memory_equal(back, bytes, sizeof(bytes));
        } else {
            refused++;
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(refused, 8 * (4 + 2 + COCO_SEV_CERT_BODY_SIZE - 164));
    for (size_t len = 0; len < sizeof(bytes); len += 83)
        assert_fails(coco_sev_cert_parse(bytes, len, &cert, &err), err, COCO_ERR_PROTO, "ends");
    uint8_t longer[COCO_SEV_CERT_SIZE + 1] = {0};
    memcpy(longer, bytes, sizeof(bytes));
    assert_fails(coco_sev_cert_parse(longer, sizeof(longer), &cert, &err), err, COCO_ERR_PROTO,
                 "too many");
}

static void
certificates_of_amd_are_read_and_written(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    _cleanup_buf_ struct coco_buf back = {.limit = 4096};
    struct coco_sev_ca ca;
    size_t size = 0;

    (void)state;
    assert_ok(coco_sev_ca_format(&kit.ask, &bytes, &err), err);
    assert_int_equal(bytes.len, COCO_SEV_CA_SIZE_2048);
    assert_ok(coco_buf_append(&bytes, "behind", 6, &err), err);
    assert_ok(coco_sev_ca_parse(bytes.data, bytes.len, &ca, &size, &err), err);
    assert_int_equal(size, COCO_SEV_CA_SIZE_2048);
    assert_ok(coco_sev_ca_format(&ca, &back, &err), err);
    assert_memory_equal(back.data, bytes.data, size);
    for (size_t len = 0; len < size; len += 7)
        assert_fails(coco_sev_ca_parse(bytes.data, len, &ca, &size, &err), err, COCO_ERR_PROTO,
                     "certificate of AMD: ends");
    static const size_t places[] = {0, 40, 55, 56, 60, 61};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        bytes.data[places[i]] ^= 2;
        assert_fails(coco_sev_ca_parse(bytes.data, bytes.len, &ca, &size, &err), err,
                     COCO_ERR_PROTO, "not of version 1");
        bytes.data[places[i]] ^= 2;
    }
}

static void
signatures_are_of_their_keys(void **state)
{
    (void)state;
    assert_ok(coco_sev_ca_check(&kit.ark, &kit.ark, &err), err);
    assert_ok(coco_sev_ca_check(&kit.ask, &kit.ark, &err), err);
    assert_fails(coco_sev_ca_check(&kit.ark, &kit.ask, &err), err, COCO_ERR_VERIFY,
                 "signed by another");
    assert_ok(coco_sev_cert_check(&kit.cek, COCO_SEV_ASK, kit.ask_key, &err), err);
    assert_ok(coco_sev_cert_check(&kit.pek, COCO_SEV_CEK, kit.cek_key, &err), err);
    assert_ok(coco_sev_cert_check(&kit.pek, COCO_SEV_OCA, kit.oca_key, &err), err);
    assert_ok(coco_sev_cert_check(&kit.pdh, COCO_SEV_PEK, kit.pek_key, &err), err);
    assert_fails(coco_sev_cert_check(&kit.pek, COCO_SEV_CEK, kit.oca_key, &err), err,
                 COCO_ERR_VERIFY, "does not fit");
    assert_fails(coco_sev_cert_check(&kit.pdh, COCO_SEV_CEK, kit.cek_key, &err), err,
                 COCO_ERR_VERIFY, "no signature of a key for 0x1004");
}

/* What a signature says of its algorithm must be true of the key. */
static void
algorithms_are_not_confused(void **state)
{
    static const uint32_t algos[] = {0, 1, 3, 4, 0x101, 0x103, 0x202, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(algos) / sizeof(algos[0]); i++) {
        struct coco_sev_cert pek = kit.pek;

        pek.signatures[1].algo = algos[i];
        assert_fails(coco_sev_cert_check(&pek, COCO_SEV_CEK, kit.cek_key, &err), err,
                     COCO_ERR_VERIFY, "signature of algorithm");
    }
    struct coco_sev_cert cek = kit.cek;
    cek.signatures[0].algo = COCO_SEV_ECDSA_SHA256;
    assert_fails(coco_sev_cert_check(&cek, COCO_SEV_ASK, kit.ask_key, &err), err, COCO_ERR_VERIFY,
                 "signature of algorithm 0x2");
    cek.signatures[0].algo = COCO_SEV_RSA_SHA384;
    assert_fails(coco_sev_cert_check(&cek, COCO_SEV_ASK, kit.ask_key, &err), err, COCO_ERR_VERIFY,
                 "does not fit");
}

static void
numbers_that_are_too_large_are_refused(void **state)
{
    struct coco_sev_cert pek = kit.pek;
    EVP_PKEY *none = NULL;

    (void)state;
    pek.signatures[1].bytes[48] = 1; /* beyond r */
    assert_fails(coco_sev_cert_check(&pek, COCO_SEV_CEK, kit.cek_key, &err), err, COCO_ERR_VERIFY,
                 "larger than its key");
    pek = kit.pek;
    pek.signatures[1].bytes[511] = 1; /* beyond both */
    assert_fails(coco_sev_cert_check(&pek, COCO_SEV_CEK, kit.cek_key, &err), err, COCO_ERR_VERIFY,
                 "larger than its key");
    struct coco_sev_cert cek = kit.cek;
    cek.signatures[0].bytes[256] = 1;
    assert_fails(coco_sev_cert_check(&cek, COCO_SEV_ASK, kit.ask_key, &err), err, COCO_ERR_VERIFY,
                 "larger than its key");
    pek.x[71] = 1;
    assert_fails(coco_sev_cert_key(&pek, &none, &err), err, COCO_ERR_PROTO, "too large");
    pek = kit.pek;
    pek.x[0] ^= 1;
    assert_fails(coco_sev_cert_key(&pek, &none, &err), err, COCO_ERR_PROTO, "");
    pek.curve = 3;
    assert_fails(coco_sev_cert_key(&pek, &none, &err), err, COCO_ERR_PROTO, "on curve 3");
}

static void
no_bit_of_a_body_can_be_flipped(void **state)
{
    uint8_t bytes[COCO_SEV_CERT_SIZE];

    (void)state;
    coco_sev_cert_format(&kit.pdh, bytes);
    for (size_t i = 0; i < 164; i++) {
        struct coco_sev_cert cert;

        bytes[i] ^= (uint8_t)(1U << i % 8);
        if (coco_sev_cert_parse(bytes, sizeof(bytes), &cert, NULL) == COCO_OK
            && coco_sev_cert_check(&cert, COCO_SEV_PEK, kit.pek_key, NULL) == COCO_OK)
            fail_msg("byte %zu can be changed", i);
        bytes[i] ^= (uint8_t)(1U << i % 8);
    }
}

/* ---- what was recorded ---- */

static void
read_cert(const char *machine, const char *name, struct coco_sev_cert *ret)
{
    char path[64];
    size_t len = 0;
    uint8_t back[COCO_SEV_CERT_SIZE];

    (void)snprintf(path, sizeof(path), "sev/%s_%s.cert", machine, name);
    _cleanup_free_ char *bytes = read_fixture(path, &len);
    assert_ok(coco_sev_cert_parse(bytes, len, ret, &err), err);
    coco_sev_cert_format(ret, back);
    assert_memory_equal(back, bytes, sizeof(back));
}

static void
read_ca(const char *machine, const char *name, struct coco_sev_ca *ret)
{
    char path[64];
    size_t len = 0;
    size_t size = 0;

    (void)snprintf(path, sizeof(path), "sev/%s_%s.cert", machine, name);
    _cleanup_free_ char *bytes = read_fixture(path, &len);
    assert_ok(coco_sev_ca_parse(bytes, len, ret, &size, &err), err);
    assert_int_equal(size, len);
}

static void
check(const struct coco_sev_cert *cert, uint32_t usage, const struct coco_sev_cert *signer)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_sev_cert_key(signer, &key, &err), err);
    assert_ok(coco_sev_cert_check(cert, usage, key, &err), err);
}

static void
recorded_chains_are_whole(void **state)
{
    static const char *const machines[] = {"naples", "rome"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_pkey_ EVP_PKEY *ask_key = NULL;
        struct coco_sev_ca ark;
        struct coco_sev_ca ask;
        struct coco_sev_cert cek;
        struct coco_sev_cert oca;
        struct coco_sev_cert pek;
        struct coco_sev_cert pdh;

        read_ca(machines[i], "ark", &ark);
        read_ca(machines[i], "ask", &ask);
        read_cert(machines[i], "cek", &cek);
        read_cert(machines[i], "oca", &oca);
        read_cert(machines[i], "pek", &pek);
        read_cert(machines[i], "pdh", &pdh);
        assert_ok(coco_sev_ca_check(&ark, &ark, &err), err);
        assert_ok(coco_sev_ca_check(&ask, &ark, &err), err);
        assert_ok(coco_sev_ca_key(&ask, &ask_key, &err), err);
        assert_ok(coco_sev_cert_check(&cek, COCO_SEV_ASK, ask_key, &err), err);
        check(&oca, COCO_SEV_OCA, &oca);
        check(&pek, COCO_SEV_OCA, &oca);
        check(&pek, COCO_SEV_CEK, &cek);
        check(&pdh, COCO_SEV_PEK, &pek);
        cek.x[5] ^= 1;
        assert_fails(coco_sev_cert_check(&cek, COCO_SEV_ASK, ask_key, &err), err, COCO_ERR_VERIFY,
                     "does not fit");
    }
}

static void
a_chain_of_another_machine_is_refused(void **state)
{
    struct coco_sev_ca ark;
    struct coco_sev_ca ask;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_sev_cert cek;

    (void)state;
    read_ca("naples", "ark", &ark);
    read_ca("rome", "ask", &ask);
    read_cert("naples", "cek", &cek);
    assert_fails(coco_sev_ca_check(&ask, &ark, &err), err, COCO_ERR_VERIFY, "signed by another");
    assert_ok(coco_sev_ca_key(&ask, &key, &err), err);
    assert_fails(coco_sev_cert_check(&cek, COCO_SEV_ASK, key, &err), err, COCO_ERR_VERIFY, "");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        struct coco_sev_cert pek = kit.pek;

        coco_status status = coco_sev_ca_check(&kit.ask, &kit.ark, &err);
        if (status == COCO_OK)
            status = coco_sev_cert_key(&kit.cek, &key, &err);
        if (status == COCO_OK)
            status = coco_sev_cert_check(&kit.pek, COCO_SEV_CEK, key, &err);
        if (status == COCO_OK)
            status =
                coco_sev_cert_sign(&pek, 1, COCO_SEV_CEK, COCO_SEV_ECDSA_SHA384, kit.cek_key, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_and_its_bytes_are_the_same_thing),
        cmocka_unit_test(certificates_of_amd_are_read_and_written),
        cmocka_unit_test(signatures_are_of_their_keys),
        cmocka_unit_test(algorithms_are_not_confused),
        cmocka_unit_test(numbers_that_are_too_large_are_refused),
        cmocka_unit_test(no_bit_of_a_body_can_be_flipped),
        cmocka_unit_test(recorded_chains_are_whole),
        cmocka_unit_test(a_chain_of_another_machine_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/sev_cert", tests, setup, teardown);
}
