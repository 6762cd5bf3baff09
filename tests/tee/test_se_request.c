/*
 * tests/tee/test_se_request.c - lib/tee/se_request.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/se_request.h"

#include "crypto/cert.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

static EVP_PKEY *customer;
static EVP_PKEY *hosts[2];
static EVP_PKEY *stranger;
static uint8_t request_key[COCO_SE_REQUEST_KEY_SIZE];
static uint8_t measurement_key[COCO_SE_KEY_SIZE];
static uint8_t nonce[COCO_SE_NONCE_SIZE];
static const struct coco_se_secrets secrets = {
    {request_key, sizeof(request_key)},
    {measurement_key, sizeof(measurement_key)},
    {nonce, sizeof(nonce)},
};
static const uint8_t iv[COCO_SE_IV_SIZE] = {0x1f};
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    memset(request_key, 0x4b, sizeof(request_key));
    memset(measurement_key, 0x3a, sizeof(measurement_key));
    memset(nonce, 0x29, sizeof(nonce));
    assert_ok(coco_key_generate(COCO_KEY_P521, &customer, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P521, &hosts[0], &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P521, &hosts[1], &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P521, &stranger, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(customer);
    EVP_PKEY_free(hosts[0]);
    EVP_PKEY_free(hosts[1]);
    EVP_PKEY_free(stranger);
    return 0;
}

static void
assert_secrets(const struct coco_se_secrets *got)
{
    assert_true(coco_secret_equal(&got->request_key, request_key, sizeof(request_key)));
    assert_true(coco_secret_equal(&got->measurement_key, measurement_key, sizeof(measurement_key)));
    assert_true(coco_secret_equal(&got->nonce, nonce, sizeof(nonce)));
}

static void
each_host_can_open_a_block_and_nobody_else(void **state)
{
    struct coco_se_block block;
    struct coco_se_secrets none = {{0}, {0}, {0}};

    (void)state;
    assert_ok(coco_se_block_seal(customer, hosts, 2, &secrets, iv, &block, &err), err);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_se_secrets_ struct coco_se_secrets as_host = {{0}, {0}, {0}};
        _cleanup_se_secrets_ struct coco_se_secrets as_customer = {{0}, {0}, {0}};

        assert_ok(coco_se_block_open(&block, hosts[i], hosts[i], &as_host, &err), err);
        assert_secrets(&as_host);
        assert_ok(coco_se_block_open(&block, customer, hosts[i], &as_customer, &err), err);
        assert_secrets(&as_customer);
    }
    assert_fails(coco_se_block_open(&block, stranger, stranger, &none, &err), err,
                 COCO_ERR_NOTFOUND, "not for this host");
    assert_fails(coco_se_block_open(&block, stranger, hosts[0], &none, &err), err, COCO_ERR_VERIFY,
                 "");
}

static void
no_bit_of_a_block_can_be_flipped(void **state)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_se_block block;

    (void)state;
    assert_ok(coco_se_block_seal(customer, hosts, 1, &secrets, iv, &block, &err), err);
    assert_ok(coco_se_block_format(&block, &bytes, &err), err);
    assert_int_equal(bytes.len, 400);
    for (size_t i = 0; i < bytes.len; i++) {
        _cleanup_se_secrets_ struct coco_se_secrets got = {{0}, {0}, {0}};
        struct coco_se_block read;

        bytes.data[i] ^= (uint8_t)(1U << i % 8);
        if (coco_se_block_parse(bytes.data, bytes.len, &read, NULL) == COCO_OK
            && coco_se_block_open(&read, hosts[0], hosts[0], &got, NULL) == COCO_OK)
            fail_msg("byte %zu can be changed", i);
        bytes.data[i] ^= (uint8_t)(1U << i % 8);
    }
    struct coco_se_block read;
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(coco_se_block_parse(bytes.data, len, &read, NULL), COCO_ERR_PROTO);
    assert_ok(coco_buf_append(&bytes, "", 1, &err), err);
    assert_fails(coco_se_block_parse(bytes.data, bytes.len, &read, &err), err, COCO_ERR_PROTO,
                 "1 bytes too many");
}

static void
hostile_blocks_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
        coco_status status;
        const char *why;
    } cases[] = {
        {0, 1, COCO_ERR_PROTO, "not a control block of version 1"},
        {10, 2, COCO_ERR_PROTO, "not a control block of version 1"},
        {12, 1, COCO_ERR_LIMIT, "control block of"},
        {15, 0x91, COCO_ERR_PROTO, "says it had 401"},
        {28, 1, COCO_ERR_PROTO, "not a control block of version 1"},
        {39, 0, COCO_ERR_PROTO, "too many"},
        {39, 2, COCO_ERR_PROTO, "ends after"},
        {39, 65, COCO_ERR_LIMIT, "for 65 hosts"},
        {47, 0x51, COCO_ERR_NOTSUP, "another algorithm"},
        {59, 2, COCO_ERR_NOTSUP, "another algorithm"},
    };
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    struct coco_se_block block;

    (void)state;
    assert_ok(coco_se_block_seal(customer, hosts, 1, &secrets, iv, &block, &err), err);
    assert_ok(coco_se_block_format(&block, &bytes, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t kept = bytes.data[cases[i].at];

        bytes.data[cases[i].at] = cases[i].byte;
        assert_fails(coco_se_block_parse(bytes.data, bytes.len, &block, &err), err, cases[i].status,
                     cases[i].why);
        bytes.data[cases[i].at] = kept;
    }
}

static void
keys_of_other_kinds_are_refused(void **state)
{
    static const struct coco_se_secrets empty = {{0}, {0}, {0}};
    _cleanup_pkey_ EVP_PKEY *p384 = NULL;
    struct coco_se_block block;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &p384, &err), err);
    assert_fails(coco_se_block_seal(customer, &p384, 1, &secrets, iv, &block, &err), err,
                 COCO_ERR_NOTSUP, "not on P-521");
    assert_fails(coco_se_block_seal(p384, hosts, 1, &secrets, iv, &block, &err), err,
                 COCO_ERR_NOTSUP, "not on P-521");
    assert_fails(coco_se_block_seal(customer, hosts, 0, &secrets, iv, &block, &err), err,
                 COCO_ERR_INVALID, "to 0 hosts");
    assert_fails(coco_se_block_seal(customer, hosts, 1, &empty, iv, &block, &err), err,
                 COCO_ERR_INVALID, "not of their lengths");
}

static void
secrets_are_wiped(void **state)
{
    const struct coco_secret *parts[] = {&secrets.request_key, &secrets.measurement_key,
                                         &secrets.nonce};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct coco_se_secrets got = {{0}, {0}, {0}};
        struct coco_se_block block;

        canary_begin(parts[i]->data, parts[i]->len);
        assert_ok(coco_se_block_seal(customer, hosts, 2, &secrets, iv, &block, &err), err);
        assert_ok(coco_se_block_open(&block, hosts[1], hosts[1], &got, &err), err);
        coco_se_secrets_done(&got);
        assert_int_equal(canary_end(), 0);
    }
}

/* ---- what was recorded (s390-tools, rust/pv/tests/assets) ---- */

/* The private key of private_cust.bin, and its public half of public_cust.bin. */
static EVP_PKEY *
recorded_customer(void)
{
    size_t len = 0;
    _cleanup_free_ char *secret = read_fixture("se/keys/private_cust.bin", &len);
    _cleanup_free_ char *point = read_fixture("se/keys/public_cust.bin", &len);
    uint8_t octets[133] = {0x04};
    EVP_PKEY *key = NULL;

    memcpy(octets + 1, point + 14, 66);
    memcpy(octets + 67, point + 94, 66);
    BIGNUM *d = BN_bin2bn((const uint8_t *)secret, 80, NULL);
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    assert_int_equal(OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-521", 0),
                     1);
    assert_int_equal(
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)), 1);
    assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d), 1);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(d);
    return key;
}

static void
a_recorded_block_opens_and_comes_out_again(void **state)
{
    size_t len = 0;
    size_t cert_len = 0;
    _cleanup_free_ char *bytes = read_fixture("se/exp/arcb.bin", &len);
    _cleanup_free_ char *pem = read_fixture("se/keys/host.pem.crt", &cert_len);
    _cleanup_pkey_ EVP_PKEY *own = recorded_customer();
    _cleanup_pkey_ EVP_PKEY *host = NULL;
    _cleanup_cert_ X509 *cert = NULL;
    _cleanup_se_secrets_ struct coco_se_secrets got = {{0}, {0}, {0}};
    _cleanup_buf_ struct coco_buf again = {.limit = 4096};
    struct coco_se_block block;
    struct coco_se_block made;

    (void)state;
    assert_ok(coco_cert_parse(pem, cert_len, &cert, &err), err);
    assert_ok(coco_cert_key(cert, &host, &err), err);
    assert_ok(coco_se_block_parse(bytes, len, &block, &err), err);
    assert_ok(coco_se_block_open(&block, own, host, &got, &err), err);
    for (size_t i = 0; i < got.request_key.len; i++)
        assert_int_equal(got.request_key.data[i], 0x17);
    for (size_t i = 0; i < got.measurement_key.len; i++)
        assert_int_equal(got.measurement_key.data[i], 0x77);
    for (size_t i = 0; i < got.nonce.len; i++)
        assert_int_equal(got.nonce.data[i], 0xab);
    assert_ok(coco_se_block_seal(own, &host, 1, &got, block.iv, &made, &err), err);
    assert_ok(coco_se_block_format(&made, &again, &err), err);
    assert_int_equal(again.len, len);
    assert_memory_equal(again.data, bytes, len);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_se_secrets_ struct coco_se_secrets got = {{0}, {0}, {0}};
        _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
        struct coco_se_block block;

        coco_status status = coco_se_block_seal(customer, hosts, 2, &secrets, iv, &block, &err);
        if (status == COCO_OK)
            status = coco_se_block_format(&block, &bytes, &err);
        if (status == COCO_OK)
            status = coco_se_block_open(&block, hosts[0], hosts[0], &got, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_can_open_a_block_and_nobody_else),
        cmocka_unit_test(no_bit_of_a_block_can_be_flipped),
        cmocka_unit_test(hostile_blocks_are_refused),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
        cmocka_unit_test(secrets_are_wiped),
        cmocka_unit_test(a_recorded_block_opens_and_comes_out_again),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("tee/se_request", tests, setup, teardown);
}
