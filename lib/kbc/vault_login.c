/*
 * kbc/vault_login.c - how we tell a Vault who we are
 *
 * By AppRole; by a JWT, which is what the method "kubernetes" takes in the same form; or by the
 * certificate that the connection has shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_login.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/json.h"
#include "kbc/vault_reply.h"

#include <string.h>

coco_status
coco_vault_read_word(const char *path, struct coco_secret *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_VAULT_TOKEN_MAX};

    coco_status status = coco_file_read(path, &text, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", path);
    size_t len = 0;
    for (; len < text.len && text.data[len] != '\r' && text.data[len] != '\n'; len++)
        if (text.data[len] <= ' ' || text.data[len] >= 0x7f)
            return coco_fail(err, COCO_ERR_PROTO, "%s holds no token", path);
    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "%s is empty", path);
    text.data[len] = '\0';
    return coco_secret_copy(text.data, len + 1, ret, err);
}

bool
coco_vault_logs_in(const struct coco_vault_settings *settings)
{
    return settings->role_id || settings->jwt_file || settings->cert_file;
}

static coco_status
add_word(cJSON *object, const char *name, const char *path, coco_error **err)
{
    _cleanup_secret_ struct coco_secret word = {0};

    coco_status status = coco_vault_read_word(path, &word, err);
    return status == COCO_OK ? coco_json_add_string(object, name, (const char *)word.data, err)
                             : status;
}

static coco_status
add_approle(const struct coco_vault_settings *settings, cJSON *object, coco_error **err)
{
    coco_status status = coco_json_add_string(object, "role_id", settings->role_id, err);
    if (status == COCO_OK && settings->secret_id)
        status = add_word(object, "secret_id", settings->secret_id, err);
    return status;
}

static coco_status
add_jwt(const struct coco_vault_settings *settings, cJSON *object, coco_error **err)
{
    coco_status status = add_word(object, "jwt", settings->jwt_file, err);
    if (status == COCO_OK && settings->role)
        status = coco_json_add_string(object, "role", settings->role, err);
    return status;
}

static coco_status
add_cert(const struct coco_vault_settings *settings, cJSON *object, coco_error **err)
{
    return settings->role ? coco_json_add_string(object, "name", settings->role, err) : COCO_OK;
}

coco_status
coco_vault_write_login(const struct coco_vault_settings *settings, struct coco_buf *path,
                       struct coco_buf *body, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const char *mount = settings->role_id    ? settings->approle
                        : settings->jwt_file ? settings->jwt
                                             : settings->cert;

    coco_status status = coco_buf_printf(path, err, "/auth/%s/login", mount);
    if (status == COCO_OK)
        status = coco_json_new_object(&object, err);
    if (status == COCO_OK)
        status = settings->role_id    ? add_approle(settings, object, err)
                 : settings->jwt_file ? add_jwt(settings, object, err)
                                      : add_cert(settings, object, err);
    return status == COCO_OK ? coco_json_write(object, COCO_JSON_COMPACT, body, err) : status;
}
