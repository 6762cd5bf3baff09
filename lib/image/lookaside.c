/*
 * image/lookaside.c - signatures that are kept elsewhere than in the registry's repository
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "base/base64.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/registry.h"
#include "image/signatures.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE_MAX ((size_t)1 << 20)
#define LIST_MAX ((uint64_t)4 << 20)

__attribute__((format(printf, 3, 4))) static coco_status
print(char **ret, coco_error **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vasprintf(ret, fmt, args);
    va_end(args);
    if (n >= 0)
        return COCO_OK;
    *ret = NULL;
    return coco_fail_nomem(err);
}

/* ---- one file after the other ---- */

/* Appends what is there; *there says whether anything is. */
static coco_status
read_file(const char *path, struct coco_buf *ret, bool *there, coco_error **err)
{
    coco_error *cause = NULL;
    bool missing = false;

    coco_status status = coco_file_read(path, ret, &cause);
    *there = status == COCO_OK;
    return *there ? COCO_OK : coco_forgive(cause, COCO_ERR_NOTFOUND, &missing, err);
}

static coco_status
read_url(struct coco_http *http, coco_ctx *ctx, const char *url, struct coco_buf *ret, bool *there,
         coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    const struct coco_http_request request = {
        .method = "GET", .url = url, .only_status = 200, .max_body = SIGNATURE_MAX};

    coco_status status = coco_http_do(http, ctx, &request, &response, err);
    if (status != COCO_OK)
        return status;
    *there = response.status == 200;
    if (!*there && response.status != 404)
        return coco_fail(err, COCO_ERR_NET, "'%.300s': the server answers %ld", url,
                         response.status);
    return *there ? coco_buf_append(ret, response.body.data, response.body.len, err) : COCO_OK;
}

/* For lookasides in the net; their servers get no credentials, and signatures need no TLS. */
static coco_status
open_http(const struct coco_found_image *image, const char *url, struct coco_http **ret,
          coco_error **err)
{
    const coco_image_client *client = image->client;
    const struct coco_http_options opts = {
        .allow_plain = strncmp(url, "http://", strlen("http://")) == 0,
        .stall_timeout = image->set->stall_seconds,
        .proxies = client->has_proxies ? &client->proxies : NULL,
    };

    coco_status status = coco_http_new(&opts, ret, err);
    if (status == COCO_OK && client->tls_ca.len > 0)
        status = coco_http_set_ca(*ret, client->tls_ca.data, client->tls_ca.len, err);
    return status;
}

static coco_status
list_files(const struct coco_found_image *image, coco_ctx *ctx, const char *base,
           struct coco_signatures *ret, coco_error **err)
{
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;
    bool local = strncmp(base, COCO_LOOKASIDE_FILES, strlen(COCO_LOOKASIDE_FILES)) == 0;
    coco_status status = local ? COCO_OK : open_http(image, base, &http, err);
    bool there = true;

    for (unsigned i = 1; status == COCO_OK && there && i <= COCO_SIGNATURE_FILES_MAX; i++) {
        _cleanup_buf_ struct coco_buf data = {.limit = SIGNATURE_MAX};
        _cleanup_free_ char *name = NULL;

        status = print(&name, err, "%s/signature-%u", base, i);
        if (status == COCO_OK)
            status = local ? read_file(name + strlen(COCO_LOOKASIDE_FILES), &data, &there, err)
                           : read_url(http, ctx, name, &data, &there, err);
        if (status == COCO_OK && there)
            status = coco_signature_parse_file(coco_buf_text(&data), data.len, name, ret, err);
    }
    return status;
}

coco_status
coco_lookaside_base(const char *url, const coco_image_ref *ref, const struct coco_digest *digest,
                    char **ret, coco_error **err)
{
    char hex[2 * COCO_DIGEST_SIZE_MAX + 1];
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    coco_hex(digest->bytes, coco_hash_size(digest->alg), hex);
    return print(ret, err, "%.*s/%s@%s=%s", (int)len, url, coco_image_ref_repository(ref),
                 coco_hash_name(digest->alg), hex);
}

coco_status
coco_lookaside_list_at(const struct coco_found_image *image, coco_ctx *ctx, const char *url,
                       const struct coco_digest *digest, struct coco_signatures *ret,
                       coco_error **err)
{
    _cleanup_free_ char *base = NULL;

    coco_status status = coco_lookaside_base(url, image->ref, digest, &base, err);
    if (status == COCO_OK)
        status = list_files(image, ctx, base, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "lookaside");
}

/* ---- X-Registry-Supports-Signatures ---- */

/* The registry's own address with another path. */
static coco_status
url_of(const struct coco_registry *registry, const char *path, char **ret, coco_error **err)
{
    const char *host = strstr(registry->base, "://");
    const char *end = host ? strchr(host + 3, '/') : NULL;

    if (!end)
        return coco_fail(err, COCO_ERR_INVALID, "no address of a registry");
    return print(ret, err, "%.*s%s", (int)(end - registry->base), registry->base, path);
}

static coco_status
says_so(struct coco_registry *registry, coco_ctx *ctx, bool *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *url = NULL;
    _cleanup_free_ char *value = NULL;

    coco_status status = url_of(registry, "/v2/", &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {.method = "GET", .url = url};
    status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK)
        status = coco_http_header(&response, "x-registry-supports-signatures", &value, err);
    *ret = value && strcmp(value, "1") == 0;
    return status;
}

/* {"schemaVersion": 2, "name", "type": "atomic", "content": base64} */
static coco_status
add_one(const cJSON *item, const char *where, struct coco_signatures *ret, coco_error **err)
{
    struct coco_signature *added = NULL;
    const char *type = NULL;
    const char *content = NULL;
    uint64_t version = 0;

    if (!cJSON_IsObject(item))
        return coco_fail(err, COCO_ERR_PROTO, "a signature that is no object");
    coco_status status = coco_json_get_u64(item, "schemaVersion", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(item, "type", &type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(item, "content", &content, err);
    if (status != COCO_OK || version != 2 || strcmp(type, "atomic") != 0)
        return status;
    status = coco_signatures_add(ret, COCO_FORM_OPENPGP, where, &added, err);
    return status == COCO_OK
               ? coco_base64_decode(COCO_BASE64, content, strlen(content), &added->data, err)
               : status;
}

static coco_status
list_extension(struct coco_registry *registry, coco_ctx *ctx, const coco_image_ref *ref,
               const struct coco_digest *digest, struct coco_signatures *ret, coco_error **err)
{
    _cleanup_response_ struct coco_http_response response = {0};
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *url = NULL;
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    coco_status status =
        print(&path, err, "/extensions/v2/%s/signatures/%s", coco_image_ref_repository(ref), text);
    if (status == COCO_OK)
        status = url_of(registry, path, &url, err);
    if (status != COCO_OK)
        return status;
    const struct coco_http_request request = {
        .method = "GET", .url = url, .only_status = 200, .max_body = LIST_MAX};
    status = coco_registry_do(registry, ctx, &request, &response, err);
    if (status == COCO_OK && response.status != 200)
        return response.status == 404 ? COCO_OK
                                      : coco_registry_fail(registry, "signatures", &response, err);
    if (status == COCO_OK)
        status =
            coco_json_parse_object(coco_buf_text(&response.body), response.body.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_array(json, "signatures", &list, err);
    cJSON_ArrayForEach(item, list) {
        if (status == COCO_OK)
            status = add_one(item, url, ret, err);
    }
    return status;
}

/* A lookaside that was configured counts, and no registry is asked then whether it keeps any. */
coco_status
coco_lookaside_list(const struct coco_found_image *image, coco_ctx *ctx,
                    const struct coco_digest *digest, struct coco_signatures *ret, coco_error **err)
{
    _cleanup_registry_ struct coco_registry registry = {0};
    const char *url = NULL;
    bool attachments = false;
    bool extension = false;

    coco_status status =
        coco_lookasides_find(&image->client->lookasides, image->ref, &url, &attachments, err);
    if (status == COCO_OK && !url)
        status = coco_client_registry(image->client, image->set, image->ref, &registry, err);
    if (status == COCO_OK && !url)
        status = says_so(&registry, ctx, &extension, err);
    if (status == COCO_OK && url)
        status = coco_lookaside_list_at(image, ctx, url, digest, ret, err);
    if (status == COCO_OK && extension)
        status = list_extension(&registry, ctx, image->ref, digest, ret, err);
    return status;
}
