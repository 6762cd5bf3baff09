/*
 * cli/image_store.c - coco image ls, prune, rm, unmount and verify-store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

int
cli_open_store(struct cli *cli, coco_store **ret)
{
    const char *dir = cli_get(&cli->args, OPT_STORE);

    return dir ? cli_check(cli, coco_store_open(dir, ret, &cli->err)) : CLI_DONE;
}

/* Of a command that is about nothing else. */
static int
open_store(struct cli *cli, coco_store **ret)
{
    if (!cli_get(&cli->args, OPT_STORE))
        return cli_usage(cli, "--store DIR or COCO_STORE says which store");
    return cli_open_store(cli, ret);
}

/* A digest and its references a line. */
static int
write_image(struct cli *cli, const cJSON *image)
{
    const char *digest = cJSON_GetStringValue(cJSON_GetObjectItem(image, "digest"));
    const char *broken = cJSON_GetStringValue(cJSON_GetObjectItem(image, "broken"));
    const cJSON *reference;
    int rc = cli_write_stdout(cli, digest, strlen(digest));

    if (rc == CLI_DONE && broken)
        rc = cli_write_stdout(cli, " broken: ", strlen(" broken: "));
    if (rc == CLI_DONE && broken)
        rc = cli_write_stdout(cli, broken, strlen(broken));

    cJSON_ArrayForEach(reference, cJSON_GetObjectItem(image, "references")) {
        const char *text = cJSON_GetStringValue(reference);

        if (rc == CLI_DONE && text)
            rc = cli_write_stdout(cli, " ", 1);
        if (rc == CLI_DONE && text)
            rc = cli_write_stdout(cli, text, strlen(text));
    }
    return rc == CLI_DONE ? cli_write_stdout(cli, "\n", 1) : rc;
}

int
cli_image_ls(struct cli *cli)
{
    _cleanup_(coco_store_freep) coco_store *store = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(cJSON_Deletep) cJSON *list = NULL;
    const cJSON *image;

    int rc = open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_store_list(store, cli->ctx, &bytes, &cli->err));
    if (rc == CLI_DONE)
        rc = cli_parse(cli, bytes, &list);
    if (rc == CLI_DONE && cli->json)
        return cli_event(cli, cli_steal(&list));
    cJSON_ArrayForEach(image, cJSON_GetObjectItem(list, "images")) {
        if (rc == CLI_DONE)
            rc = write_image(cli, image);
    }
    return rc;
}

int
cli_image_rm(struct cli *cli)
{
    _cleanup_(coco_store_freep) coco_store *store = NULL;

    int rc = open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_store_forget(store, cli->ctx, cli->args.operands[0], &cli->err));
    return rc == CLI_DONE ? cli_result(cli, "removed", cli->args.operands[0]) : rc;
}

int
cli_image_prune(struct cli *cli)
{
    _cleanup_(coco_store_freep) coco_store *store = NULL;
    uint64_t freed = 0;
    char text[32];

    int rc = open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_store_collect(store, cli->ctx, &freed, &cli->err));
    if (rc != CLI_DONE)
        return rc;
    (void)snprintf(text, sizeof(text), "%" PRIu64, freed);
    return cli_result(cli, "bytes_freed", text);
}

int
cli_image_unmount(struct cli *cli)
{
    _cleanup_(coco_store_freep) coco_store *store = NULL;

    int rc = open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_store_release(store, cli->ctx, cli->args.operands[0], &cli->err));
    return rc == CLI_DONE ? cli_result(cli, "removed", cli->args.operands[0]) : rc;
}

int
cli_image_verify_store(struct cli *cli)
{
    _cleanup_(coco_store_freep) coco_store *store = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    _cleanup_(cJSON_Deletep) cJSON *report = NULL;

    int rc = open_store(cli, &store);
    if (rc == CLI_DONE)
        rc = cli_check(cli, coco_store_verify(store, cli->ctx, &bytes, &cli->err));
    cli_progress_end(cli);
    if (rc == CLI_DONE)
        rc = cli_parse(cli, bytes, &report);
    if (rc != CLI_DONE)
        return rc;
    const cJSON *bad = cJSON_GetObjectItem(report, "bad");
    const cJSON *first = cJSON_GetArrayItem(bad, 0);
    const char *chain = cJSON_GetStringValue(cJSON_GetObjectItem(first, "chain"));
    const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(first, "why"));
    if (first)
        rc = cli_fail(cli, COCO_ERR_VERIFY, "%d trees are bad, of which %s: %s",
                      cJSON_GetArraySize(bad), chain ? chain : "one", why ? why : "");
    if (cli->json) {
        int written = cli_event(cli, cli_steal(&report));
        return rc == CLI_DONE ? written : rc;
    }
    return rc == CLI_DONE ? cli_result(cli, "verified", "all files are as they were unpacked") : rc;
}
