/*
 * daemons/coco-kbs.c - a key broker service, until a signal ends it
 *
 * Main and wiring; everything else is libcoco-kbs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>
#include <coco/kbs.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define CONFIG_VARIABLE "KBS_CONFIG_FILE"

/* As the coco program has them. */
enum {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
};

static const char usage[] = "usage: coco-kbs [--config FILE] [--log text|json]\n"
                            "       coco-kbs --version\n"
                            "\n"
                            "  -c, --config FILE  configuration; else $" CONFIG_VARIABLE "\n"
                            "      --log FORMAT   lines for people (text) or machines (json)\n"
                            "\n"
                            "SIGTERM and SIGINT end it after the replies under way.\n";

struct program {
    const char *config_path;
    bool json;
};

static void
put_json_text(const char *text, FILE *to)
{
    (void)fputc('"', to);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            (void)fprintf(to, "\\u%04x", c);
        else
            (void)fputc(c, to);
    }
    (void)fputc('"', to);
}

/* One line; other threads' lines do not get into it. */
static void
say(const struct program *program, const char *level, const char *message)
{
    char when[32] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm))
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    flockfile(stderr);
    if (program->json) {
        (void)fprintf(stderr, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level);
        put_json_text(message, stderr);
        (void)fputs("}\n", stderr);
    } else {
        (void)fprintf(stderr, "%s %s %s\n", when, level, message);
    }
    funlockfile(stderr);
}

static void
on_log(void *user, coco_log_level level, const char *message)
{
    say(user, level == COCO_LOG_WARN ? "warn" : level == COCO_LOG_INFO ? "info" : "debug", message);
}

static int
fail(const struct program *program, coco_error *err)
{
    say(program, "error", err ? coco_error_message(err) : "out of memory");
    coco_error_free(err);
    return EXIT_OTHER;
}

static int
fail_errno(const struct program *program, const char *what)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
    say(program, "error", text);
    return EXIT_OTHER;
}

/* Secrets of guests must not reach a core file, nor another process of the same user. */
static int
lock_down(const struct program *program)
{
    const struct rlimit none = {0};

    if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return fail_errno(program, "cannot forbid core files");
    (void)umask(077);
    return EXIT_DONE;
}

/* It may hold the private key of TLS. */
static void
wipe(char *text)
{
    if (text)
        explicit_bzero(text, malloc_usable_size(text));
    free(text);
}

/* Reads to the end of fd, or CONFIG_MAX + 1 bytes; -1 and errno on failure. */
static ssize_t
read_all(int fd, char *text)
{
    size_t len = 0;

    while (len <= CONFIG_MAX) {
        ssize_t n = read(fd, text + len, CONFIG_MAX + 1 - len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

/* The whole file as text, to be wiped; NULL, and said so, if it cannot be that. */
static char *
read_config(const struct program *program)
{
    int fd = open(program->config_path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? malloc(CONFIG_MAX + 2) : NULL;
    ssize_t len = text ? read_all(fd, text) : -1;

    if (len > (ssize_t)CONFIG_MAX || (len >= 0 && memchr(text, '\0', (size_t)len))) {
        errno = len > (ssize_t)CONFIG_MAX ? EFBIG : EILSEQ;
        len = -1;
    }
    if (len < 0) {
        (void)fail_errno(program, program->config_path);
        wipe(text);
        text = NULL;
    } else {
        text[len] = '\0';
    }
    if (fd >= 0)
        (void)close(fd);
    return text;
}

/* Blocked before any thread starts, so that they come here and nowhere else. */
static int
wait_for_end(const sigset_t *ends)
{
    int number;

    return sigwait(ends, &number) == 0 ? EXIT_DONE : EXIT_OTHER;
}

/* Takes config over. */
static int
serve(const struct program *program, coco_ctx *ctx, char *config, const sigset_t *ends)
{
    coco_error *err = NULL;
    coco_kbs *kbs = NULL;
    char text[320];

    coco_status status = coco_kbs_new(ctx, config, &kbs, &err);
    wipe(config);
    if (status != COCO_OK)
        return fail(program, err);
    if (coco_kbs_start(kbs, &err) != COCO_OK) {
        coco_kbs_free(kbs);
        return fail(program, err);
    }
    (void)snprintf(text, sizeof(text), "serving at %s", coco_kbs_url(kbs));
    say(program, "info", text);
    int rc = wait_for_end(ends);
    say(program, "info", "ending");
    coco_kbs_free(kbs);
    return rc;
}

static int
run(struct program *program)
{
    coco_error *err = NULL;
    coco_ctx *ctx = NULL;
    sigset_t ends;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &ends, NULL) != 0)
        return fail_errno(program, "signals");
    int rc = lock_down(program);
    if (rc != EXIT_DONE)
        return rc;
    char *config = read_config(program);
    if (!config)
        return EXIT_OTHER;
    if (coco_ctx_new(&ctx, &err) != COCO_OK) {
        wipe(config);
        rc = fail(program, err);
    } else {
        coco_ctx_set_log(ctx, COCO_LOG_INFO, on_log, program, NULL);
        rc = serve(program, ctx, config, &ends);
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
    struct program program = {.config_path = getenv(CONFIG_VARIABLE)};
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            program.config_path = optarg;
            break;
        case 'l':
            program.json = strcmp(optarg, "json") == 0;
            if (!program.json && strcmp(optarg, "text") != 0)
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
    if (!program.config_path || !*program.config_path)
        return misused("which configuration?");
    return run(&program);
}
