/*
 * tests/signature/test_log_body.c - lib/signature/log_body.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "goldenkit.h"

#include <stdio.h>

/* SHA-256 of "data" and of "payload". */
#define DATA_HEX "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
#define PAYLOAD_HEX "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5"
#define KEY "%s"

/* Bodies in which %s is the signer's key; "sig" is the signature. */
static const struct {
    const char *body;
    coco_status status;
    const char *why;
} cases[] = {
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"sha256\",\"value\":\"" DATA_HEX "\"}},\"signature\":{\"content\":\"c2ln\",\"publicKey\":{"
     "\"content\":\"" KEY "\"}}}}",
     COCO_OK, NULL},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"sha256\",\"value\":\"" PAYLOAD_HEX
     "\"}},\"signature\":{\"content\":\"c2ln\",\"publicKey\":{\"content\":\"" KEY "\"}}}}",
     COCO_ERR_VERIFY, "another content"},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"sha256\",\"value\":\"" DATA_HEX "\"}},\"signature\":{\"content\":\"c2lo\",\"publicKey\":{"
     "\"content\":\"" KEY "\"}}}}",
     COCO_ERR_VERIFY, "another signature"},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"md5\",\"value\":\"" DATA_HEX "\"}},\"signature\":{\"content\":\"c2ln\",\"publicKey\":{"
     "\"content\":\"" KEY "\"}}}}",
     COCO_ERR_NOTSUP, ""},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"sha256\",\"value\":\"3a\"}},\"signature\":{\"content\":\"c2ln\",\"publicKey\":{"
     "\"content\":\"" KEY "\"}}}}",
     COCO_ERR_PROTO, "a hash that is none"},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.1\",\"spec\":{\"data\":{\"hash\":{"
     "\"algorithm\":"
     "\"sha256\",\"value\":\"" DATA_HEX "\"}},\"signature\":{\"content\":\"c2ln\"}}}" KEY,
     COCO_ERR_PROTO, ""},
    {"{\"kind\":\"dsse\",\"apiVersion\":\"0.0.1\",\"spec\":{\"payloadHash\":{\"algorithm\":"
     "\"sha256\","
     "\"value\":\"" PAYLOAD_HEX "\"},\"signatures\":[{\"signature\":\"c2ln\",\"verifier\":\"" KEY
     "\"}]}}",
     COCO_OK, NULL},
    {"{\"kind\":\"dsse\",\"apiVersion\":\"0.0.1\",\"spec\":{\"payloadHash\":{\"algorithm\":"
     "\"sha256\","
     "\"value\":\"" DATA_HEX "\"},\"signatures\":[{\"signature\":\"c2ln\",\"verifier\":\"" KEY
     "\"}]}}",
     COCO_ERR_VERIFY, "another content"},
    {"{\"kind\":\"dsse\",\"apiVersion\":\"0.0.1\",\"spec\":{\"payloadHash\":{\"algorithm\":"
     "\"sha256\","
     "\"value\":\"" PAYLOAD_HEX "\"},\"signatures\":[{\"signature\":\"c2lo\",\"verifier\":\"" KEY
     "\"}]}}",
     COCO_ERR_VERIFY, "another signature"},
    {"{\"kind\":\"dsse\",\"apiVersion\":\"0.0.1\",\"spec\":{\"payloadHash\":{\"algorithm\":"
     "\"sha256\","
     "\"value\":\"" PAYLOAD_HEX "\"},\"signatures\":[{\"signature\":\"c2ln\",\"verifier\":\"" KEY
     "\"},{}]}}",
     COCO_ERR_PROTO, ""},
    {"{\"kind\":\"intoto\",\"apiVersion\":\"0.0.2\",\"spec\":{\"content\":{\"payloadHash\":{"
     "\"algorithm\":\"sha256\",\"value\":\"" PAYLOAD_HEX
     "\"},\"envelope\":{\"signatures\":[{\"sig\":\"YzJsbg==\",\"publicKey\":\"" KEY "\"}]}}}}",
     COCO_OK, NULL},
    {"{\"kind\":\"intoto\",\"apiVersion\":\"0.0.2\",\"spec\":{\"content\":{\"payloadHash\":{"
     "\"algorithm\":\"sha256\",\"value\":\"" PAYLOAD_HEX
     "\"},\"envelope\":{\"signatures\":[{\"sig\":\"YzJsbw==\",\"publicKey\":\"" KEY "\"}]}}}}",
     COCO_ERR_VERIFY, "another signature"},
    {"{\"kind\":\"intoto\",\"apiVersion\":\"0.0.1\",\"spec\":{},\"x\":\"" KEY "\"}",
     COCO_ERR_NOTSUP, "'intoto' 0.0.1"},
    {"{\"kind\":\"rfc3161\",\"apiVersion\":\"0.0.1\",\"spec\":{},\"x\":\"" KEY "\"}",
     COCO_ERR_NOTSUP, "rfc3161"},
    {"{\"kind\":1,\"apiVersion\":\"0.0.1\",\"spec\":{},\"x\":\"" KEY "\"}", COCO_ERR_PROTO, "kind"},
};

static void
encode_key(const EVP_PKEY *key, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_int_equal(coco_key_public_pem(key, &pem, NULL), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, pem.data, pem.len, ret, NULL), COCO_OK);
}

static void
write_body(const char *format, const struct coco_buf *named, struct coco_buf *ret)
{
    const char *at = strstr(format, KEY);

    assert_int_equal(coco_buf_append(ret, format, (size_t)(at - format), NULL), COCO_OK);
    assert_int_equal(coco_buf_append(ret, named->data, named->len, NULL), COCO_OK);
    assert_int_equal(coco_buf_append_text(ret, at + strlen(KEY), NULL), COCO_OK);
}

static coco_status
is_of(const char *format, const struct coco_buf *named, EVP_PKEY *key, coco_error **err)
{
    _cleanup_log_entry_ struct coco_log_entry entry = {.body.limit = 1 << 16};
    const struct coco_log_subject subject = {
        .signed_data = "data",
        .signed_len = 4,
        .signature = "sig",
        .signature_len = 3,
        .signature_text = "c2ln",
        .payload = "payload",
        .payload_len = 7,
        .key = key,
    };

    write_body(format, named, &entry.body);
    return coco_log_entry_is_of(&entry, &subject, err);
}

static void
entries_are_of_one_signature(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_buf_ struct coco_buf named = {.limit = 4096};

    (void)state;
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &key, NULL), COCO_OK);
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &other, NULL), COCO_OK);
    encode_key(key, &named);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_error *err = NULL;

        coco_status status = is_of(cases[i].body, &named, key, &err);
        if (cases[i].status != COCO_OK) {
            if (cases[i].status == COCO_ERR_NOTSUP)
                assert_true(status == COCO_ERR_NOTSUP || status == COCO_ERR_PROTO);
            else
                assert_int_equal(status, cases[i].status);
            assert_contains(coco_error_message(err), cases[i].why);
            coco_error_free(err);
            continue;
        }
        assert_ok(status, err);
        assert_fails(is_of(cases[i].body, &named, other, &err), err, COCO_ERR_VERIFY,
                     "another key");
    }
}

/* Of bytes of which only the digest is known: by that very algorithm. */
static void
an_entry_may_be_of_a_digest(void **state)
{
    static const struct {
        enum coco_hash_alg alg;
        const char *data;
        coco_status status;
    } digests[] = {
        {COCO_SHA256, "data", COCO_OK},
        {COCO_SHA256, "dat", COCO_ERR_VERIFY},
        {COCO_SHA384, "data", COCO_ERR_VERIFY},
    };
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf named = {.limit = 4096};

    (void)state;
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &key, NULL), COCO_OK);
    encode_key(key, &named);
    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        _cleanup_log_entry_ struct coco_log_entry entry = {.body.limit = 1 << 16};
        struct coco_digest digest = {0};
        const struct coco_log_subject subject = {
            .digest = &digest,
            .signature = "sig",
            .signature_len = 3,
            .key = key,
        };
        coco_error *err = NULL;

        assert_int_equal(
            coco_digest_of(digests[i].alg, digests[i].data, strlen(digests[i].data), &digest, NULL),
            COCO_OK);
        write_body(cases[0].body, &named, &entry.body);
        coco_status status = coco_log_entry_is_of(&entry, &subject, &err);
        if (digests[i].status != COCO_OK)
            assert_fails(status, err, digests[i].status, "another content");
        else
            assert_ok(status, err);
    }
}

/* SHA-256 of "data" and of "payload", in base64. */
#define DATA "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="
#define PAYLOAD "I59Z7VXnN8dxR89VrQwbAwttfudIp0JpUvm4UtWpNeU="
#define HASH(alg, text) "{\"algorithm\":\"" alg "\",\"digest\":\"" text "\"}"
#define SIGNATURE(text, who) "{\"content\":\"" text "\",\"verifier\":{" who "}}"
#define BY "\"publicKey\":{\"rawBytes\":\"" KEY "\"}"
#define RECORD(hash, signature)                                                                    \
    "{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.2\",\"spec\":{\"hashedRekordV002\":{"         \
    "\"data\":" hash ",\"signature\":" signature "}}}"
#define ENVELOPE(hash, signatures)                                                                 \
    "{\"kind\":\"dsse\",\"apiVersion\":\"0.0.2\",\"spec\":{\"dsseV002\":{\"payloadHash\":" hash    \
    ",\"signatures\":[" signatures "]}}}"

static const struct {
    const char *body;
    coco_status status;
    const char *why;
} tiled[] = {
    {RECORD(HASH("SHA2_256", DATA), SIGNATURE("c2ln", BY)), COCO_OK, NULL},
    {RECORD(HASH("SHA2_256", PAYLOAD), SIGNATURE("c2ln", BY)), COCO_ERR_VERIFY, "another content"},
    {RECORD(HASH("SHA2_256", DATA), SIGNATURE("c2lo", BY)), COCO_ERR_VERIFY, "another signature"},
    {RECORD(HASH("SHA2_256", DATA), SIGNATURE("", BY)), COCO_ERR_VERIFY, "another signature"},
    {RECORD(HASH("SHA2_512", DATA), SIGNATURE("c2ln", BY)), COCO_ERR_PROTO, "data"},
    {RECORD(HASH("SHA3_256", DATA), SIGNATURE("c2ln", BY)), COCO_ERR_NOTSUP, "SHA3_256"},
    {RECORD("1", SIGNATURE("c2ln", BY)), COCO_ERR_PROTO, "data"},
    {RECORD(HASH("SHA2_256", DATA), SIGNATURE("c2ln", "")) KEY, COCO_ERR_PROTO, ""},
    {RECORD(HASH("SHA2_256", DATA), SIGNATURE("c2ln", BY ",\"x509Certificate\":{}")),
     COCO_ERR_PROTO, "without one who signed"},
    {RECORD(HASH("SHA2_256", DATA), "[" BY "]"), COCO_ERR_PROTO, ""},
    {ENVELOPE(HASH("SHA2_256", PAYLOAD), SIGNATURE("c2ln", BY)), COCO_OK, NULL},
    {ENVELOPE(HASH("SHA2_256", DATA), SIGNATURE("c2ln", BY)), COCO_ERR_VERIFY, "another content"},
    {ENVELOPE(HASH("SHA2_256", PAYLOAD), SIGNATURE("c2lo", BY)), COCO_ERR_VERIFY,
     "another signature"},
    {ENVELOPE(HASH("SHA2_256", PAYLOAD), SIGNATURE("c2ln", BY) ",{}"), COCO_ERR_PROTO,
     "without one signature"},
    {ENVELOPE(HASH("SHA2_256", PAYLOAD), "") KEY, COCO_ERR_PROTO, ""},
    {ENVELOPE(HASH("SHA2_256", PAYLOAD), "1") KEY, COCO_ERR_PROTO, ""},
    /* The specification of one kind in an entry of another. */
    {"{\"kind\":\"dsse\",\"apiVersion\":\"0.0.2\",\"spec\":{\"hashedRekordV002\":{\"x\":\"" KEY
     "\"}}}",
     COCO_ERR_PROTO, "dsseV002"},
    {"{\"kind\":\"hashedrekord\",\"apiVersion\":\"0.0.3\",\"spec\":{\"x\":\"" KEY "\"}}",
     COCO_ERR_NOTSUP, "'hashedrekord' 0.0.3"},
};

static void
encode_der(const EVP_PKEY *key, struct coco_buf *ret)
{
    _cleanup_buf_ struct coco_buf der = {.limit = 4096};

    assert_int_equal(coco_key_public_der(key, &der, NULL), COCO_OK);
    assert_int_equal(coco_base64_encode(COCO_BASE64, der.data, der.len, ret, NULL), COCO_OK);
}

static void
entries_of_rekor_2_are_of_one_signature(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_buf_ struct coco_buf named = {.limit = 4096};

    (void)state;
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &key, NULL), COCO_OK);
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &other, NULL), COCO_OK);
    encode_der(key, &named);
    for (size_t i = 0; i < sizeof(tiled) / sizeof(tiled[0]); i++) {
        coco_error *err = NULL;

        coco_status status = is_of(tiled[i].body, &named, key, &err);
        if (tiled[i].status != COCO_OK) {
            assert_fails(status, err, tiled[i].status, tiled[i].why);
            continue;
        }
        assert_ok(status, err);
        assert_fails(is_of(tiled[i].body, &named, other, &err), err, COCO_ERR_VERIFY,
                     "another key");
    }
}

static void
rekor_2_promises_nothing(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_buf_ struct coco_buf named = {.limit = 4096};
    _cleanup_log_entry_ struct coco_log_entry entry = {.body.limit = 1 << 16, .promise.limit = 8};
    const struct coco_log_subject subject = {.key = NULL};
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(coco_key_generate(COCO_KEY_P256, &key, NULL), COCO_OK);
    encode_der(key, &named);
    write_body(tiled[0].body, &named, &entry.body);
    assert_int_equal(coco_buf_append_text(&entry.promise, "x", NULL), COCO_OK);
    assert_fails(coco_log_entry_is_of(&entry, &subject, &err), err, COCO_ERR_VERIFY,
                 "a promise of a log that makes none");
}

/* Who holds a key may have several certificates: the log must have the one that is trusted. */
static void
a_certificate_must_be_the_same(void **state)
{
    const char *const texts[] = {golden_bundle, golden_message, golden_tiled, golden_tiled_message};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_trust_ struct coco_trust trust = {0};
        _cleanup_sigstore_bundle_ struct coco_sigstore_bundle bundle = {0};
        _cleanup_sigstore_bundle_ struct coco_sigstore_bundle other = {0};
        struct coco_log_subject subject = {0};
        _cleanup_buf_ struct coco_buf detail = {.limit = 1024};

        golden_trust(&trust);
        assert_ok(coco_sigstore_bundle_parse(texts[i], strlen(texts[i]), &bundle, &err), err);
        assert_ok(
            coco_sigstore_bundle_parse(golden_provenance, strlen(golden_provenance), &other, &err),
            err);
        golden_subject(&bundle, &subject);
        assert_ok(coco_cert_key(bundle.signer.cert, &bundle.signer.key, &err), err);
        assert_ok(coco_signer_check_log(&bundle.signer, &trust, &subject, &detail, &err), err);
        subject.cert = other.signer.cert;
        assert_fails(coco_signer_check_log(&bundle.signer, &trust, &subject, &detail, &err), err,
                     COCO_ERR_VERIFY, "another certificate");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_of_one_signature),
        cmocka_unit_test(an_entry_may_be_of_a_digest),
        cmocka_unit_test(entries_of_rekor_2_are_of_one_signature),
        cmocka_unit_test(rekor_2_promises_nothing),
        cmocka_unit_test(a_certificate_must_be_the_same),
    };

    return cmocka_run_group_tests_name("signature/log_body", tests, NULL, NULL);
}
