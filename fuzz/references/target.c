/*
 * fuzz/references/target.c - messages with reference values, taken whole or not at all
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/references.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static cJSON *
values_of(struct coco_kbs_store *store)
{
    cJSON *values = NULL;

    if (coco_kbs_store_values(store, COCO_KBS_REFERENCE, &values, NULL) != COCO_OK)
        abort();
    return values;
}

/* A policy gets them as one text; each of them, set by itself, is what it was. */
static void
check(struct coco_kbs_store *store, const cJSON *values)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_json_ cJSON *read = NULL;
    _cleanup_json_ cJSON *again = NULL;
    const cJSON *value;

    if (coco_json_write(values, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_json_parse_object((const char *)text.data, text.len, &read, NULL) != COCO_OK
        || !coco_json_equal(read, values))
        abort();
    cJSON_ArrayForEach(value, values) {
        _cleanup_buf_ struct coco_buf one = {.limit = SIZE_MAX};

        if (coco_json_write(value, COCO_JSON_PRETTY, &one, NULL) != COCO_OK
            || coco_kbs_reference_set(store, value->string, coco_buf_text(&one), NULL) != COCO_OK)
            abort();
    }
    again = values_of(store);
    if (!coco_json_equal(again, values))
        abort();
}

static void
empty(struct coco_kbs_store *store, const cJSON *values)
{
    const cJSON *value;

    cJSON_ArrayForEach(value, values)
        if (coco_kbs_store_delete(store, COCO_KBS_REFERENCE, value->string, NULL) != COCO_OK)
            abort();
}

/* The input is a value, too: what is taken can be given to a policy. */
static void
set(struct coco_kbs_store *store, const uint8_t *data, size_t len)
{
    _cleanup_free_ char *text = strndup((const char *)data, len);

    if (!text || coco_kbs_reference_set(store, "value", text, NULL) != COCO_OK)
        return;
    _cleanup_json_ cJSON *values = values_of(store);
    check(store, values);
    empty(store, values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct coco_kbs_texts keys;
    static struct coco_kbs_store *store;
    coco_error *err = NULL;

    if (!store && coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &store, NULL) != COCO_OK)
        abort();
    coco_status status = coco_kbs_references_register(store, &keys, 1764320000, data, len, &err);
    coco_error_free(err);
    _cleanup_json_ cJSON *values = values_of(store);
    if (status != COCO_OK && values->child)
        abort();
    if (status != COCO_OK && status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP
        && status != COCO_ERR_LIMIT && status != COCO_ERR_INVALID)
        abort();
    check(store, values);
    empty(store, values);
    set(store, data, len);
    return 0;
}
