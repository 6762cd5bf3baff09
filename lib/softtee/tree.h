/*
 * softtee/tree.h - what /sys has in a TEE that is software
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SOFTTEE_TREE_H
#define COCO_SOFTTEE_TREE_H

#include "softtee/machine.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * The files of a kernel, without a file system: whoever has one asks here. Paths begin
 * behind /sys. The rules are the kernel's (drivers/virt/coco/guest/report.c,
 * drivers/virt/coco/guest/tsm-mr.c, fs/configfs/file.c): an entry of configfs-tsm is a
 * directory that is made and removed; inblob counts when it is closed; each write that is
 * taken adds one to generation; outblob is EINVAL unless there was an inblob of 64 bytes; a
 * register is extended by a write of 48 bytes; files of an entry that is removed are gone
 * for who has them open, too.
 *
 * Nothing is locked: one thread.
 */
struct coco_softtee;

/* coco_softtee_machine_boot(), and what its kernel shows. */
coco_status coco_softtee_boot(const char *state, enum coco_softtee_kind kind,
                              const struct coco_softtee_launch *launch, struct coco_softtee **ret,
                              coco_error **err);
/* Has the TPM at tcti be that of this machine: coco_swtpm_boot(). */
coco_status coco_softtee_boot_tpm(struct coco_softtee *tee, const char *tcti, coco_error **err);
void coco_softtee_free(struct coco_softtee *tee);
COCO_DEFINE_CLEANUP(struct coco_softtee *, coco_softtee_free);

/* What file systems ask; 0 or more, or an errno below 0. */

struct coco_softtee_stat {
    bool is_dir;
    mode_t mode; /* permissions */
    size_t size;
};

typedef void coco_softtee_name(void *user, const char *name);

int coco_softtee_stat(const struct coco_softtee *tee, const char *path,
                      struct coco_softtee_stat *ret);
int coco_softtee_list(const struct coco_softtee *tee, const char *path, coco_softtee_name *each,
                      void *user);
int coco_softtee_mkdir(struct coco_softtee *tee, const char *path);
int coco_softtee_rmdir(struct coco_softtee *tee, const char *path);
/* flags as of open(2); gives a handle. */
int coco_softtee_open(struct coco_softtee *tee, const char *path, int flags);
ssize_t coco_softtee_read(struct coco_softtee *tee, int handle, void *buf, size_t size, off_t at);
ssize_t coco_softtee_write(struct coco_softtee *tee, int handle, const void *data, size_t size,
                           off_t at);
/* What was written counts from here on; the handle stays. */
void coco_softtee_flush(struct coco_softtee *tee, int handle);
void coco_softtee_close(struct coco_softtee *tee, int handle);

#endif
