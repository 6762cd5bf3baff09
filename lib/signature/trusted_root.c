/*
 * signature/trusted_root.c - trusted_root.json: who may certify, log and stamp
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/trust.h"

#include "base/fail.h"
#include "base/rfc3339.h"
#include "signature/checkpoint.h"
#include "signature/protojson.h"

#include <string.h>

#define MEDIA_TYPE "application/vnd.dev.sigstore.trustedroot"

/* {"start", "end"}, of which each may be left out. */
static coco_status
read_validity(const cJSON *json, int64_t *from, int64_t *to, coco_error **err)
{
    const cJSON *period = NULL;
    const char *start = NULL;
    const char *end = NULL;

    *from = 0;
    *to = INT64_MAX;
    coco_status status = coco_json_get_object_opt(json, "validFor", &period, err);
    if (status != COCO_OK || !period)
        return status;
    status = coco_json_get_string_opt(period, "start", &start, err);
    if (status == COCO_OK && start)
        status = coco_rfc3339_parse(start, from, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(period, "end", &end, err);
    if (status == COCO_OK && end)
        status = coco_rfc3339_parse(end, to, err);
    return status;
}

/* What a key is said to be. Where there is another it would be taken for what it is not. */
static const struct {
    const char *details;
    enum coco_key_kind kind;
} keys[] = {
    {"PKIX_ECDSA_P256_SHA_256", COCO_KEY_P256},
    {"PKIX_ECDSA_P384_SHA_384", COCO_KEY_P384},
    {"PKIX_ECDSA_P521_SHA_512", COCO_KEY_P521},
    {"PKIX_ED25519", COCO_KEY_ED25519},
    {"PKIX_RSA_PKCS1V15_2048_SHA256", COCO_KEY_RSA},
    {"PKIX_RSA_PKCS1V15_3072_SHA256", COCO_KEY_RSA},
    {"PKIX_RSA_PKCS1V15_4096_SHA256", COCO_KEY_RSA},
    {"PKCS1_RSA_PKCS1V5", COCO_KEY_RSA},
};

static coco_status
check_details(const cJSON *public, const EVP_PKEY *key, coco_error **err)
{
    enum coco_key_kind kind = 0;
    const char *details = NULL;

    coco_status status = coco_json_get_string(public, "keyDetails", &details, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].details, details) == 0)
            return keys[i].kind == kind
                       ? COCO_OK
                       : coco_fail(err, COCO_ERR_PROTO, "a key that is no %s", details);
    return coco_fail(err, COCO_ERR_NOTSUP, "keys of the kind '%.60s'", details);
}

/* The host of an address, which is the origin of the log's checkpoints; none if it has none. */
static coco_status
read_name(const cJSON *json, char **ret, coco_error **err)
{
    const char *url = NULL;

    coco_status status = coco_json_get_string_opt(json, "baseUrl", &url, err);
    const char *host = url ? strstr(url, "://") : NULL;
    if (status != COCO_OK || !host)
        return status;
    host += strlen("://");
    size_t len = strcspn(host, ":/?#");
    if (len == 0 || memchr(host, '@', len) || memchr(host, '+', len))
        return coco_fail(err, COCO_ERR_PROTO, "baseUrl: '%.100s' has no plain host", url);
    *ret = strndup(host, len);
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

/*
 * logId, by which entries name it. Without one it is computed; checkpointKeyId must be what is
 * computed then, or its first bytes.
 */
static coco_status
read_id(const cJSON *json, struct coco_log *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf said = {.limit = COCO_LOG_ID_SIZE};
    struct coco_digest own = {0};
    const cJSON *id = NULL;
    const cJSON *other = NULL;

    coco_status status = coco_json_get_object_opt(json, "logId", &id, err);
    if (status == COCO_OK && id)
        status = coco_json_get_base64(id, "keyId", ret->id, COCO_LOG_ID_SIZE, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "checkpointKeyId", &other, err);
    if (status != COCO_OK || (id && !other))
        return status;
    status = coco_checkpoint_key_id(ret, true, &own, err);
    if (status == COCO_OK && !id)
        memcpy(ret->id, own.bytes, COCO_LOG_ID_SIZE);
    if (status == COCO_OK && other)
        status = coco_protojson_bytes(other, "keyId", &said, err);
    if (status == COCO_OK && other
        && (said.len < 4 || CRYPTO_memcmp(said.data, own.bytes, said.len) != 0))
        status = coco_fail(err, COCO_ERR_PROTO, "checkpointKeyId is not that of the key");
    return status;
}

/* Of a log that is not known to have begun, nothing it signed can be told from forgeries. */
static coco_status
read_period(const cJSON *public, struct coco_log *ret, coco_error **err)
{
    const cJSON *start = coco_json_at(public, "/validFor/start");

    if (!start)
        return coco_fail(err, COCO_ERR_PROTO, "it is not said from when on it is valid");
    return read_validity(public, &ret->from, &ret->to, err);
}

static coco_status
add_log(const cJSON *json, struct coco_log *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const cJSON *public = NULL;
    const char *hash = NULL;

    coco_status status = coco_json_get_string(json, "hashAlgorithm", &hash, err);
    if (status == COCO_OK && strcmp(hash, "SHA2_256") != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "a tree by '%.60s'", hash);
    if (status == COCO_OK)
        status = coco_json_get_object(json, "publicKey", &public, err);
    if (status == COCO_OK)
        status = coco_protojson_bytes(public, "rawBytes", &der, err);
    if (status == COCO_OK)
        status = coco_key_parse_public(der.data, der.len, &key, err);
    if (status == COCO_OK)
        status = check_details(public, key, err);
    if (status == COCO_OK)
        status = coco_log_make(&key, ret, err);
    if (status == COCO_OK)
        status = read_name(json, &ret->name, err);
    if (status == COCO_OK)
        status = read_id(json, ret, err);
    return status == COCO_OK ? read_period(public, ret, err) : status;
}

static coco_status
add_authority(const cJSON *json, struct coco_authority *ret, coco_error **err)
{
    const cJSON *chain = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_object(json, "certChain", &chain, err);
    if (status == COCO_OK)
        status = coco_json_get_array(chain, "certificates", &list, err);
    cJSON_ArrayForEach(item, list) {
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_CERT_SIZE_MAX};
        _cleanup_cert_ X509 *cert = NULL;

        if (status == COCO_OK)
            status = coco_protojson_bytes(item, "rawBytes", &der, err);
        if (status == COCO_OK)
            status = coco_cert_parse(der.data, der.len, &cert, err);
        if (status == COCO_OK)
            status = coco_cert_chain_add(&ret->chain, &cert, err);
    }
    if (status == COCO_OK && ret->chain.n == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no certificate");
    return status == COCO_OK ? read_validity(json, &ret->from, &ret->to, err) : status;
}

/* An array of the document, of which each becomes one of a list. */
struct section {
    const char *name;
    struct coco_log *logs;
    struct coco_authority *authorities;
    size_t *n;
};

static coco_status
read_section(const cJSON *root, const struct section *section, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_array_opt(root, section->name, &list, err);
    cJSON_ArrayForEach(item, list) {
        size_t at = *section->n;

        if (!cJSON_IsObject(item) || at == COCO_TRUST_MAX)
            return coco_fail(err, COCO_ERR_PROTO, "%s: not a list of at most %d objects",
                             section->name, COCO_TRUST_MAX);
        /* It counts from here on, for what it holds must be freed. */
        ++*section->n;
        status = section->logs ? add_log(item, &section->logs[at], err)
                               : add_authority(item, &section->authorities[at], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s %zu", section->name, at);
    }
    return status;
}

coco_status
coco_trusted_root_parse(const void *json, size_t len, struct coco_trust *ret, coco_error **err)
{
    const struct section sections[] = {
        {"tlogs", ret->logs, NULL, &ret->n_logs},
        {"certificateAuthorities", NULL, ret->authorities, &ret->n_authorities},
        {"ctlogs", ret->ct_logs, NULL, &ret->n_ct_logs},
        {"timestampAuthorities", NULL, ret->stampers, &ret->n_stampers},
    };
    _cleanup_json_ cJSON *root = NULL;
    const char *type = NULL;

    coco_status status = coco_json_parse_object(json, len, &root, err);
    if (status == COCO_OK)
        status = coco_json_get_string(root, "mediaType", &type, err);
    if (status == COCO_OK && strncmp(type, MEDIA_TYPE, strlen(MEDIA_TYPE)) != 0)
        status = coco_fail(err, COCO_ERR_NOTSUP, "'%.100s' is no trusted root", type);
    for (size_t i = 0; status == COCO_OK && i < sizeof(sections) / sizeof(sections[0]); i++)
        status = read_section(root, &sections[i], err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "trusted root");
}
