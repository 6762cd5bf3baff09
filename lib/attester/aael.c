/*
 * attester/aael.c - measuring events as the guest runs
 *
 *     write ahead what will be  ->  extend the register  ->  append to the log  ->  forget
 *
 * as upstream's attestation agent does it, in its files and forms, so that either
 * goes on where the other was stopped. Which register it was is written beside it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/aael.h"
#include "attester/driver.h"
#include "attester/paths.h"
#include "base/bytes.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/reader.h"
#include "tee/eventlog.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define AHEAD_NAME ".wal_event_entry"
#define PCR_NAME ".wal_event_pcr" /* ours: upstream has one PCR, and does not say which */
#define PCR_DEFAULT 17            /* upstream's */
#define AHEAD_MAX (8 + COCO_TCG_HASH_SIZE_MAX + COCO_AAEL_TEXT_MAX)
#define TAGGED_MAX (8 + COCO_AAEL_TEXT_MAX)
#define ENTRY_MAX (256 + TAGGED_MAX)
#define LOG_MODE 0644 /* whoever collects evidence reads it; it holds nothing secret */
#define DIR_MODE 0755

/* The log, locked for as long as it is open. */
struct log {
    int dir;
    int fd;
    uint64_t size;
};

/* One event, and where it belongs. */
struct entry {
    coco_attester *attester;
    uint16_t alg;
    size_t size;  /* of a digest */
    unsigned pcr; /* that is extended */
    uint64_t offset;
    uint8_t digest[COCO_TCG_HASH_SIZE_MAX];
    uint8_t expected[COCO_TCG_HASH_SIZE_MAX]; /* of the register, once it is */
    struct coco_buf text;
    struct coco_buf tagged;
};

static void
log_done(struct log *log)
{
    coco_closep(&log->fd); /* and the lock goes */
    coco_closep(&log->dir);
}

static void
entry_done(struct entry *entry)
{
    coco_buf_done(&entry->text);
    coco_buf_done(&entry->tagged);
}

static struct entry
new_entry(coco_attester *attester, uint16_t alg, unsigned pcr)
{
    return (struct entry){
        .attester = attester,
        .alg = alg,
        .size = coco_tcg_hash_size(alg),
        .pcr = pcr,
        .text = {.limit = COCO_AAEL_TEXT_MAX},
        .tagged = {.limit = TAGGED_MAX},
    };
}

/* ---- the log ---- */

static coco_status
open_dir(const char *path, int *ret, const char **name, coco_error **err)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *dir = strndup(path, (size_t)(slash - path));

    if (!dir)
        return coco_fail_nomem(err);
    if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST)
        return coco_fail_errno(err, errno, "make '%s'", dir);
    return coco_file_open_parent(path, ret, name, err);
}

static coco_status
lock(int fd, const char *path, coco_error **err)
{
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return coco_fail_errno(err, errno, "lock '%s'", path);
    return COCO_OK;
}

static coco_status
open_log(struct log *log, coco_error **err)
{
    _cleanup_free_ char *path = NULL;
    const char *name = NULL;
    struct stat st;

    coco_status status = coco_path_get(COCO_PATH_AAEL, NULL, &path, err);
    if (status == COCO_OK)
        status = open_dir(path, &log->dir, &name, err);
    if (status != COCO_OK)
        return status;
    log->fd = openat(log->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOG_MODE);
    if (log->fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);
    status = lock(log->fd, path, err);
    if (status != COCO_OK)
        return status;
    if (fstat(log->fd, &st) != 0)
        return coco_fail_errno(err, errno, "'%s'", path);
    log->size = (uint64_t)st.st_size;
    if (!S_ISREG(st.st_mode) || log->size > COCO_EVENTLOG_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "'%s' is no log of at most %zu bytes", path,
                         COCO_EVENTLOG_MAX);
    return COCO_OK;
}

static coco_status
write_at(int fd, const struct coco_buf *buf, uint64_t offset, coco_error **err)
{
    for (size_t done = 0; done < buf->len;) {
        ssize_t n = pwrite(fd, buf->data + done, buf->len - done, (off_t)(offset + done));

        if (n < 0 && errno != EINTR)
            return coco_fail_errno(err, errno, "write the event log");
        done += n > 0 ? (size_t)n : 0;
    }
    return COCO_OK;
}

static coco_status
format_entry(struct entry *entry, struct coco_buf *buf, coco_error **err)
{
    struct coco_event event = {
        .index = coco_attester_log_index(entry->attester, entry->pcr),
        .type = COCO_EV_EVENT_TAG,
        .digest_count = 1,
        .digests = {{.alg = entry->alg, .bytes = entry->digest}},
        .data = entry->tagged.data,
        .len = entry->tagged.len,
    };

    return coco_eventlog_format_event(&event, buf, err);
}

/* Puts the event where it belongs, over a part of it that was there, and forgets. */
static coco_status
append(struct log *log, struct entry *entry, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = ENTRY_MAX};

    coco_status status = format_entry(entry, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (log->size < entry->offset || log->size > entry->offset + bytes.len)
        return coco_fail(err, COCO_ERR_PROTO, "somebody else has written to the event log");
    status = write_at(log->fd, &bytes, entry->offset, err);
    if (status != COCO_OK)
        return status;
    log->size = entry->offset + bytes.len;
    if (ftruncate(log->fd, (off_t)log->size) != 0 || fdatasync(log->fd) != 0
        || unlinkat(log->dir, AHEAD_NAME, 0) != 0
        || (unlinkat(log->dir, PCR_NAME, 0) != 0 && errno != ENOENT))
        return coco_fail_errno(err, errno, "write the event log");
    return COCO_OK;
}

/* ---- the register ---- */

static coco_status
digest_tagged(struct entry *entry, coco_error **err)
{
    coco_status status =
        coco_aael_format_tagged(entry->text.data, entry->text.len, &entry->tagged, err);
    if (status == COCO_OK)
        status =
            coco_tcg_hash(entry->alg, entry->tagged.data, entry->tagged.len, entry->digest, err);
    return status;
}

/* What the register holds, and what it will hold. */
static coco_status
look_ahead(const struct entry *entry, unsigned pcr, uint8_t *now, uint8_t *then, coco_error **err)
{
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;

    coco_status status = coco_attester_read_register(entry->attester, pcr, &value, err);
    if (status != COCO_OK)
        return status;
    if (coco_bytes_size(value) != entry->size)
        return coco_fail(err, COCO_ERR_IO, "register of %zu bytes", coco_bytes_size(value));
    memcpy(now, coco_bytes_data(value), entry->size);
    memcpy(then, now, entry->size);
    return coco_tcg_extend(entry->alg, then, entry->digest, err);
}

static coco_status
extend(const struct entry *entry, coco_error **err)
{
    return coco_attester_extend(entry->attester, entry->pcr, entry->digest, entry->size, err);
}

/* ---- what was written ahead ---- */

static coco_status
write_ahead(const struct log *log, const struct entry *entry, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = AHEAD_MAX};
    uint8_t pcr = (uint8_t)entry->pcr;
    uint8_t offset[8];

    for (size_t i = 0; i < sizeof(offset); i++)
        offset[i] = (uint8_t)(entry->offset >> (56 - 8 * i));
    coco_status status = coco_buf_append(&bytes, offset, sizeof(offset), err);
    if (status == COCO_OK)
        status = coco_buf_append(&bytes, entry->expected, entry->size, err);
    if (status == COCO_OK)
        status = coco_buf_append(&bytes, entry->text.data, entry->text.len, err);
    if (status == COCO_OK)
        status = coco_file_write_at(log->dir, PCR_NAME, &pcr, 1, LOG_MODE, err);
    if (status == COCO_OK)
        status = coco_file_write_at(log->dir, AHEAD_NAME, bytes.data, bytes.len, LOG_MODE, err);
    return status;
}

/* Opens what is beside the log; *ret stays -1 where it is not there. */
static coco_status
open_beside(const struct log *log, const char *name, int *ret, coco_error **err)
{
    *ret = openat(log->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret < 0 && errno != ENOENT)
        return coco_fail_errno(err, errno, "open '%s'", name);
    return COCO_OK;
}

static coco_status
read_ahead(const struct log *log, struct entry *entry, bool *found, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = AHEAD_MAX};
    _cleanup_close_ int fd = -1;

    coco_status status = open_beside(log, AHEAD_NAME, &fd, err);
    if (status != COCO_OK || fd < 0)
        return status;
    *found = true;
    status = coco_fd_read_all(fd, &bytes, err);
    if (status != COCO_OK)
        return status;
    struct coco_reader r = coco_reader_of(bytes.data, bytes.len);
    entry->offset = coco_read_u64be(&r);
    coco_read_bytes(&r, entry->expected, entry->size);
    status = coco_reader_check(&r, AHEAD_NAME, err);
    if (status == COCO_OK)
        status = coco_buf_append(&entry->text, r.data, r.len, err);
    if (status == COCO_OK)
        status = digest_tagged(entry, err);
    return status;
}

/* The PCR that was to be extended; upstream's where nobody wrote it down. */
static coco_status
read_pcr(const struct log *log, unsigned *ret, coco_error **err)
{
    _cleanup_close_ int fd = -1;
    uint8_t pcr = PCR_DEFAULT;

    coco_status status = open_beside(log, PCR_NAME, &fd, err);
    if (status != COCO_OK)
        return status;
    if (fd >= 0 && (read(fd, &pcr, 1) != 1 || pcr > COCO_PCR_MAX))
        return coco_fail(err, COCO_ERR_PROTO, PCR_NAME ": no PCR");
    *ret = pcr;
    return COCO_OK;
}

/* Whether the register of pcr is that of the event, *extended or not yet: its value tells. */
static coco_status
is_register(const struct entry *entry, unsigned pcr, bool *is, bool *extended, coco_error **err)
{
    uint8_t now[COCO_TCG_HASH_SIZE_MAX];
    uint8_t then[COCO_TCG_HASH_SIZE_MAX];

    coco_status status = look_ahead(entry, pcr, now, then, err);
    if (status != COCO_OK)
        return status;
    *extended = CRYPTO_memcmp(now, entry->expected, entry->size) == 0;
    *is = *extended || CRYPTO_memcmp(then, entry->expected, entry->size) == 0;
    return COCO_OK;
}

static coco_status
find_register(const struct log *log, struct entry *entry, bool *extended, coco_error **err)
{
    bool is = false;

    coco_status status = read_pcr(log, &entry->pcr, err);
    if (status == COCO_OK)
        status = is_register(entry, entry->pcr, &is, extended, err);
    if (status == COCO_OK && !is)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "a measurement was stopped, and its register was extended since: the log "
                         "cannot be made whole, see '" AHEAD_NAME "' beside it");
    return status;
}

/* Ends what was begun by whoever was stopped. */
static coco_status
recover(struct log *log, coco_attester *attester, uint16_t alg, coco_error **err)
{
    _cleanup_(entry_done) struct entry entry = new_entry(attester, alg, PCR_DEFAULT);
    bool extended = false;
    bool found = false;

    coco_status status = read_ahead(log, &entry, &found, err);
    if (status != COCO_OK || !found)
        return status;
    status = find_register(log, &entry, &extended, err);
    if (status == COCO_OK && !extended)
        status = extend(&entry, err);
    if (status == COCO_OK)
        status = append(log, &entry, err);
    return status;
}

/* ---- */

static coco_status
measure(struct log *log, struct entry *entry, coco_error **err)
{
    uint8_t now[COCO_TCG_HASH_SIZE_MAX];

    entry->offset = log->size;
    coco_status status = digest_tagged(entry, err);
    if (status == COCO_OK)
        status = look_ahead(entry, entry->pcr, now, entry->expected, err);
    if (status == COCO_OK)
        status = write_ahead(log, entry, err);
    if (status == COCO_OK)
        status = extend(entry, err);
    if (status == COCO_OK)
        status = append(log, entry, err);
    return status;
}

coco_status
coco_attester_measure(coco_attester *attester, unsigned pcr, const char *domain,
                      const char *operation, const char *content, coco_error **err)
{
    const char *name = coco_attester_register_alg(attester);
    uint16_t alg = name ? coco_tcg_hash_parse(name) : 0;
    const struct coco_aael event = {domain, operation, content};
    _cleanup_(entry_done) struct entry entry = new_entry(attester, alg, pcr);
    _cleanup_(log_done) struct log log = {.dir = -1, .fd = -1};

    if (alg == 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "%s has no registers to extend",
                         coco_attester_tee(attester));
    if (pcr > COCO_PCR_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "no PCR %u", pcr);
    coco_status status = coco_aael_format_text(&event, &entry.text, err);
    if (status == COCO_OK)
        status = open_log(&log, err);
    if (status == COCO_OK)
        status = recover(&log, attester, alg, err);
    if (status == COCO_OK && log.size + ENTRY_MAX > COCO_EVENTLOG_MAX)
        status = coco_fail(err, COCO_ERR_LIMIT, "the event log is full");
    if (status == COCO_OK)
        status = measure(&log, &entry, err);
    return status;
}
