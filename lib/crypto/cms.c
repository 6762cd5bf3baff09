/*
 * crypto/cms.c - data in an envelope (RFC 5652, EnvelopedData) as ocicrypt makes it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cms.h"

#include "base/fail.h"
#include "crypto/aead.h"
#include "crypto/der.h"
#include "crypto/keywrap.h"
#include "crypto/ossl.h"

#include <string.h>

#define ENVELOPE_MAX ((size_t)64 << 10)
#define NAME_MAX_LEN ((size_t)16 << 10)

/* A sequence without the bit that says that it is made of others: what Go writes there. */
#define GO_SEQUENCE 0x10
#define NONCE COCO_DER_OWN(4)
#define CONTENT COCO_DER_OWN(0)
#define CONTENT_IN_PARTS COCO_DER_OWN_MADE(0)
#define EXPLICIT COCO_DER_OWN_MADE(0)

static const uint8_t oid_data[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
static const uint8_t oid_enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_aes128_gcm[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x06};
static const uint8_t oid_aes256_gcm[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e};

static const uint8_t version0[] = {0};
static const uint8_t icv_len[] = {COCO_AEAD_TAG_SIZE};

/* ---- writing ---- */

/* Appends an element with what inside has, which is empty then. */
static coco_status
close_element(struct coco_buf *to, uint8_t tag, struct coco_buf *inside, coco_error **err)
{
    coco_status status = coco_der_write(to, tag, inside->data, inside->len, err);

    coco_buf_reset(inside);
    return status;
}

/* IssuerAndSerialNumber, section 10.2.4. */
static coco_status
write_name(X509 *cert, struct coco_buf *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf name = {.limit = NAME_MAX_LEN};
    const uint8_t *issuer = NULL;
    size_t issuer_len = 0;
    uint8_t serial[64];
    uint8_t *end = serial;
    const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
    int serial_len = i2d_ASN1_INTEGER(number, NULL);

    if (X509_NAME_get0_der(X509_get_issuer_name(cert), &issuer, &issuer_len) != 1)
        return coco_fail_nomem(err);
    if (serial_len <= 0 || (size_t)serial_len > sizeof(serial))
        return coco_fail(err, COCO_ERR_INVALID, "certificate's serial number is too long");
    serial_len = i2d_ASN1_INTEGER(number, &end);
    coco_status status = coco_buf_append(&name, issuer, issuer_len, err);
    if (status == COCO_OK)
        status = coco_buf_append(&name, serial, (size_t)serial_len, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &name, err);
    return status;
}

/* rsaEncryption: RSAES-PKCS1-v1_5, which is all that ocicrypt's readers look for. */
static coco_status
write_rsa(struct coco_buf *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};

    coco_status status = coco_der_write(&inside, COCO_DER_OID, oid_rsa, sizeof(oid_rsa), err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_NULL, NULL, 0, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &inside, err);
    return status;
}

/* KeyTransRecipientInfo, section 6.2.1. */
static coco_status
write_recipient(X509 *cert, const struct coco_secret *key, struct coco_buf *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = ENVELOPE_MAX};
    _cleanup_pkey_ EVP_PKEY *public_key = NULL;

    coco_status status = coco_cert_key(cert, &public_key, err);
    if (status == COCO_OK && !EVP_PKEY_is_a(public_key, "RSA"))
        status = coco_fail(err, COCO_ERR_INVALID, "key of the certificate is not RSA");
    if (status == COCO_OK)
        status = coco_pkcs1_wrap(public_key, key, &wrapped, err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_INTEGER, version0, sizeof(version0), err);
    if (status == COCO_OK)
        status = write_name(cert, &inside, err);
    if (status == COCO_OK)
        status = write_rsa(&inside, err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_OCTETS, wrapped.data, wrapped.len, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &inside, err);
    return status;
}

static coco_status
write_recipients(X509 *const *certs, size_t n, const struct coco_secret *key, struct coco_buf *to,
                 coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};
    coco_status status = COCO_OK;

    for (size_t i = 0; i < n && status == COCO_OK; i++)
        status = write_recipient(certs[i], key, &inside, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SET, &inside, err);
    return status;
}

static coco_status
write_gcm(const uint8_t iv[COCO_AEAD_IV_SIZE], struct coco_buf *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};
    _cleanup_buf_ struct coco_buf parameters = {.limit = ENVELOPE_MAX};
    _cleanup_buf_ struct coco_buf algorithm = {.limit = ENVELOPE_MAX};

    coco_status status = coco_der_write(&inside, NONCE, iv, COCO_AEAD_IV_SIZE, err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_INTEGER, icv_len, sizeof(icv_len), err);
    if (status == COCO_OK)
        status = close_element(&parameters, COCO_DER_SEQUENCE, &inside, err);
    if (status == COCO_OK)
        status =
            coco_der_write(&algorithm, COCO_DER_OID, oid_aes128_gcm, sizeof(oid_aes128_gcm), err);
    if (status == COCO_OK)
        status = close_element(&algorithm, GO_SEQUENCE, &parameters, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &algorithm, err);
    return status;
}

/* EncryptedContentInfo, section 6.1. */
static coco_status
write_content(const struct coco_secret *key, const void *data, size_t len, struct coco_buf *to,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};
    _cleanup_buf_ struct coco_buf sealed = {.limit = ENVELOPE_MAX};
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t tag[COCO_AEAD_TAG_SIZE];
    const struct coco_gcm gcm = {.key = key, .iv = iv};

    coco_status status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_gcm_seal(&gcm, data, len, &sealed, tag, err);
    if (status == COCO_OK)
        status = coco_buf_append(&sealed, tag, sizeof(tag), err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_OID, oid_data, sizeof(oid_data), err);
    if (status == COCO_OK)
        status = write_gcm(iv, &inside, err);
    if (status == COCO_OK)
        status = close_element(&inside, CONTENT, &sealed, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &inside, err);
    return status;
}

/* ContentInfo, section 3, of what inside has. */
static coco_status
write_info(struct coco_buf *inside, struct coco_buf *to, coco_error **err)
{
    _cleanup_buf_ struct coco_buf envelope = {.limit = ENVELOPE_MAX};
    _cleanup_buf_ struct coco_buf info = {.limit = ENVELOPE_MAX};

    coco_status status = close_element(&envelope, COCO_DER_SEQUENCE, inside, err);
    if (status == COCO_OK)
        status = coco_der_write(&info, COCO_DER_OID, oid_enveloped, sizeof(oid_enveloped), err);
    if (status == COCO_OK)
        status = close_element(&info, EXPLICIT, &envelope, err);
    if (status == COCO_OK)
        status = close_element(to, COCO_DER_SEQUENCE, &info, err);
    return status;
}

coco_status
coco_cms_encrypt(X509 *const *certs, size_t n, const void *data, size_t len, struct coco_buf *buf,
                 coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf inside = {.limit = ENVELOPE_MAX};
    _cleanup_secret_ struct coco_secret key = {0};

    if (n == 0 || n > COCO_CMS_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu certificates, not 1 to %d", n,
                         COCO_CMS_RECIPIENTS_MAX);
    coco_status status = coco_secret_random(16, &key, err);
    if (status == COCO_OK)
        status = coco_der_write(&inside, COCO_DER_INTEGER, version0, sizeof(version0), err);
    if (status == COCO_OK)
        status = write_recipients(certs, n, &key, &inside, err);
    if (status == COCO_OK)
        status = write_content(&key, data, len, &inside, err);
    if (status == COCO_OK)
        status = write_info(&inside, buf, err);
    return status;
}

/* ---- reading ---- */

/* An envelope taken apart; all of it is lent, and hostile. */
struct envelope {
    struct coco_reader recipients;
    struct coco_reader content; /* ciphertext and tag */
    size_t key_size;            /* of the content's key */
    uint8_t iv[COCO_AEAD_IV_SIZE];
};

/* All that one is: an element that is read, and r is exhausted if it was not, or not wholly. */
static void
end_element(struct coco_reader *r, const struct coco_reader *inside)
{
    if (inside->exhausted || inside->len > 0)
        r->exhausted = true;
}

static coco_status
read_algorithm(struct coco_reader *r, struct envelope *ret, coco_error **err)
{
    struct coco_reader algorithm = coco_der_read(r, COCO_DER_SEQUENCE);
    struct coco_reader oid = coco_der_read(&algorithm, COCO_DER_OID);

    ret->key_size = 0;
    if (coco_der_is(&oid, oid_aes128_gcm, sizeof(oid_aes128_gcm)))
        ret->key_size = 16;
    if (coco_der_is(&oid, oid_aes256_gcm, sizeof(oid_aes256_gcm)))
        ret->key_size = 32;
    if (!oid.exhausted && ret->key_size == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "CMS content is not encrypted by AES-GCM");
    /* What Go's encoder makes of it, and what it would be with the bit that belongs there. */
    uint8_t tag = coco_der_is_next(&algorithm, COCO_DER_SEQUENCE) ? COCO_DER_SEQUENCE : GO_SEQUENCE;
    struct coco_reader outer = coco_der_read(&algorithm, tag);
    struct coco_reader inner = coco_der_read(&outer, COCO_DER_SEQUENCE);
    struct coco_reader nonce = coco_der_read(&inner, NONCE);
    coco_read_bytes(&nonce, ret->iv, sizeof(ret->iv));
    coco_der_read_expected(&inner, COCO_DER_INTEGER, icv_len, sizeof(icv_len));
    end_element(&inner, &nonce);
    end_element(&outer, &inner);
    end_element(&algorithm, &outer);
    end_element(r, &algorithm);
    return COCO_OK;
}

/* The ciphertext; older releases of Go's pkcs7 write it as a string of one part. */
static struct coco_reader
read_content(struct coco_reader *r)
{
    if (!coco_der_is_next(r, CONTENT_IN_PARTS))
        return coco_der_read(r, CONTENT);
    struct coco_reader parts = coco_der_read(r, CONTENT_IN_PARTS);
    struct coco_reader part = coco_der_read(&parts, COCO_DER_OCTETS);
    end_element(r, &parts);
    return part;
}

static coco_status
read_envelope(const void *cms, size_t len, struct envelope *ret, coco_error **err)
{
    struct coco_reader all = coco_reader_of(cms, len);
    struct coco_reader info = coco_der_read(&all, COCO_DER_SEQUENCE);

    coco_der_read_expected(&info, COCO_DER_OID, oid_enveloped, sizeof(oid_enveloped));
    struct coco_reader wrapper = coco_der_read(&info, EXPLICIT);
    struct coco_reader data = coco_der_read(&wrapper, COCO_DER_SEQUENCE);
    coco_der_read_expected(&data, COCO_DER_INTEGER, version0, sizeof(version0));
    ret->recipients = coco_der_read(&data, COCO_DER_SET);
    struct coco_reader content = coco_der_read(&data, COCO_DER_SEQUENCE);
    coco_der_read_expected(&content, COCO_DER_OID, oid_data, sizeof(oid_data));
    coco_status status = read_algorithm(&content, ret, err);
    if (status != COCO_OK)
        return status;
    ret->content = read_content(&content);
    end_element(&data, &content);
    end_element(&wrapper, &data);
    end_element(&info, &wrapper);
    end_element(&all, &info);
    if (ret->content.len < COCO_AEAD_TAG_SIZE)
        all.exhausted = true;
    return coco_reader_finish(&all, "CMS envelope", err);
}

/* Whether the recipient that comes next is whom name names; its wrapped key. */
static bool
read_recipient(struct coco_reader *r, const struct coco_buf *name, struct coco_reader *wrapped)
{
    struct coco_reader info = coco_der_read(r, COCO_DER_SEQUENCE);

    coco_der_read_expected(&info, COCO_DER_INTEGER, version0, sizeof(version0));
    struct coco_reader whose = coco_der_read_any(&info, COCO_DER_SEQUENCE);
    struct coco_reader algorithm = coco_der_read(&info, COCO_DER_SEQUENCE);
    struct coco_reader oid = coco_der_read(&algorithm, COCO_DER_OID);
    *wrapped = coco_der_read(&info, COCO_DER_OCTETS);
    end_element(r, &info);
    return !r->exhausted && coco_der_is(&whose, name->data, name->len)
           && coco_der_is(&oid, oid_rsa, sizeof(oid_rsa));
}

/* The wrapped key of the recipient that name names, empty if there is none. */
static coco_status
find_recipient(const struct envelope *envelope, const struct coco_buf *name,
               struct coco_buf *wrapped, coco_error **err)
{
    struct coco_reader r = envelope->recipients;

    for (size_t n = 0; !r.exhausted && r.len > 0; n++) {
        struct coco_reader key;

        if (n == COCO_CMS_RECIPIENTS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "CMS envelope has more than %d recipients",
                             COCO_CMS_RECIPIENTS_MAX);
        if (read_recipient(&r, name, &key) && wrapped->len == 0) {
            coco_status status = coco_buf_append(wrapped, key.data, key.len, err);
            if (status != COCO_OK)
                return status;
        }
    }
    return coco_reader_finish(&r, "CMS envelope", err);
}

/*
 * A key that does not unwrap is a random one (RFC 3218 section 2.3.2), so that all failures
 * are the content's.
 */
static coco_status
open_content(const struct envelope *envelope, const struct coco_buf *wrapped, EVP_PKEY *key,
             struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret content_key = {0};
    const struct coco_gcm gcm = {.key = &content_key, .iv = envelope->iv};
    size_t len = envelope->content.len - COCO_AEAD_TAG_SIZE;

    coco_status status = coco_pkcs1_unwrap(key, wrapped, envelope->key_size, &content_key, err);
    if (status == COCO_OK)
        status = coco_gcm_open(&gcm, envelope->content.data, len, envelope->content.data + len, ret,
                               err);
    return status;
}

coco_status
coco_cms_decrypt(const void *cms, size_t cms_len, X509 *cert, EVP_PKEY *key,
                 struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf name = {.limit = NAME_MAX_LEN};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = ENVELOPE_MAX};
    struct envelope envelope = {0};

    coco_status status = read_envelope(cms, cms_len, &envelope, err);
    if (status == COCO_OK)
        status = write_name(cert, &name, err);
    if (status == COCO_OK)
        status = find_recipient(&envelope, &name, &wrapped, err);
    if (status != COCO_OK)
        return status;
    status = COCO_ERR_VERIFY;
    if (wrapped.len > 0 && EVP_PKEY_is_a(key, "RSA"))
        status = open_content(&envelope, &wrapped, key, ret, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        return coco_fail(err, COCO_ERR_VERIFY, "cannot decrypt with this key");
    return COCO_OK;
}
