/*
 * image/mirrors.c - one image from several registries, whichever has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/mirrors.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/json.h"

#include <string.h>

#define HELD_MAX ((uint64_t)4 << 20)
#define FAILURES_MAX ((size_t)2 << 10)

struct mirrors {
    struct coco_registry_options opts;
    struct coco_places places;
    size_t current;            /* of places: the one that is asked */
    struct coco_source source; /* of the current one, once it was opened */
    struct coco_buf failures;  /* of those before it */
    struct coco_digest pinned; /* alg 0 if the reference has no digest */
    bool passed_over;          /* the cache, which is the first of them */
    bool mixed;                /* the last blob came from more than one place */
};

static coco_status
open_current(struct mirrors *mirrors, coco_error **err)
{
    const struct coco_place *place = &mirrors->places.list[mirrors->current];
    struct coco_registry_options opts = mirrors->opts;

    if (mirrors->source.self)
        return COCO_OK;
    opts.plain_http = opts.plain_http || place->insecure;
    opts.cache = place->cache;
    /* The host would know them (T47). */
    if (place->cache)
        opts.auth = NULL;
    /* Asking the next one is the better try. */
    if (mirrors->current + 1 < mirrors->places.n)
        opts.retry.retries = COCO_RETRIES_NONE;
    return coco_registry_source(&opts, place->ref, &mirrors->source, err);
}

/* Whether another place may help; an error is also one of memory that had none for its message. */
static bool
is_its_own_fault(coco_status status, const coco_error *cause)
{
    return status != COCO_OK && status != COCO_ERR_NOMEM && status != COCO_ERR_CANCELED
           && coco_error_status(cause) != COCO_ERR_NOMEM;
}

/*
 * Goes on with the next place, for cause, which is taken. Without one left it gives
 * the last one's status, and what each of them failed with.
 */
static coco_status
go_on(struct mirrors *mirrors, coco_ctx *ctx, coco_status status, coco_error *cause,
      coco_error **err)
{
    const struct coco_place *place = &mirrors->places.list[mirrors->current];
    const char *name = place->cache ? "cache" : coco_image_ref_text(place->ref);

    coco_ctx_log(ctx, COCO_LOG_WARN, "%s: %s", name, coco_error_message(cause));
    /* For a message: what no longer fits is left out. */
    coco_status added =
        coco_buf_printf(&mirrors->failures, NULL, "%s%.300s: %.500s",
                        mirrors->failures.len ? "; " : "", name, coco_error_message(cause));
    coco_error_free(cause);
    if (added == COCO_ERR_NOMEM)
        return coco_fail_nomem(err);
    if (mirrors->current + 1 == mirrors->places.n)
        return coco_fail(err, status, "%s", coco_buf_text(&mirrors->failures));
    coco_source_done(&mirrors->source);
    mirrors->current++;
    return COCO_OK;
}

/* Hands cause out, as the error of the whole. */
static coco_status
give_up(coco_status status, coco_error *cause, coco_error **err)
{
    if (coco_error_status(cause) == COCO_ERR_NOMEM)
        status = COCO_ERR_NOMEM;
    coco_error_give(err, cause);
    return status;
}

static coco_status
check_text(const struct coco_buf *body, const struct coco_digest *digest, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    struct coco_digest got = {0};

    /* A login page is no manifest, whatever its digest might have been. */
    if (!digest)
        return coco_json_parse_object(coco_buf_text(body), body->len, &json, err);
    coco_status status = coco_digest_of(digest->alg, coco_buf_text(body), body->len, &got, err);
    return status == COCO_OK ? coco_digest_check(&got, digest, err) : status;
}

/*
 * What a tag means is not for the host to say, which might know an older answer: the
 * cache, the first of all places, is passed over for that, and come back to afterwards.
 */
static void
pass_over_cache(struct mirrors *mirrors)
{
    if (mirrors->current > 0 || !mirrors->places.list[0].cache)
        return;
    mirrors->current = 1;
    mirrors->passed_over = true;
}

static void
come_back_to_cache(struct mirrors *mirrors)
{
    if (!mirrors->passed_over)
        return;
    mirrors->passed_over = false;
    mirrors->current = 0;
    coco_source_done(&mirrors->source);
}

static coco_status
get_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
             struct coco_buf *media_type, coco_error **err)
{
    struct mirrors *mirrors = self;
    const struct coco_digest *want = digest || !mirrors->pinned.alg ? digest : &mirrors->pinned;

    if (!want)
        pass_over_cache(mirrors);
    for (;;) {
        coco_error *cause = NULL;

        coco_buf_reset(body);
        coco_buf_reset(media_type);
        coco_status status = open_current(mirrors, &cause);
        if (status == COCO_OK)
            status = mirrors->source.manifest(mirrors->source.self, ctx, digest, body, media_type,
                                              &cause);
        if (status == COCO_OK)
            status = check_text(body, want, &cause);
        if (status == COCO_OK)
            come_back_to_cache(mirrors);
        if (!is_its_own_fault(status, cause))
            return give_up(status, cause, err);
        status = go_on(mirrors, ctx, status, cause, err);
        if (status != COCO_OK)
            return status;
    }
}

/* What stands between a place and who wants the blob: it lets through what is new. */
struct passage {
    const struct coco_sink *next;
    uint64_t passed; /* bytes that next has */
    uint64_t seen;   /* bytes that this place sent */
    bool refused;    /* it was next that failed */
};

static coco_status
pass(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    struct passage *passage = self;
    uint64_t old = passage->passed - passage->seen;
    size_t skip = old < len ? (size_t)old : len;

    passage->seen += len;
    if (skip == len)
        return COCO_OK;
    coco_status status = coco_sink_write(passage->next, data + skip, len - skip, err);
    passage->refused = status != COCO_OK;
    if (status == COCO_OK)
        passage->passed = passage->seen;
    return status;
}

/* A blob that is sent on as it comes. */
static coco_status
stream_blob(struct mirrors *mirrors, coco_ctx *ctx, const struct coco_descriptor *blob,
            const struct coco_sink *sink, coco_error **err)
{
    struct passage passage = {.next = sink};
    const struct coco_sink through = {.write = pass, .self = &passage};

    for (;;) {
        coco_error *cause = NULL;

        mirrors->mixed = passage.passed > 0;
        passage.seen = 0;
        coco_status status = open_current(mirrors, &cause);
        if (status == COCO_OK)
            status = mirrors->source.blob(mirrors->source.self, ctx, blob, &through, &cause);
        if (!is_its_own_fault(status, cause) || passage.refused)
            return give_up(status, cause, err);
        status = go_on(mirrors, ctx, status, cause, err);
        if (status != COCO_OK)
            return status;
    }
}

/* A blob that is short enough to be looked at before it is sent on. */
static coco_status
hold_blob(struct mirrors *mirrors, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **err)
{
    _cleanup_buf_ struct coco_buf held = {.limit = (size_t)blob->size};
    const struct coco_sink to_held = coco_sink_to_buf(&held);

    for (;;) {
        coco_error *cause = NULL;

        coco_buf_reset(&held);
        coco_status status = open_current(mirrors, &cause);
        if (status == COCO_OK)
            status = mirrors->source.blob(mirrors->source.self, ctx, blob, &to_held, &cause);
        if (status == COCO_OK)
            status = check_text(&held, &blob->digest, &cause);
        if (status == COCO_OK)
            return coco_sink_write(sink, (const uint8_t *)coco_buf_text(&held), held.len, err);
        if (!is_its_own_fault(status, cause))
            return give_up(status, cause, err);
        status = go_on(mirrors, ctx, status, cause, err);
        if (status != COCO_OK)
            return status;
    }
}

static coco_status
get_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
         const struct coco_sink *sink, coco_error **err)
{
    return blob->size <= HELD_MAX ? hold_blob(self, ctx, blob, sink, err)
                                  : stream_blob(self, ctx, blob, sink, err);
}

/* Of the first that has any: not the host's cache, which has what it was asked for before. */
static coco_status
get_referrers(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *ret,
              coco_error **err)
{
    struct mirrors *mirrors = self;

    pass_over_cache(mirrors);
    for (;;) {
        coco_error *cause = NULL;

        coco_buf_reset(ret);
        coco_status status = open_current(mirrors, &cause);
        if (status == COCO_OK)
            status = mirrors->source.referrers(mirrors->source.self, ctx, digest, ret, &cause);
        if (status == COCO_OK)
            come_back_to_cache(mirrors);
        if (!is_its_own_fault(status, cause))
            return give_up(status, cause, err);
        status = go_on(mirrors, ctx, status, cause, err);
        if (status != COCO_OK)
            return status;
    }
}

/* From the current one: what it says is a guess anyhow. */
static coco_status
get_part(void *self, coco_ctx *ctx, const struct coco_descriptor *blob, uint64_t offset, size_t len,
         struct coco_buf *ret, coco_error **err)
{
    struct mirrors *mirrors = self;

    coco_status status = open_current(mirrors, err);
    if (status == COCO_OK)
        status = mirrors->source.part(mirrors->source.self, ctx, blob, offset, len, ret, err);
    return status;
}

/*
 * Places that were left before have delivered what is wrong, or the current one has. It
 * is given another try in the first case, when there is none behind it.
 */
static bool
leave_wrong(void *self, coco_ctx *ctx, const struct coco_descriptor *blob)
{
    struct mirrors *mirrors = self;
    coco_error *cause = NULL;
    char text[COCO_DIGEST_TEXT_SIZE];

    if (mirrors->current + 1 == mirrors->places.n)
        return mirrors->mixed;
    coco_digest_format(&blob->digest, text);
    (void)coco_fail(&cause, COCO_ERR_VERIFY, "blob %.20s is another one", text);
    return go_on(mirrors, ctx, COCO_ERR_VERIFY, cause, NULL) == COCO_OK;
}

static coco_status
copy_places(const struct coco_places *from, struct coco_places *ret, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < from->n && status == COCO_OK; i++) {
        struct coco_place *place = &ret->list[ret->n];

        status = coco_image_ref_parse(coco_image_ref_text(from->list[i].ref), &place->ref, err);
        if (status != COCO_OK)
            break;
        place->insecure = from->list[i].insecure;
        place->cache = from->list[i].cache;
        ret->n++;
    }
    return status;
}

static void free_mirrors(void *self);
static struct coco_source source_of(struct mirrors *mirrors);

static coco_status
clone_mirrors(const void *self, struct coco_source *ret, coco_error **err)
{
    const struct mirrors *mirrors = self;
    struct mirrors *clone = calloc(1, sizeof(*clone));

    if (!clone)
        return coco_fail_nomem(err);
    clone->opts = mirrors->opts;
    clone->current = mirrors->current;
    clone->pinned = mirrors->pinned;
    clone->failures.limit = FAILURES_MAX;
    coco_status status = copy_places(&mirrors->places, &clone->places, err);
    if (status == COCO_OK && mirrors->failures.len > 0)
        status =
            coco_buf_append(&clone->failures, mirrors->failures.data, mirrors->failures.len, err);
    if (status == COCO_OK && mirrors->source.clone)
        status = mirrors->source.clone(mirrors->source.self, &clone->source, err);
    if (status != COCO_OK) {
        free_mirrors(clone);
        return status;
    }
    *ret = source_of(clone);
    return COCO_OK;
}

static void
free_mirrors(void *self)
{
    struct mirrors *mirrors = self;

    if (!mirrors)
        return;
    coco_source_done(&mirrors->source);
    coco_places_done(&mirrors->places);
    coco_buf_done(&mirrors->failures);
    free(mirrors);
}

static struct coco_source
source_of(struct mirrors *mirrors)
{
    return (struct coco_source){
        .manifest = get_manifest,
        .blob = get_blob,
        .part = get_part,
        .wrong = leave_wrong,
        .clone = clone_mirrors,
        .free = free_mirrors,
        .self = mirrors,
        .referrers = get_referrers,
    };
}

coco_status
coco_mirrors_source(const struct coco_registry_options *opts, struct coco_places *places,
                    struct coco_source *ret, coco_error **err)
{
    const char *pin = coco_image_ref_digest(places->list[0].ref);
    struct mirrors *mirrors = calloc(1, sizeof(*mirrors));

    if (!mirrors)
        return coco_fail_nomem(err);
    mirrors->opts = *opts;
    mirrors->failures.limit = FAILURES_MAX;
    coco_status status = pin ? coco_digest_parse(pin, &mirrors->pinned, err) : COCO_OK;
    if (status != COCO_OK) {
        free_mirrors(mirrors);
        return status;
    }
    mirrors->places = *places;
    *places = (struct coco_places){0};
    *ret = source_of(mirrors);
    return COCO_OK;
}
