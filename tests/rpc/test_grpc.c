/*
 * tests/rpc/test_grpc.c - lib/rpc/grpc.c, against gRPC's own implementation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "rpc/message.h"
#include "rpc/ttrpc.pb-c.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/peer.h"
#include "tests/pki.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TYPE (&coco__ttrpc__status__descriptor)

struct fixture {
    char dir[64];
    char address[640];
    struct peer peer;
    struct coco_grpc grpc;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup_nothing(void **state)
{
    struct fixture *f = &fixture;

    memset(f, 0, sizeof(*f));
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

/* Inside of a test: a group's setup cannot skip. */
static void
serve(struct fixture *f)
{
    (void)snprintf(f->address, sizeof(f->address), "unix:%s/socket", f->dir);
    const char *const args[] = {"serve", f->address, NULL};

    peer_start(&f->peer, "rpc/grpc_peer.py", args);
    assert_string_equal(f->peer.said, f->address);
    assert_ok(coco_target_parse(f->address, &f->grpc.target, &f->err), f->err);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    peer_stop(&f->peer);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

/* A message whose bytes are the name of a method's number and a text. */
static coco_status
call(struct fixture *f, const char *method, int32_t code, char *text, ProtobufCMessage **ret)
{
    Coco__Ttrpc__Status request;

    coco__ttrpc__status__init(&request);
    request.code = code;
    request.message = text;
    return coco_grpc_call(&f->grpc, f->ctx, method, &request.base, TYPE, ret, &f->err);
}

static void
assert_echoes(struct fixture *f, const char *method)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *reply = NULL;
    char text[] = "gr\xc3\xbc\xc3\x9f gott";

    assert_ok(call(f, method, 7, text, &reply), f->err);
    const Coco__Ttrpc__Status *status = (const Coco__Ttrpc__Status *)reply;
    assert_int_equal(status->code, 7);
    assert_string_equal(status->message, text);
}

static void
a_call_is_answered(void **state)
{
    struct fixture *f = *state;

    serve(f);
    for (int i = 0; i < 3; i++)
        assert_echoes(f, "/test.Echo/Echo");
    assert_echoes(f, "/test.Echo/Metadata");
}

static void
a_long_message_goes_both_ways(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_message_freep) ProtobufCMessage *reply = NULL;
    _cleanup_free_ char *text = malloc((3 << 20) + 1);

    serve(f);
    assert_non_null(text);
    memset(text, 'x', 3 << 20);
    text[3 << 20] = '\0';
    assert_ok(call(f, "/test.Echo/Echo", 0, text, &reply), f->err);
    assert_string_equal(((const Coco__Ttrpc__Status *)reply)->message, text);
}

/* The bytes of the request that Fail and Big read are those of a message's. */
static void
what_the_server_refuses_is_told(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    serve(f);
    assert_fails(call(f, "/test.Echo/Nothing", 1, nothing, &reply), f->err, COCO_ERR_NOTSUP,
                 "/test.Echo/Nothing: the peer says UNIMPLEMENTED");
    /* 08 05: code 8, of a message that is \x05. */
    assert_fails(call(f, "/test.Echo/Fail", 5, nothing, &reply), f->err, COCO_ERR_LIMIT,
                 "RESOURCE_EXHAUSTED: \\x05");
    assert_null(reply);
}

static void
a_message_beyond_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    serve(f);
    /* 08 80 80 02: as a number in network order 0x08808002 bytes. */
    assert_fails(call(f, "/test.Echo/Big", 0x8000, nothing, &reply), f->err, COCO_ERR_LIMIT,
                 "message of");
    assert_null(reply);
}

static void
a_server_is_told_the_deadline_and_kept_to_it(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    serve(f);
    f->grpc.timeout_ms = 500;
    coco_status status = call(f, "/test.Echo/Stall", 1, nothing, &reply);
    /* Whoever of the two is the first to say so. */
    assert_int_equal(status, COCO_ERR_NET);
    coco_error_free(f->err);
    f->err = NULL;
    f->grpc.timeout_ms = 30000;
    /* "30" is no message of ours: '3' is a tag of a group. */
    assert_fails(call(f, "/test.Echo/Deadline", 1, nothing, &reply), f->err, COCO_ERR_PROTO,
                 "not a coco.ttrpc.Status");
}

static void *
cancel(void *ctx)
{
    coco_ctx_cancel(ctx);
    return NULL;
}

static void
a_call_is_canceled_while_it_waits(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    pthread_t thread;
    char nothing[] = "";

    serve(f);
    assert_int_equal(pthread_create(&thread, NULL, cancel, f->ctx), 0);
    assert_fails(call(f, "/test.Echo/Stall", 1, nothing, &reply), f->err, COCO_ERR_CANCELED, "");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* gRPC's core does so where a service wants it, whatever the client says that it takes. */
static void
a_compressed_answer_is_refused(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    serve(f);
    assert_fails(call(f, "/test.Echo/Compressed", 1, nothing, &reply), f->err, COCO_ERR_NOTSUP,
                 "compressed");
}

static void
where_nobody_serves_the_call_fails(void **state)
{
    struct fixture *f = *state;
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    assert_ok(coco_target_parse("127.0.0.1:1", &f->grpc.target, &f->err), f->err);
    assert_fails(call(f, "/a/b", 1, nothing, &reply), f->err, COCO_ERR_NET, "127.0.0.1:1: connect");
}

static void
put_pem(const struct fixture *f, const char *name, char *pem, char *path, size_t size)
{
    coco_error *err = NULL;

    (void)snprintf(path, size, "%s/%s", f->dir, name);
    assert_ok(coco_file_write(path, pem, strlen(pem), 0600, &err), err);
    OPENSSL_free(pem);
}

static void
a_server_is_known_by_its_certificate(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca, server, other;
    char cert[128], key[128];
    ProtobufCMessage *reply = NULL;
    char nothing[] = "";

    pki_make_ca(&ca, NULL, "ca");
    pki_make_ca(&other, NULL, "other");
    pki_make(&server, &ca, "localhost", 1);
    put_pem(f, "cert", pki_pem(&server), cert, sizeof(cert));
    put_pem(f, "key", pki_key_pem(&server), key, sizeof(key));
    const char *const args[] = {"serve", "localhost:0", cert, key, NULL};
    peer_start(&f->peer, "rpc/grpc_peer.py", args);
    (void)snprintf(f->address, sizeof(f->address), "https://%s", f->peer.said);
    assert_ok(coco_target_parse(f->address, &f->grpc.target, &f->err), f->err);

    f->grpc.tls.roots = sk_X509_new_null();
    assert_true(sk_X509_push(f->grpc.tls.roots, other.cert) > 0);
    assert_fails(call(f, "/test.Echo/Echo", 1, nothing, &reply), f->err, COCO_ERR_NET,
                 "certificate: unable to get local issuer certificate");
    assert_true(sk_X509_push(f->grpc.tls.roots, ca.cert) > 0);
    assert_echoes(f, "/test.Echo/Echo");
    f->grpc.tls.roots = (sk_X509_free(f->grpc.tls.roots), NULL);
    assert_fails(call(f, "/test.Echo/Echo", 1, nothing, &reply), f->err, COCO_ERR_NET,
                 "certificate");
    pki_done(&ca);
    pki_done(&other);
    pki_done(&server);
}

static void
what_is_sent_and_received_is_wiped(void **state)
{
    struct fixture *f = *state;
    char text[] = "a secret that goes there and comes back";
    const char canary[] = "a secret that goes there and comes back";

    serve(f);
    canary_begin(canary, strlen(canary));
    ProtobufCMessage *reply = NULL;
    assert_ok(call(f, "/test.Echo/Echo", 7, text, &reply), f->err);
    coco_message_free(reply);
    assert_int_equal(canary_end(), 0);
}

static void
calling_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    char text[] = "text";

    serve(f);
    for_each_fault()
    {
        ProtobufCMessage *reply = NULL;

        coco_status status = call(f, "/test.Echo/Echo", 7, text, &reply);
        fault_expect(status, f->err);
        coco_message_free(reply);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_nothing, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered),
        TEST(a_long_message_goes_both_ways),
        TEST(what_the_server_refuses_is_told),
        TEST(a_message_beyond_the_limit_is_refused),
        TEST(a_server_is_told_the_deadline_and_kept_to_it),
        TEST(a_call_is_canceled_while_it_waits),
        TEST(a_compressed_answer_is_refused),
        TEST(where_nobody_serves_the_call_fails),
        TEST(a_server_is_known_by_its_certificate),
        TEST(what_is_sent_and_received_is_wiped),
        TEST(calling_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
