/*
 * kbs/verifier.c - the verifier that the configuration describes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/verifier.h"

#include "base/fail.h"
#include "collateral/service.h"

#include <string.h>

/* Where Trustee has its store, unless told otherwise. */
#define STORE "/opt/confidential-containers/attestation-service/kds-store"
#define FILE_SCHEME "file://"

/* ---- collateral ---- */

/* The sources so far, in the order in which they are asked. */
struct sources {
    coco_ctx *ctx;
    const struct coco_kbs_config *config;
    coco_collateral *all; /* or NULL */
};

/* What is set of services; other sources have no such settings. */
static coco_status
set_up(const struct sources *sources, coco_collateral *source, coco_error **err)
{
    const struct coco_kbs_config *config = sources->config;
    const char *cache = config->attestation.collateral_cache;
    const char *ca = config->attestation.collateral_ca;
    coco_error *why = NULL;

    coco_status status = cache ? coco_collateral_set_cache(source, cache, &why) : COCO_OK;
    if (status == COCO_OK && ca)
        status = coco_collateral_set_tls_ca(source, (const uint8_t *)ca, strlen(ca), &why);
    if (status == COCO_ERR_NOTSUP) {
        coco_error_free(why);
        return COCO_OK;
    }
    coco_error_give(err, why);
    return status;
}

/* Takes source in any case. One thread serves all guests: none waits for a service. */
static coco_status
add(struct sources *sources, coco_collateral *source, coco_error **err)
{
    coco_status status = set_up(sources, source, err);

    if (status == COCO_OK)
        status = coco_service_set_background(source, err);
    if (status != COCO_OK) {
        coco_collateral_free(source);
        return status;
    }
    if (sources->all)
        return coco_collateral_new_either(coco_steal(&sources->all), source, &sources->all, err);
    sources->all = source;
    return COCO_OK;
}

static coco_status
add_named(struct sources *sources, const char *name, bool early, coco_error **err)
{
    const char *key = sources->config->attestation.collateral_key;
    coco_collateral *source = NULL;

    coco_status status = coco_collateral_open(sources->ctx, name, (const uint8_t *)key,
                                              key ? strlen(key) : 0, early, &source, err);
    return status == COCO_OK ? add(sources, source, err) : status;
}

/* [attestation_service.verifier_config.dcap_verifier] */
static coco_status
add_dcap(struct sources *sources, coco_error **err)
{
    const struct coco_kbs_dcap *dcap = &sources->config->attestation.dcap;
    const char *service = dcap->collateral_service;
    coco_collateral *source = NULL;
    coco_status status = COCO_OK;

    if (service && strncmp(service, FILE_SCHEME, strlen(FILE_SCHEME)) == 0)
        return add_named(sources, service + strlen(FILE_SCHEME), dcap->early, err);
    status = coco_collateral_new_http(sources->ctx, service, "", &source, err);
    if (status == COCO_OK)
        status = coco_collateral_set_early(source, dcap->early, err);
    if (status == COCO_OK)
        return add(sources, source, err);
    coco_collateral_free(source);
    return status;
}

/* One of [[attestation_service.verifier_config.snp_verifier.vcek_sources]] */
static coco_status
add_vcek(struct sources *sources, const struct coco_kbs_vcek_source *vcek, coco_error **err)
{
    coco_collateral *source = NULL;
    coco_status status = COCO_OK;

    if (vcek->is_store)
        status =
            coco_collateral_new_trustee(vcek->where ? vcek->where : STORE, false, &source, err);
    else
        status = coco_collateral_new_http(sources->ctx, "", vcek->where, &source, err);
    return status == COCO_OK ? add(sources, source, err) : status;
}

static coco_status
add_all(struct sources *sources, coco_error **err)
{
    const struct coco_kbs_config *config = sources->config;
    const struct coco_kbs_texts *named = &config->attestation.collateral;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < named->n && status == COCO_OK; i++)
        status = add_named(sources, named->items[i], false, err);
    if (status == COCO_OK && config->attestation.dcap.given)
        status = add_dcap(sources, err);
    for (size_t i = 0; i < config->attestation.n_vcek_sources && status == COCO_OK; i++)
        status = add_vcek(sources, &config->attestation.vcek_sources[i], err);
    return status == COCO_OK ? status : coco_wrap(err, status, "collateral");
}

/* ---- trust ---- */

static coco_status
trust_keys(coco_verifier *verifier, const char *tee, const struct coco_kbs_texts *keys,
           coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < keys->n && status == COCO_OK; i++)
        status = coco_verifier_trust_key(verifier, tee, (const uint8_t *)keys->items[i],
                                         strlen(keys->items[i]), err);
    return status;
}

/* "amd/Milan=sha256:..." */
static coco_status
trust_root(coco_verifier *verifier, const char *text, coco_error **err)
{
    const char *equals = strchr(text, '=');
    _cleanup_free_ char *maker = equals ? strndup(text, (size_t)(equals - text)) : NULL;

    if (!equals)
        return coco_fail(err, COCO_ERR_INVALID, "trusted_roots: '%.100s' is not maker=sha256:hex",
                         text);
    if (!maker)
        return coco_fail_nomem(err);
    return coco_verifier_trust_root(verifier, maker, equals + 1, err);
}

static coco_status
trust(coco_verifier *verifier, const struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_texts *roots = &config->attestation.trusted_roots;
    const struct coco_kbs_texts *allowed = &config->attestation.allow;

    coco_status status = trust_keys(verifier, "software", &config->attestation.software_roots, err);
    if (status == COCO_OK)
        status = trust_keys(verifier, "tpm", &config->attestation.tpm_keys, err);
    if (status == COCO_OK)
        status = trust_keys(verifier, "cca", &config->attestation.cca_keys, err);
    for (size_t i = 0; i < roots->n && status == COCO_OK; i++)
        status = trust_root(verifier, roots->items[i], err);
    for (size_t i = 0; i < allowed->n && status == COCO_OK; i++)
        status = coco_verifier_allow(verifier, allowed->items[i], err);
    return status;
}

coco_status
coco_kbs_verifier_open(coco_ctx *ctx, const struct coco_kbs_config *config, coco_verifier **ret,
                       coco_error **err)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    struct sources sources = {.ctx = ctx, .config = config};

    coco_status status = coco_verifier_new(&verifier, err);
    if (status == COCO_OK && config->attestation.allow_sample)
        coco_verifier_allow_sample(verifier);
    if (status == COCO_OK)
        status = trust(verifier, config, err);
    if (status == COCO_OK)
        status = add_all(&sources, err);
    if (status != COCO_OK) {
        coco_collateral_free(sources.all);
        return status;
    }
    coco_verifier_set_collateral(verifier, sources.all);
    *ret = coco_steal(&verifier);
    return COCO_OK;
}
