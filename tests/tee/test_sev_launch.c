/*
 * tests/tee/test_sev_launch.c - lib/tee/sev_launch.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_launch.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/text.h"
#include "tests/faults.h"

#include <string.h>

#define OVMF "sev/sevctl/OVMF.amdsev.fd_trimmed_edk2-ovmf-20220126gitbb1bba3d77-4.el9"

static coco_error *err;

static void
from_base64(const char *text, uint8_t *ret, size_t len)
{
    _cleanup_buf_ struct coco_buf buf = {.limit = 256};

    assert_ok(coco_base64_decode(COCO_BASE64, text, strlen(text), &buf, &err), err);
    assert_int_equal(buf.len, len);
    memcpy(ret, buf.data, len);
}

/* The sev crate's own vector (6.3.1, measurement test). */
static void
a_launch_is_measured_as_upstream_does(void **state)
{
    struct coco_sev_launch launch = {.api_major = 0, .api_minor = 18, .build = 15};
    struct coco_digest digest;
    uint8_t tik[COCO_SEV_KEY_SIZE];
    const struct coco_secret key = {.data = tik, .len = sizeof(tik)};
    uint8_t mac[COCO_SEV_MAC_SIZE];
    char hex[65];

    (void)state;
    assert_true(coco_unhex("66320db73158a35a255d051758e95ed4", 32, tik, sizeof(tik)));
    assert_true(
        coco_unhex("4fbe0bedbad6c86ae8f68971d103e554", 32, launch.mnonce, sizeof(launch.mnonce)));
    assert_ok(coco_digest_of(COCO_SHA256, "", 0, &digest, &err), err);
    memcpy(launch.digest, digest.bytes, sizeof(launch.digest));
    assert_ok(coco_sev_launch_measure(&launch, &key, mac, &err), err);
    coco_hex(mac, sizeof(mac), hex);
    assert_string_equal(hex, "6faab2daae389bcd3405a05d6cafe33c0414f7bedd0bae19ba5f38b7fd1664ea");
}

static void
everything_about_a_launch_is_measured(void **state)
{
    const struct coco_sev_launch launch = {.api_major = 1, .api_minor = 40, .build = 7};
    uint8_t tik[COCO_SEV_KEY_SIZE] = {0};
    const struct coco_secret key = {.data = tik, .len = sizeof(tik)};
    uint8_t want[COCO_SEV_MAC_SIZE];
    struct coco_sev_launch changed[6];

    (void)state;
    assert_ok(coco_sev_launch_measure(&launch, &key, want, &err), err);
    for (size_t i = 0; i < 6; i++)
        changed[i] = launch;
    changed[0].api_major++;
    changed[1].api_minor++;
    changed[2].build++;
    changed[3].policy = 1U << 31;
    changed[4].digest[31] ^= 1;
    changed[5].mnonce[15] ^= 1;
    for (size_t i = 0; i < 6; i++) {
        uint8_t mac[COCO_SEV_MAC_SIZE];

        assert_ok(coco_sev_launch_measure(&changed[i], &key, mac, &err), err);
        assert_memory_not_equal(mac, want, sizeof(mac));
    }
}

static void
the_table_of_hashes_is_qemus(void **state)
{
    static const uint8_t head[] = {0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4,
                                   0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21, 168,  0};
    const struct coco_sev_kernel kernel = {{"k", 1}, {NULL, 0}, ""};
    uint8_t table[COCO_SEV_HASH_TABLE_SIZE];
    struct coco_digest nul;
    struct coco_digest nothing;

    (void)state;
    assert_ok(coco_sev_hash_table(&kernel, table, &err), err);
    assert_memory_equal(table, head, sizeof(head));
    assert_int_equal(table[18 + 16], 50);
    assert_ok(coco_digest_of(COCO_SHA256, "", 1, &nul, &err), err);
    assert_ok(coco_digest_of(COCO_SHA256, "", 0, &nothing, &err), err);
    assert_memory_equal(table + 36, nul.bytes, 32);
    assert_memory_equal(table + 36 + 50, nothing.bytes, 32);
    for (size_t i = 168; i < sizeof(table); i++)
        assert_int_equal(table[i], 0);
}

static void
guests_without_states_of_their_cpus_are_refused(void **state)
{
    static const uint8_t vmsa[COCO_SEV_VMSA_SIZE];
    struct coco_sev_guest guest = {.firmware = {"f", 1}, .vcpus = 1};
    uint8_t digest[COCO_SEV_DIGEST_SIZE];

    (void)state;
    assert_fails(coco_sev_launch_digest(&guest, digest, &err), err, COCO_ERR_INVALID,
                 "without their states");
    guest.first_vmsa = vmsa;
    assert_ok(coco_sev_launch_digest(&guest, digest, &err), err);
    guest.vcpus = 2;
    assert_fails(coco_sev_launch_digest(&guest, digest, &err), err, COCO_ERR_INVALID,
                 "without their states");
    guest.other_vmsa = vmsa;
    guest.vcpus = 5000;
    assert_fails(coco_sev_launch_digest(&guest, digest, &err), err, COCO_ERR_LIMIT, "5000 CPUs");
}

/* ---- sevctl's vectors (tests/test_measurement_build.py of virtee/sevctl) ---- */

static struct coco_sev_part
part_of(char **data, const char *name)
{
    size_t len = 0;

    *data = read_fixture(name, &len);
    return (struct coco_sev_part){*data, len};
}

static void
assert_measurement(const uint8_t digest[COCO_SEV_DIGEST_SIZE], struct coco_sev_launch launch,
                   const char *blob)
{
    size_t tik_len = 0;
    _cleanup_free_ char *tik = read_fixture("sev/sevctl/measurement/tik1.bin", &tik_len);
    const struct coco_secret key = {.data = (uint8_t *)tik, .len = tik_len};
    uint8_t want[COCO_SEV_MEASUREMENT_SIZE];
    uint8_t mac[COCO_SEV_MAC_SIZE];

    from_base64(blob, want, sizeof(want));
    memcpy(launch.mnonce, want + COCO_SEV_MAC_SIZE, sizeof(launch.mnonce));
    memcpy(launch.digest, digest, sizeof(launch.digest));
    assert_ok(coco_sev_launch_measure(&launch, &key, mac, &err), err);
    assert_memory_equal(mac, want, sizeof(mac));
}

static void
recorded_measurements_come_out(void **state)
{
    const struct coco_sev_launch launch = {
        .api_major = 1, .api_minor = 40, .build = 40, .policy = 3};
    _cleanup_free_ char *firmware = NULL;
    _cleanup_free_ char *vmlinuz = NULL;
    _cleanup_free_ char *initrd = NULL;
    uint8_t digest[COCO_SEV_DIGEST_SIZE];

    (void)state;
    from_base64("xkvRAfyaSizgonxAjZIAkR8TmolUabBKQKb6KJCDDSM=", digest, sizeof(digest));
    assert_measurement(digest, launch,
                       "lswbxWxI9gckya16JQvdFtpYmNO4b+3inAPpqsgoBI7DE/q1EcIWsVBbGy6pkDxA");

    struct coco_sev_guest guest = {.firmware = part_of(&firmware, OVMF)};
    assert_ok(coco_sev_launch_digest(&guest, digest, &err), err);
    assert_measurement(digest, launch,
                       "oMDewIouJSpbpNRHj7Mk3p08H2dPZQdsZMU14qIymBnDE/q1EcIWsVBbGy6pkDxA");

    const struct coco_sev_kernel kernel = {
        .kernel = part_of(&vmlinuz, "sev/sevctl/measurement/vmlinuz-fake"),
        .initrd = part_of(&initrd, "sev/sevctl/measurement/initrd-fake"),
        .cmdline = "foo bar baz fake kernel=cmdline",
    };
    guest.kernel = &kernel;
    assert_ok(coco_sev_launch_digest(&guest, digest, &err), err);
    assert_measurement(digest, launch,
                       "h3auYbWQnVW7EGLWN4Hf9SN0oEYMPU2sK4bLnefWPwvDE/q1EcIWsVBbGy6pkDxA");
}

static void
recorded_states_of_cpus_are_measured(void **state)
{
    const struct coco_sev_launch launch = {
        .api_major = 1, .api_minor = 49, .build = 6, .policy = 5};
    _cleanup_free_ char *firmware = NULL;
    _cleanup_free_ char *vmsa0 = NULL;
    _cleanup_free_ char *vmsa1 = NULL;
    struct coco_sev_guest guest = {.firmware = part_of(&firmware, OVMF), .vcpus = 4};
    uint8_t digest[COCO_SEV_DIGEST_SIZE];

    (void)state;
    guest.first_vmsa = part_of(&vmsa0, "sev/sevctl/vmsa0.bin").data;
    guest.other_vmsa = part_of(&vmsa1, "sev/sevctl/vmsa1.bin").data;
    assert_ok(coco_sev_launch_digest(&guest, digest, &err), err);
    assert_measurement(digest, launch,
                       "/o0nzDKE5XgtVnUZWPhUea/WZYrTKLExR7KCwuMdbActvpWfXTFk21KMZIAAhQny");
}

static void
all_of_it_survives_any_failed_allocation(void **state)
{
    const struct coco_sev_kernel kernel = {{"k", 1}, {"i", 1}, "c"};
    const struct coco_sev_guest guest = {.firmware = {"f", 1}, .kernel = &kernel};
    uint8_t tik[COCO_SEV_KEY_SIZE] = {0};
    const struct coco_secret key = {.data = tik, .len = sizeof(tik)};

    (void)state;
    for_each_fault()
    {
        struct coco_sev_launch launch = {0};
        uint8_t mac[COCO_SEV_MAC_SIZE];

        coco_status status = coco_sev_launch_digest(&guest, launch.digest, &err);
        if (status == COCO_OK)
            status = coco_sev_launch_measure(&launch, &key, mac, &err);
        fault_expect(status, err);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_is_measured_as_upstream_does),
        cmocka_unit_test(everything_about_a_launch_is_measured),
        cmocka_unit_test(the_table_of_hashes_is_qemus),
        cmocka_unit_test(guests_without_states_of_their_cpus_are_refused),
        cmocka_unit_test(recorded_measurements_come_out),
        cmocka_unit_test(recorded_states_of_cpus_are_measured),
        cmocka_unit_test(all_of_it_survives_any_failed_allocation),
    };

    return cmocka_run_group_tests_name("tee/sev_launch", tests, NULL, NULL);
}
