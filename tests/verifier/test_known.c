/*
 * tests/verifier/test_known.c - lib/verifier/known.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/ecdsa.h"
#include "tests/faults.h"
#include "tests/verifier/intel.h"
#include "verifier/known.h"
#include "verifier/verdict.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS 50

static struct pki_cert root;
static struct pki_cert ca;
static struct pki_cert leaf;
static struct pki_cert stranger; /* with root's name */
static struct coco_buf leaf_der;
static struct coco_buf crl_der;
static coco_error *err;

static void
get_der(const struct pki_cert *cert, struct coco_buf *ret)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert->cert, &der);

    assert_true(len > 0);
    ret->limit = COCO_CERT_SIZE_MAX;
    assert_ok(coco_buf_append(ret, der, (size_t)len, &err), err);
    OPENSSL_free(der);
}

static int
setup(void **state)
{
    struct intel_documents documents = {0};
    const struct coco_buf *crl;

    (void)state;
    pki_make_ca(&root, NULL, "Root");
    pki_make_ca(&ca, &root, "CA");
    pki_make(&leaf, &ca, "leaf.test", 10);
    pki_make_ca(&stranger, NULL, "Root");
    get_der(&leaf, &leaf_der);
    intel_put_crl(&documents, "crl", &root, &ca, 10);
    crl = &intel_document(&documents, "crl")->content;
    crl_der.limit = COCO_CRL_SIZE_MAX;
    assert_ok(coco_buf_append(&crl_der, crl->data, crl->len, &err), err);
    intel_documents_done(&documents);
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
    coco_buf_done(&leaf_der);
    coco_buf_done(&crl_der);
    return 0;
}

static struct coco_known *
known_new(void)
{
    struct coco_known *known = NULL;

    assert_ok(coco_known_new(&known, &err), err);
    return known;
}

/* Up to three; not to be released. */
static struct coco_cert_chain
chain_of(X509 *a, X509 *b, X509 *c)
{
    return (struct coco_cert_chain){.certs = {a, b, c}, .n = c ? 3 : b ? 2 : 1};
}

static struct coco_cert_chain
whole_chain(void)
{
    return chain_of(leaf.cert, ca.cert, root.cert);
}

static struct coco_known *
known_with_chain(void)
{
    const struct coco_cert_chain chain = whole_chain();
    struct coco_known *known = known_new();

    assert_ok(coco_known_check_links(known, &chain, &err), err);
    assert_ok(coco_known_keep(known, &chain, &err), err);
    return known;
}

/* ---- certificates ---- */

static void
certificates_are_shared_once_they_are_kept(void **state)
{
    _cleanup_known_ struct coco_known *known = known_new();
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    const struct coco_cert_chain whole = whole_chain();
    _cleanup_cert_ X509 *first = NULL;
    _cleanup_cert_ X509 *second = NULL;
    char *pem = pki_pem(&ca);

    (void)state;
    assert_ok(coco_known_cert_parse(known, leaf_der.data, leaf_der.len, &first, &err), err);
    assert_int_equal(coco_known_certs(known), 0);
    assert_ptr_not_equal(first, leaf.cert);
    assert_ok(coco_known_keep(known, &whole, &err), err);
    assert_ok(coco_known_keep(known, &whole, &err), err);
    assert_int_equal(coco_known_certs(known), 3);
    assert_int_equal(coco_known_facts(known), 1);
    assert_ok(coco_known_cert_parse(known, leaf_der.data, leaf_der.len, &second, &err), err);
    assert_ptr_equal(second, leaf.cert);
    assert_ok(coco_known_chain_parse(known, pem, strlen(pem), &chain, &err), err);
    assert_ptr_equal(chain.certs[0], ca.cert);
    OPENSSL_free(pem);
}

/* What is malformed is refused as if nothing were known, and what can be read is not linked. */
static void
no_bit_of_a_certificate_that_is_known_can_be_flipped(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    unsigned refused = 0;

    (void)state;
    for (size_t bit = 0; bit < 8 * leaf_der.len; bit++) {
        _cleanup_cert_ X509 *cert = NULL;

        leaf_der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        coco_status status = coco_known_cert_parse(known, leaf_der.data, leaf_der.len, &cert, NULL);
        leaf_der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        refused += status != COCO_OK;
        if (status != COCO_OK)
            continue;
        const struct coco_cert_chain chain = chain_of(cert, ca.cert, root.cert);
        assert_ptr_not_equal(cert, leaf.cert);
        if (coco_known_check_links(known, &chain, NULL) == COCO_OK)
            fail_msg("bit %zu of a certificate can be flipped", bit);
    }
    assert_in_range(refused, 1, 8 * leaf_der.len - 1);
    assert_int_equal(coco_known_certs(known), 3);
    assert_int_equal(coco_known_facts(known), 1);
}

static void
links_are_known_of_the_same_chain_alone(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    const struct coco_cert_chain bad[] = {
        chain_of(leaf.cert, root.cert, ca.cert),       chain_of(leaf.cert, root.cert, NULL),
        chain_of(leaf.cert, ca.cert, stranger.cert),   chain_of(leaf.cert, ca.cert, NULL),
        chain_of(stranger.cert, ca.cert, root.cert),   chain_of(leaf.cert, NULL, NULL),
        chain_of(leaf.cert, stranger.cert, root.cert), {.n = 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_known_check_links(known, &bad[i], &err), err, COCO_ERR_VERIFY, "");
    const struct coco_cert_chain whole = whole_chain();
    assert_ok(coco_known_check_links(known, &whole, &err), err);
}

/* ---- signatures ---- */

static void
a_signature_is_known_of_the_same_bytes_and_key_alone(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    uint8_t data[40] = "signed by the leaf";
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};

    (void)state;
    assert_ok(coco_ecdsa_sign(leaf.key, data, sizeof(data), &sig, &err), err);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(coco_known_verify(known, leaf.cert, data, sizeof(data), sig.data, sig.len, &err),
                  err);
        assert_int_equal(coco_known_facts(known), 2);
    }
    assert_fails(coco_known_verify(known, ca.cert, data, sizeof(data), sig.data, sig.len, &err),
                 err, COCO_ERR_VERIFY, "");
    assert_fails(
        coco_known_verify(known, leaf.cert, data, sizeof(data) - 1, sig.data, sig.len, &err), err,
        COCO_ERR_VERIFY, "");
    assert_fails(
        coco_known_verify(known, leaf.cert, data, sizeof(data), sig.data, sig.len - 1, &err), err,
        COCO_ERR_VERIFY, "");
    for (size_t bit = 0; bit < 8 * (sizeof(data) + sig.len); bit++) {
        uint8_t *byte = bit / 8 < sizeof(data) ? &data[bit / 8] : &sig.data[bit / 8 - sizeof(data)];

        *byte ^= (uint8_t)(1U << bit % 8);
        assert_fails(
            coco_known_verify(known, leaf.cert, data, sizeof(data), sig.data, sig.len, &err), err,
            COCO_ERR_VERIFY, "");
        *byte ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(coco_known_facts(known), 2);
}

static void
what_a_stranger_signs_is_verified_and_not_kept(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};

    (void)state;
    assert_ok(coco_ecdsa_sign(stranger.key, "x", 1, &sig, &err), err);
    assert_ok(coco_known_verify(known, stranger.cert, "x", 1, sig.data, sig.len, &err), err);
    assert_int_equal(coco_known_facts(known), 1);
}

/* ---- lists of revoked certificates ---- */

static void
a_list_is_shared_once_its_issuer_is_known(void **state)
{
    _cleanup_known_ struct coco_known *nobody = known_new();
    _cleanup_known_ struct coco_known *known = known_with_chain();
    struct coco_known *const both[] = {nobody, known};
    X509_CRL *crls[2][2] = {{NULL}};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) {
            assert_ok(coco_known_crl_parse(both[i], crl_der.data, crl_der.len, &crls[i][j], &err),
                      err);
            assert_ok(coco_known_check_crl_issuer(both[i], crls[i][j], root.cert, &err), err);
            assert_int_equal(coco_known_crls(both[i]), i);
        }
    assert_ptr_not_equal(crls[0][0], crls[0][1]);
    assert_ptr_equal(crls[1][0], crls[1][1]);
    /* It is kept as root's, and is nobody else's, not even of who has root's name. */
    assert_fails(coco_known_check_crl_issuer(known, crls[1][0], stranger.cert, &err), err,
                 COCO_ERR_VERIFY, "not signed");
    assert_fails(coco_known_check_crl_issuer(known, crls[1][0], ca.cert, &err), err,
                 COCO_ERR_VERIFY, "another issuer");
    for (size_t i = 0; i < 4; i++)
        X509_CRL_free(crls[i / 2][i % 2]);
}

static void
no_bit_of_a_list_that_is_known_can_be_flipped(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    _cleanup_crl_ X509_CRL *crl = NULL;

    (void)state;
    assert_ok(coco_known_crl_parse(known, crl_der.data, crl_der.len, &crl, &err), err);
    assert_ok(coco_known_check_crl_issuer(known, crl, root.cert, &err), err);
    for (size_t bit = 0; bit < 8 * crl_der.len; bit++) {
        _cleanup_crl_ X509_CRL *other = NULL;

        crl_der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        coco_status status = coco_known_crl_parse(known, crl_der.data, crl_der.len, &other, NULL);
        crl_der.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (status == COCO_OK)
            status = coco_known_check_crl_issuer(known, other, root.cert, NULL);
        if (status == COCO_OK)
            fail_msg("bit %zu of a list can be flipped", bit);
    }
    assert_int_equal(coco_known_crls(known), 1);
}

/* ---- chains as they are judged ---- */

static void
judge(const coco_verifier *verifier, const char *maker, int64_t now, const char *failing)
{
    const struct coco_verification verification = {.verifier = verifier, .now = now};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    const struct coco_cert_chain chain = whole_chain();

    assert_non_null(verdict);
    assert_ok(coco_check_chain(&verification, verdict, &coco_evidence_chain, maker, &chain, &err),
              err);
    assert_names_of_failing(verdict, failing);
}

/* First as a stranger's, then as a root's: dates and trust are looked at each time. */
static void
only_what_leads_to_a_root_is_kept(void **state)
{
    const int64_t now = (int64_t)time(NULL);
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

    (void)state;
    assert_ok(coco_verifier_new(&verifier, &err), err);
    struct coco_known *known = coco_verifier_known(verifier);
    judge(verifier, "aws", now, "root ");
    assert_int_equal(coco_known_certs(known), 0);
    assert_int_equal(coco_known_facts(known), 0);
    trust_cert(verifier, "aws", root.cert);
    judge(verifier, "aws", now, "");
    assert_int_equal(coco_known_certs(known), 3);
    assert_int_equal(coco_known_facts(known), 1);
    judge(verifier, "intel", now, "root ");
    judge(verifier, "aws", now + 20 * INTEL_DAY_S, "certificate-dates ");
    judge(verifier, "aws", 0, "certificate-dates ");
    judge(verifier, "aws", now, "");
}

/* A list that is known ends, and one that comes in its place counts at once. */
static void
revocation_is_looked_at_each_time(void **state)
{
    _cleanup_intel_ struct intel intel;

    (void)state;
    intel_begin(&intel, 4, COCO_QUOTE_TD10);
    intel_assert_failing(&intel, "");
    intel_assert_failing(&intel, "");
    assert_int_equal(coco_known_crls(coco_verifier_known(intel.verifier)), 2);
    coco_verifier_set_time(intel.verifier, intel.now + 25 * INTEL_DAY_S);
    intel_assert_failing(&intel, "revocation-list ");
    coco_verifier_set_time(intel.verifier, 0);
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.ca, &intel.pck, 20);
    intel_assert_failing(&intel, "revoked ");
    intel_put_crl(&intel.documents, "intel/pck-crl/platform.crl", &intel.root, NULL, 20);
    intel_assert_failing(&intel, "revocation-list ");
}

/* ---- bounds ---- */

static void
what_was_not_asked_for_the_longest_makes_room(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    const struct coco_cert_chain whole = whole_chain();
    _cleanup_cert_ X509 *first = NULL;
    _cleanup_cert_ X509 *again = NULL;
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};

    (void)state;
    for (size_t i = 0; i < COCO_KNOWN_CERTS_MAX; i++) {
        struct pki_cert other;

        pki_make(&other, NULL, "other.test", 10);
        const struct coco_cert_chain chain = chain_of(other.cert, NULL, NULL);
        assert_ok(coco_known_keep(known, &chain, &err), err);
        pki_done(&other);
        /* The leaf is asked for all the time, its CA never. */
        X509_free(coco_steal(&first));
        assert_ok(coco_known_cert_parse(known, leaf_der.data, leaf_der.len, &first, &err), err);
    }
    assert_int_equal(coco_known_certs(known), COCO_KNOWN_CERTS_MAX);
    assert_ptr_equal(first, leaf.cert);
    char *pem = pki_pem(&ca);
    assert_ok(coco_known_cert_parse(known, pem, strlen(pem), &again, &err), err);
    assert_ptr_not_equal(again, ca.cert);
    OPENSSL_free(pem);
    for (uint32_t i = 0; i < COCO_KNOWN_FACTS_MAX; i++) {
        coco_buf_reset(&sig);
        assert_ok(coco_ecdsa_sign(leaf.key, &i, sizeof(i), &sig, &err), err);
        assert_ok(coco_known_verify(known, leaf.cert, &i, sizeof(i), sig.data, sig.len, &err), err);
    }
    assert_int_equal(coco_known_facts(known), COCO_KNOWN_FACTS_MAX);
    assert_ok(coco_known_check_links(known, &whole, &err), err); /* no longer known, but so */
}

static void
lists_are_few_and_short(void **state)
{
    _cleanup_known_ struct coco_known *known = known_with_chain();
    struct intel_documents documents = {0};

    (void)state;
    for (int i = 0; i < (int)COCO_KNOWN_CRLS_MAX + 4; i++) {
        _cleanup_crl_ X509_CRL *crl = NULL;

        intel_put_crl(&documents, "crl", &root, NULL, 10 + i);
        const struct coco_buf *der = &intel_document(&documents, "crl")->content;
        assert_ok(coco_known_crl_parse(known, der->data, der->len, &crl, &err), err);
        assert_ok(coco_known_check_crl_issuer(known, crl, root.cert, &err), err);
    }
    assert_int_equal(coco_known_crls(known), COCO_KNOWN_CRLS_MAX);
    intel_documents_done(&documents);
}

/* ---- threads, and memory that is short ---- */

struct work {
    struct coco_known *known;
    const struct coco_buf *sig;
    size_t failed;
};

/* What is right, what is wrong, and what makes room: in all threads at once. */
static void *
work(void *user)
{
    struct work *w = user;

    for (size_t i = 0; i < ROUNDS; i++) {
        _cleanup_cert_ X509 *cert = NULL;
        _cleanup_crl_ X509_CRL *crl = NULL;
        const struct coco_cert_chain good = whole_chain();
        const struct coco_cert_chain bad = chain_of(leaf.cert, ca.cert, stranger.cert);

        w->failed +=
            coco_known_cert_parse(w->known, leaf_der.data, leaf_der.len, &cert, NULL) != COCO_OK;
        w->failed += coco_known_check_links(w->known, &good, NULL) != COCO_OK;
        w->failed += coco_known_check_links(w->known, &bad, NULL) == COCO_OK;
        w->failed += coco_known_keep(w->known, &good, NULL) != COCO_OK;
        w->failed +=
            coco_known_crl_parse(w->known, crl_der.data, crl_der.len, &crl, NULL) != COCO_OK;
        w->failed += coco_known_check_crl_issuer(w->known, crl, root.cert, NULL) != COCO_OK;
        w->failed += coco_known_check_crl_issuer(w->known, crl, stranger.cert, NULL) == COCO_OK;
        w->failed += coco_crl_check_cert(crl, ca.cert, NULL) == COCO_OK;
        w->failed +=
            coco_known_verify(w->known, cert, "x", 1, w->sig->data, w->sig->len, NULL) != COCO_OK;
        w->failed +=
            coco_known_verify(w->known, cert, "y", 1, w->sig->data, w->sig->len, NULL) == COCO_OK;
    }
    return NULL;
}

static void
threads_share_it(void **state)
{
    _cleanup_known_ struct coco_known *known = known_new();
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};
    struct work works[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    assert_ok(coco_ecdsa_sign(leaf.key, "x", 1, &sig, &err), err);
    for (size_t i = 0; i < THREADS; i++) {
        works[i] = (struct work){.known = known, .sig = &sig};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &works[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(works[i].failed, 0);
    }
    assert_int_equal(coco_known_certs(known), 3);
    assert_int_equal(coco_known_crls(known), 1);
    assert_int_equal(coco_known_facts(known), 2);
}

static coco_status
use_all(struct coco_known *known, const struct coco_buf *sig, coco_error **why)
{
    const struct coco_cert_chain chain = whole_chain();
    _cleanup_cert_ X509 *cert = NULL;
    _cleanup_crl_ X509_CRL *crl = NULL;

    coco_status status = coco_known_cert_parse(known, leaf_der.data, leaf_der.len, &cert, why);
    if (status == COCO_OK)
        status = coco_known_check_links(known, &chain, why);
    if (status == COCO_OK)
        status = coco_known_keep(known, &chain, why);
    if (status == COCO_OK)
        status = coco_known_crl_parse(known, crl_der.data, crl_der.len, &crl, why);
    if (status == COCO_OK)
        status = coco_known_check_crl_issuer(known, crl, root.cert, why);
    if (status == COCO_OK)
        status = coco_known_verify(known, cert, "x", 1, sig->data, sig->len, why);
    return status;
}

/* With nothing known before, so that all of it is done in each round. */
static void
memory_that_is_short_is_told(void **state)
{
    _cleanup_buf_ struct coco_buf sig = {.limit = 64};

    (void)state;
    assert_ok(coco_ecdsa_sign(leaf.key, "x", 1, &sig, &err), err);
    for_each_fault()
    {
        struct coco_known *known = NULL;
        coco_error *why = NULL;

        coco_status status = coco_known_new(&known, &why);
        if (status == COCO_OK)
            status = use_all(known, &sig, &why);
        if (status == COCO_OK)
            status = use_all(known, &sig, &why);
        coco_known_free(known);
        fault_expect(status, why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_shared_once_they_are_kept),
        cmocka_unit_test(no_bit_of_a_certificate_that_is_known_can_be_flipped),
        cmocka_unit_test(links_are_known_of_the_same_chain_alone),
        cmocka_unit_test(a_signature_is_known_of_the_same_bytes_and_key_alone),
        cmocka_unit_test(what_a_stranger_signs_is_verified_and_not_kept),
        cmocka_unit_test(a_list_is_shared_once_its_issuer_is_known),
        cmocka_unit_test(no_bit_of_a_list_that_is_known_can_be_flipped),
        cmocka_unit_test(only_what_leads_to_a_root_is_kept),
        cmocka_unit_test(revocation_is_looked_at_each_time),
        cmocka_unit_test(what_was_not_asked_for_the_longest_makes_room),
        cmocka_unit_test(lists_are_few_and_short),
        cmocka_unit_test(threads_share_it),
        cmocka_unit_test(memory_that_is_short_is_told),
    };

    return cmocka_run_group_tests_name("verifier/known", tests, setup, teardown);
}
