/*
 * tests/token/test_signer.c - lib/token/signer.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "token/verifier.h"

#include "tests/token/kit.h"

#define VERIFIER _cleanup_(coco_token_verifier_freep) coco_token_verifier

static void
append_cert(struct coco_buf *to, const struct pki_cert *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert->cert, &der);
    coco_error *err = NULL;

    assert_true(len > 0);
    assert_ok(coco_buf_append_text(to, to->data[to->len - 1] == '[' ? "\"" : ",\"", &err), err);
    assert_ok(coco_base64_encode(COCO_BASE64, der, (size_t)len, to, &err), err);
    assert_ok(coco_buf_append_text(to, "\"", &err), err);
    OPENSSL_free(der);
}

/* A header with the chain, as the RFC has it or as Trustee does. */
static void
make_header(const struct pki_cert *const *chain, size_t n, bool in_jwk, struct coco_buf *ret)
{
    coco_error *err = NULL;

    *ret = (struct coco_buf){.limit = COCO_JSON_SIZE_MAX};
    assert_ok(coco_buf_append_text(
                  ret, in_jwk ? "{\"jwk\":{\"kty\":\"EC\",\"x5c\":[" : "{\"x5c\":[", &err),
              err);
    for (size_t i = 0; i < n; i++)
        append_cert(ret, chain[i]);
    assert_ok(coco_buf_append_text(ret, in_jwk ? "]}}" : "]}", &err), err);
}

struct certs {
    struct pki_cert root, middle, leaf, other;
};

static void
make_certs(struct certs *certs)
{
    pki_make_ca(&certs->root, NULL, "root");
    pki_make_ca(&certs->middle, &certs->root, "middle");
    pki_make(&certs->leaf, &certs->middle, "kbs.example", 30);
    pki_make_ca(&certs->other, NULL, "other");
}

static void
free_certs(struct certs *certs)
{
    pki_done(&certs->root);
    pki_done(&certs->middle);
    pki_done(&certs->leaf);
    pki_done(&certs->other);
}

/* Of today: certificates of a test have dates of today. */
static coco_token_verifier *
who_trusts(const struct pki_cert *root)
{
    coco_token_verifier *verifier = new_verifier(NULL, 0);
    char *pem = pki_pem(root);
    coco_error *err = NULL;

    assert_ok(coco_token_verifier_set_roots(verifier, (const uint8_t *)pem, strlen(pem), &err),
              err);
    OPENSSL_free(pem);
    coco_token_verifier_set_time(verifier, 0);
    return verifier;
}

static void
make_token_of_today(EVP_PKEY *key, const char *header, struct coco_buf *ret)
{
    char claims[256];
    long long now = (long long)time(NULL);

    (void)snprintf(claims, sizeof(claims), "{\"iat\":%lld,\"exp\":%lld" SUBMODS "}", now,
                   now + 300);
    make_token(key, header, claims, ret);
}

static void
a_chain_leads_to_a_root(void **state)
{
    struct certs c;

    (void)state;
    make_certs(&c);
    const struct {
        const struct pki_cert *root;
        const struct pki_cert *chain[4];
        size_t n;
        EVP_PKEY *key;
        coco_status status;
        const char *words;
    } cases[] = {
        {&c.root, {&c.leaf, &c.middle}, 2, c.leaf.key, COCO_OK, NULL},
        {&c.root, {&c.leaf, &c.middle, &c.root}, 3, c.leaf.key, COCO_OK, NULL},
        {&c.middle, {&c.leaf}, 1, c.leaf.key, COCO_OK, NULL},
        {&c.leaf, {&c.leaf}, 1, c.leaf.key, COCO_OK, NULL},
        {&c.other, {&c.leaf, &c.middle, &c.root}, 3, c.leaf.key, COCO_ERR_VERIFY, "certificate"},
        {&c.root, {&c.leaf}, 1, c.leaf.key, COCO_ERR_VERIFY, "certificate"},
        {&c.root, {&c.leaf, &c.middle}, 2, c.other.key, COCO_ERR_VERIFY, "signature"},
        {&c.root, {&c.other, &c.leaf, &c.middle}, 3, c.other.key, COCO_ERR_VERIFY, "certificate"},
        {&c.root, {&c.other}, 0, c.other.key, COCO_ERR_VERIFY, "no certificate"},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        VERIFIER *verifier = who_trusts(cases[i / 2].root);
        _cleanup_buf_ struct coco_buf header = {0};
        _cleanup_buf_ struct coco_buf token = {0};
        coco_error *err = NULL;

        make_header(cases[i / 2].chain, cases[i / 2].n, i % 2, &header);
        make_token_of_today(cases[i / 2].key, coco_buf_text(&header), &token);
        coco_status status = verify(verifier, &token, &err);
        if (cases[i / 2].status == COCO_OK)
            assert_ok(status, err);
        else
            assert_fails(status, err, cases[i / 2].status, cases[i / 2].words);
    }
    free_certs(&c);
}

/* RFC 5280 section 4.2.1.3: that of a server which only decrypts signs no tokens. */
static void
a_certificate_signs_what_it_is_for(void **state)
{
    static const struct {
        const char *usage;
        coco_status status;
    } cases[] = {
        {"critical,digitalSignature", COCO_OK},
        {"nonRepudiation,keyEncipherment", COCO_OK},
        {"critical,keyEncipherment", COCO_ERR_VERIFY},
        {"keyAgreement", COCO_ERR_VERIFY},
        {"critical,keyCertSign,cRLSign", COCO_ERR_VERIFY},
    };
    struct pki_cert root;

    (void)state;
    pki_make_ca(&root, NULL, "root");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        VERIFIER *verifier = who_trusts(&root);
        _cleanup_buf_ struct coco_buf header = {0};
        _cleanup_buf_ struct coco_buf token = {0};
        struct pki_cert leaf;
        coco_error *err = NULL;

        pki_make(&leaf, &root, "kbs.example", 30);
        pki_limit(&leaf, &root, cases[i].usage);
        make_header((const struct pki_cert *const[]){&leaf}, 1, false, &header);
        make_token_of_today(leaf.key, coco_buf_text(&header), &token);
        coco_status status = verify(verifier, &token, &err);
        if (cases[i].status == COCO_OK)
            assert_ok(status, err);
        else
            assert_fails(status, err, cases[i].status, "not for signatures");
        pki_done(&leaf);
    }
    pki_done(&root);
}

static void
what_is_no_chain_is_refused(void **state)
{
    static const struct {
        const char *header;
        coco_status status;
        const char *words;
    } cases[] = {
        {"{\"x5c\":\"MII\"}", COCO_ERR_PROTO, "x5c"},
        {"{\"x5c\":[1]}", COCO_ERR_PROTO, "x5c"},
        {"{\"x5c\":[\"%%\"]}", COCO_ERR_PROTO, "x5c"},
        {"{\"x5c\":[\"AAAA\"]}", COCO_ERR_PROTO, "x5c"},
        {"{\"jwk\":[]}", COCO_ERR_PROTO, "jwk"},
        {"{\"jwk\":{\"x5c\":{}}}", COCO_ERR_PROTO, "x5c"},
        {"{\"kid\":1}", COCO_ERR_PROTO, "kid"},
        {"{}", COCO_ERR_VERIFY, "no certificates"},
        {"{\"X5C\":[]}", COCO_ERR_VERIFY, "no certificates"},
    };
    struct certs c;

    (void)state;
    make_certs(&c);
    VERIFIER *verifier = who_trusts(&c.root);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_buf_ struct coco_buf token = {0};
        coco_error *err = NULL;

        make_token_of_today(c.leaf.key, cases[i].header, &token);
        assert_fails(verify(verifier, &token, &err), err, cases[i].status, cases[i].words);
    }
    const struct pki_cert *many[7] = {&c.leaf, &c.middle, &c.root, &c.root,
                                      &c.root, &c.root,   &c.root};
    _cleanup_buf_ struct coco_buf header = {0};
    _cleanup_buf_ struct coco_buf token = {0};
    coco_error *err = NULL;
    make_header(many, 7, false, &header);
    make_token_of_today(c.leaf.key, coco_buf_text(&header), &token);
    assert_fails(verify(verifier, &token, &err), err, COCO_ERR_LIMIT, "x5c");
    free_certs(&c);
}

static void
a_key_is_named_or_the_only_one(void **state)
{
    EVP_PKEY *keys[] = {new_key(COCO_KEY_P256), new_key(COCO_KEY_P384), new_key(COCO_KEY_ED25519)};
    const struct {
        size_t trusted; /* the first ones */
        size_t signer;
        const char *header;
        const char *words; /* NULL: it is good */
    } cases[] = {
        {1, 0, NULL, NULL},
        {1, 0, "{\"kid\":\"a\"}", NULL},
        {2, 1, "{\"kid\":\"b\"}", NULL},
        {3, 2, "{\"kid\":\"c\"}", NULL},
        {2, 0, NULL, "names no key, and there are 2"},
        {2, 0, "{\"kid\":\"z\"}", "'z', which is not trusted"},
        {2, 0, "{\"kid\":\"\"}", "not trusted"},
        {2, 0, "{\"kid\":\"A\"}", "not trusted"},
        {2, 0, "{\"kid\":\"\\u001b[2J\"}", "'\\x1b[2J'"},
        {2, 0, "{\"kid\":\"b\"}", "alg"},
        {1, 1, NULL, "alg"},
        {1, 1, "{\"kid\":\"a\"}", "alg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        VERIFIER *verifier = new_verifier(keys, cases[i].trusted);
        _cleanup_buf_ struct coco_buf token = {0};
        coco_error *err = NULL;

        make_token(keys[cases[i].signer], cases[i].header, CLAIMS, &token);
        coco_status status = verify(verifier, &token, &err);
        if (!cases[i].words)
            assert_ok(status, err);
        else
            assert_fails(status, err, COCO_ERR_VERIFY, cases[i].words);
    }
    for (size_t i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

/* Anybody can put a key there, and sign with it. */
static void
the_key_in_a_token_is_not_trusted(void **state)
{
    EVP_PKEY *trusted = new_key(COCO_KEY_P256);
    EVP_PKEY *hostile = new_key(COCO_KEY_P256);
    _cleanup_json_ cJSON *header = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    _cleanup_buf_ struct coco_buf token = {0};
    cJSON *jwk = NULL;
    coco_error *err = NULL;

    (void)state;
    VERIFIER *verifier = new_verifier(&trusted, 1);
    assert_ok(coco_json_new_object(&header, &err), err);
    assert_ok(coco_jwk_public(hostile, NULL, &jwk, &err), err);
    assert_ok(coco_json_add_item(header, "jwk", jwk, &err), err);
    assert_ok(coco_json_write(header, COCO_JSON_COMPACT, &text, &err), err);
    make_token(hostile, coco_buf_text(&text), CLAIMS, &token);
    assert_fails(verify(verifier, &token, &err), err, COCO_ERR_VERIFY, "signature");
    VERIFIER *nobody = new_verifier(NULL, 0);
    assert_fails(verify(nobody, &token, &err), err, COCO_ERR_INVALID, "nobody's tokens");
    assert_ok(coco_token_verifier_set_issuer(nobody, "http://kbs.example", &err), err);
    assert_fails(verify(nobody, &token, &err), err, COCO_ERR_INVALID, "nobody's tokens");
    EVP_PKEY_free(trusted);
    EVP_PKEY_free(hostile);
}

/* ---- keys that are got from an issuer ---- */

static coco_token_verifier *
who_asks(const struct idp *idp)
{
    coco_token_verifier *verifier = new_verifier(NULL, 0);
    coco_error *err = NULL;

    assert_ok(coco_token_verifier_set_issuer(verifier, idp->issuer, &err), err);
    assert_ok(coco_token_verifier_set_tls_ca(verifier, (const uint8_t *)idp->ca_pem,
                                             strlen(idp->ca_pem), &err),
              err);
    return verifier;
}

static void
make_token_of(const struct idp *idp, size_t key, const char *issuer, struct coco_buf *ret)
{
    char header[32];
    char claims[512];

    (void)snprintf(header, sizeof(header), "{\"kid\":\"%s\"}", idp->kids[key]);
    (void)snprintf(claims, sizeof(claims), "{\"iss\":\"%s\",\"exp\":1800000300" SUBMODS "}",
                   issuer);
    make_token(idp->keys[key], header, claims, ret);
}

static void
an_issuer_says_its_keys_and_is_not_asked_again(void **state)
{
    struct idp idp;
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    idp_add(&idp, COCO_KEY_P384, "b");
    {
        VERIFIER *verifier = who_asks(&idp);
        _cleanup_buf_ struct coco_buf a = {0};
        _cleanup_buf_ struct coco_buf b = {0};
        _cleanup_buf_ struct coco_buf elsewhere = {0};

        make_token_of(&idp, 0, idp.issuer, &a);
        make_token_of(&idp, 1, idp.issuer, &b);
        make_token_of(&idp, 0, "https://other.example", &elsewhere);
        for (size_t i = 0; i < 3; i++) {
            assert_ok(verify(verifier, &a, &err), err);
            assert_ok(verify(verifier, &b, &err), err);
        }
        assert_fails(verify(verifier, &elsewhere, &err), err, COCO_ERR_VERIFY, "another issuer");
        assert_int_equal(idp_asked(&idp), 1);
        /* A key that it does not know: it asks again, but not each time. */
        idp_add(&idp, COCO_KEY_P256, "c");
        _cleanup_buf_ struct coco_buf c = {0};
        make_token_of(&idp, 2, idp.issuer, &c);
        assert_fails(verify(verifier, &c, &err), err, COCO_ERR_VERIFY, "not trusted");
        assert_int_equal(idp_asked(&idp), 1);
        verifier->fetched_ms -= COCO_TOKEN_KEYS_PAUSE_MS;
        assert_ok(verify(verifier, &c, &err), err);
        assert_int_equal(idp_asked(&idp), 2);
        /* One that it withdraws is not good for long. */
        idp_publish(&idp, 1);
        assert_ok(verify(verifier, &a, &err), err);
        verifier->fetched_ms -= COCO_TOKEN_KEYS_FRESH_MS;
        assert_fails(verify(verifier, &a, &err), err, COCO_ERR_VERIFY, "not trusted");
        assert_ok(verify(verifier, &b, &err), err);
        assert_int_equal(idp_asked(&idp), 3);
        /* Whose issuer is another one forgets the keys of the one before. */
        assert_ok(coco_token_verifier_set_issuer(verifier, idp.issuer, &err), err);
        assert_ok(verify(verifier, &b, &err), err);
        assert_int_equal(idp_asked(&idp), 4);
    }
    idp_stop(&idp);
}

static void
an_issuer_that_says_something_else_is_refused(void **state)
{
    struct pki_cert other;
    struct idp idp;
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    pki_make_ca(&other, NULL, "other");
    char *pem = pki_pem(&other);
    {
        VERIFIER *verifier = who_asks(&idp);
        _cleanup_buf_ struct coco_buf token = {0};

        make_token_of(&idp, 0, idp.issuer, &token);
        idp_say(&idp, "500 Internal Server Error", NULL, NULL);
        assert_fails(verify(verifier, &token, &err), err, COCO_ERR_NOTFOUND, "answered 500");
        idp_say(&idp, "200 OK", "<html>", NULL);
        verifier->failed_ms -= COCO_TOKEN_KEYS_RETRY_MS;
        assert_fails(verify(verifier, &token, &err), err, COCO_ERR_PROTO, "/jwks");
        idp_publish(&idp, 0);
        verifier->failed_ms -= COCO_TOKEN_KEYS_RETRY_MS;
        assert_ok(verify(verifier, &token, &err), err);
        VERIFIER *fooled = who_asks(&idp);
        assert_ok(coco_token_verifier_set_tls_ca(fooled, (const uint8_t *)pem, strlen(pem), &err),
                  err);
        assert_fails(verify(fooled, &token, &err), err, COCO_ERR_VERIFY, "certificate");
    }
    OPENSSL_free(pem);
    pki_done(&other);
    idp_stop(&idp);
}

/* Whoever shows it tokens would have it asked as often as he likes. */
static void
an_issuer_that_fails_is_not_asked_each_time(void **state)
{
    struct idp idp;
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    idp_add(&idp, COCO_KEY_P256, "b");
    {
        VERIFIER *verifier = who_asks(&idp);
        _cleanup_buf_ struct coco_buf a = {0};
        _cleanup_buf_ struct coco_buf b = {0};

        make_token_of(&idp, 0, idp.issuer, &a);
        make_token_of(&idp, 1, idp.issuer, &b);
        idp_say(&idp, "503 Service Unavailable", NULL, NULL);
        for (size_t i = 0; i < 4; i++)
            assert_fails(verify(verifier, &a, &err), err, COCO_ERR_NOTFOUND, "answered 503");
        assert_int_equal(idp_asked(&idp), 1);
        idp.n = 1;
        idp_publish(&idp, 0);
        verifier->failed_ms -= COCO_TOKEN_KEYS_RETRY_MS;
        assert_ok(verify(verifier, &a, &err), err);
        assert_int_equal(idp_asked(&idp), 2);
        /* Keys that it said are good meanwhile, for others it is not asked. */
        idp_say(&idp, "503 Service Unavailable", NULL, NULL);
        verifier->fetched_ms -= COCO_TOKEN_KEYS_PAUSE_MS;
        for (size_t i = 0; i < 4; i++) {
            assert_fails(verify(verifier, &b, &err), err, COCO_ERR_NOTFOUND, "answered 503");
            assert_ok(verify(verifier, &a, &err), err);
        }
        assert_int_equal(idp_asked(&idp), 3);
        idp.n = 2;
        idp_publish(&idp, 0);
        verifier->failed_ms -= COCO_TOKEN_KEYS_RETRY_MS;
        assert_ok(verify(verifier, &b, &err), err);
        assert_int_equal(idp_asked(&idp), 4);
    }
    idp_stop(&idp);
}

/* What others vouched for is not vouched for by these. */
static void
keys_are_asked_for_anew_below_another_ca(void **state)
{
    struct pki_cert other;
    struct idp idp;
    coco_error *err = NULL;

    (void)state;
    idp_start(&idp);
    idp_add(&idp, COCO_KEY_P256, "a");
    pki_make_ca(&other, NULL, "other");
    char *pem = pki_pem(&other);
    {
        VERIFIER *verifier = who_asks(&idp);
        _cleanup_buf_ struct coco_buf token = {0};

        make_token_of(&idp, 0, idp.issuer, &token);
        assert_ok(verify(verifier, &token, &err), err);
        assert_ok(coco_token_verifier_set_tls_ca(verifier, (const uint8_t *)pem, strlen(pem), &err),
                  err);
        assert_fails(verify(verifier, &token, &err), err, COCO_ERR_VERIFY, "certificate");
        assert_ok(coco_token_verifier_set_tls_ca(verifier, (const uint8_t *)idp.ca_pem,
                                                 strlen(idp.ca_pem), &err),
                  err);
        assert_ok(verify(verifier, &token, &err), err);
    }
    OPENSSL_free(pem);
    pki_done(&other);
    idp_stop(&idp);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_leads_to_a_root),
        cmocka_unit_test(a_certificate_signs_what_it_is_for),
        cmocka_unit_test(what_is_no_chain_is_refused),
        cmocka_unit_test(a_key_is_named_or_the_only_one),
        cmocka_unit_test(the_key_in_a_token_is_not_trusted),
        cmocka_unit_test(an_issuer_says_its_keys_and_is_not_asked_again),
        cmocka_unit_test(an_issuer_that_says_something_else_is_refused),
        cmocka_unit_test(an_issuer_that_fails_is_not_asked_each_time),
        cmocka_unit_test(keys_are_asked_for_anew_below_another_ca),
    };

    return cmocka_run_group_tests_name("token/signer", tests, NULL, NULL);
}
