/*
 * kbs/audit_entry.c - one line of an audit log
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kbs/audit_entry.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/ecdsa.h"
#include "crypto/jwk.h"

#include <inttypes.h>
#include <string.h>

#define CHECKPOINT "checkpoint"
#define HEX_CHARS "0123456789abcdef"
#define SIGNED_MAX ((size_t)256)
#define KID_MAX ((size_t)64)

coco_status
coco_kbs_audit_hash(const void *line, size_t len, char ret[COCO_KBS_AUDIT_HASH_SIZE],
                    coco_error **err)
{
    struct coco_digest digest;

    coco_status status = coco_digest_of(COCO_SHA256, line, len, &digest, err);
    if (status == COCO_OK)
        coco_hex(digest.bytes, coco_hash_size(COCO_SHA256), ret);
    return status;
}

/* ---- writing ---- */

static coco_status
add_place(cJSON *entry, const struct coco_kbs_audit_place *place, const char *event,
          coco_error **err)
{
    coco_status status = coco_json_add_u64(entry, "seq", place->seq, err);

    if (status == COCO_OK)
        status = coco_json_add_i64(entry, "time", place->time, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "event", event, err);
    return status;
}

static coco_status
add_text(cJSON *entry, const char *name, const char *text, coco_error **err)
{
    return text && *text ? coco_json_add_string(entry, name, text, err) : COCO_OK;
}

/* prev is last, so that whoever reads the file sees first what happened. */
static coco_status
write_line(cJSON *entry, const struct coco_kbs_audit_place *place, struct coco_buf *buf,
           coco_error **err)
{
    coco_status status = coco_json_add_string(entry, "prev", place->prev, err);

    if (status == COCO_OK)
        status = coco_json_write(entry, COCO_JSON_COMPACT, buf, err);
    if (status == COCO_OK)
        status = coco_buf_append(buf, "\n", 1, err);
    return status;
}

coco_status
coco_kbs_audit_format(const struct coco_kbs_audit_place *place,
                      const struct coco_kbs_audit_event *event, struct coco_buf *buf,
                      coco_error **err)
{
    _cleanup_json_ cJSON *entry = NULL;

    coco_status status = coco_json_new_object(&entry, err);
    if (status == COCO_OK)
        status = add_place(entry, place, event->event, err);
    if (status == COCO_OK)
        status = add_text(entry, "who", event->who, err);
    if (status == COCO_OK)
        status = add_text(entry, "path", event->path, err);
    if (status == COCO_OK && event->status)
        status = coco_json_add_i64(entry, "status", event->status, err);
    if (status == COCO_OK)
        status = add_text(entry, "id", event->id, err);
    if (status == COCO_OK)
        status = add_text(entry, "trace_id", event->trace_id, err);
    if (status == COCO_OK)
        status = add_text(entry, "note", event->note, err);
    if (status == COCO_OK)
        status = write_line(entry, place, buf, err);
    return status;
}

static coco_status
what_is_signed(const struct coco_kbs_audit_place *place, struct coco_buf *buf, coco_error **err)
{
    return coco_buf_printf(buf, err, "coco-kbs audit\n%" PRIu64 "\n%" PRId64 "\n%s\n", place->seq,
                           place->time, place->prev);
}

coco_status
coco_kbs_audit_format_checkpoint(const struct coco_kbs_audit_place *place, EVP_PKEY *key,
                                 struct coco_buf *buf, coco_error **err)
{
    _cleanup_json_ cJSON *entry = NULL;
    _cleanup_buf_ struct coco_buf text = {.limit = SIGNED_MAX};
    _cleanup_buf_ struct coco_buf signature = {.limit = SIGNED_MAX};
    _cleanup_buf_ struct coco_buf kid = {.limit = KID_MAX};

    coco_status status = what_is_signed(place, &text, err);
    if (status == COCO_OK)
        status = coco_ecdsa_sign(key, text.data, text.len, &signature, err);
    if (status == COCO_OK)
        status = coco_jwk_thumbprint(key, &kid, err);
    if (status == COCO_OK)
        status = coco_json_new_object(&entry, err);
    if (status == COCO_OK)
        status = add_place(entry, place, CHECKPOINT, err);
    if (status == COCO_OK)
        status = coco_json_add_string(entry, "kid", coco_buf_text(&kid), err);
    if (status == COCO_OK)
        status = coco_json_add_base64url(entry, "signature", signature.data, signature.len, err);
    if (status == COCO_OK)
        status = write_line(entry, place, buf, err);
    return status;
}

/* ---- reading ---- */

static coco_status
read_place(const cJSON *entry, struct coco_kbs_audit_place *ret, coco_error **err)
{
    const char *prev = NULL;

    coco_status status = coco_json_get_u64(entry, "seq", &ret->seq, err);
    if (status == COCO_OK)
        status = coco_json_i64(cJSON_GetObjectItemCaseSensitive(entry, "time"), &ret->time, err);
    if (status == COCO_OK)
        status = coco_json_get_string(entry, "prev", &prev, err);
    if (status != COCO_OK)
        return status;
    if (ret->seq == 0 || strlen(prev) != COCO_KBS_AUDIT_HASH_SIZE - 1
        || !coco_text_is_all(prev, HEX_CHARS, COCO_KBS_AUDIT_HASH_SIZE - 1))
        return coco_fail(err, COCO_ERR_PROTO, "seq is 0 or prev is no SHA-256");
    memcpy(ret->prev, prev, COCO_KBS_AUDIT_HASH_SIZE);
    return COCO_OK;
}

static coco_status
verify_checkpoint(const cJSON *entry, const struct coco_kbs_audit_place *place, EVP_PKEY *key,
                  coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = SIGNED_MAX};
    _cleanup_buf_ struct coco_buf signature = {.limit = SIGNED_MAX};
    _cleanup_buf_ struct coco_buf kid = {.limit = KID_MAX};
    const char *encoded = NULL;
    const char *named = NULL;

    coco_status status = coco_json_get_string(entry, "signature", &encoded, err);
    if (status == COCO_OK)
        status = coco_json_get_string(entry, "kid", &named, err);
    if (status == COCO_OK)
        status = coco_jwk_thumbprint(key, &kid, err);
    if (status == COCO_OK && strcmp(named, coco_buf_text(&kid)) != 0)
        status =
            coco_fail(err, COCO_ERR_VERIFY, "of the key %.64s, not %s", named, coco_buf_text(&kid));
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64URL, encoded, strlen(encoded), &signature, err);
    if (status == COCO_OK)
        status = what_is_signed(place, &text, err);
    if (status == COCO_OK)
        status = coco_ecdsa_verify(key, text.data, text.len, signature.data, signature.len, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "checkpoint");
}

coco_status
coco_kbs_audit_parse(const char *line, size_t len, EVP_PKEY *key, struct coco_kbs_audit_place *ret,
                     bool *is_checkpoint, coco_error **err)
{
    _cleanup_json_ cJSON *entry = NULL;
    struct coco_kbs_audit_place place = {0};
    const char *event = NULL;

    coco_status status = coco_json_parse_object(line, len, &entry, err);
    if (status == COCO_OK)
        status = read_place(entry, &place, err);
    if (status == COCO_OK)
        status = coco_json_get_string(entry, "event", &event, err);
    if (status != COCO_OK)
        return status;
    *is_checkpoint = strcmp(event, CHECKPOINT) == 0;
    if (*is_checkpoint && key)
        status = verify_checkpoint(entry, &place, key, err);
    if (status == COCO_OK)
        *ret = place;
    return status;
}
