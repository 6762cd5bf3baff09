/*
 * tests/fakeimage.h - an image of three layers, and a source that has it
 *
 *     etc/motd  "one", then "two"        keep, keep2  one file, whose first name the last
 *     link -> keep2, fifo                             layer takes away
 *     top       of the last layer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_FAKEIMAGE_H
#define COCO_TESTS_FAKEIMAGE_H

#include "image/source.h"
#include "tests/tarball.h"

#define FAKE_LAYERS 3

struct fake_image {
    struct tarball tars[FAKE_LAYERS];
    struct coco_descriptor layers[FAKE_LAYERS];
    struct coco_digest diff_ids[FAKE_LAYERS];
    char media_types[FAKE_LAYERS][80];
    char config[1024];
    char manifest[2048];
    struct coco_source source; /* of this image; owns nothing */
    unsigned asked;            /* for layers */
    const char *user;          /* of the config; set it before fake_image_make(), or NULL */
    /* Layer 1 comes wrong so often, which the source has an answer to. */
    unsigned lies;
};

/* Its files; n_layers of them are in the manifest. */
void fake_image_make(struct fake_image *image, size_t n_layers);
/* What is under dir/rootfs, or dir when rootfs is NULL, is what n layers make of it. */
void assert_fake_tree(const char *dir, const char *rootfs, size_t n_layers);

#endif
