/*
 * image/walk.h - from the names in an archive to directories beneath a root
 *
 * A path is used once, to open the directory of its last component; everything
 * else happens in that directory, by descriptor and plain name (T1 in
 * doc/threats.md).
 *
 * Absolute names are taken from the root, as everywhere in the field; names with
 * ".." are refused, for no honest archive has them. Links that lower layers put
 * in the place of a directory (/lib -> usr/lib) are followed as if the root were
 * "/", so that they end beneath it wherever they point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_WALK_H
#define COCO_IMAGE_WALK_H

#include "image/names.h"

#include <sys/stat.h>
#include <time.h>

#define COCO_PATH_SIZE ((size_t)4096)
/* Directories above one another, counted where they really are: bounds all recursion. */
#define COCO_PATH_DEPTH_MAX 256U

/* A name out of an archive, in its normal form a/b/c; the root is "". */
struct coco_path {
    char text[COCO_PATH_SIZE];
    size_t dir_len;   /* of the part before the last component, without its slash */
    const char *base; /* the last component, within text */
    unsigned depth;   /* number of components */
};

/* COCO_ERR_PROTO for "..", COCO_ERR_LIMIT for what is too long or too deep. */
coco_status coco_path_parse(const char *name, struct coco_path *ret, coco_error **err);

/*
 * A directory that is being worked in. Adding and removing names changes its
 * times, which are those of the layers, and what is made there would inherit its
 * default access control list, while a layer says itself what each file has. The
 * list is set aside, and both are put back when the directory is left.
 */
struct coco_dir {
    int fd;
    uint64_t ino;
    unsigned depth;
    struct timespec times[2]; /* access, modification */
    void *acl;                /* that was set aside, or NULL */
    size_t acl_len;
};

struct coco_walk {
    int root;                  /* lent */
    struct coco_names *own;    /* lent: directories made on the way are added */
    struct coco_dir dir;       /* the one last asked for, fd -1 if none */
    char text[COCO_PATH_SIZE]; /* its path */
    bool stale;                /* the path may lead elsewhere by now */
    bool no_openat2;           /* the system has none */
};

void coco_walk_init(struct coco_walk *walk, int root, struct coco_names *own);
void coco_walk_done(struct coco_walk *walk);

/*
 * Opens the directory that holds the last component of path; lent until the next
 * call. If make, what is missing is made, 0755 and root's; else it is
 * COCO_ERR_NOTFOUND.
 */
coco_status coco_walk_to(struct coco_walk *walk, const struct coco_path *path, bool make,
                         const struct coco_dir **ret, coco_error **err);

/* To be called when a directory or link was removed: paths through it lead elsewhere. */
void coco_walk_forget(struct coco_walk *walk);

/* Puts times and list back. Needed before they are set, and at the end. */
coco_status coco_walk_leave(struct coco_walk *walk, coco_error **err);

#endif
