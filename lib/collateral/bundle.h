/*
 * collateral/bundle.h - collateral in one file that its owner signed
 *
 *     {"format":"coco-collateral-bundle","version":1,"created":T,"items":[...]}\n
 *     <signature of that line, base64url>\n
 *     <the items, one behind the other, and nothing more>
 *
 * An item is {"name":"intel/root-ca.crl","fetched":T,"size":N,"sha256":"<hex>"}; they
 * are sorted by name. The signature is that of the first line without its end, r || s
 * of ECDSA on P-256 with SHA-256, or of Ed25519: 64 bytes in either case. It is
 * verified before anything of the file is read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_COLLATERAL_BUNDLE_H
#define COCO_COLLATERAL_BUNDLE_H

#include "collateral/items.h"
#include "crypto/key.h"

#define COCO_BUNDLE_INDEX_MAX ((size_t)2 << 20)
#define COCO_BUNDLE_MAX (COCO_ITEMS_BYTES_MAX + COCO_BUNDLE_INDEX_MAX + 128)

/*
 * COCO_ERR_VERIFY unless key signed it and every item is what was signed,
 * COCO_ERR_PROTO or COCO_ERR_LIMIT for what is no bundle, COCO_ERR_NOTSUP for keys of
 * other kinds. *created is when it was signed, or NULL.
 */
coco_status coco_bundle_parse(const void *data, size_t len, EVP_PKEY *key, struct coco_items *ret,
                              int64_t *created, coco_error **err);

/* Appends a bundle of items, signed by key as of created. */
coco_status coco_bundle_write(const struct coco_items *items, EVP_PKEY *key, int64_t created,
                              struct coco_buf *buf, coco_error **err);

/* Whether a file begins as bundles do. */
bool coco_bundle_is(const void *data, size_t len);

#endif
