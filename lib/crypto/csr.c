/*
 * crypto/csr.c - requests for certificates (PKCS#10, RFC 2986)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/csr.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "crypto/ossl.h"
#include "crypto/pem.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

COCO_DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);
#define _cleanup_req_ _cleanup_(X509_REQ_freep)

#define SEQUENCE 0x30 /* of DER; a text of PEM begins otherwise */

static coco_status
parse_der(const uint8_t *der, size_t len, X509_REQ **ret, coco_error **err)
{
    const uint8_t *p = der;
    _cleanup_req_ X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)len);

    if (!req || p != der + len || X509_REQ_get_version(req) != X509_REQ_VERSION_1)
        return coco_fail(err, COCO_ERR_PROTO, "not a request for a certificate");
    *ret = coco_steal(&req);
    return COCO_OK;
}

static coco_status
parse_pem(const void *text, size_t len, X509_REQ **ret, coco_error **err)
{
    _cleanup_pem_reader_ struct coco_pem_reader reader = {0};
    _cleanup_pem_block_ struct coco_pem_block block = {0};

    coco_status status = coco_pem_begin(text, len, &reader, err);
    if (status != COCO_OK)
        return status;
    if (!coco_pem_next(&reader, &block)
        || (strcmp(block.label, PEM_STRING_X509_REQ) != 0
            && strcmp(block.label, PEM_STRING_X509_REQ_OLD) != 0)
        || !coco_pem_is_over(&reader))
        return coco_fail(err, COCO_ERR_PROTO, "not a request for a certificate in PEM");
    return parse_der(block.der, block.len, ret, err);
}

/* What is signed by SHA-1 or less, others may have made the same signature of. */
static coco_status
check_algorithm(const X509_REQ *req, coco_error **err)
{
    int nid = X509_REQ_get_signature_nid(req);
    int md = NID_undef;

    if (nid == NID_ED25519)
        return COCO_OK;
    if (OBJ_find_sigid_algs(nid, &md, NULL) != 1
        || (md != NID_sha256 && md != NID_sha384 && md != NID_sha512))
        return coco_fail(
            err, COCO_ERR_NOTSUP,
            "the request is signed by none of ECDSA, RSA (PKCS#1) with SHA-2, Ed25519");
    return COCO_OK;
}

/* A curve that is spelled out becomes the one that it is, by name: nobody has to read it again. */
static coco_status
take_named(EVP_PKEY **key, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf point = {.limit = 2 * COCO_EC_SIZE_MAX};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(*key, &kind, err);
    if (status == COCO_OK && coco_ec_size(kind) == 0) {
        *ret = coco_steal(key);
        return COCO_OK;
    }
    if (status == COCO_OK)
        status = coco_ec_key_point(*key, &point, err);
    if (status == COCO_OK)
        status = coco_ec_key_from_point(kind, point.data, ret, err);
    return status;
}

coco_status
coco_csr_parse(const void *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_req_ X509_REQ *req = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (len > COCO_CSR_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "request of more than %zu bytes", COCO_CSR_SIZE_MAX);
    coco_status status = len > 0 && *(const uint8_t *)data == SEQUENCE
                             ? parse_der(data, len, &req, err)
                             : parse_pem(data, len, &req, err);
    if (status == COCO_OK)
        status = check_algorithm(req, err);
    if (status != COCO_OK)
        return status;
    key = X509_REQ_get_pubkey(req);
    if (!key)
        return coco_fail(err, COCO_ERR_PROTO, "the request has no key that can be read");
    status = coco_key_check(key, false, err);
    if (status != COCO_OK)
        return status;
    if (X509_REQ_verify(req, key) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "the request is not signed by its own key");
    return take_named(&key, ret, err);
}
