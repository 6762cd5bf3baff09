/*
 * attester/imds.c - what Azure's instance metadata service gives to a confidential VM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/imds.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/json.h"
#include "crypto/cert.h"
#include "net/attempt.h"

#include <string.h>

#define BASE "http://169.254.169.254"
#define VCEK_PATH "/metadata/THIM/amd/certification"
#define TD_QUOTE_PATH "/acc/tdquote"
#define URL_MAX ((size_t)512)
#define BODY_MAX ((size_t)256 << 10)
#define TIMEOUT_S 10

/* Its answer to one request, an object. */
static coco_status
ask(coco_ctx *ctx, const char *path, const struct coco_buf *body, cJSON **ret, coco_error **err)
{
    static const struct coco_proxies none = {0};
    static const struct coco_http_header headers[] = {
        {"metadata", "true"},
        {"accept", "application/json"},
        {"content-type", "application/json"},
    };
    const struct coco_http_options opts = {
        .allow_plain = true,
        .connect_timeout = TIMEOUT_S,
        .stall_timeout = TIMEOUT_S,
        .proxies = &none,
    };
    const char *base = secure_getenv(COCO_IMDS_VARIABLE);
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_buf_ struct coco_buf url = {.limit = URL_MAX};

    coco_status status = coco_buf_printf(&url, err, "%s%s", base ? base : BASE, path);
    if (status == COCO_OK)
        status = coco_http_new(&opts, &http, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = body ? "POST" : "GET",
        .url = coco_buf_text(&url),
        .headers = headers,
        .n_headers = body ? 3 : 2,
        .body = body ? body->data : NULL,
        .body_len = body ? body->len : 0,
        .max_body = BODY_MAX,
        .no_redirect = true,
    };
    status = coco_http_insist(http, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 200)
        status = coco_fail(err, COCO_ERR_NET, "answers %ld", response.status);
    if (status == COCO_OK)
        status = coco_json_parse_object(coco_buf_text(&response.body), response.body.len, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "metadata service of Azure: %s", path);
    return COCO_OK;
}

static coco_status
append_der(X509 *cert, struct coco_buf *ret, coco_error **err)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    if (len < 0)
        return coco_fail_nomem(err);
    coco_status status = coco_buf_append(ret, der, (size_t)len, err);
    OPENSSL_free(der);
    return status;
}

/* {"vcekCert": PEM, "certificateChain": PEM, ...}; the rest of the chain everybody has. */
coco_status
coco_imds_vcek(coco_ctx *ctx, struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *answer = NULL;
    _cleanup_cert_ X509 *cert = NULL;
    const char *pem = NULL;

    coco_status status = ask(ctx, VCEK_PATH, NULL, &answer, err);
    if (status == COCO_OK)
        status = coco_json_get_string(answer, "vcekCert", &pem, err);
    if (status == COCO_OK)
        status = coco_cert_parse(pem, strlen(pem), &cert, err);
    if (status == COCO_OK)
        status = append_der(cert, ret, err);
    return status;
}

static coco_status
report_body(const uint8_t *report, size_t len, struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(object, "report", report, len, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, ret, err);
    return status;
}

/* {"quote": base64url}, with padding or without. */
coco_status
coco_imds_td_quote(coco_ctx *ctx, const uint8_t *report, size_t len, struct coco_buf *ret,
                   coco_error **err)
{
    _cleanup_buf_ struct coco_buf body = {.limit = BODY_MAX};
    _cleanup_json_ cJSON *answer = NULL;
    const char *text = NULL;

    coco_status status = report_body(report, len, &body, err);
    if (status == COCO_OK)
        status = ask(ctx, TD_QUOTE_PATH, &body, &answer, err);
    if (status == COCO_OK)
        status = coco_json_get_string(answer, "quote", &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(strchr(text, '=') ? COCO_BASE64URL_PADDED : COCO_BASE64URL,
                                    text, strlen(text), ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "quote of the TD");
    return COCO_OK;
}
