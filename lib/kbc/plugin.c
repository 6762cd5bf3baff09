/*
 * kbc/plugin.c - a key broker client that somebody else wrote
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/fail.h"
#include "base/options.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

#define NAME_MAX_LEN 32
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct coco_kbc_answer {
    const char *plugin; /* its name */
    bool given;
    coco_status status;
    coco_bytes *bytes;
    coco_error *why;
};

struct plugin {
    coco_kbc_plugin functions;
    char name[NAME_MAX_LEN + 1];
    void *user;
};

/* Forgets what was answered before. */
static void
answer_reset(coco_kbc_answer *answer)
{
    coco_bytes_free(answer->bytes);
    coco_error_free(answer->why);
    answer->bytes = NULL;
    answer->why = NULL;
    answer->given = true;
}

void
coco_kbc_answer_give(coco_kbc_answer *answer, const uint8_t *data, size_t len)
{
    answer_reset(answer);
    answer->status = coco_bytes_new(data, len, &answer->bytes, &answer->why);
}

/* Whatever it is that a stranger says: one line of a bounded length, which an error makes of it. */
void
coco_kbc_answer_fail(coco_kbc_answer *answer, coco_status status, const char *message)
{
    char text[512];

    answer_reset(answer);
    if (status >= COCO_OK || status < COCO_ERR_CANCELED)
        status = COCO_ERR_PROTO;
    coco_text_escape(message, strlen(message), text, sizeof(text));
    answer->status = coco_fail(&answer->why, status, "%s: %s", answer->plugin, text);
}

/* What a plugin is asked; it has answered when this is over. */
static coco_status
take_answer(coco_kbc_answer *answer, coco_bytes **ret, coco_error **err)
{
    if (!answer->given)
        return coco_fail(err, COCO_ERR_PROTO, "%s gives no answer", answer->plugin);
    if (answer->status == COCO_OK)
        *ret = answer->bytes;
    else
        coco_error_give(err, answer->why);
    return answer->status;
}

static coco_status
plugin_get(void *self, coco_ctx *ctx, const struct coco_resource_path *path, coco_bytes **ret,
           coco_error **err)
{
    const struct plugin *plugin = self;
    coco_kbc_answer answer = {.plugin = plugin->name};

    plugin->functions.get_resource(plugin->user, ctx, path->text, &answer);
    return take_answer(&answer, ret, err);
}

static coco_status
plugin_attest(void *self, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    const struct plugin *plugin = self;
    coco_kbc_answer answer = {.plugin = plugin->name};

    if (!plugin->functions.attest)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s does not attest", plugin->name);
    plugin->functions.attest(plugin->user, ctx, &answer);
    return take_answer(&answer, ret, err);
}

static coco_status
plugin_wrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *key,
            coco_bytes **ret, coco_error **err)
{
    const struct plugin *plugin = self;
    coco_kbc_answer answer = {.plugin = plugin->name};

    if (!plugin->functions.wrap_key)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s wraps no keys", plugin->name);
    plugin->functions.wrap_key(plugin->user, ctx, id, key->data, key->len, &answer);
    return take_answer(&answer, ret, err);
}

static coco_status
plugin_unwrap(void *self, coco_ctx *ctx, const char *id, const struct coco_kbc_blob *wrapped,
              coco_bytes **ret, coco_error **err)
{
    const struct plugin *plugin = self;
    coco_kbc_answer answer = {.plugin = plugin->name};

    if (!plugin->functions.unwrap_key)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s unwraps no keys", plugin->name);
    plugin->functions.unwrap_key(plugin->user, ctx, id, wrapped->data, wrapped->len, &answer);
    return take_answer(&answer, ret, err);
}

static void
plugin_close(void *self)
{
    struct plugin *plugin = self;

    if (plugin->functions.destroy)
        plugin->functions.destroy(plugin->user);
    free(plugin);
}

static const struct coco_kbc_driver driver = {
    .name = "this plugin",
    .close = plugin_close,
    .get = plugin_get,
    .attest = plugin_attest,
    .wrap = plugin_wrap,
    .unwrap = plugin_unwrap,
};

static coco_status
read_plugin(const coco_kbc_plugin *theirs, coco_kbc_plugin *ret, coco_error **err)
{
    *ret = (coco_kbc_plugin){.size = sizeof(*ret)};
    if (!theirs)
        return coco_fail(err, COCO_ERR_INVALID, "no plugin");
    coco_status status =
        coco_options_copy(ret, sizeof(*ret), offsetof(coco_kbc_plugin, attest), theirs, err);
    if (status != COCO_OK)
        return status;
    if (!ret->name || !coco_text_is_all(ret->name, NAME_CHARS, NAME_MAX_LEN))
        return coco_fail(err, COCO_ERR_INVALID, "name of a plugin is not 1 to %d of a-z, 0-9 and _",
                         NAME_MAX_LEN);
    if (!ret->get_resource)
        return coco_fail(err, COCO_ERR_INVALID, "plugin %s gets no resources", ret->name);
    return COCO_OK;
}

coco_status
coco_kbc_new_plugin(const coco_kbc_plugin *theirs, void *user, coco_kbc **ret, coco_error **err)
{
    coco_kbc_plugin functions;
    struct plugin *plugin = NULL;

    coco_status status = read_plugin(theirs, &functions, err);
    if (status == COCO_OK) {
        plugin = calloc(1, sizeof(*plugin));
        status = plugin ? COCO_OK : coco_fail_nomem(err);
    }
    if (!plugin) {
        if (functions.destroy)
            functions.destroy(user);
        return status;
    }
    *plugin = (struct plugin){.functions = functions, .user = user};
    memcpy(plugin->name, functions.name, strlen(functions.name) + 1);
    return coco_kbc_wrap(&driver, plugin, ret, err);
}
