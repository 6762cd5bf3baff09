/*
 * kbs/seal_key.c - the key in whose hands a store is
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/seal_key.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "crypto/aead.h"

#include <fcntl.h>
#include <sys/stat.h>

#define HEX_SIZE ((size_t)2 * COCO_AEAD_KEY_SIZE)

/* Links are followed: that is how orchestrators mount secrets. */
static coco_status
open_file(const char *path, int *ret, coco_error **err)
{
    struct stat st;

    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return coco_fail_errno(err, errno, "seal key %s", path);
    if (fstat(fd, &st) != 0)
        return coco_fail_errno(err, errno, "seal key %s", path);
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "seal key %s is not a file", path);
    if (st.st_mode & 007)
        return coco_fail(err, COCO_ERR_DENIED,
                         "seal key %s may be read by everybody (mode %04o): chmod 600 it", path,
                         (unsigned)st.st_mode & 07777U);
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

coco_status
coco_kbs_seal_key_read(const char *path, struct coco_secret *ret, coco_error **err)
{
    _cleanup_close_ int fd = -1;
    _cleanup_buf_ struct coco_buf text = {.limit = HEX_SIZE + 2};
    _cleanup_secret_ struct coco_secret key = {0};

    coco_status status = open_file(path, &fd, err);
    if (status == COCO_OK)
        status = coco_fd_read_all(fd, &text, err);
    if (status == COCO_ERR_LIMIT)
        return coco_wrap(err, status, "seal key %s", path);
    if (status != COCO_OK)
        return status;
    if (text.len == COCO_AEAD_KEY_SIZE)
        return coco_secret_copy(text.data, text.len, ret, err);

    size_t len = text.len > 0 && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
    status = coco_secret_alloc(COCO_AEAD_KEY_SIZE, &key, err);
    if (status != COCO_OK)
        return status;
    if (len != HEX_SIZE || !coco_unhex(coco_buf_text(&text), len, key.data, key.len))
        return coco_fail(err, COCO_ERR_PROTO, "seal key %s is neither %d bytes nor %zu hex digits",
                         path, COCO_AEAD_KEY_SIZE, HEX_SIZE);
    *ret = coco_secret_steal(&key);
    return COCO_OK;
}
