/*
 * cli/policy_rm.c - coco policy rm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

int
cli_policy_rm(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_set_path_policy(admin, cli->ctx, cli->args.operands[0], NULL,
                                                       &cli->err));
    return rc;
}
