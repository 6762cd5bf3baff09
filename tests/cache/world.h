/*
 * tests/cache/world.h - a cache without sockets, and a registry that says what a test wants
 *
 *     struct world w;
 *     world_begin(&w, "");
 *     world_add(&w, "hello");
 *     ask(&w, "GET", "/v2/up.test/a/blobs/" HELLO, NULL);   w.reply.status is 200, w.body "hello"
 *     world_end(&w);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_CACHE_WORLD_H
#define COCO_TESTS_CACHE_WORLD_H

#include "base/context.h"
#include "base/fail.h"
#include "cache/core.h"
#include "cache/router.h"

#include "tests/httpd.h"
#include "tests/support.h"

#include <dirent.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define BLOBS_MAX 8
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

/* What the registry has: blobs and manifests alike, and "tag", which means the first of them. */
struct upstream {
    struct httpd httpd;
    struct {
        char digest[COCO_DIGEST_TEXT_SIZE];
        const char *text;
    } items[BLOBS_MAX];
    size_t n;

    /* What may be wrong with it; read by its thread. */
    const char *wants;            /* an Authorization, else 401 */
    const char *challenge;        /* that goes with that */
    const char *instead;          /* the body of whatever is fetched */
    const char *status;           /* of all answers, "503 Service Unavailable" */
    const char *type;             /* of manifests, if it is another one */
    bool no_digest;               /* it announces none */
    bool no_length;               /* it does not say how long a blob is */
    _Atomic bool hold;            /* the second half of a blob waits until this is false */
    _Atomic unsigned heads, gets; /* that were answered 200 */
    _Atomic unsigned asked;       /* all requests */
};

struct world {
    char dir[64];
    coco_ctx *ctx;
    struct coco_cache_core *core;
    struct upstream up;
    struct upstream other; /* called other.test, which has the same */
    struct coco_httpd_reply reply;
    char head[8192]; /* the reply's fields */
    char body[1 << 20];
    size_t body_len;
    bool cut;
    char said[4096]; /* the log */
};

static inline bool
up_answer(void *user, const struct httpd_request *request)
{
    struct upstream *up = user;
    const char *last = strrchr(request->target, '/') + 1;
    char authorization[4096];
    char head[1024] = "";
    size_t i = 0;

    up->asked++;
    if (up->status)
        return httpd_reply(request->httpd, up->status, "Retry-After: 7\r\n", "");
    httpd_header(request, "Authorization", authorization, sizeof(authorization));
    if (up->wants && strcmp(authorization, up->wants) != 0) {
        (void)snprintf(head, sizeof(head), "WWW-Authenticate: %s\r\n", up->challenge);
        return httpd_reply(request->httpd, "401 Unauthorized", head, "");
    }
    while (i < up->n && strcmp(last, up->items[i].digest) != 0)
        i++;
    if (strcmp(last, "tag") == 0)
        i = 0;
    if (i == up->n)
        return httpd_reply(request->httpd, "404 Not Found", "", "");
    bool is_head = strcmp(request->method, "HEAD") == 0;
    const char *text = up->instead ? up->instead : up->items[i].text;
    const char *type = up->type ? up->type : MANIFEST_TYPE;
    size_t len = strlen(text);
    size_t n = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n",
                                strstr(request->target, "/manifests/") ? type : "x/y");
    if (!up->no_length || !is_head)
        n += (size_t)snprintf(head + n, sizeof(head) - n, "Content-Length: %zu\r\n", len);
    if (!up->no_digest)
        n += (size_t)snprintf(head + n, sizeof(head) - n, "Docker-Content-Digest: %s\r\n",
                              up->items[i].digest);
    (void)snprintf(head + n, sizeof(head) - n, "\r\n");
    (is_head ? &up->heads : &up->gets)[0]++;
    if (!httpd_say(request->httpd, head) || is_head)
        return is_head;
    if (!httpd_send(request->httpd, text, len / 2))
        return false;
    while (up->hold) {
        struct pollfd p = {.fd = up->httpd.stop[0], .events = POLLIN};

        if (poll(&p, 1, 10) > 0)
            return false;
    }
    return httpd_send(request->httpd, text + len / 2, len - len / 2);
}

static inline void
on_world_log(void *user, coco_log_level level, const char *message)
{
    struct world *w = user;
    size_t len = strlen(w->said);

    (void)level;
    (void)snprintf(w->said + len, sizeof(w->said) - len, "%s\n", message);
}

/* more is members of the configuration, each with a comma before it. */
static inline void
world_begin(struct world *w, const char *more)
{
    char config[4096];
    coco_error *err = NULL;

    memset(w, 0, sizeof(*w));
    make_temp_dir(w->dir, sizeof(w->dir));
    httpd_start(&w->up.httpd, up_answer, &w->up, NULL);
    httpd_start(&w->other.httpd, up_answer, &w->other, NULL);
    (void)snprintf(config, sizeof(config),
                   "{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"%s/cache\",\"retries\":0,"
                   "\"upstreams\":{\"up.test\":{\"registry\":\"%s\",\"plain_http\":true},"
                   "\"other.test\":{\"registry\":\"%s\",\"plain_http\":true}}%s}",
                   w->dir, w->up.httpd.url + strlen("http://"),
                   w->other.httpd.url + strlen("http://"), more);
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    coco_ctx_set_log(w->ctx, COCO_LOG_INFO, on_world_log, w, NULL);
    assert_ok(coco_cache_core_new(w->ctx, config, &w->core, &err), err);
}

static inline void
world_end(struct world *w)
{
    coco_httpd_reply_done(&w->reply);
    coco_cache_core_free(w->core);
    coco_ctx_free(w->ctx);
    httpd_stop(&w->up.httpd);
    httpd_stop(&w->other.httpd);
    remove_temp_dir(w->dir);
}

/* The registries have text; what it is called. */
static inline const char *
world_add(struct world *w, const char *text)
{
    struct coco_digest digest;

    assert_true(w->up.n < BLOBS_MAX);
    assert_int_equal(coco_digest_of(COCO_SHA256, text, strlen(text), &digest, NULL), COCO_OK);
    coco_digest_format(&digest, w->up.items[w->up.n].digest);
    w->up.items[w->up.n].text = text;
    w->other.items[w->other.n++] = w->up.items[w->up.n];
    return w->up.items[w->up.n++].digest;
}

static inline void
wait_for_news(struct world *w)
{
    struct pollfd p = {.fd = w->core->wake, .events = POLLIN};
    eventfd_t count;

    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_int_equal(eventfd_read(w->core->wake, &count), 0);
}

/* Waits until the reply is known. */
static inline void
settle(struct world *w)
{
    while (w->reply.later.self) {
        struct coco_httpd_reply known = {0};

        if (!w->reply.later.ready(w->reply.later.self, &known)) {
            wait_for_news(w);
            continue;
        }
        coco_httpd_reply_done(&w->reply);
        w->reply = known;
    }
    (void)snprintf(w->head, sizeof(w->head), "%s", coco_buf_text(&w->reply.fields));
}

/* Reads what there is of the body; false if there will be more. */
static inline bool
drain(struct world *w)
{
    const struct coco_httpd_stream *stream = &w->reply.stream;

    for (;;) {
        size_t len = 0;

        if (stream->sized && w->body_len == stream->size)
            return true;
        assert_true(w->body_len < sizeof(w->body));
        enum coco_httpd_more more = stream->read(stream->self, (uint8_t *)w->body + w->body_len,
                                                 sizeof(w->body) - w->body_len, &len);
        if (more == COCO_HTTPD_WAIT)
            return false;
        w->cut = more == COCO_HTTPD_CUT;
        if (more != COCO_HTTPD_DATA)
            return true;
        w->body_len += len;
    }
}

/* Begins a request; headers, or NULL. */
static inline void
begin_ask(struct world *w, const char *method, const char *target,
          const struct coco_httpd_request *headers)
{
    struct coco_httpd_request request = headers ? *headers : (struct coco_httpd_request){0};
    char path[1024];

    assert_true(strlen(target) < sizeof(path));
    (void)snprintf(path, sizeof(path), "%s", target);
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    request.method = method;
    request.path = path;
    request.query = query;
    coco_httpd_reply_done(&w->reply);
    w->body_len = 0;
    w->cut = false;
    coco_cache_handle(w->core, &request, &w->reply);
}

/* Asks and waits for all of the answer; its status. */
static inline int
ask(struct world *w, const char *method, const char *target,
    const struct coco_httpd_request *headers)
{
    begin_ask(w, method, target, headers);
    settle(w);
    if (w->reply.stream.self && strcmp(method, "HEAD") != 0) {
        while (!drain(w))
            wait_for_news(w);
    } else {
        w->body_len = w->reply.body.len;
        memcpy(w->body, coco_buf_text(&w->reply.body), w->body_len);
    }
    w->body[w->body_len] = '\0';
    return w->reply.status;
}

static inline int
get(struct world *w, const char *kind, const char *reference)
{
    char target[512];

    (void)snprintf(target, sizeof(target), "/v2/up.test/a/%s/%s", kind, reference);
    return ask(w, "GET", target, NULL);
}

static inline int
get_as(struct world *w, const char *method, const char *kind, const char *reference,
       const char *authorization)
{
    const struct coco_httpd_request headers = {.authorization = authorization};
    char target[512];

    (void)snprintf(target, sizeof(target), "/v2/up.test/a/%s/%s", kind, reference);
    return ask(w, method, target, &headers);
}

static inline uint64_t
counted(const struct world *w, enum coco_cache_counter counter)
{
    return w->core->counters.values[counter];
}

/* How many files a directory below that of the cache has. */
static inline size_t
count_files(const struct world *w, const char *class)
{
    char path[512];
    struct dirent *item;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "%s/cache/%s", w->dir, class);
    DIR *dir = opendir(path);
    while (dir && (item = readdir(dir)))
        n += item->d_name[0] != '.';
    if (dir)
        (void)closedir(dir);
    return n;
}

#endif
