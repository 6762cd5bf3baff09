/*
 * base/toml.h - TOML 1.0 documents
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_BASE_TOML_H
#define COCO_BASE_TOML_H

#include "base/json.h"

/*
 * Reads a TOML 1.0.0 document into the same tree that JSON is read into, so
 * that configuration has one set of getters (coco_json_get_*).
 *
 * Integers keep their exact 64-bit value as decimal text; floats become numbers,
 * inf and nan strings "inf", "-inf", "nan"; dates and times become strings in
 * the RFC 3339 form they were written in.
 *
 * COCO_ERR_PROTO with the line number for everything toml.io's grammar and its
 * rules on redefinition refuse, and for the escaped NUL that TOML allows but no
 * string here can hold. COCO_ERR_LIMIT beyond json.h's limits, and for tables of
 * so many keys that looking for doubles takes too long (some thousands).
 */
coco_status coco_toml_parse(const char *text, size_t len, cJSON **ret, coco_error **err);

#endif
