/*
 * kbs/page.c - a page for whoever administers a KBS, in a browser
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/page.h"

#include "admin-page.h"
#include "base/fail.h"

#include <string.h>

/*
 * Nothing but its own two files and the origin's replies is loaded, no frame shows it, no
 * form leaves it, and text never becomes markup (Trusted Types).
 */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "                \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                                \
    "require-trusted-types-for 'script'; trusted-types 'none'"

static const struct {
    const char *name, *type, *text;
} files[] = {
    {"", "text/html; charset=utf-8", index_html},
    {"page.css", "text/css; charset=utf-8", page_css},
    {"page.js", "text/javascript; charset=utf-8", page_js},
};

static const struct {
    const char *name, *value;
} fields[] = {
    {"Content-Security-Policy", POLICY},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
};

static coco_status
refuse(struct coco_kbs_call *call, const char *why, coco_error **err)
{
    call->name = "PluginNotFound";
    return coco_fail(err, COCO_ERR_NOTFOUND, "%s", why);
}

static coco_status
check_enabled(struct coco_kbs_call *call, coco_error **err)
{
    return call->root->config.admin_page ? COCO_OK
                                         : refuse(call, "[admin_page] is not enabled", err);
}

coco_status
coco_kbs_page(struct coco_kbs_call *call, coco_error **err)
{
    size_t i = 0;

    coco_status status = check_enabled(call, err);
    if (status != COCO_OK)
        return status;
    while (i < sizeof(files) / sizeof(files[0]) && strcmp(files[i].name, call->rest) != 0)
        i++;
    if (i == sizeof(files) / sizeof(files[0]))
        return refuse(call, "no such file", err);
    for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]) && status == COCO_OK; j++)
        status = coco_httpd_reply_add(call->reply, fields[j].name, fields[j].value, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(&call->reply->body, files[i].text, err);
    if (status == COCO_OK)
        call->reply->type = files[i].type;
    return status;
}

coco_status
coco_kbs_to_page(struct coco_kbs_call *call, coco_error **err)
{
    coco_status status = check_enabled(call, err);

    if (status == COCO_OK)
        status = coco_httpd_reply_add(call->reply, "Location", "admin/", err);
    if (status == COCO_OK)
        call->reply->status = 308;
    return status;
}
