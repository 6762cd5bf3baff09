/*
 * softtee/tpm.c - a maker of TPMs who is nobody
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "softtee/tpm.h"

#define PEM_MAX ((size_t)4 << 10)

void
coco_tpm_maker_done(struct coco_tpm_maker *maker)
{
    coco_pki_done(&maker->root);
    coco_pki_done(&maker->ak);
}

coco_status
coco_tpm_maker_open(const char *dir, struct coco_tpm_maker *ret, coco_error **err)
{
    struct coco_tpm_maker maker = {0};
    struct coco_pki_want want = {.name = "TPM Root CA", .kind = COCO_KEY_P256, .is_ca = true};

    coco_status status = coco_pki_keep(dir, "tpm/root.pem", &want, &maker.root, err);
    want = (struct coco_pki_want){
        .name = "TPM attestation key", .kind = COCO_KEY_RSA, .issuer = &maker.root};
    if (status == COCO_OK)
        status = coco_pki_keep(dir, "tpm/ak.pem", &want, &maker.ak, err);
    if (status != COCO_OK) {
        coco_tpm_maker_done(&maker);
        return status;
    }
    *ret = maker;
    return COCO_OK;
}

coco_status
coco_tpm_maker_publish(const struct coco_tpm_maker *maker, const char *dir, const char *name,
                       coco_error **err)
{
    _cleanup_buf_ struct coco_buf pem = {.limit = PEM_MAX};

    coco_status status = coco_key_public_pem(maker->ak.key, &pem, err);
    if (status == COCO_OK)
        status = coco_pki_write(dir, name, pem.data, pem.len, err);
    return status;
}
