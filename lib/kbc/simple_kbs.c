/*
 * kbc/simple_kbs.c - the calls of simple-kbs, a broker for SEV and SEV-ES
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/simple_kbs.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/reader.h"
#include "base/text.h"
#include "crypto/aead.h"
#include "kbc/keybroker.pb-c.h"
#include "rpc/message.h"

#include <string.h>

#define SERVICE "/keybroker.KeyBrokerService/"
#define MEASUREMENT_SIZE 48
#define DIGEST_SIZE 32
#define CHAIN_MAX ((size_t)64 << 10)
#define PAYLOAD_MAX ((size_t)3 << 20)

/* A text of an answer or a request, which protobuf-c wants to be able to write to. */
static char *
lend(const char *text)
{
    union {
        const char *lent;
        char *text;
    } u = {text};

    return u.text;
}

/* ---- what it says of failures (simple-kbs, src/grpc/mod.rs) ---- */

static const struct {
    const char *text;
    coco_status status;
} failures[] = {
    {"INTERNAL: Policy validation failed", COCO_ERR_DENIED},
    {"INTERNAL: Measurement Verification Failed", COCO_ERR_DENIED},
    {"INTERNAL: Launch ID not found", COCO_ERR_DENIED},
    {"INTERNAL: Connection not found", COCO_ERR_DENIED},
    {"INTERNAL: Cannot fulfill secret request", COCO_ERR_NOTFOUND},
    {"INTERNAL: Bad secret request", COCO_ERR_INVALID},
    {"INTERNAL: Malformed Client ID", COCO_ERR_INVALID},
    {"INTERNAL: Malformed Launch ID", COCO_ERR_INVALID},
    {"INTERNAL: Failed to generate launch bundle", COCO_ERR_INVALID},
};

static coco_status
fail_as(coco_status status, coco_error *why, coco_error **err)
{
    for (size_t i = 0; status == COCO_ERR_PROTO && i < sizeof(failures) / sizeof(failures[0]); i++)
        if (strstr(coco_error_message(why), failures[i].text)) {
            status = coco_fail(err, failures[i].status, "%s", coco_error_message(why));
            coco_error_free(why);
            return status;
        }
    coco_error_give(err, why);
    return status;
}

/* Calls until it is answered, or it is no use to go on. */
static coco_status
call(const struct coco_simple_kbs *kbs, coco_ctx *ctx, const char *method,
     const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
     ProtobufCMessage **ret, coco_error **err)
{
    struct coco_retry retry = {.policy = kbs->policy};

    for (;;) {
        coco_error *why = NULL;
        bool again = false;

        coco_status status = coco_grpc_call(&kbs->grpc, ctx, method, request, type, ret, &why);
        if (status == COCO_OK)
            return status;
        if (status != COCO_ERR_NET)
            return fail_as(status, why, err);
        status = coco_retry_wait(&retry, ctx, NULL, coco_error_message(why), &again, err);
        if (status != COCO_OK) {
            coco_error_free(why);
            return status;
        }
        if (!again) {
            coco_error_give(err, why);
            return COCO_ERR_NET;
        }
        coco_error_free(why);
    }
}

/* ---- a connection ---- */

static bool
is_guid(const char *text)
{
    if (!coco_text_is_all(text, "0123456789abcdefABCDEF-", COCO_SIMPLE_KBS_GUID_LEN)
        || strlen(text) != COCO_SIMPLE_KBS_GUID_LEN)
        return false;
    for (size_t i = 0; i < COCO_SIMPLE_KBS_GUID_LEN; i++)
        if ((text[i] == '-') != (i == 8 || i == 13 || i == 18 || i == 23))
            return false;
    return true;
}

void
coco_simple_kbs_connection_done(struct coco_simple_kbs_connection *connection)
{
    coco_secret_done(&connection->key);
}

static coco_status
parse_key(const char *text, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf key = {.limit = COCO_AEAD_KEY_SIZE};

    coco_status status = coco_base64_decode(COCO_BASE64, text, strlen(text), &key, err);
    if (status == COCO_OK && key.len != COCO_AEAD_KEY_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "key has %zu bytes, not %d", key.len,
                           COCO_AEAD_KEY_SIZE);
    if (status == COCO_OK)
        status = coco_secret_take(&key, ret, err);
    return status;
}

coco_status
coco_simple_kbs_connection_parse(const char *text, size_t len,
                                 struct coco_simple_kbs_connection *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *client_id = NULL;
    const char *key = NULL;

    coco_status status = coco_json_parse_object(text, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "client_id", &client_id, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "key", &key, err);
    if (status == COCO_OK && !is_guid(client_id))
        status = coco_fail(err, COCO_ERR_PROTO, "'%.40s' is no UUID", client_id);
    if (status == COCO_OK)
        status = parse_key(key, &ret->key, err);
    if (status == COCO_OK)
        memcpy(ret->client_id, client_id, sizeof(ret->client_id));
    return status == COCO_OK ? status : coco_wrap(err, status, "connection with simple-kbs");
}

/* ---- online secrets ---- */

coco_status
coco_simple_kbs_payload_parse(const void *data, size_t len, const char *guid,
                              struct coco_secret *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    uint64_t n = coco_read_u64le(&r);
    uint64_t key_len = coco_read_u64le(&r);

    coco_status status = coco_reader_check(&r, "secrets", err);
    if (status == COCO_OK && (n != 1 || key_len != strlen(guid)))
        status = coco_fail(err, COCO_ERR_PROTO, "secrets: not the one that was asked for");
    const uint8_t *key = status == COCO_OK ? coco_read_piece(&r, strlen(guid)) : NULL;
    uint64_t value_len = coco_read_u64le(&r);
    if (status == COCO_OK)
        status = coco_reader_check(&r, "secrets", err);
    /* A number of this guest's own making: an older answer has another one. */
    if (status == COCO_OK && strncmp((const char *)key, guid, strlen(guid)) != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "secrets: not the one that was asked for");
    if (status == COCO_OK && value_len != r.len)
        status = coco_fail(err, COCO_ERR_PROTO, "secrets: %zu bytes instead of %llu", r.len,
                           (unsigned long long)value_len);
    if (status == COCO_OK)
        status = coco_secret_copy(r.data, r.len, ret, err);
    return status;
}

static coco_status
open_payload(const struct coco_simple_kbs_connection *connection,
             const Keybroker__OnlineSecretResponse *response, const char *guid,
             struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = PAYLOAD_MAX};
    _cleanup_buf_ struct coco_buf iv = {.limit = COCO_AEAD_IV_SIZE};
    _cleanup_secret_ struct coco_secret plain = {0};

    coco_status status = coco_base64_decode(COCO_BASE64, response->payload,
                                            strlen(response->payload), &payload, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, response->iv, strlen(response->iv), &iv, err);
    if (status == COCO_OK && (iv.len != COCO_AEAD_IV_SIZE || payload.len < COCO_AEAD_TAG_SIZE))
        status =
            coco_fail(err, COCO_ERR_PROTO, "%zu bytes under an IV of %zu", payload.len, iv.len);
    if (status != COCO_OK)
        return coco_wrap(err, status, "answer of simple-kbs");
    size_t len = payload.len - COCO_AEAD_TAG_SIZE;
    status = coco_aead_open(connection->key.data, iv.data, NULL, payload.data, len,
                            payload.data + len, &plain, err);
    if (status == COCO_OK)
        status = coco_simple_kbs_payload_parse(plain.data, plain.len, guid, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "answer of simple-kbs");
}

/* RFC 4122 section 4.4. */
static coco_status
random_guid(char ret[COCO_SIMPLE_KBS_GUID_LEN + 1], coco_error **err)
{
    uint8_t b[16];
    char hex[33];

    coco_status status = coco_random(b, sizeof(b), err);
    if (status != COCO_OK)
        return status;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    coco_hex(b, sizeof(b), hex);
    (void)snprintf(ret, COCO_SIMPLE_KBS_GUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
                   hex + 12, hex + 16, hex + 20);
    return COCO_OK;
}

coco_status
coco_simple_kbs_get_online(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                           const struct coco_simple_kbs_connection *connection, const char *type,
                           const char *id, struct coco_secret *ret, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *response = NULL;
    char guid[COCO_SIMPLE_KBS_GUID_LEN + 1];
    Keybroker__RequestDetails details;
    Keybroker__RequestDetails *all[] = {&details};
    Keybroker__OnlineSecretRequest request;

    coco_status status = random_guid(guid, err);
    if (status != COCO_OK)
        return status;
    keybroker__request_details__init(&details);
    details.guid = guid;
    details.format = lend("binary");
    details.secrettype = lend(type);
    details.id = lend(id);
    keybroker__online_secret_request__init(&request);
    request.clientid = lend(connection->client_id);
    request.secretrequests = all;
    request.n_secretrequests = 1;
    status = call(kbs, ctx, SERVICE "GetOnlineSecret", &request.base,
                  &keybroker__online_secret_response__descriptor, &response, err);
    if (status == COCO_OK)
        status = open_payload(connection, (const Keybroker__OnlineSecretResponse *)response, guid,
                              ret, err);
    return status;
}

/* ---- a launch ---- */

static coco_status
decode(const char *text, const char *what, struct coco_buf *buf, coco_error **err)
{
    coco_status status = coco_base64_decode(COCO_BASE64, text, strlen(text), buf, err);

    return status == COCO_OK ? status : coco_wrap(err, status, "answer of simple-kbs: %s", what);
}

void
coco_simple_kbs_bundle_done(struct coco_simple_kbs_bundle *bundle)
{
    coco_buf_done(&bundle->owner_key);
    coco_buf_done(&bundle->session);
}

static coco_status
read_bundle(const Keybroker__BundleResponse *response, struct coco_simple_kbs_bundle *ret,
            coco_error **err)
{
    if (!is_guid(response->launchid))
        return coco_fail(err, COCO_ERR_PROTO, "answer of simple-kbs: '%.40s' is no UUID",
                         response->launchid);
    coco_status status = decode(response->guestownerpublickey, "key", &ret->owner_key, err);
    if (status == COCO_OK)
        status = decode(response->launchblob, "launch blob", &ret->session, err);
    if (status == COCO_OK)
        memcpy(ret->launch_id, response->launchid, sizeof(ret->launch_id));
    return status;
}

coco_status
coco_simple_kbs_get_bundle(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                           const struct coco_buf *chain, uint32_t policy,
                           struct coco_simple_kbs_bundle *ret, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *response = NULL;
    _cleanup_(coco_simple_kbs_bundle_done) struct coco_simple_kbs_bundle bundle = {
        .owner_key.limit = CHAIN_MAX, .session.limit = CHAIN_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = 2 * CHAIN_MAX};
    Keybroker__BundleRequest request;

    if (chain->len > CHAIN_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "certificates of %zu bytes", chain->len);
    coco_status status = coco_base64_encode(COCO_BASE64, chain->data, chain->len, &text, err);
    if (status != COCO_OK)
        return status;
    keybroker__bundle_request__init(&request);
    request.certificatechain = lend(coco_buf_text(&text));
    request.policy = policy;
    status = call(kbs, ctx, SERVICE "GetBundle", &request.base,
                  &keybroker__bundle_response__descriptor, &response, err);
    if (status == COCO_OK)
        status = read_bundle((const Keybroker__BundleResponse *)response, &bundle, err);
    if (status != COCO_OK)
        return status;
    *ret = bundle;
    bundle = (struct coco_simple_kbs_bundle){0};
    return COCO_OK;
}

/* The requests as protobuf-c has them: a list, and what it points to behind it. */
static coco_status
list_requests(const struct coco_simple_kbs_launch *launch, Keybroker__RequestDetails ***ret,
              Keybroker__RequestDetails **items, coco_error **err)
{
    if (launch->n_requests == 0 || launch->n_requests > COCO_SIMPLE_KBS_SECRETS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu secrets asked for", launch->n_requests);
    *ret = calloc(launch->n_requests, sizeof(Keybroker__RequestDetails *));
    *items = calloc(launch->n_requests, sizeof(Keybroker__RequestDetails));
    if (!*ret || !*items)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < launch->n_requests; i++) {
        Keybroker__RequestDetails *item = &(*items)[i];

        keybroker__request_details__init(item);
        item->guid = lend(launch->requests[i].guid);
        item->format = lend(launch->requests[i].format);
        item->secrettype = lend(launch->requests[i].type);
        item->id = lend(launch->requests[i].id);
        (*ret)[i] = item;
    }
    return COCO_OK;
}

coco_status
coco_simple_kbs_get_secret(const struct coco_simple_kbs *kbs, coco_ctx *ctx,
                           const struct coco_simple_kbs_launch *launch, struct coco_buf *header,
                           struct coco_buf *data, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *response = NULL;
    _cleanup_free_ Keybroker__RequestDetails **requests = NULL;
    _cleanup_free_ Keybroker__RequestDetails *items = NULL;
    _cleanup_buf_ struct coco_buf measurement = {.limit = 128};
    _cleanup_buf_ struct coco_buf digest = {.limit = 128};
    Keybroker__SecretRequest request;

    coco_status status = list_requests(launch, &requests, &items, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, launch->measurement, MEASUREMENT_SIZE,
                                    &measurement, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, launch->digest, DIGEST_SIZE, &digest, err);
    if (status != COCO_OK)
        return status;
    keybroker__secret_request__init(&request);
    request.launchmeasurement = lend(coco_buf_text(&measurement));
    request.launchid = lend(launch->launch_id);
    request.policy = launch->policy;
    request.apimajor = launch->api_major;
    request.apiminor = launch->api_minor;
    request.buildid = launch->build_id;
    request.fwdigest = lend(coco_buf_text(&digest));
    request.launchdescription = lend(launch->description);
    request.secretrequests = requests;
    request.n_secretrequests = launch->n_requests;
    status = call(kbs, ctx, SERVICE "GetSecret", &request.base,
                  &keybroker__secret_response__descriptor, &response, err);
    if (status != COCO_OK)
        return status;
    const Keybroker__SecretResponse *r = (const Keybroker__SecretResponse *)response;
    status = decode(r->launchsecretheader, "header", header, err);
    if (status == COCO_OK)
        status = decode(r->launchsecretdata, "secrets", data, err);
    return status;
}
