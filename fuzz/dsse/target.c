/*
 * fuzz/dsse/target.c - an envelope is read or refused, and what is signed begins as it must
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/dsse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char head[] = "DSSEv1 28 " COCO_IN_TOTO_TYPE " ";
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_dsse_ struct coco_dsse dsse = {0};
    _cleanup_statement_ struct coco_statement statement = {0};
    struct coco_digest digest = {.alg = COCO_SHA256};

    if (coco_json_parse_object((const char *)data, len, &json, NULL) != COCO_OK
        || coco_dsse_parse(json, COCO_IN_TOTO_TYPE, &dsse, NULL) != COCO_OK)
        return 0;
    if (strncmp(coco_buf_text(&dsse.signed_data), head, strlen(head)) != 0)
        abort();
    if (coco_statement_parse(coco_buf_text(&dsse.payload), dsse.payload.len, &statement, NULL)
        == COCO_OK)
        (void)coco_statement_is_of(&statement, &digest);
    return 0;
}
