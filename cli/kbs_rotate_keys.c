/*
 * cli/kbs_rotate_keys.c - coco kbs rotate-keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <stdio.h>

int
cli_kbs_rotate_keys(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    _cleanup_(cJSON_Deletep) cJSON *rotation = NULL;
    char time[32];

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_rotate_keys(admin, cli->ctx, &text, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_parse(cli, text, &rotation);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&rotation));
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(rotation, "from");
    cli_print(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rotation, "kid")));
    (void)printf("  from %s\n",
                 cli_time_text((int64_t)cJSON_GetNumberValue(from), time, sizeof(time)));
    return fflush(stdout) == 0 ? CLI_DONE : cli_fail(cli, COCO_ERR_IO, "stdout");
}
