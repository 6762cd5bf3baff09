/*
 * tee/sev_launch.c - what AMD SEV and SEV-ES measure of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_launch.h"

#include "base/digest.h"
#include "base/fail.h"
#include "crypto/mac.h"
#include "tee/guid.h"

#include <assert.h>
#include <string.h>

#define VCPUS_MAX 4096U

/* 55766, table "LAUNCH_MEASURE measurement buffer". */
#define CONTEXT 0x04
#define INPUT_SIZE (1 + 3 + 4 + COCO_SEV_DIGEST_SIZE + COCO_SEV_MNONCE_SIZE)

coco_status
coco_sev_launch_measure(const struct coco_sev_launch *launch, const struct coco_secret *tik,
                        uint8_t ret[COCO_SEV_MAC_SIZE], coco_error **err)
{
    uint8_t input[INPUT_SIZE] = {CONTEXT, launch->api_major, launch->api_minor, launch->build};

    for (unsigned i = 0; i < 4; i++)
        input[4 + i] = (uint8_t)(launch->policy >> (8 * i));
    memcpy(input + 8, launch->digest, sizeof(launch->digest));
    memcpy(input + 8 + sizeof(launch->digest), launch->mnonce, sizeof(launch->mnonce));
    return coco_hmac(EVP_sha256(), tik, input, sizeof(input), ret, err);
}

/* ---- the table of hashes (QEMU, target/i386/sev.c) ---- */

#define TABLE_GUID "9438d606-4f22-4cc9-b479-a793d411fd21"
#define CMDLINE_GUID "97d02dd8-bd20-4c94-aa78-e7714d36ab2a"
#define INITRD_GUID "44baf731-3a2f-4bd7-9af1-41e29169781d"
#define KERNEL_GUID "4de79437-abd2-427f-b835-d5b172d2045b"
#define HEAD_SIZE (COCO_GUID_SIZE + 2)
#define ENTRY_SIZE (HEAD_SIZE + COCO_SEV_DIGEST_SIZE)
#define ENTRIES 3

static void
put_head(uint8_t *p, const char *guid, size_t len)
{
    uint8_t bytes[COCO_GUID_SIZE] = {0};
    bool known = coco_guid_parse(guid, bytes);

    assert(known); /* one of the constants above */
    (void)known;
    coco_guid_swap(bytes, p);
    p[COCO_GUID_SIZE] = (uint8_t)len;
    p[COCO_GUID_SIZE + 1] = (uint8_t)(len >> 8);
}

coco_status
coco_sev_hash_table(const struct coco_sev_kernel *kernel, uint8_t ret[COCO_SEV_HASH_TABLE_SIZE],
                    coco_error **err)
{
    const struct {
        const char *guid;
        struct coco_sev_part part;
    } entries[ENTRIES] = {
        {CMDLINE_GUID, {kernel->cmdline, strlen(kernel->cmdline) + 1}},
        {INITRD_GUID, kernel->initrd},
        {KERNEL_GUID, kernel->kernel},
    };
    uint8_t table[COCO_SEV_HASH_TABLE_SIZE] = {0};

    put_head(table, TABLE_GUID, HEAD_SIZE + ENTRIES * ENTRY_SIZE);
    for (size_t i = 0; i < ENTRIES; i++) {
        uint8_t *entry = table + HEAD_SIZE + i * ENTRY_SIZE;
        struct coco_digest digest;

        coco_status status =
            coco_digest_of(COCO_SHA256, entries[i].part.data, entries[i].part.len, &digest, err);
        if (status != COCO_OK)
            return status;
        put_head(entry, entries[i].guid, ENTRY_SIZE);
        memcpy(entry + HEAD_SIZE, digest.bytes, COCO_SEV_DIGEST_SIZE);
    }
    memcpy(ret, table, sizeof(table));
    return COCO_OK;
}

/* ---- the launch digest ---- */

static coco_status
check_guest(const struct coco_sev_guest *guest, coco_error **err)
{
    if (guest->vcpus > VCPUS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "guest of %u CPUs", guest->vcpus);
    if ((guest->vcpus > 0 && !guest->first_vmsa) || (guest->vcpus > 1 && !guest->other_vmsa))
        return coco_fail(err, COCO_ERR_INVALID, "guest of %u CPUs without their states",
                         guest->vcpus);
    return COCO_OK;
}

static coco_status
add_kernel(struct coco_hash *hash, const struct coco_sev_kernel *kernel, coco_error **err)
{
    uint8_t table[COCO_SEV_HASH_TABLE_SIZE];

    coco_status status = coco_sev_hash_table(kernel, table, err);
    return status == COCO_OK ? coco_hash_add(hash, table, sizeof(table), err) : status;
}

coco_status
coco_sev_launch_digest(const struct coco_sev_guest *guest, uint8_t ret[COCO_SEV_DIGEST_SIZE],
                       coco_error **err)
{
    _cleanup_hash_ struct coco_hash hash = {0};
    struct coco_digest digest;

    coco_status status = check_guest(guest, err);
    if (status == COCO_OK)
        status = coco_hash_begin(&hash, COCO_SHA256, err);
    if (status == COCO_OK)
        status = coco_hash_add(&hash, guest->firmware.data, guest->firmware.len, err);
    if (status == COCO_OK && guest->kernel)
        status = add_kernel(&hash, guest->kernel, err);
    for (uint32_t i = 0; i < guest->vcpus && status == COCO_OK; i++)
        status = coco_hash_add(&hash, i == 0 ? guest->first_vmsa : guest->other_vmsa,
                               COCO_SEV_VMSA_SIZE, err);
    if (status == COCO_OK)
        status = coco_hash_end(&hash, &digest, err);
    if (status == COCO_OK)
        memcpy(ret, digest.bytes, COCO_SEV_DIGEST_SIZE);
    return status;
}
