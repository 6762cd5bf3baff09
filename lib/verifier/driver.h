/*
 * verifier/driver.h - what the verifier of one TEE is made of
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_VERIFIER_DRIVER_H
#define COCO_VERIFIER_DRIVER_H

#include "base/json.h"
#include "crypto/cert.h"
#include "verifier/binding.h"
#include "verifier/collateral.h"
#include "verifier/known.h"

#include <coco/verifier.h>

COCO_DEFINE_CLEANUP(coco_verifier *, coco_verifier_free);
COCO_DEFINE_CLEANUP(coco_verdict *, coco_verdict_free);

/* Evidence, and what it must be. */
struct coco_verification {
    const coco_verifier *verifier;
    const cJSON *evidence;
    const coco_binding *binding;
    int64_t now; /* seconds since 1970 */
};

/* One TEE; the table of them is in verifier.c. */
struct coco_verifier_driver {
    const char *tee;
    /*
     * Adds every check to verdict, also those after the first that does not
     * hold: a person wants to see all that is wrong. Adds to claims what the
     * evidence says, under upstream's names.
     */
    coco_status (*verify)(const struct coco_verification *verification, coco_verdict *verdict,
                          cJSON *claims, coco_error **err);
};

extern const struct coco_verifier_driver coco_csv_verifier;
extern const struct coco_verifier_driver coco_az_snp_verifier;
extern const struct coco_verifier_driver coco_az_tdx_verifier;
extern const struct coco_verifier_driver coco_cca_verifier;
extern const struct coco_verifier_driver coco_nitro_verifier;
extern const struct coco_verifier_driver coco_sample_verifier;
extern const struct coco_verifier_driver coco_se_verifier;
extern const struct coco_verifier_driver coco_sev_verifier;
extern const struct coco_verifier_driver coco_sgx_verifier;
extern const struct coco_verifier_driver coco_snp_verifier;
extern const struct coco_verifier_driver coco_sampledevice_verifier;
extern const struct coco_verifier_driver coco_software_verifier;
extern const struct coco_verifier_driver coco_tpm_verifier;
extern const struct coco_verifier_driver coco_tdx_verifier;

/*
 * coco_verify() for who reads evidence and uses claims as JSON: the verdict has no text of
 * them, but that has COCO_CLAIMS_MAX bytes at most, or else it is COCO_ERR_LIMIT. Bytes in the
 * evidence may be packed (coco_json_parse_packed()).
 */
coco_status coco_verify_value(const struct coco_verification *verification, const char *tee,
                              coco_verdict **ret, cJSON **claims, coco_error **err);

/* ---- what the verifier was told ---- */

bool coco_verifier_allows_sample(const coco_verifier *verifier);

/* Whether checks of that kind (checks.h) need not hold; verifier NULL: they must. */
bool coco_verifier_allows(const coco_verifier *verifier, size_t kind);

/* Whether a certificate is a root of maker. */
bool coco_verifier_trusts_root(const coco_verifier *verifier, const char *maker,
                               const struct coco_digest *fingerprint);

/* The keys that tee may rest on, as SubjectPublicKeyInfo; NULL past the last. Lent. */
const struct coco_buf *coco_verifier_key(const coco_verifier *verifier, const char *tee,
                                         size_t index);

/* Seconds since 1970, by the clock that was set or by the machine's. */
int64_t coco_verifier_now(const coco_verifier *verifier);

/* The private key for a TEE, or NULL. Lent. */
EVP_PKEY *coco_verifier_private_key(const coco_verifier *verifier, const char *tee);
/* What the key of that index is of; no bytes for one that may be of any machine. Lent. */
const struct coco_buf *coco_verifier_key_id(const coco_verifier *verifier, const char *tee,
                                            size_t index);

/* NULL where there is none. Lent. */
const coco_collateral *coco_verifier_collateral(const coco_verifier *verifier);

/* What it has found before. Lent. */
struct coco_known *coco_verifier_known(const coco_verifier *verifier);

/* ---- checks; each name has its row in checks.c ---- */

/* Adds one check; name is lent for good, want and got are copied, foreign bytes escaped. */
coco_status coco_verdict_add(coco_verdict *verdict, const char *name, bool ok, const char *want,
                             const char *got, coco_error **err);

/* Adds one check that got is want followed by zeros; both are shown as hex. */
coco_status coco_verdict_add_bytes(coco_verdict *verdict, const char *name, const uint8_t *want,
                                   size_t want_len, const uint8_t *got, size_t got_len,
                                   coco_error **err);

/*
 * Whether *why, or NULL, says that a source of collateral cannot be reached. Not of
 * what is under way: for a verdict that is waited for.
 */
bool coco_is_unreached(const coco_error *why);

/*
 * Adds one check that holds if status is COCO_OK, and does not if it is one that
 * hostile input leads to, or if a source cannot be reached; *why, taken in any case,
 * is then what was got. Any other status fails as it is: memory that is short says
 * nothing of the evidence.
 */
coco_status coco_verdict_add_outcome(coco_verdict *verdict, const char *name, const char *want,
                                     coco_status status, coco_error **why, coco_error **err);

/* Adds "report-data": that field holds what the binding demands, and zeros behind it. */
coco_status coco_check_report_data(const struct coco_verification *verification,
                                   coco_verdict *verdict, const uint8_t *field, size_t len,
                                   coco_error **err);

/* Adds "init-data" if the binding demands some: cut, or filled with zeros, to the field's length.
 */
coco_status coco_check_init_data(const struct coco_verification *verification,
                                 coco_verdict *verdict, const uint8_t *field, size_t len,
                                 coco_error **err);

/* The names of the three checks on a chain: "root", "certificates", "certificate-dates". */
struct coco_chain_checks {
    const char *root;
    const char *links;
    const char *dates;
};

extern const struct coco_chain_checks coco_evidence_chain;

/* Adds them: the last of chain is a root of maker, each is signed by the next, and now is right. */
coco_status coco_check_chain(const struct coco_verification *verification, coco_verdict *verdict,
                             const struct coco_chain_checks *names, const char *maker,
                             const struct coco_cert_chain *chain, coco_error **err);

/*
 * Adds "revocation-list", that crl (or NULL, and *why there is none, taken) is a
 * list of issuer that is up to date, and "revoked", that cert is not in it.
 */
coco_status coco_check_revoked(const struct coco_verification *verification, coco_verdict *verdict,
                               X509_CRL *crl, coco_error **why, X509 *issuer, X509 *cert,
                               coco_error **err);

/* Whether check index fails for want of an answer, and may hold another time. */
bool coco_verdict_check_unreached(const coco_verdict *verdict, size_t index);

/* ---- claims ---- */

/* Bytes as lower-case hex, which is how policies read them. */
coco_status coco_claim_hex(cJSON *claims, const char *name, const void *data, size_t len,
                           coco_error **err);

#endif
