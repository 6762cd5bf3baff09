/*
 * tests/toml2json.c - read many TOML documents, for a second judge to look at
 *
 * From the standard input: a line with the number of bytes, then so many bytes,
 * and again. To the standard output, a line each: the document as JSON, or "!" and
 * why it is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/toml.h"

#include <stdio.h>
#include <stdlib.h>

static void
answer(const char *text, size_t len)
{
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_buf_ struct coco_buf json = {.limit = SIZE_MAX / 2};
    coco_error *err = NULL;

    coco_status status = coco_toml_parse(text, len, &value, &err);
    if (status == COCO_OK)
        status = coco_json_write(value, COCO_JSON_COMPACT, &json, &err);
    if (status == COCO_OK)
        (void)puts(coco_buf_text(&json));
    else
        (void)printf("!%s\n", coco_error_message(err));
    coco_error_free(err);
}

int
main(void)
{
    size_t len = 0;

    while (scanf("%zu%*1[\n]", &len) == 1 && len <= COCO_JSON_SIZE_MAX) {
        /* Just so many bytes, so that a sanitizer sees one too far. */
        _cleanup_free_ char *text = malloc(len ? len : 1);

        if (!text || fread(text, 1, len, stdin) != len)
            return EXIT_FAILURE;
        answer(text, len);
    }
    return EXIT_SUCCESS;
}
