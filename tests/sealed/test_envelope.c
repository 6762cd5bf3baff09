/*
 * tests/sealed/test_envelope.c - lib/sealed/envelope.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sealed/envelope.h"

#include "tests/canary.h"
#include "tests/faults.h"

#include <string.h>

#define SECRET "sealed in an envelope of its own"

static void
seal(struct coco_envelope *envelope, struct coco_secret *key)
{
    coco_error *err = NULL;

    assert_ok(coco_envelope_seal(SECRET, strlen(SECRET), envelope, key, &err), err);
    assert_ok(coco_buf_append_text(&envelope->wrapped, "wrapped", &err), err);
}

static void
an_envelope_is_read_as_it_was_written(void **state)
{
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_envelope_ struct coco_envelope again = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_secret_ struct coco_secret secret = {0};
    _cleanup_json_ cJSON *payload = NULL;
    coco_error *err = NULL;

    (void)state;
    seal(&envelope, &key);
    assert_ok(coco_json_new_object(&payload, &err), err);
    assert_ok(coco_envelope_write(&envelope, payload, &err), err);
    assert_ok(coco_envelope_read(payload, &again, &err), err);
    assert_string_equal(coco_buf_text(&again.wrapped), "wrapped");
    assert_int_equal(coco_envelope_size(&again), strlen(SECRET));
    assert_ok(coco_envelope_open(&again, key.data, key.len, &secret, &err), err);
    assert_true(coco_secret_equal(&secret, SECRET, strlen(SECRET)));
}

/* No two envelopes have a key or an IV in common, nor is the text of one seen. */
static void
each_envelope_has_a_key_of_its_own(void **state)
{
    _cleanup_envelope_ struct coco_envelope a = {0};
    _cleanup_envelope_ struct coco_envelope b = {0};
    _cleanup_secret_ struct coco_secret key_a = {0};
    _cleanup_secret_ struct coco_secret key_b = {0};

    (void)state;
    seal(&a, &key_a);
    seal(&b, &key_b);
    assert_int_equal(key_a.len, 32);
    assert_false(coco_secret_equal(&key_a, key_b.data, key_b.len));
    assert_memory_not_equal(a.iv, b.iv, sizeof(a.iv));
    assert_null(memmem(a.sealed.data, a.sealed.len, SECRET, 4));
}

/* T16: what is wrong is not told. */
static void
whatever_is_wrong_with_it_looks_the_same(void **state)
{
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    _cleanup_secret_ struct coco_secret secret = {0};
    const char *const why = "envelope: authentication failed";
    coco_error *err = NULL;

    (void)state;
    seal(&envelope, &key);
    for (size_t i = 0; i < envelope.sealed.len; i++) {
        envelope.sealed.data[i] ^= 0x40;
        assert_fails(coco_envelope_open(&envelope, key.data, key.len, &secret, &err), err,
                     COCO_ERR_VERIFY, why);
        envelope.sealed.data[i] ^= 0x40;
    }
    envelope.iv[11] ^= 1;
    assert_fails(coco_envelope_open(&envelope, key.data, key.len, &secret, &err), err,
                 COCO_ERR_VERIFY, why);
    envelope.iv[11] ^= 1;
    assert_fails(coco_envelope_open(&envelope, key.data, key.len - 1, &secret, &err), err,
                 COCO_ERR_VERIFY, why);
    assert_fails(coco_envelope_open(&envelope, key.data, 0, &secret, &err), err, COCO_ERR_VERIFY,
                 why);
    assert_null(secret.data);
    assert_ok(coco_envelope_open(&envelope, key.data, key.len, &secret, &err), err);
}

static void
hostile_envelopes_are_refused(void **state)
{
#define IV "\"iv\":\"AAAAAAAAAAAAAAAA\""
#define DATA "\"encrypted_data\":\"AAAAAAAAAAAAAAAAAAAAAA==\""
#define KEY "\"encrypted_key\":\"AAAA\""
    static const struct {
        const char *payload;
        coco_status want;
    } cases[] = {
        {"{\"wrap_type\":\"A256GCM\"," IV "," DATA "," KEY "}", COCO_OK},
        {"{" IV "," DATA "," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256CTR\"," IV "," DATA "," KEY "}", COCO_ERR_NOTSUP},
        {"{\"wrap_type\":\"a256gcm\"," IV "," DATA "," KEY "}", COCO_ERR_NOTSUP},
        {"{\"wrap_type\":\"A256GCM\"," DATA "," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\",\"iv\":\"AAAA\"," DATA "," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\",\"iv\":\"AAAAAAAAAAAAAAAAAAAA\"," DATA "," KEY "}",
         COCO_ERR_LIMIT},
        {"{\"wrap_type\":\"A256GCM\"," IV ",\"encrypted_data\":\"AAAA\"," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\"," IV ",\"encrypted_data\":\"zzz\"," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\"," IV "," KEY "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\"," IV "," DATA "}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\"," IV "," DATA ",\"encrypted_key\":\"\"}", COCO_ERR_PROTO},
        {"{\"wrap_type\":\"A256GCM\"," IV "," DATA ",\"encrypted_key\":7}", COCO_ERR_PROTO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_envelope_ struct coco_envelope envelope = {0};
        _cleanup_json_ cJSON *payload = NULL;
        coco_error *err = NULL;

        assert_ok(coco_json_parse(cases[i].payload, strlen(cases[i].payload), &payload, &err), err);
        coco_status status = coco_envelope_read(payload, &envelope, NULL);
        if (status != cases[i].want)
            fail_msg("%s gives %s", cases[i].payload, coco_status_name(status));
    }
}

static void
a_secret_has_a_limit(void **state)
{
    _cleanup_free_ char *huge = calloc(1, COCO_ENVELOPE_DATA_MAX + 1);
    _cleanup_envelope_ struct coco_envelope envelope = {0};
    _cleanup_secret_ struct coco_secret key = {0};
    coco_error *err = NULL;

    (void)state;
    assert_non_null(huge);
    assert_fails(coco_envelope_seal(huge, COCO_ENVELOPE_DATA_MAX + 1, &envelope, &key, &err), err,
                 COCO_ERR_LIMIT, "1048576");
    assert_ok(coco_envelope_seal(huge, COCO_ENVELOPE_DATA_MAX, &envelope, &key, &err), err);
}

static void
envelopes_survive_any_failed_allocation(void **state)
{
    coco_error *err = NULL;

    (void)state;
    for_each_fault()
    {
        _cleanup_envelope_ struct coco_envelope envelope = {0};
        _cleanup_secret_ struct coco_secret key = {0};
        _cleanup_secret_ struct coco_secret secret = {0};
        _cleanup_json_ cJSON *payload = NULL;

        coco_status status = coco_envelope_seal(SECRET, strlen(SECRET), &envelope, &key, &err);
        if (status == COCO_OK)
            status = coco_json_new_object(&payload, &err);
        if (status == COCO_OK)
            status = coco_envelope_write(&envelope, payload, &err);
        if (status == COCO_OK)
            status = coco_envelope_open(&envelope, key.data, key.len, &secret, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

static void
what_was_in_an_envelope_is_wiped(void **state)
{
    struct coco_envelope envelope = {0};
    struct coco_secret key = {0};
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    (void)state;
    canary_begin(SECRET, strlen(SECRET));
    seal(&envelope, &key);
    assert_ok(coco_envelope_open(&envelope, key.data, key.len, &secret, &err), err);
    coco_secret_done(&secret);
    coco_secret_done(&key);
    coco_envelope_done(&envelope);
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_read_as_it_was_written),
        cmocka_unit_test(each_envelope_has_a_key_of_its_own),
        cmocka_unit_test(whatever_is_wrong_with_it_looks_the_same),
        cmocka_unit_test(hostile_envelopes_are_refused),
        cmocka_unit_test(a_secret_has_a_limit),
        cmocka_unit_test(envelopes_survive_any_failed_allocation),
        cmocka_unit_test(what_was_in_an_envelope_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
