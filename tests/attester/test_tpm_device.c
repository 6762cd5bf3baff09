/*
 * tests/attester/test_tpm_device.c - lib/attester/tpm_device.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/tpm_device.h"

#include "crypto/key.h"
#include "tests/attester/swtpm.h"
#include "tests/faults.h"

#include <sys/stat.h>

#define AK 0x81010002U
#define NV 0x01400002U

struct fixture {
    struct swtpm tpm;
    struct coco_tpm_device *device;
    coco_error *err;
};

static struct fixture fixture;

static int
setup(void **state)
{
    struct fixture *f = &fixture;

    f->err = NULL;
    f->device = NULL;
    swtpm_start(&f->tpm);
    assert_ok(coco_tpm_device_open(&f->device, &f->err), f->err);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    coco_tpm_device_close(f->device);
    swtpm_stop(&f->tpm);
    return 0;
}

static void
make_file(const char *dir, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

/* Detecting looks for the device and does not ask it. */
static void
a_tpm_is_found_where_upstream_looks_for_it(void **state)
{
    struct coco_tpm_device *device = NULL;
    coco_error *err = NULL;
    char dir[64];
    char path[128];

    (void)state;
    make_temp_dir(dir, sizeof(dir));
    assert_int_equal(setenv("COCO_TEE_ROOT", dir, 1), 0);
    assert_false(coco_tpm_device_detect());
    assert_fails(coco_tpm_device_open(&device, &err), err, COCO_ERR_NOTSUP, "no TPM");

    (void)snprintf(path, sizeof(path), "%s/dev", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file(dir, "dev/tpm3");
    assert_false(coco_tpm_device_detect());
    make_file(dir, "dev/tpm2");
    assert_true(coco_tpm_device_detect());

    assert_int_equal(setenv("AA_TPM_DEVICE", "/nonexistent/tpm", 1), 0);
    assert_false(coco_tpm_device_detect());
    (void)snprintf(path, sizeof(path), "%s/dev/tpm3", dir);
    assert_int_equal(setenv("AA_TPM_DEVICE", path, 1), 0);
    assert_true(coco_tpm_device_detect());

    (void)unsetenv("AA_TPM_DEVICE");
    (void)unsetenv("COCO_TEE_ROOT");
    remove_temp_dir(dir);
}

static void
what_is_no_tpm_is_an_error(void **state)
{
    struct coco_tpm_device *device = NULL;
    coco_error *err = NULL;

    (void)state;
    assert_int_equal(setenv("TSS2_LOG", "all+NONE", 1), 0);
    assert_int_equal(setenv("COCO_TPM_TCTI", "swtpm:path=/nonexistent/sock", 1), 0);
    assert_true(coco_tpm_device_detect());
    assert_fails(coco_tpm_device_open(&device, &err), err, COCO_ERR_IO, "/nonexistent/sock");
    assert_int_equal(setenv("COCO_TPM_TCTI", "no-such-tcti", 1), 0);
    assert_fails(coco_tpm_device_open(&device, &err), err, COCO_ERR_IO, "no-such-tcti");
    (void)unsetenv("COCO_TPM_TCTI");
}

static void
a_quote_is_of_the_pcrs_and_of_the_key(void **state)
{
    struct fixture *f = *state;
    _cleanup_tpm_quote_ struct coco_tpm_quote quote = coco_tpm_quote_empty();
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_tpm_attest attest;
    struct coco_digest digest;

    swtpm_make_key(&f->tpm, AK);
    assert_ok(coco_tpm_device_key(f->device, AK, &der, &f->err), f->err);
    assert_ok(coco_tpm_device_quote(f->device, AK, (const uint8_t *)"nonce", 5, &quote, &f->err),
              f->err);

    assert_ok(coco_key_parse_public(der.data, der.len, &key, &f->err), f->err);
    assert_ok(coco_key_verify(key, quote.message.data, quote.message.len, quote.signature.data,
                              quote.signature.len, &f->err),
              f->err);
    assert_ok(coco_tpm_attest_parse(quote.message.data, quote.message.len, &attest, &f->err),
              f->err);
    assert_true(coco_tpm_attest_is_of_all(&attest));
    assert_int_equal(attest.extra.len, 5);
    assert_memory_equal(attest.extra.bytes, "nonce", 5);
    assert_ok(coco_tpm_quote_digest(&quote, &digest, &f->err), f->err);
    assert_memory_equal(attest.digest.bytes, digest.bytes, COCO_TPM_PCR_SIZE);
}

static void
an_extended_pcr_is_seen(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[COCO_TPM_PCR_SIZE];
    uint8_t want[COCO_TPM_PCR_SIZE] = {0};
    uint8_t got[COCO_TPM_PCR_SIZE];

    memset(digest, 0xaa, sizeof(digest));
    for (unsigned pcr = 0; pcr < 16; pcr += 5) {
        memset(want, 0, sizeof(want));
        assert_ok(coco_tpm_device_read(f->device, pcr, got, &f->err), f->err);
        assert_memory_equal(got, want, sizeof(got));
        assert_ok(coco_tpm_device_extend(f->device, pcr, digest, &f->err), f->err);
        assert_ok(coco_tpm_extend(want, digest, &f->err), f->err);
        assert_ok(coco_tpm_device_read(f->device, pcr, got, &f->err), f->err);
        assert_memory_equal(got, want, sizeof(got));
    }
}

static void
a_key_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};
    struct coco_tpm_quote quote;

    assert_fails(coco_tpm_device_key(f->device, AK, &der, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "0x81010002");
    assert_fails(coco_tpm_device_quote(f->device, AK, (const uint8_t *)"nonce", 5, &quote, &f->err),
                 f->err, COCO_ERR_NOTFOUND, "0x81010002");
}

static void
too_much_for_a_quote_is_refused(void **state)
{
    static const uint8_t large[67];
    struct fixture *f = *state;
    struct coco_tpm_quote quote;

    assert_fails(coco_tpm_device_quote(f->device, AK, large, sizeof(large), &quote, &f->err),
                 f->err, COCO_ERR_INVALID, "67 bytes");
}

/* Larger than what goes at once, smaller again, and as large as before. */
static void
an_nv_index_holds_what_was_written_last(void **state)
{
    static const size_t sizes[] = {64, 1500, 9, 9, 512, 513};
    struct fixture *f = *state;
    uint8_t data[1500];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        _cleanup_buf_ struct coco_buf buf = {.limit = COCO_TPM_NV_MAX};

        for (size_t at = 0; at < sizes[i]; at++)
            data[at] = (uint8_t)(at * 7 + i);
        assert_ok(coco_tpm_device_nv_write(f->device, NV, data, sizes[i], &f->err), f->err);
        assert_ok(coco_tpm_device_nv_read(f->device, NV, &buf, &f->err), f->err);
        assert_int_equal(buf.len, sizes[i]);
        assert_memory_equal(buf.data, data, sizes[i]);
    }
}

static void
an_nv_index_that_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = COCO_TPM_NV_MAX};

    assert_fails(coco_tpm_device_nv_read(f->device, NV, &buf, &f->err), f->err, COCO_ERR_NOTFOUND,
                 "0x01400002");
}

static void
an_nv_index_larger_than_allowed_is_refused(void **state)
{
    static const uint8_t data[65];
    struct fixture *f = *state;
    _cleanup_buf_ struct coco_buf buf = {.limit = 64};

    assert_ok(coco_tpm_device_nv_write(f->device, NV, data, sizeof(data), &f->err), f->err);
    assert_fails(coco_tpm_device_nv_read(f->device, NV, &buf, &f->err), f->err, COCO_ERR_LIMIT, "");
}

static void
a_tpm_that_is_gone_is_an_error(void **state)
{
    struct fixture *f = *state;
    uint8_t pcr[COCO_TPM_PCR_SIZE] = {0};

    swtpm_kill(&f->tpm);
    assert_fails(coco_tpm_device_read(f->device, 0, pcr, &f->err), f->err, COCO_ERR_IO,
                 "read a PCR");
    assert_fails(coco_tpm_device_extend(f->device, 0, pcr, &f->err), f->err, COCO_ERR_IO,
                 "extend a PCR");
}

static void
quotes_survive_any_failed_allocation(void **state)
{
    struct fixture *f = *state;

    swtpm_make_key(&f->tpm, AK);
    for_each_fault()
    {
        _cleanup_(coco_tpm_device_closep) struct coco_tpm_device *device = NULL;
        _cleanup_tpm_quote_ struct coco_tpm_quote quote = coco_tpm_quote_empty();
        _cleanup_buf_ struct coco_buf der = {.limit = COCO_TPM_AK_MAX};

        coco_status status = coco_tpm_device_open(&device, &f->err);
        if (status == COCO_OK)
            status = coco_tpm_device_key(device, AK, &der, &f->err);
        if (status == COCO_OK)
            status =
                coco_tpm_device_quote(device, AK, (const uint8_t *)"nonce", 5, &quote, &f->err);
        fault_expect(status, f->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_is_found_where_upstream_looks_for_it),
        cmocka_unit_test(what_is_no_tpm_is_an_error),
        TEST(a_quote_is_of_the_pcrs_and_of_the_key),
        TEST(an_extended_pcr_is_seen),
        TEST(a_key_that_is_not_there_is_not_found),
        TEST(too_much_for_a_quote_is_refused),
        TEST(an_nv_index_holds_what_was_written_last),
        TEST(an_nv_index_that_is_not_there_is_not_found),
        TEST(an_nv_index_larger_than_allowed_is_refused),
        TEST(a_tpm_that_is_gone_is_an_error),
        TEST(quotes_survive_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
