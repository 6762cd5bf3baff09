/*
 * softtee/intel.c - an Intel that is nobody's: quotes, and its word on them
 *
 * Root -> PCK CA -> PCK -> report of a QE -> attestation key -> quote, as with the
 * real one; root -> signer -> TCB info and the QE's identity.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/intel.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "tee/pck.h"
#include "tee/qe_identity.h"
#include "tee/tcb_info.h"

#include <string.h>
#include <time.h>

#define DAY ((int64_t)24 * 60 * 60)
#define CHAIN_MAX ((size_t)16 << 10)
#define DOCUMENT_MAX ((size_t)64 << 10)
#define QE_SVN 4

/* The one machine there is. */
static const struct coco_pck machine = {
    .ppid = {0x50, 0xf7},
    .components = {2, 2, 2},
    .pce_svn = 11,
    .cpu_svn = {2, 2, 2},
    .fmspc = {0x50, 0xf7, 0x7e, 0xe0, 0x00, 0x01},
    .type = COCO_SGX_SCALABLE,
    .has_platform = true,
    .platform_instance_id = {0x50, 0xf7},
    .has_configuration = true,
    .smt_enabled = true,
};
#define FMSPC_TEXT "50f77ee00001"

/* Of the module of TDX: no version of its own, so no level. */
static const uint8_t tdx_svn[16] = {3, 0, 6};
static const uint8_t qe_signer[32] = {0x50, 0xf7, 0x7e, 0xe0};

void
coco_intel_done(struct coco_intel *intel)
{
    coco_pki_done(&intel->root);
    coco_pki_done(&intel->ca);
    coco_pki_done(&intel->pck);
    coco_pki_done(&intel->signer);
    EVP_PKEY_free(intel->key);
    coco_buf_done(&intel->chain);
    *intel = (struct coco_intel){0};
}

static coco_status
open_certificates(const char *dir, struct coco_intel *intel, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_PCK_SIZE_MAX};
    struct coco_pki_want want = {.name = "Intel SGX Root CA", .kind = COCO_KEY_P256, .is_ca = true};

    coco_status status = coco_pki_keep(dir, "intel/root.pem", &want, &intel->root, err);
    want.issuer = &intel->root;
    want.name = "Intel SGX PCK Platform CA";
    if (status == COCO_OK)
        status = coco_pki_keep(dir, "intel/ca.pem", &want, &intel->ca, err);
    want.name = "Intel SGX TCB Signing";
    want.is_ca = false;
    if (status == COCO_OK)
        status = coco_pki_keep(dir, "intel/signer.pem", &want, &intel->signer, err);
    if (status == COCO_OK)
        status = coco_pck_format(&machine, &der, err);
    const struct coco_pki_extension extension = {COCO_PCK_OID, der.data, der.len};
    want.name = "Intel SGX PCK Certificate";
    want.issuer = &intel->ca;
    want.extensions = &extension;
    want.n_extensions = 1;
    if (status == COCO_OK)
        status = coco_pki_keep(dir, "intel/pck.pem", &want, &intel->pck, err);
    return status;
}

coco_status
coco_intel_open(const char *dir, struct coco_intel *ret, coco_error **err)
{
    struct coco_intel intel = {.chain = {.limit = CHAIN_MAX}};

    coco_status status = open_certificates(dir, &intel, err);
    if (status == COCO_OK)
        status = coco_key_generate(COCO_KEY_P256, &intel.key, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&intel.pck, &intel.chain, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&intel.ca, &intel.chain, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&intel.root, &intel.chain, err);
    if (status != COCO_OK) {
        coco_intel_done(&intel);
        return status;
    }
    *ret = intel;
    return COCO_OK;
}

/* ---- collateral ---- */

/* Signs value, and writes it and who signed it. */
static coco_status
publish_signed(const struct coco_intel *intel, const char *dir, const char *name,
               const char *member, const struct coco_buf *value, coco_error **err)
{
    struct coco_pcs_answer answer = {.value = coco_buf_text(value), .value_len = value->len};
    _cleanup_buf_ struct coco_buf signature = {.limit = COCO_PCS_SIGNATURE_SIZE};
    _cleanup_buf_ struct coco_buf text = {.limit = DOCUMENT_MAX};
    _cleanup_buf_ struct coco_buf pem = {.limit = CHAIN_MAX};
    _cleanup_buf_ struct coco_buf file = {.limit = 256};

    coco_status status =
        coco_ecdsa_sign(intel->signer.key, value->data, value->len, &signature, err);
    if (status == COCO_OK)
        memcpy(answer.signature, signature.data, sizeof(answer.signature));
    if (status == COCO_OK)
        status = coco_pcs_answer_format(&answer, member, &text, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&intel->signer, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_pem(&intel->root, &pem, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&file, err, "%s.json", name);
    if (status == COCO_OK)
        status = coco_pki_write(dir, coco_buf_text(&file), text.data, text.len, err);
    coco_buf_reset(&file);
    if (status == COCO_OK)
        status = coco_buf_printf(&file, err, "%s.pem", name);
    if (status == COCO_OK)
        status = coco_pki_write(dir, coco_buf_text(&file), pem.data, pem.len, err);
    return status;
}

static coco_status
publish_tcb_info(const struct coco_intel *intel, const char *dir, int64_t now, coco_error **err)
{
    struct coco_tcb_level level = {.pce_svn = machine.pce_svn, .date = now - DAY};
    struct coco_tcb_module module = {
        .attributes_mask = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    struct coco_tcb_info info = {
        .tdx = true,
        .version = 3,
        .issue_date = now - DAY,
        .next_update = now + 30 * DAY,
        .evaluation = 1,
        .levels = &level,
        .n_levels = 1,
        .modules = &module,
        .n_modules = 1,
    };
    _cleanup_buf_ struct coco_buf text = {.limit = DOCUMENT_MAX};
    const struct coco_pck pck = machine;

    memcpy(level.sgx, pck.components, sizeof(level.sgx));
    memcpy(level.tdx, tdx_svn, sizeof(level.tdx));
    memcpy(info.fmspc, pck.fmspc, sizeof(info.fmspc)); /* the pce_id is 0 */
    coco_status status = coco_tcb_info_format(&info, &text, err);
    if (status == COCO_OK)
        status =
            publish_signed(intel, dir, "intel/tdx/tcb-info/" FMSPC_TEXT, "tcbInfo", &text, err);
    return status;
}

static coco_status
publish_qe_identity(const struct coco_intel *intel, const char *dir, int64_t now, coco_error **err)
{
    struct coco_pcs_level level = {.svn = QE_SVN, .date = now - DAY};
    struct coco_qe_identity identity = {
        .tdx = true,
        .issue_date = now - DAY,
        .next_update = now + 30 * DAY,
        .evaluation = 1,
        .misc_select_mask = {0xff, 0xff, 0xff, 0xff},
        .attributes = {0x11},
        .attributes_mask = {0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        .isv_prod_id = 2,
        .levels = {.levels = &level, .n = 1},
    };
    _cleanup_buf_ struct coco_buf text = {.limit = DOCUMENT_MAX};

    memcpy(identity.mr_signer, qe_signer, sizeof(identity.mr_signer));
    coco_status status = coco_qe_identity_format(&identity, &text, err);
    if (status == COCO_OK)
        status = publish_signed(intel, dir, "intel/tdx/qe-identity", "enclaveIdentity", &text, err);
    return status;
}

static coco_status
publish_crl(const struct coco_pki *by, const char *dir, const char *name, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = CHAIN_MAX};

    coco_status status = coco_pki_crl(by, &der, err);
    if (status == COCO_OK)
        status = coco_pki_write(dir, name, der.data, der.len, err);
    return status;
}

coco_status
coco_intel_publish(const struct coco_intel *intel, const char *dir, coco_error **err)
{
    int64_t now = (int64_t)time(NULL);

    coco_status status = publish_crl(&intel->root, dir, "intel/root-ca.crl", err);
    if (status == COCO_OK)
        status = publish_crl(&intel->ca, dir, "intel/pck-crl/platform.crl", err);
    if (status == COCO_OK)
        status = publish_tcb_info(intel, dir, now, err);
    if (status == COCO_OK)
        status = publish_qe_identity(intel, dir, now, err);
    return status;
}

/* ---- quotes ---- */

static coco_status
sign(EVP_PKEY *key, const void *data, size_t len, uint8_t ret[COCO_QUOTE_SIGNATURE_SIZE],
     coco_error **err)
{
    _cleanup_buf_ struct coco_buf signature = {.limit = COCO_QUOTE_SIGNATURE_SIZE};

    coco_status status = coco_ecdsa_sign(key, data, len, &signature, err);
    if (status == COCO_OK)
        memcpy(ret, signature.data, COCO_QUOTE_SIGNATURE_SIZE);
    return status;
}

/* The QE names the attestation key, and the PCK signs that. */
static coco_status
certify_key(const struct coco_intel *intel, struct coco_quote *quote, coco_error **err)
{
    struct coco_sgx_report *report = &quote->qe_report;
    _cleanup_buf_ struct coco_buf point = {.limit = COCO_QUOTE_KEY_SIZE};

    memcpy(report->cpu_svn, machine.cpu_svn, sizeof(report->cpu_svn));
    memcpy(report->mr_signer, qe_signer, sizeof(report->mr_signer));
    report->flags[0] = 0x11;
    report->isv_prod_id[0] = 2;
    report->isv_svn[0] = QE_SVN;
    coco_status status = coco_ec_key_point(intel->key, &point, err);
    if (status == COCO_OK)
        memcpy(quote->key, point.data, sizeof(quote->key));
    if (status == COCO_OK)
        status = coco_quote_key_hash(quote, report->report_data, err);
    if (status == COCO_OK)
        status = sign(intel->pck.key, report, sizeof(*report), quote->qe_signature, err);
    return status;
}

coco_status
coco_intel_quote(const struct coco_intel *intel, const struct coco_td_report *td,
                 struct coco_buf *ret, coco_error **err)
{
    static const uint8_t auth[32] = {0x50, 0xf7};
    struct coco_quote quote = {
        .header = coco_quote_header_of(4, COCO_QUOTE_TD10),
        .body = COCO_QUOTE_TD10,
        .td = *td,
        .auth = auth,
        .auth_len = sizeof(auth),
        .certification = COCO_CERTIFICATION_PCK_CHAIN,
        .certification_data = intel->chain.data,
        .certification_len = intel->chain.len,
    };
    _cleanup_buf_ struct coco_buf body = {.limit = CHAIN_MAX};

    memcpy(quote.td.tcb_svn, tdx_svn, sizeof(quote.td.tcb_svn));
    quote.td.td_attributes[3] = 0x10; /* SEPT_VE_DISABLE, which Linux demands */
    quote.td.xfam[0] = 0xe7;
    coco_status status = certify_key(intel, &quote, err);
    if (status == COCO_OK)
        status = coco_quote_format_signed(&quote, &body, err);
    if (status == COCO_OK)
        status = sign(intel->key, body.data, body.len, quote.signature, err);
    if (status == COCO_OK)
        status = coco_quote_format(&quote, ret, err);
    return status;
}
