/*
 * tests/image/test_archive_write.c - lib/image/archive_write.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/archive_write.h"

#include "base/context.h"
#include "base/fd.h"
#include "image/archive.h"
#include "tests/faults.h"
#include "tests/image/writing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static coco_status
open_out(struct fixture *f, const char *name)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "oci-archive:%s", path_of(f, name));
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    return coco_archive_out_open(f->ctx, ref, &f->to, &f->err);
}

static size_t
count_names(const char *dir)
{
    DIR *stream = opendir(dir);
    size_t n = 0;

    assert_non_null(stream);
    while (readdir(stream))
        n++;
    (void)closedir(stream);
    return n - 2;
}

static coco_status
commit_as(struct coco_archive_out *out, const char *hex, const char *name, coco_error **err)
{
    struct coco_digest digest;

    digest_of(hex, &digest);
    const struct coco_archive_blob *blob = coco_archive_out_find(out, &digest);
    assert_non_null(blob);
    coco_status status = coco_tarfile_name(&out->file, blob->head, name, blob->size, err);
    if (status == COCO_OK)
        status = coco_archive_out_commit(out, err);
    return status;
}

static void
what_cannot_be_replaced_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_fails(open_out(f, "none/a.tar"), f->err, COCO_ERR_IO, "No such file");
    assert_int_equal(mkdir(path_of(f, "dir"), 0700), 0);
    assert_fails(open_out(f, "dir"), f->err, COCO_ERR_INVALID, "is there and is no file");
    assert_fails(open_out(f, "dir/.."), f->err, COCO_ERR_INVALID, "is there and is no file");
    assert_fails(open_out(f, "new/"), f->err, COCO_ERR_IO, "No such file");
    assert_int_equal(mkfifo(path_of(f, "fifo"), 0600), 0);
    assert_fails(open_out(f, "fifo"), f->err, COCO_ERR_INVALID, "is there and is no file");
    assert_int_equal(symlink("/dev/null", path_of(f, "null")), 0);
    assert_fails(open_out(f, "null"), f->err, COCO_ERR_INVALID, "is there and is no file");
    assert_ok(coco_file_write(path_of(f, "file"), "x", 1, 0600, &f->err), f->err);
    assert_fails(open_out(f, "file/a.tar"), f->err, COCO_ERR_IO, "Not a directory");
    assert_int_equal(count_names(f->dir), 4);
}

static void
an_archive_appears_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_ok(coco_file_write(path_of(f, "a.tar"), "old", 3, 0600, &f->err), f->err);
    assert_ok(open_out(f, "a.tar"), f->err);
    assert_ok(put_blob(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_file(f->dir, "a.tar", "old");
    coco_destination_done(&f->to);
    assert_file(f->dir, "a.tar", "old");
    assert_int_equal(count_names(f->dir), 1);

    assert_ok(open_out(f, "a.tar"), f->err);
    assert_ok(put_blob(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_ok(commit_as(f->to.self, HELLO, "name", &f->err), f->err);
    assert_fails(coco_archive_out_commit(f->to.self, &f->err), f->err, COCO_ERR_INVALID,
                 "written already");
    coco_destination_done(&f->to);
    assert_member(f, path_of(f, "a.tar"), "name", "hello");
    assert_int_equal(stat(path_of(f, "a.tar"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(count_names(f->dir), 1);
}

static void
a_link_keeps_leading_to_what_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(mkdir(path_of(f, "dir"), 0700), 0);
    assert_ok(coco_file_write(path_of(f, "dir/real.tar"), "old", 3, 0600, &f->err), f->err);
    assert_int_equal(symlink("dir/real.tar", path_of(f, "link.tar")), 0);
    assert_ok(open_out(f, "link.tar"), f->err);
    assert_ok(put_blob(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_ok(commit_as(f->to.self, HELLO, "name", &f->err), f->err);
    assert_int_equal(lstat(path_of(f, "link.tar"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_member(f, path_of(f, "dir/real.tar"), "name", "hello");
}

static void
a_blob_is_there_once_and_when_it_is_whole(void **state)
{
    struct fixture *f = *state;
    struct coco_digest hello;
    bool there = true;

    digest_of(HELLO, &hello);
    assert_ok(open_out(f, "a.tar"), f->err);
    const struct coco_archive_out *out = f->to.self;
    assert_ok(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err);
    assert_false(there);
    assert_ok(write_blob(&f->to, f->ctx, "half of", &f->err), f->err);
    f->to.abort_blob(f->to.self);
    f->to.abort_blob(f->to.self);
    assert_int_equal(out->file.at, 0);
    /* A new one takes the place of one that nobody finished */
    assert_ok(write_blob(&f->to, f->ctx, "half of", &f->err), f->err);
    assert_ok(put_blob(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_ok(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err);
    assert_true(there);
    uint64_t at = out->file.at;
    assert_ok(put_blob(&f->to, f->ctx, HELLO, "hello", &f->err), f->err);
    assert_int_equal(out->file.at, at);
    assert_int_equal(out->n, 1);
    f->to.abort_blob(f->to.self);
    assert_int_equal(out->file.at, at);
    assert_ok(put_blob(&f->to, f->ctx, OTHER, "hello\n", &f->err), f->err);
    assert_int_equal(out->n, 2);
    assert_int_equal(out->blobs[0].size, 5);
    assert_int_equal(out->blobs[1].size, 6);
}

static void
a_canceled_context_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct coco_sink sink = {0};
    struct coco_digest hello;
    bool there = false;

    digest_of(HELLO, &hello);
    assert_ok(open_out(f, "a.tar"), f->err);
    assert_ok(write_blob(&f->to, f->ctx, "hello", &f->err), f->err);
    coco_ctx_cancel(f->ctx);
    assert_fails(f->to.commit_blob(f->to.self, f->ctx, &hello, 5, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(f->to.has_blob(f->to.self, f->ctx, &hello, &there, &f->err), f->err,
                 COCO_ERR_CANCELED, "canceled");
    assert_fails(f->to.begin_blob(f->to.self, f->ctx, &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
    coco_destination_done(&f->to);
    assert_fails(open_out(f, "a.tar"), f->err, COCO_ERR_CANCELED, "canceled");
    assert_int_equal(count_names(f->dir), 0);
}

static void
writing_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    char text[300];

    (void)snprintf(text, sizeof(text), "oci-archive:%s:tag", path_of(f, "a.tar"));
    assert_ok(coco_image_ref_parse(text, &ref, &f->err), f->err);
    for_each_fault()
    {
        struct coco_destination to = {0};
        coco_error *err = NULL;

        coco_status status = coco_archive_out_open(f->ctx, ref, &to, &err);
        assert_int_equal(status == COCO_OK, to.self != NULL);
        if (status == COCO_OK)
            status = put_blob(&to, f->ctx, HELLO, "hello", &err);
        if (status == COCO_OK)
            status = commit_as(to.self, HELLO, "name", &err);
        coco_destination_done(&to);
        fault_expect(status, err);
        assert_int_equal(count_names(f->dir), status == COCO_OK);
    }
    assert_member(f, path_of(f, "a.tar"), "name", "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_cannot_be_replaced_is_refused),
        TEST(an_archive_appears_whole_or_not_at_all),
        TEST(a_link_keeps_leading_to_what_is_replaced),
        TEST(a_blob_is_there_once_and_when_it_is_whole),
        TEST(a_canceled_context_writes_nothing),
        TEST(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/archive_write", tests, NULL, NULL);
}
