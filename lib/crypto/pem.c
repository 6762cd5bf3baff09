/*
 * crypto/pem.c - blocks of PEM texts (RFC 7468)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pem.h"

#include "base/fail.h"
#include "crypto/ossl.h"

#include <openssl/pem.h>
#include <string.h>

coco_status
coco_pem_begin(const void *text, size_t len, struct coco_pem_reader *ret, coco_error **err)
{
    BIO *bio = BIO_new_mem_buf(len > 0 ? text : "", (int)len);

    if (!bio)
        return coco_fail_nomem(err);
    ret->bio = bio;
    return COCO_OK;
}

void
coco_pem_end(struct coco_pem_reader *reader)
{
    BIO_free_all(reader->bio);
    reader->bio = NULL;
}

void
coco_pem_block_done(struct coco_pem_block *block)
{
    OPENSSL_free(block->label);
    OPENSSL_free(block->header);
    if (block->der)
        OPENSSL_clear_free(block->der, block->len);
    *block = (struct coco_pem_block){0};
}

bool
coco_pem_next(struct coco_pem_reader *reader, struct coco_pem_block *ret)
{
    coco_ossl_errors_are_ours();
    struct coco_pem_block block = {0};
    long len = 0;

    if (PEM_read_bio(reader->bio, &block.label, &block.header, &block.der, &len) != 1)
        return false;
    block.len = (size_t)len;
    *ret = block;
    return true;
}

bool
coco_pem_is_over(struct coco_pem_reader *reader)
{
    char c;

    while (BIO_read(reader->bio, &c, 1) == 1)
        if (!memchr("\r\n\t ", c, 4))
            return false;
    return true;
}
