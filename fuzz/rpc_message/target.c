/*
 * fuzz/rpc_message/target.c - messages of Protocol Buffers
 *
 * What is read is written, and reads as the same again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/message.h"
#include "rpc/ttrpc.pb-c.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *message = NULL;
    _cleanup_(coco_message_freep) ProtobufCMessage *again = NULL;
    _cleanup_buf_ struct coco_buf first = {.limit = 2 * COCO_RPC_MESSAGE_MAX};
    _cleanup_buf_ struct coco_buf second = {.limit = 2 * COCO_RPC_MESSAGE_MAX};
    coco_error *err = NULL;

    coco_status status = coco_message_parse(type, data, len, &message, &err);
    if ((status == COCO_OK) != (message != NULL) || coco_error_status(err) != status)
        abort();
    coco_error_free(err);
    if (!message)
        return;
    if (coco_message_format(message, &first, NULL) != COCO_OK
        || coco_message_parse(type, first.data, first.len, &again, NULL) != COCO_OK
        || coco_message_format(again, &second, NULL) != COCO_OK || first.len != second.len
        || memcmp(first.data, second.data, first.len) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    check(&coco__ttrpc__request__descriptor, data, len);
    check(&coco__ttrpc__response__descriptor, data, len);
    return 0;
}
