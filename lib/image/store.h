/*
 * image/store.h - inside of a coco_store
 *
 *     store.json          {"version":1}
 *     lock                shared while a pull goes on, one's alone while trees are removed
 *     locks/<tree>        of whoever is making it
 *     trees/<tree>/       rootfs, and tree.json: what is known of it
 *     images/<image>.json digest, references, trees
 *     bundles/<id>.json   path and tree of a bundle that lies over it
 *
 * A tree is named by the ChainID of its layers (image-spec config.md), an image by the
 * digest of its manifest: "sha256-<hex>". Everything gets its name when it is whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_STORE_H
#define COCO_IMAGE_STORE_H

#include <coco/store.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"

#define COCO_STORE_NAME_SIZE COCO_DIGEST_TEXT_SIZE
#define COCO_STORE_RECORD_MAX ((size_t)1 << 20)

struct coco_store {
    char *path; /* absolute */
    int dir, locks, trees, images, bundles;
};
COCO_DEFINE_CLEANUP(coco_store *, coco_store_free);

/* "sha256-<hex>"; made of bytes, so that no text from outside becomes a path. */
void coco_store_name(const struct coco_digest *digest, char buf[COCO_STORE_NAME_SIZE]);
/* The digest that it is made of; false for any other name. */
bool coco_store_name_parse(const char *name, struct coco_digest *ret);

/* "sha256-<hex>.json" */
#define COCO_STORE_FILE_SIZE (COCO_STORE_NAME_SIZE + sizeof(".json"))
void coco_store_file(const struct coco_digest *digest, char buf[COCO_STORE_FILE_SIZE]);
bool coco_store_file_parse(const char *file, struct coco_digest *ret);

/* What is known of a tree. */
struct coco_tree {
    struct coco_digest chain;
    struct coco_digest parent; /* alg 0: none */
    struct coco_digest fingerprint;
    uint64_t content; /* bytes of files of its own layer */
    uint64_t entries;
    uint64_t ids_ignored;
    int rootfs; /* open, or -1 */
};
#define COCO_TREE_NONE ((struct coco_tree){.rootfs = -1})
void coco_tree_done(struct coco_tree *tree);
#define _cleanup_tree_ _cleanup_(coco_tree_done)

/* COCO_ERR_NOTFOUND if there is none; *ret must be COCO_TREE_NONE. */
coco_status coco_store_open_tree(const coco_store *store, const struct coco_digest *chain,
                                 struct coco_tree *ret, coco_error **err);
/* Writes tree.json into the directory dir, which becomes the tree. */
coco_status coco_store_describe_tree(const struct coco_tree *tree, int dir, coco_error **err);

/* Adds ref to what is known of the image, or makes it known. */
coco_status coco_store_add_image(const coco_store *store, coco_ctx *ctx,
                                 const struct coco_digest *image, const char *ref,
                                 const struct coco_digest *chains, size_t n_chains,
                                 coco_error **err);
/* A bundle in the directory path lies over the tree from now on. */
coco_status coco_store_add_bundle(const coco_store *store, coco_ctx *ctx, const char *path,
                                  const struct coco_digest *chain, coco_error **err);

/* The record of that bundle; and it is forgotten, which cannot fail: at the worst it stays. */
coco_status coco_store_bundle_file(const char *path, char ret[COCO_STORE_FILE_SIZE],
                                   coco_error **err);
void coco_store_drop_bundle(const coco_store *store, const char *path);

/*
 * Keeps trees from being removed as long as *ret is open; or, alone, waits until nobody
 * does so, and keeps all others out.
 */
coco_status coco_store_use(const coco_store *store, coco_ctx *ctx, bool alone, int *ret,
                           coco_error **err);

/* Whether there is such a file or directory in dir. */
bool coco_store_has(int dir, const char *name);

/* The record that is named in the directory dir. */
coco_status coco_store_read(int dir, const char *name, cJSON **ret, coco_error **err);
coco_status coco_store_write(int dir, const char *name, const cJSON *json, coco_error **err);

/* Calls fn for each record in the directory dir, with its name; until one fails. */
typedef coco_status coco_store_each_fn(void *self, const char *name, coco_error **err);
coco_status coco_store_each(int dir, coco_store_each_fn *fn, void *self, coco_error **err);

#endif
