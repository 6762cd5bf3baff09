/*
 * tests/kbs/test_plugin_pkcs11.c - lib/kbs/plugin_pkcs11.c, with SoftHSM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_builtin.h"

#include "kbs/plugin_reply.h"
#include "kbs/plugins.h"
#include "kbs/policies.h"
#include "rcar/response.h"

#include "tests/canary.h"
#include "tests/crypto/softhsm.h"
#include "tests/faults.h"
#include "tests/kbs/engine.h"
#include "tests/kbs/world.h"

#define PAIR "trustee-test"
#define PATH "/kbs/v0/pkcs11/"
#define RESOURCE PATH "resource/default/key/7"
#define SECRET "what an owner puts into the token"
#define ALLOW                                                                                      \
    "package policy\nimport rego.v1\ndefault allow := false\n"                                     \
    "allow if data.plugin == \"pkcs11\"\n"

static void
write_config(struct coco_buf *config)
{
    coco_error *err = NULL;

    assert_ok(coco_buf_printf(config, &err,
                              "[[plugins]]\nname = \"pkcs11\"\nuri = \"%s\"\n"
                              "lookup_label = \"" PAIR "\"\nrsa_mechanism = \"RsaPkcsTest\"\n",
                              hsm.uri),
              err);
}

static int
begin(void **state)
{
    static struct world w;
    _cleanup_buf_ struct coco_buf config = {.limit = 4096};
    coco_error *err = NULL;

    write_config(&config);
    world_begin(&w, coco_buf_text(&config));
    if (coco_policy_supported())
        assert_ok(coco_kbs_policies_set(w.core->policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err),
                  err);
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
assert_sealed(const struct world *w, const char *want)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    assert_null(strstr(said(w), want));
    assert_ok(coco_rcar_response_open(COCO_RCAR_NEWEST, said(w), w->reply.body.len, w->tee, &secret,
                                      &err),
              err);
    assert_true(coco_secret_equal(&secret, want, strlen(want)));
}

static void
an_owner_puts_what_a_guest_gets(void **state)
{
    struct world *w = *state;

    if (!have_engine())
        return;
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", RESOURCE, w->cookie, NULL, ""), 404);
    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, SECRET), 200);
    assert_int_equal(w->reply.body.len, 0);
    assert_int_equal(ask(w, "GET", RESOURCE, w->cookie, NULL, ""), 200);
    assert_sealed(w, SECRET);
    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, "another"), 200);
    assert_int_equal(ask(w, "GET", RESOURCE, w->cookie, NULL, ""), 200);
    assert_sealed(w, "another");
    assert_int_equal(ask_as_owner(w, "DELETE", RESOURCE, ""), 200);
    assert_int_equal(ask_as_owner(w, "DELETE", RESOURCE, ""), 404);
    assert_int_equal(ask(w, "GET", RESOURCE, w->cookie, NULL, ""), 404);
    assert_says_no(w, "PluginInternalError");
}

static void
what_an_owner_has_wrapped_a_guest_unwraps(void **state)
{
    struct world *w = *state;
    uint8_t wrapped[256];

    if (!have_engine())
        return;
    assert_int_equal(ask_as_owner(w, "POST", PATH "wrap-key", SECRET), 200);
    assert_int_equal(w->reply.body.len, sizeof(wrapped));
    memcpy(wrapped, w->reply.body.data, sizeof(wrapped));
    assert_int_equal(attest(w), 200);
    assert_int_equal(
        ask_bytes(w, "GET", PATH "wrap-key", w->cookie, NULL, wrapped, sizeof(wrapped)), 200);
    assert_sealed(w, SECRET);
    wrapped[100] ^= 1;
    assert_int_equal(
        ask_bytes(w, "GET", PATH "wrap-key", w->cookie, NULL, wrapped, sizeof(wrapped)), 400);
    assert_contains(said(w), "it was not wrapped by this key");
    assert_int_equal(ask(w, "GET", PATH "wrap-key", w->cookie, NULL, ""), 400);
    assert_int_equal(ask_as_owner(w, "POST", PATH "wrap-key", ""), 200);
}

static void
nobody_else_is_let_in(void **state)
{
    static const struct {
        const char *method, *path;
        int stranger, guest, owner;
    } cases[] = {
        {"GET", RESOURCE, 401, 404, 401},
        {"POST", RESOURCE, 401, 401, 200},
        {"DELETE", RESOURCE, 401, 401, 200},
        {"PUT", RESOURCE, 404, 404, 404},
        {"GET", PATH "wrap-key", 401, 400, 401},
        {"POST", PATH "wrap-key", 401, 401, 200},
        {"DELETE", PATH "wrap-key", 404, 404, 404},
        {"GET", PATH "wrap-key/x", 404, 404, 404},
        {"GET", PATH "resource", 404, 404, 404},
        {"GET", PATH "resource/a/b", 404, 404, 404},
        {"GET", PATH "resource/a/b/c/d", 404, 404, 404},
        {"GET", PATH "resource/a/b/..", 404, 404, 404},
        {"GET", PATH "other/a/b/c", 404, 404, 404},
        /* The key pair is no resource. */
        {"GET", PATH "resource/" PAIR, 404, 404, 404},
        {"GET", PATH PAIR, 404, 404, 404},
    };
    struct world *w = *state;

    if (!have_engine())
        return;
    assert_int_equal(attest(w), 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *body = cases[i].method[0] == 'P' ? "x" : "";

        if (ask(w, cases[i].method, cases[i].path, NULL, NULL, body) != cases[i].stranger)
            fail_msg("%s %s gives %d to a stranger", cases[i].method, cases[i].path,
                     w->reply.status);
        if (ask(w, cases[i].method, cases[i].path, w->cookie, NULL, body) != cases[i].guest)
            fail_msg("%s %s gives %d to a guest", cases[i].method, cases[i].path, w->reply.status);
        if (ask_as_owner(w, cases[i].method, cases[i].path, body) != cases[i].owner)
            fail_msg("%s %s gives %d to an owner", cases[i].method, cases[i].path, w->reply.status);
    }
}

/* Keys that are to stay in the token stay there, whatever they are called. */
static void
no_key_of_the_token_is_given(void **state)
{
    struct world *w = *state;

    if (!have_engine())
        return;
    CK_SESSION_HANDLE session = softhsm_write_begin(&hsm);
    softhsm_make_key(&hsm, session, "a/b/aes");
    assert_int_equal(hsm.functions->C_CloseSession(session), CKR_OK);
    assert_int_equal(attest(w), 200);
    assert_int_equal(ask(w, "GET", PATH "resource/a/b/aes", w->cookie, NULL, ""), 403);
}

static void
configurations_are_whole(void **state)
{
    static const struct {
        const char *config;
        const char *why;
    } cases[] = {
        {"", "needs module and pin"},
        {"module = \"" SOFTHSM_MODULE "\"\n", "needs module and pin"},
        {"uri = \"pkcs11:?module-path=/x\"\nmodule = \"/x\"\npin = \"1\"\n",
         "needs module and pin"},
        {"uri = \"pkcs11:?module-path=/x\"\npin = \"1\"\n", "needs module and pin"},
        {"uri = \"http://x\"\n", "pkcs11:"},
        {"module = \"/nowhere.so\"\npin = \"1\"\n", "module /nowhere.so cannot be loaded"},
        {"module = \"" SOFTHSM_MODULE "\"\npin = \"1\"\nslot_index = 200\n", "no slot 200"},
        {"module = \"" SOFTHSM_MODULE "\"\npin = \"1\"\nslot_index = 256\n", "slot_index"},
        {"rsa_mechanism = \"RsaPkcs\"\n", "rsa_mechanism is"},
        {"modul = \"x\"\n", "did you mean 'module'?"},
        {"pin = 4711\n", "pin: is not a text"},
    };
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_core *core = NULL;
        char config[512];

        (void)snprintf(config, sizeof(config), "[[plugins]]\nname = \"pkcs11\"\n%s",
                       cases[i].config);
        assert_int_not_equal(coco_kbs_core_new(ctx, config, &core, &err), COCO_OK);
        assert_contains(coco_error_message(err), "[plugins]: pkcs11: ");
        assert_contains(coco_error_message(err), cases[i].why);
        assert_null(strstr(coco_error_message(err), "4711"));
        coco_error_free(err);
        err = NULL;
    }
    coco_ctx_free(ctx);
}

/* As upstream names a token. The PIN is not there any more when the KBS is gone. */
static void
upstreams_keys_name_a_token(void **state)
{
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;
    unsigned opened = 0;
    char pin[] = SOFTHSM_PIN "X";

    (void)state;
    pin[strlen(SOFTHSM_PIN)] = '\0';
    assert_ok(coco_ctx_new(&ctx, &err), err);
    canary_begin(pin, strlen(pin));
    for (unsigned i = 0; i < 2; i++) {
        struct coco_kbs_core *core = NULL;
        char config[512];

        (void)snprintf(config, sizeof(config),
                       "[[plugins]]\nname = \"pkcs11\"\nmodule = \"" SOFTHSM_MODULE
                       "\"\nslot_index = %u\npin = \"%s\"\n",
                       i, pin);
        if (coco_kbs_core_new(ctx, config, &core, &err) == COCO_OK)
            opened++;
        coco_error_free(err);
        err = NULL;
        coco_kbs_core_free(core);
        OPENSSL_cleanse(config, sizeof(config));
    }
    assert_int_equal(canary_end(), 0);
    assert_true(opened >= 1);
    coco_ctx_free(ctx);
}

static void
without_a_label_nothing_is_wrapped(void **state)
{
    struct world w;
    _cleanup_buf_ struct coco_buf config = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(
        coco_buf_printf(&config, &err, "[[plugins]]\nname = \"pkcs11\"\nuri = \"%s\"\n", hsm.uri),
        err);
    world_begin(&w, coco_buf_text(&config));
    assert_int_equal(ask_as_owner(&w, "POST", PATH "wrap-key", "x"), 400);
    assert_contains(said(&w), "there is no lookup_label");
    world_end(&w);
}

static void
asking_survives_any_failed_allocation(void **state)
{
    struct world *w = *state;
    const struct coco_kbs_plugin_entry *entry = coco_kbs_plugins_find(w->core->plugins, "pkcs11");
    coco_kbs_request request = {
        .path = "resource/a/b/faults",
        .query = "{}",
        .body = (const uint8_t *)SECRET,
        .len = strlen(SECRET),
    };
    static const char *const methods[] = {"POST", "GET", "DELETE"};

    for_each_fault()
    {
        coco_error *err = NULL;
        coco_status status = COCO_OK;

        for (unsigned i = 0; i < 3 && status == COCO_OK; i++) {
            _cleanup_plugin_reply_ struct coco_kbs_reply reply = {.plugin = "pkcs11"};

            request.method = methods[i];
            entry->functions.handle(entry->user, w->ctx, &request, &reply);
            status = coco_kbs_reply_take(&reply, &err);
        }
        fault_expect(status, err);
        coco_error_free(err);
    }
}

static void
secrets_of_the_token_are_wiped(void **state)
{
    struct world *w = *state;
    char secret[] = SECRET;

    if (!have_engine())
        return;
    assert_int_equal(attest(w), 200);
    canary_begin(secret, strlen(secret));
    assert_int_equal(ask_as_owner(w, "POST", RESOURCE, secret), 200);
    assert_int_equal(ask(w, "GET", RESOURCE, w->cookie, NULL, ""), 200);
    coco_httpd_reply_done(&w->reply);
    w->reply = (struct coco_httpd_reply){0};
    assert_int_equal(canary_end(), 0);
}

static int
setup(void **state)
{
    (void)softhsm_set_up(state);
    softhsm_make_pair(&hsm, PAIR);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_owner_puts_what_a_guest_gets, begin, end),
        cmocka_unit_test_setup_teardown(what_an_owner_has_wrapped_a_guest_unwraps, begin, end),
        cmocka_unit_test_setup_teardown(nobody_else_is_let_in, begin, end),
        cmocka_unit_test_setup_teardown(no_key_of_the_token_is_given, begin, end),
        cmocka_unit_test(configurations_are_whole),
        cmocka_unit_test(upstreams_keys_name_a_token),
        cmocka_unit_test(without_a_label_nothing_is_wrapped),
        cmocka_unit_test_setup_teardown(asking_survives_any_failed_allocation, begin, end),
        cmocka_unit_test_setup_teardown(secrets_of_the_token_are_wiped, begin, end),
    };

    return softhsm_run(tests, setup);
}
