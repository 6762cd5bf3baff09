/*
 * daemons/tee_swtpm.h - the process that is a machine's TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_DAEMONS_TEE_SWTPM_H
#define COCO_DAEMONS_TEE_SWTPM_H

#include <coco/error.h>

#include <sys/types.h>

#define TEE_SWTPM_SOCKET "sock"

/* Its sockets, which wait for it to serve them. */
struct tee_swtpm {
    int server;
    int control;
};

/* Makes them in dir; COCO_ERR_NOTSUP if there is no swtpm in PATH. */
coco_status tee_swtpm_listen(const char *dir, struct tee_swtpm *ret, coco_error **err);
void tee_swtpm_close(struct tee_swtpm *swtpm);

/*
 * Starts it, with its state in dir, to be killed with this process. From here on it
 * alone has the sockets: whoever comes when it has ended is refused. Below 0 if it cannot.
 */
pid_t tee_swtpm_start(const char *dir, struct tee_swtpm *swtpm);

#endif
