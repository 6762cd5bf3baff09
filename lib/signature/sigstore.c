/*
 * signature/sigstore.c - who has signed what cosign attaches to an image, and when
 *
 * Sources: cosign's specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md; containers/image,
 * signature/internal/sigstore_payload.go and rekor_set.go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/sigstore.h"

#include "base/base64.h"
#include "base/fail.h"

#include <string.h>

#define SIGNATURE "dev.cosignproject.cosign/signature"
#define CERTIFICATE "dev.sigstore.cosign/certificate"
#define CHAIN "dev.sigstore.cosign/chain"
#define ENTRY "dev.sigstore.cosign/bundle"
#define STAMP "dev.sigstore.cosign/rfc3161timestamp"
#define RAW_SIGNATURE_MAX ((size_t)8 << 10)
#define CHECKS_MAX 5

void
coco_sigstore_look_done(struct coco_sigstore_look *look)
{
    coco_sigstore_bundle_done(&look->bundle);
    coco_buf_done(&look->raw);
}

static bool
has_envelope(const struct coco_sigstore_look *look)
{
    return look->signature->form != COCO_FORM_PAYLOAD && !look->bundle.is_message;
}

/* ---- what comes along ---- */

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
read_others(const struct coco_sigstore_look *look, struct coco_signer *ret, coco_error **err)
{
    const struct coco_signature *signature = look->signature;
    const char *entry = coco_signature_annotation(signature, ENTRY);
    const char *stamp = coco_signature_annotation(signature, STAMP);

    coco_status status =
        look->demand->trust.by_certificate ? read_certificates(signature, ret, err) : COCO_OK;
    if (status == COCO_OK && entry && look->demand->trust.n_logs > 0) {
        status = coco_log_entry_parse_annotation(entry, strlen(entry), &ret->entries[0], err);
        ret->n_entries = status == COCO_OK;
    }
    if (status == COCO_OK && stamp && look->demand->trust.n_stampers > 0)
        status = read_stamp(stamp, ret, err);
    return status;
}

static coco_status
read_annotations(const struct coco_sigstore_look *look, struct coco_buf *raw,
                 struct coco_signer *ret, coco_error **err)
{
    const char *text = coco_signature_annotation(look->signature, SIGNATURE);

    if (!text)
        return coco_fail(err, COCO_ERR_PROTO, "no annotation " SIGNATURE);
    coco_status status = coco_base64_decode_lines(text, strlen(text), raw, err);
    return status == COCO_OK ? read_others(look, ret, err) : status;
}

/* An envelope has its signature within, and the rest beside it. */
static coco_status
read_envelope(const struct coco_sigstore_look *look, struct coco_sigstore_bundle *ret,
              coco_error **err)
{
    const struct coco_buf *data = &look->signature->data;
    _cleanup_json_ cJSON *json = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(data), data->len, &json, err);
    if (status == COCO_OK)
        status = coco_dsse_parse(json, COCO_IN_TOTO_TYPE, &ret->envelope, err);
    return status == COCO_OK ? read_others(look, &ret->signer, err) : status;
}

static coco_status
check_form(void *self, struct coco_buf *detail, coco_error **err)
{
    struct coco_sigstore_look *look = self;
    const struct coco_buf *data = &look->signature->data;

    (void)detail;
    if (look->signature->form == COCO_FORM_BUNDLE)
        return coco_sigstore_bundle_parse(coco_buf_text(data), data->len, &look->bundle, err);
    if (look->signature->form == COCO_FORM_DSSE)
        return read_envelope(look, &look->bundle, err);
    return read_annotations(look, &look->raw, &look->bundle.signer, err);
}

/* ---- who, and when ---- */

/* What is signed, unless only its digest is known, and the signature. */
static const struct coco_buf *
signed_data(const struct coco_sigstore_look *look)
{
    return has_envelope(look) ? &look->bundle.envelope.signed_data : &look->signature->data;
}

static const struct coco_buf *
raw_signature(const struct coco_sigstore_look *look)
{
    if (look->bundle.is_message)
        return &look->bundle.message.signature;
    return has_envelope(look) ? &look->bundle.envelope.signature : &look->raw;
}

static coco_status
check_signature(void *self, struct coco_buf *detail, coco_error **err)
{
    struct coco_sigstore_look *look = self;

    if (look->bundle.is_message)
        return coco_blob_signature_check(&look->bundle.message, &look->bundle.signer,
                                         &look->demand->trust, detail, err);
    return coco_signer_check_signature(&look->bundle.signer, &look->demand->trust,
                                       signed_data(look), raw_signature(look), detail, err);
}

/* Who logs in several logs does not ask which of them are trusted here. */
static void
forget_unknown(struct coco_signer *signer, const struct coco_trust *trust)
{
    size_t n = 0;

    for (size_t i = 0; i < signer->n_entries; i++)
        n += coco_log_of(&signer->entries[i], trust->logs, trust->n_logs) != NULL;
    /* Of none that is known it is told that it is not. */
    if (n == 0)
        return;
    n = 0;
    for (size_t i = 0; i < signer->n_entries; i++) {
        struct coco_log_entry entry = signer->entries[i];

        signer->entries[i] = (struct coco_log_entry){0};
        if (coco_log_of(&entry, trust->logs, trust->n_logs))
            signer->entries[n++] = entry;
        else
            coco_log_entry_done(&entry);
    }
    signer->n_entries = n;
}

static coco_status
check_log(void *self, struct coco_buf *detail, coco_error **err)
{
    struct coco_sigstore_look *look = self;
    const struct coco_buf *raw = raw_signature(look);
    struct coco_log_subject subject = {
        .signature = coco_buf_text(raw),
        .signature_len = raw->len,
        .cert = look->demand->trust.by_certificate ? look->bundle.signer.cert : NULL,
    };

    if (look->bundle.is_message) {
        subject.digest = &look->bundle.message.digest;
    } else {
        subject.signed_data = coco_buf_text(signed_data(look));
        subject.signed_len = signed_data(look)->len;
    }
    if (has_envelope(look)) {
        subject.signature_text = look->bundle.envelope.signature_text;
        subject.payload = coco_buf_text(&look->bundle.envelope.payload);
        subject.payload_len = look->bundle.envelope.payload.len;
    }
    forget_unknown(&look->bundle.signer, &look->demand->trust);
    return coco_signer_check_log(&look->bundle.signer, &look->demand->trust, &subject, detail, err);
}

/* A log that signs no time is held against the stamps: what it signed after its use is not its own.
 */
static coco_status
check_logs_in_use(const struct coco_signer *signer, const struct coco_trust *trust,
                  coco_error **err)
{
    for (size_t i = 0; i < signer->n_entries; i++) {
        const struct coco_log *log = coco_log_of(&signer->entries[i], trust->logs, trust->n_logs);

        for (size_t j = 0; log && signer->entries[i].promise.len == 0 && j < signer->n_times; j++)
            if (signer->times[j] < log->from || signer->times[j] > log->to)
                return coco_fail(err, COCO_ERR_VERIFY, "the log was not in use then");
    }
    return COCO_OK;
}

static coco_status
check_stamps(void *self, struct coco_buf *detail, coco_error **err)
{
    struct coco_sigstore_look *look = self;
    const struct coco_trust *trust = &look->demand->trust;
    const struct coco_buf *raw = raw_signature(look);
    bool demanded = coco_material_has(look->demand->requirement, "timestampAuthority")
                    || (trust->by_certificate && trust->n_logs == 0);

    if (look->bundle.signer.n_stamps == 0 && !demanded)
        return coco_buf_append_text(detail, "there is none, and none is demanded", err);
    coco_status status = coco_signer_check_stamps(&look->bundle.signer, trust, coco_buf_text(raw),
                                                  raw->len, detail, err);
    return status == COCO_OK ? check_logs_in_use(&look->bundle.signer, trust, err) : status;
}

static coco_status
check_certificate(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct coco_sigstore_look *look = self;

    return coco_signer_check_certificate(&look->bundle.signer, &look->demand->trust,
                                         look->demand->image->now, detail, err);
}

/* Those that trust has somebody for. */
static size_t
choose_checks(const struct coco_trust *trust, struct coco_check ret[CHECKS_MAX])
{
    const struct {
        struct coco_check check;
        bool wanted;
    } all[CHECKS_MAX] = {
        {{"form", check_form}, true},
        {{"signature", check_signature}, true},
        {{"log", check_log}, trust->n_logs > 0},
        {{"timestamp", check_stamps}, trust->n_stampers > 0},
        {{"certificate", check_certificate}, trust->by_certificate},
    };
    size_t n = 0;

    for (size_t i = 0; i < CHECKS_MAX; i++)
        if (all[i].wanted)
            ret[n++] = all[i].check;
    return n;
}

coco_status
coco_sigstore_run(struct coco_sigstore_look *look, const struct coco_check *own, size_t n,
                  cJSON *verdict, bool *accepted, struct coco_buf *reason, coco_error **err)
{
    /* The last is empty: the list's end. */
    struct coco_check checks[CHECKS_MAX + COCO_SIGSTORE_OWN_MAX + 1] = {{0}};

    if (n > COCO_SIGSTORE_OWN_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "more than %d checks", COCO_SIGSTORE_OWN_MAX);
    size_t first = choose_checks(&look->demand->trust, checks);
    memcpy(&checks[first], own, n * sizeof(*own));
    look->raw.limit = RAW_SIGNATURE_MAX;
    return coco_checks_run(checks, look, verdict, accepted, reason, err);
}

static void
demand_done(struct coco_sigstore_demand *demand)
{
    coco_trust_done(&demand->trust);
}

coco_status
coco_sigstore_judge(const struct coco_sigstore_kind *kind, const struct coco_judged_image *image,
                    const cJSON *requirement, cJSON *verdict, bool *accepted,
                    struct coco_buf *reason, coco_error **err)
{
    _cleanup_(demand_done) struct coco_sigstore_demand demand = {
        .image = image,
        .requirement = requirement,
    };
    const struct coco_signatures *list = NULL;

    coco_status status = coco_trust_read(requirement, image->source, &demand.trust, err);
    if (status == COCO_OK)
        status = image->source->list(image->source->self, kind->family, &list, err);
    if (status == COCO_OK)
        status = coco_judge_each(list, kind->one, &demand, verdict, accepted, reason, err);
    return status;
}
