/*
 * fuzz/http_header/target.c - a head's fields are found as they were sent, each in its place
 *
 * Input: lines of a head, without the CR that ends them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/header.h"
#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* One field that was accepted, read by other means. */
struct field {
    char *name; /* in the case that it came in */
    char *value;
};

struct head {
    struct coco_http_response response;
    struct field fields[FIELDS_MAX];
    size_t n;
};

static struct field
read_field(const char *line, size_t len)
{
    struct field field = {.value = strndup(line, len)};

    if (!field.value || strlen(field.value) != len || strpbrk(field.value, "\r\n"))
        abort();
    char *rest = field.value;
    field.name = strdup(strsep(&rest, ":"));
    if (!field.name || !rest || !*field.name || strpbrk(field.name, " \t"))
        abort();
    rest += strspn(rest, " \t");
    memmove(field.value, rest, strlen(rest) + 1);
    for (size_t n = strlen(field.value); n > 0 && strchr(" \t", field.value[n - 1]); n--)
        field.value[n - 1] = '\0';
    return field;
}

static void
take_line(struct head *head, const char *line, size_t len)
{
    struct coco_buf *headers = &head->response.headers;
    size_t before = headers->len;
    coco_error *err = NULL;

    coco_status status = coco_header_append(headers, line, len, &err);
    coco_error_free(err);
    if (status == COCO_OK)
        head->fields[head->n++] = read_field(line, len);
    else if (status != COCO_ERR_PROTO || headers->len != before)
        abort();
}

/* The first of a name's values, and all of them. */
static void
check_field(const struct head *head, const char *any_case)
{
    _cleanup_buf_ struct coco_buf all = {.limit = SIZE_MAX};
    _cleanup_buf_ struct coco_buf want = {.limit = SIZE_MAX};
    _cleanup_free_ char *name = strdup(any_case);
    _cleanup_free_ char *first = NULL;
    const char *want_first = NULL;

    if (!name)
        abort();
    for (char *p = name; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    for (size_t i = 0; i < head->n; i++) {
        if (strcasecmp(head->fields[i].name, name) != 0)
            continue;
        if (coco_buf_printf(&want, NULL, "%s%s", want_first ? ", " : "", head->fields[i].value)
            != COCO_OK)
            abort();
        if (!want_first)
            want_first = head->fields[i].value;
    }
    if (coco_http_header(&head->response, name, &first, NULL) != COCO_OK
        || coco_http_header_all(&head->response, name, &all, NULL) != COCO_OK)
        abort();
    if (!first != !want_first || (first && strcmp(first, want_first) != 0)
        || strcmp(coco_buf_text(&all), coco_buf_text(&want)) != 0)
        abort();
}

/* What is kept is taken again, as it is. */
static void
check_again(const struct coco_buf *headers)
{
    _cleanup_buf_ struct coco_buf again = {.limit = SIZE_MAX};

    for (const char *line = coco_buf_text(headers); *line; line += strcspn(line, "\n") + 1)
        if (coco_header_append(&again, line, strcspn(line, "\n"), NULL) != COCO_OK)
            abort();
    if (strcmp(coco_buf_text(&again), coco_buf_text(headers)) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct head head = {.response.headers.limit = SIZE_MAX};
    const char *line = (const char *)data;
    const char *end = line + len;

    while (line < end && head.n < FIELDS_MAX) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        take_line(&head, line, (size_t)((stop ? stop : end) - line));
        line = stop ? stop + 1 : end;
    }
    for (size_t i = 0; i < head.n; i++)
        check_field(&head, head.fields[i].name);
    check_field(&head, "location");
    check_again(&head.response.headers);
    for (size_t i = 0; i < head.n; i++) {
        free(head.fields[i].name);
        free(head.fields[i].value);
    }
    coco_http_response_done(&head.response);
    return 0;
}
