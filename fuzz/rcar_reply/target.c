/*
 * fuzz/rcar_reply/target.c - what a KBS, or somebody in its place, answers
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"
#include "rcar/messages.h"
#include "rcar/tee_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_printable(const char *text, size_t size)
{
    if (memchr(text, '\0', size) == NULL || !coco_utf8_valid(text, strlen(text)))
        abort();
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            abort();
}

/* A token can be a header, an error can be shown. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_buf_ struct coco_buf token = {.limit = COCO_RCAR_TOKEN_MAX};
    _cleanup_json_ cJSON *claims = NULL;
    struct coco_rcar_error error;
    const cJSON *key = NULL;

    if (coco_rcar_token_parse(data, len, &token, NULL) == COCO_OK
        && (token.len < 5 || strpbrk(coco_buf_text(&token), " \r\n\t\"")))
        abort();
    if (coco_rcar_error_parse(data, len, &error, NULL) == COCO_OK) {
        check_printable(error.name, sizeof(error.name));
        check_printable(error.detail, sizeof(error.detail));
        check_printable(error.id, sizeof(error.id));
    }
    if (coco_json_parse_object((const char *)data, len, &claims, NULL) == COCO_OK
        && coco_rcar_tee_key_of_token(claims, NULL, &key, NULL) == COCO_OK && !cJSON_IsObject(key))
        abort();
    return 0;
}
