/*
 * fuzz/corim/target.c - reference values in CoRIM
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tee/corim.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The key of what is signed in corpus/, whose private half nobody has kept. */
static const char key_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEPFhjF1U+f8IUhUFEC3+jGqrzkB3hKZsv\n"
                              "ryxksSkI8ReBD45Hub3QKAquHguGBeYyPfFS38/1OC1CVK2KmowFouPuRb77MU77\n"
                              "CBVmDqPvm8xxAYvbgt6C5fy/ovE1wHP7\n"
                              "-----END PUBLIC KEY-----\n";

#define SIGNER "Ann"

/* What was read can be written, and is as many values again. */
static void
use(struct coco_corim *corim)
{
    _cleanup_buf_ struct coco_buf again = {.limit = COCO_CBOR_SIZE_MAX};
    _cleanup_corim_ struct coco_corim read = {0};

    (void)coco_corim_check_dates(corim, 1764320000, NULL);
    corim->tag = corim->id;
    if (corim->n_values == 0 || (corim->not_before != 0 && corim->not_after == 0))
        return;
    coco_status status = coco_corim_format(corim, &again, NULL);
    if (status == COCO_ERR_LIMIT) /* an svn without a tag is written with one */
        return;
    if (status != COCO_OK || coco_corim_parse(again.data, again.len, &read, NULL) != COCO_OK
        || read.n_values != corim->n_values || read.not_after != corim->not_after)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    _cleanup_corim_ struct coco_corim plain = {0};
    _cleanup_corim_ struct coco_corim opened = {0};
    _cleanup_pkey_ EVP_PKEY *key = NULL;
    struct coco_cbor_string signer = {0};
    struct coco_cose_sign1 message;

    if (coco_corim_parse(data, len, &plain, NULL) == COCO_OK)
        use(&plain);
    /* Reading the key takes longer than all else. */
    if (coco_cose_sign1_parse(data, len, &message, NULL) != COCO_OK)
        return 0;
    if (coco_key_parse_public(key_pem, strlen(key_pem), &key, NULL) != COCO_OK)
        abort();
    if (coco_corim_open(data, len, key, &opened, &signer, NULL) == COCO_OK) {
        if (!coco_cbor_string_is(signer, SIGNER))
            abort();
        use(&opened);
    }
    return 0;
}
