/*
 * tests/kbs/test_resource.c - lib/kbs/resource.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/resource.h"

#include "kbs/explain.h"
#include "kbs/policies.h"

#include "tests/kbs/engine.h"
#include "tests/kbs/world.h"

/* Names that lead somewhere else, as text or after decoding: T40 in doc/threats.md. */
static const char *const bad_paths[] = {
    "a",
    "a/",
    "a/b",
    "a/b/",
    "/a/b/c",
    "a//c",
    "a/b/c/",
    "a/b/c/d",
    "./b/c",
    "../b/c",
    "a/../c",
    "a/b/..",
    "a/b/.",
    "a/.b/c",
    "a/b/.c",
    ".a/b/c",
    "a/b/%2e%2e",
    "a/b/%2E",
    "a%2fb/c/d",
    "a/b/c%00",
    "a/b/c%20",
    "a/b/c+d",
    "a/b/c*",
    "a/b/c:1",
    "a/b/c;d",
    "a/b/c,d",
    "a/b/c@d",
    "a/b/c=d",
    "a/b/c&d",
    "a/b/c$d",
    "a/b/c!d",
    "a/b/c~",
    "a/b/~c",
    "a/b/'c'",
    "a/b/\"c\"",
    "a/b/(c)",
    "a/b/[c]",
    "a/b/{c}",
    "a/b/<c>",
    "a/b/c|d",
    "a/b/c\\d",
    "a\\b\\c",
    "a/b/c^d",
    "a/b/`c`",
    "%61/b/c",
    "a/b/c%",
    "a/b/c%6",
    "a/b/c%zz",
    "kbs:///a/b/c",
    "http://x/a/b/c",
    "a/b/\xc3\xa4",
    "a/b/c\x7f",
    "a/b/ c",
    "a /b/c",
    "..../b/c",
    "a/..b/c",
    "-/../c",
    "a/b/c..%2f",
    "~root/b/c",
    "a/b/c\t",
};

static void
paths_that_are_none_are_not_found(void **state)
{
    struct world *w = *state;
    char path[512];

    add_references(w);
    assert_int_equal(attest(w), 200);
    assert_true(sizeof(bad_paths) / sizeof(bad_paths[0]) >= 60);
    for (size_t i = 0; i < sizeof(bad_paths) / sizeof(bad_paths[0]); i++) {
        (void)snprintf(path, sizeof(path), "/kbs/v0/resource/%s", bad_paths[i]);
        if (ask(w, "GET", path, w->cookie, NULL, "") != 404)
            fail_msg("GET %s gives %d", path, w->reply.status);
        assert_says_no(w, "InvalidRequestPath");
        assert_int_equal(ask_as_owner(w, "POST", path, "x"), 404);
        assert_int_equal(ask_as_owner(w, "DELETE", path, ""), 404);
    }
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(w), "[]");
}

static void
what_is_not_there_is_not_found(void **state)
{
    struct world *w = *state;

    add_references(w);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 404);
    assert_says_no(w, "ResourceNotFound");
}

static void
without_reference_values_nothing_is_given(void **state)
{
    struct world *w = *state;
    char id[64];
    char path[128];

    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    /* Denied is denied, whether there is such a resource or not. */
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/none", w->cookie, NULL, ""), 403);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    assert_says_no(w, "PolicyDeny");
    assert_null(strstr(said(w), "launch"));
    refusal_id(w, id, sizeof(id));
    (void)snprintf(path, sizeof(path), "/kbs/v0/explain/%s", id);
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w), "\"rule\":\"data.policy.allow\"");
    assert_contains(said(w), "\"resource\":\"a/b/c\"");
    assert_contains(said(w), "\"ear.status\":\"contraindicated\"");
}

static void
a_denial_shows_the_owner_the_nearest_reference_value(void **state)
{
    struct world *w = *state;
    static const char value[] = "[\"zzz\",\"abcdx\",\"abq\"]";
    char id[64];
    char path[128];
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_put(w->core->store, COCO_KBS_REFERENCE, "launch_digest", value,
                                 strlen(value), &err),
              err);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    refusal_id(w, id, sizeof(id));
    (void)snprintf(path, sizeof(path), "/kbs/v0/explain/%s", id);
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w),
                    "{\"name\":\"launch_digest\",\"ok\":false,\"expected\":[\"zzz\",\"abcdx\","
                    "\"abq\"],\"got\":\"abcde\",\"nearest\":\"abcdx\"}");
}

static void
a_reference_value_that_has_ended_does_not_count(void **state)
{
    /* {"launch_digest":["abcde"]}, until WORLD_NOW + 60 */
    static const char message[] = "{\"version\":\"0.1.0\",\"type\":\"sample\","
                                  "\"payload\":\"eyJsYXVuY2hfZGlnZXN0IjpbImFiY2RlIl19\","
                                  "\"expirations\":{\"launch_digest\":\"2027-01-15T08:01:00Z\"}}";
    struct world *w = *state;
    char id[64];
    char path[128];

    add_references(w);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(ask_as_owner(w, "POST", "/kbs/v0/reference-value", message), 200);
    world_clock = WORLD_NOW + 60;
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    world_clock = WORLD_NOW + 61;
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    refusal_id(w, id, sizeof(id));
    (void)snprintf(path, sizeof(path), "/kbs/v0/explain/%s", id);
    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_contains(said(w), "\"ended_reference_values\":[\"launch_digest\"]");
    world_clock = WORLD_NOW;
}

static void
policies_see_path_and_query(void **state)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {
        {"a/b/c?x=1&y=%20z", 200}, {"a/b/c?y=+z&x=1", 200},   {"a/b/c?x=1", 403},
        {"a/b/d?x=1&y=%20z", 403}, {"a/b/c?x=2&y=%20z", 403}, {"a/b/c?x=1&x=2&y=%20z", 400},
        {"a/b/c?x=%", 400},        {"a/b/c?x=%00", 400},      {"a/b/c?x=%ff", 400},
    };
    struct world *w = *state;
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_kbs_policies_set(
                  w->core->policies, COCO_KBS_RESOURCE_POLICY,
                  "package policy\nimport rego.v1\nallow if {\ndata.plugin == \"resource\"\n"
                  "data[\"resource-path\"] == [\"a\", \"b\", \"c\"]\n"
                  "data.query == {\"x\": \"1\", \"y\": \" z\"}\n}",
                  &err),
              err);
    add_resource(w, "a/b/c", "x");
    add_resource(w, "a/b/d", "x");
    assert_int_equal(attest(w), 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char target[256];

        (void)snprintf(target, sizeof(target), "/kbs/v0/resource/%s", cases[i].target);
        if (ask(w, "GET", target, w->cookie, NULL, "") != cases[i].status)
            fail_msg("%s gives %d: %s", target, w->reply.status, said(w));
        if (cases[i].status == 400)
            assert_says_no(w, "InvalidRequestPath");
    }
}

/* Upstream's sample policies, which decide the same here. */
static void
policies_decide(void **state)
{
    static const struct {
        const char *what, *rego;
        int bare, affirming; /* status without and with reference values */
    } cases[] = {
        {"allow all",
         "package policy\ndefault allow = false\nplugin = data.plugin\n"
         "allow if {\n\tplugin == \"resource\"\n}\n",
         200, 200},
        {"deny all", "package policy\ndefault allow = false\n", 403, 403},
        {"no rule", "package policy\n", 403, 403},
        {"not a boolean", "package policy\nallow := \"true\"\n", 403, 403},
        {"a number", "package policy\nallow := 1\n", 403, 403},
        {"all but sample",
         "package policy\ndefault allow = false\nplugin = data.plugin\nallow if {\n"
         "plugin == \"resource\"\n"
         "not input[\"submods\"][\"cpu0\"][\"ear.veraison.annotated-evidence\"][\"sample\"]\n}\n",
         403, 403},
        {"affirming",
         "package policy\nimport rego.v1\ndefault allow = false\nallow if {\n"
         "not any_not_affirming\ncount(input.submods) > 0\n}\nany_not_affirming if {\n"
         "some _, submod in input.submods\nsubmod[\"ear.status\"] != \"affirming\"\n}\n",
         403, 200},
        {"endless",
         "package policy\nimport rego.v1\nr := numbers.range(1, 3000)\n"
         "allow if { input.submods; some a in r; some b in r; some c in r; a + b + c == 1 }\n",
         403, 403},
    };
    struct world *w = *state;

    if (!have_engine())
        return;
    add_resource(w, "a/b/c", "x");
    for (unsigned round = 0; round < 2; round++) {
        if (round)
            add_references(w);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            coco_error *err = NULL;

            assert_ok(coco_kbs_policies_set(w->core->policies, COCO_KBS_RESOURCE_POLICY,
                                            cases[i].rego, &err),
                      err);
            assert_int_equal(attest(w), 200);
            if (ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, "")
                != (round ? cases[i].affirming : cases[i].bare))
                fail_msg("%s, round %u gives %d", cases[i].what, round, w->reply.status);
        }
    }
}

static void
set_policy(struct world *w, const char *target, const char *rego, int want)
{
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_buf_ struct coco_buf body = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_json_new_object(&object, &err), err);
    assert_ok(coco_json_add_base64url(object, "policy", rego, strlen(rego), &err), err);
    assert_ok(coco_json_write(object, COCO_JSON_COMPACT, &body, &err), err);
    assert_int_equal(ask_as_owner(w, "POST", target, coco_buf_text(&body)), want);
}

static void
a_path_may_have_a_policy_of_its_own(void **state)
{
    struct world *w = *state;
    char id[64];
    char longest[1100] = "/kbs/v0/resource-policy/";
    coco_error *err = NULL;

    if (!have_engine())
        return;
    add_references(w);
    add_resource(w, "a/key/1", "one");
    add_resource(w, "a/key/2", "two");
    set_policy(w, "/kbs/v0/resource-policy/a/key/2", "package policy\nallow := false", 200);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/key/1", w->cookie, NULL, ""), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/key/2", w->cookie, NULL, ""), 403);
    refusal_id(w, id, sizeof(id));
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    assert_ok(coco_kbs_traces_get(w->core->traces, id, &text, &err), err);
    assert_non_null(strstr(coco_buf_text(&text), "\"policy\":\"resource-policy/a/key/2\""));

    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/resource-policy", ""), 200);
    assert_string_equal(said(w), "[\"resource-policy\",\"resource-policy/a/key/2\"]");
    assert_int_equal(ask(w, "DELETE", "/kbs/v0/resource-policy/a/key/2", w->cookie, NULL, ""), 401);
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/resource-policy/a/key/2", ""), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/key/2", w->cookie, NULL, ""), 200);
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/resource-policy/a/key/2", ""), 404);
    assert_says_no(w, "PolicyNotFound");

    set_policy(w, "/kbs/v0/resource-policy/a/b/c/d", "package policy\nallow := true", 404);
    assert_says_no(w, "InvalidRequestPath");
    /* Cut off behind its third part it would be a path. */
    for (unsigned i = 0; i < 4; i++) {
        size_t len = strlen(longest);

        memset(longest + len, 'a', 255);
        (void)snprintf(longest + len + 255, sizeof(longest) - len - 255, "%s", i < 3 ? "/" : "");
    }
    set_policy(w, longest, "package policy\nallow := true", 404);
    assert_int_equal(ask_as_owner(w, "DELETE", longest, ""), 404);
    assert_says_no(w, "InvalidRequestPath");
}

static int
ask_unless(struct world *w, const char *etag)
{
    char path[] = "/kbs/v0/resource/default/key/1";
    const struct coco_httpd_request request = {
        .method = "GET", .path = path, .cookie = w->cookie, .if_none_match = etag};

    coco_httpd_reply_done(&w->reply);
    w->reply = (struct coco_httpd_reply){0};
    coco_kbs_handle(w->core, &request, &w->reply);
    return w->reply.status;
}

#define TAG_SIZE 64

/* What follows the ETag, which goes to tag. */
static const char *
read_tag(const struct world *w, char tag[TAG_SIZE])
{
    const char *fields = coco_buf_text(&w->reply.fields);

    assert_int_equal(strncmp(fields, "ETag: \"", 7), 0);
    size_t len = strcspn(fields + 6, "\r");
    assert_true(len > 2 && len < TAG_SIZE);
    memcpy(tag, fields + 6, len);
    tag[len] = '\0';
    assert_int_equal(tag[len - 1], '"');
    return fields + 6 + len + 2;
}

static void
who_has_the_newest_version_is_told_so(void **state)
{
    struct world *w = *state;
    char one[TAG_SIZE];
    char two[TAG_SIZE];

    add_references(w);
    add_resource(w, "default/key/1", "one");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask_unless(w, NULL), 200);
    assert_string_equal(read_tag(w, one), "");
    assert_int_equal(strncmp(one, "\"1-", 3), 0);
    assert_int_equal(ask_unless(w, one), 304);
    assert_int_equal(w->reply.body.len, 0);
    (void)read_tag(w, two);
    assert_string_equal(two, one);

    add_resource(w, "default/key/1", "two");
    assert_int_equal(ask_unless(w, one), 200);
    (void)read_tag(w, two);
    assert_int_equal(strncmp(two, "\"2-", 3), 0);
    /* Nothing is said of it to who may not have it. */
    w->cookie[0] = '\0';
    assert_int_equal(ask_unless(w, two), 401);
    assert_null(strstr(coco_buf_text(&w->reply.fields), "ETag"));
}

/* Its version is the first again: who has that of before has not this one. */
static void
what_was_purged_and_put_anew_is_not_what_a_guest_has(void **state)
{
    struct world *w = *state;
    char one[TAG_SIZE];
    char two[TAG_SIZE];

    add_references(w);
    add_resource(w, "default/key/1", "leaked");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask_unless(w, NULL), 200);
    (void)read_tag(w, one);
    assert_int_equal(ask_as_owner(w, "DELETE", "/kbs/v0/resource-versions/default/key/1", ""), 200);
    add_resource(w, "default/key/1", "rotated");
    assert_int_equal(ask_unless(w, one), 200);
    (void)read_tag(w, two);
    assert_int_equal(strncmp(two, "\"1-", 3), 0);
    assert_int_equal(ask_unless(w, two), 304);

    /* That two have the same in them is not said either. */
    add_resource(w, "default/key/2", "rotated");
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/default/key/2", w->cookie, NULL, ""), 200);
    (void)read_tag(w, one);
    assert_string_not_equal(one, two);
}

/* As it came from /attest: what shows it is a guest without a cookie. */
static void
keep_token(const struct world *w, char *bearer, size_t size)
{
    _cleanup_json_ cJSON *body = NULL;
    const char *token = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(said(w), strlen(said(w)), &body, &err), err);
    assert_ok(coco_json_get_string(body, "token", &token, &err), err);
    assert_true((size_t)snprintf(bearer, size, "Bearer %s", token) < size);
}

/* The first time that a guest asks is no other than the second and third. */
static void
who_is_known_is_let_in_no_longer_than_others(void **state)
{
    struct world *w = *state;
    char bearer[16384];

    add_references(w);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    keep_token(w, bearer, sizeof(bearer));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 200);
    }
    world_clock += 5 * 60 - 1;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    world_clock += 1;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 401);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 200);
    world_clock += COCO_JWT_LEEWAY_S;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 401);
    /* Nor before it was issued, should the clock be set back. */
    world_clock = WORLD_NOW - COCO_JWT_LEEWAY_S - 1;
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", NULL, bearer, ""), 401);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 401);
}

static void
what_nearly_is_the_cookie_of_a_known_guest_is_none(void **state)
{
    struct world *w = *state;

    add_references(w);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    for (size_t i = strlen("kbs-session-id="); i < strlen(w->cookie); i += 7) {
        char c = w->cookie[i];

        w->cookie[i] = c == 'x' ? 'y' : 'x';
        assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 401);
        w->cookie[i] = c;
    }
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
}

static void
whose_key_is_gone_is_known_no_more(void **state)
{
    struct world *w = *state;
    _cleanup_secret_ struct coco_secret key = {0};
    const struct coco_secret *const keys[] = {&key};
    coco_error *err = NULL;

    add_references(w);
    add_resource(w, "a/b/c", "x");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 200);
    assert_ok(coco_secret_random(COCO_KBS_SEAL_KEY_SIZE, &key, &err), err);
    assert_ok(coco_kbs_sessions_set_keys(w->core->sessions, keys, 1, &err), err);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 401);
}

/* By the policy's word or the configuration's, never for longer than the latter lets; also of a
 * 304. */
static void
what_is_given_for_some_time_says_so(void **state)
{
    static const struct {
        const char *config, *rule, *want;
    } cases[] = {
        {"", "", ""},
        {"[lease]\nseconds = 600\n", "", "Cache-Control: private, max-age=600\r\n"},
        {"[lease]\nseconds = 600\nmax_seconds = 60\n", "",
         "Cache-Control: private, max-age=60\r\n"},
        {"", "lease := 7", "Cache-Control: private, max-age=7\r\n"},
        {"", "lease := 100000", "Cache-Control: private, max-age=86400\r\n"},
        {"[lease]\nseconds = 600\nmax_seconds = 1000\n", "lease := 900",
         "Cache-Control: private, max-age=900\r\n"},
        {"[lease]\nmax_seconds = 1000\n", "lease := 18446744073709551615",
         "Cache-Control: private, max-age=1000\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        char tag[TAG_SIZE];
        char rego[128];

        if (cases[i].rule[0] && !have_engine())
            continue;
        print_message("# case %zu\n", i);
        world_begin(&w, cases[i].config);
        add_references(&w);
        add_resource(&w, "default/key/1", "one");
        (void)snprintf(rego, sizeof(rego), "package policy\nallow := true\n%s\n", cases[i].rule);
        if (cases[i].rule[0])
            set_policy(&w, "/kbs/v0/resource-policy/default", rego, 200);
        assert_int_equal(attest(&w), 200);
        assert_int_equal(ask_unless(&w, NULL), 200);
        assert_string_equal(read_tag(&w, tag), cases[i].want);
        assert_int_equal(ask_unless(&w, tag), 304);
        assert_string_equal(read_tag(&w, tag), cases[i].want);
        world_end(&w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(paths_that_are_none_are_not_found),
        IN_WORLD(what_is_not_there_is_not_found),
        IN_WORLD(without_reference_values_nothing_is_given),
        IN_WORLD(a_reference_value_that_has_ended_does_not_count),
        IN_WORLD(a_denial_shows_the_owner_the_nearest_reference_value),
        IN_WORLD(policies_see_path_and_query),
        IN_WORLD(policies_decide),
        IN_WORLD(a_path_may_have_a_policy_of_its_own),
        IN_WORLD(who_has_the_newest_version_is_told_so),
        IN_WORLD(what_was_purged_and_put_anew_is_not_what_a_guest_has),
        cmocka_unit_test(what_is_given_for_some_time_says_so),
        IN_WORLD(who_is_known_is_let_in_no_longer_than_others),
        IN_WORLD(what_nearly_is_the_cookie_of_a_known_guest_is_none),
        IN_WORLD(whose_key_is_gone_is_known_no_more),
    };

    return cmocka_run_group_tests_name("kbs/resource", tests, NULL, NULL);
}
