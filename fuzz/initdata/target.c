/*
 * fuzz/initdata/target.c - init data that a guest sends along
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/initdata.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The digest is over all of the text. */
static void
check_digest(const struct coco_digest *digest, const char *text)
{
    struct coco_digest want;

    if (coco_digest_of(digest->alg, text, strlen(text), &want, NULL) != COCO_OK
        || !coco_digest_equal(&want, digest))
        abort();
}

/* They stand in a token: whoever reads that sees the same, and each claim once. */
static void
check_claims(const cJSON *claims)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_json_ cJSON *read = NULL;

    if (!cJSON_IsObject(claims)
        || coco_json_write(claims, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_json_parse_object((const char *)text.data, text.len, &read, NULL) != COCO_OK
        || !coco_json_equal(read, claims))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_free_ char *text = strndup((const char *)data, len);
    struct coco_digest digest = {0};
    coco_error *err = NULL;

    if (!text)
        return 0;
    coco_status status = coco_kbs_initdata_parse(text, &digest, &claims, &err);
    coco_error_free(err);
    if ((status == COCO_OK) != (claims != NULL) || (status == COCO_OK) != (digest.alg != 0))
        abort();
    if (status == COCO_OK) {
        check_digest(&digest, text);
        check_claims(claims);
    } else if (status != COCO_ERR_PROTO && status != COCO_ERR_NOTSUP && status != COCO_ERR_LIMIT) {
        abort();
    }
    return 0;
}
