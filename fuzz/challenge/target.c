/*
 * fuzz/challenge/target.c - what a registry may say in WWW-Authenticate
 *
 * What was read, written down anew, is read as the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "image/challenge.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
add(struct coco_buf *buf, const char *text)
{
    if (coco_buf_append_text(buf, text, NULL) != COCO_OK)
        abort();
}

/* name="value", every byte of it escaped that may be (RFC 9110 section 5.6.4). */
static void
add_param(struct coco_buf *buf, const char *name, const char *value)
{
    if (!value)
        return;
    add(buf, name);
    add(buf, "=\"");
    for (; *value; value++) {
        const char pair[] = {'\\', *value, '\0'};

        add(buf, *value == '"' || *value == '\\' ? pair : pair + 1);
    }
    add(buf, "\",");
}

static bool
same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
check(const struct coco_challenge *want)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIZE_MAX};
    _cleanup_challenge_ struct coco_challenge got = {0};

    if (want->scheme == COCO_CHALLENGE_BEARER && !want->realm)
        abort();
    if (want->scheme == COCO_CHALLENGE_NONE && (want->realm || want->service))
        abort();
    /* One that comes before does not count for less, nor does what is unknown. */
    add(&text, "Digest realm=\"x\", nonce=y, ");
    if (want->scheme != COCO_CHALLENGE_NONE)
        add(&text, want->scheme == COCO_CHALLENGE_BEARER ? "bearer " : "BASIC ");
    add_param(&text, "Service", want->service);
    add_param(&text, "realm", want->realm);
    if (coco_challenge_parse(coco_buf_text(&text), &got, NULL) != COCO_OK
        || got.scheme != want->scheme || !same(got.realm, want->realm)
        || !same(got.service, want->service))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_challenge_ struct coco_challenge challenge = {0};
    _cleanup_free_ char *text = strndup((const char *)data, len);
    coco_error *err = NULL;

    if (!text)
        return 0;
    coco_status status = coco_challenge_parse(text, &challenge, &err);
    coco_error_free(err);
    if (status == COCO_OK)
        check(&challenge);
    else if (status != COCO_ERR_PROTO || challenge.realm || challenge.service)
        abort();
    return 0;
}
