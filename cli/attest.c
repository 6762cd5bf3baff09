/*
 * cli/attest.c - coco attest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

int
cli_attest(struct cli *cli)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;

    int rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE && !kbc)
        rc = cli_usage(cli, "needs --kbs URL");
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbc_attest(kbc, cli->ctx, &token, &cli->err));
    return rc == CLI_DONE ? cli_result(cli, "token", (const char *)coco_bytes_data(token)) : rc;
}
