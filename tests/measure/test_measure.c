/*
 * tests/measure/test_measure.c - lib/measure/measure.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/boot.h"
#include "measure/launch.h"
#include "measure/measurement.h"
#include "measure/vmsa.h"

#include "tests/faults.h"
#include "tests/measure/firmware_kit.h"
#include "tests/measure/pe_kit.h"

#define MILAN 0xa00f11U

static struct firmware_kit kit;
static struct firmware_kit plain; /* which looks at no hashes */
static uint8_t program[PE_SIZE];
static coco_error *err;

/* Which parts a launch has. */
#define FIRMWARE 1U
#define KERNEL 2U
#define INITRD 4U
#define CMDLINE 8U
#define ALL 15U

static int
setup(void **state)
{
    (void)state;
    kit_open(&kit);
    kit_add_sev(&kit, true);
    kit_add_tdx(&kit);
    kit_open(&plain);
    kit_add_sev(&plain, false);
    pe_make(program);
    return 0;
}

static coco_launch *
launch_of(unsigned parts)
{
    coco_launch *launch = NULL;

    assert_ok(coco_launch_new(&launch, &err), err);
    if (parts & FIRMWARE)
        assert_ok(coco_launch_set_firmware(launch, kit.image, KIT_SIZE, &err), err);
    if (parts & KERNEL)
        assert_ok(coco_launch_set_kernel(launch, program, PE_SIZE, &err), err);
    if (parts & INITRD)
        assert_ok(coco_launch_set_initrd(launch, (const uint8_t *)"initrd", 6, &err), err);
    if (parts & CMDLINE)
        assert_ok(coco_launch_set_cmdline(launch, "console=ttyS0", &err), err);
    return launch;
}

static coco_measurement *
measured(unsigned parts, const char *tee, const coco_measure_options *opts)
{
    _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(parts);
    coco_measurement *measurement = NULL;

    assert_ok(coco_measure(launch, tee, opts, &measurement, &err), err);
    return measurement;
}

static size_t
index_of(const coco_measurement *measurement, const char *name)
{
    size_t i = 0;

    while (coco_measurement_name(measurement, i)
           && strcmp(coco_measurement_name(measurement, i), name) != 0)
        i++;
    assert_non_null(coco_measurement_name(measurement, i));
    return i;
}

/* want is NULL for what cannot be known. */
static void
assert_value(const coco_measurement *measurement, const char *name, const char *want)
{
    size_t i = index_of(measurement, name);

    if (want)
        assert_string_equal(coco_measurement_value(measurement, i), want);
    else
        assert_null(coco_measurement_value(measurement, i));
    assert_non_null(coco_measurement_note(measurement, i));
}

/* What virtee/sev-snp-measure 0.0.13 computes for the same files. */
static void
digests_of_amd_are_those_of_upstream(void **state)
{
    static const struct {
        const char *tee;
        unsigned parts;
        coco_measure_options opts;
        const char *name;
        const char *digest;
    } cases[] = {
        {"snp",
         FIRMWARE,
         {.cpu_signature = MILAN},
         "snp_launch_measurement",
         "63848faed19cbd4314ba19c67c307475ce5c3909627f1368"
         "b3a8d89c6fb30061b59daa74d37bf5331730fcdad443d0a9"},
        {"snp",
         ALL,
         {.cpu_signature = MILAN, .vcpus = 4},
         "snp_launch_measurement",
         "7d1b642ab3d3ed55a7312818847bdc4b953888c1ef7e145d"
         "3aca96298bcd6bfea4d6639dbccecb4594a98f9b51d12f0a"},
        {"snp",
         FIRMWARE | KERNEL,
         {.cpu_signature = MILAN, .vcpus = 2, .guest_features = 0x21},
         "snp_launch_measurement",
         "5056a476c2d81c7bf912082e4ca500ddf0e95b096736c772"
         "9c2eac04c6438003ce68f831cc3de65c9c6acbe9384857e8"},
        {"snp",
         ALL,
         {.vcpus = 2, .vmm = COCO_VMM_EC2},
         "snp_launch_measurement",
         "c606fa41ee8422c3b523cc9b980043ff22ad51fa8eb890e4"
         "d8b1d350e167ed692d161b8e669cf0a02690ab47bc6ce9cb"},
        {"snp",
         ALL,
         {.vcpus = 2, .vmm = COCO_VMM_GCE},
         "snp_launch_measurement",
         "bf6e9a04551e465ac19c310d3eb369eb8438252eb3ccdff2"
         "03fac97dd0e1ce887133e8b1693b74691d99f0a9da2f4d04"},
        {"sev",
         FIRMWARE,
         {0},
         "sev_launch_measurement",
         "b17832603318e7ba16ab21504a9ad376fb18b31f9feae51389d20cab32ad8b06"},
        {"sev",
         ALL,
         {.vcpus = 4},
         "sev_launch_measurement",
         "7c3a290402bde56a02f26d431b4133b91d2e27e8a1a45459bd8dee625b699d0b"},
        {"sev",
         ALL,
         {.vcpus = 4, .cpu_signature = MILAN, .flags = COCO_MEASURE_SEV_ES},
         "sev_launch_measurement",
         "1a7a6af2f7819d03124f265e49891a4040956ad7cb4287421cbd2a0c86ed7113"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_measure_options opts = cases[i].opts;

        opts.size = sizeof(opts);
        _cleanup_(coco_measurement_freep) coco_measurement *measurement =
            measured(cases[i].parts, cases[i].tee, &opts);
        assert_value(measurement, cases[i].name, cases[i].digest);
        assert_string_equal(coco_measurement_claim(measurement, 0), "measurement");
        assert_null(coco_measurement_name(measurement, 1));
    }
}

/* Computed from the specifications, in another language, for the same files. */
static void
registers_of_a_td_are_told(void **state)
{
    const coco_measure_options old = {
        .size = sizeof(old), .edk2 = 202408, .tdx_order = COCO_TDX_BY_SECTION};
    _cleanup_(coco_measurement_freep) coco_measurement *newest = measured(ALL, "tdx", NULL);
    _cleanup_(coco_measurement_freep) coco_measurement *before = measured(ALL, "tdx", &old);
    size_t kernel = index_of(newest, "tdvfkernel");

    (void)state;
    assert_value(newest, "mr_td",
                 "95e2925d0afae3d55b90f2d276dc1539fd73b7a54c0ddf3d"
                 "4b9e0227f08a27866c5f744eb28b81516a05c47ea17f578f");
    assert_value(newest, "rtmr_0", NULL);
    assert_value(newest, "rtmr_1",
                 "9791e142b55cabf0bedde3ddb3843a5d507a264c0b65e865"
                 "b06f5a08dcf8da225182d00e725b282d2a4b38bf6d17ab08");
    assert_value(newest, "rtmr_2",
                 "641748e08e314a3641c5384d778c87ee2ffcc6e6cd4c5c7d"
                 "79a04ca181ed17b9b52f1810dc533593e96a0dd98b9c5049");
    assert_value(newest, "rtmr_3", NULL);
    assert_value(newest, "tdvfkernel",
                 "5c4573a91417e8881d1dffc4c178e99b92a43b52ef921b47"
                 "5d39eeaad58c071bf7f77c5572c20caa017f877389d42354");
    assert_value(newest, "tdvfkernelparams",
                 "f9f8fb4b0e1dce36006d4f4a67381bc02cb5fb2fe7143f30"
                 "91569254993fb8edfa15f5b55ebdbf24cb189af4c6dbb8ff");
    assert_null(coco_measurement_claim(newest, kernel));
    assert_true(coco_measurement_single(newest, kernel));
    assert_string_equal(coco_measurement_claim(newest, index_of(newest, "rtmr_1")),
                        "quote.body.rtmr_1");
    assert_value(before, "mr_td",
                 "95e2925d0afae3d55b90f2d276dc1539fd73b7a54c0ddf3d"
                 "4b9e0227f08a27866c5f744eb28b81516a05c47ea17f578f");
    assert_value(before, "rtmr_1",
                 "18ebea58f9fea2a570104fd32ea3dc5e097cb2d88cd4a343"
                 "c5b6affd0bb43eb8d458e142da64921792cfebf2cf8cb763");
    assert_value(before, "rtmr_2",
                 "8df12e8852dbefc4990441727587784d458eaebd424a7449"
                 "df4cac5ff5c5697136089e5d23371935abdd67d6e7cc1bb7");
}

static void
registers_that_need_what_is_missing_are_not_known(void **state)
{
    _cleanup_(coco_measurement_freep) coco_measurement *firmware = measured(FIRMWARE, "tdx", NULL);
    _cleanup_(coco_measurement_freep) coco_measurement *kernel = measured(KERNEL, "tdx", NULL);

    (void)state;
    assert_value(firmware, "mr_td",
                 "95e2925d0afae3d55b90f2d276dc1539fd73b7a54c0ddf3d"
                 "4b9e0227f08a27866c5f744eb28b81516a05c47ea17f578f");
    assert_value(firmware, "rtmr_1", NULL);
    assert_value(firmware, "rtmr_2", NULL);
    assert_contains(coco_measurement_note(firmware, index_of(firmware, "rtmr_1")), "the kernel");
    assert_value(kernel, "mr_td", NULL);
    assert_contains(coco_measurement_note(kernel, index_of(kernel, "mr_td")), "the firmware");
    assert_value(kernel, "tdvfkernel",
                 "5c4573a91417e8881d1dffc4c178e99b92a43b52ef921b47"
                 "5d39eeaad58c071bf7f77c5572c20caa017f877389d42354");
    /* Without load options nothing is measured there. */
    assert_value(kernel, "rtmr_2",
                 "000000000000000000000000000000000000000000000000"
                 "000000000000000000000000000000000000000000000000");
}

static void
registers_of_a_tpm_are_told(void **state)
{
    static const char *const unknown[] = {"tpm_pcr00", "tpm_pcr01", "tpm_pcr02",
                                          "tpm_pcr03", "tpm_pcr05", "tpm_pcr07"};
    const coco_measure_options opts = {.size = sizeof(opts), .edk2 = 202505};
    _cleanup_(coco_measurement_freep) coco_measurement *newest = measured(ALL, "tpm", NULL);
    _cleanup_(coco_measurement_freep) coco_measurement *before = measured(ALL, "tpm", &opts);

    (void)state;
    assert_value(newest, "tpm_pcr04",
                 "d789533044b506bd4b914bdd1777979bda9023a5568ac1892bb2c82006ddd2c5");
    assert_value(newest, "tpm_pcr09",
                 "026d76972278f65cbc5002bb99ed9ba51368b294544d805b2d36967c88bc37b6");
    assert_string_equal(coco_measurement_claim(newest, index_of(newest, "tpm_pcr09")), "pcr09");
    assert_value(before, "tpm_pcr04",
                 "d789533044b506bd4b914bdd1777979bda9023a5568ac1892bb2c82006ddd2c5");
    assert_value(before, "tpm_pcr09",
                 "316d1b22c6f5ac9391977a0c9014c5a4611bc450abec64a7328b40a00451a815");
    for (size_t i = 0; i < 6; i++)
        assert_value(newest, unknown[i], NULL);
}

static void
a_software_tee_measures_the_file_it_booted(void **state)
{
    _cleanup_(coco_measurement_freep) coco_measurement *measurement =
        measured(KERNEL, "software", NULL);
    _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(KERNEL | CMDLINE);
    coco_measurement *none = NULL;

    (void)state;
    assert_value(measurement, "launch_digest",
                 "57d9d93062e1354017db1deef8c80979692679262d158787"
                 "1cae10f15f1a919d10625d858ca9ed6a447b04c5792d7f02");
    assert_fails(coco_measure(launch, "software", NULL, &none, &err), err, COCO_ERR_INVALID,
                 "one file");
}

static void
launches_that_lack_something_are_refused(void **state)
{
    static const struct {
        const char *tee;
        unsigned parts;
        coco_status status;
        const char *says;
    } cases[] = {
        {"snp", KERNEL, COCO_ERR_INVALID, "snp: it needs the firmware"},
        {"snp", FIRMWARE, COCO_ERR_INVALID, "snp: it needs the type of the CPUs"},
        {"sev", 0, COCO_ERR_INVALID, "sev: it needs the firmware"},
        {"tdx", 0, COCO_ERR_INVALID, "tdx: it needs the firmware or kernel"},
        {"tdx", FIRMWARE | INITRD, COCO_ERR_INVALID, "without a kernel"},
        {"tdx", FIRMWARE | CMDLINE, COCO_ERR_INVALID, "without a kernel"},
        {"tpm", FIRMWARE, COCO_ERR_INVALID, "tpm: it needs the kernel"},
        {"software", 0, COCO_ERR_INVALID, "software: it needs the kernel"},
        {"az-snp-vtpm", ALL, COCO_ERR_NOTSUP, "measurements of az-snp-vtpm cannot be computed"},
        {"", ALL, COCO_ERR_NOTSUP, "cannot be computed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(cases[i].parts);
        coco_measurement *none = NULL;

        assert_fails(coco_measure(launch, cases[i].tee, NULL, &none, &err), err, cases[i].status,
                     cases[i].says);
        assert_null(none);
    }
}

static void
options_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *tee;
        coco_measure_options opts;
        coco_status status;
    } cases[] = {
        {"snp", {.cpu_signature = 1, .vcpus = 4097}, COCO_ERR_INVALID},
        {"snp", {.cpu_signature = 1, .edk2 = 202411}, COCO_ERR_INVALID},
        {"snp", {.cpu_signature = 1, .flags = COCO_MEASURE_SEV_ES}, COCO_ERR_INVALID},
        {"snp", {.cpu_signature = 1, .flags = 2}, COCO_ERR_NOTSUP},
        {"snp", {.vmm = (coco_vmm)3}, COCO_ERR_NOTSUP},
        {"snp", {.cpu_signature = 1, .tdx_order = COCO_TDX_BY_SECTION}, COCO_ERR_INVALID},
        {"sev", {.cpu_signature = 1}, COCO_ERR_INVALID},
        {"sev", {.guest_features = 1}, COCO_ERR_INVALID},
        {"sev", {.vmm = COCO_VMM_GCE}, COCO_ERR_NOTSUP},
        {"sev", {.flags = COCO_MEASURE_SEV_ES}, COCO_ERR_INVALID},
        {"tdx", {.vmm = COCO_VMM_EC2}, COCO_ERR_NOTSUP},
        {"tdx", {.cpu_signature = 1}, COCO_ERR_INVALID},
        {"tdx", {.guest_features = 1}, COCO_ERR_INVALID},
        {"tdx", {.tdx_order = (coco_tdx_order)2}, COCO_ERR_NOTSUP},
        {"tdx", {.edk2 = 11}, COCO_ERR_INVALID},
        {"tdx", {.edk2 = 202400}, COCO_ERR_INVALID},
        {"tdx", {.edk2 = 202413}, COCO_ERR_INVALID},
        {"tdx", {.edk2 = 20240801}, COCO_ERR_INVALID},
        {"tpm", {.tdx_order = COCO_TDX_BY_SECTION}, COCO_ERR_INVALID},
        {"software", {.edk2 = 202411}, COCO_ERR_INVALID},
    };
    _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(ALL);
    coco_measurement *none = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        coco_measure_options opts = cases[i].opts;

        opts.size = sizeof(opts);
        coco_status status = coco_measure(launch, cases[i].tee, &opts, &none, NULL);
        if (status != cases[i].status)
            fail_msg("case %zu gives %s", i, coco_status_name(status));
        assert_null(none);
    }
    coco_measure_options unset = {.vcpus = 1};
    assert_fails(coco_measure(launch, "tdx", &unset, &none, &err), err, COCO_ERR_INVALID, "size 0");
}

static void
firmware_that_does_not_fit_is_refused(void **state)
{
    const coco_measure_options opts = {.size = sizeof(opts), .cpu_signature = MILAN, .vcpus = 2};
    const coco_measure_options es = {
        .size = sizeof(es), .cpu_signature = MILAN, .vcpus = 2, .flags = COCO_MEASURE_SEV_ES};
    _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(KERNEL);
    coco_measurement *none = NULL;

    (void)state;
    assert_ok(coco_launch_set_firmware(launch, plain.image, KIT_SIZE, &err), err);
    assert_fails(coco_measure(launch, "snp", &opts, &none, &err), err, COCO_ERR_INVALID,
                 "does not measure a kernel");
    assert_fails(coco_measure(launch, "sev", NULL, &none, &err), err, COCO_ERR_INVALID,
                 "does not measure a kernel");
    assert_fails(coco_measure(launch, "tdx", NULL, &none, &err), err, COCO_ERR_INVALID,
                 "not made for TDX");
    launch->firmware.has_reset = false;
    launch->firmware.hashes = 1;
    assert_fails(coco_measure(launch, "sev", &es, &none, &err), err, COCO_ERR_INVALID,
                 "where CPUs after the first begin");
}

static void
each_tee_is_listed_once(void **state)
{
    size_t n = 0;

    (void)state;
    for (const char *tee; (tee = coco_measure_tee(n)); n++)
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(tee, coco_measure_tee(i));
    assert_int_equal(n, 5);
}

static void
a_failed_allocation_is_reported(void **state)
{
    _cleanup_(coco_launch_freep) coco_launch *launch = launch_of(ALL);
    _cleanup_(coco_launch_freep) coco_launch *file = launch_of(KERNEL);
    const coco_measure_options cpu = {.size = sizeof(cpu), .cpu_signature = MILAN};
    const char *tee;

    (void)state;
    for (size_t i = 0; (tee = coco_measure_tee(i)); i++)
        for_each_fault()
        {
            _cleanup_(coco_measurement_freep) coco_measurement *measurement = NULL;
            coco_error *failure = NULL;

            coco_status status =
                coco_measure(strcmp(tee, "software") == 0 ? file : launch, tee,
                             strcmp(tee, "snp") == 0 ? &cpu : NULL, &measurement, &failure);
            fault_expect(status, failure);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_amd_are_those_of_upstream),
        cmocka_unit_test(registers_of_a_td_are_told),
        cmocka_unit_test(registers_that_need_what_is_missing_are_not_known),
        cmocka_unit_test(registers_of_a_tpm_are_told),
        cmocka_unit_test(a_software_tee_measures_the_file_it_booted),
        cmocka_unit_test(launches_that_lack_something_are_refused),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(firmware_that_does_not_fit_is_refused),
        cmocka_unit_test(each_tee_is_listed_once),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
