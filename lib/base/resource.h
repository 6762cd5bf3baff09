/*
 * base/resource.h - the names of resources in a KBS
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_RESOURCE_H
#define COCO_BASE_RESOURCE_H

#include <coco/error.h>

#include <stdbool.h>

#define COCO_RESOURCE_PART_MAX 255

/* <repository>/<type>/<tag>, each of [A-Za-z0-9_-][A-Za-z0-9_.-]* (kbs-protocol C.1). */
struct coco_resource_path {
    char text[3 * COCO_RESOURCE_PART_MAX + 3];
    char repository[COCO_RESOURCE_PART_MAX + 1];
    char type[COCO_RESOURCE_PART_MAX + 1];
    char tag[COCO_RESOURCE_PART_MAX + 1];
};

/* What the paths of some resources begin with: "", "<repository>/" or "<repository>/<type>/". */
struct coco_resource_prefix {
    char text[2 * COCO_RESOURCE_PART_MAX + 3];
};

/* COCO_ERR_INVALID for anything else; never touches a file system. */
coco_status coco_resource_path_parse(const char *text, struct coco_resource_path *ret,
                                     coco_error **err);

/* The first parts of a path or the whole: <repository>[/<type>[/<tag>]]. */
#define COCO_RESOURCE_PARTS_SIZE sizeof(((struct coco_resource_path *)0)->text)
coco_status coco_resource_parts_check(const char *text, coco_error **err);

/* kbs://[host[:port]]/<path>; the host is checked for form and dropped. A query is refused. */
coco_status coco_resource_uri_parse(const char *text, struct coco_resource_path *ret,
                                    coco_error **err);

/* "kbs:///" and what is in a prefix. */
coco_status coco_resource_prefix_parse(const char *text, struct coco_resource_prefix *ret,
                                       coco_error **err);
bool coco_resource_prefix_covers(const struct coco_resource_prefix *prefix,
                                 const struct coco_resource_path *path);

/*
 * What follows the name of a plug-in of a KBS: 1 to COCO_PLUGIN_PARTS_MAX parts, as those of a
 * resource are, with / between.
 */
#define COCO_PLUGIN_PARTS_MAX 16
coco_status coco_plugin_path_check(const char *text, coco_error **err);

#define COCO_PLUGIN_TARGET_MAX 2048

/* kbs+<plugin>://[host[:port]]/<path>[?<query>], which is <plugin>/<path>[?<query>] of a KBS. */
struct coco_plugin_uri {
    char target[COCO_PLUGIN_TARGET_MAX + 1];
};

/* Whether text is meant to be one: kbs+<plugin>://…, or kbs://…?<query>, of the plug-in resource.
 */
bool coco_plugin_uri_is(const char *text);
/* COCO_ERR_INVALID for anything else; a query is of what RFC 3986 section 3.4 lets in. */
coco_status coco_plugin_uri_parse(const char *text, struct coco_plugin_uri *ret, coco_error **err);

#endif
