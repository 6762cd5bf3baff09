/*
 * cli/image_pull.c - coco image pull
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* What must be true of an encrypted image. */
static int
set_demands(struct cli *cli, coco_image_client *client)
{
    const char *prefix = cli_get(&cli->args, OPT_KEK_PREFIX);

    coco_image_client_set_require_encryption(client, cli_given(&cli->args, OPT_REQUIRE_ENCRYPTION));
    if (!prefix)
        return CLI_DONE;
    return cli_check(cli, coco_image_client_set_kek_prefix(client, prefix, &cli->err));
}

/* What the refusal of a mere tag leaves the user to do. */
static const char *
hint(const struct cli *cli, const coco_image_ref *ref, coco_status status)
{
    bool judged = cli_get(&cli->args, OPT_POLICY) || cli_given(&cli->args, OPT_INSECURE_POLICY);

    if (status != COCO_ERR_DENIED || judged || coco_image_ref_digest(ref))
        return NULL;
    return "name the image by its digest, or give --policy FILE or "
           "--insecure-policy accept-anything";
}

int
cli_image_pull(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_store_freep) coco_store *store = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_image_freep) coco_image *image = NULL;
    coco_image_options options;

    int rc = cli_parse_ref(cli, cli->args.operands[0], &ref);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &options);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_IGNORE_CHOWN))
        options.flags |= COCO_IMAGE_IGNORE_CHOWN;
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_OVERLAY))
        options.flags |= COCO_IMAGE_OVERLAY;
    if (rc == CLI_DONE)
        rc = cli_open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, kbc, &client);
    if (rc == CLI_DONE)
        rc = cli_set_policy(cli, client);
    if (rc == CLI_DONE)
        rc = cli_add_keys(cli, client);
    if (rc == CLI_DONE)
        rc = set_demands(cli, client);
    if (rc != CLI_DONE)
        return rc;
    coco_image_client_set_store(client, store);

    coco_status status =
        coco_image_pull(client, cli->ctx, ref, cli->args.operands[1], &options, &image, &cli->err);
    if (status != COCO_OK)
        return cli_check_hint(cli, status, hint(cli, ref, status));
    return cli_image_result(cli, "pulled", image);
}
