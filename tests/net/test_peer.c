/*
 * tests/net/test_peer.c - lib/net/peer.c, against servers that want to know who is there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/peer.h"

#include "base/context.h"
#include "base/fail.h"
#include "net/http.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Of servers and of clients, and another one of clients that is below it. */
struct fixture {
    struct pki_cert servers, clients, strangers, middle;
    struct pki_cert server;
    struct httpd httpd, other;
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static const struct coco_proxies direct;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    pki_make_ca(&f->servers, NULL, "Servers");
    pki_make_ca(&f->clients, NULL, "Clients");
    pki_make_ca(&f->strangers, NULL, "Strangers");
    pki_make_ca(&f->middle, &f->clients, "Middle");
    pki_make(&f->server, &f->servers, "127.0.0.1", 30);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    pki_done(&f->servers);
    pki_done(&f->clients);
    pki_done(&f->strangers);
    pki_done(&f->middle);
    pki_done(&f->server);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

static void
add_roots(struct coco_peer *peer, const struct pki_cert *ca)
{
    coco_error *err = NULL;
    char *pem = pki_pem(ca);

    assert_ok(coco_peer_add_roots(peer, pem, strlen(pem), &err), err);
    OPENSSL_free(pem);
}

/* A client of that name, with the certificate of who signed it behind its own if chain. */
static void
add_pair(struct coco_peer *peer, const struct pki_cert *issuer, const char *name, bool chain)
{
    coco_error *err = NULL;
    struct pki_cert cert = {0};
    char both[8192];

    pki_make(&cert, issuer, name, 30);
    char *own = pki_pem(&cert);
    char *above = pki_pem(issuer);
    (void)snprintf(both, sizeof(both), "%s%s", own, chain ? above : "");
    assert_ok(coco_peer_add_pair(peer, both, strlen(both), cert.key, &err), err);
    OPENSSL_free(own);
    OPENSSL_free(above);
    pki_done(&cert);
}

static struct coco_http *
new_http(struct fixture *f, const struct coco_http_options *with)
{
    struct coco_http_options opts = with ? *with : (struct coco_http_options){0};
    struct coco_http *http = NULL;

    opts.proxies = &direct;
    assert_ok(coco_http_new(&opts, &http, &f->err), f->err);
    return http;
}

static void
add_peer(struct fixture *f, struct coco_http *http, const char *origin, struct coco_peer *peer)
{
    assert_ok(coco_http_add_peer(http, origin, peer, &f->err), f->err);
    assert_null(peer->roots);
}

/* The body says whom the server takes the client for. */
static bool
say_who(void *user, const struct httpd_request *request)
{
    SSL *ssl = request->httpd->open[request->httpd->current].ssl;
    X509 *cert = SSL_get1_peer_certificate(ssl);
    char name[100] = "nobody";

    (void)user;
    if (cert)
        (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                                        sizeof(name));
    X509_free(cert);
    return httpd_reply(request->httpd, "200 OK", "", name);
}

static coco_status
ask(struct fixture *f, struct coco_http *http, const char *url, char who[100])
{
    const struct coco_http_request request = {.method = "GET", .url = url};
    _cleanup_response_ struct coco_http_response response = {0};

    coco_status status = coco_http_do(http, f->ctx, &request, &response, &f->err);
    (void)snprintf(who, 100, "%s", status == COCO_OK ? coco_buf_text(&response.body) : "");
    return status;
}

static void
certificates_are_all_there_or_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        "00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
        "-----END CERTIFICATE-----\n",
    };
    struct fixture *f = *state;
    struct coco_peer peer = {0};
    STACK_OF(X509) *certs = NULL;
    char text[16384];

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(coco_peer_add_roots(&peer, cases[i], strlen(cases[i]), &f->err), f->err,
                     COCO_ERR_PROTO, "not a list of certificates");
        assert_null(peer.roots);
    }
    /* One good certificate does not make up for a broken one. */
    char *pem = pki_pem(&f->servers);
    (void)snprintf(text, sizeof(text), "%s%s", pem, cases[2]);
    assert_fails(coco_certificates_parse(text, strlen(text), &certs, &f->err), f->err,
                 COCO_ERR_PROTO, "not a list of certificates");
    assert_null(certs);
    /* As Go passes an empty slice: there are none, and there is enough memory. */
    assert_fails(coco_certificates_parse(NULL, 0, &certs, &f->err), f->err, COCO_ERR_PROTO,
                 "not a list");
    assert_fails(coco_certificates_parse(text, COCO_PEER_PEM_MAX + 1, &certs, &f->err), f->err,
                 COCO_ERR_LIMIT, "more than");
    (void)snprintf(text, sizeof(text), "of servers\n%s\nonce more\n%s", pem, pem);
    assert_ok(coco_certificates_parse(text, strlen(text), &certs, &f->err), f->err);
    assert_int_equal(sk_X509_num(certs), 2);
    coco_certificates_free(certs);
    OPENSSL_free(pem);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
a_pair_belongs_together(void **state)
{
    struct fixture *f = *state;
    struct coco_peer peer = {0};
    char *pem = pki_pem(&f->clients);

    assert_fails(coco_peer_add_pair(&peer, pem, strlen(pem), f->servers.key, &f->err), f->err,
                 COCO_ERR_INVALID, "not that of the certificate");
    assert_fails(coco_peer_add_pair(&peer, "", 0, f->clients.key, &f->err), f->err, COCO_ERR_PROTO,
                 "not a list of certificates");
    assert_int_equal(peer.n_pairs, 0);
    for (size_t i = 0; i < COCO_PEER_PAIRS_MAX; i++)
        assert_ok(coco_peer_add_pair(&peer, pem, strlen(pem), f->clients.key, &f->err), f->err);
    assert_fails(coco_peer_add_pair(&peer, pem, strlen(pem), f->clients.key, &f->err), f->err,
                 COCO_ERR_LIMIT, "more than 16");
    assert_int_equal(peer.n_pairs, COCO_PEER_PAIRS_MAX);
    OPENSSL_free(pem);
    coco_peer_done(&peer);
}

static void
without_a_pair_a_server_that_wants_one_denies(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(versions); i++) {
        struct coco_http *http = new_http(f, NULL);
        struct coco_peer peer = {0};
        SSL_CTX *tls = pki_server(&f->server, &f->clients);
        char who[100];

        assert_int_equal(SSL_CTX_set_max_proto_version(tls, versions[i]), 1);
        httpd_start(&f->httpd, say_who, NULL, tls);
        add_roots(&peer, &f->servers);
        add_peer(f, http, f->httpd.url, &peer);
        coco_status status = ask(f, http, f->httpd.url, who);
        httpd_stop(&f->httpd);
        /* TLS 1.2 has no word of its own for it (RFC 5246 section 7.4.6). */
        if (versions[i] == TLS1_3_VERSION)
            assert_fails(status, f->err, COCO_ERR_DENIED, "wants a client certificate");
        else
            assert_fails(status, f->err, COCO_ERR_NET, "handshake failure");
        assert_false(coco_http_transient(http));
        coco_http_free(http);
        SSL_CTX_free(tls);
    }
}

static void
a_pair_of_another_ca_is_denied(void **state)
{
    struct fixture *f = *state;
    struct coco_http *http = new_http(f, NULL);
    struct coco_peer peer = {0};
    SSL_CTX *tls = pki_server(&f->server, &f->clients);
    char who[100];

    /* It names no CA, so it is shown what there is. */
    SSL_CTX_set_client_CA_list(tls, NULL);
    httpd_start(&f->httpd, say_who, NULL, tls);
    add_roots(&peer, &f->servers);
    add_pair(&peer, &f->strangers, "stranger", false);
    add_peer(f, http, f->httpd.url, &peer);
    coco_status status = ask(f, http, f->httpd.url, who);
    httpd_stop(&f->httpd);
    assert_fails(status, f->err, COCO_ERR_DENIED, "refuses the client certificate: unknown CA");
    assert_false(coco_http_transient(http));
    coco_http_free(http);
    SSL_CTX_free(tls);
}

static void
a_server_is_shown_what_comes_from_its_ca(void **state)
{
    static const struct {
        bool stranger, direct, below;
        const char *who;
    } cases[] = {
        {false, true, false, "direct"}, {true, true, false, "direct"}, {true, false, true, "below"},
        {true, true, true, "direct"},   {true, false, false, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct coco_http *http = new_http(f, NULL);
        struct coco_peer peer = {0};
        SSL_CTX *tls = pki_server(&f->server, &f->clients);
        char who[100];

        httpd_start(&f->httpd, say_who, NULL, tls);
        add_roots(&peer, &f->servers);
        if (cases[i].stranger)
            add_pair(&peer, &f->strangers, "stranger", false);
        if (cases[i].direct)
            add_pair(&peer, &f->clients, "direct", false);
        if (cases[i].below)
            add_pair(&peer, &f->middle, "below", true);
        add_peer(f, http, f->httpd.url, &peer);
        coco_status status = ask(f, http, f->httpd.url, who);
        httpd_stop(&f->httpd);
        print_message("# case %zu: %s\n", i, f->err ? coco_error_message(f->err) : who);
        if (cases[i].who) {
            assert_ok(status, f->err);
            assert_string_equal(who, cases[i].who);
        } else {
            assert_fails(status, f->err, COCO_ERR_DENIED, "wants a client certificate");
        }
        coco_http_free(http);
        SSL_CTX_free(tls);
    }
}

static bool
lead_away(void *user, const struct httpd_request *request)
{
    char headers[200];

    (void)snprintf(headers, sizeof(headers), "Location: %s/\r\n", (const char *)user);
    return httpd_reply(request->httpd, "307 Temporary Redirect", headers, "");
}

/* What belongs to one server is neither shown to nor trusted for another, even on this host. */
static void
another_server_sees_and_gets_nothing_of_it(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *tls = pki_server(&f->server, &f->clients);
    SSL_CTX *any = pki_server(&f->server, &f->clients);

    SSL_CTX_set_verify(any, SSL_VERIFY_PEER, NULL);
    for (int known = 0; known < 2; known++) {
        struct coco_http *http = new_http(f, NULL);
        struct coco_peer peer = {0};
        struct coco_peer other = {0};
        char who[100];

        httpd_start(&f->other, say_who, NULL, any);
        httpd_start(&f->httpd, lead_away, f->other.url, tls);
        add_roots(&peer, &f->servers);
        add_pair(&peer, &f->clients, "me", false);
        add_peer(f, http, f->httpd.url, &peer);
        add_roots(&other, &f->servers);
        if (known)
            add_peer(f, http, f->other.url, &other);
        coco_status status = ask(f, http, f->httpd.url, who);
        httpd_stop(&f->httpd);
        httpd_stop(&f->other);
        assert_int_equal(f->httpd.requests, 1);
        assert_int_equal(f->other.requests, known);
        if (known) {
            assert_ok(status, f->err);
            assert_string_equal(who, "nobody");
        } else {
            assert_fails(status, f->err, COCO_ERR_VERIFY, "certificate");
        }
        coco_peer_done(&other);
        coco_http_free(http);
    }
    SSL_CTX_free(any);
    SSL_CTX_free(tls);
}

/* What a test's finder was asked for. */
struct finder {
    struct fixture *f;
    char origin[100];
    unsigned asked;
    bool empty, fails;
};

static coco_status
find_peer(const void *self, const char *origin, struct coco_peer *ret, coco_error **err)
{
    struct finder *finder = *(struct finder *const *)self;

    (void)snprintf(finder->origin, sizeof(finder->origin), "%s", origin);
    finder->asked++;
    if (finder->fails)
        return coco_fail(err, COCO_ERR_INVALID, "a key that is none");
    if (finder->empty)
        return COCO_OK;
    faults_pause();
    add_roots(ret, &finder->f->servers);
    add_pair(ret, &finder->f->clients, "me", false);
    faults_resume();
    return COCO_OK;
}

static void
a_peer_is_looked_for_when_it_is_met(void **state)
{
    struct fixture *f = *state;
    struct finder finder = {.f = f};
    struct finder *const self = &finder;
    const struct coco_http_options opts = {.find_peer = find_peer, .peers = &self};
    SSL_CTX *tls = pki_server(&f->server, &f->clients);
    char who[100];

    for (int i = 0; i < 3; i++) {
        struct coco_http *http = new_http(f, &opts);

        finder.asked = 0;
        finder.fails = i == 0;
        finder.empty = i == 1;
        httpd_start(&f->httpd, say_who, NULL, tls);
        coco_status first = ask(f, http, f->httpd.url, who);
        if (finder.fails)
            assert_fails(first, f->err, COCO_ERR_INVALID, "a key that is none");
        if (finder.empty)
            assert_fails(first, f->err, COCO_ERR_VERIFY, "certificate");
        assert_false(coco_http_transient(http));
        assert_int_equal(finder.asked, 1);
        assert_string_equal(finder.origin, f->httpd.url);
        coco_status second = ask(f, http, f->httpd.url, who);
        httpd_stop(&f->httpd);
        if (i < 2) {
            assert_int_not_equal(second, COCO_OK);
            coco_error_free(f->err);
            f->err = NULL;
        } else {
            assert_ok(first, f->err);
            assert_ok(second, f->err);
            assert_string_equal(who, "me");
            assert_int_equal(finder.asked, 1);
        }
        coco_http_free(http);
    }
    SSL_CTX_free(tls);
}

static void
finding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct finder finder = {.f = f};
    struct finder *const self = &finder;

    for_each_fault()
    {
        struct coco_peers peers = {.find = find_peer, .self = &self};
        coco_error *err = NULL;

        faults_pause();
        SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
        faults_resume();
        coco_status status = coco_peers_use(&peers, "https://a.test:443", tls, &err);
        fault_expect(status, err);
        SSL_CTX_free(tls);
        coco_peers_done(&peers);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificates_are_all_there_or_refused),
        TEST(a_pair_belongs_together),
        TEST(without_a_pair_a_server_that_wants_one_denies),
        TEST(a_pair_of_another_ca_is_denied),
        TEST(a_server_is_shown_what_comes_from_its_ca),
        TEST(another_server_sees_and_gets_nothing_of_it),
        TEST(a_peer_is_looked_for_when_it_is_met),
        TEST(finding_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/peer", tests, NULL, NULL);
}
