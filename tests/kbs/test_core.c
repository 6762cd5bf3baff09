/*
 * tests/kbs/test_core.c - lib/kbs/core.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/core.h"

#include "base/context.h"

#include "tests/kbs/world.h"
#include "tests/rng.h"

#include <stdio.h>

static struct coco_kbs_core *
open_core(coco_ctx *ctx, const char *dir)
{
    struct coco_kbs_core *core = NULL;
    char config[512];
    coco_error *err = NULL;

    (void)snprintf(config, sizeof(config),
                   "[attestation_service]\nallow_sample = true\n[storage_backend]\n"
                   "storage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\n"
                   "path = \"%s/kbs.db\"\n",
                   dir);
    assert_ok(coco_kbs_core_new(ctx, config, &core, &err), err);
    core->now = world_now;
    return core;
}

/* What one replica begins, another goes on with; and so does the same one after a restart. */
static void
replicas_finish_each_others_handshakes(void **state)
{
    struct world w = {0};
    struct coco_kbs_core *replicas[3];
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char dir[64];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_ctx_new(&w.ctx, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &w.tee, &err), err);
    for (size_t i = 0; i < 3; i++)
        replicas[i] = open_core(w.ctx, dir);
    w.core = replicas[0];
    add_references(&w);
    add_resource(&w, "a/b/c", "x");
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(&w, &how, &body);
    w.core = replicas[1];
    assert_int_equal(ask_bytes(&w, "POST", "/kbs/v0/attest", w.cookie, NULL, body.data, body.len),
                     200);
    w.core = replicas[2];
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/a/b/c", w.cookie, NULL, ""), 200);
    for (size_t i = 0; i < 3; i++)
        coco_kbs_core_free(replicas[i]);
    w.core = open_core(w.ctx, dir);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/resource/a/b/c", w.cookie, NULL, ""), 200);
    world_end(&w);
    remove_temp_dir(dir);
}

static void
what_cannot_be_opened_is_said_so(void **state)
{
    static const struct {
        const char *config;
        coco_status status;
        const char *why;
    } cases[] = {
        {"x", COCO_ERR_PROTO, "configuration"},
        {"[storage_backend]\nstorage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\n"
         "path = \"/no/such/dir/kbs.db\"\n",
         COCO_ERR_IO, "store"},
        {"[attestation_service]\nsoftware_roots = [\"-----BEGIN PUBLIC KEY-----\"]", COCO_ERR_PROTO,
         "key of the TEE software"},
    };
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_core *core = NULL;

        assert_fails(coco_kbs_core_new(ctx, cases[i].config, &core, &err), err, cases[i].status,
                     cases[i].why);
        assert_null(core);
    }
    coco_ctx_free(ctx);
}

static void
no_server_is_made_without_random_bytes(void **state)
{
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for_each_rng_fault()
    {
        struct coco_kbs_core *core = NULL;

        rng_expect(coco_kbs_core_new(ctx, "", &core, &err), err);
        assert_true(!core == (err != NULL));
        coco_kbs_core_free(core);
        coco_error_free(err);
        err = NULL;
    }
    coco_ctx_free(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_finish_each_others_handshakes),
        cmocka_unit_test(what_cannot_be_opened_is_said_so),
        cmocka_unit_test(no_server_is_made_without_random_bytes),
    };

    return cmocka_run_group_tests_name("kbs/core", tests, NULL, NULL);
}
