/*
 * tests/collateral/test_request.c - lib/collateral/request.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "collateral/request.h"

#include "tests/support.h"

#define CHIP                                                                                       \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"                             \
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static coco_error *err;

static void
names_become_requests(void **state)
{
    static const struct {
        const char *name, *path, *body, *chain;
        enum coco_maker maker;
    } cases[] = {
        {"intel/root-ca.crl", "/sgx/certification/v4/rootcacrl", "intel/root-ca.crl", "",
         COCO_INTEL},
        {"intel/pck-crl/platform.crl", "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
         "intel/pck-crl/platform.crl", "", COCO_INTEL},
        {"intel/pck-crl/processor.crl", "/sgx/certification/v4/pckcrl?ca=processor&encoding=der",
         "intel/pck-crl/processor.crl", "", COCO_INTEL},
        {"intel/tdx/tcb-info/00a06d080000.json",
         "/tdx/certification/v4/tcb?fmspc=00A06D080000&update=standard",
         "intel/tdx/tcb-info/00a06d080000.json", "intel/tdx/tcb-info/00a06d080000.pem", COCO_INTEL},
        {"intel/sgx/tcb-info/00a06d080000.pem",
         "/sgx/certification/v4/tcb?fmspc=00A06D080000&update=standard",
         "intel/sgx/tcb-info/00a06d080000.json", "intel/sgx/tcb-info/00a06d080000.pem", COCO_INTEL},
        {"intel/tdx/qe-identity.pem", "/tdx/certification/v4/qe/identity?update=standard",
         "intel/tdx/qe-identity.json", "intel/tdx/qe-identity.pem", COCO_INTEL},
        {"amd/Milan/vcek/chain.pem", "/vcek/v1/Milan/cert_chain", "amd/Milan/vcek/chain.pem", "",
         COCO_AMD},
        {"amd/Genoa/vlek/chain.pem", "/vlek/v1/Genoa/cert_chain", "amd/Genoa/vlek/chain.pem", "",
         COCO_AMD},
        {"amd/Turin/vcek.crl", "/vcek/v1/Turin/crl", "amd/Turin/vcek.crl", "", COCO_AMD},
        {"amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode168.der",
         "/vcek/v1/Milan/" CHIP "?blSPL=02&teeSPL=00&snpSPL=05&ucodeSPL=168",
         "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode168.der", "", COCO_AMD},
        {"amd/Turin/vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc03.der",
         "/vcek/v1/Turin/0011223344556677?fmcSPL=03&blSPL=01&teeSPL=01&snpSPL=01&ucodeSPL=70",
         "amd/Turin/vcek/0011223344556677/bl01_tee01_snp01_ucode70_fmc03.der", "", COCO_AMD},
    };
    struct coco_request request;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(coco_request_for(cases[i].name, false, &request, &err), err);
        assert_string_equal(request.path, cases[i].path);
        assert_string_equal(request.body, cases[i].body);
        assert_string_equal(request.chain, cases[i].chain);
        assert_int_equal(request.maker, cases[i].maker);
        assert_int_equal(request.root_crl, i == 0);
        assert_int_equal(request.chain_header != NULL, *cases[i].chain != '\0');
    }
    assert_ok(coco_request_for("intel/sgx/qe-identity.json", true, &request, &err), err);
    assert_string_equal(request.path, "/sgx/certification/v4/qe/identity?update=early");
}

/* Parts of names come from evidence, and end up in a URL. */
static void
nothing_else_is_asked_for(void **state)
{
    static const char *const names[] = {
        "",
        "intel",
        "intel/root-ca.crl/x",
        "intel/root-ca.pem",
        "intel/pck-crl/other.crl",
        "intel/pck-crl/platform",
        "intel/tdx/tcb-info",
        "intel/tdx/tcb-info/00A06D080000.json",
        "intel/tdx/tcb-info/00a06d08000.json",
        "intel/tdx/tcb-info/00a06d0800000.json",
        "intel/tdx/tcb-info/00a06d08000&.json",
        "intel/tdx/tcb-info/.json",
        "intel/tdx/tcb-info/00a06d080000",
        "intel/tdx/tcb-info/00a06d080000.crl",
        "intel/tdz/tcb-info/00a06d080000.json",
        "intel/tdx/qe-identity",
        "intel/tdx/qe-identity.crl",
        "intel/tdx/qe-identity.json/x",
        "amd",
        "amd/Milan",
        "amd/milan/vcek.crl",
        "amd/Naples/ask_ark.cert",
        "amd/Milan/vlek.crl",
        "amd/Milan/vcek/chain.pem/x",
        "amd/Milan/vcek/" CHIP,
        "amd/Milan/vcek/" CHIP "/chain.pem",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68",
        "amd/Milan/vcek/" CHIP "/bl2_tee00_snp05_ucode68.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode256.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode068.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode0068.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68_fmc00.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68&a=b.der",
        "amd/Milan/vcek/" CHIP "/.der",
        "amd/Milan/vcek/0011223344556677/bl02_tee00_snp05_ucode68.der",
        "amd/Turin/vcek/0011223344556677/bl02_tee00_snp05_ucode68.der",
        "amd/Turin/vcek/" CHIP "/bl01_tee01_snp01_ucode70_fmc03.der",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68.der/x",
        "hygon/hrk.cert",
        "intel/a/b/c/d/e/f",
        "intel/root-ca.crl/",
        "intel//root-ca.crl",
        "amd/Milan/vcek/" CHIP "/bl02_tee00_snp05_ucode68.der/",
    };
    struct coco_request request;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_fails(coco_request_for(names[i], false, &request, &err), err, COCO_ERR_NOTFOUND,
                     "no service");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_requests),
        cmocka_unit_test(nothing_else_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
