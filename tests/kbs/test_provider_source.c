/*
 * tests/kbs/test_provider_source.c - lib/kbs/provider_source.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider_source.h"

#include "base/fd.h"

#include "tests/idp.h"

static struct idp idp;
static coco_ctx *ctx;

static int
begin(void **state)
{
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    assert_ok(coco_ctx_new(&ctx, &err), err);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_ctx_free(ctx);
    idp_stop(&idp);
    return 0;
}

static coco_status
get(const char *path, struct coco_jwk_set *set, coco_error **err)
{
    char uri[256];
    const struct coco_kbs_provider provider = {
        .jwk_set_uri = path ? uri : NULL,
        .issuer = idp.issuer,
        .ca = idp.ca_pem,
    };

    (void)snprintf(uri, sizeof(uri), "%s%s", idp.issuer, path ? path : "");
    return coco_kbs_provider_get(&provider, ctx, set, err);
}

static void
a_set_is_got_from_its_address_an_issuers_and_what_an_issuer_says(void **state)
{
    static const char *const paths[] = {"/jwks", "", "/", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        _cleanup_jwk_set_ struct coco_jwk_set set = {0};
        coco_error *err = NULL;

        assert_ok(get(paths[i], &set, &err), err);
        assert_non_null(coco_jwk_set_find(&set, "a"));
    }
}

static void
a_set_is_read_from_a_file(void **state)
{
    static const char *const schemes[] = {"", "file://"};
    char dir[64];
    char path[128];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", dir);
    assert_ok(coco_file_write(path, idp.jwks, strlen(idp.jwks), 0600, &err), err);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_jwk_set_ struct coco_jwk_set set = {0};
        char uri[160];
        const struct coco_kbs_provider provider = {.jwk_set_uri = uri};

        (void)snprintf(uri, sizeof(uri), "%s%s", schemes[i], path);
        assert_true(coco_kbs_provider_is_file(&provider));
        assert_ok(coco_kbs_provider_get(&provider, ctx, &set, &err), err);
        assert_non_null(coco_jwk_set_find(&set, "a"));
        assert_ok(coco_file_write(path, i ? "{}" : idp.jwks, i ? 2 : strlen(idp.jwks), 0600, &err),
                  err);
    }
    struct coco_jwk_set set = {0};
    char gone[] = "/no/such/file";
    const struct coco_kbs_provider broken = {.jwk_set_uri = path};
    const struct coco_kbs_provider none = {.jwk_set_uri = gone};

    assert_fails(coco_kbs_provider_get(&broken, ctx, &set, &err), err, COCO_ERR_PROTO, path);
    assert_fails(coco_kbs_provider_get(&none, ctx, &set, &err), err, COCO_ERR_NOTFOUND, gone);
    remove_temp_dir(dir);
}

static void
servers_that_answer_something_else_are_refused(void **state)
{
    char elsewhere[256];
    static const struct {
        const char *status, *jwks, *about;
        coco_status result;
    } cases[] = {
        {"404 Not Found", "x", "{}", COCO_ERR_NOTFOUND},
        {"500 Internal Server Error", "x", "{}", COCO_ERR_NOTFOUND},
        {"200 OK", "<html>", "<html>", COCO_ERR_PROTO},
        {"200 OK", "{\"keys\":[]}", "{}", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_jwk_set set = {0};
        coco_error *err = NULL;

        idp_say(&idp, cases[i].status, cases[i].jwks, cases[i].about);
        assert_fails(get("/jwks", &set, &err), err, cases[i].result, "/jwks");
        assert_fails(get(NULL, &set, &err), err, COCO_ERR_PROTO, "openid-configuration");
        assert_int_equal(set.n, 0);
    }
    /* Right in itself, but another's. */
    idp_publish(&idp, 0);
    (void)snprintf(elsewhere, sizeof(elsewhere),
                   "{\"issuer\":\"https://other.example\",\"jwks_uri\":\"%s/jwks\"}", idp.issuer);
    idp_say(&idp, "200 OK", NULL, elsewhere);
    struct coco_jwk_set set = {0};
    coco_error *err = NULL;
    assert_fails(get(NULL, &set, &err), err, COCO_ERR_PROTO, "another issuer");
}

static void
the_server_is_who_tls_proves_it_to_be(void **state)
{
    struct pki_cert other;
    struct coco_jwk_set set = {0};
    coco_error *err = NULL;

    (void)state;
    pki_make(&other, NULL, NULL, 30);
    char *pem = pki_pem(&other);
    const struct coco_kbs_provider provider = {.issuer = idp.issuer, .ca = pem};

    assert_fails(coco_kbs_provider_get(&provider, ctx, &set, &err), err, COCO_ERR_VERIFY,
                 "certificate");
    OPENSSL_free(pem);
    pki_done(&other);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_set_is_got_from_its_address_an_issuers_and_what_an_issuer_says),
        T(a_set_is_read_from_a_file),
        T(servers_that_answer_something_else_are_refused),
        T(the_server_is_who_tls_proves_it_to_be),
    };

    return cmocka_run_group_tests_name("kbs/provider_source", tests, NULL, NULL);
}
