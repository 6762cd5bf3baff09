/*
 * crypto/key.c - asymmetric keys
 *
 * A key's text is taken apart here (PEM block, then DER; or JWK), so that a
 * password is never asked for, but tried when it was given, and nothing is guessed from a key's own
 * claims.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/key.h"

#include "base/fail.h"
#include "base/json.h"
#include "crypto/cosign_key.h"
#include "crypto/jwk.h"
#include "crypto/ossl.h"
#include "crypto/pem.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

/* An RSA key of 8192 bits as a private JWK has 7 KiB; a certificate may bring its chain. */
#define KEY_TEXT_MAX ((size_t)256 << 10)
#define PEM_BLOCKS_MAX 32
#define RSA_BITS 2048
#define ED25519_SIZE 32
#define RSA_BITS_MAX 8192

COCO_DEFINE_CLEANUP(X509 *, X509_free);
COCO_DEFINE_CLEANUP(X509_SIG *, X509_SIG_free);
COCO_DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free);

static const struct coco_key_passwords no_passwords;

typedef coco_status der_reader(const uint8_t *der, size_t len,
                               const struct coco_key_passwords *passwords, EVP_PKEY **ret,
                               coco_error **err);

coco_status
coco_key_generate(enum coco_key_kind kind, EVP_PKEY **ret, coco_error **err)
{
    static const char *const curves[] = {
        [COCO_KEY_P256] = "P-256",
        [COCO_KEY_P384] = "P-384",
        [COCO_KEY_P521] = "P-521",
    };
    coco_ossl_errors_are_ours();
    EVP_PKEY *key = NULL;

    if (kind == COCO_KEY_RSA)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
    else if (kind == COCO_KEY_ED25519)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[kind]);
    if (!key)
        return coco_fail(err, COCO_ERR_IO, "cannot generate a key");

    *ret = key;
    return COCO_OK;
}

coco_status
coco_key_generate_like(EVP_PKEY *key, EVP_PKEY **ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    EVP_PKEY *made = NULL;

    if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_generate(ctx, &made) != 1)
        return coco_fail(err, COCO_ERR_IO, "cannot generate a key");
    *ret = made;
    return COCO_OK;
}

static coco_status
kind_of_ec(const EVP_PKEY *key, enum coco_key_kind *ret, coco_error **err)
{
    char group[64] = "";

    (void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    switch (OBJ_txt2nid(group)) {
    case NID_X9_62_prime256v1:
        *ret = COCO_KEY_P256;
        return COCO_OK;
    case NID_secp384r1:
        *ret = COCO_KEY_P384;
        return COCO_OK;
    case NID_secp521r1:
        *ret = COCO_KEY_P521;
        return COCO_OK;
    default:
        return coco_fail(err, COCO_ERR_NOTSUP, "curve of the key is not P-256, P-384 or P-521");
    }
}

coco_status
coco_key_kind_of(const EVP_PKEY *key, enum coco_key_kind *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "EC"))
        return kind_of_ec(key, ret, err);
    if (EVP_PKEY_is_a(key, "ED25519")) {
        *ret = COCO_KEY_ED25519;
        return COCO_OK;
    }
    if (!EVP_PKEY_is_a(key, "RSA"))
        return coco_fail(err, COCO_ERR_NOTSUP, "key is not RSA, EC or Ed25519");
    if (bits < RSA_BITS || bits > RSA_BITS_MAX)
        return coco_fail(err, COCO_ERR_NOTSUP, "RSA key of %d bits, not %d to %d", bits, RSA_BITS,
                         RSA_BITS_MAX);
    *ret = COCO_KEY_RSA;
    return COCO_OK;
}

/* RFC 8017 section 3.1; with e = 1 the ciphertext is the plaintext. */
static coco_status
check_rsa(const EVP_PKEY *key, coco_error **err)
{
    _cleanup_(BN_clear_freep) BIGNUM *n = NULL;
    _cleanup_(BN_clear_freep) BIGNUM *e = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1
        || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
        return coco_fail_nomem(err);
    if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
        return coco_fail(err, COCO_ERR_PROTO, "RSA key is not valid");
    return COCO_OK;
}

coco_status
coco_key_check(EVP_PKEY *key, bool is_private, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK || kind == COCO_KEY_ED25519)
        return status;
    if (kind == COCO_KEY_RSA)
        return check_rsa(key, err);

    coco_ossl_errors_are_ours();
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx)
        return coco_fail_nomem(err);
    /* Curves of order 1 only: a point on one has the right order, without multiplying it out
     * (SP 800-56A rev. 3 section 5.6.2.3.4). */
    if ((is_private ? EVP_PKEY_check(ctx) : EVP_PKEY_public_check_quick(ctx)) != 1)
        return coco_fail(err, COCO_ERR_PROTO, "EC key is not valid");
    return COCO_OK;
}

/* Gives *key to *ret if it is good. */
static coco_status
accept_key(EVP_PKEY **key, bool is_private, EVP_PKEY **ret, coco_error **err)
{
    coco_status status = coco_key_check(*key, is_private, err);

    if (status == COCO_OK)
        *ret = coco_steal(key);
    return status;
}

/* What it comes to that no password opens a key. */
static coco_status
fail_locked(const struct coco_key_passwords *passwords, coco_error **err)
{
    if (passwords->n == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "private key is encrypted");
    return coco_fail(err, COCO_ERR_DENIED, "private key is under a password that is not at hand");
}

/* RFC 5958 section 3, EncryptedPrivateKeyInfo. */
static coco_status
unlock(const X509_SIG *locked, const struct coco_key_passwords *passwords, EVP_PKEY **ret,
       coco_error **err)
{
    for (size_t i = 0; i < passwords->n; i++) {
        const struct coco_secret *password = &passwords->list[i];
        _cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info =
            PKCS8_decrypt(locked, (const char *)password->data, (int)password->len);
        _cleanup_pkey_ EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;

        if (key)
            return accept_key(&key, true, ret, err);
    }
    return fail_locked(passwords, err);
}

static coco_status
read_private_der(const uint8_t *der, size_t len, const struct coco_key_passwords *passwords,
                 EVP_PKEY **ret, coco_error **err)
{
    const uint8_t *p = der;
    _cleanup_pkey_ EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)len);

    if (key && p == der + len)
        return accept_key(&key, true, ret, err);

    const uint8_t *q = der;
    _cleanup_(X509_SIG_freep) X509_SIG *encrypted = d2i_X509_SIG(NULL, &q, (long)len);
    if (encrypted)
        return unlock(encrypted, passwords, ret, err);
    return coco_fail(err, COCO_ERR_PROTO, "not a private key");
}

/* What a file of cosign's holds: PKCS#8 in a box, if one of the passwords opens that. */
static coco_status
read_cosign(const uint8_t *json, size_t len, const struct coco_key_passwords *passwords,
            EVP_PKEY **ret, coco_error **err)
{
    _cleanup_cosign_key_ struct coco_cosign_key key = {0};

    coco_status status = coco_cosign_key_parse(json, len, &key, err);
    for (size_t i = 0; status == COCO_OK && i < passwords->n; i++) {
        _cleanup_secret_ struct coco_secret der = {0};
        coco_error *cause = NULL;
        bool other = false;

        status = coco_cosign_key_open(&key, &passwords->list[i], &der, &cause);
        if (status == COCO_OK)
            return read_private_der(der.data, der.len, &no_passwords, ret, err);
        status = coco_forgive(cause, COCO_ERR_VERIFY, &other, err);
    }
    return status == COCO_OK ? fail_locked(passwords, err) : status;
}

/*
 * The SubjectPublicKeyInfo of an Ed25519 key has one form (RFC 8410 section 4), and to see that
 * spares OpenSSL to set up all of its decoders. NULL for another.
 */
static EVP_PKEY *
read_ed25519(const uint8_t *der, size_t len)
{
    static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

    if (len != sizeof(head) + ED25519_SIZE || memcmp(der, head, sizeof(head)) != 0)
        return NULL;
    return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, der + sizeof(head), ED25519_SIZE);
}

static coco_status
read_public_der(const uint8_t *der, size_t len, const struct coco_key_passwords *passwords,
                EVP_PKEY **ret, coco_error **err)
{
    (void)passwords;
    const uint8_t *p = der;
    _cleanup_pkey_ EVP_PKEY *key = read_ed25519(der, len);

    if (key)
        return accept_key(&key, false, ret, err);
    key = d2i_PUBKEY(NULL, &p, (long)len);
    if (!key) {
        p = der;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)len);
    }
    if (!key) {
        p = der;
        _cleanup_(X509_freep) X509 *cert = d2i_X509(NULL, &p, (long)len);
        key = cert ? X509_get_pubkey(cert) : NULL;
    }
    if (!key || p != der + len)
        return coco_fail(err, COCO_ERR_PROTO, "not a public key");
    return accept_key(&key, false, ret, err);
}

/* PEM's label counts, so that a private key is never taken for a public one. */
static bool
label_is_one_of(const char *label, const char *const *labels)
{
    for (; *labels; labels++)
        if (strcmp(label, *labels) == 0)
            return true;
    return false;
}

/* For OpenSSL, which would ask at the terminal otherwise. */
static int
give_password(char *buf, int size, int writing, void *user)
{
    const struct coco_secret *password = user;

    (void)writing;
    if (password->len > (size_t)size)
        return -1;
    memcpy(buf, password->data, password->len);
    return (int)password->len;
}

/*
 * RFC 1421's "Proc-Type: 4,ENCRYPTED". Nothing but the padding says whether a password was right,
 * so that with a wrong one what comes out may also be no key.
 */
static coco_status
read_locked_pem(const struct coco_pem_block *pem, const struct coco_key_passwords *passwords,
                der_reader *reader, EVP_PKEY **ret, coco_error **err)
{
    EVP_CIPHER_INFO cipher;

    if (PEM_get_EVP_CIPHER_INFO(pem->header, &cipher) != 1)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "private key is encrypted in a way that is not known");
    for (size_t i = 0; i < passwords->n; i++) {
        _cleanup_secret_ struct coco_secret der = {0};
        long len = (long)pem->len;

        coco_status status = coco_secret_copy(pem->der, pem->len, &der, err);
        if (status != COCO_OK)
            return status;
        if (PEM_do_header(&cipher, der.data, &len, give_password,
                          (void *)(uintptr_t)&passwords->list[i])
            != 1)
            continue;
        status = reader(der.data, (size_t)len, passwords, ret, NULL);
        if (status == COCO_OK || status == COCO_ERR_NOMEM)
            return status == COCO_OK ? COCO_OK : coco_fail_nomem(err);
    }
    return fail_locked(passwords, err);
}

/* Reads the first block with one of the labels, passing over others, such as EC PARAMETERS. */
static coco_status
read_pem(const void *data, size_t len, const char *const *labels, der_reader *reader,
         const struct coco_key_passwords *passwords, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pem_reader_ struct coco_pem_reader texts = {0};

    coco_status status = coco_pem_begin(data, len, &texts, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < PEM_BLOCKS_MAX; i++) {
        _cleanup_pem_block_ struct coco_pem_block pem = {0};

        if (!coco_pem_next(&texts, &pem))
            break;
        if (!label_is_one_of(pem.label, labels))
            continue;
        if (pem.header[0] != '\0')
            return read_locked_pem(&pem, passwords, reader, ret, err);
        return reader(pem.der, pem.len, passwords, ret, err);
    }
    return coco_fail(err, COCO_ERR_PROTO, "no %s in the PEM text", labels[0]);
}

static coco_status
read_jwk(const void *data, size_t len, bool is_private, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_json_ cJSON *jwk = NULL;

    coco_status status = coco_json_parse_object(data, len, &jwk, err);
    if (status == COCO_OK && is_private && !cJSON_GetObjectItemCaseSensitive(jwk, "d"))
        status = coco_fail(err, COCO_ERR_PROTO, "JWK is not a private key");
    if (status == COCO_OK)
        status = coco_jwk_parse(jwk, ret, err);
    return status;
}

static bool
looks_like_json(const char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", *text) && *text) {
        text++;
        len--;
    }
    return len > 0 && *text == '{';
}

coco_status
coco_key_parse_locked(const void *data, size_t len, const struct coco_key_passwords *passwords,
                      EVP_PKEY **ret, coco_error **err)
{
    static const char *const labels[] = {
        "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", NULL,
    };
    static const char *const of_cosign[] = {
        "ENCRYPTED SIGSTORE PRIVATE KEY",
        "ENCRYPTED COSIGN PRIVATE KEY",
        NULL,
    };
    coco_ossl_errors_are_ours();

    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "no key: there is nothing");
    if (len > KEY_TEXT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "key is longer than %zu bytes", KEY_TEXT_MAX);
    if (looks_like_json(data, len))
        return read_jwk(data, len, true, ret, err);
    for (size_t i = 0; of_cosign[i]; i++)
        if (memmem(data, len, of_cosign[i], strlen(of_cosign[i])))
            return read_pem(data, len, of_cosign, read_cosign, passwords, ret, err);
    if (memmem(data, len, "-----BEGIN ", 11))
        return read_pem(data, len, labels, read_private_der, passwords, ret, err);
    return read_private_der(data, len, passwords, ret, err);
}

coco_status
coco_key_parse_private(const void *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    return coco_key_parse_locked(data, len, &no_passwords, ret, err);
}

coco_status
coco_key_parse_public(const void *data, size_t len, EVP_PKEY **ret, coco_error **err)
{
    static const char *const labels[] = {"PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", NULL};
    coco_ossl_errors_are_ours();

    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "no key: there is nothing");
    if (len > KEY_TEXT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "key is longer than %zu bytes", KEY_TEXT_MAX);
    if (looks_like_json(data, len))
        return read_jwk(data, len, false, ret, err);
    if (memmem(data, len, "-----BEGIN ", 11))
        return read_pem(data, len, labels, read_public_der, &no_passwords, ret, err);
    return read_public_der(data, len, &no_passwords, ret, err);
}

static coco_status
append_bio(BIO *bio, struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return coco_buf_append(buf, text, (size_t)len, err);
}

coco_status
coco_key_private_pem(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        return coco_fail_nomem(err);
    if (PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "key has no private half");
    return append_bio(bio, buf, err);
}

coco_status
coco_key_public_pem(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    _cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
        return coco_fail_nomem(err);
    return append_bio(bio, buf, err);
}

coco_status
coco_key_public_der(const EVP_PKEY *key, struct coco_buf *buf, coco_error **err)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    if (len < 0)
        return coco_fail_nomem(err);
    coco_status status = coco_buf_append(buf, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}

/* The SHA-2 that fits the key; none of its own for Ed25519. */
static coco_status
digest_for(const EVP_PKEY *key, const EVP_MD **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;

    if (kind == COCO_KEY_ED25519)
        *ret = NULL;
    else if (kind == COCO_KEY_P384)
        *ret = EVP_sha384();
    else if (kind == COCO_KEY_P521)
        *ret = EVP_sha512();
    else
        *ret = EVP_sha256();
    return COCO_OK;
}

coco_status
coco_key_sign_with(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len,
                   struct coco_buf *buf, coco_error **err)
{
    coco_ossl_errors_are_ours();
    uint8_t sig[RSA_BITS_MAX / 8];
    size_t sig_len = sizeof(sig);

    coco_status status = md ? COCO_OK : digest_for(key, &md, err);
    if (status != COCO_OK)
        return status;

    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return coco_fail_nomem(err);
    if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1
        || EVP_DigestSign(ctx, sig, &sig_len, data, len) != 1)
        return coco_fail(err, COCO_ERR_INVALID, "cannot sign with this key");
    return coco_buf_append(buf, sig, sig_len, err);
}

coco_status
coco_key_verify_with(EVP_PKEY *key, const EVP_MD *md, const void *data, size_t len, const void *sig,
                     size_t sig_len, coco_error **err)
{
    coco_ossl_errors_are_ours();
    coco_status status = md ? COCO_OK : digest_for(key, &md, err);

    if (status != COCO_OK)
        return status;
    _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) != 1)
        return coco_fail_nomem(err);
    if (EVP_DigestVerify(ctx, sig, sig_len, data, len) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "signature does not fit");
    return COCO_OK;
}

coco_status
coco_key_sign(EVP_PKEY *key, const void *data, size_t len, struct coco_buf *buf, coco_error **err)
{
    return coco_key_sign_with(key, NULL, data, len, buf, err);
}

coco_status
coco_key_verify(EVP_PKEY *key, const void *data, size_t len, const void *sig, size_t sig_len,
                coco_error **err)
{
    return coco_key_verify_with(key, NULL, data, len, sig, sig_len, err);
}

coco_status
coco_key_verify_digest(EVP_PKEY *key, const struct coco_digest *digest, const void *sig,
                       size_t sig_len, coco_error **err)
{
    coco_ossl_errors_are_ours();
    const EVP_MD *md = coco_hash_md(digest->alg);
    const EVP_MD *own = NULL;

    coco_status status = digest_for(key, &own, err);
    if (status != COCO_OK)
        return status;
    if (!own)
        return coco_fail(err, COCO_ERR_NOTSUP, "an Ed25519 key signs no digest");
    if (digest->alg != COCO_SHA256 && md != own)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s does not fit the key",
                         coco_hash_name(digest->alg));
    _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return coco_fail_nomem(err);
    if (EVP_PKEY_verify(ctx, sig, sig_len, digest->bytes, coco_hash_size(digest->alg)) != 1)
        return coco_fail(err, COCO_ERR_VERIFY, "signature does not fit");
    return COCO_OK;
}
