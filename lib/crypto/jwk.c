/*
 * crypto/jwk.c - JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/fail.h"
#include "base/secret.h"
#include "crypto/ossl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

/* Bytes of the largest member: the modulus of an RSA key of 8192 bits. */
#define MEMBER_MAX 1024
#define ED25519_SIZE 32
#define EC_SIZE_MAX 66
#define POINT_SIZE_MAX (1 + 2 * EC_SIZE_MAX)

struct curve {
    const char *name;
    enum coco_key_kind kind;
    size_t size; /* of a coordinate (RFC 7518 section 6.2.1.2) */
};

static const struct curve curves[] = {
    {"P-256", COCO_KEY_P256, 32},
    {"P-384", COCO_KEY_P384, 48},
    {"P-521", COCO_KEY_P521, EC_SIZE_MAX},
};

/* A number of a JWK and where OpenSSL wants it. */
struct number {
    const char *member;
    const char *param;
};

/* RFC 7518 section 6.3; a private key has either d alone or all from d on. */
static const struct number rsa_numbers[] = {
    {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

#define N_RSA_NUMBERS (sizeof(rsa_numbers) / sizeof(rsa_numbers[0]))
#define N_RSA_PUBLIC 2
#define N_RSA_WITHOUT_CRT 3

static const struct curve *
curve_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (strcmp(curves[i].name, name) == 0)
            return &curves[i];
    return NULL;
}

static const struct curve *
curve_of(enum coco_key_kind kind)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].kind == kind)
            return &curves[i];
    return NULL;
}

/* Adds a number of the key, size bytes long; size 0 means no leading zero. */
static coco_status
add_number(cJSON *jwk, const char *member, const EVP_PKEY *key, const char *param, size_t size,
           coco_error **err)
{
    _cleanup_(BN_clear_freep) BIGNUM *bn = NULL;
    uint8_t bytes[MEMBER_MAX];

    if (EVP_PKEY_get_bn_param(key, param, &bn) != 1)
        return coco_fail_nomem(err);
    if (size == 0)
        size = (size_t)BN_num_bytes(bn);
    if (size > sizeof(bytes) || BN_bn2binpad(bn, bytes, (int)size) != (int)size)
        return coco_fail(err, COCO_ERR_NOTSUP, "'%s' of the key is too large", member);
    return coco_json_add_base64url(jwk, member, bytes, size, err);
}

/*
 * Both coordinates of a point that is written in full: they have to be computed,
 * once. False for a key that was read from a compressed one.
 */
static bool
get_point(const EVP_PKEY *key, const struct curve *curve, uint8_t point[POINT_SIZE_MAX])
{
    size_t len = 0;

    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_SIZE_MAX,
                                           &len)
               == 1
           && len == 1 + 2 * curve->size && point[0] == POINT_CONVERSION_UNCOMPRESSED;
}

static coco_status
add_coordinates(cJSON *jwk, const EVP_PKEY *key, const struct curve *curve, coco_error **err)
{
    uint8_t point[POINT_SIZE_MAX];
    const uint8_t *x = point + 1;
    coco_status status = COCO_OK;

    if (get_point(key, curve, point)) {
        status = coco_json_add_base64url(jwk, "x", x, curve->size, err);
        if (status == COCO_OK)
            status = coco_json_add_base64url(jwk, "y", x + curve->size, curve->size, err);
        return status;
    }
    status = add_number(jwk, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size, err);
    if (status == COCO_OK)
        status = add_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size, err);
    return status;
}

static coco_status
add_ec(cJSON *jwk, const EVP_PKEY *key, const struct curve *curve, coco_error **err)
{
    coco_status status = coco_json_add_string(jwk, "crv", curve->name, err);

    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "kty", "EC", err);
    if (status == COCO_OK)
        status = add_coordinates(jwk, key, curve, err);
    return status;
}

static coco_status
add_rsa(cJSON *jwk, const EVP_PKEY *key, coco_error **err)
{
    coco_status status = add_number(jwk, "e", key, OSSL_PKEY_PARAM_RSA_E, 0, err);

    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "kty", "RSA", err);
    if (status == COCO_OK)
        status = add_number(jwk, "n", key, OSSL_PKEY_PARAM_RSA_N, 0, err);
    return status;
}

static coco_status
add_ed25519(cJSON *jwk, const EVP_PKEY *key, coco_error **err)
{
    uint8_t x[ED25519_SIZE];
    size_t len = sizeof(x);

    if (EVP_PKEY_get_raw_public_key(key, x, &len) != 1)
        return coco_fail_nomem(err);
    coco_status status = coco_json_add_string(jwk, "crv", "Ed25519", err);
    if (status == COCO_OK)
        status = coco_json_add_string(jwk, "kty", "OKP", err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwk, "x", x, len, err);
    return status;
}

coco_status
coco_jwk_public(const EVP_PKEY *key, const char *alg, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *jwk = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&jwk, err);
    if (status == COCO_OK && alg)
        status = coco_json_add_string(jwk, "alg", alg, err);
    if (status != COCO_OK)
        return status;

    const struct curve *curve = curve_of(kind);
    if (curve)
        status = add_ec(jwk, key, curve, err);
    else if (kind == COCO_KEY_RSA)
        status = add_rsa(jwk, key, err);
    else
        status = add_ed25519(jwk, key, err);
    if (status == COCO_OK)
        *ret = coco_steal(&jwk);
    return status;
}

static coco_status
add_secret(cJSON *jwk, const EVP_PKEY *key, size_t size, coco_error **err)
{
    _cleanup_(BN_clear_freep) BIGNUM *d = NULL;
    _cleanup_secret_ struct coco_secret bytes = {0};

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "key has no private half");
    coco_status status = coco_secret_alloc(size, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (BN_bn2binpad(d, bytes.data, (int)size) != (int)size)
        return coco_fail_nomem(err);
    return coco_json_add_base64url(jwk, "d", bytes.data, size, err);
}

coco_status
coco_jwk_private(const EVP_PKEY *key, cJSON **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_json_ cJSON *jwk = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    const struct curve *curve = status == COCO_OK ? curve_of(kind) : NULL;
    if (status == COCO_OK && !curve)
        status = coco_fail(err, COCO_ERR_NOTSUP, "key is not EC");
    if (status == COCO_OK)
        status = coco_jwk_public(key, NULL, &jwk, err);
    if (status == COCO_OK)
        status = add_secret(jwk, key, curve->size, err);
    if (status == COCO_OK)
        *ret = coco_steal(&jwk);
    return status;
}

coco_status
coco_jwk_thumbprint(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * (size_t)MEMBER_MAX};
    _cleanup_json_ cJSON *jwk = NULL;
    struct coco_digest digest = {0};

    /* RFC 7638 section 3.2: the required members, which without alg are all we have. */
    coco_status status = coco_jwk_public(key, NULL, &jwk, err);
    if (status == COCO_OK)
        status = coco_json_write(jwk, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, text.data, text.len, &digest, err);
    if (status == COCO_OK)
        status =
            coco_base64_encode(COCO_BASE64URL, digest.bytes, coco_hash_size(COCO_SHA256), buf, err);
    return status;
}

/* Appends the bytes of a member, of exactly size bytes unless that is 0. */
static coco_status
get_bytes(const cJSON *jwk, const char *member, size_t size, struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;
    size_t before = buf->len;

    coco_status status = coco_json_get_string(jwk, member, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, text, strlen(text), buf, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "JWK member '%s'", member);
    if (size > 0 && buf->len - before != size)
        return coco_fail(err, COCO_ERR_PROTO, "JWK member '%s' has %zu bytes, not %zu", member,
                         buf->len - before, size);
    return COCO_OK;
}

/*
 * Adds a number to what the key is made from. In secure memory, for only that
 * is wiped when OpenSSL's parameters are freed. The number must outlive bld.
 */
static coco_status
push_number(OSSL_PARAM_BLD *bld, const char *param, const struct coco_buf *bytes, BIGNUM **ret,
            coco_error **err)
{
    _cleanup_(BN_clear_freep) BIGNUM *bn = BN_secure_new();

    if (!bn || !BN_bin2bn(bytes->data, (int)bytes->len, bn)
        || OSSL_PARAM_BLD_push_BN(bld, param, bn) != 1)
        return coco_fail_nomem(err);
    *ret = coco_steal(&bn);
    return COCO_OK;
}

static coco_status
make_key(const char *type, OSSL_PARAM_BLD *bld, bool is_private, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_fromdata(ctx, &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params)
        != 1)
        return coco_fail(err, COCO_ERR_PROTO, "JWK is not a valid %s key", type);
    *ret = key;
    return COCO_OK;
}

static bool
has(const cJSON *jwk, const char *member)
{
    return cJSON_GetObjectItemCaseSensitive(jwk, member) != NULL;
}

/* point is 0x04 || x || y (SEC 1 section 2.3.3), secret empty for a public key. */
static coco_status
make_ec(const struct curve *curve, const struct coco_buf *point, const struct coco_buf *secret,
        EVP_PKEY **ret, coco_error **err)
{
    _cleanup_(BN_clear_freep) BIGNUM *d = NULL;
    _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    coco_status status = COCO_OK;

    if (!bld
        || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) != 1
        || OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point->data, point->len)
               != 1)
        return coco_fail_nomem(err);
    if (secret->len > 0)
        status = push_number(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret, &d, err);
    return status == COCO_OK ? make_key("EC", bld, secret->len > 0, ret, err) : status;
}

static bool
is_on_curve(const EVP_PKEY *key, const struct curve *curve)
{
    enum coco_key_kind kind = 0;

    return key && coco_key_kind_of(key, &kind, NULL) == COCO_OK && kind == curve->kind;
}

static coco_status
make_ec_like(const EVP_PKEY *like, const struct coco_buf *point, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = EVP_PKEY_new();

    if (!key || EVP_PKEY_copy_parameters(key, like) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_set1_encoded_public_key(key, point->data, point->len) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "JWK is not a valid EC key");
    *ret = coco_steal(&key);
    return COCO_OK;
}

static coco_status
parse_ec(const cJSON *jwk, const EVP_PKEY *like, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf point = {.limit = 1 + 2 * (size_t)EC_SIZE_MAX};
    _cleanup_buf_ struct coco_buf secret = {.limit = EC_SIZE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    bool is_private = has(jwk, "d");
    const char *crv = NULL;

    coco_status status = coco_json_get_string(jwk, "crv", &crv, err);
    if (status != COCO_OK)
        return status;
    const struct curve *curve = curve_by_name(crv);
    if (!curve)
        return coco_fail(err, COCO_ERR_NOTSUP, "curve of the JWK is not P-256, P-384 or P-521");

    status = coco_buf_append(&point, "\x04", 1, err);
    if (status == COCO_OK)
        status = get_bytes(jwk, "x", curve->size, &point, err);
    if (status == COCO_OK)
        status = get_bytes(jwk, "y", curve->size, &point, err);
    if (status == COCO_OK && is_private)
        status = get_bytes(jwk, "d", curve->size, &secret, err);
    if (status == COCO_OK)
        status = !is_private && is_on_curve(like, curve)
                     ? make_ec_like(like, &point, &key, err)
                     : make_ec(curve, &point, &secret, &key, err);
    if (status == COCO_OK)
        status = coco_key_check(key, is_private, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

/* Reads one number of an RSA key; RFC 7518 section 6.3.1.1 forbids a leading zero. */
static coco_status
push_rsa_number(const cJSON *jwk, const struct number *number, OSSL_PARAM_BLD *bld, BIGNUM **ret,
                coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = MEMBER_MAX};

    coco_status status = get_bytes(jwk, number->member, 0, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (bytes.len == 0 || bytes.data[0] == 0)
        return coco_fail(err, COCO_ERR_PROTO, "JWK member '%s' has a leading zero", number->member);
    return push_number(bld, number->param, &bytes, ret, err);
}

static coco_status
parse_rsa(const cJSON *jwk, EVP_PKEY **ret, coco_error **err)
{
    BIGNUM *bns[N_RSA_NUMBERS] = {NULL};
    _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    size_t n = N_RSA_PUBLIC;
    coco_status status = COCO_OK;

    if (!bld)
        return coco_fail_nomem(err);
    if (has(jwk, "oth"))
        return coco_fail(err, COCO_ERR_NOTSUP, "RSA key of more than two primes");
    if (has(jwk, "d"))
        n = has(jwk, "p") ? N_RSA_NUMBERS : N_RSA_WITHOUT_CRT;

    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = push_rsa_number(jwk, &rsa_numbers[i], bld, &bns[i], err);
    if (status == COCO_OK)
        status = make_key("RSA", bld, n > N_RSA_PUBLIC, &key, err);
    for (size_t i = 0; i < n; i++)
        BN_clear_free(bns[i]);
    if (status == COCO_OK)
        status = coco_key_check(key, n > N_RSA_PUBLIC, err);
    if (status == COCO_OK)
        *ret = coco_steal(&key);
    return status;
}

/* RFC 8037 section 2. */
static coco_status
parse_okp(const cJSON *jwk, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf x = {.limit = ED25519_SIZE};
    _cleanup_buf_ struct coco_buf d = {.limit = ED25519_SIZE};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const char *crv = NULL;

    coco_status status = coco_json_get_string(jwk, "crv", &crv, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(crv, "Ed25519") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "curve of the JWK is not Ed25519");
    status = get_bytes(jwk, "x", ED25519_SIZE, &x, err);
    if (status == COCO_OK && has(jwk, "d"))
        status = get_bytes(jwk, "d", ED25519_SIZE, &d, err);
    if (status != COCO_OK)
        return status;

    uint8_t made[ED25519_SIZE];
    size_t len = sizeof(made);
    if (d.len > 0)
        key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, d.data, d.len);
    else
        key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x.data, x.len);
    if (!key || EVP_PKEY_get_raw_public_key(key, made, &len) != 1)
        return coco_fail_nomem(err);
    if (memcmp(made, x.data, ED25519_SIZE) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "x and d of the JWK are of different keys");
    *ret = coco_steal(&key);
    return COCO_OK;
}

coco_status
coco_jwk_parse(const cJSON *jwk, EVP_PKEY **ret, coco_error **err)
{
    return coco_jwk_parse_like(jwk, NULL, ret, err);
}

coco_status
coco_jwk_parse_like(const cJSON *jwk, const EVP_PKEY *like, EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    const char *kty = NULL;

    coco_status status = coco_json_get_string(jwk, "kty", &kty, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(kty, "EC") == 0)
        return parse_ec(jwk, like, ret, err);
    if (strcmp(kty, "RSA") == 0)
        return parse_rsa(jwk, ret, err);
    if (strcmp(kty, "OKP") == 0)
        return parse_okp(jwk, ret, err);
    return coco_fail(err, COCO_ERR_NOTSUP, "JWK is not of kty EC, RSA or OKP");
}
