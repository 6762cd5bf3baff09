/*
 * base/program.c - another program, run within bounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/program.h"

#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/fd.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define READ_SIZE ((size_t)4 << 10)
/* As many as a pipe can hold at once; whoever writes faster than that is read must not keep us. */
#define READS_MAX 256
#define POLL_MS 60000

/* A program that runs, and the ends of its pipes. */
struct run {
    pid_t pid; /* 0: none, or it was waited for */
    int ended; /* a pidfd: readable once it has ended */
    int output;
    int errors;
    uint64_t deadline; /* of coco_clock_ms() */
};

static int
wait_status(pid_t pid)
{
    int status = 0;
    pid_t got;

    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return COCO_PROGRAM_UNKNOWN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
run_done(struct run *run)
{
    if (run->pid > 0) {
        (void)kill(-run->pid, SIGKILL);
        (void)wait_status(run->pid);
    }
    coco_closep(&run->ended);
    coco_closep(&run->output);
    coco_closep(&run->errors);
}

static coco_status
make_pipe(int *reader, int *writer, coco_error **err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return coco_fail_errno(err, errno, "make a pipe");
    *reader = fds[0];
    *writer = fds[1];
    if (fcntl(*reader, F_SETFL, O_NONBLOCK) < 0)
        return coco_fail_errno(err, errno, "make a pipe");
    return coco_fd_raise(writer, COCO_PROGRAM_STDIO, err);
}

/* A file in memory, not a pipe: nobody has to feed it, and no reader that goes away is a signal. */
static coco_status
make_input(const struct coco_program *program, int *ret, coco_error **err)
{
    _cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd < 0)
        return coco_fail_errno(err, errno, "make a file in memory");
    coco_status status = coco_fd_write_all(fd, program->input, program->input_len, err);
    if (status == COCO_OK && lseek(fd, 0, SEEK_SET) < 0)
        status = coco_fail_errno(err, errno, "seek");
    if (status == COCO_OK)
        status = coco_fd_raise(&fd, COCO_PROGRAM_STDIO, err);
    if (status != COCO_OK)
        return status;
    *ret = fd;
    fd = -1;
    return COCO_OK;
}

static int
set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    int code = posix_spawnattr_setflags(attributes, flags);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(attributes, &all);
    if (code == 0)
        code = posix_spawnattr_setsigmask(attributes, &none);
    return code;
}

static int
set_actions(posix_spawn_file_actions_t *actions, const int stdio[COCO_PROGRAM_STDIO])
{
    int code = 0;

    for (int i = 0; code == 0 && i < COCO_PROGRAM_STDIO; i++)
        code = posix_spawn_file_actions_adddup2(actions, stdio[i], i);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, COCO_PROGRAM_STDIO);
    return code;
}

/* The system changes none of it; its type is older than const (POSIX, rationale of exec). */
static char *const *
as_arguments(const char *const *list)
{
    const union {
        const char *const *list;
        char *const *arguments;
    } same = {.list = list};

    return same.arguments;
}

/* posix_spawn() rather than fork(): a thread may hold a lock that the child would need. */
coco_status
coco_program_spawn(const struct coco_program *program, const int stdio[COCO_PROGRAM_STDIO],
                   pid_t *ret, coco_error **err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return coco_fail_nomem(err);
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return coco_fail_nomem(err);
    }
    int code = set_attributes(&attributes);
    if (code == 0)
        code = set_actions(&actions, stdio);
    if (code == 0)
        code = posix_spawn(ret, program->path, &actions, &attributes, as_arguments(program->argv),
                           as_arguments(program->env));
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT)
        return coco_fail(err, COCO_ERR_NOTFOUND, "no file '%s'", program->path);
    return code == 0 ? COCO_OK : coco_fail_errno(err, code, "run '%s'", program->path);
}

static coco_status
start(const struct coco_program *program, struct run *run, coco_error **err)
{
    _cleanup_close_ int input = -1;
    _cleanup_close_ int output = -1;
    _cleanup_close_ int errors = -1;

    coco_status status = make_input(program, &input, err);
    if (status == COCO_OK)
        status = make_pipe(&run->output, &output, err);
    if (status == COCO_OK)
        status = make_pipe(&run->errors, &errors, err);
    if (status == COCO_OK)
        status = coco_program_spawn(program, (const int[COCO_PROGRAM_STDIO]){input, output, errors},
                                    &run->pid, err);
    if (status != COCO_OK)
        return status;
    run->deadline = coco_clock_ms() + (uint64_t)program->timeout * 1000;
    run->ended = (int)syscall(SYS_pidfd_open, run->pid, 0);
    /* Where SIGCHLD is ignored it may have gone already, without a trace. */
    if (run->ended < 0 && errno != ESRCH)
        return coco_fail_errno(err, errno, "watch '%s'", program->path);
    return COCO_OK;
}

/* Takes what is there; *fd is -1 once there will be no more. */
static coco_status
take(int *fd, struct coco_buf *buf, bool cut, coco_error **err)
{
    uint8_t chunk[READ_SIZE];
    coco_status status = COCO_OK;

    for (int reads = 0; status == COCO_OK && *fd >= 0 && reads < READS_MAX; reads++) {
        ssize_t n = read(*fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            status = coco_fail_errno(err, errno, "read");
        if (n <= 0) {
            (void)close(*fd);
            *fd = -1;
            break;
        }
        size_t room = buf->limit - buf->len;
        size_t len = cut && (size_t)n > room ? room : (size_t)n;
        status = coco_buf_append(buf, chunk, len, err);
    }
    OPENSSL_cleanse(chunk, sizeof(chunk)); /* it may be a password */
    return status;
}

/* Waits until there is something to take; *ret says whether the program has ended. */
static coco_status
wait_for_more(struct run *run, coco_ctx *ctx, bool *ret, coco_error **err)
{
    struct pollfd fds[] = {
        {.fd = run->output, .events = POLLIN},
        {.fd = run->errors, .events = POLLIN},
        {.fd = run->ended, .events = POLLIN},
        {.fd = coco_ctx_cancel_fd(ctx), .events = POLLIN},
    };
    uint64_t now = coco_clock_ms();
    uint64_t left = run->deadline > now ? run->deadline - now : 0;

    coco_status status = coco_ctx_check(ctx, err);
    if (status != COCO_OK)
        return status;
    if (left == 0)
        return coco_fail(err, COCO_ERR_IO, "it does not end in time");
    if (poll(fds, sizeof(fds) / sizeof(fds[0]), (int)(left < POLL_MS ? left : POLL_MS)) < 0
        && errno != EINTR)
        return coco_fail_errno(err, errno, "poll");
    *ret = run->ended < 0 || (fds[2].revents & POLLIN);
    return COCO_OK;
}

coco_status
coco_program_run(const struct coco_program *program, coco_ctx *ctx, struct coco_buf *output,
                 struct coco_buf *errors, int *ret, coco_error **err)
{
    _cleanup_(run_done) struct run run = {.ended = -1, .output = -1, .errors = -1};
    bool ended = false;

    coco_status status = coco_ctx_check(ctx, err);
    if (status == COCO_OK)
        status = start(program, &run, err);
    /* Not until its pipes are closed: what it leaves behind in the background may hold them. */
    while (status == COCO_OK && !ended) {
        status = wait_for_more(&run, ctx, &ended, err);
        if (status == COCO_OK)
            status = take(&run.output, output, false, err);
        if (status == COCO_OK)
            status = take(&run.errors, errors, true, err);
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "'%s'", program->argv[0]);
    *ret = wait_status(run.pid);
    run.pid = 0;
    return COCO_OK;
}
