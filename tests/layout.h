/*
 * tests/layout.h - OCI layouts on disk, and skopeo that works on them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_LAYOUT_H
#define COCO_TESTS_LAYOUT_H

#include "base/digest.h"
#include "base/json.h"

#include "tests/support.h"

#include <openssl/evp.h>

/* Makes the layout dir/name with no image in it. */
void layout_begin(const char *dir, const char *name);

/* Writes one file of a layout, whatever it is to hold. */
void layout_write_file(const char *dir, const char *name, const char *file, const char *text);

/* Puts a blob into a layout; ret is its digest. */
void layout_add_blob(const char *dir, const char *name, const void *data, size_t len,
                     char ret[COCO_DIGEST_TEXT_SIZE]);

/*
 * Makes the layout dir/name with one image of one gzip layer. The layer has the
 * media type of an encrypted one when there are annotations, which are taken over.
 */
void layout_make(const char *dir, const char *name, const void *blob, size_t len,
                 cJSON *annotations);

/* The manifest of the only image of a layout, to be freed. */
cJSON *layout_read_manifest(const char *dir, const char *name);

/* Appends the blob that a descriptor names. */
void layout_read_blob(const char *dir, const char *name, const cJSON *descriptor,
                      struct coco_buf *buf);

/* Writes both halves of a key as dir/name.pem and dir/name.pub. */
void layout_write_key(const char *dir, const char *name, EVP_PKEY *key);

/*
 * Runs skopeo with arguments that NULL ends; a '%' in one stands for dir. The test
 * is skipped where there is no skopeo.
 */
bool skopeo_run(const char *const *arguments, const char *dir);

/*
 * Runs skopeo copy from one layout to another. A '%' in an option stands for dir.
 * The test is skipped where there is no skopeo.
 */
bool skopeo_copy(const char *dir, const char *const *options, const char *from, const char *to);

#endif
