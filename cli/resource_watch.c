/*
 * cli/resource_watch.c - coco resource watch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SECONDS_MAX 86400

struct watch {
    struct cli *cli;
    const char *uri;
    const char *output;
    bool removes; /* the file, of what may not be used any longer */
    uint64_t versions;
    int rc; /* of what was written last */
};

static int
report(const struct watch *watch, const char *event, size_t len)
{
    if (!watch->cli->json) {
        (void)fprintf(stderr, "coco: %s: %zu bytes written to %s\n", watch->uri, len,
                      watch->output);
        return CLI_DONE;
    }
    cJSON *object = cJSON_CreateObject();
    if (!cJSON_AddStringToObject(object, "event", event)
        || !cJSON_AddStringToObject(object, "uri", watch->uri)
        || !cJSON_AddStringToObject(object, "file", watch->output)
        || !cJSON_AddNumberToObject(object, "bytes", (double)len)) {
        cJSON_Delete(object);
        return cli_fail(watch->cli, COCO_ERR_NOMEM, "out of memory");
    }
    return cli_event(watch->cli, object);
}

static void
take_back(const struct watch *watch)
{
    if (unlink(watch->output) == 0)
        (void)fprintf(stderr, "coco: %s: %s is removed\n", watch->uri, watch->output);
    else if (errno != ENOENT)
        (void)fprintf(stderr, "coco: %s: cannot remove %s: %s\n", watch->uri, watch->output,
                      strerror(errno));
}

/* Who reads the file meanwhile has the secret of before, or that of after. */
static bool
write_version(void *user, const uint8_t *data, size_t len)
{
    struct watch *watch = user;

    if (!data) {
        if (watch->removes)
            take_back(watch);
        return false;
    }
    watch->versions++;
    watch->rc = cli_write_file(watch->cli, watch->output, data, len);
    if (watch->rc == CLI_DONE)
        watch->rc = report(watch, watch->versions == 1 ? "first" : "changed", len);
    return watch->rc == CLI_DONE;
}

/*
 * What a watch that was killed has left behind may not be used any longer, either, where
 * the first that this one hears is a refusal; nor what it could not replace.
 */
static bool
leaves_too_much(const struct watch *watch, coco_status status)
{
    const bool refused = status == COCO_ERR_DENIED || status == COCO_ERR_NOTFOUND;

    return watch->removes && ((watch->versions == 0 && refused) || watch->rc != CLI_DONE);
}

static int
run(struct cli *cli, coco_kbc *kbc, uint32_t seconds, struct watch *watch)
{
    coco_status status =
        coco_kbc_watch(kbc, cli->ctx, watch->uri, seconds, write_version, watch, &cli->err);

    if (leaves_too_much(watch, status))
        take_back(watch);
    int rc = cli_check(cli, status);
    return rc == CLI_DONE ? watch->rc : rc;
}

int
cli_resource_watch(struct cli *cli)
{
    struct watch watch = {
        .cli = cli,
        .uri = cli->args.operands[0],
        .output = cli_get(&cli->args, OPT_OUTPUT),
        .removes = cli_given(&cli->args, OPT_REMOVE),
    };
    _cleanup_(coco_kbc_freep) coco_kbc *kbc = NULL;
    uint64_t seconds = 0;

    if (!watch.output || strcmp(watch.output, "-") == 0)
        return cli_usage(cli, "needs --output FILE");
    int rc = cli_get_number(cli, OPT_INTERVAL, 1, SECONDS_MAX, &seconds);
    if (rc == CLI_DONE)
        rc = cli_open_kbc(cli, &kbc);
    if (rc == CLI_DONE && !kbc)
        rc = cli_usage(cli, "needs --kbs URL");
    return rc == CLI_DONE ? run(cli, kbc, (uint32_t)seconds, &watch) : rc;
}
