/*
 * image/transfer.h - an image on its way from one place to another
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_TRANSFER_H
#define COCO_IMAGE_TRANSFER_H

#include "image/client.h"

/* Threads cost more than they save below this; and what lies between two of them. */
#define COCO_TRANSFER_THREADS_FROM ((uint64_t)1 << 20)
#define COCO_TRANSFER_RING_SIZE ((size_t)1 << 20)

struct coco_transfer {
    const coco_image_client *client;
    coco_ctx *ctx;
    coco_image_options opts;
    struct coco_source source;
    struct coco_destination destination;
    struct coco_resolved found;    /* an image, or an index where all of its images are asked for */
    struct coco_platform platform; /* of the image in found */
    coco_image *image;
};

void coco_transfer_done(struct coco_transfer *t);
#define _cleanup_transfer_ _cleanup_(coco_transfer_done)

/*
 * Finds the image; of opts only flags are allowed. The destination is opened later: what is
 * not there leaves no trace there.
 */
coco_status coco_transfer_find(struct coco_transfer *t, const coco_image_ref *from,
                               const coco_image_options *opts, uint32_t flags, coco_error **err);

/* Opens the destination. encrypted says that it will hold layers that are. */
coco_status coco_transfer_open(struct coco_transfer *t, const coco_image_ref *to, bool encrypted,
                               coco_error **err);

/* Copies a blob that is not there yet. */
coco_status coco_transfer_copy(const struct coco_transfer *t, const struct coco_descriptor *blob,
                               coco_error **err);

/* What a blob becomes on its way. */
struct coco_change {
    /* Lends the sink that changes what it is given and writes it to out, for a new try. */
    coco_status (*begin)(void *self, const struct coco_sink *out, struct coco_sink *ret,
                         coco_error **err);
    /* When all is through, or nothing more will come. */
    void (*end)(void *self);
    void *self;
};

/*
 * Sends a blob as change makes it; ret gets digest and size of what came out. A try that
 * failed for a reason that may pass is made anew, from the beginning.
 */
coco_status coco_transfer_change(const struct coco_transfer *t, const struct coco_descriptor *blob,
                                 const struct coco_change *change, struct coco_descriptor *ret,
                                 coco_error **err);

/* Refuses too much before the first byte is fetched. */
coco_status coco_transfer_check_sizes(const struct coco_transfer *t, coco_error **err);

/* Last, when all that it names is there. */
coco_status coco_transfer_finish(struct coco_transfer *t, const struct coco_buf *manifest,
                                 const char *media_type, const struct coco_digest *digest,
                                 coco_image **ret, coco_error **err);

/* How one image is made of another; each is called for each image. */
struct coco_remaking {
    bool encrypted; /* its layers will be */
    /* Looks at the image in t->found before anything of it is sent. */
    coco_status (*plan)(struct coco_transfer *t, void *self, coco_error **err);
    coco_status (*layer)(const struct coco_transfer *t, const struct coco_descriptor *layer,
                         cJSON *layers, void *self, coco_error **err);
    /* Looks at it where it was put; may be NULL. */
    coco_status (*prove)(const struct coco_transfer *t, const coco_image_ref *to,
                         const struct coco_digest *digest, void *self, coco_error **err);
    /* Forgets the image, whatever of it was done. */
    void (*forget)(void *self);
    void *self;
};

/*
 * Makes the image at to of that at from, or with COCO_IMAGE_ALL_PLATFORMS an index of all that an
 * index at from has; what it has besides images, such as attestations about what no longer is, is
 * left out. The index comes last.
 */
coco_status coco_transfer_images(struct coco_transfer *t, const coco_image_ref *from,
                                 const coco_image_ref *to, const struct coco_remaking *how,
                                 coco_image **ret, coco_error **err);

/* How a layer of a new manifest comes to be: adds its descriptor to layers. */
typedef coco_status coco_transfer_layer(const struct coco_transfer *t,
                                        const struct coco_descriptor *layer, cJSON *layers,
                                        void *user, coco_error **err);

/*
 * The config as it is, each layer by make, and the manifest anew, an OCI one whatever it was: text
 * gets that, which is nowhere yet.
 */
coco_status coco_transfer_remake(const struct coco_transfer *t, coco_transfer_layer *make,
                                 void *user, struct coco_buf *text, coco_error **err);

/* One of them: the layer as it is; ret, where it is not NULL, gets its descriptor. */
coco_status coco_transfer_copy_layer(const struct coco_transfer *t,
                                     const struct coco_descriptor *layer, cJSON *layers,
                                     cJSON **ret, coco_error **err);

/* Refuses to before anything is sent: the digest of a new manifest cannot be chosen. */
coco_status coco_transfer_check_new(const coco_image_ref *to, coco_error **err);

/* The annotations of from, without any of encryption. */
coco_status coco_transfer_plain_annotations(const cJSON *from, cJSON *to, coco_error **err);

#endif
