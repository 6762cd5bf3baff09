/*
 * image/pax.c - extended headers of a tar archive
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/pax.h"

#include "base/fail.h"

#include <string.h>

#define XATTR_PREFIX "SCHILY.xattr."
#define SPARSE_PREFIX "GNU.sparse."
#define NANOS_DIGITS 9

static const struct {
    const char *key;
    bool global; /* may stand in a global header */
} keys[] = {
    [COCO_PAX_PATH] = {"path", false},
    [COCO_PAX_LINKPATH] = {"linkpath", false},
    [COCO_PAX_SIZE] = {"size", false},
    [COCO_PAX_UID] = {"uid", true},
    [COCO_PAX_GID] = {"gid", true},
    [COCO_PAX_MTIME] = {"mtime", true},
    [COCO_PAX_ATIME] = {"atime", true},
    [COCO_PAX_SPARSE_MAJOR] = {"GNU.sparse.major", false},
    [COCO_PAX_SPARSE_MINOR] = {"GNU.sparse.minor", false},
    [COCO_PAX_SPARSE_NAME] = {"GNU.sparse.name", false},
    [COCO_PAX_SPARSE_REALSIZE] = {"GNU.sparse.realsize", false},
    [COCO_PAX_SPARSE_NUMBLOCKS] = {"GNU.sparse.numblocks", false},
    [COCO_PAX_SPARSE_MAP] = {"GNU.sparse.map", false},
};

/* One record, "<length> <key>=<value>\n", taken apart. */
struct record {
    char *key;
    char *value;
    size_t len; /* of value */
};

void
coco_pax_done(struct coco_pax *pax)
{
    coco_sparse_done(&pax->sparse);
    *pax = (struct coco_pax){0};
}

/* Reads digits up to the byte stop and leaves *p behind it. */
static coco_status
parse_digits(const char **p, char stop, uint64_t *ret, coco_error **err)
{
    const char *digit = *p;
    uint64_t value = 0;

    for (; *digit >= '0' && *digit <= '9'; digit++) {
        uint64_t next = (uint64_t)(*digit - '0');

        if (value > (INT64_MAX - next) / 10)
            return coco_fail(err, COCO_ERR_PROTO, "a number does not fit");
        value = value * 10 + next;
    }
    if (digit == *p || *digit != stop || (**p == '0' && digit - *p > 1))
        return coco_fail(err, COCO_ERR_PROTO, "not a decimal number");
    *p = stop == '\0' ? digit : digit + 1;
    *ret = value;
    return COCO_OK;
}

coco_status
coco_pax_u64(const char *text, uint64_t *ret, coco_error **err)
{
    return parse_digits(&text, '\0', ret, err);
}

static coco_status
parse_fraction(const char *text, long *ret, coco_error **err)
{
    size_t digits = strspn(text, "0123456789");
    long nanos = 0;

    if (text[digits] != '\0')
        return coco_fail(err, COCO_ERR_PROTO, "not a time");
    for (size_t i = 0; i < NANOS_DIGITS; i++)
        nanos = nanos * 10 + (i < digits ? text[i] - '0' : 0);
    *ret = nanos;
    return COCO_OK;
}

coco_status
coco_pax_time(const char *text, struct timespec *ret, coco_error **err)
{
    bool negative = *text == '-';
    const char *digits = text + (negative ? 1 : 0);
    const char *dot = strchr(digits, '.');
    long nanos = 0;
    int64_t seconds = 0;

    if (strspn(digits, "0123456789") == 0)
        return coco_fail(err, COCO_ERR_PROTO, "not a time");
    for (const char *p = digits; *p != '\0' && p != dot; p++) {
        if (*p < '0' || *p > '9')
            return coco_fail(err, COCO_ERR_PROTO, "not a time");
        if (seconds > (INT64_MAX - 9) / 10)
            return coco_fail(err, COCO_ERR_PROTO, "a time does not fit");
        seconds = seconds * 10 + (*p - '0');
    }
    if (dot) {
        coco_status status = parse_fraction(dot + 1, &nanos, err);
        if (status != COCO_OK)
            return status;
    }
    /* -1.25 is 0.75 after -2. */
    if (negative)
        seconds = nanos > 0 ? -seconds - 1 : -seconds;
    if (negative && nanos > 0)
        nanos = 1000000000L - nanos;
    *ret = (struct timespec){.tv_sec = seconds, .tv_nsec = nanos};
    return COCO_OK;
}

coco_status
coco_pax_sparse_map(const char *text, struct coco_sparse *sparse, coco_error **err)
{
    while (*text != '\0') {
        uint64_t offset;
        uint64_t len;

        coco_status status = parse_digits(&text, ',', &offset, err);
        bool last = status == COCO_OK && !strchr(text, ',');
        if (status == COCO_OK)
            status = parse_digits(&text, last ? '\0' : ',', &len, err);
        if (status == COCO_OK && !last && *text == '\0')
            status = coco_fail(err, COCO_ERR_PROTO, "ends in a comma");
        if (status == COCO_OK)
            status = coco_sparse_add(sparse, offset, len, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "sparse map");
    }
    return COCO_OK;
}

/* Takes the record at text apart; *left is what follows it. */
static coco_status
parse_record(char *text, size_t room, struct record *ret, size_t *used, coco_error **err)
{
    const char *p = text;
    uint64_t len;

    coco_status status = parse_digits(&p, ' ', &len, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "length of a record");
    size_t head = (size_t)(p - text);
    if (len > room || len <= head || text[len - 1] != '\n')
        return coco_fail(err, COCO_ERR_PROTO, "length of a record is wrong");

    char *key = text + head;
    char *equals = memchr(key, '=', len - head - 1);
    if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
        return coco_fail(err, COCO_ERR_PROTO, "a record without a key");
    *equals = '\0';
    text[len - 1] = '\0';
    *ret = (struct record){
        .key = key,
        .value = equals + 1,
        .len = (size_t)(text + len - 1 - (equals + 1)),
    };
    *used = len;
    return COCO_OK;
}

static coco_status
add_xattr(struct coco_pax *pax, const struct record *record, coco_error **err)
{
    const char *name = record->key + strlen(XATTR_PREFIX);

    if (*name == '\0')
        return coco_fail(err, COCO_ERR_PROTO, "an extended attribute without a name");
    if (record->len == 0)
        return COCO_OK; /* POSIX: an empty value takes the record back */
    for (size_t i = 0; i < pax->n_xattrs; i++)
        if (strcmp(pax->xattrs[i].name, name) == 0)
            return coco_fail(err, COCO_ERR_PROTO, "an extended attribute stands there twice");
    if (pax->n_xattrs == COCO_PAX_XATTRS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %zu extended attributes",
                         COCO_PAX_XATTRS_MAX);
    pax->xattrs[pax->n_xattrs++] = (struct coco_xattr){
        .name = name,
        .value = (const uint8_t *)record->value,
        .len = record->len,
    };
    return COCO_OK;
}

/* Format 0.0 has a pair of records, offset and numbytes, for each run. */
static coco_status
add_sparse(struct coco_pax *pax, const struct record *record, coco_error **err)
{
    struct coco_sparse *sparse = &pax->sparse;
    bool is_len = strcmp(record->key, SPARSE_PREFIX "numbytes") == 0;
    uint64_t value;

    coco_status status = coco_pax_u64(record->value, &value, err);
    if (status != COCO_OK)
        return status;
    /* While an offset waits for its length, used is 1. */
    if (is_len != (sparse->used == 1))
        return coco_fail(err, COCO_ERR_PROTO, "sparse records are not in pairs");
    if (!is_len) {
        status = coco_sparse_add(sparse, value, 0, err);
        if (status != COCO_OK)
            return status;
    } else if (value > INT64_MAX - sparse->runs[sparse->n - 1].offset) {
        return coco_fail(err, COCO_ERR_PROTO, "a sparse run does not fit");
    } else {
        sparse->runs[sparse->n - 1].len = value;
    }
    sparse->used = is_len ? 0 : 1;
    return COCO_OK;
}

/* POSIX: names are UTF-8, or the writer's own bytes. Both are taken as they are. */
static coco_status
check_charset(const char *value, coco_error **err)
{
    if (strcmp(value, "BINARY") != 0 && strcmp(value, "ISO-IR 10646 2000 UTF-8") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "another character set than UTF-8");
    return COCO_OK;
}

static coco_status
set_value(struct coco_pax *pax, enum coco_pax_key key, const char *value, coco_error **err)
{
    /* POSIX lets the last one win; readers differ, so there must be one. */
    if (pax->values[key])
        return coco_fail(err, COCO_ERR_PROTO, "'%s' stands there twice", keys[key].key);
    pax->values[key] = value;
    return COCO_OK;
}

static coco_status
add_known(struct coco_pax *pax, enum coco_pax_key key, const struct record *record, bool global,
          coco_error **err)
{
    if (global && !keys[key].global)
        return coco_fail(err, COCO_ERR_PROTO, "'%s' for all entries", keys[key].key);
    if (strlen(record->value) != record->len)
        return coco_fail(err, COCO_ERR_PROTO, "'%s' with a NUL", keys[key].key);
    return set_value(pax, key, record->value, err);
}

/* The sparse keys that have no value of their own in coco_pax. */
static coco_status
add_sparse_record(struct coco_pax *pax, const struct record *record, bool global, coco_error **err)
{
    const char *key = record->key + strlen(SPARSE_PREFIX);

    if (strcmp(key, "size") == 0)
        return add_known(pax, COCO_PAX_SPARSE_REALSIZE, record, global, err);
    if (global || strlen(record->value) != record->len)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse record that is wrong");
    if (strcmp(key, "offset") != 0 && strcmp(key, "numbytes") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "an unknown kind of sparse file");
    return add_sparse(pax, record, err);
}

/* Keys that nothing here depends on are passed over, as POSIX wants it. */
static coco_status
add_record(struct coco_pax *pax, const struct record *record, bool global, coco_error **err)
{
    for (size_t i = 0; i < COCO_PAX_N_KEYS; i++)
        if (strcmp(record->key, keys[i].key) == 0)
            return add_known(pax, (enum coco_pax_key)i, record, global, err);

    if (strncmp(record->key, SPARSE_PREFIX, strlen(SPARSE_PREFIX)) == 0)
        return add_sparse_record(pax, record, global, err);
    if (strncmp(record->key, XATTR_PREFIX, strlen(XATTR_PREFIX)) == 0)
        return global ? coco_fail(err, COCO_ERR_PROTO, "an extended attribute for all entries")
                      : add_xattr(pax, record, err);
    if (strcmp(record->key, "hdrcharset") == 0)
        return check_charset(record->value, err);
    if (strcmp(record->key, "SCHILY.realsize") == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "a sparse file of star");
    return COCO_OK;
}

coco_status
coco_pax_parse(char *text, size_t len, bool global, struct coco_pax *ret, coco_error **err)
{
    while (len > 0) {
        struct record record = {0};
        size_t used = 0;

        coco_status status = parse_record(text, len, &record, &used, err);
        if (status == COCO_OK)
            status = add_record(ret, &record, global, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "extended header");
        text += used;
        len -= used;
    }
    if (ret->sparse.used != 0)
        return coco_fail(err, COCO_ERR_PROTO, "extended header: a sparse run without its length");
    return COCO_OK;
}
