/*
 * kbs/admin.c - who may change what a KBS holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/admin.h"

#include "base/base64.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/jws.h"
#include "kbs/certificate.h"
#include "kbs/explain.h"
#include "kbs/keyring.h"
#include "kbs/policies.h"
#include "kbs/provider.h"
#include "kbs/references.h"
#include "kbs/resource.h"
#include "kbs/router.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *
coco_kbs_bearer(const char *header)
{
    static const char scheme[] = "Bearer ";

    if (!header || strncasecmp(header, scheme, strlen(scheme)) != 0)
        return NULL;
    header += strlen(scheme);
    header += strspn(header, " ");
    return *header ? header : NULL;
}

/* Whom the token says it is from and for: not yet proven, but cheaper than a signature. */
static coco_status
check_names(const struct coco_kbs_provider *provider, const cJSON *claims, coco_error **err)
{
    const char *issuer = NULL;

    if (provider->issuer) {
        coco_status status = coco_json_get_string_opt(claims, "iss", &issuer, err);

        if (status != COCO_OK)
            return status;
        if (!issuer || strcmp(issuer, provider->issuer) != 0)
            return coco_fail(err, COCO_ERR_VERIFY, "token of another issuer");
    }
    return provider->audience ? coco_jwt_check_audience(claims, provider->audience, err) : COCO_OK;
}

/* With the key that is configured, or else with the one of the provider's set that kid names. */
static coco_status
check_signature(const struct coco_kbs_core *core, size_t index, const struct coco_jws *jws,
                coco_error **err)
{
    const struct coco_kbs_provider *provider = &core->config.admin.providers[index];
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const char *kid = NULL;

    if (provider->key && !provider->jwk_set_uri)
        return coco_jws_verify(jws, provider->key, err);
    if (provider->key && coco_jws_verify(jws, provider->key, NULL) == COCO_OK)
        return COCO_OK;
    coco_status status = coco_json_get_string_opt(jws->header, "kid", &kid, err);
    if (status == COCO_OK)
        status = coco_kbs_providers_key(core->providers, index, kid, core->now(), &key, err);
    if (status == COCO_OK)
        status = coco_jws_verify(jws, key, err);
    return status;
}

static coco_status
check_provider(const struct coco_kbs_core *core, size_t index, const struct coco_jws *jws,
               coco_error **err)
{
    coco_status status = check_names(&core->config.admin.providers[index], jws->payload, err);

    if (status == COCO_OK)
        status = coco_jwt_check_times(jws->payload, core->now(), err);
    if (status == COCO_OK)
        status = check_signature(core, index, jws, err);
    return status;
}

/* COCO_ERR_NET if it may be right, but the keys to tell are still on their way. */
static coco_status
authenticate(const struct coco_kbs_call *call, struct coco_jws *jws, coco_error **err)
{
    const struct coco_kbs_config *config = &call->core->config;
    const char *token = coco_kbs_bearer(call->request->authorization);
    coco_error *why = NULL;
    bool pending = false;

    if (!token)
        return coco_fail(err, COCO_ERR_VERIFY, "admin: no bearer token");
    coco_status status = coco_jws_parse(token, strlen(token), jws, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "admin");
    status = coco_fail(&why, COCO_ERR_VERIFY, "no keys are configured");
    /* Without memory nobody knows whether it was that one's: not the next one's to deny. */
    for (size_t i = 0;
         i < config->admin.n_providers && status != COCO_OK && status != COCO_ERR_NOMEM; i++) {
        coco_error_free(why);
        why = NULL;
        status = check_provider(call->core, i, jws, &why);
        pending = pending || status == COCO_ERR_NET;
    }
    if (status == COCO_OK)
        return COCO_OK;
    if (pending)
        status = COCO_ERR_NET;
    status = coco_fail(
        err, status == COCO_ERR_NOMEM || status == COCO_ERR_NET ? status : COCO_ERR_VERIFY,
        "admin: %s", coco_error_message(why));
    coco_error_free(why);
    return status;
}

static bool
may(const struct coco_kbs_config *config, const char *role, const char *path)
{
    for (size_t i = 0; i < config->admin.n_acls; i++) {
        const struct coco_kbs_acl *acl = &config->admin.acls[i];

        if (strcmp(acl->role, role) == 0 && regexec(&acl->endpoints, path, 0, NULL, 0) == 0)
            return true;
    }
    return false;
}

/* The role of whoever asks: by a token if there is one, or else by the certificate of TLS. */
static coco_status
find_role(const struct coco_kbs_call *call, struct coco_jws *jws, const char **role,
          coco_error **err)
{
    const struct coco_httpd_request *request = call->request;

    if (!request->authorization && request->certificate)
        return coco_kbs_certificate_role(&call->core->config, request->certificate,
                                         call->core->now(), role, err);
    coco_status status = authenticate(call, jws, err);
    return status == COCO_OK ? coco_json_get_string(jws->payload, "role", role, err) : status;
}

coco_status
coco_kbs_admin_check(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_jws_ struct coco_jws jws = {0};
    const char *role = NULL;

    call->name = "AdminAuthAccess";
    coco_status status = find_role(call, &jws, &role, err);
    if (status == COCO_ERR_NOMEM)
        return status;
    if (status == COCO_ERR_NET)
        return coco_kbs_refuse(call, 503,
                               "keys of an identity provider are being fetched: try again", status);
    if (status != COCO_OK)
        return coco_kbs_refuse(call, 401, "admin access denied", status);
    coco_text_escape(role, strlen(role), call->who, sizeof(call->who));
    if (!may(&call->core->config, role, call->request->path)) {
        status = coco_fail(err, COCO_ERR_DENIED, "admin: role %.64s may not use %.256s", role,
                           call->request->path);
        return coco_kbs_refuse(call, 403, "admin access denied", status);
    }
    return coco_kbs_announce(call, err);
}

coco_status
coco_kbs_admin_resource(struct coco_kbs_call *call, const char **name, coco_error **err)
{
    coco_status status = coco_kbs_admin_check(call, err);

    if (status == COCO_OK)
        status = coco_kbs_resource_name(call, name, err);
    call->name = status == COCO_OK ? "StorageError" : call->name;
    return status;
}

coco_status
coco_kbs_admin_put_resource(struct coco_kbs_call *call, coco_error **err)
{
    const char *name = NULL;

    coco_status status = coco_kbs_admin_resource(call, &name, err);
    if (status == COCO_OK)
        status = coco_kbs_store_put(call->core->store, COCO_KBS_RESOURCE, name, call->request->body,
                                    call->request->body_len, err);
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "resource %s stored", name);
    return status;
}

coco_status
coco_kbs_admin_delete_resource(struct coco_kbs_call *call, coco_error **err)
{
    const char *name = NULL;

    coco_status status = coco_kbs_admin_resource(call, &name, err);
    if (status == COCO_OK)
        status = coco_kbs_store_delete(call->core->store, COCO_KBS_RESOURCE, name, err);
    if (status == COCO_ERR_NOTFOUND)
        call->name = "ResourceNotFound";
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "resource %s deleted", name);
    return status;
}

static coco_status
answer_names(struct coco_kbs_call *call, enum coco_kbs_kind kind, coco_error **err)
{
    _cleanup_json_ cJSON *names = NULL;

    coco_status status = coco_kbs_store_names(call->core->store, kind, &names, err);
    return status == COCO_OK ? coco_kbs_answer(call, names, err) : status;
}

coco_status
coco_kbs_admin_list_resources(struct coco_kbs_call *call, coco_error **err)
{
    coco_status status = coco_kbs_admin_check(call, err);

    return status == COCO_OK ? answer_names(call, COCO_KBS_RESOURCE, err) : status;
}

/* The ids, as upstream gives them. */
coco_status
coco_kbs_admin_list_resource_policies(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *ids = NULL;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_list(call->core->policies, &ids, err);
    return status == COCO_OK ? coco_kbs_answer(call, ids, err) : status;
}

/* The Rego in {"policy": "<base64url>"}; padding, which some send, is cut off. */
static coco_status
read_policy(const cJSON *body, struct coco_buf *rego, coco_error **err)
{
    const char *encoded = NULL;

    coco_status status = coco_json_get_string(body, "policy", &encoded, err);
    if (status != COCO_OK)
        return status;
    size_t len = strlen(encoded);
    for (unsigned i = 0; i < 2 && len > 0 && len % 4 == (4 - i) % 4; i++)
        if (encoded[len - 1] == '=')
            len--;
    status = coco_base64_decode(COCO_BASE64URL, encoded, len, rego, err);
    if (status == COCO_OK && (!rego->len || strlen(coco_buf_text(rego)) != rego->len))
        status = coco_fail(err, COCO_ERR_PROTO, "is empty or holds a NUL");
    return status == COCO_OK ? status : coco_wrap(err, status, "policy");
}

static coco_status
set_policy(struct coco_kbs_call *call, const char *id, const cJSON *body, coco_error **err)
{
    _cleanup_buf_ struct coco_buf rego = {.limit = COCO_POLICY_SIZE_MAX};

    coco_status status = read_policy(body, &rego, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_set(call->core->policies, id, coco_buf_text(&rego), err);
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "policy %s set", id);
    if (status == COCO_ERR_DENIED || status == COCO_ERR_INVALID)
        call->status = 400; /* the policy is wrong, not the owner */
    return status;
}

/* The id of the policy that the call is about: of all resources, or those of a path. */
static coco_status
policy_id(struct coco_kbs_call *call, char id[COCO_KBS_POLICY_ID_SIZE], coco_error **err)
{
    const char *path = call->rest;

    coco_status status = *path ? coco_resource_parts_check(path, err) : COCO_OK;
    if (status != COCO_OK) {
        call->name = "InvalidRequestPath";
        return coco_kbs_refuse(call, 404, NULL, status);
    }
    (void)snprintf(id, COCO_KBS_POLICY_ID_SIZE, COCO_KBS_RESOURCE_POLICY "%s%s", *path ? "/" : "",
                   path);
    return COCO_OK;
}

coco_status
coco_kbs_admin_set_resource_policy(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *body = NULL;
    char id[COCO_KBS_POLICY_ID_SIZE];

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "ParsePolicyError";
    status = coco_json_parse_object((const char *)call->request->body, call->request->body_len,
                                    &body, err);
    if (status != COCO_OK)
        return status;
    status = policy_id(call, id, err);
    if (status != COCO_OK)
        return status;
    call->name = "PolicyEngineError";
    return set_policy(call, id, body, err);
}

coco_status
coco_kbs_admin_remove_resource_policy(struct coco_kbs_call *call, coco_error **err)
{
    char id[COCO_KBS_POLICY_ID_SIZE];

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    status = policy_id(call, id, err);
    if (status != COCO_OK)
        return status;
    call->name = "PolicyEngineError";
    status = coco_kbs_policies_remove(call->core->policies, id, err);
    if (status == COCO_ERR_NOTFOUND)
        call->name = "PolicyNotFound";
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "policy %s removed", id);
    return status;
}

coco_status
coco_kbs_admin_set_attestation_policy(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *body = NULL;
    const char *id = NULL;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "ParsePolicyError";
    status = coco_json_parse_object((const char *)call->request->body, call->request->body_len,
                                    &body, err);
    if (status == COCO_OK)
        status = coco_json_get_string(body, "policy_id", &id, err);
    if (status == COCO_OK && coco_kbs_policy_is_of_resources(id))
        status = coco_fail(err, COCO_ERR_PROTO, "policy_id names a resource policy");
    if (status != COCO_OK)
        return status;
    call->name = "PolicyEngineError";
    return set_policy(call, id, body, err);
}

coco_status
coco_kbs_admin_set_reference_value(struct coco_kbs_call *call, coco_error **err)
{
    coco_status status = coco_kbs_admin_check(call, err);

    if (status != COCO_OK)
        return status;
    call->name = "RvpsError";
    status = coco_kbs_references_register(
        call->core->store, &call->core->config.attestation.reference_keys, call->core->now(),
        call->request->body, call->request->body_len, err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

coco_status
coco_kbs_admin_get_reference_value(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_secret_ struct coco_secret value = {0};

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "RvpsError";
    status =
        coco_kbs_store_get(call->core->store, COCO_KBS_REFERENCE, call->rest, &value, NULL, err);
    if (status == COCO_OK)
        status = coco_buf_append(&call->reply->body, value.data, value.len, err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

coco_status
coco_kbs_admin_explain(struct coco_kbs_call *call, coco_error **err)
{
    coco_status status = coco_kbs_admin_check(call, err);

    if (status != COCO_OK)
        return status;
    call->name = "ExplainError";
    status = coco_kbs_traces_get(call->core->traces, call->rest, &call->reply->body, err);
    if (status == COCO_OK)
        call->reply->type = "application/json";
    return status;
}

/* {"kid","from"}: of the keys that will be used then. */
coco_status
coco_kbs_admin_rotate_keys(struct coco_kbs_call *call, coco_error **err)
{
    _cleanup_json_ cJSON *reply = NULL;
    char kid[COCO_KBS_KID_SIZE];
    int64_t from = 0;

    coco_status status = coco_kbs_admin_check(call, err);
    if (status != COCO_OK)
        return status;
    call->name = "KeyError";
    status = coco_kbs_keyring_rotate(call->core->keyring, call->core->now(), kid, &from, err);
    if (status == COCO_ERR_LIMIT)
        return coco_kbs_refuse(call, 409, NULL, status);
    if (status == COCO_OK)
        status = coco_json_new_object(&reply, err);
    if (status == COCO_OK)
        status = coco_json_add_string(reply, "kid", kid, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(reply, "from", from, err);
    if (status == COCO_OK)
        status = coco_kbs_answer(call, reply, err);
    if (status == COCO_OK)
        coco_ctx_log(call->core->ctx, COCO_LOG_INFO, "keys rotated: %s", kid);
    return status;
}
