/*
 * tests/kbs/test_plugin_reply.c - lib/kbs/plugin_reply.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_reply.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define SECRET "what a plug-in keeps to itself"

static struct coco_kbs_reply
begin(void)
{
    return (struct coco_kbs_reply){.plugin = "greeter"};
}

static void
saying_nothing_is_a_failure(void **state)
{
    _cleanup_plugin_reply_ struct coco_kbs_reply reply = begin();
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_kbs_reply_take(&reply, &err), err, COCO_ERR_IO, "greeter gives no reply");
}

static void
the_last_reply_counts(void **state)
{
    _cleanup_plugin_reply_ struct coco_kbs_reply reply = begin();
    coco_error *err = NULL;

    (void)state;
    coco_kbs_reply_fail(&reply, COCO_ERR_DENIED, "no");
    coco_kbs_reply_give_public(&reply, "text/plain", (const uint8_t *)"a", 1);
    assert_true(reply.is_public);
    coco_kbs_reply_give(&reply, (const uint8_t *)SECRET, strlen(SECRET));
    assert_ok(coco_kbs_reply_take(&reply, &err), err);
    assert_false(reply.is_public);
    assert_int_equal(coco_bytes_size(reply.data), strlen(SECRET));
    coco_kbs_reply_give(&reply, NULL, 0);
    assert_ok(coco_kbs_reply_take(&reply, &err), err);
    assert_int_equal(coco_bytes_size(reply.data), 0);
    coco_kbs_reply_fail(&reply, COCO_ERR_NOTFOUND, "gone");
    assert_fails(coco_kbs_reply_take(&reply, &err), err, COCO_ERR_NOTFOUND, "greeter: gone");
    assert_null(reply.data);
}

/* What a stranger's code says is one line, and never success. */
static void
what_it_says_is_made_harmless(void **state)
{
    static const struct {
        coco_status status;
        coco_status want;
    } cases[] = {
        {COCO_OK, COCO_ERR_IO},
        {(coco_status)1, COCO_ERR_IO},
        {(coco_status)-99, COCO_ERR_IO},
        {COCO_ERR_CANCELED, COCO_ERR_CANCELED},
        {COCO_ERR_DENIED, COCO_ERR_DENIED},
    };
    char long_note[1024];

    (void)state;
    memset(long_note, 'n', sizeof(long_note) - 1);
    long_note[sizeof(long_note) - 1] = '\0';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_plugin_reply_ struct coco_kbs_reply reply = begin();
        coco_error *err = NULL;

        coco_kbs_reply_fail(&reply, cases[i].status, "two\nlines \x1b[31m");
        assert_fails(coco_kbs_reply_take(&reply, &err), err, cases[i].want,
                     "greeter: two\\x0alines \\x1b[31m");
        coco_kbs_reply_note(&reply, "two\nlines");
        assert_string_equal(reply.note, "two\\x0alines");
        coco_kbs_reply_note(&reply, long_note);
        assert_int_equal(strlen(reply.note), sizeof(reply.note) - 1);
    }
}

static void
what_is_no_media_type_is_not_sent(void **state)
{
    static const char *const cases[] = {
        "",
        "text",
        "text/plain\r\nSet-Cookie: a",
        "text/pl\xc3\xa4in",
        "a/\x7f",
        "text/"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_plugin_reply_ struct coco_kbs_reply reply = begin();
        coco_error *err = NULL;

        coco_kbs_reply_give_public(&reply, cases[i], (const uint8_t *)"a", 1);
        assert_fails(coco_kbs_reply_take(&reply, &err), err, COCO_ERR_IO, "no media type");
    }
}

static void
what_it_gave_is_wiped(void **state)
{
    struct coco_kbs_reply reply = begin();
    uint8_t copy[sizeof(SECRET)] = SECRET;

    (void)state;
    canary_begin(copy, strlen(SECRET));
    coco_kbs_reply_give(&reply, copy, strlen(SECRET));
    coco_kbs_plugin_reply_done(&reply);
    assert_int_equal(canary_end(), 0);
}

static void
replying_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_plugin_reply_ struct coco_kbs_reply reply = begin();
        coco_error *err = NULL;

        coco_kbs_reply_give(&reply, (const uint8_t *)SECRET, strlen(SECRET));
        coco_status status = coco_kbs_reply_take(&reply, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saying_nothing_is_a_failure),
        cmocka_unit_test(the_last_reply_counts),
        cmocka_unit_test(what_it_says_is_made_harmless),
        cmocka_unit_test(what_is_no_media_type_is_not_sent),
        cmocka_unit_test(what_it_gave_is_wiped),
        cmocka_unit_test(replying_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
