/*
 * tests/ocicrypt/test_provider_rpc.c - lib/ocicrypt/provider_rpc.c, with gRPC's own implementation
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/provider_rpc.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "ocicrypt/keyprovider.pb-c.h"
#include "ocicrypt/provider.h"
#include "ocicrypt/provider_json.h"
#include "rpc/message.h"
#include "rpc/serve.h"
#include "rpc/ttrpc.h"

#include "tests/peer.h"
#include "tests/pki.h"
#include "tests/support.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DATA "private options"

struct fixture {
    char dir[64];
    struct peer peer;
    struct coco_providers providers;
    struct coco_provider_use use;
    struct coco_wrapper wrapper;
    struct coco_buf blob;
    coco_ctx *ctx;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.blob = {.limit = COCO_BLOB_MAX}};
    make_temp_dir(fixture.dir, sizeof(fixture.dir));
    assert_ok(coco_ctx_new(&fixture.ctx, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->peer.pid)
        peer_stop(&f->peer);
    coco_providers_done(&f->providers);
    coco_buf_done(&f->blob);
    coco_ctx_free(f->ctx);
    remove_temp_dir(f->dir);
    return 0;
}

static void
use(struct fixture *f, const char *way, const char *parameter)
{
    char text[1024];

    (void)snprintf(text, sizeof(text), "{\"key-providers\":{\"acme\":%s}}", way);
    coco_providers_done(&f->providers);
    assert_ok(coco_providers_parse(text, strlen(text), &f->providers, &f->err), f->err);
    f->use = (struct coco_provider_use){
        .provider = &f->providers.list[0],
        .parameter = parameter,
    };
    f->wrapper = coco_provider_wrapper(&f->use);
}

static coco_status
wrap(struct fixture *f)
{
    char data[] = DATA;
    const struct coco_buf options = {.data = (uint8_t *)data, .len = strlen(data)};

    coco_buf_reset(&f->blob);
    return f->wrapper.wrap(f->wrapper.self, f->ctx, &options, &f->blob, &f->err);
}

static coco_status
unwrap(struct fixture *f, struct coco_secret *ret)
{
    return f->wrapper.unwrap(f->wrapper.self, f->ctx, &f->blob, ret, &f->err);
}

static void
assert_goes_round(struct fixture *f)
{
    _cleanup_secret_ struct coco_secret back = {0};

    assert_ok(wrap(f), f->err);
    assert_ok(unwrap(f, &back), f->err);
    assert_true(coco_secret_equal(&back, DATA, strlen(DATA)));
}

static void
grpc_wraps_and_unwraps(void **state)
{
    static const char *const args[] = {"serve", "127.0.0.1:0", NULL};
    struct fixture *f = *state;
    struct coco_secret back = {0};
    char way[640];

    peer_start(&f->peer, "ocicrypt/provider_peer.py", args);
    (void)snprintf(way, sizeof(way), "{\"grpc\":\"%s\"}", f->peer.said);
    use(f, way, "p");
    assert_goes_round(f);
    use(f, way, "q");
    assert_fails(unwrap(f, &back), f->err, COCO_ERR_INVALID, "not mine");
    use(f, "{\"grpc\":\"127.0.0.1:1\"}", NULL);
    assert_fails(wrap(f), f->err, COCO_ERR_NET, "key provider acme");
}

static void
put(const struct fixture *f, const char *name, char *pem)
{
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_ok(coco_file_write(path, pem, strlen(pem), 0600, &err), err);
    OPENSSL_free(pem);
}

static void
grpc_by_tls_believes_its_ca_alone(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca, other, server;
    char cert[128], key[128], way[1024];

    pki_make_ca(&ca, NULL, "ca");
    pki_make_ca(&other, NULL, "other");
    pki_make(&server, &ca, "localhost", 1);
    put(f, "ca", pki_pem(&ca));
    put(f, "other", pki_pem(&other));
    put(f, "cert", pki_pem(&server));
    put(f, "key", pki_key_pem(&server));
    (void)snprintf(cert, sizeof(cert), "%s/cert", f->dir);
    (void)snprintf(key, sizeof(key), "%s/key", f->dir);
    const char *const args[] = {"serve", "localhost:0", cert, key, NULL};
    peer_start(&f->peer, "ocicrypt/provider_peer.py", args);
    (void)snprintf(way, sizeof(way),
                   "{\"grpc\":\"%.100s\",\"grpc-tls\":{\"root-ca-file\":\"%s/ca\"}}", f->peer.said,
                   f->dir);
    use(f, way, "p");
    assert_goes_round(f);
    (void)snprintf(way, sizeof(way),
                   "{\"grpc\":\"%.100s\",\"grpc-tls\":{\"root-ca-file\":\"%s/other\"}}",
                   f->peer.said, f->dir);
    use(f, way, "p");
    assert_fails(wrap(f), f->err, COCO_ERR_NET, "certificate");
    (void)snprintf(way, sizeof(way),
                   "{\"grpc\":\"%.100s\",\"grpc-tls\":{\"root-ca-file\":\"%s/none\"}}",
                   f->peer.said, f->dir);
    use(f, way, "p");
    assert_fails(wrap(f), f->err, COCO_ERR_NOTFOUND, "none");
    pki_done(&ca);
    pki_done(&other);
    pki_done(&server);
}

/* Asks the peer's server with a CA, and a name unless that is NULL. */
static void
use_by_tls(struct fixture *f, const char *at, const char *name)
{
    char way[1024];

    (void)snprintf(
        way, sizeof(way),
        "{\"grpc\":\"%.120s\",\"grpc-tls\":{\"root-ca-file\":\"%s/ca\",\"server-name\":\"%s\"}}",
        at, f->dir, name ? name : "");
    use(f, way, "p");
}

/* Where a server is says nothing of who it is: whoever is in its place has a certificate, too. */
static void
a_certificate_is_for_the_name_of_the_server(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca, server;
    char cert[128], key[128], at[128];

    pki_make_ca(&ca, NULL, "ca");
    pki_make(&server, &ca, "kms.acme.test", 1);
    put(f, "ca", pki_pem(&ca));
    put(f, "cert", pki_pem(&server));
    put(f, "key", pki_key_pem(&server));
    (void)snprintf(cert, sizeof(cert), "%s/cert", f->dir);
    (void)snprintf(key, sizeof(key), "%s/key", f->dir);
    (void)snprintf(at, sizeof(at), "unix:%s/socket", f->dir);
    for (int i = 0; i < 2; i++) {
        const char *const args[] = {"serve", i == 0 ? at : "localhost:0", cert, key, NULL};

        peer_start(&f->peer, "ocicrypt/provider_peer.py", args);
        use_by_tls(f, f->peer.said, NULL);
        assert_fails(wrap(f), f->err, COCO_ERR_NET, "ertificate");
        use_by_tls(f, f->peer.said, "kms.other.test");
        assert_fails(wrap(f), f->err, COCO_ERR_NET, "ertificate");
        use_by_tls(f, f->peer.said, "kms.acme.test");
        assert_goes_round(f);
        peer_stop(&f->peer);
        f->peer.pid = 0;
    }
    pki_done(&ca);
    pki_done(&server);
}

/* ---- ttrpc, as confidential-data-hub serves it ---- */

static coco_status
answer(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
       struct coco_buf *reply, coco_error **err)
{
    const ProtobufCMessageDescriptor *type =
        &keyprovider__key_provider_key_wrap_protocol_input__descriptor;
    Keyprovider__KeyProviderKeyWrapProtocolOutput output;
    _cleanup_(coco_message_freep) ProtobufCMessage *input = NULL;
    _cleanup_(coco_provider_request_done) struct coco_provider_request request = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_PROVIDER_JSON_MAX};
    bool is_wrap = strcmp(method, "/" COCO_PROVIDER_SERVICE "/WrapKey") == 0;

    (void)self;
    (void)ctx;
    if (!is_wrap && strcmp(method, "/" COCO_PROVIDER_SERVICE "/UnWrapKey") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "no %s", method);
    coco_status status = coco_message_parse(type, message, len, &input, err);
    if (status != COCO_OK)
        return status;
    const ProtobufCBinaryData *json = &((const Keyprovider__KeyProviderKeyWrapProtocolInput *)input)
                                           ->keyproviderkeywrapprotocolinput;
    status = coco_provider_request_read((const char *)json->data, json->len, "acme", &request, err);
    if (status == COCO_OK && request.wrap != is_wrap)
        status = coco_fail(err, COCO_ERR_INVALID, "op is not the method's");
    if (status == COCO_OK)
        status =
            coco_provider_reply_write(is_wrap, request.data.data, request.data.len, &text, err);
    if (status != COCO_OK)
        return status;
    keyprovider__key_provider_key_wrap_protocol_output__init(&output);
    output.keyproviderkeywrapprotocoloutput.data = text.data;
    output.keyproviderkeywrapprotocoloutput.len = text.len;
    return coco_message_format(&output.base, reply, err);
}

struct serving {
    int listener;
    coco_ctx *ctx;
};

static void *
serve(void *self)
{
    static const struct coco_rpc_service service = {answer, NULL};
    const struct coco_serve_options opts = {0};
    const struct serving *serving = self;

    (void)coco_serve(serving->listener, &coco_ttrpc_protocol, &service, &opts, serving->ctx, NULL);
    return NULL;
}

static void
ttrpc_wraps_and_unwraps(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct serving serving = {.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    pthread_t thread;
    char way[256];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", f->dir);
    assert_int_equal(bind(serving.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(serving.listener, 4), 0);
    assert_ok(coco_ctx_new(&serving.ctx, &f->err), f->err);
    assert_int_equal(pthread_create(&thread, NULL, serve, &serving), 0);
    (void)snprintf(way, sizeof(way), "{\"ttrpc\":\"unix://%s/s\"}", f->dir);
    use(f, way, NULL);
    assert_goes_round(f);
    coco_ctx_cancel(serving.ctx);
    assert_int_equal(pthread_join(thread, NULL), 0);
    coco_ctx_free(serving.ctx);
    (void)close(serving.listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(grpc_wraps_and_unwraps),
        TEST(grpc_by_tls_believes_its_ca_alone),
        TEST(a_certificate_is_for_the_name_of_the_server),
        TEST(ttrpc_wraps_and_unwraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
