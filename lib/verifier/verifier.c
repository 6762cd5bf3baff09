/*
 * verifier/verifier.c - what evidence proves
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fail.h"
#include "crypto/key.h"
#include "verifier/cca_anchors.h"
#include "verifier/checks.h"
#include "verifier/roots.h"
#include "verifier/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEYS_MAX 64
#define ROOTS_MAX 64
#define KEY_DER_MAX 2048
#define KEY_ID_MAX 64

/* One a line, so that who adds one adds a line. */
/* clang-format off */
static const struct coco_verifier_driver *const drivers[] = {
    &coco_az_snp_verifier,
    &coco_az_tdx_verifier,
    &coco_cca_verifier,
    &coco_csv_verifier,
    &coco_nitro_verifier,
    &coco_sample_verifier,
    &coco_sampledevice_verifier,
    &coco_se_verifier,
    &coco_sev_verifier,
    &coco_sgx_verifier,
    &coco_snp_verifier,
    &coco_software_verifier,
    &coco_tdx_verifier,
    &coco_tpm_verifier,
};
/* clang-format on */

/* TEEs that rest on a bare key, and the kind it must be of; 0: any. */
static const struct key_tee {
    const char *tee;
    enum coco_key_kind kind;
} key_tees[] = {
    {"software", COCO_KEY_P256},
    {"tpm", COCO_KEY_RSA},
    {"cca", 0},
};

/* TEEs that answer whoever has a key, and of which kind it is. */
static const struct key_tee private_key_tees[] = {
    {"sev", COCO_KEY_P384},
    {"se", COCO_KEY_RSA},
};

#define PRIVATE_KEYS (sizeof(private_key_tees) / sizeof(private_key_tees[0]))

struct key {
    const char *tee;
    struct coco_buf der; /* in the one form that keys are compared in */
    struct coco_buf id;  /* of the machine it is of; empty: of any */
};

struct coco_verifier {
    bool allow_sample;
    bool allowed[COCO_CHECK_KINDS_MAX];
    int64_t now; /* 0: the machine's */
    struct key keys[KEYS_MAX];
    size_t n_keys;
    struct coco_root roots[ROOTS_MAX]; /* beside the makers' own */
    size_t n_roots;
    EVP_PKEY *private_keys[PRIVATE_KEYS]; /* NULL where none was set */
    coco_collateral *collateral;
    struct coco_known *known;
};

coco_status
coco_verifier_new(coco_verifier **ret, coco_error **err)
{
    _cleanup_free_ coco_verifier *verifier = calloc(1, sizeof(*verifier));
    if (!verifier)
        return coco_fail_nomem(err);

    coco_status status = coco_known_new(&verifier->known, err);
    if (status == COCO_OK)
        *ret = coco_steal(&verifier);
    return status;
}

/* All keys but the first n. */
static void
forget_keys(coco_verifier *verifier, size_t n)
{
    while (verifier->n_keys > n) {
        struct key *key = &verifier->keys[--verifier->n_keys];

        coco_buf_done(&key->der);
        coco_buf_done(&key->id);
    }
}

void
coco_verifier_free(coco_verifier *verifier)
{
    if (!verifier)
        return;
    forget_keys(verifier, 0);
    for (size_t i = 0; i < PRIVATE_KEYS; i++)
        EVP_PKEY_free(verifier->private_keys[i]);
    coco_collateral_free(verifier->collateral);
    coco_known_free(verifier->known);
    free(verifier);
}

/* ---- what may be let through ---- */

void
coco_verifier_allow_sample(coco_verifier *verifier)
{
    verifier->allow_sample = true;
}

bool
coco_verifier_allows_sample(const coco_verifier *verifier)
{
    return verifier->allow_sample;
}

coco_status
coco_verifier_allow(coco_verifier *verifier, const char *check, coco_error **err)
{
    size_t kind = 0;

    if (!coco_check_kind_find(check, &kind))
        return coco_fail(err, COCO_ERR_INVALID, "there is no check '%.40s'", check);
    if (!coco_check_kind(kind)->may_fail)
        return coco_fail(err, COCO_ERR_INVALID, "check '%s' must hold", check);
    verifier->allowed[kind] = true;
    return COCO_OK;
}

bool
coco_verifier_allows(const coco_verifier *verifier, size_t kind)
{
    return verifier && verifier->allowed[kind];
}

const char *
coco_verifier_allowance(size_t index)
{
    for (size_t i = 0; i < coco_check_kinds(); i++)
        if (coco_check_kind(i)->may_fail && index-- == 0)
            return coco_check_kind(i)->name;
    return NULL;
}

void
coco_verifier_set_time(coco_verifier *verifier, int64_t now)
{
    verifier->now = now;
}

int64_t
coco_verifier_now(const coco_verifier *verifier)
{
    return verifier->now != 0 ? verifier->now : (int64_t)time(NULL);
}

/* ---- trust anchors ---- */

coco_status
coco_verifier_trust_root(coco_verifier *verifier, const char *maker, const char *fingerprint,
                         coco_error **err)
{
    struct coco_root *root = &verifier->roots[verifier->n_roots];
    const char *known = coco_root_maker(maker);

    if (!known)
        return coco_fail(err, COCO_ERR_INVALID, "there is no maker '%.40s'", maker);
    if (verifier->n_roots == ROOTS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d roots", ROOTS_MAX);
    if (coco_digest_parse(fingerprint, &root->fingerprint, NULL) != COCO_OK
        || root->fingerprint.alg != COCO_SHA256)
        return coco_fail(err, COCO_ERR_INVALID,
                         "fingerprint of a root of %s is not \"sha256:\" and hex", known);
    root->maker = known;
    verifier->n_roots++;
    return COCO_OK;
}

bool
coco_verifier_trusts_root(const coco_verifier *verifier, const char *maker,
                          const struct coco_digest *fingerprint)
{
    for (size_t i = 0; i < verifier->n_roots; i++)
        if (strcmp(verifier->roots[i].maker, maker) == 0
            && coco_digest_equal(&verifier->roots[i].fingerprint, fingerprint))
            return true;
    return coco_root_is_known(maker, fingerprint);
}

static const struct key_tee *
find_key_tee(const char *tee)
{
    for (size_t i = 0; i < sizeof(key_tees) / sizeof(key_tees[0]); i++)
        if (strcmp(key_tees[i].tee, tee) == 0)
            return &key_tees[i];
    return NULL;
}

/* PRIVATE_KEYS if it has none. */
static size_t
find_private_key(const char *tee)
{
    size_t i = 0;

    while (i < PRIVATE_KEYS && strcmp(private_key_tees[i].tee, tee) != 0)
        i++;
    return i;
}

/* Trusts a key, which stays the caller's, of a machine or, with no bytes of an id, of any. */
static coco_status
add_key(coco_verifier *verifier, const struct key_tee *tee, struct coco_cbor_string text,
        struct coco_cbor_string id, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    _cleanup_buf_ struct coco_buf der = {.limit = KEY_DER_MAX};
    _cleanup_buf_ struct coco_buf owner = {.limit = KEY_ID_MAX};
    enum coco_key_kind kind = 0;

    coco_status status = coco_key_parse_public(text.data, text.len, &parsed, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(parsed, &kind, err);
    if (status == COCO_OK)
        status = coco_key_public_der(parsed, &der, err);
    if (status == COCO_OK)
        status = coco_buf_append(&owner, id.data, id.len, err);
    if (status != COCO_OK)
        return status;
    if (tee->kind != 0 && tee->kind != kind)
        return coco_fail(err, COCO_ERR_PROTO, "is not of its kind");
    if (verifier->n_keys == KEYS_MAX)
        return coco_fail(err, COCO_ERR_LIMIT, "more than %d keys of TEEs", KEYS_MAX);

    verifier->keys[verifier->n_keys++] = (struct key){.tee = tee->tee, .der = der, .id = owner};
    der = (struct coco_buf){0};
    owner = (struct coco_buf){0};
    return COCO_OK;
}

static coco_status
add_anchor(coco_verifier *verifier, const struct key_tee *tee, const cJSON *anchor,
           coco_error **err)
{
    _cleanup_buf_ struct coco_buf jwk = {.limit = KEY_DER_MAX};
    uint8_t id[COCO_CCA_INSTANCE_SIZE];

    coco_status status = coco_cca_anchor_get(anchor, &jwk, id, err);
    if (status == COCO_OK)
        status = add_key(verifier, tee, (struct coco_cbor_string){jwk.data, jwk.len},
                         (struct coco_cbor_string){id, sizeof(id)}, err);
    return status;
}

/* All keys of a store, or none of them. */
static coco_status
add_anchors(coco_verifier *verifier, const struct key_tee *tee, struct coco_cbor_string text,
            coco_error **err)
{
    _cleanup_json_ cJSON *store = NULL;
    size_t before = verifier->n_keys;
    const cJSON *anchor;
    size_t n = 0;

    coco_status status = coco_cca_anchors_parse(text.data, text.len, &store, err);
    if (status != COCO_OK)
        return status;
    cJSON_ArrayForEach(anchor, store) {
        status = add_anchor(verifier, tee, anchor, err);
        if (status != COCO_OK) {
            forget_keys(verifier, before);
            return coco_wrap(err, status, "trust anchor %zu", n);
        }
        n++;
    }
    return COCO_OK;
}

coco_status
coco_verifier_trust_key(coco_verifier *verifier, const char *tee, const uint8_t *key, size_t len,
                        coco_error **err)
{
    const struct coco_cbor_string text = {key, len};
    const struct key_tee *known = find_key_tee(tee);
    coco_status status;

    if (!known)
        return coco_fail(err, COCO_ERR_NOTSUP, "the TEE '%.40s' rests on no key", tee);
    if (strcmp(known->tee, "cca") == 0 && coco_cca_anchors_are(key, len))
        status = add_anchors(verifier, known, text, err);
    else
        status = add_key(verifier, known, text, (struct coco_cbor_string){0}, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "key of the TEE %s", known->tee);
    return COCO_OK;
}

static const struct key *
find_key(const coco_verifier *verifier, const char *tee, size_t index)
{
    for (size_t i = 0; i < verifier->n_keys; i++)
        if (strcmp(verifier->keys[i].tee, tee) == 0 && index-- == 0)
            return &verifier->keys[i];
    return NULL;
}

const struct coco_buf *
coco_verifier_key(const coco_verifier *verifier, const char *tee, size_t index)
{
    const struct key *key = find_key(verifier, tee, index);

    return key ? &key->der : NULL;
}

const struct coco_buf *
coco_verifier_key_id(const coco_verifier *verifier, const char *tee, size_t index)
{
    const struct key *key = find_key(verifier, tee, index);

    return key ? &key->id : NULL;
}

coco_status
coco_verifier_set_private_key(coco_verifier *verifier, const char *tee, const uint8_t *key,
                              size_t len, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *parsed = NULL;
    size_t index = find_private_key(tee);
    enum coco_key_kind kind = 0;

    if (index == PRIVATE_KEYS)
        return coco_fail(err, COCO_ERR_NOTSUP, "the TEE '%.40s' needs no private key", tee);
    coco_status status = coco_key_parse_private(key, len, &parsed, err);
    if (status == COCO_OK)
        status = coco_key_kind_of(parsed, &kind, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "private key for the TEE %s", private_key_tees[index].tee);
    if (kind != private_key_tees[index].kind)
        return coco_fail(err, COCO_ERR_PROTO, "private key for the TEE %s: is not of its kind",
                         private_key_tees[index].tee);
    EVP_PKEY_free(verifier->private_keys[index]);
    verifier->private_keys[index] = coco_steal(&parsed);
    return COCO_OK;
}

EVP_PKEY *
coco_verifier_private_key(const coco_verifier *verifier, const char *tee)
{
    size_t index = find_private_key(tee);

    return index < PRIVATE_KEYS ? verifier->private_keys[index] : NULL;
}

void
coco_verifier_set_collateral(coco_verifier *verifier, coco_collateral *collateral)
{
    coco_collateral_free(verifier->collateral);
    verifier->collateral = collateral;
}

const coco_collateral *
coco_verifier_collateral(const coco_verifier *verifier)
{
    return verifier->collateral;
}

struct coco_known *
coco_verifier_known(const coco_verifier *verifier)
{
    return verifier->known;
}

/* ---- verifying ---- */

const char *
coco_verifier_tee(size_t index)
{
    return index < sizeof(drivers) / sizeof(drivers[0]) ? drivers[index]->tee : NULL;
}

static const struct coco_verifier_driver *
find(const char *tee)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strcmp(drivers[i]->tee, tee) == 0)
            return drivers[i];
    return NULL;
}

/* No less than the length of its text: a byte is six at most ("\\u0000"). */
static size_t
longest(const cJSON *value)
{
    size_t len = 8; /* signs around it, or a word */
    const cJSON *item;

    if (value->string)
        len += 6 * strlen(value->string);
    if (value->valuestring)
        len += 6 * strlen(value->valuestring);
    cJSON_ArrayForEach(item, value)
        len += longest(item);
    return len;
}

/* Before anybody has to do with them. Most need not be written to know. */
static coco_status
check_length(const cJSON *claims, coco_error **err)
{
    _cleanup_buf_ struct coco_buf text = {.limit = COCO_CLAIMS_MAX};

    if (longest(claims) <= COCO_CLAIMS_MAX)
        return COCO_OK;
    coco_status status = coco_json_write(claims, COCO_JSON_COMPACT, &text, err);
    return status == COCO_OK ? status : coco_wrap(err, status, "claims");
}

static coco_status
reach_verdict(const struct coco_verifier_driver *driver,
              const struct coco_verification *verification, coco_verdict **ret, cJSON **claims,
              coco_error **err)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = calloc(1, sizeof(*verdict));
    _cleanup_json_ cJSON *said = NULL;

    if (!verdict)
        return coco_fail_nomem(err);
    verdict->verifier = verification->verifier;
    coco_status status = coco_json_new_object(&said, err);
    if (status == COCO_OK)
        status = driver->verify(verification, verdict, said, err);
    if (status == COCO_OK)
        status = check_length(said, err);
    if (status != COCO_OK)
        return status;

    verdict->verifier = NULL;
    *ret = coco_steal(&verdict);
    *claims = coco_steal(&said);
    return COCO_OK;
}

static coco_status
fail_unknown(const char *tee, coco_error **err)
{
    return coco_fail(err, COCO_ERR_NOTSUP, "cannot verify the TEE '%.40s'", tee);
}

coco_status
coco_verify_value(const struct coco_verification *verification, const char *tee, coco_verdict **ret,
                  cJSON **claims, coco_error **err)
{
    const struct coco_verifier_driver *driver = find(tee);

    if (!driver)
        return fail_unknown(tee, err);
    coco_status status = cJSON_IsObject(verification->evidence)
                             ? reach_verdict(driver, verification, ret, claims, err)
                             : coco_fail(err, COCO_ERR_PROTO, "JSON is not an object");
    return status == COCO_OK ? status : coco_wrap(err, status, "%s evidence", tee);
}

coco_status
coco_verify(const coco_verifier *verifier, const char *tee, const char *evidence,
            const coco_binding *binding, coco_verdict **ret, coco_error **err)
{
    _cleanup_(coco_verdict_freep) coco_verdict *verdict = NULL;
    _cleanup_json_ cJSON *object = NULL;
    _cleanup_json_ cJSON *claims = NULL;

    if (!find(tee))
        return fail_unknown(tee, err);
    coco_status status = coco_json_parse_packed(evidence, strlen(evidence), &object, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s evidence", tee);
    const struct coco_verification verification = {
        .verifier = verifier,
        .evidence = object,
        .binding = binding,
        .now = coco_verifier_now(verifier),
    };
    status = coco_verify_value(&verification, tee, &verdict, &claims, err);
    if (status != COCO_OK)
        return status;
    verdict->claims.limit = COCO_CLAIMS_MAX;
    status = coco_json_write(claims, COCO_JSON_COMPACT, &verdict->claims, err);
    if (status != COCO_OK)
        return coco_wrap(err, status, "%s evidence", tee);
    *ret = coco_steal(&verdict);
    return COCO_OK;
}
