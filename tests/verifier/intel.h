/*
 * tests/verifier/intel.h - an Intel of one test: its root, its service and a machine
 *
 * Everything is described first and then signed, so that one thing can be wrong
 * while all others are right.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_INTEL_H
#define COCO_TESTS_VERIFIER_INTEL_H

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/ecdsa.h"
#include "tee/pck.h"
#include "tee/qe_identity.h"
#include "tee/quote.h"
#include "tee/tcb_info.h"
#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/support.h"
#include "tests/verifier/bound.h"
#include "tests/verifier/failing.h"
#include "tests/verifier/trust.h"
#include "verifier/dcap_collateral.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define INTEL_DAY_S (24L * 3600)
#define INTEL_DOCUMENTS_MAX 16
#define INTEL_REPORT_DATA "nonce"

/* ---- collateral: documents by name ---- */

struct intel_document {
    char name[64];
    struct coco_buf content;
};

struct intel_documents {
    struct intel_document document[INTEL_DOCUMENTS_MAX];
    size_t n;
    const char *broken; /* name of one that cannot be got, or NULL, */
    coco_status how;    /* and why */
};

static inline struct intel_document *
intel_document(struct intel_documents *documents, const char *name)
{
    for (size_t i = 0; i < documents->n; i++)
        if (strcmp(documents->document[i].name, name) == 0)
            return &documents->document[i];
    return NULL;
}

/* Replaces what is called name. */
static inline void
intel_put(struct intel_documents *documents, const char *name, const void *data, size_t len)
{
    struct intel_document *document = intel_document(documents, name);

    if (!document) {
        assert_true(documents->n < INTEL_DOCUMENTS_MAX);
        document = &documents->document[documents->n++];
        document->content.limit = COCO_COLLATERAL_MAX;
        (void)snprintf(document->name, sizeof(document->name), "%s", name);
    }
    coco_buf_reset(&document->content);
    assert_int_equal(coco_buf_append(&document->content, data, len, NULL), COCO_OK);
}

static inline void
intel_drop(struct intel_documents *documents, const char *name)
{
    struct intel_document *document = intel_document(documents, name);

    assert_non_null(document);
    document->name[0] = '\0';
}

static inline void
intel_documents_done(struct intel_documents *documents)
{
    for (size_t i = 0; i < documents->n; i++)
        coco_buf_done(&documents->document[i].content);
    documents->n = 0;
}

static inline coco_status
intel_get(void *self, const char *name, struct coco_buf *ret, coco_error **err)
{
    struct intel_documents *documents = self;
    const struct intel_document *document = intel_document(documents, name);

    if (documents->broken && strcmp(documents->broken, name) == 0)
        return documents->how == COCO_ERR_NET ? coco_fail(err, COCO_ERR_NET, "no route to host")
               : documents->how == COCO_OK    ? coco_fail_again(err, "is being fetched")
                                              : coco_fail(err, documents->how, "is broken");
    if (!document)
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no such document");
    return coco_buf_append(ret, document->content.data, document->content.len, err);
}

static inline void
intel_keep(void *self)
{
    (void)self;
}

/* Gives verifier the documents, which stay the caller's. */
static inline void
intel_serve(struct intel_documents *documents, coco_verifier *verifier)
{
    static const struct coco_collateral_driver driver = {.get = intel_get, .free = intel_keep};
    coco_collateral *collateral = NULL;

    assert_int_equal(coco_collateral_wrap(&driver, documents, &collateral, NULL), COCO_OK);
    coco_verifier_set_collateral(verifier, collateral);
}

/* ---- certificates ---- */

/* Dates in days from now. */
struct intel_cert {
    const char *name;
    const struct pki_cert *issuer; /* NULL for itself */
    bool is_ca;
    const struct coco_pck *pck; /* NULL for no extension */
    long from;
    long to;
    const char *curve; /* NULL for P-256 */
};

static inline void
intel_add_extension(X509 *cert, const struct coco_pck *pck)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_PCK_SIZE_MAX};
    ASN1_OBJECT *oid = OBJ_txt2obj(COCO_PCK_OID, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();

    assert_int_equal(coco_pck_format(pck, &der, NULL), COCO_OK);
    assert_int_equal(ASN1_OCTET_STRING_set(content, der.data, (int)der.len), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, content);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(oid);
}

/* A new certificate, and a new key unless ret has one. */
static inline void
intel_issue(struct pki_cert *ret, const struct intel_cert *want)
{
    static long serial = 1000;
    X509 *cert = X509_new();
    BASIC_CONSTRAINTS constraints = {.ca = want->is_ca ? 0xff : 0};

    if (!ret->key)
        ret->key = EVP_EC_gen(want->curve ? want->curve : "P-256");
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), want->from * INTEL_DAY_S));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), want->to * INTEL_DAY_S));
    assert_int_equal(X509_set_pubkey(cert, ret->key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)want->name, -1, -1, 0),
                     1);
    X509 *by = want->issuer ? want->issuer->cert : cert;
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(by)), 1);
    assert_int_equal(X509_add1_ext_i2d(cert, NID_basic_constraints, &constraints, 1, 0), 1);
    if (want->pck)
        intel_add_extension(cert, want->pck);
    assert_true(X509_sign(cert, want->issuer ? want->issuer->key : ret->key, EVP_sha256()) > 0);
    X509_free(ret->cert);
    ret->cert = cert;
}

/* The certificates as PEM, one behind the other. */
static inline void
intel_append_pem(struct coco_buf *buf, const struct pki_cert *const *certs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *pem = pki_pem(certs[i]);

        assert_int_equal(coco_buf_append_text(buf, pem, NULL), COCO_OK);
        OPENSSL_free(pem);
    }
}

/* A list of by's that ends in to days, with or without cert in it. */
static inline void
intel_put_crl(struct intel_documents *documents, const char *name, const struct pki_cert *by,
              const struct pki_cert *cert, int to)
{
    X509_CRL *crl = pki_crl(&(struct pki_list){.by = by,
                                               .cert = cert ? cert->cert : NULL,
                                               .from = -10,
                                               .to = to,
                                               .number = 7,
                                               .md = EVP_sha256()});
    uint8_t *der = NULL;

    int len = i2d_X509_CRL(crl, &der);
    assert_true(len > 0);
    intel_put(documents, name, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
}

/* ---- a machine ---- */

struct intel {
    bool tdx;
    int64_t now;
    struct pki_cert root;
    struct pki_cert ca;
    struct pki_cert pck;
    struct pki_cert signer;
    EVP_PKEY *key; /* of attestation */
    struct coco_pck machine;
    struct coco_tcb_level levels[2];
    struct coco_pcs_level module_levels[2];
    struct coco_tcb_module modules[2];
    struct coco_tcb_info tcb_info;
    struct coco_pcs_level qe_levels[2];
    struct coco_qe_identity qe_identity;
    struct coco_quote quote;
    uint8_t auth[32];
    struct coco_buf chain; /* PEM of the PCK's */
    struct intel_documents documents;
    coco_verifier *verifier;
};

static inline void
intel_describe_tcb(struct intel *intel)
{
    const int64_t day = intel->now - 20 * INTEL_DAY_S;
    struct coco_tcb_info info = {
        .tdx = intel->tdx,
        .version = 3,
        .issue_date = intel->now - INTEL_DAY_S,
        .next_update = intel->now + 29 * INTEL_DAY_S,
        .evaluation = 17,
        .levels = intel->levels,
        .n_levels = 2,
        .modules = intel->modules,
        .n_modules = intel->tdx ? 2 : 0,
    };

    intel->machine = (struct coco_pck){
        .ppid = {0x27, 0xe0},
        .components = {5, 5, 2},
        .pce_svn = 13,
        .cpu_svn = {5, 5, 2},
        .fmspc = {0x50, 0x80, 0x6f},
        .type = COCO_SGX_SCALABLE,
        .has_platform = true,
        .platform_instance_id = {0x02, 0x1a, 0xc6},
        .has_configuration = true,
        .smt_enabled = true,
    };
    memcpy(info.fmspc, intel->machine.fmspc, sizeof(info.fmspc));
    intel->tcb_info = info;
    intel->levels[0] =
        (struct coco_tcb_level){.sgx = {5, 5, 2}, .tdx = {4, 0, 6}, .pce_svn = 13, .date = day};
    intel->levels[1] = (struct coco_tcb_level){
        .sgx = {4, 4, 2},
        .tdx = {3, 0, 5},
        .pce_svn = 5,
        .date = day - 300 * INTEL_DAY_S,
        .status = COCO_TCB_OUT_OF_DATE,
    };
    intel->module_levels[0] = (struct coco_pcs_level){.svn = 4, .date = day};
    intel->module_levels[1] =
        (struct coco_pcs_level){.svn = 2, .date = day, .status = COCO_TCB_OUT_OF_DATE};
    memset(intel->modules, 0, sizeof(intel->modules));
    memset(intel->modules[0].attributes_mask, 0xff, 8);
    intel->modules[1] = intel->modules[0];
    intel->modules[1].version = 1;
    intel->modules[1].levels = (struct coco_pcs_levels){.levels = intel->module_levels, .n = 2};
}

static inline void
intel_describe_qe(struct intel *intel)
{
    struct coco_sgx_report *report = &intel->quote.qe_report;

    intel->qe_levels[0] = (struct coco_pcs_level){.svn = 6, .date = intel->now};
    intel->qe_levels[1] =
        (struct coco_pcs_level){.svn = 4, .date = intel->now, .status = COCO_TCB_OUT_OF_DATE};
    intel->qe_identity = (struct coco_qe_identity){
        .tdx = intel->tdx,
        .issue_date = intel->now - INTEL_DAY_S,
        .next_update = intel->now + 28 * INTEL_DAY_S,
        .evaluation = 16,
        .misc_select_mask = {0xff, 0xff, 0xff, 0xff},
        .attributes = {0x11},
        .attributes_mask = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        .mr_signer = {0xdc, 0x9e},
        .isv_prod_id = intel->tdx ? 2 : 1,
        .levels = {.levels = intel->qe_levels, .n = 2},
    };
    report->flags[0] = 0x15;
    report->xfrm[0] = 0xe7;
    memcpy(report->mr_signer, intel->qe_identity.mr_signer, sizeof(report->mr_signer));
    report->isv_prod_id[0] = (uint8_t)intel->qe_identity.isv_prod_id;
    report->isv_svn[0] = 6;
}

/* A TD, or an enclave. */
static inline void
intel_describe_quote(struct intel *intel, uint16_t version, enum coco_quote_body body)
{
    struct coco_td_report *td = &intel->quote.td;
    struct coco_sgx_report *sgx = &intel->quote.sgx;

    intel->quote.header = coco_quote_header_of(version, body);
    intel->quote.body = body;
    memcpy(td->tcb_svn, (const uint8_t[16]){4, 1, 6}, 16);
    memcpy(td->tcb_svn2, td->tcb_svn, 16);
    td->td_attributes[3] = 0x10; /* SEPT_VE_DISABLE */
    memset(td->mr_td, 0xaa, sizeof(td->mr_td));
    memcpy(td->report_data, INTEL_REPORT_DATA, strlen(INTEL_REPORT_DATA));
    sgx->flags[0] = 0x05;
    memset(sgx->mr_enclave, 0xbb, sizeof(sgx->mr_enclave));
    memcpy(sgx->report_data, INTEL_REPORT_DATA, strlen(INTEL_REPORT_DATA));
    memset(intel->auth, 0x5a, sizeof(intel->auth));
    intel->quote.auth = intel->auth;
    intel->quote.auth_len = sizeof(intel->auth);
    intel->quote.certification = COCO_CERTIFICATION_PCK_CHAIN;
}

/* Issues the PCK and puts its chain into the quote. */
static inline void
intel_certify(struct intel *intel)
{
    const struct pki_cert *const chain[] = {&intel->pck, &intel->ca, &intel->root};

    intel_issue(&intel->pck, &(struct intel_cert){.name = "Intel SGX PCK Certificate",
                                                  .issuer = &intel->ca,
                                                  .pck = &intel->machine,
                                                  .from = -30,
                                                  .to = 300});
    coco_buf_reset(&intel->chain);
    intel->chain.limit = 1 << 16;
    intel_append_pem(&intel->chain, chain, 3);
    intel->quote.certification_data = intel->chain.data;
    intel->quote.certification_len = intel->chain.len;
}

/* Signs value under the names of the PCS. */
static inline void
intel_put_signed(struct intel *intel, const char *name, const char *member,
                 const struct coco_buf *value, const struct pki_cert *signer)
{
    const struct pki_cert *const chain[] = {signer, &intel->root};
    struct coco_pcs_answer answer = {.value = coco_buf_text(value), .value_len = value->len};
    _cleanup_buf_ struct coco_buf signature = {.limit = COCO_PCS_SIGNATURE_SIZE};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 16};
    char file[64];

    assert_int_equal(coco_ecdsa_sign(signer->key, value->data, value->len, &signature, NULL),
                     COCO_OK);
    memcpy(answer.signature, signature.data, sizeof(answer.signature));
    assert_int_equal(coco_pcs_answer_format(&answer, member, &text, NULL), COCO_OK);
    (void)snprintf(file, sizeof(file), "%s.json", name);
    intel_put(&intel->documents, file, text.data, text.len);
    intel_append_pem(&pem, chain, 2);
    (void)snprintf(file, sizeof(file), "%s.pem", name);
    intel_put(&intel->documents, file, pem.data, pem.len);
}

/* The name of TCB info, without what tells its files apart. */
static inline const char *
intel_tcb_info_name(const struct intel *intel)
{
    return intel->tdx ? "intel/tdx/tcb-info/50806f000000" : "intel/sgx/tcb-info/50806f000000";
}

static inline const char *
intel_qe_identity_name(const struct intel *intel)
{
    return intel->tdx ? "intel/tdx/qe-identity" : "intel/sgx/qe-identity";
}

static inline void
intel_publish_by(struct intel *intel, const struct pki_cert *signer)
{
    _cleanup_buf_ struct coco_buf info = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf identity = {.limit = 1 << 16};

    assert_int_equal(coco_tcb_info_format(&intel->tcb_info, &info, NULL), COCO_OK);
    intel_put_signed(intel, intel_tcb_info_name(intel), "tcbInfo", &info, signer);
    assert_int_equal(coco_qe_identity_format(&intel->qe_identity, &identity, NULL), COCO_OK);
    intel_put_signed(intel, intel_qe_identity_name(intel), "enclaveIdentity", &identity, signer);
}

/* All of the collateral, as it is described. */
static inline void
intel_publish(struct intel *intel)
{
    intel_publish_by(intel, &intel->signer);
    intel_put_crl(&intel->documents, "intel/root-ca.crl", &intel->root, NULL, 300);
    intel_put_crl(&intel->documents, "intel/pck-crl/platform.crl", &intel->ca, NULL, 20);
}

/* Has verifier trust its root. */
static inline void
intel_trust_by(const struct intel *intel, coco_verifier *verifier)
{
    trust_cert(verifier, "intel", intel->root.cert);
}

static inline void
intel_trust(struct intel *intel)
{
    intel_trust_by(intel, intel->verifier);
}

/* Everything right, and a verifier that trusts it. */
static inline void
intel_begin(struct intel *intel, uint16_t version, enum coco_quote_body body)
{
    *intel = (struct intel){.tdx = body != COCO_QUOTE_SGX, .now = (int64_t)time(NULL)};
    intel_describe_tcb(intel);
    intel_describe_qe(intel);
    intel_describe_quote(intel, version, body);
    intel->key = EVP_EC_gen("P-256");
    intel_issue(
        &intel->root,
        &(struct intel_cert){.name = "Intel SGX Root CA", .is_ca = true, .from = -900, .to = 9000});
    intel_issue(&intel->ca, &(struct intel_cert){.name = "Intel SGX PCK Platform CA",
                                                 .issuer = &intel->root,
                                                 .is_ca = true,
                                                 .from = -800,
                                                 .to = 4000});
    intel_issue(&intel->signer, &(struct intel_cert){.name = "Intel SGX TCB Signing",
                                                     .issuer = &intel->root,
                                                     .from = -800,
                                                     .to = 2000});
    intel_certify(intel);
    intel_publish(intel);
    assert_int_equal(coco_verifier_new(&intel->verifier, NULL), COCO_OK);
    intel_trust(intel);
    intel_serve(&intel->documents, intel->verifier);
}

static inline void
intel_end(struct intel *intel)
{
    coco_verifier_free(intel->verifier);
    intel_documents_done(&intel->documents);
    coco_buf_done(&intel->chain);
    EVP_PKEY_free(intel->key);
    pki_done(&intel->root);
    pki_done(&intel->ca);
    pki_done(&intel->pck);
    pki_done(&intel->signer);
}

#define _cleanup_intel_ _cleanup_(intel_end)

static inline void
intel_sign(EVP_PKEY *key, const void *data, size_t len, uint8_t ret[COCO_QUOTE_SIGNATURE_SIZE])
{
    _cleanup_buf_ struct coco_buf signature = {.limit = COCO_QUOTE_SIGNATURE_SIZE};

    assert_int_equal(coco_ecdsa_sign(key, data, len, &signature, NULL), COCO_OK);
    memcpy(ret, signature.data, COCO_QUOTE_SIGNATURE_SIZE);
}

/* Who really signs what; NULL for who should. */
struct intel_signers {
    EVP_PKEY *qe_report;
    EVP_PKEY *quote;
    bool other_key; /* the QE report names another one */
};

/* Appends the quote as it is described. */
static inline void
intel_quote(struct intel *intel, const struct intel_signers *signers, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf point = {.limit = COCO_QUOTE_KEY_SIZE};
    _cleanup_buf_ struct coco_buf body = {.limit = 4096};
    struct coco_quote *quote = &intel->quote;

    assert_int_equal(coco_ec_key_point(intel->key, &point, NULL), COCO_OK);
    memcpy(quote->key, point.data, sizeof(quote->key));
    assert_int_equal(coco_quote_key_hash(quote, quote->qe_report.report_data, NULL), COCO_OK);
    if (signers->other_key)
        quote->qe_report.report_data[0] ^= 1;
    intel_sign(signers->qe_report ? signers->qe_report : intel->pck.key, &quote->qe_report,
               sizeof(quote->qe_report), quote->qe_signature);
    assert_int_equal(coco_quote_format_signed(quote, &body, NULL), COCO_OK);
    intel_sign(signers->quote ? signers->quote : intel->key, body.data, body.len, quote->signature);
    assert_int_equal(coco_quote_format(quote, ret, NULL), COCO_OK);
}

/* ---- verifying ---- */

/* With a log, or NULL. */
static inline void
intel_evidence_with(const struct coco_buf *quote, const struct coco_buf *log, struct coco_buf *ret)
{
    assert_int_equal(coco_buf_append_text(ret, "{\"quote\":\"", NULL), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, quote->data, quote->len, ret, NULL), COCO_OK);
    if (log) {
        assert_int_equal(coco_buf_append_text(ret, "\",\"cc_eventlog\":\"", NULL), COCO_OK);
        assert_int_equal(coco_base64_encode(COCO_BASE64, log->data, log->len, ret, NULL), COCO_OK);
    }
    assert_int_equal(coco_buf_append_text(ret, "\"}", NULL), COCO_OK);
}

static inline void
intel_evidence(const struct coco_buf *quote, struct coco_buf *ret)
{
    intel_evidence_with(quote, NULL, ret);
}

/* Verifies the bytes of a quote as evidence of tee, bound to report data. */
static inline coco_status
intel_verify_bytes(const coco_verifier *verifier, const char *tee, const struct coco_buf *quote,
                   const void *report_data, size_t len, coco_verdict **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 18};

    intel_evidence(quote, &evidence);
    return verify_bound(verifier, tee, coco_buf_text(&evidence), report_data, len, ret, err);
}

static inline coco_status
intel_verify_with(struct intel *intel, const struct intel_signers *signers, coco_verdict **ret,
                  coco_error **err)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};

    intel_quote(intel, signers, &quote);
    return intel_verify_bytes(intel->verifier, intel->tdx ? "tdx" : "sgx", &quote,
                              INTEL_REPORT_DATA, strlen(INTEL_REPORT_DATA), ret, err);
}

static inline coco_status
intel_verify(struct intel *intel, coco_verdict **ret, coco_error **err)
{
    return intel_verify_with(intel, &(struct intel_signers){0}, ret, err);
}

/* The same of what is described. */
static inline void
intel_assert_failing(struct intel *intel, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    coco_error *err = NULL;

    assert_ok(intel_verify(intel, &verdict, &err), err);
    assert_failing_checks(verdict, names);
}

/* Verifying what is described fails once for every allocation that it makes; else all holds. */
static inline void
intel_survives_faults(struct intel *intel)
{
    _cleanup_buf_ struct coco_buf quote = {.limit = COCO_QUOTE_SIZE_MAX};
    _cleanup_buf_ struct coco_buf evidence = {.limit = 1 << 18};

    intel_quote(intel, &(struct intel_signers){0}, &quote);
    intel_evidence(&quote, &evidence);
    for_each_fault()
    {
        _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
        coco_error *err = NULL;

        coco_status status =
            verify_bound(intel->verifier, intel->tdx ? "tdx" : "sgx", coco_buf_text(&evidence),
                         INTEL_REPORT_DATA, 5, &verdict, &err);
        fault_expect(status, err);
        if (status == COCO_OK)
            assert_names_of_failing(verdict, "");
    }
}

/* A test's fixture, for a set-up that says which quotes it is about, and for its tear-down. */
static inline int
intel_set_up(struct intel *intel, uint16_t version, enum coco_quote_body body, void **state)
{
    intel_begin(intel, version, body);
    *state = intel;
    return 0;
}

static inline int
intel_tear_down(void **state)
{
    intel_end(*state);
    return 0;
}

#endif
