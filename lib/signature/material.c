/*
 * signature/material.c - keys and certificates that a policy names or holds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/material.h"

#include "base/base64.h"
#include "base/fail.h"

#include <stdio.h>
#include <string.h>

#define PEM_BEGIN "-----BEGIN "
#define MEMBER_MAX 64

struct each {
    const struct coco_signature_source *source;
    coco_material_fn *fn;
    void *self;
};

static coco_status
give_path(const struct each *each, const char *where, coco_error **err)
{
    _cleanup_buf_ struct coco_buf data = {.limit = COCO_MATERIAL_MAX};

    coco_status status = each->source->material(each->source->self, where, &data, err);
    if (status == COCO_OK)
        status = each->fn(each->self, coco_buf_text(&data), data.len, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%.300s'", where);
}

static coco_status
give_data(const struct each *each, const char *text, coco_error **err)
{
    _cleanup_buf_ struct coco_buf data = {.limit = COCO_MATERIAL_MAX};

    if (strncmp(text, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
        return each->fn(each->self, text, strlen(text), err);
    coco_status status = coco_base64_decode_lines(text, strlen(text), &data, err);
    return status == COCO_OK ? each->fn(each->self, coco_buf_text(&data), data.len, err) : status;
}

typedef coco_status give_fn(const struct each *each, const char *text, coco_error **err);

static const struct {
    const char *end;
    give_fn *give;
} ends[] = {
    {"Path", give_path},
    {"Paths", give_path},
    {"Data", give_data},
    {"Datas", give_data},
};

#define N_ENDS (sizeof(ends) / sizeof(ends[0]))

static const cJSON *
member_of(const cJSON *object, const char *stem, size_t end, char name[MEMBER_MAX])
{
    (void)snprintf(name, MEMBER_MAX, "%s%s", stem, ends[end].end);
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

bool
coco_material_has(const cJSON *object, const char *stem)
{
    char name[MEMBER_MAX];

    for (size_t i = 0; i < N_ENDS; i++)
        if (member_of(object, stem, i, name))
            return true;
    return false;
}

/* A text, or a list of them. */
static coco_status
give_member(const struct each *each, const cJSON *member, give_fn *give, coco_error **err)
{
    const cJSON *item = cJSON_IsArray(member) ? member->child : member;

    for (; item; item = cJSON_IsArray(member) ? item->next : NULL) {
        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "not a text");
        coco_status status = give(each, item->valuestring, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

coco_status
coco_material_each(const cJSON *object, const char *stem,
                   const struct coco_signature_source *source, coco_material_fn *fn, void *self,
                   coco_error **err)
{
    const struct each each = {source, fn, self};
    char name[MEMBER_MAX];

    for (size_t i = 0; i < N_ENDS; i++) {
        const cJSON *member = member_of(object, stem, i, name);
        if (!member)
            continue;
        coco_status status = give_member(&each, member, ends[i].give, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "%s", name);
    }
    return COCO_OK;
}

/* ---- keys ---- */

void
coco_signer_keys_done(struct coco_signer_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        EVP_PKEY_free(keys->list[i]);
    *keys = (struct coco_signer_keys){0};
}

coco_status
coco_signer_keys_add(struct coco_signer_keys *keys, EVP_PKEY **key, coco_error **err)
{
    if (keys->n == COCO_SIGNER_KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d keys", COCO_SIGNER_KEYS_MAX);
    keys->list[keys->n++] = coco_steal(key);
    return COCO_OK;
}

static coco_status
add_key(void *self, const void *data, size_t len, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    coco_status status = coco_key_parse_public(data, len, &key, err);
    return status == COCO_OK ? coco_signer_keys_add(self, &key, err) : status;
}

coco_status
coco_material_keys(const cJSON *object, const char *stem,
                   const struct coco_signature_source *source, struct coco_signer_keys *ret,
                   coco_error **err)
{
    return coco_material_each(object, stem, source, add_key, ret, err);
}

coco_status
coco_signer_key_verify(EVP_PKEY *key, const void *data, size_t len, const void *sig, size_t sig_len,
                       coco_error **err)
{
    enum coco_key_kind kind = 0;
    coco_error *cause = NULL;
    bool other = false;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind != COCO_KEY_P384 && kind != COCO_KEY_P521)
        return coco_key_verify(key, data, len, sig, sig_len, err);
    status = coco_key_verify_with(key, EVP_sha256(), data, len, sig, sig_len, &cause);
    if (status == COCO_OK)
        return COCO_OK;
    status = coco_forgive(cause, COCO_ERR_VERIFY, &other, err);
    return other ? coco_key_verify(key, data, len, sig, sig_len, err) : status;
}

coco_status
coco_signer_keys_verify(const struct coco_signer_keys *keys, const void *data, size_t len,
                        const void *sig, size_t sig_len, size_t *ret, coco_error **err)
{
    for (size_t i = 0; i < keys->n; i++) {
        coco_error *cause = NULL;
        bool other = false;

        *ret = i;
        coco_status status = coco_signer_key_verify(keys->list[i], data, len, sig, sig_len, &cause);
        if (status == COCO_OK)
            return COCO_OK;
        status = coco_forgive(cause, COCO_ERR_VERIFY, &other, err);
        if (status != COCO_OK)
            return status;
    }
    if (keys->n == 1)
        return coco_fail(err, COCO_ERR_VERIFY, "it is not made by the key");
    return coco_fail(err, COCO_ERR_VERIFY, "it is made by none of the %zu keys", keys->n);
}
