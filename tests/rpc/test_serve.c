/*
 * tests/rpc/test_serve.c - lib/rpc/serve.c, asked by gRPC's own implementation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/serve.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/peer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct sockaddr_un address;
    int listener;
    coco_ctx *ctx;
    pthread_t thread;
    coco_status status; /* what serving came to */
    coco_error *err;
    const struct coco_rpc_protocol *protocol;
    struct coco_serve_options opts;
};

static struct fixture fixture;

static coco_status
echo(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
     struct coco_buf *reply, coco_error **err)
{
    (void)self, (void)ctx;
    if (strcmp(method, "/a.B/Echo") != 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "what is %s?", method);
    return coco_buf_append(reply, message, len, err);
}

static void *
serve(void *self)
{
    static const struct coco_rpc_service service = {echo, NULL};
    struct fixture *f = self;

    f->status = coco_serve(f->listener, f->protocol, &service, &f->opts, f->ctx, &f->err);
    return NULL;
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.address.sun_family = AF_UNIX, .protocol = &coco_grpc_protocol};
    make_temp_dir(f->dir, sizeof(f->dir));
    int n = snprintf(f->address.sun_path, sizeof(f->address.sun_path), "%.64s/socket", f->dir);
    assert_true(n > 0);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(f->listener, (const struct sockaddr *)&f->address, sizeof(f->address)),
                     0);
    assert_int_equal(listen(f->listener, 10), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    f->opts = (struct coco_serve_options){.connections_max = 2, .idle_ms = 200};
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_cancel(f->ctx);
    (void)pthread_join(f->thread, NULL);
    assert_fails(f->status, f->err, COCO_ERR_CANCELED, "");
    coco_ctx_free(f->ctx);
    (void)close(f->listener);
    remove_temp_dir(f->dir);
    return 0;
}

static void
ask(const struct fixture *f, const char *method, const char *hex, char *buf, size_t size)
{
    struct peer peer;
    char target[160];
    const char *const args[] = {"call", target, method, hex, "30000", NULL};

    (void)snprintf(target, sizeof(target), "unix:%s", f->address.sun_path);
    peer_start(&peer, "rpc/grpc_peer.py", args);
    peer_finish(&peer, buf, size);
}

static void
a_client_of_grpc_is_answered(void **state)
{
    const struct fixture *f = *state;
    char said[512];

    ask(f, "/a.B/Echo", "68656c6c6f", said, sizeof(said));
    assert_string_equal(said, "OK 68656c6c6f\n");
    ask(f, "/a.B/Echo", "", said, sizeof(said));
    assert_string_equal(said, "OK \n");
    ask(f, "/a.B/Other", "00", said, sizeof(said));
    assert_string_equal(said, "NOT_FOUND what is /a.B/Other?\n");
}

static int
connect_to(const struct fixture *f)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
    return fd;
}

/* Until the server has closed it. */
static void
assert_is_closed(int fd)
{
    char data[256];

    while (recv(fd, data, sizeof(data), 0) > 0)
        ;
    (void)close(fd);
}

/* With other options. */
static void
restart(struct fixture *f)
{
    coco_ctx_cancel(f->ctx);
    (void)pthread_join(f->thread, NULL);
    assert_fails(f->status, f->err, COCO_ERR_CANCELED, "");
    coco_ctx_free(f->ctx);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void
who_is_silent_or_talks_nonsense_makes_room(void **state)
{
    const struct fixture *f = *state;
    char said[512];
    int fds[8];

    for (int i = 0; i < 8; i++)
        fds[i] = connect_to(f);
    for (int i = 0; i < 8; i += 2)
        (void)!send(fds[i], "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    for (int i = 0; i < 8; i++)
        assert_is_closed(fds[i]);
    ask(f, "/a.B/Echo", "78", said, sizeof(said));
    assert_string_equal(said, "OK 78\n");
}

/* An hour of silence is what an agent's connection may have; nobody else is kept out by it. */
static void
who_waits_longest_makes_room_for_more(void **state)
{
    struct fixture *f = *state;
    char said[512];
    char data[1];
    int fds[4];

    f->opts.idle_ms = 0;
    restart(f);
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_to(f);
        assert_int_equal(recv(fds[i], data, 1, 0), 1); /* it is served */
    }
    assert_is_closed(fds[0]);
    assert_is_closed(fds[1]);
    ask(f, "/a.B/Echo", "78", said, sizeof(said));
    assert_string_equal(said, "OK 78\n");
    (void)close(fds[2]);
    (void)close(fds[3]);
}

static void
canceling_ends_those_who_are_served(void **state)
{
    struct fixture *f = *state;
    char data[1];

    int fd = connect_to(f);
    assert_int_equal(recv(fd, data, sizeof(data), 0), sizeof(data)); /* it is served */
    coco_ctx_cancel(f->ctx);
    assert_is_closed(fd);
}

static void
a_socket_that_is_none_is_told(void **state)
{
    struct fixture *f = *state;
    static const struct coco_rpc_service service = {echo, NULL};
    const struct coco_serve_options opts = {0};
    coco_error *err = NULL;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_fails(coco_serve(fds[0], &coco_grpc_protocol, &service, &opts, f->ctx, &err), err,
                 COCO_ERR_IO, "accept");
    (void)close(fds[0]);
    (void)close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_of_grpc_is_answered),
        TEST(who_is_silent_or_talks_nonsense_makes_room),
        TEST(who_waits_longest_makes_room_for_more),
        TEST(canceling_ends_those_who_are_served),
        TEST(a_socket_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
