/*
 * signature/cosign.c - "sigstoreSigned": signatures as cosign makes them
 *
 * Sources: cosign's specs/SIGNATURE_SPEC.md; containers/image, signature/policy_eval_sigstore.go
 * (guest-protocols 7.5, 7.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "base/base64.h"
#include "base/fail.h"
#include "signature/identity.h"
#include "signature/material.h"
#include "signature/payload.h"

#include <string.h>

#define SIGNATURE "dev.cosignproject.cosign/signature"
#define RAW_SIGNATURE_MAX ((size_t)8 << 10)

/* A requirement with what it names read in. */
struct trust {
    const struct coco_judged_image *image;
    const cJSON *requirement;
    struct coco_signer_keys keys;
};

static void
trust_done(struct trust *trust)
{
    coco_signer_keys_done(&trust->keys);
}

/* One signature on its way through the checks. */
struct look {
    const struct trust *trust;
    const struct coco_signature *signature;
    struct coco_buf raw; /* the signature's bytes */
    struct coco_payload payload;
};

static void
look_done(struct look *look)
{
    coco_payload_done(&look->payload);
    coco_buf_done(&look->raw);
}

/* sigstore-rs takes line ends within it, and so there are some that have them. */
static coco_status
decode_lines(const char *text, struct coco_buf *ret, coco_error **err)
{
    _cleanup_buf_ struct coco_buf joined = {.limit = 2 * RAW_SIGNATURE_MAX};

    while (*text) {
        size_t n = strcspn(text, "\r\n");
        coco_status status = coco_buf_append(&joined, text, n, err);
        if (status != COCO_OK)
            return status;
        text += n + strspn(text + n, "\r\n");
    }
    return coco_base64_decode(COCO_BASE64, coco_buf_text(&joined), joined.len, ret, err);
}

static coco_status
check_signature(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_signer_keys *keys = &look->trust->keys;
    const char *text = coco_signature_annotation(look->signature, SIGNATURE);
    size_t which = 0;

    if (!text)
        return coco_fail(err, COCO_ERR_PROTO, "no annotation " SIGNATURE);
    coco_status status = decode_lines(text, &look->raw, err);
    if (status == COCO_OK)
        status = coco_signer_keys_verify(keys, coco_buf_text(&look->signature->data),
                                         look->signature->data.len, coco_buf_text(&look->raw),
                                         look->raw.len, &which, err);
    if (status == COCO_OK && keys->n > 1)
        status = coco_buf_printf(detail, err, "by key %zu of %zu", which + 1, keys->n);
    return status;
}

static coco_status
check_payload(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->signature->data;

    (void)detail;
    return coco_payload_parse(coco_buf_text(data), data->len, COCO_PAYLOAD_COSIGN, &look->payload,
                              err);
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    (void)detail;
    return coco_judged_is(look->trust->image, &look->payload.digest, err);
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct coco_judged_image *image = look->trust->image;

    coco_status status =
        coco_identity_check(look->trust->requirement, COCO_IDENTITY_COSIGN, &image->asked,
                            look->payload.reference, image->source, err);
    return status == COCO_OK ? coco_buf_printf(detail, err, "%.300s", look->payload.reference)
                             : status;
}

static coco_status
judge_one(void *self, const struct coco_signature *signature, cJSON *verdict, bool *accepted,
          struct coco_buf *reason, coco_error **err)
{
    static const struct coco_check checks[] = {
        {"signature", check_signature},
        {"payload", check_payload},
        {"image", check_image},
        {"identity", check_identity},
        {NULL, NULL},
    };
    _cleanup_(look_done) struct look look = {
        .trust = self, .signature = signature, .raw.limit = RAW_SIGNATURE_MAX};

    return coco_checks_run(checks, &look, verdict, accepted, reason, err);
}

/* What this build does not enforce must not be passed over (T33). */
static coco_status
read_trust(struct trust *trust, coco_error **err)
{
    static const char *const missing[] = {"fulcio", "pki"};

    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
        if (cJSON_GetObjectItemCaseSensitive(trust->requirement, missing[i]))
            return coco_fail(err, COCO_ERR_NOTSUP, "'%s' cannot be checked by this build",
                             missing[i]);
    if (coco_material_has(trust->requirement, "rekorPublicKey"))
        return coco_fail(err, COCO_ERR_NOTSUP, "entries of Rekor cannot be checked by this build");
    return coco_material_keys(trust->requirement, "key", trust->image->source, &trust->keys, err);
}

coco_status
coco_judge_sigstore_signed(const struct coco_judged_image *image, const cJSON *requirement,
                           cJSON *verdict, bool *accepted, struct coco_buf *reason,
                           coco_error **err)
{
    _cleanup_(trust_done) struct trust trust = {.image = image, .requirement = requirement};
    const struct coco_signatures *list = NULL;

    coco_status status = read_trust(&trust, err);
    if (status == COCO_OK)
        status = image->source->list(image->source->self, COCO_FAMILY_SIGSTORE, &list, err);
    if (status == COCO_OK)
        status = coco_judge_each(list, judge_one, &trust, verdict, accepted, reason, err);
    return status;
}
