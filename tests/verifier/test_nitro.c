/*
 * tests/verifier/test_nitro.c - lib/verifier/nitro.c
 *
 * There are no recordings: their certificates are good for hours. An AWS of our own
 * issues the documents, so that each thing can be wrong while the others are right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/nitro.h"

#include "tests/faults.h"
#include "tests/flips.h"
#include "tests/pki.h"
#include "tests/tee/nitro_sample.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/verdict.h"

#include <openssl/x509v3.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT_MAX ((size_t)1 << 17)
#define NONCE "nonce"

enum { ROOT, ZONE, OTHER_ROOT, CAS };

struct der {
    unsigned char *data;
    size_t len;
};

static struct pki_cert cas[CAS];
static struct der ca_ders[CAS];
static struct pki_cert leaf; /* below ZONE, on P-384 */
static struct der leaf_der;
static coco_verifier *verifier;
static coco_error *err;

static struct der
der_of(X509 *cert)
{
    struct der der = {0};
    int len = i2d_X509(cert, &der.data);

    assert_true(len > 0);
    der.len = (size_t)len;
    return der;
}

static struct coco_cbor_string
string_of(struct der der)
{
    return (struct coco_cbor_string){der.data, der.len};
}

/* A certificate as a module makes for each document: not a CA, and good for three hours. */
static struct pki_cert
make_leaf(const struct pki_cert *issuer, enum coco_key_kind kind, long from, long until)
{
    struct pki_cert made = {.cert = X509_new()};
    X509 *cert = made.cert;

    assert_non_null(cert);
    assert_ok(coco_key_generate(kind, &made.key, &err), err);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x019a), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), until));
    assert_int_equal(X509_set_pubkey(cert, made.key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)"i-0-enc0", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert)), 1);
    pki_extend(cert, NID_basic_constraints, "critical,CA:FALSE");
    assert_true(X509_sign(cert, issuer->key, EVP_sha256()) > 0);
    return made;
}

static int
setup(void **state)
{
    (void)state;
    pki_make_ca(&cas[ROOT], NULL, "aws.nitro-enclaves");
    pki_make_ca(&cas[ZONE], &cas[ROOT], "zonal.aws.nitro-enclaves");
    pki_make_ca(&cas[OTHER_ROOT], NULL, "aws.nitro-enclaves");
    for (size_t i = 0; i < CAS; i++)
        ca_ders[i] = der_of(cas[i].cert);
    leaf = make_leaf(&cas[ZONE], COCO_KEY_P384, -60, 3L * 3600);
    leaf_der = der_of(leaf.cert);
    assert_ok(coco_verifier_new(&verifier, &err), err);
    trust_cert(verifier, "aws", cas[ROOT].cert);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAS; i++) {
        OPENSSL_free(ca_ders[i].data);
        pki_done(&cas[i]);
    }
    OPENSSL_free(leaf_der.data);
    pki_done(&leaf);
    coco_verifier_free(verifier);
    return 0;
}

static struct coco_nitro_document
good(void)
{
    struct coco_nitro_document document = nitro_sample();

    document.certificate = string_of(leaf_der);
    document.cabundle[0] = string_of(ca_ders[ROOT]);
    document.cabundle[1] = string_of(ca_ders[ZONE]);
    return document;
}

static coco_status
make(const struct coco_nitro_document *document, EVP_PKEY *signer, struct coco_buf *ret,
     coco_error **e)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = TEXT_MAX};
    struct coco_cose_content content = {0};

    coco_status status = coco_nitro_payload_format(document, &payload, e);
    content.payload = (struct coco_cbor_string){payload.data, payload.len};
    if (status == COCO_OK)
        status = coco_cose_sign1_sign(signer, &content, ret, e);
    return status;
}

static coco_status
verify_text(struct coco_cbor_string text, const coco_binding *binding, coco_verdict **ret,
            coco_error **e)
{
    _cleanup_buf_ struct coco_buf json = {.limit = TEXT_MAX};

    coco_status status = coco_nitro_evidence_format(text, &json, e);
    if (status == COCO_OK)
        status = coco_verify(verifier, "nitro", coco_buf_text(&json), binding, ret, e);
    return status;
}

/* A binding to report data and, if not NULL, init data. */
static coco_binding *
bound_to(const char *report_data, const char *init_data)
{
    coco_binding *binding = NULL;

    assert_ok(coco_binding_new(&binding, &err), err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)report_data,
                                           strlen(report_data), &err),
              err);
    if (init_data)
        assert_ok(coco_binding_set_init_data(binding, (const uint8_t *)init_data, strlen(init_data),
                                             &err),
                  err);
    return binding;
}

static void
assert_bound_failing(const struct coco_nitro_document *document, EVP_PKEY *signer,
                     const char *report_data, const char *init_data, const char *names)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(report_data, init_data);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};

    assert_ok(make(document, signer, &text, &err), err);
    assert_ok(verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, &err),
              err);
    assert_failing_checks(verdict, names);
}

static void
assert_made_failing(const struct coco_nitro_document *document, EVP_PKEY *signer, const char *names)
{
    assert_bound_failing(document, signer, NONCE, NULL, names);
}

static void
a_good_document_is_valid(void **state)
{
    struct coco_nitro_document d = good();

    (void)state;
    assert_made_failing(&d, leaf.key, "");
}

static void
each_broken_link_is_its_own_check(void **state)
{
    struct coco_nitro_document d = good();
    _cleanup_pkey_ EVP_PKEY *other = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_P384, &other, &err), err);
    assert_made_failing(&d, other, "signature ");
    d.cabundle[0] = string_of(ca_ders[OTHER_ROOT]);
    assert_made_failing(&d, leaf.key, "root certificates ");
    d = good();
    d.n_cabundle = 1;
    assert_made_failing(&d, leaf.key, "certificates ");
    d = good();
    d.cabundle[0] = string_of(ca_ders[ZONE]);
    d.cabundle[1] = string_of(ca_ders[ROOT]);
    assert_made_failing(&d, leaf.key, "root certificates ");
    d = good();
    d.cabundle[1] = string_of(ca_ders[ROOT]);
    assert_made_failing(&d, leaf.key, "certificates ");
}

/* Nobody but AWS is trusted before anything is said. */
static void
no_other_root_is_trusted_by_itself(void **state)
{
    struct coco_nitro_document d = good();

    (void)state;
    coco_verifier_free(verifier);
    assert_ok(coco_verifier_new(&verifier, &err), err);
    assert_made_failing(&d, leaf.key, "root ");
}

static void
certificates_end(void **state)
{
    struct coco_nitro_document d = good();
    int64_t now = (int64_t)time(NULL);

    (void)state;
    coco_verifier_set_time(verifier, now + 4 * 3600);
    assert_made_failing(&d, leaf.key, "certificate-dates ");
    coco_verifier_set_time(verifier, now - 3600);
    assert_made_failing(&d, leaf.key, "certificate-dates ");
    coco_verifier_set_time(verifier, now + 3600);
    assert_made_failing(&d, leaf.key, "");
}

/* ES384 is what the document says; the key of its certificate is on another curve. */
static void
a_certificate_of_another_curve_signs_nothing(void **state)
{
    struct pki_cert p256 = make_leaf(&cas[ZONE], COCO_KEY_P256, -60, 3600);
    struct der der = der_of(p256.cert);
    struct coco_nitro_document d = good();

    (void)state;
    d.certificate = string_of(der);
    assert_made_failing(&d, leaf.key, "signature ");
    OPENSSL_free(der.data);
    pki_done(&p256);
}

static void
an_enclave_that_is_debugged_is_not_valid_unless_allowed(void **state)
{
    static const uint8_t zeros[COCO_NITRO_PCR_SIZE];
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(NONCE, NULL);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    struct coco_nitro_document d = good();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        d.pcrs[i] = NITRO_BYTES(zeros);
        assert_made_failing(&d, leaf.key, "debug ");
        d = i < 2 ? good() : d;
    }
    for (size_t i = 0; i < 3; i++)
        d.pcrs[i] = NITRO_BYTES(zeros);
    assert_ok(coco_verifier_allow(verifier, "debug", &err), err);
    assert_ok(make(&d, leaf.key, &text, &err), err);
    assert_ok(verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, &err),
              err);
    assert_names_of_failing(verdict, "debug ");
    assert_true(coco_verdict_valid(verdict));
}

static void
report_data_is_the_nonce_or_else_user_data(void **state)
{
    struct coco_nitro_document d = good();

    (void)state;
    assert_bound_failing(&d, leaf.key, "nonce", NULL, "");
    assert_bound_failing(&d, leaf.key, "nonc", NULL, "report-data ");
    assert_bound_failing(&d, leaf.key, "nonce2", NULL, "report-data ");
    /* There is a nonce, so user data is something else. */
    assert_bound_failing(&d, leaf.key, "data", NULL, "report-data ");
    d.nonce = (struct coco_cbor_string){0};
    assert_bound_failing(&d, leaf.key, "data", NULL, "");
    assert_bound_failing(&d, leaf.key, "nonce", NULL, "report-data ");
    d.user_data = (struct coco_cbor_string){0};
    assert_bound_failing(&d, leaf.key, "data", NULL, "report-data ");
}

static void
init_data_is_user_data_beside_a_nonce(void **state)
{
    struct coco_nitro_document d = good();

    (void)state;
    assert_bound_failing(&d, leaf.key, "nonce", "data", "");
    assert_bound_failing(&d, leaf.key, "nonce", "date", "init-data ");
    /* A field that is shorter than the digest holds no part of it, nor does an empty one. */
    assert_bound_failing(&d, leaf.key, "nonce", "data of all", "init-data ");
    d.user_data = (struct coco_cbor_string){0};
    assert_bound_failing(&d, leaf.key, "nonce", "data", "init-data ");
    d = good();
    d.nonce = (struct coco_cbor_string){0};
    assert_bound_failing(&d, leaf.key, "data", "data", "init-data ");
}

static void
claims_say_what_the_document_does(void **state)
{
    static const char *const members[] = {
        "\"module_id\":\"i-0123456789abcdef0-enc0123456789abcdef\"",
        "\"digest\":\"SHA384\"",
        "\"timestamp\":1764320000000",
        "\"pcr0\":\"1000",
        "\"pcr1\":\"1100",
        "\"pcr2\":\"1200",
        "\"pcr3\":\"0000",
        "\"pcr31\":\"0000",
        "\"public_key\":\"6b6579\"",
        "\"user_data\":\"64617461\"",
        "\"nonce\":\"6e6f6e6365\"",
        "\"report_data\":\"6e6f6e6365\"",
        "\"init_data\":\"64617461\"",
    };
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(NONCE, NULL);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    struct coco_nitro_document d = good();

    (void)state;
    assert_ok(make(&d, leaf.key, &text, &err), err);
    assert_ok(verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, &err),
              err);
    for (size_t i = 0; i < COUNT(members); i++)
        assert_contains(coco_verdict_claims(verdict), members[i]);
    assert_null(strstr(coco_verdict_claims(verdict), "pcr4"));
}

static void
evidence_that_is_malformed_is_refused(void **state)
{
    static const char *const cases[] = {"{}", "{\"document\":\"\"}", "{\"document\":\"hA==\"}"};
    struct coco_nitro_document d = good();
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(NONCE, NULL);
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    coco_verdict *verdict = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_verify(verifier, "nitro", cases[i], binding, &verdict, &err), err,
                     COCO_ERR_PROTO, "nitro evidence: ");
    d.cabundle[1] = NITRO_TEXT("zone");
    assert_ok(make(&d, leaf.key, &text, &err), err);
    assert_fails(
        verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, &err), err,
        COCO_ERR_PROTO, "certificate 1 of cabundle");
    assert_null(verdict);
}

/* A bit of every byte, another one in each. */
static void
no_byte_can_be_changed(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(NONCE, NULL);
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    struct coco_nitro_document d = good();
    unsigned invalid = 0;

    (void)state;
    assert_ok(make(&d, leaf.key, &text, &err), err);
    for_each_flip(flip, text.data, text.len, 1)
    {
        coco_verdict *verdict = NULL;

        if (verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, NULL)
            == COCO_OK) {
            if (coco_verdict_valid(verdict))
                fail_msg("byte %zu can be changed", flip.at);
            invalid++;
        }
        coco_verdict_free(verdict);
    }
    assert_true(invalid > 500);
}

static void
verifying_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = bound_to(NONCE, "data");
    _cleanup_buf_ struct coco_buf text = {.limit = TEXT_MAX};
    struct coco_nitro_document d = good();

    (void)state;
    assert_ok(make(&d, leaf.key, &text, &err), err);
    for_each_fault()
    {
        coco_verdict *verdict = NULL;
        coco_error *e = NULL;

        coco_status status =
            verify_text((struct coco_cbor_string){text.data, text.len}, binding, &verdict, &e);
        fault_expect(status, e);
        coco_verdict_free(verdict);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_document_is_valid),
        TEST(each_broken_link_is_its_own_check),
        TEST(no_other_root_is_trusted_by_itself),
        TEST(certificates_end),
        TEST(a_certificate_of_another_curve_signs_nothing),
        TEST(an_enclave_that_is_debugged_is_not_valid_unless_allowed),
        TEST(report_data_is_the_nonce_or_else_user_data),
        TEST(init_data_is_user_data_beside_a_nonce),
        TEST(claims_say_what_the_document_does),
        TEST(evidence_that_is_malformed_is_refused),
        TEST(no_byte_can_be_changed),
        TEST(verifying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/nitro", tests, NULL, NULL);
}
