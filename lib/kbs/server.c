/*
 * kbs/server.c - a KBS behind its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/server.h"

#include "base/context.h"
#include "base/fail.h"
#include "kbs/limiter.h"
#include "kbs/router.h"

#include <string.h>

static void
handle(void *self, const struct coco_httpd_request *request, struct coco_httpd_reply *reply)
{
    coco_kbs_handle(self, request, reply);
}

static void
refuse(void *self, const char *detail, struct coco_httpd_reply *reply)
{
    (void)self;
    coco_kbs_reply_error(reply->status, "HTTPFailed", detail, NULL, NULL, reply);
}

/* A handshake of TLS is the first cryptography that a stranger can have. */
static bool
admit(void *self, const struct coco_httpd_source *source)
{
    const struct coco_kbs_core *core = self;

    if (!core->config.http.certificate || !core->limiter)
        return true;
    enum coco_kbs_leave leave = coco_kbs_limiter_take(core->limiter, source, core->now());
    if (leave == COCO_KBS_LEAVE)
        return true;
    if (leave == COCO_KBS_LEAVE_ENDS)
        coco_ctx_log(core->ctx, COCO_LOG_INFO, "connection closed: too many requests");
    if (core->metrics)
        coco_kbs_metrics_count_limited(core->metrics);
    return false;
}

coco_status
coco_kbs_server_start(struct coco_kbs_core *core, struct coco_httpd_server **ret, coco_error **err)
{
    const struct coco_kbs_config *config = &core->config;
    const struct coco_httpd_handler handler = {
        .handle = handle, .refuse = refuse, .admit = admit, .self = core};
    const struct coco_httpd_options opts = {
        .ctx = core->ctx,
        .now = core->now,
        .sockets = config->http.sockets.items,
        .n_sockets = config->http.sockets.n,
        .insecure_http = config->http.insecure_http,
        .tls =
            {
                .certificate = config->http.certificate,
                .private_key = config->http.private_key,
                .modern = strcmp(config->http.tls_profile, "modern") == 0,
                .clients = config->admin.client_ca,
            },
        .max_connections = config->http.max_connections,
        .body_max = config->http.payload_request_size << 20,
        .bodies_max = config->http.payload_total_size << 20,
        .head_timeout = config->http.head_timeout,
        .body_timeout = config->http.body_timeout,
        .write_timeout = config->http.write_timeout,
        .idle_timeout = config->http.idle_timeout,
    };

    coco_status status = coco_httpd_server_start(&opts, &handler, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "[http_server]");
}
