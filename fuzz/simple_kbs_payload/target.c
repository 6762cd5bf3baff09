/*
 * fuzz/simple_kbs_payload/target.c - what an answer of simple-kbs holds, and a connection
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/simple_kbs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define GUID "3ffd3bd5-19c7-4ac2-a4fc-3b1b0b2d6c7e"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    struct coco_simple_kbs_connection connection = {0};
    coco_error *err = NULL;

    coco_status status = coco_simple_kbs_payload_parse(data, len, GUID, &secret, &err);
    if ((status == COCO_OK) != (secret.data != NULL) || coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    err = NULL;
    status = coco_simple_kbs_connection_parse((const char *)data, len, &connection, &err);
    if ((status == COCO_OK) != (connection.key.data != NULL) || coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    coco_simple_kbs_connection_done(&connection);
    return 0;
}
