/*
 * kbs/config.c - the configuration of a KBS
 *
 * TOML -> tree -> tables of fields -> struct. A section or key that is not
 * understood is refused: a misspelt key must not mean its default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config.h"

#include "base/fail.h"
#include "base/toml.h"
#include "httpd/limits.h"
#include "kbs/config_field.h"
#include "kbs/config_section.h"

#include <string.h>

/* Where Trustee's KBS serves whose file names no sockets, too. */
#define USUAL_SOCKET "127.0.0.1:8080"
/* s: a year, and a day. */
#define LEASE_MAX 31536000
#define LEASE_USUAL_MAX 86400
/*
 * Of one source a second. A handshake costs less than half a millisecond: one source
 * alone takes no more than a fifth of a processor, and a host that starts a thousand
 * guests at once is not slowed down.
 */
#define RATE UINT64_C(500)

#define NAME "name"

/* The KBS's own, which is always there; the others read what is said of them. */
static coco_status
read_plugin(const cJSON *item, cJSON *all, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {NAME, COCO_FIELD_CONSTANT, NULL, 0, 0, "resource"},
        {"storage_backend_type", COCO_FIELD_CONSTANT, NULL, 0, 0, "kvstorage"},
    };
    const char *name = NULL;

    if (!cJSON_IsObject(item))
        return coco_fail(err, COCO_ERR_PROTO, "is not a list of tables");
    coco_status status = coco_json_get_string(item, NAME, &name, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(name, "resource") == 0)
        return COCO_KBS_READ(item, fields, err);
    if (cJSON_GetObjectItemCaseSensitive(all, name))
        return coco_fail(err, COCO_ERR_PROTO, "%.100s is there twice", name);
    status = coco_json_add_copy(all, name, item, err);
    if (status == COCO_OK)
        coco_json_free(cJSON_DetachItemFromObjectCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(all, name), NAME));
    return status;
}

static coco_status
read_plugins(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const cJSON *list = coco_kbs_section(root, "plugins");
    const cJSON *item;
    size_t n = 0;

    coco_status status = coco_kbs_list_size(list, "plugins", &n, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&config->plugins, err);
    cJSON_ArrayForEach(item, list)
        if (status == COCO_OK)
            status = read_plugin(item, config->plugins, err);
    return coco_kbs_in_section("plugins", status, err);
}

/*
 * Upstream's configurations let any token in by the key in its header, so that its own
 * attestation service needs no certificate. Here it needs none anyway, and no other is let in.
 */
static coco_status
read_token(const cJSON *root, coco_error **err)
{
    static const char alone[] = "tokens of this KBS alone are taken";
    bool any_key = false;
    const struct coco_kbs_field fields[] = {
        {"insecure_header_jwk", COCO_FIELD_BOOL, &any_key, 0, 0, NULL},
        {"trusted_jwk_sets", COCO_FIELD_REFUSED, NULL, 0, 0, alone},
        {"trusted_certs_paths", COCO_FIELD_REFUSED, NULL, 0, 0, alone},
        {"extra_teekey_paths", COCO_FIELD_REFUSED, NULL, 0, 0, alone},
    };

    return coco_kbs_in_section(
        "attestation_token",
        COCO_KBS_READ(coco_kbs_section(root, "attestation_token"), fields, err), err);
}

static coco_status
read_explain(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"entries", COCO_FIELD_NUMBER, &config->explain_entries, 1, 65536, NULL},
    };

    return coco_kbs_in_section("explain",
                               COCO_KBS_READ(coco_kbs_section(root, "explain"), fields, err), err);
}

static coco_status
read_audit(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"path", COCO_FIELD_TEXT, &config->audit_path, 0, 0, NULL},
        {"sync", COCO_FIELD_BOOL, &config->audit_sync, 0, 0, NULL},
    };
    const cJSON *table = coco_kbs_section(root, "audit");

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK && table && !config->audit_path)
        status = coco_fail(err, COCO_ERR_PROTO, "path is missing");
    return coco_kbs_in_section("audit", status, err);
}

static coco_status
read_rate(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"enabled", COCO_FIELD_BOOL, &config->rate.enabled, 0, 0, NULL},
        {"per_second", COCO_FIELD_NUMBER, &config->rate.per_second, 1, 1000000, NULL},
        {"burst", COCO_FIELD_NUMBER, &config->rate.burst, 1, 1000000000, NULL},
    };

    return coco_kbs_in_section(
        "rate_limit", COCO_KBS_READ(coco_kbs_section(root, "rate_limit"), fields, err), err);
}

static coco_status
read_lease(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"seconds", COCO_FIELD_NUMBER, &config->lease.seconds, 0, LEASE_MAX, NULL},
        {"max_seconds", COCO_FIELD_NUMBER, &config->lease.max_seconds, 1, LEASE_MAX, NULL},
    };

    return coco_kbs_in_section("lease", COCO_KBS_READ(coco_kbs_section(root, "lease"), fields, err),
                               err);
}

static coco_status
read_metrics(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"enabled", COCO_FIELD_BOOL, &config->metrics, 0, 0, NULL},
    };

    return coco_kbs_in_section("metrics",
                               COCO_KBS_READ(coco_kbs_section(root, "metrics"), fields, err), err);
}

static coco_status
read_admin_page(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"enabled", COCO_FIELD_BOOL, &config->admin_page, 0, 0, NULL},
    };

    return coco_kbs_in_section(
        "admin_page", COCO_KBS_READ(coco_kbs_section(root, "admin_page"), fields, err), err);
}

static coco_status
set_defaults(struct coco_kbs_config *config, coco_error **err)
{
    config->http.payload_request_size = COCO_HTTPD_BODY_MIB;
    config->http.payload_total_size = COCO_HTTPD_BODIES_MIB;
    config->http.max_connections = COCO_HTTPD_CONNECTIONS;
    config->http.head_timeout = COCO_HTTPD_HEAD_SECONDS;
    config->http.body_timeout = COCO_HTTPD_BODY_SECONDS;
    config->http.write_timeout = COCO_HTTPD_WRITE_SECONDS;
    config->http.idle_timeout = COCO_HTTPD_IDLE_SECONDS;
    config->attestation.timeout = 5;
    config->attestation.duration_min = 5;
    config->attestation.verbose_token = true;
    config->rate.enabled = true;
    config->rate.per_second = RATE;
    config->rate.burst = 10 * RATE;
    config->explain_entries = 256;
    config->lease.max_seconds = LEASE_USUAL_MAX;
    config->storage.versions = 10;
    config->storage.shared_nonces = true;
    config->storage.postgres.port = 5432;
    config->audit_sync = true;
    config->metrics = true;

    _cleanup_json_ cJSON *sockets = cJSON_CreateArray();
    if (!sockets)
        return coco_fail_nomem(err);
    coco_status status = coco_json_add_string(sockets, NULL, USUAL_SOCKET, err);
    if (status == COCO_OK)
        status = coco_kbs_set_texts(sockets, false, &config->http.sockets, err);
    if (status == COCO_OK)
        status = coco_kbs_set_text("intermediate", &config->http.tls_profile, err);
    if (status == COCO_OK)
        status =
            coco_kbs_set_text("CoCo-Attestation-Service", &config->attestation.issuer_name, err);
    if (status == COCO_OK)
        status = coco_kbs_set_text("https://confidentialcontainers.org",
                                   &config->attestation.developer_name, err);
    if (status == COCO_OK)
        status = coco_kbs_set_text("libcoco-kbs", &config->attestation.build_name, err);
    if (status == COCO_OK)
        status = coco_kbs_set_text("tag:github.com,2024:confidential-containers/Trustee",
                                   &config->attestation.profile_name, err);
    return status;
}

static coco_status
read_root(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"http_server", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"attestation_service", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"admin", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"admin_page", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"storage_backend", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"plugins", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"explain", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"audit", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"metrics", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"rate_limit", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"lease", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"tenants", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"attestation_token", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"session_storage_type", COCO_FIELD_REFUSED, NULL, 0, 0, "sessions are kept by the guests"},
    };

    coco_status status = COCO_KBS_READ(root, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_read_http(root, config, err);
    if (status == COCO_OK)
        status = coco_kbs_read_attestation(root, config, err);
    if (status == COCO_OK)
        status = read_token(root, err);
    if (status == COCO_OK)
        status = coco_kbs_read_admin(root, config, err);
    if (status == COCO_OK)
        status = coco_kbs_read_storage(root, config, err);
    if (status == COCO_OK)
        status = read_plugins(root, config, err);
    if (status == COCO_OK)
        status = read_explain(root, config, err);
    if (status == COCO_OK)
        status = read_audit(root, config, err);
    if (status == COCO_OK)
        status = read_metrics(root, config, err);
    if (status == COCO_OK)
        status = read_admin_page(root, config, err);
    if (status == COCO_OK)
        status = read_rate(root, config, err);
    if (status == COCO_OK)
        status = read_lease(root, config, err);
    if (status == COCO_OK)
        status = coco_kbs_read_tenants(root, config, err);
    return status;
}

/*
 * A token of PKCS#11 is opened for the whole process: who has logged in there has done so for all
 * tenants.
 */
static coco_status
read_tenant_plugins(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    static const char *const known[] = {"ca", NULL};

    coco_status status = read_plugins(root, config, err);
    if (status != COCO_OK || !config->plugins)
        return status;
    return coco_kbs_in_section("plugins of a tenant",
                               coco_json_check_members(config->plugins, known, err), err);
}

/* All else is the business of whoever runs the KBS. */
static coco_status
read_tenant_root(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"attestation_service", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"admin", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"explain", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"lease", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"plugins", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(root, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_read_attestation(root, config, err);
    if (status == COCO_OK)
        status = coco_kbs_read_admin(root, config, err);
    if (status == COCO_OK)
        status = read_explain(root, config, err);
    if (status == COCO_OK)
        status = read_lease(root, config, err);
    if (status == COCO_OK)
        status = read_tenant_plugins(root, config, err);
    if (status == COCO_OK && config->admin.client_ca)
        status = coco_fail(err, COCO_ERR_NOTSUP,
                           "[admin]: certificates are those of the KBS, not of its tenants");
    return status;
}

static coco_status
parse(const char *text, size_t len,
      coco_status (*read)(const cJSON *root, struct coco_kbs_config *config, coco_error **err),
      struct coco_kbs_config *ret, coco_error **err)
{
    _cleanup_json_ cJSON *root = NULL;
    _cleanup_config_ struct coco_kbs_config config = {0};

    coco_status status = coco_toml_parse(text, len, &root, err);
    if (status == COCO_OK)
        status = set_defaults(&config, err);
    if (status == COCO_OK)
        status = read(root, &config, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "configuration");
    *ret = config;
    config = (struct coco_kbs_config){0};
    return COCO_OK;
}

coco_status
coco_kbs_config_parse(const char *text, size_t len, struct coco_kbs_config *ret, coco_error **err)
{
    return parse(text, len, read_root, ret, err);
}

coco_status
coco_kbs_config_parse_tenant(const char *text, size_t len, struct coco_kbs_config *ret,
                             coco_error **err)
{
    return parse(text, len, read_tenant_root, ret, err);
}

void
coco_kbs_config_done(struct coco_kbs_config *config)
{
    coco_kbs_http_done(config);
    coco_kbs_attestation_done(config);
    coco_kbs_admin_done(config);
    coco_kbs_storage_done(config);
    coco_kbs_tenants_done(config);
    coco_json_free(config->plugins);
    free(config->audit_path);
    *config = (struct coco_kbs_config){0};
}
