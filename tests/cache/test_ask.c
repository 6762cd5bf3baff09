/*
 * tests/cache/test_ask.c - lib/cache/ask.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

#include "world.h"

static void
who_asks_meanwhile_waits_with_them(void **state)
{
    struct world w;
    struct coco_httpd_reply others[20] = {{0}};
    char target[256];

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello, all of you");
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", digest);
    w.up.hold = true;
    for (size_t i = 0; i < 20; i++) {
        begin_ask(&w, "GET", target, NULL);
        if (i > 10)
            settle(&w); /* some while it is asked for, some while it is fetched */
        others[i] = w.reply;
        w.reply = (struct coco_httpd_reply){0};
    }
    w.up.hold = false;
    for (size_t i = 0; i < 20; i++) {
        w.reply = others[i];
        settle(&w);
        w.body_len = 0;
        while (!drain(&w))
            wait_for_news(&w);
        assert_int_equal(w.body_len, strlen("hello, all of you"));
        assert_false(w.cut);
        coco_httpd_reply_done(&w.reply);
    }
    assert_int_equal(w.up.gets, 1);
    world_end(&w);
}

/* Begins number i of the questions for a manifest, each in a repository of its own. */
static struct coco_httpd_reply
begin_question(struct world *w, unsigned i, const char *digest)
{
    char target[256];

    (void)snprintf(target, sizeof(target), "/v2/up.test/a%u/manifests/%s", i, digest);
    begin_ask(w, "GET", target, NULL);
    struct coco_httpd_reply reply = w->reply;
    w->reply = (struct coco_httpd_reply){0};
    return reply;
}

/* Peers that ask and hang up would keep all others waiting behind them. */
static void
who_hangs_up_is_not_asked_for(void **state)
{
    struct coco_httpd_reply waiting[COCO_CACHE_LANE_MAX];
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "{}");
    w.up.hold = true;
    for (unsigned i = 0; i < COCO_CACHE_LANE_MAX; i++)
        waiting[i] = begin_question(&w, i, digest);
    for (unsigned i = 100; i < 200; i++) {
        struct coco_httpd_reply reply = begin_question(&w, i, digest);

        coco_httpd_reply_done(&reply);
    }
    w.up.hold = false;
    for (unsigned i = 0; i < COCO_CACHE_LANE_MAX; i++) {
        w.reply = waiting[i];
        settle(&w);
        assert_int_equal(w.reply.status, 200);
        coco_httpd_reply_done(&w.reply);
    }
    assert_int_equal(get(&w, "manifests", "tag"), 200);
    assert_in_range(w.up.asked, COCO_CACHE_LANE_MAX + 1, COCO_CACHE_LANE_MAX + 3);
    world_end(&w);
}

static void
a_manifest_with_a_wrong_digest_is_refused(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "{}");
    w.up.instead = "[]";
    assert_int_equal(get(&w, "manifests", digest), 502);
    assert_int_equal(get(&w, "manifests", "tag"), 502);
    assert_int_equal(count_files(&w, "public"), 0);
    assert_int_equal(counted(&w, COCO_CACHE_BAD_FETCHES), 2);
    world_end(&w);
}

static void
a_tag_is_asked_for_each_time_and_its_manifest_once(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    (void)world_add(&w, "{\"a\":1}");
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(get(&w, "manifests", "tag"), 200);
        assert_string_equal(w.body, "{\"a\":1}");
        assert_contains(w.head, "Content-Type: " MANIFEST_TYPE "\r\n");
        assert_int_equal(w.up.heads, i);
        assert_int_equal(w.up.gets, 1);
    }
    /* When it moves, so does the answer. */
    const char *moved = world_add(&w, "{\"a\":2}");
    w.up.items[0] = w.up.items[1];
    assert_int_equal(get(&w, "manifests", "tag"), 200);
    assert_string_equal(w.body, "{\"a\":2}");
    /* By digest nothing is asked. */
    unsigned asked = w.up.asked;
    assert_int_equal(get(&w, "manifests", moved), 200);
    assert_int_equal(w.up.asked, asked);
    world_end(&w);
}

static void
a_registry_that_announces_no_digest_is_asked_for_all_of_it(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "{}");
    w.up.no_digest = true;
    for (unsigned i = 1; i < 3; i++) {
        assert_int_equal(get_as(&w, i == 1 ? "GET" : "HEAD", "manifests", "tag", NULL), 200);
        assert_contains(w.head, digest);
        assert_int_equal(w.up.gets, i);
    }
    world_end(&w);
}

static void
a_registry_that_is_gone_is_said_to_be(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello");
    assert_int_equal(get(&w, "blobs", digest), 200);
    while (count_files(&w, "public") == 0)
        wait_for_news(&w);
    w.up.status = "503 Service Unavailable";
    assert_int_equal(get(&w, "manifests", "tag"), 502);
    /* What is there does not need it. */
    assert_int_equal(get(&w, "blobs", digest), 200);
    assert_string_equal(w.body, "hello");
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_meanwhile_waits_with_them),
        cmocka_unit_test(who_hangs_up_is_not_asked_for),
        cmocka_unit_test(a_manifest_with_a_wrong_digest_is_refused),
        cmocka_unit_test(a_tag_is_asked_for_each_time_and_its_manifest_once),
        cmocka_unit_test(a_registry_that_announces_no_digest_is_asked_for_all_of_it),
        cmocka_unit_test(a_registry_that_is_gone_is_said_to_be),
    };

    return cmocka_run_group_tests_name("cache/ask", tests, NULL, NULL);
}
