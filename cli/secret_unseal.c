/*
 * cli/secret_unseal.c - coco secret unseal
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret.h"

#include <stdlib.h>

#define PROVIDERS_MAX 16

/* What the unsealer asks, which must outlive it. */
struct providers {
    coco_kbc *kbc[PROVIDERS_MAX];
    size_t n;
};

static void
providers_done(struct providers *providers)
{
    while (providers->n > 0)
        coco_kbc_free(providers->kbc[--providers->n]);
}

static coco_status
trust_key(void *unsealer, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_unsealer_trust_key(unsealer, NULL, data, len, err);
}

static int
set_broker(struct cli *cli, coco_unsealer *unsealer, struct providers *providers)
{
    coco_kbc *kbc = NULL;

    int rc = cli_open_kbc(cli, &kbc);
    if (rc != CLI_DONE || !kbc)
        return rc;
    providers->kbc[providers->n++] = kbc;
    return cli_check(cli, coco_unsealer_set_provider(unsealer, "kbs", kbc, &cli->err));
}

static int
set_provider(struct cli *cli, const char *text, coco_unsealer *unsealer,
             struct providers *providers)
{
    _cleanup_free_ char *name = NULL;
    coco_kbc *kbc = NULL;

    if (providers->n == PROVIDERS_MAX)
        return cli_usage(cli, "--provider is given more than %d times", PROVIDERS_MAX - 1);
    int rc = cli_open_provider(cli, text, &name, &kbc);
    if (rc != CLI_DONE)
        return rc;
    if (!kbc)
        return cli_usage(cli, "--provider needs NAME=KBC");
    providers->kbc[providers->n++] = kbc;
    return cli_check(cli, coco_unsealer_set_provider(unsealer, name, kbc, &cli->err));
}

static int
set_up(struct cli *cli, coco_unsealer *unsealer, struct providers *providers)
{
    const char *prefix = cli_get(&cli->args, OPT_KEY_PREFIX);
    const char *provider;

    int rc = set_broker(cli, unsealer, providers);
    for (unsigned i = 0; (provider = cli_get_nth(&cli->args, OPT_PROVIDER, i)); i++)
        if (rc == CLI_DONE)
            rc = set_provider(cli, provider, unsealer, providers);
    if (rc == CLI_DONE)
        rc = cli_set_file(cli, cli_get(&cli->args, OPT_OWNER_KEY), trust_key, unsealer);
    if (rc == CLI_DONE && prefix)
        rc = cli_check(cli, coco_unsealer_set_key_prefix(unsealer, prefix, &cli->err));
    coco_unsealer_set_allow_unsigned(unsealer, cli_given(&cli->args, OPT_ALLOW_UNSIGNED));
    return rc;
}

int
cli_secret_unseal(struct cli *cli)
{
    __attribute__((cleanup(providers_done))) struct providers providers = {0};
    _cleanup_(coco_unsealer_freep) coco_unsealer *unsealer = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *secret = NULL;
    _cleanup_bytes_ struct cli_bytes text = {0};

    int rc = cli_check(cli, coco_unsealer_new(&unsealer, &cli->err));
    if (rc == CLI_DONE)
        rc = set_up(cli, unsealer, &providers);
    if (rc == CLI_DONE)
        rc = cli_sealed_read(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-", &text);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_unsealer_unseal(unsealer, cli->ctx, (const char *)text.data,
                                                 &secret, &cli->err));
    return rc == CLI_DONE ? cli_secret_write(cli, coco_bytes_data(secret), coco_bytes_size(secret))
                          : rc;
}
