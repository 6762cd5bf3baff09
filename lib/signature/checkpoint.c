/*
 * signature/checkpoint.c - what a log signs of its tree
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/checkpoint.h"

#include "base/base64.h"
#include "base/fail.h"
#include "crypto/ossl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_DER_MAX ((size_t)4 << 10)
#define SIGNATURES_MAX 16
#define ID_SIZE 4 /* of a key, in front of its signature */

static const char dash[] = "\xe2\x80\x94 ";

/* "… - 4711" */
bool
coco_checkpoint_is_tiled(const char *note)
{
    size_t len = strcspn(note, "\n");
    size_t digits = 0;

    while (digits < len && note[len - digits - 1] >= '0' && note[len - digits - 1] <= '9')
        digits++;
    return digits == 0 || len < digits + 3 || strncmp(note + len - digits - 3, " - ", 3) != 0;
}

/* signed-note.md, "Signatures": what of the key stands behind name LF. */
static coco_status
append_key(EVP_PKEY *key, enum coco_key_kind kind, struct coco_buf *ret, coco_error **err)
{
    static const char rsa[] = "\xffPKIX-RSA-PKCS#1v1.5";
    uint8_t raw[33] = {1};
    size_t len = 32;

    if (kind == COCO_KEY_ED25519) {
        if (EVP_PKEY_get_raw_public_key(key, raw + 1, &len) != 1 || len != 32)
            return coco_fail_nomem(err);
        return coco_buf_append(ret, raw, sizeof(raw), err);
    }
    coco_status status = coco_buf_append_text(ret, rsa, err);
    return status == COCO_OK ? coco_key_public_der(key, ret, err) : status;
}

coco_status
coco_checkpoint_key_id(const struct coco_log *log, bool is_tiled, struct coco_digest *ret,
                       coco_error **err)
{
    coco_ossl_errors_are_ours();
    _cleanup_buf_ struct coco_buf text = {.limit = KEY_DER_MAX};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(log->key, &kind, err);
    if (status != COCO_OK)
        return status;
    if (is_tiled && (kind == COCO_KEY_ED25519 || kind == COCO_KEY_RSA)) {
        if (!log->name)
            return coco_fail(err, COCO_ERR_NOTSUP, "only a trusted root says the log's name");
        status = coco_buf_printf(&text, err, "%s\n", log->name);
        if (status == COCO_OK)
            status = append_key(log->key, kind, &text, err);
    } else {
        status = coco_key_public_der(log->key, &text, err);
    }
    return status == COCO_OK ? coco_digest_of(COCO_SHA256, text.data, text.len, ret, err) : status;
}

/* ---- who signed ---- */

/* What a line with a signature must be for it to be the log's. */
struct signer {
    const struct coco_log *log;
    const char *name; /* NULL: it does not count */
    struct coco_digest id;
};

/* "— name base64": another's is passed over, one of the log's that does not hold is a refusal. */
static coco_status
try_line(const char *line, size_t len, const char *text, size_t text_len,
         const struct signer *signer, bool *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf raw = {.limit = KEY_DER_MAX};
    const char *name = line + strlen(dash);
    const char *space =
        strncmp(line, dash, strlen(dash)) == 0 ? memchr(name, ' ', len - strlen(dash)) : NULL;

    if (!space)
        return coco_fail(err, COCO_ERR_PROTO, "a signature of a checkpoint that is none");
    size_t name_len = (size_t)(space - name);
    coco_status status =
        coco_base64_decode(COCO_BASE64, space + 1, (size_t)(line + len - space - 1), &raw, err);
    if (status == COCO_OK && raw.len <= ID_SIZE)
        status = coco_fail(err, COCO_ERR_PROTO, "a signature of a checkpoint that is none");
    if (status != COCO_OK)
        return status;
    if (CRYPTO_memcmp(raw.data, signer->id.bytes, ID_SIZE) != 0)
        return COCO_OK;
    if (signer->name
        && (name_len != strlen(signer->name) || strncmp(name, signer->name, name_len) != 0))
        return COCO_OK;
    status = coco_key_verify(signer->log->key, text, text_len, raw.data + ID_SIZE,
                             raw.len - ID_SIZE, err);
    *ret = status == COCO_OK;
    return *ret ? COCO_OK : coco_wrap(err, status, "checkpoint");
}

/* The text that is signed ends before the empty line. */
static coco_status
check_signatures(const char *note, const struct signer *signer, coco_error **err)
{
    const char *gap = strstr(note, "\n\n");
    bool ok = false;

    if (!gap)
        return coco_fail(err, COCO_ERR_PROTO, "a checkpoint without a signature");
    const char *line = gap + 2;
    for (int n = 0; !ok && *line && n < SIGNATURES_MAX; n++) {
        size_t len = strcspn(line, "\n");

        coco_status status = try_line(line, len, note, (size_t)(gap + 1 - note), signer, &ok, err);
        if (status != COCO_OK)
            return status;
        line += len + (line[len] == '\n');
    }
    return ok ? COCO_OK
              : coco_fail(err, COCO_ERR_VERIFY, "the checkpoint is not signed by the log");
}

/* ---- what was signed ---- */

static coco_status
check_text(const char *note, const char *origin, uint64_t size, const struct coco_digest *root,
           coco_error **err)
{
    const char *second = strchr(note, '\n');
    const char *third = second ? strchr(second + 1, '\n') : NULL;
    const char *end = third ? strchr(third + 1, '\n') : NULL;
    _cleanup_buf_ struct coco_buf said = {.limit = COCO_DIGEST_SIZE_MAX};
    char number[32];

    if (!end)
        return coco_fail(err, COCO_ERR_PROTO, "a checkpoint of less than three lines");
    size_t len = (size_t)(second - note);
    if (origin && (len != strlen(origin) || strncmp(note, origin, len) != 0))
        return coco_fail(err, COCO_ERR_VERIFY, "the checkpoint is of the log '%.*s', not '%.100s'",
                         (int)(len < 100 ? len : 100), note, origin);
    (void)snprintf(number, sizeof(number), "%" PRIu64, size);
    len = (size_t)(third - second - 1);
    if (len != strlen(number) || strncmp(second + 1, number, len) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the checkpoint is of a tree of another size");
    coco_status status =
        coco_base64_decode(COCO_BASE64, third + 1, (size_t)(end - third - 1), &said, err);
    if (status != COCO_OK)
        return status;
    if (said.len != 32 || CRYPTO_memcmp(said.data, root->bytes, 32) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "the entry is not in the tree of the checkpoint");
    return COCO_OK;
}

coco_status
coco_checkpoint_check(const char *note, const struct coco_log *log, uint64_t size,
                      const struct coco_digest *root, coco_error **err)
{
    bool is_tiled = coco_checkpoint_is_tiled(note);
    struct signer signer = {.log = log, .name = is_tiled ? log->name : NULL};

    if (is_tiled && !log->name)
        return coco_fail(err, COCO_ERR_NOTSUP, "only a trusted root says the log's name");
    coco_status status = coco_checkpoint_key_id(log, is_tiled, &signer.id, err);
    if (status == COCO_OK)
        status = check_signatures(note, &signer, err);
    return status == COCO_OK ? check_text(note, signer.name, size, root, err) : status;
}
