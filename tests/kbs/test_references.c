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

#include <stdio.h>
#include <string.h>

#define NOW 1764320000
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define SAMPLE(payload) "{\"version\":\"0.1.0\",\"type\":\"sample\",\"payload\":\"" payload "\""
#define SAMPLE_ENDING SAMPLE("eyJhIjpbMV19") ",\"expirations\":" /* {"a":[1]} */

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
        {SAMPLE_ENDING "[]}", COCO_ERR_PROTO},
        {SAMPLE_ENDING "{\"a\":1827403200}}", COCO_ERR_PROTO},
        {SAMPLE_ENDING "{\"a\":\"tomorrow\"}}", COCO_ERR_PROTO},
        {SAMPLE_ENDING "{\"b\":\"2027-11-28T12:00:00Z\"}}", COCO_ERR_PROTO},
        {SAMPLE_ENDING "{\"a\":\"2025-11-28T08:53:19Z\"}}", COCO_ERR_VERIFY}, /* NOW - 1 */
        {SAMPLE_ENDING "{\"a\":\"1970-01-01T00:00:00Z\"}}", COCO_ERR_PROTO},
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

static void
assert_counts(struct coco_kbs_store *store, int64_t now, const char *want, const char *want_ended)
{
    _cleanup_json_ cJSON *values = NULL;
    _cleanup_json_ cJSON *ended = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_kbs_references_get(store, now, &values, &ended, &err), err);
    assert_ok(coco_json_write(values, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
    coco_buf_reset(&text);
    assert_ok(coco_json_write(ended, COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want_ended);
}

static void
what_has_ended_does_not_count(void **state)
{
    static const char both[] = /* {"a":[1],"b":2} */
        SAMPLE("eyJhIjpbMV0sImIiOjJ9") ",\"expirations\":{\"b\":\"2025-11-28T08:53:20Z\"}}";
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    _cleanup_json_ cJSON *list = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    /* From a store of before there were ends. */
    assert_ok(coco_kbs_store_put(store, COCO_KBS_REFERENCE, "Z", "3", 1, &err), err);
    assert_ok(coco_kbs_references_register(store, &no_keys, NOW, both, strlen(both), &err), err);
    assert_counts(store, NOW, "{\"Z\":3,\"a\":[1],\"b\":2}", "[]");
    assert_counts(store, NOW + 1, "{\"Z\":3,\"a\":[1]}", "[\"b\"]");
    assert_ok(coco_kbs_references_list(store, &list, &err), err);
    assert_ok(coco_json_write(list, COCO_JSON_COMPACT, &text, &err), err);
    assert_contains(coco_buf_text(&text), "\"value\":[1]},{");
    assert_contains(coco_buf_text(&text), "\"value\":2,\"expires\":1764320000}]");
    /* The end goes with the value that had it. */
    assert_ok(coco_kbs_reference_set(store, "b", "4", &err), err);
    assert_counts(store, NOW + 1, "{\"Z\":3,\"a\":[1],\"b\":4}", "[]");
}

static void
getting_and_listing_survive_failed_allocations(void **state)
{
    static const char message[] = SAMPLE_ENDING "{\"a\":\"2027-11-28T12:00:00Z\"}}";
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_references_register(store, &no_keys, NOW, message, strlen(message), &err),
              err);
    for_each_fault()
    {
        _cleanup_json_ cJSON *values = NULL;
        _cleanup_json_ cJSON *ended = NULL;
        _cleanup_json_ cJSON *list = NULL;

        err = NULL;
        coco_status status =
            coco_kbs_references_get(store, INT64_C(1827403201), &values, &ended, &err);
        if (status == COCO_OK)
            status = coco_kbs_references_list(store, &list, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
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
    assert_counts(store, NOW, "{\"a\":[\"" HEX64 "\"],\"b\":7}", "[]");
    assert_counts(store, NOW + 1, "{}", "[\"a\",\"b\"]");
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

static void
assert_expected(struct coco_kbs_expected *expected, int64_t now, const char *want,
                struct coco_policy_values **ret)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    assert_ok(coco_kbs_expected_get(expected, now, ret, &err), err);
    assert_ok(coco_json_write(coco_policy_values_json(*ret), COCO_JSON_COMPACT, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), want);
}

/* Read once, and again when this process or another has written. */
static void
what_is_expected_is_read_when_it_changes(void **state)
{
    struct coco_kbs_store *mine = NULL;
    struct coco_kbs_store *theirs = NULL;
    struct coco_kbs_expected *expected = NULL;
    char dir[64];
    char path[128];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/kbs.db", dir);
    const struct coco_kbs_store_options options = {.path = path};
    assert_ok(coco_kbs_store_open(&options, &mine, &err), err);
    assert_ok(coco_kbs_store_open(&options, &theirs, &err), err);
    assert_ok(coco_kbs_expected_new(mine, &expected, &err), err);
    struct coco_kbs_store *const writers[] = {mine, theirs};
    for (size_t i = 0; i < 4; i++) {
        _cleanup_policy_values_ struct coco_policy_values *none = NULL;
        _cleanup_policy_values_ struct coco_policy_values *one = NULL;
        _cleanup_policy_values_ struct coco_policy_values *same = NULL;

        assert_expected(expected, NOW, "{}", &none);
        assert_ok(coco_kbs_reference_set(writers[i % 2], "a", "[1]", &err), err);
        assert_expected(expected, NOW, "{\"a\":[1]}", &one);
        assert_expected(expected, NOW, "{\"a\":[1]}", &same);
        assert_ptr_equal(same, one);
        assert_ok(coco_kbs_store_purge(writers[i / 2], COCO_KBS_REFERENCE, "a", &err), err);
    }
    coco_kbs_expected_free(expected);
    coco_kbs_store_close(mine);
    coco_kbs_store_close(theirs);
    remove_temp_dir(dir);
}

/* Nobody writes when a value ends, and nobody may be told of it later. */
static void
what_has_ended_is_expected_no_more(void **state)
{
    static const char message[] =
        SAMPLE("eyJhIjpbMV0sImIiOjJ9") ",\"expirations\":{\"b\":\"2025-11-28T08:53:20Z\"}}";
    static const struct {
        int64_t now;
        const char *want;
    } cases[] = {
        {NOW, "{\"a\":[1],\"b\":2}"},
        {NOW + 1, "{\"a\":[1]}"},
        {NOW + 2, "{\"a\":[1]}"},
        {NOW, "{\"a\":[1],\"b\":2}"}, /* a clock that was set back */
    };
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    struct coco_kbs_expected *expected = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_references_register(store, &no_keys, NOW, message, strlen(message), &err),
              err);
    assert_ok(coco_kbs_expected_new(store, &expected, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_policy_values_ struct coco_policy_values *values = NULL;

        assert_expected(expected, cases[i].now, cases[i].want, &values);
    }
    coco_kbs_expected_free(expected);
}

static void
reading_what_is_expected_survives_failed_allocations(void **state)
{
    _cleanup_(coco_kbs_store_closep) struct coco_kbs_store *store = make();
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_reference_set(store, "a", "[1]", &err), err);
    for_each_fault()
    {
        struct coco_kbs_expected *expected = NULL;
        struct coco_policy_values *values = NULL;

        coco_status status = coco_kbs_expected_new(store, &expected, &err);
        /* The engine has no errors for that: it ends the program. */
        if (status == COCO_OK && !coco_policy_supported())
            status = coco_kbs_expected_get(expected, NOW, &values, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
        coco_policy_values_unref(values);
        coco_kbs_expected_free(expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_json),
        cmocka_unit_test(a_value_that_no_policy_could_see_is_refused),
        cmocka_unit_test(messages_are_registered_or_refused),
        cmocka_unit_test(what_has_ended_does_not_count),
        cmocka_unit_test(getting_and_listing_survive_failed_allocations),
        cmocka_unit_test(manifests_are_registered_until_they_end),
        cmocka_unit_test(with_a_key_only_what_it_signed_is_registered),
        cmocka_unit_test(keys_that_are_none_are_refused),
        cmocka_unit_test(a_failed_allocation_registers_nothing),
        cmocka_unit_test(what_is_expected_is_read_when_it_changes),
        cmocka_unit_test(what_has_ended_is_expected_no_more),
        cmocka_unit_test(reading_what_is_expected_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/references", tests, NULL, NULL);
}
