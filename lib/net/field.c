/*
 * net/field.c - values of header fields that a transfer goes by
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/field.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* More would not fit into what RFC 9110 section 8.8.3 is used for here: one header line. */
#define ETAG_MAX ((size_t)1024)
#define BLANK " \t"

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *text, of which there must be some; *text is moved behind them. */
static bool
take_number(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;

    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *text = p;
    *ret = n;
    return true;
}

static bool
take_char(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

bool
coco_content_length_parse(const char *text, uint64_t *ret)
{
    uint64_t n = 0;

    if (!take_number(&text, &n) || *text != '\0')
        return false;
    *ret = n;
    return true;
}

bool
coco_upload_range_parse(const char *text, uint64_t *ret)
{
    static const char unit[] = "bytes=";
    uint64_t first = 0;
    uint64_t last = 0;

    if (strncmp(text, unit, strlen(unit)) == 0)
        text += strlen(unit);
    if (!take_number(&text, &first) || !take_char(&text, '-') || !take_number(&text, &last)
        || *text != '\0' || first != 0 || last == UINT64_MAX)
        return false;
    *ret = last == 0 ? 0 : last + 1;
    return true;
}

bool
coco_content_range_parse(const char *text, struct coco_content_range *ret)
{
    struct coco_content_range range = {0};
    const char *p = text;

    if (strncasecmp(p, "bytes ", strlen("bytes ")) != 0)
        return false;
    p += strlen("bytes ");
    range.satisfied = *p != '*';
    if (!range.satisfied)
        p++;
    else if (!take_number(&p, &range.first) || !take_char(&p, '-') || !take_number(&p, &range.last))
        return false;
    if (!take_char(&p, '/'))
        return false;
    range.complete = *p != '*';
    if (!range.complete)
        p++;
    else if (!take_number(&p, &range.total))
        return false;
    if (*p != '\0' || range.first > range.last || (!range.satisfied && !range.complete)
        || (range.satisfied && range.complete && range.last >= range.total))
        return false;
    *ret = range;
    return true;
}

/* n digits at *text as a number. */
static bool
take_digits(const char **text, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        value = value * 10 + (**text - '0');
    }
    *ret = value;
    return true;
}

/* One of n names. */
static bool
take_name(const char **text, const char *const *names, int n, int *ret)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(names[i]);

        if (strncmp(*text, names[i], len) == 0) {
            *text += len;
            *ret = i;
            return true;
        }
    }
    return false;
}

/*
 * One part of a date. A year of two digits is within 1970 to 2069: the form is
 * obsolete, and 50 years from now, where the RFC draws the line, is no nearer.
 */
static bool
take_part(const char **text, char part, struct tm *tm)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                            "Thursday", "Friday", "Saturday"};

    switch (part) {
    case 'w':
        return take_name(text, days, 7, &tm->tm_wday);
    case 'W':
        return take_name(text, long_days, 7, &tm->tm_wday);
    case 'd':
        return take_digits(text, 2, &tm->tm_mday);
    case 'e':
        return take_digits(text, take_char(text, ' ') ? 1 : 2, &tm->tm_mday);
    case 'm':
        return take_name(text, months, 12, &tm->tm_mon);
    case 'y':
        if (!take_digits(text, 2, &tm->tm_year))
            return false;
        tm->tm_year += tm->tm_year < 70 ? 100 : 0;
        return true;
    case 'Y':
        if (!take_digits(text, 4, &tm->tm_year))
            return false;
        tm->tm_year -= 1900;
        return true;
    case 'H':
        return take_digits(text, 2, &tm->tm_hour);
    case 'M':
        return take_digits(text, 2, &tm->tm_min);
    case 'S':
        return take_digits(text, 2, &tm->tm_sec);
    default:
        return take_char(text, part);
    }
}

/* Parts come behind a '%'; all else is there as it is. */
static bool
take_date(const char *text, const char *form, struct tm *ret)
{
    struct tm tm = {0};

    for (const char *f = form; *f; f++) {
        bool part = *f == '%';

        f += part ? 1 : 0;
        if (!(part ? take_part(&text, *f, &tm) : take_char(&text, *f)))
            return false;
    }
    *ret = tm;
    return *text == '\0';
}

bool
coco_http_date_parse(const char *text, int64_t *ret)
{
    static const char *const forms[] = {
        "%w, %d %m %Y %H:%M:%S GMT", /* the one that is sent today */
        "%W, %d-%m-%y %H:%M:%S GMT", /* RFC 850 */
        "%w %m %e %H:%M:%S %Y",      /* asctime() */
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};

        if (!take_date(text, forms[i], &tm))
            continue;
        if (tm.tm_sec > 60 || tm.tm_min > 59 || tm.tm_hour > 23) /* there are leap seconds */
            return false;
        /* A day that the month does not have becomes one of another. */
        int day = tm.tm_mday;
        int second = tm.tm_sec;
        tm.tm_sec = 0;
        int64_t seconds = timegm(&tm) + second;
        if (tm.tm_mday != day)
            return false;
        *ret = seconds;
        return true;
    }
    return false;
}

bool
coco_retry_after_parse(const char *text, int64_t now, uint32_t *ret)
{
    int64_t date = 0;

    if (coco_http_date_parse(text, &date)) {
        int64_t left = date > now ? date - now : 0;

        *ret = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
        return true;
    }
    size_t len = strspn(text, "0123456789");
    if (len == 0 || text[len] != '\0')
        return false;
    uint64_t seconds = 0;
    *ret = take_number(&text, &seconds) && seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    return true;
}

bool
coco_etag_is_strong(const char *text)
{
    size_t len = strlen(text);

    if (len < 2 || len > ETAG_MAX || text[0] != '"' || text[len - 1] != '"')
        return false;
    for (size_t i = 1; i < len - 1; i++)
        if ((uint8_t)text[i] <= 0x20 || text[i] == '"' || text[i] == 0x7f)
            return false;
    return true;
}

/* Past the end of a directive at p, or of what stands for one: texts in quotes may hold commas. */
static const char *
directive_end(const char *p)
{
    bool quoted = false;

    for (; *p != '\0' && (quoted || *p != ','); p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\' && p[1] != '\0')
            p++;
    }
    return p;
}

/* Upstream of a cache or a broker, who meant a limit must not be taken to have meant none. */
bool
coco_max_age_parse(const char *text, uint64_t *ret)
{
    static const char name[] = "max-age";
    bool found = false;

    while (*text != '\0') {
        const char *end = directive_end(text);

        text += strspn(text, " \t");
        if (strncasecmp(text, name, strlen(name)) == 0 && strchr("= \t,", text[strlen(name)])) {
            const char *value = text + strlen(name);
            uint64_t age = 0;

            if (!take_char(&value, '=') || !take_number(&value, &age)
                || value + strspn(value, " \t") != end)
                age = 0;
            *ret = !found || age < *ret ? age : *ret;
            found = true;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return found;
}

/* Whether "next" is one of the relation types in a value (RFC 8288 section 3.3). */
static bool
is_of_next(const char *value, size_t len)
{
    static const char next[] = "next";
    const char *end = value + len;

    while (value < end) {
        size_t n = strcspn(value, BLANK "\"");

        n = n < (size_t)(end - value) ? n : (size_t)(end - value);
        if (n == strlen(next) && strncasecmp(value, next, n) == 0)
            return true;
        value += n + 1;
    }
    return false;
}

/* The parameter at *text, which is moved behind it; *next is set if it says that a link is one. */
static void
take_link_param(const char **text, bool *related, bool *next)
{
    const char *name = *text + strspn(*text, BLANK);
    size_t name_len = strcspn(name, BLANK "=;,");
    const char *p = name + name_len + strspn(name + name_len, BLANK);
    const char *value = p;

    if (*p == '=') {
        value = p + 1 + strspn(p + 1, BLANK);
        p = value + strcspn(value, BLANK ";,");
        if (*value == '"') {
            for (p = ++value; *p != '\0' && *p != '"'; p++)
                p += *p == '\\' && p[1] != '\0' ? 1 : 0;
        }
    }
    /* Of several, only the first counts. */
    if (!*related && name_len == strlen("rel") && strncasecmp(name, "rel", name_len) == 0) {
        *related = true;
        *next = is_of_next(value, (size_t)(p - value));
    }
    p += *p == '"' ? 1 : 0;
    *text = p + strspn(p, BLANK);
}

const char *
coco_link_next(const char *text, size_t *len)
{
    for (;;) {
        bool related = false;
        bool next = false;

        text += strspn(text, BLANK ",");
        const char *target = text + 1;
        const char *end = *text == '<' ? strchr(target, '>') : NULL;
        if (!end)
            return NULL;
        text = end + 1 + strspn(end + 1, BLANK);
        while (*text == ';') {
            text++;
            take_link_param(&text, &related, &next);
        }
        if (next) {
            *len = (size_t)(end - target);
            return target;
        }
    }
}
