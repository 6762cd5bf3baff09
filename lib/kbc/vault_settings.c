/*
 * kbc/vault_settings.c - which Vault, and who we are to it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_settings.h"

#include "base/fail.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define VALUE_MAX 255
/* Of mounts and namespaces, which become parts of a path. */
#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"

void
coco_vault_settings_done(struct coco_vault_settings *settings)
{
    free(settings->url);
    free(settings->mount);
    free(settings->field);
    free(settings->transit);
    free(settings->approle);
    free(settings->jwt);
    free(settings->cert);
    free(settings->space);
    free(settings->token);
    free(settings->role_id);
    free(settings->secret_id);
    free(settings->jwt_file);
    free(settings->cert_file);
    free(settings->key_file);
    free(settings->role);
    *settings = (struct coco_vault_settings){0};
}

/* Names that lead nowhere else: no empty part, none of dots alone. */
static bool
is_path(const char *text)
{
    const char *part = text;

    if (!coco_text_is_all(text, PATH_CHARS, VALUE_MAX))
        return false;
    for (;;) {
        size_t len = strcspn(part, "/");

        if (len == 0 || strspn(part, ".") == len)
            return false;
        if (part[len] == '\0')
            return true;
        part += len + 1;
    }
}

static bool
is_file(const char *text)
{
    return text[0] == '/' && strlen(text) <= VALUE_MAX;
}

static const struct setting {
    const char *name;
    size_t at; /* the text in the settings */
    bool is_file;
} table[] = {
    {"mount", offsetof(struct coco_vault_settings, mount), false},
    {"field", offsetof(struct coco_vault_settings, field), false},
    {"transit", offsetof(struct coco_vault_settings, transit), false},
    {"approle", offsetof(struct coco_vault_settings, approle), false},
    {"jwt", offsetof(struct coco_vault_settings, jwt), false},
    {"cert", offsetof(struct coco_vault_settings, cert), false},
    {"namespace", offsetof(struct coco_vault_settings, space), false},
    {"role-id", offsetof(struct coco_vault_settings, role_id), false},
    {"role", offsetof(struct coco_vault_settings, role), false},
    {"token-file", offsetof(struct coco_vault_settings, token), true},
    {"secret-id-file", offsetof(struct coco_vault_settings, secret_id), true},
    {"jwt-file", offsetof(struct coco_vault_settings, jwt_file), true},
    {"cert-file", offsetof(struct coco_vault_settings, cert_file), true},
    {"key-file", offsetof(struct coco_vault_settings, key_file), true},
};

static char **
text_at(struct coco_vault_settings *settings, const struct setting *setting)
{
    return (char **)(void *)((char *)settings + setting->at);
}

static coco_status
set(struct coco_vault_settings *settings, const char *name, const char *value, coco_error **err)
{
    if (strcmp(name, "kv") == 0 && settings->kv == 0
        && (strcmp(value, "1") == 0 || strcmp(value, "2") == 0)) {
        settings->kv = (unsigned)(value[0] - '0');
        return COCO_OK;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char **text = text_at(settings, &table[i]);

        if (strcmp(table[i].name, name) != 0 || *text)
            continue;
        if (!(table[i].is_file ? is_file(value) : is_path(value)))
            break;
        *text = strdup(value);
        return *text ? COCO_OK : coco_fail_nomem(err);
    }
    /* The value is not shown: somebody may have put a secret there. */
    return coco_fail(err, COCO_ERR_INVALID,
                     "'%.32s' is no setting of a Vault, has no such value, "
                     "or is there twice",
                     name);
}

/* name=value, with & between; nothing is escaped, for no value needs it. */
static coco_status
parse_query(const char *query, struct coco_vault_settings *settings, coco_error **err)
{
    _cleanup_free_ char *copy = strdup(query);
    char *rest = copy;

    if (!copy)
        return coco_fail_nomem(err);
    while (rest) {
        char *pair = strsep(&rest, "&");
        char *equals = strchr(pair, '=');

        if (!equals)
            return coco_fail(err, COCO_ERR_INVALID, "setting of a Vault is not name=value");
        *equals = '\0';
        coco_status status = set(settings, pair, equals + 1, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
fill_up(struct coco_vault_settings *settings, coco_error **err)
{
    const struct {
        char **text;
        const char *usual;
    } texts[] = {
        {&settings->mount, "secret"},    {&settings->field, "data"},
        {&settings->transit, "transit"}, {&settings->approle, "approle"},
        {&settings->jwt, "jwt"},         {&settings->cert, "cert"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!*texts[i].text)
            *texts[i].text = strdup(texts[i].usual);
        if (!*texts[i].text)
            return coco_fail_nomem(err);
    }
    if (settings->kv == 0)
        settings->kv = 2;
    return COCO_OK;
}

/* What is said of a login that is not asked for would be missed nowhere else. */
static coco_status
check_login(const struct coco_vault_settings *settings, coco_error **err)
{
    const int ways =
        !!settings->token + !!settings->role_id + !!settings->jwt_file + !!settings->cert_file;

    if (ways > 1)
        return coco_fail(err, COCO_ERR_INVALID,
                         "a Vault takes one of token-file, role-id, jwt-file and cert-file");
    if (settings->secret_id && !settings->role_id)
        return coco_fail(err, COCO_ERR_INVALID, "secret-id-file without role-id");
    if (!settings->cert_file != !settings->key_file)
        return coco_fail(err, COCO_ERR_INVALID, "cert-file and key-file belong together");
    if (settings->role && !settings->jwt_file && !settings->cert_file)
        return coco_fail(err, COCO_ERR_INVALID, "role without jwt-file or cert-file");
    return COCO_OK;
}

coco_status
coco_vault_settings_parse(const char *uri, struct coco_vault_settings *ret, coco_error **err)
{
    _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
    const char *query = strchr(uri, '?');

    settings.url = strndup(uri, query ? (size_t)(query - uri) : strlen(uri));
    if (!settings.url)
        return coco_fail_nomem(err);
    coco_status status = query ? parse_query(query + 1, &settings, err) : COCO_OK;
    if (status == COCO_OK)
        status = check_login(&settings, err);
    if (status == COCO_OK)
        status = fill_up(&settings, err);
    if (status != COCO_OK)
        return status;
    *ret = settings;
    settings = (struct coco_vault_settings){0};
    return COCO_OK;
}
