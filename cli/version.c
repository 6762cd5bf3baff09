/*
 * cli/version.c - coco version
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

static const char *const features[] = {"isal", "openpgp", "pkcs11", "rpc", "sodium", "tpm"};
#define FEATURES (sizeof(features) / sizeof(features[0]))

static int
write_json(struct cli *cli)
{
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    const char *tee;

    cJSON_AddStringToObject(object, "version", coco_version());
    cJSON *supported = cJSON_AddObjectToObject(object, "features");
    for (size_t i = 0; i < FEATURES; i++)
        cJSON_AddBoolToObject(supported, features[i], coco_supports(features[i]));
    cJSON *tees = cJSON_AddArrayToObject(object, "tees");
    for (size_t i = 0; (tee = coco_tee_name(i)); i++)
        cJSON_AddItemToArray(tees, cJSON_CreateString(tee));
    return cli_event(cli, cli_steal(&object));
}

int
cli_version(struct cli *cli)
{
    const char *tee;

    if (cli->json)
        return write_json(cli);
    (void)printf("coco %s\nfeatures:", coco_version());
    for (size_t i = 0; i < FEATURES; i++)
        (void)printf(" %c%s", coco_supports(features[i]) ? '+' : '-', features[i]);
    (void)printf("\nTEEs:");
    for (size_t i = 0; (tee = coco_tee_name(i)); i++)
        (void)printf(" %s%s", tee, coco_tee_detected(tee) ? " (here)" : "");
    (void)printf("\n");
    return CLI_DONE;
}
