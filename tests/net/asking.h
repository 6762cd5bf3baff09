/*
 * tests/net/asking.h - a client, and servers that say what it is to hear
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_NET_ASKING_H
#define COCO_TESTS_NET_ASKING_H

#include "base/context.h"
#include "net/http.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct httpd httpd; /* the one that is asked */
    struct httpd other; /* where it may send us */
    coco_ctx *ctx;
    struct coco_http *http;
    struct coco_http_response response;
    coco_error *err;
};

static struct fixture fixture;

static const struct coco_proxies direct;

static inline int
setup(void **state)
{
    const struct coco_http_options opts = {.allow_plain = true, .proxies = &direct};
    struct fixture *f = &fixture;

    f->err = NULL;
    f->response = (struct coco_http_response){0};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_http_new(&opts, &f->http, &f->err), f->err);
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_http_response_done(&f->response);
    coco_http_free(f->http);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

static inline coco_status
get(struct fixture *f, const char *url)
{
    const struct coco_http_request request = {.method = "GET", .url = url};

    coco_http_response_done(&f->response);
    return coco_http_do(f->http, f->ctx, &request, &f->response, &f->err);
}

/* What a server that answers so gives to a request, whose url is not there yet. */
static inline coco_status
ask(struct fixture *f, httpd_answer *answer, void *user, const struct coco_http_request *request)
{
    struct coco_http_request asked = *request;

    httpd_start(&f->httpd, answer, user, NULL);
    asked.url = f->httpd.url;
    coco_http_response_done(&f->response);
    coco_status status = coco_http_do(f->http, f->ctx, &asked, &f->response, &f->err);
    httpd_stop(&f->httpd);
    return status;
}

/* The same of a GET, over TLS unless tls is NULL. */
static inline coco_status
get_from(struct fixture *f, httpd_answer *answer, void *user, SSL_CTX *tls)
{
    httpd_start(&f->httpd, answer, user, tls);
    coco_status status = get(f, f->httpd.url);
    httpd_stop(&f->httpd);
    return status;
}

/* An answer that is one text, sent as it is; the connection stays open if user says so. */
struct text_answer {
    const char *text;
    bool keep;
};

static inline bool
say_text(void *user, const struct httpd_request *request)
{
    const struct text_answer *answer = user;

    return httpd_say(request->httpd, answer->text) && answer->keep;
}

/* What a server saw last; read it after httpd_stop(). */
struct seen {
    char line[512];
    char authorization[128];
    char cookie[128];
    char accept[128];
    char type[128];
    char encoding[128];
    char expect[128];
    char body[256];
    size_t body_len;
};

static inline void
see(struct seen *seen, const struct httpd_request *request)
{
    (void)snprintf(seen->line, sizeof(seen->line), "%s %.400s", request->method, request->target);
    httpd_header(request, "Authorization", seen->authorization, sizeof(seen->authorization));
    httpd_header(request, "Cookie", seen->cookie, sizeof(seen->cookie));
    httpd_header(request, "Accept", seen->accept, sizeof(seen->accept));
    httpd_header(request, "Content-Type", seen->type, sizeof(seen->type));
    httpd_header(request, "Accept-Encoding", seen->encoding, sizeof(seen->encoding));
    httpd_header(request, "Expect", seen->expect, sizeof(seen->expect));
    (void)snprintf(seen->body, sizeof(seen->body), "%s", request->body);
    seen->body_len = request->body_len;
}

static inline bool
look(void *user, const struct httpd_request *request)
{
    see(user, request);
    return httpd_reply(request->httpd, "200 OK", "", "here");
}

struct redirect {
    const char *code;
    char location[256];
    struct seen seen;
};

static inline bool
redirect(void *user, const struct httpd_request *request)
{
    struct redirect *to = user;
    char header[300];

    see(&to->seen, request);
    if (strcmp(request->target, "/end") == 0)
        return httpd_reply(request->httpd, "200 OK", "", "end");
    (void)snprintf(header, sizeof(header), "Location: %s\r\n", to->location);
    return httpd_reply(request->httpd, to->code, header, "moved");
}

#endif
