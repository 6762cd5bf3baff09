/*
 * tests/kbc/test_plugin.c - lib/kbc/plugin.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECRET "the secret that a plugin has"
#define KEY_ID "the key, of hardware"
#define URI "kbs:///default/key/1"

/* What the plugin does, and what became of it. */
struct script {
    void (*answer)(coco_kbc_answer *answer);
    char path[64];
    unsigned destroyed;
    unsigned wrapped;
};

static void
get_resource(void *user, coco_ctx *ctx, const char *path, coco_kbc_answer *answer)
{
    struct script *script = user;

    assert_non_null(ctx);
    assert_true(strlen(path) < sizeof(script->path));
    (void)snprintf(script->path, sizeof(script->path), "%s", path);
    if (script->answer)
        script->answer(answer);
}

static void
attest(void *user, coco_ctx *ctx, coco_kbc_answer *answer)
{
    (void)user;
    (void)ctx;
    coco_kbc_answer_give(answer, (const uint8_t *)"a.b.c", 5);
}

static void
destroy(void *user)
{
    struct script *script = user;

    script->destroyed++;
}

static void
give(coco_kbc_answer *answer)
{
    coco_kbc_answer_give(answer, (const uint8_t *)SECRET, strlen(SECRET));
}

static void
give_nothing(coco_kbc_answer *answer)
{
    coco_kbc_answer_give(answer, NULL, 0);
}

static void
deny(coco_kbc_answer *answer)
{
    coco_kbc_answer_fail(answer, COCO_ERR_DENIED, "no\nwith a \x1b[31m line");
}

static void
change_its_mind(coco_kbc_answer *answer)
{
    deny(answer);
    give_nothing(answer);
    give(answer);
}

static void
change_it_back(coco_kbc_answer *answer)
{
    give(answer);
    deny(answer);
}

static void
fail_with_success(coco_kbc_answer *answer)
{
    coco_kbc_answer_fail(answer, COCO_OK, "fine");
}

static void
fail_with_what_there_is_not(coco_kbc_answer *answer)
{
    coco_kbc_answer_fail(answer, (coco_status)-99, "strange");
}

static void
wrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *key, size_t len,
         coco_kbc_answer *answer)
{
    struct script *script = user;

    assert_non_null(ctx);
    assert_string_equal(id, KEY_ID);
    assert_int_equal(len, strlen(SECRET));
    assert_memory_equal(key, SECRET, len);
    script->wrapped++;
    coco_kbc_answer_give(answer, (const uint8_t *)"wrapped", 7);
}

static void
unwrap_key(void *user, coco_ctx *ctx, const char *id, const uint8_t *wrapped, size_t len,
           coco_kbc_answer *answer)
{
    (void)ctx;
    assert_string_equal(id, KEY_ID);
    assert_int_equal(len, 7);
    assert_memory_equal(wrapped, "wrapped", 7);
    get_resource(user, ctx, "", answer);
}

static const coco_kbc_plugin plugin = {
    .size = sizeof(plugin),
    .name = "test_kbc",
    .get_resource = get_resource,
    .attest = attest,
    .destroy = destroy,
    .wrap_key = wrap_key,
    .unwrap_key = unwrap_key,
};

static void
a_plugin_answers_for_itself(void **state)
{
    static const struct {
        void (*answer)(coco_kbc_answer *answer);
        coco_status want;
        const char *what; /* the secret, or why not */
    } cases[] = {
        {give, COCO_OK, SECRET},
        {give_nothing, COCO_OK, ""},
        {change_its_mind, COCO_OK, SECRET},
        {deny, COCO_ERR_DENIED, "test_kbc: no\\x0awith a \\x1b[31m line"},
        {change_it_back, COCO_ERR_DENIED, "no"},
        {fail_with_success, COCO_ERR_PROTO, "fine"},
        {fail_with_what_there_is_not, COCO_ERR_PROTO, "strange"},
        {NULL, COCO_ERR_PROTO, "test_kbc gives no answer"},
    };
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = {.answer = cases[i].answer};
        coco_kbc *kbc = NULL;
        coco_bytes *secret = NULL;

        assert_ok(coco_kbc_new_plugin(&plugin, &script, &kbc, &err), err);
        coco_status status = coco_kbc_get_resource(kbc, ctx, URI, &secret, &err);
        assert_string_equal(script.path, "default/key/1");
        if (cases[i].want == COCO_OK) {
            assert_ok(status, err);
            assert_string_equal((const char *)coco_bytes_data(secret), cases[i].what);
            coco_bytes_free(secret);
        } else {
            assert_fails(status, err, cases[i].want, cases[i].what);
            assert_null(secret);
        }
        coco_kbc_free(kbc);
        assert_int_equal(script.destroyed, 1);
    }
}

static void
only_whole_plugins_are_taken(void **state)
{
    static const struct {
        const char *name;
        size_t size;
        bool gets;
        const char *why;
    } cases[] = {
        {NULL, sizeof(plugin), true, "name"},
        {"", sizeof(plugin), true, "name"},
        {"Test_kbc", sizeof(plugin), true, "name"},
        {"test::kbc", sizeof(plugin), true, "name"},
        {"a2345678901234567890123456789012_", sizeof(plugin), true, "name"},
        {"test_kbc", sizeof(plugin), false, "gets no resources"},
        {"test_kbc", 0, true, "size"},
        {"test_kbc", offsetof(coco_kbc_plugin, get_resource), true, "size"},
        {"test_kbc", 1 << 20, true, "size"},
    };
    coco_kbc *kbc = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct script script = {0};
        coco_kbc_plugin theirs = plugin;

        theirs.name = cases[i].name;
        theirs.size = cases[i].size;
        theirs.get_resource = cases[i].gets ? get_resource : NULL;
        assert_fails(coco_kbc_new_plugin(&theirs, &script, &kbc, &err), err, COCO_ERR_INVALID,
                     cases[i].why);
        assert_int_equal(script.destroyed, cases[i].size == sizeof(plugin));
    }
    assert_fails(coco_kbc_new_plugin(NULL, NULL, &kbc, &err), err, COCO_ERR_INVALID, "plugin");
    assert_null(kbc);
}

/* One that was made for a library without the later members has none of them. */
static void
an_older_plugin_is_taken_for_what_it_is(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct script script = {.answer = give};
    coco_kbc_plugin older = plugin;
    coco_kbc *kbc = NULL;
    coco_bytes *token = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    older.size = offsetof(coco_kbc_plugin, attest);
    assert_ok(coco_kbc_new_plugin(&older, &script, &kbc, &err), err);
    assert_fails(coco_kbc_attest(kbc, ctx, &token, &err), err, COCO_ERR_NOTSUP,
                 "test_kbc does not attest");
    assert_fails(coco_kbc_get_passport(kbc, ctx, &token, &err), err, COCO_ERR_NOTSUP, "");
    coco_kbc_free(kbc);
    assert_int_equal(script.destroyed, 0);

    assert_ok(coco_kbc_new_plugin(&plugin, &script, &kbc, &err), err);
    assert_ok(coco_kbc_attest(kbc, ctx, &token, &err), err);
    assert_string_equal((const char *)coco_bytes_data(token), "a.b.c");
    coco_bytes_free(token);
    coco_kbc_free(kbc);
}

static void
a_plugin_wraps_keys_and_gives_them_back(void **state)
{
    struct script script = {.answer = give};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *wrapped = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *key = NULL;
    const uint8_t *secret = (const uint8_t *)SECRET;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_kbc_new_plugin(&plugin, &script, &kbc, &err), err);
    assert_ok(coco_kbc_wrap_key(kbc, ctx, KEY_ID, secret, strlen(SECRET), &wrapped, &err), err);
    assert_ok(coco_kbc_unwrap_key(kbc, ctx, KEY_ID, coco_bytes_data(wrapped),
                                  coco_bytes_size(wrapped), &key, &err),
              err);
    assert_string_equal((const char *)coco_bytes_data(key), SECRET);
    coco_bytes_free(coco_steal(&key));
    script.answer = deny;
    assert_fails(coco_kbc_unwrap_key(kbc, ctx, KEY_ID, coco_bytes_data(wrapped),
                                     coco_bytes_size(wrapped), &key, &err),
                 err, COCO_ERR_DENIED, "key '" KEY_ID "': test_kbc: no");
}

static void
keys_are_not_wrapped_where_there_are_none(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct script script = {.answer = give};
    coco_kbc_plugin without = plugin;
    const uint8_t *key = (const uint8_t *)SECRET;
    coco_kbc *kbc = NULL;
    coco_bytes *ret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    without.wrap_key = NULL;
    without.unwrap_key = NULL;
    assert_ok(coco_kbc_new_plugin(&without, &script, &kbc, &err), err);
    assert_fails(coco_kbc_wrap_key(kbc, ctx, KEY_ID, key, 1, &ret, &err), err, COCO_ERR_NOTSUP,
                 "wraps no keys");
    assert_fails(coco_kbc_unwrap_key(kbc, ctx, KEY_ID, key, 1, &ret, &err), err, COCO_ERR_NOTSUP,
                 "unwraps no keys");
    coco_kbc_free(kbc);
    assert_ok(coco_kbc_new("sample_kbc::", &kbc, &err), err);
    assert_fails(coco_kbc_wrap_key(kbc, ctx, KEY_ID, key, 1, &ret, &err), err, COCO_ERR_NOTSUP,
                 "sample_kbc has no keys");
    coco_kbc_free(kbc);
}

static void
nothing_is_asked_of_a_key_that_cannot_be(void **state)
{
    static const char *const names[] = {"", "a\nb", "\xff", "\x7f"};
    struct script script = {.answer = give};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    const uint8_t *key = (const uint8_t *)SECRET;
    char name[1026];
    coco_bytes *ret = NULL;

    (void)state;
    assert_int_equal(coco_ctx_new(&ctx, NULL), COCO_OK);
    assert_int_equal(coco_kbc_new_plugin(&plugin, &script, &kbc, NULL), COCO_OK);
    for (size_t i = 0; i < COUNT(names); i++)
        assert_int_equal(coco_kbc_wrap_key(kbc, ctx, names[i], key, 1, &ret, NULL),
                         COCO_ERR_INVALID);
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(coco_kbc_unwrap_key(kbc, ctx, name, key, 1, &ret, NULL), COCO_ERR_INVALID);
    assert_int_equal(coco_kbc_wrap_key(kbc, ctx, KEY_ID, key, 0, &ret, NULL), COCO_ERR_INVALID);
    assert_int_equal(coco_kbc_wrap_key(kbc, ctx, KEY_ID, key, 4097, &ret, NULL), COCO_ERR_INVALID);
    coco_ctx_cancel(ctx);
    assert_int_equal(coco_kbc_wrap_key(kbc, ctx, KEY_ID, key, 1, &ret, NULL), COCO_ERR_CANCELED);
    assert_int_equal(script.wrapped, 0);
}

static void
a_plugin_survives_any_failed_allocation(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for_each_fault()
    {
        struct script script = {.answer = give};
        coco_kbc *kbc = NULL;
        coco_bytes *secret = NULL;

        coco_status status = coco_kbc_new_plugin(&plugin, &script, &kbc, &err);
        if (status == COCO_OK)
            status = coco_kbc_get_resource(kbc, ctx, URI, &secret, &err);
        fault_expect(status, err);
        coco_bytes_free(secret);
        coco_kbc_free(kbc);
        assert_int_equal(script.destroyed, 1);
    }
}

static void
what_a_plugin_gives_is_wiped(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct script script = {.answer = change_it_back};
    coco_kbc *kbc = NULL;
    coco_bytes *secret = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    canary_begin(SECRET, strlen(SECRET));
    assert_ok(coco_kbc_new_plugin(&plugin, &script, &kbc, &err), err);
    assert_fails(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err, COCO_ERR_DENIED, "");
    script.answer = give;
    assert_ok(coco_kbc_get_resource(kbc, ctx, URI, &secret, &err), err);
    coco_bytes_free(secret);
    coco_kbc_free(kbc);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_answers_for_itself),
        cmocka_unit_test(only_whole_plugins_are_taken),
        cmocka_unit_test(an_older_plugin_is_taken_for_what_it_is),
        cmocka_unit_test(a_plugin_wraps_keys_and_gives_them_back),
        cmocka_unit_test(keys_are_not_wrapped_where_there_are_none),
        cmocka_unit_test(nothing_is_asked_of_a_key_that_cannot_be),
        cmocka_unit_test(a_plugin_survives_any_failed_allocation),
        cmocka_unit_test(what_a_plugin_gives_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
