/*
 * httpd/chunked.h - a body that comes in chunks (RFC 9112 section 7.1)
 *
 * Sans-IO: it is fed what has arrived and says which bytes of it are the body's.
 * Stricter than the RFC where leniency makes two readers disagree about where a
 * request ends, which is how requests are smuggled: no bare LF, no blank behind a
 * size, and no quoted string in an extension, for there are readers that look for
 * the end of the line in it and others that do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_HTTPD_CHUNKED_H
#define COCO_HTTPD_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of a body is read next. */
enum coco_httpd_chunked_state {
    COCO_HTTPD_CHUNKED_SIZE, /* first: a new one is {.limit = …} */
    COCO_HTTPD_CHUNKED_EXTENSION,
    COCO_HTTPD_CHUNKED_SIZE_LF,
    COCO_HTTPD_CHUNKED_DATA,
    COCO_HTTPD_CHUNKED_DATA_CR,
    COCO_HTTPD_CHUNKED_DATA_LF,
    COCO_HTTPD_CHUNKED_LINE, /* a trailer begins, or all ends */
    COCO_HTTPD_CHUNKED_NAME,
    COCO_HTTPD_CHUNKED_VALUE,
    COCO_HTTPD_CHUNKED_VALUE_LF,
    COCO_HTTPD_CHUNKED_END_LF,
    COCO_HTTPD_CHUNKED_END,
};

struct coco_httpd_chunked {
    uint64_t limit; /* bytes of the whole body */
    uint64_t len;   /* of them those of all chunks that were announced, at most limit */
    uint64_t size;  /* of the chunk that is announced, then what is left of it */
    unsigned digits;
    size_t extra; /* bytes of extensions and trailers so far */
    enum coco_httpd_chunked_state state;
};

/* How far it got: the last data bytes of the used ones are the body's, the others say where it is.
 */
struct coco_httpd_chunked_step {
    size_t used;
    size_t data;
};

/*
 * Reads on in the len bytes at in, up to the next data or the end of the body, in .state.
 * What follows that end is not looked at. Whoever has more is to call it again, unless what
 * it gives, which is a status of HTTP, is not 0: 400 for what is no chunk, 413 for a body of
 * more than limit bytes. All is over then.
 */
int coco_httpd_chunked_read(struct coco_httpd_chunked *chunked, const uint8_t *in, size_t len,
                            struct coco_httpd_chunked_step *ret);

#endif
