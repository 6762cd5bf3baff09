/*
 * kbc/cookies.c - the cookies of one host (RFC 6265)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbc/cookies.h"

#include "base/fail.h"

#include <openssl/crypto.h>
#include <string.h>

/* A piece of a header. */
struct span {
    const char *text;
    size_t len;
};

static struct span
trim(struct span span)
{
    while (span.len > 0 && (span.text[0] == ' ' || span.text[0] == '\t')) {
        span.text++;
        span.len--;
    }
    while (span.len > 0 && (span.text[span.len - 1] == ' ' || span.text[span.len - 1] == '\t'))
        span.len--;
    return span;
}

/* What stands before the first c, or all of it; *rest is what stands behind. */
static struct span
cut(struct span span, char c, struct span *rest)
{
    const char *found = span.len > 0 ? memchr(span.text, c, span.len) : NULL;

    if (!found) {
        *rest = (struct span){.text = span.text + span.len};
        return span;
    }
    size_t len = (size_t)(found - span.text);
    *rest = (struct span){.text = found + 1, .len = span.len - len - 1};
    return (struct span){.text = span.text, .len = len};
}

static bool
is(struct span span, const char *name)
{
    return span.len == strlen(name) && strncasecmp(span.text, name, span.len) == 0;
}

/* What a Set-Cookie header says, in its own bytes. */
struct said {
    struct span name;
    struct span value;
    struct span path;
    bool secure;
    bool dead; /* Max-Age of 0 or less: forget it */
};

static bool
is_dead(struct span age)
{
    if (age.len > 0 && age.text[0] == '-')
        return true;
    for (size_t i = 0; i < age.len; i++)
        if (age.text[i] != '0')
            return false;
    return age.len > 0;
}

static void
hear_attribute(struct span attribute, struct said *said)
{
    struct span value;
    struct span name = trim(cut(attribute, '=', &value));

    value = trim(value);
    if (is(name, "secure"))
        said->secure = true;
    else if (is(name, "path"))
        said->path = value.len > 0 && value.text[0] == '/' ? value : (struct span){0};
    else if (is(name, "max-age"))
        said->dead = is_dead(value);
}

/* RFC 6265 section 5.2; false for what shall be ignored. */
static bool
hear(const char *header, struct said *ret)
{
    struct span rest = {.text = header, .len = strlen(header)};
    struct span pair = cut(rest, ';', &rest);
    struct said said = {0};

    if (pair.len == 0 || !memchr(pair.text, '=', pair.len))
        return false;
    for (size_t i = 0; i < pair.len; i++)
        if ((unsigned char)pair.text[i] < ' ' || pair.text[i] == 0x7f)
            return false;
    said.name = trim(cut(pair, '=', &said.value));
    said.value = trim(said.value);
    while (rest.len > 0) {
        struct span attribute = cut(rest, ';', &rest);
        hear_attribute(attribute, &said);
    }
    *ret = said;
    return said.name.len > 0;
}

/* RFC 6265 section 5.1.4: up to, but not including, the last slash. */
static struct span
default_path(const char *path)
{
    const char *query = strchrnul(path, '?');
    const char *slash = memrchr(path, '/', (size_t)(query - path));

    if (!slash || slash == path)
        return (struct span){.text = "/", .len = 1};
    return (struct span){.text = path, .len = (size_t)(slash - path)};
}

static bool
path_matches(const char *cookie_path, const char *path)
{
    size_t len = strlen(cookie_path);

    if (strncmp(cookie_path, path, len) != 0)
        return false;
    return cookie_path[len - 1] == '/' || path[len] == '\0' || path[len] == '/' || path[len] == '?';
}

static void
cookie_done(struct coco_cookie *cookie)
{
    if (cookie->value)
        OPENSSL_cleanse(cookie->value, strlen(cookie->value));
    free(cookie->name);
    free(cookie->value);
    free(cookie->path);
    *cookie = (struct coco_cookie){0};
}

#define _cleanup_cookie_ _cleanup_(cookie_done)

static bool
equals(const char *text, struct span span)
{
    return strlen(text) == span.len && strncmp(text, span.text, span.len) == 0;
}

static void
forget(struct coco_cookies *cookies, struct span name, struct span path)
{
    for (size_t i = 0; i < cookies->n; i++) {
        struct coco_cookie *cookie = &cookies->cookie[i];

        if (!equals(cookie->name, name) || !equals(cookie->path, path))
            continue;
        cookie_done(cookie);
        cookies->n--;
        memmove(cookie, cookie + 1, (cookies->n - i) * sizeof(*cookie));
        cookies->cookie[cookies->n] = (struct coco_cookie){0};
        return;
    }
}

static void
insert(struct coco_cookies *cookies, const struct coco_cookie *cookie)
{
    size_t at = 0;

    while (at < cookies->n && strlen(cookies->cookie[at].path) >= strlen(cookie->path))
        at++;
    memmove(&cookies->cookie[at + 1], &cookies->cookie[at], (cookies->n - at) * sizeof(*cookie));
    cookies->cookie[at] = *cookie;
    cookies->n++;
}

coco_status
coco_cookies_store(struct coco_cookies *cookies, const struct coco_cookie_scope *scope,
                   const char *value, coco_error **err)
{
    struct said said = {0};

    if (!hear(value, &said) || (said.secure && !scope->secure))
        return COCO_OK;
    if (!said.path.text)
        said.path = default_path(scope->path);

    forget(cookies, said.name, said.path);
    if (said.dead)
        return COCO_OK;
    if (cookies->n == COCO_COOKIES_MAX
        || said.name.len + said.value.len + said.path.len > COCO_COOKIE_SIZE_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "server sets too many or too large cookies");

    _cleanup_cookie_ struct coco_cookie cookie = {
        .name = strndup(said.name.text, said.name.len),
        .value = strndup(said.value.text, said.value.len),
        .path = strndup(said.path.text, said.path.len),
    };
    if (!cookie.name || !cookie.value || !cookie.path)
        return coco_fail_nomem(err);

    insert(cookies, &cookie);
    cookie = (struct coco_cookie){0};
    return COCO_OK;
}

coco_status
coco_cookies_header(const struct coco_cookies *cookies, const struct coco_cookie_scope *scope,
                    struct coco_buf *buf, coco_error **err)
{
    coco_status status = COCO_OK;

    for (size_t i = 0; i < cookies->n && status == COCO_OK; i++) {
        const struct coco_cookie *cookie = &cookies->cookie[i];

        if (!path_matches(cookie->path, scope->path))
            continue;
        if (buf->len > 0)
            status = coco_buf_append_text(buf, "; ", err);
        if (status == COCO_OK)
            status = coco_buf_append_text(buf, cookie->name, err);
        if (status == COCO_OK)
            status = coco_buf_append_text(buf, "=", err);
        if (status == COCO_OK)
            status = coco_buf_append_text(buf, cookie->value, err);
    }
    return status;
}

void
coco_cookies_done(struct coco_cookies *cookies)
{
    for (size_t i = 0; i < cookies->n; i++)
        cookie_done(&cookies->cookie[i]);
    *cookies = (struct coco_cookies){0};
}
