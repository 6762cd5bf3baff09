/*
 * daemons/daemon.c - what daemons have in common: a log, a configuration, an end
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "daemon.h"

#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)

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

void
daemon_say(const struct daemon *daemon, const char *level, const char *message)
{
    char when[32] = "";
    time_t now = time(NULL);
    struct tm tm;

    if (gmtime_r(&now, &tm))
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    flockfile(stderr);
    if (daemon->json) {
        (void)fprintf(stderr, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level);
        put_json_text(message, stderr);
        (void)fputs("}\n", stderr);
    } else {
        (void)fprintf(stderr, "%s %s %s\n", when, level, message);
    }
    funlockfile(stderr);
}

void
daemon_on_log(void *user, coco_log_level level, const char *message)
{
    daemon_say(user,
               level == COCO_LOG_WARN   ? "warn"
               : level == COCO_LOG_INFO ? "info"
                                        : "debug",
               message);
}

int
daemon_fail(const struct daemon *daemon, coco_error *err)
{
    daemon_say(daemon, "error", err ? coco_error_message(err) : "out of memory");
    coco_error_free(err);
    return EXIT_OTHER;
}

int
daemon_fail_errno(const struct daemon *daemon, const char *what)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
    daemon_say(daemon, "error", text);
    return EXIT_OTHER;
}

bool
daemon_set_log(struct daemon *daemon, const char *format)
{
    daemon->json = strcmp(format, "json") == 0;
    return daemon->json || strcmp(format, "text") == 0;
}

/* Secrets of guests must not reach a core file, nor another process of the same user. */
static int
lock_down(const struct daemon *daemon)
{
    const struct rlimit none = {0};

    if (prctl(PR_SET_DUMPABLE, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return daemon_fail_errno(daemon, "cannot forbid core files");
    (void)umask(077);
    return EXIT_DONE;
}

void
daemon_wipe(char *text)
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

char *
daemon_read(const struct daemon *daemon, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? malloc(CONFIG_MAX + 2) : NULL;
    ssize_t len = text ? read_all(fd, text) : -1;

    if (len > (ssize_t)CONFIG_MAX || (len >= 0 && memchr(text, '\0', (size_t)len))) {
        errno = len > (ssize_t)CONFIG_MAX ? EFBIG : EILSEQ;
        len = -1;
    }
    if (len < 0) {
        (void)daemon_fail_errno(daemon, path);
        daemon_wipe(text);
        text = NULL;
    } else {
        text[len] = '\0';
    }
    if (fd >= 0)
        (void)close(fd);
    return text;
}

int
daemon_wait(const sigset_t *ends)
{
    int number;

    return sigwait(ends, &number) == 0 ? EXIT_DONE : EXIT_OTHER;
}

/* nohup(1) has it ignored, and it stays so. */
static bool
is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int
daemon_begin(const struct daemon *daemon, sigset_t *ends)
{
    if (!standard_hold())
        return EXIT_OTHER;
    (void)sigemptyset(ends);
    (void)sigaddset(ends, SIGTERM);
    (void)sigaddset(ends, SIGINT);
    /* Of a terminal that was closed: replies under way are not cut off for that. */
    if (!is_ignored(SIGHUP))
        (void)sigaddset(ends, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, ends, NULL) != 0)
        return daemon_fail_errno(daemon, "signals");
    return lock_down(daemon);
}

void
daemon_ready(void)
{
    static const char ready[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;

    if (len < 2 || len >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(un.sun_path, path, len);
    if (path[0] == '@')
        un.sun_path[0] = '\0'; /* an abstract one */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&un,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
}
