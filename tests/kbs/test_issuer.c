/*
 * tests/kbs/test_issuer.c - lib/kbs/issuer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/issuer.h"

#include "crypto/jwk.h"
#include "tests/faults.h"
#include "tests/kbs/world.h"

/* The token that the guest got; the claims of a third party that has the JWK set alone. */
static void
verify_as_third_party(const char *token, const char *jwks, cJSON **claims, coco_status want)
{
    _cleanup_jws_ struct coco_jws jws = {0};
    _cleanup_json_ cJSON *set = NULL;
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    const char *wanted = NULL;
    const char *kid = NULL;
    const cJSON *jwk = NULL;
    coco_error *err = NULL;

    assert_ok(coco_jws_parse(token, strlen(token), &jws, &err), err);
    assert_ok(coco_json_get_string(jws.header, "kid", &wanted, &err), err);
    assert_ok(coco_json_parse_object(jwks, strlen(jwks), &set, &err), err);
    cJSON_ArrayForEach(jwk, cJSON_GetObjectItemCaseSensitive(set, "keys")) {
        assert_ok(coco_json_get_string(jwk, "kid", &kid, &err), err);
        if (strcmp(kid, wanted) == 0)
            assert_ok(coco_jwk_parse(jwk, &key, &err), err);
    }
    if (want == COCO_ERR_NOTFOUND) {
        assert_null(key);
        return;
    }
    assert_non_null(key);
    assert_ok(coco_jws_verify(&jws, key, &err), err);
    *claims = coco_steal(&jws.payload);
}

static char *
get_token(struct world *w)
{
    _cleanup_json_ cJSON *reply = NULL;
    const char *token = NULL;
    coco_error *err = NULL;

    assert_int_equal(attest(w), 200);
    assert_ok(coco_json_parse_object(said(w), w->reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    return strdup(token);
}

static void
third_parties_verify_tokens_by_the_set(void **state)
{
    struct world w;
    struct world other;
    _cleanup_json_ cJSON *claims = NULL;

    (void)state;
    world_begin(&other, "");
    _cleanup_free_ char *foreign = get_token(&other);
    world_end(&other);
    world_begin(&w, "");
    _cleanup_free_ char *token = get_token(&w);
    assert_int_equal(ask(&w, "GET", "/.well-known/jwks.json", NULL, NULL, ""), 200);
    assert_string_equal(w.reply.type, "application/json");
    verify_as_third_party(token, said(&w), &claims, COCO_OK);
    assert_non_null(cJSON_GetObjectItemCaseSensitive(claims, "submods"));
    verify_as_third_party(foreign, said(&w), NULL, COCO_ERR_NOTFOUND);
    /* RFC 7517 section 9.3: never the private part. */
    assert_null(strstr(said(&w), "\"d\""));
    assert_contains(said(&w), "\"use\":\"sig\"");
    assert_contains(said(&w), "\"alg\":\"ES256\"");
    world_end(&w);
}

static void
the_set_is_found_from_the_issuer(void **state)
{
    static const struct {
        const char *issuer;
        const char *jwks_uri; /* NULL: it cannot be found */
    } cases[] = {
        {"https://kbs.example", "https://kbs.example/.well-known/jwks.json"},
        {"https://kbs.example/", "https://kbs.example/.well-known/jwks.json"},
        {"https://kbs.example:8443/team/a",
         "https://kbs.example:8443/team/a/.well-known/jwks.json"},
        {"CoCo-Attestation-Service", NULL},
        {"http://kbs.example", NULL},
        {"https://kbs.example/?a=b", NULL},
        {"https://kbs.example/#a", NULL},
        {"https://user:password@kbs.example", NULL},
        {"https://", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char config[256];
        _cleanup_json_ cJSON *about = NULL;
        const char *issuer = NULL;
        const char *jwks_uri = NULL;
        coco_error *err = NULL;
        struct world w;

        (void)snprintf(config, sizeof(config),
                       "[attestation_service.attestation_token_broker]\nissuer_name = \"%s\"\n",
                       cases[i].issuer);
        world_begin(&w, config);
        int status = ask(&w, "GET", "/.well-known/openid-configuration", NULL, NULL, "");
        assert_int_equal(status, cases[i].jwks_uri ? 200 : 404);
        if (!cases[i].jwks_uri) {
            assert_says_no(&w, "PluginNotFound");
            world_end(&w);
            continue;
        }
        assert_ok(coco_json_parse_object(said(&w), w.reply.body.len, &about, &err), err);
        assert_ok(coco_json_get_string(about, "issuer", &issuer, &err), err);
        assert_ok(coco_json_get_string(about, "jwks_uri", &jwks_uri, &err), err);
        assert_string_equal(issuer, cases[i].issuer);
        assert_string_equal(jwks_uri, cases[i].jwks_uri);
        assert_contains(said(&w), "\"id_token_signing_alg_values_supported\":[\"ES256\"]");
        world_end(&w);
    }
}

static void
telling_survives_failed_allocations(void **state)
{
    static const char *const paths[] = {COCO_KBS_JWKS_PATH, COCO_KBS_DISCOVERY_PATH};
    struct world w;

    (void)state;
    world_begin(&w, "[attestation_service.attestation_token_broker]\n"
                    "issuer_name = \"https://kbs.example\"\n");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct coco_httpd_request request = {.method = "GET", .path = paths[i]};
        struct coco_kbs_call call = {.core = w.core,
                                     .root = w.core,
                                     .asked = request.path,
                                     .request = &request,
                                     .reply = &w.reply};

        for_each_fault()
        {
            coco_error *err = NULL;

            coco_httpd_reply_done(&w.reply);
            w.reply = (struct coco_httpd_reply){.body.limit = 65536};
            coco_status status = i ? coco_kbs_discovery(&call, &err) : coco_kbs_jwks(&call, &err);
            fault_expect(status, err);
            coco_error_free(err);
        }
    }
    world_end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(third_parties_verify_tokens_by_the_set),
        cmocka_unit_test(the_set_is_found_from_the_issuer),
        cmocka_unit_test(telling_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/issuer", tests, NULL, NULL);
}
