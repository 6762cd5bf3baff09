/*
 * cli/image_policy.c - what images must meet
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

static const char accept_anything[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";

int
cli_set_policy(struct cli *cli, coco_image_client *client)
{
    const char *path = cli_get(&cli->args, OPT_POLICY);
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    if (cli_given(&cli->args, OPT_INSECURE_POLICY)) {
        if (cli_given(&cli->args, OPT_POLICY))
            return cli_usage(cli, "--policy and --insecure-policy exclude each other");
        return cli_check(cli, coco_image_client_set_policy(client, (const uint8_t *)accept_anything,
                                                           strlen(accept_anything), &cli->err));
    }
    if (!path)
        return CLI_DONE;
    int rc = cli_read_file(cli, path, CLI_JSON_MAX, &bytes);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_image_client_set_policy(client, bytes.data, bytes.len, &cli->err));
    return rc;
}
