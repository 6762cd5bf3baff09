/*
 * tests/cache/test_core.c - lib/cache/core.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

#include "world.h"

static void
it_ends_although_a_registry_does_not(void **state)
{
    struct world w;
    char target[256];

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello, all of you");
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", digest);
    w.up.hold = true;
    begin_ask(&w, "GET", target, NULL);
    settle(&w);
    assert_int_equal(w.reply.status, 200);
    coco_cache_core_cancel(w.core);
    w.body_len = 0;
    while (!drain(&w))
        wait_for_news(&w);
    assert_true(w.cut);
    assert_int_equal(get(&w, "manifests", "tag"), 503);
    world_end(&w);
}

static void
a_configuration_that_cannot_be_is_refused(void **state)
{
    struct coco_cache_core *core = NULL;
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_fails(coco_cache_core_new(ctx, "{}", &core, &err), err, COCO_ERR_PROTO, "listen");
    assert_fails(coco_cache_core_new(ctx,
                                     "{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/dev/null/x\","
                                     "\"upstreams\":{\"docker.io\":{}}}",
                                     &core, &err),
                 err, COCO_ERR_IO, "/dev/null/x");
    assert_null(core);
    coco_cache_core_free(NULL);
    coco_ctx_free(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_although_a_registry_does_not),
        cmocka_unit_test(a_configuration_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests_name("cache/core", tests, NULL, NULL);
}
