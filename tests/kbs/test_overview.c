/*
 * tests/kbs/test_overview.c - lib/kbs/overview.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/overview.h"

#include "base/fd.h"
#include "kbs/tenants.h"
#include "tests/kbs/world.h"

#include <stdio.h>

static const char *const paths[] = {
    "/kbs/v0/policies",
    "/kbs/v0/reference-value",
    "/kbs/v0/explain",
    "/kbs/v0/tenants",
};

/* What GET of path gives the owner. */
static cJSON *
list(struct world *w, const char *path)
{
    cJSON *made = NULL;
    coco_error *err = NULL;

    assert_int_equal(ask_as_owner(w, "GET", path, ""), 200);
    assert_string_equal(w->reply.type, "application/json");
    assert_ok(coco_json_parse(said(w), w->reply.body.len, &made, &err), err);
    assert_true(cJSON_IsArray(made));
    return made;
}

static void
lists_are_for_who_may_see_them(void **state)
{
    struct world *w = *state;
    char reader[4096];
    char stranger[4096];

    sign_claims(w->owner, "{\"role\":\"reader\",\"exp\":1800000600}", reader, sizeof(reader));
    sign_claims(w->tee, "{\"role\":\"admin\",\"exp\":1800000600}", stranger, sizeof(stranger));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask(w, "GET", paths[i], NULL, NULL, ""), 401);
        assert_int_equal(ask(w, "GET", paths[i], NULL, stranger, ""), 401);
        assert_int_equal(ask(w, "GET", paths[i], NULL, reader, ""), 403);
        assert_says_no(w, "AdminAuthAccess");
        assert_int_equal(ask_as_owner(w, "GET", paths[i], ""), 200);
        assert_int_equal(ask_as_owner(w, "DELETE", paths[i], ""), 405);
    }
}

static void
an_empty_kbs_has_the_policies_that_it_is_shipped_with(void **state)
{
    struct world *w = *state;

    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/policies", ""), 200);
    assert_string_equal(said(w), "[{\"id\":\"resource-policy\",\"about\":\"resources\"},"
                                 "{\"id\":\"default_cpu\",\"about\":\"evidence\"},"
                                 "{\"id\":\"default_gpu\",\"about\":\"evidence\"}]");
    for (size_t i = 1; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(ask_as_owner(w, "GET", paths[i], ""), 200);
        assert_string_equal(said(w), "[]");
    }
}

static void
policies_that_were_set_have_an_age_and_a_size(void **state)
{
    static const char rego[] = "package policy\ndefault allow = false\n";
    struct world *w = *state;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_put(w->core->store, COCO_KBS_POLICY, "resource-policy/a/b", rego,
                                 strlen(rego), &err),
              err);
    assert_ok(coco_kbs_store_put(w->core->store, COCO_KBS_POLICY, "default_cpu", rego, strlen(rego),
                                 &err),
              err);
    _cleanup_json_ cJSON *policies = list(w, "/kbs/v0/policies");
    assert_int_equal(cJSON_GetArraySize(policies), 4);
    const cJSON *cpu = cJSON_GetArrayItem(policies, 2);
    const cJSON *path = cJSON_GetArrayItem(policies, 3);
    const char *text = NULL;
    uint64_t number = 0;
    assert_ok(coco_json_get_string(cpu, "id", &text, &err), err);
    assert_string_equal(text, "default_cpu");
    assert_ok(coco_json_get_u64(cpu, "size", &number, &err), err);
    assert_int_equal(number, strlen(rego));
    assert_ok(coco_json_get_u64(cpu, "time", &number, &err), err);
    assert_true(number > 1700000000);
    assert_ok(coco_json_get_string(path, "about", &text, &err), err);
    assert_string_equal(text, "resources");
}

static void
reference_values_have_an_age(void **state)
{
    struct world *w = *state;
    const char *name = NULL;
    uint64_t time = 0;
    coco_error *err = NULL;

    add_references(w);
    _cleanup_json_ cJSON *references = list(w, "/kbs/v0/reference-value");
    assert_int_equal(cJSON_GetArraySize(references), 4);
    const cJSON *first = references->child;
    assert_ok(coco_json_get_string(first, "name", &name, &err), err);
    assert_string_equal(name, "launch_digest");
    assert_ok(coco_json_get_u64(first, "time", &time, &err), err);
    assert_true(time > 1700000000);
    assert_string_equal(
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(first, "value"), 0)->valuestring,
        "abcde");
}

static void
refusals_are_listed_without_what_was_claimed(void **state)
{
    struct world *w = *state;
    char id[64];
    const char *text = NULL;
    coco_error *err = NULL;

    add_resource(w, "a/b/c", "secret");
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/a/b/c", w->cookie, NULL, ""), 403);
    refusal_id(w, id, sizeof(id));
    assert_int_equal(ask(w, "GET", "/kbs/v0/resource/x/y/z", w->cookie, NULL, ""), 403);
    _cleanup_json_ cJSON *refusals = list(w, "/kbs/v0/explain");
    assert_int_equal(cJSON_GetArraySize(refusals), 2);
    assert_ok(coco_json_get_string(refusals->child, "resource", &text, &err), err);
    assert_string_equal(text, "x/y/z");
    const cJSON *older = refusals->child->next;
    assert_ok(coco_json_get_string(older, "id", &text, &err), err);
    assert_string_equal(text, id);
    assert_ok(coco_json_get_string(older, "rule", &text, &err), err);
    assert_string_equal(text, "data.policy.allow");
    assert_null(cJSON_GetObjectItemCaseSensitive(older, "claims"));
}

static void
tenants_are_listed_by_how_much_they_have(void **state)
{
    struct world *w = *state;
    char dir[64];
    char path[128];
    char tenants[512];
    const char *within = NULL;
    coco_error *err = NULL;

    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/a.toml", dir);
    assert_ok(coco_file_write(path, "", 0, 0600, &err), err);
    (void)snprintf(tenants, sizeof(tenants),
                   "[[tenants]]\nname = \"a\"\nconfig_file = \"%s\"\nmax_resources = 2\n"
                   "[[tenants]]\nname = \"b\"\nconfig_file = \"%s\"\nmax_bytes = 99\n",
                   path, path);
    world_end(w);
    world_begin(w, tenants);
    struct coco_kbs_core *a = coco_kbs_tenants_find(w->core, "/tenants/a/", &within);
    assert_ok(coco_kbs_store_put(a->store, COCO_KBS_RESOURCE, "its/own/secret", "x", 1, &err), err);
    assert_int_equal(ask_as_owner(w, "GET", "/kbs/v0/tenants", ""), 200);
    assert_contains(said(w), "[{\"name\":\"a\",\"resources\":1,\"bytes\":");
    assert_contains(said(w), "\"max_resources\":2},"
                             "{\"name\":\"b\",\"resources\":0,\"bytes\":0,\"max_bytes\":99}]");
    assert_null(strstr(said(w), "own"));
    remove_temp_dir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(lists_are_for_who_may_see_them),
        IN_WORLD(an_empty_kbs_has_the_policies_that_it_is_shipped_with),
        IN_WORLD(policies_that_were_set_have_an_age_and_a_size),
        IN_WORLD(reference_values_have_an_age),
        IN_WORLD(refusals_are_listed_without_what_was_claimed),
        IN_WORLD(tenants_are_listed_by_how_much_they_have),
    };

    return cmocka_run_group_tests_name("kbs/overview", tests, NULL, NULL);
}
