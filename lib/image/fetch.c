/*
 * image/fetch.c - the layers of an image on their way
 *
 * Layer i comes by lane i modulo the number of lanes. A lane begins the next of its
 * layers when the one before was taken whole, so that what is in a ring is of one
 * layer, and a lane's source is nobody else's while it runs.
 *
 * Who takes the layers waits in poll(), for a lane and for a cancellation at once;
 * a lane waits for room, and is told to stop by its own context and its flag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/fetch.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/ring.h"
#include "base/thread.h"

#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

#define RING_MIN ((uint64_t)16 << 10)
#define RING_MAX ((uint64_t)512 << 10)
#define HEARTBEAT_MS 1000
/* Of the log of a lane; what is more until somebody looks is left out. */
#define LOG_MAX ((size_t)16 << 10)

struct lane {
    struct coco_fetch *fetch;
    struct coco_source source;
    size_t layer; /* that is on its way, or the next */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t room; /* the thread waits for room, or for the next layer */
    int more;            /* eventfd: wakes who waits for bytes, or for the end */
    bool waiting;        /* somebody does */
    coco_ctx *ctx;       /* of the thread */

    struct coco_ring ring;
    bool ended;      /* all of the layer is in the ring, or status says why not */
    bool dropped;    /* nobody wants the rest */
    uint64_t put;    /* bytes of the layer that came */
    uint64_t passed; /* and that were taken */
    coco_status status;
    coco_error *err;
    struct coco_buf log; /* a byte of level and a line with its NUL, each */
};

struct coco_fetch {
    struct coco_fetch_order order;
    size_t n_lanes;
    bool begun;
    struct lane lanes[COCO_FETCH_LANES_MAX];
};

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* With the lock held, as everything here that looks at a lane. */
static void
wake_taker(struct lane *lane)
{
    const uint64_t one = 1;

    if (!lane->waiting)
        return;
    lane->waiting = false;
    /* It fails only when it is readable already. */
    ssize_t n = write(lane->more, &one, sizeof(one));
    (void)n;
}

/* How much may be put at the end of what is there; 0 when nobody wants it. */
static size_t
wait_for_room(struct lane *lane, uint8_t **at)
{
    if (coco_ring_is_full(&lane->ring))
        while (!lane->dropped && !coco_ring_is_worth_putting(&lane->ring))
            pthread_cond_wait(&lane->room, &lane->lock);
    return lane->dropped ? 0 : coco_ring_room(&lane->ring, at);
}

static coco_status
put(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct lane *lane = self;
    coco_status status = COCO_OK;

    pthread_mutex_lock(&lane->lock);
    while (len > 0) {
        uint8_t *at;
        size_t piece = least(len, wait_for_room(lane, &at));

        if (piece == 0) {
            status = coco_fail(err, COCO_ERR_CANCELED, "canceled");
            break;
        }
        pthread_mutex_unlock(&lane->lock);
        memcpy(at, data, piece);
        pthread_mutex_lock(&lane->lock);
        data += piece;
        len -= piece;
        coco_ring_put(&lane->ring, piece);
        lane->put += piece;
        if (coco_ring_is_worth_taking(&lane->ring, lane->passed))
            wake_taker(lane);
    }
    pthread_mutex_unlock(&lane->lock);
    /* What is too much goes in, for whoever takes it to see, but nothing behind it. */
    if (status == COCO_OK && lane->put > lane->fetch->order.layers[lane->layer].size)
        status = coco_fail(err, COCO_ERR_VERIFY, "more bytes than were promised");
    return status;
}

static coco_status
get(struct lane *lane, coco_error **err)
{
    const struct coco_fetch_order *order = &lane->fetch->order;
    const struct coco_sink sink = {.write = put, .self = lane};

    return lane->source.blob(lane->source.self, lane->ctx, &order->layers[lane->layer], &sink, err);
}

static void *
run(void *self)
{
    struct lane *lane = self;

    pthread_mutex_lock(&lane->lock);
    while (!lane->dropped && lane->layer < lane->fetch->order.n_layers) {
        pthread_mutex_unlock(&lane->lock);
        coco_status status = get(lane, &lane->err);
        pthread_mutex_lock(&lane->lock);
        lane->status = status;
        lane->ended = true;
        wake_taker(lane);
        while (lane->ended && !lane->dropped)
            pthread_cond_wait(&lane->room, &lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

/* Nobody wants a message so much that a pull should fail for it. */
static void
keep_line(void *user, coco_log_level level, const char *message)
{
    struct lane *lane = user;
    const char mark = (char)('0' + level);

    pthread_mutex_lock(&lane->lock);
    size_t before = lane->log.len;
    if (coco_buf_append(&lane->log, &mark, 1, NULL) != COCO_OK
        || coco_buf_append(&lane->log, message, strlen(message) + 1, NULL) != COCO_OK)
        lane->log.len = before;
    pthread_mutex_unlock(&lane->lock);
}

/* What the lane had to say goes out on the caller's thread, as everything does. */
static void
tell_log(struct lane *lane, coco_ctx *ctx)
{
    struct coco_buf log = lane->log;

    if (log.len == 0)
        return;
    lane->log = (struct coco_buf){.limit = LOG_MAX};
    pthread_mutex_unlock(&lane->lock);
    for (size_t at = 0; at < log.len; at += strlen((char *)log.data + at) + 1)
        coco_ctx_log(ctx, (coco_log_level)(log.data[at] - '0'), "%s", (char *)log.data + at + 1);
    coco_buf_done(&log);
    pthread_mutex_lock(&lane->lock);
}

static coco_status
start(struct lane *lane, size_t layer, coco_error **err)
{
    lane->layer = layer;
    coco_ring_clear(&lane->ring);
    lane->put = lane->passed = 0;
    lane->ended = lane->dropped = lane->waiting = false;
    coco_status status = coco_ctx_new(&lane->ctx, err);
    if (status != COCO_OK)
        return status;
    coco_ctx_set_log(lane->ctx, COCO_LOG_DEBUG, keep_line, lane, NULL);
    status = coco_thread_start(run, lane, &lane->thread, err);
    lane->running = status == COCO_OK;
    return status;
}

/* Ends the thread, wherever it is; its source stays. */
static void
stop(struct lane *lane)
{
    if (lane->running) {
        pthread_mutex_lock(&lane->lock);
        lane->dropped = true;
        pthread_cond_signal(&lane->room);
        pthread_mutex_unlock(&lane->lock);
        coco_ctx_cancel(lane->ctx);
        (void)pthread_join(lane->thread, NULL);
        lane->running = false;
    }
    coco_ctx_free(coco_steal(&lane->ctx));
    coco_error_free(coco_steal(&lane->err));
}

/* Until there are bytes worth taking, or the layer has come to its end. */
static coco_status
wait_for_more(struct lane *lane, coco_ctx *ctx, const struct coco_descriptor *layer,
              coco_error **err)
{
    char name[COCO_DIGEST_TEXT_SIZE];
    uint64_t count;

    while (!lane->ended && !coco_ring_is_worth_taking(&lane->ring, lane->passed)) {
        struct pollfd fds[] = {{lane->more, POLLIN, 0}, {coco_ctx_cancel_fd(ctx), POLLIN, 0}};

        tell_log(lane, ctx);
        lane->waiting = true;
        pthread_mutex_unlock(&lane->lock);
        int n = poll(fds, sizeof(fds) / sizeof(fds[0]), HEARTBEAT_MS);
        if (n == 0) {
            coco_digest_format(&layer->digest, name);
            coco_ctx_report(ctx, &(coco_progress){.what = name,
                                                  .phase = COCO_PHASE_FETCH,
                                                  .done = lane->passed,
                                                  .total = layer->size});
        }
        coco_status status = coco_ctx_check(ctx, err);
        pthread_mutex_lock(&lane->lock);
        lane->waiting = false;
        ssize_t got = read(lane->more, &count, sizeof(count));
        (void)got; /* there may be nothing to read */
        if (status != COCO_OK)
            return status;
    }
    tell_log(lane, ctx);
    return COCO_OK;
}

static coco_status
take_pieces(struct lane *lane, coco_ctx *ctx, const struct coco_descriptor *layer,
            const struct coco_sink *sink, coco_error **err)
{
    for (;;) {
        const uint8_t *at;

        coco_status status = wait_for_more(lane, ctx, layer, err);
        size_t piece = coco_ring_piece(&lane->ring, lane->passed, &at);
        if (status != COCO_OK || piece == 0)
            return status;
        pthread_mutex_unlock(&lane->lock);
        status = coco_sink_write(sink, at, piece, err);
        pthread_mutex_lock(&lane->lock);
        if (status != COCO_OK)
            return status;
        lane->passed += piece;
        coco_ring_free(&lane->ring, lane->passed);
        if (coco_ring_is_worth_putting(&lane->ring))
            pthread_cond_signal(&lane->room);
    }
}

/* A lane as a source, for coco_source_blob() to check what comes. */
static coco_status
take(void *self, coco_ctx *ctx, const struct coco_descriptor *layer, const struct coco_sink *sink,
     coco_error **err)
{
    struct lane *lane = self;

    pthread_mutex_lock(&lane->lock);
    coco_status status = take_pieces(lane, ctx, layer, sink, err);
    if (status == COCO_OK && lane->status != COCO_OK) {
        status = lane->status;
        coco_error_give(err, coco_steal(&lane->err));
    }
    pthread_mutex_unlock(&lane->lock);
    return status;
}

static bool
leave_wrong(void *self, coco_ctx *ctx, const struct coco_descriptor *layer)
{
    struct lane *lane = self;

    stop(lane);
    return lane->source.wrong && lane->source.wrong(lane->source.self, ctx, layer);
}

/* Only when all is right: a lane that has failed waits to be stopped. */
static void
go_on(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->ended = false;
    coco_ring_clear(&lane->ring);
    lane->put = lane->passed = 0;
    lane->layer += lane->fetch->n_lanes;
    pthread_cond_signal(&lane->room);
    pthread_mutex_unlock(&lane->lock);
}

static coco_status
begin(struct coco_fetch *fetch, size_t i, coco_error **err)
{
    coco_status status = COCO_OK;

    fetch->begun = true;
    for (size_t k = 0; k < fetch->n_lanes && status == COCO_OK; k++)
        status = start(&fetch->lanes[(i + k) % fetch->n_lanes], i + k, err);
    return status;
}

coco_status
coco_fetch_layer(struct coco_fetch *fetch, coco_ctx *ctx, size_t i, const struct coco_sink *sink,
                 bool *elsewhere, coco_error **err)
{
    struct lane *lane = &fetch->lanes[i % fetch->n_lanes];
    const struct coco_source source = {.blob = take, .wrong = leave_wrong, .self = lane};

    *elsewhere = false;
    coco_status status = fetch->begun ? COCO_OK : begin(fetch, i, err);
    if (status == COCO_OK)
        status = coco_source_blob(&source, ctx, &fetch->order.layers[i], sink, elsewhere, err);
    if (status == COCO_OK)
        go_on(lane);
    return status;
}

void
coco_fetch_stop(struct coco_fetch *fetch)
{
    for (size_t k = 0; k < fetch->n_lanes; k++)
        stop(&fetch->lanes[k]);
    fetch->begun = false;
}

static coco_status
prepare(struct lane *lane, struct coco_fetch *fetch, size_t size, coco_error **err)
{
    const struct coco_source *source = fetch->order.source;

    lane->fetch = fetch;
    lane->log.limit = LOG_MAX;
    lane->more = -1;
    /* With default attributes neither can fail here. */
    (void)pthread_mutex_init(&lane->lock, NULL);
    (void)pthread_cond_init(&lane->room, NULL);
    fetch->n_lanes++;
    coco_status status = coco_ring_init(&lane->ring, size, err);
    if (status != COCO_OK)
        return status;
    lane->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->more < 0)
        return coco_fail_errno(err, errno, "eventfd");
    if (lane != fetch->lanes)
        return source->clone(source->self, &lane->source, err);
    /* Lent, and therefore not freed with the lane. */
    lane->source = *source;
    lane->source.free = NULL;
    return COCO_OK;
}

coco_status
coco_fetch_new(const struct coco_fetch_order *order, struct coco_fetch **ret, coco_error **err)
{
    _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = calloc(1, sizeof(*fetch));
    size_t wanted = order->source->clone ? least(order->n_layers, COCO_FETCH_LANES_MAX) : 1;
    coco_status status = COCO_OK;

    if (!fetch)
        return coco_fail_nomem(err);
    fetch->order = *order;
    wanted = wanted > 0 ? wanted : 1;
    uint64_t size = order->max_memory / wanted;
    size = size < RING_MAX ? size : RING_MAX;
    size = size > RING_MIN ? size : RING_MIN;
    for (size_t i = 0; i < wanted && status == COCO_OK; i++)
        status = prepare(&fetch->lanes[i], fetch, (size_t)size, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_steal(&fetch);
    return COCO_OK;
}

static void
lane_done(struct lane *lane)
{
    stop(lane);
    coco_source_done(&lane->source);
    coco_buf_done(&lane->log);
    coco_closep(&lane->more);
    pthread_cond_destroy(&lane->room);
    pthread_mutex_destroy(&lane->lock);
    coco_ring_done(&lane->ring);
}

void
coco_fetch_free(struct coco_fetch *fetch)
{
    if (!fetch)
        return;
    for (size_t i = 0; i < fetch->n_lanes; i++)
        lane_done(&fetch->lanes[i]);
    free(fetch);
}
