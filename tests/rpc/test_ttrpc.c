/*
 * tests/rpc/test_ttrpc.c - lib/rpc/ttrpc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/ttrpc.h"

#include "base/context.h"
#include "base/fail.h"
#include "rpc/message.h"
#include "rpc/serve.h"
#include "rpc/ttrpc.pb-c.h"
#include "tests/faults.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TYPE (&coco__ttrpc__status__descriptor)

struct fixture {
    char dir[64];
    int listener;
    pthread_t thread;
    struct coco_ttrpc ttrpc;
    coco_ctx *ctx;
    coco_ctx *serving;
    const char *says; /* instead of serving: these bytes, whatever is asked */
    size_t len;
    coco_error *err;
};

static struct fixture fixture;

static coco_status
echo(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
     struct coco_buf *reply, coco_error **err)
{
    (void)self, (void)ctx;
    if (strcmp(method, "/test.Echo/Echo") != 0)
        return coco_fail(err, COCO_ERR_DENIED, "not %s", method);
    return coco_buf_append(reply, message, len, err);
}

static void *
serve(void *self)
{
    static const struct coco_rpc_service service = {echo, NULL};
    const struct coco_serve_options opts = {0};
    struct fixture *f = self;

    if (!f->says) {
        (void)coco_serve(f->listener, &coco_ttrpc_protocol, &service, &opts, f->serving, NULL);
        return NULL;
    }
    int fd = accept(f->listener, NULL, NULL);
    char asked[4096];
    (void)!recv(fd, asked, sizeof(asked), 0);
    (void)!send(fd, f->says, f->len, MSG_NOSIGNAL);
    (void)close(fd);
    return NULL;
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char text[160];

    memset(f, 0, sizeof(*f));
    f->ttrpc.service = "test.Echo";
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_ctx_new(&f->serving, &f->err), f->err);
    int n = snprintf(un.sun_path, sizeof(un.sun_path), "%.64s/socket", f->dir);
    assert_true(n > 0);
    (void)snprintf(text, sizeof(text), "unix:%s", un.sun_path);
    assert_ok(coco_target_parse(text, &f->ttrpc.target, &f->err), f->err);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (const struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(f->listener, 8), 0);
    *state = f;
    return 0;
}

static void
start(struct fixture *f, const char *says, size_t len)
{
    f->says = says;
    f->len = len;
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void
stop(struct fixture *f)
{
    coco_ctx_cancel(f->serving);
    (void)pthread_join(f->thread, NULL);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)close(f->listener);
    coco_ctx_free(f->ctx);
    coco_ctx_free(f->serving);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
call(struct fixture *f, const char *method, ProtobufCMessage **ret)
{
    Coco__Ttrpc__Status request;
    char text[] = "text";

    coco__ttrpc__status__init(&request);
    request.code = 7;
    request.message = text;
    return coco_ttrpc_call(&f->ttrpc, f->ctx, method, &request.base, TYPE, ret, &f->err);
}

static void
a_call_is_answered_or_refused(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    ProtobufCMessage *none = NULL;

    start(f, NULL, 0);
    coco_status status = call(f, "Echo", &reply);
    coco_status refused = call(f, "Other", &none);
    stop(f);
    assert_fails(refused, f->err, COCO_ERR_DENIED,
                 "test.Echo/Other: the peer says PERMISSION_DENIED: not /test.Echo/Other");
    assert_int_equal(status, COCO_OK);
    assert_int_equal(((const Coco__Ttrpc__Status *)reply)->code, 7);
    assert_string_equal(((const Coco__Ttrpc__Status *)reply)->message, "text");
    assert_null(none);
    coco_message_free(reply);
}

static void
both_styles_of_an_answer_are_taken(void **state)
{
    /* As Go has it; as Rust has it, with an explicit OK, behind frames of others. */
    static const struct {
        const char *says;
        size_t len;
    } cases[] = {
        {"\0\0\0\4\0\0\0\1\2\0\22\2\10\5", 14},
        {"\0\0\0\1\0\0\0\3\2\0x\0\0\0\0\0\0\0\1\7\0\0\0\0\6\0\0\0\1\2\0\n\0\22\2\10\5", 37},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        ProtobufCMessage *reply = NULL;

        start(f, cases[i].says, cases[i].len);
        coco_status status = call(f, "Echo", &reply);
        stop(f);
        assert_ok(status, f->err);
        assert_int_equal(((const Coco__Ttrpc__Status *)reply)->code, 5);
        coco_message_free(reply);
    }
}

static void
wrong_answers_are_refused(void **state)
{
    static const struct {
        const char *says;
        size_t len;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", 0, COCO_ERR_NET, "closed"},
        {"\0\0\0\4\0\0\0\1\2\0\22\2", 12, COCO_ERR_NET, "closed"},
        {"\0\0\0\1\0\0\0\1\2\0\xff", 11, COCO_ERR_PROTO, "not a coco.ttrpc.Response"},
        {"\0\0\0\4\0\0\0\1\2\0\22\2\xff\xff", 14, COCO_ERR_PROTO, "not a coco.ttrpc.Status"},
        {"\0\0\0\4\0\0\0\1\2\0\n\2\10\5", 14, COCO_ERR_NOTFOUND, "NOT_FOUND"},
        {"\0\0\0\015\0\0\0\1\2\0\n\013\10\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 23,
         COCO_ERR_PROTO, "UNKNOWN"},
        {"\xff\xff\xff\xff\0\0\0\3\2\0", 10, COCO_ERR_NET, "closed"},
    };
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;

    for (size_t i = 0; i < COUNT(cases); i++) {
        start(f, cases[i].says, cases[i].len);
        coco_status status = call(f, "Echo", &reply);
        stop(f);
        assert_fails(status, f->err, cases[i].status, cases[i].why);
    }
    assert_null(reply);
}

static void
calling_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, 0);
    for_each_fault()
    {
        ProtobufCMessage *reply = NULL;

        coco_status status = call(f, "Echo", &reply);
        /* The server's memory is the test's, too: what it lacks it tells, or it goes. */
        if (status == COCO_ERR_LIMIT || status == COCO_ERR_NET) {
            coco_error_free(f->err);
            f->err = NULL;
            status = coco_fail_nomem(&f->err);
        }
        fault_expect(status, f->err);
        coco_message_free(reply);
        coco_error_free(f->err);
        f->err = NULL;
    }
    stop(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_or_refused),
        TEST(both_styles_of_an_answer_are_taken),
        TEST(wrong_answers_are_refused),
        TEST(calling_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
