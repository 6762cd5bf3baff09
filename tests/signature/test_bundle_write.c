/*
 * tests/signature/test_bundle_write.c - lib/signature/bundle_write.c
 *
 * What cosign's modules make of them is in tests/cli/test_referrers.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/bundle_write.h"

#include "base/json.h"
#include "signature/bundle.h"
#include "tests/faults.h"

#include <string.h>

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF(subject, type)                                                                          \
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[" subject                         \
    "],\"predicateType\":\"" type "\"}"
#define STATEMENT OF("{\"digest\":{\"sha256\":\"" HEX "\"}}", "https://sigstore.dev/cosign/sign/v1")

static struct coco_digest digest;

/* A bundle of text, signed by key. */
static coco_status
make(EVP_PKEY *key, const char *text, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf statement = {.limit = 4096};
    _cleanup_buf_ struct coco_buf encoded = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signature = {.limit = 4096};

    coco_status status = coco_buf_append_text(&statement, text, err);
    if (status == COCO_OK)
        status = coco_dsse_encode(COCO_IN_TOTO_TYPE, &statement, &encoded, err);
    if (status == COCO_OK)
        status = coco_key_sign(key, encoded.data, encoded.len, &signature, err);
    if (status == COCO_OK)
        status = coco_sigstore_bundle_write(key, &statement, &signature, ret, err);
    return status;
}

static void
a_statement_is_as_cosign_writes_it(void **state)
{
    _cleanup_buf_ struct coco_buf text = {.limit = 4096};
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_sign_statement_write(&digest, &text, &err), err);
    assert_string_equal(coco_buf_text(&text), STATEMENT);
}

static void
what_is_written_is_read(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_pkey_ EVP_PKEY *other = NULL;
    _cleanup_buf_ struct coco_buf bundle = {.limit = 8192};
    _cleanup_sigstore_bundle_ struct coco_sigstore_bundle read = {0};
    struct coco_digest another = digest;
    coco_error *err = NULL;
    bool is = false;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &other, &err), err);
    assert_ok(make(key, STATEMENT, &bundle, &err), err);
    assert_ok(coco_sigstore_bundle_parse(bundle.data, bundle.len, &read, &err), err);
    assert_int_equal(read.envelope.payload.len, strlen(STATEMENT));
    assert_memory_equal(read.envelope.payload.data, STATEMENT, strlen(STATEMENT));
    assert_null(read.signer.cert);

    assert_ok(coco_sigstore_bundle_is_by(&bundle, key, &digest, &is, &err), err);
    assert_true(is);
    assert_ok(coco_sigstore_bundle_is_by(&bundle, other, &digest, &is, &err), err);
    assert_false(is);
    another.bytes[31] ^= 1;
    assert_ok(coco_sigstore_bundle_is_by(&bundle, key, &another, &is, &err), err);
    assert_false(is);
    for (size_t i = 0; i < bundle.len; i += 3) {
        bundle.data[i] ^= 2;
        assert_ok(coco_sigstore_bundle_is_by(&bundle, other, &digest, &is, &err), err);
        assert_false(is);
        bundle.data[i] ^= 2;
    }
}

static void
another_statement_is_no_signature(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        OF("{\"digest\":{\"sha256\":\"" HEX "\"}}", "https://slsa.dev/provenance/v1"),
        OF("", "https://sigstore.dev/cosign/sign/v1"),
    };
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_buf_ struct coco_buf bundle = {.limit = 8192};
        bool is = true;

        assert_ok(make(key, texts[i], &bundle, &err), err);
        assert_ok(coco_sigstore_bundle_is_by(&bundle, key, &digest, &is, &err), err);
        assert_false(is);
    }
}

static void
writing_survives_any_failed_allocation(void **state)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    coco_error *failure = NULL;

    (void)state;
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &failure), failure);
    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf bundle = {.limit = 8192};
        coco_error *err = NULL;
        bool is = false;

        coco_status status = make(key, STATEMENT, &bundle, &err);
        if (status == COCO_OK)
            status = coco_sigstore_bundle_is_by(&bundle, key, &digest, &is, &err);
        fault_expect(status, err);
        assert_int_equal(is, status == COCO_OK);
    }
}

static int
setup(void **state)
{
    (void)state;
    return coco_digest_parse("sha256:" HEX, &digest, NULL) == COCO_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_as_cosign_writes_it),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(another_statement_is_no_signature),
        cmocka_unit_test(writing_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("signature/bundle_write", tests, setup, NULL);
}
