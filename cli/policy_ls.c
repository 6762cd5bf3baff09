/*
 * cli/policy_ls.c - coco policy ls
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

int
cli_policy_ls(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_list_resource_policies(admin, cli->ctx, &list, &cli->err));
    return rc == CLI_DONE ? cli_names(cli, list) : rc;
}
