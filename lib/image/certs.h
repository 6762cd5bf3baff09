/*
 * image/certs.h - certificates for registries, in directories (containers-certs.d(5))
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_CERTS_H
#define COCO_IMAGE_CERTS_H

#include "net/peer.h"

#define COCO_CERTS_TREES_MAX 8
/* Entries of a directory, and files of the three kinds in it. */
#define COCO_CERTS_ENTRIES_MAX 4096
#define COCO_CERTS_FILES_MAX 64

struct coco_certs {
    char *dir; /* every registry's, instead of what the trees have; NULL for none */
    char *trees[COCO_CERTS_TREES_MAX]; /* "<tree>/<host>[:<port>]/" is a host's */
    size_t n_trees;
};

void coco_certs_done(struct coco_certs *certs);

/* NULL for none. It is read once, so that what cannot be used is told now. */
coco_status coco_certs_set_dir(struct coco_certs *certs, const char *path, coco_error **err);
/* COCO_ERR_LIMIT for the 9th. */
coco_status coco_certs_add_tree(struct coco_certs *certs, const char *path, coco_error **err);

/*
 * What is in a directory: every *.crt are CAs that are trusted besides, *.cert and the
 * *.key of the same name whom we are. Other files do not matter. COCO_ERR_INVALID for
 * one of a pair without the other, COCO_ERR_PROTO for what is no certificate or key,
 * COCO_ERR_LIMIT for too much of anything.
 */
coco_status coco_certs_read(const char *path, struct coco_peer *ret, coco_error **err);

/*
 * What the first tree that has a directory for an origin of https has in it; nothing if
 * there is none. certs is a struct coco_certs: this is a coco_http_options.find_peer.
 */
coco_status coco_certs_find(const void *certs, const char *origin, struct coco_peer *ret,
                            coco_error **err);

#endif
