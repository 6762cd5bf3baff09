/*
 * image/tarfile.c - writing a tar file
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tarfile.h"

#include "base/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)512)
#define NAME_SIZE ((size_t)100)
#define SIZE_LIMIT ((uint64_t)1 << 33) /* 11 octal digits */
/* Two records: "<length> path=<name>\n" and "<length> size=<number>\n". */
#define TEXT_SIZE (COCO_TARFILE_NAME_MAX + 64)

_Static_assert(TEXT_SIZE < BLOCK, "an extended header has one block of text");

/* POSIX.1-2017 pax, "ustar Interchange Format"; all numbers are octal text. */
struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[8];
    char user[32];
    char group[32];
    char dev_major[8];
    char dev_minor[8];
    char prefix[155];
    char rest[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

static coco_status
write_at(int fd, uint64_t at, const void *data, size_t len, coco_error **err)
{
    const uint8_t *p = data;

    while (len > 0) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return coco_fail_errno(err, errno, "write");
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return COCO_OK;
}

/* What does not fit in the fields is cut: an extended header tells it then. */
static void
fill_header(struct header *header, char type, const char *name, uint64_t size)
{
    const uint8_t *bytes = (const uint8_t *)header;
    char text[2 + 12];
    unsigned sum = 0;

    *header = (struct header){.type = type};
    memcpy(header->name, name, strnlen(name, NAME_SIZE));
    memcpy(header->mode, "0000644", 7);
    memcpy(header->uid, "0000000", 7);
    memcpy(header->gid, "0000000", 7);
    (void)snprintf(text, sizeof(text), "%011" PRIo64, size < SIZE_LIMIT ? size : 0);
    memcpy(header->size, text, 11);
    memcpy(header->mtime, "00000000000", 11);
    memset(header->checksum, ' ', sizeof(header->checksum));
    memcpy(header->magic, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += bytes[i];
    (void)snprintf(text, sizeof(text), "%06o", sum);
    memcpy(header->checksum, text, 7); /* with its NUL; a space follows */
}

/* A record states its own length, digits included (POSIX.1-2017 pax, "pax Extended Header"). */
static size_t
add_record(char *text, size_t at, const char *key, const char *value)
{
    size_t rest = strlen(" =\n") + strlen(key) + strlen(value);
    size_t len = rest + 1;

    while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
        len++;
    return at + (size_t)snprintf(text + at, TEXT_SIZE - at, "%zu %s=%s\n", len, key, value);
}

/* Up to the next block. */
static coco_status
pad(struct coco_tarfile *file, coco_error **err)
{
    static const uint8_t zeros[BLOCK];

    return coco_tarfile_write(file, zeros, (size_t)(-file->at % BLOCK), err);
}

void
coco_tarfile_begin(struct coco_tarfile *file, uint64_t *head)
{
    *head = file->at;
    file->at += COCO_TARFILE_HEAD_SIZE;
}

coco_status
coco_tarfile_write(struct coco_tarfile *file, const void *data, size_t len, coco_error **err)
{
    coco_status status = write_at(file->fd, file->at, data, len, err);

    if (status == COCO_OK)
        file->at += len;
    return status;
}

coco_status
coco_tarfile_finish(struct coco_tarfile *file, uint64_t head, uint64_t *size, coco_error **err)
{
    uint64_t end = file->at;

    coco_status status = pad(file, err);
    if (status == COCO_OK)
        *size = end - head - COCO_TARFILE_HEAD_SIZE;
    return status;
}

coco_status
coco_tarfile_name(const struct coco_tarfile *file, uint64_t head, const char *name, uint64_t size,
                  coco_error **err)
{
    struct {
        struct header extended;
        char text[BLOCK];
        struct header header;
    } blocks = {0};
    char number[32];
    size_t len = 0;

    if (strlen(name) > COCO_TARFILE_NAME_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "a name of more than %zu bytes",
                         COCO_TARFILE_NAME_MAX);
    if (strlen(name) > NAME_SIZE)
        len = add_record(blocks.text, len, "path", name);
    (void)snprintf(number, sizeof(number), "%" PRIu64, size);
    len = add_record(blocks.text, len, "size", number);
    fill_header(&blocks.extended, 'x', "pax_header", len);
    fill_header(&blocks.header, '0', name, size);
    return write_at(file->fd, head, &blocks, sizeof(blocks), err);
}

coco_status
coco_tarfile_drop(struct coco_tarfile *file, uint64_t head, coco_error **err)
{
    if (ftruncate(file->fd, (off_t)head) < 0)
        return coco_fail_errno(err, errno, "truncate");
    file->at = head;
    return COCO_OK;
}

coco_status
coco_tarfile_add(struct coco_tarfile *file, const char *name, const void *data, size_t len,
                 coco_error **err)
{
    uint64_t head = 0;
    uint64_t size = 0;

    coco_tarfile_begin(file, &head);
    coco_status status = coco_tarfile_write(file, data, len, err);
    if (status == COCO_OK)
        status = coco_tarfile_finish(file, head, &size, err);
    if (status == COCO_OK)
        status = coco_tarfile_name(file, head, name, size, err);
    return status;
}

coco_status
coco_tarfile_end(struct coco_tarfile *file, coco_error **err)
{
    static const uint8_t zeros[2 * BLOCK];

    return coco_tarfile_write(file, zeros, sizeof(zeros), err);
}
