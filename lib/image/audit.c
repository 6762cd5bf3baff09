/*
 * image/audit.c - whether the files of a store are as they were unpacked
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/fingerprint.h"
#include "image/inventory.h"

#include "base/context.h"
#include "base/fail.h"

#include <string.h>

struct audit {
    const coco_store *store;
    coco_ctx *ctx;
    const cJSON *inventory;
    uint64_t looked_at;
    cJSON *bad;
};

static coco_status
add_images(cJSON *to, const cJSON *inventory, const char *chain, coco_error **err)
{
    const cJSON *image;
    cJSON *images;

    coco_status status = coco_json_add_array(to, "images", &images, err);
    cJSON_ArrayForEach(image, cJSON_GetObjectItemCaseSensitive(inventory, "images")) {
        if (status == COCO_OK && coco_inventory_has_layer(image, chain))
            status = coco_json_add_copy(images, NULL,
                                        cJSON_GetObjectItemCaseSensitive(image, "digest"), err);
    }
    return status;
}

static coco_status
report(struct audit *audit, const char *chain, const coco_error *cause, coco_error **err)
{
    cJSON *entry;

    coco_status status = coco_json_add_object(audit->bad, NULL, &entry, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "chain", chain, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "why", coco_error_message(cause), err);
    if (status == COCO_OK)
        status = add_images(entry, audit->inventory, chain, err);
    return status;
}

static coco_status
check_tree(const struct audit *audit, struct coco_pulse *pulse, const struct coco_digest *chain,
           coco_error **err)
{
    _cleanup_tree_ struct coco_tree tree = COCO_TREE_NONE;
    _cleanup_tree_ struct coco_tree parent = COCO_TREE_NONE;
    struct coco_digest got = {0};

    coco_status status = coco_store_open_tree(audit->store, chain, &tree, err);
    if (status == COCO_OK && tree.parent.alg)
        status = coco_store_open_tree(audit->store, &tree.parent, &parent, err);
    if (status == COCO_OK)
        status = coco_fingerprint(pulse, parent.rootfs, tree.rootfs, &got, err);
    if (status == COCO_OK && !coco_digest_equal(&got, &tree.fingerprint))
        status = coco_fail(err, COCO_ERR_VERIFY, "the files are not as they were unpacked");
    return status;
}

static coco_status
audit_tree(void *self, const char *name, coco_error **err)
{
    struct audit *audit = self;
    char text[COCO_DIGEST_TEXT_SIZE];
    struct coco_digest chain;
    coco_error *cause = NULL;

    if (!coco_store_name_parse(name, &chain))
        return COCO_OK;
    coco_digest_format(&chain, text);
    audit->looked_at++;
    struct coco_pulse pulse = coco_pulse_begin(audit->ctx, text, COCO_PHASE_VERIFY);
    coco_status status = check_tree(audit, &pulse, &chain, &cause);
    if (status == COCO_OK)
        coco_pulse_end(&pulse);
    if (status == COCO_ERR_NOMEM || status == COCO_ERR_CANCELED) {
        coco_error_give(err, cause);
        return status;
    }
    if (status != COCO_OK)
        status = report(audit, text, cause, err);
    coco_error_free(cause);
    return status;
}

coco_status
coco_store_verify(coco_store *store, coco_ctx *ctx, coco_bytes **ret, coco_error **err)
{
    _cleanup_json_ cJSON *inventory = NULL;
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_close_ int lock = -1;
    struct audit audit = {.store = store, .ctx = ctx};

    coco_status status = coco_store_use(store, ctx, false, &lock, err);
    if (status == COCO_OK)
        status = coco_inventory_take(store, ctx, &inventory, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&json, err);
    if (status == COCO_OK)
        status = coco_json_add_array(json, "bad", &audit.bad, err);
    audit.inventory = inventory;
    if (status == COCO_OK)
        status = coco_store_each(store->trees, audit_tree, &audit, err);
    if (status == COCO_OK)
        status = coco_json_add_u64(json, "trees", audit.looked_at, err);
    return status == COCO_OK ? coco_inventory_give(json, ret, err) : status;
}
