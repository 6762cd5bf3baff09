/*
 * tests/image/test_archive.c - lib/image/archive.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/archive.h"

#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define GIB ((off_t)1 << 30)

static coco_error *err;
static struct tarball tar;

static int
begin(void **state)
{
    (void)state;
    tar.len = 0;
    return 0;
}

#define PAX(...) tarball_pax(&tar, 'x', (const char *const[]){__VA_ARGS__, NULL})
#define ADD(type, name, link, data) tarball_add(&tar, type, name, link, data, strlen(data))

/* The tar in memory as a file. */
static int
make_file(void)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_ok(coco_fd_write_all(fd, tar.data, tar.len, &err), err);
    return fd;
}

static coco_status
open_tar(struct coco_archive **ret)
{
    return coco_archive_new(make_file(), ret, &err);
}

static void
assert_refused(coco_status status, const char *why)
{
    struct coco_archive *archive = NULL;

    assert_fails(open_tar(&archive), err, status, why);
    assert_null(archive);
}

static void
assert_holds(const struct coco_archive *archive, const char *name, const char *want)
{
    const struct coco_member *member = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 2000};

    assert_ok(coco_archive_find(archive, name, &member, &err), err);
    assert_int_equal(member->size, strlen(want));
    assert_ok(coco_archive_read(archive, member, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), want);
}

static void
assert_none(const struct coco_archive *archive, const char *name)
{
    const struct coco_member *member = NULL;

    assert_fails(coco_archive_find(archive, name, &member, &err), err, COCO_ERR_NOTFOUND,
                 "in the archive");
}

static void
names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const names[] = {
        "/etc/passwd", "../a", "a/../b", "a/..", "..", ".", "./.", "a//b", "a/./b", "./../a", "./",
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        begin(state);
        ADD('0', "fine", "", "x");
        (void)tarball_header(&tar, names[i][strlen(names[i]) - 1] == '/' ? '2' : '0', names[i],
                             "target", 0);
        assert_refused(COCO_ERR_PROTO, "a member with the name '");
    }
}

static void
what_is_neither_file_nor_link_is_refused(void **state)
{
    static const char types[] = "346";

    for (const char *type = types; *type; type++) {
        begin(state);
        ADD(*type, "name", "", "");
        assert_refused(COCO_ERR_PROTO, "member 'name' is no file");
    }
}

/* Some take the first, others the last. */
static void
a_name_that_is_there_twice_is_refused(void **state)
{
    static const char *const twins[][2] = {
        {"a", "a"},
        {"a", "./a"},
        {"./a", "././a"},
        {"d/a", "./d/a"},
    };

    for (size_t i = 0; i < COUNT(twins); i++) {
        begin(state);
        ADD('0', twins[i][0], "", "one");
        ADD('0', "other", "", "");
        ADD('0', twins[i][1], "", "two");
        assert_refused(COCO_ERR_PROTO, "is there twice");
    }
    begin(state);
    ADD('0', "a", "", "one");
    ADD('2', "a", "b", "");
    assert_refused(COCO_ERR_PROTO, "member 'a' is there twice");
    begin(state);
    ADD('5', "a/", "", "");
    ADD('5', "a/", "", "");
    ADD('0', "a/b", "", "");
    struct coco_archive *archive = NULL;
    assert_ok(open_tar(&archive), err);
    coco_archive_free(archive);
}

static void
a_cut_archive_is_refused_unless_a_member_ends_there(void **state)
{
    size_t len = 0;

    (void)state;
    PAX("path=first");
    ADD('0', "a", "", "data of the first");
    len = tar.len;
    ADD('0', "second", "", "more data");
    size_t end = tar.len;
    for (tar.len = 1; tar.len < end; tar.len += tar.len % 64 == 1 ? 63 : 1) {
        struct coco_archive *archive = NULL;

        if (tar.len == len) {
            assert_ok(open_tar(&archive), err);
            assert_none(archive, "second");
            coco_archive_free(archive);
            continue;
        }
        coco_status status = open_tar(&archive);
        assert_int_equal(status, COCO_ERR_PROTO);
        assert_null(archive);
        coco_error_free(err);
        err = NULL;
    }
    tar.len = len + TARBALL_BLOCK + 3;
    assert_refused(COCO_ERR_PROTO, "cut short: 'second' has 9 bytes, of which 3 are there");
}

static void
what_is_no_tar_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        coco_status want;
        const char *why;
    } cases[] = {
        {"\x1f\x8b\x08", 3, COCO_ERR_NOTSUP, "it is compressed: decompress it first"},
        {"\x28\xb5\x2f\xfd", 4, COCO_ERR_NOTSUP, "it is compressed"},
        {"\xfd\x37zXZ\0", 6, COCO_ERR_NOTSUP, "it is compressed"},
        {"BZh9", 4, COCO_ERR_NOTSUP, "it is compressed"},
        {"hello", 5, COCO_ERR_PROTO, "ends within"},
        {"", 1, COCO_ERR_PROTO, "ends within"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        memcpy(tar.data, cases[i].text, cases[i].len);
        tar.len = cases[i].len;
        assert_refused(cases[i].want, cases[i].why);
    }
    memset(tar.data, 'x', 1024);
    tar.len = 1024;
    assert_refused(COCO_ERR_PROTO, "checksum");
    tar.len = 0;
    ADD('0', "a", "", "x");
    tarball_end(&tar);
    ADD('0', "b", "", "second archive");
    assert_refused(COCO_ERR_PROTO, "bytes after the end");
}

static void
sparse_members_are_refused(void **state)
{
    PAX("GNU.sparse.size=64", "GNU.sparse.numblocks=1", "GNU.sparse.offset=8",
        "GNU.sparse.numbytes=3");
    ADD('0', "s", "", "abc");
    assert_refused(COCO_ERR_NOTSUP, "'s' is a sparse member");
    /* All of it a hole */
    begin(state);
    PAX("GNU.sparse.size=64", "GNU.sparse.numblocks=1", "GNU.sparse.map=64,0");
    ADD('0', "s", "", "");
    assert_refused(COCO_ERR_NOTSUP, "'s' is a sparse member");
    begin(state);
    PAX("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s",
        "GNU.sparse.realsize=1000");
    (void)tarball_header(&tar, '0', "GNUSparseFile.0/s", "", 513);
    tarball_data(&tar, "1\n10\n1\n", 7);
    tarball_data(&tar, "a", 1);
    assert_refused(COCO_ERR_NOTSUP, "'s' is a sparse member");
}

/* A header that is repeated, in a file that is written without end. */
static coco_status
open_endless(const struct tarball *pattern, size_t times, struct coco_archive **ret)
{
    int fd = memfd_create("tar", MFD_CLOEXEC);
    char name[16];

    assert_true(fd >= 0);
    for (size_t i = 0; i < times; i++) {
        if (pattern->len == TARBALL_BLOCK) {
            (void)snprintf(name, sizeof(name), "%08zu", i);
            tarball_set(tar.data, 0, name, 8);
        }
        assert_ok(coco_fd_write_all(fd, pattern->data, pattern->len, &err), err);
    }
    return coco_archive_new(fd, ret, &err);
}

static void
the_number_of_members_and_what_describes_them_is_bounded(void **state)
{
    static char comment[200000];
    struct coco_archive *archive = NULL;

    (void)tarball_header(&tar, '0', "a", "", 0);
    assert_ok(open_endless(&tar, COCO_ARCHIVE_MEMBERS_MAX, &archive), err);
    assert_none(archive, "99999999");
    coco_archive_free(archive);
    archive = NULL;
    assert_fails(open_endless(&tar, COCO_ARCHIVE_MEMBERS_MAX + 1, &archive), err, COCO_ERR_LIMIT,
                 "more than 16384 members");

    /* Directories are no members; headers they are */
    begin(state);
    (void)tarball_header(&tar, '5', "a/", "", 0);
    assert_fails(open_endless(&tar, COCO_ARCHIVE_HEADS_MAX / TARBALL_BLOCK + 1, &archive), err,
                 COCO_ERR_LIMIT, "bytes of headers");

    begin(state);
    memset(comment, 'c', sizeof(comment) - 1);
    (void)tarball_header(&tar, 'g', "global", "", 1000);
    memset(tar.data + tar.len, 0, 1024);
    (void)snprintf((char *)tar.data + tar.len, 1001, "1000 comment=%.*s", 987, comment);
    tar.data[tar.len + 999] = '\n';
    tar.len += 1024;
    assert_fails(open_endless(&tar, COCO_ARCHIVE_HEADS_MAX / tar.len + 1, &archive), err,
                 COCO_ERR_LIMIT, "bytes of headers");
    assert_null(archive);
}

static void
long_names_are_bounded_in_sum(void **state)
{
    static char record[4096];
    int fd = memfd_create("tar", MFD_CLOEXEC);
    struct coco_archive *archive = NULL;

    assert_true(fd >= 0);
    for (int i = 0; i < 600; i++) {
        begin(state);
        memset(record, 'n', sizeof(record) - 1);
        (void)snprintf(record, 20, "path=%06d", i);
        record[11] = 'n';
        PAX(record);
        ADD('0', "a", "", "");
        assert_ok(coco_fd_write_all(fd, tar.data, tar.len, &err), err);
    }
    assert_fails(coco_archive_new(fd, &archive, &err), err, COCO_ERR_LIMIT,
                 "more than 2097152 bytes of names");
}

static void
members_are_found_by_name(void **state)
{
    struct coco_archive *archive = NULL;
    char large[1500];

    (void)state;
    memset(large, 'l', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    ADD('5', "./", "", "");
    ADD('5', "./d/", "", "");
    ADD('0', "./d/b", "", "second");
    ADD('0', "a", "", "first");
    ADD('0', "empty", "", "");
    PAX("path=d/long", "comment=x");
    ADD('0', "cut", "", large);
    ADD('L', "././@LongLink", "", "d/gnu");
    ADD('0', "cut", "", "gnu");
    PAX("size=6");
    (void)tarball_header(&tar, '0', "sized", "", 0);
    tarball_data(&tar, "by pax", 6);
    tarball_end(&tar);
    assert_ok(open_tar(&archive), err);
    assert_holds(archive, "a", "first");
    assert_holds(archive, "d/b", "second");
    assert_holds(archive, "empty", "");
    assert_holds(archive, "d/long", large);
    assert_holds(archive, "d/gnu", "gnu");
    assert_holds(archive, "sized", "by pax");
    assert_none(archive, "cut");
    assert_none(archive, "d");
    assert_none(archive, "./a");
    assert_none(archive, "");
    coco_archive_free(archive);

    archive = NULL;
    tar.len = 0;
    assert_ok(open_tar(&archive), err);
    assert_none(archive, "a");
    coco_archive_free(archive);
}

static void
a_link_stands_for_a_file_in_the_archive_and_for_nothing_else(void **state)
{
    struct coco_archive *archive = NULL;

    (void)state;
    ADD('0', "x/file", "", "data");
    ADD('2', "y/beside", "../x/file", "");
    ADD('2', "x/here", "file", "");
    ADD('2', "top", "x/file", "");
    ADD('1', "hard", "x/file", "");
    ADD('1', "y/hard", "./x/file", "");
    ADD('2', "y/twice", "beside", "");
    ADD('2', "self", "self", "");
    ADD('2', "out", "../x/file", "");
    ADD('2', "y/further", "../../x/file", "");
    ADD('2', "absolute", "/etc/passwd", "");
    ADD('2', "nowhere", "none", "");
    assert_ok(open_tar(&archive), err);
    assert_holds(archive, "y/beside", "data");
    assert_holds(archive, "x/here", "data");
    assert_holds(archive, "top", "data");
    assert_holds(archive, "hard", "data");
    assert_holds(archive, "y/hard", "data");
    assert_none(archive, "y/twice");
    assert_none(archive, "self");
    assert_none(archive, "out");
    assert_none(archive, "y/further");
    assert_none(archive, "absolute");
    assert_none(archive, "nowhere");
    coco_archive_free(archive);
}

/* Nothing is read that is not asked for. */
static void
a_member_of_many_gigabytes_is_no_work(void **state)
{
    struct coco_archive *archive = NULL;
    const struct coco_member *member = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    int fd = memfd_create("tar", MFD_CLOEXEC);
    uint8_t head[4] = "xxxx";
    size_t n = 0;

    (void)state;
    assert_true(fd >= 0);
    PAX("size=107374182400");
    (void)tarball_header(&tar, '0', "large", "", 0);
    assert_ok(coco_fd_write_all(fd, tar.data, tar.len, &err), err);
    assert_int_equal(lseek(fd, 100 * GIB, SEEK_CUR), 100 * GIB + (off_t)tar.len);
    tar.len = 0;
    ADD('0', "small", "", "data");
    assert_ok(coco_fd_write_all(fd, tar.data, tar.len, &err), err);
    assert_ok(coco_archive_new(fd, &archive, &err), err);
    assert_holds(archive, "small", "data");
    assert_ok(coco_archive_find(archive, "large", &member, &err), err);
    assert_int_equal(member->size, 100 * GIB);
    assert_fails(coco_archive_read(archive, member, &buf, &err), err, COCO_ERR_LIMIT,
                 "'large' has more than 100 bytes");
    assert_ok(coco_archive_peek(archive, member, head, sizeof(head), &n, &err), err);
    assert_int_equal(n, 4);
    assert_memory_equal(head, "\0\0\0\0", 4);
    assert_ok(coco_archive_find(archive, "small", &member, &err), err);
    assert_ok(coco_archive_peek(archive, member, head, 2, &n, &err), err);
    assert_memory_equal(head, "da\0\0", 4);
    coco_archive_free(archive);
}

static void
a_file_that_shrinks_meanwhile_is_an_error(void **state)
{
    struct coco_archive *archive = NULL;
    const struct coco_member *member = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 100};
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    const struct coco_sink sink = coco_sink_to_buf(&buf);
    int fd = -1;

    (void)state;
    ADD('0', "a", "", "data");
    fd = make_file();
    assert_ok(coco_archive_new(fd, &archive, &err), err);
    assert_ok(coco_archive_find(archive, "a", &member, &err), err);
    assert_int_equal(ftruncate(fd, TARBALL_BLOCK + 2), 0);
    assert_fails(coco_archive_read(archive, member, &buf, &err), err, COCO_ERR_PROTO,
                 "'a': the archive got shorter");
    assert_ok(coco_ctx_new(&ctx, &err), err);
    coco_ctx_cancel(ctx);
    assert_fails(coco_archive_send(archive, ctx, member, &sink, &err), err, COCO_ERR_CANCELED,
                 "canceled");
    coco_archive_free(archive);
}

static void
only_regular_files_are_opened(void **state)
{
    struct coco_archive *archive = NULL;
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_fails(coco_archive_open(dir, &archive, &err), err, COCO_ERR_PROTO, "is not a file");
    (void)snprintf(path, sizeof(path), "%s/tar", dir);
    assert_fails(coco_archive_open(path, &archive, &err), err, COCO_ERR_NOTFOUND, "archive: no '");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(coco_archive_open(path, &archive, &err), err, COCO_ERR_PROTO, "is not a file");
    assert_int_equal(unlink(path), 0);
    assert_fails(coco_archive_open("/dev/zero", &archive, &err), err, COCO_ERR_PROTO,
                 "is not a file");
    assert_null(archive);
    ADD('0', "a", "", "data");
    assert_ok(coco_file_write(path, tar.data, tar.len, 0600, &err), err);
    assert_ok(coco_archive_open(path, &archive, &err), err);
    assert_holds(archive, "a", "data");
    coco_archive_free(archive);
    assert_ok(coco_file_write(path, tar.data, 100, 0600, &err), err);
    archive = NULL;
    assert_fails(coco_archive_open(path, &archive, &err), err, COCO_ERR_PROTO, path);
    remove_temp_dir(dir);
}

static void
the_files_of_an_archive_are_its_members(void **state)
{
    struct coco_archive *archive = NULL;
    _cleanup_buf_ struct coco_buf buf = {.limit = 10};
    const struct coco_sink sink = coco_sink_to_buf(&buf);

    (void)state;
    ADD('0', "a", "", "data");
    assert_ok(open_tar(&archive), err);
    _cleanup_files_ struct coco_files files = coco_archive_files(archive);
    assert_ok(files.read(files.self, "a", &buf, &err), err);
    assert_ok(files.send(files.self, NULL, "a", &sink, &err), err);
    assert_ok(files.part(files.self, "a", 1, 2, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "datadataat");
    assert_fails(files.part(files.self, "a", 3, 2, &buf, &err), err, COCO_ERR_PROTO,
                 "'a' is shorter");
    assert_fails(files.part(files.self, "a", 5, 0, &buf, &err), err, COCO_ERR_PROTO,
                 "'a' is shorter");
    assert_fails(files.part(files.self, "b", 0, 1, &buf, &err), err, COCO_ERR_NOTFOUND, "no 'b'");
    coco_buf_done(&buf);
    buf.limit = 2;
    assert_fails(files.read(files.self, "a", &buf, &err), err, COCO_ERR_LIMIT, "more than 2 bytes");
    assert_fails(files.read(files.self, "b", &buf, &err), err, COCO_ERR_NOTFOUND, "no 'b' in");
    assert_fails(files.send(files.self, NULL, "b", &sink, &err), err, COCO_ERR_NOTFOUND, "no 'b'");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    ADD('0', "x/file", "", "data");
    ADD('2', "x/link", "file", "");
    PAX("path=x/other");
    ADD('0', "x", "", "other");
    for_each_fault()
    {
        struct coco_archive *archive = NULL;
        const struct coco_member *member = NULL;
        _cleanup_buf_ struct coco_buf buf = {.limit = 10};

        faults_pause();
        int fd = make_file();
        faults_resume();
        coco_status status = coco_archive_new(fd, &archive, &err);
        if (status == COCO_OK)
            status = coco_archive_find(archive, "x/link", &member, &err);
        if (status == COCO_OK)
            status = coco_archive_read(archive, member, &buf, &err);
        fault_expect(status, err);
        coco_archive_free(archive);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_that_lead_elsewhere_are_refused),
        TEST(what_is_neither_file_nor_link_is_refused),
        TEST(a_name_that_is_there_twice_is_refused),
        TEST(a_cut_archive_is_refused_unless_a_member_ends_there),
        TEST(what_is_no_tar_is_refused),
        TEST(sparse_members_are_refused),
        TEST(the_number_of_members_and_what_describes_them_is_bounded),
        TEST(long_names_are_bounded_in_sum),
        TEST(members_are_found_by_name),
        TEST(a_link_stands_for_a_file_in_the_archive_and_for_nothing_else),
        TEST(a_member_of_many_gigabytes_is_no_work),
        TEST(a_file_that_shrinks_meanwhile_is_an_error),
        TEST(only_regular_files_are_opened),
        TEST(the_files_of_an_archive_are_its_members),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/archive", tests, NULL, NULL);
}
