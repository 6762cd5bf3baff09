/*
 * tests/kbs/test_tenants.c - lib/kbs/tenants.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/tenants.h"

#include "base/fd.h"
#include "tests/faults.h"
#include "tests/kbs/world.h"
#include "tests/pki.h"

#include <stdio.h>

struct fixture {
    struct world root, a; /* a has the owner of tenant a, and root's core */
    char dir[64];
    char config[8192];
};

static void
write_tenant(struct fixture *f, const char *name, EVP_PKEY *owner)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 8192};
    char path[128];
    coco_error *err = NULL;

    assert_ok(coco_buf_append_text(&text, "[attestation_service]\nallow_sample = true\n", &err),
              err);
    owner_config(owner, &text);
    (void)snprintf(path, sizeof(path), "%s/%s.toml", f->dir, name);
    assert_ok(coco_file_write(path, text.data, text.len, 0600, &err), err);
}

static int
begin(void **state)
{
    static struct fixture f;
    char tenants[512];
    coco_error *err = NULL;

    f = (struct fixture){0};
    make_temp_dir(f.dir, sizeof(f.dir));
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &f.a.owner, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f.a.tee, &err), err);
    write_tenant(&f, "a", f.a.owner);
    write_tenant(&f, "b", f.a.owner);
    (void)snprintf(tenants, sizeof(tenants),
                   "[[tenants]]\nname = \"a\"\nconfig_file = \"%s/a.toml\"\nmax_resources = 1\n"
                   "[[tenants]]\nname = \"b\"\nconfig_file = \"%s/b.toml\"\n",
                   f.dir, f.dir);
    world_begin(&f.root, tenants);
    f.a.core = f.root.core;
    const char *within = NULL;
    coco_kbs_tenants_find(f.root.core, "/tenants/a/", &within)->now = world_now;
    coco_kbs_tenants_find(f.root.core, "/tenants/b/", &within)->now = world_now;
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_httpd_reply_done(&f->a.reply);
    EVP_PKEY_free(f->a.owner);
    EVP_PKEY_free(f->a.tee);
    world_end(&f->root);
    remove_temp_dir(f->dir);
    return 0;
}

static void
each_owner_has_her_own_resources(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask_as_owner(&f->root, "POST", "/kbs/v0/resource/x/y/1", "root's"), 200);
    assert_int_equal(ask_as_owner(&f->a, "POST", "/tenants/a/kbs/v0/resource/x/y/2", "a's"), 200);
    assert_int_equal(ask_as_owner(&f->a, "GET", "/tenants/a/kbs/v0/resource", ""), 200);
    assert_string_equal(said(&f->a), "[\"x/y/2\"]");
    assert_int_equal(ask_as_owner(&f->a, "GET", "/tenants/b/kbs/v0/resource", ""), 200);
    assert_string_equal(said(&f->a), "[]");
    assert_int_equal(ask_as_owner(&f->root, "GET", "/kbs/v0/resource", ""), 200);
    assert_string_equal(said(&f->root), "[\"x/y/1\"]");

    /* The owner of one is nobody for another, nor is whoever runs the KBS. */
    assert_int_equal(ask_as_owner(&f->a, "GET", "/kbs/v0/resource", ""), 401);
    assert_int_equal(ask_as_owner(&f->root, "GET", "/tenants/a/kbs/v0/resource", ""), 401);
    assert_says_no(&f->root, "AdminAuthAccess");
    /* And has a quota. */
    assert_int_equal(ask_as_owner(&f->a, "POST", "/tenants/a/kbs/v0/resource/x/y/3", "x"), 413);
    assert_int_equal(ask_as_owner(&f->a, "POST", "/tenants/b/kbs/v0/resource/x/y/3", "x"), 200);
}

static void
keys_are_each_tenants_own(void **state)
{
    struct fixture *f = *state;
    char of_root[8192];

    assert_int_equal(ask(&f->root, "GET", "/.well-known/jwks.json", NULL, NULL, ""), 200);
    (void)snprintf(of_root, sizeof(of_root), "%s", said(&f->root));
    assert_int_equal(ask(&f->a, "GET", "/tenants/a/.well-known/jwks.json", NULL, NULL, ""), 200);
    assert_string_not_equal(said(&f->a), of_root);
    /* A session of one is none for another. */
    assert_int_equal(attest(&f->root), 200);
    assert_int_equal(ask(&f->root, "GET", "/kbs/v0/resource/no/such/one", f->root.cookie, NULL, ""),
                     403);
    assert_int_equal(
        ask(&f->root, "GET", "/tenants/a/kbs/v0/resource/no/such/one", f->root.cookie, NULL, ""),
        401);
}

static void
paths_of_nobody_are_not_there(void **state)
{
    static const char *const paths[] = {
        "/tenants/",
        "/tenants/a",
        "/tenants/c/kbs/v0/resource",
        "/tenants/A/healthz",
        "/tenants//kbs/v0/resource",
        "/tenants/a/metrics",
        "/tenants/a/tenants/b/kbs/v0/resource",
        "/tenants/a%2f/healthz",
        "/tenants/aa/healthz",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (ask_as_owner(&f->a, "GET", paths[i], "") != 404)
            fail_msg("%s", paths[i]);
    assert_int_equal(ask(&f->a, "GET", "/tenants/a/healthz", NULL, NULL, ""), 200);
}

static void
a_tenant_that_cannot_be_read_is_said(void **state)
{
    struct fixture *f = *state;
    static const char config[] = "[[tenants]]\nname = \"t\"\nconfig_file = \"/nowhere/t.toml\"\n";
    struct coco_kbs_core *core = NULL;
    char text[512];
    char path[128];
    coco_error *err = NULL;

    assert_fails(coco_kbs_core_new(f->root.ctx, config, &core, &err), err, COCO_ERR_NOTFOUND,
                 "tenant t");
    (void)snprintf(path, sizeof(path), "%s/bad.toml", f->dir);
    assert_ok(coco_file_write(path, "[metrics]\n", 10, 0600, &err), err);
    (void)snprintf(text, sizeof(text), "[[tenants]]\nname = \"t\"\nconfig_file = \"%s\"\n", path);
    assert_fails(coco_kbs_core_new(f->root.ctx, text, &core, &err), err, COCO_ERR_PROTO,
                 "tenant t");
}

/* A CA of tenant name, whose root goes to *pem; more follows in its configuration. */
static void
write_tenant_with_ca(struct fixture *f, const char *name, const char *more, char **pem)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 16384};
    struct pki_cert root = {0};
    char path[128];
    coco_error *err = NULL;

    pki_make_ca(&root, NULL, "Root");
    *pem = pki_pem(&root);
    char *key = pki_key_pem(&root);
    assert_ok(coco_buf_printf(&text, &err,
                              "[[plugins]]\nname = \"ca\"\ncertificate = '''\n%s'''\n"
                              "private_key = '''\n%s'''\ntrust_domain = \"%s\"\n"
                              "path = \"/guest\"\n%s",
                              *pem, key, name, more),
              err);
    (void)snprintf(path, sizeof(path), "%s/%s.toml", f->dir, name);
    assert_ok(coco_file_write(path, text.data, text.len, 0600, &err), err);
    OPENSSL_free(key);
    pki_done(&root);
}

static void
each_tenant_has_a_ca_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct world w = {.ctx = f->root.ctx};
    char text[512];
    char *one = NULL;
    char *two = NULL;
    coco_error *err = NULL;

    write_tenant_with_ca(f, "one", "", &one);
    write_tenant_with_ca(f, "two", "", &two);
    (void)snprintf(text, sizeof(text),
                   "[[tenants]]\nname = \"one\"\nconfig_file = \"%s/one.toml\"\n"
                   "[[tenants]]\nname = \"two\"\nconfig_file = \"%s/two.toml\"\n"
                   "[[tenants]]\nname = \"a\"\nconfig_file = \"%s/a.toml\"\n",
                   f->dir, f->dir, f->dir);
    assert_ok(coco_kbs_core_new(f->root.ctx, text, &w.core, &err), err);
    assert_int_equal(ask(&w, "GET", "/tenants/one/kbs/v0/ca/bundle", NULL, NULL, ""), 200);
    assert_string_equal(said(&w), one);
    assert_int_equal(ask(&w, "GET", "/tenants/two/kbs/v0/ca/bundle", NULL, NULL, ""), 200);
    assert_string_equal(said(&w), two);
    assert_string_not_equal(one, two);
    assert_int_equal(ask(&w, "GET", "/tenants/a/kbs/v0/ca/bundle", NULL, NULL, ""), 404);
    assert_int_equal(ask(&w, "GET", "/kbs/v0/ca/bundle", NULL, NULL, ""), 404);
    assert_int_equal(ask(&w, "POST", "/tenants/one/kbs/v0/ca/certificate", NULL, NULL, "x"), 401);
    coco_httpd_reply_done(&w.reply);
    coco_kbs_core_free(w.core);
    OPENSSL_free(two);

    /* Tokens of hardware are the process's. */
    OPENSSL_free(one);
    write_tenant_with_ca(f, "one", "[[plugins]]\nname = \"pkcs11\"\n", &one);
    w.core = NULL;
    assert_fails(coco_kbs_core_new(f->root.ctx, text, &w.core, &err), err, COCO_ERR_PROTO,
                 "tenant one");
    assert_null(w.core);
    OPENSSL_free(one);
}

static void
opening_survives_failed_allocations(void **state)
{
    struct fixture *f = *state;
    char text[512];

    (void)snprintf(text, sizeof(text), "[[tenants]]\nname = \"a\"\nconfig_file = \"%s/a.toml\"\n",
                   f->dir);
    for_each_fault()
    {
        _cleanup_(coco_kbs_core_freep) struct coco_kbs_core *core = NULL;
        coco_error *err = NULL;

        coco_status status = coco_kbs_core_new(f->root.ctx, text, &core, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(each_owner_has_her_own_resources),     T(keys_are_each_tenants_own),
        T(each_tenant_has_a_ca_of_its_own),      T(paths_of_nobody_are_not_there),
        T(a_tenant_that_cannot_be_read_is_said), T(opening_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/tenants", tests, NULL, NULL);
}
