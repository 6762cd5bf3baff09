/*
 * keyprovider/params.c - what a user tells a key provider: provider:attestation-agent:key=value::…
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keyprovider/params.h"

#include "base/fail.h"

#include <string.h>

#define TEXT_MAX ((size_t)4096)
#define SCHEME "kbs://"

void
coco_keyprovider_params_done(struct coco_keyprovider_params *params)
{
    coco_buf_done(&params->uri);
    coco_buf_done(&params->path);
}

static bool
is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && strncmp(text, word, len) == 0;
}

/* Where word begins in text, or NULL. */
static const char *
find(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++)
        if (strncmp(text + i, word, n) == 0)
            return text + i;
    return NULL;
}

static coco_status
set_sample(const char *value, size_t len, struct coco_keyprovider_params *params, coco_error **err)
{
    params->sample = is(value, len, "true");
    return params->sample || is(value, len, "false")
               ? COCO_OK
               : coco_fail(err, COCO_ERR_INVALID, "sample is neither true nor false");
}

/* "kbs://[host]/r/t/t", "host/r/t/t" and "/r/t/t" are one. */
static coco_status
set_keyid(const char *value, size_t len, struct coco_keyprovider_params *params, coco_error **err)
{
    const char *rest = find(value, len, "://");

    if (rest && find(value, (size_t)(rest - value), "+"))
        return coco_fail(err, COCO_ERR_NOTSUP, "keyid is none of a resource");
    coco_status status = COCO_OK;
    if (!rest)
        status = coco_buf_append_text(&params->uri, SCHEME, err);
    if (status == COCO_OK)
        status = coco_buf_append(&params->uri, value, len, err);
    if (status == COCO_OK)
        status = coco_resource_uri_parse(coco_buf_text(&params->uri), &params->key, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "keyid");
}

static coco_status
set_keypath(const char *value, size_t len, struct coco_keyprovider_params *params, coco_error **err)
{
    if (len == 0 || value[0] != '/' || memchr(value, '\0', len))
        return coco_fail(err, COCO_ERR_INVALID, "keypath is no absolute path");
    return coco_buf_append(&params->path, value, len, err);
}

static coco_status
set_algorithm(const char *value, size_t len, struct coco_keyprovider_params *params,
              coco_error **err)
{
    (void)params;
    if (is(value, len, "A256CTR"))
        return coco_fail(err, COCO_ERR_NOTSUP, "A256CTR authenticates nothing; A256GCM does");
    return is(value, len, "A256GCM") ? COCO_OK
                                     : coco_fail(err, COCO_ERR_INVALID, "algorithm is not A256GCM");
}

static const struct {
    const char *name;
    coco_status (*set)(const char *value, size_t len, struct coco_keyprovider_params *params,
                       coco_error **err);
} table[] = {
    {"sample", set_sample},
    {"keyid", set_keyid},
    {"keypath", set_keypath},
    {"algorithm", set_algorithm},
};

#define N_NAMES (sizeof(table) / sizeof(table[0]))

/* One key=value; seen has a bit for each that was there. */
static coco_status
set(const char *text, size_t len, unsigned *seen, struct coco_keyprovider_params *params,
    coco_error **err)
{
    const char *equals = memchr(text, '=', len);

    if (!equals)
        return coco_fail(err, COCO_ERR_INVALID, "a parameter is not key=value");
    size_t name_len = (size_t)(equals - text);
    for (size_t i = 0; i < N_NAMES; i++) {
        if (!is(text, name_len, table[i].name))
            continue;
        if (*seen & 1U << i)
            return coco_fail(err, COCO_ERR_INVALID, "%s is there twice", table[i].name);
        *seen |= 1U << i;
        return table[i].set(equals + 1, len - name_len - 1, params, err);
    }
    return coco_fail(err, COCO_ERR_INVALID, "'%.*s' is no parameter",
                     (int)(name_len < 32 ? name_len : 32), text);
}

static coco_status
read_all(const char *text, size_t len, struct coco_keyprovider_params *params, coco_error **err)
{
    const char *end = text + len;
    unsigned seen = 0;

    for (;;) {
        const char *stop = find(text, (size_t)(end - text), "::");
        size_t n = (size_t)((stop ? stop : end) - text);

        coco_status status = set(text, n, &seen, params, err);
        if (status != COCO_OK || !stop)
            return status;
        text = stop + 2;
    }
}

coco_status
coco_keyprovider_params_parse(const char *text, size_t len, struct coco_keyprovider_params *ret,
                              coco_error **err)
{
    struct coco_keyprovider_params params = {
        .uri = {.limit = TEXT_MAX + sizeof(SCHEME)},
        .path = {.limit = TEXT_MAX},
    };
    coco_status status = COCO_OK;

    if (len > TEXT_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "parameters of more than %zu bytes", TEXT_MAX);
    if (len > 0 && !is(text, len, "Enabled"))
        status = read_all(text, len, &params, err);
    if (status != COCO_OK) {
        coco_keyprovider_params_done(&params);
        return status;
    }
    *ret = params;
    return COCO_OK;
}
