/*
 * tests/crypto/test_pkcs11_secret.c - lib/crypto/pkcs11_secret.c, with SoftHSM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/crypto/softhsm.h"

#include "tests/canary.h"
#include "tests/faults.h"

#define LABEL "default/key/3"
#define SECRET "what an owner puts into the token"

static void
what_is_put_is_there(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_fails(coco_pkcs11_secret_get(&token, LABEL, &secret, &err), err, COCO_ERR_NOTFOUND,
                 "no such object");
    assert_fails(coco_pkcs11_secret_delete(&token, LABEL, &err), err, COCO_ERR_NOTFOUND,
                 "no such object");
    assert_ok(coco_pkcs11_secret_put(&token, LABEL, "before", 6, &err), err);
    assert_ok(coco_pkcs11_secret_put(&token, LABEL, SECRET, strlen(SECRET), &err), err);
    /* It replaces what was there, and the token keeps it. */
    assert_int_equal(softhsm_count(&hsm, LABEL), 1);
    assert_ok(coco_pkcs11_secret_get(&token, LABEL, &secret, &err), err);
    assert_true(coco_secret_equal(&secret, SECRET, strlen(SECRET)));
    coco_secret_done(&secret);
    assert_ok(coco_pkcs11_secret_delete(&token, LABEL, &err), err);
    assert_int_equal(softhsm_count(&hsm, LABEL), 0);
    coco_pkcs11_close(&token);
}

/* As after a put that did not end: the next one puts it right. */
static void
several_of_one_label_are_none_until_one_is_put(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    CK_SESSION_HANDLE session = softhsm_write_begin(&hsm);
    for (unsigned i = 0; i < 20; i++)
        softhsm_make_key(&hsm, session, "a/b/many");
    assert_int_equal(hsm.functions->C_CloseSession(session), CKR_OK);
    assert_fails(coco_pkcs11_secret_get(&token, "a/b/many", &secret, &err), err, COCO_ERR_INVALID,
                 "several");
    assert_ok(coco_pkcs11_secret_put(&token, "a/b/many", SECRET, strlen(SECRET), &err), err);
    assert_int_equal(softhsm_count(&hsm, "a/b/many"), 1);
    assert_ok(coco_pkcs11_secret_get(&token, "a/b/many", &secret, &err), err);
    coco_secret_done(&secret);
    coco_pkcs11_close(&token);
}

/* A key that is to stay in the token stays there, whatever it is called. */
static void
a_key_that_is_sensitive_is_not_given(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    assert_fails(coco_pkcs11_secret_get(&token, SOFTHSM_KEY, &secret, &err), err, COCO_ERR_DENIED,
                 "C_GetAttributeValue");
    assert_null(secret.data);
    coco_pkcs11_close(&token);
}

static void
labels_and_sizes_are_bounded(void **state)
{
    struct coco_pkcs11 token = {0};
    char label[COCO_PKCS11_LABEL_MAX + 2];
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    memset(label, 'a', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    assert_fails(coco_pkcs11_secret_put(&token, label, SECRET, 6, &err), err, COCO_ERR_INVALID,
                 "label");
    assert_fails(coco_pkcs11_secret_put(&token, "", SECRET, 6, &err), err, COCO_ERR_INVALID,
                 "label");
    assert_fails(coco_pkcs11_secret_get(&token, "", &secret, &err), err, COCO_ERR_INVALID, "label");
    assert_fails(coco_pkcs11_secret_put(&token, LABEL, NULL, 0, &err), err, COCO_ERR_INVALID,
                 "empty");
    coco_pkcs11_close(&token);
}

static void
putting_and_getting_survive_any_failed_allocation(void **state)
{
    struct coco_pkcs11 token = {0};

    (void)state;
    softhsm_open(&token);
    for_each_fault()
    {
        struct coco_secret secret = {0};
        coco_error *err = NULL;

        coco_status status =
            coco_pkcs11_secret_put(&token, "a/b/faults", SECRET, strlen(SECRET), &err);
        if (status == COCO_OK)
            status = coco_pkcs11_secret_get(&token, "a/b/faults", &secret, &err);
        fault_expect(status, err);
        coco_secret_done(&secret);
    }
    coco_pkcs11_close(&token);
}

static void
secrets_are_wiped(void **state)
{
    struct coco_pkcs11 token = {0};
    struct coco_secret secret = {0};
    uint8_t copy[sizeof(SECRET)] = SECRET;
    coco_error *err = NULL;

    (void)state;
    softhsm_open(&token);
    canary_begin(copy, strlen(SECRET));
    assert_ok(coco_pkcs11_secret_put(&token, LABEL, copy, strlen(SECRET), &err), err);
    assert_ok(coco_pkcs11_secret_get(&token, LABEL, &secret, &err), err);
    coco_secret_done(&secret);
    assert_int_equal(canary_end(), 0);
    coco_pkcs11_close(&token);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_there),
        cmocka_unit_test(several_of_one_label_are_none_until_one_is_put),
        cmocka_unit_test(a_key_that_is_sensitive_is_not_given),
        cmocka_unit_test(labels_and_sizes_are_bounded),
        cmocka_unit_test(putting_and_getting_survive_any_failed_allocation),
        cmocka_unit_test(secrets_are_wiped),
    };

    return softhsm_run(tests, softhsm_set_up);
}
