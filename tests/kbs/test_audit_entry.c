/*
 * tests/kbs/test_audit_entry.c - lib/kbs/audit_entry.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit_entry.h"

#include "tests/faults.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PREV "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct coco_kbs_audit_place place = {.seq = 7, .time = 1800000000, .prev = PREV};

static EVP_PKEY *
make_key(void)
{
    EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    return key;
}

static void
an_entry_says_what_happened_first(void **state)
{
    const struct coco_kbs_audit_event event = {.event = "resource",
                                               .who = "guest",
                                               .path = "/a\"b",
                                               .id = "0123",
                                               .trace_id = "0af7",
                                               .status = 403};
    const struct coco_kbs_audit_event bare = {.event = "attest", .who = ""};
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_audit_format(&place, &event, &buf, &err), err);
    assert_string_equal(
        coco_buf_text(&buf),
        "{\"seq\":7,\"time\":1800000000,\"event\":\"resource\",\"who\":\"guest\","
        "\"path\":\"/a\\\"b\",\"status\":403,\"id\":\"0123\",\"trace_id\":\"0af7\",\"prev\":\"" PREV
        "\"}\n");
    coco_buf_reset(&buf);
    assert_ok(coco_kbs_audit_format(&place, &bare, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), "{\"seq\":7,\"time\":1800000000,\"event\":\"attest\","
                                             "\"prev\":\"" PREV "\"}\n");
}

static void
an_entry_is_read_as_it_was_written(void **state)
{
    const struct coco_kbs_audit_event event = {.event = "resource"};
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    struct coco_kbs_audit_place got = {0};
    bool is_checkpoint = true;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_audit_format(&place, &event, &buf, &err), err);
    assert_ok(
        coco_kbs_audit_parse(coco_buf_text(&buf), buf.len - 1, NULL, &got, &is_checkpoint, &err),
        err);
    assert_false(is_checkpoint);
    assert_int_equal(got.seq, 7);
    assert_int_equal(got.time, 1800000000);
    assert_string_equal(got.prev, PREV);
}

static void
a_checkpoint_is_the_key_owners_and_of_its_place(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key();
    _cleanup_pkey_ EVP_PKEY *other = make_key();
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    struct coco_kbs_audit_place got = {0};
    bool is_checkpoint = false;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_audit_format_checkpoint(&place, key, &buf, &err), err);
    char *line = (char *)buf.data;
    size_t len = buf.len - 1;
    assert_ok(coco_kbs_audit_parse(line, len, key, &got, &is_checkpoint, &err), err);
    assert_true(is_checkpoint);
    assert_fails(coco_kbs_audit_parse(line, len, other, &got, &is_checkpoint, &err), err,
                 COCO_ERR_VERIFY, "checkpoint");
    assert_ok(coco_kbs_audit_parse(line, len, NULL, &got, &is_checkpoint, &err), err);

    static const char *const parts[] = {"\"seq\":7", "\"time\":1", "\"prev\":\"0"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        char *at = strstr(line, parts[i]) + strlen(parts[i]) - 1;
        char was = *at;

        *at = '2';
        assert_fails(coco_kbs_audit_parse(line, len, key, &got, &is_checkpoint, &err), err,
                     COCO_ERR_VERIFY, "checkpoint");
        *at = was;
    }
}

static void
hostile_lines_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"seq\":0,\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}",
        "{\"seq\":-1,\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}",
        "{\"seq\":\"1\",\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"time\":1,\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"time\":1,\"event\":7,\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"x\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"x\",\"prev\":\"\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "0\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"x\",\"prev\":\"X" PREV "\"}",
        "{\"seq\":1,\"seq\":1,\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"x\",\"prev\":\"" PREV "\"}{}",
        "{\"seq\":1,\"time\":1,\"event\":\"checkpoint\",\"prev\":\"" PREV "\"}",
        "{\"seq\":1,\"time\":1,\"event\":\"checkpoint\",\"signature\":\"*\",\"prev\":\"" PREV "\"}",
    };
    _cleanup_pkey_ EVP_PKEY *key = make_key();
    struct coco_kbs_audit_place got = {0};
    bool is_checkpoint = false;
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(
            coco_kbs_audit_parse(cases[i], strlen(cases[i]), key, &got, &is_checkpoint, &err), err,
            COCO_ERR_PROTO, "");
}

static coco_status
write_and_read(EVP_PKEY *key, coco_error **err)
{
    const struct coco_kbs_audit_event event = {.event = "resource", .who = "guest"};
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_KBS_AUDIT_LINE_MAX};
    struct coco_kbs_audit_place got = {0};
    bool is_checkpoint = false;

    coco_status status = coco_kbs_audit_format(&place, &event, &buf, err);
    coco_buf_reset(&buf);
    if (status == COCO_OK)
        status = coco_kbs_audit_format_checkpoint(&place, key, &buf, err);
    if (status == COCO_OK)
        status =
            coco_kbs_audit_parse(coco_buf_text(&buf), buf.len - 1, key, &got, &is_checkpoint, err);
    return status;
}

static void
an_entry_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = make_key();
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        coco_status status = write_and_read(key, &err);

        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_says_what_happened_first),
        cmocka_unit_test(an_entry_is_read_as_it_was_written),
        cmocka_unit_test(a_checkpoint_is_the_key_owners_and_of_its_place),
        cmocka_unit_test(hostile_lines_are_refused),
        cmocka_unit_test(an_entry_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
