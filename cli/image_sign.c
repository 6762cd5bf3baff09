/*
 * cli/image_sign.c - coco image sign
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

static int
report(struct cli *cli, const coco_bytes *bytes)
{
    _cleanup_(cJSON_Deletep) cJSON *result = NULL;

    int rc = cli_parse(cli, bytes, &result);
    if (rc != CLI_DONE)
        return rc;
    if (cli->json)
        return cli_event(cli, cli_steal(&result));
    return cli_result(cli, "signature",
                      cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "signature")));
}

static int
sign(struct cli *cli, coco_image_client *client, const coco_image_ref *ref,
     const struct cli_bytes *key, coco_bytes **ret)
{
    const char *who = cli_get(&cli->args, OPT_SIGN_BY);
    const char *form = cli_get(&cli->args, OPT_SIGNATURE_FORM);
    int rc = CLI_DONE;

    if (!cli_is_pgp(key)) {
        if (who)
            return cli_usage(cli, "--sign-by is for --sign-key with keys of OpenPGP");
        if (form)
            rc = cli_check(cli, coco_image_client_set_signature_form(client, form, &cli->err));
        if (rc != CLI_DONE)
            return rc;
        return cli_check(
            cli, coco_image_sign(client, cli->ctx, ref, key->data, key->len, ret, &cli->err));
    }
    if (form)
        return cli_usage(cli, "--signature-form is for keys that are not of OpenPGP");
    rc = cli_set_lookasides(cli, client);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_image_client_add_pgp_keys(client, key->data, key->len, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_image_sign_pgp(client, cli->ctx, ref, who, ret, &cli->err));
    return rc;
}

int
cli_image_sign(struct cli *cli)
{
    _cleanup_(coco_image_ref_freep) coco_image_ref *ref = NULL;
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_(coco_image_client_freep) coco_image_client *client = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (!cli_get(&cli->args, OPT_SIGN_KEY))
        return cli_usage(cli, "needs --sign-key FILE");
    int rc = cli_parse_ref(cli, cli->args.operands[0], &ref);
    if (rc == CLI_DONE)
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, kbc, &client);
    if (rc == CLI_DONE)
        rc = cli_read_sign_key(cli, client, &key);
    if (rc == CLI_DONE)
        rc = sign(cli, client, ref, &key, &bytes);
    return rc == CLI_DONE ? report(cli, bytes) : rc;
}
