/*
 * verifier/dcap.h - quotes of Intel SGX and TDX, verified
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_DCAP_H
#define COCO_VERIFIER_DCAP_H

#include "tee/pck.h"
#include "tee/qe_identity.h"
#include "tee/quote.h"
#include "tee/tcb_info.h"
#include "verifier/driver.h"

#include <stddef.h>

/* When all that was used was issued, and when the first of it expires. */
struct coco_dcap_dates {
    int64_t earliest_issue;
    int64_t latest_issue;
    int64_t earliest_expiration;
};

/* One quote on its way; {0} with the first three set is one at its beginning. */
struct coco_dcap {
    const struct coco_verification *verification;
    const struct coco_quote *quote;
    coco_verdict *verdict;

    struct coco_cert_chain chain; /* PCK, its CA, Intel's root */
    struct coco_pck pck;
    X509_CRL *root_crl; /* NULL where there is none */
    X509_CRL *pck_crl;
    struct coco_buf signer_pem;          /* of who signed what was read last */
    struct coco_cert_chain signer_chain; /* the same */
    bool signer_trusted;
    /* Only what is signed by Intel and of this machine: {0} where there is none. */
    struct coco_tcb_info tcb_info;
    struct coco_qe_identity qe_identity;
    struct coco_dcap_dates dates;
};

void coco_dcap_done(struct coco_dcap *dcap);
#define _cleanup_dcap_ _cleanup_(coco_dcap_done)

/*
 * Adds all checks of a quote but those of what is in its body, and the claims that
 * Intel's library and upstream make of the certification. COCO_ERR_PROTO where
 * the PCK's certificates are malformed, COCO_ERR_NOTSUP where there are none.
 */
coco_status coco_dcap_verify(const struct coco_verification *verification,
                             const struct coco_quote *quote, coco_verdict *verdict, cJSON *claims,
                             coco_error **err);

/* ---- for the drivers of both TEEs ---- */

/* Appends the quote of evidence, {"quote": base64}. */
coco_status coco_dcap_decode(const cJSON *evidence, struct coco_buf *ret, coco_error **err);

/* A member of a structure of bytes, under upstream's name. */
struct coco_dcap_field {
    const char *name;
    size_t at;
    size_t size;
};

#define COCO_DCAP_FIELD(name, structure, member)                                                   \
    {                                                                                              \
        name, offsetof(struct structure, member), sizeof(((struct structure *)0)->member)          \
    }

/* Adds an object called name, with the first n fields of structure in hex. */
coco_status coco_dcap_claim_fields(cJSON *claims, const char *name,
                                   const struct coco_dcap_field *fields, size_t n,
                                   const void *structure, coco_error **err);

#endif
