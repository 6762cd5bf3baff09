/*
 * tests/net/test_proxy.c - lib/net/proxy.c, and what proxies and servers see of it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/proxy.h"

#include "base/context.h"
#include "net/http.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/pki.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECRET "s3cr3t-of-the-proxy"
/* me:s3cr3t-of-the-proxy */
#define BASIC "Basic bWU6czNjcjN0LW9mLXRoZS1wcm94eQ=="
#define BEARER "Bearer of-the-registry"

static const char *const variables[] = {
    "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
    "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY",
};

/* A proxy, and what it saw; read it after httpd_stop(). */
struct plan {
    const char *authorization; /* that it wants; NULL: any */
    const char *refusal;       /* what it answers instead; NULL: it connects */
    int port;                  /* to where, whatever it was asked for */
    unsigned n;
    bool shown;      /* a certificate of the client's */
    char head[4096]; /* of all requests */
};

struct fixture {
    struct httpd httpd, proxy;
    struct plan plan;
    struct pki_cert ca, cert;
    SSL_CTX *tls;
    char seen[4096]; /* the heads that the server saw */
    coco_ctx *ctx;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    for (size_t i = 0; i < COUNT(variables); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    pki_make(&f->ca, NULL, NULL, 30);
    pki_make(&f->cert, &f->ca, "server.test", 30);
    f->tls = pki_server(&f->cert, NULL);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(variables); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    SSL_CTX_free(f->tls);
    pki_done(&f->ca);
    pki_done(&f->cert);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    return 0;
}

/* Everything from one to the other until either ends or the server is to stop. */
static void
relay(const struct httpd *httpd, int a, int b)
{
    char data[8192];

    for (;;) {
        struct pollfd fds[] = {{.fd = a, .events = POLLIN},
                               {.fd = b, .events = POLLIN},
                               {.fd = httpd->stop[0], .events = POLLIN}};

        if (poll(fds, 3, -1) < 0 || fds[2].revents)
            return;
        int from = fds[0].revents ? a : b;
        ssize_t n = recv(from, data, sizeof(data), 0);
        if (n <= 0 || send(from == a ? b : a, data, (size_t)n, MSG_NOSIGNAL) != n)
            return;
    }
}

/* The same with a client that speaks TLS to the proxy itself. */
static void
relay_tls(struct httpd *httpd, SSL *ssl, int fd)
{
    char data[8192];

    for (;;) {
        struct pollfd fds[] = {{.fd = SSL_get_fd(ssl), .events = POLLIN},
                               {.fd = fd, .events = POLLIN},
                               {.fd = httpd->stop[0], .events = POLLIN}};

        if (SSL_pending(ssl) == 0 && (poll(fds, 3, -1) < 0 || fds[2].revents))
            return;
        if (SSL_pending(ssl) > 0 || fds[0].revents) {
            int n = SSL_read(ssl, data, sizeof(data));
            if (n <= 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
                return;
            if (n > 0 && send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
                return;
        } else {
            ssize_t n = recv(fd, data, sizeof(data), 0);
            if (n <= 0 || !httpd_send(httpd, data, (size_t)n))
                return;
        }
    }
}

static int
dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* CONNECT leads to the plan's port; any other request is answered here. */
static bool
carry(void *user, const struct httpd_request *request)
{
    struct httpd *httpd = request->httpd;
    struct plan *plan = user;
    char authorization[200];

    plan->n++;
    if (httpd->open[httpd->current].ssl)
        plan->shown =
            SSL_get0_peer_certificate(httpd->open[httpd->current].ssl) != NULL || plan->shown;
    (void)strncat(plan->head, request->head, sizeof(plan->head) - strlen(plan->head) - 1);
    httpd_header(request, "Proxy-Authorization", authorization, sizeof(authorization));
    if (plan->authorization && strcmp(authorization, plan->authorization) != 0)
        return httpd_reply(httpd, "407 Proxy Authentication Required",
                           "Proxy-Authenticate: Basic realm=\"proxy\"\r\n", "");
    if (plan->refusal)
        return httpd_reply(httpd, plan->refusal, "", "");
    if (strcmp(request->method, "CONNECT") != 0)
        return httpd_reply(httpd, "200 OK", "", "from the proxy");
    SSL *ssl = httpd->open[httpd->current].ssl;
    int fd = dial(plan->port);
    bool connected =
        fd >= 0 && httpd_say(httpd, "HTTP/1.1 200 Connected\r\nX-Of: the-proxy\r\n\r\n");
    if (connected && ssl)
        relay_tls(httpd, ssl, fd);
    else if (connected)
        relay(httpd, httpd->open[httpd->current].fd, fd);
    if (fd >= 0)
        (void)close(fd);
    return false;
}

static bool
serve(void *user, const struct httpd_request *request)
{
    struct fixture *f = user;

    (void)strncat(f->seen, request->head, sizeof(f->seen) - strlen(f->seen) - 1);
    return httpd_reply(request->httpd, "200 OK", "", "from the server");
}

/* Starts both; the server, with TLS if secure, is known to the proxy alone as server.test. */
static void
start(struct fixture *f, bool secure)
{
    f->seen[0] = '\0';
    httpd_start(&f->httpd, serve, f, secure ? f->tls : NULL);
    f->plan.port = f->httpd.port;
    f->plan.head[0] = '\0';
    f->plan.n = 0;
    httpd_start(&f->proxy, carry, &f->plan, NULL);
}

static void
stop(struct fixture *f)
{
    httpd_stop(&f->proxy);
    httpd_stop(&f->httpd);
}

/* GET url with a credential for the server; *transient says whether another try may help. */
static coco_status
get(struct fixture *f, const struct coco_proxies *proxies, const char *url, char body[100],
    bool *transient)
{
    const struct coco_http_header header = {"Authorization", BEARER};
    const struct coco_http_request request = {
        .method = "GET", .url = url, .headers = &header, .n_headers = 1};
    const struct coco_http_options opts = {.allow_plain = true, .proxies = proxies};
    _cleanup_(coco_http_freep) struct coco_http *http = NULL;
    _cleanup_response_ struct coco_http_response response = {0};
    char *pem = pki_pem(&f->ca);

    coco_status status = coco_http_new(&opts, &http, &f->err);
    if (status == COCO_OK)
        status = coco_http_set_ca(http, pem, strlen(pem), &f->err);
    OPENSSL_free(pem);
    if (status == COCO_OK)
        status = coco_http_do(http, f->ctx, &request, &response, &f->err);
    (void)snprintf(body, 100, "%s", status == COCO_OK ? coco_buf_text(&response.body) : "");
    *transient = http && coco_http_transient(http);
    assert_null(strstr(coco_buf_text(&response.headers), "the-proxy"));
    return status;
}

static void
make(struct fixture *f, const char *user, int port, const char *except, struct coco_proxies *ret)
{
    char url[300];

    (void)snprintf(url, sizeof(url), "%s127.0.0.1:%d", user, port);
    assert_ok(coco_proxies_set(url, except, ret, &f->err), f->err);
}

static void
what_is_no_proxy_is_refused_and_not_quoted(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
    } cases[] = {
        {"http://", COCO_ERR_INVALID},
        {"http://me:" SECRET "@", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h:99999", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h:x", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h h", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h/path", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h?q", COCO_ERR_INVALID},
        {"http://me:" SECRET "@h/#f", COCO_ERR_INVALID},
        {"http://me%00:" SECRET "@h", COCO_ERR_INVALID},
        {"http://me%0d%0aX:" SECRET "@h", COCO_ERR_INVALID},
        {"http://me:" SECRET "@%31", COCO_ERR_INVALID},
        {"ftp://me:" SECRET "@h", COCO_ERR_INVALID},
        {"file:///" SECRET, COCO_ERR_INVALID},
        {"socks4://me:" SECRET "@h", COCO_ERR_NOTSUP},
        {"socks4a://" SECRET, COCO_ERR_NOTSUP},
        {"socks://" SECRET, COCO_ERR_NOTSUP},
    };
    struct fixture *f = *state;
    struct coco_proxies proxies = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = coco_proxies_set(cases[i].text, NULL, &proxies, &f->err);
        print_message("# %s: %s\n", cases[i].text, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), SECRET));
        assert_fails(status, f->err, cases[i].status, "proxy");
        assert_null(proxies.secure.url);

        assert_int_equal(setenv("ALL_PROXY", cases[i].text, 1), 0);
        status = coco_proxies_from_env(NULL, &proxies, &f->err);
        assert_null(strstr(coco_error_message(f->err), SECRET));
        assert_fails(status, f->err, cases[i].status, "$ALL_PROXY: ");
    }
    char *long_one = calloc(1, COCO_PROXY_EXCEPT_MAX + 2);
    assert_non_null(long_one);
    memset(long_one, 'a', COCO_PROXY_EXCEPT_MAX + 1);
    assert_fails(coco_proxies_set("http://h", long_one, &proxies, &f->err), f->err, COCO_ERR_LIMIT,
                 "list of hosts");
    assert_fails(coco_proxies_set(long_one, NULL, &proxies, &f->err), f->err, COCO_ERR_LIMIT,
                 "proxy");
    free(long_one);
}

static void
parts_of_a_proxy_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *url, *user, *password;
    } cases[] = {
        {"http://h", "http://h:80", NULL, NULL},
        {"http://h/", "http://h:80", NULL, NULL},
        {"h:3128", "http://h:3128", NULL, NULL},
        {"HTTP://h:3128", "http://h:3128", NULL, NULL},
        {"http://[::1]:3128", "http://[::1]:3128", NULL, NULL},
        {"me:pw@h", "http://h:80", "me", "pw"},
        {"http://me@h:1", "http://h:1", "me", NULL},
        {"http://me:@h:1", "http://h:1", "me", ""},
        {"http://m%40e:p%3Aw%2f@h:1", "http://h:1", "m@e", "p:w/"},
        {"https://h", "https://h:443", NULL, NULL},
        {"https://me:pw@h:8443", "https://h:8443", "me", "pw"},
        {"socks5://h", "socks5://h:1080", NULL, NULL},
        {"socks5h://me:pw@h:9", "socks5h://h:9", "me", "pw"},
        {"", NULL, NULL, NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_proxies_ struct coco_proxies proxies = {0};
        const struct coco_proxy *proxy = &proxies.secure;

        print_message("# '%s'\n", cases[i].text);
        assert_ok(coco_proxies_set(cases[i].text, "", &proxies, &f->err), f->err);
        assert_null(proxies.except);
        assert_int_equal(proxy->url != NULL, cases[i].url != NULL);
        if (cases[i].url)
            assert_string_equal(proxy->url, cases[i].url);
        assert_int_equal(proxy->user.data != NULL, cases[i].user != NULL);
        if (cases[i].user)
            assert_string_equal(proxy->user.data, cases[i].user);
        assert_int_equal(proxy->password.data != NULL, cases[i].password != NULL);
        if (cases[i].password)
            assert_string_equal(proxy->password.data, cases[i].password);
    }
}

static void
the_environment_is_read_as_curl_does(void **state)
{
    static const struct {
        const char *set[4]; /* name, value, … */
        const char *plain, *secure, *except;
    } cases[] = {
        {{NULL}, NULL, NULL, NULL},
        {{"http_proxy", "a"}, "http://a:80", NULL, NULL},
        {{"HTTP_PROXY", "a"}, NULL, NULL, NULL},
        {{"https_proxy", "a"}, NULL, "http://a:80", NULL},
        {{"HTTPS_PROXY", "a"}, NULL, "http://a:80", NULL},
        {{"https_proxy", "a", "HTTPS_PROXY", "b"}, NULL, "http://a:80", NULL},
        {{"https_proxy", "", "HTTPS_PROXY", "b"}, NULL, "http://b:80", NULL},
        {{"all_proxy", "a", "https_proxy", "b"}, "http://a:80", "http://b:80", NULL},
        {{"ALL_PROXY", "a", "NO_PROXY", "x,y"}, "http://a:80", "http://a:80", "x,y"},
        {{"no_proxy", "z", "NO_PROXY", "x,y"}, NULL, NULL, "z"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_proxies_ struct coco_proxies proxies = {0};
        _cleanup_proxies_ struct coco_proxies other = {0};

        print_message("# case %zu\n", i);
        for (size_t j = 0; j < COUNT(variables); j++)
            assert_int_equal(unsetenv(variables[j]), 0);
        for (size_t j = 0; j < 4 && cases[i].set[j]; j += 2)
            assert_int_equal(setenv(cases[i].set[j], cases[i].set[j + 1], 1), 0);
        assert_ok(coco_proxies_from_env(NULL, &proxies, &f->err), f->err);
        const char *const got[] = {proxies.plain.url, proxies.secure.url, proxies.except};
        const char *const want[] = {cases[i].plain, cases[i].secure, cases[i].except};
        for (size_t j = 0; j < COUNT(got); j++) {
            assert_int_equal(got[j] != NULL, want[j] != NULL);
            if (want[j])
                assert_string_equal(got[j], want[j]);
        }
        assert_ok(coco_proxies_from_env("own", &other, &f->err), f->err);
        assert_string_equal(other.except, "own");
    }
}

static void
a_tunnel_hides_from_the_proxy_what_is_said_in_it(void **state)
{
    struct fixture *f = *state;
    _cleanup_proxies_ struct coco_proxies proxies = {0};
    char body[100];
    bool transient;

    f->plan.authorization = BASIC;
    start(f, true);
    make(f, "http://me:" SECRET "@", f->proxy.port, NULL, &proxies);
    /* The name is one that only the proxy knows: nobody else looks it up. */
    coco_status status = get(f, &proxies, "https://server.test:5000/v2/", body, &transient);
    stop(f);
    assert_ok(status, f->err);
    assert_string_equal(body, "from the server");
    assert_contains(f->plan.head, "CONNECT server.test:5000 HTTP/1.1\r\n");
    assert_contains(f->plan.head, "Proxy-Authorization: " BASIC);
    assert_null(strstr(f->plan.head, BEARER));
    assert_null(strstr(f->plan.head, "/v2/"));
    assert_contains(f->seen, "Authorization: " BEARER);
    assert_null(strstr(f->seen, "Proxy-Authorization"));
    assert_null(strstr(f->seen, BASIC));
}

/*
 * TLS within TLS. What is known of the server alone is neither shown to the proxy nor
 * trusted for it, and the other way round.
 */
static void
a_proxy_may_speak_tls_itself(void **state)
{
    struct fixture *f = *state;
    struct pki_cert own = {0}; /* the CA of the server and of its clients */
    struct pki_cert certs[2] = {0};

    pki_make_ca(&own, NULL, "Own CA");
    pki_make(&certs[0], &own, "server.test", 30);
    pki_make(&certs[1], &own, "client", 30);
    char *own_pem = pki_pem(&own);
    char *client_pem = pki_pem(&certs[1]);
    char *ca_pem = pki_pem(&f->ca);
    SSL_CTX *strict = pki_server(&certs[0], &own);
    for (int same_ca = 0; same_ca < 2; same_ca++) {
        _cleanup_proxies_ struct coco_proxies proxies = {0};
        _cleanup_(coco_http_freep) struct coco_http *http = NULL;
        _cleanup_response_ struct coco_http_response response = {0};
        const struct coco_http_options opts = {.proxies = &proxies};
        const struct coco_http_request request = {.method = "GET", .url = "https://server.test/"};
        struct coco_peer peer = {0};
        struct pki_cert cert = {0};
        char url[100];

        /* A proxy that asks for a certificate, and takes any. */
        pki_make(&cert, same_ca ? &own : &f->ca, "127.0.0.1", 30);
        SSL_CTX *lax = pki_server(&cert, &own);
        SSL_CTX_set_verify(lax, SSL_VERIFY_PEER, NULL);
        f->seen[0] = f->plan.head[0] = '\0';
        f->plan.n = 0;
        f->plan.shown = false;
        httpd_start(&f->httpd, serve, f, strict);
        f->plan.port = f->httpd.port;
        httpd_start(&f->proxy, carry, &f->plan, lax);
        (void)snprintf(url, sizeof(url), "https://me:" SECRET "@127.0.0.1:%d", f->proxy.port);
        assert_ok(coco_proxies_set(url, NULL, &proxies, &f->err), f->err);
        assert_ok(coco_http_new(&opts, &http, &f->err), f->err);
        assert_ok(coco_http_set_ca(http, ca_pem, strlen(ca_pem), &f->err), f->err);
        assert_ok(coco_peer_add_roots(&peer, own_pem, strlen(own_pem), &f->err), f->err);
        assert_ok(coco_peer_add_pair(&peer, client_pem, strlen(client_pem), certs[1].key, &f->err),
                  f->err);
        assert_ok(coco_http_add_peer(http, "https://server.test:443", &peer, &f->err), f->err);
        coco_status status = coco_http_do(http, f->ctx, &request, &response, &f->err);
        httpd_stop(&f->proxy);
        httpd_stop(&f->httpd);
        SSL_CTX_free(lax);
        pki_done(&cert);
        if (same_ca) {
            assert_fails(status, f->err, COCO_ERR_VERIFY, "certificate of the proxy: ");
            assert_int_equal(f->plan.n, 0);
            continue;
        }
        assert_ok(status, f->err);
        assert_string_equal(coco_buf_text(&response.body), "from the server");
        assert_contains(f->plan.head, "CONNECT server.test:443 HTTP/1.1\r\n");
        assert_contains(f->plan.head, "Proxy-Authorization: " BASIC);
        assert_false(f->plan.shown);
    }
    SSL_CTX_free(strict);
    OPENSSL_free(own_pem);
    OPENSSL_free(client_pem);
    OPENSSL_free(ca_pem);
    pki_done(&own);
    pki_done(&certs[0]);
    pki_done(&certs[1]);
}

static void
without_tls_the_proxy_asks_for_us(void **state)
{
    struct fixture *f = *state;
    _cleanup_proxies_ struct coco_proxies proxies = {0};
    char body[100];
    bool transient;

    start(f, false);
    make(f, "", f->proxy.port, NULL, &proxies);
    coco_status status = get(f, &proxies, "http://server.test/v2/", body, &transient);
    stop(f);
    assert_ok(status, f->err);
    assert_string_equal(body, "from the proxy");
    assert_contains(f->plan.head, "GET http://server.test/v2/ HTTP/1.1\r\n");
    assert_int_equal(f->httpd.requests, 0);
}

static void
a_proxy_that_refuses_is_told_without_its_password(void **state)
{
    static const struct {
        const char *refusal; /* NULL: the password is wrong */
        coco_status status;
        const char *why;
        bool transient;
    } cases[] = {
        {NULL, COCO_ERR_DENIED, "the proxy answers 407", false},
        {"403 Forbidden", COCO_ERR_DENIED, "the proxy answers 403", false},
        {"404 Not Found", COCO_ERR_NET, "the proxy answers 404", false},
        {"302 Found", COCO_ERR_NET, "the proxy answers 302", false},
        {"503 Busy", COCO_ERR_NET, "the proxy answers 503", true},
        {"429 Slow", COCO_ERR_NET, "the proxy answers 429", true},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_proxies_ struct coco_proxies proxies = {0};
        char body[100];
        bool transient = false;

        f->plan.authorization = cases[i].refusal ? NULL : "Basic other";
        f->plan.refusal = cases[i].refusal;
        start(f, true);
        make(f, "http://me:" SECRET "@", f->proxy.port, NULL, &proxies);
        coco_status status = get(f, &proxies, "https://server.test/", body, &transient);
        stop(f);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), SECRET));
        assert_fails(status, f->err, cases[i].status, cases[i].why);
        assert_int_equal(transient, cases[i].transient);
        assert_int_equal(f->httpd.requests, 0);
        assert_true(f->plan.n <= 2);
    }
}

static void
a_proxy_that_is_not_there_may_come_back(void **state)
{
    struct fixture *f = *state;
    _cleanup_proxies_ struct coco_proxies proxies = {0};
    char body[100];
    bool transient;

    start(f, true);
    int port = f->proxy.port;
    stop(f);
    make(f, "http://me:" SECRET "@", port, NULL, &proxies);
    coco_status status = get(f, &proxies, "https://server.test/", body, &transient);
    assert_null(strstr(coco_error_message(f->err), SECRET));
    assert_fails(status, f->err, COCO_ERR_NET, "127.0.0.1");
    assert_true(transient);
}

/* Nor does a server that is reached directly hear of the proxy's password. */
static void
hosts_of_the_list_are_reached_directly(void **state)
{
    static const struct {
        const char *except;
        bool direct;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"*", true},
        {"127.0.0.1", true},
        {"other,127.0.0.1", true},
        {"other 127.0.0.1", true},
        {"127.0.0.2", false},
        {"127.0.0.0/8", true},
        {"10.0.0.0/8", false},
        {"27.0.0.1", false},
        {".test", false},
    };
    struct fixture *f = *state;

    for (int from_env = 0; from_env < 2; from_env++) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            _cleanup_proxies_ struct coco_proxies proxies = {0};
            char text[200];
            char body[100];
            bool transient;

            start(f, false);
            (void)snprintf(text, sizeof(text), "http://me:" SECRET "@127.0.0.1:%d", f->proxy.port);
            if (from_env) {
                assert_int_equal(setenv("http_proxy", text, 1), 0);
                assert_int_equal(setenv("NO_PROXY", cases[i].except ? cases[i].except : "", 1), 0);
            } else {
                assert_ok(coco_proxies_set(text, cases[i].except, &proxies, &f->err), f->err);
            }
            coco_status status = get(f, from_env ? NULL : &proxies, f->httpd.url, body, &transient);
            stop(f);
            print_message("# %d: '%s'\n", from_env, cases[i].except);
            assert_ok(status, f->err);
            assert_string_equal(body, cases[i].direct ? "from the server" : "from the proxy");
            assert_int_equal(f->plan.n, !cases[i].direct);
            assert_null(strstr(f->seen, "roxy"));
        }
    }
}

/* Whoever says "none" means it. */
static void
an_explicit_setting_goes_before_the_environment(void **state)
{
    struct fixture *f = *state;
    _cleanup_proxies_ struct coco_proxies none = {0};
    _cleanup_proxies_ struct coco_proxies named = {0};
    char body[100];
    char text[100];
    bool transient;

    start(f, false);
    (void)snprintf(text, sizeof(text), "http://127.0.0.1:%d", f->proxy.port);
    assert_int_equal(setenv("http_proxy", text, 1), 0);
    assert_int_equal(setenv("ALL_PROXY", text, 1), 0);
    assert_ok(coco_proxies_set("", NULL, &none, &f->err), f->err);
    coco_status direct = get(f, &none, f->httpd.url, body, &transient);
    assert_ok(direct, f->err);
    assert_string_equal(body, "from the server");
    coco_status through = get(f, NULL, f->httpd.url, body, &transient);
    assert_ok(through, f->err);
    assert_string_equal(body, "from the proxy");
    /* Of a proxy that was named, too, the environment's exceptions are none. */
    assert_int_equal(setenv("NO_PROXY", "*", 1), 0);
    assert_ok(coco_proxies_set(text, NULL, &named, &f->err), f->err);
    coco_status still = get(f, &named, f->httpd.url, body, &transient);
    stop(f);
    assert_ok(still, f->err);
    assert_string_equal(body, "from the proxy");
    /* What the environment says and cannot be used is told where it would be used. */
    assert_int_equal(setenv("https_proxy", "http://me:" SECRET "@h h", 1), 0);
    coco_status bad = get(f, NULL, f->httpd.url, body, &transient);
    assert_null(strstr(coco_error_message(f->err), SECRET));
    assert_fails(bad, f->err, COCO_ERR_INVALID, "$https_proxy");
}

static void
a_password_is_wiped(void **state)
{
    struct fixture *f = *state;
    struct coco_proxies proxies = {0};
    char text[] = "http://me:" SECRET "@h";

    canary_begin(SECRET, strlen(SECRET));
    coco_status status = coco_proxies_set(text, NULL, &proxies, &f->err);
    coco_proxies_done(&proxies);
    unsigned seen = canary_end();
    assert_ok(status, f->err);
    assert_int_equal(seen, 0);
}

static void
everything_survives_any_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(setenv("ALL_PROXY", "http://me:pw@h", 1), 0);
    assert_int_equal(setenv("NO_PROXY", "a,b", 1), 0);
    for_each_fault()
    {
        struct coco_proxies proxies = {0};
        struct coco_proxies env = {0};
        coco_error *err = NULL;

        coco_status status = coco_proxies_set("http://me:pw@h", "x", &proxies, &err);
        if (status == COCO_OK)
            status = coco_proxies_from_env(NULL, &env, &err);
        fault_expect(status, err);
        coco_proxies_done(&proxies);
        coco_proxies_done(&env);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_proxy_is_refused_and_not_quoted),
        TEST(parts_of_a_proxy_are_taken_apart),
        TEST(the_environment_is_read_as_curl_does),
        TEST(a_tunnel_hides_from_the_proxy_what_is_said_in_it),
        TEST(a_proxy_may_speak_tls_itself),
        TEST(without_tls_the_proxy_asks_for_us),
        TEST(a_proxy_that_refuses_is_told_without_its_password),
        TEST(a_proxy_that_is_not_there_may_come_back),
        TEST(hosts_of_the_list_are_reached_directly),
        TEST(an_explicit_setting_goes_before_the_environment),
        TEST(a_password_is_wiped),
        TEST(everything_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("net/proxy", tests, NULL, NULL);
}
