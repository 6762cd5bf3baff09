/*
 * verifier/sev_owner.c - the owner's part in a launch on AMD SEV and SEV-ES
 *
 * certificates -> session; measurement -> checked; secrets -> packet. The keys of the
 * session are in it, wrapped under what the owner's key and the platform's agree on: so the
 * key, the session and the certificates are all that there is to keep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/sev.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/fail.h"
#include "base/options.h"
#include "base/resource.h"
#include "crypto/keywrap.h"
#include "tee/sev_evidence.h"
#include "tee/sev_secret.h"
#include "verifier/sev.h"
#include "verifier/verdict.h"

#include <openssl/crypto.h>
#include <string.h>

#define STATE_MAX ((size_t)64 << 10)
#define KBS "kbs:"
/* Where offline_sev_kbc looks (evidence 9.1). */
#define RESOURCES_GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"

struct coco_sev_owner {
    EVP_PKEY *key; /* GODH */
    struct coco_sev_chain chain;
    struct coco_sev_session session;
    uint32_t policy;
    struct coco_sev_keys keys;

    bool checked;
    struct coco_sev_launch launch; /* what was checked */
    uint8_t mac[COCO_SEV_MAC_SIZE];

    struct coco_sev_secrets secrets;
    cJSON *resources; /* {"<repository>/<type>/<tag>": "<base64>"}; NULL before the first */
};

COCO_DEFINE_CLEANUP(coco_sev_owner *, coco_sev_owner_free);

void
coco_sev_owner_free(coco_sev_owner *owner)
{
    if (!owner)
        return;
    EVP_PKEY_free(owner->key);
    coco_sev_keys_done(&owner->keys);
    coco_sev_secrets_done(&owner->secrets);
    coco_json_free(owner->resources);
    free(owner);
}

/* ---- the session ---- */

static coco_status
explain(const coco_verdict *verdict, coco_error **err)
{
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (!coco_verdict_check_ok(verdict, i) && !coco_verdict_check_allowed(verdict, i))
            return coco_fail(err, COCO_ERR_VERIFY, "%s: %s", coco_verdict_check_name(verdict, i),
                             verdict->checks[i].got);
    return coco_fail(err, COCO_ERR_VERIFY, "nothing was checked");
}

/* A session with who knows what, or for a guest that the host can look into, is worth nothing. */
static coco_status
check_platform(const coco_verifier *verifier, const struct coco_sev_chain *chain, uint32_t policy,
               coco_error **err)
{
    const struct coco_verification verification = {.verifier = verifier};
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    bool debug = (policy & COCO_SEV_POLICY_NODBG) == 0;

    if (!verdict)
        return coco_fail_nomem(err);
    verdict->verifier = verifier;
    verdict->claims.limit = COCO_CLAIMS_MAX;
    coco_status status = coco_check_sev_platform(&verification, verdict, chain, err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "debug", !debug, "a guest that cannot be debugged",
                                  debug ? "one that can be debugged" : "one that cannot", err);
    if (status == COCO_OK && !coco_verdict_valid(verdict))
        status = explain(verdict, err);
    return status;
}

static coco_status
make_session(coco_sev_owner *owner, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *pdh = NULL;

    coco_status status = coco_sev_cert_key(&owner->chain.pdh, &pdh, err);
    if (status == COCO_OK)
        status = coco_key_generate_like(pdh, &owner->key, err);
    if (status == COCO_OK)
        status = coco_sev_keys_generate(&owner->keys, err);
    if (status == COCO_OK)
        status = coco_sev_session_make(owner->key, pdh, owner->policy, &owner->keys,
                                       &owner->session, err);
    return status;
}

coco_status
coco_sev_owner_new(const coco_verifier *verifier, const uint8_t *chain, size_t len, uint32_t policy,
                   coco_sev_owner **ret, coco_error **err)
{
    _cleanup_(coco_sev_owner_freep) coco_sev_owner *owner = calloc(1, sizeof(*owner));

    if (!owner)
        return coco_fail_nomem(err);
    owner->policy = policy;
    coco_status status = coco_sev_chain_parse(chain, len, &owner->chain, err);
    if (status == COCO_OK)
        status = check_platform(verifier, &owner->chain, policy, err);
    if (status == COCO_OK)
        status = make_session(owner, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "SEV platform");
    *ret = coco_steal(&owner);
    return COCO_OK;
}

/* 55766, section 6.2.1: the certificate of a guest's owner is signed by nobody. */
static coco_status
format_certificate(const coco_sev_owner *owner, uint8_t ret[COCO_SEV_CERT_SIZE], coco_error **err)
{
    struct coco_sev_cert cert = {0};

    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++)
        cert.signatures[i].usage = COCO_SEV_NONE;
    coco_status status =
        coco_sev_cert_set_key(&cert, owner->key, COCO_SEV_PDH, COCO_SEV_ECDH_SHA256, err);
    if (status == COCO_OK)
        coco_sev_cert_format(&cert, ret);
    return status;
}

coco_status
coco_sev_owner_get_certificate(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    uint8_t bytes[COCO_SEV_CERT_SIZE];

    coco_status status = format_certificate(owner, bytes, err);
    return status == COCO_OK ? coco_bytes_new(bytes, sizeof(bytes), ret, err) : status;
}

coco_status
coco_sev_owner_get_session(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    uint8_t bytes[COCO_SEV_SESSION_SIZE];

    coco_sev_session_format(&owner->session, bytes);
    return coco_bytes_new(bytes, sizeof(bytes), ret, err);
}

coco_status
coco_sev_owner_get_key(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = STATE_MAX};

    coco_status status = coco_key_private_pem(owner->key, &pem, err);
    return status == COCO_OK ? coco_bytes_take(&pem, ret, err) : status;
}

/* ---- what is kept between the steps ---- */

static coco_status
add_state(const coco_sev_owner *owner, cJSON *object, coco_error **err)
{
    _cleanup_buf_ struct coco_buf chain = {.limit = STATE_MAX};
    _cleanup_buf_ struct coco_buf pem = {.limit = STATE_MAX};
    uint8_t session[COCO_SEV_SESSION_SIZE];

    coco_sev_session_format(&owner->session, session);
    coco_status status = coco_sev_chain_format(&owner->chain, &chain, err);
    if (status == COCO_OK)
        status = coco_key_private_pem(owner->key, &pem, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "owner_key", coco_buf_text(&pem), err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "certificate_chain", chain.data, chain.len, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "session", session, sizeof(session), err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "policy", owner->policy, err);
    return status;
}

coco_status
coco_sev_owner_save(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = STATE_MAX};
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = add_state(owner, object, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

static coco_status
get_base64(const cJSON *object, const char *name, struct coco_buf *buf, coco_error **err)
{
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), buf, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

static coco_status
read_state(const cJSON *object, coco_sev_owner *owner, coco_error **err)
{
    _cleanup_buf_ struct coco_buf chain = {.limit = STATE_MAX};
    _cleanup_buf_ struct coco_buf session = {.limit = COCO_SEV_SESSION_SIZE};
    const char *pem = NULL;
    uint64_t policy = 0;

    coco_status status = coco_json_get_string(object, "owner_key", &pem, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(pem, strlen(pem), &owner->key, err);
    if (status == COCO_OK)
        status = get_base64(object, "certificate_chain", &chain, err);
    if (status == COCO_OK)
        status = coco_sev_chain_parse(chain.data, chain.len, &owner->chain, err);
    if (status == COCO_OK)
        status = get_base64(object, "session", &session, err);
    if (status == COCO_OK)
        status = coco_sev_session_parse(session.data, session.len, &owner->session, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(object, "policy", &policy, err);
    if (status == COCO_OK && policy > UINT32_MAX)
        status = coco_fail(err, COCO_ERR_PROTO, "policy of more than 32 bits");
    owner->policy = (uint32_t)policy;
    return status;
}

/* The session's own MACs tell whether it is of this key, this platform and this policy. */
static coco_status
open_session(coco_sev_owner *owner, coco_error **err)
{
    _cleanup_secret_ struct coco_secret z = {0};
    _cleanup_pkey_ EVP_PKEY *pdh = NULL;

    coco_status status = coco_sev_cert_key(&owner->chain.pdh, &pdh, err);
    if (status == COCO_OK)
        status = coco_ecdh(owner->key, pdh, &z, err);
    if (status == COCO_OK)
        status = coco_sev_session_unwrap(&z, &owner->session, owner->policy, &owner->keys, err);
    return status;
}

coco_status
coco_sev_owner_load(const char *state, coco_sev_owner **ret, coco_error **err)
{
    _cleanup_(coco_sev_owner_freep) coco_sev_owner *owner = calloc(1, sizeof(*owner));
    _cleanup_json_ cJSON *object = NULL;

    if (!owner)
        return coco_fail_nomem(err);
    coco_status status = coco_json_parse_object(state, strlen(state), &object, err);
    if (status == COCO_OK)
        status = read_state(object, owner, err);
    if (status == COCO_OK)
        status = open_session(owner, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "launch that was saved");
    *ret = coco_steal(&owner);
    return COCO_OK;
}

/* ---- the measurement ---- */

static coco_status
read_firmware(const coco_sev_firmware *theirs, struct coco_sev_launch *launch, coco_error **err)
{
    coco_sev_firmware firmware = {.size = sizeof(firmware)};

    coco_status status =
        coco_options_copy(&firmware, sizeof(firmware), sizeof(coco_sev_firmware), theirs, err);
    if (status == COCO_OK
        && (firmware.api_major > UINT8_MAX || firmware.api_minor > UINT8_MAX
            || firmware.build_id > UINT8_MAX))
        status = coco_fail(err, COCO_ERR_INVALID, "versions of firmware go up to 255");
    launch->api_major = (uint8_t)firmware.api_major;
    launch->api_minor = (uint8_t)firmware.api_minor;
    launch->build = (uint8_t)firmware.build_id;
    return status;
}

coco_status
coco_sev_owner_check(coco_sev_owner *owner, const uint8_t *measurement, size_t measurement_len,
                     const uint8_t *digest, size_t digest_len, const coco_sev_firmware *firmware,
                     coco_error **err)
{
    struct coco_sev_launch launch = {.policy = owner->policy};
    uint8_t want[COCO_SEV_MAC_SIZE];

    owner->checked = false;
    if (measurement_len != COCO_SEV_MEASUREMENT_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "measurement of %zu bytes, not %zu",
                         measurement_len, COCO_SEV_MEASUREMENT_SIZE);
    if (digest_len != COCO_SEV_DIGEST_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "digest of %zu bytes, not %zu", digest_len,
                         COCO_SEV_DIGEST_SIZE);
    coco_status status = read_firmware(firmware, &launch, err);
    if (status != COCO_OK)
        return status;
    memcpy(launch.digest, digest, sizeof(launch.digest));
    memcpy(launch.mnonce, measurement + COCO_SEV_MAC_SIZE, sizeof(launch.mnonce));
    status = coco_sev_launch_measure(&launch, &owner->keys.tik, want, err);
    if (status != COCO_OK)
        return status;
    if (CRYPTO_memcmp(want, measurement, sizeof(want)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "another guest was launched, or by another firmware or policy");
    owner->launch = launch;
    memcpy(owner->mac, measurement, sizeof(owner->mac));
    owner->checked = true;
    return COCO_OK;
}

static coco_status
need_launch(const coco_sev_owner *owner, coco_error **err)
{
    return owner->checked ? COCO_OK
                          : coco_fail(err, COCO_ERR_INVALID, "no launch was checked and good");
}

coco_status
coco_sev_owner_get_evidence(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    struct coco_sev_evidence evidence = {
        .chain = owner->chain, .session = owner->session, .launch = owner->launch};
    _cleanup_buf_ struct coco_buf text = {.limit = STATE_MAX};

    coco_status status = need_launch(owner, err);
    if (status != COCO_OK)
        return status;
    memcpy(evidence.mac, owner->mac, sizeof(evidence.mac));
    status = coco_sev_evidence_format(&evidence, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

/* ---- secrets ---- */

static coco_status
add_resource(coco_sev_owner *owner, const char *uri, const uint8_t *data, size_t len,
             coco_error **err)
{
    struct coco_resource_path path;
    coco_status status = coco_resource_uri_parse(uri, &path, err);

    if (status == COCO_OK && len > COCO_SEV_SECRET_TABLE_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "secret of %zu bytes", len);
    if (status == COCO_OK && !owner->resources)
        status = coco_json_new_object(&owner->resources, err);
    if (status == COCO_OK && cJSON_GetObjectItemCaseSensitive(owner->resources, path.text))
        status = coco_fail(err, COCO_ERR_INVALID, "kbs:///%s is there already", path.text);
    if (status == COCO_OK)
        status = coco_json_add_base64(owner->resources, path.text, data, len, err);
    return status;
}

static coco_status
add_guid(coco_sev_owner *owner, const char *name, const uint8_t *data, size_t len, coco_error **err)
{
    uint8_t guid[COCO_GUID_SIZE];

    if (!coco_guid_parse(name, guid))
        return coco_fail(err, COCO_ERR_INVALID, "'%.100s' is neither a GUID nor kbs:///...", name);
    for (size_t i = 0; i < owner->secrets.n; i++)
        if (memcmp(owner->secrets.list[i].guid, guid, sizeof(guid)) == 0)
            return coco_fail(err, COCO_ERR_INVALID, "%s is there already", name);
    return coco_sev_secrets_add(&owner->secrets, guid, data, len, err);
}

coco_status
coco_sev_owner_add_secret(coco_sev_owner *owner, const char *name, const uint8_t *data, size_t len,
                          coco_error **err)
{
    return strncmp(name, KBS, strlen(KBS)) == 0 ? add_resource(owner, name, data, len, err)
                                                : add_guid(owner, name, data, len, err);
}

/* The table of all secrets: resources are one of them. */
static coco_status
make_table(const coco_sev_owner *owner, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_SEV_SECRET_TABLE_MAX};
    _cleanup_sev_secrets_ struct coco_sev_secrets all = {0};
    uint8_t guid[COCO_GUID_SIZE];
    coco_status status = COCO_OK;

    for (size_t i = 0; i < owner->secrets.n && status == COCO_OK; i++)
        status = coco_sev_secrets_add(&all, owner->secrets.list[i].guid,
                                      owner->secrets.list[i].data.data,
                                      owner->secrets.list[i].data.len, err);
    if (status == COCO_OK && owner->resources) {
        (void)coco_guid_parse(RESOURCES_GUID, guid);
        for (size_t i = 0; i < all.n; i++)
            if (memcmp(all.list[i].guid, guid, sizeof(guid)) == 0)
                return coco_fail(err, COCO_ERR_INVALID, "%s is where kbs:///... are",
                                 RESOURCES_GUID);
        status = coco_json_write(owner->resources, COCO_JSON_COMPACT, &json, err);
        if (status == COCO_OK)
            status = coco_sev_secrets_add(&all, guid, json.data, json.len, err);
    }
    if (status == COCO_OK && all.n == 0)
        status = coco_fail(err, COCO_ERR_INVALID, "there is no secret to be injected");
    if (status == COCO_OK)
        status = coco_sev_secrets_format(&all, ret, err);
    return status;
}

coco_status
coco_sev_owner_get_packet(const coco_sev_owner *owner, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 2 * COCO_SEV_SECRET_TABLE_MAX};
    _cleanup_secret_ struct coco_secret table = {0};
    struct coco_sev_packet packet = {.payload.limit = COCO_SEV_SECRET_TABLE_MAX};
    uint8_t iv[COCO_SEV_BLOCK_SIZE];

    coco_status status = need_launch(owner, err);
    if (status == COCO_OK)
        status = make_table(owner, &table, err);
    if (status == COCO_OK)
        status = coco_random(iv, sizeof(iv), err);
    if (status == COCO_OK)
        status = coco_sev_packet_seal(&owner->keys, owner->mac, iv, &table, &packet, err);
    if (status == COCO_OK)
        status = coco_buf_append(&bytes, packet.header, sizeof(packet.header), err);
    if (status == COCO_OK)
        status = coco_buf_append(&bytes, packet.payload.data, packet.payload.len, err);
    coco_buf_done(&packet.payload);
    return status == COCO_OK ? coco_bytes_take(&bytes, ret, err) : status;
}
