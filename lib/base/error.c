/*
 * base/error.c - the error object
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__clang_analyzer__) || defined(COCO_ANALYSE)
#undef coco_fail
#undef coco_fail_again
#undef coco_fail_nomem
#undef coco_fail_errno
#undef coco_wrap
#endif

/* Longer messages are cut: they are for a person, and may quote a hostile peer. */
#define MESSAGE_MAX ((size_t)2048)

struct coco_error {
    coco_status status;
    int errnum;
    char *message; /* NULL in no_memory only */
};

/*
 * Stands in when there is no memory left to say what happened. It is told by
 * its missing message, not by its address: libcoco and libcoco-kbs have one
 * each, and an error of the one may be freed by the other.
 */
static coco_error no_memory = {.status = COCO_ERR_NOMEM};

static void
set_error(coco_error **err, coco_status status, int errnum, char *message)
{
    assert(status != COCO_OK);

    if (!err) {
        free(message);
        return;
    }
    assert(*err == NULL);

    coco_error *e = message ? malloc(sizeof(*e)) : NULL;
    if (!e) {
        free(message);
        *err = &no_memory;
        return;
    }
    *e = (coco_error){.status = status, .errnum = errnum, .message = message};
    *err = e;
}

/* Messages may quote what came from outside, so what steers a terminal is escaped here, once. */
__attribute__((format(printf, 1, 0))) static char *
format(const char *fmt, va_list args)
{
    _cleanup_free_ char *raw = NULL;

    int n = vasprintf(&raw, fmt, args);
    if (n < 0) {
        raw = NULL;
        return NULL;
    }
    size_t size = (size_t)n * 4 + 1; /* each byte may become \xNN */
    if (size > MESSAGE_MAX)
        size = MESSAGE_MAX;

    char *text = malloc(size);
    if (text)
        coco_text_escape(raw, (size_t)n, text, size);
    return text;
}

coco_status
coco_fail(coco_error **err, coco_status status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_error(err, status, 0, format(fmt, args));
    va_end(args);
    return status;
}

void
coco_error_give(coco_error **err, coco_error *kept)
{
    if (err)
        *err = kept;
    else
        coco_error_free(kept);
}

void
coco_error_repeat(coco_error **err, const coco_error *kept)
{
    set_error(err, kept->status, kept->errnum, kept->message ? strdup(kept->message) : NULL);
}

coco_status
coco_forgive(coco_error *kept, coco_status status, bool *forgiven, coco_error **err)
{
    coco_status got = coco_error_status(kept);

    *forgiven = kept && got == status;
    if (*forgiven) {
        coco_error_free(kept);
        return COCO_OK;
    }
    if (kept)
        coco_error_give(err, kept);
    return got;
}

coco_status
coco_pass_over(coco_error *kept, coco_error **err)
{
    const bool is_long = coco_error_status(kept) == COCO_ERR_LIMIT;
    bool passed = false;

    return coco_forgive(kept, is_long ? COCO_ERR_LIMIT : COCO_ERR_PROTO, &passed, err);
}

coco_status
coco_fail_nomem(coco_error **err)
{
    set_error(err, COCO_ERR_NOMEM, 0, NULL);
    return COCO_ERR_NOMEM;
}

coco_status
coco_fail_errno(coco_error **err, int errnum, const char *fmt, ...)
{
    va_list args;
    char reason[128];
    char *message = NULL;

    va_start(args, fmt);
    char *what = format(fmt, args);
    va_end(args);

    if (what && asprintf(&message, "%s: %s", what, strerror_r(errnum, reason, sizeof(reason))) < 0)
        message = NULL;
    free(what);
    set_error(err, COCO_ERR_IO, errnum, message);
    return COCO_ERR_IO;
}

coco_status
coco_fail_again(coco_error **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set_error(err, COCO_ERR_NET, EAGAIN, format(fmt, args));
    va_end(args);
    return COCO_ERR_NET;
}

coco_status
coco_wrap(coco_error **err, coco_status status, const char *fmt, ...)
{
    va_list args;
    char *message = NULL;

    if (!err || !*err || !(*err)->message)
        return status;

    va_start(args, fmt);
    char *context = format(fmt, args);
    va_end(args);

    if (context && asprintf(&message, "%s: %s", context, (*err)->message) >= 0) {
        free((*err)->message);
        (*err)->message = message;
    } else {
        /* Half of a message would be another. */
        coco_error_free(*err);
        *err = &no_memory;
    }
    free(context);
    return status;
}

coco_status
coco_error_status(const coco_error *err)
{
    return err ? err->status : COCO_OK;
}

const char *
coco_error_message(const coco_error *err)
{
    return err && err->message ? err->message : "out of memory";
}

int
coco_error_errno(const coco_error *err)
{
    return err ? err->errnum : 0;
}

void
coco_error_free(coco_error *err)
{
    if (!err || !err->message)
        return;
    free(err->message);
    free(err);
}

const char *
coco_status_name(coco_status status)
{
    switch (status) {
    case COCO_OK:
        return "COCO_OK";
    case COCO_ERR_NOMEM:
        return "COCO_ERR_NOMEM";
    case COCO_ERR_INVALID:
        return "COCO_ERR_INVALID";
    case COCO_ERR_NOTFOUND:
        return "COCO_ERR_NOTFOUND";
    case COCO_ERR_NOTSUP:
        return "COCO_ERR_NOTSUP";
    case COCO_ERR_IO:
        return "COCO_ERR_IO";
    case COCO_ERR_NET:
        return "COCO_ERR_NET";
    case COCO_ERR_PROTO:
        return "COCO_ERR_PROTO";
    case COCO_ERR_LIMIT:
        return "COCO_ERR_LIMIT";
    case COCO_ERR_VERIFY:
        return "COCO_ERR_VERIFY";
    case COCO_ERR_DENIED:
        return "COCO_ERR_DENIED";
    case COCO_ERR_CANCELED:
        return "COCO_ERR_CANCELED";
    }
    return "COCO_ERR_?";
}
