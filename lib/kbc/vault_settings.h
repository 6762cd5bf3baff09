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
    char *transit;   /* of the keys: "transit" */
    char *approle;   /* where to log in: "approle" */
    char *space;     /* the namespace, or NULL */
    char *token;     /* file with a token, or NULL */
    char *role;      /* id of the role, or NULL */
    char *secret_id; /* file with its secret id, or NULL */
    unsigned kv;     /* version of the engine of secrets: 1 or 2 */
};

/*
 * COCO_ERR_INVALID for anything else. Secrets are in files alone: an address is shown,
 * logged and measured. Either a token is named or a role.
 */
coco_status coco_vault_settings_parse(const char *uri, struct coco_vault_settings *ret,
                                      coco_error **err);
void coco_vault_settings_done(struct coco_vault_settings *settings);
#define _cleanup_vault_settings_ _cleanup_(coco_vault_settings_done)

#endif
