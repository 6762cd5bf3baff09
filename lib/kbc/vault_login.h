/*
 * kbc/vault_login.h - how we tell a Vault who we are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_VAULT_LOGIN_H
#define COCO_KBC_VAULT_LOGIN_H

#include "base/secret.h"
#include "kbc/vault_settings.h"

/* The first line of a file, with a NUL behind it; COCO_ERR_PROTO unless it is one word. */
coco_status coco_vault_read_word(const char *path, struct coco_secret *ret, coco_error **err);

/* Whether the settings name a login, which gives a token. */
bool coco_vault_logs_in(const struct coco_vault_settings *settings);

/*
 * The request of that login: what stands behind "/v1", and the JSON that is sent there. What is
 * in files is read anew each time, for others renew it there.
 */
coco_status coco_vault_write_login(const struct coco_vault_settings *settings,
                                   struct coco_buf *path, struct coco_buf *body, coco_error **err);

#endif
