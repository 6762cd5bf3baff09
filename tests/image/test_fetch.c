/*
 * tests/image/test_fetch.c - lib/image/fetch.c, with sources that do as the test says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/fetch.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#define LAYERS 7
#define SIZE ((size_t)100 << 10) /* several times a ring */
#define MEMORY ((uint64_t)96 << 10)

enum way { GIVES, FAILS, GIVES_WRONG, GIVES_MORE, WAITS_FOR_OTHERS, WAITS_FOR_CANCEL, LOGS, BEATS };

/* All sources of one image, whichever thread they are used by. */
struct world {
    uint8_t data[LAYERS][SIZE];
    struct coco_descriptor layers[LAYERS];
    char media_type[4];
    enum way ways[LAYERS];
    sem_t asked;  /* posted for each layer that is asked for */
    sem_t beaten; /* and for each report of progress */
    pthread_mutex_t lock;
    unsigned clones;
    unsigned told_wrong;
    unsigned elsewhere_left;
    pthread_t user;
    bool foreign; /* a callback ran on another thread than the user's */
    unsigned lines;
    coco_ctx *ctx;
    coco_error *err;
};

static struct world world;

static coco_status
give(const struct coco_sink *sink, const uint8_t *data, size_t len, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t at = 0; at < len && status == COCO_OK; at += 7000)
        status = coco_sink_write(sink, data + at, len - at < 7000 ? len - at : 7000, err);
    return status;
}

static void
wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        ;
}

static coco_status
give_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **err)
{
    struct world *w = &world;
    size_t i = (size_t)(blob - w->layers);
    struct pollfd canceled = {coco_ctx_cancel_fd(ctx), POLLIN, 0};

    (void)self;
    assert_true(sem_post(&w->asked) == 0);
    switch (w->ways[i]) {
    case FAILS:
        return coco_fail(err, COCO_ERR_NET, "the cable is cut");
    case GIVES_WRONG:
        return give(sink, w->data[(i + 1) % LAYERS], SIZE, err);
    case GIVES_MORE:
        for (;;) {
            coco_status status = give(sink, w->data[i], SIZE, err);
            if (status != COCO_OK)
                return status;
        }
    case WAITS_FOR_OTHERS:
        for (int n = 0; n < COCO_FETCH_LANES_MAX; n++)
            wait_for(&w->asked);
        break;
    case WAITS_FOR_CANCEL:
        coco_ctx_cancel(w->ctx);
        (void)poll(&canceled, 1, -1);
        return coco_ctx_check(ctx, err);
    case LOGS:
        coco_ctx_log(ctx, COCO_LOG_WARN, "layer %zu is far away", i);
        coco_ctx_log(ctx, COCO_LOG_DEBUG, "very far");
        break;
    case BEATS:
        wait_for(&w->beaten);
        break;
    default:
        break;
    }
    return give(sink, w->data[i], SIZE, err);
}

static bool
leave_wrong(void *self, coco_ctx *ctx, const struct coco_descriptor *blob)
{
    struct world *w = &world;

    (void)self;
    (void)ctx;
    w->told_wrong++;
    w->ways[blob - w->layers] = GIVES;
    return w->elsewhere_left-- > 0;
}

static coco_status clone_source(const void *self, struct coco_source *ret, coco_error **err);

static void
free_clone(void *self)
{
    world.clones--;
    free(self);
}

static struct coco_source
source_of(void *self)
{
    return (struct coco_source){
        .blob = give_blob,
        .wrong = leave_wrong,
        .clone = clone_source,
        .free = free_clone,
        .self = self,
    };
}

static coco_status
clone_source(const void *self, struct coco_source *ret, coco_error **err)
{
    void *clone = malloc(1);

    assert_null(self);
    if (!clone)
        return coco_fail_nomem(err);
    *ret = source_of(clone);
    world.clones++;
    return COCO_OK;
}

static int
setup(void **state)
{
    struct world *w = &world;

    memset(w, 0, sizeof(*w));
    (void)snprintf(w->media_type, sizeof(w->media_type), "a/b");
    for (size_t i = 0; i < LAYERS; i++) {
        for (size_t k = 0; k < SIZE; k++)
            w->data[i][k] = (uint8_t)(k * 31 + k / 253 + i * 17);
        w->layers[i] = (struct coco_descriptor){.media_type = w->media_type, .size = SIZE};
        assert_ok(coco_digest_of(COCO_SHA256, w->data[i], SIZE, &w->layers[i].digest, &w->err),
                  w->err);
    }
    assert_int_equal(sem_init(&w->asked, 0, 0), 0);
    assert_int_equal(sem_init(&w->beaten, 0, 0), 0);
    assert_ok(coco_ctx_new(&w->ctx, &w->err), w->err);
    w->user = pthread_self();
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    assert_int_equal(w->clones, 0);
    coco_ctx_free(w->ctx);
    coco_error_free(w->err);
    (void)sem_destroy(&w->asked);
    (void)sem_destroy(&w->beaten);
    return 0;
}

static coco_status
begin(struct world *w, const struct coco_source *source, struct coco_fetch **ret)
{
    const struct coco_fetch_order order = {
        .source = source,
        .layers = w->layers,
        .n_layers = LAYERS,
        .max_memory = MEMORY,
    };

    return coco_fetch_new(&order, ret, &w->err);
}

static coco_status
take_layer(struct world *w, struct coco_fetch *fetch, size_t i, bool *elsewhere)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = SIZE};
    const struct coco_sink sink = coco_sink_to_buf(&buf);

    coco_status status = coco_fetch_layer(fetch, w->ctx, i, &sink, elsewhere, &w->err);
    if (status == COCO_OK)
        assert_memory_equal(buf.data, w->data[i], SIZE);
    return status;
}

/* All layers, as far as they come; how many did. */
static size_t
take_all(struct world *w, struct coco_fetch *fetch, bool *elsewhere)
{
    size_t i = 0;

    while (i < LAYERS && take_layer(w, fetch, i, elsewhere) == COCO_OK)
        i++;
    return i;
}

static void
layers_come_in_their_order(void **state)
{
    struct world *w = *state;

    for (int lanes = 1; lanes <= COCO_FETCH_LANES_MAX; lanes += COCO_FETCH_LANES_MAX - 1) {
        _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
        struct coco_source source = source_of(NULL);
        bool elsewhere = true;

        if (lanes == 1)
            source.clone = NULL;
        assert_ok(begin(w, &source, &fetch), w->err);
        assert_int_equal(w->clones, lanes - 1);
        assert_int_equal(take_all(w, fetch, &elsewhere), LAYERS);
        assert_false(elsewhere);
    }
}

/* The first layer does not come before others were asked for, and nothing is asked for early. */
static void
the_next_layers_are_asked_for_ahead(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
    const struct coco_source source = source_of(NULL);
    bool elsewhere;
    int asked = -1;

    w->ways[0] = WAITS_FOR_OTHERS;
    assert_ok(begin(w, &source, &fetch), w->err);
    assert_int_equal(sem_getvalue(&w->asked, &asked), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(take_all(w, fetch, &elsewhere), LAYERS);
}

static void
a_failure_is_told_at_its_layer(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < LAYERS; i++) {
        _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
        struct coco_source source = source_of(NULL);
        bool elsewhere = true;

        w->ways[i] = FAILS;
        assert_ok(begin(w, &source, &fetch), w->err);
        assert_int_equal(take_all(w, fetch, &elsewhere), i);
        assert_false(elsewhere);
        assert_fails(coco_error_status(w->err), w->err, COCO_ERR_NET, "the cable is cut");
        w->ways[i] = GIVES;
    }
}

static void
a_wrong_layer_may_be_had_from_elsewhere(void **state)
{
    struct world *w = *state;
    static const enum way ways[] = {GIVES_WRONG, GIVES_MORE};

    for (unsigned k = 0; k < 2; k++) {
        _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
        struct coco_source source = source_of(NULL);
        bool elsewhere = false;

        w->ways[4] = ways[k];
        w->ways[5] = ways[k];
        w->told_wrong = 0;
        w->elsewhere_left = 1;
        assert_ok(begin(w, &source, &fetch), w->err);
        assert_int_equal(take_all(w, fetch, &elsewhere), 4);
        assert_true(elsewhere);
        assert_fails(coco_error_status(w->err), w->err, COCO_ERR_VERIFY, "");
        coco_fetch_stop(fetch);
        /* From any layer on, and from the start. */
        assert_ok(take_layer(w, fetch, 4, &elsewhere), w->err);
        coco_fetch_stop(fetch);
        assert_int_equal(take_all(w, fetch, &elsewhere), 5);
        assert_false(elsewhere);
        assert_fails(coco_error_status(w->err), w->err, COCO_ERR_VERIFY, "");
        assert_int_equal(w->told_wrong, 2);
    }
}

static void
a_cancel_is_noticed_while_nothing_comes(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
    struct coco_source source = source_of(NULL);
    bool elsewhere = true;

    w->ways[0] = WAITS_FOR_CANCEL;
    assert_ok(begin(w, &source, &fetch), w->err);
    assert_fails(take_layer(w, fetch, 0, &elsewhere), w->err, COCO_ERR_CANCELED, "canceled");
    assert_false(elsewhere);
}

static void
note_progress(void *user, const coco_progress *progress)
{
    struct world *w = user;

    assert_non_null(strstr(progress->what, "sha256:"));
    assert_true(progress->done <= SIZE && progress->total == SIZE);
    w->foreign = w->foreign || !pthread_equal(pthread_self(), w->user);
    assert_int_equal(sem_post(&w->beaten), 0);
}

/* The layer does not come before progress was reported, of which there is none. */
static void
progress_is_told_while_nothing_comes(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
    struct coco_source source = source_of(NULL);
    bool elsewhere;

    w->ways[0] = BEATS;
    coco_ctx_set_progress(w->ctx, note_progress, w, NULL);
    assert_ok(begin(w, &source, &fetch), w->err);
    assert_int_equal(take_all(w, fetch, &elsewhere), LAYERS);
    assert_false(w->foreign);
}

static void
note_line(void *user, coco_log_level level, const char *message)
{
    struct world *w = user;
    char want[40];

    (void)snprintf(want, sizeof(want), "layer %u is far away", w->lines);
    assert_int_equal(level, COCO_LOG_WARN);
    assert_string_equal(message, want);
    w->foreign = w->foreign || !pthread_equal(pthread_self(), w->user);
    w->lines++;
}

static void
what_lanes_log_comes_on_the_callers_thread(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
    struct coco_source source = source_of(NULL);
    bool elsewhere;

    for (size_t i = 0; i < LAYERS; i++)
        w->ways[i] = LOGS;
    coco_ctx_set_log(w->ctx, COCO_LOG_INFO, note_line, w, NULL);
    assert_ok(begin(w, &source, &fetch), w->err);
    assert_int_equal(take_all(w, fetch, &elsewhere), LAYERS);
    assert_int_equal(w->lines, LAYERS);
    assert_false(w->foreign);
}

/* Its lanes are in the middle of layers, with full rings. */
static void
a_fetch_may_be_given_up_anywhere(void **state)
{
    struct world *w = *state;

    for (size_t n = 0; n < LAYERS; n++) {
        _cleanup_(coco_fetch_freep) struct coco_fetch *fetch = NULL;
        struct coco_source source = source_of(NULL);
        bool elsewhere;

        assert_ok(begin(w, &source, &fetch), w->err);
        for (size_t i = 0; i < n; i++)
            assert_ok(take_layer(w, fetch, i, &elsewhere), w->err);
    }
}

static void
a_fetch_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;

    for_each_fault()
    {
        struct coco_fetch *fetch = NULL;
        struct coco_source source = source_of(NULL);
        bool elsewhere;

        coco_status status = begin(w, &source, &fetch);
        for (size_t i = 0; i < LAYERS && status == COCO_OK; i++)
            status = take_layer(w, fetch, i, &elsewhere);
        coco_fetch_free(fetch);
        fault_expect(status, w->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(layers_come_in_their_order),
        TEST(the_next_layers_are_asked_for_ahead),
        TEST(a_failure_is_told_at_its_layer),
        TEST(a_wrong_layer_may_be_had_from_elsewhere),
        TEST(a_cancel_is_noticed_while_nothing_comes),
        TEST(progress_is_told_while_nothing_comes),
        TEST(what_lanes_log_comes_on_the_callers_thread),
        TEST(a_fetch_may_be_given_up_anywhere),
        TEST(a_fetch_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/fetch", tests, NULL, NULL);
}
