/*
 * kbs/config_admin.c - who may change what a KBS holds, as its configuration has it
 *
 * [admin]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fail.h"
#include "kbs/config_field.h"
#include "net/url.h"

#include <string.h>

static coco_status
check_https(const char *name, const char *text, coco_error **err)
{
    _cleanup_url_ struct coco_url url = {0};

    coco_status status = coco_url_parse(text, &url, NULL);
    if (status == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (status != COCO_OK || !url.https || strpbrk(text, "?#"))
        return coco_fail(err, COCO_ERR_PROTO, "%s is not an address of https", name);
    return COCO_OK;
}

/* Where a set of keys comes from must not be who stands in between. */
static coco_status
check_set(const struct coco_kbs_provider *provider, coco_error **err)
{
    if (provider->jwk_set_uri) {
        bool is_file = !strstr(provider->jwk_set_uri, "://")
                       || strncmp(provider->jwk_set_uri, "file://", 7) == 0;

        return is_file ? COCO_OK : check_https("jwk_set_uri", provider->jwk_set_uri, err);
    }
    if (provider->key)
        return COCO_OK;
    if (!provider->issuer)
        return coco_fail(err, COCO_ERR_PROTO,
                         "public_key, jwk_set_uri or an issuer that says where its keys are is "
                         "missing");
    return check_https("issuer", provider->issuer, err);
}

static coco_status
read_provider(const cJSON *item, struct coco_kbs_provider *to, coco_error **err)
{
    _cleanup_free_ char *pem = NULL;
    const struct coco_kbs_field fields[] = {
        {"issuer", COCO_FIELD_TEXT, &to->issuer, 0, 0, NULL},
        {"audience", COCO_FIELD_TEXT, &to->audience, 0, 0, NULL},
        {"public_key", COCO_FIELD_PEM, &pem, 0, 0, NULL},
        {"public_key_uri", COCO_FIELD_PEM, &pem, 0, 0, NULL},
        {"jwk_set_uri", COCO_FIELD_TEXT, &to->jwk_set_uri, 0, 0, NULL},
        {"ca", COCO_FIELD_PEM, &to->ca, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    if (pem) {
        status = coco_key_parse_public(pem, strlen(pem), &to->key, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "public_key");
    }
    return check_set(to, err);
}

static coco_status
read_acl(const cJSON *item, struct coco_kbs_acl *to, coco_error **err)
{
    _cleanup_free_ char *pattern = NULL;
    const struct coco_kbs_field fields[] = {
        {"role", COCO_FIELD_TEXT, &to->role, 0, 0, NULL},
        {"allowed_endpoints", COCO_FIELD_TEXT, &pattern, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    if (!to->role || !pattern)
        return coco_fail(err, COCO_ERR_PROTO, "role or allowed_endpoints is missing");
    size_t len = strlen(pattern);
    /* An alternative at the top would escape the anchors: "^/kbs/a|.*$". */
    if (strncmp(pattern, "^/kbs", 5) != 0 || pattern[len - 1] != '$' || strchr(pattern, '|'))
        return coco_fail(err, COCO_ERR_PROTO,
                         "allowed_endpoints must start with ^/kbs, end with $ and hold no |");
    int code = regcomp(&to->endpoints, pattern, REG_EXTENDED | REG_NOSUB);
    if (code != 0)
        return coco_fail(err, COCO_ERR_PROTO, "allowed_endpoints is no regular expression");
    to->compiled = true;
    return COCO_OK;
}

static coco_status
read_providers(const cJSON *list, struct coco_kbs_config *config, coco_error **err)
{
    const cJSON *item;
    size_t n = 0;

    coco_status status = coco_kbs_list_size(list, "identity_providers", &n, err);
    if (status != COCO_OK)
        return status;
    config->admin.providers = calloc(n + 1, sizeof(*config->admin.providers));
    if (!config->admin.providers)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        size_t i = config->admin.n_providers++;

        status = read_provider(item, &config->admin.providers[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "identity_providers %zu", i);
    }
    return COCO_OK;
}

static coco_status
read_acls(const cJSON *list, struct coco_kbs_config *config, coco_error **err)
{
    const cJSON *item;
    size_t n = 0;

    coco_status status = coco_kbs_list_size(list, "acls", &n, err);
    if (status != COCO_OK)
        return status;
    config->admin.acls = calloc(n + 1, sizeof(*config->admin.acls));
    if (!config->admin.acls)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        size_t i = config->admin.n_acls++;

        status = read_acl(item, &config->admin.acls[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "acls %zu", i);
    }
    return COCO_OK;
}

static coco_status
read_certificate(const cJSON *item, struct coco_kbs_certificate_role *to, coco_error **err)
{
    static const char *const types[] = {"DNS:", "URI:", "email:"};
    const struct coco_kbs_field fields[] = {
        {"role", COCO_FIELD_TEXT, &to->role, 0, 0, NULL},
        {"subject", COCO_FIELD_TEXT, &to->subject, 0, 0, NULL},
        {"san", COCO_FIELD_TEXT, &to->san, 0, 0, NULL},
    };

    coco_status status = COCO_KBS_READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    if (!to->role || !to->subject == !to->san)
        return coco_fail(err, COCO_ERR_PROTO, "needs a role, and either subject or san");
    if (to->subject && !*to->subject)
        return coco_fail(err, COCO_ERR_PROTO, "subject is empty");
    for (size_t i = 0; to->san && i < sizeof(types) / sizeof(types[0]); i++)
        if (strncmp(to->san, types[i], strlen(types[i])) == 0 && to->san[strlen(types[i])])
            return COCO_OK;
    if (to->san)
        return coco_fail(err, COCO_ERR_PROTO, "san is not DNS:…, URI:… or email:…");
    return COCO_OK;
}

/* [admin.authentication.client_certificate] */
static coco_status
read_certificates(const cJSON *table, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field fields[] = {
        {"ca", COCO_FIELD_PEM, &config->admin.client_ca, 0, 0, NULL},
        {"roles", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    const cJSON *list = coco_kbs_section(table, "roles");
    const cJSON *item;
    size_t n = 0;

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status == COCO_OK)
        status = coco_kbs_list_size(list, "roles", &n, err);
    if (status != COCO_OK || !table)
        return status;
    if (!config->admin.client_ca || n == 0)
        return coco_fail(err, COCO_ERR_PROTO, "ca or roles are missing");
    if (!config->http.certificate)
        return coco_fail(err, COCO_ERR_PROTO, "needs [http_server] certificate");
    config->admin.certificates = calloc(n, sizeof(*config->admin.certificates));
    if (!config->admin.certificates)
        return coco_fail_nomem(err);
    cJSON_ArrayForEach(item, list) {
        size_t i = config->admin.n_certificates++;

        status = read_certificate(item, &config->admin.certificates[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "roles %zu", i);
    }
    return COCO_OK;
}

/* [admin.authentication.bearer_jwt] and [admin.authorization.regex_acl] */
static coco_status
read_authorization(const cJSON *admin, struct coco_kbs_config *config, coco_error **err)
{
    const struct coco_kbs_field authentication[] = {
        {"bearer_jwt", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"client_certificate", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
    };
    const struct coco_kbs_field bearer[] = {
        {"identity_providers", COCO_FIELD_SECTION, NULL, 0, 0, NULL}};
    const struct coco_kbs_field authorization[] = {
        {"regex_acl", COCO_FIELD_SECTION, NULL, 0, 0, NULL}};
    const struct coco_kbs_field acl[] = {{"acls", COCO_FIELD_SECTION, NULL, 0, 0, NULL}};
    const cJSON *authn = coco_kbs_section(admin, "authentication");
    const cJSON *authz = coco_kbs_section(admin, "authorization");
    const cJSON *jwt = coco_kbs_section(authn, "bearer_jwt");
    const cJSON *regex = coco_kbs_section(authz, "regex_acl");

    coco_status status = COCO_KBS_READ(authn, authentication, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(jwt, bearer, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(authz, authorization, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(regex, acl, err);
    if (status == COCO_OK)
        status = read_providers(coco_kbs_section(jwt, "identity_providers"), config, err);
    if (status == COCO_OK)
        status = coco_kbs_in_section(
            "client_certificate",
            read_certificates(coco_kbs_section(authn, "client_certificate"), config, err), err);
    if (status == COCO_OK)
        status = read_acls(coco_kbs_section(regex, "acls"), config, err);
    return status;
}

coco_status
coco_kbs_read_admin(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *mode = NULL;
    const struct coco_kbs_field fields[] = {
        {"authorization_mode", COCO_FIELD_TEXT, &mode, 0, 0, NULL},
        {"authentication", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        {"authorization", COCO_FIELD_SECTION, NULL, 0, 0, NULL},
        /* Of Trustee before v0.21, and before v0.17. */
        {"type", COCO_FIELD_REFUSED, NULL, 0, 0, "say authorization_mode"},
        {"auth_public_key", COCO_FIELD_REFUSED, NULL, 0, 0,
         "say authorization_mode, and give it as public_key_uri of one of the identity_providers"},
        {"insecure_api", COCO_FIELD_REFUSED, NULL, 0, 0, "say authorization_mode"},
    };
    const cJSON *table = coco_kbs_section(root, "admin");

    coco_status status = COCO_KBS_READ(table, fields, err);
    if (status != COCO_OK)
        return coco_kbs_in_section("admin", status, err);
    if (!mode || strcmp(mode, "DenyAll") == 0) {
        if (coco_kbs_section(table, "authentication") || coco_kbs_section(table, "authorization"))
            return coco_fail(err, COCO_ERR_PROTO,
                             "[admin]: keys are given, but authorization_mode is not "
                             "\"AuthenticatedAuthorization\"");
        return COCO_OK;
    }
    if (strcmp(mode, "InsecureAllowAll") == 0)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "[admin]: InsecureAllowAll is not supported: give a public key");
    if (strcmp(mode, "AuthenticatedAuthorization") != 0)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[admin]: authorization_mode is \"DenyAll\" or "
                         "\"AuthenticatedAuthorization\"");
    status = read_authorization(table, config, err);
    if (status == COCO_OK && config->admin.n_providers == 0 && config->admin.n_certificates == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no identity_providers, and no client_certificate");
    if (status == COCO_OK && config->admin.n_acls == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no acls: nobody could do anything");
    return coco_kbs_in_section("admin", status, err);
}

void
coco_kbs_admin_done(struct coco_kbs_config *config)
{
    for (size_t i = 0; i < config->admin.n_providers; i++) {
        EVP_PKEY_free(config->admin.providers[i].key);
        free(config->admin.providers[i].jwk_set_uri);
        free(config->admin.providers[i].ca);
        free(config->admin.providers[i].issuer);
        free(config->admin.providers[i].audience);
    }
    for (size_t i = 0; i < config->admin.n_acls; i++) {
        free(config->admin.acls[i].role);
        if (config->admin.acls[i].compiled)
            regfree(&config->admin.acls[i].endpoints);
    }
    for (size_t i = 0; i < config->admin.n_certificates; i++) {
        free(config->admin.certificates[i].role);
        free(config->admin.certificates[i].subject);
        free(config->admin.certificates[i].san);
    }
    free(config->admin.certificates);
    free(config->admin.client_ca);
    free(config->admin.providers);
    free(config->admin.acls);
}
