/*
 * tests/image/test_credentials.c - lib/image/credentials.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/credentials.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

static void
what_cannot_be_sent_is_refused(void **state)
{
    struct coco_credentials credentials = {0};
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_credentials_make("a:b", "t0psecret", &credentials, &err), err, COCO_ERR_PROTO,
                 "a user name with a colon");
    assert_fails(coco_credentials_make("<token>", "", &credentials, &err), err, COCO_ERR_PROTO,
                 "an empty identity token");
    assert_null(credentials.user.data);
    assert_null(credentials.identity_token.data);
}

static void
user_and_password_are_kept_as_they_are(void **state)
{
    _cleanup_credentials_ struct coco_credentials credentials = {0};
    _cleanup_credentials_ struct coco_credentials empty = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_credentials_make("alice", "a:b \n", &credentials, &err), err);
    assert_string_equal((const char *)credentials.user.data, "alice");
    assert_string_equal((const char *)credentials.password.data, "a:b \n");
    assert_null(credentials.identity_token.data);
    assert_ok(coco_credentials_make("", "", &empty, &err), err);
    assert_non_null(empty.user.data);
    assert_int_equal(empty.password.len, 0);
}

static void
the_user_token_means_an_identity_token(void **state)
{
    _cleanup_credentials_ struct coco_credentials credentials = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_credentials_make("<token>", "t0ken", &credentials, &err), err);
    assert_string_equal((const char *)credentials.identity_token.data, "t0ken");
    assert_null(credentials.user.data);
    assert_null(credentials.password.data);
}

static void
a_copy_is_the_same(void **state)
{
    _cleanup_credentials_ struct coco_credentials none = {0};
    coco_error *err = NULL;

    (void)state;
    for (int token = 0; token < 2; token++) {
        _cleanup_credentials_ struct coco_credentials credentials = {0};
        _cleanup_credentials_ struct coco_credentials copy = {0};

        assert_ok(coco_credentials_make(token ? "<token>" : "a", "b", &credentials, &err), err);
        assert_ok(coco_credentials_copy(&credentials, &copy, &err), err);
        assert_int_equal(copy.user.data == NULL, token);
        assert_int_equal(copy.password.data == NULL, token);
        assert_int_equal(copy.identity_token.data == NULL, !token);
        assert_string_equal((char *)(token ? copy.identity_token : copy.password).data, "b");
    }
    assert_ok(coco_credentials_copy(&none, &none, &err), err);
    assert_null(none.user.data);
}

static void
they_are_wiped(void **state)
{
    static const char password[] = "correct-horse-battery";
    coco_error *err = NULL;

    (void)state;
    canary_begin(password, strlen(password));
    for (int token = 0; token < 2; token++) {
        struct coco_credentials credentials = {0};

        assert_ok(coco_credentials_make(token ? "<token>" : "a", password, &credentials, &err),
                  err);
        coco_credentials_done(&credentials);
        assert_null(credentials.password.data);
        assert_null(credentials.identity_token.data);
    }
    assert_int_equal(canary_end(), 0);
}

static void
make_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_credentials_ struct coco_credentials credentials = {0};
        coco_error *err = NULL;

        _cleanup_credentials_ struct coco_credentials copy = {0};
        coco_status status = coco_credentials_make("alice", "s3cret", &credentials, &err);
        if (status == COCO_OK)
            status = coco_credentials_copy(&credentials, &copy, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(user_and_password_are_kept_as_they_are),
        cmocka_unit_test(the_user_token_means_an_identity_token),
        cmocka_unit_test(a_copy_is_the_same),
        cmocka_unit_test(they_are_wiped),
        cmocka_unit_test(make_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("image/credentials", tests, NULL, NULL);
}
