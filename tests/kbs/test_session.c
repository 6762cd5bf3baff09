/*
 * tests/kbs/test_session.c - lib/kbs/session.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/session.h"

#include "tests/faults.h"
#include "tests/rng.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct coco_kbs_sessions *
make(uint8_t byte)
{
    uint8_t bytes[COCO_KBS_SEAL_KEY_SIZE];
    _cleanup_secret_ struct coco_secret key = {0};
    struct coco_kbs_sessions *sessions = NULL;
    coco_error *err = NULL;

    memset(bytes, byte, sizeof(bytes));
    assert_ok(coco_secret_copy(bytes, sizeof(bytes), &key, &err), err);
    assert_ok(coco_kbs_sessions_new(&key, &sessions, &err), err);
    return sessions;
}

static void
seal(struct coco_kbs_sessions *sessions, const char *state, int64_t expires, char *header,
     size_t size)
{
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = size - 1};
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(state, strlen(state), &value, &err), err);
    assert_ok(coco_buf_append_text(&cookie, "kbs-session-id=", &err), err);
    assert_ok(coco_kbs_session_seal(sessions, value, expires, &cookie, &err), err);
    strcpy(header, coco_buf_text(&cookie));
}

static void
a_session_comes_back(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *replica = make(1);
    char header[2048];
    char longer[4096];
    coco_error *err = NULL;

    (void)state;
    seal(sessions, "{\"a\":18446744073709551615}", 100, header, sizeof(header));
    (void)snprintf(longer, sizeof(longer), "x=y; %s; kbs-session=1", header);
    const char *const headers[] = {header, longer};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_json_ cJSON *value = NULL;
        uint64_t a = 0;

        assert_ok(coco_kbs_session_open(replica, headers[i], 99, &value, &err), err);
        assert_ok(coco_json_get_u64(value, "a", &a, &err), err);
        assert_true(a == UINT64_MAX);
    }
}

static void
a_session_of_others_or_of_before_is_refused(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *other = make(2);
    char header[2048];
    cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    seal(sessions, "{}", 100, header, sizeof(header));
    assert_fails(coco_kbs_session_open(other, header, 99, &value, &err), err, COCO_ERR_VERIFY,
                 "session");
    assert_fails(coco_kbs_session_open(sessions, header, 100, &value, &err), err, COCO_ERR_VERIFY,
                 "expired");
    for (size_t i = strlen("kbs-session-id="); header[i]; i++) {
        char c = header[i];

        header[i] = c == 'x' ? 'y' : 'x';
        assert_fails(coco_kbs_session_open(sessions, header, 99, &value, &err), err,
                     COCO_ERR_VERIFY, "session");
        header[i] = '\0';
        coco_status status = coco_kbs_session_open(sessions, header, 99, &value, NULL);
        assert_true(status == COCO_ERR_VERIFY || status == COCO_ERR_NOTFOUND);
        header[i] = c;
    }
}

static void
what_holds_no_session_is_none(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    static const char *const headers[] = {
        NULL,
        "",
        ";",
        "a",
        "kbs-session-id",
        "kbs-session-id=",
        "kbs-session-id=; a",
        "xkbs-session-id=a",
    };
    cJSON *value = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (coco_kbs_session_open(sessions, headers[i], 0, &value, NULL) != COCO_ERR_NOTFOUND)
            fail_msg("case %zu", i);
}

static void
no_two_cookies_are_alike(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    char one[2048];
    char two[2048];

    (void)state;
    seal(sessions, "{}", 100, one, sizeof(one));
    seal(sessions, "{}", 100, two, sizeof(two));
    assert_string_not_equal(one, two);
}

static void
what_does_not_fit_is_said_so(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = 1 << 20};
    uint8_t noise[COCO_KBS_COOKIE_MAX];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_random(noise, sizeof(noise), &err), err);
    assert_ok(coco_json_new_object(&value, &err), err);
    assert_ok(coco_json_add_base64(value, "noise", noise, sizeof(noise), &err), err);
    assert_fails(coco_kbs_session_seal(sessions, value, 100, &cookie, &err), err, COCO_ERR_LIMIT,
                 "");
}

/* The largest of the recorded logs of TDX guests deflates to 28 KiB. */
static void
all_events_of_a_boot_fit(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_json_ cJSON *value = NULL;
    _cleanup_json_ cJSON *back = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = COCO_KBS_COOKIE_MAX};
    static uint8_t noise[40000];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_random(noise, sizeof(noise), &err), err);
    assert_ok(coco_json_new_object(&value, &err), err);
    assert_ok(coco_json_add_base64(value, "noise", noise, sizeof(noise), &err), err);
    assert_ok(coco_buf_append_text(&cookie, "kbs-session-id=", &err), err);
    assert_ok(coco_kbs_session_seal(sessions, value, 100, &cookie, &err), err);
    assert_ok(coco_kbs_session_open(sessions, coco_buf_text(&cookie), 1, &back, &err), err);
    assert_true(cJSON_Compare(value, back, true));
}

/* Short ones are sealed as they are, longer ones deflated, with more or less of a window. */
static void
sessions_of_all_lengths_come_back(void **state)
{
    static const size_t lengths[] = {1,    2900, 2988, 2989, 2990, 2991,
                                     3100, 8180, 8190, 8200, 40000};
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    static char text[65536];
    static char json[65536 + 16];
    static char header[65536];

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        _cleanup_json_ cJSON *value = NULL;
        const char *back = NULL;
        coco_error *err = NULL;

        for (size_t j = 0; j < lengths[i]; j++)
            text[j] = (char)('a' + (j / 100 * 7 + j % 100) % 26);
        text[lengths[i]] = '\0';
        (void)snprintf(json, sizeof(json), "{\"a\":\"%s\"}", text);
        seal(sessions, json, 100, header, sizeof(header));
        assert_ok(coco_kbs_session_open(sessions, header, 99, &value, &err), err);
        assert_ok(coco_json_get_string(value, "a", &back, &err), err);
        assert_string_equal(back, text);
        if (lengths[i] < 3000)
            assert_in_range(strlen(header), 1, 4096);
    }
}

static void
other_keys_are_another_epoch(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    uint8_t bytes[3][COCO_KBS_SEAL_KEY_SIZE] = {{1}, {2}, {3}};
    const struct coco_secret keys[] = {
        {bytes[0], sizeof(bytes[0])}, {bytes[1], sizeof(bytes[1])}, {bytes[2], sizeof(bytes[2])}};
    const struct coco_secret *const sets[][2] = {
        {&keys[0], &keys[1]}, {&keys[1], &keys[0]}, {&keys[1], &keys[2]}, {&keys[1], NULL}};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        uint64_t before = coco_kbs_sessions_epoch(sessions);
        size_t n = sets[i][1] ? 2 : 1;

        assert_ok(coco_kbs_sessions_set_keys(sessions, sets[i], n, &err), err);
        uint64_t after = coco_kbs_sessions_epoch(sessions);
        assert_int_not_equal(after, before);
        assert_ok(coco_kbs_sessions_set_keys(sessions, sets[i], n, &err), err);
        assert_int_equal(coco_kbs_sessions_epoch(sessions), after);
    }
}

static void
a_nonce_is_used_once(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    char nonce[32];
    coco_error *err = NULL;

    (void)state;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 5000; i++) {
            (void)snprintf(nonce, sizeof(nonce), "%u", i);
            coco_status status = coco_kbs_nonce_use(sessions, nonce, 100 + i / 100, 50, NULL);
            if (status != (round ? COCO_ERR_DENIED : COCO_OK))
                fail_msg("round %u, nonce %u", round, i);
        }
    /* Those that have expired make room. */
    assert_ok(coco_kbs_nonce_use(sessions, "a", 1000, 200, &err), err);
    assert_ok(coco_kbs_nonce_use(sessions, "b", 1000, 200, &err), err);
    assert_fails(coco_kbs_nonce_use(sessions, "a", 1000, 201, &err), err, COCO_ERR_DENIED,
                 "used before");
}

struct race {
    struct coco_kbs_sessions *sessions;
    unsigned won;
};

static void *
race(void *arg)
{
    struct race *r = arg;
    char nonce[32];

    for (unsigned i = 0; i < 2000; i++) {
        (void)snprintf(nonce, sizeof(nonce), "%u", i);
        if (coco_kbs_nonce_use(r->sessions, nonce, 100, 50, NULL) == COCO_OK)
            r->won++;
    }
    return NULL;
}

static void
of_two_clients_with_one_nonce_one_wins(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    struct race races[2] = {{sessions, 0}, {sessions, 0}};
    pthread_t threads[2];

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &races[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(races[0].won + races[1].won, 2000);
}

static void
sealing_survives_failed_allocations(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_json_ cJSON *value = NULL;
    char header[2048];
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_new_object(&value, &err), err);
    seal(sessions, "{\"a\":[1,2,3]}", 100, header, sizeof(header));
    for_each_fault()
    {
        _cleanup_json_ cJSON *back = NULL;
        _cleanup_buf_ struct coco_buf cookie = {.limit = 4096};
        coco_error *why = NULL;

        coco_status status = coco_kbs_session_seal(sessions, value, 100, &cookie, &why);
        if (status == COCO_OK)
            status = coco_kbs_session_open(sessions, header, 50, &back, &why);
        if (status == COCO_OK)
            status = coco_kbs_nonce_use(sessions, "n", 100, 50, &why);
        fault_expect(status, why);
        coco_error_free(why);
    }
}

static void
nothing_is_sealed_without_random_bytes(void **state)
{
    _cleanup_(coco_kbs_sessions_freep) struct coco_kbs_sessions *sessions = make(1);
    _cleanup_json_ cJSON *value = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_json_new_object(&value, &err), err);
    for_each_rng_fault()
    {
        _cleanup_buf_ struct coco_buf cookie = {.limit = 4096};
        coco_error *why = NULL;

        rng_expect(coco_kbs_session_seal(sessions, value, 100, &cookie, &why), why);
        assert_true(!cookie.len == (why != NULL));
        coco_error_free(why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_comes_back),
        cmocka_unit_test(a_session_of_others_or_of_before_is_refused),
        cmocka_unit_test(what_holds_no_session_is_none),
        cmocka_unit_test(no_two_cookies_are_alike),
        cmocka_unit_test(what_does_not_fit_is_said_so),
        cmocka_unit_test(all_events_of_a_boot_fit),
        cmocka_unit_test(sessions_of_all_lengths_come_back),
        cmocka_unit_test(other_keys_are_another_epoch),
        cmocka_unit_test(a_nonce_is_used_once),
        cmocka_unit_test(of_two_clients_with_one_nonce_one_wins),
        cmocka_unit_test(sealing_survives_failed_allocations),
        cmocka_unit_test(nothing_is_sealed_without_random_bytes),
    };

    return cmocka_run_group_tests_name("kbs/session", tests, NULL, NULL);
}
