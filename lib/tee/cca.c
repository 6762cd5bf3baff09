/*
 * tee/cca.c - tokens of Arm CCA
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/cca.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "tee/serde.h"

#include <inttypes.h>
#include <string.h>

#define INSTANCE_RANDOM 0x01 /* the only kind of UEID that a platform may have */
#define POINT_SIZE 97
#define PROFILE_SHOWN ((size_t)80)

/* ---- claims ---- */

static coco_status
get_sized(struct coco_cbor map, int64_t label, size_t size, struct coco_cbor_string *ret,
          coco_error **err)
{
    coco_status status = coco_cbor_get_bytes(map, label, ret, err);
    if (status == COCO_OK && ret->len != size)
        return coco_fail(err, COCO_ERR_PROTO, "%" PRId64 ": has %zu bytes, not %zu", label,
                         ret->len, size);
    return status;
}

static bool
is_measurement(struct coco_cbor_string bytes)
{
    return bytes.len == 32 || bytes.len == 48 || bytes.len == 64;
}

/* As long as a SHA-2: which one is not what the hash algorithm of the claim set says. */
static coco_status
get_measurement(struct coco_cbor map, int64_t label, struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status = coco_cbor_get_bytes(map, label, ret, err);
    if (status == COCO_OK && !is_measurement(*ret))
        return coco_fail(err, COCO_ERR_PROTO, "%" PRId64 ": has %zu bytes, not 32, 48 or 64", label,
                         ret->len);
    return status;
}

/* A text without a NUL, for it becomes one of C. */
static coco_status
get_text(struct coco_cbor map, int64_t label, struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status = coco_cbor_get_text(map, label, ret, err);
    if (status == COCO_OK && (ret->len == 0 || memchr(ret->data, '\0', ret->len)))
        return coco_fail(err, COCO_ERR_PROTO, "%" PRId64 ": is empty or has a NUL", label);
    return status;
}

static coco_status
get_text_opt(struct coco_cbor map, int64_t label, struct coco_cbor_string *ret, coco_error **err)
{
    struct coco_cbor value;

    *ret = (struct coco_cbor_string){0};
    return coco_cbor_find(map, label, &value) ? get_text(map, label, ret, err) : COCO_OK;
}

static coco_status
get_hash_alg(struct coco_cbor map, int64_t label, struct coco_cbor_string *ret, coco_error **err)
{
    enum coco_hash_alg alg = 0;

    coco_status status = get_text(map, label, ret, err);
    if (status == COCO_OK)
        status = coco_cca_hash_alg(*ret, &alg, err);
    return status;
}

coco_status
coco_cca_hash_alg(struct coco_cbor_string name, enum coco_hash_alg *ret, coco_error **err)
{
    if (coco_cbor_string_is(name, "sha-256"))
        *ret = COCO_SHA256;
    else if (coco_cbor_string_is(name, "sha-384"))
        *ret = COCO_SHA384;
    else if (coco_cbor_string_is(name, "sha-512"))
        *ret = COCO_SHA512;
    else
        return coco_fail(err, COCO_ERR_NOTSUP, "hash algorithm '%.*s'",
                         (int)(name.len < 40 ? name.len : 40), (const char *)name.data);
    return COCO_OK;
}

/* ---- the platform's ---- */

static coco_status
parse_component(struct coco_cbor map, struct coco_cca_component *ret, coco_error **err)
{
    coco_status status = get_text_opt(map, COCO_CCA_COMPONENT_TYPE, &ret->type, err);
    if (status == COCO_OK)
        status = get_measurement(map, COCO_CCA_COMPONENT_VALUE, &ret->value, err);
    if (status == COCO_OK)
        status = get_text_opt(map, COCO_CCA_COMPONENT_VERSION, &ret->version, err);
    if (status == COCO_OK)
        status = get_measurement(map, COCO_CCA_COMPONENT_SIGNER_ID, &ret->signer_id, err);
    if (status == COCO_OK)
        status = get_text_opt(map, COCO_CCA_COMPONENT_HASH_ALG, &ret->hash_alg, err);
    return status;
}

static coco_status
get_components(struct coco_cbor map, struct coco_cca_platform *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor list;

    coco_status status = coco_cbor_get(map, COCO_CCA_CLAIM_COMPONENTS, &list, err);
    if (status == COCO_OK)
        status = coco_cbor_array(list, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "software components");
    if (items.left == 0)
        return coco_fail(err, COCO_ERR_PROTO, "no software components");
    if (items.left > COCO_CCA_COMPONENTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d software components",
                         COCO_CCA_COMPONENTS_MAX);
    for (struct coco_cbor item; coco_cbor_next(&items, &item); ret->n_components++) {
        status = parse_component(item, &ret->components[ret->n_components], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "software component %zu", ret->n_components);
    }
    return COCO_OK;
}

/* Seven states, each with 256 values that the maker may choose among. */
static coco_status
get_lifecycle(struct coco_cbor map, uint16_t *ret, coco_error **err)
{
    uint64_t value = 0;

    coco_status status = coco_cbor_get_u64(map, COCO_CCA_CLAIM_LIFECYCLE, &value, err);
    if (status != COCO_OK)
        return status;
    if (value > (COCO_CCA_DECOMMISSIONED << 12 | 0xff) || (value & 0x0f00) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "lifecycle 0x%" PRIx64, value);
    *ret = (uint16_t)value;
    return COCO_OK;
}

enum coco_cca_state
coco_cca_state_of(const struct coco_cca_platform *platform)
{
    return (enum coco_cca_state)(platform->lifecycle >> 12);
}

static coco_status
get_instance_id(struct coco_cbor map, struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status =
        get_sized(map, COCO_CCA_CLAIM_INSTANCE_ID, COCO_CCA_INSTANCE_SIZE, ret, err);
    if (status == COCO_OK && ret->data[0] != INSTANCE_RANDOM)
        return coco_fail(err, COCO_ERR_PROTO, "instance id of the kind %u", ret->data[0]);
    return status;
}

static coco_status
get_config(struct coco_cbor map, struct coco_cbor_string *ret, coco_error **err)
{
    coco_status status = coco_cbor_get_bytes(map, COCO_CCA_CLAIM_CONFIG, ret, err);
    if (status == COCO_OK && ret->len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "config is empty");
    return status;
}

/* DEN0137 2.0, section A7.2.3.3.11: another domain would choose the challenge as it likes. */
static coco_status
get_client_id(struct coco_cbor map, int64_t *ret, coco_error **err)
{
    coco_status status = coco_cbor_get_i64(map, COCO_CCA_CLAIM_CLIENT_ID, ret, err);

    if (status == COCO_OK && *ret != COCO_CCA_CLIENT_REALMS)
        return coco_fail(err, COCO_ERR_PROTO, "asked for by domain %" PRId64, *ret);
    return status;
}

static coco_status
refuse_profile(struct coco_cbor_string profile, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "unknown profile '%.*s'",
                     (int)(profile.len < PROFILE_SHOWN ? profile.len : PROFILE_SHOWN),
                     (const char *)profile.data);
}

static coco_status
parse_platform(struct coco_cbor map, struct coco_cca_platform *ret, coco_error **err)
{
    coco_status status = get_text(map, COCO_CCA_CLAIM_PROFILE, &ret->profile, err);
    if (status != COCO_OK)
        return status;
    if (coco_cbor_string_is(ret->profile, COCO_CCA_PLATFORM_2024))
        status = get_client_id(map, &ret->client_id, err);
    else if (!coco_cbor_string_is(ret->profile, COCO_CCA_PLATFORM_LEGACY)
             && !coco_cbor_string_is(ret->profile, COCO_CCA_PLATFORM_2023))
        status = refuse_profile(ret->profile, err);
    if (status == COCO_OK)
        status = get_measurement(map, COCO_CCA_CLAIM_CHALLENGE, &ret->challenge, err);
    if (status == COCO_OK)
        status = get_sized(map, COCO_CCA_CLAIM_IMPLEMENTATION_ID, COCO_CCA_IMPLEMENTATION_SIZE,
                           &ret->implementation_id, err);
    if (status == COCO_OK)
        status = get_instance_id(map, &ret->instance_id, err);
    if (status == COCO_OK)
        status = get_config(map, &ret->config, err);
    if (status == COCO_OK)
        status = get_text_opt(map, COCO_CCA_CLAIM_SERVICE, &ret->service, err);
    if (status == COCO_OK)
        status = get_hash_alg(map, COCO_CCA_CLAIM_HASH_ALG, &ret->hash_alg, err);
    if (status == COCO_OK)
        status = get_lifecycle(map, &ret->lifecycle, err);
    if (status == COCO_OK)
        status = get_components(map, ret, err);
    return status;
}

coco_status
coco_cca_platform_parse(const void *data, size_t len, struct coco_cca_platform *ret,
                        coco_error **err)
{
    struct coco_cca_platform platform = {0};
    struct coco_cbor map;

    coco_status status = coco_cbor_parse(data, len, "platform claims", &map, err);
    if (status != COCO_OK)
        return status;
    status = parse_platform(map, &platform, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "platform claims");
    *ret = platform;
    return COCO_OK;
}

/* ---- the realm's ---- */

static coco_status
get_extensible(struct coco_cbor map, struct coco_cca_realm *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor list;
    size_t n = 0;

    coco_status status = coco_cbor_get(map, COCO_CCA_CLAIM_REALM_EXTENSIBLE, &list, err);
    if (status == COCO_OK)
        status = coco_cbor_array_of(list, COCO_CCA_MEASUREMENTS, &items, err);
    for (struct coco_cbor item; status == COCO_OK && coco_cbor_next(&items, &item); n++) {
        status = coco_cbor_bytes(item, &ret->extensible[n], err);
        if (status == COCO_OK && !is_measurement(ret->extensible[n]))
            status = coco_fail(err, COCO_ERR_PROTO, "one of %zu bytes", ret->extensible[n].len);
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "extensible measurements");
    return COCO_OK;
}

/* draft-ffm-rats-cca-token-00 made a COSE_Key of what was a bare point. */
static coco_status
get_realm_key(struct coco_cbor map, struct coco_cca_realm *ret, coco_error **err)
{
    if (ret->profile.len == 0)
        return get_sized(map, COCO_CCA_CLAIM_REALM_KEY, POINT_SIZE, &ret->key, err);
    return coco_cbor_get_bytes(map, COCO_CCA_CLAIM_REALM_KEY, &ret->key, err);
}

static coco_status
parse_realm(struct coco_cbor map, struct coco_cca_realm *ret, coco_error **err)
{
    coco_status status = get_text_opt(map, COCO_CCA_CLAIM_PROFILE, &ret->profile, err);
    if (status != COCO_OK)
        return status;
    if (ret->profile.len > 0 && !coco_cbor_string_is(ret->profile, COCO_CCA_REALM_2023)
        && !coco_cbor_string_is(ret->profile, COCO_CCA_REALM_2024))
        return refuse_profile(ret->profile, err);
    status =
        get_sized(map, COCO_CCA_CLAIM_CHALLENGE, COCO_CCA_CHALLENGE_SIZE, &ret->challenge, err);
    if (status == COCO_OK)
        status = get_sized(map, COCO_CCA_CLAIM_REALM_PERSONALIZATION, COCO_CCA_CHALLENGE_SIZE,
                           &ret->personalization, err);
    if (status == COCO_OK)
        status = get_measurement(map, COCO_CCA_CLAIM_REALM_INITIAL, &ret->initial, err);
    if (status == COCO_OK)
        status = get_extensible(map, ret, err);
    if (status == COCO_OK)
        status = get_hash_alg(map, COCO_CCA_CLAIM_REALM_HASH_ALG, &ret->hash_alg, err);
    if (status == COCO_OK)
        status = get_realm_key(map, ret, err);
    if (status == COCO_OK)
        status = get_hash_alg(map, COCO_CCA_CLAIM_REALM_KEY_HASH_ALG, &ret->key_hash_alg, err);
    return status;
}

coco_status
coco_cca_realm_parse(const void *data, size_t len, struct coco_cca_realm *ret, coco_error **err)
{
    struct coco_cca_realm realm = {0};
    struct coco_cbor map;

    coco_status status = coco_cbor_parse(data, len, "realm claims", &map, err);
    if (status != COCO_OK)
        return status;
    status = parse_realm(map, &realm, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "realm claims");
    *ret = realm;
    return COCO_OK;
}

coco_status
coco_cca_realm_key(const struct coco_cca_realm *realm, EVP_PKEY **ret, coco_error **err)
{
    if (realm->profile.len > 0)
        return coco_cose_key_parse(realm->key.data, realm->key.len, ret, err);
    if (realm->key.len != POINT_SIZE || realm->key.data[0] != 0x04)
        return coco_fail(err, COCO_ERR_PROTO, "realm key is no uncompressed point");
    return coco_ec_key_from_point(COCO_KEY_P384, realm->key.data + 1, ret, err);
}

/* ---- the token ---- */

struct collection {
    struct coco_cbor map;
    bool wrapped; /* each part has its type before it */
};

/* The bytes of a part with its type before it. */
static coco_status
get_wrapped(struct coco_cbor map, int64_t label, struct coco_cbor_string *ret, coco_error **err)
{
    struct coco_cbor_items items;
    struct coco_cbor part;
    uint64_t type = 0;

    coco_status status = coco_cbor_get(map, label, &part, err);
    if (status == COCO_OK)
        status = coco_cbor_array_of(part, 2, &items, err);
    if (status == COCO_OK && coco_cbor_next(&items, &part))
        status = coco_cbor_u64(part, &type, err);
    if (status == COCO_OK && type != COCO_CCA_EAT_CWT)
        return coco_fail(err, COCO_ERR_NOTSUP, "of type %" PRIu64 ", not %d", type,
                         COCO_CCA_EAT_CWT);
    if (status == COCO_OK && coco_cbor_next(&items, &part))
        status = coco_cbor_bytes(part, ret, err);
    return status;
}

static coco_status
get_message(const struct collection *collection, int64_t label, const char *what,
            struct coco_cose_sign1 *ret, coco_error **err)
{
    struct coco_cbor_string bytes = {0};

    coco_status status = collection->wrapped
                             ? get_wrapped(collection->map, label, &bytes, err)
                             : coco_cbor_get_bytes(collection->map, label, &bytes, err);
    if (status == COCO_OK)
        status = coco_cose_sign1_parse(bytes.data, bytes.len, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s token", what);
    return COCO_OK;
}

static coco_status
get_collection(struct coco_cbor token, struct collection *ret, coco_error **err)
{
    struct coco_cbor_items items;
    uint64_t tag = 0;

    ret->wrapped = coco_cbor_tag(token, &tag, &ret->map) && tag == COCO_CCA_TOKEN_CMW_TAG;
    coco_status status = coco_cbor_untag(
        token, ret->wrapped ? COCO_CCA_TOKEN_CMW_TAG : COCO_CCA_TOKEN_TAG, &ret->map, err);
    if (status == COCO_OK)
        status = coco_cbor_map(ret->map, &items, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "CCA token");
    if (ret->wrapped && items.left > 2)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "CCA token: has evidence of devices, which is not verified here");
    if (items.left != 2)
        return coco_fail(err, COCO_ERR_PROTO, "CCA token: has %" PRIu64 " parts, not 2",
                         items.left);
    return COCO_OK;
}

coco_status
coco_cca_token_parse(const void *data, size_t len, struct coco_cca_token *ret, coco_error **err)
{
    struct coco_cca_token token = {0};
    struct collection collection = {0};
    struct coco_cbor item = {0};

    if (len > COCO_CCA_TOKEN_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "CCA token of more than %zu bytes",
                         COCO_CCA_TOKEN_MAX);
    coco_status status = coco_cbor_parse(data, len, "CCA token", &item, err);
    if (status == COCO_OK)
        status = get_collection(item, &collection, err);
    if (status == COCO_OK)
        status = get_message(&collection, COCO_CCA_TOKEN_PLATFORM, "platform",
                             &token.platform_message, err);
    if (status == COCO_OK)
        status = get_message(&collection, COCO_CCA_TOKEN_REALM, "realm", &token.realm_message, err);
    if (status == COCO_OK)
        status = coco_cca_platform_parse(token.platform_message.payload.data,
                                         token.platform_message.payload.len, &token.platform, err);
    if (status == COCO_OK)
        status = coco_cca_realm_parse(token.realm_message.payload.data,
                                      token.realm_message.payload.len, &token.realm, err);
    if (status == COCO_OK)
        *ret = token;
    return status;
}

/* What upstream's attester writes: its only member is an array of integers. */
coco_status
coco_cca_evidence_parse(const cJSON *evidence, struct coco_buf *token, coco_error **err)
{
    static const char *const names[] = {"token", NULL};

    coco_status status = coco_json_check_members(evidence, names, err);
    if (status == COCO_OK)
        status = coco_serde_get_buf(evidence, "token", token, err);
    return status;
}
