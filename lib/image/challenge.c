/*
 * image/challenge.c - what a registry wants to see before it answers
 *
 *     WWW-Authenticate = #( auth-scheme [ 1*SP ( token68 / #auth-param ) ] )
 *
 * A comma separates challenges and parameters alike: a name is a parameter's if
 * "=" follows it, and a scheme otherwise (RFC 9110 section 11.2 and 11.6.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/challenge.h"

#include "base/fail.h"

#include <string.h>
#include <strings.h>

#define ALNUM "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN_CHARS ALNUM "!#$%&'*+-.^_`|~"
#define TOKEN68_CHARS ALNUM "-._~+/"
#define BLANK " \t"

static coco_status
fail_at(coco_error **err, const char *p)
{
    return coco_fail(err, COCO_ERR_PROTO, "WWW-Authenticate: not understood at '%.40s'", p);
}

static const char *
skip(const char *p, const char *what)
{
    return p + strspn(p, what);
}

/* The unescaped content of the quoted string at *p (RFC 9110 section 5.6.4). */
static coco_status
take_quoted(const char **p, char **ret, coco_error **err)
{
    const char *from = *p + 1;
    _cleanup_free_ char *text = malloc(strlen(from) + 1);
    size_t n = 0;

    if (!text)
        return coco_fail_nomem(err);
    for (; *from != '"'; from++) {
        if (*from == '\\')
            from++;
        if (*from == '\0')
            return fail_at(err, *p);
        text[n++] = *from;
    }
    text[n] = '\0';
    *p = from + 1;
    *ret = coco_steal(&text);
    return COCO_OK;
}

static coco_status
take_value(const char **p, char **ret, coco_error **err)
{
    size_t n = strspn(*p, TOKEN_CHARS);

    if (**p == '"')
        return take_quoted(p, ret, err);
    if (n == 0)
        return fail_at(err, *p);
    *ret = strndup(*p, n);
    if (!*ret)
        return coco_fail_nomem(err);
    *p += n;
    return COCO_OK;
}

static bool
is_name(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(text, name, len) == 0;
}

/* name = value; *p is behind the "=". */
static coco_status
take_param(const char **p, const char *name, size_t name_len, struct coco_challenge *challenge,
           coco_error **err)
{
    _cleanup_free_ char *value = NULL;
    char **place = NULL;

    coco_status status = take_value(p, &value, err);
    if (status != COCO_OK)
        return status;
    if (is_name(name, name_len, "realm"))
        place = &challenge->realm;
    else if (is_name(name, name_len, "service"))
        place = &challenge->service;
    if (place && *place)
        return coco_fail(err, COCO_ERR_PROTO, "WWW-Authenticate: a parameter twice");
    if (place)
        *place = coco_steal(&value);
    return COCO_OK;
}

/* The parameters behind a scheme, up to the next challenge or the end. */
static coco_status
take_params(const char **p, struct coco_challenge *challenge, coco_error **err)
{
    for (;;) {
        const char *name = skip(*p, BLANK ",");
        size_t len = strspn(name, TOKEN_CHARS);
        const char *equals = skip(name + len, BLANK);

        if (len == 0 || *equals != '=') {
            *p = name;
            return COCO_OK;
        }
        *p = skip(equals + 1, BLANK);
        coco_status status = take_param(p, name, len, challenge, err);
        if (status != COCO_OK)
            return status;
        *p = skip(*p, BLANK);
        if (**p != ',' && **p != '\0')
            return fail_at(err, *p);
    }
}

/* Whether a token68, which only schemes have that are not known here, stands at p: its end, or
 * NULL. */
static const char *
token68_end(const char *p)
{
    size_t n = strspn(p, TOKEN68_CHARS);
    const char *end = skip(skip(p + n, "="), BLANK);

    return n > 0 && (*end == ',' || *end == '\0') ? end : NULL;
}

static enum coco_challenge_scheme
scheme_of(const char *text, size_t len)
{
    if (is_name(text, len, "Bearer"))
        return COCO_CHALLENGE_BEARER;
    return is_name(text, len, "Basic") ? COCO_CHALLENGE_BASIC : COCO_CHALLENGE_NONE;
}

static coco_status
take_challenge(const char **p, struct coco_challenge *ret, coco_error **err)
{
    _cleanup_challenge_ struct coco_challenge challenge = {0};
    size_t len = strspn(*p, TOKEN_CHARS);

    if (len == 0)
        return fail_at(err, *p);
    challenge.scheme = scheme_of(*p, len);
    const char *behind = skip(*p + len, BLANK);
    if (behind == *p + len && *behind != ',' && *behind != '\0')
        return fail_at(err, *p);
    const char *end = *behind == ',' ? NULL : token68_end(behind);
    *p = end ? end : behind;
    coco_status status = end ? COCO_OK : take_params(p, &challenge, err);
    if (status != COCO_OK)
        return status;
    if (challenge.scheme == COCO_CHALLENGE_BEARER && !challenge.realm)
        return coco_fail(err, COCO_ERR_PROTO, "WWW-Authenticate: Bearer without a realm");
    *ret = challenge;
    challenge = (struct coco_challenge){0};
    return COCO_OK;
}

coco_status
coco_challenge_parse(const char *value, struct coco_challenge *ret, coco_error **err)
{
    _cleanup_challenge_ struct coco_challenge best = {0};

    for (const char *p = skip(value, BLANK ","); *p; p = skip(p, BLANK ",")) {
        _cleanup_challenge_ struct coco_challenge challenge = {0};

        coco_status status = take_challenge(&p, &challenge, err);
        if (status != COCO_OK)
            return status;
        if (challenge.scheme > best.scheme) {
            coco_challenge_done(&best);
            best = challenge;
            challenge = (struct coco_challenge){0};
        }
    }
    *ret = best;
    best = (struct coco_challenge){0};
    return COCO_OK;
}

void
coco_challenge_done(struct coco_challenge *challenge)
{
    free(challenge->realm);
    free(challenge->service);
    *challenge = (struct coco_challenge){0};
}
