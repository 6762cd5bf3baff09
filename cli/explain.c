/*
 * cli/explain.c - coco explain
 *
 * What is shown is the broker's word and, in it, the guest's: every text goes
 * through cli_print().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void
print_member(const char *label, const cJSON *value)
{
    if (!value)
        return;
    _cleanup_free_ char *made = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    const char *text = made ? made : value->valuestring;

    (void)printf("%s", label);
    cli_print(text ? text : "");
    (void)printf("\n");
}

static const cJSON *
get(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Those that do not hold: of the others there may be dozens. */
static void
print_list(const char *title, const cJSON *list)
{
    const cJSON *item;
    bool any = false;

    cJSON_ArrayForEach(item, list) {
        if (cJSON_IsTrue(get(item, "ok")))
            continue;
        if (!any)
            (void)printf("\n%s\n", title);
        any = true;
        print_member("  ", get(item, "name"));
        print_member("    wanted:  ", get(item, "expected"));
        print_member("    got:     ", get(item, "got"));
        print_member("    nearest: ", get(item, "nearest"));
        print_member("    to do:   ", get(item, "hint"));
    }
}

static void
print_trace(const cJSON *trace)
{
    print_member("decision: ", get(trace, "decision"));
    print_member("what:     ", get(trace, "what"));
    print_member("resource: ", get(trace, "resource"));
    print_member("tee:      ", get(trace, "tee"));
    print_member("time:     ", get(trace, "time"));
    print_member("rule:     ", get(trace, "rule"));
    print_member("reason:   ", get(trace, "reason"));
    print_member("ended:    ", get(trace, "ended_reference_values"));
    print_list("checks that do not hold", get(trace, "checks"));
    print_list("reference values that the claims differ from", get(trace, "reference_values"));
}

int
cli_explain(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;
    _cleanup_(cJSON_Deletep) cJSON *trace = NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_check(
            cli, coco_admin_explain(admin, cli->ctx, cli->args.operands[0], &text, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_parse(cli, text, &trace);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&trace));
    print_trace(trace);
    return fflush(stdout) == 0 ? CLI_DONE : cli_fail(cli, COCO_ERR_IO, "stdout");
}
