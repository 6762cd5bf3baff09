/*
 * cli/kbs_wrap_key.c - coco kbs wrap-key
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <coco/kbs.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define KEY_MAX ((size_t)128)

int
cli_kbs_wrap_key(struct cli *cli)
{
    const char *path = cli_get(&cli->args, OPT_CONFIG);
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_bytes_ struct cli_bytes config = {0};
    _cleanup_bytes_ struct cli_bytes key = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *wrapped = NULL;
    const bool given = cli->args.n_operands > 0;

    if (!path)
        return cli_usage(cli, "--config is missing");
    if (!output)
        return cli_usage(cli, "needs --output FILE");
    int rc = cli_read_text(cli, path, CONFIG_MAX, &config);
    if (rc == CLI_DONE && given)
        rc = cli_read_file(cli, cli->args.operands[0], KEY_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_wrap_key((const char *)config.data, given ? key.data : NULL,
                                              key.len, &wrapped, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_write_file(cli, output, coco_bytes_data(wrapped), coco_bytes_size(wrapped));
    return rc;
}
