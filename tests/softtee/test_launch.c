/*
 * tests/softtee/test_launch.c - lib/softtee/launch.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/launch.h"

#include "base/digest.h"
#include "base/text.h"
#include "measure/launch.h"
#include "measure/measurement.h"
#include "tee/eventlog.h"
#include "tests/faults.h"
#include "tests/softtee/launchkit.h"

#include <string.h>

struct fixture {
    struct launch_kit kit;
    struct coco_softtee_launch launch;
    coco_error *err;
};

static int
setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    f->err = NULL;
    launch_kit_make(&f->kit);
    f->launch = launch_kit_of(&f->kit);
    *state = f;
    return 0;
}

/* What whoever has the files computes ahead, by the public interface. */
static coco_measurement *
measure_ahead(struct fixture *f, const char *tee, uint32_t vcpus)
{
    const coco_measure_options options = {
        .size = sizeof(options),
        .vcpus = vcpus,
        .cpu_signature = strcmp(tee, "snp") == 0 ? coco_cpu_signature_of("EPYC-Genoa") : 0,
    };
    const struct coco_sev_kernel *kernel = &f->launch.kernel;
    coco_measurement *measurement = NULL;
    coco_launch *launch = NULL;

    assert_ok(coco_launch_new(&launch, &f->err), f->err);
    assert_ok(coco_launch_set_firmware(launch, f->kit.firmware, sizeof(f->kit.firmware), &f->err),
              f->err);
    assert_ok(coco_launch_set_kernel(launch, kernel->kernel.data, kernel->kernel.len, &f->err),
              f->err);
    assert_ok(coco_launch_set_initrd(launch, kernel->initrd.data, kernel->initrd.len, &f->err),
              f->err);
    assert_ok(coco_launch_set_cmdline(launch, kernel->cmdline, &f->err), f->err);
    assert_ok(coco_measure(launch, tee, &options, &measurement, &f->err), f->err);
    coco_launch_free(launch);
    return measurement;
}

static void
assert_ahead(const coco_measurement *measurement, const char *name, const uint8_t *got, size_t len)
{
    char hex[97];
    size_t i = 0;

    while (coco_measurement_name(measurement, i)
           && strcmp(coco_measurement_name(measurement, i), name) != 0)
        i++;
    assert_non_null(coco_measurement_value(measurement, i));
    coco_hex(got, len, hex);
    assert_string_equal(hex, coco_measurement_value(measurement, i));
}

static void
a_td_measures_as_computed_ahead(void **state)
{
    static const uint8_t zero[48];
    struct fixture *f = *state;
    _cleanup_(coco_measurement_freep) coco_measurement *ahead = measure_ahead(f, "tdx", 1);
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    struct coco_digest digest = {0};

    assert_ok(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err);
    assert_ahead(ahead, "mr_td", td.mr_td, 48);
    assert_ahead(ahead, "rtmr_1", td.rtmr[1], 48);
    assert_ahead(ahead, "rtmr_2", td.rtmr[2], 48);
    assert_memory_not_equal(td.rtmr[0], zero, sizeof(zero));
    assert_memory_equal(td.rtmr[3], zero, sizeof(zero));
    assert_ok(coco_digest_of(COCO_SHA384, KIT_INIT_DATA, strlen(KIT_INIT_DATA), &digest, &f->err),
              f->err);
    assert_memory_equal(td.mr_config_id, digest.bytes, 48);
}

static void
the_log_gives_the_registers(void **state)
{
    struct fixture *f = *state;
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    struct coco_eventlog log;

    assert_ok(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err);
    assert_ok(coco_eventlog_parse(td.log.data, td.log.len, &log, &f->err), f->err);
    for (uint32_t i = 0; i < COCO_SOFTTEE_REGISTERS; i++) {
        uint8_t value[48];

        assert_ok(coco_eventlog_replay(&log, i + 1, COCO_TCG_SHA384, value, &f->err), f->err);
        assert_memory_equal(value, td.rtmr[i], sizeof(value));
    }
}

static void
a_guest_measures_as_computed_ahead(void **state)
{
    struct fixture *f = *state;
    struct coco_softtee_guest guest = {0};
    struct coco_digest digest = {0};

    for (uint32_t vcpus = 0; vcpus <= 3; vcpus += 3) {
        _cleanup_(coco_measurement_freep) coco_measurement *ahead =
            measure_ahead(f, "snp", vcpus > 0 ? vcpus : 1);

        f->launch.vcpus = vcpus;
        assert_ok(coco_softtee_measure_guest(&f->launch, &guest, &f->err), f->err);
        assert_ahead(ahead, "snp_launch_measurement", guest.measurement, 48);
    }
    assert_ok(coco_digest_of(COCO_SHA384, KIT_INIT_DATA, strlen(KIT_INIT_DATA), &digest, &f->err),
              f->err);
    assert_memory_equal(guest.host_data, digest.bytes, 32);
}

static void
a_tpm_measures_as_computed_ahead(void **state)
{
    struct fixture *f = *state;
    _cleanup_(coco_measurement_freep) coco_measurement *ahead = measure_ahead(f, "tpm", 1);
    _cleanup_softtee_vtpm_ struct coco_softtee_vtpm vtpm = {0};
    struct coco_digest digest = {0};
    struct coco_eventlog log;
    uint8_t pcr[COCO_TPM_PCR_SIZE];

    assert_ok(coco_softtee_measure_vtpm(&f->launch, &vtpm, &f->err), f->err);
    assert_ok(coco_eventlog_parse(vtpm.log.data, vtpm.log.len, &log, &f->err), f->err);
    assert_ok(coco_eventlog_replay(&log, 4, COCO_TCG_SHA256, pcr, &f->err), f->err);
    assert_ahead(ahead, "tpm_pcr04", pcr, sizeof(pcr));
    assert_ok(coco_eventlog_replay(&log, 9, COCO_TCG_SHA256, pcr, &f->err), f->err);
    assert_ahead(ahead, "tpm_pcr09", pcr, sizeof(pcr));
    assert_true(vtpm.has_init_data);
    assert_ok(coco_digest_of(COCO_SHA384, KIT_INIT_DATA, strlen(KIT_INIT_DATA), &digest, &f->err),
              f->err);
    assert_memory_equal(vtpm.init_data, digest.bytes, sizeof(vtpm.init_data));
}

/* One bit of anything, and the part that it must be seen in. */
static void
one_bit_is_seen_where_it_was_measured(void **state)
{
    struct fixture *f = *state;
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    struct coco_softtee_guest guest = {0};

    assert_ok(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err);
    assert_ok(coco_softtee_measure_guest(&f->launch, &guest, &f->err), f->err);
    for (enum launch_part i = PART_FIRMWARE; i < PARTS; i++) {
        _cleanup_softtee_td_ struct coco_softtee_td other = {0};
        struct coco_softtee_guest other_guest = {0};

        launch_kit_flip(&f->kit, i);
        assert_ok(coco_softtee_measure_td(&f->launch, &other, &f->err), f->err);
        assert_ok(coco_softtee_measure_guest(&f->launch, &other_guest, &f->err), f->err);
        launch_kit_flip(&f->kit, i);
        bool in_rtmr2 = i == PART_INITRD || i == PART_CMDLINE;
        bool in_launch = i != PART_INIT_DATA;
        assert_int_equal(memcmp(td.mr_td, other.mr_td, 48) != 0, i == PART_FIRMWARE);
        assert_int_equal(memcmp(td.rtmr[1], other.rtmr[1], 48) != 0, i == PART_KERNEL);
        assert_int_equal(memcmp(td.rtmr[2], other.rtmr[2], 48) != 0, in_rtmr2);
        assert_int_equal(memcmp(td.mr_config_id, other.mr_config_id, 48) != 0, !in_launch);
        assert_int_equal(memcmp(guest.measurement, other_guest.measurement, 48) != 0, in_launch);
        assert_int_equal(memcmp(guest.host_data, other_guest.host_data, 32) != 0, !in_launch);
    }
}

static void
init_data_is_digested_as_it_says(void **state)
{
    static const char document[] = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n";
    struct fixture *f = *state;
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    struct coco_digest digest = {0};

    f->launch.init_data = document;
    assert_ok(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err);
    assert_ok(coco_digest_of(COCO_SHA256, document, strlen(document), &digest, &f->err), f->err);
    assert_memory_equal(td.mr_config_id, digest.bytes, 48); /* zeros behind the 32 */
    f->launch.init_data = "init";
    assert_fails(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err, COCO_ERR_PROTO, "");
}

/* Then what the machine brings along is measured, and nothing where a kernel would be. */
static void
nothing_need_be_launched(void **state)
{
    static const uint8_t zero[48];
    const struct coco_softtee_launch launch = {.kernel = {.cmdline = ""}};
    struct fixture *f = *state;
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    _cleanup_softtee_td_ struct coco_softtee_td full = {0};
    struct coco_softtee_guest guest = {0};

    assert_ok(coco_softtee_measure_td(&launch, &td, &f->err), f->err);
    assert_ok(coco_softtee_measure_td(&f->launch, &full, &f->err), f->err);
    assert_memory_equal(td.mr_td, full.mr_td, sizeof(td.mr_td));
    assert_memory_equal(td.rtmr[1], zero, sizeof(zero));
    assert_memory_equal(td.rtmr[2], zero, sizeof(zero));
    assert_memory_equal(td.mr_config_id, zero, sizeof(zero));
    assert_ok(coco_softtee_measure_guest(&launch, &guest, &f->err), f->err);
    assert_memory_equal(guest.host_data, zero, sizeof(guest.host_data));
}

static void
what_cannot_be_launched_is_an_error(void **state)
{
    struct fixture *f = *state;
    _cleanup_softtee_td_ struct coco_softtee_td td = {0};
    struct coco_softtee_guest guest = {0};

    f->launch.has_kernel = false;
    assert_fails(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err, COCO_ERR_INVALID,
                 "no kernel");
    assert_fails(coco_softtee_measure_guest(&f->launch, &guest, &f->err), f->err, COCO_ERR_INVALID,
                 "no kernel");
    f->launch.has_kernel = true;
    f->launch.kernel.kernel = (struct coco_sev_part){"vmlinux", 7};
    assert_fails(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err, COCO_ERR_PROTO,
                 "program of UEFI");
    f->launch.firmware = (struct coco_sev_part){"firmware", 8};
    assert_fails(coco_softtee_measure_td(&f->launch, &td, &f->err), f->err, COCO_ERR_PROTO,
                 "firmware");
    assert_fails(coco_softtee_measure_guest(&f->launch, &guest, &f->err), f->err, COCO_ERR_PROTO,
                 "firmware");
}

static void
measuring_survives_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    for_each_fault()
    {
        _cleanup_softtee_td_ struct coco_softtee_td td = {0};
        _cleanup_softtee_vtpm_ struct coco_softtee_vtpm vtpm = {0};
        struct coco_softtee_guest guest = {0};
        coco_error *err = NULL;

        coco_status status = coco_softtee_measure_td(&f->launch, &td, &err);
        if (status == COCO_OK)
            status = coco_softtee_measure_guest(&f->launch, &guest, &err);
        if (status == COCO_OK)
            status = coco_softtee_measure_vtpm(&f->launch, &vtpm, &err);
        fault_expect(status, err);
        coco_error_free(err);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_td_measures_as_computed_ahead),
        TEST(the_log_gives_the_registers),
        TEST(a_guest_measures_as_computed_ahead),
        TEST(one_bit_is_seen_where_it_was_measured),
        TEST(a_tpm_measures_as_computed_ahead),
        TEST(init_data_is_digested_as_it_says),
        TEST(nothing_need_be_launched),
        TEST(what_cannot_be_launched_is_an_error),
        TEST(measuring_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
