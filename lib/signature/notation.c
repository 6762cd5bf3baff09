/*
 * signature/notation.c - "notationSigned": signatures of Notation
 *
 * A requirement of our own, beside those of containers-policy.json(5), for one policy says it all
 * and has the scopes already: caPath and kin are what Notation has in a trust store,
 * trustedIdentities is the member of its trustpolicy.json. All must hold that its level "strict"
 * demands, but that nobody is asked whether certificates were revoked: a guest asks nobody.
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
    struct coco_notation notation;
};

static void
look_done(struct look *look)
{
    coco_notation_done(&look->notation);
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

/* A stamp says when it was signed; without one the certificate must be good now. */
static coco_status
check_stamps(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;
    const struct coco_buf *sig = &look->notation.signature;

    if (look->notation.signer.n_stamps == 0)
        return coco_buf_append_text(detail, "there is none: now is what counts", err);
    return coco_signer_check_stamps(&look->notation.signer, &look->demand->trust, sig->data,
                                    sig->len, detail, err);
}

static coco_status
check_certificate(void *self, struct coco_buf *detail, coco_error **err)
{
    struct look *look = self;

    return coco_signer_check_chain(&look->notation.signer, &look->demand->trust,
                                   look->demand->image->now, detail, err);
}

static coco_status
check_identity(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;
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
check_expiry(void *self, struct coco_buf *detail, coco_error **err)
{
    const struct look *look = self;

    (void)detail;
    if (look->notation.expiry == 0 || look->notation.expiry > look->demand->image->now)
        return COCO_OK;
    return coco_fail(err, COCO_ERR_VERIFY, "the signature has expired");
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
    static const struct coco_check without[] = {
        {"form", check_form},
        {"signature", check_signature},
        {"certificate", check_certificate},
        {"identity", check_identity},
        {"expiry", check_expiry},
        {"image", check_image},
        {NULL, NULL},
    };
    static const struct coco_check with[] = {
        {"form", check_form},         {"signature", check_signature},
        {"timestamp", check_stamps},  {"certificate", check_certificate},
        {"identity", check_identity}, {"expiry", check_expiry},
        {"image", check_image},       {NULL, NULL},
    };
    const struct demand *demand = self;
    _cleanup_(look_done) struct look look = {.demand = demand, .signature = signature};

    return coco_checks_run(demand->trust.n_stampers > 0 ? with : without, &look, verdict, accepted,
                           reason, err);
}

coco_status
coco_judge_notation_signed(const struct coco_judged_image *image, const cJSON *requirement,
                           cJSON *verdict, bool *accepted, struct coco_buf *reason,
                           coco_error **err)
{
    _cleanup_(demand_done) struct demand demand = {.image = image, .requirement = requirement};
    const struct coco_signatures *list = NULL;

    coco_status status = coco_trust_read_store(requirement, image->source, &demand.trust, err);
    if (status == COCO_OK)
        status = image->source->list(image->source->self, COCO_FAMILY_NOTATION, &list, err);
    if (status == COCO_OK)
        status = coco_judge_each(list, judge_one, &demand, verdict, accepted, reason, err);
    return status;
}
