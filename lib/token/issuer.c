/*
 * token/issuer.c - the keys of whoever issues tokens
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/issuer.h"

#include "base/fail.h"
#include "base/json.h"
#include "net/url.h"

#include <string.h>

#define CONNECT_TIMEOUT_S 10
#define STALL_TIMEOUT_S 10

coco_status
coco_issuer_open(const void *ca, size_t len, struct coco_http **ret, coco_error **err)
{
    const struct coco_http_options opts = {
        .connect_timeout = CONNECT_TIMEOUT_S,
        .stall_timeout = STALL_TIMEOUT_S,
    };
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    coco_status status = coco_http_new(&opts, &http, err);
    if (status == COCO_OK && ca)
        status = coco_http_set_ca(http, ca, len, err);
    if (status == COCO_OK)
        *ret = coco_steal(&http);
    return status;
}

/* Length without the "/" that an issuer may end with. */
static size_t
issuer_len(const char *issuer)
{
    size_t len = strlen(issuer);

    return len > 0 && issuer[len - 1] == '/' ? len - 1 : len;
}

bool
coco_issuer_is(const char *name, const char *issuer)
{
    size_t len = issuer_len(issuer);

    return issuer_len(name) == len && strncmp(name, issuer, len) == 0;
}

coco_status
coco_issuer_about(const char *text, size_t len, const char *issuer, char **ret, coco_error **err)
{
    _cleanup_json_ cJSON *about = NULL;
    _cleanup_url_ struct coco_url url = {0};
    const char *said = NULL;
    const char *uri = NULL;

    coco_status status = coco_json_parse_object(text, len, &about, err);
    if (status == COCO_OK)
        status = coco_json_get_string(about, "issuer", &said, err);
    if (status == COCO_OK)
        status = coco_json_get_string(about, "jwks_uri", &uri, err);
    if (status != COCO_OK)
        return status;
    /* Section 4.3: or whoever can answer for one issuer speaks for all. */
    if (!coco_issuer_is(said, issuer))
        return coco_fail(err, COCO_ERR_PROTO, "is about another issuer");
    status = coco_url_parse(uri, &url, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || !url.https)
        return coco_fail(err, COCO_ERR_PROTO, "jwks_uri is not an address of https");
    *ret = coco_steal(&url.text);
    return COCO_OK;
}

/* The body of a 200. */
static coco_status
fetch(struct coco_http *http, coco_ctx *ctx, const char *url, size_t max,
      struct coco_http_response *ret, coco_error **err)
{
    static const struct coco_http_header accept = {"Accept", "application/json"};
    const struct coco_http_request request = {
        .method = "GET",
        .url = url,
        .headers = &accept,
        .n_headers = 1,
        .max_body = max,
    };

    coco_status status = coco_http_do(http, ctx, &request, ret, err);
    if (status == COCO_OK && ret->status != 200)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "answered %ld", ret->status);
    return status;
}

coco_status
coco_issuer_fetch_set(struct coco_http *http, coco_ctx *ctx, const char *url,
                      struct coco_jwk_set *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};

    coco_status status = fetch(http, ctx, url, COCO_JWK_SET_SIZE_MAX, &response, err);
    if (status == COCO_OK)
        status = coco_jwk_set_parse(coco_buf_text(&response.body), response.body.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%.300s", url);
}

coco_status
coco_issuer_discover(struct coco_http *http, coco_ctx *ctx, const char *issuer,
                     struct coco_jwk_set *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_buf_ struct coco_buf url = {.limit = COCO_URL_MAX};
    _cleanup_free_ char *keys = NULL;

    coco_status status = coco_buf_append(&url, issuer, issuer_len(issuer), err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&url, COCO_ISSUER_DISCOVERY, err);
    if (status != COCO_OK)
        return status;
    status = fetch(http, ctx, coco_buf_text(&url), COCO_ISSUER_ABOUT_MAX, &response, err);
    if (status == COCO_OK)
        status =
            coco_issuer_about(coco_buf_text(&response.body), response.body.len, issuer, &keys, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%.300s", coco_buf_text(&url));
    return coco_issuer_fetch_set(http, ctx, keys, ret, err);
}
