/*
 * kbs/policy_wire.h - what a KBS and its program coco-policy say to each other
 *
 * Both are of one build and on one machine: structures go over the socket as they are. A call is
 * a struct coco_policy_call and its texts, an answer a struct coco_policy_reply and its text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_POLICY_WIRE_H
#define COCO_KBS_POLICY_WIRE_H

#include <stdint.h>

/* The length in the first reply, which the program gives unasked: another one is another build's.
 */
#define COCO_POLICY_WIRE 1

/* Address space of the program. A policy of 1 MiB takes up to 300 MiB while it is parsed. */
#define COCO_POLICY_MEMORY_MAX ((uint64_t)512 << 20)

/* Of CPU for one evaluation: T41 in doc/threats.md. */
#define COCO_POLICY_LIMIT_MS 500
/* Of CPU for one call. The engine looks at its clock between two steps: past this the program
   itself is ended. */
#define COCO_POLICY_KILL_MS 1000
/* Of time: a machine that has other things to do is not a policy that takes too long. */
#define COCO_POLICY_WAIT_MS 10000

/* Of one text: as long as the longest JSON that is written for it. */
#define COCO_POLICY_TEXT_MAX ((uint32_t)4 << 20)
/* The length of a text that is not there. */
#define COCO_POLICY_NO_TEXT UINT32_MAX
#define COCO_POLICY_TEXTS 3

enum coco_policy_verb {
    COCO_POLICY_LEARN = 1,    /* texts: the policy */
    COCO_POLICY_LEARN_VALUES, /* texts: an object of reference values */
    COCO_POLICY_ASK,          /* texts: names of rules, input, data */
};

/* Numbers are the caller's own, never used twice; 0 is nothing. */
struct coco_policy_call {
    uint32_t verb;
    uint32_t lens[COCO_POLICY_TEXTS];
    uint64_t policy;
    uint64_t values;
};

enum coco_policy_outcome {
    COCO_POLICY_DONE = 1,
    COCO_POLICY_FAILED, /* the text says why */
    /* It was never told, or has forgotten: it keeps a few. */
    COCO_POLICY_UNKNOWN,
    COCO_POLICY_UNKNOWN_VALUES,
};

struct coco_policy_reply {
    uint32_t outcome;
    uint32_t len;
    uint32_t cpu_ms; /* that it took */
};

#endif
