/*
 * cli/rv_ls.c - coco rv ls
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"
#include "verify.h"

#include <time.h>

/* "  since 2026-01-02T03:04:05Z  until 2027-01-02T03:04:05Z" */
static void
print_time(const char *word, const cJSON *seconds)
{
    char text[32];

    if (cJSON_IsNumber(seconds))
        (void)printf("  %s %s", word,
                     cli_time_text((int64_t)seconds->valuedouble, text, sizeof(text)));
}

static void
print_reference(const cJSON *reference, int64_t now)
{
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(reference, "expires");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(reference, "value");
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reference, "name"));
    _cleanup_free_ char *text = value ? cJSON_PrintUnformatted(value) : NULL;

    cli_print(name ? name : "");
    print_time("since", cJSON_GetObjectItemCaseSensitive(reference, "time"));
    print_time("until", expires);
    if (cJSON_IsNumber(expires) && now > (int64_t)expires->valuedouble)
        (void)printf("  ended");
    (void)printf("\n    ");
    cli_print(text ? text : "");
    (void)putchar('\n');
}

int
cli_rv_ls(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;
    _cleanup_(cJSON_Deletep) cJSON *references = NULL;
    const cJSON *reference;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_list_references(admin, cli->ctx, &list, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_parse(cli, list, &references);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&references));
    cJSON_ArrayForEach(reference, references)
        print_reference(reference, (int64_t)time(NULL));
    return fflush(stdout) == 0 ? CLI_DONE : cli_fail(cli, COCO_ERR_IO, "stdout");
}
