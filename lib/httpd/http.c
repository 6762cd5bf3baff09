/*
 * httpd/http.c - HTTP/1.1 as a server reads and writes it (RFC 9112)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "httpd/http.h"

#include "base/fail.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define METHOD_MAX 16
#define FIELDS_MAX ((size_t)8 << 10)

/* Of Content-Length: more digits than any body that is let in has. */
#define LENGTH_DIGITS_MAX 15

/* The headers that mean something here; each may come once. */
struct headers {
    const char *host;
    const char *cookie;
    const char *authorization;
    const char *content_length;
    const char *transfer_encoding;
    const char *connection;
    const char *expect;
    const char *range;
    const char *if_range;
    const char *if_none_match;
    const char *traceparent; /* more than one are none (W3C Trace Context section 3.2.1) */
    size_t n_traceparent;
    const char *accept[COCO_HTTPD_ACCEPTS_MAX]; /* this one may come often */
    size_t n_accept;
};

bool
coco_httpd_is_tchar(uint8_t c)
{
    bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

    return alnum || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!coco_httpd_is_tchar((uint8_t)*text))
            return false;
    return true;
}

/* Visible ASCII: nothing else is in a target or a header that means something here. */
static bool
is_visible(const char *text, bool blanks)
{
    for (; *text; text++)
        if ((*text < '!' || *text > '~') && !(blanks && (*text == ' ' || *text == '\t')))
            return false;
    return true;
}

/* Cuts the line at p off; NULL if it does not end with CRLF or holds a lone CR or LF. */
static char *
cut_line(char *p, const char *end)
{
    char *cr = memchr(p, '\r', (size_t)(end - p));
    const char *lf = memchr(p, '\n', (size_t)(end - p));

    if (!cr || cr + 1 >= end || cr[1] != '\n' || lf != cr + 1)
        return NULL;
    *cr = '\0';
    return cr + 2;
}

static int
parse_request_line(char *line, struct coco_httpd_request *ret, bool *http_1_0)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version)
        return 400;
    *target++ = '\0';
    *version++ = '\0';
    if (!is_token(line) || strlen(line) > METHOD_MAX)
        return 400;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return strncmp(version, "HTTP/", 5) == 0 ? 505 : 400;
    *http_1_0 = version[7] == '0';
    /* Origin form only: a proxy this is not. */
    if (*target != '/' || !is_visible(target, false) || strchr(target, '#'))
        return 400;

    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    ret->method = line;
    ret->path = target;
    ret->query = query;
    return 0;
}

static const char **
slot(struct headers *headers, const char *name)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {
        {"host", &headers->host},
        {"cookie", &headers->cookie},
        {"authorization", &headers->authorization},
        {"content-length", &headers->content_length},
        {"transfer-encoding", &headers->transfer_encoding},
        {"connection", &headers->connection},
        {"expect", &headers->expect},
        {"range", &headers->range},
        {"if-range", &headers->if_range},
        {"if-none-match", &headers->if_none_match},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].value;
    if (strcasecmp(name, "traceparent") == 0)
        return headers->n_traceparent++ == 0 ? &headers->traceparent : NULL;
    if (strcasecmp(name, "accept") == 0 && headers->n_accept < COCO_HTTPD_ACCEPTS_MAX)
        return &headers->accept[headers->n_accept++];
    return NULL;
}

static int
parse_header(char *line, struct headers *headers)
{
    char *value = strchr(line, ':');

    if (!value)
        return 400;
    *value++ = '\0';
    if (!is_token(line))
        return 400;
    value += strspn(value, " \t");
    size_t len = strlen(value);
    while (len > 0 && strchr(" \t", value[len - 1]))
        value[--len] = '\0';

    const char **place = slot(headers, line);
    if (!place)
        return 0;
    if (*place || !is_visible(value, true))
        return 400;
    *place = value;
    return 0;
}

static int
parse_length(const char *text, size_t *ret)
{
    size_t len = 0;

    if (!*text || strlen(text) > LENGTH_DIGITS_MAX)
        return 400;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 400;
        len = len * 10 + (size_t)(*text - '0');
    }
    *ret = len;
    return 0;
}

/* Whether the list of Connection's options holds option. */
static bool
has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    while (list) {
        list += strspn(list, " \t,");
        if (strncasecmp(list, option, len) == 0 && strchr(" \t,", list[len]))
            return true;
        list = strchr(list, ',');
    }
    return false;
}

static int
understand(const struct headers *headers, bool http_1_0, struct coco_httpd_request *ret)
{
    ret->cookie = headers->cookie;
    ret->authorization = headers->authorization;
    ret->traceparent = headers->n_traceparent == 1 ? headers->traceparent : NULL;
    ret->range = headers->range;
    ret->if_range = headers->if_range;
    ret->if_none_match = headers->if_none_match;
    memcpy(ret->accept, headers->accept, sizeof(ret->accept));
    ret->n_accept = headers->n_accept;
    ret->http_1_0 = http_1_0;
    ret->keep_alive = !has_option(headers->connection, "close")
                      && (!http_1_0 || has_option(headers->connection, "keep-alive"));
    if (!headers->host && !http_1_0)
        return 400;
    /* Two lengths are how requests are smuggled, and HTTP/1.0 has but one (RFC 9112 section 6). */
    if (headers->transfer_encoding && (headers->content_length || http_1_0))
        return 400;
    ret->chunked = headers->transfer_encoding != NULL;
    if (ret->chunked && strcasecmp(headers->transfer_encoding, "chunked") != 0)
        return 501;
    if (headers->expect) {
        if (strcasecmp(headers->expect, "100-continue") != 0)
            return 417;
        ret->expects_continue = !http_1_0;
    }
    if (headers->content_length)
        return parse_length(headers->content_length, &ret->body_len);
    return 0;
}

int
coco_httpd_parse(char *head, size_t len, struct coco_httpd_request *ret)
{
    const char *end = head + len;
    struct coco_httpd_request request = {0};
    struct headers headers = {0};
    bool http_1_0 = false;

    if (memchr(head, '\0', len))
        return 400;
    char *line = head;
    char *next = cut_line(line, end);
    int bad = next ? parse_request_line(line, &request, &http_1_0) : 400;

    while (!bad) {
        line = next;
        next = line < end ? cut_line(line, end) : NULL;
        if (!next)
            return 400;
        if (!*line)
            break;
        bad = parse_header(line, &headers);
    }
    if (!bad)
        bad = next == end ? understand(&headers, http_1_0, &request) : 400;
    if (!bad)
        *ret = request;
    return bad;
}

static const char *
reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

coco_status
coco_httpd_date(int64_t when, struct coco_buf *buf, coco_error **err)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)when;
    struct tm tm;

    if (!gmtime_r(&t, &tm))
        return coco_fail(err, COCO_ERR_INVALID, "no such time");
    /* Not strftime(): the names are English whatever the locale. */
    return coco_buf_printf(buf, err, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
                           tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                           tm.tm_sec);
}

coco_status
coco_httpd_reply_add(struct coco_httpd_reply *reply, const char *name, const char *value,
                     coco_error **err)
{
    if (!is_token(name) || !is_visible(value, true))
        return coco_fail(err, COCO_ERR_INVALID, "%.80s: not a field of a head", name);
    reply->fields.limit = FIELDS_MAX;
    return coco_buf_printf(&reply->fields, err, "%s: %s\r\n", name, value);
}

static coco_status
format_length(const struct coco_httpd_reply *reply, struct coco_buf *buf, coco_error **err)
{
    /* It would be that of what is not sent (RFC 9110 section 8.6). */
    if (reply->status == 304)
        return COCO_OK;
    if (!reply->stream.self)
        return coco_buf_printf(buf, err, "Content-Length: %zu\r\n", reply->body.len);
    if (reply->stream.sized)
        return coco_buf_printf(buf, err, "Content-Length: %" PRIu64 "\r\n", reply->stream.size);
    /* HTTP/1.0 knows no chunks: the body ends with the connection. */
    return coco_buf_append_text(buf, reply->stream.chunked ? "Transfer-Encoding: chunked\r\n" : "",
                                err);
}

coco_status
coco_httpd_format(const struct coco_httpd_reply *reply, bool keep_alive, int64_t now,
                  struct coco_buf *buf, coco_error **err)
{
    coco_status status =
        coco_buf_printf(buf, err, "HTTP/1.1 %d %s\r\n", reply->status, reason(reply->status));

    if (status == COCO_OK)
        status = format_length(reply, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf,
                                      "Cache-Control: no-store\r\n"
                                      "X-Content-Type-Options: nosniff\r\n"
                                      "Date: ",
                                      err);
    if (status == COCO_OK)
        status = coco_httpd_date(now, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, "\r\n", err);
    if (status == COCO_OK && reply->type)
        status = coco_buf_printf(buf, err, "Content-Type: %s\r\n", reply->type);
    if (status == COCO_OK && reply->cookie.len)
        status = coco_buf_printf(buf, err, "Set-Cookie: %s\r\n", coco_buf_text(&reply->cookie));
    if (status == COCO_OK)
        status = coco_buf_append(buf, coco_buf_text(&reply->fields), reply->fields.len, err);
    if (status == COCO_OK && !keep_alive)
        status = coco_buf_append_text(buf, "Connection: close\r\n", err);
    if (status == COCO_OK)
        status = coco_buf_append_text(buf, "\r\n", err);
    return status;
}

void
coco_httpd_reply_done(struct coco_httpd_reply *reply)
{
    coco_buf_done(&reply->body);
    coco_buf_done(&reply->cookie);
    coco_buf_done(&reply->fields);
    if (reply->stream.self)
        reply->stream.free(reply->stream.self);
    if (reply->later.self)
        reply->later.free(reply->later.self);
    *reply = (struct coco_httpd_reply){0};
}
