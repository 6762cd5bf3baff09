/*
 * fuzz/tcb_info/target.c - Intel's TCB info, as it is signed and as it is read
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/tcb_info.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read of version 3 and written is read as the same. */
static void
check(const char *text, size_t len)
{
    _cleanup_tcb_info_ struct coco_tcb_info info = {0};
    _cleanup_tcb_info_ struct coco_tcb_info again = {0};
    _cleanup_buf_ struct coco_buf written = {.limit = COCO_JSON_SIZE_MAX};
    _cleanup_buf_ struct coco_buf rewritten = {.limit = COCO_JSON_SIZE_MAX};

    if (coco_tcb_info_parse(text, len, &info, NULL) != COCO_OK)
        return;
    if (coco_tcb_info_format(&info, &written, NULL) != COCO_OK
        || coco_tcb_info_parse(coco_buf_text(&written), written.len, &again, NULL) != COCO_OK
        || coco_tcb_info_format(&again, &rewritten, NULL) != COCO_OK
        || strcmp(coco_buf_text(&written), coco_buf_text(&rewritten)) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct coco_pcs_answer answer = {0};
    const char *text = (const char *)data;

    if (coco_pcs_answer_parse(text, len, "tcbInfo", &answer, NULL) == COCO_OK) {
        if (answer.value < text || answer.value + answer.value_len > text + len)
            abort();
        check(answer.value, answer.value_len);
    }
    check(text, len);
    return 0;
}
