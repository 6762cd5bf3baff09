/*
 * tests/cache/test_upstream.c - lib/cache/upstream.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache/upstream.h"

#include "world.h"

static struct coco_cache_lease *
take(struct world *w, const char *repository, const char *authorization)
{
    struct coco_cache_lease *lease = NULL;
    coco_image_ref *ref = NULL;
    char text[256];
    coco_error *err = NULL;

    (void)snprintf(text, sizeof(text), "%s/%s:tag", w->core->config.upstreams[0].registry,
                   repository);
    assert_ok(coco_image_ref_parse(text, &ref, &err), err);
    assert_ok(coco_cache_upstreams_take(w->core->upstreams, &w->core->config.upstreams[0], ref,
                                        authorization, &lease, &err),
              err);
    coco_image_ref_free(ref);
    return lease;
}

static struct coco_cache_answer
ask_for(struct world *w, struct coco_cache_lease *lease, bool head, enum coco_cache_kind kind,
        const char *reference)
{
    const struct coco_cache_question question = {
        .head = head, .kind = kind, .reference = reference, .accept = MANIFEST_TYPE};
    struct coco_cache_answer answer = {0};
    coco_error *err = NULL;

    assert_ok(coco_cache_lease_ask(lease, w->core->work, &question, &answer, &err), err);
    return answer;
}

static void
what_a_registry_refuses_is_what_a_client_is_told(void **state)
{
    static const struct {
        const char *said;
        int want;
    } cases[] = {
        {"400 Bad Request", 404}, {"401 Unauthorized", 401},
        {"403 Forbidden", 403},   {"404 Not Found", 404},
        {"410 Gone", 404},        {"429 Too Many Requests", 429},
        {"500 Oh", 502},          {"503 Service Unavailable", 502},
        {"201 Created", 502},     {"204 No Content", 502},
    };
    struct world w;

    (void)state;
    world_begin(&w, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_cache_lease *lease = take(&w, "a", NULL);

        w.up.status = cases[i].said;
        _cleanup_cache_answer_ struct coco_cache_answer answer =
            ask_for(&w, lease, i % 2, COCO_CACHE_KIND_MANIFEST, "tag");
        if (answer.status != cases[i].want)
            fail_msg("%s: %d", cases[i].said, answer.status);
        assert_string_equal(answer.retry_after, "7");
        coco_cache_upstreams_give(w.core->upstreams, lease);
    }
    world_end(&w);
}

static void
what_it_says_is_read(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    const char *digest = world_add(&w, "{}");
    struct coco_cache_lease *lease = take(&w, "a", NULL);
    _cleanup_cache_answer_ struct coco_cache_answer head =
        ask_for(&w, lease, true, COCO_CACHE_KIND_MANIFEST, "tag");
    _cleanup_cache_answer_ struct coco_cache_answer whole =
        ask_for(&w, lease, false, COCO_CACHE_KIND_MANIFEST, digest);
    _cleanup_cache_answer_ struct coco_cache_answer blob =
        ask_for(&w, lease, true, COCO_CACHE_KIND_BLOB, digest);
    assert_int_equal(head.status, 200);
    assert_true(head.sized && head.size == 2 && head.digest.alg == COCO_SHA256);
    assert_string_equal(head.type, MANIFEST_TYPE);
    assert_int_equal(head.text.len, 0);
    assert_string_equal(coco_buf_text(&whole.text), "{}");
    assert_true(blob.sized && blob.size == 2);
    coco_cache_upstreams_give(w.core->upstreams, lease);
    world_end(&w);
}

static void
conversations_are_kept_for_who_asks_there_next(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "");
    struct coco_cache_lease *a = take(&w, "a", NULL);
    struct coco_cache_lease *b = take(&w, "b", NULL);
    struct coco_cache_lease *again = take(&w, "a", NULL);
    assert_ptr_not_equal(a, again);
    coco_cache_upstreams_give(w.core->upstreams, again);
    coco_cache_upstreams_give(w.core->upstreams, a);
    coco_cache_upstreams_give(w.core->upstreams, b);
    coco_cache_upstreams_give(w.core->upstreams, NULL);
    assert_ptr_equal(take(&w, "a", NULL), a); /* the last */
    assert_ptr_equal(take(&w, "b", NULL), b);
    /* A client's credential is in none of them. */
    struct coco_cache_lease *mine = take(&w, "a", "Bearer x");
    assert_ptr_not_equal(mine, again);
    assert_null(mine->name);
    assert_string_equal(coco_buf_text(&mine->registry.authorization), "Bearer x");
    assert_int_equal(a->registry.authorization.len, 0);
    coco_cache_upstreams_give(w.core->upstreams, mine);
    assert_ptr_equal(take(&w, "a", NULL), again);
    coco_cache_upstreams_give(w.core->upstreams, a);
    coco_cache_upstreams_give(w.core->upstreams, b);
    coco_cache_upstreams_give(w.core->upstreams, again);
    /* And not all of them. */
    for (unsigned i = 0; i < 200; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "r%u", i);
        coco_cache_upstreams_give(w.core->upstreams, take(&w, name, NULL));
    }
    world_end(&w);
}

static void
a_server_of_tokens_that_refuses_is_a_registry_that_does(void **state)
{
    struct world w;
    char challenge[128];

    (void)state;
    world_begin(&w, "");
    /* The token server is this registry, too, and knows no such place. */
    (void)snprintf(challenge, sizeof(challenge), "Bearer realm=\"%s/token\",service=\"s\"",
                   w.up.httpd.url);
    w.up.wants = "Bearer never";
    w.up.challenge = challenge;
    struct coco_cache_lease *lease = take(&w, "a", NULL);
    _cleanup_cache_answer_ struct coco_cache_answer answer =
        ask_for(&w, lease, true, COCO_CACHE_KIND_MANIFEST, "tag");
    assert_int_equal(answer.status, 401);
    assert_string_equal(answer.challenge, challenge);
    coco_cache_upstreams_give(w.core->upstreams, lease);
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_registry_refuses_is_what_a_client_is_told),
        cmocka_unit_test(a_server_of_tokens_that_refuses_is_a_registry_that_does),
        cmocka_unit_test(what_it_says_is_read),
        cmocka_unit_test(conversations_are_kept_for_who_asks_there_next),
    };

    return cmocka_run_group_tests_name("cache/upstream", tests, NULL, NULL);
}
