/*
 * tests/image/test_tarfile.c - lib/image/tarfile.c, read by lib/image/archive.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tarfile.h"

#include "base/fd.h"
#include "image/archive.h"
#include "tests/tarball.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK ((size_t)512)
#define GIB ((uint64_t)1 << 30)
#define LONG128                                                                                    \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static coco_error *err;
static struct coco_tarfile file;

static int
begin(void **state)
{
    (void)state;
    file = (struct coco_tarfile){.fd = memfd_create("tar", MFD_CLOEXEC)};
    assert_true(file.fd >= 0);
    return 0;
}

static int
done(void **state)
{
    (void)state;
    coco_error_free(err);
    err = NULL;
    (void)close(file.fd);
    return 0;
}

static struct coco_archive *
read_back(void)
{
    struct coco_archive *archive = NULL;

    assert_ok(coco_archive_new(dup(file.fd), &archive, &err), err);
    return archive;
}

static void
assert_holds(const struct coco_archive *archive, const char *name, const char *want)
{
    const struct coco_member *member = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 2000};

    assert_ok(coco_archive_find(archive, name, &member, &err), err);
    assert_ok(coco_archive_read(archive, member, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), want);
}

static void
a_name_that_does_not_fit_is_refused(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    assert_fails(coco_tarfile_add(&file, name, "x", 1, &err), err, COCO_ERR_INVALID,
                 "more than 255 bytes");
    name[255] = '\0';
    assert_ok(coco_tarfile_drop(&file, 0, &err), err);
    assert_ok(coco_tarfile_add(&file, name, "x", 1, &err), err);
    struct coco_archive *archive = read_back();
    assert_holds(archive, name, "x");
    coco_archive_free(archive);
}

static void
what_the_system_says_is_told(void **state)
{
    struct coco_tarfile broken = {.fd = -1};

    (void)state;
    assert_fails(coco_tarfile_write(&broken, "x", 1, &err), err, COCO_ERR_IO, "write: Bad file");
    assert_int_equal(broken.at, 0);
    assert_fails(coco_tarfile_drop(&broken, 0, &err), err, COCO_ERR_IO, "truncate: Bad file");
    assert_fails(coco_tarfile_name(&broken, 0, "a", 0, &err), err, COCO_ERR_IO, "write: Bad file");
    assert_fails(coco_tarfile_end(&broken, &err), err, COCO_ERR_IO, "write: Bad file");
}

static void
members_are_read_as_they_were_written(void **state)
{
    char hundred[101];
    char block[BLOCK + 1];
    uint64_t head = 0;
    uint64_t size = 0;

    (void)state;
    memset(hundred, 'h', 100);
    hundred[100] = '\0';
    memset(block, 'b', BLOCK);
    block[BLOCK] = '\0';
    assert_ok(coco_tarfile_add(&file, "a", "first", 5, &err), err);
    assert_ok(coco_tarfile_add(&file, hundred, block, BLOCK, &err), err);
    coco_tarfile_begin(&file, &head);
    assert_ok(coco_tarfile_write(&file, "in ", 3, &err), err);
    assert_ok(coco_tarfile_write(&file, "pieces", 6, &err), err);
    assert_ok(coco_tarfile_finish(&file, head, &size, &err), err);
    assert_int_equal(size, 9);
    assert_ok(coco_tarfile_add(&file, "empty", "", 0, &err), err);
    /* Names may come in the end */
    assert_ok(coco_tarfile_name(&file, head, "blobs/sha512/" LONG128, size, &err), err);
    assert_ok(coco_tarfile_end(&file, &err), err);
    assert_int_equal(file.at % BLOCK, 0);

    struct coco_archive *archive = read_back();
    assert_holds(archive, "a", "first");
    assert_holds(archive, hundred, block);
    assert_holds(archive, "blobs/sha512/" LONG128, "in pieces");
    assert_holds(archive, "empty", "");
    coco_archive_free(archive);
}

static void
what_is_dropped_leaves_no_trace(void **state)
{
    _cleanup_buf_ struct coco_buf got = {.limit = 10000};
    uint64_t head = 0;
    uint64_t end = 0;

    (void)state;
    assert_ok(coco_tarfile_add(&file, "a", "data", 4, &err), err);
    end = file.at;
    coco_tarfile_begin(&file, &head);
    assert_int_equal(head, end);
    assert_ok(coco_tarfile_write(&file, "secret", 6, &err), err);
    assert_ok(coco_tarfile_drop(&file, head, &err), err);
    assert_int_equal(file.at, end);
    assert_ok(coco_tarfile_add(&file, "b", "", 0, &err), err);
    assert_int_equal(lseek(file.fd, 0, SEEK_SET), 0);
    assert_ok(coco_fd_read_all(file.fd, &got, &err), err);
    assert_null(memmem(got.data, got.len, "secret", 6));
    struct coco_archive *archive = read_back();
    assert_holds(archive, "a", "data");
    assert_holds(archive, "b", "");
    coco_archive_free(archive);
}

/* Past 8 GiB an octal size does not fit in its field. */
static void
sizes_have_no_end(void **state)
{
    static const uint64_t sizes[] = {8 * GIB - 1, 8 * GIB, 100 * GIB};
    char name[2] = "a";
    uint64_t head = 0;
    uint64_t size = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++, name[0]++) {
        coco_tarfile_begin(&file, &head);
        file.at += sizes[i];
        assert_ok(coco_tarfile_finish(&file, head, &size, &err), err);
        assert_int_equal(size, sizes[i]);
        assert_ok(coco_tarfile_name(&file, head, name, size, &err), err);
    }
    assert_ok(coco_tarfile_end(&file, &err), err);
    struct coco_archive *archive = read_back();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct coco_member *member = NULL;

        name[0] = (char)('a' + i);
        assert_ok(coco_archive_find(archive, name, &member, &err), err);
        assert_int_equal(member->size, sizes[i]);
    }
    coco_archive_free(archive);
}

static void
the_same_members_make_the_same_file(void **state)
{
    struct coco_buf files[2] = {{.limit = 10000}, {.limit = 10000}};

    for (int i = 0; i < 2; i++) {
        assert_ok(coco_tarfile_add(&file, "a", "data", 4, &err), err);
        assert_ok(coco_tarfile_end(&file, &err), err);
        assert_int_equal(lseek(file.fd, 0, SEEK_SET), 0);
        assert_ok(coco_fd_read_all(file.fd, &files[i], &err), err);
        done(state);
        begin(state);
    }
    assert_int_equal(files[0].len, files[1].len);
    assert_memory_equal(files[0].data, files[1].data, files[0].len);
    coco_buf_done(&files[0]);
    coco_buf_done(&files[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_that_does_not_fit_is_refused),
        TEST(what_the_system_says_is_told),
        TEST(members_are_read_as_they_were_written),
        TEST(what_is_dropped_leaves_no_trace),
        TEST(sizes_have_no_end),
        TEST(the_same_members_make_the_same_file),
    };

    return cmocka_run_group_tests_name("image/tarfile", tests, NULL, NULL);
}
