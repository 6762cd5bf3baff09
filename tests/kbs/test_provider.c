/*
 * tests/kbs/test_provider.c - lib/kbs/provider.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/provider.h"

#include "base/fd.h"

#include "tests/faults.h"
#include "tests/idp.h"

#define NOW 1800000000

static struct idp idp;
static coco_ctx *ctx;
static struct coco_kbs_providers *providers;
static struct coco_kbs_provider provider;

static int
begin(void **state)
{
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    assert_ok(coco_ctx_new(&ctx, &err), err);
    provider = (struct coco_kbs_provider){.issuer = idp.issuer, .ca = idp.ca_pem};
    assert_ok(coco_kbs_providers_new(ctx, &provider, 1, NOW, &providers, &err), err);
    coco_kbs_providers_settle(providers);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_kbs_providers_free(providers);
    providers = NULL;
    coco_ctx_free(ctx);
    idp_stop(&idp);
    return 0;
}

/* COCO_OK for a key that the provider has had, whose index is told. */
static coco_status
find(const char *kid, int64_t now, size_t *index)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    coco_status status = coco_kbs_providers_key(providers, 0, kid, now, &key, &err);
    coco_error_free(err);
    *index = IDP_KEYS_MAX;
    for (size_t i = 0; i < idp.n; i++)
        if (key && EVP_PKEY_eq(key, idp.keys[i]) == 1)
            *index = i;
    return status;
}

static void
keys_are_there_after_the_start(void **state)
{
    size_t index = 0;

    (void)state;
    assert_int_equal(find("a", NOW, &index), COCO_OK);
    assert_int_equal(index, 0);
    assert_int_equal(find(NULL, NOW, &index), COCO_OK);
    assert_int_equal(index, 0);
    assert_int_equal(idp_asked(&idp), 1);
}

static void
a_rotated_key_is_found_without_a_restart(void **state)
{
    size_t index = 0;

    (void)state;
    idp_add(&idp, COCO_KEY_RSA, "b");
    idp_publish(&idp, 1);
    assert_int_equal(find("b", NOW + COCO_KBS_PROVIDER_PAUSE, &index), COCO_ERR_NET);
    coco_kbs_providers_settle(providers);
    assert_int_equal(find("b", NOW + COCO_KBS_PROVIDER_PAUSE, &index), COCO_OK);
    assert_int_equal(index, 1);
    /* And what was withdrawn is gone. */
    assert_int_equal(find("a", NOW + COCO_KBS_PROVIDER_PAUSE, &index), COCO_ERR_VERIFY);
}

static void
strangers_with_keys_of_their_own_cause_few_requests(void **state)
{
    char kid[400];
    size_t index = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(kid, sizeof(kid), "made-up-%u", i);
        assert_int_equal(find(kid, NOW + 1, &index), COCO_ERR_VERIFY);
    }
    assert_int_equal(idp_asked(&idp), 1);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(kid, sizeof(kid), "made-up-%u", i);
        (void)find(kid, NOW + COCO_KBS_PROVIDER_PAUSE + 1, &index);
    }
    coco_kbs_providers_settle(providers);
    assert_int_equal(idp_asked(&idp), 2);
    /* One that no key can have is not asked for. */
    memset(kid, 'k', sizeof(kid) - 1);
    kid[sizeof(kid) - 1] = '\0';
    assert_int_equal(find(kid, NOW + 2 * COCO_KBS_PROVIDER_PAUSE + 1, &index), COCO_ERR_VERIFY);
    assert_int_equal(idp_asked(&idp), 2);
}

static void
a_set_that_has_aged_is_used_and_got_anew(void **state)
{
    size_t index = 0;

    (void)state;
    idp_add(&idp, COCO_KEY_ED25519, "b");
    assert_int_equal(find("a", NOW + COCO_KBS_PROVIDER_FRESH, &index), COCO_OK);
    coco_kbs_providers_settle(providers);
    assert_int_equal(idp_asked(&idp), 2);
    assert_int_equal(find("b", NOW + COCO_KBS_PROVIDER_FRESH, &index), COCO_OK);
    assert_int_equal(index, 1);
}

static void
keys_end_when_their_provider_is_away_for_long(void **state)
{
    int64_t late = NOW + COCO_KBS_PROVIDER_ENDED;
    size_t index = 0;

    (void)state;
    idp_say(&idp, "503 Service Unavailable", "", NULL);
    assert_int_equal(find("a", late - 1, &index), COCO_OK);
    coco_kbs_providers_settle(providers);
    assert_int_equal(find("a", late, &index), COCO_ERR_VERIFY);
    idp_publish(&idp, 0);
    (void)find("a", late + COCO_KBS_PROVIDER_PAUSE, &index);
    coco_kbs_providers_settle(providers);
    assert_int_equal(find("a", late + COCO_KBS_PROVIDER_PAUSE, &index), COCO_OK);
}

static void
a_broken_set_leaves_the_one_before(void **state)
{
    int64_t later = NOW + COCO_KBS_PROVIDER_FRESH;
    size_t index = 0;

    (void)state;
    idp_say(&idp, "200 OK", "{\"keys\":[{}]}", NULL);
    assert_int_equal(find("a", later, &index), COCO_OK);
    coco_kbs_providers_settle(providers);
    assert_int_equal(find("a", later, &index), COCO_OK);
    assert_int_equal(idp_asked(&idp), 2);
}

static void
a_clock_that_was_set_back_makes_nothing_wait(void **state)
{
    size_t index = 0;

    (void)state;
    (void)find("a", NOW - 100000, &index);
    coco_kbs_providers_settle(providers);
    assert_int_equal(find("a", NOW - 100000, &index), COCO_OK);
}

static void
a_server_that_stalls_keeps_nobody_from_stopping(void **state)
{
    size_t index = 0;

    (void)state;
    /* The lock that it answers under is held until the request is canceled. */
    (void)pthread_mutex_lock(&idp.lock);
    assert_int_equal(find("b", NOW + COCO_KBS_PROVIDER_PAUSE, &index), COCO_ERR_NET);
    coco_kbs_providers_free(providers);
    providers = NULL;
    (void)pthread_mutex_unlock(&idp.lock);
}

static void
a_file_is_read_anew_at_once(void **state)
{
    char dir[64];
    char path[128];
    size_t index = 0;
    coco_error *err = NULL;

    (void)state;
    coco_kbs_providers_free(providers);
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/jwks.json", dir);
    assert_ok(coco_file_write(path, idp.jwks, strlen(idp.jwks), 0600, &err), err);
    provider = (struct coco_kbs_provider){.jwk_set_uri = path};
    assert_ok(coco_kbs_providers_new(ctx, &provider, 1, NOW, &providers, &err), err);
    assert_int_equal(find("a", NOW, &index), COCO_OK);
    idp_add(&idp, COCO_KEY_P384, "b");
    assert_ok(coco_file_write(path, idp.jwks, strlen(idp.jwks), 0600, &err), err);
    assert_int_equal(find("b", NOW, &index), COCO_ERR_VERIFY);
    assert_int_equal(find("b", NOW + COCO_KBS_PROVIDER_FILE_PAUSE, &index), COCO_OK);
    assert_int_equal(index, 1);
    for_each_fault()
    {
        struct coco_kbs_providers *made = NULL;

        err = NULL;
        coco_status status = coco_kbs_providers_new(ctx, &provider, 1, NOW, &made, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_kbs_providers_free(made);
    }
    remove_temp_dir(dir);
}

static void
a_provider_with_a_key_alone_has_no_set(void **state)
{
    size_t index = 0;
    coco_error *err = NULL;

    (void)state;
    coco_kbs_providers_free(providers);
    provider = (struct coco_kbs_provider){.key = idp.keys[0]};
    assert_ok(coco_kbs_providers_new(ctx, &provider, 1, NOW, &providers, &err), err);
    assert_int_equal(find("a", NOW, &index), COCO_ERR_VERIFY);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(keys_are_there_after_the_start),
        T(a_rotated_key_is_found_without_a_restart),
        T(strangers_with_keys_of_their_own_cause_few_requests),
        T(a_set_that_has_aged_is_used_and_got_anew),
        T(keys_end_when_their_provider_is_away_for_long),
        T(a_broken_set_leaves_the_one_before),
        T(a_clock_that_was_set_back_makes_nothing_wait),
        T(a_server_that_stalls_keeps_nobody_from_stopping),
        T(a_file_is_read_anew_at_once),
        T(a_provider_with_a_key_alone_has_no_set),
    };

    return cmocka_run_group_tests_name("kbs/provider", tests, NULL, NULL);
}
