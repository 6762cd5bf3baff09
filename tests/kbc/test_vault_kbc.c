/*
 * tests/kbc/test_vault_kbc.c - lib/kbc/vault_kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/kbc/fakevault.h"
#include "tests/pki.h"

#include <openssl/crypto.h>
#include <unistd.h>

#define URI "kbs:///default/key/1"
#define KEY "0123456789abcdef0123456789abcdef"

/* A Vault, and files with who we are to it. */
struct world {
    struct fakevault vault;
    struct httpd httpd;
    char dir[64];
    coco_ctx *ctx;
};

static void
write_file(const struct world *w, const char *name, const char *text)
{
    char path[128];
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    assert_ok(coco_file_write(path, text, strlen(text), 0600, &err), err);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    coco_error *err = NULL;

    assert_non_null(w);
    make_temp_dir(w->dir, sizeof(w->dir));
    w->vault = (struct fakevault){.token = "hvs.good", .lease = 3600};
    write_file(w, "token", "hvs.good\n");
    write_file(w, "secret-id", VAULT_SECRET_ID "\n");
    assert_ok(coco_ctx_new(&w->ctx, &err), err);
    httpd_start(&w->httpd, fakevault_answer, &w->vault, NULL);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    httpd_stop(&w->httpd);
    coco_ctx_free(w->ctx);
    remove_temp_dir(w->dir);
    free(w);
    return 0;
}

/* The client of the Vault at url, with these settings and a file of the world. */
static coco_status
open_at(const struct world *w, const char *url, const char *settings, const char *file,
        coco_kbc **ret, coco_error **err)
{
    char params[512];

    (void)snprintf(params, sizeof(params), "vault_kbc::%s?%s%s/%s", url, settings, w->dir, file);
    coco_status status = coco_kbc_new(params, ret, err);
    if (status == COCO_OK)
        coco_kbc_set_retries(*ret, 0);
    return status;
}

static coco_kbc *
open_kbc(const struct world *w, const char *settings, const char *file)
{
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    assert_ok(open_at(w, w->httpd.url, settings, file, &kbc, &err), err);
    return kbc;
}

static void
assert_gets(const struct world *w, coco_kbc *kbc)
{
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbc_get_resource(kbc, w->ctx, URI, &secret, &err), err);
    assert_string_equal((const char *)coco_bytes_data(secret), VAULT_SECRET);
}

#define assert_refused(w, kbc, status, why)                                                        \
    do {                                                                                           \
        coco_bytes *secret_ = NULL;                                                                \
        coco_error *err_ = NULL;                                                                   \
        assert_fails(coco_kbc_get_resource(kbc, (w)->ctx, URI, &secret_, &err_), err_, status,     \
                     why);                                                                         \
        assert_null(secret_);                                                                      \
    } while (0)

static void
a_secret_comes_from_kv_of_both_versions(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *second = open_kbc(w, "token-file=", "token");
    _cleanup_(coco_kbc_freep) coco_kbc *first = open_kbc(w, "kv=1&mount=kv&token-file=", "token");
    _cleanup_(coco_kbc_freep) coco_kbc *none = open_kbc(w, "mount=other&token-file=", "token");

    assert_gets(w, second);
    assert_gets(w, first);
    assert_refused(w, none, COCO_ERR_NOTFOUND, "has nothing there (404)");
}

static void
a_namespace_is_told(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "namespace=team/a&token-file=", "token");
    _cleanup_(coco_kbc_freep) coco_kbc *root = open_kbc(w, "token-file=", "token");

    w->vault.space = "team/a";
    assert_gets(w, kbc);
    assert_refused(w, root, COCO_ERR_DENIED, "permission denied");
}

/* An agent renews it there. */
static void
a_file_with_a_token_is_read_each_time(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");

    assert_gets(w, kbc);
    w->vault.token = "hvs.rotated";
    assert_refused(w, kbc, COCO_ERR_DENIED, "the Vault says: permission denied (403)");
    write_file(w, "token", "hvs.rotated");
    assert_gets(w, kbc);
    write_file(w, "token", "");
    assert_refused(w, kbc, COCO_ERR_PROTO, "is empty");
    write_file(w, "token", "a b");
    assert_refused(w, kbc, COCO_ERR_PROTO, "holds no token");
    write_file(w, "token", "a\x01");
    assert_refused(w, kbc, COCO_ERR_PROTO, "holds no token");
}

static void
a_role_logs_in_once_and_again_when_that_is_over(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc =
        open_kbc(w, "role-id=" VAULT_ROLE "&secret-id-file=", "secret-id");

    assert_gets(w, kbc);
    assert_gets(w, kbc);
    assert_int_equal(w->vault.logins, 1);
    w->vault.token = "hvs.another"; /* the old one was revoked */
    assert_gets(w, kbc);
    assert_int_equal(w->vault.logins, 2);
}

/* A no to a token that is new stays a no. */
static void
a_role_that_may_not_does_not_log_in_for_ever(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc =
        open_kbc(w, "role-id=" VAULT_ROLE "&secret-id-file=", "secret-id");

    w->vault.status = "403 Forbidden";
    w->vault.body = "{\"errors\":[\"1 error occurred: permission denied\"]}";
    assert_refused(w, kbc, COCO_ERR_DENIED, "1 error occurred");
    assert_int_equal(w->vault.logins, 1);
    assert_refused(w, kbc, COCO_ERR_DENIED, "1 error occurred");
    assert_int_equal(w->vault.logins, 2);
    assert_int_equal(w->vault.asked, 3);
}

static void
a_role_that_there_is_not_is_denied(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc =
        open_kbc(w, "role-id=nobody&secret-id-file=", "secret-id");
    _cleanup_(coco_kbc_freep) coco_kbc *missing =
        open_kbc(w, "role-id=" VAULT_ROLE "&secret-id-file=", "nothing");

    assert_refused(w, kbc, COCO_ERR_DENIED, "login: the Vault says: invalid role or secret ID");
    assert_refused(w, missing, COCO_ERR_NOTFOUND, "nothing");
}

/* As a cluster puts it there, or a KBS that has attested this guest gives it. */
static void
a_jwt_logs_in(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "role=guest&jwt-file=", "jwt");
    _cleanup_(coco_kbc_freep) coco_kbc *other = open_kbc(w, "role=other&jwt-file=", "jwt");

    write_file(w, "jwt", VAULT_JWT "\n");
    assert_gets(w, kbc);
    assert_gets(w, kbc);
    assert_int_equal(w->vault.logins, 1);
    assert_refused(w, other, COCO_ERR_DENIED, "login: the Vault says: error validating token");
    write_file(w, "jwt", "e30.e30.e30");
    w->vault.token = "hvs.another";
    assert_refused(w, kbc, COCO_ERR_DENIED, "login: the Vault says: error validating token");
}

static void
a_proxy_is_not_told_who_we_are(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    coco_error *err = NULL;
    char params[128];

    (void)snprintf(params, sizeof(params), "vault_kbc::%s", w->httpd.url);
    assert_ok(coco_kbc_new(params, &kbc, &err), err);
    assert_refused(w, kbc, COCO_ERR_DENIED, "asked as nobody: the Vault says: permission denied");
    w->vault.token = "";
    assert_gets(w, kbc);
    assert_int_equal(w->vault.logins, 0);
}

static void
keys_are_wrapped_by_transit(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");
    _cleanup_(coco_bytes_freep) coco_bytes *wrapped = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    const uint8_t *bytes = (const uint8_t *)KEY;
    coco_bytes *none = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbc_wrap_key(kbc, w->ctx, "kek", bytes, 32, &wrapped, &err), err);
    assert_memory_equal(coco_bytes_data(wrapped), "vault:v1:", 9);
    assert_ok(coco_kbc_unwrap_key(kbc, w->ctx, "kek", coco_bytes_data(wrapped),
                                  coco_bytes_size(wrapped), &key, &err),
              err);
    assert_string_equal((const char *)coco_bytes_data(key), KEY);

    assert_fails(coco_kbc_wrap_key(kbc, w->ctx, "other", bytes, 32, &none, &err), err,
                 COCO_ERR_NOTFOUND, "encryption key not found");
    assert_fails(
        coco_kbc_unwrap_key(kbc, w->ctx, "kek", (const uint8_t *)"vault:v1:%%", 11, &none, &err),
        err, COCO_ERR_VERIFY, "authentication failed");
    assert_fails(coco_kbc_unwrap_key(kbc, w->ctx, "kek", bytes, 32, &none, &err), err,
                 COCO_ERR_VERIFY, "no ciphertext");
    assert_null(none);
}

/* In the words of OpenBao 2.7. */
static void
why_transit_does_not_is_told_apart(void **state)
{
    static const struct {
        const char *status, *error;
        coco_status wrapping, unwrapping;
    } cases[] = {
        {"400 Bad Request", "encryption key not found", COCO_ERR_NOTFOUND, COCO_ERR_NOTFOUND},
        {"400 Bad Request", "message encryption not supported for key type ed25519",
         COCO_ERR_INVALID, COCO_ERR_VERIFY},
        {"400 Bad Request", "missing 'context' for key derivation; the key was created using",
         COCO_ERR_NOTSUP, COCO_ERR_NOTSUP},
        {"400 Bad Request", "ciphertext or signature version is disallowed by policy (too old)",
         COCO_ERR_DENIED, COCO_ERR_DENIED},
        {"400 Bad Request", "invalid ciphertext: version is too new", COCO_ERR_INVALID,
         COCO_ERR_VERIFY},
        {"500 Internal Server Error",
         "1 error occurred:\\n\\t* failed to RSA decrypt the ciphertext: crypto/rsa: decryption "
         "error",
         COCO_ERR_VERIFY, COCO_ERR_VERIFY},
        /* It may be there in a minute: what is watched is kept until then. */
        {"500 Internal Server Error", "local node not active but active cluster node not found",
         COCO_ERR_NET, COCO_ERR_NET},
    };
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");
    coco_bytes *none = NULL;
    char body[256];

    w->vault.body = body;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w->vault.status = cases[i].status;
        (void)snprintf(body, sizeof(body), "{\"errors\":[\"%s\"]}", cases[i].error);
        coco_status wrapping =
            coco_kbc_wrap_key(kbc, w->ctx, "kek", (const uint8_t *)KEY, 32, &none, NULL);
        coco_status unwrapping = coco_kbc_unwrap_key(
            kbc, w->ctx, "kek", (const uint8_t *)"vault:v1:AA", 11, &none, NULL);
        if (wrapping != cases[i].wrapping || unwrapping != cases[i].unwrapping)
            fail_msg("%s: %s, %s", cases[i].error, coco_status_name(wrapping),
                     coco_status_name(unwrapping));
    }
    assert_null(none);
}

/* A name that becomes part of a path is a part of a path. */
static void
names_of_keys_lead_nowhere_else(void **state)
{
    static const char *const names[] = {"../sys/seal", "..", ".", "a/b", "a?b", "a%2fb", "a b"};
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");
    coco_bytes *none = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(
            coco_kbc_wrap_key(kbc, w->ctx, names[i], (const uint8_t *)KEY, 32, &none, NULL),
            COCO_ERR_INVALID);
    assert_int_equal(w->vault.asked, 0);
}

static void
a_vault_that_lies_is_seen(void **state)
{
    static const struct {
        const char *status, *body;
        coco_status want;
    } cases[] = {
        {"200 OK", "", COCO_ERR_PROTO},
        {"200 OK", "{\"data\":{\"data\":{\"data\":7}}}", COCO_ERR_PROTO},
        {"200 OK", "{\"data\":{\"data\":null}}", COCO_ERR_NOTFOUND},
        {"204 No Content", "", COCO_ERR_PROTO},
        {"301 Moved Permanently", "", COCO_ERR_PROTO},
        {"307 Temporary Redirect", "", COCO_ERR_NET},
        {"400 Bad Request", "{\"errors\":[\"no\"]}", COCO_ERR_PROTO},
        {"404 Not Found", "{\"errors\":[]}", COCO_ERR_NOTFOUND},
        {"429 Too Many Requests", "", COCO_ERR_NET},
        {"500 Internal Server Error", "{\"errors\":[\"internal error\"]}", COCO_ERR_NET},
    };
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_bytes *secret = NULL;

        w->vault.status = cases[i].status;
        w->vault.body = cases[i].body;
        coco_status status = coco_kbc_get_resource(kbc, w->ctx, URI, &secret, NULL);
        if (status != cases[i].want)
            fail_msg("%s %s gives %s", cases[i].status, cases[i].body, coco_status_name(status));
        assert_null(secret);
    }
    w->vault.sealed = true;
    assert_refused(w, kbc, COCO_ERR_NET, "Vault is sealed");
}

static void
a_token_goes_to_the_right_vault_alone(void **state)
{
    struct world *w = *state;
    struct httpd httpd = {0};
    struct pki_cert ca = {0};
    struct pki_cert server = {0};
    char url[64];
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    assert_fails(open_at(w, "http://vault.test:8200", "token-file=", "token", &kbc, &err), err,
                 COCO_ERR_INVALID, "needs https");
    assert_fails(open_at(w, "http://127.0.0.1.evil.test", "token-file=", "token", &kbc, &err), err,
                 COCO_ERR_INVALID, "needs https");
    assert_fails(open_at(w, "ftp://127.0.0.1", "token-file=", "token", &kbc, &err), err,
                 COCO_ERR_INVALID, "URL");

    pki_make_ca(&ca, NULL, "vaults");
    pki_make(&server, &ca, "localhost", 10);
    SSL_CTX *tls = pki_server(&server, NULL);
    httpd_start(&httpd, fakevault_answer, &w->vault, tls);
    (void)snprintf(url, sizeof(url), "https://localhost:%d", httpd.port);
    assert_ok(open_at(w, url, "token-file=", "token", &kbc, &err), err);
    assert_refused(w, kbc, COCO_ERR_VERIFY, "");
    assert_int_equal(w->vault.asked, 0);

    char *pem = pki_pem(&ca);
    assert_ok(coco_kbc_set_tls_ca(kbc, (const uint8_t *)pem, strlen(pem), &err), err);
    assert_gets(w, kbc);
    OPENSSL_free(pem);
    coco_kbc_free(kbc);
    httpd_stop(&httpd);
    SSL_CTX_free(tls);
    pki_done(&server);
    pki_done(&ca);
}

static void
write_cert(const struct world *w, const char *cert_name, const char *key_name,
           const struct pki_cert *cert)
{
    char *pem = pki_pem(cert);
    char *key = pki_key_pem(cert);

    write_file(w, cert_name, pem);
    write_file(w, key_name, key);
    OPENSSL_free(pem);
    OPENSSL_free(key);
}

static coco_kbc *
open_with_cert(const struct world *w, const char *url, const char *cert, const char *key)
{
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;
    char params[512];
    char settings[128];
    char ca[96];
    _cleanup_buf_ struct coco_buf pem = {.limit = 64 << 10};

    (void)snprintf(settings, sizeof(settings), "cert-file=%s/%s&key-file=", w->dir, cert);
    (void)snprintf(params, sizeof(params), "vault_kbc::%s?%s%s/%s", url, settings, w->dir, key);
    (void)snprintf(ca, sizeof(ca), "%s/ca", w->dir);
    assert_ok(coco_kbc_new(params, &kbc, &err), err);
    coco_kbc_set_retries(kbc, 0);
    assert_ok(coco_file_read(ca, &pem, &err), err);
    assert_ok(coco_kbc_set_tls_ca(kbc, pem.data, pem.len, &err), err);
    return kbc;
}

/* The server lets nobody in who has none. */
static void
a_certificate_is_shown_as_it_is_by_now(void **state)
{
    struct world *w = *state;
    struct httpd httpd = {0};
    struct pki_cert ca = {0}, server = {0}, client = {0}, stranger = {0};
    char url[64];

    pki_make_ca(&ca, NULL, "vaults");
    pki_make(&server, &ca, "localhost", 10);
    pki_make(&client, &ca, "guest", 10);
    pki_make(&stranger, NULL, "guest", 10);
    write_cert(w, "ca", "ca.key", &ca);
    write_cert(w, "cert", "key", &client);
    write_cert(w, "strange", "strange.key", &stranger);
    SSL_CTX *tls = pki_server(&server, &ca);
    httpd_start(&httpd, fakevault_answer, &w->vault, tls);
    (void)snprintf(url, sizeof(url), "https://localhost:%d", httpd.port);

    coco_kbc *kbc = open_with_cert(w, url, "cert", "key");
    assert_gets(w, kbc);
    assert_gets(w, kbc);
    assert_int_equal(w->vault.logins, 1);
    /* Another login is another connection. */
    write_cert(w, "cert", "key", &stranger);
    w->vault.token = "hvs.another";
    assert_refused(w, kbc, COCO_ERR_DENIED, "certificate");
    assert_int_equal(w->vault.logins, 1);
    coco_kbc_free(kbc);

    write_cert(w, "cert", "key", &client);
    kbc = open_with_cert(w, url, "cert", "strange.key");
    assert_refused(w, kbc, COCO_ERR_INVALID, "/cert: ");
    coco_kbc_free(kbc);
    kbc = open_with_cert(w, url, "cert", "none");
    assert_refused(w, kbc, COCO_ERR_NOTFOUND, "/none: ");
    coco_kbc_free(kbc);

    httpd_stop(&httpd);
    SSL_CTX_free(tls);
    pki_done(&stranger);
    pki_done(&client);
    pki_done(&server);
    pki_done(&ca);
}

static void
a_vault_does_not_attest(void **state)
{
    struct world *w = *state;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = open_kbc(w, "token-file=", "token");
    coco_bytes *token = NULL;
    coco_error *err = NULL;

    assert_fails(coco_kbc_attest(kbc, w->ctx, &token, &err), err, COCO_ERR_NOTSUP,
                 "vault_kbc does not attest");
}

static void
asking_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;
    coco_error *err = NULL;

    for_each_fault()
    {
        coco_kbc *kbc = NULL;
        coco_bytes *secret = NULL;
        coco_bytes *wrapped = NULL;

        coco_status status = open_at(
            w, w->httpd.url, "role-id=" VAULT_ROLE "&secret-id-file=", "secret-id", &kbc, &err);
        if (status == COCO_OK)
            status = coco_kbc_get_resource(kbc, w->ctx, URI, &secret, &err);
        if (status == COCO_OK)
            status =
                coco_kbc_wrap_key(kbc, w->ctx, "kek", (const uint8_t *)KEY, 32, &wrapped, &err);
        fault_expect(status, err);
        coco_bytes_free(secret);
        coco_bytes_free(wrapped);
        coco_kbc_free(kbc);
        coco_error_free(err);
        err = NULL;
    }
}

static void
neither_secret_nor_token_stay_behind(void **state)
{
    static const char *const texts[] = {VAULT_SECRET, "hvs.good", VAULT_SECRET_ID};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        canary_begin(texts[i], strlen(texts[i]));
        coco_kbc *kbc = open_kbc(w, "role-id=" VAULT_ROLE "&secret-id-file=", "secret-id");
        assert_gets(w, kbc);
        coco_kbc_free(kbc);
        assert_int_equal(canary_end(), 0);
    }
}

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_secret_comes_from_kv_of_both_versions),
        IN_WORLD(a_namespace_is_told),
        IN_WORLD(a_file_with_a_token_is_read_each_time),
        IN_WORLD(a_role_logs_in_once_and_again_when_that_is_over),
        IN_WORLD(a_role_that_may_not_does_not_log_in_for_ever),
        IN_WORLD(a_role_that_there_is_not_is_denied),
        IN_WORLD(a_jwt_logs_in),
        IN_WORLD(a_proxy_is_not_told_who_we_are),
        IN_WORLD(keys_are_wrapped_by_transit),
        IN_WORLD(why_transit_does_not_is_told_apart),
        IN_WORLD(names_of_keys_lead_nowhere_else),
        IN_WORLD(a_vault_that_lies_is_seen),
        IN_WORLD(a_token_goes_to_the_right_vault_alone),
        IN_WORLD(a_certificate_is_shown_as_it_is_by_now),
        IN_WORLD(a_vault_does_not_attest),
        IN_WORLD(asking_survives_any_failed_allocation),
        IN_WORLD(neither_secret_nor_token_stay_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
