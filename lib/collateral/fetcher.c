/*
 * collateral/fetcher.c - requests to the services of the makers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/fetcher.h"

#include "base/fail.h"
#include "net/attempt.h"
#include "net/url.h"

#include <string.h>

#define CONNECT_TIMEOUT_S 10
#define STALL_TIMEOUT_S 30
#define RETRIES 3
#define URL_MAX ((size_t)4 << 10)
/* What upstream's settings have at the end of an address, and a request begins with. */
#define INTEL_PATH "/sgx/certification/v4"

/* ---- setting it up ---- */

/* Without the slashes at its end, and without the path that is in a request. */
static coco_status
set_base(const char *text, char **ret, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    if (!*text)
        return COCO_OK;
    coco_status status = coco_url_parse(text, &url, err);
    if (status != COCO_OK)
        return status;
    if (strchr(url.text, '?'))
        return coco_fail(err, COCO_ERR_INVALID, "%.300s: has a query", url.shown);
    size_t len = strlen(url.text);
    while (len > 0 && url.text[len - 1] == '/')
        url.text[--len] = '\0';
    if (len >= strlen(INTEL_PATH) && strcmp(url.text + len - strlen(INTEL_PATH), INTEL_PATH) == 0)
        url.text[len - strlen(INTEL_PATH)] = '\0';
    *ret = coco_steal(&url.text);
    return COCO_OK;
}

coco_status
coco_fetcher_init(struct coco_fetcher *fetcher, coco_ctx *ctx, const char *intel, const char *amd,
                  coco_error **err)
{
    *fetcher = (struct coco_fetcher){.ctx = ctx, .ca.limit = COCO_PEER_PEM_MAX};
    (void)pthread_mutex_init(&fetcher->lock, NULL);
    coco_status status = set_base(intel ? intel : COCO_INTEL_URL, &fetcher->intel, err);
    if (status == COCO_OK)
        status = set_base(amd ? amd : COCO_AMD_URL, &fetcher->amd, err);
    return status;
}

void
coco_fetcher_done(struct coco_fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->n_idle; i++)
        coco_http_free(fetcher->idle[i]);
    coco_proxies_done(&fetcher->proxies);
    coco_buf_done(&fetcher->ca);
    free(fetcher->intel);
    free(fetcher->amd);
    (void)pthread_mutex_destroy(&fetcher->lock);
}

/* ---- one request ---- */

static coco_status
take_client(struct coco_fetcher *fetcher, struct coco_http **ret, coco_error **err)
{
    const struct coco_http_options opts = {
        .connect_timeout = CONNECT_TIMEOUT_S,
        .stall_timeout = STALL_TIMEOUT_S,
        .retry = {.retries = RETRIES, .clock = fetcher->clock},
        .proxies = fetcher->has_proxies ? &fetcher->proxies : NULL,
    };
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    (void)pthread_mutex_lock(&fetcher->lock);
    if (fetcher->n_idle > 0)
        http = fetcher->idle[--fetcher->n_idle];
    (void)pthread_mutex_unlock(&fetcher->lock);
    coco_status status = COCO_OK;
    if (!http) {
        status = coco_http_new(&opts, &http, err);
        if (status == COCO_OK && fetcher->ca.len > 0)
            status = coco_http_set_ca(http, fetcher->ca.data, fetcher->ca.len, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&http);
    return status;
}

static void
give_client(struct coco_fetcher *fetcher, struct coco_http *http)
{
    (void)pthread_mutex_lock(&fetcher->lock);
    bool kept = fetcher->n_idle < COCO_FETCHER_IDLE_MAX;
    if (kept)
        fetcher->idle[fetcher->n_idle++] = http;
    (void)pthread_mutex_unlock(&fetcher->lock);
    if (!kept)
        coco_http_free(http);
}

static coco_status
url_of(const struct coco_fetcher *fetcher, const struct coco_request *request, struct coco_buf *url,
       coco_error **err)
{
    const char *base = request->maker == COCO_INTEL ? fetcher->intel : fetcher->amd;

    if (!base)
        return coco_fail(err, COCO_ERR_NOTFOUND, "nobody is to be asked for it");
    if (request->root_crl && strcmp(base, COCO_INTEL_URL) == 0)
        return coco_buf_append_text(url, COCO_INTEL_ROOT_CRL_URL, err);
    return coco_buf_printf(url, err, "%s%s", base, request->path);
}

static coco_status
read_response(const struct coco_request *request, const struct coco_http_response *response,
              struct coco_items *ret, coco_error **err)
{
    _cleanup_free_ char *header = NULL;
    coco_status status = COCO_OK;

    /* The KDS says 400 of a chip that it does not know, as the PCS of an FMSPC. */
    if (response->status == 404 || response->status == 400)
        return coco_fail(err, COCO_ERR_NOTFOUND, "answered %ld", response->status);
    if (response->status != 200)
        return coco_fail(err, COCO_ERR_NET, "answered %ld", response->status);
    if (request->chain_header)
        status = coco_http_header(response, request->chain_header, &header, err);
    if (status == COCO_OK)
        status = coco_answer_parse(request, header, coco_buf_text(&response->body),
                                   response->body.len, ret, err);
    return status;
}

coco_status
coco_fetcher_get(struct coco_fetcher *fetcher, const struct coco_request *request,
                 struct coco_items *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_buf_ struct coco_buf url = {.limit = URL_MAX};
    struct coco_http *http = NULL;

    coco_status status = url_of(fetcher, request, &url, err);
    if (status == COCO_OK)
        status = take_client(fetcher, &http, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request get = {
        .method = "GET",
        .url = coco_buf_text(&url),
        .max_body = 2 * COCO_COLLATERAL_MAX, /* a list may come in hex */
    };
    /* All of it is signed by its maker: plain HTTP is for whoever gave such an address. */
    coco_http_allow_plain(http, strncmp(get.url, "http://", strlen("http://")) == 0);
    status = coco_http_insist(http, fetcher->ctx, &get, &response, err);
    give_client(fetcher, http);
    if (status != COCO_OK)
        return status;
    status = read_response(request, &response, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%.300s", response.url);
}
