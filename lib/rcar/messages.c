/*
 * rcar/messages.c - the messages of the KBS protocol
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rcar/messages.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "rcar/tee_key.h"

#include <string.h>

#define NONCE_SIZE 32
#define TEE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define COMPACT_JWS_CHARS ALNUM "-_."
#define ID_CHARS ALNUM "-"
#define AUDIENCE "audience" /* in extra-params: our own */
#define ALGS "supported-hash-algorithms"
#define ALG "selected-hash-algorithm"

/* Escaping can make each byte six, and the additional evidence is escaped once more. */
#define CANONICAL_MAX (6 * COCO_RCAR_BODY_MAX)

static coco_status
check_size(size_t len, coco_error **err)
{
    if (len > COCO_RCAR_BODY_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message of more than %zu bytes", COCO_RCAR_BODY_MAX);
    return COCO_OK;
}

static coco_status
parse_body(const void *text, size_t len, cJSON **ret, coco_error **err)
{
    coco_status status = check_size(len, err);

    return status == COCO_OK ? coco_json_parse_object(text, len, ret, err) : status;
}

/* ---- Request ---- */

coco_status
coco_rcar_audience_check(const char *text, coco_error **err)
{
    size_t len = strnlen(text, COCO_RCAR_AUDIENCE_MAX + 1);

    if (len == 0 || len > COCO_RCAR_AUDIENCE_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "audience is not 1 to %d bytes",
                         COCO_RCAR_AUDIENCE_MAX);
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"\\<>", text[i]))
            return coco_fail(err, COCO_ERR_INVALID, "audience has bytes that no URI has");
    return COCO_OK;
}

/* Both that evidence is bound with; a guest of 0.1.0 has no words for them. */
static coco_status
add_extra_params(enum coco_rcar_version version, const char *audience, cJSON *request,
                 coco_error **err)
{
    cJSON *extra = NULL;
    cJSON *algs = NULL;

    if (!coco_rcar_has_values(version) && audience)
        return coco_fail(err, COCO_ERR_NOTSUP, "version %s of the protocol has no audiences",
                         coco_rcar_version_name(version));
    if (!coco_rcar_has_values(version))
        return coco_json_add_string(request, "extra-params", "", err);
    coco_status status = coco_json_add_object(request, "extra-params", &extra, err);
    if (status == COCO_OK)
        status = coco_json_add_array(extra, ALGS, &algs, err);
    if (status == COCO_OK)
        status = coco_json_add_string(algs, NULL, "sha384", err);
    if (status == COCO_OK)
        status = coco_json_add_string(algs, NULL, "sha512", err);
    if (status == COCO_OK && audience)
        status = coco_json_add_string(extra, AUDIENCE, audience, err);
    return status;
}

coco_status
coco_rcar_request_build(enum coco_rcar_version version, const char *tee, const char *audience,
                        struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *request = NULL;

    coco_status status = audience ? coco_rcar_audience_check(audience, err) : COCO_OK;
    if (status == COCO_OK)
        status = coco_json_new_object(&request, err);
    if (status == COCO_OK)
        status = coco_json_add_string(request, "version", coco_rcar_version_name(version), err);
    if (status == COCO_OK)
        status = coco_json_add_string(request, "tee", tee, err);
    if (status == COCO_OK)
        status = add_extra_params(version, audience, request, err);
    if (status == COCO_OK)
        status = coco_json_write(request, COCO_JSON_COMPACT, buf, err);
    return status;
}

static void
parse_algs(const cJSON *extra, struct coco_rcar_request *ret)
{
    const cJSON *algs = cJSON_GetObjectItemCaseSensitive(extra, ALGS);
    const cJSON *alg;

    ret->lists_algs = cJSON_IsArray(algs);
    cJSON_ArrayForEach(alg, algs) {
        if (cJSON_IsString(alg) && strcasecmp(alg->valuestring, "sha512") == 0)
            ret->lists_sha512 = true;
    }
}

static coco_status
parse_audience(const cJSON *extra, char ret[COCO_RCAR_AUDIENCE_MAX + 1], coco_error **err)
{
    const char *audience = NULL;

    coco_status status = coco_json_get_string_opt(extra, AUDIENCE, &audience, err);
    if (status != COCO_OK || !audience)
        return status;
    if (coco_rcar_audience_check(audience, NULL) != COCO_OK)
        return coco_fail(err, COCO_ERR_PROTO, "extra-params: '%.40s' is no audience", audience);
    memcpy(ret, audience, strlen(audience) + 1);
    return COCO_OK;
}

coco_status
coco_rcar_request_parse(const void *text, size_t len, struct coco_rcar_request *ret,
                        coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *version = NULL;
    const char *tee = NULL;
    struct coco_rcar_request request = {0};

    coco_status status = parse_body(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "tee", &tee, err);
    if (status != COCO_OK)
        return status;

    if (!coco_rcar_version_parse(version, &request.version))
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "KBS Client Protocol Version Mismatch: expect =%s or an older one while "
                         "the request is %.40s",
                         coco_rcar_version_name(COCO_RCAR_NEWEST), version);
    if (!coco_text_is_all(tee, TEE_CHARS, COCO_RCAR_TEE_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "tee: '%.40s' is no name of a TEE", tee);
    memcpy(request.tee, tee, strlen(tee) + 1);
    /* Of any other type they are some other client's. */
    const cJSON *extra = cJSON_GetObjectItemCaseSensitive(object, "extra-params");
    if (cJSON_IsObject(extra)) {
        parse_algs(extra, &request);
        status = parse_audience(extra, request.audience, err);
    }
    if (status == COCO_OK)
        *ret = request;
    return status;
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
coco_rcar_challenge_build(const char *nonce, enum coco_hash_alg alg, struct coco_buf *buf,
                          coco_error **err)
{
    _cleanup_json_ cJSON *challenge = NULL;
    cJSON *extra = NULL;

    coco_status status = coco_json_new_object(&challenge, err);
    if (status == COCO_OK)
        status = coco_json_add_string(challenge, "nonce", nonce, err);
    /* Clients fail without it, whatever it is (A.6). */
    if (status == COCO_OK && alg == COCO_SHA384)
        status = coco_json_add_string(challenge, "extra-params", "", err);
    else if (status == COCO_OK)
        status = coco_json_add_object(challenge, "extra-params", &extra, err);
    if (status == COCO_OK && extra)
        status = coco_json_add_string(extra, ALG, coco_hash_name(alg), err);
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
    coco_status status = coco_json_get_string_opt(extra, ALG, &name, err);
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

/* ---- Attestation ---- */

/* {"nonce","tee-pubkey"} and, with devices, "additional-evidence" in front. */
static coco_status
build_bound(const struct coco_rcar_binding *binding, bool with_devices, cJSON **ret,
            coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK && with_devices)
        status = coco_json_add_string(object, "additional-evidence",
                                      binding->additional ? binding->additional : "", err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "nonce", binding->nonce, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(object, "tee-pubkey", binding->tee_pubkey, err);
    if (status == COCO_OK)
        *ret = coco_steal(&object);
    return status;
}

coco_status
coco_rcar_runtime_data(const struct coco_rcar_binding *binding, cJSON **ret, coco_error **err)
{
    return build_bound(binding, coco_rcar_has_devices(binding->version), ret, err);
}

static coco_status
digest_of_bound(const struct coco_rcar_binding *binding, bool with_devices, struct coco_digest *ret,
                coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = CANONICAL_MAX};

    coco_status status = build_bound(binding, with_devices, &object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_CANONICAL, &text, err);
    if (status == COCO_OK)
        status = coco_digest_of(binding->alg, text.data, text.len, ret, err);
    return status;
}

coco_status
coco_rcar_report_data(const struct coco_rcar_binding *binding, struct coco_digest *ret,
                      coco_error **err)
{
    return digest_of_bound(binding, coco_rcar_has_devices(binding->version), ret, err);
}

coco_status
coco_rcar_device_report_data(const struct coco_rcar_binding *binding, struct coco_digest *ret,
                             coco_error **err)
{
    return digest_of_bound(binding, false, ret, err);
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

/* Dropped in silence, what was to be measured would not be. */
static coco_status
check_can_send(enum coco_rcar_version version, const struct coco_rcar_attestation *attestation,
               coco_error **err)
{
    const char *name = coco_rcar_version_name(version);

    if (attestation->init_data && !coco_rcar_has_init_data(version))
        return coco_fail(err, COCO_ERR_NOTSUP, "version %s of the KBS protocol has no init-data",
                         name);
    if (attestation->additional && *attestation->additional && !coco_rcar_has_devices(version))
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "version %s of the KBS protocol has no evidence of devices", name);
    return COCO_OK;
}

static coco_status
add_key_and_nonce(enum coco_rcar_version version, const struct coco_rcar_attestation *attestation,
                  cJSON *object, coco_error **err)
{
    cJSON *member = NULL;

    if (!coco_rcar_has_init_data(version))
        return coco_json_add_copy(object, "tee-pubkey", attestation->tee_pubkey, err);
    coco_status status = coco_json_add_object(object, "runtime-data", &member, err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "nonce", attestation->nonce, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(member, "tee-pubkey", attestation->tee_pubkey, err);
    return status;
}

static coco_status
add_evidence_text(const cJSON *evidence, cJSON *object, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_RCAR_BODY_MAX};

    coco_status status = coco_json_write(evidence, COCO_JSON_COMPACT, &text, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "tee-evidence", coco_buf_text(&text), err);
    return status;
}

static coco_status
add_evidence(enum coco_rcar_version version, const struct coco_rcar_attestation *attestation,
             cJSON *object, coco_error **err)
{
    cJSON *member = NULL;

    if (!coco_rcar_has_values(version))
        return add_evidence_text(attestation->evidence, object, err);
    if (!coco_rcar_has_devices(version))
        return coco_json_add_copy(object, "tee-evidence", attestation->evidence, err);
    coco_status status = coco_json_add_object(object, "tee-evidence", &member, err);
    if (status == COCO_OK)
        status = coco_json_add_copy(member, "primary_evidence", attestation->evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_string(member, "additional_evidence",
                                      attestation->additional ? attestation->additional : "", err);
    return status;
}

coco_status
coco_rcar_attestation_build(enum coco_rcar_version version,
                            const struct coco_rcar_attestation *attestation, struct coco_buf *buf,
                            coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = check_can_send(version, attestation, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK && coco_rcar_has_init_data(version))
        status = add_init_data(object, attestation->init_data, err);
    if (status == COCO_OK)
        status = add_key_and_nonce(version, attestation, object, err);
    if (status == COCO_OK)
        status = add_evidence(version, attestation, object, err);
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
parse_key_and_nonce(enum coco_rcar_version version, const cJSON *object, const EVP_PKEY *like,
                    struct coco_rcar_attestation *ret, coco_error **err)
{
    const cJSON *holder = object;
    coco_status status = COCO_OK;

    if (coco_rcar_has_init_data(version)) {
        status = coco_json_get_object(object, "runtime-data", &holder, err);
        if (status == COCO_OK)
            status = coco_json_get_string(holder, "nonce", &ret->nonce, err);
        if (status == COCO_OK)
            status = check_nonce(ret->nonce, err);
    }
    if (status == COCO_OK)
        status = coco_json_get_object(holder, "tee-pubkey", &ret->tee_pubkey, err);
    if (status == COCO_OK)
        status = coco_rcar_tee_key_parse_like(version, ret->tee_pubkey, like, &ret->key, err);
    return status;
}

/* The text of evidence becomes a member of the tree, which owns it from here on. */
static coco_status
parse_evidence_text(cJSON *object, struct coco_rcar_attestation *ret, coco_error **err)
{
    const char *text = NULL;
    cJSON *evidence = NULL;

    coco_status status = coco_json_get_string(object, "tee-evidence", &text, err);
    if (status == COCO_OK)
        status = coco_json_parse(text, strlen(text), &evidence, err);
    if (status == COCO_OK)
        status = coco_json_add_item(object, "evidence", evidence, err);
    if (status == COCO_OK)
        ret->evidence = evidence;
    return status;
}

static coco_status
parse_evidence(enum coco_rcar_version version, cJSON *object, struct coco_rcar_attestation *ret,
               coco_error **err)
{
    const cJSON *composite = NULL;

    ret->additional = "";
    if (!coco_rcar_has_values(version))
        return parse_evidence_text(object, ret, err);
    if (!coco_rcar_has_devices(version))
        return coco_json_get_any(object, "tee-evidence", &ret->evidence, err);
    coco_status status = coco_json_get_object(object, "tee-evidence", &composite, err);
    if (status == COCO_OK)
        status = coco_json_get_any(composite, "primary_evidence", &ret->evidence, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(composite, "additional_evidence", &ret->additional, err);
    if (status == COCO_OK && !ret->additional)
        ret->additional = "";
    return status;
}

coco_status
coco_rcar_attestation_parse(enum coco_rcar_version version, const void *text, size_t len,
                            struct coco_rcar_attestation *ret, coco_error **err)
{
    return coco_rcar_attestation_parse_like(version, text, len, NULL, ret, err);
}

coco_status
coco_rcar_attestation_parse_like(enum coco_rcar_version version, const void *text, size_t len,
                                 const EVP_PKEY *like, struct coco_rcar_attestation *ret,
                                 coco_error **err)
{
    _cleanup_attestation_ struct coco_rcar_attestation attestation = {0};

    coco_status status = check_size(len, err);
    /* Bytes in it stay packed: all that is done with evidence is to write it again. */
    if (status == COCO_OK)
        status = coco_json_parse_packed(text, len, &attestation.tree, err);
    if (status == COCO_OK && coco_rcar_has_init_data(version))
        status = parse_init_data(attestation.tree, &attestation.init_data, err);
    if (status == COCO_OK)
        status = parse_key_and_nonce(version, attestation.tree, like, &attestation, err);
    if (status == COCO_OK)
        status = parse_evidence(version, attestation.tree, &attestation, err);
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
    EVP_PKEY_free(attestation->key);
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

/* ---- ErrorInformation ---- */

coco_status
coco_rcar_error_build(const char *name, const char *detail, const char *id, const char *trace,
                      struct coco_buf *buf, coco_error **err)
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
    if (status == COCO_OK && trace)
        status = coco_json_add_string(object, "trace_id", trace, err);
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
