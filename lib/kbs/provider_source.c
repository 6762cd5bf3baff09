/*
 * kbs/provider_source.c - where the keys of an identity provider come from
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider_source.h"

#include "base/fail.h"
#include "base/fd.h"
#include "token/issuer.h"

#include <string.h>

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

/* Upstream's way: a set, or else the address of an issuer. */
static coco_status
fetch_or_discover(struct coco_http *http, coco_ctx *ctx, const char *uri, struct coco_jwk_set *ret,
                  coco_error **err)
{
    coco_error *why = NULL;
    coco_error *also = NULL;

    coco_status status = coco_issuer_fetch_set(http, ctx, uri, ret, &why);
    if (status == COCO_ERR_NOTFOUND || status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT) {
        coco_status second = coco_issuer_discover(http, ctx, uri, ret, &also);

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
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    if (coco_kbs_provider_is_file(provider))
        return read_file(provider->jwk_set_uri, ret, err);
    coco_status status =
        coco_issuer_open(provider->ca, provider->ca ? strlen(provider->ca) : 0, &http, err);
    if (status != COCO_OK)
        return status;
    if (provider->jwk_set_uri)
        return fetch_or_discover(http, ctx, provider->jwk_set_uri, ret, err);
    return coco_issuer_discover(http, ctx, provider->issuer, ret, err);
}
