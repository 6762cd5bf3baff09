/*
 * crypto/openpgp_frame.c - the packets that a message of OpenPGP consists of (RFC 4880 section 4)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/openpgp_frame.h"

/* Old packets that last until the end, section 4.2.1. */
#define UNTIL_THE_END 3

/* Section 4.2.2.4: the length of a part of 2^n bytes. */
static bool
is_partial(uint8_t first)
{
    return first >= 224 && first < 255;
}

/* The length that begins with first, section 4.2.2. */
static size_t
read_length(struct coco_reader *r, uint8_t first)
{
    if (first < 192)
        return first;
    if (first < 224)
        return (((size_t)first - 192) << 8) + coco_read_u8(r) + 192;
    if (first == 255)
        return coco_read_u32be(r);
    return (size_t)1 << (first & 0x1f);
}

static void
skip_new(struct coco_reader *r)
{
    bool more = true;

    while (more && !r->exhausted) {
        uint8_t first = coco_read_u8(r);

        more = is_partial(first);
        coco_read_skip(r, read_length(r, first));
    }
}

static void
skip_old(struct coco_reader *r, unsigned kind)
{
    if (kind == 0)
        coco_read_skip(r, coco_read_u8(r));
    else if (kind == 1)
        coco_read_skip(r, coco_read_u16be(r));
    else if (kind == 2)
        coco_read_skip(r, coco_read_u32be(r));
    else
        coco_read_skip(r, r->len);
}

/* The tag of the next packet, which is passed over; -1 where none begins, or not all is there. */
static int
next(struct coco_reader *r)
{
    uint8_t first = coco_read_u8(r);
    int tag = first & 0x3f;

    if ((first & 0x80) == 0)
        return -1;
    if ((first & 0x40) != 0) {
        skip_new(r);
    } else {
        tag = tag >> 2;
        skip_old(r, first & UNTIL_THE_END);
    }
    return r->exhausted ? -1 : tag;
}

/* Whether it consists of packets with these n tags. */
static bool
consists_of(struct coco_reader message, const int *tags, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (next(&message) != tags[i])
            return false;
    return message.len == 0;
}

bool
coco_pgp_frame_is_signed(struct coco_reader message)
{
    static const int compressed[] = {COCO_PGP_COMPRESSED};
    static const int one_pass[] = {COCO_PGP_ONE_PASS, COCO_PGP_LITERAL, COCO_PGP_SIGNATURE};
    static const int old[] = {COCO_PGP_SIGNATURE, COCO_PGP_LITERAL};

    return consists_of(message, compressed, 1) || consists_of(message, one_pass, 3)
           || consists_of(message, old, 2);
}

bool
coco_pgp_frame_is_encrypted(struct coco_reader message)
{
    for (unsigned n = 0; n <= COCO_PGP_KEYS_OF_MESSAGE_MAX; n++) {
        int tag = next(&message);

        if (tag == COCO_PGP_ENCRYPTED || tag == COCO_PGP_AEAD)
            return n > 0 && message.len == 0;
        if (tag != COCO_PGP_SESSION_KEY)
            return false;
    }
    return false;
}
