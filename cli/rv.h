/*
 * cli/rv.h - what the commands of reference values share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_RV_H
#define COCO_CLI_RV_H

#include "cli.h"

#define CLI_RV_MAX ((size_t)1 << 20)

/* Reads values in any form, or stdin for "-"; what is signed must be by --owner-key. */
int cli_rv_read(struct cli *cli, const char *path, coco_references **ret);

/* The same, but where --owner-key was given, what nobody signed is an error. */
int cli_rv_read_signed(struct cli *cli, const char *path, coco_references **ret);

/* The same of what was read already. */
int cli_rv_parse(struct cli *cli, const struct cli_bytes *bytes, coco_references **ret);

/* Writes bytes to --output, or else to stdout. */
int cli_rv_write(struct cli *cli, const coco_bytes *bytes);

/* Prints the values, or writes them in --form. */
int cli_rv_report(struct cli *cli, const coco_references *references);

#endif
