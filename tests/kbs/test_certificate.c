/*
 * tests/kbs/test_certificate.c - lib/kbs/certificate.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/certificate.h"

#include "tests/faults.h"
#include "tests/pki.h"
#include "tests/support.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

static struct coco_kbs_certificate_role roles[2];
static const struct coco_kbs_config config = {
    .admin = {.certificates = roles, .n_certificates = 2}};

/* A certificate of that subject, with names as OpenSSL's configuration has them, or NULL. */
static void
make(struct pki_cert *cert, const char *organization, const char *common, const char *names)
{
    X509_NAME *name;

    pki_make(cert, NULL, NULL, 30);
    name = X509_get_subject_name(cert->cert);
    while (X509_NAME_entry_count(name) > 0)
        X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, 0));
    if (organization)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                                    (const unsigned char *)organization, -1, -1, 0),
                         1);
    if (common)
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *)common, -1, -1, 0),
                         1);
    if (!names)
        return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert->cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void
give_roles(const char *subject, const char *san)
{
    static char role[2][8] = {"first", "second"};
    static char texts[2][128];

    (void)snprintf(texts[0], sizeof(texts[0]), "%s", subject);
    (void)snprintf(texts[1], sizeof(texts[1]), "%s", san);
    roles[0] = (struct coco_kbs_certificate_role){.role = role[0], .subject = texts[0]};
    roles[1] = (struct coco_kbs_certificate_role){.role = role[1], .san = texts[1]};
}

static void
a_certificate_has_the_role_of_its_subject_or_name(void **state)
{
    static const struct {
        const char *organization, *common, *names;
        const char *subject, *san, *role; /* NULL: none */
    } cases[] = {
        {"Example", "alice", NULL, "CN=alice,O=Example", "URI:x", "first"},
        {NULL, "alice", NULL, "CN=alice", "URI:x", "first"},
        {NULL, "a,O=b", NULL, "CN=a\\,O=b", "URI:x", "first"},
        {"b", "a", NULL, "CN=a\\,O=b", "URI:x", NULL},
        {NULL, "alice", NULL, "CN=Alice", "URI:x", NULL},
        {NULL, "alice2", NULL, "CN=alice", "URI:x", NULL},
        {"Other", "alice", NULL, "CN=alice", "URI:x", NULL},
        {NULL, NULL, NULL, "CN=alice", "URI:x", NULL},
        {NULL, "x", "URI:spiffe://a/ops", "CN=y", "URI:spiffe://a/ops", "second"},
        {NULL, "x", "DNS:z,DNS:a.example", "CN=y", "DNS:a.example", "second"},
        {NULL, "x", "email:a@b.example", "CN=y", "email:a@b.example", "second"},
        {NULL, "x", "DNS:a.example", "CN=y", "URI:a.example", NULL},
        {NULL, "x", "DNS:a.example", "CN=y", "DNS:a", NULL},
        {NULL, "x", "DNS:*.example", "CN=y", "DNS:a.example", NULL},
        {NULL, "x", "IP:127.0.0.1", "CN=y", "DNS:127.0.0.1", NULL},
        {NULL, "DNS:a.example", NULL, "CN=y", "DNS:a.example", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pki_cert cert;
        const char *role = NULL;
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        make(&cert, cases[i].organization, cases[i].common, cases[i].names);
        give_roles(cases[i].subject, cases[i].san);
        if (cases[i].role) {
            assert_ok(coco_kbs_certificate_role(&config, cert.cert, time(NULL), &role, &err), err);
            assert_string_equal(role, cases[i].role);
        } else {
            assert_fails(coco_kbs_certificate_role(&config, cert.cert, time(NULL), &role, &err),
                         err, COCO_ERR_VERIFY, "has no role");
        }
        pki_done(&cert);
    }
}

static void
a_name_with_a_nul_is_not_the_name_before_it(void **state)
{
    static const char long_name[] = "a.example\0.evil";
    struct pki_cert cert;
    const char *role = NULL;
    coco_error *err = NULL;
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    (void)state;
    assert_int_equal(ASN1_STRING_set(text, long_name, (int)sizeof(long_name) - 1), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    make(&cert, NULL, "x", NULL);
    assert_int_equal(X509_add1_ext_i2d(cert.cert, NID_subject_alt_name, names, 0, 0), 1);
    give_roles("CN=y", "DNS:a.example");
    assert_fails(coco_kbs_certificate_role(&config, cert.cert, time(NULL), &role, &err), err,
                 COCO_ERR_VERIFY, "has no role");
    GENERAL_NAMES_free(names);
    pki_done(&cert);
}

static void
a_certificate_that_has_ended_since_is_none(void **state)
{
    struct pki_cert cert;
    const char *role = NULL;
    coco_error *err = NULL;

    (void)state;
    make(&cert, NULL, "alice", NULL);
    give_roles("CN=alice", "URI:x");
    assert_fails(coco_kbs_certificate_role(&config, cert.cert, time(NULL) + 31 * (int64_t)86400,
                                           &role, &err),
                 err, COCO_ERR_VERIFY, "admin");
    pki_done(&cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_has_the_role_of_its_subject_or_name),
        cmocka_unit_test(a_name_with_a_nul_is_not_the_name_before_it),
        cmocka_unit_test(a_certificate_that_has_ended_since_is_none),
    };

    return cmocka_run_group_tests_name("kbs/certificate", tests, NULL, NULL);
}
