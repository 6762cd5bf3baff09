/*
 * tests/image/test_blobfile.c - lib/image/blobfile.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/blobfile.h"

#include "base/cleanup.h"
#include "tests/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct fixture {
    char path[64];
    int dir;
    struct coco_blobfile blob;
    struct coco_sink sink;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.blob = COCO_BLOBFILE_NONE};
    make_temp_dir(f->path, sizeof(f->path));
    f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f->dir >= 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_blobfile_abort(&f->blob);
    coco_closep(&f->dir);
    coco_error_free(f->err);
    remove_temp_dir(f->path);
    return 0;
}

static size_t
count_names(const struct fixture *f)
{
    DIR *stream = opendir(f->path);
    size_t n = 0;

    assert_non_null(stream);
    while (readdir(stream))
        n++;
    (void)closedir(stream);
    return n - 2;
}

static coco_status
begin(struct fixture *f, const char *prefix)
{
    return coco_blobfile_begin(&f->blob, f->dir, prefix, &f->sink, &f->err);
}

static void
a_blob_that_cannot_be_made_is_an_error(void **state)
{
    struct fixture *f = *state;

    assert_fails(begin(f, "blobs/"), f->err, COCO_ERR_IO, "make a blob: No such file");
    assert_int_equal(count_names(f), 0);
    coco_blobfile_abort(&f->blob);
}

static void
what_stands_in_its_place_is_told(void **state)
{
    struct fixture *f = *state;

    assert_ok(begin(f, ""), f->err);
    assert_int_equal(mkdirat(f->dir, "taken", 0700), 0);
    assert_fails(coco_blobfile_commit(&f->blob, "taken", &f->err), f->err, COCO_ERR_IO,
                 "write 'taken'");
    assert_int_equal(count_names(f), 2);
    coco_blobfile_abort(&f->blob);
    assert_int_equal(count_names(f), 1);
}

static void
a_blob_has_its_name_when_it_is_whole(void **state)
{
    struct fixture *f = *state;

    assert_ok(begin(f, ""), f->err);
    assert_ok(coco_sink_write(&f->sink, "hel", 3, &f->err), f->err);
    assert_int_equal(f->blob.name[0], '.');
    assert_no_file(f->path, "blob");
    assert_ok(coco_sink_write(&f->sink, "lo", 2, &f->err), f->err);
    assert_ok(coco_sink_end(&f->sink, &f->err), f->err);
    assert_no_file(f->path, "blob");
    assert_ok(coco_blobfile_commit(&f->blob, "blob", &f->err), f->err);
    assert_file(f->path, "blob", "hello");
    assert_int_equal(count_names(f), 1);

    /* It is nobody's to remove now */
    coco_blobfile_abort(&f->blob);
    assert_file(f->path, "blob", "hello");
}

static void
a_blob_given_up_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    char name[COCO_BLOBFILE_NAME_SIZE];

    assert_ok(begin(f, ""), f->err);
    (void)snprintf(name, sizeof(name), "%s", f->blob.name);
    /* A new one takes the place of one that nobody finished */
    assert_ok(begin(f, ""), f->err);
    assert_string_not_equal(f->blob.name, name);
    assert_int_equal(count_names(f), 1);
    coco_blobfile_abort(&f->blob);
    coco_blobfile_abort(&f->blob);
    assert_int_equal(count_names(f), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blob_that_cannot_be_made_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stands_in_its_place_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blob_has_its_name_when_it_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blob_given_up_leaves_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
