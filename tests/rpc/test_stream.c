/*
 * tests/rpc/test_stream.c - lib/rpc/stream.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/stream.h"

#include "base/context.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TIMEOUT_MS 30000
#define ASK "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

struct fixture {
    struct httpd httpd;
    struct pki_cert ca, cert;
    SSL_CTX *server;
    struct coco_target target;
    struct coco_stream_options opts;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static bool
answer(void *user, const struct httpd_request *request)
{
    (void)user;
    (void)httpd_reply(request->httpd, "200 OK", "", "hello");
    return false;
}

/* Says nothing, and reads nothing of a body. */
static bool
stall(void *user, const struct httpd_request *request)
{
    (void)user;
    httpd_hang(request->httpd);
    return false;
}

static int
setup(void **state)
{
    memset(&fixture, 0, sizeof(fixture));
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    fixture.opts.timeout_ms = TIMEOUT_MS;
    pki_make_ca(&fixture.ca, NULL, "ca");
    pki_make(&fixture.cert, &fixture.ca, "localhost", 1);
    fixture.opts.tls.roots = sk_X509_new_null();
    assert_true(sk_X509_push(fixture.opts.tls.roots, fixture.ca.cert) > 0);
    *state = &fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    sk_X509_free(f->opts.tls.roots);
    pki_done(&f->ca);
    pki_done(&f->cert);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
start(struct fixture *f, httpd_answer *fn, bool tls)
{
    char text[64];

    f->server = tls ? pki_server(&f->cert, NULL) : NULL;
    httpd_start(&f->httpd, fn, NULL, f->server);
    (void)snprintf(text, sizeof(text), "%slocalhost:%d", tls ? "https://" : "", f->httpd.port);
    assert_ok(coco_target_parse(text, &f->target, &f->err), f->err);
}

static coco_status
talk(struct fixture *f, struct coco_buf *reply)
{
    _cleanup_(coco_stream_freep) struct coco_stream *stream = NULL;
    char data[7];
    size_t n = 1;

    coco_status status = coco_stream_open(&f->target, &f->opts, f->ctx, &stream, &f->err);
    if (status == COCO_OK)
        status = coco_stream_write(stream, ASK, strlen(ASK), &f->err);
    while (status == COCO_OK && n > 0) {
        status = coco_stream_read(stream, data, sizeof(data), &n, &f->err);
        if (status == COCO_OK)
            status = coco_buf_append(reply, data, n, &f->err);
    }
    return status;
}

static void
bytes_go_both_ways_with_and_without_tls(void **state)
{
    struct fixture *f = *state;

    for (int tls = 0; tls < 2; tls++) {
        _cleanup_buf_ struct coco_buf reply = {.limit = 1024};

        start(f, answer, tls != 0);
        coco_status status = talk(f, &reply);
        httpd_stop(&f->httpd);
        SSL_CTX_free(f->server);
        /* A server that goes without a goodbye is told from one that has ended. */
        if (tls != 0 && status == COCO_ERR_NET) {
            coco_error_free(f->err);
            f->err = NULL;
            status = COCO_OK;
        }
        assert_ok(status, f->err);
        assert_contains(coco_buf_text(&reply), "hello");
    }
}

static void
who_does_not_answer_is_waited_for_and_no_longer(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf reply = {.limit = 1024};

    start(f, stall, false);
    f->opts.timeout_ms = 200;
    coco_status status = talk(f, &reply);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_NET, "takes too long");
}

/* What is not read fills the kernel's buffers, and then it waits. */
static void
who_does_not_read_is_waited_for_and_no_longer(void **state)
{
    static uint8_t much[8 << 20];
    struct fixture *f = *state;
    struct coco_stream *stream = NULL;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_ok(coco_stream_adopt(fds[0], 200, f->ctx, &stream, &f->err), f->err);
    assert_fails(coco_stream_write(stream, much, sizeof(much), &f->err), f->err, COCO_ERR_NET,
                 "takes too long");
    coco_stream_set_timeout(stream, TIMEOUT_MS);
    coco_ctx_cancel(f->ctx);
    assert_fails(coco_stream_write(stream, much, sizeof(much), &f->err), f->err, COCO_ERR_CANCELED,
                 "");
    coco_stream_free(stream);
    (void)close(fds[1]);
}

static void
who_has_gone_is_told_without_a_signal(void **state)
{
    struct fixture *f = *state;
    struct coco_stream *stream = NULL;
    char data[4];
    size_t n = 1;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_ok(coco_stream_adopt(fds[0], TIMEOUT_MS, f->ctx, &stream, &f->err), f->err);
    (void)close(fds[1]);
    assert_ok(coco_stream_read(stream, data, sizeof(data), &n, &f->err), f->err);
    assert_int_equal(n, 0);
    assert_fails(coco_stream_write(stream, "x", 1, &f->err), f->err, COCO_ERR_NET, "send");
    coco_stream_free(stream);
    assert_fails(coco_stream_adopt(-1, TIMEOUT_MS, f->ctx, &stream, &f->err), f->err, COCO_ERR_IO,
                 "fcntl");
}

static void
a_server_that_speaks_no_tls_is_told(void **state)
{
    struct fixture *f = *state;
    struct coco_stream *stream = NULL;

    start(f, answer, false);
    f->target.tls = true;
    f->opts.timeout_ms = 1000;
    coco_status status = coco_stream_open(&f->target, &f->opts, f->ctx, &stream, &f->err);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_NET, "localhost:");
}

static void
talking_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    start(f, answer, false);
    for_each_fault()
    {
        struct coco_buf reply = {.limit = 1024};

        coco_status status = talk(f, &reply);
        fault_expect(status, f->err);
        coco_buf_done(&reply);
        coco_error_free(f->err);
        f->err = NULL;
    }
    httpd_stop(&f->httpd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_both_ways_with_and_without_tls),
        TEST(who_does_not_answer_is_waited_for_and_no_longer),
        TEST(who_does_not_read_is_waited_for_and_no_longer),
        TEST(who_has_gone_is_told_without_a_signal),
        TEST(a_server_that_speaks_no_tls_is_told),
        TEST(talking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
