/*
 * cli/evidence_verify.c - coco evidence verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <string.h>
#include <time.h>

/* ---- reference values ---- */

/* The claim called name, where a dot leads into an object, as policies write it; or NULL. */
static const cJSON *
find_claim(const cJSON *claims, const char *name)
{
    const cJSON *exact = cJSON_GetObjectItemCaseSensitive(claims, name);
    char part[128];

    if (exact)
        return exact;
    size_t len = strcspn(name, ".");
    if (name[len] == '\0' || len >= sizeof(part))
        return NULL;
    (void)snprintf(part, sizeof(part), "%.*s", (int)len, name);
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(claims, part);
    return cJSON_IsObject(inner) ? find_claim(inner, name + len + 1) : NULL;
}

/* How many characters differ; one that is longer differs in all that it has more. */
static size_t
distance(const char *a, const char *b)
{
    size_t n = 0;

    for (; *a && *b; a++, b++)
        n += *a != *b;
    return n + strlen(a) + strlen(b);
}

/* Whether claim is value, or one of value, a list; else the nearest text of them is stored. */
static bool
matches(const cJSON *claim, const cJSON *value, const char **nearest)
{
    const cJSON *item = cJSON_IsArray(value) ? value->child : value;
    size_t least = SIZE_MAX;

    *nearest = NULL;
    for (; item; item = cJSON_IsArray(value) ? item->next : NULL) {
        if (cJSON_Compare(claim, item, true))
            return true;
        if (!cJSON_IsString(claim) || !cJSON_IsString(item))
            continue;
        size_t far = distance(claim->valuestring, item->valuestring);
        if (far < least) {
            least = far;
            *nearest = item->valuestring;
        }
    }
    return false;
}

static cJSON *
compare(const cJSON *claims, const cJSON *value, bool *all_match)
{
    const cJSON *claim = find_claim(claims, value->string);
    cJSON *entry = cJSON_CreateObject();
    const char *nearest = NULL;

    bool ok = claim && matches(claim, value, &nearest);
    *all_match = *all_match && ok;
    cJSON_AddStringToObject(entry, "name", value->string);
    cJSON_AddBoolToObject(entry, "ok", ok);
    cJSON_AddItemToObject(entry, "got", claim ? cJSON_Duplicate(claim, true) : cJSON_CreateNull());
    if (nearest)
        cJSON_AddStringToObject(entry, "nearest", nearest);
    return entry;
}

/* What a file of reference values came to: an entry of coco_references_compare(). */
static cJSON *
convert(const cJSON *state, bool *all_match)
{
    const cJSON *got = cJSON_GetObjectItemCaseSensitive(state, "got");
    const cJSON *expected = cJSON_GetObjectItemCaseSensitive(state, "expected");
    bool ok = strcmp(cJSON_GetObjectItemCaseSensitive(state, "state")->valuestring, "same") == 0;
    cJSON *entry = cJSON_CreateObject();
    const char *nearest = NULL;

    if (!ok && !cJSON_IsNull(got))
        (void)matches(got, expected, &nearest);
    *all_match = *all_match && ok;
    cJSON_AddItemToObject(entry, "name",
                          cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(state, "name"), true));
    cJSON_AddBoolToObject(entry, "ok", ok);
    cJSON_AddItemToObject(entry, "got", cJSON_Duplicate(got, true));
    if (nearest)
        cJSON_AddStringToObject(entry, "nearest", nearest);
    return entry;
}

/* A file as "rv add" makes it: values are good until they end, and for claims of policies. */
static int
compare_file(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict,
             const struct cli_bytes *text, cJSON *ret, bool *all_match)
{
    int64_t now = evidence->time != 0 ? evidence->time : (int64_t)time(NULL);
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(cJSON_Deletep) cJSON *states = NULL;
    const cJSON *state;

    int rc = cli_check(cli, coco_references_parse(text->data, text->len, &references, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_references_check(references, now, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_references_compare(references, evidence->tee,
                                               coco_verdict_claims(verdict), &bytes, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    states = cJSON_Parse((const char *)coco_bytes_data(bytes));
    cJSON_ArrayForEach(state, states) {
        const char *what = cJSON_GetObjectItemCaseSensitive(state, "state")->valuestring;

        if (strcmp(what, "no-value") != 0)
            cJSON_AddItemToArray(ret, convert(state, all_match));
    }
    if (cJSON_GetArraySize(ret) == 0)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "no reference value is for evidence of %s",
                      evidence->tee);
    return rc;
}

/* An array of what each reference value came to; *all_match says whether all did. */
static int
compare_all(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict,
            cJSON **ret, bool *all_match)
{
    const char *path = cli_get(&cli->args, OPT_REFERENCE_VALUES);
    _cleanup_(cJSON_Deletep) cJSON *claims = cJSON_Parse(coco_verdict_claims(verdict));
    _cleanup_(cJSON_Deletep) cJSON *values = NULL;
    _cleanup_bytes_ struct cli_bytes text = {0};
    const cJSON *value;

    if (!path)
        return CLI_DONE;
    int rc = cli_read_file(cli, path, CLI_JSON_MAX, &text);
    if (rc != CLI_DONE)
        return rc;
    values = cJSON_ParseWithLengthOpts((const char *)text.data, text.len + 1, NULL, true);
    if (!cJSON_IsObject(values) && !cJSON_IsArray(values))
        return cli_fail(cli, COCO_ERR_PROTO, "%s: is no JSON of reference values", path);
    if (!values->child) /* all of none would match */
        return cli_fail(cli, COCO_ERR_PROTO, "%s: holds no reference value", path);
    *ret = cJSON_CreateArray();
    if (cJSON_IsArray(values))
        return compare_file(cli, evidence, verdict, &text, *ret, all_match);
    cJSON_ArrayForEach(value, values)
        cJSON_AddItemToArray(*ret, compare(claims, value, all_match));
    return CLI_DONE;
}

static void
print_references(const cJSON *references)
{
    const cJSON *entry;

    if (references)
        (void)printf("\nreference values\n");
    cJSON_ArrayForEach(entry, references) {
        const cJSON *got = cJSON_GetObjectItemCaseSensitive(entry, "got");
        const cJSON *nearest = cJSON_GetObjectItemCaseSensitive(entry, "nearest");
        bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(entry, "ok"));
        _cleanup_free_ char *text = cJSON_PrintUnformatted(got);

        (void)printf("  %-16s %s\n", cJSON_GetObjectItemCaseSensitive(entry, "name")->valuestring,
                     ok ? "ok" : "not ok");
        if (!ok)
            (void)printf("    got:     %s\n",
                         cJSON_IsNull(got) ? "there is no such claim" : (text ? text : ""));
        if (!ok && nearest)
            (void)printf("    nearest: \"%s\"\n", nearest->valuestring);
    }
}

/* ---- the verdict ---- */

static int
report(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict)
{
    _cleanup_(cJSON_Deletep) cJSON *references = NULL;
    bool all_match = true;

    int rc = compare_all(cli, evidence, verdict, &references, &all_match);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json) {
        cJSON *object = cli_verdict_json(evidence, verdict);

        if (references)
            cJSON_AddItemToObject(object, "references", cli_steal(&references));
        rc = cli_event(cli, object);
    } else {
        cli_verdict_print(evidence, verdict, true);
        print_references(references);
    }
    if (rc == CLI_DONE && !coco_verdict_valid(verdict))
        rc = cli_fail(
            cli, COCO_ERR_VERIFY, "the evidence does not hold%s",
            evidence->report_data_len > 0 ? "" : ": --report-data says what it must be bound to");
    if (rc == CLI_DONE && !all_match)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not have the reference values");
    return rc;
}

int
cli_evidence_verify(struct cli *cli)
{
    return cli_judge_evidence(cli, report);
}
