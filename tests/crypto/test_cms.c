/*
 * tests/crypto/test_cms.c - lib/crypto/cms.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/cms.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/rng.h"
#include "tests/rsa_cert.h"
#include "tests/support.h"

#include <openssl/cms.h>
#include <string.h>

#define DATA "the private options of a layer"

/* Two whom things are for, and one who is called as the first is, with another key. */
struct fixture {
    struct rsa_cert a, b, namesake;
    struct coco_buf cms;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.cms = {.limit = 1 << 16}};
    rsa_cert_make(&fixture.a, "a", 7);
    rsa_cert_make(&fixture.b, "b", 0x123456789aL);
    rsa_cert_make(&fixture.namesake, "a", 7);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    rsa_cert_done(&f->a);
    rsa_cert_done(&f->b);
    rsa_cert_done(&f->namesake);
    coco_buf_done(&f->cms);
    return 0;
}

static void
encrypt(struct fixture *f, X509 *const *certs, size_t n)
{
    coco_buf_reset(&f->cms);
    assert_ok(coco_cms_encrypt(certs, n, DATA, strlen(DATA), &f->cms, &f->err), f->err);
}

static coco_status
decrypt(struct fixture *f, const struct rsa_cert *who, struct coco_secret *ret)
{
    return coco_cms_decrypt(f->cms.data, f->cms.len, who->cert, who->key, ret, &f->err);
}

static void
an_envelope_opens_for_whom_it_is_for(void **state)
{
    struct fixture *f = *state;
    X509 *const both[] = {f->a.cert, f->b.cert};
    const struct rsa_cert *const who[] = {&f->a, &f->b};

    for (size_t n = 1; n <= 2; n++) {
        encrypt(f, both, n);
        for (size_t i = 0; i < n; i++) {
            _cleanup_secret_ struct coco_secret back = {0};

            assert_ok(decrypt(f, who[i], &back), f->err);
            assert_true(coco_secret_equal(&back, DATA, strlen(DATA)));
        }
    }
}

/* One text, whether nobody of the name is there, or the key is another, or of another kind. */
static void
nobody_else_opens_it_and_all_are_told_the_same(void **state)
{
    struct fixture *f = *state;
    struct coco_secret back = {0};
    EVP_PKEY *ec = NULL;

    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &f->err), f->err);
    const struct rsa_cert wrong = {f->b.key, f->a.cert};
    const struct rsa_cert other_kind = {ec, f->a.cert};
    const struct rsa_cert *const who[] = {&f->b, &f->namesake, &wrong, &other_kind};
    encrypt(f, &f->a.cert, 1);
    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
        assert_fails(decrypt(f, who[i], &back), f->err, COCO_ERR_VERIFY,
                     "cannot decrypt with this key");
        assert_null(back.data);
    }
    EVP_PKEY_free(ec);
}

/* Whichever bit is changed: nothing opens, and what is no envelope any more is told as that. */
static void
no_changed_bit_is_believed(void **state)
{
    struct fixture *f = *state;
    _cleanup_secret_ struct coco_secret back = {0};

    encrypt(f, &f->a.cert, 1);
    for (size_t i = 0; i < f->cms.len; i++) {
        f->cms.data[i] ^= (uint8_t)(1 << i % 8);
        coco_status status = decrypt(f, &f->a, &back);
        bool known =
            status == COCO_ERR_VERIFY || status == COCO_ERR_PROTO || status == COCO_ERR_NOTSUP;
        /* Of who it is for and how, the parameters of rsaEncryption say nothing. */
        if (!known && !(status == COCO_OK && coco_secret_equal(&back, DATA, strlen(DATA))))
            fail_msg("byte %zu: %s", i, coco_status_name(status));
        coco_error_free(f->err);
        f->err = NULL;
        coco_secret_done(&back);
        f->cms.data[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t len = 0; len < f->cms.len; len++) {
        assert_fails(coco_cms_decrypt(f->cms.data, len, f->a.cert, f->a.key, &back, &f->err),
                     f->err, COCO_ERR_PROTO, "CMS envelope");
    }
    assert_ok(coco_buf_append(&f->cms, "", 1, &f->err), f->err);
    assert_fails(decrypt(f, &f->a, &back), f->err, COCO_ERR_PROTO, "CMS envelope");
}

/* What openssl cms -encrypt makes by itself: AES-CBC, whose padding would be an oracle. */
static void
content_that_is_not_authenticated_is_refused(void **state)
{
    static const char data[] = DATA;
    struct fixture *f = *state;
    struct coco_secret back = {0};
    BIO *in = BIO_new_mem_buf(data, sizeof(data));
    STACK_OF(X509) *to = sk_X509_new_null();
    uint8_t *der = NULL;

    assert_non_null(in);
    assert_true(sk_X509_push(to, f->a.cert) > 0);
    CMS_ContentInfo *cms = CMS_encrypt(to, in, EVP_aes_128_cbc(), CMS_BINARY);
    assert_non_null(cms);
    int len = i2d_CMS_ContentInfo(cms, &der);
    assert_true(len > 0);
    assert_fails(coco_cms_decrypt(der, (size_t)len, f->a.cert, f->a.key, &back, &f->err), f->err,
                 COCO_ERR_NOTSUP, "not encrypted by AES-GCM");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    sk_X509_free(to);
    BIO_free(in);
}

static void
what_cannot_be_a_recipient_is_refused(void **state)
{
    struct fixture *f = *state;
    X509 *many[COCO_CMS_RECIPIENTS_MAX + 1];
    EVP_PKEY *ec = NULL;
    X509 *other = X509_dup(f->a.cert);

    for (size_t i = 0; i < COCO_CMS_RECIPIENTS_MAX + 1; i++)
        many[i] = f->a.cert;
    assert_fails(coco_cms_encrypt(many, 0, "x", 1, &f->cms, &f->err), f->err, COCO_ERR_INVALID,
                 "0 certificates");
    assert_fails(coco_cms_encrypt(many, COCO_CMS_RECIPIENTS_MAX + 1, "x", 1, &f->cms, &f->err),
                 f->err, COCO_ERR_INVALID, "17 certificates");
    assert_ok(coco_key_generate(COCO_KEY_P256, &ec, &f->err), f->err);
    assert_int_equal(X509_set_pubkey(other, ec), 1);
    assert_fails(coco_cms_encrypt(&other, 1, "x", 1, &f->cms, &f->err), f->err, COCO_ERR_INVALID,
                 "not RSA");
    X509_free(other);
    EVP_PKEY_free(ec);
}

static void
what_is_opened_and_closed_is_wiped(void **state)
{
    struct fixture *f = *state;
    char text[] = DATA;

    canary_begin(text, strlen(text));
    coco_buf_reset(&f->cms);
    assert_ok(coco_cms_encrypt(&f->a.cert, 1, text, strlen(text), &f->cms, &f->err), f->err);
    struct coco_secret back = {0};
    assert_ok(decrypt(f, &f->a, &back), f->err);
    coco_secret_done(&back);
    assert_int_equal(canary_end(), 0);
}

static void
nothing_is_made_without_random_bytes(void **state)
{
    struct fixture *f = *state;

    for_each_rng_fault()
    {
        coco_error *err = NULL;

        coco_buf_reset(&f->cms);
        rng_expect(coco_cms_encrypt(&f->a.cert, 1, "x", 1, &f->cms, &err), err);
        coco_error_free(err);
    }
}

static void
everything_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_buf_ struct coco_buf cms = {.limit = 1 << 16};
        _cleanup_secret_ struct coco_secret back = {0};
        coco_error *err = NULL;

        coco_status status = coco_cms_encrypt(&f->a.cert, 1, DATA, strlen(DATA), &cms, &err);
        if (status == COCO_OK)
            status = coco_cms_decrypt(cms.data, cms.len, f->a.cert, f->a.key, &back, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_opens_for_whom_it_is_for),
        cmocka_unit_test(nobody_else_opens_it_and_all_are_told_the_same),
        cmocka_unit_test(no_changed_bit_is_believed),
        cmocka_unit_test(content_that_is_not_authenticated_is_refused),
        cmocka_unit_test(what_cannot_be_a_recipient_is_refused),
        cmocka_unit_test(what_is_opened_and_closed_is_wiped),
        cmocka_unit_test(nothing_is_made_without_random_bytes),
        cmocka_unit_test(everything_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
