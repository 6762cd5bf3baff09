/*
 * base/traceparent.c - which requests belong together (W3C Trace Context)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/traceparent.h"

#include "base/secret.h"
#include "base/text.h"

#include <string.h>

#define TRACE_AT 3
#define TRACE_LEN 32
#define PARENT_AT (TRACE_AT + TRACE_LEN + 1)
#define PARENT_LEN 16
#define FLAGS_AT (PARENT_AT + PARENT_LEN + 1)
#define LEN (COCO_TRACEPARENT_SIZE - 1)

/* len digits, in lower case (section 3.2.2). */
static bool
is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") >= len;
}

/* Section 3.2.2.3: all zeros is no id. */
static bool
is_id(const char *text, size_t len)
{
    return is_hex(text, len) && strspn(text, "0") < len;
}

bool
coco_traceparent_parse(const char *text, char ret[COCO_TRACEPARENT_SIZE])
{
    if (!text || strnlen(text, LEN) < LEN)
        return false;
    bool is_00 = strncmp(text, "00", 2) == 0;
    bool ends = text[LEN] == '\0' || (text[LEN] == '-' && !is_00);
    if (!ends || !is_hex(text, 2) || strncmp(text, "ff", 2) == 0)
        return false;
    if (text[TRACE_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    if (!is_id(text + TRACE_AT, TRACE_LEN) || !is_id(text + PARENT_AT, PARENT_LEN)
        || !is_hex(text + FLAGS_AT, 2))
        return false;
    memcpy(ret, text, LEN);
    ret[LEN] = '\0';
    ret[0] = '0';
    ret[1] = '0';
    /* Of the flags this version knows one, "sampled" (section 3.2.2.5). */
    ret[FLAGS_AT] = '0';
    ret[FLAGS_AT + 1] = strchr("13579bdf", ret[FLAGS_AT + 1]) ? '1' : '0';
    return true;
}

/* Random, and not all zeros. */
static coco_status
put_id(char *to, size_t len, coco_error **err)
{
    uint8_t random[TRACE_LEN / 2];
    char hex[TRACE_LEN + 1];

    coco_status status = coco_random(random, len / 2, err);
    if (status != COCO_OK)
        return status;
    random[0] |= 1;
    coco_hex(random, len / 2, hex);
    memcpy(to, hex, len);
    return COCO_OK;
}

coco_status
coco_traceparent_next(const char *parent, char ret[COCO_TRACEPARENT_SIZE], coco_error **err)
{
    char made[COCO_TRACEPARENT_SIZE];

    memcpy(made, parent, sizeof(made));
    coco_status status = put_id(made + PARENT_AT, PARENT_LEN, err);
    if (status == COCO_OK)
        memcpy(ret, made, sizeof(made));
    return status;
}

coco_status
coco_traceparent_new(char ret[COCO_TRACEPARENT_SIZE], coco_error **err)
{
    char made[COCO_TRACEPARENT_SIZE] = "00-00000000000000000000000000000000-0000000000000000-00";

    coco_status status = put_id(made + TRACE_AT, TRACE_LEN, err);
    return status == COCO_OK ? coco_traceparent_next(made, ret, err) : status;
}

void
coco_traceparent_id(const char *traceparent, char ret[COCO_TRACE_ID_SIZE])
{
    memcpy(ret, traceparent + TRACE_AT, TRACE_LEN);
    ret[TRACE_LEN] = '\0';
}
