/*
 * kbc/params.h - which key broker this machine was told to use (aa_kbc_params)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBC_PARAMS_H
#define COCO_KBC_PARAMS_H

#include "attester/kernel.h"

#define COCO_KBC_PARAMS_MAX ((size_t)4096)

/*
 * Appends $AA_KBC_PARAMS, else the value of agent.aa_kbc_params= on the kernel's
 * command line, else "offline_fs_kbc::" (guest-protocols 2.5). The last of several on a
 * command line counts, as the kernel has it. What is found is not looked at.
 *
 * The command line is measured where the platform measures it, and the environment is
 * whoever's who started the program: both are as trustworthy as the TEE's owner made them.
 */
coco_status coco_kbc_params_find(const struct coco_kernel *kernel, struct coco_buf *buf,
                                 coco_error **err);

#endif
