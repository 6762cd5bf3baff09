/*
 * tee/sev_session.c - how a guest's owner and AMD SEV firmware share keys
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/sev_session.h"

#include "base/fail.h"
#include "base/reader.h"
#include "crypto/keywrap.h"
#include "crypto/mac.h"

#include <openssl/crypto.h>
#include <string.h>

#define LABEL_MAX 64
#define CONTEXT_MAX 32

void
coco_sev_keys_done(struct coco_sev_keys *keys)
{
    coco_secret_done(&keys->tek);
    coco_secret_done(&keys->tik);
}

coco_status
coco_sev_keys_generate(struct coco_sev_keys *ret, coco_error **err)
{
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};

    coco_status status = coco_secret_random(COCO_SEV_KEY_SIZE, &keys.tek, err);
    if (status == COCO_OK)
        status = coco_secret_random(COCO_SEV_KEY_SIZE, &keys.tik, err);
    if (status != COCO_OK)
        return status;
    ret->tek = coco_secret_steal(&keys.tek);
    ret->tik = coco_secret_steal(&keys.tik);
    return COCO_OK;
}

coco_status
coco_sev_session_parse(const void *data, size_t len, struct coco_sev_session *ret, coco_error **err)
{
    struct coco_reader r = coco_reader_of(data, len);
    struct coco_sev_session session;

    coco_read_bytes(&r, session.nonce, sizeof(session.nonce));
    coco_read_bytes(&r, session.wrap_tk, sizeof(session.wrap_tk));
    coco_read_bytes(&r, session.wrap_iv, sizeof(session.wrap_iv));
    coco_read_bytes(&r, session.wrap_mac, sizeof(session.wrap_mac));
    coco_read_bytes(&r, session.policy_mac, sizeof(session.policy_mac));
    coco_status status = coco_reader_finish(&r, "session of SEV", err);
    if (status == COCO_OK)
        *ret = session;
    return status;
}

void
coco_sev_session_format(const struct coco_sev_session *session, uint8_t ret[COCO_SEV_SESSION_SIZE])
{
    memcpy(ret, session->nonce, 16);
    memcpy(ret + 16, session->wrap_tk, 32);
    memcpy(ret + 48, session->wrap_iv, 16);
    memcpy(ret + 64, session->wrap_mac, COCO_SEV_MAC_SIZE);
    memcpy(ret + 96, session->policy_mac, COCO_SEV_MAC_SIZE);
}

static void
put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

coco_status
coco_sev_kdf(const struct coco_secret *key, const char *label, const void *context, size_t len,
             struct coco_secret *ret, coco_error **err)
{
    uint8_t input[4 + LABEL_MAX + 1 + CONTEXT_MAX + 4];
    uint8_t output[COCO_SEV_MAC_SIZE];
    size_t label_len = strlen(label);
    uint8_t *p = input;

    if (label_len > LABEL_MAX || len > CONTEXT_MAX)
        return coco_fail(err, COCO_ERR_INVALID, "label or context is too long");
    put_u32(p, 1); /* one block is as long as a key or longer */
    memcpy(p += 4, label, label_len);
    p += label_len;
    *p++ = 0;
    if (len > 0)
        memcpy(p, context, len);
    put_u32(p += len, 8 * COCO_SEV_KEY_SIZE);
    coco_status status = coco_hmac(EVP_sha256(), key, input, (size_t)(p + 4 - input), output, err);
    if (status == COCO_OK)
        status = coco_secret_copy(output, COCO_SEV_KEY_SIZE, ret, err);
    OPENSSL_cleanse(output, sizeof(output));
    return status;
}

/* Keys that wrap: one encrypts, one authenticates. */
struct wrapping {
    struct coco_secret kek;
    struct coco_secret kik;
};

static void
wrapping_done(struct wrapping *w)
{
    coco_secret_done(&w->kek);
    coco_secret_done(&w->kik);
}

static coco_status
derive(const struct coco_secret *z, const uint8_t nonce[16], struct wrapping *ret, coco_error **err)
{
    _cleanup_secret_ struct coco_secret master = {0};

    coco_status status = coco_sev_kdf(z, "sev-master-secret", nonce, 16, &master, err);
    if (status == COCO_OK)
        status = coco_sev_kdf(&master, "sev-kek", NULL, 0, &ret->kek, err);
    if (status == COCO_OK)
        status = coco_sev_kdf(&master, "sev-kik", NULL, 0, &ret->kik, err);
    return status;
}

static coco_status
mac_policy(const struct coco_secret *tik, uint32_t policy, uint8_t ret[COCO_SEV_MAC_SIZE],
           coco_error **err)
{
    uint8_t bytes[4];

    put_u32(bytes, policy);
    return coco_hmac(EVP_sha256(), tik, bytes, sizeof(bytes), ret, err);
}

coco_status
coco_sev_session_wrap(const struct coco_secret *z, const struct coco_sev_keys *keys,
                      uint32_t policy, struct coco_sev_session *session, coco_error **err)
{
    _cleanup_(wrapping_done) struct wrapping w = {0};
    uint8_t both[2 * COCO_SEV_KEY_SIZE];

    if (keys->tek.len != COCO_SEV_KEY_SIZE || keys->tik.len != COCO_SEV_KEY_SIZE)
        return coco_fail(err, COCO_ERR_INVALID, "keys of a launch have 16 bytes each");
    memcpy(both, keys->tek.data, COCO_SEV_KEY_SIZE);
    memcpy(both + COCO_SEV_KEY_SIZE, keys->tik.data, COCO_SEV_KEY_SIZE);
    coco_status status = derive(z, session->nonce, &w, err);
    if (status == COCO_OK)
        status =
            coco_aes128_ctr(&w.kek, session->wrap_iv, both, sizeof(both), session->wrap_tk, err);
    OPENSSL_cleanse(both, sizeof(both));
    if (status == COCO_OK)
        status = coco_hmac(EVP_sha256(), &w.kik, session->wrap_tk, sizeof(session->wrap_tk),
                           session->wrap_mac, err);
    if (status == COCO_OK)
        status = mac_policy(&keys->tik, policy, session->policy_mac, err);
    return status;
}

static coco_status
check_mac(const uint8_t got[COCO_SEV_MAC_SIZE], const uint8_t want[COCO_SEV_MAC_SIZE],
          const char *what, coco_error **err)
{
    if (CRYPTO_memcmp(got, want, COCO_SEV_MAC_SIZE) != 0)
        return coco_fail(err, COCO_ERR_VERIFY, "%s of the session is not authentic", what);
    return COCO_OK;
}

static coco_status
open_keys(const struct wrapping *w, const struct coco_sev_session *session,
          struct coco_sev_keys *ret, coco_error **err)
{
    uint8_t both[2 * COCO_SEV_KEY_SIZE];

    coco_status status = coco_aes128_ctr(&w->kek, session->wrap_iv, session->wrap_tk,
                                         sizeof(session->wrap_tk), both, err);
    if (status == COCO_OK)
        status = coco_secret_copy(both, COCO_SEV_KEY_SIZE, &ret->tek, err);
    if (status == COCO_OK)
        status = coco_secret_copy(both + COCO_SEV_KEY_SIZE, COCO_SEV_KEY_SIZE, &ret->tik, err);
    OPENSSL_cleanse(both, sizeof(both));
    return status;
}

coco_status
coco_sev_session_unwrap(const struct coco_secret *z, const struct coco_sev_session *session,
                        uint32_t policy, struct coco_sev_keys *ret, coco_error **err)
{
    _cleanup_(wrapping_done) struct wrapping w = {0};
    _cleanup_sev_keys_ struct coco_sev_keys keys = {0};
    uint8_t mac[COCO_SEV_MAC_SIZE];

    coco_status status = derive(z, session->nonce, &w, err);
    if (status == COCO_OK)
        status =
            coco_hmac(EVP_sha256(), &w.kik, session->wrap_tk, sizeof(session->wrap_tk), mac, err);
    if (status == COCO_OK)
        status = check_mac(mac, session->wrap_mac, "keys", err);
    if (status == COCO_OK)
        status = open_keys(&w, session, &keys, err);
    if (status == COCO_OK)
        status = mac_policy(&keys.tik, policy, mac, err);
    if (status == COCO_OK)
        status = check_mac(mac, session->policy_mac, "policy", err);
    if (status != COCO_OK)
        return status;
    ret->tek = coco_secret_steal(&keys.tek);
    ret->tik = coco_secret_steal(&keys.tik);
    return COCO_OK;
}

coco_status
coco_sev_session_make(EVP_PKEY *own, EVP_PKEY *pdh, uint32_t policy,
                      const struct coco_sev_keys *keys, struct coco_sev_session *ret,
                      coco_error **err)
{
    _cleanup_secret_ struct coco_secret z = {0};
    struct coco_sev_session session;

    coco_status status = coco_ecdh(own, pdh, &z, err);
    if (status == COCO_OK)
        status = coco_random(session.nonce, sizeof(session.nonce), err);
    if (status == COCO_OK)
        status = coco_random(session.wrap_iv, sizeof(session.wrap_iv), err);
    if (status == COCO_OK)
        status = coco_sev_session_wrap(&z, keys, policy, &session, err);
    if (status == COCO_OK)
        *ret = session;
    return status;
}
