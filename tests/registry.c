/*
 * tests/registry.c - Debian's docker-registry for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/registry.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void
write_config(const char *path, const char *dir, const char *more, const char *tls)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    (void)fprintf(f,
                  "version: 0.1\n"
                  "log: {accesslog: {disabled: true}, level: info, formatter: text}\n"
                  "storage: {filesystem: {rootdirectory: %s/registry}, delete: {enabled: true}}\n"
                  "http:\n  addr: 127.0.0.1:0\n%s%s",
                  dir, tls, more);
    assert_int_equal(fclose(f), 0);
}

/* The port is what it says it listens on; false if it ends without saying so. */
static bool
read_port(int fd, char host[64])
{
    char text[16384];
    size_t len = 0;

    while (len < sizeof(text) - 1) {
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *said = strstr(text, "listening on ");
        if (!said || !strpbrk(said, ",\"\n"))
            continue;
        said += strlen("listening on ");
        (void)snprintf(host, 64, "%.*s", (int)strcspn(said, ",\"\n"), said);
        return true;
    }
    return false;
}

/* What it goes on to say must go somewhere, or it would wait for us. */
static void *
drain(void *user)
{
    const struct registry *registry = user;
    char text[4096];

    while (read(registry->output, text, sizeof(text)) > 0)
        continue;
    return NULL;
}

void
registry_start(struct registry *registry, const char *dir, const char *more, const char *tls)
{
    char program[] = "docker-registry";
    char serve[] = "serve";
    char config[512];
    char *argv[] = {program, serve, config, NULL};
    posix_spawn_file_actions_t actions;
    int pipes[2];

    (void)snprintf(config, sizeof(config), "%s/registry.yml", dir);
    write_config(config, dir, more, tls);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO), 0);
    int rc = posix_spawnp(&registry->pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(pipes[1]);
    if (rc != 0) {
        (void)close(pipes[0]);
        print_message("# skipped: no docker-registry\n");
        skip();
    }
    registry->output = pipes[0];
    assert_true(read_port(pipes[0], registry->host));
    assert_int_equal(pthread_create(&registry->drain, NULL, drain, registry), 0);
}

void
registry_stop(struct registry *registry)
{
    int status = 0;

    (void)kill(registry->pid, SIGTERM);
    assert_int_equal(waitpid(registry->pid, &status, 0), registry->pid);
    (void)pthread_join(registry->drain, NULL);
    (void)close(registry->output);
}
