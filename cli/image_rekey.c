/*
 * cli/image_rekey.c - coco image rekey
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* A broker is asked for the keys there are, as a guest, or keeps a new one for --kbs-path. */
static int
add_who(struct cli *cli, coco_image_client *client)
{
    int rc = cli_add_keys(cli, client);
    if (rc == CLI_DONE)
        rc = cli_add_recipients(cli, client);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_KBS_PATH))
        rc = cli_add_broker(cli, client);
    return rc;
}

int
cli_image_rekey(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *from = NULL;
    _cleanup_(coco_image_ref_freep) coco_image_ref *to = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    coco_image_options options;

    int rc = cli_check_recipients(cli);
    if (rc == CLI_DONE)
        rc = cli_parse_ref(cli, cli->args.operands[0], &from);
    if (rc == CLI_DONE)
        rc = cli_parse_ref(cli, cli->args.operands[1], &to);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &options);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_KEEP_RECIPIENTS))
        options.flags = COCO_IMAGE_KEEP_RECIPIENTS;
    if (rc == CLI_DONE && !cli_given(&cli->args, OPT_KBS_PATH))
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, kbc, &client);
    if (rc == CLI_DONE)
        rc = add_who(cli, client);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_image_rekey(client, cli->ctx, from, to, &options, &image, &cli->err));
    return rc == CLI_DONE ? cli_image_result(cli, "rekeyed", image) : rc;
}
