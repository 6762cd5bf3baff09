/*
 * kbs/seal_key.h - the key in whose hands a store is
 *
 * It seals nothing but the keys that values are sealed with, so that another one
 * takes over without a value being sealed anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_KBS_SEAL_KEY_H
#define COCO_KBS_SEAL_KEY_H

#include "base/secret.h"

/* Where it is. */
struct coco_kbs_seal_source {
    const char *file;       /* with the key itself, or wrapped by what follows */
    const char *pkcs11;     /* names a token (crypto/pkcs11_uri.h) */
    const char *pkcs11_key; /* label of the AES key in it that wraps the key */
    const char *tpm;        /* the TPM that wraps it instead (kbs/seal_tpm.h) */
    const char *tpm_pcrs;   /* that must then hold what they hold when it is wrapped; or NULL */
};

/*
 * Reads it from a file of 32 bytes or 64 hex digits, or of what the token or TPM makes of that.
 * COCO_ERR_DENIED if everybody may read that file, COCO_ERR_PROTO if it holds anything else,
 * COCO_ERR_VERIFY if the token or TPM did not wrap it, or PCRs hold something else; their errors.
 */
coco_status coco_kbs_seal_key_read(const struct coco_kbs_seal_source *source,
                                   struct coco_secret *ret, coco_error **err);

/*
 * Appends what the file has to hold: key, or a new one if that is NULL, wrapped by the token or
 * the TPM. COCO_ERR_INVALID without one, COCO_ERR_PROTO for what is no key.
 */
coco_status coco_kbs_seal_key_wrap(const struct coco_kbs_seal_source *source, const void *key,
                                   size_t len, struct coco_buf *ret, coco_error **err);

#endif
