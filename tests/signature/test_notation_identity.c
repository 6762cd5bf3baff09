/*
 * tests/signature/test_notation_identity.c - lib/signature/notation_identity.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "tests/support.h"

static X509 *
make_cert(const char *const *parts)
{
    X509 *cert = X509_new();

    for (; *parts; parts += 2)
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), parts[0],
                                                    MBSTRING_UTF8, (const unsigned char *)parts[1],
                                                    -1, -1, 0),
                         1);
    return cert;
}

static void
identities_are_parts_of_a_subject(void **state)
{
    static const char *const subject[] = {"C",   "DE", "ST",  "BE", "O",       "Acme, Inc.", "OU",
                                          "one", "OU", "two", "CN", "sign=er", NULL};
    static const struct {
        const char *identity;
        coco_status status;
        bool is;
    } cases[] = {
        {"*", COCO_OK, true},
        {"x509.subject: C=DE, ST=BE, O=Acme\\, Inc.", COCO_OK, true},
        {"x509.subject:C=DE,S=BE,O=Acme\\, Inc.", COCO_OK, true},
        {"x509.subject: CN=sign=er, O=Acme\\, Inc., ST=BE, C=DE", COCO_OK, true},
        {"x509.subject: C=DE, ST=BE, O=Acme\\, Inc. ", COCO_OK, true},
        {"x509.subject: C=DE, ST=BE, O=Acme", COCO_OK, false},
        {"x509.subject: C=DE, ST=BE, O=acme\\, inc.", COCO_OK, false},
        {"x509.subject: C=DE, ST=BE, O=Acme\\, Inc., L=any", COCO_OK, false},
        /* Of two units there is no saying which is meant. */
        {"x509.subject: C=DE, ST=BE, O=Acme\\, Inc., OU=one", COCO_OK, false},
        {"", COCO_ERR_INVALID, false},
        {"**", COCO_ERR_INVALID, false},
        {"x509.subject:", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE, ST=BE, O=", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE, ST=BE, O=Acme+OU=x", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE, ST=BE, O=#0101", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE, ST=BE, O=x, NOSUCH=y", COCO_ERR_INVALID, false},
        {"x509.subject: C=DE, ST=BE, O=x, =y", COCO_ERR_INVALID, false},
        {"subject: C=DE, ST=BE, O=x", COCO_ERR_INVALID, false},
    };
    X509 *cert = make_cert(subject);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_error *err = NULL;
        bool is = false;

        coco_status status = coco_notation_is_identity(cert, cases[i].identity, &is, &err);
        if (status != cases[i].status || (status == COCO_OK && is != cases[i].is))
            fail_msg("%s: %d %s", cases[i].identity, is, coco_error_message(err));
        coco_error_free(err);
    }
    X509_free(cert);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_are_parts_of_a_subject),
    };

    return cmocka_run_group_tests_name("signature/notation_identity", tests, NULL, NULL);
}
