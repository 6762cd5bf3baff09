/*
 * tests/verifier/trust.h - makers whose roots are made for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_VERIFIER_TRUST_H
#define COCO_TESTS_VERIFIER_TRUST_H

#include "base/digest.h"
#include "crypto/cert.h"
#include "tee/csv_cert.h"
#include "tee/sev_cert.h"
#include "tests/support.h"

#include <coco/verifier.h>

static inline void
trust_digest(coco_verifier *verifier, const char *maker, const struct coco_digest *digest)
{
    char text[COCO_DIGEST_TEXT_SIZE];
    coco_error *err = NULL;

    coco_digest_format(digest, text);
    assert_ok(coco_verifier_trust_root(verifier, maker, text, &err), err);
}

/* Makes verifier take root for one of maker's, such as "amd/Milan". */
static inline void
trust_cert(coco_verifier *verifier, const char *maker, X509 *root)
{
    struct coco_digest fingerprint;
    coco_error *err = NULL;

    assert_ok(coco_cert_fingerprint(root, &fingerprint, &err), err);
    trust_digest(verifier, maker, &fingerprint);
}

/* The same of a root that is no X.509. */
static inline void
trust_bytes(coco_verifier *verifier, const char *maker, const uint8_t *root, size_t len)
{
    struct coco_digest digest;
    coco_error *err = NULL;

    assert_ok(coco_digest_of(COCO_SHA256, root, len, &digest, &err), err);
    trust_digest(verifier, maker, &digest);
}

static inline void
trust_ark(coco_verifier *verifier, const char *maker, const struct coco_sev_ca *ark)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_SEV_CA_SIZE_4096};
    coco_error *err = NULL;

    assert_ok(coco_sev_ca_format(ark, &bytes, &err), err);
    trust_bytes(verifier, maker, bytes.data, bytes.len);
}

static inline void
trust_hrk(coco_verifier *verifier, const struct coco_csv_ca *hrk)
{
    uint8_t bytes[COCO_CSV_CA_SIZE];

    coco_csv_ca_format(hrk, bytes);
    trust_bytes(verifier, "hygon", bytes, sizeof(bytes));
}

#endif
