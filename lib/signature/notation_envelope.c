/*
 * signature/notation_envelope.c - envelopes of Notation, read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/rfc3339.h"
#include "crypto/cose.h"

#include <stdio.h>
#include <string.h>

#define PAYLOAD_TYPE "application/vnd.cncf.notary.payload.v1+json"
#define SCHEME_X509 "notary.x509"
#define SCHEME_AUTHORITY "notary.x509.signingAuthority"
#define STAMP "io.cncf.notary.timestampSignature"
#define DATA_MAX ((size_t)1 << 20)
#define SIGNATURE_MAX ((size_t)2 << 10)

static struct coco_notation
empty(void)
{
    return (struct coco_notation){
        .payload.limit = DATA_MAX,
        .signed_data.limit = 2 * DATA_MAX,
        .signature.limit = SIGNATURE_MAX,
    };
}

void
coco_notation_done(struct coco_notation *notation)
{
    coco_signer_done(&notation->signer);
    coco_buf_done(&notation->payload);
    coco_buf_done(&notation->signed_data);
    coco_buf_done(&notation->signature);
    *notation = (struct coco_notation){0};
}

/* The leaf comes first. A root behind it is not looked at: it is trusted elsewhere or not. */
static coco_status
add_cert(struct coco_notation *ret, const void *der, size_t len, coco_error **err)
{
    _cleanup_cert_ X509 *cert = NULL;

    coco_status status = coco_cert_parse(der, len, &cert, err);
    if (status != COCO_OK)
        return status;
    if (!ret->signer.cert) {
        ret->signer.cert = coco_steal(&cert);
        return COCO_OK;
    }
    return coco_cert_chain_add(&ret->signer.chain, &cert, err);
}

/* ---- what is claimed ---- */

/* signature-specification.md, "Signed Attributes" */
enum claim {
    CLAIM_SCHEME,
    CLAIM_TIME,
    CLAIM_AUTHENTIC, /* that time, by an authority */
    CLAIM_EXPIRY,
};
#define CLAIMS 4

static const char *const claim_names[CLAIMS + 1] = {
    "io.cncf.notary.signingScheme",
    "io.cncf.notary.signingTime",
    "io.cncf.notary.authenticSigningTime",
    "io.cncf.notary.expiry",
    NULL,
};

struct claims {
    bool is_there[CLAIMS];
    bool is_critical[CLAIMS];
    bool by_authority;
    int64_t times[CLAIMS];
};

static coco_status
read_scheme(const char *scheme, size_t len, struct claims *ret, coco_error **err)
{
    const struct coco_cbor_string text = {(const uint8_t *)scheme, len};

    ret->is_there[CLAIM_SCHEME] = true;
    ret->by_authority = coco_cbor_string_is(text, SCHEME_AUTHORITY);
    if (ret->by_authority || coco_cbor_string_is(text, SCHEME_X509))
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP, "signing scheme '%.*s'", (int)(len < 100 ? len : 100),
                     scheme);
}

/* Those that must be understood are exactly those that the specification says, each once. */
static coco_status
add_critical(const char *name, size_t len, struct claims *ret, coco_error **err)
{
    for (size_t i = 0; i < CLAIMS; i++) {
        if (i == CLAIM_TIME || len != strlen(claim_names[i])
            || strncmp(name, claim_names[i], len) != 0)
            continue;
        if (!ret->is_there[i] || ret->is_critical[i])
            return coco_fail(err, COCO_ERR_PROTO, "crit: '%s' is not there, or twice",
                             claim_names[i]);
        ret->is_critical[i] = true;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "crit: '%.*s' is not understood",
                     (int)(len < 100 ? len : 100), name);
}

/* signing-scheme.md: each has a time of its own, and not the other's. */
static coco_status
apply_claims(const struct claims *claims, struct coco_notation *ret, coco_error **err)
{
    enum claim own = claims->by_authority ? CLAIM_AUTHENTIC : CLAIM_TIME;
    enum claim other = claims->by_authority ? CLAIM_TIME : CLAIM_AUTHENTIC;

    if (!claims->is_there[own] || claims->is_there[other])
        return coco_fail(err, COCO_ERR_PROTO, "its signing scheme has '%s' and no '%s'",
                         claim_names[own], claim_names[other]);
    for (size_t i = 0; i < CLAIMS; i++)
        if (i != CLAIM_TIME && claims->is_there[i] && !claims->is_critical[i])
            return coco_fail(err, COCO_ERR_PROTO, "crit: without '%s'", claim_names[i]);
    if (claims->is_there[CLAIM_EXPIRY] && claims->times[CLAIM_EXPIRY] <= claims->times[own])
        return coco_fail(err, COCO_ERR_PROTO, "it expired before it was signed");
    ret->by_authority = claims->by_authority;
    ret->time = claims->times[own];
    ret->expires = claims->is_there[CLAIM_EXPIRY];
    ret->expiry = claims->times[CLAIM_EXPIRY];
    return COCO_OK;
}

/* ---- JWS, flattened JSON (RFC 7515 section 7.2.2) ---- */

static coco_status
read_time(const cJSON *headers, enum claim which, struct claims *ret, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(headers, claim_names[which], &text, err);
    if (status != COCO_OK || !text)
        return status;
    ret->is_there[which] = true;
    return coco_rfc3339_parse_local(text, &ret->times[which], err);
}

static coco_status
read_crit(const cJSON *headers, struct claims *ret, coco_error **err)
{
    const cJSON *crit = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array(headers, "crit", &crit, err);
    cJSON_ArrayForEach(item, crit) {
        const char *name = cJSON_GetStringValue(item);

        if (status == COCO_OK && !name)
            status = coco_fail(err, COCO_ERR_PROTO, "crit: not a text");
        if (status == COCO_OK)
            status = add_critical(name, strlen(name), ret, err);
    }
    return status;
}

static coco_status
read_claims(const cJSON *headers, struct coco_notation *ret, coco_error **err)
{
    const char *scheme = NULL;
    struct claims claims = {0};

    coco_status status = coco_json_get_string(headers, claim_names[CLAIM_SCHEME], &scheme, err);
    if (status == COCO_OK)
        status = read_scheme(scheme, strlen(scheme), &claims, err);
    for (enum claim i = CLAIM_TIME; status == COCO_OK && i < CLAIMS; i++)
        status = read_time(headers, i, &claims, err);
    if (status == COCO_OK)
        status = read_crit(headers, &claims, err);
    return status == COCO_OK ? apply_claims(&claims, ret, err) : status;
}

static coco_status
read_protected(const char *text, struct coco_notation *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = DATA_MAX};
    _cleanup_json_ cJSON *headers = NULL;
    const char *algorithm = NULL;
    const char *type = NULL;

    coco_status status = coco_base64_decode(COCO_BASE64URL, text, strlen(text), &bytes, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&bytes), bytes.len, &headers, err);
    if (status == COCO_OK)
        status = coco_json_get_string(headers, "alg", &algorithm, err);
    if (status == COCO_OK)
        status = coco_json_get_string(headers, "cty", &type, err);
    if (status == COCO_OK && strcmp(type, PAYLOAD_TYPE) != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "'%.100s' is no payload of Notation", type);
    if (status == COCO_OK)
        status = read_claims(headers, ret, err);
    if (status == COCO_OK)
        (void)snprintf(ret->algorithm, sizeof(ret->algorithm), "%s", algorithm);
    return status;
}

/* What nobody signed: certificates and the time stamp, which stand for themselves. */
static coco_status
read_header(const cJSON *json, struct coco_notation *ret, coco_error **err)
{
    const cJSON *header = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    const char *stamp = NULL;

    coco_status status = coco_json_get_object(json, "header", &header, err);
    if (status == COCO_OK)
        status = coco_json_get_array(header, "x5c", &list, err);
    cJSON_ArrayForEach(item, list) {
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
        const char *text = cJSON_GetStringValue(item);

        if (status == COCO_OK && !text)
            status = coco_fail(err, COCO_ERR_PROTO, "x5c: not a text");
        if (status == COCO_OK)
            status = coco_base64_decode(COCO_BASE64, text, strlen(text), &der, err);
        if (status == COCO_OK)
            status = add_cert(ret, der.data, der.len, err);
    }
    if (status == COCO_OK)
        status = coco_json_get_string_opt(header, STAMP, &stamp, err);
    if (status == COCO_OK && stamp)
        status = coco_signer_add_stamp(&ret->signer, stamp, err);
    return status;
}

coco_status
coco_notation_parse_jws(const void *data, size_t len, struct coco_notation *ret, coco_error **err)
{
    _cleanup_notation_ struct coco_notation envelope = empty();
    _cleanup_json_ cJSON *json = NULL;
    const char *protected = NULL;
    const char *payload = NULL;
    const char *signature = NULL;

    coco_status status = coco_json_parse_object(data, len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "protected", &protected, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "payload", &payload, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "signature", &signature, err);
    if (status == COCO_OK)
        status = read_protected(protected, &envelope, err);
    if (status == COCO_OK)
        status = read_header(json, &envelope, err);
    if (status == COCO_OK)
        status =
            coco_base64_decode(COCO_BASE64URL, payload, strlen(payload), &envelope.payload, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, signature, strlen(signature),
                                    &envelope.signature, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&envelope.signed_data, err, "%s.%s", protected, payload);
    if (status != COCO_OK)
        return coco_wrap(err, status, "JWS of Notation");
    *ret = envelope;
    envelope = (struct coco_notation){0};
    return COCO_OK;
}

/* ---- COSE ---- */

/* RFC 9053 section 2.1, RFC 8230 section 2 */
static const struct {
    int64_t number;
    const char *name;
} algorithms[] = {
    {-7, "ES256"}, {-35, "ES384"}, {-36, "ES512"}, {-37, "PS256"}, {-38, "PS384"}, {-39, "PS512"},
};

static coco_status
read_algorithm(int64_t number, struct coco_notation *ret, coco_error **err)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (algorithms[i].number == number) {
            (void)snprintf(ret->algorithm, sizeof(ret->algorithm), "%s", algorithms[i].name);
            return COCO_OK;
        }
    return coco_fail(err, COCO_ERR_NOTSUP, "an algorithm that Notation has not");
}

/* A time, which is tagged as one. */
static coco_status
read_epoch(struct coco_cbor headers, enum claim which, struct claims *ret, coco_error **err)
{
    struct coco_cbor item;
    struct coco_cbor time = {0};

    if (!coco_cbor_find_text(headers, claim_names[which], &item))
        return COCO_OK;
    ret->is_there[which] = true;
    coco_status status = coco_cbor_untag(item, 1, &time, err);
    if (status == COCO_OK)
        status = coco_cbor_i64(time, &ret->times[which], err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "%s", claim_names[which]);
}

/* Labels that are numbers are those of COSE itself, which were looked at. */
static coco_status
read_labels(struct coco_cbor headers, struct claims *ret, coco_error **err)
{
    struct coco_cbor crit = {0};
    struct coco_cbor_items labels;

    coco_status status = coco_cbor_get(headers, COCO_COSE_CRIT, &crit, err);
    if (status == COCO_OK)
        status = coco_cbor_array(crit, &labels, err);
    for (struct coco_cbor label; status == COCO_OK && coco_cbor_next(&labels, &label);) {
        struct coco_cbor_string name = {0};

        if (coco_cbor_is_text(label, &name))
            status = add_critical((const char *)name.data, name.len, ret, err);
    }
    return status;
}

static coco_status
read_headers(const struct coco_cose_sign1 *message, struct coco_notation *ret, coco_error **err)
{
    struct coco_cbor_string type = {0};
    struct coco_cbor_string scheme = {0};
    struct claims claims = {0};
    struct coco_cbor item;

    coco_status status = coco_cbor_get_text(message->protected, COCO_COSE_CONTENT_TYPE, &type, err);
    if (status == COCO_OK && !coco_cbor_string_is(type, PAYLOAD_TYPE))
        status = coco_fail(err, COCO_ERR_PROTO, "it is of no payload of Notation");
    if (status == COCO_OK
        && (!coco_cbor_find_text(message->protected, claim_names[CLAIM_SCHEME], &item)
            || !coco_cbor_is_text(item, &scheme)))
        status = coco_fail(err, COCO_ERR_PROTO, "no %s", claim_names[CLAIM_SCHEME]);
    if (status == COCO_OK)
        status = read_scheme((const char *)scheme.data, scheme.len, &claims, err);
    for (enum claim i = CLAIM_TIME; status == COCO_OK && i < CLAIMS; i++)
        status = read_epoch(message->protected, i, &claims, err);
    if (status == COCO_OK)
        status = read_labels(message->protected, &claims, err);
    if (status == COCO_OK)
        status = apply_claims(&claims, ret, err);
    return status == COCO_OK ? read_algorithm(message->alg, ret, err) : status;
}

static coco_status
read_certs(const struct coco_cose_sign1 *message, struct coco_notation *ret, coco_error **err)
{
    struct coco_cbor_items list;
    struct coco_cbor item = {0};

    coco_status status = coco_cbor_get(message->unprotected, COCO_COSE_X5CHAIN, &item, err);
    if (status == COCO_OK)
        status = coco_cbor_array(item, &list, err);
    for (struct coco_cbor cert; status == COCO_OK && coco_cbor_next(&list, &cert);) {
        struct coco_cbor_string der = {0};

        status = coco_cbor_bytes(cert, &der, err);
        if (status == COCO_OK)
            status = add_cert(ret, der.data, der.len, err);
    }
    return status;
}

static coco_status
read_stamp(const struct coco_cose_sign1 *message, struct coco_notation *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = DATA_MAX};
    struct coco_cbor_string stamp = {0};
    struct coco_cbor item;

    if (!coco_cbor_find_text(message->unprotected, STAMP, &item))
        return COCO_OK;
    coco_status status = coco_cbor_bytes(item, &stamp, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, stamp.data, stamp.len, &text, err);
    return status == COCO_OK ? coco_signer_add_stamp(&ret->signer, coco_buf_text(&text), err)
                             : status;
}

coco_status
coco_notation_parse_cose(const void *data, size_t len, struct coco_notation *ret, coco_error **err)
{
    _cleanup_notation_ struct coco_notation envelope = empty();
    struct coco_cose_sign1 message = {0};

    coco_status status = coco_cose_sign1_parse_with(data, len, claim_names, &message, err);
    if (status == COCO_OK)
        status = read_headers(&message, &envelope, err);
    if (status == COCO_OK)
        status = read_certs(&message, &envelope, err);
    if (status == COCO_OK)
        status = read_stamp(&message, &envelope, err);
    if (status == COCO_OK)
        status = coco_buf_append(&envelope.payload, message.payload.data, message.payload.len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&envelope.signature, message.signature.data, message.signature.len,
                                 err);
    if (status == COCO_OK)
        status = coco_cose_sign1_signed(&message, NULL, &envelope.signed_data, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE of Notation");
    *ret = envelope;
    envelope = (struct coco_notation){0};
    return COCO_OK;
}
