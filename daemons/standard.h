/*
 * daemons/standard.h - the descriptors 0, 1 and 2
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_DAEMONS_STANDARD_H
#define COCO_DAEMONS_STANDARD_H

#include <stdbool.h>

/*
 * Before anything is opened: a process that was started without one of them would have a socket or
 * a file there, and its log in it. What is missing is held by what it cannot be used for, so that
 * reading and writing there fails, as before. False, and errno, where that cannot be.
 */
bool standard_hold(void);

#endif
