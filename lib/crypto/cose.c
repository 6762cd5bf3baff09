/*
 * crypto/cose.c - COSE_Sign1 and COSE_Key (RFC 9052, RFC 9053)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cose.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"

#include <inttypes.h>
#include <string.h>

#define SIGNATURE_MAX (2 * COCO_EC_SIZE_MAX)
#define HEADERS_MAX ((size_t)64 << 10)

/* RFC 9052 section 7.1, RFC 9053 section 7.1 */
enum key_label {
    KEY_KTY = 1,
    KEY_KID = 2,
    KEY_ALG = 3,
    KEY_OPS = 4,
    KEY_CRV = -1,
    KEY_X = -2,
    KEY_Y = -3,
};

#define KTY_EC2 2
#define OP_VERIFY 2

/* One alg for a kind: RFC 9053 would let any curve go with any hash. */
static const struct algorithm {
    enum coco_key_kind kind;
    int64_t alg;
    uint64_t curve; /* 0: no EC2 */
} algorithms[] = {
    {COCO_KEY_P256, COCO_COSE_ES256, 1},
    {COCO_KEY_P384, COCO_COSE_ES384, 2},
    {COCO_KEY_P521, COCO_COSE_ES512, 3},
    {COCO_KEY_ED25519, COCO_COSE_EDDSA, 0},
};

static coco_status
algorithm_of(const EVP_PKEY *key, const struct algorithm **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (algorithms[i].kind == kind) {
            *ret = &algorithms[i];
            return COCO_OK;
        }
    return coco_fail(err, COCO_ERR_NOTSUP, "COSE: no algorithm for this kind of key");
}

coco_status
coco_cose_alg_of(const EVP_PKEY *key, int64_t *ret, coco_error **err)
{
    const struct algorithm *algorithm = NULL;

    coco_status status = algorithm_of(key, &algorithm, err);
    if (status == COCO_OK)
        *ret = algorithm->alg;
    return status;
}

/* ---- COSE_Sign1, read ---- */

/* RFC 9052 section 3: a label is in one of the two maps. */
static coco_status
check_labels(const struct coco_cose_sign1 *message, coco_error **err)
{
    struct coco_cbor_items theirs;
    struct coco_cbor label;
    struct coco_cbor value;

    coco_status status = coco_cbor_map(message->unprotected, &theirs, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "unprotected headers");
    while (coco_cbor_next_pair(&theirs, &label, &value)) {
        struct coco_cbor_items ours;
        struct coco_cbor other;
        int64_t number = 0;

        if (coco_cbor_is_int(label, &number)
            && (number == COCO_COSE_ALG || number == COCO_COSE_CRIT))
            return coco_fail(err, COCO_ERR_PROTO, "header %" PRId64 " is not protected", number);
        if (coco_cbor_map(message->protected, &ours, NULL) != COCO_OK)
            continue;
        while (coco_cbor_next_pair(&ours, &other, &value))
            if (other.len == label.len && memcmp(other.data, label.data, label.len) == 0)
                return coco_fail(err, COCO_ERR_PROTO, "header both protected and not");
    }
    return COCO_OK;
}

/* Whether a label is one of the format's own, and there. */
static bool
is_known(struct coco_cbor headers, struct coco_cbor label, const char *const *known)
{
    struct coco_cbor_string text = {0};
    struct coco_cbor value;

    if (!coco_cbor_is_text(label, &text))
        return false;
    for (; *known; known++)
        if (coco_cbor_string_is(text, *known))
            return coco_cbor_find_text(headers, *known, &value);
    return false;
}

/* RFC 9052 section 3.1: who does not understand one of them must refuse. */
static coco_status
check_crit(struct coco_cbor headers, const char *const *known, coco_error **err)
{
    struct coco_cbor_items labels;
    struct coco_cbor crit;
    struct coco_cbor value;

    if (!coco_cbor_find(headers, COCO_COSE_CRIT, &crit))
        return COCO_OK;
    coco_status status = coco_cbor_array(crit, &labels, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "crit");
    if (labels.left == 0)
        return coco_fail(err, COCO_ERR_PROTO, "crit: is empty");
    for (struct coco_cbor label; coco_cbor_next(&labels, &label);) {
        int64_t number = 0;

        if (is_known(headers, label, known))
            continue;
        if (!coco_cbor_is_int(label, &number)
            || (number != COCO_COSE_ALG && number != COCO_COSE_CONTENT_TYPE
                && number != COCO_COSE_KID))
            return coco_fail(err, COCO_ERR_NOTSUP, "crit: a header that is not understood");
        if (!coco_cbor_find(headers, number, &value))
            return coco_fail(err, COCO_ERR_PROTO, "crit: header %" PRId64 " is not there", number);
    }
    return COCO_OK;
}

static coco_status
parse_protected(struct coco_cbor item, const char *const *known, struct coco_cose_sign1 *ret,
                coco_error **err)
{
    struct coco_cbor alg;

    coco_status status = coco_cbor_bytes(item, &ret->headers, err);
    if (status == COCO_OK)
        status =
            coco_cbor_parse(ret->headers.data, ret->headers.len, "headers", &ret->protected, err);
    if (status == COCO_OK)
        status = coco_cbor_get(ret->protected, COCO_COSE_ALG, &alg, err);
    if (status == COCO_OK)
        status = check_crit(ret->protected, known, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "protected headers");
    if (!coco_cbor_is_int(alg, &ret->alg))
        return coco_fail(err, COCO_ERR_NOTSUP, "protected headers: alg is no known one");
    return COCO_OK;
}

coco_status
coco_cose_sign1_parse(const void *data, size_t len, struct coco_cose_sign1 *ret, coco_error **err)
{
    static const char *const none[] = {NULL};

    return coco_cose_sign1_parse_with(data, len, none, ret, err);
}

coco_status
coco_cose_sign1_parse_with(const void *data, size_t len, const char *const *known,
                           struct coco_cose_sign1 *ret, coco_error **err)
{
    struct coco_cose_sign1 message = {0};
    struct coco_cbor_items parts;
    struct coco_cbor part[4] = {0};
    struct coco_cbor item = {0};
    uint64_t tag = 0;

    coco_status status = coco_cbor_parse(data, len, "COSE_Sign1", &item, err);
    if (status != COCO_OK)
        return status;
    if (coco_cbor_tag(item, &tag, &item) && tag != COCO_COSE_SIGN1_TAG)
        return coco_fail(err, COCO_ERR_PROTO, "COSE_Sign1: has the tag %" PRIu64, tag);
    status = coco_cbor_array_of(item, 4, &parts, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE_Sign1");
    for (size_t i = 0; i < 4; i++)
        (void)coco_cbor_next(&parts, &part[i]);

    message.unprotected = part[1];
    status = parse_protected(part[0], known, &message, err);
    if (status == COCO_OK)
        status = check_labels(&message, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE_Sign1");
    status = coco_cbor_bytes(part[2], &message.payload, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE_Sign1: payload");
    status = coco_cbor_bytes(part[3], &message.signature, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE_Sign1: signature");
    *ret = message;
    return COCO_OK;
}

/* ---- what is signed ---- */

/* RFC 9052 section 4.4 */
static coco_status
append_signed(struct coco_cbor_string headers, struct coco_cbor_string payload,
              const struct coco_cbor_string *aad, struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);

    coco_cbor_put_array(&w, 4);
    coco_cbor_put_string(&w, "Signature1");
    coco_cbor_put_bytes(&w, headers.data, headers.len);
    coco_cbor_put_bytes(&w, aad ? aad->data : NULL, aad ? aad->len : 0);
    coco_cbor_put_bytes(&w, payload.data, payload.len);
    return w.status;
}

coco_status
coco_cose_sign1_signed(const struct coco_cose_sign1 *message, const struct coco_cbor_string *aad,
                       struct coco_buf *buf, coco_error **err)
{
    return append_signed(message->headers, message->payload, aad, buf, err);
}

coco_status
coco_cose_sign1_verify(const struct coco_cose_sign1 *message, EVP_PKEY *key,
                       const struct coco_cbor_string *aad, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * COCO_CBOR_SIZE_MAX};
    const struct coco_cbor_string *sig = &message->signature;
    const struct algorithm *algorithm = NULL;

    coco_status status = algorithm_of(key, &algorithm, err);
    if (status != COCO_OK)
        return status;
    if (message->alg != algorithm->alg)
        return coco_fail(err, COCO_ERR_VERIFY, "alg is %" PRId64 ", not %" PRId64 " as the key has",
                         message->alg, algorithm->alg);
    status = append_signed(message->headers, message->payload, aad, &text, err);
    if (status != COCO_OK)
        return status;
    if (algorithm->curve == 0)
        return coco_key_verify(key, text.data, text.len, sig->data, sig->len, err);
    return coco_ecdsa_verify(key, text.data, text.len, sig->data, sig->len, err);
}

/* ---- COSE_Sign1, written ---- */

static coco_status
append_headers(int64_t alg, struct coco_cbor further, struct coco_buf *buf, coco_error **err)
{
    struct coco_cbor_items items = {0};
    struct coco_cbor label;
    struct coco_cbor value;

    if (further.len > 0) {
        coco_status status = coco_cbor_map(further, &items, err);
        if (status != COCO_OK)
            return status;
    }
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);
    coco_cbor_put_map(&w, 1 + (size_t)items.left);
    coco_cbor_put_int(&w, COCO_COSE_ALG);
    coco_cbor_put_int(&w, alg);
    while (coco_cbor_next_pair(&items, &label, &value)) {
        coco_cbor_put_item(&w, label);
        coco_cbor_put_item(&w, value);
    }
    return w.status;
}

static coco_status
append_signature(EVP_PKEY *key, const struct algorithm *algorithm, const struct coco_buf *text,
                 struct coco_buf *buf, coco_error **err)
{
    if (algorithm->curve == 0)
        return coco_key_sign(key, text->data, text->len, buf, err);
    return coco_ecdsa_sign(key, text->data, text->len, buf, err);
}

coco_status
coco_cose_sign1_sign(EVP_PKEY *key, const struct coco_cose_content *content, struct coco_buf *buf,
                     coco_error **err)
{
    _cleanup_buf_ struct coco_buf headers = {.limit = HEADERS_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * COCO_CBOR_SIZE_MAX};
    _cleanup_buf_ struct coco_buf signature = {.limit = SIGNATURE_MAX};
    const struct algorithm *algorithm = NULL;

    coco_status status = algorithm_of(key, &algorithm, err);
    if (status == COCO_OK)
        status = append_headers(algorithm->alg, content->protected, &headers, err);
    if (status == COCO_OK)
        status = append_signed((struct coco_cbor_string){headers.data, headers.len},
                               content->payload, &content->aad, &text, err);
    if (status == COCO_OK)
        status = append_signature(key, algorithm, &text, &signature, err);
    if (status != COCO_OK)
        return status;

    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);
    if (content->tagged)
        coco_cbor_put_tag(&w, COCO_COSE_SIGN1_TAG);
    coco_cbor_put_array(&w, 4);
    coco_cbor_put_bytes(&w, headers.data, headers.len);
    coco_cbor_put_map(&w, 0);
    coco_cbor_put_bytes(&w, content->payload.data, content->payload.len);
    coco_cbor_put_bytes(&w, signature.data, signature.len);
    return w.status;
}

/* ---- COSE_Key ---- */

static const struct algorithm *
algorithm_of_curve(uint64_t curve)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (curve != 0 && algorithms[i].curve == curve)
            return &algorithms[i];
    return NULL;
}

/* Only what is understood: a private half is no label of this list. */
static coco_status
check_key_labels(struct coco_cbor map, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor label;
    struct coco_cbor value;
    int64_t number = 0;

    coco_status status = coco_cbor_map(map, &items, err);
    if (status != COCO_OK)
        return status;
    while (coco_cbor_next_pair(&items, &label, &value))
        if (!coco_cbor_is_int(label, &number) || number < KEY_Y || number == 0 || number > KEY_OPS)
            return coco_fail(err, COCO_ERR_PROTO, "a member that no public key has");
    return COCO_OK;
}

/* RFC 9052 section 7.1: alg and key_ops, where they are, say what else it is not for. */
static coco_status
check_key_use(struct coco_cbor map, const struct algorithm *algorithm, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor value;
    int64_t alg = 0;

    if (coco_cbor_find(map, KEY_ALG, &value)
        && (!coco_cbor_is_int(value, &alg) || alg != algorithm->alg))
        return coco_fail(err, COCO_ERR_PROTO, "alg is not that of its curve");
    if (!coco_cbor_find(map, KEY_OPS, &value))
        return COCO_OK;
    coco_status status = coco_cbor_array(value, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key_ops");
    for (struct coco_cbor op; coco_cbor_next(&items, &op);) {
        int64_t number = 0;

        if (coco_cbor_is_int(op, &number) && number == OP_VERIFY)
            return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_PROTO, "key_ops: is not for verifying");
}

static coco_status
get_coordinate(struct coco_cbor map, int64_t label, size_t size, uint8_t *ret, coco_error **err)
{
    struct coco_cbor_string bytes;

    coco_status status = coco_cbor_get_bytes(map, label, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (bytes.len != size)
        return coco_fail(err, COCO_ERR_PROTO, "%" PRId64 ": has %zu bytes, not %zu", label,
                         bytes.len, size);
    memcpy(ret, bytes.data, size);
    return COCO_OK;
}

static coco_status
parse_key(struct coco_cbor map, EVP_PKEY **ret, coco_error **err)
{
    const struct algorithm *algorithm = NULL;
    uint8_t point[2 * COCO_EC_SIZE_MAX];
    struct coco_cbor y = {0};
    bool is_odd = false;
    uint64_t kty = 0;
    uint64_t curve = 0;

    coco_status status = check_key_labels(map, err);
    if (status == COCO_OK)
        status = coco_cbor_get_u64(map, KEY_KTY, &kty, err);
    if (status != COCO_OK)
        return status;
    if (kty != KTY_EC2)
        return coco_fail(err, COCO_ERR_NOTSUP, "kty %" PRIu64, kty);
    status = coco_cbor_get_u64(map, KEY_CRV, &curve, err);
    if (status != COCO_OK)
        return status;
    algorithm = algorithm_of_curve(curve);
    if (!algorithm)
        return coco_fail(err, COCO_ERR_NOTSUP, "crv %" PRIu64, curve);
    if (coco_cbor_find(map, KEY_Y, &y) && coco_cbor_is_bool(y, &is_odd))
        return coco_fail(err, COCO_ERR_NOTSUP, "compressed point");

    size_t size = coco_ec_size(algorithm->kind);
    status = check_key_use(map, algorithm, err);
    if (status == COCO_OK)
        status = get_coordinate(map, KEY_X, size, point, err);
    if (status == COCO_OK)
        status = get_coordinate(map, KEY_Y, size, point + size, err);
    if (status == COCO_OK)
        status = coco_ec_key_from_point(algorithm->kind, point, ret, err);
    return status;
}

coco_status
coco_cose_key_parse(const void *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    struct coco_cbor map = {0};

    coco_status status = coco_cbor_parse(data, len, "COSE_Key", &map, err);
    if (status != COCO_OK)
        return status;
    status = parse_key(map, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "COSE_Key");
    return COCO_OK;
}

coco_status
coco_cose_key_format(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf point = {.limit = 2 * COCO_EC_SIZE_MAX};
    const struct algorithm *algorithm = NULL;

    coco_status status = algorithm_of(key, &algorithm, err);
    if (status == COCO_OK)
        status = coco_ec_key_point(key, &point, err);
    if (status != COCO_OK)
        return status;

    size_t size = point.len / 2;
    struct coco_cbor_writer w = coco_cbor_writer_of(buf, err);
    coco_cbor_put_map(&w, 4);
    coco_cbor_put_int(&w, KEY_KTY);
    coco_cbor_put_int(&w, KTY_EC2);
    coco_cbor_put_int(&w, KEY_CRV);
    coco_cbor_put_u64(&w, algorithm->curve);
    coco_cbor_put_int(&w, KEY_X);
    coco_cbor_put_bytes(&w, point.data, size);
    coco_cbor_put_int(&w, KEY_Y);
    coco_cbor_put_bytes(&w, point.data + size, size);
    return w.status;
}
