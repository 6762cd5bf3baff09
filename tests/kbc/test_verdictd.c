/*
 * tests/kbc/test_verdictd.c - lib/kbc/verdictd.c
 *
 * The server's half was written from the reference sheet; TLS is in test_eaa_kbc.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/verdictd.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>
#include <sys/socket.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct coco_buf
buf_of(const char *text)
{
    struct coco_buf buf = {.limit = 1 << 20};
    coco_error *err = NULL;

    assert_ok(coco_buf_append_text(&buf, text, &err), err);
    return buf;
}

static void
versions_are_read(void **state)
{
    static const struct {
        const char *reply;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{\"status\":\"OK\",\"version\":\"v2\"}", COCO_ERR_PROTO, "version 'v2'"},
        {"{\"status\":\"OK\"}", COCO_ERR_PROTO, "version"},
        {"{\"status\":\"Fail\",\"version\":\"v1\"}", COCO_ERR_NOTFOUND, "Fail"},
        {"{\"status\":\"ok\",\"version\":\"v1\"}", COCO_ERR_PROTO, "status 'ok'"},
        {"{\"status\":1,\"version\":\"v1\"}", COCO_ERR_PROTO, "status"},
        {"[]", COCO_ERR_PROTO, ""},
        {"{", COCO_ERR_PROTO, ""},
    };
    coco_error *err = NULL;

    (void)state;
    struct coco_buf good = buf_of("{\"status\":\"OK\",\"version\":\"v1\"}");
    assert_ok(coco_verdictd_parse_version(&good, &err), err);
    coco_buf_done(&good);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_buf reply = buf_of(cases[i].reply);

        assert_fails(coco_verdictd_parse_version(&reply, &err), err, cases[i].status, cases[i].why);
        coco_buf_done(&reply);
    }
}

static void
data_is_read_by_name(void **state)
{
    static const struct {
        const char *reply;
        coco_status status;
        const char *why;
    } cases[] = {
        {"{\"status\":\"Fail\",\"data\":{},\"error\":\"no \\u001b[2J\"}", COCO_ERR_NOTFOUND,
         "Verdictd says: no \\x1b[2J"},
        {"{\"status\":\"Fail\",\"error\":7}", COCO_ERR_PROTO, "error"},
        {"{\"status\":\"OK\",\"data\":{}}", COCO_ERR_PROTO, "a/b/c"},
        {"{\"status\":\"OK\",\"data\":{\"a/b/C\":\"x\"}}", COCO_ERR_PROTO, "a/b/c"},
        {"{\"status\":\"OK\",\"data\":{\"a/b/c\":1}}", COCO_ERR_PROTO, "a/b/c"},
        {"{\"status\":\"OK\",\"data\":[]}", COCO_ERR_PROTO, "data"},
        {"{\"status\":\"OK\"}", COCO_ERR_PROTO, "data"},
    };
    coco_error *err = NULL;

    (void)state;
    struct coco_buf good = buf_of("{\"status\":\"OK\",\"data\":{\"a/b/c\":\"text\"}}");
    struct coco_buf text = {.limit = 10};
    assert_ok(coco_verdictd_parse_text(&good, "a/b/c", &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "text");
    coco_buf_done(&good);
    coco_buf_done(&text);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_buf reply = buf_of(cases[i].reply);

        text = (struct coco_buf){.limit = 10};
        assert_fails(coco_verdictd_parse_text(&reply, "a/b/c", &text, &err), err, cases[i].status,
                     cases[i].why);
        coco_buf_done(&reply);
    }
}

static void
resources_are_read(void **state)
{
    static const struct {
        const char *reply, *want;
    } good[] = {
        {"aGVsbG8=", "hello"},
        {"", ""},
        {"e30=", "{}"},
        {"eyJzdGF0dXMiOiJPSyJ9", "{\"status\":\"OK\"}"},
        /* {"status":"Fail"}: a resource may say that, too. */
        {"eyJzdGF0dXMiOiJGYWlsIn0=", "{\"status\":\"Fail\"}"},
    };
    static const struct {
        const char *reply;
        coco_status status;
        const char *why;
    } wrong[] = {
        {"*", COCO_ERR_PROTO, ""},
        {"aGVsbG8", COCO_ERR_PROTO, ""},
        {"{\"status\":\"Fail\",\"error\":\"x\"}", COCO_ERR_PROTO, ""},
        /* {"status":"Fail","error":"gone"} */
        {"eyJzdGF0dXMiOiJGYWlsIiwiZXJyb3IiOiJnb25lIn0=", COCO_ERR_NOTFOUND, "says: gone"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct coco_buf reply = buf_of(good[i].reply);
        _cleanup_secret_ struct coco_secret secret = {0};

        assert_ok(coco_verdictd_parse_resource(&reply, &secret, &err), err);
        assert_true(coco_secret_equal(&secret, good[i].want, strlen(good[i].want)));
        coco_buf_done(&reply);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct coco_buf reply = buf_of(wrong[i].reply);
        struct coco_secret secret = {0};

        assert_fails(coco_verdictd_parse_resource(&reply, &secret, &err), err, wrong[i].status,
                     wrong[i].why);
        assert_null(secret.data);
        coco_buf_done(&reply);
    }
}

/* A stream whose peer has said all that it will; what it is asked is read afterwards. */
static struct coco_stream *
stream_of(const char *replies, coco_ctx *ctx, int *peer)
{
    struct coco_stream *stream = NULL;
    coco_error *err = NULL;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(send(fds[1], replies, strlen(replies), 0), strlen(replies));
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    assert_ok(coco_stream_adopt(fds[0], 30000, ctx, &stream, &err), err);
    *peer = fds[1];
    return stream;
}

static void
requests_are_upstreams(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_secret_ struct coco_secret key = {0};
    coco_error *err = NULL;
    char asked[256] = "";
    int peer = -1;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    struct coco_stream *stream =
        stream_of("{\"status\":\"OK\",\"data\":{\"a/key/c\":\"a2V5\"}}", ctx, &peer);
    assert_ok(coco_verdictd_get_key(stream, "a/key/c", &key, &err), err);
    assert_true(coco_secret_equal(&key, "key", 3));
    assert_true(recv(peer, asked, sizeof(asked) - 1, 0) > 0);
    assert_string_equal(asked, "{\"command\":\"Get KEK\",\"kids\":[\"a/key/c\"]}");
    coco_stream_free(stream);
    (void)close(peer);

    memset(asked, 0, sizeof(asked));
    stream = stream_of("{\"status\":\"OK\",\"version\":\"v1\"}", ctx, &peer);
    assert_ok(coco_verdictd_greet(stream, &err), err);
    assert_true(recv(peer, asked, sizeof(asked) - 1, 0) > 0);
    assert_string_equal(asked, "{\"command\":\"version\"}");
    coco_stream_free(stream);
    (void)close(peer);

    stream = stream_of("", ctx, &peer);
    assert_fails(coco_verdictd_greet(stream, &err), err, COCO_ERR_NET, "closed");
    coco_stream_free(stream);
    (void)close(peer);
}

static void
sizes_are_believed_within_bounds(void **state)
{
    static const struct {
        const char *size;
        coco_status status;
    } cases[] = {
        {"0", COCO_ERR_PROTO},         {"-1", COCO_ERR_PROTO},       {"", COCO_ERR_PROTO},
        {"1e3", COCO_ERR_PROTO},       {"99999999", COCO_ERR_LIMIT}, {"4194305", COCO_ERR_LIMIT},
        {"123456789", COCO_ERR_LIMIT},
    };
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char reply[128];
        int peer = -1;

        (void)snprintf(reply, sizeof(reply), "{\"status\":\"OK\",\"data\":{\"base64size\":\"%s\"}}",
                       cases[i].size);
        struct coco_stream *stream = stream_of(reply, ctx, &peer);
        assert_fails(coco_verdictd_get_resource(stream, "a/b/c", &secret, &err), err,
                     cases[i].status, "");
        coco_stream_free(stream);
        (void)close(peer);
    }
    assert_null(secret.data);
}

static void
replies_are_wiped(void **state)
{
    static const char secret[] = "c2VjcmV0IG9mIHZlcmRpY3Rk";
    struct coco_secret read = {0};
    coco_error *err = NULL;

    (void)state;
    canary_begin(secret, strlen(secret));
    struct coco_buf reply = buf_of(secret);
    assert_ok(coco_verdictd_parse_resource(&reply, &read, &err), err);
    coco_secret_done(&read);
    coco_buf_done(&reply);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_read),
        cmocka_unit_test(data_is_read_by_name),
        cmocka_unit_test(resources_are_read),
        cmocka_unit_test(requests_are_upstreams),
        cmocka_unit_test(sizes_are_believed_within_bounds),
        cmocka_unit_test(replies_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
