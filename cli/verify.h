/*
 * cli/verify.h - what the options say of verifying evidence
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CLI_VERIFY_H
#define COCO_CLI_VERIFY_H

#include "cli.h"

#define CLI_REPORT_DATA_MAX 64
#define CLI_INIT_DATA_MAX 64

CLI_DEFINE_CLEANUP(coco_collateral, coco_collateral_free);

/* collateral.c */

/* The sources of --collateral, one after the other; NULL without any. */
int cli_open_collateral(struct cli *cli, coco_collateral **ret);
/* The one that source names, with the settings that the options have for services. */
int cli_open_source(struct cli *cli, const char *source, coco_collateral **ret);
/* Seconds since 1970 as "2026-11-28T09:00:00Z". */
const char *cli_time_text(int64_t time, char *buf, size_t size);
/* The reverse, and plain seconds; false for anything else. */
bool cli_parse_time(const char *text, int64_t *ret);

/* verify.c */

/* Evidence, and what it must be. */
struct cli_evidence {
    struct cli_bytes text;
    const char *tee; /* lent; NULL: find out */
    uint8_t report_data[CLI_REPORT_DATA_MAX];
    size_t report_data_len; /* 0: nobody said */
    uint8_t init_data[CLI_INIT_DATA_MAX];
    size_t init_data_len;
    int64_t time; /* 0: now */
};

/* --report-data, --init-data, --tee and --at, and the file. */
int cli_read_evidence(struct cli *cli, const char *path, struct cli_evidence *ret);

/*
 * A verifier with --trust-root, --trust-key and --allow, and what this machine's user plays:
 * its own software TEE. collateral, or NULL, is taken in any case.
 */
int cli_make_verifier(struct cli *cli, const struct cli_evidence *evidence,
                      coco_collateral *collateral, coco_verifier **ret);

/* Verifies; the kind is the one named, or else the first whose form the evidence has. */
int cli_verify(struct cli *cli, const coco_verifier *verifier, struct cli_evidence *evidence,
               coco_verdict **ret);

/* Whether the evidence holds; without report data, nobody said what it must be bound to. */
bool cli_verdict_holds(const struct cli_evidence *evidence, const coco_verdict *verdict);

/* What it came to, as JSON, or NULL when out of memory. */
cJSON *cli_verdict_json(const struct cli_evidence *evidence, const coco_verdict *verdict);

/* The same for people. Without all, checks that hold are one line each. */
void cli_verdict_print(const struct cli_evidence *evidence, const coco_verdict *verdict, bool all);

/* What a command says of a verdict, and the exit code it comes to. */
typedef int cli_report_fn(struct cli *cli, const struct cli_evidence *evidence,
                          const coco_verdict *verdict);

/* Verifies the evidence that the operand names, or stdin, as the options say, and reports. */
int cli_judge_evidence(struct cli *cli, cli_report_fn *report);

#endif
