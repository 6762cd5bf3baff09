/*
 * image/user.c - who an image's process runs as
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/user.h"

#include "base/fail.h"
#include "base/fd.h"
#include "image/walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#define DATABASE_MAX ((size_t)4 << 20)
#define FIELDS_MAX 7
#define OPEN_FLAGS (O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)

/* One line of passwd(5) or group(5), split at its colons. */
struct line {
    const char *fields[FIELDS_MAX];
    size_t n;
};

/* Without openat2(), directories may still be links, but the file may not. */
static int
open_by_walk(int root, const char *name)
{
    struct coco_names none = {0};
    struct coco_path path;
    struct coco_walk walk;
    const struct coco_dir *dir;
    int fd = -1;

    coco_walk_init(&walk, root, &none);
    if (coco_path_parse(name, &path, NULL) == COCO_OK
        && coco_walk_to(&walk, &path, false, &dir, NULL) == COCO_OK)
        fd = openat(dir->fd, path.base, OPEN_FLAGS | O_NOFOLLOW);
    coco_walk_done(&walk);
    return fd;
}

static int
open_in_root(int root, const char *name)
{
    struct open_how how = {
        .flags = OPEN_FLAGS,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, root, name, &how, sizeof(how));

    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        return open_by_walk(root, name);
    return (int)fd;
}

/* The text of a file in the image; nothing when there is none. */
static coco_status
read_database(int root, const char *name, struct coco_buf *ret, coco_error **err)
{
    struct stat st;
    _cleanup_close_ int fd = open_in_root(root, name);

    if (fd < 0)
        return COCO_OK;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_PROTO, "/%s of the image is not a file", name);
    coco_status status = coco_fd_read_all(fd, ret, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "/%s of the image", name);
    return COCO_OK;
}

/* Splits the first line of *rest in place and leaves *rest behind it; false at the end. */
static bool
next_line(char **rest, struct line *ret)
{
    char *text = *rest;

    if (!text || *text == '\0')
        return false;
    char *end = strchr(text, '\n');
    if (end)
        *end = '\0';
    *rest = end ? end + 1 : NULL;
    *ret = (struct line){.fields = {text}, .n = 1};
    while (ret->n < FIELDS_MAX) {
        char *colon = strchr(text, ':');

        if (!colon)
            break;
        *colon = '\0';
        text = colon + 1;
        ret->fields[ret->n++] = text;
    }
    return true;
}

static bool
is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* A decimal number that is an id: chown(2) has other uses for -1. */
static bool
parse_id(const char *text, uint32_t *ret)
{
    uint64_t value = 0;

    if (!is_number(text) || strlen(text) > 10)
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    if (value >= UINT32_MAX)
        return false;
    *ret = (uint32_t)value;
    return true;
}

/*
 * Whether the line is of that name, or of that id when it is a number. A number is
 * never a name: whoever allows user 1000 allows no other user that is called so.
 */
static bool
is_named(const struct line *line, const char *name)
{
    uint32_t want;
    uint32_t id;

    if (line->n < 3)
        return false;
    if (!is_number(name))
        return strcmp(line->fields[0], name) == 0;
    return parse_id(name, &want) && parse_id(line->fields[2], &id) && want == id;
}

/* Copies the name that the entry goes by into name, "" when there is no entry. */
static coco_status
find_user(char *passwd, const char *text, struct coco_user *user, const char **name,
          coco_error **err)
{
    struct line line;

    *name = "";
    while (next_line(&passwd, &line)) {
        if (line.n < 4 || !is_named(&line, text))
            continue;
        if (!parse_id(line.fields[2], &user->uid) || !parse_id(line.fields[3], &user->gid))
            return coco_fail(err, COCO_ERR_PROTO, "a broken entry in /etc/passwd of the image");
        *name = line.fields[0];
        return COCO_OK;
    }
    if (!parse_id(text, &user->uid))
        return coco_fail(err, COCO_ERR_NOTFOUND, "no user '%.64s' in the image", text);
    return COCO_OK;
}

static coco_status
find_group(char *groups, const char *text, struct coco_user *user, coco_error **err)
{
    struct line line;

    while (next_line(&groups, &line))
        if (is_named(&line, text) && parse_id(line.fields[2], &user->gid))
            return COCO_OK;
    if (!parse_id(text, &user->gid))
        return coco_fail(err, COCO_ERR_NOTFOUND, "no group '%.64s' in the image", text);
    return COCO_OK;
}

/* Whether name stands in list, "a,b,c". */
static bool
is_member(const char *list, const char *name)
{
    size_t len = strlen(name);

    while (*list != '\0') {
        size_t n = strcspn(list, ",");

        if (n == len && strncmp(list, name, n) == 0)
            return true;
        list += n;
        list += *list == ',' ? 1 : 0;
    }
    return false;
}

static coco_status
find_memberships(char *groups, const char *name, struct coco_user *user, coco_error **err)
{
    struct line line;
    uint32_t gid;

    while (next_line(&groups, &line)) {
        if (line.n < 4 || !is_member(line.fields[3], name) || !parse_id(line.fields[2], &gid))
            continue;
        if (user->n_groups == COCO_USER_GROUPS_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "a user in more than %zu groups",
                             COCO_USER_GROUPS_MAX);
        user->groups[user->n_groups++] = gid;
    }
    return COCO_OK;
}

/* As runc, podman and containerd do it: further groups only when no group is asked for. */
static coco_status
resolve(char *passwd, char *groups, char *text, struct coco_user *user, coco_error **err)
{
    const char *name;
    char *group = strchr(text, ':');

    if (group)
        *group++ = '\0';
    /* Who is nobody in particular is root, with what the image says of it. */
    coco_status status = find_user(passwd, *text != '\0' ? text : "0", user, &name, err);
    if (status != COCO_OK)
        return status;
    if (group && *group != '\0')
        return find_group(groups, group, user, err);
    return *name != '\0' ? find_memberships(groups, name, user, err) : COCO_OK;
}

coco_status
coco_user_resolve(int root, const char *text, struct coco_user *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf passwd = {.limit = DATABASE_MAX};
    _cleanup_buf_ struct coco_buf groups = {.limit = DATABASE_MAX};
    _cleanup_free_ char *copy = strdup(text);
    if (!copy)
        return coco_fail_nomem(err);

    _cleanup_free_ struct coco_user *user = calloc(1, sizeof(*user));
    if (!user)
        return coco_fail_nomem(err);
    coco_status status = read_database(root, "etc/passwd", &passwd, err);
    if (status == COCO_OK)
        status = read_database(root, "etc/group", &groups, err);
    if (status == COCO_OK)
        status = resolve((char *)passwd.data, (char *)groups.data, copy, user, err);
    if (status != COCO_OK)
        return status;
    *ret = *user;
    return COCO_OK;
}
