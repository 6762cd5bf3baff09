/*
 * tests/sealed/test_inspect.c - lib/sealed/inspect.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sealed/kit.h"

#include "tests/faults.h"

#define ENVELOPE                                                                                   \
    "{\"version\":\"0.1.0\",\"type\":\"envelope\",\"key_id\":\"k\",\"encrypted_key\":\"AAAA\","    \
    "\"encrypted_data\":\"AAAAAAAAAAAAAAAAAAAAAAAA\",\"wrap_type\":\"A256GCM\","                   \
    "\"iv\":\"AAAAAAAAAAAAAAAA\",\"provider\":\"aws\",\"provider_settings\":{\"region\":\"r\"},"   \
    "\"annotations\":{}}"

static void
what_it_says_is_told_without_what_is_secret(void **state)
{
    static const struct {
        const char *payload, *want;
    } cases[] = {
        {VAULT(SECRET_URI),
         "{\"signed\":true,\"alg\":\"ES256\",\"kid\":\"k\",\"version\":\"0.1.0\","
         "\"type\":\"vault\",\"provider\":\"kbs\",\"name\":\"" SECRET_URI "\","
         "\"provider_settings\":{},\"annotations\":{}}"},
        {ENVELOPE,
         "{\"signed\":true,\"alg\":\"ES256\",\"kid\":\"k\",\"version\":\"0.1.0\","
         "\"type\":\"envelope\",\"provider\":\"aws\",\"key_id\":\"k\",\"wrap_type\":\"A256GCM\","
         "\"bytes\":2,\"provider_settings\":{\"region\":\"r\"},\"annotations\":{}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        _cleanup_free_ char *text =
            kit_text("sealed.", "{\"alg\":\"ES256\",\"kid\":\"k\"}", cases[i].payload, "AAAA");
        _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
        coco_error *err = NULL;

        assert_ok(coco_sealed_inspect(text, &told, &err), err);
        assert_string_equal((const char *)coco_bytes_data(told), cases[i].want);
    }
}

static void
that_nobody_signed_is_told(void **state)
{
    _cleanup_free_ char *text = kit_unsigned("{\"version\":\"0.1.0\",\"type\":\"vault\","
                                             "\"name\":\"n\",\"provider\":\"kbs\"}");
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sealed_inspect(text, &told, &err), err);
    assert_string_equal((const char *)coco_bytes_data(told),
                        "{\"signed\":false,\"version\":\"0.1.0\",\"type\":\"vault\","
                        "\"provider\":\"kbs\",\"name\":\"n\"}");
    coco_bytes_free(coco_steal(&told));
    assert_fails(coco_sealed_inspect("kbs:///a/b/c", &told, &err), err, COCO_ERR_PROTO,
                 "sealed secret");
}

static void
inspecting_survives_any_failed_allocation(void **state)
{
    _cleanup_free_ char *text =
        kit_text("sealed.", "{\"alg\":\"ES256\",\"kid\":\"k\"}", ENVELOPE, "AAAA");
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;

        coco_status status = coco_sealed_inspect(text, &told, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_is_told_without_what_is_secret),
        cmocka_unit_test(that_nobody_signed_is_told),
        cmocka_unit_test(inspecting_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
