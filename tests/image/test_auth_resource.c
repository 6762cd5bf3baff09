/*
 * tests/image/test_auth_resource.c - lib/image/auth_resource.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth_resource.h"

#include "base/context.h"
#include "base/fd.h"
#include "image/auth.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define URI "kbs:///default/credential/test"
/* {"auths":{"a.test":{"auth":"YWxpY2U6czNjcmV0"}}}, and alice:s3cret in it */
#define FILE_BASE64 "eyJhdXRocyI6eyJhLnRlc3QiOnsiYXV0aCI6IllXeHBZMlU2Y3pOamNtVjAifX19"
#define ENCODED "YWxpY2U6czNjcmV0"

struct fixture {
    char dir[256];
    coco_ctx *ctx;
    coco_kbc *kbc;
    struct coco_auth_resource resource;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_auth_resource_done(&f->resource);
    coco_kbc_free(f->kbc);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

/* A real key broker client that has that resource, base64, and no other. */
static void
keep(struct fixture *f, const char *base64)
{
    char text[512];

    coco_kbc_free(f->kbc);
    f->kbc = NULL;
    int n = snprintf(text, sizeof(text), "%s/aa-offline_fs_kbc-resources.json", f->dir);
    assert_true(n > 0);
    char json[1024];
    n = snprintf(json, sizeof(json), "{\"default/credential/test\":\"%s\"}", base64);
    assert_ok(coco_file_write(text, json, (size_t)n, 0600, &f->err), f->err);
    (void)snprintf(text, sizeof(text), "offline_fs_kbc::unprotected:%s", f->dir);
    assert_ok(coco_kbc_new(text, &f->kbc, &f->err), f->err);
}

static void
what_is_no_resource_is_refused_at_once(void **state)
{
    static const char *const cases[] = {
        "",
        "auth.json",
        "/etc/auth.json",
        "file:///etc/auth.json",
        "kbs:///default/credential",
        "kbs:///default/credential/test/more",
        "kbs:///default/../test",
    };
    struct fixture *f = *state;

    assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_auth_resource_set(&f->resource, cases[i], &f->kbc, &f->err), f->err,
                     COCO_ERR_INVALID, "");
    assert_string_equal(f->resource.uri, URI);
}

static void
what_cannot_be_got_is_told_and_tried_again(void **state)
{
    struct fixture *f = *state;
    const cJSON *file = NULL;

    assert_ok(coco_auth_resource_file(&f->resource, f->ctx, &file, &f->err), f->err);
    assert_null(file);
    assert_ok(
        coco_auth_resource_set(&f->resource, "kbs:///default/credential/other", &f->kbc, &f->err),
        f->err);
    assert_fails(coco_auth_resource_file(&f->resource, f->ctx, &file, &f->err), f->err,
                 COCO_ERR_INVALID, "kbs:///default/credential/other: there is no key broker");
    keep(f, FILE_BASE64);
    assert_fails(coco_auth_resource_file(&f->resource, f->ctx, &file, &f->err), f->err,
                 COCO_ERR_NOTFOUND, "credentials for registries, kbs:///default/credential/other");
    assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    /* {"auths":[]} */
    keep(f, "eyJhdXRocyI6W119");
    assert_fails(coco_auth_resource_file(&f->resource, f->ctx, &file, &f->err), f->err,
                 COCO_ERR_PROTO, "auth.json: ");
    assert_null(file);
    keep(f, FILE_BASE64);
    assert_ok(coco_auth_resource_file(&f->resource, f->ctx, &file, &f->err), f->err);
    assert_non_null(file);
}

static void
it_is_got_when_nobody_else_knows_and_once(void **state)
{
    struct fixture *f = *state;
    struct coco_auth auth = {.resource = &f->resource};
    static const char own[] = "{\"auths\":{\"b.test\":{\"auth\":\"Ym9iOnB3\"},\"c.test\":{}}}";
    struct coco_credentials found = {0};

    assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    assert_ok(coco_auth_add(&auth, own, strlen(own), &f->err), f->err);
    assert_ok(coco_auth_find(&auth, f->ctx, "b.test/app", &found, &f->err), f->err);
    assert_string_equal(found.user.data, "bob");
    coco_credentials_done(&found);
    assert_null(f->resource.file);
    assert_fails(coco_auth_find(&auth, f->ctx, "c.test/app", &found, &f->err), f->err,
                 COCO_ERR_INVALID, "no key broker");

    keep(f, FILE_BASE64);
    assert_ok(coco_auth_find(&auth, f->ctx, "a.test/app", &found, &f->err), f->err);
    assert_string_equal(found.user.data, "alice");
    coco_credentials_done(&found);
    coco_kbc_free(f->kbc);
    f->kbc = NULL;
    assert_ok(coco_auth_find(&auth, f->ctx, "a.test/app", &found, &f->err), f->err);
    assert_string_equal(found.password.data, "s3cret");
    coco_credentials_done(&found);
    assert_ok(coco_auth_find(&auth, f->ctx, "c.test/app", &found, &f->err), f->err);
    assert_null(found.user.data);
    /* Another one is another one. */
    assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    assert_null(f->resource.file);
    assert_ok(coco_auth_resource_set(&f->resource, NULL, &f->kbc, &f->err), f->err);
    assert_ok(coco_auth_find(&auth, f->ctx, "a.test/app", &found, &f->err), f->err);
    assert_null(found.user.data);
    coco_auth_done(&auth);
}

static void
credentials_are_wiped(void **state)
{
    struct fixture *f = *state;
    struct coco_auth auth = {.resource = &f->resource};
    struct coco_credentials found = {0};

    keep(f, FILE_BASE64);
    assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    static const char *const canaries[] = {ENCODED, "s3cret"};
    for (size_t i = 0; i < COUNT(canaries); i++) {
        canary_begin(canaries[i], strlen(canaries[i]));
        coco_status status = coco_auth_find(&auth, f->ctx, "a.test/app", &found, &f->err);
        coco_credentials_done(&found);
        coco_auth_resource_done(&f->resource);
        unsigned seen = canary_end();
        assert_ok(status, f->err);
        assert_int_equal(seen, 0);
        assert_ok(coco_auth_resource_set(&f->resource, URI, &f->kbc, &f->err), f->err);
    }
}

static void
getting_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    keep(f, FILE_BASE64);
    for_each_fault()
    {
        struct coco_auth_resource resource = {0};
        struct coco_auth auth = {.resource = &resource};
        struct coco_credentials found = {0};
        coco_error *err = NULL;

        coco_status status = coco_auth_resource_set(&resource, URI, &f->kbc, &err);
        if (status == COCO_OK)
            status = coco_auth_find(&auth, f->ctx, "a.test/app", &found, &err);
        fault_expect(status, err);
        coco_credentials_done(&found);
        coco_auth_resource_done(&resource);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_resource_is_refused_at_once),
        TEST(what_cannot_be_got_is_told_and_tried_again),
        TEST(it_is_got_when_nobody_else_knows_and_once),
        TEST(credentials_are_wiped),
        TEST(getting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/auth_resource", tests, NULL, NULL);
}
