/*
 * signature/signer.h - who has signed: keys, certificates, and when
 *
 * A signature is accepted in steps: by which key it is made, that the log knows it, when that
 * was, and that the certificate of the key was good then and names whom the requirement wants.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_SIGNATURE_SIGNER_H
#define COCO_SIGNATURE_SIGNER_H

#include "signature/trust.h"

#define COCO_SIGNER_ENTRIES_MAX 8

/* What comes along with a signature; hostile. */
struct coco_signer {
    X509 *cert;                   /* the leaf, or NULL */
    struct coco_cert_chain chain; /* what stands between it and its authority */
    struct coco_log_entry entries[COCO_SIGNER_ENTRIES_MAX];
    size_t n_entries;
    struct coco_buf stamps[COCO_SIGNER_ENTRIES_MAX]; /* RFC 3161 */
    size_t n_stamps;
    /* Found on the way. */
    EVP_PKEY *key; /* that made the signature */
    int64_t times[2 * COCO_SIGNER_ENTRIES_MAX];
    size_t n_times;
};

void coco_signer_done(struct coco_signer *signer);
#define _cleanup_signer_ _cleanup_(coco_signer_done)

/* Appends a time stamp's bytes to signer, from base64. */
coco_status coco_signer_add_stamp(struct coco_signer *signer, const char *base64, coco_error **err);

/* Notes that the key of that number made the signature. */
coco_status coco_signer_take_key(struct coco_signer *signer, const struct coco_signer_keys *keys,
                                 size_t which, struct coco_buf *detail, coco_error **err);

/* COCO_ERR_VERIFY unless sig is made of data by one of the trusted keys, or the certificate's. */
coco_status coco_signer_check_signature(struct coco_signer *signer, const struct coco_trust *trust,
                                        const struct coco_buf *data, const struct coco_buf *sig,
                                        struct coco_buf *detail, coco_error **err);

/* COCO_ERR_VERIFY unless an entry of a trusted log, if there is such, is of the signature. */
coco_status coco_signer_check_log(struct coco_signer *signer, const struct coco_trust *trust,
                                  struct coco_log_subject *subject, struct coco_buf *detail,
                                  coco_error **err);

/* COCO_ERR_VERIFY for a time stamp that is not of sig by a trusted authority, if there is such. */
coco_status coco_signer_check_stamps(struct coco_signer *signer, const struct coco_trust *trust,
                                     const void *sig, size_t sig_len, struct coco_buf *detail,
                                     coco_error **err);

/*
 * COCO_ERR_VERIFY unless the certificate leads to who is trusted, whenever that was, and is for
 * signing code if it says what it is for.
 */
coco_status coco_signer_check_chain(const struct coco_signer *signer,
                                    const struct coco_trust *trust, struct coco_buf *detail,
                                    coco_error **err);

/*
 * COCO_ERR_VERIFY unless all certificates that came along, and who is trusted, were valid at all
 * times that were found, of which there must be one.
 */
coco_status coco_signer_check_times(const struct coco_signer *signer,
                                    const struct coco_trust *trust, coco_error **err);

/* COCO_ERR_VERIFY unless the certificate was valid whenever it was used, and is whom trust wants.
 */
coco_status coco_signer_check_certificate(const struct coco_signer *signer,
                                          const struct coco_trust *trust, int64_t now,
                                          struct coco_buf *detail, coco_error **err);

#endif
