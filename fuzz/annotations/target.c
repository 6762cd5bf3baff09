/*
 * fuzz/annotations/target.c - a layer's annotations are the registry's to write
 *
 * The input is the JSON object of the annotations.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocicrypt/annotations.h"

#include "ocicrypt/jwe_keys.h"
#include "ocicrypt/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The recipient of RFC 7518 appendix C, so that corpora stay good. */
static const char jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\","
                          "\"x\":\"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ\","
                          "\"y\":\"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck\","
                          "\"d\":\"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw\"}";

/* The sample key of upstream's coco_keyprovider, for every name but those that break the rules. */
static coco_status
get_kek(void *self, coco_ctx *ctx, const char *uri, struct coco_secret *ret, coco_error **err)
{
    static const uint8_t kek[] = {
        0xd9, 0x9b, 0x77, 0x05, 0xb0, 0xba, 0x7a, 0x16, 0x82, 0x95, 0xb3,
        0xa3, 0x36, 0x72, 0x70, 0xb0, 0xdd, 0x9b, 0x37, 0x1b, 0xf5, 0x14,
        0xca, 0x8b, 0x9b, 0xa7, 0xf0, 0xa3, 0x37, 0x11, 0xda, 0xea,
    };

    (void)self;
    (void)ctx;
    if (strncmp(uri, "kbs:///", 7) != 0 || strstr(uri, "..//") || strstr(uri, "/../"))
        abort();
    return coco_secret_copy(kek, sizeof(kek), ret, err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static EVP_PKEY *key;
    const struct coco_kek_source source = {.get = get_kek};
    const struct coco_jwe_keys keys = {&key, 1};
    const struct coco_wrapper openers[] = {coco_jwe_wrapper(&keys), coco_kek_opener(&source)};
    _cleanup_layer_key_ struct coco_layer_key layer = {0};
    _cleanup_json_ cJSON *annotations = NULL;
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    coco_error *err = NULL;

    if (!key && coco_key_parse_private(jwk, strlen(jwk), &key, NULL) != COCO_OK)
        abort();
    if (!list || coco_json_parse_object((const char *)data, len, &annotations, NULL) != COCO_OK)
        return 0;
    coco_status status = coco_annotations_open(annotations, openers, 2, NULL, &layer, &err);
    coco_error_free(err);
    err = NULL;
    if ((status == COCO_OK) != (layer.key.data != NULL))
        abort();
    if (status == COCO_OK && layer.key.len != COCO_LAYER_KEY_SIZE)
        abort();
    (void)coco_annotations_list(annotations, list, &err);
    coco_error_free(err);
    return 0;
}
