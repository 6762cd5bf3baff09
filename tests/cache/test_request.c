/*
 * tests/cache/test_request.c - lib/cache/request.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/request.h"

#include "base/fail.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST "sha256:" ZEROS
#define BLOB "/v2/ghcr.io/a/blobs/" DIGEST

static struct coco_cache_config config;

static int
set_up(void **state)
{
    static const char text[] =
        "{\"listen\":[\"x\"],\"directory\":\"/d\",\"upstreams\":{\"docker.io\":{},\"ghcr.io\":{},"
        "\"127.0.0.1:5000\":{},\"alias\":{\"registry\":\"r.test:1\"}}}";

    (void)state;
    assert_int_equal(coco_cache_config_parse(text, strlen(text), &config, NULL), COCO_OK);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    coco_cache_config_done(&config);
    return 0;
}

static int
parse(const char *method, const char *path, const char *query, struct coco_cache_request *ret)
{
    const struct coco_httpd_request request = {.method = method, .path = path, .query = query};
    const char *why = NULL;

    *ret = (struct coco_cache_request){0};
    int bad = coco_cache_request_parse(&config, &request, ret, &why);
    if (bad)
        assert_non_null(why);
    return bad;
}

static void
what_cannot_be_is_refused(void **state)
{
    static const struct {
        int status;
        const char *path, *query;
    } cases[] = {
        {404, "/", NULL},
        {404, "", NULL},
        {404, "/v1/", NULL},
        {404, "/v2x/", NULL},
        {404, "/v2//", NULL},
        {404, "/v2/_catalog", NULL},
        {404, "/v2/ghcr.io/a/tags/list", NULL},
        {404, "/v2/ghcr.io/a/referrers/" DIGEST, NULL},
        {404, "/v2/blobs/" DIGEST, NULL},
        {404, "/v2/ghcr.io/a/blobs", NULL},
        {400, "/v2/ghcr.io/a/blobs/", NULL},
        {400, "/v2/ghcr.io/a/blobs/tag", NULL},
        {400, "/v2/ghcr.io/a/blobs/sha256:0", NULL},
        {400, "/v2/ghcr.io/a/blobs/sha256:" ZEROS "0", NULL},
        {400, "/v2/ghcr.io/a/blobs/SHA256:" ZEROS, NULL},
        {400, "/v2/ghcr.io/a/blobs/md5:" ZEROS, NULL},
        {400, "/v2/ghcr.io/a/blobs/sha256%3A" ZEROS, NULL},
        {400, "/v2/ghcr.io/a/manifests/" DIGEST ":x", NULL},
        {400, "/v2/ghcr.io/a/manifests/x@" DIGEST, NULL},
        {400, "/v2/ghcr.io/a/manifests/-x", NULL},
        {400, "/v2/ghcr.io/a/manifests/x y", NULL},
        {400, "/v2/ghcr.io/A/manifests/x", NULL},
        {400, "/v2/ghcr.io/../manifests/x", NULL},
        {400, "/v2/ghcr.io/a/../b/manifests/x", NULL},
        {400, "/v2/ghcr.io/a//b/manifests/x", NULL},
        {400, "/v2/ghcr.io//manifests/x", NULL},
        {400, "/v2/ghcr.io/a:b/manifests/x", NULL},
        {400, "/v2/ghcr.io/a@b/manifests/x", NULL},
        {400, "/v2/ghcr.io/a%2fb/manifests/x", NULL},
        {403, "/v2/quay.io/a/manifests/x", NULL},
        {403, "/v2/ghcr.io:443/a/manifests/x", NULL},
        {403, "/v2/ghcr.i/a/manifests/x", NULL},
        {403, "/v2/r.test:1/a/manifests/x", NULL},
        {403, "/v2/a/manifests/x", NULL},
        {403, "/v2/ghcr.io/manifests/x", NULL},
        {403, "/v2/a/manifests/x", "ns=quay.io"},
        {403, "/v2/ghcr.io/a/manifests/x", "ns=quay.io"},
        {403, "/v2/a/manifests/x", "ns=ghcr.io%2e"},
        {403, "/v2/a/manifests/x", "NS=ghcr.io"},
        {403, "/v2/a/manifests/x", "xns=ghcr.io"},
        {400, "/v2/a/manifests/x", "ns="},
        {400, "/v2/a/manifests/x", "ns=ghcr.io&ns=docker.io"},
        {400, "/v2/a/manifests/x", "ns=ghcr.io&ns="},
        {400, "/v2/a/manifests/x", "ns=ghcr.io%"},
        {400, "/v2/a/manifests/x", "ns=ghcr.io%0"},
        {400, "/v2/a/manifests/x", "ns=ghcr.io%00"},
        {400, "/v2/a/manifests/x", "ns=ghcr.io%zz"},
    };
    struct coco_cache_request r;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = parse("GET", cases[i].path, cases[i].query, &r);

        if (status != cases[i].status)
            fail_msg("case %zu, %s: %d", i, cases[i].path, status);
    }
    static const char *const methods[] = {"POST",    "PUT", "DELETE", "PATCH",
                                          "OPTIONS", "get", "GETS"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        assert_int_equal(parse(methods[i], BLOB, NULL, &r), 405);
    /* Longer than anything can be. */
    char path[4000];
    char ns[1000];
    memset(path, 'a', sizeof(path));
    memcpy(path, "/v2/ghcr.io/", strlen("/v2/ghcr.io/"));
    (void)snprintf(path + 3000, sizeof(path) - 3000, "/manifests/x");
    assert_int_equal(parse("GET", path, NULL, &r), 400);
    (void)snprintf(ns, sizeof(ns), "ns=%0900d", 0);
    assert_int_equal(parse("GET", "/v2/a/manifests/x", ns, &r), 400);
    (void)snprintf(path, sizeof(path), "/v2/ghcr.io/a/manifests/%0900d", 0);
    assert_int_equal(parse("GET", path, NULL, &r), 400);
}

static void
requests_are_taken_apart(void **state)
{
    static const struct {
        const char *path, *query;
        enum coco_cache_what what;
        const char *ref;
    } cases[] = {
        {"/v2/", NULL, COCO_CACHE_PING, NULL},
        {"/v2", NULL, COCO_CACHE_PING, NULL},
        {"/v2/", "ns=quay.io", COCO_CACHE_PING, NULL},
        {"/healthz", NULL, COCO_CACHE_HEALTH, NULL},
        {"/metrics", NULL, COCO_CACHE_METRICS, NULL},
        {BLOB, NULL, COCO_CACHE_BLOB, "ghcr.io/a@" DIGEST},
        {BLOB, "", COCO_CACHE_BLOB, "ghcr.io/a@" DIGEST},
        {"/v2/ghcr.io/a/b/c/manifests/v1.0", NULL, COCO_CACHE_MANIFEST, "ghcr.io/a/b/c:v1.0"},
        {"/v2/a/b/manifests/x", "ns=ghcr.io", COCO_CACHE_MANIFEST, "ghcr.io/a/b:x"},
        {"/v2/a/b/manifests/x", "x=y&ns=ghcr.io&", COCO_CACHE_MANIFEST, "ghcr.io/a/b:x"},
        {"/v2/a/manifests/x", "ns=127.0.0.1%3A5000", COCO_CACHE_MANIFEST, "127.0.0.1:5000/a:x"},
        {"/v2/a/manifests/x", "ns=127.0.0.1:5000", COCO_CACHE_MANIFEST, "127.0.0.1:5000/a:x"},
        {"/v2/127.0.0.1:5000/a/manifests/x", NULL, COCO_CACHE_MANIFEST, "127.0.0.1:5000/a:x"},
        {"/v2/alias/a/manifests/x", NULL, COCO_CACHE_MANIFEST, "r.test:1/a:x"},
        {"/v2/docker.io/library/busybox/manifests/latest", NULL, COCO_CACHE_MANIFEST,
         "docker.io/library/busybox:latest"},
        {"/v2/ghcr.io/blobs/manifests/manifests/blobs", NULL, COCO_CACHE_MANIFEST,
         "ghcr.io/blobs/manifests:blobs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_cache_request_ struct coco_cache_request r = {0};
        int bad = parse(i % 2 ? "HEAD" : "GET", cases[i].path, cases[i].query, &r);

        if (bad)
            fail_msg("case %zu: %d", i, bad);
        assert_int_equal(r.what, cases[i].what);
        assert_int_equal(r.head, i % 2);
        if (cases[i].ref)
            assert_string_equal(coco_image_ref_text(r.ref), cases[i].ref);
        assert_int_equal(r.digest.alg != 0, r.ref && coco_image_ref_digest(r.ref));
    }
    /* Where one upstream is meant unless another is named. */
    _cleanup_cache_request_ struct coco_cache_request r = {0};
    config.fallback = &config.upstreams[0];
    assert_int_equal(parse("GET", "/v2/library/x/manifests/y", NULL, &r), 0);
    config.fallback = NULL;
    assert_string_equal(coco_image_ref_text(r.ref), "docker.io/library/x:y");
}

static void
ranges_are_read(void **state)
{
    static const struct {
        const char *range, *if_range;
        uint64_t size;
        struct coco_cache_range want;
    } cases[] = {
        {NULL, NULL, 10, {0, 10, 200}},
        {"bytes=0-", NULL, 10, {0, 10, 206}},
        {"bytes=3-", NULL, 10, {3, 7, 206}},
        {"bytes=3-5", NULL, 10, {3, 3, 206}},
        {"bytes=3-3", NULL, 10, {3, 1, 206}},
        {"bytes=3-999999999999999999", NULL, 10, {3, 7, 206}},
        {"bytes=9-", NULL, 10, {9, 1, 206}},
        {"bytes=10-", NULL, 10, {0, 0, 416}},
        {"bytes=999999999999999999-", NULL, 10, {0, 0, 416}},
        {"bytes=-3", NULL, 10, {7, 3, 206}},
        {"bytes=-30", NULL, 10, {0, 10, 206}},
        {"bytes=-0", NULL, 10, {0, 0, 416}},
        {"bytes=0-", NULL, 0, {0, 0, 416}},
        {"bytes=-1", NULL, 0, {0, 0, 416}},
        {"bytes=3-", "\"x\"", 10, {3, 7, 206}},
        {"bytes=3-", "\"y\"", 10, {0, 10, 200}},
        {"bytes=3-", "W/\"x\"", 10, {0, 10, 200}},
        {"bytes=3-", "", 10, {0, 10, 200}},
        /* What is not understood is not there. */
        {"", NULL, 10, {0, 10, 200}},
        {"bytes", NULL, 10, {0, 10, 200}},
        {"bytes=", NULL, 10, {0, 10, 200}},
        {"bytes=-", NULL, 10, {0, 10, 200}},
        {"bytes=x-", NULL, 10, {0, 10, 200}},
        {"bytes=3", NULL, 10, {0, 10, 200}},
        {"bytes=5-3", NULL, 10, {0, 10, 200}},
        {"bytes=3-5,7-8", NULL, 10, {0, 10, 200}},
        {"bytes=3-5 ", NULL, 10, {0, 10, 200}},
        {"bytes= 3-5", NULL, 10, {0, 10, 200}},
        {"bytes=+3-", NULL, 10, {0, 10, 200}},
        {"bytes=--3", NULL, 10, {0, 10, 200}},
        {"bytes=18446744073709551616-", NULL, 10, {0, 10, 200}},
        {"bytes=0-18446744073709551616", NULL, 10, {0, 10, 200}},
        {"items=0-1", NULL, 10, {0, 10, 200}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_cache_range got =
            coco_cache_range_parse(cases[i].range, cases[i].if_range, "\"x\"", cases[i].size);

        if (got.status != cases[i].want.status || got.first != cases[i].want.first
            || got.len != cases[i].want.len)
            fail_msg("case %zu: %d, %llu from %llu", i, got.status, (unsigned long long)got.len,
                     (unsigned long long)got.first);
    }
}

static void
without_memory_it_says_so(void **state)
{
    const struct coco_httpd_request request = {.method = "GET", .path = BLOB};

    (void)state;
    for_each_fault()
    {
        struct coco_cache_request r = {0};
        const char *why = NULL;
        int bad = coco_cache_request_parse(&config, &request, &r, &why);

        assert_true(bad == 0 || bad == 500);
        coco_cache_request_done(&r);
        coco_error *err = NULL;
        coco_status status = bad ? coco_fail_nomem(&err) : COCO_OK;

        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(requests_are_taken_apart),
        cmocka_unit_test(ranges_are_read),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests_name("cache/request", tests, set_up, tear_down);
}
