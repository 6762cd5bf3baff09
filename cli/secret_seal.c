/*
 * cli/secret_seal.c - coco secret seal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret.h"

#include <string.h>

#define DATA_MAX ((size_t)1 << 20)

static int
open_sealer(struct cli *cli, coco_sealer **ret)
{
    const char *settings = cli_get(&cli->args, OPT_PROVIDER_SETTINGS);
    const char *annotations = cli_get(&cli->args, OPT_ANNOTATIONS);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    int rc = cli_read_file(cli, cli_get(&cli->args, OPT_SIGN_KEY), CLI_PEM_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_sealer_new(cli_get(&cli->args, OPT_KID), key.data, key.len,
                                            &sealer, &cli->err));
    if (rc == CLI_DONE && settings)
        rc = cli_check(cli, coco_sealer_set_settings(sealer, settings, &cli->err));
    if (rc == CLI_DONE && annotations)
        rc = cli_check(cli, coco_sealer_set_annotations(sealer, annotations, &cli->err));
    if (rc == CLI_DONE)
        *ret = cli_steal(&sealer);
    return rc;
}

static int
seal_name(struct cli *cli, const coco_sealer *sealer, coco_bytes **ret)
{
    const char *provider = cli_get(&cli->args, OPT_PROVIDER);

    if (cli->args.n_operands == 0)
        return cli_usage(cli, "needs the NAME of a secret, or --wrap-key ID");
    return cli_check(cli, coco_sealer_seal_name(sealer, provider ? provider : "kbs",
                                                cli->args.operands[0], ret, &cli->err));
}

static int
seal_data(struct cli *cli, coco_sealer *sealer, coco_bytes **ret)
{
    const char *provider = cli_get(&cli->args, OPT_PROVIDER);
    const char *path = cli->args.n_operands > 0 ? cli->args.operands[0] : "-";
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_bytes_ struct cli_bytes data = {0};
    _cleanup_free_ char *name = NULL;

    if (!provider || !strchr(provider, '='))
        return cli_usage(cli, "--wrap-key needs --provider NAME=KBC");
    int rc = cli_open_provider(cli, provider, &name, &kbc);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_sealer_set_provider(sealer, name, kbc, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, path, DATA_MAX, &data);
    if (rc == CLI_DONE)
        rc = cli_check(cli,
                       coco_sealer_seal_data(sealer, cli->ctx, cli_get(&cli->args, OPT_WRAP_KEY),
                                             data.data, data.len, ret, &cli->err));
    return rc;
}

int
cli_secret_seal(struct cli *cli)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    _cleanup_(coco_sealer_freep) coco_sealer *sealer = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *text = NULL;

    if (!cli_get(&cli->args, OPT_KID) || !cli_get(&cli->args, OPT_SIGN_KEY))
        return cli_usage(cli, "needs --kid NAME and --sign-key FILE");
    int rc = open_sealer(cli, &sealer);
    if (rc == CLI_DONE)
        rc = cli_given(&cli->args, OPT_WRAP_KEY) ? seal_data(cli, sealer, &text)
                                                 : seal_name(cli, sealer, &text);
    if (rc != CLI_DONE)
        return rc;
    if (output && strcmp(output, "-") != 0)
        return cli_secret_write(cli, coco_bytes_data(text), coco_bytes_size(text));
    return cli_result(cli, "sealed", (const char *)coco_bytes_data(text));
}
