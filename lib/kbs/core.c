/*
 * kbs/core.c - a KBS without its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/core.h"

#include "base/fail.h"
#include "crypto/jws.h"
#include "kbs/audit.h"
#include "kbs/audit_note.h"
#include "kbs/explain.h"
#include "kbs/guest.h"
#include "kbs/keyring.h"
#include "kbs/limiter.h"
#include "kbs/plugins.h"
#include "kbs/policies.h"
#include "kbs/provider.h"
#include "kbs/references.h"
#include "kbs/se.h"
#include "kbs/storage.h"
#include "kbs/tenants.h"
#include "kbs/verifier.h"

#include <string.h>
#include <time.h>

static int64_t
clock_now(void)
{
    return (int64_t)time(NULL);
}

/* How long at most what was made with a key is good: a token, or a cookie before there is one. */
static int64_t
key_lifetime(const struct coco_kbs_config *config)
{
    uint64_t minutes = config->attestation.duration_min > config->attestation.timeout
                           ? config->attestation.duration_min
                           : config->attestation.timeout;

    return 60 * (int64_t)minutes + COCO_JWT_LEEWAY_S;
}

static coco_status
open_keys(struct coco_kbs_core *core, coco_error **err)
{
    /* Until the keyring gives its own, which it does at once. */
    _cleanup_secret_ struct coco_secret seal = {0};

    coco_status status = coco_kbs_keyring_open(core->store, key_lifetime(&core->config),
                                               core->now(), &core->keyring, err);
    if (status == COCO_OK)
        status = coco_secret_random(COCO_KBS_SEAL_KEY_SIZE, &seal, err);
    if (status == COCO_OK)
        status = coco_kbs_sessions_new(&seal, &core->sessions, err);
    if (status == COCO_OK)
        status = coco_kbs_keyring_look(core->keyring, core->now(), core->sessions, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "keys");
    core->token_key = coco_kbs_keyring_first(core->keyring)->key;
    return COCO_OK;
}

static coco_status
open_audit(struct coco_kbs_core *core, coco_error **err)
{
    const struct coco_kbs_audit_options options = {
        .path = core->config.audit_path,
        .key = core->token_key,
        .now = core->now,
        .sync = core->config.audit_sync,
    };

    if (!options.path)
        return COCO_OK;
    coco_status status = coco_kbs_audit_open(&options, &core->audit, err);
    if (status == COCO_ERR_VERIFY && !core->config.storage.path
        && !core->config.storage.on_postgres)
        return coco_wrap(err, status,
                         "without a database each start has another key, and needs another log");
    return status == COCO_OK ? coco_kbs_audit_note_take(core->store, core->audit, err) : status;
}

/* What a tenant has of its own, too. */
static coco_status
open_parts(struct coco_kbs_core *core, coco_error **err)
{
    coco_status status =
        coco_kbs_references_check_keys(&core->config.attestation.reference_keys, err);

    if (status == COCO_OK)
        status = coco_kbs_policies_new(core->store, core->engine, &core->policies, err);
    if (status == COCO_OK)
        status = coco_kbs_expected_new(core->store, &core->expected, err);
    if (status == COCO_OK)
        status = coco_kbs_traces_new(core->config.explain_entries, &core->traces, err);
    if (status == COCO_OK)
        status = coco_kbs_guests_new(&core->guests, err);
    if (status == COCO_OK)
        status = open_keys(core, err);
    if (status == COCO_OK)
        status = coco_kbs_verifier_open(core->ctx, &core->config, &core->verifier, err);
    if (status == COCO_OK)
        status = coco_kbs_se_new(&core->config, core->verifier, &core->se, err);
    if (status == COCO_OK)
        status = coco_kbs_providers_new(core->ctx, core->config.admin.providers,
                                        core->config.admin.n_providers, core->now(),
                                        &core->providers, err);
    return status;
}

coco_status
coco_kbs_core_new(coco_ctx *ctx, const char *config, struct coco_kbs_core **ret, coco_error **err)
{
    _cleanup_(coco_kbs_core_freep) struct coco_kbs_core *core = calloc(1, sizeof(*core));

    if (!core)
        return coco_fail_nomem(err);
    core->ctx = ctx;
    core->now = clock_now;
    coco_status status = coco_kbs_config_parse(config, strlen(config), &core->config, err);
    if (status == COCO_OK)
        status = coco_kbs_storage_open(&core->config, &core->store, err);
    if (status == COCO_OK && core->config.metrics)
        status = coco_kbs_metrics_new(&core->metrics, err);
    if (status == COCO_OK && core->config.rate.enabled)
        status = coco_kbs_limiter_new(core->config.rate.per_second, core->config.rate.burst,
                                      &core->limiter, err);
    if (status == COCO_OK)
        status = coco_policy_engine_new(&core->engine, err);
    if (status == COCO_OK)
        status = open_parts(core, err);
    if (status == COCO_OK)
        status = open_audit(core, err);
    if (status == COCO_OK)
        status = coco_kbs_plugins_open(core, &core->plugins, err);
    if (status == COCO_OK && core->config.tenants.n > 0)
        status = coco_kbs_tenants_open(core, &core->tenants, err);
    if (status == COCO_OK)
        *ret = coco_steal(&core);
    return status;
}

coco_status
coco_kbs_core_new_tenant(struct coco_kbs_core *root, const struct coco_kbs_tenant_config *tenant,
                         const char *config, struct coco_kbs_core **ret, coco_error **err)
{
    _cleanup_(coco_kbs_core_freep) struct coco_kbs_core *core = calloc(1, sizeof(*core));

    if (!core)
        return coco_fail_nomem(err);
    core->ctx = root->ctx;
    core->now = root->now;
    core->engine = coco_policy_engine_ref(root->engine);
    coco_status status = coco_kbs_config_parse_tenant(config, strlen(config), &core->config, err);
    if (status == COCO_OK)
        status = coco_kbs_store_of(root->store, tenant->name, &tenant->quota, &core->store, err);
    if (status == COCO_OK)
        status = open_parts(core, err);
    if (status == COCO_OK && core->config.plugins)
        status = coco_kbs_plugins_open(core, &core->plugins, err);
    if (status == COCO_OK)
        *ret = coco_steal(&core);
    return status;
}

void
coco_kbs_core_free(struct coco_kbs_core *core)
{
    if (!core)
        return;
    coco_kbs_tenants_free(core->tenants);
    coco_kbs_plugins_close(core->plugins);
    coco_kbs_audit_close(core->audit);
    coco_kbs_providers_free(core->providers);
    coco_kbs_se_free(core->se);
    coco_verifier_free(core->verifier);
    coco_kbs_guests_free(core->guests);
    coco_kbs_sessions_free(core->sessions);
    coco_kbs_keyring_close(core->keyring);
    coco_kbs_limiter_free(core->limiter);
    coco_kbs_metrics_free(core->metrics);
    coco_kbs_traces_free(core->traces);
    coco_kbs_policies_free(core->policies);
    coco_policy_engine_unref(core->engine);
    coco_kbs_expected_free(core->expected);
    coco_kbs_store_close(core->store);
    coco_kbs_config_done(&core->config);
    free(core);
}
