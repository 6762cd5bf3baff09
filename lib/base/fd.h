/*
 * base/fd.h - whole files and whole writes
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_FD_H
#define COCO_BASE_FD_H

#include "base/buf.h"

#include <sys/types.h>

/* Writes all of data, however often the system takes only a part. */
coco_status coco_fd_write_all(int fd, const void *data, size_t len, coco_error **err);

/* Appends fd up to its end; COCO_ERR_LIMIT once buf is full, whatever its st_size said. */
coco_status coco_fd_read_all(int fd, struct coco_buf *buf, coco_error **err);

/*
 * Makes *fd least or above, closed on exec: below 3, where a process without stdio has what it
 * opens first, it would be in the way of another program's own.
 */
coco_status coco_fd_raise(int *fd, int least, coco_error **err);

/*
 * The content of the file at path, COCO_ERR_NOTFOUND when there is none. A named pipe that nobody
 * writes to is empty.
 */
coco_status coco_file_read(const char *path, struct coco_buf *buf, coco_error **err);

/*
 * The same where somebody else named path: COCO_ERR_INVALID for a directory, a device or a pipe,
 * one of which may block for ever, or do something when it is opened.
 */
coco_status coco_file_read_regular(const char *path, struct coco_buf *buf, coco_error **err);

/*
 * Opens the directory in which path names something, which need not be there;
 * *name is that name, the end of path.
 */
coco_status coco_file_open_parent(const char *path, int *ret, const char **name, coco_error **err);

/* The path of name in the directory dir, to be freed; NULL if it fails. */
coco_status coco_path_in(const char *dir, const char *name, char **ret, coco_error **err);

/* Makes the directory name in dir, its owner's alone, and opens it. */
coco_status coco_dir_make_at(int dir, const char *name, int *ret, coco_error **err);

/*
 * Makes the file at path hold data, or leaves it as it was: a new file is
 * written, synced and renamed over it. Nobody but the owner may read it unless
 * mode says so.
 */
coco_status coco_file_write(const char *path, const void *data, size_t len, mode_t mode,
                            coco_error **err);

/* The same for a name in the directory that is open as dir, wherever that is by now. */
coco_status coco_file_write_at(int dir, const char *name, const void *data, size_t len, mode_t mode,
                               coco_error **err);

/*
 * Whether a file has such a name as new ones have until they are renamed. Who knows that
 * nobody writes in a directory may remove them: their process was killed.
 */
bool coco_file_is_temporary(const char *name);

#endif
