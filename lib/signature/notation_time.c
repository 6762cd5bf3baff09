/*
 * signature/notation_time.c - when an envelope of Notation was signed
 *
 * Source: notaryproject/specifications, trust-store-trust-policy.md, "Timestamp Countersignature
 * Verification details"; notation-go, verifier/verifier.go, verifyTimestamp().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "base/fail.h"

#include <inttypes.h>

/* The certificates must be valid whenever in its range that was. */
static coco_status
find_stamped(struct coco_notation *notation, const struct coco_trust *trust,
             struct coco_buf *detail, coco_error **err)
{
    struct coco_signer *signer = &notation->signer;
    struct coco_timestamp said = {0};

    if (signer->n_stamps == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no time stamp with it");
    coco_status status =
        coco_trust_stamped(trust, &signer->stamps[0], coco_buf_text(&notation->signature),
                           notation->signature.len, &said, err);
    if (status != COCO_OK)
        return status;
    signer->times[signer->n_times++] = said.time - said.accuracy;
    signer->times[signer->n_times++] = said.time + said.accuracy;
    return coco_buf_printf(detail, err, "stamped at %" PRId64, said.time);
}

static bool
has_expired(X509 *cert, int64_t now)
{
    int64_t from = 0;
    int64_t to = 0;

    /* One without dates is none that is valid now. */
    return coco_cert_dates(cert, &from, &to, NULL) != COCO_OK || now > to;
}

static bool
needs_stamp(const struct coco_notation *notation, const struct coco_trust *trust,
            const struct coco_notation_level *level, int64_t now)
{
    const struct coco_cert_chain *chain = &notation->signer.chain;
    bool expired = has_expired(notation->signer.cert, now);

    for (size_t i = 0; i < chain->n; i++)
        expired = expired || has_expired(chain->certs[i], now);
    return trust->n_stampers > 0 && (!level->after_expiry || expired);
}

coco_status
coco_notation_find_times(struct coco_notation *notation, const struct coco_trust *trust,
                         const struct coco_notation_level *level, int64_t now,
                         struct coco_buf *detail, coco_error **err)
{
    struct coco_signer *signer = &notation->signer;

    if (notation->by_authority) {
        signer->times[signer->n_times++] = notation->time;
        return coco_buf_printf(detail, err, "signed at %" PRId64 ", as its authority says",
                               notation->time);
    }
    if (needs_stamp(notation, trust, level, now))
        return find_stamped(notation, trust, detail, err);
    signer->times[signer->n_times++] = now;
    return coco_buf_append_text(detail, "now is what counts", err);
}
