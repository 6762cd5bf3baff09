/*
 * rpc/h2.c - what both sides of gRPC want of HTTP/2
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/h2.h"

#include "base/fail.h"

#include <string.h>

coco_status
coco_h2_count(struct coco_h2_headers *headers, nghttp2_vec name, nghttp2_vec value,
              coco_error **err)
{
    headers->n += 1;
    headers->bytes += name.len + value.len;
    if (headers->n > COCO_H2_HEADERS_MAX || headers->bytes > COCO_H2_HEADER_BYTES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "headers without end");
    return COCO_OK;
}

bool
coco_h2_is(nghttp2_vec text, const char *want)
{
    return text.len == strlen(want) && memcmp(text.base, want, text.len) == 0;
}

bool
coco_h2_is_grpc(nghttp2_vec type)
{
    static const char grpc[] = "application/grpc";
    size_t len = sizeof(grpc) - 1;

    return type.len >= len && memcmp(type.base, grpc, len) == 0
           && (type.len == len || type.base[len] == '+' || type.base[len] == ';');
}

nghttp2_mem
coco_h2_memory(struct coco_rpc_memory *memory)
{
    return (nghttp2_mem){
        .mem_user_data = memory,
        .malloc = coco_rpc_malloc,
        .free = coco_rpc_free,
        .calloc = coco_rpc_calloc,
        .realloc = coco_rpc_realloc,
    };
}

coco_status
coco_h2_fail(int rc, const struct coco_rpc_memory *memory, coco_error **err)
{
    if (memory->failed)
        return coco_fail_nomem(err);
    if (rc == NGHTTP2_ERR_NOMEM || rc == NGHTTP2_ERR_FLOODED)
        return coco_fail(err, COCO_ERR_LIMIT, "HTTP/2: %s", nghttp2_strerror(rc));
    return coco_fail(err, COCO_ERR_PROTO, "HTTP/2: %s", nghttp2_strerror(rc));
}

nghttp2_nv
coco_h2_header(const char *name, const char *value)
{
    union {
        const char *text;
        uint8_t *bytes; /* nghttp2 writes to none of them: it copies */
    } n = {name}, v = {value};

    return (nghttp2_nv){
        .name = n.bytes,
        .value = v.bytes,
        .namelen = strlen(name),
        .valuelen = strlen(value),
        .flags = NGHTTP2_NV_FLAG_NO_INDEX,
    };
}
