/*
 * tests/kbs/test_keyring.c - lib/kbs/keyring.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/keyring.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define NOW 1800000000
#define LIFETIME 360

static struct coco_kbs_store *store;
static struct coco_kbs_keyring *ring;
static struct coco_kbs_keyring *replica;
static struct coco_kbs_sessions *sessions;

static struct coco_kbs_keyring *
open_ring(int64_t now)
{
    struct coco_kbs_keyring *opened = NULL;
    coco_error *err = NULL;

    assert_ok(coco_kbs_keyring_open(store, LIFETIME, now, &opened, &err), err);
    return opened;
}

static int
begin(void **state)
{
    const struct coco_kbs_store_options options = {0};
    uint8_t bytes[COCO_KBS_SEAL_KEY_SIZE] = {7};
    struct coco_secret seal = {.data = bytes, .len = sizeof(bytes)};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_store_open(&options, &store, &err), err);
    assert_ok(coco_kbs_sessions_new(&seal, &sessions, &err), err);
    ring = open_ring(NOW);
    replica = open_ring(NOW);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    coco_kbs_keyring_close(ring);
    coco_kbs_keyring_close(replica);
    coco_kbs_sessions_free(sessions);
    coco_kbs_store_close(store);
    return 0;
}

static void
rotate(struct coco_kbs_keyring *which, int64_t now, char kid[COCO_KBS_KID_SIZE])
{
    int64_t from = 0;
    coco_error *err = NULL;

    assert_ok(coco_kbs_keyring_rotate(which, now, kid, &from, &err), err);
    assert_true(from > now && from <= now + COCO_KBS_KEYS_AHEAD);
}

/* The kid of the key that signs, and of all that are good, joined by blanks. */
static const char *
kids(struct coco_kbs_keyring *which, int64_t now)
{
    static char text[COCO_KBS_KEYS_MAX * (COCO_KBS_KID_SIZE + 1)];
    _cleanup_token_keys_ struct coco_kbs_token_keys keys = {0};
    coco_error *err = NULL;
    size_t len = 0;

    assert_ok(coco_kbs_keyring_look(which, now, sessions, &err), err);
    assert_ok(coco_kbs_keyring_tokens(which, now, &keys, &err), err);
    for (size_t i = 0; i < keys.n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", keys.keys[i].kid);
    return text;
}

static bool
signs(struct coco_kbs_keyring *which, int64_t now, const char *kid)
{
    return strncmp(kids(which, now), kid, strlen(kid)) == 0;
}

static bool
knows(struct coco_kbs_keyring *which, int64_t now, const char *kid)
{
    return strstr(kids(which, now), kid) != NULL;
}

static void
all_that_share_a_store_have_the_same_keys(void **state)
{
    char first[COCO_KBS_KID_SIZE];

    (void)state;
    memcpy(first, coco_kbs_keyring_first(ring)->kid, sizeof(first));
    assert_string_equal(coco_kbs_keyring_first(replica)->kid, first);
    assert_true(signs(ring, NOW, first));
    assert_true(signs(replica, NOW, first));
}

static void
new_keys_are_known_before_they_are_used_and_old_ones_after(void **state)
{
    int64_t from = NOW + COCO_KBS_KEYS_AHEAD;
    char first[COCO_KBS_KID_SIZE];
    char next[COCO_KBS_KID_SIZE];

    (void)state;
    memcpy(first, coco_kbs_keyring_first(ring)->kid, sizeof(first));
    (void)kids(replica, NOW);
    rotate(ring, NOW, next);
    assert_string_not_equal(next, first);
    /* A replica that has just looked does not know yet, but long before it has to. */
    assert_false(knows(replica, NOW + COCO_KBS_KEYS_LOOK - 1, next));
    struct coco_kbs_keyring *const rings[] = {ring, replica};
    for (size_t i = 0; i < 2; i++) {
        assert_true(signs(rings[i], from - 1, first));
        assert_true(knows(rings[i], from - 1, next));
        assert_true(signs(rings[i], from, next));
        assert_true(knows(rings[i], from + LIFETIME - 1, first));
        assert_false(knows(rings[i], from + LIFETIME, first));
        assert_true(signs(rings[i], from + LIFETIME, next));
        /* Whatever comes, the first is there for the audit log. */
        assert_string_equal(coco_kbs_keyring_first(rings[i])->kid, first);
    }
    /* One that starts then knows no more, and no less. */
    struct coco_kbs_keyring *late = open_ring(from + LIFETIME);
    assert_true(signs(late, from + LIFETIME, next));
    assert_false(knows(late, from + LIFETIME, first));
    coco_kbs_keyring_close(late);
}

static void
rotating_twice_at_once_makes_one_generation(void **state)
{
    char one[COCO_KBS_KID_SIZE];
    char two[COCO_KBS_KID_SIZE];

    (void)state;
    rotate(ring, NOW, one);
    rotate(replica, NOW + 1, two);
    assert_string_equal(one, two);
    rotate(ring, NOW + COCO_KBS_KEYS_AHEAD - 1, two);
    assert_string_equal(one, two);
    rotate(replica, NOW + COCO_KBS_KEYS_AHEAD, two);
    assert_string_not_equal(one, two);
}

static void
keys_that_are_over_are_purged_and_nobody_misses_them(void **state)
{
    char kid[COCO_KBS_KID_SIZE] = "";
    int64_t now = NOW;
    coco_error *err = NULL;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        rotate(ring, now, kid);
        now += LIFETIME + COCO_KBS_KEYS_AHEAD;
    }
    _cleanup_json_ cJSON *names = NULL;
    assert_ok(coco_kbs_store_names(store, COCO_KBS_KEY, &names, &err), err);
    /* The first ones, the last, and one or two that were not over yet. */
    assert_in_range(cJSON_GetArraySize(names), 3, 6);
    /* A replica that was idle meanwhile goes on behind the gap. */
    assert_true(signs(replica, now, kid));
    struct coco_kbs_keyring *late = open_ring(now);
    assert_true(signs(late, now, kid));
    coco_kbs_keyring_close(late);
}

static void
too_many_generations_at_once_are_refused(void **state)
{
    char kid[COCO_KBS_KID_SIZE];
    int64_t now = NOW;
    int64_t from = 0;
    struct coco_kbs_keyring *slow = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_keyring_open(store, 86400, NOW, &slow, &err), err);
    for (size_t i = 1; i < COCO_KBS_KEYS_MAX; i++) {
        rotate(slow, now, kid);
        now += COCO_KBS_KEYS_AHEAD;
    }
    assert_fails(coco_kbs_keyring_rotate(slow, now, kid, &from, &err), err, COCO_ERR_LIMIT,
                 "rotate later");
    assert_true(signs(slow, now, kid));
    now += 86400;
    rotate(slow, now, kid);
    assert_true(signs(slow, now + COCO_KBS_KEYS_AHEAD, kid));
    coco_kbs_keyring_close(slow);
}

/* A cookie in the form of a header, or whether one opens. */
static void
seal(int64_t now, char *header, size_t size)
{
    _cleanup_json_ cJSON *state = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = size - 1};
    coco_error *err = NULL;

    (void)kids(ring, now);
    assert_ok(coco_json_new_object(&state, &err), err);
    assert_ok(coco_buf_append_text(&cookie, "kbs-session-id=", &err), err);
    assert_ok(coco_kbs_session_seal(sessions, state, now + LIFETIME, &cookie, &err), err);
    memcpy(header, coco_buf_text(&cookie), cookie.len + 1);
}

static coco_status
unseal(int64_t now, const char *header)
{
    _cleanup_json_ cJSON *state = NULL;

    (void)kids(ring, now);
    return coco_kbs_session_open(sessions, header, now, &state, NULL);
}

static void
cookies_outlive_the_key_that_sealed_them(void **state)
{
    int64_t from = NOW + COCO_KBS_KEYS_AHEAD;
    char kid[COCO_KBS_KID_SIZE];
    char before[512];
    char after[512];

    (void)state;
    rotate(ring, NOW, kid);
    seal(from - 1, before, sizeof(before));
    seal(from + COCO_KBS_KEYS_LOOK, after, sizeof(after));
    assert_int_equal(unseal(from + LIFETIME - 10, before), COCO_OK);
    assert_int_equal(unseal(from + LIFETIME - 10, after), COCO_OK);
    /* That its key is over, not that its time is: the time is set back for it. */
    (void)kids(ring, from + LIFETIME + COCO_KBS_KEYS_LOOK);
    _cleanup_json_ cJSON *value = NULL;
    assert_int_equal(coco_kbs_session_open(sessions, before, NOW, &value, NULL), COCO_ERR_VERIFY);
    assert_int_equal(coco_kbs_session_open(sessions, after, NOW, &value, NULL), COCO_OK);
}

#define SEAL "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
records_that_are_none_are_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"from\":1,\"token\":\"x\",\"seal\":\"" SEAL "\"}",
        "{\"from\":\"1\",\"token\":\"x\",\"seal\":\"" SEAL "\"}",
        "{\"from\":1,\"token\":1,\"seal\":\"" SEAL "\"}",
        "{\"from\":1,\"token\":\"\",\"seal\":\"" SEAL "\"}",
        "{\"from\":1,\"token\":\"x\",\"seal\":\"" SEAL "\",\"more\":1}",
    };
    _cleanup_pkey_ EVP_PKEY *ed = NULL;
    _cleanup_pkey_ EVP_PKEY *ec = NULL;
    static const char *const seals[] = {"", "AAAA", SEAL "AAAA", "***"};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_generation made = {0};

        print_message("# case %zu\n", i);
        assert_fails(coco_kbs_generation_parse(cases[i], strlen(cases[i]), &made, &err), err,
                     COCO_ERR_PROTO, "");
    }
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &ed, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &err), err);
    for (size_t i = 0; i < 1 + sizeof(seals) / sizeof(seals[0]); i++) {
        _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
        _cleanup_json_ cJSON *record = NULL;
        _cleanup_buf_ struct coco_buf text = {.limit = 8192};
        struct coco_kbs_generation made = {0};

        assert_ok(coco_key_private_pem(i == 0 ? ed : ec, &pem, &err), err);
        assert_ok(coco_json_new_object(&record, &err), err);
        assert_ok(coco_json_add_i64(record, "from", 1, &err), err);
        assert_ok(coco_json_add_string(record, "token", coco_buf_text(&pem), &err), err);
        assert_ok(coco_json_add_string(record, "seal", i == 0 ? SEAL : seals[i - 1], &err), err);
        assert_ok(coco_json_write(record, COCO_JSON_COMPACT, &text, &err), err);
        coco_status status = coco_kbs_generation_parse(coco_buf_text(&text), text.len, &made, &err);
        assert_true(status == COCO_ERR_PROTO || status == COCO_ERR_LIMIT);
        coco_error_free(err);
        err = NULL;
    }
}

/* What was stored before keys were JWKs. */
static void
a_key_in_pem_is_the_same_key(void **state)
{
    struct coco_kbs_store *mine = NULL;
    struct coco_kbs_keyring *opened = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_kbs_store_open(&(const struct coco_kbs_store_options){0}, &mine, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_P256, &key, &err), err);
    assert_ok(coco_key_private_pem(key, &pem, &err), err);
    assert_ok(coco_kbs_store_put(mine, COCO_KBS_KEY, "token", pem.data, pem.len, &err), err);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(coco_kbs_keyring_open(mine, LIFETIME, NOW, &opened, &err), err);
        assert_int_equal(EVP_PKEY_eq(coco_kbs_keyring_first(opened)->key, key), 1);
        coco_kbs_keyring_close(opened);
    }
    coco_kbs_store_close(mine);
}

static void
opening_and_rotating_survive_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct coco_kbs_keyring *made = NULL;
        coco_error *err = NULL;

        coco_status status = coco_kbs_keyring_open(store, LIFETIME, NOW, &made, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_kbs_keyring_close(made);
    }
    /* Each round with a store that was not rotated before. */
    for_each_fault()
    {
        char kid[COCO_KBS_KID_SIZE];
        int64_t from = 0;
        coco_error *err = NULL;

        faults_pause();
        (void)end(NULL);
        (void)begin(NULL);
        faults_resume();
        coco_status status = coco_kbs_keyring_rotate(ring, NOW, kid, &from, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(all_that_share_a_store_have_the_same_keys),
        T(new_keys_are_known_before_they_are_used_and_old_ones_after),
        T(rotating_twice_at_once_makes_one_generation),
        T(keys_that_are_over_are_purged_and_nobody_misses_them),
        T(too_many_generations_at_once_are_refused),
        T(cookies_outlive_the_key_that_sealed_them),
        cmocka_unit_test(records_that_are_none_are_refused),
        T(a_key_in_pem_is_the_same_key),
        T(opening_and_rotating_survive_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/keyring", tests, NULL, NULL);
}
