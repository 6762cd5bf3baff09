/*
 * kbs/kbs.c - the public functions of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/kbs_plugin.h>

#include "base/bytes.h"
#include "base/fail.h"
#include "base/resource.h"
#include "base/text.h"
#include "kbs/audit.h"
#include "kbs/backup.h"
#include "kbs/core.h"
#include "kbs/explain.h"
#include "kbs/plugins.h"
#include "kbs/policies.h"
#include "kbs/references.h"
#include "kbs/server.h"
#include "kbs/storage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define REPORT_MAX ((size_t)4 << 10)
#define OWNER "this process" /* in the audit log */

struct coco_kbs {
    struct coco_kbs_core *core;
    pthread_mutex_t lock;             /* the server's */
    struct coco_httpd_server *server; /* NULL: not serving */

    /* Without the lock, which who stops the server holds while plug-ins still ask. */
    _Atomic bool serving;
    char *url; /* what was last served at */
};

coco_status
coco_kbs_new(coco_ctx *ctx, const char *config, coco_kbs **ret, coco_error **err)
{
    coco_kbs *kbs = calloc(1, sizeof(*kbs));

    if (!kbs)
        return coco_fail_nomem(err);
    coco_status status = coco_kbs_core_new(ctx, config, &kbs->core, err);
    if (status != COCO_OK) {
        free(kbs);
        return status;
    }
    (void)pthread_mutex_init(&kbs->lock, NULL);
    *ret = kbs;
    return COCO_OK;
}

void
coco_kbs_free(coco_kbs *kbs)
{
    if (!kbs)
        return;
    coco_kbs_stop(kbs);
    coco_kbs_core_free(kbs->core);
    (void)pthread_mutex_destroy(&kbs->lock);
    free(kbs->url);
    free(kbs);
}

static coco_status
serve(coco_kbs *kbs, coco_error **err)
{
    struct coco_httpd_server *server = NULL;

    coco_status status = coco_kbs_server_start(kbs->core, &server, err);
    if (status != COCO_OK)
        return status;
    char *url = strdup(coco_httpd_server_url(server));
    if (!url) {
        coco_httpd_server_stop(server);
        return coco_fail_nomem(err);
    }
    free(kbs->url);
    kbs->url = url;
    kbs->server = server;
    kbs->serving = true;
    return COCO_OK;
}

coco_status
coco_kbs_start(coco_kbs *kbs, coco_error **err)
{
    coco_status status;

    (void)pthread_mutex_lock(&kbs->lock);
    if (kbs->server)
        status = coco_fail(err, COCO_ERR_INVALID, "the KBS is serving already");
    else
        status = coco_kbs_plugins_check(kbs->core->plugins, err);
    if (status == COCO_OK)
        status = serve(kbs, err);
    (void)pthread_mutex_unlock(&kbs->lock);
    return status;
}

coco_status
coco_kbs_add_plugin(coco_kbs *kbs, const coco_kbs_plugin *plugin, void *user, coco_error **err)
{
    (void)pthread_mutex_lock(&kbs->lock);
    coco_status status =
        coco_kbs_plugins_add(kbs->core->plugins, kbs->server != NULL, plugin, user, err);
    (void)pthread_mutex_unlock(&kbs->lock);
    return status;
}

void
coco_kbs_stop(coco_kbs *kbs)
{
    (void)pthread_mutex_lock(&kbs->lock);
    kbs->serving = false;
    coco_httpd_server_stop(kbs->server);
    kbs->server = NULL;
    (void)pthread_mutex_unlock(&kbs->lock);
}

const char *
coco_kbs_url(const coco_kbs *kbs)
{
    return kbs->serving ? kbs->url : NULL;
}

/*
 * What its owner does in this process is on record as what she does over HTTP, and before it is
 * done.
 */
static coco_status
record(const coco_kbs *kbs, const char *event, const char *path, coco_error **err)
{
    const struct coco_kbs_audit_event entry = {.event = event, .who = OWNER, .path = path};

    return kbs->core->audit ? coco_kbs_audit_add(kbs->core->audit, &entry, err) : COCO_OK;
}

coco_status
coco_kbs_put_resource(coco_kbs *kbs, const char *path, const uint8_t *data, size_t len,
                      coco_error **err)
{
    struct coco_resource_path parsed;

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = record(kbs, "put-resource", parsed.text, err);
    return status == COCO_OK ? coco_kbs_store_put(kbs->core->store, COCO_KBS_RESOURCE, parsed.text,
                                                  data, len, err)
                             : status;
}

coco_status
coco_kbs_get_resource(coco_kbs *kbs, const char *path, coco_bytes **ret, coco_error **err)
{
    struct coco_resource_path parsed;
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = coco_kbs_store_get(kbs->core->store, COCO_KBS_RESOURCE, parsed.text, &secret, NULL,
                                    err);
    if (status == COCO_OK)
        status = record(kbs, "get-resource", parsed.text, err);
    if (status != COCO_OK)
        return status;
    return coco_bytes_new(secret.data, secret.len, ret, err);
}

coco_status
coco_kbs_delete_resource(coco_kbs *kbs, const char *path, coco_error **err)
{
    struct coco_resource_path parsed;

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = record(kbs, "delete-resource", parsed.text, err);
    return status == COCO_OK
               ? coco_kbs_store_delete(kbs->core->store, COCO_KBS_RESOURCE, parsed.text, err)
               : status;
}

coco_status
coco_kbs_purge_resource(coco_kbs *kbs, const char *path, coco_error **err)
{
    struct coco_resource_path parsed;

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = record(kbs, "purge-resource", parsed.text, err);
    return status == COCO_OK
               ? coco_kbs_store_purge(kbs->core->store, COCO_KBS_RESOURCE, parsed.text, err)
               : status;
}

coco_status
coco_kbs_restore_resource(coco_kbs *kbs, const char *path, uint64_t version, uint64_t *ret,
                          coco_error **err)
{
    struct coco_resource_path parsed;
    uint64_t made = 0;

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = record(kbs, "restore-resource", parsed.text, err);
    if (status == COCO_OK)
        status = coco_kbs_store_restore(kbs->core->store, COCO_KBS_RESOURCE, parsed.text, version,
                                        &made, err);
    if (status == COCO_OK)
        *ret = made;
    return status;
}

static coco_status
give_json(const cJSON *json, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_VALUE_MAX};

    coco_status status = coco_json_write(json, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? coco_bytes_take(&text, ret, err) : status;
}

coco_status
coco_kbs_resource_versions(coco_kbs *kbs, const char *path, coco_bytes **ret, coco_error **err)
{
    struct coco_resource_path parsed;
    _cleanup_json_ cJSON *versions = NULL;

    coco_status status = coco_resource_path_parse(path, &parsed, err);
    if (status == COCO_OK)
        status = coco_kbs_store_versions(kbs->core->store, COCO_KBS_RESOURCE, parsed.text,
                                         &versions, err);
    return status == COCO_OK ? give_json(versions, ret, err) : status;
}

coco_status
coco_kbs_list_resources(coco_kbs *kbs, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *names = NULL;

    coco_status status = coco_kbs_store_names(kbs->core->store, COCO_KBS_RESOURCE, &names, err);
    return status == COCO_OK ? give_json(names, ret, err) : status;
}

static coco_status
set_policy(coco_kbs *kbs, const char *event, const char *id, const char *rego, coco_error **err)
{
    coco_status status = record(kbs, event, id, err);

    if (status == COCO_OK)
        status = coco_kbs_policies_set(kbs->core->policies, id, rego, err);
    /* One that cannot be evaluated is as wrong as one that does not parse. */
    if (status != COCO_ERR_DENIED)
        return status;
    coco_error *why = err ? coco_steal(err) : NULL;
    status = coco_fail(err, COCO_ERR_PROTO, "%s", why ? coco_error_message(why) : "policy");
    coco_error_free(why);
    return status;
}

coco_status
coco_kbs_set_resource_policy(coco_kbs *kbs, const char *rego, coco_error **err)
{
    return set_policy(kbs, "set-resource-policy", COCO_KBS_RESOURCE_POLICY, rego, err);
}

coco_status
coco_kbs_set_path_policy(coco_kbs *kbs, const char *path, const char *rego, coco_error **err)
{
    _cleanup_buf_ struct coco_buf id = {.limit = COCO_KBS_POLICY_ID_SIZE - 1};

    coco_status status = coco_resource_parts_check(path, err);
    if (status == COCO_OK)
        status = coco_buf_printf(&id, err, COCO_KBS_RESOURCE_POLICY "/%s", path);
    if (status != COCO_OK)
        return status;
    if (rego)
        return set_policy(kbs, "set-resource-policy", coco_buf_text(&id), rego, err);
    status = record(kbs, "remove-resource-policy", coco_buf_text(&id), err);
    return status == COCO_OK
               ? coco_kbs_policies_remove(kbs->core->policies, coco_buf_text(&id), err)
               : status;
}

coco_status
coco_kbs_list_resource_policies(coco_kbs *kbs, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *ids = NULL;

    coco_status status = coco_kbs_policies_list(kbs->core->policies, &ids, err);
    return status == COCO_OK ? give_json(ids, ret, err) : status;
}

coco_status
coco_kbs_set_attestation_policy(coco_kbs *kbs, const char *id, const char *rego, coco_error **err)
{
    if (coco_kbs_policy_is_of_resources(id))
        return coco_fail(err, COCO_ERR_INVALID, "%.64s is a resource policy", id);
    return set_policy(kbs, "set-attestation-policy", id, rego, err);
}

coco_status
coco_kbs_set_reference_value(coco_kbs *kbs, const char *name, const char *value, coco_error **err)
{
    coco_status status = record(kbs, "set-reference-value", name, err);

    return status == COCO_OK ? coco_kbs_reference_set(kbs->core->store, name, value, err) : status;
}

coco_status
coco_kbs_explain(const coco_kbs *kbs, const char *id, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_KBS_TRACE_MAX};

    coco_status status = coco_kbs_traces_get(kbs->core->traces, id, &text, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&text, ret, err);
    return status;
}

static coco_status
write_report(const struct coco_kbs_audit_report *report, bool verified, struct coco_buf *buf,
             coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;

    coco_status status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "entries", report->entries, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "first", report->first, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(object, "last", report->last, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(object, "from", report->from, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(object, "to", report->to, err);
    if (status == COCO_OK && verified)
        status = coco_json_add_u64(object, "checkpoints", report->checkpoints, err);
    if (status == COCO_OK && verified)
        status = coco_json_add_u64(object, "signed_to", report->signed_to, err);
    if (status == COCO_OK)
        status = coco_json_add_string(object, "head", report->head, err);
    if (status == COCO_OK)
        status = coco_json_write(object, COCO_JSON_COMPACT, buf, err);
    return status;
}

coco_status
coco_kbs_audit_verify(const char *path, const uint8_t *key, size_t len, coco_bytes **ret,
                      coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = REPORT_MAX};
    struct coco_kbs_audit_report report = {0};
    coco_status status = key ? coco_key_parse_public(key, len, &parsed, err) : COCO_OK;

    if (status == COCO_OK)
        status = coco_kbs_audit_read(path, parsed, &report, err);
    if (status == COCO_OK)
        status = write_report(&report, key != NULL, &text, err);
    if (status == COCO_OK)
        status = coco_bytes_take(&text, ret, err);
    return status;
}

coco_status
coco_kbs_reseal(const char *config, const char *old_key_file, coco_error **err)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};

    coco_status status = coco_kbs_config_parse(config, strlen(config), &parsed, err);
    return status == COCO_OK ? coco_kbs_storage_reseal(&parsed, old_key_file, err) : status;
}

coco_status
coco_kbs_backup(const char *config, const char *path, bool plain, coco_bytes **ret,
                coco_error **err)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};

    coco_status status = coco_kbs_config_parse(config, strlen(config), &parsed, err);
    return status == COCO_OK ? coco_kbs_backup_make(&parsed, path, plain, ret, err) : status;
}

coco_status
coco_kbs_restore(const char *config, const char *path, const char *digest, bool force,
                 coco_bytes **ret, coco_error **err)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};
    struct coco_digest wanted = {.alg = COCO_SHA256};
    const size_t size = coco_hash_size(COCO_SHA256);

    if (digest && (strlen(digest) != 2 * size || !coco_unhex(digest, 2 * size, wanted.bytes, size)))
        return coco_fail(err, COCO_ERR_INVALID, "digest is not %zu hex digits", 2 * size);
    coco_status status = coco_kbs_config_parse(config, strlen(config), &parsed, err);
    return status == COCO_OK
               ? coco_kbs_backup_restore(&parsed, path, digest ? &wanted : NULL, force, ret, err)
               : status;
}

coco_status
coco_kbs_wrap_key(const char *config, const uint8_t *key, size_t len, coco_bytes **ret,
                  coco_error **err)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};
    _cleanup_buf_ struct coco_buf wrapped = {.limit = 4096};

    coco_status status = coco_kbs_config_parse(config, strlen(config), &parsed, err);
    if (status == COCO_OK)
        status = coco_kbs_storage_wrap_key(&parsed, key, len, &wrapped, err);
    return status == COCO_OK ? coco_bytes_take(&wrapped, ret, err) : status;
}
