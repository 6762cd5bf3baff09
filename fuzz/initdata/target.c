/*
 * fuzz/initdata/target.c - init data that a guest sends along
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "initdata/initdata.h"

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

/* The texts, written again, are read as the same. */
static void
check_format(const coco_initdata *initdata)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_initdata_ coco_initdata *again = NULL;

    if (coco_initdata_format(initdata->alg, initdata->data, &text, NULL) != COCO_OK)
        abort();
    coco_status status = coco_initdata_read(coco_buf_text(&text), &again, NULL);
    if (status != COCO_ERR_LIMIT
        && (status != COCO_OK || !coco_json_equal(again->data, initdata->data)))
        abort();
}

static bool
refused(coco_status status)
{
    return status == COCO_ERR_PROTO || status == COCO_ERR_NOTSUP || status == COCO_ERR_LIMIT;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_initdata_ coco_initdata *initdata = NULL;
    _cleanup_json_ cJSON *claims = NULL;
    _cleanup_free_ char *text = strndup((const char *)data, len);
    struct coco_digest digest = {0};

    if (!text)
        return 0;
    coco_status status = coco_initdata_parse(text, &initdata, NULL);
    if (status != COCO_OK) {
        if (!refused(status) || initdata)
            abort();
        return 0;
    }
    if (coco_initdata_digest_of(initdata, &digest, NULL) != COCO_OK)
        abort();
    check_digest(&digest, coco_initdata_text(initdata));
    check_format(initdata);
    status = coco_initdata_claims(initdata, &claims, NULL);
    if (status == COCO_OK)
        check_claims(claims);
    else if (!refused(status))
        abort();
    return 0;
}
