/*
 * tests/verifier/test_se_host_key.c - lib/verifier/se_host_key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/se_host_key.h"

#include "tests/faults.h"
#include "tests/verifier/ibm.h"

#include <time.h>

static struct ibm ibm;
static struct ibm other;
static char dir[64];
static coco_verifier *verifier;
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    ibm_setup(&ibm);
    ibm_setup(&other);
    make_temp_dir(dir, sizeof(dir));
    verifier = ibm_verifier(dir, ibm.root.cert);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_verifier_free(verifier);
    remove_temp_dir(dir);
    ibm_done(&ibm);
    ibm_done(&other);
    return 0;
}

static void
assert_good(const coco_verifier *with, X509 *document)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    assert_ok(coco_se_host_key_check(with, document, &key, &err), err);
    assert_non_null(key);
}

static void
assert_bad(X509 *document, coco_status status, const char *why)
{
    EVP_PKEY *key = NULL;

    assert_fails(coco_se_host_key_check(verifier, document, &key, &err), err, status, why);
    assert_null(key);
    ibm_write_collateral(dir, &ibm);
}

static void
a_host_key_of_ibm_is_good(void **state)
{
    (void)state;
    ibm_write_collateral(dir, &ibm);
    assert_good(verifier, ibm.host.cert);
}

static void
each_thing_about_the_chain_is_checked(void **state)
{
    struct pki_cert cert;

    (void)state;
    ibm_write_chain(dir, &other.signing, &other.intermediate, &other.root);
    assert_bad(other.host.cert, COCO_ERR_VERIFY, "is not trusted as a root of ibm");
    ibm_write_chain(dir, &other.signing, &other.intermediate, &ibm.root);
    assert_bad(other.host.cert, COCO_ERR_VERIFY, "");
    ibm_write_chain(dir, &ibm.intermediate, &ibm.signing, &ibm.root);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "");
    ibm_write(dir, "chain.pem", "none", 4);
    assert_bad(ibm.host.cert, COCO_ERR_PROTO, "no certificate");
    char *pem = pki_pem(&ibm.root);
    ibm_write(dir, "chain.pem", pem, strlen(pem));
    OPENSSL_free(pem);
    assert_bad(ibm.host.cert, COCO_ERR_PROTO, "has 1 certificates, not 3");

    ibm_make(&cert, &ibm.intermediate, "Key Signing Service Invalid", IBM_SIGNING_USAGE, "P-256",
             30);
    ibm_write_chain(dir, &cert, &ibm.intermediate, &ibm.root);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "is not IBM's for that");
    pki_done(&cert);
    ibm_make(&cert, &ibm.intermediate, IBM_SIGNING_UNIT, IBM_SIGNING_USAGE, "P-256", -1);
    ibm_write_chain(dir, &cert, &ibm.intermediate, &ibm.root);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "has expired");
    pki_done(&cert);
}

static void
each_thing_about_a_document_is_checked(void **state)
{
    struct pki_cert cert;

    (void)state;
    ibm_write_collateral(dir, &ibm);
    assert_bad(other.host.cert, COCO_ERR_VERIFY, "not signed by its issuer");
    assert_bad(ibm.signing.cert, COCO_ERR_VERIFY, "of another issuer");
    ibm_make(&cert, &ibm.signing, "IBM Z Host Key", IBM_HOST_USAGE, "P-521", -1);
    assert_bad(cert.cert, COCO_ERR_VERIFY, "has expired");
    pki_done(&cert);
    ibm_make(&cert, &ibm.signing, "IBM Z Host Key", IBM_HOST_USAGE, "P-384", 20);
    assert_bad(cert.cert, COCO_ERR_PROTO, "not on P-521");
    pki_done(&cert);
}

static void
lists_are_demanded_and_read(void **state)
{
    (void)state;
    ibm_write_list(dir, "signing-key.crl", &ibm.signing, ibm.host.cert, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "is revoked");
    ibm_write_list(dir, "intermediate-ca.crl", &ibm.intermediate, ibm.signing.cert, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "is revoked");
    ibm_write_list(dir, "root-ca.crl", &ibm.root, ibm.intermediate.cert, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "is revoked");
    ibm_write_list(dir, "signing-key.crl", &other.signing, NULL, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "not signed by its issuer");
    ibm_write_list(dir, "signing-key.crl", &ibm.root, NULL, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "of another issuer");
    ibm_write_list(dir, "root-ca.crl", &ibm.root, NULL, 0);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "has expired");
    ibm_write(dir, "root-ca.crl", "none", 4);
    assert_bad(ibm.host.cert, COCO_ERR_PROTO, "not a list");
}

/* The signing key's owner has moved: document and list may name either town. */
static void
a_list_that_names_another_town_revokes(void **state)
{
    struct pki_cert moved = {.key = ibm.signing.key, .cert = X509_dup(ibm.signing.cert)};
    X509_NAME *name = X509_NAME_new();

    (void)state;
    assert_true(moved.cert && name);
    ibm_name(name, IBM_SIGNING_UNIT, "Armonk");
    assert_int_equal(X509_set_subject_name(moved.cert, name), 1);
    ibm_write_collateral(dir, &ibm);
    ibm_write_list(dir, "signing-key.crl", &moved, ibm.signing.cert, 5);
    assert_good(verifier, ibm.host.cert);
    ibm_write_list(dir, "signing-key.crl", &moved, ibm.host.cert, 5);
    assert_bad(ibm.host.cert, COCO_ERR_VERIFY, "is revoked");
    X509_NAME_free(name);
    X509_free(moved.cert);
}

static void
what_may_be_allowed_is_named(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *lenient = ibm_verifier(dir, ibm.root.cert);
    char path[128];

    (void)state;
    ibm_write_collateral(dir, &ibm);
    (void)snprintf(path, sizeof(path), "%s/ibm/root-ca.crl", dir);
    assert_int_equal(unlink(path), 0);
    assert_bad(ibm.host.cert, COCO_ERR_NOTFOUND, "root-ca.crl");
    assert_int_equal(unlink(path), 0);
    assert_ok(coco_verifier_allow(lenient, "revocation-list", &err), err);
    assert_good(lenient, ibm.host.cert);
    ibm_write_list(dir, "signing-key.crl", &ibm.signing, ibm.host.cert, 0);
    EVP_PKEY *none = NULL;
    assert_fails(coco_se_host_key_check(lenient, ibm.host.cert, &none, &err), err, COCO_ERR_VERIFY,
                 "is revoked"); /* an old list may be allowed, what is on it may not */
    ibm_write_collateral(dir, &ibm);
    coco_verifier_set_time(lenient, (int64_t)time(NULL) + 25 * IBM_DAY_S);
    assert_fails(coco_se_host_key_check(lenient, ibm.host.cert, &none, &err), err, COCO_ERR_VERIFY,
                 "has expired");
    assert_ok(coco_verifier_allow(lenient, "certificate-dates", &err), err);
    assert_good(lenient, ibm.host.cert);
}

/* ---- what was recorded (s390-tools, rust/pv/tests/assets) ---- */

static void
append_fixture(struct coco_buf *buf, const char *name)
{
    size_t len = 0;
    _cleanup_free_ char *bytes = read_fixture(name, &len);

    assert_ok(coco_buf_append(buf, bytes, len, &err), err);
}

static void
copy_fixture(const char *to, const char *name, const char *from)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 1 << 16};

    append_fixture(&bytes, from);
    ibm_write(to, name, bytes.data, bytes.len);
}

static void
write_recorded(const char *to, const char *signing_key, const char *list)
{
    _cleanup_buf_ struct coco_buf chain = {.limit = 1 << 16};

    append_fixture(&chain, signing_key);
    append_fixture(&chain, "se/cert/inter_ca.crt");
    append_fixture(&chain, "se/cert/root_ca.crt");
    ibm_write(to, "chain.pem", chain.data, chain.len);
    copy_fixture(to, "signing-key.crl", list);
    copy_fixture(to, "intermediate-ca.crl", "se/cert/inter_ca.crl");
    copy_fixture(to, "root-ca.crl", "se/cert/root_ca.crl");
}

static X509 *
read_cert(const char *name)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 1 << 16};
    X509 *cert = NULL;

    append_fixture(&pem, name);
    assert_ok(coco_cert_parse(pem.data, pem.len, &cert, &err), err);
    return cert;
}

static void
recorded_documents_are_what_the_manifest_says(void **state)
{
    static const struct {
        const char *document;
        const char *signing_key;
        const char *list;
        const char *why; /* NULL: good */
    } cases[] = {
        {"host", "ibm", "ibm", NULL},
        {"host_rev", "ibm", "ibm", "is revoked"},
        {"host_crt_expired", "ibm", "ibm", "has expired"},
        {"host_invalid_signing_key", "ibm", "ibm", "of another issuer"},
        {"host", "ibm_wrong_subject", "ibm", "is not IBM's for that"},
        {"host", "ibm_rev", "ibm", "is revoked"},
        {"host", "ibm", "ibm_outdated_early", "not valid yet"},
    };
    _cleanup_cert_ X509 *root = read_cert("se/cert/root_ca.crt");
    char recorded[64];

    (void)state;
    make_temp_dir(recorded, sizeof(recorded));
    _cleanup_(coco_verifier_freep) coco_verifier *with = ibm_verifier(recorded, root);
    coco_verifier_set_time(with, 1735689600); /* 2025-01-01 */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char document_name[64];
        char signing_name[64];
        char list_name[64];
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        (void)snprintf(document_name, sizeof(document_name), "se/cert/%s.crt", cases[i].document);
        (void)snprintf(signing_name, sizeof(signing_name), "se/cert/%s.crt", cases[i].signing_key);
        (void)snprintf(list_name, sizeof(list_name), "se/cert/%s.crl", cases[i].list);
        write_recorded(recorded, signing_name, list_name);
        _cleanup_cert_ X509 *document = read_cert(document_name);
        coco_status status = coco_se_host_key_check(with, document, &key, &err);
        if (cases[i].why)
            assert_fails(status, err, COCO_ERR_VERIFY, cases[i].why);
        else
            assert_ok(status, err);
    }
    remove_temp_dir(recorded);
}

static void
checking_survives_any_failed_allocation(void **state)
{
    (void)state;
    ibm_write_collateral(dir, &ibm);
    for_each_fault()
    {
        _cleanup_pkey_ EVP_PKEY *key = NULL;

        coco_status status = coco_se_host_key_check(verifier, ibm.host.cert, &key, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_key_of_ibm_is_good),
        cmocka_unit_test(each_thing_about_the_chain_is_checked),
        cmocka_unit_test(each_thing_about_a_document_is_checked),
        cmocka_unit_test(lists_are_demanded_and_read),
        cmocka_unit_test(a_list_that_names_another_town_revokes),
        cmocka_unit_test(what_may_be_allowed_is_named),
        cmocka_unit_test(recorded_documents_are_what_the_manifest_says),
        cmocka_unit_test(checking_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("verifier/se_host_key", tests, setup, teardown);
}
