/*
 * cli/image_inspect.c - coco image inspect
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

/* For people the same JSON in more lines. */
static int
write_json(struct cli *cli, const coco_bytes *bytes)
{
    const char *text = (const char *)coco_bytes_data(bytes);
    _cleanup_(cJSON_Deletep) cJSON *tree =
        cli->json ? NULL : cJSON_ParseWithLength(text, coco_bytes_size(bytes));
    _cleanup_free_ char *pretty = tree ? cJSON_Print(tree) : NULL;
    const char *shown = pretty ? pretty : text;

    int rc = cli_write_stdout(cli, shown, strlen(shown));
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}

int
cli_image_inspect(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    coco_image_options opts;

    int rc = cli_parse_ref(cli, cli->args.operands[0], &ref);
    if (rc == CLI_DONE)
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, kbc, &client);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &opts);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_image_inspect(client, cli->ctx, ref, &opts, &bytes, &cli->err));
    return rc == CLI_DONE ? write_json(cli, bytes) : rc;
}
