/*
 * fuzz/jwk_set/target.c - sets of keys: whatever is read verifies, and is found by its name
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/jwk_set.h"

#include "crypto/jws.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_jwk_set_ struct coco_jwk_set set = {0};
    coco_error *err = NULL;
    const char *alg = NULL;

    if (coco_jwk_set_parse((const char *)data, len, &set, &err) == COCO_OK) {
        if (set.n == 0 || (set.n == 1) != (coco_jwk_set_find(&set, NULL) != NULL))
            abort();
        for (size_t i = 0; i < set.n; i++) {
            if (coco_jws_alg_of(set.keys[i].key, &alg, NULL) != COCO_OK)
                abort();
            if (set.keys[i].kid && coco_jwk_set_find(&set, set.keys[i].kid) != set.keys[i].key)
                abort();
        }
    }
    coco_error_free(err);
    return 0;
}
