/*
 * cli/attest.c - coco attest
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* Of the session that is there now; with a key in it, so for the owner's eyes only. */
static int
write_passport(struct cli *cli, coco_kbc *kbc, const char *path)
{
    _cleanup_(coco_bytes_freep) coco_bytes *passport = NULL;

    int rc = cli_check(cli, coco_kbc_get_passport(kbc, cli->ctx, &passport, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    return cli_write_file(cli, path, coco_bytes_data(passport), coco_bytes_size(passport));
}

int
cli_attest(struct cli *cli)
{
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *token = NULL;
    const char *audience = cli_get(&cli->args, OPT_AUDIENCE);
    const char *passport = cli_get(&cli->args, OPT_PASSPORT_OUT);

    int rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE && !kbc)
        rc = cli_usage(cli, "needs --kbs URL");
    if (rc == CLI_DONE && audience && passport)
        rc = cli_usage(cli, "--passport-out is of a token for the broker, not for --audience");
    if (rc == CLI_DONE)
        rc = cli_check(cli, audience
                                ? coco_kbc_attest_for(kbc, cli->ctx, audience, &token, &cli->err)
                                : coco_kbc_attest(kbc, cli->ctx, &token, &cli->err));
    if (rc == CLI_DONE && passport)
        rc = write_passport(cli, kbc, passport);
    return rc == CLI_DONE ? cli_result(cli, "token", (const char *)coco_bytes_data(token)) : rc;
}
