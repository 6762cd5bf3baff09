/*
 * attester/software_register.c - the runtime register of a software TEE
 *
 * A file in its directory, which is not there before something was measured.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/software_register.h"

#include "base/fail.h"
#include "base/fd.h"
#include "tee/tcghash.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define FILE_NAME COCO_SOFTWARE_REGISTER_FILE
#define SIZE COCO_SOFTWARE_MEASUREMENT_SIZE

static coco_status
open_dir(const char *dir, int *ret, coco_error **err)
{
    *ret = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? coco_fail_errno(err, errno, "open '%s'", dir) : COCO_OK;
}

static coco_status
read_at(int dir, uint8_t ret[SIZE], bool *extended, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_buf_ struct coco_buf bytes = {.limit = SIZE + 1};

    if (fd < 0 && errno == ENOENT) {
        memset(ret, 0, SIZE);
        *extended = false;
        return COCO_OK;
    }
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '" FILE_NAME "'");
    coco_status status = coco_fd_read_all(fd, &bytes, err);
    if (status != COCO_OK)
        return status;
    if (bytes.len != SIZE)
        return coco_fail(err, COCO_ERR_PROTO, "'" FILE_NAME "' has %zu bytes, not %d", bytes.len,
                         SIZE);
    memcpy(ret, bytes.data, SIZE);
    *extended = true;
    return COCO_OK;
}

coco_status
coco_software_register_read(const char *dir, uint8_t ret[SIZE], bool *extended, coco_error **err)
{
    _cleanup_close_ int fd = -1;

    coco_status status = open_dir(dir, &fd, err);
    return status == COCO_OK ? read_at(fd, ret, extended, err) : status;
}

coco_status
coco_software_register_extend(const char *dir, const uint8_t digest[SIZE], coco_error **err)
{
    _cleanup_close_ int fd = -1;
    uint8_t value[SIZE];
    bool extended = false;

    coco_status status = open_dir(dir, &fd, err);
    while (status == COCO_OK && flock(fd, LOCK_EX) != 0) /* until it is closed */
        if (errno != EINTR)
            return coco_fail_errno(err, errno, "lock '%s'", dir);
    if (status == COCO_OK)
        status = read_at(fd, value, &extended, err);
    if (status == COCO_OK)
        status = coco_tcg_extend(COCO_TCG_SHA384, value, digest, err);
    if (status == COCO_OK)
        status = coco_file_write_at(fd, FILE_NAME, value, sizeof(value), 0600, err);
    return status;
}

coco_status
coco_software_register_reset(const char *dir, coco_error **err)
{
    _cleanup_close_ int fd = -1;

    coco_status status = open_dir(dir, &fd, err);
    if (status == COCO_OK && unlinkat(fd, FILE_NAME, 0) != 0 && errno != ENOENT)
        return coco_fail_errno(err, errno, "remove '%s/" FILE_NAME "'", dir);
    return status;
}
