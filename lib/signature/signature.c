/*
 * signature/signature.c - signatures of images, from wherever they are kept
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/signature.h"

#include "base/base64.h"
#include "base/fail.h"
#include "signature/verdict.h"

#include <string.h>

/* Ends the name of a file's format, which 0x00 begins. */
#define FORMAT_MAX ((size_t)64)
/* What a media type of sigstore-json may be, for it to be a signature of an image. */
#define SIMPLE_SIGNING_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"

void
coco_signature_done(struct coco_signature *signature)
{
    free(signature->where);
    free(signature->unread);
    coco_buf_done(&signature->data);
    coco_json_free(signature->annotations);
}

void
coco_signatures_done(struct coco_signatures *signatures)
{
    for (size_t i = 0; i < signatures->n; i++)
        coco_signature_done(&signatures->list[i]);
    free(signatures->list);
    *signatures = (struct coco_signatures){0};
}

void
coco_signed_name_done(struct coco_signed_name *name)
{
    free(name->name);
    free(name->tag);
    free(name->digest);
    *name = (struct coco_signed_name){0};
}

coco_status
coco_signatures_add(struct coco_signatures *signatures, enum coco_signature_form form,
                    const char *where, struct coco_signature **ret, coco_error **err)
{
    if (signatures->n == COCO_SIGNATURES_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d signatures", COCO_SIGNATURES_MAX);
    struct coco_signature *list =
        realloc(signatures->list, (signatures->n + 1) * sizeof(*signatures->list));
    if (!list)
        return coco_fail_nomem(err);
    signatures->list = list;

    struct coco_signature *added = &list[signatures->n];
    *added = (struct coco_signature){.form = form, .data.limit = COCO_SIGNATURE_SIZE_MAX};
    added->where = strdup(where);
    if (!added->where)
        return coco_fail_nomem(err);
    signatures->n++;
    *ret = added;
    return COCO_OK;
}

coco_status
coco_signature_leave(struct coco_signature *signature, coco_status status, coco_error *cause,
                     coco_error **err)
{
    _cleanup_buf_ struct coco_buf why = {.limit = COCO_REASON_MAX};

    status = coco_refusal(status, cause, &why, err);
    if (status != COCO_OK)
        return status;
    signature->unread = strdup(coco_buf_text(&why));
    return signature->unread ? COCO_OK : coco_fail_nomem(err);
}

const char *
coco_signature_annotation(const struct coco_signature *signature, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(signature->annotations, name));
}

/* ---- files ---- */

/* {"mimeType", "payload": base64, "annotations": {}}; what else there may be counts for nothing. */
static coco_status
read_sigstore_json(cJSON *json, struct coco_signature *ret, coco_error **err)
{
    const char *payload = NULL;
    const cJSON *annotations = NULL;
    const cJSON *item = NULL;

    coco_status status = coco_json_get_string(json, "payload", &payload, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(json, "annotations", &annotations, err);
    cJSON_ArrayForEach(item, annotations)
        if (status == COCO_OK && !cJSON_IsString(item))
            status = coco_fail(err, COCO_ERR_PROTO, "an annotation that is no string");
    if (status == COCO_OK)
        status = coco_base64_decode(COCO_BASE64, payload, strlen(payload), &ret->data, err);
    if (status == COCO_OK && annotations)
        ret->annotations = cJSON_DetachItemFromObjectCaseSensitive(json, "annotations");
    return status;
}

static coco_status
add_sigstore_json(const char *text, size_t len, const char *where, struct coco_signatures *ret,
                  coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    struct coco_signature *added = NULL;
    const char *type = NULL;

    coco_status status = coco_json_parse_object(text, len, &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "mimeType", &type, err);
    /* Other things are attached to images, too: they are no signatures. */
    if (status != COCO_OK || strcmp(type, SIMPLE_SIGNING_TYPE) != 0)
        return status;
    status = coco_signatures_add(ret, COCO_FORM_PAYLOAD, where, &added, err);
    return status == COCO_OK ? read_sigstore_json(json, added, err) : status;
}

static coco_status
add_openpgp(const void *data, size_t len, const char *where, struct coco_signatures *ret,
            coco_error **err)
{
    struct coco_signature *added = NULL;

    coco_status status = coco_signatures_add(ret, COCO_FORM_OPENPGP, where, &added, err);
    return status == COCO_OK ? coco_buf_append(&added->data, data, len, err) : status;
}

/* The first byte of a packet that a message may begin with (internal/signature/signature.go). */
static bool
begins_openpgp(uint8_t first)
{
    static const uint8_t tags[] = {0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92,
                                   0x3d, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2};

    return memchr(tags, first, sizeof(tags)) != NULL;
}

static bool
is_named(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncmp(text, name, len) == 0;
}

coco_status
coco_signature_parse_file(const void *data, size_t len, const char *where,
                          struct coco_signatures *ret, coco_error **err)
{
    const char *text = data;

    if (len == 0)
        return coco_fail(err, COCO_ERR_PROTO, "an empty signature");
    if (begins_openpgp((uint8_t)text[0]))
        return add_openpgp(data, len, where, ret, err);
    const char *end = memchr(text, '\n', len < FORMAT_MAX ? len : FORMAT_MAX);
    if (text[0] != '\0' || !end)
        return coco_fail(err, COCO_ERR_PROTO, "neither OpenPGP nor another format of signatures");

    const char *name = text + 1;
    size_t name_len = (size_t)(end - name);
    size_t rest = len - name_len - 2;
    if (is_named(name, name_len, "simple-signing"))
        return add_openpgp(end + 1, rest, where, ret, err);
    if (is_named(name, name_len, "sigstore-json"))
        return add_sigstore_json(end + 1, rest, where, ret, err);
    return coco_fail(err, COCO_ERR_NOTSUP, "signatures of the format '%.*s' are not known",
                     (int)name_len, name);
}
