/*
 * crypto/cert_extension.c - what certificates of our own making say besides
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cert_extension.h"

#include <limits.h>

bool
coco_cert_add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return ok;
}

bool
coco_cert_add_data(X509 *cert, const char *oid, const void *data, size_t len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;

    if (object && content && len <= INT_MAX && ASN1_OCTET_STRING_set(content, data, (int)len) == 1)
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, content);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(object);
    return ok;
}
