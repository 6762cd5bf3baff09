/*
 * tests/verifier/test_event_details.c - lib/verifier/event_details.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/event_details.h"

#include "tests/faults.h"

#include <string.h>

#define DATA(text) text, sizeof(text) - 1
#define GUID "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
#define IMAGE "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

#define POST_CODE 0x1U
#define TAG 0x6U
#define FLAGS 0xaU
#define IPL 0xdU
#define VARIABLE 0x80000001U
#define APPLICATION 0x80000003U
#define ACTION 0x80000007U
#define BLOB 0x8000000aU
#define TABLES 0x8000000bU

static const struct {
    uint32_t type;
    const char *data;
    size_t len;
    const char *want;
} cases[] = {
    /* nothing is read of these */
    {COCO_EV_SEPARATOR, DATA("\0\0\0\0"), "{}"},
    {COCO_EV_NO_ACTION, DATA("text"), "{}"},
    {0x80000006, DATA("text"), "{}"},
    /* texts */
    {POST_CODE, DATA("ACPI DATA"), "{\"string\":\"ACPI DATA\"}"},
    {ACTION, DATA("Calling"), "{\"string\":\"Calling\"}"},
    {ACTION, DATA(""), "{\"string\":\"\"}"},
    {ACTION, DATA("\x0f"), "{\"string\":\"\\u000f\"}"},
    {ACTION, DATA("a\0b"), "{}"},
    {ACTION, DATA("\xff"), "{}"},
    {BLOB, DATA("\x0btd_payload\0\0"), "{\"string\":\"td_payload\"}"},
    {TABLES, DATA("\x09TdxTable\0"), "{\"string\":\"TdxTable\"}"},
    {TABLES, DATA("\x01"), "{\"string\":\"\"}"},
    {TABLES, DATA(""), "{}"},
    {TABLES, DATA("\0"), "{}"},
    {TABLES, DATA("\x05tab"), "{}"},
    {TABLES, DATA("\x04\xff\xff\xff"), "{}"},
    {FLAGS,
     DATA("a\x10"
          "b\0\1\x7f\xc2\x85\xc3\xa4"),
     "{\"string\":\"a b\xc3\xa4\"}"},
    {FLAGS, DATA("a\xff"), "{\"string\":\"\"}"},
    /* boot loaders */
    {IPL, DATA("Mok"), "{\"string\":\"Mok\"}"},
    {IPL, DATA("grub_cmd x\0y"), "{\"string\":\"grub_cmd x\"}"},
    {IPL, DATA(".\0l\0i\0n\0\0\0"), "{\"string\":\"lin\"}"},
    {IPL, DATA("\xff\0"), "{\"string\":\"ff00\"}"},
    {IPL, DATA("a"), "{}"},
    {IPL, DATA(".\0"), "{}"},
    {IPL, DATA(".\0a\0b"), "{}"},
    /* what Linux and the guest measure */
    {TAG, DATA("\xec;\x8b\x8f\x0d\0\0\0Linux initrd\0"), "{\"string\":\"Linux initrd\"}"},
    {TAG, DATA("\1\0\0\0\4\0\0\0a\xff\xe2\x82"), "{\"string\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}"},
    {TAG, DATA("\1\0\0\0\4\0\0\0a"), "{}"},
    {TAG, DATA("\1\0\0"), "{}"},
    {TAG, DATA("LEAA\x0a\0\0\0d o c c\0d\n"), "{}"},
    {TAG, DATA("LEAA\x05\0\0\0d o c"),
     "{\"unicode_name\":\"AAEL\",\"data\":{\"domain\":\"d\",\"operation\":\"o\","
     "\"content\":\"c\"},\"string\":\"d o c\"}"},
    {TAG, DATA("LEAA\x0d\0\0\0d o {\"a\":[1]}"),
     "{\"unicode_name\":\"AAEL\",\"data\":{\"domain\":\"d\",\"operation\":\"o\","
     "\"content\":{\"a\":[1]}},\"string\":\"d o {\\\"a\\\":[1]}\"}"},
    {TAG, DATA("LEAA\x11\0\0\0d o {\"a\":1,\"a\":2}"),
     "{\"unicode_name\":\"AAEL\",\"data\":{\"domain\":\"d\",\"operation\":\"o\","
     "\"content\":\"{\\\"a\\\":1,\\\"a\\\":2}\"},\"string\":\"d o {\\\"a\\\":1,\\\"a\\\":2}\"}"},
    {TAG, DATA("LEAA\x03\0\0\0d o"), "{}"},
    /* variables */
    {VARIABLE, DATA(GUID "\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0P\0K\0\1"),
     "{\"unicode_name\":\"PK\",\"unicode_name_length\":2,\"variable_data\":\"AQ==\","
     "\"variable_data_length\":1,\"variable_name\":\"01020304-0506-0708-090a-0b0c0d0e0f10\"}"},
    {VARIABLE, DATA(GUID "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     "{\"unicode_name\":\"\",\"unicode_name_length\":0,\"variable_data\":\"\","
     "\"variable_data_length\":0,\"variable_name\":\"01020304-0506-0708-090a-0b0c0d0e0f10\"}"},
    {VARIABLE, DATA("\1\2\3"), "{}"},
    {VARIABLE, DATA(GUID "\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0P\0K"), "{}"},
    {VARIABLE, DATA(GUID "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0P\0"), "{}"},
    {VARIABLE, DATA(GUID "\1\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0P\0"), "{}"},
    {VARIABLE, DATA(GUID "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), "{}"},
    {VARIABLE, DATA(GUID "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xd8"), "{}"},
    {VARIABLE, DATA(GUID "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "{}"},
    /* images */
    {APPLICATION, DATA(IMAGE "\0\0\0\0\0\0\0\0"), "{}"},
    {APPLICATION, DATA(IMAGE "\x10\0\0\0\0\0\0\0\1\1\6\0\0\1\4\4\6\0\0\0\x7f\xff\4\0"),
     "{\"device_paths\":[\"Pci(0,1)\",\"File()\"]}"},
    {APPLICATION, DATA(IMAGE "\x0a\0\0\0\0\0\0\0\1\1\6\0\0\1\x7f\xff\4\0"),
     "{\"device_paths\":[\"Pci(0,1)\"]}"},
    {APPLICATION, DATA(IMAGE "\4\0\0\0\0\0\0\0\x7f\xff\4\0"), "{}"},
    {APPLICATION, DATA(IMAGE "\x0a\0\0\0\0\0\0\0\1\1\3\0\0\1\x7f\xff\4\0"), "{}"},
    {APPLICATION, DATA(IMAGE "\x0a\0\0\0\0\0\0\0\1\1\7\0\0\1\x7f\xff\4\0"), "{}"},
    {APPLICATION, DATA(IMAGE "\xff\xff\xff\xff\xff\xff\xff\xff\1\1\6\0\0\1\x7f\xff\4\0"), "{}"},
    {APPLICATION, DATA(IMAGE "\x40\0\0\0\0\0\0\0\1\1\6\0\0\1\x7f\xff\4\0"), "{}"},
    {APPLICATION, DATA(IMAGE), "{}"},
};

static void
events_say_what_upstream_reads_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_event event = {
            .type = cases[i].type, .data = (const uint8_t *)cases[i].data, .len = cases[i].len};
        _cleanup_buf_ struct coco_buf text = {.limit = 4096};
        _cleanup_json_ cJSON *details = NULL;
        coco_error *err = NULL;

        assert_ok(coco_json_new_object(&details, &err), err);
        assert_ok(coco_event_details(&event, details, &err), err);
        assert_ok(coco_json_write(details, COCO_JSON_COMPACT, &text, &err), err);
        if (strcmp(coco_buf_text(&text), cases[i].want) != 0)
            fail_msg("case %zu gives %s", i, coco_buf_text(&text));
    }
}

/* Claims stand in a token, which has levels of its own. */
static void
content_of_too_many_levels_is_text(void **state)
{
    for (size_t levels = 28; levels <= 36; levels++) {
        char data[128] = "LEAA\0\0\0\0d o ";
        struct coco_event event = {.type = TAG, .data = (const uint8_t *)data};
        _cleanup_json_ cJSON *details = NULL;
        coco_error *err = NULL;

        (void)state;
        memset(data + 12, '[', levels);
        memset(data + 12 + levels, ']', levels);
        event.len = 12 + 2 * levels;
        data[4] = (char)(event.len - 8);
        assert_ok(coco_json_new_object(&details, &err), err);
        assert_ok(coco_event_details(&event, details, &err), err);
        const cJSON *content = cJSON_GetObjectItem(cJSON_GetObjectItem(details, "data"), "content");
        assert_true(levels <= 32 ? cJSON_IsArray(content) : cJSON_IsString(content));
    }
}

static void
reading_survives_every_failing_allocation(void **state)
{
    static const uint32_t types[] = {TAG, VARIABLE, APPLICATION};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_event event = {
            .type = cases[i].type, .data = (const uint8_t *)cases[i].data, .len = cases[i].len};

        if (strcmp(cases[i].want, "{}") == 0
            || (event.type != types[0] && event.type != types[1] && event.type != types[2]))
            continue;
        for_each_fault()
        {
            _cleanup_json_ cJSON *details = NULL;
            coco_error *err = NULL;

            coco_status status = coco_json_new_object(&details, &err);
            if (status == COCO_OK)
                status = coco_event_details(&event, details, &err);
            fault_expect(status, err);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_say_what_upstream_reads_of_them),
        cmocka_unit_test(content_of_too_many_levels_is_text),
        cmocka_unit_test(reading_survives_every_failing_allocation),
    };

    return cmocka_run_group_tests_name("verifier/event_details", tests, NULL, NULL);
}
