/*
 * tests/httpd/test_server.c - lib/httpd/server.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/server.h"

#include "tests/httpd/served.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

static void
connections_are_counted(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 2});
    int silent = reach(&f);
    int idle = reach(&f);
    say(idle, HEALTHZ);
    (void)hear(&f, idle, "\r\n\r\n", 1);
    /* Between two requests nothing is lost; after that whoever waits longest goes. */
    int third = reach(&f);
    assert_closed(idle);
    int fourth = reach(&f);
    assert_closed(silent);
    say(third, HEALTHZ);
    (void)hear(&f, third, "\r\n\r\n", 1);
    say(fourth, HEALTHZ);
    (void)hear(&f, fourth, "\r\n\r\n", 1);
    (void)close(third);
    (void)close(fourth);
    end(&f);
}

static void
an_idle_connection_is_closed(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.idle_timeout = 1});
    int fd = reach(&f);
    say(fd, HEALTHZ);
    (void)hear(&f, fd, NULL, 0); /* comes back, for the server closes */
    assert_contains(f.said, "HTTP/1.1 200 OK");
    (void)close(fd);
    end(&f);
}

static void
plain_http_stays_on_this_machine(void **state)
{
    static char any[] = "0.0.0.0:0", any6[] = "[::]:0", loopback[] = "127.0.0.1:0",
                other_loopback[] = "127.1.2.3:0", not_here[] = "192.0.2.1:1",
                no_address[] = "example.org:1";
    static const struct {
        char *sockets[2];
        bool insecure;
        coco_status status;
    } cases[] = {
        {{any, NULL}, false, COCO_ERR_INVALID}, {{loopback, any6}, false, COCO_ERR_INVALID},
        {{any, NULL}, true, COCO_OK},           {{other_loopback, NULL}, false, COCO_OK},
        {{not_here, NULL}, true, COCO_ERR_IO},  {{no_address, NULL}, false, COCO_ERR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_httpd_options how = {
            .sockets = cases[i].sockets,
            .n_sockets = cases[i].sockets[1] ? 2 : 1,
            .insecure_http = cases[i].insecure,
        };
        struct fixture f = {0};
        coco_error *err = NULL;

        coco_status status = start(&f, &how, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: %s", i, err ? coco_error_message(err) : "started");
        coco_error_free(err);
        end(&f);
    }
}

static void *
stop(void *arg)
{
    coco_httpd_server_stop(arg);
    return NULL;
}

static void
it_stops_while_peers_are_connected(void **state)
{
    struct fixture f;
    pthread_t thread;

    (void)state;
    serve(&f);
    int idle = reach(&f);
    int half = reach(&f);
    tell(half, "GET /hea", 8);
    int done = reach(&f);
    say(done, HEALTHZ);
    (void)hear(&f, done, "\r\n\r\n", 1);
    assert_int_equal(pthread_create(&thread, NULL, stop, f.server), 0);
    (void)hear(&f, idle, NULL, 0);
    (void)hear(&f, half, NULL, 0);
    (void)hear(&f, done, NULL, 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    f.server = NULL;
    (void)close(idle);
    (void)close(half);
    (void)close(done);
    end(&f);
}

static void
a_peer_that_says_nothing_is_not_waited_for(void **state)
{
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){
                     .head_timeout = 1, .idle_timeout = 3600, .body_timeout = 3600});
    assert_closed(reach(&f));
    end(&f);
}

static void
many_slow_peers_do_not_keep_others_out(void **state)
{
    enum { ALL = 300, ROOM = 256 };
    int fds[ALL];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 256, .head_timeout = 1});
    for (size_t i = 0; i < ALL; i++) {
        fds[i] = reach(&f);
        if (i < ROOM)
            tell(fds[i], "GET /", 5);
    }
    /* Those that wait longest at once, for those above the limit; the others in their time. */
    for (size_t i = 0; i < ALL; i++)
        assert_closed(fds[i]);
    ask_raw(&f, HEALTHZ);
    assert_contains(f.said, "HTTP/1.1 200 OK");
    end(&f);
}

/* Lines of the log that hold text. */
struct heard {
    pthread_mutex_t lock;
    unsigned n;
};

static void
on_log(void *user, coco_log_level level, const char *message)
{
    struct heard *heard = user;

    (void)level;
    (void)pthread_mutex_lock(&heard->lock);
    heard->n += strstr(message, "those that wait longest are closed") != NULL;
    (void)pthread_mutex_unlock(&heard->lock);
}

static void
a_flood_of_connections_does_not_flood_the_log(void **state)
{
    struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int fds[100];
    struct fixture f;

    (void)state;
    serve_as(&f, &(const struct coco_httpd_options){.max_connections = 2});
    coco_ctx_set_log(f.ctx, COCO_LOG_DEBUG, on_log, &heard, NULL);
    for (size_t i = 0; i < 100; i++)
        fds[i] = reach(&f);
    for (size_t i = 0; i < 98; i++)
        assert_closed(fds[i]);
    (void)close(fds[98]);
    (void)close(fds[99]);
    end(&f);
    assert_int_equal(heard.n, 1);
}

static int
reach_path(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void
it_serves_in_the_file_system(void **state)
{
    char dir[] = "/tmp/coco-httpd-XXXXXX";
    char address[64];
    char *const sockets[] = {address};
    const struct coco_httpd_options how = {.sockets = sockets, .n_sockets = 1, .unix_mode = 0640};
    struct fixture f, second;
    struct stat st;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof(address), "unix:%s/socket", dir);
    const char *path = address + 5;
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1) { /* one was left behind */
            struct sockaddr_un un = {.sun_family = AF_UNIX};
            int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

            (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
            assert_int_equal(bind(stale, (const struct sockaddr *)&un, sizeof(un)), 0);
            (void)close(stale);
        }
        serve_as(&f, &how);
        assert_string_equal(coco_httpd_server_url(f.server), address);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        int fd = reach_path(path);
        say(fd, HEALTHZ);
        (void)hear(&f, fd, "\r\n\r\n", 1);
        assert_contains(f.said, "HTTP/1.1 200 OK");
        (void)close(fd);
        /* Nobody takes it away from who serves there. */
        assert_fails(start(&second, &how, &err), err, COCO_ERR_IO, "cannot listen at unix:/");
        err = NULL;
        end(&second);
        end(&f);
        assert_int_equal(stat(path, &st), -1);
    }
    /* Nor is a file. */
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_fails(start(&f, &how, &err), err, COCO_ERR_IO, "cannot listen at unix:/");
    end(&f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(it_stops_while_peers_are_connected),
        cmocka_unit_test(a_peer_that_says_nothing_is_not_waited_for),
        cmocka_unit_test(many_slow_peers_do_not_keep_others_out),
        cmocka_unit_test(a_flood_of_connections_does_not_flood_the_log),
        cmocka_unit_test(it_serves_in_the_file_system),
    };

    return cmocka_run_group_tests_name("httpd/server", tests, NULL, NULL);
}
