/*
 * tests/image/test_tar.c - lib/image/tar.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/tar.h"

#include "base/fail.h"
#include "tests/faults.h"
#include "tests/tarball.h"

#include <stdio.h>
#include <string.h>

static coco_error *err;
static struct tarball tar;

/* Writes down what comes out, one line an entry. */
static coco_status
log_entry(void *self, const struct coco_tar_entry *entry, coco_error **error)
{
    coco_status status = coco_buf_printf(self, error, "%d %s>%s %o %u:%u %llu %lld.%09ld",
                                         entry->type, entry->name, entry->link, entry->mode,
                                         entry->uid, entry->gid, (unsigned long long)entry->size,
                                         (long long)entry->mtime.tv_sec, entry->mtime.tv_nsec);

    for (size_t i = 0; i < entry->n_xattrs && status == COCO_OK; i++)
        status = coco_buf_printf(self, error, " %s=%.*s", entry->xattrs[i].name,
                                 (int)entry->xattrs[i].len, (const char *)entry->xattrs[i].value);
    return status;
}

static coco_status
log_data(void *self, uint64_t offset, const uint8_t *data, size_t len, coco_error **error)
{
    return coco_buf_printf(self, error, " @%llu:%.*s", (unsigned long long)offset, (int)len,
                           (const char *)data);
}

static coco_status
log_done(void *self, coco_error **error)
{
    return coco_buf_append_text(self, "\n", error);
}

static coco_status
log_end(void *self, coco_error **error)
{
    return coco_buf_append_text(self, "end", error);
}

/* Reads the archive in pieces of step bytes. */
static coco_status
read_tar(size_t step, struct coco_buf *log)
{
    const struct coco_tar_handler handler = {log_entry, log_data, log_done, log_end, log};
    _cleanup_(coco_tar_freep) struct coco_tar *reader = NULL;

    coco_status status = coco_tar_new(&handler, &reader, &err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_tar_sink(reader);
    for (size_t at = 0; at < tar.len && status == COCO_OK; at += step)
        status =
            coco_sink_write(&sink, tar.data + at, at + step < tar.len ? step : tar.len - at, &err);
    if (status == COCO_OK)
        status = coco_sink_end(&sink, &err);
    return status;
}

static void
assert_reads(const char *want)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 65536};

    assert_ok(read_tar(sizeof(tar.data), &log), err);
    assert_string_equal(coco_buf_text(&log), want);
}

static void
assert_refused(coco_status status, const char *want)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 65536};

    assert_fails(read_tar(sizeof(tar.data), &log), err, status, want);
}

static int
begin(void **state)
{
    (void)state;
    tar.len = 0;
    return 0;
}

#define PAX(...) tarball_pax(&tar, 'x', (const char *const[]){__VA_ARGS__, NULL})
#define GLOBAL(...) tarball_pax(&tar, 'g', (const char *const[]){__VA_ARGS__, NULL})
#define ADD(type, name, link, data) tarball_add(&tar, type, name, link, data, strlen(data))

static void
entries_come_out_with_all_they_have(void **state)
{
    (void)state;
    ADD('5', "d/", "", "");
    ADD('0', "d/f", "", "data");
    ADD('\0', "d/g", "", "");
    ADD('\0', "e/", "", "");
    ADD('1', "d/h", "d/f", "");
    ADD('2', "l", "../x", "");
    ADD('6', "p", "", "");
    ADD('7', "c", "ignored", "x");
    tarball_end(&tar);
    assert_reads("5 d/> 644 1:2 0 1500000000.000000000\n"
                 "0 d/f> 644 1:2 4 1500000000.000000000 @0:data\n"
                 "0 d/g> 644 1:2 0 1500000000.000000000\n"
                 "5 e/> 644 1:2 0 1500000000.000000000\n"
                 "1 d/h>d/f 644 1:2 0 1500000000.000000000\n"
                 "2 l>../x 644 1:2 0 1500000000.000000000\n"
                 "6 p> 644 1:2 0 1500000000.000000000\n"
                 "0 c> 644 1:2 1 1500000000.000000000 @0:x\nend");
}

static void
pieces_of_any_size_give_the_same(void **state)
{
    _cleanup_buf_ struct coco_buf whole = {.limit = 65536};

    (void)state;
    PAX("path=long/name", "mtime=1.5", "SCHILY.xattr.user.a=b=c");
    ADD('0', "short", "", "");
    ADD('L', "././@LongLink", "", "gnu/long/name");
    ADD('5', "short", "", "");
    GLOBAL("comment=x", "uid=77");
    PAX("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=s",
        "GNU.sparse.realsize=1000");
    tarball_header(&tar, '0', "GNUSparseFile.0/s", "", 514);
    tarball_data(&tar, "2\n10\n1\n900\n1\n", 13);
    tarball_data(&tar, "ab", 2);
    tarball_end(&tar);
    assert_ok(read_tar(sizeof(tar.data), &whole), err);
    assert_string_equal(coco_buf_text(&whole),
                        "0 long/name> 644 1:2 0 1.500000000 user.a=b=c\n"
                        "5 gnu/long/name> 644 1:2 0 1500000000.000000000\n"
                        "0 s> 644 77:2 1000 1500000000.000000000 @10:a @900:b\nend");
    for (size_t step = 1; step < 1100; step += step < 8 ? 1 : 501) {
        _cleanup_buf_ struct coco_buf log = {.limit = 65536};

        assert_ok(read_tar(step, &log), err);
        assert_string_equal(coco_buf_text(&log), coco_buf_text(&whole));
    }
}

/* Header by header, and past the data of files that are not sparse. */
static coco_status
skim_tar(struct coco_buf *log)
{
    const struct coco_tar_handler handler = {log_entry, log_data, log_done, log_end, log};
    _cleanup_(coco_tar_freep) struct coco_tar *reader = NULL;
    size_t at = 0;

    coco_status status = coco_tar_new(&handler, &reader, &err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink sink = coco_tar_sink(reader);
    while (at < tar.len && status == COCO_OK) {
        size_t n = TARBALL_BLOCK - at % TARBALL_BLOCK;

        status = coco_sink_write(&sink, tar.data + at, n, &err);
        at += n;
        if (status == COCO_OK) {
            n = (size_t)coco_tar_data_left(reader);
            status = coco_tar_skip(reader, n, &err);
            at += n;
        }
    }
    if (status == COCO_OK)
        status = coco_sink_end(&sink, &err);
    return status;
}

static void
data_may_be_skipped_but_for_that_of_sparse_files(void **state)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 65536};

    (void)state;
    ADD('0', "a", "", "data");
    ADD('0', "empty", "", "");
    PAX("GNU.sparse.size=64", "GNU.sparse.numblocks=1", "GNU.sparse.offset=8",
        "GNU.sparse.numbytes=3");
    ADD('0', "s", "", "abc");
    ADD('5', "d/", "", "");
    ADD('0', "b", "", "more");
    tarball_end(&tar);
    assert_ok(skim_tar(&log), err);
    assert_string_equal(coco_buf_text(&log), "0 a> 644 1:2 4 1500000000.000000000\n"
                                             "0 empty> 644 1:2 0 1500000000.000000000\n"
                                             "0 s> 644 1:2 64 1500000000.000000000 @8:abc\n"
                                             "5 d/> 644 1:2 0 1500000000.000000000\n"
                                             "0 b> 644 1:2 4 1500000000.000000000\nend");
}

static void
no_more_is_skipped_than_there_is(void **state)
{
    _cleanup_buf_ struct coco_buf log = {.limit = 65536};
    const struct coco_tar_handler handler = {log_entry, log_data, log_done, log_end, &log};
    _cleanup_(coco_tar_freep) struct coco_tar *reader = NULL;

    (void)state;
    ADD('0', "a", "", "data");
    assert_ok(coco_tar_new(&handler, &reader, &err), err);
    const struct coco_sink sink = coco_tar_sink(reader);
    assert_fails(coco_tar_skip(reader, 1, &err), err, COCO_ERR_INVALID, "less to skip");
    assert_ok(coco_sink_write(&sink, tar.data, TARBALL_BLOCK, &err), err);
    assert_int_equal(coco_tar_data_left(reader), 4);
    assert_fails(coco_tar_skip(reader, 5, &err), err, COCO_ERR_INVALID, "less to skip");
    assert_ok(coco_tar_skip(reader, 0, &err), err);
    assert_ok(coco_tar_skip(reader, 3, &err), err);
    assert_ok(coco_sink_write(&sink, tar.data + TARBALL_BLOCK + 3, 1, &err), err);
    assert_string_equal(coco_buf_text(&log), "0 a> 644 1:2 4 1500000000.000000000 @3:a\n");
    assert_int_equal(coco_tar_data_left(reader), 0);
}

static void
global_headers_hold_until_overruled(void **state)
{
    (void)state;
    GLOBAL("uid=10", "gid=20", "mtime=5");
    GLOBAL("gid=30", "comment=a comment");
    ADD('0', "a", "", "");
    PAX("uid=11", "gid=");
    ADD('0', "b", "", "");
    GLOBAL("uid=");
    ADD('0', "c", "", "");
    assert_reads("0 a> 644 10:30 0 5.000000000\n"
                 "0 b> 644 11:2 0 5.000000000\n"
                 "0 c> 644 1:30 0 5.000000000\nend");
}

static void
sparse_files_of_every_kind_come_out_alike(void **state)
{
    static const char want[] = "0 s> 644 1:2 64 1500000000.000000000 @8:a @32:bc\nend";
    uint8_t *block;

    (void)state;
    PAX("GNU.sparse.size=64", "GNU.sparse.numblocks=2", "GNU.sparse.offset=8",
        "GNU.sparse.numbytes=1", "GNU.sparse.offset=32", "GNU.sparse.numbytes=2");
    ADD('0', "s", "", "abc");
    assert_reads(want);

    begin(state);
    PAX("GNU.sparse.size=64", "GNU.sparse.numblocks=2", "GNU.sparse.map=8,1,32,2",
        "GNU.sparse.name=s");
    ADD('0', "GNUSparseFile.1/s", "", "abc");
    assert_reads(want);

    begin(state);
    block = tarball_header(&tar, 'S', "s", "", 3);
    memcpy(block + 386, "00000000010\00000000000001", 23);
    block[482] = 1;
    memcpy(block + 483, "00000000100", 11);
    tarball_set(block, 257, "ustar  \0", 8);
    tarball_data(&tar, "00000000040\00000000000002", 24);
    tarball_data(&tar, "abc", 3);
    assert_reads(want);
}

static void
an_archive_may_end_where_an_entry_does(void **state)
{
    static const char want[] = "0 a> 644 1:2 0 1500000000.000000000\nend";

    (void)state;
    assert_reads("end");
    ADD('0', "a", "", "");
    assert_reads(want);
    memset(tar.data + tar.len, 0, 512 * 20);
    tar.len += 512;
    assert_reads(want);
    tar.len += 512 * 19;
    assert_reads(want);
}

static void
a_cut_archive_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    PAX("path=a");
    ADD('0', "a", "", "data");
    size_t whole = tar.len;
    for (size_t len = 1; len < whole; len++) {
        tar.len = len;
        assert_refused(COCO_ERR_PROTO, "tar ends within an entry");
    }
}

static void
bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    ADD('0', "a", "", "");
    tarball_end(&tar);
    ADD('0', "b", "", "");
    assert_refused(COCO_ERR_PROTO, "bytes after the end");
    tar.len = 512 * 2; /* one block of zeros is an end as well */
    ADD('0', "b", "", "");
    assert_refused(COCO_ERR_PROTO, "bytes after the end");
    begin(state);
    tarball_end(&tar);
    tar.len--;
    assert_refused(COCO_ERR_PROTO, "tar ends within an entry");
}

static void
ids_are_never_minus_one(void **state)
{
    static const char *const bad[] = {"uid=4294967295", "gid=4294967296", "uid=-1", "gid=1.0"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin(state);
        PAX(bad[i]);
        ADD('0', "a", "", "");
        assert_refused(COCO_ERR_PROTO, "id");
    }
    begin(state);
    tarball_set(tarball_header(&tar, '0', "a", "", 0), 108, "\x80\0\0\0\xff\xff\xff\xff", 8);
    assert_refused(COCO_ERR_PROTO, "uid is out of range");
}

static void
contradictions_are_refused(void **state)
{
    (void)state;
    ADD('0', "", "", "");
    assert_refused(COCO_ERR_PROTO, "without a name");

    static const char no_data[] = {'1', '2', '3', '4', '5', '6'};
    for (size_t i = 0; i < sizeof(no_data); i++) {
        begin(state);
        ADD(no_data[i], "a", no_data[i] <= '2' ? "b" : "", "data");
        assert_refused(COCO_ERR_PROTO, "data where there can be none");
    }
    begin(state);
    ADD('0', "a/", "", "");
    assert_refused(COCO_ERR_PROTO, "ends in a slash");
    begin(state);
    ADD('\0', "a/", "", "data");
    assert_refused(COCO_ERR_PROTO, "data where there can be none");
    begin(state);
    ADD('2', "a", "", "");
    assert_refused(COCO_ERR_PROTO, "without a target");
    begin(state);
    ADD('V', "a", "", "");
    assert_refused(COCO_ERR_NOTSUP, "type 0x56");

    begin(state);
    PAX("path=a");
    ADD('L', "", "", "b");
    ADD('0', "c", "", "");
    assert_refused(COCO_ERR_PROTO, "by pax and by GNU at once");
    begin(state);
    PAX("path=a");
    PAX("path=a");
    assert_refused(COCO_ERR_PROTO, "two extended headers");
    begin(state);
    ADD('K', "", "", "a");
    ADD('K', "", "", "a");
    assert_refused(COCO_ERR_PROTO, "two long names");
    begin(state);
    tarball_add(&tar, 'L', "", "", "a\0b", 3);
    assert_refused(COCO_ERR_PROTO, "long name with a NUL");
    begin(state);
    ADD('L', "", "", "");
    assert_refused(COCO_ERR_PROTO, "long name that is empty");
    begin(state);
    PAX("path=a");
    GLOBAL("uid=1");
    assert_refused(COCO_ERR_PROTO, "between a header and its entry");
    begin(state);
    PAX("path=a");
    tarball_end(&tar);
    assert_refused(COCO_ERR_PROTO, "without its entry");
    begin(state);
    PAX("path=a");
    assert_refused(COCO_ERR_PROTO, "ends within an entry");
}

static void
sparse_contradictions_are_refused(void **state)
{
    static const struct {
        const char *records[6];
        coco_status status;
        const char *want;
    } cases[] = {
        {{"GNU.sparse.size=64"}, COCO_ERR_PROTO, "without its runs"},
        {{"GNU.sparse.map=0,3", "GNU.sparse.numblocks=1"}, COCO_ERR_PROTO, "without its size"},
        {{"GNU.sparse.size=64", "GNU.sparse.map=0,3", "GNU.sparse.numblocks=2"},
         COCO_ERR_PROTO,
         "another number"},
        {{"GNU.sparse.size=64", "GNU.sparse.map=0,4", "GNU.sparse.numblocks=1"},
         COCO_ERR_PROTO,
         "not what is stored"},
        {{"GNU.sparse.size=2", "GNU.sparse.map=0,3", "GNU.sparse.numblocks=1"},
         COCO_ERR_PROTO,
         "behind the end"},
        {{"GNU.sparse.major=1", "GNU.sparse.realsize=64"}, COCO_ERR_NOTSUP, "unknown kind"},
        {{"GNU.sparse.major=2", "GNU.sparse.minor=0", "GNU.sparse.realsize=64"},
         COCO_ERR_NOTSUP,
         "unknown kind"},
        {{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=64"},
         COCO_ERR_PROTO,
         "without an end"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        tarball_pax(&tar, 'x', cases[i].records);
        ADD('0', "s", "", "abc");
        assert_refused(cases[i].status, cases[i].want);
    }
    begin(state);
    PAX("GNU.sparse.size=64", "GNU.sparse.map=0,0", "GNU.sparse.numblocks=1");
    ADD('5', "s", "", "");
    assert_refused(COCO_ERR_PROTO, "sparse file that is none");
}

static void
bad_sparse_maps_are_refused(void **state)
{
    static const struct {
        const char *map;
        coco_status status;
    } cases[] = {
        {"\n", COCO_ERR_PROTO},
        {"x\n", COCO_ERR_PROTO},
        {"1\n-1\n5\n", COCO_ERR_PROTO},
        {"1\n\n5\n", COCO_ERR_PROTO},
        {"2\n0\n5\n4\n5\n", COCO_ERR_PROTO},
        {"99999999999999999999\n", COCO_ERR_PROTO},
        {"65537\n", COCO_ERR_LIMIT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(state);
        PAX("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=64");
        tarball_header(&tar, '0', "s", "", 1024);
        tarball_data(&tar, cases[i].map, strlen(cases[i].map));
        assert_refused(cases[i].status, "tar at byte");
    }
}

static void
sizes_are_bounded_before_anything_is_kept(void **state)
{
    char text[5000];

    (void)state;
    (void)tarball_header(&tar, 'x', "pax", "", ((size_t)1 << 20) + 1);
    assert_refused(COCO_ERR_LIMIT, "more than 1048576 bytes");
    begin(state);
    (void)tarball_header(&tar, 'L', "", "", 4097);
    assert_refused(COCO_ERR_LIMIT, "more than 4096 bytes");
    begin(state);
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "path=", 5);
    PAX(text);
    ADD('0', "a", "", "");
    assert_refused(COCO_ERR_LIMIT, "name of more than 4095 bytes");
    begin(state);
    PAX("size=9223372036854775807");
    (void)tarball_header(&tar, '0', "a", "", 0);
    assert_refused(COCO_ERR_PROTO, "ends within");
    begin(state);
    PAX("size=9223372036854775808");
    (void)tarball_header(&tar, '0', "a", "", 0);
    assert_refused(COCO_ERR_PROTO, "does not fit");
}

static void
reading_survives_any_failed_allocation(void **state)
{
    (void)state;
    PAX("path=p", "GNU.sparse.size=64", "GNU.sparse.numblocks=1", "GNU.sparse.offset=8",
        "GNU.sparse.numbytes=3");
    ADD('0', "s", "", "abc");
    GLOBAL("uid=1");
    ADD('K', "", "", "long");
    ADD('2', "s", "short", "");
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf log = {.limit = 65536};

        coco_status status = read_tar(sizeof(tar.data), &log);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(entries_come_out_with_all_they_have, begin),
        cmocka_unit_test_setup(pieces_of_any_size_give_the_same, begin),
        cmocka_unit_test_setup(data_may_be_skipped_but_for_that_of_sparse_files, begin),
        cmocka_unit_test_setup(no_more_is_skipped_than_there_is, begin),
        cmocka_unit_test_setup(global_headers_hold_until_overruled, begin),
        cmocka_unit_test_setup(sparse_files_of_every_kind_come_out_alike, begin),
        cmocka_unit_test_setup(an_archive_may_end_where_an_entry_does, begin),
        cmocka_unit_test_setup(a_cut_archive_is_refused_wherever_it_is_cut, begin),
        cmocka_unit_test_setup(bytes_after_the_end_are_refused, begin),
        cmocka_unit_test_setup(ids_are_never_minus_one, begin),
        cmocka_unit_test_setup(contradictions_are_refused, begin),
        cmocka_unit_test_setup(sparse_contradictions_are_refused, begin),
        cmocka_unit_test_setup(bad_sparse_maps_are_refused, begin),
        cmocka_unit_test_setup(sizes_are_bounded_before_anything_is_kept, begin),
        cmocka_unit_test_setup(reading_survives_any_failed_allocation, begin),
    };

    return cmocka_run_group_tests_name("image/tar", tests, NULL, NULL);
}
