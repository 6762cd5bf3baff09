/*
 * crypto/ossl.h - OpenSSL's objects in our idiom
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_OSSL_H
#define COCO_CRYPTO_OSSL_H

#include "base/cleanup.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

COCO_DEFINE_CLEANUP(BIGNUM *, BN_clear_free);
COCO_DEFINE_CLEANUP(BIO *, BIO_free_all);
COCO_DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);
COCO_DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);
COCO_DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free);
COCO_DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free);
COCO_DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free);

static inline void
coco_ossl_errors_drop(const int *marked)
{
    /* A mark needs an error to sit on; without one the queue was empty. */
    if (*marked)
        (void)ERR_pop_to_mark();
    else
        ERR_clear_error();
}

/* Whether what failed last did so for want of memory: it says no more of anything then. */
static inline bool
coco_ossl_no_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE
           || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/*
 * OpenSSL queues its errors for the thread, and whoever uses TLS there next
 * would take them for its own: what we answer with a coco_error leaves none.
 */
#define coco_ossl_errors_are_ours()                                                                \
    __attribute__((cleanup(coco_ossl_errors_drop), unused)) const int ossl_marked_ = ERR_set_mark()

#endif
