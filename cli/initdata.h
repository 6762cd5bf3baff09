/*
 * cli/initdata.h - what the commands of init data share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_INITDATA_H
#define COCO_CLI_INITDATA_H

#include "cli.h"

#define CLI_FIELD_MAX 256

/* Reads the document in path, or stdin for "-". */
int cli_initdata_read(struct cli *cli, const char *path, coco_initdata **ret);

/*
 * Writes what is known of it as JSON: the algorithm, the digest, what evidence of each TEE
 * has of it, the annotation, and with content the document and its texts.
 */
int cli_initdata_json(struct cli *cli, const coco_initdata *initdata, bool content);

/* What evidence of tee has of it, as hex; "" when out of memory. */
void cli_initdata_field(const coco_initdata *initdata, const char *tee,
                        char hex[2 * CLI_FIELD_MAX + 1]);

#endif
