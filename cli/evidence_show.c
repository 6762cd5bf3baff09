/*
 * cli/evidence_show.c - coco evidence show
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

static int
show(struct cli *cli, const struct cli_evidence *evidence, const coco_verdict *verdict)
{
    int rc = CLI_DONE;

    if (cli->json)
        rc = cli_event(cli, cli_verdict_json(evidence, verdict));
    else
        cli_verdict_print(evidence, verdict, false);
    if (rc == CLI_DONE && evidence->report_data_len > 0 && !cli_verdict_holds(evidence, verdict))
        rc = cli_fail(cli, COCO_ERR_VERIFY, "the evidence does not hold");
    return rc;
}

int
cli_evidence_show(struct cli *cli)
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
        rc = show(cli, &evidence, verdict);
    cli_bytes_done(&evidence.text);
    return rc;
}
