/*
 * tests/kbs/test_router.c - lib/kbs/router.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/router.h"

#include "kbs/policy.h"

#include "base/fd.h"
#include "crypto/jwk.h"
#include "kbs/audit.h"
#include "kbs/keyring.h"
#include "kbs/limiter.h"
#include "tests/kbs/world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

static void
paths_and_methods_are_told_apart(void **state)
{
    static const struct {
        const char *method, *path;
        int status;
    } cases[] = {
        {"GET", "/healthz", 200},
        {"GET", "/healthz/", 404},
        {"HEAD", "/healthz", 200},
        {"HEAD", "/metrics", 200},
        {"HEAD", "/kbs/v0/resource/a/b/c", 405},
        {"HEAD", "/kbs/v0/resource", 405},
        {"get", "/healthz", 405},
        {"POST", "/healthz", 405},
        {"GET", "/", 404},
        {"GET", "//", 404},
        {"GET", "/kbs/v0", 404},
        {"GET", "/kbs/v0/", 404},
        {"GET", "/kbs/v1/auth", 404},
        {"GET", "/KBS/v0/auth", 404},
        {"GET", "/kbs/v0/auth", 405},
        {"PUT", "/kbs/v0/auth", 405},
        {"POST", "/kbs/v0/auth/", 404},
        {"POST", "/kbs/v0/./auth", 404},
        {"POST", "/kbs/v0/%61uth", 404},
        {"GET", "/kbs/v0/attest", 405},
        {"GET", "/kbs/v0/resource/", 404},
        {"GET", "/kbs/v0/resources", 404},
        {"PUT", "/kbs/v0/resource/a/b/c", 405},
        {"PATCH", "/kbs/v0/resource/a/b/c", 405},
        {"DELETE", "/kbs/v0/resource", 405},
        {"DELETE", "/kbs/v0/resource-policy", 405},
        {"GET", "/kbs/v0/attestation-policy", 405},
        {"POST", "/kbs/v0/policies", 405},
        {"POST", "/kbs/v0/tenants", 405},
        {"POST", "/kbs/v0/explain", 405},
        {"GET", "/metrics", 200},
        {"POST", "/metrics", 405},
        {"GET", "/.well-known/jwks.json", 200},
        {"GET", "/.well-known/", 404},
        {"GET", "/metrics/", 404},
        {"GET", "/kbs/v0/foo/bar", 404},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = ask(w, cases[i].method, cases[i].path, NULL, NULL, "");

        if (status != cases[i].status)
            fail_msg("%s %s gives %d", cases[i].method, cases[i].path, status);
        if (status != 200)
            assert_says_no(w, status == 405 ? "MethodNotAllowed" : "PluginNotFound");
    }
}

static void
what_is_not_allowed_says_what_is(void **state)
{
    static const struct {
        const char *path, *allow;
    } cases[] = {
        {"/healthz", "Allow: GET, HEAD\r\n"},
        {"/kbs/v0/auth", "Allow: POST\r\n"},
        {"/kbs/v0/resource/a/b/c", "Allow: GET, POST, DELETE\r\n"},
        {"/kbs/v0/resource-policy", "Allow: POST, GET\r\n"},
        {"/kbs/v0/reference-value", "Allow: GET, POST\r\n"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ask(w, "OPTIONS", cases[i].path, NULL, NULL, ""), 405);
        assert_contains(coco_buf_text(&w->reply.fields), cases[i].allow);
    }
}

/* ---- what upstream's client sent, and what upstream's server said ---- */

static cJSON *
recording(const char *name)
{
    size_t len = 0;
    char path[128];
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)snprintf(path, sizeof(path), "rcar/%s/conversation.json", name);
    _cleanup_free_ char *text = read_fixture(path, &len);
    assert_ok(coco_json_parse(text, len, &value, &err), err);
    return value;
}

static const char *
text_of(const cJSON *exchange, const char *part, const char *member)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(exchange, part);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, member);

    assert_true(cJSON_IsString(value));
    return value->valuestring;
}

static int
status_of(const cJSON *exchange)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(exchange, "response");
    uint64_t status = 0;

    assert_int_equal(coco_json_get_u64(object, "status", &status, NULL), COCO_OK);
    return (int)status;
}

static const char *
header_of(const cJSON *exchange, const char *name)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(exchange, "request");
    const cJSON *header = NULL;

    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(object, "headers")) {
        if (strcmp(header->child->valuestring, name) == 0)
            return header->child->next->valuestring;
    }
    return NULL;
}

/* Fails unless a JSON reply has the members that the recorded one has, in their order. */
static void
assert_same_shape(const struct world *w, const char *recorded)
{
    _cleanup_json_ cJSON *want = NULL;
    _cleanup_json_ cJSON *got = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(recorded, strlen(recorded), &want, &err), err);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &got, &err), err);
    const cJSON *a = want->child;
    const cJSON *b = got->child;
    for (; a && b; a = a->next, b = b->next)
        assert_string_equal(a->string, b->string);
    assert_true(!a && !b);
}

static EVP_PKEY *
recorded_key(const char *name)
{
    size_t len = 0;
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;
    _cleanup_free_ char *pem = read_fixture(name, &len);

    assert_ok(coco_key_parse_private(pem, len, &key, &err), err);
    return key;
}

/* Upstream's client with this key: 401, auth, attest, GET. Its nonce is ours, so its evidence too.
 */
static void
replay_guest(struct world *w, const char *name, const char *key_file, unsigned alg)
{
    _cleanup_json_ cJSON *exchanges = recording(name);
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    _cleanup_pkey_ EVP_PKEY *key = recorded_key(key_file);
    const struct attestation how = {.key = key};
    const cJSON *step[4];
    coco_error *err = NULL;

    assert_int_equal(cJSON_GetArraySize(exchanges), 4);
    for (int i = 0; i < 4; i++)
        step[i] = cJSON_GetArrayItem(exchanges, i);
    const char *path = text_of(step[0], "request", "path");
    assert_int_equal(ask(w, "GET", path, NULL, NULL, ""), status_of(step[0]));
    assert_same_shape(w, text_of(step[0], "response", "body"));
    assert_int_equal(ask(w, "POST", text_of(step[1], "request", "path"), NULL, NULL,
                         text_of(step[1], "request", "body")),
                     200);
    assert_same_shape(w, text_of(step[1], "response", "body"));
    make_attestation(w, &how, &body);
    assert_int_equal(ask_bytes(w, "POST", text_of(step[2], "request", "path"), w->cookie, NULL,
                               body.data, body.len),
                     200);
    assert_same_shape(w, text_of(step[2], "response", "body"));
    assert_int_equal(ask(w, "GET", path, w->cookie, NULL, ""), 200);
    assert_same_shape(w, text_of(step[3], "response", "body"));
    assert_ok(coco_jwe_decrypt(w->reply.body.data, w->reply.body.len, key, alg, &secret, &err),
              err);
    assert_true(coco_secret_equal(&secret, "super secret resource 1", 23));
}

static void
upstream_guests_get_what_they_got_from_upstream(void **state)
{
    struct world *w = *state;

    add_references(w);
    add_resource(w, "default/key/1", "super secret resource 1");
    replay_guest(w, "get-p256", "rcar/get-p256/tee-p256.pem", COCO_JWE_ECDH_ES_A256KW);
    replay_guest(w, "get-p521", "rcar/get-p521/tee-p521.pem", COCO_JWE_ECDH_ES_A256KW);
    replay_guest(w, "get-rsa2048", "rcar/get-rsa2048/tee-rsa2048.pem", COCO_JWE_RSA_OAEP_256);
}

/* kbs-client's calls with its JWT. Its statuses are upstream's, but for what is not there: 404. */
static void
upstream_admin_client_is_served(void **state)
{
    struct world *w = *state;
    _cleanup_json_ cJSON *exchanges = recording("admin");
    _cleanup_pkey_ EVP_PKEY *key = recorded_key("rcar/admin/admin-ed25519.pem");
    const cJSON *exchange = NULL;

    EVP_PKEY_free(w->core->config.admin.providers[0].key);
    w->core->config.admin.providers[0].key = coco_steal(&key);
    cJSON_ArrayForEach(exchange, exchanges) {
        const char *path = text_of(exchange, "request", "path");
        const char *method = text_of(exchange, "request", "method");
        int want = status_of(exchange) == 401 ? 404 : status_of(exchange);

        if (strstr(path, "policy") && !coco_policy_supported())
            want = 400;
        int got = ask(w, method, path, NULL, header_of(exchange, "authorization"),
                      text_of(exchange, "request", "body"));
        if (got != want)
            fail_msg("%s %s gives %d: %s", method, path, got, said(w));
        if (want == 200)
            assert_string_equal(said(w), text_of(exchange, "response", "body"));
        else if (want == 404)
            assert_same_shape(w, text_of(exchange, "response", "body"));
    }
    if (!coco_policy_supported())
        return;
    /* Its attestation policy is in force now, and with its reference values sample is affirming. */
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/default/key/1", w->cookie, NULL, ""), 200);
}

/* ---- The record ---- */

struct recorded {
    struct world w;
    char dir[64];
    char path[96];
};

static void
recorded_begin(struct recorded *r)
{
    char config[256];

    make_temp_dir(r->dir, sizeof(r->dir));
    (void)snprintf(r->path, sizeof(r->path), "%s/audit", r->dir);
    (void)snprintf(config, sizeof(config), "[audit]\npath = \"%s\"\n", r->path);
    world_begin(&r->w, config);
}

static void
recorded_end(struct recorded *r)
{
    world_end(&r->w);
    remove_temp_dir(r->dir);
}

static void
what_is_given_and_changed_is_on_record(void **state)
{
    struct recorded r;
    struct coco_kbs_audit_report report;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf guest = {.limit = 64};
    coco_error *err = NULL;

    (void)state;
    recorded_begin(&r);
    assert_ok(coco_jwk_thumbprint(r.w.tee, &guest, &err), err);
    add_resource(&r.w, "a/b/c", "the secret itself");
    assert_int_equal(attest(&r.w), 200);
    assert_int_equal(ask(&r.w, "GET", "/kbs/v0/resource/a/b/c", r.w.cookie, NULL, ""), 403);
    add_references(&r.w);
    assert_int_equal(attest(&r.w), 200);
    assert_int_equal(ask(&r.w, "GET", "/kbs/v0/resource/a/b/c", r.w.cookie, NULL, ""), 200);
    assert_int_equal(ask(&r.w, "GET", "/kbs/v0/resource/a/b/c", NULL, NULL, ""), 401);
    assert_int_equal(ask_as_owner(&r.w, "POST", "/kbs/v0/resource/d/e/f", "another secret"), 200);
    assert_int_equal(ask_as_owner(&r.w, "GET", "/kbs/v0/resource", ""), 200);
    assert_int_equal(ask(&r.w, "GET", "/kbs/v0/resource", NULL, NULL, ""), 401);
    assert_int_equal(ask(&r.w, "GET", "/healthz", NULL, NULL, ""), 200);

    assert_ok(coco_kbs_audit_read(r.path, r.w.core->token_key, &report, &err), err);
    assert_ok(coco_file_read(r.path, &log, &err), err);
    const char *text = coco_buf_text(&log);
    static const char *const entries[] = {
        "\"event\":\"checkpoint\"",
        "\"event\":\"attest\"",
        "\"path\":\"/kbs/v0/resource/a/b/c\",\"status\":403,\"id\":\"",
        "\"event\":\"attest\"",
        "\"path\":\"/kbs/v0/resource/a/b/c\",\"status\":200,\"prev\"",
        ("\"event\":\"put-resource\",\"who\":\"admin\",\"path\":\"/kbs/v0/resource/d/e/f\","
         "\"prev\""),
        ("\"event\":\"put-resource\",\"who\":\"admin\",\"path\":\"/kbs/v0/resource/d/e/f\","
         "\"status\":200"),
        "\"event\":\"list-resources\",\"who\":\"admin\"",
        "\"event\":\"list-resources\",\"path\":\"/kbs/v0/resource\",\"status\":401",
    };
    assert_int_equal(report.entries, sizeof(entries) / sizeof(entries[0]));
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        const char *at = strstr(text, entries[i]);

        if (!at || at > strchr(text, '\n'))
            fail_msg("line %zu is not %s", i + 1, entries[i]);
        if (strstr(entries[i], "attest") || strstr(entries[i], "/a/b/c"))
            assert_contains(text, coco_buf_text(&guest));
        text = strchr(text, '\n') + 1;
    }
    assert_null(strstr(coco_buf_text(&log), "secret itself"));
    assert_null(strstr(coco_buf_text(&log), "another secret"));
    recorded_end(&r);
}

static void
what_cannot_be_recorded_is_not_given(void **state)
{
    struct recorded r;
    struct rlimit was;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    recorded_begin(&r);
    add_references(&r.w);
    add_resource(&r.w, "a/b/c", "the secret itself");
    assert_int_equal(attest(&r.w), 200);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit full = {.rlim_cur = 1, .rlim_max = was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    int status = ask(&r.w, "GET", "/kbs/v0/resource/a/b/c", r.w.cookie, NULL, "");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(status, 500);
    assert_says_no(&r.w, "AuditError");
    assert_null(strstr(said(&r.w), "ciphertext"));
    /* A disk that has room again is written to again. */
    assert_int_equal(ask(&r.w, "GET", "/kbs/v0/resource/a/b/c", r.w.cookie, NULL, ""), 200);
    recorded_end(&r);
}

static void
strangers_do_not_fill_the_record(void **state)
{
    struct recorded r;
    struct coco_kbs_audit_report report;
    coco_error *err = NULL;

    (void)state;
    recorded_begin(&r);
    for (unsigned i = 0; i < COCO_KBS_AUDIT_REFUSALS; i++) {
        assert_int_equal(ask(&r.w, "POST", "/kbs/v0/attest", NULL, NULL, ""), 401);
        assert_int_equal(ask(&r.w, "GET", "/kbs/v0/explain/x", NULL, "Bearer x.y.z", ""), 401);
    }
    assert_int_equal(ask_as_owner(&r.w, "GET", "/kbs/v0/resource", ""), 200);
    assert_ok(coco_kbs_audit_read(r.path, r.w.core->token_key, &report, &err), err);
    assert_int_equal(report.entries, 1 + COCO_KBS_AUDIT_REFUSALS + 1);
    recorded_end(&r);
}

/* Else who fills the disk first could change what he likes unseen. */
static void
what_cannot_be_recorded_is_not_done(void **state)
{
    static const struct {
        const char *method, *path;
    } changes[] = {
        {"POST", "/kbs/v0/resource/a/b/d"},
        {"DELETE", "/kbs/v0/resource/a/b/c"},
        {"DELETE", "/kbs/v0/resource-versions/a/b/c"},
        {"POST", "/kbs/v0/resource-restore/a/b/c"},
        {"POST", "/kbs/v0/resource-policy"},
        {"POST", "/kbs/v0/resource-policy/a"},
        {"DELETE", "/kbs/v0/resource-policy/a"},
        {"POST", "/kbs/v0/attestation-policy"},
        {"POST", "/kbs/v0/reference-value"},
        {"POST", "/kbs/v0/rotate-keys"},
    };
    struct recorded r;
    struct rlimit was;
    uint64_t before = 0;
    uint64_t after = 0;
    coco_error *err = NULL;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    recorded_begin(&r);
    add_resource(&r.w, "a/b/c", "the secret itself");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    const struct rlimit full = {.rlim_cur = 1, .rlim_max = was.rlim_max};
    assert_ok(coco_kbs_store_generation(r.w.core->store, &before, &err), err);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        print_message("# %s %s\n", changes[i].method, changes[i].path);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
        int status = ask_as_owner(&r.w, changes[i].method, changes[i].path, "");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(status, 500);
        assert_says_no(&r.w, "AuditError");
    }
    assert_ok(coco_kbs_store_generation(r.w.core->store, &after, &err), err);
    assert_int_equal(after, before);
    assert_int_equal(ask_as_owner(&r.w, "DELETE", "/kbs/v0/resource/a/b/c", ""), 200);
    recorded_end(&r);
}

/* ---- keys that are rotated ---- */

static void
rotate_keys(struct world *w)
{
    assert_int_equal(ask_as_owner(w, "POST", "/kbs/v0/rotate-keys", ""), 200);
    assert_contains(said(w), "\"kid\":\"");
    assert_contains(said(w), "\"from\":1800000060");
}

/* Whoever is in the middle of something when keys change notices nothing. */
static void
guests_do_not_notice_that_keys_are_rotated(void **state)
{
    struct world *w = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    _cleanup_json_ cJSON *reply = NULL;
    const struct attestation how = {0};
    const char *token = NULL;
    char bearer[8192];
    coco_error *err = NULL;

    add_references(w);
    add_resource(w, "a/b/c", "secret");
    assert_int_equal(attest(w), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
    assert_int_equal(ask(w, "POST", "/kbs/v0/rotate-keys", NULL, bearer, ""), 401);
    rotate_keys(w);
    world_clock += COCO_KBS_KEYS_AHEAD - 1;
    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    world_clock += COCO_KBS_KEYS_LOOK + 1;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len),
                     200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    /* The token of before, by the key of before, which others are told of, too. */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 200);
    _cleanup_json_ cJSON *jwks = NULL;
    assert_int_equal(ask(w, "GET", "/.well-known/jwks.json", NULL, NULL, ""), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &jwks, &err), err);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(jwks, "keys")), 2);
    /* And when nothing of it can be good any more, it is gone. */
    world_clock += 3600;
    _cleanup_json_ cJSON *later = NULL;
    assert_int_equal(ask(w, "GET", "/.well-known/jwks.json", NULL, NULL, ""), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &later, &err), err);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(later, "keys")), 1);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
}

/* ---- traces of W3C ---- */

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static char traced_line[1024];

static void
keep_line(void *user, coco_log_level level, const char *line)
{
    (void)user;
    (void)level;
    (void)snprintf(traced_line, sizeof(traced_line), "%s", line);
}

static void
a_trace_goes_through_reply_log_and_explanation(void **state)
{
    struct world *w = *state;
    char path[128] = "/kbs/v0/explain/";

    coco_ctx_set_log(w->ctx, COCO_LOG_DEBUG, keep_line, NULL, NULL);
    w->traceparent = "00-" TRACE "-b7ad6b7169203331-01";
    assert_int_equal(attest(w), 200);
    add_resource(w, "a/b/c", "secret");
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    assert_contains(said(w), "\"trace_id\":\"" TRACE "\"");
    assert_contains(traced_line, " trace " TRACE ": ");
    refusal_id(w, path + strlen(path), sizeof(path) - strlen(path));
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w), "\"trace_id\":\"" TRACE "\"");
}

static void
what_is_no_trace_begins_one(void **state)
{
    static const char *const values[] = {NULL, "", "x", "00-" TRACE "-0000000000000000-01",
                                         "00-" TRACE "-b7ad6b7169203331-01, 00-" TRACE};
    struct world *w = *state;
    char last[COCO_TRACE_ID_SIZE] = "";
    char trace[COCO_TRACE_ID_SIZE];

    coco_ctx_set_log(w->ctx, COCO_LOG_DEBUG, keep_line, NULL, NULL);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        w->traceparent = values[i];
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, NULL, ""), 401);
        /* Upstream's guests get what they always got. */
        assert_null(strstr(said(w), "trace_id"));
        const char *begun = strstr(traced_line, " trace ");
        assert_non_null(begun);
        memcpy(trace, begun + strlen(" trace "), sizeof(trace) - 1);
        trace[sizeof(trace) - 1] = '\0';
        assert_string_not_equal(trace, TRACE);
        assert_string_not_equal(trace, last);
        memcpy(last, trace, sizeof(last));
    }
}

/* ---- a source that asks for too much ---- */

#define BURST 20

static void
limit_rates(struct world *w)
{
    coco_error *err = NULL;

    coco_kbs_limiter_free(w->core->limiter);
    w->core->limiter = NULL;
    assert_ok(coco_kbs_limiter_new(2, BURST, &w->core->limiter, &err), err);
    w->source = (struct coco_httpd_source){{4, 0, 0, 0, 10, 0, 0, 1}};
}

/* Asks until it may not, but at most a hundred times; how often it was answered. */
static unsigned
flood(struct world *w, const char *method, const char *target, const char *cookie,
      const char *authorization, const char *body)
{
    unsigned n = 0;

    while (n < 100 && ask(w, method, target, cookie, authorization, body) != 429)
        n++;
    return n;
}

static void
what_costs_a_stranger_nothing_is_bounded(void **state)
{
    struct world *w = *state;
    char token[4096];
    static const char *const floods[][3] = {
        {"POST", "/kbs/v0/auth", AUTH_BODY},      {"POST", "/kbs/v0/auth", "{"},
        {"POST", "/kbs/v0/attest", "{}"},         {"GET", "/kbs/v0/resource/a/b/c", ""},
        {"POST", "/kbs/v0/resource-policy", "x"}, {"GET", "/kbs/v0/explain/x", ""},
    };

    (void)snprintf(token, sizeof(token), "%s", owner_token(w));
    token[strlen(token) - 4] ^= 1;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        limit_rates(w);
        assert_int_equal(
            flood(w, floods[i][0], floods[i][1], "kbs-session-id=AAAA", token, floods[i][2]),
            BURST);
        assert_says_no(w, "TooManyRequests");
        assert_contains(coco_buf_text(&w->reply.fields), "Retry-After: 1");
        /* All of it is one bucket: there is nothing left for the owner's path, too. */
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource", NULL, token, ""), 429);
        /* Those who watch are not kept out, and others do not feel it. */
        assert_int_equal(ask(w, "GET", "/healthz", NULL, NULL, ""), 200);
        assert_int_equal(ask(w, "GET", "/metrics", NULL, NULL, ""), 200);
        assert_int_equal(ask(w, "GET", "/.well-known/jwks.json", NULL, NULL, ""), 200);
        w->source.bytes[7]++;
        assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
        w->source.bytes[7]--;
        world_clock++;
        assert_int_equal(flood(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 2);
    }
}

static void
who_has_proven_something_is_not_limited(void **state)
{
    struct world *w = *state;

    limit_rates(w);
    add_references(w);
    add_resource(w, "a/b/c", "secret");
    assert_int_equal(attest(w), 200);
    assert_int_equal(flood(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 100);
    assert_int_equal(flood(w, "GET", "/kbs/v0/resource", NULL, owner_token(w), ""), 100);
    /* Nor is a guest who asks for what is not there, or may not have it. */
    assert_int_equal(flood(w, "GET", "/kbs/v0/resource/a/b/d", w->cookie, NULL, ""), 100);
}

/* Evidence that came too soon was not looked at: its nonce is as good as before. */
static void
what_is_refused_for_its_number_is_not_judged(void **state)
{
    struct world *w = *state;
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    const struct attestation how = {0};

    add_references(w);
    limit_rates(w);
    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    assert_int_equal(flood(w, "POST", "/kbs/v0/attest", w->cookie, NULL, "{"), BURST - 1);
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len),
                     429);
    assert_null(w->reply.cookie.data);
    world_clock++;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len),
                     200);
    assert_int_equal(ask(w, "GET", "/metrics", NULL, NULL, ""), 200);
    assert_contains(said(w), "kbs_requests_limited_total 2\n");
    assert_contains(said(w), "kbs_attestation_requests_total 20\n");
}

static unsigned limited_lines;

static void
count_lines(void *user, coco_log_level level, const char *line)
{
    (void)user;
    (void)level;
    limited_lines += strstr(line, ": 429 trace ") != NULL;
}

static void
a_flood_fills_neither_log_nor_memory(void **state)
{
    struct world *w = *state;

    limit_rates(w);
    limited_lines = 0;
    coco_ctx_set_log(w->ctx, COCO_LOG_DEBUG, count_lines, NULL, NULL);
    for (unsigned i = 0; i < 1000; i++)
        (void)ask(w, "POST", "/kbs/v0/attest", "kbs-session-id=AAAA", NULL, "{}");
    assert_int_equal(limited_lines, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(paths_and_methods_are_told_apart),
        IN_WORLD(what_is_not_allowed_says_what_is),
        IN_WORLD(upstream_guests_get_what_they_got_from_upstream),
        IN_WORLD(upstream_admin_client_is_served),
        cmocka_unit_test(what_is_given_and_changed_is_on_record),
        cmocka_unit_test(what_cannot_be_recorded_is_not_given),
        cmocka_unit_test(what_cannot_be_recorded_is_not_done),
        cmocka_unit_test(strangers_do_not_fill_the_record),
        IN_WORLD(a_trace_goes_through_reply_log_and_explanation),
        IN_WORLD(what_is_no_trace_begins_one),
        IN_WORLD(guests_do_not_notice_that_keys_are_rotated),
        IN_WORLD(what_costs_a_stranger_nothing_is_bounded),
        IN_WORLD(who_has_proven_something_is_not_limited),
        IN_WORLD(what_is_refused_for_its_number_is_not_judged),
        IN_WORLD(a_flood_fills_neither_log_nor_memory),
    };

    return cmocka_run_group_tests_name("kbs/router", tests, NULL, NULL);
}
