/*
 * tests/rpc/test_ttrpc_server.c - lib/rpc/ttrpc_server.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/context.h"
#include "base/fail.h"
#include "base/text.h"
#include "rpc/ttrpc.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    void *server;
    struct coco_rpc_service service;
    struct coco_buf out;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

/* "secret" as field 1, for the one resource that there is. */
static coco_status
get(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
    struct coco_buf *reply, coco_error **err)
{
    (void)self, (void)ctx;
    if (strcmp(method, "/api.GetResourceService/GetResource") != 0)
        return coco_fail(err, COCO_ERR_NOTFOUND, "%s is not supported", method);
    if (len != 14 || memcmp(message, "\n\fkbs:///a/b/c", 14) != 0)
        return coco_fail(err, COCO_ERR_DENIED, "not you");
    return coco_buf_append(reply, "\n\006secret", 8, err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.service = {get, NULL}, .out.limit = 1 << 20};
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_ttrpc_protocol.open(&f->service, f->ctx, &f->server, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ttrpc_protocol.close(f->server);
    coco_buf_done(&f->out);
    coco_ctx_free(f->ctx);
    return 0;
}

static coco_status
talk(struct fixture *f, const void *data, size_t len, size_t step)
{
    const uint8_t *p = data;
    const uint8_t *out = NULL;
    coco_status status = COCO_OK;

    for (size_t at = 0; at < len && status == COCO_OK; at += step) {
        size_t n = 1;

        status =
            coco_ttrpc_protocol.feed(f->server, p + at, len - at < step ? len - at : step, &f->err);
        while (status == COCO_OK && n > 0) {
            status = coco_ttrpc_protocol.pending(f->server, &out, &n, &f->err);
            if (status == COCO_OK)
                status = coco_buf_append(&f->out, out, n, &f->err);
        }
    }
    return status;
}

/* What upstream's implementations send and take, byte by byte (guest-protocols 9). */
#define GOLDEN_REQUEST                                                                             \
    "000000350000000101000a166170692e4765745265736f7572636553657276696365120b4765745265736f75"     \
    "7263651a0e0a0c6b62733a2f2f2f612f622f63"
#define GOLDEN_REPLY "0000000a00000001020012080a06736563726574"

static void
golden_frames_are_answered(void **state)
{
    struct fixture *f = *state;
    uint8_t request[63];
    uint8_t reply[20];

    assert_true(coco_unhex(GOLDEN_REQUEST, strlen(GOLDEN_REQUEST), request, sizeof(request)));
    assert_true(coco_unhex(GOLDEN_REPLY, strlen(GOLDEN_REPLY), reply, sizeof(reply)));
    for (size_t step = 1; step <= sizeof(request); step++) {
        f->out.len = 0;
        assert_ok(talk(f, request, sizeof(request), step), f->err);
        assert_int_equal(f->out.len, sizeof(reply));
        assert_memory_equal(f->out.data, reply, sizeof(reply));
    }
    assert_false(coco_ttrpc_protocol.is_over(f->server));
}

static void
what_is_wrong_is_answered_and_the_connection_stays(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
        const char *says; /* "" for nothing */
        char code;
    } cases[] = {
        {"\0\0\0\1\0\0\0\1\1\0\xff", 11, "not a coco.ttrpc.Request", 3},
        {"\0\0\0\0\0\0\0\2\1\0", 10, "stream id must be odd", 3},
        {"\0\0\0\0\0\0\0\1\3\0", 10, "no such stream", 3},
        {"\0\0\0\0\0\0\0\1\2\0", 10, "", 0},
        {"\0\0\0\0\0\0\0\1\7\0", 10, "", 0},
        {"\0\0\0\0\0\0\0\1\1\2", 10, "streams are not served", 12},
        {"\0\0\0\6\0\0\0\1\1\0\n\1a\22\1b", 16, "/a/b is not supported", 5},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->out.len = 0;
        assert_ok(talk(f, cases[i].wire, cases[i].len, 4), f->err);
        if (cases[i].says[0] == '\0') {
            assert_int_equal(f->out.len, 0);
            continue;
        }
        assert_true(f->out.len > 14);
        assert_int_equal(f->out.data[8], 2);
        assert_int_equal(f->out.data[13], cases[i].code);
        assert_non_null(memmem(f->out.data, f->out.len, cases[i].says, strlen(cases[i].says)));
    }
    golden_frames_are_answered(state);
}

static void
a_message_that_is_too_long_is_told_and_passed_over(void **state)
{
    static char much[10 + (4 << 20) + 1] = "\0\100\0\1\0\0\0\1\1";
    struct fixture *f = *state;
    static const char says[] = "message length 4194305 exceed maximum message size of 4194304";

    assert_ok(talk(f, much, sizeof(much), 65536), f->err);
    assert_non_null(memmem(f->out.data, f->out.len, says, strlen(says)));
    golden_frames_are_answered(state);
}

static void
serving_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    uint8_t request[63];

    assert_true(coco_unhex(GOLDEN_REQUEST, strlen(GOLDEN_REQUEST), request, sizeof(request)));
    coco_ttrpc_protocol.close(coco_steal(&f->server));
    for_each_fault()
    {
        coco_buf_done(&f->out);
        f->out = (struct coco_buf){.limit = 1 << 20};
        coco_status status = coco_ttrpc_protocol.open(&f->service, f->ctx, &f->server, &f->err);
        if (status == COCO_OK)
            status = talk(f, request, sizeof(request), sizeof(request));
        /* That it had no memory for the call is told to the client. */
        if (status == COCO_OK && f->out.len > 13 && f->out.data[13] == 8)
            status = coco_fail_nomem(&f->err);
        fault_expect(status, f->err);
        coco_ttrpc_protocol.close(coco_steal(&f->server));
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(golden_frames_are_answered),
        TEST(what_is_wrong_is_answered_and_the_connection_stays),
        TEST(a_message_that_is_too_long_is_told_and_passed_over),
        TEST(serving_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
