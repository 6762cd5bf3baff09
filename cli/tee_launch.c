/*
 * cli/tee_launch.c - coco tee launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <sys/stat.h>

#define LAUNCH_MAX ((size_t)1 << 30)

int
cli_tee_launch(struct cli *cli)
{
    const char *dir = cli->args.operands[0];
    const char *init_path = cli_get(&cli->args, OPT_INIT_DATA);
    _cleanup_bytes_ struct cli_bytes launch = {0};
    _cleanup_bytes_ struct cli_bytes init = {0};
    int rc = CLI_DONE;

    if (cli->args.n_operands > 1)
        rc = cli_read_file(cli, cli->args.operands[1], LAUNCH_MAX, &launch);
    if (rc == CLI_DONE && init_path)
        rc = cli_read_file(cli, init_path, CLI_JSON_MAX, &init);
    if (rc != CLI_DONE)
        return rc;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return cli_fail_errno(cli, errno, dir);
    return cli_check(cli,
                     coco_software_tee_launch(dir, launch.data ? launch.data : (const uint8_t *)"",
                                              launch.len, init.data, init.len, &cli->err));
}
