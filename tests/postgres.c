/*
 * tests/postgres.c - a PostgreSQL server for one test program
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/postgres.h"

#include <config.h>

#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* It refuses to run as root: then it runs as the user that Debian's package made. */
static void
become_postgres(void)
{
    const struct passwd *user = getpwnam("postgres");

    if (geteuid() != 0)
        return;
    if (!user || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        _exit(126);
}

/* Runs a command of the server's, and gives back its exit status. */
static int
run(const char *command)
{
    int status = 0;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become_postgres();
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* The directory of its programs; "" if there is none. */
static void
find_programs(char *buf, size_t size)
{
    glob_t found = {0};

    buf[0] = '\0';
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
        (void)snprintf(buf, size, "%s", found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
}

static int
control(const struct postgres_server *server, const char *what)
{
    char programs[256];
    char command[1024];

    find_programs(programs, sizeof(programs));
    (void)snprintf(command, sizeof(command),
                   "exec %s/pg_ctl -D %s/data -w -s -l %s/log"
                   " -o \"-k %s -c listen_addresses='' -c fsync=off\" %s >/dev/null 2>&1",
                   programs, server->dir, server->dir, server->dir, what);
    return run(command);
}

bool
postgres_start(struct postgres_server *server)
{
    char programs[256];
    char command[1024];
    const struct passwd *user = getpwnam("postgres");

    find_programs(programs, sizeof(programs));
    if (!COCO_HAVE_POSTGRES || !programs[0] || (geteuid() == 0 && !user)) {
        print_message("# skipped: no PostgreSQL\n");
        return false;
    }
    make_temp_dir(server->dir, sizeof(server->dir));
    if (geteuid() == 0)
        assert_int_equal(chown(server->dir, user->pw_uid, user->pw_gid), 0);
    (void)snprintf(command, sizeof(command),
                   "exec %s/initdb -D %s/data -U " POSTGRES_USER
                   " -A trust -N --locale=C.UTF-8 >/dev/null 2>&1",
                   programs, server->dir);
    assert_int_equal(run(command), 0);
    assert_int_equal(control(server, "start"), 0);
    return true;
}

void
postgres_run(const struct postgres_server *server, const char *sql)
{
    char command[1024];

    (void)snprintf(command, sizeof(command),
                   "exec psql -q -X -h %s -U " POSTGRES_USER " -v ON_ERROR_STOP=1 -c \"%s\""
                   " >/dev/null 2>&1 " POSTGRES_DATABASE,
                   server->dir, sql);
    assert_int_equal(run(command), 0);
}

void
postgres_crash(const struct postgres_server *server)
{
    assert_int_equal(control(server, "-m immediate stop"), 0);
    assert_int_equal(control(server, "start"), 0);
}

void
postgres_stop(struct postgres_server *server)
{
    assert_int_equal(control(server, "-m fast stop"), 0);
    remove_temp_dir(server->dir);
}
