/*
 * kbs/plugins.c - the plug-ins of one KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugins.h"

#include "base/fail.h"
#include "base/options.h"
#include "base/text.h"
#include "kbs/config_field.h"
#include "kbs/plugin_builtin.h"
#include "kbs/plugin_reply.h"
#include "kbs/router.h"

#include <config.h>

#include <string.h>

#define PLUGINS_MAX COCO_KBS_LIST_MAX
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define CONFIG_MAX ((size_t)1 << 20)

struct coco_kbs_plugins {
    coco_ctx *ctx;                                      /* lent, as the configuration is */
    const cJSON *config;                                /* an object of tables, by name */
    struct coco_kbs_plugin_entry *entries[PLUGINS_MAX]; /* where requests find them they stay */
    size_t n;
};

static void
entry_free(struct coco_kbs_plugin_entry *entry)
{
    if (entry->functions.destroy)
        entry->functions.destroy(entry->user);
    free(entry);
}

void
coco_kbs_plugins_close(struct coco_kbs_plugins *plugins)
{
    if (!plugins)
        return;
    for (size_t i = 0; i < plugins->n; i++)
        entry_free(plugins->entries[i]);
    free(plugins);
}

const struct coco_kbs_plugin_entry *
coco_kbs_plugins_find(const struct coco_kbs_plugins *plugins, const char *name)
{
    for (size_t i = 0; i < plugins->n; i++)
        if (strcmp(plugins->entries[i]->name, name) == 0)
            return plugins->entries[i];
    return NULL;
}

bool
coco_kbs_plugins_match(const struct coco_kbs_plugins *plugins, const char *path,
                       struct coco_kbs_call *call)
{
    size_t len = strcspn(path, "/");

    for (size_t i = 0; plugins && i < plugins->n; i++) {
        const char *name = plugins->entries[i]->name;

        if (strlen(name) == len && strncmp(name, path, len) == 0) {
            call->plugin = name;
            call->rest = path[len] == '/' ? path + len + 1 : path + len;
            return true;
        }
    }
    return false;
}

/* ---- adding ---- */

static coco_status
check_functions(const struct coco_kbs_plugins *plugins, const coco_kbs_plugin *functions,
                coco_error **err)
{
    if (!functions->name
        || !coco_text_is_all(functions->name, NAME_CHARS, COCO_KBS_PLUGIN_NAME_MAX))
        return coco_fail(err, COCO_ERR_INVALID,
                         "name of a plug-in is not 1 to %d of a-z, 0-9 and -",
                         COCO_KBS_PLUGIN_NAME_MAX);
    if (!functions->handle)
        return coco_fail(err, COCO_ERR_INVALID, "plug-in %s handles nothing", functions->name);
    if (coco_kbs_is_route(functions->name))
        return coco_fail(err, COCO_ERR_INVALID, "%s is a path of the KBS itself", functions->name);
    if (coco_kbs_plugins_find(plugins, functions->name))
        return coco_fail(err, COCO_ERR_INVALID, "there is a plug-in %s already", functions->name);
    if (plugins->n == PLUGINS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d plug-ins", PLUGINS_MAX);
    return COCO_OK;
}

/* What the configuration says of one goes to it as JSON; wiped, for there may be a PIN in it. */
static coco_status
configure(const struct coco_kbs_plugins *plugins, const struct coco_kbs_plugin_entry *entry,
          coco_error **err)
{
    const cJSON *table = cJSON_GetObjectItemCaseSensitive(plugins->config, entry->name);
    _cleanup_buf_ struct coco_buf text = {.limit = CONFIG_MAX};
    _cleanup_plugin_reply_ struct coco_kbs_reply reply = {.plugin = entry->name};
    const char *const none[] = {NULL};

    coco_status status = COCO_OK;

    if (!entry->functions.configure) {
        status = table ? coco_json_check_members(table, none, err) : COCO_OK;
        return status == COCO_OK ? status : coco_wrap(err, status, "%s", entry->name);
    }
    status = table ? coco_json_write(table, COCO_JSON_COMPACT, &text, err)
                   : coco_buf_append_text(&text, "{}", err);
    if (status != COCO_OK)
        return status;
    entry->functions.configure(entry->user, plugins->ctx, coco_buf_text(&text), &reply);
    /* Saying nothing is fine here. */
    return reply.given ? coco_kbs_reply_take(&reply, err) : COCO_OK;
}

/* Takes user over, also if it fails. */
static coco_status
add(struct coco_kbs_plugins *plugins, const coco_kbs_plugin *functions, void *user,
    coco_error **err)
{
    struct coco_kbs_plugin_entry *entry = NULL;

    coco_status status = check_functions(plugins, functions, err);
    if (status == COCO_OK) {
        entry = calloc(1, sizeof(*entry));
        status = entry ? COCO_OK : coco_fail_nomem(err);
    }
    if (!entry) {
        if (functions->destroy)
            functions->destroy(user);
        return status;
    }
    memcpy(entry->name, functions->name, strlen(functions->name) + 1);
    entry->functions = *functions;
    entry->functions.name = entry->name;
    entry->user = user;
    status = configure(plugins, entry, err);
    if (status != COCO_OK) {
        entry_free(entry);
        return coco_kbs_in_section("plugins", status, err);
    }
    plugins->entries[plugins->n++] = entry;
    return COCO_OK;
}

coco_status
coco_kbs_plugins_add(struct coco_kbs_plugins *plugins, bool serving, const coco_kbs_plugin *plugin,
                     void *user, coco_error **err)
{
    coco_kbs_plugin functions = {.size = sizeof(functions)};

    if (!plugin)
        return coco_fail(err, COCO_ERR_INVALID, "no plug-in");
    coco_status status =
        coco_options_copy(&functions, sizeof(functions), sizeof(functions), plugin, err);
    if (status != COCO_OK)
        return status;
    if (!serving)
        return add(plugins, &functions, user, err);
    if (functions.destroy)
        functions.destroy(user);
    return coco_fail(err, COCO_ERR_INVALID, "the KBS is serving already");
}

/* ---- those of this build ---- */

static const struct coco_kbs_builtin *const builtins[] = {
    &coco_kbs_plugin_ca,
#if COCO_HAVE_PKCS11
    &coco_kbs_plugin_pkcs11,
#endif
};

#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

/* Those that the configuration turns on. */
static coco_status
open_builtins(struct coco_kbs_plugins *plugins, const struct coco_kbs_core *core, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < BUILTINS && status == COCO_OK; i++) {
        const struct coco_kbs_builtin *builtin = builtins[i];
        void *user = NULL;

        if (!cJSON_GetObjectItemCaseSensitive(plugins->config, builtin->functions.name))
            continue;
        status = builtin->make(core, &user, err);
        if (status == COCO_OK)
            status = add(plugins, &builtin->functions, user, err);
    }
    return status;
}

coco_status
coco_kbs_plugins_open(const struct coco_kbs_core *core, struct coco_kbs_plugins **ret,
                      coco_error **err)
{
    _cleanup_(coco_kbs_plugins_closep) struct coco_kbs_plugins *plugins =
        calloc(1, sizeof(*plugins));

    if (!plugins)
        return coco_fail_nomem(err);
    plugins->ctx = core->ctx;
    plugins->config = core->config.plugins;
    coco_status status = open_builtins(plugins, core, err);
    if (status == COCO_OK)
        *ret = coco_steal(&plugins);
    return status;
}

coco_status
coco_kbs_plugins_check(const struct coco_kbs_plugins *plugins, coco_error **err)
{
    const char *names[PLUGINS_MAX + BUILTINS + 2];
    size_t n = 0;

    names[n++] = "resource";
    for (size_t i = 0; i < BUILTINS; i++)
        names[n++] = builtins[i]->functions.name;
    for (size_t i = 0; i < plugins->n; i++)
        names[n++] = plugins->entries[i]->name;
    names[n] = NULL;
    return coco_kbs_in_section("plugins", coco_json_check_members(plugins->config, names, err),
                               err);
}
