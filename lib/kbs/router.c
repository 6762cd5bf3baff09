/*
 * kbs/router.c - which request means what
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/router.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "httpd/exposition.h"
#include "kbs/admin.h"
#include "kbs/attest.h"
#include "kbs/audit.h"
#include "kbs/audit_note.h"
#include "kbs/challenge.h"
#include "kbs/issuer.h"
#include "kbs/keyring.h"
#include "kbs/limiter.h"
#include "kbs/overview.h"
#include "kbs/page.h"
#include "kbs/plugin.h"
#include "kbs/plugins.h"
#include "kbs/resource.h"
#include "kbs/tenants.h"
#include "kbs/versions.h"
#include "rcar/messages.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define ATTEST_EVENT "attest"
#define RESOURCE_EVENT "resource"
#define PLUGIN_EVENT "plugin"
#define PATH_SHOWN 1024
#define METHODS_SHOWN 64
#define REPLY_MAX COCO_JSON_LONG_MAX /* what a guest takes */

_Static_assert(COCO_KBS_VALUE_MAX / 3 * 4 + ((size_t)64 << 10) <= REPLY_MAX, "a resource fits");

static coco_status
healthz(struct coco_kbs_call *call, coco_error **err)
{
    (void)call;
    (void)err;
    return COCO_OK;
}

static coco_status
metrics(struct coco_kbs_call *call, coco_error **err)
{
    if (!call->core->metrics) {
        call->name = "PluginNotFound";
        return coco_fail(err, COCO_ERR_NOTFOUND, "[metrics] is not enabled");
    }
    call->reply->type = COCO_EXPOSITION_TYPE;
    return coco_kbs_metrics_write(call->core->metrics, &call->reply->body, err);
}

/*
 * A path that ends with "/" takes what follows, which must not be empty; one that ends with
 * "*" takes nothing, too.
 */
static const struct route {
    const char *method;
    const char *path;
    coco_kbs_handler *handler;
    const char *event; /* in the audit log; NULL: not there */
    enum coco_kbs_operation operation;
} routes[] = {
    {"POST", COCO_RCAR_PREFIX "/auth", coco_kbs_auth, NULL, COCO_KBS_AUTH},
    {"POST", COCO_RCAR_PREFIX "/attest", coco_kbs_attest, ATTEST_EVENT, COCO_KBS_ATTEST},
    {"GET", COCO_RCAR_PREFIX "/resource/", coco_kbs_get_guest_resource, RESOURCE_EVENT,
     COCO_KBS_READ},
    {"POST", COCO_RCAR_PREFIX "/resource/", coco_kbs_admin_put_resource, "put-resource",
     COCO_KBS_WRITE},
    {"DELETE", COCO_RCAR_PREFIX "/resource/", coco_kbs_admin_delete_resource, "delete-resource",
     COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/resource", coco_kbs_admin_list_resources, "list-resources",
     COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/resource-versions/", coco_kbs_admin_list_versions, "list-versions",
     COCO_KBS_OTHER},
    {"DELETE", COCO_RCAR_PREFIX "/resource-versions/", coco_kbs_admin_purge_resource,
     "purge-resource", COCO_KBS_OTHER},
    {"POST", COCO_RCAR_PREFIX "/resource-restore/", coco_kbs_admin_restore_resource,
     "restore-resource", COCO_KBS_WRITE},
    {"POST", COCO_RCAR_PREFIX "/resource-policy", coco_kbs_admin_set_resource_policy,
     "set-resource-policy", COCO_KBS_OTHER},
    {"POST", COCO_RCAR_PREFIX "/resource-policy/", coco_kbs_admin_set_resource_policy,
     "set-resource-policy", COCO_KBS_OTHER},
    {"DELETE", COCO_RCAR_PREFIX "/resource-policy/", coco_kbs_admin_remove_resource_policy,
     "remove-resource-policy", COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/resource-policy", coco_kbs_admin_list_resource_policies,
     "list-resource-policies", COCO_KBS_OTHER},
    {"POST", COCO_RCAR_PREFIX "/attestation-policy", coco_kbs_admin_set_attestation_policy,
     "set-attestation-policy", COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/policies", coco_kbs_admin_list_policies, "list-policies",
     COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/reference-value", coco_kbs_admin_list_references,
     "list-reference-values", COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/explain", coco_kbs_admin_list_traces, "list-explanations",
     COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/tenants", coco_kbs_admin_list_tenants, "list-tenants",
     COCO_KBS_OTHER},
    {"POST", COCO_RCAR_PREFIX "/reference-value", coco_kbs_admin_set_reference_value,
     "set-reference-value", COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/reference-value/", coco_kbs_admin_get_reference_value,
     "get-reference-value", COCO_KBS_OTHER},
    {"GET", COCO_RCAR_PREFIX "/explain/", coco_kbs_admin_explain, "explain", COCO_KBS_OTHER},
    {"POST", COCO_RCAR_PREFIX "/rotate-keys", coco_kbs_admin_rotate_keys, "rotate-keys",
     COCO_KBS_OTHER},
    {"GET", "/healthz", healthz, NULL, COCO_KBS_UNCOUNTED},
    {"GET", COCO_KBS_JWKS_PATH, coco_kbs_jwks, NULL, COCO_KBS_OTHER},
    {"GET", COCO_KBS_DISCOVERY_PATH, coco_kbs_discovery, NULL, COCO_KBS_OTHER},
    {"GET", "/metrics", metrics, NULL, COCO_KBS_UNCOUNTED},
    {"GET", COCO_KBS_PAGE_PATH, coco_kbs_to_page, NULL, COCO_KBS_OTHER},
    {"GET", COCO_KBS_PAGE_PATH "/*", coco_kbs_page, NULL, COCO_KBS_OTHER},
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* All the rest. */
static const struct route plugin_route = {NULL, COCO_RCAR_PREFIX "/", coco_kbs_ask_plugin,
                                          PLUGIN_EVENT, COCO_KBS_OTHER};

/* What follows route's path, "" for an exact match; NULL if it is not its path. */
static const char *
match(const char *path, const char *route)
{
    size_t len = strlen(route);

    if (route[len - 1] == '*')
        return strncmp(path, route, len - 1) == 0 ? path + len - 1 : NULL;
    if (route[len - 1] != '/')
        return strcmp(path, route) == 0 ? path + len : NULL;
    return strncmp(path, route, len) == 0 && path[len] ? path + len : NULL;
}

bool
coco_kbs_is_route(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < ROUTES; i++) {
        const char *path = match(routes[i].path, plugin_route.path);

        if (path && strncmp(path, name, len) == 0 && (path[len] == '\0' || path[len] == '/'))
            return true;
    }
    return false;
}

/* What is said to everybody, and costs nothing, is not. */
static bool
is_limited(const struct route *route)
{
    return route->event || route->operation == COCO_KBS_AUTH;
}

/* Before anything is opened, decrypted or verified. */
static coco_status
check_rate(struct coco_kbs_call *call, const struct route *route, coco_error **err)
{
    enum coco_kbs_leave leave = COCO_KBS_LEAVE;

    if (call->root->limiter && is_limited(route))
        leave =
            coco_kbs_limiter_take(call->root->limiter, &call->request->source, call->root->now());
    if (leave == COCO_KBS_LEAVE)
        return COCO_OK;
    /* Once, or strangers could fill the log. */
    call->quiet = leave == COCO_KBS_NO_LEAVE;
    call->name = "TooManyRequests";
    return coco_kbs_refuse(call, 429, NULL,
                           coco_fail(err, COCO_ERR_LIMIT, "too many requests: try again later"));
}

/*
 * Who has proven something is let in as often as she likes, but for handshakes, which
 * anybody can begin.
 */
static void
settle_rate(const struct coco_kbs_call *call, const struct route *route)
{
    if (!call->root->limiter || !route || !is_limited(route) || route->operation == COCO_KBS_AUTH
        || route->operation == COCO_KBS_ATTEST || call->reply->status == 401
        || call->reply->status == 429)
        return;
    coco_kbs_limiter_give_back(call->root->limiter, &call->request->source);
}

/* The head alone of what everybody may have; a secret is not given by halves. */
static bool
takes_head(const struct route *route)
{
    return !route->event && strcmp(route->method, "GET") == 0;
}

static bool
takes_method(const struct route *route, const char *method)
{
    return strcmp(method, route->method) == 0 || (takes_head(route) && strcmp(method, "HEAD") == 0);
}

/* RFC 9110 section 15.5.6: a 405 says what would do. Without memory it says nothing. */
static void
say_methods(const struct coco_kbs_call *call)
{
    _cleanup_buf_ struct coco_buf list = {.limit = METHODS_SHOWN};

    for (size_t i = 0; i < ROUTES; i++)
        if (match(call->request->path, routes[i].path)
            && coco_buf_printf(&list, NULL, "%s%s%s", list.len > 0 ? ", " : "", routes[i].method,
                               takes_head(&routes[i]) ? ", HEAD" : "")
                   != COCO_OK)
            return;
    (void)coco_httpd_reply_add(call->reply, "Allow",
                               list.len > 0 ? coco_buf_text(&list) : COCO_KBS_PLUGIN_METHODS, NULL);
}

static coco_status
refuse_path(struct coco_kbs_call *call, bool known, coco_error **err)
{
    call->name = known ? "MethodNotAllowed" : "PluginNotFound";
    return coco_kbs_refuse(
        call, known ? 405 : 404, NULL,
        coco_fail(err, COCO_ERR_NOTFOUND, known ? "the path has no such method" : "no such path"));
}

static coco_status
take_route(struct coco_kbs_call *call, const struct route *route, const struct route **ret,
           coco_error **err)
{
    *ret = route;
    call->event = route->event;
    coco_status status = check_rate(call, route, err);
    return status == COCO_OK ? route->handler(call, err) : status;
}

static coco_status
dispatch(struct coco_kbs_call *call, const struct route **ret, coco_error **err)
{
    const struct coco_httpd_request *request = call->request;
    bool known = false;

    for (size_t i = 0; i < ROUTES; i++) {
        const char *rest = match(request->path, routes[i].path);

        if (!rest)
            continue;
        known = true;
        if (takes_method(&routes[i], request->method)) {
            call->rest = rest;
            return take_route(call, &routes[i], ret, err);
        }
    }
    const char *rest = match(request->path, plugin_route.path);
    if (!known && rest && coco_kbs_plugins_match(call->core->plugins, rest, call))
        return take_route(call, &plugin_route, ret, err);
    return refuse_path(call, known, err);
}

static int
status_for(coco_status status)
{
    switch (status) {
    case COCO_ERR_PROTO:
    case COCO_ERR_NOTSUP:
    case COCO_ERR_INVALID:
        return 400;
    case COCO_ERR_VERIFY:
        return 401;
    case COCO_ERR_DENIED:
        return 403;
    case COCO_ERR_NOTFOUND:
        return 404;
    case COCO_ERR_LIMIT:
        return 413;
    default:
        return 500;
    }
}

void
coco_kbs_reply_error(int status, const char *name, const char *detail, const char *id,
                     const char *trace, struct coco_httpd_reply *reply)
{
    coco_buf_reset(&reply->body);
    coco_buf_reset(&reply->cookie);
    coco_buf_reset(&reply->fields);
    reply->status = status;
    reply->type = "application/problem+json";
    /* Without memory the body stays empty: the status still says what happened. */
    if (coco_rcar_error_build(name, detail, id, trace, &reply->body, NULL) != COCO_OK)
        coco_buf_reset(&reply->body);
    /* RFC 9110 section 15.5.2: a 401 says how to do better. */
    if (status == 401 && coco_httpd_reply_add(reply, "WWW-Authenticate", "Bearer", NULL) != COCO_OK)
        coco_buf_reset(&reply->fields);
    if ((status == 429 || status == 503)
        && coco_httpd_reply_add(reply, "Retry-After", "1", NULL) != COCO_OK)
        coco_buf_reset(&reply->fields);
}

/* The trace that the peer is in. */
static void
find_trace(struct coco_kbs_call *call)
{
    char traceparent[COCO_TRACEPARENT_SIZE];

    call->traced = coco_traceparent_parse(call->request->traceparent, traceparent);
    if (call->traced)
        coco_traceparent_id(traceparent, call->trace_id);
}

/* One of its own, for what is told of a call that is in none; without random bytes there is none.
 */
static void
begin_trace(struct coco_kbs_call *call)
{
    char traceparent[COCO_TRACEPARENT_SIZE];

    if (!call->trace_id[0] && coco_traceparent_new(traceparent, NULL) == COCO_OK)
        coco_traceparent_id(traceparent, call->trace_id);
}

/* The error goes to the owner's log; the peer gets what it may know. */
static void
fail(struct coco_kbs_call *call, coco_status status, const coco_error *err)
{
    int code = call->status ? call->status : status_for(status);
    const char *message = err ? coco_error_message(err) : "out of memory";
    const char *detail = call->detail ? call->detail : message;
    const char *id = call->trace[0] ? call->trace : NULL;
    const char *trace = call->traced ? call->trace_id : NULL;

    if (code >= 500 && !(code == 503 && call->detail))
        detail = "internal error";
    if (!call->quiet) {
        begin_trace(call);
        coco_ctx_log(call->core->ctx, code >= 500 ? COCO_LOG_WARN : COCO_LOG_INFO,
                     "%s %s: %d%s%s%s%s: %s", call->request->method, call->asked, code,
                     id ? " id " : "", id ? id : "", call->trace_id[0] ? " trace " : "",
                     call->trace_id, message);
    }
    coco_kbs_reply_error(code, call->name, detail, id, trace, call->reply);
}

/* Whether anybody could have any number of these written. */
static bool
is_common(const struct coco_kbs_call *call, int status)
{
    return status >= 400 && (!call->who[0] || strcmp(call->event, ATTEST_EVENT) == 0);
}

/* An entry of a call; status is 0 while nobody knows what comes of it. */
static coco_status
add_entry(const struct coco_kbs_call *call, int status, coco_error **err)
{
    char path[PATH_SHOWN];
    const struct coco_kbs_audit_event entry = {
        .event = call->event,
        .who = call->who,
        .path = path,
        .id = call->trace,
        .trace_id = call->traced ? call->trace_id : NULL,
        .note = call->note,
        .status = status,
    };

    coco_text_escape(call->asked, strlen(call->asked), path, sizeof(path));
    return is_common(call, status) ? coco_kbs_audit_add_refusal(call->root->audit, &entry, err)
                                   : coco_kbs_audit_add(call->root->audit, &entry, err);
}

coco_status
coco_kbs_announce(struct coco_kbs_call *call, coco_error **err)
{
    if (!call->root->audit || !call->event || strcmp(call->request->method, "GET") == 0)
        return COCO_OK;
    coco_status status = add_entry(call, 0, err);
    if (status == COCO_OK)
        return COCO_OK;
    call->name = "AuditError";
    return coco_kbs_refuse(call, 500, NULL, status);
}

/* What cannot be recorded is not said: a secret that nobody knows was given is not given. */
static void
put_on_record(struct coco_kbs_call *call)
{
    coco_error *err = NULL;

    /* Anybody can ask without a session, or too often, as often as it takes to fill a disk. */
    if (call->reply->status == 429
        || (strcmp(call->event, RESOURCE_EVENT) == 0 && call->reply->status == 401)
        || (strcmp(call->event, PLUGIN_EVENT) == 0 && !call->who[0]))
        return;
    coco_status status = add_entry(call, call->reply->status, &err);
    if (status != COCO_OK) {
        call->name = "AuditError";
        call->trace[0] = '\0';
        fail(call, coco_kbs_refuse(call, 500, NULL, status), err);
    }
    coco_error_free(err);
}

static uint64_t
clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void
count(const struct coco_kbs_call *call, const struct route *route, uint64_t begin_ns)
{
    const struct coco_kbs_event event = {
        .operation = route ? route->operation : COCO_KBS_OTHER,
        .ruling = call->ruling,
        .tee = call->tee,
        .status = call->reply->status,
        .duration_ns = clock_ns() - begin_ns,
        .request_size = call->request->body_len,
        .reply_size = call->reply->body.len,
    };

    coco_kbs_metrics_count(call->root->metrics, &event);
}

/* Other replicas may have rotated them. Without the store those that are known go on. */
static void
look_for_keys(struct coco_kbs_core *core)
{
    coco_error *err = NULL;

    if (coco_kbs_keyring_look(core->keyring, core->now(), core->sessions, &err) != COCO_OK)
        coco_ctx_log(core->ctx, COCO_LOG_WARN, "keys: %s",
                     err ? coco_error_message(err) : "out of memory");
    coco_error_free(err);
}

/* What was done beside this process. What cannot be recorded now is the next time. */
static void
look_for_notes(struct coco_kbs_core *core)
{
    int64_t now = core->now();
    int64_t looked = atomic_load(&core->notes_looked);
    coco_error *err = NULL;

    if (!core->audit || (now >= looked && now - looked < COCO_KBS_KEYS_LOOK)
        || !atomic_compare_exchange_strong(&core->notes_looked, &looked, now))
        return;
    if (coco_kbs_audit_note_take(core->store, core->audit, &err) != COCO_OK)
        coco_ctx_log(core->ctx, COCO_LOG_WARN, "notes for the audit log: %s",
                     err ? coco_error_message(err) : "out of memory");
    coco_error_free(err);
}

void
coco_kbs_handle(struct coco_kbs_core *core, const struct coco_httpd_request *request,
                struct coco_httpd_reply *reply)
{
    coco_error *err = NULL;
    const struct route *route = NULL;
    uint64_t begin_ns = clock_ns();
    struct coco_httpd_request inner = *request;
    struct coco_kbs_core *tenant = coco_kbs_tenants_find(core, request->path, &inner.path);
    struct coco_kbs_call call = {
        .core = tenant ? tenant : core,
        .root = core,
        .request = &inner,
        .asked = request->path,
        .rest = "",
        .reply = reply,
        .name = "InternalError",
    };

    reply->status = 200;
    reply->body.limit = REPLY_MAX;
    find_trace(&call);
    look_for_keys(call.core);
    look_for_notes(core);
    coco_status status = tenant ? dispatch(&call, &route, &err) : refuse_path(&call, false, &err);
    if (status != COCO_OK)
        fail(&call, status, err);
    if (reply->status == 405)
        say_methods(&call);
    coco_error_free(err);
    settle_rate(&call, route);
    if (core->audit && call.event)
        put_on_record(&call);
    if (core->metrics)
        count(&call, route, begin_ns);
}

coco_status
coco_kbs_answer(struct coco_kbs_call *call, const cJSON *value, coco_error **err)
{
    call->reply->type = "application/json";
    return coco_json_write(value, COCO_JSON_COMPACT, &call->reply->body, err);
}
