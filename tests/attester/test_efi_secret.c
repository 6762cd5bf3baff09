/*
 * tests/attester/test_efi_secret.c - lib/attester/efi_secret.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attester/efi_secret.h"

#include "attester/paths.h"
#include "tests/canary.h"
#include "tests/fakekernel.h"
#include "tests/faults.h"

#include <stdlib.h>
#include <string.h>

#define GUID "e6f5a162-d67f-4750-a67c-5d065f2a9910"
#define NEW "/sys/kernel/security/secrets/coco/" GUID
#define OLD "/sys/kernel/security/coco/efi_secret/" GUID
#define SECRET "what the owner put in"

static int
setup(void **state)
{
    static struct fake_kernel fake;

    fake_kernel_init(&fake);
    fake.files[0] =
        (struct fake_file){.path = NEW, .data = (const uint8_t *)SECRET, .len = strlen(SECRET)};
    *state = &fake;
    return unsetenv(COCO_TEE_ROOT_VARIABLE);
}

static void
assert_reads(const struct fake_kernel *fake, const char *want)
{
    _cleanup_secret_ struct coco_secret secret = {0};
    coco_error *err = NULL;

    assert_ok(coco_efi_secret_read(&fake->table, GUID, &secret, &err), err);
    assert_true(coco_secret_equal(&secret, want, strlen(want)));
}

static void
a_secret_is_where_either_kernel_has_it(void **state)
{
    struct fake_kernel *fake = *state;

    assert_reads(fake, SECRET);
    fake->files[1] = (struct fake_file){.path = OLD, .data = (const uint8_t *)"old", .len = 3};
    assert_reads(fake, SECRET);
    fake->files[0].path = "/elsewhere";
    assert_reads(fake, "old");
}

static void
what_was_not_put_in_is_not_found(void **state)
{
    struct fake_kernel *fake = *state;
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    fake->files[0].path = "/elsewhere";
    assert_fails(coco_efi_secret_read(&fake->table, GUID, &secret, &err), err, COCO_ERR_NOTFOUND,
                 "no secret " GUID);
    assert_false(coco_efi_secret_detect());
    assert_null(secret.data);
}

static void
a_secret_that_cannot_be_read_is_an_error(void **state)
{
    static uint8_t endless[COCO_EFI_SECRET_MAX + 1];
    struct fake_kernel *fake = *state;
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    fake->files[1] = (struct fake_file){.path = OLD, .data = (const uint8_t *)"old", .len = 3};
    fake->fails = GUID;
    fake->fails_with = EACCES;
    assert_fails(coco_efi_secret_read(&fake->table, GUID, &secret, &err), err, COCO_ERR_IO, NEW);
    fake->fails = NULL;
    fake->files[0].data = endless;
    fake->files[0].len = sizeof(endless);
    assert_fails(coco_efi_secret_read(&fake->table, GUID, &secret, &err), err, COCO_ERR_LIMIT, NEW);
    assert_null(secret.data);
}

static void
a_name_is_a_guid(void **state)
{
    static const char *const names[] = {
        "",
        "..",
        "../../../etc/passwd",
        "e6f5a162-d67f-4750-a67c-5d065f2a991",
        "E6F5A162-D67F-4750-A67C-5D065F2A9910",
        "e6f5a162-d67f-4750-a67c-5d065f2a99100",
    };
    struct fake_kernel *fake = *state;
    struct coco_secret secret = {0};
    coco_error *err = NULL;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_fails(coco_efi_secret_read(&fake->table, names[i], &secret, &err), err,
                     COCO_ERR_INVALID, "no GUID");
}

static void
no_copy_is_left_behind(void **state)
{
    struct fake_kernel *fake = *state;

    canary_begin(SECRET, strlen(SECRET));
    assert_reads(fake, SECRET);
    assert_int_equal(canary_end(), 0);
}

static void
reading_survives_any_failed_allocation(void **state)
{
    struct fake_kernel *fake = *state;

    for_each_fault()
    {
        _cleanup_secret_ struct coco_secret secret = {0};
        coco_error *err = NULL;

        coco_status status = coco_efi_secret_read(&fake->table, GUID, &secret, &err);
        fault_expect(status, err);
    }
    assert_int_equal(fake_kernel_open(fake), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_is_where_either_kernel_has_it),
        TEST(what_was_not_put_in_is_not_found),
        TEST(a_secret_that_cannot_be_read_is_an_error),
        TEST(a_name_is_a_guid),
        TEST(no_copy_is_left_behind),
        TEST(reading_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
