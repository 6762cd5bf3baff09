/*
 * verifier/verdict.c - what evidence came to, check by check
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/verdict.h"

#include "base/fail.h"
#include "base/text.h"
#include "verifier/checks.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#define TEXT_MAX 1024
#define BYTES_MAX ((TEXT_MAX - 1) / 2)

coco_status
coco_verdict_add(coco_verdict *verdict, const char *name, bool ok, const char *want,
                 const char *got, coco_error **err)
{
    char text[TEXT_MAX];
    size_t kind = 0;
    bool known = coco_check_kind_find(name, &kind);

    assert(known); /* each check has its row in checks.c */
    if (!known)
        return coco_fail(err, COCO_ERR_INVALID, "there is no check '%s'", name);
    if (verdict->n_checks == COCO_CHECKS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d checks", COCO_CHECKS_MAX);

    coco_text_escape(want, strlen(want), text, sizeof(text));
    _cleanup_free_ char *want_copy = strdup(text);
    coco_text_escape(got, strlen(got), text, sizeof(text));
    _cleanup_free_ char *got_copy = strdup(text);
    if (!want_copy || !got_copy)
        return coco_fail_nomem(err);

    verdict->checks[verdict->n_checks++] = (struct coco_check){
        .kind = kind,
        .ok = ok,
        .allowed = !ok && coco_verifier_allows(verdict->verifier, kind),
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

bool
coco_is_unreached(const coco_error *why)
{
    coco_status status = coco_error_status(why);

    return (status == COCO_ERR_NET || status == COCO_ERR_DENIED) && coco_error_errno(why) != EAGAIN;
}

bool
coco_verdict_check_unreached(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks && verdict->checks[index].unreached;
}

coco_status
coco_verdict_add_outcome(coco_verdict *verdict, const char *name, const char *want,
                         coco_status status, coco_error **why, coco_error **err)
{
    coco_error *kept = *why;
    bool unreached = coco_is_unreached(kept);

    *why = NULL;
    if (status != COCO_OK && coco_error_status(kept) == COCO_ERR_NOMEM)
        status = COCO_ERR_NOMEM; /* there was none to say what was wrong */
    if (unreached)
        status = COCO_ERR_NOTFOUND;
    switch (status) {
    case COCO_OK:
        return coco_verdict_add(verdict, name, true, want, want, err);
    case COCO_ERR_VERIFY:
    case COCO_ERR_PROTO:
    case COCO_ERR_LIMIT:
    case COCO_ERR_NOTSUP:
    case COCO_ERR_NOTFOUND:
        status = coco_verdict_add(verdict, name, false, want, coco_error_message(kept), err);
        coco_error_free(kept);
        if (status == COCO_OK)
            verdict->checks[verdict->n_checks - 1].unreached = unreached;
        return status;
    default:
        coco_error_give(err, kept);
        return status;
    }
}

coco_status
coco_claim_hex(cJSON *claims, const char *name, const void *data, size_t len, coco_error **err)
{
    char hex[TEXT_MAX];

    if (len > BYTES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "claim %s of %zu bytes", name, len);
    coco_hex(data, len, hex);
    return coco_json_add_string(claims, name, hex, err);
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
        valid = valid && (verdict->checks[i].ok || verdict->checks[i].allowed);
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
    return index < verdict->n_checks ? coco_check_kind(verdict->checks[index].kind)->name : NULL;
}

bool
coco_verdict_check_ok(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks && verdict->checks[index].ok;
}

bool
coco_verdict_check_allowed(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks && verdict->checks[index].allowed;
}

const char *
coco_verdict_check_hint(const coco_verdict *verdict, size_t index)
{
    return index < verdict->n_checks ? coco_check_kind(verdict->checks[index].kind)->hint : NULL;
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
