/*
 * cli/rv_sign.c - coco rv sign and verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"

#include "verify.h"

#include <time.h>

/* Whoever signs says that they are good now. */
int
cli_rv_sign(struct cli *cli)
{
    const char *key_file = cli_get(&cli->args, OPT_SIGN_KEY);
    const char *signer = cli_get(&cli->args, OPT_SIGNER);
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (!key_file || !signer)
        return cli_usage(cli, "needs --sign-key FILE and --signer NAME");
    int rc = cli_rv_read(cli, cli->args.operands[0], &references);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, key_file, CLI_PEM_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_references_check(references, (int64_t)time(NULL), &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(
            cli, coco_references_sign(references, key.data, key.len, signer, &bytes, &cli->err));
    return rc == CLI_DONE ? cli_rv_write(cli, bytes) : rc;
}

int
cli_rv_verify(struct cli *cli)
{
    const char *at = cli_get(&cli->args, OPT_AT);
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    int64_t now = (int64_t)time(NULL);

    if (!cli_get(&cli->args, OPT_OWNER_KEY))
        return cli_usage(cli, "needs --owner-key FILE");
    if (at && !cli_parse_time(at, &now))
        return cli_usage(cli, "--at is a time such as 2026-01-31T12:00:00Z");
    int rc = cli_rv_read_signed(cli, cli->args.operands[0], &references);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_references_check(references, now, &cli->err));
    return rc == CLI_DONE ? cli_rv_report(cli, references) : rc;
}
