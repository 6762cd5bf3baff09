/*
 * verifier/boot_claims.h - kernel, command line and initrd, by what a log calls them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_BOOT_CLAIMS_H
#define COCO_VERIFIER_BOOT_CLAIMS_H

#include "base/json.h"
#include "tee/eventlog.h"

/*
 * Adds "boot": {"kernel", "cmdline", "initrd"}, the digest of each as hex, and
 * "cmdline_text" where that digest is the one of a text in the log. They are found as
 * UEFI's own loader (-kernel of QEMU), Linux's EFI stub, GRUB, systemd-stub and TD
 * shim call them.
 *
 * What events are called is not measured: a log may call anything a kernel. So each
 * is there only if one event alone has its name, and a policy that reads it must
 * also know the register it was measured into, as those of upstream do.
 */
coco_status coco_claim_boot(cJSON *claims, const struct coco_eventlog *log, coco_error **err);

#endif
