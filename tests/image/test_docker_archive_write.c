/*
 * tests/image/test_docker_archive_write.c - lib/image/docker_archive_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/docker_archive.h"

#include "base/context.h"
#include "base/fd.h"
#include "image/archive.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Of "hello" and of "hello\n", the config and a layer. */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
#define BLOB(type, hex, size)                                                                      \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define MANIFEST_OF(layers)                                                                        \
    "{\"schemaVersion\":2,\"config\":" BLOB(COCO_MEDIA_OCI_CONFIG, HELLO,                          \
                                            "5") ",\"layers\":[" layers "]}"
#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define MANIFEST MANIFEST_OF(BLOB(LAYER "+gzip", OTHER, "6"))

COCO_DEFINE_CLEANUP(coco_image_ref *, coco_image_ref_free);

struct fixture {
    char dir[64];
    char path[100];
    coco_ctx *ctx;
    struct coco_destination to;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->to = (struct coco_destination){0};
    make_temp_dir(f->dir, sizeof(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%.63s/a.tar", f->dir);
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_destination_done(&f->to);
    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static coco_status
open_out(struct fixture *f, const char *tail)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    coco_destination_done(&f->to);
    (void)snprintf(text, sizeof(text), "docker-archive:%.99s%.150s", f->path, tail);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return coco_docker_archive_destination(f->ctx, ref, &f->to, &f->err);
}

static coco_status
put_blob(const struct coco_destination *to, coco_ctx *ctx, const char *hex, const char *text,
         coco_error **err)
{
    struct coco_sink sink = {0};
    struct coco_digest digest;
    char name[100];

    (void)snprintf(name, sizeof(name), "sha256:%s", hex);
    assert_int_equal(coco_digest_parse(name, &digest, NULL), COCO_OK);
    coco_status status = to->begin_blob(to->self, ctx, &sink, err);
    if (status == COCO_OK)
        status = coco_sink_write(&sink, text, strlen(text), err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, err);
    if (status == COCO_OK)
        status = to->commit_blob(to->self, ctx, &digest, strlen(text), err);
    return status;
}

static coco_status
put_image(const struct coco_destination *to, coco_ctx *ctx, const char *manifest, coco_error **err)
{
    struct coco_digest digest;

    assert_int_equal(coco_digest_of(COCO_SHA256, manifest, strlen(manifest), &digest, NULL),
                     COCO_OK);
    coco_status status = put_blob(to, ctx, HELLO, "hello", err);
    if (status == COCO_OK)
        status = put_blob(to, ctx, OTHER, "hello\n", err);
    if (status == COCO_OK)
        status = to->put_manifest(to->self, ctx, "", manifest, strlen(manifest), &digest, err);
    return status;
}

static void
assert_holds(struct fixture *f, const char *name, const char *want)
{
    _cleanup_(coco_archive_freep) struct coco_archive *archive = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 2000};
    const struct coco_member *member = NULL;

    assert_ok(coco_archive_open(f->path, &archive, &f->err), f->err);
    assert_ok(coco_archive_find(archive, name, &member, &f->err), f->err);
    assert_ok(coco_archive_read(archive, member, &buf, &f->err), f->err);
    assert_string_equal(coco_buf_text(&buf), want);
}

static void
references_that_name_no_new_archive_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_fails(open_out(f, ":@0"), f->err, COCO_ERR_INVALID, "'@0' is no name to give");
    assert_fails(open_out(f, ":app@sha256:" HELLO), f->err, COCO_ERR_INVALID, "no digest there");
    assert_ok(coco_file_write(f->path, "x", 1, 0600, &f->err), f->err);
    assert_fails(open_out(f, ""), f->err, COCO_ERR_INVALID, "it is there, and nothing is added");
    assert_file(f->dir, "a.tar", "x");
    assert_ok(coco_file_write(f->path, "", 0, 0600, &f->err), f->err);
    assert_ok(open_out(f, ""), f->err);
    assert_file(f->dir, "a.tar", "");
}

static void
what_an_archive_cannot_say_is_refused(void **state)
{
    static const struct {
        const char *manifest;
        coco_status want;
        const char *why;
    } cases[] = {
        {"{}", COCO_ERR_PROTO, "schemaVersion"},
        {"{\"schemaVersion\":2,\"manifests\":[]}", COCO_ERR_INVALID, "an index is no image"},
        {MANIFEST_OF(BLOB(LAYER "+gzip+encrypted", OTHER, "6")), COCO_ERR_INVALID,
         "layer 0: it is encrypted"},
        {MANIFEST_OF(BLOB("a/b", OTHER, "6")), COCO_ERR_NOTSUP, "layer 0: 'a/b'"},
        {MANIFEST_OF(BLOB(LAYER, "00" OTHER, "6")), COCO_ERR_PROTO, "layer 0"},
        {"{\"schemaVersion\":2,\"config\":" BLOB(
             COCO_MEDIA_OCI_CONFIG,
             "0000000000000000000000000000000000000000000000000000000000000000", "5") ",\"layers\":"
                                                                                      "[]}",
         COCO_ERR_INVALID, "a blob of the image was not written"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(open_out(f, ""), f->err);
        assert_true(f->to.plain_only);
        print_message("# case %zu\n", i);
        assert_fails(put_image(&f->to, f->ctx, cases[i].manifest, &f->err), f->err, cases[i].want,
                     cases[i].why);
        assert_no_file(f->dir, "a.tar");
    }
}

static void
an_image_is_written_as_docker_reads_it(void **state)
{
    struct fixture *f = *state;

    assert_ok(open_out(f, ":app"), f->err);
    assert_ok(put_image(&f->to, f->ctx, MANIFEST, &f->err), f->err);
    assert_holds(f, HELLO ".json", "hello");
    assert_holds(f, OTHER ".tar.gz", "hello\n");
    assert_holds(f, "manifest.json",
                 "[{\"Config\":\"" HELLO
                 ".json\",\"RepoTags\":[\"docker.io/library/app:latest\"],\"Layers\":[\"" OTHER
                 ".tar.gz\"]}]");
}

/* A layer may be in an image more than once; without a name there are no tags. */
static void
layers_are_called_by_their_digest_and_their_form(void **state)
{
    struct fixture *f = *state;

    assert_ok(open_out(f, ""), f->err);
    assert_ok(put_image(&f->to, f->ctx,
                        MANIFEST_OF(BLOB(LAYER, OTHER, "6") "," BLOB(LAYER, OTHER, "6")), &f->err),
              f->err);
    assert_holds(f, "manifest.json",
                 "[{\"Config\":\"" HELLO ".json\",\"RepoTags\":[],\"Layers\":[\"" OTHER
                 ".tar\",\"" OTHER ".tar\"]}]");
    assert_int_equal(unlink(f->path), 0);
    assert_ok(open_out(f, ""), f->err);
    assert_ok(put_image(&f->to, f->ctx, MANIFEST_OF(BLOB(LAYER "+zstd", OTHER, "6")), &f->err),
              f->err);
    assert_holds(f, OTHER ".tar.zst", "hello\n");
}

static void
a_canceled_context_leaves_no_archive(void **state)
{
    struct fixture *f = *state;

    assert_ok(open_out(f, ""), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(put_image(&f->to, f->ctx, MANIFEST, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    struct coco_digest digest = {.alg = COCO_SHA256};
    assert_fails(
        f->to.put_manifest(f->to.self, f->ctx, "", MANIFEST, strlen(MANIFEST), &digest, &f->err),
        f->err, COCO_ERR_CANCELED, "canceled");
    coco_destination_done(&f->to);
    assert_no_file(f->dir, "a.tar");
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "docker-archive:%.99s:app", f->path);
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        _cleanup_destination_ struct coco_destination to = {0};
        coco_error *err = NULL;

        coco_status status = coco_docker_archive_destination(f->ctx, ref, &to, &err);
        if (status == COCO_OK)
            status = put_image(&to, f->ctx, MANIFEST, &err);
        fault_expect(status, err);
    }
    assert_holds(f, HELLO ".json", "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(references_that_name_no_new_archive_are_refused),
        TEST(what_an_archive_cannot_say_is_refused),
        TEST(an_image_is_written_as_docker_reads_it),
        TEST(layers_are_called_by_their_digest_and_their_form),
        TEST(a_canceled_context_leaves_no_archive),
        TEST(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/docker_archive_write", tests, NULL, NULL);
}
