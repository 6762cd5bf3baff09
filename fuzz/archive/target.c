/*
 * fuzz/archive/target.c - what is found in a tar file is what a reader of all of it sees
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/archive.h"

#include "image/tar.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The reader that is shown everything, and what it is compared with. */
struct whole {
    const struct coco_archive *archive;
    const uint8_t *data;
    size_t len;
    const struct coco_member *member; /* of the entry, NULL if it is no file */
};

static coco_status
on_entry(void *self, const struct coco_tar_entry *entry, coco_error **err)
{
    struct whole *whole = self;
    const char *name = entry->name;

    whole->member = NULL;
    if (entry->type != COCO_TAR_FILE)
        return COCO_OK;
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    if (coco_archive_find(whole->archive, name, &whole->member, err) != COCO_OK
        || whole->member->size != entry->size || whole->member->link
        || strcmp(whole->member->name, name) != 0 || *name == '/' || strstr(name, "//"))
        abort();
    if (entry->size > 0
        && (whole->member->offset > whole->len || entry->size > whole->len - whole->member->offset))
        abort();
    return COCO_OK;
}

static coco_status
on_data(void *self, uint64_t offset, const uint8_t *data, size_t len, coco_error **err)
{
    const struct whole *whole = self;

    (void)err;
    if (!whole->member || memcmp(whole->data + whole->member->offset + offset, data, len) != 0)
        abort();
    return COCO_OK;
}

static coco_status
on_done(void *self, coco_error **err)
{
    (void)self;
    (void)err;
    return COCO_OK;
}

static void
compare(const struct coco_archive *archive, const uint8_t *data, size_t len)
{
    struct whole whole = {.archive = archive, .data = data, .len = len};
    const struct coco_tar_handler handler = {on_entry, on_data, on_done, on_done, &whole};
    _cleanup_(coco_tar_freep) struct coco_tar *tar = NULL;

    if (coco_tar_new(&handler, &tar, NULL) != COCO_OK)
        return;
    const struct coco_sink sink = coco_tar_sink(tar);
    if (coco_sink_write(&sink, data, len, NULL) != COCO_OK || coco_sink_end(&sink, NULL) != COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_archive_freep) struct coco_archive *archive = NULL;
    int fd = memfd_create("archive", MFD_CLOEXEC);

    if (fd < 0)
        return 0;
    if (write(fd, data, len) != (ssize_t)len) {
        (void)close(fd);
        return 0;
    }
    coco_status status = coco_archive_new(fd, &archive, NULL);
    if ((status == COCO_OK) != (archive != NULL))
        abort();
    if (archive)
        compare(archive, data, len);
    return 0;
}
