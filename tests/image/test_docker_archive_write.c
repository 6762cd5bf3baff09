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
#include "tests/image/writing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MANIFEST_OF(layers)                                                                        \
    "{\"schemaVersion\":2,\"config\":" BLOB(COCO_MEDIA_OCI_CONFIG, HELLO,                          \
                                            "5") ",\"layers\":[" layers "]}"
#define MANIFEST MANIFEST_OF(BLOB(LAYER "+gzip", OTHER, "6"))

static int
set_up(void **state)
{
    int ret = setup(state);

    (void)path_of(*state, "a.tar");
    return ret;
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
    assert_member(f, f->path, HELLO ".json", "hello");
    assert_member(f, f->path, OTHER ".tar.gz", "hello\n");
    assert_member(f, f->path, "manifest.json",
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
    assert_member(f, f->path, "manifest.json",
                  "[{\"Config\":\"" HELLO ".json\",\"RepoTags\":[],\"Layers\":[\"" OTHER
                  ".tar\",\"" OTHER ".tar\"]}]");
    assert_int_equal(unlink(f->path), 0);
    assert_ok(open_out(f, ""), f->err);
    assert_ok(put_image(&f->to, f->ctx, MANIFEST_OF(BLOB(LAYER "+zstd", OTHER, "6")), &f->err),
              f->err);
    assert_member(f, f->path, OTHER ".tar.zst", "hello\n");
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
    assert_member(f, f->path, HELLO ".json", "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

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
