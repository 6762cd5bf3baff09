/*
 * cli/image_copy.c - coco image push, encrypt, decrypt and rekey: one image made of another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* What all of them have. */
struct copy {
    coco_image_ref *from;
    coco_image_ref *to;
    coco_image_options options;
    coco_kbc *kbc; /* or NULL */
    coco_image_client *client;
};

static void
copy_done(struct copy *copy)
{
    coco_image_client_free(copy->client);
    coco_kbc_free(copy->kbc);
    coco_image_ref_free(copy->to);
    coco_image_ref_free(copy->from);
}

/* as_guest: with a broker that is asked for keys of layers. */
static int
copy_begin(struct cli *cli, bool as_guest, struct copy *ret)
{
    int rc = cli_parse_ref(cli, cli->args.operands[0], &ret->from);

    if (rc == CLI_DONE)
        rc = cli_parse_ref(cli, cli->args.operands[1], &ret->to);
    if (rc == CLI_DONE)
        rc = cli_image_options(cli, &ret->options);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_ALL))
        ret->options.flags |= COCO_IMAGE_ALL_PLATFORMS;
    if (rc == CLI_DONE && as_guest)
        rc = cli_open_kbc(cli, &ret->kbc);
    if (rc == CLI_DONE)
        rc = cli_open_images(cli, ret->kbc, &ret->client);
    return rc;
}

typedef coco_status copy_fn(coco_image_client *client, coco_ctx *ctx, const coco_image_ref *from,
                            const coco_image_ref *to, const coco_image_options *opts,
                            coco_image **ret, coco_error **err);

static int
copy_run(struct cli *cli, const struct copy *copy, copy_fn *fn, const char *what)
{
    _cleanup_(coco_image_freep) coco_image *image = NULL;

    int rc = cli_check(
        cli, fn(copy->client, cli->ctx, copy->from, copy->to, &copy->options, &image, &cli->err));
    return rc == CLI_DONE ? cli_image_result(cli, what, image) : rc;
}

int
cli_image_push(struct cli *cli)
{
    _cleanup_(copy_done) struct copy copy = {0};

    int rc = copy_begin(cli, true, &copy);
    return rc == CLI_DONE ? copy_run(cli, &copy, coco_image_push, "copied") : rc;
}

int
cli_image_decrypt(struct cli *cli)
{
    _cleanup_(copy_done) struct copy copy = {0};

    int rc = copy_begin(cli, true, &copy);
    if (rc == CLI_DONE)
        rc = cli_add_keys(cli, copy.client);
    return rc == CLI_DONE ? copy_run(cli, &copy, coco_image_decrypt, "decrypted") : rc;
}

/* The layers that are encrypted, if not all of them are. */
static int
add_layers(struct cli *cli, coco_image_client *client)
{
    const char *text;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (text = cli_get_nth(&cli->args, OPT_LAYER, i)); i++) {
        size_t sign = text[0] == '-' ? 1 : 0;
        size_t digits = strspn(text + sign, "0123456789");

        if (digits == 0 || digits > 3 || text[sign + digits] != '\0')
            return cli_usage(cli, "--layer is no number of a layer: %s", text);
        rc = cli_check(cli, coco_image_client_add_encrypted_layer(
                                client, (int32_t)strtol(text, NULL, 10), &cli->err));
    }
    return rc;
}

/* A broker's key is made when all else is known to be right, but before it encrypts anything. */
int
cli_image_encrypt(struct cli *cli)
{
    _cleanup_(copy_done) struct copy copy = {0};
    bool makes_key = cli_given(&cli->args, OPT_KBS) || cli_given(&cli->args, OPT_KBS_PATH);

    int rc = cli_check_recipients(cli, makes_key);
    if (rc == CLI_DONE)
        rc = copy_begin(cli, false, &copy);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_NO_PROOF))
        copy.options.flags |= COCO_IMAGE_UNPROVED;
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_NO_CHUNKS))
        copy.options.flags |= COCO_IMAGE_UNCHUNKED;
    if (rc == CLI_DONE)
        rc = add_layers(cli, copy.client);
    /* Who proves it by a private key gives that, too. */
    if (rc == CLI_DONE)
        rc = cli_add_keys(cli, copy.client);
    if (rc == CLI_DONE)
        rc = cli_add_recipients(cli, copy.client);
    if (rc == CLI_DONE && makes_key)
        rc = cli_add_broker(cli, copy.client);
    return rc == CLI_DONE ? copy_run(cli, &copy, coco_image_encrypt, "encrypted") : rc;
}

/* A broker is asked for the keys there are, as a guest, or keeps a new one for --kbs-path. */
int
cli_image_rekey(struct cli *cli)
{
    _cleanup_(copy_done) struct copy copy = {0};
    bool makes_key = cli_given(&cli->args, OPT_KBS_PATH);

    int rc = cli_check_recipients(cli, makes_key);
    if (rc == CLI_DONE)
        rc = copy_begin(cli, !makes_key, &copy);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_KEEP_RECIPIENTS))
        copy.options.flags |= COCO_IMAGE_KEEP_RECIPIENTS;
    if (rc == CLI_DONE)
        rc = cli_add_keys(cli, copy.client);
    if (rc == CLI_DONE)
        rc = cli_add_recipients(cli, copy.client);
    if (rc == CLI_DONE && makes_key)
        rc = cli_add_broker(cli, copy.client);
    return rc == CLI_DONE ? copy_run(cli, &copy, coco_image_rekey, "rekeyed") : rc;
}
