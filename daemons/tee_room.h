/*
 * daemons/tee_room.h - the directory in which a command finds its TEE
 *
 * A process of its own, the keeper, takes it away when this one has ended, however that
 * came to be: what was mounted there is unmounted, and what was in it is removed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_DAEMONS_TEE_ROOM_H
#define COCO_DAEMONS_TEE_ROOM_H

#include <coco/error.h>

#include <sys/types.h>

struct tee_room {
    char path[64]; /* what takes the place of / */
    char sys[80];  /* in it, empty */
    int alive;     /* open as long as this process lives */
    pid_t keeper;
};

/* Before any thread starts. */
coco_status tee_room_make(struct tee_room *ret, coco_error **err);

/* Has it taken away, and waits for that; for a room that was never made, too, if it is {0}. */
void tee_room_end(struct tee_room *room);

#endif
