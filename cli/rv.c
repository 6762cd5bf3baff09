/*
 * cli/rv.c - coco rv show, and what the commands of reference values share
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"

#include "verify.h"

#include <string.h>

/* ---- read ---- */

/* JSON is text, and a manifest begins with its tag of CBOR, 501; else it may be signed. */
static bool
is_unsigned(const struct cli_bytes *bytes)
{
    const uint8_t *p = bytes->data;

    return bytes->len < 3 || p[0] < 0x80 || (p[0] == 0xd9 && p[1] == 0x01 && p[2] == 0xf5);
}

int
cli_rv_parse(struct cli *cli, const struct cli_bytes *bytes, coco_references **ret)
{
    const char *key_file = cli_get(&cli->args, OPT_OWNER_KEY);
    _cleanup_bytes_ struct cli_bytes key = {0};

    if (!key_file || is_unsigned(bytes)) {
        coco_status status = coco_references_parse(bytes->data, bytes->len, ret, &cli->err);

        return cli_check_hint(
            cli, status,
            status == COCO_ERR_INVALID && !is_unsigned(bytes) ? "use --owner-key FILE" : NULL);
    }
    int rc = cli_read_file(cli, key_file, CLI_PEM_MAX, &key);
    if (rc == CLI_DONE)
        rc = cli_check(
            cli, coco_references_open(bytes->data, bytes->len, key.data, key.len, ret, &cli->err));
    return rc;
}

int
cli_rv_read(struct cli *cli, const char *path, coco_references **ret)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_file(cli, path, CLI_RV_MAX, &bytes);
    return rc == CLI_DONE ? cli_rv_parse(cli, &bytes, ret) : rc;
}

int
cli_rv_read_signed(struct cli *cli, const char *path, coco_references **ret)
{
    _cleanup_(coco_references_freep) coco_references *references = NULL;

    int rc = cli_rv_read(cli, path, &references);
    if (rc == CLI_DONE && cli_given(&cli->args, OPT_OWNER_KEY)
        && !coco_references_signer(references))
        rc = cli_fail(cli, COCO_ERR_VERIFY, "%s: nobody signed it", path);
    if (rc == CLI_DONE)
        *ret = cli_steal(&references);
    return rc;
}

/* ---- written ---- */

int
cli_rv_write(struct cli *cli, const coco_bytes *bytes)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);

    if (output)
        return cli_write_file(cli, output, coco_bytes_data(bytes), coco_bytes_size(bytes));
    return cli_write_stdout(cli, coco_bytes_data(bytes), coco_bytes_size(bytes));
}

static int
write_form(struct cli *cli, const coco_references *references, const char *form)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    int rc = cli_check(cli, coco_references_format(references, form, &bytes, &cli->err));
    return rc == CLI_DONE ? cli_rv_write(cli, bytes) : rc;
}

/* {"signer", "values": [{"name", "expires", "value"}]} */
static cJSON *
json_of(const coco_references *references)
{
    const char *signer = coco_references_signer(references);
    cJSON *object = cJSON_CreateObject();
    cJSON *values = NULL;
    const char *name;

    cJSON_AddItemToObject(object, "signer",
                          signer ? cJSON_CreateString(signer) : cJSON_CreateNull());
    values = cJSON_AddArrayToObject(object, "values");
    for (size_t i = 0; (name = coco_references_name(references, i)); i++) {
        int64_t expires = coco_references_expires(references, i);
        cJSON *value = cJSON_CreateObject();

        cJSON_AddStringToObject(value, "name", name);
        cJSON_AddItemToObject(value, "expires",
                              expires ? cJSON_CreateNumber((double)expires) : cJSON_CreateNull());
        cJSON_AddRawToObject(value, "value", coco_references_value(references, i));
        cJSON_AddItemToArray(values, value);
    }
    return object;
}

static void
print(const coco_references *references)
{
    const char *signer = coco_references_signer(references);
    const char *name;
    char time[32];

    if (signer) {
        (void)printf("signed by ");
        cli_print(signer);
        (void)putchar('\n');
    }
    for (size_t i = 0; (name = coco_references_name(references, i)); i++) {
        int64_t expires = coco_references_expires(references, i);

        cli_print(name);
        if (expires)
            (void)printf("  until %s", cli_time_text(expires, time, sizeof(time)));
        (void)printf("\n    ");
        cli_print(coco_references_value(references, i));
        (void)putchar('\n');
    }
}

int
cli_rv_report(struct cli *cli, const coco_references *references)
{
    const char *form = cli_get(&cli->args, OPT_FORM);

    if (form || cli_get(&cli->args, OPT_OUTPUT))
        return write_form(cli, references, form ? form : "json");
    if (cli->json)
        return cli_event(cli, json_of(references));
    print(references);
    return CLI_DONE;
}

int
cli_rv_show(struct cli *cli)
{
    _cleanup_(coco_references_freep) coco_references *references = NULL;

    int rc = cli_rv_read_signed(cli, cli->args.operands[0], &references);
    return rc == CLI_DONE ? cli_rv_report(cli, references) : rc;
}
