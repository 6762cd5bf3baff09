/*
 * kbs/references.c - reference values
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/references.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/cose.h"
#include "crypto/key.h"
#include "references/references.h"

#include <pthread.h>
#include <string.h>

#define VALUE_MAX ((size_t)1 << 20)
#define NAMED_MAX (VALUE_MAX + ((size_t)8 << 10)) /* a name, however it is escaped */
#define RVPS_VERSION "0.1.0"

/*
 * They are looked at as a policy gets them: each is a member of an object, and one that
 * could not be written there would stop every policy.
 */
static coco_status
check_values(const cJSON *values, coco_error **err)
{
    _cleanup_buf_ struct coco_buf all = {.limit = NAMED_MAX};
    const cJSON *value;

    coco_status status = coco_json_write(values, COCO_JSON_COMPACT, &all, err);
    cJSON_ArrayForEach(value, values) {
        _cleanup_buf_ struct coco_buf text = {.limit = VALUE_MAX};

        if (status == COCO_OK)
            status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    }
    return status;
}

/* ends: {name: seconds}; 0, or none, is never. What ended before must not end what is new. */
static coco_status
all_ends(const cJSON *values, const cJSON *ends, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *all = NULL;
    const cJSON *value;

    coco_status status = coco_json_new_object(&all, err);
    cJSON_ArrayForEach(value, values) {
        int64_t end = 0;
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(ends, value->string);

        if (status == COCO_OK && said)
            status = coco_json_i64(said, &end, err);
        if (status == COCO_OK)
            status = coco_json_add_i64(all, value->string, end, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&all);
    return status;
}

static coco_status
store_values(struct coco_kbs_store *store, const cJSON *values, const cJSON *ends, coco_error **err)
{
    _cleanup_json_ cJSON *all = NULL;

    coco_status status = check_values(values, err);
    if (status == COCO_OK)
        status = all_ends(values, ends, &all, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference value");
    const struct coco_kbs_set sets[] = {
        {COCO_KBS_REFERENCE, values},
        {COCO_KBS_REFERENCE_END, all},
    };
    status = coco_kbs_store_put_sets(store, sets, 2, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "reference value");
}

coco_status
coco_kbs_reference_set(struct coco_kbs_store *store, const char *name, const char *value,
                       coco_error **err)
{
    _cleanup_json_ cJSON *named = NULL;
    cJSON *parsed = NULL;

    coco_status status = coco_json_new_object(&named, err);
    if (status == COCO_OK)
        status = coco_json_parse(value, strlen(value), &parsed, err);
    if (status == COCO_OK)
        status = coco_json_add_item(named, name, parsed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "reference value");
    return store_values(store, named, NULL, err);
}

/*
 * When the value called name ends, 0 for never; *at goes on to it, in ends that are sorted as the
 * names are that are asked for.
 */
static coco_status
end_of(const char *name, const cJSON **at, int64_t *ret, coco_error **err)
{
    *ret = 0;
    while (*at && strcmp((*at)->string, name) < 0)
        *at = (*at)->next;
    if (!*at || strcmp((*at)->string, name) != 0)
        return COCO_OK;
    return coco_json_i64(*at, ret, err);
}

/* Takes those out of values that have ended. */
static coco_status
sort_out(cJSON *values, const cJSON *ends, int64_t now, cJSON *ended, coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *at = ends->child;
    cJSON *next;

    for (cJSON *value = values->child; value && status == COCO_OK; value = next) {
        int64_t end = 0;

        next = value->next;
        status = end_of(value->string, &at, &end, err);
        if (status != COCO_OK || !end || now <= end)
            continue;
        status = coco_json_add_string(ended, NULL, value->string, err);
        coco_json_free(cJSON_DetachItemViaPointer(values, value));
    }
    return status;
}

coco_status
coco_kbs_references_get(struct coco_kbs_store *store, int64_t now, cJSON **ret, cJSON **ended,
                        coco_error **err)
{
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_json_ cJSON *ends = NULL;
    _cleanup_json_ cJSON *names = cJSON_CreateArray();

    if (!names)
        return coco_fail_nomem(err);
    /* In this order: what is put meanwhile may lack a value, but has none beyond its end. */
    coco_status status = coco_kbs_store_values(store, COCO_KBS_REFERENCE_END, &ends, err);
    if (status == COCO_OK)
        status = coco_kbs_store_values(store, COCO_KBS_REFERENCE, &values, err);
    if (status == COCO_OK)
        status = sort_out(values, ends, now, names, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&values);
    if (ended)
        *ended = coco_steal(&names);
    return COCO_OK;
}

static const char *
name_of(const cJSON *entry)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
}

static coco_status
add_reference(cJSON *list, const cJSON *entry, const cJSON *value, int64_t end, coco_error **err)
{
    cJSON *reference = NULL;

    coco_status status = coco_json_add_object(list, NULL, &reference, err);
    if (status == COCO_OK)
        status = coco_json_add_string(reference, "name", name_of(entry), err);
    if (status == COCO_OK)
        status = coco_json_add_copy(reference, "time",
                                    cJSON_GetObjectItemCaseSensitive(entry, "time"), err);
    if (status == COCO_OK)
        status = coco_json_add_copy(reference, "value", value, err);
    if (status == COCO_OK && end)
        status = coco_json_add_i64(reference, "expires", end, err);
    return status;
}

coco_status
coco_kbs_references_list(struct coco_kbs_store *store, cJSON **ret, coco_error **err)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    _cleanup_json_ cJSON *entries = NULL;
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_json_ cJSON *ends = NULL;
    const cJSON *entry;

    if (!list)
        return coco_fail_nomem(err);
    coco_status status = coco_kbs_store_entries(store, COCO_KBS_REFERENCE, &entries, err);
    if (status == COCO_OK)
        status = coco_kbs_store_values(store, COCO_KBS_REFERENCE, &values, err);
    if (status == COCO_OK)
        status = coco_kbs_store_values(store, COCO_KBS_REFERENCE_END, &ends, err);
    /* All are sorted; what came or went between the looks at the store is not in all of them. */
    const cJSON *value = values ? values->child : NULL;
    const cJSON *at = ends ? ends->child : NULL;
    cJSON_ArrayForEach(entry, entries) {
        int64_t end = 0;

        while (value && strcmp(value->string, name_of(entry)) < 0)
            value = value->next;
        if (status == COCO_OK)
            status = end_of(name_of(entry), &at, &end, err);
        if (status == COCO_OK && value && strcmp(value->string, name_of(entry)) == 0)
            status = add_reference(list, entry, value, end, err);
    }
    if (status == COCO_OK)
        *ret = coco_steal(&list);
    return status;
}

/* ---- manifests ---- */

/* One that is signed must be so by one of keys. */
static coco_status
open_signed(const struct coco_kbs_texts *keys, const struct coco_buf *manifest,
            coco_references **ret, coco_error **err)
{
    for (size_t i = 0; i < keys->n; i++) {
        const char *key = keys->items[i];
        coco_error *why = NULL;

        coco_status status = coco_references_open(manifest->data, manifest->len,
                                                  (const uint8_t *)key, strlen(key), ret, &why);
        if (status != COCO_ERR_VERIFY) {
            coco_error_give(err, why);
            return status;
        }
        coco_error_free(why);
    }
    return coco_fail(err, COCO_ERR_VERIFY, "manifest that is signed by none of reference_keys");
}

static coco_status
open_manifest(const struct coco_kbs_texts *keys, const struct coco_buf *manifest,
              coco_references **ret, coco_error **err)
{
    struct coco_cose_sign1 message;

    if (coco_cose_sign1_parse(manifest->data, manifest->len, &message, NULL) == COCO_OK)
        return open_signed(keys, manifest, ret, err);
    if (keys->n > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "manifest that nobody signed");
    /* JSON is of another type. */
    if (manifest->len == 0 || manifest->data[0] < 0x80)
        return coco_fail(err, COCO_ERR_PROTO, "manifest that is no CBOR");
    return coco_references_parse(manifest->data, manifest->len, ret, err);
}

static coco_status
register_manifest(struct coco_kbs_store *store, const struct coco_kbs_texts *keys, int64_t now,
                  const struct coco_buf *manifest, coco_error **err)
{
    _cleanup_references_ coco_references *references = NULL;
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_json_ cJSON *ends = NULL;

    coco_status status = open_manifest(keys, manifest, &references, err);
    if (status == COCO_OK)
        status = coco_references_check(references, now, err);
    if (status == COCO_OK)
        status = coco_references_values(references, &values, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&ends, err);
    for (size_t i = 0; status == COCO_OK && i < references->n; i++)
        status =
            coco_json_add_i64(ends, references->values[i].name, references->values[i].expires, err);
    return status == COCO_OK ? store_values(store, values, ends, err) : status;
}

coco_status
coco_kbs_references_check_keys(const struct coco_kbs_texts *keys, coco_error **err)
{
    for (size_t i = 0; i < keys->n; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        coco_status status =
            coco_key_parse_public(keys->items[i], strlen(keys->items[i]), &key, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "reference_keys");
    }
    return COCO_OK;
}

/* ---- messages ---- */

/* {name: "2027-11-28T12:00:00Z"} to {name: seconds}; each of a value that is there, and to come. */
static coco_status
read_ends(const cJSON *said, const cJSON *values, int64_t now, cJSON *ends, coco_error **err)
{
    coco_status status = COCO_OK;
    const cJSON *item;

    cJSON_ArrayForEach(item, said) {
        int64_t end = 0;

        if (!cJSON_IsString(item))
            return coco_fail(err, COCO_ERR_PROTO, "'%.80s' is no text", item->string);
        if (!cJSON_GetObjectItemCaseSensitive(values, item->string))
            return coco_fail(err, COCO_ERR_PROTO, "'%.80s' is no value", item->string);
        status = coco_reference_time_parse(item->valuestring, &end, err);
        if (status == COCO_OK && now > end)
            status = coco_fail(err, COCO_ERR_VERIFY, "'%.80s' ended at %s", item->string,
                               item->valuestring);
        if (status == COCO_OK)
            status = coco_json_add_i64(ends, item->string, end, err);
        if (status != COCO_OK)
            return status;
    }
    return status;
}

static coco_status
register_values(struct coco_kbs_store *store, const struct coco_kbs_texts *keys, int64_t now,
                const cJSON *message, const struct coco_buf *payload, coco_error **err)
{
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_json_ cJSON *ends = NULL;
    const cJSON *said = NULL;

    if (keys->n > 0)
        return coco_fail(err, COCO_ERR_VERIFY, "values that nobody signed");
    coco_status status = coco_json_parse_object(coco_buf_text(payload), payload->len, &values, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "payload");
    status = coco_json_get_object_opt(message, "expirations", &said, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&ends, err);
    if (status == COCO_OK)
        status = read_ends(said, values, now, ends, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "expirations");
    return store_values(store, values, ends, err);
}

coco_status
coco_kbs_references_register(struct coco_kbs_store *store, const struct coco_kbs_texts *keys,
                             int64_t now, const void *message, size_t len, coco_error **err)
{
    _cleanup_buf_ struct coco_buf payload = {.limit = VALUE_MAX};
    _cleanup_json_ cJSON *object = NULL;
    const char *version = NULL;
    const char *type = NULL;
    const char *text = NULL;

    coco_status status = coco_json_parse_object(message, len, &object, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "version", &version, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "type", &type, err);
    if (status == COCO_OK)
        status = coco_json_get_string(object, "payload", &text, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(version, RVPS_VERSION) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "version of the message is not " RVPS_VERSION);
    if (strcmp(type, "sample") != 0 && strcmp(type, "corim") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "reference values come as type \"sample\" or \"corim\"");
    status = coco_base64_decode(COCO_BASE64, text, strlen(text), &payload, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "payload");
    if (strcmp(type, "corim") == 0)
        return register_manifest(store, keys, now, &payload, err);
    return register_values(store, keys, now, object, &payload, err);
}

/* ---- those of policies ---- */

struct coco_kbs_expected {
    struct coco_kbs_store *store;      /* lent */
    pthread_mutex_t lock;              /* of what follows */
    struct coco_policy_values *values; /* or NULL */
    uint64_t generation;               /* of the store, in which values hold */
    int64_t now;                       /* when they do */
};

coco_status
coco_kbs_expected_new(struct coco_kbs_store *store, struct coco_kbs_expected **ret,
                      coco_error **err)
{
    struct coco_kbs_expected *expected = calloc(1, sizeof(*expected));

    if (!expected)
        return coco_fail_nomem(err);
    expected->store = store;
    (void)pthread_mutex_init(&expected->lock, NULL);
    *ret = expected;
    return COCO_OK;
}

void
coco_kbs_expected_free(struct coco_kbs_expected *expected)
{
    if (!expected)
        return;
    coco_policy_values_unref(expected->values);
    (void)pthread_mutex_destroy(&expected->lock);
    free(expected);
}

/* The lock is held: others wait for what they would have to read, too. */
static coco_status
read_expected(struct coco_kbs_expected *expected, uint64_t generation, int64_t now,
              coco_error **err)
{
    struct coco_policy_values *values = NULL;
    cJSON *json = NULL;

    coco_status status = coco_kbs_references_get(expected->store, now, &json, NULL, err);
    if (status == COCO_OK)
        status = coco_policy_values_new(json, &values, err);
    if (status != COCO_OK)
        return status;
    coco_policy_values_unref(expected->values);
    expected->values = values;
    expected->generation = generation;
    expected->now = now;
    return COCO_OK;
}

coco_status
coco_kbs_expected_get(struct coco_kbs_expected *expected, int64_t now,
                      struct coco_policy_values **ret, coco_error **err)
{
    uint64_t generation = 0;

    coco_status status = coco_kbs_store_generation(expected->store, &generation, err);
    if (status != COCO_OK)
        return status;
    (void)pthread_mutex_lock(&expected->lock);
    if (!expected->values || expected->generation != generation || expected->now != now)
        status = read_expected(expected, generation, now, err);
    if (status == COCO_OK)
        *ret = coco_policy_values_ref(expected->values);
    (void)pthread_mutex_unlock(&expected->lock);
    return status;
}
