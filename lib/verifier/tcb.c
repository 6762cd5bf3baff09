/*
 * verifier/tcb.c - what Intel says of the firmware of one machine
 *
 * Intel, "Quote Verification Library" specification, section 4.1.2.4.17: the
 * machine's level is looked up twice, for the part that SGX shares and for all of
 * it; then the module of TDX and the quoting enclave may make it worse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/tcb.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>

/* In tcb_svn of a TD: the version of the TDX module, and the number of its update. */
#define SVN_UPDATE 0
#define SVN_MODULE 1
#define SVN_MICROCODE 2

/* ---- the module of TDX ---- */

static coco_status
find_module(const struct coco_tcb_info *info, uint8_t version, const struct coco_tcb_module **ret,
            coco_error **err)
{
    *ret = coco_tcb_info_module(info, version);
    if (!*ret)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no TDX module of version %u", version);
    return COCO_OK;
}

coco_status
coco_tcb_check_module(const struct coco_tcb_info *info, const struct coco_td_report *td,
                      coco_error **err)
{
    const struct coco_tcb_module *module = NULL;
    char hex[2 * sizeof(td->mrsigner_seam) + 1];

    coco_status status = find_module(info, td->tcb_svn[SVN_MODULE], &module, err);
    if (status != COCO_OK)
        return status;
    if (memcmp(td->mrsigner_seam, module->mrsigner, sizeof(module->mrsigner)) != 0) {
        coco_hex(td->mrsigner_seam, sizeof(td->mrsigner_seam), hex);
        return coco_fail(err, COCO_ERR_VERIFY, "TDX module of another signer, %s", hex);
    }
    for (size_t i = 0; i < sizeof(td->seam_attributes); i++)
        if ((td->seam_attributes[i] & module->attributes_mask[i]) != module->attributes[i])
            return coco_fail(err, COCO_ERR_VERIFY, "TDX module with other attributes");
    return COCO_OK;
}

/* Version 0 has no levels: its number is among the components of the machine. */
static coco_status
find_module_level(const struct coco_tcb_input *input, const struct coco_pcs_level **ret,
                  coco_error **err)
{
    const uint8_t *svn = input->quote->td.tcb_svn;
    const struct coco_tcb_module *module = NULL;

    *ret = NULL;
    if (svn[SVN_MODULE] == 0)
        return COCO_OK;
    coco_status status = find_module(input->info, svn[SVN_MODULE], &module, err);
    if (status != COCO_OK)
        return status;
    *ret = coco_pcs_levels_find(&module->levels, svn[SVN_UPDATE]);
    if (!*ret)
        return coco_fail(err, COCO_ERR_VERIFY, "TDX module %u.%u is below all levels",
                         svn[SVN_MODULE], svn[SVN_UPDATE]);
    return COCO_OK;
}

/* ---- the machine ---- */

static bool
reaches_sgx(const struct coco_pck *pck, const struct coco_tcb_level *level)
{
    for (size_t i = 0; i < COCO_TCB_COMPONENTS; i++)
        if (pck->components[i] < level->sgx[i])
            return false;
    return pck->pce_svn >= level->pce_svn;
}

/* A module that has levels of its own is not compared here. */
static bool
reaches_tdx(const uint8_t svn[COCO_TCB_COMPONENTS], const struct coco_tcb_level *level)
{
    for (size_t i = svn[SVN_MODULE] > 0 ? SVN_MICROCODE : 0; i < COCO_TCB_COMPONENTS; i++)
        if (svn[i] < level->tdx[i])
            return false;
    return true;
}

/* The first level for SGX, and the first for all; NULL for none. */
static void
find_levels(const struct coco_tcb_input *input, const struct coco_tcb_level **sgx,
            const struct coco_tcb_level **all)
{
    *sgx = NULL;
    *all = NULL;
    for (size_t i = 0; i < input->info->n_levels && !*all; i++) {
        const struct coco_tcb_level *level = &input->info->levels[i];

        if (!reaches_sgx(input->pck, level))
            continue;
        if (!*sgx)
            *sgx = level;
        if (!input->info->tdx || reaches_tdx(input->quote->td.tcb_svn, level))
            *all = level;
    }
}

/* What is out of date makes the rest so; hardening is then no longer the question. */
static unsigned
degrade(unsigned status, const struct coco_pcs_level *part)
{
    if (!part)
        return status;
    if ((status | part->status) & COCO_TCB_REVOKED)
        return COCO_TCB_REVOKED;
    if (part->status & COCO_TCB_OUT_OF_DATE
        && !(status & (COCO_TCB_OUT_OF_DATE | COCO_TCB_RELAUNCH_ADVISED)))
        return (status & COCO_TCB_CONFIGURATION_NEEDED) | COCO_TCB_OUT_OF_DATE;
    return status;
}

/*
 * TD 1.5 reports what it was started under and what runs now (section
 * 4.1.2.4.17.4.3): where nothing but the former is out of date, starting the TD
 * again is all that is needed.
 */
static coco_status
check_relaunch(const struct coco_tcb_input *input, const struct coco_tcb_level *sgx,
               struct coco_tcb_judgement *judgement, coco_error **err)
{
    const unsigned bad = COCO_TCB_OUT_OF_DATE | COCO_TCB_REVOKED;
    const uint8_t *now = input->quote->td.tcb_svn2;
    const struct coco_tcb_level *latest = &input->info->levels[0];
    const struct coco_tcb_module *module = NULL;
    uint16_t update = latest->tdx[SVN_UPDATE];

    if ((input->qe && input->qe->status & bad) || sgx->status & bad
        || !(judgement->status & COCO_TCB_OUT_OF_DATE) || !judgement->module
        || !(judgement->module->status & COCO_TCB_OUT_OF_DATE))
        return COCO_OK;
    if (now[SVN_MODULE] > 0) {
        coco_status status = find_module(input->info, now[SVN_MODULE], &module, err);
        if (status != COCO_OK)
            return status;
        update = module->levels.levels[0].svn;
    }
    if (now[SVN_UPDATE] >= update && now[SVN_MICROCODE] >= latest->tdx[SVN_MICROCODE])
        judgement->status = ((judgement->status | sgx->status) & COCO_TCB_CONFIGURATION_NEEDED)
                            | COCO_TCB_RELAUNCH_ADVISED;
    return COCO_OK;
}

coco_status
coco_tcb_judge(const struct coco_tcb_input *input, struct coco_tcb_judgement *ret, coco_error **err)
{
    const struct coco_tcb_level *sgx = NULL;
    struct coco_tcb_judgement judgement = {0};
    coco_status status = COCO_OK;

    find_levels(input, &sgx, &judgement.level);
    if (!judgement.level)
        return coco_fail(err, COCO_ERR_VERIFY, "the machine is below all %zu levels",
                         input->info->n_levels);
    judgement.status = judgement.level->status;
    if (input->info->tdx)
        status = find_module_level(input, &judgement.module, err);
    if (status != COCO_OK)
        return status;
    judgement.status = degrade(judgement.status, judgement.module);
    if (input->quote->body == COCO_QUOTE_TD15)
        status = check_relaunch(input, sgx, &judgement, err);
    if (status != COCO_OK)
        return status;
    judgement.status = degrade(judgement.status, input->qe);
    /* Where the level of SGX is revoked, a lower one that TDX would go by says nothing better. */
    if (sgx->status & COCO_TCB_REVOKED)
        judgement.status = COCO_TCB_REVOKED;
    *ret = judgement;
    return COCO_OK;
}
