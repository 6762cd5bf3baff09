/*
 * cli/process.c - other programs, started and never left behind
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "process.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup"
#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define EXIT_NO_EXEC 127

static char *
find_in(const char *path, const char *name)
{
    while (*path) {
        size_t len = strcspn(path, ":");
        char *file = NULL;

        if (len > 0 && path[0] == '/') {
            if (asprintf(&file, "%.*s/%s", (int)len, path, name) < 0)
                return NULL;
            if (access(file, X_OK) == 0)
                return file;
            free(file);
        }
        path += len;
        path += *path == ':';
    }
    return NULL;
}

char *
cli_find_program(const char *name)
{
    const char *path = cli_env("PATH");
    char *found = path ? find_in(path, name) : NULL;

    return found ? found : find_in(USUAL_PATH, name);
}

static bool
is_filesystem(const char *path, unsigned long magic)
{
    struct statfs fs;

    return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == magic;
}

/* Writes text to a file of /proc/self; false if the system does not allow it. */
static bool
write_self(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return ok;
}

/* Somebody who is not root becomes root of a user namespace. */
static void
become_root(void)
{
    char uid_map[64];
    char gid_map[64];

    (void)snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)getuid());
    (void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getgid());
    /* The files of an undumpable process belong to root, and nobody could write the maps. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (unshare(CLONE_NEWUSER) == 0) {
        (void)write_self("/proc/self/setgroups", "deny");
        (void)write_self("/proc/self/uid_map", uid_map);
        (void)write_self("/proc/self/gid_map", gid_map);
    }
}

/*
 * crun gives up on a hybrid hierarchy, where version 2 is mounted beside version
 * 1, even when it shall leave cgroups alone. In a mount namespace of its own it
 * sees version 2 only. What fails here, crun will complain of.
 */
static void
own_mounts(void)
{
    if (geteuid() != 0)
        become_root();
    if (unshare(CLONE_NEWNS) != 0)
        return;
    (void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (!is_filesystem(CGROUP, CGROUP2_SUPER_MAGIC)
        && is_filesystem(CGROUP "/unified", CGROUP2_SUPER_MAGIC))
        (void)mount(CGROUP "/unified", CGROUP, NULL, MS_BIND, NULL);
}

/* In the child, between fork and exec. */
static void
become(const struct cli_spawn *spawn, pid_t parent)
{
    char *const environment[] = {(char[]){"PATH=" USUAL_PATH}, NULL};
    sigset_t none;

    (void)setpgid(0, 0); /* a Ctrl-C is the parent's to handle */
    (void)signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int output = spawn->output >= 0 ? spawn->output : null;
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(EXIT_NO_EXEC);
    if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0)
        _exit(EXIT_NO_EXEC);
    if (spawn->own_mounts)
        own_mounts();
    /* Last, for a new user namespace forgets it; a parent that is gone already is not noticed. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(EXIT_NO_EXEC);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);

    /* execve() takes char *const[] and changes nothing. */
    union {
        const char *const *in;
        char *const *out;
    } argv = {.in = spawn->argv};
    (void)execve(spawn->argv[0], argv.out, environment);
    _exit(EXIT_NO_EXEC);
}

int
cli_process_start(const struct cli_spawn *spawn, struct cli_process *ret)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0)
        return errno;
    if (pid == 0)
        become(spawn, parent);
    ret->pid = pid;
    ret->fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    if (ret->fd < 0) {
        int error = errno;

        cli_process_kill(ret);
        return error;
    }
    return 0;
}

/* Collects the child and forgets it. */
static bool
reap(struct cli_process *process, int flags, int *status)
{
    pid_t got;

    do
        got = waitpid(process->pid, status, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    if (process->fd >= 0)
        (void)close(process->fd);
    *process = (struct cli_process)CLI_PROCESS_NONE;
    return true;
}

bool
cli_process_wait(struct cli_process *process, int stop_fd, int timeout_ms, int *status)
{
    struct pollfd fds[] = {
        {.fd = process->fd, .events = POLLIN},
        {.fd = stop_fd, .events = POLLIN},
    };

    if (poll(fds, 2, timeout_ms) <= 0 || !(fds[0].revents & POLLIN))
        return false;
    return reap(process, WNOHANG, status);
}

void
cli_process_kill(struct cli_process *process)
{
    int status = 0;

    if (process->pid <= 0)
        return;
    (void)kill(process->pid, SIGKILL);
    (void)reap(process, 0, &status);
}
