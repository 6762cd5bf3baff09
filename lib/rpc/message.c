/*
 * rpc/message.c - messages of Protocol Buffers, read within bounds
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/message.h"

#include "base/fail.h"
#include "base/secret.h"
#include "base/text.h"
#include "rpc/memory.h"

#include <string.h>

/* An empty element of a list takes two bytes on the wire and some tens in memory. */
#define MEMORY_MAX (4 * COCO_RPC_MESSAGE_MAX)

static void *
alloc(void *user, size_t size)
{
    return coco_rpc_malloc(size, user);
}

static void
dealloc(void *user, void *p)
{
    coco_rpc_free(p, user);
}

void
coco_message_free(ProtobufCMessage *message)
{
    struct coco_rpc_memory memory = {0};
    ProtobufCAllocator allocator = {.alloc = alloc, .free = dealloc, .allocator_data = &memory};

    if (message)
        protobuf_c_message_free_unpacked(message, &allocator);
}

/* protobuf-c ends a string with a NUL and does not look into it. */
static bool
is_text(const char *text)
{
    return !text || coco_utf8_valid(text, strlen(text));
}

static bool is_sound(const ProtobufCMessage *message);

static bool
check_field(const ProtobufCFieldDescriptor *field, const uint8_t *at, const uint8_t *quantity)
{
    size_t n = 1;
    const void *const *list = (const void *const *)(const void *)at;

    if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t chosen = 0;

        memcpy(&chosen, quantity, sizeof(chosen));
        if (chosen != field->id)
            return true;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&n, quantity, sizeof(n));
        list = (const void *const *)*list;
    }
    for (size_t i = 0; i < n; i++) {
        if (field->type == PROTOBUF_C_TYPE_STRING && !is_text(list[i]))
            return false;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE && list[i] && !is_sound(list[i]))
            return false;
    }
    return true;
}

/*
 * What protobuf-c lets through: texts that are none, and fields called 0 in more bytes than
 * one. As deep as the types go: none of ours is within itself.
 */
static bool
is_sound(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const uint8_t *base = (const uint8_t *)message;

    for (unsigned i = 0; i < type->n_fields; i++)
        if (!check_field(&type->fields[i], base + type->fields[i].offset,
                         base + type->fields[i].quantifier_offset))
            return false;
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (message->unknown_fields[i].tag == 0)
            return false;
    return true;
}

coco_status
coco_message_parse(const ProtobufCMessageDescriptor *type, const void *data, size_t len,
                   ProtobufCMessage **ret, coco_error **err)
{
    struct coco_rpc_memory memory = {.left = MEMORY_MAX};
    ProtobufCAllocator allocator = {.alloc = alloc, .free = dealloc, .allocator_data = &memory};

    if (len > COCO_RPC_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message of %zu bytes", len);
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, len, data);
    if (!message && memory.failed)
        return coco_fail_nomem(err);
    if (!message && memory.exceeded)
        return coco_fail(err, COCO_ERR_LIMIT, "%s takes too much memory", type->name);
    if (!message)
        return coco_fail(err, COCO_ERR_PROTO, "not a %s", type->name);
    if (!is_sound(message)) {
        coco_message_free(message);
        return coco_fail(err, COCO_ERR_PROTO, "%s has a text that is no UTF-8, or a field 0",
                         type->name);
    }
    *ret = message;
    return COCO_OK;
}

coco_status
coco_message_format(const ProtobufCMessage *message, struct coco_buf *buf, coco_error **err)
{
    struct coco_secret packed = {0};
    size_t len = protobuf_c_message_get_packed_size(message);

    if (len > COCO_RPC_MESSAGE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "message of %zu bytes", len);
    coco_status status = coco_secret_alloc(len, &packed, err);
    if (status != COCO_OK)
        return status;
    (void)protobuf_c_message_pack(message, packed.data);
    status = coco_buf_append(buf, packed.data, packed.len, err);
    coco_secret_done(&packed);
    return status;
}
