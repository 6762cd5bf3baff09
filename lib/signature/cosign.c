/*
 * signature/cosign.c - "sigstoreSigned": signatures as cosign makes them
 *
 * Sources: cosign's specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; containers/image,
 * signature/policy_eval_sigstore.go (guest-protocols 7.5, 7.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "base/fail.h"
#include "signature/identity.h"
#include "signature/payload.h"
#include "signature/sigstore.h"

#include <string.h>

struct look {
    struct coco_sigstore_look sigstore;
    struct coco_payload payload;
    struct coco_statement statement;
};

static void
look_done(struct look *look)
{
    coco_payload_done(&look->payload);
    coco_statement_done(&look->statement);
    coco_sigstore_look_done(&look->sigstore);
}

static bool
is_bundle(const struct look *look)
{
    return look->sigstore.signature->form == COCO_FORM_BUNDLE;
}

static bool
is_message(const struct look *look)
{
    return look->sigstore.bundle.is_message;
}

static coco_status
check_payload(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->sigstore.signature->data;
    const struct coco_buf *payload = &look->sigstore.bundle.envelope.payload;

    if (!is_bundle(look))
        return coco_payload_parse(coco_buf_text(data), data->len, COCO_PAYLOAD_COSIGN,
                                  &look->payload, err);
    if (is_message(look))
        return coco_buf_append_text(detail, "the bytes of the manifest", err);
    coco_status status =
        coco_statement_parse(coco_buf_text(payload), payload->len, &look->statement, err);
    /* Whoever says something else of an image has not said that it is to be run. */
    if (status == COCO_OK && strcmp(look->statement.predicate_type, COCO_PREDICATE_SIGN) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "a statement of '%.200s', no signature",
                           look->statement.predicate_type);
    return status;
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct coco_judged_image *image = look->sigstore.demand->image;

    (void)detail;
    if (!is_bundle(look))
        return coco_judged_is(image, &look->payload.digest, err);
    if (is_message(look))
        return coco_judged_is(image, &look->sigstore.bundle.message.digest, err);
    return coco_judged_is_stated(image, &look->statement, err);
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct coco_sigstore_demand *demand = look->sigstore.demand;
    const struct coco_judged_image *image = demand->image;

    if (is_bundle(look) && cJSON_GetObjectItemCaseSensitive(demand->requirement, "signedIdentity"))
        return coco_fail(err, COCO_ERR_VERIFY,
                         "signedIdentity wants a name, and bundles sign a digest alone");
    if (is_bundle(look))
        return coco_buf_append_text(detail, "a digest, no name", err);
    coco_status status =
        coco_identity_check(demand->requirement, COCO_IDENTITY_COSIGN, &image->asked,
                            look->payload.reference, image->source, err);
    return status == COCO_OK ? coco_buf_printf(detail, err, "%.300s", look->payload.reference)
                             : status;
}

static coco_status
judge_one(void *self, const struct coco_signature *signature, cJSON *verdict, bool *accepted,
          struct coco_buf *reason, coco_error **err)
{
    static const struct coco_check own[] = {
        {"payload", check_payload},
        {"image", check_image},
        {"identity", check_identity},
    };
    _cleanup_(look_done) struct look look = {
        .sigstore.demand = self,
        .sigstore.signature = signature,
    };

    return coco_sigstore_run(&look.sigstore, own, sizeof(own) / sizeof(own[0]), verdict, accepted,
                             reason, err);
}

coco_status
coco_judge_sigstore_signed(const struct coco_judged_image *image, const cJSON *requirement,
                           cJSON *verdict, bool *accepted, struct coco_buf *reason,
                           coco_error **err)
{
    static const struct coco_sigstore_kind kind = {COCO_FAMILY_SIGSTORE, judge_one};

    return coco_sigstore_judge(&kind, image, requirement, verdict, accepted, reason, err);
}
