/*
 * fuzz/auth_json/target.c - credentials go to who the file names, and as they stand there
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/auth.h"

#include "base/context.h"

#include <stdlib.h>
#include <string.h>

#define PATHS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct {
    const char *host, *name;
} wanted[PATHS] = {
    {"h.test:5000", "h.test:5000/ns/app"},
    {"docker.io", "docker.io/library/busybox"},
    {"h.test", "h.test/ns/app/more"},
};

/* Whether word stands in the file, in either case. */
static bool
is_named(const uint8_t *data, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t at = 0; at + n <= len; at++)
        if (strncasecmp((const char *)data + at, word, n) == 0)
            return true;
    return false;
}

static bool
is_text(const struct coco_secret *secret)
{
    return !memchr(secret->data, '\0', secret->len) && secret->data[secret->len] == '\0';
}

/* A file with these credentials alone gives them again. */
static void
check_round_trip(coco_ctx *ctx, const struct coco_credentials *want, const char *host)
{
    _cleanup_buf_ struct coco_buf pair = {.limit = SIZE_MAX};
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_json_ cJSON *json = NULL;
    struct coco_auth auth = {0};
    struct coco_credentials got = {0};
    cJSON *auths = NULL;
    cJSON *entry = NULL;

    if (coco_buf_append(&pair, want->user.data, want->user.len, NULL) != COCO_OK
        || coco_buf_append_text(&pair, ":", NULL) != COCO_OK
        || coco_buf_append(&pair, want->password.data, want->password.len, NULL) != COCO_OK
        || coco_json_new_object(&json, NULL) != COCO_OK
        || coco_json_add_object(json, "auths", &auths, NULL) != COCO_OK
        || coco_json_add_object(auths, host, &entry, NULL) != COCO_OK
        || coco_json_add_base64(entry, "auth", pair.data, pair.len, NULL) != COCO_OK
        || coco_json_write(json, COCO_JSON_COMPACT, &text, NULL) != COCO_OK
        || coco_auth_add(&auth, text.data, text.len, NULL) != COCO_OK
        || coco_auth_find(&auth, ctx, host, &got, NULL) != COCO_OK
        || !coco_secret_equal(&want->user, got.user.data, got.user.len)
        || !coco_secret_equal(&want->password, got.password.data, got.password.len))
        abort();
    coco_credentials_done(&got);
    coco_auth_done(&auth);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_(coco_ctx_freep) coco_ctx *ctx = NULL;
    struct coco_auth auth = {0};

    if (coco_ctx_new(&ctx, NULL) != COCO_OK)
        abort();
    coco_status status = coco_auth_add(&auth, data, len, NULL);
    if ((status == COCO_OK) != (auth.n_files == 1))
        abort();
    for (size_t i = 0; i < PATHS && status == COCO_OK; i++) {
        _cleanup_credentials_ struct coco_credentials found = {0};
        const char *host = wanted[i].host;

        /* All of the file was looked at when it was parsed. */
        coco_status answer = coco_auth_find(&auth, ctx, wanted[i].name, &found, NULL);
        if (answer != COCO_OK && answer != COCO_ERR_NOTSUP)
            abort();
        if ((found.user.data != NULL) != (found.password.data != NULL)
            || (found.user.data && found.identity_token.data))
            abort();
        if (!found.user.data)
            continue;
        /* An escaped name would not be found, but then there is a backslash. */
        if (!is_named(data, len, host) && !memchr(data, '\\', len))
            abort();
        if (answer != COCO_OK || !is_text(&found.user) || !is_text(&found.password))
            abort();
        check_round_trip(ctx, &found, host);
    }
    coco_auth_done(&auth);
    return 0;
}
