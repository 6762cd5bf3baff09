/*
 * tests/kbs/test_config.c - lib/kbs/config.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config.h"

#include "tests/kbs/configs.h"

static void
an_empty_text_has_defaults(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config("", &c, &err), err);
    assert_int_equal(c.http.sockets.n, 1);
    assert_string_equal(c.http.sockets.items[0], "127.0.0.1:8080");
    assert_false(c.http.insecure_http);
    assert_int_equal(c.http.payload_request_size, 2);
    assert_int_equal(c.http.payload_total_size, 64);
    assert_false(c.attestation.allow_sample);
    assert_int_equal(c.attestation.timeout, 5);
    assert_int_equal(c.attestation.duration_min, 5);
    assert_true(c.attestation.verbose_token);
    assert_string_equal(c.attestation.issuer_name, "CoCo-Attestation-Service");
    assert_int_equal(c.admin.n_providers, 0);
    assert_null(c.storage.path);
    assert_true(c.metrics);
    assert_false(c.admin_page);
    assert_true(c.rate.enabled);
    assert_int_equal(c.rate.per_second, 500);
    assert_int_equal(c.rate.burst, 5000);
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
        "[attestation_service.rvps_config]\ntype = \"BuiltIn\"\n" CONFIG_ADMIN CONFIG_ACL
        "[storage_backend]\nstorage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\n"
        "path = \"/x.db\"\n[[plugins]]\nname = \"resource\"\n"
        "storage_backend_type = \"kvstorage\"\n[explain]\nentries = 3\n"
        "[admin_page]\nenabled = true\n[metrics]\nenabled = false\n[rate_limit]\nenabled = "
        "false\nper_second = 7\nburst = 8\n";
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config(text, &c, &err), err);
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
    assert_string_equal(c.storage.path, "/x.db");
    assert_int_equal(c.explain_entries, 3);
    assert_false(c.metrics);
    assert_true(c.admin_page);
    assert_false(c.rate.enabled);
    assert_int_equal(c.rate.per_second, 7);
    assert_int_equal(c.rate.burst, 8);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_PROTO, "[", "configuration"},
        {COCO_ERR_PROTO, "[http_sever]\n", "http_server"},
        {COCO_ERR_PROTO, "http_server = 1", "[http_server]"},
        {COCO_ERR_NOTSUP, "[attestation_token]\ntrusted_certs_paths = [\"/x\"]",
         "[attestation_token]: trusted_certs_paths: is not supported"},
        {COCO_ERR_PROTO, "[attestation_token]\ninsecure_jwk = true", "insecure_jwk"},
        {COCO_ERR_PROTO, "[rate_limit]\nper_second = 0", "[rate_limit]: per_second"},
        {COCO_ERR_PROTO, "[rate_limit]\nrate = 1", "rate_limit"},
        {COCO_ERR_PROTO, "[admin_page]\nenable = true", "admin_page"},
        {COCO_ERR_PROTO, "[admin_page]\nenabled = 1", "[admin_page]: enabled"},
        {COCO_ERR_PROTO, "[[plugins]]\nnane = \"x\"", "[plugins]"},
        {COCO_ERR_PROTO, "[[plugins]]\nname = 1", "[plugins]"},
        {COCO_ERR_PROTO, "[plugins]\nname = \"x\"", "[plugins]: plugins is not a list"},
        {COCO_ERR_PROTO, "plugins = [1]", "[plugins]: is not a list of tables"},
        {COCO_ERR_PROTO, "[[plugins]]\nname = \"x\"\n[[plugins]]\nname = \"x\"",
         "x is there twice"},
        {COCO_ERR_PROTO, "[[plugins]]\nname = \"resource\"\nstorage_backend_typo = \"x\"",
         "storage_backend_type"},
        {COCO_ERR_NOTSUP, "[[plugins]]\nname = \"resource\"\nstorage_backend_type = \"Vault\"",
         "kvstorage"},
        {COCO_ERR_PROTO, "plugins = 1", "plugins"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

/* What Trustee's own configurations say, which mean the same without it here. */
static void
upstream_s_leave_for_tokens_is_read(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config("[attestation_token]\ninsecure_header_jwk = true\n", &c, &err), err);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults(
        "[http_server]\nsockets = [\"a:1\", \"b:2\"]\n" CONFIG_ADMIN CONFIG_ACL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_has_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(upstream_s_leave_for_tokens_is_read),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config", tests, NULL, NULL);
}
