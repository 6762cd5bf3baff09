/*
 * tests/cache/test_access.c - lib/cache/access.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/access.h"

#include "world.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_credential_brought_is_not_for_others),
        cmocka_unit_test(no_registry_gives_away_what_is_of_another),
        cmocka_unit_test(what_comes_for_one_is_not_for_who_asks_another_registry),
        cmocka_unit_test(the_type_of_a_manifest_is_the_word_of_its_registry_alone),
        cmocka_unit_test(what_a_registry_gives_to_all_is_for_all_from_then_on),
    };

    return cmocka_run_group_tests_name("cache/access", tests, NULL, NULL);
}
