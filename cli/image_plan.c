/*
 * cli/image_plan.c - coco image plan
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static uint64_t
number(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

    return cJSON_IsNumber(item) ? (uint64_t)item->valuedouble : 0;
}

static int
write_line(struct cli *cli, const char *what, uint64_t bytes, const char *more)
{
    char line[200];
    char size[32];

    int len = snprintf(line, sizeof(line), "%-10s %s%s\n", what,
                       cli_size_text(bytes, size, sizeof(size)), more);
    return cli_write_stdout(cli, line, (size_t)len);
}

static int
write_layers(struct cli *cli, const cJSON *plan)
{
    const cJSON *layer;
    int rc = CLI_DONE;

    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(plan, "layers")) {
        bool here = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(layer, "here"));
        bool sealed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(layer, "encrypted"));

        if (rc == CLI_DONE)
            rc = write_line(cli, "layer", number(layer, "size"),
                            here ? ", in the store" : (sealed ? ", encrypted" : ""));
    }
    return rc;
}

static int
write_plan(struct cli *cli, const cJSON *plan)
{
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(plan, "limits");
    uint64_t unknown = number(plan, "content_unknown");
    char more[80] = "";

    if (unknown > 0)
        (void)snprintf(more, sizeof(more), ", and that of %llu layers, which cannot be known",
                       (unsigned long long)unknown);
    int rc = write_layers(cli, plan);
    if (rc == CLI_DONE)
        rc = write_line(cli, "to fetch", number(plan, "fetch"), "");
    if (rc == CLI_DONE)
        rc = write_line(cli, "on disk", number(plan, "content"), more);
    if (rc == CLI_DONE)
        rc = write_line(cli, "memory", number(plan, "memory"), "");
    if (rc == CLI_DONE && cJSON_IsString(limits)) {
        rc = cli_write_stdout(cli, "refused    ", strlen("refused    "));
        if (rc == CLI_DONE)
            rc = cli_write_stdout(cli, limits->valuestring, strlen(limits->valuestring));
        if (rc == CLI_DONE)
            rc = cli_write_stdout(cli, "\n", 1);
    }
    return rc;
}

int
cli_image_plan(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_store_freep) coco_store *store = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(cJSON_Deletep) cJSON *plan = NULL;
    coco_image_options options;

    int rc = cli_parse_ref(cli, cli->args.operands[0], &ref);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &options);
    if (rc == CLI_DONE)
        rc = cli_open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, NULL, &client);
    if (rc != CLI_DONE)
        return rc;
    coco_image_client_set_store(client, store);
    rc = cli_check(cli, coco_image_plan(client, cli->ctx, ref, &options, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    const char *text = (const char *)coco_bytes_data(bytes);
    plan = cJSON_ParseWithLength(text, coco_bytes_size(bytes));
    if (!plan)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (!cli->json)
        return write_plan(cli, plan);
    rc = cli_write_stdout(cli, text, coco_bytes_size(bytes));
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}
