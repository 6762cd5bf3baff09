/*
 * cli/rv_diff.c - coco rv diff
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"

#include <stdlib.h>
#include <string.h>

/* ---- two files ---- */

/* "  label: JSON", if there is any. */
static void
print_json(const char *label, const cJSON *value)
{
    _cleanup_free_ char *text =
        value && !cJSON_IsNull(value) ? cJSON_PrintUnformatted(value) : NULL;

    if (!text)
        return;
    (void)printf("    %-9s ", label);
    cli_print(text);
    (void)putchar('\n');
}

static void
print_head(const cJSON *entry, const char *what)
{
    (void)printf("%-9s ", cJSON_GetObjectItemCaseSensitive(entry, what)->valuestring);
    cli_print(cJSON_GetObjectItemCaseSensitive(entry, "name")->valuestring);
}

static void
print_changes(const cJSON *changes)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, changes) {
        print_head(entry, "change");
        (void)putchar('\n');
        print_json("before:", cJSON_GetObjectItemCaseSensitive(entry, "before"));
        print_json("after:", cJSON_GetObjectItemCaseSensitive(entry, "after"));
    }
}

/* Writes list, which is taken, as it is with --json. */
static int
report(struct cli *cli, const char *name, cJSON *list, void (*print)(const cJSON *list))
{
    cJSON *object;

    if (!cli->json) {
        print(list);
        cJSON_Delete(list);
        return CLI_DONE;
    }
    object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, name, list);
    return cli_event(cli, object);
}

static int
diff_files(struct cli *cli, const coco_references *references, const coco_references *other)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    int rc = cli_check(cli, coco_references_diff(references, other, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    cJSON *changes = cJSON_Parse((const char *)coco_bytes_data(bytes));
    int n = cJSON_GetArraySize(changes);
    rc = report(cli, "changes", changes, print_changes);
    return rc == CLI_DONE && n > 0 ? CLI_OTHER : rc;
}

/* ---- a file and what evidence has ---- */

static bool
is_same(const cJSON *entry)
{
    return strcmp(cJSON_GetObjectItemCaseSensitive(entry, "state")->valuestring, "same") == 0;
}

static void
print_states(const cJSON *states)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, states) {
        print_head(entry, "state");
        (void)printf(" (");
        cli_print(cJSON_GetObjectItemCaseSensitive(entry, "claim")->valuestring);
        (void)printf(")\n");
        if (is_same(entry))
            continue;
        print_json("expected:", cJSON_GetObjectItemCaseSensitive(entry, "expected"));
        print_json("got:", cJSON_GetObjectItemCaseSensitive(entry, "got"));
    }
}

static int
diff_claims(struct cli *cli, const coco_references *references, const cJSON *verdict)
{
    const cJSON *tee = cJSON_GetObjectItemCaseSensitive(verdict, "tee");
    _cleanup_free_ char *claims =
        cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(verdict, "claims"));
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    const cJSON *entry;
    bool all_same = true;

    if (!claims)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int rc = cli_check(
        cli, coco_references_compare(references, tee->valuestring, claims, &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    cJSON *states = cJSON_Parse((const char *)coco_bytes_data(bytes));
    if (cJSON_GetArraySize(states) == 0) {
        cJSON_Delete(states);
        return cli_fail(cli, COCO_ERR_VERIFY, "no reference value is for evidence of %s",
                        tee->valuestring);
    }
    cJSON_ArrayForEach(entry, states)
        all_same = all_same && is_same(entry);
    rc = report(cli, "states", states, print_states);
    if (rc == CLI_DONE && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(verdict, "valid")))
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not hold: its claims prove nothing");
    if (rc == CLI_DONE && !all_same)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not have the reference values");
    return rc;
}

/* What "evidence verify --json" prints; NULL for anything else. */
static cJSON *
parse_verdict(const struct cli_bytes *bytes)
{
    cJSON *object = cJSON_ParseWithLength((const char *)bytes->data, bytes->len);

    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(object, "tee"))
        && cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(object, "claims"))
        && cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(object, "valid")))
        return object;
    cJSON_Delete(object);
    return NULL;
}

int
cli_rv_diff(struct cli *cli)
{
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_(coco_references_freep) coco_references *other = NULL;
    _cleanup_(cJSON_Deletep) cJSON *verdict = NULL;
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_rv_read(cli, cli->args.operands[0], &references);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, cli->args.operands[1], CLI_JSON_MAX, &bytes);
    if (rc != CLI_DONE)
        return rc;
    verdict = parse_verdict(&bytes);
    if (verdict)
        return diff_claims(cli, references, verdict);
    rc = cli_rv_parse(cli, &bytes, &other);
    return rc == CLI_DONE ? diff_files(cli, references, other) : rc;
}
