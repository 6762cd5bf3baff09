/*
 * rpc/memory.h - memory for the libraries that speak for us, bounded and wiped
 *
 * nghttp2 and protobuf-c take an allocator of their user's. This one stops at a limit,
 * whatever a peer makes them want, and wipes what they give back, for it held secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_MEMORY_H
#define COCO_RPC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct coco_rpc_memory {
    size_t left;   /* bytes that may still be had */
    bool exceeded; /* more was wanted */
    bool failed;   /* the system had none */
};

/* As malloc and its kin; user is a struct coco_rpc_memory, and what is NULL may be freed. */
void *coco_rpc_malloc(size_t size, void *user);
void *coco_rpc_calloc(size_t n, size_t size, void *user);
void *coco_rpc_realloc(void *p, size_t size, void *user);
void coco_rpc_free(void *p, void *user);

#endif
