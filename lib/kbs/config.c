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
#include "base/fd.h"
#include "base/toml.h"
#include "httpd/limits.h"

#include <string.h>

#define PEM_MAX ((size_t)256 << 10)
#define FIELDS_MAX 24

enum type {
    TEXT,     /* char * */
    PEM,      /* char *: PEM text, or a path to it */
    TEXTS,    /* struct coco_kbs_texts */
    PEMS,     /* the same, of PEM */
    BOOL,     /* bool */
    NUMBER,   /* uint64_t in [min, max] */
    SECTION,  /* read by somebody else */
    REFUSED,  /* upstream's, and not here; why is in `text` */
    CONSTANT, /* may only say `text` */
};

struct field {
    const char *name;
    enum type type;
    void *to;
    uint64_t min, max;
    const char *text;
};

/* Puts "section: " before what went wrong in it. */
static coco_status
in_section(const char *section, coco_status status, coco_error **err)
{
    return status == COCO_OK ? status : coco_wrap(err, status, "[%s]", section);
}

static coco_status
set_text(const char *value, char **to, coco_error **err)
{
    char *copy = strdup(value);

    if (!copy)
        return coco_fail_nomem(err);
    free(*to);
    *to = copy;
    return COCO_OK;
}

/* PEM as it stands, or the file that is named. */
static coco_status
set_pem(const char *value, char **to, coco_error **err)
{
    static const char scheme[] = "file://";
    _cleanup_buf_ struct coco_buf buf = {.limit = PEM_MAX};

    if (strstr(value, "-----BEGIN "))
        return set_text(value, to, err);
    if (strncmp(value, scheme, strlen(scheme)) == 0)
        value += strlen(scheme);
    coco_status status = coco_file_read(value, &buf, err);
    if (status != COCO_OK)
        return status;
    return set_text(coco_buf_text(&buf), to, err);
}

static coco_status
set_texts(const cJSON *value, bool pem, struct coco_kbs_texts *to, coco_error **err)
{
    const cJSON *item;
    coco_status status = COCO_OK;
    int n = cJSON_GetArraySize(value);

    if (!cJSON_IsArray(value) || n > COCO_KBS_LIST_MAX)
        return coco_fail(err, COCO_ERR_PROTO, "is not a list of at most %d texts",
                         COCO_KBS_LIST_MAX);
    char **items = calloc((size_t)n + 1, sizeof(*items));
    if (!items)
        return coco_fail_nomem(err);
    for (size_t i = 0; i < to->n; i++)
        free(to->items[i]);
    free(to->items);
    to->items = items;
    to->n = 0;
    cJSON_ArrayForEach(item, value) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "is not a list of texts");
        status = (pem ? set_pem : set_text)(item->valuestring, &items[to->n], err);
        if (status != COCO_OK)
            return status;
        to->n++;
    }
    return COCO_OK;
}

static coco_status
set_number(const cJSON *value, const struct field *field, coco_error **err)
{
    uint64_t number;

    if (!cJSON_IsNumber(value) || coco_json_u64(value, &number, NULL) != COCO_OK
        || number < field->min || number > field->max)
        return coco_fail(err, COCO_ERR_PROTO, "is not a number from %llu to %llu",
                         (unsigned long long)field->min, (unsigned long long)field->max);
    *(uint64_t *)field->to = number;
    return COCO_OK;
}

static coco_status
set_field(const cJSON *value, const struct field *field, coco_error **err)
{
    switch (field->type) {
    case TEXT:
    case PEM:
        if (!cJSON_IsString(value))
            return coco_fail(err, COCO_ERR_PROTO, "is not a text");
        return (field->type == PEM ? set_pem : set_text)(value->valuestring, field->to, err);
    case TEXTS:
    case PEMS:
        return set_texts(value, field->type == PEMS, field->to, err);
    case BOOL:
        if (!cJSON_IsBool(value))
            return coco_fail(err, COCO_ERR_PROTO, "is neither true nor false");
        *(bool *)field->to = cJSON_IsTrue(value);
        return COCO_OK;
    case NUMBER:
        return set_number(value, field, err);
    case REFUSED:
        return coco_fail(err, COCO_ERR_NOTSUP, "is not supported: %s", field->text);
    case CONSTANT:
        if (!cJSON_IsString(value) || strcmp(value->valuestring, field->text) != 0)
            return coco_fail(err, COCO_ERR_NOTSUP, "can only be \"%s\"", field->text);
        return COCO_OK;
    case SECTION:
        return COCO_OK;
    }
    return coco_fail(err, COCO_ERR_INVALID, "no such type");
}

/* Reads the members of object, which is a table or NULL, and lets in no other. */
static coco_status
read_fields(const cJSON *object, const struct field *fields, size_t n, coco_error **err)
{
    const char *names[FIELDS_MAX + 1] = {NULL};

    if (!object)
        return COCO_OK;
    if (!cJSON_IsObject(object))
        return coco_fail(err, COCO_ERR_PROTO, "is not a table");
    for (size_t i = 0; i < n; i++)
        names[i] = fields[i].name;
    coco_status status = coco_json_check_members(object, names, err);
    for (size_t i = 0; i < n && status == COCO_OK; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, fields[i].name);

        if (!value)
            continue;
        status = set_field(value, &fields[i], err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", fields[i].name);
    }
    return status;
}

#define READ(object, fields, err)                                                                  \
    read_fields(object, fields, sizeof(fields) / sizeof(*(fields)), err)

static const cJSON *
section(const cJSON *parent, const char *name)
{
    return parent ? cJSON_GetObjectItemCaseSensitive(parent, name) : NULL;
}

static coco_status
read_http(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"sockets", TEXTS, &config->http.sockets, 0, 0, NULL},
        {"insecure_http", BOOL, &config->http.insecure_http, 0, 0, NULL},
        {"private_key", PEM, &config->http.private_key, 0, 0, NULL},
        {"certificate", PEM, &config->http.certificate, 0, 0, NULL},
        {"payload_request_size", NUMBER, &config->http.payload_request_size, 1, 64, NULL},
        {"payload_total_size", NUMBER, &config->http.payload_total_size, 1, 65536, NULL},
        {"max_connections", NUMBER, &config->http.max_connections, 1, 65536, NULL},
        {"head_timeout", NUMBER, &config->http.head_timeout, 1, COCO_HTTPD_SECONDS_MAX, NULL},
        {"body_timeout", NUMBER, &config->http.body_timeout, 1, COCO_HTTPD_SECONDS_MAX, NULL},
        {"write_timeout", NUMBER, &config->http.write_timeout, 1, COCO_HTTPD_SECONDS_MAX, NULL},
        {"idle_timeout", NUMBER, &config->http.idle_timeout, 1, COCO_HTTPD_SECONDS_MAX, NULL},
        {"tls_profile", TEXT, &config->http.tls_profile, 0, 0, NULL},
        {"worker_count", REFUSED, NULL, 0, 0, "one loop serves all connections"},
        {"tls_min_version", REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_max_version", REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_ciphers", REFUSED, NULL, 0, 0, "use tls_profile"},
        {"tls_groups", REFUSED, NULL, 0, 0, "use tls_profile"},
    };

    coco_status status = READ(section(root, "http_server"), fields, err);
    if (status != COCO_OK)
        return in_section("http_server", status, err);
    if (!config->http.private_key != !config->http.certificate)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: private_key and certificate go together");
    if (strcmp(config->http.tls_profile, "intermediate") != 0
        && strcmp(config->http.tls_profile, "modern") != 0)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: tls_profile is \"intermediate\" or \"modern\"");
    if (config->http.payload_total_size < config->http.payload_request_size)
        return coco_fail(err, COCO_ERR_PROTO,
                         "[http_server]: payload_total_size is less than payload_request_size");
    if (config->http.sockets.n == 0)
        return coco_fail(err, COCO_ERR_PROTO, "[http_server]: sockets is empty");
    return COCO_OK;
}

/* Length of a list that may be missing. */
static coco_status
list_size(const cJSON *list, const char *name, size_t *ret, coco_error **err)
{
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > COCO_KBS_LIST_MAX))
        return coco_fail(err, COCO_ERR_PROTO, "%s is not a list of at most %d tables", name,
                         COCO_KBS_LIST_MAX);
    *ret = list ? (size_t)cJSON_GetArraySize(list) : 0;
    return COCO_OK;
}

/* Upstream's settings of its verifier of TDX and SGX, and upstream's defaults. */
static coco_status
read_dcap(const cJSON *table, struct coco_kbs_dcap *to, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    bool secure = true;
    const struct field fields[] = {
        {"collateral_service", TEXT, &to->collateral_service, 0, 0, NULL},
        {"use_secure_cert", BOOL, &secure, 0, 0, NULL},
        {"tcb_update_type", TEXT, &type, 0, 0, NULL},
    };

    coco_status status = READ(table, fields, err);
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
    const struct field fields[] = {
        {"type", TEXT, &type, 0, 0, NULL},
        {"path", TEXT, &path, 0, 0, NULL},
        {"base_url", TEXT, &url, 0, 0, NULL},
    };

    coco_status status = READ(item, fields, err);
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
    const struct field fields[] = {{"vcek_sources", SECTION, NULL, 0, 0, NULL}};
    const cJSON *list = section(table, "vcek_sources");
    const cJSON *item;
    size_t n = 0;

    coco_status status = READ(table, fields, err);
    if (status == COCO_OK)
        status = list_size(list, "vcek_sources", &n, err);
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
read_verifiers(const cJSON *table, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"dcap_verifier", SECTION, NULL, 0, 0, NULL},
        {"snp_verifier", SECTION, NULL, 0, 0, NULL},
        {"tpm_verifier", REFUSED, NULL, 0, 0, "use tpm_keys"},
        {"nvidia_verifier", REFUSED, NULL, 0, 0, "this build verifies no such devices"},
    };

    coco_status status = READ(table, fields, err);
    if (status == COCO_OK)
        status = in_section(
            "dcap_verifier",
            read_dcap(section(table, "dcap_verifier"), &config->attestation.dcap, err), err);
    if (status == COCO_OK)
        status =
            in_section("snp_verifier", read_snp(section(table, "snp_verifier"), config, err), err);
    return in_section("verifier_config", status, err);
}

static coco_status
read_attestation(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *oldest = NULL;
    const struct field fields[] = {
        {"type", CONSTANT, NULL, 0, 0, "coco_as_builtin"},
        {"timeout", NUMBER, &config->attestation.timeout, 1, 60, NULL},
        {"oldest_protocol", TEXT, &oldest, 0, 0, NULL},
        {"allow_sample", BOOL, &config->attestation.allow_sample, 0, 0, NULL},
        {"software_roots", PEMS, &config->attestation.software_roots, 0, 0, NULL},
        {"tpm_keys", PEMS, &config->attestation.tpm_keys, 0, 0, NULL},
        {"cca_keys", PEMS, &config->attestation.cca_keys, 0, 0, NULL},
        {"reference_keys", PEMS, &config->attestation.reference_keys, 0, 0, NULL},
        {"trusted_roots", TEXTS, &config->attestation.trusted_roots, 0, 0, NULL},
        {"allow", TEXTS, &config->attestation.allow, 0, 0, NULL},
        {"collateral", TEXTS, &config->attestation.collateral, 0, 0, NULL},
        {"collateral_key", PEM, &config->attestation.collateral_key, 0, 0, NULL},
        {"collateral_ca", PEM, &config->attestation.collateral_ca, 0, 0, NULL},
        {"collateral_cache", TEXT, &config->attestation.collateral_cache, 0, 0, NULL},
        {"attestation_token_broker", SECTION, NULL, 0, 0, NULL},
        {"rvps_config", SECTION, NULL, 0, 0, NULL},
        {"verifier_config", SECTION, NULL, 0, 0, NULL},
        {"storage_type", REFUSED, NULL, 0, 0, "there is one store, [storage_backend]"},
    };
    const struct field broker[] = {
        {"duration_min", NUMBER, &config->attestation.duration_min, 1, 1440, NULL},
        {"issuer_name", TEXT, &config->attestation.issuer_name, 0, 0, NULL},
        {"developer_name", TEXT, &config->attestation.developer_name, 0, 0, NULL},
        {"build_name", TEXT, &config->attestation.build_name, 0, 0, NULL},
        {"profile_name", TEXT, &config->attestation.profile_name, 0, 0, NULL},
        {"verbose_token", BOOL, &config->attestation.verbose_token, 0, 0, NULL},
        {"signer", REFUSED, NULL, 0, 0, "the KBS signs with a key of its own"},
    };
    const struct field rvps[] = {
        {"type", CONSTANT, NULL, 0, 0, "BuiltIn"},
    };
    const cJSON *table = section(root, "attestation_service");

    coco_status status = READ(table, fields, err);
    if (status == COCO_OK)
        status = in_section("attestation_token_broker",
                            READ(section(table, "attestation_token_broker"), broker, err), err);
    if (status == COCO_OK)
        status = in_section("rvps_config", READ(section(table, "rvps_config"), rvps, err), err);
    if (status == COCO_OK)
        status = read_verifiers(section(table, "verifier_config"), config, err);
    if (status == COCO_OK && oldest
        && !coco_rcar_version_parse(oldest, &config->attestation.oldest_protocol))
        status =
            coco_fail(err, COCO_ERR_PROTO, "oldest_protocol: there is no version %.40s", oldest);
    return in_section("attestation_service", status, err);
}

static coco_status
read_provider(const cJSON *item, struct coco_kbs_provider *to, coco_error **err)
{
    _cleanup_free_ char *pem = NULL;
    const struct field fields[] = {
        {"issuer", TEXT, &to->issuer, 0, 0, NULL},
        {"audience", TEXT, &to->audience, 0, 0, NULL},
        {"public_key", PEM, &pem, 0, 0, NULL},
        {"public_key_uri", PEM, &pem, 0, 0, NULL},
        {"jwk_set_uri", REFUSED, NULL, 0, 0, "use public_key_uri"},
    };

    coco_status status = READ(item, fields, err);
    if (status != COCO_OK)
        return status;
    if (!pem)
        return coco_fail(err, COCO_ERR_PROTO, "public_key is missing");
    status = coco_key_parse_public(pem, strlen(pem), &to->key, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "public_key");
}

static coco_status
read_acl(const cJSON *item, struct coco_kbs_acl *to, coco_error **err)
{
    _cleanup_free_ char *pattern = NULL;
    const struct field fields[] = {
        {"role", TEXT, &to->role, 0, 0, NULL},
        {"allowed_endpoints", TEXT, &pattern, 0, 0, NULL},
    };

    coco_status status = READ(item, fields, err);
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

    coco_status status = list_size(list, "identity_providers", &n, err);
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

    coco_status status = list_size(list, "acls", &n, err);
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

/* [admin.authentication.bearer_jwt] and [admin.authorization.regex_acl] */
static coco_status
read_authorization(const cJSON *admin, struct coco_kbs_config *config, coco_error **err)
{
    const struct field authentication[] = {{"bearer_jwt", SECTION, NULL, 0, 0, NULL}};
    const struct field bearer[] = {{"identity_providers", SECTION, NULL, 0, 0, NULL}};
    const struct field authorization[] = {{"regex_acl", SECTION, NULL, 0, 0, NULL}};
    const struct field acl[] = {{"acls", SECTION, NULL, 0, 0, NULL}};
    const cJSON *authn = section(admin, "authentication");
    const cJSON *authz = section(admin, "authorization");
    const cJSON *jwt = section(authn, "bearer_jwt");
    const cJSON *regex = section(authz, "regex_acl");

    coco_status status = READ(authn, authentication, err);
    if (status == COCO_OK)
        status = READ(jwt, bearer, err);
    if (status == COCO_OK)
        status = READ(authz, authorization, err);
    if (status == COCO_OK)
        status = READ(regex, acl, err);
    if (status == COCO_OK)
        status = read_providers(section(jwt, "identity_providers"), config, err);
    if (status == COCO_OK)
        status = read_acls(section(regex, "acls"), config, err);
    return status;
}

static coco_status
read_admin(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *mode = NULL;
    const struct field fields[] = {
        {"authorization_mode", TEXT, &mode, 0, 0, NULL},
        {"authentication", SECTION, NULL, 0, 0, NULL},
        {"authorization", SECTION, NULL, 0, 0, NULL},
    };
    const cJSON *table = section(root, "admin");

    coco_status status = READ(table, fields, err);
    if (status != COCO_OK)
        return in_section("admin", status, err);
    if (!mode || strcmp(mode, "DenyAll") == 0) {
        if (section(table, "authentication") || section(table, "authorization"))
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
    if (status == COCO_OK && config->admin.n_providers == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no identity_providers");
    if (status == COCO_OK && config->admin.n_acls == 0)
        status = coco_fail(err, COCO_ERR_PROTO, "no acls: nobody could do anything");
    return in_section("admin", status, err);
}

static coco_status
read_storage(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    _cleanup_free_ char *type = NULL;
    const struct field fields[] = {
        {"storage_type", TEXT, &type, 0, 0, NULL},
        {"backends", SECTION, NULL, 0, 0, NULL},
    };
    const struct field backends[] = {{"sqlite", SECTION, NULL, 0, 0, NULL}};
    const struct field sqlite[] = {{"path", TEXT, &config->store_path, 0, 0, NULL}};
    const cJSON *table = section(root, "storage_backend");
    const cJSON *of = section(table, "backends");

    coco_status status = READ(table, fields, err);
    if (status == COCO_OK)
        status = READ(of, backends, err);
    if (status == COCO_OK)
        status = READ(section(of, "sqlite"), sqlite, err);
    if (status != COCO_OK)
        return in_section("storage_backend", status, err);

    bool on_disk = type && (strcmp(type, "Sqlite") == 0 || strcmp(type, "sqlite") == 0);
    bool in_memory = !type || strcmp(type, "Memory") == 0 || strcmp(type, "memory") == 0;
    if (!on_disk && !in_memory)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "[storage_backend]: storage_type is \"Memory\" or \"Sqlite\"");
    if (on_disk != (config->store_path != NULL))
        return coco_fail(err, COCO_ERR_PROTO,
                         "[storage_backend]: storage_type = \"Sqlite\" and backends.sqlite.path "
                         "go together");
    return COCO_OK;
}

static coco_status
read_plugins(const cJSON *root, coco_error **err)
{
    const struct field fields[] = {
        {"name", CONSTANT, NULL, 0, 0, "resource"},
        {"storage_backend_type", CONSTANT, NULL, 0, 0, "kvstorage"},
    };
    const cJSON *list = section(root, "plugins");
    const cJSON *item;
    size_t n = 0;

    coco_status status = list_size(list, "plugins", &n, err);
    cJSON_ArrayForEach(item, list)
        if (status == COCO_OK)
            status = READ(item, fields, err);
    return in_section("plugins", status, err);
}

static coco_status
read_explain(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"entries", NUMBER, &config->explain_entries, 1, 65536, NULL},
    };

    return in_section("explain", READ(section(root, "explain"), fields, err), err);
}

static coco_status
read_audit(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"path", TEXT, &config->audit_path, 0, 0, NULL},
        {"sync", BOOL, &config->audit_sync, 0, 0, NULL},
    };
    const cJSON *table = section(root, "audit");

    coco_status status = READ(table, fields, err);
    if (status == COCO_OK && table && !config->audit_path)
        status = coco_fail(err, COCO_ERR_PROTO, "path is missing");
    return in_section("audit", status, err);
}

static coco_status
read_metrics(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"enabled", BOOL, &config->metrics, 0, 0, NULL},
    };

    return in_section("metrics", READ(section(root, "metrics"), fields, err), err);
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
    config->explain_entries = 256;
    config->audit_sync = true;
    config->metrics = true;

    _cleanup_json_ cJSON *sockets = cJSON_CreateArray();
    if (!sockets)
        return coco_fail_nomem(err);
    coco_status status = coco_json_add_string(sockets, NULL, "127.0.0.1:0", err);
    if (status == COCO_OK)
        status = set_texts(sockets, false, &config->http.sockets, err);
    if (status == COCO_OK)
        status = set_text("intermediate", &config->http.tls_profile, err);
    if (status == COCO_OK)
        status = set_text("CoCo-Attestation-Service", &config->attestation.issuer_name, err);
    if (status == COCO_OK)
        status = set_text("https://confidentialcontainers.org", &config->attestation.developer_name,
                          err);
    if (status == COCO_OK)
        status = set_text("libcoco-kbs", &config->attestation.build_name, err);
    if (status == COCO_OK)
        status = set_text("tag:github.com,2024:confidential-containers/Trustee",
                          &config->attestation.profile_name, err);
    return status;
}

static coco_status
read_root(const cJSON *root, struct coco_kbs_config *config, coco_error **err)
{
    const struct field fields[] = {
        {"http_server", SECTION, NULL, 0, 0, NULL},
        {"attestation_service", SECTION, NULL, 0, 0, NULL},
        {"admin", SECTION, NULL, 0, 0, NULL},
        {"storage_backend", SECTION, NULL, 0, 0, NULL},
        {"plugins", SECTION, NULL, 0, 0, NULL},
        {"explain", SECTION, NULL, 0, 0, NULL},
        {"audit", SECTION, NULL, 0, 0, NULL},
        {"metrics", SECTION, NULL, 0, 0, NULL},
        {"attestation_token", REFUSED, NULL, 0, 0, "tokens of this KBS alone are taken"},
        {"session_storage_type", REFUSED, NULL, 0, 0, "sessions are kept by the guests"},
    };

    coco_status status = READ(root, fields, err);
    if (status == COCO_OK)
        status = read_http(root, config, err);
    if (status == COCO_OK)
        status = read_attestation(root, config, err);
    if (status == COCO_OK)
        status = read_admin(root, config, err);
    if (status == COCO_OK)
        status = read_storage(root, config, err);
    if (status == COCO_OK)
        status = read_plugins(root, err);
    if (status == COCO_OK)
        status = read_explain(root, config, err);
    if (status == COCO_OK)
        status = read_audit(root, config, err);
    if (status == COCO_OK)
        status = read_metrics(root, config, err);
    return status;
}

coco_status
coco_kbs_config_parse(const char *text, size_t len, struct coco_kbs_config *ret, coco_error **err)
{
    _cleanup_json_ cJSON *root = NULL;
    _cleanup_config_ struct coco_kbs_config config = {0};

    coco_status status = coco_toml_parse(text, len, &root, err);
    if (status == COCO_OK)
        status = set_defaults(&config, err);
    if (status == COCO_OK)
        status = read_root(root, &config, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "configuration");
    *ret = config;
    config = (struct coco_kbs_config){0};
    return COCO_OK;
}

static void
texts_done(struct coco_kbs_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->items[i]);
    free(texts->items);
}

void
coco_kbs_config_done(struct coco_kbs_config *config)
{
    for (size_t i = 0; i < config->admin.n_providers; i++) {
        EVP_PKEY_free(config->admin.providers[i].key);
        free(config->admin.providers[i].issuer);
        free(config->admin.providers[i].audience);
    }
    for (size_t i = 0; i < config->admin.n_acls; i++) {
        free(config->admin.acls[i].role);
        if (config->admin.acls[i].compiled)
            regfree(&config->admin.acls[i].endpoints);
    }
    free(config->admin.providers);
    free(config->admin.acls);
    texts_done(&config->http.sockets);
    texts_done(&config->attestation.software_roots);
    texts_done(&config->attestation.tpm_keys);
    texts_done(&config->attestation.cca_keys);
    texts_done(&config->attestation.reference_keys);
    texts_done(&config->attestation.trusted_roots);
    texts_done(&config->attestation.allow);
    texts_done(&config->attestation.collateral);
    free(config->attestation.collateral_key);
    free(config->attestation.collateral_ca);
    free(config->attestation.collateral_cache);
    free(config->attestation.dcap.collateral_service);
    for (size_t i = 0; i < config->attestation.n_vcek_sources; i++)
        free(config->attestation.vcek_sources[i].where);
    free(config->attestation.vcek_sources);
    if (config->http.private_key)
        OPENSSL_cleanse(config->http.private_key, strlen(config->http.private_key));
    free(config->http.private_key);
    free(config->http.certificate);
    free(config->http.tls_profile);
    free(config->attestation.issuer_name);
    free(config->attestation.developer_name);
    free(config->attestation.build_name);
    free(config->attestation.profile_name);
    free(config->store_path);
    free(config->audit_path);
    *config = (struct coco_kbs_config){0};
}
