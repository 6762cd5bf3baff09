/*
 * tests/kbs/test_config.c - lib/kbs/config.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config.h"

#include "base/fd.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

#define KEY                                                                                        \
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"   \
    "-----END PUBLIC KEY-----\n"
#define ADMIN                                                                                      \
    "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"                               \
    "[[admin.authentication.bearer_jwt.identity_providers]]\nissuer = \"me\"\naudience = "         \
    "\"kbs\"\n"                                                                                    \
    "public_key = '''\n" KEY "'''\n"
#define ACL                                                                                        \
    "[[admin.authorization.regex_acl.acls]]\nrole = \"admin\"\n"                                   \
    "allowed_endpoints = \"^/kbs/v0/.+$\"\n"

static coco_status
parse(const char *text, struct coco_kbs_config *config, coco_error **err)
{
    return coco_kbs_config_parse(text, strlen(text), config, err);
}

static void
an_empty_text_has_defaults(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse("", &c, &err), err);
    assert_int_equal(c.http.sockets.n, 1);
    assert_string_equal(c.http.sockets.items[0], "127.0.0.1:0");
    assert_false(c.http.insecure_http);
    assert_int_equal(c.http.payload_request_size, 2);
    assert_int_equal(c.http.payload_total_size, 64);
    assert_false(c.attestation.allow_sample);
    assert_int_equal(c.attestation.timeout, 5);
    assert_int_equal(c.attestation.duration_min, 5);
    assert_true(c.attestation.verbose_token);
    assert_string_equal(c.attestation.issuer_name, "CoCo-Attestation-Service");
    assert_int_equal(c.admin.n_providers, 0);
    assert_null(c.store_path);
    assert_true(c.metrics);
}

static void
every_key_is_read(void **state)
{
    static const char text[] =
        "[http_server]\nsockets = [\"127.0.0.1:1\", \"[::1]:2\"]\ninsecure_http = true\n"
        "payload_request_size = 8\nmax_connections = 7\nidle_timeout = 9\n"
        "tls_profile = \"modern\"\n"
        "private_key = \"-----BEGIN A\"\ncertificate = \"-----BEGIN B\"\n"
        "[attestation_service]\ntype = \"coco_as_builtin\"\ntimeout = 3\nallow_sample = true\n"
        "software_roots = [\"-----BEGIN C\"]\n"
        "[attestation_service.attestation_token_broker]\nduration_min = 4\nissuer_name = \"i\"\n"
        "developer_name = \"d\"\nbuild_name = \"b\"\nprofile_name = \"p\"\nverbose_token = false\n"
        "[attestation_service.rvps_config]\ntype = \"BuiltIn\"\n" ADMIN ACL
        "[storage_backend]\nstorage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\n"
        "path = \"/x.db\"\n[[plugins]]\nname = \"resource\"\n"
        "storage_backend_type = \"kvstorage\"\n[explain]\nentries = 3\n"
        "[metrics]\nenabled = false\n";
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(text, &c, &err), err);
    assert_int_equal(c.http.sockets.n, 2);
    assert_string_equal(c.http.sockets.items[1], "[::1]:2");
    assert_true(c.http.insecure_http);
    assert_int_equal(c.http.payload_request_size, 8);
    assert_int_equal(c.http.max_connections, 7);
    assert_int_equal(c.http.idle_timeout, 9);
    assert_string_equal(c.http.tls_profile, "modern");
    assert_int_equal(c.attestation.timeout, 3);
    assert_true(c.attestation.allow_sample);
    assert_int_equal(c.attestation.software_roots.n, 1);
    assert_int_equal(c.attestation.duration_min, 4);
    assert_string_equal(c.attestation.issuer_name, "i");
    assert_string_equal(c.attestation.profile_name, "p");
    assert_false(c.attestation.verbose_token);
    assert_int_equal(c.admin.n_providers, 1);
    assert_string_equal(c.admin.providers[0].issuer, "me");
    assert_string_equal(c.admin.providers[0].audience, "kbs");
    assert_int_equal(c.admin.n_acls, 1);
    assert_string_equal(c.store_path, "/x.db");
    assert_int_equal(c.explain_entries, 3);
    assert_false(c.metrics);
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
    assert_ok(coco_file_write(text, KEY, strlen(KEY), 0600, &err), err);
    static const char *const schemes[] = {"", "file://"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_config_ struct coco_kbs_config c = {0};

        (void)snprintf(text, sizeof(text),
                       "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
                       "[[admin.authentication.bearer_jwt.identity_providers]]\n"
                       "public_key_uri = \"%s%s/key.pem\"\n" ACL,
                       schemes[i], dir);
        assert_ok(parse(text, &c, &err), err);
        assert_non_null(c.admin.providers[0].key);
    }
    remove_temp_dir(dir);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct {
        coco_status status;
        const char *text, *why;
    } cases[] = {
        {COCO_ERR_PROTO, "[", "configuration"},
        {COCO_ERR_PROTO, "[http_sever]\n", "http_server"},
        {COCO_ERR_PROTO, "[http_server]\nsocket = []", "sockets"},
        {COCO_ERR_PROTO, "http_server = 1", "[http_server]"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = []", "sockets is empty"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = [1]", "list of texts"},
        {COCO_ERR_PROTO, "[http_server]\nsockets = \"a\"", "list"},
        {COCO_ERR_PROTO, "[http_server]\ninsecure_http = \"yes\"", "insecure_http"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = 0", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\npayload_total_size = 1", "less than payload_request_size"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = -1", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\npayload_request_size = 2.0", "from 1 to 64"},
        {COCO_ERR_PROTO, "[http_server]\ncertificate = \"-----BEGIN B\"", "go together"},
        {COCO_ERR_NOTFOUND, "[http_server]\ncertificate = \"/no/such\"", "/no/such"},
        {COCO_ERR_PROTO, "[http_server]\ntls_profile = \"old\"", "tls_profile"},
        {COCO_ERR_NOTSUP, "[http_server]\nworker_count = 4", "worker_count"},
        {COCO_ERR_NOTSUP, "[attestation_token]\ninsecure_header_jwk = true", "attestation_token"},
        {COCO_ERR_NOTSUP, "[attestation_service]\ntype = \"intel_ta\"", "coco_as_builtin"},
        {COCO_ERR_PROTO, "[attestation_service]\nallow_samples = true", "allow_sample"},
        {COCO_ERR_PROTO, "[attestation_service]\ntimeout = 61", "timeout"},
        {COCO_ERR_NOTSUP, "[admin]\nauthorization_mode = \"InsecureAllowAll\"", "public key"},
        {COCO_ERR_PROTO, "[admin]\nauthorization_mode = \"Simple\"", "authorization_mode"},
        {COCO_ERR_PROTO, "[admin]\ntype = \"DenyAll\"", "type"},
        {COCO_ERR_PROTO, "[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"",
         "identity_providers"},
        {COCO_ERR_PROTO, ADMIN, "no acls"},
        {COCO_ERR_PROTO,
         "[admin]\n[[admin.authentication.bearer_jwt.identity_providers]]\npublic_key = \"x\"",
         "authorization_mode is not"},
        {COCO_ERR_PROTO,
         ADMIN "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\nallowed_endpoints = \".*\"",
         "must start"},
        {COCO_ERR_PROTO,
         ADMIN "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\n"
               "allowed_endpoints = \"^/kbs/a|.*$\"",
         "hold no |"},
        {COCO_ERR_PROTO,
         ADMIN "[[admin.authorization.regex_acl.acls]]\nrole = \"a\"\n"
               "allowed_endpoints = \"^/kbs(($\"",
         "regular expression"},
        {COCO_ERR_NOTSUP, "[storage_backend]\nstorage_type = \"LocalFs\"", "storage_type"},
        {COCO_ERR_PROTO, "[storage_backend]\nstorage_type = \"Sqlite\"", "go together"},
        {COCO_ERR_PROTO, "[storage_backend.backends.sqlite]\npath = \"x\"", "go together"},
        {COCO_ERR_NOTSUP, "[[plugins]]\nname = \"nebula\"", "resource"},
        {COCO_ERR_PROTO, "plugins = 1", "plugins"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        print_message("# case %zu\n", i);
        assert_fails(parse(cases[i].text, &c, &err), err, cases[i].status, cases[i].why);
        assert_null(c.http.sockets.items);
    }
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_config_ struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        coco_status status =
            parse("[http_server]\nsockets = [\"a:1\", \"b:2\"]\n" ADMIN ACL, &c, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_has_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(keys_come_from_files),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config", tests, NULL, NULL);
}
