/*
 * cli/initdata_build.c - coco initdata build
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata.h"

#include <string.h>

#define ALGORITHM "sha384"

/* [NAME=]PATH; the name of the file without. */
static int
add_file(struct cli *cli, coco_initdata *initdata, const char *operand)
{
    const char *equals = strchr(operand, '=');
    const char *path = equals ? equals + 1 : operand;
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *name =
        equals ? strndup(operand, (size_t)(equals - operand)) : strdup(slash ? slash + 1 : path);
    _cleanup_bytes_ struct cli_bytes text = {0};

    if (!name)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int rc = cli_read_file(cli, path, CLI_JSON_MAX, &text);
    if (rc == CLI_DONE && strlen((const char *)text.data) != text.len)
        rc = cli_fail(cli, COCO_ERR_INVALID, "%s holds a NUL byte", path);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_initdata_add(initdata, name, (const char *)text.data, &cli->err));
    return rc;
}

/* Not secret, but a file that others may change would be of no use. */
static int
write_document(struct cli *cli, const coco_initdata *initdata)
{
    const char *output = cli_get(&cli->args, OPT_OUTPUT);
    const char *text = coco_initdata_text(initdata);
    int rc = CLI_DONE;

    if (output)
        rc = cli_write_file(cli, output, text, strlen(text));
    if (rc == CLI_DONE && cli->json)
        rc = cli_initdata_json(cli, initdata, !output);
    else if (rc == CLI_DONE && !output)
        rc = cli_write_stdout(cli, text, strlen(text));
    return rc;
}

int
cli_initdata_build(struct cli *cli)
{
    const char *algorithm = cli_get(&cli->args, OPT_ALGORITHM);
    _cleanup_(coco_initdata_freep) coco_initdata *initdata = NULL;

    int rc =
        cli_check(cli, coco_initdata_new(algorithm ? algorithm : ALGORITHM, &initdata, &cli->err));
    for (unsigned i = 0; i < cli->args.n_operands && rc == CLI_DONE; i++)
        rc = add_file(cli, initdata, cli->args.operands[i]);
    return rc == CLI_DONE ? write_document(cli, initdata) : rc;
}
