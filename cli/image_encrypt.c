/*
 * cli/image_encrypt.c - coco image encrypt
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* COCO_KBS alone does not make the broker a recipient; the options must ask for it. */
static int
check_recipients(struct cli *cli)
{
    if (cli_given(&cli->args, OPT_KBS) && !cli_given(&cli->args, OPT_KBS_PATH))
        return cli_usage(cli, "--kbs needs --kbs-path REPO/TYPE/TAG");
    return cli_check_recipients(cli);
}

int
cli_image_encrypt(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    coco_image_options options;

    int rc = check_recipients(cli);
    if (rc == CLI_DONE)
        rc = cli_parse_ref(cli, cli->args.operands[0], &from);
    if (rc == CLI_DONE)
        rc = cli_parse_ref(cli, cli->args.operands[1], &to);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &options);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, NULL, &client);
    if (rc == CLI_DONE)
        rc = cli_add_recipients(cli, client);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_KBS_PATH))
        rc = cli_add_broker(cli, client);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_image_encrypt(client, cli->ctx, from, to, &options, &image, &cli->err));
    return rc == CLI_DONE ? cli_image_result(cli, "encrypted", image) : rc;
}
