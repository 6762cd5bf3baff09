/*
 * fuzz/kbs_backup/target.c - a backup of a KBS, from wherever
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* SQLite opens paths alone. */
static void
write_file(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    (void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct coco_kbs_restoring nowhere;
    struct coco_kbs_backup backup;
    coco_bytes *told = NULL;
    char path[64];

    if (coco_kbs_backup_parse((const char *)data, len, &backup, NULL) == COCO_OK && backup.time < 0)
        abort();
    (void)snprintf(path, sizeof(path), "/tmp/coco-fuzz-backup-%ld", (long)getpid());
    write_file(path, data, len);
    if ((coco_kbs_backup_read(path, &nowhere, &told, NULL) == COCO_OK) != (told != NULL))
        abort();
    coco_bytes_free(told);
    (void)unlink(path);
    return 0;
}
