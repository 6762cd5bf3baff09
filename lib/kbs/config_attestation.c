/*
 * kbs/config_attestation.c - what a KBS believes, and what it says then
 *
 * [attestation_service]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "kbs/config_field.h"
#include "rcar/messages.h"

#include <openssl/crypto.h>
#include <string.h>

/* Upstream's settings of its verifier of TDX and SGX, and upstream's defaults. */
static coco_status
read_dcap(const cJSON *table, struct coco_kbs_dcap *to, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    bool secure = true;
    const struct coco_kbs_field fields[] = {
        {"collateral_service", COCO_FIELD_TEXT, &to->collateral_service, 0, 0, NULL},
        {"use_secure_cert", COCO_FIELD_BOOL, &secure, 0, 0, NULL},
        {"tcb_update_type", COCO_FIELD_TEXT, &type, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status != COCO_OK || !table)
        return status;
    if (!secure)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "use_secure_cert = false is not supported: give its CA, collateral_ca");
    if (type && strcmp(type, "early") != 0 && strcmp(type, "standard") != 0)
        return coco_fail(err, COCO_ERR_PROTO, "tcb_update_type is \"early\" or \"standard\"");
    to->given = true;
    to->early = !type || strcmp(type, "early") == 0;
    return COCO_OK;
}

static coco_status
read_vcek_source(const cJSON *item, struct coco_kbs_vcek_source *to, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *url = NULL;
    const struct coco_kbs_field fields[] = {
        {"type", COCO_FIELD_TEXT, &type, 0, 0, NULL},
        {"path", COCO_FIELD_TEXT, &path, 0, 0, NULL},
        {"base_url", COCO_FIELD_TEXT, &url, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    bool is_kds = type && strcmp(type, "KDS") == 0;
    to->is_store = type && strcmp(type, "OfflineStore") == 0;
    if (!is_kds && !to->is_store)
        return coco_fail(err, COCO_ERR_PROTO, "type is \"KDS\" or \"OfflineStore\"");
    if (to->is_store ? url != NULL : path != NULL)
        return coco_fail(err, COCO_ERR_PROTO, "%s goes with the other type",
                         to->is_store ? "base_url" : "path");
    to->where = to->is_store ? coco_steal(&path) : coco_steal(&url);
    return COCO_OK;
}

static coco_status
read_snp(const cJSON *table, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {{"vcek_sources", COCO_FIELD_SECTION, NULL, 0, 0, NULL}};
    const cJSON *list = coco_kbs_section(table, "vcek_sources");
    const cJSON *item;
    size_t n = 0;

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_list_size(list, "vcek_sources", &n, err);
    if (status != COCO_OK || !table)
        return status;
    config->attestation.vcek_sources = calloc(n + 1, sizeof(*config->attestation.vcek_sources));
    if (!config->attestation.vcek_sources)
        return coco_fail_nomem(err);
    /* Without a list upstream asks the KDS. */
    config->attestation.n_vcek_sources = list ? 0 : 1;
    cJSON_ArrayForEach(item, list) {
        size_t i = config->attestation.n_vcek_sources++;

        status = read_vcek_source(item, &config->attestation.vcek_sources[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "vcek_sources %zu", i);
    }
    return COCO_OK;
}

static coco_status
read_se(const cJSON *table, struct coco_kbs_se_config *to, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"private_key", COCO_FIELD_PEM, &to->private_key, 0, 0, NULL},
        {"host_keys", COCO_FIELD_PEMS, &to->host_keys, 0, 0, NULL},
        {"image_header", COCO_FIELD_TEXT, &to->image_header, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK && table
        && (!to->private_key || to->host_keys.n == 0 || !to->image_header))
        status = coco_fail(err, COCO_ERR_PROTO,
                           "private_key, host_keys and image_header go "
                           "together");
    return status;
}

static coco_status
read_verifiers(const cJSON *table, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"dcap_verifier", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"snp_verifier", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"se_verifier", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"tpm_verifier", COCO_FIELD_REFUSED, NULL, 0, 0, "use tpm_keys"},
        {"nvidia_verifier", COCO_FIELD_REFUSED, NULL, 0, 0, "this build verifies no such devices"},
    };

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "dcap_verifier",
            read_dcap(coco_kbs_section(table, "dcap_verifier"), &config->attestation.dcap, err),
            err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "snp_verifier", read_snp(coco_kbs_section(table, "snp_verifier"), config, err), err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "se_verifier",
            read_se(coco_kbs_section(table, "se_verifier"), &config->attestation.se, err), err);
    return coco_kbs_in_section("verifier_config", status, err);
}

/* One that no guest can ask for is a mistake. */
static coco_status
check_audiences(const struct coco_kbs_texts *audiences, coco_error **err)
{
    for (size_t i = 0; i < audiences->n; i++)
        if (coco_rcar_audience_check(audiences->items[i], NULL) != COCO_OK)
            return coco_fail(err, COCO_ERR_PROTO,
                             "attestation_token_broker: audiences: '%.40s' is none",
                             audiences->items[i]);
    return COCO_OK;
}

coco_status
coco_kbs_read_attestation(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *oldest = NULL;
    const struct coco_kbs_field fields[] = {
        {"type", COCO_FIELD_CONSTANT, NULL, 0, 0, "coco_as_builtin"},
        {"timeout", COCO_FIELD_NUMBER, &config->attestation.timeout, 1, 60, NULL},
        {"oldest_protocol", COCO_FIELD_TEXT, &oldest, 0, 0, NULL},
        {"allow_sample", COCO_FIELD_BOOL, &config->attestation.allow_sample, 0, 0, NULL},
        {"software_roots", COCO_FIELD_PEMS, &config->attestation.software_roots, 0, 0, NULL},
        {"tpm_keys", COCO_FIELD_PEMS, &config->attestation.tpm_keys, 0, 0, NULL},
        {"cca_keys", COCO_FIELD_PEMS, &config->attestation.cca_keys, 0, 0, NULL},
        {"reference_keys", COCO_FIELD_PEMS, &config->attestation.reference_keys, 0, 0, NULL},
        {"trusted_roots", COCO_FIELD_TEXTS, &config->attestation.trusted_roots, 0, 0, NULL},
        {"allow", COCO_FIELD_TEXTS, &config->attestation.allow, 0, 0, NULL},
        {"collateral", COCO_FIELD_TEXTS, &config->attestation.collateral, 0, 0, NULL},
        {"collateral_key", COCO_FIELD_PEM, &config->attestation.collateral_key, 0, 0, NULL},
        {"collateral_ca", COCO_FIELD_PEM, &config->attestation.collateral_ca, 0, 0, NULL},
        {"collateral_cache", COCO_FIELD_TEXT, &config->attestation.collateral_cache, 0, 0, NULL},
        {"attestation_token_broker", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"rvps_config", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"verifier_config", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"storage_type", COCO_FIELD_REFUSED, NULL, 0, 0, "there is one store, [storage_backend]"},
    };
    const struct coco_kbs_field broker[] = {
        {"duration_min", COCO_FIELD_NUMBER, &config->attestation.duration_min, 1, 1440, NULL},
        {"issuer_name", COCO_FIELD_TEXT, &config->attestation.issuer_name, 0, 0, NULL},
        {"developer_name", COCO_FIELD_TEXT, &config->attestation.developer_name, 0, 0, NULL},
        {"build_name", COCO_FIELD_TEXT, &config->attestation.build_name, 0, 0, NULL},
        {"profile_name", COCO_FIELD_TEXT, &config->attestation.profile_name, 0, 0, NULL},
        {"verbose_token", COCO_FIELD_BOOL, &config->attestation.verbose_token, 0, 0, NULL},
        {"audiences", COCO_FIELD_TEXTS, &config->attestation.audiences, 0, 0, NULL},
        {"signer", COCO_FIELD_REFUSED, NULL, 0, 0, "the KBS signs with a key of its own"},
    };
    const struct coco_kbs_field rvps[] = {
        {"type", COCO_FIELD_CONSTANT, NULL, 0, 0, "BuiltIn"},
    };
    const cJSON *table = coco_kbs_section(root, "attestation_service");

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "attestation_token_broker",
            COCO_KBS_READ(coco_kbs_section(table, "attestation_token_broker"), broker, err), err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "rvps_config", COCO_KBS_READ(coco_kbs_section(table, "rvps_config"), rvps, err), err);
    if (status == COCO_OK)
        status = read_verifiers(coco_kbs_section(table, "verifier_config"), config, err);
    if (status == COCO_OK)
        status = check_audiences(&config->attestation.audiences, err);
    if (status == COCO_OK && oldest
        && !coco_rcar_version_parse(oldest, &config->attestation.oldest_protocol))
        status =
            coco_fail(err, COCO_ERR_PROTO, "oldest_protocol: there is no version %.40s", oldest);
    return coco_kbs_in_section("attestation_service", status, err);
}

static void
se_done(struct coco_kbs_se_config *se)
{
    if (se->private_key)
        OPENSSL_cleanse(se->private_key, strlen(se->private_key));
    free(se->private_key);
    coco_kbs_texts_done(&se->host_keys);
    free(se->image_header);
}

void
coco_kbs_attestation_done(struct coco_kbs_config *config)
{
    coco_kbs_texts_done(&config->attestation.software_roots);
    coco_kbs_texts_done(&config->attestation.tpm_keys);
    coco_kbs_texts_done(&config->attestation.cca_keys);
    coco_kbs_texts_done(&config->attestation.reference_keys);
    coco_kbs_texts_done(&config->attestation.trusted_roots);
    coco_kbs_texts_done(&config->attestation.allow);
    coco_kbs_texts_done(&config->attestation.collateral);
    free(config->attestation.collateral_key);
    free(config->attestation.collateral_ca);
    free(config->attestation.collateral_cache);
    free(config->attestation.dcap.collateral_service);
    for (size_t i = 0; i < config->attestation.n_vcek_sources; i++)
        free(config->attestation.vcek_sources[i].where);
    free(config->attestation.vcek_sources);
    se_done(&config->attestation.se);
    free(config->attestation.issuer_name);
    free(config->attestation.developer_name);
    free(config->attestation.build_name);
    free(config->attestation.profile_name);
    coco_kbs_texts_done(&config->attestation.audiences);
}
