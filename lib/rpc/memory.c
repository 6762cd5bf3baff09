/*
 * rpc/memory.c - memory for the libraries that speak for us, bounded and wiped
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/memory.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before each block: how long it is, so that it can be wiped and given back. */
struct block {
    _Alignas(max_align_t) size_t size;
};

static struct block *
block_of(void *p)
{
    return (struct block *)p - 1;
}

void *
coco_rpc_malloc(size_t size, void *user)
{
    struct coco_rpc_memory *memory = user;

    if (size > memory->left) {
        memory->exceeded = true;
        return NULL;
    }
    struct block *block = malloc(sizeof(*block) + size); /* left is far below SIZE_MAX */
    if (!block) {
        memory->failed = true;
        return NULL;
    }
    block->size = size;
    memory->left -= size;
    return block + 1;
}

void *
coco_rpc_calloc(size_t n, size_t size, void *user)
{
    size_t all = 0;

    if (__builtin_mul_overflow(n, size, &all))
        all = SIZE_MAX;
    void *p = coco_rpc_malloc(all, user);
    if (p)
        memset(p, 0, all);
    return p;
}

void
coco_rpc_free(void *p, void *user)
{
    struct coco_rpc_memory *memory = user;

    if (!p)
        return;
    struct block *block = block_of(p);
    memory->left += block->size;
    OPENSSL_cleanse(p, block->size);
    free(block);
}

/* Never in place: what a block that moves leaves behind is wiped, too. */
void *
coco_rpc_realloc(void *p, size_t size, void *user)
{
    void *moved = coco_rpc_malloc(size, user);

    if (!moved || !p)
        return moved;
    memcpy(moved, p, block_of(p)->size < size ? block_of(p)->size : size);
    coco_rpc_free(p, user);
    return moved;
}
