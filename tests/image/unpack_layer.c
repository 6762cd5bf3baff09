/*
 * image/unpack_layer.c - unpack layers into a directory, for tests/e2e/test_unpack.py
 *
 *     unpack-layer ROOT LAYER.tar|.tar.gz|.tar.zst...
 *
 * Ends with 0, or with 1 and "<status>: <message>" on standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/unpack.h"

#include "base/fail.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PIECE ((size_t)64 << 10)

static enum coco_compression
compression_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    if (dot && strcmp(dot, ".gz") == 0)
        return COCO_GZIP;
    if (dot && strcmp(dot, ".zst") == 0)
        return COCO_ZSTD;
    return COCO_UNCOMPRESSED;
}

static coco_status
feed(int fd, const struct coco_sink *sink, coco_error **err)
{
    static uint8_t piece[PIECE];

    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0)
            return coco_fail_errno(err, errno, "read");
        if (n == 0)
            return coco_sink_end(sink, err);
        coco_status status = coco_sink_write(sink, piece, (size_t)n, err);
        if (status != COCO_OK)
            return status;
    }
}

static coco_status
unpack_layer(int root, const char *path, struct coco_unpack_budget *budget, coco_error **err)
{
    _cleanup_(coco_unpack_freep) struct coco_unpack *unpack = NULL;
    _cleanup_(coco_inflate_freep) struct coco_inflate *inflate = NULL;
    const struct coco_inflate_limits limits = {.max_ratio = 1100, .max_window = 8 << 20};
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return coco_fail_errno(err, errno, "open '%s'", path);

    coco_status status = coco_unpack_new(root, budget, &unpack, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink files = coco_unpack_sink(unpack);
    status = coco_inflate_new(compression_of(path), &limits, &files, &inflate, err);
    if (status != COCO_OK)
        return status;
    const struct coco_sink bytes = coco_inflate_sink(inflate);
    return feed(fd, &bytes, err);
}

int
main(int argc, char **argv)
{
    struct coco_unpack_budget budget = {.content = (uint64_t)64 << 30, .entries = 4000000};
    coco_error *err = NULL;
    coco_status status = COCO_OK;

    if (argc < 2)
        return 2;
    _cleanup_close_ int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return 2;
    for (int i = 2; i < argc && status == COCO_OK; i++)
        status = unpack_layer(root, argv[i], &budget, &err);
    if (status == COCO_OK)
        return 0;
    (void)printf("%s: %s\n", coco_status_name(status), coco_error_message(err));
    coco_error_free(err);
    return 1;
}
