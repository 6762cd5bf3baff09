/*
 * kbs/plugins.h - the plug-ins of one KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_PLUGINS_H
#define COCO_KBS_PLUGINS_H

#include "kbs/core.h"

#include <coco/kbs_plugin.h>

#define COCO_KBS_PLUGIN_NAME_MAX 32

/* None is added while requests are handled. */
struct coco_kbs_plugins;

/* One that is there. */
struct coco_kbs_plugin_entry {
    char name[COCO_KBS_PLUGIN_NAME_MAX + 1];
    coco_kbs_plugin functions;
    void *user;
};

/* Those of core, which must outlive them: what its configuration turns on. */
coco_status coco_kbs_plugins_open(const struct coco_kbs_core *core, struct coco_kbs_plugins **ret,
                                  coco_error **err);
void coco_kbs_plugins_close(struct coco_kbs_plugins *plugins);
COCO_DEFINE_CLEANUP(struct coco_kbs_plugins *, coco_kbs_plugins_close);

/* As coco_kbs_add_plugin(), of a KBS that is serving or not. */
coco_status coco_kbs_plugins_add(struct coco_kbs_plugins *plugins, bool serving,
                                 const coco_kbs_plugin *plugin, void *user, coco_error **err);

/* COCO_ERR_PROTO, with the nearest, if the configuration names one that is not there. */
coco_status coco_kbs_plugins_check(const struct coco_kbs_plugins *plugins, coco_error **err);

/* NULL if there is none. */
const struct coco_kbs_plugin_entry *coco_kbs_plugins_find(const struct coco_kbs_plugins *plugins,
                                                          const char *name);

/*
 * Whether path, what follows /kbs/v0/, is of one of them, which then is call's, with what
 * follows its name, perhaps nothing. plugins may be NULL.
 */
bool coco_kbs_plugins_match(const struct coco_kbs_plugins *plugins, const char *path,
                            struct coco_kbs_call *call);

#endif
