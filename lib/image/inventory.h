/*
 * image/inventory.h - what is in a store
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_IMAGE_INVENTORY_H
#define COCO_IMAGE_INVENTORY_H

#include "image/store.h"

/* What coco_store_list() gives, for whoever holds the store's lock. */
coco_status coco_inventory_take(const coco_store *store, coco_ctx *ctx, cJSON **ret,
                                coco_error **err);
/* Whether the image, one of the inventory's, has that layer, by its ChainID. */
bool coco_inventory_has_layer(const cJSON *image, const char *chain);
coco_status coco_inventory_give(const cJSON *json, coco_bytes **ret, coco_error **err);

#endif
