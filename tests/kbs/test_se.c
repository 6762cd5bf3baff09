/*
 * tests/kbs/test_se.c - lib/kbs/se.c, and handshakes of guests of Secure Execution
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/se.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/kbs/world.h"
#include "tests/verifier/se_kit.h"

#include <stdio.h>
#include <stdlib.h>

#define HEADER_SIZE 640
#define AUTH_WITH(extra) "{\"version\":\"0.4.0\",\"tee\":\"se\",\"extra-params\":" extra "}"
#define AUTH AUTH_WITH("{\"supported-hash-algorithms\":[\"sha384\",\"SHA512\"]}")

static struct ibm ibm;
static EVP_PKEY *rsa;
static char dir[64];
static struct coco_buf config;

/* An image's header as genprotimg writes it, as far as a KBS looks at it. */
static void
write_header(void)
{
    uint8_t header[HEADER_SIZE] = "IBMSecEx";
    char path[128];

    header[10] = 1; /* version 0x100 */
    header[14] = HEADER_SIZE >> 8;
    header[15] = HEADER_SIZE & 0xff;
    memset(header + HEADER_SIZE - 16, 0x7a, 16);
    (void)snprintf(path, sizeof(path), "%s/hdr.bin", dir);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(header, 1, sizeof(header), f), sizeof(header));
    assert_int_equal(fclose(f), 0);
}

static void
write_config(void)
{
    _cleanup_buf_ struct coco_buf key = {.limit = 1 << 14};
    struct coco_digest root;
    char text[COCO_DIGEST_TEXT_SIZE];
    char *host = pki_pem(&ibm.host);

    assert_int_equal(coco_key_private_pem(rsa, &key, NULL), COCO_OK);
    assert_int_equal(coco_cert_fingerprint(ibm.root.cert, &root, NULL), COCO_OK);
    coco_digest_format(&root, text);
    config = (struct coco_buf){.limit = 1 << 16};
    assert_int_equal(coco_buf_printf(&config, NULL,
                                     "collateral = [\"%s\"]\n"
                                     "trusted_roots = [\"ibm=%s\"]\n"
                                     "[attestation_service.verifier_config.se_verifier]\n"
                                     "image_header = \"%s/hdr.bin\"\n"
                                     "private_key = \"\"\"\n%s\"\"\"\n"
                                     "host_keys = [\"\"\"\n%s\"\"\"]\n",
                                     dir, text, dir, coco_buf_text(&key), host),
                     COCO_OK);
    OPENSSL_free(host);
}

static int
setup(void **state)
{
    (void)state;
    ibm_setup(&ibm);
    make_temp_dir(dir, sizeof(dir));
    ibm_write_collateral(dir, &ibm);
    assert_int_equal(coco_key_generate(COCO_KEY_RSA, &rsa, NULL), COCO_OK);
    write_header();
    write_config();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    remove_temp_dir(dir);
    ibm_done(&ibm);
    coco_buf_done(&config);
    return 0;
}

/* The nonce in w's reply, as the request that it is. */
static void
read_challenge(const struct world *w, struct coco_rcar_challenge *challenge,
               struct coco_se_request *ret)
{
    _cleanup_json_ cJSON *object = NULL;
    coco_error *err = NULL;

    assert_ok(coco_rcar_challenge_parse(w->reply.body.data, w->reply.body.len, challenge, &err),
              err);
    assert_ok(coco_json_parse_object(challenge->nonce, strlen(challenge->nonce), &object, &err),
              err);
    assert_ok(coco_se_request_parse(object, ret, &err), err);
}

/* The body of /attest from the machine that has host; alg is what binds it. */
static void
answer(struct world *w, const struct pki_cert *host, enum coco_hash_alg alg, struct coco_buf *body)
{
    struct coco_rcar_challenge challenge = {0};
    _cleanup_se_request_ struct coco_se_request request = {0};
    _cleanup_se_secrets_ struct coco_se_secrets secrets = {{0}, {0}, {0}};
    _cleanup_se_evidence_ struct coco_se_evidence answered = {0};
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    _cleanup_json_ cJSON *evidence = NULL;
    _cleanup_json_ cJSON *jwk = NULL;
    struct coco_digest bound;
    uint8_t user[64] = {0};
    coco_error *err = NULL;

    read_challenge(w, &challenge, &request);
    assert_ok(coco_rcar_tee_key_build(COCO_RCAR_0_4_0, w->tee, &jwk, &err), err);
    const struct coco_rcar_binding binding = {
        .version = COCO_RCAR_0_4_0,
        .alg = alg,
        .nonce = challenge.nonce,
        .tee_pubkey = jwk,
    };
    assert_ok(coco_rcar_report_data(&binding, &bound, &err), err);
    memcpy(user, bound.bytes, coco_hash_size(bound.alg));
    se_kit_answer(host, &request, user, &answered, &secrets);
    assert_ok(coco_se_evidence_format(&answered, &text, &err), err);
    assert_ok(coco_json_parse_object(coco_buf_text(&text), text.len, &evidence, &err), err);
    const struct coco_rcar_attestation attestation = {
        .nonce = challenge.nonce,
        .additional = "",
        .tee_pubkey = jwk,
        .evidence = evidence,
    };
    assert_ok(coco_rcar_attestation_build(COCO_RCAR_0_4_0, &attestation, body, &err), err);
    coco_rcar_challenge_done(&challenge);
}

static int
attest_by(struct world *w, enum coco_hash_alg alg)
{
    _cleanup_buf_ struct coco_buf body = {.limit = 1 << 20};

    assert_int_equal(ask(w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH), 200);
    answer(w, &ibm.host, alg, &body);
    return ask_bytes(w, "POST", "/kbs/v0/attest", w->cookie, NULL, body.data, body.len);
}

static void
a_guest_gets_a_request_to_its_ultravisor_for_a_nonce(void **state)
{
    static const char *const extras[] = {"\"\"", "{}", "null",
                                         "{\"supported-hash-algorithms\":[\"sha512\"]}"};
    struct world w;

    (void)state;
    world_begin(&w, coco_buf_text(&config));
    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
        struct coco_rcar_challenge challenge = {0};
        _cleanup_se_request_ struct coco_se_request request = {0};
        char body[256];

        (void)snprintf(body, sizeof(body), AUTH_WITH("%s"), extras[i]);
        assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, body), 200);
        assert_contains(said(&w), "\"extra-params\":{\"selected-hash-algorithm\":\"sha512\"}");
        read_challenge(&w, &challenge, &request);
        assert_int_equal(challenge.alg, COCO_SHA512);
        assert_int_equal(request.tags.tag[0], 0x7a);
        coco_rcar_challenge_done(&challenge);
    }
    world_end(&w);
}

static void
its_answer_is_worth_a_token(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, coco_buf_text(&config));
    assert_int_equal(attest_by(&w, COCO_SHA512), 200);
    assert_contains(said(&w), "\"token\":");
    world_end(&w);
}

static void
what_is_bound_otherwise_or_answered_before_is_refused(void **state)
{
    _cleanup_buf_ struct coco_buf first = {.limit = 1 << 20};
    struct world w;

    (void)state;
    world_begin(&w, coco_buf_text(&config));
    assert_int_equal(attest_by(&w, COCO_SHA384), 401);
    assert_contains(said(&w), "AttestationError");
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH), 200);
    answer(&w, &ibm.host, COCO_SHA512, &first);
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH), 200);
    assert_int_equal(ask_bytes(&w, "POST", "/kbs/v0/attest", w.cookie, NULL, first.data, first.len),
                     401);
    world_end(&w);
}

static void
who_cannot_be_asked_is_told_at_once(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w, coco_buf_text(&config));
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL,
                         AUTH_WITH("{\"supported-hash-algorithms\":[\"sha384\"]}")),
                     400);
    assert_contains(said(&w), "bound by sha512");
    assert_int_equal(w.reply.cookie.len, 0);
    world_end(&w);
    world_begin(&w, "");
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH), 400);
    assert_contains(said(&w), "cannot verify evidence of 'se'");
    world_end(&w);
}

/* The owner's log says which list, and of whom; a guest need not know. */
static void
hosts_that_ibm_does_not_vouch_for_are_not_asked(void **state)
{
    struct world w;

    (void)state;
    ibm_write_list(dir, "signing-key.crl", &ibm.signing, ibm.host.cert, 5);
    world_begin(&w, coco_buf_text(&config));
    assert_int_equal(ask(&w, "POST", "/kbs/v0/auth", NULL, NULL, AUTH), 500);
    assert_contains(said(&w), "internal error");
    assert_int_equal(w.reply.cookie.len, 0);
    world_end(&w);
}

static void
assert_refused(const char *from, const char *to, coco_status want, const char *why)
{
    const char *at = strstr(coco_buf_text(&config), from);
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 16};
    struct coco_kbs_core *core = NULL;
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    assert_non_null(at);
    assert_ok(coco_buf_printf(&text, &err, "[attestation_service]\n%.*s%s%s",
                              (int)(at - coco_buf_text(&config)), coco_buf_text(&config), to,
                              at + strlen(from)),
              err);
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_fails(coco_kbs_core_new(ctx, coco_buf_text(&text), &core, &err), err, want, why);
    coco_ctx_free(ctx);
}

static void
a_configuration_that_cannot_be_meant_is_refused(void **state)
{
    char header[128];

    (void)state;
    (void)snprintf(header, sizeof(header), "image_header = \"%s/hdr.bin\"\n", dir);
    assert_refused(header, "", COCO_ERR_PROTO,
                   "private_key, host_keys and image_header go together");
    assert_refused("hdr.bin", "none", COCO_ERR_NOTFOUND, "image_header");
    assert_refused("hdr.bin", "ibm/chain.pem", COCO_ERR_PROTO,
                   "image_header: not an image for Secure Execution");
    assert_refused("BEGIN PRIVATE KEY", "BEGIN PUBLIC KEY", COCO_ERR_PROTO, "se_verifier");
    assert_refused("BEGIN CERTIFICATE", "BEGIN X509 CRL", COCO_ERR_PROTO, "host_keys: document 0");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    struct world w;
    coco_error *err = NULL;

    (void)state;
    world_begin(&w, coco_buf_text(&config));
    for_each_fault()
    {
        _cleanup_(coco_kbs_se_freep) struct coco_kbs_se *se = NULL;
        _cleanup_buf_ struct coco_buf nonce = {.limit = COCO_RCAR_NONCE_MAX};

        coco_status status = coco_kbs_se_new(&w.core->config, w.core->verifier, &se, &err);
        if (status == COCO_OK)
            status = coco_kbs_se_ask(se, w.core->verifier, &nonce, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
    world_end(&w);
}

static void
the_private_key_is_wiped(void **state)
{
    static const char head[] = "-----BEGIN PRIVATE KEY-----\n";
    const char *at = strstr(coco_buf_text(&config), head);
    struct world w;

    (void)state;
    assert_non_null(at);
    canary_begin(at + strlen(head) + 64, 64);
    world_begin(&w, coco_buf_text(&config));
    world_end(&w);
    assert_int_equal(canary_end(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guest_gets_a_request_to_its_ultravisor_for_a_nonce),
        TEST(its_answer_is_worth_a_token),
        TEST(what_is_bound_otherwise_or_answered_before_is_refused),
        TEST(who_cannot_be_asked_is_told_at_once),
        TEST(hosts_that_ibm_does_not_vouch_for_are_not_asked),
        TEST(a_configuration_that_cannot_be_meant_is_refused),
        TEST(all_of_it_survives_any_failed_allocation),
        TEST(the_private_key_is_wiped),
    };

    return cmocka_run_group_tests_name("kbs/se", tests, NULL, NULL);
}
