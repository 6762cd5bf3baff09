/*
 * tests/roundtrip/test_cca.c - a realm's token, from configfs-tsm to the verdict
 *
 * What stands for the kernel answers each challenge with a token that it makes as the RMM
 * does: claims of the realm signed by a key that the platform vouches for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/cca.h"
#include "base/bytes.h"
#include "crypto/ecdsa.h"
#include "tests/fakemachine.h"
#include "tests/tee/cca_sample.h"
#include "tests/verifier/failing.h"
#include "verifier/driver.h"

#include <stdlib.h>
#include <string.h>

#define BOUND "nonce and key"

struct fixture {
    struct fake_kernel fake;
    EVP_PKEY *platform_key;
    EVP_PKEY *realm_key;
    EVP_PKEY *realm_signer; /* the realm's, but in a realm that only says so */
    struct coco_buf point;  /* of the realm's key */
    struct coco_buf token;
    uint8_t personalization[64];
    uint8_t measured[64]; /* into the second of the realm's registers */
    coco_ctx *ctx;
    coco_attester *attester;
    coco_verifier *verifier;
    coco_error *err;
};

static struct fixture fixture;

static struct coco_cbor_string
string_of(const struct coco_buf *buf)
{
    return (struct coco_cbor_string){buf->data, buf->len};
}

static void
sign(struct fixture *f, EVP_PKEY *key, const struct coco_buf *claims, struct coco_buf *ret)
{
    const struct coco_cose_content content = {.payload = string_of(claims), .tagged = true};

    assert_ok(coco_cose_sign1_sign(key, &content, ret, &f->err), f->err);
}

/* The token for the challenge that was written to inblob. */
static void
answer(struct fake_kernel *fake)
{
    struct fixture *f = fake->user;
    _cleanup_buf_ struct coco_buf platform = {.limit = 4096};
    _cleanup_buf_ struct coco_buf realm = {.limit = 4096};
    _cleanup_buf_ struct coco_buf signed_platform = {.limit = 8192};
    _cleanup_buf_ struct coco_buf signed_realm = {.limit = 8192};
    struct coco_digest digest;

    assert_int_equal(fake->inblob_len, COCO_CCA_CHALLENGE_SIZE);
    assert_ok(coco_digest_of(COCO_SHA256, f->point.data, f->point.len, &digest, &f->err), f->err);
    const struct coco_cca_platform of_platform =
        cca_sample_platform((struct coco_cbor_string){digest.bytes, 32});
    struct coco_cca_realm of_realm = cca_sample_realm(
        (struct coco_cbor_string){fake->inblob, COCO_CCA_CHALLENGE_SIZE}, string_of(&f->point));
    of_realm.personalization = CCA_BYTES(f->personalization);
    of_realm.extensible[1] = CCA_BYTES(f->measured);
    assert_ok(coco_cca_platform_format(&of_platform, &platform, &f->err), f->err);
    assert_ok(coco_cca_realm_format(&of_realm, &realm, &f->err), f->err);
    sign(f, f->platform_key, &platform, &signed_platform);
    sign(f, f->realm_signer, &realm, &signed_realm);
    coco_buf_reset(&f->token);
    assert_ok(coco_cca_token_format(string_of(&signed_platform), string_of(&signed_realm),
                                    &f->token, &f->err),
              f->err);
    fake->out = f->token.data;
    fake->out_len = f->token.len;
}

static void
trust_platform(struct fixture *f)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};

    assert_ok(coco_key_public_pem(f->platform_key, &pem, &f->err), f->err);
    assert_ok(coco_verifier_trust_key(f->verifier, "cca", pem.data, pem.len, &f->err), f->err);
}

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    *f = (struct fixture){.point = {.limit = 256}, .token = {.limit = COCO_CCA_TOKEN_MAX}};
    fake_kernel_init(&f->fake);
    f->fake.provider = "arm_cca_guest\n";
    f->fake.answer = answer;
    f->fake.user = f;
    assert_ok(coco_key_generate(COCO_KEY_P384, &f->platform_key, &f->err), f->err);
    assert_ok(coco_key_generate(COCO_KEY_P384, &f->realm_key, &f->err), f->err);
    f->realm_signer = f->realm_key;
    assert_ok(coco_buf_append(&f->point, "\x04", 1, &f->err), f->err);
    assert_ok(coco_ec_key_point(f->realm_key, &f->point, &f->err), f->err);
    memcpy(f->personalization, "digest of init data", sizeof("digest of init data"));
    assert_ok(coco_verifier_new(&f->verifier, &f->err), f->err);
    trust_platform(f);
    fake_machine_begin(&f->fake, &coco_cca_attester, &f->ctx, &f->attester);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    fake_machine_end(&f->fake, f->ctx, f->attester);
    coco_verifier_free(f->verifier);
    EVP_PKEY_free(f->platform_key);
    EVP_PKEY_free(f->realm_key);
    coco_buf_done(&f->point);
    coco_buf_done(&f->token);
    return 0;
}

static coco_verdict *
verify(struct fixture *f, const coco_verifier *verifier, const char *bound, const char *init_data)
{
    _cleanup_(coco_bytes_freep) coco_bytes *evidence = NULL;
    _cleanup_(coco_binding_freep) coco_binding *binding = NULL;
    coco_verdict *verdict = NULL;

    assert_ok(coco_attester_collect(f->attester, f->ctx, (const uint8_t *)BOUND, strlen(BOUND),
                                    &evidence, &f->err),
              f->err);
    assert_ok(coco_binding_new(&binding, &f->err), f->err);
    assert_ok(coco_binding_set_report_data(binding, (const uint8_t *)bound, strlen(bound), &f->err),
              f->err);
    assert_ok(
        coco_binding_set_init_data(binding, (const uint8_t *)init_data, strlen(init_data), &f->err),
        f->err);
    assert_ok(coco_verify(verifier, "cca", (const char *)coco_bytes_data(evidence), binding,
                          &verdict, &f->err),
              f->err);
    return verdict;
}

/* The names of the checks that do not hold, with a space behind each. */
static void
assert_failing(struct fixture *f, const char *bound, const char *init_data, const char *names)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = verify(f, f->verifier, bound, init_data);

    assert_failing_checks(verdict, names);
}

static void
evidence_of_this_realm_is_valid(void **state)
{
    assert_failing(*state, BOUND, "digest of init data", "");
}

static void
what_is_swapped_is_refused_by_its_check(void **state)
{
    struct fixture *f = *state;

    assert_failing(f, "other and key", "digest of init data", "report-data ");
    assert_failing(f, "nonce and kez", "digest of init data", "report-data ");
    assert_failing(f, BOUND, "digest of unit data", "init-data ");
    assert_failing(f, "x", "x", "report-data init-data ");
    /* A key that the platform vouches for, in the hands of nobody who signs with it. */
    f->realm_signer = f->platform_key;
    assert_failing(f, BOUND, "digest of init data", "realm-signature ");
}

static void
a_platform_nobody_trusts_is_none(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

    assert_ok(coco_verifier_new(&verifier, &f->err), f->err);
    _cleanup_(coco_verdict_freep) coco_verdict *verdict =
        verify(f, verifier, BOUND, "digest of init data");
    assert_false(coco_verdict_valid(verdict));
}

static void
what_the_realm_measures_is_in_the_claims(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_verdict_freep) coco_verdict *before =
        verify(f, f->verifier, BOUND, "digest of init data");

    f->measured[0] ^= 1;
    _cleanup_(coco_verdict_freep) coco_verdict *after =
        verify(f, f->verifier, BOUND, "digest of init data");
    assert_true(coco_verdict_valid(before) && coco_verdict_valid(after));
    assert_string_not_equal(coco_verdict_claims(before), coco_verdict_claims(after));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(evidence_of_this_realm_is_valid),
        TEST(what_is_swapped_is_refused_by_its_check),
        TEST(a_platform_nobody_trusts_is_none),
        TEST(what_the_realm_measures_is_in_the_claims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
