/*
 * tests/peer.c - another program that a test talks to
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"
#define ARGS_MAX 16

static void
become(const char *path, const char *const *args, int out)
{
    union {
        const char *text[ARGS_MAX];
        char *args[ARGS_MAX];
    } argv = {.text = {PYTHON, path}};

    for (size_t i = 0; args[i] && i + 3 < ARGS_MAX; i++)
        argv.text[i + 2] = args[i];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* when the test dies */
    (void)dup2(out, STDOUT_FILENO);
    (void)execv(PYTHON, argv.args);
    _exit(127);
}

static void
read_line(struct peer *peer)
{
    size_t len = 0;

    while (len < sizeof(peer->said) - 1 && read(peer->out, peer->said + len, 1) == 1
           && peer->said[len] != '\n')
        len++;
    peer->said[len] = '\0';
}

void
peer_path(const char *program, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s/%s", TESTS_DIR, program);
}

void
peer_start(struct peer *peer, const char *program, const char *const *args)
{
    char path[512];
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    peer_path(program, path, sizeof(path));
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0)
        become(path, args, fds[1]);
    (void)close(fds[1]);
    peer->out = fds[0];
    read_line(peer);
    if (strncmp(peer->said, "skip:", 5) == 0) {
        print_message("# %s\n", peer->said);
        peer_stop(peer);
        skip();
    }
    assert_string_not_equal(peer->said, "");
}

void
peer_finish(struct peer *peer, char *buf, size_t size)
{
    size_t len = 0;
    ssize_t n = 0;
    int how = 0;

    while (len + 1 < size && (n = read(peer->out, buf + len, size - 1 - len)) > 0)
        len += (size_t)n;
    buf[len] = '\0';
    (void)close(peer->out);
    assert_int_equal(waitpid(peer->pid, &how, 0), peer->pid);
    assert_int_equal(how, 0);
    peer->pid = 0;
}

void
peer_stop(struct peer *peer)
{
    if (peer->pid <= 0)
        return;
    (void)kill(peer->pid, SIGKILL);
    (void)waitpid(peer->pid, NULL, 0);
    (void)close(peer->out);
    peer->pid = 0;
}
