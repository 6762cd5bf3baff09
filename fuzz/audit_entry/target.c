/*
 * fuzz/audit_entry/target.c - a line of an audit log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit_entry.h"

#include "tests/golden.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whose signature is verified is an entry without it, too, at the same place. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    const char *pem = golden[GOLDENS - 1].key; /* P-256 */
    struct coco_kbs_audit_place one = {0};
    struct coco_kbs_audit_place two = {0};
    bool is_checkpoint = false;

    if (!key && coco_key_parse_private(pem, strlen(pem), &key, NULL) != COCO_OK)
        abort();
    if (coco_kbs_audit_parse((const char *)data, len, key, &one, &is_checkpoint, NULL) != COCO_OK)
        return 0;
    if (one.seq == 0 || strlen(one.prev) != COCO_KBS_AUDIT_HASH_SIZE - 1
        || coco_kbs_audit_parse((const char *)data, len, NULL, &two, &is_checkpoint, NULL)
               != COCO_OK
        || one.seq != two.seq || one.time != two.time)
        abort();
    return 0;
}
