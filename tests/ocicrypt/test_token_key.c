/*
 * tests/ocicrypt/test_token_key.c - lib/ocicrypt/token_key.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/token_key.h"

#include "tests/canary.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define FILE_OF(uri) "pkcs11:\n  uri: " uri "\n"

static const struct coco_token_modules defaults;

static coco_status
parse(const char *text, const struct coco_token_modules *modules, struct coco_token_key *ret,
      coco_error **err)
{
    return coco_token_key_parse(text, strlen(text), modules, ret, err);
}

static void
a_key_file_says_where_the_key_is(void **state)
{
    struct coco_token_key key;
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse(FILE_OF("pkcs11:token=t;object=my%20key;id=%01%ff?module-path=" MODULE
                            "&pin-value=1234"),
                    &defaults, &key, &err),
              err);
    assert_string_equal(key.uri.token.token, "t");
    assert_string_equal(key.uri.object, "my key");
    assert_int_equal(key.uri.id_len, 2);
    assert_memory_equal(key.uri.id, "\x01\xff", 2);
    assert_string_equal(key.uri.pin, "1234");
    assert_string_equal(key.uri.token.module_path, MODULE);
    coco_token_key_done(&key);
    assert_string_equal(key.uri.pin, "");
}

struct case_of {
    const char *text;
    coco_status status;
    const char *why;
};

static const struct case_of hostile[] = {
    {"", COCO_ERR_PROTO, "key file: member 'pkcs11' is missing"},
    {"pkcs11: x\n", COCO_ERR_PROTO, "key file"},
    {"pkcs11:\n  url: x\n", COCO_ERR_PROTO, "key file"},
    {FILE_OF("http://x"), COCO_ERR_INVALID, "no URI"},
    {FILE_OF("pkcs11:token=a?module-path=" MODULE), COCO_ERR_INVALID, "neither object nor id"},
    {FILE_OF("pkcs11:object=a"), COCO_ERR_INVALID, "module-path"},
    {FILE_OF("pkcs11:object=a?module-path=m.so"), COCO_ERR_INVALID, "module-path"},
    {FILE_OF("pkcs11:object=a?module-name=/m"), COCO_ERR_INVALID, "module-name"},
    {FILE_OF("pkcs11:object=a?module-name=no-such-module"), COCO_ERR_NOTFOUND, "no-such-module"},
    {FILE_OF("pkcs11:object=a?module-path=/tmp/m.so"), COCO_ERR_DENIED, "/tmp/m.so"},
    {FILE_OF("pkcs11:object=a?module-path=/usr/lib/softhsm/../m.so"), COCO_ERR_DENIED, "loaded"},
    {FILE_OF("pkcs11:object=a?module-path=/usr/lib/softhsm/..//m.so"), COCO_ERR_DENIED, "loaded"},
    {FILE_OF("pkcs11:object=a?module-path=" MODULE "&pin-value=1&pin-source=/p"), COCO_ERR_INVALID,
     "both"},
    {FILE_OF("pkcs11:object=a;id=%1?module-path=" MODULE), COCO_ERR_INVALID, "percents"},
    {FILE_OF("pkcs11:object=a;type=cert?module-path=" MODULE), COCO_ERR_INVALID, "type"},
    {FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    LD_PRELOAD: /x\n",
     COCO_ERR_INVALID, "no module needs"},
    {FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    A=B: /x\n",
     COCO_ERR_INVALID, "no module needs"},
    {FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    A:\n", COCO_ERR_INVALID,
     "no module needs"},
    {FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    TEST_HOME: /x\n",
     COCO_ERR_INVALID, "TEST_HOME is set"},
    {"pkcs11: &a\n", COCO_ERR_NOTSUP, "more of YAML"},
};

static void
hostile_files_are_refused(void **state)
{
    (void)state;
    assert_int_equal(setenv("TEST_HOME", "/root", 1), 0);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct coco_token_key key;
        coco_error *err = NULL;

        assert_fails(parse(hostile[i].text, &defaults, &key, &err), err, hostile[i].status,
                     hostile[i].why);
    }
}

/* A shell that is a key provider would run BASH_ENV; SSL_CERT_FILE says whom TLS trusts. */
static void
what_others_read_is_not_set(void **state)
{
    static const char *const names[] = {
        "LD_AUDIT",   "GCONV_PATH",    "GLIBC_TUNABLES", "BASH_ENV",      "ENV",         "PATH",
        "PYTHONPATH", "SSL_CERT_FILE", "OPENSSL_CONF",   "COCO_TEE_ROOT", "https_proxy", "NO_PROXY",
        "_proxy",     "IFS",           "TMPDIR",         "HOME",          "HOSTALIASES",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct coco_token_key key;
        coco_error *err = NULL;
        char text[256];

        (void)unsetenv(names[i]);
        (void)snprintf(
            text, sizeof(text),
            FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    %s: /x\n",
            names[i]);
        assert_fails(parse(text, &defaults, &key, &err), err, COCO_ERR_INVALID, "no module needs");
        assert_null(getenv(names[i]));
    }
}

static void
what_a_module_needs_is_set_once(void **state)
{
    static const char text[] =
        FILE_OF("pkcs11:object=a?module-path=" MODULE) "module:\n  env:\n    TEST_A: /x\n";
    struct coco_token_key key;
    coco_error *err = NULL;

    (void)state;
    assert_null(getenv("TEST_A"));
    for (int i = 0; i < 2; i++) {
        assert_ok(parse(text, &defaults, &key, &err), err);
        assert_string_equal(getenv("TEST_A"), "/x");
        coco_token_key_done(&key);
    }
}

static void
settings_say_which_modules_may_be_loaded(void **state)
{
    char dir[64];
    char settings[256];
    char path[128];
    struct coco_token_modules modules;
    struct coco_token_key key;
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(path, sizeof(path), "%s/libmine.so", dir);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    int n = snprintf(settings, sizeof(settings),
                     "pkcs11:\n  module-directories:\n  - %s\n  allowed-module-paths:\n  - %s/\n",
                     dir, dir);
    assert_ok(coco_token_modules_parse(settings, (size_t)n, &modules, &err), err);
    assert_ok(parse(FILE_OF("pkcs11:object=a?module-name=mine"), &modules, &key, &err), err);
    assert_string_equal(key.uri.token.module_path, path);
    coco_token_key_done(&key);
    assert_fails(parse(FILE_OF("pkcs11:object=a?module-path=" MODULE), &modules, &key, &err), err,
                 COCO_ERR_DENIED, MODULE);
    assert_fails(parse(FILE_OF("pkcs11:object=a?module-name=other"), &modules, &key, &err), err,
                 COCO_ERR_NOTFOUND, "other");
    coco_token_modules_done(&modules);
    /* Settings that allow nothing allow nothing. */
    assert_ok(coco_token_modules_parse("", 0, &modules, &err), err);
    assert_fails(parse(FILE_OF("pkcs11:object=a?module-path=" MODULE), &modules, &key, &err), err,
                 COCO_ERR_DENIED, MODULE);
    coco_token_modules_done(&modules);
    remove_temp_dir(dir);
}

static void
hostile_settings_are_refused(void **state)
{
    static const char *const texts[] = {
        "pkcs11: x\n",
        "pkcs11:\n  module-directories: x\n",
        "pkcs11:\n  allowed-module-paths:\n  - x\n",
        "{\"pkcs11\":{\"allowed-module-paths\":[1]}}",
        "pkcs11",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct coco_token_modules modules;
        coco_error *err = NULL;

        assert_fails(coco_token_modules_parse(texts[i], strlen(texts[i]), &modules, &err), err,
                     COCO_ERR_PROTO, "settings of ocicrypt");
    }
}

static void
reading_survives_failed_allocations_and_leaves_no_pin(void **state)
{
    char uri[] = "pkcs11:\n  uri: pkcs11:object=a?module-path=" MODULE "&pin-value=47110815\n";

    (void)state;
    canary_begin("47110815", 8);
    for_each_fault()
    {
        struct coco_token_key key = {0};
        coco_error *err = NULL;

        coco_status status = parse(uri, &defaults, &key, &err);
        fault_expect(status, err);
        coco_error_free(err);
        coco_token_key_done(&key);
    }
    assert_int_equal(canary_end(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_file_says_where_the_key_is),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(what_others_read_is_not_set),
        cmocka_unit_test(what_a_module_needs_is_set_once),
        cmocka_unit_test(settings_say_which_modules_may_be_loaded),
        cmocka_unit_test(hostile_settings_are_refused),
        cmocka_unit_test(reading_survives_failed_allocations_and_leaves_no_pin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
