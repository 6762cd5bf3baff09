/*
 * tests/tee/sev_kit.h - a platform of AMD SEV, made for one test
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TEE_SEV_KIT_H
#define COCO_TESTS_TEE_SEV_KIT_H

#include "crypto/rsa.h"
#include "tee/sev_cert.h"
#include "tests/support.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

struct sev_kit {
    EVP_PKEY *ark_key;
    EVP_PKEY *ask_key;
    EVP_PKEY *oca_key;
    EVP_PKEY *cek_key;
    EVP_PKEY *pek_key;
    EVP_PKEY *pdh_key;
    struct coco_sev_ca ark;
    struct coco_sev_ca ask;
    struct coco_sev_cert oca;
    struct coco_sev_cert cek;
    struct coco_sev_cert pek;
    struct coco_sev_cert pdh;
};

static inline void
sev_kit_reverse(uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t kept = p[i];
        p[i] = p[len - 1 - i];
        p[len - 1 - i] = kept;
    }
}

static inline void
sev_kit_number(EVP_PKEY *key, const char *name, uint8_t *ret, size_t len)
{
    BIGNUM *bn = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &bn), 1);
    assert_true(BN_bn2lebinpad(bn, ret, (int)len) > 0);
    BN_free(bn);
}

/* Signs ca, whose key and ids are there, with key. */
static inline void
sev_kit_sign_ca(struct coco_sev_ca *ca, EVP_PKEY *key)
{
    _cleanup_buf_ struct coco_buf bytes = {.limit = 4096};
    _cleanup_buf_ struct coco_buf sig = {.limit = 4096};

    assert_int_equal(coco_sev_ca_format(ca, &bytes, NULL), COCO_OK);
    assert_int_equal(coco_rsa_pss_sign(key, ca->key_size == 256 ? COCO_SHA256 : COCO_SHA384,
                                       bytes.data, bytes.len - ca->key_size, &sig, NULL),
                     COCO_OK);
    assert_int_equal(sig.len, ca->key_size);
    sev_kit_reverse(sig.data, sig.len);
    memcpy(ca->signature, sig.data, sig.len);
}

static inline void
sev_kit_make_ca(struct coco_sev_ca *ret, EVP_PKEY **key, uint32_t usage,
                const struct coco_sev_ca *signer, EVP_PKEY *signer_key)
{
    *key = EVP_RSA_gen(2048);
    assert_non_null(*key);
    *ret = (struct coco_sev_ca){.usage = usage, .key_size = 256};
    memset(ret->key_id, 0x40 + (int)usage, sizeof(ret->key_id));
    memcpy(ret->signer_id, signer ? signer->key_id : ret->key_id, sizeof(ret->signer_id));
    sev_kit_number(*key, OSSL_PKEY_PARAM_RSA_N, ret->modulus, ret->key_size);
    sev_kit_number(*key, OSSL_PKEY_PARAM_RSA_E, ret->exponent, ret->key_size);
    sev_kit_sign_ca(ret, signer_key ? signer_key : *key);
}

static inline void
sev_kit_make_cert(struct coco_sev_cert *ret, EVP_PKEY **key, uint32_t usage, uint32_t algo)
{
    *ret = (struct coco_sev_cert){.api_major = 1, .api_minor = 40};
    assert_int_equal(coco_key_generate(COCO_KEY_P384, key, NULL), COCO_OK);
    assert_int_equal(coco_sev_cert_set_key(ret, *key, usage, algo, NULL), COCO_OK);
    for (size_t i = 0; i < COCO_SEV_CERT_SIGNATURES; i++)
        ret->signatures[i].usage = COCO_SEV_NONE;
}

static inline void
sev_kit_sign(struct coco_sev_cert *cert, size_t index, uint32_t usage, uint32_t algo, EVP_PKEY *key)
{
    assert_int_equal(coco_sev_cert_sign(cert, index, usage, algo, key, NULL), COCO_OK);
}

static inline void
sev_kit_make(struct sev_kit *kit)
{
    sev_kit_make_ca(&kit->ark, &kit->ark_key, COCO_SEV_ARK, NULL, NULL);
    sev_kit_make_ca(&kit->ask, &kit->ask_key, COCO_SEV_ASK, &kit->ark, kit->ark_key);
    sev_kit_make_cert(&kit->oca, &kit->oca_key, COCO_SEV_OCA, COCO_SEV_ECDSA_SHA256);
    sev_kit_make_cert(&kit->cek, &kit->cek_key, COCO_SEV_CEK, COCO_SEV_ECDSA_SHA256);
    sev_kit_make_cert(&kit->pek, &kit->pek_key, COCO_SEV_PEK, COCO_SEV_ECDSA_SHA256);
    sev_kit_make_cert(&kit->pdh, &kit->pdh_key, COCO_SEV_PDH, COCO_SEV_ECDH_SHA256);
    sev_kit_sign(&kit->oca, 0, COCO_SEV_OCA, COCO_SEV_ECDSA_SHA256, kit->oca_key);
    sev_kit_sign(&kit->cek, 0, COCO_SEV_ASK, COCO_SEV_RSA_SHA256, kit->ask_key);
    sev_kit_sign(&kit->pek, 0, COCO_SEV_OCA, COCO_SEV_ECDSA_SHA256, kit->oca_key);
    sev_kit_sign(&kit->pek, 1, COCO_SEV_CEK, COCO_SEV_ECDSA_SHA256, kit->cek_key);
    sev_kit_sign(&kit->pdh, 0, COCO_SEV_PEK, COCO_SEV_ECDSA_SHA256, kit->pek_key);
}

static inline void
sev_kit_done(struct sev_kit *kit)
{
    EVP_PKEY_free(kit->ark_key);
    EVP_PKEY_free(kit->ask_key);
    EVP_PKEY_free(kit->oca_key);
    EVP_PKEY_free(kit->cek_key);
    EVP_PKEY_free(kit->pek_key);
    EVP_PKEY_free(kit->pdh_key);
}

#endif
