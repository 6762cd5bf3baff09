/*
 * fuzz/firmware/target.c - firmware images, and what is measured of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/snp.h"
#include "measure/tdx.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX ((uint64_t)1 << 20) /* of sections; more is only slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_small(const struct coco_firmware *firmware)
{
    uint64_t total = 0;

    for (size_t i = 0; i < firmware->sev_n; i++)
        total += firmware->sev[i].size;
    for (size_t i = 0; i < firmware->tdx_n; i++)
        total += firmware->tdx[i].size;
    return total <= MEMORY_MAX;
}

/* Inputs are ends of an image: whole pages of a small one are mostly nothing. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct coco_sev_kernel kernel = {{"k", 1}, {"i", 1}, "c"};
    uint8_t image[COCO_PAGE_SIZE] = {0};
    struct coco_firmware firmware;
    uint8_t digest[COCO_SNP_DIGEST_SIZE];

    if (len > sizeof(image))
        return 0;
    if (len > 0)
        memcpy(image + sizeof(image) - len, data, len);
    if (coco_firmware_parse(image, sizeof(image), &firmware, NULL) != COCO_OK)
        return 0;
    if (firmware.sev_n > COCO_FIRMWARE_SECTIONS_MAX || firmware.tdx_n > COCO_FIRMWARE_SECTIONS_MAX)
        abort();
    if (!is_small(&firmware))
        return 0;
    const struct coco_snp_launch launch = {.firmware = &firmware, .kernel = &kernel, .vcpus = 2};

    (void)coco_snp_launch_digest(&launch, digest, NULL);
    (void)coco_tdx_mrtd(&firmware, COCO_TDX_BY_SECTION, digest, NULL);
    return 0;
}
