/*
 * cache/router.c - from requests to replies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/router.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/json.h"
#include "httpd/exposition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 << 10)
#define ACCEPT_MAX ((size_t)4 << 10)

static const char *
code_for(int status)
{
    switch (status) {
    case 400:
        return "NAME_INVALID";
    case 401:
        return "UNAUTHORIZED";
    case 403:
        return "DENIED";
    case 404:
        return "NAME_UNKNOWN";
    case 405:
        return "UNSUPPORTED";
    case 429:
        return "TOOMANYREQUESTS";
    default:
        return "UNAVAILABLE";
    }
}

static coco_status
write_error(int status, const char *message, struct coco_buf *buf)
{
    _cleanup_json_ cJSON *root = NULL;
    cJSON *errors = NULL;
    cJSON *item = NULL;

    coco_status ok = coco_json_new_object(&root, NULL);
    if (ok == COCO_OK)
        ok = coco_json_add_array(root, "errors", &errors, NULL);
    if (ok == COCO_OK)
        ok = coco_json_add_object(errors, NULL, &item, NULL);
    if (ok == COCO_OK)
        ok = coco_json_add_string(item, "code", code_for(status), NULL);
    if (ok == COCO_OK)
        ok = coco_json_add_string(item, "message", message, NULL);
    return ok == COCO_OK ? coco_json_write(root, COCO_JSON_COMPACT, buf, NULL) : ok;
}

void
coco_cache_refuse(const char *message, struct coco_httpd_reply *reply)
{
    coco_buf_reset(&reply->body);
    reply->body.limit = TEXT_MAX;
    reply->type = "application/json";
    /* Without memory the body stays empty: the status still says what happened. */
    if (write_error(reply->status, message, &reply->body) != COCO_OK)
        coco_buf_reset(&reply->body);
}

static void
fail(struct coco_httpd_reply *reply)
{
    coco_httpd_reply_done(reply);
    reply->status = 500;
    coco_cache_refuse("internal error", reply);
}

/* The fields of what has a digest. */
static coco_status
add_digest(const struct coco_digest *digest, char etag[COCO_DIGEST_TEXT_SIZE + 2],
           struct coco_httpd_reply *reply, coco_error **err)
{
    char text[COCO_DIGEST_TEXT_SIZE];

    coco_digest_format(digest, text);
    (void)snprintf(etag, COCO_DIGEST_TEXT_SIZE + 2, "\"%s\"", text);
    coco_status status = coco_httpd_reply_add(reply, "Docker-Content-Digest", text, err);
    if (status == COCO_OK)
        status = coco_httpd_reply_add(reply, "ETag", etag, err);
    if (status == COCO_OK)
        status = coco_httpd_reply_add(reply, "Accept-Ranges", "bytes", err);
    return status;
}

static coco_status
add_type(enum coco_cache_kind kind, const char *type, struct coco_httpd_reply *reply,
         coco_error **err)
{
    if (kind == COCO_CACHE_KIND_BLOB || !*type)
        type = "application/octet-stream";
    return coco_httpd_reply_add(reply, "Content-Type", type, err);
}

static coco_status
add_content_range(const struct coco_cache_range *range, uint64_t size,
                  struct coco_httpd_reply *reply, coco_error **err)
{
    char text[80];

    if (range->status == 200)
        return COCO_OK;
    if (range->status == 416)
        (void)snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
    else
        (void)snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
                       range->first + range->len - 1, size);
    return coco_httpd_reply_add(reply, "Content-Range", text, err);
}

/* What the client said of the part that it wants. */
struct part {
    char *range;    /* or NULL */
    char *if_range; /* or NULL */
};

static coco_status
give(struct coco_cache_core *core, struct coco_cache_content *content, const struct part *part,
     struct coco_httpd_reply *reply, coco_error **err)
{
    uint64_t size = content->entry.size;
    char etag[COCO_DIGEST_TEXT_SIZE + 2];

    coco_status status = add_digest(&content->key.digest, etag, reply, err);
    if (status != COCO_OK)
        return status;
    const struct coco_cache_range range =
        coco_cache_range_parse(part->range, part->if_range, etag, size);
    reply->status = range.status;
    status = add_content_range(&range, size, reply, err);
    if (status == COCO_OK && range.status == 416) {
        coco_cache_refuse("the range begins behind the end", reply);
        return COCO_OK;
    }
    if (status == COCO_OK)
        status = add_type(content->key.kind, content->entry.type, reply, err);
    if (status == COCO_OK)
        status = coco_cache_content_stream(content, range.first, range.len, &core->counters,
                                           &reply->stream, err);
    return status;
}

/* ---- replies that wait for a registry ---- */

struct waiter {
    struct coco_cache_core *core;
    struct coco_cache_ask *ask;
    struct part part;
};

static void
free_waiter(void *self)
{
    struct waiter *waiter = self;

    if (!waiter)
        return;
    coco_cache_ask_unref(waiter->ask);
    free(waiter->part.range);
    free(waiter->part.if_range);
    free(waiter);
}
COCO_DEFINE_CLEANUP(struct waiter *, free_waiter);

static void
stream_nothing_free(void *self)
{
    (void)self;
}

/* A head that a registry gave; there is no body to it. */
static coco_status
give_head(struct coco_cache_ask *ask, struct coco_httpd_reply *reply, coco_error **err)
{
    const struct coco_cache_request *request = &ask->request;
    bool blob = request->what == COCO_CACHE_BLOB;
    char etag[COCO_DIGEST_TEXT_SIZE + 2];

    reply->status = 200;
    /* Its length is told, and it is never read, for HEAD was asked. */
    reply->stream = (struct coco_httpd_stream){
        .free = stream_nothing_free,
        .self = ask,
        .sized = true,
        .size = ask->answer.size,
    };
    coco_status status =
        add_digest(request->digest.alg ? &request->digest : &ask->answer.digest, etag, reply, err);
    if (status == COCO_OK)
        status = add_type(blob ? COCO_CACHE_KIND_BLOB : COCO_CACHE_KIND_MANIFEST, ask->answer.type,
                          reply, err);
    return status;
}

static const char *
explain(int status)
{
    switch (status) {
    case 401:
        return "the registry wants to see a credential";
    case 403:
        return "the registry refuses";
    case 404:
        return "the registry does not have it";
    case 429:
        return "the registry was asked too often";
    case 503:
        return "the cache is full, busy or ending";
    default:
        return "the registry cannot be reached, or delivers something else";
    }
}

static coco_status
pass_refusal(const struct coco_cache_ask *ask, struct coco_httpd_reply *reply, coco_error **err)
{
    coco_status status = COCO_OK;

    coco_cache_count(&ask->core->counters, COCO_CACHE_REFUSALS, 1);
    reply->status = ask->answer.status;
    coco_cache_refuse(explain(reply->status), reply);
    if (ask->answer.challenge && reply->status == 401)
        status = coco_httpd_reply_add(reply, "WWW-Authenticate", ask->answer.challenge, err);
    if (status == COCO_OK && ask->answer.retry_after)
        status = coco_httpd_reply_add(reply, "Retry-After", ask->answer.retry_after, err);
    return status;
}

static bool
look(void *self, struct coco_httpd_reply *reply)
{
    struct waiter *waiter = self;
    struct coco_cache_ask *ask = waiter->ask;
    coco_status status;

    if (!ask->done)
        return false;
    if (ask->content)
        status = give(waiter->core, ask->content, &waiter->part, reply, NULL);
    else if (ask->answer.status == 200)
        status = give_head(ask, reply, NULL);
    else
        status = pass_refusal(ask, reply, NULL);
    if (status != COCO_OK)
        fail(reply);
    return true;
}

static coco_status
copy(const char *text, char **ret, coco_error **err)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? coco_fail_nomem(err) : COCO_OK;
}

/* All Accept fields as one; NULL in *ret if there is none. */
static coco_status
join_accept(const struct coco_httpd_request *request, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < request->n_accept && status == COCO_OK; i++)
        status = coco_buf_printf(buf, err, "%s%s", i ? ", " : "", request->accept[i]);
    return status;
}

static coco_status
ask(struct coco_cache_core *core, const struct coco_httpd_request *request,
    struct coco_cache_request *parsed, struct coco_httpd_reply *reply, coco_error **err)
{
    _cleanup_(free_waiterp) struct waiter *waiter = calloc(1, sizeof(*waiter));
    _cleanup_buf_ struct coco_buf accept = {.limit = ACCEPT_MAX};

    if (!waiter)
        return coco_fail_nomem(err);
    waiter->core = core;
    coco_status status = copy(request->range, &waiter->part.range, err);
    if (status == COCO_OK)
        status = copy(request->if_range, &waiter->part.if_range, err);
    if (status == COCO_OK)
        status = join_accept(request, &accept, err);
    if (status == COCO_OK)
        status = coco_cache_core_ask(core, parsed, accept.len ? coco_buf_text(&accept) : NULL,
                                     request->authorization, &waiter->ask, err);
    if (status != COCO_OK)
        return status;
    reply->later = (struct coco_httpd_later){look, free_waiter, coco_steal(&waiter)};
    return COCO_OK;
}

/* ---- the rest ---- */

static coco_status
get_image(struct coco_cache_core *core, const struct coco_httpd_request *request,
          struct coco_cache_request *parsed, struct coco_httpd_reply *reply, coco_error **err)
{
    _cleanup_(coco_cache_content_unrefp) struct coco_cache_content *content = NULL;
    union {
        const char *in;
        char *out;
    } range = {.in = request->range}, if_range = {.in = request->if_range};
    const struct part part = {range.out, if_range.out};

    coco_cache_count(&core->counters, COCO_CACHE_REQUESTS, 1);
    coco_status status = coco_cache_core_find(core, parsed, &content, err);
    if (status != COCO_OK)
        return status;
    return content ? give(core, content, &part, reply, err)
                   : ask(core, request, parsed, reply, err);
}

static coco_status
give_metrics(struct coco_cache_core *core, struct coco_httpd_reply *reply, coco_error **err)
{
    reply->type = COCO_EXPOSITION_TYPE;
    return coco_cache_counters_format(&core->counters, coco_cache_store_used(core->store),
                                      core->config.max_bytes, &reply->body, err);
}

static coco_status
dispatch(struct coco_cache_core *core, const struct coco_httpd_request *request,
         struct coco_cache_request *parsed, struct coco_httpd_reply *reply, coco_error **err)
{
    coco_status status = COCO_OK;

    reply->status = 200;
    reply->body.limit = TEXT_MAX;
    switch (parsed->what) {
    case COCO_CACHE_HEALTH:
        return COCO_OK;
    case COCO_CACHE_METRICS:
        return give_metrics(core, reply, err);
    case COCO_CACHE_PING:
        reply->type = "application/json";
        status =
            coco_httpd_reply_add(reply, "Docker-Distribution-Api-Version", "registry/2.0", err);
        return status == COCO_OK ? coco_buf_append_text(&reply->body, "{}", err) : status;
    default:
        return get_image(core, request, parsed, reply, err);
    }
}

void
coco_cache_handle(struct coco_cache_core *core, const struct coco_httpd_request *request,
                  struct coco_httpd_reply *reply)
{
    _cleanup_cache_request_ struct coco_cache_request parsed = {0};
    const char *why = NULL;
    coco_error *err = NULL;

    reply->status = coco_cache_request_parse(&core->config, request, &parsed, &why);
    if (reply->status) {
        coco_cache_count(&core->counters, COCO_CACHE_REFUSALS, 1);
        coco_cache_refuse(why, reply);
        if (reply->status == 405
            && coco_httpd_reply_add(reply, "Allow", "GET, HEAD", NULL) != COCO_OK)
            fail(reply);
        return;
    }
    coco_status status = dispatch(core, request, &parsed, reply, &err);
    if (status != COCO_OK) {
        coco_ctx_log(core->ctx, COCO_LOG_WARN, "%s: %s", request->path,
                     err ? coco_error_message(err) : "out of memory");
        fail(reply);
    }
    coco_error_free(err);
}
