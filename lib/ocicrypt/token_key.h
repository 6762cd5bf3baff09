/*
 * ocicrypt/token_key.h - a key in a token of PKCS#11, by a key file of ocicrypt
 *
 *     pkcs11:
 *       uri: pkcs11:token=…;object=…?module-path=…&pin-source=…
 *     module:
 *       env:
 *         NAME: value
 *
 * A module is code. Which may be loaded says a file of ocicrypt's settings, or else its defaults.
 *
 * Source: containers/ocicrypt docs/pkcs11.md, crypto/pkcs11/common.go (guest-protocols 5.3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_OCICRYPT_TOKEN_KEY_H
#define COCO_OCICRYPT_TOKEN_KEY_H

#include "base/json.h"
#include "crypto/pkcs11_uri.h"

#include <stdatomic.h>

/* Where modules are, and which of them may be loaded: lists of paths, "/" at the end for a folder.
 */
struct coco_token_modules {
    cJSON *settings; /* or NULL: the defaults */
    const cJSON *directories;
    const cJSON *allowed;
};

/* COCO_ERR_PROTO for what are no settings of ocicrypt's; COCO_ERR_NOTSUP as coco_yaml_parse(). */
coco_status coco_token_modules_parse(const char *text, size_t len, struct coco_token_modules *ret,
                                     coco_error **err);
void coco_token_modules_done(struct coco_token_modules *modules);

struct coco_token_key {
    struct coco_pkcs11_key_uri uri; /* with the path of its module */
    atomic_bool refused;            /* the token did not take the PIN, and is not asked again */
};

/*
 * Reads a key file. COCO_ERR_DENIED for a module that may not be loaded, COCO_ERR_NOTFOUND for one
 * by name that is nowhere. What the file sets in the environment is set there for good, for the
 * module to see: COCO_ERR_INVALID where it is there with another value.
 */
coco_status coco_token_key_parse(const char *text, size_t len,
                                 const struct coco_token_modules *modules,
                                 struct coco_token_key *ret, coco_error **err);
/* The same of a URI alone; nothing is set in the environment. */
coco_status coco_token_key_parse_uri(const char *uri, const struct coco_token_modules *modules,
                                     struct coco_token_key *ret, coco_error **err);
void coco_token_key_done(struct coco_token_key *key);

#endif
