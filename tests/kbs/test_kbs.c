/*
 * tests/kbs/test_kbs.c - lib/kbs/kbs.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/kbs.h>

#include "base/context.h"
#include "kbs/policy.h"

#include "tests/kbs/configs.h"

#include <string.h>

static int
begin(void **state)
{
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;

    assert_ok(coco_ctx_new(&ctx, &err), err);
    *state = ctx;
    return 0;
}

static int
end(void **state)
{
    coco_ctx_free(*state);
    return 0;
}

static coco_kbs *
make(coco_ctx *ctx)
{
    coco_kbs *kbs = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_new(ctx, CONFIG_ANY_PORT, &kbs, &err), err);
    return kbs;
}

static void
it_starts_stops_and_starts_again(void **state)
{
    coco_kbs *kbs = make(*state);
    coco_error *err = NULL;

    assert_null(coco_kbs_url(kbs));
    coco_kbs_stop(kbs);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(coco_kbs_start(kbs, &err), err);
        assert_int_equal(strncmp(coco_kbs_url(kbs), "http://127.0.0.1:", 17), 0);
        assert_fails(coco_kbs_start(kbs, &err), err, COCO_ERR_INVALID, "already");
        coco_kbs_stop(kbs);
        assert_null(coco_kbs_url(kbs));
    }
    assert_ok(coco_kbs_start(kbs, &err), err);
    coco_kbs_free(kbs);
    coco_kbs_free(NULL);
}

static void
resources_are_put_listed_and_deleted(void **state)
{
    coco_kbs *kbs = make(*state);
    coco_bytes *bytes = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_put_resource(kbs, "b/t/1", (const uint8_t *)"\0x", 2, &err), err);
    assert_ok(coco_kbs_put_resource(kbs, "a/t/1", NULL, 0, &err), err);
    assert_ok(coco_kbs_get_resource(kbs, "b/t/1", &bytes, &err), err);
    assert_int_equal(coco_bytes_size(bytes), 2);
    assert_memory_equal(coco_bytes_data(bytes), "\0x", 2);
    coco_bytes_free(bytes);
    assert_ok(coco_kbs_list_resources(kbs, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes), "[\"a/t/1\",\"b/t/1\"]");
    coco_bytes_free(bytes);
    bytes = NULL;
    assert_ok(coco_kbs_delete_resource(kbs, "b/t/1", &err), err);
    assert_fails(coco_kbs_delete_resource(kbs, "b/t/1", &err), err, COCO_ERR_NOTFOUND, "b/t/1");
    assert_fails(coco_kbs_get_resource(kbs, "b/t/1", &bytes, &err), err, COCO_ERR_NOTFOUND,
                 "b/t/1");
    static const char *const bad[] = {"", "a", "a/b", "a/../c", "a/b/c/d", "kbs:///a/b/c"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(coco_kbs_put_resource(kbs, bad[i], NULL, 0, NULL), COCO_ERR_INVALID);
        assert_int_equal(coco_kbs_get_resource(kbs, bad[i], &bytes, NULL), COCO_ERR_INVALID);
        assert_int_equal(coco_kbs_delete_resource(kbs, bad[i], NULL), COCO_ERR_INVALID);
    }
    assert_null(bytes);
    coco_kbs_free(kbs);
}

static void
policies_and_values_are_checked(void **state)
{
    coco_kbs *kbs = make(*state);
    coco_bytes *bytes = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_set_reference_value(kbs, "launch_digest", "[\"a\"]", &err), err);
    assert_fails(coco_kbs_set_reference_value(kbs, "launch_digest", "[", &err), err, COCO_ERR_PROTO,
                 "reference value");
    assert_fails(coco_kbs_explain(kbs, "none", &bytes, &err), err, COCO_ERR_NOTFOUND, "no");
    if (coco_policy_supported()) {
        assert_ok(coco_kbs_set_resource_policy(kbs, "package policy\nallow := true", &err), err);
        assert_fails(coco_kbs_set_resource_policy(kbs, "nothing", &err), err, COCO_ERR_PROTO,
                     "policy");
        /* A rule that cannot be evaluated is a wrong policy too. */
        assert_fails(coco_kbs_set_resource_policy(
                         kbs,
                         "package policy\nr := numbers.range(1, 3000)\n"
                         "allow if { some a in r; some b in r; some c in r; a + b + c == 1 }",
                         &err),
                     err, COCO_ERR_PROTO, "allow");
    } else {
        assert_fails(coco_kbs_set_resource_policy(kbs, "package policy\nallow := true", &err), err,
                     COCO_ERR_NOTSUP, "no policy engine");
    }
    coco_kbs_free(kbs);
}

static void
every_call_survives_failed_allocations(void **state)
{
    coco_ctx *ctx = *state;

    for_each_fault()
    {
        coco_kbs *kbs = NULL;
        coco_bytes *bytes = NULL;
        coco_bytes *list = NULL;
        coco_bytes *versions = NULL;
        coco_bytes *policies = NULL;
        uint64_t version = 0;
        coco_error *err = NULL;

        coco_status status = coco_kbs_new(ctx, CONFIG_ANY_PORT, &kbs, &err);
        if (status == COCO_OK)
            status = coco_kbs_put_resource(kbs, "a/b/c", (const uint8_t *)"x", 1, &err);
        if (status == COCO_OK)
            status = coco_kbs_get_resource(kbs, "a/b/c", &bytes, &err);
        if (status == COCO_OK)
            status = coco_kbs_list_resources(kbs, &list, &err);
        if (status == COCO_OK)
            status = coco_kbs_set_reference_value(kbs, "a", "[1]", &err);
        if (status == COCO_OK)
            status = coco_kbs_delete_resource(kbs, "a/b/c", &err);
        if (status == COCO_OK)
            status = coco_kbs_restore_resource(kbs, "a/b/c", 0, &version, &err);
        if (status == COCO_OK)
            status = coco_kbs_resource_versions(kbs, "a/b/c", &versions, &err);
        if (status == COCO_OK)
            status = coco_kbs_purge_resource(kbs, "a/b/c", &err);
        if (status == COCO_OK)
            status = coco_kbs_list_resource_policies(kbs, &policies, &err);
        fault_expect(status, err);
        faults_pause();
        coco_bytes_free(bytes);
        coco_bytes_free(list);
        coco_bytes_free(versions);
        coco_bytes_free(policies);
        coco_kbs_free(kbs);
        coco_error_free(err);
        faults_resume();
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(it_starts_stops_and_starts_again),
        T(resources_are_put_listed_and_deleted),
        T(policies_and_values_are_checked),
        T(every_call_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/kbs", tests, NULL, NULL);
}
