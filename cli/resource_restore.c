/*
 * cli/resource_restore.c - coco resource restore
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>

static int
write_version(struct cli *cli, uint64_t version)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, version);
    if (!cli->json)
        return cli_result(cli, "version", text);
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddRawToObject(object, "version", text))
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return cli_event(cli, cli_steal(&object));
}

int
cli_resource_restore(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    uint64_t version = 0;

    int rc = cli_get_number(cli, OPT_TO_VERSION, 1, INT64_MAX, &version);
    if (rc == CLI_DONE)
        rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_restore_resource(admin, cli->ctx, cli->args.operands[0],
                                                        version, &version, &cli->err));
    return rc == CLI_DONE ? write_version(cli, version) : rc;
}
