/*
 * fuzz/reference_values/target.c - files of reference values, in all forms
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "references/references.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read is the same after it was written in a form and read again. */
static void
check(const coco_references *references, const char *form)
{
    _cleanup_references_ coco_references *again = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *file = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *difference = NULL;

    /* There may be no room for it, no end, or nothing. */
    if (coco_references_format(references, form, &file, NULL) != COCO_OK)
        return;
    if (coco_references_parse(coco_bytes_data(file), coco_bytes_size(file), &again, NULL) != COCO_OK
        || coco_references_diff(references, again, &difference, NULL) != COCO_OK)
        abort();
    /* All of a manifest ends at once; other forms have no ends. */
    if (strcmp(form, "json") == 0 && strcmp((const char *)coco_bytes_data(difference), "[]") != 0)
        abort();
    if (strstr((const char *)coco_bytes_data(difference), "\"change\":\"added\"")
        || strstr((const char *)coco_bytes_data(difference), "\"change\":\"removed\""))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const forms[] = {"json", "values", "rvps", "corim"};
    _cleanup_references_ coco_references *references = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *compared = NULL;
    _cleanup_free_ char *claims = strndup((const char *)data, len);

    if (coco_references_parse(data, len, &references, NULL) != COCO_OK)
        return 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        check(references, forms[i]);
    if (coco_references_check(references, 1764320000, NULL) != COCO_OK)
        return 0;
    if (claims && coco_references_compare(references, "tdx", claims, &compared, NULL) == COCO_OK
        && coco_bytes_size(compared) == 0)
        abort();
    return 0;
}
