/*
 * cli/resource_rm.c - coco resource rm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

int
cli_resource_rm(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    const char *name = cli->args.operands[0];
    const bool purge = cli_get(&cli->args, OPT_PURGE) != NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, purge ? coco_admin_purge_resource(admin, cli->ctx, name, &cli->err)
                                  : coco_admin_delete_resource(admin, cli->ctx, name, &cli->err));
    return rc;
}
