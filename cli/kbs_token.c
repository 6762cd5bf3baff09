/*
 * cli/kbs_token.c - coco kbs token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

int
cli_kbs_token(struct cli *cli)
{
    const char *path = cli_get(&cli->args, OPT_KBS_ADMIN_KEY);
    _cleanup_bytes_ struct cli_bytes key = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;
    uint64_t life = 0;

    if (!path)
        return cli_usage(cli, "needs --kbs-admin-key FILE");
    int rc = cli_get_number(cli, OPT_LIFE, 1, COCO_ADMIN_TOKEN_LIFE_MAX, &life);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, path, CLI_PEM_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_token(key.data, key.len, cli_get(&cli->args, OPT_ROLE),
                                             (uint32_t)life, &token, &cli->err));
    return rc == CLI_DONE ? cli_result(cli, "token", (const char *)coco_bytes_data(token)) : rc;
}
