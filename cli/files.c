/*
 * cli/files.c - reading and writing files for the commands
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_READ ((size_t)4096)

void
cli_freep(void *p)
{
    free(*(void **)p);
}

void
cli_closep(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

void
cli_bytes_done(struct cli_bytes *bytes)
{
    if (bytes->data)
        explicit_bzero(bytes->data, bytes->len);
    free(bytes->data);
    *bytes = (struct cli_bytes){0};
}

/* Makes room for size bytes and a NUL; the old memory is wiped. */
static bool
grow(struct cli_bytes *bytes, size_t size)
{
    uint8_t *data = calloc(1, size + 1);

    if (!data)
        return false;
    if (bytes->data)
        memcpy(data, bytes->data, bytes->len);
    size_t len = bytes->len;
    cli_bytes_done(bytes);
    bytes->data = data;
    bytes->len = len;
    return true;
}

/* Waits until there is something to read; ECANCELED if a signal came first. */
static int
wait_readable(int fd, int canceled_fd)
{
    struct pollfd fds[] = {
        {.fd = fd, .events = POLLIN},
        {.fd = canceled_fd, .events = POLLIN},
    };

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return errno;
    return fds[1].revents ? ECANCELED : 0;
}

/* Doubles what there is room for; one byte more than allowed is enough to notice. */
static size_t
next_room(size_t room, size_t max)
{
    size_t next = room == 0 ? FIRST_READ : room * 2;

    return next > max + 1 ? max + 1 : next;
}

/* Reads to the end, or max + 1 bytes of a longer one; errno on failure. */
static int
read_all(const struct cli *cli, int fd, size_t max, struct cli_bytes *bytes)
{
    size_t room = 0;

    for (;;) {
        if (bytes->len == room) {
            room = next_room(room, max);
            if (!grow(bytes, room))
                return ENOMEM;
        }
        int error = wait_readable(fd, cli->canceled_fd);
        if (error != 0)
            return error;
        ssize_t n = read(fd, bytes->data + bytes->len, room - bytes->len);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return errno;
        bytes->len += n > 0 ? (size_t)n : 0;
        if (n == 0 || bytes->len > max)
            return 0;
    }
}

int
cli_read_file(struct cli *cli, const char *path, size_t max, struct cli_bytes *ret)
{
    bool is_stdin = strcmp(path, "-") == 0;
    /* Opened without waiting, for a named pipe may have no writer; read_all() waits for one. */
    _cleanup_close_ int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    if (!is_stdin && opened < 0)
        return cli_fail_errno(cli, errno, path);
    int error = read_all(cli, is_stdin ? STDIN_FILENO : opened, max, &bytes);
    if (error != 0)
        return cli_fail_errno(cli, error, is_stdin ? "stdin" : path);
    if (bytes.len > max)
        return cli_fail(cli, COCO_ERR_LIMIT, "%s: more than %zu bytes", is_stdin ? "stdin" : path,
                        max);
    *ret = bytes;
    bytes = (struct cli_bytes){0};
    return CLI_DONE;
}

static int
write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* That path names something else outlives a loss of power; path is cut to its directory. */
static int
sync_parent(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash)
        slash[slash == path ? 1 : 0] = '\0';
    _cleanup_close_ int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    /* Some file systems have no such thing. */
    return fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

/* Writes to a file of another name beside path, then renames it. */
static int
replace_file(const char *path, char *temporary, const void *data, size_t len)
{
    _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */

    if (fd < 0)
        return errno;
    int error = write_all(fd, data, len);
    if (error == 0 && fsync(fd) != 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0)
        (void)unlink(temporary);
    return error == 0 ? sync_parent(temporary) : error;
}

int
cli_read_text(struct cli *cli, const char *path, size_t max, struct cli_bytes *ret)
{
    _cleanup_bytes_ struct cli_bytes bytes = {0};

    int rc = cli_read_file(cli, path, max, &bytes);
    if (rc != CLI_DONE || !bytes.data)
        return rc;
    if (strlen((const char *)bytes.data) != bytes.len)
        return cli_fail(cli, COCO_ERR_PROTO, "%s: holds a NUL byte", path);
    *ret = bytes;
    bytes = (struct cli_bytes){0};
    return CLI_DONE;
}

int
cli_write_file(struct cli *cli, const char *path, const void *data, size_t len)
{
    _cleanup_free_ char *temporary = NULL;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return cli_fail(cli, COCO_ERR_NOMEM, "out of memory");
    int error = replace_file(path, temporary, data, len);
    return error == 0 ? CLI_DONE : cli_fail_errno(cli, error, path);
}

int
cli_write_stdout(struct cli *cli, const void *data, size_t len)
{
    int error = write_all(STDOUT_FILENO, data, len);

    return error == 0 ? CLI_DONE : cli_fail_errno(cli, error, "stdout");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void
cli_remove_tree(const char *dir)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the working directory */
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
cli_unhex(const char *text, uint8_t *ret, size_t max, size_t *len)
{
    size_t n = strlen(text);

    if (n == 0 || n % 2 != 0 || n / 2 > max)
        return false;
    for (size_t i = 0; i < n / 2; i++) {
        int high = digit(text[2 * i]);
        int low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    *len = n / 2;
    return true;
}
