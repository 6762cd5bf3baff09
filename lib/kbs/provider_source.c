/*
 * kbs/provider_source.c - where the keys of an identity provider come from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider_source.h"

#include "base/fail.h"
#include "base/fd.h"
#include "net/http.h"
#include "net/url.h"

#include <string.h>

#define CONNECT_TIMEOUT_S 10
#define STALL_TIMEOUT_S 10

bool
coco_kbs_provider_is_file(const struct coco_kbs_provider *provider)
{
    return provider->jwk_set_uri && strncmp(provider->jwk_set_uri, "https://", 8) != 0;
}

static coco_status
read_file(const char *uri, struct coco_jwk_set *ret, coco_error **err)
{
    static const char scheme[] = "file://";
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_JWK_SET_SIZE_MAX};
    const char *path = strncmp(uri, scheme, strlen(scheme)) == 0 ? uri + strlen(scheme) : uri;

    coco_status status = coco_file_read(path, &text, err);
    if (status != COCO_OK)
        return status;
    status = coco_jwk_set_parse(coco_buf_text(&text), text.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%.300s", path);
}

/* Length without the "/" that an issuer may end with. */
static size_t
issuer_len(const char *issuer)
{
    size_t len = strlen(issuer);

    return len > 0 && issuer[len - 1] == '/' ? len - 1 : len;
}

coco_status
coco_kbs_provider_about(const char *text, size_t len, const char *issuer, char **ret,
                        coco_error **err)
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
    size_t n = issuer_len(issuer);
    if (issuer_len(said) != n || strncmp(said, issuer, n) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "is about another issuer");
    status = coco_url_parse(uri, &url, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || !url.https)
        return coco_fail(err, COCO_ERR_PROTO, "jwks_uri is not an address of https");
    *ret = coco_steal(&url.text);
    return COCO_OK;
}

/* The body of a 200. COCO_ERR_NET without an answer, COCO_ERR_NOTFOUND with another one. */
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

static coco_status
fetch_set(struct coco_http *http, coco_ctx *ctx, const char *url, struct coco_jwk_set *ret,
          coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};

    coco_status status = fetch(http, ctx, url, COCO_JWK_SET_SIZE_MAX, &response, err);
    if (status == COCO_OK)
        status = coco_jwk_set_parse(coco_buf_text(&response.body), response.body.len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%.300s", url);
}

static coco_status
discover(struct coco_http *http, coco_ctx *ctx, const char *issuer, struct coco_jwk_set *ret,
         coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_buf_ struct coco_buf url = {.limit = COCO_URL_MAX};
    _cleanup_free_ char *keys = NULL;

    coco_status status = coco_buf_append(&url, issuer, issuer_len(issuer), err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&url, COCO_KBS_PROVIDER_DISCOVERY, err);
    if (status != COCO_OK)
        return status;
    status = fetch(http, ctx, coco_buf_text(&url), COCO_KBS_PROVIDER_ABOUT_MAX, &response, err);
    if (status == COCO_OK)
        status = coco_kbs_provider_about(coco_buf_text(&response.body), response.body.len, issuer,
                                         &keys, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%.300s", coco_buf_text(&url));
    return fetch_set(http, ctx, keys, ret, err);
}

/* Upstream's way: a set, or else the address of an issuer. */
static coco_status
fetch_or_discover(struct coco_http *http, coco_ctx *ctx, const char *uri, struct coco_jwk_set *ret,
                  coco_error **err)
{
    coco_error *why = NULL;
    coco_error *also = NULL;

    coco_status status = fetch_set(http, ctx, uri, ret, &why);
    if (status == COCO_ERR_NOTFOUND || status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT) {
        coco_status second = discover(http, ctx, uri, ret, &also);

        if (second == COCO_OK || second == COCO_ERR_NOMEM)
            status = second;
    }
    /* That it is no set either way is told of the first. */
    if (status == COCO_ERR_NOMEM)
        status = coco_fail_nomem(err);
    else if (status != COCO_OK)
        coco_error_give(err, coco_steal(&why));
    coco_error_free(why);
    coco_error_free(also);
    return status;
}

coco_status
coco_kbs_provider_get(const struct coco_kbs_provider *provider, coco_ctx *ctx,
                      struct coco_jwk_set *ret, coco_error **err)
{
    const struct coco_http_options opts = {
        .connect_timeout = CONNECT_TIMEOUT_S,
        .stall_timeout = STALL_TIMEOUT_S,
    };
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    if (coco_kbs_provider_is_file(provider))
        return read_file(provider->jwk_set_uri, ret, err);
    coco_status status = coco_http_new(&opts, &http, err);
    if (status == COCO_OK && provider->ca)
        status = coco_http_set_ca(http, provider->ca, strlen(provider->ca), err);
    if (status != COCO_OK)
        return status;
    if (provider->jwk_set_uri)
        return fetch_or_discover(http, ctx, provider->jwk_set_uri, ret, err);
    return discover(http, ctx, provider->issuer, ret, err);
}
