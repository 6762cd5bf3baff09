/*
 * tests/collateral/test_sources.c - lib/collateral/sources.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/bundle.h"

#include "base/bytes.h"
#include "tests/faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static coco_error *err;

/* A source that counts, and says something else each time. */
static atomic_uint asked;

static coco_status
counting_get(void *self, const char *name, struct coco_buf *ret, coco_error **e)
{
    (void)self;
    (void)name;
    return coco_buf_printf(ret, e, "%u", atomic_fetch_add(&asked, 1));
}

static void
counting_free(void *self)
{
    (void)self;
}

static const struct coco_collateral_driver counting = {.get = counting_get, .free = counting_free};

static coco_collateral *
memory_with(const char *name, const char *text)
{
    coco_collateral *memory = NULL;

    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(
        coco_collateral_add(memory, name, (const uint8_t *)text, strlen(text), 1700000000, &err),
        err);
    return memory;
}

static void
assert_got(coco_collateral *from, const char *name, const char *text)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    assert_ok(coco_collateral_get(from, name, &bytes, &err), err);
    assert_string_equal((const char *)coco_bytes_data(bytes), text);
}

static coco_status
append(void *user, const char *name, coco_error **e)
{
    return coco_buf_printf(user, e, "%s ", name);
}

static void
assert_names(const coco_collateral *of, const char *names)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 4096};

    assert_ok(coco_collateral_each(of, append, &buf, &err), err);
    assert_string_equal(coco_buf_text(&buf), names);
}

static void
memory_gives_what_it_was_given(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *memory = memory_with("a", "one");
    coco_bytes *bytes = NULL;
    int64_t fetched = 0;

    (void)state;
    assert_got(memory, "a", "one");
    assert_ok(coco_collateral_fetched(memory, "a", &fetched, &err), err);
    assert_int_equal(fetched, 1700000000);
    assert_ok(coco_collateral_add(memory, "a", (const uint8_t *)"two", 3, 0, &err), err);
    assert_got(memory, "a", "two");
    assert_fails(coco_collateral_get(memory, "b", &bytes, &err), err, COCO_ERR_NOTFOUND, "b");
    assert_fails(coco_collateral_add(memory, "/a", (const uint8_t *)"", 0, 0, &err), err,
                 COCO_ERR_INVALID, "cannot be called");
}

static void
nothing_is_added_to_other_sources(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;

    (void)state;
    assert_ok(coco_collateral_wrap(&counting, NULL, &source, &err), err);
    assert_fails(coco_collateral_add(source, "a", (const uint8_t *)"x", 1, 0, &err), err,
                 COCO_ERR_NOTSUP, "added");
}

static void
bundles_need_the_key_of_their_owner(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    _cleanup_(coco_collateral_freep) coco_collateral *memory = memory_with("a", "one");
    _cleanup_(coco_bytes_freep) coco_bytes *bundle = NULL;
    _cleanup_buf_ struct coco_buf private_pem = {.limit = 4096};
    _cleanup_buf_ struct coco_buf public_pem = {.limit = 4096};
    _cleanup_buf_ struct coco_buf other_pem = {.limit = 4096};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &other, &err), err);
    assert_ok(coco_key_private_pem(key, &private_pem, &err), err);
    assert_ok(coco_key_public_pem(key, &public_pem, &err), err);
    assert_ok(coco_key_public_pem(other, &other_pem, &err), err);
    assert_ok(coco_collateral_export(memory, private_pem.data, private_pem.len, &bundle, &err),
              err);
    const uint8_t *data = coco_bytes_data(bundle);
    size_t len = coco_bytes_size(bundle);
    assert_fails(
        coco_collateral_new_bundle(data, len, other_pem.data, other_pem.len, &source, &err), err,
        COCO_ERR_VERIFY, "not signed");
    assert_fails(coco_collateral_new_bundle(data, len, data, len, &source, &err), err,
                 COCO_ERR_PROTO, "");
    assert_null(source);
    assert_ok(coco_collateral_new_bundle(data, len, public_pem.data, public_pem.len, &source, &err),
              err);
    assert_got(source, "a", "one");
}

static void
a_recorder_tells_what_it_was_asked_for(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *recorder = NULL;
    coco_collateral *inner = memory_with("a", "one");
    coco_bytes *bytes = NULL;
    int64_t fetched = 0;

    (void)state;
    assert_ok(coco_collateral_add(inner, "b", (const uint8_t *)"two", 3, 0, &err), err);
    assert_ok(coco_collateral_new_recorder(inner, &recorder, &err), err);
    assert_names(recorder, "");
    assert_fails(coco_collateral_get(recorder, "c", &bytes, &err), err, COCO_ERR_NOTFOUND, "c");
    assert_got(recorder, "a", "one");
    assert_names(recorder, "a ");
    assert_ok(coco_collateral_fetched(recorder, "a", &fetched, &err), err);
    assert_int_equal(fetched, 1700000000);
    assert_fails(coco_collateral_fetched(recorder, "b", &fetched, &err), err, COCO_ERR_NOTFOUND,
                 "b");
}

static void
a_recorder_gives_again_what_it_gave(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *recorder = NULL;
    coco_collateral *inner = NULL;

    (void)state;
    atomic_store(&asked, 0);
    assert_ok(coco_collateral_wrap(&counting, NULL, &inner, &err), err);
    assert_ok(coco_collateral_new_recorder(inner, &recorder, &err), err);
    assert_got(recorder, "a", "0");
    assert_got(recorder, "a", "0");
    assert_got(recorder, "b", "1");
    assert_int_equal(atomic_load(&asked), 2);
}

static void *
ask_often(void *recorder)
{
    for (unsigned i = 0; i < 200; i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};

        if (coco_collateral_read(recorder, &buf, NULL, "name/%u", i % 10) != COCO_OK)
            return NULL;
    }
    return recorder;
}

static void
threads_share_a_recorder(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *recorder = NULL;
    coco_collateral *inner = NULL;
    pthread_t threads[4];
    void *done = NULL;

    (void)state;
    assert_ok(coco_collateral_wrap(&counting, NULL, &inner, &err), err);
    assert_ok(coco_collateral_new_recorder(inner, &recorder, &err), err);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, recorder), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_non_null(done);
    }
}

static void
the_second_is_asked_for_what_the_first_lacks(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *either = NULL;
    coco_collateral *second = memory_with("a", "not this");
    coco_bytes *bytes = NULL;
    int64_t fetched = 0;

    (void)state;
    assert_ok(coco_collateral_add(second, "b", (const uint8_t *)"two", 3, 7, &err), err);
    assert_ok(coco_collateral_new_either(memory_with("a", "one"), second, &either, &err), err);
    assert_got(either, "a", "one");
    assert_got(either, "b", "two");
    assert_names(either, "a b ");
    assert_ok(coco_collateral_fetched(either, "b", &fetched, &err), err);
    assert_int_equal(fetched, 7);
    assert_fails(coco_collateral_get(either, "c", &bytes, &err), err, COCO_ERR_NOTFOUND, "c");
}

static void
the_second_does_not_hide_a_failure_of_the_first(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *either = NULL;
    _cleanup_(coco_collateral_freep) coco_collateral *files = memory_with("a/b", "x");
    coco_collateral *first = NULL;
    coco_bytes *bytes = NULL;
    char dir[64];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_collateral_new_dir(dir, &first, &err), err);
    assert_ok(coco_collateral_write_dir(files, dir, &err), err);
    assert_ok(coco_collateral_new_either(first, memory_with("a", "two"), &either, &err), err);
    assert_fails(coco_collateral_get(either, "a", &bytes, &err), err, COCO_ERR_IO, "not a file");
    remove_temp_dir(dir);
}

static void
what_is_shared_goes_with_the_last(void **state)
{
    coco_collateral *first = memory_with("a", "one");
    coco_collateral *second = NULL;

    (void)state;
    assert_ok(coco_collateral_share(first, &second, &err), err);
    coco_collateral_free(first);
    assert_got(second, "a", "one");
    coco_collateral_free(second);
    coco_collateral_free(NULL);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_collateral *memory = NULL;
        coco_collateral *other = NULL;
        coco_collateral *recorder = NULL;
        _cleanup_(coco_collateral_freep) coco_collateral *either = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        coco_status status = coco_collateral_new_memory(&memory, &err);
        if (status == COCO_OK)
            status = coco_collateral_add(memory, "a", (const uint8_t *)"x", 1, 0, &err);
        if (status == COCO_OK)
            status = coco_collateral_new_recorder(coco_steal(&memory), &recorder, &err);
        if (status == COCO_OK)
            status = coco_collateral_new_memory(&other, &err);
        if (status == COCO_OK)
            status = coco_collateral_new_either(coco_steal(&recorder), coco_steal(&other), &either,
                                                &err);
        if (status == COCO_OK)
            status = coco_collateral_get(either, "a", &bytes, &err);
        coco_collateral_free(memory);
        coco_collateral_free(recorder);
        coco_collateral_free(other);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_gives_what_it_was_given),
        cmocka_unit_test(nothing_is_added_to_other_sources),
        cmocka_unit_test(bundles_need_the_key_of_their_owner),
        cmocka_unit_test(a_recorder_tells_what_it_was_asked_for),
        cmocka_unit_test(a_recorder_gives_again_what_it_gave),
        cmocka_unit_test(threads_share_a_recorder),
        cmocka_unit_test(the_second_is_asked_for_what_the_first_lacks),
        cmocka_unit_test(the_second_does_not_hide_a_failure_of_the_first),
        cmocka_unit_test(what_is_shared_goes_with_the_last),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
