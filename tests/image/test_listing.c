/*
 * tests/image/test_listing.c - lib/image/listing.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/registry.h"

#include "tests/httpd.h"

#include "signing.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ENTRY(type)                                                                                \
    "{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" HEX                      \
    "\",\"size\":7,\"artifactType\":\"" type "\"}"
#define PAGE(entries) "{\"schemaVersion\":2,\"manifests\":[" entries "]}"

/* What is answered to a target that ends so. */
struct page {
    const char *end, *link, *body;
};

static bool
answer(void *user, const struct httpd_request *request)
{
    for (const struct page *page = user; page->end; page++) {
        size_t len = strlen(request->target);
        size_t n = strlen(page->end);
        char head[200];

        if (n > len || strcmp(request->target + len - n, page->end) != 0)
            continue;
        (void)snprintf(head, sizeof(head), "%s%s%s", page->link ? "Link: " : "",
                       page->link ? page->link : "", page->link ? "\r\n" : "");
        return httpd_reply(request->httpd, "200 OK", head, page->body);
    }
    return httpd_reply(request->httpd, "404 Not Found", "", "{}");
}

static coco_status
list(struct fixture *f, const struct page *pages, struct coco_buf *ret)
{
    static struct httpd httpd;
    const struct coco_registry_options opts = {.plain_http = true,
                                               .retry = {.retries = UINT32_MAX}};
    _cleanup_registry_ struct coco_registry registry = {0};
    struct coco_digest digest = {0};
    char text[64];

    httpd_start(&httpd, answer, (void *)(uintptr_t)pages, NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", httpd.port);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, text);
    assert_ok(coco_digest_parse("sha256:" HEX, &digest, &f->err), f->err);
    assert_ok(coco_registry_open(&opts, ref, "pull", &registry, &f->err), f->err);
    coco_status status = coco_registry_referrers(&registry, f->ctx, &digest, ret, &f->err);
    httpd_stop(&httpd);
    return status;
}

static void
all_pages_become_one(void **state)
{
    static const struct page pages[] = {
        {"/referrers/sha256:" HEX, "</v2/acme/app/referrers/x?n=2>; rel=\"next\"",
         PAGE(ENTRY("a"))},
        {"x?n=2", "<x?n=3>; rel=next", PAGE(ENTRY("b") "," ENTRY("c"))},
        {"x?n=3", "<x?n=1>; rel=\"prev\", <x?n=4>; rel=\"next\"", PAGE("")},
        /* as Go writes a list that nothing was added to */
        {"x?n=4", "<x?n=2>; rel=prev\r\nLink: <x?n=5>; title=\"a, b\"; rel=\"last next\"",
         "{\"schemaVersion\":2,\"manifests\":null}"},
        {"x?n=5", "<x?n=1>; rel=\"prev\"; title=\"; rel=next\"", PAGE("")},
        {NULL, NULL, NULL},
    };
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    struct fixture *f = *state;

    assert_ok(list(f, pages, &text), f->err);
    assert_string_equal(coco_buf_text(&text), PAGE(ENTRY("a") "," ENTRY("b") "," ENTRY("c")));
}

static void
pages_that_lead_nowhere_are_refused(void **state)
{
    static const struct {
        struct page pages[3];
        coco_status status;
        const char *why;
    } cases[] = {
        {{{NULL, NULL, NULL}}, COCO_ERR_NOTFOUND, "404"},
        {{{HEX, NULL, "[]"}}, COCO_ERR_PROTO, ""},
        {{{HEX, NULL, "{\"schemaVersion\":2}"}}, COCO_ERR_PROTO, "manifests"},
        {{{HEX, "<http://127.0.0.1:1/v2/>; rel=\"next\"", PAGE("")}},
         COCO_ERR_PROTO,
         "another server"},
        {{{HEX, "<http://other.test/v2/>; rel=\"next\"", PAGE("")}},
         COCO_ERR_PROTO,
         "another server"},
        {{{HEX, "<gone>; rel=\"next\"", PAGE("")}}, COCO_ERR_NOTFOUND, "404"},
        {{{HEX, "<loop>; rel=\"next\"", PAGE("")}, {"/loop", "<loop>; rel=\"next\"", PAGE("")}},
         COCO_ERR_LIMIT,
         "more than 16 pages"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};

        assert_fails(list(f, cases[i].pages, &text), f->err, cases[i].status, cases[i].why);
        assert_int_equal(text.len, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_pages_become_one),
        TEST(pages_that_lead_nowhere_are_refused),
    };

    return cmocka_run_group_tests_name("image/listing", tests, NULL, NULL);
}
