/*
 * tests/httpd/test_reading.c - lib/httpd/reading.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/reading.h"

#include "tests/httpd/served.h"

#include <stdio.h>

static void
requests_follow_each_other_on_a_connection(void **state)
{
    static const char post[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 53\r\n\r\n"
                               "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":\"\"}\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    /* Byte by byte, and then many at once. */
    say_slowly(fd, post);
    (void)hear(&f, fd, "\"extra-params\"", 1);
    assert_contains(f.said, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < 50; i++) {
        say(fd, HEALTHZ);
        say(fd, post);
    }
    (void)hear(&f, fd, "\"extra-params\"", 50);
    (void)close(fd);
    end(&f);
}

static void
what_is_no_request_is_answered_and_the_connection_closed(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"hello\r\n\r\n", "HTTP/1.1 400 "},
        {"\r\nGET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", "HTTP/1.1 417 "},
        {"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
        {"PATCH /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
    };
    struct fixture f;

    (void)state;
    serve(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = reach(&f);

        say(fd, cases[i].text);
        (void)hear(&f, fd, NULL, 0);
        (void)close(fd);
        if (strncmp(f.said, cases[i].want, strlen(cases[i].want)) != 0)
            fail_msg("case %zu: %.40s", i, f.said);
        assert_contains(f.said, "Content-Type: text/plain\r\n");
        assert_contains(f.said, "\r\n\r\nno: ");
    }
    end(&f);
}

static void
heads_are_bounded(void **state)
{
    static const char begin[] = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    struct fixture f;
    char filler[1024];

    (void)state;
    memset(filler, 'a', sizeof(filler));
    serve(&f);
    int fd = reach(&f);
    say(fd, begin);
    for (size_t sent = 0; sent < COCO_HTTPD_HEAD_MAX; sent += sizeof(filler))
        tell(fd, filler, sizeof(filler));
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 431 ");
    (void)close(fd);
    end(&f);
}

static void
a_peer_that_waits_is_told_to_go_on(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n"
                               "Expect: 100-continue\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    say(fd, head);
    (void)hear(&f, fd, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    say(fd, SAYING);
    (void)hear(&f, fd, "\"extra-params\"", 1);
    (void)close(fd);
    end(&f);
}

static void
a_body_of_the_largest_size_is_taken(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: "
                               "close\r\nContent-Length: 1048576\r\n\r\n";
    char *body = calloc(1, 1 << 20);
    struct fixture f;

    (void)state;
    assert_non_null(body);
    serve_as(&f, &(const struct coco_httpd_options){.body_max = 1 << 20});
    int fd = reach(&f);
    say(fd, head);
    tell(fd, body, 1 << 20);
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 ");
    (void)close(fd);
    free(body);
    end(&f);
}

static void
heads_of_just_the_largest_size_are_read(void **state)
{
    struct fixture f;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        char head[COCO_HTTPD_HEAD_MAX + 2];
        size_t len = COCO_HTTPD_HEAD_MAX + more;
        static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";

        memset(head, 'a', sizeof(head));
        memcpy(head, begin, strlen(begin));
        memcpy(head + len - 4, "\r\n\r\n", 4);
        serve(&f);
        int fd = reach(&f);
        tell(fd, head, len);
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said, more ? "HTTP/1.1 431 " : "HTTP/1.1 200 ");
        (void)close(fd);
        end(&f);
    }
}

static void
a_head_that_drips_is_not_waited_for(void **state)
{
    static const char *const begins[] = {
        "",                                     /* from the first byte on */
        "GET /healthz HTTP/1.1\r\nHost: x\r\n", /* and from the middle of it */
        "\r\n\r\n\r\n",                         /* empty lines count, too */
        HEALTHZ,                                /* and so does a second request */
    };
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .head_timeout = 1, .idle_timeout = 3600, .body_timeout = 3600});
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        int fd = reach(&f);

        say(fd, begins[i]);
        if (i == 3)
            (void)hear(&f, fd, "\r\n\r\n", 1);
        size_t n = drip_until_closed(fd, i == 2 ? "\r\n" : "X");
        if (n < 10 || n > 1000)
            fail_msg("case %zu: closed after %zu bytes", i, n);
        assert_closed(fd);
    }
    end(&f);
}

static void
a_body_that_does_not_come_is_not_waited_for(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .body_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    int none = reach(&f);
    say(none, head);
    int drips = reach(&f);
    say(drips, head);
    size_t n = drip_until_closed(drips, "X");
    assert_in_range(n, 10, 1000);
    assert_closed(drips);
    assert_closed(none);
    end(&f);
}

static void
requests_that_come_at_once_are_answered_in_their_order(void **state)
{
    static const char post[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 52\r\n\r\n" SAYING;
    static const char last[] = "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    _cleanup_buf_ struct coco_buf all = {.limit = 1 << 20};
    struct fixture f;
    coco_error *err = NULL;

    (void)state;
    serve(&f);
    for (unsigned i = 0; i < 20; i++) {
        assert_ok(coco_buf_append_text(&all, HEALTHZ, &err), err);
        assert_ok(coco_buf_append_text(&all, post, &err), err);
    }
    /* What follows a request that closes the connection is not even read. */
    assert_ok(coco_buf_append_text(&all, last, &err), err);
    assert_ok(coco_buf_append_text(&all, post, &err), err);
    int fd = reach(&f);
    tell(fd, coco_buf_text(&all), all.len);
    (void)hear(&f, fd, NULL, 0);
    (void)close(fd);
    const char *at = f.said;
    for (unsigned i = 0; i < 20; i++) {
        const char *first = strstr(at, "Content-Length: 0\r\n");
        const char *second = first ? strstr(first, "\"extra-params\"") : NULL;

        assert_non_null(second);
        at = second + 1;
    }
    assert_null(strstr(at, "\"extra-params\""));
    assert_contains(at, "HTTP/1.1 404 ");
    end(&f);
}

/* Those of usual length are let in always, as short bodies are. */
static void
long_heads_share_it_too(void **state)
{
    static const char begin[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ";
    static char part[COCO_HTTPD_HEAD_SMALL];
    struct fixture f;

    (void)state;
    memset(part, 'a', sizeof(part));
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = COCO_HTTPD_HEAD_MAX});
    int first = reach(&f);
    say(first, begin);
    tell(first, part, sizeof(part));
    ask_raw(&f, HEALTHZ);
    int second = reach(&f);
    say(second, begin);
    tell(second, part, sizeof(part));
    (void)hear(&f, second, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 503 ");
    (void)close(second);
    tell(first, part, sizeof(part));
    tell(first, "\r\n\r\n", 4);
    (void)hear(&f, first, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(first);
    /* Both have given the room back. */
    first = reach(&f);
    say(first, begin);
    tell(first, part, sizeof(part));
    tell(first, "\r\n\r\n", 4);
    (void)hear(&f, first, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(first);
    end(&f);
}

static void
bodies_share_what_there_is_and_short_ones_are_let_in(void **state)
{
    static const char big[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n";
    static const char small[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    static char body[600000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = 1000000});
    for (unsigned i = 0; i < 3; i++) {
        int first = reach(&f);
        say(first, big);
        tell(first, body, 1000);
        /* It has been seen once a later one was answered. */
        ask_raw(&f, small);
        assert_contains(f.said, "\r\n\r\nhello");
        int second = reach(&f);
        say(second, big);
        (void)hear(&f, second, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 503 ");
        (void)close(second);
        ask_raw(&f, small);
        assert_contains(f.said, "\r\n\r\nhello");
        if (i < 2) { /* ends in one way and the other: both give the room back */
            (void)close(first);
            if (i == 0)
                continue;
            first = reach(&f);
            do {
                ask_raw(&f, small);
            } while (!strstr(f.said, "hello"));
            say(first, big);
            tell(first, body, sizeof(body));
            (void)hear(&f, first, "\r\n\r\n", 1);
            assert_contains(f.said, "HTTP/1.1 200 OK");
        }
        (void)close(first);
    }
    end(&f);
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define POST_CHUNKS "POST /echo HTTP/1.1\r\nHost: x\r\n" CHUNKED
/* What must never be answered: it stands where a body is. */
#define SMUGGLED "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"

static void
a_body_in_chunks_is_taken(void **state)
{
    static const char post[] = POST_CHUNKS "\r\n"
                                           "1;a=b\r\n{\r\n00a\r\n\"chunks\":1\r\n1\r\n}\r\n"
                                           "0\r\nTrailer: x\r\n\r\n";
    static const char empty[] = POST_CHUNKS "\r\n0\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    /* Byte by byte, and then many at once, with others between them. */
    say_slowly(fd, post);
    (void)hear(&f, fd, "{\"chunks\":1}", 1);
    assert_contains(f.said, "Content-Length: 12\r\n");
    for (unsigned i = 0; i < 50; i++) {
        say(fd, post);
        say(fd, HEALTHZ);
        say(fd, empty);
    }
    (void)hear(&f, fd, "HTTP/1.1 200 OK\r\n", 150);
    tell(fd, "GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 51);
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 404 ");
    (void)close(fd);
    end(&f);
}

static void
a_peer_that_waits_with_its_chunks_is_told_to_go_on(void **state)
{
    static const char head[] = POST_CHUNKS "Expect: 100-continue\r\n\r\n";
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    say(fd, head);
    (void)hear(&f, fd, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    tell(fd, "5\r\nhello\r\n0\r\n\r\n", 15);
    (void)hear(&f, fd, "\r\n\r\nhello", 1);
    (void)close(fd);
    end(&f);
}

static void
nothing_is_smuggled_behind_chunks(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        /* Two readers may disagree about how long these are. */
        {POST_CHUNKS "Content-Length: 4\r\n\r\n5c\r\n" SMUGGLED "0\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED,
         "400"},
        {POST_CHUNKS CHUNKED "\r\n0\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.0\r\nHost: x\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n" SMUGGLED, "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, "
         "chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
         "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n" SMUGGLED, "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" SMUGGLED, "501"},
        {POST_CHUNKS "\r\n0\n\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0\r\n\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n5\r\nhello0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0x0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n-0\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n10000000000000000\r\n\r\n" SMUGGLED, "400"},
        {POST_CHUNKS "\r\n0;a=\"\r\n\r\n" SMUGGLED "\"\r\n\r\n", "400"},
        {POST_CHUNKS "\r\n0\r\n" SMUGGLED, "400"}, /* a request is no trailer */
        {POST_CHUNKS "\r\nffffffffffffffff\r\n" SMUGGLED, "413"},
        {POST_CHUNKS "\r\n200001\r\n" SMUGGLED, "413"},
    };
    struct fixture f;

    (void)state;
    serve(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned slowly = 0; slowly < 2; slowly++) {
            int fd = reach(&f);
            size_t len = strlen(cases[i].text);

            if (slowly)
                for (size_t k = 0; k < len; k++)
                    (void)send(fd, cases[i].text + k, 1, MSG_NOSIGNAL);
            else
                tell(fd, cases[i].text, len);
            (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
            (void)close(fd);
            if (strncmp(f.said, "HTTP/1.1 ", 9) != 0 || strncmp(f.said + 9, cases[i].want, 3) != 0
                || strstr(f.said + 9, "HTTP/1.1 "))
                fail_msg("case %zu: %s", i, f.said);
        }
    }
    end(&f);
}

/* As far as its data. */
static void
begin_chunk(int fd, size_t size)
{
    char line[32];
    int n = snprintf(line, sizeof(line), "%zx\r\n", size);

    tell(fd, line, (size_t)n);
}

static void
chunks_are_bounded_as_other_bodies_are(void **state)
{
    static const char post[] = POST_CHUNKS "Connection: close\r\n\r\n";
    static char part[100000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.body_max = 1000000});
    for (unsigned more = 0; more < 2; more++) {
        int fd = reach(&f);

        say(fd, post);
        for (unsigned i = 0; i < 10; i++) {
            begin_chunk(fd, sizeof(part));
            tell(fd, part, sizeof(part));
            tell(fd, "\r\n", 2);
        }
        begin_chunk(fd, more);
        tell(fd, "\r\n", 2);
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said,
                        more ? "HTTP/1.1 413 " : "HTTP/1.1 200 OK\r\nContent-Length: 1000000");
        (void)close(fd);
    }
    end(&f);
}

static void
chunks_share_what_there_is_as_they_come(void **state)
{
    static const char post[] = POST_CHUNKS "\r\n";
    static const char small[] = POST_CHUNKS "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    static char part[600000];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.bodies_max = 1000000});
    for (unsigned i = 0; i < 3; i++) {
        int first = reach(&f);
        say(first, post);
        begin_chunk(first, sizeof(part));
        tell(first, part, 1000);
        ask_raw(&f, small); /* the other has been seen once this was answered */
        assert_contains(f.said, "\r\n\r\nhello");
        int second = reach(&f);
        say(second, post);
        begin_chunk(second, 1000);
        tell(second, part, 1000);
        tell(second, "\r\n", 2);
        begin_chunk(second, sizeof(part));
        (void)hear(&f, second, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 503 ");
        (void)close(second);
        if (i == 0) { /* ends in one way and the other: both give the room back */
            (void)close(first);
            do {
                ask_raw(&f, small);
            } while (!strstr(f.said, "hello"));
            continue;
        }
        tell(first, part, sizeof(part) - 1000);
        tell(first, "\r\n0\r\n\r\n", 7);
        (void)hear(&f, first, "\r\n\r\n", 1);
        assert_contains(f.said, "HTTP/1.1 200 OK");
        (void)close(first);
    }
    end(&f);
}

static void
chunks_that_do_not_come_are_not_waited_for(void **state)
{
    static const char *const begins[] = {"", "5", "5;", "ffff\r\n", "0\r\n", "0\r\nA: "};
    static const char *const drips[] = {"0", "x", "x", "x", "x", "x"};
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .body_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        int fd = reach(&f);

        say(fd, POST_CHUNKS "\r\n");
        say(fd, begins[i]);
        size_t n = drip_until_closed(fd, drips[i]);
        if (n > 1000)
            fail_msg("case %zu: closed after %zu bytes", i, n);
        (void)close(fd);
    }
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_follow_each_other_on_a_connection),
        cmocka_unit_test(what_is_no_request_is_answered_and_the_connection_closed),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(a_peer_that_waits_is_told_to_go_on),
        cmocka_unit_test(a_body_of_the_largest_size_is_taken),
        cmocka_unit_test(heads_of_just_the_largest_size_are_read),
        cmocka_unit_test(a_head_that_drips_is_not_waited_for),
        cmocka_unit_test(a_body_that_does_not_come_is_not_waited_for),
        cmocka_unit_test(requests_that_come_at_once_are_answered_in_their_order),
        cmocka_unit_test(long_heads_share_it_too),
        cmocka_unit_test(bodies_share_what_there_is_and_short_ones_are_let_in),
        cmocka_unit_test(a_body_in_chunks_is_taken),
        cmocka_unit_test(a_peer_that_waits_with_its_chunks_is_told_to_go_on),
        cmocka_unit_test(nothing_is_smuggled_behind_chunks),
        cmocka_unit_test(chunks_are_bounded_as_other_bodies_are),
        cmocka_unit_test(chunks_share_what_there_is_as_they_come),
        cmocka_unit_test(chunks_that_do_not_come_are_not_waited_for),
    };

    return cmocka_run_group_tests_name("httpd/reading", tests, NULL, NULL);
}
