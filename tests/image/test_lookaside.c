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

static coco_status
list(struct fixture *f, const struct page *pages, bool lookaside, struct coco_signatures *ret)
{
    static struct httpd httpd;
    struct coco_digest digest = {0};
    coco_image_options set = {0};
    char text[128];

    httpd_start(&httpd, answer, (void *)(uintptr_t)pages, NULL);
    if (lookaside) {
        (void)snprintf(text, sizeof(text), "default-docker:\n  lookaside: %s/base/\n", httpd.url);
        assert_ok(coco_image_client_add_lookaside(f->client, (const uint8_t *)text, strlen(text),
                                                  &f->err),
                  f->err);
    }
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", httpd.port);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, text);
    assert_ok(coco_digest_parse("sha256:" HEX, &digest, &f->err), f->err);
    const coco_image_options once = {.size = sizeof(once), .retries = UINT32_MAX};
    assert_ok(coco_image_options_set(&set, &once, 0, &f->err), f->err);
    const struct coco_found_image image = {f->client, ref, &set, NULL};
    coco_status status = coco_lookaside_list(&image, f->ctx, &digest, ret, &f->err);
    httpd_stop(&httpd);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_the_web_are_listed),
        TEST(a_server_that_fails_is_an_error),
        TEST(registries_are_asked_if_they_say_so),
    };

    return cmocka_run_group_tests_name("image/lookaside", tests, NULL, NULL);
}
