/*
 * cli/kbs_audit.c - coco kbs audit verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <coco/kbs.h>

#include <string.h>

/* "entries": 7 of a flat object of numbers and texts, one a line. */
static int
print_report(struct cli *cli, const char *text)
{
    _cleanup_(cJSON_Deletep) cJSON *report = cJSON_Parse(text);
    const cJSON *item;

    if (!report)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (cli->json) {
        if (!cJSON_AddStringToObject(report, "event", "done"))
            return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
        return cli_event(cli, cli_steal(&report));
    }
    cJSON_ArrayForEach(item, report) {
        if (cJSON_IsString(item))
            (void)printf("%s: %s\n", item->string, item->valuestring);
        else
            (void)printf("%s: %.0f\n", item->string, item->valuedouble);
    }
    return CLI_DONE;
}

int
cli_kbs_audit(struct cli *cli)
{
    const char *verb = cli->args.operands[0];
    const char *path = cli->args.operands[1];
    const char *key_path = cli_get(&cli->args, OPT_OWNER_KEY);
    _cleanup_(coco_bytes_freep) coco_bytes *report = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (strcmp(verb, "verify") != 0)
        return cli_usage(cli, "a log can only be verified: %s", verb);
    int rc = key_path ? cli_read_file(cli, key_path, CLI_PEM_MAX, &key) : CLI_DONE;
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_kbs_audit_verify(path, key_path ? key.data : NULL, key.len,
                                                  &report, &cli->err));
    return rc == CLI_DONE ? print_report(cli, (const char *)coco_bytes_data(report)) : rc;
}
