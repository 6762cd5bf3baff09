/*
 * cli/image_policy.c - what images must meet
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char accept_anything[] = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";

static int
is_yaml(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');

    return end && end != entry->d_name && strcmp(end, ".yaml") == 0;
}

static coco_status
add_lookaside(void *client, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_image_client_add_lookaside(client, data, len, err);
}

/* All of its files are one configuration, whatever their order. */
int
cli_set_lookasides(struct cli *cli, coco_image_client *client)
{
    const char *dir = cli_get(&cli->args, OPT_REGISTRIES_D);
    struct dirent **entries = NULL;
    int rc = CLI_DONE;

    if (!dir)
        return CLI_DONE;
    int n = scandir(dir, &entries, is_yaml, alphasort);
    if (n < 0)
        return cli_fail_errno(cli, errno, dir);
    for (int i = 0; i < n; i++) {
        _cleanup_free_ char *path = NULL;

        if (rc == CLI_DONE && asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0) {
            path = NULL;
            rc = cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
        }
        if (rc == CLI_DONE)
            rc = cli_set_file(cli, path, add_lookaside, client);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int
set_policy_file(struct cli *cli, coco_image_client *client)
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

int
cli_set_policy(struct cli *cli, coco_image_client *client)
{
    int rc = set_policy_file(cli, client);

    return rc == CLI_DONE ? cli_set_lookasides(cli, client) : rc;
}
