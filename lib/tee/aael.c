/*
 * tee/aael.c - events that a guest measures as it runs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/aael.h"

#include "base/fail.h"
#include "base/reader.h"
#include "base/text.h"

#include <string.h>

/* What two lines of a log, or two parts of a line, could be made of. */
static bool
is_plain(const char *text, bool spaces)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || (*p == ' ' && !spaces))
            return false;
    return coco_utf8_valid(text, strlen(text));
}

coco_status
coco_aael_format_text(const struct coco_aael *event, struct coco_buf *buf, coco_error **err)
{
    if (event->domain[0] == '\0' || !is_plain(event->domain, false))
        return coco_fail(err, COCO_ERR_INVALID, "domain '%.80s' is not a word", event->domain);
    if (event->operation[0] == '\0' || !is_plain(event->operation, false))
        return coco_fail(err, COCO_ERR_INVALID, "operation '%.80s' is not a word",
                         event->operation);
    if (!is_plain(event->content, true))
        return coco_fail(err, COCO_ERR_INVALID, "content is more than one line of UTF-8");
    if (strlen(event->domain) + strlen(event->operation) + strlen(event->content) + 2
        > COCO_AAEL_TEXT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "event of more than %zu bytes", COCO_AAEL_TEXT_MAX);
    return coco_buf_printf(buf, err, "%s %s %s", event->domain, event->operation, event->content);
}

coco_status
coco_aael_format_tagged(const void *text, size_t len, struct coco_buf *buf, coco_error **err)
{
    const uint8_t head[] = {
        (uint8_t)(COCO_AAEL_TAG & 0xff),
        (uint8_t)(COCO_AAEL_TAG >> 8 & 0xff),
        (uint8_t)(COCO_AAEL_TAG >> 16 & 0xff),
        (uint8_t)(COCO_AAEL_TAG >> 24),
        (uint8_t)len,
        (uint8_t)(len >> 8),
        (uint8_t)(len >> 16),
        0,
    };

    if (len > COCO_AAEL_TEXT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "event of %zu bytes", len);
    coco_status status = coco_buf_append(buf, head, sizeof(head), err);
    return status == COCO_OK ? coco_buf_append(buf, text, len, err) : status;
}

coco_status
coco_aael_format(const struct coco_aael *event, struct coco_buf *buf, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_AAEL_TEXT_MAX};

    coco_status status = coco_aael_format_text(event, &text, err);
    return status == COCO_OK ? coco_aael_format_tagged(text.data, text.len, buf, err) : status;
}

void
coco_aael_text_done(struct coco_aael_text *text)
{
    free(text->text);
    *text = (struct coco_aael_text){0};
}

coco_status
coco_aael_parse_text(const void *text, size_t len, struct coco_aael_text *ret, coco_error **err)
{
    if (len > COCO_AAEL_TEXT_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "AAEL event of %zu bytes", len);
    if (!coco_utf8_valid(text, len) || (len > 0 && memchr(text, '\0', len)))
        return coco_fail(err, COCO_ERR_PROTO, "AAEL event is not UTF-8");
    _cleanup_free_ char *copy = strndup(len > 0 ? text : "", len);
    if (!copy)
        return coco_fail_nomem(err);

    char *operation = strchr(copy, ' ');
    char *content = operation ? strchr(operation + 1, ' ') : NULL;
    if (!content)
        return coco_fail(err, COCO_ERR_PROTO, "AAEL event of less than three parts");
    *operation++ = '\0';
    *content++ = '\0';
    ret->event = (struct coco_aael){.domain = copy, .operation = operation, .content = content};
    ret->text = coco_steal(&copy);
    return COCO_OK;
}

coco_status
coco_tagged_event_parse(const void *data, size_t len, uint32_t *tag, const uint8_t **text,
                        size_t *text_len, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    uint32_t got = coco_read_u32le(&r);
    uint32_t size = coco_read_u32le(&r);
    const uint8_t *piece = coco_read_piece(&r, size);

    coco_status status = coco_reader_check(&r, "tagged event", err);
    if (status != COCO_OK)
        return status;
    *tag = got;
    *text = piece;
    *text_len = size;
    return COCO_OK;
}
