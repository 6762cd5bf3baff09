/*
 * kbc/vault_kbc.c - HashiCorp Vault and OpenBao: secrets of KV, keys of Transit
 *
 * Secrets are where Trustee's KBS keeps them in a Vault: the resource a/b/c is the
 * value "data" of the entry a/b/c, unless another is named. Keys stay in the Vault, which wraps
 * others by them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/key.h"
#include "kbc/broker.h"
#include "kbc/vault_login.h"
#include "kbc/vault_reply.h"
#include "kbc/vault_settings.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ROOT "/v1"
#define PATH_MAX_LEN ((size_t)2048)
#define KEY_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
/* A token is not used up to its last second: it must hold when the request arrives. */
#define LEEWAY_S ((int64_t)30)

struct vault_kbc {
    struct coco_vault_settings settings;
    struct coco_broker *broker;
    pthread_mutex_t lock; /* of what follows: the token of a login */
    struct coco_secret token;
    int64_t until; /* CLOCK_MONOTONIC, in seconds; 0: it does not end */
};

static void
vault_kbc_close(void *self)
{
    struct vault_kbc *kbc = self;

    if (!kbc)
        return;
    coco_broker_free(kbc->broker);
    coco_secret_done(&kbc->token);
    coco_vault_settings_done(&kbc->settings);
    (void)pthread_mutex_destroy(&kbc->lock);
    free(kbc);
}

COCO_DEFINE_CLEANUP(struct vault_kbc *, vault_kbc_close);

/* A token must not be seen on the way; within a machine there is none. */
static bool
may_be_plain(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
    const char *host = url + strlen("http://");

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t len = strlen(hosts[i]);
        if (strncasecmp(host, hosts[i], len) == 0 && strchr("/:", host[len]))
            return true;
    }
    return false;
}

/* The broker goes to no other origin than that of its URL. */
static coco_status
read_pair(const void *self, const char *origin, struct coco_peer *ret, coco_error **err)
{
    const struct coco_vault_settings *settings = self;
    _cleanup_buf_ struct coco_buf cert = {.limit = COCO_PEER_PEM_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_PEER_PEM_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)origin;
    coco_status status = coco_file_read(settings->key_file, &text, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(coco_buf_text(&text), text.len, &key, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", settings->key_file);
    status = coco_file_read(settings->cert_file, &cert, err);
    if (status == COCO_OK)
        status = coco_peer_add_pair(ret, coco_buf_text(&cert), cert.len, key, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", settings->cert_file);
}

static coco_status
vault_kbc_open(const char *uri, void **ret, coco_error **err)
{
    struct vault_kbc *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&made->lock, NULL);
    _cleanup_(vault_kbc_closep) struct vault_kbc *kbc = made;

    coco_status status = coco_vault_settings_parse(uri, &kbc->settings, err);
    if (status == COCO_OK)
        status = coco_broker_new(kbc->settings.url, &kbc->broker, err);
    if (status == COCO_OK && kbc->settings.cert_file)
        coco_broker_set_peers(kbc->broker, read_pair, &kbc->settings);
    if (status == COCO_OK && strncasecmp(uri, "http://", strlen("http://")) == 0
        && !may_be_plain(kbc->settings.url))
        status = coco_fail(err, COCO_ERR_INVALID, "a Vault elsewhere needs https");
    if (status == COCO_OK)
        *ret = coco_steal(&kbc);
    return status;
}

static coco_status
set_tls_ca(void *self, const uint8_t *pem, size_t len, coco_error **err)
{
    struct vault_kbc *kbc = self;

    return coco_broker_set_ca(kbc->broker, pem, len, err);
}

static coco_status
set_proxy(void *self, const char *url, const char *no_proxy, coco_error **err)
{
    struct vault_kbc *kbc = self;

    return coco_broker_set_proxy(kbc->broker, url, no_proxy, err);
}

static void
set_retries(void *self, uint32_t retries)
{
    struct vault_kbc *kbc = self;
    const struct coco_retry_policy policy = {.retries = coco_retries(retries)};

    coco_broker_set_retry(kbc->broker, &policy);
}

/* ---- requests ---- */

/* One request; what it asks for, and as whom. */
struct question {
    struct coco_buf path;      /* behind ROOT */
    struct coco_buf body;      /* JSON; empty: none */
    struct coco_secret *token; /* lent; NULL: nobody */
    coco_status wrong;         /* what it means that the request is wrong: 400 */
};

#define _cleanup_question_ _cleanup_(question_done)

static void
question_done(struct question *question)
{
    coco_buf_done(&question->path);
    coco_buf_done(&question->body);
}

static coco_status
ask(const struct vault_kbc *kbc, coco_ctx *ctx, const struct question *question,
    struct coco_broker_answer *ret, coco_error **err)
{
    struct coco_http_header headers[COCO_BROKER_HEADERS_MAX] = {
        {"x-vault-request", "true"}, /* agents may answer nobody who does not say so */
    };
    size_t n = 1;

    if (question->token)
        headers[n++] =
            (struct coco_http_header){"x-vault-token", (const char *)question->token->data};
    if (kbc->settings.space)
        headers[n++] = (struct coco_http_header){"x-vault-namespace", kbc->settings.space};

    const bool has_body = question->body.len > 0;
    const struct coco_broker_request request = {
        .method = has_body ? "POST" : "GET",
        .root = ROOT,
        .path = coco_buf_text(&question->path),
        .content_type = has_body ? "application/json" : NULL,
        .body = question->body.data,
        .len = question->body.len,
        .headers = headers,
        .n_headers = n,
        .away = true,
    };
    return coco_broker_do(kbc->broker, ctx, &request, ret, err);
}

/* Answers that mean something else than their status says. */
static const struct {
    long status;
    const char *words;
    coco_status means;
} known[] = {
    {400, "key not found", COCO_ERR_NOTFOUND},
    {400, "disallowed by policy", COCO_ERR_DENIED},   /* a version of a key that was rotated */
    {400, "for key derivation", COCO_ERR_NOTSUP},     /* from a context, which we have none of */
    {500, "decrypt the ciphertext", COCO_ERR_VERIFY}, /* of a key of RSA */
};

static bool
says(const struct coco_broker_answer *answer, const char *words)
{
    return memmem(coco_buf_text(&answer->body), answer->body.len, words, strlen(words)) != NULL;
}

static coco_status
meaning(const struct coco_broker_answer *answer, const struct question *question)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (answer->status == known[i].status && says(answer, known[i].words))
            return known[i].means;
    if (answer->status == 400)
        return question->wrong;
    if (answer->status == 401 || answer->status == 403)
        return COCO_ERR_DENIED;
    if (answer->status == 404)
        return COCO_ERR_NOTFOUND;
    if (answer->status == 429 || answer->status >= 500 || answer->status == 307)
        return COCO_ERR_NET; /* 503: sealed, or down; 307: it stands by for who is */
    return COCO_ERR_PROTO;
}

/* What an answer means that is none: the API's own words where there are some. */
static coco_status
check(const struct coco_broker_answer *answer, const struct question *question, coco_error **err)
{
    if (answer->status == 200)
        return COCO_OK;
    return coco_vault_fail(answer->body.data, answer->body.len, meaning(answer, question),
                           answer->status, err);
}

/* ---- tokens ---- */

static int64_t
now(void)
{
    struct timespec time = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static coco_status
log_in(const struct vault_kbc *kbc, coco_ctx *ctx, struct coco_vault_login *ret, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_question_ struct question question = {
        .path = {.limit = PATH_MAX_LEN},
        .body = {.limit = 2 * COCO_VAULT_TOKEN_MAX},
        .wrong = COCO_ERR_DENIED, /* a role or a secret id that there is not */
    };

    /* A connection that is there has shown the certificate of its time. */
    if (kbc->settings.cert_file)
        coco_broker_hang_up(kbc->broker);
    coco_status status =
        coco_vault_write_login(&kbc->settings, &question.path, &question.body, err);
    if (status == COCO_OK)
        status = ask(kbc, ctx, &question, &answer, err);
    if (status == COCO_OK)
        status = check(&answer, &question, err);
    if (status == COCO_OK)
        status = coco_vault_read_login(answer.body.data, answer.body.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "login");
}

/* The token of the last login, if it is still good, copied; *ret is empty without. */
static coco_status
copy_token(struct vault_kbc *kbc, struct coco_secret *ret, coco_error **err)
{
    coco_status status = COCO_OK;

    (void)pthread_mutex_lock(&kbc->lock);
    if (kbc->token.data && (kbc->until == 0 || now() < kbc->until))
        status = coco_secret_copy(kbc->token.data, kbc->token.len, ret, err);
    (void)pthread_mutex_unlock(&kbc->lock);
    return status;
}

static coco_status
keep_token(struct vault_kbc *kbc, const struct coco_vault_login *login, coco_error **err)
{
    struct coco_secret copy = {0};
    int64_t left = login->seconds > INT32_MAX ? INT32_MAX : (int64_t)login->seconds;

    coco_status status = coco_secret_copy(login->token.data, login->token.len, &copy, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&kbc->lock);
    coco_secret_done(&kbc->token);
    kbc->token = copy;
    kbc->until = left == 0 ? 0 : now() + left - (left > 2 * LEEWAY_S ? LEEWAY_S : 0);
    (void)pthread_mutex_unlock(&kbc->lock);
    return COCO_OK;
}

/*
 * A token from the file, read each time, for an agent renews it there; or of a login,
 * anew if renew; or none. *fresh says that another login would not give a better one.
 */
static coco_status
take_token(struct vault_kbc *kbc, coco_ctx *ctx, bool renew, struct coco_secret *ret, bool *fresh,
           coco_error **err)
{
    _cleanup_vault_login_ struct coco_vault_login login = {0};
    coco_status status = COCO_OK;

    *fresh = true;
    if (kbc->settings.token)
        return coco_vault_read_word(kbc->settings.token, ret, err);
    if (!coco_vault_logs_in(&kbc->settings))
        return COCO_OK;
    if (!renew) {
        status = copy_token(kbc, ret, err);
        *fresh = false;
        if (status != COCO_OK || ret->data)
            return status;
        *fresh = true;
    }
    status = log_in(kbc, ctx, &login, err);
    if (status == COCO_OK)
        status = keep_token(kbc, &login, err);
    if (status == COCO_OK)
        *ret = coco_secret_steal(&login.token);
    return status;
}

/* Asks with a token; if it may have ended, with another. */
static coco_status
ask_with_token(struct vault_kbc *kbc, coco_ctx *ctx, struct question *question,
               struct coco_broker_answer *ret, coco_error **err)
{
    coco_status status = COCO_OK;
    bool fresh = false;

    for (bool renew = false; status == COCO_OK; renew = true) {
        _cleanup_secret_ struct coco_secret token = {0};

        coco_broker_answer_done(ret);
        status = take_token(kbc, ctx, renew, &token, &fresh, err);
        question->token = token.data ? &token : NULL;
        if (status == COCO_OK)
            status = ask(kbc, ctx, question, ret, err);
        question->token = NULL;
        if (status == COCO_OK && (ret->status != 403 || fresh))
            break;
    }
    if (status == COCO_OK)
        status = check(ret, question, err);
    if (status == COCO_ERR_DENIED && !kbc->settings.token && !coco_vault_logs_in(&kbc->settings))
        return coco_wrap(err, status, "asked as nobody");
    return status;
}

/* ---- KV ---- */

static coco_status
vault_kbc_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
              coco_error **err)
{
    struct vault_kbc *kbc = self;
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_question_ struct question question = {
        .path = {.limit = PATH_MAX_LEN},
        .wrong = COCO_ERR_PROTO,
    };

    coco_status status = coco_buf_printf(&question.path, err, "/%s%s/%s", kbc->settings.mount,
                                         kbc->settings.kv == 2 ? "/data" : "", path->text);
    if (status == COCO_OK)
        status = ask_with_token(kbc, ctx, &question, &answer, err);
    if (status == COCO_OK)
        status = coco_vault_read_secret(answer.body.data, answer.body.len, kbc->settings.kv,
                                        kbc->settings.field, &secret, err);
    if (status == COCO_OK)
        status = coco_bytes_new(secret.data, secret.len, ret, err);
    return status;
}

/* ---- Transit ---- */

/* What Transit does, and what it means that it cannot. */
static const struct operation {
    const char *path;
    coco_status wrong;
} encrypt = {"encrypt", COCO_ERR_INVALID},  /* a key for something else */
    decrypt = {"decrypt", COCO_ERR_VERIFY}; /* what this key has not encrypted */

static coco_status
call_transit(struct vault_kbc *kbc, coco_ctx *ctx, const struct operation *what, const char *id,
             const cJSON *object, struct coco_broker_answer *ret, coco_error **err)
{
    _cleanup_question_ struct question question = {
        .path = {.limit = PATH_MAX_LEN},
        .body = {.limit = 2 * COCO_KBC_WRAPPED_MAX},
        .wrong = what->wrong,
    };

    if (!coco_text_is_all(id, KEY_CHARS, 128) || strspn(id, ".") == strlen(id))
        return coco_fail(err, COCO_ERR_INVALID, "no name of a key of Transit");
    coco_status status =
        coco_buf_printf(&question.path, err, "/%s/%s/%s", kbc->settings.transit, what->path, id);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, &question.body, err);
    if (status == COCO_OK)
        status = ask_with_token(kbc, ctx, &question, ret, err);
    return status;
}

static coco_status
vault_kbc_wrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *key,
               coco_bytes **ret, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_secret_ struct coco_secret wrapped = {0};
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_base64(object, "plaintext", key->data, key->len, err);
    if (status == COCO_OK)
        status = call_transit(self, ctx, &encrypt, id, object, &answer, err);
    if (status == COCO_OK)
        status = coco_vault_read_ciphertext(answer.body.data, answer.body.len, &wrapped, err);
    if (status == COCO_OK)
        status = coco_bytes_new(wrapped.data, wrapped.len, ret, err);
    return status;
}

static coco_status
vault_kbc_unwrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *wrapped,
                 coco_bytes **ret, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_free_ char *text = NULL;

    if (!coco_vault_is_ciphertext(wrapped->data, wrapped->len))
        return coco_fail(err, COCO_ERR_VERIFY, "no ciphertext of a Vault");
    text = strndup((const char *)wrapped->data, wrapped->len);
    if (!text)
        return coco_fail_nomem(err);
    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "ciphertext", text, err);
    if (status == COCO_OK)
        status = call_transit(self, ctx, &decrypt, id, object, &answer, err);
    if (status == COCO_OK)
        status = coco_vault_read_plaintext(answer.body.data, answer.body.len, &key, err);
    if (status == COCO_OK)
        status = coco_bytes_new(key.data, key.len, ret, err);
    return status;
}

const struct coco_kbc_driver coco_vault_kbc = {
    .name = "vault_kbc",
    .open = vault_kbc_open,
    .close = vault_kbc_close,
    .get = vault_kbc_get,
    .wrap = vault_kbc_wrap,
    .unwrap = vault_kbc_unwrap,
    .set_tls_ca = set_tls_ca,
    .set_proxy = set_proxy,
    .set_retries = set_retries,
};
