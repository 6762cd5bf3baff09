/*
 * kbs/resource.c - secrets for those who may have them
 *
 * token -> resource policy -> store -> JWE to the key in the token. The store is
 * asked last, so that who is denied does not learn what there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/resource.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/resource.h"
#include "base/text.h"
#include "crypto/mac.h"
#include "kbs/caller.h"
#include "kbs/explain.h"
#include "kbs/keyring.h"
#include "kbs/policies.h"
#include "kbs/references.h"
#include "rcar/response.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUERY_MAX 4096
#define SHA256_SIZE 32
#define TAG_BYTES ((size_t)16)
#define TAG_SIZE ((size_t)64)

coco_status
coco_kbs_resource_name(struct coco_kbs_call *call, const char **ret, coco_error **err)
{
    struct coco_resource_path path;

    coco_status status = coco_resource_path_parse(call->rest, &path, err);
    if (status != COCO_OK) {
        call->name = "InvalidRequestPath";
        return coco_kbs_refuse(call, 404, NULL, status);
    }
    *ret = call->rest;
    return COCO_OK;
}

/* Undoes application/x-www-form-urlencoded in place; false for what is no such UTF-8. */
static bool
decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        char c = *from;

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (!from[1] || !coco_unhex(from + 1, 2, &c, 1) || c == '\0')
                return false;
            from += 2;
        }
        *to++ = c;
    }
    *to = '\0';
    return coco_utf8_valid(text, strlen(text));
}

static coco_status
add_query(cJSON *data, const char *query, coco_error **err)
{
    _cleanup_free_ char *copy = strdup(query ? query : "");
    cJSON *object = NULL;
    char *rest = copy;

    if (!copy)
        return coco_fail_nomem(err);
    if (strlen(copy) > QUERY_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "query is too long");
    coco_status status = coco_json_add_object(data, "query", &object, err);
    while (status == COCO_OK && rest && *rest) {
        char *name = strsep(&rest, "&");
        char *value = strchr(name, '=');

        if (value)
            *value++ = '\0';
        if (!decode(name) || (value && !decode(value))
            || cJSON_GetObjectItemCaseSensitive(object, name))
            return coco_fail(err, COCO_ERR_PROTO, "query is malformed, or names something twice");
        status = coco_json_add_string(object, name, value ? value : "", err);
    }
    return status;
}

static coco_status
add_parts(cJSON *data, const char *path, coco_error **err)
{
    _cleanup_free_ char *copy = strdup(path);
    cJSON *parts = NULL;
    char *rest = copy;

    if (!copy)
        return coco_fail_nomem(err);
    coco_status status = coco_json_add_array(data, "resource-path", &parts, err);
    while (status == COCO_OK && rest)
        status = coco_json_add_string(parts, NULL, strsep(&rest, "/"), err);
    return status;
}

coco_status
coco_kbs_policy_data(struct coco_kbs_call *call, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *data = NULL;

    coco_status status = coco_json_new_object(&data, err);
    if (status == COCO_OK)
        status =
            coco_json_add_string(data, "plugin", call->plugin ? call->plugin : "resource", err);
    if (status == COCO_OK)
        status = coco_json_add_string(data, "method", call->request->method, err);
    if (status == COCO_OK)
        status = add_parts(data, call->rest, err);
    if (status == COCO_OK)
        status = add_query(data, call->request->query, err);
    if (status == COCO_ERR_PROTO)
        call->name = "InvalidRequestPath";
    if (status == COCO_OK)
        *ret = coco_steal(&data);
    return status;
}

/* What was claimed, and how it compares with what the owner expects. */
static coco_status
fill_trace(const struct coco_kbs_call *call, const cJSON *claims, cJSON *trace, coco_error **err)
{
    _cleanup_json_ cJSON *references = NULL;
    _cleanup_json_ cJSON *ended = NULL;
    const cJSON *submods = cJSON_GetObjectItemCaseSensitive(claims, "submods");

    coco_status status = coco_json_add_string(trace, "resource", call->rest, err);
    if (status == COCO_OK && call->plugin)
        status = coco_json_add_string(trace, "plugin", call->plugin, err);
    if (status == COCO_OK && submods)
        status = coco_json_add_copy(trace, "claims", submods, err);
    if (status == COCO_OK)
        status =
            coco_kbs_references_get(call->core->store, call->core->now(), &references, &ended, err);
    if (status == COCO_OK && ended->child)
        status = coco_json_add_copy(trace, "ended_reference_values", ended, err);
    if (status == COCO_OK)
        status = coco_kbs_trace_references(trace, submods, references, err);
    return status;
}

static coco_status
deny(struct coco_kbs_call *call, const char *policy, const cJSON *claims, const char *reason,
     coco_error **err)
{
    struct coco_kbs_core *core = call->core;
    _cleanup_json_ cJSON *trace = NULL;

    call->name = "PolicyDeny";
    coco_status status = coco_kbs_trace_begin("resource", call->traced ? call->trace_id : "",
                                              core->now(), &trace, err);
    if (status == COCO_OK)
        status = coco_json_add_string(trace, "policy", policy, err);
    if (status == COCO_OK)
        status = fill_trace(call, claims, trace, err);
    if (status == COCO_OK)
        status = coco_kbs_traces_add(core->traces, trace, "denied", "data.policy.allow", reason,
                                     call->trace, err);
    if (status != COCO_OK)
        return status;
    status = coco_fail(err, COCO_ERR_DENIED, "%s %s: %s", call->plugin ? call->plugin : "resource",
                       call->rest, reason);
    return coco_kbs_refuse(call, 403, "denied by policy; the owner finds why under this id",
                           status);
}

coco_status
coco_kbs_check_policy(struct coco_kbs_call *call, const cJSON *claims, const cJSON *data,
                      struct coco_kbs_decision *ruling, coco_error **err)
{
    struct coco_kbs_chosen policy;
    coco_error *why = NULL;

    /* The paths of plug-ins are none of resources, whatever they are called. */
    coco_status status = coco_kbs_policies_choose(call->core->policies,
                                                  call->plugin ? "" : call->rest, &policy, err);
    if (status != COCO_OK)
        return status;
    status = coco_kbs_policies_allow(call->core->policies, &policy, claims, data, ruling, &why);
    if (status == COCO_ERR_NOMEM || status == COCO_ERR_IO) {
        *err = why;
        return status;
    }
    call->ruling = status != COCO_OK ? COCO_KBS_FAILED
                   : ruling->allowed ? COCO_KBS_ALLOWED
                                     : COCO_KBS_FORBIDDEN;
    if (call->ruling == COCO_KBS_ALLOWED)
        return COCO_OK;
    status = deny(call, policy.id, claims,
                  why ? coco_error_message(why) : "the policy does not allow it", err);
    coco_error_free(why);
    return status;
}

coco_status
coco_kbs_give_to(struct coco_kbs_call *call, const struct coco_kbs_guest *guest, const void *secret,
                 size_t len, coco_error **err)
{
    call->name = "JweError";
    coco_status status =
        coco_rcar_response_build(guest->version, guest->key, secret, len, &call->reply->body, err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

/*
 * Numbers of versions come again, of what was purged and of a store that was put back: a tag is
 * of what there is, too. It tells nothing of it to who does not have the key.
 */
static coco_status
make_tag(const struct coco_kbs_call *call, const char *name, uint64_t version,
         const struct coco_secret *secret, char ret[TAG_SIZE], coco_error **err)
{
    uint8_t mac[SHA256_SIZE];
    const struct coco_secret key = {.data = mac, .len = sizeof(mac)};
    char number[24];
    char what[COCO_KBS_NAME_MAX + sizeof(number)];
    char hex[2 * TAG_BYTES + 1];

    (void)snprintf(number, sizeof(number), "%" PRIu64, version);
    int len = snprintf(what, sizeof(what), "%s %s", number, name);
    coco_status status = coco_hmac(EVP_sha256(), coco_kbs_keyring_tag_key(call->core->keyring),
                                   what, (size_t)len, mac, err);
    if (status == COCO_OK)
        status = coco_hmac(EVP_sha256(), &key, secret->data, secret->len, mac, err);
    if (status != COCO_OK)
        return status;
    coco_hex(mac, TAG_BYTES, hex);
    (void)snprintf(ret, TAG_SIZE, "\"%s-%s\"", number, hex);
    return COCO_OK;
}

/* True if the guest has that one already (RFC 9110 section 13.1.2). */
static coco_status
check_tag(struct coco_kbs_call *call, const char *tag, bool *has_it, coco_error **err)
{
    const char *theirs = call->request->if_none_match;

    *has_it = theirs && strcmp(theirs, tag) == 0;
    return coco_httpd_reply_add(call->reply, "ETag", tag, err);
}

/* Also of what the guest has already: to be told so is to have it renewed. */
static coco_status
add_lease(struct coco_kbs_call *call, uint64_t of_policy, coco_error **err)
{
    const struct coco_kbs_config *config = &call->core->config;
    uint64_t seconds = of_policy > 0 ? of_policy : config->lease.seconds;
    char value[64];

    if (seconds == 0)
        return COCO_OK;
    if (seconds > config->lease.max_seconds)
        seconds = config->lease.max_seconds;
    /* To caches on the way it is none of their business. */
    (void)snprintf(value, sizeof(value), "private, max-age=%" PRIu64, seconds);
    return coco_httpd_reply_add(call->reply, "Cache-Control", value, err);
}

coco_status
coco_kbs_get_guest_resource(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_guest_ struct coco_kbs_guest *guest = NULL;
    _cleanup_json_ cJSON *data = NULL;
    _cleanup_secret_ struct coco_secret secret = {0};
    const char *name = NULL;
    struct coco_kbs_decision ruling = {0};
    char tag[TAG_SIZE];
    uint64_t version = 0;
    bool has_it = false;

    coco_status status = coco_kbs_guest_of(call, &guest, err);
    if (status == COCO_OK)
        status = coco_kbs_resource_name(call, &name, err);
    if (status == COCO_OK)
        status = coco_kbs_policy_data(call, &data, err);
    if (status == COCO_OK)
        status = coco_kbs_check_policy(call, guest->claims, data, &ruling, err);
    if (status != COCO_OK)
        return status;
    status = coco_kbs_store_get(call->core->store, COCO_KBS_RESOURCE, name, &secret, &version, err);
    if (status == COCO_ERR_NOTFOUND) {
        call->name = "ResourceNotFound";
        return coco_kbs_refuse(call, 404, "there is no such resource", status);
    }
    if (status == COCO_OK)
        status = make_tag(call, name, version, &secret, tag, err);
    if (status == COCO_OK)
        status = check_tag(call, tag, &has_it, err);
    if (status == COCO_OK)
        status = add_lease(call, ruling.lease, err);
    if (status == COCO_OK && has_it) {
        call->reply->status = 304;
        return COCO_OK;
    }
    if (status == COCO_OK)
        status = coco_kbs_give_to(call, guest, secret.data, secret.len, err);
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "resource %s given", name);
    return status;
}
