/*
 * tests/kbs/test_storage.c - lib/kbs/storage.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/storage.h"

#include <coco/kbs.h>

#include "base/fd.h"
#include "tests/faults.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static char dir[64];
static char key_file[128];

static int
begin(void **state)
{
    coco_error *err = NULL;

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    (void)snprintf(key_file, sizeof(key_file), "%s/key", dir);
    assert_ok(coco_file_write(key_file, "0123456789abcdef0123456789abcdef", 32, 0600, &err), err);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    return 0;
}

/* A database in dir, sealed or not, as TOML. */
static const char *
config(bool sealed)
{
    static char text[1024];
    char seal[256] = "";

    if (sealed)
        (void)snprintf(seal, sizeof(seal), "[storage_backend.seal]\nkey_file = \"%s\"\n", key_file);
    (void)snprintf(text, sizeof(text),
                   "[storage_backend]\nstorage_type = \"Sqlite\"\n%s"
                   "[storage_backend.backends.sqlite]\npath = \"%s/kbs.db\"\n",
                   seal, dir);
    return text;
}

static coco_status
open_as(bool sealed, struct coco_kbs_store **ret, coco_error **err)
{
    _cleanup_config_ struct coco_kbs_config parsed = {0};
    const char *text = config(sealed);

    coco_status status = coco_kbs_config_parse(text, strlen(text), &parsed, err);
    return status == COCO_OK ? coco_kbs_storage_open(&parsed, ret, err) : status;
}

static void
a_store_is_sealed_as_its_configuration_says(void **state)
{
    struct coco_kbs_store *store = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(open_as(false, &store, &err), err);
    assert_ok(coco_kbs_store_put(store, COCO_KBS_RESOURCE, "a", "x", 1, &err), err);
    coco_kbs_store_close(store);
    store = NULL;
    assert_fails(open_as(true, &store, &err), err, COCO_ERR_DENIED, "not sealed");
    assert_ok(coco_kbs_reseal(config(true), NULL, &err), err);
    assert_fails(open_as(false, &store, &err), err, COCO_ERR_DENIED, "is sealed");
    assert_ok(open_as(true, &store, &err), err);
    coco_kbs_store_close(store);
    assert_fails(coco_kbs_reseal(config(false), NULL, &err), err, COCO_ERR_DENIED, "is sealed");
    assert_ok(coco_kbs_reseal(config(false), key_file, &err), err);
    assert_ok(open_as(false, &store, &err), err);
    coco_kbs_store_close(store);
}

static void
what_cannot_be_sealed_is_refused(void **state)
{
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_kbs_reseal("", NULL, &err), err, COCO_ERR_INVALID, "no database");
    assert_fails(coco_kbs_reseal("[", NULL, &err), err, COCO_ERR_PROTO, "");
    assert_fails(coco_kbs_reseal(config(true), dir, &err), err, COCO_ERR_INVALID, "not a file");
    assert_int_equal(remove(key_file), 0);
    assert_fails(coco_kbs_reseal(config(true), NULL, &err), err, COCO_ERR_IO, "seal key");
}

static void
resealing_survives_failed_allocations(void **state)
{
    (void)state;
    for_each_fault()
    {
        coco_error *err = NULL;

        coco_status status = coco_kbs_reseal(config(true), key_file, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_store_is_sealed_as_its_configuration_says),
        T(what_cannot_be_sealed_is_refused),
        T(resealing_survives_failed_allocations),
    };

    return cmocka_run_group_tests_name("kbs/storage", tests, NULL, NULL);
}
