/*
 * attester/cclog.c - the log of what was measured, as evidence has it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cclog.h"

#include "attester/paths.h"
#include "base/fail.h"
#include "tee/eventlog.h"

#include <string.h>

#define AAEL_VARIABLE "AAEL_PATH"

/* *ret is buf, or NULL if there is no such file. */
static coco_status
read_if_there(const struct coco_kernel *kernel, const char *path, struct coco_buf *buf,
              const struct coco_buf **ret, coco_error **err)
{
    coco_error *why = NULL;
    bool is_missing = false;

    (void)coco_kernel_read(kernel, path, buf, &why);
    coco_status status = coco_forgive(why, COCO_ERR_NOTFOUND, &is_missing, err);
    *ret = is_missing ? NULL : buf;
    return status;
}

static coco_status
aael_path(char **ret, coco_error **err)
{
    const char *path = secure_getenv(AAEL_VARIABLE);

    if (!path || path[0] == '\0')
        return coco_path_get(COCO_PATH_AAEL, NULL, ret, err);
    *ret = strdup(path);
    return *ret ? COCO_OK : coco_fail_nomem(err);
}

coco_status
coco_cclog_read(const struct coco_kernel *kernel, struct coco_buf *log, coco_error **err)
{
    _cleanup_buf_ struct coco_buf ccel = {.limit = COCO_EVENTLOG_MAX};
    _cleanup_buf_ struct coco_buf aael = {.limit = COCO_EVENTLOG_MAX};
    const struct coco_buf *have_ccel = NULL;
    const struct coco_buf *have_aael = NULL;
    _cleanup_free_ char *ccel_path = NULL;
    _cleanup_free_ char *path = NULL;

    coco_status status = coco_path_get(COCO_PATH_CCEL, NULL, &ccel_path, err);
    if (status == COCO_OK)
        status = read_if_there(kernel, ccel_path, &ccel, &have_ccel, err);
    if (status == COCO_OK)
        status = aael_path(&path, err);
    if (status == COCO_OK)
        status = read_if_there(kernel, path, &aael, &have_aael, err);
    if (status == COCO_OK)
        status = coco_eventlog_join(have_ccel, have_aael, log, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "event log");
}
