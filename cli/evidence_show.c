/*
 * cli/evidence_show.c - coco evidence show
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define REPORT_DATA_MAX 64
#define REPORT_DATA_CHECK "report-data"

struct show {
    struct cli_bytes evidence;
    uint8_t report_data[REPORT_DATA_MAX];
    size_t len;
    bool bound; /* whether report_data was asked for */
    const char *tee;
    coco_verdict *verdict;
};

/* Trusts what this machine's user plays: its own software TEE, and "sample" when it is named. */
static int
make_verifier(struct cli *cli, const struct show *show, coco_verifier **ret)
{
    const char *dir = cli_env("COCO_SOFTWARE_TEE");
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *root = NULL;

    int rc = cli_check(cli, coco_verifier_new(&verifier, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    if (show->tee && strcmp(show->tee, "sample") == 0)
        coco_verifier_allow_sample(verifier);
    if (dir && coco_software_tee_root(dir, &root, NULL) == COCO_OK)
        rc = cli_check(cli, coco_verifier_trust_key(verifier, "software", coco_bytes_data(root),
                                                    coco_bytes_size(root), &cli->err));
    if (rc == CLI_DONE)
        *ret = cli_steal(&verifier);
    return rc;
}

static coco_status
verify(const coco_verifier *verifier, struct show *show, const char *tee, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;

    coco_status status = coco_binding_new(&binding, err);
    if (status == COCO_OK && show->bound)
        status = coco_binding_set_report_data(binding, show->report_data, show->len, err);
    if (status == COCO_OK)
        status = coco_verify(verifier, tee, (const char *)show->evidence.data, binding,
                             &show->verdict, err);
    return status;
}

/* The kind is the one named, or else the first whose form the evidence has. */
static int
find_kind(struct cli *cli, const coco_verifier *verifier, struct show *show)
{
    const char *tee;

    if (show->tee)
        return cli_check(cli, verify(verifier, show, show->tee, &cli->err));
    for (size_t i = 0; (tee = coco_verifier_tee(i)); i++)
        if (verify(verifier, show, tee, NULL) == COCO_OK) {
            show->tee = tee;
            return CLI_DONE;
        }
    return cli_fail(cli, COCO_ERR_PROTO, "this is no evidence of any TEE that is known here");
}

/* Without --report-data nobody said what it must be bound to. */
static bool
counts(const struct show *show, size_t index)
{
    return show->bound
           || strcmp(coco_verdict_check_name(show->verdict, index), REPORT_DATA_CHECK) != 0;
}

static bool
holds(const struct show *show)
{
    for (size_t i = 0; i < coco_verdict_check_count(show->verdict); i++)
        if (counts(show, i) && !coco_verdict_check_ok(show->verdict, i)
            && !coco_verdict_check_allowed(show->verdict, i))
            return false;
    return true;
}

static int
write_json(struct cli *cli, const struct show *show)
{
    const coco_verdict *verdict = show->verdict;
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "tee", show->tee);
    cJSON_AddBoolToObject(object, "valid", holds(show));
    cJSON_AddItemToObject(object, "claims", cJSON_Parse(coco_verdict_claims(verdict)));
    cJSON *checks = cJSON_AddArrayToObject(object, "checks");
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++) {
        cJSON *check = cJSON_CreateObject();

        if (!counts(show, i)) {
            cJSON_Delete(check);
            continue;
        }
        cJSON_AddStringToObject(check, "name", coco_verdict_check_name(verdict, i));
        cJSON_AddBoolToObject(check, "ok", coco_verdict_check_ok(verdict, i));
        cJSON_AddStringToObject(check, "want", coco_verdict_check_want(verdict, i));
        cJSON_AddStringToObject(check, "got", coco_verdict_check_got(verdict, i));
        if (!coco_verdict_check_ok(verdict, i)) {
            cJSON_AddBoolToObject(check, "allowed", coco_verdict_check_allowed(verdict, i));
            cJSON_AddStringToObject(check, "hint", coco_verdict_check_hint(verdict, i));
        }
        cJSON_AddItemToArray(checks, check);
    }
    return cli_event(cli, cli_steal(&object));
}

static void
write_text(const struct show *show)
{
    const coco_verdict *verdict = show->verdict;
    _cleanup_(cJSON_Deletep) cJSON *claims = cJSON_Parse(coco_verdict_claims(verdict));
    const cJSON *claim;

    (void)printf("TEE: %s\n\nclaims%s\n", show->tee,
                 holds(show) ? "" : " (not to be believed: a check fails)");
    cJSON_ArrayForEach(claim, claims) {
        _cleanup_free_ char *text = cJSON_PrintUnformatted(claim);

        (void)printf("  %-16s %s\n", claim->string, text ? text : "");
    }
    (void)printf("\nchecks\n");
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++) {
        bool ok = coco_verdict_check_ok(verdict, i);

        if (!counts(show, i))
            (void)printf("  %-16s not asked: give --report-data\n",
                         coco_verdict_check_name(verdict, i));
        else
            (void)printf("  %-16s %s\n", coco_verdict_check_name(verdict, i), ok ? "ok" : "not ok");
        if (!ok && counts(show, i))
            (void)printf("    wanted: %s\n    got:    %s\n    to do:  %s\n",
                         coco_verdict_check_want(verdict, i), coco_verdict_check_got(verdict, i),
                         coco_verdict_check_hint(verdict, i));
    }
}

static int
show_verdict(struct cli *cli, const struct show *show)
{
    int rc = CLI_DONE;

    if (cli->json)
        rc = write_json(cli, show);
    else
        write_text(show);
    if (rc == CLI_DONE && show->bound && !holds(show))
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not hold");
    return rc;
}

int
cli_evidence_show(struct cli *cli)
{
    const char *hex = cli_get(&cli->args, OPT_REPORT_DATA);
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    struct show show = {.bound = hex != NULL};

    show.tee = cli_get(&cli->args, OPT_TEE);
    if (hex && !cli_unhex(hex, show.report_data, REPORT_DATA_MAX, &show.len))
        return cli_usage(cli, "--report-data is 1 to %d bytes in hex", REPORT_DATA_MAX);
    int rc = cli_read_file(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-",
                           CLI_JSON_MAX, &show.evidence);
    if (rc == CLI_DONE && strlen((const char *)show.evidence.data) != show.evidence.len)
        rc = cli_fail(cli, COCO_ERR_PROTO, "evidence holds a NUL byte");
    if (rc == CLI_DONE)
        rc = make_verifier(cli, &show, &verifier);
    if (rc == CLI_DONE)
        rc = find_kind(cli, verifier, &show);
    if (rc == CLI_DONE)
        rc = show_verdict(cli, &show);
    coco_verdict_free(show.verdict);
    cli_bytes_done(&show.evidence);
    return rc;
}
