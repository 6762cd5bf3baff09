/*
 * collateral/bundle.c - collateral in one file that its owner signed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/bundle.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/ecdsa.h"

#include <string.h>

#define FORMAT "coco-collateral-bundle"
#define BEGINNING "{\"format\":\"" FORMAT "\""
#define VERSION 1
#define SIGNATURE_SIZE 64
#define SIGNATURE_TEXT 86 /* of base64url */
#define SHA256_SIZE 32

bool
coco_bundle_is(const void *data, size_t len)
{
    return len >= strlen(BEGINNING) && memcmp(data, BEGINNING, strlen(BEGINNING)) == 0;
}

/* ---- the signature ---- */

static coco_status
check_kind(const EVP_PKEY *key, enum coco_key_kind *ret, coco_error **err)
{
    coco_status status = coco_key_kind_of(key, ret, err);
    if (status == COCO_OK && *ret != COCO_KEY_P256 && *ret != COCO_KEY_ED25519)
        return coco_fail(err, COCO_ERR_NOTSUP, "bundles are signed with P-256 or Ed25519");
    return status;
}

static coco_status
check_signature(EVP_PKEY *key, const struct coco_buf *index, const uint8_t *sig, size_t len,
                coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = check_kind(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind == COCO_KEY_P256)
        return coco_ecdsa_verify(key, index->data, index->len, sig, len, err);
    return coco_key_verify(key, index->data, index->len, sig, len, err);
}

static coco_status
sign(EVP_PKEY *key, const struct coco_buf *index, struct coco_buf *sig, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = check_kind(key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (kind == COCO_KEY_P256)
        return coco_ecdsa_sign(key, index->data, index->len, sig, err);
    return coco_key_sign(key, index->data, index->len, sig, err);
}

/* ---- reading ---- */

/* A file in its three parts; none of them is believed yet. */
struct parts {
    const char *index;
    size_t index_len;
    const char *signature; /* SIGNATURE_TEXT of it */
    const uint8_t *items;
    size_t items_len;
};

static coco_status
split(const char *data, size_t len, struct parts *ret, coco_error **err)
{
    size_t most = len < COCO_BUNDLE_INDEX_MAX ? len : COCO_BUNDLE_INDEX_MAX;

    if (len > COCO_BUNDLE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu bytes", COCO_BUNDLE_MAX);
    if (!coco_bundle_is(data, len))
        return coco_fail(err, COCO_ERR_PROTO, "is no bundle of collateral");
    const char *end = memchr(data, '\n', most);
    if (!end)
        return coco_fail(err, COCO_ERR_PROTO, "its index has no end");
    size_t index_len = (size_t)(end - data);
    size_t rest = len - index_len - 1;
    if (rest < SIGNATURE_TEXT + 1 || end[1 + SIGNATURE_TEXT] != '\n')
        return coco_fail(err, COCO_ERR_PROTO, "its second line is no signature");
    *ret = (struct parts){
        .index = data,
        .index_len = index_len,
        .signature = end + 1,
        .items = (const uint8_t *)end + 1 + SIGNATURE_TEXT + 1,
        .items_len = rest - SIGNATURE_TEXT - 1,
    };
    return COCO_OK;
}

static coco_status
verify(const struct parts *parts, EVP_PKEY *key, coco_error **err)
{
    _cleanup_buf_ struct coco_buf sig = {.limit = SIGNATURE_SIZE};
    /* Lent to what reads it only. */
    const struct coco_buf index = {
        .data = (uint8_t *)(uintptr_t)parts->index,
        .len = parts->index_len,
    };

    coco_status status =
        coco_base64_decode(COCO_BASE64URL, parts->signature, SIGNATURE_TEXT, &sig, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "signature");
    status = check_signature(key, &index, sig.data, sig.len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "not signed by this key");
}

struct entry {
    const char *name;
    int64_t fetched;
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
};

static coco_status
read_entry(const cJSON *json, struct entry *ret, coco_error **err)
{
    static const char *const members[] = {"name", "fetched", "size", "sha256", NULL};
    const char *hex = NULL;

    if (!cJSON_IsObject(json))
        return coco_fail(err, COCO_ERR_PROTO, "is no object");
    coco_status status = coco_json_check_members(json, members, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "name", &ret->name, err);
    if (status == COCO_OK)
        status =
            coco_json_i64(cJSON_GetObjectItemCaseSensitive(json, "fetched"), &ret->fetched, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(json, "size", &ret->size, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "sha256", &hex, err);
    if (status == COCO_OK && !coco_unhex(hex, strlen(hex), ret->sha256, sizeof(ret->sha256)))
        status = coco_fail(err, COCO_ERR_PROTO, "sha256 is not 64 hex digits");
    return status;
}

/* Takes the next item off the front of parts. */
static coco_status
take_item(struct parts *parts, const struct entry *entry, struct coco_items *items,
          coco_error **err)
{
    struct coco_digest digest = {0};
    struct coco_item *item = NULL;

    if (entry->size > parts->items_len)
        return coco_fail(err, COCO_ERR_PROTO, "%s: is not all there", entry->name);
    if (items->n > 0 && strcmp(items->list[items->n - 1].name, entry->name) >= 0)
        return coco_fail(err, COCO_ERR_PROTO, "%.80s: is not sorted", entry->name);
    coco_status status =
        coco_digest_of(COCO_SHA256, parts->items, (size_t)entry->size, &digest, err);
    if (status != COCO_OK)
        return status;
    if (memcmp(digest.bytes, entry->sha256, sizeof(entry->sha256)) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "%.80s: is not what was signed", entry->name);
    status = coco_items_put(items, entry->name, parts->items, (size_t)entry->size, &item, err);
    if (status != COCO_OK)
        return status;
    item->fetched = entry->fetched;
    parts->items += entry->size;
    parts->items_len -= (size_t)entry->size;
    return COCO_OK;
}

static coco_status
read_items(struct parts *parts, const cJSON *list, struct coco_items *items, coco_error **err)
{
    const cJSON *json;

    cJSON_ArrayForEach(json, list) {
        struct entry entry = {0};
        coco_status status = read_entry(json, &entry, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "item %zu", items->n);
        status = take_item(parts, &entry, items, err);
        if (status != COCO_OK)
            return status;
    }
    if (parts->items_len > 0)
        return coco_fail(err, COCO_ERR_PROTO, "%zu bytes behind its last item", parts->items_len);
    return COCO_OK;
}

static coco_status
read_index(struct parts *parts, struct coco_items *items, int64_t *created, coco_error **err)
{
    static const char *const members[] = {"format", "version", "created", "items", NULL};
    _cleanup_json_ cJSON *index = NULL;
    const cJSON *list = NULL;
    uint64_t version = 0;

    coco_status status = coco_json_parse_object(parts->index, parts->index_len, &index, err);
    if (status == COCO_OK)
        status = coco_json_check_members(index, members, err);
    if (status == COCO_OK)
        status = coco_json_get_u64(index, "version", &version, err);
    if (status == COCO_OK && version != VERSION)
        status = coco_fail(err, COCO_ERR_NOTSUP, "is of version %llu, which is not known here",
                           (unsigned long long)version);
    if (status == COCO_OK)
        status = coco_json_i64(cJSON_GetObjectItemCaseSensitive(index, "created"), created, err);
    if (status == COCO_OK)
        status = coco_json_get_array(index, "items", &list, err);
    return status == COCO_OK ? read_items(parts, list, items, err) : status;
}

coco_status
coco_bundle_parse(const void *data, size_t len, EVP_PKEY *key, struct coco_items *ret,
                  int64_t *created, coco_error **err)
{
    _cleanup_items_ struct coco_items items = {0};
    struct parts parts = {0};
    int64_t when = 0;

    coco_status status = split(data, len, &parts, err);
    if (status == COCO_OK)
        status = verify(&parts, key, err);
    if (status == COCO_OK)
        status = read_index(&parts, &items, &when, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "bundle");
    *ret = items;
    items = (struct coco_items){0};
    if (created)
        *created = when;
    return COCO_OK;
}

/* ---- writing ---- */

static coco_status
add_entry(cJSON *list, const struct coco_item *item, coco_error **err)
{
    char hex[2 * SHA256_SIZE + 1];
    struct coco_digest digest = {0};
    cJSON *entry = NULL;

    coco_status status =
        coco_digest_of(COCO_SHA256, coco_buf_text(&item->data), item->data.len, &digest, err);
    if (status != COCO_OK)
        return status;
    coco_hex(digest.bytes, SHA256_SIZE, hex);
    status = coco_json_add_object(list, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "name", item->name, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(entry, "fetched", item->fetched, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(entry, "size", item->data.len, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "sha256", hex, err);
    return status;
}

static coco_status
write_index(const struct coco_items *items, int64_t created, struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *index = NULL;
    cJSON *list = NULL;

    coco_status status = coco_json_new_object(&index, err);
    if (status == COCO_OK)
        status = coco_json_add_string(index, "format", FORMAT, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(index, "version", VERSION, err);
    if (status == COCO_OK)
        status = coco_json_add_i64(index, "created", created, err);
    if (status == COCO_OK)
        status = coco_json_add_array(index, "items", &list, err);
    for (size_t i = 0; i < items->n && status == COCO_OK; i++)
        status = add_entry(list, &items->list[i], err);
    if (status == COCO_OK)
        status = coco_json_write(index, COCO_JSON_COMPACT, buf, err);
    return status;
}

coco_status
coco_bundle_write(const struct coco_items *items, EVP_PKEY *key, int64_t created,
                  struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf index = {.limit = COCO_BUNDLE_INDEX_MAX - 1};
    _cleanup_buf_ struct coco_buf sig = {.limit = SIGNATURE_SIZE};

    coco_status status = write_index(items, created, &index, err);
    if (status == COCO_OK)
        status = sign(key, &index, &sig, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, index.data, index.len, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, "\n", err);
    if (status == COCO_OK)
        status = coco_base64_encode(COCO_BASE64URL, sig.data, sig.len, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, "\n", err);
    for (size_t i = 0; i < items->n && status == COCO_OK; i++)
        status = coco_buf_append(buf, items->list[i].data.data, items->list[i].data.len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "bundle");
}
