/*
 * verifier/dcap_collateral.c - what Intel says of a quote's machine
 *
 * Lists of revoked certificates, then TCB info and the identity of the QE. Of the
 * latter two not a byte is read as JSON before it is known that Intel signed it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/dcap_collateral.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT_MAX ((size_t)512)
#define NAME_MAX_LEN 64

static const struct coco_chain_checks signer_chain = {
    .root = "collateral-root",
    .links = "collateral-certificates",
    .dates = "collateral-dates",
};

coco_status
coco_dcap_is_called(X509 *cert, const char *name, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf subject = {.limit = SUBJECT_MAX};

    coco_status status = coco_cert_subject(cert, &subject, err);
    if (status == COCO_OK)
        *ret = strcmp(coco_buf_text(&subject), name) == 0;
    return status;
}

/* ---- dates ---- */

static void
note_dates(struct coco_dcap_dates *dates, int64_t from, int64_t to)
{
    bool first = dates->latest_issue == 0;

    if (first || from < dates->earliest_issue)
        dates->earliest_issue = from;
    if (first || from > dates->latest_issue)
        dates->latest_issue = from;
    if (first || to < dates->earliest_expiration)
        dates->earliest_expiration = to;
}

static coco_status
note_chain(struct coco_dcap_dates *dates, const struct coco_cert_chain *chain, coco_error **err)
{
    for (size_t i = 0; i < chain->n; i++) {
        int64_t from = 0;
        int64_t to = 0;

        coco_status status = coco_cert_dates(chain->certs[i], &from, &to, err);
        if (status != COCO_OK)
            return status;
        note_dates(dates, from, to);
    }
    return COCO_OK;
}

static coco_status
note_crl(struct coco_dcap_dates *dates, X509_CRL *crl, coco_error **err)
{
    int64_t from = 0;
    int64_t to = 0;

    if (!crl)
        return COCO_OK;
    coco_status status = coco_crl_dates(crl, &from, &to, err);
    if (status == COCO_OK)
        note_dates(dates, from, to);
    return status;
}

/* ---- lists of revoked certificates ---- */

static coco_status
read_crl(const struct coco_dcap *dcap, const char *name, X509_CRL **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_COLLATERAL_MAX};

    coco_status status = coco_collateral_read(
        coco_verifier_collateral(dcap->verification->verifier), &der, err, "intel/%s.crl", name);
    if (status == COCO_OK)
        status = coco_known_crl_parse(coco_verifier_known(dcap->verification->verifier), der.data,
                                      der.len, ret, err);
    return status;
}

/* Whether the PCK's CA, and the PCK, are revoked. */
static coco_status
check_crls(struct coco_dcap *dcap, coco_error **err)
{
    X509 *const *certs = dcap->chain.certs;
    coco_error *no_root = NULL;
    coco_error *no_pck = NULL;
    bool is_platform = false;

    (void)read_crl(dcap, "root-ca", &dcap->root_crl, &no_root);
    coco_status status = coco_check_revoked(dcap->verification, dcap->verdict, dcap->root_crl,
                                            &no_root, certs[2], certs[1], err);
    if (status == COCO_OK)
        status = coco_dcap_is_called(certs[1], COCO_INTEL_PLATFORM_CA, &is_platform, err);
    if (status != COCO_OK)
        return status;
    (void)read_crl(dcap, is_platform ? "pck-crl/platform" : "pck-crl/processor", &dcap->pck_crl,
                   &no_pck);
    status = coco_check_revoked(dcap->verification, dcap->verdict, dcap->pck_crl, &no_pck, certs[1],
                                certs[0], err);
    if (status == COCO_OK)
        status = note_crl(&dcap->dates, dcap->root_crl, err);
    if (status == COCO_OK)
        status = note_crl(&dcap->dates, dcap->pck_crl, err);
    return status;
}

/* ---- signed JSON ---- */

/* TCB info, or the identity of the QE. */
struct document {
    const char *check;
    const char *want;
    const char *member;
    /* Reads text, which Intel signed, and says whether it is of this machine. */
    coco_status (*parse)(struct coco_dcap *dcap, const char *text, size_t len, coco_error **err);
    char name[NAME_MAX_LEN]; /* without what tells its two files apart */
};

/* An answer of the PCS as it came. */
struct answer {
    struct coco_buf text;
    struct coco_buf pem; /* of its signer */
    struct coco_pcs_answer parts;
};

static void
answer_done(struct answer *answer)
{
    coco_buf_done(&answer->text);
    coco_buf_done(&answer->pem);
}

static coco_status
read_answer(const struct coco_dcap *dcap, const struct document *document, struct answer *ret,
            coco_error **err)
{
    const coco_collateral *collateral = coco_verifier_collateral(dcap->verification->verifier);

    ret->text.limit = COCO_COLLATERAL_MAX;
    ret->pem.limit = COCO_COLLATERAL_MAX;
    coco_status status =
        coco_collateral_read(collateral, &ret->text, err, "intel/%s.json", document->name);
    if (status == COCO_OK)
        status = coco_collateral_read(collateral, &ret->pem, err, "intel/%s.pem", document->name);
    if (status == COCO_OK)
        status = coco_pcs_answer_parse(coco_buf_text(&ret->text), ret->text.len, document->member,
                                       &ret->parts, err);
    return status;
}

/* Reads the chain of who signed answer, whose buffer is taken. */
static coco_status
read_signer(struct coco_dcap *dcap, struct answer *answer, coco_error **err)
{
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};

    coco_status status = coco_known_chain_parse(coco_verifier_known(dcap->verification->verifier),
                                                answer->pem.data, answer->pem.len, &chain, err);
    if (status != COCO_OK)
        return status;
    coco_buf_done(&dcap->signer_pem);
    dcap->signer_pem = answer->pem;
    answer->pem = (struct coco_buf){0};
    coco_cert_chain_done(&dcap->signer_chain);
    dcap->signer_chain = chain;
    chain = (struct coco_cert_chain){0};
    return COCO_OK;
}

/* Whether none of the checks from the index on says that the chain is not Intel's. */
static bool
chain_holds(const coco_verdict *verdict, size_t from)
{
    for (size_t i = from; i < coco_verdict_check_count(verdict); i++)
        if (strcmp(coco_verdict_check_name(verdict, i), signer_chain.dates) != 0
            && !coco_verdict_check_ok(verdict, i))
            return false;
    return true;
}

static coco_status
check_signer(struct coco_dcap *dcap, coco_error **err)
{
    const struct coco_cert_chain *chain = &dcap->signer_chain;
    const size_t before = coco_verdict_check_count(dcap->verdict);
    coco_error *why = NULL;

    coco_status status =
        coco_check_chain(dcap->verification, dcap->verdict, &signer_chain, "intel", chain, err);
    /* The list itself has been judged where the PCK's CA was looked up in it. */
    if (status == COCO_OK && dcap->root_crl)
        status = coco_verdict_add_outcome(
            dcap->verdict, "revoked", "not revoked",
            coco_crl_check_cert(dcap->root_crl, chain->certs[0], &why), &why, err);
    if (status == COCO_OK)
        status = note_chain(&dcap->dates, chain, err);
    dcap->signer_trusted = chain_holds(dcap->verdict, before);
    return status;
}

/* A PCK has the same root: were it taken for a signer, one broken machine could vouch for all. */
static coco_status
check_signature(const struct coco_dcap *dcap, const struct coco_pcs_answer *answer,
                coco_error **err)
{
    const struct coco_cert_chain *chain = &dcap->signer_chain;
    bool is_signer = false;

    if (!dcap->signer_trusted)
        return coco_fail(err, COCO_ERR_VERIFY, "is signed by who is not trusted");
    coco_status status = coco_dcap_is_called(chain->certs[0], COCO_INTEL_SIGNER, &is_signer, err);
    if (status != COCO_OK)
        return status;
    if (!is_signer || chain->n != 2)
        return coco_fail(err, COCO_ERR_VERIFY, "is not signed by Intel's key for it");
    return coco_known_verify(coco_verifier_known(dcap->verification->verifier), chain->certs[0],
                             answer->value, answer->value_len, answer->signature,
                             sizeof(answer->signature), err);
}

static coco_status
check_document(struct coco_dcap *dcap, const struct document *document, coco_error **err)
{
    __attribute__((cleanup(answer_done))) struct answer answer = {0};
    coco_error *why = NULL;

    coco_status outcome = read_answer(dcap, document, &answer, &why);
    /* One signer signs both documents, and need not be looked at twice. */
    bool again = outcome == COCO_OK && dcap->signer_chain.n > 0
                 && dcap->signer_pem.len == answer.pem.len
                 && memcmp(dcap->signer_pem.data, answer.pem.data, answer.pem.len) == 0;
    if (outcome == COCO_OK && !again)
        outcome = read_signer(dcap, &answer, &why);
    if (outcome == COCO_OK && !again) {
        coco_status status = check_signer(dcap, err);
        if (status != COCO_OK)
            return status;
    }
    if (outcome == COCO_OK)
        outcome = check_signature(dcap, &answer.parts, &why);
    if (outcome == COCO_OK)
        outcome = document->parse(dcap, answer.parts.value, answer.parts.value_len, &why);
    return coco_verdict_add_outcome(dcap->verdict, document->check, document->want, outcome, &why,
                                    err);
}

/* Adds "collateral-dates". */
static coco_status
check_dates(struct coco_dcap *dcap, int64_t from, int64_t to, coco_error **err)
{
    const int64_t now = dcap->verification->now;
    char want[COCO_PCS_TIME_SIZE + 64];
    char got[COCO_PCS_TIME_SIZE];
    char from_text[COCO_PCS_TIME_SIZE];
    char to_text[COCO_PCS_TIME_SIZE];

    coco_pcs_time_format(from, from_text);
    coco_pcs_time_format(to, to_text);
    coco_pcs_time_format(now, got);
    (void)snprintf(want, sizeof(want), "from %s to %s", from_text, to_text);
    note_dates(&dcap->dates, from, to);
    return coco_verdict_add(dcap->verdict, signer_chain.dates, from <= now && now <= to, want, got,
                            err);
}

static const char *
tee_of(const struct coco_dcap *dcap)
{
    return dcap->quote->body == COCO_QUOTE_SGX ? "sgx" : "tdx";
}

static coco_status
parse_tcb_info(struct coco_dcap *dcap, const char *text, size_t len, coco_error **err)
{
    _cleanup_tcb_info_ struct coco_tcb_info info = {0};

    coco_status status = coco_tcb_info_parse(text, len, &info, err);
    if (status != COCO_OK)
        return status;
    if (info.tdx != (dcap->quote->body != COCO_QUOTE_SGX))
        return coco_fail(err, COCO_ERR_VERIFY, "is of %s", info.tdx ? "TDX" : "SGX");
    if (memcmp(info.fmspc, dcap->pck.fmspc, sizeof(info.fmspc)) != 0
        || memcmp(info.pce_id, dcap->pck.pce_id, sizeof(info.pce_id)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "is of another model of machine");
    dcap->tcb_info = info;
    info = (struct coco_tcb_info){0};
    return COCO_OK;
}

static coco_status
check_tcb_info(struct coco_dcap *dcap, coco_error **err)
{
    struct document document = {
        .check = "tcb-info",
        .want = "signed by Intel, of this machine",
        .member = "tcbInfo",
        .parse = parse_tcb_info,
    };
    char fmspc[2 * sizeof(dcap->pck.fmspc) + 1];

    coco_hex(dcap->pck.fmspc, sizeof(dcap->pck.fmspc), fmspc);
    (void)snprintf(document.name, sizeof(document.name), "%s/tcb-info/%s", tee_of(dcap), fmspc);
    coco_status status = check_document(dcap, &document, err);
    if (status == COCO_OK && dcap->tcb_info.json)
        status = check_dates(dcap, dcap->tcb_info.issue_date, dcap->tcb_info.next_update, err);
    return status;
}

static coco_status
parse_qe_identity(struct coco_dcap *dcap, const char *text, size_t len, coco_error **err)
{
    _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
    const struct coco_sgx_report *report = &dcap->quote->qe_report;

    coco_status status = coco_qe_identity_parse(text, len, &identity, err);
    if (status != COCO_OK)
        return status;
    if (identity.tdx != (dcap->quote->body != COCO_QUOTE_SGX))
        return coco_fail(err, COCO_ERR_VERIFY, "is of the quoting enclave of %s",
                         identity.tdx ? "TDX" : "SGX");
    status = coco_qe_identity_check(&identity, report, err);
    if (status != COCO_OK)
        return status;
    if (!coco_pcs_levels_find(&identity.levels, coco_quote_u16(report->isv_svn)))
        return coco_fail(err, COCO_ERR_VERIFY, "quoting enclave of version %u is below all levels",
                         coco_quote_u16(report->isv_svn));
    dcap->qe_identity = identity;
    identity = (struct coco_qe_identity){0};
    return COCO_OK;
}

static coco_status
check_qe_identity(struct coco_dcap *dcap, coco_error **err)
{
    struct document document = {
        .check = "qe-identity",
        .want = "signed by Intel, of this quoting enclave",
        .member = "enclaveIdentity",
        .parse = parse_qe_identity,
    };

    (void)snprintf(document.name, sizeof(document.name), "%s/qe-identity", tee_of(dcap));
    coco_status status = check_document(dcap, &document, err);
    if (status == COCO_OK && dcap->qe_identity.json)
        status =
            check_dates(dcap, dcap->qe_identity.issue_date, dcap->qe_identity.next_update, err);
    return status;
}

coco_status
coco_dcap_check_collateral(struct coco_dcap *dcap, coco_error **err)
{
    coco_status status = note_chain(&dcap->dates, &dcap->chain, err);
    if (status == COCO_OK)
        status = check_crls(dcap, err);
    if (status == COCO_OK)
        status = check_tcb_info(dcap, err);
    if (status == COCO_OK)
        status = check_qe_identity(dcap, err);
    return status;
}
