/*
 * tests/uploads.h - a registry that takes blobs and manifests, and fails as a test wants it to
 *
 * It keeps what it was sent, looks at digests and ranges as a good registry does, and
 * hurts whoever pushes to it where the one fault says.
 *
 *     uploads_start(&uploads, &fault, content, len);
 *     ... push to uploads.httpd.port ...
 *     uploads_stop(&uploads);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_UPLOADS_H
#define COCO_TESTS_UPLOADS_H

#include "tests/httpd.h"

#define UPLOADS_BLOBS_MAX 8
#define UPLOADS_PATCHES_MAX 16

enum upload_stage { ON_POST, ON_STATUS, ON_PATCH, ON_PUT, ON_MANIFEST, ON_HEAD, UPLOAD_STAGES };

enum upload_harm {
    NO_HARM,
    CUT,         /* the connection, before a body is read */
    CUT_AFTER,   /* the same, once what was asked is done */
    CUT_INSTEAD, /* the same, once the body is read, of which nothing is kept */
    SAY,         /* something else, before a body is read */
    SAY_INSTEAD, /* the same, once the body is read, of which nothing is kept */
    SAY_AFTER,   /* the same, but all of the body is kept */
    STALL,       /* before a body is read */
};

#define ALWAYS (~0U)

struct upload_fault {
    const char *name;
    enum upload_stage stage;
    enum upload_harm harm;
    unsigned skip;       /* of the requests of the stage so many go well first */
    unsigned times;      /* how many requests of the stage are harmed; 0: the first; or ALWAYS */
    const char *status;  /* what is said instead, */
    const char *headers; /* or NULL */

    /* Of a PATCH that was cut. */
    size_t had;           /* how much of the content is kept each time */
    bool spoilt;          /* it is not what was sent */
    bool forgotten;       /* the upload is no more */
    const char *range;    /* what the registry says that it has; NULL: the truth, "": nothing */
    const char *location; /* and of where; NULL: the truth, "": nothing */
};

struct uploads {
    struct httpd httpd;
    const struct upload_fault *fault;
    const uint8_t *content; /* of the blob, as far as a cut PATCH has sent it */
    size_t content_len;
    const char *authorization; /* that it wants to see of a PATCH from the second on; or NULL */

    /* What it has, and saw; read it after uploads_stop(). */
    unsigned asked[UPLOAD_STAGES];
    bool open; /* there is an upload */
    unsigned id;
    uint8_t *data; /* of the upload */
    size_t len;
    char blobs[UPLOADS_BLOBS_MAX][80];
    size_t n_blobs;
    struct {
        char range[64]; /* "" for all of it */
        char length[32];
        size_t body_len;
        uint8_t start[64]; /* of the body */
    } patches[UPLOADS_PATCHES_MAX];
    unsigned n_patches;
    unsigned manifests;
    char manifest[8192]; /* the last one */
};

void uploads_start(struct uploads *uploads, const struct upload_fault *fault, const void *content,
                   size_t len);
void uploads_stop(struct uploads *uploads);
bool uploads_have(const struct uploads *uploads, const char *digest);

#endif
