/*
 * kbc/cc_kbc.c - the KBS protocol, as client
 *
 * One handshake serves every secret until the server forgets the session; a
 * passport, a token with its key that others got, does without one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "kbc/guest.h"
#include "kbc/passport.h"
#include "rcar/response.h"

#include <stdio.h>
#include <string.h>

#define INIT_DATA_MAX ((size_t)1 << 20)

struct cc_kbc {
    struct coco_guest guest; /* for who makes the handshake */
    struct coco_sessions sessions;
    struct coco_session *passport; /* instead of them; or NULL */
};

static coco_status
attest(void *user, coco_ctx *ctx, struct coco_session **ret, coco_error **err)
{
    struct cc_kbc *kbc = user;

    return coco_guest_attest(&kbc->guest, ctx, NULL, ret, err);
}

static void
cc_kbc_close(void *self)
{
    struct cc_kbc *kbc = self;

    if (!kbc)
        return;
    coco_session_unref(kbc->passport);
    coco_sessions_done(&kbc->sessions);
    coco_guest_done(&kbc->guest);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct cc_kbc *, cc_kbc_close);

static coco_status
cc_kbc_open(const char *uri, void **ret, coco_error **err)
{
    struct cc_kbc *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    coco_sessions_init(&made->sessions, attest, made);
    _cleanup_(cc_kbc_closep) struct cc_kbc *kbc = made;

    coco_status status = coco_guest_init(&kbc->guest, uri, err);
    if (status == COCO_OK)
        *ret = coco_steal(&kbc);
    return status;
}

static void
set_attester(void *self, coco_attester *attester)
{
    struct cc_kbc *kbc = self;

    coco_attester_free(kbc->guest.attester);
    kbc->guest.attester = attester;
}

/* The evidence of devices is told apart by their TEEs' names. */
static coco_status
add_device(void *self, coco_attester *attester, coco_error **err)
{
    struct cc_kbc *kbc = self;
    struct coco_guest *guest = &kbc->guest;
    const char *tee = coco_attester_tee(attester);

    for (size_t i = 0; i < guest->n_devices; i++)
        if (strcmp(coco_attester_tee(guest->devices[i]), tee) == 0)
            return coco_fail(err, COCO_ERR_INVALID, "there is a device '%s' already", tee);
    if (guest->n_devices == COCO_RCAR_DEVICES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d devices", COCO_RCAR_DEVICES_MAX);
    guest->devices[guest->n_devices++] = attester;
    return COCO_OK;
}

static coco_status
set_tls_ca(void *self, const uint8_t *pem, size_t len, coco_error **err)
{
    struct cc_kbc *kbc = self;

    return coco_broker_set_ca(kbc->guest.broker, pem, len, err);
}

static coco_status
set_proxy(void *self, const char *url, const char *no_proxy, coco_error **err)
{
    struct cc_kbc *kbc = self;

    return coco_broker_set_proxy(kbc->guest.broker, url, no_proxy, err);
}

static void
set_retries(void *self, uint32_t retries)
{
    struct cc_kbc *kbc = self;
    const struct coco_retry_policy policy = {.retries = coco_retries(retries)};

    coco_broker_set_retry(kbc->guest.broker, &policy);
}

static coco_status
set_tee_key(void *self, coco_tee_key kind, coco_error **err)
{
    struct cc_kbc *kbc = self;

    if (kbc->sessions.current)
        return coco_fail(err, COCO_ERR_INVALID, "the key has been made already");
    kbc->guest.kind_chosen = kind != COCO_TEE_KEY_DEFAULT;
    switch (kind) {
    case COCO_TEE_KEY_DEFAULT:
    case COCO_TEE_KEY_P256:
        kbc->guest.kind = COCO_KEY_P256;
        return COCO_OK;
    case COCO_TEE_KEY_P521:
        kbc->guest.kind = COCO_KEY_P521;
        return COCO_OK;
    case COCO_TEE_KEY_RSA:
        kbc->guest.kind = COCO_KEY_RSA;
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID, "no kind %d of TEE keys", (int)kind);
}

static coco_status
set_init_data(void *self, const char *toml, coco_error **err)
{
    struct cc_kbc *kbc = self;
    size_t len = strlen(toml);

    if (len > INIT_DATA_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "init data of more than %zu bytes", INIT_DATA_MAX);
    if (!coco_utf8_valid(toml, len))
        return coco_fail(err, COCO_ERR_INVALID, "init data is not UTF-8");
    char *copy = strdup(toml);
    if (!copy)
        return coco_fail_nomem(err);
    free(kbc->guest.init_data);
    kbc->guest.init_data = copy;
    return COCO_OK;
}

/* ---- Tokens ---- */

static coco_status
take_session(struct cc_kbc *kbc, coco_ctx *ctx, bool renew, struct coco_session **ret, bool *fresh,
             coco_error **err)
{
    return coco_sessions_take(&kbc->sessions, ctx, renew, ret, fresh, err);
}

static coco_status
token_of(const struct coco_session *session, coco_bytes **ret, coco_error **err)
{
    return coco_bytes_new(session->token.data, session->token.len - 1, ret, err);
}

static coco_status
cc_kbc_attest(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    bool fresh = false;

    coco_status status = take_session(self, ctx, true, &session, &fresh, err);
    if (status == COCO_OK)
        status = token_of(session, ret, err);
    return status;
}

/* Whom a token is asked for. */
struct audience {
    struct cc_kbc *kbc;
    const char *name;
};

static coco_status
make_for(void *user, coco_ctx *ctx, struct coco_session **ret, coco_error **err)
{
    const struct audience *audience = user;

    return coco_guest_attest(&audience->kbc->guest, ctx, audience->name, ret, err);
}

static coco_status
cc_kbc_attest_for(void *self, coco_ctx *ctx, const char *name, coco_bytes **ret, coco_error **err)
{
    struct cc_kbc *kbc = self;
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    struct audience audience = {.kbc = kbc, .name = name};

    coco_status status =
        coco_sessions_take_apart(&kbc->sessions, ctx, make_for, &audience, &session, err);
    if (status == COCO_OK)
        status = token_of(session, ret, err);
    return status;
}

/* The session's, or that of a new one if that is over. */
static coco_status
take_valid_session(struct cc_kbc *kbc, coco_ctx *ctx, struct coco_session **ret, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    coco_error *why = NULL;
    bool fresh = false;

    coco_status status = take_session(kbc, ctx, false, &session, &fresh, err);
    if (status == COCO_OK && !fresh && coco_passport_check(session, &why) != COCO_OK) {
        coco_error_free(why);
        coco_session_unref(coco_steal(&session));
        status = take_session(kbc, ctx, true, &session, &fresh, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&session);
    return status;
}

static coco_status
get_passport(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_PASSPORT_MAX};

    coco_status status = take_valid_session(self, ctx, &session, err);
    if (status == COCO_OK)
        status = coco_passport_write(session, &buf, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&buf, ret, err);
    return status;
}

static coco_status
set_passport(void *self, const uint8_t *text, size_t len, coco_error **err)
{
    struct cc_kbc *kbc = self;
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;

    coco_status status = coco_passport_read(text, len, &session, err);
    if (status != COCO_OK)
        return status;
    coco_session_unref(kbc->passport);
    kbc->passport = coco_steal(&session);
    return COCO_OK;
}

/* ---- Resources ---- */

#define TARGET_MAX (COCO_PLUGIN_TARGET_MAX + 1)

/* What is asked for; if something of it is held, and has a tag, only what is newer. */
struct wanted {
    const char *method;
    char target[TARGET_MAX + 1];
    const struct coco_kbc_blob *body; /* or NULL */
    bool of_plugin;
    struct coco_kbc_held *held; /* or NULL */
};

_Static_assert(sizeof("/resource/") + COCO_RESOURCE_PARTS_SIZE < TARGET_MAX, "fits");

static bool
has_tag(const struct wanted *wanted)
{
    return wanted->held && wanted->held->tag[0] != '\0';
}

static coco_status
ask(const struct cc_kbc *kbc, coco_ctx *ctx, const struct coco_session *session,
    const struct wanted *wanted, struct coco_broker_answer *ret, coco_error **err)
{
    const struct coco_http_header newer = {"if-none-match",
                                           has_tag(wanted) ? wanted->held->tag : NULL};
    struct coco_broker_request request = {
        .method = wanted->method,
        .path = wanted->target,
        .headers = &newer,
        .n_headers = has_tag(wanted) ? 1 : 0,
        .max_body = COCO_JSON_LONG_MAX, /* what a server may hold, encrypted and in base64 */
    };

    if (wanted->body) {
        request.content_type = "application/octet-stream";
        request.body = wanted->body->data;
        request.len = wanted->body->len;
        request.once = strcmp(wanted->method, "GET") != 0;
    }
    if (kbc->passport)
        request.token = (const char *)session->token.data;
    else
        request.cookies = &session->cookies;
    return coco_broker_do(kbc->guest.broker, ctx, &request, ret, err);
}

/*
 * Whether the server no longer knows us, so that attesting again may help. A
 * policy's no stays no: upstream's client attests three times for it. Before
 * Trustee v0.11.0 its name was PolicyReject.
 */
static bool
session_is_over(const struct coco_broker_answer *answer)
{
    return answer->status == 401 && !coco_broker_said(answer, "PolicyDeny")
           && !coco_broker_said(answer, "PolicyReject")
           && !coco_broker_said(answer, "PluginInternalError");
}

/* Opens what the server encrypted to this session's key. */
static coco_status
open_reply(const struct coco_session *session, const struct coco_buf *sealed, coco_bytes **ret,
           coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_rcar_response_open(session->version, sealed->data, sealed->len,
                                                 session->key, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

/*
 * Whether it is for our key: a plug-in may say what everybody may read, too. Who could
 * put such a thing in place of the other could encrypt to our key as well.
 */
static coco_status
check_sealed(const struct coco_buf *body, bool *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    coco_error *why = NULL;

    *ret = false;
    if (coco_json_parse_long(coco_buf_text(body), body->len, &object, &why) != COCO_OK)
        return coco_pass_over(why, err);
    *ret = cJSON_GetObjectItemCaseSensitive(object, "protected")
           && cJSON_GetObjectItemCaseSensitive(object, "ciphertext");
    return COCO_OK;
}

static coco_status
read_answer(const struct coco_session *session, const struct coco_broker_answer *answer,
            bool of_plugin, coco_bytes **ret, coco_error **err)
{
    bool sealed = true;

    /* Upstream's words for a resource that is not there, and for a store that failed. */
    if (answer->status == 401 && coco_broker_said(answer, "PluginInternalError"))
        return coco_broker_fail(answer, COCO_ERR_NOTFOUND, err);
    coco_status status = coco_broker_check(answer, err);
    if (status == COCO_OK && of_plugin)
        status = check_sealed(&answer->body, &sealed, err);
    if (status == COCO_OK && !sealed)
        return coco_bytes_new(answer->body.data, answer->body.len, ret, err);
    if (status == COCO_OK)
        status = open_reply(session, &answer->body, ret, err);
    return status;
}

static void
hold(struct coco_kbc_held *held, const struct coco_broker_answer *answer, bool same)
{
    if (!same)
        memcpy(held->tag, answer->etag, COCO_KBC_TAG_SIZE);
    held->leased = answer->leased;
    held->lease = answer->lease;
}

/* One try with one session; *over says that another session may do better. */
static coco_status
try_session(struct cc_kbc *kbc, coco_ctx *ctx, const struct wanted *wanted, bool *over,
            coco_bytes **ret, coco_error **err)
{
    _cleanup_(coco_session_unrefp) struct coco_session *session = NULL;
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    bool fresh = true;
    coco_status status = COCO_OK;

    *over = false;
    if (!kbc->passport)
        status = take_session(kbc, ctx, false, &session, &fresh, err);
    const struct coco_session *used = kbc->passport ? kbc->passport : session;
    if (status == COCO_OK)
        status = ask(kbc, ctx, used, wanted, &answer, err);
    if (status != COCO_OK)
        return status;
    if (!fresh && session_is_over(&answer)) {
        coco_sessions_drop(&kbc->sessions, session);
        *over = true;
        return COCO_OK;
    }
    const bool same = has_tag(wanted) && answer.status == 304;
    if (!same)
        status = read_answer(used, &answer, wanted->of_plugin, ret, err);
    if (status == COCO_OK && wanted->held)
        hold(wanted->held, &answer, same);
    return status;
}

/* A session is known to be over once; the one after it is new, and no try goes on from there. */
static coco_status
get_wanted(struct cc_kbc *kbc, coco_ctx *ctx, const struct wanted *wanted, coco_bytes **ret,
           coco_error **err)
{
    bool over = true;
    coco_status status = COCO_OK;

    while (status == COCO_OK && over)
        status = try_session(kbc, ctx, wanted, &over, ret, err);
    return status;
}

static coco_status
get_resource(struct cc_kbc *kbc, coco_ctx *ctx, const struct coco_resource_path *path,
             struct coco_kbc_held *held, coco_bytes **ret, coco_error **err)
{
    struct wanted wanted = {.method = "GET", .held = held};

    (void)snprintf(wanted.target, sizeof(wanted.target), "/resource/%s", path->text);
    return get_wanted(kbc, ctx, &wanted, ret, err);
}

static coco_status
cc_kbc_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
           coco_error **err)
{
    return get_resource(self, ctx, path, NULL, ret, err);
}

static coco_status
cc_kbc_get_newer(void *self, coco_ctx *ctx, const struct coco_resource_path *path,
                 struct coco_kbc_held *held, coco_bytes **ret, coco_error **err)
{
    return get_resource(self, ctx, path, held, ret, err);
}

static coco_status
cc_kbc_ask(void *self, coco_ctx *ctx, const struct coco_kbc_question *question, coco_bytes **ret,
           coco_error **err)
{
    static const char resource[] = "resource/"; /* which is always for our key alone */
    struct wanted wanted = {
        .method = question->method,
        .of_plugin = strncmp(question->uri->target, resource, strlen(resource)) != 0,
    };

    if (question->body.data)
        wanted.body = &question->body;
    (void)snprintf(wanted.target, sizeof(wanted.target), "/%s", question->uri->target);
    return get_wanted(self, ctx, &wanted, ret, err);
}

/* ---- Keys that a plug-in of the broker has ---- */

static coco_status
cc_kbc_wrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *key,
            coco_bytes **ret, coco_error **err)
{
    (void)self;
    (void)ctx;
    (void)id;
    (void)key;
    (void)ret;
    return coco_fail(err, COCO_ERR_NOTSUP, "only the owner of a KBS has keys wrapped by it");
}

/* As upstream's plug-in "pkcs11" has it: GET, with what is wrapped as its body. */
static coco_status
cc_kbc_unwrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *wrapped,
              coco_bytes **ret, coco_error **err)
{
    struct coco_plugin_uri uri;
    const struct coco_kbc_question question = {.method = "GET", .uri = &uri, .body = *wrapped};

    coco_status status = coco_plugin_uri_parse(id, &uri, err);
    return status == COCO_OK ? cc_kbc_ask(self, ctx, &question, ret, err) : status;
}

_Static_assert(COCO_KBC_TAG_SIZE == COCO_BROKER_ETAG_SIZE, "an entity tag is a tag");

const struct coco_kbc_driver coco_cc_kbc = {
    .name = "cc_kbc",
    .open = cc_kbc_open,
    .close = cc_kbc_close,
    .get = cc_kbc_get,
    .get_newer = cc_kbc_get_newer,
    .ask = cc_kbc_ask,
    .wrap = cc_kbc_wrap,
    .unwrap = cc_kbc_unwrap,
    .attest = cc_kbc_attest,
    .attest_for = cc_kbc_attest_for,
    .get_passport = get_passport,
    .set_passport = set_passport,
    .set_attester = set_attester,
    .add_device = add_device,
    .set_tls_ca = set_tls_ca,
    .set_proxy = set_proxy,
    .set_retries = set_retries,
    .set_tee_key = set_tee_key,
    .set_init_data = set_init_data,
};
