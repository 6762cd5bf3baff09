/*
 * tests/image/test_referrers.c - lib/image/referrers.c
 *
 * Against a registry that lists them by a tag: tests/cli/test_keyless.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/referrers.h"

#include "tests/httpd.h"

#include "signing.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define INDEX                                                                                      \
    "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_INDEX "\",\"manifests\":[{"             \
    "\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST "\",\"digest\":\"sha256:" HEX                       \
    "\",\"size\":7,\"artifactType\":\"a/b\"},{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST            \
    "\",\"digest\":\"sha256:" HEX "\",\"size\":7}]}"

/* What a registry answers to the API and to the tag. */
struct answers {
    const char *api, *tag;
};

static bool
answer(void *user, const struct httpd_request *request)
{
    const struct answers *answers = user;
    bool api = strstr(request->target, "/referrers/") != NULL;
    const char *body = api ? answers->api : answers->tag;

    if (!body)
        return httpd_reply(request->httpd, "404 Not Found", "", "{}");
    return httpd_reply(request->httpd, "200 OK",
                       "Content-Type: application/vnd.oci.image.index.v1+json\r\n", body);
}

static coco_status
list(struct fixture *f, const struct answers *answers, struct coco_manifest *ret)
{
    static struct httpd httpd;
    struct coco_digest digest = {0};
    coco_image_options set = {0};
    char text[64];

    httpd_start(&httpd, answer, (void *)(uintptr_t)answers, NULL);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d/acme/app:1", httpd.port);
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = ref_of(f, text);
    assert_ok(coco_digest_parse("sha256:" HEX, &digest, &f->err), f->err);
    assert_ok(coco_image_options_set(&set, NULL, 0, &f->err), f->err);
    coco_status status = coco_referrers_list(f->client, f->ctx, &set, ref, &digest, ret, &f->err);
    httpd_stop(&httpd);
    return status;
}

static void
the_list_comes_from_either(void **state)
{
    static const struct {
        struct answers answers;
        size_t n;
    } cases[] = {
        {{INDEX, NULL}, 2},
        {{NULL, INDEX}, 2},
        {{NULL, NULL}, 0},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_manifest_ struct coco_manifest index = {0};

        assert_ok(list(f, &cases[i].answers, &index), f->err);
        assert_int_equal(index.n_layers, cases[i].n);
        if (cases[i].n == 0)
            continue;
        assert_string_equal(coco_referrers_type(&index, 0), "a/b");
        assert_string_equal(coco_referrers_type(&index, 1), "");
    }
}

static void
what_is_no_list_is_refused(void **state)
{
    static const struct answers cases[] = {
        {"", NULL},
        {"[]", NULL},
        {"{\"schemaVersion\":2}", NULL},
        {"{\"schemaVersion\":2,\"manifests\":[1]}", NULL},
        {NULL, "<html>"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_manifest_ struct coco_manifest index = {0};

        assert_fails(list(f, &cases[i], &index), f->err, COCO_ERR_PROTO, "referrers: ");
        assert_null(index.json);
    }
}

/* A source with one manifest, whatever is asked for. */
static coco_status
give(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
     struct coco_buf *media_type, coco_error **err)
{
    (void)ctx;
    (void)digest;
    (void)media_type;
    return coco_buf_append_text(body, self, err);
}

static void
a_referrer_is_what_its_entry_says(void **state)
{
    static char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                         "\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\","
                         "\"digest\":\"sha256:" HEX "\",\"size\":2},\"layers\":[]}";
    const struct coco_source source = {.manifest = give, .self = text};
    struct coco_descriptor entry = {.media_type = COCO_MEDIA_OCI_MANIFEST, .size = strlen(text)};
    struct fixture *f = *state;
    _cleanup_manifest_ struct coco_manifest manifest = {0};
    struct coco_manifest other = {0};

    assert_ok(coco_digest_of(COCO_SHA256, text, strlen(text), &entry.digest, &f->err), f->err);
    assert_ok(coco_referrers_manifest(&source, f->ctx, &entry, &manifest, &f->err), f->err);
    entry.size++;
    assert_fails(coco_referrers_manifest(&source, f->ctx, &entry, &other, &f->err), f->err,
                 COCO_ERR_VERIFY, "bytes instead of");
    entry.size--;
    entry.digest.bytes[0] ^= 1;
    assert_fails(coco_referrers_manifest(&source, f->ctx, &entry, &other, &f->err), f->err,
                 COCO_ERR_VERIFY, "referrer");
    assert_null(other.json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_comes_from_either),
        TEST(what_is_no_list_is_refused),
        TEST(a_referrer_is_what_its_entry_says),
    };

    return cmocka_run_group_tests_name("image/referrers", tests, NULL, NULL);
}
