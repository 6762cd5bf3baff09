/*
 * tests/kbs/test_challenge.c - lib/kbs/challenge.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/challenge.h"

#include "tests/golden.h"
#include "tests/kbs/world.h"

#define AUTH_FOR(audience)                                                                         \
    "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"extra-params\":{\"audience\":\"" audience "\"}}"

static void
tokens_are_made_for_the_audiences_of_the_owner_alone(void **state)
{
    static const char *const bodies[] = {AUTH_FOR("https://bank.example/"),
                                         AUTH_FOR("https://bank"),
                                         AUTH_FOR("CoCo-Attestation-Service")};
    struct world w;

    world_begin(&w, "[attestation_service.attestation_token_broker]\n"
                    "audiences = [\"https://bank.example\"]\n");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, bodies[i]), 403);
        assert_says_no(&w, "AttestationError");
        assert_int_equal(w.reply.cookie.len, 0);
    }
    world_end(&w);
    /* Without a list, for nobody. */
    assert_int_equal(ask(*state, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_FOR("a")), 403);
}

static void
auth_refuses(void **state)
{
    struct world *w = *state;
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"version\":\"0.4.0\",\"tee\":\"sample\"}{}",
        "{\"version\":\"0.1.2\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.1\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"abc\",\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":4,\"tee\":\"sample\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":null,\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"tdy\",\"extra-params\":\"\"}",
        "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"TEE\":\"tdx\",\"extra-params\":\"\"}",
        ("\xef\xbb\xbf" AUTH_BODY),
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (ask(w, "POST", "/kbs/v0/auth", NULL, NULL, bodies[i]) != 400)
            fail_msg("case %zu gives %d", i, w->reply.status);
        assert_says_no(w, "AttestationError");
        assert_int_equal(w->reply.cookie.len, 0);
    }
}

static void
sessions_are_refused(void **state)
{
    struct world *w = *state;
    const struct attestation how = {0};
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};
    char cookie[sizeof(w->cookie)];

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH_BODY), 200);
    make_attestation(w, &how, &body);
    memcpy(cookie, w->cookie, sizeof(cookie));
    static const char *const cookies[] = {
        NULL,
        "",
        "kbs-session-id",
        "kbs-session-id=",
        "kbs-session-id=AAAA",
        "kbs-session-id=8af65ef770584b4180d1327859db94fa",
        "other=1",
    };
    for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
        if (ask_bytes(w, "POST", "/kbs/v0/attest", cookies[i], NULL, body.data, body.len) != 401)
            fail_msg("cookie %zu gives %d", i, w->reply.status);
        assert_says_no(w, "AttestationError");
    }
    for (size_t i = strlen("kbs-session-id="); i < strlen(cookie); i += 7) {
        char tampered[sizeof(cookie)];

        memcpy(tampered, cookie, sizeof(tampered));
        tampered[i] = tampered[i] == 'A' ? 'B' : 'A';
        assert_int_equal(
            ask_bytes(w, "POST", "/kbs/v0/attest", tampered, NULL, body.data, body.len), 401);
    }
    world_clock += 5 * 60;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     401);
    world_clock--;
    assert_int_equal(ask_bytes(w, "POST", "/kbs/v0/attest", cookie, NULL, body.data, body.len),
                     200);
}

/* ---- Old guests ---- */

/* The cookie of a session that asked with g's request and got g's challenge. */
static void
seal_golden(struct world *w, const struct golden *g)
{
    _cleanup_json_ cJSON *state = NULL;
    _cleanup_buf_ struct coco_buf cookie = {.limit = sizeof(w->cookie)};
    const int64_t expires = WORLD_NOW + 60;
    coco_error *err = NULL;

    assert_ok(coco_json_new_object(&state, &err), err);
    assert_ok(coco_json_add_string(state, "is", "challenge", &err), err);
    assert_ok(coco_json_add_string(state, "version", g->version, &err), err);
    assert_ok(coco_json_add_string(state, "tee", "sample", &err), err);
    assert_ok(coco_json_add_string(state, "nonce", g->nonce, &err), err);
    assert_ok(coco_json_add_i64(state, "expires", expires, &err), err);
    assert_ok(coco_kbs_session_seal(w->core->sessions, state, expires, &cookie, &err), err);
    (void)snprintf(w->cookie, sizeof(w->cookie), "kbs-session-id=%s", coco_buf_text(&cookie));
}

/* An attestation counts in the session that it was made for, whichever version it is of. */
static void
a_session_of_another_version_is_refused(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < GOLDENS; i++)
        for (size_t j = 0; j < GOLDENS; j++) {
            struct golden mixed = golden[i];

            if (i == j)
                continue;
            mixed.version = golden[j].version;
            seal_golden(w, &mixed);
            int status = ask(w, "POST", "/kbs/v0/attest", w->cookie, NULL, mixed.attestation);
            assert_true(status == 400 || status == 401);
        }
}

static void
versions_that_are_too_old_for_the_owner_are_refused(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, "oldest_protocol = \"0.2.0\"\n");
    for (size_t i = 0; i < GOLDENS; i++) {
        int want = strcmp(golden[i].version, "0.2.0") < 0 ? 400 : 200;

        assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, golden[i].request), want);
        if (want == 400)
            assert_contains(said(&w), "Version Mismatch: expect at least 0.2.0");
    }
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(tokens_are_made_for_the_audiences_of_the_owner_alone),
        IN_WORLD(auth_refuses),
        IN_WORLD(sessions_are_refused),
        IN_WORLD(a_session_of_another_version_is_refused),
        cmocka_unit_test(versions_that_are_too_old_for_the_owner_are_refused),
    };

    return cmocka_run_group_tests_name("kbs/challenge", tests, NULL, NULL);
}
