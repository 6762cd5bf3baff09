/*
 * tests/kbc/test_offline_sev_kbc.c - lib/kbc/offline_sev_kbc.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/driver.h"

#include "base/context.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"

struct fixture {
    char root[64];
    coco_ctx *ctx;
    coco_error *err;
};

static void
put(const struct fixture *f, const char *content)
{
    write_text_under(f->root, "sys/kernel/security/secrets/coco/" GUID, content);
}

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    make_temp_dir(f->root, sizeof(f->root));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return setenv("COCO_TEE_ROOT", f->root, 1);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    remove_temp_dir(f->root);
    return unsetenv("COCO_TEE_ROOT");
}

static coco_status
get(struct fixture *f, const char *params, const char *uri, coco_bytes **ret)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;

    coco_status status = coco_kbc_new(params, &kbc, &f->err);
    if (status == COCO_OK)
        status = coco_kbc_get_resource(kbc, f->ctx, uri, ret, &f->err);
    return status;
}

static void
secrets_are_those_that_were_put_in(void **state)
{
    static const char *const params[] = {"offline_sev_kbc::", "offline_sev_kbc::null"};
    struct fixture *f = *state;
    coco_bytes *none = NULL;

    put(f, "{\"default/key/1\":\"a2V5\"}");
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

        assert_ok(get(f, params[i], "kbs:///default/key/1", &secret), f->err);
        assert_string_equal((const char *)coco_bytes_data(secret), "key");
    }
    assert_fails(get(f, params[0], "kbs:///default/key/2", &none), f->err, COCO_ERR_NOTFOUND,
                 "did not put it in");
    assert_null(none);
}

static void
a_guest_without_or_with_a_broken_secret_says_so(void **state)
{
    struct fixture *f = *state;
    coco_bytes *secret = NULL;

    assert_fails(get(f, "offline_sev_kbc::", "kbs:///a/b/c", &secret), f->err, COCO_ERR_NOTFOUND,
                 GUID);
    put(f, "[]");
    assert_fails(get(f, "offline_sev_kbc::", "kbs:///a/b/c", &secret), f->err, COCO_ERR_PROTO,
                 "offline_sev_kbc");
    assert_fails(get(f, "offline_sev_kbc::/etc", "kbs:///a/b/c", &secret), f->err, COCO_ERR_INVALID,
                 "not empty");
    assert_null(secret);
}

static void
a_secret_is_wiped(void **state)
{
    static const char text[] = "c2VjcmV0LWtleS1vZi10aGUtb3duZXI=";
    struct fixture *f = *state;
    coco_bytes *secret = NULL;
    char json[128];

    (void)snprintf(json, sizeof(json), "{\"default/key/1\":\"%s\"}", text);
    put(f, json);
    canary_begin("secret-key-of-the-owner", 23);
    assert_ok(get(f, "offline_sev_kbc::", "kbs:///default/key/1", &secret), f->err);
    coco_bytes_free(secret);
    assert_int_equal(canary_end(), 0);
    canary_begin(text, strlen(text));
    secret = NULL;
    assert_ok(get(f, "offline_sev_kbc::", "kbs:///default/key/1", &secret), f->err);
    coco_bytes_free(secret);
    assert_int_equal(canary_end(), 0);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    put(f, "{\"default/key/1\":\"a2V5\"}");
    for_each_fault()
    {
        coco_bytes *secret = NULL;

        coco_status status = get(f, "offline_sev_kbc::", "kbs:///default/key/1", &secret);
        fault_expect(status, f->err);
        coco_bytes_free(secret);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_are_those_that_were_put_in),
        TEST(a_guest_without_or_with_a_broken_secret_says_so),
        TEST(a_secret_is_wiped),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
