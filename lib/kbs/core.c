/*
 * kbs/core.c - a KBS without its sockets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/core.h"

#include "base/fail.h"
#include "crypto/jwk.h"
#include "kbs/audit.h"
#include "kbs/explain.h"
#include "kbs/limiter.h"
#include "kbs/policies.h"
#include "kbs/provider.h"
#include "kbs/references.h"
#include "kbs/storage.h"
#include "kbs/verifier.h"

#include <string.h>
#include <time.h>

#define TOKEN_KEY "token"
#define SEAL_KEY "session"

static int64_t
clock_now(void)
{
    return (int64_t)time(NULL);
}

/* The key that signs tokens: the store's, or a fresh one that is stored. */
static coco_status
open_token_key(struct coco_kbs_core *core, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *fresh = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    _cleanup_secret_ struct coco_secret stored = {0};

    coco_status status = coco_key_generate(COCO_KEY_P256, &fresh, err);
    if (status == COCO_OK)
        status = coco_key_private_pem(fresh, &pem, err);
    if (status == COCO_OK)
        status = coco_kbs_store_put_new(core->store, COCO_KBS_KEY, TOKEN_KEY, pem.data, pem.len,
                                        &stored, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(stored.data, stored.len, &core->token_key, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "token key");
}

static coco_status
name_token_key(struct coco_kbs_core *core, coco_error **err)
{
    _cleanup_buf_ struct coco_buf kid = {.limit = COCO_KBS_KID_SIZE - 1};

    coco_status status = coco_jwk_thumbprint(core->token_key, &kid, err);
    if (status == COCO_OK)
        memcpy(core->token_kid, coco_buf_text(&kid), kid.len + 1);
    return status;
}

static coco_status
open_sessions(struct coco_kbs_core *core, coco_error **err)
{
    _cleanup_secret_ struct coco_secret fresh = {0};
    _cleanup_secret_ struct coco_secret stored = {0};

    coco_status status = coco_secret_random(COCO_KBS_SEAL_KEY_SIZE, &fresh, err);
    if (status == COCO_OK)
        status = coco_kbs_store_put_new(core->store, COCO_KBS_KEY, SEAL_KEY, fresh.data, fresh.len,
                                        &stored, err);
    if (status == COCO_OK)
        status = coco_kbs_sessions_new(&stored, &core->sessions, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "session key");
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

    return options.path ? coco_kbs_audit_open(&options, &core->audit, err) : COCO_OK;
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
        status = coco_kbs_references_check_keys(&core->config.attestation.reference_keys, err);
    if (status == COCO_OK)
        status = coco_kbs_storage_open(&core->config, &core->store, err);
    if (status == COCO_OK)
        status = coco_kbs_policies_new(core->store, &core->policies, err);
    if (status == COCO_OK)
        status = coco_kbs_traces_new(core->config.explain_entries, &core->traces, err);
    if (status == COCO_OK && core->config.metrics)
        status = coco_kbs_metrics_new(&core->metrics, err);
    if (status == COCO_OK && core->config.rate.enabled)
        status = coco_kbs_limiter_new(core->config.rate.per_second, core->config.rate.burst,
                                      &core->limiter, err);
    if (status == COCO_OK)
        status = open_token_key(core, err);
    if (status == COCO_OK)
        status = name_token_key(core, err);
    if (status == COCO_OK)
        status = open_sessions(core, err);
    if (status == COCO_OK)
        status = coco_kbs_verifier_open(ctx, &core->config, &core->verifier, err);
    if (status == COCO_OK)
        status = coco_kbs_providers_new(ctx, core->config.admin.providers,
                                        core->config.admin.n_providers, core->now(),
                                        &core->providers, err);
    if (status == COCO_OK)
        status = open_audit(core, err);
    if (status == COCO_OK)
        *ret = coco_steal(&core);
    return status;
}

void
coco_kbs_core_free(struct coco_kbs_core *core)
{
    if (!core)
        return;
    coco_kbs_audit_close(core->audit);
    coco_kbs_providers_free(core->providers);
    coco_verifier_free(core->verifier);
    coco_kbs_sessions_free(core->sessions);
    EVP_PKEY_free(core->token_key);
    coco_kbs_limiter_free(core->limiter);
    coco_kbs_metrics_free(core->metrics);
    coco_kbs_traces_free(core->traces);
    coco_kbs_policies_free(core->policies);
    coco_kbs_store_close(core->store);
    coco_kbs_config_done(&core->config);
    free(core);
}
