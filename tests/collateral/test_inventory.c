/*
 * tests/collateral/test_inventory.c - lib/collateral/inventory.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "crypto/key.h"
#include "tests/collateral/kit.h"
#include "tests/faults.h"

#include <sys/stat.h>

static struct pki_cert ca;
static coco_collateral *memory;
static coco_error *err;

static int
setup(void **state)
{
    uint8_t der[4096];

    (void)state;
    pki_make_ca(&ca, NULL, "CA");
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    size_t len = kit_crl(&ca, 5, der, sizeof(der));
    assert_ok(coco_collateral_add(memory, "intel/root-ca.crl", der, len, 1790000000, &err), err);
    assert_ok(coco_collateral_add(memory, "amd/Milan/vcek.crl", (const uint8_t *)"x", 1, 0, &err),
              err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_collateral_free(memory);
    pki_done(&ca);
    return 0;
}

static void
the_list_tells_ages_and_ends(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

    (void)state;
    assert_ok(coco_collateral_list(memory, &bytes, &err), err);
    const char *text = (const char *)coco_bytes_data(bytes);
    assert_contains(text, "[{\"name\":\"amd/Milan/vcek.crl\",\"size\":1,\"fetched\":null,"
                          "\"expires\":null,\"problem\":\"not a list of revoked");
    assert_contains(text, "{\"name\":\"intel/root-ca.crl\",\"size\":");
    assert_contains(text, "\"fetched\":1790000000,\"expires\":1");
}

static void
files_that_were_written_are_the_same_source(void **state)
{
    _cleanup_(coco_bytes_freep) coco_bytes *want = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *got = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;
    _cleanup_(coco_collateral_freep) coco_collateral *files = NULL;
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_collateral_write_dir(memory, dir, &err), err);
    assert_ok(coco_collateral_new_dir(dir, &files, &err), err);
    assert_ok(coco_collateral_get(memory, "intel/root-ca.crl", &want, &err), err);
    assert_ok(coco_collateral_get(files, "intel/root-ca.crl", &got, &err), err);
    assert_int_equal(coco_bytes_size(want), coco_bytes_size(got));
    assert_memory_equal(coco_bytes_data(want), coco_bytes_data(got), coco_bytes_size(want));

    /* What has no such name is somebody else's. */
    (void)snprintf(path, sizeof(path), "%s/.git", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/a b", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/fifo", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof(path), "%s/gone", dir);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_ok(coco_collateral_list(files, &list, &err), err);
    const char *text = (const char *)coco_bytes_data(list);
    assert_contains(text, "\"fetched\":1790000000");
    assert_contains(text, "amd/Milan/vcek.crl");
    assert_null(strstr(text, "git"));
    assert_null(strstr(text, "fifo"));
    assert_null(strstr(text, "gone"));
    remove_temp_dir(dir);
    assert_fails(coco_collateral_write_dir(memory, dir, &err), err, COCO_ERR_NOTFOUND, dir);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = 4096};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    _cleanup_(coco_collateral_freep) coco_collateral *good = NULL;
    uint8_t der[4096];
    size_t len = kit_crl(&ca, 5, der, sizeof(der));
    char dir[64];

    (void)state;
    assert_ok(coco_collateral_new_memory(&good, &err), err);
    assert_ok(coco_collateral_add(good, "intel/root-ca.crl", der, len, 0, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    assert_ok(coco_key_private_pem(key, &pem, &err), err);
    make_temp_dir(dir, sizeof(dir));
    for_each_fault()
    {
        _cleanup_(coco_bytes_freep) coco_bytes *list = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bundle = NULL;

        coco_status status = coco_collateral_list(good, &list, &err);
        if (status == COCO_OK)
            status = coco_collateral_export(good, pem.data, pem.len, &bundle, &err);
        if (status == COCO_OK)
            status = coco_collateral_write_dir(good, dir, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
    remove_temp_dir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_tells_ages_and_ends),
        cmocka_unit_test(files_that_were_written_are_the_same_source),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
