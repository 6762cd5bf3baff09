/*
 * fuzz/vault_settings/target.c - settings of a Vault: what is taken leads nowhere else
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/vault_settings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What becomes a part of a path, or a header. */
static void
check(const char *text)
{
    if (!text)
        return;
    if (text[0] == '\0' || strncmp(text, "../", 3) == 0 || strpbrk(text, "?#%\r\n "))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_vault_settings_ struct coco_vault_settings settings = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);

    if (!text)
        return 0;
    coco_status status = coco_vault_settings_parse(text, &settings, NULL);
    if (status != COCO_OK) {
        if (status != COCO_ERR_INVALID || settings.url)
            abort();
        return 0;
    }
    const int ways =
        !!settings.token + !!settings.role_id + !!settings.jwt_file + !!settings.cert_file;
    if (ways > 1 || !settings.cert_file != !settings.key_file
        || (settings.kv != 1 && settings.kv != 2))
        abort();
    check(settings.mount);
    check(settings.field);
    check(settings.transit);
    check(settings.approle);
    check(settings.space);
    check(settings.jwt);
    check(settings.cert);
    check(settings.role_id);
    check(settings.role);
    return 0;
}
