/*
 * image/tarhead.c - one header block of a tar archive
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tarhead.h"

#include "base/fail.h"

#include <string.h>

/* A field: where it starts and how long it is. */
struct field {
    size_t at, len;
    const char *what;
};

static const struct field NAME = {0, 100, "name"};
static const struct field MODE = {100, 8, "mode"};
static const struct field UID = {108, 8, "uid"};
static const struct field GID = {116, 8, "gid"};
static const struct field SIZE = {124, 12, "size"};
static const struct field MTIME = {136, 12, "mtime"};
static const struct field CHECKSUM = {148, 8, "checksum"};
static const struct field LINK = {157, 100, "link name"};
static const struct field MAJOR = {329, 8, "major"};
static const struct field MINOR = {337, 8, "minor"};
static const struct field PREFIX = {345, 155, "prefix"};
/* star uses the end of the prefix for times and says so in the last bytes. */
static const struct field STAR_PREFIX = {345, 131, "prefix"};
static const struct field REAL_SIZE = {483, 12, "real size"};

#define TYPE_AT 156
#define MAGIC_AT 257
#define STAR_AT 508

/* A run of an old GNU sparse file: offset and length, 12 bytes each. */
#define RUN_SIZE ((size_t)24)
#define HEAD_RUNS_AT ((size_t)386)
#define HEAD_RUNS ((size_t)4)
#define HEAD_MORE_AT 482
#define MORE_RUNS ((size_t)21)
#define MORE_MORE_AT 504

/* Every bit a mode was ever written with: Go once put st_mode there whole. */
#define MODE_MAX 0177777

bool
coco_tarhead_is_zero(const uint8_t block[COCO_TAR_BLOCK])
{
    return block[0] == 0 && memcmp(block, block + 1, COCO_TAR_BLOCK - 1) == 0;
}

/* Two's complement, big-endian, with the first bit set (GNU tar manual, "Extensions"). */
static coco_status
parse_base256(const uint8_t *p, const struct field *field, int64_t *ret, coco_error **err)
{
    bool negative = p[0] & 0x40;
    uint64_t value = negative ? UINT64_MAX : 0;
    uint8_t fill = negative ? 0xff : 0;

    for (size_t i = 0; i < field->len; i++) {
        uint8_t byte = i > 0 ? p[i] : (uint8_t)(negative ? p[0] : p[0] & 0x7f);

        if ((uint8_t)(value >> 56) != fill)
            return coco_fail(err, COCO_ERR_PROTO, "%s does not fit", field->what);
        value = value << 8 | byte;
    }
    if (negative != (value >> 63 != 0))
        return coco_fail(err, COCO_ERR_PROTO, "%s does not fit", field->what);
    *ret = (int64_t)value;
    return COCO_OK;
}

/* Spaces, octal digits, then only spaces and NULs. No digit at all is 0, as everywhere. */
static coco_status
parse_number(const uint8_t *block, const struct field *field, int64_t *ret, coco_error **err)
{
    const uint8_t *p = block + field->at;
    const uint8_t *end = p + field->len;
    int64_t value = 0;

    if (*p & 0x80)
        return parse_base256(p, field, ret, err);
    while (p < end && *p == ' ')
        p++;
    for (; p < end && *p >= '0' && *p <= '7'; p++)
        value = value << 3 | (*p - '0'); /* at most 12 digits: 36 bits */
    for (; p < end; p++)
        if (*p != ' ' && *p != '\0')
            return coco_fail(err, COCO_ERR_PROTO, "%s is not a number", field->what);
    *ret = value;
    return COCO_OK;
}

static coco_status
parse_unsigned(const uint8_t *block, const struct field *field, uint64_t max, uint64_t *ret,
               coco_error **err)
{
    int64_t value = 0;

    coco_status status = parse_number(block, field, &value, err);
    if (status != COCO_OK)
        return status;
    if (value < 0 || (uint64_t)value > max)
        return coco_fail(err, COCO_ERR_PROTO, "%s is out of range", field->what);
    *ret = (uint64_t)value;
    return COCO_OK;
}

/* Text up to a NUL or the end of the field. What stands behind the NUL would be seen by some. */
static coco_status
parse_text(const uint8_t *block, const struct field *field, char *buf, coco_error **err)
{
    const uint8_t *p = block + field->at;
    size_t len = strnlen((const char *)p, field->len);

    for (size_t i = len; i < field->len; i++)
        if (p[i] != 0)
            return coco_fail(err, COCO_ERR_PROTO, "%s has bytes after its end", field->what);
    memcpy(buf, p, len);
    buf[len] = '\0';
    return COCO_OK;
}

/* The sum of all bytes, the field itself taken as spaces; of signed ones in archives of old. */
static coco_status
check_sum(const uint8_t *block, coco_error **err)
{
    uint64_t want = 0;
    uint64_t sum = 0;
    int64_t signed_sum = 0;

    coco_status status = parse_unsigned(block, &CHECKSUM, UINT32_MAX, &want, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < COCO_TAR_BLOCK; i++) {
        bool own = i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.len;

        sum += own ? ' ' : block[i];
        signed_sum += own ? ' ' : (int8_t)block[i];
    }
    if (want != sum && (int64_t)want != signed_sum)
        return coco_fail(err, COCO_ERR_PROTO, "wrong checksum");
    return COCO_OK;
}

static coco_status
parse_name(const uint8_t *block, const struct field *prefix, char *buf, coco_error **err)
{
    size_t at = 0;

    if (prefix) {
        coco_status status = parse_text(block, prefix, buf, err);
        if (status != COCO_OK)
            return status;
        at = strlen(buf);
    }
    if (at > 0)
        buf[at++] = '/';
    return parse_text(block, &NAME, buf + at, err);
}

/* POSIX, GNU (whose prefix is something else) or, without magic, neither. */
static coco_status
parse_format(const uint8_t *block, struct coco_tarhead *head, const struct field **prefix,
             coco_error **err)
{
    const uint8_t *magic = block + MAGIC_AT;

    *prefix = NULL;
    if (memcmp(magic, "ustar\00000", 8) == 0) {
        bool star = memcmp(block + STAR_AT, "tar\0", 4) == 0;
        *prefix = star ? &STAR_PREFIX : &PREFIX;
        return COCO_OK;
    }
    if (memcmp(magic, "ustar  \0", 8) == 0)
        return COCO_OK;
    if (memcmp(magic, "\0\0\0\0\0", 5) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "not a format of tar");
    head->old = true;
    return COCO_OK;
}

static coco_status
parse_device(const uint8_t *block, struct coco_tarhead *head, coco_error **err)
{
    uint64_t dev_major = 0;
    uint64_t dev_minor = 0;

    coco_status status = parse_unsigned(block, &MAJOR, UINT32_MAX, &dev_major, err);
    if (status == COCO_OK)
        status = parse_unsigned(block, &MINOR, UINT32_MAX, &dev_minor, err);
    if (status != COCO_OK)
        return status;
    head->dev_major = (uint32_t)dev_major;
    head->dev_minor = (uint32_t)dev_minor;
    return COCO_OK;
}

static coco_status
parse_numbers(const uint8_t *block, struct coco_tarhead *head, coco_error **err)
{
    uint64_t mode = 0;

    coco_status status = parse_unsigned(block, &MODE, MODE_MAX, &mode, err);
    if (status == COCO_OK)
        status = parse_unsigned(block, &UID, INT64_MAX, &head->uid, err);
    if (status == COCO_OK)
        status = parse_unsigned(block, &GID, INT64_MAX, &head->gid, err);
    if (status == COCO_OK)
        status = parse_unsigned(block, &SIZE, INT64_MAX, &head->size, err);
    if (status == COCO_OK)
        status = parse_number(block, &MTIME, &head->mtime, err);
    if (status != COCO_OK)
        return status;
    head->mode = (uint32_t)mode & 07777;
    return COCO_OK;
}

coco_status
coco_tarhead_parse(const uint8_t block[COCO_TAR_BLOCK], struct coco_tarhead *ret, coco_error **err)
{
    struct coco_tarhead head = {.type = (char)block[TYPE_AT]};
    const struct field *prefix;

    if (head.type == '\0')
        head.type = '0';
    coco_status status = check_sum(block, err);
    if (status == COCO_OK)
        status = parse_format(block, &head, &prefix, err);
    if (status == COCO_OK)
        status = parse_name(block, prefix, head.name, err);
    if (status == COCO_OK)
        status = parse_text(block, &LINK, head.link, err);
    if (status == COCO_OK)
        status = parse_numbers(block, &head, err);
    if (status == COCO_OK && (head.type == '3' || head.type == '4'))
        status = parse_device(block, &head, err);
    if (status != COCO_OK)
        return status;
    /* '0' and a slash at the end is a file to some and a directory to others. */
    head.old = head.old || block[TYPE_AT] == '\0';
    *ret = head;
    return COCO_OK;
}

/* Runs end at the first whose offset and length are blank. */
static coco_status
add_runs(const uint8_t *block, size_t at, size_t n, struct coco_sparse *sparse, coco_error **err)
{
    for (size_t i = 0; i < n; i++, at += RUN_SIZE) {
        const struct field offset_field = {at, RUN_SIZE / 2, "sparse offset"};
        const struct field len_field = {at + RUN_SIZE / 2, RUN_SIZE / 2, "sparse length"};
        uint64_t offset = 0;
        uint64_t len = 0;

        if (block[at] == 0)
            return COCO_OK;
        coco_status status = parse_unsigned(block, &offset_field, INT64_MAX, &offset, err);
        if (status == COCO_OK)
            status = parse_unsigned(block, &len_field, INT64_MAX, &len, err);
        if (status == COCO_OK)
            status = coco_sparse_add(sparse, offset, len, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

coco_status
coco_tarhead_sparse(const uint8_t block[COCO_TAR_BLOCK], struct coco_sparse *sparse,
                    uint64_t *real_size, bool *more, coco_error **err)
{
    uint64_t size = 0;

    if (memcmp(block + MAGIC_AT, "ustar  \0", 8) != 0)
        return coco_fail(err, COCO_ERR_PROTO, "a sparse file in a format without such");
    coco_status status = parse_unsigned(block, &REAL_SIZE, INT64_MAX, &size, err);
    if (status == COCO_OK)
        status = add_runs(block, HEAD_RUNS_AT, HEAD_RUNS, sparse, err);
    if (status != COCO_OK)
        return status;
    *real_size = size;
    *more = block[HEAD_MORE_AT] != 0;
    return COCO_OK;
}

coco_status
coco_tarhead_more_sparse(const uint8_t block[COCO_TAR_BLOCK], struct coco_sparse *sparse,
                         bool *more, coco_error **err)
{
    coco_status status = add_runs(block, 0, MORE_RUNS, sparse, err);
    if (status != COCO_OK)
        return status;
    *more = block[MORE_MORE_AT] != 0;
    return COCO_OK;
}
