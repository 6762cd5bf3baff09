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

#define ALLOW "package policy\nallow := true"
#define DENY "package policy\nallow := false"

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
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_ok(coco_kbs_policies_new(f.store, engine, &f.policies, &err), err);
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
    struct coco_kbs_decision ruling = {0};
    coco_error *err = NULL;

    assert_ok(coco_json_parse(claims, strlen(claims), &value, &err), err);
    assert_ok(coco_json_new_object(&data, &err), err);
    assert_ok(coco_json_add_string(data, "plugin", "resource", &err), err);
    struct coco_kbs_chosen chosen = {0};
    assert_ok(coco_kbs_policies_choose(f->policies, "a/b/c", &chosen, &err), err);
    assert_ok(coco_kbs_policies_allow(f->policies, &chosen, value, data, &ruling, &err), err);
    return ruling.allowed;
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

/* Another process, with a connection of its own, sets, replaces and removes them. */
static void
what_another_process_sets_counts_at_once(void **state)
{
    struct coco_kbs_store *mine = NULL;
    struct coco_kbs_store *theirs = NULL;
    _cleanup_(coco_kbs_policies_freep) struct coco_kbs_policies *here = NULL;
    _cleanup_(coco_kbs_policies_freep) struct coco_kbs_policies *there = NULL;
    char dir[64];
    char path[128];
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/kbs.db", dir);
    const struct coco_kbs_store_options options = {.path = path};
    assert_ok(coco_kbs_store_open(&options, &mine, &err), err);
    assert_ok(coco_kbs_store_open(&options, &theirs, &err), err);
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    assert_ok(coco_kbs_policies_new(mine, engine, &here, &err), err);
    assert_ok(coco_kbs_policies_new(theirs, engine, &there, &err), err);
    struct fixture g = {.policies = here};

    assert_false(allows(&g, "{}"));
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(coco_kbs_policies_set(there, COCO_KBS_RESOURCE_POLICY, ALLOW, &err), err);
        assert_true(allows(&g, "{}"));
        assert_ok(coco_kbs_policies_set(there, "resource-policy/a/b", DENY, &err), err);
        assert_false(allows(&g, "{}"));
        assert_ok(coco_kbs_policies_remove(there, "resource-policy/a/b", &err), err);
        assert_true(allows(&g, "{}"));
        assert_ok(coco_kbs_policies_set(there, COCO_KBS_RESOURCE_POLICY, DENY, &err), err);
        assert_false(allows(&g, "{}"));
        assert_ok(coco_kbs_policies_remove(there, COCO_KBS_RESOURCE_POLICY, &err), err);
        assert_true(allows(&g, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}"));
    }
    coco_kbs_policies_free(coco_steal(&here));
    coco_kbs_policies_free(coco_steal(&there));
    coco_kbs_store_close(mine);
    coco_kbs_store_close(theirs);
    remove_temp_dir(dir);
}

/* The C that stands for it is asked by whoever has set no other; the engine says the same. */
static void
the_engine_reads_the_default_policy_alike(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"submods\":{}}",
        "{\"submods\":null}",
        "{\"submods\":\"affirming\"}",
        "{\"submods\":7}",
        "{\"submods\":[]}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\",\"x\":1}},\"exp\":1}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"AFFIRMING\"}}}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming \"}}}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":true}}}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":null}}}",
        "{\"submods\":{\"cpu0\":{\"status\":\"affirming\"}}}",
        "{\"submods\":{\"cpu0\":\"affirming\"}}",
        "{\"submods\":{\"cpu0\":[\"affirming\"]}}",
        "{\"submods\":[{\"ear.status\":\"affirming\"}]}",
        "{\"submods\":[{\"ear.status\":\"affirming\"},{\"ear.status\":\"none\"}]}",
        "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"},\"cpu1\":{}}}",
        "{\"submods\":{\"a\":{\"ear.status\":\"none\"},\"b\":{\"ear.status\":\"affirming\"}}}",
        "{\"submods\":{\"a\":{\"ear.status\":\"affirming\"},\"b\":{\"ear.status\":\"affirming\"}}}",
        "{\"submods\":{\"\":{\"ear.status\":\"affirming\"}}}",
    };
    struct fixture *f = *state;
    _cleanup_policy_ struct coco_policy *policy = NULL;
    _cleanup_json_ cJSON *data = cJSON_CreateObject();
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_kbs_policies_get(f->policies, COCO_KBS_RESOURCE_POLICY, &policy, &err), err);
    assert_ok(coco_json_add_string(data, "plugin", "resource", &err), err);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_json_ cJSON *claims = NULL;
        _cleanup_json_ cJSON *answer = NULL;

        assert_ok(coco_json_parse(texts[i], strlen(texts[i]), &claims, &err), err);
        /* Of what is no object it cannot tell, which is no yes. */
        if (coco_policy_eval(policy, "allow", claims, data, NULL, &answer, NULL) != COCO_OK)
            answer = NULL;
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "allow")),
                         allows(f, texts[i]));
    }
}

/* A lease is what the policy says that it is, or nothing is given at all. */
static void
a_policy_may_give_for_some_time_alone(void **state)
{
    static const struct {
        const char *rules;
        coco_status status;
        uint64_t lease;
    } cases[] = {
        {"allow := true", COCO_OK, 0},
        {"allow := true\nlease := 60", COCO_OK, 60},
        {"allow := true\nlease := 1", COCO_OK, 1},
        {"allow := true\nlease := input.seconds", COCO_OK, 7},
        {"allow := true\nlease := input.none", COCO_OK, 0},
        {"allow := true\nlease := 18446744073709551615", COCO_OK, UINT64_MAX},
        {"allow := true # no lease", COCO_OK, 0},
        {"allow := true\nlease := 0", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := -1", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := 1.5", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := \"60\"", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := false", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := [60]", COCO_ERR_DENIED, 0},
        {"allow := true\nlease := 18446744073709551616", COCO_ERR_DENIED, 0},
    };
    struct fixture *f = *state;
    _cleanup_json_ cJSON *claims = cJSON_CreateObject();
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(coco_json_add_u64(claims, "seconds", 7, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_decision ruling = {0};
        struct coco_kbs_chosen chosen = {0};
        char rego[256];

        print_message("# case %zu\n", i);
        (void)snprintf(rego, sizeof(rego), "package policy\n%s\n", cases[i].rules);
        assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, rego, &err), err);
        assert_ok(coco_kbs_policies_choose(f->policies, "a/b/c", &chosen, &err), err);
        coco_status status =
            coco_kbs_policies_allow(f->policies, &chosen, claims, claims, &ruling, &err);
        if (cases[i].status != COCO_OK) {
            assert_fails(status, err, COCO_ERR_DENIED, "lease");
            assert_false(ruling.allowed);
            continue;
        }
        assert_ok(status, err);
        assert_true(ruling.allowed);
        assert_true(ruling.lease == cases[i].lease);
    }
}

static void
a_broken_policy_in_the_store_denies(void **state)
{
    struct fixture *f = *state;
    _cleanup_json_ cJSON *claims = cJSON_CreateObject();
    struct coco_kbs_decision ruling = {0};
    coco_error *err = NULL;

    if (!have_engine())
        return;
    assert_ok(
        coco_kbs_store_put(f->store, COCO_KBS_POLICY, COCO_KBS_RESOURCE_POLICY, "allow", 5, &err),
        err);
    struct coco_kbs_chosen chosen = {0};
    assert_ok(coco_kbs_policies_choose(f->policies, "a/b/c", &chosen, &err), err);
    assert_fails(coco_kbs_policies_allow(f->policies, &chosen, claims, claims, &ruling, &err), err,
                 COCO_ERR_PROTO, "policy");
    assert_false(ruling.allowed);
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
        {COCO_KBS_RESOURCE_POLICY, "package policy\nallow := sprintf(\"%4000000000d\", [1])",
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

/* It holds up the server, which has one thread: once, and not again at once. */
static void
who_sets_what_takes_long_waits(void **state)
{
    static const char *const cases[] = {
        "package policy\nallow := [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "package policy\nr := numbers.range(1, 3000)\n"
        "allow if { some a in r; some b in r; some c in r; a + b + c == 1 }",
    };
    struct fixture *f = *state;
    coco_error *err = NULL;

    if (!have_engine())
        return;
    _cleanup_policy_engine_ struct coco_policy_engine *engine = new_engine();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_kbs_policies_freep) struct coco_kbs_policies *policies = NULL;

        assert_ok(coco_kbs_policies_new(f->store, engine, &policies, &err), err);
        coco_status status =
            coco_kbs_policies_set(policies, COCO_KBS_RESOURCE_POLICY, cases[i], &err);
        print_message("# %s\n", err ? coco_error_message(err) : "");
        assert_true(status == COCO_ERR_LIMIT || status == COCO_ERR_DENIED);
        coco_error_free(coco_steal(&err));
        assert_fails(coco_kbs_policies_set(policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err), err,
                     COCO_ERR_LIMIT, "set one in");
        /* It is his own affair. */
        assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err), err);
    }
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
    struct coco_kbs_chosen chosen = {0};
    coco_error *err = NULL;

    if (!have_engine())
        return;
    static const char *const ids[] = {"resource-policy/a/b/c", "resource-policy/a",
                                      "resource-policy/a/b", "resource-policy"};
    for (size_t i = 0; i < 4; i++)
        assert_ok(coco_kbs_policies_set(f->policies, ids[i], DENY, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_kbs_policies_choose(f->policies, cases[i].path, &chosen, &err), err);
        assert_string_equal(chosen.id, cases[i].id);
    }
    assert_ok(coco_kbs_policies_remove(f->policies, "resource-policy/a/b/c", &err), err);
    assert_ok(coco_kbs_policies_choose(f->policies, "a/b/c", &chosen, &err), err);
    assert_string_equal(chosen.id, "resource-policy/a/b");
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

/* Who sets one is told why it cannot be; what we ship is evaluated all the same. */
static void
without_the_program_none_is_taken(void **state)
{
    struct fixture *f = *state;
    coco_error *err = NULL;

    if (!have_engine())
        return;
    _cleanup_free_ char *program = strdup(getenv("COCO_POLICY_ENGINE"));
    assert_int_equal(setenv("COCO_POLICY_ENGINE", "/nowhere/program", 1), 0);
    assert_fails(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err), err,
                 COCO_ERR_NOTSUP, "here: policy: program for policies '/nowhere/program'");
    assert_true(allows(f, "{\"submods\":{\"cpu0\":{\"ear.status\":\"affirming\"}}}"));
    assert_int_equal(setenv("COCO_POLICY_ENGINE", program, 1), 0);
    assert_ok(coco_kbs_policies_set(f->policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err), err);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_default_wants_every_part_affirming),
        T(the_last_policy_that_was_set_counts),
        T(a_policy_may_give_for_some_time_alone),
        T(a_broken_policy_in_the_store_denies),
        T(a_bad_policy_changes_nothing),
        T(who_sets_what_takes_long_waits),
        T(more_policies_than_are_cached_are_kept),
        T(policies_are_taken_only_with_an_engine),
        T(without_the_program_none_is_taken),
        T(the_most_specific_policy_decides),
        T(policies_are_listed),
        T(a_policy_of_no_path_is_refused),
        T(what_another_process_sets_counts_at_once),
        T(the_engine_reads_the_default_policy_alike),
    };

    return cmocka_run_group_tests_name("kbs/policies", tests, NULL, NULL);
}
