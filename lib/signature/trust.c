/*
 * signature/trust.c - whom a requirement trusts: keys, authorities, logs
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/trust.h"

#include "base/fail.h"

#include <string.h>

void
coco_trust_done(struct coco_trust *trust)
{
    coco_signer_keys_done(&trust->keys);
    for (size_t i = 0; i < trust->n_authorities; i++)
        coco_cert_chain_done(&trust->authorities[i].chain);
    for (size_t i = 0; i < trust->n_stampers; i++)
        coco_cert_chain_done(&trust->stampers[i].chain);
    coco_cert_chain_done(&trust->between);
    for (size_t i = 0; i < trust->n_logs; i++)
        coco_log_done(&trust->logs[i]);
    for (size_t i = 0; i < trust->n_ct_logs; i++)
        coco_log_done(&trust->ct_logs[i]);
    *trust = (struct coco_trust){0};
}

/* The keys of a stem as logs, of which it is not known when they were in use. */
static coco_status
read_logs(const cJSON *object, const char *stem, const struct coco_signature_source *source,
          struct coco_log *logs, size_t *n, coco_error **err)
{
    _cleanup_signer_keys_ struct coco_signer_keys keys = {0};

    coco_status status = coco_material_keys(object, stem, source, &keys, err);
    for (size_t i = 0; status == COCO_OK && i < keys.n; i++) {
        if (*n == COCO_TRUST_MAX)
            return coco_fail(err, COCO_ERR_LIMIT, "%s: more than %d", stem, COCO_TRUST_MAX);
        status = coco_log_make(&keys.list[i], &logs[*n], err);
        if (status == COCO_OK)
            ++*n;
    }
    return status;
}

static coco_status
add_certs(void *self, const void *data, size_t len, coco_error **err)
{
    return coco_cert_chain_parse(data, len, self, err);
}

/* The certificates of a stem as one authority, of which the same goes. */
static coco_status
read_authority(const cJSON *object, const char *stem, const struct coco_signature_source *source,
               struct coco_authority *list, size_t *n, coco_error **err)
{
    if (!coco_material_has(object, stem))
        return COCO_OK;
    list[*n].to = INT64_MAX;
    /* It counts from here on, for what it holds must be freed. */
    ++*n;
    return coco_material_each(object, stem, source, add_certs, &list[*n - 1].chain, err);
}

static coco_status
add_root(void *self, const void *data, size_t len, coco_error **err)
{
    return coco_trusted_root_parse(data, len, self, err);
}

static coco_status
read_fulcio(const cJSON *fulcio, const struct coco_signature_source *source, struct coco_trust *ret,
            coco_error **err)
{
    ret->by_certificate = true;
    coco_status status =
        read_authority(fulcio, "ca", source, ret->authorities, &ret->n_authorities, err);
    if (status == COCO_OK)
        status = read_logs(fulcio, "ctfePublicKey", source, ret->ct_logs, &ret->n_ct_logs, err);
    if (status == COCO_OK)
        status = coco_json_get_string(fulcio, "oidcIssuer", &ret->issuer, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(fulcio, "subjectEmail", &ret->email, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(fulcio, "subjectURI", &ret->uri, err);
    return status;
}

static coco_status
read_pki(const cJSON *pki, const struct coco_signature_source *source, struct coco_trust *ret,
         coco_error **err)
{
    ret->by_certificate = true;
    ret->is_pki = true;
    coco_status status =
        read_authority(pki, "caRoots", source, ret->authorities, &ret->n_authorities, err);
    if (status == COCO_OK)
        status = coco_material_each(pki, "caIntermediates", source, add_certs, &ret->between, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(pki, "subjectEmail", &ret->email, err);
    if (status == COCO_OK)
        status = coco_json_get_string_opt(pki, "subjectHostname", &ret->host, err);
    return status;
}

/* What would have nobody to go by must not pass for having nothing to go by. */
static coco_status
check_complete(const struct coco_trust *trust, coco_error **err)
{
    if (!trust->by_certificate && trust->keys.n == 0)
        return coco_fail(err, COCO_ERR_INVALID, "no key");
    if (trust->by_certificate && trust->n_authorities == 0)
        return coco_fail(err, COCO_ERR_INVALID, "no certificate authority");
    if (trust->by_certificate && !trust->is_pki && trust->n_logs == 0 && trust->n_stampers == 0)
        return coco_fail(err, COCO_ERR_INVALID, "neither a log nor a time-stamping authority");
    return COCO_OK;
}

coco_status
coco_trust_read(const cJSON *requirement, const struct coco_signature_source *source,
                struct coco_trust *ret, coco_error **err)
{
    _cleanup_trust_ struct coco_trust trust = {0};
    const cJSON *fulcio = NULL;
    const cJSON *pki = NULL;

    coco_status status = coco_json_get_object_opt(requirement, "fulcio", &fulcio, err);
    if (status == COCO_OK)
        status = coco_json_get_object_opt(requirement, "pki", &pki, err);
    if (status == COCO_OK)
        status = coco_material_keys(requirement, "key", source, &trust.keys, err);
    if (status == COCO_OK)
        status = coco_material_each(requirement, "trustedRoot", source, add_root, &trust, err);
    if (status == COCO_OK)
        status = read_logs(requirement, "rekorPublicKey", source, trust.logs, &trust.n_logs, err);
    if (status == COCO_OK && trust.n_stampers < COCO_TRUST_MAX)
        status = read_authority(requirement, "timestampAuthority", source, trust.stampers,
                                &trust.n_stampers, err);
    if (status == COCO_OK && fulcio)
        status = read_fulcio(fulcio, source, &trust, err);
    if (status == COCO_OK && pki)
        status = read_pki(pki, source, &trust, err);
    if (status == COCO_OK)
        status = check_complete(&trust, err);
    if (status != COCO_OK)
        return status;
    *ret = trust;
    trust = (struct coco_trust){0};
    return COCO_OK;
}

coco_status
coco_trust_read_store(const cJSON *requirement, const char *stem,
                      const struct coco_signature_source *source, struct coco_trust *ret,
                      coco_error **err)
{
    _cleanup_trust_ struct coco_trust trust = {.by_certificate = true, .is_pki = true};

    coco_status status =
        read_authority(requirement, stem, source, trust.authorities, &trust.n_authorities, err);
    if (status == COCO_OK)
        status = read_authority(requirement, "timestampAuthority", source, trust.stampers,
                                &trust.n_stampers, err);
    if (status != COCO_OK)
        return status;
    *ret = trust;
    trust = (struct coco_trust){0};
    return COCO_OK;
}

static coco_status
try_stamper(const struct coco_authority *stamper, const struct coco_buf *stamp, const void *data,
            size_t len, struct coco_timestamp *ret, coco_error **err)
{
    coco_status status = coco_timestamp_check(coco_buf_text(stamp), stamp->len, data, len,
                                              &stamper->chain, ret, err);

    if (status == COCO_OK && (ret->time < stamper->from || ret->time > stamper->to))
        status = coco_fail(err, COCO_ERR_VERIFY, "time stamp of an authority that was not in use");
    return status;
}

/* Of several that do not fit the last is told. */
coco_status
coco_trust_stamped(const struct coco_trust *trust, const struct coco_buf *stamp, const void *data,
                   size_t len, struct coco_timestamp *ret, coco_error **err)
{
    for (size_t i = 0; i < trust->n_stampers; i++) {
        coco_error *cause = NULL;
        bool other = false;

        coco_status status = try_stamper(&trust->stampers[i], stamp, data, len, ret, &cause);
        if (status == COCO_OK)
            return COCO_OK;
        if (i + 1 == trust->n_stampers) {
            coco_error_give(err, cause);
            return status;
        }
        status = coco_forgive(cause, COCO_ERR_VERIFY, &other, err);
        if (status != COCO_OK)
            return status;
    }
    return coco_fail(err, COCO_ERR_VERIFY, "no time-stamping authority is trusted");
}
