/*
 * references/references.c - reference values, by name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "references/references.h"

#include "base/bytes.h"
#include "base/fail.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SECONDS_A_DAY 86400
#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */

/* ---- time ---- */

coco_status
coco_reference_time_format(int64_t time, char ret[COCO_REFERENCE_TIME_SIZE], coco_error **err)
{
    time_t seconds = (time_t)time;
    struct tm tm;

    if (time <= 0 || time > TIME_MAX || !gmtime_r(&seconds, &tm)
        || strftime(ret, COCO_REFERENCE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return coco_fail(err, COCO_ERR_INVALID, "%" PRId64 " is no time that a value can end",
                         time);
    return COCO_OK;
}

/* What formats to the same: strptime() takes a 31st of February, and spaces. */
coco_status
coco_reference_time_parse(const char *text, int64_t *ret, coco_error **err)
{
    char again[COCO_REFERENCE_TIME_SIZE];
    struct tm tm = {0};

    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (rest && *rest == '\0') {
        int64_t time = timegm(&tm);

        if (coco_reference_time_format(time, again, NULL) == COCO_OK && strcmp(again, text) == 0) {
            *ret = time;
            return COCO_OK;
        }
    }
    return coco_fail(err, COCO_ERR_PROTO, "'%.40s' is no time such as 2027-11-28T12:00:00Z", text);
}

/* ---- the set ---- */

coco_status
coco_references_new(coco_references **ret, coco_error **err)
{
    coco_references *references = calloc(1, sizeof(*references));

    if (!references)
        return coco_fail_nomem(err);
    *ret = references;
    return COCO_OK;
}

static void
done(struct coco_reference *value)
{
    coco_json_free(value->value);
    free(value->name);
    free(value->text);
}

void
coco_references_free(coco_references *references)
{
    if (!references)
        return;
    for (size_t i = 0; i < references->n; i++)
        done(&references->values[i]);
    free(references->values);
    free(references->signer);
    free(references);
}

struct coco_reference *
coco_references_find(const coco_references *references, const char *name)
{
    for (size_t i = 0; i < references->n; i++)
        if (strcmp(references->values[i].name, name) == 0)
            return &references->values[i];
    return NULL;
}

/*
 * Policies get all values as members of one object, and a reader takes no two whose names
 * are equal but for ASCII case (base/json.h).
 */
static coco_status
check_case(const coco_references *references, const char *name, coco_error **err)
{
    for (size_t i = 0; i < references->n; i++)
        if (strcasecmp(references->values[i].name, name) == 0)
            return coco_fail(err, COCO_ERR_INVALID, "'%.80s' is '%.80s' but for case", name,
                             references->values[i].name);
    return COCO_OK;
}

static coco_status
check_name(const char *name, coco_error **err)
{
    size_t len = strlen(name);

    if (len == 0 || len > COCO_REFERENCE_NAME_MAX || !coco_utf8_valid(name, len))
        return coco_fail(err, COCO_ERR_INVALID, "name of a value: 1 to %d bytes of UTF-8",
                         COCO_REFERENCE_NAME_MAX);
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return coco_fail(err, COCO_ERR_INVALID, "name of a value with control characters");
    return COCO_OK;
}

/* The text of value, which must not be null: policies get null for what is not there. */
static coco_status
write_value(const cJSON *value, char **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_REFERENCE_VALUE_MAX};

    if (cJSON_IsNull(value))
        return coco_fail(err, COCO_ERR_INVALID, "null is no value");
    coco_status status = coco_json_write(value, COCO_JSON_COMPACT, &text, err);
    if (status != COCO_OK)
        return status;
    *ret = (char *)coco_steal(&text.data);
    text.len = 0;
    return COCO_OK;
}

static coco_status
make_room(coco_references *references, coco_error **err)
{
    size_t room = references->room == 0 ? 16 : references->room * 2;

    if (references->n == COCO_REFERENCES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d values", COCO_REFERENCES_MAX);
    if (references->n < references->room)
        return COCO_OK;
    struct coco_reference *values = realloc(references->values, room * sizeof(*references->values));
    if (!values)
        return coco_fail_nomem(err);
    references->values = values;
    references->room = room;
    return COCO_OK;
}

/* Adds one of a name that is not there yet. */
static coco_status
insert(coco_references *references, const char *name, cJSON *value, int64_t expires,
       coco_error **err)
{
    _cleanup_json_ cJSON *taken = value;
    _cleanup_free_ char *text = NULL;
    _cleanup_free_ char *own_name = NULL;

    coco_status status = check_name(name, err);
    if (status == COCO_OK)
        status = check_case(references, name, err);
    if (status == COCO_OK)
        status = write_value(taken, &text, err);
    if (status == COCO_OK)
        status = make_room(references, err);
    if (status != COCO_OK)
        return status;
    own_name = strdup(name);
    if (!own_name)
        return coco_fail_nomem(err);
    references->values[references->n++] = (struct coco_reference){
        .name = coco_steal(&own_name),
        .value = coco_steal(&taken),
        .text = coco_steal(&text),
        .expires = expires,
    };
    return COCO_OK;
}

coco_status
coco_references_put(coco_references *references, const char *name, cJSON *value, int64_t expires,
                    coco_error **err)
{
    _cleanup_json_ cJSON *taken = value;

    if (coco_references_find(references, name))
        return coco_fail(err, COCO_ERR_PROTO, "two values called '%.80s'", name);
    return insert(references, name, coco_steal(&taken), expires, err);
}

static bool
has_item(const cJSON *list, const cJSON *item)
{
    const cJSON *other;

    cJSON_ArrayForEach(other, list)
        if (coco_json_equal(other, item))
            return true;
    return false;
}

/* Puts value, which is taken, in the place of what old has. */
static coco_status
exchange(struct coco_reference *old, cJSON *value, int64_t expires, coco_error **err)
{
    _cleanup_json_ cJSON *taken = value;
    char *text = NULL;

    coco_status status = write_value(taken, &text, err);
    if (status != COCO_OK)
        return status;
    coco_json_free(old->value);
    free(old->text);
    old->value = coco_steal(&taken);
    old->text = text;
    old->expires = expires;
    return COCO_OK;
}

/* The list of old with the items of more, or more itself, that it lacks. */
static coco_status
merge(const struct coco_reference *old, const cJSON *more, cJSON **ret, coco_error **err)
{
    const cJSON *item = cJSON_IsArray(more) ? more->child : more;
    _cleanup_json_ cJSON *holder = NULL;
    coco_status status = coco_json_new_object(&holder, err);

    if (status == COCO_OK)
        status = coco_json_add_copy(holder, "list", old->value, err);
    if (status != COCO_OK)
        return status;
    cJSON *list = holder->child;
    for (; item && status == COCO_OK; item = cJSON_IsArray(more) ? item->next : NULL)
        if (!has_item(list, item))
            status = coco_json_add_copy(list, NULL, item, err);
    if (status == COCO_OK)
        *ret = cJSON_DetachItemViaPointer(holder, list);
    return status;
}

coco_status
coco_references_append(coco_references *references, const char *name, cJSON *item, int64_t expires,
                       coco_error **err)
{
    struct coco_reference *old = coco_references_find(references, name);
    _cleanup_json_ cJSON *taken = item;
    _cleanup_json_ cJSON *holder = NULL;
    cJSON *list = NULL;

    if (old && !cJSON_IsArray(old->value))
        return coco_fail(err, COCO_ERR_PROTO, "two values called '%.80s'", name);
    if (old) {
        coco_status status = merge(old, taken, &list, err);
        return status == COCO_OK ? exchange(old, list, old->expires, err) : status;
    }
    coco_status status = coco_json_new_object(&holder, err);
    if (status == COCO_OK)
        status = coco_json_add_array(holder, "list", &list, err);
    if (status == COCO_OK)
        status = coco_json_add_item(list, NULL, coco_steal(&taken), err);
    if (status != COCO_OK)
        return status;
    return insert(references, name, cJSON_DetachItemViaPointer(holder, list), expires, err);
}

/* ---- for who owns them ---- */

static coco_status
add(coco_references *references, const char *name, cJSON *value, int64_t expires, bool replace,
    coco_error **err)
{
    struct coco_reference *old = coco_references_find(references, name);
    _cleanup_json_ cJSON *taken = value;
    cJSON *list = NULL;

    if (expires == 0)
        expires = old && old->expires != 0
                      ? old->expires
                      : (int64_t)time(NULL) + (int64_t)COCO_REFERENCES_DAYS * SECONDS_A_DAY;
    if (!old)
        return insert(references, name, coco_steal(&taken), expires, err);
    if (replace)
        return exchange(old, coco_steal(&taken), expires, err);
    if (cJSON_IsArray(old->value)) {
        coco_status status = merge(old, taken, &list, err);
        return status == COCO_OK ? exchange(old, list, expires, err) : status;
    }
    if (!coco_json_equal(old->value, taken))
        return coco_fail(err, COCO_ERR_INVALID,
                         "'%.80s' has another value, which is no list: replace it", name);
    old->expires = expires;
    return COCO_OK;
}

coco_status
coco_references_add(coco_references *references, const char *name, const char *value,
                    int64_t expires, bool replace, coco_error **err)
{
    char text[COCO_REFERENCE_TIME_SIZE];
    cJSON *parsed = NULL;

    coco_status status = expires == 0 ? COCO_OK : coco_reference_time_format(expires, text, err);
    if (status == COCO_OK && strlen(value) > COCO_REFERENCE_VALUE_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "value of %zu bytes", strlen(value));
    if (status == COCO_OK)
        status = coco_json_parse(value, strlen(value), &parsed, err);
    if (status == COCO_OK)
        status = add(references, name, parsed, expires, replace, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "reference value");
}

coco_status
coco_references_remove(coco_references *references, const char *name, coco_error **err)
{
    struct coco_reference *value = coco_references_find(references, name);

    if (!value)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no reference value '%.80s'", name);
    size_t at = (size_t)(value - references->values);
    done(value);
    references->n--;
    memmove(value, value + 1, (references->n - at) * sizeof(*value));
    return COCO_OK;
}

const char *
coco_references_name(const coco_references *references, size_t index)
{
    return index < references->n ? references->values[index].name : NULL;
}

const char *
coco_references_value(const coco_references *references, size_t index)
{
    return index < references->n ? references->values[index].text : NULL;
}

int64_t
coco_references_expires(const coco_references *references, size_t index)
{
    return index < references->n ? references->values[index].expires : 0;
}

const char *
coco_references_signer(const coco_references *references)
{
    return references->signer;
}

coco_status
coco_references_check(const coco_references *references, int64_t now, coco_error **err)
{
    char text[COCO_REFERENCE_TIME_SIZE];

    if (now < references->not_before)
        return coco_fail(err, COCO_ERR_VERIFY, "reference values that are not good yet");
    for (size_t i = 0; i < references->n; i++) {
        const struct coco_reference *value = &references->values[i];

        if (value->expires == 0 || now <= value->expires)
            continue;
        coco_status status = coco_reference_time_format(value->expires, text, err);
        return status == COCO_OK ? coco_fail(
                   err, COCO_ERR_VERIFY, "reference value '%.80s' ended at %s", value->name, text)
                                 : status;
    }
    return COCO_OK;
}
