/*
 * cli/initdata.c - what the commands of init data share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata.h"

#include <string.h>

static void
to_hex(const coco_bytes *bytes, char hex[2 * CLI_FIELD_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *data = coco_bytes_data(bytes);
    size_t len = coco_bytes_size(bytes);

    for (size_t i = 0; i < len && i < CLI_FIELD_MAX; i++) {
        hex[2 * i] = digits[data[i] >> 4];
        hex[2 * i + 1] = digits[data[i] & 0xf];
    }
    hex[2 * (len < CLI_FIELD_MAX ? len : CLI_FIELD_MAX)] = '\0';
}

int
cli_initdata_read(struct cli *cli, const char *path, coco_initdata **ret)
{
    _cleanup_bytes_ struct cli_bytes text = {0};

    int rc = cli_read_file(cli, path, 2 * CLI_JSON_MAX, &text);
    if (rc == CLI_DONE && strlen((const char *)text.data) != text.len)
        rc = cli_fail(cli, COCO_ERR_PROTO, "init data holds a NUL byte");
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_initdata_parse((const char *)text.data, ret, &cli->err));
    return rc;
}

void
cli_initdata_field(const coco_initdata *initdata, const char *tee, char hex[2 * CLI_FIELD_MAX + 1])
{
    _cleanup_(coco_bytes_freep) coco_bytes *field = NULL;

    hex[0] = '\0';
    if (coco_initdata_field(initdata, tee, &field, NULL) == COCO_OK)
        to_hex(field, hex);
}

static void
add_fields(cJSON *object, const coco_initdata *initdata)
{
    cJSON *tees = cJSON_AddObjectToObject(object, "tees");
    const char *tee;

    for (size_t i = 0; (tee = coco_initdata_tee(i)); i++) {
        char hex[2 * CLI_FIELD_MAX + 1];

        cli_initdata_field(initdata, tee, hex);
        cJSON_AddStringToObject(tees, tee, hex);
    }
}

static void
add_content(cJSON *object, const coco_initdata *initdata)
{
    cJSON *data = cJSON_AddObjectToObject(object, "data");
    const char *name;

    cJSON_AddStringToObject(object, "document", coco_initdata_text(initdata));
    for (size_t i = 0; (name = coco_initdata_name(initdata, i)); i++)
        cJSON_AddStringToObject(data, name, coco_initdata_content(initdata, i));
}

int
cli_initdata_json(struct cli *cli, const coco_initdata *initdata, bool content)
{
    _cleanup_(coco_bytes_freep) coco_bytes *digest = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *annotation = NULL;
    _cleanup_(cJSON_Deletep) cJSON *object = cJSON_CreateObject();
    char hex[2 * CLI_FIELD_MAX + 1];

    int rc = cli_check(cli, coco_initdata_digest(initdata, &digest, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_initdata_annotation(initdata, &annotation, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    to_hex(digest, hex);
    cJSON_AddStringToObject(object, "algorithm", coco_initdata_algorithm(initdata));
    cJSON_AddStringToObject(object, "digest", hex);
    add_fields(object, initdata);
    cJSON_AddStringToObject(object, "annotation", (const char *)coco_bytes_data(annotation));
    if (content)
        add_content(object, initdata);
    return cli_event(cli, cli_steal(&object));
}
