/*
 * kbs/plugin.c - asking a plug-in
 *
 * who may ask? -> token and resource policy, or an owner's role -> the plug-in -> JWE to the
 * guest's key, or as it is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin.h"

#include "base/bytes.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/resource.h"
#include "kbs/admin.h"
#include "kbs/caller.h"
#include "kbs/plugin_reply.h"
#include "kbs/plugins.h"
#include "kbs/resource.h"

#include <string.h>

#define ERROR_NAME "PluginInternalError" /* upstream's */
#define TEXT_MAX ((size_t)4 << 20)

/* One request of a plug-in, and what is lent to it. */
struct question {
    struct coco_kbs_call *call;
    const struct coco_kbs_plugin_entry *entry;
    cJSON *data;                  /* that policies see */
    struct coco_kbs_guest *guest; /* that asks, or NULL */
    struct coco_buf query;
    struct coco_buf claims_text;
    coco_kbs_request request;
};

static void
question_done(struct question *question)
{
    coco_json_free(question->data);
    coco_kbs_guest_unref(question->guest);
    coco_buf_done(&question->query);
    coco_buf_done(&question->claims_text);
}

static bool
is_method(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(methods[i], method) == 0)
            return true;
    return false;
}

/* What is asked, of which nothing is proven yet. */
static coco_status
read_question(struct question *question, coco_error **err)
{
    struct coco_kbs_call *call = question->call;

    call->name = "MethodNotAllowed";
    if (!is_method(call->request->method))
        return coco_kbs_refuse(
            call, 405, NULL,
            coco_fail(err, COCO_ERR_NOTFOUND, "plug-ins have GET, POST, PUT and DELETE"));
    call->name = "InvalidRequestPath";
    coco_status status = coco_plugin_path_check(call->rest, err);
    if (status != COCO_OK)
        return coco_kbs_refuse(call, 404, NULL, status);
    call->name = ERROR_NAME;
    status = coco_kbs_policy_data(call, &question->data, err);
    if (status == COCO_OK)
        status = coco_json_write(cJSON_GetObjectItemCaseSensitive(question->data, "query"),
                                 COCO_JSON_COMPACT, &question->query, err);
    question->request = (coco_kbs_request){
        .method = call->request->method,
        .path = call->rest,
        .query = coco_buf_text(&question->query),
    };
    return status;
}

static coco_kbs_access
find_access(const struct question *question)
{
    const coco_kbs_plugin *functions = &question->entry->functions;

    if (functions->access)
        return functions->access(question->entry->user, &question->request);
    return strcmp(question->request.method, "GET") == 0 ? COCO_KBS_ACCESS_GUEST
                                                        : COCO_KBS_ACCESS_OWNER;
}

static coco_status
let_guest_in(struct question *question, coco_error **err)
{
    struct coco_kbs_call *call = question->call;
    struct coco_kbs_decision ruling = {0}; /* of a lease, a plug-in's answer has none */

    coco_status status = coco_kbs_guest_of(call, &question->guest, err);
    if (status == COCO_OK)
        status = coco_kbs_check_policy(call, question->guest->claims, question->data, &ruling, err);
    if (status == COCO_OK)
        status = coco_json_write(question->guest->claims, COCO_JSON_COMPACT, &question->claims_text,
                                 err);
    question->request.claims = coco_buf_text(&question->claims_text);
    return status;
}

/* Whoever is not let in does not learn what a plug-in thinks of the body, nor has it read. */
static coco_status
let_in(struct question *question, coco_kbs_access access, coco_error **err)
{
    struct coco_kbs_call *call = question->call;
    coco_status status = COCO_OK;

    switch (access) {
    case COCO_KBS_ACCESS_GUEST:
        return let_guest_in(question, err);
    case COCO_KBS_ACCESS_OWNER:
        status = coco_kbs_admin_check(call, err);
        question->request.role = call->who;
        return status;
    case COCO_KBS_ACCESS_PUBLIC:
        return COCO_OK;
    case COCO_KBS_ACCESS_NONE:
        break;
    }
    call->name = "InvalidRequestPath";
    status = coco_fail(err, COCO_ERR_NOTFOUND, "%s has no such path", call->plugin);
    return coco_kbs_refuse(call, 404, NULL, status);
}

/* A 401 would tell a guest to attest again. */
static int
status_for(coco_status status)
{
    switch (status) {
    case COCO_ERR_INVALID:
    case COCO_ERR_PROTO:
    case COCO_ERR_VERIFY:
    case COCO_ERR_NOTSUP:
        return 400;
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

static coco_status
pass_on(struct question *question, const struct coco_kbs_reply *reply, coco_error **err)
{
    struct coco_kbs_call *call = question->call;
    const uint8_t *data = coco_bytes_data(reply->data);
    size_t len = coco_bytes_size(reply->data);

    if (question->guest && !reply->is_public)
        return coco_kbs_give_to(call, question->guest, data, len, err);
    coco_status status = coco_buf_append(&call->reply->body, data, len, err);
    if (status == COCO_OK)
        status =
            coco_httpd_reply_add(call->reply, "Content-Type",
                                 reply->is_public ? reply->type : "application/octet-stream", err);
    return status;
}

coco_status
coco_kbs_ask_plugin(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_plugin_reply_ struct coco_kbs_reply reply = {.plugin = call->plugin};
    _cleanup_(question_done) struct question question = {
        .call = call,
        .entry = coco_kbs_plugins_find(call->core->plugins, call->plugin),
        .query = {.limit = TEXT_MAX},
        .claims_text = {.limit = TEXT_MAX},
    };

    coco_status status = read_question(&question, err);
    if (status == COCO_OK)
        status = let_in(&question, find_access(&question), err);
    if (status != COCO_OK)
        return status;
    call->name = ERROR_NAME;
    question.request.body = call->request->body ? call->request->body : (const uint8_t *)"";
    question.request.len = call->request->body_len;
    question.entry->functions.handle(question.entry->user, call->core->ctx, &question.request,
                                     &reply);
    memcpy(call->note, reply.note, sizeof(call->note));
    status = coco_kbs_reply_take(&reply, err);
    if (status != COCO_OK)
        return coco_kbs_refuse(call, status_for(status), NULL, status);
    coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "%s %s %s: answered", call->plugin,
                 question.request.method, question.request.path);
    return pass_on(&question, &reply, err);
}
