/*
 * base/json_get.c - members of what was read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include "base/base64.h"
#include "base/fail.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Longer names are not compared for likeness. */
#define SIMILAR_MAX 63
/* As many slips of a finger are taken for a misspelling. */
#define SLIPS_MAX 2
#define POINTER_PART_MAX 255

/* The member, or NULL if it is missing. */
static const cJSON *
find(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The member, or NULL if it is missing or null. */
static const cJSON *
find_value(const cJSON *object, const char *name)
{
    const cJSON *item = find(object, name);

    return cJSON_IsNull(item) ? NULL : item;
}

typedef cJSON_bool is_type(const cJSON *);

static coco_status
get_opt(const cJSON *object, const char *name, is_type *is, const char *type, const cJSON **ret,
        coco_error **err)
{
    const cJSON *item = find_value(object, name);

    if (item && !is(item))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is not %s", name, type);
    *ret = item;
    return COCO_OK;
}

static coco_status
get(const cJSON *object, const char *name, is_type *is, const char *type, const cJSON **ret,
    coco_error **err)
{
    const cJSON *item = find_value(object, name);

    if (!item)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is missing", name);
    if (!is(item))
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is not %s", name, type);
    *ret = item;
    return COCO_OK;
}

coco_status
coco_json_get_string(const cJSON *object, const char *name, const char **ret, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = get(object, name, cJSON_IsString, "a string", &item, err);
    if (status == COCO_OK)
        *ret = item->valuestring;
    return status;
}

coco_status
coco_json_get_string_opt(const cJSON *object, const char *name, const char **ret, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = get_opt(object, name, cJSON_IsString, "a string", &item, err);
    if (status == COCO_OK)
        *ret = item ? item->valuestring : NULL;
    return status;
}

coco_status
coco_json_get_base64(const cJSON *object, const char *name, void *bytes, size_t size,
                     coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_JSON_SIZE_MAX};
    const char *text = NULL;

    coco_status status = coco_json_get_string(object, name, &text, err);
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, text, strlen(text), &buf, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "member '%s'", name);
    if (buf.len != size)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' has %zu bytes, not %zu", name, buf.len,
                         size);
    if (size > 0)
        memcpy(bytes, buf.data, size);
    return COCO_OK;
}

coco_status
coco_json_get_object(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    return get(object, name, cJSON_IsObject, "an object", ret, err);
}

coco_status
coco_json_get_object_opt(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    return get_opt(object, name, cJSON_IsObject, "an object", ret, err);
}

coco_status
coco_json_get_array(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    return get(object, name, cJSON_IsArray, "an array", ret, err);
}

coco_status
coco_json_get_array_opt(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    return get_opt(object, name, cJSON_IsArray, "an array", ret, err);
}

coco_status
coco_json_get_list(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = coco_json_get_any(object, name, &item, err);
    if (status == COCO_OK && !cJSON_IsNull(item))
        status = coco_json_get_array(object, name, &item, err);
    if (status == COCO_OK)
        *ret = item;
    return status;
}

coco_status
coco_json_get_u64(const cJSON *object, const char *name, uint64_t *ret, coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = get(object, name, cJSON_IsNumber, "a number", &item, err);
    if (status != COCO_OK)
        return status;
    status = coco_json_u64(item, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "member '%s'", name);
}

coco_status
coco_json_get_u64_opt(const cJSON *object, const char *name, uint64_t fallback, uint64_t *ret,
                      coco_error **err)
{
    if (find_value(object, name))
        return coco_json_get_u64(object, name, ret, err);
    *ret = fallback;
    return COCO_OK;
}

coco_status
coco_json_get_bool_opt(const cJSON *object, const char *name, bool fallback, bool *ret,
                       coco_error **err)
{
    const cJSON *item = NULL;

    coco_status status = get_opt(object, name, cJSON_IsBool, "true or false", &item, err);
    if (status == COCO_OK)
        *ret = item ? cJSON_IsTrue(item) : fallback;
    return status;
}

coco_status
coco_json_get_any(const cJSON *object, const char *name, const cJSON **ret, coco_error **err)
{
    const cJSON *item = find(object, name);

    if (!item)
        return coco_fail(err, COCO_ERR_PROTO, "member '%s' is missing", name);
    *ret = item;
    return COCO_OK;
}

/* Reads digits up to the end of text; false if there is anything else, or too much of them. */
static bool
parse_digits(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

/* The text of a number, "" for what is none: that parses as nothing. */
static const char *
text_of(const cJSON *number)
{
    return number && cJSON_IsNumber(number) && number->valuestring ? number->valuestring : "";
}

coco_status
coco_json_u64(const cJSON *number, uint64_t *ret, coco_error **err)
{
    if (!parse_digits(text_of(number), UINT64_MAX, ret))
        return coco_fail(err, COCO_ERR_PROTO, "'%.40s' is not an integer from 0 to 2^64-1",
                         text_of(number));
    return COCO_OK;
}

static bool
parse_i64(const char *text, int64_t *ret)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;

    if (!parse_digits(text + negative, (uint64_t)INT64_MAX + negative, &value))
        return false;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

coco_status
coco_json_i64(const cJSON *number, int64_t *ret, coco_error **err)
{
    const char *text = text_of(number);

    if (!parse_i64(text, ret))
        return coco_fail(err, COCO_ERR_PROTO, "'%.40s' is not an integer from -2^63 to 2^63-1",
                         text);
    return COCO_OK;
}

coco_status
coco_json_seconds(const cJSON *number, int64_t *ret, coco_error **err)
{
    const char *text = text_of(number);
    size_t len = strcspn(text, ".");
    char whole[sizeof("-9223372036854775808")];

    bool fits = len < sizeof(whole) && !strpbrk(text, "eE");
    if (fits) {
        memcpy(whole, text, len);
        whole[len] = '\0';
        fits = parse_i64(whole, ret);
    }
    return fits ? COCO_OK : coco_fail(err, COCO_ERR_PROTO, "'%.40s' is no number of seconds", text);
}

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Characters to insert, drop or change to make a of b (Levenshtein); a large number for long names.
 */
static size_t
slips_between(const char *a, const char *b)
{
    size_t row[SIMILAR_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    if (a_len > SIMILAR_MAX || b_len > SIMILAR_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

static coco_status
refuse_member(const char *name, const char *const *names, coco_error **err)
{
    const char *nearest = NULL;
    size_t least = SLIPS_MAX + 1;

    for (; *names; names++) {
        size_t slips = slips_between(name, *names);
        if (slips < least && slips < strlen(*names)) {
            least = slips;
            nearest = *names;
        }
    }
    if (nearest)
        return coco_fail(err, COCO_ERR_PROTO, "unknown member '%.100s', did you mean '%s'?", name,
                         nearest);
    return coco_fail(err, COCO_ERR_PROTO, "unknown member '%.100s'", name);
}

static bool
is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

coco_status
coco_json_check_members(const cJSON *object, const char *const *names, coco_error **err)
{
    const cJSON *item = NULL;

    if (!cJSON_IsObject(object))
        return coco_fail(err, COCO_ERR_PROTO, "not an object");
    cJSON_ArrayForEach(item, object) {
        if (!is_one_of(item->string, names))
            return refuse_member(item->string, names, err);
    }
    return COCO_OK;
}

static bool
same_members(const cJSON *a, const cJSON *b)
{
    const cJSON *item = NULL;

    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
        return false;
    cJSON_ArrayForEach(item, a) {
        const cJSON *other = cJSON_GetObjectItemCaseSensitive(b, item->string);

        if (!other || !coco_json_equal(item, other))
            return false;
    }
    return true;
}

static bool
same_items(const cJSON *a, const cJSON *b)
{
    a = a->child;
    b = b->child;
    for (; a && b; a = a->next, b = b->next)
        if (!coco_json_equal(a, b))
            return false;
    return a == b; /* both at the end */
}

bool
coco_json_equal(const cJSON *a, const cJSON *b)
{
    if (!a || !b || (a->type & 0xff) != (b->type & 0xff))
        return false;
    if (cJSON_IsObject(a))
        return same_members(a, b);
    if (cJSON_IsArray(a))
        return same_items(a, b);
    if (cJSON_IsString(a) || cJSON_IsNumber(a) || cJSON_IsRaw(a))
        return a->valuestring && b->valuestring && strcmp(a->valuestring, b->valuestring) == 0;
    return true;
}

/* Copies the next part of a pointer, unescaped; NULL if it does not fit. */
static const char *
next_part(const char *pointer, char part[POINTER_PART_MAX + 1])
{
    size_t len = 0;

    while (*pointer != '\0' && *pointer != '/') {
        char c = *pointer++;
        if (c == '~' && (*pointer == '0' || *pointer == '1'))
            c = *pointer++ == '0' ? '~' : '/';
        if (len == POINTER_PART_MAX)
            return NULL;
        part[len++] = c;
    }
    part[len] = '\0';
    return pointer;
}

const cJSON *
coco_json_at(const cJSON *from, const char *pointer)
{
    char part[POINTER_PART_MAX + 1];

    while (from && pointer && *pointer == '/') {
        pointer = next_part(pointer + 1, part);
        from = cJSON_IsObject(from) ? find(from, part) : NULL;
    }
    return pointer && *pointer == '\0' ? from : NULL;
}
