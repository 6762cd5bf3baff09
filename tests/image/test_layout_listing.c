/*
 * tests/image/test_layout_listing.c - lib/image/layout_listing.c
 *
 * What ORAS makes of what is put there is in tests/cli/test_referrers.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/layout_dir.h"

#include "base/context.h"
#include "tests/faults.h"
#include "tests/layout.h"

#include <stdio.h>
#include <string.h>

#define SUBJECT "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define MANIFEST(members) "{\"schemaVersion\":2," members "}"
#define OF(digest) "\"subject\":{\"digest\":\"" digest "\"}"
#define TYPE "\"artifactType\":\"text/a\""
#define INDEX_MAX ((size_t)1 << 20)

struct fixture {
    char dir[64];
    char path[128];
    coco_ctx *ctx;
    coco_error *err;
    struct coco_files files;
    struct coco_digest subject;
    struct coco_buf entries;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){.entries.limit = INDEX_MAX};
    make_temp_dir(f->dir, sizeof(f->dir));
    layout_begin(f->dir, "l");
    (void)snprintf(f->path, sizeof(f->path), "%.63s/l", f->dir);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_folder_open(f->path, "OCI layout", 0, &f->files, &f->err), f->err);
    assert_ok(coco_digest_parse(SUBJECT, &f->subject, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_files_done(&f->files);
    coco_ctx_free(f->ctx);
    coco_buf_done(&f->entries);
    remove_temp_dir(f->dir);
    return 0;
}

/* An entry of the index, which becomes one more. */
static void
enter(struct fixture *f, const char *media_type, const char *digest, size_t size)
{
    assert_ok(coco_buf_printf(&f->entries, &f->err,
                              "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
                              f->entries.len > 0 ? "," : "", media_type, digest, size),
              f->err);
}

/* A manifest, and its entry. */
static void
add(struct fixture *f, const char *manifest)
{
    char digest[COCO_DIGEST_TEXT_SIZE];

    layout_add_blob(f->dir, "l", manifest, strlen(manifest), digest);
    enter(f, COCO_MEDIA_OCI_MANIFEST, digest, strlen(manifest));
}

static coco_status
list(struct fixture *f, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf index = {.limit = INDEX_MAX};

    assert_ok(coco_buf_printf(&index, NULL, "{\"schemaVersion\":2,\"manifests\":[%s]}",
                              coco_buf_text(&f->entries)),
              NULL);
    layout_write_file(f->dir, "l", "index.json", coco_buf_text(&index));
    return coco_layout_referrers(&f->files, f->ctx, &f->subject, ret, &f->err);
}

static void
manifests_with_that_subject_are_listed(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf text = {.limit = INDEX_MAX};
    _cleanup_manifest_ struct coco_manifest index = {0};

    add(f, MANIFEST(OF(SUBJECT) "," TYPE ",\"annotations\":{\"a\":\"b\"}"));
    add(f, MANIFEST(OF(OTHER) "," TYPE));
    add(f, MANIFEST("\"config\":{\"mediaType\":\"text/c\"}"));
    add(f, MANIFEST(OF(SUBJECT) ",\"config\":{\"mediaType\":\"text/c\"}"));
    assert_ok(list(f, &text), f->err);
    assert_ok(coco_manifest_parse(text.data, text.len, COCO_MEDIA_OCI_INDEX, COCO_LAYERS_ANY,
                                  &index, &f->err),
              f->err);
    assert_int_equal(index.n_layers, 2);
    assert_non_null(
        strstr(coco_buf_text(&text), "\"artifactType\":\"text/a\",\"annotations\":{\"a\":\"b\"}"));
    assert_non_null(strstr(coco_buf_text(&text), "\"artifactType\":\"text/c\"}"));
}

static void
what_cannot_be_read_is_passed_over(void **state)
{
    static const char *const manifests[] = {
        "",
        "[]",
        "{",
        MANIFEST("\"subject\":null"),
        MANIFEST("\"subject\":\"" SUBJECT "\""),
        MANIFEST("\"subject\":{\"digest\":1}"),
        MANIFEST("\"subject\":{\"digest\":\"sha256:00\"}"),
        MANIFEST("\"subject\":[{\"digest\":\"" SUBJECT "\"}]"),
        MANIFEST("\"subject\":{\"Digest\":\"" SUBJECT "\"}"),
        MANIFEST(OF(SUBJECT) "," OF(SUBJECT)),
        MANIFEST(OF(SUBJECT) ",\"annotations\":[1]"),
        MANIFEST(OF(SUBJECT) ",\"annotations\":{\"a\":1}"),
        MANIFEST(OF(SUBJECT) ",\"annotations\":{\"a\":\"b\",\"c\":{\"d\":\"e\"}}"),
    };
    static const char good[] = MANIFEST(OF(SUBJECT));
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf text = {.limit = INDEX_MAX};
    char digest[COCO_DIGEST_TEXT_SIZE];

    for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++)
        add(f, manifests[i]);
    enter(f, COCO_MEDIA_OCI_MANIFEST, OTHER, 5); /* which is not there */
    layout_add_blob(f->dir, "l", good, strlen(good), digest);
    enter(f, COCO_MEDIA_OCI_MANIFEST, digest, strlen(good) + 1);
    enter(f, COCO_MEDIA_OCI_MANIFEST, digest, (size_t)2 << 20);
    enter(f, COCO_MEDIA_OCI_INDEX, digest, strlen(good));
    assert_fails(list(f, &text), f->err, COCO_ERR_NOTFOUND, "nothing refers");
    enter(f, COCO_MEDIA_OCI_MANIFEST, digest, strlen(good));
    assert_ok(list(f, &text), f->err);
}

static void
how_much_is_read_is_bounded(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf text = {.limit = INDEX_MAX};

    for (unsigned i = 0; i < 33; i++)
        enter(f, COCO_MEDIA_OCI_MANIFEST, OTHER, (size_t)1 << 20);
    assert_fails(list(f, &text), f->err, COCO_ERR_LIMIT, "looked through");
}

static void
a_canceled_context_reads_nothing(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf text = {.limit = INDEX_MAX};

    add(f, MANIFEST(OF(SUBJECT)));
    coco_ctx_cancel(f->ctx);
    assert_fails(list(f, &text), f->err, COCO_ERR_CANCELED, "");
}

/* Of what is passed over nobody sees a message that has lost a part. */
static void
listing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf want = {.limit = INDEX_MAX};

    add(f, MANIFEST(OF(SUBJECT) "," TYPE));
    add(f, "[]");
    assert_ok(list(f, &want), f->err);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf text = {.limit = INDEX_MAX};

        coco_status status = coco_layout_referrers(&f->files, f->ctx, &f->subject, &text, &f->err);
        if (status == COCO_OK)
            assert_string_equal(coco_buf_text(&text), coco_buf_text(&want));
        else
            assert_int_equal(status, COCO_ERR_NOMEM);
        assert_int_equal(coco_error_status(f->err), status);
        coco_error_free(f->err);
        f->err = NULL;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(manifests_with_that_subject_are_listed),
        TEST(what_cannot_be_read_is_passed_over),
        TEST(how_much_is_read_is_bounded),
        TEST(a_canceled_context_reads_nothing),
        TEST(listing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/layout_listing", tests, NULL, NULL);
}
