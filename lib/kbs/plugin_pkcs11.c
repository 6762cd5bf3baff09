/*
 * kbs/plugin_pkcs11.c - the plug-in "pkcs11": secrets and a key pair in a token of hardware
 *
 *     GET, POST, DELETE /kbs/v0/pkcs11/resource/<repository>/<type>/<tag>
 *     POST              /kbs/v0/pkcs11/wrap-key   an owner's data -> encrypted by the key pair
 *     GET               /kbs/v0/pkcs11/wrap-key   which a guest has decrypted: its body
 *
 * As upstream's of this name: paths, keys of the configuration, labels of objects.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_builtin.h"

#include "base/fail.h"
#include "base/resource.h"
#include "crypto/pkcs11.h"
#include "kbs/config_field.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define RESOURCE "resource/"
#define WRAP_KEY "wrap-key"
#define OAEP "RsaPkcsOaep"
#define OAEP_SHA1 "RsaPkcsTest" /* upstream's name */
#define WRAPPED_MAX ((size_t)1024)
#define SLOT_INDEX_MAX 255

struct plugin_pkcs11 {
    struct coco_pkcs11 token;
    pthread_mutex_t lock; /* of what is changed: two who put one secret make one */
    bool by_sha1;
    char *lookup_label; /* of the key pair, or NULL */
};

static void
plugin_pkcs11_free(void *user)
{
    struct plugin_pkcs11 *self = user;

    coco_pkcs11_close(&self->token);
    (void)pthread_mutex_destroy(&self->lock);
    free(self->lookup_label);
    free(self);
}

static coco_status
plugin_pkcs11_make(const struct coco_kbs_core *core, void **ret, coco_error **err)
{
    struct plugin_pkcs11 *self = calloc(1, sizeof(*self));

    (void)core;
    if (!self)
        return coco_fail_nomem(err);
    (void)pthread_mutex_init(&self->lock, NULL);
    *ret = self;
    return COCO_OK;
}

/* ---- configuration ---- */

/* What says which token it is, and is needed no more when that is open. */
struct place {
    char *uri; /* or the three that follow */
    char *module;
    char *pin;
    uint64_t slot_index;
    char *rsa_mechanism;
};

static void
place_done(struct place *place)
{
    if (place->pin)
        OPENSSL_cleanse(place->pin, strlen(place->pin));
    free(place->pin);
    free(place->uri);
    free(place->module);
    free(place->rsa_mechanism);
}

static coco_status
open_token(const struct place *place, struct coco_pkcs11 *ret, coco_error **err)
{
    const struct coco_secret pin = {.data = (uint8_t *)place->pin,
                                    .len = place->pin ? strlen(place->pin) : 0};
    struct coco_pkcs11_uri uri;

    if ((place->uri != NULL) == (place->module != NULL) || (place->module && !place->pin)
        || (place->uri && (place->pin || place->slot_index > 0)))
        return coco_fail(err, COCO_ERR_PROTO,
                         "needs module and pin, and perhaps slot_index, or else uri alone");
    if (place->module)
        return coco_pkcs11_open_slot(place->module, place->slot_index, &pin, ret, err);
    coco_status status = coco_pkcs11_uri_parse(place->uri, &uri, err);
    return status == COCO_OK ? coco_pkcs11_open(&uri, ret, err) : status;
}

static coco_status
read_mechanism(const char *name, bool *by_sha1, coco_error **err)
{
    *by_sha1 = name && strcmp(name, OAEP_SHA1) == 0;
    if (name && !*by_sha1 && strcmp(name, OAEP) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "rsa_mechanism is \"" OAEP "\" or \"" OAEP_SHA1 "\"");
    return COCO_OK;
}

static coco_status
configure(struct plugin_pkcs11 *self, const char *config, coco_error **err)
{
    _cleanup_(place_done) struct place place = {0};
    _cleanup_json_ cJSON *object = NULL;
    const struct coco_kbs_field fields[] = {
        {"module", COCO_FIELD_TEXT, &place.module, 0, 0, NULL},
        {"slot_index", COCO_FIELD_NUMBER, &place.slot_index, 0, SLOT_INDEX_MAX, NULL},
        {"pin", COCO_FIELD_TEXT, &place.pin, 0, 0, NULL},
        {"uri", COCO_FIELD_TEXT, &place.uri, 0, 0, NULL},
        {"rsa_mechanism", COCO_FIELD_TEXT, &place.rsa_mechanism, 0, 0, NULL},
        {"lookup_label", COCO_FIELD_TEXT, &self->lookup_label, 0, 0, NULL},
    };

    coco_status status = coco_json_parse_object(config, strlen(config), &object, err);
    if (status == COCO_OK)
        status = COCO_KBS_READ(object, fields, err);
    if (status == COCO_OK)
        status = read_mechanism(place.rsa_mechanism, &self->by_sha1, err);
    if (status == COCO_OK)
        status = open_token(&place, &self->token, err);
    return status;
}

/* ---- requests ---- */

/* The label that path names, or NULL. */
static const char *
label_of(const char *path)
{
    struct coco_resource_path parsed;
    const char *label = path + strlen(RESOURCE);

    return strncmp(path, RESOURCE, strlen(RESOURCE)) == 0
                   && coco_resource_path_parse(label, &parsed, NULL) == COCO_OK
               ? label
               : NULL;
}

static coco_status
get(const struct plugin_pkcs11 *self, const char *label, coco_kbs_reply *reply, coco_error **err)
{
    _cleanup_secret_ struct coco_secret secret = {0};

    coco_status status = coco_pkcs11_secret_get(&self->token, label, &secret, err);
    if (status == COCO_OK)
        coco_kbs_reply_give(reply, secret.data, secret.len);
    return status;
}

static coco_status
change(struct plugin_pkcs11 *self, const char *label, const coco_kbs_request *request,
       coco_kbs_reply *reply, coco_error **err)
{
    (void)pthread_mutex_lock(&self->lock);
    coco_status status =
        strcmp(request->method, "DELETE") == 0
            ? coco_pkcs11_secret_delete(&self->token, label, err)
            : coco_pkcs11_secret_put(&self->token, label, request->body, request->len, err);
    (void)pthread_mutex_unlock(&self->lock);
    if (status == COCO_OK)
        coco_kbs_reply_give(reply, NULL, 0);
    return status;
}

static coco_status
wrap(const struct plugin_pkcs11 *self, const coco_kbs_request *request, coco_kbs_reply *reply,
     coco_error **err)
{
    _cleanup_buf_ struct coco_buf wrapped = {.limit = WRAPPED_MAX};
    const struct coco_pkcs11_object key = {.label = self->lookup_label};

    coco_status status = coco_pkcs11_rsa_wrap(&self->token, &key, self->by_sha1, request->body,
                                              request->len, &wrapped, err);
    if (status == COCO_OK)
        coco_kbs_reply_give(reply, wrapped.data, wrapped.len);
    return status;
}

static coco_status
unwrap(const struct plugin_pkcs11 *self, const coco_kbs_request *request, coco_kbs_reply *reply,
       coco_error **err)
{
    _cleanup_secret_ struct coco_secret data = {0};
    const struct coco_pkcs11_object key = {.label = self->lookup_label};

    coco_status status = coco_pkcs11_rsa_unwrap(&self->token, &key, self->by_sha1, request->body,
                                                request->len, &data, err);
    if (status == COCO_OK)
        coco_kbs_reply_give(reply, data.data, data.len);
    return status;
}

static coco_status
answer(struct plugin_pkcs11 *self, const coco_kbs_request *request, coco_kbs_reply *reply,
       coco_error **err)
{
    const char *label = label_of(request->path);
    bool is_get = strcmp(request->method, "GET") == 0;

    if (label)
        return is_get ? get(self, label, reply, err) : change(self, label, request, reply, err);
    if (!self->lookup_label)
        return coco_fail(err, COCO_ERR_NOTSUP, "there is no lookup_label");
    return is_get ? unwrap(self, request, reply, err) : wrap(self, request, reply, err);
}

/* ---- as a plug-in ---- */

static coco_kbs_access
plugin_pkcs11_access(void *user, const coco_kbs_request *request)
{
    bool is_key = strcmp(request->path, WRAP_KEY) == 0;

    (void)user;
    if (!is_key && !label_of(request->path))
        return COCO_KBS_ACCESS_NONE;
    if (strcmp(request->method, "GET") == 0)
        return COCO_KBS_ACCESS_GUEST;
    if (strcmp(request->method, "POST") == 0 || (!is_key && strcmp(request->method, "DELETE") == 0))
        return COCO_KBS_ACCESS_OWNER;
    return COCO_KBS_ACCESS_NONE;
}

static void
fail(coco_kbs_reply *reply, coco_status status, coco_error *err)
{
    coco_kbs_reply_fail(reply, status, coco_error_message(err));
    coco_error_free(err);
}

static void
plugin_pkcs11_handle(void *user, coco_ctx *ctx, const coco_kbs_request *request,
                     coco_kbs_reply *reply)
{
    coco_error *err = NULL;

    (void)ctx;
    coco_status status = answer(user, request, reply, &err);
    if (status != COCO_OK)
        fail(reply, status, err);
}

static void
plugin_pkcs11_configure(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply)
{
    coco_error *err = NULL;

    (void)ctx;
    coco_status status = configure(user, config, &err);
    if (status != COCO_OK)
        fail(reply, status, err);
}

const struct coco_kbs_builtin coco_kbs_plugin_pkcs11 = {
    .functions =
        {
            .size = sizeof(coco_kbs_plugin),
            .name = "pkcs11",
            .handle = plugin_pkcs11_handle,
            .access = plugin_pkcs11_access,
            .configure = plugin_pkcs11_configure,
            .destroy = plugin_pkcs11_free,
        },
    .make = plugin_pkcs11_make,
};
