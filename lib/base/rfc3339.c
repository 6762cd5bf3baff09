/*
 * base/rfc3339.c - dates as JSON has them (RFC 3339)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/rfc3339.h"

#include "base/fail.h"

#include <string.h>
#include <time.h>

#define FORM "dddd-dd-ddTdd:dd:dd"
#define DIGITS "0123456789"

static bool
has_form(const char *text)
{
    const char *form = FORM;

    for (; *form; form++, text++)
        if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
            return false;
    if (*text == '.') {
        size_t n = strspn(text + 1, DIGITS);
        if (n == 0 || n > 9)
            return false;
        text += 1 + n;
    }
    return strcmp(text, "Z") == 0;
}

static int
number(const char *text, size_t n)
{
    int ret = 0;

    while (n-- > 0)
        ret = 10 * ret + (*text++ - '0');
    return ret;
}

coco_status
coco_rfc3339_parse(const char *text, int64_t *ret, coco_error **err)
{
    if (!has_form(text))
        return coco_fail(err, COCO_ERR_PROTO, "'%.60s' is no date of RFC 3339", text);

    struct tm tm = {
        .tm_year = number(text, 4) - 1900,
        .tm_mon = number(text + 5, 2) - 1,
        .tm_mday = number(text + 8, 2),
        .tm_hour = number(text + 11, 2),
        .tm_min = number(text + 14, 2),
        .tm_sec = number(text + 17, 2),
    };
    const struct tm said = tm;
    /* timegm() takes a 31st of February to be one of March. */
    time_t time = timegm(&tm);
    if (tm.tm_mon != said.tm_mon || tm.tm_mday != said.tm_mday || tm.tm_hour != said.tm_hour
        || tm.tm_min != said.tm_min || tm.tm_sec != said.tm_sec)
        return coco_fail(err, COCO_ERR_PROTO, "'%.60s' is no date", text);
    *ret = (int64_t)time;
    return COCO_OK;
}
