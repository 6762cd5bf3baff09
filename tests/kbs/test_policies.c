/*
 * tests/kbs/test_policies.c - lib/kbs/policies.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/policies.h"

#include "tests/kbs/engine.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct coco_kbs_store *store;
    struct coco_kbs_policies *policies;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &f.store, &err), err);
    assert_ok(coco_kbs_policies_new(f.store, &f.policies, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_kbs_policies_free(f->policies);
    coco_kbs_store_close(f->store);
    return 0;
}

static bool
allows(struct fixture *f, const char *claims)
{
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_json_ cJSON *data = NULL;
    bool allowed = false;
    coco_error *err = NULL;

    assert_ok(coco_json_parse(claims, strlen(claims), &value, &err), err);
    assert_ok(coco_json_new_object(&data, &err), err);
    assert_ok(coco_json_add_string(data, "plugin", "resource", &err), err);
    assert_ok(
        coco_kbs_policies_allow(f->policies, COCO_KBS_RESOURCE_POLICY, value, data, &allowed, &err),
        err);
    return allowed;
}

/* With the engine and without it. */
static void
the_default_wants_every_part_affirming(void **state)
{
    struct fixture *f = *state;

    assert_true(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}"));
    assert_true(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},"
                          "\"gpu0\":{\"ear.status\":\"affirming\"}}}"));
    assert_false(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},"
                           "\"gpu0\":{\"ear.status\":\"warning\"}}}"));
    assert_false(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"gpu0\":{}}}"));
    assert_false(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"Affirming\"}}}"));
    assert_false(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":[\"affirming\"]}}}"));
    assert_false(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"none\"}}}"));
    assert_false(allows(f, "{\"submods\":{}}"));
    assert_false(allows(f, "{\"submods\":[]}"));
    assert_false(allows(f, "{\"submods\":\"affirming\"}"));
    assert_false(allows(f, "{}"));
}

static void
the_last_policy_that_was_set_counts(void **state)
{
    struct fixture *f = *state;
    static const char deny[] = "package policy\nallow := false";
    coco_error *err = NULL;

    if (!have_engine())
        return;
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY,
                                        i % 2 ? "package policy\nallow := true" : deny, &err),
                  err);
        assert_int_equal(allows(f, "{}"), i % 2);
    }
    /* Another process that shares the store sets one. */
    assert_ok(coco_kbs_store_put(f->store, COCO_KBS_POLICY, COCO_KBS_RESOURCE_POLICY, deny,
                                 strlen(deny), &err),
              err);
    assert_false(allows(f, "{}"));
}

static void
a_broken_policy_in_the_store_denies(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *claims = cJSON_CreateObject();
    bool allowed = false;
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(
        coco_kbs_store_put(f->store, COCO_KBS_POLICY, COCO_KBS_RESOURCE_POLICY, "allow", 5, &err),
        err);
    assert_fails(coco_kbs_policies_allow(f->policies, COCO_KBS_RESOURCE_POLICY, claims, claims,
                                         &allowed, &err),
                 err, COCO_ERR_PROTO, "policy");
    assert_false(allowed);
}

static void
a_bad_policy_changes_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id, *rego;
        coco_status status;
    } cases[] = {
        {COCO_KBS_RESOURCE_POLICY, "package other\nallow := true", COCO_ERR_PROTO},
        {COCO_KBS_RESOURCE_POLICY, "package policy\nallow := ", COCO_ERR_PROTO},
        {COCO_KBS_RESOURCE_POLICY, "package policy\nallow := [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
         COCO_ERR_LIMIT},
        {COCO_KBS_RESOURCE_POLICY,
         "package policy\nr := numbers.range(1, 3000)\n"
         "allow if { some a in r; some b in r; some c in r; a + b + c == 1 }",
         COCO_ERR_DENIED},
        {"", "package policy", COCO_ERR_INVALID},
        {"a b", "package policy", COCO_ERR_INVALID},
        {"a/b", "package policy", COCO_ERR_INVALID},
    };
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY,
                                    "package policy\nallow := true", &err),
              err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (coco_kbs_policies_set(f->policies, cases[i].id, cases[i].rego, NULL) != cases[i].status)
            fail_msg("case %zu", i);
    assert_true(allows(f, "{}"));
}

static void
more_policies_than_are_cached_are_kept(void **state)
{
    struct fixture *f = *state;
    char id[16];
    coco_error *err = NULL;

    if (!have_engine())
        return;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 20; i++) {
            _cleanup_policy_ struct coco_policy *policy = NULL;
            char rego[64];

            (void)snprintf(id, sizeof(id), "p%u", i);
            (void)snprintf(rego, sizeof(rego), "package policy\nx := %u", i);
            if (!round)
                assert_ok(coco_kbs_policies_set(f->policies, id, rego, &err), err);
            assert_ok(coco_kbs_policies_get(f->policies, id, &policy, &err), err);
            assert_string_equal(coco_policy_text(policy), rego);
        }
    struct coco_policy *none = NULL;
    assert_fails(coco_kbs_policies_get(f->policies, "none", &none, &err), err, COCO_ERR_NOTFOUND,
                 "none");
}

#define ALLOW "package policy\nallow := true"
#define DENY "package policy\nallow := false"

static void
the_most_specific_policy_decides(void **state)
{
    static const struct {
        const char *path, *id;
    } cases[] = {
        {"a/b/c", "resource-policy/a/b/c"}, {"a/b/cc", "resource-policy/a/b"},
        {"a/bb/c", "resource-policy/a"},    {"a/b/d", "resource-policy/a/b"},
        {"aa/b/c", "resource-policy"},      {"b/a/b", "resource-policy"},
    };
    struct fixture *f = *state;
    char id[COCO_KBS_POLICY_ID_SIZE];
    coco_error *err = NULL;

    if (!have_engine())
        return;
    static const char *const ids[] = {"resource-policy/a/b/c", "resource-policy/a",
                                      "resource-policy/a/b", "resource-policy"};
    for (size_t i = 0; i < 4; i++)
        assert_ok(coco_kbs_policies_set(f->policies, ids[i], DENY, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_kbs_policies_choose(f->policies, cases[i].path, id, &err), err);
        assert_string_equal(id, cases[i].id);
    }
    assert_ok(coco_kbs_policies_remove(f->policies, "resource-policy/a/b/c", &err), err);
    assert_ok(coco_kbs_policies_choose(f->policies, "a/b/c", id, &err), err);
    assert_string_equal(id, "resource-policy/a/b");
    assert_fails(coco_kbs_policies_remove(f->policies, "resource-policy/a/b/c", &err), err,
                 COCO_ERR_NOTFOUND, "");
}

static void
policies_are_listed(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *ids = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 256};
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_kbs_policies_set(f->policies, "resource-policy/a", ALLOW, &err), err);
    assert_ok(coco_kbs_policies_set(f->policies, "default_cpu", "package policy\nx := 1", &err),
              err);
    assert_ok(coco_kbs_policies_list(f->policies, &ids, &err), err);
    assert_ok(coco_json_write(ids, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), "[\"resource-policy\",\"resource-policy/a\"]");
}

static void
a_policy_of_no_path_is_refused(void **state)
{
    static const char *const ids[] = {
        "resource-policy/",     "resource-policy/a/",      "resource-policy/a//c",
        "resource-policy/../a", "resource-policy/a/b/c/d", "resource-policy/a b",
    };
    struct fixture *f = *state;
    coco_error *err = NULL;

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_fails(coco_kbs_policies_set(f->policies, ids[i], ALLOW, &err), err, COCO_ERR_INVALID,
                     "is not <repository>");
}

static void
policies_are_taken_only_with_an_engine(void **state)
{
    struct fixture *f = *state;
    static const char rego[] = "package policy\nallow := true";
    coco_error *err = NULL;

    if (coco_policy_supported())
        assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, rego, &err), err);
    else
        assert_fails(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, rego, &err), err,
                     COCO_ERR_NOTSUP, "no policy engine");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_default_wants_every_part_affirming), T(the_last_policy_that_was_set_counts),
        T(a_broken_policy_in_the_store_denies),    T(a_bad_policy_changes_nothing),
        T(more_policies_than_are_cached_are_kept), T(policies_are_taken_only_with_an_engine),
        T(the_most_specific_policy_decides),       T(policies_are_listed),
        T(a_policy_of_no_path_is_refused),
    };

    return cmocka_run_group_tests_name("kbs/policies", tests, NULL, NULL);
}
