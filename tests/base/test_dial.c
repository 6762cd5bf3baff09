/*
 * tests/base/test_dial.c - lib/base/dial.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/dial.h"

#include "base/context.h"
#include "tests/faults.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 30

struct fixture {
    char top[64];
    struct coco_address address; /* of a unix socket in top */
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    char text[256];

    memset(f, 0, sizeof(*f));
    make_temp_dir(f->top, sizeof(f->top));
    (void)snprintf(text, sizeof(text), "unix:%s/socket", f->top);
    assert_ok(coco_address_parse(text, &f->address, &f->err), f->err);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->top);
    return 0;
}

static int
listen_at(const struct coco_address *address, int backlog)
{
    int fd = socket(address->data.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address->data, address->len), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void
a_connection_carries_bytes(void **state)
{
    struct fixture *f = *state;
    char got[3] = "";
    int fd = -1;

    int listener = listen_at(&f->address, 1);
    assert_ok(coco_dial(&f->address, f->ctx, TIMEOUT_S, &fd, &f->err), f->err);
    int peer = accept(listener, NULL, NULL);
    assert_int_equal(write(fd, "hi", 2), 2);
    assert_int_equal(read(peer, got, 2), 2);
    assert_string_equal(got, "hi");
    (void)close(peer);
    (void)close(fd);
    (void)close(listener);
}

static void
where_nobody_answers_the_address_is_told(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"127.0.0.1:1", "connect to 127.0.0.1:1: Connection refused"},
        {"[::1]:1", "connect to [::1]:1: "},
        {"vsock:1:1", "connect to vsock:1:1: "},
    };
    struct fixture *f = *state;
    int fd = -1;

    assert_fails(coco_dial(&f->address, f->ctx, TIMEOUT_S, &fd, &f->err), f->err, COCO_ERR_NET,
                 "/socket: No such file or directory");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_address address;

        assert_ok(coco_address_parse(cases[i].text, &address, &f->err), f->err);
        assert_fails(coco_dial(&address, f->ctx, TIMEOUT_S, &fd, &f->err), f->err, COCO_ERR_NET,
                     cases[i].says);
    }
    assert_int_equal(fd, -1);
}

/* A server that takes no more connections: the kernel leaves further ones unanswered. */
static int
fill(struct coco_address *address, int clients[8])
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *address = (struct coco_address){.len = sizeof(in4)};
    memcpy(&address->data, &in4, sizeof(in4));
    int listener = listen_at(address, 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address->data, &address->len), 0);
    for (int i = 0; i < 8; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(clients[i], (const struct sockaddr *)&address->data, address->len);
    }
    return listener;
}

static void
who_does_not_answer_is_waited_for_and_no_longer(void **state)
{
    struct fixture *f = *state;
    struct coco_address address;
    int clients[8];
    int fd = -1;

    int listener = fill(&address, clients);
    assert_fails(coco_dial(&address, f->ctx, 1, &fd, &f->err), f->err, COCO_ERR_NET,
                 "Connection timed out");
    coco_ctx_cancel(f->ctx);
    assert_fails(coco_dial(&address, f->ctx, TIMEOUT_S, &fd, &f->err), f->err, COCO_ERR_CANCELED,
                 "");
    for (int i = 0; i < 8; i++)
        (void)close(clients[i]);
    (void)close(listener);
}

static void
dialing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        int fd = -1;
        coco_error *err = NULL;

        /* Nobody is there. An error that has no memory for its message is one of memory. */
        assert_int_not_equal(coco_dial(&f->address, f->ctx, TIMEOUT_S, &fd, &err), COCO_OK);
        if (coco_error_status(err) == COCO_ERR_NET) {
            coco_error_free(err);
            err = NULL;
        }
        fault_expect(err ? coco_error_status(err) : COCO_OK, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_connection_carries_bytes),
        TEST(where_nobody_answers_the_address_is_told),
        TEST(who_does_not_answer_is_waited_for_and_no_longer),
        TEST(dialing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("base/dial", tests, NULL, NULL);
}
