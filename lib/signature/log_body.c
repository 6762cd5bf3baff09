/*
 * signature/log_body.c - what an entry of a transparency log is about
 *
 * Sources: rekor, pkg/types/{hashedrekord,dsse,intoto}; rekor-tiles, api/proto/rekor/v2;
 * containers/image, signature/internal/rekor_set.go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/log.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/text.h"
#include "signature/protojson.h"

#include <string.h>

#define KEY_MAX ((size_t)16 << 10)

typedef coco_status kind_fn(const cJSON *spec, const struct coco_log_subject *subject,
                            coco_error **err);

static coco_status
fail_other(const char *what, coco_error **err)
{
    return coco_fail(err, COCO_ERR_VERIFY, "the entry is of another %s", what);
}

static coco_status
text_at(const cJSON *json, const char *pointer, const char **ret, coco_error **err)
{
    *ret = cJSON_GetStringValue(coco_json_at(json, pointer));
    return *ret ? COCO_OK : coco_fail(err, COCO_ERR_PROTO, "entry of a log without %s", pointer);
}

static coco_status
compare(const struct coco_digest *want, const void *data, size_t len, coco_error **err)
{
    struct coco_digest got = {0};

    coco_status status = coco_digest_of(want->alg, data, len, &got, err);
    if (status != COCO_OK)
        return status;
    return coco_digest_equal(want, &got) ? COCO_OK : fail_other("content", err);
}

static coco_status
check_content(const struct coco_digest *want, const struct coco_log_subject *subject,
              coco_error **err)
{
    if (!subject->digest)
        return compare(want, subject->signed_data, subject->signed_len, err);
    return coco_digest_equal(want, subject->digest) ? COCO_OK : fail_other("content", err);
}

/* {"algorithm": "sha256", "value": hex} */
static coco_status
read_hash(const cJSON *spec, const char *at, struct coco_digest *ret, coco_error **err)
{
    const cJSON *hash = coco_json_at(spec, at);
    const char *algorithm = NULL;
    const char *value = NULL;
    struct coco_digest digest = {0};

    coco_status status = text_at(hash, "/algorithm", &algorithm, err);
    if (status == COCO_OK)
        status = text_at(hash, "/value", &value, err);
    if (status == COCO_OK)
        status = coco_hash_alg_parse(algorithm, &digest.alg, err);
    if (status != COCO_OK)
        return status;
    if (!coco_unhex(value, strlen(value), digest.bytes, coco_hash_size(digest.alg)))
        return coco_fail(err, COCO_ERR_PROTO, "entry of a log with a hash that is none");
    *ret = digest;
    return COCO_OK;
}

static coco_status
compare_key(const EVP_PKEY *key, const struct coco_log_subject *subject, coco_error **err)
{
    return EVP_PKEY_eq(key, subject->key) == 1 ? COCO_OK : fail_other("key", err);
}

/* Where it is a certificate that is trusted, the log must have the same. */
static coco_status
compare_signer(const void *data, size_t len, const struct coco_log_subject *subject,
               coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_cert_ X509 *cert = NULL;

    coco_status status = coco_key_parse_public(data, len, &key, err);
    if (status == COCO_OK)
        status = compare_key(key, subject, err);
    if (status != COCO_OK || !subject->cert)
        return status;
    status = coco_cert_parse(data, len, &cert, err);
    if (status == COCO_OK && X509_cmp(cert, subject->cert) != 0)
        status = fail_other("certificate", err);
    return status;
}

/* base64 of PEM, a key or a certificate */
static coco_status
check_key(const cJSON *spec, const char *at, const struct coco_log_subject *subject,
          coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = KEY_MAX};
    const char *text = NULL;

    coco_status status = text_at(spec, at, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &pem, err);
    return status == COCO_OK ? compare_signer(pem.data, pem.len, subject, err) : status;
}

static coco_status
compare_signature(const struct coco_buf *signature, const struct coco_log_subject *subject,
                  coco_error **err)
{
    return signature->len == subject->signature_len
                   && CRYPTO_memcmp(coco_buf_text(signature), subject->signature, signature->len)
                          == 0
               ? COCO_OK
               : fail_other("signature", err);
}

/* ---- Rekor 1 ---- */

static coco_status
check_hashedrekord(const cJSON *spec, const struct coco_log_subject *subject, coco_error **err)
{
    _cleanup_buf_ struct coco_buf signature = {.limit = KEY_MAX};
    struct coco_digest hash = {0};
    const char *text = NULL;

    coco_status status = text_at(spec, "/signature/content", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &signature, err);
    if (status != COCO_OK)
        return status;
    status = compare_signature(&signature, subject, err);
    if (status == COCO_OK)
        status = read_hash(spec, "/data/hash", &hash, err);
    if (status == COCO_OK)
        status = check_content(&hash, subject, err);
    return status == COCO_OK ? check_key(spec, "/signature/publicKey/content", subject, err)
                             : status;
}

/* The first of a list, which must have no other. */
static const cJSON *
only_item(const cJSON *spec, const char *at)
{
    const cJSON *list = coco_json_at(spec, at);

    return cJSON_GetArraySize(list) == 1 ? list->child : NULL;
}

static coco_status
check_dsse(const cJSON *spec, const struct coco_log_subject *subject, coco_error **err)
{
    const cJSON *one = only_item(spec, "/signatures");
    struct coco_digest hash = {0};
    const char *text = NULL;

    coco_status status = text_at(one, "/signature", &text, err);
    if (status == COCO_OK && (!subject->payload || strcmp(text, subject->signature_text) != 0))
        status = fail_other("signature", err);
    if (status == COCO_OK)
        status = read_hash(spec, "/payloadHash", &hash, err);
    if (status == COCO_OK)
        status = compare(&hash, subject->payload, subject->payload_len, err);
    return status == COCO_OK ? check_key(one, "/verifier", subject, err) : status;
}

/* Here the signature's base64 is encoded once more. */
static coco_status
check_intoto(const cJSON *spec, const struct coco_log_subject *subject, coco_error **err)
{
    _cleanup_buf_ struct coco_buf signature = {.limit = KEY_MAX};
    const cJSON *one = only_item(spec, "/content/envelope/signatures");
    struct coco_digest hash = {0};
    const char *text = NULL;

    coco_status status = text_at(one, "/sig", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &signature, err);
    if (status == COCO_OK
        && (!subject->payload || strcmp(coco_buf_text(&signature), subject->signature_text) != 0))
        status = fail_other("signature", err);
    if (status == COCO_OK)
        status = read_hash(spec, "/content/payloadHash", &hash, err);
    if (status == COCO_OK)
        status = compare(&hash, subject->payload, subject->payload_len, err);
    return status == COCO_OK ? check_key(one, "/publicKey", subject, err) : status;
}

/* ---- Rekor 2 ---- */

/* {"content", "verifier": {"publicKey" or "x509Certificate": {"rawBytes"}}} */
static coco_status
check_signature_2(const cJSON *json, const struct coco_log_subject *subject, coco_error **err)
{
    const cJSON *key = coco_json_at(json, "/verifier/publicKey");
    const cJSON *cert = coco_json_at(json, "/verifier/x509Certificate");
    _cleanup_buf_ struct coco_buf signature = {.limit = KEY_MAX};
    _cleanup_buf_ struct coco_buf der = {.limit = KEY_MAX};

    if (!key == !cert)
        return coco_fail(err, COCO_ERR_PROTO, "entry of a log without one who signed");
    coco_status status = coco_protojson_bytes(json, "content", &signature, err);
    if (status == COCO_OK)
        status = compare_signature(&signature, subject, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(key ? key : cert, "rawBytes", &der, err);
    return status == COCO_OK ? compare_signer(der.data, der.len, subject, err) : status;
}

static coco_status
check_hashedrekord_2(const cJSON *spec, const struct coco_log_subject *subject, coco_error **err)
{
    const cJSON *own = NULL;
    const cJSON *signature = NULL;
    struct coco_digest hash = {0};

    coco_status status = coco_json_get_object(spec, "hashedRekordV002", &own, err);
    if (status == COCO_OK)
        status = coco_json_get_object(own, "signature", &signature, err);
    if (status == COCO_OK)
        status = check_signature_2(signature, subject, err);
    if (status == COCO_OK)
        status = coco_protojson_hash(own, "data", &hash, err);
    return status == COCO_OK ? check_content(&hash, subject, err) : status;
}

static coco_status
check_dsse_2(const cJSON *spec, const struct coco_log_subject *subject, coco_error **err)
{
    const cJSON *one = only_item(spec, "/dsseV002/signatures");
    const cJSON *own = NULL;
    struct coco_digest hash = {0};

    coco_status status = coco_json_get_object(spec, "dsseV002", &own, err);
    if (status == COCO_OK && !cJSON_IsObject(one))
        status = coco_fail(err, COCO_ERR_PROTO, "entry of a log without one signature");
    if (status == COCO_OK && !subject->payload)
        status = fail_other("signature", err);
    if (status == COCO_OK)
        status = check_signature_2(one, subject, err);
    if (status == COCO_OK)
        status = coco_protojson_hash(own, "payloadHash", &hash, err);
    return status == COCO_OK ? compare(&hash, subject->payload, subject->payload_len, err) : status;
}

static const struct {
    const char *kind, *version;
    kind_fn *fn;
    bool is_promised; /* Rekor 2 promises nothing */
} kinds[] = {
    {"hashedrekord", "0.0.1", check_hashedrekord, true},
    {"hashedrekord", "0.0.2", check_hashedrekord_2, false},
    {"dsse", "0.0.1", check_dsse, true},
    {"dsse", "0.0.2", check_dsse_2, false},
    {"intoto", "0.0.2", check_intoto, true},
};

coco_status
coco_log_entry_is_of(const struct coco_log_entry *entry, const struct coco_log_subject *subject,
                     coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *spec = NULL;
    const char *kind = NULL;
    const char *version = NULL;

    coco_status status =
        coco_json_parse_object(coco_buf_text(&entry->body), entry->body.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "kind", &kind, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "apiVersion", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_object(json, "spec", &spec, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "entry of a log");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].kind, kind) != 0 || strcmp(kinds[i].version, version) != 0)
            continue;
        if (entry->promise.len > 0 && !kinds[i].is_promised)
            return coco_fail(err, COCO_ERR_VERIFY, "a promise of a log that makes none");
        return kinds[i].fn(spec, subject, err);
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "entries of a log of the kind '%.60s' %.20s", kind,
                     version);
}
