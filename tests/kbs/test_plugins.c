/*
 * tests/kbs/test_plugins.c - lib/kbs/plugins.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugins.h"

#include "base/context.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define CONFIG "[[plugins]]\nname = \"greeter\"\nword = \"hello\"\n[plugins.more]\nn = 1\n"

struct script {
    char config[256];
    coco_status status; /* of configuring */
    bool silent;
    unsigned destroyed;
};

static void
handle(void *user, coco_ctx *ctx, const coco_kbs_request *request, coco_kbs_reply *reply)
{
    (void)user;
    (void)ctx;
    (void)request;
    (void)reply;
}

static void
configure(void *user, coco_ctx *ctx, const char *config, coco_kbs_reply *reply)
{
    struct script *script = user;

    assert_non_null(ctx);
    (void)snprintf(script->config, sizeof(script->config), "%s", config);
    if (script->status != COCO_OK)
        coco_kbs_reply_fail(reply, script->status, "unknown word");
    else if (!script->silent)
        coco_kbs_reply_give(reply, NULL, 0);
}

static void
destroy(void *user)
{
    struct script *script = user;

    script->destroyed++;
}

static const coco_kbs_plugin greeter = {
    .size = sizeof(greeter),
    .name = "greeter",
    .handle = handle,
    .configure = configure,
    .destroy = destroy,
};

struct fixture {
    coco_ctx *ctx;
    struct coco_kbs_core *core;
};

static void
open_core(struct fixture *f, const char *config)
{
    coco_error *err = NULL;

    assert_ok(coco_ctx_new(&f->ctx, &err), err);
    assert_ok(coco_kbs_core_new(f->ctx, config, &f->core, &err), err);
}

static void
close_core(struct fixture *f)
{
    coco_kbs_core_free(f->core);
    coco_ctx_free(f->ctx);
}

static void
only_whole_plugins_are_added(void **state)
{
    static const struct {
        const char *name;
        bool handles;
        size_t size;
        const char *says;
        unsigned destroyed;
    } cases[] = {
        {NULL, true, sizeof(greeter), "name of a plug-in", 1},
        {"", true, sizeof(greeter), "name of a plug-in", 1},
        {"Greeter", true, sizeof(greeter), "name of a plug-in", 1},
        {"a_b", true, sizeof(greeter), "name of a plug-in", 1},
        {"a/b", true, sizeof(greeter), "name of a plug-in", 1},
        {"..", true, sizeof(greeter), "name of a plug-in", 1},
        {"a%2fb", true, sizeof(greeter), "name of a plug-in", 1},
        {"a23456789012345678901234567890123", true, sizeof(greeter), "name of a plug-in", 1},
        {"greeter", false, sizeof(greeter), "greeter handles nothing", 1},
        {"resource", true, sizeof(greeter), "resource is a path of the KBS itself", 1},
        {"resource-policy", true, sizeof(greeter), "a path of the KBS itself", 1},
        {"reference-value", true, sizeof(greeter), "a path of the KBS itself", 1},
        {"auth", true, sizeof(greeter), "a path of the KBS itself", 1},
        {"attest", true, sizeof(greeter), "a path of the KBS itself", 1},
        {"explain", true, sizeof(greeter), "a path of the KBS itself", 1},
        {"taken", true, sizeof(greeter), "there is a plug-in taken already", 1},
        /* Whose its members are, nobody can say. */
        {"greeter", true, 8, "", 0},
        {"greeter", true, 0, "", 0},
    };
    struct fixture f;
    struct script first = {0};
    coco_kbs_plugin taken = greeter;
    coco_error *err = NULL;

    (void)state;
    open_core(&f, "");
    taken.name = "taken";
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &taken, &first, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_kbs_plugin bad = greeter;
        struct script script = {0};

        bad.size = cases[i].size;
        bad.name = cases[i].name;
        bad.handle = cases[i].handles ? handle : NULL;
        assert_fails(coco_kbs_plugins_add(f.core->plugins, false, &bad, &script, &err), err,
                     COCO_ERR_INVALID, cases[i].says);
        assert_int_equal(script.destroyed, cases[i].destroyed);
        assert_string_equal(script.config, "");
    }
    assert_fails(coco_kbs_plugins_add(f.core->plugins, false, NULL, NULL, &err), err,
                 COCO_ERR_INVALID, "no plug-in");
    assert_fails(coco_kbs_plugins_add(f.core->plugins, true, &greeter, &first, &err), err,
                 COCO_ERR_INVALID, "serving already");
    assert_int_equal(first.destroyed, 1);
    close_core(&f);
    assert_int_equal(first.destroyed, 2);
}

/* The greatest name that there may be is taken. */
static void
a_plugin_is_found_by_its_whole_name(void **state)
{
    struct fixture f;
    struct script script = {0};
    struct coco_kbs_call call = {0};
    coco_kbs_plugin longest = greeter;
    coco_error *err = NULL;

    (void)state;
    open_core(&f, "");
    longest.name = "a2345678901234567890123456789012";
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &longest, &script, &err), err);
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &greeter, &script, &err), err);
    assert_non_null(coco_kbs_plugins_find(f.core->plugins, "greeter"));
    assert_non_null(coco_kbs_plugins_find(f.core->plugins, longest.name));
    assert_null(coco_kbs_plugins_find(f.core->plugins, "greet"));
    assert_null(coco_kbs_plugins_find(f.core->plugins, "greeters"));
    assert_true(coco_kbs_plugins_match(f.core->plugins, "greeter/a/b", &call));
    assert_string_equal(call.plugin, "greeter");
    assert_string_equal(call.rest, "a/b");
    assert_true(coco_kbs_plugins_match(f.core->plugins, "greeter", &call));
    assert_string_equal(call.rest, "");
    assert_false(coco_kbs_plugins_match(f.core->plugins, "greeter%2fa", &call));
    assert_false(coco_kbs_plugins_match(f.core->plugins, "Greeter/a", &call));
    assert_false(coco_kbs_plugins_match(f.core->plugins, "", &call));
    assert_false(coco_kbs_plugins_match(NULL, "greeter/a", &call));
    close_core(&f);
}

static void
a_plugin_gets_its_configuration(void **state)
{
    struct fixture f;
    struct script script = {.silent = true};
    struct script another = {0};
    struct script refusing = {.status = COCO_ERR_PROTO};
    coco_kbs_plugin unconfigured = greeter;
    coco_kbs_plugin other = greeter;
    coco_error *err = NULL;

    (void)state;
    open_core(&f, CONFIG);
    /* Until somebody is that, it is a slip of the pen. */
    assert_fails(coco_kbs_plugins_check(f.core->plugins, &err), err, COCO_ERR_PROTO,
                 "[plugins]: unknown member 'greeter'");
    unconfigured.configure = NULL;
    assert_fails(coco_kbs_plugins_add(f.core->plugins, false, &unconfigured, &refusing, &err), err,
                 COCO_ERR_PROTO, "[plugins]: greeter: unknown member 'word'");
    assert_fails(coco_kbs_plugins_add(f.core->plugins, false, &greeter, &refusing, &err), err,
                 COCO_ERR_PROTO, "[plugins]: greeter: unknown word");
    assert_int_equal(refusing.destroyed, 2);
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &greeter, &script, &err), err);
    assert_string_equal(script.config, "{\"word\":\"hello\",\"more\":{\"n\":1}}");
    other.name = "greete";
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &other, &another, &err), err);
    assert_string_equal(another.config, "{}");
    assert_ok(coco_kbs_plugins_check(f.core->plugins, &err), err);
    close_core(&f);
    open_core(&f, CONFIG);
    assert_ok(coco_kbs_plugins_add(f.core->plugins, false, &other, &another, &err), err);
    assert_fails(coco_kbs_plugins_check(f.core->plugins, &err), err, COCO_ERR_PROTO,
                 "did you mean 'greete'?");
    close_core(&f);
}

static void
there_is_no_end_of_room(void **state)
{
    struct fixture f;
    struct script script = {0};
    coco_error *err = NULL;
    unsigned added = 0;

    (void)state;
    open_core(&f, "");
    for (unsigned i = 0; i < 100 && !err; i++) {
        coco_kbs_plugin each = greeter;
        char name[16];

        (void)snprintf(name, sizeof(name), "p-%u", i);
        each.name = name;
        added += coco_kbs_plugins_add(f.core->plugins, false, &each, &script, &err) == COCO_OK;
    }
    assert_int_equal(added, COCO_KBS_LIST_MAX);
    assert_fails(coco_error_status(err), err, COCO_ERR_LIMIT, "more than 64 plug-ins");
    assert_int_equal(script.destroyed, 1);
    assert_ok(coco_kbs_plugins_check(f.core->plugins, &err), err);
    close_core(&f);
    assert_int_equal(script.destroyed, COCO_KBS_LIST_MAX + 1);
}

static void
adding_survives_any_failed_allocation(void **state)
{
    struct fixture f;
    unsigned rounds = 0;
    struct script script = {0};

    (void)state;
    open_core(&f, CONFIG);
    for_each_fault()
    {
        struct coco_kbs_plugins *plugins = NULL;
        coco_error *err = NULL;

        coco_status status = coco_kbs_plugins_open(f.core, &plugins, &err);
        rounds += status == COCO_OK;
        if (status == COCO_OK)
            status = coco_kbs_plugins_add(plugins, false, &greeter, &script, &err);
        fault_expect(status, err);
        coco_kbs_plugins_close(plugins);
        coco_error_free(err);
    }
    assert_int_equal(script.destroyed, rounds);
    close_core(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_plugins_are_added),
        cmocka_unit_test(a_plugin_is_found_by_its_whole_name),
        cmocka_unit_test(a_plugin_gets_its_configuration),
        cmocka_unit_test(there_is_no_end_of_room),
        cmocka_unit_test(adding_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
