/*
 * tests/kbc/test_eaa_kbc.c - lib/kbc/eaa_kbc.c
 *
 * Verdictd is a thread here, written from the reference sheet (guest-protocols 5.10): TLS
 * that wants a certificate with evidence, one read a request, records that are full until
 * the last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/eaa_kbc.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"
#include "tests/pki.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BIG 40000 /* bytes of a resource whose base64 takes more than one record */

struct fixture {
    struct pki_cert ca, cert;
    SSL_CTX *tls;
    int listener;
    pthread_t thread;
    char big[BIG / 3 * 4 + 8];
    bool saw_evidence; /* in the certificate of whoever connected last */
    coco_ctx *ctx;
    coco_error *err;
    char uri[64];
};

static struct fixture fixture;

/* As rats-tls without a verifier: any certificate, if there is one. */
static int
take_any(int ok, X509_STORE_CTX *store)
{
    (void)ok, (void)store;
    return 1;
}

static bool
holds_evidence(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    ASN1_OBJECT *oid = OBJ_txt2obj("1.2.840.113741.1337.8", 1);
    bool found = cert && X509_get_ext_by_OBJ(cert, oid, -1) >= 0;

    ASN1_OBJECT_free(oid);
    return found;
}

static const struct {
    const char *request, *reply;
} known[] = {
    {"{\"command\":\"version\"}", "{\"status\":\"OK\",\"version\":\"v1\"}"},
    {"{\"command\":\"Get KEK\",\"kids\":[\"default/key/1\"]}",
     "{\"status\":\"OK\",\"data\":{\"default/key/1\":\"a2V5\"}}"},
    {"{\"command\":\"Get Resource Info\",\"name\":\"default/policy/1\"}",
     "{\"status\":\"OK\",\"data\":{\"base64size\":\"8\"}}"},
    {"{\"command\":\"Get Resource\",\"optional\":{\"resource_path\":\"default/policy/1\"}}",
     "cG9saWN5"},
    {"{\"command\":\"Get Resource Info\",\"name\":\"default/key/file\"}",
     "{\"status\":\"OK\",\"data\":{\"base64size\":\"8\"}}"},
    {"{\"command\":\"Get Resource\",\"optional\":{\"resource_path\":\"default/key/file\"}}",
     "cG9saWN5"},
    {"{\"command\":\"Get Resource Info\",\"name\":\"default/big/1\"}",
     "{\"status\":\"OK\",\"data\":{\"base64size\":\"53336\"}}"},
    {"{\"command\":\"Get Resource\",\"optional\":{\"resource_path\":\"default/big/1\"}}", NULL},
};

static void
serve_one(struct fixture *f, SSL *ssl)
{
    char request[4097];
    int n = 0;

    if (SSL_accept(ssl) != 1)
        return;
    f->saw_evidence = holds_evidence(ssl);
    while (f->saw_evidence && (n = SSL_read(ssl, request, sizeof(request) - 1)) > 0) {
        const char *reply = "{\"status\":\"Fail\",\"data\":{},\"error\":\"not found\"}";

        request[n] = '\0';
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (strcmp(request, known[i].request) == 0)
                reply = known[i].reply ? known[i].reply : f->big;
        if (SSL_write(ssl, reply, (int)strlen(reply)) <= 0)
            return;
    }
}

static void *
serve(void *self)
{
    struct fixture *f = self;
    int fd = -1;
    sigset_t pipe;

    /* Of a client that goes: the server's alone. */
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while ((fd = accept(f->listener, NULL, NULL)) >= 0) {
        SSL *ssl = SSL_new(f->tls);

        if (ssl && SSL_set_fd(ssl, fd) == 1)
            serve_one(f, ssl);
        SSL_free(ssl);
        ERR_clear_error();
        (void)close(fd);
    }
    return NULL;
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in4);

    memset(f, 0, sizeof(*f));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    pki_make_ca(&f->ca, NULL, "ca");
    pki_make(&f->cert, &f->ca, "127.0.0.1", 1);
    f->tls = pki_server(&f->cert, NULL);
    SSL_CTX_set_verify(f->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any);
    memset(f->big, 'A', 53336);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (const struct sockaddr *)&in4, sizeof(in4)), 0);
    assert_int_equal(listen(f->listener, 8), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&in4, &len), 0);
    (void)snprintf(f->uri, sizeof(f->uri), "127.0.0.1:%d", ntohs(in4.sin_port));
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)shutdown(f->listener, SHUT_RDWR);
    (void)pthread_join(f->thread, NULL);
    (void)close(f->listener);
    SSL_CTX_free(f->tls);
    pki_done(&f->cert);
    pki_done(&f->ca);
    coco_ctx_free(f->ctx);
    return 0;
}

static coco_status
quote(void *self, coco_ctx *ctx, const uint8_t report_data[32], struct coco_buf *ret,
      const char **tee, coco_error **err)
{
    (void)self, (void)ctx;
    *tee = "tdx";
    return coco_buf_append(ret, report_data, 32, err);
}

static const struct coco_rats_source source = {quote, NULL};

static coco_status
open_kbc(struct fixture *f, bool with_ca, coco_kbc **ret)
{
    void *self = NULL;
    char *pem = pki_pem(&f->ca);

    coco_status status = coco_eaa_kbc_open(&source, f->uri, &self, &f->err);
    if (status == COCO_OK)
        status = coco_kbc_wrap(&coco_eaa_kbc, self, ret, &f->err);
    if (status == COCO_OK)
        coco_kbc_set_retries(*ret, 0);
    if (status == COCO_OK && with_ca) {
        status = coco_kbc_set_tls_ca(*ret, (const uint8_t *)pem, strlen(pem), &f->err);
        if (status != COCO_OK) {
            coco_kbc_free(*ret);
            *ret = NULL;
        }
    }
    OPENSSL_free(pem);
    return status;
}

static void
secrets_are_got_by_who_has_evidence(void **state)
{
    static const struct {
        const char *uri, *want;
    } cases[] = {
        {"kbs:///default/key/1", "key"},
        {"kbs:///default/policy/1", "policy"},
        {"kbs:///default/key/file", "policy"},
    };
    struct fixture *f = *state;
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;

    assert_ok(open_kbc(f, true, &kbc), f->err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_kbc_get_resource(kbc, f->ctx, cases[i].uri, &secret, &f->err), f->err);
        assert_string_equal((const char *)coco_bytes_data(secret), cases[i].want);
        coco_bytes_free(secret);
    }
    secret = NULL;
    assert_ok(coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/big/1", &secret, &f->err), f->err);
    assert_int_equal(coco_bytes_size(secret), 40002);
    coco_bytes_free(secret);
    secret = NULL;
    assert_fails(coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/none/1", &secret, &f->err),
                 f->err, COCO_ERR_NOTFOUND, "Verdictd says: not found");
    coco_kbc_free(kbc);
    assert_true(f->saw_evidence);
    assert_null(secret);
}

static void
a_server_that_nobody_vouches_for_is_taken_only_if_told_so(void **state)
{
    struct fixture *f = *state;
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;
    char address[64];

    assert_ok(open_kbc(f, false, &kbc), f->err);
    assert_fails(coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/key/1", &secret, &f->err),
                 f->err, COCO_ERR_NET, "certificate");
    coco_kbc_free(kbc);
    (void)snprintf(address, sizeof(address), "%.40s", f->uri);
    (void)snprintf(f->uri, sizeof(f->uri), "unverified:%.40s", address);
    assert_ok(open_kbc(f, false, &kbc), f->err);
    assert_ok(coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/key/1", &secret, &f->err), f->err);
    coco_bytes_free(secret);
    coco_kbc_free(kbc);
}

static void
other_evidence_than_intels_is_refused(void **state)
{
    struct fixture *f = *state;
    coco_attester *attester = NULL;
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;

    assert_ok(coco_kbc_new("eaa_kbc::127.0.0.1:1", &kbc, &f->err), f->err);
    assert_ok(coco_attester_new("sample", &attester, &f->err), f->err);
    assert_ok(coco_kbc_set_attester(kbc, attester, &f->err), f->err);
    assert_fails(coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/key/1", &secret, &f->err),
                 f->err, COCO_ERR_NOTSUP, "attests SGX and TDX, not sample");
    assert_fails(coco_kbc_set_proxy(kbc, "http://proxy.test", NULL, &f->err), f->err,
                 COCO_ERR_NOTSUP, "no proxy");
    assert_null(secret);
    coco_kbc_free(kbc);
}

static void
getting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_kbc *kbc = NULL;
        coco_bytes *secret = NULL;

        coco_status status = open_kbc(f, true, &kbc);
        if (status == COCO_OK)
            status = coco_kbc_get_resource(kbc, f->ctx, "kbs:///default/key/1", &secret, &f->err);
        fault_expect(status, f->err);
        coco_bytes_free(secret);
        coco_kbc_free(kbc);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_are_got_by_who_has_evidence),
        TEST(a_server_that_nobody_vouches_for_is_taken_only_if_told_so),
        TEST(other_evidence_than_intels_is_refused),
        TEST(getting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
