/*
 * image/inflate.c - gzip and zstd as they arrive
 *
 * One loop for all: the decoder takes what it can, what comes out goes on, until
 * the input is used up. Memory is a chunk, the decoder's state and, for zstd, its
 * window; more of that than is allowed is refused (T6 in doc/threats.md).
 *
 * gzip may have several members and zstd several frames (RFC 1952 section 2.2,
 * RFC 8878 section 3); what follows the last must be another, so nothing can hide
 * behind the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config.h"

#include "base/fail.h"
#include "image/unpack.h"

#include <string.h>
#if COCO_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif
#include <zstd.h>
#include <zstd_errors.h>

#define CHUNK ((size_t)128 << 10)
/* Of what the next stage lends: a decoder copies its window for each piece that it makes. */
#define LENT_MIN ((size_t)16 << 10)
#define LENT_MAX ((size_t)512 << 10)
/* RFC 8878 section 3.1.1.1.2: from 1 KiB on; T6: to 128 MiB. */
#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 27
#define WINDOW_MAX (UINT64_C(1) << WINDOW_LOG_MAX)
/* Short streams may be as small as they like. */
#define RATIO_FREE ((uint64_t)1 << 20)

/* What one step of a decoder did. */
struct progress {
    size_t used; /* of the input */
    size_t made;
    bool whole; /* a member or frame has ended here */
};

struct decoder {
    coco_status (*begin)(struct coco_inflate *inflate, coco_error **err);
    coco_status (*step)(struct coco_inflate *inflate, const uint8_t *data, size_t len,
                        struct progress *ret, coco_error **err);
    void (*free)(struct coco_inflate *inflate);
};

struct coco_inflate {
    const struct decoder *decoder;
    void *state;
    struct coco_sink next;
    struct coco_inflate_limits limits;
    uint64_t in, out;
    bool whole; /* between two members or frames, with one behind */
    uint8_t *chunk;
    uint8_t *at; /* where the next step puts what it makes, */
    size_t room; /* and how much that may be */
};

#if COCO_HAVE_ISAL

static coco_status
gzip_begin(struct coco_inflate *inflate, coco_error **err)
{
    inflate->state = calloc(1, sizeof(struct inflate_state));
    if (!inflate->state)
        return coco_fail_nomem(err);
    isal_inflate_init(inflate->state);
    return COCO_OK;
}

static void
gzip_free(struct coco_inflate *inflate)
{
    free(inflate->state);
}

static coco_status
gzip_step(struct coco_inflate *inflate, const uint8_t *data, size_t len, struct progress *ret,
          coco_error **err)
{
    struct inflate_state *state = inflate->state;

    if (inflate->whole || inflate->in == 0) {
        isal_inflate_reset(state);
        state->crc_flag = ISAL_GZIP;
    }
    /* The library does not write to its input. */
    state->next_in = (uint8_t *)(uintptr_t)data;
    state->avail_in = (uint32_t)len;
    state->next_out = inflate->at;
    state->avail_out = (uint32_t)inflate->room;
    int code = isal_inflate(state);
    if (code == ISAL_INCORRECT_CHECKSUM)
        return coco_fail(err, COCO_ERR_PROTO, "gzip: wrong checksum");
    if (code != ISAL_DECOMP_OK)
        return coco_fail(err, COCO_ERR_PROTO, "gzip: not a gzip stream (%d)", code);
    *ret = (struct progress){
        .used = len - state->avail_in,
        .made = inflate->room - state->avail_out,
        .whole = state->block_state == ISAL_BLOCK_FINISH,
    };
    return COCO_OK;
}

#else

static coco_status
gzip_begin(struct coco_inflate *gzip, coco_error **err)
{
    z_stream *state = calloc(1, sizeof(*state));

    if (!state)
        return coco_fail_nomem(err);
    /* 15: the largest window there is; 16: gzip, nothing else */
    if (inflateInit2(state, 15 + 16) != Z_OK) {
        free(state);
        return coco_fail_nomem(err);
    }
    gzip->state = state;
    return COCO_OK;
}

static void
gzip_free(struct coco_inflate *gzip)
{
    if (gzip->state)
        (void)inflateEnd(gzip->state);
    free(gzip->state);
}

static coco_status
gzip_step(struct coco_inflate *gzip, const uint8_t *data, size_t len, struct progress *ret,
          coco_error **err)
{
    z_stream *state = gzip->state;

    if (gzip->whole && inflateReset(state) != Z_OK)
        return coco_fail(err, COCO_ERR_PROTO, "gzip: not a gzip stream");
    /* The library does not write to its input. */
    state->next_in = (uint8_t *)(uintptr_t)data;
    state->avail_in = (uInt)len;
    state->next_out = gzip->at;
    state->avail_out = (uInt)gzip->room;
    int code = inflate(state, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR)
        return coco_fail_nomem(err);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return coco_fail(err, COCO_ERR_PROTO, "gzip: not a gzip stream (%s)",
                         state->msg ? state->msg : "no reason given");
    *ret = (struct progress){
        .used = len - state->avail_in,
        .made = gzip->room - state->avail_out,
        .whole = code == Z_STREAM_END,
    };
    return COCO_OK;
}

#endif

/* The largest whole power of two that is allowed: that is how the library takes it. */
static int
window_log(uint64_t max_window)
{
    int log = WINDOW_LOG_MIN;

    while (log < WINDOW_LOG_MAX && (UINT64_C(2) << log) <= max_window)
        log++;
    return log;
}

static coco_status
zstd_begin(struct coco_inflate *inflate, coco_error **err)
{
    ZSTD_DCtx *state = ZSTD_createDCtx();

    if (!state)
        return coco_fail_nomem(err);
    inflate->state = state;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax,
                                            window_log(inflate->limits.max_window))))
        return coco_fail_nomem(err);
    return COCO_OK;
}

static void
zstd_free(struct coco_inflate *inflate)
{
    (void)ZSTD_freeDCtx(inflate->state);
}

/* What the head of a frame asks for (RFC 8878 section 3.1.1.1); 0 if that is not all there. */
static uint64_t
zstd_window(const uint8_t *data, size_t len)
{
    static const size_t id_sizes[] = {0, 1, 2, 4};
    uint64_t size = 0;

    if (len < 6)
        return 0;
    if (!(data[4] & 0x20)) {
        uint64_t base = UINT64_C(1) << (10 + (data[5] >> 3));
        return base + base / 8 * (data[5] & 7);
    }
    /* A single segment: the window is the content, whose size stands behind the dictionary's id. */
    size_t at = 5 + id_sizes[data[4] & 3];
    size_t n = (size_t)1 << (data[4] >> 6);
    if (len < at + n)
        return 0;
    for (size_t i = n; i-- > 0;)
        size = size << 8 | data[at + i];
    return n == 2 ? size + 256 : size;
}

static coco_status
refuse_window(const struct coco_inflate_limits *limits, uint64_t window, coco_error **err)
{
    unsigned long long kib = (window >> 10) + (window % 1024 != 0);
    uint64_t need = UINT64_C(1) << WINDOW_LOG_MIN;

    if (window > WINDOW_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "zstd: a window of %llu KiB, more than 128 MiB", kib);
    while (need < window)
        need <<= 1;
    return coco_fail(err, COCO_ERR_LIMIT,
                     "zstd: a window of %llu KiB, for which max_memory has to be %llu bytes", kib,
                     (unsigned long long)(need + limits->beside));
}

static coco_status
zstd_fail(const struct coco_inflate *inflate, size_t code, uint64_t window, coco_error **err)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return coco_fail_nomem(err);
    case ZSTD_error_frameParameter_windowTooLarge:
        return refuse_window(&inflate->limits, window, err);
    default:
        return coco_fail(err, COCO_ERR_PROTO, "zstd: %s", ZSTD_getErrorName(code));
    }
}

static coco_status
zstd_step(struct coco_inflate *inflate, const uint8_t *data, size_t len, struct progress *ret,
          coco_error **err)
{
    ZSTD_inBuffer in = {.src = data, .size = len};
    ZSTD_outBuffer out = {.dst = inflate->at, .size = inflate->room};

    size_t code = ZSTD_decompressStream(inflate->state, &out, &in);
    if (ZSTD_isError(code))
        return zstd_fail(inflate, code, zstd_window(data, len), err);
    *ret = (struct progress){.used = in.pos, .made = out.pos, .whole = code == 0};
    return COCO_OK;
}

static coco_status
plain_begin(struct coco_inflate *inflate, coco_error **err)
{
    (void)err;
    inflate->whole = true; /* an empty stream is one */
    return COCO_OK;
}

static void
plain_free(struct coco_inflate *inflate)
{
    (void)inflate;
}

static coco_status
plain_step(struct coco_inflate *inflate, const uint8_t *data, size_t len, struct progress *ret,
           coco_error **err)
{
    size_t n = len < inflate->room ? len : inflate->room;

    (void)err;
    memcpy(inflate->at, data, n);
    *ret = (struct progress){.used = n, .made = n, .whole = true};
    return COCO_OK;
}

static const struct decoder decoders[] = {
    [COCO_UNCOMPRESSED] = {plain_begin, plain_step, plain_free},
    [COCO_GZIP] = {gzip_begin, gzip_step, gzip_free},
    [COCO_ZSTD] = {zstd_begin, zstd_step, zstd_free},
};

/* in counts what the decoder has seen, so that the last bytes of output are not held against it. */
static coco_status
pass_on(struct coco_inflate *inflate, size_t made, coco_error **err)
{
    if (made == 0)
        return COCO_OK;
    inflate->out += made;
    uint32_t ratio = inflate->limits.max_ratio;
    if (inflate->out > RATIO_FREE && (inflate->out - RATIO_FREE) / ratio > inflate->in)
        return coco_fail(err, COCO_ERR_LIMIT, "compressed more than %u to 1, which is max_ratio",
                         ratio);
    return coco_sink_write(&inflate->next, inflate->at, made, err);
}

/* What is made goes where the next stage wants it, or else into the chunk. */
static void
prepare(struct coco_inflate *inflate)
{
    inflate->at = coco_sink_lend(&inflate->next, &inflate->room);
    if (!inflate->at || inflate->room < LENT_MIN) {
        inflate->at = inflate->chunk;
        inflate->room = CHUNK;
    }
    if (inflate->room > LENT_MAX)
        inflate->room = LENT_MAX;
}

/* Output that is full may have more behind it, even when all input is used. */
static coco_status
inflate_write(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct coco_inflate *inflate = self;
    struct progress progress = {0};

    while (len > 0 || (progress.made > 0 && progress.made == inflate->room && !progress.whole)) {
        size_t piece = len < CHUNK ? len : CHUNK;

        prepare(inflate);
        coco_status status = inflate->decoder->step(inflate, data, piece, &progress, err);
        if (status != COCO_OK)
            return status;
        if (progress.used == 0 && progress.made == 0 && piece > 0)
            return coco_fail(err, COCO_ERR_PROTO, "a compressed stream that does not go on");
        data += progress.used;
        len -= progress.used;
        inflate->in += progress.used;
        inflate->whole = progress.whole;
        status = pass_on(inflate, progress.made, err);
        if (status != COCO_OK)
            return status;
    }
    return COCO_OK;
}

static coco_status
inflate_end(void *self, coco_error **err)
{
    struct coco_inflate *inflate = self;

    if (!inflate->whole)
        return coco_fail(err, COCO_ERR_PROTO, "the compressed stream is cut");
    return coco_sink_end(&inflate->next, err);
}

coco_status
coco_inflate_new(enum coco_compression compression, const struct coco_inflate_limits *limits,
                 const struct coco_sink *next, struct coco_inflate **ret, coco_error **err)
{
    _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = calloc(1, sizeof(*inflate));
    if (!inflate)
        return coco_fail_nomem(err);

    inflate->decoder = &decoders[compression];
    inflate->next = *next;
    inflate->limits = *limits;
    inflate->chunk = malloc(CHUNK);
    if (!inflate->chunk)
        return coco_fail_nomem(err);
    coco_status status = inflate->decoder->begin(inflate, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&inflate);
    return COCO_OK;
}

void
coco_inflate_free(struct coco_inflate *inflate)
{
    if (!inflate)
        return;
    inflate->decoder->free(inflate);
    free(inflate->chunk);
    free(inflate);
}

struct coco_sink
coco_inflate_sink(struct coco_inflate *inflate)
{
    return (struct coco_sink){.write = inflate_write, .end = inflate_end, .self = inflate};
}

void
coco_inflate_guess(enum coco_compression compression, const uint8_t *head, const uint8_t *tail,
                   struct coco_inflate_guess *ret)
{
    unsigned long long size;

    *ret = (struct coco_inflate_guess){0};
    switch (compression) {
    case COCO_GZIP:
        /* RFC 1952 section 2.3.1: ISIZE */
        for (size_t i = COCO_INFLATE_TAIL; i-- > 0;)
            ret->content = ret->content << 8 | tail[i];
        ret->known = true;
        ret->window = UINT64_C(32) << 10;
        break;
    case COCO_ZSTD:
        size = ZSTD_getFrameContentSize(head, COCO_INFLATE_HEAD);
        ret->known = size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
        ret->content = ret->known ? size : 0;
        ret->window = zstd_window(head, COCO_INFLATE_HEAD);
        break;
    case COCO_UNCOMPRESSED:
        break;
    }
}
