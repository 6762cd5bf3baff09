/*
 * tests/kbs/test_config_admin.c - lib/kbs/config_admin.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "base/fd.h"

#include <stdio.h>

#include "tests/kbs/configs.h"

#define PROVIDER                                                                                   \
    "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"                               \
    "[[admin.authentication.bearer_jwt.identity_providers]]\n"

#define TLS "[http_server]\nprivate_key = \"-----BEGIN A\"\ncertificate = \"-----BEGIN B\"\n"
#define CERTIFICATE                                                                                \
    "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"                               \
    "[admin.authentication.client_certificate]\n"
#define ROLE "[[admin.authentication.client_certificate.roles]]\n"

static void
certificates_have_roles(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config(TLS CERTIFICATE
                           "ca = \"-----BEGIN C\"\n" ROLE
                           "role = \"admin\"\nsubject = \"CN=a\"\n" ROLE
                           "role = \"reader\"\nsan = \"URI:spiffe://a/b\"\n" CONFIG_ACL,
                           &c, &err),
              err);
    assert_int_equal(c.admin.n_providers, 0);
    assert_int_equal(c.admin.n_certificates, 2);
    assert_string_equal(c.admin.certificates[0].subject, "CN=a");
    assert_string_equal(c.admin.certificates[1].san, "URI:spiffe://a/b");
    assert_config_survives_faults(TLS CERTIFICATE
                                  "ca = \"-----BEGIN C\"\n" ROLE
                                  "role = \"admin\"\nsubject = \"CN=a\"\n" CONFIG_ACL);
}

static void
keys_come_from_sets_as_upstream_names_them(void **state)
{
    static const char *const uris[] = {"/etc/jwks.json", "./jwks.json", "file:///etc/jwks.json",
                                       "https://a.example/jwks"};
    char text[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        _cleanup_config_ struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        (void)snprintf(text, sizeof(text),
                       PROVIDER "jwk_set_uri = \"%s\"\nca = \"-----BEGIN A\"\n" CONFIG_ACL,
                       uris[i]);
        assert_ok(parse_config(text, &c, &err), err);
        assert_string_equal(c.admin.providers[0].jwk_set_uri, uris[i]);
        assert_non_null(c.admin.providers[0].ca);
        assert_null(c.admin.providers[0].key);
    }
}

static void
keys_come_from_files(void **state)
{
    char dir[64];
    char text[1024];
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(text, sizeof(text), "%s/key.pem", dir);
    assert_ok(coco_file_write(text, CONFIG_KEY, strlen(CONFIG_KEY), 0600, &err), err);
    static const char *const schemes[] = {"", "file://"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_config_ struct coco_kbs_config c = {0};

        (void)snprintf(text, sizeof(text),
                       "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                       "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                       "public_key_uri = \"%s%s/key.pem\"\n" CONFIG_ACL,
                       schemes[i], dir);
        assert_ok(parse_config(text, &c, &err), err);
        assert_non_null(c.admin.providers[0].key);
    }
    remove_temp_dir(dir);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_NOTSUP, "[admin]\nauthorization_mode = \"InsecureAllowAll\"", "public key"},
        {COCO_ERR_PROTO, "[admin]\nauthorization_mode = \"Simple\"", "authorization_mode"},
        {COCO_ERR_NOTSUP, "[admin]\ntype = \"DenyAll\"", "say authorization_mode"},
        {COCO_ERR_NOTSUP, "[admin]\nauth_public_key = \"/x\"", "public_key_uri"},
        {COCO_ERR_PROTO, CERTIFICATE "", "ca or roles are missing"},
        {COCO_ERR_PROTO, CERTIFICATE "ca = \"-----BEGIN A\"\n", "ca or roles are missing"},
        {COCO_ERR_PROTO, CERTIFICATE ROLE "role = \"admin\"\nsubject = \"CN=a\"\n", "ca or roles"},
        {COCO_ERR_PROTO,
         CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "role = \"admin\"\nsubject = \"CN=a\"\n",
         "needs [http_server] certificate"},
        {COCO_ERR_PROTO, TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "subject = \"CN=a\"\n",
         "roles 0: needs a role"},
        {COCO_ERR_PROTO, TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "role = \"admin\"\n",
         "either subject or san"},
        {COCO_ERR_PROTO,
         TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE
                         "role = \"admin\"\nsubject = \"CN=a\"\nsan = \"DNS:a\"\n",
         "either subject or san"},
        {COCO_ERR_PROTO,
         TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "role = \"admin\"\nsubject = \"\"\n",
         "subject is empty"},
        {COCO_ERR_PROTO,
         TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "role = \"admin\"\nsan = \"IP:1.2.3.4\"\n",
         "san is not"},
        {COCO_ERR_PROTO,
         TLS CERTIFICATE "ca = \"-----BEGIN A\"\n" ROLE "role = \"admin\"\nsan = \"DNS:\"\n",
         "san is not"},
        {COCO_ERR_PROTO, PROVIDER "audience = \"a\"\n" CONFIG_ACL, "is missing"},
        {COCO_ERR_PROTO, PROVIDER "issuer = \"me\"\n" CONFIG_ACL,
         "issuer is not an address of https"},
        {COCO_ERR_PROTO, PROVIDER "issuer = \"http://a.example\"\n" CONFIG_ACL, "address of https"},
        {COCO_ERR_PROTO, PROVIDER "issuer = \"https://a.example/?a\"\n" CONFIG_ACL,
         "address of https"},
        {COCO_ERR_PROTO, PROVIDER "jwk_set_uri = \"http://a.example/k\"\n" CONFIG_ACL,
         "jwk_set_uri is not an address of https"},
        {COCO_ERR_PROTO, PROVIDER "jwk_set_uri = \"https://u:p@a.example/k\"\n" CONFIG_ACL,
         "jwk_set_uri"},
        {COCO_ERR_PROTO, PROVIDER "jwk_set_uri = 1\n" CONFIG_ACL, "jwk_set_uri"},
        {COCO_ERR_PROTO, "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"",
         "identity_providers"},
        {COCO_ERR_PROTO, CONFIG_ADMIN, "no acls"},
        {COCO_ERR_PROTO,
         "[admin]\n[[admin.authentication.bearer_jwt.identity_providers]]\npublic_key = \"x\"",
         "authorization_mode is not"},
        {COCO_ERR_PROTO,
         CONFIG_ADMIN
         "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\nallowed_endpoints = \".*\"",
         "must start"},
        {COCO_ERR_PROTO,
         CONFIG_ADMIN "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\n"
                      "allowed_endpoints = \"^/kbs/a|.*$\"",
         "hold no |"},
        {COCO_ERR_PROTO,
         CONFIG_ADMIN "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\n"
                      "allowed_endpoints = \"^/kbs(($\"",
         "regular expression"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults(CONFIG_ADMIN CONFIG_ACL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_have_roles),
        cmocka_unit_test(keys_come_from_sets_as_upstream_names_them),
        cmocka_unit_test(keys_come_from_files),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config_admin", tests, NULL, NULL);
}
