/*
 * tests/cache/test_router.c - lib/cache/router.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/router.h"

#include "base/json.h"

#include "world.h"

static void
refusals_are_those_of_a_registry(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *code;
    } cases[] = {
        {"POST", "/v2/up.test/a/blobs/uploads/", 405, "UNSUPPORTED"},
        {"GET", "/v2/quay.io/a/manifests/x", 403, "DENIED"},
        {"GET", "/v2/up.test/A/manifests/x", 400, "NAME_INVALID"},
        {"GET", "/nothing", 404, "NAME_UNKNOWN"},
        {"GET", "/v2/up.test/a/manifests/x", 404, "NAME_UNKNOWN"},
    };
    struct world w;

    (void)state;
    world_begin(&w, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ cJSON *json = NULL;
        const cJSON *errors = NULL;
        const char *code = NULL;

        assert_int_equal(ask(&w, cases[i].method, cases[i].target, NULL), cases[i].status);
        assert_string_equal(w.reply.type, "application/json");
        assert_int_equal(strstr(w.head, "Allow: GET, HEAD\r\n") != NULL, cases[i].status == 405);
        assert_int_equal(coco_json_parse_object(w.body, w.body_len, &json, NULL), COCO_OK);
        assert_int_equal(coco_json_get_array(json, "errors", &errors, NULL), COCO_OK);
        assert_int_equal(coco_json_get_string(cJSON_GetArrayItem(errors, 0), "code", &code, NULL),
                         COCO_OK);
        assert_string_equal(code, cases[i].code);
    }
    assert_int_equal(counted(&w, COCO_CACHE_REFUSALS), 5);
    world_end(&w);
}

static void
a_registry_that_has_enough_is_believed(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    w.up.status = "429 Too Many Requests";
    assert_int_equal(get(&w, "manifests", "tag"), 429);
    assert_contains(w.head, "Retry-After: 7\r\n");
    world_end(&w);
}

static void
blobs_have_what_clients_look_for(void **state)
{
    struct world w;
    char want[256];

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    for (unsigned i = 0; i < 4; i++) { /* from the registry, and from here */
        assert_int_equal(get_as(&w, i % 2 ? "GET" : "HEAD", "blobs", digest, NULL), 200);
        (void)snprintf(want, sizeof(want),
                       "Docker-Content-Digest: %s\r\nETag: \"%s\"\r\nAccept-Ranges: bytes\r\n"
                       "Content-Type: application/octet-stream\r\n",
                       digest, digest);
        assert_string_equal(w.head, want);
        assert_true(w.reply.stream.sized && w.reply.stream.size == 5);
        if (i == 1)
            while (count_files(&w, "public") == 0)
                wait_for_news(&w);
    }
    /* To ask whether it is there fetches nothing. */
    assert_int_equal(w.up.gets, 1);
    world_end(&w);
}

static void
parts_are_given(void **state)
{
    static const struct {
        const char *range;
        int status;
        const char *body, *field;
    } cases[] = {
        {"bytes=1-3", 206, "ell", "Content-Range: bytes 1-3/5\r\n"},
        {"bytes=1-", 206, "ello", "Content-Range: bytes 1-4/5\r\n"},
        {"bytes=-2", 206, "lo", "Content-Range: bytes 3-4/5\r\n"},
        {"bytes=5-", 416, "{\"errors\":", "Content-Range: bytes */5\r\n"},
        {"bytes=x", 200, "hello", "Content-Type: application/octet-stream\r\n"},
    };
    struct world w;
    char target[256];

    (void)state;
    world_begin(&w, "");
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", world_add(&w, "hello"));
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            const struct coco_httpd_request headers = {.range = cases[i].range};

            assert_int_equal(ask(&w, "GET", target, &headers), cases[i].status);
            assert_int_equal(strncmp(w.body, cases[i].body, strlen(cases[i].body)), 0);
            assert_contains(w.head, cases[i].field);
        }
    const struct coco_httpd_request old = {.range = "bytes=1-", .if_range = "\"old\""};
    assert_int_equal(ask(&w, "GET", target, &old), 200);
    assert_string_equal(w.body, "hello");
    assert_int_equal(w.up.gets, 1);
    world_end(&w);
}

static void
operators_are_told_how_it_is(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    assert_int_equal(ask(&w, "GET", "/healthz", NULL), 200);
    assert_int_equal(ask(&w, "GET", "/v2/", NULL), 200);
    assert_string_equal(w.body, "{}");
    assert_contains(w.head, "Docker-Distribution-Api-Version: registry/2.0\r\n");
    assert_int_equal(get(&w, "blobs", world_add(&w, "hello")), 200);
    assert_int_equal(ask(&w, "GET", "/metrics", NULL), 200);
    assert_contains(w.reply.type, "text/plain; version=0.0.4");
    assert_contains(w.body, "\ncoco_cache_requests_total 1\n");
    assert_contains(w.body, "\ncoco_cache_misses_total 1\n");
    world_end(&w);
}

static void
many_accept_fields_are_one_to_the_registry(void **state)
{
    struct world w;
    struct coco_httpd_request headers = {.accept = {"a/b", "c/d;q=0.5"}, .n_accept = 2};
    static char longest[8192];

    (void)state;
    world_begin(&w, "");
    (void)world_add(&w, "{}");
    assert_int_equal(ask(&w, "GET", "/v2/up.test/a/manifests/tag", &headers), 200);
    memset(longest, 'x', sizeof(longest) - 1);
    headers.accept[1] = longest;
    assert_int_equal(ask(&w, "GET", "/v2/up.test/a/manifests/tag", &headers), 500);
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_those_of_a_registry),
        cmocka_unit_test(a_registry_that_has_enough_is_believed),
        cmocka_unit_test(blobs_have_what_clients_look_for),
        cmocka_unit_test(parts_are_given),
        cmocka_unit_test(operators_are_told_how_it_is),
        cmocka_unit_test(many_accept_fields_are_one_to_the_registry),
    };

    return cmocka_run_group_tests_name("cache/router", tests, NULL, NULL);
}
