/*
 * verifier/verifier.c - what evidence proves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "crypto/key.h"
#include "verifier/verdict.h"

#include <stdlib.h>
#include <string.h>

static const struct coco_verifier_driver *const drivers[] = {
    &coco_sample_verifier,
    &coco_software_verifier,
};

coco_status
coco_verifier_new(coco_verifier **ret, coco_error **err)
{
    coco_verifier *verifier = calloc(1, sizeof(*verifier));
    if (!verifier)
        return coco_fail_nomem(err);

    *ret = verifier;
    return COCO_OK;
}

void
coco_verifier_free(coco_verifier *verifier)
{
    if (!verifier)
        return;
    for (size_t i = 0; i < verifier->n_software_roots; i++)
        coco_buf_done(&verifier->software_roots[i]);
    free(verifier);
}

void
coco_verifier_allow_sample(coco_verifier *verifier)
{
    verifier->allow_sample = true;
}

/* Kept in the one form that evidence carries it in, so that roots are compared byte by byte. */
coco_status
coco_verifier_trust_software(coco_verifier *verifier, const uint8_t *key, size_t len,
                             coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = 4096};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_parse_public(key, len, &parsed, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(parsed, &kind, err);
    if (status == COCO_OK)
        status = coco_key_public_der(parsed, &der, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "root of software TEEs");
    if (kind != COCO_KEY_P256)
        return coco_fail(err, COCO_ERR_PROTO, "root of software TEEs: no P-256 key");
    if (verifier->n_software_roots == COCO_SOFTWARE_ROOTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d roots of software TEEs",
                         COCO_SOFTWARE_ROOTS_MAX);

    verifier->software_roots[verifier->n_software_roots++] = der;
    der = (struct coco_buf){0};
    return COCO_OK;
}

static const struct coco_verifier_driver *
find(const char *tee)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strcmp(drivers[i]->tee, tee) == 0)
            return drivers[i];
    return NULL;
}

static coco_status
reach_verdict(const struct coco_verifier_driver *driver,
              const struct coco_verification *verification, coco_verdict **ret, coco_error **err)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    _cleanup_json_ cJSON *claims = NULL;

    if (!verdict)
        return coco_fail_nomem(err);
    verdict->claims.limit = COCO_CLAIMS_MAX;

    coco_status status = coco_json_new_object(&claims, err);
    if (status == COCO_OK)
        status = driver->verify(verification, verdict, claims, err);
    if (status == COCO_OK)
        status = coco_json_write(claims, COCO_JSON_COMPACT, &verdict->claims, err);
    if (status != COCO_OK)
        return status;

    *ret = coco_steal(&verdict);
    return COCO_OK;
}

coco_status
coco_verify(const coco_verifier *verifier, const char *tee, const char *evidence,
            const uint8_t *report_data, size_t len, coco_verdict **ret, coco_error **err)
{
    _cleanup_json_ cJSON *object = NULL;
    const struct coco_verifier_driver *driver = find(tee);

    if (!driver)
        return coco_fail(err, COCO_ERR_NOTSUP, "cannot verify the TEE '%.40s'", tee);
    if (len == 0 || len > COCO_REPORT_DATA_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "report data of %zu bytes, not 1 to %d", len,
                         COCO_REPORT_DATA_MAX);

    coco_status status = coco_json_parse_object(evidence, strlen(evidence), &object, err);
    if (status == COCO_OK) {
        struct coco_verification verification = {
            .verifier = verifier,
            .evidence = object,
            .report_data = report_data,
            .len = len,
        };
        status = reach_verdict(driver, &verification, ret, err);
    }
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s evidence", tee);
    return COCO_OK;
}
