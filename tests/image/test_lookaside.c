/*
 * tests/image/test_lookaside.c - lib/image/lookaside.c
 *
 * With what skopeo signs: tests/cli/test_simple_signing.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "image/signatures.h"
#include "tests/httpd.h"

#include "signing.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* What a server answers for a path that ends so; NULL ends the list. */
struct page {
    const char *end, *head, *body;
};

static bool
answer(void *user, const struct httpd_request *request)
{
    size_t len = strlen(request->target);

    for (const struct page *page = user; page->end; page++) {
        size_t n = strlen(page->end);

        if (n <= len && strcmp(request->target + len - n, page->end) == 0)
            return httpd_reply(request->httpd, page->body ? "200 OK" : "500 Sorry", page->head,
                               page->body ? page->body : "");
    }
    return httpd_reply(request->httpd, "404 Not Found", "", "{}");
}

/* A server with these pages, and an image that is in it as a registry. */
struct web {
    struct httpd httpd;
    coco_image_ref *ref;
    coco_image_options set;
    struct coco_digest digest;
};

static void
begin_web(struct fixture *f, struct web *w, const struct page *pages, bool lookaside)
{
    const coco_image_options once = {.size = sizeof(once), .retries = UINT32_MAX};
    char text[128];

    *w = (struct web){0};
    httpd_start(&w->httpd, answer, (void *)(uintptr_t)pages, NULL);
    if (lookaside) {
        (void)snprintf(text, sizeof(text), "default-docker:\n  lookaside: %s/base/\n",
                       w->httpd.url);
        assert_ok(coco_image_client_add_lookaside(f->client, (const uint8_t *)text, strlen(text),
                                                  &f->err),
                  f->err);
    }
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", w->httpd.port);
    w->ref = ref_of(f, text);
    assert_ok(coco_digest_parse("sha256:" HEX, &w->digest, &f->err), f->err);
    assert_ok(coco_image_options_set(&w->set, &once, 0, &f->err), f->err);
}

static void
end_web(struct web *w)
{
    httpd_stop(&w->httpd);
    coco_image_ref_free(w->ref);
}

static coco_status
list_web(struct fixture *f, const struct web *w, struct coco_signatures *ret)
{
    const struct coco_found_image image = {f->client, w->ref, &w->set, NULL};

    return coco_lookaside_list(&image, f->ctx, &w->digest, ret, &f->err);
}

static coco_status
list(struct fixture *f, const struct page *pages, bool lookaside, struct coco_signatures *ret)
{
    struct web w;

    begin_web(f, &w, pages, lookaside);
    coco_status status = list_web(f, &w, ret);
    end_web(&w);
    return status;
}

static void
files_of_the_web_are_listed(void **state)
{
    static const struct page pages[] = {
        {"/base/acme/app@sha256=" HEX "/signature-1", "", "\xa3one"},
        {"/base/acme/app@sha256=" HEX "/signature-2", "", "\xa3two"},
        {"/base/acme/app@sha256=" HEX "/signature-4", "",
         "\xa3"
         "four"},
        {NULL, NULL, NULL},
    };
    struct fixture *f = *state;
    _cleanup_signatures_ struct coco_signatures got = {0};

    assert_ok(list(f, pages, true, &got), f->err);
    assert_int_equal(got.n, 2);
    assert_string_equal(coco_buf_text(&got.list[1].data), "\xa3two");
}

static void
a_server_that_fails_is_an_error(void **state)
{
    static const struct page pages[] = {{"/signature-1", "", NULL}, {NULL, NULL, NULL}};
    struct fixture *f = *state;
    _cleanup_signatures_ struct coco_signatures got = {0};

    assert_fails(list(f, pages, true, &got), f->err, COCO_ERR_NET, "answers 500");
}

static void
registries_are_asked_if_they_say_so(void **state)
{
    static const char says[] = "X-Registry-Supports-Signatures: 1\r\n";
    static const struct {
        struct page pages[3];
        coco_status status;
        size_t n;
    } cases[] = {
        {{{"/v2/", "", "{}"}, {"/signatures/sha256:" HEX, "", "{\"signatures\":[]}"}}, COCO_OK, 0},
        {{{"/v2/", says, "{}"}}, COCO_OK, 0},
        {{{"/v2/", says, "{}"},
          {"/extensions/v2/acme/app/signatures/sha256:" HEX, "",
           "{\"signatures\":[{\"schemaVersion\":2,\"type\":\"atomic\",\"content\":\"YWI=\"},"
           "{\"schemaVersion\":1,\"type\":\"atomic\",\"content\":\"YWI=\"},{\"schemaVersion\":2,"
           "\"type\":\"other\",\"content\":\"YWI=\"}]}"}},
         COCO_OK,
         1},
        {{{"/v2/", says, "{}"}, {"/signatures/sha256:" HEX, "", "[]"}}, COCO_ERR_PROTO, 0},
        {{{"/v2/", says, "{}"}, {"/signatures/sha256:" HEX, "", "{\"signatures\":[1]}"}},
         COCO_ERR_PROTO,
         0},
        {{{"/v2/", says, "{}"},
          {"/signatures/sha256:" HEX, "",
           "{\"signatures\":[{\"schemaVersion\":2,\"type\":\"atomic\",\"content\":\"*\"}]}"}},
         COCO_ERR_PROTO,
         0},
        {{{"/v2/", says, "{}"}, {"/signatures/sha256:" HEX, "", NULL}}, COCO_ERR_NET, 0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_signatures_ struct coco_signatures got = {0};

        coco_status status = list(f, cases[i].pages, false, &got);
        assert_int_equal(status, cases[i].status);
        coco_error_free(f->err);
        f->err = NULL;
        if (status == COCO_OK)
            assert_int_equal(got.n, cases[i].n);
    }
}

/* Of both kinds: files of the web, and what a registry keeps itself. */
static void
listing_survives_any_failed_allocation(void **state)
{
    static const struct page pages[] = {
        {"/base/acme/app@sha256=" HEX "/signature-1", "", "\xa3one"},
        {"/v2/", "X-Registry-Supports-Signatures: 1\r\n", "{}"},
        {"/extensions/v2/acme/app/signatures/sha256:" HEX, "",
         "{\"signatures\":[{\"schemaVersion\":2,\"type\":\"atomic\",\"content\":\"YWI=\"},"
         "{\"schemaVersion\":2,\"type\":\"atomic\",\"content\":\"YWM=\"}]}"},
        {NULL, NULL, NULL},
    };
    struct fixture *f = *state;

    for (unsigned lookaside = 0; lookaside < 2; lookaside++) {
        struct web w;

        begin_web(f, &w, pages, lookaside);
        for_each_fault()
        {
            struct coco_signatures got = {0};

            coco_status status = list_web(f, &w, &got);
            fault_expect(status, f->err);
            if (status == COCO_OK)
                assert_int_equal(got.n, lookaside ? 1 : 2);
            coco_signatures_done(&got);
        }
        end_web(&w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_the_web_are_listed),
        TEST(a_server_that_fails_is_an_error),
        TEST(registries_are_asked_if_they_say_so),
        TEST(listing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/lookaside", tests, NULL, NULL);
}
