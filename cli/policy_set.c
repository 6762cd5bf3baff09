/*
 * cli/policy_set.c - coco policy set
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

/* Brokers take less; which is theirs to say. */
#define POLICY_MAX ((size_t)1 << 20)

static coco_status
set_policy(struct cli *cli, coco_admin *admin, const char *rego)
{
    const char *path = cli_get(&cli->args, OPT_PATH);
    const char *id = cli_get(&cli->args, OPT_ATTESTATION);

    if (id)
        return coco_admin_set_attestation_policy(admin, cli->ctx, id, rego, &cli->err);
    if (path)
        return coco_admin_set_path_policy(admin, cli->ctx, path, rego, &cli->err);
    return coco_admin_set_resource_policy(admin, cli->ctx, rego, &cli->err);
}

int
cli_policy_set(struct cli *cli)
{
    const char *file = cli->args.n_operands > 0 ? cli->args.operands[0] : "-";
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_bytes_ struct cli_bytes rego = {0};

    if (cli_given(&cli->args, OPT_PATH) && cli_given(&cli->args, OPT_ATTESTATION))
        return cli_usage(cli, "--path excludes --attestation");
    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_read_text(cli, file, POLICY_MAX, &rego);
    return rc == CLI_DONE ? cli_check(cli, set_policy(cli, admin, (const char *)rego.data)) : rc;
}
