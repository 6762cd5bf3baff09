/*
 * cli/initdata_verify.c - coco initdata verify
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata.h"
#include "verify.h"

#include <string.h>

#define INIT_DATA_CLAIM "init_data"

/* The field of evidence that holds, from its claims. */
static int
field_of(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict,
         uint8_t *field, size_t *len)
{
    _cleanup_(cJSON_Deletep) cJSON *claims = cJSON_Parse(coco_verdict_claims(verdict));
    const cJSON *claim = cJSON_GetObjectItemCaseSensitive(claims, INIT_DATA_CLAIM);

    if (!cli_verdict_holds(evidence, verdict))
        return cli_fail(cli, COCO_ERR_VERIFY,
                        "the evidence does not hold: see \"coco evidence show\"");
    if (!cJSON_IsString(claim) || !cli_unhex(claim->valuestring, field, CLI_FIELD_MAX, len))
        return cli_fail(cli, COCO_ERR_NOTSUP, "this evidence says nothing of init data");
    return CLI_DONE;
}

/* *tee is what the evidence is of. */
static int
read_evidence(struct cli *cli, const char *path, const char **tee, uint8_t *field, size_t *len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    struct cli_evidence evidence = {0};
    coco_collateral *collateral = NULL;

    int rc = cli_read_evidence(cli, path, &evidence);
    if (rc == CLI_DONE)
        rc = cli_open_collateral(cli, &collateral);
    if (rc == CLI_DONE)
        rc = cli_make_verifier(cli, &evidence, collateral, &verifier);
    if (rc == CLI_DONE)
        rc = cli_verify(cli, verifier, &evidence, &verdict);
    if (rc == CLI_DONE)
        rc = field_of(cli, &evidence, verdict, field, len);
    if (rc == CLI_DONE)
        *tee = evidence.tee;
    cli_bytes_done(&evidence.text);
    return rc;
}

static int
result(struct cli *cli, const char *tee)
{
    if (cli->json) {
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "tee", tee);
        cJSON_AddBoolToObject(object, "valid", true);
        return cli_event(cli, object);
    }
    (void)printf("%s: %s is that of the init data\n", tee, coco_initdata_place(tee));
    return CLI_DONE;
}

int
cli_initdata_verify(struct cli *cli)
{
    const char *tee = cli_get(&cli->args, OPT_TEE);
    const char *hex = cli_get(&cli->args, OPT_MEASUREMENT);
    const char *evidence = cli_get(&cli->args, OPT_EVIDENCE);
    _cleanup_(coco_initdata_freep) coco_initdata *initdata = NULL;
    uint8_t field[CLI_FIELD_MAX];
    size_t len = 0;
    int rc = CLI_DONE;

    if (!hex == !evidence)
        return cli_usage(cli, "needs --measurement HEX or --evidence FILE");
    if (hex && !tee)
        return cli_usage(cli, "--measurement needs --tee NAME");
    if (hex && !cli_unhex(hex, field, sizeof(field), &len))
        return cli_usage(cli, "--measurement is 1 to %d bytes in hex", CLI_FIELD_MAX);
    rc = cli_initdata_read(cli, cli->args.operands[0], &initdata);
    if (rc == CLI_DONE && evidence)
        rc = read_evidence(cli, evidence, &tee, field, &len);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_initdata_check(initdata, tee, field, len, &cli->err));
    return rc == CLI_DONE ? result(cli, tee) : rc;
}
