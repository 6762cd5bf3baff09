/*
 * measure/launch.c - a guest that is to be launched
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/launch.h"

#include "base/fail.h"
#include "measure/boot.h"

#include <string.h>

coco_status
coco_launch_new(coco_launch **ret, coco_error **err)
{
    coco_launch *launch = calloc(1, sizeof(*launch));

    if (!launch)
        return coco_fail_nomem(err);
    *ret = launch;
    return COCO_OK;
}

void
coco_launch_free(coco_launch *launch)
{
    if (!launch)
        return;
    free(launch->image);
    free(launch->kernel);
    free(launch->initrd);
    free(launch->cmdline);
    free(launch);
}

static coco_status
copy(const char *what, const void *data, size_t len, size_t max, uint8_t **ret, coco_error **err)
{
    if (len > max)
        return coco_fail(err, COCO_ERR_LIMIT, "%s of %zu bytes", what, len);
    uint8_t *bytes = malloc(len + 1);
    if (!bytes)
        return coco_fail_nomem(err);
    if (len > 0)
        memcpy(bytes, data, len);
    bytes[len] = 0;
    *ret = bytes;
    return COCO_OK;
}

/* Puts bytes, which are taken, in place of what *part was. */
static void
replace(uint8_t **part, uint8_t *bytes)
{
    free(*part);
    *part = bytes;
}

coco_status
coco_launch_set_firmware(coco_launch *launch, const uint8_t *data, size_t len, coco_error **err)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    struct coco_firmware firmware;

    coco_status status = copy("firmware", data, len, COCO_FIRMWARE_SIZE_MAX, &bytes, err);
    if (status == COCO_OK)
        status = coco_firmware_parse(bytes, len, &firmware, err);
    if (status != COCO_OK)
        return status;
    launch->firmware = firmware;
    replace(&launch->image, coco_steal(&bytes));
    return COCO_OK;
}

static coco_status
set_part(const char *what, const uint8_t *data, size_t len, size_t max, uint8_t **part,
         size_t *part_len, coco_error **err)
{
    uint8_t *bytes = NULL;

    coco_status status = copy(what, data, len, max, &bytes, err);
    if (status != COCO_OK)
        return status;
    replace(part, bytes);
    *part_len = len;
    return COCO_OK;
}

coco_status
coco_launch_set_kernel(coco_launch *launch, const uint8_t *data, size_t len, coco_error **err)
{
    return set_part("kernel", data, len, COCO_KERNEL_SIZE_MAX, &launch->kernel, &launch->kernel_len,
                    err);
}

coco_status
coco_launch_set_initrd(coco_launch *launch, const uint8_t *data, size_t len, coco_error **err)
{
    return set_part("initrd", data, len, COCO_INITRD_SIZE_MAX, &launch->initrd, &launch->initrd_len,
                    err);
}

coco_status
coco_launch_set_cmdline(coco_launch *launch, const char *cmdline, coco_error **err)
{
    size_t len = strlen(cmdline);

    if (len > COCO_CMDLINE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "command line of %zu bytes", len);
    char *text = strdup(cmdline);
    if (!text)
        return coco_fail_nomem(err);
    free(launch->cmdline);
    launch->cmdline = text;
    return COCO_OK;
}

struct coco_sev_kernel
coco_launch_kernel(const coco_launch *launch)
{
    return (struct coco_sev_kernel){
        .kernel = {launch->kernel, launch->kernel_len},
        .initrd = {launch->initrd ? launch->initrd : (const uint8_t *)"", launch->initrd_len},
        .cmdline = launch->cmdline ? launch->cmdline : "",
    };
}
