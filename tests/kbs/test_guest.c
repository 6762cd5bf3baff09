/*
 * tests/kbs/test_guest.c - lib/kbs/guest.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/guest.h"

#include "rcar/tee_key.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <pthread.h>
#include <string.h>

struct fixture {
    EVP_PKEY *key;
    struct coco_kbs_guests *guests;
};

static int
begin(void **state)
{
    static struct fixture f;
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &f.key, &err), err);
    assert_ok(coco_kbs_guests_new(&f.guests, &err), err);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct fixture *f = *state;

    coco_kbs_guests_free(f->guests);
    EVP_PKEY_free(f->key);
    return 0;
}

static cJSON *
claims_of(const struct fixture *f)
{
    cJSON *claims = cJSON_CreateObject();
    cJSON *jwk = NULL;
    coco_error *err = NULL;

    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_NEWEST, f->key, &jwk, &err), err);
    assert_ok(coco_json_add_item(claims, "tee-pubkey", jwk, &err), err);
    return claims;
}

static struct coco_kbs_guest *
make_guest(const struct fixture *f)
{
    struct coco_kbs_guest *guest = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_guest_new(claims_of(f), NULL, &guest, &err), err);
    return guest;
}

static struct coco_digest
number(unsigned n)
{
    struct coco_digest digest;
    coco_error *err = NULL;

    assert_ok(coco_digest_of(COCO_SHA256, &n, sizeof(n), &digest, &err), err);
    return digest;
}

static bool
is_known(const struct fixture *f, unsigned n, uint64_t epoch, int64_t now)
{
    const struct coco_digest shown = number(n);
    _cleanup_guest_ struct coco_kbs_guest *guest =
        coco_kbs_guests_find(f->guests, &shown, epoch, now);

    return guest != NULL;
}

static void
keep(const struct fixture *f, unsigned n, struct coco_kbs_guest *guest)
{
    const struct coco_digest shown = number(n);

    coco_kbs_guests_keep(f->guests, &shown, 1, 100, guest);
}

static void
a_guest_is_what_its_claims_say(void **state)
{
    const struct fixture *f = *state;
    _cleanup_guest_ struct coco_kbs_guest *read = make_guest(f);
    _cleanup_guest_ struct coco_kbs_guest *given = NULL;
    _cleanup_json_ cJSON *jwk = NULL;
    _cleanup_buf_ struct coco_buf id = {.limit = 64};
    coco_error *err = NULL;

    assert_int_equal(EVP_PKEY_eq(read->key, f->key), 1);
    assert_int_equal(read->version, COCO_RCAR_NEWEST);
    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_NEWEST, f->key, &jwk, &err), err);
    assert_ok(coco_rcar_tee_key_id(jwk, &id, &err), err);
    assert_string_equal(read->id, coco_buf_text(&id));
    assert_ok(coco_kbs_guest_new(claims_of(f), f->key, &given, &err), err);
    assert_ptr_equal(given->key, f->key);
    assert_string_equal(given->id, read->id);
}

static void
claims_without_a_key_are_of_no_guest(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"tee-pubkey\":{}}",
        "{\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}}",
        "{\"tee-pubkey\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
    };
    struct coco_kbs_guest *guest = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cJSON *claims = NULL;
        coco_error *err = NULL;

        assert_ok(coco_json_parse(texts[i], strlen(texts[i]), &claims, &err), err);
        if (coco_kbs_guest_new(claims, NULL, &guest, NULL) == COCO_OK || guest)
            fail_msg("case %zu", i);
    }
}

static void
who_shows_the_same_is_known_until_then(void **state)
{
    const struct fixture *f = *state;
    _cleanup_guest_ struct coco_kbs_guest *guest = make_guest(f);

    assert_false(is_known(f, 1, 1, 0));
    keep(f, 1, guest);
    assert_true(is_known(f, 1, 1, 99));
    assert_false(is_known(f, 2, 1, 99));
    assert_false(is_known(f, 1, 1, 100));
    /* And stays forgotten, if the clock is set back. */
    assert_false(is_known(f, 1, 1, 99));
}

static void
other_keys_make_strangers_of_all(void **state)
{
    const struct fixture *f = *state;
    _cleanup_guest_ struct coco_kbs_guest *guest = make_guest(f);

    keep(f, 1, guest);
    assert_false(is_known(f, 1, 2, 0));
    assert_false(is_known(f, 1, 1, 0));
}

static void
who_was_longest_not_heard_of_is_forgotten(void **state)
{
    const struct fixture *f = *state;
    _cleanup_guest_ struct coco_kbs_guest *guest = make_guest(f);

    for (unsigned i = 0; i < COCO_KBS_GUESTS_MAX; i++)
        keep(f, i, guest);
    assert_true(is_known(f, 0, 1, 0));
    keep(f, 1000, guest);
    assert_true(is_known(f, 0, 1, 0));
    assert_true(is_known(f, 1000, 1, 0));
    assert_false(is_known(f, 1, 1, 0));
    assert_true(is_known(f, 2, 1, 0));
    /* The same again takes no other's place. */
    for (unsigned i = 0; i < 10; i++)
        keep(f, 1000, guest);
    assert_true(is_known(f, 2, 1, 0));
}

/* With as much in its claims as n texts of 1000 bytes. */
static struct coco_kbs_guest *
make_large(const struct fixture *f, unsigned n)
{
    cJSON *claims = claims_of(f);
    char text[1001] = "";
    cJSON *list = NULL;
    struct coco_kbs_guest *guest = NULL;
    coco_error *err = NULL;

    memset(text, 'x', sizeof(text) - 1);
    assert_ok(coco_json_add_array(claims, "more", &list, &err), err);
    for (unsigned i = 0; i < n; i++)
        assert_ok(coco_json_add_string(list, NULL, text, &err), err);
    assert_ok(coco_kbs_guest_new(claims, NULL, &guest, &err), err);
    return guest;
}

static void
all_of_them_have_their_bounds(void **state)
{
    const struct fixture *f = *state;
    _cleanup_guest_ struct coco_kbs_guest *small = make_guest(f);
    _cleanup_guest_ struct coco_kbs_guest *large = make_large(f, 200);
    _cleanup_guest_ struct coco_kbs_guest *huge = make_large(f, 300);

    keep(f, 0, huge);
    assert_false(is_known(f, 0, 1, 0));
    keep(f, 1, small);
    for (unsigned i = 10; i < 19; i++)
        keep(f, i, large);
    assert_true(is_known(f, 1, 1, 0));
    assert_true(is_known(f, 18, 1, 0));
    keep(f, 19, large);
    assert_false(is_known(f, 10, 1, 0));
    for (unsigned i = 20; i < 60; i++)
        keep(f, i, large);
    assert_false(is_known(f, 1, 1, 0));
    unsigned known = 0;
    for (unsigned i = 10; i < 60; i++)
        known += is_known(f, i, 1, 0);
    assert_in_range(known, 8, 10);
}

static void *
come_and_go(void *arg)
{
    const struct fixture *f = arg;

    for (unsigned i = 0; i < 2000; i++) {
        const struct coco_digest shown = number(i % 200);
        _cleanup_guest_ struct coco_kbs_guest *guest =
            coco_kbs_guests_find(f->guests, &shown, 1, 0);

        if (guest) {
            assert_non_null(guest->claims->child);
        } else {
            guest = make_guest(f);
            coco_kbs_guests_keep(f->guests, &shown, 1, 100, guest);
        }
    }
    return NULL;
}

static void
threads_share_them(void **state)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, *state), 0);
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
}

static void
a_guest_survives_failed_allocations(void **state)
{
    const struct fixture *f = *state;

    for_each_fault()
    {
        struct coco_kbs_guest *guest = NULL;
        struct coco_kbs_guests *guests = NULL;
        coco_error *err = NULL;

        faults_pause();
        cJSON *claims = claims_of(f);
        faults_resume();
        coco_status status = coco_kbs_guest_new(claims, NULL, &guest, &err);
        if (status == COCO_OK)
            status = coco_kbs_guests_new(&guests, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_kbs_guest_unref(guest);
        coco_kbs_guests_free(guests);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_guest_is_what_its_claims_say),
        T(claims_without_a_key_are_of_no_guest),
        T(who_shows_the_same_is_known_until_then),
        T(other_keys_make_strangers_of_all),
        T(who_was_longest_not_heard_of_is_forgotten),
        T(all_of_them_have_their_bounds),
        T(threads_share_them),
        T(a_guest_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/guest", tests, NULL, NULL);
}
