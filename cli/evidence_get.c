/*
 * cli/evidence_get.c - coco evidence get
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#define REPORT_DATA_MAX 64

int
cli_evidence_get(struct cli *cli)
{
    const char *hex = cli_get(&cli->args, OPT_REPORT_DATA);
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    uint8_t data[REPORT_DATA_MAX];
    size_t len = 0;

    if (!hex)
        return cli_usage(cli, "needs --report-data HEX");
    if (!cli_unhex(hex, data, sizeof(data), &len))
        return cli_usage(cli, "--report-data is 1 to %d bytes in hex", REPORT_DATA_MAX);
    int rc = cli_check(cli, coco_attester_new(cli_get(&cli->args, OPT_TEE), &attester, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_attester_collect(attester, cli->ctx, data, len, &evidence, &cli->err));
    /* The wire JSON as it is, with --json or without. */
    if (rc == CLI_DONE)
        rc = cli_write_stdout(cli, coco_bytes_data(evidence), coco_bytes_size(evidence));
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}
