/*
 * tests/kbs/test_references.c - lib/kbs/references.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/references.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "crypto/key.h"
#include "references/references.h"
#include "tests/faults.h"

#include <string.h>

#define NOW 1764320000
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct coco_kbs_texts no_keys;

static struct coco_kbs_store *
make(void)
{
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_open(&(struct coco_kbs_store_options){0}, &store, &err), err);
    return store;
}

static void
assert_values(struct coco_kbs_store *store, const char *want)
{
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_kbs_store_values(store, COCO_KBS_REFERENCE, &values, &err), err);
    assert_ok(coco_json_write(values, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
}

static void
values_are_json(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_reference_set(store, "a", " [ 1 , \"x\" ] ", &err), err);
    assert_ok(coco_kbs_reference_set(store, "b", "18446744073709551615", &err), err);
    assert_fails(coco_kbs_reference_set(store, "c", "", &err), err, COCO_ERR_PROTO,
                 "reference value");
    assert_fails(coco_kbs_reference_set(store, "c", "abc", &err), err, COCO_ERR_PROTO,
                 "reference value");
    assert_fails(coco_kbs_reference_set(store, "", "1", &err), err, COCO_ERR_INVALID, "name");
    assert_values(store, "{\"a\":[1,\"x\"],\"b\":18446744073709551615}");
}

/* A policy gets all values in one object, whose text has a deepest level. */
static void
a_value_that_no_policy_could_see_is_refused(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    char deepest[2 * COCO_JSON_DEPTH_MAX + 1] = "";
    coco_error *err = NULL;

    (void)state;
    memset(deepest, '[', COCO_JSON_DEPTH_MAX);
    memset(deepest + COCO_JSON_DEPTH_MAX, ']', COCO_JSON_DEPTH_MAX);
    assert_fails(coco_kbs_reference_set(store, "a", deepest, &err), err, COCO_ERR_LIMIT,
                 "reference value");
    deepest[2 * COCO_JSON_DEPTH_MAX - 1] = '\0';
    assert_ok(coco_kbs_reference_set(store, "a", deepest + 1, &err), err);
}

static void
messages_are_registered_or_refused(void **state)
{
    static const struct {
        const char *message;
        coco_status status;
    } cases[] = {
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV19\"}", COCO_OK},
        {"{\"version\":\"0.1.1\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV19\"}",
         COCO_ERR_NOTSUP},
        {"{\"version\":\"0.1.0\",\"type\":\"swid\",\"payload\":\"eyJhIjpbMV19\"}", COCO_ERR_NOTSUP},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"provenance\":\"eyJhIjpbMV19\"}",
         COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV1\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"WzFd\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":{}}", COCO_ERR_PROTO},
        /* {"b":2,"":3}: not the first of them either */
        {"{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJiIjoyLCIiOjN9\"}",
         COCO_ERR_INVALID},
        {"{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"eyJhIjpbMl19\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"\"}", COCO_ERR_PROTO},
        {"{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"2QH1\"}", COCO_ERR_PROTO},
        {"[]", COCO_ERR_PROTO},
        {"", COCO_ERR_PROTO},
    };
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (coco_kbs_references_register(store, &no_keys, NOW, cases[i].message,
                                         strlen(cases[i].message), NULL)
            != cases[i].status)
            fail_msg("case %zu", i);
    assert_values(store, "{\"a\":[1]}");
}

/* ---- manifests ---- */

/* Keys of two owners; the message of one that says {"a": [HEX64], "b": 7} until NOW. */
struct owners {
    struct coco_buf private[2];
    struct coco_buf public[2];
    struct coco_buf sealed; /* by the first */
    struct coco_buf plain;
};

static void
make_message(const coco_bytes *payload, struct coco_buf *ret)
{
    coco_error *err = NULL;

    ret->limit = 65536;
    assert_ok(
        coco_buf_append_text(ret, "{\"version\":\"0.1.0\",\"type\":\"corim\",\"payload\":\"", &err),
        err);
    assert_ok(coco_base64_encode(COCO_BASE64, coco_bytes_data(payload), coco_bytes_size(payload),
                                 ret, &err),
              err);
    assert_ok(coco_buf_append_text(ret, "\"}", &err), err);
}

static void
make_owners(struct owners *ret)
{
    _cleanup_references_ coco_references *values = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *sealed = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *plain = NULL;
    coco_error *err = NULL;

    for (size_t i = 0; i < 2; i++) {
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        ret->private[i].limit = ret->public[i].limit = 4096;
        assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
        assert_ok(coco_key_private_pem(key, &ret->private[i], &err), err);
        assert_ok(coco_key_public_pem(key, &ret->public[i], &err), err);
    }
    assert_ok(coco_references_new(&values, &err), err);
    assert_ok(coco_references_add(values, "a", "[\"" HEX64 "\"]", NOW, false, &err), err);
    assert_ok(coco_references_add(values, "b", "7", NOW, false, &err), err);
    assert_ok(coco_references_sign(values, ret->private[0].data, ret->private[0].len, "Ann",
                                   &sealed, &err),
              err);
    assert_ok(coco_references_format(values, "corim", &plain, &err), err);
    make_message(sealed, &ret->sealed);
    make_message(plain, &ret->plain);
}

static void
done(struct owners *owners)
{
    for (size_t i = 0; i < 2; i++) {
        coco_buf_done(&owners->private[i]);
        coco_buf_done(&owners->public[i]);
    }
    coco_buf_done(&owners->sealed);
    coco_buf_done(&owners->plain);
}

static coco_status
register_with(struct coco_kbs_store *store, const struct owners *owners, size_t first, size_t n,
              int64_t now, const struct coco_buf *message)
{
    char *items[2] = {(char *)owners->public[first].data, (char *)owners->public[0].data};
    const struct coco_kbs_texts keys = {.items = items, .n = n};

    return coco_kbs_references_register(store, &keys, now, message->data, message->len, NULL);
}

static void
manifests_are_registered_until_they_end(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    struct owners owners = {0};

    (void)state;
    make_owners(&owners);
    assert_int_equal(register_with(store, &owners, 0, 0, NOW + 1, &owners.plain), COCO_ERR_VERIFY);
    assert_values(store, "{}");
    assert_int_equal(register_with(store, &owners, 0, 0, NOW, &owners.plain), COCO_OK);
    assert_values(store, "{\"a\":[\"" HEX64 "\"],\"b\":7}");
    done(&owners);
}

static void
with_a_key_only_what_it_signed_is_registered(void **state)
{
    static const char values[] =
        "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"eyJhIjpbMV19\"}";
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    const struct coco_buf sample = {.data = (uint8_t *)(uintptr_t)values, .len = strlen(values)};
    struct owners owners = {0};

    (void)state;
    make_owners(&owners);
    assert_int_equal(register_with(store, &owners, 0, 1, NOW, &owners.plain), COCO_ERR_VERIFY);
    assert_int_equal(register_with(store, &owners, 0, 1, NOW, &sample), COCO_ERR_VERIFY);
    assert_int_equal(register_with(store, &owners, 1, 1, NOW, &owners.sealed), COCO_ERR_VERIFY);
    assert_int_equal(register_with(store, &owners, 0, 0, NOW, &owners.sealed), COCO_ERR_VERIFY);
    assert_int_equal(register_with(store, &owners, 0, 1, NOW + 1, &owners.sealed), COCO_ERR_VERIFY);
    assert_values(store, "{}");
    assert_int_equal(register_with(store, &owners, 1, 2, NOW, &owners.sealed), COCO_OK);
    assert_values(store, "{\"a\":[\"" HEX64 "\"],\"b\":7}");
    done(&owners);
}

static void
keys_that_are_none_are_refused(void **state)
{
    char text[] = "-----BEGIN PUBLIC KEY-----\n";
    char *items[] = {text};
    const struct coco_kbs_texts keys = {.items = items, .n = 1};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_references_check_keys(&no_keys, &err), err);
    assert_fails(coco_kbs_references_check_keys(&keys, &err), err, COCO_ERR_PROTO,
                 "reference_keys");
}

static void
a_failed_allocation_registers_nothing(void **state)
{
    struct owners owners = {0};

    (void)state;
    make_owners(&owners);
    for_each_fault()
    {
        faults_pause();
        _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
        char *items[1] = {(char *)owners.public[0].data};
        const struct coco_kbs_texts keys = {.items = items, .n = 1};
        coco_error *err = NULL;

        faults_resume();
        coco_status status = coco_kbs_references_register(store, &keys, NOW, owners.sealed.data,
                                                          owners.sealed.len, &err);
        fault_expect(status, err);
    }
    done(&owners);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_json),
        cmocka_unit_test(a_value_that_no_policy_could_see_is_refused),
        cmocka_unit_test(messages_are_registered_or_refused),
        cmocka_unit_test(manifests_are_registered_until_they_end),
        cmocka_unit_test(with_a_key_only_what_it_signed_is_registered),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(a_failed_allocation_registers_nothing),
    };

    return cmocka_run_group_tests_name("kbs/references", tests, NULL, NULL);
}
