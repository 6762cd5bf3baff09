/*
 * image/lookaside_write.c - one more signature in a lookaside on this machine
 *
 * Who signs may not be the only one: the file gets its name when it is whole, and takes nobody
 * else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/lookaside.h"

#include "base/cleanup.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory with all that lead to it, as containers/image makes them. */
static coco_status
make_folders(char *path, coco_error **err)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
        int error = errno;
        if (slash)
            *slash = '/';
        if (!made)
            return coco_fail_errno(err, error, "directory '%.300s'", path);
        if (!slash)
            return COCO_OK;
    }
}

/* Gives the file that is called temporary the first number that is free. */
static coco_status
number(int dir, const char *temporary, unsigned *ret, coco_error **err)
{
    for (unsigned i = 1; i <= COCO_SIGNATURE_FILES_MAX; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "signature-%u", i);
        if (linkat(dir, temporary, dir, name, 0) == 0) {
            *ret = i;
            return COCO_OK;
        }
        if (errno != EEXIST)
            return coco_fail_errno(err, errno, "%s", name);
    }
    return coco_fail(err, COCO_ERR_LIMIT, "there are %d signatures already",
                     COCO_SIGNATURE_FILES_MAX);
}

static coco_status
put(int dir, const struct coco_buf *signature, unsigned *ret, coco_error **err)
{
    uint64_t random = 0;
    char name[48];

    coco_status status = coco_random(&random, sizeof(random), err);
    if (status != COCO_OK)
        return status;
    (void)snprintf(name, sizeof(name), ".signature-%016" PRIx64, random);
    status = coco_file_write_at(dir, name, signature->data, signature->len, 0644, err);
    if (status != COCO_OK)
        return status;
    status = number(dir, name, ret, err);
    (void)unlinkat(dir, name, 0);
    if (status == COCO_OK && fsync(dir) != 0)
        status = coco_fail_errno(err, errno, "directory of signatures");
    return status;
}

coco_status
coco_lookaside_check_writable(const char *url, coco_error **err)
{
    const size_t scheme = strlen(COCO_LOOKASIDE_FILES);

    if (strncmp(url, COCO_LOOKASIDE_FILES, scheme) == 0 && url[scheme] == '/')
        return COCO_OK;
    return coco_fail(err, COCO_ERR_NOTSUP,
                     "signatures are written to file:///… alone, not to %.300s", url);
}

coco_status
coco_lookaside_put(const char *url, const coco_image_ref *ref, const struct coco_digest *digest,
                   const struct coco_buf *signature, char **where, coco_error **err)
{
    const size_t scheme = strlen(COCO_LOOKASIDE_FILES);
    _cleanup_free_ char *base = NULL;
    _cleanup_close_ int dir = -1;
    unsigned n = 0;

    coco_status status = coco_lookaside_check_writable(url, err);
    if (status == COCO_OK)
        status = coco_lookaside_base(url, ref, digest, &base, err);
    if (status == COCO_OK)
        status = make_folders(base + scheme, err);
    if (status != COCO_OK)
        return status;
    dir = open(base + scheme, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return coco_fail_errno(err, errno, "directory '%.300s'", base + scheme);
    status = put(dir, signature, &n, err);
    if (status == COCO_OK && asprintf(where, "%s/signature-%u", base, n) < 0) {
        *where = NULL;
        status = coco_fail_nomem(err);
    }
    return status;
}
