/*
 * cli/resource_get.c - coco resource get
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

/* Plug-ins take less; which is theirs to say. */
#define QUESTION_MAX ((size_t)16 << 20)

static coco_status
get(struct cli *cli, coco_kbc *kbc, const struct cli_bytes *question, coco_bytes **ret)
{
    const char *uri = cli->args.operands[0];

    if (!cli_get(&cli->args, OPT_POST))
        return coco_kbc_get_resource(kbc, cli->ctx, uri, ret, &cli->err);
    return coco_kbc_ask_plugin(kbc, cli->ctx, uri, question->data, question->len, ret, &cli->err);
}

int
cli_resource_get(struct cli *cli)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    const char *post = cli_get(&cli->args, OPT_POST);
    _cleanup_bytes_ struct cli_bytes question = {0};
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;

    int rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE && !kbc)
        rc = cli_usage(cli, "needs --kbs URL");
    if (rc == CLI_DONE && post)
        rc = cli_read_file(cli, post, QUESTION_MAX, &question);
    if (rc == CLI_DONE)
        rc = cli_check(cli, get(cli, kbc, &question, &secret));
    if (rc != CLI_DONE)
        return rc;
    if (!output || strcmp(output, "-") == 0)
        return cli_write_stdout(cli, coco_bytes_data(secret), coco_bytes_size(secret));
    return cli_write_file(cli, output, coco_bytes_data(secret), coco_bytes_size(secret));
}
