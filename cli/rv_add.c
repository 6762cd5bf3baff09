/*
 * cli/rv_add.c - coco rv add and rm
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rv.h"

#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What is changed at once. */
struct change {
    coco_references *references;
    int64_t expires; /* 0: nobody said */
    bool replace;
};

/* ---- the file ---- */

/*
 * Waits until nobody else changes files in the directory of path, so that what two of us
 * add is all there in the end. The lock is on the directory, for the file is replaced.
 */
static int
lock_directory(struct cli *cli, const char *path, int *ret)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

    if (!dir)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail_errno(cli, errno, dir);
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR) {
            int error = errno;

            (void)close(fd);
            return cli_fail_errno(cli, error, dir);
        }
    *ret = fd;
    return CLI_DONE;
}

/* The values in path; those that are to be changed are in a file, which nobody signed. */
static int
open_file(struct cli *cli, const char *path, bool make, coco_references **ret)
{
    if (make && access(path, F_OK) != 0 && errno == ENOENT)
        return cli_check(cli, coco_references_new(ret, &cli->err));
    return cli_rv_read(cli, path, ret);
}

static int
write_file(struct cli *cli, const char *path, const coco_references *references)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    if (coco_references_signer(references))
        return cli_fail(cli, COCO_ERR_INVALID, "%s is signed: change what it was made of, and sign",
                        path);
    int rc = cli_check(cli, coco_references_format(references, "json", &bytes, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_write_file(cli, path, coco_bytes_data(bytes), coco_bytes_size(bytes));
    return rc;
}

/* ---- what is added ---- */

/* NAME:=JSON, or NAME=TEXT, which is a list of TEXT. */
static int
add_operand(struct cli *cli, const struct change *change, const char *operand)
{
    const char *equals = strchr(operand, '=');
    bool json = equals && equals > operand && equals[-1] == ':';
    _cleanup_(cJSON_Deletep) cJSON *list = cJSON_CreateArray();
    _cleanup_free_ char *text = NULL;

    if (!equals)
        return cli_usage(cli, "%s is not NAME=TEXT, nor NAME:=JSON", operand);
    size_t len = (size_t)(equals - operand) - (json ? 1 : 0);
    _cleanup_free_ char *name = strndup(operand, len);
    if (!json) {
        cJSON_AddItemToArray(list, cJSON_CreateString(equals + 1));
        text = cJSON_PrintUnformatted(list);
    }
    if (!name || (!json && !text))
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    return cli_check(cli, coco_references_add(change->references, name, text ? text : equals + 1,
                                              change->expires, change->replace, &cli->err));
}

/* Values that say when they end keep that, unless the command line says it. */
static int
add_file(struct cli *cli, const struct change *change, const char *path)
{
    _cleanup_(coco_references_freep) coco_references *more = NULL;
    const char *name;

    int rc = cli_rv_read_signed(cli, path, &more);
    for (size_t i = 0; rc == CLI_DONE && (name = coco_references_name(more, i)); i++)
        rc = cli_check(cli,
                       coco_references_add(change->references, name, coco_references_value(more, i),
                                           change->expires != 0 ? change->expires
                                                                : coco_references_expires(more, i),
                                           change->replace, &cli->err));
    return rc;
}

static int
add_all(struct cli *cli, const struct change *change)
{
    const char *from;
    int rc = CLI_DONE;

    for (unsigned i = 0; rc == CLI_DONE && (from = cli_get_nth(&cli->args, OPT_FROM, i)); i++)
        rc = add_file(cli, change, from);
    for (unsigned i = 1; rc == CLI_DONE && i < cli->args.n_operands; i++)
        rc = add_operand(cli, change, cli->args.operands[i]);
    return rc;
}

int
cli_rv_add(struct cli *cli)
{
    const char *path = cli->args.operands[0];
    const char *expires = cli_get(&cli->args, OPT_EXPIRES);
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_close_ int lock = -1;
    struct change change = {.replace = cli_given(&cli->args, OPT_REPLACE)};

    if (cli->args.n_operands < 2 && !cli_given(&cli->args, OPT_FROM))
        return cli_usage(cli, "needs NAME=TEXT, NAME:=JSON or --from FILE");
    if (expires && !cli_parse_time(expires, &change.expires))
        return cli_usage(cli, "--expires is a time such as 2027-01-31T12:00:00Z");
    int rc = lock_directory(cli, path, &lock);
    if (rc == CLI_DONE)
        rc = open_file(cli, path, true, &references);
    change.references = references;
    if (rc == CLI_DONE)
        rc = add_all(cli, &change);
    if (rc == CLI_DONE)
        rc = write_file(cli, path, references);
    return rc == CLI_DONE ? cli_result(cli, "file", path) : rc;
}

int
cli_rv_rm(struct cli *cli)
{
    const char *path = cli->args.operands[0];
    _cleanup_(coco_references_freep) coco_references *references = NULL;
    _cleanup_close_ int lock = -1;

    int rc = lock_directory(cli, path, &lock);
    if (rc == CLI_DONE)
        rc = open_file(cli, path, false, &references);
    for (unsigned i = 1; rc == CLI_DONE && i < cli->args.n_operands; i++)
        rc = cli_check(cli, coco_references_remove(references, cli->args.operands[i], &cli->err));
    if (rc == CLI_DONE)
        rc = write_file(cli, path, references);
    return rc == CLI_DONE ? cli_result(cli, "file", path) : rc;
}
