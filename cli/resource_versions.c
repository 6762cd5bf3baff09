/*
 * cli/resource_versions.c - coco resource versions
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* A number of the broker's; 0 for what is none. */
static uint64_t
number(const cJSON *version, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(version, name);

    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < (double)INT64_MAX
               ? (uint64_t)item->valuedouble
               : 0;
}

/* "3  2026-01-02T03:04:05Z  32 bytes" */
static void
print_version(const cJSON *version)
{
    const time_t when = (time_t)number(version, "time");
    const bool deleted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(version, "deleted"));
    char text[32] = "?";
    struct tm tm;

    if (gmtime_r(&when, &tm))
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)printf("%" PRIu64 "  %s  ", number(version, "version"), text);
    if (deleted)
        (void)printf("deleted\n");
    else
        (void)printf("%" PRIu64 " bytes\n", number(version, "size"));
}

int
cli_resource_versions(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;
    _cleanup_(cJSON_Deletep) cJSON *versions = NULL;
    const cJSON *version;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_resource_versions(admin, cli->ctx, cli->args.operands[0],
                                                         &list, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_parse(cli, list, &versions);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&versions));
    cJSON_ArrayForEach(version, versions)
        print_version(version);
    return fflush(stdout) == 0 ? CLI_DONE : cli_fail(cli, COCO_ERR_IO, "stdout");
}
