/*
 * cli/resource_put.c - coco resource put
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* Brokers take less; which is theirs to say. */
#define RESOURCE_MAX ((size_t)64 << 20)

int
cli_resource_put(struct cli *cli)
{
    const char *path = cli->args.n_operands > 1 ? cli->args.operands[1] : "-";
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, path, RESOURCE_MAX, &bytes);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_put_resource(admin, cli->ctx, cli->args.operands[0],
                                                    bytes.data, bytes.len, &cli->err));
    return rc;
}
