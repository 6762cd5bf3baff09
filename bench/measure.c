/*
 * bench/measure.c - what one command costs
 *
 *     measure OUT COMMAND [ARGUMENT]...
 *
 * Runs the command, its output going to nowhere but errors to stderr, and writes
 * one JSON object to the file OUT. A program of its own, for a child begins with
 * the memory of whoever forked it: beneath a Python of 20 MiB nothing would be
 * smaller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int
fail(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    return 125;
}

static double
seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static double
now(void)
{
    struct timespec time = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Bytes handed to write() and its kin, by the command and the children it waited for. */
static uint64_t
written_by(pid_t pid)
{
    char line[128];
    uint64_t bytes = 0;

    (void)snprintf(line, sizeof(line), "/proc/%d/io", pid);
    FILE *file = fopen(line, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof(line), file))
        (void)sscanf(line, "wchar: %" SCNu64, &bytes);
    (void)fclose(file);
    return bytes;
}

static void
become(char **command)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere >= 0 && dup2(nowhere, STDIN_FILENO) >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0)
        (void)execvp(command[0], command);
    (void)fail(command[0]);
    _exit(126);
}

int
main(int argc, char **argv)
{
    siginfo_t info;
    struct rusage usage;
    int wait_status;

    if (argc < 3) {
        fputs("usage: measure OUT COMMAND [ARGUMENT]...\n", stderr);
        return 125;
    }
    double begin = now();
    pid_t pid = fork();
    if (pid < 0)
        return fail("fork");
    if (pid == 0)
        become(argv + 2);
    /* What it did can be read as long as nobody has waited for it. */
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
        return fail("wait");
    double wall = now() - begin;
    uint64_t written = written_by(pid);
    if (wait4(pid, &wait_status, 0, &usage) < 0)
        return fail("wait");

    int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
    FILE *out = fopen(argv[1], "we");
    if (!out)
        return fail(argv[1]);
    fprintf(out,
            "{\"wall\": %.4f, \"user\": %.4f, \"system\": %.4f, \"rss\": %ld, \"written\": %" PRIu64
            ", \"switches\": %ld, \"code\": %d}\n",
            wall, seconds(&usage.ru_utime), seconds(&usage.ru_stime), usage.ru_maxrss * 1024,
            written, usage.ru_nvcsw + usage.ru_nivcsw, code);
    if (fclose(out) != 0)
        return fail(argv[1]);
    return code;
}
