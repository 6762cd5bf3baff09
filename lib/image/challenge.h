/*
 * image/challenge.h - what a registry wants to see before it answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CHALLENGE_H
#define COCO_IMAGE_CHALLENGE_H

#include "base/cleanup.h"

#include <coco/error.h>

enum coco_challenge_scheme {
    COCO_CHALLENGE_NONE, /* none that is known here */
    COCO_CHALLENGE_BASIC,
    COCO_CHALLENGE_BEARER,
};

struct coco_challenge {
    enum coco_challenge_scheme scheme;
    char *realm;   /* never NULL for Bearer */
    char *service; /* or NULL */
};

/*
 * Reads the value of WWW-Authenticate fields, joined by ", " (RFC 9110 section
 * 11.6.1), and takes the first Bearer challenge, else the first Basic one.
 * COCO_ERR_PROTO for what does not follow the grammar, a parameter given twice,
 * and a Bearer challenge without a realm.
 */
coco_status coco_challenge_parse(const char *value, struct coco_challenge *ret, coco_error **err);
void coco_challenge_done(struct coco_challenge *challenge);
#define _cleanup_challenge_ _cleanup_(coco_challenge_done)

#endif
