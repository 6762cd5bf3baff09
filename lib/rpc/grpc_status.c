/*
 * rpc/grpc_status.c - how a call over gRPC ended, as its trailers say it
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/grpc_status.h"

#include "base/fail.h"
#include "base/text.h"
#include "rpc/code.h"

#include <string.h>

static bool
parse_number(const char *text, size_t len, size_t max, uint64_t *ret)
{
    uint64_t number = 0;

    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = number;
    return true;
}

coco_status
coco_grpc_status_parse(const char *text, size_t len, uint32_t *ret, coco_error **err)
{
    uint64_t number = 0;

    if (!parse_number(text, len, 3, &number))
        return coco_fail(err, COCO_ERR_PROTO, "grpc-status is no number");
    *ret = (uint32_t)number;
    return COCO_OK;
}

coco_status
coco_grpc_message_parse(const char *text, size_t len, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < len && buf->len < buf->limit && status == COCO_OK; i++) {
        uint8_t byte = (uint8_t)text[i];

        if (byte == '%' && len - i > 2 && coco_unhex(text + i + 1, 2, &byte, 1))
            i += 2;
        status = coco_buf_append(buf, &byte, 1, err);
    }
    return status;
}

coco_status
coco_grpc_message_format(const char *message, struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; message[i] != '\0' && i < COCO_GRPC_STATUS_MESSAGE_MAX; i++) {
        char c = message[i];

        if (status != COCO_OK)
            break;
        if (c >= ' ' && c <= '~' && c != '%')
            status = coco_buf_append(buf, &c, 1, err);
        else
            status = coco_buf_printf(buf, err, "%%%02X", (unsigned)(uint8_t)c);
    }
    return status;
}

uint32_t
coco_grpc_status_of_http(uint32_t status)
{
    switch (status) {
    case 400:
        return COCO_RPC_INTERNAL;
    case 401:
        return COCO_RPC_UNAUTHENTICATED;
    case 403:
        return COCO_RPC_PERMISSION_DENIED;
    case 404:
        return COCO_RPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return COCO_RPC_UNAVAILABLE;
    default:
        return COCO_RPC_UNKNOWN;
    }
}

/* From the finest unit to the coarsest; ms is what one of them has, of the first two per ms. */
static const struct {
    char unit;
    uint64_t ms;
} units[] = {{'m', 1}, {'S', 1000}, {'M', 60000}, {'H', 3600000}};

#define DIGITS_MAX 8
#define NUMBER_MAX 99999999U

coco_status
coco_grpc_timeout_format(uint64_t ms, struct coco_buf *buf, coco_error **err)
{
    size_t i = 0;

    while (i < 3 && ms / units[i].ms > NUMBER_MAX)
        i++;
    uint64_t number = ms / units[i].ms;
    return coco_buf_printf(buf, err, "%llu%c",
                           (unsigned long long)(number < NUMBER_MAX ? number : NUMBER_MAX),
                           units[i].unit);
}

coco_status
coco_grpc_timeout_parse(const char *text, size_t len, uint64_t *ret, coco_error **err)
{
    uint64_t number = 0;
    uint64_t ms = 0;

    if (len < 2 || !parse_number(text, len - 1, DIGITS_MAX, &number))
        return coco_fail(err, COCO_ERR_PROTO, "grpc-timeout is no time");
    char unit = text[len - 1];
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (units[i].unit == unit)
            ms = number * units[i].ms;
    if (unit == 'u')
        ms = number / 1000 + 1;
    else if (unit == 'n')
        ms = number / 1000000 + 1;
    else if (!memchr("mSMH", unit, 4))
        return coco_fail(err, COCO_ERR_PROTO, "grpc-timeout has no unit");
    *ret = ms;
    return COCO_OK;
}
