/*
 * image/token.c - what to put into Authorization for a registry's challenge
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/token.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "net/attempt.h"

#include <string.h>

#define BODY_MAX ((size_t)1 << 20)
#define URL_MAX ((size_t)8 << 10)
/* RFC 3986 section 2.3 */
#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

coco_status
coco_token_basic(const struct coco_credentials *credentials, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf plain = {.limit = COCO_TOKEN_MAX};
    _cleanup_buf_ struct coco_buf encoded = {.limit = 2 * COCO_TOKEN_MAX};

    coco_status status =
        coco_buf_append(&plain, credentials->user.data, credentials->user.len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&plain, ":", err);
    if (status == COCO_OK)
        status =
            coco_buf_append(&plain, credentials->password.data, credentials->password.len, err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64, plain.data, plain.len, &encoded, err);
    if (status == COCO_OK)
        status = coco_buf_printf(buf, err, "Basic %s", coco_buf_text(&encoded));
    return status;
}

/* Appends value with everything but letters, digits and four marks as %XX. */
static coco_status
add_escaped(struct coco_buf *to, const char *value, coco_error **err)
{
    coco_status status = COCO_OK;

    for (const char *p = value; status == COCO_OK && *p; p++)
        status = strchr(UNRESERVED, *p) ? coco_buf_append(to, p, 1, err)
                                        : coco_buf_printf(to, err, "%%%02X", (uint8_t)*p);
    return status;
}

/* name=value behind what is in url already. */
static coco_status
add_query(struct coco_buf *url, const char *name, const char *value, coco_error **err)
{
    const char *separator = strchr(coco_buf_text(url), '?') ? "&" : "?";

    coco_status status = coco_buf_printf(url, err, "%s%s=", separator, name);
    return status == COCO_OK ? add_escaped(url, value, err) : status;
}

/* The server's own URL: a fragment is never sent, and would swallow what is added. */
static coco_status
add_realm(const struct coco_challenge *challenge, struct coco_buf *url, coco_error **err)
{
    return coco_buf_append(url, challenge->realm, strcspn(challenge->realm, "#"), err);
}

static coco_status
make_url(const struct coco_challenge *challenge, const char *scope, struct coco_buf *url,
         coco_error **err)
{
    coco_status status = add_realm(challenge, url, err);
    if (status == COCO_OK && challenge->service)
        status = add_query(url, "service", challenge->service, err);
    if (status == COCO_OK)
        status = add_query(url, "scope", scope, err);
    return status;
}

/* A token goes into a header, so it must be one word. */
static bool
is_word(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    return *text != '\0';
}

static coco_status
take_token(const struct coco_buf *body, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *token = NULL;
    const char *access_token = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(body), body->len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "token", &token, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(json, "access_token", &access_token, err);
    if (status != COCO_OK)
        return status;
    if (!token || !*token)
        token = access_token;
    if (!token || !is_word(token))
        return coco_fail(err, COCO_ERR_PROTO, "no token in the answer");
    if (strlen(token) > COCO_TOKEN_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "a token of more than %zu bytes", COCO_TOKEN_MAX);
    return coco_buf_printf(buf, err, "Bearer %s", token);
}

static coco_status
request_token(struct coco_http *http, coco_ctx *ctx, const char *url,
              const struct coco_credentials *credentials, struct coco_http_response *ret,
              coco_error **err)
{
    _cleanup_buf_ struct coco_buf basic = {.limit = 2 * COCO_TOKEN_MAX};
    struct coco_http_header header = {.name = "Authorization"};
    struct coco_http_request request = {
        .method = "GET",
        .url = url,
        .headers = &header,
        .max_body = BODY_MAX,
    };

    if (credentials->user.data) {
        coco_status status = coco_token_basic(credentials, &basic, err);
        if (status != COCO_OK)
            return status;
        header.value = coco_buf_text(&basic);
        request.n_headers = 1;
    }
    return coco_http_insist(http, ctx, &request, ret, err);
}

/* What an identity token is traded with (distribution, docs/spec/auth/oauth.md). */
static coco_status
make_form(const struct coco_challenge *challenge, const char *scope,
          const struct coco_credentials *credentials, struct coco_buf *form, coco_error **err)
{
    coco_status status = coco_buf_append_text(
        form, "grant_type=refresh_token&client_id=libcoco&refresh_token=", err);
    if (status == COCO_OK)
        status = add_escaped(form, (const char *)credentials->identity_token.data, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(form, "&scope=", err);
    if (status == COCO_OK)
        status = add_escaped(form, scope, err);
    if (status == COCO_OK && challenge->service)
        status = coco_buf_append_text(form, "&service=", err);
    if (status == COCO_OK && challenge->service)
        status = add_escaped(form, challenge->service, err);
    return status;
}

static coco_status
trade_token(struct coco_http *http, coco_ctx *ctx, const struct coco_challenge *challenge,
            const char *scope, const struct coco_credentials *credentials,
            struct coco_http_response *ret, coco_error **err)
{
    static const struct coco_http_header header = {"Content-Type",
                                                   "application/x-www-form-urlencoded"};
    _cleanup_buf_ struct coco_buf url = {.limit = URL_MAX};
    _cleanup_buf_ struct coco_buf form = {.limit = 4 * COCO_TOKEN_MAX};

    coco_status status = add_realm(challenge, &url, err);
    if (status == COCO_OK)
        status = make_form(challenge, scope, credentials, &form, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "POST",
        .url = coco_buf_text(&url),
        .headers = &header,
        .n_headers = 1,
        .body = form.data,
        .body_len = form.len,
        .max_body = BODY_MAX,
    };
    return coco_http_insist(http, ctx, &request, ret, err);
}

coco_status
coco_token_bearer(struct coco_http *http, coco_ctx *ctx, const struct coco_challenge *challenge,
                  const char *scope, const struct coco_credentials *credentials,
                  struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf url = {.limit = URL_MAX};
    _cleanup_response_ struct coco_http_response response = {0};
    coco_status status;

    if (credentials->identity_token.data) {
        status = trade_token(http, ctx, challenge, scope, credentials, &response, err);
    } else {
        status = make_url(challenge, scope, &url, err);
        if (status == COCO_OK)
            status = request_token(http, ctx, coco_buf_text(&url), credentials, &response, err);
    }
    if (status == COCO_OK && (response.status == 401 || response.status == 403))
        return coco_fail(err, COCO_ERR_DENIED, "the token server refuses the credentials");
    if (status == COCO_OK && response.status != 200)
        return coco_fail(err, COCO_ERR_NET, "the token server answers %ld", response.status);
    if (status == COCO_OK)
        status = take_token(&response.body, buf, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "token");
}
