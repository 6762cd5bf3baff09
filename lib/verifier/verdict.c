/*
 * verifier/verdict.c - what evidence came to, check by check
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/verdict.h"

#include "base/fail.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <string.h>

#define TEXT_MAX 1024
#define BYTES_MAX ((TEXT_MAX - 1) / 2)

coco_status
coco_verdict_add(coco_verdict *verdict, const char *name, bool ok, const char *want,
                 const char *got, coco_error **err)
{
    char text[TEXT_MAX];

    if (verdict->n_checks == COCO_CHECKS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d checks", COCO_CHECKS_MAX);

    coco_text_escape(want, strlen(want), text, sizeof(text));
    _cleanup_free_ char *want_copy = strdup(text);
    coco_text_escape(got, strlen(got), text, sizeof(text));
    _cleanup_free_ char *got_copy = strdup(text);
    if (!want_copy || !got_copy)
        return coco_fail_nomem(err);

    verdict->checks[verdict->n_checks++] = (struct coco_check){
        .name = name,
        .ok = ok,
        .want = coco_steal(&want_copy),
        .got = coco_steal(&got_copy),
    };
    return COCO_OK;
}

static bool
equal_and_zeros(const uint8_t *want, size_t want_len, const uint8_t *got, size_t got_len)
{
    uint8_t rest = 0;

    if (got_len < want_len)
        return false;
    for (size_t i = want_len; i < got_len; i++)
        rest |= got[i];
    return CRYPTO_memcmp(want, got, want_len) == 0 && rest == 0;
}

coco_status
coco_verdict_add_bytes(coco_verdict *verdict, const char *name, const uint8_t *want,
                       size_t want_len, const uint8_t *got, size_t got_len, coco_error **err)
{
    char want_hex[TEXT_MAX];
    char got_hex[TEXT_MAX];

    coco_hex(want, want_len < BYTES_MAX ? want_len : BYTES_MAX, want_hex);
    coco_hex(got, got_len < BYTES_MAX ? got_len : BYTES_MAX, got_hex);
    return coco_verdict_add(verdict, name, equal_and_zeros(want, want_len, got, got_len), want_hex,
                            got_hex, err);
}

void
coco_verdict_free(coco_verdict *verdict)
{
    if (!verdict)
        return;
    for (size_t i = 0; i < verdict->n_checks; i++) {
        free(verdict->checks[i].want);
        free(verdict->checks[i].got);
    }
    coco_buf_done(&verdict->claims);
    free(verdict);
}

/* No check made is no check passed. */
bool
coco_verdict_valid(const coco_verdict *verdict)
{
    bool valid = verdict->n_checks > 0;

    for (size_t i = 0; i < verdict->n_checks; i++)
        valid = valid && verdict->checks[i].ok;
    return valid;
}

const char *
coco_verdict_claims(const coco_verdict *verdict)
{
    return coco_buf_text(&verdict->claims);
}

size_t
coco_verdict_check_count(const coco_verdict *verdict)
{
    return verdict->n_checks;
}

const char *
coco_verdict_check_name(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks ? verdict->checks[index].name : NULL;
}

bool
coco_verdict_check_ok(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks && verdict->checks[index].ok;
}

const char *
coco_verdict_check_want(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks ? verdict->checks[index].want : NULL;
}

const char *
coco_verdict_check_got(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks ? verdict->checks[index].got : NULL;
}
