/*
 * fuzz/sev_state/target.c - a launch on SEV that was saved, and a platform's certificates
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/driver.h"

#include <coco/sev.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    _cleanup_free_ char *state = strndup((const char *)data, len);
    coco_sev_owner *owner = NULL;
    coco_error *err = NULL;

    if (!state || coco_verifier_new(&verifier, NULL) != COCO_OK)
        abort();
    coco_status status = coco_sev_owner_load(state, &owner, &err);
    if ((status == COCO_OK) != (owner != NULL) || coco_error_status(err) != status)
        abort();
    coco_sev_owner_free(owner);
    coco_error_free(err);
    /* Nobody can make certificates of AMD's up. */
    if (coco_sev_owner_new(verifier, data, len, COCO_SEV_NO_DEBUG, &owner, NULL) == COCO_OK)
        abort();
    return 0;
}
