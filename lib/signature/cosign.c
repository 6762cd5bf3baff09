/*
 * signature/cosign.c - "sigstoreSigned": signatures as cosign makes them
 *
 *     signature -> log -> time stamp -> certificate -> payload -> image -> identity
 *
 * of a payload with annotations, or of a Sigstore bundle. What a requirement does not ask for
 * is left out.
 *
 * Sources: cosign's specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; containers/image,
 * signature/policy_eval_sigstore.go (guest-protocols 7.5, 7.6).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/judge.h"

#include "base/base64.h"
#include "base/fail.h"
#include "signature/bundle.h"
#include "signature/identity.h"
#include "signature/payload.h"

#include <string.h>

#define SIGNATURE "dev.cosignproject.cosign/signature"
#define CERTIFICATE "dev.sigstore.cosign/certificate"
#define CHAIN "dev.sigstore.cosign/chain"
#define ENTRY "dev.sigstore.cosign/bundle"
#define STAMP "dev.sigstore.cosign/rfc3161timestamp"
#define RAW_SIGNATURE_MAX ((size_t)8 << 10)
#define SIGN_PREDICATE "https://sigstore.dev/cosign/sign/v1"
#define CHECKS_MAX 9

/* A requirement with what it names read in. */
struct demand {
    const struct coco_judged_image *image;
    const cJSON *requirement;
    struct coco_trust trust;
};

static void
demand_done(struct demand *demand)
{
    coco_trust_done(&demand->trust);
}

/* One signature on its way through the checks. */
struct look {
    const struct demand *demand;
    const struct coco_signature *signature;
    struct coco_buf raw;                /* the signature's bytes, of a payload */
    struct coco_sigstore_bundle bundle; /* of a payload the signer alone */
    struct coco_payload payload;
    struct coco_statement statement;
};

static void
look_done(struct look *look)
{
    coco_payload_done(&look->payload);
    coco_statement_done(&look->statement);
    coco_sigstore_bundle_done(&look->bundle);
    coco_buf_done(&look->raw);
}

static bool
is_bundle(const struct look *look)
{
    return look->signature->form == COCO_FORM_BUNDLE;
}

/* ---- what comes along ---- */

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
read_certificates(const struct coco_signature *signature, struct coco_signer *ret, coco_error **err)
{
    const char *leaf = coco_signature_annotation(signature, CERTIFICATE);
    const char *chain = coco_signature_annotation(signature, CHAIN);

    if (!leaf)
        return COCO_OK;
    coco_status status = coco_cert_parse(leaf, strlen(leaf), &ret->cert, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, CERTIFICATE);
    if (chain && *chain)
        status = coco_cert_chain_parse(chain, strlen(chain), &ret->chain, err);
    return status == COCO_OK ? COCO_OK : coco_wrap(err, status, CHAIN);
}

/* {"SignedRFC3161Timestamp": base64} */
static coco_status
read_stamp(const char *text, struct coco_signer *ret, coco_error **err)
{
    _cleanup_json_ cJSON *json = NULL;
    const char *stamp = NULL;

    coco_status status = coco_json_parse_object(text, strlen(text), &json, err);
    if (status == COCO_OK)
        status = coco_json_get_string(json, "SignedRFC3161Timestamp", &stamp, err);
    return status == COCO_OK ? coco_signer_add_stamp(ret, stamp, err) : status;
}

static coco_status
read_annotations(const struct look *look, struct coco_buf *raw, struct coco_signer *ret,
                 coco_error **err)
{
    const struct coco_signature *signature = look->signature;
    const char *text = coco_signature_annotation(signature, SIGNATURE);
    const char *entry = coco_signature_annotation(signature, ENTRY);
    const char *stamp = coco_signature_annotation(signature, STAMP);

    if (!text)
        return coco_fail(err, COCO_ERR_PROTO, "no annotation " SIGNATURE);
    coco_status status = decode_lines(text, raw, err);
    if (status == COCO_OK && look->demand->trust.by_certificate)
        status = read_certificates(signature, ret, err);
    if (status == COCO_OK && entry && look->demand->trust.n_logs > 0) {
        status = coco_log_entry_parse_annotation(entry, strlen(entry), &ret->entries[0], err);
        ret->n_entries = status == COCO_OK;
    }
    if (status == COCO_OK && stamp && look->demand->trust.n_stampers > 0)
        status = read_stamp(stamp, ret, err);
    return status;
}

static coco_status
check_form(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->signature->data;

    (void)detail;
    if (is_bundle(look))
        return coco_sigstore_bundle_parse(coco_buf_text(data), data->len, &look->bundle, err);
    return read_annotations(look, &look->raw, &look->bundle.signer, err);
}

/* ---- who, and when ---- */

/* What is signed, and the signature. */
static const struct coco_buf *
signed_data(const struct look *look)
{
    return is_bundle(look) ? &look->bundle.envelope.signed_data : &look->signature->data;
}

static const struct coco_buf *
raw_signature(const struct look *look)
{
    return is_bundle(look) ? &look->bundle.envelope.signature : &look->raw;
}

static coco_status
check_signature(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;

    return coco_signer_check_signature(&look->bundle.signer, &look->demand->trust,
                                       signed_data(look), raw_signature(look), detail, err);
}

static coco_status
check_log(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = signed_data(look);
    const struct coco_buf *raw = raw_signature(look);
    struct coco_log_subject subject = {
        .signed_data = coco_buf_text(data),
        .signed_len = data->len,
        .signature = coco_buf_text(raw),
        .signature_len = raw->len,
    };

    if (is_bundle(look)) {
        subject.signature_text = look->bundle.envelope.signature_text;
        subject.payload = coco_buf_text(&look->bundle.envelope.payload);
        subject.payload_len = look->bundle.envelope.payload.len;
    }
    return coco_signer_check_log(&look->bundle.signer, &look->demand->trust, &subject, detail, err);
}

static coco_status
check_stamps(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_trust *trust = &look->demand->trust;
    const struct coco_buf *raw = raw_signature(look);
    bool demanded = coco_material_has(look->demand->requirement, "timestampAuthority")
                    || (trust->by_certificate && trust->n_logs == 0);

    if (look->bundle.signer.n_stamps == 0 && !demanded)
        return coco_buf_append_text(detail, "there is none, and none is demanded", err);
    return coco_signer_check_stamps(&look->bundle.signer, trust, coco_buf_text(raw), raw->len,
                                    detail, err);
}

static coco_status
check_certificate(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    return coco_signer_check_certificate(&look->bundle.signer, &look->demand->trust,
                                         look->demand->image->now, detail, err);
}

/* ---- what of ---- */

static coco_status
check_payload(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->signature->data;
    const struct coco_buf *payload = &look->bundle.envelope.payload;

    (void)detail;
    if (!is_bundle(look))
        return coco_payload_parse(coco_buf_text(data), data->len, COCO_PAYLOAD_COSIGN,
                                  &look->payload, err);
    coco_status status =
        coco_statement_parse(coco_buf_text(payload), payload->len, &look->statement, err);
    /* Whoever says something else of an image has not said that it is to be run. */
    if (status == COCO_OK && strcmp(look->statement.predicate_type, SIGN_PREDICATE) != 0)
        status = coco_fail(err, COCO_ERR_VERIFY, "a statement of '%.200s', no signature",
                           look->statement.predicate_type);
    return status;
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct coco_judged_image *image = look->demand->image;

    (void)detail;
    if (!is_bundle(look))
        return coco_judged_is(image, &look->payload.digest, err);
    return coco_judged_is_stated(image, &look->statement, err);
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    const struct demand *demand = look->demand;
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
    const struct demand *demand = self;
    const struct {
        struct coco_check check;
        bool wanted;
    } all[] = {
        {{"form", check_form}, true},
        {{"signature", check_signature}, true},
        {{"log", check_log}, demand->trust.n_logs > 0},
        {{"timestamp", check_stamps}, demand->trust.n_stampers > 0},
        {{"certificate", check_certificate}, demand->trust.by_certificate},
        {{"payload", check_payload}, true},
        {{"image", check_image}, true},
        {{"identity", check_identity}, true},
    };
    struct coco_check checks[CHECKS_MAX] = {{0}};
    size_t n = 0;
    _cleanup_(look_done) struct look look = {
        .demand = demand, .signature = signature, .raw.limit = RAW_SIGNATURE_MAX};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].wanted)
            checks[n++] = all[i].check;
    return coco_checks_run(checks, &look, verdict, accepted, reason, err);
}

coco_status
coco_judge_sigstore_signed(const struct coco_judged_image *image, const cJSON *requirement,
                           cJSON *verdict, bool *accepted, struct coco_buf *reason,
                           coco_error **err)
{
    _cleanup_(demand_done) struct demand demand = {.image = image, .requirement = requirement};
    const struct coco_signatures *list = NULL;

    coco_status status = coco_trust_read(requirement, image->source, &demand.trust, err);
    if (status == COCO_OK)
        status = image->source->list(image->source->self, COCO_FAMILY_SIGSTORE, &list, err);
    if (status == COCO_OK)
        status = coco_judge_each(list, judge_one, &demand, verdict, accepted, reason, err);
    return status;
}
