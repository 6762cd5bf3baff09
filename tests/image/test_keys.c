/*
 * tests/image/test_keys.c - lib/image/keys.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/keys.h"

#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/rsa_cert.h"
#include "tests/support.h"

#include <openssl/pem.h>
#include <string.h>

struct fixture {
    coco_image_client *client;
    struct rsa_cert a, b;
    coco_error *err;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){0};
    rsa_cert_make(&fixture.a, "a", 1);
    rsa_cert_make(&fixture.b, "b", 2);
    assert_ok(coco_image_client_new(&fixture.client, &fixture.err), fixture.err);
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    coco_image_client_free(f->client);
    rsa_cert_done(&f->a);
    rsa_cert_done(&f->b);
    return 0;
}

static size_t
der_of(X509 *cert, uint8_t **der)
{
    *der = NULL;
    int len = i2d_X509(cert, der);
    assert_true(len > 0);
    return (size_t)len;
}

static void
add_private(struct fixture *f, const EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 14};

    assert_ok(coco_key_private_pem(key, &pem, &f->err), f->err);
    assert_ok(coco_image_client_add_key(f->client, pem.data, pem.len, &f->err), f->err);
}

static void
a_certificate_opens_once_its_key_is_there(void **state)
{
    struct fixture *f = *state;
    struct coco_client_openers openers;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    assert_ok(coco_image_client_add_certificate(f->client, der, len, &f->err), f->err);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 0);
    add_private(f, f->b.key);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 1);
    assert_string_equal(openers.list[0].scheme, "jwe");
    add_private(f, f->a.key);
    coco_client_openers(f->client, &openers);
    assert_int_equal(openers.n, 2);
    assert_string_equal(openers.list[1].scheme, "pkcs7");
    assert_int_equal(openers.cms.n, 1);
    assert_int_equal(EVP_PKEY_eq(openers.cms.keys[0].key, f->a.key), 1);
    OPENSSL_free(der);
}

static void
what_is_no_certificate_to_wrap_to_is_refused(void **state)
{
    typedef coco_status add(coco_image_client *, const uint8_t *, size_t, coco_error **);
    static add *const adds[] = {coco_image_client_add_certificate,
                                coco_image_client_add_certificate_recipient};
    struct fixture *f = *state;
    struct pki_cert ec;
    uint8_t *der = NULL;

    pki_make(&ec, NULL, "a.test", 1);
    char *pem = pki_pem(&ec);
    size_t len = der_of(f->a.cert, &der);
    for (size_t i = 0; i < 2; i++) {
        assert_fails(adds[i](f->client, (const uint8_t *)"", 0, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, (const uint8_t *)"x", 1, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, der, len - 1, &f->err), f->err, COCO_ERR_PROTO,
                     "certificate");
        assert_fails(adds[i](f->client, (const uint8_t *)pem, strlen(pem), &f->err), f->err,
                     COCO_ERR_NOTSUP, "not RSA");
        for (size_t n = 0; n < COCO_CLIENT_CERTS_MAX; n++)
            assert_ok(adds[i](f->client, der, len, &f->err), f->err);
        assert_fails(adds[i](f->client, der, len, &f->err), f->err, COCO_ERR_LIMIT, "16");
    }
    OPENSSL_free(der);
    OPENSSL_free(pem);
    pki_done(&ec);
}

static void
recipients_are_wrappers_each_of_their_scheme(void **state)
{
    static const uint8_t kek[COCO_LAYER_KEY_SIZE] = "k";
    struct fixture *f = *state;
    struct coco_client_recipients to;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 0);
    assert_ok(coco_image_client_add_recipient(f->client, der, len, &f->err), f->err);
    assert_ok(coco_image_client_add_certificate_recipient(f->client, der, len, &f->err), f->err);
    assert_ok(
        coco_image_client_add_kbs_recipient(f->client, "kbs:///a/b/c", kek, sizeof(kek), &f->err),
        f->err);
    coco_client_recipients(f->client, &to);
    assert_int_equal(to.n, 3);
    assert_string_equal(to.list[0].scheme, "jwe");
    assert_string_equal(to.list[1].scheme, "pkcs7");
    assert_string_equal(to.list[2].scheme, "provider.attestation-agent");
    OPENSSL_free(der);
}

static void
adding_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;
    uint8_t *der = NULL;
    size_t len = der_of(f->a.cert, &der);

    for_each_fault()
    {
        coco_image_client *client = NULL;
        coco_error *err = NULL;

        coco_status status = coco_image_client_new(&client, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certificate(client, der, len, &err);
        if (status == COCO_OK)
            status = coco_image_client_add_certificate_recipient(client, der, len, &err);
        fault_expect(status, err);
        coco_image_client_free(client);
    }
    OPENSSL_free(der);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_opens_once_its_key_is_there),
        TEST(what_is_no_certificate_to_wrap_to_is_refused),
        TEST(recipients_are_wrappers_each_of_their_scheme),
        TEST(adding_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
