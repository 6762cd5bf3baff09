/*
 * keyprovider/service.c - the key provider as a service of gRPC and ttrpc
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/service.h"

#include "base/fail.h"
#include "ocicrypt/keyprovider.pb-c.h"
#include "ocicrypt/provider_json.h"
#include "ocicrypt/provider_rpc.h"
#include "rpc/message.h"

#include <string.h>

#define SERVICE "/" COCO_PROVIDER_SERVICE "/"

static coco_status
call(void *self, coco_ctx *ctx, const char *method, const uint8_t *message, size_t len,
     struct coco_buf *reply, coco_error **err)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *parsed = NULL;
    _cleanup_buf_ struct coco_buf json = {.limit = COCO_PROVIDER_JSON_MAX};
    Keyprovider__KeyProviderKeyWrapProtocolOutput output;

    /* Both carry a request that says itself what is asked; the one is believed no more. */
    if (strcmp(method, SERVICE "WrapKey") != 0 && strcmp(method, SERVICE "UnWrapKey") != 0)
        return coco_fail(err, COCO_ERR_NOTSUP, "there is no such method");
    coco_status status = coco_message_parse(
        &keyprovider__key_provider_key_wrap_protocol_input__descriptor, message, len, &parsed, err);
    if (status != COCO_OK)
        return status;
    const Keyprovider__KeyProviderKeyWrapProtocolInput *input =
        (const Keyprovider__KeyProviderKeyWrapProtocolInput *)parsed;
    status = coco_keyprovider_answer(self, ctx,
                                     (const char *)input->keyproviderkeywrapprotocolinput.data,
                                     input->keyproviderkeywrapprotocolinput.len, &json, err);
    if (status != COCO_OK)
        return status;
    keyprovider__key_provider_key_wrap_protocol_output__init(&output);
    output.keyproviderkeywrapprotocoloutput.data = json.data;
    output.keyproviderkeywrapprotocoloutput.len = json.len;
    return coco_message_format(&output.base, reply, err);
}

struct coco_rpc_service
coco_keyprovider_service(struct coco_keyprovider *provider)
{
    return (struct coco_rpc_service){.call = call, .self = provider};
}
