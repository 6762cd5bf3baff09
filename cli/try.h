/*
 * cli/try.h - what the steps of `coco try` share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_TRY_H
#define COCO_CLI_TRY_H

#include "cli.h"
#include "process.h"

#include <coco/kbs.h>

#define TRY_KEY_SIZE 32
#define TRY_RESOURCE "try/key/image"
#define TRY_URI "kbs:///" TRY_RESOURCE

CLI_DEFINE_CLEANUP(coco_kbs, coco_kbs_free);

enum try_tamper {
    TRY_HONEST = 0,
    TRY_MEASUREMENT,
    TRY_LAYER,
    TRY_KEY,
    TRY_POLICY,
};

struct
try {
    struct cli *cli;
    enum try_tamper tamper;
    char *dir;        /* private, removed at the end */
    coco_error *err;  /* of the step that failed, when the library noticed it */
    char why[1024];   /* the same, when the step itself did */
    char detail[256]; /* of the step that was done */
    uint64_t bytes;   /* that the step moved; 0: none to speak of */

    coco_kbs *kbs;
    struct cli_process registry;
    unsigned port;
    char launch_digest[129];
    uint8_t key[TRY_KEY_SIZE];
    char layer[65];      /* digest in hex of the encrypted layer */
    char reference[256]; /* of the encrypted image, with its digest */
    coco_kbc *kbc;
};

typedef coco_status try_step(struct try *t);

/* Fails a step that noticed it itself. */
__attribute__((format(printf, 3, 4))) coco_status try_fail(struct try *t, coco_status status,
                                                           const char *fmt, ...);
coco_status try_fail_errno(struct try *t, int error, const char *what);
/* <dir>/<name>; NULL when out of memory. Free it. */
char *try_path(const struct try *t, const char *name);

/* try_owner.c */
try_step try_boot;
try_step try_start_broker;
try_step try_start_registry;
try_step try_make_image;
try_step try_encrypt;
try_step try_give_key;

/* Sets the resource policy of the broker: evidence of tee with the launch digest gets the key. */
coco_status try_set_policy(struct try *t, const char *tee);

/* try_guest.c */
try_step try_attest;
try_step try_pull;
try_step try_run;

/* try_tamper.c */
try_step try_tamper_with;
enum try_tamper try_tamper_parse(const char *word);
/* What it does, for people. */
const char *try_tamper_text(enum try_tamper tamper);
/* The step that must notice it, and how. */
bool try_must_refuse(enum try_tamper tamper, try_step *step, coco_status status);
/* Writes what the broker's owner reads of the refusal whose id is in message. */
void try_explain(const struct try *t, const char *message);

/* try_image.c */

/* Launches the software TEE in dir with what the machine boots. */
coco_status try_launch(struct try *t, const char *text);

/* Writes an OCI layout at <dir>/layout with the image "app" of one layer that holds program. */
coco_status try_write_layout(struct try *t, const char *program);

#endif
