/*
 * daemons/coco-cache.c - a cache of images for the guests of a host, until a signal ends it
 *
 * Main and wiring; everything else is lib/cache. It has no library: nobody embeds it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>

#include "daemon.h"

#include "base/json.h"
#include "cache/cache.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CONFIG_VARIABLE "COCO_CACHE_CONFIG_FILE"
#define CONFIG_MAX ((size_t)1 << 20)

static const char usage[] =
    "usage: coco-cache [--config FILE] [--log text|json]\n"
    "       coco-cache --directory DIR --listen ADDRESS --upstream REGISTRY [OPTION]...\n"
    "       coco-cache --version\n"
    "\n"
    "  -c, --config FILE        configuration, JSON; else $" CONFIG_VARIABLE "\n"
    "  -d, --directory DIR      where blobs are kept, instead of in FILE\n"
    "  -l, --listen ADDRESS     ADDRESS:PORT, unix:/PATH or vsock:CID:PORT; may be repeated\n"
    "  -u, --upstream REGISTRY  one that may be asked, such as docker.io; may be repeated\n"
    "      --max-bytes N        that DIR may hold; 20 GiB unless told otherwise\n"
    "      --plain-http         ask the upstreams without TLS\n"
    "      --insecure-http      serve plain HTTP to others than this machine and its guests\n"
    "      --log FORMAT         lines for people (text) or machines (json)\n"
    "      --json               --log json\n"
    "\n"
    "SIGTERM, SIGINT and SIGHUP end it.\n";

struct program {
    struct daemon daemon;
    const char *config_path;
    cJSON *config; /* made of options, or NULL */
    bool plain_http;
};

/* The configuration that options make, or a member of it. */
static coco_status
add_option(struct program *program, int option, const char *value, coco_error **err)
{
    coco_status status = COCO_OK;
    cJSON *item = NULL;

    if (!program->config) {
        status = coco_json_new_object(&program->config, err);
        if (status == COCO_OK)
            status = coco_json_add_array(program->config, "listen", &item, err);
        if (status == COCO_OK)
            status = coco_json_add_object(program->config, "upstreams", &item, err);
    }
    if (status != COCO_OK)
        return status;
    switch (option) {
    case 'd':
        return coco_json_add_string(program->config, "directory", value, err);
    case 'l':
        return coco_json_add_string(cJSON_GetObjectItemCaseSensitive(program->config, "listen"),
                                    NULL, value, err);
    case 'u':
        return coco_json_add_object(cJSON_GetObjectItemCaseSensitive(program->config, "upstreams"),
                                    value, &item, err);
    case 'm':
        return coco_json_add_u64(program->config, "max_bytes", strtoull(value, NULL, 10), err);
    default:
        return coco_json_add_bool(program->config, "insecure_http", true, err);
    }
}

static coco_status
write_config(struct program *program, struct coco_buf *buf, coco_error **err)
{
    cJSON *item;
    coco_status status = COCO_OK;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(program->config, "upstreams"))
        if (program->plain_http && status == COCO_OK)
            status = coco_json_add_bool(item, "plain_http", true, err);
    return status == COCO_OK ? coco_json_write(program->config, COCO_JSON_COMPACT, buf, err)
                             : status;
}

/* Each connection takes up to two descriptors, each fetch three. */
static void
raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
serve(const struct program *program, coco_ctx *ctx, const char *config, const sigset_t *ends)
{
    struct coco_cache *cache = NULL;
    coco_error *err = NULL;
    char text[320];

    if (coco_cache_start(ctx, config, &cache, &err) != COCO_OK)
        return daemon_fail(&program->daemon, err);
    (void)snprintf(text, sizeof(text), "serving at %s", coco_cache_url(cache));
    daemon_say(&program->daemon, "info", text);
    daemon_ready();
    int rc = daemon_wait(ends);
    daemon_say(&program->daemon, "info", "ending");
    coco_cache_stop(cache);
    return rc;
}

static int
run(struct program *program)
{
    _cleanup_buf_ struct coco_buf made = {.limit = CONFIG_MAX};
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    char *read = NULL;
    sigset_t ends;

    int rc = daemon_begin(&program->daemon, &ends);
    if (rc != EXIT_DONE)
        return rc;
    raise_descriptors();
    if (program->config && write_config(program, &made, &err) != COCO_OK)
        return daemon_fail(&program->daemon, err);
    if (!program->config && !(read = daemon_read(&program->daemon, program->config_path)))
        return EXIT_OTHER;
    if (coco_ctx_new(&ctx, &err) != COCO_OK) {
        rc = daemon_fail(&program->daemon, err);
    } else {
        coco_ctx_set_log(ctx, COCO_LOG_INFO, daemon_on_log, &program->daemon, NULL);
        rc = serve(program, ctx, read ? read : coco_buf_text(&made), &ends);
    }
    daemon_wipe(read);
    coco_ctx_free(ctx);
    return rc;
}

static int
misused(const char *why)
{
    (void)fprintf(stderr, "coco-cache: %s\n%s", why, usage);
    return EXIT_USAGE;
}

/* One option; -1 to go on, else what to exit with. */
static int
take_option(struct program *program, int option, const char *value)
{
    switch (option) {
    case 'c':
        program->config_path = value;
        return -1;
    case 'L':
        return daemon_set_log(&program->daemon, value) ? -1 : misused("--log is text or json");
    case 'j':
        program->daemon.json = true;
        return -1;
    case 'p':
        program->plain_http = true;
        return -1;
    case 'V':
        (void)printf("coco-cache %s\n", coco_version());
        return EXIT_DONE;
    case 'h':
        (void)fputs(usage, stdout);
        return EXIT_DONE;
    case '?':
        return misused("what is that?");
    case 'm':
        if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)
            return misused("--max-bytes is a number");
        break;
    default:
        break;
    }
    return add_option(program, option, value, NULL) == COCO_OK ? -1 : EXIT_OTHER;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"directory", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"upstream", required_argument, NULL, 'u'},
        {"max-bytes", required_argument, NULL, 'm'},
        {"plain-http", no_argument, NULL, 'p'},
        {"insecure-http", no_argument, NULL, 'i'},
        {"log", required_argument, NULL, 'L'},
        {"json", no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct program program = {0};
    int option;

    while ((option = getopt_long(argc, argv, "c:d:l:u:h", options, NULL)) != -1) {
        int rc = take_option(&program, option, optarg);

        if (rc >= 0) {
            coco_json_free(program.config);
            return rc;
        }
    }
    if (optind < argc)
        return misused("there are too many words");
    if (program.config && program.config_path)
        return misused("either a configuration or options for it");
    if (!program.config && !program.config_path)
        program.config_path = getenv(CONFIG_VARIABLE);
    if (!program.config && (!program.config_path || !*program.config_path))
        return misused("which configuration?");
    int rc = run(&program);
    coco_json_free(program.config);
    return rc;
}
