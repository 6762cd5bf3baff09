/*
 * tests/base/test_error.c - lib/base/error.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"

#include "tests/faults.h"

#include <errno.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
fail_stores_status_and_message(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_fail(&err, COCO_ERR_PROTO, "layer %d: %s", 3, "no digest"),
                     COCO_ERR_PROTO);
    assert_int_equal(coco_error_status(err), COCO_ERR_PROTO);
    assert_string_equal(coco_error_message(err), "layer 3: no digest");
    assert_int_equal(coco_error_errno(err), 0);
    coco_error_free(err);
}

static void
nobody_need_want_the_error(void **state)
{
    (void)state;
    assert_int_equal(coco_fail(NULL, COCO_ERR_PROTO, "x"), COCO_ERR_PROTO);
    assert_int_equal(coco_fail_nomem(NULL), COCO_ERR_NOMEM);
    assert_int_equal(coco_fail_errno(NULL, ENOENT, "x"), COCO_ERR_IO);
    assert_int_equal(coco_wrap(NULL, COCO_ERR_NET, "x"), COCO_ERR_NET);
}

static void
no_error_is_fine(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_error_status(NULL), COCO_OK);
    assert_int_equal(coco_error_errno(NULL), 0);
    assert_non_null(coco_error_message(NULL));
    coco_error_free(NULL);
    assert_int_equal(coco_wrap(&err, COCO_ERR_NET, "x"), COCO_ERR_NET);
    assert_null(err);
}

static void
fail_errno_keeps_it(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_fail_errno(&err, EACCES, "open '%s'", "/x"), COCO_ERR_IO);
    assert_string_equal(coco_error_message(err), "open '/x': Permission denied");
    assert_int_equal(coco_error_errno(err), EACCES);
    assert_int_equal(coco_wrap(&err, COCO_ERR_IO, "outer"), COCO_ERR_IO);
    assert_int_equal(coco_error_errno(err), EACCES);
    coco_error_free(err);
}

static void
what_is_under_way_is_told_by_its_errno(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_fail_again(NULL, "x"), COCO_ERR_NET);
    assert_int_equal(coco_fail_again(&err, "%s is being fetched", "x"), COCO_ERR_NET);
    assert_int_equal(coco_wrap(&err, COCO_ERR_NET, "outer"), COCO_ERR_NET);
    assert_string_equal(coco_error_message(err), "outer: x is being fetched");
    assert_int_equal(coco_error_status(err), COCO_ERR_NET);
    assert_int_equal(coco_error_errno(err), EAGAIN);
    coco_error_free(err);
}

static void
wrap_puts_context_before(void **state)
{
    coco_error *err = NULL;

    (void)state;
    (void)coco_fail(&err, COCO_ERR_VERIFY, "inner");
    assert_int_equal(coco_wrap(&err, COCO_ERR_VERIFY, "layer %d", 2), COCO_ERR_VERIFY);
    (void)coco_wrap(&err, COCO_ERR_VERIFY, "image");
    assert_string_equal(coco_error_message(err), "image: layer 2: inner");
    assert_int_equal(coco_error_status(err), COCO_ERR_VERIFY);
    coco_error_free(err);
}

/* Who reads only the inner half would take it for something else. */
static void
a_context_that_is_lost_is_a_lost_message(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_error *err = NULL;

        (void)coco_fail(&err, COCO_ERR_VERIFY, "inner");
        assert_int_equal(coco_wrap(&err, COCO_ERR_VERIFY, "outer"), COCO_ERR_VERIFY);
        if (coco_error_status(err) == COCO_ERR_VERIFY)
            assert_string_equal(coco_error_message(err), "outer: inner");
        else
            assert_int_equal(coco_error_status(err), COCO_ERR_NOMEM);
        coco_error_free(err);
    }
}

static void
messages_are_escaped_once(void **state)
{
    coco_error *err = NULL;

    (void)state;
    (void)coco_fail(&err, COCO_ERR_PROTO, "bad '%s'", "\033[31m\nü\xff");
    assert_string_equal(coco_error_message(err), "bad '\\x1b[31m\\x0aü\\xff'");
    (void)coco_wrap(&err, COCO_ERR_PROTO, "%s", "\n");
    assert_string_equal(coco_error_message(err), "\\x0a: bad '\\x1b[31m\\x0aü\\xff'");
    coco_error_free(err);
}

static void
messages_are_cut(void **state)
{
    char hostile[10000];
    coco_error *err = NULL;

    (void)state;
    memset(hostile, '\n', sizeof(hostile) - 1);
    hostile[sizeof(hostile) - 1] = '\0';
    (void)coco_fail(&err, COCO_ERR_PROTO, "%s", hostile);
    assert_in_range(strlen(coco_error_message(err)), 2000, 2047);
    coco_error_free(err);
}

static void
out_of_memory_needs_no_memory(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_error *err = NULL;
        coco_status status = coco_fail(&err, COCO_ERR_PROTO, "x");

        /* The call fails as it meant to; the error says what is known. */
        assert_int_equal(status, COCO_ERR_PROTO);
        assert_non_null(err);
        assert_true(coco_error_status(err) == COCO_ERR_PROTO
                    || coco_error_status(err) == COCO_ERR_NOMEM);
        assert_non_null(coco_error_message(err));
        coco_error_free(err);
    }
    for_each_fault()
    {
        coco_error *err = NULL;

        assert_int_equal(coco_fail_errno(&err, ENOENT, "x"), COCO_ERR_IO);
        assert_non_null(err);
        assert_int_equal(coco_wrap(&err, COCO_ERR_IO, "y"), COCO_ERR_IO);
        coco_error_free(err);
    }
}

static void
out_of_memory_is_one_object_that_stays(void **state)
{
    coco_error *a = NULL;
    coco_error *b = NULL;

    (void)state;
    assert_int_equal(coco_fail_nomem(&a), COCO_ERR_NOMEM);
    assert_int_equal(coco_wrap(&a, COCO_ERR_NOMEM, "context"), COCO_ERR_NOMEM);
    assert_string_equal(coco_error_message(a), "out of memory");
    coco_error_free(a);
    assert_int_equal(coco_fail_nomem(&b), COCO_ERR_NOMEM);
    assert_ptr_equal(a, b);
    assert_int_equal(coco_error_status(b), COCO_ERR_NOMEM);
    coco_error_free(b);
}

static void
every_status_has_its_name(void **state)
{
    static const struct {
        coco_status status;
        const char *name;
    } cases[] = {
        {COCO_OK, "COCO_OK"},
        {COCO_ERR_NOMEM, "COCO_ERR_NOMEM"},
        {COCO_ERR_INVALID, "COCO_ERR_INVALID"},
        {COCO_ERR_NOTFOUND, "COCO_ERR_NOTFOUND"},
        {COCO_ERR_NOTSUP, "COCO_ERR_NOTSUP"},
        {COCO_ERR_IO, "COCO_ERR_IO"},
        {COCO_ERR_NET, "COCO_ERR_NET"},
        {COCO_ERR_PROTO, "COCO_ERR_PROTO"},
        {COCO_ERR_LIMIT, "COCO_ERR_LIMIT"},
        {COCO_ERR_VERIFY, "COCO_ERR_VERIFY"},
        {COCO_ERR_DENIED, "COCO_ERR_DENIED"},
        {COCO_ERR_CANCELED, "COCO_ERR_CANCELED"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        assert_int_equal(cases[i].status, -(int)i); /* the numbers are ABI */
        assert_string_equal(coco_status_name(cases[i].status), cases[i].name);
    }
    assert_string_equal(coco_status_name((coco_status)-1000), "COCO_ERR_?");
}

static void
one_kind_of_error_is_forgiven(void **state)
{
    coco_error *kept = NULL;
    coco_error *err = NULL;
    bool forgiven = true;

    (void)state;
    assert_ok(coco_forgive(NULL, COCO_ERR_NOTFOUND, &forgiven, &err), err);
    assert_false(forgiven);
    (void)coco_fail(&kept, COCO_ERR_NOTFOUND, "none");
    assert_ok(coco_forgive(kept, COCO_ERR_NOTFOUND, &forgiven, &err), err);
    assert_true(forgiven);
    kept = NULL;
    (void)coco_fail(&kept, COCO_ERR_IO, "broken");
    assert_fails(coco_forgive(kept, COCO_ERR_NOTFOUND, &forgiven, &err), err, COCO_ERR_IO,
                 "broken");
    assert_false(forgiven);
    kept = NULL;
    (void)coco_fail_nomem(&kept);
    assert_fails(coco_forgive(kept, COCO_ERR_NOTFOUND, &forgiven, &err), err, COCO_ERR_NOMEM, "");
}

static void
an_error_of_several_is_repeated_to_each(void **state)
{
    coco_error *kept = NULL;
    coco_error *err = NULL;

    (void)state;
    (void)coco_fail_errno(&kept, EMFILE, "open \\ '%s'", "a");
    for (int i = 0; i < 2; i++) {
        coco_error_repeat(&err, kept);
        assert_int_equal(coco_error_errno(err), EMFILE);
        assert_fails(coco_error_status(err), err, COCO_ERR_IO, coco_error_message(kept));
    }
    coco_error_repeat(NULL, kept);
    for_each_fault()
    {
        coco_error_repeat(&err, kept);
        coco_status status = coco_error_status(err);
        if (status == COCO_ERR_IO) {
            coco_error_free(err);
            err = NULL;
            status = COCO_OK;
        }
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
    coco_error_free(kept);
    kept = NULL;
    (void)coco_fail_nomem(&kept);
    coco_error_repeat(&err, kept);
    assert_fails(coco_error_status(err), err, COCO_ERR_NOMEM, "out of memory");
}

static void
data_that_cannot_be_read_may_be_passed_over(void **state)
{
    static const struct {
        coco_status status, want;
    } cases[] = {
        {COCO_ERR_PROTO, COCO_OK},          {COCO_ERR_LIMIT, COCO_OK},
        {COCO_ERR_IO, COCO_ERR_IO},         {COCO_ERR_NOMEM, COCO_ERR_NOMEM},
        {COCO_ERR_NOTSUP, COCO_ERR_NOTSUP},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_error *kept = NULL;

        (void)coco_fail(&kept, cases[i].status, "data");
        assert_int_equal(coco_pass_over(kept, &err), cases[i].want);
        assert_int_equal(coco_error_status(err), cases[i].want);
        coco_error_free(err);
        err = NULL;
    }
    assert_ok(coco_pass_over(NULL, &err), err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_stores_status_and_message),
        cmocka_unit_test(nobody_need_want_the_error),
        cmocka_unit_test(no_error_is_fine),
        cmocka_unit_test(fail_errno_keeps_it),
        cmocka_unit_test(one_kind_of_error_is_forgiven),
        cmocka_unit_test(an_error_of_several_is_repeated_to_each),
        cmocka_unit_test(what_is_under_way_is_told_by_its_errno),
        cmocka_unit_test(wrap_puts_context_before),
        cmocka_unit_test(a_context_that_is_lost_is_a_lost_message),
        cmocka_unit_test(messages_are_escaped_once),
        cmocka_unit_test(messages_are_cut),
        cmocka_unit_test(out_of_memory_needs_no_memory),
        cmocka_unit_test(out_of_memory_is_one_object_that_stays),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(data_that_cannot_be_read_may_be_passed_over),
    };

    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
