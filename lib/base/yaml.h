/*
 * base/yaml.h - as much of YAML 1.2 as small files of settings are written in
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_YAML_H
#define COCO_BASE_YAML_H

#include "base/json.h"

#define COCO_YAML_SIZE_MAX ((size_t)64 << 10)

/*
 * Reads a mapping, as JSON or in block style, into the tree that JSON is read into: mappings in
 * mappings, and lists of scalars; scalars of one line, plain or quoted, all of them strings; null
 * for nothing; comments.
 *
 * COCO_ERR_NOTSUP with the line's number for the rest of YAML (anchors, tags, flow style, text of
 * several lines, lists of other things, several documents), COCO_ERR_PROTO for what is no YAML and
 * for a key that is there twice, COCO_ERR_LIMIT for more than 64 KiB or 16 levels.
 */
coco_status coco_yaml_parse(const char *text, size_t len, cJSON **ret, coco_error **err);

#endif
