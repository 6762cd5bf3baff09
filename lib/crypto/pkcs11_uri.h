/*
 * crypto/pkcs11_uri.h - names of tokens (RFC 7512)
 *
 *     pkcs11:token=NAME;serial=NUMBER?module-path=FILE&pin-source=file:FILE
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_CRYPTO_PKCS11_URI_H
#define COCO_CRYPTO_PKCS11_URI_H

#include <coco/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COCO_PKCS11_TEXT_MAX 255

/* What a URI says of a token; "" for what it does not. */
struct coco_pkcs11_uri {
    char token[33];  /* its label */
    char serial[17]; /* number */
    char manufacturer[33];
    char model[17];
    bool has_slot_id;
    uint64_t slot_id;
    char module_path[COCO_PKCS11_TEXT_MAX + 1];
    char pin_file[COCO_PKCS11_TEXT_MAX + 1]; /* of pin-source */
};

/*
 * COCO_ERR_INVALID for what is no such URI, for attributes of objects, for unknown ones,
 * which would match nothing (section 2.3), and for a PIN itself: those come from files.
 * A module-path must be there, as an absolute path.
 */
coco_status coco_pkcs11_uri_parse(const char *text, struct coco_pkcs11_uri *ret, coco_error **err);

#define COCO_PKCS11_ID_MAX 64

/* What a URI says of a key in a token. */
struct coco_pkcs11_key_uri {
    struct coco_pkcs11_uri token; /* module_path may be "" where module_name is not */
    char object[COCO_PKCS11_TEXT_MAX + 1];
    uint8_t id[COCO_PKCS11_ID_MAX];
    size_t id_len; /* 0 for none */
    char module_name[COCO_PKCS11_TEXT_MAX + 1];
    char pin[COCO_PKCS11_TEXT_MAX + 1]; /* of pin-value */
};

/*
 * The same for a key: "object" or "id" or both, and instead of a path of the module and a file
 * with the PIN the URI may have "module-name" and "pin-value". "type" may be "public" or "private"
 * and says nothing.
 */
coco_status coco_pkcs11_key_uri_parse(const char *text, struct coco_pkcs11_key_uri *ret,
                                      coco_error **err);
/* Wipes it, for it may hold a PIN. */
void coco_pkcs11_key_uri_done(struct coco_pkcs11_key_uri *uri);

#endif
