/*
 * fuzz/kbs_request/target.c - requests, from the router on
 *
 * The input is method, target, cookie, authorization and body, with a newline
 * behind each of the first four.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"
#include "kbs/core.h"
#include "kbs/router.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] = "[attestation_service]\nallow_sample = true\n[explain]\nentries = 4\n"
                             "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                             "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                             "public_key = '''\n-----BEGIN PUBLIC KEY-----\n"
                             "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                             "-----END PUBLIC KEY-----\n'''\n"
                             "[[admin.authorization.regex_acl.acls]]\nrole = \"admin\"\n"
                             "allowed_endpoints = \"^/kbs/.+$\"\n";

static struct coco_kbs_core *
the_core(void)
{
    static struct coco_kbs_core *core;
    static coco_ctx *ctx;

    if (!core
        && (coco_ctx_new(&ctx, NULL) != COCO_OK
            || coco_kbs_core_new(ctx, config, &core, NULL) != COCO_OK
            || coco_kbs_store_put(core->store, COCO_KBS_RESOURCE, "a/b/c", "secret", 6, NULL)
                   != COCO_OK))
        abort();
    return core;
}

/* A stranger never gets what only the owner or an attested guest may have. */
static void
check(const struct coco_httpd_request *request, const struct coco_httpd_reply *reply)
{
    bool public =
        strcmp(request->path, "/healthz") == 0 || strcmp(request->path, "/kbs/v0/auth") == 0;

    if (reply->status < 200 || reply->status > 505)
        abort();
    if (reply->status == 200 && !public)
        abort();
    if (reply->status >= 400 && (!reply->type || !reply->body.len))
        abort();
    if (reply->body.len && memmem(reply->body.data, reply->body.len, "secret", 6)
        && !memmem(request->body, request->body_len, "secret", 6)
        && !strstr(request->path, "secret"))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct coco_kbs_core *core = the_core();
    struct coco_httpd_reply reply = {0};
    char *text = malloc(size + 1);
    char *parts[5] = {NULL};

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    for (size_t i = 0; i < 4 && rest; i++)
        parts[i] = strsep(&rest, "\n");
    if (rest && parts[1]) {
        struct coco_httpd_request request = {
            .method = parts[0],
            .path = parts[1],
            .cookie = parts[2],
            .authorization = parts[3],
            .body = (const uint8_t *)rest,
            .body_len = (size_t)(text + size - rest),
        };
        char *query = strchr(parts[1], '?');

        if (query) {
            *query = '\0';
            request.query = query + 1;
        }
        coco_kbs_handle(core, &request, &reply);
        check(&request, &reply);
        coco_httpd_reply_done(&reply);
    }
    free(text);
    return 0;
}
