/*
 * tests/crypto/test_cert.c - lib/crypto/cert.c
 *
 * Three certificates are made: root, CA below it, and a leaf; and each rule is
 * broken alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cert.h"

#include "base/fail.h"
#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/support.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static struct pki_cert root;
static struct pki_cert ca;
static struct pki_cert leaf;
static struct pki_cert stranger;
static coco_error *err;
static int64_t now;

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&root, NULL, "Root");
    pki_make_ca(&ca, &root, "CA");
    pki_make(&leaf, &ca, "leaf.test", 10);
    pki_make_ca(&stranger, NULL, "Root");
    now = (int64_t)time(NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    pki_done(&root);
    pki_done(&ca);
    pki_done(&leaf);
    pki_done(&stranger);
    return 0;
}

static void
add(struct coco_cert_chain *chain, const struct pki_cert *cert)
{
    X509 *one = cert->cert;

    assert_int_equal(X509_up_ref(one), 1);
    assert_ok(coco_cert_chain_add(chain, &one, &err), err);
}

static void
append_pem(struct coco_buf *buf, const struct pki_cert *cert)
{
    char *pem = pki_pem(cert);

    assert_ok(coco_buf_append_text(buf, pem, &err), err);
    OPENSSL_free(pem);
}

static void
a_chain_is_read_as_it_comes(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    (void)state;
    append_pem(&text, &leaf);
    append_pem(&text, &ca);
    append_pem(&text, &root);
    assert_ok(coco_buf_append(&text, "\0\0", 2, &err), err);
    assert_ok(coco_cert_chain_parse(text.data, text.len, &chain, &err), err);
    assert_int_equal(chain.n, 3);
    assert_int_equal(X509_cmp(chain.certs[0], leaf.cert), 0);
    assert_int_equal(X509_cmp(chain.certs[2], root.cert), 0);
    assert_ok(coco_cert_chain_check_links(&chain, &err), err);
    assert_ok(coco_cert_chain_check_dates(&chain, now, &err), err);
}

/* Has the certificate of root. */
static coco_status
find_root(void *user, const void *der, size_t len, X509 **ret, coco_error **why)
{
    uint8_t *bytes = NULL;
    int bytes_len = i2d_X509(root.cert, &bytes);

    (void)why;
    ++*(size_t *)user;
    if ((size_t)bytes_len == len && memcmp(bytes, der, len) == 0) {
        assert_int_equal(X509_up_ref(root.cert), 1);
        *ret = root.cert;
    }
    OPENSSL_free(bytes);
    return COCO_OK;
}

static coco_status
find_no_memory(void *user, const void *der, size_t len, X509 **ret, coco_error **why)
{
    (void)user;
    (void)der;
    (void)len;
    (void)ret;
    return coco_fail_nomem(why);
}

static void
certificates_that_are_known_are_shared(void **state)
{
    size_t asked = 0;
    const struct coco_cert_finder finder = {find_root, &asked};
    const struct coco_cert_finder broken = {find_no_memory, NULL};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_cert_ X509 *cert = NULL;
    uint8_t *der = NULL;

    (void)state;
    append_pem(&text, &stranger); /* which has the name of root */
    append_pem(&text, &root);
    assert_ok(coco_cert_chain_parse_with(text.data, text.len, &finder, &chain, &err), err);
    assert_int_equal(asked, 2);
    assert_int_equal(chain.n, 2);
    assert_int_equal(X509_cmp(chain.certs[0], stranger.cert), 0);
    assert_ptr_not_equal(chain.certs[0], stranger.cert);
    assert_ptr_equal(chain.certs[1], root.cert);

    int len = i2d_X509(root.cert, &der);
    assert_ok(coco_cert_parse_with(der, (size_t)len, &finder, &cert, &err), err);
    assert_ptr_equal(cert, root.cert);
    assert_fails(coco_cert_parse_with(der, (size_t)len, &broken, &cert, &err), err, COCO_ERR_NOMEM,
                 "");
    OPENSSL_free(der);
}

static void
texts_that_are_no_chain_are_refused(void **state)
{
    _cleanup_buf_ struct coco_buf many = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf behind = {.limit = 1 << 16};
    char *key = pki_key_pem(&leaf);

    (void)state;
    for (size_t i = 0; i <= COCO_CERT_CHAIN_MAX; i++)
        append_pem(&many, &root);
    append_pem(&behind, &root);
    assert_ok(coco_buf_append_text(&behind, "x", &err), err);
    const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "no certificate"},
        {"no PEM", COCO_ERR_PROTO, "no certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", COCO_ERR_PROTO,
         "not a certificate"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", COCO_ERR_PROTO, "no certificate"},
        {key, COCO_ERR_PROTO, "more than certificates"},
        {coco_buf_text(&many), COCO_ERR_LIMIT, "more than 6"},
        {coco_buf_text(&behind), COCO_ERR_PROTO, "more than certificates"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

        assert_fails(coco_cert_chain_parse(cases[i].text, strlen(cases[i].text), &chain, &err), err,
                     cases[i].status, cases[i].why);
    }
    OPENSSL_free(key);
}

static void
one_certificate_is_der_or_pem_and_nothing_more(void **state)
{
    _cleanup_buf_ struct coco_buf two = {.limit = 1 << 16};
    _cleanup_cert_ X509 *a = NULL;
    _cleanup_cert_ X509 *b = NULL;
    X509 *none = NULL;
    uint8_t *der = NULL;

    (void)state;
    append_pem(&two, &leaf);
    assert_ok(coco_cert_parse(two.data, two.len, &a, &err), err);
    append_pem(&two, &ca);
    assert_fails(coco_cert_parse(two.data, two.len, &none, &err), err, COCO_ERR_PROTO,
                 "more than one");
    int len = i2d_X509(leaf.cert, &der);
    assert_true(len > 0);
    assert_ok(coco_cert_parse(der, (size_t)len, &b, &err), err);
    assert_int_equal(X509_cmp(a, b), 0);
    assert_fails(coco_cert_parse(NULL, 0, &none, &err), err, COCO_ERR_PROTO, "not a certificate");
    for (int cut = 0; cut < len; cut++)
        assert_fails(coco_cert_parse(der, (size_t)cut, &none, &err), err, COCO_ERR_PROTO,
                     "not a certificate");
    assert_ok(coco_buf_append(&two, der, (size_t)len, &err), err);
    der[0] = 0x31;
    assert_fails(coco_cert_parse(der, (size_t)len, &none, &err), err, COCO_ERR_PROTO,
                 "not a certificate");
    OPENSSL_free(der);
    assert_null(none);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
links_are_checked_each_by_itself(void **state)
{
    const struct {
        const struct pki_cert *certs[4];
        const char *why; /* NULL: holds */
    } cases[] = {
        {{&leaf, &ca, &root}, NULL},
        {{&root}, NULL},
        {{&ca, &root}, NULL},
        {{&leaf}, "CN=leaf.test"},
        {{&leaf, &ca}, "CN="},
        {{&leaf, &root}, "CN=leaf.test"},
        {{&leaf, &ca, &stranger}, "CN="},
        {{&ca, &leaf, &root}, "not part of it"},
        {{&leaf, &ca, &root, &stranger}, ""},
        {{&leaf, &ca, &ca, &root}, "not part of it"},
        {{&root, &ca, &leaf}, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

        for (size_t j = 0; j < 4 && cases[i].certs[j]; j++)
            add(&chain, cases[i].certs[j]);
        coco_status status = coco_cert_chain_check_links(&chain, &err);
        if (cases[i].why)
            assert_fails(status, err, COCO_ERR_VERIFY, cases[i].why);
        else
            assert_ok(status, err);
    }
    struct coco_cert_chain none = {0};
    assert_fails(coco_cert_chain_check_links(&none, &err), err, COCO_ERR_VERIFY, "no certificate");
    assert_int_equal(ERR_peek_error(), 0);
}

/* Whoever makes a root can sign it, so that its own signature is not what trust comes from. */
static void
a_root_does_not_vouch_for_itself(void **state)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    struct pki_cert other = {.cert = X509_dup(root.cert), .key = root.key};

    (void)state;
    assert_non_null(other.cert);
    assert_true(X509_sign(other.cert, stranger.key, EVP_sha256()) > 0);
    assert_int_not_equal(X509_verify(other.cert, root.key), 1);
    ERR_clear_error();
    add(&chain, &leaf);
    add(&chain, &ca);
    add(&chain, &other);
    assert_ok(coco_cert_chain_check_links(&chain, &err), err);
    assert_int_not_equal(X509_cmp(other.cert, root.cert), 0); /* its fingerprint is not root's */
    X509_free(other.cert);
}

static void
a_leaf_vouches_for_nobody(void **state)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    struct pki_cert below;

    (void)state;
    pki_make(&below, &leaf, "below.test", 10);
    add(&chain, &below);
    add(&chain, &leaf);
    add(&chain, &ca);
    add(&chain, &root);
    assert_fails(coco_cert_chain_check_links(&chain, &err), err, COCO_ERR_VERIFY, "CN=leaf.test");
    pki_done(&below);
}

static void
dates_are_those_of_each(void **state)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    (void)state;
    add(&chain, &leaf);
    add(&chain, &ca);
    assert_ok(coco_cert_chain_check_dates(&chain, now, &err), err);
    assert_fails(coco_cert_chain_check_dates(&chain, now + 11 * 24 * 3600, &err), err,
                 COCO_ERR_VERIFY, "CN=leaf.test has expired");
    assert_ok(coco_cert_check_dates(ca.cert, now + 11 * 24 * 3600, &err), err);
    assert_fails(coco_cert_chain_check_dates(&chain, now - 31L * 24 * 3600, &err), err,
                 COCO_ERR_VERIFY, "CN=leaf.test is not valid yet");
}

static void
extensions_are_found_by_their_oid(void **state)
{
    const uint8_t *data = NULL;
    size_t len = 0;

    (void)state;
    assert_ok(coco_cert_extension(ca.cert, "2.5.29.19", &data, &len, &err), err);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "\x30\x03\x01\x01\xff", 5);
    assert_fails(coco_cert_extension(ca.cert, "1.3.6.1.4.1.3704.1.2", &data, &len, &err), err,
                 COCO_ERR_NOTFOUND, "1.3.6.1.4.1.3704.1.2");
}

/* A list of by's, with or without cert in it, that ends in days. */
static X509_CRL *
make_crl(const struct pki_cert *by, X509 *cert, int days)
{
    return pki_crl(
        &(struct pki_list){.by = by, .cert = cert, .from = -1, .to = days, .md = EVP_sha256()});
}

static void
what_is_on_the_list_is_revoked(void **state)
{
    _cleanup_crl_ X509_CRL *empty = make_crl(&ca, NULL, 5);
    _cleanup_crl_ X509_CRL *full = make_crl(&ca, leaf.cert, 5);

    (void)state;
    assert_ok(coco_crl_check_cert(empty, leaf.cert, &err), err);
    assert_fails(coco_crl_check_cert(full, leaf.cert, &err), err, COCO_ERR_VERIFY,
                 "CN=leaf.test is revoked");
    assert_ok(coco_crl_check_cert(full, root.cert, &err), err);
}

static void
a_list_is_of_its_issuer_and_of_its_time(void **state)
{
    _cleanup_crl_ X509_CRL *crl = make_crl(&ca, NULL, 5);
    _cleanup_crl_ X509_CRL *forged = make_crl(&stranger, NULL, 5);

    (void)state;
    assert_ok(coco_crl_check_issuer(crl, ca.cert, &err), err);
    assert_fails(coco_crl_check_issuer(crl, root.cert, &err), err, COCO_ERR_VERIFY,
                 "another issuer");
    assert_fails(coco_crl_check_issuer(forged, root.cert, &err), err, COCO_ERR_VERIFY,
                 "not signed by its issuer");
    assert_ok(coco_crl_check_dates(crl, now, &err), err);
    assert_fails(coco_crl_check_dates(crl, now + 6 * 24 * 3600, &err), err, COCO_ERR_VERIFY,
                 "has expired");
    assert_fails(coco_crl_check_dates(crl, now - 2 * 24 * 3600, &err), err, COCO_ERR_VERIFY,
                 "not valid yet");
}

/* Dates and numbers are for people and policies, and nothing that a check goes by. */
static void
dates_and_numbers_can_be_asked_for(void **state)
{
    _cleanup_crl_ X509_CRL *crl = make_crl(&ca, NULL, 5);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    uint64_t got = 0;
    int64_t from = 0;
    int64_t to = 0;

    (void)state;
    assert_ok(coco_cert_dates(leaf.cert, &from, &to, &err), err);
    assert_int_equal(to - from, 40L * 24 * 3600);
    assert_true(from <= now - 30L * 24 * 3600 && from > now - 30L * 24 * 3600 - 60);
    assert_ok(coco_crl_dates(crl, &from, &to, &err), err);
    assert_int_equal(to - from, 6L * 24 * 3600);
    assert_fails(coco_crl_number(crl, &got, &err), err, COCO_ERR_NOTFOUND, "no number");
    assert_int_equal(ASN1_INTEGER_set_uint64(number, UINT64_MAX), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
    assert_ok(coco_crl_number(crl, &got, &err), err);
    assert_true(got == UINT64_MAX);
    assert_int_equal(ASN1_INTEGER_set(number, -1), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_REPLACE), 1);
    assert_fails(coco_crl_number(crl, &got, &err), err, COCO_ERR_PROTO, "that is none");
    ASN1_INTEGER_free(number);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
lists_are_read_whole(void **state)
{
    _cleanup_crl_ X509_CRL *crl = make_crl(&ca, leaf.cert, 5);
    _cleanup_crl_ X509_CRL *back = NULL;
    X509_CRL *none = NULL;
    uint8_t *der = NULL;

    (void)state;
    int len = i2d_X509_CRL(crl, &der);
    assert_true(len > 0);
    assert_ok(coco_crl_parse(der, (size_t)len, &back, &err), err);
    assert_int_equal(X509_CRL_cmp(crl, back), 0);
    for (int cut = 0; cut < len; cut++)
        assert_fails(coco_crl_parse(der, (size_t)cut, &none, &err), err, COCO_ERR_PROTO,
                     "not a list");
    der = OPENSSL_realloc(der, (size_t)len + 1);
    der[len] = 0;
    assert_fails(coco_crl_parse(der, (size_t)len + 1, &none, &err), err, COCO_ERR_PROTO,
                 "not a list");
    OPENSSL_free(der);
    assert_null(none);
}

/* RFC 5280 section 5.2.4: it would hide what is on the whole list. */
static void
a_list_of_changes_is_refused(void **state)
{
    _cleanup_crl_ X509_CRL *crl = make_crl(&ca, NULL, 5);
    ASN1_INTEGER *base = ASN1_INTEGER_new();
    X509_CRL *none = NULL;
    uint8_t *der = NULL;

    (void)state;
    assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
    assert_true(X509_CRL_sign(crl, ca.key, EVP_sha256()) > 0);
    int len = i2d_X509_CRL(crl, &der);
    assert_fails(coco_crl_parse(der, (size_t)len, &none, &err), err, COCO_ERR_PROTO,
                 "not known here");
    OPENSSL_free(der);
    ASN1_INTEGER_free(base);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

    (void)state;
    append_pem(&text, &leaf);
    append_pem(&text, &ca);
    append_pem(&text, &root);
    for_each_fault()
    {
        _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
        _cleanup_buf_ struct coco_buf subject = {.limit = 256};

        coco_status status = coco_cert_chain_parse(text.data, text.len, &chain, &err);
        if (status == COCO_OK)
            status = coco_cert_chain_check_links(&chain, &err);
        if (status == COCO_OK)
            status = coco_cert_chain_check_dates(&chain, now, &err);
        if (status == COCO_OK)
            status = coco_cert_subject(leaf.cert, &subject, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_read_as_it_comes),
        cmocka_unit_test(certificates_that_are_known_are_shared),
        cmocka_unit_test(texts_that_are_no_chain_are_refused),
        cmocka_unit_test(one_certificate_is_der_or_pem_and_nothing_more),
        cmocka_unit_test(links_are_checked_each_by_itself),
        cmocka_unit_test(a_root_does_not_vouch_for_itself),
        cmocka_unit_test(a_leaf_vouches_for_nobody),
        cmocka_unit_test(dates_are_those_of_each),
        cmocka_unit_test(extensions_are_found_by_their_oid),
        cmocka_unit_test(what_is_on_the_list_is_revoked),
        cmocka_unit_test(a_list_is_of_its_issuer_and_of_its_time),
        cmocka_unit_test(dates_and_numbers_can_be_asked_for),
        cmocka_unit_test(lists_are_read_whole),
        cmocka_unit_test(a_list_of_changes_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("crypto/cert", tests, setup, teardown);
}
