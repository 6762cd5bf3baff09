/*
 * tests/collateral/test_trustee.c - lib/collateral/trustee.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/trustee.h"

#include "base/bytes.h"
#include "tests/faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHIP                                                                                       \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"                             \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char collaterals[] =
    "{\"platforms\":[],\"collaterals\":{\"version\":4,\"pck_certs\":[],\"tcbinfos\":[{"
    "\"fmspc\":\"00A06D080000\",\"sgx_tcbinfo\":{\"tcbInfo\": {\"a\": 1}, \"signature\": \"00\"},"
    "\"tdx_tcbinfo\":{\"tcbInfo\":2},\"tdx_tcbinfo_early\":{\"tcbInfo\":3}}],"
    "\"pckcacrl\":{\"processorCrl\":\"aabb\",\"platformCrl\":\"CCDD\"},"
    "\"qeidentity\":\"{\\\"enclaveIdentity\\\":1}\",\"tdqeidentity\":{\"enclaveIdentity\":2},"
    "\"certificates\":{\"TCB-Info-Issuer-Chain\":\"tcb%0Achain\","
    "\"SGX-Enclave-Identity-Issuer-Chain\":\"qe+chain\"},\"rootcacrl\":\"0102\"}}";

static coco_error *err;

static void
assert_item(const struct coco_items *items, const char *name, const char *text)
{
    const struct coco_item *item = coco_items_find(items, name);

    assert_non_null(item);
    assert_string_equal(coco_buf_text(&item->data), text);
}

static void
intels_file_has_the_names_of_here(void **state)
{
    _cleanup_items_ struct coco_items items = {0};
    _cleanup_items_ struct coco_items early = {0};

    (void)state;
    assert_ok(coco_trustee_parse(collaterals, strlen(collaterals), false, &items, &err), err);
    assert_item(&items, "intel/sgx/tcb-info/00a06d080000.json",
                "{\"tcbInfo\":{\"a\":1},\"signature\":\"00\"}");
    assert_item(&items, "intel/sgx/tcb-info/00a06d080000.pem", "tcb\nchain");
    assert_item(&items, "intel/tdx/tcb-info/00a06d080000.json", "{\"tcbInfo\":2}");
    assert_item(&items, "intel/sgx/qe-identity.json", "{\"enclaveIdentity\":1}");
    assert_item(&items, "intel/tdx/qe-identity.json", "{\"enclaveIdentity\":2}");
    assert_item(&items, "intel/tdx/qe-identity.pem", "qe+chain");
    assert_item(&items, "intel/pck-crl/processor.crl", "\xaa\xbb");
    assert_item(&items, "intel/pck-crl/platform.crl", "\xcc\xdd");
    assert_item(&items, "intel/root-ca.crl", "\1\2");
    assert_ok(coco_trustee_parse(collaterals, strlen(collaterals), true, &early, &err), err);
    assert_item(&early, "intel/tdx/tcb-info/00a06d080000.json", "{\"tcbInfo\":3}");
    assert_item(&early, "intel/sgx/tcb-info/00a06d080000.json",
                "{\"tcbInfo\":{\"a\":1},\"signature\":\"00\"}");
}

static void
what_is_no_such_file_is_refused(void **state)
{
#define OF(text) "{\"collaterals\":{\"certificates\":{}," text "}}"
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", ""},
        {"[]", ""},
        {"{}", "collaterals"},
        {"{\"collaterals\":[]}", "collaterals"},
        {"{\"collaterals\":{}}", "certificates"},
        {OF("\"tcbinfos\":{}"), "tcbinfos"},
        {OF("\"tcbinfos\":[1]"), "no object"},
        {OF("\"tcbinfos\":[{}]"), "fmspc"},
        {OF("\"tcbinfos\":[{\"fmspc\":\"../../../../\"}]"), "12 hex digits"},
        {OF("\"tcbinfos\":[{\"fmspc\":\"00A06D0800\"}]"), "12 hex digits"},
        {OF("\"tcbinfos\":[{\"fmspc\":\"00A06D080000\",\"tdx_tcbinfo\":1}]"), "neither"},
        {OF("\"qeidentity\":1"), "neither"},
        {OF("\"pckcacrl\":1"), "pckcacrl"},
        {OF("\"pckcacrl\":{\"platformCrl\":\"0\"}"), "not hex"},
        {OF("\"pckcacrl\":{\"platformCrl\":1}"), "platformCrl"},
        {OF("\"rootcacrl\":\"xx\""), "not hex"},
        {"{\"collaterals\":{\"certificates\":{\"SGX-Enclave-Identity-Issuer-Chain\":\"%\"},"
         "\"qeidentity\":\"{}\"}}",
         "encoded"},
    };
    struct coco_items items = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_fails(coco_trustee_parse(cases[i].text, strlen(cases[i].text), false, &items, &err),
                     err, COCO_ERR_PROTO, cases[i].why);
    assert_int_equal(items.n, 0);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
a_file_is_a_source(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
    coco_collateral *none = NULL;
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    write_file(dir, "c.json", collaterals);
    (void)snprintf(path, sizeof(path), "%s/c.json", dir);
    assert_ok(coco_collateral_new_trustee(path, true, &source, &err), err);
    assert_ok(coco_collateral_get(source, "intel/tdx/tcb-info/00a06d080000.json", &bytes, &err),
              err);
    assert_string_equal((const char *)coco_bytes_data(bytes), "{\"tcbInfo\":3}");
    remove_temp_dir(dir);
    assert_fails(coco_collateral_new_trustee(path, false, &none, &err), err, COCO_ERR_NOTFOUND,
                 path);
}

static void
certificates_of_chips_are_found_in_a_store(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    coco_collateral *memory = NULL;
    char dir[64];
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68.der", "this TCB's"},
        {"amd/Milan/vcek/" CHIP "/bl03_tee00_snp05_ucode68.der", "any TCB's"},
        {"amd/Turin/vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc00.der", "Turin's"},
    };

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(coco_collateral_add(memory, "vcek/" CHIP "/bl02_tee00_snp05_ucode68_vcek.der",
                                  (const uint8_t *)"this TCB's", 10, 0, &err),
              err);
    assert_ok(coco_collateral_add(memory, "vcek/" CHIP "/vcek.der", (const uint8_t *)"any TCB's", 9,
                                  0, &err),
              err);
    assert_ok(coco_collateral_add(memory,
                                  "vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc00_vcek.der",
                                  (const uint8_t *)"Turin's", 7, 0, &err),
              err);
    assert_ok(coco_collateral_write_dir(memory, dir, &err), err);
    coco_collateral_free(memory);
    assert_ok(coco_collateral_new_trustee(dir, false, &source, &err), err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        assert_ok(coco_collateral_get(source, cases[i].name, &bytes, &err), err);
        assert_string_equal((const char *)coco_bytes_data(bytes), cases[i].text);
    }
    coco_bytes *none = NULL;
    assert_fails(coco_collateral_get(source, "amd/Milan/vcek/chain.pem", &none, &err), err,
                 COCO_ERR_NOTFOUND, "certificates of chips");
    assert_fails(coco_collateral_get(source, "amd/Milan/vcek.crl", &none, &err), err,
                 COCO_ERR_NOTFOUND, "certificates of chips");
    assert_fails(coco_collateral_get(source, "amd/Milan/vcek/ff/any.der", &none, &err), err,
                 COCO_ERR_NOTFOUND, "");
    assert_fails(coco_collateral_list(source, &none, &err), err, COCO_ERR_NOTSUP, "cannot tell");
    remove_temp_dir(dir);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    coco_collateral *memory = NULL;
    char dir[64];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    write_file(dir, "c.json", collaterals);
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(coco_collateral_add(memory, "vcek/" CHIP "/bl02_tee00_snp05_ucode68_vcek.der",
                                  (const uint8_t *)"x", 1, 0, &err),
              err);
    assert_ok(coco_collateral_write_dir(memory, dir, &err), err);
    coco_collateral_free(memory);
    for_each_fault()
    {
        _cleanup_(coco_collateral_freep) coco_collateral *file = NULL;
        _cleanup_(coco_collateral_freep) coco_collateral *store = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/c.json", dir);
        coco_status status = coco_collateral_new_trustee(path, false, &file, &err);
        if (status == COCO_OK)
            status = coco_collateral_new_trustee(dir, false, &store, &err);
        if (status == COCO_OK)
            status = coco_collateral_get(
                store, "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68.der", &bytes, &err);
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
        cmocka_unit_test(intels_file_has_the_names_of_here),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(a_file_is_a_source),
        cmocka_unit_test(certificates_of_chips_are_found_in_a_store),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
