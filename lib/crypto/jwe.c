/*
 * crypto/jwe.c - JSON Web Encryption (RFC 7516) for one or several recipients
 *
 * Reading: text -> struct message (strict) -> for each recipient that fits the
 * key: unwrap the content key, open the content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwe.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/aead.h"
#include "crypto/jwk.h"
#include "crypto/keywrap.h"
#include "crypto/ossl.h"

#include <string.h>
#include <strings.h>

#define ENC "A256GCM"
#define HEADER_MAX ((size_t)16 << 10)
#define WRAPPED_KEY_MAX ((size_t)1 << 10) /* RSA of 8192 bits */
#define PARTY_MAX ((size_t)512)           /* apu, apv */
#define COMPACT_PARTS 5

static const struct {
    const char *name;
    enum coco_jwe_alg alg;
    size_t kek_size; /* of what is agreed on; 0 where nothing is */
} algs[] = {
    {"RSA-OAEP", COCO_JWE_RSA_OAEP, 0},
    {"RSA-OAEP-256", COCO_JWE_RSA_OAEP_256, 0},
    {"ECDH-ES+A256KW", COCO_JWE_ECDH_ES_A256KW, 32},
    {"ECDH-ES+A192KW", COCO_JWE_ECDH_ES_A192KW, 24},
    {"ECDH-ES+A128KW", COCO_JWE_ECDH_ES_A128KW, 16},
};

#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

/* One way to the content key. */
struct recipient {
    const cJSON *header; /* its unprotected header, or NULL; lent by the message */
    struct coco_buf encrypted_key;
};

/* A JWE taken apart. Everything in it is hostile. */
struct message {
    cJSON *json;             /* NULL for the compact form */
    cJSON *protected_header; /* decoded */
    const cJSON *unprotected;
    struct coco_buf aad;
    struct coco_buf iv;
    struct coco_buf ciphertext;
    struct coco_buf tag;
    struct recipient recipients[COCO_JWE_RECIPIENTS_MAX];
    size_t n;
};

static void
message_done(struct message *m)
{
    coco_json_free(m->json);
    coco_json_free(m->protected_header);
    coco_buf_done(&m->aad);
    coco_buf_done(&m->iv);
    coco_buf_done(&m->ciphertext);
    coco_buf_done(&m->tag);
    for (size_t i = 0; i < m->n; i++)
        coco_buf_done(&m->recipients[i].encrypted_key);
}

const char *
coco_jwe_alg_name(enum coco_jwe_alg alg)
{
    for (size_t i = 0; i < N_ALGS; i++)
        if (algs[i].alg == alg)
            return algs[i].name;
    return "";
}

unsigned
coco_jwe_alg_parse(const char *name)
{
    for (size_t i = 0; i < N_ALGS; i++)
        if (strcmp(algs[i].name, name) == 0)
            return algs[i].alg;
    return 0;
}

coco_status
coco_jwe_alg_for(const EVP_PKEY *key, enum coco_jwe_alg *ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind == COCO_KEY_ED25519)
        return coco_fail(err, COCO_ERR_NOTSUP, "Ed25519 keys only sign");
    *ret = kind == COCO_KEY_RSA ? COCO_JWE_RSA_OAEP_256 : COCO_JWE_ECDH_ES_A256KW;
    return COCO_OK;
}

static const EVP_MD *
oaep_md(enum coco_jwe_alg alg)
{
    return alg == COCO_JWE_RSA_OAEP ? EVP_sha1() : EVP_sha256();
}

static size_t
kek_size(enum coco_jwe_alg alg)
{
    for (size_t i = 0; i < N_ALGS; i++)
        if (algs[i].alg == alg)
            return algs[i].kek_size;
    return 0;
}

/* Whether key is of the type that alg is for. */
static bool
alg_fits(enum coco_jwe_alg alg, const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, kek_size(alg) > 0 ? "EC" : "RSA");
}

/* RFC 7518 section 4.6: a fresh key agrees with the recipient's; epk goes into header. */
static coco_status
wrap_by_agreement(EVP_PKEY *key, const struct coco_secret *cek, cJSON *header,
                  struct coco_buf *wrapped, coco_error **err)
{
    const struct coco_agreement agreement = {
        .alg = coco_jwe_alg_name(COCO_JWE_ECDH_ES_A256KW),
        .key_size = COCO_KEK_SIZE,
    };
    _cleanup_secret_ struct coco_secret kek = {0};
    _cleanup_pkey_ EVP_PKEY *ephemeral = NULL;
    cJSON *epk = NULL;

    coco_status status = coco_key_generate_like(key, &ephemeral, err);
    if (status == COCO_OK)
        status = coco_ecdh_es(ephemeral, key, &agreement, &kek, err);
    if (status == COCO_OK)
        status = coco_aes_wrap(&kek, cek, wrapped, err);
    if (status == COCO_OK)
        status = coco_jwk_public(ephemeral, NULL, &epk, err);
    if (status == COCO_OK)
        status = coco_json_add_item(header, "epk", epk, err);
    return status;
}

/* Wraps cek for r and says in header how. */
static coco_status
wrap(const struct coco_jwe_recipient *r, const struct coco_secret *cek, cJSON *header,
     struct coco_buf *wrapped, coco_error **err)
{
    if (!alg_fits(r->alg, r->key) || r->alg > COCO_JWE_ECDH_ES_A256KW)
        return coco_fail(err, COCO_ERR_INVALID, "key is not for %s", coco_jwe_alg_name(r->alg));

    coco_status status = coco_json_add_string(header, "alg", coco_jwe_alg_name(r->alg), err);
    if (status != COCO_OK)
        return status;
    if (r->alg == COCO_JWE_ECDH_ES_A256KW)
        return wrap_by_agreement(r->key, cek, header, wrapped, err);
    return coco_oaep_wrap(r->key, oaep_md(r->alg), cek, wrapped, err);
}

/* Flattened form: one recipient, whose header is all protected. */
static coco_status
add_only_recipient(const struct coco_jwe_recipient *r, const struct coco_secret *cek,
                   cJSON *protected_header, cJSON *jwe, coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_KEY_MAX};

    coco_status status = wrap(r, cek, protected_header, &wrapped, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwe, "encrypted_key", wrapped.data, wrapped.len, err);
    return status;
}

static coco_status
add_recipient(const struct coco_jwe_recipient *r, const struct coco_secret *cek, cJSON *array,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_KEY_MAX};
    cJSON *object = NULL;
    cJSON *header = NULL;

    coco_status status = coco_json_add_object(array, NULL, &object, err);
    if (status == COCO_OK)
        status = coco_json_add_object(object, "header", &header, err);
    if (status == COCO_OK)
        status = wrap(r, cek, header, &wrapped, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(object, "encrypted_key", wrapped.data, wrapped.len, err);
    return status;
}

/* Adds "protected" and stores it in aad as well; canonical order is the one guests expect. */
static coco_status
add_protected(cJSON *jwe, const cJSON *header, struct coco_buf *aad, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = HEADER_MAX};

    coco_status status = coco_json_write(header, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, text.data, text.len, aad, err);
    if (status == COCO_OK)
        status = coco_json_add_string(jwe, "protected", coco_buf_text(aad), err);
    return status;
}

/* The members iv, ciphertext and tag. */
static coco_status
add_content(cJSON *jwe, const struct coco_secret *cek, const struct coco_buf *aad, const void *data,
            size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf ciphertext = {.limit = len};
    uint8_t iv[COCO_AEAD_IV_SIZE];
    uint8_t tag[COCO_AEAD_TAG_SIZE];

    coco_status status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_aead_seal(cek->data, iv, aad, data, len, &ciphertext, tag, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwe, "iv", iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwe, "ciphertext", ciphertext.data, ciphertext.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(jwe, "tag", tag, sizeof(tag), err);
    return status;
}

/* Flattened for one recipient, general for several; RFC 7516 section 7.2. */
static coco_status
add_recipients(cJSON *jwe, const struct coco_jwe_recipient *recipients, size_t n,
               const struct coco_secret *cek, struct coco_buf *aad, coco_error **err)
{
    _cleanup_json_ cJSON *header = NULL;
    _cleanup_json_ cJSON *keys = NULL;
    cJSON *array = NULL;

    coco_status status = coco_json_new_object(&header, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&keys, err);
    if (status == COCO_OK)
        status = coco_json_add_string(header, "enc", ENC, err);
    if (status == COCO_OK && n == 1)
        status = add_only_recipient(&recipients[0], cek, header, keys, err);
    if (status == COCO_OK && n > 1)
        status = coco_json_add_array(keys, "recipients", &array, err);
    for (size_t i = 0; i < n && array && status == COCO_OK; i++)
        status = add_recipient(&recipients[i], cek, array, err);

    /* The header is complete only now, and stands in front. */
    if (status == COCO_OK)
        status = add_protected(jwe, header, aad, err);
    if (status == COCO_OK) {
        cJSON *item = cJSON_DetachItemViaPointer(keys, keys->child);
        status = coco_json_add_item(jwe, n > 1 ? "recipients" : "encrypted_key", item, err);
    }
    return status;
}

coco_status
coco_jwe_encrypt(const struct coco_jwe_recipient *recipients, size_t n, const void *data,
                 size_t len, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf aad = {.limit = 2 * HEADER_MAX};
    _cleanup_secret_ struct coco_secret cek = {0};
    _cleanup_json_ cJSON *jwe = NULL;

    if (n == 0 || n > COCO_JWE_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu recipients, not 1 to %d", n,
                         COCO_JWE_RECIPIENTS_MAX);
    coco_status status = coco_secret_random(COCO_AEAD_KEY_SIZE, &cek, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&jwe, err);
    if (status == COCO_OK)
        status = add_recipients(jwe, recipients, n, &cek, &aad, err);
    if (status == COCO_OK)
        status = add_content(jwe, &cek, &aad, data, len, err);
    if (status == COCO_OK)
        status = coco_json_write(jwe, COCO_JSON_COMPACT, buf, err);
    return status;
}

/* Decodes a part; its size must be size unless that is 0. */
static coco_status
decode(const char *what, const char *text, size_t len, size_t size, struct coco_buf *buf,
       coco_error **err)
{
    coco_status status = coco_base64_decode(COCO_BASE64URL, text, len, buf, err);

    if (status != COCO_OK)
        return coco_wrap(err, status, "JWE %s", what);
    if (size > 0 && buf->len != size)
        return coco_fail(err, COCO_ERR_PROTO, "JWE %s has %zu bytes, not %zu", what, buf->len,
                         size);
    return COCO_OK;
}

static coco_status
decode_member(const cJSON *object, const char *member, size_t size, struct coco_buf *buf,
              coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, member, &text, err);
    if (status == COCO_OK)
        status = decode(member, text, strlen(text), size, buf, err);
    return status;
}

/* The header decides how the rest is read, so it is read first; its text is what the tag covers. */
static coco_status
set_protected(struct message *m, const char *text, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf json = {.limit = HEADER_MAX};

    m->aad.limit = COCO_JSON_SIZE_MAX;
    coco_status status = decode("protected header", text, len, 0, &json, err);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&json), json.len, &m->protected_header, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "JWE protected header");
    return coco_buf_append(&m->aad, text, len, err);
}

/* RFC 7516 section 5.1 step 14: the AAD goes on with "." and the text of the member "aad". */
static coco_status
add_aad(struct message *m, coco_error **err)
{
    _cleanup_buf_ struct coco_buf decoded = {.limit = COCO_JSON_SIZE_MAX};
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(m->json, "aad", &text, err);
    if (status != COCO_OK || !text)
        return status;
    status = decode("aad", text, strlen(text), 0, &decoded, err);
    if (status == COCO_OK)
        status = coco_buf_append(&m->aad, ".", 1, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&m->aad, text, err);
    return status;
}

static coco_status
set_recipient(struct message *m, const cJSON *object, coco_error **err)
{
    if (m->n == COCO_JWE_RECIPIENTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JWE has more than %d recipients",
                         COCO_JWE_RECIPIENTS_MAX);
    if (!cJSON_IsObject(object))
        return coco_fail(err, COCO_ERR_PROTO, "JWE recipient is no object");

    struct recipient *r = &m->recipients[m->n++];
    r->encrypted_key.limit = WRAPPED_KEY_MAX;
    coco_status status = coco_json_get_object_opt(object, "header", &r->header, err);
    if (status == COCO_OK)
        status = decode_member(object, "encrypted_key", 0, &r->encrypted_key, err);
    return status;
}

/*
 * RFC 7516 section 7.2.1 forbids "encrypted_key" beside "recipients"; go-jose, and
 * with it ocicrypt, repeats that of the first recipient there. That and no more.
 */
static coco_status
check_repeated_key(const cJSON *json, const cJSON *recipients, coco_error **err)
{
    const char *repeated = NULL;
    const char *first = NULL;

    coco_status status = coco_json_get_string_opt(json, "encrypted_key", &repeated, err);
    if (status == COCO_OK)
        status = coco_json_get_string(recipients->child, "encrypted_key", &first, err);
    if (status == COCO_OK && repeated && strcmp(repeated, first) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "JWE has both 'recipients' and 'encrypted_key'");
    return status;
}

/* Flattened or general, never a mix. */
static coco_status
set_recipients(struct message *m, coco_error **err)
{
    const cJSON *array = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array_opt(m->json, "recipients", &array, err);
    if (status != COCO_OK)
        return status;
    if (!array)
        return set_recipient(m, m->json, err);

    if (cJSON_GetObjectItemCaseSensitive(m->json, "header"))
        return coco_fail(err, COCO_ERR_PROTO, "JWE has both 'recipients' and 'header'");
    cJSON_ArrayForEach(item, array) {
        status = set_recipient(m, item, err);
        if (status != COCO_OK)
            return status;
    }
    if (m->n == 0)
        return coco_fail(err, COCO_ERR_PROTO, "JWE has no recipients");
    return check_repeated_key(m->json, array, err);
}

static coco_status
parse_json(struct message *m, const char *text, size_t len, coco_error **err)
{
    const char *header = NULL;

    coco_status status = coco_json_parse_long(text, len, &m->json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(m->json, "protected", &header, err);
    if (status == COCO_OK)
        status = set_protected(m, header, strlen(header), err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(m->json, "unprotected", &m->unprotected, err);
    if (status == COCO_OK)
        status = add_aad(m, err);
    if (status == COCO_OK)
        status = set_recipients(m, err);
    if (status == COCO_OK)
        status = decode_member(m->json, "iv", COCO_AEAD_IV_SIZE, &m->iv, err);
    if (status == COCO_OK)
        status = decode_member(m->json, "ciphertext", 0, &m->ciphertext, err);
    if (status == COCO_OK)
        status = decode_member(m->json, "tag", COCO_AEAD_TAG_SIZE, &m->tag, err);
    return status;
}

/* header.encrypted_key.iv.ciphertext.tag */
static coco_status
parse_compact(struct message *m, const char *text, size_t len, coco_error **err)
{
    const char *parts[COMPACT_PARTS] = {text};
    size_t lens[COMPACT_PARTS] = {0};
    size_t n = 1;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '.')
            lens[n - 1]++;
        else if (n == COMPACT_PARTS)
            return coco_fail(err, COCO_ERR_PROTO, "compact JWE has more than %d parts",
                             COMPACT_PARTS);
        else
            parts[n++] = text + i + 1;
    }
    if (n != COMPACT_PARTS)
        return coco_fail(err, COCO_ERR_PROTO, "neither a JSON nor a compact JWE");

    m->n = 1;
    m->recipients[0].encrypted_key.limit = WRAPPED_KEY_MAX;
    coco_status status = set_protected(m, parts[0], lens[0], err);
    if (status == COCO_OK)
        status =
            decode("encrypted_key", parts[1], lens[1], 0, &m->recipients[0].encrypted_key, err);
    if (status == COCO_OK)
        status = decode("iv", parts[2], lens[2], COCO_AEAD_IV_SIZE, &m->iv, err);
    if (status == COCO_OK)
        status = decode("ciphertext", parts[3], lens[3], 0, &m->ciphertext, err);
    if (status == COCO_OK)
        status = decode("tag", parts[4], lens[4], COCO_AEAD_TAG_SIZE, &m->tag, err);
    return status;
}

/*
 * Whether object has a member of that name in any case: "Crit" is nothing by RFC
 * 7515, but another reader of the same header may take it for "crit".
 */
static bool
has_folded(const cJSON *object, const char *name)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, object) {
        if (strcasecmp(item->string, name) == 0)
            return true;
    }
    return false;
}

/* RFC 7516 section 7.2.1: the names in the headers of one recipient are disjoint. */
static coco_status
check_disjoint(const cJSON *a, const cJSON *b, coco_error **err)
{
    const cJSON *item = NULL;

    if (!a || !b)
        return COCO_OK;
    cJSON_ArrayForEach(item, a) {
        if (has_folded(b, item->string))
            return coco_fail(err, COCO_ERR_PROTO, "JWE has a header member twice");
    }
    return COCO_OK;
}

/* What changes the meaning of the rest, and which nobody here needs. */
static coco_status
check_plain(const cJSON *header, coco_error **err)
{
    if (header && has_folded(header, "zip"))
        return coco_fail(err, COCO_ERR_NOTSUP, "JWE is compressed");
    if (header && has_folded(header, "crit"))
        return coco_fail(err, COCO_ERR_NOTSUP, "JWE has critical extensions");
    return COCO_OK;
}

static coco_status
check_headers(const struct message *m, coco_error **err)
{
    const char *enc = NULL;

    coco_status status = check_plain(m->protected_header, err);
    if (status == COCO_OK)
        status = check_plain(m->unprotected, err);
    if (status == COCO_OK)
        status = check_disjoint(m->protected_header, m->unprotected, err);
    for (size_t i = 0; i < m->n && status == COCO_OK; i++) {
        status = check_plain(m->recipients[i].header, err);
        if (status == COCO_OK)
            status = check_disjoint(m->protected_header, m->recipients[i].header, err);
        if (status == COCO_OK)
            status = check_disjoint(m->unprotected, m->recipients[i].header, err);
    }
    if (status == COCO_OK)
        status = coco_json_get_string(m->protected_header, "enc", &enc, err);
    if (status == COCO_OK && strcmp(enc, ENC) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "JWE content encryption is not " ENC);
    return status;
}

/* The header that has the member; they are disjoint, so any order will do. */
static const cJSON *
header_with(const struct message *m, const struct recipient *r, const char *member)
{
    if (r->header && cJSON_GetObjectItemCaseSensitive(r->header, member))
        return r->header;
    if (m->unprotected && cJSON_GetObjectItemCaseSensitive(m->unprotected, member))
        return m->unprotected;
    return m->protected_header;
}

static coco_status
get_party(const struct message *m, const struct recipient *r, const char *member,
          struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string_opt(header_with(m, r, member), member, &text, err);
    if (status == COCO_OK && text)
        status = decode(member, text, strlen(text), 0, buf, err);
    return status;
}

static coco_status
unwrap_by_agreement(const struct message *m, const struct recipient *r, enum coco_jwe_alg alg,
                    EVP_PKEY *key, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf apu = {.limit = PARTY_MAX};
    _cleanup_buf_ struct coco_buf apv = {.limit = PARTY_MAX};
    const struct coco_agreement agreement = {
        .alg = coco_jwe_alg_name(alg),
        .apu = &apu,
        .apv = &apv,
        .key_size = kek_size(alg),
    };
    _cleanup_secret_ struct coco_secret kek = {0};
    _cleanup_pkey_ EVP_PKEY *peer = NULL;
    const cJSON *epk = NULL;

    coco_status status = coco_json_get_object(header_with(m, r, "epk"), "epk", &epk, err);
    if (status == COCO_OK)
        status = coco_jwk_parse(epk, &peer, err);
    if (status == COCO_OK)
        status = get_party(m, r, "apu", &apu, err);
    if (status == COCO_OK)
        status = get_party(m, r, "apv", &apv, err);
    if (status == COCO_OK)
        status = coco_ecdh_es(key, peer, &agreement, &kek, err);
    if (status == COCO_OK)
        status = coco_aes_unwrap(&kek, &r->encrypted_key, ret, err);
    return status;
}

static coco_status
unwrap(const struct message *m, const struct recipient *r, enum coco_jwe_alg alg, EVP_PKEY *key,
       struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret cek = {0};
    coco_status status = COCO_OK;

    if (kek_size(alg) > 0)
        status = unwrap_by_agreement(m, r, alg, key, &cek, err);
    else
        status = coco_oaep_unwrap(key, oaep_md(alg), &r->encrypted_key, &cek, err);
    if (status == COCO_OK && cek.len != COCO_AEAD_KEY_SIZE)
        status = coco_fail(err, COCO_ERR_VERIFY, "content key has %zu bytes", cek.len);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&cek);
    return status;
}

/*
 * Opens the content by way of one recipient.
 *
 * When the key does not unwrap, a random one is used, so that neither the answer
 * nor the time it takes tells which step failed (RFC 7516 section 11.5).
 */
static coco_status
open_by(const struct message *m, const struct recipient *r, enum coco_jwe_alg alg, EVP_PKEY *key,
        struct coco_secret *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret cek = {0};

    coco_status status = unwrap(m, r, alg, key, &cek, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK)
        status = coco_secret_random(COCO_AEAD_KEY_SIZE, &cek, err);
    if (status == COCO_OK)
        status = coco_aead_open(cek.data, m->iv.data, &m->aad, m->ciphertext.data,
                                m->ciphertext.len, m->tag.data, ret, err);
    return status;
}

/* Each recipient whose algorithm is allowed and is for this type of key gets its try. */
static coco_status
open_message(const struct message *m, EVP_PKEY *key, unsigned allowed, struct coco_secret *ret,
             coco_error **err)
{
    bool any = false;

    for (size_t i = 0; i < m->n; i++) {
        const struct recipient *r = &m->recipients[i];
        const char *name = NULL;

        coco_status status = coco_json_get_string(header_with(m, r, "alg"), "alg", &name, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "JWE header");
        unsigned alg = coco_jwe_alg_parse(name) & allowed;
        any = any || alg != 0;
        if (alg == 0 || !alg_fits(alg, key))
            continue;
        coco_error *why = NULL;
        status = open_by(m, r, alg, key, ret, &why);
        coco_error_free(why);
        if (status == COCO_OK)
            return COCO_OK;
        if (status == COCO_ERR_NOMEM)
            return coco_fail_nomem(err);
    }
    if (!any)
        return coco_fail(err, COCO_ERR_NOTSUP, "JWE key management algorithm is not allowed");
    return coco_fail(err, COCO_ERR_VERIFY, "cannot decrypt with this key");
}

coco_status
coco_jwe_decrypt(const void *jwe, size_t len, EVP_PKEY *key, unsigned allowed,
                 struct coco_secret *ret, coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_(message_done) struct message m = {
        .iv = {.limit = COCO_JSON_SIZE_MAX},
        .ciphertext = {.limit = COCO_JSON_LONG_MAX},
        .tag = {.limit = COCO_JSON_SIZE_MAX},
    };
    coco_status status = COCO_OK;

    if (len > COCO_JSON_LONG_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "JWE of more than %zu bytes", COCO_JSON_LONG_MAX);
    if (len > 0 && memchr(jwe, '{', len))
        status = parse_json(&m, jwe, len, err);
    else
        status = parse_compact(&m, jwe, len, err);
    if (status == COCO_OK)
        status = check_headers(&m, err);
    if (status == COCO_OK)
        status = open_message(&m, key, allowed, ret, err);
    return status;
}
