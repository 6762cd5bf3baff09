/*
 * tests/measure/test_snp.c - lib/measure/snp.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/snp.h"

#include "base/text.h"
#include "tests/faults.h"
#include "tests/measure/firmware_kit.h"

#define EPYC 0x800f12
#define HEX_SIZE 97

/* Chain after the pages of the firmware that upstream's tests have. */
#define BEGUN                                                                                      \
    "086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2"                                             \
    "c37faaa4b24af3aa16aff8c374c2a55c467a50da6d466b74"

static struct firmware_kit kit;
static struct coco_firmware firmware;
static uint8_t begun[COCO_SNP_DIGEST_SIZE];
static coco_error *err;

static int
setup(void **state)
{
    (void)state;
    kit_open(&kit);
    kit_add_sev(&kit, true);
    assert_ok(coco_firmware_parse(kit.image, KIT_SIZE, &firmware, &err), err);
    assert_true(coco_unhex(BEGUN, 96, begun, sizeof(begun)));
    return 0;
}

/* virtee/sev-snp-measure 0.0.12, tests/test_guest.py: its OVMF says of SEV what ours does. */
static void
digests_are_those_of_upstream(void **state)
{
    static const struct {
        const char *cmdline; /* NULL for no kernel; else kernel and initrd are empty */
        uint32_t vcpus;
        uint64_t features;
        coco_vmm vmm;
        const char *digest;
    } cases[] = {
        {"", 1, 0x21, COCO_VMM_QEMU,
         "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae"
         "15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef198"},
        {"", 1, 0x1, COCO_VMM_QEMU,
         "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3"
         "ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5"},
        {"console=ttyS0 loglevel=7", 1, 0x21, COCO_VMM_QEMU,
         "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb2"
         "8c653360fe4b3aba7e534442e7e1e17895dfe778d0228977"},
        {"console=ttyS0 loglevel=7", 1, 0x1, COCO_VMM_QEMU,
         "6d287813eb5222d770f75005c664e34c204f385ce832cc2c"
         "e7d0d6f354454362f390ef83a92046c042e706363b4b08fa"},
        {NULL, 1, 0x21, COCO_VMM_QEMU,
         "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af"
         "9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0e2b"},
        {NULL, 1, 0x1, COCO_VMM_QEMU,
         "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6"
         "013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df632d"},
        {"", 4, 0x21, COCO_VMM_QEMU,
         "4953b1fb416fa874980e8442b3706d345926d5f38879134e"
         "00813c5d7abcbe78eafe7b422907be0b4698e2414a631942"},
        {"", 4, 0x1, COCO_VMM_QEMU,
         "5061fffb019493a903613d56d54b94912a1a2f9e4502385f"
         "5c194616753720a92441310ba6c4933de877c36e23046ad5"},
        {"", 1, 0x21, COCO_VMM_EC2,
         "0ce9ccc06bab55eebe8abc234f3df6514883977a68a591b7"
         "1052498ab52b2f1aa415db338033946ef93aa8278c0d67fb"},
        {"", 1, 0x1, COCO_VMM_EC2,
         "0883bd0eeb716e65b7b977a321c278d1e51b33b5c655fab9"
         "85443bbcc65c086b9c15e8a0bd8811050dec7e24964e5056"},
        {"", 1, 0x1, COCO_VMM_GCE,
         "5da7106cf14cf46b1725ebab123eb9e53bd46a1e9f400cd0"
         "c08e7827b04b688ea8b4e403c8404efed4397ea5d5d0722e"},
        {"", 4, 0x1, COCO_VMM_GCE,
         "5c5debf100fc339f90276e761ee1f1658d08922c3b20e2a2"
         "e6c7a6c3370b2452a15a00eae11886a93d6fd1e7ab81e29d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct coco_sev_kernel kernel = {{"", 0}, {"", 0}, cases[i].cmdline};
        const struct coco_snp_launch launch = {
            .firmware = &firmware,
            .begun = begun,
            .kernel = cases[i].cmdline ? &kernel : NULL,
            .vcpus = cases[i].vcpus,
            .signature = EPYC,
            .features = cases[i].features,
            .vmm = cases[i].vmm,
        };
        uint8_t digest[COCO_SNP_DIGEST_SIZE];
        char hex[HEX_SIZE];

        assert_ok(coco_snp_launch_digest(&launch, digest, &err), err);
        coco_hex(digest, sizeof(digest), hex);
        assert_string_equal(hex, cases[i].digest);
    }
}

static void
the_firmware_comes_first(void **state)
{
    struct coco_snp_launch launch = {.firmware = &firmware, .vcpus = 1};
    uint8_t own[COCO_SNP_DIGEST_SIZE];
    uint8_t whole[COCO_SNP_DIGEST_SIZE];
    uint8_t split[COCO_SNP_DIGEST_SIZE];

    (void)state;
    assert_ok(coco_snp_firmware_digest(&firmware, own, &err), err);
    assert_ok(coco_snp_launch_digest(&launch, whole, &err), err);
    launch.begun = own;
    assert_ok(coco_snp_launch_digest(&launch, split, &err), err);
    assert_memory_equal(whole, split, sizeof(whole));
}

static void
everything_about_a_launch_is_measured(void **state)
{
    const struct coco_sev_kernel kernels[] = {
        {{"k", 1}, {"i", 1}, "c"},
        {{"K", 1}, {"i", 1}, "c"},
        {{"k", 1}, {"I", 1}, "c"},
        {{"k", 1}, {"i", 1}, "C"},
    };
    struct coco_snp_launch launches[9];
    uint8_t digests[9][COCO_SNP_DIGEST_SIZE];
    struct firmware_kit other = kit;
    struct coco_firmware changed;

    (void)state;
    other.image[0] ^= 1;
    assert_ok(coco_firmware_parse(other.image, KIT_SIZE, &changed, &err), err);
    for (size_t i = 0; i < 9; i++)
        launches[i] = (struct coco_snp_launch){
            .firmware = &firmware, .kernel = &kernels[i < 4 ? i : 0], .vcpus = 2};
    launches[4].kernel = NULL;
    launches[5].vcpus = 3;
    launches[6].signature = 1;
    launches[7].features = 1;
    launches[8].firmware = &changed;
    for (size_t i = 0; i < 9; i++) {
        assert_ok(coco_snp_launch_digest(&launches[i], digests[i], &err), err);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(digests[i], digests[j], COCO_SNP_DIGEST_SIZE);
    }
}

static void
launches_that_cannot_be_are_refused(void **state)
{
    const struct coco_sev_kernel kernel = {{"k", 1}, {"", 0}, ""};
    struct coco_firmware bad = firmware;
    struct coco_snp_launch launch = {.firmware = &bad, .kernel = &kernel, .vcpus = 0};
    uint8_t digest[COCO_SNP_DIGEST_SIZE];

    (void)state;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID, "0 CPUs");
    launch.vcpus = COCO_MEASURE_VCPUS_MAX + 1;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID, "4097 CPUs");
    launch.vcpus = 2;
    bad.has_reset = false;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID,
                 "where CPUs after the first begin");
    launch.vcpus = 1;
    bad.hashes = 0x811000;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID,
                 "not in their section");
    bad.hashes = 0x810fff;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID,
                 "not in their section");
    bad = firmware;
    bad.sev[5].type = COCO_SEV_SECTION_MEMORY;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID,
                 "does not measure a kernel");
    bad.sev[2].size = 0x2000;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_NOTSUP,
                 "of type 2, 8192 bytes");
    bad.sev[0].type = 0x20;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_NOTSUP, "of type 32");
    bad.sev_n = 0;
    assert_fails(coco_snp_launch_digest(&launch, digest, &err), err, COCO_ERR_INVALID,
                 "not made for SEV-SNP");
}

static void
a_failed_allocation_is_reported(void **state)
{
    const struct coco_sev_kernel kernel = {{"k", 1}, {"i", 1}, "c"};
    const struct coco_snp_launch launch = {.firmware = &firmware, .kernel = &kernel, .vcpus = 2};
    uint8_t digest[COCO_SNP_DIGEST_SIZE];

    (void)state;
    for_each_fault()
    {
        coco_error *failure = NULL;
        coco_status status = coco_snp_launch_digest(&launch, digest, &failure);

        fault_expect(status, failure);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_upstream),
        cmocka_unit_test(the_firmware_comes_first),
        cmocka_unit_test(everything_about_a_launch_is_measured),
        cmocka_unit_test(launches_that_cannot_be_are_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
