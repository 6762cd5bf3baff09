/*
 * cli/secret.h - what the commands of sealed secrets share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_SECRET_H
#define COCO_CLI_SECRET_H

#include "cli.h"

#define CLI_SEALED_MAX ((size_t)4 << 20)

/* Reads the text in path, or stdin for "-", without the end of its line. */
int cli_sealed_read(struct cli *cli, const char *path, struct cli_bytes *ret);

/*
 * Takes NAME[=KBC] apart: the name, to be freed, and the client of KBC, or NULL
 * without one.
 */
int cli_open_provider(struct cli *cli, const char *text, char **name, coco_kbc **ret);

/* Writes to the file of --output, or to stdout. */
int cli_secret_write(struct cli *cli, const void *data, size_t len);

#endif
