/*
 * tests/kbs/test_server.c - lib/kbs/server.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/server.h"

#include "base/context.h"

#include "tests/canary.h"
#include "tests/kbs/configs.h"
#include "tests/pki.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

struct fixture {
    coco_ctx *ctx;
    struct coco_kbs_core *core;
    struct coco_httpd_server *server;
    char said[65536]; /* the last answer */
};

static coco_status
start(struct fixture *f, const char *config, coco_error **err)
{
    *f = (struct fixture){0};
    assert_int_equal(coco_ctx_new(&f->ctx, NULL), COCO_OK);
    coco_status status = coco_kbs_core_new(f->ctx, config, &f->core, err);
    return status == COCO_OK ? coco_kbs_server_start(f->core, &f->server, err) : status;
}

static int64_t
stopped_now(void)
{
    return 1800000000;
}

static void
end(struct fixture *f)
{
    coco_httpd_server_stop(f->server);
    coco_kbs_core_free(f->core);
    coco_ctx_free(f->ctx);
}

static int
reach(const struct fixture *f)
{
    return connect_to_server(coco_httpd_server_url(f->server));
}

/* One request on a connection of its own; the whole answer until the server closes. */
static void
ask_raw(struct fixture *f, const char *text)
{
    int fd = reach(f);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t len = 0;

    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    for (ssize_t got = 1; got > 0; len += got > 0 ? (size_t)got : 0) {
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        got = recv(fd, f->said + len, sizeof(f->said) - 1 - len, 0);
    }
    f->said[len] = '\0';
    (void)close(fd);
}

static void
what_is_no_request_is_told_so_in_the_words_of_a_kbs(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"hello\r\n\r\n", "HTTP/1.1 400 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n", "HTTP/1.1 413 "},
        {"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
    };
    struct fixture f;
    coco_error *err = NULL;

    (void)state;
    assert_ok(start(&f, CONFIG_ANY_PORT, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_raw(&f, cases[i].text);
        if (strncmp(f.said, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: %.40s", i, f.said);
        assert_contains(f.said, "Content-Type: application/problem+json\r\n");
        assert_contains(f.said,
                        "\"type\":\"https://github.com/confidential-containers/kbs/errors/");
    }
    end(&f);
}

static void
a_guest_gets_its_cookie(void **state)
{
    struct fixture f;
    coco_error *err = NULL;

    (void)state;
    assert_ok(start(&f, CONFIG_ANY_PORT, &err), err);
    ask_raw(&f, "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n"
                "Connection: close\r\n\r\n"
                "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}");
    assert_contains(f.said, "HTTP/1.1 200 OK\r\n");
    assert_contains(f.said, "Set-Cookie: kbs-session-id=");
    end(&f);
}

static void
the_configuration_says_where_and_how_much(void **state)
{
    struct fixture f;
    coco_error *err = NULL;

    (void)state;
    assert_fails(start(&f, "[http_server]\nsockets = [\"0.0.0.0:0\"]", &err), err, COCO_ERR_INVALID,
                 "[http_server]: 0.0.0.0:0 would serve plain HTTP");
    end(&f);
    assert_ok(start(&f, CONFIG_ANY_PORT "payload_request_size = 3\n", &err), err);
    ask_raw(&f, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3145729\r\n\r\n");
    assert_contains(f.said, "HTTP/1.1 413 ");
    end(&f);
}

static void
a_hostile_source_is_told_to_come_back(void **state)
{
    static const char *const hostile[] = {
        "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\n{",
        "POST /kbs/v0/attest HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n"
        "Cookie: kbs-session-id=AAAA\r\n\r\n{}",
        "GET /kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        "Authorization: Bearer a.b.c\r\n\r\n",
    };
    struct fixture f;
    unsigned limited = 0;
    coco_error *err = NULL;

    (void)state;
    assert_ok(start(&f, CONFIG_ANY_PORT "[rate_limit]\nper_second = 1\nburst = 30\n", &err), err);
    for (unsigned i = 0; i < 300; i++) {
        ask_raw(&f, hostile[i % 3]);
        if (strncmp(f.said, "HTTP/1.1 429 ", 13) != 0)
            continue;
        limited++;
        assert_contains(f.said, "Retry-After: 1\r\n");
    }
    /* As many seconds as that has taken. */
    assert_in_range(limited, 200, 270);
    ask_raw(&f, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_contains(f.said, "HTTP/1.1 200 ");
    end(&f);
}

static void
connections_of_a_hostile_source_are_closed_before_tls(void **state)
{
    struct pki_cert leaf = {0};
    static char text[16384];
    struct fixture f;
    struct pollfd open[8];
    char byte;
    coco_error *err = NULL;

    (void)state;
    pki_make(&leaf, NULL, "localhost", 1);
    char *cert_pem = pki_pem(&leaf);
    char *key_pem = pki_key_pem(&leaf);
    (void)snprintf(text, sizeof(text),
                   CONFIG_ANY_PORT "certificate = '''%s'''\nprivate_key = '''%s'''\n"
                                   "[rate_limit]\nper_second = 1\nburst = 4\n",
                   cert_pem, key_pem);
    assert_ok(start(&f, text, &err), err);
    f.core->now = stopped_now;
    for (size_t i = 0; i < 8; i++)
        open[i] = (struct pollfd){.fd = reach(&f), .events = POLLIN};
    for (size_t i = 4; i < 8; i++) {
        assert_int_equal(poll(&open[i], 1, PATIENCE_MS), 1);
        assert_true(recv(open[i].fd, &byte, 1, 0) <= 0);
    }
    assert_int_equal(poll(open, 4, 0), 0);
    for (size_t i = 0; i < 8; i++)
        (void)close(open[i].fd);
    end(&f);
    OPENSSL_free(cert_pem);
    OPENSSL_free(key_pem);
    pki_done(&leaf);
}

/* Text and bytes, from the configuration to the context that uses it. */
static void
the_private_key_is_wiped_wherever_it_was(void **state)
{
    struct pki_cert leaf = {0};
    char *cert_pem = NULL;
    _cleanup_buf_ struct coco_buf key_pem = {0};
    static char text[16384]; /* not on the heap, which is looked at */
    char canary[32];
    coco_error *err = NULL;

    (void)state;
    pki_make(&leaf, NULL, "localhost", 1);
    cert_pem = pki_pem(&leaf);
    key_pem.limit = 8192;
    assert_ok(coco_key_private_pem(leaf.key, &key_pem, &err), err);
    (void)snprintf(text, sizeof(text),
                   "[http_server]\ncertificate = '''%s'''\nprivate_key = '''%s'''\n", cert_pem,
                   coco_buf_text(&key_pem));
    /* Within a line in the middle: base64 of the key itself. */
    const char *line = strchr(coco_buf_text(&key_pem) + 64, '\n') - 40;
    memcpy(canary, line, sizeof(canary));
    assert_non_null(strstr(text, "BEGIN PRIVATE KEY"));
    canary_begin(canary, sizeof(canary));
    for (unsigned i = 0; i < 2; i++) {
        _cleanup_config_ struct coco_kbs_config config = {0};
        SSL_CTX *tls = NULL;

        assert_ok(coco_kbs_config_parse(text, strlen(text), &config, &err), err);
        const struct coco_httpd_tls from = {
            .certificate = config.http.certificate,
            .private_key = config.http.private_key,
        };
        assert_ok(coco_httpd_tls_new(&from, &tls, &err), err);
        SSL_CTX_free(tls);
    }
    assert_int_equal(canary_end(), 0);
    OPENSSL_free(cert_pem);
    pki_done(&leaf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_request_is_told_so_in_the_words_of_a_kbs),
        cmocka_unit_test(a_guest_gets_its_cookie),
        cmocka_unit_test(the_configuration_says_where_and_how_much),
        cmocka_unit_test(a_hostile_source_is_told_to_come_back),
        cmocka_unit_test(connections_of_a_hostile_source_are_closed_before_tls),
        cmocka_unit_test(the_private_key_is_wiped_wherever_it_was),
    };

    return cmocka_run_group_tests_name("kbs/server", tests, NULL, NULL);
}
