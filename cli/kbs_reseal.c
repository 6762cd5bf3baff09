/*
 * cli/kbs_reseal.c - coco kbs reseal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <coco/kbs.h>

#define CONFIG_MAX ((size_t)1 << 20)

int
cli_kbs_reseal(struct cli *cli)
{
    const char *path = cli_get(&cli->args, OPT_CONFIG);
    _cleanup_bytes_ struct cli_bytes config = {0};

    if (!path)
        return cli_usage(cli, "--config is missing");
    int rc = cli_read_text(cli, path, CONFIG_MAX, &config);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_reseal((const char *)config.data,
                                            cli_get(&cli->args, OPT_OLD_KEY), &cli->err));
    return rc;
}
