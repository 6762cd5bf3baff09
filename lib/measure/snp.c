/*
 * measure/snp.c - what AMD SEV-SNP measures of a launch
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "measure/snp.h"

#include "base/digest.h"
#include "base/fail.h"

#include <string.h>

#define FOUR_GB 0x100000000U
#define VMSA_ADDRESS 0xfffffffff000U /* as firmware has it in the RMP */

/* 56860, table "Layout of the PAGE_INFO structure". */
#define PAGE_INFO_SIZE 0x70
#define CONTENTS_AT 48
#define LENGTH_AT 96
#define TYPE_AT 98
#define ADDRESS_AT 104

enum page_type {
    PAGE_NORMAL = 1,
    PAGE_VMSA = 2,
    PAGE_ZERO = 3,
    PAGE_UNMEASURED = 4,
    PAGE_SECRETS = 5,
    PAGE_CPUID = 6,
};

/* Adds a page; content is measured for PAGE_NORMAL and PAGE_VMSA, NULL for the others. */
static coco_status
add_page(uint8_t chain[COCO_SNP_DIGEST_SIZE], enum page_type type, uint64_t address,
         const uint8_t *content, coco_error **err)
{
    uint8_t info[PAGE_INFO_SIZE] = {0};
    struct coco_digest digest;
    coco_status status = COCO_OK;

    memcpy(info, chain, COCO_SNP_DIGEST_SIZE);
    if (content) {
        status = coco_digest_of(COCO_SHA384, content, COCO_PAGE_SIZE, &digest, err);
        if (status != COCO_OK)
            return status;
        memcpy(info + CONTENTS_AT, digest.bytes, COCO_SNP_DIGEST_SIZE);
    }
    info[LENGTH_AT] = PAGE_INFO_SIZE;
    info[TYPE_AT] = (uint8_t)type;
    for (unsigned i = 0; i < 8; i++)
        info[ADDRESS_AT + i] = (uint8_t)(address >> (8 * i));
    status = coco_digest_of(COCO_SHA384, info, sizeof(info), &digest, err);
    if (status == COCO_OK)
        memcpy(chain, digest.bytes, COCO_SNP_DIGEST_SIZE);
    return status;
}

static coco_status
add_pages(uint8_t *chain, enum page_type type, const struct coco_sev_section *section,
          coco_error **err)
{
    coco_status status = COCO_OK;

    for (uint64_t at = 0; at < section->size && status == COCO_OK; at += COCO_PAGE_SIZE)
        status = add_page(chain, type, section->address + at, NULL, err);
    return status;
}

coco_status
coco_snp_firmware_digest(const struct coco_firmware *firmware, uint8_t ret[COCO_SNP_DIGEST_SIZE],
                         coco_error **err)
{
    uint8_t chain[COCO_SNP_DIGEST_SIZE] = {0};
    uint64_t base = FOUR_GB - firmware->len;
    coco_status status = COCO_OK;

    for (size_t at = 0; at < firmware->len && status == COCO_OK; at += COCO_PAGE_SIZE)
        status = add_page(chain, PAGE_NORMAL, base + at, firmware->data + at, err);
    if (status == COCO_OK)
        memcpy(ret, chain, sizeof(chain));
    return status;
}

/* ---- sections ---- */

/* One page that has the table of a kernel's hashes where the firmware looks for it. */
static coco_status
add_hashes(uint8_t *chain, const struct coco_snp_launch *launch,
           const struct coco_sev_section *section, coco_error **err)
{
    uint8_t page[COCO_PAGE_SIZE] = {0};
    size_t at = launch->firmware->hashes % COCO_PAGE_SIZE;

    if (!launch->kernel)
        return add_pages(chain, PAGE_ZERO, section, err);
    if (section->size != COCO_PAGE_SIZE || at > COCO_PAGE_SIZE - COCO_SEV_HASH_TABLE_SIZE
        || launch->firmware->hashes - at != section->address)
        return coco_fail(err, COCO_ERR_INVALID,
                         "firmware: its place for a kernel's hashes is not in their section");
    coco_status status = coco_sev_hash_table(launch->kernel, page + at, err);
    if (status != COCO_OK)
        return status;
    return add_page(chain, PAGE_NORMAL, section->address, page, err);
}

static coco_status
add_section(uint8_t *chain, const struct coco_snp_launch *launch,
            const struct coco_sev_section *section, coco_error **err)
{
    bool single =
        section->type == COCO_SEV_SECTION_SECRETS || section->type == COCO_SEV_SECTION_CPUID;

    if (single && section->size != COCO_PAGE_SIZE)
        return coco_fail(err, COCO_ERR_NOTSUP, "firmware: section of SEV of type %u, %u bytes",
                         section->type, section->size);
    switch (section->type) {
    case COCO_SEV_SECTION_MEMORY:
        return add_pages(chain, launch->vmm == COCO_VMM_GCE ? PAGE_UNMEASURED : PAGE_ZERO, section,
                         err);
    case COCO_SEV_SECTION_SECRETS:
        return add_page(chain, PAGE_SECRETS, section->address, NULL, err);
    case COCO_SEV_SECTION_CPUID:
        /* EC2 adds it after all others. */
        return launch->vmm == COCO_VMM_EC2
                   ? COCO_OK
                   : add_page(chain, PAGE_CPUID, section->address, NULL, err);
    case COCO_SEV_SECTION_CAA:
        return add_pages(chain, PAGE_ZERO, section, err);
    case COCO_SEV_SECTION_HASHES:
        return add_hashes(chain, launch, section, err);
    default:
        return coco_fail(err, COCO_ERR_NOTSUP, "firmware: section of SEV of type %u",
                         section->type);
    }
}

static coco_status
add_sections(uint8_t *chain, const struct coco_snp_launch *launch, coco_error **err)
{
    const struct coco_firmware *firmware = launch->firmware;
    bool hashes = false;

    for (size_t i = 0; i < firmware->sev_n; i++) {
        coco_status status = add_section(chain, launch, &firmware->sev[i], err);
        if (status != COCO_OK)
            return status;
        hashes = hashes || firmware->sev[i].type == COCO_SEV_SECTION_HASHES;
    }
    for (size_t i = 0; i < firmware->sev_n && launch->vmm == COCO_VMM_EC2; i++) {
        if (firmware->sev[i].type != COCO_SEV_SECTION_CPUID)
            continue;
        coco_status status = add_page(chain, PAGE_CPUID, firmware->sev[i].address, NULL, err);
        if (status != COCO_OK)
            return status;
    }
    /* Such firmware boots any kernel: a digest for one would promise too much. */
    if (launch->kernel && !hashes)
        return coco_fail(err, COCO_ERR_INVALID, "firmware: it does not measure a kernel");
    return COCO_OK;
}

/* ---- CPUs ---- */

static coco_status
add_cpus(uint8_t *chain, const struct coco_snp_launch *launch, coco_error **err)
{
    struct coco_vmsa vmsa = {
        .begin = COCO_VMSA_FIRST_CPU,
        .signature = launch->signature,
        .features = launch->features,
        .vmm = launch->vmm,
    };
    coco_status status = COCO_OK;

    for (uint32_t i = 0; i < launch->vcpus && status == COCO_OK; i++) {
        uint8_t page[COCO_PAGE_SIZE];

        coco_vmsa_format(&vmsa, page);
        status = add_page(chain, PAGE_VMSA, VMSA_ADDRESS, page, err);
        vmsa.begin = launch->firmware->reset;
    }
    return status;
}

coco_status
coco_snp_launch_digest(const struct coco_snp_launch *launch, uint8_t ret[COCO_SNP_DIGEST_SIZE],
                       coco_error **err)
{
    uint8_t chain[COCO_SNP_DIGEST_SIZE] = {0};
    coco_status status = COCO_OK;

    if (launch->vcpus == 0 || launch->vcpus > COCO_MEASURE_VCPUS_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "launch with %u CPUs", launch->vcpus);
    if (launch->firmware->sev_n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "firmware: it is not made for SEV-SNP");
    if (launch->vcpus > 1 && !launch->firmware->has_reset)
        return coco_fail(err, COCO_ERR_INVALID,
                         "firmware: it does not say where CPUs after the first begin");
    if (launch->begun)
        memcpy(chain, launch->begun, sizeof(chain));
    else
        status = coco_snp_firmware_digest(launch->firmware, chain, err);
    if (status == COCO_OK)
        status = add_sections(chain, launch, err);
    if (status == COCO_OK)
        status = add_cpus(chain, launch, err);
    if (status == COCO_OK)
        memcpy(ret, chain, sizeof(chain));
    return status;
}
