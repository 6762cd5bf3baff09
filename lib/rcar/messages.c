/*
 * rcar/messages.c - the messages of the KBS protocol, version 0.4.0
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "crypto/jwk.h"

#include <string.h>

#define NONCE_SIZE 32
#define TEE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define COMPACT_JWS_CHARS ALNUM "-_."
#define ID_CHARS ALNUM "-"
#define POINTER_PART_MAX 127

/* Escaping can make each byte six, and the additional evidence is escaped once more. */
#define CANONICAL_MAX (6 * COCO_RCAR_BODY_MAX)

static coco_status
parse_body(const void *text, size_t len, cJSON **ret, coco_error **err)
{
    if (len > COCO_RCAR_BODY_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message of more than %zu bytes", COCO_RCAR_BODY_MAX);
    return coco_json_parse_object(text, len, ret, err);
}

/* ---- Request ---- */

coco_status
coco_rcar_request_build(const char *tee, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *request = NULL;
    cJSON *extra = NULL;
    cJSON *algs = NULL;

    coco_status status = coco_json_new_object(&request, err);
    if (status == COCO_OK)
        status = coco_json_add_string(request, "version", COCO_RCAR_VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_string(request, "tee", tee, err);
    if (status == COCO_OK)
        status = coco_json_add_object(request, "extra-params", &extra, err);
    if (status == COCO_OK)
        status = coco_json_add_array(extra, "supported-hash-algorithms", &algs, err);
    if (status == COCO_OK)
        status = coco_json_add_string(algs, NULL, "sha384", err);
    if (status == COCO_OK)
        status = coco_json_add_string(algs, NULL, "sha512", err);
    if (status == COCO_OK)
        status = coco_json_write(request, COCO_JSON_COMPACT, buf, err);
    return status;
}

coco_status
coco_rcar_request_parse(const void *text, size_t len, struct coco_rcar_request *ret,
                        coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *version = NULL;
    const char *tee = NULL;
    struct coco_rcar_request request = {.version = COCO_RCAR_VERSION};

    coco_status status = parse_body(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "tee", &tee, err);
    if (status != COCO_OK)
        return status;

    if (strcmp(version, COCO_RCAR_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "KBS Client Protocol Version Mismatch: expect =" COCO_RCAR_VERSION
                         " while the request is %.40s",
                         version);
    if (!coco_text_is_all(tee, TEE_CHARS, COCO_RCAR_TEE_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "tee: '%.40s' is no name of a TEE", tee);
    memcpy(request.tee, tee, strlen(tee) + 1);
    *ret = request;
    return COCO_OK;
}

/* ---- Challenge ---- */

coco_status
coco_rcar_nonce_new(struct coco_buf *buf, coco_error **err)
{
    uint8_t nonce[NONCE_SIZE];

    coco_status status = coco_random(nonce, sizeof(nonce), err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, nonce, sizeof(nonce), buf, err);
    return status;
}

coco_status
coco_rcar_challenge_build(const char *nonce, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *challenge = NULL;

    coco_status status = coco_json_new_object(&challenge, err);
    if (status == COCO_OK)
        status = coco_json_add_string(challenge, "nonce", nonce, err);
    if (status == COCO_OK) /* clients fail without it, whatever it is (A.6) */
        status = coco_json_add_string(challenge, "extra-params", "", err);
    if (status == COCO_OK)
        status = coco_json_write(challenge, COCO_JSON_COMPACT, buf, err);
    return status;
}

/* "SHA384" is "sha384": clients lower the case first (A.3). */
static coco_status
parse_selected_alg(const cJSON *extra, enum coco_hash_alg *ret, coco_error **err)
{
    const char *name = NULL;

    if (!cJSON_IsObject(extra))
        return COCO_OK;
    coco_status status = coco_json_get_string_opt(extra, "selected-hash-algorithm", &name, err);
    if (status != COCO_OK || !name)
        return status;

    if (strcasecmp(name, "sha512") == 0)
        *ret = COCO_SHA512;
    else if (strcasecmp(name, "sha384") != 0)
        return coco_fail(err, COCO_ERR_DENIED, "server selected '%.40s', not SHA-384 or SHA-512",
                         name);
    return COCO_OK;
}

static coco_status
check_nonce(const char *nonce, coco_error **err)
{
    if (nonce[0] == '\0')
        return coco_fail(err, COCO_ERR_PROTO, "nonce is empty");
    if (strlen(nonce) > COCO_RCAR_NONCE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "nonce of more than %zu bytes", COCO_RCAR_NONCE_MAX);
    return COCO_OK;
}

coco_status
coco_rcar_challenge_parse(const void *text, size_t len, struct coco_rcar_challenge *ret,
                          coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *nonce = NULL;
    enum coco_hash_alg alg = COCO_SHA384;

    coco_status status = parse_body(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "nonce", &nonce, err);
    if (status == COCO_OK)
        status = check_nonce(nonce, err);
    if (status == COCO_OK)
        status =
            parse_selected_alg(cJSON_GetObjectItemCaseSensitive(object, "extra-params"), &alg, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "challenge");

    char *copy = strdup(nonce);
    if (!copy)
        return coco_fail_nomem(err);
    *ret = (struct coco_rcar_challenge){.nonce = copy, .alg = alg};
    return COCO_OK;
}

void
coco_rcar_challenge_done(struct coco_rcar_challenge *challenge)
{
    free(challenge->nonce);
    *challenge = (struct coco_rcar_challenge){0};
}

/* ---- The guest's key pair ---- */

/* What every released server can encrypt to (A.3). */
static coco_status
tee_key_alg(const EVP_PKEY *key, enum coco_jwe_alg *ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    switch (kind) {
    case COCO_KEY_P256:
    case COCO_KEY_P521:
        *ret = COCO_JWE_ECDH_ES_A256KW;
        return COCO_OK;
    case COCO_KEY_RSA:
        *ret = COCO_JWE_RSA_OAEP_256;
        return COCO_OK;
    case COCO_KEY_P384:
    case COCO_KEY_ED25519:
        break;
    }
    return coco_fail(err, COCO_ERR_NOTSUP, "tee-pubkey is not RSA, P-256 or P-521");
}

coco_status
coco_rcar_tee_key_build(const EVP_PKEY *key, cJSON **ret, coco_error **err)
{
    enum coco_jwe_alg alg = 0;

    coco_status status = tee_key_alg(key, &alg, err);
    if (status != COCO_OK)
        return status;
    return coco_jwk_public(key, coco_jwe_alg_name(alg), ret, err);
}

static coco_status
check_jwk_members(const cJSON *jwk, coco_error **err)
{
    static const char *const ec[] = {"kty", "crv", "alg", "x", "y", NULL};
    static const char *const rsa[] = {"kty", "alg", "n", "e", NULL};
    const char *kty = NULL;

    coco_status status = coco_json_get_string(jwk, "kty", &kty, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(kty, "EC") == 0)
        return coco_json_check_members(jwk, ec, err);
    if (strcmp(kty, "RSA") == 0)
        return coco_json_check_members(jwk, rsa, err);
    return coco_fail(err, COCO_ERR_NOTSUP, "kty '%.40s'", kty);
}

coco_status
coco_rcar_tee_key_parse(const cJSON *jwk, EVP_PKEY **ret, enum coco_jwe_alg *alg, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_jwe_alg want = 0;
    const char *name = NULL;

    coco_status status = check_jwk_members(jwk, err);
    if (status == COCO_OK)
        status = coco_json_get_string(jwk, "alg", &name, err);
    if (status == COCO_OK)
        status = coco_jwk_parse(jwk, &key, err);
    if (status == COCO_OK)
        status = tee_key_alg(key, &want, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "tee-pubkey");
    if (strcmp(name, coco_jwe_alg_name(want)) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "tee-pubkey: alg '%.40s', not %s", name,
                         coco_jwe_alg_name(want));

    *ret = coco_steal(&key);
    *alg = want;
    return COCO_OK;
}

/* ---- Attestation ---- */

coco_status
coco_rcar_runtime_data(const char *nonce, const cJSON *tee_pubkey, const char *additional,
                       cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(object, "additional-evidence", additional ? additional : "", err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "nonce", nonce, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(object, "tee-pubkey", tee_pubkey, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&object);
    return COCO_OK;
}

coco_status
coco_rcar_report_data(enum coco_hash_alg alg, const char *nonce, const cJSON *tee_pubkey,
                      const char *additional, struct coco_digest *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = CANONICAL_MAX};

    coco_status status = coco_rcar_runtime_data(nonce, tee_pubkey, additional, &object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(alg, text.data, text.len, ret, err);
    return status;
}

coco_status
coco_rcar_device_report_data(enum coco_hash_alg alg, const char *nonce, const cJSON *tee_pubkey,
                             struct coco_digest *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = CANONICAL_MAX};

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "nonce", nonce, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(object, "tee-pubkey", tee_pubkey, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(alg, text.data, text.len, ret, err);
    return status;
}

static coco_status
add_init_data(cJSON *object, const char *init_data, coco_error **err)
{
    cJSON *member = NULL;

    if (!init_data)
        return coco_json_add_null(object, "init-data", err);
    coco_status status = coco_json_add_object(object, "init-data", &member, err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "format", "toml", err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "body", init_data, err);
    return status;
}

coco_status
coco_rcar_attestation_build(const struct coco_rcar_attestation *attestation, struct coco_buf *buf,
                            coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    cJSON *member = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_init_data(object, attestation->init_data, err);

    if (status == COCO_OK)
        status = coco_json_add_object(object, "runtime-data", &member, err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "nonce", attestation->nonce, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(member, "tee-pubkey", attestation->tee_pubkey, err);

    if (status == COCO_OK)
        status = coco_json_add_object(object, "tee-evidence", &member, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(member, "primary_evidence", attestation->evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "additional_evidence",
                                      attestation->additional ? attestation->additional : "", err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

static coco_status
parse_init_data(const cJSON *object, const char **ret, coco_error **err)
{
    const cJSON *init_data = NULL;
    const char *format = NULL;

    coco_status status = coco_json_get_object_opt(object, "init-data", &init_data, err);
    if (status != COCO_OK || !init_data)
        return status;
    status = coco_json_get_string(init_data, "format", &format, err);
    if (status == COCO_OK)
        status = coco_json_get_string(init_data, "body", ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "init-data");
    if (strcmp(format, "toml") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "init-data: format '%.40s', not toml", format);
    return COCO_OK;
}

static coco_status
parse_runtime_data(const cJSON *object, struct coco_rcar_attestation *ret, coco_error **err)
{
    const cJSON *runtime_data = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    enum coco_jwe_alg alg = 0;

    coco_status status = coco_json_get_object(object, "runtime-data", &runtime_data, err);
    if (status == COCO_OK)
        status = coco_json_get_string(runtime_data, "nonce", &ret->nonce, err);
    if (status == COCO_OK)
        status = check_nonce(ret->nonce, err);
    if (status == COCO_OK)
        status = coco_json_get_object(runtime_data, "tee-pubkey", &ret->tee_pubkey, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_parse(ret->tee_pubkey, &key, &alg, err);
    return status;
}

static coco_status
parse_tee_evidence(const cJSON *object, struct coco_rcar_attestation *ret, coco_error **err)
{
    const cJSON *evidence = NULL;

    coco_status status = coco_json_get_object(object, "tee-evidence", &evidence, err);
    if (status == COCO_OK)
        status = coco_json_get_any(evidence, "primary_evidence", &ret->evidence, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(evidence, "additional_evidence", &ret->additional, err);
    if (status == COCO_OK && !ret->additional)
        ret->additional = "";
    return status;
}

coco_status
coco_rcar_attestation_parse(const void *text, size_t len, struct coco_rcar_attestation *ret,
                            coco_error **err)
{
    _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};

    coco_status status = parse_body(text, len, &attestation.tree, err);
    if (status == COCO_OK)
        status = parse_init_data(attestation.tree, &attestation.init_data, err);
    if (status == COCO_OK)
        status = parse_runtime_data(attestation.tree, &attestation, err);
    if (status == COCO_OK)
        status = parse_tee_evidence(attestation.tree, &attestation, err);
    if (status != COCO_OK)
        return status;

    *ret = attestation;
    attestation = (struct coco_rcar_attestation){0};
    return COCO_OK;
}

void
coco_rcar_attestation_done(struct coco_rcar_attestation *attestation)
{
    coco_json_free(attestation->tree);
    *attestation = (struct coco_rcar_attestation){0};
}

/* ---- Response ---- */

coco_status
coco_rcar_token_build(const char *token, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "token", token, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

/* header.payload.signature, none of them empty: RFC 7515 section 3.1. */
static bool
is_compact_jws(const char *text)
{
    const char *first = strchr(text, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;

    return second && first > text && second > first + 1 && second[1] != '\0'
           && !strchr(second + 1, '.')
           && coco_text_is_all(text, COMPACT_JWS_CHARS, COCO_RCAR_TOKEN_MAX);
}

coco_status
coco_rcar_token_parse(const void *text, size_t len, struct coco_buf *token, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *value = NULL;

    coco_status status = parse_body(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "token", &value, err);
    if (status != COCO_OK)
        return status;
    if (!is_compact_jws(value))
        return coco_fail(err, COCO_ERR_PROTO, "token is no compact JWS");
    return coco_buf_append_text(token, value, err);
}

/* Copies the next part of a JSON pointer (RFC 6901), unescaped; NULL if it does not fit. */
static const char *
next_part(const char *pointer, char part[POINTER_PART_MAX + 1])
{
    size_t len = 0;

    while (*pointer != '\0' && *pointer != '/') {
        char c = *pointer++;
        if (c == '~' && (*pointer == '0' || *pointer == '1'))
            c = *pointer++ == '0' ? '~' : '/';
        if (len == POINTER_PART_MAX)
            return NULL;
        part[len++] = c;
    }
    part[len] = '\0';
    return pointer;
}

static const cJSON *
find_object(const cJSON *from, const char *pointer)
{
    char part[POINTER_PART_MAX + 1];

    while (from && pointer && *pointer == '/') {
        pointer = next_part(pointer + 1, part);
        from = cJSON_IsObject(from) ? cJSON_GetObjectItemCaseSensitive(from, part) : NULL;
    }
    return pointer && *pointer == '\0' && cJSON_IsObject(from) ? from : NULL;
}

coco_status
coco_rcar_token_tee_pubkey(const cJSON *claims, const char *const *extra_paths, const cJSON **ret,
                           coco_error **err)
{
    static const char *const paths[] = {
        "/tdx/attester_runtime_data/tee-pubkey",
        "/tdx/attester_user_data/tee-pubkey",
        "/customized_claims/runtime_data/tee-pubkey",
        "/submods/cpu0/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey",
        "/tee-pubkey",
        NULL,
    };
    const cJSON *found = NULL;

    for (size_t i = 0; !found && extra_paths && extra_paths[i]; i++)
        found = find_object(claims, extra_paths[i]);
    for (size_t i = 0; !found && paths[i]; i++)
        found = find_object(claims, paths[i]);
    if (!found)
        return coco_fail(err, COCO_ERR_PROTO, "token holds no tee-pubkey");

    *ret = found;
    return COCO_OK;
}

/* ---- ErrorInformation ---- */

coco_status
coco_rcar_error_build(const char *name, const char *detail, const char *id, struct coco_buf *buf,
                      coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf type = {.limit = 256};

    coco_status status = coco_buf_printf(&type, err, COCO_RCAR_ERROR_TYPE "%s", name);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "type", coco_buf_text(&type), err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "detail", detail, err);
    if (status == COCO_OK && id)
        status = coco_json_add_string(object, "id", id, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

coco_status
coco_rcar_error_parse(const void *text, size_t len, struct coco_rcar_error *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *type = NULL;
    const char *detail = NULL;
    const char *id = NULL;
    struct coco_rcar_error error = {0};

    coco_status status = parse_body(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "type", &type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "detail", &detail, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(object, "id", &id, err);
    if (status != COCO_OK)
        return status;

    size_t prefix = strlen(COCO_RCAR_ERROR_TYPE);
    if (strncmp(type, COCO_RCAR_ERROR_TYPE, prefix) == 0
        && coco_text_is_all(type + prefix, ALNUM, sizeof(error.name) - 1))
        memcpy(error.name, type + prefix, strlen(type + prefix) + 1);
    coco_text_escape(detail, strlen(detail), error.detail, sizeof(error.detail));
    if (id && coco_text_is_all(id, ID_CHARS, sizeof(error.id) - 1))
        memcpy(error.id, id, strlen(id) + 1);
    *ret = error;
    return COCO_OK;
}
