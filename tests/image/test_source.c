/*
 * tests/image/test_source.c - lib/image/source.c, against a source that lies
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/source.h"

#include "base/context.h"
#include "base/fail.h"
#include "tests/faults.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

#define DOCUMENTS_MAX 16

/* What the source gives: a document for each digest, one for the tag, and one blob. */
struct fake {
    struct {
        char text[1024];
        struct coco_digest digest;
        bool lie; /* served under digest, but is not it */
    } documents[DOCUMENTS_MAX];
    size_t n;
    size_t top; /* which has the tag */
    const char *blob;
    unsigned asked;
    bool has_another; /* what it says when the blob was wrong */
    unsigned wrong;   /* how often it was told so */
};

static coco_status
fake_manifest(void *self, coco_ctx *ctx, const struct coco_digest *digest, struct coco_buf *body,
              struct coco_buf *media_type, coco_error **err)
{
    struct fake *fake = self;

    (void)ctx;
    (void)media_type;
    fake->asked++;
    for (size_t i = 0; i < fake->n; i++)
        if (digest ? coco_digest_equal(digest, &fake->documents[i].digest) : i == fake->top)
            return coco_buf_append_text(
                body, fake->documents[i].lie ? "{}" : fake->documents[i].text, err);
    return coco_fail(err, COCO_ERR_NOTFOUND, "no such manifest");
}

/* In pieces of two bytes. */
static coco_status
fake_blob(void *self, coco_ctx *ctx, const struct coco_descriptor *blob,
          const struct coco_sink *sink, coco_error **err)
{
    struct fake *fake = self;
    size_t len = strlen(fake->blob);
    coco_status status = COCO_OK;

    (void)ctx;
    (void)blob;
    for (size_t i = 0; status == COCO_OK && i < len; i += 2)
        status = coco_sink_write(sink, fake->blob + i, len - i < 2 ? 1 : 2, err);
    return status;
}

static bool
fake_wrong(void *self, coco_ctx *ctx, const struct coco_descriptor *blob)
{
    struct fake *fake = self;

    (void)ctx;
    (void)blob;
    fake->wrong++;
    return fake->has_another;
}

static struct coco_source
source_of(struct fake *fake)
{
    return (struct coco_source){.manifest = fake_manifest, .blob = fake_blob, .self = fake};
}

static size_t
add(struct fake *fake, const char *text)
{
    size_t i = fake->n++;

    (void)snprintf(fake->documents[i].text, sizeof(fake->documents[i].text), "%s", text);
    assert_int_equal(
        coco_digest_of(COCO_SHA256, text, strlen(text), &fake->documents[i].digest, NULL), COCO_OK);
    return i;
}

/* An index with one entry: document i, said to have size bytes more than it has. */
static size_t
add_index_of(struct fake *fake, size_t i, const char *media_type, int more)
{
    char digest[COCO_DIGEST_TEXT_SIZE];
    char text[1024];

    coco_digest_format(&fake->documents[i].digest, digest);
    (void)snprintf(text, sizeof(text),
                   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
                   "\"size\":%d}]}",
                   media_type, digest, (int)strlen(fake->documents[i].text) + more);
    return add(fake, text);
}

#define EMPTY                                                                                      \
    "\"digest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","      \
    "\"size\":0"
#define IMAGE                                                                                      \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG "\"," EMPTY          \
    "},\"layers\":[]}"

static const struct coco_platform amd64 = {.os = "linux", .architecture = "amd64"};

static coco_status
resolve(struct fake *fake, const char *name, struct coco_resolved *ret, coco_error **err)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    const struct coco_source source = source_of(fake);

    coco_status status = coco_ctx_new(&ctx, err);
    if (status == COCO_OK)
        status = coco_image_ref_parse(name, &ref, err);
    if (status == COCO_OK)
        status = coco_source_resolve(&source, ctx, ref, &amd64, 8, ret, err);
    return status;
}

static void
resolve_follows_indexes(void **state)
{
    (void)state;
    for (int depth = 0; depth <= COCO_INDEX_DEPTH_MAX + 1; depth++) {
        _cleanup_resolved_ struct coco_resolved found = {0};
        struct fake fake = {0};
        coco_error *err = NULL;

        fake.top = add(&fake, IMAGE);
        for (int i = 0; i < depth; i++)
            fake.top = add_index_of(&fake, fake.top,
                                    i ? COCO_MEDIA_OCI_INDEX : COCO_MEDIA_OCI_MANIFEST, 0);
        coco_status status = resolve(&fake, "h.test/a:1", &found, &err);
        if (depth > COCO_INDEX_DEPTH_MAX) {
            assert_fails(status, err, COCO_ERR_LIMIT, "more than 4 indexes");
            assert_int_equal(fake.asked, COCO_INDEX_DEPTH_MAX + 1);
            continue;
        }
        assert_ok(status, err);
        assert_string_equal(coco_buf_text(&found.text), IMAGE);
        assert_true(coco_digest_equal(&found.digest, &fake.documents[0].digest));
        assert_false(found.manifest.is_index);
    }
}

static void
resolve_checks_every_digest_and_size(void **state)
{
    char name[256];
    char digest[COCO_DIGEST_TEXT_SIZE];
    struct coco_resolved found = {0};
    coco_error *err = NULL;

    (void)state;
    struct fake lies = {0};
    lies.top = add_index_of(&lies, add(&lies, IMAGE), COCO_MEDIA_OCI_MANIFEST, 0);
    lies.documents[0].lie = true;
    assert_fails(resolve(&lies, "h.test/a:1", &found, &err), err, COCO_ERR_VERIFY, "sha256");

    struct fake grows = {0};
    grows.top = add_index_of(&grows, add(&grows, IMAGE), COCO_MEDIA_OCI_MANIFEST, 1);
    assert_fails(resolve(&grows, "h.test/a:1", &found, &err), err, COCO_ERR_VERIFY,
                 "bytes instead");

    /* Asked for by digest, the source gives what it likes. */
    struct fake swaps = {0};
    swaps.top = add(&swaps, IMAGE);
    coco_digest_format(&swaps.documents[0].digest, digest);
    (void)snprintf(name, sizeof(name), "h.test/a@%s", digest);
    {
        _cleanup_resolved_ struct coco_resolved good = {0};
        assert_ok(resolve(&swaps, name, &good, &err), err);
    }
    swaps.documents[0].lie = true;
    assert_fails(resolve(&swaps, name, &found, &err), err, COCO_ERR_VERIFY, "sha256");

    struct fake other = {0};
    other.top = add_index_of(&other, add(&other, IMAGE), COCO_MEDIA_OCI_INDEX, 0);
    assert_fails(resolve(&other, "h.test/a:1", &found, &err), err, COCO_ERR_PROTO, "an index with");
    assert_null(found.manifest.json);
}

static coco_status
end_counted(void *self, coco_error **err)
{
    unsigned *ends = self;

    (void)err;
    (*ends)++;
    return COCO_OK;
}

static coco_status
write_ignored(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)data;
    (void)len;
    (void)err;
    return COCO_OK;
}

static void
blob_ends_the_sink_only_when_all_is_right(void **state)
{
    static const struct {
        const char *blob;
        coco_status status;
        const char *why;
    } cases[] = {
        {"hello", COCO_OK, ""},
        {"hullo", COCO_ERR_VERIFY, "sha256"},
        {"hell", COCO_ERR_VERIFY, "4 bytes instead of 5"},
        {"", COCO_ERR_VERIFY, "0 bytes instead of 5"},
        {"hello!", COCO_ERR_VERIFY, "more than the 5 bytes"},
        {"hello hello", COCO_ERR_VERIFY, "more than the 5 bytes"},
    };
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct coco_descriptor blob = {.size = 5};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &blob.digest, &err), err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fake fake = {.blob = cases[i].blob};
        const struct coco_source source = source_of(&fake);
        unsigned ends = 0;
        bool elsewhere = true;
        const struct coco_sink sink = {.write = write_ignored, .end = end_counted, .self = &ends};

        coco_status status = coco_source_blob(&source, ctx, &blob, &sink, &elsewhere, &err);
        assert_false(elsewhere);
        if (cases[i].status == COCO_OK)
            assert_ok(status, err);
        else
            assert_fails(status, err, cases[i].status, cases[i].why);
        assert_int_equal(ends, cases[i].status == COCO_OK);
    }
    coco_ctx_cancel(ctx);
    struct fake fake = {.blob = "hello"};
    const struct coco_source source = source_of(&fake);
    const struct coco_sink sink = {.write = write_ignored};
    assert_fails(coco_source_blob(&source, ctx, &blob, &sink, NULL, &err), err, COCO_ERR_CANCELED,
                 "");
}

static coco_status
write_refused(void *self, const uint8_t *data, size_t len, coco_error **err)
{
    (void)self;
    (void)data;
    (void)len;
    return coco_fail(err, COCO_ERR_VERIFY, "not like this");
}

/* Only a blob that is another one is worth asking for elsewhere. */
static void
a_source_is_told_of_a_wrong_blob(void **state)
{
    static const char *const wrong[] = {"hullo", "hell", "", "hello!"};
    unsigned ends = 0;
    const struct coco_sink ignoring = {.write = write_ignored, .end = end_counted, .self = &ends};
    const struct coco_sink refusing = {.write = write_refused};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct coco_descriptor blob = {.size = 5};
    struct fake fake = {.blob = "hello"};
    struct coco_source source = source_of(&fake);
    coco_error *err = NULL;
    bool elsewhere = true;

    (void)state;
    source.wrong = fake_wrong;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &blob.digest, &err), err);
    assert_ok(coco_source_blob(&source, ctx, &blob, &ignoring, &elsewhere, &err), err);
    assert_false(elsewhere);
    assert_fails(coco_source_blob(&source, ctx, &blob, &refusing, &elsewhere, &err), err,
                 COCO_ERR_VERIFY, "not like this");
    assert_false(elsewhere);
    assert_int_equal(fake.wrong, 0);
    for (unsigned i = 0; i < 2 * COUNT(wrong); i++) {
        fake.blob = wrong[i / 2];
        fake.has_another = i % 2 == 0;
        assert_int_equal(coco_source_blob(&source, ctx, &blob, &ignoring, &elsewhere, NULL),
                         COCO_ERR_VERIFY);
        assert_int_equal(elsewhere, fake.has_another);
        assert_int_equal(fake.wrong, i + 1);
    }
}

static void
small_blobs_fit_their_buffer_or_are_not_fetched(void **state)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct coco_descriptor blob = {.size = 5};
    struct fake fake = {.blob = "hello"};
    const struct coco_source source = source_of(&fake);
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "hello", 5, &blob.digest, &err), err);
    for (size_t limit = 4; limit <= 5; limit++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = limit};

        coco_status status = coco_source_small_blob(&source, ctx, &blob, &buf, &err);
        if (limit == 4) {
            assert_fails(status, err, COCO_ERR_LIMIT, "of which 4 are allowed");
            continue;
        }
        assert_ok(status, err);
        assert_string_equal(coco_buf_text(&buf), "hello");
    }
}

static void
resolve_survives_any_failed_allocation(void **state)
{
    struct fake fake = {0};

    (void)state;
    fake.top = add_index_of(&fake, add(&fake, IMAGE), COCO_MEDIA_OCI_MANIFEST, 0);
    for_each_fault()
    {
        _cleanup_resolved_ struct coco_resolved found = {0};
        coco_error *err = NULL;

        coco_status status = resolve(&fake, "h.test/a:1", &found, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolve_follows_indexes),
        cmocka_unit_test(resolve_checks_every_digest_and_size),
        cmocka_unit_test(blob_ends_the_sink_only_when_all_is_right),
        cmocka_unit_test(a_source_is_told_of_a_wrong_blob),
        cmocka_unit_test(small_blobs_fit_their_buffer_or_are_not_fetched),
        cmocka_unit_test(resolve_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/source", tests, NULL, NULL);
}
