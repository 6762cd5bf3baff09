/*
 * base/reader.h - binary formats from outside, field by field
 *
 * One reader for all of them, so that there is one place where a length is
 * compared with what is there. Reading past the end gives zeros and is
 * remembered: a format is read from top to bottom as its specification has it,
 * and asked once whether it was all there.
 *
 *     struct coco_reader r = coco_reader_of(data, len);
 *     uint16_t version = coco_read_u16le(&r);
 *     ...
 *     return coco_reader_check(&r, "quote", err);
 *
 * What decides how much is read next must be checked before it is used: after a
 * read past the end it is zero.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_READER_H
#define COCO_BASE_READER_H

#include <coco/error.h>

struct coco_reader {
    const uint8_t *data; /* what is left */
    size_t len;
    size_t at;      /* bytes read so far, for messages */
    bool exhausted; /* more was asked for than there was; nothing is left */
};

struct coco_reader coco_reader_of(const void *data, size_t len);

uint8_t coco_read_u8(struct coco_reader *r);
uint16_t coco_read_u16le(struct coco_reader *r);
uint32_t coco_read_u32le(struct coco_reader *r);
uint64_t coco_read_u64le(struct coco_reader *r);
uint16_t coco_read_u16be(struct coco_reader *r);
uint32_t coco_read_u32be(struct coco_reader *r);
uint64_t coco_read_u64be(struct coco_reader *r);

/* Copies n bytes to ret, or zeros. */
void coco_read_bytes(struct coco_reader *r, void *ret, size_t n);

/* Lends the next n bytes; NULL if there are less. n may be 0. */
const uint8_t *coco_read_piece(struct coco_reader *r, size_t n);

/* A reader of the next n bytes alone; one that is exhausted if there are less. */
struct coco_reader coco_read_part(struct coco_reader *r, size_t n);

void coco_read_skip(struct coco_reader *r, size_t n);

/* Passes over n bytes and says whether they all were zero; false if there are less. */
bool coco_read_zeros(struct coco_reader *r, size_t n);

/* COCO_ERR_PROTO, "what: ends after N bytes", if more was read than there was. */
coco_status coco_reader_check(const struct coco_reader *r, const char *what, coco_error **err);

/* The same, and COCO_ERR_PROTO if anything is left. */
coco_status coco_reader_finish(const struct coco_reader *r, const char *what, coco_error **err);

#endif
