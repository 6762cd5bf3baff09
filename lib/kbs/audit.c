/*
 * kbs/audit.c - who was given what, in a file that shows if it was changed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit.h"

#include "base/fail.h"
#include "base/fd.h"
#include "kbs/audit_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct coco_kbs_audit {
    int fd;
    EVP_PKEY *key;
    int64_t (*now)(void);
    bool sync;
    bool opened;

    pthread_mutex_t lock;            /* of what follows */
    pthread_cond_t news;             /* more is on disk, or will never be */
    struct coco_kbs_audit_place tip; /* of the last line; its prev is that of the next one */
    off_t size;
    uint64_t signed_to; /* seq of the last checkpoint */
    uint64_t synced;    /* seq of the last entry on disk */
    bool syncing;
    bool broken;
    int64_t minute;    /* of refusals */
    unsigned refusals; /* that are on record */
    uint64_t left_out; /* since the last one that is */
};

/* ---- writing; the lock is held but where it says so ---- */

static coco_status
fail_broken(coco_error **err)
{
    return coco_fail(err, COCO_ERR_IO, "the audit log cannot be written");
}

/* All of a line or nothing; if not even that is sure, nothing is written any more. */
static coco_status
write_line(struct coco_kbs_audit *audit, const struct coco_buf *line, coco_error **err)
{
    coco_status status = coco_fd_write_all(audit->fd, line->data, line->len, err);

    if (status == COCO_OK) {
        audit->size += (off_t)line->len;
        return COCO_OK;
    }
    if (ftruncate(audit->fd, audit->size) < 0)
        audit->broken = true;
    return coco_wrap(err, status, "audit log");
}

/* With event NULL it is a checkpoint. */
static coco_status
append(struct coco_kbs_audit *audit, const struct coco_kbs_audit_event *event, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    struct coco_kbs_audit_place place = audit->tip;
    struct coco_kbs_audit_place tip = {.seq = place.seq + 1};

    if (audit->broken)
        return fail_broken(err);
    place.seq = tip.seq;
    place.time = audit->now();
    coco_status status = event ? coco_kbs_audit_format(&place, event, &line, err)
                               : coco_kbs_audit_format_checkpoint(&place, audit->key, &line, err);
    if (status == COCO_OK)
        status = coco_kbs_audit_hash(line.data, line.len - 1, tip.prev, err);
    if (status == COCO_OK)
        status = write_line(audit, &line, err);
    if (status == COCO_OK)
        audit->tip = tip;
    if (status == COCO_OK && !event)
        audit->signed_to = tip.seq;
    return status;
}

/* Entries behind a checkpoint are as many as who goes on with the log looks at, and no more. */
static coco_status
sign_if_due(struct coco_kbs_audit *audit, coco_error **err)
{
    return audit->tip.seq - audit->signed_to >= COCO_KBS_AUDIT_CHECKPOINT ? append(audit, NULL, err)
                                                                          : COCO_OK;
}

/* One thread syncs for all whose entries are written by then; the others wait for it. */
static coco_status
wait_for_disk(struct coco_kbs_audit *audit, uint64_t seq, coco_error **err)
{
    while (audit->synced < seq && !audit->broken) {
        if (audit->syncing) {
            (void)pthread_cond_wait(&audit->news, &audit->lock);
            continue;
        }
        uint64_t written = audit->tip.seq;
        audit->syncing = true;
        (void)pthread_mutex_unlock(&audit->lock);
        bool good = fdatasync(audit->fd) == 0;
        (void)pthread_mutex_lock(&audit->lock);
        audit->syncing = false;
        audit->broken = audit->broken || !good;
        if (good)
            audit->synced = written;
        (void)pthread_cond_broadcast(&audit->news);
    }
    return audit->synced >= seq ? COCO_OK : fail_broken(err);
}

/* Without the lock. */
static coco_status
add(struct coco_kbs_audit *audit, const struct coco_kbs_audit_event *event, coco_error **err)
{
    (void)pthread_mutex_lock(&audit->lock);
    /* One may be due still: the disk was full. */
    coco_status status = event ? sign_if_due(audit, err) : COCO_OK;
    if (status == COCO_OK)
        status = append(audit, event, err);
    uint64_t seq = audit->tip.seq;
    if (status == COCO_OK)
        status = sign_if_due(audit, err);
    if (status == COCO_OK && audit->sync)
        status = wait_for_disk(audit, seq, err);
    (void)pthread_mutex_unlock(&audit->lock);
    return status;
}

coco_status
coco_kbs_audit_add(struct coco_kbs_audit *audit, const struct coco_kbs_audit_event *event,
                   coco_error **err)
{
    return add(audit, event, err);
}

/* Counts one more; whether it is one too many. */
static bool
is_left_out(struct coco_kbs_audit *audit)
{
    int64_t minute = audit->now() / 60;

    if (minute != audit->minute)
        audit->refusals = 0;
    audit->minute = minute;
    if (audit->refusals < COCO_KBS_AUDIT_REFUSALS) {
        audit->refusals++;
        return false;
    }
    audit->left_out++;
    return true;
}

coco_status
coco_kbs_audit_add_refusal(struct coco_kbs_audit *audit, const struct coco_kbs_audit_event *event,
                           coco_error **err)
{
    struct coco_kbs_audit_event entry = *event;
    char note[64];

    (void)pthread_mutex_lock(&audit->lock);
    bool none = is_left_out(audit);
    uint64_t before = none ? 0 : audit->left_out;
    audit->left_out -= before;
    (void)pthread_mutex_unlock(&audit->lock);
    if (none)
        return COCO_OK;
    (void)snprintf(note, sizeof(note), "refusals left out before: %" PRIu64, before);
    if (before > 0)
        entry.note = note;
    return add(audit, &entry, err);
}

/* ---- opening ---- */

static coco_status
fail_long(coco_error **err)
{
    return coco_fail(err, COCO_ERR_PROTO, "one of its last lines is of more than %zu bytes",
                     COCO_KBS_AUDIT_LINE_MAX);
}

/* Where the last whole line ends; 0 if there is none. */
static coco_status
find_end(int fd, off_t size, off_t *ret, coco_error **err)
{
    char bytes[COCO_KBS_AUDIT_LINE_MAX];
    size_t want = (size_t)(size < (off_t)sizeof(bytes) ? size : (off_t)sizeof(bytes));
    ssize_t len = pread(fd, bytes, want, size - (off_t)want);

    if (len < 0 || (size_t)len != want)
        return coco_fail_errno(err, errno, "read");
    const char *last = memrchr(bytes, '\n', want);
    if (!last && want == sizeof(bytes))
        return fail_long(err);
    *ret = last ? size - (off_t)want + (last - bytes) + 1 : 0;
    return COCO_OK;
}

/* The line that ends before *end, without its newline; *end is then where it begins. */
static coco_status
read_before(int fd, off_t *end, struct coco_buf *line, coco_error **err)
{
    char bytes[COCO_KBS_AUDIT_LINE_MAX + 1];
    size_t want = (size_t)(*end < (off_t)sizeof(bytes) ? *end : (off_t)sizeof(bytes));
    ssize_t len = pread(fd, bytes, want, *end - (off_t)want);

    if (len < 0 || (size_t)len != want)
        return coco_fail_errno(err, errno, "read");
    const char *before = memrchr(bytes, '\n', want - 1);
    if (!before && want == sizeof(bytes))
        return fail_long(err);
    size_t begin = before ? (size_t)(before - bytes) + 1 : 0;
    coco_buf_reset(line);
    *end -= (off_t)(want - begin);
    return coco_buf_append(line, bytes + begin, want - 1 - begin, err);
}

/*
 * What is signed next vouches for all before it. So what is there has to be ours: each line
 * follows the one before it, back to a checkpoint, of which there is one among as many lines
 * as we write without one.
 */
static coco_status
check_last_lines(struct coco_kbs_audit *audit, coco_error **err)
{
    _cleanup_buf_ struct coco_buf line = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    struct coco_kbs_audit_place next = {0};
    off_t end = audit->size;

    for (unsigned n = 0; n <= COCO_KBS_AUDIT_CHECKPOINT && end > 0; n++) {
        struct coco_kbs_audit_place place = {0};
        char hash[COCO_KBS_AUDIT_HASH_SIZE];
        bool is_checkpoint = false;

        coco_status status = read_before(audit->fd, &end, &line, err);
        if (status == COCO_OK)
            status = coco_kbs_audit_parse(coco_buf_text(&line), line.len, audit->key, &place,
                                          &is_checkpoint, err);
        if (status == COCO_OK)
            status = coco_kbs_audit_hash(line.data, line.len, hash, err);
        if (status != COCO_OK)
            return status;
        if (n == 0) {
            memcpy(audit->tip.prev, hash, sizeof(hash));
            audit->tip.seq = place.seq;
        } else if (place.seq + 1 != next.seq || strcmp(hash, next.prev) != 0) {
            return coco_fail(err, COCO_ERR_VERIFY, "entry %" PRIu64 " does not follow %" PRIu64,
                             next.seq, place.seq);
        }
        if (is_checkpoint) {
            audit->signed_to = place.seq;
            return COCO_OK;
        }
        next = place;
    }
    return coco_fail(err, COCO_ERR_VERIFY, "its last entries follow no checkpoint");
}

static coco_status
find_tip(struct coco_kbs_audit *audit, off_t size, coco_error **err)
{
    memcpy(audit->tip.prev, COCO_KBS_AUDIT_FIRST, sizeof(COCO_KBS_AUDIT_FIRST));
    coco_status status = find_end(audit->fd, size, &audit->size, err);
    if (status == COCO_OK && audit->size > 0)
        status = check_last_lines(audit, err);
    if (status == COCO_OK && audit->size < size && ftruncate(audit->fd, audit->size) < 0)
        return coco_fail_errno(err, errno, "cutting off an unfinished line");
    return status;
}

static coco_status
open_file(struct coco_kbs_audit *audit, const char *path, coco_error **err)
{
    struct stat st;

    audit->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (audit->fd < 0 || fstat(audit->fd, &st) < 0)
        return coco_fail_errno(err, errno, "open");
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "is no file");
    /* Two writers would each continue the same line. */
    if (flock(audit->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? coco_fail(err, COCO_ERR_DENIED, "another KBS writes it")
                                    : coco_fail_errno(err, errno, "flock");
    return find_tip(audit, st.st_size, err);
}

coco_status
coco_kbs_audit_open(const struct coco_kbs_audit_options *options, struct coco_kbs_audit **ret,
                    coco_error **err)
{
    struct coco_kbs_audit *made = calloc(1, sizeof(*made));

    if (!made)
        return coco_fail_nomem(err);
    made->fd = -1;
    made->now = options->now;
    made->sync = options->sync;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->news, NULL);
    _cleanup_(coco_kbs_audit_closep) struct coco_kbs_audit *audit = made;

    (void)EVP_PKEY_up_ref(options->key);
    audit->key = options->key;
    coco_status status = open_file(audit, options->path, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "audit log %s", options->path);
    audit->synced = audit->tip.seq;
    status = add(audit, NULL, err);
    audit->opened = status == COCO_OK;
    if (status == COCO_OK)
        *ret = coco_steal(&audit);
    return status;
}

void
coco_kbs_audit_close(struct coco_kbs_audit *audit)
{
    coco_error *err = NULL;

    if (!audit)
        return;
    /* One that was not opened is not ours to sign. */
    if (audit->opened && add(audit, NULL, &err) != COCO_OK)
        coco_error_free(err);
    if (audit->fd >= 0)
        (void)close(audit->fd);
    EVP_PKEY_free(audit->key);
    (void)pthread_cond_destroy(&audit->news);
    (void)pthread_mutex_destroy(&audit->lock);
    free(audit);
}

/* ---- reading ---- */

/* Adds an entry to what was read; hash is that of the line before it. */
static coco_status
follow(struct coco_kbs_audit_report *report, const struct coco_kbs_audit_place *place,
       bool is_checkpoint, coco_error **err)
{
    if (report->entries == 0) {
        report->first = place->seq;
        report->from = place->time;
        if (place->seq == 1 && strcmp(place->prev, COCO_KBS_AUDIT_FIRST) != 0)
            return coco_fail(err, COCO_ERR_VERIFY, "the first entry follows another");
    } else if (place->seq != report->last + 1) {
        return coco_fail(err, COCO_ERR_VERIFY, "entry %" PRIu64 " follows entry %" PRIu64,
                         place->seq, report->last);
    } else if (strcmp(place->prev, report->head) != 0) {
        return coco_fail(err, COCO_ERR_VERIFY,
                         "the line before it is not the one that it was written behind");
    }
    report->entries++;
    report->last = place->seq;
    report->to = place->time;
    if (is_checkpoint) {
        report->checkpoints++;
        report->signed_to = place->seq;
    }
    return COCO_OK;
}

static coco_status
read_line(const char *line, size_t len, EVP_PKEY *key, struct coco_kbs_audit_report *report,
          coco_error **err)
{
    struct coco_kbs_audit_place place = {0};
    bool is_checkpoint = false;

    if (len == 0 || line[len - 1] != '\n')
        return coco_fail(err, COCO_ERR_PROTO, "is unfinished");
    len--;
    coco_status status = coco_kbs_audit_parse(line, len, key, &place, &is_checkpoint, err);
    if (status == COCO_OK)
        status = follow(report, &place, key && is_checkpoint, err);
    if (status == COCO_OK)
        status = coco_kbs_audit_hash(line, len, report->head, err);
    return status;
}

static coco_status
read_lines(FILE *file, EVP_PKEY *key, struct coco_kbs_audit_report *report, coco_error **err)
{
    char line[COCO_KBS_AUDIT_LINE_MAX + 1];

    while (fgets(line, sizeof(line), file)) {
        /* A NUL ends the line for strlen(), and makes it unfinished. */
        coco_status status = read_line(line, strlen(line), key, report, err);
        if (status != COCO_OK)
            return coco_wrap(err, status, "line %" PRIu64, report->entries + 1);
    }
    if (ferror(file))
        return coco_fail_errno(err, errno, "read");
    if (report->entries == 0)
        return coco_fail(err, COCO_ERR_PROTO, "is empty");
    return COCO_OK;
}

coco_status
coco_kbs_audit_read(const char *path, EVP_PKEY *key, struct coco_kbs_audit_report *ret,
                    coco_error **err)
{
    struct coco_kbs_audit_report report = {0};
    FILE *file = fopen(path, "re");

    if (!file && errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "audit log %s: there is none", path);
    if (!file)
        return coco_fail_errno(err, errno, "audit log %s", path);
    coco_status status = read_lines(file, key, &report, err);
    (void)fclose(file);
    if (status != COCO_OK)
        return coco_wrap(err, status, "audit log %s", path);
    *ret = report;
    return COCO_OK;
}
