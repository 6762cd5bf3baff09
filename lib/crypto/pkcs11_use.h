/*
 * crypto/pkcs11_use.h - the inside of crypto/pkcs11.h: one use of a token
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_PKCS11_USE_H
#define COCO_CRYPTO_PKCS11_USE_H

#include "crypto/pkcs11.h"

/* A session for one use. */
struct coco_pkcs11_use {
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
};

/* With CKF_RW_SESSION in flags objects may be made and destroyed. */
coco_status coco_pkcs11_use_begin(const struct coco_pkcs11 *token, CK_FLAGS flags,
                                  struct coco_pkcs11_use *ret, coco_error **err);
void coco_pkcs11_use_done(struct coco_pkcs11_use *use);
#define _cleanup_use_ _cleanup_(coco_pkcs11_use_done)

#define COCO_PKCS11_PIN_MAX ((size_t)256)

/* Appends a file with a PIN, which is its first line: *len bytes. */
coco_status coco_pkcs11_read_pin(const char *file, struct coco_buf *ret, size_t *len,
                                 coco_error **err);

/* Up to max objects of this class and label, or of any class: NULL. */
coco_status coco_pkcs11_find(const struct coco_pkcs11_use *use, const CK_OBJECT_CLASS *class,
                             const char *label, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *n,
                             coco_error **err);
/* The one object: COCO_ERR_NOTFOUND without any, COCO_ERR_INVALID for several. */
coco_status coco_pkcs11_find_one(const struct coco_pkcs11_use *use, CK_OBJECT_CLASS class,
                                 const char *label, CK_OBJECT_HANDLE *ret, coco_error **err);

/* The same by label and id. COCO_ERR_INVALID without either. */
coco_status coco_pkcs11_find_object(const struct coco_pkcs11_use *use, CK_OBJECT_CLASS class,
                                    const struct coco_pkcs11_object *object, CK_OBJECT_HANDLE *ret,
                                    coco_error **err);

/* The value of an object; COCO_ERR_DENIED for one that the token does not give. */
coco_status coco_pkcs11_value(const struct coco_pkcs11_use *use, CK_OBJECT_HANDLE object,
                              struct coco_secret *ret, coco_error **err);

/* What the token says, as an error. */
coco_status coco_pkcs11_fail(coco_error **err, CK_RV rv, const char *what);

#endif
