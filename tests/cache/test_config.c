/*
 * tests/cache/test_config.c - lib/cache/config.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/config.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define LEAST "\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/d\",\"upstreams\":{\"docker.io\":{}}"

static coco_status
parse(const char *text, struct coco_cache_config *ret, coco_error **err)
{
    return coco_cache_config_parse(text, strlen(text), ret, err);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "configuration"},
        {"[]", "configuration"},
        {"{}", "listen"},
        {"{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/d\"}", "upstreams"},
        {"{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/d\",\"upstreams\":{}}", "is empty"},
        {"{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/d\",\"upstreams\":[]}", "upstreams"},
        {"{\"listen\":[],\"directory\":\"/d\",\"upstreams\":{\"a.b\":{}}}", "1 to 64"},
        {"{\"listen\":[1],\"directory\":\"/d\",\"upstreams\":{\"a.b\":{}}}", "list of texts"},
        {"{\"listen\":[\"127.0.0.1:0\"],\"upstreams\":{\"a.b\":{}}}", "directory"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"a.b\":true}}", "a.b"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"a/b\":{}}}", "not a name"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"\":{}}}", "not a name"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"short\":{}}}", "no registry"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"a.b\":{\"registry\":\"a.b/"
         "c\"}}}",
         "no registry"},
        {"{\"listen\":[\"x\"],\"directory\":\"/"
         "d\",\"upstreams\":{\"a.b\":{\"registry\":\"u@a.b\"}}}",
         "no registry"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"a.b\":{\"plain\":true}}}",
         "plain"},
        {"{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"a.b\":{\"ca\":\"/no/such\"}}}",
         "/no/such"},
        {"{" LEAST ",\"max_byte\":1}", "max_bytes"},
        {"{" LEAST ",\"max_bytes\":1}", "from 1048576"},
        {"{" LEAST ",\"max_bytes\":1e9}", "max_bytes"},
        {"{" LEAST ",\"max_fetches\":0}", "from 1 to 256"},
        {"{" LEAST ",\"max_connections\":65537}", "65536"},
        {"{" LEAST ",\"stall_seconds\":0}", "stall_seconds"},
        {"{" LEAST ",\"retries\":101}", "retries"},
        {"{" LEAST ",\"verify\":1}", "verify"},
        {"{" LEAST ",\"unix_mode\":\"9\"}", "unix_mode"},
        {"{" LEAST ",\"unix_mode\":\"6660\"}", "unix_mode"},
        {"{" LEAST ",\"unix_mode\":\"0000\"}", "nobody"},
        {"{" LEAST ",\"default_upstream\":\"ghcr.io\"}", "none of the upstreams"},
        {"{" LEAST ",\"certificate\":\"/no/such\"}", "/no/such"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_cache_config config;

        if (parse(cases[i].text, &config, &err) == COCO_OK)
            fail_msg("case %zu is taken", i);
        assert_contains(coco_error_message(err), cases[i].why);
        coco_error_free(err);
        err = NULL;
    }
}

static void
what_is_not_said_has_a_default(void **state)
{
    _cleanup_cache_config_ struct coco_cache_config config = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("{" LEAST "}", &config, &err), err);
    assert_int_equal(config.n_listen, 1);
    assert_string_equal(config.listen[0], "127.0.0.1:0");
    assert_string_equal(config.directory, "/d");
    assert_int_equal(config.max_bytes, 20ULL << 30);
    assert_int_equal(config.max_connections, 1024);
    assert_int_equal(config.max_fetches, 16);
    assert_int_equal(config.stall_seconds, 30);
    assert_int_equal(config.retries, 2);
    assert_int_equal(config.unix_mode, 0);
    assert_true(config.verify);
    assert_false(config.insecure_http);
    assert_null(config.fallback);
    assert_string_equal(config.upstreams[0].registry, "docker.io");
    assert_false(config.upstreams[0].plain_http);
    assert_false(config.upstreams[0].shared);
}

static void
what_is_said_is_taken(void **state)
{
    _cleanup_cache_config_ struct coco_cache_config config = {0};
    char dir[64];
    char path[96];
    char text[1024];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/auth.json", dir);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fputs("{\"auths\":{\"b.test:5\":{\"auth\":\"dTpw\"}}}", f);
    (void)fclose(f);
    (void)snprintf(
        text, sizeof(text),
        "{\"listen\":[\"unix:/a\",\"vsock:any:1\"],\"directory\":\"/d\",\"verify\":false,"
        "\"unix_mode\":\"0660\",\"retries\":0,\"default_upstream\":\"b\",\"upstreams\":{"
        "\"docker.io\":{},\"b\":{\"registry\":\"b.test:5\",\"plain_http\":true,"
        "\"auth_file\":\"%s\"}}}",
        path);
    assert_ok(parse(text, &config, &err), err);
    remove_temp_dir(dir);
    assert_int_equal(config.n_listen, 2);
    assert_int_equal(config.unix_mode, 0660);
    assert_int_equal(config.retries, 0);
    assert_false(config.verify);
    assert_ptr_equal(config.fallback, &config.upstreams[1]);
    assert_ptr_equal(coco_cache_config_find(&config, "docker.io/x", 9), &config.upstreams[0]);
    assert_null(coco_cache_config_find(&config, "docker.io", 8));
    assert_null(coco_cache_config_find(&config, "b.test:5", 8));
    assert_true(config.upstreams[1].plain_http);
    assert_true(config.upstreams[1].shared);
}

static void
it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_cache_config config = {0};
        coco_error *err = NULL;

        coco_status status = parse("{" LEAST ",\"default_upstream\":\"docker.io\"}", &config, &err);
        if (status == COCO_OK)
            coco_cache_config_done(&config);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(what_is_not_said_has_a_default),
        cmocka_unit_test(what_is_said_is_taken),
        cmocka_unit_test(it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("cache/config", tests, NULL, NULL);
}
