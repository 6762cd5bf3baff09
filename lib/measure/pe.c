/*
 * measure/pe.c - programs of UEFI, and what is measured of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/pe.h"

#include "base/buf.h"
#include "base/fail.h"
#include "base/reader.h"

#include <string.h>

#define DOS_SIZE 64
#define PE_AT 0x3c /* where it says where the other header is */
#define PE_MAGIC 0x00004550U
#define COFF_SIZE 20
#define PE32 0x10b
#define PE32_PLUS 0x20b
#define HEADERS_SIZE_AT 60 /* in the optional header, as what follows */
#define CHECKSUM_AT 64
#define DIRECTORIES_AT 92        /* their number; with PE32+ 16 later */
#define CERTIFICATES ((size_t)4) /* index of the directory of signatures */
#define SECTION_SIZE 40

struct range {
    uint32_t at;
    uint32_t len;
};

struct image {
    const uint8_t *data;
    size_t len;
    size_t checksum;                             /* where in the file */
    size_t directory;                            /* of signatures; 0 if there is none */
    uint32_t headers;                            /* bytes of all headers */
    uint32_t signatures;                         /* bytes behind everything else */
    struct range sections[COCO_PE_SECTIONS_MAX]; /* in the order of the file */
    size_t n;
};

static coco_status
not_pe(coco_error **err, const char *what)
{
    return coco_fail(err, COCO_ERR_PROTO, "program of UEFI: %s", what);
}

/* ---- headers ---- */

static coco_status
read_sections(struct coco_reader *r, size_t n, struct image *image, coco_error **err)
{
    if (n > COCO_PE_SECTIONS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "program of UEFI: %zu sections", n);
    for (size_t i = 0; i < n; i++) {
        coco_read_skip(r, 16);
        struct range range = {.len = coco_read_u32le(r)};
        range.at = coco_read_u32le(r);
        coco_read_skip(r, 16);
        if (range.len == 0)
            continue;
        size_t place = image->n++;
        for (; place > 0 && image->sections[place - 1].at > range.at; place--)
            image->sections[place] = image->sections[place - 1];
        image->sections[place] = range;
    }
    return coco_reader_check(r, "program of UEFI", err);
}

static coco_status
read_optional(struct coco_reader *r, size_t size, struct image *image, coco_error **err)
{
    size_t at = r->at;
    struct coco_reader part = coco_read_part(r, size);
    uint16_t magic = coco_read_u16le(&part);
    size_t wide = magic == PE32_PLUS ? 16 : 0;

    if (magic != PE32 && magic != PE32_PLUS)
        return not_pe(err, "neither PE32 nor PE32+");
    coco_read_skip(&part, HEADERS_SIZE_AT - 2);
    image->headers = coco_read_u32le(&part);
    image->checksum = at + CHECKSUM_AT;
    coco_read_skip(&part, DIRECTORIES_AT + wide - CHECKSUM_AT);
    uint32_t directories = coco_read_u32le(&part);
    if (directories > CERTIFICATES) {
        image->directory = at + DIRECTORIES_AT + wide + 4 + CERTIFICATES * 8;
        coco_read_skip(&part, CERTIFICATES * 8 + 4);
        image->signatures = coco_read_u32le(&part);
    }
    return coco_reader_check(&part, "program of UEFI: optional header", err);
}

static coco_status
read_image(const void *data, size_t len, struct image *ret, coco_error **err)
{
    struct image image = {.data = data, .len = len};
    struct coco_reader dos = coco_reader_of(data, len);
    struct coco_reader r = coco_reader_of(data, len);

    coco_read_skip(&dos, PE_AT);
    coco_read_skip(&r, coco_read_u32le(&dos));
    if (len < DOS_SIZE || memcmp(data, "MZ", 2) != 0 || coco_read_u32le(&r) != PE_MAGIC)
        return not_pe(err, "no header of one");
    coco_read_skip(&r, 2);
    size_t sections = coco_read_u16le(&r);
    coco_read_skip(&r, 12);
    size_t optional = coco_read_u16le(&r);
    coco_read_skip(&r, 2);
    coco_status status = read_optional(&r, optional, &image, err);
    if (status == COCO_OK)
        status = read_sections(&r, sections, &image, err);
    if (status != COCO_OK)
        return status;
    size_t fields = image.directory != 0 ? image.directory + 8 : image.checksum + 4;
    if (image.headers > len || image.headers < fields || image.headers < r.at)
        return not_pe(err, "its headers are not where it says");
    *ret = image;
    return COCO_OK;
}

/* ---- the digest ---- */

static coco_status
add_headers(const struct image *image, struct coco_buf *buf, coco_error **err)
{
    size_t from = image->checksum + 4;

    coco_status status = coco_buf_append(buf, image->data, image->checksum, err);
    if (status == COCO_OK && image->directory != 0) {
        status = coco_buf_append(buf, image->data + from, image->directory - from, err);
        from = image->directory + 8;
    }
    if (status == COCO_OK)
        status = coco_buf_append(buf, image->data + from, image->headers - from, err);
    return status;
}

/* Sections, and what is behind them and no signature. */
static coco_status
add_rest(const struct image *image, struct coco_buf *buf, coco_error **err)
{
    size_t end = image->headers;
    coco_status status = COCO_OK;

    for (size_t i = 0; i < image->n && status == COCO_OK; i++) {
        const struct range *section = &image->sections[i];

        /* Where sections overlap or leave holes, edk2 and others disagree. */
        if (section->at != end || section->len > image->len - end)
            return not_pe(err, "its sections do not follow one another");
        status = coco_buf_append(buf, image->data + end, section->len, err);
        end += section->len;
    }
    if (status == COCO_OK && image->signatures > image->len - end)
        return not_pe(err, "its signatures are not behind its sections");
    if (status == COCO_OK)
        status = coco_buf_append(buf, image->data + end, image->len - end - image->signatures, err);
    return status;
}

coco_status
coco_pe_digest(uint16_t alg, const void *data, size_t len, uint8_t *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = len};
    struct image image = {0};

    coco_status status = read_image(data, len, &image, err);
    if (status == COCO_OK)
        status = add_headers(&image, &buf, err);
    if (status == COCO_OK)
        status = add_rest(&image, &buf, err);
    return status == COCO_OK ? coco_tcg_hash(alg, buf.data, buf.len, ret, err) : status;
}
