/*
 * tests/ocicrypt/test_providers.c - lib/ocicrypt/providers.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/providers.h"

#include "tests/faults.h"
#include "tests/support.h"

#include <string.h>

#define OF(inside) "{\"key-providers\":{\"p\":" inside "}}"

static const char all[] =
    "{\"key-providers\":{"
    "\"c\":{\"cmd\":{\"path\":\"/bin/x\",\"args\":[\"a\",\"b c\"]},\"grpc\":\"ignored:1\"},"
    "\"g\":{\"grpc\":\"127.0.0.1:50000\"},"
    "\"s\":{\"grpc\":\"kms.acme.test:443\",\"grpc-tls\":{\"root-ca-file\":\"/ca\","
    "\"cert-file\":\"/c\",\"key-file\":\"/k\",\"server-name\":\"acme.test\","
    "\"insecure-skip-verify\":false}},"
    "\"attestation-agent\":{\"ttrpc\":\"unix:///run/confidential-containers/cdh.sock\"},"
    "\"n\":{\"native\":\"attestation-agent\"}}}";

static coco_status
parse(const char *text, struct coco_providers *ret, coco_error **err)
{
    return coco_providers_parse(text, strlen(text), ret, err);
}

static void
every_kind_is_read(void **state)
{
    _cleanup_(coco_providers_done) struct coco_providers providers = {0};
    const struct coco_provider *p = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(all, &providers, &err), err);
    assert_int_equal(providers.n, 5);
    assert_ok(coco_providers_find(&providers, "c", &p, &err), err);
    assert_int_equal(p->kind, COCO_PROVIDER_CMD);
    assert_string_equal(p->argv[0], "/bin/x");
    assert_string_equal(p->argv[2], "b c");
    assert_null(p->argv[3]);
    assert_ok(coco_providers_find(&providers, "g", &p, &err), err);
    assert_int_equal(p->kind, COCO_PROVIDER_GRPC);
    assert_string_equal(p->target.authority, "127.0.0.1:50000");
    assert_false(p->target.tls);
    assert_ok(coco_providers_find(&providers, "s", &p, &err), err);
    assert_true(p->target.tls);
    assert_string_equal(p->target.server, "acme.test");
    assert_string_equal(p->root_ca_file, "/ca");
    assert_string_equal(p->key_file, "/k");
    assert_ok(coco_providers_find(&providers, "attestation-agent", &p, &err), err);
    assert_int_equal(p->kind, COCO_PROVIDER_TTRPC);
    assert_true(p->target.is_near);
    assert_ok(coco_providers_find(&providers, "n", &p, &err), err);
    assert_int_equal(p->kind, COCO_PROVIDER_NATIVE);
    assert_fails(coco_providers_find(&providers, "x", &p, &err), err, COCO_ERR_NOTFOUND,
                 "no key provider x is configured; there are c, g, s, attestation-agent, n");
}

static void
recorded_configurations_are_read(void **state)
{
    static const char *const names[] = {
        "ocicrypt/cdh_ocicrypt_config.json",
        "ocicrypt/imagers_ocicrypt_keyprovider_grpc.conf",
        "ocicrypt/imagers_ocicrypt_keyprovider_ttrpc.conf",
        "ocicrypt/keys/ocicrypt_config.json",
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        _cleanup_(coco_providers_done) struct coco_providers providers = {0};
        size_t len = 0;
        _cleanup_free_ char *text = read_fixture(names[i], &len);

        assert_ok(coco_providers_parse(text, len, &providers, &err), err);
        assert_true(providers.n > 0);
    }
}

static void
what_is_no_configuration_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"", COCO_ERR_PROTO, "configuration of key providers"},
        {"[]", COCO_ERR_PROTO, "configuration of key providers"},
        {"{\"key_providers\":{}}", COCO_ERR_PROTO, "key-providers"},
        {"{\"key-providers\":[]}", COCO_ERR_PROTO, "key-providers"},
        {OF("1"), COCO_ERR_PROTO, "is no object"},
        {"{\"key-providers\":{\"a/b\":{\"native\":\"x\"}}}", COCO_ERR_PROTO, "no name"},
        {"{\"key-providers\":{\"\":{\"native\":\"x\"}}}", COCO_ERR_PROTO, "no name"},
        {"{\"key-providers\":{\"a\":{\"native\":\"x\"},\"a\":{\"native\":\"x\"}}}", COCO_ERR_PROTO,
         "configuration of key providers"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct coco_providers providers = {0};

        print_message("# case %zu\n", i);
        assert_fails(parse(cases[i].text, &providers, &err), err, cases[i].status, cases[i].why);
        assert_null(providers.list);
    }
}

/* Of ocicrypt's documentation, whose own reader passes over what it does not know. */
static const char documented[] =
    "{\"key-providers\":{"
    "\"isecl\":{\"path\":\"/usr/lib/ocicrypt-isecl\",\"args\":[]},"
    "\"relative\":{\"cmd\":{\"path\":\"simplecrypt\"}},"
    "\"keyvault\":{\"cmd\":null,\"grpc\":\"localhost:50051\",\"ttrpc\":\"\"}}}";

static void
one_that_is_not_understood_hides_no_other(void **state)
{
    _cleanup_(coco_providers_done) struct coco_providers providers = {0};
    const struct coco_provider *p = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(documented, &providers, &err), err);
    assert_ok(coco_providers_find(&providers, "keyvault", &p, &err), err);
    assert_int_equal(p->kind, COCO_PROVIDER_GRPC);
    assert_fails(coco_providers_find(&providers, "isecl", &p, &err), err, COCO_ERR_PROTO,
                 "key provider isecl: unknown member 'path'");
    assert_fails(coco_providers_find(&providers, "relative", &p, &err), err, COCO_ERR_PROTO,
                 "key provider relative: path 'simplecrypt' is not absolute");
}

static void
what_is_not_understood_is_not_used(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {OF("{}"), COCO_ERR_PROTO, "none of cmd, grpc, ttrpc and native"},
        {OF("{\"comand\":{}}"), COCO_ERR_PROTO, "comand"},
        {OF("{\"cmd\":{}}"), COCO_ERR_PROTO, "path"},
        {OF("{\"cmd\":{\"path\":\"x\"}}"), COCO_ERR_PROTO, "not absolute"},
        {OF("{\"cmd\":{\"path\":\"/x\",\"args\":[1]}}"), COCO_ERR_PROTO, "no string"},
        {OF("{\"cmd\":{\"path\":\"/x\",\"args\":\"a\"}}"), COCO_ERR_PROTO, "args"},
        {OF("{\"cmd\":{\"path\":\"/x\",\"env\":{}}}"), COCO_ERR_PROTO, "env"},
        {OF("{\"grpc\":\"\"}"), COCO_ERR_PROTO, "none of cmd, grpc, ttrpc and native"},
        {OF("{\"grpc\":\"host\"}"), COCO_ERR_PROTO, "key provider p"},
        {OF("{\"grpc\":1}"), COCO_ERR_PROTO, "grpc"},
        {OF("{\"ttrpc\":\"unix:x\"}"), COCO_ERR_PROTO, "key provider p"},
        {OF("{\"grpc\":\"h:1\",\"grpc-tls\":{\"insecure-skip-verify\":true}}"), COCO_ERR_NOTSUP,
         "hand keys to whoever answers"},
        {OF("{\"grpc\":\"h:1\",\"grpc-tls\":{\"server-name\":\"i:1\"}}"), COCO_ERR_PROTO,
         "server-name"},
        {OF("{\"grpc\":\"h:1\",\"grpc-tls\":{\"cert-file\":\"/c\"}}"), COCO_ERR_PROTO,
         "belong together"},
        {OF("{\"grpc\":\"h:1\",\"grpc-tls\":{\"ca\":\"/c\"}}"), COCO_ERR_PROTO, "ca"},
    };
    coco_error *err = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_providers_done) struct coco_providers providers = {0};
        const struct coco_provider *p = NULL;

        print_message("# case %zu\n", i);
        assert_ok(parse(cases[i].text, &providers, &err), err);
        assert_fails(coco_providers_find(&providers, "p", &p, &err), err, cases[i].status,
                     cases[i].why);
        assert_null(p);
    }
}

static void
without_any_there_are_none(void **state)
{
    _cleanup_(coco_providers_done) struct coco_providers providers = {0};
    const struct coco_provider *p = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_providers_find(&providers, "x", &p, &err), err, COCO_ERR_NOTFOUND,
                 "there are none");
    assert_ok(parse("{}", &providers, &err), err);
    assert_fails(coco_providers_find(&providers, "x", &p, &err), err, COCO_ERR_NOTFOUND,
                 "there are none");
}

static void
parsing_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_providers_done) struct coco_providers providers = {0};
        coco_error *err = NULL;

        coco_status status = parse(all, &providers, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(recorded_configurations_are_read),
        cmocka_unit_test(what_is_no_configuration_is_refused),
        cmocka_unit_test(one_that_is_not_understood_hides_no_other),
        cmocka_unit_test(what_is_not_understood_is_not_used),
        cmocka_unit_test(without_any_there_are_none),
        cmocka_unit_test(parsing_survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
