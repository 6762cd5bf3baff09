/*
 * cli/manual.c - coco manual
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

int
cli_manual(struct cli *cli)
{
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } formats[] = {
        {"man", cli_manual_roff},
        {"markdown", cli_manual_markdown},
        {"bash", cli_manual_bash},
    };

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(cli->args.operands[0], formats[i].name) == 0) {
            formats[i].write(stdout);
            return CLI_DONE;
        }
    return cli_usage(cli, "FORMAT is man, markdown or bash");
}
