/*
 * rpc/message.h - messages of Protocol Buffers, read within bounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_MESSAGE_H
#define COCO_RPC_MESSAGE_H

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

/* What gRPC and ttrpc take unless told otherwise. */
#define COCO_RPC_MESSAGE_MAX ((size_t)4 << 20)

/*
 * Reads a message of that type, at most COCO_RPC_MESSAGE_MAX bytes, which may take four
 * times as much memory: COCO_ERR_LIMIT, and COCO_ERR_PROTO for what is none. Texts
 * (strings) are UTF-8 and end at the first NUL, if there is one. Unknown fields are kept,
 * as the encoding wants it.
 */
coco_status coco_message_parse(const ProtobufCMessageDescriptor *type, const void *data, size_t len,
                               ProtobufCMessage **ret, coco_error **err);

/* Appends it. */
coco_status coco_message_format(const ProtobufCMessage *message, struct coco_buf *buf,
                                coco_error **err);

/* Frees what parse made, wiped; NULL is fine. */
void coco_message_free(ProtobufCMessage *message);
COCO_DEFINE_CLEANUP(ProtobufCMessage *, coco_message_free);

#endif
