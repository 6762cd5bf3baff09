/*
 * crypto/pkcs11_secret.c - secrets in a token of PKCS#11
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/pkcs11_use.h"

#include "base/fail.h"

#include <string.h>

/* Of one label: more are not expected, and what remains is looked for again. */
#define FOUND_MAX 16

static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;

coco_status
coco_pkcs11_secret_get(const struct coco_pkcs11 *token, const char *label, struct coco_secret *ret,
                       coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    CK_OBJECT_HANDLE object = 0;

    coco_status status = coco_pkcs11_use_begin(token, 0, &use, err);
    if (status == COCO_OK)
        status = coco_pkcs11_find_one(&use, CKO_SECRET_KEY, label, &object, err);
    if (status == COCO_OK)
        status = coco_pkcs11_value(&use, object, ret, err);
    return status;
}

/* Those of this label but for keep, which is 0 for none. */
static coco_status
destroy_all(const struct coco_pkcs11_use *use, const char *label, CK_OBJECT_HANDLE keep,
            size_t *ret, coco_error **err)
{
    const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_OBJECT_HANDLE found[FOUND_MAX];
    CK_ULONG n = 0;
    size_t destroyed = 0;

    do {
        destroyed = 0;
        coco_status status = coco_pkcs11_find(use, &class, label, found, FOUND_MAX, &n, err);
        if (status != COCO_OK)
            return status;
        for (CK_ULONG i = 0; i < n; i++) {
            if (found[i] == keep)
                continue;
            CK_RV rv = use->functions->C_DestroyObject(use->session, found[i]);
            if (rv != CKR_OK)
                return coco_pkcs11_fail(err, rv, "C_DestroyObject");
            destroyed++;
        }
        *ret += destroyed;
    } while (destroyed > 0);
    return COCO_OK;
}

/* A session object, as upstream makes them, would be gone with the KBS: it is one of the token. */
static coco_status
create(const struct coco_pkcs11_use *use, const char *label, struct coco_secret *value,
       CK_OBJECT_HANDLE *ret, coco_error **err)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    char copy[COCO_PKCS11_LABEL_MAX];
    size_t len = strlen(label); /* was looked for */

    memcpy(copy, label, len);
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)},   {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &yes, sizeof(yes)},       {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &yes, sizeof(yes)}, {CKA_SENSITIVE, &no, sizeof(no)},
        {CKA_VALUE, value->data, value->len}, {CKA_LABEL, copy, len},
    };
    CK_RV rv = use->functions->C_CreateObject(use->session, attributes,
                                              sizeof(attributes) / sizeof(attributes[0]), ret);
    return rv == CKR_OK ? COCO_OK : coco_pkcs11_fail(err, rv, "C_CreateObject");
}

/* The new one is there before those of before go: at no moment there is none. */
coco_status
coco_pkcs11_secret_put(const struct coco_pkcs11 *token, const char *label, const void *data,
                       size_t len, coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    _cleanup_secret_ struct coco_secret value = {0};
    CK_OBJECT_HANDLE found = 0;
    CK_OBJECT_HANDLE made = 0;
    CK_ULONG n = 0;
    size_t destroyed = 0;

    if (len == 0)
        return coco_fail(err, COCO_ERR_INVALID, "a token keeps no empty secrets");
    coco_status status = coco_pkcs11_use_begin(token, CKF_RW_SESSION, &use, err);
    if (status == COCO_OK) /* that the label is one */
        status = coco_pkcs11_find(&use, &secret_key, label, &found, 1, &n, err);
    if (status == COCO_OK)
        status = coco_secret_copy(data, len, &value, err);
    if (status == COCO_OK)
        status = create(&use, label, &value, &made, err);
    if (status == COCO_OK)
        status = destroy_all(&use, label, made, &destroyed, err);
    return status;
}

coco_status
coco_pkcs11_secret_delete(const struct coco_pkcs11 *token, const char *label, coco_error **err)
{
    _cleanup_use_ struct coco_pkcs11_use use = {0};
    size_t destroyed = 0;

    coco_status status = coco_pkcs11_use_begin(token, CKF_RW_SESSION, &use, err);
    if (status == COCO_OK)
        status = destroy_all(&use, label, 0, &destroyed, err);
    if (status == COCO_OK && destroyed == 0)
        status = coco_fail(err, COCO_ERR_NOTFOUND, "the token has no such object");
    return status;
}
