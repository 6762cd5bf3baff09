/*
 * cli/rv_put.c - coco rv put
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VERSION "0.1.0" /* of messages for RVPS: kbs-protocol C.3 */

/* What is signed is a tagged COSE_Sign1 (RFC 9052): a tag of 18, and then a list of four. */
static bool
is_signed(const struct cli_bytes *bytes)
{
    return bytes->len > 2 && bytes->data[0] == 0xd2 && bytes->data[1] == 0x84;
}

/* A message with the manifest itself, whose signature is the broker's to look at. */
static int
wrap_manifest(struct cli *cli, const struct cli_bytes *bytes, char **ret)
{
    _cleanup_(cJSON_Deletep) cJSON *message = cJSON_CreateObject();
    _cleanup_free_ char *payload = malloc((bytes->len + 2) / 3 * 4 + 1); /* of at most 1 MiB */

    if (!message || !payload)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    (void)EVP_EncodeBlock((unsigned char *)payload, bytes->data, (int)bytes->len);
    cJSON_AddStringToObject(message, "version", VERSION);
    cJSON_AddStringToObject(message, "type", "corim");
    cJSON_AddStringToObject(message, "payload", payload);
    *ret = cJSON_PrintUnformatted(message);
    return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

static int
wrap_values(struct cli *cli, const struct cli_bytes *bytes, char **ret)
{
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *message = NULL;

    int rc = cli_rv_parse(cli, bytes, &references);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_references_check(references, (int64_t)time(NULL), &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_references_format(references, "rvps", &message, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    *ret = strdup((const char *)coco_bytes_data(message));
    return *ret ? CLI_DONE : cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
}

int
cli_rv_put(struct cli *cli)
{
    _cleanup_(coco_admin_freep) coco_admin *admin = NULL;
    _cleanup_bytes_ struct cli_bytes bytes = {0};
    _cleanup_free_ char *message = NULL;

    int rc = cli_open_admin(cli, &admin);
    if (rc == CLI_DONE)
        rc = cli_read_file(cli, cli->args.operands[0], CLI_RV_MAX, &bytes);
    if (rc == CLI_DONE)
        rc = is_signed(&bytes) ? wrap_manifest(cli, &bytes, &message)
                               : wrap_values(cli, &bytes, &message);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_admin_put_references(admin, cli->ctx, message, &cli->err));
    return rc;
}
