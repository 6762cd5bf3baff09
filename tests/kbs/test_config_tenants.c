/*
 * tests/kbs/test_config_tenants.c - lib/kbs/config_tenants.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include "tests/kbs/configs.h"

#define A "[[tenants]]\nname = \"a-1\"\nconfig_file = \"/a.toml\"\n"

static void
tenants_have_a_file_and_a_quota(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config(A "max_resources = 10\nmax_bytes = 1000\n"
                             "[[tenants]]\nname = \"b\"\nconfig_file = \"/b.toml\"\n",
                           &c, &err),
              err);
    assert_int_equal(c.tenants.n, 2);
    assert_string_equal(c.tenants.items[0].name, "a-1");
    assert_string_equal(c.tenants.items[0].config_file, "/a.toml");
    assert_int_equal(c.tenants.items[0].quota.names, 10);
    assert_int_equal(c.tenants.items[0].quota.bytes, 1000);
    assert_string_equal(c.tenants.items[1].name, "b");
    assert_int_equal(c.tenants.items[1].quota.bytes, 0);
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_PROTO, "[[tenants]]\nname = \"a\"", "config_file is missing"},
        {COCO_ERR_PROTO, "[[tenants]]\nconfig_file = \"/a\"", "name or config_file"},
        {COCO_ERR_PROTO, "[[tenants]]\nname = \"A\"\nconfig_file = \"/a\"", "name is not 1 to"},
        {COCO_ERR_PROTO, "[[tenants]]\nname = \"\"\nconfig_file = \"/a\"", "name is not 1 to"},
        {COCO_ERR_PROTO, "[[tenants]]\nname = \"a/b\"\nconfig_file = \"/a\"", "name is not 1 to"},
        {COCO_ERR_PROTO, A A, "twice"},
        {COCO_ERR_PROTO, A "max_bytes = 0", "max_bytes"},
        {COCO_ERR_PROTO, A "max_byte = 1", "max_bytes"},
        {COCO_ERR_PROTO, "[tenants]\nname = \"a\"", "tenants"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

/* Whoever runs the KBS says where it serves, what it keeps and records. */
static void
a_tenant_says_nothing_about_the_rest(void **state)
{
    static const char *const sections[] = {"http_server", "storage_backend", "audit",  "metrics",
                                           "rate_limit",  "tenants",         "plugins"};
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        _cleanup_config_ struct coco_kbs_config c = {0};
        char text[64];

        (void)snprintf(text, sizeof(text), "[%s]\n", sections[i]);
        assert_fails(coco_kbs_config_parse_tenant(text, strlen(text), &c, &err), err,
                     COCO_ERR_PROTO, sections[i]);
    }
    _cleanup_config_ struct coco_kbs_config c = {0};
    static const char good[] =
        "[attestation_service]\nallow_sample = true\n[explain]\nentries = 3\n";
    assert_ok(coco_kbs_config_parse_tenant(good, strlen(good), &c, &err), err);
    assert_true(c.attestation.allow_sample);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults(A);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_have_a_file_and_a_quota),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(a_tenant_says_nothing_about_the_rest),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config_tenants", tests, NULL, NULL);
}
