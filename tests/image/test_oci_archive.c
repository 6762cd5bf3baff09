/*
 * tests/image/test_oci_archive.c - lib/image/oci_archive.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/oci_archive.h"

#include "base/context.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* Of "hello". */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" COCO_MEDIA_OCI_CONFIG                      \
    "\",\"digest\":\"sha256:" HELLO "\",\"size\":5},\"layers\":[]}"
#define VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"

static const struct coco_platform platform = {.os = "linux", .architecture = "amd64"};

struct fixture {
    char dir[64];
    coco_ctx *ctx;
    coco_image_ref *ref; /* dir/a.tar and the tag v1 */
    struct coco_digest digest;
    char digest_text[COCO_DIGEST_TEXT_SIZE];
    struct tarball tar;
    coco_error *err;
};

static struct fixture fixture;

static void
set_ref(struct fixture *f, const char *tail)
{
    char text[300];

    coco_image_ref_free(f->ref);
    f->ref = NULL;
    (void)snprintf(text, sizeof(text), "oci-archive:%.63s/a.tar%.200s", f->dir, tail);
    assert_ok(coco_image_ref_parse(text, &f->ref, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->ref = NULL;
    f->tar.len = 0;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    assert_ok(coco_digest_of(COCO_SHA256, MANIFEST, strlen(MANIFEST), &f->digest, &f->err), f->err);
    coco_digest_format(&f->digest, f->digest_text);
    set_ref(f, ":v1");
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_image_ref_free(f->ref);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static void
add(struct fixture *f, const char *name, const char *text)
{
    tarball_add(&f->tar, '0', name, "", text, strlen(text));
}

/* The image with its index before or after the rest, as skopeo and docker have it. */
static void
add_image(struct fixture *f, bool first)
{
    char index[500];
    char name[100];

    (void)snprintf(index, sizeof(index),
                   "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" COCO_MEDIA_OCI_MANIFEST
                   "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{"
                   "\"org.opencontainers.image.ref.name\":\"v1\"}}]}",
                   f->digest_text, strlen(MANIFEST));
    (void)snprintf(name, sizeof(name), "blobs/sha256/%.64s", f->digest_text + strlen("sha256:"));
    if (first)
        add(f, "index.json", index);
    add(f, name, MANIFEST);
    add(f, "blobs/sha256/" HELLO, "hello");
    if (!first)
        add(f, "./index.json", index);
    add(f, "oci-layout", VERSION);
}

static void
write_tar(struct fixture *f)
{
    char path[100];

    (void)snprintf(path, sizeof(path), "%.63s/a.tar", f->dir);
    assert_ok(coco_file_write(path, f->tar.data, f->tar.len, 0600, &f->err), f->err);
}

static coco_status
resolve(struct fixture *f, struct coco_resolved *found, struct coco_buf *config)
{
    _cleanup_source_ struct coco_source source = {0};

    coco_status status = coco_oci_archive_source(f->ref, &source, &f->err);
    if (status == COCO_OK)
        status = coco_source_resolve(&source, f->ctx, f->ref, &platform, 1, found, &f->err);
    if (status == COCO_OK)
        status = coco_source_small_blob(&source, f->ctx, &found->manifest.config, config, &f->err);
    return status;
}

static void
assert_refused(struct fixture *f, coco_status want, const char *why)
{
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_buf_ struct coco_buf config = {.limit = 100};

    write_tar(f);
    assert_fails(resolve(f, &found, &config), f->err, want, why);
}

static void
assert_read(struct fixture *f)
{
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_buf_ struct coco_buf config = {.limit = 100};

    assert_ok(resolve(f, &found, &config), f->err);
    assert_true(coco_digest_equal(&found.digest, &f->digest));
    assert_string_equal(coco_buf_text(&config), "hello");
}

static void
an_archive_without_an_image_is_refused(void **state)
{
    struct fixture *f = *state;
    _cleanup_source_ struct coco_source source = {0};

    assert_fails(coco_oci_archive_source(f->ref, &source, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "archive: no '");
    assert_refused(f, COCO_ERR_NOTFOUND, "no 'oci-layout' in the archive");
    add(f, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    assert_refused(f, COCO_ERR_NOTSUP, "version '2.0.0'");
    f->tar.len = 0;
    add(f, "oci-layout", VERSION);
    assert_refused(f, COCO_ERR_NOTFOUND, "no 'index.json' in the archive");
    add(f, "index.json", "{}");
    assert_refused(f, COCO_ERR_PROTO, "index.json: ");
    f->tar.len = 0;
    add_image(f, false);
    set_ref(f, ":v2");
    assert_refused(f, COCO_ERR_NOTFOUND, "no image of tag v2");
}

static void
what_lies_there_is_checked(void **state)
{
    struct fixture *f = *state;
    size_t size = strlen(MANIFEST);

    add_image(f, true);
    uint8_t *manifest = memmem(f->tar.data, f->tar.len, MANIFEST, size);
    assert_non_null(manifest);
    manifest[size - 1] = ' ';
    assert_refused(f, COCO_ERR_VERIFY, f->digest_text);
    manifest[size - 1] = '}';
    uint8_t *hello = memmem(f->tar.data, f->tar.len, "hello\0\0\0", 8);
    assert_non_null(hello);
    hello[1] = 'u';
    assert_refused(f, COCO_ERR_VERIFY, HELLO);
    f->tar.len = 0;
    add_image(f, true);
    add(f, "./blobs/sha256/" HELLO, "hello");
    assert_refused(f, COCO_ERR_PROTO, "is there twice");
    f->tar.len -= 2 * TARBALL_BLOCK;
    write_tar(f);
    assert_read(f);
}

static void
an_image_is_read_wherever_its_index_is(void **state)
{
    struct fixture *f = *state;
    char pinned[200];

    for (int first = 0; first < 2; first++) {
        f->tar.len = 0;
        add_image(f, first);
        write_tar(f);
        set_ref(f, ":v1");
        assert_read(f);
        set_ref(f, "");
        assert_read(f);
        (void)snprintf(pinned, sizeof(pinned), "@%s", f->digest_text);
        set_ref(f, pinned);
        assert_read(f);
    }
}

static coco_status
write_image(struct fixture *f, coco_error **err)
{
    _cleanup_destination_ struct coco_destination to = {0};
    struct coco_sink sink = {0};
    struct coco_digest hello;

    assert_int_equal(coco_digest_parse("sha256:" HELLO, &hello, NULL), COCO_OK);
    coco_status status = coco_oci_archive_destination(f->ctx, f->ref, &to, err);
    if (status == COCO_OK)
        status = to.begin_blob(to.self, f->ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, "hello", 5, err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    if (status == COCO_OK)
        status = to.commit_blob(to.self, f->ctx, &hello, 5, err);
    if (status == COCO_OK)
        status = to.put_manifest(to.self, f->ctx, COCO_MEDIA_OCI_MANIFEST, MANIFEST,
                                 strlen(MANIFEST), &f->digest, err);
    return status;
}

static void
an_image_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;

    assert_ok(write_image(f, &f->err), f->err);
    assert_read(f);
    set_ref(f, "");
    assert_read(f);

    /* Without a tag, and in the place of the other */
    assert_ok(write_image(f, &f->err), f->err);
    assert_read(f);
    set_ref(f, ":v1");
    _cleanup_resolved_ struct coco_resolved found = {0};
    _cleanup_buf_ struct coco_buf config = {.limit = 100};
    assert_fails(resolve(f, &found, &config), f->err, COCO_ERR_NOTFOUND, "no image of tag v1");
}

static void
a_canceled_context_leaves_no_archive(void **state)
{
    struct fixture *f = *state;

    coco_ctx_cancel(f->ctx);
    assert_fails(write_image(f, &f->err), f->err, COCO_ERR_CANCELED, "canceled");
    assert_no_file(f->dir, "a.tar");
}

static void
archives_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_resolved_ struct coco_resolved found = {0};
        _cleanup_buf_ struct coco_buf config = {.limit = 100};

        coco_status status = write_image(f, &f->err);
        if (status == COCO_OK)
            status = resolve(f, &found, &config);
        fault_expect(status, f->err);
    }
    assert_read(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_archive_without_an_image_is_refused), TEST(what_lies_there_is_checked),
        TEST(an_image_is_read_wherever_its_index_is), TEST(an_image_is_read_as_it_was_written),
        TEST(a_canceled_context_leaves_no_archive),   TEST(archives_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/oci_archive", tests, NULL, NULL);
}
