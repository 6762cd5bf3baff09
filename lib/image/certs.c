/*
 * image/certs.c - certificates for registries, in directories (containers-certs.d(5))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/certs.h"

#include "base/entries.h"
#include "base/fail.h"
#include "base/fd.h"
#include "crypto/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PAIR_FILE_MAX ((size_t)64 << 10)

/* The names in a directory that mean something, in order. */
struct listing {
    int dir;
    char *names[COCO_CERTS_FILES_MAX];
    size_t n;
};

static void
listing_done(struct listing *listing)
{
    coco_closep(&listing->dir);
    for (size_t i = 0; i < listing->n; i++)
        free(listing->names[i]);
}

static bool
ends_with(const char *name, const char *end)
{
    size_t len = strlen(name);

    return len >= strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static coco_status
add_name(struct listing *listing, const char *name, coco_error **err)
{
    if (!ends_with(name, ".crt") && !ends_with(name, ".cert") && !ends_with(name, ".key"))
        return COCO_OK;
    if (listing->n == COCO_CERTS_FILES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d certificates and keys",
                         COCO_CERTS_FILES_MAX);
    char *copy = strdup(name);
    if (!copy)
        return coco_fail_nomem(err);
    listing->names[listing->n++] = copy;
    return COCO_OK;
}

static coco_status
list(struct listing *listing, coco_error **err)
{
    _cleanup_entries_ struct coco_entries entries = {0};
    const char *name;
    int n = 0;

    coco_status status = coco_entries_open(listing->dir, &entries, err);
    while (status == COCO_OK && (name = coco_entries_next(&entries))) {
        if (n++ == COCO_CERTS_ENTRIES_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "more than %d entries", COCO_CERTS_ENTRIES_MAX);
        status = add_name(listing, name, err);
    }
    if (status == COCO_OK)
        status = coco_entries_end(&entries, err);
    qsort(listing->names, listing->n, sizeof(listing->names[0]), compare_names);
    return status;
}

static bool
has_name(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->n; i++)
        if (strcmp(listing->names[i], name) == 0)
            return true;
    return false;
}

/* A pipe or a terminal would have us wait for whoever holds its other end. */
static coco_status
read_file(int dir, const char *name, struct coco_buf *buf, coco_error **err)
{
    _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return coco_fail_errno(err, errno, "open");
    if (!S_ISREG(st.st_mode))
        return coco_fail(err, COCO_ERR_INVALID, "not a regular file");
    return coco_fd_read_all(fd, buf, err);
}

static coco_status
read_roots(const struct listing *listing, const char *name, struct coco_peer *peer,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = COCO_PEER_PEM_MAX};

    coco_status status = read_file(listing->dir, name, &pem, err);
    return status == COCO_OK ? coco_peer_add_roots(peer, coco_buf_text(&pem), pem.len, err)
                             : status;
}

/* The name of the file that belongs to name, whose end is from. */
static coco_status
partner(const struct listing *listing, const char *name, const char *from, const char *to,
        char **ret, coco_error **err)
{
    if (asprintf(ret, "%.*s%s", (int)(strlen(name) - strlen(from)), name, to) < 0) {
        *ret = NULL;
        return coco_fail_nomem(err);
    }
    if (!has_name(listing, *ret))
        return coco_fail(err, COCO_ERR_INVALID, "there is no '%s' with it", *ret);
    return COCO_OK;
}

static coco_status
read_key(const struct listing *listing, const char *name, EVP_PKEY **ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = PAIR_FILE_MAX};

    coco_status status = read_file(listing->dir, name, &text, err);
    if (status == COCO_OK)
        status = coco_key_parse_private(coco_buf_text(&text), text.len, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", name);
}

static coco_status
read_pair(const struct listing *listing, const char *name, struct coco_peer *peer, coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PAIR_FILE_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_free_ char *key_name = NULL;

    coco_status status = partner(listing, name, ".cert", ".key", &key_name, err);
    if (status == COCO_OK)
        status = read_key(listing, key_name, &key, err);
    if (status == COCO_OK)
        status = read_file(listing->dir, name, &pem, err);
    if (status == COCO_OK)
        status = coco_peer_add_pair(peer, coco_buf_text(&pem), pem.len, key, err);
    return status;
}

/* A key has been read with its certificate; alone it is an error, as elsewhere. */
static coco_status
check_key(const struct listing *listing, const char *name, coco_error **err)
{
    _cleanup_free_ char *cert_name = NULL;

    return partner(listing, name, ".key", ".cert", &cert_name, err);
}

static coco_status
read_one(const struct listing *listing, const char *name, struct coco_peer *peer, coco_error **err)
{
    coco_status status;

    if (ends_with(name, ".crt"))
        status = read_roots(listing, name, peer, err);
    else if (ends_with(name, ".cert"))
        status = read_pair(listing, name, peer, err);
    else
        status = check_key(listing, name, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "'%s'", name);
}

/* What is in the directory that is open as dir, which is taken. */
static coco_status
read_dir(int dir, struct coco_peer *ret, coco_error **err)
{
    _cleanup_(listing_done) struct listing listing = {.dir = dir};
    _cleanup_peer_ struct coco_peer peer = {0};

    coco_status status = list(&listing, err);
    for (size_t i = 0; status == COCO_OK && i < listing.n; i++)
        status = read_one(&listing, listing.names[i], &peer, err);
    if (status != COCO_OK)
        return status;
    *ret = peer;
    peer = (struct coco_peer){0};
    return COCO_OK;
}

coco_status
coco_certs_read(const char *path, struct coco_peer *ret, coco_error **err)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = errno;

    coco_status status = dir < 0 ? coco_fail_errno(err, error, "open") : read_dir(dir, ret, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, "certificates in '%.300s'", path);
}

void
coco_certs_done(struct coco_certs *certs)
{
    free(certs->dir);
    for (size_t i = 0; i < certs->n_trees; i++)
        free(certs->trees[i]);
    *certs = (struct coco_certs){0};
}

coco_status
coco_certs_set_dir(struct coco_certs *certs, const char *path, coco_error **err)
{
    _cleanup_peer_ struct coco_peer peer = {0};

    coco_status status = path ? coco_certs_read(path, &peer, err) : COCO_OK;
    if (status != COCO_OK)
        return status;
    char *copy = path ? strdup(path) : NULL;
    if (path && !copy)
        return coco_fail_nomem(err);
    free(certs->dir);
    certs->dir = copy;
    return COCO_OK;
}

coco_status
coco_certs_add_tree(struct coco_certs *certs, const char *path, coco_error **err)
{
    if (certs->n_trees == COCO_CERTS_TREES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d trees of certificates",
                         COCO_CERTS_TREES_MAX);
    char *copy = strdup(path);
    if (!copy)
        return coco_fail_nomem(err);
    certs->trees[certs->n_trees++] = copy;
    return COCO_OK;
}

/* "<tree>/<host>", if it is there: *ret says so. */
static coco_status
try_name(const char *tree, const char *host, bool *ret, struct coco_peer *peer, coco_error **err)
{
    _cleanup_free_ char *path = NULL;
    struct stat st;

    coco_status status = coco_path_in(tree, host, &path, err);
    if (status != COCO_OK)
        return status;
    *ret = stat(path, &st) == 0;
    if (!*ret && errno != ENOENT && errno != ENOTDIR)
        return coco_fail_errno(err, errno, "certificates in '%.300s'", path);
    return *ret ? coco_certs_read(path, peer, err) : COCO_OK;
}

/* Docker Hub is known by its name, not by where it is served (guest-protocols 7.1). */
static const char *
also_known_as(const char *host)
{
    return strcmp(host, "registry-1.docker.io") == 0 ? "docker.io" : NULL;
}

coco_status
coco_certs_find(const void *certs, const char *origin, struct coco_peer *ret, coco_error **err)
{
    const struct coco_certs *from = certs;
    const char *scheme = "https://";
    _cleanup_free_ char *short_name = NULL;
    bool found = false;
    coco_status status = COCO_OK;

    if (strncmp(origin, scheme, strlen(scheme)) != 0)
        return COCO_OK;
    const char *host = origin + strlen(scheme);
    /* A host is one name in a directory: none that leads elsewhere, or is hidden. */
    if (*host == '.' || strchr(host, '/'))
        return COCO_OK;
    if (ends_with(host, ":443")) {
        short_name = strndup(host, strlen(host) - strlen(":443"));
        if (!short_name)
            return coco_fail_nomem(err);
    }
    const char *names[] = {short_name ? also_known_as(short_name) : NULL, short_name, host};
    for (size_t i = 0; status == COCO_OK && !found && i < from->n_trees; i++)
        for (size_t j = 0; status == COCO_OK && !found && j < sizeof(names) / sizeof(*names); j++)
            if (names[j])
                status = try_name(from->trees[i], names[j], &found, ret, err);
    return status;
}
