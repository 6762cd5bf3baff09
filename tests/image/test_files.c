/*
 * tests/image/test_files.c - lib/image/files.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/files.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* More than is read at once. */
#define LARGE ((size_t)300 << 10)

struct fixture {
    char dir[64];
    char path[128];
    coco_ctx *ctx;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    make_temp_dir(f->dir, sizeof(f->dir));
    assert_ok(coco_ctx_new(&f->ctx, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_ctx_free(f->ctx);
    coco_error_free(f->err);
    remove_temp_dir(f->dir);
    return 0;
}

static const char *
path_of(struct fixture *f, const char *name)
{
    (void)snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
    return f->path;
}

static void
write_file(struct fixture *f, const char *name, const void *data, size_t len)
{
    assert_ok(coco_file_write(path_of(f, name), data, len, 0600, &f->err), f->err);
}

static coco_status
open_folder(struct fixture *f, const char *name, int flags, struct coco_files *ret)
{
    return coco_folder_open(path_of(f, name), "test folder", flags, ret, &f->err);
}

static coco_status
read_name(struct fixture *f, const struct coco_files *files, const char *name)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 10};

    return files->read(files->self, name, &buf, &f->err);
}

static void
what_is_no_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_files files = {0};

    assert_fails(open_folder(f, "none", 0, &files), f->err, COCO_ERR_NOTFOUND, "no test folder '");
    write_file(f, "file", "x", 1);
    assert_fails(open_folder(f, "file", 0, &files), f->err, COCO_ERR_IO, "Not a directory");
    assert_null(files.self);
}

/* Nothing that blocks, and nothing without an end. */
static void
only_regular_files_are_read(void **state)
{
    struct fixture *f = *state;
    _cleanup_files_ struct coco_files files = {0};

    assert_ok(open_folder(f, "", 0, &files), f->err);
    assert_fails(read_name(f, &files, "none"), f->err, COCO_ERR_NOTFOUND, "test folder: no 'none'");
    assert_int_equal(mkfifo(path_of(f, "fifo"), 0600), 0);
    assert_fails(read_name(f, &files, "fifo"), f->err, COCO_ERR_PROTO, "'fifo' is not a file");
    assert_int_equal(mkdir(path_of(f, "dir"), 0700), 0);
    assert_fails(read_name(f, &files, "dir"), f->err, COCO_ERR_PROTO, "'dir' is not a file");
    assert_int_equal(symlink("/dev/zero", path_of(f, "zero")), 0);
    assert_fails(read_name(f, &files, "zero"), f->err, COCO_ERR_PROTO, "'zero' is not a file");
    write_file(f, "long", "0123456789a", 11);
    assert_fails(read_name(f, &files, "long"), f->err, COCO_ERR_LIMIT, "more than 10 bytes");
}

static void
links_are_followed_only_where_it_is_said(void **state)
{
    struct fixture *f = *state;
    _cleanup_files_ struct coco_files following = {0};
    _cleanup_files_ struct coco_files strict = {0};

    write_file(f, "file", "x", 1);
    assert_int_equal(symlink("file", path_of(f, "link")), 0);
    assert_ok(open_folder(f, "", 0, &following), f->err);
    assert_ok(open_folder(f, "", O_NOFOLLOW, &strict), f->err);
    assert_ok(read_name(f, &following, "link"), f->err);
    assert_ok(read_name(f, &strict, "file"), f->err);
    assert_fails(read_name(f, &strict, "link"), f->err, COCO_ERR_IO, "symbolic links");
}

static coco_status
end_unexpected(void *self, coco_error **err)
{
    (void)self;
    return coco_fail(err, COCO_ERR_INVALID, "end is the caller's");
}

static void
a_file_is_sent_whole_and_without_its_end(void **state)
{
    struct fixture *f = *state;
    _cleanup_files_ struct coco_files files = {0};
    _cleanup_free_ uint8_t *data = calloc(1, LARGE);
    _cleanup_buf_ struct coco_buf buf = {.limit = LARGE};
    struct coco_sink sink = coco_sink_to_buf(&buf);

    sink.end = end_unexpected;
    assert_non_null(data);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    write_file(f, "large", data, LARGE);
    write_file(f, "empty", "", 0);
    assert_ok(open_folder(f, "", 0, &files), f->err);
    assert_ok(files.send(files.self, f->ctx, "empty", &sink, &f->err), f->err);
    assert_int_equal(buf.len, 0);
    assert_ok(files.send(files.self, f->ctx, "large", &sink, &f->err), f->err);
    assert_int_equal(buf.len, LARGE);
    assert_memory_equal(buf.data, data, LARGE);

    /* The sink's failure is the result; so is a cancel */
    assert_fails(files.send(files.self, f->ctx, "large", &sink, &f->err), f->err, COCO_ERR_LIMIT,
                 "more than");
    coco_ctx_cancel(f->ctx);
    assert_fails(files.send(files.self, f->ctx, "large", &sink, &f->err), f->err, COCO_ERR_CANCELED,
                 "canceled");
}

static void
parts_are_where_they_are_or_an_error(void **state)
{
    struct fixture *f = *state;
    _cleanup_files_ struct coco_files files = {0};
    _cleanup_free_ uint8_t *data = calloc(1, LARGE);
    _cleanup_buf_ struct coco_buf buf = {.limit = LARGE};

    assert_non_null(data);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    write_file(f, "large", data, LARGE);
    assert_ok(open_folder(f, "", 0, &files), f->err);
    assert_ok(files.part(files.self, "large", 100, 5000, &buf, &f->err), f->err);
    assert_ok(files.part(files.self, "large", LARGE - 3, 3, &buf, &f->err), f->err);
    assert_ok(files.part(files.self, "large", LARGE, 0, &buf, &f->err), f->err);
    assert_int_equal(buf.len, 5003);
    assert_memory_equal(buf.data, data + 100, 5000);
    assert_memory_equal(buf.data + 5000, data + LARGE - 3, 3);
    assert_fails(files.part(files.self, "large", LARGE - 3, 4, &buf, &f->err), f->err,
                 COCO_ERR_PROTO, "'large' is shorter");
    assert_fails(files.part(files.self, "none", 0, 1, &buf, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "no 'none'");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    write_file(f, "file", "x", 1);
    (void)path_of(f, "");
    for_each_fault()
    {
        _cleanup_files_ struct coco_files files = {0};
        _cleanup_buf_ struct coco_buf buf = {.limit = 10};
        const struct coco_sink sink = coco_sink_to_buf(&buf);
        coco_error *err = NULL;

        coco_status status = coco_folder_open(f->path, "test folder", 0, &files, &err);
        if (status == COCO_OK)
            status = files.read(files.self, "file", &buf, &err);
        if (status == COCO_OK)
            status = files.send(files.self, f->ctx, "file", &sink, &err);
        if (status == COCO_OK)
            status = files.part(files.self, "file", 0, 1, &buf, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_no_directory_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(only_regular_files_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(links_are_followed_only_where_it_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_sent_whole_and_without_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_are_where_they_are_or_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_survives_any_failed_allocation, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
