/*
 * cli/secret.c - what the commands of sealed secrets share, and coco secret inspect
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

int
cli_sealed_read(struct cli *cli, const char *path, struct cli_bytes *ret)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_text(cli, path, CLI_SEALED_MAX, &bytes);
    if (rc != CLI_DONE)
        return rc;
    while (bytes.len > 0 && strchr(" \t\r\n", bytes.data[bytes.len - 1]))
        bytes.len--;
    bytes.data[bytes.len] = '\0';
    *ret = bytes;
    bytes = (struct cli_bytes){0};
    return CLI_DONE;
}

static coco_status
set_ca(void *kbc, const uint8_t *data, size_t len, coco_error **err)
{
    return coco_kbc_set_tls_ca(kbc, data, len, err);
}

int
cli_open_provider(struct cli *cli, const char *text, char **name, coco_kbc **ret)
{
    const char *params = strchr(text, '=');
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    _cleanup_free_ char *copy = strndup(text, params ? (size_t)(params - text) : strlen(text));
    int rc = CLI_DONE;

    if (!copy)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    if (params) {
        rc = cli_check(cli, coco_kbc_new(params + 1, &kbc, &cli->err));
        if (rc == CLI_DONE)
            rc = cli_set_file(cli, cli_get(&cli->args, OPT_TLS_CA), set_ca, kbc);
    }
    if (rc != CLI_DONE)
        return rc;
    *name = cli_steal(&copy);
    *ret = cli_steal(&kbc);
    return CLI_DONE;
}

int
cli_secret_write(struct cli *cli, const void *data, size_t len)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);

    if (!output || strcmp(output, "-") == 0)
        return cli_write_stdout(cli, data, len);
    return cli_write_file(cli, output, data, len);
}

static const char *
text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

static void
print_member(const cJSON *object, const char *name)
{
    if (!cJSON_HasObjectItem(object, name))
        return;
    (void)printf("%-9s ", name);
    cli_print(text_of(object, name));
    (void)printf("\n");
}

static int
print_told(struct cli *cli, const char *json)
{
    static const char *const names[] = {"type", "provider", "name", "key_id", "wrap_type"};
    _cleanup_(cJSON_Deletep) cJSON *told = cJSON_Parse(json);
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(told, "bytes");

    if (!told)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        print_member(told, names[i]);
    if (bytes)
        (void)printf("%-9s %.0f\n", "bytes", bytes->valuedouble);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(told, "signed"))) {
        (void)printf("%-9s %s by ", "signed", text_of(told, "alg"));
        cli_print(text_of(told, "kid"));
        (void)printf(" (not verified)\n");
    } else {
        (void)printf("%-9s by nobody\n", "signed");
    }
    return CLI_DONE;
}

int
cli_secret_inspect(struct cli *cli)
{
    _cleanup_bytes_ struct cli_bytes text = {0};
    _cleanup_(coco_bytes_freep) coco_bytes *told = NULL;

    int rc = cli_sealed_read(cli, cli->args.n_operands > 0 ? cli->args.operands[0] : "-", &text);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_sealed_inspect((const char *)text.data, &told, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    const char *json = (const char *)coco_bytes_data(told);
    return cli->json ? cli_event(cli, cJSON_Parse(json)) : print_told(cli, json);
}
