/*
 * tests/kbc/test_admin.c - lib/kbc/admin.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/admin.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/context.h"
#include "crypto/jws.h"
#include "tests/faults.h"
#include "tests/httpd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ERROR(name, detail)                                                                        \
    "{\"type\":\"https://github.com/confidential-containers/kbs/errors/" name                      \
    "\",\"detail\":\"" detail "\"}"
#define BYTES(text) (const uint8_t *)(text), strlen(text)

struct script {
    const char *status;
    const char *body;
    char method[16];
    char target[1024];
    char token[4096];
    char content_type[64];
    char request_body[4096];
    size_t request_len;
};

struct fixture {
    struct httpd httpd;
    struct script script;
    coco_ctx *ctx;
    coco_admin *admin;
    coco_error *err;
};

static struct fixture fixture;

static bool
answer(void *user, const struct httpd_request *request)
{
    struct script *script = user;

    (void)snprintf(script->method, sizeof(script->method), "%s", request->method);
    (void)snprintf(script->target, sizeof(script->target), "%s", request->target);
    httpd_header(request, "authorization", script->token, sizeof(script->token));
    httpd_header(request, "content-type", script->content_type, sizeof(script->content_type));
    script->request_len = request->body_len;
    if (request->body_len < sizeof(script->request_body))
        memcpy(script->request_body, request->body, request->body_len + 1);
    return httpd_reply(request->httpd, script->status, "Content-Type: text/xml\r\n", script->body);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->script = (struct script){.status = "200 OK", .body = ""};
    assert_int_equal(setenv("no_proxy", "*", 1), 0);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    httpd_start(&f->httpd, answer, &f->script, NULL);
    assert_ok(coco_admin_new(f->httpd.url, &f->admin, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_admin_free(f->admin);
    httpd_stop(&f->httpd);
    coco_ctx_free(f->ctx);
    return 0;
}

static void
assert_asked(const struct fixture *f, const char *method, const char *target)
{
    assert_string_equal(f->script.method, method);
    assert_string_equal(f->script.target, target);
}

struct reply {
    const char *status;
    const char *body;
    coco_status want;
    const char *text; /* what the call comes to, or why not */
};

typedef coco_status asking(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret, coco_error **err);

static void
assert_replies(struct fixture *f, const struct reply *replies, size_t n, asking *ask)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *got = NULL;

        f->script.status = replies[i].status;
        f->script.body = replies[i].body;
        coco_status status = ask(f->admin, f->ctx, &got, &f->err);
        if (replies[i].want == COCO_OK) {
            assert_ok(status, f->err);
            assert_string_equal((const char *)coco_bytes_data(got), replies[i].text);
        } else
            assert_fails(status, f->err, replies[i].want, replies[i].text);
    }
}

static void
requests_are_upstreams(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_admin_put_resource(f->admin, f->ctx, "default/key/1", (const uint8_t *)"a\0b", 3,
                                      &f->err),
              f->err);
    assert_asked(f, "POST", "/kbs/v0/resource/default/key/1");
    assert_string_equal(f->script.content_type, "application/octet-stream");
    assert_int_equal(f->script.request_len, 3);
    assert_memory_equal(f->script.request_body, "a\0b", 3);
    assert_string_equal(f->script.token, "");

    assert_ok(coco_admin_delete_resource(f->admin, f->ctx, "kbs:///default/key/1", &f->err),
              f->err);
    assert_asked(f, "DELETE", "/kbs/v0/resource/default/key/1");

    assert_ok(coco_admin_set_resource_policy(f->admin, f->ctx, "package policy\n", &f->err),
              f->err);
    assert_asked(f, "POST", "/kbs/v0/resource-policy");
    assert_string_equal(f->script.content_type, "application/json");
    assert_string_equal(f->script.request_body, "{\"policy\":\"cGFja2FnZSBwb2xpY3kK\"}");

    assert_ok(coco_admin_put_references(f->admin, f->ctx, "{\"version\":\"0.1.0\"}", &f->err),
              f->err);
    assert_asked(f, "POST", "/kbs/v0/reference-value");
    assert_string_equal(f->script.content_type, "application/json");
    assert_string_equal(f->script.request_body, "{\"version\":\"0.1.0\"}");
}

static void
an_empty_secret_is_a_secret(void **state)
{
    struct fixture *f = *state;

    assert_ok(coco_admin_put_resource(f->admin, f->ctx, "a/b/c", (const uint8_t *)"", 0, &f->err),
              f->err);
    assert_string_equal(f->script.method, "POST");
    assert_int_equal(f->script.request_len, 0);
}

static void
requests_are_signed_for_a_few_minutes(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_ED25519, COCO_KEY_P256, COCO_KEY_P384};
    static const char *const algs[] = {"EdDSA", "ES256", "ES384"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
        _cleanup_jws_ struct coco_jws jws = {0};
        const char *text = NULL;
        uint64_t iat = 0;
        uint64_t exp = 0;

        assert_ok(coco_key_generate(kinds[i], &key, &f->err), f->err);
        assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
        assert_ok(coco_admin_set_key(f->admin, pem.data, pem.len, &f->err), f->err);
        assert_ok(coco_admin_delete_resource(f->admin, f->ctx, "a/b/c", &f->err), f->err);

        assert_memory_equal(f->script.token, "Bearer ", 7);
        const char *token = f->script.token + 7;
        assert_ok(coco_jws_parse(token, strlen(token), &jws, &f->err), f->err);
        assert_ok(coco_jws_verify(&jws, key, &f->err), f->err);
        assert_ok(coco_jwt_check_times(jws.payload, (int64_t)time(NULL), &f->err), f->err);
        assert_ok(coco_json_get_string(jws.header, "alg", &text, &f->err), f->err);
        assert_string_equal(text, algs[i]);
        assert_ok(coco_json_get_string(jws.payload, "role", &text, &f->err), f->err);
        assert_string_equal(text, "admin");
        assert_ok(coco_json_get_u64(jws.payload, "iat", &iat, &f->err), f->err);
        assert_ok(coco_json_get_u64(jws.payload, "exp", &exp, &f->err), f->err);
        assert_int_equal(exp - iat, 600);
    }
}

static void
a_token_is_for_its_role_and_time(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    char role[65];
    coco_bytes *token = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &f->err), f->err);
    assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
    for_each_fault()
    {
        _cleanup_jws_ struct coco_jws jws = {0};
        const char *text = NULL;
        uint64_t iat = 0;
        uint64_t exp = 0;

        coco_status status = coco_admin_token(pem.data, pem.len, "reader", 60, &token, &f->err);
        fault_expect(status, f->err);
        if (status != COCO_OK)
            continue;
        assert_ok(coco_jws_parse((const char *)coco_bytes_data(token), coco_bytes_size(token), &jws,
                                 &f->err),
                  f->err);
        assert_ok(coco_jws_verify(&jws, key, &f->err), f->err);
        assert_ok(coco_json_get_string(jws.payload, "role", &text, &f->err), f->err);
        assert_string_equal(text, "reader");
        assert_ok(coco_json_get_u64(jws.payload, "iat", &iat, &f->err), f->err);
        assert_ok(coco_json_get_u64(jws.payload, "exp", &exp, &f->err), f->err);
        assert_int_equal(exp - iat, 60);
        coco_bytes_free(token);
    }
    memset(role, 'r', sizeof(role));
    role[64] = '\0';
    assert_fails(coco_admin_token(pem.data, pem.len, role, 0, &token, &f->err), f->err,
                 COCO_ERR_INVALID, "role");
    assert_fails(coco_admin_token(pem.data, pem.len, "", 0, &token, &f->err), f->err,
                 COCO_ERR_INVALID, "role");
    assert_fails(coco_admin_token(pem.data, pem.len, NULL, 86401, &token, &f->err), f->err,
                 COCO_ERR_INVALID, "86400");
    assert_fails(coco_admin_token(BYTES("no key"), NULL, 0, &token, &f->err), f->err,
                 COCO_ERR_PROTO, "admin key");
    role[63] = '\0';
    assert_ok(coco_admin_token(pem.data, pem.len, role, 86400, &token, &f->err), f->err);
    coco_bytes_free(token);
}

static void
the_recorded_owners_key_is_taken(void **state)
{
    struct fixture *f = *state;
    size_t len = 0;
    _cleanup_free_ char *pem = read_fixture("rcar/admin/admin-ed25519.pem", &len);

    assert_ok(coco_admin_set_key(f->admin, (const uint8_t *)pem, len, &f->err), f->err);
}

static void
other_keys_are_refused(void **state)
{
    static const enum coco_key_kind kinds[] = {COCO_KEY_P521, COCO_KEY_RSA};
    struct fixture *f = *state;

    assert_fails(coco_admin_set_key(f->admin, BYTES(""), &f->err), f->err, COCO_ERR_PROTO,
                 "admin key");
    assert_fails(coco_admin_set_key(f->admin, BYTES("-----BEGIN PRIVATE KEY-----\n"), &f->err),
                 f->err, COCO_ERR_PROTO, "admin key");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;
        _cleanup_buf_ struct coco_buf pem = {.limit = 8192};

        assert_ok(coco_key_generate(kinds[i], &key, &f->err), f->err);
        assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
        assert_fails(coco_admin_set_key(f->admin, pem.data, pem.len, &f->err), f->err,
                     COCO_ERR_PROTO, "Ed25519");
    }
}

static void
refusals_keep_the_servers_words(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        coco_status put;
        coco_status delete;
        const char *why;
    } cases[] = {
        {"401 Unauthorized", ERROR("AdminAuthAccess", "Admin auth error"), COCO_ERR_DENIED,
         COCO_ERR_DENIED, "Admin auth error"},
        {"403 Forbidden", "", COCO_ERR_DENIED, COCO_ERR_DENIED, "403"},
        /* Of a DELETE it says that there is none (kbs-protocol B). */
        {"401 Unauthorized", ERROR("PluginInternalError", "Plugin internal error"), COCO_ERR_DENIED,
         COCO_ERR_NOTFOUND, "Plugin internal error"},
        {"404 Not Found", ERROR("ResourceNotFound", "no"), COCO_ERR_NOTFOUND, COCO_ERR_NOTFOUND,
         "no"},
        /* Upstream's did not delete at first, and took who asked for a guest without a token. */
        {"404 Not Found", ERROR("PluginNotFound", "no"), COCO_ERR_NOTFOUND, COCO_ERR_NOTSUP, "no"},
        {"405 Method Not Allowed", "", COCO_ERR_PROTO, COCO_ERR_NOTSUP, "405"},
        {"401 Unauthorized", ERROR("TokenNotFound", "no token"), COCO_ERR_DENIED, COCO_ERR_NOTSUP,
         "no token"},
        {"413 Payload Too Large", "", COCO_ERR_LIMIT, COCO_ERR_LIMIT, "413"},
        {"500 Internal Server Error", "", COCO_ERR_NET, COCO_ERR_NET, "500"},
        {"307 Temporary Redirect", "", COCO_ERR_PROTO, COCO_ERR_PROTO, "redirects"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->script.status = cases[i].status;
        f->script.body = cases[i].body;
        assert_fails(coco_admin_put_resource(f->admin, f->ctx, "a/b/c", BYTES("x"), &f->err),
                     f->err, cases[i].put, cases[i].why);
        assert_fails(coco_admin_delete_resource(f->admin, f->ctx, "a/b/c", &f->err), f->err,
                     cases[i].delete, cases[i].why);
        assert_fails(coco_admin_set_resource_policy(f->admin, f->ctx, "", &f->err), f->err,
                     cases[i].put, cases[i].why);
        assert_fails(coco_admin_put_references(f->admin, f->ctx, "{}", &f->err), f->err,
                     cases[i].put, cases[i].why);
    }
}

static void
versions_are_asked_for(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *versions = NULL;
    uint64_t version = 0;

    assert_ok(coco_admin_purge_resource(f->admin, f->ctx, "kbs:///a/b/c", &f->err), f->err);
    assert_asked(f, "DELETE", "/kbs/v0/resource-versions/a/b/c");

    f->script.body = "{\"version\":7}";
    assert_ok(coco_admin_restore_resource(f->admin, f->ctx, "a/b/c", 0, &version, &f->err), f->err);
    assert_int_equal(version, 7);
    assert_asked(f, "POST", "/kbs/v0/resource-restore/a/b/c");
    assert_ok(coco_admin_restore_resource(f->admin, f->ctx, "a/b/c", 5, &version, &f->err), f->err);
    assert_string_equal(f->script.target, "/kbs/v0/resource-restore/a/b/c?version=5");

    f->script.body = "[ {\"version\": 1} ]";
    assert_ok(coco_admin_resource_versions(f->admin, f->ctx, "a/b/c", &versions, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(versions), "[{\"version\":1}]");
    assert_asked(f, "GET", "/kbs/v0/resource-versions/a/b/c");
}

static void
a_broker_without_versions_is_understood(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        coco_status want;
    } cases[] = {
        {"404 Not Found", ERROR("ResourceNotFound", "no"), COCO_ERR_NOTFOUND},
        {"404 Not Found", ERROR("PluginNotFound", "no"), COCO_ERR_NOTSUP},
        {"404 Not Found", "", COCO_ERR_NOTSUP},
        {"401 Unauthorized", ERROR("TokenNotFound", "no"), COCO_ERR_NOTSUP},
        {"401 Unauthorized", ERROR("AdminAuthAccess", "no"), COCO_ERR_DENIED},
        {"200 OK", "{", COCO_ERR_PROTO},
        {"200 OK", "{\"version\":-1}", COCO_ERR_PROTO},
        {"200 OK", "{\"version\":\"1\"}", COCO_ERR_PROTO},
        {"200 OK", "{}", COCO_ERR_PROTO},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *versions = NULL;
        uint64_t version = 0;

        f->script.status = cases[i].status;
        f->script.body = cases[i].body;
        assert_fails(coco_admin_restore_resource(f->admin, f->ctx, "a/b/c", 1, &version, &f->err),
                     f->err, cases[i].want, "");
        assert_fails(coco_admin_resource_versions(f->admin, f->ctx, "a/b/c", &versions, &f->err),
                     f->err, cases[i].want, "");
        if (cases[i].want != COCO_ERR_PROTO)
            assert_fails(coco_admin_purge_resource(f->admin, f->ctx, "a/b/c", &f->err), f->err,
                         cases[i].want, "");
    }
}

static void
policies_are_set_listed_and_removed(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_bytes_freep) coco_bytes *ids = NULL;

    assert_ok(coco_admin_set_path_policy(f->admin, f->ctx, "a/b", "package policy\n", &f->err),
              f->err);
    assert_asked(f, "POST", "/kbs/v0/resource-policy/a/b");
    assert_string_equal(f->script.request_body, "{\"policy\":\"cGFja2FnZSBwb2xpY3kK\"}");
    assert_ok(coco_admin_set_path_policy(f->admin, f->ctx, "a", NULL, &f->err), f->err);
    assert_asked(f, "DELETE", "/kbs/v0/resource-policy/a");
    assert_ok(coco_admin_set_attestation_policy(f->admin, f->ctx, "default_cpu", "package policy\n",
                                                &f->err),
              f->err);
    assert_string_equal(f->script.target, "/kbs/v0/attestation-policy");
    assert_string_equal(f->script.request_body, "{\"type\":\"rego\",\"policy_id\":\"default_cpu\","
                                                "\"policy\":\"cGFja2FnZSBwb2xpY3kK\"}");
    f->script.body = "[ \"resource-policy\" ]";
    assert_ok(coco_admin_list_resource_policies(f->admin, f->ctx, &ids, &f->err), f->err);
    assert_string_equal((const char *)coco_bytes_data(ids), "[\"resource-policy\"]");
    assert_string_equal(f->script.method, "GET");

    static const char *const lists[] = {"{}", "[1]", "[", ""};
    for (size_t i = 0; i < COUNT(lists); i++) {
        coco_bytes *none = NULL;

        f->script.body = lists[i];
        assert_fails(coco_admin_list_resource_policies(f->admin, f->ctx, &none, &f->err), f->err,
                     COCO_ERR_PROTO, "");
    }
}

static void
a_broker_without_policies_of_paths_is_understood(void **state)
{
    static const struct {
        const char *status;
        const char *body;
        coco_status want;
    } cases[] = {
        {"404 Not Found", ERROR("PolicyNotFound", "no"), COCO_ERR_NOTFOUND},
        {"404 Not Found", ERROR("PluginNotFound", "no"), COCO_ERR_NOTSUP},
        {"405 Method Not Allowed", "", COCO_ERR_NOTSUP},
        {"401 Unauthorized", ERROR("AdminAuthAccess", "no"), COCO_ERR_DENIED},
        {"400 Bad Request", ERROR("PolicyEngineError", "bad"), COCO_ERR_PROTO},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        f->script.status = cases[i].status;
        f->script.body = cases[i].body;
        assert_fails(coco_admin_set_path_policy(f->admin, f->ctx, "a", NULL, &f->err), f->err,
                     cases[i].want, "");
        assert_fails(coco_admin_set_path_policy(f->admin, f->ctx, "a", "x", &f->err), f->err,
                     cases[i].want, "");
    }
    f->script.method[0] = '\0';
    assert_fails(coco_admin_set_path_policy(f->admin, f->ctx, "a/../b", "x", &f->err), f->err,
                 COCO_ERR_INVALID, "");
    assert_string_equal(f->script.method, "");
}

static void
malformed_paths_are_not_sent(void **state)
{
    static const char *const paths[] = {
        "",       "a",       "a/b",     "a/b/c/d", "/a/b/c",
        "../b/c", "a/b/c?x", "a/b/%2e", "kbs://x", "kbs:///a/b",
    };
    struct fixture *f = *state;
    coco_bytes *versions = NULL;
    uint64_t version = 0;

    for (size_t i = 0; i < COUNT(paths); i++) {
        assert_fails(coco_admin_put_resource(f->admin, f->ctx, paths[i], BYTES("x"), &f->err),
                     f->err, COCO_ERR_INVALID, "");
        assert_fails(coco_admin_delete_resource(f->admin, f->ctx, paths[i], &f->err), f->err,
                     COCO_ERR_INVALID, "");
        assert_fails(coco_admin_purge_resource(f->admin, f->ctx, paths[i], &f->err), f->err,
                     COCO_ERR_INVALID, "");
        assert_fails(coco_admin_restore_resource(f->admin, f->ctx, paths[i], 0, &version, &f->err),
                     f->err, COCO_ERR_INVALID, "");
        assert_fails(coco_admin_resource_versions(f->admin, f->ctx, paths[i], &versions, &f->err),
                     f->err, COCO_ERR_INVALID, "");
    }
    assert_string_equal(f->script.method, "");
}

static void
a_list_is_names_and_nothing_else(void **state)
{
    static const struct reply cases[] = {
        {"200 OK", "[]", COCO_OK, "[]"},
        {"200 OK", "[ \"a/b/c\",\n\"a/b/d\" ]", COCO_OK, "[\"a/b/c\",\"a/b/d\"]"},
        {"200 OK", "", COCO_ERR_PROTO, ""},
        {"200 OK", "{}", COCO_ERR_PROTO, "no array"},
        {"200 OK", "[1]", COCO_ERR_PROTO, "no resource"},
        {"200 OK", "[\"a/b/c\",\"../../etc/passwd\"]", COCO_ERR_PROTO, "no resource"},
        {"200 OK", "[\"a/b/c\\u001b[2J\"]", COCO_ERR_PROTO, "no resource"},
        {"404 Not Found", "", COCO_ERR_NOTSUP, "404"},
        {"405 Method Not Allowed", "", COCO_ERR_NOTSUP, "405"},
        {"401 Unauthorized", ERROR("TokenNotFound", "Attestation Token not found"), COCO_ERR_NOTSUP,
         "Token not found"},
        /* The owner's JWT is taken for a guest's there. */
        {"401 Unauthorized", ERROR("TokenVerifierError", "Token Verifier error"), COCO_ERR_NOTSUP,
         "Token Verifier error"},
        {"401 Unauthorized", ERROR("AdminAuthAccess", "no"), COCO_ERR_DENIED, "no"},
        {"403 Forbidden", "", COCO_ERR_DENIED, "403"},
    };
    struct fixture *f = *state;

    assert_replies(f, cases, COUNT(cases), coco_admin_list_resources);
    assert_asked(f, "GET", "/kbs/v0/resource");
}

static void
keys_are_rotated_or_it_is_said_why_not(void **state)
{
    static const struct reply cases[] = {
        {"200 OK", "{\"kid\":\"k\", \"from\":7}", COCO_OK, "{\"kid\":\"k\",\"from\":7}"},
        {"200 OK", "", COCO_ERR_PROTO, ""},
        {"200 OK", "[]", COCO_ERR_PROTO, ""},
        {"200 OK", "{\"kid\":1,\"from\":7}", COCO_ERR_PROTO, "kid"},
        {"200 OK", "{\"kid\":\"k\"}", COCO_ERR_PROTO, "from"},
        {"200 OK", "{\"kid\":\"k\",\"from\":-1}", COCO_ERR_PROTO, "from"},
        {"409 Conflict", ERROR("KeyError", "rotate later"), COCO_ERR_LIMIT, "rotate later"},
        {"404 Not Found", "", COCO_ERR_NOTSUP, "404"},
        {"403 Forbidden", "", COCO_ERR_DENIED, "403"},
    };
    struct fixture *f = *state;

    assert_replies(f, cases, COUNT(cases), coco_admin_rotate_keys);
    assert_asked(f, "POST", "/kbs/v0/rotate-keys");
    f->script.status = "200 OK";
    f->script.body = "{\"kid\":\"k\",\"from\":7}";
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *rotation = NULL;

        coco_status status = coco_admin_rotate_keys(f->admin, f->ctx, &rotation, &f->err);
        fault_expect(status, f->err);
    }
}

static void
reference_values_are_listed_or_there_are_none(void **state)
{
    static const struct reply cases[] = {
        {"200 OK", "[]", COCO_OK, "[]"},
        {"200 OK",
         "[{\"name\":\"a\", \"value\":[1],\"time\":7},{\"name\":\"b\",\"value\":null,\"time\":1,"
         "\"expires\":9}]",
         COCO_OK,
         "[{\"name\":\"a\",\"value\":[1],\"time\":7},{\"name\":\"b\",\"value\":null,\"time\":1,"
         "\"expires\":9}]"},
        {"200 OK", "", COCO_ERR_PROTO, "reference values"},
        {"200 OK", "{}", COCO_ERR_PROTO, "no array"},
        {"200 OK", "[1]", COCO_ERR_PROTO, "no object"},
        {"200 OK", "[{\"name\":1,\"value\":1,\"time\":7}]", COCO_ERR_PROTO, "name"},
        {"200 OK", "[{\"name\":\"a\",\"time\":7}]", COCO_ERR_PROTO, "value"},
        {"200 OK", "[{\"name\":\"a\",\"value\":1,\"time\":\"now\"}]", COCO_ERR_PROTO, "time"},
        {"200 OK", "[{\"name\":\"a\",\"value\":1,\"time\":1,\"expires\":-1}]", COCO_ERR_PROTO,
         "expires"},
        {"404 Not Found", "", COCO_ERR_NOTSUP, "404"},
        {"405 Method Not Allowed", "", COCO_ERR_NOTSUP, "405"},
        {"403 Forbidden", "", COCO_ERR_DENIED, "403"},
    };
    struct fixture *f = *state;

    assert_replies(f, cases, COUNT(cases), coco_admin_list_references);
    assert_asked(f, "GET", "/kbs/v0/reference-value");
}

static coco_status
explain(coco_admin *admin, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    return coco_admin_explain(admin, ctx, "0a-Z", ret, err);
}

static void
an_explanation_is_json_or_there_is_none(void **state)
{
    static const struct reply cases[] = {
        {"200 OK", "{ \"decision\": \"denied\" }", COCO_OK, "{\"decision\":\"denied\"}"},
        {"200 OK", "", COCO_ERR_PROTO, ""},
        {"200 OK", "[]", COCO_ERR_PROTO, "object"},
        {"200 OK", "{\"a\":1,\"a\":2}", COCO_ERR_PROTO, ""},
        {"404 Not Found", ERROR("ExplainError", "too old"), COCO_ERR_NOTFOUND, "too old"},
        /* Upstream's has nothing of the kind. */
        {"404 Not Found", "", COCO_ERR_NOTSUP, "404"},
        {"401 Unauthorized", ERROR("TokenVerifierError", "Token Verifier error"), COCO_ERR_NOTSUP,
         "Token Verifier error"},
        {"401 Unauthorized", ERROR("AdminAuthAccess", "no"), COCO_ERR_DENIED, "no"},
    };
    static const char *const none[] = {
        "",        "../resource",
        "a/b",     "a%2e",
        "a?b",     "a b",
        "\x1b[2J", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(none); i++) {
        coco_bytes *ret = NULL;

        assert_fails(coco_admin_explain(f->admin, f->ctx, none[i], &ret, &f->err), f->err,
                     COCO_ERR_INVALID, "no id");
    }
    assert_string_equal(f->script.method, "");
    assert_replies(f, cases, COUNT(cases), explain);
    assert_asked(f, "GET", "/kbs/v0/explain/0a-Z");
}

static void
explaining_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    f->script.body = "{\"decision\":\"denied\"}";
    for_each_fault()
    {
        coco_bytes *ret = NULL;

        coco_status status = coco_admin_explain(f->admin, f->ctx, "0a", &ret, &f->err);
        fault_expect(status, f->err);
        coco_bytes_free(ret);
    }
}

static void
administration_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &f->err), f->err);
    assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
    f->script.body = "[\"a/b/c\"]";
    for_each_fault()
    {
        coco_bytes *list = NULL;

        coco_status status = coco_admin_set_key(f->admin, pem.data, pem.len, &f->err);
        if (status == COCO_OK)
            status = coco_admin_put_resource(f->admin, f->ctx, "a/b/c", BYTES("x"), &f->err);
        if (status == COCO_OK)
            status = coco_admin_set_resource_policy(f->admin, f->ctx, "x", &f->err);
        if (status == COCO_OK)
            status = coco_admin_put_references(f->admin, f->ctx, "{}", &f->err);
        if (status == COCO_OK)
            status = coco_admin_list_resources(f->admin, f->ctx, &list, &f->err);
        fault_expect(status, f->err);
        coco_bytes_free(list);
    }
}

static void
versions_and_policies_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        coco_bytes *versions = NULL;
        coco_bytes *references = NULL;
        coco_bytes *policies = NULL;
        uint64_t version = 0;

        f->script.body = "{\"version\":7}";
        coco_status status =
            coco_admin_restore_resource(f->admin, f->ctx, "a/b/c", 1, &version, &f->err);
        f->script.body = "[]";
        if (status == COCO_OK)
            status = coco_admin_resource_versions(f->admin, f->ctx, "a/b/c", &versions, &f->err);
        if (status == COCO_OK)
            status = coco_admin_purge_resource(f->admin, f->ctx, "a/b/c", &f->err);
        if (status == COCO_OK)
            status = coco_admin_list_resource_policies(f->admin, f->ctx, &policies, &f->err);
        if (status == COCO_OK)
            status = coco_admin_list_references(f->admin, f->ctx, &references, &f->err);
        if (status == COCO_OK)
            status = coco_admin_set_path_policy(f->admin, f->ctx, "a", "x", &f->err);
        if (status == COCO_OK)
            status = coco_admin_set_attestation_policy(f->admin, f->ctx, "a", "x", &f->err);
        fault_expect(status, f->err);
        coco_bytes_free(versions);
        coco_bytes_free(policies);
        coco_bytes_free(references);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_upstreams),
        TEST(an_empty_secret_is_a_secret),
        TEST(requests_are_signed_for_a_few_minutes),
        TEST(a_token_is_for_its_role_and_time),
        TEST(the_recorded_owners_key_is_taken),
        TEST(other_keys_are_refused),
        TEST(refusals_keep_the_servers_words),
        TEST(versions_are_asked_for),
        TEST(a_broker_without_versions_is_understood),
        TEST(policies_are_set_listed_and_removed),
        TEST(a_broker_without_policies_of_paths_is_understood),
        TEST(malformed_paths_are_not_sent),
        TEST(a_list_is_names_and_nothing_else),
        TEST(keys_are_rotated_or_it_is_said_why_not),
        TEST(reference_values_are_listed_or_there_are_none),
        TEST(an_explanation_is_json_or_there_is_none),
        TEST(explaining_survives_any_failed_allocation),
        TEST(administration_survives_any_failed_allocation),
        TEST(versions_and_policies_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
