/*
 * tests/cache/test_fetch.c - lib/cache/fetch.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/fetch.h"

#include "world.h"

static void
a_blob_is_fetched_once_and_then_there(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(&w, "blobs", digest), 200);
        assert_string_equal(w.body, "hello");
        while (count_files(&w, "public") == 0) /* the last byte comes a moment before */
            wait_for_news(&w);
    }
    assert_int_equal(w.up.gets, 1);
    assert_int_equal(w.up.heads, 1);
    assert_int_equal(count_files(&w, "public"), 1);
    assert_int_equal(counted(&w, COCO_CACHE_MISSES), 1);
    assert_int_equal(counted(&w, COCO_CACHE_HITS), 2);
    assert_int_equal(counted(&w, COCO_CACHE_BYTES_FETCHED), 5);
    assert_int_equal(counted(&w, COCO_CACHE_BYTES_SERVED), 15);
    world_end(&w);
}

static void
a_blob_that_nobody_waits_for_any_more_is_not_begun(void **state)
{
    struct coco_httpd_reply first;
    struct world w;
    char target[256];

    (void)state;
    world_begin(&w, ",\"max_fetches\":1");
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", world_add(&w, "hello"));
    w.up.hold = true;
    begin_ask(&w, "GET", target, NULL);
    settle(&w);
    first = w.reply;
    w.reply = (struct coco_httpd_reply){0};
    (void)snprintf(target, sizeof(target), "/v2/other.test/a/blobs/%s", world_add(&w, "hullo"));
    begin_ask(&w, "GET", target, NULL);
    settle(&w);
    assert_int_equal(count_files(&w, "tmp"), 2);
    coco_httpd_reply_done(&w.reply);
    w.up.hold = false;
    w.reply = first;
    w.body_len = 0;
    while (!drain(&w))
        wait_for_news(&w);
    /* Blobs are fetched one after the other. */
    (void)snprintf(target, sizeof(target), "/v2/other.test/a/blobs/%s", world_add(&w, "hi"));
    (void)ask(&w, "GET", target, NULL);
    assert_string_equal(w.body, "hi");
    assert_int_equal(w.other.gets, 1);
    world_end(&w);
}

static void
a_blob_with_a_wrong_digest_is_cut_and_never_kept(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    w.up.instead = "hullo";
    assert_int_equal(get(&w, "blobs", digest), 200);
    assert_true(w.cut);
    assert_in_range(w.body_len, 0, 4); /* whatever came before, the last byte did not */
    assert_int_equal(count_files(&w, "public"), 0);
    assert_int_equal(count_files(&w, "tmp"), 0);
    assert_int_equal(counted(&w, COCO_CACHE_BAD_FETCHES), 1);
    assert_contains(w.said, ", got sha256:");
    /* The next may do better. */
    w.up.instead = NULL;
    assert_int_equal(get(&w, "blobs", digest), 200);
    assert_string_equal(w.body, "hello");
    world_end(&w);
}

static void
a_blob_of_unknown_length_is_not_fetched(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    w.up.no_length = true;
    assert_int_equal(get(&w, "blobs", digest), 502);
    assert_int_equal(w.up.gets, 0);
    world_end(&w);
}

static void
a_registry_that_sends_too_much_is_not_a_cache_that_is_full(void **state)
{
    static char large[5 << 20];
    struct world w;

    (void)state;
    memset(large, ' ', sizeof(large) - 1);
    world_begin(&w, "");
    (void)world_add(&w, "{}");
    w.up.instead = large;
    assert_int_equal(get(&w, "manifests", "tag"), 502);
    assert_contains(w.said, "what the registry sends");
    world_end(&w);
}

static void
what_does_not_fit_is_refused(void **state)
{
    static char large[3 << 20];
    struct world w;

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    world_begin(&w, ",\"max_bytes\":1048576");
    const char *digest = world_add(&w, large);
    assert_int_equal(get(&w, "blobs", digest), 503);
    assert_int_equal(w.up.gets, 0);
    assert_contains(w.said, "larger than all of the cache");
    world_end(&w);
}

static void
an_entry_that_was_spoiled_is_fetched_again(void **state)
{
    struct world w;
    char path[512];

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    assert_int_equal(get(&w, "blobs", digest), 200);
    while (count_files(&w, "public") == 0)
        wait_for_news(&w);
    (void)snprintf(path, sizeof(path), "%s/cache/public/blob-sha256-%s", w.dir, digest + 7);
    FILE *f = fopen(path, "r+e");
    assert_non_null(f);
    (void)fputs("hullo", f);
    (void)fclose(f);
    assert_int_equal(get(&w, "blobs", digest), 200);
    assert_true(w.cut);
    assert_int_equal(counted(&w, COCO_CACHE_BAD_ENTRIES), 1);
    assert_int_equal(get(&w, "blobs", digest), 200);
    assert_string_equal(w.body, "hello");
    assert_int_equal(w.up.gets, 2);
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_fetched_once_and_then_there),
        cmocka_unit_test(a_blob_that_nobody_waits_for_any_more_is_not_begun),
        cmocka_unit_test(a_blob_with_a_wrong_digest_is_cut_and_never_kept),
        cmocka_unit_test(a_blob_of_unknown_length_is_not_fetched),
        cmocka_unit_test(a_registry_that_sends_too_much_is_not_a_cache_that_is_full),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(an_entry_that_was_spoiled_is_fetched_again),
    };

    return cmocka_run_group_tests_name("cache/fetch", tests, NULL, NULL);
}
