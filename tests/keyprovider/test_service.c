/*
 * tests/keyprovider/test_service.c - lib/keyprovider/service.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/service.h"

#include "ocicrypt/keyprovider.pb-c.h"
#include "rpc/message.h"
#include "tests/faults.h"
#include "tests/keyprovider/asking.h"
#include "tests/support.h"

#include <string.h>

#define WRAP "/keyprovider.KeyProviderService/WrapKey"

static struct coco_keyprovider provider;

static void
write_message(const char *parameter, bool wrap, struct coco_buf *message)
{
    Keyprovider__KeyProviderKeyWrapProtocolInput input;
    struct coco_buf json = {.limit = COCO_PROVIDER_JSON_MAX};
    coco_error *err = NULL;

    write_request(parameter, wrap, &json);
    keyprovider__key_provider_key_wrap_protocol_input__init(&input);
    input.keyproviderkeywrapprotocolinput.data = json.data;
    input.keyproviderkeywrapprotocolinput.len = json.len;
    assert_ok(coco_message_format(&input.base, message, &err), err);
    coco_buf_done(&json);
}

static void
a_message_is_answered_by_a_message(void **state)
{
    const struct coco_rpc_service service = coco_keyprovider_service(&provider);
    struct coco_buf message = {.limit = 1 << 16};
    struct coco_buf reply = {.limit = 1 << 16};
    struct coco_buf json = {.limit = 1 << 16};
    struct coco_buf packet = {.limit = 1 << 16};
    ProtobufCMessage *parsed = NULL;
    coco_error *err = NULL;

    (void)state;
    write_message("sample=true", true, &message);
    assert_ok(service.call(service.self, NULL, WRAP, message.data, message.len, &reply, &err), err);
    assert_ok(coco_message_parse(&keyprovider__key_provider_key_wrap_protocol_output__descriptor,
                                 reply.data, reply.len, &parsed, &err),
              err);
    const Keyprovider__KeyProviderKeyWrapProtocolOutput *output =
        (const Keyprovider__KeyProviderKeyWrapProtocolOutput *)parsed;
    assert_ok(coco_buf_append(&json, output->keyproviderkeywrapprotocoloutput.data,
                              output->keyproviderkeywrapprotocoloutput.len, &err),
              err);
    read_reply(&json, &packet);
    assert_contains(coco_buf_text(&packet), "kbs:///default/test-key/1");
    coco_message_free(parsed);
    coco_buf_done(&message);
    coco_buf_done(&reply);
    coco_buf_done(&json);
    coco_buf_done(&packet);
}

static void
what_is_none_is_refused(void **state)
{
    const struct coco_rpc_service service = coco_keyprovider_service(&provider);
    struct coco_buf message = {.limit = 1 << 16};
    struct coco_buf reply = {.limit = 1 << 16};
    coco_error *err = NULL;

    (void)state;
    write_message("sample=true", false, &message);
    assert_fails(service.call(service.self, NULL, "/keyprovider.KeyProviderService/Other",
                              message.data, message.len, &reply, &err),
                 err, COCO_ERR_NOTSUP, "no such method");
    assert_fails(service.call(service.self, NULL, "/keyprovider.KeyProviderService/UnWrapKey",
                              message.data, message.len, &reply, &err),
                 err, COCO_ERR_NOTSUP, "in guests");
    assert_fails(service.call(service.self, NULL, WRAP, message.data, 3, &reply, &err), err,
                 COCO_ERR_PROTO, "");
    assert_fails(service.call(service.self, NULL, WRAP, message.data, 0, &reply, &err), err,
                 COCO_ERR_PROTO, "request to a key provider");
    assert_int_equal(reply.len, 0);
    coco_buf_done(&message);
    coco_buf_done(&reply);
}

static void
answering_survives_any_failed_allocation(void **state)
{
    const struct coco_rpc_service service = coco_keyprovider_service(&provider);
    struct coco_buf message = {.limit = 1 << 16};

    (void)state;
    write_message("sample=true", true, &message);
    for_each_fault()
    {
        struct coco_buf reply = {.limit = 1 << 16};
        coco_error *err = NULL;

        coco_status status =
            service.call(service.self, NULL, WRAP, message.data, message.len, &reply, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_buf_done(&reply);
    }
    coco_buf_done(&message);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_answered_by_a_message),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(answering_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
