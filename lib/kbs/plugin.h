/*
 * kbs/plugin.h - asking a plug-in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_ASK_PLUGIN_H
#define COCO_KBS_ASK_PLUGIN_H

#include "kbs/core.h"

/*
 * /kbs/v0/<plugin>/<path>: of call->plugin, once it is settled who asks. Any method that
 * plug-ins have.
 */
coco_kbs_handler coco_kbs_ask_plugin;
#define COCO_KBS_PLUGIN_METHODS "GET, POST, PUT, DELETE"

#endif
