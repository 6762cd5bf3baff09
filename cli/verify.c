/*
 * cli/verify.c - verifying evidence as the options say
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include "initdata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REPORT_DATA_CHECK "report-data"

/* ---- what is verified, and what it must be ---- */

/* The digest of an init-data document, over its text as it stands. */
static int
digest_document(struct cli *cli, const char *path, struct cli_evidence *evidence)
{
    _cleanup_(coco_initdata_freep) coco_initdata *initdata = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *digest = NULL;

    int rc = cli_initdata_read(cli, path, &initdata);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_initdata_digest(initdata, &digest, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    evidence->init_data_len = coco_bytes_size(digest);
    memcpy(evidence->init_data, coco_bytes_data(digest), evidence->init_data_len);
    return CLI_DONE;
}

static int
read_binding(struct cli *cli, struct cli_evidence *evidence)
{
    const char *report_data = cli_get(&cli->args, OPT_REPORT_DATA);
    const char *init_data = cli_get(&cli->args, OPT_INIT_DATA);
    const char *at = cli_get(&cli->args, OPT_AT);
    struct stat st;

    if (report_data
        && !cli_unhex(report_data, evidence->report_data, CLI_REPORT_DATA_MAX,
                      &evidence->report_data_len))
        return cli_usage(cli, "--report-data is 1 to %d bytes in hex", CLI_REPORT_DATA_MAX);
    if (at && !cli_parse_time(at, &evidence->time))
        return cli_usage(cli, "--at is a time such as 2026-01-31T12:00:00Z");
    if (!init_data
        || cli_unhex(init_data, evidence->init_data, CLI_INIT_DATA_MAX, &evidence->init_data_len))
        return CLI_DONE;
    if (stat(init_data, &st) != 0)
        return cli_usage(cli, "--init-data is 1 to %d bytes in hex, or a file", CLI_INIT_DATA_MAX);
    return digest_document(cli, init_data, evidence);
}

int
cli_read_evidence(struct cli *cli, const char *path, struct cli_evidence *ret)
{
    ret->tee = cli_get(&cli->args, OPT_TEE);
    int rc = read_binding(cli, ret);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, path, CLI_JSON_MAX, &ret->text);
    if (rc == CLI_DONE && strlen((const char *)ret->text.data) != ret->text.len)
        rc =
            cli_fail(cli, COCO_ERR_PROTO,
                     "evidence is JSON, as \"coco evidence get\" writes it: this holds a NUL byte");
    return rc;
}

/* ---- who verifies it ---- */

/* "amd/Milan=sha256:..." */
static int
trust_roots(struct cli *cli, coco_verifier *verifier)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_TRUST_ROOT, i));
         i++) {
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *maker = equals ? strndup(text, (size_t)(equals - text)) : NULL;

        if (!maker)
            return cli_usage(cli, "--trust-root is MAKER=sha256:HEX");
        rc = cli_check(cli, coco_verifier_trust_root(verifier, maker, equals + 1, &cli->err));
    }
    return rc;
}

/* "tpm=FILE" */
static int
trust_keys(struct cli *cli, coco_verifier *verifier)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_TRUST_KEY, i));
         i++) {
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *tee = equals ? strndup(text, (size_t)(equals - text)) : NULL;
        _cleanup_bytes_ struct cli_bytes key = {0};

        if (!tee)
            return cli_usage(cli, "--trust-key is TEE=FILE");
        rc = cli_read_file(cli, equals + 1, CLI_PEM_MAX, &key);
        if (rc == CLI_DONE)
            rc = cli_check(cli,
                           coco_verifier_trust_key(verifier, tee, key.data, key.len, &cli->err));
    }
    return rc;
}

static int
allow_checks(struct cli *cli, coco_verifier *verifier)
{
    const char *check;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (check = cli_get_nth(&cli->args, OPT_ALLOW, i)); i++)
        rc = cli_check(cli, coco_verifier_allow(verifier, check, &cli->err));
    return rc;
}

int
cli_make_verifier(struct cli *cli, const struct cli_evidence *evidence, coco_collateral *collateral,
                  coco_verifier **ret)
{
    const char *dir = cli_env("COCO_SOFTWARE_TEE");
    _cleanup_(coco_collateral_freep) coco_collateral *taken = collateral;
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *root = NULL;

    int rc = cli_check(cli, coco_verifier_new(&verifier, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    if (evidence->tee && strcmp(evidence->tee, "sample") == 0)
        coco_verifier_allow_sample(verifier);
    if (dir && coco_software_tee_root(dir, &root, NULL) == COCO_OK)
        rc = cli_check(cli, coco_verifier_trust_key(verifier, "software", coco_bytes_data(root),
                                                    coco_bytes_size(root), &cli->err));
    if (rc == CLI_DONE)
        rc = trust_roots(cli, verifier);
    if (rc == CLI_DONE)
        rc = trust_keys(cli, verifier);
    if (rc == CLI_DONE)
        rc = allow_checks(cli, verifier);
    if (rc != CLI_DONE)
        return rc;
    coco_verifier_set_time(verifier, evidence->time);
    if (taken)
        coco_verifier_set_collateral(verifier, cli_steal(&taken));
    *ret = cli_steal(&verifier);
    return CLI_DONE;
}

static coco_status
verify_as(const coco_verifier *verifier, const struct cli_evidence *evidence, const char *tee,
          coco_verdict **ret, coco_error **err)
{
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;

    coco_status status = coco_binding_new(&binding, err);
    if (status == COCO_OK && evidence->report_data_len > 0)
        status = coco_binding_set_report_data(binding, evidence->report_data,
                                              evidence->report_data_len, err);
    if (status == COCO_OK && evidence->init_data_len > 0)
        status =
            coco_binding_set_init_data(binding, evidence->init_data, evidence->init_data_len, err);
    if (status == COCO_OK)
        status = coco_verify(verifier, tee, (const char *)evidence->text.data, binding, ret, err);
    return status;
}

/* What cannot be read as evidence of one TEE may be that of the next. */
static bool
is_of_another(coco_status status)
{
    return status == COCO_ERR_PROTO || status == COCO_ERR_NOTSUP || status == COCO_ERR_LIMIT;
}

int
cli_verify(struct cli *cli, const coco_verifier *verifier, struct cli_evidence *evidence,
           coco_verdict **ret)
{
    const char *tee;

    if (evidence->tee)
        return cli_check(cli, verify_as(verifier, evidence, evidence->tee, ret, &cli->err));
    for (size_t i = 0; (tee = coco_verifier_tee(i)); i++) {
        coco_status status = verify_as(verifier, evidence, tee, ret, &cli->err);

        if (!is_of_another(status)) {
            evidence->tee = tee;
            return cli_check(cli, status);
        }
        coco_error_free(cli->err);
        cli->err = NULL;
    }
    return cli_fail(cli, COCO_ERR_PROTO,
                    "this is no evidence of any TEE that is known here; --tee tells why");
}

/* ---- what it came to ---- */

/* Without report data nobody said what it must be bound to. */
static bool
counts(const struct cli_evidence *evidence, const coco_verdict *verdict, size_t index)
{
    return evidence->report_data_len > 0
           || strcmp(coco_verdict_check_name(verdict, index), REPORT_DATA_CHECK) != 0;
}

bool
cli_verdict_holds(const struct cli_evidence *evidence, const coco_verdict *verdict)
{
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (counts(evidence, verdict, i) && !coco_verdict_check_ok(verdict, i)
            && !coco_verdict_check_allowed(verdict, i))
            return false;
    return true;
}

static cJSON *
check_json(const coco_verdict *verdict, size_t index)
{
    cJSON *check = cJSON_CreateObject();

    cJSON_AddStringToObject(check, "name", coco_verdict_check_name(verdict, index));
    cJSON_AddBoolToObject(check, "ok", coco_verdict_check_ok(verdict, index));
    cJSON_AddStringToObject(check, "want", coco_verdict_check_want(verdict, index));
    cJSON_AddStringToObject(check, "got", coco_verdict_check_got(verdict, index));
    if (!coco_verdict_check_ok(verdict, index)) {
        cJSON_AddBoolToObject(check, "allowed", coco_verdict_check_allowed(verdict, index));
        cJSON_AddStringToObject(check, "hint", coco_verdict_check_hint(verdict, index));
    }
    return check;
}

cJSON *
cli_verdict_json(const struct cli_evidence *evidence, const coco_verdict *verdict)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "tee", evidence->tee);
    cJSON_AddBoolToObject(object, "valid", cli_verdict_holds(evidence, verdict));
    cJSON_AddItemToObject(object, "claims", cJSON_Parse(coco_verdict_claims(verdict)));
    cJSON *checks = cJSON_AddArrayToObject(object, "checks");
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++)
        if (counts(evidence, verdict, i))
            cJSON_AddItemToArray(checks, check_json(verdict, i));
    return object;
}

static void
print_claims(const struct cli_evidence *evidence, const coco_verdict *verdict)
{
    _cleanup_(cJSON_Deletep) cJSON *claims = cJSON_Parse(coco_verdict_claims(verdict));
    const cJSON *claim;

    (void)printf("TEE: %s\n\nclaims%s\n", evidence->tee,
                 cli_verdict_holds(evidence, verdict) ? ""
                                                      : " (not to be believed: a check fails)");
    cJSON_ArrayForEach(claim, claims) {
        _cleanup_free_ char *text = cJSON_PrintUnformatted(claim);

        (void)printf("  %-16s ", claim->string);
        cli_print(text ? text : "");
        (void)printf("\n");
    }
}

void
cli_verdict_print(const struct cli_evidence *evidence, const coco_verdict *verdict, bool all)
{
    print_claims(evidence, verdict);
    (void)printf("\nchecks\n");
    for (size_t i = 0; i < coco_verdict_check_count(verdict); i++) {
        const char *name = coco_verdict_check_name(verdict, i);
        bool ok = coco_verdict_check_ok(verdict, i);

        if (!counts(evidence, verdict, i)) {
            (void)printf("  %-16s not asked: give --report-data\n", name);
            continue;
        }
        (void)printf("  %-16s %s%s\n", name, ok ? "ok" : "not ok",
                     coco_verdict_check_allowed(verdict, i) ? ", but allowed" : "");
        if (!ok || all)
            (void)printf("    wanted: %s\n    got:    %s\n", coco_verdict_check_want(verdict, i),
                         coco_verdict_check_got(verdict, i));
        if (!ok)
            (void)printf("    to do:  %s\n", coco_verdict_check_hint(verdict, i));
    }
}

int
cli_judge_evidence(struct cli *cli, cli_report_fn *report)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct cli_evidence evidence = {0};
    coco_collateral *collateral = NULL;

    int rc =
        cli_read_evidence(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-", &evidence);
    if (rc == CLI_DONE)
        rc = cli_open_collateral(cli, &collateral);
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &evidence, collateral, &verifier);
    if (rc == CLI_DONE)
        rc = cli_verify(cli, verifier, &evidence, &verdict);
    if (rc == CLI_DONE)
        rc = report(cli, &evidence, verdict);
    cli_bytes_done(&evidence.text);
    return rc;
}
