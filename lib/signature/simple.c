/*
 * signature/simple.c - "signedBy": simple signing, by OpenPGP
 *
 * Sources: containers-policy.json(5), container-signature(5); containers/image,
 * signature/policy_eval_signedby.go (guest-protocols 7.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "crypto/openpgp.h"
#include "signature/identity.h"
#include "signature/material.h"
#include "signature/payload.h"

#define PAYLOAD_MAX ((size_t)64 << 10)

/* A requirement with its keyring read in. */
struct demand {
    const struct coco_judged_image *image;
    const cJSON *requirement;
    struct coco_pgp_ring *ring;
};

/* One signature on its way through the checks. */
struct look {
    const struct demand *demand;
    const struct coco_signature *signature;
    struct coco_buf text;
    struct coco_payload payload;
};

static void
look_done(struct look *look)
{
    coco_payload_done(&look->payload);
    coco_buf_done(&look->text);
}

static coco_status
check_signature(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->signature->data;
    struct coco_pgp_signature by = {0};

    coco_status status = coco_pgp_verify(look->demand->ring, coco_buf_text(data), data->len,
                                         (uint64_t)look->demand->image->now, &look->text, &by, err);
    return status == COCO_OK ? coco_buf_printf(detail, err, "by %s", by.primary) : status;
}

static coco_status
check_payload(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;

    (void)detail;
    return coco_payload_parse(coco_buf_text(&look->text), look->text.len, COCO_PAYLOAD_ATOMIC,
                              &look->payload, err);
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    (void)detail;
    return coco_judged_is(look->demand->image, &look->payload.digest, err);
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct coco_judged_image *image = look->demand->image;

    coco_status status =
        coco_identity_check(look->demand->requirement, COCO_IDENTITY_DEFAULT, &image->asked,
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
        .demand = self, .signature = signature, .text.limit = PAYLOAD_MAX};

    return coco_checks_run(checks, &look, verdict, accepted, reason, err);
}

static coco_status
add_keys(void *self, const void *data, size_t len, coco_error **err)
{
    return coco_pgp_ring_add(self, data, len, err);
}

coco_status
coco_judge_signed_by(const struct coco_judged_image *image, const cJSON *requirement,
                     cJSON *verdict, bool *accepted, struct coco_buf *reason, coco_error **err)
{
    _cleanup_(coco_pgp_ring_freep) struct coco_pgp_ring *ring = NULL;
    const struct coco_signature_source *source = image->source;
    const struct coco_signatures *list = NULL;

    coco_status status = coco_pgp_ring_new(&ring, err);
    if (status == COCO_OK)
        status = coco_material_each(requirement, "key", source, add_keys, ring, err);
    if (status == COCO_OK)
        status = source->list(source->self, COCO_FAMILY_SIMPLE, &list, err);
    if (status != COCO_OK)
        return status;
    struct demand demand = {image, requirement, ring};
    return coco_judge_each(list, judge_one, &demand, verdict, accepted, reason, err);
}
