/*
 * references/difference.c - how reference values differ, from others and from claims
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/fail.h"
#include "references/names.h"
#include "references/references.h"

#include <string.h>

#define RESULT_MAX (4 * COCO_REFERENCES_FILE_MAX)

/* ---- from others ---- */

/* A value in the order of names. */
struct place {
    const struct coco_reference *value;
};

static int
by_name(const void *a, const void *b)
{
    const struct place *left = a;
    const struct place *right = b;

    return strcmp(left->value->name, right->value->name);
}

/* The values in the order of their names, lent, and an empty place; NULL when out of memory. */
static struct place *
sorted(const coco_references *references)
{
    struct place *list = calloc(references->n + 1, sizeof(*list));

    if (!list)
        return NULL;
    for (size_t i = 0; i < references->n; i++)
        list[i].value = &references->values[i];
    qsort(list, references->n, sizeof(*list), by_name);
    return list;
}

static coco_status
begin_entry(cJSON *list, const char *name, const char *key, const char *what, cJSON **ret,
            coco_error **err)
{
    coco_status status = coco_json_add_object(list, NULL, ret, err);

    if (status == COCO_OK)
        status = coco_json_add_string(*ret, "name", name, err);
    if (status == COCO_OK)
        status = coco_json_add_string(*ret, key, what, err);
    return status;
}

static coco_status
add_time(cJSON *entry, const char *name, int64_t time, coco_error **err)
{
    char text[COCO_REFERENCE_TIME_SIZE];

    if (time == 0)
        return coco_json_add_null(entry, name, err);
    coco_status status = coco_reference_time_format(time, text, err);
    return status == COCO_OK ? coco_json_add_string(entry, name, text, err) : status;
}

/* Either may be missing; both have one name. */
static coco_status
compare_two(cJSON *list, const struct coco_reference *a, const struct coco_reference *b,
            coco_error **err)
{
    cJSON *entry = NULL;

    if (!a)
        return begin_entry(list, b->name, "change", "added", &entry, err);
    if (!b)
        return begin_entry(list, a->name, "change", "removed", &entry, err);
    if (!coco_json_equal(a->value, b->value)) {
        coco_status status = begin_entry(list, a->name, "change", "changed", &entry, err);
        if (status == COCO_OK)
            status = coco_json_add_copy(entry, "before", a->value, err);
        if (status == COCO_OK)
            status = coco_json_add_copy(entry, "after", b->value, err);
        return status;
    }
    if (a->expires == b->expires)
        return COCO_OK;
    coco_status status = begin_entry(list, a->name, "change", "expires", &entry, err);
    if (status == COCO_OK)
        status = add_time(entry, "before", a->expires, err);
    if (status == COCO_OK)
        status = add_time(entry, "after", b->expires, err);
    return status;
}

static coco_status
write_list(const cJSON *list, coco_bytes **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = RESULT_MAX};

    coco_status status = coco_json_write(list, COCO_JSON_COMPACT, &buf, err);
    return status == COCO_OK ? coco_bytes_take(&buf, ret, err) : status;
}

coco_status
coco_references_diff(const coco_references *references, const coco_references *other,
                     coco_bytes **ret, coco_error **err)
{
    _cleanup_free_ struct place *before = sorted(references);
    _cleanup_free_ struct place *after = sorted(other);
    _cleanup_json_ cJSON *holder = NULL;
    cJSON *list = NULL;

    if (!before || !after)
        return coco_fail_nomem(err);
    coco_status status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_array(holder, "list", &list, err);
    for (size_t i = 0, j = 0; status == COCO_OK;) {
        const struct coco_reference *a = before[i].value;
        const struct coco_reference *b = after[j].value;
        int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);

        if (!a && !b)
            break;
        status = compare_two(list, order <= 0 ? a : NULL, order >= 0 ? b : NULL, err);
        i += order <= 0;
        j += order >= 0;
    }
    return status == COCO_OK ? write_list(list, ret, err) : status;
}

/* ---- from claims ---- */

static bool
is_at_least(const cJSON *claim, const cJSON *least)
{
    uint64_t a = 0;
    uint64_t b = 0;

    return cJSON_IsNumber(claim) && cJSON_IsNumber(least)
           && coco_json_u64(claim, &a, NULL) == COCO_OK && coco_json_u64(least, &b, NULL) == COCO_OK
           && a >= b;
}

/* Whether claim is value, or in the list that value is. */
static bool
fits(const cJSON *claim, const cJSON *value)
{
    const cJSON *item;

    if (coco_json_equal(claim, value))
        return true;
    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach(item, value)
        if (coco_json_equal(claim, item))
            return true;
    return false;
}

/* Whether an event of that type has the digest: {"type_name", "digests": [{"digest"}]}. */
static bool
has_event(const cJSON *events, const char *type, const cJSON *value)
{
    const cJSON *event;
    const cJSON *digest;

    cJSON_ArrayForEach(event, events) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(event, "type_name");

        if (!cJSON_IsString(name) || strcmp(name->valuestring, type) != 0)
            continue;
        cJSON_ArrayForEach(digest, cJSON_GetObjectItemCaseSensitive(event, "digests")) {
            const cJSON *hex = cJSON_GetObjectItemCaseSensitive(digest, "digest");

            if (hex && fits(hex, value))
                return true;
        }
    }
    return false;
}

/* got is NULL for nothing, or for more than is of use. */
static coco_status
add_state(cJSON *list, const char *name, const char *claim, const char *state,
          const cJSON *expected, const cJSON *got, coco_error **err)
{
    cJSON *entry = NULL;

    coco_status status = begin_entry(list, name, "claim", claim, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "state", state, err);
    if (status == COCO_OK)
        status = expected ? coco_json_add_copy(entry, "expected", expected, err)
                          : coco_json_add_null(entry, "expected", err);
    if (status == COCO_OK)
        status = got ? coco_json_add_copy(entry, "got", got, err)
                     : coco_json_add_null(entry, "got", err);
    return status;
}

static coco_status
compare_value(cJSON *list, const struct coco_reference *value, const char *tee, const cJSON *claims,
              coco_error **err)
{
    const struct coco_reference_name *known = coco_reference_name_of(tee, value->name);
    const char *name = known ? known->claim : value->name;
    const cJSON *claim = coco_reference_claim(claims, name);
    bool same = false;

    if (!claim && coco_reference_name_is_foreign(tee, value->name))
        return COCO_OK;
    if (!claim)
        return add_state(list, value->name, name, "no-claim", value->value, NULL, err);
    if (known && known->event)
        same = has_event(claim, known->event, value->value);
    else if (known && known->least)
        same = is_at_least(claim, value->value);
    else
        same = fits(claim, value->value);
    return add_state(list, value->name, name, same ? "same" : "differs", value->value,
                     known && known->event ? NULL : claim, err);
}

/* Claims that the policy has a value asked for, and there is none. */
static coco_status
add_missing(cJSON *list, const coco_references *references, const char *tee, const cJSON *claims,
            coco_error **err)
{
    const struct coco_reference_name *known;
    coco_status status = COCO_OK;

    for (size_t i = 0; status == COCO_OK && (known = coco_reference_name_at(i)); i++) {
        const cJSON *claim = coco_reference_claim(claims, known->claim);

        if (strcmp(known->tee, tee) == 0 && known->asked && claim
            && !coco_references_find(references, known->name))
            status = add_state(list, known->name, known->claim, "no-value", NULL,
                               known->event ? NULL : claim, err);
    }
    return status;
}

coco_status
coco_references_compare(const coco_references *references, const char *tee, const char *claims,
                        coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *parsed = NULL;
    _cleanup_json_ cJSON *holder = NULL;
    cJSON *list = NULL;

    coco_status status = coco_json_parse_object(claims, strlen(claims), &parsed, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "claims");
    status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_array(holder, "list", &list, err);
    for (size_t i = 0; i < references->n && status == COCO_OK; i++)
        status = compare_value(list, &references->values[i], tee, parsed, err);
    if (status == COCO_OK)
        status = add_missing(list, references, tee, parsed, err);
    return status == COCO_OK ? write_list(list, ret, err) : status;
}
