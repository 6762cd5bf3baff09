/*
 * tests/kbs/test_config_storage.c - lib/kbs/config_storage.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/config_section.h"

#include <stdio.h>

#include "tests/kbs/configs.h"

static void
a_database_may_be_written_as_upstream_writes_its_own(void **state)
{
    static const char *const spelt[] = {"Sqlite", "sqlite"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(spelt) / sizeof(spelt[0]); i++) {
        _cleanup_config_ struct coco_kbs_config c = {0};
        coco_error *err = NULL;

        (void)snprintf(text, sizeof(text),
                       "[storage_backend]\nstorage_type = \"%s\"\n"
                       "[storage_backend.backends.sqlite]\npath = \"/x.db\"\n",
                       spelt[i]);
        assert_ok(parse_config(text, &c, &err), err);
        assert_string_equal(c.storage.path, "/x.db");
    }
}

#define POSTGRES                                                                                   \
    "[storage_backend]\nstorage_type = \"Postgres\"\n[storage_backend.backends.postgres]\n"        \
    "host = \"db.example\"\ndb = \"coco\"\nusername = \"kbs\"\n"

#define SEALED                                                                                     \
    "[storage_backend]\nstorage_type = \"Sqlite\"\n[storage_backend.backends.sqlite]\n"            \
    "path = \"/x.db\"\n[storage_backend.seal]\nkey_file = \"/k\"\n"

static void
the_key_may_be_wrapped_in_a_token(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config(SEALED "pkcs11 = \"pkcs11:token=t?module-path=/m.so\"\n"
                                  "pkcs11_key = \"kek\"\n",
                           &c, &err),
              err);
    assert_string_equal(c.storage.pkcs11, "pkcs11:token=t?module-path=/m.so");
    assert_string_equal(c.storage.pkcs11_key, "kek");
}

static void
replicas_share_a_database_that_sees_sealed_values(void **state)
{
    _cleanup_config_ struct coco_kbs_config c = {0};
    coco_error *err = NULL;

    (void)state;
    assert_ok(parse_config(POSTGRES "password = \"secret\"\nca_file = \"/ca.pem\"\n"
                                    "[storage_backend.seal]\nkey_file = \"/k\"\n",
                           &c, &err),
              err);
    assert_true(c.storage.on_postgres);
    assert_string_equal(c.storage.postgres.host, "db.example");
    assert_int_equal(c.storage.postgres.port, 5432);
    assert_string_equal(c.storage.postgres.db, "coco");
    assert_string_equal(c.storage.postgres.username, "kbs");
    assert_string_equal(c.storage.postgres.password, "secret");
    assert_string_equal(c.storage.postgres.ca_file, "/ca.pem");
    assert_string_equal(c.storage.key_file, "/k");
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct refused_config cases[] = {
        {COCO_ERR_NOTSUP, "[storage_backend]\nstorage_type = \"LocalFs\"", "storage_type"},
        {COCO_ERR_NOTSUP,
         "[storage_backend]\nstorage_type = \"LocalFs\"\nbackends.local_fs.dir_path = \"/x\"",
         "[storage_backend]: storage_type"},
        {COCO_ERR_PROTO, "[storage_backend]\nstorage_type = \"Sqlite\"", "go together"},
        {COCO_ERR_PROTO, "[storage_backend.backends.sqlite]\npath = \"x\"", "go together"},
        {COCO_ERR_PROTO, "[storage_backend]\nversions = 0", "versions"},
        {COCO_ERR_PROTO, "[storage_backend]\nstorage_type = \"Postgres\"", "needs host"},
        {COCO_ERR_PROTO, POSTGRES, "sealed"},
        {COCO_ERR_PROTO, POSTGRES "port = 65536\n", "port"},
        {COCO_ERR_PROTO, POSTGRES "sslmode = \"disable\"\n", "sslmode"},
        {COCO_ERR_PROTO, "[storage_backend.backends.postgres]\nhost = \"x\"", "goes with"},
        {COCO_ERR_PROTO, "[storage_backend.seal]\nkey_file = \"/k\"", "in memory"},
        {COCO_ERR_PROTO, "[storage_backend.seal]\nkeyfile = \"/k\"", "key_file"},
        {COCO_ERR_PROTO,
         "[storage_backend]\nstorage_type = \"Sqlite\"\nunsealed = true\n"
         "seal = {key_file = \"/k\"}\nbackends = {sqlite = {path = \"/x.db\"}}",
         "excludes"},
        {COCO_ERR_PROTO, SEALED "pkcs11 = \"pkcs11:token=t?module-path=/m.so\"\n", "go together"},
        {COCO_ERR_PROTO, SEALED "pkcs11_key = \"kek\"\n", "go together"},
        {COCO_ERR_PROTO,
         "[storage_backend.seal]\npkcs11 = \"pkcs11:token=t?module-path=/m.so\"\n"
         "pkcs11_key = \"kek\"\n",
         "go together"},
        {COCO_ERR_INVALID, SEALED "pkcs11 = \"t\"\npkcs11_key = \"kek\"\n", "seal.pkcs11"},
        {COCO_ERR_INVALID,
         SEALED "pkcs11 = \"pkcs11:token=t?module-path=/m.so&pin-value=1\"\npkcs11_key = \"kek\"\n",
         "seal.pkcs11"},
    };

    (void)state;
    ASSERT_CONFIGS_REFUSED(cases);
}

static void
reading_survives_failed_allocations(void **state)
{
    (void)state;
    assert_config_survives_faults("[storage_backend]\nstorage_type = \"Sqlite\"\n"
                                  "[storage_backend.backends.sqlite]\npath = \"/x.db\"\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_may_be_written_as_upstream_writes_its_own),
        cmocka_unit_test(the_key_may_be_wrapped_in_a_token),
        cmocka_unit_test(replicas_share_a_database_that_sees_sealed_values),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(reading_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/config_storage", tests, NULL, NULL);
}
