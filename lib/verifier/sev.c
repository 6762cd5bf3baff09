/*
 * verifier/sev.c - whether a guest was launched as its owner wants on AMD SEV
 *
 * The owner's key and the platform's agree on what wraps the keys of the session;
 * one of these makes the MAC that is the measurement. So who verifies needs the
 * owner's private key and the session, and nothing that was kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verifier/sev.h"

#include "base/fail.h"
#include "crypto/keywrap.h"
#include "verifier/roots.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define CAS_MAX ((size_t)2 * COCO_SEV_CA_SIZE_4096)

static const char *const products[] = {"Naples", "Rome"};

#define PRODUCTS (sizeof(products) / sizeof(products[0]))

/* ---- the platform ---- */

static coco_status
check_signed(const struct coco_sev_cert *cert, uint32_t usage, const struct coco_sev_cert *by,
             coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (by->usage != usage)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate for 0x%x where 0x%x is due", by->usage,
                         usage);
    coco_status status = coco_sev_cert_key(by, &key, err);
    return status == COCO_OK ? coco_sev_cert_check(cert, usage, key, err) : status;
}

static coco_status
check_cas(const struct coco_sev_ca *ask, const struct coco_sev_ca *ark,
          const struct coco_sev_cert *cek, coco_error **err)
{
    _cleanup_pkey_ EVP_PKEY *key = NULL;

    if (ark->usage != COCO_SEV_ARK || ask->usage != COCO_SEV_ASK)
        return coco_fail(err, COCO_ERR_VERIFY, "certificates of AMD are not ASK and ARK");
    coco_status status = coco_sev_ca_check(ark, ark, err);
    if (status == COCO_OK)
        status = coco_sev_ca_check(ask, ark, err);
    if (status == COCO_OK)
        status = coco_sev_ca_key(ask, &key, err);
    if (status == COCO_OK)
        status = coco_sev_cert_check(cek, COCO_SEV_ASK, key, err);
    return status;
}

/* 55766, section 2.1.4: the PEK is signed by the platform's owner and by its chip. */
static coco_status
check_links(const struct coco_sev_chain *chain, const struct coco_sev_ca *ask,
            const struct coco_sev_ca *ark, coco_error **err)
{
    if (chain->pdh.usage != COCO_SEV_PDH)
        return coco_fail(err, COCO_ERR_VERIFY, "certificate for 0x%x is no PDH", chain->pdh.usage);
    coco_status status = check_signed(&chain->pdh, COCO_SEV_PEK, &chain->pek, err);
    if (status == COCO_OK)
        status = check_signed(&chain->pek, COCO_SEV_CEK, &chain->cek, err);
    if (status == COCO_OK)
        status = check_signed(&chain->pek, COCO_SEV_OCA, &chain->oca, err);
    if (status == COCO_OK)
        status = check_signed(&chain->oca, COCO_SEV_OCA, &chain->oca, err);
    if (status == COCO_OK)
        status = check_cas(ask, ark, &chain->cek, err);
    return status;
}

/* Nothing in a CEK says what product it is of: the one whose ASK has signed it. */
static coco_status
fetch_cas(const struct coco_verification *verification, const struct coco_sev_cert *cek,
          struct coco_sev_ca *ask, struct coco_sev_ca *ark, coco_error **err)
{
    const coco_collateral *collateral = coco_verifier_collateral(verification->verifier);
    bool found = false;

    for (size_t i = 0; i < PRODUCTS; i++) {
        _cleanup_buf_ struct coco_buf bytes = {.limit = CAS_MAX};
        coco_error *why = NULL;
        coco_status status =
            coco_collateral_read(collateral, &bytes, &why, "amd/%s/ask_ark.cert", products[i]);

        /* Of another product, perhaps; but then nobody knows. */
        if (status == COCO_ERR_NET || status == COCO_ERR_DENIED || status == COCO_ERR_CANCELED) {
            coco_error_give(err, why);
            return status;
        }
        coco_error_free(why);
        if (status == COCO_OK)
            status = coco_sev_cas_parse(bytes.data, bytes.len, ask, ark, NULL);
        if (status == COCO_ERR_NOMEM)
            return coco_fail_nomem(err);
        if (status == COCO_ERR_IO)
            return coco_fail(err, status, "collateral amd/%s/ask_ark.cert", products[i]);
        found = found || status == COCO_OK;
        if (status == COCO_OK && check_cas(ask, ark, cek, NULL) == COCO_OK)
            return COCO_OK;
    }
    return found ? coco_fail(err, COCO_ERR_VERIFY, "no ASK that is known has signed the CEK")
                 : coco_fail(err, COCO_ERR_NOTFOUND, "nothing has ASK and ARK of the platform");
}

static coco_status
check_root(const struct coco_verification *verification, coco_verdict *verdict,
           const struct coco_sev_ca *ark, coco_error **err)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = COCO_SEV_CA_SIZE_4096};
    struct coco_digest fingerprint;
    char got[COCO_DIGEST_TEXT_SIZE];
    bool trusted = false;

    coco_status status = coco_sev_ca_format(ark, &bytes, err);
    if (status == COCO_OK)
        status = coco_digest_of(COCO_SHA256, bytes.data, bytes.len, &fingerprint, err);
    if (status != COCO_OK)
        return status;
    coco_digest_format(&fingerprint, got);
    for (size_t i = 0; i < PRODUCTS; i++) {
        char maker[16];

        (void)snprintf(maker, sizeof(maker), "amd/%s", products[i]);
        trusted = trusted || coco_verifier_trusts_root(verification->verifier, maker, &fingerprint);
    }
    return coco_verdict_add(verdict, "root", trusted, "a root of amd/Naples or amd/Rome", got, err);
}

coco_status
coco_check_sev_platform(const struct coco_verification *verification, coco_verdict *verdict,
                        const struct coco_sev_chain *chain, coco_error **err)
{
    struct coco_sev_ca ask = chain->ask;
    struct coco_sev_ca ark = chain->ark;
    coco_error *why = NULL;

    coco_status status =
        chain->has_cas ? COCO_OK : fetch_cas(verification, &chain->cek, &ask, &ark, &why);
    if (status != COCO_OK)
        return coco_verdict_add_outcome(verdict, "certificates", "each signed by the next", status,
                                        &why, err);
    status = check_root(verification, verdict, &ark, err);
    if (status != COCO_OK)
        return status;
    return coco_verdict_add_outcome(verdict, "certificates", "each signed by the next",
                                    check_links(chain, &ask, &ark, &why), &why, err);
}

/* ---- the launch ---- */

coco_status
coco_check_sev_launch(coco_verdict *verdict, const struct coco_sev_launch *launch,
                      const uint8_t mac[COCO_SEV_MAC_SIZE], const struct coco_secret *tik,
                      coco_error **err)
{
    bool debug = (launch->policy & COCO_SEV_POLICY_NODBG) == 0;
    uint8_t want[COCO_SEV_MAC_SIZE];

    coco_status status = coco_sev_launch_measure(launch, tik, want, err);
    if (status != COCO_OK)
        return status;
    bool ok = CRYPTO_memcmp(want, mac, sizeof(want)) == 0;
    status = coco_verdict_add(verdict, "measurement", ok, "one of this launch, policy and firmware",
                              ok ? "one" : "another", err);
    if (status == COCO_OK)
        status = coco_verdict_add(verdict, "debug", !debug, "a guest that cannot be debugged",
                                  debug ? "one that can" : "one that cannot", err);
    return status;
}

/* The keys of the session, which only who has the owner's key can know. */
static coco_status
open_session(const struct coco_verification *verification, const struct coco_sev_evidence *evidence,
             struct coco_sev_keys *ret, coco_error **err)
{
    EVP_PKEY *own = coco_verifier_private_key(verification->verifier, "sev");
    _cleanup_pkey_ EVP_PKEY *pdh = NULL;
    _cleanup_secret_ struct coco_secret z = {0};

    if (!own)
        return coco_fail(err, COCO_ERR_NOTFOUND, "the verifier has no key of the guest's owner");
    coco_status status = coco_sev_cert_key(&evidence->chain.pdh, &pdh, err);
    if (status == COCO_OK)
        status = coco_ecdh(own, pdh, &z, err);
    if (status == COCO_OK)
        status = coco_sev_session_unwrap(&z, &evidence->session, evidence->launch.policy, ret, err);
    return status;
}

static coco_status
check_session(const struct coco_verification *verification, coco_verdict *verdict,
              const struct coco_sev_evidence *evidence, coco_error **err)
{
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    coco_error *why = NULL;

    coco_status status = open_session(verification, evidence, &keys, &why);
    bool opened = status == COCO_OK;
    status = coco_verdict_add_outcome(verdict, "session", "one of this owner, platform and policy",
                                      status, &why, err);
    if (status != COCO_OK)
        return status;
    if (!opened)
        return coco_verdict_add(verdict, "measurement", false, "one under a key of the session",
                                "a session that was not opened", err);
    return coco_check_sev_launch(verdict, &evidence->launch, evidence->mac, &keys.tik, err);
}

/* Which launch it is about is known by the session, that was made for it. */
static coco_status
digest_session(const struct coco_sev_session *session, struct coco_digest *ret, coco_error **err)
{
    uint8_t bytes[COCO_SEV_SESSION_SIZE];

    coco_sev_session_format(session, bytes);
    return coco_digest_of(COCO_SHA256, bytes, sizeof(bytes), ret, err);
}

/* SEV has no place for init data, and does not fit if some is demanded. */
static coco_status
check_init_data(const struct coco_verification *verification, coco_verdict *verdict,
                coco_error **err)
{
    if (verification->binding->init_data_len == 0)
        return COCO_OK;
    return coco_verdict_add(verdict, "init-data", false, "some init data", "a TEE that has none",
                            err);
}

static coco_status
add_claims(cJSON *claims, const struct coco_sev_launch *launch, const struct coco_digest *session,
           coco_error **err)
{
    const struct {
        const char *name;
        uint32_t bit;
    } flags[] = {
        {"policy_nodbg", COCO_SEV_POLICY_NODBG},   {"policy_noks", COCO_SEV_POLICY_NOKS},
        {"policy_es", COCO_SEV_POLICY_ES},         {"policy_nosend", COCO_SEV_POLICY_NOSEND},
        {"policy_domain", COCO_SEV_POLICY_DOMAIN}, {"policy_sev", COCO_SEV_POLICY_SEV},
    };
    const struct {
        const char *name;
        uint32_t value;
    } numbers[] = {
        {"policy_api_major", launch->policy >> 16 & 0xff},
        {"policy_api_minor", launch->policy >> 24},
        {"api_major", launch->api_major},
        {"api_minor", launch->api_minor},
        {"build_id", launch->build},
    };
    coco_status status = COCO_OK;

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && status == COCO_OK; i++)
        status =
            coco_json_add_bool(claims, flags[i].name, (launch->policy & flags[i].bit) != 0, err);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && status == COCO_OK; i++)
        status = coco_json_add_u64(claims, numbers[i].name, numbers[i].value, err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "measurement", launch->digest, sizeof(launch->digest), err);
    if (status == COCO_OK)
        status = coco_claim_hex(claims, "report_data", session->bytes, COCO_SEV_DIGEST_SIZE, err);
    return status;
}

static coco_status
verify(const struct coco_verification *verification, coco_verdict *verdict, cJSON *claims,
       coco_error **err)
{
    struct coco_sev_evidence evidence;
    struct coco_digest session;

    coco_status status = coco_sev_evidence_parse(verification->evidence, &evidence, err);
    if (status == COCO_OK)
        status = digest_session(&evidence.session, &session, err);
    if (status == COCO_OK)
        status = coco_check_sev_platform(verification, verdict, &evidence.chain, err);
    if (status == COCO_OK)
        status = check_session(verification, verdict, &evidence, err);
    if (status == COCO_OK)
        status =
            coco_check_report_data(verification, verdict, session.bytes, COCO_SEV_DIGEST_SIZE, err);
    if (status == COCO_OK)
        status = check_init_data(verification, verdict, err);
    if (status == COCO_OK)
        status = add_claims(claims, &evidence.launch, &session, err);
    return status;
}

const struct coco_verifier_driver coco_sev_verifier = {.tee = "sev", .verify = verify};
