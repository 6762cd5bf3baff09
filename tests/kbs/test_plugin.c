/*
 * tests/kbs/test_plugin.c - lib/kbs/plugin.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin.h"

#include "base/fail.h"
#include "base/fd.h"
#include "kbs/audit.h"
#include "kbs/plugins.h"
#include "kbs/policies.h"
#include "rcar/response.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/kbs/engine.h"
#include "tests/kbs/world.h"

#include <stdio.h>

#define SECRET "the secret that a plug-in has"
#define PATH "/kbs/v0/greeter/"
#define ALLOW                                                                                      \
    "package policy\nimport rego.v1\ndefault allow := false\n"                                     \
    "allow if data.plugin == \"greeter\"\n"

/* What the plug-in was asked, and says. */
struct script {
    coco_kbs_access access;
    coco_status status;
    const char *type; /* of what is public, or NULL */
    bool quiet;
    unsigned asked;
    char method[16];
    char path[256];
    char query[256];
    char body[256];
    char claims[8192];
    char role[64];
};

static void
copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from ? from : "(null)");
}

static coco_kbs_access
find_access(void *user, const coco_kbs_request *request)
{
    struct script *script = user;

    /* Before anything is proven there is nothing that could be taken for it. */
    assert_null(request->body);
    assert_int_equal(request->len, 0);
    assert_null(request->claims);
    assert_null(request->role);
    copy(script->method, sizeof(script->method), request->method);
    return script->access;
}

static void
handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    struct script *script = user;

    assert_non_null(ctx);
    script->asked++;
    copy(script->method, sizeof(script->method), request->method);
    copy(script->path, sizeof(script->path), request->path);
    copy(script->query, sizeof(script->query), request->query);
    copy(script->claims, sizeof(script->claims), request->claims);
    copy(script->role, sizeof(script->role), request->role);
    assert_true(request->len < sizeof(script->body));
    memcpy(script->body, request->body, request->len);
    script->body[request->len] = '\0';
    coco_kbs_reply_note(reply, "number 4711");
    if (script->quiet)
        return;
    if (script->status != COCO_OK)
        coco_kbs_reply_fail(reply, script->status, "it does not want to");
    else if (script->type)
        coco_kbs_reply_give_public(reply, script->type, (const uint8_t *)"hello", 5);
    else
        coco_kbs_reply_give(reply, (const uint8_t *)SECRET, strlen(SECRET));
}

static const coco_kbs_plugin greeter = {
    .size = sizeof(greeter),
    .name = "greeter",
    .handle = handle,
    .access = find_access,
};

static struct script script;

static int
begin(void **state)
{
    static struct world w;
    coco_error *err = NULL;

    world_begin(&w, "");
    script = (struct script){.access = COCO_KBS_ACCESS_GUEST};
    assert_ok(coco_kbs_plugins_add(w.core->plugins, false, &greeter, &script, &err), err);
    *state = &w;
    return 0;
}

static int
end(void **state)
{
    world_end(*state);
    return 0;
}

static void
set_policy(const struct world *w, const char *rego)
{
    coco_error *err = NULL;

    assert_ok(coco_kbs_policies_set(w->core->policies, COCO_KBS_RESOURCE_POLICY, rego, &err), err);
}

static void
assert_sealed(const struct world *w, const char *want)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    assert_string_equal(w->reply.type, "application/json");
    assert_null(strstr(said(w), want));
    assert_ok(coco_rcar_response_open(COCO_RCAR_NEWEST, said(w), w->reply.body.len, w->tee, &secret,
                                      &err),
              err);
    assert_int_equal(secret.len, strlen(want));
    assert_memory_equal(secret.data, want, secret.len);
}

/* Evidence that is good enough for every resource is not good enough for a plug-in yet. */
static void
without_a_policy_that_says_so_nobody_is_let_in(void **state)
{
    struct world *w = *state;
    char id[64];
    char path[128];

    add_references(w);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", PATH "a", w->cookie, NULL, ""), 403);
    assert_says_no(w, "PolicyDeny");
    assert_int_equal(script.asked, 0);
    refusal_id(w, id, sizeof(id));
    (void)snprintf(path, sizeof(path), "/kbs/v0/explain/%s", id);
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w), "\"resource\":\"a\"");
    assert_contains(said(w), "\"plugin\":\"greeter\"");
}

static void
a_guest_is_answered_under_its_own_key(void **state)
{
    struct world *w = *state;

    if (!have_engine())
        return;
    set_policy(w, ALLOW);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "POST", PATH "a/b-c/d.e?x=1&y=%20z", w->cookie, NULL, "the body"), 200);
    assert_sealed(w, SECRET);
    assert_string_equal(script.method, "POST");
    assert_string_equal(script.path, "a/b-c/d.e");
    assert_string_equal(script.query, "{\"x\":\"1\",\"y\":\" z\"}");
    assert_string_equal(script.body, "the body");
    assert_contains(script.claims, "\"submods\":{\"cpu0\":");
    assert_string_equal(script.role, "(null)");
    script.type = "text/plain";
    assert_int_equal(ask(w, "GET", PATH "a", w->cookie, NULL, ""), 200);
    assert_string_equal(said(w), "hello");
    assert_contains(coco_buf_text(&w->reply.fields), "text/plain");
}

static void
a_policy_sees_what_a_plugin_is_asked(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
    } cases[] = {
        {"POST", "certificate?x=1", 200}, {"GET", "certificate?x=1", 403},
        {"PUT", "certificate?x=1", 403},  {"POST", "certificate?x=2", 403},
        {"POST", "certificate", 403},     {"POST", "certificate/x?x=1", 403},
        {"POST", "certificate?x=%", 400}, {"POST", "certificate?x=1&x=1", 400},
        {"POST", "Certificate?x=1", 403},
    };
    struct world *w = *state;

    if (!have_engine())
        return;
    set_policy(w, "package policy\nimport rego.v1\ndefault allow := false\nallow if {\n"
                  "data.plugin == \"greeter\"\ndata.method == \"POST\"\n"
                  "data[\"resource-path\"] == [\"certificate\"]\ndata.query == {\"x\": \"1\"}\n}");
    assert_int_equal(attest(w), 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char target[256];

        (void)snprintf(target, sizeof(target), PATH "%s", cases[i].target);
        if (ask(w, cases[i].method, target, w->cookie, NULL, "") != cases[i].status)
            fail_msg("%s %s gives %d: %s", cases[i].method, target, w->reply.status, said(w));
    }
    assert_int_equal(script.asked, 1);
}

/* The policy of the resources below a/b says nothing of a plug-in's a/b, and the other way round.
 */
static void
the_policies_of_paths_are_of_resources_alone(void **state)
{
    struct world *w = *state;
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_kbs_policies_set(w->core->policies, COCO_KBS_RESOURCE_POLICY "/a/b",
                                    "package policy\nallow := true\n", &err),
              err);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    assert_int_equal(ask(w, "GET", PATH "a/b/c", w->cookie, NULL, ""), 403);
    set_policy(w, ALLOW);
    assert_int_equal(ask(w, "GET", PATH "a/b/c", w->cookie, NULL, ""), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/x/y/z", w->cookie, NULL, ""), 403);
}

static void
strangers_are_nobody(void **state)
{
    static const char *const tokens[] = {NULL, "Bearer x", "Bearer a.b.c", "Basic eDp5", ""};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        script.access = COCO_KBS_ACCESS_GUEST;
        assert_int_equal(ask(w, "GET", PATH "a", NULL, tokens[i], "body"), 401);
        script.access = COCO_KBS_ACCESS_OWNER;
        assert_int_equal(ask(w, "POST", PATH "a", NULL, tokens[i], "body"), 401);
        assert_says_no(w, "AdminAuthAccess");
    }
    /* A session that has not attested is none. */
    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    script.access = COCO_KBS_ACCESS_GUEST;
    assert_int_equal(ask(w, "GET", PATH "a", w->cookie, NULL, ""), 401);
    /* Nor is an owner a guest, or a guest an owner. */
    assert_int_equal(ask_as_owner(w, "GET", PATH "a", ""), 401);
    script.access = COCO_KBS_ACCESS_OWNER;
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", PATH "a", w->cookie, NULL, ""), 401);
    assert_int_equal(script.asked, 0);
}

static void
an_owner_needs_a_role_that_may(void **state)
{
    struct world *w = *state;
    char token[4096];

    script.access = COCO_KBS_ACCESS_OWNER;
    sign_claims(w->owner, "{\"role\":\"reader\",\"exp\":1800000600}", token, sizeof(token));
    assert_int_equal(ask(w, "POST", PATH "a", NULL, token, "x"), 403);
    assert_int_equal(script.asked, 0);
    assert_int_equal(ask_as_owner(w, "POST", PATH "a", "x"), 200);
    assert_string_equal(script.role, "admin");
    assert_string_equal(script.claims, "(null)");
    assert_string_equal(said(w), SECRET);
    assert_contains(coco_buf_text(&w->reply.fields), "application/octet-stream");
}

static void
everybody_may_ask_for_what_is_public(void **state)
{
    struct world *w = *state;

    script.access = COCO_KBS_ACCESS_PUBLIC;
    script.type = "text/plain; charset=utf-8";
    assert_int_equal(ask(w, "GET", PATH "a", NULL, "Bearer x", ""), 200);
    assert_string_equal(said(w), "hello");
    assert_string_equal(script.claims, "(null)");
    assert_string_equal(script.role, "(null)");
    script.access = COCO_KBS_ACCESS_NONE;
    assert_int_equal(ask(w, "GET", PATH "a", NULL, NULL, ""), 404);
    assert_says_no(w, "InvalidRequestPath");
    /* What is no answer to the question is no. */
    script.access = (coco_kbs_access)99;
    assert_int_equal(ask_as_owner(w, "GET", PATH "a", ""), 404);
    assert_int_equal(script.asked, 1);
}

/* Nothing of these comes to a plug-in: T40 in doc/threats.md. */
static const char *const hostile[] = {
    "",         "/",      "a/",     "/a",
    "a//b",     ".",      "..",     "../resource/a/b/c",
    "a/../b",   "a/.",    "a/..",   "a/.b",
    ".a",       "%2e%2e", "a%2fb",  "a%00",
    "a%20b",    "a b",    "a\tb",   "a+b",
    "a*",       "a;b",    "a:b",    "a@b",
    "a=b",      "a&b",    "a~",     "a'b",
    "a\"b",     "a\\b",   "a|b",    "a<b>",
    "a{b}",     "a[b]",   "a^b",    "a`b",
    "\xc3\xa4", "a\x7f",  "a/\x01", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
};

static void
hostile_paths_are_no_questions(void **state)
{
    struct world *w = *state;
    char target[1024];
    char part[300];

    script.access = COCO_KBS_ACCESS_PUBLIC;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        (void)snprintf(target, sizeof(target), PATH "%s", hostile[i]);
        if (ask(w, "GET", target, NULL, NULL, "") != 404)
            fail_msg("%s gives %d", target, w->reply.status);
    }
    assert_int_equal(ask(w, "GET", "/kbs/v0/greeter", NULL, NULL, ""), 404);
    assert_int_equal(ask(w, "GET", "/kbs/v0/greete/a", NULL, NULL, ""), 404);
    assert_says_no(w, "PluginNotFound");
    assert_int_equal(ask(w, "GET", "/kbs/v0/greeters/a", NULL, NULL, ""), 404);
    assert_int_equal(ask(w, "GET", "/kbs/v1/greeter/a", NULL, NULL, ""), 404);
    assert_int_equal(ask(w, "GET", "/greeter/a", NULL, NULL, ""), 404);
    memset(part, 'a', sizeof(part));
    part[256] = '\0';
    (void)snprintf(target, sizeof(target), PATH "%s", part);
    assert_int_equal(ask(w, "GET", target, NULL, NULL, ""), 404);
    assert_int_equal(script.asked, 0);
    target[strlen(target) - 1] = '\0';
    assert_int_equal(ask(w, "GET", target, NULL, NULL, ""), 200);
    assert_int_equal(ask(w, "GET", PATH "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", NULL, NULL, ""),
                     200);
    assert_int_equal(ask(w, "HEAD", PATH "a", NULL, NULL, ""), 405);
    assert_contains(coco_buf_text(&w->reply.fields), "Allow: GET, POST, PUT, DELETE\r\n");
    assert_int_equal(ask(w, "PATCH", PATH "a", NULL, NULL, ""), 405);
    assert_int_equal(ask(w, "get", PATH "a", NULL, NULL, ""), 405);
    assert_int_equal(script.asked, 2);
}

static void
what_a_plugin_cannot_do_has_a_status(void **state)
{
    static const struct {
        coco_status status;
        int http;
        bool told;
    } cases[] = {
        {COCO_ERR_INVALID, 400, true},   {COCO_ERR_PROTO, 400, true},
        {COCO_ERR_VERIFY, 400, true},    {COCO_ERR_NOTSUP, 400, true},
        {COCO_ERR_DENIED, 403, true},    {COCO_ERR_NOTFOUND, 404, true},
        {COCO_ERR_LIMIT, 413, true},     {COCO_ERR_IO, 500, false},
        {COCO_ERR_NET, 500, false},      {COCO_ERR_NOMEM, 500, false},
        {COCO_ERR_CANCELED, 500, false},
    };
    struct world *w = *state;

    script.access = COCO_KBS_ACCESS_OWNER;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        script.status = cases[i].status;
        assert_int_equal(ask_as_owner(w, "POST", PATH "a", ""), cases[i].http);
        assert_says_no(w, "PluginInternalError");
        assert_true(cases[i].told == (strstr(said(w), "it does not want to") != NULL));
    }
    script.status = COCO_OK;
    script.quiet = true;
    assert_int_equal(ask_as_owner(w, "POST", PATH "a", ""), 500);
    script.quiet = false;
    script.type = "no type";
    assert_int_equal(ask_as_owner(w, "POST", PATH "a", ""), 500);
}

static coco_kbs_plugin
by_default(void)
{
    coco_kbs_plugin plugin = greeter;

    plugin.name = "default";
    plugin.access = NULL;
    return plugin;
}

static void
by_default_guests_get_and_owners_do_all_else(void **state)
{
    struct world *w = *state;
    const coco_kbs_plugin plugin = by_default();
    coco_error *err = NULL;

    assert_ok(coco_kbs_plugins_add(w->core->plugins, false, &plugin, &script, &err), err);
    assert_int_equal(ask(w, "GET", "/kbs/v0/default/a", NULL, NULL, ""), 401);
    assert_says_no(w, "TokenNotFound");
    assert_int_equal(ask(w, "POST", "/kbs/v0/default/a", NULL, NULL, ""), 401);
    assert_says_no(w, "AdminAuthAccess");
    assert_int_equal(ask_as_owner(w, "PUT", "/kbs/v0/default/a", ""), 200);
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/default/a", ""), 200);
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/default/a", ""), 401);
    assert_int_equal(script.asked, 2);
}

/* Who asked what, and what came of it; a stranger cannot fill the disk. */
static void
what_was_done_is_on_record(void **state)
{
    struct world *w = *state;
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    char dir[64];
    char log[128];
    coco_error *err = NULL;

    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(log, sizeof(log), "%s/audit", dir);
    const struct coco_kbs_audit_options options = {
        .path = log, .key = w->core->token_key, .now = world_now};
    assert_ok(coco_kbs_audit_open(&options, &w->core->audit, &err), err);
    script.access = COCO_KBS_ACCESS_OWNER;
    assert_int_equal(ask_as_owner(w, "POST", PATH "of-owner", ""), 200);
    assert_int_equal(ask(w, "POST", PATH "of-stranger", NULL, NULL, ""), 401);
    script.access = COCO_KBS_ACCESS_PUBLIC;
    assert_int_equal(ask(w, "GET", PATH "of-everybody", NULL, NULL, ""), 200);
    script.access = COCO_KBS_ACCESS_GUEST;
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", PATH "of-guest", w->cookie, NULL, ""), 403);
    coco_kbs_audit_close(w->core->audit);
    w->core->audit = NULL;
    assert_ok(coco_file_read(log, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"event\":\"plugin\",\"who\":\"admin\","
                                          "\"path\":\"/kbs/v0/greeter/of-owner\",\"status\":200,"
                                          "\"note\":\"number 4711\"");
    assert_contains(coco_buf_text(&text), "\"path\":\"/kbs/v0/greeter/of-guest\",\"status\":403");
    assert_null(strstr(coco_buf_text(&text), "of-stranger"));
    assert_null(strstr(coco_buf_text(&text), "of-everybody"));
    remove_temp_dir(dir);
}

/* Of everybody, for the policy engine ends the process when there is no memory. */
static void
asking_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;
    char path[] = PATH "a/b";
    char query[] = "x=1&y=2";
    const struct coco_httpd_request request = {.method = "GET", .path = path, .query = query};

    script.access = COCO_KBS_ACCESS_PUBLIC;
    for_each_fault()
    {
        _cleanup_reply_ struct coco_httpd_reply reply = {.body = {.limit = 4096}};
        struct coco_kbs_call call = {
            .core = w->core,
            .root = w->core,
            .request = &request,
            .asked = path,
            .plugin = "greeter",
            .rest = "a/b",
            .reply = &reply,
        };
        coco_error *err = NULL;

        coco_status status = coco_kbs_ask_plugin(&call, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
what_a_plugin_gives_is_wiped(void **state)
{
    struct world *w = *state;
    char secret[sizeof(SECRET)] = SECRET;

    script.access = COCO_KBS_ACCESS_OWNER;
    canary_begin(secret, strlen(secret));
    assert_int_equal(ask_as_owner(w, "POST", PATH "a", ""), 200);
    coco_httpd_reply_done(&w->reply);
    w->reply = (struct coco_httpd_reply){0};
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_policy_that_says_so_nobody_is_let_in, begin, end),
        cmocka_unit_test_setup_teardown(a_guest_is_answered_under_its_own_key, begin, end),
        cmocka_unit_test_setup_teardown(a_policy_sees_what_a_plugin_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(the_policies_of_paths_are_of_resources_alone, begin, end),
        cmocka_unit_test_setup_teardown(strangers_are_nobody, begin, end),
        cmocka_unit_test_setup_teardown(an_owner_needs_a_role_that_may, begin, end),
        cmocka_unit_test_setup_teardown(everybody_may_ask_for_what_is_public, begin, end),
        cmocka_unit_test_setup_teardown(hostile_paths_are_no_questions, begin, end),
        cmocka_unit_test_setup_teardown(what_a_plugin_cannot_do_has_a_status, begin, end),
        cmocka_unit_test_setup_teardown(by_default_guests_get_and_owners_do_all_else, begin, end),
        cmocka_unit_test_setup_teardown(what_was_done_is_on_record, begin, end),
        cmocka_unit_test_setup_teardown(asking_survives_any_failed_allocation, begin, end),
        cmocka_unit_test_setup_teardown(what_a_plugin_gives_is_wiped, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
