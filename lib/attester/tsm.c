/*
 * attester/tsm.c - configfs-tsm: evidence from the kernel, one form for all TEEs
 *
 * mkdir -> provider -> privlevel -> inblob -> generation -> outblob, auxblob ->
 * generation -> rmdir
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tsm.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 8
#define LINE_MAX_SIZE ((size_t)64)

/* One question: a directory of ours. */
struct entry {
    const struct coco_kernel *kernel;
    char *path;
    bool made;
};

static void
entry_done(struct entry *entry)
{
    if (entry->made)
        (void)entry->kernel->rmdir(entry->kernel->user, entry->path);
    free(entry->path);
}

#define _cleanup_entry_ _cleanup_(entry_done)

static coco_status
entry_make(struct entry *entry, coco_error **err)
{
    uint8_t random[NAME_BYTES];
    char name[sizeof("coco-") + sizeof(random) * 2] = "coco-";

    coco_status status = coco_random(random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    coco_hex(random, sizeof(random), name + strlen(name));
    status = coco_path_get(COCO_PATH_TSM_REPORT, name, &entry->path, err);
    if (status != COCO_OK)
        return status;
    entry->made = entry->kernel->mkdir(entry->kernel->user, entry->path) == 0;
    if (entry->made)
        return COCO_OK;
    if (errno == ENOENT)
        return coco_fail(err, COCO_ERR_NOTSUP,
                         "the kernel has no configfs-tsm, or it is not "
                         "mounted");
    if (errno == ENXIO)
        return coco_fail(err, COCO_ERR_NOTSUP, "the kernel has nobody who reports");
    return coco_fail_errno(err, errno, "make '%s'", entry->path);
}

/* The path of one of its files, to be freed. */
static coco_status
file_of(const struct entry *entry, const char *name, char **ret, coco_error **err)
{
    return coco_path_in(entry->path, name, ret, err);
}

static coco_status
read_from(const struct entry *entry, const char *name, struct coco_buf *buf, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = file_of(entry, name, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_read(entry->kernel, path, buf, err);
    return status;
}

static coco_status
read_line(const struct entry *entry, const char *name, struct coco_buf *buf, coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = file_of(entry, name, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_read_line(entry->kernel, path, buf, err);
    return status;
}

/* What is written counts once the file is closed. */
static coco_status
write_to(const struct entry *entry, const char *name, const void *data, size_t len,
         coco_error **err)
{
    _cleanup_free_ char *path = NULL;

    coco_status status = file_of(entry, name, &path, err);
    if (status == COCO_OK)
        status = coco_kernel_write(entry->kernel, path, data, len, err);
    return status;
}

static coco_status
check_provider(const struct entry *entry, const char *want, coco_error **err)
{
    _cleanup_buf_ struct coco_buf got = {.limit = LINE_MAX_SIZE};

    coco_status status = read_line(entry, "provider", &got, err);
    if (status != COCO_OK)
        return status;
    if (got.len != strlen(want) || strcmp(coco_buf_text(&got), want) != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "who reports is '%s', not %s", coco_buf_text(&got),
                         want);
    return COCO_OK;
}

/* Every write that the kernel accepts counts: more than ours are somebody else's. */
static coco_status
check_generation(const struct entry *entry, unsigned writes, coco_error **err)
{
    _cleanup_buf_ struct coco_buf got = {.limit = LINE_MAX_SIZE};
    char want[16];

    (void)snprintf(want, sizeof(want), "%u", writes);
    coco_status status = read_line(entry, "generation", &got, err);
    if (status != COCO_OK)
        return status;
    if (got.len != strlen(want) || strcmp(coco_buf_text(&got), want) != 0)
        return coco_fail(err, COCO_ERR_VERIFY,
                         "somebody else wrote to '%s': generation '%s', not %s", entry->path,
                         coco_buf_text(&got), want);
    return COCO_OK;
}

/*
 * The level is 0 unless it is written, which a kernel that is not at level 0 is
 * refused. It is written as the kernel writes it: text, not a number.
 */
static coco_status
put_level(const struct entry *entry, unsigned *writes, coco_error **err)
{
    _cleanup_buf_ struct coco_buf level = {.limit = LINE_MAX_SIZE};
    coco_error *why = NULL;
    bool is_missing = false;

    (void)read_line(entry, "privlevel_floor", &level, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &is_missing, err);
    if (status != COCO_OK || is_missing || strcmp(coco_buf_text(&level), "0") == 0)
        return status;
    ++*writes;
    return write_to(entry, "privlevel", level.data, level.len, err);
}

static coco_status
put_question(const struct entry *entry, const struct coco_tsm_request *request, unsigned *writes,
             coco_error **err)
{
    coco_status status = request->at_floor ? put_level(entry, writes, err) : COCO_OK;
    if (status == COCO_OK)
        status = write_to(entry, "inblob", request->inblob, request->len, err);
    ++*writes;
    return status;
}

/* Not every provider has one, and then it cannot be read, or has nothing in it. */
static coco_status
read_aux(const struct entry *entry, struct coco_buf *auxblob, coco_error **err)
{
    coco_error *why = NULL;
    bool is_missing = false;

    coco_status status = read_from(entry, "auxblob", auxblob, &why);
    if (status == COCO_ERR_IO && auxblob->len == 0)
        return coco_forgive(why, COCO_ERR_IO, &is_missing, err);
    return coco_forgive(why, COCO_ERR_NOTFOUND, &is_missing, err);
}

static coco_status
get_answer(const struct entry *entry, struct coco_buf *outblob, struct coco_buf *auxblob,
           coco_error **err)
{
    coco_status status = read_from(entry, "outblob", outblob, err);
    if (status == COCO_OK && outblob->len == 0)
        status = coco_fail(err, COCO_ERR_IO, "'%s/outblob' is empty", entry->path);
    if (status == COCO_OK && auxblob)
        status = read_aux(entry, auxblob, err);
    return status;
}

bool
coco_tsm_detect(const struct coco_kernel *kernel, const char *provider)
{
    _cleanup_entry_ struct entry entry = {.kernel = kernel};

    return coco_path_exists(COCO_PATH_TSM_REPORT) && entry_make(&entry, NULL) == COCO_OK
           && check_provider(&entry, provider, NULL) == COCO_OK;
}

coco_status
coco_tsm_ask(const struct coco_kernel *kernel, const struct coco_tsm_request *request,
             struct coco_buf *outblob, struct coco_buf *auxblob, coco_error **err)
{
    _cleanup_entry_ struct entry entry = {.kernel = kernel};
    unsigned writes = 0;

    if (request->len == 0 || request->len > COCO_TSM_INBLOB_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "%zu bytes for configfs-tsm, not 1 to %d",
                         request->len, COCO_TSM_INBLOB_MAX);
    coco_status status = entry_make(&entry, err);
    if (status == COCO_OK)
        status = check_provider(&entry, request->provider, err);
    if (status == COCO_OK)
        status = put_question(&entry, request, &writes, err);
    if (status == COCO_OK)
        status = check_generation(&entry, writes, err);
    if (status == COCO_OK)
        status = get_answer(&entry, outblob, auxblob, err);
    if (status == COCO_OK)
        status = check_generation(&entry, writes, err);
    return status;
}
