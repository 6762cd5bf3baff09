/*
 * crypto/timestamp.c - tokens of time-stamping authorities (RFC 3161)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/timestamp.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <string.h>
#include <time.h>

#define ACCURACY_MAX INT32_MAX
#define GRANTED 0
#define GRANTED_WITH_MODS 1

COCO_DEFINE_CLEANUP(TS_RESP *, TS_RESP_free);
COCO_DEFINE_CLEANUP(PKCS7 *, PKCS7_free);
COCO_DEFINE_CLEANUP(TS_TST_INFO *, TS_TST_INFO_free);
COCO_DEFINE_CLEANUP(TS_VERIFY_CTX *, TS_VERIFY_CTX_free);

/* The token in a reply, or the bytes as a token themselves. */
static coco_status
parse(const uint8_t *der, size_t len, PKCS7 **ret, coco_error **err)
{
    const uint8_t *p = der;
    _cleanup_(TS_RESP_freep) TS_RESP *reply = NULL;
    _cleanup_(PKCS7_freep) PKCS7 *token = NULL;

    if (len > COCO_TIMESTAMP_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "timestamp of more than %zu bytes",
                         COCO_TIMESTAMP_SIZE_MAX);
    reply = d2i_TS_RESP(NULL, &p, (long)len);
    if (reply) {
        long said = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(reply)));
        if (said != GRANTED && said != GRANTED_WITH_MODS)
            return coco_fail(err, COCO_ERR_PROTO, "timestamp that was not granted");
        token = TS_RESP_get_token(reply) ? PKCS7_dup(TS_RESP_get_token(reply)) : NULL;
    } else {
        p = der;
        token = d2i_PKCS7(NULL, &p, (long)len);
    }
    if (!token && coco_ossl_no_memory())
        return coco_fail_nomem(err);
    if (!token || p != der + len || !PKCS7_type_is_signed(token))
        return coco_fail(err, COCO_ERR_PROTO, "not a timestamp");
    *ret = coco_steal(&token);
    return COCO_OK;
}

static bool
is_sha2(TS_TST_INFO *info)
{
    const X509_ALGOR *alg = TS_MSG_IMPRINT_get_algo(TS_TST_INFO_get_msg_imprint(info));
    const ASN1_OBJECT *oid = NULL;

    X509_ALGOR_get0(&oid, NULL, NULL, alg);
    int nid = OBJ_obj2nid(oid);
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* RFC 3628 section 5.2: a token of the policy that it defines is right within a second. */
static bool
is_baseline(TS_TST_INFO *info)
{
    char text[32] = "";

    (void)OBJ_obj2txt(text, sizeof(text), TS_TST_INFO_get_policy_id(info), 1);
    return strcmp(text, "0.4.0.2023.1.1") == 0;
}

static coco_status
add_accuracy(const ASN1_INTEGER *part, int64_t in_a_second, int64_t *ret, coco_error **err)
{
    int64_t value = 0;

    if (!part)
        return COCO_OK;
    if (ASN1_INTEGER_get_int64(&value, part) != 1 || value < 0 || value > ACCURACY_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "timestamp with an accuracy that is none");
    *ret += (value + in_a_second - 1) / in_a_second;
    return COCO_OK;
}

static coco_status
read_accuracy(TS_TST_INFO *info, int64_t *ret, coco_error **err)
{
    const TS_ACCURACY *accuracy = TS_TST_INFO_get_accuracy(info);

    *ret = 0;
    coco_status status =
        accuracy ? add_accuracy(TS_ACCURACY_get_seconds(accuracy), 1, ret, err) : COCO_OK;
    if (status == COCO_OK && accuracy)
        status = add_accuracy(TS_ACCURACY_get_millis(accuracy), 1000, ret, err);
    if (status == COCO_OK && accuracy)
        status = add_accuracy(TS_ACCURACY_get_micros(accuracy), 1000000, ret, err);
    if (status == COCO_OK && *ret == 0 && is_baseline(info))
        *ret = 1;
    return status;
}

static coco_status
read_time(PKCS7 *token, struct coco_timestamp *ret, coco_error **err)
{
    _cleanup_(TS_TST_INFO_freep) TS_TST_INFO *info = PKCS7_to_TS_TST_INFO(token);
    struct tm tm = {0};

    if (!info || ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "timestamp without a time");
    if (!is_sha2(info))
        return coco_fail(err, COCO_ERR_NOTSUP, "timestamp by a hash other than SHA-2");
    ret->time = (int64_t)timegm(&tm);
    return read_accuracy(info, &ret->accuracy, err);
}

/* What OpenSSL takes over is freed with the context. */
static TS_VERIFY_CTX *
make_context(const void *data, size_t len, const struct coco_cert_chain *anchors, int64_t now)
{
    _cleanup_(TS_VERIFY_CTX_freep) TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = sk_X509_new_null();
    BIO *bio = BIO_new_mem_buf(data, (int)len);

    bool ok = ctx && store && certs && bio;
    for (size_t i = 0; ok && i < anchors->n; i++) {
        ok = X509_STORE_add_cert(store, anchors->certs[i]) == 1
             && X509_up_ref(anchors->certs[i]) == 1;
        if (ok && sk_X509_push(certs, anchors->certs[i]) == 0) {
            X509_free(anchors->certs[i]);
            ok = false;
        }
    }
    if (!ok) {
        X509_STORE_free(store);
        sk_X509_pop_free(certs, X509_free);
        BIO_free_all(bio);
        return NULL;
    }
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    TS_VERIFY_CTX_set_store(ctx, store);
    TS_VERIFY_CTX_set_certs(ctx, certs);
    TS_VERIFY_CTX_set_data(ctx, bio);
    (void)TS_VERIFY_CTX_set_flags(ctx, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA);
    return coco_steal(&ctx);
}

coco_status
coco_timestamp_check(const void *token, size_t len, const void *data, size_t data_len,
                     const struct coco_cert_chain *anchors, struct coco_timestamp *ret,
                     coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(PKCS7_freep) PKCS7 *parsed = NULL;
    struct coco_timestamp said = {0};

    coco_status status = parse(token, len, &parsed, err);
    if (status == COCO_OK)
        status = read_time(parsed, &said, err);
    if (status != COCO_OK)
        return status;
    _cleanup_(TS_VERIFY_CTX_freep) TS_VERIFY_CTX *ctx =
        make_context(data, data_len, anchors, said.time);
    if (!ctx)
        return coco_fail_nomem(err);
    if (TS_RESP_verify_token(ctx, parsed) != 1)
        return coco_ossl_no_memory()
                   ? coco_fail_nomem(err)
                   : coco_fail(err, COCO_ERR_VERIFY, "timestamp does not hold: %s",
                               ERR_reason_error_string(ERR_peek_last_error()));
    *ret = said;
    return COCO_OK;
}
