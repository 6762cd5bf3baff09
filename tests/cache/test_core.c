/*
 * tests/cache/test_core.c - lib/cache/core.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/core.h"

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
what_a_credential_brought_is_not_for_others(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *blob = world_add(&w, "secret blob");
    const char *manifest = world_add(&w, "{\"secret\":1}");
    w.up.wants = "Bearer mine";
    w.up.challenge = "Basic realm=\"r\"";
    assert_int_equal(get_as(&w, "GET", "blobs", blob, "Bearer mine"), 200);
    assert_string_equal(w.body, "secret blob");
    assert_int_equal(get_as(&w, "GET", "manifests", manifest, "Bearer mine"), 200);
    while (count_files(&w, "private.up.test") < 2)
        wait_for_news(&w);
    assert_int_equal(count_files(&w, "public"), 0);
    /* Nobody else gets them, and nobody but the registry says so. */
    for (unsigned i = 0; i < 2; i++) {
        const char *other = i ? "Bearer other" : NULL;
        unsigned asked = w.up.asked;

        assert_int_equal(get_as(&w, "GET", "blobs", blob, other), 401);
        assert_contains(w.head, "WWW-Authenticate: Basic realm=\"r\"\r\n");
        assert_null(strstr(w.body, "secret"));
        assert_int_equal(get_as(&w, "GET", "manifests", manifest, other), 401);
        assert_int_equal(get_as(&w, "HEAD", "blobs", blob, other), 401);
        assert_int_equal(get_as(&w, "GET", "manifests", "tag", other), 401);
        assert_true(w.up.asked >= asked + 4);
    }
    /* Whoever has it gets what is there, but not without a question. */
    unsigned gets = w.up.gets;
    unsigned heads = w.up.heads;
    assert_int_equal(get_as(&w, "GET", "blobs", blob, "Bearer mine"), 200);
    assert_string_equal(w.body, "secret blob");
    assert_int_equal(get_as(&w, "GET", "manifests", manifest, "Bearer mine"), 200);
    assert_int_equal(w.up.gets, gets);
    assert_int_equal(w.up.heads, heads + 2);
    world_end(&w);
}

static int
get_from_other(struct world *w, const char *kind, const char *digest, const char *authorization)
{
    const struct coco_httpd_request headers = {.authorization = authorization};
    char target[512];

    (void)snprintf(target, sizeof(target), "/v2/other.test/a/%s/%s", kind, digest);
    return ask(w, "GET", target, &headers);
}

/* One that says yes to everything, and has nothing of it. */
static void
no_registry_gives_away_what_is_of_another(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *blob = world_add(&w, "secret blob");
    const char *manifest = world_add(&w, "{\"secret\":1}");
    assert_int_equal(get_as(&w, "GET", "blobs", blob, "Bearer mine"), 200);
    assert_int_equal(get_as(&w, "GET", "manifests", manifest, "Bearer mine"), 200);
    while (count_files(&w, "private.up.test") < 2)
        wait_for_news(&w);
    w.other.instead = "{\"public\":1}";
    for (unsigned i = 0; i < 2; i++) {
        const char *authorization = i ? "Bearer any" : NULL;

        (void)get_from_other(&w, "blobs", blob, authorization);
        assert_true(w.cut);
        assert_null(strstr(w.body, "secret"));
        assert_int_equal(get_from_other(&w, "manifests", manifest, authorization), 502);
    }
    assert_int_equal(count_files(&w, "private.up.test"), 2);
    assert_int_equal(count_files(&w, "public"), 0);
    world_end(&w);
}

/* The same, while it comes. */
static void
what_comes_for_one_is_not_for_who_asks_another_registry(void **state)
{
    struct coco_httpd_reply mine;
    struct world w;
    char target[256];

    (void)state;
    world_begin(&w, "");
    const char *blob = world_add(&w, "secret blob");
    const struct coco_httpd_request headers = {.authorization = "Bearer mine"};
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", blob);
    w.up.hold = true;
    begin_ask(&w, "GET", target, &headers);
    settle(&w);
    mine = w.reply;
    w.reply = (struct coco_httpd_reply){0};
    (void)snprintf(target, sizeof(target), "/v2/other.test/a/blobs/%s", blob);
    begin_ask(&w, "GET", target, NULL);
    settle(&w);
    assert_int_equal(counted(&w, COCO_CACHE_JOINS), 0);
    assert_int_equal(counted(&w, COCO_CACHE_MISSES), 2);
    w.up.hold = false;
    while (!drain(&w))
        wait_for_news(&w);
    coco_httpd_reply_done(&w.reply);
    w.reply = mine;
    w.body_len = 0;
    while (!drain(&w))
        wait_for_news(&w);
    assert_memory_equal(w.body, "secret blob", w.body_len);
    while (count_files(&w, "private.up.test") + count_files(&w, "public") < 2)
        wait_for_news(&w);
    world_end(&w);
}

/* Bytes are what their digest says; a type is but what somebody says of them. */
static void
the_type_of_a_manifest_is_the_word_of_its_registry_alone(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *manifest = world_add(&w, "{}");
    w.other.type = "text/html";
    assert_int_equal(get_from_other(&w, "manifests", manifest, NULL), 200);
    assert_contains(w.head, "Content-Type: text/html\r\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(get(&w, "manifests", manifest), 200);
        assert_contains(w.head, "Content-Type: " MANIFEST_TYPE "\r\n");
    }
    assert_int_equal(w.up.gets, 1);
    world_end(&w);
}

static void
what_a_registry_gives_to_all_is_for_all_from_then_on(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *blob = world_add(&w, "hello");
    assert_int_equal(get_as(&w, "GET", "blobs", blob, "Bearer mine"), 200);
    while (count_files(&w, "private.up.test") < 1)
        wait_for_news(&w);
    /* A question without a credential is enough. */
    assert_int_equal(get(&w, "blobs", blob), 200);
    assert_string_equal(w.body, "hello");
    assert_int_equal(w.up.gets, 1);
    assert_int_equal(count_files(&w, "private.up.test"), 0);
    assert_int_equal(count_files(&w, "public"), 1);
    unsigned asked = w.up.asked;
    assert_int_equal(get(&w, "blobs", blob), 200);
    assert_int_equal(w.up.asked, asked);
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

static void
it_ends_although_a_registry_does_not(void **state)
{
    struct world w;
    char target[256];

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "hello, all of you");
    (void)snprintf(target, sizeof(target), "/v2/up.test/a/blobs/%s", digest);
    w.up.hold = true;
    begin_ask(&w, "GET", target, NULL);
    settle(&w);
    assert_int_equal(w.reply.status, 200);
    coco_cache_core_cancel(w.core);
    w.body_len = 0;
    while (!drain(&w))
        wait_for_news(&w);
    assert_true(w.cut);
    assert_int_equal(get(&w, "manifests", "tag"), 503);
    world_end(&w);
}

static void
a_configuration_that_cannot_be_is_refused(void **state)
{
    struct coco_cache_core *core = NULL;
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_fails(coco_cache_core_new(ctx, "{}", &core, &err), err, COCO_ERR_PROTO, "listen");
    assert_fails(coco_cache_core_new(ctx,
                                     "{\"listen\":[\"127.0.0.1:0\"],\"directory\":\"/dev/null/x\","
                                     "\"upstreams\":{\"docker.io\":{}}}",
                                     &core, &err),
                 err, COCO_ERR_IO, "/dev/null/x");
    assert_null(core);
    coco_cache_core_free(NULL);
    coco_ctx_free(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_that_cannot_be_is_refused),
        cmocka_unit_test(a_blob_with_a_wrong_digest_is_cut_and_never_kept),
        cmocka_unit_test(a_manifest_with_a_wrong_digest_is_refused),
        cmocka_unit_test(a_blob_of_unknown_length_is_not_fetched),
        cmocka_unit_test(a_registry_that_sends_too_much_is_not_a_cache_that_is_full),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_a_credential_brought_is_not_for_others),
        cmocka_unit_test(no_registry_gives_away_what_is_of_another),
        cmocka_unit_test(what_comes_for_one_is_not_for_who_asks_another_registry),
        cmocka_unit_test(the_type_of_a_manifest_is_the_word_of_its_registry_alone),
        cmocka_unit_test(what_a_registry_gives_to_all_is_for_all_from_then_on),
        cmocka_unit_test(a_blob_is_fetched_once_and_then_there),
        cmocka_unit_test(who_hangs_up_is_not_asked_for),
        cmocka_unit_test(a_blob_that_nobody_waits_for_any_more_is_not_begun),
        cmocka_unit_test(who_asks_meanwhile_waits_with_them),
        cmocka_unit_test(a_tag_is_asked_for_each_time_and_its_manifest_once),
        cmocka_unit_test(a_registry_that_announces_no_digest_is_asked_for_all_of_it),
        cmocka_unit_test(an_entry_that_was_spoiled_is_fetched_again),
        cmocka_unit_test(a_registry_that_is_gone_is_said_to_be),
        cmocka_unit_test(it_ends_although_a_registry_does_not),
    };

    return cmocka_run_group_tests_name("cache/core", tests, NULL, NULL);
}
