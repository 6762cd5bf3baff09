/*
 * cli/resource_ls.c - coco resource ls
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

int
cli_names(struct cli *cli, const coco_bytes *list)
{
    _cleanup_(cJSON_Deletep) cJSON *names =
        cJSON_ParseWithLength((const char *)coco_bytes_data(list), coco_bytes_size(list));
    const cJSON *name;
    int rc = CLI_DONE;

    if (!cJSON_IsArray(names))
        return cli_fail(cli, COCO_ERR_PROTO, "the broker's list is none");
    if (cli->json)
        return cli_event(cli, cli_steal(&names));
    cJSON_ArrayForEach(name, names) {
        if (rc == CLI_DONE && cJSON_IsString(name))
            rc = cli_result(cli, "name", name->valuestring);
    }
    return rc;
}

int
cli_resource_ls(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_list_resources(admin, cli->ctx, &list, &cli->err));
    return rc == CLI_DONE ? cli_names(cli, list) : rc;
}
