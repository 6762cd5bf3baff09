/*
 * tests/httpd/test_sending.c - lib/httpd/sending.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/sending.h"

#include "tests/httpd/served.h"

#include <sys/resource.h>

static void
a_reply_to_head_has_no_body(void **state)
{
    struct fixture f;

    (void)state;
    serve(&f);
    ask_raw(&f, "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_contains(f.said, "HTTP/1.1 405 ");
    assert_string_equal(strstr(f.said, "\r\n\r\n"), "\r\n\r\n");
    end(&f);
}

/* Reads a head, then counts the digits behind it that are right, until size or the end. */
static uint64_t
count_digits(struct fixture *f, int fd, uint64_t size)
{
    size_t len = hear(f, fd, "\r\n\r\n", 1);
    char *body = strstr(f->said, "\r\n\r\n") + 4;
    uint64_t n = 0;

    len -= (size_t)(body - f->said);
    while (len > 0) {
        for (size_t i = 0; i < len; i++, n++)
            if (body[i] != (char)('0' + n % 10))
                return n;
        if (n == size)
            break;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, f->said, sizeof(f->said), 0);
        body = f->said;
        len = got > 0 ? (size_t)got : 0;
    }
    return n;
}

static void
a_long_body_is_nowhere_whole(void **state)
{
    enum { SIZE = 300 << 20 };
    struct rusage before, after;
    struct fixture f;

    (void)state;
    serve_digits(&f, SIZE, true);
    int fd = reach(&f);
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    say(fd, DIGITS);
    assert_int_equal(count_digits(&f, fd, SIZE), SIZE);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
#if !defined(__SANITIZE_ADDRESS__)                                   /* it keeps what is freed */
    assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 8 << 10); /* KiB */
#endif
    /* And the connection goes on. */
    say(fd, HEALTHZ);
    (void)hear(&f, fd, "\r\n\r\n", 1);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_body_of_unknown_length_goes_in_chunks(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, false);
    digits.waits_at = 20;
    int fd = reach(&f);
    say(fd, DIGITS);
    (void)hear(&f, fd, "\r\n\r\n00000014\r\n01234567890123456789\r\n", 1);
    assert_contains(f.said, "Transfer-Encoding: chunked\r\n");
    let_go();
    (void)hear(&f, fd, "00000005\r\n01234\r\n0\r\n\r\n", 1);
    say(fd, HEALTHZ);
    (void)hear(&f, fd, "Content-Length: 0\r\n", 1);
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
to_http_1_0_it_goes_until_the_connection_ends(void **state)
{
    static const char old[] = "GET /digits HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_digits(&f, 100000, false);
    int fd = reach(&f);
    say(fd, old);
    assert_int_equal(count_digits(&f, fd, UINT64_MAX), 100000);
    assert_null(strstr(f.said, "Transfer"));
    (void)close(fd);
    end_digits(&f);
}

static void
a_body_that_goes_wrong_is_seen_to_be_cut(void **state)
{
    struct fixture f;

    (void)state;
    for (unsigned sized = 0; sized < 2; sized++) {
        serve_digits(&f, 25, sized);
        digits.cut_at = 15;
        int fd = reach(&f);
        say(fd, DIGITS);
        (void)hear(&f, fd, NULL, 0);
        assert_null(strstr(f.said, "0\r\n\r\n"));
        assert_null(strstr(f.said, "012345678901234567890"));
        (void)close(fd);
        end_digits(&f);
        assert_int_equal(digits.freed, 1);
    }
}

static void
fewer_bytes_than_were_announced_are_an_error(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 10, true);
    digits.done = 5; /* as if they had gone */
    int fd = reach(&f);
    say(fd, DIGITS);
    (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_head_of_a_stream_can_be_asked_for(void **state)
{
    static const char head[] = "HEAD /digits HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    say(fd, head);
    say(fd, HEALTHZ);
    (void)hear(&f, fd, "\r\n\r\n", 2);
    assert_contains(f.said, "Content-Length: 25\r\n");
    assert_contains(f.said, "\r\n\r\nHTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
}

static void
a_reply_may_be_known_later(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    say(fd, LATER);
    say(fd, HEALTHZ); /* in its turn */
    int other = reach(&f);
    say(other, HEALTHZ);
    (void)hear(&f, other, "\r\n\r\n", 1);
    (void)close(other);
    let_go();
    (void)hear(&f, fd, "\r\n\r\n", 2);
    assert_contains(f.said, "\r\n\r\n0123456789012345678901234HTTP/1.1 200 OK");
    (void)close(fd);
    end_digits(&f);
    assert_int_equal(digits.freed, 2);
}

static void
whoever_does_not_wait_for_it_is_forgotten(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    digits.waits_at = 20;
    int later = reach(&f);
    say(later, LATER);
    (void)close(later);
    int half = reach(&f);
    say(half, DIGITS);
    (void)hear(&f, half, "01234567890123456789", 1);
    (void)close(half);
    while (digits.freed < 2)
        ask_raw(&f, HEALTHZ); /* makes the loop go round */
    end_digits(&f);
}

static void
it_stops_while_replies_are_not_known(void **state)
{
    struct fixture f;

    (void)state;
    serve_digits(&f, 25, true);
    int fd = reach(&f);
    say(fd, LATER);
    while (digits.asked == 0)
        ask_raw(&f, HEALTHZ);
    end_digits(&f);
    assert_int_equal(digits.freed, 1);
    (void)close(fd);
}

static void
a_reply_that_is_not_taken_ends_the_connection(void **state)
{
    const struct timeval at_once = {.tv_usec = 200000};
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .write_timeout = 1, .idle_timeout = 3600, .head_timeout = 3600});
    int fd = reach(&f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &at_once, sizeof(at_once)), 0);
    /* Asks and never listens: the server reads no further, then has no room left, then is gone. */
    while (send(fd, HEALTHZ, strlen(HEALTHZ), MSG_NOSIGNAL) > 0 || errno == EAGAIN)
        ;
    assert_true(errno == EPIPE || errno == ECONNRESET);
    (void)close(fd);
    end(&f);
}

static void
a_peer_that_takes_no_chunk_in_time_is_closed(void **state)
{
    struct fixture f;

    (void)state;
    digits = (struct digits){.size = 1 << 30, .sized = true, .wake = eventfd(0, EFD_CLOEXEC)};
    serve_as(&f, &(const struct coco_httpd_options){.write_timeout = 1});
    int fd = reach(&f);
    say(fd, DIGITS);
    while (digits.freed == 0)
        ask_raw(&f, HEALTHZ);
    (void)close(fd);
    end_digits(&f);
}

static void
a_refusal_arrives_although_the_peer_goes_on_sending(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n";
    static char body[3000000];
    struct fixture f;

    (void)state;
    serve(&f);
    for (unsigned i = 0; i < 20; i++) {
        int fd = reach(&f);

        say(fd, head);
        tell(fd, body, sizeof(body));
        (void)hear(&f, fd, NULL, 0);
        assert_contains(f.said, "HTTP/1.1 413 ");
        (void)close(fd);
    }
    end(&f);
}

static void
a_peer_that_never_ends_is_not_listened_to_for_long(void **state)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n";
    static char more[65536];
    size_t n = 0;
    struct fixture f;

    (void)state;
    serve(&f);
    int fd = reach(&f);
    say(fd, head);
    while (send(fd, more, sizeof(more), MSG_NOSIGNAL) > 0)
        n += sizeof(more);
    assert_in_range(n, 0, 4 * COCO_HTTPD_LINGER_BYTES);
    (void)close(fd);
    /* Nor is one that says nothing more. */
    fd = reach(&f);
    say(fd, head);
    (void)hear(&f, fd, NULL, 0);
    assert_contains(f.said, "HTTP/1.1 413 ");
    struct pollfd p = {.fd = fd, .events = 0}; /* POLLHUP comes once both sides are shut */
    (void)shutdown(fd, SHUT_WR);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    (void)close(fd);
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_to_head_has_no_body),
        cmocka_unit_test(a_long_body_is_nowhere_whole),
        cmocka_unit_test(a_body_of_unknown_length_goes_in_chunks),
        cmocka_unit_test(to_http_1_0_it_goes_until_the_connection_ends),
        cmocka_unit_test(a_body_that_goes_wrong_is_seen_to_be_cut),
        cmocka_unit_test(fewer_bytes_than_were_announced_are_an_error),
        cmocka_unit_test(a_head_of_a_stream_can_be_asked_for),
        cmocka_unit_test(a_reply_may_be_known_later),
        cmocka_unit_test(whoever_does_not_wait_for_it_is_forgotten),
        cmocka_unit_test(it_stops_while_replies_are_not_known),
        cmocka_unit_test(a_reply_that_is_not_taken_ends_the_connection),
        cmocka_unit_test(a_peer_that_takes_no_chunk_in_time_is_closed),
        cmocka_unit_test(a_refusal_arrives_although_the_peer_goes_on_sending),
        cmocka_unit_test(a_peer_that_never_ends_is_not_listened_to_for_long),
    };

    return cmocka_run_group_tests_name("httpd/sending", tests, NULL, NULL);
}
