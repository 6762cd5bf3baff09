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
#define OFFSET "+dd:dd"
#define DIGITS "0123456789"

/* Where text goes on behind the form and a fraction, or NULL. */
static const char *
skip_form(const char *text)
{
    const char *form = FORM;

    for (; *form; form++, text++)
        if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
            return NULL;
    if (*text == '.') {
        size_t n = strspn(text + 1, DIGITS);
        if (n == 0 || n > 9)
            return NULL;
        text += 1 + n;
    }
    return text;
}

static int
number(const char *text, size_t n)
{
    int ret = 0;

    while (n-- > 0)
        ret = 10 * ret + (*text++ - '0');
    return ret;
}

static coco_status
parse_utc(const char *text, int64_t *ret, coco_error **err)
{
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

coco_status
coco_rfc3339_parse(const char *text, int64_t *ret, coco_error **err)
{
    const char *end = skip_form(text);

    if (!end || strcmp(end, "Z") != 0)
        return coco_fail(err, COCO_ERR_PROTO, "'%.60s' is no date of RFC 3339", text);
    return parse_utc(text, ret, err);
}

/* "+hh:mm" in seconds */
static bool
read_offset(const char *text, int *ret)
{
    const char *form = OFFSET;

    if (*text != '+' && *text != '-')
        return false;
    for (size_t i = 1; i < sizeof(OFFSET); i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    int hours = number(text + 1, 2);
    int minutes = number(text + 4, 2);
    *ret = 60 * (60 * hours + minutes);
    if (*text == '-')
        *ret = -*ret;
    return hours < 24 && minutes < 60;
}

coco_status
coco_rfc3339_parse_local(const char *text, int64_t *ret, coco_error **err)
{
    const char *end = skip_form(text);
    int offset = 0;

    if (!end || (strcmp(end, "Z") != 0 && !read_offset(end, &offset)))
        return coco_fail(err, COCO_ERR_PROTO, "'%.60s' is no date of RFC 3339", text);
    coco_status status = parse_utc(text, ret, err);
    if (status == COCO_OK)
        *ret -= offset;
    return status;
}
