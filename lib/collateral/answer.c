/*
 * collateral/answer.c - what the makers' services answer
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/answer.h"

#include "base/fail.h"
#include "base/text.h"
#include "collateral/expiry.h"
#include "crypto/cert.h"

#include <string.h>

#define CHAIN_MAX ((size_t)32 << 10)

/* RFC 3986 section 2.1: "%0A" is a line's end; all else stands for itself. */
coco_status
coco_answer_decode(const char *text, struct coco_buf *pem, coco_error **err)
{
    coco_status status = COCO_OK;

    while (*text && status == COCO_OK) {
        size_t plain = strcspn(text, "%");
        uint8_t byte = 0;

        status = coco_buf_append(pem, text, plain, err);
        text += plain;
        if (status != COCO_OK || !*text)
            continue;
        if (strnlen(text, 3) < 3 || !coco_unhex(text + 1, 2, &byte, 1) || byte == 0)
            return coco_fail(err, COCO_ERR_PROTO, "is not encoded as in a URL");
        status = coco_buf_append(pem, &byte, 1, err);
        text += 3;
    }
    return status;
}

static coco_status
put(struct coco_items *items, const char *name, const void *data, size_t len, coco_error **err)
{
    struct coco_item *item = NULL;
    int64_t expires = 0;

    coco_status status = coco_collateral_expiry(name, data, len, &expires, err);
    if (status == COCO_OK)
        status = coco_items_put(items, name, data, len, &item, err);
    if (status == COCO_OK)
        item->expires = expires;
    return status == COCO_OK ? status : coco_wrap(err, status, "%s", name);
}

static coco_status
put_chain(const struct coco_request *request, const char *header, struct coco_items *items,
          coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = CHAIN_MAX};

    if (!header)
        return coco_fail(err, COCO_ERR_PROTO, "there is no %s", request->chain_header);
    coco_status status = coco_answer_decode(header, &pem, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", request->chain_header);
    return put(items, request->chain, coco_buf_text(&pem), pem.len, err);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

/* DER, whatever it came as: a PCCS has some lists in hex, and the PCS some in PEM. */
static coco_status
put_crl(const struct coco_request *request, const void *body, size_t len, struct coco_items *items,
        coco_error **err)
{
    _cleanup_free_ uint8_t *bytes = malloc(len / 2 + 1);
    _cleanup_crl_ X509_CRL *crl = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_CRL_SIZE_MAX};
    unsigned char *encoded = NULL;

    if (!bytes)
        return coco_fail_nomem(err);
    bool hex = len > 1 && len % 2 == 0 && coco_unhex(body, len, bytes, len / 2);
    coco_status status = coco_crl_parse(hex ? bytes : body, hex ? len / 2 : len, &crl, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s", request->body);
    int size = i2d_X509_CRL(crl, &encoded);
    if (size <= 0)
        return coco_fail_nomem(err);
    status = coco_buf_append(&der, encoded, (size_t)size, err);
    OPENSSL_free(encoded);
    return status == COCO_OK ? put(items, request->body, der.data, der.len, err) : status;
}

coco_status
coco_answer_parse(const struct coco_request *request, const char *header, const void *body,
                  size_t len, struct coco_items *ret, coco_error **err)
{
    _cleanup_items_ struct coco_items items = {0};
    coco_status status = COCO_OK;

    if (ends_with(request->body, ".crl"))
        status = put_crl(request, body, len, &items, err);
    else
        status = put(&items, request->body, body, len, err);
    if (status == COCO_OK && request->chain_header)
        status = put_chain(request, header, &items, err);
    if (status != COCO_OK)
        return status;
    *ret = items;
    items = (struct coco_items){0};
    return COCO_OK;
}
