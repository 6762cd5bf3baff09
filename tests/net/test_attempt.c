/*
 * tests/net/test_attempt.c - lib/net/attempt.c, by a clock that does not wait
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/attempt.h"

#include "base/context.h"
#include "tests/fakeclock.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

struct fixture {
    struct httpd httpd;
    coco_ctx *ctx;
    struct coco_http *http;
    struct coco_http_response response;
    struct fake_clock clock;
    coco_error *err;
};

static struct fixture fixture;

static const struct coco_proxies direct;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    fake_clock_begin(&f->clock);
    f->response = (struct coco_http_response){0};
    const struct coco_http_options opts = {
        .allow_plain = true,
        .proxies = &direct,
        .stall_timeout = 1,
        .retry = {.retries = 3, .clock = &f->clock.clock},
    };
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_http_new(&opts, &f->http, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_http_response_done(&f->response);
    coco_http_free(f->http);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

/* What the server says to one request after the other, the last for ever; NULL: nothing, it hangs.
 */
struct script {
    const char *const *says;
    unsigned n;
};

static bool
follow(void *user, const struct httpd_request *request)
{
    const struct script *script = user;
    unsigned i = request->number < script->n ? request->number : script->n - 1;

    if (script->says[i])
        (void)httpd_say(request->httpd, script->says[i]);
    else
        httpd_hang(request->httpd);
    return false;
}

static coco_status
insist(struct fixture *f, const char *url)
{
    const struct coco_http_request request = {.method = "GET", .url = url, .max_body = 10};

    coco_http_response_done(&f->response);
    f->clock.waits = 0;
    f->clock.all = 0;
    return coco_http_insist(f->http, f->ctx, &request, &f->response, &f->err);
}

/* What stays as it is, is asked for once. */
static void
answers_that_will_not_change_are_final(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *says;
        coco_status want;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n", COCO_OK, "400"},
        {"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", COCO_OK, "401"},
        {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", COCO_OK, "403"},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", COCO_OK, "404"},
        {"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n", COCO_OK, "418"},
        {"HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", COCO_OK, "501"},
        {"HTTP/1.1 505 No\r\nContent-Length: 0\r\n\r\n", COCO_OK, "505"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world", COCO_ERR_LIMIT, "10 bytes"},
        {"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: file:///etc/passwd\r\n\r\n",
         COCO_ERR_PROTO, "redirect"},
        {"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", COCO_ERR_PROTO, "eader"},
        {"NOT HTTP\r\n\r\n", COCO_ERR_PROTO, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = {&cases[i].says, 1};

        httpd_start(&f->httpd, follow, &script, NULL);
        coco_status status = insist(f, f->httpd.url);
        httpd_stop(&f->httpd);
        print_message("# %s\n", cases[i].why);
        assert_int_equal(f->httpd.requests, 1);
        assert_int_equal(f->clock.waits, 0);
        if (cases[i].want != COCO_OK) {
            assert_fails(status, f->err, cases[i].want, cases[i].why);
            continue;
        }
        assert_ok(status, f->err);
        assert_int_equal(f->response.status, atol(cases[i].why));
    }
}

static void
what_passes_is_waited_for(void **state)
{
    struct fixture *f = *state;
    static const char *const passing[] = {
        "",
        NULL,
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nh\r\n",
        "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n",
    };

    for (size_t i = 0; i < COUNT(passing); i++) {
        const char *const says[] = {passing[i], passing[i], GOOD};
        struct script script = {says, COUNT(says)};

        httpd_start(&f->httpd, follow, &script, NULL);
        coco_status status = insist(f, f->httpd.url);
        httpd_stop(&f->httpd);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_ok(status, f->err);
        assert_int_equal(f->httpd.requests, 3);
        assert_int_equal(f->clock.waits, 2);
        assert_string_equal(coco_buf_text(&f->response.body), "hi");
    }
}

static void
what_does_not_pass_is_told_as_it_is(void **state)
{
    struct fixture *f = *state;
    static const char *const busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nX: y\r\n\r\nlate";
    static const char *const cut = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh";
    struct script script = {&busy, 1};

    httpd_start(&f->httpd, follow, &script, NULL);
    coco_status first = insist(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_ok(first, f->err);
    assert_int_equal(f->httpd.requests, 4);
    assert_int_equal(f->response.status, 503);
    assert_string_equal(coco_buf_text(&f->response.body), "late");

    script.says = &cut;
    httpd_start(&f->httpd, follow, &script, NULL);
    coco_status second = insist(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_int_equal(f->httpd.requests, 4);
    assert_fails(second, f->err, COCO_ERR_NET, "1 byte");
}

static void
retry_after_is_heeded(void **state)
{
    struct fixture *f = *state;
    static const char *const says[] = {
        "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n",
        "HTTP/1.1 503 B\r\nRetry-After: Sun, 06 Nov 1994 08:49:47 GMT\r\nContent-Length: 0\r\n\r\n",
        GOOD,
    };
    struct script script = {says, COUNT(says)};

    httpd_start(&f->httpd, follow, &script, NULL);
    coco_status status = insist(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_ok(status, f->err);
    assert_in_range(f->clock.all, 17000, 18000);
}

/* A listener that nobody serves any more. */
static void
nobody_there_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    char url[64];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    coco_status status = insist(f, url);
    (void)close(fd);
    assert_fails(status, f->err, COCO_ERR_NET, "connect");
    assert_int_equal(f->clock.waits, 3);
}

static void
a_canceled_wait_ends_the_request(void **state)
{
    struct fixture *f = *state;
    static const char *const busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    struct script script = {&busy, 1};

    f->clock.cancel_at = 2;
    httpd_start(&f->httpd, follow, &script, NULL);
    coco_status status = insist(f, f->httpd.url);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(f->httpd.requests, 2);
}

/* A certificate that is not trusted will not be the next time, nor will what is not TLS be TLS. */
static void
tls_is_not_tried_again(void **state)
{
    struct fixture *f = *state;
    static const char *const good = GOOD;
    struct script script = {&good, 1};
    struct pki_cert cert = {0};
    char url[64];

    pki_make(&cert, NULL, "127.0.0.1", 30);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, cert.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert.key), 1);
    httpd_start(&f->httpd, follow, &script, tls);
    coco_status status = insist(f, f->httpd.url);
    httpd_stop(&f->httpd);
    SSL_CTX_free(tls);
    pki_done(&cert);
    assert_fails(status, f->err, COCO_ERR_VERIFY, "certificate");
    assert_int_equal(f->clock.waits, 0);

    httpd_start(&f->httpd, follow, &script, NULL);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", f->httpd.port);
    status = insist(f, url);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_NET, "");
    assert_int_equal(f->clock.waits, 0);
}

static void
insist_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    static const char *const busy =
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
    struct script script = {&busy, 1};

    httpd_start(&f->httpd, follow, &script, NULL);
    for_each_fault()
    {
        const struct coco_http_request request = {.method = "GET", .url = f->httpd.url};
        _cleanup_response_ struct coco_http_response response = {0};
        coco_error *err = NULL;

        coco_status status = coco_http_insist(f->http, f->ctx, &request, &response, &err);
        fault_expect(status, err);
    }
    httpd_stop(&f->httpd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_that_will_not_change_are_final),
        TEST(what_passes_is_waited_for),
        TEST(what_does_not_pass_is_told_as_it_is),
        TEST(retry_after_is_heeded),
        TEST(nobody_there_is_tried_again),
        TEST(a_canceled_wait_ends_the_request),
        TEST(tls_is_not_tried_again),
        TEST(insist_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/attempt", tests, NULL, NULL);
}
