/*
 * collateral/open.c - the source that a text names
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "base/fd.h"
#include "collateral/bundle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Who is asked at an address that stands for one maker alone. */
static const struct {
    const char *prefix;
    bool intel;
    bool amd;
} addresses[] = {
    {"intel=", true, false},
    {"amd=", false, true},
    {"", true, false}, /* a PCCS has nothing of AMD's */
};

static bool
is_address(const char *text)
{
    return strncmp(text, "http://", strlen("http://")) == 0
           || strncmp(text, "https://", strlen("https://")) == 0;
}

static coco_status
open_address(coco_ctx *ctx, const char *source, bool early, bool *ret_is, coco_collateral **ret,
             coco_error **err)
{
    _cleanup_(coco_collateral_freep) coco_collateral *collateral = NULL;
    coco_status status = COCO_OK;

    *ret_is = strcmp(source, COCO_COLLATERAL_MAKERS) == 0;
    if (*ret_is)
        status = coco_collateral_new_http(ctx, NULL, NULL, &collateral, err);
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]) && !*ret_is; i++) {
        size_t len = strlen(addresses[i].prefix);

        *ret_is = strncmp(source, addresses[i].prefix, len) == 0 && is_address(source + len);
        if (*ret_is)
            status =
                coco_collateral_new_http(ctx, addresses[i].intel ? source + len : "",
                                         addresses[i].amd ? source + len : "", &collateral, err);
    }
    if (status == COCO_OK && collateral)
        status = coco_collateral_set_early(collateral, early, err);
    if (status == COCO_OK && collateral)
        *ret = coco_steal(&collateral);
    return status;
}

static coco_status
open_bundle(const char *path, const uint8_t *key, size_t key_len, coco_collateral **ret,
            coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_BUNDLE_MAX};

    if (!key)
        return coco_fail(err, COCO_ERR_INVALID, "%s is a bundle: it needs the key of its owner",
                         path);
    coco_status status = coco_file_read(path, &text, err);
    if (status == COCO_OK)
        status = coco_collateral_new_bundle(text.data, text.len, key, key_len, ret, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", path);
}

/* What a file is, its first bytes say. */
static coco_status
begins_as_bundle(const char *path, bool *ret, coco_error **err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    uint8_t head[64];
    struct stat st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return coco_fail(err, COCO_ERR_NOTFOUND, "there is no %s", path);
    /* A pipe gives nothing again, and what has no end is no collateral. */
    if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_PROTO, "%s is neither a file nor a directory", path);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
    if (n < 0)
        return coco_fail_errno(err, errno, "cannot read %s", path);
    *ret = coco_bundle_is(head, (size_t)n);
    return COCO_OK;
}

/* Trustee's store has a directory of this name and nothing else. */
static bool
is_store(const char *dir)
{
    _cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    return fd >= 0 && fstatat(fd, "vcek", &st, 0) == 0 && S_ISDIR(st.st_mode);
}

coco_status
coco_collateral_open(coco_ctx *ctx, const char *source, const uint8_t *key, size_t key_len,
                     bool early, coco_collateral **ret, coco_error **err)
{
    bool is = false;
    struct stat st;

    coco_status status = open_address(ctx, source, early, &is, ret, err);
    if (status != COCO_OK || is)
        return status;
    if (stat(source, &st) == 0 && S_ISDIR(st.st_mode))
        return is_store(source) ? coco_collateral_new_trustee(source, early, ret, err)
                                : coco_collateral_new_dir(source, ret, err);
    status = begins_as_bundle(source, &is, err);
    if (status != COCO_OK)
        return status;
    return is ? open_bundle(source, key, key_len, ret, err)
              : coco_collateral_new_trustee(source, early, ret, err);
}
