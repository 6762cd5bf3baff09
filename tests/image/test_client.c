/*
 * tests/image/test_client.c - lib/image/client.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/client.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/httpd.h"
#include "tests/image/keykit.h"
#include "tests/pki.h"

#include <openssl/core_names.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* alice:s3cret */
#define ENCODED "YWxpY2U6czNjcmV0"
#define AUTH "{\"auths\":{\"127.0.0.1\":{\"auth\":\"" ENCODED "\"}}}"
#define ACCEPT "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}"
#define MIRRORS "[[registry]]\nlocation='h.test'\n[[registry.mirror]]\nlocation='m.test'\n"
#define REJECT "{\"default\":[{\"type\":\"reject\"}]}"

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    struct httpd httpd;
    char authorization[100]; /* as the server saw it last */
    bool wants_password;
    char dir[64];
    coco_ctx *ctx;
    coco_image_client *client;
    coco_error *err;
};

static struct fixture fixture;

/* Nothing here gets better by waiting. */
static const coco_image_options once = {.size = sizeof(once), .retries = UINT32_MAX};

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->wants_password = false;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
set_ca(struct fixture *f, const char *pem)
{
    return coco_image_client_set_tls_ca(f->client, bytes_of(pem), strlen(pem), &f->err);
}

static coco_status
set_auth(struct fixture *f, const char *json)
{
    return coco_image_client_set_auth(f->client, bytes_of(json), strlen(json), &f->err);
}

static coco_status
set_policy(struct fixture *f, const char *json)
{
    return coco_image_client_set_policy(f->client, bytes_of(json), strlen(json), &f->err);
}

static coco_status
add_key(struct fixture *f, const char *text)
{
    return coco_image_client_add_key(f->client, bytes_of(text), strlen(text), &f->err);
}

static void
a_new_client_knows_nothing(void **state)
{
    struct fixture *f = *state;
    const coco_image_client *client = f->client;
    struct coco_platform host;

    coco_platform_host(&host);
    assert_false(client->plain_http);
    assert_int_equal(client->tls_ca.len, 0);
    assert_int_equal(client->auth.n_files, 0);
    assert_null(client->auth.helpers);
    assert_null(client->policy);
    assert_null(client->kbc);
    assert_int_equal(client->n_keys + client->n_recipients + client->n_kbs_recipients, 0);
    assert_string_equal(client->platform.os, host.os);
    assert_string_equal(client->platform.architecture, host.architecture);
    assert_string_equal(client->platform.variant, host.variant);
    coco_image_client_free(NULL);
    coco_image_free(NULL);
}

static void
certificates_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    _cleanup_buf_ struct coco_buf private = {.limit = 8192};
    _cleanup_buf_ struct coco_buf public = {.limit = 8192};
    _cleanup_buf_ struct coco_buf broken = {.limit = 8192};
    _cleanup_free_ char *endless = calloc(1, ((size_t)4 << 20) + 2);

    pki_make(&ca, NULL, NULL, 30);
    char *pem = pki_pem(&ca);
    new_key(COCO_KEY_P256, &private, &public);
    assert_ok(coco_buf_printf(&broken, &f->err,
                              "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                              pem),
              f->err);
    memset(endless, '\n', ((size_t)4 << 20) + 1);
    const char *const cases[] = {
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        coco_buf_text(&private),
        coco_buf_text(&public),
        coco_buf_text(&broken),
    };

    assert_ok(set_ca(f, pem), f->err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(set_ca(f, cases[i]), f->err, COCO_ERR_PROTO, "not a list of certificates");
    assert_fails(set_ca(f, endless), f->err, COCO_ERR_LIMIT, "more than 4194304 bytes");
    /* What was set before is still set. */
    assert_string_equal(coco_buf_text(&f->client->tls_ca), pem);
    OPENSSL_free(pem);
    pki_done(&ca);
}

static void
credentials_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{\"auths\":[]}",
        "{\"auths\":{\"h\":1}}",
        "{\"auths\":{\"h\":{\"auth\":1}}}",
        "{\"auths\":{\"h\":{\"auth\":\"s3cret!\"}}}",
        "{\"auths\":{\"h\":{\"auth\":\"czNjcmV0\"}}}", /* s3cret, and no colon */
        "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"}}}x",
        "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"},\"H\":{}}}",
        "{\"credHelpers\":[]}",
    };
    struct fixture *f = *state;

    assert_ok(set_auth(f, AUTH), f->err);
    const cJSON *before = f->client->auth.files[0];
    for (size_t i = 0; i < COUNT(cases); i++) {
        coco_status status = set_auth(f, cases[i]);
        print_message("# case %zu: %s\n", i, coco_error_message(f->err));
        assert_null(strstr(coco_error_message(f->err), "s3cret"));
        assert_null(strstr(coco_error_message(f->err), ENCODED));
        assert_fails(status, f->err, COCO_ERR_PROTO, "auth.json");
        assert_ptr_equal(f->client->auth.files[0], before);
    }
    assert_ok(set_auth(f, "{}"), f->err);
    assert_ptr_not_equal(f->client->auth.files[0], before);
}

static void
policies_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"default\":[]}",
        "{\"default\":[{}]}",
        "{\"default\":[{\"type\":\"accept\"}]}",
        "{\"default\":[{\"type\":\"insecureAcceptAnything\",\"x\":1}]}",
        "{\"default\":[{\"type\":\"reject\"}],\"Default\":[]}",
        ACCEPT "x",
    };
    static const struct coco_policy_image image = {
        .transport = "docker", .name = "a.test/b", .tag = "1"};
    struct fixture *f = *state;

    assert_ok(set_policy(f, REJECT), f->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(set_policy(f, cases[i]), f->err, COCO_ERR_PROTO, "");
        assert_fails(coco_policy_check(f->client->policy, &image, &f->err), f->err, COCO_ERR_DENIED,
                     "");
    }
    assert_ok(set_policy(f, ACCEPT), f->err);
    assert_ok(coco_policy_check(f->client->policy, &image, &f->err), f->err);
}

static void
platforms_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "linux",
        "linux/",
        "/amd64",
        "linux/amd64/",
        "linux/arm64/v8/x",
        "l i/a",
        "LINUX/amd64",
        "linux/amd64\n",
        "linux/\x1b[2J",
        "linux/a-name-of-more-than-thirty-one-bytes",
    };
    struct fixture *f = *state;

    assert_ok(coco_image_client_set_platform(f->client, "linux/arm/v6", &f->err), f->err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_fails(coco_image_client_set_platform(f->client, cases[i], &f->err), f->err,
                     COCO_ERR_INVALID, "is not os/architecture[/variant]");
        assert_string_equal(f->client->platform.os, "linux");
        assert_string_equal(f->client->platform.architecture, "arm");
        assert_string_equal(f->client->platform.variant, "v6");
    }
    assert_ok(coco_image_client_set_platform(f->client, "linux/amd64", &f->err), f->err);
    assert_string_equal(f->client->platform.variant, "");
}

/* Options of a caller that knows more than this library: a member behind the last one. */
struct newer_options {
    coco_image_options known;
    uint64_t more;
};

static void
options_that_are_not_known_are_refused(void **state)
{
    struct fixture *f = *state;
    struct newer_options newer = {.known.size = sizeof(newer), .more = 1};
    coco_image_options opts = {.size = sizeof(opts), .flags = 4};
    coco_image_options set = {.max_bytes = 12345};

    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = sizeof(opts), .flags = UINT32_MAX};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = sizeof(opts), .reserved = 1};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_NOTSUP, "flags");
    opts = (coco_image_options){.size = 0};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID,
                 "size 0");
    opts = (coco_image_options){.size = offsetof(coco_image_options, retries) - 1};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID, "size");
    opts = (coco_image_options){.size = SIZE_MAX};
    assert_fails(coco_image_options_set(&set, &opts, 3, &f->err), f->err, COCO_ERR_INVALID, "size");
    assert_fails(coco_image_options_set(&set, &newer.known, 3, &f->err), f->err, COCO_ERR_NOTSUP,
                 "newer");
    assert_int_equal(set.max_bytes, 12345);

    /* Whoever was built before there were retries has the default of them. */
    opts = (coco_image_options){.size = offsetof(coco_image_options, retries), .retries = 9};
    assert_ok(coco_image_options_set(&set, &opts, 3, &f->err), f->err);
    assert_int_equal(set.retries, 4);

    newer.more = 0;
    newer.known.max_layers = 7;
    assert_ok(coco_image_options_set(&set, &newer.known, 3, &f->err), f->err);
    assert_int_equal(set.size, sizeof(set));
    assert_int_equal(set.max_layers, 7);
}

static void
what_is_0_in_the_options_is_the_default(void **state)
{
    struct fixture *f = *state;
    const coco_image_options zero = {.size = sizeof(zero)};
    const coco_image_options all = {.size = sizeof(all),
                                    .max_bytes = 1,
                                    .max_content = 2,
                                    .max_entries = 3,
                                    .max_layers = 4,
                                    .max_ratio = 5,
                                    .flags = COCO_IMAGE_IGNORE_CHOWN,
                                    .retries = 6,
                                    .stall_seconds = 7,
                                    .max_memory = 8 << 20};
    const coco_image_options little = {.size = sizeof(little), .max_memory = (1 << 20) - 1};
    const coco_image_options *const none[] = {NULL, &zero};
    coco_image_options set = {0};

    for (size_t i = 0; i < COUNT(none); i++) {
        assert_ok(coco_image_options_set(&set, none[i], 3, &f->err), f->err);
        /* As coco/image.h has them. */
        assert_int_equal(set.max_bytes, (uint64_t)16 << 30);
        assert_int_equal(set.max_content, (uint64_t)64 << 30);
        assert_int_equal(set.max_entries, 4 << 20);
        assert_int_equal(set.max_layers, 128);
        assert_int_equal(set.max_ratio, 1100);
        assert_int_equal(set.retries, 4);
        assert_int_equal(set.stall_seconds, 60);
        assert_int_equal(set.max_memory, 16 << 20);
    }
    assert_ok(coco_image_options_set(&set, &all, 3, &f->err), f->err);
    assert_memory_equal(&set, &all, sizeof(all));
    assert_fails(coco_image_options_set(&set, &little, 3, &f->err), f->err, COCO_ERR_INVALID,
                 "max_memory of less than 1048576 bytes");
}

/* A registry that has nothing, and says so to whoever has the password. */
static bool
answer(void *user, const struct httpd_request *request)
{
    struct fixture *f = user;

    httpd_header(request, "Authorization", f->authorization, sizeof(f->authorization));
    if (f->wants_password && strcmp(f->authorization, "Basic " ENCODED) != 0)
        return httpd_reply(request->httpd, "401 Unauthorized",
                           "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
    return httpd_reply(request->httpd, "404 Not Found", "", "");
}

/* Asks the server for a manifest, as a source, or for a blob, as a destination. */
static coco_status
ask(struct fixture *f, bool as_source)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_destination_ struct coco_destination to = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    const struct coco_digest digest = {.alg = COCO_SHA256};
    bool there = true;
    char text[128];

    f->authorization[0] = '\0';
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", f->httpd.port);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    if (as_source) {
        assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
        return source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err);
    }
    assert_ok(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err);
    coco_status status = to.has_blob(to.self, f->ctx, &digest, &there, &f->err);
    return status == COCO_OK && !there ? COCO_ERR_NOTFOUND : status;
}

static void
settings_reach_the_registry(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    struct pki_cert other_ca = {0};
    struct pki_cert cert = {0};

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&other_ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, cert.cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, cert.key), 1);
    char *pem = pki_pem(&ca);
    char *other_pem = pki_pem(&other_ca);
    for (int as_source = 0; as_source < 2; as_source++) {
        coco_image_client_free(f->client);
        assert_ok(coco_image_client_new(&f->client, &f->err), f->err);

        /* The system's CAs, another one, and the right one; credentials once they are asked for */
        httpd_start(&f->httpd, answer, f, tls);
        f->wants_password = true;
        char auth[200];
        (void)snprintf(auth, sizeof(auth),
                       "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"" ENCODED "\"}}}", f->httpd.port);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_VERIFY, "certificate");
        assert_ok(set_ca(f, other_pem), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_VERIFY, "certificate");
        assert_ok(set_ca(f, pem), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_DENIED, "401");
        assert_string_equal(f->authorization, "");
        assert_ok(set_auth(f, auth), f->err);
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;
        assert_string_equal(f->authorization, "Basic " ENCODED);
        httpd_stop(&f->httpd);

        /* No plain HTTP unless it was asked for */
        httpd_start(&f->httpd, answer, f, NULL);
        f->wants_password = false;
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NET, "https://127.0.0.1");
        coco_image_client_set_plain_http(f->client, true);
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;
        coco_image_client_set_plain_http(f->client, false);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NET, "https://127.0.0.1");
        httpd_stop(&f->httpd);
    }
    OPENSSL_free(pem);
    OPENSSL_free(other_pem);
    SSL_CTX_free(tls);
    pki_done(&cert);
    pki_done(&ca);
    pki_done(&other_ca);
}

/* Sends whoever asks for a manifest to the URL that user is. */
static bool
lead_away(void *user, const struct httpd_request *request)
{
    char headers[200];

    (void)snprintf(headers, sizeof(headers), "Location: %s/manifest\r\n", (const char *)user);
    return httpd_reply(request->httpd, "307 Temporary Redirect", headers, "");
}

/* The body is no manifest, and its type tells whether a certificate was shown. */
static bool
say_who(void *user, const struct httpd_request *request)
{
    X509 *cert = SSL_get1_peer_certificate(request->httpd->open[request->httpd->current].ssl);
    bool *shown = user;

    *shown = cert != NULL;
    X509_free(cert);
    return httpd_reply(request->httpd, "404 Not Found", "", "");
}

/* Writes what containers-certs.d(5) wants below the fixture's directory, at "<name>/". */
static void
put_certs(struct fixture *f, const char *name, const struct pki_cert *ca,
          const struct pki_cert *client)
{
    const struct {
        const char *file;
        char *text;
    } files[] = {
        {"ca.crt", pki_pem(ca)},
        {"client.cert", pki_pem(client)},
        {"client.key", pki_key_pem(client)},
    };
    char path[600];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s/%s", f->dir, name, files[i].file);
        assert_ok(coco_file_write(path, files[i].text, strlen(files[i].text), 0600, &f->err),
                  f->err);
        OPENSSL_free(files[i].text);
    }
}

/*
 * A registry that lets in only whom its CA knows sends us to another server. What
 * all registries have is not for that one; a tree may have something for it, too.
 */
static void
certificates_are_for_the_server_they_are_named_for(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};
    struct pki_cert cert = {0};
    struct pki_cert client = {0};
    char path[600];
    char name[64];
    bool shown = false;

    pki_make(&ca, NULL, NULL, 30);
    pki_make(&cert, &ca, "127.0.0.1", 30);
    pki_make(&client, &ca, "client", 30);
    SSL_CTX *strict = pki_server(&cert, &ca);
    SSL_CTX *lax = pki_server(&cert, &ca);
    SSL_CTX_set_verify(lax, SSL_VERIFY_PEER, NULL);
    struct httpd *other = calloc(1, sizeof(*other));
    assert_non_null(other);
    httpd_start(other, say_who, &shown, lax);
    httpd_start(&f->httpd, lead_away, other->url, strict);

    put_certs(f, "all", &ca, &client);
    (void)snprintf(path, sizeof(path), "%s/all", f->dir);
    assert_ok(coco_image_client_set_certs_dir(f->client, path, &f->err), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");
    assert_ok(coco_image_client_set_certs_dir(f->client, NULL, &f->err), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");

    assert_ok(coco_image_client_add_certs_tree(f->client, f->dir, &f->err), f->err);
    (void)snprintf(name, sizeof(name), "127.0.0.1:%d", f->httpd.port);
    put_certs(f, name, &ca, &client);
    assert_fails(ask(f, true), f->err, COCO_ERR_VERIFY, "certificate");
    (void)snprintf(name, sizeof(name), "127.0.0.1:%d", other->port);
    put_certs(f, name, &ca, &client);
    (void)snprintf(path, sizeof(path), "%s/%s/client.cert", f->dir, name);
    assert_int_equal(unlink(path), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_INVALID, "there is no 'client.cert' with it");
    (void)snprintf(path, sizeof(path), "%s/%s/client.key", f->dir, name);
    assert_int_equal(unlink(path), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_NOTFOUND, "404");
    assert_false(shown);

    httpd_stop(&f->httpd);
    httpd_stop(other);
    assert_int_equal(other->requests, 1);
    free(other);
    SSL_CTX_free(strict);
    SSL_CTX_free(lax);
    pki_done(&ca);
    pki_done(&cert);
    pki_done(&client);
}

static void
a_proxy_is_that_of_the_client(void **state)
{
    struct fixture *f = *state;
    char url[100];

    httpd_start(&f->httpd, answer, f, NULL);
    coco_image_client_set_plain_http(f->client, true);
    (void)snprintf(url, sizeof(url), "http://me:pw@127.0.0.1:1");
    assert_int_equal(setenv("http_proxy", url, 1), 0);
    assert_fails(ask(f, true), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_fails(coco_image_client_set_proxy(f->client, "gopher://h", NULL, &f->err), f->err,
                 COCO_ERR_INVALID, "a proxy is not of the form");
    assert_fails(ask(f, true), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_ok(coco_image_client_set_proxy(f->client, "", NULL, &f->err), f->err);
    assert_int_equal(ask(f, true), COCO_ERR_NOTFOUND);
    coco_error_free(f->err);
    f->err = NULL;
    assert_ok(coco_image_client_set_proxy(f->client, NULL, NULL, &f->err), f->err);
    assert_fails(ask(f, false), f->err, COCO_ERR_NET, "127.0.0.1 port 1 ");
    assert_ok(coco_image_client_set_proxy(f->client, NULL, "127.0.0.1", &f->err), f->err);
    assert_int_equal(ask(f, false), COCO_ERR_NOTFOUND);
    coco_error_free(f->err);
    f->err = NULL;
    assert_int_equal(unsetenv("http_proxy"), 0);
    httpd_stop(&f->httpd);
    /* What the environment says wrongly is told where it counts. */
    assert_int_equal(setenv("http_proxy", "http://me:pw@h/path", 1), 0);
    assert_fails(coco_image_client_set_proxy(f->client, NULL, NULL, &f->err), f->err,
                 COCO_ERR_INVALID, "$http_proxy: ");
    assert_int_equal(unsetenv("http_proxy"), 0);
}

static void
credentials_that_cannot_be_used_are_told(void **state)
{
    struct fixture *f = *state;
    char auth[200];

    httpd_start(&f->httpd, answer, f, NULL);
    coco_image_client_set_plain_http(f->client, true);
    (void)snprintf(auth, sizeof(auth), "{\"credHelpers\":{\"127.0.0.1:%d\":\"none\"}}",
                   f->httpd.port);
    assert_ok(set_auth(f, auth), f->err);
    for (int as_source = 0; as_source < 2; as_source++) {
        /* Who does not ask for them does not learn of it. */
        f->wants_password = false;
        assert_int_equal(ask(f, as_source), COCO_ERR_NOTFOUND);
        coco_error_free(f->err);
        f->err = NULL;

        f->wants_password = true;
        assert_ok(coco_image_client_set_helpers(f->client, NULL, &f->err), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NOTSUP, "'none' for 127.0.0.1");
        assert_ok(coco_image_client_set_helpers(f->client, f->dir, &f->err), f->err);
        assert_fails(ask(f, as_source), f->err, COCO_ERR_NOTFOUND, "no docker-credential-none");
    }
    (void)snprintf(auth, sizeof(auth),
                   "{\"auths\":{\"127.0.0.1:%d\":{\"identitytoken\":\"t0ken\"}}}", f->httpd.port);
    assert_ok(set_auth(f, auth), f->err);
    assert_fails(ask(f, true), f->err, COCO_ERR_DENIED, "but an identity token");
    httpd_stop(&f->httpd);
}

static void
registries_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        coco_image_client_set_registries(f->client, bytes_of(MIRRORS), strlen(MIRRORS), &f->err),
        f->err);
    const cJSON *before = f->client->registries.json;
    assert_fails(coco_image_client_set_registries(f->client, bytes_of("x=1"), 3, &f->err), f->err,
                 COCO_ERR_PROTO, "registries.conf");
    assert_ptr_equal(f->client->registries.json, before);
    assert_ok(coco_image_client_set_registries(f->client, bytes_of(""), 0, &f->err), f->err);
}

/* "a.test" is what was asked for, and the server where it is got from; the other way nothing is
 * put. */
static void
registries_lead_to_where_an_image_is(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_buf_ struct coco_buf body = {.limit = 100};
    _cleanup_buf_ struct coco_buf type = {.limit = 100};
    char text[400];

    assert_ok(coco_image_ref_parse("a.test/acme/app:1", &ref, &f->err), f->err);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        _cleanup_source_ struct coco_source source = {0};

        f->wants_password = true;
        f->authorization[0] = '\0';
        httpd_start(&f->httpd, answer, f, NULL);
        (void)snprintf(text, sizeof(text),
                       "[[registry]]\nprefix='a.test'\nlocation='127.0.0.1:%d'\ninsecure=true\n%s",
                       f->httpd.port,
                       mirrored ? "[[registry.mirror]]\nlocation='127.0.0.1:1'\ninsecure=true\n"
                                : "");
        assert_ok(
            coco_image_client_set_registries(f->client, bytes_of(text), strlen(text), &f->err),
            f->err);
        /* The credentials of the one that is asked, not of the one that is meant */
        (void)snprintf(text, sizeof(text),
                       "{\"auths\":{\"127.0.0.1:%d\":{\"auth\":\"" ENCODED "\"},"
                       "\"a.test\":{\"auth\":\"YTox\"}}}",
                       f->httpd.port);
        assert_ok(set_auth(f, text), f->err);
        assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
        assert_fails(source.manifest(source.self, f->ctx, NULL, &body, &type, &f->err), f->err,
                     COCO_ERR_NOTFOUND, "404");
        httpd_stop(&f->httpd);
        assert_string_equal(f->authorization, "Basic " ENCODED);
    }
}

static void
blocked_registries_are_neither_read_nor_written(void **state)
{
    static const char text[] = "[[registry]]\nprefix='a.test'\nblocked=true\n";
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    struct coco_source source = {0};
    struct coco_destination to = {0};

    assert_ok(coco_image_client_set_registries(f->client, bytes_of(text), strlen(text), &f->err),
              f->err);
    assert_ok(coco_image_ref_parse("a.test/acme/app:1", &ref, &f->err), f->err);
    assert_fails(coco_client_source(f->client, &once, ref, &source, &f->err), f->err,
                 COCO_ERR_DENIED, "blocks 'a.test'");
    assert_fails(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err,
                 COCO_ERR_DENIED, "blocks 'a.test'");
    assert_null(source.self);
    assert_null(to.self);
}

static void
helpers_outlive_the_credentials(void **state)
{
    struct fixture *f = *state;
    char path[128];

    assert_fails(coco_image_client_set_helpers(f->client, "bin", &f->err), f->err, COCO_ERR_INVALID,
                 "no list of absolute directories");
    assert_null(f->client->auth.helpers);
    (void)snprintf(path, sizeof(path), "%s", f->dir);
    assert_ok(coco_image_client_set_helpers(f->client, path, &f->err), f->err);
    path[0] = 'x';
    assert_fails(coco_image_client_set_helpers(f->client, "", &f->err), f->err, COCO_ERR_INVALID,
                 "no list of absolute directories");
    assert_ok(set_auth(f, AUTH), f->err);
    assert_ok(set_auth(f, AUTH), f->err);
    assert_string_equal(f->client->auth.helpers, f->dir);
    assert_int_equal(f->client->auth.n_files, 1);
    assert_ok(coco_image_client_set_helpers(f->client, NULL, &f->err), f->err);
    assert_null(f->client->auth.helpers);
}

static void
credentials_are_added_behind_those_there_are(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_image_client_add_auth(f->client, bytes_of(AUTH), strlen(AUTH), &f->err), f->err);
    assert_ok(coco_image_client_add_auth(f->client, bytes_of("{}"), 2, &f->err), f->err);
    assert_fails(coco_image_client_add_auth(f->client, bytes_of("[]"), 2, &f->err), f->err,
                 COCO_ERR_PROTO, "auth.json");
    assert_int_equal(f->client->auth.n_files, 2);
    assert_ok(set_auth(f, "{}"), f->err);
    assert_int_equal(f->client->auth.n_files, 1);
}

static void
a_layout_is_opened_by_its_path(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_source_ struct coco_source source = {0};
    _cleanup_destination_ struct coco_destination to = {0};
    char text[128];

    (void)snprintf(text, sizeof(text), "oci:%s/l:v1", f->dir);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    assert_fails(coco_client_source(f->client, &once, ref, &source, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "no OCI layout");
    assert_no_file(f->dir, "l");
    assert_ok(coco_client_destination(f->client, &once, f->ctx, ref, &to, &f->err), f->err);
    assert_ok(coco_client_source(f->client, &once, ref, &source, &f->err), f->err);
    assert_file(f->dir, "l/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

static void
a_key_broker_is_lent(void **state)
{
    struct fixture *f = *state;
    coco_kbc *kbc = NULL;

    assert_ok(coco_kbc_new("cc_kbc::http://127.0.0.1:1", &kbc, &f->err), f->err);
    coco_image_client_set_kbc(f->client, kbc);
    assert_ptr_equal(f->client->kbc, kbc);
    coco_image_client_set_kbc(f->client, NULL);
    assert_null(f->client->kbc);
    coco_image_client_set_kbc(f->client, kbc);
    coco_image_client_free(f->client);
    f->client = NULL;
    coco_kbc_free(kbc); /* the second time, had it not been lent */
}

static void
an_image_tells_what_it_came_to(void **state)
{
    coco_image image = {.digest_text = "sha256:…",
                        .n_layers = 3,
                        .bytes_read = UINT64_MAX,
                        .bytes_written = (uint64_t)1 << 40,
                        .ids_ignored = 7};

    (void)state;
    assert_string_equal(coco_image_digest(&image), "sha256:…");
    assert_int_equal(coco_image_layer_count(&image), 3);
    assert_int_equal(coco_image_bytes_read(&image), UINT64_MAX);
    assert_int_equal(coco_image_bytes_written(&image), (uint64_t)1 << 40);
    assert_int_equal(coco_image_ids_ignored(&image), 7);
}

/* JWK_D, as bytes and as the limbs of a big number that is little-endian. */
static void
private_bytes(uint8_t bytes[32], uint8_t limbs[32])
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    BIGNUM *d = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_parse_private(JWK, strlen(JWK), &key, &err), err);
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
    assert_int_equal(BN_bn2binpad(d, bytes, 32), 32);
    assert_int_equal(BN_bn2lebinpad(d, limbs, 32), 32);
    BN_clear_free(d);
}

static void
secrets_are_wiped_wherever_they_were(void **state)
{
    uint8_t bytes[32];
    uint8_t limbs[32];
    const struct {
        const void *data;
        size_t len;
    } canaries[] = {
        {kek, sizeof(kek)}, {JWK_D, strlen(JWK_D)},     {bytes, 32},
        {limbs, 32},        {ENCODED, strlen(ENCODED)}, {"alice:s3cret", strlen("alice:s3cret")},
    };
    struct fixture *f = *state;

    private_bytes(bytes, limbs);
    for (size_t i = 0; i < COUNT(canaries); i++) {
        coco_image_client_free(f->client);
        f->client = NULL;
        canary_begin(canaries[i].data, canaries[i].len);
        assert_ok(coco_image_client_new(&f->client, &f->err), f->err);
        /* Often enough for each list to move, and what was set to be set again */
        for (int n = 0; n < 10; n++) {
            assert_ok(add_key(f, JWK), f->err);
            assert_ok(
                coco_image_client_add_kbs_recipient(f->client, URI, kek, sizeof(kek), &f->err),
                f->err);
            assert_ok(set_auth(f, AUTH), f->err);
        }
        /* Also where they are refused */
        assert_fails(add_key(f, JWK_OFF_CURVE), f->err, COCO_ERR_PROTO, "");
        assert_fails(set_auth(f, "{\"auths\":{\"h\":{\"auth\":\"" ENCODED "\"},\"i\":1}}"), f->err,
                     COCO_ERR_PROTO, "not an object");
        coco_image_client_free(f->client);
        f->client = NULL;
        print_message("# canary %zu\n", i);
        assert_int_equal(canary_end(), 0);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    struct pki_cert ca = {0};

    pki_make(&ca, NULL, NULL, 30);
    char *pem = pki_pem(&ca);
    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        assert_int_equal(status == COCO_OK, client != NULL);
        if (status == COCO_OK)
            status = coco_image_client_set_tls_ca(client, bytes_of(pem), strlen(pem), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_auth(client, bytes_of(AUTH), strlen(AUTH), &err);
        if (status == COCO_OK)
            status = coco_image_client_add_auth(client, bytes_of(AUTH), strlen(AUTH), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_helpers(client, "/usr/bin", &err);
        if (status == COCO_OK)
            status = coco_image_client_set_certs_dir(client, f->dir, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certs_tree(client, f->dir, &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_auth_resource(client, URI, &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_proxy(client, "http://me:pw@h", "x", &err);
        if (status == COCO_OK)
            status = coco_image_client_set_proxy(client, NULL, "x", &err);
        if (status == COCO_OK)
            status =
                coco_image_client_set_registries(client, bytes_of(MIRRORS), strlen(MIRRORS), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_policy(client, bytes_of(ACCEPT), strlen(ACCEPT), &err);
        if (status == COCO_OK)
            status = coco_image_client_set_platform(client, "linux/amd64", &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_set_kek_prefix(client, "kbs:///default/keys/", &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_key(client, bytes_of(JWK), strlen(JWK), &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_recipient(client, bytes_of(JWK), strlen(JWK), &err);
        for (int i = 0; i < 2 && status == COCO_OK; i++)
            status = coco_image_client_add_kbs_recipient(client, URI, kek, sizeof(kek), &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
    OPENSSL_free(pem);
    pki_done(&ca);
    assert_null(f->err);
}

static void
opening_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    char layout[128];

    (void)snprintf(layout, sizeof(layout), "oci:%s/l:v1", f->dir);
    const char *const texts[] = {"127.0.0.1/acme/app:1", layout};
    assert_ok(set_auth(f, AUTH), f->err);
    for (size_t i = 0; i < COUNT(texts); i++) {
        _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;

        assert_ok(coco_image_ref_parse(texts[i], &ref, &f->err), f->err);
        for_each_fault()
        {
            struct coco_source source = {0};
            struct coco_destination to = {0};
            coco_error *err = NULL;

            coco_status status = coco_client_destination(f->client, &once, f->ctx, ref, &to, &err);
            assert_int_equal(status == COCO_OK, to.self != NULL);
            if (status == COCO_OK) {
                status = coco_client_source(f->client, &once, ref, &source, &err);
                assert_int_equal(status == COCO_OK, source.self != NULL);
            }
            fault_expect(status, err);
            coco_source_done(&source);
            coco_destination_done(&to);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_client_knows_nothing),
        TEST(certificates_that_are_none_are_refused),
        TEST(credentials_that_are_none_are_refused),
        TEST(policies_that_are_none_are_refused),
        TEST(platforms_that_are_none_are_refused),
        TEST(options_that_are_not_known_are_refused),
        TEST(what_is_0_in_the_options_is_the_default),
        TEST(settings_reach_the_registry),
        TEST(certificates_are_for_the_server_they_are_named_for),
        TEST(a_proxy_is_that_of_the_client),
        TEST(credentials_that_cannot_be_used_are_told),
        TEST(registries_that_are_none_are_refused),
        TEST(registries_lead_to_where_an_image_is),
        TEST(blocked_registries_are_neither_read_nor_written),
        TEST(helpers_outlive_the_credentials),
        TEST(credentials_are_added_behind_those_there_are),
        TEST(a_layout_is_opened_by_its_path),
        TEST(a_key_broker_is_lent),
        TEST(an_image_tells_what_it_came_to),
        TEST(secrets_are_wiped_wherever_they_were),
        TEST(everything_survives_any_failed_allocation),
        TEST(opening_survives_any_failed_allocation),
    };

    canary_watch_openssl();
    return cmocka_run_group_tests_name("image/client", tests, NULL, NULL);
}
