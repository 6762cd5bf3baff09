/*
 * cli/kbs_backup.c - coco kbs backup, coco kbs restore
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <coco/kbs.h>

#include <inttypes.h>
#include <stdio.h>

#define CONFIG_MAX ((size_t)1 << 20)

static int
read_config(struct cli *cli, struct cli_bytes *ret)
{
    const char *path = cli_get(&cli->args, OPT_CONFIG);

    return path ? cli_read_text(cli, path, CONFIG_MAX, ret) : cli_usage(cli, "--config is missing");
}

/* "27 rows of 2026-01-02T03:04:05Z, sealed" and, in a line of its own, the digest. */
static int
report(struct cli *cli, const coco_bytes *text)
{
    _cleanup_(cJSON_Deletep) cJSON *backup = NULL;
    char time[32];

    int rc = cli_parse(cli, text, &backup);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&backup));
    (void)printf(
        "%.0f rows of %s, %s\nSHA-256 %s\n",
        cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(backup, "rows")),
        cli_time_text(
            (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(backup, "time")), time,
            sizeof(time)),
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(backup, "sealed")) ? "sealed" : "not sealed",
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(backup, "digest")));
    return fflush(stdout) == 0 ? CLI_DONE : cli_fail(cli, COCO_ERR_IO, "stdout");
}

int
cli_kbs_backup(struct cli *cli)
{
    _cleanup_bytes_ struct cli_bytes config = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;

    int rc = read_config(cli, &config);
    if (rc != CLI_DONE)
        return rc;
    coco_status status = coco_kbs_backup((const char *)config.data, cli->args.operands[0],
                                         cli_given(&cli->args, OPT_PLAIN), &text, &cli->err);
    rc = cli_check_hint(cli, status,
                        status == COCO_ERR_DENIED
                            ? "\"kbs reseal\" seals a store; --plain takes it as it is"
                            : NULL);
    return rc == CLI_DONE ? report(cli, text) : rc;
}

int
cli_kbs_restore(struct cli *cli)
{
    _cleanup_bytes_ struct cli_bytes config = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;

    int rc = read_config(cli, &config);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_restore((const char *)config.data, cli->args.operands[0],
                                             cli_get(&cli->args, OPT_EXPECT),
                                             cli_given(&cli->args, OPT_FORCE), &text, &cli->err));
    return rc == CLI_DONE ? report(cli, text) : rc;
}
