/*
 * kbc/admin.c - the owner's side of a key broker service
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/admin.h>

#include "base/bytes.h"
#include "base/fail.h"
#include "base/resource.h"
#include "crypto/jws.h"
#include "kbc/broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROLE "admin"
#define ROLE_MAX 63
#define TOKEN_MAX ((size_t)4096)
#define POLICY_MAX ((size_t)2 << 20)
#define ANSWER_MAX ((size_t)4 << 20)
#define ID_MAX 64

#define RESOURCE_POLICY "/resource-policy"
#define POLICY_PATH_MAX (sizeof(RESOURCE_POLICY) + COCO_RESOURCE_PARTS_SIZE)
#define VERSIONS "/resource-versions/"
#define NOT_THERE "ResourceNotFound" /* the error of coco-kbs for what is not there */

struct coco_admin {
    struct coco_broker *broker;
    EVP_PKEY *key; /* NULL: requests go out unsigned */
};

COCO_DEFINE_CLEANUP(coco_admin *, coco_admin_free);

coco_status
coco_admin_new(const char *url, coco_admin **ret, coco_error **err)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = calloc(1, sizeof(*admin));

    if (!admin)
        return coco_fail_nomem(err);
    coco_status status = coco_broker_new(url, &admin->broker, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&admin);
    return COCO_OK;
}

void
coco_admin_free(coco_admin *admin)
{
    if (!admin)
        return;
    coco_broker_free(admin->broker);
    EVP_PKEY_free(admin->key);
    free(admin);
}

static coco_status
parse_key(const uint8_t *key, size_t len, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_parse_private(key, len, &parsed, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(parsed, &kind, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "admin key");
    if (kind != COCO_KEY_ED25519 && kind != COCO_KEY_P256 && kind != COCO_KEY_P384)
        return coco_fail(err, COCO_ERR_PROTO, "admin key: not Ed25519, P-256 or P-384");

    *ret = coco_steal(&parsed);
    return COCO_OK;
}

coco_status
coco_admin_set_key(coco_admin *admin, const uint8_t *key, size_t len, coco_error **err)
{
    EVP_PKEY *parsed = NULL;

    coco_status status = parse_key(key, len, &parsed, err);
    if (status != COCO_OK)
        return status;
    EVP_PKEY_free(admin->key);
    admin->key = parsed;
    return COCO_OK;
}

coco_status
coco_admin_set_tls_ca(coco_admin *admin, const uint8_t *pem, size_t len, coco_error **err)
{
    return coco_broker_set_ca(admin->broker, pem, len, err);
}

coco_status
coco_admin_set_proxy(coco_admin *admin, const char *url, const char *no_proxy, coco_error **err)
{
    return coco_broker_set_proxy(admin->broker, url, no_proxy, err);
}

void
coco_admin_set_retries(coco_admin *admin, uint32_t retries)
{
    const struct coco_retry_policy policy = {.retries = coco_retries(retries)};

    coco_broker_set_retry(admin->broker, &policy);
}

/* Upstream demands "exp" and a string "role", for which it keeps a list of endpoints. */
static coco_status
sign_token(EVP_PKEY *key, const char *role, uint32_t life, struct coco_buf *token, coco_error **err)
{
    _cleanup_json_ cJSON *claims = NULL;
    int64_t now = (int64_t)time(NULL);

    coco_status status = coco_json_new_object(&claims, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(claims, "iat", now, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(claims, "exp", now + life, err);
    if (status == COCO_OK)
        status = coco_json_add_string(claims, "role", role, err);
    if (status == COCO_OK)
        status = coco_jws_sign(key, NULL, claims, token, err);
    return status;
}

coco_status
coco_admin_token(const uint8_t *key, size_t len, const char *role, uint32_t life, coco_bytes **ret,
                 coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    _cleanup_buf_ struct coco_buf token = {.limit = TOKEN_MAX};

    if (role && (!*role || strlen(role) > ROLE_MAX))
        return coco_fail(err, COCO_ERR_INVALID, "role is not 1 to %d bytes long", ROLE_MAX);
    if (life > COCO_ADMIN_TOKEN_LIFE_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "token for more than %d seconds",
                         COCO_ADMIN_TOKEN_LIFE_MAX);
    coco_status status = parse_key(key, len, &parsed, err);
    if (status == COCO_OK)
        status = sign_token(parsed, role ? role : ROLE, life ? life : COCO_ADMIN_TOKEN_LIFE, &token,
                            err);
    return status == COCO_OK ? coco_bytes_take(&token, ret, err) : status;
}

static coco_status
do_request(coco_admin *admin, coco_ctx *ctx, const struct coco_broker_request *request,
           struct coco_broker_answer *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf token = {.limit = TOKEN_MAX};
    struct coco_broker_request signed_request = *request;

    if (admin->key) {
        coco_status status = sign_token(admin->key, ROLE, COCO_ADMIN_TOKEN_LIFE, &token, err);
        if (status != COCO_OK)
            return status;
        signed_request.token = coco_buf_text(&token);
    }
    return coco_broker_do(admin->broker, ctx, &signed_request, ret, err);
}

/* "<endpoint><repository>/<type>/<tag>" */
struct target {
    char text[sizeof(VERSIONS) + sizeof(((struct coco_resource_path *)0)->text)];
};

static coco_status
parse_path(const char *endpoint, const char *path, struct target *ret, coco_error **err)
{
    struct coco_resource_path parsed;

    coco_status status = strncmp(path, "kbs://", strlen("kbs://")) == 0
                             ? coco_resource_uri_parse(path, &parsed, err)
                             : coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        (void)snprintf(ret->text, sizeof(ret->text), "%s%s", endpoint, parsed.text);
    return status;
}

coco_status
coco_admin_put_resource(coco_admin *admin, coco_ctx *ctx, const char *path, const uint8_t *data,
                        size_t len, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct target target;

    coco_status status = parse_path("/resource/", path, &target, err);
    if (status != COCO_OK)
        return status;
    struct coco_broker_request request = {
        .method = "POST",
        .path = target.text,
        .content_type = "application/octet-stream",
        .body = data,
        .len = len,
    };
    status = do_request(admin, ctx, &request, &answer, err);
    if (status == COCO_OK)
        status = coco_broker_check(&answer, err);
    return status;
}

static coco_status
check_list(const cJSON *list, coco_error **err)
{
    const cJSON *name = NULL;
    struct coco_resource_path path;

    if (!cJSON_IsArray(list))
        return coco_fail(err, COCO_ERR_PROTO, "list of resources is no array");
    cJSON_ArrayForEach(name, list) {
        if (!cJSON_IsString(name)
            || coco_resource_path_parse(name->valuestring, &path, NULL) != COCO_OK)
            return coco_fail(err, COCO_ERR_PROTO, "list of resources holds what is no resource");
    }
    return COCO_OK;
}

/* Upstream has no such endpoint, and says so in one of several ways (kbs-protocol A.8). */
static bool
has_no_such(const struct coco_broker_answer *answer)
{
    return answer->status == 404 || answer->status == 405
           || (answer->status == 401
               && (coco_broker_said(answer, "PluginInternalError")
                   || coco_broker_said(answer, "TokenNotFound")
                   || coco_broker_said(answer, "TokenVerifierError")));
}

/* What is at path, if the broker has such an endpoint; known is an error that only one that has it
 * says. */
static coco_status
get_json(coco_admin *admin, coco_ctx *ctx, const char *path, const char *known, cJSON **ret,
         coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    const struct coco_broker_request request = {.method = "GET", .path = path};

    coco_status status = do_request(admin, ctx, &request, &answer, err);
    if (status != COCO_OK)
        return status;
    if (has_no_such(&answer) && !(known && coco_broker_said(&answer, known)))
        return coco_broker_fail(&answer, COCO_ERR_NOTSUP, err);
    status = coco_broker_check(&answer, err);
    if (status == COCO_OK)
        status = coco_json_parse(coco_buf_text(&answer.body), answer.body.len, ret, err);
    return status;
}

/* What the broker sent, written anew: without what its bytes, or their order, may say besides. */
static coco_status
give_json(const cJSON *json, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = ANSWER_MAX};

    coco_status status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

coco_status
coco_admin_list_resources(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;

    coco_status status = get_json(admin, ctx, "/resource", NULL, &list, err);
    if (status == COCO_OK)
        status = check_list(list, err);
    return status == COCO_OK ? give_json(list, ret, err) : status;
}

/* Upstream knows no versions, and once deleted nothing; NOT_THERE is what a KBS says that does. */
static coco_status
check_known(const struct coco_broker_answer *answer, coco_error **err)
{
    if (has_no_such(answer) && !coco_broker_said(answer, NOT_THERE))
        return coco_broker_fail(answer, COCO_ERR_NOTSUP, err);
    return coco_broker_check(answer, err);
}

coco_status
coco_admin_delete_resource(coco_admin *admin, coco_ctx *ctx, const char *path, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct target target;

    coco_status status = parse_path("/resource/", path, &target, err);
    if (status != COCO_OK)
        return status;
    struct coco_broker_request request = {.method = "DELETE", .path = target.text, .once = true};
    status = do_request(admin, ctx, &request, &answer, err);
    if (status != COCO_OK)
        return status;

    /* What upstream says of a resource that is not there (kbs-protocol B); before v0.20.0 it has no
     * DELETE. */
    if (answer.status == 401 && coco_broker_said(&answer, "PluginInternalError"))
        return coco_broker_fail(&answer, COCO_ERR_NOTFOUND, err);
    return check_known(&answer, err);
}

coco_status
coco_admin_purge_resource(coco_admin *admin, coco_ctx *ctx, const char *path, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct target target;

    coco_status status = parse_path(VERSIONS, path, &target, err);
    if (status != COCO_OK)
        return status;
    const struct coco_broker_request request = {
        .method = "DELETE", .path = target.text, .once = true};
    status = do_request(admin, ctx, &request, &answer, err);
    return status == COCO_OK ? check_known(&answer, err) : status;
}

static coco_status
read_version(const struct coco_broker_answer *answer, uint64_t *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;

    coco_status status =
        coco_json_parse_object(coco_buf_text(&answer->body), answer->body.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "version", ret, err);
    return status;
}

coco_status
coco_admin_restore_resource(coco_admin *admin, coco_ctx *ctx, const char *path, uint64_t version,
                            uint64_t *ret, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct target target;
    char with_version[sizeof(target.text) + 32];

    coco_status status = parse_path("/resource-restore/", path, &target, err);
    if (status != COCO_OK)
        return status;
    (void)snprintf(with_version, sizeof(with_version), "%s?version=%" PRIu64, target.text, version);
    const struct coco_broker_request request = {
        .method = "POST",
        .path = version ? with_version : target.text,
        .once = true, /* twice would put back what the first time replaced */
    };
    status = do_request(admin, ctx, &request, &answer, err);
    if (status == COCO_OK)
        status = check_known(&answer, err);
    return status == COCO_OK ? read_version(&answer, ret, err) : status;
}

coco_status
coco_admin_resource_versions(coco_admin *admin, coco_ctx *ctx, const char *path, coco_bytes **ret,
                             coco_error **err)
{
    _cleanup_json_ cJSON *versions = NULL;
    struct target target;

    coco_status status = parse_path(VERSIONS, path, &target, err);
    if (status == COCO_OK)
        status = get_json(admin, ctx, target.text, NOT_THERE, &versions, err);
    if (status == COCO_OK && !cJSON_IsArray(versions))
        status = coco_fail(err, COCO_ERR_PROTO, "list of versions is no array");
    return status == COCO_OK ? give_json(versions, ret, err) : status;
}

static coco_status
post_json(coco_admin *admin, coco_ctx *ctx, const char *path, const void *body, size_t len,
          coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    struct coco_broker_request request = {
        .method = "POST",
        .path = path,
        .content_type = "application/json",
        .body = body,
        .len = len,
    };

    coco_status status = do_request(admin, ctx, &request, &answer, err);
    return status == COCO_OK ? coco_broker_check(&answer, err) : status;
}

/* {"policy": "<base64url>"}, and what else is in object already. */
static coco_status
write_policy(cJSON *object, const char *rego, struct coco_buf *body, coco_error **err)
{
    coco_status status = coco_json_add_base64url(object, "policy", rego, strlen(rego), err);

    body->limit = POLICY_MAX;
    return status == COCO_OK ? coco_json_write(object, COCO_JSON_COMPACT, body, err) : status;
}

coco_status
coco_admin_set_resource_policy(coco_admin *admin, coco_ctx *ctx, const char *rego, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf body = {0};

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = write_policy(object, rego, &body, err);
    return status == COCO_OK ? post_json(admin, ctx, RESOURCE_POLICY, body.data, body.len, err)
                             : status;
}

coco_status
coco_admin_set_attestation_policy(coco_admin *admin, coco_ctx *ctx, const char *id,
                                  const char *rego, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf body = {0};

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "type", "rego", err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "policy_id", id, err);
    if (status == COCO_OK)
        status = write_policy(object, rego, &body, err);
    return status == COCO_OK
               ? post_json(admin, ctx, "/attestation-policy", body.data, body.len, err)
               : status;
}

/* What upstream says of an endpoint that it lacks is not what is said of a policy that is none. */
static coco_status
check_policy_answer(const struct coco_broker_answer *answer, coco_error **err)
{
    if (has_no_such(answer) && !coco_broker_said(answer, "PolicyNotFound"))
        return coco_broker_fail(answer, COCO_ERR_NOTSUP, err);
    return coco_broker_check(answer, err);
}

coco_status
coco_admin_set_path_policy(coco_admin *admin, coco_ctx *ctx, const char *path, const char *rego,
                           coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf target = {.limit = POLICY_PATH_MAX};
    _cleanup_buf_ struct coco_buf body = {0};

    coco_status status = coco_resource_parts_check(path, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&target, err, RESOURCE_POLICY "/%s", path);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK && rego)
        status = write_policy(object, rego, &body, err);
    if (status != COCO_OK)
        return status;
    const struct coco_broker_request request = {
        .method = rego ? "POST" : "DELETE",
        .path = coco_buf_text(&target),
        .content_type = rego ? "application/json" : NULL,
        .body = body.data,
        .len = body.len,
        .once = !rego,
    };
    status = do_request(admin, ctx, &request, &answer, err);
    return status == COCO_OK ? check_policy_answer(&answer, err) : status;
}

coco_status
coco_admin_list_resource_policies(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret,
                                  coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;
    const cJSON *id;

    coco_status status = get_json(admin, ctx, RESOURCE_POLICY, NULL, &list, err);
    if (status == COCO_OK && !cJSON_IsArray(list))
        status = coco_fail(err, COCO_ERR_PROTO, "list of policies is no array");
    cJSON_ArrayForEach(id, list)
        if (status == COCO_OK && !cJSON_IsString(id))
            status = coco_fail(err, COCO_ERR_PROTO, "list of policies holds what is none");
    return status == COCO_OK ? give_json(list, ret, err) : status;
}

coco_status
coco_admin_put_references(coco_admin *admin, coco_ctx *ctx, const char *message, coco_error **err)
{
    return post_json(admin, ctx, "/reference-value", message, strlen(message), err);
}

coco_status
coco_admin_rotate_keys(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_answer_ struct coco_broker_answer answer = {0};
    _cleanup_json_ cJSON *rotation = NULL;
    const struct coco_broker_request request = {.method = "POST", .path = "/rotate-keys"};
    const char *kid = NULL;
    uint64_t from = 0;

    coco_status status = do_request(admin, ctx, &request, &answer, err);
    if (status != COCO_OK)
        return status;
    if (answer.status == 409)
        return coco_broker_fail(&answer, COCO_ERR_LIMIT, err);
    if (has_no_such(&answer))
        return coco_broker_fail(&answer, COCO_ERR_NOTSUP, err);
    status = coco_broker_check(&answer, err);
    if (status == COCO_OK)
        status =
            coco_json_parse_object(coco_buf_text(&answer.body), answer.body.len, &rotation, err);
    if (status == COCO_OK)
        status = coco_json_get_string(rotation, "kid", &kid, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(rotation, "from", &from, err);
    return status == COCO_OK ? give_json(rotation, ret, err) : status;
}

static coco_status
check_reference(const cJSON *reference, coco_error **err)
{
    const cJSON *value = NULL;
    const char *name = NULL;
    uint64_t time = 0;

    if (!cJSON_IsObject(reference))
        return coco_fail(err, COCO_ERR_PROTO, "no object");
    coco_status status = coco_json_get_string(reference, "name", &name, err);
    if (status == COCO_OK)
        status = coco_json_get_any(reference, "value", &value, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(reference, "time", &time, err);
    if (status == COCO_OK)
        status = coco_json_get_u64_opt(reference, "expires", 0, &time, err);
    return status;
}

coco_status
coco_admin_list_references(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *list = NULL;
    const cJSON *reference;

    coco_status status = get_json(admin, ctx, "/reference-value", NULL, &list, err);
    if (status == COCO_OK && !cJSON_IsArray(list))
        status = coco_fail(err, COCO_ERR_PROTO, "no array");
    cJSON_ArrayForEach(reference, list)
        if (status == COCO_OK)
            status = check_reference(reference, err);
    if (status == COCO_OK)
        return give_json(list, ret, err);
    return coco_wrap(err, status, "list of reference values");
}

static coco_status
check_id(const char *id, coco_error **err)
{
    static const char known[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
    size_t len = strlen(id);

    if (len == 0 || len > ID_MAX || strspn(id, known) != len)
        return coco_fail(err, COCO_ERR_INVALID, "'%s' is no id of a refusal", id);
    return COCO_OK;
}

coco_status
coco_admin_explain(coco_admin *admin, coco_ctx *ctx, const char *id, coco_bytes **ret,
                   coco_error **err)
{
    _cleanup_json_ cJSON *trace = NULL;
    char path[sizeof("/explain/") + ID_MAX];

    coco_status status = check_id(id, err);
    if (status != COCO_OK)
        return status;
    (void)snprintf(path, sizeof(path), "/explain/%s", id);
    status = get_json(admin, ctx, path, "ExplainError", &trace, err);
    if (status == COCO_OK && !cJSON_IsObject(trace))
        status = coco_fail(err, COCO_ERR_PROTO, "explanation is no object");
    return status == COCO_OK ? give_json(trace, ret, err) : status;
}
