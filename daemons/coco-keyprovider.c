/*
 * daemons/coco-keyprovider.c - the key provider of who encrypts images for guests
 *
 * Takes what upstream's coco_keyprovider takes. Main and wiring; everything else is
 * lib/keyprovider. It has no library: nobody embeds it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <coco/coco.h>

#include "daemon.h"

#include "base/address.h"
#include "base/fd.h"
#include "keyprovider/service.h"
#include "rpc/serve.h"
#include "rpc/ttrpc.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX ((size_t)1 << 20)
#define REQUEST_MAX ((size_t)1 << 20)
#define BACKLOG 64
#define STATE "/run/confidential-containers/coco_keyprovider"

static const char usage[] =
    "usage: coco-keyprovider --socket ADDRESS [--ttrpc ADDRESS] [OPTION]...\n"
    "       coco-keyprovider [OPTION]... <REQUEST >REPLY\n"
    "       coco-keyprovider --version\n"
    "\n"
    "Wraps keys of layers for guests: what skopeo, buildah and their kin ask as\n"
    "provider:attestation-agent:keypath=FILE::keyid=kbs:///REPO/TYPE/TAG.\n"
    "\n"
    "  -s, --socket ADDRESS         gRPC at ADDRESS:PORT or unix:/PATH\n"
    "  -t, --ttrpc ADDRESS          ttrpc at such an address\n"
    "      --kbs URL                a KBS that gets the keys\n"
    "      --kbs-ca FILE            CAs (PEM) to trust for it, instead of the system's\n"
    "  -a, --auth-private-key FILE  private key (PEM) that signs as the KBS's owner\n"
    "  -d, --daemon                 in the background, with files in /run/confidential-containers\n"
    "      --log FORMAT             lines for people (text) or machines (json)\n"
    "\n"
    "Without an address it answers one request, as a command. SIGTERM, SIGINT and\n"
    "SIGHUP end it.\n";

/* A socket, and the thread that serves it. */
struct listener {
    const char *text; /* NULL: none */
    const struct coco_rpc_protocol *protocol;
    int fd;
    pthread_t thread;
    bool runs;
    struct program *program;
};

struct program {
    struct daemon daemon;
    struct coco_keyprovider provider;
    struct coco_rpc_service service;
    const char *kbs_ca;
    const char *admin_key;
    bool background;
    struct listener grpc;
    struct listener ttrpc;
    coco_ctx *ctx;
};

/* ---- sockets ---- */

/* What is left of one who ended; where somebody listens, that is said by bind(). */
static void
remove_stale(const struct coco_address *address)
{
    const char *path = coco_address_path(address);
    struct stat st;
    int fd = -1;

    if (!path || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address->data, address->len) != 0
        && errno == ECONNREFUSED)
        (void)unlink(path);
    if (fd >= 0)
        (void)close(fd);
}

static int
open_listener(struct program *program, struct listener *listener)
{
    struct coco_address address;
    coco_error *err = NULL;
    const int on = 1;

    listener->program = program;
    listener->fd = -1;
    if (!listener->text)
        return EXIT_DONE;
    /* Upstream's is written unix:///PATH, and ours unix:/PATH. */
    const char *text = strncmp(listener->text, "unix:///", 8) == 0 ? listener->text + 7 : NULL;
    char path[sizeof(address.data) + sizeof("unix:")];
    if (text)
        (void)snprintf(path, sizeof(path), "unix:%s", text);
    if (coco_address_parse(text ? path : listener->text, &address, &err) != COCO_OK)
        return daemon_fail(&program->daemon, err);
    if (!coco_address_is_local(&address))
        daemon_say(&program->daemon, "warn",
                   "whoever reaches this address can have files of 32 bytes wrapped and put");
    remove_stale(&address);
    listener->fd = socket(address.data.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0
        || (address.data.ss_family != AF_UNIX
            && setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        || bind(listener->fd, (const struct sockaddr *)&address.data, address.len) != 0
        || listen(listener->fd, BACKLOG) != 0)
        return daemon_fail_errno(&program->daemon, listener->text);
    return EXIT_DONE;
}

static void *
serve(void *self)
{
    const struct listener *listener = self;
    const struct program *program = listener->program;
    const struct coco_serve_options opts = {0};
    coco_error *err = NULL;

    coco_status status =
        coco_serve(listener->fd, listener->protocol, &program->service, &opts, program->ctx, &err);
    if (status != COCO_ERR_CANCELED)
        (void)daemon_fail(&program->daemon, err);
    else
        coco_error_free(err);
    return NULL;
}

static int
start(struct listener *listener)
{
    if (listener->fd < 0)
        return EXIT_DONE;
    errno = pthread_create(&listener->thread, NULL, serve, listener);
    listener->runs = errno == 0;
    return listener->runs ? EXIT_DONE : daemon_fail_errno(&listener->program->daemon, "thread");
}

static void
stop(struct listener *listener)
{
    if (listener->runs)
        (void)pthread_join(listener->thread, NULL);
    if (listener->fd >= 0)
        (void)close(listener->fd);
    listener->fd = -1;
}

/* ---- the two ways to run ---- */

/* One request from stdin, one reply to stdout; whoever runs it sees the failure as its exit. */
static int
run_command(const struct program *program)
{
    _cleanup_buf_ struct coco_buf request = {.limit = REQUEST_MAX};
    _cleanup_buf_ struct coco_buf reply = {.limit = REQUEST_MAX};
    coco_error *err = NULL;

    coco_status status = coco_fd_read_all(STDIN_FILENO, &request, &err);
    if (status == COCO_OK)
        status = coco_keyprovider_answer(&program->provider, program->ctx, coco_buf_text(&request),
                                         request.len, &reply, &err);
    if (status == COCO_OK)
        status = coco_fd_write_all(STDOUT_FILENO, reply.data, reply.len, &err);
    return status == COCO_OK ? EXIT_DONE : daemon_fail(&program->daemon, err);
}

static int
open_log(const struct program *program, const char *path, int *ret)
{
    *ret = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *ret >= 0 ? EXIT_DONE : daemon_fail_errno(&program->daemon, path);
}

/* The parent ends when all is there; without the file that says who it is nobody is left behind. */
static void
leave(const struct program *program, pid_t child)
{
    coco_error *err = NULL;
    char pid[32];
    int n = snprintf(pid, sizeof(pid), "%d\n", (int)child);

    if (coco_file_write(STATE ".pid", pid, (size_t)n, 0644, &err) == COCO_OK)
        _exit(EXIT_DONE);
    (void)kill(child, SIGKILL);
    _exit(daemon_fail(&program->daemon, err));
}

/* As upstream: with files of known names, which are there before anybody is told that it runs. */
static int
go_to_background(const struct program *program)
{
    int out = -1;
    int log = -1;

    (void)mkdir("/run/confidential-containers", 0755);
    int rc = open_log(program, STATE ".out", &out);
    if (rc == EXIT_DONE)
        rc = open_log(program, STATE ".err", &log);
    if (rc != EXIT_DONE)
        return rc;
    pid_t child = fork();
    if (child < 0)
        return daemon_fail_errno(&program->daemon, "fork");
    if (child > 0)
        leave(program, child);
    (void)setsid();
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return daemon_fail_errno(&program->daemon, "dup2");
    (void)close(out);
    (void)close(log);
    return EXIT_DONE;
}

static int
run_server(struct program *program, const sigset_t *ends)
{
    int rc = open_listener(program, &program->grpc);

    if (rc == EXIT_DONE)
        rc = open_listener(program, &program->ttrpc);
    if (rc == EXIT_DONE && program->background)
        rc = go_to_background(program);
    if (rc == EXIT_DONE)
        rc = start(&program->grpc);
    if (rc == EXIT_DONE)
        rc = start(&program->ttrpc);
    if (rc == EXIT_DONE) {
        daemon_say(&program->daemon, "info", "serving");
        daemon_ready();
        rc = daemon_wait(ends);
        daemon_say(&program->daemon, "info", "ending");
    }
    coco_ctx_cancel(program->ctx);
    stop(&program->grpc);
    stop(&program->ttrpc);
    return rc;
}

/* ---- options ---- */

static coco_status
read_files(struct program *program, coco_error **err)
{
    struct coco_keyprovider *provider = &program->provider;
    coco_status status = COCO_OK;

    provider->admin_key.limit = PEM_MAX;
    provider->kbs_ca.limit = PEM_MAX;
    if (program->admin_key)
        status = coco_file_read(program->admin_key, &provider->admin_key, err);
    if (status == COCO_OK && program->kbs_ca)
        status = coco_file_read(program->kbs_ca, &provider->kbs_ca, err);
    return status;
}

static int
run(struct program *program)
{
    coco_error *err = NULL;
    sigset_t ends;

    int rc = daemon_begin(&program->daemon, &ends);
    if (rc != EXIT_DONE)
        return rc;
    program->service = coco_keyprovider_service(&program->provider);
    if (read_files(program, &err) != COCO_OK || coco_ctx_new(&program->ctx, &err) != COCO_OK) {
        rc = daemon_fail(&program->daemon, err);
    } else {
        coco_ctx_set_log(program->ctx, COCO_LOG_INFO, daemon_on_log, &program->daemon, NULL);
        rc = program->grpc.text || program->ttrpc.text ? run_server(program, &ends)
                                                       : run_command(program);
    }
    coco_ctx_free(program->ctx);
    coco_buf_done(&program->provider.admin_key);
    coco_buf_done(&program->provider.kbs_ca);
    return rc;
}

static int
misused(const char *why)
{
    (void)fprintf(stderr, "coco-keyprovider: %s\n%s", why, usage);
    return EXIT_USAGE;
}

/* One option; -1 to go on, else what to exit with. */
static int
take_option(struct program *program, int option, const char *value)
{
    switch (option) {
    case 's':
        program->grpc.text = value;
        return -1;
    case 't':
        program->ttrpc.text = value;
        return -1;
    case 'k':
        program->provider.kbs = value;
        return -1;
    case 'c':
        program->kbs_ca = value;
        return -1;
    case 'a':
        program->admin_key = value;
        return -1;
    case 'd':
        program->background = true;
        return -1;
    case 'L':
        return daemon_set_log(&program->daemon, value) ? -1 : misused("--log is text or json");
    case 'V':
        (void)printf("coco-keyprovider %s\n", coco_version());
        return EXIT_DONE;
    case 'h':
        (void)fputs(usage, stdout);
        return EXIT_DONE;
    default:
        return misused("what is that?");
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"ttrpc", required_argument, NULL, 't'},
        {"kbs", required_argument, NULL, 'k'},
        {"kbs-ca", required_argument, NULL, 'c'},
        {"auth-private-key", required_argument, NULL, 'a'},
        {"daemon", no_argument, NULL, 'd'},
        {"log", required_argument, NULL, 'L'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct program program = {
        .grpc = {.protocol = &coco_grpc_protocol, .fd = -1},
        .ttrpc = {.protocol = &coco_ttrpc_protocol, .fd = -1},
    };
    int option;

    while ((option = getopt_long(argc, argv, "s:t:a:dh", options, NULL)) != -1) {
        int rc = take_option(&program, option, optarg);

        if (rc >= 0)
            return rc;
    }
    if (optind < argc)
        return misused("there are too many words");
    if (program.admin_key && !program.provider.kbs)
        return misused("--auth-private-key needs --kbs URL");
    if (program.background && !program.grpc.text && !program.ttrpc.text)
        return misused("--daemon needs an address");
    return run(&program);
}
