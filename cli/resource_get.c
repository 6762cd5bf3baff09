/*
 * cli/resource_get.c - coco resource get
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

int
cli_resource_get(struct cli *cli)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

    int rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE && !kbc)
        rc = cli_usage(cli, "needs --kbs URL");
    if (rc == CLI_DONE)
        rc = cli_check(
            cli, coco_kbc_get_resource(kbc, cli->ctx, cli->args.operands[0], &secret, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    if (!output || strcmp(output, "-") == 0)
        return cli_write_stdout(cli, coco_bytes_data(secret), coco_bytes_size(secret));
    return cli_write_file(cli, output, coco_bytes_data(secret), coco_bytes_size(secret));
}
