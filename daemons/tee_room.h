/*
 * daemons/tee_room.h - the directory in which a command finds its TEE
 *
 * A process of its own, the keeper, takes it away when this one has ended, however that
 * came to be: its TPM is ended, what was mounted is unmounted, and what is in it removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_DAEMONS_TEE_ROOM_H
#define COCO_DAEMONS_TEE_ROOM_H

#include <coco/error.h>

#include <stdbool.h>
#include <sys/types.h>

struct tee_room {
    char path[64]; /* what takes the place of / */
    char sys[80];  /* in it, empty */
    char tcti[96]; /* of its TPM, as tpm2-tss names it; "" without */
    int alive;     /* open as long as this process lives */
    pid_t keeper;
};

/* Before any thread starts; with_tpm: with one that was just switched on. */
coco_status tee_room_make(bool with_tpm, struct tee_room *ret, coco_error **err);

/* Has it taken away, and waits for that; for a room that was never made, too, if it is {0}. */
void tee_room_end(struct tee_room *room);

#endif
