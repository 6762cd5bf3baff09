/*
 * daemons/coco-kbs.c - a key broker service, until a signal ends it
 *
 * Main and wiring; everything else is libcoco-kbs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>
#include <coco/kbs.h>

#include "daemon.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_VARIABLE "KBS_CONFIG_FILE"

static const char usage[] = "usage: coco-kbs [--config FILE] [--log text|json]\n"
                            "       coco-kbs --version\n"
                            "\n"
                            "  -c, --config FILE  configuration; else $" CONFIG_VARIABLE "\n"
                            "      --log FORMAT   lines for people (text) or machines (json)\n"
                            "\n"
                            "SIGTERM, SIGINT and SIGHUP end it after the replies under way.\n";

/* Takes config over. */
static int
serve(const struct daemon *daemon, coco_ctx *ctx, char *config, const sigset_t *ends)
{
    coco_error *err = NULL;
    coco_kbs *kbs = NULL;
    char text[320];

    coco_status status = coco_kbs_new(ctx, config, &kbs, &err);
    daemon_wipe(config);
    if (status != COCO_OK)
        return daemon_fail(daemon, err);
    if (coco_kbs_start(kbs, &err) != COCO_OK) {
        coco_kbs_free(kbs);
        return daemon_fail(daemon, err);
    }
    (void)malloc_trim(0); /* what it took to start */
    (void)snprintf(text, sizeof(text), "serving at %s", coco_kbs_url(kbs));
    daemon_say(daemon, "info", text);
    daemon_ready();
    int rc = daemon_wait(ends);
    daemon_say(daemon, "info", "ending");
    coco_kbs_free(kbs);
    return rc;
}

static int
run(struct daemon *daemon, const char *config_path)
{
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    sigset_t ends;

    int rc = daemon_begin(daemon, &ends);
    if (rc != EXIT_DONE)
        return rc;
    char *config = daemon_read(daemon, config_path);
    if (!config)
        return EXIT_OTHER;
    if (coco_ctx_new(&ctx, &err) != COCO_OK) {
        daemon_wipe(config);
        rc = daemon_fail(daemon, err);
    } else {
        coco_ctx_set_log(ctx, COCO_LOG_INFO, daemon_on_log, daemon, NULL);
        rc = serve(daemon, ctx, config, &ends);
    }
    coco_ctx_free(ctx);
    return rc;
}

static int
misused(const char *why)
{
    (void)fprintf(stderr, "coco-kbs: %s\n%s", why, usage);
    return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"config-file", required_argument, NULL, 'c'},
        {"log", required_argument, NULL, 'l'},    {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    const char *config_path = getenv(CONFIG_VARIABLE);
    struct daemon daemon = {0};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'l':
            if (!daemon_set_log(&daemon, optarg))
                return misused("--log is text or json");
            break;
        case 'V':
            (void)printf("coco-kbs %s\n", coco_version());
            return EXIT_DONE;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_DONE;
        default:
            return misused("what is that?");
        }
    }
    if (optind < argc)
        return misused("there are too many words");
    if (!config_path || !*config_path)
        return misused("which configuration?");
    return run(&daemon, config_path);
}
