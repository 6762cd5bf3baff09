/*
 * fuzz/kbs_config/target.c - configurations of a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is whole: nobody has to look for what is missing. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_config_ struct coco_kbs_config config = {0};

    /* Files are none of the fuzzer's business. */
    if (memmem(data, size, "/", 1) || memmem(data, size, "key", 3) || memmem(data, size, "cert", 4)
        || memmem(data, size, "roots", 5))
        return 0;
    if (coco_kbs_config_parse((const char *)data, size, &config, NULL) != COCO_OK)
        return 0;
    if (config.http.sockets.n == 0 || config.http.payload_request_size == 0
        || config.attestation.timeout == 0 || !config.attestation.issuer_name
        || !config.http.certificate != !config.http.private_key
        || (config.admin.n_providers > 0) != (config.admin.n_acls > 0))
        abort();
    return 0;
}
