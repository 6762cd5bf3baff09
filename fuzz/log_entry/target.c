/*
 * fuzz/log_entry/target.c - no entry is proved by a log that did not sign it
 *
 * The input is an annotation of cosign, or an entry of a bundle. The log that is known has the
 * entry's own name and another key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(struct coco_log_entry *entry, EVP_PKEY *key)
{
    static char name[] = "log.rekor.test";
    struct coco_log log = {.key = key, .name = name, .to = INT64_MAX};
    const struct coco_log_subject subject = {.signed_data = "", .signature = "", .key = key};
    bool signed_time = true;

    memcpy(log.id, entry->log_id, sizeof(log.id));
    if (coco_log_entry_check(entry, &log, 1, &signed_time, NULL) == COCO_OK || signed_time)
        abort();
    if (coco_log_entry_is_of(entry, &subject, NULL) == COCO_OK)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    _cleanup_log_entry_ struct coco_log_entry first = {0};
    _cleanup_log_entry_ struct coco_log_entry second = {0};
    _cleanup_json_ cJSON *json = NULL;

    if (!key && coco_key_generate(COCO_KEY_P256, &key, NULL) != COCO_OK)
        abort();
    if (coco_log_entry_parse_annotation((const char *)data, len, &first, NULL) == COCO_OK)
        check(&first, key);
    if (coco_json_parse_object((const char *)data, len, &json, NULL) == COCO_OK
        && coco_log_entry_parse(json, &second, NULL) == COCO_OK)
        check(&second, key);
    return 0;
}
