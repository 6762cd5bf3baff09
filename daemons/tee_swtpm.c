/*
 * daemons/tee_swtpm.c - the process that is a machine's TPM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee_swtpm.h"

#include "base/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PROGRAM "swtpm"
#define BACKLOG 16

static bool
is_in_path(void)
{
    const char *dirs = getenv("PATH");

    for (const char *dir = dirs; dir && *dir;) {
        size_t len = strcspn(dir, ":");
        char path[4096];
        int n = snprintf(path, sizeof(path), "%.*s/" PROGRAM, (int)len, dir);

        if (n > 0 && (size_t)n < sizeof(path) && access(path, X_OK) == 0)
            return true;
        dir += dir[len] == ':' ? len + 1 : len;
    }
    return false;
}

static coco_status
listen_at(const char *dir, const char *name, int *ret, coco_error **err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || n < 0 || (size_t)n >= sizeof(address.sun_path)
        || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0
        || listen(fd, BACKLOG) < 0) {
        int error = errno;

        if (fd >= 0)
            (void)close(fd);
        return coco_fail_errno(err, error, "listen at '%s/%s'", dir, name);
    }
    *ret = fd;
    return COCO_OK;
}

coco_status
tee_swtpm_listen(const char *dir, struct tee_swtpm *ret, coco_error **err)
{
    struct tee_swtpm swtpm = {-1, -1};

    if (!is_in_path())
        return coco_fail(err, COCO_ERR_NOTSUP, "the program " PROGRAM " is not there");
    coco_status status = listen_at(dir, TEE_SWTPM_SOCKET, &swtpm.server, err);
    if (status == COCO_OK)
        status = listen_at(dir, TEE_SWTPM_SOCKET ".ctrl", &swtpm.control, err);
    if (status != COCO_OK) {
        tee_swtpm_close(&swtpm);
        return status;
    }
    *ret = swtpm;
    return COCO_OK;
}

void
tee_swtpm_close(struct tee_swtpm *swtpm)
{
    if (swtpm->server >= 0)
        (void)close(swtpm->server);
    if (swtpm->control >= 0)
        (void)close(swtpm->control);
    *swtpm = (struct tee_swtpm){-1, -1};
}

/* Descriptors 3 and 4 are the sockets, and there are no more. */
static bool
arrange_descriptors(const struct tee_swtpm *swtpm)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int server = fcntl(swtpm->server, F_DUPFD_CLOEXEC, 5);
    int control = fcntl(swtpm->control, F_DUPFD_CLOEXEC, 5);

    for (int fd = 0; fd < 3; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return false;
    return server >= 0 && control >= 0 && dup2(server, 3) == 3 && dup2(control, 4) == 4
           && close_range(5, ~0U, 0) == 0;
}

static void
become(const char *dir, const struct tee_swtpm *swtpm, pid_t parent)
{
    char state[128];
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid(); /* Ctrl-C is not for it */
    (void)snprintf(state, sizeof(state), "dir=%s", dir);
    if (!arrange_descriptors(swtpm) || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(1);
    (void)execlp(PROGRAM, PROGRAM, "socket", "--tpm2", "--tpmstate", state, "--server",
                 "type=unixio,fd=3", "--ctrl", "type=unixio,fd=4", "--flags",
                 "not-need-init,startup-clear", (char *)NULL);
    _exit(1);
}

pid_t
tee_swtpm_start(const char *dir, struct tee_swtpm *swtpm)
{
    pid_t self = getpid();
    pid_t pid = fork();

    if (pid == 0)
        become(dir, swtpm, self);
    tee_swtpm_close(swtpm);
    return pid;
}
