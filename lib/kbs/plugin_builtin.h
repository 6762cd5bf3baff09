/*
 * kbs/plugin_builtin.h - the plug-ins that a KBS has of its own
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PLUGIN_BUILTIN_H
#define COCO_KBS_PLUGIN_BUILTIN_H

#include "kbs/core.h"

#include <coco/kbs_plugin.h>

/* One of them: the same functions that a stranger's has. */
struct coco_kbs_builtin {
    coco_kbs_plugin functions;
    /* What is given to them as user, not configured yet; core outlives it. */
    coco_status (*make)(const struct coco_kbs_core *core, void **ret, coco_error **err);
};

/* Short-lived certificates for attested guests. */
extern const struct coco_kbs_builtin coco_kbs_plugin_ca;

/* Secrets and a key pair in a token of hardware; only with COCO_HAVE_PKCS11. */
extern const struct coco_kbs_builtin coco_kbs_plugin_pkcs11;

#endif
