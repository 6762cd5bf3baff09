/*
 * fuzz/qe_identity/target.c - Intel's identity of a quoting enclave
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/qe_identity.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read and written is read as the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_qe_identity_ struct coco_qe_identity identity = {0};
    _cleanup_qe_identity_ struct coco_qe_identity again = {0};
    _cleanup_buf_ struct coco_buf written = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf rewritten = {.limit = COCO_JSON_SIZE_MAX};
    const struct coco_sgx_report report = {0};

    if (coco_qe_identity_parse((const char *)data, len, &identity, NULL) != COCO_OK)
        return 0;
    (void)coco_qe_identity_check(&identity, &report, NULL);
    if (coco_qe_identity_format(&identity, &written, NULL) != COCO_OK
        || coco_qe_identity_parse(coco_buf_text(&written), written.len, &again, NULL) != COCO_OK
        || coco_qe_identity_format(&again, &rewritten, NULL) != COCO_OK
        || strcmp(coco_buf_text(&written), coco_buf_text(&rewritten)) != 0)
        abort();
    return 0;
}
