/*
 * kbc/vault_settings.h - which Vault, and who we are to it
 *
 *     https://host[:port][/prefix][?name=value[&name=value]...]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_VAULT_SETTINGS_H
#define COCO_KBC_VAULT_SETTINGS_H

#include "base/cleanup.h"

#include <coco/error.h>

/* Each text is owned; NULL where there is none. */
struct coco_vault_settings {
    char *url;       /* without the query */
    char *mount;     /* of the secrets: "secret" */
    char *field;     /* of an entry that is the secret: "data" */
    char *transit;   /* of the keys: "transit" */
    char *approle;   /* where to log in: "approle" */
    char *jwt;       /* the same by a JWT: "jwt" */
    char *cert;      /* the same by a certificate: "cert" */
    char *space;     /* the namespace, or NULL */
    char *token;     /* file with a token, or NULL */
    char *role_id;   /* of AppRole, or NULL */
    char *secret_id; /* file with its secret id, or NULL */
    char *jwt_file;  /* with a JWT, or NULL */
    char *cert_file; /* with a certificate and what stands behind it, or NULL */
    char *key_file;  /* with its key */
    char *role;      /* name of the role of a JWT or certificate; NULL: the server's choice */
    unsigned kv;     /* version of the engine of secrets: 1 or 2 */
};

/*
 * COCO_ERR_INVALID for anything else. Secrets are in files alone: an address is shown,
 * logged and measured. Of token, role_id, jwt_file and cert_file one is named at most; without
 * one it is another's to say who we are, a proxy's of the Vault on this machine.
 */
coco_status coco_vault_settings_parse(const char *uri, struct coco_vault_settings *ret,
                                      coco_error **err);
void coco_vault_settings_done(struct coco_vault_settings *settings);
#define _cleanup_vault_settings_ _cleanup_(coco_vault_settings_done)

#endif
