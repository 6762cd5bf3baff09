/*
 * rpc/grpc_status.h - how a call over gRPC ended, as its trailers say it
 *
 * gRPC over HTTP2, "Responses": grpc-status in decimal, grpc-message with what is not
 * printable ASCII as %XX.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_RPC_GRPC_STATUS_H
#define COCO_RPC_GRPC_STATUS_H

#include "base/buf.h"

#define COCO_GRPC_STATUS_MESSAGE_MAX ((size_t)1024)

/* COCO_ERR_PROTO for what is no number of at most three digits. */
coco_status coco_grpc_status_parse(const char *text, size_t len, uint32_t *ret, coco_error **err);

/* Appends what a message means, cut where buf ends; a broken %XX stays as it is. */
coco_status coco_grpc_message_parse(const char *text, size_t len, struct coco_buf *buf,
                                    coco_error **err);

/* Appends a message as it goes over the wire, cut at COCO_GRPC_STATUS_MESSAGE_MAX. */
coco_status coco_grpc_message_format(const char *message, struct coco_buf *buf, coco_error **err);

/* The code of an answer that is not gRPC's at all ("HTTP to gRPC Status Code Mapping"). */
uint32_t coco_grpc_status_of_http(uint32_t status);

/* Appends a relative deadline in ms as grpc-timeout has it: at most eight digits and a unit. */
coco_status coco_grpc_timeout_format(uint64_t ms, struct coco_buf *buf, coco_error **err);
/* Reads one; COCO_ERR_PROTO. What is below a millisecond counts as one. */
coco_status coco_grpc_timeout_parse(const char *text, size_t len, uint64_t *ret, coco_error **err);

#endif
