/*
 * tests/kbs/test_audit.c - lib/kbs/audit.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit.h"

#include "base/fd.h"
#include "kbs/audit_entry.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
    char dir[64];
    char path[96];
    EVP_PKEY *key;
    EVP_PKEY *other;
    coco_error *err;
};

static struct fixture fixture;
static int64_t clock_now = 1800000000;

static int64_t
now(void)
{
    return clock_now;
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.dir = "/tmp/coco-audit-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/log", f->dir);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->key, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &f->other, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0);
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other);
    return 0;
}

static coco_status
open_log(struct fixture *f, bool sync, struct coco_kbs_audit **ret)
{
    const struct coco_kbs_audit_options options = {
        .path = f->path, .key = f->key, .now = now, .sync = sync};

    return coco_kbs_audit_open(&options, ret, &f->err);
}

static void
add(struct fixture *f, struct coco_kbs_audit *audit, const char *event)
{
    const struct coco_kbs_audit_event entry = {.event = event, .who = "guest", .status = 200};

    assert_ok(coco_kbs_audit_add(audit, &entry, &f->err), f->err);
}

/* A log of n entries besides its checkpoints. */
static void
write_log(struct fixture *f, unsigned n)
{
    _cleanup_(coco_kbs_audit_closep) struct coco_kbs_audit *audit = NULL;

    assert_ok(open_log(f, false, &audit), f->err);
    for (unsigned i = 0; i < n; i++)
        add(f, audit, "resource");
}

static coco_status
read_log(struct fixture *f, EVP_PKEY *key, struct coco_kbs_audit_report *ret)
{
    return coco_kbs_audit_read(f->path, key, ret, &f->err);
}

static void
read_file(struct fixture *f, struct coco_buf *buf)
{
    assert_ok(coco_file_read(f->path, buf, &f->err), f->err);
}

static void
write_file(struct fixture *f, const void *data, size_t len)
{
    assert_ok(coco_file_write(f->path, data, len, 0600, &f->err), f->err);
}

static void
a_log_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_audit_report report;
    struct stat st;

    write_log(f, 3);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.entries, 5);
    assert_int_equal(report.first, 1);
    assert_int_equal(report.last, 5);
    assert_int_equal(report.from, 1800000000);
    assert_int_equal(report.checkpoints, 2);
    assert_int_equal(report.signed_to, 5);
    assert_int_equal(strlen(report.head), 64);

    /* The next one goes on where that ended. */
    clock_now += 60;
    write_log(f, 1);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.entries, 8);
    assert_int_equal(report.to, 1800000060);
    clock_now -= 60;
    assert_fails(read_log(f, f->other, &report), f->err, COCO_ERR_VERIFY, "line 1");
    assert_ok(read_log(f, NULL, &report), f->err);
    assert_int_equal(report.checkpoints, 0);
}

static void
checkpoints_come_by_themselves(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_audit_report report;

    write_log(f, 3 * COCO_KBS_AUDIT_CHECKPOINT);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.checkpoints, 5); /* at the start, three, at the end */
}

/* Entries from number first on, that follow each other and that nobody signed. */
static void
forge(struct fixture *f, struct coco_kbs_audit_place place, unsigned n, struct coco_buf *ret)
{
    const struct coco_kbs_audit_event event = {.event = "resource", .who = "nobody"};

    for (unsigned i = 0; i < n; i++) {
        size_t begin = ret->len;

        assert_ok(coco_kbs_audit_format(&place, &event, ret, &f->err), f->err);
        assert_ok(coco_kbs_audit_hash(ret->data + begin, ret->len - 1 - begin, place.prev, &f->err),
                  f->err);
        place.seq++;
    }
}

/* Else the next checkpoint would vouch for it. */
static void
what_others_wrote_is_not_gone_on_with(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 20};
    struct coco_kbs_audit_place place = {.seq = 1, .time = 1, .prev = COCO_KBS_AUDIT_FIRST};
    struct coco_kbs_audit_report report;
    struct coco_kbs_audit *audit = NULL;

    for (unsigned n = 1; n < 3 * COCO_KBS_AUDIT_CHECKPOINT; n += COCO_KBS_AUDIT_CHECKPOINT - 1) {
        coco_buf_reset(&log);
        forge(f, place, n, &log);
        write_file(f, log.data, log.len);
        assert_ok(read_log(f, f->key, &report), f->err);
        assert_int_equal(report.signed_to, 0);
        assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_VERIFY, "follow no checkpoint");
    }
    /* One of another key signs nothing here. */
    assert_int_equal(unlink(f->path), 0);
    EVP_PKEY *ours = f->key;
    f->key = f->other;
    write_log(f, 2);
    f->key = ours;
    assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_VERIFY, "checkpoint: of the key");
    assert_null(audit);
}

/* Of a KBS that was killed: behind its last checkpoint nothing is signed, but all is there. */
static void
what_is_behind_the_last_checkpoint_has_to_follow_it(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 20};
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;

    write_log(f, 5);
    read_file(f, &log);
    log.len = (size_t)((uint8_t *)memrchr(log.data, '\n', log.len - 1) - log.data) + 1;
    write_file(f, log.data, log.len);
    for (size_t i = 0; i < log.len; i++) {
        log.data[i] ^= 1;
        write_file(f, log.data, log.len);
        log.data[i] ^= 1;
        if (open_log(f, false, &audit) != COCO_OK) {
            coco_error_free(f->err);
            f->err = NULL;
            continue;
        }
        /* The last one alone may be another: nothing follows it yet. */
        assert_true(memrchr(log.data, '\n', log.len - 1) < (void *)(log.data + i));
        coco_kbs_audit_close(audit);
    }
    write_file(f, log.data, log.len);
    write_log(f, 0);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.signed_to, report.last);
}

/* A checkpoint that could not be written is written before the next entry is. */
static void
entries_behind_a_checkpoint_are_never_too_many_to_look_at(void **state)
{
    struct fixture *f = *state;
    const struct coco_kbs_audit_event entry = {.event = "resource"};
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;
    struct rlimit was;
    struct stat st;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    assert_ok(open_log(f, false, &audit), f->err);
    for (unsigned i = 1; i < COCO_KBS_AUDIT_CHECKPOINT; i++)
        add(f, audit, "resource");
    assert_int_equal(stat(f->path, &st), 0);
    struct rlimit limit = {.rlim_cur = (rlim_t)st.st_size + 200, .rlim_max = was.rlim_max};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        coco_status status = coco_kbs_audit_add(audit, &entry, &f->err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_fails(status, f->err, COCO_ERR_IO, "audit log");
    }
    add(f, audit, "resource");
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.checkpoints, 2);
    assert_int_equal(report.last, report.signed_to + 1);
    coco_kbs_audit_close(audit);
    write_log(f, 0);
}

/* Whichever byte of whichever line is another one. */
static void
no_byte_can_be_changed(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};
    struct coco_kbs_audit_report report;

    write_log(f, 2);
    read_file(f, &log);
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < log.len; i++) {
        uint8_t changed = log.data[i] ^ 1;

        assert_int_equal(pwrite(fd, &changed, 1, (off_t)i), 1);
        coco_status status = read_log(f, f->key, &report);
        /* What is no checkpoint any more is behind the last one, and the report says so. */
        bool unsigned_now = status == COCO_OK && report.signed_to < report.last;
        if (status != COCO_ERR_VERIFY && status != COCO_ERR_PROTO && !unsigned_now)
            fail_msg("byte %zu may be changed", i);
        coco_error_free(f->err);
        f->err = NULL;
        assert_int_equal(pwrite(fd, &log.data[i], 1, (off_t)i), 1);
    }
    (void)close(fd);
    assert_ok(read_log(f, f->key, &report), f->err);
}

/* The log without line skip, and with line twice twice. */
static void
without_line(const struct coco_buf *log, unsigned skip, unsigned twice, struct coco_buf *ret)
{
    const char *line = (const char *)log->data;
    const char *end = line + log->len;
    coco_error *err = NULL;

    coco_buf_reset(ret);
    for (unsigned n = 1; line < end; n++) {
        size_t len = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line) + 1;

        for (unsigned i = 0; i < 1 + (n == twice) && n != skip; i++)
            assert_ok(coco_buf_append(ret, line, len, &err), err);
        line += len;
    }
}

static void
no_line_can_be_left_out_or_repeated(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};
    _cleanup_buf_ struct coco_buf other = {.limit = 1 << 16};
    struct coco_kbs_audit_report report;

    write_log(f, 3);
    read_file(f, &log);
    for (unsigned n = 2; n < 5; n++) {
        without_line(&log, n, 0, &other);
        write_file(f, other.data, other.len);
        assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_VERIFY, "follows entry");
        without_line(&log, 0, n, &other);
        write_file(f, other.data, other.len);
        assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_VERIFY, "follows entry");
    }
    /* What is cut off at its ends is a log: where it begins and was signed to tells. */
    without_line(&log, 1, 0, &other);
    write_file(f, other.data, other.len);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.first, 2);
    without_line(&log, 5, 0, &other);
    write_file(f, other.data, other.len);
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.signed_to, 1);
    assert_int_equal(report.last, 4);
}

static void
what_is_no_log_is_refused(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;
    static char line[3 * COCO_KBS_AUDIT_LINE_MAX];

    assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_NOTFOUND, "none");
    write_file(f, "", 0);
    assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_PROTO, "empty");
    write_file(f, "hello\n", 6);
    assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_PROTO, "line 1");
    assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_PROTO, "audit log");
    write_file(f, "{\"seq\":1\0}\n", 11);
    assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_PROTO, "unfinished");
    memset(line, 'x', sizeof(line));
    write_file(f, line, sizeof(line));
    assert_fails(read_log(f, NULL, &report), f->err, COCO_ERR_PROTO, "unfinished");
    assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_PROTO, "last line");
    line[sizeof(line) - 1] = '\n';
    write_file(f, line, sizeof(line));
    assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_PROTO, "last line");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(symlink("/dev/null", f->path), 0);
    assert_fails(open_log(f, false, &audit), f->err, COCO_ERR_IO, "audit log");
    assert_null(audit);
}

/* Killed at any byte: the entry that was not finished was not promised to anybody. */
static void
an_unfinished_line_is_cut_off(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 16};
    struct coco_kbs_audit_report report;

    write_log(f, 1);
    read_file(f, &log);
    const char *last = memrchr(log.data, '\n', log.len - 1);
    assert_non_null(last);
    for (size_t len = 0; len < log.len; len++) {
        write_file(f, log.data, len);
        write_log(f, 1);
        assert_ok(read_log(f, f->key, &report), f->err);
        assert_int_equal(report.first, 1);
        assert_true(report.entries >= 3 && report.entries <= 5);
    }
}

/* Who is refused as often as he likes does not fill the disk, nor is it forgotten. */
static void
refusals_are_counted_and_not_all_written(void **state)
{
    struct fixture *f = *state;
    const struct coco_kbs_audit_event refusal = {.event = "attest", .status = 401};
    _cleanup_buf_ struct coco_buf log = {.limit = 1 << 20};
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;

    assert_ok(open_log(f, false, &audit), f->err);
    for (unsigned i = 0; i < COCO_KBS_AUDIT_REFUSALS + 1000; i++)
        assert_ok(coco_kbs_audit_add_refusal(audit, &refusal, &f->err), f->err);
    add(f, audit, "resource");
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.entries, 1 + COCO_KBS_AUDIT_REFUSALS + 1);
    clock_now += 60;
    for (unsigned i = 0; i < 2; i++)
        assert_ok(coco_kbs_audit_add_refusal(audit, &refusal, &f->err), f->err);
    clock_now -= 60;
    coco_kbs_audit_close(audit);
    read_file(f, &log);
    const char *note = strstr(coco_buf_text(&log), "\"note\":\"refusals left out before: 1000\"");
    assert_non_null(note);
    assert_null(strstr(note + 1, "\"note\""));
    assert_ok(read_log(f, f->key, &report), f->err);
    assert_int_equal(report.entries, 1 + COCO_KBS_AUDIT_REFUSALS + 1 + 2 + 1);
}

static void
two_do_not_write_one_log(void **state)
{
    struct fixture *f = *state;
    struct coco_kbs_audit *one = NULL;
    struct coco_kbs_audit *two = NULL;

    assert_ok(open_log(f, false, &one), f->err);
    assert_fails(open_log(f, false, &two), f->err, COCO_ERR_DENIED, "another KBS");
    coco_kbs_audit_close(one);
    assert_ok(open_log(f, false, &two), f->err);
    coco_kbs_audit_close(two);
}

/* A disk that is full at any byte leaves whole lines, and says that the rest was not written. */
static void
a_full_disk_is_an_error_and_no_torn_line(void **state)
{
    struct fixture *f = *state;
    const struct coco_kbs_audit_event entry = {.event = "resource"};
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;
    struct rlimit was;
    struct stat st;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    assert_ok(open_log(f, true, &audit), f->err);
    for (rlim_t more = 1; more < 200; more += 13) {
        assert_int_equal(stat(f->path, &st), 0);
        struct rlimit limit = {.rlim_cur = (rlim_t)st.st_size + more, .rlim_max = was.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        coco_status status = coco_kbs_audit_add(audit, &entry, &f->err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_true(status == COCO_OK || status == COCO_ERR_IO);
        coco_error_free(f->err);
        f->err = NULL;
        assert_ok(read_log(f, f->key, &report), f->err);
        add(f, audit, "resource");
    }
    coco_kbs_audit_close(audit);
    assert_ok(read_log(f, f->key, &report), f->err);
}

#define THREADS 8
#define EACH 100

struct writer {
    pthread_t thread;
    struct coco_kbs_audit *audit;
    unsigned good;
};

static void *
write_entries(void *self)
{
    struct writer *writer = self;
    const struct coco_kbs_audit_event entry = {.event = "resource"};

    for (unsigned i = 0; i < EACH; i++)
        writer->good += coco_kbs_audit_add(writer->audit, &entry, NULL) == COCO_OK;
    return NULL;
}

static void
threads_write_one_chain(void **state)
{
    struct fixture *f = *state;
    struct writer writers[THREADS];
    struct coco_kbs_audit *audit = NULL;
    struct coco_kbs_audit_report report;

    assert_ok(open_log(f, true, &audit), f->err);
    for (size_t i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.audit = audit};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_entries, &writers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_int_equal(writers[i].good, EACH);
    }
    assert_ok(read_log(f, f->key, &report), f->err); /* while it is written */
    assert_int_equal(report.entries, THREADS * EACH + 1);
    coco_kbs_audit_close(audit);
}

static void
a_log_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    const struct coco_kbs_audit_event entry = {.event = "resource"};
    struct coco_kbs_audit_report report;

    for_each_fault()
    {
        struct coco_kbs_audit *audit = NULL;

        (void)unlink(f->path); /* or each round would have more to read than the one before */
        coco_status status = open_log(f, false, &audit);
        if (status == COCO_OK)
            status = coco_kbs_audit_add(audit, &entry, &f->err);
        faults_pause(); /* a last checkpoint that fails is told to nobody */
        coco_kbs_audit_close(audit);
        faults_resume();
        if (status == COCO_OK)
            status = read_log(f, f->key, &report);
        fault_expect(status, f->err);
        coco_error_free(f->err);
        f->err = NULL;
    }
    assert_ok(read_log(f, f->key, &report), f->err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_read_as_it_was_written),
        TEST(checkpoints_come_by_themselves),
        TEST(no_byte_can_be_changed),
        TEST(no_line_can_be_left_out_or_repeated),
        TEST(what_is_no_log_is_refused),
        TEST(an_unfinished_line_is_cut_off),
        TEST(two_do_not_write_one_log),
        TEST(a_full_disk_is_an_error_and_no_torn_line),
        TEST(threads_write_one_chain),
        TEST(a_log_survives_any_failed_allocation),
        TEST(what_others_wrote_is_not_gone_on_with),
        TEST(refusals_are_counted_and_not_all_written),
        TEST(what_is_behind_the_last_checkpoint_has_to_follow_it),
        TEST(entries_behind_a_checkpoint_are_never_too_many_to_look_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
