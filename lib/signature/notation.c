/*
 * signature/notation.c - "notationSigned": signatures of Notation
 *
 * A requirement of our own, beside those of containers-policy.json(5), for one policy says it all
 * and has the scopes already: caPath and kin are what Notation has in trust stores,
 * trustedIdentities and signatureVerification are the members of its trustpolicy.json. Nobody is
 * asked whether certificates were revoked: a guest asks nobody.
 *
 * Source: notaryproject/specifications, trust-store-trust-policy.md, "Signature Verification".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "signature/notation.h"

#include "base/fail.h"
#include "crypto/ecdsa.h"
#include "crypto/rsa.h"
#include "signature/judge.h"

#include <stdio.h>
#include <string.h>

/* Trust stores of Notation's, as members of a requirement. */
#define STEM_CA "ca"
#define STEM_AUTHORITY "signingAuthority"

/* signature-specification.md, "Signature Algorithm Requirements": the key says which it is. */
static const struct algorithm {
    enum coco_key_kind kind;
    int bits; /* of RSA */
    enum coco_hash_alg hash;
    const char *name;
} algorithms[] = {
    {COCO_KEY_RSA, 2048, COCO_SHA256, "PS256"}, {COCO_KEY_RSA, 3072, COCO_SHA384, "PS384"},
    {COCO_KEY_RSA, 4096, COCO_SHA512, "PS512"}, {COCO_KEY_P256, 0, COCO_SHA256, "ES256"},
    {COCO_KEY_P384, 0, COCO_SHA384, "ES384"},   {COCO_KEY_P521, 0, COCO_SHA512, "ES512"},
};

static coco_status
find_algorithm(EVP_PKEY *key, const struct algorithm **ret, coco_error **err)
{
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_kind_of(key, &kind, err);
    if (status != COCO_OK)
        return status;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (algorithms[i].kind == kind
            && (kind != COCO_KEY_RSA || algorithms[i].bits == EVP_PKEY_get_bits(key))) {
            *ret = &algorithms[i];
            return COCO_OK;
        }
    return coco_fail(err, COCO_ERR_NOTSUP, "a key of a kind that Notation has not");
}

coco_status
coco_notation_check_signature(struct coco_notation *notation, coco_error **err)
{
    const struct coco_buf *data = &notation->signed_data;
    const struct coco_buf *sig = &notation->signature;
    const struct algorithm *algorithm = NULL;

    if (!notation->signer.cert)
        return coco_fail(err, COCO_ERR_VERIFY, "there is no certificate with it");
    coco_status status = coco_cert_key(notation->signer.cert, &notation->signer.key, err);
    if (status == COCO_OK)
        status = find_algorithm(notation->signer.key, &algorithm, err);
    if (status != COCO_OK)
        return status;
    if (strcmp(algorithm->name, notation->algorithm) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "by %s, where the key has %s", notation->algorithm,
                         algorithm->name);
    if (algorithm->kind == COCO_KEY_RSA)
        return coco_rsa_pss_verify(notation->signer.key, algorithm->hash, coco_buf_text(data),
                                   data->len, sig->data, sig->len, err);
    return coco_ecdsa_verify(notation->signer.key, coco_buf_text(data), data->len, sig->data,
                             sig->len, err);
}

coco_status
coco_notation_target(const struct coco_notation *notation, struct coco_digest *ret,
                     coco_error **err)
{
    static const char *const members[] = {"targetArtifact", NULL};
    _cleanup_json_ cJSON *json = NULL;
    const cJSON *target = NULL;
    const char *digest = NULL;

    coco_status status = coco_json_parse_object(coco_buf_text(&notation->payload),
                                                notation->payload.len, &json, err);
    if (status == COCO_OK)
        status = coco_json_check_members(json, members, err);
    if (status == COCO_OK)
        status = coco_json_get_object(json, "targetArtifact", &target, err);
    if (status == COCO_OK)
        status = coco_json_get_string(target, "digest", &digest, err);
    return status == COCO_OK ? coco_digest_parse(digest, ret, err) : status;
}

/* A requirement with what it names read in. */
struct demand {
    const struct coco_judged_image *image;
    const cJSON *requirement;
    struct coco_notation_level level;
    struct coco_trust signers, authorities; /* whom to trust, by the signing scheme */
};

static void
demand_done(struct demand *demand)
{
    coco_trust_done(&demand->signers);
    coco_trust_done(&demand->authorities);
}

/* One signature on its way through the checks. */
struct look {
    const struct demand *demand;
    const struct coco_signature *signature;
    struct coco_notation notation;
};

static void
look_done(struct look *look)
{
    coco_notation_done(&look->notation);
}

static const struct coco_trust *
trust_of(const struct look *look)
{
    return look->notation.by_authority ? &look->demand->authorities : &look->demand->signers;
}

/* What is not enforced is told, and refuses nothing. */
static coco_status
weigh(const struct look *look, enum coco_notation_validation which, coco_status status,
      coco_error *cause, struct coco_buf *detail, coco_error **err)
{
    if (status == COCO_OK || look->demand->level.is_enforced[which]) {
        coco_error_give(err, cause);
        return status;
    }
    coco_buf_reset(detail);
    coco_status added = coco_buf_append_text(detail, "not enforced: ", NULL);
    if (added == COCO_OK)
        return coco_refusal(status, cause, detail, err);
    coco_error_free(cause);
    return coco_fail_nomem(err);
}

static coco_status
check_form(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *data = &look->signature->data;

    (void)detail;
    if (look->signature->form == COCO_FORM_JWS)
        return coco_notation_parse_jws(coco_buf_text(data), data->len, &look->notation, err);
    return coco_notation_parse_cose(coco_buf_text(data), data->len, &look->notation, err);
}

static coco_status
check_signature(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;

    coco_status status = coco_notation_check_signature(&look->notation, err);
    return status == COCO_OK ? coco_buf_append_text(detail, look->notation.algorithm, err) : status;
}

static coco_status
find_authority(const struct look *look, struct coco_buf *detail, coco_error **err)
{
    const struct coco_trust *trust = trust_of(look);

    if (trust->n_authorities == 0)
        return coco_fail(err, COCO_ERR_VERIFY, "nobody is trusted for its signing scheme: no %s",
                         look->notation.by_authority ? STEM_AUTHORITY : STEM_CA);
    return coco_signer_check_chain(&look->notation.signer, trust, detail, err);
}

static coco_status
check_certificate(void *self, struct coco_buf *detail, coco_error **err)
{
    coco_error *cause = NULL;

    coco_status status = find_authority(self, detail, &cause);
    return weigh(self, COCO_NOTATION_AUTHENTICITY, status, cause, detail, err);
}

static coco_status
find_identity(const struct look *look, struct coco_buf *detail, coco_error **err)
{
    const cJSON *list = NULL;
    const cJSON *item = NULL;

    coco_status status =
        coco_json_get_array(look->demand->requirement, "trustedIdentities", &list, err);
    cJSON_ArrayForEach(item, list) {
        bool is = false;

        if (status == COCO_OK)
            status =
                coco_notation_is_identity(look->notation.signer.cert, item->valuestring, &is, err);
        if (status == COCO_OK && is)
            return coco_buf_printf(detail, err, "%.300s", item->valuestring);
    }
    if (status != COCO_OK)
        return status;
    return coco_fail(err, COCO_ERR_VERIFY, "the certificate is of none of the trusted identities");
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    coco_error *cause = NULL;

    coco_status status = find_identity(self, detail, &cause);
    return weigh(self, COCO_NOTATION_AUTHENTICITY, status, cause, detail, err);
}

/* Whether the certificates were valid when it was signed. */
static coco_status
check_timestamp(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    coco_error *cause = NULL;

    coco_status status =
        coco_notation_find_times(&look->notation, trust_of(look), &look->demand->level,
                                 look->demand->image->now, detail, &cause);
    if (status == COCO_OK)
        status = coco_signer_check_times(&look->notation.signer, trust_of(look), &cause);
    return weigh(look, COCO_NOTATION_TIMESTAMP, status, cause, detail, err);
}

static coco_status
check_expiry(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    coco_error *cause = NULL;
    coco_status status = COCO_OK;

    if (look->notation.expires && look->notation.expiry <= look->demand->image->now)
        status = coco_fail(&cause, COCO_ERR_VERIFY, "the signature has expired");
    return weigh(look, COCO_NOTATION_EXPIRY, status, cause, detail, err);
}

static coco_status
check_image(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
    struct coco_digest digest = {0};

    (void)detail;
    coco_status status = coco_notation_target(&look->notation, &digest, err);
    return status == COCO_OK ? coco_judged_is(look->demand->image, &digest, err) : status;
}

static coco_status
judge_one(void *self, const struct coco_signature *signature, cJSON *verdict, bool *accepted,
          struct coco_buf *reason, coco_error **err)
{
    static const struct coco_check checks[] = {
        {"form", check_form},
        {"signature", check_signature},
        {"certificate", check_certificate},
        {"identity", check_identity},
        {"timestamp", check_timestamp},
        {"expiry", check_expiry},
        {"image", check_image},
        {NULL, NULL},
    };
    _cleanup_(look_done) struct look look = {.demand = self, .signature = signature};

    return coco_checks_run(checks, &look, verdict, accepted, reason, err);
}

coco_status
coco_judge_notation_signed(const struct coco_judged_image *image, const cJSON *requirement,
                           cJSON *verdict, bool *accepted, struct coco_buf *reason,
                           coco_error **err)
{
    _cleanup_(demand_done) struct demand demand = {.image = image, .requirement = requirement};
    const struct coco_signatures *list = NULL;

    coco_status status = coco_notation_level_read(requirement, &demand.level, err);
    if (status == COCO_OK)
        status = coco_trust_read_store(requirement, STEM_CA, image->source, &demand.signers, err);
    if (status == COCO_OK)
        status = coco_trust_read_store(requirement, STEM_AUTHORITY, image->source,
                                       &demand.authorities, err);
    if (status == COCO_OK)
        status = image->source->list(image->source->self, COCO_FAMILY_NOTATION, &list, err);
    if (status == COCO_OK)
        status = coco_judge_each(list, judge_one, &demand, verdict, accepted, reason, err);
    return status;
}
