/*
 * tests/collateral/test_open.c - lib/collateral/open.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/bytes.h"
#include "base/context.h"
#include "base/fd.h"
#include "crypto/key.h"
#include "tests/faults.h"
#include "verifier/collateral.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CHIP "0011223344556677"
#define VCEK "amd/Turin/vcek/" CHIP "/bl01_tee01_snp01_ucode70_fmc00.der"

static coco_ctx *ctx;
static char dir[64];
static struct coco_buf private_pem;
static struct coco_buf public_pem;
static coco_error *err;

static void
write_dir(const char *name, const char *item)
{
    _cleanup_(coco_collateral_freep) coco_collateral *memory = NULL;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(coco_collateral_add(memory, item, (const uint8_t *)"x", 1, 0, &err), err);
    assert_ok(coco_collateral_write_dir(memory, path, &err), err);
}

static void
write_file(const char *name, const void *data, size_t len)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_ok(coco_file_write(path, data, len, 0600, &err), err);
}

static void
write_bundle(void)
{
    _cleanup_(coco_collateral_freep) coco_collateral *memory = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *bundle = NULL;

    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(coco_collateral_add(memory, "hygon/hrk.cert", (const uint8_t *)"x", 1, 0, &err), err);
    assert_ok(coco_collateral_export(memory, private_pem.data, private_pem.len, &bundle, &err),
              err);
    write_file("bundle", coco_bytes_data(bundle), coco_bytes_size(bundle));
}

static int
setup(void **state)
{
    static const char collaterals[] =
        "{\"collaterals\":{\"certificates\":{},\"rootcacrl\":\"00\"}}";
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    (void)state;
    private_pem.limit = public_pem.limit = 4096;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_key_generate(COCO_KEY_ED25519, &key, &err), err);
    assert_ok(coco_key_private_pem(key, &private_pem, &err), err);
    assert_ok(coco_key_public_pem(key, &public_pem, &err), err);
    make_temp_dir(dir, sizeof(dir));
    write_dir("files", "hygon/hrk.cert");
    write_dir("store", "vcek/" CHIP "/vcek.der");
    write_file("trustee.json", collaterals, strlen(collaterals));
    write_file("other", "x", 1);
    write_bundle();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    remove_temp_dir(dir);
    coco_buf_done(&private_pem);
    coco_buf_done(&public_pem);
    coco_ctx_free(ctx);
    return 0;
}

static coco_status
open_source(const char *source, bool keyed, coco_collateral **ret)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, source);
    return coco_collateral_open(ctx, path, keyed ? public_pem.data : NULL,
                                keyed ? public_pem.len : 0, false, ret, &err);
}

static void
files_are_what_they_hold(void **state)
{
    static const struct {
        const char *source, *name;
    } cases[] = {
        {"files", "hygon/hrk.cert"},
        {"store", VCEK},
        {"trustee.json", "intel/root-ca.crl"},
        {"bundle", "hygon/hrk.cert"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *bytes = NULL;

        assert_ok(open_source(cases[i].source, true, &source), err);
        assert_ok(coco_collateral_get(source, cases[i].name, &bytes, &err), err);
    }
}

static void
addresses_are_services(void **state)
{
    static const char *const sources[] = {"makers", "https://pccs.test", "http://127.0.0.1:1",
                                          "intel=https://pccs.test", "amd=https://kds.test"};

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;

        assert_ok(coco_collateral_open(ctx, sources[i], NULL, 0, true, &source, &err), err);
        assert_ok(coco_collateral_set_early(source, true, &err), err);
    }
    /* What stands for one maker is not asked for what is another's. */
    _cleanup_(coco_collateral_freep) coco_collateral *source = NULL;
    coco_bytes *bytes = NULL;
    assert_ok(coco_collateral_open(ctx, "http://127.0.0.1:1", NULL, 0, false, &source, &err), err);
    assert_fails(coco_collateral_get(source, "amd/Milan/vcek.crl", &bytes, &err), err,
                 COCO_ERR_NOTFOUND, "nobody is to be asked");
}

static void
what_is_none_is_refused(void **state)
{
    coco_collateral *source = NULL;
    char path[128];

    (void)state;
    assert_fails(open_source("nothing", true, &source), err, COCO_ERR_NOTFOUND, "nothing");
    assert_fails(open_source("other", true, &source), err, COCO_ERR_PROTO, "other");
    assert_fails(open_source("bundle", false, &source), err, COCO_ERR_INVALID, "key of its owner");
    (void)snprintf(path, sizeof(path), "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(open_source("pipe", true, &source), err, COCO_ERR_PROTO, "neither a file nor");
    assert_fails(coco_collateral_open(ctx, "/dev/zero", NULL, 0, false, &source, &err), err,
                 COCO_ERR_PROTO, "neither a file nor");
    assert_fails(coco_collateral_open(ctx, "https://", NULL, 0, false, &source, &err), err,
                 COCO_ERR_INVALID, "");
    assert_fails(coco_collateral_open(ctx, "amd=ftp://x", NULL, 0, false, &source, &err), err,
                 COCO_ERR_NOTFOUND, "amd=ftp");
    assert_null(source);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        _cleanup_(coco_collateral_freep) coco_collateral *bundle = NULL;
        _cleanup_(coco_collateral_freep) coco_collateral *service = NULL;

        coco_status status = open_source("bundle", true, &bundle);
        if (status == COCO_OK)
            status = coco_collateral_open(ctx, "makers", NULL, 0, false, &service, &err);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_what_they_hold),
        cmocka_unit_test(addresses_are_services),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
