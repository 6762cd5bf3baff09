/*
 * image/listing.c - what refers to an image, page by page
 *
 *     GET referrers/<digest> -> Link: <...>; rel="next" -> GET ... -> one index of all
 *
 * Source: distribution-spec 1.1, "Listing Referrers"; RFC 8288 for the link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "base/fail.h"
#include "base/json.h"
#include "net/field.h"
#include "net/header.h"
#include "net/url.h"

#include <string.h>

#define PAGES_MAX 16

/* The target of the link to the next page, which may be in any of the Link fields; or NULL. */
static coco_status
find_target(const struct coco_http_response *response, char **ret, coco_error **err)
{
    const char *line = coco_buf_text(&response->headers);
    const char *value = NULL;
    size_t len = 0;

    *ret = NULL;
    while ((value = coco_header_next(&line, "link", &len))) {
        _cleanup_free_ char *field = strndup(value, len);
        const char *target = field ? coco_link_next(field, &len) : NULL;

        if (target)
            *ret = strndup(target, len);
        if (!field || (target && !*ret))
            return coco_fail_nomem(err);
        if (target)
            return COCO_OK;
    }
    return COCO_OK;
}

/* The URL of the next page, or NULL; it is this registry's, which has our credentials. */
static coco_status
find_next(const struct coco_registry *registry, const struct coco_http_response *response,
          char **ret, coco_error **err)
{
    _cleanup_url_ struct coco_url base = {0};
    _cleanup_url_ struct coco_url next = {0};
    _cleanup_free_ char *target = NULL;

    *ret = NULL;
    coco_status status = find_target(response, &target, err);
    if (status != COCO_OK || !target)
        return status;
    status = coco_url_parse(response->url, &base, err);
    if (status == COCO_OK)
        status = coco_url_resolve(&base, target, &next, err);
    if (status == COCO_OK && strcmp(next.origin, registry->origin) != 0)
        status = coco_fail(err, COCO_ERR_PROTO, "the next page is of another server");
    if (status == COCO_OK)
        *ret = coco_steal(&next.text);
    return status;
}

static coco_status
add_entries(const struct coco_http_response *response, cJSON *entries, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status =
        coco_json_parse_object(coco_buf_text(&response->body), response->body.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_list(json, "manifests", &list, err);
    cJSON_ArrayForEach(item, list) {
        if (status == COCO_OK)
            status = coco_json_add_copy(entries, NULL, item, err);
    }
    return status;
}

/* Takes url, and gives the next one. */
static coco_status
get_page(struct coco_registry *registry, coco_ctx *ctx, char **url, cJSON *entries,
         coco_error **err)
{
    static const struct coco_http_header accept = {"Accept", COCO_MEDIA_OCI_INDEX};
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *own = coco_steal(url);
    const struct coco_http_request request = {
        .method = "GET",
        .url = own,
        .headers = &accept,
        .n_headers = 1,
        .only_status = 200,
        .max_body = COCO_MANIFEST_SIZE_MAX,
    };

    coco_status status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 200)
        status = coco_registry_fail(registry, "referrers", &response, err);
    if (status == COCO_OK)
        status = add_entries(&response, entries, err);
    return status == COCO_OK ? find_next(registry, &response, url, err) : status;
}

coco_status
coco_registry_referrers(struct coco_registry *registry, coco_ctx *ctx,
                        const struct coco_digest *digest, struct coco_buf *ret, coco_error **err)
{
    _cleanup_json_ cJSON *index = NULL;
    _cleanup_free_ char *url = NULL;
    cJSON *entries = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    coco_status status = coco_registry_url(registry, "referrers/", text, &url, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&index, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(index, "schemaVersion", 2, err);
    if (status == COCO_OK)
        status = coco_json_add_array(index, "manifests", &entries, err);
    for (int page = 0; status == COCO_OK && url; page++) {
        if (page == PAGES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "referrers on more than %d pages", PAGES_MAX);
        status = get_page(registry, ctx, &url, entries, err);
    }
    return status == COCO_OK ? coco_json_write(index, COCO_JSON_COMPACT, ret, err) : status;
}
