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
    return cli_judge_evidence(cli, show);
}
