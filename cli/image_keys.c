/*
 * cli/image_keys.c - who opens layers, and whom they are encrypted to, as ocicrypt's tools write it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <string.h>

#define PROVIDER "provider:"
#define PROVIDER_NAME_MAX ((size_t)128)

typedef coco_status add_fn(coco_image_client *client, const uint8_t *data, size_t len,
                           coco_error **err);
typedef coco_status add_provider_fn(coco_image_client *client, const char *name,
                                    const char *parameter, coco_error **err);

static const struct kind {
    const char *prefix;
    add_fn *add;
} kinds[] = {
    {"jwe:", coco_image_client_add_recipient},
    {"pkcs7:", coco_image_client_add_certificate_recipient},
};

static int
add_file(struct cli *cli, coco_image_client *client, const char *path, add_fn *add)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_file(cli, path, CLI_PEM_MAX, &bytes);
    if (rc == CLI_DONE)
        rc = cli_check(cli, add(client, bytes.data, bytes.len, &cli->err));
    return rc;
}

/* NAME[:PARAMETER]; the parameter may have colons of its own. */
static int
add_provider(struct cli *cli, coco_image_client *client, const char *text, add_provider_fn *add)
{
    char name[PROVIDER_NAME_MAX + 1];
    size_t len = strcspn(text, ":");

    if (len == 0 || len > PROVIDER_NAME_MAX)
        return cli_usage(cli, "a key provider is written provider:NAME[:PARAMETER]");
    memcpy(name, text, len);
    name[len] = '\0';
    return cli_check(cli, add(client, name, text[len] ? text + len + 1 : NULL, &cli->err));
}

static coco_status
set_providers(void *client, const uint8_t *json, size_t len, coco_error **err)
{
    return coco_image_client_set_key_providers(client, json, len, err);
}

static int
add_recipient(struct cli *cli, coco_image_client *client, const char *text)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return add_file(cli, client, text + strlen(kinds[i].prefix), kinds[i].add);
    if (strncmp(text, PROVIDER, strlen(PROVIDER)) == 0)
        return add_provider(cli, client, text + strlen(PROVIDER),
                            coco_image_client_add_provider_recipient);
    return cli_fail(cli, COCO_ERR_NOTSUP,
                    "--recipient is jwe:FILE, pkcs7:FILE or provider:NAME[:PARAMETER], not %s",
                    text);
}

int
cli_add_recipients(struct cli *cli, coco_image_client *client)
{
    const char *text;

    int rc = cli_set_file(cli, cli_get(&cli->args, OPT_KEY_PROVIDERS), set_providers, client);
    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_RECIPIENT, i)); i++)
        rc = add_recipient(cli, client, text);
    return rc;
}

/* As skopeo has it: a certificate is given as one more key, for layers encrypted by PKCS #7. */
static coco_status
add_key_or_certificate(coco_image_client *client, const uint8_t *data, size_t len, coco_error **err)
{
    static const char certificate[] = "-----BEGIN CERTIFICATE";

    if (memmem(data, len, certificate, strlen(certificate)))
        return coco_image_client_add_certificate(client, data, len, err);
    return coco_image_client_add_key(client, data, len, err);
}

int
cli_add_keys(struct cli *cli, coco_image_client *client)
{
    const char *text;

    int rc = cli_set_file(cli, cli_get(&cli->args, OPT_KEY_PROVIDERS), set_providers, client);
    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_KEY, i)); i++) {
        if (strncmp(text, PROVIDER, strlen(PROVIDER)) == 0)
            rc = add_provider(cli, client, text + strlen(PROVIDER),
                              coco_image_client_add_provider_key);
        else
            rc = add_file(cli, client, text, add_key_or_certificate);
    }
    return rc;
}
