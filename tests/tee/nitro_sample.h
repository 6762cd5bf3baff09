/*
 * tests/tee/nitro_sample.h - what a document of an enclave that does not exist says
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COCO_TESTS_TEE_NITRO_SAMPLE_H
#define COCO_TESTS_TEE_NITRO_SAMPLE_H

#include "tee/nitro.h"

#include <string.h>

#define NITRO_TEXT(text) ((struct coco_cbor_string){(const uint8_t *)(text), strlen(text)})
#define NITRO_BYTES(data) ((struct coco_cbor_string){(data), sizeof(data)})

/* Its certificates are none. */
static inline struct coco_nitro_document
nitro_sample(void)
{
    static const uint8_t pcrs[4][COCO_NITRO_PCR_SIZE] = {{0x10}, {0x11}, {0x12}, {0}};

    return (struct coco_nitro_document){
        .module_id = NITRO_TEXT("i-0123456789abcdef0-enc0123456789abcdef"),
        .timestamp = 1764320000000,
        .pcrs = {NITRO_BYTES(pcrs[0]), NITRO_BYTES(pcrs[1]), NITRO_BYTES(pcrs[2]),
                 NITRO_BYTES(pcrs[3]), [31] = NITRO_BYTES(pcrs[3])},
        .certificate = NITRO_TEXT("leaf"),
        .cabundle = {NITRO_TEXT("root"), NITRO_TEXT("zone")},
        .n_cabundle = 2,
        .public_key = NITRO_TEXT("key"),
        .user_data = NITRO_TEXT("data"),
        .nonce = NITRO_TEXT("nonce"),
    };
}

#endif
