/*
 * rpc/h2.h - what both sides of gRPC want of HTTP/2
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_H2_H
#define COCO_RPC_H2_H

#include "rpc/memory.h"

#include <coco/error.h>

#include <nghttp2/nghttp2.h>

/* What one connection may take of nghttp2's memory: its windows, and tables of headers. */
#define COCO_H2_MEMORY_MAX ((size_t)8 << 20)
/* Headers of one call, with trailers and those of informational answers. */
#define COCO_H2_HEADERS_MAX 128
#define COCO_H2_HEADER_BYTES_MAX ((size_t)32 << 10)

/* How much of headers a call has had. */
struct coco_h2_headers {
    size_t n;
    size_t bytes;
};

/* Counts one more: COCO_ERR_LIMIT. */
coco_status coco_h2_count(struct coco_h2_headers *headers, nghttp2_vec name, nghttp2_vec value,
                          coco_error **err);

/* Whether it is that text. */
bool coco_h2_is(nghttp2_vec text, const char *want);

/* Whether a content-type is gRPC's: "application/grpc", with "+proto" or ";x=y" behind it. */
bool coco_h2_is_grpc(nghttp2_vec type);

/* memory as nghttp2 has it; lent by memory, which ret must not outlive. */
nghttp2_mem coco_h2_memory(struct coco_rpc_memory *memory);

/* Fails as nghttp2 did, which had memory. */
coco_status coco_h2_fail(int rc, const struct coco_rpc_memory *memory, coco_error **err);

/* A header, that is not put into tables which both sides keep: it may be a secret's. */
nghttp2_nv coco_h2_header(const char *name, const char *value);

#endif
