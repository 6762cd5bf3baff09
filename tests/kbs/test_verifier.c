/*
 * tests/kbs/test_verifier.c - lib/kbs/verifier.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/verifier.h"

#include "base/context.h"
#include "base/fd.h"
#include "verifier/checks.h"

#include "tests/faults.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CHIP "0011223344556677"
#define VCEK "amd/Turin/vcek/" CHIP "/bl01_tee01_snp01_ucode70_fmc00.der"

static coco_ctx *ctx;
static char dir[64];
static coco_error *err;

static int
setup(void **state)
{
    _cleanup_(coco_collateral_freep) coco_collateral *memory = NULL;
    static const char collaterals[] =
        "{\"collaterals\":{\"certificates\":{},\"rootcacrl\":\"00\"}}";
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_ok(coco_ctx_new(&ctx, &err), err);
    (void)snprintf(path, sizeof(path), "%s/files", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(coco_collateral_new_memory(&memory, &err), err);
    assert_ok(coco_collateral_add(memory, "hygon/hrk.cert", (const uint8_t *)"x", 1, 0, &err), err);
    assert_ok(coco_collateral_write_dir(memory, path, &err), err);
    (void)snprintf(path, sizeof(path), "%s/store", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(
        coco_collateral_add(memory, "vcek/" CHIP "/vcek.der", (const uint8_t *)"y", 1, 0, &err),
        err);
    assert_ok(coco_collateral_write_dir(memory, path, &err), err);
    (void)snprintf(path, sizeof(path), "%s/intel.json", dir);
    assert_ok(coco_file_write(path, collaterals, strlen(collaterals), 0600, &err), err);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    coco_ctx_free(ctx);
    remove_temp_dir(dir);
    return 0;
}

static coco_status
open_with(const char *text, coco_verifier **ret)
{
    _cleanup_config_ struct coco_kbs_config config = {0};

    coco_status status = coco_kbs_config_parse(text, strlen(text), &config, &err);
    return status == COCO_OK ? coco_kbs_verifier_open(ctx, &config, ret, &err) : status;
}

static bool
allows(const coco_verifier *verifier, const char *check)
{
    size_t kind = 0;

    assert_true(coco_check_kind_find(check, &kind));
    return coco_verifier_allows(verifier, kind);
}

static void
nothing_is_let_through_or_asked_unless_told(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

    (void)state;
    assert_ok(open_with("", &verifier), err);
    assert_null(coco_verifier_collateral(verifier));
    assert_false(coco_verifier_allows_sample(verifier));
    for (size_t i = 0; i < coco_check_kinds(); i++)
        assert_false(coco_verifier_allows(verifier, i));
}

static void
what_is_trusted_is_what_was_named(void **state)
{
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    struct coco_digest digest;

    (void)state;
    assert_ok(open_with("[attestation_service]\nallow = [\"debug\", \"revocation-list\"]\n"
                        "trusted_roots = [\"amd/Milan=sha256:" HEX64 "\"]\nallow_sample = true\n",
                        &verifier),
              err);
    assert_true(allows(verifier, "debug"));
    assert_true(allows(verifier, "revocation-list"));
    assert_false(allows(verifier, "certificate-dates"));
    assert_true(coco_verifier_allows_sample(verifier));
    assert_ok(coco_digest_parse("sha256:" HEX64, &digest, &err), err);
    assert_true(coco_verifier_trusts_root(verifier, "amd/Milan", &digest));
    assert_false(coco_verifier_trusts_root(verifier, "amd/Genoa", &digest));
}

/* Each source has something that no other has. */
static void
sources_are_asked_one_after_the_other(void **state)
{
    static const char *const names[] = {"hygon/hrk.cert", VCEK, "intel/root-ca.crl"};
    _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "[attestation_service]\ncollateral = [\"%s/files\"]\n"
                   "[attestation_service.verifier_config.dcap_verifier]\n"
                   "collateral_service = \"file://%s/intel.json\"\n"
                   "[attestation_service.verifier_config.snp_verifier]\n"
                   "vcek_sources = [{type = \"OfflineStore\", path = \"%s/store\"}]\n",
                   dir, dir, dir);
    assert_ok(open_with(text, &verifier), err);
    for (size_t i = 0; i < 3; i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = 64};

        assert_ok(
            coco_collateral_read(coco_verifier_collateral(verifier), &buf, &err, "%s", names[i]),
            err);
    }
}

static void
services_are_set_up_and_not_asked(void **state)
{
    static const char *const texts[] = {
        "collateral = [\"makers\"]\n",
        "collateral = [\"https://pccs.test\", \"amd=http://kds.test\"]\n",
        "[attestation_service.verifier_config.dcap_verifier]\n"
        "collateral_service = \"https://pccs.test/sgx/certification/v4/\"\n",
        "[attestation_service.verifier_config.dcap_verifier]\n",
        "[attestation_service.verifier_config.snp_verifier]\n",
        "[[attestation_service.verifier_config.snp_verifier.vcek_sources]]\ntype = \"KDS\"\n"
        "base_url = \"https://kds.test\"\n",
    };
    char text[1024];
    struct stat st;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

        (void)snprintf(text, sizeof(text),
                       "[attestation_service]\ncollateral_cache = \"%s/cache%zu\"\n%s", dir, i,
                       texts[i]);
        assert_ok(open_with(text, &verifier), err);
        assert_non_null(coco_verifier_collateral(verifier));
        (void)snprintf(text, sizeof(text), "%s/cache%zu", dir, i);
        assert_int_equal(stat(text, &st), 0);
    }
}

static void
what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *text;
        coco_status status;
        const char *why;
    } cases[] = {
        {"allow = [\"no such check\"]", COCO_ERR_INVALID, "no check"},
        {"allow = [\"signature\"]", COCO_ERR_INVALID, "must hold"},
        {"trusted_roots = [\"amd/Milan\"]", COCO_ERR_INVALID, "maker=sha256"},
        {"trusted_roots = [\"acme=sha256:" HEX64 "\"]", COCO_ERR_INVALID, "no maker"},
        {"trusted_roots = [\"amd/Milan=sha256:00\"]", COCO_ERR_INVALID, "sha256"},
        {"tpm_keys = [\"-----BEGIN PUBLIC KEY-----\"]", COCO_ERR_PROTO, "tpm"},
        {"collateral = [\"/no/such/dir\"]", COCO_ERR_NOTFOUND, "/no/such/dir"},
        {"collateral = [\"https://\"]", COCO_ERR_INVALID, "collateral"},
        {"collateral = \"makers\"", COCO_ERR_PROTO, "list"},
        {"collateral = [\"makers\"]\ncollateral_ca = \"-----BEGIN \"", COCO_ERR_PROTO,
         "collateral"},
        {"collateral = [\"makers\"]\ncollateral_cache = \"/no/such/dir\"", COCO_ERR_IO,
         "/no/such/dir"},
        {"verifier_config = 1", COCO_ERR_PROTO, "verifier_config"},
        {"[attestation_service.verifier_config.tpm_verifier]", COCO_ERR_NOTSUP, "tpm_keys"},
        {"[attestation_service.verifier_config.dcap_verifiers]", COCO_ERR_PROTO, "dcap_verifier"},
        {"[attestation_service.verifier_config.dcap_verifier]\nuse_secure_cert = false",
         COCO_ERR_NOTSUP, "collateral_ca"},
        {"[attestation_service.verifier_config.dcap_verifier]\ntcb_update_type = \"late\"",
         COCO_ERR_PROTO, "standard"},
        {"[attestation_service.verifier_config.dcap_verifier]\ncollateral_service = \"pccs\"",
         COCO_ERR_INVALID, "collateral"},
        {"[attestation_service.verifier_config.snp_verifier]\nvcek_sources = 1", COCO_ERR_PROTO,
         "vcek_sources"},
        {"[attestation_service.verifier_config.snp_verifier]\nvcek_sources = [{}]", COCO_ERR_PROTO,
         "OfflineStore"},
        {"[attestation_service.verifier_config.snp_verifier]\n"
         "vcek_sources = [{type = \"KDS\", path = \"/x\"}]",
         COCO_ERR_PROTO, "other type"},
        {"[attestation_service.verifier_config.snp_verifier]\n"
         "vcek_sources = [{type = \"OfflineStore\", base_url = \"/x\"}]",
         COCO_ERR_PROTO, "other type"},
        {"[attestation_service.verifier_config.snp_verifier]\n"
         "vcek_sources = [{type = \"OfflineStore\", path = \"/no/such/store\"}]",
         COCO_ERR_NOTFOUND, "/no/such/store"},
    };
    coco_verifier *verifier = NULL;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("# case %zu\n", i); /* of several lines */
        (void)snprintf(text, sizeof(text), "[attestation_service]\n%s\n", cases[i].text);
        assert_fails(open_with(text, &verifier), err, cases[i].status, cases[i].why);
    }
    assert_null(verifier);
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "[attestation_service]\ncollateral = [\"%s/files\", \"makers\"]\n"
                   "trusted_roots = [\"amd/Milan=sha256:" HEX64 "\"]\n"
                   "[attestation_service.verifier_config.dcap_verifier]\n"
                   "collateral_service = \"https://pccs.test\"\n"
                   "[attestation_service.verifier_config.snp_verifier]\n"
                   "vcek_sources = [{type = \"OfflineStore\", path = \"%s/store\"}]\n",
                   dir, dir);
    for_each_fault()
    {
        _cleanup_(coco_verifier_freep) coco_verifier *verifier = NULL;

        coco_status status = open_with(text, &verifier);
        fault_expect(status, err);
        coco_error_free(err);
        err = NULL;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_let_through_or_asked_unless_told),
        cmocka_unit_test(what_is_trusted_is_what_was_named),
        cmocka_unit_test(sources_are_asked_one_after_the_other),
        cmocka_unit_test(services_are_set_up_and_not_asked),
        cmocka_unit_test(what_is_not_understood_is_refused),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("kbs/verifier", tests, setup, teardown);
}
