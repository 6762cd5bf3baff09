/*
 * tests/attester/test_attester.c - lib/attester/attester.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/driver.h"
#include "base/bytes.h"
#include "base/context.h"
#include "config.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int
forget_the_environment(void **state)
{
    (void)state;
    return unsetenv("COCO_SOFTWARE_TEE") | unsetenv("ENABLE_SAMPLE_DEVICE")
           | setenv("COCO_TEE_ROOT", "/nonexistent", 1);
}

static void
every_tee_has_a_name(void **state)
{
    static const char *const names[] = {
        "software",
        "tdx",
        "sgx",
#if COCO_HAVE_TPM
        "az-tdx-vtpm",
        "az-snp-vtpm",
#endif
        "snp",
        "csv",
        "cca",
        "se",
        "nitro",
#if COCO_HAVE_TPM
        "tpm",
#endif
        "sample",
        "sampledevice",
    };

    (void)state;
    assert_int_equal(coco_tee_count(), COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(coco_tee_name(i), names[i]);
    assert_null(coco_tee_name(COUNT(names)));
    assert_null(coco_tee_name(SIZE_MAX));
}

static void
sample_is_named_but_never_detected(void **state)
{
    coco_attester *attester = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_false(coco_tee_detected("sample"));
    assert_false(coco_tee_detected("sampledevice"));
    assert_fails(coco_attester_new(NULL, &attester, &err), err, COCO_ERR_NOTSUP, "no TEE detected");
    assert_fails(coco_attester_new("", &attester, &err), err, COCO_ERR_NOTSUP, "no TEE detected");
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    assert_string_equal(coco_attester_tee(attester), "sample");
    coco_attester_free(attester);
}

static void
an_unknown_tee_is_refused(void **state)
{
    coco_attester *attester = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_fails(coco_attester_new("Sample", &attester, &err), err, COCO_ERR_NOTSUP, "'Sample'");
    assert_fails(coco_attester_new("tdx\n", &attester, &err), err, COCO_ERR_NOTSUP, "tdx");
    assert_null(attester);
    assert_false(coco_tee_detected("tdx\n"));
}

static void
report_data_has_1_to_64_bytes(void **state)
{
    static const size_t bad[] = {0, 65, 4096};
    uint8_t report_data[4096] = {0};
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_fails(coco_attester_collect(attester, ctx, report_data, bad[i], &evidence, &err),
                     err, COCO_ERR_INVALID, "1 to 64");
    assert_null(evidence);
    assert_ok(coco_attester_collect(attester, ctx, report_data, 64, &evidence, &err), err);
    coco_bytes_free(evidence);
}

static void
a_canceled_context_collects_nothing(void **state)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    coco_bytes *evidence = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_ctx_new(&ctx, &err), err);
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    coco_ctx_cancel(ctx);
    assert_fails(coco_attester_collect(attester, ctx, (const uint8_t *)"x", 1, &evidence, &err),
                 err, COCO_ERR_CANCELED, "canceled");
}

/* ---- Registers, of a TEE that is this test ---- */

struct machine {
    uint8_t registers[24][4];
    uint8_t init_data[4];
};

static coco_status
extend(void *self, unsigned pcr, const uint8_t *digest, coco_error **err)
{
    struct machine *machine = self;

    (void)err;
    for (size_t i = 0; i < 4; i++)
        machine->registers[pcr][i] ^= digest[i];
    return COCO_OK;
}

static coco_status
read_register(void *self, unsigned pcr, uint8_t *ret, coco_error **err)
{
    const struct machine *machine = self;

    (void)err;
    memcpy(ret, machine->registers[pcr], 4);
    return COCO_OK;
}

static coco_status
bind_init_data(void *self, const uint8_t *digest, size_t len, coco_error **err)
{
    struct machine *machine = self;

    (void)err;
    memcpy(machine->init_data, digest, len < 4 ? len : 4);
    return COCO_OK;
}

static const struct coco_attester_driver driver = {
    .tee = "test",
    .register_alg = "sum",
    .register_size = 4,
    .extend = extend,
    .read_register = read_register,
    .bind_init_data = bind_init_data,
};

static void
registers_are_extended_and_read(void **state)
{
    struct machine machine = {0};
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
    coco_error *err = NULL;
    const uint8_t digest[5] = "abcd";

    (void)state;
    assert_ok(coco_attester_wrap(&driver, &machine, &attester, &err), err);
    assert_string_equal(coco_attester_register_alg(attester), "sum");
    assert_ok(coco_attester_extend(attester, 23, digest, 4, &err), err);
    assert_ok(coco_attester_read_register(attester, 23, &value, &err), err);
    assert_int_equal(coco_bytes_size(value), 4);
    assert_memory_equal(coco_bytes_data(value), "abcd", 4);

    for (size_t len = 0; len < 6; len++)
        if (len != 4)
            assert_fails(coco_attester_extend(attester, 0, digest, len, &err), err,
                         COCO_ERR_INVALID, "not the 4 of sum");
    assert_fails(coco_attester_extend(attester, 24, digest, 4, &err), err, COCO_ERR_INVALID,
                 "no PCR 24");
    coco_bytes *none = NULL;
    assert_fails(coco_attester_read_register(attester, UINT32_MAX, &none, &err), err,
                 COCO_ERR_INVALID, "no PCR");
    assert_null(none);
}

static void
a_digest_of_init_data_has_1_to_64_bytes(void **state)
{
    struct machine machine = {0};
    uint8_t digest[65] = "init";
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_ok(coco_attester_wrap(&driver, &machine, &attester, &err), err);
    assert_fails(coco_attester_bind_init_data(attester, digest, 0, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_fails(coco_attester_bind_init_data(attester, digest, 65, &err), err, COCO_ERR_INVALID,
                 "1 to 64");
    assert_ok(coco_attester_bind_init_data(attester, digest, 64, &err), err);
    assert_memory_equal(machine.init_data, "init", 4);
}

static void
a_tee_without_registers_says_so(void **state)
{
    _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
    coco_bytes *value = NULL;
    coco_error *err = NULL;
    const uint8_t digest[48] = {0};

    (void)state;
    assert_ok(coco_attester_new("sample", &attester, &err), err);
    assert_null(coco_attester_register_alg(attester));
    assert_fails(coco_attester_extend(attester, 8, digest, 48, &err), err, COCO_ERR_NOTSUP,
                 "sample has no registers");
    assert_fails(coco_attester_read_register(attester, 8, &value, &err), err, COCO_ERR_NOTSUP,
                 "sample has no registers");
    assert_fails(coco_attester_bind_init_data(attester, digest, 48, &err), err, COCO_ERR_NOTSUP,
                 "no place for init data");
}

static void
reading_a_register_survives_any_failed_allocation(void **state)
{
    (void)state;
    for_each_fault()
    {
        struct machine machine = {0};
        _cleanup_(coco_attester_freep) coco_attester *attester = NULL;
        _cleanup_(coco_bytes_freep) coco_bytes *value = NULL;
        coco_error *err = NULL;

        coco_status status = coco_attester_wrap(&driver, &machine, &attester, &err);
        if (status == COCO_OK)
            status = coco_attester_extend(attester, 1, (const uint8_t *)"abcd", 4, &err);
        if (status == COCO_OK)
            status = coco_attester_bind_init_data(attester, (const uint8_t *)"a", 1, &err);
        if (status == COCO_OK)
            status = coco_attester_read_register(attester, 1, &value, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tee_has_a_name),
        cmocka_unit_test(sample_is_named_but_never_detected),
        cmocka_unit_test(an_unknown_tee_is_refused),
        cmocka_unit_test(report_data_has_1_to_64_bytes),
        cmocka_unit_test(a_canceled_context_collects_nothing),
        cmocka_unit_test(registers_are_extended_and_read),
        cmocka_unit_test(a_digest_of_init_data_has_1_to_64_bytes),
        cmocka_unit_test(a_tee_without_registers_says_so),
        cmocka_unit_test(reading_a_register_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, forget_the_environment, NULL);
}
