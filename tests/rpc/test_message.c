/*
 * tests/rpc/test_message.c - lib/rpc/message.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "rpc/message.h"

#include "rpc/ttrpc.pb-c.h"
#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TYPE (&coco__ttrpc__request__descriptor)

static void
a_message_is_written_and_read(void **state)
{
    Coco__Ttrpc__KeyValue pair;
    Coco__Ttrpc__KeyValue *pairs[] = {&pair, &pair};
    Coco__Ttrpc__Request request;
    _cleanup_buf_ struct coco_buf buf = {.limit = 1000};
    _cleanup_(coco_message_freep) ProtobufCMessage *read = NULL;
    char service[] = "a.B", key[] = "k\xc3\xa9";
    uint8_t payload[] = {0, 1, 2};
    coco_error *err = NULL;

    (void)state;
    coco__ttrpc__key_value__init(&pair);
    coco__ttrpc__request__init(&request);
    pair.key = key;
    request.service = service;
    request.payload = (ProtobufCBinaryData){sizeof(payload), payload};
    request.timeout_nano = -5;
    request.metadata = pairs;
    request.n_metadata = 2;
    assert_ok(coco_message_format(&request.base, &buf, &err), err);
    assert_ok(coco_message_parse(TYPE, buf.data, buf.len, &read, &err), err);
    const Coco__Ttrpc__Request *got = (const Coco__Ttrpc__Request *)read;
    assert_string_equal(got->service, "a.B");
    assert_string_equal(got->method, "");
    assert_int_equal(got->payload.len, 3);
    assert_memory_equal(got->payload.data, payload, 3);
    assert_true(got->timeout_nano == -5);
    assert_int_equal(got->n_metadata, 2);
    assert_string_equal(got->metadata[1]->key, key);
}

static void
nothing_is_a_message_of_defaults(void **state)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *read = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_message_parse(TYPE, "", 0, &read, &err), err);
    assert_string_equal(((const Coco__Ttrpc__Request *)read)->service, "");
    coco_message_free(NULL);
}

static void
unknown_fields_are_passed_over(void **state)
{
    _cleanup_(coco_message_freep) ProtobufCMessage *read = NULL;
    coco_error *err = NULL;

    (void)state;
    /* 100: a varint, 101: bytes, and then the service. */
    assert_ok(coco_message_parse(TYPE, "\xa0\x06\x05\xaa\x06\x02zz\x0a\x01s", 11, &read, &err),
              err);
    assert_string_equal(((const Coco__Ttrpc__Request *)read)->service, "s");
}

static void
hostile_bytes_are_refused(void **state)
{
    static const struct {
        const char *data;
        size_t len;
        const char *why;
    } cases[] = {
        {"\x0a", 1, "not a coco.ttrpc.Request"},
        {"\x0a\x05xx", 4, "not a"},
        {"\x0a\xff\xff\xff\xff\x0f", 6, "not a"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "not a"},
        {"\x08\x05", 2, "not a"}, /* the service as a number */
        {"\x00\x05", 2, "not a"}, /* field 0 */
        {"\x80\x00\x05", 3, "field 0"},
        {"\x0b\x0c", 2, "not a"},         /* groups */
        {"\x0f", 1, "not a"},             /* wire type 7 */
        {"\x2a\x02\x0a\x05", 4, "not a"}, /* a pair that is cut */
        {"\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 13, "not a"},
        {"\x0a\x02\xff\xfe", 4, "no UTF-8"},
        {"\x0a\x02\xc0\xaf", 4, "no UTF-8"},
        {"\x2a\x04\x0a\x02\xed\xa0", 6, "no UTF-8"}, /* within a pair */
    };
    ProtobufCMessage *read = NULL;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(coco_message_parse(TYPE, cases[i].data, cases[i].len, &read, &err), err,
                     COCO_ERR_PROTO, cases[i].why);
    assert_null(read);
}

static void
size_and_memory_are_bounded(void **state)
{
    _cleanup_free_ uint8_t *data = calloc(1, COCO_RPC_MESSAGE_MAX + 1);
    ProtobufCMessage *read = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_non_null(data);
    assert_fails(coco_message_parse(TYPE, data, COCO_RPC_MESSAGE_MAX + 1, &read, &err), err,
                 COCO_ERR_LIMIT, "message of 4194305 bytes");
    for (size_t i = 0; i < COCO_RPC_MESSAGE_MAX; i += 2) {
        data[i] = 0x2a; /* an empty pair */
        data[i + 1] = 0;
    }
    assert_fails(coco_message_parse(TYPE, data, COCO_RPC_MESSAGE_MAX, &read, &err), err,
                 COCO_ERR_LIMIT, "memory");
    Coco__Ttrpc__Response response;
    struct coco_buf buf = {.limit = 1 << 24};
    coco__ttrpc__response__init(&response);
    response.payload = (ProtobufCBinaryData){COCO_RPC_MESSAGE_MAX, data};
    assert_fails(coco_message_format(&response.base, &buf, &err), err, COCO_ERR_LIMIT,
                 "message of");
    assert_null(read);
}

static void
messages_are_wiped(void **state)
{
    static const char secret[] = "a secret in a message";
    static const char wire[] = "\x1a\x15"
                               "a secret in a message";
    ProtobufCMessage *read = NULL;
    coco_error *err = NULL;

    (void)state;
    canary_begin(secret, strlen(secret));
    assert_ok(coco_message_parse(TYPE, wire, 23, &read, &err), err);
    struct coco_buf buf = {.limit = 1000};
    assert_ok(coco_message_format(read, &buf, &err), err);
    coco_message_free(read);
    coco_buf_done(&buf);
    assert_int_equal(canary_end(), 0);
}

static void
reading_and_writing_survive_any_failed_allocation(void **state)
{
    static const char wire[] = "\x0a\x01s\x1a\x02xx\x2a\x03\x0a\x01k\xa0\x06\x05";
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        ProtobufCMessage *read = NULL;
        struct coco_buf buf = {.limit = 1000};

        coco_status status = coco_message_parse(TYPE, wire, sizeof(wire) - 1, &read, &err);
        if (status == COCO_OK)
            status = coco_message_format(read, &buf, &err);
        fault_expect(status, err);
        coco_message_free(read);
        coco_buf_done(&buf);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_written_and_read),
        cmocka_unit_test(nothing_is_a_message_of_defaults),
        cmocka_unit_test(unknown_fields_are_passed_over),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(size_and_memory_are_bounded),
        cmocka_unit_test(messages_are_wiped),
        cmocka_unit_test(reading_and_writing_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
