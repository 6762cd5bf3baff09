/*
 * tests/net/test_http.c - lib/net/http.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/http.h"

#include "base/fail.h"
#include "tests/faults.h"
#include "tests/net/asking.h"
#include "tests/pki.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DESCRIPTORS 256 /* a test has fewer */

static void
get_gives_status_headers_and_body(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 404 Gone\r\nX-One: 1\r\nX-ONE:  2 \r\nEmpty:\r\n"
                                 "Content-Length: 5\r\n\r\nhello",
                                 true};
    _cleanup_buf_ struct coco_buf all = {.limit = 100};
    char *value = NULL;

    coco_status status = get_from(f, say_text, &answer, NULL);
    assert_ok(status, f->err);
    assert_int_equal(f->response.status, 404);
    assert_string_equal(coco_buf_text(&f->response.body), "hello");
    assert_string_equal(coco_buf_text(&f->response.headers),
                        "x-one: 1\nx-one: 2\nempty: \ncontent-length: 5\n");
    assert_contains(f->response.url, f->httpd.url);
    assert_ok(coco_http_header(&f->response, "x-one", &value, &f->err), f->err);
    assert_string_equal(value, "1");
    free(value);
    assert_ok(coco_http_header_all(&f->response, "x-one", &all, &f->err), f->err);
    assert_string_equal(coco_buf_text(&all), "1, 2");
    assert_ok(coco_http_header(&f->response, "empty", &value, &f->err), f->err);
    assert_string_equal(value, "");
    free(value);
    assert_ok(coco_http_header(&f->response, "one", &value, &f->err), f->err);
    assert_null(value);
}

static void
headers_are_of_the_last_head_without_trailers(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "2\r\nhi\r\n0\r\nX-Trailer: late\r\n\r\n",
                                 true};

    coco_status status = get_from(f, say_text, &answer, NULL);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&f->response.headers), "transfer-encoding: chunked\n");
    assert_string_equal(coco_buf_text(&f->response.body), "hi");
}

static void
connections_are_kept_and_used_again(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true};

    httpd_start(&f->httpd, say_text, &answer, NULL);
    coco_status first = get(f, f->httpd.url);
    coco_status second = get(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_ok(first, f->err);
    assert_ok(second, f->err);
    assert_int_equal(f->httpd.requests, 2);
    assert_int_equal(f->httpd.connections, 1);
}

/* How many descriptors are connected to the server, and whether each is closed by exec(). */
static size_t
connected_to(const struct httpd *httpd, bool *ret)
{
    struct sockaddr_in peer;
    size_t n = 0;

    *ret = true;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        socklen_t len = sizeof(peer);

        if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 || peer.sin_family != AF_INET
            || ntohs(peer.sin_port) != httpd->port)
            continue;
        *ret = *ret && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
        n++;
    }
    return n;
}

/* The program may run others at any time, whose business our peers are not. */
static void
connections_are_not_inherited(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", true};
    bool closed = false;

    httpd_start(&f->httpd, say_text, &answer, NULL);
    coco_status status = get(f, f->httpd.url);
    size_t n = connected_to(&f->httpd, &closed);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_int_equal(n, 1);
    assert_true(closed);
}

/* Bytes behind an answer must not become the next one's. */
static void
excess_bytes_are_no_answer(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
                                 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                                 true};

    httpd_start(&f->httpd, say_text, &answer, NULL);
    coco_status first = get(f, f->httpd.url);
    coco_status second = get(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_ok(first, f->err);
    assert_ok(second, f->err);
    assert_string_equal(coco_buf_text(&f->response.body), "hi");
    assert_int_equal(f->httpd.connections, 2);
}

static void
hostile_answers_are_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_NET, "mpty reply"},
        {"HTTP/1.1 200 OK\r\n", COCO_ERR_NET, "closed in an answer's head"},
        {"HTTP/1.1 200 OK\r\nContent-Le", COCO_ERR_NET, "closed in an answer's head"},
        {"HTTP/1.1 100 Continue\r\n\r\n", COCO_ERR_NET, ""},
        {"hello\r\n", COCO_ERR_PROTO, "HTTP/0.9"},
        {"HTTP/9.9 200 OK\r\n\r\n", COCO_ERR_PROTO, ""},
        {"HTTP/1.1 2000 OK\r\n\r\n", COCO_ERR_PROTO, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", COCO_ERR_NET, "remaining"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", COCO_ERR_PROTO, "Content-Length"},
        {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", COCO_ERR_PROTO, "Content-Length"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", COCO_ERR_NET, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", COCO_ERR_NET, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
         COCO_ERR_NET, ""},
        {"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", COCO_ERR_PROTO, ""},
        {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", COCO_ERR_PROTO, "header"},
        {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", COCO_ERR_PROTO, "header"},
        {"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", COCO_ERR_PROTO, "control bytes"},
        {"HTTP/1.1 200 OK\r\nA: \033[2J\r\n\r\n", COCO_ERR_PROTO, "control bytes"},
        {"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n", COCO_ERR_PROTO, ""},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text_answer answer = {cases[i].text, false};

        coco_status status = get_from(f, say_text, &answer, NULL);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_fails(status, f->err, cases[i].status, cases[i].why);
        assert_null(f->response.url);
    }
}

struct flood {
    const char *head, *again;
};

static bool
flood(void *user, const struct httpd_request *request)
{
    const struct flood *what = user;
    char many[16 << 10];
    size_t len = strlen(what->again);
    size_t n = sizeof(many) / len * len;

    for (size_t i = 0; i < n; i++)
        many[i] = what->again[i % len];
    if (!httpd_say(request->httpd, what->head))
        return false;
    while (httpd_send(request->httpd, many, n))
        continue;
    return false;
}

static void
floods_end_at_the_limit(void **state)
{
    static const struct {
        struct flood flood;
        const char *why;
    } cases[] = {
        {{"HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"}, "headers of more than 131072"},
        {{"HTTP/1.1 200 OK\r\nX-One: ", "endless"}, "headers of more than 131072"},
        {{"HTTP/1.1 200 OK\r\nX-Name", "endless"}, "headers of more than 131072"},
        {{"", "HTTP/1.1 100 Continue\r\n\r\n"}, "headers of more than 131072"},
        {{"", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"}, "headers of more than 131072"},
        {{"HTTP/1.1 200 OK\r\n\r\n", "without end"}, "a body of more than 4194304"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n"},
         "a body of more than 4194304"},
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Trailer: more\r\n"},
         "headers of more than 131072"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct flood what = cases[i].flood;

        coco_status status = get_from(f, flood, &what, NULL);
        assert_fails(status, f->err, COCO_ERR_LIMIT, cases[i].why);
    }
}

static void
an_endless_error_is_cut(void **state)
{
    struct fixture *f = *state;
    struct flood what = {"HTTP/1.1 503 Busy\r\n\r\n", "sorry "};

    coco_status status = get_from(f, flood, &what, NULL);
    assert_ok(status, f->err);
    assert_int_equal(f->response.status, 503);
    assert_int_equal(f->response.body.len, 1 << 20);
}

static void
a_body_may_have_max_body_bytes_and_not_one_more(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(answers); i++) {
        for (uint64_t max = 4; max <= 5; max++) {
            struct text_answer answer = {answers[i], false};
            const struct coco_http_request request = {.method = "GET", .max_body = max};

            coco_status status = ask(f, say_text, &answer, &request);
            if (max == 5) {
                assert_ok(status, f->err);
                assert_string_equal(coco_buf_text(&f->response.body), "hello");
            } else {
                assert_fails(status, f->err, COCO_ERR_LIMIT, "more than 4 bytes");
            }
        }
    }
}

/* Fails once it has seen more than two bytes. */
static coco_status
full_after_two(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    size_t *taken = self;

    (void)data;
    *taken += len;
    if (*taken > 2)
        return coco_fail(err, COCO_ERR_IO, "disk full");
    return COCO_OK;
}

static void
a_failing_sink_ends_the_request_with_its_error(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true};
    size_t taken = 0;
    const struct coco_sink sink = {.write = full_after_two, .self = &taken};
    const struct coco_http_request request = {.method = "GET", .sink = &sink};

    coco_status status = ask(f, say_text, &answer, &request);
    assert_fails(status, f->err, COCO_ERR_IO, "disk full");
}

static void
a_sink_gets_no_error_pages(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"HTTP/1.1 404 Gone\r\nContent-Length: 5\r\n\r\nhello", true};
    size_t taken = 0;
    const struct coco_sink sink = {.write = full_after_two, .self = &taken};
    const struct coco_http_request request = {.method = "GET", .sink = &sink};

    coco_status status = ask(f, say_text, &answer, &request);
    assert_ok(status, f->err);
    assert_int_equal(taken, 0);
    assert_string_equal(coco_buf_text(&f->response.body), "hello");
}

static const struct coco_http_header credentials[] = {
    {"Accept", "text/plain"},
    {"Authorization", "Bearer s3cret"},
    {"Cookie", "a=b"},
};

static void
redirects_on_one_server_keep_credentials(void **state)
{
    struct fixture *f = *state;
    struct redirect to = {.code = "302 Found", .location = "/end"};
    const struct coco_http_request request = {
        .method = "GET", .headers = credentials, .n_headers = 3};

    coco_status status = ask(f, redirect, &to, &request);
    assert_ok(status, f->err);
    assert_string_equal(coco_buf_text(&f->response.body), "end");
    assert_contains(f->response.url, "/end");
    assert_string_equal(to.seen.authorization, "Bearer s3cret");
    assert_string_equal(to.seen.encoding, "identity");
}

static void
redirects_to_another_server_lose_credentials(void **state)
{
    struct fixture *f = *state;
    struct redirect to = {.code = "307 Temporary Redirect"};
    struct seen seen = {0};
    const struct coco_http_request request = {
        .method = "GET", .headers = credentials, .n_headers = 3};

    httpd_start(&f->other, look, &seen, NULL);
    (void)snprintf(to.location, sizeof(to.location), "%s/elsewhere", f->other.url);
    coco_status status = ask(f, redirect, &to, &request);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_string_equal(to.seen.authorization, "Bearer s3cret");
    assert_string_equal(seen.line, "GET /elsewhere");
    assert_string_equal(seen.accept, "text/plain");
    assert_string_equal(seen.authorization, "");
    assert_string_equal(seen.cookie, "");
    assert_contains(f->response.url, "/elsewhere");
}

static void
credentials_lost_on_the_way_stay_lost(void **state)
{
    struct fixture *f = *state;
    struct redirect to = {.code = "302 Found"};
    struct redirect back = {.code = "302 Found"};
    struct coco_http_request request = {.method = "GET", .headers = credentials, .n_headers = 3};

    httpd_start(&f->other, redirect, &back, NULL);
    (void)snprintf(to.location, sizeof(to.location), "%s/x", f->other.url);
    httpd_start(&f->httpd, redirect, &to, NULL);
    (void)snprintf(back.location, sizeof(back.location), "%s/end", f->httpd.url);
    request.url = f->httpd.url;
    coco_status status = coco_http_do(f->http, f->ctx, &request, &f->response, &f->err);
    httpd_stop(&f->httpd);
    httpd_stop(&f->other);
    assert_ok(status, f->err);
    assert_string_equal(to.seen.line, "GET /end");
    assert_string_equal(to.seen.authorization, "");
}

static void
redirects_that_lead_astray_are_refused(void **state)
{
    static const struct {
        const char *location;
        coco_status status;
        const char *why;
    } cases[] = {
        {"/again", COCO_ERR_LIMIT, "more than 5 redirects"},
        {"file:///etc/passwd", COCO_ERR_PROTO, "scheme 'file'"},
        {"gopher://127.0.0.1/", COCO_ERR_PROTO, "scheme 'gopher'"},
        {"http://user:pass@127.0.0.1/end", COCO_ERR_PROTO, "user and password"},
        {"http://", COCO_ERR_PROTO, "not a URL"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct redirect to = {.code = "301 Moved Permanently"};

        (void)snprintf(to.location, sizeof(to.location), "%s", cases[i].location);
        coco_status status = get_from(f, redirect, &to, NULL);
        assert_fails(status, f->err, cases[i].status, cases[i].why);
        assert_null(f->response.url);
    }
    assert_int_equal(f->httpd.requests, 1);
}

static void
redirects_not_followed_are_answers(void **state)
{
    static const struct {
        const char *method, *code;
        bool no_redirect;
        long status;
    } cases[] = {
        {"GET", "302 Found", true, 302},
        {"POST", "302 Found", false, 302},
        {"POST", "307 Temporary Redirect", false, 307},
        {"GET", "300 Multiple Choices", false, 300},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct redirect to = {.code = cases[i].code, .location = "/end"};
        const struct coco_http_request request = {.method = cases[i].method,
                                                  .no_redirect = cases[i].no_redirect};

        coco_status status = ask(f, redirect, &to, &request);
        assert_ok(status, f->err);
        assert_int_equal(f->response.status, cases[i].status);
        assert_int_equal(f->httpd.requests, 1);
    }
}

static void
bodies_go_out_as_they_are(void **state)
{
    static const struct coco_http_header json[] = {{"Content-Type", "application/json"}};
    static const struct {
        const char *method, *body, *want_type;
        size_t n_headers;
    } cases[] = {
        {"POST", "{}", "application/json", 1},
        {"PUT", "bytes", "", 0},
        {"PATCH", "", "", 0},
        {"DELETE", "", "", 0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct seen seen = {0};
        const struct coco_http_request request = {
            .method = cases[i].method,
            .body = cases[i].body,
            .body_len = strlen(cases[i].body),
            .headers = json,
            .n_headers = cases[i].n_headers,
        };

        coco_status status = ask(f, look, &seen, &request);
        assert_ok(status, f->err);
        assert_int_equal(strncmp(seen.line, cases[i].method, strlen(cases[i].method)), 0);
        assert_string_equal(seen.body, cases[i].body);
        assert_string_equal(seen.type, cases[i].want_type);
    }
}

struct counter {
    size_t left, fail_at;
};

static coco_status
count_down(void *self, uint8_t *data, size_t room, size_t *ret, coco_error **err)
{
    struct counter *counter = self;
    size_t n = counter->left < room ? counter->left : room;

    if (counter->left <= counter->fail_at)
        return coco_fail(err, COCO_ERR_VERIFY, "bad source");
    memset(data, 'x', n);
    counter->left -= n;
    *ret = n;
    return COCO_OK;
}

static coco_status
count_to_zero(void *self, uint8_t *data, size_t room, size_t *ret, coco_error **err)
{
    struct counter *counter = self;

    if (counter->left == 0) {
        *ret = 0;
        return COCO_OK;
    }
    return count_down(self, data, room, ret, err);
}

static void
a_reader_is_sent_in_chunks(void **state)
{
    struct fixture *f = *state;
    struct counter counter = {.left = 300000};
    const struct coco_stream reader = {.read = count_to_zero, .self = &counter};
    const struct coco_http_request request = {.method = "PATCH", .reader = &reader};
    struct seen seen = {0};

    coco_status status = ask(f, look, &seen, &request);
    assert_ok(status, f->err);
    assert_string_equal(seen.line, "PATCH /");
    assert_string_equal(seen.expect, "");
    assert_int_equal(seen.body_len, 300000);
    assert_string_equal(coco_buf_text(&f->response.body), "here");
}

static void
a_failing_reader_ends_the_request_with_its_error(void **state)
{
    struct fixture *f = *state;
    struct counter counter = {.left = 300000, .fail_at = 100000};
    const struct coco_stream reader = {.read = count_down, .self = &counter};
    const struct coco_http_request request = {.method = "PUT", .reader = &reader};
    struct seen seen = {0};

    coco_status status = ask(f, look, &seen, &request);
    assert_fails(status, f->err, COCO_ERR_VERIFY, "bad source");
    assert_string_equal(seen.line, "");
}

/* Pushes n pieces of 1000 bytes, until the server has answered. */
static coco_status
push(struct coco_http_upload *upload, size_t n, coco_error **err)
{
    const struct coco_sink sink = coco_http_upload_sink(upload);
    coco_status status = COCO_OK;
    char piece[1000];

    memset(piece, 'x', sizeof(piece));
    for (size_t i = 0; status == COCO_OK && i < n && !coco_http_upload_answered(upload); i++)
        status = coco_sink_write(&sink, piece, sizeof(piece), err);
    return status;
}

static void
an_upload_sends_what_is_pushed(void **state)
{
    static const size_t counts[] = {0, 1, 300};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(counts); i++) {
        _cleanup_(coco_http_upload_freep) struct coco_http_upload *upload = NULL;
        struct coco_http_request request = {.method = "PATCH"};
        struct seen seen = {0};

        httpd_start(&f->httpd, look, &seen, NULL);
        request.url = f->httpd.url;
        coco_http_response_done(&f->response);
        coco_status status = coco_http_upload_begin(f->http, f->ctx, &request, &upload, &f->err);
        if (status == COCO_OK)
            status = push(upload, counts[i], &f->err);
        if (status == COCO_OK)
            status = coco_http_upload_end(upload, &f->response, &f->err);
        httpd_stop(&f->httpd);
        assert_ok(status, f->err);
        assert_string_equal(seen.line, "PATCH /");
        assert_int_equal(seen.body_len, counts[i] * 1000);
        assert_string_equal(coco_buf_text(&f->response.body), "here");
    }
}

/* What a server does that does not want the rest: an answer before the body's end. */
static void *
answer_early(void *user)
{
    const int *listener = user;
    char head[4096];
    int fd = accept(*listener, NULL, NULL);

    if (fd < 0 || recv(fd, head, sizeof(head), 0) < 0)
        return NULL;
    (void)send(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", 47, MSG_NOSIGNAL);
    while (recv(fd, head, sizeof(head), 0) > 0)
        continue;
    (void)close(fd);
    return NULL;
}

static void
an_upload_ends_when_it_is_answered_early(void **state)
{
    struct fixture *f = *state;
    struct coco_http_upload *upload = NULL;
    struct coco_http_request request = {.method = "PATCH"};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    pthread_t thread;
    char url[64];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_early, &listener), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    request.url = url;
    assert_ok(coco_http_upload_begin(f->http, f->ctx, &request, &upload, &f->err), f->err);
    /* Without an end: only the answer ends this. */
    assert_ok(push(upload, SIZE_MAX, &f->err), f->err);
    assert_ok(coco_http_upload_end(upload, &f->response, &f->err), f->err);
    coco_http_upload_free(upload);
    (void)pthread_join(thread, NULL);
    (void)close(listener);
    assert_int_equal(f->response.status, 413);
    assert_string_equal(coco_buf_text(&f->response.body), "no");
}

static void
an_upload_can_be_canceled_and_given_up(void **state)
{
    struct fixture *f = *state;
    struct coco_http_upload *upload = NULL;
    struct coco_http_request request = {.method = "PATCH"};
    struct seen seen = {0};

    httpd_start(&f->httpd, look, &seen, NULL);
    request.url = f->httpd.url;
    assert_ok(coco_http_upload_begin(f->http, f->ctx, &request, &upload, &f->err), f->err);
    assert_ok(push(upload, 3, &f->err), f->err);
    coco_http_upload_free(upload);
    upload = NULL;

    /* The client is as good as new. */
    assert_ok(get(f, f->httpd.url), f->err);
    assert_ok(coco_http_upload_begin(f->http, f->ctx, &request, &upload, &f->err), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(push(upload, 1, &f->err), f->err, COCO_ERR_CANCELED, "canceled");
    coco_http_upload_free(upload);
    httpd_stop(&f->httpd);
    assert_int_equal(f->httpd.requests, 1);
}

static void
upload_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct coco_http_request request = {.method = "PATCH", .headers = credentials, .n_headers = 3};

    httpd_start(&f->httpd, look, &seen, NULL);
    request.url = f->httpd.url;
    for_each_fault()
    {
        _cleanup_(coco_http_upload_freep) struct coco_http_upload *upload = NULL;
        _cleanup_response_ struct coco_http_response response = {0};
        coco_error *err = NULL;

        coco_status status = coco_http_upload_begin(f->http, f->ctx, &request, &upload, &err);
        if (status == COCO_OK)
            status = push(upload, 3, &err);
        if (status == COCO_OK)
            status = coco_http_upload_end(upload, &response, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
}

static void
requests_that_cannot_be_made_are_refused(void **state)
{
    static const struct {
        const char *url, *name, *value, *why;
    } cases[] = {
        {"ftp://127.0.0.1/", NULL, NULL, "scheme 'ftp'"},
        {"http://u:p@127.0.0.1/", NULL, NULL, "user and password"},
        {"http://127.0.0.1/", "X", "a\r\nY: b", "header 'X' cannot be sent"},
        {"http://127.0.0.1/", "X", "a\nY: b", "cannot be sent"},
        {"http://127.0.0.1/", "X", "a\rb", "cannot be sent"},
        {"http://127.0.0.1/", "X\r\nY", "a", "cannot be sent"},
        {"http://127.0.0.1/", "X:", "a", "cannot be sent"},
        {"http://127.0.0.1/", "", "a", "cannot be sent"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct coco_http_header header = {cases[i].name, cases[i].value};
        const struct coco_http_request request = {
            .method = "GET",
            .url = cases[i].url,
            .headers = &header,
            .n_headers = header.name ? 1 : 0,
        };

        assert_fails(coco_http_do(f->http, f->ctx, &request, &f->response, &f->err), f->err,
                     COCO_ERR_INVALID, cases[i].why);
    }
    coco_http_allow_plain(f->http, false);
    assert_fails(get(f, "http://127.0.0.1/"), f->err, COCO_ERR_INVALID, "plain HTTP");
}

static void
nobody_there_is_an_error_of_the_network(void **state)
{
    struct fixture *f = *state;
    struct text_answer answer = {"", false};

    httpd_start(&f->httpd, say_text, &answer, NULL);
    httpd_stop(&f->httpd);
    assert_fails(get(f, f->httpd.url), f->err, COCO_ERR_NET, "connect");
    assert_fails(get(f, "http://host.invalid/"), f->err, COCO_ERR_NET, "host.invalid");
}

/* Says the beginning of an answer, tells the test, and then nothing more. */
struct stall {
    const char *text;
    sem_t reached;
};

static bool
stall(void *user, const struct httpd_request *request)
{
    struct stall *what = user;

    (void)httpd_say(request->httpd, what->text);
    (void)sem_post(&what->reached);
    httpd_hang(request->httpd);
    return false;
}

static bool
drip(void *user, const struct httpd_request *request)
{
    static const char zeros[1000] = "";

    (void)user;
    (void)httpd_say(request->httpd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    httpd_drip(request->httpd, zeros, sizeof(zeros), 100);
    return false;
}

/* A byte now and then keeps nobody waiting for ever. */
static void
a_drip_is_a_stall(void **state)
{
    const struct coco_http_options opts = {
        .allow_plain = true, .proxies = &direct, .stall_timeout = 1};
    struct fixture *f = *state;

    coco_http_free(f->http);
    assert_ok(coco_http_new(&opts, &f->http, &f->err), f->err);
    coco_status status = get_from(f, drip, NULL, NULL);
    assert_fails(status, f->err, COCO_ERR_NET, "too slow");
}

struct refusal {
    unsigned looks;
    long status;
};

static coco_status
refuse(void *self, const struct coco_http_response *response, coco_error **err)
{
    struct refusal *refusal = self;

    refusal->looks++;
    refusal->status = response->status;
    assert_contains(coco_buf_text(&response->headers), "x-one: 1");
    return coco_fail(err, COCO_ERR_VERIFY, "not this one");
}

static void
a_look_at_the_head_comes_before_the_body(void **state)
{
    static const char *const refused[] = {
        "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 206 OK\r\nX-One: 1\r\nContent-Length: 0\r\n\r\n",
    };
    static const long statuses[] = {200, 206};
    struct fixture *f = *state;
    struct refusal refusal = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 10};
    const struct coco_sink sink = coco_sink_to_buf(&body);
    const struct coco_http_look look = {refuse, &refusal};
    const struct coco_http_request request = {.method = "GET", .sink = &sink, .look = &look};

    for (size_t i = 0; i < COUNT(refused); i++) {
        struct text_answer answer = {refused[i], false};

        coco_status status = ask(f, say_text, &answer, &request);
        assert_fails(status, f->err, COCO_ERR_VERIFY, "not this one");
        assert_int_equal(refusal.looks, i + 1);
        assert_int_equal(refusal.status, statuses[i]);
        assert_int_equal(body.len, 0);
    }

    /* At other answers nobody looks. */
    struct text_answer answer = {"HTTP/1.1 404 Gone\r\nContent-Length: 2\r\n\r\nhi", false};
    coco_status status = ask(f, say_text, &answer, &request);
    assert_ok(status, f->err);
    assert_int_equal(refusal.looks, COUNT(refused));
}

static void
a_stall_times_out(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 200 OK\r\nContent-Le",
                                        "HTTP/1.1 200 OK\r\n\r\nhel"};
    const struct coco_http_options opts = {
        .allow_plain = true, .proxies = &direct, .stall_timeout = 1};
    struct fixture *f = *state;

    coco_http_free(f->http);
    assert_ok(coco_http_new(&opts, &f->http, &f->err), f->err);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct stall what = {.text = texts[i]};

        assert_int_equal(sem_init(&what.reached, 0, 0), 0);
        coco_status status = get_from(f, stall, &what, NULL);
        (void)sem_destroy(&what.reached);
        assert_fails(status, f->err, COCO_ERR_NET, "too slow");
    }
}

struct waiting {
    struct fixture *f;
    coco_status status;
};

static void *
wait_for_answer(void *user)
{
    struct waiting *waiting = user;

    waiting->status = get(waiting->f, waiting->f->httpd.url);
    return NULL;
}

static void
cancel_ends_a_blocked_wait(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 200 OK\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct waiting waiting = {.f = f};
        struct stall what = {.text = texts[i]};
        pthread_t thread;

        coco_ctx_free(f->ctx);
        assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
        assert_int_equal(sem_init(&what.reached, 0, 0), 0);
        httpd_start(&f->httpd, stall, &what, NULL);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_answer, &waiting), 0);
        assert_int_equal(sem_wait(&what.reached), 0);
        coco_ctx_cancel(f->ctx);
        assert_int_equal(pthread_join(thread, NULL), 0);
        httpd_stop(&f->httpd);
        (void)sem_destroy(&what.reached);
        assert_fails(waiting.status, f->err, COCO_ERR_CANCELED, "canceled");
        assert_fails(get(f, f->httpd.url), f->err, COCO_ERR_CANCELED, "canceled");
    }
}

static void
set_ca_refuses_what_holds_no_certificate(void **state)
{
    static const char *const cases[] = {
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
    };
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    char text[4096];

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_http_set_ca(f->http, cases[i], strlen(cases[i]), &f->err), f->err,
                     COCO_ERR_PROTO, "certificates");

    /* One good certificate does not make up for a broken one. */
    pki_make(&ca, NULL, NULL, 30);
    char *pem = pki_pem(&ca);
    (void)snprintf(text, sizeof(text), "%s%s", pem, cases[2]);
    OPENSSL_free(pem);
    pki_done(&ca);
    assert_fails(coco_http_set_ca(f->http, text, strlen(text), &f->err), f->err, COCO_ERR_PROTO,
                 "certificates");
}

static void
do_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct redirect to = {.code = "302 Found", .location = "/end"};
    struct coco_http_request request = {.method = "GET", .headers = credentials, .n_headers = 3};

    httpd_start(&f->httpd, redirect, &to, NULL);
    request.url = f->httpd.url;
    for_each_fault()
    {
        const struct coco_http_options opts = {.allow_plain = true, .proxies = &direct};
        _cleanup_(coco_http_freep) struct coco_http *http = NULL;
        _cleanup_response_ struct coco_http_response response = {0};
        coco_error *err = NULL;

        coco_status status = coco_http_new(&opts, &http, &err);
        if (status == COCO_OK)
            status = coco_http_do(http, f->ctx, &request, &response, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
}

static bool
answer_dialed(void *user, const struct httpd_request *request)
{
    char *host = user;

    if (strcmp(request->target, "/away") == 0)
        return httpd_reply(request->httpd, "302 Found", "Location: https://nobody.invalid/\r\n",
                           "");
    httpd_header(request, "Host", host, 64);
    return httpd_reply(request->httpd, "200 OK", "", "here");
}

/* Whatever a URL names, and a name is not even looked up. */
static void
a_client_that_dials_goes_nowhere_else(void **state)
{
    static struct httpd httpd;
    struct coco_address address;
    struct fixture *f = *state;
    char host[64] = "";
    char text[64];
    const struct coco_http_options opts = {.allow_plain = true, .dial = &address};
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;

    httpd_start(&httpd, answer_dialed, host, NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", httpd.port);
    assert_ok(coco_address_parse(text, &address, &f->err), f->err);
    assert_ok(coco_http_new(&opts, &http, &f->err), f->err);
    for (int i = 0; i < 2; i++) {
        _cleanup_response_ struct coco_http_response response = {0};
        const struct coco_http_request request = {.method = "GET",
                                                  .url = "http://nobody.invalid:81/x"};

        assert_ok(coco_http_do(http, f->ctx, &request, &response, &f->err), f->err);
        assert_string_equal(coco_buf_text(&response.body), "here");
        assert_string_equal(host, "nobody.invalid:81");
    }
    const struct coco_http_request away = {.method = "GET", .url = "http://nobody.invalid/away"};
    struct coco_http_response response = {0};
    coco_status status = coco_http_do(http, f->ctx, &away, &response, &f->err);
    httpd_stop(&httpd);
    assert_fails(status, f->err, COCO_ERR_PROTO, "redirect to https");
    assert_false(coco_http_transient(http));
    assert_int_equal(httpd.connections, 2); /* the other port has its own */

    const struct coco_http_request secure = {.method = "GET", .url = "https://nobody.invalid/"};
    assert_fails(coco_http_do(http, f->ctx, &secure, &response, &f->err), f->err, COCO_ERR_INVALID,
                 "there is no TLS");
    const struct coco_http_request again = {.method = "GET", .url = "http://nobody.invalid/"};
    assert_fails(coco_http_do(http, f->ctx, &again, &response, &f->err), f->err, COCO_ERR_NET,
                 "Connection refused");
    assert_true(coco_http_transient(http));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_gives_status_headers_and_body),
        TEST(headers_are_of_the_last_head_without_trailers),
        TEST(connections_are_kept_and_used_again),
        TEST(connections_are_not_inherited),
        TEST(excess_bytes_are_no_answer),
        TEST(hostile_answers_are_refused),
        TEST(floods_end_at_the_limit),
        TEST(an_endless_error_is_cut),
        TEST(a_body_may_have_max_body_bytes_and_not_one_more),
        TEST(a_failing_sink_ends_the_request_with_its_error),
        TEST(a_sink_gets_no_error_pages),
        TEST(redirects_on_one_server_keep_credentials),
        TEST(redirects_to_another_server_lose_credentials),
        TEST(credentials_lost_on_the_way_stay_lost),
        TEST(redirects_that_lead_astray_are_refused),
        TEST(redirects_not_followed_are_answers),
        TEST(bodies_go_out_as_they_are),
        TEST(a_reader_is_sent_in_chunks),
        TEST(a_failing_reader_ends_the_request_with_its_error),
        TEST(an_upload_sends_what_is_pushed),
        TEST(an_upload_ends_when_it_is_answered_early),
        TEST(a_client_that_dials_goes_nowhere_else),
        TEST(an_upload_can_be_canceled_and_given_up),
        TEST(upload_survives_any_failed_allocation),
        TEST(requests_that_cannot_be_made_are_refused),
        TEST(nobody_there_is_an_error_of_the_network),
        TEST(a_stall_times_out),
        TEST(a_drip_is_a_stall),
        TEST(a_look_at_the_head_comes_before_the_body),
        TEST(cancel_ends_a_blocked_wait),
        TEST(set_ca_refuses_what_holds_no_certificate),
        TEST(do_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/http", tests, NULL, NULL);
}
