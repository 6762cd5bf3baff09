/*
 * tests/kbs/test_ca.c - lib/kbs/ca.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/ca.h"

#include "tests/faults.h"
#include "tests/pki.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define URI "spiffe://example.org/ns/a"

static const uint8_t evidence[32] = "evidence evidence evidence evid";
static const uint8_t tee_key[32] = "tee key tee key tee key tee key";

/* A root, and a CA below it. */
struct fixture {
    struct pki_cert root, below;
    char *root_pem, *root_key, *below_pem, *below_key;
    EVP_PKEY *key; /* of whoever wants a certificate */
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    pki_make_ca(&f.root, NULL, "Root");
    pki_make_ca(&f.below, &f.root, "Below");
    f.root_pem = pki_pem(&f.root);
    f.root_key = pki_key_pem(&f.root);
    f.below_pem = pki_pem(&f.below);
    f.below_key = pki_key_pem(&f.below);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f.key, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    OPENSSL_free(f->root_pem);
    OPENSSL_free(f->root_key);
    OPENSSL_free(f->below_pem);
    OPENSSL_free(f->below_key);
    pki_done(&f->root);
    pki_done(&f->below);
    EVP_PKEY_free(f->key);
    return 0;
}

static void
read_both(const struct fixture *f, struct coco_ca *ret)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 65536};
    coco_error *err = NULL;

    assert_ok(coco_buf_printf(&pem, &err, "%s%s", f->below_pem, f->root_pem), err);
    assert_ok(coco_ca_read(coco_buf_text(&pem), f->below_key, ret, &err), err);
}

static struct coco_ca_order
order_of(const struct fixture *f)
{
    return (struct coco_ca_order){
        .key = f->key,
        .uri = URI,
        .evidence = evidence,
        .tee_key = tee_key,
        .now = (int64_t)time(NULL),
        .lifetime = 3600,
    };
}

static int
verify(const struct coco_ca *ca, X509 *cert, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();

    for (size_t i = 0; i + 1 < ca->chain.n; i++)
        assert_true(sk_X509_push(between, ca->chain.certs[i]) > 0);
    assert_int_equal(X509_STORE_add_cert(store, ca->chain.certs[ca->chain.n - 1]), 1);
    assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, between), 1);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CHECK_SS_SIGNATURE);
    assert_int_equal(X509_STORE_CTX_set_purpose(ctx, purpose), 1);
    int ok = X509_verify_cert(ctx);
    sk_X509_free(between);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return ok;
}

static void
assert_one_uri(X509 *cert)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);

    assert_non_null(names);
    assert_int_equal(critical, 1);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(name->type, GEN_URI);
    assert_int_equal(ASN1_STRING_length(name->d.uniformResourceIdentifier), strlen(URI));
    assert_memory_equal(ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), URI, strlen(URI));
    GENERAL_NAMES_free(names);
}

static void
assert_evidence(X509 *cert)
{
    static const uint8_t fwid[] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20";
    const uint8_t *der = NULL;
    size_t len = 0;
    coco_error *err = NULL;

    assert_ok(coco_cert_extension(cert, COCO_CA_EVIDENCE_OID, &der, &len, &err), err);
    /* SEQUENCE of two of SEQUENCE {[6] {{sha256, digest}}, [9] type} */
    const uint8_t *at = memmem(der, len, fwid, sizeof(fwid) - 1);
    assert_non_null(at);
    assert_memory_equal(at + sizeof(fwid) - 1, evidence, 32);
    assert_non_null(memmem(der, len,
                           "\x89\x08"
                           "evidence",
                           10));
    at = memmem(at + 1, len - (size_t)(at + 1 - der), fwid, sizeof(fwid) - 1);
    assert_non_null(at);
    assert_memory_equal(at + sizeof(fwid) - 1, tee_key, 32);
    assert_memory_equal(der + len - 9,
                        "\x89\x07"
                        "tee-key",
                        9);
}

static void
a_certificate_is_a_leaf_with_one_name(void **state)
{
    struct fixture *f = *state;
    _cleanup_ca_ struct coco_ca ca = {0};
    _cleanup_cert_ X509 *cert = NULL;
    struct coco_ca_order order = order_of(f);
    uint8_t serial[COCO_CA_SERIAL_SIZE];
    int64_t from = 0;
    int64_t to = 0;
    coco_error *err = NULL;

    read_both(f, &ca);
    assert_ok(coco_ca_issue(&ca, &order, &cert, serial, &err), err);
    assert_int_equal(verify(&ca, cert, X509_PURPOSE_SSL_CLIENT), 1);
    assert_int_equal(verify(&ca, cert, X509_PURPOSE_SSL_SERVER), 1);
    assert_int_equal(verify(&ca, cert, X509_PURPOSE_SMIME_SIGN), 0);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), f->key), 1);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
    assert_one_uri(cert);
    assert_evidence(cert);
    assert_ok(coco_cert_dates(cert, &from, &to, &err), err);
    assert_true(from <= order.now && order.now - from <= 300);
    assert_int_equal(to, order.now + 3600);
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    uint8_t bytes[COCO_CA_SERIAL_SIZE];
    assert_int_equal(BN_is_negative(number), 0);
    assert_int_equal(BN_bn2binpad(number, bytes, sizeof(bytes)), sizeof(bytes));
    assert_memory_equal(bytes, serial, sizeof(serial));
    BN_free(number);
}

static void
no_two_have_one_serial(void **state)
{
    struct fixture *f = *state;
    _cleanup_ca_ struct coco_ca ca = {0};
    uint8_t serials[64][COCO_CA_SERIAL_SIZE];
    const struct coco_ca_order order = order_of(f);
    coco_error *err = NULL;

    read_both(f, &ca);
    for (size_t i = 0; i < COUNT(serials); i++) {
        _cleanup_cert_ X509 *cert = NULL;

        assert_ok(coco_ca_issue(&ca, &order, &cert, serials[i], &err), err);
        assert_true(serials[i][0] < 0x80);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(serials[i], serials[j], COCO_CA_SERIAL_SIZE);
    }
}

static void
no_certificate_outlives_its_ca(void **state)
{
    struct fixture *f = *state;
    _cleanup_ca_ struct coco_ca ca = {0};
    _cleanup_cert_ X509 *cert = NULL;
    struct coco_ca_order order = order_of(f);
    uint8_t serial[COCO_CA_SERIAL_SIZE];
    int64_t begins = 0;
    int64_t ends = 0;
    int64_t from = 0;
    int64_t to = 0;
    coco_error *err = NULL;
    X509 *none = NULL;

    read_both(f, &ca);
    assert_ok(coco_cert_dates(f->below.cert, &begins, &ends, &err), err);
    order.now = ends - 10;
    assert_ok(coco_ca_issue(&ca, &order, &cert, serial, &err), err);
    assert_ok(coco_cert_dates(cert, &from, &to, &err), err);
    assert_int_equal(to, ends);
    X509_free(cert);
    cert = NULL;
    order.now = begins + 5;
    assert_ok(coco_ca_issue(&ca, &order, &cert, serial, &err), err);
    assert_ok(coco_cert_dates(cert, &from, &to, &err), err);
    assert_int_equal(from, begins);
    order.now = ends;
    assert_fails(coco_ca_issue(&ca, &order, &none, serial, &err), err, COCO_ERR_IO, "time is over");
    order.now = begins - 1;
    assert_fails(coco_ca_issue(&ca, &order, &none, serial, &err), err, COCO_ERR_IO, "time is over");
}

/* Each kind of key that a CA may have, and that may be certified. */
static void
any_kind_of_key_signs_any_other(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P256, COCO_KEY_P384, COCO_KEY_P521,
                                               COCO_KEY_RSA, COCO_KEY_ED25519};
    struct fixture *f = *state;
    uint8_t serial[COCO_CA_SERIAL_SIZE];
    coco_error *err = NULL;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_ca_ struct coco_ca ca = {0};
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_pkey_ EVP_PKEY *leaf = NULL;
        _cleanup_cert_ X509 *cert = NULL;
        struct coco_ca_order order = order_of(f);

        read_both(f, &ca);
        assert_ok(coco_key_generate(kinds[i], &key, &err), err);
        assert_ok(coco_key_generate(kinds[COUNT(kinds) - 1 - i], &leaf, &err), err);
        EVP_PKEY_free(ca.key);
        ca.key = key;
        order.key = leaf;
        assert_ok(coco_ca_issue(&ca, &order, &cert, serial, &err), err);
        assert_int_equal(X509_verify(cert, key), 1);
        key = NULL;
    }
}

static void
the_chain_goes_up_to_the_root(void **state)
{
    struct fixture *f = *state;
    _cleanup_ca_ struct coco_ca ca = {0};
    _cleanup_ca_ struct coco_ca alone = {0};
    _cleanup_cert_ X509 *cert = NULL;
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_cert_chain_ struct coco_cert_chain single = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    _cleanup_buf_ struct coco_buf leaf = {.limit = 65536};
    _cleanup_buf_ struct coco_buf root = {.limit = 65536};
    const struct coco_ca_order order = order_of(f);
    uint8_t serial[COCO_CA_SERIAL_SIZE];
    coco_error *err = NULL;

    read_both(f, &ca);
    assert_ok(coco_ca_issue(&ca, &order, &cert, serial, &err), err);
    assert_ok(coco_ca_append_chain(&ca, cert, &text, &err), err);
    assert_ok(coco_cert_chain_parse(text.data, text.len, &chain, &err), err);
    assert_int_equal(chain.n, 2);
    assert_int_equal(X509_cmp(chain.certs[0], cert), 0);
    assert_int_equal(X509_cmp(chain.certs[1], f->below.cert), 0);
    assert_ok(coco_ca_append_root(&ca, &root, &err), err);
    assert_string_equal(coco_buf_text(&root), f->root_pem);
    assert_ok(coco_ca_read(f->root_pem, f->root_key, &alone, &err), err);
    assert_ok(coco_ca_append_chain(&alone, cert, &leaf, &err), err);
    assert_ok(coco_cert_chain_parse(leaf.data, leaf.len, &single, &err), err);
    assert_int_equal(single.n, 1);
}

static void
what_is_no_ca_is_refused(void **state)
{
    struct fixture *f = *state;
    struct pki_cert server;
    struct pki_cert other;
    char *server_key = NULL;
    coco_error *err = NULL;

    pki_make(&server, &f->root, "a.test", 30);
    pki_make_ca(&other, NULL, "Other");
    server_key = pki_key_pem(&server);
    char *server_pem = pki_pem(&server);
    char *other_pem = pki_pem(&other);
    char both[16384];
    char wrong[16384];
    char turned[16384];
    (void)snprintf(both, sizeof(both), "%s%s", server_pem, f->root_pem);
    (void)snprintf(wrong, sizeof(wrong), "%s%s", f->below_pem, other_pem);
    (void)snprintf(turned, sizeof(turned), "%s%s", f->root_pem, f->below_pem);
    const struct {
        const char *certificates, *key;
        coco_status want;
        const char *why;
    } cases[] = {
        {"", f->root_key, COCO_ERR_PROTO, "certificate: "},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f->root_key,
         COCO_ERR_PROTO, "certificate: "},
        {both, server_key, COCO_ERR_VERIFY, "certificate: the certificate is none of a CA"},
        {f->below_pem, f->below_key, COCO_ERR_VERIFY, "certificate: "},
        {wrong, f->below_key, COCO_ERR_VERIFY, "certificate: "},
        {turned, f->root_key, COCO_ERR_VERIFY, "certificate: "},
        {f->root_pem, f->below_key, COCO_ERR_VERIFY, "private_key: is not that of"},
        {f->root_pem, "", COCO_ERR_PROTO, "private_key: "},
        {f->root_pem, f->root_pem, COCO_ERR_PROTO, "private_key: "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_ca ca = {0};

        assert_fails(coco_ca_read(cases[i].certificates, cases[i].key, &ca, &err), err,
                     cases[i].want, cases[i].why);
        assert_null(ca.key);
    }
    OPENSSL_free(server_key);
    OPENSSL_free(server_pem);
    OPENSSL_free(other_pem);
    pki_done(&server);
    pki_done(&other);
}

static void
issuing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    const struct coco_ca_order order = order_of(f);
    uint8_t serial[COCO_CA_SERIAL_SIZE];

    for_each_fault()
    {
        _cleanup_ca_ struct coco_ca ca = {0};
        _cleanup_cert_ X509 *cert = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 65536};
        coco_error *err = NULL;

        coco_status status = coco_ca_read(f->root_pem, f->root_key, &ca, &err);
        if (status == COCO_OK)
            status = coco_ca_issue(&ca, &order, &cert, serial, &err);
        if (status == COCO_OK)
            status = coco_ca_append_chain(&ca, cert, &text, &err);
        if (status == COCO_OK)
            status = coco_ca_append_root(&ca, &text, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_a_leaf_with_one_name),
        cmocka_unit_test(no_two_have_one_serial),
        cmocka_unit_test(no_certificate_outlives_its_ca),
        cmocka_unit_test(any_kind_of_key_signs_any_other),
        cmocka_unit_test(the_chain_goes_up_to_the_root),
        cmocka_unit_test(what_is_no_ca_is_refused),
        cmocka_unit_test(issuing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
