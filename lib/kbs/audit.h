/*
 * kbs/audit.h - who was given what, in a file that shows if it was changed
 *
 * A line is an entry: {"seq","time","event",…,"prev"}, and prev is the SHA-256 of
 * the line before it, so that no entry can be changed, left out or put in between
 * without changing all that follow. Now and then an entry is a checkpoint, signed by
 * the KBS: nobody else can write the entries up to it anew.
 *
 *     {"seq":7,"time":1800000000,"event":"checkpoint","kid":"…","signature":"…","prev":"…"}
 *
 * The signature (ES256, RFC 7518 section 3.4) is over "coco-kbs audit\n<seq>\n<time>\n
 * <prev>\n". What is behind the last checkpoint could be cut off or written anew while
 * no KBS writes the log, and nobody would see it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_AUDIT_H
#define COCO_KBS_AUDIT_H

#include "base/json.h"
#include "crypto/key.h"

#include <stdint.h>

/* Of a line, with its newline. */
#define COCO_KBS_AUDIT_LINE_MAX ((size_t)8 << 10)
/* Entries from one checkpoint to the next at most. */
#define COCO_KBS_AUDIT_CHECKPOINT 1024

/* One log that is written. Any thread. */
struct coco_kbs_audit;

struct coco_kbs_audit_options {
    const char *path;
    EVP_PKEY *key;        /* P-256, for checkpoints; a reference is kept */
    int64_t (*now)(void); /* seconds since 1970 */
    bool sync;            /* an entry is on disk before coco_kbs_audit_add() returns */
};

/*
 * Goes on with the log at path, or begins one that nobody else may read, with a
 * checkpoint. A line that was not finished, for its writer was killed, is cut off.
 * COCO_ERR_DENIED while another writes it, COCO_ERR_PROTO for what is no log,
 * COCO_ERR_VERIFY for one whose last lines do not follow a checkpoint of this key.
 */
coco_status coco_kbs_audit_open(const struct coco_kbs_audit_options *options,
                                struct coco_kbs_audit **ret, coco_error **err);

/* Writes a last checkpoint. */
void coco_kbs_audit_close(struct coco_kbs_audit *audit);
COCO_DEFINE_CLEANUP(struct coco_kbs_audit *, coco_kbs_audit_close);

/* What happened. Texts may be NULL, and are then left out. */
struct coco_kbs_audit_event {
    const char *event;    /* "resource" */
    const char *who;      /* thumbprint of a guest's key, or an owner's role */
    const char *path;     /* of the request */
    const char *id;       /* of the trace that explains it */
    const char *trace_id; /* W3C's */
    const char *note;     /* what a plug-in has to say */
    int status;           /* of HTTP */
};

/*
 * Writes an entry. Many at once share one write to the disk. COCO_ERR_IO, and from
 * then on for good if the log may be broken: what must be on record is not done.
 */
coco_status coco_kbs_audit_add(struct coco_kbs_audit *audit,
                               const struct coco_kbs_audit_event *event, coco_error **err);

/*
 * Writes an entry of a refusal that anybody can bring about any number of times: a minute has
 * COCO_KBS_AUDIT_REFUSALS of them, so that nobody can fill the disk, and what is left out the
 * next one counts.
 */
#define COCO_KBS_AUDIT_REFUSALS 256
coco_status coco_kbs_audit_add_refusal(struct coco_kbs_audit *audit,
                                       const struct coco_kbs_audit_event *event, coco_error **err);

/* What a log comes to. */
struct coco_kbs_audit_report {
    uint64_t entries;
    uint64_t first; /* seq; a log that was divided begins with another than 1 */
    uint64_t last;
    int64_t from; /* time */
    int64_t to;
    uint64_t checkpoints;
    uint64_t signed_to; /* seq of the last checkpoint; 0 for none */
    char head[65];      /* SHA-256 of the last line, in hex */
};

/*
 * Reads all of a log. With key NULL checkpoints are not verified, nor counted.
 * COCO_ERR_VERIFY, with the line, for one that does not follow the one before it or
 * whose signature is wrong; COCO_ERR_PROTO for a line that is no entry, which an
 * unfinished last one is, too.
 */
coco_status coco_kbs_audit_read(const char *path, EVP_PKEY *key, struct coco_kbs_audit_report *ret,
                                coco_error **err);

#endif
