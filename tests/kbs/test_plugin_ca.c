/*
 * tests/kbs/test_plugin_ca.c - lib/kbs/plugin_ca.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/plugin_builtin.h"

#include "base/fail.h"
#include "base/fd.h"
#include "base/text.h"
#include "crypto/jwk.h"
#include "kbs/audit.h"
#include "kbs/ca.h"
#include "kbs/plugin_reply.h"
#include "kbs/plugins.h"
#include "kbs/policies.h"
#include "rcar/response.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/kbs/engine.h"
#include "tests/kbs/world.h"
#include "tests/pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define CERTIFICATE "/kbs/v0/ca/certificate"
#define BUNDLE "/kbs/v0/ca/bundle"
#define SUBMOD "/submods/cpu0/"
#define ALLOW                                                                                      \
    "package policy\nimport rego.v1\ndefault allow := false\nallow if {\n"                         \
    "data.plugin == \"ca\"\nevery _, m in input.submods { m[\"ear.status\"] == \"affirming\" }\n}"

struct scene {
    struct world w;
    struct pki_cert root;
    char *pem, *key_pem;
    EVP_PKEY *key; /* of the guest, for its certificate */
    uint8_t *csr;
    size_t csr_len;
};

static void
make_csr(struct scene *s)
{
    X509_REQ *req = X509_REQ_new();
    coco_error *err = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &s->key, &err), err);
    assert_int_equal(X509_REQ_set_version(req, X509_REQ_VERSION_1), 1);
    assert_int_equal(X509_REQ_set_pubkey(req, s->key), 1);
    assert_true(X509_REQ_sign(req, s->key, EVP_sha256()) > 0);
    int len = i2d_X509_REQ(req, &s->csr);
    assert_true(len > 0);
    s->csr_len = (size_t)len;
    X509_REQ_free(req);
}

static void
write_config(const struct scene *s, const char *path, const char *more, struct coco_buf *config)
{
    coco_error *err = NULL;

    assert_ok(coco_buf_printf(config, &err,
                              "[[plugins]]\nname = \"ca\"\ncertificate = '''\n%s'''\n"
                              "private_key = '''\n%s'''\ntrust_domain = \"example.org\"\n"
                              "path = \"%s\"\n%s",
                              s->pem, s->key_pem, path, more),
              err);
}

/* A world whose KBS has the plug-in. */
static void
scene_begin(struct scene *s, const char *path, const char *more)
{
    _cleanup_buf_ struct coco_buf config = {.limit = 65536};
    coco_error *err = NULL;

    *s = (struct scene){0};
    pki_make_ca(&s->root, NULL, "Root");
    s->pem = pki_pem(&s->root);
    s->key_pem = pki_key_pem(&s->root);
    make_csr(s);
    write_config(s, path, more, &config);
    /* Behind [attestation_service], which world_begin() begins with. */
    world_begin(&s->w, coco_buf_text(&config));
    world_clock = (int64_t)time(NULL);
    if (coco_policy_supported())
        assert_ok(coco_kbs_policies_set(s->w.core->policies, COCO_KBS_RESOURCE_POLICY, ALLOW, &err),
                  err);
}

static void
scene_end(struct scene *s)
{
    world_end(&s->w);
    OPENSSL_free(s->pem);
    OPENSSL_free(s->key_pem);
    OPENSSL_free(s->csr);
    EVP_PKEY_free(s->key);
    pki_done(&s->root);
}

static int
ask_for_certificate(struct scene *s)
{
    return ask_bytes(&s->w, "POST", CERTIFICATE, s->w.cookie, NULL, s->csr, s->csr_len);
}

static void
open_reply(const struct scene *s, struct coco_cert_chain *chain)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    assert_null(strstr(said(&s->w), "CERTIFICATE"));
    assert_ok(coco_rcar_response_open(COCO_RCAR_NEWEST, said(&s->w), s->w.reply.body.len, s->w.tee,
                                      &secret, &err),
              err);
    assert_ok(coco_cert_chain_parse(secret.data, secret.len, chain, &err), err);
}

static void
uri_of(X509 *cert, char *buf, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    assert_non_null(names);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const ASN1_IA5STRING *uri = sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier;
    (void)snprintf(buf, size, "%.*s", ASN1_STRING_length(uri),
                   (const char *)ASN1_STRING_get0_data(uri));
    GENERAL_NAMES_free(names);
}

static void
an_attested_guest_gets_a_certificate(void **state)
{
    struct scene s;
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    char uri[256];
    int64_t from = 0;
    int64_t to = 0;
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    scene_begin(&s, "/tee/{" SUBMOD "ear.status}", "duration_min = 5\n");
    add_references(&s.w);
    assert_int_equal(attest(&s.w), 200);
    assert_int_equal(ask_for_certificate(&s), 200);
    open_reply(&s, &chain);
    assert_int_equal(chain.n, 1);
    assert_int_equal(X509_verify(chain.certs[0], s.root.key), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(chain.certs[0]), s.key), 1);
    uri_of(chain.certs[0], uri, sizeof(uri));
    assert_string_equal(uri, "spiffe://example.org/tee/affirming");
    assert_ok(coco_cert_dates(chain.certs[0], &from, &to, &err), err);
    assert_int_equal(to, world_clock + 300);
    scene_end(&s);
}

/* The digest is what anybody computes who has the token. */
static void
a_certificate_is_bound_to_evidence_and_key(void **state)
{
    struct scene s;
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    _cleanup_json_ cJSON *reply = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 1 << 20};
    _cleanup_jws_ struct coco_jws jws = {0};
    _cleanup_buf_ struct coco_buf thumbprint = {.limit = 64};
    struct coco_digest digest;
    char hex[65];
    char want[256];
    char uri[256];
    const char *token = NULL;
    const uint8_t *der = NULL;
    size_t len = 0;
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    scene_begin(&s, "/{evidence}/{tee-key}", "");
    add_references(&s.w);
    assert_int_equal(attest(&s.w), 200);
    assert_ok(coco_json_parse_object(said(&s.w), s.w.reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    assert_ok(coco_jws_parse(token, strlen(token), &jws, &err), err);
    assert_ok(coco_json_write(cJSON_GetObjectItemCaseSensitive(jws.payload, "submods"),
                              COCO_JSON_CANONICAL, &text, &err),
              err);
    assert_ok(coco_digest_of(COCO_SHA256, text.data, text.len, &digest, &err), err);
    coco_hex(digest.bytes, 32, hex);
    assert_ok(coco_jwk_thumbprint(s.w.tee, &thumbprint, &err), err);
    (void)snprintf(want, sizeof(want), "spiffe://example.org/%s/%s", hex,
                   coco_buf_text(&thumbprint));
    assert_int_equal(ask_for_certificate(&s), 200);
    open_reply(&s, &chain);
    uri_of(chain.certs[0], uri, sizeof(uri));
    assert_string_equal(uri, want);
    assert_ok(coco_cert_extension(chain.certs[0], COCO_CA_EVIDENCE_OID, &der, &len, &err), err);
    assert_non_null(memmem(der, len, digest.bytes, 32));
    scene_end(&s);
}

static void
who_is_not_let_in_gets_none(void **state)
{
    struct scene s;

    (void)state;
    scene_begin(&s, "/x", "");
    assert_int_equal(ask_bytes(&s.w, "POST", CERTIFICATE, NULL, NULL, s.csr, s.csr_len), 401);
    assert_int_equal(
        ask_bytes(&s.w, "POST", CERTIFICATE, NULL, owner_token(&s.w), s.csr, s.csr_len), 401);
    /* Evidence that nobody vouches for. */
    assert_int_equal(attest(&s.w), 200);
    assert_int_equal(ask_for_certificate(&s), 403);
    assert_says_no(&s.w, "PolicyDeny");
    assert_int_equal(ask(&s.w, "GET", CERTIFICATE, s.w.cookie, NULL, ""), 404);
    assert_int_equal(ask(&s.w, "POST", BUNDLE, s.w.cookie, NULL, ""), 404);
    assert_int_equal(ask(&s.w, "PUT", CERTIFICATE, s.w.cookie, NULL, ""), 404);
    assert_int_equal(ask(&s.w, "POST", "/kbs/v0/ca/certificate/x", s.w.cookie, NULL, ""), 404);
    scene_end(&s);
}

static void
hostile_requests_get_none(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *says;
    } cases[] = {
        {"", 400, "not a request for a certificate"},
        {"x", 400, "not a request for a certificate"},
        {"\x30\x03\x02\x01", 400, "not a request for a certificate"},
        {"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", 400,
         "not a request for a certificate"},
        {"{\"csr\":\"\"}", 400, "not a request for a certificate"},
    };
    static char huge[40000];
    struct scene s;

    (void)state;
    if (!have_engine())
        return;
    scene_begin(&s, "/x", "");
    add_references(&s.w);
    assert_int_equal(attest(&s.w), 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ask(&s.w, "POST", CERTIFICATE, s.w.cookie, NULL, cases[i].body) != cases[i].status)
            fail_msg("case %zu gives %d: %s", i, s.w.reply.status, said(&s.w));
        assert_contains(said(&s.w), cases[i].says);
    }
    memset(huge, 'x', sizeof(huge));
    assert_int_equal(ask_bytes(&s.w, "POST", CERTIFICATE, s.w.cookie, NULL, huge, sizeof(huge)),
                     413);
    /* Somebody else's key, and a signature by nobody. */
    s.csr[s.csr_len - 1] ^= 1;
    assert_int_equal(ask_for_certificate(&s), 400);
    assert_says_no(&s.w, "PluginInternalError");
    scene_end(&s);
}

static void
a_claim_that_is_missing_makes_no_name(void **state)
{
    struct scene s;

    (void)state;
    if (!have_engine())
        return;
    scene_begin(&s, "/ns/{" SUBMOD "ear.veraison.annotated-evidence/init_data_claims/ns}", "");
    add_references(&s.w);
    assert_int_equal(attest(&s.w), 200);
    assert_int_equal(ask_for_certificate(&s), 403);
    assert_contains(said(&s.w), "init_data_claims/ns is missing");
    scene_end(&s);
}

static void
everybody_may_know_the_root(void **state)
{
    struct scene s;

    (void)state;
    scene_begin(&s, "/x", "");
    assert_int_equal(ask(&s.w, "GET", BUNDLE, NULL, NULL, ""), 200);
    assert_string_equal(said(&s.w), s.pem);
    assert_contains(coco_buf_text(&s.w.reply.fields), "application/pem-certificate-chain");
    scene_end(&s);
}

static void
what_was_issued_is_on_record(void **state)
{
    struct scene s;
    _cleanup_buf_ struct coco_buf text = {.limit = 65536};
    _cleanup_cert_chain_ struct coco_cert_chain chain = {0};
    char dir[64];
    char log[128];
    char want[256];
    coco_error *err = NULL;

    (void)state;
    if (!have_engine())
        return;
    scene_begin(&s, "/x", "");
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(log, sizeof(log), "%s/audit", dir);
    const struct coco_kbs_audit_options options = {
        .path = log, .key = s.w.core->token_key, .now = world_now};
    assert_ok(coco_kbs_audit_open(&options, &s.w.core->audit, &err), err);
    add_references(&s.w);
    assert_int_equal(attest(&s.w), 200);
    assert_int_equal(ask_for_certificate(&s), 200);
    open_reply(&s, &chain);
    coco_kbs_audit_close(s.w.core->audit);
    s.w.core->audit = NULL;
    assert_ok(coco_file_read(log, &text, &err), err);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(chain.certs[0]), NULL);
    char *hex = BN_bn2hex(serial);
    for (char *c = hex; *c; c++)
        *c = *c >= 'A' && *c <= 'F' ? (char)(*c + 32) : *c;
    (void)snprintf(want, sizeof(want), "%s of spiffe://example.org/x\"", hex);
    assert_contains(coco_buf_text(&text), want);
    assert_contains(coco_buf_text(&text), "\"path\":\"/kbs/v0/ca/certificate\",\"status\":200");
    OPENSSL_free(hex);
    BN_free(serial);
    remove_temp_dir(dir);
    scene_end(&s);
}

static void
configurations_that_say_too_little_or_too_much_are_refused(void **state)
{
    static const struct {
        const char *config;
        const char *why;
    } cases[] = {
        {"", "[plugins]: ca: needs certificate, private_key, trust_domain and path"},
        {"certificate = \"/nowhere\"\n", "certificate: "},
        {"certficate = \"x\"\n", "did you mean 'certificate'?"},
        {"duration_min = 0\n", "duration_min: "},
        {"duration_min = 10081\n", "duration_min: "},
        {"trust_domain = 1\n", "trust_domain: "},
    };
    coco_ctx *ctx = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_core *core = NULL;
        char config[512];

        (void)snprintf(config, sizeof(config), "[[plugins]]\nname = \"ca\"\n%s", cases[i].config);
        assert_int_not_equal(coco_kbs_core_new(ctx, config, &core, &err), COCO_OK);
        assert_contains(coco_error_message(err), cases[i].why);
        coco_error_free(err);
        err = NULL;
    }
    coco_ctx_free(ctx);
}

static void
bad_names_and_keys_are_refused(void **state)
{
    struct scene s;
    struct scene other;
    coco_error *err = NULL;
    struct coco_kbs_core *core = NULL;
    char *mine = NULL;

    (void)state;
    scene_begin(&s, "/x", "");
    scene_begin(&other, "/x", "");
    _cleanup_buf_ struct coco_buf path = {.limit = 65536};
    write_config(&s, "/a/../b", "", &path);
    assert_fails(coco_kbs_core_new(s.w.ctx, coco_buf_text(&path), &core, &err), err, COCO_ERR_PROTO,
                 "[plugins]: ca: path is not parts");
    _cleanup_buf_ struct coco_buf key = {.limit = 65536};
    mine = s.key_pem;
    s.key_pem = other.key_pem;
    write_config(&s, "/x", "", &key);
    s.key_pem = mine;
    assert_fails(coco_kbs_core_new(s.w.ctx, coco_buf_text(&key), &core, &err), err, COCO_ERR_VERIFY,
                 "[plugins]: ca: private_key: is not that of the certificate");
    scene_end(&other);
    scene_end(&s);
}

/* What the guest's token says, as the plug-in is told. */
static void
claims_of_token(const struct scene *s, struct coco_buf *claims)
{
    _cleanup_json_ cJSON *reply = NULL;
    _cleanup_jws_ struct coco_jws jws = {0};
    const char *token = NULL;
    coco_error *err = NULL;

    assert_ok(coco_json_parse_object(said(&s->w), s->w.reply.body.len, &reply, &err), err);
    assert_ok(coco_json_get_string(reply, "token", &token, &err), err);
    assert_ok(coco_jws_parse(token, strlen(token), &jws, &err), err);
    assert_ok(coco_json_write(jws.payload, COCO_JSON_COMPACT, claims, &err), err);
}

static void
issuing_survives_any_failed_allocation(void **state)
{
    struct scene s;
    _cleanup_buf_ struct coco_buf claims = {.limit = 1 << 20};

    (void)state;
    scene_begin(&s, "/{evidence}/{tee-key}", "");
    assert_int_equal(attest(&s.w), 200);
    claims_of_token(&s, &claims);
    const struct coco_kbs_plugin_entry *ca = coco_kbs_plugins_find(s.w.core->plugins, "ca");
    const coco_kbs_request request = {
        .method = "POST",
        .path = "certificate",
        .query = "{}",
        .body = s.csr,
        .len = s.csr_len,
        .claims = coco_buf_text(&claims),
    };
    for_each_fault()
    {
        _cleanup_plugin_reply_ struct coco_kbs_reply reply = {.plugin = "ca"};
        coco_error *err = NULL;

        ca->functions.handle(ca->user, s.w.ctx, &request, &reply);
        coco_status status = coco_kbs_reply_take(&reply, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
    scene_end(&s);
}

static void
opening_survives_any_failed_allocation(void **state)
{
    struct scene s;
    _cleanup_buf_ struct coco_buf config = {.limit = 65536};

    (void)state;
    scene_begin(&s, "/x", "");
    write_config(&s, "/x", "", &config);
    for_each_fault()
    {
        struct coco_kbs_core *core = NULL;
        coco_error *err = NULL;

        coco_status status = coco_kbs_core_new(s.w.ctx, coco_buf_text(&config), &core, &err);
        fault_expect(status, err);
        coco_kbs_core_free(core);
        coco_error_free(err);
    }
    scene_end(&s);
}

/* Neither the configuration's text, nor what was read of it, stays when the KBS goes. */
static void
the_key_of_the_ca_is_wiped(void **state)
{
    struct scene s;
    char needle[33] = {0};

    (void)state;
    scene_begin(&s, "/x", "");
    _cleanup_buf_ struct coco_buf config = {.limit = 65536};
    write_config(&s, "/x", "", &config);
    /* A line of its PEM. */
    memcpy(needle, strchr(s.key_pem, '\n') + 20, sizeof(needle) - 1);
    canary_begin(needle, sizeof(needle) - 1);
    struct coco_kbs_core *core = NULL;
    coco_error *err = NULL;
    assert_ok(coco_kbs_core_new(s.w.ctx, coco_buf_text(&config), &core, &err), err);
    coco_kbs_core_free(core);
    assert_int_equal(canary_end(), 0);
    scene_end(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attested_guest_gets_a_certificate),
        cmocka_unit_test(a_certificate_is_bound_to_evidence_and_key),
        cmocka_unit_test(who_is_not_let_in_gets_none),
        cmocka_unit_test(hostile_requests_get_none),
        cmocka_unit_test(a_claim_that_is_missing_makes_no_name),
        cmocka_unit_test(everybody_may_know_the_root),
        cmocka_unit_test(what_was_issued_is_on_record),
        cmocka_unit_test(configurations_that_say_too_little_or_too_much_are_refused),
        cmocka_unit_test(bad_names_and_keys_are_refused),
        cmocka_unit_test(issuing_survives_any_failed_allocation),
        cmocka_unit_test(opening_survives_any_failed_allocation),
        cmocka_unit_test(the_key_of_the_ca_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
